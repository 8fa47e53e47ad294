using BenchmarkDotNet.Attributes;
using Emulator.Benchmarks.Kernels;

namespace Emulator.Benchmarks.Micro;

/// <summary>The kernels of shared/bench, a tenth of their usual iterations.</summary>
[InProcess]
public class KernelBenchmarks
{
    private byte[] _elf = [];

    /// <summary>Kernel names; none when the built kernels are not there.</summary>
    public static IEnumerable<string> Names => KernelCatalog.FindDirectory() is null ? [] : KernelCatalog.All.Select(k => k.Name);

    [ParamsSource(nameof(Names))]
    public string Kernel { get; set; } = string.Empty;

    [GlobalSetup]
    public void Setup()
    {
        string directory = KernelCatalog.FindDirectory() ?? throw new InvalidOperationException($"set {KernelCatalog.Variable} to the built kernels");
        int iterations = KernelCatalog.All.First(k => k.Name == Kernel).Iterations;
        _elf = KernelCatalog.Load(directory, Kernel, Math.Max(1, iterations / 10), 1);
    }

    [Benchmark]
    public string Run() => new KernelMachine(_elf).Run()[0].Checksum;
}
