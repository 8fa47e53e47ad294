using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Emulator.Core.Cpu;
using Emulator.Core.Decoding;
using Emulator.Core.Memory;
using Emulator.Core.Semantics.Simd;

namespace Emulator.Core.Interpreter.Simd;

/// <summary>Moves between MMX and XMM registers, general registers and memory.</summary>
internal static unsafe class MoveHandlers
{
    private const int Edi = 7;

    // ---- whole XMM registers ----

    public static int Xmm(CpuState* s, Op* op)
    {
        if (!SimdState.CanUseSse(s))
        {
            return Faults.At(s, op);
        }

        *SimdState.Xmm(s, op->R0) = *SimdState.Xmm(s, op->R1);
        return op[1].Handler(s, op + 1);
    }

    public static int LoadAligned<TA>(CpuState* s, Op* op)
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

        *SimdState.Xmm(s, op->R0) = *b;
        return op[1].Handler(s, op + 1);
    }

    public static int LoadUnaligned<TA>(CpuState* s, Op* op)
        where TA : struct, IAddressing
    {
        if (!SimdState.CanUseSse(s))
        {
            return Faults.At(s, op);
        }

        Vector128<byte>* b = Access.Read<Vector128<byte>, TA>(s, op);
        if (b == null)
        {
            return Faults.At(s, op);
        }

        *SimdState.Xmm(s, op->R0) = *b;
        return op[1].Handler(s, op + 1);
    }

    public static int StoreAligned<TA>(CpuState* s, Op* op)
        where TA : struct, IAddressing
    {
        if (!SimdState.CanUseSse(s) || !SimdState.WriteAligned<TA>(s, op, *SimdState.Xmm(s, op->R1)))
        {
            return Faults.At(s, op);
        }

        return op[1].Handler(s, op + 1);
    }

    public static int StoreUnaligned<TA>(CpuState* s, Op* op)
        where TA : struct, IAddressing
    {
        if (!SimdState.CanUseSse(s) || !Access.Write<Vector128<byte>, TA>(s, op, *SimdState.Xmm(s, op->R1)))
        {
            return Faults.At(s, op);
        }

        return op[1].Handler(s, op + 1);
    }

    // ---- parts of XMM registers ----

    /// <summary>MOVSS, MOVSD between registers: the low lane only.</summary>
    public static int LowLane<T>(CpuState* s, Op* op)
        where T : unmanaged
    {
        if (!SimdState.CanUseSse(s))
        {
            return Faults.At(s, op);
        }

        *(T*)SimdState.Xmm(s, op->R0) = *(T*)SimdState.Xmm(s, op->R1);
        return op[1].Handler(s, op + 1);
    }

    /// <summary>MOVSS, MOVSD, MOVQ, MOVD from memory: the rest of the register becomes zero.</summary>
    public static int LoadZeroExtended<T, TA>(CpuState* s, Op* op)
        where T : unmanaged
        where TA : struct, IAddressing
    {
        if (!SimdState.CanUseSse(s))
        {
            return Faults.At(s, op);
        }

        T* b = Access.Read<T, TA>(s, op);
        if (b == null)
        {
            return Faults.At(s, op);
        }

        T value = *b;
        Vector128<byte>* d = SimdState.Xmm(s, op->R0);
        *d = Vector128<byte>.Zero;
        *(T*)d = value;
        return op[1].Handler(s, op + 1);
    }

    /// <summary>Stores the low lane.</summary>
    public static int StoreLow<T, TA>(CpuState* s, Op* op)
        where T : unmanaged
        where TA : struct, IAddressing
    {
        if (!SimdState.CanUseSse(s) || !Access.Write<T, TA>(s, op, *(T*)SimdState.Xmm(s, op->R1)))
        {
            return Faults.At(s, op);
        }

        return op[1].Handler(s, op + 1);
    }

    /// <summary>MOVLPS, MOVLPD from memory: the high half stays.</summary>
    public static int LoadLowHalf<TA>(CpuState* s, Op* op)
        where TA : struct, IAddressing
    {
        if (!SimdState.CanUseSse(s))
        {
            return Faults.At(s, op);
        }

        ulong* b = Access.Read<ulong, TA>(s, op);
        if (b == null)
        {
            return Faults.At(s, op);
        }

        *(ulong*)SimdState.Xmm(s, op->R0) = *b;
        return op[1].Handler(s, op + 1);
    }

    /// <summary>MOVHPS, MOVHPD from memory: the low half stays.</summary>
    public static int LoadHighHalf<TA>(CpuState* s, Op* op)
        where TA : struct, IAddressing
    {
        if (!SimdState.CanUseSse(s))
        {
            return Faults.At(s, op);
        }

        ulong* b = Access.Read<ulong, TA>(s, op);
        if (b == null)
        {
            return Faults.At(s, op);
        }

        ((ulong*)SimdState.Xmm(s, op->R0))[1] = *b;
        return op[1].Handler(s, op + 1);
    }

    /// <summary>MOVHPS, MOVHPD to memory.</summary>
    public static int StoreHighHalf<TA>(CpuState* s, Op* op)
        where TA : struct, IAddressing
    {
        if (!SimdState.CanUseSse(s) || !Access.Write<ulong, TA>(s, op, ((ulong*)SimdState.Xmm(s, op->R1))[1]))
        {
            return Faults.At(s, op);
        }

        return op[1].Handler(s, op + 1);
    }

    /// <summary>MOVHLPS: the low half from the source's high half.</summary>
    public static int Movhlps(CpuState* s, Op* op)
    {
        if (!SimdState.CanUseSse(s))
        {
            return Faults.At(s, op);
        }

        *(ulong*)SimdState.Xmm(s, op->R0) = ((ulong*)SimdState.Xmm(s, op->R1))[1];
        return op[1].Handler(s, op + 1);
    }

    /// <summary>MOVLHPS: the high half from the source's low half.</summary>
    public static int Movlhps(CpuState* s, Op* op)
    {
        if (!SimdState.CanUseSse(s))
        {
            return Faults.At(s, op);
        }

        ((ulong*)SimdState.Xmm(s, op->R0))[1] = *(ulong*)SimdState.Xmm(s, op->R1);
        return op[1].Handler(s, op + 1);
    }

    /// <summary>MOVQ between XMM registers; the destination is operand 0 of both encodings.</summary>
    public static int MovqXmm(CpuState* s, Op* op)
    {
        if (!SimdState.CanUseSse(s))
        {
            return Faults.At(s, op);
        }

        *SimdState.Xmm(s, op->R0) = PackedInteger.FromMmx(*(ulong*)SimdState.Xmm(s, op->R1));
        return op[1].Handler(s, op + 1);
    }

    // ---- general registers ----

    public static int MovdXmmRegister(CpuState* s, Op* op)
    {
        if (!SimdState.CanUseSse(s))
        {
            return Faults.At(s, op);
        }

        *SimdState.Xmm(s, op->R0) = PackedInteger.FromMmx(CpuState.Register<uint>(s, op->R1));
        return op[1].Handler(s, op + 1);
    }

    public static int MovdRegisterXmm(CpuState* s, Op* op)
    {
        if (!SimdState.CanUseSse(s))
        {
            return Faults.At(s, op);
        }

        CpuState.Register<uint>(s, op->R0) = *(uint*)SimdState.Xmm(s, op->R1);
        return op[1].Handler(s, op + 1);
    }

    public static int MovdMmxRegister(CpuState* s, Op* op)
    {
        if (!SimdState.CanUseMmx(s))
        {
            return SimdState.Fail(s, op);
        }

        SimdState.EnterMmx(s);
        SimdState.SetMmx(s, op->R0, CpuState.Register<uint>(s, op->R1));
        return op[1].Handler(s, op + 1);
    }

    public static int MovdRegisterMmx(CpuState* s, Op* op)
    {
        if (!SimdState.CanUseMmx(s))
        {
            return SimdState.Fail(s, op);
        }

        SimdState.EnterMmx(s);
        CpuState.Register<uint>(s, op->R0) = (uint)SimdState.Mmx(s, op->R1)->Significand;
        return op[1].Handler(s, op + 1);
    }

    /// <summary>MOVNTI; neither an MMX nor an SSE instruction as far as CR0 and CR4 go.</summary>
    public static int Movnti<TA>(CpuState* s, Op* op)
        where TA : struct, IAddressing
    {
        if (!Access.Write<uint, TA>(s, op, CpuState.Register<uint>(s, op->R1)))
        {
            return Faults.At(s, op);
        }

        return op[1].Handler(s, op + 1);
    }

    // ---- MMX registers ----

    public static int Mmx(CpuState* s, Op* op)
    {
        if (!SimdState.CanUseMmx(s))
        {
            return SimdState.Fail(s, op);
        }

        SimdState.EnterMmx(s);
        SimdState.SetMmx(s, op->R0, SimdState.Mmx(s, op->R1)->Significand);
        return op[1].Handler(s, op + 1);
    }

    /// <summary>MOVD and MOVQ from memory.</summary>
    public static int LoadMmx32<TA>(CpuState* s, Op* op)
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

        SimdState.EnterMmx(s);
        SimdState.SetMmx(s, op->R0, *b);
        return op[1].Handler(s, op + 1);
    }

    public static int LoadMmx64<TA>(CpuState* s, Op* op)
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

        SimdState.EnterMmx(s);
        SimdState.SetMmx(s, op->R0, *b);
        return op[1].Handler(s, op + 1);
    }

    public static int StoreMmx32<TA>(CpuState* s, Op* op)
        where TA : struct, IAddressing
    {
        if (!SimdState.CanUseMmx(s) || !Access.Write<uint, TA>(s, op, (uint)SimdState.Mmx(s, op->R1)->Significand))
        {
            return SimdState.Fail(s, op);
        }

        SimdState.EnterMmx(s);
        return op[1].Handler(s, op + 1);
    }

    public static int StoreMmx64<TA>(CpuState* s, Op* op)
        where TA : struct, IAddressing
    {
        if (!SimdState.CanUseMmx(s) || !Access.Write<ulong, TA>(s, op, SimdState.Mmx(s, op->R1)->Significand))
        {
            return SimdState.Fail(s, op);
        }

        SimdState.EnterMmx(s);
        return op[1].Handler(s, op + 1);
    }

    public static int Movq2dq(CpuState* s, Op* op)
    {
        if (!SimdState.CanUseSse(s) || !SimdState.CanUseMmx(s))
        {
            return SimdState.Fail(s, op);
        }

        SimdState.EnterMmx(s);
        *SimdState.Xmm(s, op->R0) = PackedInteger.FromMmx(SimdState.Mmx(s, op->R1)->Significand);
        return op[1].Handler(s, op + 1);
    }

    public static int Movdq2q(CpuState* s, Op* op)
    {
        if (!SimdState.CanUseSse(s) || !SimdState.CanUseMmx(s))
        {
            return SimdState.Fail(s, op);
        }

        SimdState.EnterMmx(s);
        SimdState.SetMmx(s, op->R0, *(ulong*)SimdState.Xmm(s, op->R1));
        return op[1].Handler(s, op + 1);
    }

    // ---- masked stores at DS:[E]DI ----

    public static int Maskmovq<TA>(CpuState* s, Op* op)
        where TA : struct, IAddressing
    {
        if (!SimdState.CanUseMmx(s) ||
            !StoreMasked<TA>(s, op, (byte*)SimdState.Mmx(s, op->R1), (byte*)SimdState.Mmx(s, op->R2), sizeof(ulong)))
        {
            return SimdState.Fail(s, op);
        }

        SimdState.EnterMmx(s);
        return op[1].Handler(s, op + 1);
    }

    public static int Maskmovdqu<TA>(CpuState* s, Op* op)
        where TA : struct, IAddressing
    {
        if (!SimdState.CanUseSse(s) ||
            !StoreMasked<TA>(s, op, (byte*)SimdState.Xmm(s, op->R1), (byte*)SimdState.Xmm(s, op->R2), sizeof(Vector128<byte>)))
        {
            return Faults.At(s, op);
        }

        return op[1].Handler(s, op + 1);
    }

    /// <summary>Stores the bytes whose mask byte has its sign bit set; the checks are of the whole operand.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool StoreMasked<TA>(CpuState* s, Op* op, byte* value, byte* mask, int size)
        where TA : struct, IAddressing
    {
        uint offset = CpuState.R32(s, Edi);
        if ((op->Flags & OpFlags.Address16) != 0)
        {
            offset &= 0xFFFF;
        }

        if (!Access.CheckWrite(s, op->Segment, offset, (uint)size, out uint linear))
        {
            return false;
        }

        // Measured (sse32 vectors): with alignment checking on, the operand counts as one of its whole size.
        bool checkAlignment = s->Cpl == 3 && (s->Cr0 & Cr0.AM) != 0 && (s->EflagsRest & Eflags.AC) != 0;
        if (checkAlignment && (linear & (uint)(size - 1)) != 0)
        {
            return Faults.Record(s, ExceptionVector.AlignmentCheck, 0);
        }

        if (!Mmu.CheckWrite(s, linear, size, s->Cpl == 3))
        {
            return false;
        }

        for (int i = 0; i < size; i++)
        {
            if ((mask[i] & 0x80) != 0 && !Access.WriteAt<byte, TA>(s, op, op->Segment, offset + (uint)i, value[i]))
            {
                return false;
            }
        }

        return true;
    }
}
