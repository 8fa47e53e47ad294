using Emulator.Core.Cpu;
using Emulator.Core.Machine;
using Emulator.Core.Memory;
using Microsoft.Extensions.Logging.Abstractions;

namespace Emulator.Benchmarks.Micro;

/// <summary>A CPU in flat 32-bit protected mode with 16 MiB of RAM, for small pieces of code that end with HLT.</summary>
internal sealed unsafe class MicroMachine
{
    /// <summary>Where code is put.</summary>
    public const int Code = 0x100000;

    /// <summary>Where data is: aligned to its size.</summary>
    public const uint Data = 0x800000;

    /// <summary>Bytes of data.</summary>
    public const uint DataSize = 0x800000;

    private const uint RamSize = 0x1000000;
    private const uint PageDirectory = 0x200000;

    private readonly PhysicalMemory _memory = new(RamSize, NullLogger.Instance);

    public MicroMachine()
    {
        _memory.MapRam(0, 0, RamSize);
        Core = new CpuCore(CpuModel.Max, _memory, new PortMap(NullLogger.Instance), ClockMode.InstructionCount, null, NullLogger.Instance);
        CpuState* s = Core.State;
        s->Cr0 |= Cr0.PE;
        s->Cr4 = Cr4.OSFXSR;
        for (int i = 0; i < 6; i++)
        {
            SegmentRegister* r = CpuState.Segment(s, i);
            r->Selector = i == SegmentIndex.Cs ? (ushort)8 : (ushort)16;
            r->Base = 0;
            r->Limit = 0xFFFFFFFF;
            r->Attributes = i == SegmentIndex.Cs ? (ushort)0xC09B : (ushort)0xC093;
            r->Update();
        }

        CpuMode.Update(s);
        CpuCore.UpdatePending(s);
    }

    public CpuCore Core { get; }

    /// <summary>Writes bytes to RAM.</summary>
    /// <param name="address">Physical address.</param>
    /// <param name="bytes">Bytes.</param>
    public void Put(uint address, ReadOnlySpan<byte> bytes) => _memory.WriteBlock(address, bytes);

    /// <summary>Maps RAM one to one with 4 KiB pages and turns paging on.</summary>
    public void EnablePaging()
    {
        for (uint page = 0; page < RamSize >> 12; page++)
        {
            _memory.Write(PageDirectory + 0x1000 + (page * 4), (page << 12) | 7);
        }

        for (uint i = 0; i < RamSize >> 22; i++)
        {
            _memory.Write(PageDirectory + (i * 4), (PageDirectory + 0x1000 + (i << 12)) | 7);
        }

        CpuState* s = Core.State;
        s->Cr3 = PageDirectory;
        s->Cr0 |= Cr0.PG;
        PageWalk.FlushAll(s);
        CpuMode.Update(s);
    }

    /// <summary>Runs from an address to the next HLT.</summary>
    /// <param name="eip">Address.</param>
    public StopReason RunFrom(uint eip)
    {
        CpuState* s = Core.State;
        s->IsHalted = 0;
        CpuState.R32(s, 4) = Data;
        CpuState.R32(s, 6) = Data;
        CpuState.R32(s, 0) = CpuState.R32(s, 1) = Data;
        s->Eip = eip;
        CpuCore.UpdatePending(s);
        return Core.Run(long.MaxValue);
    }
}
