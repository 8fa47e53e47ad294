using System.Runtime.CompilerServices;

namespace Emulator.Core.Semantics.X87;

/// <summary>FPATAN.</summary>
public static class X87ArcTangent
{
    /// <summary>FPATAN: the angle of the point (<paramref name="x"/>, <paramref name="y"/>), ST(1) being y and ST(0) x.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static Float80 Compute(Float80 y, Float80 x, uint control, ref uint status)
    {
        var kindX = X87Operand.Classify(x);
        var kindY = X87Operand.Classify(y);
        if (kindX >= Float80Class.QuietNaN || kindY >= Float80Class.QuietNaN)
        {
            return X87Operand.PropagateNaN(x, kindX, y, kindY, ref status);
        }

        if (X87Operand.RaiseDenormal(kindX == Float80Class.Denormal || kindY == Float80Class.Denormal, control, ref status))
        {
            return x;
        }

        var negative = y.Sign != 0;
        var left = x.Sign != 0;
        if (kindY == Float80Class.Zero || (kindX == Float80Class.Infinity && kindY != Float80Class.Infinity))
        {
            return left ? X87Series.Round(X87Tables.Pi.NegateIf(negative), control, ref status) : new(0, (ushort)y.Sign);
        }

        Wide angle;
        if (kindX == Float80Class.Infinity)
        {
            var quarter = X87Tables.Pi.Scale(-2);
            angle = left ? Wide.Subtract(X87Tables.Pi, quarter) : quarter;
        }
        else if (kindY == Float80Class.Infinity || kindX == Float80Class.Zero)
        {
            angle = X87Tables.Pi.Scale(-1);
        }
        else
        {
            var absoluteX = Wide.From(x.Absolute());
            var absoluteY = Wide.From(y.Absolute());
            if (absoluteY.Exponent < absoluteX.Exponent - 66 && !left)
            {
                var quotient = Wide.Divide(absoluteY, absoluteX);
                return X87Series.RoundNearlyExact(quotient.NegateIf(negative), control, ref status);
            }

            angle = FirstQuadrant(absoluteY, absoluteX);
            if (left)
            {
                angle = Wide.Subtract(X87Tables.Pi, angle);
            }
        }

        return X87Series.Round(angle.NegateIf(negative), control, ref status);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static Wide FirstQuadrant(Wide y, Wide x)
    {
        if (y.Exponent > x.Exponent || (y.Exponent == x.Exponent && y.Significand > x.Significand))
        {
            return Wide.Subtract(X87Tables.Pi.Scale(-1), AtMostOne(x, y));
        }

        return AtMostOne(y, x);
    }

    /// <summary>atan(y/x) for 0 &lt; y &lt;= x: atan(i/32) + atan((32y - ix) / (32x + iy)) with i/32 near y/x.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static Wide AtMostOne(Wide y, Wide x)
    {
        var distance = x.Exponent - y.Exponent;
        var index = 0;
        if (distance < 7)
        {
            index = (int)Math.Round((double)(ulong)(y.Significand >> 64) / (ulong)(x.Significand >> 64) * 32 / (1 << distance));
        }

        if (index == 0)
        {
            return Small(Wide.Divide(y, x));
        }

        var i = Wide.FromInteger(index);
        var rest = Wide.Divide(
            Wide.Subtract(y.Scale(5), Wide.Multiply(x, i)),
            Wide.Add(x.Scale(5), Wide.Multiply(y, i)));
        var angle = Wide.FromScaled(false, X87Tables.Entry(X87Tables.ArcTangents, index), -128);
        return rest.IsZero ? angle : Wide.Add(angle, Small(rest));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static Wide Small(Wide t)
    {
        var square = Wide.Multiply(t, t).ToFraction();
        var fraction = Wide.MultiplyHigh(square, X87Series.Alternating(X87Tables.OddReciprocals, square));
        return X87Series.Adjust(t, fraction, subtract: true);
    }
}
