using System.Runtime.Intrinsics;
using Emulator.Core.Semantics.Simd;
using NUnit.Framework;

namespace Emulator.Tests.Simd;

/// <summary>Packed integer operations against lane loops written out from the manual's pseudocode.</summary>
public sealed class PackedIntegerTests
{
    private const int Seed = 4711;

    public delegate Vector128<byte> Operation(Vector128<byte> a, Vector128<byte> b);

    private static IEnumerable<TestCaseData> LaneCases()
    {
        yield return Lane("paddb", 8, PackedInteger.Paddb, (a, b) => a + b);
        yield return Lane("paddw", 16, PackedInteger.Paddw, (a, b) => a + b);
        yield return Lane("paddd", 32, PackedInteger.Paddd, (a, b) => a + b);
        yield return Lane("paddq", 64, PackedInteger.Paddq, (a, b) => a + b);
        yield return Lane("psubb", 8, PackedInteger.Psubb, (a, b) => a - b);
        yield return Lane("psubw", 16, PackedInteger.Psubw, (a, b) => a - b);
        yield return Lane("psubd", 32, PackedInteger.Psubd, (a, b) => a - b);
        yield return Lane("psubq", 64, PackedInteger.Psubq, (a, b) => a - b);
        yield return Lane("paddsb", 8, PackedInteger.Paddsb, (a, b) => Math.Clamp(a + b, -128, 127));
        yield return Lane("paddsw", 16, PackedInteger.Paddsw, (a, b) => Math.Clamp(a + b, -32768, 32767));
        yield return Lane("psubsb", 8, PackedInteger.Psubsb, (a, b) => Math.Clamp(a - b, -128, 127));
        yield return Lane("psubsw", 16, PackedInteger.Psubsw, (a, b) => Math.Clamp(a - b, -32768, 32767));
        yield return Lane("paddusb", 8, PackedInteger.Paddusb, (a, b) => Math.Min((byte)a + (byte)b, 255));
        yield return Lane("paddusw", 16, PackedInteger.Paddusw, (a, b) => Math.Min((ushort)a + (ushort)b, 65535));
        yield return Lane("psubusb", 8, PackedInteger.Psubusb, (a, b) => Math.Max((byte)a - (byte)b, 0));
        yield return Lane("psubusw", 16, PackedInteger.Psubusw, (a, b) => Math.Max((ushort)a - (ushort)b, 0));
        yield return Lane("pmullw", 16, PackedInteger.Pmullw, (a, b) => a * b);
        yield return Lane("pmulhw", 16, PackedInteger.Pmulhw, (a, b) => (a * b) >> 16);
        yield return Lane("pmulhuw", 16, PackedInteger.Pmulhuw, (a, b) => ((long)(ushort)a * (ushort)b) >> 16);
        yield return Lane("pmuludq", 64, PackedInteger.Pmuludq, (a, b) => (long)((ulong)(uint)a * (uint)b));
        yield return Lane("pmaddwd", 32, PackedInteger.Pmaddwd, (a, b) => ((short)a * (short)b) + ((a >> 16) * (b >> 16)));
        yield return Lane("psadbw", 64, PackedInteger.Psadbw, SumOfDifferences);
        yield return Lane("pavgb", 8, PackedInteger.Pavgb, (a, b) => ((byte)a + (byte)b + 1) >> 1);
        yield return Lane("pavgw", 16, PackedInteger.Pavgw, (a, b) => ((ushort)a + (ushort)b + 1) >> 1);
        yield return Lane("pminub", 8, PackedInteger.Pminub, (a, b) => Math.Min((byte)a, (byte)b));
        yield return Lane("pmaxub", 8, PackedInteger.Pmaxub, (a, b) => Math.Max((byte)a, (byte)b));
        yield return Lane("pminsw", 16, PackedInteger.Pminsw, Math.Min);
        yield return Lane("pmaxsw", 16, PackedInteger.Pmaxsw, Math.Max);
        yield return Lane("pcmpeqb", 8, PackedInteger.Pcmpeqb, (a, b) => a == b ? -1 : 0);
        yield return Lane("pcmpeqw", 16, PackedInteger.Pcmpeqw, (a, b) => a == b ? -1 : 0);
        yield return Lane("pcmpeqd", 32, PackedInteger.Pcmpeqd, (a, b) => a == b ? -1 : 0);
        yield return Lane("pcmpgtb", 8, PackedInteger.Pcmpgtb, (a, b) => a > b ? -1 : 0);
        yield return Lane("pcmpgtw", 16, PackedInteger.Pcmpgtw, (a, b) => a > b ? -1 : 0);
        yield return Lane("pcmpgtd", 32, PackedInteger.Pcmpgtd, (a, b) => a > b ? -1 : 0);
        yield return Lane("pand", 64, PackedInteger.Pand, (a, b) => a & b);
        yield return Lane("pandn", 64, PackedInteger.Pandn, (a, b) => ~a & b);
        yield return Lane("por", 64, PackedInteger.Por, (a, b) => a | b);
        yield return Lane("pxor", 64, PackedInteger.Pxor, (a, b) => a ^ b);
    }

    [TestCaseSource(nameof(LaneCases))]
    public void Lanes_follow_the_pseudocode(int width, Operation operation, Func<long, long, long> lane)
    {
        var random = new Random(Seed);
        for (var i = 0; i < 500; i++)
        {
            var a = Register(random);
            var b = Register(random);
            var expected = default(Vector128<byte>);
            for (var at = 0; at < 128; at += width)
            {
                expected = Insert(expected, at, width, lane(Extract(a, at, width), Extract(b, at, width)));
            }

            Assert.That(operation(a, b), Is.EqualTo(expected), $"{a} {b} (seed {Seed})");
        }
    }

    private static IEnumerable<TestCaseData> PackCases()
    {
        yield return new TestCaseData(16, (Operation)PackedShuffle.Packsswb, (Func<ulong, ulong, ulong>)PackedShuffle.PacksswbMmx, -128L, 127L)
            .SetName("packsswb");
        yield return new TestCaseData(32, (Operation)PackedShuffle.Packssdw, (Func<ulong, ulong, ulong>)PackedShuffle.PackssdwMmx, -32768L, 32767L)
            .SetName("packssdw");
        yield return new TestCaseData(16, (Operation)PackedShuffle.Packuswb, (Func<ulong, ulong, ulong>)PackedShuffle.PackuswbMmx, 0L, 255L)
            .SetName("packuswb");
    }

    [TestCaseSource(nameof(PackCases))]
    public void Pack_saturates(int width, Operation operation, Func<ulong, ulong, ulong> mmx, long low, long high)
    {
        var random = new Random(Seed);
        for (var i = 0; i < 500; i++)
        {
            var a = Register(random);
            var b = Register(random);
            var wide = default(Vector128<byte>);
            var narrow = default(Vector128<byte>);
            for (var at = 0; at < 128; at += width)
            {
                var x = Math.Clamp(Extract(a, at, width), low, high);
                var y = Math.Clamp(Extract(b, at, width), low, high);
                wide = Insert(Insert(wide, at / 2, width / 2, x), 64 + (at / 2), width / 2, y);
                if (at < 64)
                {
                    narrow = Insert(Insert(narrow, at / 2, width / 2, x), 32 + (at / 2), width / 2, y);
                }
            }

            Assert.That(operation(a, b), Is.EqualTo(wide));
            Assert.That(mmx(a.AsUInt64()[0], b.AsUInt64()[0]), Is.EqualTo(narrow.AsUInt64()[0]));
        }
    }

    private static IEnumerable<TestCaseData> UnpackCases()
    {
        yield return new TestCaseData(8, (Operation)PackedShuffle.Punpcklbw, (Operation)PackedShuffle.Punpckhbw).SetName("punpckbw");
        yield return new TestCaseData(16, (Operation)PackedShuffle.Punpcklwd, (Operation)PackedShuffle.Punpckhwd).SetName("punpckwd");
        yield return new TestCaseData(32, (Operation)PackedShuffle.Punpckldq, (Operation)PackedShuffle.Punpckhdq).SetName("punpckdq");
        yield return new TestCaseData(64, (Operation)PackedShuffle.Punpcklqdq, (Operation)PackedShuffle.Punpckhqdq).SetName("punpckqdq");
    }

    [TestCaseSource(nameof(UnpackCases))]
    public void Unpack_interleaves(int width, Operation low, Operation high)
    {
        var random = new Random(Seed);
        for (var i = 0; i < 200; i++)
        {
            var a = Register(random);
            var b = Register(random);
            var expectedLow = default(Vector128<byte>);
            var expectedHigh = default(Vector128<byte>);
            for (var at = 0; at < 64; at += width)
            {
                expectedLow = Insert(expectedLow, at * 2, width, Extract(a, at, width));
                expectedLow = Insert(expectedLow, (at * 2) + width, width, Extract(b, at, width));
                expectedHigh = Insert(expectedHigh, at * 2, width, Extract(a, at + 64, width));
                expectedHigh = Insert(expectedHigh, (at * 2) + width, width, Extract(b, at + 64, width));
            }

            Assert.That(low(a, b), Is.EqualTo(expectedLow));
            Assert.That(high(a, b), Is.EqualTo(expectedHigh));
        }
    }

    [Test]
    public void Mmx_high_unpacks_take_the_upper_doublewords()
    {
        const ulong A = 0x7766554433221100;
        const ulong B = 0xFFEEDDCCBBAA9988;
        Assert.Multiple(() =>
        {
            Assert.That(PackedShuffle.PunpckhbwMmx(A, B), Is.EqualTo(0xFF77EE66DD55CC44));
            Assert.That(PackedShuffle.PunpckhwdMmx(A, B), Is.EqualTo(0xFFEE7766DDCC5544));
            Assert.That(PackedShuffle.PunpckhdqMmx(A, B), Is.EqualTo(0xFFEEDDCC77665544));
        });
    }

    private static IEnumerable<TestCaseData> ShiftCases()
    {
        yield return Shift("psllw", 16, PackedShift.Psllw, (a, n, w) => n < w ? a << n : 0);
        yield return Shift("pslld", 32, PackedShift.Pslld, (a, n, w) => n < w ? a << n : 0);
        yield return Shift("psllq", 64, PackedShift.Psllq, (a, n, w) => n < w ? a << n : 0);
        yield return Shift("psrlw", 16, PackedShift.Psrlw, (a, n, w) => n < w ? (long)((ulong)(ushort)a >> n) : 0);
        yield return Shift("psrld", 32, PackedShift.Psrld, (a, n, w) => n < w ? (long)((ulong)(uint)a >> n) : 0);
        yield return Shift("psrlq", 64, PackedShift.Psrlq, (a, n, w) => n < w ? (long)((ulong)a >> n) : 0);
        yield return Shift("psraw", 16, PackedShift.Psraw, (a, n, w) => a >> Math.Min(n, w - 1));
        yield return Shift("psrad", 32, PackedShift.Psrad, (a, n, w) => a >> Math.Min(n, w - 1));
        yield return Shift("pslldq", 128, PackedShift.Pslldq, null);
        yield return Shift("psrldq", -128, PackedShift.Psrldq, null);
    }

    [TestCaseSource(nameof(ShiftCases))]
    public void Shifts_take_any_count(int width, Func<Vector128<byte>, ulong, Vector128<byte>> operation, Func<long, int, int, long>? lane)
    {
        var random = new Random(Seed);
        foreach (var count in (ulong[])[0, 1, 7, 8, 15, 16, 17, 31, 32, 33, 63, 64, 65, 255, 256, 1ul << 32, ulong.MaxValue])
        {
            var a = Register(random);
            var expected = default(Vector128<byte>);
            var n = (int)Math.Min(count, 1000);
            if (lane is null)
            {
                for (var i = 0; i < 16; i++)
                {
                    var from = width > 0 ? i - n : i + n;
                    expected = expected.WithElement(i, from is >= 0 and < 16 ? a[from] : (byte)0);
                }
            }
            else
            {
                for (var at = 0; at < 128; at += width)
                {
                    expected = Insert(expected, at, width, lane(Extract(a, at, width), n, width));
                }
            }

            Assert.That(operation(a, count), Is.EqualTo(expected), $"count {count}");
        }
    }

    [Test]
    public void Shuffles_pick_lanes_by_the_immediate()
    {
        var a = Vector128.Create(0x0706050403020100ul, 0x0F0E0D0C0B0A0908).AsByte();
        var b = Vector128.Create(0x1716151413121110ul, 0x1F1E1D1C1B1A1918).AsByte();
        Assert.Multiple(() =>
        {
            Assert.That(PackedShuffle.Pshufd(a, 0b00_01_10_11), Is.EqualTo(Quads(0x0B0A09080F0E0D0C, 0x0302010007060504)));
            Assert.That(PackedShuffle.Pshuflw(a, 0b00_01_10_11), Is.EqualTo(Quads(0x0100030205040706, 0x0F0E0D0C0B0A0908)));
            Assert.That(PackedShuffle.Pshufhw(a, 0b00_01_10_11), Is.EqualTo(Quads(0x0706050403020100, 0x09080B0A0D0C0F0E)));
            Assert.That(PackedShuffle.Shufps(a, b, 0b00_11_01_10), Is.EqualTo(Quads(0x070605040B0A0908, 0x131211101F1E1D1C)));
            Assert.That(PackedShuffle.Shufpd(a, b, 0b01), Is.EqualTo(Quads(0x0F0E0D0C0B0A0908, 0x1716151413121110)));
            Assert.That(PackedShuffle.Pextrw(a, 0xF), Is.EqualTo(0x0F0E));
            Assert.That(PackedShuffle.PextrwMmx(0x4444333322221111, 0xE), Is.EqualTo(0x3333));
            Assert.That(PackedShuffle.Pinsrw(a, 0xABCD, 9), Is.EqualTo(Quads(0x07060504ABCD0100, 0x0F0E0D0C0B0A0908)));
            Assert.That(PackedShuffle.PinsrwMmx(0x4444333322221111, 0xABCD, 7), Is.EqualTo(0xABCD333322221111));
        });
    }

    [Test]
    public void Masks_collect_sign_bits()
    {
        var a = Quads(0x80007F80FF000080, 0x8000000000000000);
        Assert.Multiple(() =>
        {
            Assert.That(PackedShuffle.Pmovmskb(a), Is.EqualTo(0b1000_0000_1001_1001));
            Assert.That(PackedShuffle.Movmskps(a), Is.EqualTo(0b1011));
            Assert.That(PackedShuffle.Movmskpd(a), Is.EqualTo(0b11));
        });
    }

    private static TestCaseData Lane(string name, int width, Operation operation, Func<long, long, long> lane) =>
        new TestCaseData(width, operation, lane).SetName(name);

    private static TestCaseData Shift(
        string name, int width, Func<Vector128<byte>, ulong, Vector128<byte>> operation, Func<long, int, int, long>? lane) =>
        new TestCaseData(width, operation, lane).SetName(name);

    private static long SumOfDifferences(long a, long b)
    {
        long sum = 0;
        for (var i = 0; i < 64; i += 8)
        {
            sum += Math.Abs((byte)(a >> i) - (byte)(b >> i));
        }

        return sum;
    }

    private static Vector128<byte> Quads(ulong low, ulong high) => Vector128.Create(low, high).AsByte();

    /// <summary>Random bytes, half of them at the ends of the signed and unsigned ranges.</summary>
    private static Vector128<byte> Register(Random random)
    {
        var bytes = new byte[16];
        random.NextBytes(bytes);
        if (random.Next(2) == 0)
        {
            for (var i = 0; i < 16; i++)
            {
                bytes[i] = ((byte[])[0x00, 0xFF, 0x7F, 0x80])[bytes[i] & 3];
            }
        }

        return Vector128.Create(bytes);
    }

    /// <summary>A lane, sign-extended.</summary>
    private static long Extract(Vector128<byte> a, int at, int width)
    {
        var quad = a.AsUInt64()[at / 64] >> (at % 64);
        return (long)(quad << (64 - width)) >> (64 - width);
    }

    private static Vector128<byte> Insert(Vector128<byte> a, int at, int width, long value)
    {
        var mask = (ulong.MaxValue >> (64 - width)) << (at % 64);
        var quad = (a.AsUInt64()[at / 64] & ~mask) | (((ulong)value << (at % 64)) & mask);
        return a.AsUInt64().WithElement(at / 64, quad).AsByte();
    }
}
