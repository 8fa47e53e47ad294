using System.Numerics;
using Emulator.Core.Cpu;
using Emulator.Core.Decoding;

namespace Emulator.Core.Interpreter;

/// <summary>Moves, extensions, exchanges, LEA and conditional moves.</summary>
internal static unsafe class MoveHandlers
{
    public static int RegReg<T>(CpuState* s, Op* op)
        where T : unmanaged
    {
        CpuState.Register<T>(s, op->R0) = CpuState.Register<T>(s, op->R1);
        return op[1].Handler(s, op + 1);
    }

    public static int RegMem<T, TA>(CpuState* s, Op* op)
        where T : unmanaged
        where TA : struct, IAddressing
    {
        T* p = Access.Read<T, TA>(s, op);
        if (p == null)
        {
            return Faults.At(s, op);
        }

        CpuState.Register<T>(s, op->R0) = *p;
        return op[1].Handler(s, op + 1);
    }

    public static int MemReg<T, TA>(CpuState* s, Op* op)
        where T : unmanaged
        where TA : struct, IAddressing
    {
        if (!Access.Write<T, TA>(s, op, CpuState.Register<T>(s, op->R1)))
        {
            return Faults.At(s, op);
        }

        return op[1].Handler(s, op + 1);
    }

    public static int RegImm<T>(CpuState* s, Op* op)
        where T : unmanaged
    {
        CpuState.Register<T>(s, op->R0) = *(T*)&op->Imm;
        return op[1].Handler(s, op + 1);
    }

    public static int MemImm<T, TA>(CpuState* s, Op* op)
        where T : unmanaged
        where TA : struct, IAddressing
    {
        if (!Access.Write<T, TA>(s, op, *(T*)&op->Imm))
        {
            return Faults.At(s, op);
        }

        return op[1].Handler(s, op + 1);
    }

    public static int ExtendReg<TTo, TFrom>(CpuState* s, Op* op)
        where TTo : unmanaged, IBinaryInteger<TTo>
        where TFrom : unmanaged, IBinaryInteger<TFrom>
    {
        CpuState.Register<TTo>(s, op->R0) = TTo.CreateTruncating(CpuState.Register<TFrom>(s, op->R1));
        return op[1].Handler(s, op + 1);
    }

    public static int ExtendMem<TTo, TFrom, TA>(CpuState* s, Op* op)
        where TTo : unmanaged, IBinaryInteger<TTo>
        where TFrom : unmanaged, IBinaryInteger<TFrom>
        where TA : struct, IAddressing
    {
        TFrom* p = Access.Read<TFrom, TA>(s, op);
        if (p == null)
        {
            return Faults.At(s, op);
        }

        CpuState.Register<TTo>(s, op->R0) = TTo.CreateTruncating(*p);
        return op[1].Handler(s, op + 1);
    }

    public static int Lea<T, TA>(CpuState* s, Op* op)
        where T : unmanaged, IBinaryInteger<T>
        where TA : struct, IAddressing
    {
        CpuState.Register<T>(s, op->R0) = T.CreateTruncating(Access.Offset<TA>(s, op));
        return op[1].Handler(s, op + 1);
    }

    public static int ExchangeReg<T>(CpuState* s, Op* op)
        where T : unmanaged
    {
        T a = CpuState.Register<T>(s, op->R0);
        CpuState.Register<T>(s, op->R0) = CpuState.Register<T>(s, op->R1);
        CpuState.Register<T>(s, op->R1) = a;
        return op[1].Handler(s, op + 1);
    }

    public static int ExchangeMem<T, TA>(CpuState* s, Op* op)
        where T : unmanaged
        where TA : struct, IAddressing
    {
        T* p = Access.Modify<T, TA>(s, op);
        if (p == null)
        {
            return Faults.At(s, op);
        }

        T a = *p;
        *p = CpuState.Register<T>(s, op->R1);
        CpuState.Register<T>(s, op->R1) = a;
        Access.Commit(s, op, p);
        return op[1].Handler(s, op + 1);
    }

    public static int CmovReg<TC, T>(CpuState* s, Op* op)
        where TC : struct, ICondition
        where T : unmanaged
    {
        if (TC.Test(s))
        {
            CpuState.Register<T>(s, op->R0) = CpuState.Register<T>(s, op->R1);
        }

        return op[1].Handler(s, op + 1);
    }

    public static int CmovMem<TC, T, TA>(CpuState* s, Op* op)
        where TC : struct, ICondition
        where T : unmanaged
        where TA : struct, IAddressing
    {
        T* p = Access.Read<T, TA>(s, op);
        if (p == null)
        {
            return Faults.At(s, op);
        }

        if (TC.Test(s))
        {
            CpuState.Register<T>(s, op->R0) = *p;
        }

        return op[1].Handler(s, op + 1);
    }

    public static int SetReg<TC>(CpuState* s, Op* op)
        where TC : struct, ICondition
    {
        CpuState.Register<byte>(s, op->R0) = TC.Test(s) ? (byte)1 : (byte)0;
        return op[1].Handler(s, op + 1);
    }

    public static int SetMem<TC, TA>(CpuState* s, Op* op)
        where TC : struct, ICondition
        where TA : struct, IAddressing
    {
        if (!Access.Write<byte, TA>(s, op, TC.Test(s) ? (byte)1 : (byte)0))
        {
            return Faults.At(s, op);
        }

        return op[1].Handler(s, op + 1);
    }

    public static int Nop(CpuState* s, Op* op) => op[1].Handler(s, op + 1);

    public static int Xlat<TA>(CpuState* s, Op* op)
        where TA : struct, IAddressing
    {
        uint offset = CpuState.R32(s, 3) + CpuState.Register<byte>(s, 0);
        offset = (op->Flags & OpFlags.Address16) != 0 ? offset & 0xFFFF : offset;
        byte* p = Access.ReadAt<byte, TA>(s, op, op->Segment, offset);
        if (p == null)
        {
            return Faults.At(s, op);
        }

        CpuState.Register<byte>(s, 0) = *p;
        return op[1].Handler(s, op + 1);
    }

    public static int Bswap32(CpuState* s, Op* op)
    {
        ref uint r = ref CpuState.Register<uint>(s, op->R0);
        r = System.Buffers.Binary.BinaryPrimitives.ReverseEndianness(r);
        return op[1].Handler(s, op + 1);
    }

    /// <summary>BSWAP with a 16-bit operand is undefined; current CPUs clear the register.</summary>
    public static int Bswap16(CpuState* s, Op* op)
    {
        CpuState.Register<ushort>(s, op->R0) = 0;
        return op[1].Handler(s, op + 1);
    }

    public static int Cbw(CpuState* s, Op* op)
    {
        CpuState.Register<ushort>(s, 0) = (ushort)(sbyte)CpuState.Register<byte>(s, 0);
        return op[1].Handler(s, op + 1);
    }

    public static int Cwde(CpuState* s, Op* op)
    {
        CpuState.R32(s, 0) = (uint)(short)CpuState.Register<ushort>(s, 0);
        return op[1].Handler(s, op + 1);
    }

    public static int Cwd(CpuState* s, Op* op)
    {
        CpuState.Register<ushort>(s, CpuState.RegisterOffset(2)) = (ushort)((short)CpuState.Register<ushort>(s, 0) >> 15);
        return op[1].Handler(s, op + 1);
    }

    public static int Cdq(CpuState* s, Op* op)
    {
        CpuState.R32(s, 2) = (uint)((int)CpuState.R32(s, 0) >> 31);
        return op[1].Handler(s, op + 1);
    }
}
