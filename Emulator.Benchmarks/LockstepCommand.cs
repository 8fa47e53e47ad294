using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using Emulator.Tests.Lockstep;

namespace Emulator.Benchmarks;

/// <summary>The <c>lockstep</c> command: random programs on the interpreter and the translator, as many as wanted.</summary>
internal static class LockstepCommand
{
    public const string Usage = """
        lockstep [--seed N] [--instructions N] [--length N] [--rounds N] [--failures N] [--jobs N] [--no-shrink]
        lockstep --case FILE
            --seed          first seed (default 1); --instructions guest instructions in all (default 100000000)
            --length        instructions a program runs in a round (default 20000); --rounds with other data each (default 3)
            --failures      stop after so many divergences (default 1); --no-shrink names the seed only
            --jobs          threads that share the work (default: one a core); the same seed, instructions, length, rounds and jobs run the same programs
            --case          one program from a file, as Emulator.Tests/Lockstep/Cases has them
            A line a minute says how far it is. Ctrl-C and SIGTERM end it behind the programs that run, with the totals; a second one at once.
        """;

    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(1);

    public static int Run(string[] arguments)
    {
        ulong seed = 1;
        long instructions = 100_000_000;
        long length = 20_000;
        int jobs = Environment.ProcessorCount;
        int rounds = LockstepSetup.DefaultRounds;
        int mostFailures = 1;
        bool shrink = true;
        string? file = null;
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
                case "--case" when File.Exists(value):
                    file = value;
                    break;
                case "--seed" when ulong.TryParse(value, CultureInfo.InvariantCulture, out seed):
                case "--instructions" when long.TryParse(value, CultureInfo.InvariantCulture, out instructions):
                case "--length" when long.TryParse(value, CultureInfo.InvariantCulture, out length):
                case "--rounds" when int.TryParse(value, CultureInfo.InvariantCulture, out rounds) && rounds > 0:
                case "--jobs" when int.TryParse(value, CultureInfo.InvariantCulture, out jobs) && jobs > 0:
                case "--failures" when int.TryParse(value, CultureInfo.InvariantCulture, out mostFailures):
                    break;
                default:
                    Console.Error.WriteLine(Usage);
                    return 2;
            }
        }

        if (file is not null)
        {
            using LockstepRunner runner = new() { Shrinks = shrink };
            string? divergence = runner.Run(LockstepCase.Parse(File.ReadAllText(file)));
            Console.WriteLine(divergence ?? string.Create(CultureInfo.InvariantCulture, $"{runner.Instructions:N0} instructions ({runner.Translated:N0} translated), no divergence"));
            return divergence is null ? 0 : 1;
        }

        Stopwatch watch = Stopwatch.StartNew();
        LockstepRunner[] runners = new LockstepRunner[jobs];
        int failures = 0;
        int programs = 0;
        bool stopped = false;
        using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        using PosixSignalRegistration terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
        Thread[] threads = new Thread[jobs];
        Lock output = new();
        for (int job = 0; job < jobs; job++)
        {
            int number = job;
            runners[job] = new LockstepRunner { Shrinks = shrink };
            threads[job] = new Thread(() => Work(number));
            threads[job].Start();
        }

        foreach (Thread thread in threads)
        {
            while (!thread.Join(NextLine()))
            {
                Console.WriteLine($"so far: {Progress()}");
            }
        }

        Console.WriteLine(Progress() + (stopped ? ", cut" : string.Empty));
        foreach (LockstepRunner runner in runners)
        {
            runner.Dispose();
        }

        return failures != 0 ? 1 : stopped ? 3 : 0;

        void Stop(PosixSignalContext context)
        {
            // The second one ends the process as always.
            context.Cancel = !Volatile.Read(ref stopped);
            Volatile.Write(ref stopped, true);
        }

        TimeSpan NextLine() => Interval - TimeSpan.FromTicks(watch.Elapsed.Ticks % Interval.Ticks);

        string Progress() => string.Create(CultureInfo.InvariantCulture,
            $"{programs:N0} programs, {runners.Sum(r => r.Instructions):N0} instructions ({runners.Sum(r => r.Translated):N0} translated), {runners.Sum(r => r.Deliveries):N0} faults and interrupts, {failures} divergences, {watch.Elapsed.TotalSeconds:F1} s");

        void Work(int job)
        {
            LockstepRunner runner = runners[job];
            long share = (instructions + jobs - 1) / jobs;
            for (ulong next = seed + (ulong)job; runner.Instructions < share && Volatile.Read(ref failures) < mostFailures && !Volatile.Read(ref stopped); next += (ulong)jobs)
            {
                if (runner.RunSeed(next, length, rounds) is { } divergence)
                {
                    Interlocked.Increment(ref failures);
                    lock (output)
                    {
                        Console.WriteLine(divergence);
                    }
                }

                Interlocked.Increment(ref programs);
            }
        }
    }
}
