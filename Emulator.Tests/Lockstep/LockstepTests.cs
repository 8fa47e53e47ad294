using System.Globalization;
using Emulator.Core.Cpu;
using Emulator.Jit.Verification;
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
    private const long Length = 20_000;

    /// <summary>Instructions of each of the four parts: 80 million in all.</summary>
    private const long Part = 20_000_000;

    [Test]
    [Parallelizable(ParallelScope.All)]
    public void Random_programs_run_the_same_in_both_engines([Values(1_000_000ul, 2_000_000ul, 3_000_000ul, 4_000_000ul)] ulong first)
    {
        using LockstepRunner runner = new();
        for (ulong seed = first; runner.Instructions < Part; seed++)
        {
            Assert.That(runner.RunSeed(seed, Length, LockstepSetup.DefaultRounds), Is.Null);
        }

        TestContext.Out.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{runner.Instructions:N0} instructions, {runner.Translated:N0} translated, {runner.Deliveries:N0} faults and interrupts"));
        Assert.That(runner.Translated, Is.GreaterThan(runner.Instructions / 4), "regions run");
    }

    /// <summary>Found by the fuzzer: at the end of a slice the run loop looked at the next block, whose page fault showed in CR2.</summary>
    [Test]
    public unsafe void Where_slices_end_does_not_show([Range(1, 12)] int seed)
    {
        GuestProgram program = ProgramGenerator.Generate(ProgramGenerator.SetupOf((ulong)seed, 4000) with { TimerPeriod = 60 });
        using LockstepMachine steps = new(translated: false);
        using LockstepMachine slices = new(translated: false);
        steps.Load(program);
        slices.Load(program);
        while (slices.Retired < program.Setup.Instructions)
        {
            if (slices.Core.Run(97) is StopReason.Shutdown or StopReason.Halted)
            {
                return;
            }

            while (steps.Retired < slices.Retired)
            {
                steps.Core.Run(1);
            }

            // A stop that a device asked for ends one of the runs early; it is pending in neither.
            Assert.That(StateComparison.Equal(steps.State, slices.State), () => StateComparison.Describe(steps.State, slices.State));
        }

        Assert.That(steps.Ram.SequenceEqual(slices.Ram));
    }

    [Test]
    public void Compiling_in_the_background_changes_nothing([Range(1, 8)] int seed)
    {
        using LockstepRunner runner = new();
        LockstepSetup setup = ProgramGenerator.SetupOf((ulong)seed, 200_000) with { Background = true, Threshold = 2 };
        Assert.That(runner.Run(ProgramGenerator.Generate(setup)), Is.Null);
    }
}
