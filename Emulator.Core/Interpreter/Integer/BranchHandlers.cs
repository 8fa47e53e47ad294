using System.Runtime.CompilerServices;
using Emulator.Core.Cpu;
using Emulator.Core.Decoding;

namespace Emulator.Core.Interpreter;

/// <summary>
/// Near branches. <see cref="Flat"/> variants are for 32-bit operand size in a flat code segment; <see cref="General"/> ones check the target
/// against the limit of CS and cut it to 16 bits where the operand size asks so.
/// </summary>
internal static unsafe class BranchHandlers
{
    public static int Jmp<TA, TSize>(CpuState* s, Op* op)
        where TA : struct, IAddressing
        where TSize : unmanaged => Go<TA, TSize>(s, op, s->BlockEip + op->Imm);

    public static int Jcc<TC, TA, TSize>(CpuState* s, Op* op)
        where TC : struct, ICondition
        where TA : struct, IAddressing
        where TSize : unmanaged => TC.Test(s) ? Go<TA, TSize>(s, op, s->BlockEip + op->Imm) : Fall(s, op);

    public static int Call<TA, TSize>(CpuState* s, Op* op)
        where TA : struct, IAddressing
        where TSize : unmanaged => CallTo<TA, TSize>(s, op, s->BlockEip + op->Imm);

    public static int CallReg<TSize>(CpuState* s, Op* op)
        where TSize : unmanaged
    {
        uint target = sizeof(TSize) == 2 ? CpuState.Register<ushort>(s, op->R0) : CpuState.Register<uint>(s, op->R0);
        TargetProfile.Note(s, target);
        return (s->ModeKey & (ModeKey.FlatCs | ModeKey.FlatSs | ModeKey.Code32)) == (ModeKey.FlatCs | ModeKey.FlatSs | ModeKey.Code32)
            ? CallTo<Flat, TSize>(s, op, target)
            : CallTo<General, TSize>(s, op, target);
    }

    public static int CallMem<TA, TSize>(CpuState* s, Op* op)
        where TA : struct, IAddressing
        where TSize : unmanaged
    {
        TSize* p = Access.Read<TSize, TA>(s, op);
        if (p == null)
        {
            return Faults.At(s, op);
        }

        uint target = sizeof(TSize) == 2 ? *(ushort*)p : *(uint*)p;
        TargetProfile.Note(s, target);
        return CallTo<TA, TSize>(s, op, target);
    }

    public static int JmpReg<TSize>(CpuState* s, Op* op)
        where TSize : unmanaged
    {
        uint target = sizeof(TSize) == 2 ? CpuState.Register<ushort>(s, op->R0) : CpuState.Register<uint>(s, op->R0);
        TargetProfile.Note(s, target);
        return Go<General, TSize>(s, op, target);
    }

    public static int JmpMem<TA, TSize>(CpuState* s, Op* op)
        where TA : struct, IAddressing
        where TSize : unmanaged
    {
        TSize* p = Access.Read<TSize, TA>(s, op);
        if (p == null)
        {
            return Faults.At(s, op);
        }

        uint target = sizeof(TSize) == 2 ? *(ushort*)p : *(uint*)p;
        TargetProfile.Note(s, target);
        return Go<TA, TSize>(s, op, target);
    }

    public static int Ret<TA, TSize>(CpuState* s, Op* op)
        where TA : struct, IAddressing
        where TSize : unmanaged
    {
        TSize* p = StackAccess.Top<TSize, TA>(s, op);
        if (p == null)
        {
            return Faults.At(s, op);
        }

        uint target = sizeof(TSize) == 2 ? *(ushort*)p : *(uint*)p;
        if (!TA.IsFlat && !WithinLimit(s, target))
        {
            return Faults.At(s, op);
        }

        StackAccess.Release<TA>(s, (uint)sizeof(TSize) + op->Imm);
        TargetProfile.Note(s, target);
        s->Eip = target;
        return ExecStatus.Next;
    }

    /// <summary>LOOP: counts CX or ECX by its width.</summary>
    public static int Loop<TCount, TA, TSize>(CpuState* s, Op* op)
        where TCount : unmanaged
        where TA : struct, IAddressing
        where TSize : unmanaged => LoopWhile<TCount, TA, TSize>(s, op, condition: true);

    public static int Loope<TCount, TA, TSize>(CpuState* s, Op* op)
        where TCount : unmanaged
        where TA : struct, IAddressing
        where TSize : unmanaged => LoopWhile<TCount, TA, TSize>(s, op, LazyFlags.ZF(s));

    public static int Loopne<TCount, TA, TSize>(CpuState* s, Op* op)
        where TCount : unmanaged
        where TA : struct, IAddressing
        where TSize : unmanaged => LoopWhile<TCount, TA, TSize>(s, op, !LazyFlags.ZF(s));

    public static int Jcxz<TCount, TA, TSize>(CpuState* s, Op* op)
        where TCount : unmanaged
        where TA : struct, IAddressing
        where TSize : unmanaged =>
        (sizeof(TCount) == 2 ? CpuState.R32(s, 1) & 0xFFFF : CpuState.R32(s, 1)) == 0 ? Go<TA, TSize>(s, op, s->BlockEip + op->Imm) : Fall(s, op);

    /// <summary>EIP behind an instruction: all 32 bits count on, also in 16-bit code (measured: vectors seg16).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint NextEip(CpuState* s, Op* op) => s->BlockEip + op->EipOffset + op->Length;

    /// <summary>Ends a block behind an instruction.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Fall(CpuState* s, Op* op)
    {
        s->Eip = NextEip(s, op);
        return ExecStatus.Next;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int Go<TA, TSize>(CpuState* s, Op* op, uint target)
        where TA : struct, IAddressing
        where TSize : unmanaged
    {
        if (sizeof(TSize) == 2)
        {
            target &= 0xFFFF;
        }

        if (!TA.IsFlat && !WithinLimit(s, target))
        {
            return Faults.At(s, op);
        }

        s->Eip = target;
        return ExecStatus.Next;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int CallTo<TA, TSize>(CpuState* s, Op* op, uint target)
        where TA : struct, IAddressing
        where TSize : unmanaged
    {
        if (sizeof(TSize) == 2)
        {
            target &= 0xFFFF;
        }

        if (!TA.IsFlat && !WithinLimit(s, target))
        {
            return Faults.At(s, op);
        }

        uint next = NextEip(s, op);
        bool pushed = sizeof(TSize) == 2 ? StackAccess.Push<ushort, TA>(s, op, (ushort)next) : StackAccess.Push<uint, TA>(s, op, next);
        if (!pushed)
        {
            return Faults.At(s, op);
        }

        s->Eip = target;
        return ExecStatus.Next;
    }

    private static int LoopWhile<TCount, TA, TSize>(CpuState* s, Op* op, bool condition)
        where TCount : unmanaged
        where TA : struct, IAddressing
        where TSize : unmanaged
    {
        uint count = sizeof(TCount) == 2 ? (CpuState.R32(s, 1) - 1) & 0xFFFF : CpuState.R32(s, 1) - 1;
        int status = count != 0 && condition ? Go<TA, TSize>(s, op, s->BlockEip + op->Imm) : Fall(s, op);
        if (status == ExecStatus.Next)
        {
            if (sizeof(TCount) == 2)
            {
                CpuState.Register<ushort>(s, CpuState.RegisterOffset(1)) = (ushort)count;
            }
            else
            {
                CpuState.R32(s, 1) = count;
            }
        }

        return status;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool WithinLimit(CpuState* s, uint target) =>
        target <= CpuState.Segment(s, SegmentIndex.Cs)->High || Faults.Record(s, ExceptionVector.GeneralProtection, 0);
}
