namespace Emulator.Core.Semantics.X87;

/// <summary>The comparisons: FCOM, FUCOM, FTST and the base of FCOMI and FUCOMI.</summary>
public static class X87Comparison
{
    /// <summary>
    /// Compares and returns the condition codes: 0 for a &gt; b, C0 for a &lt; b, C3 for equal, all three for unordered.
    /// An ordinary comparison raises #I for any NaN, a <paramref name="quiet"/> one only for signaling NaNs and unsupported encodings.
    /// </summary>
    public static uint Compare(Float80 a, Float80 b, bool quiet, ref uint status)
    {
        if ((uint)(a.Exponent - 1) < 0x7FFE && (uint)(b.Exponent - 1) < 0x7FFE && (long)(a.Significand & b.Significand) < 0)
        {
            var less = a.Exponent != b.Exponent ? a.Exponent < b.Exponent : a.Significand < b.Significand;
            return a == b ? X87Status.C3
                : (a.Sign != b.Sign ? a.Sign != 0 : less == (a.Sign == 0)) ? X87Status.C0 : 0;
        }

        return CompareSpecial(a, b, quiet, ref status);
    }

    private static uint CompareSpecial(Float80 a, Float80 b, bool quiet, ref uint status)
    {
        var kindA = X87Operand.Classify(a);
        var kindB = X87Operand.Classify(b);
        if (kindA >= Float80Class.QuietNaN || kindB >= Float80Class.QuietNaN)
        {
            if (!quiet || kindA > Float80Class.QuietNaN || kindB > Float80Class.QuietNaN)
            {
                status |= X87Status.Invalid;
            }

            return X87Status.Unordered;
        }

        if (kindA == Float80Class.Denormal || kindB == Float80Class.Denormal)
        {
            status |= X87Status.Denormal;
        }

        if (kindA == Float80Class.Zero && kindB == Float80Class.Zero)
        {
            return X87Status.C3;
        }

        if (a.Sign != b.Sign)
        {
            return a.Sign != 0 ? X87Status.C0 : 0;
        }

        // A pseudo-denormal has the value of exponent 1.
        var exponentA = a.Exponent | (kindA == Float80Class.Denormal ? 1 : 0);
        var exponentB = b.Exponent | (kindB == Float80Class.Denormal ? 1 : 0);
        var order = exponentA.CompareTo(exponentB);
        if (order == 0)
        {
            order = a.Significand.CompareTo(b.Significand);
        }

        if (order == 0)
        {
            return X87Status.C3;
        }

        return (order < 0) == (a.Sign == 0) ? X87Status.C0 : 0;
    }
}
