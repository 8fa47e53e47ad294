using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Emulator.Core.Semantics.Simd;

/// <summary>
/// Operations on two doubles. Both lanes run on the host at once where <see cref="ScalarDouble"/> would run both there without asking for
/// exactness; otherwise lane by lane.
/// </summary>
public static class PackedDouble
{
    /// <summary>ADDPD.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Add(Vector128<byte> a, Vector128<byte> b, uint mxcsr, ref uint raised)
    {
        if (HostMode(mxcsr) && ArePlain(a) && ArePlain(b))
        {
            var r = a.AsDouble() + b.AsDouble();
            if (AreSafe(r, Vector128.Equals(r, Vector128<double>.Zero)))
            {
                return r.AsByte();
            }
        }

        return ByLane<DoubleAdd>(a, b, mxcsr, ref raised);
    }

    /// <summary>SUBPD.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Subtract(Vector128<byte> a, Vector128<byte> b, uint mxcsr, ref uint raised)
    {
        if (HostMode(mxcsr) && ArePlain(a) && ArePlain(b))
        {
            var r = a.AsDouble() - b.AsDouble();
            if (AreSafe(r, Vector128.Equals(r, Vector128<double>.Zero)))
            {
                return r.AsByte();
            }
        }

        return ByLane<DoubleSubtract>(a, b, mxcsr, ref raised);
    }

    /// <summary>MULPD.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Multiply(Vector128<byte> a, Vector128<byte> b, uint mxcsr, ref uint raised)
    {
        if (HostMode(mxcsr) && ArePlain(a) && ArePlain(b))
        {
            var r = a.AsDouble() * b.AsDouble();
            if (AreSafe(r, IsZero(a) | IsZero(b)))
            {
                return r.AsByte();
            }
        }

        return ByLane<DoubleMultiply>(a, b, mxcsr, ref raised);
    }

    /// <summary>DIVPD.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Divide(Vector128<byte> a, Vector128<byte> b, uint mxcsr, ref uint raised)
    {
        if (HostMode(mxcsr) && ArePlain(a) && ArePlain(b))
        {
            var r = a.AsDouble() / b.AsDouble();
            if (AreSafe(r, IsZero(a) & ~IsZero(b)))
            {
                return r.AsByte();
            }
        }

        return ByLane<DoubleDivide>(a, b, mxcsr, ref raised);
    }

    /// <summary>SQRTPD of <paramref name="b"/>.</summary>
    public static Vector128<byte> SquareRoot(Vector128<byte> b, uint mxcsr, ref uint raised)
    {
        if (HostMode(mxcsr) && ArePlain(b) && Vector128.GreaterThanOrEqualAll(b.AsDouble(), Vector128<double>.Zero))
        {
            return Vector128.Sqrt(b.AsDouble()).AsByte();
        }

        return ByLane<DoubleSquareRoot>(b, b, mxcsr, ref raised);
    }

    /// <summary>MINPD.</summary>
    public static Vector128<byte> Min(Vector128<byte> a, Vector128<byte> b, uint mxcsr, ref uint raised)
    {
        if (ArePlain(a) && ArePlain(b))
        {
            return Vector128.ConditionalSelect(Vector128.LessThan(a.AsDouble(), b.AsDouble()).AsByte(), a, b);
        }

        return ByLane<DoubleMin>(a, b, mxcsr, ref raised);
    }

    /// <summary>MAXPD.</summary>
    public static Vector128<byte> Max(Vector128<byte> a, Vector128<byte> b, uint mxcsr, ref uint raised)
    {
        if (ArePlain(a) && ArePlain(b))
        {
            return Vector128.ConditionalSelect(Vector128.GreaterThan(a.AsDouble(), b.AsDouble()).AsByte(), a, b);
        }

        return ByLane<DoubleMax>(a, b, mxcsr, ref raised);
    }

    /// <summary>CMPPD.</summary>
    public static Vector128<byte> Compare(Vector128<byte> a, Vector128<byte> b, int predicate, uint mxcsr, ref uint raised)
    {
        if (ArePlain(a) && ArePlain(b))
        {
            Vector128<double> p = a.AsDouble();
            Vector128<double> q = b.AsDouble();
            Vector128<double> plain = (predicate & 3) switch
            {
                0 => Vector128.Equals(p, q),
                1 => Vector128.LessThan(p, q),
                2 => Vector128.LessThanOrEqual(p, q),
                _ => Vector128<double>.Zero,
            };
            return ((predicate & 4) != 0 ? ~plain : plain).AsByte();
        }

        var x = a.AsUInt64();
        var y = b.AsUInt64();
        return Vector128.Create(
            ScalarDouble.Compare(x[0], y[0], predicate, mxcsr, ref raised),
            ScalarDouble.Compare(x[1], y[1], predicate, mxcsr, ref raised)).AsByte();
    }

    /// <summary>CVTDQ2PD and CVTPI2PD: the low two integers of <paramref name="b"/>.</summary>
    public static Vector128<byte> FromInt32(Vector128<byte> b)
    {
        var x = b.AsInt32();
        return Vector128.Create((double)x[0], x[1]).AsByte();
    }

    /// <summary>CVTPS2PD: the low two singles of <paramref name="b"/>.</summary>
    public static Vector128<byte> FromSingle(Vector128<byte> b, uint mxcsr, ref uint raised)
    {
        var x = b.AsUInt32();
        return Vector128.Create(
            FloatConversion.SingleToDouble(x[0], mxcsr, ref raised),
            FloatConversion.SingleToDouble(x[1], mxcsr, ref raised)).AsByte();
    }

    /// <summary>CVTPD2PS: two singles, the upper half zero.</summary>
    public static Vector128<byte> ToSingle(Vector128<byte> b, uint mxcsr, ref uint raised)
    {
        var x = b.AsUInt64();
        var low = FloatConversion.DoubleToSingle(x[0], mxcsr, ref raised);
        var high = FloatConversion.DoubleToSingle(x[1], mxcsr, ref raised);
        raised = PackedExceptions.Settle(mxcsr, raised);
        return Vector128.Create(low, high, 0, 0).AsByte();
    }

    /// <summary>CVTPD2DQ, CVTTPD2DQ and their MMX kin: two integers, the upper half zero.</summary>
    public static Vector128<byte> ToInt32(Vector128<byte> b, bool truncate, uint mxcsr, ref uint raised)
    {
        var x = b.AsUInt64();
        var low = FloatConversion.DoubleToInt32(x[0], truncate, mxcsr, ref raised);
        var high = FloatConversion.DoubleToInt32(x[1], truncate, mxcsr, ref raised);
        raised = PackedExceptions.Settle(mxcsr, raised);
        return Vector128.Create(low, high, 0, 0).AsByte();
    }

    private static bool HostMode(uint mxcsr) => (mxcsr & Mxcsr.RoundingField) == 0 && Mxcsr.PrecisionIsKnown(mxcsr);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<double> IsZero(Vector128<byte> a) => Vector128.Equals(a.AsDouble(), Vector128<double>.Zero);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool ArePlain(Vector128<byte> a)
    {
        var magnitude = Vector128.Abs(a.AsDouble());
        var normal = Vector128.GreaterThanOrEqual(magnitude, Vector128.Create(2.2250738585072014E-308))
            & Vector128.LessThan(magnitude, Vector128.Create(double.PositiveInfinity));
        return (normal | Vector128.Equals(magnitude, Vector128<double>.Zero)).AsByte() == Vector128<byte>.AllBitsSet;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool AreSafe(Vector128<double> r, Vector128<double> exactZero)
    {
        var magnitude = Vector128.Abs(r);
        var normal = Vector128.GreaterThan(magnitude, Vector128.Create(4.450147717014403E-308))
            & Vector128.LessThan(magnitude, Vector128.Create(double.PositiveInfinity));
        return (normal | exactZero).AsByte() == Vector128<byte>.AllBitsSet;
    }

    private static Vector128<byte> ByLane<TOperation>(Vector128<byte> a, Vector128<byte> b, uint mxcsr, ref uint raised)
        where TOperation : struct, IDoubleOperation
    {
        var x = a.AsUInt64();
        var y = b.AsUInt64();
        var low = TOperation.Apply(x[0], y[0], mxcsr, ref raised);
        var high = TOperation.Apply(x[1], y[1], mxcsr, ref raised);
        raised = PackedExceptions.Settle(mxcsr, raised);
        return Vector128.Create(low, high).AsByte();
    }
}
