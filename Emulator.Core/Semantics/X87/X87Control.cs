namespace Emulator.Core.Semantics.X87;

/// <summary>Fields of the x87 control word. Bits 5..0 mask the exceptions of <see cref="X87Status"/>.</summary>
public static class X87Control
{
    /// <summary>The precision control field.</summary>
    public const uint PrecisionMask = 0x0300;

    /// <summary>Precision control: 24-bit significand.</summary>
    public const uint Precision24 = 0x0000;

    /// <summary>Precision control: 53-bit significand.</summary>
    public const uint Precision53 = 0x0200;

    /// <summary>Precision control: 64-bit significand.</summary>
    public const uint Precision64 = 0x0300;

    /// <summary>The rounding control field.</summary>
    public const uint RoundingMask = 0x0C00;

    /// <summary>Rounding control: to nearest, ties to even.</summary>
    public const uint RoundNearest = 0x0000;

    /// <summary>Rounding control: toward minus infinity.</summary>
    public const uint RoundDown = 0x0400;

    /// <summary>Rounding control: toward plus infinity.</summary>
    public const uint RoundUp = 0x0800;

    /// <summary>Rounding control: toward zero.</summary>
    public const uint RoundZero = 0x0C00;

    /// <summary>The control word after FNINIT: everything masked, 64 bits, to nearest.</summary>
    public const uint Default = 0x037F;
}
