using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Emulator.Core.Cpu;
using Emulator.Core.Decoding;
using Emulator.Core.Semantics.Simd;

namespace Emulator.Core.Interpreter.Simd;

/// <summary>An operation on whole XMM registers of floating-point numbers.</summary>
internal interface IFloatOperation
{
    /// <summary>The new destination from the old and the source; exceptions are added to <paramref name="raised"/>.</summary>
    static abstract Vector128<byte> Apply(Vector128<byte> a, Vector128<byte> b, uint mxcsr, ref uint raised);
}

/// <summary>Which of COMISx and UCOMISx a handler is.</summary>
internal interface IOrderKind
{
    /// <summary>Whether quiet NaNs raise IE.</summary>
    static abstract bool SignalsQuietNaN { get; }
}

/// <summary>COMISx.</summary>
internal readonly struct Ordered : IOrderKind
{
    public static bool SignalsQuietNaN => true;
}

/// <summary>UCOMISx.</summary>
internal readonly struct Unordered : IOrderKind
{
    public static bool SignalsQuietNaN => false;
}

/// <summary>SSE floating-point arithmetic and comparison.</summary>
internal static unsafe class FloatHandlers
{
    // ---- scalar single ----

    public static int Single<TOperation>(CpuState* s, Op* op)
        where TOperation : struct, ISingleOperation
    {
        if (!SimdState.CanUseSse(s))
        {
            return Faults.At(s, op);
        }

        uint* d = (uint*)SimdState.Xmm(s, op->R0);
        uint y = *(uint*)SimdState.Xmm(s, op->R1);
        if (TOperation.HasHost && HostArithmetic.IsAllowed(s->Mxcsr) && HostArithmetic.IsUsable(*d) && HostArithmetic.IsUsable(y))
        {
            float r = TOperation.Host(BitConverter.UInt32BitsToSingle(*d), BitConverter.UInt32BitsToSingle(y));
            if (ScalarSingle.IsSafe(r))
            {
                *d = BitConverter.SingleToUInt32Bits(r);
                return op[1].Handler(s, op + 1);
            }
        }

        if (!ApplySingle<TOperation>(s, d, y))
        {
            return Faults.At(s, op);
        }

        return op[1].Handler(s, op + 1);
    }

    public static int SingleMemory<TOperation, TA>(CpuState* s, Op* op)
        where TOperation : struct, ISingleOperation
        where TA : struct, IAddressing
    {
        if (!SimdState.CanUseSse(s))
        {
            return Faults.At(s, op);
        }

        uint* b = Access.Read<uint, TA>(s, op);
        if (b == null)
        {
            return Faults.At(s, op);
        }

        uint* d = (uint*)SimdState.Xmm(s, op->R0);
        uint y = *b;
        if (TOperation.HasHost && HostArithmetic.IsAllowed(s->Mxcsr) && HostArithmetic.IsUsable(*d) && HostArithmetic.IsUsable(y))
        {
            float r = TOperation.Host(BitConverter.UInt32BitsToSingle(*d), BitConverter.UInt32BitsToSingle(y));
            if (ScalarSingle.IsSafe(r))
            {
                *d = BitConverter.SingleToUInt32Bits(r);
                return op[1].Handler(s, op + 1);
            }
        }

        if (!ApplySingle<TOperation>(s, d, y))
        {
            return Faults.At(s, op);
        }

        return op[1].Handler(s, op + 1);
    }

    public static int Cmpss(CpuState* s, Op* op)
    {
        if (!SimdState.CanUseSse(s) || !CompareSingle(s, op, *(uint*)SimdState.Xmm(s, op->R1)))
        {
            return Faults.At(s, op);
        }

        return op[1].Handler(s, op + 1);
    }

    public static int CmpssMemory<TA>(CpuState* s, Op* op)
        where TA : struct, IAddressing
    {
        if (!SimdState.CanUseSse(s))
        {
            return Faults.At(s, op);
        }

        uint* b = Access.Read<uint, TA>(s, op);
        if (b == null || !CompareSingle(s, op, *b))
        {
            return Faults.At(s, op);
        }

        return op[1].Handler(s, op + 1);
    }

    /// <summary>COMISS and UCOMISS.</summary>
    public static int Comiss<TKind>(CpuState* s, Op* op)
        where TKind : struct, IOrderKind
    {
        if (!SimdState.CanUseSse(s) || !OrderSingle(s, op, *(uint*)SimdState.Xmm(s, op->R1), TKind.SignalsQuietNaN))
        {
            return Faults.At(s, op);
        }

        return op[1].Handler(s, op + 1);
    }

    public static int ComissMemory<TKind, TA>(CpuState* s, Op* op)
        where TKind : struct, IOrderKind
        where TA : struct, IAddressing
    {
        if (!SimdState.CanUseSse(s))
        {
            return Faults.At(s, op);
        }

        uint* b = Access.Read<uint, TA>(s, op);
        if (b == null || !OrderSingle(s, op, *b, TKind.SignalsQuietNaN))
        {
            return Faults.At(s, op);
        }

        return op[1].Handler(s, op + 1);
    }

    // ---- scalar double ----

    public static int Double<TOperation>(CpuState* s, Op* op)
        where TOperation : struct, IDoubleOperation
    {
        if (!SimdState.CanUseSse(s))
        {
            return Faults.At(s, op);
        }

        ulong* d = (ulong*)SimdState.Xmm(s, op->R0);
        ulong y = *(ulong*)SimdState.Xmm(s, op->R1);
        if (TOperation.HasHost && HostArithmetic.IsAllowed(s->Mxcsr) && HostArithmetic.IsUsable(*d) && HostArithmetic.IsUsable(y))
        {
            double r = TOperation.Host(BitConverter.UInt64BitsToDouble(*d), BitConverter.UInt64BitsToDouble(y));
            if (ScalarDouble.IsSafe(r))
            {
                *d = BitConverter.DoubleToUInt64Bits(r);
                return op[1].Handler(s, op + 1);
            }
        }

        if (!ApplyDouble<TOperation>(s, d, y))
        {
            return Faults.At(s, op);
        }

        return op[1].Handler(s, op + 1);
    }

    public static int DoubleMemory<TOperation, TA>(CpuState* s, Op* op)
        where TOperation : struct, IDoubleOperation
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

        ulong* d = (ulong*)SimdState.Xmm(s, op->R0);
        ulong y = *b;
        if (TOperation.HasHost && HostArithmetic.IsAllowed(s->Mxcsr) && HostArithmetic.IsUsable(*d) && HostArithmetic.IsUsable(y))
        {
            double r = TOperation.Host(BitConverter.UInt64BitsToDouble(*d), BitConverter.UInt64BitsToDouble(y));
            if (ScalarDouble.IsSafe(r))
            {
                *d = BitConverter.DoubleToUInt64Bits(r);
                return op[1].Handler(s, op + 1);
            }
        }

        if (!ApplyDouble<TOperation>(s, d, y))
        {
            return Faults.At(s, op);
        }

        return op[1].Handler(s, op + 1);
    }

    public static int Cmpsd(CpuState* s, Op* op)
    {
        if (!SimdState.CanUseSse(s) || !CompareDouble(s, op, *(ulong*)SimdState.Xmm(s, op->R1)))
        {
            return Faults.At(s, op);
        }

        return op[1].Handler(s, op + 1);
    }

    public static int CmpsdMemory<TA>(CpuState* s, Op* op)
        where TA : struct, IAddressing
    {
        if (!SimdState.CanUseSse(s))
        {
            return Faults.At(s, op);
        }

        ulong* b = Access.Read<ulong, TA>(s, op);
        if (b == null || !CompareDouble(s, op, *b))
        {
            return Faults.At(s, op);
        }

        return op[1].Handler(s, op + 1);
    }

    /// <summary>COMISD and UCOMISD.</summary>
    public static int Comisd<TKind>(CpuState* s, Op* op)
        where TKind : struct, IOrderKind
    {
        if (!SimdState.CanUseSse(s) || !OrderDouble(s, op, *(ulong*)SimdState.Xmm(s, op->R1), TKind.SignalsQuietNaN))
        {
            return Faults.At(s, op);
        }

        return op[1].Handler(s, op + 1);
    }

    public static int ComisdMemory<TKind, TA>(CpuState* s, Op* op)
        where TKind : struct, IOrderKind
        where TA : struct, IAddressing
    {
        if (!SimdState.CanUseSse(s))
        {
            return Faults.At(s, op);
        }

        ulong* b = Access.Read<ulong, TA>(s, op);
        if (b == null || !OrderDouble(s, op, *b, TKind.SignalsQuietNaN))
        {
            return Faults.At(s, op);
        }

        return op[1].Handler(s, op + 1);
    }

    // ---- packed ----

    public static int Packed<TOperation>(CpuState* s, Op* op)
        where TOperation : struct, IFloatOperation
    {
        if (!SimdState.CanUseSse(s) || !ApplyPacked<TOperation>(s, SimdState.Xmm(s, op->R0), SimdState.Xmm(s, op->R1)))
        {
            return Faults.At(s, op);
        }

        return op[1].Handler(s, op + 1);
    }

    public static int PackedMemory<TOperation, TA>(CpuState* s, Op* op)
        where TOperation : struct, IFloatOperation
        where TA : struct, IAddressing
    {
        if (!SimdState.CanUseSse(s))
        {
            return Faults.At(s, op);
        }

        Vector128<byte>* b = SimdState.ReadAligned<TA>(s, op);
        if (b == null || !ApplyPacked<TOperation>(s, SimdState.Xmm(s, op->R0), b))
        {
            return Faults.At(s, op);
        }

        return op[1].Handler(s, op + 1);
    }

    /// <summary>CVTPS2PD and CVTDQ2PD: a memory operand of eight bytes, of any alignment.</summary>
    public static int PackedMemory64<TOperation, TA>(CpuState* s, Op* op)
        where TOperation : struct, IFloatOperation
        where TA : struct, IAddressing
    {
        if (!SimdState.CanUseSse(s))
        {
            return Faults.At(s, op);
        }

        ulong* b = Access.Read<ulong, TA>(s, op);
        if (b == null || !ApplyPackedLow<TOperation>(s, SimdState.Xmm(s, op->R0), *b))
        {
            return Faults.At(s, op);
        }

        return op[1].Handler(s, op + 1);
    }

    public static int Cmpps(CpuState* s, Op* op)
    {
        if (!SimdState.CanUseSse(s) || !ComparePackedSingle(s, op, SimdState.Xmm(s, op->R1)))
        {
            return Faults.At(s, op);
        }

        return op[1].Handler(s, op + 1);
    }

    public static int CmppsMemory<TA>(CpuState* s, Op* op)
        where TA : struct, IAddressing
    {
        if (!SimdState.CanUseSse(s))
        {
            return Faults.At(s, op);
        }

        Vector128<byte>* b = SimdState.ReadAligned<TA>(s, op);
        if (b == null || !ComparePackedSingle(s, op, b))
        {
            return Faults.At(s, op);
        }

        return op[1].Handler(s, op + 1);
    }

    public static int Cmppd(CpuState* s, Op* op)
    {
        if (!SimdState.CanUseSse(s) || !ComparePackedDouble(s, op, SimdState.Xmm(s, op->R1)))
        {
            return Faults.At(s, op);
        }

        return op[1].Handler(s, op + 1);
    }

    public static int CmppdMemory<TA>(CpuState* s, Op* op)
        where TA : struct, IAddressing
    {
        if (!SimdState.CanUseSse(s))
        {
            return Faults.At(s, op);
        }

        Vector128<byte>* b = SimdState.ReadAligned<TA>(s, op);
        if (b == null || !ComparePackedDouble(s, op, b))
        {
            return Faults.At(s, op);
        }

        return op[1].Handler(s, op + 1);
    }

    // ---- bodies: kept out of the handlers, whose last call must stay a tail call ----

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool ApplySingle<TOperation>(CpuState* s, uint* destination, uint b)
        where TOperation : struct, ISingleOperation
    {
        uint raised = 0;
        uint r = TOperation.Apply(*destination, b, s->Mxcsr, ref raised);
        if (!SimdState.Settle(s, raised))
        {
            return false;
        }

        *destination = r;
        return true;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool ApplyDouble<TOperation>(CpuState* s, ulong* destination, ulong b)
        where TOperation : struct, IDoubleOperation
    {
        uint raised = 0;
        ulong r = TOperation.Apply(*destination, b, s->Mxcsr, ref raised);
        if (!SimdState.Settle(s, raised))
        {
            return false;
        }

        *destination = r;
        return true;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool ApplyPacked<TOperation>(CpuState* s, Vector128<byte>* destination, Vector128<byte>* b)
        where TOperation : struct, IFloatOperation
    {
        uint raised = 0;
        Vector128<byte> r = TOperation.Apply(*destination, *b, s->Mxcsr, ref raised);
        if (!SimdState.Settle(s, raised))
        {
            return false;
        }

        *destination = r;
        return true;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool ApplyPackedLow<TOperation>(CpuState* s, Vector128<byte>* destination, ulong b)
        where TOperation : struct, IFloatOperation
    {
        uint raised = 0;
        Vector128<byte> r = TOperation.Apply(*destination, PackedInteger.FromMmx(b), s->Mxcsr, ref raised);
        if (!SimdState.Settle(s, raised))
        {
            return false;
        }

        *destination = r;
        return true;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool CompareSingle(CpuState* s, Op* op, uint b)
    {
        uint raised = 0;
        uint* destination = (uint*)SimdState.Xmm(s, op->R0);
        uint r = ScalarSingle.Compare(*destination, b, (int)op->Imm, s->Mxcsr, ref raised);
        if (!SimdState.Settle(s, raised))
        {
            return false;
        }

        *destination = r;
        return true;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool CompareDouble(CpuState* s, Op* op, ulong b)
    {
        uint raised = 0;
        ulong* destination = (ulong*)SimdState.Xmm(s, op->R0);
        ulong r = ScalarDouble.Compare(*destination, b, (int)op->Imm, s->Mxcsr, ref raised);
        if (!SimdState.Settle(s, raised))
        {
            return false;
        }

        *destination = r;
        return true;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool ComparePackedSingle(CpuState* s, Op* op, Vector128<byte>* b)
    {
        uint raised = 0;
        Vector128<byte>* destination = SimdState.Xmm(s, op->R0);
        Vector128<byte> r = PackedSingle.Compare(*destination, *b, (int)op->Imm, s->Mxcsr, ref raised);
        if (!SimdState.Settle(s, raised))
        {
            return false;
        }

        *destination = r;
        return true;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool ComparePackedDouble(CpuState* s, Op* op, Vector128<byte>* b)
    {
        uint raised = 0;
        Vector128<byte>* destination = SimdState.Xmm(s, op->R0);
        Vector128<byte> r = PackedDouble.Compare(*destination, *b, (int)op->Imm, s->Mxcsr, ref raised);
        if (!SimdState.Settle(s, raised))
        {
            return false;
        }

        *destination = r;
        return true;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool OrderSingle(CpuState* s, Op* op, uint b, bool signalQuiet)
    {
        uint raised = 0;
        FloatOrder order = ScalarSingle.Order(*(uint*)SimdState.Xmm(s, op->R0), b, signalQuiet, s->Mxcsr, ref raised);
        return SimdState.Settle(s, raised) && SetFlags(s, order);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool OrderDouble(CpuState* s, Op* op, ulong b, bool signalQuiet)
    {
        uint raised = 0;
        FloatOrder order = ScalarDouble.Order(*(ulong*)SimdState.Xmm(s, op->R0), b, signalQuiet, s->Mxcsr, ref raised);
        return SimdState.Settle(s, raised) && SetFlags(s, order);
    }

    private static bool SetFlags(CpuState* s, FloatOrder order)
    {
        LazyFlags.SetStatus(s, order switch
        {
            FloatOrder.Less => Eflags.CF,
            FloatOrder.Equal => Eflags.ZF,
            FloatOrder.Greater => 0,
            _ => Eflags.ZF | Eflags.PF | Eflags.CF,
        });
        return true;
    }
}
