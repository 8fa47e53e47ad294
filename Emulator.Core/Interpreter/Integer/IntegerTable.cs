namespace Emulator.Core.Interpreter;

/// <summary>Rows of the Integer instructions.</summary>
internal static unsafe class IntegerTable
{
    /// <summary>Fills the rows.</summary>
    /// <param name="table">The table.</param>
    public static void Register(InstructionTable table)
    {
    }
}
