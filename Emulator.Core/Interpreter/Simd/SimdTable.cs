using Emulator.Core.Interpreter.Simd;

namespace Emulator.Core.Interpreter;

/// <summary>Rows of the MMX, SSE and SSE2 instructions, FXSAVE and FXRSTOR.</summary>
internal static class SimdTable
{
    /// <summary>Fills the rows.</summary>
    /// <param name="table">The table.</param>
    public static void Register(InstructionTable table)
    {
        PackedRows.Register(table);
        FloatRows.Register(table);
        MoveRows.Register(table);
    }
}
