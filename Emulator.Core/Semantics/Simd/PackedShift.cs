using System.Runtime.Intrinsics;

namespace Emulator.Core.Semantics.Simd;

/// <summary>
/// Shifts of all lanes by one count. The count is the whole low quadword of the source operand, or the immediate byte; counts from the lane
/// width up give zero, or for arithmetic shifts all sign bits.
/// </summary>
public static class PackedShift
{
    public static Vector128<byte> Psllw(Vector128<byte> a, ulong count) =>
        count > 15 ? Vector128<byte>.Zero : (a.AsUInt16() << (int)count).AsByte();

    public static Vector128<byte> Pslld(Vector128<byte> a, ulong count) =>
        count > 31 ? Vector128<byte>.Zero : (a.AsUInt32() << (int)count).AsByte();

    public static Vector128<byte> Psllq(Vector128<byte> a, ulong count) =>
        count > 63 ? Vector128<byte>.Zero : (a.AsUInt64() << (int)count).AsByte();

    public static Vector128<byte> Psrlw(Vector128<byte> a, ulong count) =>
        count > 15 ? Vector128<byte>.Zero : (a.AsUInt16() >>> (int)count).AsByte();

    public static Vector128<byte> Psrld(Vector128<byte> a, ulong count) =>
        count > 31 ? Vector128<byte>.Zero : (a.AsUInt32() >>> (int)count).AsByte();

    public static Vector128<byte> Psrlq(Vector128<byte> a, ulong count) =>
        count > 63 ? Vector128<byte>.Zero : (a.AsUInt64() >>> (int)count).AsByte();

    public static Vector128<byte> Psraw(Vector128<byte> a, ulong count) => (a.AsInt16() >> (int)Math.Min(count, 15)).AsByte();

    public static Vector128<byte> Psrad(Vector128<byte> a, ulong count) => (a.AsInt32() >> (int)Math.Min(count, 31)).AsByte();

    /// <summary>The whole register left by <paramref name="count"/> bytes; XMM only.</summary>
    public static Vector128<byte> Pslldq(Vector128<byte> a, ulong count)
    {
        if (count > 15)
        {
            return Vector128<byte>.Zero;
        }

        var wide = ToUInt128(a) << (8 * (int)count);
        return FromUInt128(wide);
    }

    /// <summary>The whole register right by <paramref name="count"/> bytes; XMM only.</summary>
    public static Vector128<byte> Psrldq(Vector128<byte> a, ulong count)
    {
        if (count > 15)
        {
            return Vector128<byte>.Zero;
        }

        var wide = ToUInt128(a) >>> (8 * (int)count);
        return FromUInt128(wide);
    }

    private static UInt128 ToUInt128(Vector128<byte> a) => new(a.AsUInt64()[1], a.AsUInt64()[0]);

    private static Vector128<byte> FromUInt128(UInt128 a) => Vector128.Create((ulong)a, (ulong)(a >> 64)).AsByte();
}
