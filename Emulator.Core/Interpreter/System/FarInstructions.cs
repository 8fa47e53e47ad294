using Emulator.Core.Cpu;
using Emulator.Core.Decoding;

namespace Emulator.Core.Interpreter;

/// <summary>Far JMP, CALL and RET, INT n, INT3, INTO, INT1, IRET, BOUND, SYSENTER and SYSEXIT.</summary>
internal static unsafe class FarInstructions
{
    /// <summary>JMP ptr16:16 and ptr16:32.</summary>
    public static int JumpPointer(CpuState* s, Op* op) =>
        SystemHandler.Transferred(s, op, FarTransfer.Jump(s, op->Imm2, op->Imm, SystemHandler.NextEip(s, op)));

    /// <summary>JMP m16:16.</summary>
    public static int JumpMemory16(CpuState* s, Op* op) => ReadPointer16(s, op, out ushort selector, out uint offset)
        ? SystemHandler.Transferred(s, op, FarTransfer.Jump(s, selector, offset, SystemHandler.NextEip(s, op)))
        : Faults.At(s, op);

    /// <summary>JMP m16:32.</summary>
    public static int JumpMemory32(CpuState* s, Op* op) => ReadPointer32(s, op, out ushort selector, out uint offset)
        ? SystemHandler.Transferred(s, op, FarTransfer.Jump(s, selector, offset, SystemHandler.NextEip(s, op)))
        : Faults.At(s, op);

    /// <summary>CALL ptr16:16.</summary>
    public static int CallPointer16(CpuState* s, Op* op) =>
        SystemHandler.Transferred(s, op, FarTransfer.Call(s, op->Imm2, op->Imm, SystemHandler.NextEip(s, op), 2));

    /// <summary>CALL ptr16:32.</summary>
    public static int CallPointer32(CpuState* s, Op* op) =>
        SystemHandler.Transferred(s, op, FarTransfer.Call(s, op->Imm2, op->Imm, SystemHandler.NextEip(s, op), 4));

    /// <summary>CALL m16:16.</summary>
    public static int CallMemory16(CpuState* s, Op* op) => ReadPointer16(s, op, out ushort selector, out uint offset)
        ? SystemHandler.Transferred(s, op, FarTransfer.Call(s, selector, offset, SystemHandler.NextEip(s, op), 2))
        : Faults.At(s, op);

    /// <summary>CALL m16:32.</summary>
    public static int CallMemory32(CpuState* s, Op* op) => ReadPointer32(s, op, out ushort selector, out uint offset)
        ? SystemHandler.Transferred(s, op, FarTransfer.Call(s, selector, offset, SystemHandler.NextEip(s, op), 4))
        : Faults.At(s, op);

    /// <summary>Far RET with 16-bit operand size.</summary>
    public static int Return16(CpuState* s, Op* op) => Return(s, op, 2);

    /// <summary>Far RET with 32-bit operand size.</summary>
    public static int Return32(CpuState* s, Op* op) => Return(s, op, 4);

    /// <summary>IRET with 16-bit operand size.</summary>
    public static int InterruptReturn16(CpuState* s, Op* op) => InterruptReturnSized(s, op, 2);

    /// <summary>IRET with 32-bit operand size.</summary>
    public static int InterruptReturn32(CpuState* s, Op* op) => InterruptReturnSized(s, op, 4);

    /// <summary>INT n.</summary>
    public static int Interrupt(CpuState* s, Op* op) =>
        SystemHandler.Transferred(s, op, Interrupts.FromInstruction(s, InterruptSource.Software, (byte)op->Imm, SystemHandler.NextEip(s, op), isIntN: true));

    /// <summary>INT3.</summary>
    public static int Interrupt3(CpuState* s, Op* op) =>
        SystemHandler.Transferred(s, op, Interrupts.FromInstruction(s, InterruptSource.Software, ExceptionVector.Breakpoint, SystemHandler.NextEip(s, op)));

    /// <summary>INT1 (ICEBP).</summary>
    public static int Interrupt1(CpuState* s, Op* op) =>
        SystemHandler.Transferred(s, op, Interrupts.FromInstruction(s, InterruptSource.Icebp, ExceptionVector.Debug, SystemHandler.NextEip(s, op)));

    /// <summary>INTO.</summary>
    public static int InterruptOnOverflow(CpuState* s, Op* op) => LazyFlags.OF(s)
        ? SystemHandler.Transferred(s, op, Interrupts.FromInstruction(s, InterruptSource.Software, ExceptionVector.Overflow, SystemHandler.NextEip(s, op)))
        : SystemHandler.EndBlock(s, op);

    /// <summary>BOUND r16, m16&amp;16; the upper bound is read only when the lower one holds (measured: seg16 vectors).</summary>
    public static int Bound16(CpuState* s, Op* op)
    {
        if (!SystemHandler.ReadMemory(s, op, out short lower))
        {
            return Faults.At(s, op);
        }

        short index = CpuState.Register<short>(s, op->R0);
        if (index < lower)
        {
            return Faults.Raise(s, op, ExceptionVector.BoundRange);
        }

        if (!SystemHandler.ReadMemory(s, op, 2, out short upper))
        {
            return Faults.At(s, op);
        }

        return index > upper ? Faults.Raise(s, op, ExceptionVector.BoundRange) : SystemHandler.EndBlock(s, op);
    }

    /// <summary>BOUND r32, m32&amp;32.</summary>
    public static int Bound32(CpuState* s, Op* op)
    {
        if (!SystemHandler.ReadMemory(s, op, out int lower))
        {
            return Faults.At(s, op);
        }

        int index = CpuState.Register<int>(s, op->R0);
        if (index < lower)
        {
            return Faults.Raise(s, op, ExceptionVector.BoundRange);
        }

        if (!SystemHandler.ReadMemory(s, op, 4, out int upper))
        {
            return Faults.At(s, op);
        }

        return index > upper ? Faults.Raise(s, op, ExceptionVector.BoundRange) : SystemHandler.EndBlock(s, op);
    }

    /// <summary>SYSENTER.</summary>
    public static int Sysenter(CpuState* s, Op* op)
    {
        if (CpuMode.IsReal(s) || (s->SysenterCs & 0xFFFC) == 0)
        {
            return Faults.Raise(s, op, ExceptionVector.GeneralProtection, 0);
        }

        s->EflagsRest &= ~(Eflags.VM | Eflags.IF | Eflags.RF);
        ushort selector = (ushort)(s->SysenterCs & 0xFFFC);
        EnterFlat(s, selector, (ushort)(selector + 8), 0);
        CpuState.R32(s, 4) = s->SysenterEsp;
        s->Eip = s->SysenterEip;
        return ExecStatus.Next;
    }

    /// <summary>SYSEXIT.</summary>
    public static int Sysexit(CpuState* s, Op* op)
    {
        if (CpuMode.IsReal(s) || s->Cpl != 0 || (s->SysenterCs & 0xFFFC) == 0)
        {
            return Faults.Raise(s, op, ExceptionVector.GeneralProtection, 0);
        }

        ushort selector = (ushort)((s->SysenterCs & 0xFFFC) + 16);
        EnterFlat(s, (ushort)(selector | 3), (ushort)((selector + 8) | 3), 3);
        CpuState.R32(s, 4) = CpuState.R32(s, 1);
        s->Eip = CpuState.R32(s, 2);
        return ExecStatus.Next;
    }

    private static void EnterFlat(CpuState* s, ushort cs, ushort ss, int cpl)
    {
        const ushort Flat = SegmentRegister.AttributeGranularity | SegmentRegister.AttributeBig | SegmentRegister.AttributePresent | SegmentRegister.AttributeS;
        s->Cpl = (byte)cpl;
        Segmentation.SetHidden(s, SegmentIndex.Cs, cs, 0, 0xFFFFFFFF, (ushort)(Flat | (cpl << 5) | 0xB));
        Segmentation.SetHidden(s, SegmentIndex.Ss, ss, 0, 0xFFFFFFFF, (ushort)(Flat | (cpl << 5) | 3));
        CpuCore.UpdatePending(s);
    }

    private static bool ReadPointer16(CpuState* s, Op* op, out ushort selector, out uint offset)
    {
        selector = 0;
        bool ok = SystemHandler.ReadMemory(s, op, out ushort offset16) && SystemHandler.ReadMemory(s, op, 2, out selector);
        offset = offset16;
        return ok;
    }

    private static bool ReadPointer32(CpuState* s, Op* op, out ushort selector, out uint offset)
    {
        selector = 0;
        return SystemHandler.ReadMemory(s, op, out offset) && SystemHandler.ReadMemory(s, op, 4, out selector);
    }

    private static int Return(CpuState* s, Op* op, int size)
    {
        bool done = FarTransfer.ReadStack(s, 0, size, out uint offset)
            && FarTransfer.ReadStack(s, (uint)size, FarTransfer.SelectorBytes, out uint selector)
            && FarTransfer.Return(s, (ushort)selector, offset, size, op->Imm);
        return done ? ExecStatus.Next : Faults.At(s, op);
    }

    private static int InterruptReturnSized(CpuState* s, Op* op, int size)
    {
        TransferResult result = InterruptReturn.Execute(s, size, SystemHandler.NextEip(s, op));
        CpuMode.Update(s);
        CpuCore.UpdatePending(s);
        return SystemHandler.Transferred(s, op, result);
    }
}
