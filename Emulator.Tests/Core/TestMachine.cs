using Emulator.Core.Cpu;
using Emulator.Core.Machine;
using Emulator.Core.Memory;
using Microsoft.Extensions.Logging.Abstractions;

namespace Emulator.Tests.Core;

/// <summary>A bare CPU with RAM in flat 32-bit protected mode, for tests of the core alone.</summary>
internal static unsafe class TestMachine
{
    /// <summary>Where test code is put.</summary>
    public const uint CodeAddress = 0x10000;

    /// <summary>NOP NOP JMP -4.</summary>
    public static readonly byte[] EndlessLoop = [0x90, 0x90, 0xEB, 0xFC];

    /// <summary>Creates a CPU with 4 MiB of RAM.</summary>
    /// <param name="ports">Its ports; null for none.</param>
    /// <param name="hostNanoseconds">The host's time, for a clock that follows it; null for one that counts instructions.</param>
    public static CpuCore Create(PortMap? ports = null, Func<long>? hostNanoseconds = null)
    {
        PhysicalMemory memory = new(4 << 20, NullLogger.Instance);
        memory.MapRam(0, 0, 4 << 20);
        return new CpuCore(CpuModel.Max, memory, ports ?? new PortMap(NullLogger.Instance), hostNanoseconds is null ? ClockMode.InstructionCount : ClockMode.Host, hostNanoseconds, NullLogger.Instance);
    }

    /// <summary>Puts code at <see cref="CodeAddress"/> and the CPU in flat 32-bit protected mode at its first byte, CPL 0, paging off.</summary>
    public static void RunFlatCode(CpuCore core, ReadOnlySpan<byte> code)
    {
        CpuState* s = core.State;
        for (int i = 0; i < 6; i++)
        {
            SegmentRegister* r = CpuState.Segment(s, i);
            r->Selector = (ushort)(i == SegmentIndex.Cs ? 8 : 16);
            r->Base = 0;
            r->Limit = 0xFFFFFFFF;
            r->Attributes = (ushort)(i == SegmentIndex.Cs ? 0xC09B : 0xC093);
            r->Update();
        }

        s->Cr0 |= Cr0.PE;
        CpuState.R32(s, 4) = 0x80000;
        s->Eip = CodeAddress;
        core.Memory.WriteBlock(CodeAddress, code);
        PageWalk.FlushAll(s);
        CpuMode.Update(s);
        CpuCore.UpdatePending(s);
    }

    /// <summary>Halts the CPU with interrupts on.</summary>
    public static void Halt(CpuCore core)
    {
        core.State->EflagsRest |= Eflags.IF;
        core.State->IsHalted = 1;
        CpuCore.UpdatePending(core.State);
    }

    /// <summary>Turns on 32-bit paging with an identity map of the first 4 MiB: directory at 200000h, table at 201000h, all supervisor, writable.</summary>
    public static void EnablePaging(CpuCore core)
    {
        core.Memory.Write(0x200000u, 0x201003u | 4);
        for (uint i = 0; i < 1024; i++)
        {
            core.Memory.Write(0x201000u + (4 * i), (i << 12) | 3);
        }

        core.State->Cr3 = 0x200000;
        core.State->Cr0 |= Cr0.PG | Cr0.WP;
        PageWalk.FlushAll(core.State);
    }
}
