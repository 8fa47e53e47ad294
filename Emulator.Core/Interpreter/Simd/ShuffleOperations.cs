using System.Runtime.Intrinsics;
using Emulator.Core.Semantics.Simd;

namespace Emulator.Core.Interpreter.Simd;

/// <summary>An operation on XMM registers with an immediate byte.</summary>
internal interface IShuffleOperation
{
    /// <summary>The new destination from the old, the source and the immediate.</summary>
    static abstract Vector128<byte> Apply(Vector128<byte> a, Vector128<byte> b, int order);
}

internal readonly struct Pshufd : IShuffleOperation
{
    public static Vector128<byte> Apply(Vector128<byte> a, Vector128<byte> b, int order) => PackedShuffle.Pshufd(b, order);
}

internal readonly struct Pshuflw : IShuffleOperation
{
    public static Vector128<byte> Apply(Vector128<byte> a, Vector128<byte> b, int order) => PackedShuffle.Pshuflw(b, order);
}

internal readonly struct Pshufhw : IShuffleOperation
{
    public static Vector128<byte> Apply(Vector128<byte> a, Vector128<byte> b, int order) => PackedShuffle.Pshufhw(b, order);
}

internal readonly struct Shufps : IShuffleOperation
{
    public static Vector128<byte> Apply(Vector128<byte> a, Vector128<byte> b, int order) => PackedShuffle.Shufps(a, b, order);
}

internal readonly struct Shufpd : IShuffleOperation
{
    public static Vector128<byte> Apply(Vector128<byte> a, Vector128<byte> b, int order) => PackedShuffle.Shufpd(a, b, order);
}
