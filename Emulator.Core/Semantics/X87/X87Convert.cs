using System.Numerics;
using System.Runtime.CompilerServices;

namespace Emulator.Core.Semantics.X87;

/// <summary>
/// Conversions between registers and memory formats. For a store, an unmasked #I, #O or #U in the status means that memory is not
/// written (SDM volume 1, 8.5).
/// </summary>
public static class X87Convert
{
    /// <summary>A signed integer, exactly.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float80 FromInt64(long value) =>
        FromMagnitude(value < 0 ? 0x8000u : 0, value < 0 ? 0 - (ulong)value : (ulong)value);

    /// <summary>
    /// A single-precision value, exactly: a signaling NaN stays one. <paramref name="denormal"/> says that it was a denormal, for which
    /// the caller raises #D.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float80 FromSingle(uint bits, out bool denormal)
    {
        var exponent = (bits >> 23) & 0xFF;
        denormal = false;
        return exponent - 1 < 0xFE
            ? new(Float80.IntegerBit | ((ulong)(bits & 0x7F_FFFF) << 40), (ushort)((bits >> 16 & 0x8000) | (exponent + (Float80.Bias - 127))))
            : FromSpecial(bits >> 16 & 0x8000, exponent != 0, (ulong)(bits & 0x7F_FFFF) << 40, Float80.Bias - 126, out denormal);
    }

    /// <summary>A double-precision value; see <see cref="FromSingle"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float80 FromDouble(ulong bits, out bool denormal)
    {
        var exponent = (uint)(bits >> 52) & 0x7FF;
        denormal = false;
        return exponent - 1 < 0x7FE
            ? new(Float80.IntegerBit | (bits << 11), (ushort)(((uint)(bits >> 48) & 0x8000) | (exponent + (Float80.Bias - 1023))))
            : FromSpecial((uint)(bits >> 48) & 0x8000, exponent != 0, bits << 12 >> 1, Float80.Bias - 1022, out denormal);
    }

    /// <summary>
    /// FLD of a value widened from memory: a signaling NaN becomes quiet and raises #I; a denormal raises #D, but is loaded even if
    /// that is unmasked (measured: x87 vectors of FLD m32fp).
    /// </summary>
    public static Float80 Load(Float80 widened, bool denormal, ref uint status)
    {
        if (denormal)
        {
            status |= X87Status.Denormal;
        }
        else if (widened.Exponent == 0x7FFF && X87Operand.Classify(widened) == Float80Class.SignalingNaN)
        {
            status |= X87Status.Invalid;
            return new(widened.Significand | Float80.QuietBit, widened.SignExponent);
        }

        return widened;
    }

    /// <summary>FST m32.</summary>
    public static uint ToSingle(Float80 value, uint control, ref uint status) => (uint)ToNarrow(value, 24, 8, control, ref status);

    /// <summary>FST m64.</summary>
    public static ulong ToDouble(Float80 value, uint control, ref uint status)
    {
        // The common case: in range, and rounded to nearest.
        var exponent = value.Exponent - (Float80.Bias - 1023);
        if ((uint)(exponent - 1) < 0x7FD && (long)value.Significand < 0 && (control & X87Control.RoundingMask) == X87Control.RoundNearest)
        {
            var rest = value.Significand & 0x7FF;
            var packed = ((ulong)value.Sign << 48) + ((ulong)(uint)exponent << 52) + (value.Significand << 1 >> 12);
            if (rest != 0)
            {
                status |= X87Status.Precision;
                if (rest > 0x400 - ((value.Significand >> 11) & 1))
                {
                    // A carry out of the fraction is the next exponent, which is at most 7FEh here.
                    status |= X87Status.C1;
                    packed++;
                }
            }

            return packed;
        }

        return ToNarrow(value, 53, 11, control, ref status);
    }

    /// <summary>FIST m16: FFFF8000h with #I when out of range.</summary>
    public static short ToInt16(Float80 value, uint control, ref uint status) =>
        (short)ToInteger(value, short.MaxValue, control, ref status);

    /// <summary>FIST m32.</summary>
    public static int ToInt32(Float80 value, uint control, ref uint status) => (int)ToInteger(value, int.MaxValue, control, ref status);

    /// <summary>FISTP m64.</summary>
    public static long ToInt64(Float80 value, uint control, ref uint status) => ToInteger(value, long.MaxValue, control, ref status);

    /// <summary>An integer magnitude with a sign (0 or 8000h), exactly. Zero keeps the sign.</summary>
    internal static Float80 FromMagnitude(uint sign, ulong magnitude)
    {
        if (magnitude == 0)
        {
            return new(0, (ushort)sign);
        }

        var shift = BitOperations.LeadingZeroCount(magnitude);
        return new(magnitude << shift, (ushort)(sign | (uint)(Float80.Bias + 63 - shift)));
    }

    /// <summary>
    /// The integer nearest to a finite value in the direction of rounding control, as a magnitude; false if it is 2^64 or more.
    /// </summary>
    internal static bool TryRoundMagnitude(Float80 value, uint control, out ulong magnitude, out bool inexact, out bool up)
    {
        inexact = up = false;
        magnitude = 0;
        var fractionBits = Float80.Bias + 63 - value.Exponent;
        if (fractionBits < 0)
        {
            return false;
        }

        magnitude = value.Significand;
        ulong low = 0;
        X87Rounding.ShiftRight(ref magnitude, ref low, fractionBits);
        inexact = low != 0;
        up = inexact && X87Rounding.RoundsUp(value.Sign, magnitude & 1, low, control);
        if (up)
        {
            magnitude++;
            return magnitude != 0;
        }

        return true;
    }

    private static Float80 FromSpecial(uint sign, bool special, ulong fraction, int denormalExponent, out bool denormal)
    {
        denormal = false;
        if (special)
        {
            return new(Float80.IntegerBit | fraction, (ushort)(sign | 0x7FFF));
        }

        if (fraction == 0)
        {
            return new(0, (ushort)sign);
        }

        denormal = true;
        var shift = BitOperations.LeadingZeroCount(fraction);
        return new(fraction << shift, (ushort)(sign | (uint)(denormalExponent - shift)));
    }

    private static long ToInteger(Float80 value, long max, uint control, ref uint status)
    {
        var kind = X87Operand.Classify(value);
        if (kind < Float80Class.Infinity && TryRoundMagnitude(value, control, out var magnitude, out var inexact, out var up))
        {
            var negative = value.Sign != 0;
            if (magnitude <= (ulong)max + (negative ? 1u : 0))
            {
                if (inexact)
                {
                    status |= X87Status.Precision | (up ? X87Status.C1 : 0);
                }

                return negative ? (long)(0 - magnitude) : (long)magnitude;
            }
        }

        status |= X87Status.Invalid;
        return -max - 1;
    }

    /// <summary>Rounds to a format of <paramref name="precision"/> significant bits and an exponent of <paramref name="width"/> bits.</summary>
    private static ulong ToNarrow(Float80 value, int precision, int width, uint control, ref uint status)
    {
        var fractionBits = precision - 1;
        var exponentMax = (1 << width) - 1;
        var sign = (ulong)(value.Sign >> 15) << (fractionBits + width);
        var infinity = sign | ((ulong)exponentMax << fractionBits);
        var kind = X87Operand.Classify(value);
        switch (kind)
        {
            case Float80Class.Zero:
                return sign;
            case Float80Class.Infinity:
                return infinity;
            case Float80Class.QuietNaN or Float80Class.SignalingNaN or Float80Class.Unsupported:
                var quiet = X87Operand.PropagateNaN(value, kind, ref status);
                return ((ulong)(quiet.Sign >> 15) << (fractionBits + width)) | ((ulong)exponentMax << fractionBits)
                    | (quiet.Significand << 1 >> (64 - fractionBits));
            default:
                break;
        }

        X87Operand.Normalize(value, out var significand, out var biased);
        var exponent = biased - Float80.Bias + (exponentMax >> 1);
        var drop = 64 - precision;
        var rounded = X87Rounding.RoundAt(value.Sign, significand, 0, drop, control, out var inexact, out var up);
        var roundedExponent = exponent;
        if (rounded == 0)
        {
            rounded = Float80.IntegerBit;
            roundedExponent++;
        }

        if (roundedExponent >= exponentMax)
        {
            status |= X87Status.Overflow;
            if ((control & X87Status.Overflow) == 0)
            {
                return 0;
            }

            status |= X87Status.Precision;
            if (X87Rounding.OverflowsToInfinity(value.Sign, control))
            {
                status |= X87Status.C1;
                return infinity;
            }

            return infinity - 1;
        }

        if (exponent <= 0)
        {
            var tiny = roundedExponent <= 0;
            if (tiny && (control & X87Status.Underflow) == 0)
            {
                status |= X87Status.Underflow;
                return 0;
            }

            ulong low = 0;
            X87Rounding.ShiftRight(ref significand, ref low, 1 - exponent);
            rounded = X87Rounding.RoundAt(value.Sign, significand, low, drop, control, out inexact, out up);
            if (inexact)
            {
                status |= X87Status.Precision | (up ? X87Status.C1 : 0) | (tiny ? X87Status.Underflow : 0);
            }

            // The integer bit, if rounding reached it, is the exponent 1.
            return sign | (rounded >> drop);
        }

        if (inexact)
        {
            status |= X87Status.Precision | (up ? X87Status.C1 : 0);
        }

        return sign | ((ulong)(uint)roundedExponent << fractionBits) | (rounded << 1 >> (64 - fractionBits));
    }
}
