namespace Emulator.Core.Semantics.X87;

/// <summary>
/// A register value together with what computing it raised, in two machine words: what <see cref="X87Fast"/> returns, so that a result
/// takes two registers and no memory.
/// </summary>
/// <param name="significand">Integer bit (63) and fraction; of a store, the bits to be stored.</param>
/// <param name="bits">Sign and exponent in bits 15..0; in bits 31..16 what was raised, as in the status word.</param>
public readonly struct X87Packed(ulong significand, uint bits)
{
    /// <summary>Position of the raised bits in <see cref="Bits"/>.</summary>
    public const int RaisedShift = 16;

    /// <summary>Integer bit (63) and fraction; of a store, the bits to be stored.</summary>
    public readonly ulong Significand = significand;

    /// <summary>Sign and exponent in bits 15..0; in bits 31..16 what was raised, as in the status word.</summary>
    public readonly uint Bits = bits;

    /// <summary>Packs a value and status bits.</summary>
    /// <param name="value">The value.</param>
    /// <param name="raised">What was raised, as in the status word.</param>
    public X87Packed(Float80 value, uint raised)
        : this(value.Significand, value.SignExponent | (raised << RaisedShift))
    {
    }

    /// <summary>The value without what was raised.</summary>
    public Float80 Value => new(Significand, (ushort)Bits);

    /// <summary>What was raised, as in the status word.</summary>
    public uint Raised => Bits >> RaisedShift;
}
