using System.Runtime.CompilerServices;

namespace Emulator.Core.Semantics.X87;

/// <summary>
/// Rounding of an exact or sticky result to a register: rounding control, precision control, and the masked and unmasked responses to
/// overflow and underflow (SDM volume 1, 4.9.1 and 8.5).
/// </summary>
internal static class X87Rounding
{
    /// <summary>What unmasked overflow subtracts from the exponent, and unmasked underflow adds to it.</summary>
    internal const int BiasAdjust = 24576;

    /// <summary>
    /// Rounds (-1)^sign * high.low * 2^(exponent - bias) with the binary point behind bit 63 of <paramref name="high"/>, which is set.
    /// <paramref name="low"/> continues the significand; its last bit may be sticky.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Float80 Round(uint sign, int exponent, ulong high, ulong low, uint control, ref uint status)
    {
        if ((control & (X87Control.PrecisionMask | X87Control.RoundingMask)) == X87Control.Precision64 && (uint)(exponent - 1) < 0x7FFD)
        {
            // Up from half an ulp on, but not for a tie below an even significand.
            ulong up = low > Float80.IntegerBit - (high & 1) ? 1u : 0;
            status |= (low != 0 ? X87Status.Precision : 0) | ((uint)up << 9);
            high += up;
            if (high == 0)
            {
                high = Float80.IntegerBit;
                exponent++;
            }

            return new(high, (ushort)(sign | (uint)exponent));
        }

        return RoundNarrow(sign, exponent, high, low, control, ref status);
    }

    /// <summary>The common case of the smaller precisions: to nearest, in range.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static Float80 RoundNarrow(uint sign, int exponent, ulong high, ulong low, uint control, ref uint status)
    {
        if ((control & (X87Control.RoundingMask | 0x100)) == 0 && (uint)(exponent - 1) < 0x7FFD)
        {
            var drop = (control & X87Control.Precision53) != 0 ? 11 : 40;
            high |= low != 0 ? 1u : 0;
            var kept = high >> drop;
            var rounded = high + ((1UL << (drop - 1)) - 1) + (kept & 1);
            if (rounded < high)
            {
                status |= X87Status.Precision | X87Status.C1;
                return new(Float80.IntegerBit, (ushort)(sign | (uint)(exponent + 1)));
            }

            status |= (high << (64 - drop) != 0 ? X87Status.Precision : 0) | ((uint)((rounded >> drop) - kept) << 9);
            return new(rounded >> drop << drop, (ushort)(sign | (uint)exponent));
        }

        return RoundGeneral(sign, exponent, high, low, control, ref status);
    }

    /// <summary><see cref="Round"/> without the short cut.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    internal static Float80 RoundGeneral(uint sign, int exponent, ulong high, ulong low, uint control, ref uint status)
    {
        var drop = (control & X87Control.PrecisionMask) switch
        {
            X87Control.Precision24 => 40,
            X87Control.Precision53 => 11,
            _ => 0,
        };
        var significand = RoundAt(sign, high, low, drop, control, out var inexact, out var up);
        var roundedExponent = exponent;
        if (significand == 0)
        {
            significand = Float80.IntegerBit;
            roundedExponent++;
        }

        if (roundedExponent >= 0x7FFF)
        {
            status |= X87Status.Overflow;
            if ((control & X87Status.Overflow) == 0)
            {
                var adjusted = roundedExponent - BiasAdjust;
                if (adjusted >= 0x7FFF)
                {
                    // Only FSCALE gets here: the overflow is too massive for the adjustment.
                    status |= X87Status.Precision | X87Status.C1;
                    return new(Float80.IntegerBit, (ushort)(sign | 0x7FFF));
                }

                if (inexact)
                {
                    status |= X87Status.Precision | (up ? X87Status.C1 : 0);
                }

                return new(significand, (ushort)(sign | (uint)adjusted));
            }

            status |= X87Status.Precision;
            if (OverflowsToInfinity(sign, control))
            {
                status |= X87Status.C1;
                return new(Float80.IntegerBit, (ushort)(sign | 0x7FFF));
            }

            return new(ulong.MaxValue << drop, (ushort)(sign | 0x7FFE));
        }

        if (exponent <= 0)
        {
            // Tininess is detected after rounding as if the exponent had no bounds.
            var tiny = roundedExponent <= 0;
            if (tiny && (control & X87Status.Underflow) == 0)
            {
                status |= X87Status.Underflow;
                var adjusted = roundedExponent + BiasAdjust;
                if (adjusted <= 0)
                {
                    status |= X87Status.Precision;
                    return new(0, (ushort)sign);
                }

                if (inexact)
                {
                    status |= X87Status.Precision | (up ? X87Status.C1 : 0);
                }

                return new(significand, (ushort)(sign | (uint)adjusted));
            }

            ShiftRight(ref high, ref low, 1 - exponent);
            significand = RoundAt(sign, high, low, drop, control, out inexact, out up);
            if (inexact)
            {
                status |= X87Status.Precision | (up ? X87Status.C1 : 0) | (tiny ? X87Status.Underflow : 0);
            }

            return new(significand, (ushort)(sign | ((long)significand < 0 ? 1u : 0u)));
        }

        if (inexact)
        {
            status |= X87Status.Precision | (up ? X87Status.C1 : 0);
        }

        return new(significand, (ushort)(sign | (uint)roundedExponent));
    }

    /// <summary>
    /// Rounds high.low to a multiple of 2^<paramref name="drop"/> (0..63). Returns 0 where the result is 2^64.
    /// </summary>
    internal static ulong RoundAt(uint sign, ulong high, ulong low, int drop, uint control, out bool inexact, out bool up)
    {
        if (drop != 0)
        {
            low = (high << (64 - drop)) | (low >> drop) | ((low << (64 - drop)) != 0 ? 1u : 0u);
            high &= ulong.MaxValue << drop;
        }

        inexact = low != 0;
        up = inexact && RoundsUp(sign, (high >> drop) & 1, low, control);
        return up ? high + (1UL << drop) : high;
    }

    /// <summary>
    /// Whether a magnitude whose last kept bit is <paramref name="odd"/> and whose discarded fraction is <paramref name="low"/> (not 0,
    /// in units of 2^-64) is rounded away from zero.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static bool RoundsUp(uint sign, ulong odd, ulong low, uint control) => (control & X87Control.RoundingMask) switch
    {
        X87Control.RoundNearest => low > Float80.IntegerBit - odd,
        X87Control.RoundDown => sign != 0,
        X87Control.RoundUp => sign == 0,
        _ => false,
    };

    /// <summary>Whether a masked overflow gives infinity rather than the largest finite number.</summary>
    internal static bool OverflowsToInfinity(uint sign, uint control) => (control & X87Control.RoundingMask) switch
    {
        X87Control.RoundNearest => true,
        X87Control.RoundDown => sign != 0,
        X87Control.RoundUp => sign == 0,
        _ => false,
    };

    /// <summary>Shifts high.low right by <paramref name="count"/> (0 or more), keeping a sticky last bit.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void ShiftRight(ref ulong high, ref ulong low, int count)
    {
        if (count == 0)
        {
            return;
        }

        if (count < 64)
        {
            low = (high << (64 - count)) | (low >> count) | ((low << (64 - count)) != 0 ? 1u : 0u);
            high >>= count;
        }
        else if (count < 128)
        {
            var rest = count == 64 ? low : low | (high << (128 - count));
            low = (high >> (count - 64)) | (rest != 0 ? 1u : 0u);
            high = 0;
        }
        else
        {
            low = (high | low) != 0 ? 1u : 0u;
            high = 0;
        }
    }
}
