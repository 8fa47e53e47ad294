using System.Runtime.Intrinsics;
using Emulator.Core.Semantics.Simd;

namespace Emulator.Tests.Simd;

/// <summary>
/// Every SSE and SSE2 floating-point operation under one signature: whole registers in, the written register (or result) out.
/// </summary>
internal static class FloatOperations
{
    public delegate Vector128<byte> Operation(Vector128<byte> a, Vector128<byte> b, uint mxcsr, ref uint raised);

    private delegate uint SingleOperation(uint a, uint b, uint mxcsr, ref uint raised);

    private delegate ulong DoubleOperation(ulong a, ulong b, uint mxcsr, ref uint raised);

    /// <summary>Operations by mnemonic; comparisons carry their predicate as a digit behind it.</summary>
    public static readonly Dictionary<string, Operation> All = Build();

    private static Dictionary<string, Operation> Build()
    {
        var all = new Dictionary<string, Operation>(StringComparer.Ordinal);
        Arithmetic(all, "add", ScalarSingle.Add, ScalarDouble.Add, PackedSingle.Add, PackedDouble.Add);
        Arithmetic(all, "sub", ScalarSingle.Subtract, ScalarDouble.Subtract, PackedSingle.Subtract, PackedDouble.Subtract);
        Arithmetic(all, "mul", ScalarSingle.Multiply, ScalarDouble.Multiply, PackedSingle.Multiply, PackedDouble.Multiply);
        Arithmetic(all, "div", ScalarSingle.Divide, ScalarDouble.Divide, PackedSingle.Divide, PackedDouble.Divide);
        Arithmetic(all, "min", ScalarSingle.Min, ScalarDouble.Min, PackedSingle.Min, PackedDouble.Min);
        Arithmetic(all, "max", ScalarSingle.Max, ScalarDouble.Max, PackedSingle.Max, PackedDouble.Max);
        Arithmetic(
            all,
            "sqrt",
            (uint a, uint b, uint m, ref uint f) => ScalarSingle.SquareRoot(b, m, ref f),
            (ulong a, ulong b, uint m, ref uint f) => ScalarDouble.SquareRoot(b, m, ref f),
            (Vector128<byte> a, Vector128<byte> b, uint m, ref uint f) => PackedSingle.SquareRoot(b, m, ref f),
            (Vector128<byte> a, Vector128<byte> b, uint m, ref uint f) => PackedDouble.SquareRoot(b, m, ref f));
        for (var i = 0; i < 8; i++)
        {
            var p = i;
            all[$"cmpss{p}"] = Low((uint a, uint b, uint m, ref uint f) => ScalarSingle.Compare(a, b, p, m, ref f));
            all[$"cmpsd{p}"] = Low((ulong a, ulong b, uint m, ref uint f) => ScalarDouble.Compare(a, b, p, m, ref f));
            all[$"cmpps{p}"] = (Vector128<byte> a, Vector128<byte> b, uint m, ref uint f) => PackedSingle.Compare(a, b, p, m, ref f);
            all[$"cmppd{p}"] = (Vector128<byte> a, Vector128<byte> b, uint m, ref uint f) => PackedDouble.Compare(a, b, p, m, ref f);
        }

        foreach (var quiet in new[] { false, true })
        {
            var u = quiet ? "" : "u";
            all[u + "comiss"] = (Vector128<byte> a, Vector128<byte> b, uint m, ref uint f) =>
                Flags(ScalarSingle.Order(Dword(a), Dword(b), quiet, m, ref f));
            all[u + "comisd"] = (Vector128<byte> a, Vector128<byte> b, uint m, ref uint f) =>
                Flags(ScalarDouble.Order(Qword(a), Qword(b), quiet, m, ref f));
        }

        foreach (var truncate in new[] { false, true })
        {
            var t = truncate ? "t" : "";
            all[$"cvt{t}ss2si"] = (Vector128<byte> a, Vector128<byte> b, uint m, ref uint f) =>
                Vector128.CreateScalar(FloatConversion.SingleToInt32(Dword(b), truncate, m, ref f)).AsByte();
            all[$"cvt{t}sd2si"] = (Vector128<byte> a, Vector128<byte> b, uint m, ref uint f) =>
                Vector128.CreateScalar(FloatConversion.DoubleToInt32(Qword(b), truncate, m, ref f)).AsByte();
            all[$"cvt{t}ps2pi"] = (Vector128<byte> a, Vector128<byte> b, uint m, ref uint f) =>
                PackedSingle.ToInt32Pair(b, truncate, m, ref f);
            all[$"cvt{t}pd2pi"] = (Vector128<byte> a, Vector128<byte> b, uint m, ref uint f) => PackedDouble.ToInt32(b, truncate, m, ref f);
            all[$"cvt{t}ps2dq"] = (Vector128<byte> a, Vector128<byte> b, uint m, ref uint f) => PackedSingle.ToInt32(b, truncate, m, ref f);
            all[$"cvt{t}pd2dq"] = (Vector128<byte> a, Vector128<byte> b, uint m, ref uint f) => PackedDouble.ToInt32(b, truncate, m, ref f);
        }

        all["cvtsi2ss"] = Low((uint a, uint b, uint m, ref uint f) => FloatConversion.Int32ToSingle((int)b, m, ref f));
        all["cvtsi2sd"] = Low((ulong a, ulong b, uint m, ref uint f) => FloatConversion.Int32ToDouble((int)b));
        all["cvtpi2ps"] = (Vector128<byte> a, Vector128<byte> b, uint m, ref uint f) =>
            a.AsUInt64().WithElement(0, PackedSingle.FromInt32Pair(b, m, ref f).AsUInt64()[0]).AsByte();
        all["cvtpi2pd"] = (Vector128<byte> a, Vector128<byte> b, uint m, ref uint f) => PackedDouble.FromInt32(b);
        all["cvtdq2ps"] = (Vector128<byte> a, Vector128<byte> b, uint m, ref uint f) => PackedSingle.FromInt32(b, m, ref f);
        all["cvtdq2pd"] = (Vector128<byte> a, Vector128<byte> b, uint m, ref uint f) => PackedDouble.FromInt32(b);
        all["cvtps2pd"] = (Vector128<byte> a, Vector128<byte> b, uint m, ref uint f) => PackedDouble.FromSingle(b, m, ref f);
        all["cvtpd2ps"] = (Vector128<byte> a, Vector128<byte> b, uint m, ref uint f) => PackedDouble.ToSingle(b, m, ref f);
        all["cvtss2sd"] = (Vector128<byte> a, Vector128<byte> b, uint m, ref uint f) =>
            a.AsUInt64().WithElement(0, FloatConversion.SingleToDouble(Dword(b), m, ref f)).AsByte();
        all["cvtsd2ss"] = (Vector128<byte> a, Vector128<byte> b, uint m, ref uint f) =>
            a.AsUInt32().WithElement(0, FloatConversion.DoubleToSingle(Qword(b), m, ref f)).AsByte();
        return all;
    }

    private static void Arithmetic(
        Dictionary<string, Operation> all, string name, SingleOperation ss, DoubleOperation sd, Operation ps, Operation pd)
    {
        all[name + "ss"] = Low(ss);
        all[name + "sd"] = Low(sd);
        all[name + "ps"] = ps;
        all[name + "pd"] = pd;
    }

    private static Operation Low(SingleOperation operation) => (Vector128<byte> a, Vector128<byte> b, uint m, ref uint f) =>
        a.AsUInt32().WithElement(0, operation(Dword(a), Dword(b), m, ref f)).AsByte();

    private static Operation Low(DoubleOperation operation) => (Vector128<byte> a, Vector128<byte> b, uint m, ref uint f) =>
        a.AsUInt64().WithElement(0, operation(Qword(a), Qword(b), m, ref f)).AsByte();

    /// <summary>ZF, PF and CF as COMISS sets them.</summary>
    private static Vector128<byte> Flags(FloatOrder order) => Vector128.CreateScalar(order switch
    {
        FloatOrder.Less => 0x01u,
        FloatOrder.Equal => 0x40u,
        FloatOrder.Greater => 0u,
        _ => 0x45u,
    }).AsByte();

    private static uint Dword(Vector128<byte> a) => a.AsUInt32()[0];

    private static ulong Qword(Vector128<byte> a) => a.AsUInt64()[0];
}
