using System.Globalization;
using NUnit.Framework;

namespace Emulator.Tests.Lockstep;

/// <summary>
/// Random programs on the interpreter and the translator: same state behind every slice. More seeds: <c>Emulator.Benchmarks lockstep</c>,
/// see docs/TESTING.md.
/// </summary>
[TestFixture]
[Category("Lockstep")]
internal sealed class LockstepTests
{
    private const int Programs = 60;
    private const long Length = 20_000;

    [Test]
    [Parallelizable(ParallelScope.All)]
    public void Random_programs_run_the_same_in_both_engines([Values(1_000_000ul, 2_000_000ul)] ulong first)
    {
        using LockstepRunner runner = new();
        for (ulong seed = first; seed < first + Programs; seed++)
        {
            Assert.That(runner.RunSeed(seed, Length), Is.Null);
        }

        TestContext.Out.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{runner.Instructions:N0} instructions, {runner.Translated:N0} translated, {runner.Deliveries:N0} faults and interrupts"));
        Assert.That(runner.Translated, Is.GreaterThan(runner.Instructions / 4), "regions run");
    }

    [Test]
    public void Compiling_in_the_background_changes_nothing([Range(1, 8)] int seed)
    {
        using LockstepRunner runner = new();
        LockstepSetup setup = ProgramGenerator.SetupOf((ulong)seed, 200_000) with { Background = true, Threshold = 2 };
        Assert.That(runner.Run(ProgramGenerator.Generate(setup)), Is.Null);
    }
}
