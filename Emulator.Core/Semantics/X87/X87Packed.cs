using System.Runtime.CompilerServices;

namespace Emulator.Core.Semantics.X87;

/// <summary>
/// A register value together with what computing it raised, in two machine words: what <see cref="X87Fast"/> returns, so that a result
/// takes two registers and no memory.
/// </summary>
/// <param name="significand">Integer bit (63) and fraction; of a store, the bits to be stored.</param>
/// <param name="bits">See <see cref="Bits"/>.</param>
public readonly struct X87Packed(ulong significand, uint bits)
{
    /// <summary>Set in <see cref="Bits"/> for all but normal numbers.</summary>
    public const uint Special = 0x8000_0000;

    /// <summary>Position of the raised bits in <see cref="Bits"/>.</summary>
    public const int RaisedShift = 16;

    /// <summary>Integer bit (63) and fraction; of a store, the bits to be stored.</summary>
    public readonly ulong Significand = significand;

    /// <summary>
    /// Sign and exponent in bits 15..0; in bits 30..16 what was raised, as in the status word; bit 31 (there B, which no operation raises)
    /// is set unless the value is a normal number.
    /// </summary>
    public readonly uint Bits = bits;

    /// <summary>Packs a value and status bits.</summary>
    /// <param name="value">The value.</param>
    /// <param name="raised">What was raised, as in the status word.</param>
    public X87Packed(Float80 value, uint raised)
        : this(value.Significand, BitsOf(value.Significand, value.SignExponent) | (raised << RaisedShift))
    {
    }

    /// <summary>The value without what was raised.</summary>
    public Float80 Value => new(Significand, (ushort)Bits);

    /// <summary>What was raised, as in the status word.</summary>
    public uint Raised => (Bits & ~Special) >> RaisedShift;

    /// <summary><see cref="Bits"/> of a value that raised nothing.</summary>
    /// <param name="significand">Its significand.</param>
    /// <param name="signExponent">Its sign and exponent, nothing above.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint BitsOf(ulong significand, uint signExponent) =>
        (signExponent & 0x7FFF) - 1 < 0x7FFE && (long)significand < 0 ? signExponent : signExponent | Special;
}
