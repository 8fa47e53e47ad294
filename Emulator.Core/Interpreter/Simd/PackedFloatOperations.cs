using System.Runtime.Intrinsics;
using Emulator.Core.Semantics.Simd;

namespace Emulator.Core.Interpreter.Simd;

internal readonly struct Addps : IFloatOperation
{
    public static Vector128<byte> Apply(Vector128<byte> a, Vector128<byte> b, uint mxcsr, ref uint raised) =>
        PackedSingle.Add(a, b, mxcsr, ref raised);
}

internal readonly struct Subps : IFloatOperation
{
    public static Vector128<byte> Apply(Vector128<byte> a, Vector128<byte> b, uint mxcsr, ref uint raised) =>
        PackedSingle.Subtract(a, b, mxcsr, ref raised);
}

internal readonly struct Mulps : IFloatOperation
{
    public static Vector128<byte> Apply(Vector128<byte> a, Vector128<byte> b, uint mxcsr, ref uint raised) =>
        PackedSingle.Multiply(a, b, mxcsr, ref raised);
}

internal readonly struct Divps : IFloatOperation
{
    public static Vector128<byte> Apply(Vector128<byte> a, Vector128<byte> b, uint mxcsr, ref uint raised) =>
        PackedSingle.Divide(a, b, mxcsr, ref raised);
}

internal readonly struct Minps : IFloatOperation
{
    public static Vector128<byte> Apply(Vector128<byte> a, Vector128<byte> b, uint mxcsr, ref uint raised) =>
        PackedSingle.Min(a, b, mxcsr, ref raised);
}

internal readonly struct Maxps : IFloatOperation
{
    public static Vector128<byte> Apply(Vector128<byte> a, Vector128<byte> b, uint mxcsr, ref uint raised) =>
        PackedSingle.Max(a, b, mxcsr, ref raised);
}

internal readonly struct Sqrtps : IFloatOperation
{
    public static Vector128<byte> Apply(Vector128<byte> a, Vector128<byte> b, uint mxcsr, ref uint raised) =>
        PackedSingle.SquareRoot(b, mxcsr, ref raised);
}

internal readonly struct Addpd : IFloatOperation
{
    public static Vector128<byte> Apply(Vector128<byte> a, Vector128<byte> b, uint mxcsr, ref uint raised) =>
        PackedDouble.Add(a, b, mxcsr, ref raised);
}

internal readonly struct Subpd : IFloatOperation
{
    public static Vector128<byte> Apply(Vector128<byte> a, Vector128<byte> b, uint mxcsr, ref uint raised) =>
        PackedDouble.Subtract(a, b, mxcsr, ref raised);
}

internal readonly struct Mulpd : IFloatOperation
{
    public static Vector128<byte> Apply(Vector128<byte> a, Vector128<byte> b, uint mxcsr, ref uint raised) =>
        PackedDouble.Multiply(a, b, mxcsr, ref raised);
}

internal readonly struct Divpd : IFloatOperation
{
    public static Vector128<byte> Apply(Vector128<byte> a, Vector128<byte> b, uint mxcsr, ref uint raised) =>
        PackedDouble.Divide(a, b, mxcsr, ref raised);
}

internal readonly struct Minpd : IFloatOperation
{
    public static Vector128<byte> Apply(Vector128<byte> a, Vector128<byte> b, uint mxcsr, ref uint raised) =>
        PackedDouble.Min(a, b, mxcsr, ref raised);
}

internal readonly struct Maxpd : IFloatOperation
{
    public static Vector128<byte> Apply(Vector128<byte> a, Vector128<byte> b, uint mxcsr, ref uint raised) =>
        PackedDouble.Max(a, b, mxcsr, ref raised);
}

internal readonly struct Sqrtpd : IFloatOperation
{
    public static Vector128<byte> Apply(Vector128<byte> a, Vector128<byte> b, uint mxcsr, ref uint raised) =>
        PackedDouble.SquareRoot(b, mxcsr, ref raised);
}

internal readonly struct Rcpps : IFloatOperation
{
    public static Vector128<byte> Apply(Vector128<byte> a, Vector128<byte> b, uint mxcsr, ref uint raised) => PackedSingle.Reciprocal(b);
}

internal readonly struct Rsqrtps : IFloatOperation
{
    public static Vector128<byte> Apply(Vector128<byte> a, Vector128<byte> b, uint mxcsr, ref uint raised) =>
        PackedSingle.ReciprocalSquareRoot(b);
}

internal readonly struct Cvtdq2ps : IFloatOperation
{
    public static Vector128<byte> Apply(Vector128<byte> a, Vector128<byte> b, uint mxcsr, ref uint raised) =>
        PackedSingle.FromInt32(b, mxcsr, ref raised);
}

internal readonly struct Cvtps2dq : IFloatOperation
{
    public static Vector128<byte> Apply(Vector128<byte> a, Vector128<byte> b, uint mxcsr, ref uint raised) =>
        PackedSingle.ToInt32(b, false, mxcsr, ref raised);
}

internal readonly struct Cvttps2dq : IFloatOperation
{
    public static Vector128<byte> Apply(Vector128<byte> a, Vector128<byte> b, uint mxcsr, ref uint raised) =>
        PackedSingle.ToInt32(b, true, mxcsr, ref raised);
}

internal readonly struct Cvtdq2pd : IFloatOperation
{
    public static Vector128<byte> Apply(Vector128<byte> a, Vector128<byte> b, uint mxcsr, ref uint raised) => PackedDouble.FromInt32(b);
}

internal readonly struct Cvtpd2dq : IFloatOperation
{
    public static Vector128<byte> Apply(Vector128<byte> a, Vector128<byte> b, uint mxcsr, ref uint raised) =>
        PackedDouble.ToInt32(b, false, mxcsr, ref raised);
}

internal readonly struct Cvttpd2dq : IFloatOperation
{
    public static Vector128<byte> Apply(Vector128<byte> a, Vector128<byte> b, uint mxcsr, ref uint raised) =>
        PackedDouble.ToInt32(b, true, mxcsr, ref raised);
}

internal readonly struct Cvtps2pd : IFloatOperation
{
    public static Vector128<byte> Apply(Vector128<byte> a, Vector128<byte> b, uint mxcsr, ref uint raised) =>
        PackedDouble.FromSingle(b, mxcsr, ref raised);
}

internal readonly struct Cvtpd2ps : IFloatOperation
{
    public static Vector128<byte> Apply(Vector128<byte> a, Vector128<byte> b, uint mxcsr, ref uint raised) =>
        PackedDouble.ToSingle(b, mxcsr, ref raised);
}

internal readonly struct Cvtps2pi : IFloatOperation
{
    public static Vector128<byte> Apply(Vector128<byte> a, Vector128<byte> b, uint mxcsr, ref uint raised) =>
        PackedSingle.ToInt32Pair(b, false, mxcsr, ref raised);
}

internal readonly struct Cvttps2pi : IFloatOperation
{
    public static Vector128<byte> Apply(Vector128<byte> a, Vector128<byte> b, uint mxcsr, ref uint raised) =>
        PackedSingle.ToInt32Pair(b, true, mxcsr, ref raised);
}

internal readonly struct Cvtpi2ps : IFloatOperation
{
    public static Vector128<byte> Apply(Vector128<byte> a, Vector128<byte> b, uint mxcsr, ref uint raised) =>
        PackedShuffle.MergeLow(a, PackedSingle.FromInt32Pair(b, mxcsr, ref raised));
}
