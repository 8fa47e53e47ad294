namespace Emulator.Core.Semantics.Simd;

/// <summary>The bits of MXCSR, the SSE control and status register (SDM vol. 1, 10.2.3).</summary>
public static class Mxcsr
{
    /// <summary>Invalid operation (IE).</summary>
    public const uint Invalid = 0x01;

    /// <summary>Denormal operand (DE).</summary>
    public const uint Denormal = 0x02;

    /// <summary>Division of a finite number by zero (ZE).</summary>
    public const uint ZeroDivide = 0x04;

    /// <summary>Overflow (OE).</summary>
    public const uint Overflow = 0x08;

    /// <summary>Underflow (UE).</summary>
    public const uint Underflow = 0x10;

    /// <summary>Inexact result (PE).</summary>
    public const uint Precision = 0x20;

    /// <summary>All six exception flags.</summary>
    public const uint Flags = 0x3F;

    /// <summary>The exceptions found by looking at the operands alone, before anything is computed.</summary>
    public const uint PreComputation = Invalid | Denormal | ZeroDivide;

    /// <summary>Denormal operands count as zeros (DAZ).</summary>
    public const uint DenormalsAreZeros = 0x40;

    /// <summary>Distance from an exception flag to its mask bit.</summary>
    public const int MaskShift = 7;

    /// <summary>The mask bit of the underflow exception (UM).</summary>
    public const uint UnderflowMask = Underflow << MaskShift;

    /// <summary>The mask bit of the overflow exception (OM).</summary>
    public const uint OverflowMask = Overflow << MaskShift;

    /// <summary>The mask bit of the precision exception (PM).</summary>
    public const uint PrecisionMask = Precision << MaskShift;

    /// <summary>Position of the two rounding control bits.</summary>
    public const int RoundingShift = 13;

    /// <summary>The rounding control field.</summary>
    public const uint RoundingField = 3u << RoundingShift;

    /// <summary>Masked underflow gives zero (FTZ).</summary>
    public const uint FlushToZero = 0x8000;

    /// <summary>MXCSR_MASK: the bits that can be written; LDMXCSR and FXRSTOR of others raise #GP.</summary>
    public const uint Writable = 0xFFFF;

    /// <summary>The value after reset: all exceptions masked, round to nearest.</summary>
    public const uint Reset = 0x1F80;

    /// <summary>Rounding control: to nearest, ties to even.</summary>
    public const uint RoundNearest = 0;

    /// <summary>Rounding control: toward minus infinity.</summary>
    public const uint RoundDown = 1;

    /// <summary>Rounding control: toward plus infinity.</summary>
    public const uint RoundUp = 2;

    /// <summary>Rounding control: toward zero.</summary>
    public const uint RoundTruncate = 3;

    /// <summary>The flags among <paramref name="raised"/> whose exceptions are not masked; non-zero means #XM and no result.</summary>
    public static uint Unmasked(uint mxcsr, uint raised) => raised & ~(mxcsr >> MaskShift) & Flags;

    /// <summary>The rounding control of <paramref name="mxcsr"/>, 0 to 3.</summary>
    public static uint Rounding(uint mxcsr) => (mxcsr >> RoundingShift) & 3;

    /// <summary>
    /// True when a further inexact result changes nothing: PE is set already and its exception is masked.
    /// The fast paths then need not find out whether a result was exact.
    /// </summary>
    internal static bool PrecisionIsKnown(uint mxcsr) =>
        (mxcsr & (Precision | PrecisionMask)) == (Precision | PrecisionMask);
}
