using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Emulator.Core.Semantics.Simd;

/// <summary>
/// Whether what the host computed is what the guest's instruction gives, with no exception but PE: the second look of translated code, behind
/// a quick test of exponents that refuses zeros and numbers near the ends of the range. Rounding is to nearest and PE set and masked
/// (<see cref="HostArithmetic.IsAllowed"/>). The conditions are those of <see cref="ScalarDouble"/>, <see cref="ScalarSingle"/>,
/// <see cref="PackedDouble"/> and <see cref="PackedSingle"/>. Where a check holds, no operand is a NaN or a denormal.
/// </summary>
public static class HostChecks
{
    /// <summary>ADDSD, SUBSD.</summary>
    /// <param name="a">First operand, in the low lane.</param>
    /// <param name="b">Second operand.</param>
    /// <param name="r">The host's result.</param>
    public static bool DoubleSum(Vector128<byte> a, Vector128<byte> b, Vector128<byte> r) =>
        IsUsableDouble(a) && IsUsableDouble(b) && (ScalarDouble.IsSafe(D(r)) || D(r) == 0);

    /// <summary>MULSD.</summary>
    /// <param name="a">First operand.</param>
    /// <param name="b">Second operand.</param>
    /// <param name="r">The host's result.</param>
    public static bool DoubleProduct(Vector128<byte> a, Vector128<byte> b, Vector128<byte> r) =>
        IsUsableDouble(a) && IsUsableDouble(b) && (ScalarDouble.IsSafe(D(r)) || (D(r) == 0 && (D(a) == 0 || D(b) == 0)));

    /// <summary>DIVSD.</summary>
    /// <param name="a">Dividend.</param>
    /// <param name="b">Divisor.</param>
    /// <param name="r">The host's result.</param>
    public static bool DoubleQuotient(Vector128<byte> a, Vector128<byte> b, Vector128<byte> r) =>
        IsUsableDouble(a) && IsUsableDouble(b) && (ScalarDouble.IsSafe(D(r)) || (D(r) == 0 && D(a) == 0));

    /// <summary>SQRTSD.</summary>
    /// <param name="a">Not looked at.</param>
    /// <param name="b">Operand.</param>
    /// <param name="r">The host's result.</param>
    public static bool DoubleRoot(Vector128<byte> a, Vector128<byte> b, Vector128<byte> r) =>
        IsUsableDouble(b) && (ScalarDouble.IsSafe(D(r)) || D(r) == 0);

    /// <summary>Comparisons and conversions of doubles: neither denormal nor NaN.</summary>
    /// <param name="a">First operand.</param>
    /// <param name="b">Second operand.</param>
    /// <param name="r">Not looked at.</param>
    public static bool DoubleOrder(Vector128<byte> a, Vector128<byte> b, Vector128<byte> r) =>
        ScalarDouble.IsPlain(a.AsUInt64().ToScalar()) && ScalarDouble.IsPlain(b.AsUInt64().ToScalar());

    /// <summary>CVTSD2SS.</summary>
    /// <param name="a">Not looked at.</param>
    /// <param name="b">Operand.</param>
    /// <param name="r">The host's result.</param>
    public static bool DoubleNarrowed(Vector128<byte> a, Vector128<byte> b, Vector128<byte> r) =>
        ScalarDouble.IsPlain(b.AsUInt64().ToScalar()) && (ScalarSingle.IsSafe(S(r)) || D(b) == 0);

    /// <summary>ADDSS, SUBSS.</summary>
    /// <param name="a">First operand, in the low lane.</param>
    /// <param name="b">Second operand.</param>
    /// <param name="r">The host's result.</param>
    public static bool SingleSum(Vector128<byte> a, Vector128<byte> b, Vector128<byte> r) =>
        IsUsableSingle(a) && IsUsableSingle(b) && (ScalarSingle.IsSafe(S(r)) || S(r) == 0);

    /// <summary>MULSS.</summary>
    /// <param name="a">First operand.</param>
    /// <param name="b">Second operand.</param>
    /// <param name="r">The host's result.</param>
    public static bool SingleProduct(Vector128<byte> a, Vector128<byte> b, Vector128<byte> r) =>
        IsUsableSingle(a) && IsUsableSingle(b) && (ScalarSingle.IsSafe(S(r)) || (S(r) == 0 && (S(a) == 0 || S(b) == 0)));

    /// <summary>DIVSS.</summary>
    /// <param name="a">Dividend.</param>
    /// <param name="b">Divisor.</param>
    /// <param name="r">The host's result.</param>
    public static bool SingleQuotient(Vector128<byte> a, Vector128<byte> b, Vector128<byte> r) =>
        IsUsableSingle(a) && IsUsableSingle(b) && (ScalarSingle.IsSafe(S(r)) || (S(r) == 0 && S(a) == 0));

    /// <summary>SQRTSS.</summary>
    /// <param name="a">Not looked at.</param>
    /// <param name="b">Operand.</param>
    /// <param name="r">The host's result.</param>
    public static bool SingleRoot(Vector128<byte> a, Vector128<byte> b, Vector128<byte> r) =>
        IsUsableSingle(b) && (ScalarSingle.IsSafe(S(r)) || S(r) == 0);

    /// <summary>Comparisons and conversions of singles: neither denormal nor NaN.</summary>
    /// <param name="a">First operand.</param>
    /// <param name="b">Second operand.</param>
    /// <param name="r">Not looked at.</param>
    public static bool SingleOrder(Vector128<byte> a, Vector128<byte> b, Vector128<byte> r) =>
        ScalarSingle.IsPlain(a.AsUInt32().ToScalar()) && ScalarSingle.IsPlain(b.AsUInt32().ToScalar());

    /// <summary>ADDPD, SUBPD.</summary>
    /// <param name="a">First operand.</param>
    /// <param name="b">Second operand.</param>
    /// <param name="r">The host's result.</param>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static bool PackedDoubleSum(Vector128<byte> a, Vector128<byte> b, Vector128<byte> r) =>
        PackedDouble.ArePlain(a) && PackedDouble.ArePlain(b) && PackedDouble.AreSafe(r.AsDouble(), PackedDouble.IsZero(r));

    /// <summary>MULPD.</summary>
    /// <param name="a">First operand.</param>
    /// <param name="b">Second operand.</param>
    /// <param name="r">The host's result.</param>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static bool PackedDoubleProduct(Vector128<byte> a, Vector128<byte> b, Vector128<byte> r) =>
        PackedDouble.ArePlain(a) && PackedDouble.ArePlain(b)
        && PackedDouble.AreSafe(r.AsDouble(), PackedDouble.IsZero(a) | PackedDouble.IsZero(b));

    /// <summary>DIVPD.</summary>
    /// <param name="a">Dividends.</param>
    /// <param name="b">Divisors.</param>
    /// <param name="r">The host's result.</param>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static bool PackedDoubleQuotient(Vector128<byte> a, Vector128<byte> b, Vector128<byte> r) =>
        PackedDouble.ArePlain(a) && PackedDouble.ArePlain(b)
        && PackedDouble.AreSafe(r.AsDouble(), PackedDouble.IsZero(a) & ~PackedDouble.IsZero(b));

    /// <summary>SQRTPD.</summary>
    /// <param name="a">Not looked at.</param>
    /// <param name="b">Operands.</param>
    /// <param name="r">Not looked at.</param>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static bool PackedDoubleRoot(Vector128<byte> a, Vector128<byte> b, Vector128<byte> r) =>
        PackedDouble.ArePlain(b) && Vector128.GreaterThanOrEqualAll(b.AsDouble(), Vector128<double>.Zero);

    /// <summary>Comparisons and conversions of packed doubles: none denormal or NaN.</summary>
    /// <param name="a">First operands.</param>
    /// <param name="b">Second operands.</param>
    /// <param name="r">Not looked at.</param>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static bool PackedDoubleOrder(Vector128<byte> a, Vector128<byte> b, Vector128<byte> r) =>
        PackedDouble.ArePlain(a) && PackedDouble.ArePlain(b);

    /// <summary>CVTPD2PS.</summary>
    /// <param name="a">Not looked at.</param>
    /// <param name="b">Operands.</param>
    /// <param name="r">The host's result, in the low half.</param>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static bool PackedDoubleNarrowed(Vector128<byte> a, Vector128<byte> b, Vector128<byte> r) =>
        DoubleNarrowed(a, b, r)
        && DoubleNarrowed(a, Vector128.CreateScalar(b.AsUInt64()[1]).AsByte(), Vector128.CreateScalar(r.AsUInt32()[1]).AsByte());

    /// <summary>ADDPS, SUBPS.</summary>
    /// <param name="a">First operand.</param>
    /// <param name="b">Second operand.</param>
    /// <param name="r">The host's result.</param>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static bool PackedSingleSum(Vector128<byte> a, Vector128<byte> b, Vector128<byte> r) =>
        PackedSingle.ArePlain(a) && PackedSingle.ArePlain(b) && PackedSingle.AreSafe(r.AsSingle(), PackedSingle.IsZero(r));

    /// <summary>MULPS.</summary>
    /// <param name="a">First operand.</param>
    /// <param name="b">Second operand.</param>
    /// <param name="r">The host's result.</param>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static bool PackedSingleProduct(Vector128<byte> a, Vector128<byte> b, Vector128<byte> r) =>
        PackedSingle.ArePlain(a) && PackedSingle.ArePlain(b)
        && PackedSingle.AreSafe(r.AsSingle(), PackedSingle.IsZero(a) | PackedSingle.IsZero(b));

    /// <summary>DIVPS.</summary>
    /// <param name="a">Dividends.</param>
    /// <param name="b">Divisors.</param>
    /// <param name="r">The host's result.</param>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static bool PackedSingleQuotient(Vector128<byte> a, Vector128<byte> b, Vector128<byte> r) =>
        PackedSingle.ArePlain(a) && PackedSingle.ArePlain(b)
        && PackedSingle.AreSafe(r.AsSingle(), PackedSingle.IsZero(a) & ~PackedSingle.IsZero(b));

    /// <summary>SQRTPS.</summary>
    /// <param name="a">Not looked at.</param>
    /// <param name="b">Operands.</param>
    /// <param name="r">Not looked at.</param>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static bool PackedSingleRoot(Vector128<byte> a, Vector128<byte> b, Vector128<byte> r) =>
        PackedSingle.ArePlain(b) && Vector128.GreaterThanOrEqualAll(b.AsSingle(), Vector128<float>.Zero);

    /// <summary>Comparisons and conversions of packed singles: none denormal or NaN.</summary>
    /// <param name="a">First operands.</param>
    /// <param name="b">Second operands.</param>
    /// <param name="r">Not looked at.</param>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static bool PackedSingleOrder(Vector128<byte> a, Vector128<byte> b, Vector128<byte> r) =>
        PackedSingle.ArePlain(a) && PackedSingle.ArePlain(b);

    /// <summary>CVTPS2PD: the low two singles are neither denormal nor NaN.</summary>
    /// <param name="a">Not looked at.</param>
    /// <param name="b">Operands.</param>
    /// <param name="r">Not looked at.</param>
    public static bool SinglePairOrder(Vector128<byte> a, Vector128<byte> b, Vector128<byte> r) =>
        ScalarSingle.IsPlain(b.AsUInt32().ToScalar()) && ScalarSingle.IsPlain(b.AsUInt32()[1]);

    private static double D(Vector128<byte> v) => v.AsDouble().ToScalar();

    private static float S(Vector128<byte> v) => v.AsSingle().ToScalar();

    private static bool IsUsableDouble(Vector128<byte> v) => HostArithmetic.IsUsable(v.AsUInt64().ToScalar());

    private static bool IsUsableSingle(Vector128<byte> v) => HostArithmetic.IsUsable(v.AsUInt32().ToScalar());
}
