using System.Numerics;

namespace Emulator.Core.Semantics.X87;

/// <summary>FPREM and FPREM1.</summary>
public static class X87Remainder
{
    /// <summary>
    /// FPREM (<paramref name="nearest"/> false: the quotient is truncated) and FPREM1 (true: it is rounded to nearest). The status
    /// receives the exceptions, C2 for a partial remainder, and else the low quotient bits 2, 1 and 0 in C0, C3 and C1.
    /// <paramref name="hasQuotient"/> is false where no division takes place; C0 and C3 then keep their values (measured: x87 vectors).
    /// </summary>
    public static Float80 Compute(Float80 a, Float80 b, bool nearest, uint control, ref uint status, out bool hasQuotient)
    {
        hasQuotient = false;
        var kindA = X87Operand.Classify(a);
        var kindB = X87Operand.Classify(b);
        if (kindA >= Float80Class.QuietNaN || kindB >= Float80Class.QuietNaN)
        {
            return X87Operand.PropagateNaN(a, kindA, b, kindB, ref status);
        }

        if (kindA == Float80Class.Infinity || kindB == Float80Class.Zero)
        {
            return X87Operand.InvalidOperation(ref status);
        }

        if (X87Operand.RaiseDenormal(kindA == Float80Class.Denormal || kindB == Float80Class.Denormal, control, ref status))
        {
            return a;
        }

        hasQuotient = true;
        if (kindA == Float80Class.Zero)
        {
            return a;
        }

        X87Operand.Normalize(a, out var significand, out var exponent);
        if (kindB == Float80Class.Infinity)
        {
            return Pack(a.Sign, significand, exponent, control, ref status);
        }

        X87Operand.Normalize(b, out var divisor, out var divisorExponent);
        var sign = a.Sign;
        var distance = exponent - divisorExponent;
        if (distance < 0)
        {
            if (nearest && distance == -1 && significand > divisor)
            {
                status |= X87Status.C1;
                return Pack(sign ^ 0x8000, (divisor << 1) - significand, exponent, control, ref status);
            }

            return Pack(sign, significand, exponent, control, ref status);
        }

        // One pass takes off at most 63 bits; the manual leaves the number open between 32 and 63.
        var bits = distance < 64 ? distance : 32 + (distance & 31);
        ulong quotient = 0;
        if (significand >= divisor)
        {
            significand -= divisor;
            quotient = 1;
        }

        if (bits > 0)
        {
            var low = X87Arithmetic.Divide128(significand >> (64 - bits), significand << bits, divisor, out significand);
            quotient = (quotient << bits) + low;
        }

        if (distance >= 64)
        {
            status |= X87Status.C2;
            return Pack(sign, significand, divisorExponent + distance - bits, control, ref status);
        }

        if (nearest)
        {
            var rest = divisor - significand;
            if (significand > rest || (significand == rest && (quotient & 1) != 0))
            {
                significand = rest;
                sign ^= 0x8000;
                quotient++;
            }
        }

        status |= ((quotient & 4) != 0 ? X87Status.C0 : 0) | ((quotient & 2) != 0 ? X87Status.C3 : 0)
            | ((quotient & 1) != 0 ? X87Status.C1 : 0);
        return significand == 0
            ? new(0, (ushort)a.Sign)
            : Pack(sign, significand, divisorExponent, control, ref status);
    }

    private static Float80 Pack(uint sign, ulong significand, int exponent, uint control, ref uint status)
    {
        if (significand == 0)
        {
            return new(0, (ushort)sign);
        }

        var shift = BitOperations.LeadingZeroCount(significand);
        return X87Rounding.Round(sign, exponent - shift, significand << shift, 0, control | X87Control.Precision64, ref status);
    }
}
