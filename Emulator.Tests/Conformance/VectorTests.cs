using System.Collections.Concurrent;
using System.Globalization;
using Emulator.Jit;
using NUnit.Framework;

namespace Emulator.Tests.Conformance;

/// <summary>
/// Every recorded instruction of shared/vectors in every mode that it claims. The environment variable VECTOR_FILTER restricts the run to
/// codes whose name contains it. See docs/TESTING.md.
/// </summary>
[TestFixture]
[Category("Conformance")]
internal sealed class VectorTests
{
    /// <summary>Share of the vectors that may be known failures.</summary>
    private const double MostKnownFailures = 0.001;

    /// <summary>One in so many vectors runs translated: each is compiled, which takes half a millisecond.</summary>
    private const int TranslatedShare = 19;

    /// <summary>One in so many of these in code that the host's compiler optimizes, and verified.</summary>
    private const int OptimizedShare = 73;

    private static readonly ConcurrentBag<VectorRunner> Runners = [];

    private static IEnumerable<TestCaseData> Cases() =>
        from g in VectorGroups.All
        from mode in VectorGroups.Split(g.Modes)
        select new TestCaseData(g.Name, mode).SetName($"Vectors_{g.Name}_{mode}");

    [TestCaseSource(nameof(Cases))]
    [Parallelizable(ParallelScope.All)]
    public void Every_vector_gives_the_recorded_result(string group, object mode)
    {
        VectorModes single = (VectorModes)mode;
        string? directory = SharedFiles.Find("vectors");
        if (directory is null)
        {
            Assert.Ignore($"shared/vectors is not in a directory above the tests; set {SharedFiles.Variable} to the shared directory");
            return;
        }

        string? filter = Environment.GetEnvironmentVariable("VECTOR_FILTER");
        VectorRunOptions options = new() { CodeFilter = string.IsNullOrEmpty(filter) ? null : filter };
        VectorFile file = VectorFile.Open(Path.Combine(directory, group + ".vec.gz"));
        if (!Runners.TryTake(out VectorRunner? runner))
        {
            runner = new VectorRunner();
        }

        VectorRunResult result = runner.Run(file, single, options);
        Runners.Add(runner);
        TestContext.Out.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{group} {single}: {result.Run} run, {result.Passed} passed, {result.Failures.Count} failed, {result.Warnings.Count} model-dependent differences, {result.Inexact} within tolerance but not equal"));

        HashSet<int> known = [.. KnownFailures.Of(group, single.ToString()).Select(e => e.Index)];
        List<(int Index, string Code)> unexpected = [.. result.Failures.Where(f => !known.Contains(f.Index))];
        if (unexpected.Count != 0)
        {
            string codes = string.Join('\n', unexpected.GroupBy(f => f.Code, StringComparer.Ordinal).OrderByDescending(g => g.Count())
                .Take(40).Select(g => string.Create(CultureInfo.InvariantCulture, $"{g.Count(),7} {g.Key} (first #{g.First().Index})")));
            Assert.Fail($"{unexpected.Count} of {result.Run} vectors fail:\n{codes}\n\n{string.Join('\n', result.Descriptions)}");
        }

        if (options.CodeFilter is null)
        {
            Assert.That(result.Run, Is.Positive, "vectors run");
            HashSet<int> failed = [.. result.Failures.Select(f => f.Index)];
            string[] fixedNow = [.. KnownFailures.Of(group, single.ToString()).Where(e => !failed.Contains(e.Index)).Select(e => e.Where)];
            Assert.That(fixedNow, Is.Empty, "known failures that pass: remove these entries");
        }
    }

    private static IEnumerable<TestCaseData> TranslatedCases() =>
        from g in VectorGroups.All
        from mode in VectorGroups.Split(g.Modes)
        select new TestCaseData(g.Name, mode).SetName($"Translated_vectors_{g.Name}_{mode}");

    /// <summary>A share of the vectors; all of them: <c>Emulator.Benchmarks vectors --engine jit</c>.</summary>
    [TestCaseSource(nameof(TranslatedCases))]
    [Parallelizable(ParallelScope.All)]
    public void Vectors_give_the_recorded_result_in_translated_code(string group, object mode)
    {
        VectorModes single = (VectorModes)mode;
        string? directory = SharedFiles.Find("vectors");
        if (directory is null)
        {
            Assert.Ignore($"shared/vectors is not in a directory above the tests; set {SharedFiles.Variable} to the shared directory");
            return;
        }

        VectorFile file = VectorFile.Open(Path.Combine(directory, group + ".vec.gz"));
        HashSet<int> known = [.. KnownFailures.Of(group, single.ToString()).Select(e => e.Index)];
        foreach ((JitOptions options, int share) in ((JitOptions, int)[])[
            (JitOptions.AtFirstSight with { Unoptimized = true }, TranslatedShare),
            (JitOptions.AtFirstSight, OptimizedShare),
            (JitOptions.AtFirstSight with { Unoptimized = true, Verify = true }, OptimizedShare)])
        {
            VectorRunResult result = new VectorRunner(options).Run(file, single, new VectorRunOptions { Every = share, Remainder = 1 });
            TestContext.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{group} {single}: {result.Run} run, {result.Failures.Count} failed"));
            Assert.That(result.Failures.Where(f => !known.Contains(f.Index)), Is.Empty, string.Join('\n', result.Descriptions));
        }
    }

    [Test]
    public void Known_failures_are_fewer_than_one_in_a_thousand_and_name_an_existing_group()
    {
        int vectors = KnownFailures.All.Where(e => VectorGroups.All.Any(g => g.Name == e.Group)).Select(e => (e.Group, e.Index)).Distinct().Count();
        Assert.That(vectors, Is.LessThan(204_525 * MostKnownFailures));
        string[] lost = [.. KnownFailures.All.Where(e => e.Group != "sys_kvm" && VectorGroups.All.All(g => g.Name != e.Group)).Select(e => e.Where)];
        Assert.That(lost, Is.Empty);
    }
}
