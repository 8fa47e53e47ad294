using System.Runtime.CompilerServices;

namespace Emulator.Core.Semantics.X87;

/// <summary>
/// A floating-point number of 128 significant bits for the transcendental instructions: (-1)^sign * significand * 2^(exponent - 127),
/// where the significand has its top bit set, or is 0 for zero. Operations truncate; additions leave a sticky last bit, so that a
/// term too small to matter still decides a directed rounding. The error of each is a few units of 2^-127. Methods that compute with
/// <see cref="UInt128"/> are compiled with all optimizations at their first call (<see cref="X87Preparation"/>): ReadyToRun has no code for them.
/// </summary>
internal readonly struct Wide(bool negative, int exponent, UInt128 significand)
{
    internal readonly UInt128 Significand = significand;
    internal readonly int Exponent = exponent;
    internal readonly bool Negative = negative;

    internal bool IsZero => Significand == UInt128.Zero;

    /// <summary>A finite register value that is not zero.</summary>
    internal static Wide From(Float80 value)
    {
        X87Operand.Normalize(value, out var significand, out var exponent);
        return new(value.Sign != 0, exponent - Float80.Bias, new(significand, 0));
    }

    /// <summary>value * 2^scale.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static Wide FromScaled(bool negative, UInt128 value, int scale)
    {
        if (value == UInt128.Zero)
        {
            return default;
        }

        var shift = (int)UInt128.LeadingZeroCount(value);
        return new(negative, 127 - shift + scale, value << shift);
    }

    internal static Wide FromInteger(int value) => FromScaled(value < 0, (UInt128)(uint)Math.Abs(value), 0);

    internal Wide Negate() => new(!Negative, Exponent, Significand);

    internal Wide NegateIf(bool condition) => new(Negative ^ condition, Exponent, Significand);

    internal Wide Scale(int power) => IsZero ? this : new(Negative, Exponent + power, Significand);

    /// <summary>The magnitude of a number below 1 as a fraction in units of 2^-128.</summary>
    internal UInt128 ToFraction()
    {
        var shift = -1 - Exponent;
        return shift >= 128 ? UInt128.Zero : Significand >> shift;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static Wide Add(Wide a, Wide b)
    {
        if (a.IsZero)
        {
            return b;
        }

        if (b.IsZero)
        {
            return a;
        }

        if (a.Exponent < b.Exponent || (a.Exponent == b.Exponent && a.Significand < b.Significand))
        {
            (a, b) = (b, a);
        }

        var distance = a.Exponent - b.Exponent;
        UInt128 smaller;
        if (distance == 0)
        {
            smaller = b.Significand;
        }
        else if (distance < 128)
        {
            smaller = b.Significand >> distance;
            if (b.Significand << (128 - distance) != UInt128.Zero)
            {
                smaller |= UInt128.One;
            }
        }
        else
        {
            smaller = UInt128.One;
        }

        if (a.Negative == b.Negative)
        {
            var sum = a.Significand + smaller;
            return sum < smaller
                ? new(a.Negative, a.Exponent + 1, (sum >> 1) | (sum & UInt128.One) | (UInt128.One << 127))
                : new(a.Negative, a.Exponent, sum);
        }

        return FromScaled(a.Negative, a.Significand - smaller, a.Exponent - 127);
    }

    internal static Wide Subtract(Wide a, Wide b) => Add(a, b.Negate());

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static Wide Multiply(Wide a, Wide b)
    {
        if (a.IsZero || b.IsZero)
        {
            return default;
        }

        var product = MultiplyHigh(a.Significand, b.Significand);
        var exponent = a.Exponent + b.Exponent + 1;
        return (product >> 127) == UInt128.Zero
            ? new(a.Negative ^ b.Negative, exponent - 1, product << 1)
            : new(a.Negative ^ b.Negative, exponent, product);
    }

    /// <summary>a / b for b other than zero; the last bit is sticky.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static Wide Divide(Wide a, Wide b)
    {
        if (a.IsZero)
        {
            return default;
        }

        var dividend = a.Significand;
        var divisor = b.Significand;
        var exponent = a.Exponent - b.Exponent - 1;
        ulong lost = 0;
        if (dividend >= divisor)
        {
            lost = (ulong)dividend & 1;
            dividend >>= 1;
            exponent++;
        }

        // Two digits of 64 bits; the bit lost above belongs below the first.
        var high = DivideDigit(dividend, lost << 63, divisor, out var rest);
        var low = DivideDigit(rest, 0, divisor, out rest);
        if (rest != UInt128.Zero)
        {
            low |= 1;
        }

        return new(a.Negative ^ b.Negative, exponent, new(high, low));
    }

    /// <summary>The upper 128 bits of a product, less at most two units.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static UInt128 MultiplyHigh(UInt128 a, UInt128 b)
    {
        ulong aHigh = (ulong)(a >> 64), aLow = (ulong)a, bHigh = (ulong)(b >> 64), bLow = (ulong)b;
        var high = Math.BigMul(aHigh, bHigh, out var low);
        var cross1 = Math.BigMul(aHigh, bLow, out _);
        var cross2 = Math.BigMul(aLow, bHigh, out _);
        return new UInt128(high, low) + cross1 + cross2;
    }

    /// <summary>floor((dividend * 2^64 + next) / divisor) for dividend &lt; divisor, and the remainder.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static ulong DivideDigit(UInt128 dividend, ulong next, UInt128 divisor, out UInt128 remainder)
    {
        ulong divisorHigh = (ulong)(divisor >> 64), divisorLow = (ulong)divisor;
        ulong high = (ulong)(dividend >> 64), low = (ulong)dividend;
        var digit = high >= divisorHigh ? ulong.MaxValue : X87Arithmetic.Divide128(high, low, divisorHigh, out _);

        // dividend * 2^64 + next - digit * divisor as 192 bits in two's complement; the estimate is at most two too large.
        var productHigh = Math.BigMul(digit, divisorHigh, out var productMiddle);
        var carry = Math.BigMul(digit, divisorLow, out var productLow);
        productMiddle += carry;
        productHigh += productMiddle < carry ? 1u : 0;
        var rest = new UInt128(low, next);
        var product = new UInt128(productMiddle, productLow);
        var top = (long)(high - productHigh - (rest < product ? 1u : 0));
        rest -= product;
        while (top < 0)
        {
            digit--;
            var sum = rest + divisor;
            top += sum < rest ? 1 : 0;
            rest = sum;
        }

        remainder = rest;
        return digit;
    }
}
