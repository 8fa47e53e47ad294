namespace Emulator.Core.Semantics.Simd;

/// <summary>
/// RCPSS and RSQRTSS lanes. Real processors differ in the low bits; the manual allows a relative error of 1.5 * 2^-12. Ours computes in
/// double precision and rounds to twelve fraction bits, which every host does alike. No exceptions, no MXCSR: denormal operands are
/// zeros and tiny results become zero, always (SDM vol. 2, RCPPS).
/// </summary>
public static class Approximation
{
    private const uint Sign = 0x8000_0000;
    private const uint Infinity = 0x7F80_0000;
    private const uint MinNormal = 0x0080_0000;
    private const uint Quiet = 0x0040_0000;

    /// <summary>About 1 / <paramref name="a"/>.</summary>
    public static uint Reciprocal(uint a)
    {
        var magnitude = a & ~Sign;
        var sign = a & Sign;
        if (magnitude > Infinity)
        {
            return a | Quiet;
        }

        if (magnitude < MinNormal)
        {
            return sign | Infinity;
        }

        return sign | Narrow(1.0 / BitConverter.UInt32BitsToSingle(magnitude));
    }

    /// <summary>About 1 / sqrt(<paramref name="a"/>).</summary>
    public static uint ReciprocalSquareRoot(uint a)
    {
        var magnitude = a & ~Sign;
        if (magnitude > Infinity)
        {
            return a | Quiet;
        }

        if (magnitude < MinNormal)
        {
            return (a & Sign) | Infinity;
        }

        return (a & Sign) != 0 ? Sign | Infinity | Quiet : Narrow(1.0 / Math.Sqrt(BitConverter.UInt32BitsToSingle(a)));
    }

    /// <summary>Rounds a non-negative number to a single of twelve fraction bits; what would be denormal becomes zero.</summary>
    private static uint Narrow(double value)
    {
        const ulong Half = 1ul << (52 - 12 - 1);
        var bits = BitConverter.DoubleToUInt64Bits(value) + Half;
        var exponent = (int)(bits >> 52) - 1023 + 127;
        return exponent <= 0 ? 0 : ((uint)exponent << 23) | ((uint)(bits >> (52 - 12)) & 0xFFF) << 11;
    }
}
