using System.Runtime.CompilerServices;

namespace Emulator.Core.Semantics.X87;

/// <summary>Power series in 128-bit fractions, and the rounding of their results.</summary>
internal static class X87Series
{
    /// <summary>c0 - x * (c1 - x * (c2 - ...)) with c from <paramref name="coefficients"/>, all in units of 2^-128.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static UInt128 Alternating(ReadOnlySpan<ulong> coefficients, UInt128 x)
    {
        var index = coefficients.Length - 2;
        var sum = new UInt128(coefficients[index], coefficients[index + 1]);
        for (index -= 2; index >= 0; index -= 2)
        {
            sum = new UInt128(coefficients[index], coefficients[index + 1]) - Wide.MultiplyHigh(x, sum);
        }

        return sum;
    }

    /// <summary>c0 + x * (c1 + x * (c2 + ...)); see <see cref="Alternating"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static UInt128 Positive(ReadOnlySpan<ulong> coefficients, UInt128 x)
    {
        var index = coefficients.Length - 2;
        var sum = new UInt128(coefficients[index], coefficients[index + 1]);
        for (index -= 2; index >= 0; index -= 2)
        {
            sum = new UInt128(coefficients[index], coefficients[index + 1]) + Wide.MultiplyHigh(x, sum);
        }

        return sum;
    }

    /// <summary>x * (1 + fraction) or x * (1 - fraction); a fraction of zero still counts as one that is too small to show.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static Wide Adjust(Wide x, UInt128 fraction, bool subtract)
    {
        var part = fraction == UInt128.Zero
            ? new Wide(x.Negative, x.Exponent - 128, x.Significand)
            : Wide.Multiply(x, Wide.FromScaled(false, fraction, -128));
        return subtract ? Wide.Subtract(x, part) : Wide.Add(x, part);
    }

    /// <summary>An irrational result, rounded to 64 bits: never exact, whatever its last bits are.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static Float80 Round(Wide value, uint control, ref uint status) => X87Rounding.Round(
        value.Negative ? 0x8000u : 0,
        value.Exponent + Float80.Bias,
        (ulong)(value.Significand >> 64),
        (ulong)value.Significand | 1,
        control | X87Control.Precision64,
        ref status);

    /// <summary>
    /// A result whose difference from the true one lies too far below the last bit for the hardware to see: it is rounded as if it were
    /// exact, yet raises #P, and #U if it is tiny (measured: x87 vectors of FSIN and FPTAN).
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static Float80 RoundNearlyExact(Wide value, uint control, ref uint status)
    {
        var exponent = value.Exponent + Float80.Bias;
        var result = X87Rounding.Round(
            value.Negative ? 0x8000u : 0,
            exponent,
            (ulong)(value.Significand >> 64),
            (ulong)value.Significand,
            control | X87Control.Precision64,
            ref status);
        status |= X87Status.Precision;
        if (exponent <= 0 && result.Exponent == 0)
        {
            status |= X87Status.Underflow;
        }

        return result;
    }
}
