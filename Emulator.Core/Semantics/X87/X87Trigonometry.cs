using System.Runtime.CompilerServices;

namespace Emulator.Core.Semantics.X87;

/// <summary>
/// FSIN, FCOS, FSINCOS and FPTAN. The argument is reduced by the 66-bit value of pi that the hardware uses (SDM volume 1, 8.3.8), exactly,
/// and the function of the reduced argument is correct to far below the last bit. Arguments of 2^63 and beyond are refused with C2.
/// </summary>
public static class X87Trigonometry
{
    /// <summary>Below this exponent the hardware returns x for sin x and tan x, and 1 for cos x, in every rounding mode.</summary>
    private const int TinyExponent = 0x3FBD;

    /// <summary>
    /// Below this exponent tan x = x to the last bit. The hardware comes out a trifle below x, which shows in directed rounding only
    /// (measured: x87 vectors of FPTAN with exponents 3FC7h to 3FDCh).
    /// </summary>
    private const int LinearExponent = 0x3FDD;

    /// <summary>Half of the hardware's pi, in units of 2^-65.</summary>
    private static UInt128 HalfPi => new(3, 0x243F_6A88_85A3_08D3);

    private enum Argument
    {
        Ordinary,
        Tiny,
        Finished,
    }

    /// <summary>FSIN.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static Float80 Sine(Float80 value, uint control, ref uint status)
    {
        switch (Prepare(value, control, ref status, out var result))
        {
            case Argument.Finished:
                return result;
            case Argument.Tiny:
                return value.Significand == 0 ? value : X87Series.RoundNearlyExact(Wide.From(value), control, ref status);
            default:
                var reduced = Reduce(value, out var quadrant);
                return X87Series.Round(QuadrantSine(reduced, quadrant).NegateIf(value.Sign != 0), control, ref status);
        }
    }

    /// <summary>FCOS.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static Float80 Cosine(Float80 value, uint control, ref uint status)
    {
        switch (Prepare(value, control, ref status, out var result))
        {
            case Argument.Finished:
                return result;
            case Argument.Tiny:
                return CosineOfTiny(value, ref status);
            default:
                var reduced = Reduce(value, out var quadrant);
                return X87Series.Round(QuadrantSine(reduced, quadrant + 1), control, ref status);
        }
    }

    /// <summary>FSINCOS: the sine replaces ST(0) and <paramref name="cosine"/> is pushed, unless C2 is set.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static Float80 SineCosine(Float80 value, uint control, ref uint status, out Float80 cosine)
    {
        switch (Prepare(value, control, ref status, out cosine))
        {
            case Argument.Finished:
                return cosine;
            case Argument.Tiny:
                cosine = CosineOfTiny(value, ref status);
                return value.Significand == 0 ? value : X87Series.RoundNearlyExact(Wide.From(value), control, ref status);
            default:
                var reduced = Reduce(value, out var quadrant);
                cosine = X87Series.Round(QuadrantSine(reduced, quadrant + 1), control, ref status);
                status &= ~X87Status.C1;
                return X87Series.Round(QuadrantSine(reduced, quadrant).NegateIf(value.Sign != 0), control, ref status);
        }
    }

    /// <summary>
    /// FPTAN: the tangent replaces ST(0) and <paramref name="pushed"/> is pushed, unless C2 is set. It is 1, or the NaN where the
    /// result is one.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static Float80 Tangent(Float80 value, uint control, ref uint status, out Float80 pushed)
    {
        var argument = Prepare(value, control, ref status, out pushed);
        if (argument == Argument.Finished)
        {
            return pushed;
        }

        pushed = Float80.One;
        if (argument == Argument.Tiny)
        {
            return value.Significand == 0 ? value : X87Series.RoundNearlyExact(Wide.From(value), control, ref status);
        }

        if (value.Exponent < LinearExponent)
        {
            return X87Series.Round(X87Series.Adjust(Wide.From(value), UInt128.Zero, subtract: true), control, ref status);
        }

        var reduced = Reduce(value, out var quadrant);
        var tangent = Wide.Divide(QuadrantSine(reduced, quadrant), QuadrantSine(reduced, quadrant + 1));
        return X87Series.Round(tangent.NegateIf(value.Sign != 0), control, ref status);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static Float80 CosineOfTiny(Float80 value, ref uint status)
    {
        if (value.Significand != 0)
        {
            status |= X87Status.Precision;
        }

        return Float80.One;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static Argument Prepare(Float80 value, uint control, ref uint status, out Float80 result)
    {
        result = value;
        var kind = X87Operand.Classify(value);
        switch (kind)
        {
            case Float80Class.Normal:
                if (value.Exponent >= Float80.Bias + 63)
                {
                    status |= X87Status.C2;
                    return Argument.Finished;
                }

                return value.Exponent < TinyExponent ? Argument.Tiny : Argument.Ordinary;
            case Float80Class.Zero:
                return Argument.Tiny;
            case Float80Class.Denormal:
                return X87Operand.RaiseDenormal(true, control, ref status) ? Argument.Finished : Argument.Tiny;
            case Float80Class.Infinity:
                result = X87Operand.InvalidOperation(ref status);
                return Argument.Finished;
            default:
                result = X87Operand.PropagateNaN(value, kind, ref status);
                return Argument.Finished;
        }
    }

    /// <summary>|value| = quadrant * pi/2 + the returned number, which lies in -pi/4..pi/4.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static Wide Reduce(Float80 value, out int quadrant)
    {
        var exponent = value.Exponent - Float80.Bias;
        if (exponent < -1)
        {
            quadrant = 0;
            return new(false, exponent, new(value.Significand, 0));
        }

        var scaled = (UInt128)value.Significand << (exponent + 2);
        var halfPi = HalfPi;
        var quotient = UInt128.Zero;
        if (scaled >= halfPi)
        {
            quotient = scaled / halfPi;
            scaled -= quotient * halfPi;
        }

        quadrant = (int)((ulong)quotient & 3);
        if (scaled > halfPi >> 1)
        {
            quadrant++;
            return Wide.FromScaled(true, halfPi - scaled, -65);
        }

        return Wide.FromScaled(false, scaled, -65);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static Wide QuadrantSine(Wide reduced, int quadrant)
    {
        var square = Wide.Multiply(reduced, reduced).ToFraction();
        if ((quadrant & 1) == 0)
        {
            var fraction = Wide.MultiplyHigh(square, X87Series.Alternating(X87Tables.SineCoefficients, square));
            return X87Series.Adjust(reduced, fraction, subtract: true).NegateIf((quadrant & 2) != 0);
        }

        var versine = Wide.MultiplyHigh(square, X87Series.Alternating(X87Tables.CosineCoefficients, square));
        return new((quadrant & 2) != 0, -1, UInt128.Zero - (versine == UInt128.Zero ? UInt128.One : versine));
    }
}
