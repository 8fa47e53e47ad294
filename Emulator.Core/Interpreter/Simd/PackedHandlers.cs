using System.Runtime.Intrinsics;
using Emulator.Core.Cpu;
using Emulator.Core.Decoding;
using Emulator.Core.Semantics.Simd;

namespace Emulator.Core.Interpreter.Simd;

/// <summary>Packed integer and logical instructions, shuffles, masks.</summary>
internal static unsafe class PackedHandlers
{
    // ---- destination op= source ----

    public static int Xmm<TOperation>(CpuState* s, Op* op)
        where TOperation : struct, IXmmOperation
    {
        if (!SimdState.CanUseSse(s))
        {
            return Faults.At(s, op);
        }

        Vector128<byte>* d = SimdState.Xmm(s, op->R0);
        *d = TOperation.Apply(*d, *SimdState.Xmm(s, op->R1));
        return op[1].Handler(s, op + 1);
    }

    public static int XmmMemory<TOperation, TA>(CpuState* s, Op* op)
        where TOperation : struct, IXmmOperation
        where TA : struct, IAddressing
    {
        if (!SimdState.CanUseSse(s))
        {
            return Faults.At(s, op);
        }

        Vector128<byte>* b = SimdState.ReadAligned<TA>(s, op);
        if (b == null)
        {
            return Faults.At(s, op);
        }

        Vector128<byte>* d = SimdState.Xmm(s, op->R0);
        *d = TOperation.Apply(*d, *b);
        return op[1].Handler(s, op + 1);
    }

    public static int Mmx<TOperation>(CpuState* s, Op* op)
        where TOperation : struct, IMmxOperation
    {
        if (!SimdState.CanUseMmx(s))
        {
            return SimdState.Fail(s, op);
        }

        ulong r = TOperation.Apply(SimdState.Mmx(s, op->R0)->Significand, SimdState.Mmx(s, op->R1)->Significand);
        SimdState.EnterMmx(s);
        SimdState.SetMmx(s, op->R0, r);
        return op[1].Handler(s, op + 1);
    }

    public static int MmxMemory<TOperation, TA>(CpuState* s, Op* op)
        where TOperation : struct, IMmxOperation
        where TA : struct, IAddressing
    {
        if (!SimdState.CanUseMmx(s))
        {
            return SimdState.Fail(s, op);
        }

        ulong* b = Access.Read<ulong, TA>(s, op);
        if (b == null)
        {
            return SimdState.Fail(s, op);
        }

        ulong r = TOperation.Apply(SimdState.Mmx(s, op->R0)->Significand, *b);
        SimdState.EnterMmx(s);
        SimdState.SetMmx(s, op->R0, r);
        return op[1].Handler(s, op + 1);
    }

    /// <summary>PUNPCKLxx mm, m32: the memory operand has four bytes.</summary>
    public static int MmxMemory32<TOperation, TA>(CpuState* s, Op* op)
        where TOperation : struct, IMmxOperation
        where TA : struct, IAddressing
    {
        if (!SimdState.CanUseMmx(s))
        {
            return SimdState.Fail(s, op);
        }

        uint* b = Access.Read<uint, TA>(s, op);
        if (b == null)
        {
            return SimdState.Fail(s, op);
        }

        ulong r = TOperation.Apply(SimdState.Mmx(s, op->R0)->Significand, *b);
        SimdState.EnterMmx(s);
        SimdState.SetMmx(s, op->R0, r);
        return op[1].Handler(s, op + 1);
    }

    // ---- shifts ----

    public static int XmmShift<TOperation>(CpuState* s, Op* op)
        where TOperation : struct, IShiftOperation
    {
        if (!SimdState.CanUseSse(s))
        {
            return Faults.At(s, op);
        }

        Vector128<byte>* d = SimdState.Xmm(s, op->R0);
        *d = TOperation.Apply(*d, *(ulong*)SimdState.Xmm(s, op->R1));
        return op[1].Handler(s, op + 1);
    }

    public static int XmmShiftMemory<TOperation, TA>(CpuState* s, Op* op)
        where TOperation : struct, IShiftOperation
        where TA : struct, IAddressing
    {
        if (!SimdState.CanUseSse(s))
        {
            return Faults.At(s, op);
        }

        Vector128<byte>* b = SimdState.ReadAligned<TA>(s, op);
        if (b == null)
        {
            return Faults.At(s, op);
        }

        Vector128<byte>* d = SimdState.Xmm(s, op->R0);
        *d = TOperation.Apply(*d, *(ulong*)b);
        return op[1].Handler(s, op + 1);
    }

    public static int XmmShiftImmediate<TOperation>(CpuState* s, Op* op)
        where TOperation : struct, IShiftOperation
    {
        if (!SimdState.CanUseSse(s))
        {
            return Faults.At(s, op);
        }

        Vector128<byte>* d = SimdState.Xmm(s, op->R0);
        *d = TOperation.Apply(*d, (byte)op->Imm);
        return op[1].Handler(s, op + 1);
    }

    public static int MmxShift<TOperation>(CpuState* s, Op* op)
        where TOperation : struct, IShiftOperation
    {
        if (!SimdState.CanUseMmx(s))
        {
            return SimdState.Fail(s, op);
        }

        ShiftMmx<TOperation>(s, op->R0, SimdState.Mmx(s, op->R1)->Significand);
        return op[1].Handler(s, op + 1);
    }

    public static int MmxShiftMemory<TOperation, TA>(CpuState* s, Op* op)
        where TOperation : struct, IShiftOperation
        where TA : struct, IAddressing
    {
        if (!SimdState.CanUseMmx(s))
        {
            return SimdState.Fail(s, op);
        }

        ulong* b = Access.Read<ulong, TA>(s, op);
        if (b == null)
        {
            return SimdState.Fail(s, op);
        }

        ShiftMmx<TOperation>(s, op->R0, *b);
        return op[1].Handler(s, op + 1);
    }

    public static int MmxShiftImmediate<TOperation>(CpuState* s, Op* op)
        where TOperation : struct, IShiftOperation
    {
        if (!SimdState.CanUseMmx(s))
        {
            return SimdState.Fail(s, op);
        }

        ShiftMmx<TOperation>(s, op->R0, (byte)op->Imm);
        return op[1].Handler(s, op + 1);
    }

    // ---- shuffles with an immediate ----

    public static int XmmShuffle<TOperation>(CpuState* s, Op* op)
        where TOperation : struct, IShuffleOperation
    {
        if (!SimdState.CanUseSse(s))
        {
            return Faults.At(s, op);
        }

        Vector128<byte>* d = SimdState.Xmm(s, op->R0);
        *d = TOperation.Apply(*d, *SimdState.Xmm(s, op->R1), (int)op->Imm);
        return op[1].Handler(s, op + 1);
    }

    public static int XmmShuffleMemory<TOperation, TA>(CpuState* s, Op* op)
        where TOperation : struct, IShuffleOperation
        where TA : struct, IAddressing
    {
        if (!SimdState.CanUseSse(s))
        {
            return Faults.At(s, op);
        }

        Vector128<byte>* b = SimdState.ReadAligned<TA>(s, op);
        if (b == null)
        {
            return Faults.At(s, op);
        }

        Vector128<byte>* d = SimdState.Xmm(s, op->R0);
        *d = TOperation.Apply(*d, *b, (int)op->Imm);
        return op[1].Handler(s, op + 1);
    }

    public static int Pshufw(CpuState* s, Op* op)
    {
        if (!SimdState.CanUseMmx(s))
        {
            return SimdState.Fail(s, op);
        }

        ulong r = PackedShuffle.Pshufw(SimdState.Mmx(s, op->R1)->Significand, (int)op->Imm);
        SimdState.EnterMmx(s);
        SimdState.SetMmx(s, op->R0, r);
        return op[1].Handler(s, op + 1);
    }

    public static int PshufwMemory<TA>(CpuState* s, Op* op)
        where TA : struct, IAddressing
    {
        if (!SimdState.CanUseMmx(s))
        {
            return SimdState.Fail(s, op);
        }

        ulong* b = Access.Read<ulong, TA>(s, op);
        if (b == null)
        {
            return SimdState.Fail(s, op);
        }

        ulong r = PackedShuffle.Pshufw(*b, (int)op->Imm);
        SimdState.EnterMmx(s);
        SimdState.SetMmx(s, op->R0, r);
        return op[1].Handler(s, op + 1);
    }

    // ---- words and masks to and from general registers ----

    public static int PextrwXmm(CpuState* s, Op* op)
    {
        if (!SimdState.CanUseSse(s))
        {
            return Faults.At(s, op);
        }

        CpuState.Register<uint>(s, op->R0) = PackedShuffle.Pextrw(*SimdState.Xmm(s, op->R1), (int)op->Imm);
        return op[1].Handler(s, op + 1);
    }

    public static int PextrwMmx(CpuState* s, Op* op)
    {
        if (!SimdState.CanUseMmx(s))
        {
            return SimdState.Fail(s, op);
        }

        SimdState.EnterMmx(s);
        CpuState.Register<uint>(s, op->R0) = PackedShuffle.PextrwMmx(SimdState.Mmx(s, op->R1)->Significand, (int)op->Imm);
        return op[1].Handler(s, op + 1);
    }

    public static int PinsrwXmm(CpuState* s, Op* op)
    {
        if (!SimdState.CanUseSse(s))
        {
            return Faults.At(s, op);
        }

        Vector128<byte>* d = SimdState.Xmm(s, op->R0);
        *d = PackedShuffle.Pinsrw(*d, CpuState.Register<ushort>(s, op->R1), (int)op->Imm);
        return op[1].Handler(s, op + 1);
    }

    public static int PinsrwXmmMemory<TA>(CpuState* s, Op* op)
        where TA : struct, IAddressing
    {
        if (!SimdState.CanUseSse(s))
        {
            return Faults.At(s, op);
        }

        ushort* b = Access.Read<ushort, TA>(s, op);
        if (b == null)
        {
            return Faults.At(s, op);
        }

        Vector128<byte>* d = SimdState.Xmm(s, op->R0);
        *d = PackedShuffle.Pinsrw(*d, *b, (int)op->Imm);
        return op[1].Handler(s, op + 1);
    }

    public static int PinsrwMmx(CpuState* s, Op* op)
    {
        if (!SimdState.CanUseMmx(s))
        {
            return SimdState.Fail(s, op);
        }

        InsertMmx(s, op, CpuState.Register<ushort>(s, op->R1));
        return op[1].Handler(s, op + 1);
    }

    public static int PinsrwMmxMemory<TA>(CpuState* s, Op* op)
        where TA : struct, IAddressing
    {
        if (!SimdState.CanUseMmx(s))
        {
            return SimdState.Fail(s, op);
        }

        ushort* b = Access.Read<ushort, TA>(s, op);
        if (b == null)
        {
            return SimdState.Fail(s, op);
        }

        InsertMmx(s, op, *b);
        return op[1].Handler(s, op + 1);
    }

    public static int PmovmskbXmm(CpuState* s, Op* op)
    {
        if (!SimdState.CanUseSse(s))
        {
            return Faults.At(s, op);
        }

        CpuState.Register<uint>(s, op->R0) = PackedShuffle.Pmovmskb(*SimdState.Xmm(s, op->R1));
        return op[1].Handler(s, op + 1);
    }

    public static int PmovmskbMmx(CpuState* s, Op* op)
    {
        if (!SimdState.CanUseMmx(s))
        {
            return SimdState.Fail(s, op);
        }

        SimdState.EnterMmx(s);
        CpuState.Register<uint>(s, op->R0) = PackedShuffle.Pmovmskb(PackedInteger.FromMmx(SimdState.Mmx(s, op->R1)->Significand));
        return op[1].Handler(s, op + 1);
    }

    public static int Movmskps(CpuState* s, Op* op)
    {
        if (!SimdState.CanUseSse(s))
        {
            return Faults.At(s, op);
        }

        CpuState.Register<uint>(s, op->R0) = PackedShuffle.Movmskps(*SimdState.Xmm(s, op->R1));
        return op[1].Handler(s, op + 1);
    }

    public static int Movmskpd(CpuState* s, Op* op)
    {
        if (!SimdState.CanUseSse(s))
        {
            return Faults.At(s, op);
        }

        CpuState.Register<uint>(s, op->R0) = PackedShuffle.Movmskpd(*SimdState.Xmm(s, op->R1));
        return op[1].Handler(s, op + 1);
    }

    private static void ShiftMmx<TOperation>(CpuState* s, int register, ulong count)
        where TOperation : struct, IShiftOperation
    {
        ulong a = SimdState.Mmx(s, register)->Significand;
        SimdState.EnterMmx(s);
        SimdState.SetMmx(s, register, PackedInteger.ToMmx(TOperation.Apply(PackedInteger.FromMmx(a), count)));
    }

    private static void InsertMmx(CpuState* s, Op* op, ushort value)
    {
        ulong a = SimdState.Mmx(s, op->R0)->Significand;
        SimdState.EnterMmx(s);
        SimdState.SetMmx(s, op->R0, PackedShuffle.PinsrwMmx(a, value, (int)op->Imm));
    }
}
