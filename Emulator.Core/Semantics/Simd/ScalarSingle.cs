using System.Runtime.CompilerServices;

namespace Emulator.Core.Semantics.Simd;

/// <summary>
/// Single-precision scalar operations. Operands and results are bit patterns; exceptions are added to <c>raised</c> (MXCSR flag places).
/// </summary>
/// <remarks>
/// As in <see cref="ScalarDouble"/> the host computes where that is provably the same. Products of two singles are exact in double
/// precision, which tells whether a product, quotient or root was inexact without a fused multiply-add.
/// </remarks>
public static class ScalarSingle
{
    private const uint Magnitude = 0x7FFF_FFFF;
    private const uint MinNormal = 0x0080_0000;
    private const uint Infinity = 0x7F80_0000;

    // Strictly inside the normal range, so that neither rounding nor TwoSum meets its ends.
    private const uint SafeLow = (127u - 125) << 23;
    private const uint SafeHigh = (127u + 125) << 23;

    /// <summary>ADDSS.</summary>
    public static uint Add(uint a, uint b, uint mxcsr, ref uint raised)
    {
        if ((mxcsr & Mxcsr.RoundingField) == 0 && IsPlain(a) && IsPlain(b))
        {
            var x = BitConverter.UInt32BitsToSingle(a);
            var y = BitConverter.UInt32BitsToSingle(b);
            var r = (float)(x + y);
            if (IsSafe(r) || r == 0)
            {
                if (!Mxcsr.PrecisionIsKnown(mxcsr) && SumIsInexact(x, y, r))
                {
                    raised |= Mxcsr.Precision;
                }

                return BitConverter.SingleToUInt32Bits(r);
            }
        }

        return (uint)SoftFloat<Binary32>.Add(a, b, mxcsr, ref raised);
    }

    /// <summary>SUBSS.</summary>
    public static uint Subtract(uint a, uint b, uint mxcsr, ref uint raised)
    {
        if ((mxcsr & Mxcsr.RoundingField) == 0 && IsPlain(a) && IsPlain(b))
        {
            var x = BitConverter.UInt32BitsToSingle(a);
            var y = BitConverter.UInt32BitsToSingle(b);
            var r = (float)(x - y);
            if (IsSafe(r) || r == 0)
            {
                if (!Mxcsr.PrecisionIsKnown(mxcsr) && SumIsInexact(x, -y, r))
                {
                    raised |= Mxcsr.Precision;
                }

                return BitConverter.SingleToUInt32Bits(r);
            }
        }

        return (uint)SoftFloat<Binary32>.Subtract(a, b, mxcsr, ref raised);
    }

    /// <summary>MULSS.</summary>
    public static uint Multiply(uint a, uint b, uint mxcsr, ref uint raised)
    {
        if ((mxcsr & Mxcsr.RoundingField) == 0 && IsPlain(a) && IsPlain(b))
        {
            var exact = (double)BitConverter.UInt32BitsToSingle(a) * BitConverter.UInt32BitsToSingle(b);
            var r = (float)exact;
            if (IsSafe(r) || exact == 0)
            {
                if (!Mxcsr.PrecisionIsKnown(mxcsr) && r != exact)
                {
                    raised |= Mxcsr.Precision;
                }

                return BitConverter.SingleToUInt32Bits(r);
            }
        }

        return (uint)SoftFloat<Binary32>.Multiply(a, b, mxcsr, ref raised);
    }

    /// <summary>DIVSS.</summary>
    public static uint Divide(uint a, uint b, uint mxcsr, ref uint raised)
    {
        if ((mxcsr & Mxcsr.RoundingField) == 0 && IsPlain(a) && IsPlain(b))
        {
            var x = BitConverter.UInt32BitsToSingle(a);
            var y = BitConverter.UInt32BitsToSingle(b);
            var r = (float)(x / y);
            if (IsSafe(r) || (x == 0 && y != 0))
            {
                if (!Mxcsr.PrecisionIsKnown(mxcsr) && (double)r * y != x)
                {
                    raised |= Mxcsr.Precision;
                }

                return BitConverter.SingleToUInt32Bits(r);
            }
        }

        return (uint)SoftFloat<Binary32>.Divide(a, b, mxcsr, ref raised);
    }

    /// <summary>SQRTSS.</summary>
    public static uint SquareRoot(uint a, uint mxcsr, ref uint raised)
    {
        // Positive and normal; the root of such a number is always normal.
        if ((mxcsr & Mxcsr.RoundingField) == 0 && a - MinNormal < Infinity - MinNormal)
        {
            var x = BitConverter.UInt32BitsToSingle(a);
            var r = MathF.Sqrt(x);
            if (!Mxcsr.PrecisionIsKnown(mxcsr) && (double)r * r != x)
            {
                raised |= Mxcsr.Precision;
            }

            return BitConverter.SingleToUInt32Bits(r);
        }

        return (uint)SoftFloat<Binary32>.SquareRoot(a, mxcsr, ref raised);
    }

    /// <summary>MINSS.</summary>
    public static uint Min(uint a, uint b, uint mxcsr, ref uint raised)
    {
        if (IsPlain(a) && IsPlain(b))
        {
            return BitConverter.UInt32BitsToSingle(a) < BitConverter.UInt32BitsToSingle(b) ? a : b;
        }

        return (uint)SoftFloat<Binary32>.MinMax(a, b, false, mxcsr, ref raised);
    }

    /// <summary>MAXSS.</summary>
    public static uint Max(uint a, uint b, uint mxcsr, ref uint raised)
    {
        if (IsPlain(a) && IsPlain(b))
        {
            return BitConverter.UInt32BitsToSingle(a) > BitConverter.UInt32BitsToSingle(b) ? a : b;
        }

        return (uint)SoftFloat<Binary32>.MinMax(a, b, true, mxcsr, ref raised);
    }

    /// <summary>CMPSS with predicate <paramref name="predicate"/> (low three bits count): all ones or zero.</summary>
    public static uint Compare(uint a, uint b, int predicate, uint mxcsr, ref uint raised)
    {
        var order = Order(a, b, ComparePredicate.SignalsQuietNaN(predicate), mxcsr, ref raised);
        return ComparePredicate.Holds(predicate, order) ? uint.MaxValue : 0;
    }

    /// <summary>COMISS (<paramref name="signalQuiet"/>) and UCOMISS.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static FloatOrder Order(uint a, uint b, bool signalQuiet, uint mxcsr, ref uint raised)
    {
        if (IsPlain(a) && IsPlain(b))
        {
            var x = BitConverter.UInt32BitsToSingle(a);
            var y = BitConverter.UInt32BitsToSingle(b);
            return x < y ? FloatOrder.Less : x > y ? FloatOrder.Greater : FloatOrder.Equal;
        }

        return SoftFloat<Binary32>.Compare(a, b, signalQuiet, mxcsr, ref raised);
    }

    /// <summary>True for zeros and normal numbers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static bool IsPlain(uint a)
    {
        var magnitude = a & Magnitude;
        return magnitude - MinNormal < Infinity - MinNormal || magnitude == 0;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static bool IsSafe(float a) => (BitConverter.SingleToUInt32Bits(a) & Magnitude) - SafeLow < SafeHigh - SafeLow;

    private static bool SumIsInexact(float x, float y, float sum)
    {
        var part = (float)(sum - x);
        return (float)((float)(x - (float)(sum - part)) + (float)(y - part)) != 0;
    }
}
