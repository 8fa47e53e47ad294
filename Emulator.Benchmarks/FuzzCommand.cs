using System.Diagnostics;
using System.Globalization;
using Emulator.Tests.Robustness;

namespace Emulator.Benchmarks;

/// <summary>The <c>fuzz</c> command: random bytes as code, with as many seeds as wanted.</summary>
internal static class FuzzCommand
{
    public const string Usage = """
        fuzz [--seed N] [--seeds N] [--bytes N] [--mode MODE] [--trace]
            MODE     Real16 BigReal Protected16 Flat32 Segmented32 PagedSupervisor PagedUser Virtual8086 (default: all)
            --seed   first seed (default 1); --seeds how many (default 1); --bytes random bytes per mode and seed (default 10000000)
            --trace  print mode, seed and round before each round, and every ten seconds where it is, to find what crashes or hangs
        """;

    public static int Run(string[] arguments)
    {
        ulong first = 1;
        ulong seeds = 1;
        long bytes = 10_000_000;
        bool trace = false;
        RandomCodeMode[] modes = Enum.GetValues<RandomCodeMode>();
        for (int i = 1; i < arguments.Length; i++)
        {
            string? value = i + 1 < arguments.Length ? arguments[i + 1] : null;
            switch (arguments[i])
            {
                case "--seed" when ulong.TryParse(value, CultureInfo.InvariantCulture, out first):
                case "--seeds" when ulong.TryParse(value, CultureInfo.InvariantCulture, out seeds):
                case "--bytes" when long.TryParse(value, CultureInfo.InvariantCulture, out bytes):
                    i++;
                    break;
                case "--mode" when Enum.TryParse(value, ignoreCase: true, out RandomCodeMode mode):
                    modes = [mode];
                    i++;
                    break;
                case "--trace":
                    trace = true;
                    break;
                default:
                    Console.Error.WriteLine(Usage);
                    return 2;
            }
        }

        int failures = 0;
        for (ulong seed = first; seed < first + seeds; seed++)
        {
            foreach (RandomCodeMode mode in modes)
            {
                failures += RunOne(mode, seed, bytes, trace) ? 0 : 1;
            }
        }

        return failures == 0 ? 0 : 1;
    }

    private static bool RunOne(RandomCodeMode mode, ulong seed, long bytes, bool trace)
    {
        Stopwatch watch = Stopwatch.StartNew();
        RandomCodeMachine machine = new(mode, seed);
        try
        {
            using Timer? progress = trace ? new Timer(_ => Console.WriteLine($"  at start {machine.Start:X}h, {machine.Position}"), null, 10_000, 10_000) : null;
            while ((long)machine.Round * RandomCodeMachine.WindowSize < bytes)
            {
                if (trace)
                {
                    Console.WriteLine($"{mode} seed {seed} round {machine.Round}");
                }

                machine.RunRound();
            }
        }
        catch (Exception e)
        {
            Console.WriteLine($"{mode} seed {seed} round {machine.Round} start {machine.Start:X}h: {e}");
            return false;
        }

        uint probe = machine.RunProbe();
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{mode,-15} seed {seed}: {machine.Core.Retired,11:N0} instructions {machine.Core.FaultsDelivered,10:N0} faults {machine.Core.InterruptsDelivered,8:N0} interrupts {machine.Shutdowns,8:N0} shutdowns {watch.Elapsed.TotalSeconds,6:F1} s{(probe == RandomCodeMachine.ProbeResult ? string.Empty : $"  PROBE {probe:X8}")}"));
        return probe == RandomCodeMachine.ProbeResult;
    }
}
