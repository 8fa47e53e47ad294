using BenchmarkDotNet.Running;
using Emulator.Benchmarks.Disks;

namespace Emulator.Benchmarks;

/// <summary>Commands for developers; see docs/TESTING.md.</summary>
internal static class Program
{
    private static int Main(string[] arguments)
    {
        switch (arguments.FirstOrDefault())
        {
            case "vectors":
                return VectorCommand.Run(arguments);
            case "fuzz":
                return FuzzCommand.Run(arguments);
            case "lockstep":
                return LockstepCommand.Run(arguments);
            case "kernels" or "compare":
                return KernelCommand.Run(arguments);
            case "disks":
                return DisksCommand.Run(arguments);
            case "bench":
                BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(arguments[1..]);
                return 0;
            default:
                Console.Error.WriteLine("usage: Emulator.Benchmarks COMMAND");
                Console.Error.WriteLine("bench [--filter *Decode*|*Tlb*|*Kernel*]\n    BenchmarkDotNet: decoding, TLB hit and miss, kernels");
                Console.Error.WriteLine(VectorCommand.Usage);
                Console.Error.WriteLine(FuzzCommand.Usage);
                Console.Error.WriteLine(LockstepCommand.Usage);
                Console.Error.WriteLine(KernelCommand.Usage);
                Console.Error.WriteLine(DisksCommand.Usage);
                return 2;
        }
    }
}
