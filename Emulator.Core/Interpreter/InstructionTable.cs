using Emulator.Core.Cpu;
using Emulator.Core.Decoding;
using Iced.Intel;

namespace Emulator.Core.Interpreter;

/// <summary>What engines must know of an instruction besides its handler.</summary>
[Flags]
public enum InstructionTraits : ushort
{
    /// <summary>Nothing special: falls through to the next instruction; may fault only by its memory operand.</summary>
    None = 0,

    /// <summary>Ends a block: a branch, or it may change the mode, mapping, interrupt flag or time, or touches ports.</summary>
    EndsBlock = 1,

    /// <summary>Uses the stack: the flat handler needs a flat 32-bit SS too.</summary>
    Stack = 2,

    /// <summary>A near branch: the flat handler needs flat 32-bit code too.</summary>
    NearBranch = 4,

    /// <summary>May fault although it has no memory operand.</summary>
    Faults = 8,

    /// <summary>An x87 instruction whose opcode FOP records; the decoder puts it into <see cref="Op.Imm2"/>.</summary>
    X87 = 16,
}

/// <summary>One row: how an instruction executes.</summary>
internal unsafe struct InstructionRow
{
    /// <summary>Handler of the form without memory operand and stack use.</summary>
    public delegate*<CpuState*, Op*, int> Register;

    /// <summary>Handler of the form with memory operand or stack, all flat (<see cref="Flat"/>).</summary>
    public delegate*<CpuState*, Op*, int> Flat;

    /// <summary>Handler of the form with memory operand or stack, any segment and address size (<see cref="General"/>).</summary>
    public delegate*<CpuState*, Op*, int> General;

    /// <summary>Traits.</summary>
    public InstructionTraits Traits;

    /// <summary>CPU features without which it raises #UD.</summary>
    public CpuFeatures Needs;

    /// <summary>Whether the row was filled.</summary>
    public readonly bool IsPresent => Register != null || Flat != null;
}

/// <summary>
/// One row for each Iced <see cref="Code"/> that the models here execute. Families fill their rows in a <c>Register</c> method of their
/// own; codes without a row raise #UD (a test lists them).
/// </summary>
internal sealed unsafe partial class InstructionTable
{
    /// <summary>Number of codes that Iced 1.22 knows, rounded up.</summary>
    private const int CodeCount = 5120;

    private readonly InstructionRow[] _rows = new InstructionRow[CodeCount];

    private InstructionTable()
    {
        IntegerTable.Register(this);
        SystemTable.Register(this);
        X87Table.Register(this);
        SimdTable.Register(this);
    }

    /// <summary>The table.</summary>
    public static InstructionTable Instance { get; } = new();

    /// <summary>The row of a code.</summary>
    /// <param name="code">Iced's code.</param>
    public ref InstructionRow this[Code code] => ref _rows[(int)code];

    /// <summary>Adds an instruction without memory operand.</summary>
    public void Add(Code code, delegate*<CpuState*, Op*, int> register, InstructionTraits traits = InstructionTraits.None, CpuFeatures needs = CpuFeatures.None) =>
        Set(code, register, null, null, traits, needs);

    /// <summary>Adds an instruction that always has a memory operand or uses the stack.</summary>
    public void AddMemory(Code code, delegate*<CpuState*, Op*, int> flat, delegate*<CpuState*, Op*, int> general, InstructionTraits traits = InstructionTraits.None, CpuFeatures needs = CpuFeatures.None) =>
        Set(code, null, flat, general, traits, needs);

    /// <summary>Adds an instruction whose r/m operand is a register or memory.</summary>
    public void Add(Code code, delegate*<CpuState*, Op*, int> register, delegate*<CpuState*, Op*, int> flat, delegate*<CpuState*, Op*, int> general, InstructionTraits traits = InstructionTraits.None, CpuFeatures needs = CpuFeatures.None) =>
        Set(code, register, flat, general, traits, needs);

    private void Set(Code code, delegate*<CpuState*, Op*, int> register, delegate*<CpuState*, Op*, int> flat, delegate*<CpuState*, Op*, int> general, InstructionTraits traits, CpuFeatures needs)
    {
        ref InstructionRow row = ref _rows[(int)code];
        if (row.IsPresent)
        {
            throw new InvalidOperationException($"two rows for {code}");
        }

        row = new InstructionRow { Register = register, Flat = flat, General = general, Traits = traits, Needs = needs };
    }
}
