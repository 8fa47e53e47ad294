using System.Runtime.Intrinsics;
using Emulator.Core.Semantics.Simd;
using NUnit.Framework;

namespace Emulator.Tests.Simd;

/// <summary>The host fast paths against the integer arithmetic they stand for.</summary>
public sealed class FloatFastPathTests
{
    private const int Seed = 20260;
    private const int Rounds = 20_000;

    private static readonly uint[] Settings = [0x1F80, 0x1FA0, 0x9FC0, 0x9FE0, 0x0F80, 0x5F80];

    [Test]
    public void Double_arithmetic_agrees_with_soft_float()
    {
        var random = new Random(Seed);
        for (var i = 0; i < Rounds; i++)
        {
            var mxcsr = Settings[i % Settings.Length];
            var (a, b) = DoublePair(random);
            Check(a, b, mxcsr, "add", ScalarDouble.Add, SoftFloat<Binary64>.Add);
            Check(a, b, mxcsr, "sub", ScalarDouble.Subtract, SoftFloat<Binary64>.Subtract);
            Check(a, b, mxcsr, "mul", ScalarDouble.Multiply, SoftFloat<Binary64>.Multiply);
            Check(a, b, mxcsr, "div", ScalarDouble.Divide, SoftFloat<Binary64>.Divide);
            Check(
                a,
                b,
                mxcsr,
                "sqrt",
                (ulong _, ulong y, uint m, ref uint f) => ScalarDouble.SquareRoot(y, m, ref f),
                (ulong _, ulong y, uint m, ref uint f) => SoftFloat<Binary64>.SquareRoot(y, m, ref f));
            Check(
                a,
                b,
                mxcsr,
                "min",
                ScalarDouble.Min,
                (ulong x, ulong y, uint m, ref uint f) => SoftFloat<Binary64>.MinMax(x, y, false, m, ref f));
            Check(
                a,
                b,
                mxcsr,
                "to single",
                (ulong x, ulong _, uint m, ref uint f) => FloatConversion.DoubleToSingle(x, m, ref f),
                (ulong x, ulong _, uint m, ref uint f) => SoftFloat<Binary32>.FromFormat<Binary64>(x, m, ref f));
            Check(
                a,
                b,
                mxcsr,
                "to integer",
                (ulong x, ulong _, uint m, ref uint f) => (ulong)FloatConversion.DoubleToInt32(x, false, m, ref f),
                (ulong x, ulong _, uint m, ref uint f) => (ulong)SoftFloat<Binary64>.ToInteger(x, 32, Mxcsr.Rounding(m), m, ref f));
        }
    }

    [Test]
    public void Single_arithmetic_agrees_with_soft_float()
    {
        var random = new Random(Seed);
        for (var i = 0; i < Rounds; i++)
        {
            var mxcsr = Settings[i % Settings.Length];
            var (a, b) = SinglePair(random);
            Check(a, b, mxcsr, "add", Widen(ScalarSingle.Add), SoftFloat<Binary32>.Add);
            Check(a, b, mxcsr, "sub", Widen(ScalarSingle.Subtract), SoftFloat<Binary32>.Subtract);
            Check(a, b, mxcsr, "mul", Widen(ScalarSingle.Multiply), SoftFloat<Binary32>.Multiply);
            Check(a, b, mxcsr, "div", Widen(ScalarSingle.Divide), SoftFloat<Binary32>.Divide);
            Check(
                a,
                b,
                mxcsr,
                "sqrt",
                (ulong _, ulong y, uint m, ref uint f) => ScalarSingle.SquareRoot((uint)y, m, ref f),
                (ulong _, ulong y, uint m, ref uint f) => SoftFloat<Binary32>.SquareRoot(y, m, ref f));
            Check(
                a,
                b,
                mxcsr,
                "max",
                Widen(ScalarSingle.Max),
                (ulong x, ulong y, uint m, ref uint f) => SoftFloat<Binary32>.MinMax(x, y, true, m, ref f));
        }
    }

    [Test]
    public void Packed_lanes_agree_with_scalar_operations()
    {
        var random = new Random(Seed);
        for (var i = 0; i < Rounds; i++)
        {
            // PE set and masked, to nearest: the setting under which whole registers go to the host.
            const uint Setting = 0x1FA0;
            var (a0, b0) = DoublePair(random);
            var (a1, b1) = DoublePair(random);
            var a = Vector128.Create(a0, a1).AsByte();
            var b = Vector128.Create(b0, b1).AsByte();
            foreach (var name in (string[])["add", "sub", "mul", "div"])
            {
                uint raisedPacked = 0;
                uint raisedScalar = 0;
                var packed = FloatOperations.All[name + "pd"](a, b, Setting, ref raisedPacked);
                var scalar = FloatOperations.All[name + "sd"];
                var low = scalar(a, b, Setting, ref raisedScalar).AsUInt64()[0];
                var high = scalar(Vector128.Create(a1, 0).AsByte(), Vector128.Create(b1, 0).AsByte(), Setting, ref raisedScalar).AsUInt64()[0];
                Assert.That(packed, Is.EqualTo(Vector128.Create(low, high).AsByte()), $"{name} {a0:x} {a1:x} {b0:x} {b1:x}");
                Assert.That(raisedPacked | Mxcsr.Precision, Is.EqualTo(raisedScalar | Mxcsr.Precision));
            }
        }
    }

    private delegate ulong Operation(ulong a, ulong b, uint mxcsr, ref uint raised);

    private delegate uint SingleOperation(uint a, uint b, uint mxcsr, ref uint raised);

    private static Operation Widen(SingleOperation operation) =>
        (ulong a, ulong b, uint mxcsr, ref uint raised) => operation((uint)a, (uint)b, mxcsr, ref raised);

    private static void Check(ulong a, ulong b, uint mxcsr, string name, Operation fast, Operation exact)
    {
        uint raisedFast = 0;
        uint raisedExact = 0;
        var got = fast(a, b, mxcsr, ref raisedFast);
        var want = exact(a, b, mxcsr, ref raisedExact);
        var stopped = Mxcsr.Unmasked(mxcsr, raisedExact) != 0;
        if ((!stopped && got != want) || (mxcsr | raisedFast) != (mxcsr | raisedExact))
        {
            Assert.Fail($"{name} {a:x} {b:x} mxcsr {mxcsr:x}: {got:x} {raisedFast:x}, exact {want:x} {raisedExact:x} (seed {Seed})");
        }
    }

    private static (ulong A, ulong B) DoublePair(Random random)
    {
        var a = Double(random);
        return (a, random.Next(6) == 0 ? a ^ (1ul << 63) ^ (ulong)random.Next(4) : Double(random));
    }

    private static (uint A, uint B) SinglePair(Random random)
    {
        var a = Single(random);
        return (a, random.Next(6) == 0 ? a ^ (1u << 31) ^ (uint)random.Next(4) : Single(random));
    }

    private static ulong Double(Random random)
    {
        var bits = (ulong)random.NextInt64(long.MinValue, long.MaxValue);
        var trimmed = bits & ~((1ul << random.Next(52)) - 1);
        var fraction = trimmed & ((1ul << 52) - 1);
        return random.Next(6) switch
        {
            0 => bits,
            1 => trimmed & (1ul << 63),
            2 => (trimmed & (1ul << 63)) | ((ulong)random.Next(0, 130) << 52) | fraction,
            3 => (trimmed & (1ul << 63)) | ((ulong)random.Next(1900, 2048) << 52) | fraction,
            _ => (trimmed & (1ul << 63)) | ((ulong)random.Next(1000, 1060) << 52) | fraction,
        };
    }

    private static uint Single(Random random)
    {
        var bits = (uint)random.NextInt64();
        var trimmed = bits & ~((1u << random.Next(23)) - 1);
        var fraction = trimmed & ((1u << 23) - 1);
        return random.Next(6) switch
        {
            0 => bits,
            1 => trimmed & (1u << 31),
            2 => (trimmed & (1u << 31)) | ((uint)random.Next(0, 30) << 23) | fraction,
            3 => (trimmed & (1u << 31)) | ((uint)random.Next(225, 256) << 23) | fraction,
            _ => (trimmed & (1u << 31)) | ((uint)random.Next(100, 155) << 23) | fraction,
        };
    }
}
