using System.Numerics;
using Emulator.Core.Cpu;

namespace Emulator.Core.Memory;

/// <summary>
/// Translation of linear to physical addresses (SDM volume 3, chapter 4): 32-bit paging with 4 MiB pages (PSE), PAE with 2 MiB pages and NX,
/// write protection, global pages, accessed and dirty bits, and the TLBs that cache the result: one for data, one for code.
/// </summary>
public static unsafe class PageWalk
{
    private const uint Present = 1;
    private const uint Writable = 2;
    private const uint User = 4;
    private const uint Accessed = 0x20;
    private const uint Dirty = 0x40;
    private const uint Large = 0x80;
    private const uint GlobalPage = 0x100;
    private const ulong NoExecute = 1ul << 63;

    /// <summary>Physical address bits (MAXPHYADDR) of every model here.</summary>
    private const int PhysicalBits = 36;
    private const ulong PaeReserved = ((1ul << 63) - 1) & ~((1ul << PhysicalBits) - 1);
    private const ulong PaeAddress = ((1ul << PhysicalBits) - 1) & ~0xFFFul;

    /// <summary>The TLB record that permits a data access, walking the page tables if needed; null with #PF recorded.</summary>
    /// <param name="s">The state.</param>
    /// <param name="linear">Linear address.</param>
    /// <param name="kind">Read or write.</param>
    /// <param name="user">Whether the access is made with user privilege.</param>
    public static TlbEntry* Lookup(CpuState* s, uint linear, AccessKind kind, bool user)
    {
        TlbEntry* e = (user ? s->UserTlb : s->SupervisorTlb) + ((linear >> 12) & (TlbEntry.Count - 1));
        if (e->PageTag == (linear & 0xFFFFF000))
        {
            if (kind == AccessKind.Read || (e->Flags & TlbFlags.Writable) != 0)
            {
                return e;
            }
        }

        return Fill(s, e, linear, kind, user) ? e : null;
    }

    /// <summary>
    /// Translates the page of an instruction with the current privilege level, walking the page tables if it is not in the instruction TLB.
    /// </summary>
    /// <param name="s">The state.</param>
    /// <param name="linear">Linear address.</param>
    /// <param name="record">Receives the record of the <see cref="InstructionTlb"/>.</param>
    /// <returns>False with #PF recorded.</returns>
    internal static bool Fetch(CpuState* s, uint linear, out ulong record)
    {
        bool user = s->Cpl == 3;
        ulong* table = user ? s->UserInstructionTlb : s->SupervisorInstructionTlb;
        record = table[InstructionTlb.IndexOf(linear)];
        if (InstructionTlb.IsHit(record, linear))
        {
            return true;
        }

        Translation t = default;
        if (!Translate(s, linear, AccessKind.Execute, user, ref t))
        {
            return false;
        }

        record = InstructionTlb.Record(linear, t.Frame);
        if (InstructionTlb.Fill(table, record, t.IsGlobal, t.IsLarge))
        {
            CpuCore.Of(s).Blocks.TranslationsChanged();
        }

        return true;
    }

    /// <summary>Translates for a debugger: no permission checks, no accessed bits, no fault.</summary>
    /// <param name="s">The state.</param>
    /// <param name="linear">Linear address.</param>
    /// <param name="physical">Receives the physical address.</param>
    /// <returns>False when not mapped.</returns>
    public static bool Peek(CpuState* s, uint linear, out uint physical)
    {
        Translation t = default;
        bool ok = Walk(s, linear, ref t);
        physical = t.Frame | (linear & 0xFFF);
        return ok && t.Frame != PhysicalMemory.NoPage;
    }

    /// <summary>Drops every cached translation, global ones included.</summary>
    /// <param name="s">The state.</param>
    public static void FlushAll(CpuState* s)
    {
        Clear(s->SupervisorTlb, keepGlobal: false);
        Clear(s->UserTlb, keepGlobal: false);
        InstructionTlb.Clear(s->SupervisorInstructionTlb, keepGlobal: false);
        InstructionTlb.Clear(s->UserInstructionTlb, keepGlobal: false);
        CpuCore core = CpuCore.Of(s);
        core.ForgetLargePages();
        core.Blocks.TranslationsChanged();
    }

    /// <summary>Drops every cached translation that is not global, as a CR3 load does.</summary>
    /// <param name="s">The state.</param>
    public static void FlushNonGlobal(CpuState* s)
    {
        if ((s->Cr4 & Cr4.PGE) == 0)
        {
            FlushAll(s);
            return;
        }

        Clear(s->SupervisorTlb, keepGlobal: true);
        Clear(s->UserTlb, keepGlobal: true);
        InstructionTlb.Clear(s->SupervisorInstructionTlb, keepGlobal: true);
        InstructionTlb.Clear(s->UserInstructionTlb, keepGlobal: true);
        CpuCore.Of(s).Blocks.TranslationsChanged();
    }

    /// <summary>Drops the cached translation of one page, as INVLPG does: all records of a large page (SDM volume 3, section 4.10.4.1).</summary>
    /// <param name="s">The state.</param>
    /// <param name="linear">Any address in the page.</param>
    public static void FlushPage(CpuState* s, uint linear)
    {
        if (CpuCore.Of(s).HasLargePage(linear))
        {
            // 4 MiB also with PAE, where these are two pages: dropping more than was asked for is allowed.
            DropLarge(s->SupervisorTlb, linear);
            DropLarge(s->UserTlb, linear);
            InstructionTlb.DropLarge(s->SupervisorInstructionTlb, linear);
            InstructionTlb.DropLarge(s->UserInstructionTlb, linear);
        }

        Drop(s->SupervisorTlb + ((linear >> 12) & (TlbEntry.Count - 1)));
        Drop(s->UserTlb + ((linear >> 12) & (TlbEntry.Count - 1)));
        InstructionTlb.DropPage(s->SupervisorInstructionTlb, linear);
        InstructionTlb.DropPage(s->UserInstructionTlb, linear);
        CpuCore.Of(s).Blocks.TranslationsChanged();
    }

    /// <summary>Loads the four PAE page-directory pointers from CR3's table, as MOV to CR0, CR3 and CR4 do.</summary>
    /// <param name="s">The state.</param>
    /// <param name="cr3">The CR3 value to load them by.</param>
    /// <returns>False when a present one has reserved bits set (#GP); nothing is loaded then.</returns>
    public static bool LoadPageDirectoryPointers(CpuState* s, uint cr3)
    {
        CpuCore core = CpuCore.Of(s);
        ulong* loaded = stackalloc ulong[4];
        for (uint i = 0; i < 4; i++)
        {
            ulong entry = core.Memory.Read<ulong>(((cr3 & 0xFFFFFFE0) + (8 * i)) & core.A20Mask);
            if ((entry & Present) != 0 && (entry & (PaeReserved | NoExecute | 0x1E6)) != 0)
            {
                return false;
            }

            loaded[i] = entry;
        }

        for (int i = 0; i < 4; i++)
        {
            s->Pdpte[i] = loaded[i];
        }

        return true;
    }

    /// <summary>Sets the inline tags of a record from its permissions and the kind of its physical page.</summary>
    /// <param name="core">The CPU.</param>
    /// <param name="e">The record.</param>
    /// <param name="page">Linear page address.</param>
    internal static void SetTags(CpuCore core, TlbEntry* e, uint page)
    {
        byte* host = e->Physical == PhysicalMemory.NoPage ? null : core.Memory.HostPage(e->Physical);
        e->Addend = (nuint)host - page;
        e->ReadTag = host != null ? page : TlbEntry.Invalid;
        e->WriteTag = host != null && (e->Flags & TlbFlags.Writable) != 0 && core.Memory.IsRam(e->Physical) && !core.Memory.NoticesWrites(e->Physical)
            ? page
            : TlbEntry.Invalid;
        bool codeOnly = e->WriteTag != page && host != null && (e->Flags & TlbFlags.Writable) != 0 && core.Memory.IsRam(e->Physical) && core.Memory.NoticesCodeOnly(e->Physical);
        e->Flags = codeOnly ? e->Flags | TlbFlags.CodeOnly : e->Flags & ~TlbFlags.CodeOnly;
        if (e->WriteTag == page)
        {
            core.StoreObserver?.Invoke(page);
        }
    }

    /// <summary>Makes writes to a physical page take the slow path, because code was decoded from it.</summary>
    /// <param name="s">The state.</param>
    /// <param name="physical">Physical page address.</param>
    internal static void ProtectCodePage(CpuState* s, uint physical)
    {
        ProtectCodePage(s->SupervisorTlb, physical);
        ProtectCodePage(s->UserTlb, physical);
    }

    private static void ProtectCodePage(TlbEntry* table, uint physical)
    {
        foreach (TlbEntry* e in new UsedRecords(table))
        {
            if (e->Physical == physical && e->WriteTag != TlbEntry.Invalid)
            {
                e->WriteTag = TlbEntry.Invalid;
                e->Flags |= TlbFlags.CodeOnly;
            }
        }
    }

    /// <summary>Drops the cached translations to a physical range that got another mapping.</summary>
    /// <param name="s">The state.</param>
    /// <param name="physical">First byte.</param>
    /// <param name="length">Bytes.</param>
    internal static void FlushPhysical(CpuState* s, uint physical, uint length)
    {
        DropPhysical(s->SupervisorTlb, physical, length);
        DropPhysical(s->UserTlb, physical, length);
        bool fetched = InstructionTlb.DropPhysical(s->SupervisorInstructionTlb, physical, length);
        fetched |= InstructionTlb.DropPhysical(s->UserInstructionTlb, physical, length);
        if (fetched)
        {
            // A store in the middle of a block can do this: the next instruction is fetched anew, whatever executes.
            CpuCore.Of(s).Blocks.Clear();
        }

        CpuCore.Of(s).Blocks.TranslationsChanged();
    }

    /// <summary>Makes writes to a physical range take the slow path where they must be noticed.</summary>
    /// <param name="s">The state.</param>
    /// <param name="physical">First byte.</param>
    /// <param name="length">Bytes.</param>
    internal static void WatchWrites(CpuState* s, uint physical, uint length)
    {
        PhysicalMemory memory = CpuCore.Of(s).Memory;
        Watch(memory, s->SupervisorTlb, physical, length);
        Watch(memory, s->UserTlb, physical, length);
    }

    private static void Watch(PhysicalMemory memory, TlbEntry* table, uint physical, uint length)
    {
        foreach (TlbEntry* e in new UsedRecords(table))
        {
            if (e->Physical - physical < length && memory.NoticesWrites(e->Physical) && !memory.NoticesCodeOnly(e->Physical))
            {
                e->WriteTag = TlbEntry.Invalid;
                e->Flags &= ~TlbFlags.CodeOnly;
            }
        }
    }

    private static void DropPhysical(TlbEntry* table, uint physical, uint length)
    {
        foreach (TlbEntry* e in new UsedRecords(table))
        {
            if (e->Physical - physical < length)
            {
                Drop(e);
            }
        }
    }

    /// <summary>Walks the page tables for an access and sets accessed and dirty bits; false with #PF recorded.</summary>
    private static bool Translate(CpuState* s, uint linear, AccessKind kind, bool user, ref Translation t)
    {
        CpuCore core = CpuCore.Of(s);
        core.TlbMisses++;
        if (!Walk(s, linear, ref t))
        {
            return Fail(s, linear, kind, user, (t.IsReserved ? 8u : 0) | (t.IsReserved ? Present : 0));
        }

        t.IsWritable |= !user && (s->Cr0 & Cr0.WP) == 0;
        if ((user && !t.IsUser) || (kind == AccessKind.Write && !t.IsWritable) || (kind == AccessKind.Execute && t.IsNoExecute))
        {
            return Fail(s, linear, kind, user, Present);
        }

        SetAccessedAndDirty(core, in t, kind == AccessKind.Write);
        if (t.IsLarge)
        {
            core.NoteLargePage(linear);
        }

        return true;
    }

    private static bool Fill(CpuState* s, TlbEntry* e, uint linear, AccessKind kind, bool user)
    {
        Translation t = default;
        if (!Translate(s, linear, kind, user, ref t))
        {
            return false;
        }

        e->PageTag = linear & 0xFFFFF000;
        uint index = (linear >> 12) & (TlbEntry.Count - 1);
        TlbEntry* table = user ? s->UserTlb : s->SupervisorTlb;
        ulong bit = 1ul << (int)(index % 64);
        Used(table)[index / 64] |= bit;
        ref ulong global = ref Global(table)[index / 64];
        global = t.IsGlobal ? global | bit : global & ~bit;
        e->Physical = t.Frame;
        e->Flags = (t.IsWritable && (t.IsDirty || kind == AccessKind.Write) ? TlbFlags.Writable : 0)
            | (t.IsLarge ? TlbFlags.Large : 0);
        SetTags(CpuCore.Of(s), e, e->PageTag);
        return true;
    }

    private static bool Walk(CpuState* s, uint linear, ref Translation t)
    {
        CpuCore core = CpuCore.Of(s);
        if ((s->Cr0 & Cr0.PG) == 0)
        {
            t.Frame = linear & 0xFFFFF000 & core.A20Mask;
            t.IsWritable = t.IsUser = t.IsDirty = true;
            return true;
        }

        return (s->Cr4 & Cr4.PAE) != 0 ? WalkPae(s, core, linear, ref t) : Walk32(s, core, linear, ref t);
    }

    private static bool Walk32(CpuState* s, CpuCore core, uint linear, ref Translation t)
    {
        uint pdeAt = ((s->Cr3 & 0xFFFFF000) | ((linear >> 20) & 0xFFC)) & core.A20Mask;
        uint pde = core.Memory.Read<uint>(pdeAt);
        if ((pde & Present) == 0)
        {
            return false;
        }

        t.UpperAt = pdeAt;
        t.Upper = pde;
        if ((pde & Large) != 0 && (s->Cr4 & Cr4.PSE) != 0)
        {
            // PSE-36: bits 20–13 of the entry are address bits 39–32; bit 21 (and what exceeds 36 bits) is reserved.
            if ((pde & 0x3E0000) != 0)
            {
                t.IsReserved = true;
                return false;
            }

            t.IsLarge = true;
            t.Set(pde, s->Cr4);
            t.Frame = (pde & 0x1E000) != 0 ? PhysicalMemory.NoPage : ((pde & 0xFFC00000) | (linear & 0x3FF000)) & core.A20Mask;
            return true;
        }

        t.LowerAt = ((pde & 0xFFFFF000) | ((linear >> 10) & 0xFFC)) & core.A20Mask;
        uint pte = core.Memory.Read<uint>(t.LowerAt);
        if ((pte & Present) == 0)
        {
            return false;
        }

        t.Lower = pte;
        t.Set(pde & pte & (Writable | User) | (pte & ~(Writable | User)), s->Cr4);
        t.Frame = pte & 0xFFFFF000 & core.A20Mask;
        return true;
    }

    private static bool WalkPae(CpuState* s, CpuCore core, uint linear, ref Translation t)
    {
        ulong pdpte = s->Pdpte[linear >> 30];
        if ((pdpte & Present) == 0)
        {
            return false;
        }

        ulong reserved = PaeReserved | ((s->Efer & Efer.NXE) == 0 ? NoExecute : 0);
        t.IsPae = true;
        ulong pdeAddress = (pdpte & PaeAddress) | ((linear >> 18) & 0xFF8);
        ulong pde = ReadEntry(core, pdeAddress);
        if ((pde & Present) == 0)
        {
            return false;
        }

        if ((pde & reserved) != 0)
        {
            t.IsReserved = true;
            return false;
        }

        t.UpperAt = (uint)pdeAddress & core.A20Mask;
        t.Upper = pde;
        if ((pde & Large) != 0)
        {
            if ((pde & 0x1FE000) != 0)
            {
                t.IsReserved = true;
                return false;
            }

            t.IsLarge = true;
            t.IsNoExecute = (pde & NoExecute) != 0;
            t.Set((uint)pde, s->Cr4);
            t.Frame = Frame(core, (pde & PaeAddress & ~0x1FFFFFul) | (linear & 0x1FF000));
            return true;
        }

        ulong pteAddress = (pde & PaeAddress) | ((linear >> 9) & 0xFF8);
        ulong pte = ReadEntry(core, pteAddress);
        if ((pte & Present) == 0)
        {
            return false;
        }

        if ((pte & reserved) != 0)
        {
            t.IsReserved = true;
            return false;
        }

        t.LowerAt = (uint)pteAddress & core.A20Mask;
        t.Lower = pte;
        t.IsNoExecute = ((pde | pte) & NoExecute) != 0;
        t.Set((uint)(pde & pte & (Writable | User)) | ((uint)pte & ~(Writable | User)), s->Cr4);
        t.Frame = Frame(core, pte & PaeAddress);
        return true;
    }

    private static ulong ReadEntry(CpuCore core, ulong address) =>
        address > uint.MaxValue ? ulong.MaxValue : core.Memory.Read<ulong>((uint)address & core.A20Mask);

    private static uint Frame(CpuCore core, ulong address) =>
        address > uint.MaxValue ? PhysicalMemory.NoPage : (uint)address & core.A20Mask;

    private static void SetAccessedAndDirty(CpuCore core, in Translation t, bool write)
    {
        if (t.Upper == 0)
        {
            return;
        }

        ulong upper = t.Upper | Accessed | (t.IsLarge && write ? Dirty : 0);
        if (upper != t.Upper)
        {
            WriteEntry(core, t.UpperAt, upper, t.IsPae);
        }

        ulong lower = t.Lower | Accessed | (write ? Dirty : 0);
        if (!t.IsLarge && lower != t.Lower)
        {
            WriteEntry(core, t.LowerAt, lower, t.IsPae);
        }
    }

    private static void WriteEntry(CpuCore core, uint address, ulong entry, bool pae)
    {
        if (pae)
        {
            core.Memory.Write(address, entry);
        }
        else
        {
            core.Memory.Write(address, (uint)entry);
        }
    }

    private static bool Fail(CpuState* s, uint linear, AccessKind kind, bool user, uint error)
    {
        s->Cr2 = linear;
        bool fetchBit = kind == AccessKind.Execute && (s->Cr4 & Cr4.PAE) != 0 && (s->Efer & Efer.NXE) != 0;
        return Faults.Record(s, ExceptionVector.PageFault, error | (kind == AccessKind.Write ? 2u : 0) | (user ? 4u : 0) | (fetchBit ? 16u : 0));
    }

    /// <summary>A bit for each record that may hold a translation.</summary>
    internal static ulong* Used(TlbEntry* table) => (ulong*)(table + TlbEntry.Count);

    /// <summary>A bit for each of these whose translation is global.</summary>
    private static ulong* Global(TlbEntry* table) => Used(table) + (TlbEntry.Count / 64);

    private static void Clear(TlbEntry* table, bool keepGlobal)
    {
        ulong* used = Used(table);
        ulong* global = Global(table);
        for (int word = 0; word < TlbEntry.Count / 64; word++)
        {
            ulong kept = keepGlobal ? global[word] : 0;
            for (ulong bits = used[word] & ~kept; bits != 0; bits &= bits - 1)
            {
                Drop(table + (word * 64) + BitOperations.TrailingZeroCount(bits));
            }

            used[word] &= kept;
            global[word] = kept;
        }
    }

    private static void Drop(TlbEntry* e) => e->ReadTag = e->WriteTag = e->PageTag = TlbEntry.Invalid;

    private static void DropLarge(TlbEntry* table, uint linear)
    {
        foreach (TlbEntry* e in new UsedRecords(table))
        {
            if ((e->Flags & TlbFlags.Large) != 0 && (e->PageTag ^ linear) < 4u << 20)
            {
                Drop(e);
            }
        }
    }

    private struct Translation
    {
        public ulong Upper;
        public ulong Lower;
        public uint UpperAt;
        public uint LowerAt;
        public uint Frame;
        public bool IsWritable;
        public bool IsUser;
        public bool IsNoExecute;
        public bool IsGlobal;
        public bool IsDirty;
        public bool IsLarge;
        public bool IsPae;
        public bool IsReserved;

        public void Set(uint bits, uint cr4)
        {
            IsWritable = (bits & Writable) != 0;
            IsUser = (bits & User) != 0;
            IsDirty = (bits & Dirty) != 0;
            IsGlobal = (bits & GlobalPage) != 0 && (cr4 & Cr4.PGE) != 0;
        }
    }
}
