namespace Emulator.Core.Semantics.Simd;

/// <summary>
/// The scalar conversions behind the CVT instructions. Floating-point values are bit patterns; exceptions are added to <c>raised</c>.
/// </summary>
public static class FloatConversion
{
    /// <summary>CVTSI2SS and a lane of CVTDQ2PS, CVTPI2PS.</summary>
    public static uint Int32ToSingle(int value, uint mxcsr, ref uint raised)
    {
        if ((mxcsr & Mxcsr.RoundingField) == 0)
        {
            var r = (float)value;
            if (!Mxcsr.PrecisionIsKnown(mxcsr) && (double)r != value)
            {
                raised |= Mxcsr.Precision;
            }

            return BitConverter.SingleToUInt32Bits(r);
        }

        return (uint)SoftFloat<Binary32>.FromInteger(value, mxcsr, ref raised);
    }

    /// <summary>CVTSI2SD and a lane of CVTDQ2PD, CVTPI2PD; always exact.</summary>
    public static ulong Int32ToDouble(int value) => BitConverter.DoubleToUInt64Bits(value);

    /// <summary>CVTSI2SS with a 64-bit source.</summary>
    public static uint Int64ToSingle(long value, uint mxcsr, ref uint raised) =>
        (uint)SoftFloat<Binary32>.FromInteger(value, mxcsr, ref raised);

    /// <summary>CVTSI2SD with a 64-bit source.</summary>
    public static ulong Int64ToDouble(long value, uint mxcsr, ref uint raised) =>
        SoftFloat<Binary64>.FromInteger(value, mxcsr, ref raised);

    /// <summary>A single to a 32-bit integer, by the MXCSR rounding mode or toward zero.</summary>
    public static int SingleToInt32(uint a, bool truncate, uint mxcsr, ref uint raised)
    {
        var x = BitConverter.UInt32BitsToSingle(a);
        if (ScalarSingle.IsPlain(a) && (truncate || (mxcsr & Mxcsr.RoundingField) == 0) && MathF.Abs(x) < 2147483000f)
        {
            var r = (int)(truncate ? x : MathF.Round(x, MidpointRounding.ToEven));
            if (r != (double)x)
            {
                raised |= Mxcsr.Precision;
            }

            return r;
        }

        return (int)SoftFloat<Binary32>.ToInteger(a, 32, Rounding(truncate, mxcsr), mxcsr, ref raised);
    }

    /// <summary>A double to a 32-bit integer, by the MXCSR rounding mode or toward zero.</summary>
    public static int DoubleToInt32(ulong a, bool truncate, uint mxcsr, ref uint raised)
    {
        var x = BitConverter.UInt64BitsToDouble(a);
        if (ScalarDouble.IsPlain(a) && (truncate || (mxcsr & Mxcsr.RoundingField) == 0) && Math.Abs(x) < 2147483000.0)
        {
            var r = (int)(truncate ? x : Math.Round(x, MidpointRounding.ToEven));
            if (r != x)
            {
                raised |= Mxcsr.Precision;
            }

            return r;
        }

        return (int)SoftFloat<Binary64>.ToInteger(a, 32, Rounding(truncate, mxcsr), mxcsr, ref raised);
    }

    /// <summary>A single to a 64-bit integer, by the MXCSR rounding mode or toward zero.</summary>
    public static long SingleToInt64(uint a, bool truncate, uint mxcsr, ref uint raised) =>
        SoftFloat<Binary32>.ToInteger(a, 64, Rounding(truncate, mxcsr), mxcsr, ref raised);

    /// <summary>A double to a 64-bit integer, by the MXCSR rounding mode or toward zero.</summary>
    public static long DoubleToInt64(ulong a, bool truncate, uint mxcsr, ref uint raised) =>
        SoftFloat<Binary64>.ToInteger(a, 64, Rounding(truncate, mxcsr), mxcsr, ref raised);

    /// <summary>CVTSS2SD and a lane of CVTPS2PD.</summary>
    public static ulong SingleToDouble(uint a, uint mxcsr, ref uint raised)
    {
        if (ScalarSingle.IsPlain(a))
        {
            return BitConverter.DoubleToUInt64Bits(BitConverter.UInt32BitsToSingle(a));
        }

        return SoftFloat<Binary64>.FromFormat<Binary32>(a, mxcsr, ref raised);
    }

    /// <summary>CVTSD2SS and a lane of CVTPD2PS.</summary>
    public static uint DoubleToSingle(ulong a, uint mxcsr, ref uint raised)
    {
        if ((mxcsr & Mxcsr.RoundingField) == 0 && ScalarDouble.IsPlain(a))
        {
            var x = BitConverter.UInt64BitsToDouble(a);
            var r = (float)x;
            if (ScalarSingle.IsSafe(r) || x == 0)
            {
                if (!Mxcsr.PrecisionIsKnown(mxcsr) && r != x)
                {
                    raised |= Mxcsr.Precision;
                }

                return BitConverter.SingleToUInt32Bits(r);
            }
        }

        return (uint)SoftFloat<Binary32>.FromFormat<Binary64>(a, mxcsr, ref raised);
    }

    private static uint Rounding(bool truncate, uint mxcsr) => truncate ? Mxcsr.RoundTruncate : Mxcsr.Rounding(mxcsr);
}
