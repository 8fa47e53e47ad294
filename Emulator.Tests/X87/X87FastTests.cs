using Emulator.Core.Semantics.X87;
using NUnit.Framework;

namespace Emulator.Tests.X87;

/// <summary>The short paths of <see cref="X87Fast"/> against the general routines, bit for bit, under every rounding and precision control.</summary>
[TestFixture]
internal sealed class X87FastTests
{
    private const int Pairs = 200_000;

    private delegate X87Packed Fast(ulong a, uint bitsA, ulong b, uint bitsB, uint control);

    private delegate Float80 General(Float80 a, Float80 b, uint control, ref uint status);

    [Test]
    public void Arithmetic_equals_the_general_routines([Values("add", "subtract", "multiply", "divide")] string operation)
    {
        (Fast fast, General general) = operation switch
        {
            "add" => ((Fast)X87Fast.Add, (General)X87Arithmetic.Add),
            "subtract" => (X87Fast.Subtract, X87Arithmetic.Subtract),
            "multiply" => (X87Fast.Multiply, X87Arithmetic.Multiply),
            _ => (X87Fast.Divide, X87Arithmetic.Divide),
        };
        Random random = new(87);
        for (int i = 0; i < Pairs; i++)
        {
            Float80 a = Value(random);
            Float80 b = random.Next(8) == 0 ? Near(a, random) : Value(random);
            uint control = Control(random);
            uint raised = 0;
            Float80 expected = general(a, b, control, ref raised);
            Check(fast(a.Significand, Bits(a), b.Significand, Bits(b), X87Fast.Mode(control)), expected, raised, control, $"{operation} {a}, {b} under {control:X4}");
        }
    }

    [Test]
    public void Other_operations_equal_the_general_routines()
    {
        Random random = new(88);
        for (int i = 0; i < Pairs; i++)
        {
            Float80 a = Value(random);
            Float80 b = random.Next(3) == 0 ? Near(a, random) : Value(random);
            uint control = Control(random);
            uint mode = X87Fast.Mode(control);
            string name = $"{a}, {b} under {control:X4}";
            uint raised = 0;
            Float80 twice = X87Arithmetic.Add(a, a, control, ref raised);
            Check(X87Fast.Double(a.Significand, Bits(a), mode), twice, raised, control, "double " + name);

            raised = 0;
            ulong stored = X87Convert.ToDouble(a, control, ref raised);
            X87Packed packed = X87Fast.StoreDouble(a.Significand, Bits(a), mode);
            Assert.That((packed.Significand, packed.Raised), Is.EqualTo((stored, raised)), "store " + name);

            int quiet = random.Next(2);
            raised = 0;
            uint conditions = X87Comparison.Compare(a, b, quiet != 0, ref raised);
            Assert.That(X87Fast.Compare(a.Significand, Bits(a), b.Significand, Bits(b), quiet), Is.EqualTo(conditions | raised), "compare " + name);

            ulong image = (ulong)random.NextInt64(long.MinValue, long.MaxValue) & (random.Next(4) == 0 ? 0x8010_0000_0000_0000 : ulong.MaxValue);
            raised = 0;
            Float80 loaded = X87Convert.Load(X87Convert.FromDouble(image, out bool denormal), denormal, ref raised);
            Check(X87Fast.LoadDouble(image), loaded, raised, control, $"load {image:X16}");
        }
    }

    private static uint Bits(Float80 value) => X87Packed.BitsOf(value.Significand, value.SignExponent);

    /// <summary>After an unmasked exception that is found before the operation, the result has no meaning.</summary>
    private static void Check(X87Packed actual, Float80 expected, uint raised, uint control, string name)
    {
        if (actual.Raised != raised || ((raised & ~control & X87Status.PreOperation) == 0 && (actual.Value != expected || actual.Bits >> 31 != Bits(expected) >> 31)))
        {
            Assert.Fail($"{name}: {actual.Value} {actual.Bits:X8} instead of {expected}, raised {raised:X4}");
        }
    }

    private static uint Control(Random random) =>
        (random.Next(2) == 0 ? 0x3Fu : (uint)random.Next(64)) | (random.Next(2) == 0 ? 0x300u : (uint)random.Next(4) << 8) | (random.Next(2) == 0 ? 0 : (uint)random.Next(4) << 10) | 0x40;

    private static Float80 Value(Random random)
    {
        int exponent = random.Next(12) switch
        {
            0 => 0,
            1 => 1 + random.Next(70),
            2 => 0x7FFF - random.Next(70),
            3 => 0x3FFF + random.Next(-70, 70),
            4 => random.Next(0x8000),
            5 => 0x3C00 + random.Next(-3, 3),
            _ => 0x3FFF + random.Next(-3, 4),
        };
        ulong significand = random.Next(8) switch
        {
            0 => 0,
            1 => Float80.IntegerBit,
            2 => ulong.MaxValue,
            3 => Float80.IntegerBit >> random.Next(64),
            4 => ulong.MaxValue << random.Next(64),
            5 => (ulong)random.NextInt64(long.MinValue, long.MaxValue),
            _ => (ulong)random.NextInt64(long.MinValue, long.MaxValue) | Float80.IntegerBit,
        };
        if (random.Next(3) == 0)
        {
            // Few bits, so that results are exact or ties.
            significand &= ulong.MaxValue << (32 + random.Next(31));
        }

        return new(significand, (ushort)(exponent | (random.Next(2) << 15)));
    }

    /// <summary>A value that cancels most of another.</summary>
    private static Float80 Near(Float80 value, Random random) =>
        new(value.Significand + (ulong)random.Next(-3, 4), (ushort)(value.SignExponent ^ (random.Next(2) << 15)));
}
