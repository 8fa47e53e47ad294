using Emulator.Core.Machine;
using Emulator.Core.Memory;
using Emulator.Core.Snapshot;

namespace Emulator.Core.Cpu;

/// <content>The CPU as a component of a snapshot.</content>
public sealed unsafe partial class CpuCore : IMachineComponent
{
    private const long RetiredMaximum = 1L << 60;

    /// <inheritdoc/>
    public string StateId => "cpu";

    /// <inheritdoc/>
    public int StateVersion => 1;

    /// <summary>Saves or loads the architectural state and the retired-instruction count; call between two instructions. TLBs and decoded
    /// code are not part of it.</summary>
    /// <param name="archive">The archive.</param>
    public void Serialize(StateArchive archive)
    {
        ArgumentNullException.ThrowIfNull(archive);
        CpuState* s = State;
        long retired = Retired;
        archive.Field("retired", ref retired);
        archive.Array("gpr", new Span<ulong>(s->Gpr, 16));
        archive.Field("eip", ref s->Eip);
        uint eflags = LazyFlags.Read(s);
        archive.Field("eflags", ref eflags);
        SerializeSegments(archive);
        archive.Field("gdt.base", ref s->GdtBase);
        archive.Field("gdt.limit", ref s->GdtLimit);
        archive.Field("idt.base", ref s->IdtBase);
        archive.Field("idt.limit", ref s->IdtLimit);
        archive.Field("cr0", ref s->Cr0);
        archive.Field("cr2", ref s->Cr2);
        archive.Field("cr3", ref s->Cr3);
        archive.Field("cr4", ref s->Cr4);
        archive.Field("efer", ref s->Efer);
        archive.Array("dr", new Span<uint>(s->Dr, 8));
        archive.Array("pdpte", new Span<ulong>(s->Pdpte, 4));
        archive.Field("cpl", ref s->Cpl);
        archive.Field("shutdown", ref s->IsShutdown);
        archive.Field("halted", ref s->IsHalted);
        archive.Field("nmi.blocked", ref s->NmiBlocked);
        archive.Field("nmi.latched", ref s->NmiLatched);
        archive.Field("intr", ref s->IntrLine);
        archive.Field("debug.hits", ref s->DebugHits);
        PendingWork shadow = s->Pending & (PendingWork.Shadow | PendingWork.ShadowSs);
        archive.Field("shadow", ref shadow);
        SerializeFpu(archive);
        archive.Field("sysenter.cs", ref s->SysenterCs);
        archive.Field("sysenter.esp", ref s->SysenterEsp);
        archive.Field("sysenter.eip", ref s->SysenterEip);
        archive.Field("tsc.offset", ref s->TscOffset);
        archive.Array("msr", new Span<ulong>(s->Msr, ModelSpecificRegisters.Count));
        uint a20 = A20Mask;
        archive.Field("a20.mask", ref a20);
        bool ignoreNumericError = IgnoreNumericError;
        archive.Field("ignne", ref ignoreNumericError);
        bool ferr = FerrLine.Level;
        archive.Field("ferr", ref ferr);
        if (!archive.IsLoading)
        {
            return;
        }

        archive.Check(retired is >= 0 and <= RetiredMaximum, "retired");
        archive.Check(s->Cpl <= 3, "cpl");
        archive.Check(a20 is 0xFFFFFFFF or 0xFFEFFFFF, "a20.mask");
        s->Deadline = retired;
        s->Budget = 0;
        s->InFlight = 0;
        LazyFlags.Write(s, eflags);
        A20Mask = a20;
        IgnoreNumericError = ignoreNumericError;
        FerrLine.Restore(ferr);
        s->Pending = shadow & (PendingWork.Shadow | PendingWork.ShadowSs);
        Blocks.Clear();
        PageWalk.FlushAll(s);
        CpuMode.Update(s);
        UpdatePending(s);
    }

    private void SerializeSegments(StateArchive archive)
    {
        ReadOnlySpan<string> names = ["es", "cs", "ss", "ds", "fs", "gs", "ldtr", "tr"];
        for (int i = 0; i < names.Length; i++)
        {
            SegmentRegister* r = CpuState.Segment(State, i);
            archive.Field(names[i] + ".selector", ref r->Selector);
            archive.Field(names[i] + ".base", ref r->Base);
            archive.Field(names[i] + ".limit", ref r->Limit);
            archive.Field(names[i] + ".attributes", ref r->Attributes);
            r->Update();
        }
    }

    private void SerializeFpu(StateArchive archive)
    {
        CpuState* s = State;
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
    }
}
