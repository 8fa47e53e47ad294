using Emulator.Core.Memory;

namespace Emulator.Core.Cpu;

/// <summary>What caused a task switch.</summary>
internal enum TaskSwitchKind
{
    /// <summary>JMP: the old task becomes available, no link.</summary>
    Jump,

    /// <summary>CALL: the old task stays busy, the new one links to it.</summary>
    Call,

    /// <summary>Interrupt or exception through a task gate: as a call.</summary>
    Interrupt,

    /// <summary>IRET with NT set: back along the link.</summary>
    Return,
}

/// <summary>
/// Hardware task switching with 16-bit and 32-bit TSS (SDM volume 3, chapter 8). Everything that can fault before the commit point is checked
/// first; segment registers are loaded after it, and their faults belong to the new task.
/// </summary>
internal static unsafe class TaskSwitch
{
    private const uint Limit32 = 0x67;
    private const uint Limit16 = 0x2B;

    /// <summary>L0–L3 and LE of DR7, which a task switch clears.</summary>
    private const uint LocalEnables = 0x155;

    /// <summary>Whether TR holds a 32-bit TSS.</summary>
    public static bool Is32(CpuState* s) => (CpuState.Segment(s, SegmentIndex.Tr)->Attributes & 8) != 0;

    /// <summary>Reads the stack of an inner level from the current TSS; false with #TS or #PF recorded.</summary>
    public static bool ReadInnerStack(CpuState* s, int level, uint ext, out ushort ss, out uint esp)
    {
        SegmentRegister* tr = CpuState.Segment(s, SegmentIndex.Tr);
        ss = 0;
        esp = 0;
        if (Is32(s))
        {
            uint at = 4 + (8 * (uint)level);
            if (at + 5 > tr->Limit)
            {
                return Faults.Record(s, ExceptionVector.InvalidTss, Segmentation.Error(tr->Selector, ext));
            }

            return Mmu.ReadSystem(s, tr->Base + at, out esp) && Mmu.ReadSystem(s, tr->Base + at + 4, out ss);
        }

        uint at16 = 2 + (4 * (uint)level);
        if (at16 + 3 > tr->Limit)
        {
            return Faults.Record(s, ExceptionVector.InvalidTss, Segmentation.Error(tr->Selector, ext));
        }

        if (!Mmu.ReadSystem(s, tr->Base + at16, out ushort sp) || !Mmu.ReadSystem(s, tr->Base + at16 + 2, out ss))
        {
            return false;
        }

        esp = sp;
        return true;
    }

    /// <summary>Switches to the task of a task gate's selector.</summary>
    public static TransferResult ThroughGate(CpuState* s, ushort selector, TaskSwitchKind kind, uint eip, uint ext, uint rf = 0)
    {
        if ((selector & 4) != 0 || Segmentation.IsNull(selector))
        {
            Faults.Record(s, ExceptionVector.GeneralProtection, Segmentation.Error(selector, ext));
            return TransferResult.Fault;
        }

        if (!Segmentation.ReadDescriptor(s, selector, ExceptionVector.GeneralProtection, ext, out Descriptor tss))
        {
            return TransferResult.Fault;
        }

        if (!tss.IsAvailableTss)
        {
            Faults.Record(s, ExceptionVector.GeneralProtection, Segmentation.Error(selector, ext));
            return TransferResult.Fault;
        }

        if (!tss.IsPresent)
        {
            Faults.Record(s, ExceptionVector.SegmentNotPresent, Segmentation.Error(selector, ext));
            return TransferResult.Fault;
        }

        return Switch(s, selector, tss, kind, eip, ext, rf);
    }

    /// <summary>Switches to a task whose descriptor is present and of the right type.</summary>
    /// <param name="s">The state.</param>
    /// <param name="selector">Selector of the new TSS.</param>
    /// <param name="tss">Its descriptor.</param>
    /// <param name="kind">What caused the switch.</param>
    /// <param name="eip">EIP to save in the old task.</param>
    /// <param name="ext">EXT bit of error codes.</param>
    /// <param name="rf">RF bit of the EFLAGS to save.</param>
    public static TransferResult Switch(CpuState* s, ushort selector, Descriptor tss, TaskSwitchKind kind, uint eip, uint ext, uint rf = 0)
    {
        bool new32 = tss.Is32;
        if (tss.Limit < (new32 ? Limit32 : Limit16))
        {
            Faults.Record(s, ExceptionVector.InvalidTss, Segmentation.Error(selector, ext));
            return TransferResult.Fault;
        }

        SegmentRegister* tr = CpuState.Segment(s, SegmentIndex.Tr);
        SegmentRegister oldTr = *tr;
        bool old32 = Is32(s);
        bool nested = kind is TaskSwitchKind.Call or TaskSwitchKind.Interrupt;
        bool leaves = kind is TaskSwitchKind.Jump or TaskSwitchKind.Return;
        NewTask task = default;
        if (!Read(s, tss.Base, new32, &task)
            || !Mmu.CheckWrite(s, oldTr.Base + (old32 ? 0x20u : 0xEu), old32 ? 0x40 : 0x1C, user: false)
            || (nested && !Mmu.CheckWrite(s, tss.Base, 2, user: false))
            || (kind != TaskSwitchKind.Return && !Mmu.CheckWrite(s, tss.Address + 5, 1, user: false)))
        {
            return TransferResult.Fault;
        }

        // An old TR without descriptor (its GDT is gone) has no busy bit to clear.
        bool release = Segmentation.FindDescriptor(s, (ushort)(oldTr.Selector & 0xFFF8), out uint oldDescriptor) && leaves;
        if (release && !Mmu.CheckWrite(s, oldDescriptor + 5, 1, user: false))
        {
            return TransferResult.Fault;
        }

        if (release && Mmu.ReadSystem(s, oldDescriptor + 5, out byte type))
        {
            Mmu.WriteSystem(s, oldDescriptor + 5, (byte)(type & ~Descriptor.BusyBit));
        }

        uint flags = LazyFlags.Read(s) | rf;
        if (kind == TaskSwitchKind.Return)
        {
            flags &= ~Eflags.NT;
        }

        Save(s, oldTr.Base, old32, eip, flags);
        if (nested)
        {
            Mmu.WriteSystem(s, tss.Base, oldTr.Selector);
            task.Flags |= Eflags.NT;
        }

        byte newType = (byte)((tss.High >> 8) | Descriptor.BusyBit);
        if (kind != TaskSwitchKind.Return)
        {
            Mmu.WriteSystem(s, tss.Address + 5, newType);
        }

        *tr = Segmentation.Register(selector, tss);
        tr->Attributes |= Descriptor.BusyBit;
        s->Cr0 |= Cr0.TS;
        return Load(s, &task, new32, ext) ? TransferResult.Done : TransferResult.FaultInNewTask;
    }

    private static bool Read(CpuState* s, uint at, bool is32, NewTask* t)
    {
        // The processor reads a TSS by linear address; a part on an absent page faults in the old task.
        int length = is32 ? 0x68 : 0x2C;
        if (!Mmu.CheckRead(s, at, length, user: false))
        {
            return false;
        }

        if (is32)
        {
            bool ok = Mmu.ReadSystem(s, at + 0x1C, out t->Cr3) && Mmu.ReadSystem(s, at + 0x20, out t->Eip) && Mmu.ReadSystem(s, at + 0x24, out t->Flags);
            for (uint i = 0; ok && i < 8; i++)
            {
                ok = Mmu.ReadSystem(s, at + 0x28 + (4 * i), out t->Gpr[i]);
            }

            for (uint i = 0; ok && i < 6; i++)
            {
                ok = Mmu.ReadSystem(s, at + 0x48 + (4 * i), out t->Selectors[i]);
            }

            return ok && Mmu.ReadSystem(s, at + 0x60, out t->Ldt) && Mmu.ReadSystem(s, at + 0x64, out t->Trap);
        }

        bool ok16 = Mmu.ReadSystem(s, at + 0xE, out ushort ip) & Mmu.ReadSystem(s, at + 0x10, out ushort flags);
        t->Eip = ip;
        t->Flags = flags;
        for (uint i = 0; ok16 && i < 8; i++)
        {
            ok16 = Mmu.ReadSystem(s, at + 0x12 + (2 * i), out ushort r);
            t->Gpr[i] = r;
        }

        for (uint i = 0; ok16 && i < 4; i++)
        {
            ok16 = Mmu.ReadSystem(s, at + 0x22 + (2 * i), out t->Selectors[i]);
        }

        return ok16 && Mmu.ReadSystem(s, at + 0x2A, out t->Ldt);
    }

    private static void Save(CpuState* s, uint at, bool is32, uint eip, uint flags)
    {
        if (is32)
        {
            Mmu.WriteSystem(s, at + 0x20, eip);
            Mmu.WriteSystem(s, at + 0x24, flags);
            for (int i = 0; i < 8; i++)
            {
                Mmu.WriteSystem(s, at + 0x28 + (4 * (uint)i), CpuState.R32(s, i));
            }

            for (int i = 0; i < 6; i++)
            {
                Mmu.WriteSystem(s, at + 0x48 + (4 * (uint)i), CpuState.Segment(s, i)->Selector);
            }

            return;
        }

        Mmu.WriteSystem(s, at + 0xE, (ushort)eip);
        Mmu.WriteSystem(s, at + 0x10, (ushort)flags);
        for (int i = 0; i < 8; i++)
        {
            Mmu.WriteSystem(s, at + 0x12 + (2 * (uint)i), (ushort)CpuState.R32(s, i));
        }

        for (int i = 0; i < 4; i++)
        {
            Mmu.WriteSystem(s, at + 0x22 + (2 * (uint)i), CpuState.Segment(s, i)->Selector);
        }
    }

    /// <summary>Loads the state of the new task; false with a fault of the new task recorded.</summary>
    private static bool Load(CpuState* s, NewTask* t, bool is32, uint ext)
    {
        s->Eip = t->Eip;
        LazyFlags.Write(s, t->Flags);
        for (int i = 0; i < 8; i++)
        {
            CpuState.R32(s, i) = t->Gpr[i];
        }

        // Selectors first, with nothing usable behind them: what a fault on the way shows.
        for (int i = 0; i < 6; i++)
        {
            Segmentation.SetNull(s, i, t->Selectors[i]);
        }

        Segmentation.SetNull(s, SegmentIndex.Ldtr, t->Ldt);
        bool v86 = CpuMode.IsV86(s);
        s->Cpl = v86 ? (byte)3 : (byte)(t->Selectors[SegmentIndex.Cs] & 3);
        s->Dr[7] &= ~LocalEnables;
        bool ok = LoadCr3(s, t->Cr3, is32) && LoadLdt(s, t->Ldt, ext);
        if (ok && v86)
        {
            for (int i = 0; i < 6; i++)
            {
                Segmentation.SetV86(s, i, t->Selectors[i]);
            }
        }
        else if (ok)
        {
            ok = LoadCode(s, t->Selectors[SegmentIndex.Cs], ext)
                && LoadStack(s, t->Selectors[SegmentIndex.Ss], ext)
                && LoadData(s, SegmentIndex.Ds, t->Selectors[SegmentIndex.Ds], ext)
                && LoadData(s, SegmentIndex.Es, t->Selectors[SegmentIndex.Es], ext)
                && LoadData(s, SegmentIndex.Fs, t->Selectors[SegmentIndex.Fs], ext)
                && LoadData(s, SegmentIndex.Gs, t->Selectors[SegmentIndex.Gs], ext);
        }

        if (ok && s->Eip > CpuState.Segment(s, SegmentIndex.Cs)->Limit)
        {
            ok = Faults.Record(s, ExceptionVector.GeneralProtection, ext);
        }

        if (is32 && (t->Trap & 1) != 0)
        {
            s->DebugHits |= DebugRegisters.TaskSwitched;
        }

        CpuMode.Update(s);
        CpuCore.UpdatePending(s);
        return ok;
    }

    private static bool LoadCr3(CpuState* s, uint cr3, bool is32)
    {
        if (!is32 || (s->Cr0 & Cr0.PG) == 0)
        {
            return true;
        }

        if ((s->Cr4 & Cr4.PAE) != 0 && !PageWalk.LoadPageDirectoryPointers(s, cr3))
        {
            return Faults.Record(s, ExceptionVector.GeneralProtection, 0);
        }

        s->Cr3 = cr3;
        PageWalk.FlushNonGlobal(s);
        return true;
    }

    private static bool LoadLdt(CpuState* s, ushort selector, uint ext)
    {
        if (Segmentation.IsNull(selector))
        {
            return true;
        }

        if ((selector & 4) != 0)
        {
            return Faults.Record(s, ExceptionVector.InvalidTss, Segmentation.Error(selector, ext));
        }

        if (!Segmentation.ReadDescriptor(s, selector, ExceptionVector.InvalidTss, ext, out Descriptor d))
        {
            return false;
        }

        if (d.IsSegment || d.Type != Descriptor.Ldt || !d.IsPresent)
        {
            return Faults.Record(s, ExceptionVector.InvalidTss, Segmentation.Error(selector, ext));
        }

        Segmentation.Load(s, SegmentIndex.Ldtr, selector, d);
        return true;
    }

    private static bool LoadCode(CpuState* s, ushort selector, uint ext)
    {
        if (Segmentation.IsNull(selector))
        {
            return Faults.Record(s, ExceptionVector.InvalidTss, Segmentation.Error(selector, ext));
        }

        if (!Segmentation.ReadDescriptor(s, selector, ExceptionVector.InvalidTss, ext, out Descriptor d))
        {
            return false;
        }

        int rpl = selector & 3;
        if (!d.IsCode || (d.IsConformingCode ? d.Dpl > rpl : d.Dpl != rpl))
        {
            return Faults.Record(s, ExceptionVector.InvalidTss, Segmentation.Error(selector, ext));
        }

        if (!d.IsPresent)
        {
            return Faults.Record(s, ExceptionVector.SegmentNotPresent, Segmentation.Error(selector, ext));
        }

        return LoadChecked(s, SegmentIndex.Cs, selector, d);
    }

    private static bool LoadStack(CpuState* s, ushort selector, uint ext) =>
        Segmentation.CheckStack(s, selector, s->Cpl, ExceptionVector.InvalidTss, ext, out Descriptor d)
        && LoadChecked(s, SegmentIndex.Ss, selector, d);

    private static bool LoadData(CpuState* s, int segment, ushort selector, uint ext) =>
        Segmentation.IsNull(selector)
        || (Segmentation.CheckData(s, selector, s->Cpl, ExceptionVector.InvalidTss, ext, out Descriptor d) && LoadChecked(s, segment, selector, d));

    private static bool LoadChecked(CpuState* s, int segment, ushort selector, Descriptor d)
    {
        if (!Segmentation.SetAccessed(s, d))
        {
            return false;
        }

        Segmentation.Load(s, segment, selector, d);
        return true;
    }

    /// <summary>What a TSS holds of a task.</summary>
    private struct NewTask
    {
        public uint Cr3;
        public uint Eip;
        public uint Flags;
        public fixed uint Gpr[8];
        public fixed ushort Selectors[6];
        public ushort Ldt;
        public ushort Trap;
    }
}
