using Iced.Intel;

namespace Emulator.Jit;

/// <summary>What an x87 instruction with a lowering does.</summary>
internal enum X87Family
{
    Arithmetic,
    Load,
    LoadConstant,
    LoadRegister,
    Store,
    StoreRegister,
    Exchange,
    Compare,
    CompareToFlags,
    Test,
    Examine,
    Move,
    ChangeSign,
    Absolute,
    SquareRoot,
    RoundToInteger,
    Free,
    FreePop,
    IncrementTop,
    DecrementTop,
    NoOperation,
    Wait,
    LoadControl,
    StoreControl,
    StoreStatus,
    StoreStatusToAx,
    ClearExceptions,
}

/// <summary>Format of an operand in memory.</summary>
internal enum X87Format
{
    None,
    Int16,
    Int32,
    Int64,
    Single,
    Double,
    Extended,
}

/// <summary>What the name of an Iced code says of an x87 instruction that has a lowering.</summary>
/// <param name="Family">What it does.</param>
/// <param name="Operation">The mnemonic without F, I and P: add, sub, subr, mul, div, divr; of a constant, what is loaded.</param>
/// <param name="Format">Format of the memory operand.</param>
/// <param name="ToOther">Whether ST(i) is the destination.</param>
/// <param name="Pops">How many registers it pops.</param>
/// <param name="Quiet">Whether a comparison accepts quiet NaNs.</param>
/// <param name="Condition">Condition number of FCMOVcc.</param>
internal readonly record struct X87Shape(X87Family Family, string Operation, X87Format Format, bool ToOther, int Pops, bool Quiet, int Condition)
{
    private static readonly Dictionary<Code, X87Shape> Shapes = BuildShapes();

    /// <summary>The shape of a code, if it has a lowering.</summary>
    /// <param name="code">Iced's code.</param>
    /// <param name="shape">The shape.</param>
    public static bool TryGet(Code code, out X87Shape shape) => Shapes.TryGetValue(code, out shape);

    /// <summary>Whether it has a memory operand.</summary>
    public bool HasMemory => Format != X87Format.None;

    /// <summary>Whether the instruction and data pointers do not notice it.</summary>
    public bool IsControl => Family is X87Family.Wait or X87Family.LoadControl or X87Family.StoreControl or X87Family.StoreStatus
        or X87Family.StoreStatusToAx or X87Family.ClearExceptions;

    /// <summary>Whether its memory operand is written.</summary>
    public bool IsStore => Family is X87Family.Store or X87Family.StoreControl or X87Family.StoreStatus;

    /// <summary>Bytes of the memory operand.</summary>
    public int Size => Format switch
    {
        X87Format.Int16 => 2,
        X87Format.Int32 or X87Format.Single => 4,
        X87Format.Extended => 10,
        _ => 8,
    };

    private static Dictionary<Code, X87Shape> BuildShapes()
    {
        Dictionary<Code, X87Shape> shapes = [];
        foreach (Code code in Enum.GetValues<Code>())
        {
            if (Parse(code.ToString()) is { } shape)
            {
                shapes[code] = shape;
            }
        }

        return shapes;
    }

    private static X87Shape? Parse(string name)
    {
        string[] parts = name.Split('_');
        string mnemonic = parts[0];
        X87Format format = parts.Length < 2 ? X87Format.None : FormatOf(parts[1]);
        bool registers = parts.Length >= 2 && parts[1] is "st0" or "sti";
        switch (mnemonic)
        {
            case "Fadd" or "Fsub" or "Fsubr" or "Fmul" or "Fdiv" or "Fdivr" when registers || format != X87Format.None:
                return new(X87Family.Arithmetic, mnemonic[1..], format, parts[1] == "sti", 0, false, 0);
            case "Faddp" or "Fsubp" or "Fsubrp" or "Fmulp" or "Fdivp" or "Fdivrp":
                return new(X87Family.Arithmetic, mnemonic[1..^1], format, true, 1, false, 0);
            case "Fiadd" or "Fisub" or "Fisubr" or "Fimul" or "Fidiv" or "Fidivr":
                return new(X87Family.Arithmetic, mnemonic[2..], format, false, 0, false, 0);
            case "Fld" when parts[1] == "sti":
                return Simple(X87Family.LoadRegister);
            case "Fld" or "Fild" when format != X87Format.None:
                return Simple(X87Family.Load) with { Format = format };
            case "Fld1" or "Fldz" or "Fldpi" or "Fldl2e" or "Fldl2t" or "Fldlg2" or "Fldln2":
                return Simple(X87Family.LoadConstant) with { Operation = mnemonic[3..] };
            case "Fst" or "Fstp" when parts[1] == "sti":
                return Simple(X87Family.StoreRegister) with { Pops = mnemonic == "Fstp" ? 1 : 0 };
            case "Fst" or "Fstp" or "Fist" or "Fistp" when format != X87Format.None:
                return Simple(X87Family.Store) with { Format = format, Pops = mnemonic.EndsWith('p') ? 1 : 0 };
            case "Fxch":
                return Simple(X87Family.Exchange);
            case "Fcom" or "Fcomp" or "Fcompp" or "Fucom" or "Fucomp" or "Fucompp" or "Ficom" or "Ficomp":
                return Simple(X87Family.Compare) with { Format = format, Quiet = mnemonic[1] == 'u', Pops = PopsOf(mnemonic) };
            case "Fcomi" or "Fcomip" or "Fucomi" or "Fucomip":
                return Simple(X87Family.CompareToFlags) with { Quiet = mnemonic[1] == 'u', Pops = PopsOf(mnemonic) };
            default:
                break;
        }

        return name switch
        {
            "Ftst" => Simple(X87Family.Test),
            "Fxam" => Simple(X87Family.Examine),
            "Fcmovb_st0_sti" => Simple(X87Family.Move) with { Condition = 2 },
            "Fcmovnb_st0_sti" => Simple(X87Family.Move) with { Condition = 3 },
            "Fcmove_st0_sti" => Simple(X87Family.Move) with { Condition = 4 },
            "Fcmovne_st0_sti" => Simple(X87Family.Move) with { Condition = 5 },
            "Fcmovbe_st0_sti" => Simple(X87Family.Move) with { Condition = 6 },
            "Fcmovnbe_st0_sti" => Simple(X87Family.Move) with { Condition = 7 },
            "Fcmovu_st0_sti" => Simple(X87Family.Move) with { Condition = 10 },
            "Fcmovnu_st0_sti" => Simple(X87Family.Move) with { Condition = 11 },
            "Fchs" => Simple(X87Family.ChangeSign),
            "Fabs" => Simple(X87Family.Absolute),
            "Fsqrt" => Simple(X87Family.SquareRoot),
            "Frndint" => Simple(X87Family.RoundToInteger),
            "Ffree_sti" => Simple(X87Family.Free),
            "Ffreep_sti" => Simple(X87Family.FreePop) with { Pops = 1 },
            "Fincstp" => Simple(X87Family.IncrementTop),
            "Fdecstp" => Simple(X87Family.DecrementTop),
            "Fnop" => Simple(X87Family.NoOperation),
            "Wait" => Simple(X87Family.Wait),
            "Fldcw_m2byte" => Simple(X87Family.LoadControl) with { Format = X87Format.Int16 },
            "Fnstcw_m2byte" => Simple(X87Family.StoreControl) with { Format = X87Format.Int16 },
            "Fnstsw_m2byte" => Simple(X87Family.StoreStatus) with { Format = X87Format.Int16 },
            "Fnstsw_AX" => Simple(X87Family.StoreStatusToAx),
            "Fnclex" => Simple(X87Family.ClearExceptions),
            _ => null,
        };
    }

    private static X87Shape Simple(X87Family family) => new(family, string.Empty, X87Format.None, false, 0, false, 0);

    private static int PopsOf(string mnemonic) => mnemonic.EndsWith("pp", StringComparison.Ordinal) ? 2 : mnemonic.EndsWith('p') ? 1 : 0;

    private static X87Format FormatOf(string part) => part switch
    {
        "m16int" => X87Format.Int16,
        "m32int" => X87Format.Int32,
        "m64int" => X87Format.Int64,
        "m32fp" => X87Format.Single,
        "m64fp" => X87Format.Double,
        "m80fp" => X87Format.Extended,
        _ => X87Format.None,
    };
}
