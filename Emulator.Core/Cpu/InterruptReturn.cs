using System.Runtime.CompilerServices;
using Emulator.Core.Memory;

namespace Emulator.Core.Cpu;

/// <summary>IRET in every mode (SDM volume 2, IRET; volume 3, sections 7.3, 20.2 and 20.3).</summary>
internal static unsafe class InterruptReturn
{
    private const uint UserFlags = Eflags.Status | Eflags.TF | Eflags.DF | Eflags.NT;
    private const uint UserFlags32 = UserFlags | Eflags.RF | Eflags.AC | Eflags.ID;

    /// <summary>Executes IRET.</summary>
    /// <param name="s">The state.</param>
    /// <param name="size">Operand size in bytes: 2 or 4.</param>
    /// <param name="nextEip">EIP behind the instruction, saved by a task switch.</param>
    public static TransferResult Execute(CpuState* s, int size, uint nextEip)
    {
        // Unblocks NMIs even when it faults (SDM volume 3, section 6.7.1).
        s->NmiBlocked = 0;
        if (CpuMode.IsReal(s))
        {
            return Result(ReturnReal(s, size));
        }

        if (CpuMode.IsV86(s))
        {
            return Result(ReturnInV86(s, size));
        }

        if ((s->EflagsRest & Eflags.NT) != 0)
        {
            return ReturnTask(s, nextEip);
        }

        return Result(ReturnProtected(s, size));
    }

    private static TransferResult Result(bool done) => done ? TransferResult.Done : TransferResult.Fault;

    private static bool Pop3(CpuState* s, int size, out uint eip, out ushort cs, out uint flags)
    {
        Unsafe.SkipInit(out flags);
        cs = 0;
        if (!FarTransfer.ReadStack(s, 0, size, out eip)
            || !FarTransfer.ReadStack(s, (uint)size, FarTransfer.SelectorBytes, out uint selector)
            || !FarTransfer.ReadStack(s, (uint)(2 * size), size, out flags))
        {
            return false;
        }

        cs = (ushort)selector;
        return true;
    }

    private static void SetFlags(CpuState* s, uint value, uint mask) => LazyFlags.Write(s, (LazyFlags.Read(s) & ~mask) | (value & mask));

    private static bool ReturnReal(CpuState* s, int size)
    {
        if (!Pop3(s, size, out uint eip, out ushort cs, out uint flags))
        {
            return false;
        }

        if (!FarTransfer.Return(s, cs, eip, size, (uint)size))
        {
            return false;
        }

        // VM, VIF and VIP stay.
        SetFlags(s, flags, (size == 4 ? UserFlags32 : UserFlags) | Eflags.IF | Eflags.IoplMask);
        return true;
    }

    private static bool ReturnInV86(CpuState* s, int size)
    {
        bool privileged = CpuMode.Iopl(s) == 3;
        if (!privileged && ((s->Cr4 & Cr4.VME) == 0 || size == 4))
        {
            return Faults.Record(s, ExceptionVector.GeneralProtection, 0);
        }

        if (!Pop3(s, size, out uint eip, out ushort cs, out uint flags))
        {
            return false;
        }

        if (!privileged && ((flags & Eflags.TF) != 0 || ((flags & Eflags.IF) != 0 && (s->EflagsRest & Eflags.VIP) != 0)))
        {
            return Faults.Record(s, ExceptionVector.GeneralProtection, 0);
        }

        if (!FarTransfer.Return(s, cs, eip, size, (uint)size))
        {
            return false;
        }

        if (privileged)
        {
            SetFlags(s, flags, (size == 4 ? UserFlags32 : UserFlags) | Eflags.IF);
        }
        else
        {
            uint vif = (flags & Eflags.IF) != 0 ? Eflags.VIF : 0;
            SetFlags(s, (flags & ~Eflags.VIF) | vif, UserFlags | Eflags.VIF);
        }

        return true;
    }

    private static TransferResult ReturnTask(CpuState* s, uint nextEip)
    {
        SegmentRegister* tr = CpuState.Segment(s, SegmentIndex.Tr);
        if (!Mmu.ReadSystem(s, tr->Base, out ushort link))
        {
            return TransferResult.Fault;
        }

        if ((link & 4) != 0 || Segmentation.IsNull(link))
        {
            return Result(Faults.Record(s, ExceptionVector.InvalidTss, Segmentation.Error(link, 0)));
        }

        if (!Segmentation.ReadDescriptor(s, link, ExceptionVector.InvalidTss, 0, out Descriptor tss))
        {
            return TransferResult.Fault;
        }

        if (!tss.IsBusyTss)
        {
            return Result(Faults.Record(s, ExceptionVector.InvalidTss, Segmentation.Error(link, 0)));
        }

        if (!tss.IsPresent)
        {
            return Result(Faults.Record(s, ExceptionVector.SegmentNotPresent, Segmentation.Error(link, 0)));
        }

        return TaskSwitch.Switch(s, link, tss, TaskSwitchKind.Return, nextEip, 0);
    }

    private static bool ReturnProtected(CpuState* s, int size)
    {
        if (!Pop3(s, size, out uint eip, out ushort cs, out uint flags))
        {
            return false;
        }

        if (size == 4 && (flags & Eflags.VM) != 0 && s->Cpl == 0)
        {
            return ReturnToV86(s, eip, cs, flags);
        }

        uint mask = size == 4 ? UserFlags32 : UserFlags;
        if (s->Cpl <= CpuMode.Iopl(s))
        {
            mask |= Eflags.IF;
        }

        if (s->Cpl == 0)
        {
            mask |= Eflags.IoplMask | (size == 4 ? Eflags.VIF | Eflags.VIP : 0);
        }

        if (!FarTransfer.CheckReturnCode(s, cs, out Descriptor code))
        {
            return false;
        }

        if ((cs & 3) == s->Cpl)
        {
            if (!FarTransfer.CheckOffset(s, code, eip) || !Segmentation.SetAccessed(s, code))
            {
                return false;
            }

            StackFrame.SetPointer(s, CpuState.R32(s, 4) + (uint)(3 * size));
            Segmentation.Load(s, SegmentIndex.Cs, cs, code);
            s->Eip = eip;
        }
        else if (!FarTransfer.ReadStack(s, (uint)(3 * size), size, out uint esp)
            || !FarTransfer.ReadStack(s, (uint)(4 * size), FarTransfer.SelectorBytes, out uint ss)
            || !FarTransfer.ReturnOuter(s, cs, code, eip, (ushort)ss, esp, 0))
        {
            return false;
        }

        SetFlags(s, flags, mask);
        CpuMode.Update(s);
        return true;
    }

    private static bool ReturnToV86(CpuState* s, uint eip, ushort cs, uint flags)
    {
        uint* slots = stackalloc uint[6];
        for (uint i = 0; i < 6; i++)
        {
            if (!FarTransfer.ReadStack(s, 12 + (4 * i), 4, out slots[i]))
            {
                return false;
            }
        }

        if (eip > 0xFFFF)
        {
            return Faults.Record(s, ExceptionVector.GeneralProtection, 0);
        }

        LazyFlags.Write(s, flags);
        s->Cpl = 3;
        s->Eip = eip;
        Segmentation.SetV86(s, SegmentIndex.Cs, cs);
        CpuState.R32(s, 4) = slots[0];
        Segmentation.SetV86(s, SegmentIndex.Ss, (ushort)slots[1]);
        Segmentation.SetV86(s, SegmentIndex.Es, (ushort)slots[2]);
        Segmentation.SetV86(s, SegmentIndex.Ds, (ushort)slots[3]);
        Segmentation.SetV86(s, SegmentIndex.Fs, (ushort)slots[4]);
        Segmentation.SetV86(s, SegmentIndex.Gs, (ushort)slots[5]);
        return true;
    }
}
