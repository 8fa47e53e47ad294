using System.Diagnostics;
using System.Globalization;
using Emulator.Tests.Conformance;

namespace Emulator.Benchmarks;

/// <summary>
/// The <c>vectors</c> command: runs conformance vectors and prints the failing codes by count, and the differences of the first failures.
/// </summary>
internal static class VectorCommand
{
    private const string KvmGroup = "sys_kvm";

    public const string Usage = """
        vectors [FILE...] [--code TEXT] [--mode R16|V86|P16|U32|P32] [--index N] [--every N] [--engine interpreter|jit] [--show N]
            FILE     int16 int32 invalid mmx page32 priv seg16 seg32 seq16 seq32 sse16 sse32 x87_16 x87_32
                     (default: all of these), sys_kvm (--code also takes a family there)
            --code   only codes whose name contains TEXT (several: comma)
            --mode   only this mode (default: all that the file claims)
            --index  only the vector with this number
            --every  only every Nth vector
            --engine jit: every block is compiled before it runs, and a vector runs to the HLT behind it
            --show   describe up to N failures (default 3)
        """;

    public static int Run(string[] arguments)
    {
        List<string> files = [];
        string? code = null;
        VectorModes modes = (VectorModes)0xFF;
        int? index = null;
        int show = 3;
        int every = 1;
        bool translated = false;
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
                case "--engine" when value is "jit" or "interpreter":
                    translated = value == "jit";
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
        return RunFiles(directory, files, modes, options, translated);
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

    private static int RunFiles(string directory, List<string> files, VectorModes modes, VectorRunOptions options, bool translated)
    {
        VectorRunner runner = new(translated);
        Dictionary<string, (int Failed, string Example)> codes = [];
        List<string> descriptions = [];
        int run = 0;
        int failed = 0;
        Stopwatch watch = Stopwatch.StartNew();
        foreach ((string name, VectorModes claimed) in VectorGroups.All)
        {
            if (files.Count != 0 && !files.Contains(name))
            {
                continue;
            }

            VectorFile file = VectorFile.Open(Path.Combine(directory, name + ".vec.gz"));
            foreach (VectorModes mode in VectorGroups.Split(claimed & modes))
            {
                VectorRunResult result = runner.Run(file, mode, options);
                run += result.Run;
                failed += result.Failures.Count;
                descriptions.AddRange(result.Descriptions);
                foreach ((int number, string code) in result.Failures)
                {
                    (int count, string example) = codes.GetValueOrDefault(code, (0, $"{name} {mode} #{number}"));
                    codes[code] = (count + 1, example);
                }

                if (result.Run != 0)
                {
                    Console.WriteLine($"{name,-8} {mode,-4} {result.Run,7} run {result.Failures.Count,7} failed {result.Warnings.Count,5} warnings {result.Inexact,5} inexact");
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

        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{run} run, {run - failed} passed, {failed} failed, {codes.Count} codes, {watch.Elapsed.TotalSeconds:F1} s"));
        return failed == 0 ? 0 : 1;
    }
}
