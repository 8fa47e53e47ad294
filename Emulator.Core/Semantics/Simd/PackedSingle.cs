using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Emulator.Core.Semantics.Simd;

/// <summary>
/// Operations on four singles. All lanes run on the host at once where <see cref="ScalarSingle"/> would run them there without asking for
/// exactness; otherwise lane by lane.
/// </summary>
public static class PackedSingle
{
    /// <summary>ADDPS.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Add(Vector128<byte> a, Vector128<byte> b, uint mxcsr, ref uint raised)
    {
        if (HostMode(mxcsr) && ArePlain(a) && ArePlain(b))
        {
            var r = a.AsSingle() + b.AsSingle();
            if (AreSafe(r, Vector128.Equals(r, Vector128<float>.Zero)))
            {
                return r.AsByte();
            }
        }

        return ByLane<SingleAdd>(a, b, mxcsr, ref raised);
    }

    /// <summary>SUBPS.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Subtract(Vector128<byte> a, Vector128<byte> b, uint mxcsr, ref uint raised)
    {
        if (HostMode(mxcsr) && ArePlain(a) && ArePlain(b))
        {
            var r = a.AsSingle() - b.AsSingle();
            if (AreSafe(r, Vector128.Equals(r, Vector128<float>.Zero)))
            {
                return r.AsByte();
            }
        }

        return ByLane<SingleSubtract>(a, b, mxcsr, ref raised);
    }

    /// <summary>MULPS.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Multiply(Vector128<byte> a, Vector128<byte> b, uint mxcsr, ref uint raised)
    {
        if (HostMode(mxcsr) && ArePlain(a) && ArePlain(b))
        {
            var r = a.AsSingle() * b.AsSingle();
            if (AreSafe(r, IsZero(a) | IsZero(b)))
            {
                return r.AsByte();
            }
        }

        return ByLane<SingleMultiply>(a, b, mxcsr, ref raised);
    }

    /// <summary>DIVPS.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Divide(Vector128<byte> a, Vector128<byte> b, uint mxcsr, ref uint raised)
    {
        if (HostMode(mxcsr) && ArePlain(a) && ArePlain(b))
        {
            var r = a.AsSingle() / b.AsSingle();
            if (AreSafe(r, IsZero(a) & ~IsZero(b)))
            {
                return r.AsByte();
            }
        }

        return ByLane<SingleDivide>(a, b, mxcsr, ref raised);
    }

    /// <summary>SQRTPS of <paramref name="b"/>.</summary>
    public static Vector128<byte> SquareRoot(Vector128<byte> b, uint mxcsr, ref uint raised)
    {
        if (HostMode(mxcsr) && ArePlain(b) && Vector128.GreaterThanOrEqualAll(b.AsSingle(), Vector128<float>.Zero))
        {
            return Vector128.Sqrt(b.AsSingle()).AsByte();
        }

        return ByLane<SingleSquareRoot>(b, b, mxcsr, ref raised);
    }

    /// <summary>MINPS.</summary>
    public static Vector128<byte> Min(Vector128<byte> a, Vector128<byte> b, uint mxcsr, ref uint raised)
    {
        if (ArePlain(a) && ArePlain(b))
        {
            return Vector128.ConditionalSelect(Vector128.LessThan(a.AsSingle(), b.AsSingle()).AsByte(), a, b);
        }

        return ByLane<SingleMin>(a, b, mxcsr, ref raised);
    }

    /// <summary>MAXPS.</summary>
    public static Vector128<byte> Max(Vector128<byte> a, Vector128<byte> b, uint mxcsr, ref uint raised)
    {
        if (ArePlain(a) && ArePlain(b))
        {
            return Vector128.ConditionalSelect(Vector128.GreaterThan(a.AsSingle(), b.AsSingle()).AsByte(), a, b);
        }

        return ByLane<SingleMax>(a, b, mxcsr, ref raised);
    }

    /// <summary>CMPPS.</summary>
    public static Vector128<byte> Compare(Vector128<byte> a, Vector128<byte> b, int predicate, uint mxcsr, ref uint raised)
    {
        if (ArePlain(a) && ArePlain(b))
        {
            Vector128<float> p = a.AsSingle();
            Vector128<float> q = b.AsSingle();
            Vector128<float> plain = (predicate & 3) switch
            {
                0 => Vector128.Equals(p, q),
                1 => Vector128.LessThan(p, q),
                2 => Vector128.LessThanOrEqual(p, q),
                _ => Vector128<float>.Zero,
            };
            return ((predicate & 4) != 0 ? ~plain : plain).AsByte();
        }

        var x = a.AsUInt32();
        var y = b.AsUInt32();
        return Vector128.Create(
            ScalarSingle.Compare(x[0], y[0], predicate, mxcsr, ref raised),
            ScalarSingle.Compare(x[1], y[1], predicate, mxcsr, ref raised),
            ScalarSingle.Compare(x[2], y[2], predicate, mxcsr, ref raised),
            ScalarSingle.Compare(x[3], y[3], predicate, mxcsr, ref raised)).AsByte();
    }

    /// <summary>CVTDQ2PS.</summary>
    public static Vector128<byte> FromInt32(Vector128<byte> b, uint mxcsr, ref uint raised)
    {
        if (HostMode(mxcsr))
        {
            return Vector128.ConvertToSingle(b.AsInt32()).AsByte();
        }

        var x = b.AsInt32();
        return Vector128.Create(
            FloatConversion.Int32ToSingle(x[0], mxcsr, ref raised),
            FloatConversion.Int32ToSingle(x[1], mxcsr, ref raised),
            FloatConversion.Int32ToSingle(x[2], mxcsr, ref raised),
            FloatConversion.Int32ToSingle(x[3], mxcsr, ref raised)).AsByte();
    }

    /// <summary>CVTPI2PS: two singles from two integers; the upper half is zero (the instruction leaves its destination's alone).</summary>
    public static Vector128<byte> FromInt32Pair(Vector128<byte> b, uint mxcsr, ref uint raised)
    {
        var x = b.AsInt32();
        return Vector128.Create(
            FloatConversion.Int32ToSingle(x[0], mxcsr, ref raised),
            FloatConversion.Int32ToSingle(x[1], mxcsr, ref raised),
            0,
            0).AsByte();
    }

    /// <summary>CVTPS2DQ and CVTTPS2DQ.</summary>
    public static Vector128<byte> ToInt32(Vector128<byte> b, bool truncate, uint mxcsr, ref uint raised)
    {
        if ((truncate || (mxcsr & Mxcsr.RoundingField) == 0) && ArePlain(b)
            && Vector128.LessThanAll(Vector128.Abs(b.AsSingle()), Vector128.Create(2147483648f)))
        {
            Vector128<float> whole = truncate ? Vector128.Truncate(b.AsSingle()) : Vector128.Round(b.AsSingle());
            if (!Vector128.EqualsAll(whole, b.AsSingle()))
            {
                raised |= Mxcsr.Precision;
            }

            return Vector128.ConvertToInt32(whole).AsByte();
        }

        var x = b.AsUInt32();
        var r = Vector128.Create(
            FloatConversion.SingleToInt32(x[0], truncate, mxcsr, ref raised),
            FloatConversion.SingleToInt32(x[1], truncate, mxcsr, ref raised),
            FloatConversion.SingleToInt32(x[2], truncate, mxcsr, ref raised),
            FloatConversion.SingleToInt32(x[3], truncate, mxcsr, ref raised));
        raised = PackedExceptions.Settle(mxcsr, raised);
        return r.AsByte();
    }

    /// <summary>CVTPS2PI and CVTTPS2PI: the low two lanes, the upper half zero.</summary>
    public static Vector128<byte> ToInt32Pair(Vector128<byte> b, bool truncate, uint mxcsr, ref uint raised)
    {
        var x = b.AsUInt32();
        var low = FloatConversion.SingleToInt32(x[0], truncate, mxcsr, ref raised);
        var high = FloatConversion.SingleToInt32(x[1], truncate, mxcsr, ref raised);
        raised = PackedExceptions.Settle(mxcsr, raised);
        return Vector128.Create(low, high, 0, 0).AsByte();
    }

    /// <summary>RCPPS.</summary>
    public static Vector128<byte> Reciprocal(Vector128<byte> b)
    {
        var x = b.AsUInt32();
        return Vector128.Create(
            Approximation.Reciprocal(x[0]),
            Approximation.Reciprocal(x[1]),
            Approximation.Reciprocal(x[2]),
            Approximation.Reciprocal(x[3])).AsByte();
    }

    /// <summary>RSQRTPS.</summary>
    public static Vector128<byte> ReciprocalSquareRoot(Vector128<byte> b)
    {
        var x = b.AsUInt32();
        return Vector128.Create(
            Approximation.ReciprocalSquareRoot(x[0]),
            Approximation.ReciprocalSquareRoot(x[1]),
            Approximation.ReciprocalSquareRoot(x[2]),
            Approximation.ReciprocalSquareRoot(x[3])).AsByte();
    }

    private static bool HostMode(uint mxcsr) => (mxcsr & Mxcsr.RoundingField) == 0 && Mxcsr.PrecisionIsKnown(mxcsr);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> IsZero(Vector128<byte> a) => Vector128.Equals(a.AsSingle(), Vector128<float>.Zero);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool ArePlain(Vector128<byte> a)
    {
        var magnitude = Vector128.Abs(a.AsSingle());
        var normal = Vector128.GreaterThanOrEqual(magnitude, Vector128.Create(1.17549435E-38f))
            & Vector128.LessThan(magnitude, Vector128.Create(float.PositiveInfinity));
        return (normal | Vector128.Equals(magnitude, Vector128<float>.Zero)).AsByte() == Vector128<byte>.AllBitsSet;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool AreSafe(Vector128<float> r, Vector128<float> exactZero)
    {
        var magnitude = Vector128.Abs(r);
        var normal = Vector128.GreaterThan(magnitude, Vector128.Create(2.3509887E-38f))
            & Vector128.LessThan(magnitude, Vector128.Create(float.PositiveInfinity));
        return (normal | exactZero).AsByte() == Vector128<byte>.AllBitsSet;
    }

    private static Vector128<byte> ByLane<TOperation>(Vector128<byte> a, Vector128<byte> b, uint mxcsr, ref uint raised)
        where TOperation : struct, ISingleOperation
    {
        var x = a.AsUInt32();
        var y = b.AsUInt32();
        var r = Vector128.Create(
            TOperation.Apply(x[0], y[0], mxcsr, ref raised),
            TOperation.Apply(x[1], y[1], mxcsr, ref raised),
            TOperation.Apply(x[2], y[2], mxcsr, ref raised),
            TOperation.Apply(x[3], y[3], mxcsr, ref raised));
        raised = PackedExceptions.Settle(mxcsr, raised);
        return r.AsByte();
    }
}
