using System.Runtime.CompilerServices;
using Emulator.Core.Cpu;
using Emulator.Core.Decoding;

namespace Emulator.Core.Memory;

/// <summary>What a memory access wants.</summary>
public enum AccessKind
{
    /// <summary>Data read.</summary>
    Read,

    /// <summary>Data write.</summary>
    Write,

    /// <summary>Instruction fetch.</summary>
    Execute,
}

/// <summary>
/// Linear memory: the slow paths behind the inline TLB check, and the accesses of the CPU itself (descriptor tables, task state, stacks of
/// other privilege levels). Every access is all or nothing: a page fault is recorded in the state before any byte is written.
/// </summary>
public static unsafe partial class Mmu
{
    private const uint PageMask = 0xFFFFF000;

    /// <summary>Reads with the current privilege level; false with #PF recorded.</summary>
    /// <typeparam name="T">An unmanaged type of at most 32 bytes.</typeparam>
    /// <param name="s">The state.</param>
    /// <param name="linear">Linear address.</param>
    /// <param name="value">Receives the value.</param>
    public static bool Read<T>(CpuState* s, uint linear, out T value)
        where T : unmanaged => Read(s, s->Cpl == 3, linear, out value);

    /// <summary>Writes with the current privilege level; false with #PF recorded.</summary>
    /// <typeparam name="T">An unmanaged type of at most 32 bytes.</typeparam>
    /// <param name="s">The state.</param>
    /// <param name="linear">Linear address.</param>
    /// <param name="value">The value.</param>
    public static bool Write<T>(CpuState* s, uint linear, T value)
        where T : unmanaged => Write(s, s->Cpl == 3, linear, value);

    /// <summary>Reads as implicit supervisor access (descriptor tables, TSS); false with #PF recorded.</summary>
    /// <typeparam name="T">An unmanaged type of at most 32 bytes.</typeparam>
    /// <param name="s">The state.</param>
    /// <param name="linear">Linear address.</param>
    /// <param name="value">Receives the value.</param>
    public static bool ReadSystem<T>(CpuState* s, uint linear, out T value)
        where T : unmanaged => Read(s, user: false, linear, out value);

    /// <summary>Writes as implicit supervisor access; false with #PF recorded.</summary>
    /// <typeparam name="T">An unmanaged type of at most 32 bytes.</typeparam>
    /// <param name="s">The state.</param>
    /// <param name="linear">Linear address.</param>
    /// <param name="value">The value.</param>
    public static bool WriteSystem<T>(CpuState* s, uint linear, T value)
        where T : unmanaged => Write(s, user: false, linear, value);

    /// <summary>Checks that a range can be written, without writing; false with #PF recorded.</summary>
    /// <param name="s">The state.</param>
    /// <param name="linear">Linear address.</param>
    /// <param name="size">Bytes, at least 1, at most 4096.</param>
    /// <param name="user">Whether the access is made with user privilege.</param>
    public static bool CheckWrite(CpuState* s, uint linear, int size, bool user)
    {
        uint last = linear + (uint)size - 1;
        return PageWalk.Lookup(s, linear, AccessKind.Write, user) != null
            && (((linear ^ last) & PageMask) == 0 || PageWalk.Lookup(s, last & PageMask, AccessKind.Write, user) != null);
    }

    /// <summary>Checks that a range can be read; false with #PF recorded.</summary>
    /// <param name="s">The state.</param>
    /// <param name="linear">Linear address.</param>
    /// <param name="size">Bytes, at least 1, at most 4096.</param>
    /// <param name="user">Whether the access is made with user privilege.</param>
    public static bool CheckRead(CpuState* s, uint linear, int size, bool user)
    {
        uint last = linear + (uint)size - 1;
        return PageWalk.Lookup(s, linear, AccessKind.Read, user) != null
            && (((linear ^ last) & PageMask) == 0 || PageWalk.Lookup(s, last & PageMask, AccessKind.Read, user) != null);
    }

    /// <summary>
    /// Operand read of an instruction: alignment check, data breakpoints, page crossing, devices. False with #PF or #AC recorded.
    /// </summary>
    /// <param name="s">The state.</param>
    /// <param name="op">The instruction; after a device access that changed what is pending, its block ends behind it.</param>
    /// <param name="linear">Linear address.</param>
    /// <param name="value">Receives the bytes.</param>
    /// <param name="size">Bytes.</param>
    public static bool ReadOperand(CpuState* s, Op* op, uint linear, byte* value, int size)
    {
        if (s->Tlb == s->EmptyTlb && !CheckedAccess(s, linear, size, write: false))
        {
            return false;
        }

        if (((linear + (uint)size - 1) ^ linear) <= 0xFFF)
        {
            TlbEntry* e = PageWalk.Lookup(s, linear, AccessKind.Read, s->Cpl == 3);
            if (e == null)
            {
                return false;
            }

            if (e->ReadTag != TlbEntry.Invalid)
            {
                Unsafe.CopyBlockUnaligned(value, (byte*)(e->Addend + linear), (uint)size);
                return true;
            }

            CpuCore core = CpuCore.Of(s);
            core.BeginDeviceAccess(op);
            ReadPhysical(core, e, linear, value, size);
            core.EndDeviceAccess(op);
            return true;
        }

        CpuCore owner = CpuCore.Of(s);
        owner.BeginDeviceAccess(op);
        bool done = Copy(s, linear, value, size, AccessKind.Read, s->Cpl == 3);
        owner.EndDeviceAccess(op);
        return done;
    }

    /// <summary>Operand write of an instruction, as <see cref="ReadOperand"/>.</summary>
    /// <param name="s">The state.</param>
    /// <param name="op">The instruction.</param>
    /// <param name="linear">Linear address.</param>
    /// <param name="value">The bytes.</param>
    /// <param name="size">Bytes.</param>
    public static bool WriteOperand(CpuState* s, Op* op, uint linear, byte* value, int size)
    {
        if (s->Tlb == s->EmptyTlb && !CheckedAccess(s, linear, size, write: true))
        {
            return false;
        }

        if (((linear + (uint)size - 1) ^ linear) <= 0xFFF)
        {
            TlbEntry* e = PageWalk.Lookup(s, linear, AccessKind.Write, s->Cpl == 3);
            if (e == null)
            {
                return false;
            }

            if (e->WriteTag != TlbEntry.Invalid || (BlockCache.IsBesideCode(s, e, linear, size) && CpuCore.Of(s).StoreObserver is null))
            {
                Unsafe.CopyBlockUnaligned((byte*)(e->Addend + linear), value, (uint)size);
                return true;
            }
        }

        CpuCore core = CpuCore.Of(s);
        core.BeginDeviceAccess(op);
        bool done = Copy(s, linear, value, size, AccessKind.Write, s->Cpl == 3);
        core.EndDeviceAccess(op);
        return done;
    }

    /// <summary>Reads guest memory for a debugger: no faults, no accessed bits, no side effects.</summary>
    /// <param name="s">The state.</param>
    /// <param name="linear">Linear address.</param>
    /// <param name="value">Receives the byte.</param>
    /// <returns>False where nothing is mapped.</returns>
    public static bool Peek(CpuState* s, uint linear, out byte value)
    {
        value = 0;
        if (!PageWalk.Peek(s, linear, out uint physical))
        {
            return false;
        }

        value = CpuCore.Of(s).Memory.Peek(physical);
        return true;
    }

    /// <summary>Alignment check of an operand at CPL 3; false with #AC recorded.</summary>
    /// <param name="s">The state.</param>
    /// <param name="linear">Linear address.</param>
    /// <param name="size">Bytes.</param>
    internal static bool CheckAlignment(CpuState* s, uint linear, int size)
    {
        if (s->Cpl == 3 && (s->Cr0 & Cr0.AM) != 0 && (s->EflagsRest & Eflags.AC) != 0)
        {
            uint mask = size switch { 2 => 1, 4 => 3, 8 or 10 => 7, _ => 0 };
            if ((linear & mask) != 0)
            {
                return Faults.Record(s, ExceptionVector.AlignmentCheck, 0);
            }
        }

        return true;
    }

    private static bool CheckedAccess(CpuState* s, uint linear, int size, bool write)
    {
        if (!CheckAlignment(s, linear, size))
        {
            return false;
        }

        DebugRegisters.CheckData(s, linear, size, write);
        return true;
    }

    private static TlbEntry* Entry(CpuState* s, bool user, uint linear) =>
        (user ? s->UserTlb : s->SupervisorTlb) + ((linear >> 12) & (TlbEntry.Count - 1));

    private static bool Read<T>(CpuState* s, bool user, uint linear, out T value)
        where T : unmanaged
    {
        TlbEntry* e = Entry(s, user, linear);
        if (((linear + (uint)(sizeof(T) - 1)) & PageMask) == e->ReadTag)
        {
            value = *(T*)(e->Addend + linear);
            return true;
        }

        Unsafe.SkipInit(out value);
        fixed (T* p = &value)
        {
            return Copy(s, linear, (byte*)p, sizeof(T), AccessKind.Read, user);
        }
    }

    private static bool Write<T>(CpuState* s, bool user, uint linear, T value)
        where T : unmanaged
    {
        TlbEntry* e = Entry(s, user, linear);
        if (((linear + (uint)(sizeof(T) - 1)) & PageMask) == e->WriteTag)
        {
            *(T*)(e->Addend + linear) = value;
            return true;
        }

        return Copy(s, linear, (byte*)&value, sizeof(T), AccessKind.Write, user);
    }

    private static bool Copy(CpuState* s, uint linear, byte* value, int size, AccessKind kind, bool user)
    {
        uint last = linear + (uint)size - 1;
        int first = size;
        if (((linear ^ last) & PageMask) != 0)
        {
            first = (int)(PhysicalMemory.PageSize - (linear & 0xFFF));

            // Both translations before either half moves; the lower page faults first.
            if (PageWalk.Lookup(s, linear, kind, user) == null || PageWalk.Lookup(s, last & PageMask, kind, user) == null)
            {
                return false;
            }
        }

        TlbEntry* e = PageWalk.Lookup(s, linear, kind, user);
        if (e == null)
        {
            return false;
        }

        CpuCore core = CpuCore.Of(s);
        Move(core, e, linear, value, first, kind);
        if (first != size)
        {
            e = PageWalk.Lookup(s, last & PageMask, kind, user);
            Move(core, e, last & PageMask, value + first, size - first, kind);
        }

        return true;
    }

    private static void Move(CpuCore core, TlbEntry* e, uint linear, byte* value, int size, AccessKind kind)
    {
        if (kind == AccessKind.Write)
        {
            WritePhysical(core, e, linear, value, size);
        }
        else
        {
            ReadPhysical(core, e, linear, value, size);
        }
    }

    private static void ReadPhysical(CpuCore core, TlbEntry* e, uint linear, byte* value, int size)
    {
        if (e->ReadTag != TlbEntry.Invalid)
        {
            Unsafe.CopyBlockUnaligned(value, (byte*)(e->Addend + linear), (uint)size);
            return;
        }

        if (e->Physical == PhysicalMemory.NoPage)
        {
            new Span<byte>(value, size).Fill(0xFF);
            return;
        }

        uint physical = e->Physical | (linear & 0xFFF);
        switch (size)
        {
            case 1:
                *value = core.Memory.Read<byte>(physical);
                break;
            case 2:
                *(ushort*)value = core.Memory.Read<ushort>(physical);
                break;
            case 4:
                *(uint*)value = core.Memory.Read<uint>(physical);
                break;
            case 8:
                *(ulong*)value = core.Memory.Read<ulong>(physical);
                break;
            default:
                core.Memory.ReadBlock(physical, new Span<byte>(value, size));
                break;
        }
    }

    private static void WritePhysical(CpuCore core, TlbEntry* e, uint linear, byte* value, int size)
    {
        if (e->WriteTag != TlbEntry.Invalid)
        {
            Unsafe.CopyBlockUnaligned((byte*)(e->Addend + linear), value, (uint)size);
            return;
        }

        if (e->Physical == PhysicalMemory.NoPage)
        {
            return;
        }

        core.StoreObserver?.Invoke(linear & PageMask);
        uint physical = e->Physical | (linear & 0xFFF);
        switch (size)
        {
            case 1:
                core.Memory.Write(physical, *value);
                break;
            case 2:
                core.Memory.Write(physical, *(ushort*)value);
                break;
            case 4:
                core.Memory.Write(physical, *(uint*)value);
                break;
            case 8:
                core.Memory.Write(physical, *(ulong*)value);
                break;
            default:
                core.Memory.WriteBlock(physical, new ReadOnlySpan<byte>(value, size));
                break;
        }

        // The page's last decoded code may just have gone: the next write is inline again.
        PageWalk.SetTags(core, e, linear & PageMask);
    }
}
