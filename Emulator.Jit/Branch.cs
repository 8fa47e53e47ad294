using Iced.Intel;

namespace Emulator.Jit;

/// <summary>How a block ends.</summary>
internal enum BranchKind
{
    /// <summary>Not a branch: falls through.</summary>
    None,
    Conditional,

    /// <summary>LOOP, LOOPE, LOOPNE, JCXZ and JECXZ: conditional on a counter.</summary>
    Loop,
    Jump,
    Call,
    Return,
    IndirectJump,
    IndirectCall,

    /// <summary>A string instruction: falls through when all its iterations are done.</summary>
    String,

    /// <summary>
    /// An instruction that falls through but may change what the code around it depends on (mode, translations, interrupts, devices): its
    /// handler is called, and the region goes on when nothing of that changed.
    /// </summary>
    System,

    /// <summary>
    /// Calls, jumps and returns to another code segment, software interrupts, SYSENTER and SYSEXIT: their handler is called, and what they
    /// lead to is looked up.
    /// </summary>
    Far,

    /// <summary>Anything else that ends a block: left to the interpreter.</summary>
    Other,
}

/// <summary>Classifies block ends.</summary>
internal static class Branch
{
    private static readonly sbyte[] Conditions = BuildConditions();

    /// <summary>Branches whose name says that the operand size is 16 bits: with 8-bit distances, and Jcc.</summary>
    private static readonly bool[] Short16 = BuildShort16();

    /// <summary>How an instruction ends its block.</summary>
    /// <param name="code">Iced's code.</param>
    public static BranchKind KindOf(Code code)
    {
        if (ConditionOf(code) >= 0)
        {
            return BranchKind.Conditional;
        }

        return code switch
        {
            >= Code.Loopne_rel8_16_CX and <= Code.Jrcxz_rel8_64 => BranchKind.Loop,
            Code.Jmp_rel8_32 or Code.Jmp_rel32_32 or Code.Jmp_rel8_16 or Code.Jmp_rel16 => BranchKind.Jump,
            Code.Call_rel32_32 or Code.Call_rel16 => BranchKind.Call,
            Code.Retnd or Code.Retnd_imm16 or Code.Retnw or Code.Retnw_imm16 => BranchKind.Return,
            Code.Jmp_rm32 or Code.Jmp_rm16 => BranchKind.IndirectJump,
            Code.Call_rm32 or Code.Call_rm16 => BranchKind.IndirectCall,
            Code.Movsb_m8_m8 or Code.Movsw_m16_m16 or Code.Movsd_m32_m32 or Code.Stosb_m8_AL or Code.Stosw_m16_AX or Code.Stosd_m32_EAX
                or Code.Lodsb_AL_m8 or Code.Lodsw_AX_m16 or Code.Lodsd_EAX_m32 or Code.Scasb_AL_m8 or Code.Scasw_AX_m16 or Code.Scasd_EAX_m32
                or Code.Cmpsb_m8_m8 or Code.Cmpsw_m16_m16 or Code.Cmpsd_m32_m32 => BranchKind.String,
            Code.Int_imm8 or Code.Int3 or Code.Into or Code.Iretw or Code.Iretd or Code.Retfw or Code.Retfw_imm16 or Code.Retfd or Code.Retfd_imm16
                or Code.Call_ptr1616 or Code.Call_ptr1632 or Code.Jmp_ptr1616 or Code.Jmp_ptr1632 or Code.Call_m1616 or Code.Call_m1632 or Code.Jmp_m1616 or Code.Jmp_m1632
                or Code.Sysenter or Code.Sysexitd => BranchKind.Far,
            _ => !Lowering.EndsBlock(code) ? BranchKind.None : Lowering.IsPresent(code) && code.FlowControl() == FlowControl.Next ? BranchKind.System : BranchKind.Other,
        };
    }

    /// <summary>Operand size of a near branch in bytes: with 2, EIP is cut to 16 bits.</summary>
    /// <param name="code">Iced's code.</param>
    public static int SizeOf(Code code) => code is Code.Jmp_rel16 or Code.Call_rel16 or Code.Retnw or Code.Retnw_imm16 or Code.Jmp_rm16 or Code.Call_rm16 || Short16[(int)code] ? 2 : 4;

    /// <summary>Whether a <see cref="BranchKind.Loop"/> looks at ZF, too.</summary>
    /// <param name="code">Iced's code.</param>
    public static bool LooksAtZero(Code code) => code is Code.Loope_rel8_16_CX or Code.Loope_rel8_32_CX or Code.Loope_rel8_16_ECX or Code.Loope_rel8_32_ECX
        or Code.Loopne_rel8_16_CX or Code.Loopne_rel8_32_CX or Code.Loopne_rel8_16_ECX or Code.Loopne_rel8_32_ECX;

    /// <summary>Whether a block ends with a branch that looks at the flags.</summary>
    /// <param name="code">Iced's code.</param>
    public static bool LooksAtFlags(Code code) => ConditionOf(code) >= 0 || LooksAtZero(code);

    /// <summary>Condition number 0 to 15 (as in the opcode) of a Jcc, else -1.</summary>
    /// <param name="code">Iced's code.</param>
    public static int ConditionOf(Code code) => Conditions[(int)code];

    /// <summary>Opcode number of a condition.</summary>
    /// <param name="condition">Iced's condition.</param>
    public static int Number(ConditionCode condition) => condition switch
    {
        ConditionCode.o => 0,
        ConditionCode.no => 1,
        ConditionCode.b => 2,
        ConditionCode.ae => 3,
        ConditionCode.e => 4,
        ConditionCode.ne => 5,
        ConditionCode.be => 6,
        ConditionCode.a => 7,
        ConditionCode.s => 8,
        ConditionCode.ns => 9,
        ConditionCode.p => 10,
        ConditionCode.np => 11,
        ConditionCode.l => 12,
        ConditionCode.ge => 13,
        ConditionCode.le => 14,
        _ => 15,
    };

    private static sbyte[] BuildConditions()
    {
        sbyte[] table = new sbyte[Lowering.CodeCount];
        table.AsSpan().Fill(-1);
        foreach (Code code in Enum.GetValues<Code>())
        {
            if ((code.IsJccShort() || code.IsJccNear()) && !code.ToString().EndsWith("_64", StringComparison.Ordinal))
            {
                table[(int)code] = (sbyte)Number(code.ConditionCode());
            }
        }

        return table;
    }

    private static bool[] BuildShort16()
    {
        bool[] table = new bool[Lowering.CodeCount];
        foreach (Code code in Enum.GetValues<Code>())
        {
            string name = code.ToString();
            table[(int)code] = name.Contains("_rel8_16", StringComparison.Ordinal) || (code.IsJccNear() && name.EndsWith("_rel16", StringComparison.Ordinal));
        }

        return table;
    }
}
