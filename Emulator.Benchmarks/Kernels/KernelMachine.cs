using System.Diagnostics;
using System.Text;
using Emulator.Core.Cpu;
using Emulator.Core.Machine;
using Emulator.Core.Memory;
using Microsoft.Extensions.Logging.Abstractions;

namespace Emulator.Benchmarks.Kernels;

/// <summary>Runs a kernel on a machine in this process: a CPU, RAM and the port E9h, nothing else.</summary>
internal sealed unsafe class KernelMachine
{
    private const uint RamSize = 128 << 20;
    private const ushort Console = 0xE9;
    private const uint FlatLimit = 0xFFFFFFFF;
    private const ushort FlatAttributes = SegmentRegister.AttributePresent | SegmentRegister.AttributeS | SegmentRegister.AttributeBig | SegmentRegister.AttributeGranularity;

    private readonly PhysicalMemory _memory = new(RamSize, NullLogger.Instance);
    private readonly List<KernelResult> _results = [];
    private readonly StringBuilder _line = new();
    private long _startTime;
    private long _startCount;
    private double _seconds;
    private long _instructions;

    /// <summary>Creates the machine with a kernel loaded.</summary>
    /// <param name="elf">A patched kernel.</param>
    public KernelMachine(byte[] elf)
    {
        _memory.MapRam(0, 0, RamSize);
        PortMap ports = new(NullLogger.Instance);
        ports.Map(Console, 1, 1, this, &Read, &Write);
        Core = new CpuCore(CpuModel.Max, _memory, ports, ClockMode.InstructionCount, null, NullLogger.Instance);
        (uint entry, IReadOnlyList<(uint Address, ReadOnlyMemory<byte> Bytes)> segments) = KernelCatalog.ReadElf(elf);
        foreach ((uint address, ReadOnlyMemory<byte> bytes) in segments)
        {
            _memory.WriteBlock(address, bytes.Span);
        }

        // The state that multiboot gives: flat 32-bit protected mode, paging and interrupts off.
        CpuState* s = Core.State;
        s->Cr0 |= Cr0.PE;
        for (int i = 0; i < 6; i++)
        {
            SegmentRegister* r = CpuState.Segment(s, i);
            r->Selector = i == SegmentIndex.Cs ? (ushort)8 : (ushort)16;
            r->Base = 0;
            r->Limit = FlatLimit;
            r->Attributes = (ushort)(FlatAttributes | (i == SegmentIndex.Cs ? 0xB : 0x3));
            r->Update();
        }

        s->Eip = entry;
        CpuMode.Update(s);
        CpuCore.UpdatePending(s);
    }

    public CpuCore Core { get; }

    /// <summary>Runs the kernel to its halt and returns its measurements.</summary>
    public IReadOnlyList<KernelResult> Run()
    {
        StopReason reason = Core.Run(long.MaxValue);
        return reason == StopReason.Halted && _results.Count != 0
            ? _results
            : throw new InvalidOperationException($"the kernel ended with {reason} at EIP {Core.State->Eip:X8}, exception {Core.State->FaultVector}");
    }

    private static uint Read(object target, ushort port, int size) => Console;

    private static void Write(object target, ushort port, int size, uint value) => ((KernelMachine)target).Put((char)value);

    private void Put(char c)
    {
        switch (c)
        {
            case 'S':
                _startCount = Core.Clock.Retired;
                _startTime = Stopwatch.GetTimestamp();
                break;
            case 'E':
                _seconds = Stopwatch.GetElapsedTime(_startTime).TotalSeconds;
                _instructions = Core.Clock.Retired - _startCount;
                break;
            case '\n':
                _results.Add(new KernelResult(_line.ToString().Split(' ')[0], _seconds, _instructions));
                _line.Clear();
                break;
            default:
                _line.Append(c);
                break;
        }
    }
}
