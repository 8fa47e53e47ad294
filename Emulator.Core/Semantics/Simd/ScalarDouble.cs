using System.Runtime.CompilerServices;

namespace Emulator.Core.Semantics.Simd;

/// <summary>
/// Double-precision scalar operations. Operands and results are bit patterns; exceptions are added to <c>raised</c> (MXCSR flag places).
/// </summary>
/// <remarks>
/// The host computes where that is provably the same: round to nearest, operands normal or zero, result normal (or an exact zero) and far
/// enough from the ends of the range that the residual below is exact. Whether the result was inexact is read off the exact residual
/// (TwoSum, or a fused multiply-add), and not asked at all once PE is set and masked. Everything else goes to <see cref="SoftFloat{T}"/>.
/// </remarks>
public static class ScalarDouble
{
    private const ulong Magnitude = 0x7FFF_FFFF_FFFF_FFFF;
    private const ulong MinNormal = 0x0010_0000_0000_0000;
    private const ulong Infinity = 0x7FF0_0000_0000_0000;

    // Between these the error terms of TwoSum, a * b - r, r * b - a and r * r - a are all exact: no intermediate overflows or loses bits
    // to underflow (each lies at most 106 bits below its operands).
    private const ulong SafeLow = (ulong)(1023 - 900) << 52;
    private const ulong SafeHigh = (ulong)(1023 + 1000) << 52;

    /// <summary>ADDSD.</summary>
    public static ulong Add(ulong a, ulong b, uint mxcsr, ref uint raised)
    {
        if ((mxcsr & Mxcsr.RoundingField) == 0 && IsPlain(a) && IsPlain(b))
        {
            var x = BitConverter.UInt64BitsToDouble(a);
            var y = BitConverter.UInt64BitsToDouble(b);
            var r = x + y;
            if (IsSafe(r) || r == 0)
            {
                if (!Mxcsr.PrecisionIsKnown(mxcsr) && SumIsInexact(x, y, r))
                {
                    raised |= Mxcsr.Precision;
                }

                return BitConverter.DoubleToUInt64Bits(r);
            }
        }

        return SoftFloat<Binary64>.Add(a, b, mxcsr, ref raised);
    }

    /// <summary>SUBSD.</summary>
    public static ulong Subtract(ulong a, ulong b, uint mxcsr, ref uint raised)
    {
        if ((mxcsr & Mxcsr.RoundingField) == 0 && IsPlain(a) && IsPlain(b))
        {
            var x = BitConverter.UInt64BitsToDouble(a);
            var y = BitConverter.UInt64BitsToDouble(b);
            var r = x - y;
            if (IsSafe(r) || r == 0)
            {
                if (!Mxcsr.PrecisionIsKnown(mxcsr) && SumIsInexact(x, -y, r))
                {
                    raised |= Mxcsr.Precision;
                }

                return BitConverter.DoubleToUInt64Bits(r);
            }
        }

        return SoftFloat<Binary64>.Subtract(a, b, mxcsr, ref raised);
    }

    /// <summary>MULSD.</summary>
    public static ulong Multiply(ulong a, ulong b, uint mxcsr, ref uint raised)
    {
        if ((mxcsr & Mxcsr.RoundingField) == 0 && IsPlain(a) && IsPlain(b))
        {
            var x = BitConverter.UInt64BitsToDouble(a);
            var y = BitConverter.UInt64BitsToDouble(b);
            var r = x * y;
            if (IsSafe(r) || x == 0 || y == 0)
            {
                if (!Mxcsr.PrecisionIsKnown(mxcsr) && Math.FusedMultiplyAdd(x, y, -r) != 0)
                {
                    raised |= Mxcsr.Precision;
                }

                return BitConverter.DoubleToUInt64Bits(r);
            }
        }

        return SoftFloat<Binary64>.Multiply(a, b, mxcsr, ref raised);
    }

    /// <summary>DIVSD.</summary>
    public static ulong Divide(ulong a, ulong b, uint mxcsr, ref uint raised)
    {
        if ((mxcsr & Mxcsr.RoundingField) == 0 && IsPlain(a) && IsPlain(b))
        {
            var x = BitConverter.UInt64BitsToDouble(a);
            var y = BitConverter.UInt64BitsToDouble(b);
            var r = x / y;
            if ((IsSafe(x) && IsSafe(r)) || (x == 0 && y != 0))
            {
                if (!Mxcsr.PrecisionIsKnown(mxcsr) && Math.FusedMultiplyAdd(r, y, -x) != 0)
                {
                    raised |= Mxcsr.Precision;
                }

                return BitConverter.DoubleToUInt64Bits(r);
            }
        }

        return SoftFloat<Binary64>.Divide(a, b, mxcsr, ref raised);
    }

    /// <summary>SQRTSD.</summary>
    public static ulong SquareRoot(ulong a, uint mxcsr, ref uint raised)
    {
        var x = BitConverter.UInt64BitsToDouble(a);
        if ((mxcsr & Mxcsr.RoundingField) == 0 && x > 0 && IsSafe(x))
        {
            var r = Math.Sqrt(x);
            if (!Mxcsr.PrecisionIsKnown(mxcsr) && Math.FusedMultiplyAdd(r, r, -x) != 0)
            {
                raised |= Mxcsr.Precision;
            }

            return BitConverter.DoubleToUInt64Bits(r);
        }

        return SoftFloat<Binary64>.SquareRoot(a, mxcsr, ref raised);
    }

    /// <summary>MINSD.</summary>
    public static ulong Min(ulong a, ulong b, uint mxcsr, ref uint raised)
    {
        if (IsPlain(a) && IsPlain(b))
        {
            return BitConverter.UInt64BitsToDouble(a) < BitConverter.UInt64BitsToDouble(b) ? a : b;
        }

        return SoftFloat<Binary64>.MinMax(a, b, false, mxcsr, ref raised);
    }

    /// <summary>MAXSD.</summary>
    public static ulong Max(ulong a, ulong b, uint mxcsr, ref uint raised)
    {
        if (IsPlain(a) && IsPlain(b))
        {
            return BitConverter.UInt64BitsToDouble(a) > BitConverter.UInt64BitsToDouble(b) ? a : b;
        }

        return SoftFloat<Binary64>.MinMax(a, b, true, mxcsr, ref raised);
    }

    /// <summary>CMPSD with predicate <paramref name="predicate"/> (low three bits count): all ones or zero.</summary>
    public static ulong Compare(ulong a, ulong b, int predicate, uint mxcsr, ref uint raised)
    {
        var order = Order(a, b, ComparePredicate.SignalsQuietNaN(predicate), mxcsr, ref raised);
        return ComparePredicate.Holds(predicate, order) ? ulong.MaxValue : 0;
    }

    /// <summary>COMISD (<paramref name="signalQuiet"/>) and UCOMISD.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static FloatOrder Order(ulong a, ulong b, bool signalQuiet, uint mxcsr, ref uint raised)
    {
        if (IsPlain(a) && IsPlain(b))
        {
            var x = BitConverter.UInt64BitsToDouble(a);
            var y = BitConverter.UInt64BitsToDouble(b);
            return x < y ? FloatOrder.Less : x > y ? FloatOrder.Greater : FloatOrder.Equal;
        }

        return SoftFloat<Binary64>.Compare(a, b, signalQuiet, mxcsr, ref raised);
    }

    /// <summary>True for zeros and normal numbers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static bool IsPlain(ulong a)
    {
        var magnitude = a & Magnitude;
        return magnitude - MinNormal < Infinity - MinNormal || magnitude == 0;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static bool IsSafe(double a) => (BitConverter.DoubleToUInt64Bits(a) & Magnitude) - SafeLow < SafeHigh - SafeLow;

    private static bool SumIsInexact(double x, double y, double sum)
    {
        var part = sum - x;
        return (x - (sum - part)) + (y - part) != 0;
    }
}
