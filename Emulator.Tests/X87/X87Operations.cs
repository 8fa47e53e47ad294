using Emulator.Core.Semantics.X87;

namespace Emulator.Tests.X87;

/// <summary>Result of an operation on register values: one or two 80-bit results, or an integer or narrow image in the first significand.</summary>
internal readonly record struct X87Result(Float80 First, Float80 Second);

/// <summary>The operations of the recorded hardware results, by name.</summary>
internal static class X87Operations
{
    public delegate X87Result Operation(Float80 a, Float80 b, uint control, ref uint status);

    public static readonly Dictionary<string, Operation> All = new(StringComparer.Ordinal)
    {
        ["add"] = (a, b, control, ref status) => One(X87Arithmetic.Add(a, b, control, ref status)),
        ["sub"] = (a, b, control, ref status) => One(X87Arithmetic.Subtract(a, b, control, ref status)),
        ["mul"] = (a, b, control, ref status) => One(X87Arithmetic.Multiply(a, b, control, ref status)),
        ["div"] = (a, b, control, ref status) => One(X87Arithmetic.Divide(a, b, control, ref status)),
        ["sqrt"] = (a, _, control, ref status) => One(X87Arithmetic.SquareRoot(a, control, ref status)),
        ["rndint"] = (a, _, control, ref status) => One(X87Scaling.RoundToInteger(a, control, ref status)),
        ["scale"] = (a, b, control, ref status) => One(X87Scaling.Scale(a, b, control, ref status)),
        ["prem"] = (a, b, control, ref status) => One(X87Remainder.Compute(a, b, false, control, ref status, out _)),
        ["prem1"] = (a, b, control, ref status) => One(X87Remainder.Compute(a, b, true, control, ref status, out _)),
        ["xtract"] = (a, _, control, ref status) => Two(X87Scaling.Extract(a, control, ref status, out var exponent), exponent),
        ["com"] = (a, b, _, ref status) => Compare(a, b, false, ref status),
        ["ucom"] = (a, b, _, ref status) => Compare(a, b, true, ref status),
        ["st32"] = (a, _, control, ref status) => Image(X87Convert.ToSingle(a, control, ref status)),
        ["st64"] = (a, _, control, ref status) => Image(X87Convert.ToDouble(a, control, ref status)),
        ["ist16"] = (a, _, control, ref status) => Image((ushort)X87Convert.ToInt16(a, control, ref status)),
        ["ist32"] = (a, _, control, ref status) => Image((uint)X87Convert.ToInt32(a, control, ref status)),
        ["ist64"] = (a, _, control, ref status) => Image((ulong)X87Convert.ToInt64(a, control, ref status)),
        ["bstp"] = (a, _, control, ref status) => Decimal(a, control, ref status),
        ["ld32"] = (a, _, _, ref status) => Load(X87Convert.FromSingle((uint)a.Significand, out var denormal), denormal, ref status),
        ["ld64"] = (a, _, _, ref status) => Load(X87Convert.FromDouble(a.Significand, out var denormal), denormal, ref status),
        ["bld"] = (a, _, _, ref _) => One(X87Decimal.FromPacked(a.Significand, a.SignExponent)),
        ["xam"] = (a, _, _, ref status) => Examine(a, ref status),
        ["sin"] = (a, _, control, ref status) => One(X87Trigonometry.Sine(a, control, ref status)),
        ["cos"] = (a, _, control, ref status) => One(X87Trigonometry.Cosine(a, control, ref status)),
        ["sincos"] = (a, _, control, ref status) => Two(X87Trigonometry.SineCosine(a, control, ref status, out var cosine), cosine),
        ["ptan"] = (a, _, control, ref status) => Two(X87Trigonometry.Tangent(a, control, ref status, out var pushed), pushed),
        ["patan"] = (a, b, control, ref status) => One(X87ArcTangent.Compute(b, a, control, ref status)),
        ["2xm1"] = (a, _, control, ref status) => One(X87Exponential.TwoToXMinusOne(a, control, ref status)),
        ["yl2x"] = (a, b, control, ref status) => One(X87Exponential.YLog2X(b, a, control, ref status)),
        ["yl2xp1"] = (a, b, control, ref status) => One(X87Exponential.YLog2XPlusOne(b, a, control, ref status)),
    };

    /// <summary>The operations whose results may differ from the hardware's by one in the last place, and in C1.</summary>
    public static bool IsApproximate(string name) => name is "sin" or "cos" or "sincos" or "ptan" or "patan" or "2xm1" or "yl2x" or "yl2xp1";

    private static X87Result One(Float80 value) => new(value, default);

    private static X87Result Two(Float80 first, Float80 second) => new(first, second);

    private static X87Result Image(ulong bits) => new(new(bits, 0), default);

    private static X87Result Load(Float80 widened, bool denormal, ref uint status) => One(X87Convert.Load(widened, denormal, ref status));

    private static X87Result Decimal(Float80 value, uint control, ref uint status)
    {
        var low = X87Decimal.ToPacked(value, control, ref status, out var high);
        return One(new(low, high));
    }

    private static X87Result Compare(Float80 a, Float80 b, bool quiet, ref uint status)
    {
        var conditions = X87Comparison.Compare(a, b, quiet, ref status);
        status |= conditions;
        return default;
    }

    private static X87Result Examine(Float80 value, ref uint status)
    {
        status |= X87Operand.Examine(value);
        return default;
    }
}
