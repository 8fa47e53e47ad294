namespace Emulator.Tests.Conformance;

/// <summary>The vector files, and the modes that each claims for some of its vectors.</summary>
internal static class VectorGroups
{
    private const VectorModes SixteenBit = VectorModes.R16 | VectorModes.V86 | VectorModes.P16;
    private const VectorModes ThirtyTwoBit = VectorModes.U32 | VectorModes.P32;

    /// <summary>File names without extension, with their modes.</summary>
    public static IReadOnlyList<(string Name, VectorModes Modes)> All { get; } =
    [
        ("int16", SixteenBit),
        ("int32", ThirtyTwoBit),
        ("invalid", SixteenBit | ThirtyTwoBit),
        ("mmx", SixteenBit | ThirtyTwoBit),
        ("page32", VectorModes.U32),
        ("priv", SixteenBit | ThirtyTwoBit),
        ("seg16", VectorModes.P16),
        ("seg32", VectorModes.U32),
        ("seq16", SixteenBit),
        ("seq32", ThirtyTwoBit),
        ("sse16", SixteenBit),
        ("sse32", ThirtyTwoBit),
        ("x87_16", SixteenBit),
        ("x87_32", ThirtyTwoBit),
    ];

    /// <summary>The single modes in a set.</summary>
    /// <param name="modes">Set of modes.</param>
    public static IEnumerable<VectorModes> Split(VectorModes modes) =>
        new[] { VectorModes.R16, VectorModes.V86, VectorModes.P16, VectorModes.U32, VectorModes.P32 }.Where(m => (modes & m) != 0);
}
