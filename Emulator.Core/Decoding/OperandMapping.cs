using Emulator.Core.Cpu;
using Iced.Intel;

namespace Emulator.Core.Decoding;

/// <summary>Translates Iced's operands into the fields of an <see cref="Op"/>.</summary>
internal static unsafe class OperandMapping
{
    /// <summary>Byte offset of a general register; number of any other.</summary>
    /// <param name="register">Iced's register.</param>
    public static byte Number(Register register) => register switch
    {
        >= Register.AL and <= Register.BL => CpuState.RegisterOffset(register - Register.AL),
        >= Register.AH and <= Register.BH => (byte)(CpuState.RegisterOffset(register - Register.AH) + 1),
        >= Register.AX and <= Register.R15W => CpuState.RegisterOffset(register - Register.AX),
        >= Register.EAX and <= Register.R15D => CpuState.RegisterOffset(register - Register.EAX),
        >= Register.ES and <= Register.GS => (byte)(register - Register.ES),
        >= Register.CR0 and <= Register.CR15 => (byte)(register - Register.CR0),
        >= Register.DR0 and <= Register.DR15 => (byte)(register - Register.DR0),
        >= Register.ST0 and <= Register.ST7 => (byte)(register - Register.ST0),
        >= Register.MM0 and <= Register.MM7 => (byte)(register - Register.MM0),
        >= Register.XMM0 and <= Register.XMM31 => (byte)(register - Register.XMM0),
        >= Register.TR0 and <= Register.TR7 => (byte)(register - Register.TR0),
        _ => CpuState.ZeroOffset,
    };

    /// <summary>Fills the memory operand.</summary>
    /// <param name="instruction">Iced's instruction.</param>
    /// <param name="kind">Kind of the operand.</param>
    /// <param name="key">Mode key.</param>
    /// <param name="op">The op.</param>
    /// <returns>Whether the flat path may be used.</returns>
    public static bool SetMemory(in Instruction instruction, OpKind kind, uint key, Op* op)
    {
        bool address16;
        if (kind == OpKind.Memory)
        {
            Register b = instruction.MemoryBase;
            Register index = instruction.MemoryIndex;
            address16 = b != Register.None ? b is >= Register.AX and <= Register.R15W : index == Register.None && instruction.MemoryDisplSize == 2;
            op->Base = Number(b);
            op->Index = index == Register.AL ? CpuState.ZeroOffset : Number(index);
            op->Scale = (byte)(instruction.MemoryIndexScale switch { 2 => 1, 4 => 2, 8 => 3, _ => 0 });
            op->Disp = instruction.MemoryDisplacement32;
            op->Segment = Number(instruction.MemorySegment);
        }
        else
        {
            address16 = kind is OpKind.MemorySegSI or OpKind.MemorySegDI or OpKind.MemoryESDI;
            if (kind is not (OpKind.MemoryESDI or OpKind.MemoryESEDI))
            {
                op->Segment = Number(instruction.MemorySegment);
            }
        }

        op->Flags |= address16 ? OpFlags.Address16 : 0;
        int segment = kind is OpKind.MemoryESDI or OpKind.MemoryESEDI ? SegmentIndex.Es : op->Segment;
        return !address16 && IsFlat(segment, key);
    }

    /// <summary>Fills an immediate or branch operand.</summary>
    /// <param name="instruction">Iced's instruction.</param>
    /// <param name="kind">Kind of the operand.</param>
    /// <param name="op">The op.</param>
    public static void SetImmediate(in Instruction instruction, OpKind kind, Op* op)
    {
        switch (kind)
        {
            case OpKind.Immediate8:
                op->Imm = instruction.Immediate8;
                break;
            case OpKind.Immediate8_2nd:
                op->Imm2 = instruction.Immediate8_2nd;
                break;
            case OpKind.Immediate16:
                op->Imm = instruction.Immediate16;
                break;
            case OpKind.Immediate32:
                op->Imm = instruction.Immediate32;
                break;
            case OpKind.Immediate8to16:
                op->Imm = (uint)instruction.Immediate8to16;
                break;
            case OpKind.Immediate8to32:
                op->Imm = (uint)instruction.Immediate8to32;
                break;
            case OpKind.NearBranch16:
                op->Imm = instruction.NearBranch16;
                break;
            case OpKind.NearBranch32:
                op->Imm = instruction.NearBranch32;
                break;
            case OpKind.FarBranch16:
                op->Imm = instruction.FarBranch16;
                op->Imm2 = instruction.FarBranchSelector;
                break;
            case OpKind.FarBranch32:
                op->Imm = instruction.FarBranch32;
                op->Imm2 = instruction.FarBranchSelector;
                break;
            default:
                break;
        }
    }

    private static bool IsFlat(int segment, uint key) => segment switch
    {
        SegmentIndex.Ds => (key & ModeKey.FlatDs) != 0,
        SegmentIndex.Es => (key & ModeKey.FlatEs) != 0,
        SegmentIndex.Ss => (key & ModeKey.FlatSs) != 0,
        _ => false,
    };
}
