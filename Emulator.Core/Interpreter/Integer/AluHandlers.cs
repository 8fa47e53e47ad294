using System.Numerics;
using Emulator.Core.Cpu;
using Emulator.Core.Decoding;

namespace Emulator.Core.Interpreter;

/// <summary>ALU instructions: one body for each operand form, generic over operation, width and addressing.</summary>
internal static unsafe class AluHandlers
{
    public static int RegReg<TOp, T>(CpuState* s, Op* op)
        where TOp : struct, IBinaryOperation
        where T : unmanaged, IBinaryInteger<T>
    {
        T r = TOp.Apply(s, CpuState.Register<T>(s, op->R0), CpuState.Register<T>(s, op->R1));
        if (TOp.Writes)
        {
            CpuState.Register<T>(s, op->R0) = r;
        }

        return op[1].Handler(s, op + 1);
    }

    public static int RegMem<TOp, T, TA>(CpuState* s, Op* op)
        where TOp : struct, IBinaryOperation
        where T : unmanaged, IBinaryInteger<T>
        where TA : struct, IAddressing
    {
        T* p = Access.Read<T, TA>(s, op);
        if (p == null)
        {
            return Faults.At(s, op);
        }

        T r = TOp.Apply(s, CpuState.Register<T>(s, op->R0), *p);
        if (TOp.Writes)
        {
            CpuState.Register<T>(s, op->R0) = r;
        }

        return op[1].Handler(s, op + 1);
    }

    public static int MemReg<TOp, T, TA>(CpuState* s, Op* op)
        where TOp : struct, IBinaryOperation
        where T : unmanaged, IBinaryInteger<T>
        where TA : struct, IAddressing
    {
        T* p = TOp.Writes ? Access.Modify<T, TA>(s, op) : Access.Read<T, TA>(s, op);
        if (p == null)
        {
            return Faults.At(s, op);
        }

        T r = TOp.Apply(s, *p, CpuState.Register<T>(s, op->R1));
        if (TOp.Writes)
        {
            *p = r;
            Access.Commit(s, op, p);
        }

        return op[1].Handler(s, op + 1);
    }

    public static int RegImm<TOp, T>(CpuState* s, Op* op)
        where TOp : struct, IBinaryOperation
        where T : unmanaged, IBinaryInteger<T>
    {
        T r = TOp.Apply(s, CpuState.Register<T>(s, op->R0), T.CreateTruncating(op->Imm));
        if (TOp.Writes)
        {
            CpuState.Register<T>(s, op->R0) = r;
        }

        return op[1].Handler(s, op + 1);
    }

    public static int MemImm<TOp, T, TA>(CpuState* s, Op* op)
        where TOp : struct, IBinaryOperation
        where T : unmanaged, IBinaryInteger<T>
        where TA : struct, IAddressing
    {
        T* p = TOp.Writes ? Access.Modify<T, TA>(s, op) : Access.Read<T, TA>(s, op);
        if (p == null)
        {
            return Faults.At(s, op);
        }

        T r = TOp.Apply(s, *p, T.CreateTruncating(op->Imm));
        if (TOp.Writes)
        {
            *p = r;
            Access.Commit(s, op, p);
        }

        return op[1].Handler(s, op + 1);
    }

    public static int Reg<TOp, T>(CpuState* s, Op* op)
        where TOp : struct, IUnaryOperation
        where T : unmanaged, IBinaryInteger<T>
    {
        CpuState.Register<T>(s, op->R0) = TOp.Apply(s, CpuState.Register<T>(s, op->R0));
        return op[1].Handler(s, op + 1);
    }

    public static int Mem<TOp, T, TA>(CpuState* s, Op* op)
        where TOp : struct, IUnaryOperation
        where T : unmanaged, IBinaryInteger<T>
        where TA : struct, IAddressing
    {
        T* p = Access.Modify<T, TA>(s, op);
        if (p == null)
        {
            return Faults.At(s, op);
        }

        *p = TOp.Apply(s, *p);
        Access.Commit(s, op, p);
        return op[1].Handler(s, op + 1);
    }

    public static int ShiftRegImm<TOp, T>(CpuState* s, Op* op)
        where TOp : struct, IShiftOperation
        where T : unmanaged, IBinaryInteger<T>
    {
        int count = (int)op->Imm & 31;
        if (count != 0)
        {
            CpuState.Register<T>(s, op->R0) = TOp.Apply(s, CpuState.Register<T>(s, op->R0), count);
        }

        return op[1].Handler(s, op + 1);
    }

    public static int ShiftRegCl<TOp, T>(CpuState* s, Op* op)
        where TOp : struct, IShiftOperation
        where T : unmanaged, IBinaryInteger<T>
    {
        int count = (int)CpuState.R32(s, 1) & 31;
        if (count != 0)
        {
            CpuState.Register<T>(s, op->R0) = TOp.Apply(s, CpuState.Register<T>(s, op->R0), count);
        }

        return op[1].Handler(s, op + 1);
    }

    public static int ShiftReg1<TOp, T>(CpuState* s, Op* op)
        where TOp : struct, IShiftOperation
        where T : unmanaged, IBinaryInteger<T>
    {
        CpuState.Register<T>(s, op->R0) = TOp.Apply(s, CpuState.Register<T>(s, op->R0), 1);
        return op[1].Handler(s, op + 1);
    }

    public static int ShiftMemImm<TOp, T, TA>(CpuState* s, Op* op)
        where TOp : struct, IShiftOperation
        where T : unmanaged, IBinaryInteger<T>
        where TA : struct, IAddressing => ShiftMem<TOp, T, TA>(s, op, (int)op->Imm & 31);

    public static int ShiftMemCl<TOp, T, TA>(CpuState* s, Op* op)
        where TOp : struct, IShiftOperation
        where T : unmanaged, IBinaryInteger<T>
        where TA : struct, IAddressing => ShiftMem<TOp, T, TA>(s, op, (int)CpuState.R32(s, 1) & 31);

    public static int ShiftMem1<TOp, T, TA>(CpuState* s, Op* op)
        where TOp : struct, IShiftOperation
        where T : unmanaged, IBinaryInteger<T>
        where TA : struct, IAddressing => ShiftMem<TOp, T, TA>(s, op, 1);

    private static int ShiftMem<TOp, T, TA>(CpuState* s, Op* op, int count)
        where TOp : struct, IShiftOperation
        where T : unmanaged, IBinaryInteger<T>
        where TA : struct, IAddressing
    {
        T* p = Access.Modify<T, TA>(s, op);
        if (p == null)
        {
            return Faults.At(s, op);
        }

        if (count != 0)
        {
            *p = TOp.Apply(s, *p, count);
        }

        Access.Commit(s, op, p);
        return op[1].Handler(s, op + 1);
    }
}
