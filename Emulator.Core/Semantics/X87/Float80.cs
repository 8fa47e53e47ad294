using System.Globalization;
using System.Runtime.InteropServices;

namespace Emulator.Core.Semantics.X87;

/// <summary>
/// A value in the double extended-precision format of the x87 registers: a 64-bit significand with an explicit integer bit, and
/// sign (bit 15) with a 15-bit exponent biased by 16383. Every bit pattern is representable, unsupported ones included.
/// </summary>
/// <param name="significand">Integer bit (63) and fraction.</param>
/// <param name="signExponent">Sign in bit 15, biased exponent in bits 14..0.</param>
[StructLayout(LayoutKind.Sequential)]
public readonly struct Float80(ulong significand, ushort signExponent) : IEquatable<Float80>
{
    /// <summary>Integer bit (63) and fraction.</summary>
    public readonly ulong Significand = significand;

    /// <summary>Sign in bit 15, biased exponent in bits 14..0.</summary>
    public readonly ushort SignExponent = signExponent;

    /// <summary>The bias of <see cref="Exponent"/>.</summary>
    public const int Bias = 0x3FFF;

    /// <summary>The integer bit of the significand.</summary>
    public const ulong IntegerBit = 0x8000_0000_0000_0000;

    /// <summary>The quiet bit of a NaN's significand.</summary>
    public const ulong QuietBit = 0x4000_0000_0000_0000;

    /// <summary>Positive zero.</summary>
    public static Float80 Zero => default;

    /// <summary>1.0.</summary>
    public static Float80 One => new(IntegerBit, Bias);

    /// <summary>The QNaN floating-point indefinite, the masked response to an invalid operation.</summary>
    public static Float80 Indefinite => new(IntegerBit | QuietBit, 0xFFFF);

    /// <summary>Positive infinity.</summary>
    public static Float80 Infinity => new(IntegerBit, 0x7FFF);

    /// <summary>The biased exponent, 0..7FFFh.</summary>
    public int Exponent => SignExponent & 0x7FFF;

    /// <summary>0 or 8000h.</summary>
    public uint Sign => SignExponent & 0x8000u;

    /// <summary>This value with its sign cleared.</summary>
    public Float80 Absolute() => new(Significand, (ushort)(SignExponent & 0x7FFF));

    /// <summary>This value with its sign inverted.</summary>
    public Float80 Negate() => new(Significand, (ushort)(SignExponent ^ 0x8000));

    /// <summary>Whether both have the same bits (so a NaN equals itself, and the two zeros differ).</summary>
    public bool Equals(Float80 other) => Significand == other.Significand && SignExponent == other.SignExponent;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is Float80 other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Significand, SignExponent);

    /// <summary>Bit equality; see <see cref="Equals(Float80)"/>.</summary>
    public static bool operator ==(Float80 left, Float80 right) => left.Equals(right);

    /// <summary>Bit inequality.</summary>
    public static bool operator !=(Float80 left, Float80 right) => !left.Equals(right);

    /// <summary>Sign and exponent, then the significand, in hexadecimal: <c>3FFF:8000000000000000</c>.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{SignExponent:X4}:{Significand:X16}");
}
