using Emulator.Core.Memory;

namespace Emulator.Core.Cpu;

/// <summary>I/O privilege (SDM volume 1, section 19.5): IOPL, and the permission bitmap of a 32-bit TSS.</summary>
public static unsafe class IoPermission
{
    private const uint MapBaseAt = 0x66;

    /// <summary>Checks whether the current privilege level may access ports; false with #GP(0) or #PF recorded.</summary>
    /// <param name="s">The state.</param>
    /// <param name="port">First port.</param>
    /// <param name="size">Bytes: 1, 2 or 4.</param>
    public static bool Check(CpuState* s, ushort port, int size)
    {
        if ((s->Cr0 & Cr0.PE) == 0 || (s->Cpl <= CpuMode.Iopl(s) && !CpuMode.IsV86(s)))
        {
            return true;
        }

        SegmentRegister* tr = CpuState.Segment(s, SegmentIndex.Tr);
        if (!TaskSwitch.Is32(s) || tr->Limit < MapBaseAt + 1)
        {
            return Faults.Record(s, ExceptionVector.GeneralProtection, 0);
        }

        if (!Mmu.ReadSystem(s, tr->Base + MapBaseAt, out ushort mapBase))
        {
            return false;
        }

        // Two bytes are read always, so that the map needs one byte of ones behind its end.
        uint at = mapBase + ((uint)port >> 3);
        if (at + 1 > tr->Limit)
        {
            return Faults.Record(s, ExceptionVector.GeneralProtection, 0);
        }

        if (!Mmu.ReadSystem(s, tr->Base + at, out ushort bits))
        {
            return false;
        }

        uint mask = ((1u << size) - 1) << (port & 7);
        return (bits & mask) == 0 || Faults.Record(s, ExceptionVector.GeneralProtection, 0);
    }
}
