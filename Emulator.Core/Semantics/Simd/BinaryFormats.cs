namespace Emulator.Core.Semantics.Simd;

/// <summary>An IEEE 754 binary interchange format of at most 64 bits.</summary>
internal interface IBinaryFormat
{
    /// <summary>Bits of the stored fraction.</summary>
    static abstract int FractionBits { get; }

    /// <summary>Bits of the exponent field.</summary>
    static abstract int ExponentBits { get; }
}

/// <summary>Single precision.</summary>
internal readonly struct Binary32 : IBinaryFormat
{
    public static int FractionBits => 23;

    public static int ExponentBits => 8;
}

/// <summary>Double precision.</summary>
internal readonly struct Binary64 : IBinaryFormat
{
    public static int FractionBits => 52;

    public static int ExponentBits => 11;
}
