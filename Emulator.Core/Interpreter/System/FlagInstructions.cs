using System.Runtime.CompilerServices;
using Emulator.Core.Cpu;
using Emulator.Core.Decoding;

namespace Emulator.Core.Interpreter;

/// <summary>PUSHF, POPF, CLI, STI, HLT, with virtual-8086 mode extensions and protected-mode virtual interrupts (SDM volume 3, 20.3 and 20.4).</summary>
internal static unsafe class FlagInstructions
{
    private const uint Always16 = Eflags.Status | Eflags.TF | Eflags.DF | Eflags.NT;
    private const uint Always32 = Always16 | Eflags.AC | Eflags.ID;

    /// <summary>PUSHF with 16-bit operand size.</summary>
    public static int Push16(CpuState* s, Op* op) => Push(s, op, 2) ? op[1].Handler(s, op + 1) : Faults.At(s, op);

    /// <summary>PUSHF with 32-bit operand size.</summary>
    public static int Push32(CpuState* s, Op* op) => Push(s, op, 4) ? op[1].Handler(s, op + 1) : Faults.At(s, op);

    /// <summary>POPF with 16-bit operand size.</summary>
    public static int Pop16(CpuState* s, Op* op) => SystemHandler.EndBlock(s, op, Pop(s, op, 2));

    /// <summary>POPF with 32-bit operand size.</summary>
    public static int Pop32(CpuState* s, Op* op) => SystemHandler.EndBlock(s, op, Pop(s, op, 4));

    /// <summary>CLI.</summary>
    public static int Cli(CpuState* s, Op* op)
    {
        switch (InterruptControl(s))
        {
            case Control.Interrupt:
                s->EflagsRest &= ~Eflags.IF;
                CpuCore.UpdatePending(s);
                break;
            case Control.Virtual:
                s->EflagsRest &= ~Eflags.VIF;
                break;
            default:
                return Faults.Raise(s, op, ExceptionVector.GeneralProtection, 0);
        }

        return SystemHandler.EndBlock(s, op);
    }

    /// <summary>
    /// STI; maskable interrupts stay off for one more instruction if they were off. That is noted only where one could come: none is asked
    /// for, and devices act between two instructions only where the budget ends.
    /// </summary>
    public static int Sti(CpuState* s, Op* op)
    {
        switch (InterruptControl(s))
        {
            case Control.Interrupt:
                if ((s->EflagsRest & Eflags.IF) == 0)
                {
                    s->EflagsRest |= Eflags.IF;
                    CpuCore.UpdatePending(s);
                    s->Pending |= (s->Pending & PendingWork.Interrupt) != 0 || s->Budget <= 0 ? PendingWork.Shadow : 0;
                }

                break;
            case Control.Virtual when (s->EflagsRest & Eflags.VIP) == 0:
                s->EflagsRest |= Eflags.VIF;
                break;
            default:
                return Faults.Raise(s, op, ExceptionVector.GeneralProtection, 0);
        }

        return SystemHandler.EndBlock(s, op);
    }

    /// <summary>HLT.</summary>
    public static int Halt(CpuState* s, Op* op)
    {
        if (!SystemHandler.CheckPrivilege(s))
        {
            return Faults.At(s, op);
        }

        s->IsHalted = 1;
        CpuCore.UpdatePending(s);
        return SystemHandler.EndBlock(s, op);
    }

    /// <summary>What CLI and STI act on.</summary>
    private enum Control
    {
        Denied,
        Interrupt,
        Virtual,
    }

    private static Control InterruptControl(CpuState* s)
    {
        if (CpuMode.IsReal(s))
        {
            return Control.Interrupt;
        }

        int iopl = CpuMode.Iopl(s);
        if (CpuMode.IsV86(s))
        {
            return iopl == 3 ? Control.Interrupt : (s->Cr4 & Cr4.VME) != 0 ? Control.Virtual : Control.Denied;
        }

        if (s->Cpl <= iopl)
        {
            return Control.Interrupt;
        }

        return s->Cpl == 3 && (s->Cr4 & Cr4.PVI) != 0 ? Control.Virtual : Control.Denied;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool Push(CpuState* s, Op* op, int size)
    {
        uint flags = LazyFlags.Read(s) & ~(Eflags.VM | Eflags.RF);
        if (CpuMode.IsV86(s) && CpuMode.Iopl(s) != 3)
        {
            if ((s->Cr4 & Cr4.VME) == 0 || size == 4)
            {
                return Faults.Record(s, ExceptionVector.GeneralProtection, 0);
            }

            flags = (flags & ~Eflags.IF) | Eflags.IoplMask | ((flags & Eflags.VIF) != 0 ? Eflags.IF : 0);
        }

        uint esp = CpuState.R32(s, 4) - (uint)size;
        uint offset = esp & StackFrame.Mask(CpuState.Segment(s, SegmentIndex.Ss));
        bool done = size == 2
            ? Access.WriteAt<ushort, General>(s, op, SegmentIndex.Ss, offset, (ushort)flags)
            : Access.WriteAt<uint, General>(s, op, SegmentIndex.Ss, offset, flags);
        if (done)
        {
            StackFrame.SetPointer(s, esp);
        }

        return done;
    }

    private static bool Pop(CpuState* s, Op* op, int size)
    {
        bool v86 = CpuMode.IsV86(s);
        int iopl = CpuMode.Iopl(s);
        bool isVirtual = v86 && iopl != 3;
        if (isVirtual && ((s->Cr4 & Cr4.VME) == 0 || size == 4))
        {
            return Faults.Record(s, ExceptionVector.GeneralProtection, 0);
        }

        uint esp = CpuState.R32(s, 4);
        uint offset = esp & StackFrame.Mask(CpuState.Segment(s, SegmentIndex.Ss));
        uint value;
        if (size == 2)
        {
            ushort* p = Access.ReadAt<ushort, General>(s, op, SegmentIndex.Ss, offset);
            if (p == null)
            {
                return false;
            }

            value = *p;
        }
        else
        {
            uint* p = Access.ReadAt<uint, General>(s, op, SegmentIndex.Ss, offset);
            if (p == null)
            {
                return false;
            }

            value = *p;
        }

        uint mask = size == 4 ? Always32 : Always16;
        if (isVirtual)
        {
            if ((value & Eflags.TF) != 0 || ((value & Eflags.IF) != 0 && (s->EflagsRest & Eflags.VIP) != 0))
            {
                return Faults.Record(s, ExceptionVector.GeneralProtection, 0);
            }

            mask |= Eflags.VIF;
            value = (value & ~Eflags.VIF) | ((value & Eflags.IF) != 0 ? Eflags.VIF : 0);
        }
        else
        {
            mask |= s->Cpl <= iopl ? Eflags.IF : 0;
            mask |= s->Cpl == 0 ? Eflags.IoplMask : 0;
        }

        LazyFlags.Write(s, (LazyFlags.Read(s) & ~(mask | Eflags.RF)) | (value & mask));
        StackFrame.SetPointer(s, esp + (uint)size);
        CpuMode.Update(s);
        CpuCore.UpdatePending(s);
        return true;
    }
}
