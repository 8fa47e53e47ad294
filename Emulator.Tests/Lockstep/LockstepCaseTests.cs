using System.Reflection;
using NUnit.Framework;

namespace Emulator.Tests.Lockstep;

/// <summary>Programs that once made the engines differ (<c>Lockstep/Cases</c>), in many setups.</summary>
[TestFixture]
[Category("Lockstep")]
internal sealed class LockstepCaseTests
{
    private const string Prefix = "Emulator.Tests.Lockstep.Cases.";

    private static IEnumerable<string> Cases() => Assembly.GetExecutingAssembly().GetManifestResourceNames()
        .Where(n => n.StartsWith(Prefix, StringComparison.Ordinal)).Select(n => n[Prefix.Length..]);

    [TestCaseSource(nameof(Cases))]
    public void Case_runs_the_same_in_both_engines(string name)
    {
        GuestProgram program = LockstepCase.Parse(Read(name));
        using LockstepRunner runner = new();
        Assert.That(runner.Run(program), Is.Null);
        Assert.That(runner.Run(program with { Setup = program.Setup with { Stepped = true, EachRegion = false, Verify = false } }), Is.Null);
        foreach (int region in (int[])[1, 8, 250])
        {
            foreach (uint period in (uint[])[0, 5, 60])
            {
                for (int variant = 0; variant < 4; variant++)
                {
                    LockstepSetup setup = program.Setup with
                    {
                        Seed = program.Setup.Seed + (ulong)variant,
                        Threshold = 1 + (variant & 1),
                        RegionInstructions = region,
                        TimerPeriod = period,
                        EachRegion = variant != 2,
                        Verify = variant == 3,
                        Unoptimized = variant != 0,
                    };
                    Assert.That(runner.Run(program with { Setup = setup }), Is.Null);
                }
            }
        }

        Assert.That(runner.Translated, Is.Positive, "regions run");
    }

    [TestCaseSource(nameof(Cases))]
    public void Cases_are_written_as_they_are_read(string name)
    {
        GuestProgram program = LockstepCase.Parse(Read(name));
        string text = LockstepCase.Format(program);
        Assert.That(LockstepCase.Format(LockstepCase.Parse(text)), Is.EqualTo(text));
        Assert.That(LockstepCase.Parse(text).Build(others: true), Is.EqualTo(program.Build(others: true)));
    }

    [Test]
    public void Random_programs_survive_being_written([Range(1, 20)] int seed)
    {
        GuestProgram program = ProgramGenerator.Generate(ProgramGenerator.SetupOf((ulong)seed, 1000) with { Rounds = 1 + (seed % 3), FirstRound = seed % 3 });
        GuestProgram again = LockstepCase.Parse(LockstepCase.Format(program));
        Assert.That(again.Build(others: false), Is.EqualTo(program.Build(others: false)));
        Assert.That(again.Build(others: true), Is.EqualTo(program.Build(others: true)));
        Assert.That(again.Setup, Is.EqualTo(program.Setup));
    }

    private static string Read(string name)
    {
        using StreamReader reader = new(Assembly.GetExecutingAssembly().GetManifestResourceStream(Prefix + name)!);
        return reader.ReadToEnd();
    }
}
