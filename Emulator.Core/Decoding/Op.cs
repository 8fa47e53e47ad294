using System.Runtime.InteropServices;
using Emulator.Core.Cpu;

namespace Emulator.Core.Decoding;

/// <summary>
/// One decoded instruction, 32 bytes. Registers are named by byte offset into <see cref="CpuState"/> for general registers, by number for
/// all others (segment, control, debug, x87 stack index, MMX, XMM). R0, R1, R2 are Iced's operands 0, 1, 2 where these are registers;
/// at most one operand is memory: Segment:[Base + Index &lt;&lt; Scale + Disp].
/// </summary>
[StructLayout(LayoutKind.Sequential, Size = 32)]
public unsafe struct Op
{
    /// <summary>The interpreter's handler: (state, this op) to <see cref="ExecStatus"/>.</summary>
    public delegate*<CpuState*, Op*, int> Handler;

    /// <summary>Immediate, sign- or zero-extended to 32 bits as the instruction does; for near branches the target minus the block's EIP.</summary>
    public uint Imm;

    /// <summary>Displacement of the memory operand.</summary>
    public uint Disp;

    /// <summary>Register of operand 0.</summary>
    public byte R0;

    /// <summary>Register of operand 1.</summary>
    public byte R1;

    /// <summary>Register of operand 2.</summary>
    public byte R2;

    /// <summary>Base register's offset, or <see cref="CpuState.ZeroOffset"/>.</summary>
    public byte Base;

    /// <summary>Index register's offset, or <see cref="CpuState.ZeroOffset"/>.</summary>
    public byte Index;

    /// <summary>Shift of the index, 0 to 3.</summary>
    public byte Scale;

    /// <summary>Segment of the memory operand, overrides applied; <see cref="SegmentIndex"/>.</summary>
    public byte Segment;

    /// <summary>Length in bytes, 1 to 15.</summary>
    public byte Length;

    /// <summary>This instruction's EIP minus the block's.</summary>
    public ushort EipOffset;

    /// <summary>Iced's <see cref="Iced.Intel.Code"/>.</summary>
    public ushort Code;

    /// <summary>Second immediate: selector of a far pointer, ENTER's nesting level; for x87 instructions the 11 opcode bits that FOP records.</summary>
    public ushort Imm2;

    /// <summary>Prefixes and sizes.</summary>
    public OpFlags Flags;

    /// <summary>Index of this instruction in its block, 0 first.</summary>
    public byte Position;
}

/// <summary>Prefixes and sizes of a decoded instruction.</summary>
[Flags]
public enum OpFlags : byte
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>LOCK prefix (valid on this instruction).</summary>
    Lock = 1,

    /// <summary>REP or REPE prefix (F3).</summary>
    Rep = 2,

    /// <summary>REPNE prefix (F2).</summary>
    Repne = 4,

    /// <summary>The address size is 16 bits.</summary>
    Address16 = 8,

    /// <summary>The operand size is 16 bits (66h prefix and code size applied).</summary>
    Operand16 = 16,

    /// <summary>The memory operand (or stack) cannot take the flat path.</summary>
    General = 32,

    /// <summary>It has a memory operand.</summary>
    Memory = 64,
}
