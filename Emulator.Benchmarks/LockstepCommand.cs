using System.Diagnostics;
using System.Globalization;
using Emulator.Tests.Lockstep;

namespace Emulator.Benchmarks;

/// <summary>The <c>lockstep</c> command: random programs on the interpreter and the translator, as many as wanted.</summary>
internal static class LockstepCommand
{
    public const string Usage = """
        lockstep [--seed N] [--instructions N] [--length N] [--failures N] [--no-shrink]
            --seed          first seed (default 1); --instructions guest instructions in all (default 100000000)
            --length        instructions a program runs (default 100000); --failures stop after so many divergences (default 1); --no-shrink names the seed only
        """;

    public static int Run(string[] arguments)
    {
        ulong seed = 1;
        long instructions = 100_000_000;
        long length = 100_000;
        int mostFailures = 1;
        bool shrink = true;
        for (int i = 1; i < arguments.Length; i += 2)
        {
            if (arguments[i] == "--no-shrink")
            {
                shrink = false;
                i--;
                continue;
            }

            string? value = i + 1 < arguments.Length ? arguments[i + 1] : null;
            switch (arguments[i])
            {
                case "--seed" when ulong.TryParse(value, CultureInfo.InvariantCulture, out seed):
                case "--instructions" when long.TryParse(value, CultureInfo.InvariantCulture, out instructions):
                case "--length" when long.TryParse(value, CultureInfo.InvariantCulture, out length):
                case "--failures" when int.TryParse(value, CultureInfo.InvariantCulture, out mostFailures):
                    break;
                default:
                    Console.Error.WriteLine(Usage);
                    return 2;
            }
        }

        Stopwatch watch = Stopwatch.StartNew();
        using LockstepRunner runner = new() { Shrinks = shrink };
        int failures = 0;
        ulong programs = 0;
        while (runner.Instructions < instructions && failures < mostFailures)
        {
            if (runner.RunSeed(seed + programs, length) is { } divergence)
            {
                failures++;
                Console.WriteLine(divergence);
            }

            programs++;
        }

        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{programs:N0} programs, {runner.Instructions:N0} instructions ({runner.Translated:N0} translated), {runner.Deliveries:N0} faults and interrupts, {failures} divergences, {watch.Elapsed.TotalSeconds:F1} s"));
        return failures == 0 ? 0 : 1;
    }
}
