using Emulator.Core.Memory;

namespace Emulator.Core.Cpu;

/// <content>Reset and snapshot.</content>
public sealed unsafe partial class CpuCore
{
    private const ushort ResetDataAttributes = SegmentRegister.AttributePresent | SegmentRegister.AttributeS | 3;
    private const ushort ResetLdtAttributes = SegmentRegister.AttributePresent | 2;
    private const ushort ResetTssAttributes = SegmentRegister.AttributePresent | 0xB;

    /// <summary>Puts the CPU into the state after RESET# (SDM volume 3, table 9-1); the retired-instruction count goes on.</summary>
    public void Reset()
    {
        CpuState* s = State;
        for (int i = 0; i < 16; i++)
        {
            s->Gpr[i] = 0;
            *(ulong*)CpuState.XmmBytes(s, i) = 0;
            *(ulong*)(CpuState.XmmBytes(s, i) + 8) = 0;
        }

        CpuState.R32(s, 2) = Model.Signature;
        LazyFlags.Write(s, Eflags.Fixed);
        s->Eip = 0xFFF0;
        for (int i = 0; i < 8; i++)
        {
            SegmentRegister* r = CpuState.Segment(s, i);
            *r = default;
            r->Limit = 0xFFFF;
            r->Attributes = i switch
            {
                SegmentIndex.Ldtr => ResetLdtAttributes,
                SegmentIndex.Tr => ResetTssAttributes,
                _ => ResetDataAttributes,
            };
            if (i == SegmentIndex.Cs)
            {
                r->Selector = 0xF000;
                r->Base = 0xFFFF0000;
            }

            r->Update();
            s->Dr[i] = 0;
            *CpuState.FpuPhysical(s, i) = default;
        }

        s->Dr[6] = 0xFFFF0FF0;
        s->Dr[7] = 0x400;
        s->GdtBase = s->IdtBase = 0;
        s->GdtLimit = s->IdtLimit = 0xFFFF;
        s->Cr0 = Cr0.CD | Cr0.NW | Cr0.ET;
        s->Cr2 = s->Cr3 = s->Cr4 = 0;
        s->Efer = 0;
        s->Fcw = 0x40;
        s->Fsw = 0;
        s->Ftw = 0xFF;
        s->Fop = s->Fcs = s->Fds = 0;
        s->Fip = s->Fdp = 0;
        s->Mxcsr = 0x1F80;
        s->SysenterCs = s->SysenterEsp = s->SysenterEip = 0;
        s->TscOffset = (ulong)-Clock.Now;
        ModelSpecificRegisters.Reset(s);
        s->Cpl = 0;
        s->IsHalted = s->IsShutdown = s->NmiBlocked = s->NmiLatched = 0;
        s->DebugHits = 0;
        s->Pending &= PendingWork.Stop;
        IgnoreNumericError = false;
        PageWalk.FlushAll(s);
        CpuMode.Update(s);
        UpdatePending(s);
    }
}
