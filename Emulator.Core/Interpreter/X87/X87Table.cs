namespace Emulator.Core.Interpreter;

/// <summary>Rows of the X87 instructions.</summary>
internal static unsafe class X87Table
{
    /// <summary>Fills the rows.</summary>
    /// <param name="table">The table.</param>
    public static void Register(InstructionTable table)
    {
    }
}
