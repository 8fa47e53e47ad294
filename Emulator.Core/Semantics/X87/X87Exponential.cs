using System.Runtime.CompilerServices;

namespace Emulator.Core.Semantics.X87;

/// <summary>F2XM1, FYL2X and FYL2XP1.</summary>
public static class X87Exponential
{
    /// <summary>F2XM1: 2^<paramref name="value"/> - 1. Outside of -1..1, where the result is undefined, the operand comes back.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static Float80 TwoToXMinusOne(Float80 value, uint control, ref uint status)
    {
        var kind = X87Operand.Classify(value);
        switch (kind)
        {
            case Float80Class.Zero:
                return value;
            case Float80Class.Infinity:
                return value.Sign != 0 ? Float80.One.Negate() : value;
            case Float80Class.Normal or Float80Class.Denormal:
                break;
            default:
                return X87Operand.PropagateNaN(value, kind, ref status);
        }

        if (X87Operand.RaiseDenormal(kind == Float80Class.Denormal, control, ref status))
        {
            return value;
        }

        if (value.Exponent >= Float80.Bias)
        {
            status |= X87Status.Precision;
            return value.Absolute() == Float80.One && value.Sign != 0 ? new(Float80.IntegerBit, 0x8000 | (Float80.Bias - 1)) : value;
        }

        // 2^x - 1 = 2^(i/32) * (2^f - 1) + (2^(i/32) - 1) with x = i/32 + f.
        var x = Wide.From(value);
        var index = x.Exponent < -7 ? 0 : (int)Math.Round(Math.ScaleB((ulong)(x.Significand >> 64), x.Exponent - 63 + 5));
        index = x.Negative ? -index : index;
        var t = Wide.Multiply(Wide.Subtract(x, Wide.FromInteger(index).Scale(-5)), X87Tables.Ln2);
        var result = t.IsZero ? t : ExponentialMinusOne(t);
        if (index != 0)
        {
            var power = Wide.FromScaled(false, X87Tables.Entry(X87Tables.PowersOfTwo, index & 31), (index >> 5) - 127);
            result = Wide.Add(Wide.Multiply(power, result), Wide.Subtract(power, Wide.FromInteger(1)));
        }

        return X87Series.Round(result, control, ref status);
    }

    /// <summary>FYL2X: <paramref name="y"/> * log2 <paramref name="x"/>, ST(1) being y and ST(0) x.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static Float80 YLog2X(Float80 y, Float80 x, uint control, ref uint status)
    {
        var kindX = X87Operand.Classify(x);
        var kindY = X87Operand.Classify(y);
        if (kindX >= Float80Class.QuietNaN || kindY >= Float80Class.QuietNaN)
        {
            return X87Operand.PropagateNaN(x, kindX, y, kindY, ref status);
        }

        if (x.Sign != 0 && kindX != Float80Class.Zero)
        {
            return X87Operand.InvalidOperation(ref status);
        }

        var one = x == Float80.One;
        if ((kindX == Float80Class.Zero && kindY == Float80Class.Zero) || (kindX == Float80Class.Infinity && kindY == Float80Class.Zero)
            || (one && kindY == Float80Class.Infinity))
        {
            return X87Operand.InvalidOperation(ref status);
        }

        if (kindX == Float80Class.Zero && kindY != Float80Class.Infinity)
        {
            status |= X87Status.ZeroDivide;
            return new(Float80.IntegerBit, (ushort)((y.Sign ^ 0x8000) | 0x7FFF));
        }

        if (X87Operand.RaiseDenormal(kindX == Float80Class.Denormal || kindY == Float80Class.Denormal, control, ref status))
        {
            return x;
        }

        var logarithmSign = x.Exponent < Float80.Bias ? 0x8000u : 0;
        if (kindX is Float80Class.Zero or Float80Class.Infinity || kindY == Float80Class.Infinity)
        {
            return new(Float80.IntegerBit, (ushort)((y.Sign ^ logarithmSign) | 0x7FFF));
        }

        if (kindY == Float80Class.Zero || one)
        {
            return new(0, (ushort)(y.Sign ^ logarithmSign));
        }

        var wideX = Wide.From(x);
        return MultiplyByLog2(y, wideX, control, ref status);
    }

    /// <summary>
    /// FYL2XP1: <paramref name="y"/> * log2(<paramref name="x"/> + 1). For x of -1 and below, where the result is undefined, x comes back.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static Float80 YLog2XPlusOne(Float80 y, Float80 x, uint control, ref uint status)
    {
        var kindX = X87Operand.Classify(x);
        var kindY = X87Operand.Classify(y);
        if (kindX >= Float80Class.QuietNaN || kindY >= Float80Class.QuietNaN)
        {
            return X87Operand.PropagateNaN(x, kindX, y, kindY, ref status);
        }

        if ((kindX == Float80Class.Infinity && (x.Sign != 0 || kindY == Float80Class.Zero))
            || (kindX == Float80Class.Zero && kindY == Float80Class.Infinity))
        {
            return X87Operand.InvalidOperation(ref status);
        }

        if (X87Operand.RaiseDenormal(kindX == Float80Class.Denormal || kindY == Float80Class.Denormal, control, ref status))
        {
            return x;
        }

        var sign = x.Sign ^ y.Sign;
        if (kindX == Float80Class.Infinity || kindY == Float80Class.Infinity)
        {
            return new(Float80.IntegerBit, (ushort)(sign | 0x7FFF));
        }

        if (kindX == Float80Class.Zero || kindY == Float80Class.Zero)
        {
            return new(0, (ushort)sign);
        }

        var wideX = Wide.From(x);
        if (wideX.Negative && wideX.Exponent >= 0)
        {
            status |= X87Status.Precision;
            return x;
        }

        if (wideX.Exponent >= -8)
        {
            return MultiplyByLog2(y, Wide.Add(wideX, Wide.FromInteger(1)), control, ref status);
        }

        var logarithm = Wide.Multiply(AreaTangent(Wide.Divide(wideX, Wide.Add(wideX, Wide.FromInteger(2)))), X87Tables.TwoOverLn2);
        return X87Series.Round(Wide.Multiply(Wide.From(y), logarithm), control, ref status);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static Float80 MultiplyByLog2(Float80 y, Wide x, uint control, ref uint status)
    {
        var product = Wide.Multiply(Wide.From(y), Log2(x));

        // A power of two has an exact logarithm; it still raises #P (measured: FYL2XP1 of 1.0).
        return x.Significand == UInt128.One << 127
            ? X87Series.RoundNearlyExact(product, control, ref status)
            : X87Series.Round(product, control, ref status);
    }

    /// <summary>e^t - 1 for |t| &lt; 1/64.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static Wide ExponentialMinusOne(Wide t)
    {
        var magnitude = t.ToFraction();
        var sum = t.Negative
            ? X87Series.Alternating(X87Tables.ExponentialCoefficients, magnitude)
            : X87Series.Positive(X87Tables.ExponentialCoefficients, magnitude);
        return X87Series.Adjust(t, Wide.MultiplyHigh(magnitude, sum), subtract: t.Negative);
    }

    /// <summary>
    /// log2 of a positive number: the exponent, log2(i/64) from the table and 2/ln 2 * artanh((64m - i) / (64m + i)), with m near i/64
    /// between the roots of 1/2 and 2.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static Wide Log2(Wide value)
    {
        var exponent = value.Exponent;
        var scale = 6;
        if ((ulong)(value.Significand >> 64) > 0xB504_F333_F9DE_6484)
        {
            exponent++;
            scale = 5;
        }

        var scaled = new Wide(false, scale, value.Significand);
        var index = (int)((ulong)(value.Significand >> 64) >> (62 - scale));
        index = (index >> 1) + (index & 1);
        var i = Wide.FromInteger(index);
        var argument = Wide.Divide(Wide.Subtract(scaled, i), Wide.Add(scaled, i));
        var result = argument.IsZero ? argument : Wide.Multiply(AreaTangent(argument), X87Tables.TwoOverLn2);
        if (index != 64)
        {
            result = Wide.Add(result, Wide.FromScaled(index < 64, X87Tables.Entry(X87Tables.Logarithms, index - 45), -128));
        }

        return exponent == 0 ? result : Wide.Add(result, Wide.FromInteger(exponent));
    }

    /// <summary>artanh t for |t| &lt; 1/64.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static Wide AreaTangent(Wide t)
    {
        var square = Wide.Multiply(t, t).ToFraction();
        var fraction = Wide.MultiplyHigh(square, X87Series.Positive(X87Tables.OddReciprocals, square));
        return X87Series.Adjust(t, fraction, subtract: false);
    }
}
