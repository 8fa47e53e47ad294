using System.Runtime.Intrinsics;

namespace Emulator.Core.Semantics.Simd;

/// <summary>
/// Lane-wise integer arithmetic, comparison and logic, named by mnemonic. An MMX operand is the low half of a vector whose upper half does
/// not matter: every operation here keeps the halves apart.
/// </summary>
public static class PackedInteger
{
    /// <summary>An MMX operand as a vector.</summary>
    public static Vector128<byte> FromMmx(ulong value) => Vector128.CreateScalar(value).AsByte();

    /// <summary>The MMX result in a vector.</summary>
    public static ulong ToMmx(Vector128<byte> value) => value.AsUInt64().ToScalar();

    public static Vector128<byte> Paddb(Vector128<byte> a, Vector128<byte> b) => a + b;

    public static Vector128<byte> Paddw(Vector128<byte> a, Vector128<byte> b) => (a.AsUInt16() + b.AsUInt16()).AsByte();

    public static Vector128<byte> Paddd(Vector128<byte> a, Vector128<byte> b) => (a.AsUInt32() + b.AsUInt32()).AsByte();

    public static Vector128<byte> Paddq(Vector128<byte> a, Vector128<byte> b) => (a.AsUInt64() + b.AsUInt64()).AsByte();

    public static Vector128<byte> Paddsb(Vector128<byte> a, Vector128<byte> b) => Vector128.AddSaturate(a.AsSByte(), b.AsSByte()).AsByte();

    public static Vector128<byte> Paddsw(Vector128<byte> a, Vector128<byte> b) => Vector128.AddSaturate(a.AsInt16(), b.AsInt16()).AsByte();

    public static Vector128<byte> Paddusb(Vector128<byte> a, Vector128<byte> b) => Vector128.AddSaturate(a, b);

    public static Vector128<byte> Paddusw(Vector128<byte> a, Vector128<byte> b) =>
        Vector128.AddSaturate(a.AsUInt16(), b.AsUInt16()).AsByte();

    public static Vector128<byte> Psubb(Vector128<byte> a, Vector128<byte> b) => a - b;

    public static Vector128<byte> Psubw(Vector128<byte> a, Vector128<byte> b) => (a.AsUInt16() - b.AsUInt16()).AsByte();

    public static Vector128<byte> Psubd(Vector128<byte> a, Vector128<byte> b) => (a.AsUInt32() - b.AsUInt32()).AsByte();

    public static Vector128<byte> Psubq(Vector128<byte> a, Vector128<byte> b) => (a.AsUInt64() - b.AsUInt64()).AsByte();

    public static Vector128<byte> Psubsb(Vector128<byte> a, Vector128<byte> b) =>
        Vector128.SubtractSaturate(a.AsSByte(), b.AsSByte()).AsByte();

    public static Vector128<byte> Psubsw(Vector128<byte> a, Vector128<byte> b) =>
        Vector128.SubtractSaturate(a.AsInt16(), b.AsInt16()).AsByte();

    public static Vector128<byte> Psubusb(Vector128<byte> a, Vector128<byte> b) => Vector128.SubtractSaturate(a, b);

    public static Vector128<byte> Psubusw(Vector128<byte> a, Vector128<byte> b) =>
        Vector128.SubtractSaturate(a.AsUInt16(), b.AsUInt16()).AsByte();

    public static Vector128<byte> Pmullw(Vector128<byte> a, Vector128<byte> b) => (a.AsInt16() * b.AsInt16()).AsByte();

    /// <summary>Upper halves of the signed products of words.</summary>
    public static Vector128<byte> Pmulhw(Vector128<byte> a, Vector128<byte> b)
    {
        var even = (EvenWords(a) * EvenWords(b)).AsUInt32() >>> 16;
        var odd = (OddWords(a) * OddWords(b)).AsUInt32() & Vector128.Create(0xFFFF_0000u);
        return (even | odd).AsByte();
    }

    /// <summary>Upper halves of the unsigned products of words.</summary>
    public static Vector128<byte> Pmulhuw(Vector128<byte> a, Vector128<byte> b)
    {
        var low = Vector128.Create(0xFFFFu);
        var even = ((a.AsUInt32() & low) * (b.AsUInt32() & low)) >>> 16;
        var odd = ((a.AsUInt32() >>> 16) * (b.AsUInt32() >>> 16)) & ~low;
        return (even | odd).AsByte();
    }

    /// <summary>Unsigned 32 x 32 to 64 bit products of the even doublewords.</summary>
    public static Vector128<byte> Pmuludq(Vector128<byte> a, Vector128<byte> b)
    {
        var low = Vector128.Create(0xFFFF_FFFFul);
        return ((a.AsUInt64() & low) * (b.AsUInt64() & low)).AsByte();
    }

    /// <summary>Sums of the two signed products of words in each doubleword.</summary>
    public static Vector128<byte> Pmaddwd(Vector128<byte> a, Vector128<byte> b) =>
        ((EvenWords(a) * EvenWords(b)) + (OddWords(a) * OddWords(b))).AsByte();

    /// <summary>Sums of the absolute differences of eight unsigned bytes, one sum a quadword.</summary>
    public static Vector128<byte> Psadbw(Vector128<byte> a, Vector128<byte> b)
    {
        var difference = Vector128.Max(a, b) - Vector128.Min(a, b);
        var low = Vector128.Sum(Vector128.WidenLower(difference));
        var high = Vector128.Sum(Vector128.WidenUpper(difference));
        return Vector128.Create((ulong)low, high).AsByte();
    }

    /// <summary>Averages of unsigned bytes, halves rounded up.</summary>
    public static Vector128<byte> Pavgb(Vector128<byte> a, Vector128<byte> b) =>
        (a | b) - (((a ^ b) & Vector128.Create((byte)0xFE)).AsUInt16() >>> 1).AsByte();

    /// <summary>Averages of unsigned words, halves rounded up.</summary>
    public static Vector128<byte> Pavgw(Vector128<byte> a, Vector128<byte> b) =>
        ((a.AsUInt16() | b.AsUInt16()) - ((a.AsUInt16() ^ b.AsUInt16()) >>> 1)).AsByte();

    public static Vector128<byte> Pminub(Vector128<byte> a, Vector128<byte> b) => Vector128.Min(a, b);

    public static Vector128<byte> Pmaxub(Vector128<byte> a, Vector128<byte> b) => Vector128.Max(a, b);

    public static Vector128<byte> Pminsw(Vector128<byte> a, Vector128<byte> b) => Vector128.Min(a.AsInt16(), b.AsInt16()).AsByte();

    public static Vector128<byte> Pmaxsw(Vector128<byte> a, Vector128<byte> b) => Vector128.Max(a.AsInt16(), b.AsInt16()).AsByte();

    public static Vector128<byte> Pcmpeqb(Vector128<byte> a, Vector128<byte> b) => Vector128.Equals(a, b);

    public static Vector128<byte> Pcmpeqw(Vector128<byte> a, Vector128<byte> b) => Vector128.Equals(a.AsInt16(), b.AsInt16()).AsByte();

    public static Vector128<byte> Pcmpeqd(Vector128<byte> a, Vector128<byte> b) => Vector128.Equals(a.AsInt32(), b.AsInt32()).AsByte();

    public static Vector128<byte> Pcmpgtb(Vector128<byte> a, Vector128<byte> b) => Vector128.GreaterThan(a.AsSByte(), b.AsSByte()).AsByte();

    public static Vector128<byte> Pcmpgtw(Vector128<byte> a, Vector128<byte> b) => Vector128.GreaterThan(a.AsInt16(), b.AsInt16()).AsByte();

    public static Vector128<byte> Pcmpgtd(Vector128<byte> a, Vector128<byte> b) => Vector128.GreaterThan(a.AsInt32(), b.AsInt32()).AsByte();

    public static Vector128<byte> Pand(Vector128<byte> a, Vector128<byte> b) => a & b;

    /// <summary>NOT first AND second.</summary>
    public static Vector128<byte> Pandn(Vector128<byte> a, Vector128<byte> b) => Vector128.AndNot(b, a);

    public static Vector128<byte> Por(Vector128<byte> a, Vector128<byte> b) => a | b;

    public static Vector128<byte> Pxor(Vector128<byte> a, Vector128<byte> b) => a ^ b;

    private static Vector128<int> EvenWords(Vector128<byte> a) => (a.AsInt32() << 16) >> 16;

    private static Vector128<int> OddWords(Vector128<byte> a) => a.AsInt32() >> 16;
}
