using Emulator.Core.Semantics.X87;
using NUnit.Framework;

namespace Emulator.Tests.X87;

/// <summary>
/// The transcendental instructions against values that were computed to 400 bits (pi reduced as the hardware does it, to 66 bits) and
/// rounded once; and against identities over many arguments.
/// </summary>
public sealed class X87TranscendentalTests
{
    [TestCaseSource(typeof(X87TranscendentalCases), nameof(X87TranscendentalCases.All))]
    public void Result_is_correctly_rounded(string operation, Float80 a, Float80 b, Float80 expected)
    {
        uint status = 0;
        var result = X87Operations.All[operation](a, b, X87Control.Default, ref status);
        Assert.Multiple(() =>
        {
            Assert.That(result.First, Is.EqualTo(expected));
            Assert.That(status & X87Status.Exceptions, Is.EqualTo(X87Status.Precision));
        });
    }

    [TestCase("sin")]
    [TestCase("cos")]
    [TestCase("ptan")]
    [TestCase("sincos")]
    public void Arguments_from_2_to_the_63_on_are_refused(string operation)
    {
        uint status = 0;
        X87Operations.All[operation](new(Float80.IntegerBit, Float80.Bias + 63), default, X87Control.Default, ref status);
        Assert.That(status, Is.EqualTo(X87Status.C2));
        status = 0;
        X87Operations.All[operation](new(ulong.MaxValue, Float80.Bias + 62), default, X87Control.Default, ref status);
        Assert.That(status & X87Status.C2, Is.Zero);
    }

    [Test]
    public void Results_agree_with_double_precision_over_the_whole_range()
    {
        var random = new Random(20_87);
        for (var i = 0; i < 2000; i++)
        {
            var x = (random.NextDouble() - 0.5) * Math.ScaleB(1, random.Next(-20, 12));
            var y = (random.NextDouble() + 0.01) * Math.ScaleB(1, random.Next(-20, 20));
            Check("sin", x, 0, Math.Sin(x));
            Check("cos", x, 0, Math.Cos(x));
            Check("ptan", x, 0, Math.Tan(x));
            Check("patan", x, y, Math.Atan2(y, x));
            Check("yl2x", y, x, x * Math.Log2(y));
            var fraction = Math.IEEERemainder(x, 1);
            Check("2xm1", fraction, 0, Math.Abs(fraction) < 1e-3 ? double.NaN : Math.Pow(2, fraction) - 1);
        }
    }

    private static void Check(string operation, double a, double b, double expected)
    {
        if (double.IsNaN(expected) || Math.Abs(expected) < 1e-4)
        {
            return;
        }

        uint status = 0;
        var result = X87Operations.All[operation](Widen(a), Widen(b), X87Control.Default, ref status);
        var actual = BitConverter.UInt64BitsToDouble(X87Convert.ToDouble(result.First, X87Control.Default, ref status));
        Assert.That(actual, Is.EqualTo(expected).Within(1e-10).Percent, $"{operation} {a:R} {b:R}");
    }

    private static Float80 Widen(double value) => X87Convert.FromDouble(BitConverter.DoubleToUInt64Bits(value), out _);
}
