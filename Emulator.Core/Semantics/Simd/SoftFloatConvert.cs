using System.Numerics;

namespace Emulator.Core.Semantics.Simd;

/// <summary>Conversions from and to integers and between the two formats.</summary>
internal static partial class SoftFloat<TFormat>
    where TFormat : struct, IBinaryFormat
{
    /// <summary>Converts a signed integer; only PE can be raised.</summary>
    public static ulong FromInteger(long value, uint mxcsr, ref uint raised)
    {
        if (value == 0)
        {
            return 0;
        }

        var magnitude = value < 0 ? 0 - (ulong)value : (ulong)value;
        var shift = BitOperations.LeadingZeroCount(magnitude);
        return RoundAndPack(value < 0, 63 - shift, magnitude << shift, mxcsr, ref raised);
    }

    /// <summary>
    /// Converts to a signed integer of <paramref name="width"/> bits (32 or 64). NaNs, infinities and what does not fit raise IE and give
    /// the integer indefinite, the most negative number. Denormals do not raise DE.
    /// </summary>
    public static long ToInteger(ulong a, int width, uint rounding, uint mxcsr, ref uint raised)
    {
        var indefinite = long.MinValue >> (64 - width);
        a = FlushOperand(a, mxcsr);
        if (IsZero(a))
        {
            return 0;
        }

        if ((a & Magnitude) >= Infinity)
        {
            raised |= Mxcsr.Invalid;
            return indefinite;
        }

        Unpack(a, out var exponent, out var significand);
        var negative = IsNegative(a);
        if (exponent > 63)
        {
            raised |= Mxcsr.Invalid;
            return indefinite;
        }

        ulong integer;
        bool inexact;
        if (exponent == 63)
        {
            integer = significand;
            inexact = false;
        }
        else if (exponent < 0)
        {
            // Below one: a half or more stays distinguishable from less after one shift with a sticky bit.
            integer = RoundAt(ShiftRightJam(significand, -exponent), 63, negative, rounding, out inexact);
        }
        else
        {
            integer = RoundAt(significand, 63 - exponent, negative, rounding, out inexact);
        }

        var limit = 1ul << (width - 1);
        if (integer > limit || (integer == limit && !negative))
        {
            raised |= Mxcsr.Invalid;
            return indefinite;
        }

        if (inexact)
        {
            raised |= Mxcsr.Precision;
        }

        return negative ? (long)(0 - integer) : (long)integer;
    }

    /// <summary>Converts from another format. NaNs keep the upper part of their payload and become quiet.</summary>
    public static ulong FromFormat<TSource>(ulong a, uint mxcsr, ref uint raised)
        where TSource : struct, IBinaryFormat
    {
        a = SoftFloat<TSource>.FlushOperand(a, mxcsr);
        var negative = SoftFloat<TSource>.IsNegative(a);
        var sign = negative ? SignBit : 0;
        if (SoftFloat<TSource>.IsNaN(a))
        {
            a = SoftFloat<TSource>.PropagateNaN(a, a, ref raised);
            var payload = (a & SoftFloat<TSource>.FractionMask) << (63 - TSource.FractionBits);
            return sign | Infinity | (payload >> (63 - TFormat.FractionBits));
        }

        if (SoftFloat<TSource>.IsInfinity(a))
        {
            return sign | Infinity;
        }

        if (SoftFloat<TSource>.IsZero(a))
        {
            return sign;
        }

        if (SoftFloat<TSource>.IsDenormal(a))
        {
            raised |= Mxcsr.Denormal;
        }

        SoftFloat<TSource>.Unpack(a, out var exponent, out var significand);
        return RoundAndPack(negative, exponent, significand, mxcsr, ref raised);
    }
}
