using Emulator.Core.Memory;

namespace Emulator.Core.Cpu;

/// <summary>Frames on a stack that are pushed as a whole or not at all.</summary>
internal static unsafe class StackFrame
{
    /// <summary>Bits of ESP that a stack segment uses.</summary>
    public static uint Mask(SegmentRegister* ss) => ss->IsBig ? 0xFFFFFFFF : 0xFFFF;

    /// <summary>Sets ESP, or SP alone on a 16-bit stack.</summary>
    public static void SetPointer(CpuState* s, uint value)
    {
        uint mask = Mask(CpuState.Segment(s, SegmentIndex.Ss));
        ref uint esp = ref CpuState.R32(s, 4);
        esp = (esp & ~mask) | (value & mask);
    }

    /// <summary>Checks that values can be pushed on the current stack; false with #SS, #AC or #PF recorded.</summary>
    public static bool CheckCurrent(CpuState* s, int size, int count)
    {
        SegmentRegister* ss = CpuState.Segment(s, SegmentIndex.Ss);
        uint esp = CpuState.R32(s, 4);
        return (s->Tlb != s->EmptyTlb || CheckAccesses(s, ss, esp, size, count)) && Check(s, ss, esp, size, count, s->Cpl == 3, 0);
    }

    /// <summary>Pushes on the current stack at the current privilege level, alignment checked; false with a fault recorded.</summary>
    public static bool PushCurrent(CpuState* s, int size, ReadOnlySpan<uint> values)
    {
        SegmentRegister* ss = CpuState.Segment(s, SegmentIndex.Ss);
        uint esp = CpuState.R32(s, 4);
        if (s->Tlb == s->EmptyTlb && !CheckAccesses(s, ss, esp, size, values.Length))
        {
            return false;
        }

        if (!Push(s, ss, ref esp, size, values, s->Cpl == 3, 0))
        {
            return false;
        }

        CpuState.R32(s, 4) = esp;
        return true;
    }

    /// <summary>Pushes values on a stack: all limit and page checks first, then all writes. False with #SS or #PF recorded.</summary>
    /// <param name="s">The state.</param>
    /// <param name="ss">The stack segment, not necessarily the current one.</param>
    /// <param name="esp">Its pointer; moved on success.</param>
    /// <param name="size">Bytes of a slot: 2 or 4.</param>
    /// <param name="values">The values in the order of the pushes.</param>
    /// <param name="user">Whether the stack belongs to privilege level 3, which then must be the current one.</param>
    /// <param name="error">Error code of #SS.</param>
    public static bool Push(CpuState* s, SegmentRegister* ss, ref uint esp, int size, ReadOnlySpan<uint> values, bool user, uint error)
    {
        if (TryPushInPage(s, ss, ref esp, size, values, user))
        {
            return true;
        }

        if (!Check(s, ss, esp, size, values.Length, user, error))
        {
            return false;
        }

        uint mask = Mask(ss);
        uint width = (uint)size;
        uint at = esp;
        for (int i = 0; i < values.Length; i++)
        {
            at -= width;
            uint linear = ss->Base + (at & mask);
            if (user)
            {
                _ = size == 2 ? Mmu.Write(s, linear, (ushort)values[i]) : Mmu.Write(s, linear, values[i]);
            }
            else
            {
                _ = size == 2 ? Mmu.WriteSystem(s, linear, (ushort)values[i]) : Mmu.WriteSystem(s, linear, values[i]);
            }
        }

        esp = (esp & ~mask) | (at & mask);
        return true;
    }

    /// <summary>The common case: the whole frame lies within the segment and within one writable page of RAM.</summary>
    private static bool TryPushInPage(CpuState* s, SegmentRegister* ss, ref uint esp, int size, ReadOnlySpan<uint> values, bool user)
    {
        uint mask = Mask(ss);
        uint length = (uint)(size * values.Length);
        uint top = esp & mask;
        if (top < length || !IsInside(ss, top - length, length))
        {
            return false;
        }

        uint bottom = ss->Base + (top - length);
        TlbEntry* e = (user ? s->UserTlb : s->SupervisorTlb) + ((bottom >> 12) & (TlbEntry.Count - 1));
        if (((bottom + length - 1) & 0xFFFFF000) != e->WriteTag || (bottom & 0xFFFFF000) != e->WriteTag)
        {
            return false;
        }

        byte* at = (byte*)(e->Addend + bottom + length);
        foreach (uint value in values)
        {
            at -= size;
            if (size == 2)
            {
                *(ushort*)at = (ushort)value;
            }
            else
            {
                *(uint*)at = value;
            }
        }

        esp = (esp & ~mask) | (top - length);
        return true;
    }

    private static bool Check(CpuState* s, SegmentRegister* ss, uint esp, int size, int count, bool user, uint error)
    {
        uint mask = Mask(ss);
        for (int i = 0; i < count; i++)
        {
            esp -= (uint)size;
            uint offset = esp & mask;
            if (!IsInside(ss, offset, (uint)size))
            {
                return Faults.Record(s, ExceptionVector.StackFault, error);
            }

            if (!Mmu.CheckWrite(s, ss->Base + offset, size, user))
            {
                return false;
            }
        }

        return true;
    }

    private static bool IsInside(SegmentRegister* ss, uint offset, uint width)
    {
        if ((ss->Access & SegmentAccess.Write) == 0)
        {
            return false;
        }

        if (offset >= ss->Low && offset <= ss->High && ss->High - offset >= width - 1)
        {
            return true;
        }

        // A 4 GiB expand-up segment has no end.
        return ss->Low == 0 && ss->High == 0xFFFFFFFF;
    }

    private static bool CheckAccesses(CpuState* s, SegmentRegister* ss, uint esp, int size, int count)
    {
        uint mask = Mask(ss);
        bool align = s->Cpl == 3 && (s->Cr0 & Cr0.AM) != 0 && (s->EflagsRest & Eflags.AC) != 0;
        for (int i = 0; i < count; i++)
        {
            esp -= (uint)size;
            uint linear = ss->Base + (esp & mask);
            if (align && IsInside(ss, esp & mask, (uint)size) && (linear & (uint)(size - 1)) != 0)
            {
                return Faults.Record(s, ExceptionVector.AlignmentCheck, 0);
            }

            DebugRegisters.CheckData(s, linear, size, write: true);
        }

        return true;
    }
}
