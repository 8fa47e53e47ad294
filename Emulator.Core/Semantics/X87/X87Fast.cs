using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace Emulator.Core.Semantics.X87;

/// <summary>
/// The operations of the x87 in the form that hot code wants: operands and results in machine registers, a short path for normal
/// operands with a normal result, everything else behind a call. An operand's sign and exponent are <see cref="X87Packed.Bits"/>: bit 31 must
/// be right, bits 30..16 are ignored, so that the result of one operation can be the operand of the next as it is. Results and exceptions are those of <see cref="X87Arithmetic"/>,
/// <see cref="X87Comparison"/> and <see cref="X87Convert"/>. The control word comes with what the short paths compare exponents with in its
/// upper half, see <see cref="Mode"/>; without it, everything takes the long way.
/// </summary>
public static class X87Fast
{
    private const uint SignBit = 0x8000;

    /// <summary>1.0.</summary>
    public const int ConstantOne = 0;

    /// <summary>0.0.</summary>
    public const int ConstantZero = 1;

    /// <summary>The circle constant.</summary>
    public const int ConstantPi = 2;

    /// <summary>log2 e.</summary>
    public const int ConstantLog2E = 3;

    /// <summary>log2 10.</summary>
    public const int ConstantLog2Ten = 4;

    /// <summary>log10 2.</summary>
    public const int ConstantLog10Two = 5;

    /// <summary>ln 2.</summary>
    public const int ConstantLnTwo = 6;

    private const uint PrecisionBit = X87Status.Precision << X87Packed.RaisedShift;
    private const int UpShift = 9 + X87Packed.RaisedShift;
    private const uint ModeMask = X87Control.PrecisionMask | X87Control.RoundingMask;
    private const int LimitShift = 16;
    private const uint Limit = 0x7FFD;

    /// <summary>
    /// A control word as the operations take it: bits 31..16 are the number of exponents, from 1 on, that a result of a short path may have
    /// before rounding; 0 unless precision control says 64 bits and rounding control to nearest.
    /// </summary>
    /// <param name="control">The control word.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Mode(uint control) => (control & ModeMask) == X87Control.Precision64 ? control | (Limit << LimitShift) : control;

    /// <summary>a + b.</summary>
    /// <param name="a">Significand of a.</param>
    /// <param name="bitsA">Sign and exponent of a.</param>
    /// <param name="b">Significand of b.</param>
    /// <param name="bitsB">Sign and exponent of b.</param>
    /// <param name="control">The control word.</param>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static X87Packed Add(ulong a, uint bitsA, ulong b, uint bitsB, uint control) => Combine(a, bitsA, b, bitsB, 0, control);

    /// <summary>a - b.</summary>
    /// <param name="a">Significand of a.</param>
    /// <param name="bitsA">Sign and exponent of a.</param>
    /// <param name="b">Significand of b.</param>
    /// <param name="bitsB">Sign and exponent of b.</param>
    /// <param name="control">The control word.</param>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static X87Packed Subtract(ulong a, uint bitsA, ulong b, uint bitsB, uint control) => Combine(a, bitsA, b, bitsB, SignBit, control);

    /// <summary>a + b, or a - b when <paramref name="flip"/> is the sign bit: a constant, so that each caller gets code of its own.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static X87Packed Combine(ulong a, uint bitsA, ulong b, uint bitsB, uint flip, uint control)
    {
        uint exponent = bitsA & 0x7FFF;
        uint exponentB = bitsB & 0x7FFF;
        int distance = (int)(exponent - exponentB);
        if ((int)(bitsA | bitsB) < 0 || (uint)(distance + 63) >= 127)
        {
            return flip == 0 ? AddSpecial(a, bitsA, b, bitsB, control) : SubtractSpecial(a, bitsA, b, bitsB, control);
        }

        // The larger exponent first, without a branch, which no predictor could guess.
        int order = distance >> 31;
        ulong difference = (a ^ b) & (ulong)order;
        a ^= difference;
        b ^= difference;
        exponent -= (uint)(distance & order);
        distance = (distance ^ order) - order;
        ulong low = (b << 1) << (63 - distance);
        b >>= distance;
        ulong high;
        uint sign = bitsA;
        if (((bitsA ^ bitsB ^ flip) & 0x8000) == 0)
        {
            // The lowest bit below is zero: nothing is lost when a carry moves the sum down.
            high = a + b;
            uint carry = high < a ? 1u : 0;
            low = (low >> (int)carry) | (((ulong)carry & high) << 63);
            high = (high >> (int)carry) | ((ulong)carry << 63);
            exponent += carry;
        }
        else
        {
            // Negative only where the exponents are equal, and then nothing lies below.
            low = 0 - low;
            high = a - b - (low != 0 ? 1u : 0);
            ulong less = a < b ? 1u : 0;
            high = (high ^ (0 - less)) + less;
            sign ^= (uint)order ^ ((uint)less << 15);
            int shift = BitOperations.LeadingZeroCount(high);
            if (shift == 64)
            {
                return SubtractLong(sign & 0x8000, exponent, low, control);
            }

            exponent -= (uint)shift;
            high = (high << shift) | ((low >> 1) >> (63 - shift));
            low <<= shift;
        }

        return Round(sign & 0x8000, exponent, high, low, control);
    }

    /// <summary>a * b.</summary>
    /// <param name="a">Significand of a.</param>
    /// <param name="bitsA">Sign and exponent of a.</param>
    /// <param name="b">Significand of b.</param>
    /// <param name="bitsB">Sign and exponent of b.</param>
    /// <param name="control">The control word.</param>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static X87Packed Multiply(ulong a, uint bitsA, ulong b, uint bitsB, uint control)
    {
        uint exponentA = bitsA & 0x7FFF;
        uint exponentB = bitsB & 0x7FFF;
        if ((int)(bitsA | bitsB) >= 0)
        {
            // The product has 127 or 128 bits; a branch on that would be a coin toss.
            ulong high = MultiplyHigh(a, b);
            ulong low = a * b;
            uint shift = (uint)(~high >> 63);
            high = (high << (int)shift) | ((low >> 63) & shift);
            return Round((bitsA ^ bitsB) & 0x8000, exponentA + exponentB - (Float80.Bias - 1) - shift, high, low << (int)shift, control);
        }

        return MultiplySpecial(a, bitsA, b, bitsB, control);
    }

    /// <summary>a / b.</summary>
    /// <param name="a">Significand of a.</param>
    /// <param name="bitsA">Sign and exponent of a.</param>
    /// <param name="b">Significand of b.</param>
    /// <param name="bitsB">Sign and exponent of b.</param>
    /// <param name="control">The control word.</param>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static X87Packed Divide(ulong a, uint bitsA, ulong b, uint bitsB, uint control)
    {
        uint exponentA = bitsA & 0x7FFF;
        uint exponentB = bitsB & 0x7FFF;
        if ((int)(bitsA | bitsB) >= 0)
        {
            uint shift = a >= b ? 1u : 0;
            ulong quotient = X87Arithmetic.Divide128(a >> (int)shift, (a & shift) << 63, b, out ulong remainder);

            // Twice the remainder against the divisor says on which side of the half ulp the quotient is; it never is in the middle, for
            // then the divisor would be a multiple of 2^64.
            ulong low = (remainder >= b - remainder ? Float80.IntegerBit : 0) | (remainder != 0 ? 1u : 0);
            return Round((bitsA ^ bitsB) & 0x8000, exponentA - exponentB + (Float80.Bias - 1) + shift, quotient, low, control);
        }

        return DivideSpecial(a, bitsA, b, bitsB, control);
    }

    /// <summary>The square root.</summary>
    /// <param name="a">Significand.</param>
    /// <param name="bits">Sign and exponent.</param>
    /// <param name="control">The control word.</param>
    public static X87Packed SquareRoot(ulong a, uint bits, uint control)
    {
        uint raised = 0;
        return new(X87Arithmetic.SquareRoot(new(a, (ushort)bits), control, ref raised), raised);
    }

    /// <summary>FRNDINT.</summary>
    /// <param name="a">Significand.</param>
    /// <param name="bits">Sign and exponent.</param>
    /// <param name="control">The control word.</param>
    public static X87Packed RoundToInteger(ulong a, uint bits, uint control)
    {
        uint raised = 0;
        return new(X87Scaling.RoundToInteger(new(a, (ushort)bits), control, ref raised), raised);
    }

    /// <summary>a + a, which is exact as a rule.</summary>
    /// <param name="a">Significand.</param>
    /// <param name="bits">Sign and exponent.</param>
    /// <param name="control">The control word.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static X87Packed Double(ulong a, uint bits, uint control) =>
        (int)bits >= 0 && (bits & 0x7FFF) - 1 < control >> LimitShift ? new(a, (bits & 0xFFFF) + 1) : Add(a, bits, a, bits, control);

    /// <summary>A comparison: the condition codes and what was raised, as in the status word; see <see cref="X87Comparison.Compare"/>.</summary>
    /// <param name="a">Significand of a.</param>
    /// <param name="bitsA">Sign and exponent of a.</param>
    /// <param name="b">Significand of b.</param>
    /// <param name="bitsB">Sign and exponent of b.</param>
    /// <param name="quiet">Not 0: quiet NaNs raise nothing.</param>
    public static uint Compare(ulong a, uint bitsA, ulong b, uint bitsB, int quiet)
    {
        uint exponentA = bitsA & 0x7FFF;
        uint exponentB = bitsB & 0x7FFF;
        if ((int)(bitsA | bitsB) >= 0)
        {
            bool same = ((bitsA ^ bitsB) & 0xFFFF) == 0;
            if (same & (a == b))
            {
                return X87Status.C3;
            }

            // Smaller in magnitude, turned round below zero; with different signs the negative one is less.
            bool less = exponentA < exponentB | (exponentA == exponentB & a < b);
            bool differ = ((bitsA ^ bitsB) & 0x8000) != 0;
            bool negative = (bitsA & 0x8000) != 0;
            return (differ ? negative : less ^ negative) ? X87Status.C0 : 0;
        }

        return CompareSpecial(a, bitsA, b, bitsB, quiet);
    }

    /// <summary>FLD m32.</summary>
    /// <param name="bits">The operand.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static X87Packed LoadSingle(uint bits)
    {
        uint exponent = (bits >> 23) & 0xFF;
        return exponent - 1 < 0xFE
            ? new(Float80.IntegerBit | ((ulong)bits << 40), (bits >> 16 & 0x8000) | (exponent + (Float80.Bias - 127)))
            : LoadSpecial(bits);
    }

    /// <summary>FLD m64.</summary>
    /// <param name="bits">The operand.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static X87Packed LoadDouble(ulong bits)
    {
        uint exponent = (uint)(bits >> 52) & 0x7FF;
        return exponent - 1 < 0x7FE
            ? new(Float80.IntegerBit | (bits << 11), ((uint)(bits >> 48) & 0x8000) | (exponent + (Float80.Bias - 1023)))
            : LoadSpecial(bits);
    }

    /// <summary>An m32 as operand of arithmetic: signaling NaNs stay, and #D is raised by a denormal whatever the operation makes of it.</summary>
    /// <param name="bits">The operand.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static X87Packed WidenSingle(uint bits)
    {
        uint exponent = (bits >> 23) & 0xFF;
        return exponent - 1 < 0xFE
            ? new(Float80.IntegerBit | ((ulong)bits << 40), (bits >> 16 & 0x8000) | (exponent + (Float80.Bias - 127)))
            : WidenSpecial(bits);
    }

    /// <summary>An m64 as operand of arithmetic; see <see cref="WidenSingle"/>.</summary>
    /// <param name="bits">The operand.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static X87Packed WidenDouble(ulong bits)
    {
        uint exponent = (uint)(bits >> 52) & 0x7FF;
        return exponent - 1 < 0x7FE
            ? new(Float80.IntegerBit | (bits << 11), ((uint)(bits >> 48) & 0x8000) | (exponent + (Float80.Bias - 1023)))
            : WidenSpecial(bits);
    }

    /// <summary>A signed integer, exactly.</summary>
    /// <param name="value">The operand.</param>
    public static X87Packed FromInteger(long value) => new(X87Convert.FromInt64(value), 0);

    /// <summary>FLD m80.</summary>
    /// <param name="a">Significand.</param>
    /// <param name="signExponent">Sign and exponent.</param>
    public static X87Packed LoadExtended(ulong a, uint signExponent) => new(a, X87Packed.BitsOf(a, signExponent));

    /// <summary>What FLD1, FLDZ, FLDPI, FLDL2E, FLDL2T, FLDLG2 and FLDLN2 load.</summary>
    /// <param name="constant">One of the constants of this class.</param>
    /// <param name="control">The control word.</param>
    public static X87Packed Constant(int constant, uint control) => constant switch
    {
        ConstantZero => new(0, X87Packed.Special),
        ConstantPi => Near(0xC90F_DAA2_2168_C234, 0x4000, true, control),
        ConstantLog2E => Near(0xB8AA_3B29_5C17_F0BB, 0x3FFF, true, control),
        ConstantLog2Ten => Near(0xD49A_784B_CD1B_8AFE, 0x4000, false, control),
        ConstantLog10Two => Near(0x9A20_9A84_FBCF_F798, 0x3FFD, true, control),
        ConstantLnTwo => Near(0xB172_17F7_D1CF_79AB, 0x3FFE, true, control),
        _ => new(Float80.IntegerBit, Float80.Bias),
    };

    /// <summary>FXAM of a register that is not empty: the condition codes, C1 too.</summary>
    /// <param name="a">Significand.</param>
    /// <param name="bits">Sign and exponent.</param>
    public static uint Examine(ulong a, uint bits) => X87Operand.Examine(new(a, (ushort)bits));

    /// <summary>FST m32.</summary>
    /// <param name="a">Significand.</param>
    /// <param name="bits">Sign and exponent.</param>
    /// <param name="control">The control word.</param>
    public static X87Packed StoreSingle(ulong a, uint bits, uint control)
    {
        uint raised = 0;
        return new(X87Convert.ToSingle(new(a, (ushort)bits), control, ref raised), raised << X87Packed.RaisedShift);
    }

    /// <summary>FST m64.</summary>
    /// <param name="a">Significand.</param>
    /// <param name="bits">Sign and exponent.</param>
    /// <param name="control">The control word.</param>
    public static X87Packed StoreDouble(ulong a, uint bits, uint control)
    {
        uint exponent = (bits & 0x7FFF) - (Float80.Bias - 1023);
        if (exponent - 1 < 0x7FD && (int)bits >= 0 && (control & X87Control.RoundingMask) == X87Control.RoundNearest)
        {
            ulong packed = ((ulong)(bits & 0x8000) << 48) + ((ulong)exponent << 52) + (a << 1 >> 12);
            ulong rest = a << 53;

            // A carry out of the fraction is the next exponent, which is at most 7FEh here.
            uint up = (uint)(rest >> 63);
            if (rest == Float80.IntegerBit)
            {
                up = (uint)packed & 1;
            }

            return new(packed + up, (rest != 0 ? PrecisionBit : 0) | (up << UpShift));
        }

        return StoreDoubleSpecial(a, bits, control);
    }

    /// <summary>FIST m16.</summary>
    /// <param name="a">Significand.</param>
    /// <param name="bits">Sign and exponent.</param>
    /// <param name="control">The control word.</param>
    public static X87Packed StoreInt16(ulong a, uint bits, uint control)
    {
        uint raised = 0;
        return new((ulong)X87Convert.ToInt16(new(a, (ushort)bits), control, ref raised), raised << X87Packed.RaisedShift);
    }

    /// <summary>FIST m32.</summary>
    /// <param name="a">Significand.</param>
    /// <param name="bits">Sign and exponent.</param>
    /// <param name="control">The control word.</param>
    public static X87Packed StoreInt32(ulong a, uint bits, uint control)
    {
        uint raised = 0;
        return new((ulong)X87Convert.ToInt32(new(a, (ushort)bits), control, ref raised), raised << X87Packed.RaisedShift);
    }

    /// <summary>FISTP m64.</summary>
    /// <param name="a">Significand.</param>
    /// <param name="bits">Sign and exponent.</param>
    /// <param name="control">The control word.</param>
    public static X87Packed StoreInt64(ulong a, uint bits, uint control)
    {
        uint raised = 0;
        return new((ulong)X87Convert.ToInt64(new(a, (ushort)bits), control, ref raised), raised << X87Packed.RaisedShift);
    }

    /// <summary>
    /// A constant from its truncated significand: one more where rounding control asks for it, <paramref name="aboveHalf"/> saying what
    /// to nearest does.
    /// </summary>
    private static X87Packed Near(ulong significand, uint exponent, bool aboveHalf, uint control) =>
        new(
            (control & X87Control.RoundingMask) switch
            {
                X87Control.RoundNearest => aboveHalf ? significand + 1 : significand,
                X87Control.RoundUp => significand + 1,
                _ => significand,
            },
            exponent);

    private static bool IsZero(ulong a, uint bits) => (a | (bits & 0x7FFF)) == 0;


    /// <summary>The high half of a product.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong MultiplyHigh(ulong a, ulong b) => Bmi2.X64.IsSupported ? Bmi2.X64.MultiplyNoFlags(a, b) : Math.BigMul(a, b, out _);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static X87Packed Round(uint sign, uint exponent, ulong high, ulong low, uint control)
    {
        if (exponent - 1 >= control >> LimitShift)
        {
            return RoundOther(sign, (int)exponent, high, low, control);
        }

        // Up from half an ulp on; a tie, which is rare, goes to the even neighbour.
        uint up = (uint)(low >> 63);
        if (low == Float80.IntegerBit)
        {
            up = (uint)high & 1;
        }

        uint bits = sign | exponent | (low != 0 ? PrecisionBit : 0) | (up << UpShift);
        high += up;
        if (high == 0)
        {
            high = Float80.IntegerBit;
            bits++;
        }

        return new(high, bits);
    }

    /// <summary>A difference of which only the lower half is left, or nothing.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static X87Packed SubtractLong(uint sign, uint exponent, ulong low, uint control)
    {
        if (low == 0)
        {
            return new(0, X87Packed.Special | ((control & X87Control.RoundingMask) == X87Control.RoundDown ? 0x8000u : 0));
        }

        int shift = BitOperations.LeadingZeroCount(low);
        return RoundOther(sign, (int)exponent - 64 - shift, low << shift, 0, control);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static X87Packed RoundOther(uint sign, int exponent, ulong high, ulong low, uint control)
    {
        uint raised = 0;
        return new(X87Rounding.Round(sign, exponent, high, low, control, ref raised), raised);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static X87Packed AddSpecial(ulong a, uint bitsA, ulong b, uint bitsB, uint control)
    {
        // Zeros are the special values that are not special: the other operand, where nothing rounds it.
        if ((control & X87Control.PrecisionMask) == X87Control.Precision64)
        {
            if (IsZero(a, bitsA) && (int)bitsB >= 0)
            {
                return new(b, bitsB & 0xFFFF);
            }

            if (IsZero(b, bitsB) && (int)bitsA >= 0)
            {
                return new(a, bitsA & 0xFFFF);
            }
        }

        uint raised = 0;
        return new(X87Arithmetic.Add(new(a, (ushort)bitsA), new(b, (ushort)bitsB), control, ref raised), raised);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static X87Packed SubtractSpecial(ulong a, uint bitsA, ulong b, uint bitsB, uint control)
    {
        if ((control & X87Control.PrecisionMask) == X87Control.Precision64)
        {
            if (IsZero(a, bitsA) && (int)bitsB >= 0)
            {
                return new(b, (bitsB & 0xFFFF) ^ 0x8000);
            }

            if (IsZero(b, bitsB) && (int)bitsA >= 0)
            {
                return new(a, bitsA & 0xFFFF);
            }
        }

        uint raised = 0;
        return new(X87Arithmetic.Subtract(new(a, (ushort)bitsA), new(b, (ushort)bitsB), control, ref raised), raised);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static X87Packed MultiplySpecial(ulong a, uint bitsA, ulong b, uint bitsB, uint control)
    {
        bool zeroA = IsZero(a, bitsA);
        bool zeroB = IsZero(b, bitsB);
        if ((zeroA && (zeroB || (int)bitsB >= 0)) || (zeroB && (int)bitsA >= 0))
        {
            return new(0, ((bitsA ^ bitsB) & 0x8000) | X87Packed.Special);
        }

        uint raised = 0;
        return new(X87Arithmetic.Multiply(new(a, (ushort)bitsA), new(b, (ushort)bitsB), control, ref raised), raised);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static X87Packed DivideSpecial(ulong a, uint bitsA, ulong b, uint bitsB, uint control)
    {
        uint raised = 0;
        return new(X87Arithmetic.Divide(new(a, (ushort)bitsA), new(b, (ushort)bitsB), control, ref raised), raised);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static uint CompareSpecial(ulong a, uint bitsA, ulong b, uint bitsB, int quiet)
    {
        uint raised = 0;
        return X87Comparison.Compare(new(a, (ushort)bitsA), new(b, (ushort)bitsB), quiet != 0, ref raised) | raised;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static X87Packed LoadSpecial(uint bits)
    {
        uint raised = 0;
        Float80 value = X87Convert.FromSingle(bits, out bool denormal);
        return new(X87Convert.Load(value, denormal, ref raised), raised);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static X87Packed LoadSpecial(ulong bits)
    {
        uint raised = 0;
        Float80 value = X87Convert.FromDouble(bits, out bool denormal);
        return new(X87Convert.Load(value, denormal, ref raised), raised);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static X87Packed WidenSpecial(uint bits)
    {
        Float80 value = X87Convert.FromSingle(bits, out bool denormal);
        return new(value, denormal ? X87Status.Denormal : 0);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static X87Packed WidenSpecial(ulong bits)
    {
        Float80 value = X87Convert.FromDouble(bits, out bool denormal);
        return new(value, denormal ? X87Status.Denormal : 0);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static X87Packed StoreDoubleSpecial(ulong a, uint bits, uint control)
    {
        uint raised = 0;
        return new(X87Convert.ToDouble(new(a, (ushort)bits), control, ref raised), raised << X87Packed.RaisedShift);
    }
}
