using BenchmarkDotNet.Attributes;
using Emulator.Core.Cpu;

namespace Emulator.Benchmarks.Micro;

/// <summary>Decoding of blocks: flat 32-bit code of mixed instructions, 64 to a block.</summary>
[InProcess]
[MemoryDiagnoser(displayGenColumns: false)]
public class DecodeBenchmarks
{
    private const int Blocks = 256;
    private const int InstructionsPerBlock = 64;

    private readonly MicroMachine _machine = new();

    [GlobalSetup]
    public void Setup()
    {
        // Register and memory forms, prefixes, one- and two-byte opcodes, immediates: what compilers emit.
        byte[][] instructions =
        [
            [0x89, 0xC8], [0x8B, 0x44, 0x24, 0x10], [0x01, 0xD8], [0x83, 0xC0, 0x10], [0x0F, 0xB6, 0x04, 0x0E], [0xC1, 0xE0, 0x04], [0x8D, 0x44, 0x88, 0x08],
            [0x81, 0xE1, 0xFF, 0x00, 0x00, 0x00], [0x66, 0x89, 0x46, 0x02], [0x0F, 0xAF, 0xC1], [0xF3, 0x0F, 0x58, 0xC1], [0xD8, 0xC1], [0x64, 0x8B, 0x15, 0, 0, 0, 0],
        ];
        int at = MicroMachine.Code;
        for (int i = 0; i < Blocks * InstructionsPerBlock; i++)
        {
            byte[] instruction = instructions[i % instructions.Length];
            _machine.Put((uint)at, instruction);
            at += instruction.Length;
        }

        _machine.Put((uint)at, [0xF4]);
    }

    /// <summary>All blocks are decoded afresh; the figure is for one instruction and includes its execution once.</summary>
    [Benchmark(OperationsPerInvoke = Blocks * InstructionsPerBlock)]
    public StopReason DecodeAndExecuteOnce()
    {
        _machine.Core.Memory.CodeWritten?.Invoke(MicroMachine.Code, 1);
        _machine.Core.Memory.MappingChanged?.Invoke();
        return _machine.RunFrom(MicroMachine.Code);
    }

    /// <summary>The same code, decoded already.</summary>
    [Benchmark(Baseline = true, OperationsPerInvoke = Blocks * InstructionsPerBlock)]
    public StopReason ExecuteDecoded() => _machine.RunFrom(MicroMachine.Code);
}
