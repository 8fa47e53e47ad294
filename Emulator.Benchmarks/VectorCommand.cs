using System.Diagnostics;
using System.Globalization;
using Emulator.Jit;
using Emulator.Tests.Conformance;

namespace Emulator.Benchmarks;

/// <summary>
/// The <c>vectors</c> command: runs conformance vectors and prints the failing codes by count, and the differences of the first failures.
/// </summary>
internal static class VectorCommand
{
    private const string KvmGroup = "sys_kvm";

    public const string Usage = """
        vectors [FILE...] [--code TEXT] [--mode R16|V86|P16|U32|P32] [--index N] [--every N] [--engine interpreter|jit|verify] [--optimized] [--jobs N] [--show N]
            FILE     int16 int32 invalid mmx page32 priv seg16 seg32 seq16 seq32 sse16 sse32 x87_16 x87_32
                     (default: all of these), sys_kvm (--code also takes a family there)
            --code   only codes whose name contains TEXT (several: comma)
            --mode   only this mode (default: all that the file claims)
            --index  only the vector with this number
            --every  only every Nth vector
            --engine jit: every block is compiled before it runs, and a vector runs to the HLT behind it;
                     verify: the same, and each run of a region is compared with the interpreter's
            --optimized  the host's compiler optimizes the regions; otherwise it does not, which takes less than half the time
            --jobs   threads that share the work (default: one a core)
            --show   describe up to N failures (default 3)
        """;

    public static int Run(string[] arguments)
    {
        List<string> files = [];
        string? code = null;
        VectorModes modes = (VectorModes)0xFF;
        int jobs = Environment.ProcessorCount;
        bool optimized = false;
        int? index = null;
        int show = 3;
        int every = 1;
        string engine = "interpreter";
        for (int i = 1; i < arguments.Length; i++)
        {
            string? value = i + 1 < arguments.Length ? arguments[i + 1] : null;
            switch (arguments[i])
            {
                case "--code" when value is not null:
                    code = value;
                    i++;
                    break;
                case "--mode" when Enum.TryParse(value, ignoreCase: true, out modes):
                    i++;
                    break;
                case "--index" when int.TryParse(value, CultureInfo.InvariantCulture, out int number):
                    index = number;
                    i++;
                    break;
                case "--every" when int.TryParse(value, CultureInfo.InvariantCulture, out every) && every > 0:
                    i++;
                    break;
                case "--engine" when value is "jit" or "interpreter" or "verify":
                    engine = value;
                    i++;
                    break;
                case "--optimized":
                    optimized = true;
                    break;
                case "--jobs" when int.TryParse(value, CultureInfo.InvariantCulture, out jobs) && jobs > 0:
                    i++;
                    break;
                case "--show" when int.TryParse(value, CultureInfo.InvariantCulture, out show):
                    i++;
                    break;
                default:
                    if (arguments[i] != KvmGroup && !VectorGroups.All.Select(g => g.Name).Contains(arguments[i]))
                    {
                        Console.Error.WriteLine(Usage);
                        return 2;
                    }

                    files.Add(arguments[i]);
                    break;
            }
        }

        string? directory = SharedFiles.Find("vectors");
        if (directory is null)
        {
            Console.Error.WriteLine($"shared/vectors is not above the program; set {SharedFiles.Variable}");
            return 2;
        }

        if (files.Contains(KvmGroup))
        {
            return RunKvm(Path.Combine(directory, VectorKvmFile.FileName), code, show);
        }

        VectorRunOptions options = new() { CodeFilter = code, Index = index, Every = every, DescribePerCode = show, DescribeTotal = show };
        JitOptions? jit = engine == "interpreter" ? null : JitOptions.AtFirstSight with { Unoptimized = !optimized, Verify = engine == "verify" };
        return RunFiles(directory, files, modes, options, jit, jobs);
    }

    private static int RunKvm(string path, string? code, int show)
    {
        SortedDictionary<string, int> families = new(StringComparer.Ordinal);
        List<VectorKvmFailure> failures = VectorKvmFile.Run(path, code, families);
        foreach ((string family, int count) in families)
        {
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{family,-10} {count,5} run {failures.Count(f => f.Family == family),5} differ"));
        }

        foreach (IGrouping<(string Family, string Code), VectorKvmFailure> g in failures.GroupBy(f => (f.Family, f.Code)).OrderByDescending(g => g.Count()))
        {
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{g.Count(),7}  {g.Key.Family,-10} {g.Key.Code,-24} first #{g.First().Index}"));
        }

        foreach (VectorKvmFailure failure in failures.Take(show))
        {
            Console.WriteLine(failure.Description);
        }

        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{families.Values.Sum()} run, {failures.Count} differ"));
        return failures.Count == 0 ? 0 : 1;
    }

    private static int RunFiles(string directory, List<string> files, VectorModes modes, VectorRunOptions options, JitOptions? jit, int jobs)
    {
        Dictionary<string, (int Failed, string Example)> codes = [];
        List<string> descriptions = [];
        int run = 0;
        int failed = 0;
        int known = 0;
        Stopwatch watch = Stopwatch.StartNew();
        VectorRunner[] runners = [.. Enumerable.Range(0, jobs).Select(_ => new VectorRunner(jit))];
        foreach ((string name, VectorModes claimed) in VectorGroups.All)
        {
            if ((files.Count != 0 && !files.Contains(name)) || (claimed & modes) == 0)
            {
                continue;
            }

            VectorFile[] copies = [.. Enumerable.Range(0, jobs).Select(_ => VectorFile.Open(Path.Combine(directory, name + ".vec.gz")))];
            foreach (VectorModes mode in VectorGroups.Split(claimed & modes))
            {
                VectorRunResult[] results = new VectorRunResult[jobs];
                Parallel.For(0, jobs, new ParallelOptions { MaxDegreeOfParallelism = jobs }, job =>
                {
                    VectorRunOptions share = options with { Every = options.Every * jobs, Remainder = options.Every * job };
                    results[job] = runners[job].Run(copies[job], mode, share);
                });
                HashSet<int> expected = [.. KnownFailures.Of(name, mode.ToString()).Select(e => e.Index)];
                (int Index, string Code)[] failures = [.. results.SelectMany(r => r.Failures).Where(f => !expected.Contains(f.Index)).OrderBy(f => f.Index)];
                int passing = results.Sum(r => r.Failures.Count) - failures.Length;
                known += passing;
                int count = results.Sum(r => r.Run);
                run += count;
                failed += failures.Length;
                descriptions.AddRange(results.SelectMany(r => r.Descriptions));
                foreach ((int number, string code) in failures)
                {
                    (int before, string example) = codes.GetValueOrDefault(code, (0, $"{name} {mode} #{number}"));
                    codes[code] = (before + 1, example);
                }

                if (count != 0)
                {
                    Console.WriteLine($"{name,-8} {mode,-4} {count,7} run {failures.Length,7} failed {passing,3} known {results.Sum(r => r.Warnings.Count),5} warnings {results.Sum(r => r.Inexact),5} inexact");
                }
            }
        }

        foreach ((string code, (int count, string example)) in codes.OrderByDescending(c => c.Value.Failed).ThenBy(c => c.Key, StringComparer.Ordinal))
        {
            Console.WriteLine($"{count,7}  {code,-36} first {example}");
        }

        foreach (string description in descriptions.Take(options.DescribeTotal))
        {
            Console.WriteLine(description);
        }

        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{run} run, {run - failed - known} passed, {failed} failed, {known} known to fail, {codes.Count} codes, {watch.Elapsed.TotalSeconds:F1} s"));
        return failed == 0 ? 0 : 1;
    }
}
