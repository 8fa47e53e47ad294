using System.Numerics;
using System.Runtime.CompilerServices;

namespace Emulator.Core.Semantics.Simd;

/// <summary>
/// SSE floating point in integer arithmetic: exact for every operand, rounding mode and MXCSR setting.
/// </summary>
/// <remarks>
/// A number travels as (sign, exponent, significand): the significand has its leading one at bit 63, its lowest bit is sticky
/// (it stands for everything below), and the value is significand * 2^(exponent - 63). <see cref="RoundAndPack"/> is the only place
/// that rounds. Exceptions are gathered in <c>raised</c>, in the places of the MXCSR flags; whoever calls decides what is masked.
/// The order of exceptions within one operation is SDM vol. 1, 4.9.2: NaN operands, other invalid operations and division by zero,
/// denormal operands, then the exceptions of the result.
/// </remarks>
internal static partial class SoftFloat<TFormat>
    where TFormat : struct, IBinaryFormat
{
    internal static int FractionBits => TFormat.FractionBits;

    internal static int ExponentFieldMax => (1 << TFormat.ExponentBits) - 1;

    internal static int Bias => ExponentFieldMax >> 1;

    internal static int MinExponent => 1 - Bias;

    internal static ulong SignBit => 1ul << (TFormat.FractionBits + TFormat.ExponentBits);

    internal static ulong Magnitude => SignBit - 1;

    internal static ulong Infinity => (ulong)ExponentFieldMax << TFormat.FractionBits;

    internal static ulong FractionMask => (1ul << TFormat.FractionBits) - 1;

    internal static ulong QuietBit => 1ul << (TFormat.FractionBits - 1);

    internal static ulong MinNormal => 1ul << TFormat.FractionBits;

    /// <summary>The default NaN ("real indefinite").</summary>
    internal static ulong Indefinite => SignBit | Infinity | QuietBit;

    internal static bool IsNaN(ulong a) => (a & Magnitude) > Infinity;

    internal static bool IsSignalingNaN(ulong a) => IsNaN(a) && (a & QuietBit) == 0;

    internal static bool IsInfinity(ulong a) => (a & Magnitude) == Infinity;

    internal static bool IsZero(ulong a) => (a & Magnitude) == 0;

    internal static bool IsDenormal(ulong a) => (a & Magnitude) - 1 < MinNormal - 1;

    internal static bool IsNegative(ulong a) => (a & SignBit) != 0;

    /// <summary>Applies DAZ: a denormal becomes a zero of its sign.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static ulong FlushOperand(ulong a, uint mxcsr) =>
        (mxcsr & Mxcsr.DenormalsAreZeros) != 0 && IsDenormal(a) ? a & SignBit : a;

    public static ulong Add(ulong a, ulong b, uint mxcsr, ref uint raised)
    {
        a = FlushOperand(a, mxcsr);
        b = FlushOperand(b, mxcsr);
        if (IsNaN(a) || IsNaN(b))
        {
            return PropagateNaN(a, b, ref raised);
        }

        if (IsInfinity(a) && IsInfinity(b) && a != b)
        {
            raised |= Mxcsr.Invalid;
            return Indefinite;
        }

        RaiseDenormal(a, b, ref raised);
        if (IsInfinity(a))
        {
            return a;
        }

        if (IsInfinity(b))
        {
            return b;
        }

        if (IsZero(a) && IsZero(b))
        {
            return a == b ? a : ExactZero(mxcsr);
        }

        if (IsZero(a) || IsZero(b))
        {
            var other = IsZero(a) ? b : a;
            Unpack(other, out var exponent, out var significand);
            return RoundAndPack(IsNegative(other), exponent, significand, mxcsr, ref raised);
        }

        return AddFinite(a, b, mxcsr, ref raised);
    }

    public static ulong Subtract(ulong a, ulong b, uint mxcsr, ref uint raised) =>
        Add(a, IsNaN(b) ? b : b ^ SignBit, mxcsr, ref raised);

    public static ulong Multiply(ulong a, ulong b, uint mxcsr, ref uint raised)
    {
        a = FlushOperand(a, mxcsr);
        b = FlushOperand(b, mxcsr);
        if (IsNaN(a) || IsNaN(b))
        {
            return PropagateNaN(a, b, ref raised);
        }

        if ((IsInfinity(a) && IsZero(b)) || (IsZero(a) && IsInfinity(b)))
        {
            raised |= Mxcsr.Invalid;
            return Indefinite;
        }

        RaiseDenormal(a, b, ref raised);
        var sign = (a ^ b) & SignBit;
        if (IsInfinity(a) || IsInfinity(b))
        {
            return sign | Infinity;
        }

        if (IsZero(a) || IsZero(b))
        {
            return sign;
        }

        Unpack(a, out var exponentA, out var significandA);
        Unpack(b, out var exponentB, out var significandB);
        var high = Math.BigMul(significandA, significandB, out var low);
        var exponent = exponentA + exponentB + 1;
        if ((high >> 63) == 0)
        {
            high = (high << 1) | (low >> 63);
            low <<= 1;
            exponent--;
        }

        return RoundAndPack(sign != 0, exponent, Jam(high, low), mxcsr, ref raised);
    }

    public static ulong Divide(ulong a, ulong b, uint mxcsr, ref uint raised)
    {
        a = FlushOperand(a, mxcsr);
        b = FlushOperand(b, mxcsr);
        if (IsNaN(a) || IsNaN(b))
        {
            return PropagateNaN(a, b, ref raised);
        }

        if ((IsInfinity(a) && IsInfinity(b)) || (IsZero(a) && IsZero(b)))
        {
            raised |= Mxcsr.Invalid;
            return Indefinite;
        }

        var sign = (a ^ b) & SignBit;
        if (IsZero(b) && !IsInfinity(a))
        {
            raised |= Mxcsr.ZeroDivide;
            return sign | Infinity;
        }

        RaiseDenormal(a, b, ref raised);
        if (IsInfinity(a))
        {
            return sign | Infinity;
        }

        if (IsInfinity(b) || IsZero(a))
        {
            return sign;
        }

        Unpack(a, out var exponentA, out var significandA);
        Unpack(b, out var exponentB, out var significandB);
        var exponent = exponentA - exponentB;
        var shift = 63;
        if (significandA < significandB)
        {
            shift = 64;
            exponent--;
        }

        var dividend = (UInt128)significandA << shift;
        var quotient = (ulong)(dividend / significandB);
        var remainder = (ulong)dividend - (quotient * significandB);
        return RoundAndPack(sign != 0, exponent, Jam(quotient, remainder), mxcsr, ref raised);
    }

    public static ulong SquareRoot(ulong a, uint mxcsr, ref uint raised)
    {
        a = FlushOperand(a, mxcsr);
        if (IsNaN(a))
        {
            return PropagateNaN(a, a, ref raised);
        }

        if (IsZero(a))
        {
            return a;
        }

        if (IsNegative(a))
        {
            raised |= Mxcsr.Invalid;
            return Indefinite;
        }

        RaiseDenormal(a, a, ref raised);
        if (IsInfinity(a))
        {
            return a;
        }

        Unpack(a, out var exponent, out var significand);
        var radicand = (UInt128)significand << 63;
        if ((exponent & 1) != 0)
        {
            radicand <<= 1;
            exponent--;
        }

        var root = IntegerSquareRoot(radicand);
        var remainder = radicand - ((UInt128)root * root);
        return RoundAndPack(false, exponent / 2, Jam(root, (ulong)(remainder >> 64) | (ulong)remainder), mxcsr, ref raised);
    }

    /// <summary>
    /// MIN and MAX: the second operand is the answer whenever the two cannot be told apart, or one is a NaN (which is then not quieted).
    /// </summary>
    public static ulong MinMax(ulong a, ulong b, bool max, uint mxcsr, ref uint raised)
    {
        a = FlushOperand(a, mxcsr);
        b = FlushOperand(b, mxcsr);
        if (IsNaN(a) || IsNaN(b))
        {
            raised |= Mxcsr.Invalid;
            return b;
        }

        RaiseDenormal(a, b, ref raised);
        return max ? (Less(b, a) ? a : b) : (Less(a, b) ? a : b);
    }

    /// <summary>
    /// Orders two operands and raises what COMISx (<paramref name="signalQuiet"/>) or UCOMISx raises.
    /// </summary>
    public static FloatOrder Compare(ulong a, ulong b, bool signalQuiet, uint mxcsr, ref uint raised)
    {
        a = FlushOperand(a, mxcsr);
        b = FlushOperand(b, mxcsr);
        if (IsNaN(a) || IsNaN(b))
        {
            if (signalQuiet || IsSignalingNaN(a) || IsSignalingNaN(b))
            {
                raised |= Mxcsr.Invalid;
            }

            return FloatOrder.Unordered;
        }

        RaiseDenormal(a, b, ref raised);
        if (Less(a, b))
        {
            return FloatOrder.Less;
        }

        return Less(b, a) ? FloatOrder.Greater : FloatOrder.Equal;
    }

    /// <summary>
    /// Rounds to the format. Tininess is detected after rounding; an exact tiny result is an underflow only when that exception is unmasked.
    /// </summary>
    internal static ulong RoundAndPack(bool negative, int exponent, ulong significand, uint mxcsr, ref uint raised)
    {
        var sign = negative ? SignBit : 0;
        if ((Mxcsr.Unmasked(mxcsr, raised) & Mxcsr.PreComputation) != 0)
        {
            // The operands have stopped the instruction: there is no result, and nothing it could raise.
            return sign;
        }

        var drop = 63 - TFormat.FractionBits;
        var rounding = Mxcsr.Rounding(mxcsr);
        var rounded = RoundAt(significand, drop, negative, rounding, out var inexact);
        var carried = rounded >> (TFormat.FractionBits + 1) != 0;
        var roundedExponent = exponent + (carried ? 1 : 0);

        if (roundedExponent < MinExponent)
        {
            return PackTiny(negative, exponent, significand, inexact, mxcsr, ref raised);
        }

        if (roundedExponent > Bias)
        {
            raised |= Mxcsr.Overflow;
            if (inexact || (mxcsr & Mxcsr.OverflowMask) != 0)
            {
                raised |= Mxcsr.Precision;
            }

            var toInfinity = rounding == Mxcsr.RoundNearest
                || (rounding == Mxcsr.RoundUp && !negative)
                || (rounding == Mxcsr.RoundDown && negative);
            return sign | (toInfinity ? Infinity : Infinity - 1);
        }

        if (inexact)
        {
            raised |= Mxcsr.Precision;
        }

        return sign | ((ulong)(roundedExponent + Bias) << TFormat.FractionBits) | (carried ? 0 : rounded & FractionMask);
    }

    /// <summary>Splits a finite number that is not zero.</summary>
    internal static void Unpack(ulong a, out int exponent, out ulong significand)
    {
        var fraction = a & FractionMask;
        var field = (int)(a >> TFormat.FractionBits) & ExponentFieldMax;
        if (field == 0)
        {
            var shift = BitOperations.LeadingZeroCount(fraction);
            significand = fraction << shift;
            exponent = MinExponent - TFormat.FractionBits + 63 - shift;
        }
        else
        {
            significand = (fraction | MinNormal) << (63 - TFormat.FractionBits);
            exponent = field - Bias;
        }
    }

    /// <summary>The NaN rule of SSE: the first operand when it is a NaN, else the second; quieted.</summary>
    internal static ulong PropagateNaN(ulong a, ulong b, ref uint raised)
    {
        if (IsSignalingNaN(a) || IsSignalingNaN(b))
        {
            raised |= Mxcsr.Invalid;
        }

        return (IsNaN(a) ? a : b) | QuietBit;
    }

    /// <summary>Drops the low <paramref name="drop"/> bits (1 to 63) under a rounding mode.</summary>
    internal static ulong RoundAt(ulong value, int drop, bool negative, uint rounding, out bool inexact)
    {
        var kept = value >> drop;
        var rest = value & ((1ul << drop) - 1);
        inexact = rest != 0;
        var half = 1ul << (drop - 1);
        var up = rounding switch
        {
            Mxcsr.RoundNearest => rest > half || (rest == half && (kept & 1) != 0),
            Mxcsr.RoundDown => negative && inexact,
            Mxcsr.RoundUp => !negative && inexact,
            _ => false,
        };
        return up ? kept + 1 : kept;
    }

    /// <summary>Shifts right and keeps a one in the lowest bit when ones were shifted out.</summary>
    internal static ulong ShiftRightJam(ulong value, int count)
    {
        if (count >= 64)
        {
            return value != 0 ? 1ul : 0;
        }

        return Jam(value >> count, count == 0 ? 0 : value << (64 - count));
    }

    private static ulong AddFinite(ulong a, ulong b, uint mxcsr, ref uint raised)
    {
        Unpack(a, out var exponentA, out var significandA);
        Unpack(b, out var exponentB, out var significandB);
        var negative = IsNegative(a);
        var subtract = ((a ^ b) & SignBit) != 0;
        if (exponentA < exponentB || (exponentA == exponentB && significandA < significandB))
        {
            (exponentA, exponentB) = (exponentB, exponentA);
            (significandA, significandB) = (significandB, significandA);
            negative = IsNegative(b);
        }

        // One bit of room for the carry; the format leaves at least nine bits below for guard and sticky.
        significandA >>= 1;
        significandB = ShiftRightJam(significandB, exponentA - exponentB + 1);
        var sum = subtract ? significandA - significandB : significandA + significandB;
        if (sum == 0)
        {
            return ExactZero(mxcsr);
        }

        var shift = BitOperations.LeadingZeroCount(sum);
        return RoundAndPack(negative, exponentA + 1 - shift, sum << shift, mxcsr, ref raised);
    }

    private static ulong PackTiny(bool negative, int exponent, ulong significand, bool inexact, uint mxcsr, ref uint raised)
    {
        var sign = negative ? SignBit : 0;
        if ((mxcsr & Mxcsr.UnderflowMask) == 0)
        {
            raised |= Mxcsr.Underflow | (inexact ? Mxcsr.Precision : 0);
            return sign;
        }

        if ((mxcsr & Mxcsr.FlushToZero) != 0)
        {
            raised |= Mxcsr.Underflow | Mxcsr.Precision;
            return sign;
        }

        var drop = 63 - TFormat.FractionBits;
        var shifted = ShiftRightJam(significand, MinExponent - exponent);
        var rounded = RoundAt(shifted, drop, negative, Mxcsr.Rounding(mxcsr), out var lost);
        if (lost)
        {
            raised |= Mxcsr.Underflow | Mxcsr.Precision;
        }

        // A carry into the exponent field gives the smallest normal number, as it should.
        return sign | rounded;
    }

    private static bool Less(ulong a, ulong b)
    {
        if (IsZero(a) && IsZero(b))
        {
            return false;
        }

        if (IsNegative(a) != IsNegative(b))
        {
            return IsNegative(a);
        }

        return IsNegative(a) ? (a & Magnitude) > (b & Magnitude) : a < b;
    }

    private static ulong ExactZero(uint mxcsr) => Mxcsr.Rounding(mxcsr) == Mxcsr.RoundDown ? SignBit : 0;

    private static void RaiseDenormal(ulong a, ulong b, ref uint raised)
    {
        if (IsDenormal(a) || IsDenormal(b))
        {
            raised |= Mxcsr.Denormal;
        }
    }

    private static ulong Jam(ulong value, ulong rest) => rest != 0 ? value | 1 : value;

    /// <summary>The integer square root, digit by digit.</summary>
    private static ulong IntegerSquareRoot(UInt128 value)
    {
        UInt128 root = 0;
        var bit = UInt128.One << 126;
        while (bit != UInt128.Zero)
        {
            if (value >= root + bit)
            {
                value -= root + bit;
                root = (root >> 1) + bit;
            }
            else
            {
                root >>= 1;
            }

            bit >>= 2;
        }

        return (ulong)root;
    }
}
