using Emulator.Core.Semantics.Simd;
using NUnit.Framework;

namespace Emulator.Tests.Simd;

public sealed class ApproximationTests
{
    private const double Allowed = 1.5 / 4096;

    [Test]
    public void Relative_error_stays_within_the_manual_s_bound()
    {
        var random = new Random(7);
        for (var i = 0; i < 50_000; i++)
        {
            var bits = ((uint)random.Next(3, 252) << 23) | (uint)random.Next(1 << 23);
            var x = (double)BitConverter.UInt32BitsToSingle(bits);
            var reciprocal = (double)BitConverter.UInt32BitsToSingle(Approximation.Reciprocal(bits));
            var root = (double)BitConverter.UInt32BitsToSingle(Approximation.ReciprocalSquareRoot(bits));
            Assert.That(Math.Abs((reciprocal * x) - 1), Is.LessThanOrEqualTo(Allowed), $"{bits:x}");
            Assert.That(Math.Abs((root * Math.Sqrt(x)) - 1), Is.LessThanOrEqualTo(Allowed), $"{bits:x}");
        }
    }

    [TestCase(0x00000000u, 0x7F800000u, TestName = "Reciprocal_of_zero_is_infinity")]
    [TestCase(0x80000000u, 0xFF800000u, TestName = "Reciprocal_of_minus_zero_is_minus_infinity")]
    [TestCase(0x807FFFFFu, 0xFF800000u, TestName = "Reciprocal_of_a_denormal_is_infinity")]
    [TestCase(0xFF800000u, 0x80000000u, TestName = "Reciprocal_of_infinity_is_zero")]
    [TestCase(0x7F000001u, 0x00000000u, TestName = "Tiny_reciprocal_is_zero")]
    [TestCase(0x7F800001u, 0x7FC00001u, TestName = "Reciprocal_of_signaling_NaN_is_quiet")]
    [TestCase(0x3F800000u, 0x3F800000u, TestName = "Reciprocal_of_one_is_one")]
    public void Reciprocal(uint a, uint expected) => Assert.That(Approximation.Reciprocal(a), Is.EqualTo(expected));

    [TestCase(0x80000000u, 0xFF800000u, TestName = "Root_of_minus_zero_is_minus_infinity")]
    [TestCase(0x80000001u, 0xFF800000u, TestName = "Root_of_a_negative_denormal_is_minus_infinity")]
    [TestCase(0xBF800000u, 0xFFC00000u, TestName = "Root_of_a_negative_is_the_indefinite")]
    [TestCase(0xFF800000u, 0xFFC00000u, TestName = "Root_of_minus_infinity_is_the_indefinite")]
    [TestCase(0x7F800000u, 0x00000000u, TestName = "Root_of_infinity_is_zero")]
    [TestCase(0x40800000u, 0x3F000000u, TestName = "Root_of_four_is_a_half")]
    public void ReciprocalSquareRoot(uint a, uint expected) => Assert.That(Approximation.ReciprocalSquareRoot(a), Is.EqualTo(expected));
}
