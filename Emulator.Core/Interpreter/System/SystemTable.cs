namespace Emulator.Core.Interpreter;

/// <summary>Rows of the System instructions.</summary>
internal static unsafe class SystemTable
{
    /// <summary>Fills the rows.</summary>
    /// <param name="table">The table.</param>
    public static void Register(InstructionTable table)
    {
    }
}
