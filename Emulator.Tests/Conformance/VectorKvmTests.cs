using System.Globalization;
using NUnit.Framework;

namespace Emulator.Tests.Conformance;

/// <summary>System instructions against the recorded software emulator; see <see cref="VectorKvmRunner"/>.</summary>
[TestFixture]
[Category("Conformance")]
internal sealed class VectorKvmTests
{
    [Test]
    public void System_instructions_agree_with_the_recorded_emulator_but_for_its_known_errors()
    {
        string? directory = SharedFiles.Find("vectors");
        if (directory is null)
        {
            Assert.Ignore($"shared/vectors is not in a directory above the tests; set {SharedFiles.Variable} to the shared directory");
            return;
        }

        SortedDictionary<string, int> families = new(StringComparer.Ordinal);
        List<VectorKvmFailure> failures = VectorKvmFile.Run(Path.Combine(directory, VectorKvmFile.FileName), null, families);
        foreach ((string family, int count) in families)
        {
            TestContext.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{family}: {count} run, {failures.Count(f => f.Family == family)} differ"));
        }

        HashSet<(string Family, int Index)> known = [.. KnownFailures.All.Where(e => e.Group == "sys_kvm").Select(e => (e.Mode, e.Index))];
        VectorKvmFailure[] unexpected = [.. failures.Where(f => !known.Contains((f.Family, f.Index)))];
        string codes = string.Join('\n', unexpected.GroupBy(f => (f.Family, f.Code)).Select(g => $"{g.Count(),5} {g.Key.Family} {g.Key.Code} (first #{g.First().Index})"));
        Assert.That(unexpected, Is.Empty, $"{codes}\n{string.Join('\n', unexpected.Take(10).Select(f => f.Description))}");
        known.ExceptWith(failures.Select(f => (f.Family, f.Index)));
        Assert.That(known, Is.Empty, "known failures that pass: remove these entries");
    }
}
