using System.Runtime.Intrinsics;

namespace Emulator.Core.Semantics.Simd;

/// <summary>
/// Moving lanes about: pack, unpack, shuffle, insert, extract, masks; named by mnemonic. Where the MMX form is not simply the low half
/// of the XMM form it has a method of its own on quadwords.
/// </summary>
public static class PackedShuffle
{
    public static Vector128<byte> Packsswb(Vector128<byte> a, Vector128<byte> b) =>
        Vector128.NarrowWithSaturation(a.AsInt16(), b.AsInt16()).AsByte();

    public static Vector128<byte> Packssdw(Vector128<byte> a, Vector128<byte> b) =>
        Vector128.NarrowWithSaturation(a.AsInt32(), b.AsInt32()).AsByte();

    /// <summary>Signed words to bytes with unsigned saturation.</summary>
    public static Vector128<byte> Packuswb(Vector128<byte> a, Vector128<byte> b)
    {
        var zero = Vector128<short>.Zero;
        var top = Vector128.Create((short)255);
        return Vector128.Narrow(
            Vector128.Min(Vector128.Max(a.AsInt16(), zero), top).AsUInt16(),
            Vector128.Min(Vector128.Max(b.AsInt16(), zero), top).AsUInt16());
    }

    public static ulong PacksswbMmx(ulong a, ulong b) => Low(Packsswb(Join(a, b), default));

    public static ulong PackssdwMmx(ulong a, ulong b) => Low(Packssdw(Join(a, b), default));

    public static ulong PackuswbMmx(ulong a, ulong b) => Low(Packuswb(Join(a, b), default));

    public static Vector128<byte> Punpcklbw(Vector128<byte> a, Vector128<byte> b) =>
        (Vector128.WidenLower(a) | (Vector128.WidenLower(b) << 8)).AsByte();

    public static Vector128<byte> Punpcklwd(Vector128<byte> a, Vector128<byte> b) =>
        (Vector128.WidenLower(a.AsUInt16()) | (Vector128.WidenLower(b.AsUInt16()) << 16)).AsByte();

    public static Vector128<byte> Punpckldq(Vector128<byte> a, Vector128<byte> b) =>
        (Vector128.WidenLower(a.AsUInt32()) | (Vector128.WidenLower(b.AsUInt32()) << 32)).AsByte();

    public static Vector128<byte> Punpcklqdq(Vector128<byte> a, Vector128<byte> b) => Join(a.AsUInt64()[0], b.AsUInt64()[0]);

    public static Vector128<byte> Punpckhbw(Vector128<byte> a, Vector128<byte> b) =>
        (Vector128.WidenUpper(a) | (Vector128.WidenUpper(b) << 8)).AsByte();

    public static Vector128<byte> Punpckhwd(Vector128<byte> a, Vector128<byte> b) =>
        (Vector128.WidenUpper(a.AsUInt16()) | (Vector128.WidenUpper(b.AsUInt16()) << 16)).AsByte();

    public static Vector128<byte> Punpckhdq(Vector128<byte> a, Vector128<byte> b) =>
        (Vector128.WidenUpper(a.AsUInt32()) | (Vector128.WidenUpper(b.AsUInt32()) << 32)).AsByte();

    public static Vector128<byte> Punpckhqdq(Vector128<byte> a, Vector128<byte> b) => Join(a.AsUInt64()[1], b.AsUInt64()[1]);

    public static ulong PunpckhbwMmx(ulong a, ulong b) =>
        High(Punpcklbw(Vector128.CreateScalar(a).AsByte(), Vector128.CreateScalar(b).AsByte()));

    public static ulong PunpckhwdMmx(ulong a, ulong b) =>
        High(Punpcklwd(Vector128.CreateScalar(a).AsByte(), Vector128.CreateScalar(b).AsByte()));

    public static ulong PunpckhdqMmx(ulong a, ulong b) => (a >> 32) | (b & 0xFFFF_FFFF_0000_0000);

    /// <summary>PSHUFD.</summary>
    public static Vector128<byte> Pshufd(Vector128<byte> b, int order)
    {
        var x = b.AsUInt32();
        return Vector128.Create(x[order & 3], x[(order >> 2) & 3], x[(order >> 4) & 3], x[(order >> 6) & 3]).AsByte();
    }

    /// <summary>PSHUFW, and a half of PSHUFLW and PSHUFHW.</summary>
    public static ulong Pshufw(ulong b, int order)
    {
        var r = (ulong)(ushort)(b >> ((order & 3) * 16));
        r |= (ulong)(ushort)(b >> (((order >> 2) & 3) * 16)) << 16;
        r |= (ulong)(ushort)(b >> (((order >> 4) & 3) * 16)) << 32;
        r |= (b >> (((order >> 6) & 3) * 16)) << 48;
        return r;
    }

    public static Vector128<byte> Pshuflw(Vector128<byte> b, int order) => Join(Pshufw(b.AsUInt64()[0], order), b.AsUInt64()[1]);

    public static Vector128<byte> Pshufhw(Vector128<byte> b, int order) => Join(b.AsUInt64()[0], Pshufw(b.AsUInt64()[1], order));

    /// <summary>SHUFPS.</summary>
    public static Vector128<byte> Shufps(Vector128<byte> a, Vector128<byte> b, int order)
    {
        var x = a.AsUInt32();
        var y = b.AsUInt32();
        return Vector128.Create(x[order & 3], x[(order >> 2) & 3], y[(order >> 4) & 3], y[(order >> 6) & 3]).AsByte();
    }

    /// <summary>SHUFPD.</summary>
    public static Vector128<byte> Shufpd(Vector128<byte> a, Vector128<byte> b, int order) =>
        Join(a.AsUInt64()[order & 1], b.AsUInt64()[(order >> 1) & 1]);

    /// <summary>The low half of <paramref name="b"/> and the high half of <paramref name="a"/>.</summary>
    public static Vector128<byte> MergeLow(Vector128<byte> a, Vector128<byte> b) => Join(b.AsUInt64()[0], a.AsUInt64()[1]);

    /// <summary>PEXTRW from an XMM register.</summary>
    public static uint Pextrw(Vector128<byte> b, int index) => b.AsUInt16()[index & 7];

    /// <summary>PEXTRW from an MMX register.</summary>
    public static uint PextrwMmx(ulong b, int index) => (ushort)(b >> ((index & 3) * 16));

    /// <summary>PINSRW to an XMM register.</summary>
    public static Vector128<byte> Pinsrw(Vector128<byte> a, ushort value, int index) => a.AsUInt16().WithElement(index & 7, value).AsByte();

    /// <summary>PINSRW to an MMX register.</summary>
    public static ulong PinsrwMmx(ulong a, ushort value, int index)
    {
        var shift = (index & 3) * 16;
        return (a & ~(0xFFFFul << shift)) | ((ulong)value << shift);
    }

    /// <summary>The sign bits of the bytes.</summary>
    public static uint Pmovmskb(Vector128<byte> b) => b.ExtractMostSignificantBits();

    /// <summary>The sign bits of the singles.</summary>
    public static uint Movmskps(Vector128<byte> b) => b.AsSingle().ExtractMostSignificantBits();

    /// <summary>The sign bits of the doubles.</summary>
    public static uint Movmskpd(Vector128<byte> b) => b.AsDouble().ExtractMostSignificantBits();

    private static Vector128<byte> Join(ulong low, ulong high) => Vector128.Create(low, high).AsByte();

    private static ulong Low(Vector128<byte> a) => a.AsUInt64()[0];

    private static ulong High(Vector128<byte> a) => a.AsUInt64()[1];
}
