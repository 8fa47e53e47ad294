using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Emulator.Core.Cpu;
using Emulator.Core.Decoding;
using Emulator.Core.Semantics.Simd;

namespace Emulator.Core.Interpreter.Simd;

/// <summary>What MMX and SSE handlers share: availability checks, registers, aligned operands, SIMD exceptions.</summary>
internal static unsafe class SimdState
{
    private const ushort TopField = 0x3800;
    private const ushort ErrorSummary = 0x80;
    private const ushort MmxExponent = 0xFFFF;

    /// <summary>In place of a vector: no fault, the instruction waits for the interrupt that reports an x87 error.</summary>
    private const byte WaitForInterrupt = 0xFF;

    /// <summary>Whether SSE instructions may execute; false with #UD or #NM recorded.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool CanUseSse(CpuState* s) =>
        ((s->Cr0 & (Cr0.EM | Cr0.TS)) == 0 && (s->Cr4 & Cr4.OSFXSR) != 0) || RecordSseUnavailable(s);

    /// <summary>
    /// Whether MMX instructions may execute; false with #UD, #NM or #MF recorded, or waiting (see <see cref="Fail"/>).
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool CanUseMmx(CpuState* s) =>
        ((s->Cr0 & (Cr0.EM | Cr0.TS)) == 0 && (s->Fsw & ErrorSummary) == 0) || CheckMmxAvailable(s);

    /// <summary>
    /// Ends a block where an instruction that uses MMX registers could not execute: with the recorded fault, or to try again.
    /// </summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static int Fail(CpuState* s, Op* op)
    {
        if (s->FaultVector != WaitForInterrupt)
        {
            return Faults.At(s, op);
        }

        // Waiting takes time: the attempt counts as an instruction.
        s->Eip = s->BlockEip + op->EipOffset;
        s->Budget += s->CurrentBlock->OpCount - op->Position - 1;
        return ExecStatus.Next;
    }

    /// <summary>An MMX register.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static FpuRegister* Mmx(CpuState* s, int index) => CpuState.FpuPhysical(s, index);

    /// <summary>An XMM register.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte>* Xmm(CpuState* s, int index) => (Vector128<byte>*)CpuState.XmmBytes(s, index);

    /// <summary>What every MMX instruction does to the x87 state: TOP becomes 0, all tags valid (SDM vol. 3, 12.2).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void EnterMmx(CpuState* s)
    {
        s->Fsw = (ushort)(s->Fsw & ~TopField);
        s->Ftw = 0xFF;
    }

    /// <summary>Writes an MMX register; the exponent behind it becomes all ones.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void SetMmx(CpuState* s, int index, ulong value)
    {
        FpuRegister* r = CpuState.FpuPhysical(s, index);
        r->Significand = value;
        r->SignExponent = MmxExponent;
    }

    /// <summary>
    /// Reads the 16-byte memory operand that must be aligned; null with the fault recorded. Measured (sse16 vectors): the alignment check
    /// comes before the segment's, so that it is #GP in SS too.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte>* ReadAligned<TA>(CpuState* s, Op* op)
        where TA : struct, IAddressing
    {
        uint offset = Access.Offset<TA>(s, op);
        if (!IsAligned<TA>(s, op, offset))
        {
            Faults.Record(s, ExceptionVector.GeneralProtection, 0);
            return null;
        }

        return Access.ReadAt<Vector128<byte>, TA>(s, op, op->Segment, offset);
    }

    /// <summary>Writes the 16-byte memory operand that must be aligned; false with the fault recorded.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool WriteAligned<TA>(CpuState* s, Op* op, Vector128<byte> value)
        where TA : struct, IAddressing
    {
        uint offset = Access.Offset<TA>(s, op);
        return IsAligned<TA>(s, op, offset)
            ? Access.WriteAt<Vector128<byte>, TA>(s, op, op->Segment, offset, value)
            : Faults.Record(s, ExceptionVector.GeneralProtection, 0);
    }

    /// <summary>Adds the exceptions of an instruction to MXCSR; false with #XM (or #UD) recorded when one of them is not masked.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Settle(CpuState* s, uint raised) => raised == 0 || SettleRaised(s, raised);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool SettleRaised(CpuState* s, uint raised)
    {
        uint unmasked = Mxcsr.Unmasked(s->Mxcsr, raised);
        s->Mxcsr |= raised;
        return unmasked == 0
            || Faults.Record(s, (s->Cr4 & Cr4.OSXMMEXCPT) != 0 ? ExceptionVector.SimdFloatingPoint : ExceptionVector.InvalidOpcode);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool IsAligned<TA>(CpuState* s, Op* op, uint offset)
        where TA : struct, IAddressing
    {
        uint linear = TA.IsFlat ? offset : offset + CpuState.Segment(s, op->Segment)->Base;
        return (linear & 15) == 0;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool RecordSseUnavailable(CpuState* s) =>
        Faults.Record(
            s,
            (s->Cr0 & Cr0.EM) != 0 || (s->Cr4 & Cr4.OSFXSR) == 0 ? ExceptionVector.InvalidOpcode : ExceptionVector.DeviceNotAvailable);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool CheckMmxAvailable(CpuState* s)
    {
        if ((s->Cr0 & (Cr0.EM | Cr0.TS)) != 0)
        {
            return Faults.Record(s, (s->Cr0 & Cr0.EM) != 0 ? ExceptionVector.InvalidOpcode : ExceptionVector.DeviceNotAvailable);
        }

        if ((s->Cr0 & Cr0.NE) != 0)
        {
            return Faults.Record(s, ExceptionVector.FloatingPoint);
        }

        // The PC's way: FERR# asks for IRQ 13, and execution waits for it unless IGNNE# is asserted.
        CpuCore core = CpuCore.Of(s);
        core.FerrLine.Set(true);
        return core.IgnoreNumericError || Faults.Record(s, WaitForInterrupt);
    }
}
