using Emulator.Core.Decoding;

namespace Emulator.Core.Cpu;

/// <summary>Derived mode state: what follows from CR0, EFLAGS.VM, CPL and the segments.</summary>
public static unsafe class CpuMode
{
    /// <summary>Whether the CPU is in real mode.</summary>
    /// <param name="s">The state.</param>
    public static bool IsReal(CpuState* s) => (s->Cr0 & Cr0.PE) == 0;

    /// <summary>Whether the CPU is in virtual-8086 mode.</summary>
    /// <param name="s">The state.</param>
    public static bool IsV86(CpuState* s) => (s->EflagsRest & Eflags.VM) != 0;

    /// <summary>Whether selectors are real-mode paragraph numbers (real or virtual-8086 mode).</summary>
    /// <param name="s">The state.</param>
    public static bool HasRealSegments(CpuState* s) => IsReal(s) || IsV86(s);

    /// <summary>I/O privilege level.</summary>
    /// <param name="s">The state.</param>
    public static int Iopl(CpuState* s) => (int)((s->EflagsRest & Eflags.IoplMask) >> Eflags.IoplShift);

    /// <summary>
    /// Recomputes <see cref="CpuState.ModeKey"/> and the current TLB view; call after any change of CPL, CR0, EFLAGS.VM or AC, debug
    /// registers or of the hidden part of CS, SS, DS or ES.
    /// </summary>
    /// <param name="s">The state.</param>
    public static void Update(CpuState* s)
    {
        uint key = 0;
        SegmentRegister* cs = CpuState.Segment(s, SegmentIndex.Cs);
        SegmentRegister* ss = CpuState.Segment(s, SegmentIndex.Ss);
        key |= cs->IsBig ? ModeKey.Code32 : 0;
        key |= ss->IsBig ? ModeKey.Stack32 : 0;
        key |= (cs->Access & SegmentAccess.FlatCode) != 0 ? ModeKey.FlatCs : 0;
        key |= (ss->Access & SegmentAccess.FlatData) != 0 && ss->IsBig ? ModeKey.FlatSs : 0;
        key |= (CpuState.Segment(s, SegmentIndex.Ds)->Access & SegmentAccess.FlatData) != 0 ? ModeKey.FlatDs : 0;
        key |= (CpuState.Segment(s, SegmentIndex.Es)->Access & SegmentAccess.FlatData) != 0 ? ModeKey.FlatEs : 0;
        key |= s->Cpl == 3 ? ModeKey.User : 0;
        if ((s->Cr0 & Cr0.PE) != 0)
        {
            key |= IsV86(s) ? ModeKey.V86 : ModeKey.Protected;
        }

        s->ModeKey = key;
        s->InstructionTlb = s->Cpl == 3 ? s->UserInstructionTlb : s->SupervisorInstructionTlb;
        bool checkAlignment = s->Cpl == 3 && (s->Cr0 & Cr0.AM) != 0 && (s->EflagsRest & Eflags.AC) != 0;
        s->Tlb = checkAlignment || DebugRegisters.WatchData(s) ? s->EmptyTlb : s->Cpl == 3 ? s->UserTlb : s->SupervisorTlb;
    }
}
