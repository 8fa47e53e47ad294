namespace Emulator.Core.Semantics.X87;

/// <summary>What kind of value a bit pattern is.</summary>
public enum Float80Class
{
    /// <summary>A normal finite number.</summary>
    Normal,

    /// <summary>Plus or minus zero.</summary>
    Zero,

    /// <summary>A denormal or pseudo-denormal (exponent 0, significand not 0).</summary>
    Denormal,

    /// <summary>Plus or minus infinity.</summary>
    Infinity,

    /// <summary>A quiet NaN.</summary>
    QuietNaN,

    /// <summary>A signaling NaN.</summary>
    SignalingNaN,

    /// <summary>Unnormal, pseudo-infinity or pseudo-NaN: an operand that the 387 and later do not support.</summary>
    Unsupported,
}

/// <summary>Classification of operands and the rules for NaN operands (SDM volume 1, 4.8.3 and 8.5.1).</summary>
public static class X87Operand
{
    /// <summary>The class of <paramref name="value"/>.</summary>
    public static Float80Class Classify(Float80 value)
    {
        var exponent = value.Exponent;
        if (exponent == 0)
        {
            return value.Significand == 0 ? Float80Class.Zero : Float80Class.Denormal;
        }

        if ((long)value.Significand >= 0)
        {
            return Float80Class.Unsupported;
        }

        if (exponent != 0x7FFF)
        {
            return Float80Class.Normal;
        }

        if (value.Significand == Float80.IntegerBit)
        {
            return Float80Class.Infinity;
        }

        return (value.Significand & Float80.QuietBit) != 0 ? Float80Class.QuietNaN : Float80Class.SignalingNaN;
    }

    /// <summary>Whether <paramref name="value"/> is a NaN or an unsupported encoding.</summary>
    public static bool IsNaNOrUnsupported(Float80 value) => Classify(value) >= Float80Class.QuietNaN;

    /// <summary>The tag of a register that is not empty: 0 valid, 1 zero, 2 special.</summary>
    public static uint Tag(Float80 value)
    {
        var exponent = value.Exponent;
        if ((uint)(exponent - 1) < 0x7FFE)
        {
            return (long)value.Significand < 0 ? 0u : 2u;
        }

        return exponent == 0 && value.Significand == 0 ? 1u : 2u;
    }

    /// <summary>The condition codes that FXAM gives for a register that is not empty: C3 C2 C0 for the class, C1 for the sign.</summary>
    public static uint Examine(Float80 value)
    {
        var sign = value.Sign != 0 ? X87Status.C1 : 0;
        return sign | Classify(value) switch
        {
            Float80Class.Normal => X87Status.C2,
            Float80Class.Zero => X87Status.C3,
            Float80Class.Denormal => X87Status.C3 | X87Status.C2,
            Float80Class.Infinity => X87Status.C2 | X87Status.C0,
            Float80Class.Unsupported => 0,
            _ => X87Status.C0,
        };
    }

    /// <summary>
    /// The result of an operation on one operand that is a NaN or unsupported: the quiet NaN, or the indefinite. Raises #I for a
    /// signaling NaN or an unsupported encoding.
    /// </summary>
    internal static Float80 PropagateNaN(Float80 value, Float80Class kind, ref uint status)
    {
        if (kind == Float80Class.QuietNaN)
        {
            return value;
        }

        status |= X87Status.Invalid;
        return kind == Float80Class.SignalingNaN ? Quiet(value) : Float80.Indefinite;
    }

    /// <summary>
    /// The result of an operation on two operands of which at least one is a NaN or unsupported (SDM volume 1, table 4-7): a quiet
    /// NaN wins over a signaling one, else the larger significand wins, and with equal significands the positive one.
    /// </summary>
    internal static Float80 PropagateNaN(Float80 a, Float80Class kindA, Float80 b, Float80Class kindB, ref uint status)
    {
        if (kindA == Float80Class.Unsupported || kindB == Float80Class.Unsupported)
        {
            status |= X87Status.Invalid;
            return Float80.Indefinite;
        }

        if (kindA == Float80Class.SignalingNaN || kindB == Float80Class.SignalingNaN)
        {
            status |= X87Status.Invalid;
        }

        if (kindA < Float80Class.QuietNaN)
        {
            return Quiet(b);
        }

        if (kindB < Float80Class.QuietNaN)
        {
            return Quiet(a);
        }

        if (kindA != kindB)
        {
            return kindA == Float80Class.QuietNaN ? a : b;
        }

        if (a.Significand != b.Significand)
        {
            return Quiet(a.Significand > b.Significand ? a : b);
        }

        return Quiet(a.SignExponent < b.SignExponent ? a : b);
    }

    /// <summary>The masked response to an invalid operation.</summary>
    internal static Float80 InvalidOperation(ref uint status)
    {
        status |= X87Status.Invalid;
        return Float80.Indefinite;
    }

    /// <summary>
    /// Raises #D if <paramref name="denormal"/>. Returns whether the operation must stop there because #D is unmasked.
    /// </summary>
    internal static bool RaiseDenormal(bool denormal, uint control, ref uint status)
    {
        if (!denormal)
        {
            return false;
        }

        status |= X87Status.Denormal;
        return (control & X87Status.Denormal) == 0;
    }

    /// <summary>Significand and exponent of a finite value that is not zero, with the integer bit set.</summary>
    internal static void Normalize(Float80 value, out ulong significand, out int exponent)
    {
        significand = value.Significand;
        exponent = value.Exponent;
        if (exponent == 0)
        {
            exponent = 1;
        }

        var shift = System.Numerics.BitOperations.LeadingZeroCount(significand);
        significand <<= shift;
        exponent -= shift;
    }

    private static Float80 Quiet(Float80 value) => new(value.Significand | Float80.QuietBit, value.SignExponent);
}
