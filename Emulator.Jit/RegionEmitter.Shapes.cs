using Emulator.Core.Decoding;
using Iced.Intel;

namespace Emulator.Jit;

/// <content>Which integer instructions have a lowering, and what their names say of them.</content>
internal sealed unsafe partial class RegionEmitter
{
    private static readonly Dictionary<Code, Shape> Shapes = BuildShapes();

    private enum Family
    {
        Alu,
        Unary,
        Shift,
        Rotate,
        Move,
        MoveZero,
        MoveSign,
        Lea,
        Push,
        Pop,
        Set,
        Cmov,
        Multiply,
        WidenMultiply,
        Exchange,
        Cdq,
        Cwde,
        Nop,
        Leave,
        Bswap,
        ShiftByCl,
        DoubleShift,
        RotateCarry,
        Divide,
        Decimal,
        ExchangeAdd,
        CompareExchange,
        CompareExchangeWide,
        BitTest,
        BitScan,
        FlagMove,
        Direction,
        PushAll,
        PopAll,
        PushFlags,
        Translate,
        String,

        /// <summary>MOV to or POP of a segment register, LES and its kin; inline in real and virtual-8086 mode only.</summary>
        LoadSegment,

        /// <summary>MOV or PUSH of a segment register.</summary>
        ReadSegment,
    }

    private enum Form
    {
        RmReg,
        RegRm,
        RmImm,
        Rm,
        Reg,
        Imm,
    }

    /// <summary>Whether a code has a lowering.</summary>
    /// <param name="code">Iced's code.</param>
    public static bool HasLowering(Code code) => Shapes.ContainsKey(code) || SimdRows.ContainsKey(code) || X87Shape.TryGet(code, out _);

    /// <summary>What an instruction does to the status flags.</summary>
    public static FlagUse FlagUseOf(in Op op)
    {
        if (IsLoweredSimd(in op, out SimdRow? simd))
        {
            return simd!.OnlyFlags ? FlagUse.Overwrites : FlagUse.None;
        }

        if (IsLoweredX87(in op, out X87Shape x87))
        {
            return x87.Family switch { X87Family.CompareToFlags => FlagUse.Overwrites, X87Family.Move => FlagUse.Other, _ => FlagUse.None };
        }

        if (!Shapes.TryGetValue((Code)op.Code, out Shape shape))
        {
            return Lowering.TouchesFlags((Code)op.Code) ? FlagUse.Other : FlagUse.None;
        }

        bool memory = HasMemory(in op);
        switch (shape.Family)
        {
            case Family.Alu:
                return shape.Operation is "Adc" or "Sbb" ? FlagUse.CarryIn : FlagUse.Overwrites;
            case Family.Unary:
                return shape.Operation switch { "Neg" => FlagUse.Overwrites, "Not" => FlagUse.None, _ => FlagUse.Steps };
            case Family.Shift:
                return CountOf(in op, shape) != 0 ? FlagUse.Overwrites : memory ? FlagUse.Other : FlagUse.None;
            case Family.DoubleShift when shape.Form != Form.Reg:
                return (op.Imm & 31) != 0 ? FlagUse.Overwrites : memory ? FlagUse.Other : FlagUse.None;
            case Family.Rotate when shape.Form != Form.Reg && CountOf(in op, shape) == 0:
                return memory ? FlagUse.Other : FlagUse.None;
            case Family.Rotate or Family.ShiftByCl or Family.DoubleShift:
                return FlagUse.Partial;
            case Family.RotateCarry when IsConstantRotateCarry(in op, shape):
                return FlagUse.CarryThrough;
            case Family.Multiply or Family.WidenMultiply or Family.ExchangeAdd or Family.CompareExchange:
                return FlagUse.Overwrites;
            case Family.Decimal when shape.Operation is "Aad" || (shape.Operation is "Aam" && (op.Imm & 0xFF) != 0):
                return FlagUse.Overwrites;
            case Family.BitTest when !(memory && shape.Form == Form.RmReg):
                return FlagUse.Carry;
            case Family.FlagMove when shape.Operation is "Clc" or "Stc":
                return FlagUse.Carry;
            case Family.BitScan or Family.CompareExchangeWide:
                return FlagUse.Zero;
            case Family.Move or Family.MoveZero or Family.MoveSign or Family.Lea or Family.Push or Family.Cdq or Family.Cwde or Family.Nop or Family.Leave
                or Family.Bswap or Family.Divide or Family.Exchange or Family.Direction or Family.PushAll or Family.PopAll or Family.ReadSegment or Family.Translate:
                return FlagUse.None;
            case Family.Pop or Family.LoadSegment:
                return FlagUse.None;
            case Family.String when shape.Operation is not ("Cmps" or "Scas"):
                return FlagUse.None;
            case Family.String when IsLoweredString(in op):
                return FlagUse.Overwrites;
            default:
                return FlagUse.Other;
        }
    }

    /// <summary>Whether a memory operand is only an address (LEA, NOP).</summary>
    public static bool IsAddressOnly(Code code) => Shapes.TryGetValue(code, out Shape shape) && shape.Family is Family.Lea or Family.Nop;

    /// <summary>Whether a memory operand, if the instruction has one, is written.</summary>
    public static bool WritesMemory(Code code) => X87Shape.TryGet(code, out X87Shape x87) ? x87.IsStore
        : SimdRows.TryGetValue(code, out SimdRow? row) ? row.IsStore
        : Shapes.TryGetValue(code, out Shape shape) && shape.Family switch
        {
            Family.Alu => shape.Form != Form.RegRm && shape.Operation is not ("Cmp" or "Test"),
            Family.Move => shape.Form != Form.RegRm,
            Family.BitTest => shape.Operation != "Bt",
            Family.Unary or Family.Pop or Family.ReadSegment or Family.Set or Family.Exchange or Family.Shift or Family.Rotate or Family.ShiftByCl or Family.RotateCarry
                or Family.DoubleShift or Family.ExchangeAdd or Family.CompareExchange or Family.CompareExchangeWide => true,
            _ => false,
        };

    /// <summary>Whether an instruction pushes or pops.</summary>
    public static bool UsesStack(Code code) => (Shapes.TryGetValue(code, out Shape shape) && shape.Family is (Family.Push or Family.Pop or Family.Leave
            or Family.PushAll or Family.PopAll or Family.PushFlags or Family.ReadSegment or Family.LoadSegment) && (shape.Family is not (Family.ReadSegment or Family.LoadSegment) || shape.Form == Form.Imm))
        || Branch.KindOf(code) is BranchKind.Call or BranchKind.IndirectCall or BranchKind.Return;

    /// <summary>Whether the region can never be left in front of an instruction: it touches neither memory nor the interpreter.</summary>
    public static bool IsPure(in Op op)
    {
        if (!Shapes.TryGetValue((Code)op.Code, out Shape shape))
        {
            return false;
        }

        bool memory = HasMemory(in op);
        return shape.Family switch
        {
            Family.Lea => true,
            Family.Alu or Family.Unary or Family.Move or Family.MoveZero or Family.MoveSign or Family.Cdq or Family.Cwde or Family.Nop or Family.Bswap or Family.Multiply
                or Family.WidenMultiply or Family.Exchange or Family.ExchangeAdd or Family.CompareExchange or Family.Set or Family.Cmov or Family.Shift
                or Family.ShiftByCl or Family.Rotate or Family.RotateCarry or Family.DoubleShift or Family.BitTest or Family.BitScan or Family.FlagMove
                or Family.Direction => !memory,
            Family.Decimal => shape.Operation != "Aam" || (op.Imm & 0xFF) != 0,
            _ => false,
        };
    }

    private static bool IsConstantRotateCarry(in Op op, Shape shape) => shape.Size == 4 && shape.Form != Form.Reg && CountOf(in op, shape) != 0;

    /// <summary>Condition of a SETcc or CMOVcc, else null.</summary>
    public static int? ConditionOf(in Op op) => Shapes.TryGetValue((Code)op.Code, out Shape shape) && shape.Family is Family.Set or Family.Cmov ? shape.Condition : null;

    private static Dictionary<Code, Shape> BuildShapes()
    {
        Dictionary<Code, Shape> shapes = [];
        foreach (Code code in Enum.GetValues<Code>())
        {
            string name = code.ToString();
            if (Shape.Parse(name) is { } shape)
            {
                shapes[code] = shape;
            }
        }

        return shapes;
    }

    /// <summary>What the name of an Iced code says of an instruction that has a lowering.</summary>
    private readonly record struct Shape(Family Family, string Operation, Form Form, int Size, int Source, int Condition)
    {
        public static Shape? Parse(string name)
        {
            string[] parts = name.Split('_');
            string mnemonic = parts[0];
            int size = parts.Length < 2 ? 4 : SizeOf(parts[1]);
            switch (mnemonic)
            {
                case "Add" or "Or" or "Adc" or "Sbb" or "And" or "Sub" or "Xor" or "Cmp" or "Test":
                    return size == 0 || parts.Length < 3 ? null : new Shape(Family.Alu, mnemonic, FormOf(parts), size, 0, 0);
                case "Inc" or "Dec" or "Neg" or "Not" when parts.Length == 2 && size != 0:
                    return new Shape(Family.Unary, mnemonic, Form.Rm, size, 0, 0);
                case "Shl" or "Sal" or "Shr" or "Sar" when parts.Length == 3 && size != 0 && parts[2] != "CL":
                    return new Shape(Family.Shift, mnemonic, parts[2] == "imm8" ? Form.RmImm : Form.Rm, size, 0, 0);
                case "Shl" or "Sal" or "Shr" or "Sar" when parts.Length == 3 && size != 0:
                    return new Shape(Family.ShiftByCl, mnemonic, Form.Rm, size, 0, 0);
                case "Rol" or "Ror" or "Rcl" or "Rcr" when parts.Length == 3 && size != 0:
                    return new Shape(mnemonic[1] == 'o' ? Family.Rotate : Family.RotateCarry, mnemonic, parts[2] switch { "imm8" => Form.RmImm, "CL" => Form.Reg, _ => Form.Rm }, size, 0, 0);
                case "Shld" or "Shrd" when size is 2 or 4:
                    return new Shape(Family.DoubleShift, mnemonic, parts[3] == "CL" ? Form.Reg : Form.RmReg, size, 0, 0);
                case "Div" or "Idiv" when size != 0:
                    return new Shape(Family.Divide, mnemonic, Form.Rm, size, 0, 0);
                case "Bt" or "Bts" or "Btr" or "Btc" when size is 2 or 4:
                    return new Shape(Family.BitTest, mnemonic, parts[2] == "imm8" ? Form.RmImm : Form.RmReg, size, 0, 0);
                case "Bsf" or "Bsr" when size is 2 or 4:
                    return new Shape(Family.BitScan, mnemonic, Form.RegRm, size, 0, 0);
                case "Xadd" or "Cmpxchg" when parts.Length == 3 && size != 0:
                    return new Shape(mnemonic == "Xadd" ? Family.ExchangeAdd : Family.CompareExchange, mnemonic, Form.RmReg, size, 0, 0);
                case "Cmpxchg8b":
                    return new Shape(Family.CompareExchangeWide, mnemonic, Form.Rm, 8, 0, 0);
                case "Clc" or "Stc" or "Cmc" or "Lahf" or "Sahf" or "Salc" when parts.Length == 1:
                    return new Shape(Family.FlagMove, mnemonic, Form.Reg, 1, 0, 0);
                case "Cld" or "Std" when parts.Length == 1:
                    return new Shape(Family.Direction, mnemonic, Form.Reg, 4, 0, 0);
                case "Daa" or "Das" or "Aaa" or "Aas" when parts.Length == 1:
                case "Aam" or "Aad" when parts.Length == 2:
                    return new Shape(Family.Decimal, mnemonic, Form.Reg, 1, 0, 0);
                case "Pushad" or "Popad" when parts.Length == 1:
                    return new Shape(mnemonic == "Pushad" ? Family.PushAll : Family.PopAll, mnemonic, Form.Reg, 4, 0, 0);
                case "Pushfd" when parts.Length == 1:
                    return new Shape(Family.PushFlags, mnemonic, Form.Reg, 4, 0, 0);
                case "Movsb" or "Movsw" or "Movsd" or "Stosb" or "Stosw" or "Stosd" or "Lodsb" or "Lodsw" or "Lodsd" or "Scasb" or "Scasw" or "Scasd" or "Cmpsb" or "Cmpsw" or "Cmpsd"
                    when parts.Length == 3 && !name.Contains("xmm", StringComparison.Ordinal):
                    return new Shape(Family.String, mnemonic[..4], Form.Reg, mnemonic[4] switch { 'b' => 1, 'w' => 2, _ => 4 }, 0, 0);
                case "Xlat":
                    return new Shape(Family.Translate, mnemonic, Form.Reg, 1, 0, 0);
                case "Mov" when parts.Length == 3 && size != 0 && IsGeneral(parts[1]) && IsGeneral(parts[2]):
                    return new Shape(Family.Move, mnemonic, FormOf(parts), size, 0, 0);
                case "Movzx" or "Movsx" when size is 2 or 4 && SizeOf(parts[2]) is 1 or 2:
                    return new Shape(mnemonic == "Movzx" ? Family.MoveZero : Family.MoveSign, mnemonic, Form.RegRm, size, SizeOf(parts[2]), 0);
                case "Lea" when size is 2 or 4:
                    return new Shape(Family.Lea, mnemonic, Form.RegRm, size, 0, 0);
                case "Push" when parts[1] is "r32" or "rm32" or "r16" or "rm16":
                    return new Shape(Family.Push, mnemonic, Form.Rm, size, 0, 0);
                case "Push" when parts[1] == "imm16":
                case "Pushw" when parts[1] == "imm8":
                    return new Shape(Family.Push, mnemonic, Form.Imm, 2, 0, 0);
                case "Pushd" when parts[1] is "imm32" or "imm8":
                    return new Shape(Family.Push, mnemonic, Form.Imm, 4, 0, 0);
                case "Pop" when parts[1] is "r32" or "r16" or "rm32" or "rm16":
                    return new Shape(Family.Pop, mnemonic, Form.Reg, size, 0, 0);
                case "Popw" or "Popd" when parts.Length == 2 && IsSegment(parts[1]):
                    return new Shape(Family.LoadSegment, mnemonic, Form.Imm, mnemonic == "Popw" ? 2 : 4, 0, 0);
                case "Mov" when parts.Length == 3 && parts[1] == "Sreg" && parts[2] is "rm16" or "r32m16":
                    return new Shape(Family.LoadSegment, mnemonic, Form.RegRm, 2, 0, 0);
                case "Les" or "Lds" or "Lfs" or "Lgs" when parts.Length == 3:
                    return new Shape(Family.LoadSegment, mnemonic, Form.Rm, parts[1] == "r16" ? 2 : 4, 0, 0);
                case "Pushw" or "Pushd" when IsSegment(parts[1]):
                    return new Shape(Family.ReadSegment, mnemonic, Form.Imm, mnemonic == "Pushw" ? 2 : 4, 0, 0);
                case "Mov" when parts.Length == 3 && parts[2] == "Sreg" && parts[1] is "rm16" or "r32m16":
                    return new Shape(Family.ReadSegment, mnemonic, Form.RmReg, parts[1] == "rm16" ? 2 : 4, 0, 0);
                case "Imul" when parts[1] is "r32" or "r16":
                    return new Shape(Family.Multiply, mnemonic, parts.Length == 3 ? Form.RegRm : Form.RmImm, size, 0, 0);
                case "Imul" or "Mul" when parts.Length == 2 && size != 0:
                    return new Shape(Family.WidenMultiply, mnemonic, Form.Rm, size, 0, 0);
                case "Xchg" when size != 0:
                    return new Shape(Family.Exchange, mnemonic, Form.RmReg, size, 0, 0);
                case "Cdq" or "Cwd" when parts.Length == 1:
                    return new Shape(Family.Cdq, mnemonic, Form.Reg, mnemonic == "Cdq" ? 4 : 2, 0, 0);
                case "Cwde" or "Cbw" when parts.Length == 1:
                    return new Shape(Family.Cwde, mnemonic, Form.Reg, mnemonic == "Cwde" ? 4 : 2, mnemonic == "Cwde" ? 2 : 1, 0);
                case "Leaved" or "Leavew" when parts.Length == 1:
                    return new Shape(Family.Leave, mnemonic, Form.Reg, mnemonic == "Leaved" ? 4 : 2, 0, 0);
                case "Nopd" or "Nopw" when parts.Length == 1:
                    return new Shape(Family.Nop, mnemonic, Form.Reg, 4, 0, 0);
                case "Reservednop" when parts.Length == 4 && parts[1] is "rm32" or "rm16":
                case "Nop" when parts[1] is "rm32" or "rm16":
                    return new Shape(Family.Nop, mnemonic, Form.Reg, 4, 0, 0);
                case "Bswap" when parts[1] == "r32":
                    return new Shape(Family.Bswap, mnemonic, Form.Reg, 4, 0, 0);
                default:
                    break;
            }

            if (mnemonic.StartsWith("Set", StringComparison.Ordinal) && parts.Length == 2 && parts[1] == "rm8")
            {
                return new Shape(Family.Set, mnemonic, Form.Rm, 1, 0, ConditionNumber(mnemonic[3..]));
            }

            if (mnemonic.StartsWith("Cmov", StringComparison.Ordinal) && size is 2 or 4)
            {
                return new Shape(Family.Cmov, mnemonic, Form.RegRm, size, 0, ConditionNumber(mnemonic[4..]));
            }

            return null;
        }

        private static bool IsSegment(string part) => part is "ES" or "CS" or "SS" or "DS" or "FS" or "GS";

        private static bool IsGeneral(string part) => part is "rm8" or "rm16" or "rm32" or "r8" or "r16" or "r32" or "imm8" or "imm16" or "imm32"
            or "AL" or "AX" or "EAX" or "moffs8" or "moffs16" or "moffs32";

        private static int SizeOf(string part) => part switch
        {
            "rm8" or "r8" or "AL" or "moffs8" => 1,
            "rm16" or "r16" or "AX" or "moffs16" => 2,
            "rm32" or "r32" or "EAX" or "moffs32" => 4,
            _ => 0,
        };

        private static Form FormOf(string[] parts) => parts[2].StartsWith("imm", StringComparison.Ordinal)
            ? Form.RmImm
            : parts[1].StartsWith("rm", StringComparison.Ordinal) || parts[1].StartsWith("moffs", StringComparison.Ordinal) ? Form.RmReg : Form.RegRm;

        private static int ConditionNumber(string name) => Array.IndexOf(["o", "no", "b", "ae", "e", "ne", "be", "a", "s", "ns", "p", "np", "l", "ge", "le", "g"], name);
    }
}
