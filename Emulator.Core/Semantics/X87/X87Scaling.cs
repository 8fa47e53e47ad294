namespace Emulator.Core.Semantics.X87;

/// <summary>FRNDINT, FSCALE and FXTRACT.</summary>
public static class X87Scaling
{
    /// <summary>FRNDINT: <paramref name="value"/> rounded to an integer as rounding control says.</summary>
    public static Float80 RoundToInteger(Float80 value, uint control, ref uint status)
    {
        var kind = X87Operand.Classify(value);
        if (kind >= Float80Class.QuietNaN)
        {
            return X87Operand.PropagateNaN(value, kind, ref status);
        }

        if (kind is Float80Class.Zero or Float80Class.Infinity
            || X87Operand.RaiseDenormal(kind == Float80Class.Denormal, control, ref status)
            || value.Exponent >= Float80.Bias + 63)
        {
            return value;
        }

        var sign = value.Sign;
        var fractionBits = Float80.Bias + 63 - value.Exponent;
        var high = value.Significand;
        ulong low = 0;
        X87Rounding.ShiftRight(ref high, ref low, fractionBits);
        if (low != 0)
        {
            status |= X87Status.Precision;
            if (X87Rounding.RoundsUp(sign, high & 1, low, control))
            {
                status |= X87Status.C1;
                high++;
            }
        }

        return X87Convert.FromMagnitude(sign, high);
    }

    /// <summary>FSCALE: <paramref name="value"/> * 2^trunc(<paramref name="scale"/>).</summary>
    public static Float80 Scale(Float80 value, Float80 scale, uint control, ref uint status)
    {
        var kind = X87Operand.Classify(value);
        var scaleKind = X87Operand.Classify(scale);
        if (kind >= Float80Class.QuietNaN || scaleKind >= Float80Class.QuietNaN)
        {
            return X87Operand.PropagateNaN(value, kind, scale, scaleKind, ref status);
        }

        if (scaleKind == Float80Class.Infinity && kind == (scale.Sign != 0 ? Float80Class.Infinity : Float80Class.Zero))
        {
            return X87Operand.InvalidOperation(ref status);
        }

        if (X87Operand.RaiseDenormal(kind == Float80Class.Denormal || scaleKind == Float80Class.Denormal, control, ref status)
            || kind is Float80Class.Zero or Float80Class.Infinity)
        {
            return value;
        }

        if (scaleKind == Float80Class.Infinity)
        {
            return scale.Sign != 0 ? new(0, (ushort)value.Sign) : new(Float80.IntegerBit, (ushort)(value.Sign | 0x7FFF));
        }

        // Beyond 2^16 every scale overflows or underflows alike.
        var magnitude = scale.Exponent switch
        {
            < Float80.Bias => 0,
            > Float80.Bias + 16 => 1 << 17,
            var exponent => (int)(scale.Significand >> (Float80.Bias + 63 - exponent)),
        };
        X87Operand.Normalize(value, out var significand, out var valueExponent);
        return X87Rounding.Round(
            value.Sign, valueExponent + (scale.Sign != 0 ? -magnitude : magnitude), significand, 0, control | X87Control.Precision64, ref status);
    }

    /// <summary>
    /// FXTRACT: <paramref name="exponent"/> replaces ST(0) and the significand, with the exponent of 1.0, is pushed. Zero raises #Z
    /// and has the exponent minus infinity.
    /// </summary>
    public static Float80 Extract(Float80 value, uint control, ref uint status, out Float80 exponent)
    {
        var kind = X87Operand.Classify(value);
        switch (kind)
        {
            case Float80Class.Zero:
                status |= X87Status.ZeroDivide;
                exponent = Float80.Infinity.Negate();
                return value;
            case Float80Class.Infinity:
                exponent = Float80.Infinity;
                return value;
            case Float80Class.Normal or Float80Class.Denormal:
                break;
            default:
                exponent = X87Operand.PropagateNaN(value, kind, ref status);
                return exponent;
        }

        if (X87Operand.RaiseDenormal(kind == Float80Class.Denormal, control, ref status))
        {
            exponent = value;
            return value;
        }

        X87Operand.Normalize(value, out var significand, out var biased);
        exponent = X87Convert.FromInt64(biased - Float80.Bias);
        return new(significand, (ushort)(value.Sign | Float80.Bias));
    }
}
