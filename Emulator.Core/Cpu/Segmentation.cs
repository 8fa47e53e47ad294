using Emulator.Core.Memory;

namespace Emulator.Core.Cpu;

/// <summary>Loading of segment registers, with the checks of SDM volume 3, chapters 3 and 5.</summary>
public static unsafe class Segmentation
{
    /// <summary>Attributes of every segment in virtual-8086 mode: present, DPL 3, writable data, accessed.</summary>
    internal const ushort V86Attributes = 0xF3;

    /// <summary>Attributes of a usable real-mode segment: present, DPL 0, writable data, accessed.</summary>
    internal const ushort RealAttributes = 0x93;

    /// <summary>
    /// Sets a segment register with its hidden part, without any check, and brings the derived state up to date. For loaders, debuggers
    /// and test harnesses; the privilege level is not touched (see <see cref="CpuState.Cpl"/>).
    /// </summary>
    /// <param name="s">The state.</param>
    /// <param name="index">A <see cref="SegmentIndex"/> value.</param>
    /// <param name="selector">Visible selector.</param>
    /// <param name="baseAddress">Linear base.</param>
    /// <param name="limit">Limit in bytes - 1.</param>
    /// <param name="attributes">As <see cref="SegmentRegister.Attributes"/>: 93h writable data, 9Bh code, with 4000h for 32 bits.</param>
    public static void SetHidden(CpuState* s, int index, ushort selector, uint baseAddress, uint limit, ushort attributes)
    {
        SegmentRegister* r = CpuState.Segment(s, index);
        r->Selector = selector;
        r->Base = baseAddress;
        r->Limit = limit;
        r->Attributes = attributes;
        r->Update();
        CpuMode.Update(s);
    }

    /// <summary>Sets a segment register from a raw descriptor, without any check; otherwise as <see cref="SetHidden"/>.</summary>
    /// <param name="s">The state.</param>
    /// <param name="index">A <see cref="SegmentIndex"/> value.</param>
    /// <param name="selector">Visible selector.</param>
    /// <param name="descriptor">The 8 bytes of the descriptor.</param>
    public static void SetRaw(CpuState* s, int index, ushort selector, ulong descriptor)
    {
        Descriptor d = new(descriptor, 0);
        SetHidden(s, index, selector, d.Base, d.Limit, d.Attributes);
    }

    /// <summary>
    /// Loads a segment register as real mode does: the base follows the selector; limit and attributes stay as they are ("unreal mode"),
    /// except that CS becomes writable and a segment made unusable by a null selector becomes a plain 64 KiB one.
    /// </summary>
    /// <param name="s">The state.</param>
    /// <param name="index">A <see cref="SegmentIndex"/> value, ES to GS.</param>
    /// <param name="selector">Paragraph number.</param>
    public static void SetReal(CpuState* s, int index, ushort selector)
    {
        SegmentRegister* r = CpuState.Segment(s, index);
        r->Selector = selector;
        r->Base = (uint)selector << 4;
        if (!r->IsUsable)
        {
            r->Attributes = RealAttributes;
            r->Limit = 0xFFFF;
        }
        else if (index == SegmentIndex.Cs)
        {
            r->Attributes = (ushort)((r->Attributes & 0xF000) | RealAttributes);
        }

        r->Update();
        CpuMode.Update(s);
    }

    /// <summary>Loads a segment register as virtual-8086 mode does.</summary>
    /// <param name="s">The state.</param>
    /// <param name="index">A <see cref="SegmentIndex"/> value, ES to GS.</param>
    /// <param name="selector">Paragraph number.</param>
    public static void SetV86(CpuState* s, int index, ushort selector) =>
        SetHidden(s, index, selector, (uint)selector << 4, 0xFFFF, V86Attributes);

    /// <summary>Loads ES, SS, DS, FS or GS as MOV and POP do in the current mode; false with #GP, #SS, #NP or #PF recorded.</summary>
    /// <param name="s">The state.</param>
    /// <param name="segment">A <see cref="SegmentIndex"/> value.</param>
    /// <param name="selector">The selector.</param>
    public static bool LoadSegment(CpuState* s, int segment, ushort selector)
    {
        if (CpuMode.IsReal(s))
        {
            SetReal(s, segment, selector);
            return true;
        }

        if (CpuMode.IsV86(s))
        {
            SetV86(s, segment, selector);
            return true;
        }

        if (segment != SegmentIndex.Ss && LoadPlain(s, segment, selector))
        {
            return true;
        }

        Descriptor d;
        if (segment == SegmentIndex.Ss)
        {
            if (!CheckStack(s, selector, s->Cpl, ExceptionVector.GeneralProtection, 0, out d))
            {
                return false;
            }
        }
        else if (IsNull(selector))
        {
            SetNull(s, segment, selector);
            CpuMode.Update(s);
            return true;
        }
        else if (!CheckData(s, selector, s->Cpl, ExceptionVector.GeneralProtection, 0, out d))
        {
            return false;
        }

        if (!SetAccessed(s, d))
        {
            return false;
        }

        Load(s, segment, selector, d);
        CpuMode.Update(s);
        return true;
    }

    /// <summary>
    /// Loads ES, DS, FS or GS in protected mode in the common case: nothing forbids it, the descriptor was accessed before and lies where the TLB
    /// knows, and <see cref="CpuState.ModeKey"/> stays as it is.
    /// </summary>
    /// <param name="s">The state.</param>
    /// <param name="segment">A <see cref="SegmentIndex"/> value.</param>
    /// <param name="selector">The selector.</param>
    /// <returns>False when nothing was done.</returns>
    internal static bool LoadPlain(CpuState* s, int segment, ushort selector)
    {
        SegmentRegister* r = CpuState.Segment(s, segment);
        SegmentRegister loaded = default;
        if (IsNull(selector))
        {
            loaded.Selector = selector;
            loaded.Update();
        }
        else
        {
            if (!FindDescriptor(s, selector, out uint address) || (address & 0xFFF) > PhysicalMemory.PageSize - sizeof(ulong))
            {
                return false;
            }

            TlbEntry* e = s->SupervisorTlb + ((address >> 12) & (TlbEntry.Count - 1));
            if (e->ReadTag != (address & 0xFFFFF000))
            {
                return false;
            }

            Descriptor d = new(*(ulong*)(e->Addend + address), address);
            if (!d.IsReadable || !d.IsPresent || (d.High & 0x100) == 0 || (!d.IsConformingCode && d.Dpl < Math.Max(s->Cpl, selector & 3)))
            {
                return false;
            }

            if (r->Selector == selector && r->Base == d.Base && r->Limit == d.Limit && r->Attributes == d.Attributes)
            {
                return true;
            }

            loaded = Register(selector, d);
        }

        if (segment is SegmentIndex.Ds or SegmentIndex.Es && ((loaded.Access ^ r->Access) & SegmentAccess.FlatData) != 0)
        {
            return false;
        }

        *r = loaded;
        return true;
    }

    /// <summary>Whether a selector is null (index 0 in the GDT, any RPL).</summary>
    internal static bool IsNull(ushort selector) => (selector & 0xFFFC) == 0;

    /// <summary>Error code that names a selector.</summary>
    internal static uint Error(ushort selector, uint ext) => (selector & 0xFFFCu) | ext;

    /// <summary>Makes a segment register unusable; <see cref="CpuMode.Update"/> is left to the caller.</summary>
    internal static void SetNull(CpuState* s, int segment, ushort selector)
    {
        SegmentRegister* r = CpuState.Segment(s, segment);
        *r = default;
        r->Selector = selector;
        r->Update();
    }

    /// <summary>Loads a checked descriptor; <see cref="CpuMode.Update"/> is left to the caller.</summary>
    internal static void Load(CpuState* s, int segment, ushort selector, Descriptor d)
    {
        SegmentRegister* r = CpuState.Segment(s, segment);
        *r = Register(selector, d);
    }

    /// <summary>A segment register with a checked descriptor in it.</summary>
    internal static SegmentRegister Register(ushort selector, Descriptor d)
    {
        SegmentRegister r = default;
        r.Selector = selector;
        r.Base = d.Base;
        r.Limit = d.Limit;
        r.Attributes = (ushort)(d.Attributes | (d.IsSegment ? SegmentRegister.TypeAccessed : 0));
        r.Update();
        return r;
    }

    /// <summary>Reads a descriptor; false with <paramref name="vector"/> (selector beyond its table) or #PF recorded.</summary>
    internal static bool ReadDescriptor(CpuState* s, ushort selector, byte vector, uint ext, out Descriptor d)
    {
        if (!FindDescriptor(s, selector, out uint address))
        {
            d = default;
            return Faults.Record(s, vector, Error(selector, ext));
        }

        bool ok = Mmu.ReadSystem(s, address, out ulong raw);
        d = new Descriptor(raw, address);
        return ok;
    }

    /// <summary>Finds where a selector's descriptor stands; false when it is beyond the table's limit.</summary>
    internal static bool FindDescriptor(CpuState* s, ushort selector, out uint address)
    {
        uint offset = selector & 0xFFF8u;
        if ((selector & 4) != 0)
        {
            SegmentRegister* ldt = CpuState.Segment(s, SegmentIndex.Ldtr);
            address = ldt->Base + offset;
            return ldt->IsUsable && offset + 7 <= ldt->Limit;
        }

        address = s->GdtBase + offset;
        return offset + 7 <= s->GdtLimit;
    }

    /// <summary>Checks a selector for SS at a privilege level; false with the vector (not present: #SS) recorded.</summary>
    internal static bool CheckStack(CpuState* s, ushort selector, int cpl, byte vector, uint ext, out Descriptor d)
    {
        if (IsNull(selector))
        {
            d = default;
            return Faults.Record(s, vector, ext);
        }

        if (!ReadDescriptor(s, selector, vector, ext, out d))
        {
            return false;
        }

        if ((selector & 3) != cpl || !d.IsWritableData || d.Dpl != cpl)
        {
            return Faults.Record(s, vector, Error(selector, ext));
        }

        return d.IsPresent || Faults.Record(s, ExceptionVector.StackFault, Error(selector, ext));
    }

    /// <summary>Checks a selector that is not null for ES, DS, FS or GS; false with the vector (not present: #NP) recorded.</summary>
    internal static bool CheckData(CpuState* s, ushort selector, int cpl, byte vector, uint ext, out Descriptor d)
    {
        if (!ReadDescriptor(s, selector, vector, ext, out d))
        {
            return false;
        }

        if (!d.IsReadable || (!d.IsConformingCode && d.Dpl < Math.Max(cpl, selector & 3)))
        {
            return Faults.Record(s, vector, Error(selector, ext));
        }

        return d.IsPresent || Faults.Record(s, ExceptionVector.SegmentNotPresent, Error(selector, ext));
    }

    /// <summary>Sets the accessed bit in the table if it is clear; false with #PF recorded.</summary>
    internal static bool SetAccessed(CpuState* s, Descriptor d) =>
        (d.High & 0x100) != 0 || Mmu.WriteSystem(s, d.Address + 5, (byte)((d.High >> 8) | 1));
}
