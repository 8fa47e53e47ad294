namespace Emulator.Core.Interpreter;

/// <summary>Rows of the Simd instructions.</summary>
internal static unsafe class SimdTable
{
    /// <summary>Fills the rows.</summary>
    /// <param name="table">The table.</param>
    public static void Register(InstructionTable table)
    {
    }
}
