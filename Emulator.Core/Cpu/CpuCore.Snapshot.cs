using Emulator.Core.Machine;
using Emulator.Core.Memory;
using Emulator.Core.Snapshot;

namespace Emulator.Core.Cpu;

/// <content>
/// The CPU as a component of a snapshot: registers, hidden segment parts, flags resolved to EFLAGS, pins and the retired-instruction count,
/// between two instructions. TLBs, decoded blocks and everything derived are rebuilt after loading.
/// </content>
public sealed unsafe partial class CpuCore : IMachineComponent
{
    private const long RetiredMaximum = 1L << 60;

    /// <inheritdoc/>
    public string StateId => "cpu";

    /// <inheritdoc/>
    public int StateVersion => 1;

    /// <summary>
    /// Saves or loads the state; call between two instructions, and before the clock and the events, which count from the retired instructions.
    /// Loading checks everything before it changes anything.
    /// </summary>
    /// <param name="archive">The archive.</param>
    /// <exception cref="SnapshotException">A field is missing or holds what this CPU model cannot hold.</exception>
    public void Serialize(StateArchive archive)
    {
        ArgumentNullException.ThrowIfNull(archive);
        CpuState saved = *State;
        CpuState* s = &saved;
        long retired = Retired;
        archive.Field("retired", ref retired);
        archive.Check(retired is >= 0 and <= RetiredMaximum, "retired");
        SerializeIntegers(archive, s);
        SerializeSegments(archive, s);
        SerializeSystem(archive, s);
        SerializeFpu(archive, s);
        uint a20 = A20Mask;
        archive.Field("a20.mask", ref a20);
        archive.Check(a20 is 0xFFFFFFFF or 0xFFEFFFFF, "a20.mask");
        bool ignoreNumericError = IgnoreNumericError;
        archive.Field("ignne", ref ignoreNumericError);
        bool ferr = FerrLine.Level;
        archive.Field("ferr", ref ferr);
        if (!archive.IsLoading)
        {
            return;
        }

        RestorePatch();
        saved.Deadline = retired;
        saved.Budget = 0;
        saved.InFlight = 0;
        saved.CurrentBlock = null;
        *State = saved;
        A20Mask = a20;
        IgnoreNumericError = ignoreNumericError;
        FerrLine.Restore(ferr);
        Blocks.Clear();
        PageWalk.FlushAll(State);
        CpuMode.Update(State);
        UpdatePending(State);
    }

    private static void SerializeIntegers(StateArchive archive, CpuState* s)
    {
        archive.Array("gpr", new Span<ulong>(s->Gpr, 16));
        archive.Field("eip", ref s->Eip);
        uint eflags = LazyFlags.Read(s);
        archive.Field("eflags", ref eflags);
        LazyFlags.Write(s, eflags);
        archive.Field("cpl", ref s->Cpl);
        archive.Check(s->Cpl <= 3, "cpl");
        archive.Field("shutdown", ref s->IsShutdown);
        archive.Field("halted", ref s->IsHalted);
        archive.Field("nmi.blocked", ref s->NmiBlocked);
        archive.Field("nmi.latched", ref s->NmiLatched);
        archive.Field("intr", ref s->IntrLine);
        archive.Check((s->IsShutdown | s->IsHalted | s->NmiBlocked | s->NmiLatched | s->IntrLine) <= 1, "halted");
        archive.Field("debug.hits", ref s->DebugHits);
        archive.Check((s->DebugHits & ~(DebugRegisters.TaskSwitched | 0xFu)) == 0, "debug.hits");
        PendingWork shadow = s->Pending & (PendingWork.Shadow | PendingWork.ShadowSs);
        archive.Field("shadow", ref shadow);
        archive.Check((shadow & ~(PendingWork.Shadow | PendingWork.ShadowSs)) == 0, "shadow");
        s->Pending = shadow;
    }

    private static void SerializeSegments(StateArchive archive, CpuState* s)
    {
        ReadOnlySpan<string> names = ["es", "cs", "ss", "ds", "fs", "gs", "ldtr", "tr"];
        for (int i = 0; i < names.Length; i++)
        {
            SegmentRegister* r = CpuState.Segment(s, i);
            archive.Field(names[i] + ".selector", ref r->Selector);
            archive.Field(names[i] + ".base", ref r->Base);
            archive.Field(names[i] + ".limit", ref r->Limit);
            archive.Field(names[i] + ".attributes", ref r->Attributes);
            archive.Check((r->Attributes & 0x0F00) == 0, names[i] + ".attributes");
            r->Update();
        }

        archive.Field("gdt.base", ref s->GdtBase);
        archive.Field("gdt.limit", ref s->GdtLimit);
        archive.Field("idt.base", ref s->IdtBase);
        archive.Field("idt.limit", ref s->IdtLimit);
    }

    private static void SerializeFpu(StateArchive archive, CpuState* s)
    {
        archive.Field("fpu.control", ref s->Fcw);
        archive.Field("fpu.status", ref s->Fsw);
        archive.Field("fpu.tags", ref s->Ftw);
        archive.Field("fpu.opcode", ref s->Fop);
        archive.Field("fpu.ip.selector", ref s->Fcs);
        archive.Field("fpu.ip.offset", ref s->Fip);
        archive.Field("fpu.data.selector", ref s->Fds);
        archive.Field("fpu.data.offset", ref s->Fdp);
        for (int i = 0; i < 8; i++)
        {
            FpuRegister* r = CpuState.FpuPhysical(s, i);
            archive.Field($"fpu.r{i}.significand", ref r->Significand);
            archive.Field($"fpu.r{i}.exponent", ref r->SignExponent);
        }

        archive.Array("xmm", new Span<ulong>(CpuState.XmmBytes(s, 0), 32));
        archive.Field("mxcsr", ref s->Mxcsr);
        archive.Check((s->Mxcsr & 0xFFFF0000) == 0, "mxcsr");
    }

    private void SerializeSystem(StateArchive archive, CpuState* s)
    {
        archive.Field("cr0", ref s->Cr0);
        archive.Check((s->Cr0 & ~ControlRegisters.Cr0Bits) == 0 && (s->Cr0 & (Cr0.PE | Cr0.PG)) != Cr0.PG, "cr0");
        archive.Check((s->Cr0 & Cr0.PE) != 0 || s->Cpl == 0, "cpl");
        archive.Check(!CpuMode.IsV86(s) || ((s->Cr0 & Cr0.PE) != 0 && s->Cpl == 3), "eflags");
        archive.Field("cr2", ref s->Cr2);
        archive.Field("cr3", ref s->Cr3);
        archive.Field("cr4", ref s->Cr4);
        archive.Check((s->Cr4 & ~ControlRegisters.Cr4Bits(Model)) == 0, "cr4");
        archive.Field("efer", ref s->Efer);
        archive.Check((s->Efer & ~(Model.Has(CpuFeatures.Nx) ? Efer.NXE : 0)) == 0, "efer");
        archive.Array("dr", new Span<uint>(s->Dr, 8));
        DebugRegisters.Normalize(s);
        archive.Array("pdpte", new Span<ulong>(s->Pdpte, 4));
        archive.Field("sysenter.cs", ref s->SysenterCs);
        archive.Field("sysenter.esp", ref s->SysenterEsp);
        archive.Field("sysenter.eip", ref s->SysenterEip);
        archive.Field("tsc.offset", ref s->TscOffset);
        archive.Array("msr", new Span<ulong>(s->Msr, ModelSpecificRegisters.Count));
    }
}
