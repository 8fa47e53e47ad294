using System.Globalization;
using Emulator.Benchmarks.Kernels;

namespace Emulator.Benchmarks;

/// <summary>
/// The <c>kernels</c> and <c>compare</c> commands: the speed of the interpreter on bare-metal kernels, in MIPS and beside another emulator. Each pair
/// runs both engines in turn, so that drift of the machine hits both alike; a ratio is the median over pairs.
/// </summary>
internal static class KernelCommand
{
    public const string Usage = """
        kernels [KERNEL...] [--repetitions N] [--scale X]
            MIPS of the interpreter in this process (best of N, default 3); --scale multiplies the iterations
        compare [KERNEL...] --against bochs|tcg [--emu 'COMMAND'] [--pairs N] [--repetitions N] [--scale X]
            the same side by side with Bochs or QEMU (TCG); --emu runs the emulator as a program, for example
            'dist/emu run -nographic -serial null', instead of in this process
        """;

    private const double LimitSeconds = 600;

    public static int Run(string[] arguments)
    {
        string? against = null;
        string? emu = null;
        int pairs = 3;
        int repetitions = 3;
        double scale = 1;
        List<KernelInfo> kernels = [];
        for (int i = 1; i < arguments.Length; i++)
        {
            string? value = i + 1 < arguments.Length ? arguments[i + 1] : null;
            switch (arguments[i])
            {
                case "--against" when value is "bochs" or "tcg":
                    against = value;
                    i++;
                    break;
                case "--emu" when value is not null:
                    emu = value;
                    i++;
                    break;
                case "--pairs" when int.TryParse(value, CultureInfo.InvariantCulture, out pairs) && pairs > 0:
                case "--repetitions" when int.TryParse(value, CultureInfo.InvariantCulture, out repetitions) && repetitions > 0:
                case "--scale" when double.TryParse(value, CultureInfo.InvariantCulture, out scale) && scale > 0:
                    i++;
                    break;
                default:
                    if (KernelCatalog.All.FirstOrDefault(k => k.Name == arguments[i]) is not { } kernel)
                    {
                        Console.Error.WriteLine(Usage);
                        return 2;
                    }

                    kernels.Add(kernel);
                    break;
            }
        }

        if (KernelCatalog.FindDirectory() is not { } directory)
        {
            Console.Error.WriteLine($"the built kernels are not above the program; run shared/bench/kernels/build.sh, or set {KernelCatalog.Variable} to their directory");
            return 2;
        }

        if (arguments[0] == "compare" && against is null)
        {
            Console.Error.WriteLine(Usage);
            return 2;
        }

        return Measure(directory, kernels.Count != 0 ? kernels : [.. KernelCatalog.All], against, emu, against is null ? 1 : pairs, repetitions, scale);
    }

    private static int Measure(string directory, IReadOnlyList<KernelInfo> kernels, string? against, string? emu, int pairs, int repetitions, double scale)
    {
        int wrong = 0;
        List<(string Group, double Mips, double Ratio)> rows = [];
        foreach (KernelInfo kernel in kernels)
        {
            byte[] elf = KernelCatalog.Load(directory, kernel.Name, Math.Max(1, (int)(kernel.Iterations * scale)), repetitions);
            List<double> ratios = [];
            List<KernelResult> ours = [];
            List<KernelResult> theirs = [];
            for (int pair = 0; pair < pairs; pair++)
            {
                KernelResult mine = Best(emu is null ? new KernelMachine(elf).Run() : KernelProcess.Run(emu, elf, repetitions, LimitSeconds));
                ours.Add(mine);
                if (against is not null)
                {
                    KernelResult other = Best(KernelProcess.Run(against, elf, repetitions, LimitSeconds));
                    theirs.Add(other);
                    ratios.Add(other.Seconds / mine.Seconds);
                }
            }

            string[] sums = [.. ours.Concat(theirs).Select(r => r.Checksum).Distinct()];
            wrong += sums.Length == 1 ? 0 : 1;
            double mips = ours[0].Instructions == 0 ? double.NaN : Median(ours.Select(r => r.Instructions / r.Seconds / 1e6));
            double ratio = ratios.Count == 0 ? double.NaN : Median(ratios);
            rows.Add((kernel.Group, mips, ratio));
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{kernel.Name,-10} {kernel.Group,-8} {Median(ours.Select(r => r.Seconds)),7:F3} s {mips,7:F1} MIPS{(against is null ? string.Empty : $"   {against} {Median(theirs.Select(r => r.Seconds)),7:F3} s   speed over {against} {ratio:F2}")}   {string.Join(" != ", sums)}{(sums.Length == 1 ? string.Empty : "  WRONG")}"));
        }

        foreach (IGrouping<string, (string Group, double Mips, double Ratio)> g in rows.GroupBy(r => r.Group))
        {
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"geomean {g.Key,-8} {Geomean(g.Select(r => r.Mips)),7:F1} MIPS, least {g.Min(r => r.Mips):F1}{(against is null ? string.Empty : $"   speed over {against} {Geomean(g.Select(r => r.Ratio)):F2}")}"));
        }

        return wrong == 0 ? 0 : 1;
    }

    /// <summary>The fastest repetition, with the checksums of all: a kernel that keeps state between repetitions (interp) has several.</summary>
    private static KernelResult Best(IReadOnlyList<KernelResult> results) =>
        results.MinBy(r => r.Seconds)! with { Checksum = string.Join(',', results.Select(r => r.Checksum).Distinct()) };

    private static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        int middle = sorted.Length / 2;
        return sorted.Length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }

    private static double Geomean(IEnumerable<double> values) => Math.Exp(values.Average(Math.Log));
}
