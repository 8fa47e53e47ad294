using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace Emulator.Core.Semantics.X87;

/// <summary>
/// FADD, FSUB, FMUL, FDIV and FSQRT. Each operation takes the control word, ORs the exceptions it raises (and C1 for a result rounded
/// up in magnitude) into <c>status</c>, and returns what the destination register receives. After an unmasked #I, #D or #Z the
/// return value has no meaning and the destination keeps its value; after an unmasked overflow or underflow it is the result with
/// its exponent adjusted by 24576.
/// </summary>
public static class X87Arithmetic
{
    /// <summary><paramref name="a"/> + <paramref name="b"/>.</summary>
    public static Float80 Add(Float80 a, Float80 b, uint control, ref uint status) => AddSigned(a, b, 0, control, ref status);

    /// <summary><paramref name="a"/> - <paramref name="b"/>.</summary>
    public static Float80 Subtract(Float80 a, Float80 b, uint control, ref uint status) => AddSigned(a, b, 0x8000, control, ref status);

    /// <summary><paramref name="a"/> * <paramref name="b"/>.</summary>
    public static Float80 Multiply(Float80 a, Float80 b, uint control, ref uint status)
    {
        if (BothNormal(a, b))
        {
            // The product has 127 or 128 bits; a branch on that would be a coin toss.
            var high = Math.BigMul(a.Significand, b.Significand, out var low);
            var shift = ~high >> 63;
            high = (high << (int)shift) | ((low >> 63) & shift);
            return X87Rounding.Round(
                (uint)(a.SignExponent ^ b.SignExponent) & 0x8000,
                a.Exponent + b.Exponent - (Float80.Bias - 1) - (int)shift,
                high,
                low << (int)shift,
                control,
                ref status);
        }

        return MultiplySpecial(a, b, control, ref status);
    }

    /// <summary><paramref name="a"/> / <paramref name="b"/>.</summary>
    public static Float80 Divide(Float80 a, Float80 b, uint control, ref uint status)
    {
        if (BothNormal(a, b))
        {
            var sign = (uint)(a.SignExponent ^ b.SignExponent) & 0x8000;
            return DivideFinite(sign, a.Significand, a.Exponent, b.Significand, b.Exponent, control, ref status);
        }

        return DivideSpecial(a, b, control, ref status);
    }

    /// <summary>The square root of <paramref name="value"/>.</summary>
    public static Float80 SquareRoot(Float80 value, uint control, ref uint status)
    {
        var kind = X87Operand.Classify(value);
        switch (kind)
        {
            case Float80Class.Zero:
                return value;
            case Float80Class.Infinity when value.Sign == 0:
                return value;
            case Float80Class.Normal or Float80Class.Denormal or Float80Class.Infinity:
                if (value.Sign != 0)
                {
                    return X87Operand.InvalidOperation(ref status);
                }

                break;
            default:
                return X87Operand.PropagateNaN(value, kind, ref status);
        }

        if (X87Operand.RaiseDenormal(kind == Float80Class.Denormal, control, ref status))
        {
            return value;
        }

        X87Operand.Normalize(value, out var significand, out var exponent);

        // An even power of two is taken out: the radicand is n = high:low, 2^126 <= n < 2^128.
        var unbiased = exponent - Float80.Bias;
        var odd = unbiased & 1;
        var high = odd != 0 ? significand : significand >> 1;
        var low = odd != 0 ? 0 : significand << 63;
        var root = IntegerSquareRoot(high, low, out var aboveHalf, out var exact);
        var fraction = exact ? 0 : aboveHalf ? Float80.IntegerBit | 1 : 1;
        return X87Rounding.Round(0, ((unbiased - odd) >> 1) + Float80.Bias, root, fraction, control, ref status);
    }

    /// <summary>
    /// The quotient of two normalized significands as a register value.
    /// </summary>
    internal static Float80 DivideFinite(
        uint sign, ulong dividend, int dividendExponent, ulong divisor, int divisorExponent, uint control, ref uint status)
    {
        ulong shift = dividend >= divisor ? 1u : 0;
        var quotient = Divide128(dividend >> (int)shift, (dividend & shift) << 63, divisor, out var remainder);

        // Twice the remainder against the divisor says on which side of the half ulp the quotient is; it never is in the middle, for
        // then the divisor would be a multiple of 2^64.
        var fraction = (remainder >= divisor - remainder ? Float80.IntegerBit : 0) | (remainder != 0 ? 1u : 0);
        var exponent = dividendExponent - divisorExponent + (Float80.Bias - 1) + (int)shift;
        return X87Rounding.Round(sign, exponent, quotient, fraction, control, ref status);
    }

    /// <summary>high:low / divisor for a divisor with its top bit set and high &lt; divisor.</summary>
    internal static ulong Divide128(ulong high, ulong low, ulong divisor, out ulong remainder)
    {
#pragma warning disable SYSLIB5004 // An intrinsic that may still change its shape; the portable path gives the same.
        if (X86Base.X64.IsSupported)
        {
            (var hardware, remainder) = X86Base.X64.DivRem(low, high, divisor);
            return hardware;
        }
#pragma warning restore SYSLIB5004

        // Knuth's algorithm D with two 32-bit digits.
        var divisorHigh = divisor >> 32;
        var divisorLow = divisor & 0xFFFF_FFFF;
        var q1 = DivideDigit(high, low >> 32, divisor, divisorHigh, divisorLow, out var rest);
        var q0 = DivideDigit(rest, low & 0xFFFF_FFFF, divisor, divisorHigh, divisorLow, out remainder);
        return (q1 << 32) | q0;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong DivideDigit(ulong high, ulong nextDigit, ulong divisor, ulong divisorHigh, ulong divisorLow, out ulong remainder)
    {
        var digit = high / divisorHigh;
        var rest = high - (digit * divisorHigh);
        while (digit > 0xFFFF_FFFF || digit * divisorLow > ((rest << 32) | nextDigit))
        {
            digit--;
            rest += divisorHigh;
            if (rest > 0xFFFF_FFFF)
            {
                break;
            }
        }

        remainder = ((high << 32) | nextDigit) - (digit * divisor);
        return digit;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static ulong IntegerSquareRoot(ulong high, ulong low, out bool aboveHalf, out bool exact)
    {
        // A double gives 52 good bits; one Newton step in integers gives all 64, to within a unit that the loops below settle.
        var estimate = Math.Sqrt(high) * 4294967296.0;
        var root = estimate >= 18446744073709551615.0 ? ulong.MaxValue : (ulong)estimate;
        if ((long)root >= 0)
        {
            root = Float80.IntegerBit;
        }

        var n = new UInt128(high, low);
        var square = (UInt128)Math.BigMul(root, root, out var squareLow) << 64 | squareLow;
        if (n >= square)
        {
            var difference = n - square;
            var step = Halve(difference, root);
            root = ulong.MaxValue - root < step ? ulong.MaxValue : root + step;
        }
        else
        {
            var step = Halve(square - n, root);
            root -= step;
        }

        square = (UInt128)Math.BigMul(root, root, out squareLow) << 64 | squareLow;
        while (square > n)
        {
            square -= ((UInt128)root << 1) - 1;
            root--;
        }

        var rest = n - square;
        while (rest > ((UInt128)root << 1))
        {
            rest -= ((UInt128)root << 1) + 1;
            root++;
        }

        exact = rest == 0;
        aboveHalf = rest > root;
        return root;

        // difference / (2 * root); the difference is below 2^(64 + 14), so the quotient is small.
        static ulong Halve(UInt128 difference, ulong root)
        {
            var shifted = difference >> 1;
            return Divide128((ulong)(shifted >> 64), (ulong)shifted, root, out _);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool BothNormal(Float80 a, Float80 b) =>
        (uint)(a.Exponent - 1) < 0x7FFE && (uint)(b.Exponent - 1) < 0x7FFE && (long)(a.Significand & b.Significand) < 0;

    private static Float80 AddSigned(Float80 a, Float80 b, uint flip, uint control, ref uint status)
    {
        if (BothNormal(a, b))
        {
            return AddFinite(a.Sign, a.Significand, a.Exponent, b.Sign ^ flip, b.Significand, b.Exponent, control, ref status);
        }

        return AddSpecial(a, b, flip, control, ref status);
    }

    private static Float80 AddFinite(
        uint signA, ulong a, int exponentA, uint signB, ulong b, int exponentB, uint control, ref uint status)
    {
        // Without branches on the operands' order, which no branch predictor can guess: a becomes the larger magnitude.
        var distance = exponentA - exponentB;
        var swap = (int)((uint)distance >> 31) | ((distance == 0) & (a < b) ? 1 : 0);
        var mask = (uint)-swap;
        var difference = (a ^ b) & (ulong)-(long)swap;
        a ^= difference;
        b ^= difference;
        var exponent = exponentA ^ ((exponentA ^ exponentB) & (int)mask);
        var sign = signA ^ ((signA ^ signB) & mask);
        distance = (distance ^ (int)mask) + swap;

        ulong low;
        if (distance < 64)
        {
            low = (b << 1) << (63 - distance);
            b >>= distance;
        }
        else
        {
            low = 0;
            X87Rounding.ShiftRight(ref b, ref low, distance);
        }

        if (signA == signB)
        {
            var sum = a + b;
            ulong carry = sum < a ? 1u : 0;
            low = (low >> (int)carry) | (low & carry) | ((sum & carry) << 63);
            sum = (sum >> (int)carry) | (carry << 63);
            return X87Rounding.Round(sign, exponent + (int)carry, sum, low, control, ref status);
        }

        var high = a - b - (low != 0 ? 1u : 0u);
        low = 0 - low;
        if (high == 0)
        {
            if (low == 0)
            {
                return new(0, (ushort)((control & X87Control.RoundingMask) == X87Control.RoundDown ? 0x8000 : 0));
            }

            // Only one bit of the smaller operand lies below the larger one, so it is all that is left.
            high = low;
            low = 0;
            exponent -= 64;
        }

        var shift = BitOperations.LeadingZeroCount(high);
        high = (high << shift) | ((low >> 1) >> (63 - shift));
        return X87Rounding.Round(sign, exponent - shift, high, low << shift, control, ref status);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static Float80 AddSpecial(Float80 a, Float80 b, uint flip, uint control, ref uint status)
    {
        var kindA = X87Operand.Classify(a);
        var kindB = X87Operand.Classify(b);
        if (kindA >= Float80Class.QuietNaN || kindB >= Float80Class.QuietNaN)
        {
            return X87Operand.PropagateNaN(a, kindA, b, kindB, ref status);
        }

        var signB = b.Sign ^ flip;
        var otherB = new Float80(b.Significand, (ushort)(signB | (uint)b.Exponent));
        if (kindA == Float80Class.Infinity && kindB == Float80Class.Infinity && a.Sign != signB)
        {
            return X87Operand.InvalidOperation(ref status);
        }

        if (X87Operand.RaiseDenormal(kindA == Float80Class.Denormal || kindB == Float80Class.Denormal, control, ref status))
        {
            return a;
        }

        if (kindA == Float80Class.Infinity)
        {
            return a;
        }

        if (kindB == Float80Class.Infinity)
        {
            return otherB;
        }

        if (kindA == Float80Class.Zero && kindB == Float80Class.Zero)
        {
            var sign = a.Sign == signB ? signB : (control & X87Control.RoundingMask) == X87Control.RoundDown ? 0x8000u : 0;
            return new(0, (ushort)sign);
        }

        if (kindA == Float80Class.Zero || kindB == Float80Class.Zero)
        {
            // The sum is exact but is still rounded to the precision in force.
            var value = kindA == Float80Class.Zero ? otherB : a;
            X87Operand.Normalize(value, out var significand, out var exponent);
            return X87Rounding.Round(value.Sign, exponent, significand, 0, control, ref status);
        }

        X87Operand.Normalize(a, out var significandA, out var exponentA);
        X87Operand.Normalize(b, out var significandB, out var exponentB);
        return AddFinite(a.Sign, significandA, exponentA, signB, significandB, exponentB, control, ref status);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static Float80 MultiplySpecial(Float80 a, Float80 b, uint control, ref uint status)
    {
        var kindA = X87Operand.Classify(a);
        var kindB = X87Operand.Classify(b);
        if (kindA >= Float80Class.QuietNaN || kindB >= Float80Class.QuietNaN)
        {
            return X87Operand.PropagateNaN(a, kindA, b, kindB, ref status);
        }

        var infinite = kindA == Float80Class.Infinity || kindB == Float80Class.Infinity;
        var zero = kindA == Float80Class.Zero || kindB == Float80Class.Zero;
        if (infinite && zero)
        {
            return X87Operand.InvalidOperation(ref status);
        }

        if (X87Operand.RaiseDenormal(kindA == Float80Class.Denormal || kindB == Float80Class.Denormal, control, ref status))
        {
            return a;
        }

        var sign = (uint)(a.SignExponent ^ b.SignExponent) & 0x8000;
        if (infinite)
        {
            return new(Float80.IntegerBit, (ushort)(sign | 0x7FFF));
        }

        if (zero)
        {
            return new(0, (ushort)sign);
        }

        X87Operand.Normalize(a, out var significandA, out var exponentA);
        X87Operand.Normalize(b, out var significandB, out var exponentB);
        var high = Math.BigMul(significandA, significandB, out var low);
        var exponent = exponentA + exponentB - (Float80.Bias - 1);
        if ((long)high >= 0)
        {
            high = (high << 1) | (low >> 63);
            low <<= 1;
            exponent--;
        }

        return X87Rounding.Round(sign, exponent, high, low, control, ref status);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static Float80 DivideSpecial(Float80 a, Float80 b, uint control, ref uint status)
    {
        var kindA = X87Operand.Classify(a);
        var kindB = X87Operand.Classify(b);
        if (kindA >= Float80Class.QuietNaN || kindB >= Float80Class.QuietNaN)
        {
            return X87Operand.PropagateNaN(a, kindA, b, kindB, ref status);
        }

        if (kindA == kindB && kindA is (Float80Class.Zero or Float80Class.Infinity))
        {
            return X87Operand.InvalidOperation(ref status);
        }

        // #Z comes before #D: a denormal divided by zero raises #Z alone.
        var sign = (uint)(a.SignExponent ^ b.SignExponent) & 0x8000;
        if (kindB == Float80Class.Zero && kindA != Float80Class.Infinity)
        {
            status |= X87Status.ZeroDivide;
            return new(Float80.IntegerBit, (ushort)(sign | 0x7FFF));
        }

        if (X87Operand.RaiseDenormal(kindA == Float80Class.Denormal || kindB == Float80Class.Denormal, control, ref status))
        {
            return a;
        }

        if (kindA == Float80Class.Infinity)
        {
            return new(Float80.IntegerBit, (ushort)(sign | 0x7FFF));
        }

        if (kindA == Float80Class.Zero || kindB == Float80Class.Infinity)
        {
            return new(0, (ushort)sign);
        }

        X87Operand.Normalize(a, out var significandA, out var exponentA);
        X87Operand.Normalize(b, out var significandB, out var exponentB);
        return DivideFinite(sign, significandA, exponentA, significandB, exponentB, control, ref status);
    }
}
