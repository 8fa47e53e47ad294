using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Emulator.Core.Cpu;
using Emulator.Core.Decoding;
using Emulator.Core.Semantics.X87;

namespace Emulator.Core.Interpreter;

/// <summary>
/// What the x87 handlers share: availability and pending errors, the register stack, exception flags, instruction and data pointers.
/// Semantics report exceptions through <see cref="CpuState.FpuRaised"/>, which is no local, so that handlers stay tail calls.
/// </summary>
internal static unsafe class X87Unit
{
    /// <summary>What <see cref="Stopped"/> returns when the instruction is to be executed all the same.</summary>
    public const int Proceed = -1;

    private const uint StoreStoppers = X87Status.Invalid | X87Status.Overflow | X87Status.Underflow;

    /// <summary>A ten-byte memory operand.</summary>
    [StructLayout(LayoutKind.Sequential, Pack = 2)]
    public struct Memory80
    {
        /// <summary>Bytes 0 to 7.</summary>
        public ulong Low;

        /// <summary>Bytes 8 and 9.</summary>
        public ushort High;
    }

    /// <summary>Whether a waiting instruction must look closer: no FPU available, or an unmasked exception is pending.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool MustStop(CpuState* s) => ((s->Cr0 & (Cr0.EM | Cr0.TS)) | (s->Fsw & X87Status.ErrorSummary)) != 0;

    /// <summary>Whether an instruction that does not wait raises #NM.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsUnavailable(CpuState* s) => (s->Cr0 & (Cr0.EM | Cr0.TS)) != 0;

    /// <summary>
    /// A waiting instruction with <see cref="MustStop"/>: raises #NM or #MF. With CR0.NE clear, FERR# is asserted and the instruction is
    /// tried again until an interrupt arrives, or executed if IGNNE# is asserted.
    /// </summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static int Stopped(CpuState* s, Op* op) =>
        IsUnavailable(s) ? Faults.Raise(s, op, ExceptionVector.DeviceNotAvailable) : PendingError(s, op);

    /// <summary>The part of <see cref="Stopped"/> for a pending unmasked exception.</summary>
    public static int PendingError(CpuState* s, Op* op)
    {
        if ((s->Cr0 & Cr0.NE) != 0)
        {
            return Faults.Raise(s, op, ExceptionVector.FloatingPoint);
        }

        CpuCore core = CpuCore.Of(s);
        core.FerrLine.Set(true);
        if (core.IgnoreNumericError)
        {
            return Proceed;
        }

        // Waiting takes time: the attempt counts as an instruction.
        s->Eip = s->BlockEip + op->EipOffset;
        s->Budget += s->CurrentBlock->OpCount - op->Position - 1;
        return ExecStatus.Next;
    }

    /// <summary>#NM.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static int Unavailable(CpuState* s, Op* op) => Faults.Raise(s, op, ExceptionVector.DeviceNotAvailable);

    /// <summary>Physical number of ST(0).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Top(CpuState* s) => (s->Fsw >> X87Status.TopShift) & 7;

    /// <summary>Register ST(i).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float80* St(CpuState* s, int i) => (Float80*)CpuState.FpuPhysical(s, Top(s) + i);

    /// <summary>Whether ST(i) is empty.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsEmpty(CpuState* s, int i) => ((s->Ftw >> ((Top(s) + i) & 7)) & 1) == 0;

    /// <summary>Whether ST(0) or ST(i) is empty.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsAnyEmpty(CpuState* s, int i)
    {
        int top = Top(s);
        uint needed = (1u << top) | (1u << ((top + i) & 7));
        return (s->Ftw & needed) != needed;
    }

    /// <summary>Marks ST(i) as not empty.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Occupy(CpuState* s, int i) => s->Ftw |= (byte)(1u << ((Top(s) + i) & 7));

    /// <summary>Marks ST(i) as empty.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Free(CpuState* s, int i) => s->Ftw &= (byte)~(1u << ((Top(s) + i) & 7));

    /// <summary>Adds to TOP.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void MoveTop(CpuState* s, int by) =>
        s->Fsw = (ushort)((s->Fsw & ~X87Status.TopMask) | ((s->Fsw + (uint)(by << X87Status.TopShift)) & X87Status.TopMask));

    /// <summary>Empties ST(0) and moves TOP.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Pop(CpuState* s)
    {
        Free(s, 0);
        MoveTop(s, 1);
    }

    /// <summary>Pushes a value; the register must be empty.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Push(CpuState* s, Float80 value)
    {
        MoveTop(s, -1);
        Occupy(s, 0);
        *St(s, 0) = value;
    }

    /// <summary>Records the last instruction without a memory operand.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Track(CpuState* s, Op* op)
    {
        s->Fip = s->BlockEip + op->EipOffset;
        s->Fop = op->Imm2;
        s->Fcs = CpuState.Segment(s, SegmentIndex.Cs)->Selector;
    }

    /// <summary>Records the last instruction and its memory operand.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Track(CpuState* s, Op* op, uint offset)
    {
        Track(s, op);
        s->Fdp = offset;
        s->Fds = CpuState.Segment(s, op->Segment)->Selector;
    }

    /// <summary>Clears C1 and sets what was raised. Returns whether some of it is unmasked.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Raise(CpuState* s, uint raised)
    {
        uint fsw = (s->Fsw & ~X87Status.C1) | raised;
        if ((raised & ~(uint)s->Fcw & X87Status.Exceptions) == 0)
        {
            s->Fsw = (ushort)fsw;
            return false;
        }

        s->Fsw = (ushort)(fsw | X87Status.ErrorSummary | X87Status.Busy);
        return true;
    }

    /// <summary>Clears C1, sets what was raised and adds to TOP, in one access to the status word.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void RaiseAndMoveTop(CpuState* s, uint raised, int by)
    {
        uint fsw = s->Fsw;
        uint next = (fsw & ~(X87Status.C1 | X87Status.TopMask)) | ((fsw + (uint)(by << X87Status.TopShift)) & X87Status.TopMask) | raised;
        if ((raised & ~(uint)s->Fcw & X87Status.Exceptions) != 0)
        {
            next |= X87Status.ErrorSummary | X87Status.Busy;
        }

        s->Fsw = (ushort)next;
    }

    /// <summary>Sets what was raised, which stops nothing, and pushes; the register must be empty.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void RaiseAndPush(CpuState* s, uint raised, Float80 value)
    {
        int top = (Top(s) - 1) & 7;
        *(Float80*)CpuState.FpuPhysical(s, top) = value;
        s->Ftw |= (byte)(1u << top);
        RaiseAndMoveTop(s, raised, -1);
    }

    /// <summary>Sets what was raised, which stops nothing, and pops.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void RaiseAndPop(CpuState* s, uint raised)
    {
        Free(s, 0);
        RaiseAndMoveTop(s, raised, 1);
    }

    /// <summary>
    /// Sets what <see cref="CpuState.FpuRaised"/> holds. Returns whether the operation's results are to be written: not after an
    /// unmasked #I, #D or #Z.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Complete(CpuState* s)
    {
        uint raised = s->FpuRaised;
        return !Raise(s, raised) || (raised & ~(uint)s->Fcw & X87Status.PreOperation) == 0;
    }

    /// <summary>Whether a store must leave memory alone: after an unmasked #I, #O or #U.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool StopsStore(CpuState* s, uint raised) => (raised & ~(uint)s->Fcw & StoreStoppers) != 0;

    /// <summary>Raises a stack underflow; true when it is masked, so that the indefinite takes the place of the missing value.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static bool Underflow(CpuState* s) => !Raise(s, X87Status.Invalid | X87Status.StackFault);

    /// <summary>Raises a stack overflow; true when it is masked.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static bool Overflow(CpuState* s) => !Raise(s, X87Status.Invalid | X87Status.StackFault | X87Status.C1);

    /// <summary>Stack underflow of an operation with a result in ST(i), and perhaps a pop.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void UnderflowTo(CpuState* s, int i, bool pop)
    {
        if (Underflow(s))
        {
            *St(s, i) = Float80.Indefinite;
            Occupy(s, i);
            if (pop)
            {
                Pop(s);
            }
        }
    }

    /// <summary>Makes ES and B follow the flags and masks, and FERR# fall when nothing is pending any more.</summary>
    public static void UpdateSummary(CpuState* s)
    {
        if ((s->Fsw & ~s->Fcw & X87Status.Exceptions) != 0)
        {
            s->Fsw |= (ushort)(X87Status.ErrorSummary | X87Status.Busy);
            return;
        }

        s->Fsw &= unchecked((ushort)~(X87Status.ErrorSummary | X87Status.Busy));
        CpuCore core = CpuCore.Of(s);
        if (core.FerrLine.Level)
        {
            core.FerrLine.Set(false);
            core.IgnoreNumericError = false;
        }
    }
}
