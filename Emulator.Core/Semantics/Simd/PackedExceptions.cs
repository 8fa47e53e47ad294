namespace Emulator.Core.Semantics.Simd;

/// <summary>How the exceptions of the lanes of one packed instruction combine.</summary>
internal static class PackedExceptions
{
    /// <summary>
    /// An unmasked exception of the operands in any lane stops the instruction before any lane is computed, so that no lane raises OE, UE or
    /// PE (SDM vol. 1, 11.5.2 and 11.5.3).
    /// </summary>
    public static uint Settle(uint mxcsr, uint raised) =>
        (Mxcsr.Unmasked(mxcsr, raised) & Mxcsr.PreComputation) != 0 ? raised & Mxcsr.PreComputation : raised;
}
