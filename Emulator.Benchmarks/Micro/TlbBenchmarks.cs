using BenchmarkDotNet.Attributes;
using Emulator.Core.Cpu;

namespace Emulator.Benchmarks.Micro;

/// <summary>Loads that hit the TLB and loads that miss it: a loop of eight loads, with a stride that stays in a page or touches a page each.</summary>
[InProcess]
public class TlbBenchmarks
{
    private const int Loads = 100_000;

    private readonly MicroMachine _machine = new();

    /// <summary>Bytes between two loads: 64 hits, 4096 over 8 MiB misses every time (the TLB holds 1024 pages).</summary>
    [Params(64, 4096)]
    public int Stride { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        // mov esi, data / mov ecx, n / l: mov eax, [esi] / add esi, stride / and esi, mask / or esi, data / dec ecx / jnz l / hlt
        uint mask = Stride == 64 ? 0xFFFu : (MicroMachine.DataSize - 1);
        _machine.Put(MicroMachine.Code,
        [
            0xBE, .. BitConverter.GetBytes(MicroMachine.Data), 0xB9, .. BitConverter.GetBytes(Loads), 0x8B, 0x06, 0x81, 0xC6, .. BitConverter.GetBytes(Stride),
            0x81, 0xE6, .. BitConverter.GetBytes(mask), 0x81, 0xCE, .. BitConverter.GetBytes(MicroMachine.Data), 0x49, 0x75, 0xE9, 0xF4,
        ]);
        _machine.EnablePaging();
    }

    [Benchmark(OperationsPerInvoke = Loads)]
    public StopReason Load() => _machine.RunFrom(MicroMachine.Code);
}
