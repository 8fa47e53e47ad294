using System.Runtime.CompilerServices;
using Emulator.Core.Cpu;
using Emulator.Core.Decoding;

namespace Emulator.Core.Interpreter;

/// <summary>What the handlers of system instructions share.</summary>
internal static unsafe class SystemHandler
{
    /// <summary>EIP behind an instruction.</summary>
    public static uint NextEip(CpuState* s, Op* op) => s->BlockEip + op->EipOffset + op->Length;

    /// <summary>Ends the block behind an instruction.</summary>
    public static int EndBlock(CpuState* s, Op* op)
    {
        s->Eip = NextEip(s, op);
        return ExecStatus.Next;
    }

    /// <summary>Ends the block behind an instruction that succeeded, or with its recorded fault.</summary>
    public static int EndBlock(CpuState* s, Op* op, bool done) => done ? EndBlock(s, op) : Faults.At(s, op);

    /// <summary>Ends the block after a far transfer.</summary>
    public static int Transferred(CpuState* s, Op* op, TransferResult result)
    {
        switch (result)
        {
            case TransferResult.Done:
                return ExecStatus.Next;
            case TransferResult.Fault:
                return Faults.At(s, op);
            default:
                return ExecStatus.Fault;
        }
    }

    /// <summary>#GP(0) unless at privilege level 0 (in real mode always there); false with it recorded.</summary>
    public static bool CheckPrivilege(CpuState* s) => s->Cpl == 0 || Faults.Record(s, ExceptionVector.GeneralProtection, 0);

    /// <summary>#UD in real and virtual-8086 mode; false with it recorded.</summary>
    public static bool CheckProtected(CpuState* s) => !CpuMode.HasRealSegments(s) || Faults.Record(s, ExceptionVector.InvalidOpcode);

    /// <summary>Reads the memory operand of an instruction; false with the fault recorded.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static bool ReadMemory<T>(CpuState* s, Op* op, out T value)
        where T : unmanaged
    {
        T* p = Access.Read<T, General>(s, op);
        value = p == null ? default : *p;
        return p != null;
    }

    /// <summary>Reads at a distance from the memory operand; false with the fault recorded.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static bool ReadMemory<T>(CpuState* s, Op* op, uint distance, out T value)
        where T : unmanaged
    {
        uint offset = Access.Offset<General>(s, op) + distance;
        if ((op->Flags & OpFlags.Address16) != 0)
        {
            offset &= 0xFFFF;
        }

        T* p = Access.ReadAt<T, General>(s, op, op->Segment, offset);
        value = p == null ? default : *p;
        return p != null;
    }
}
