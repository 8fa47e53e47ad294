using System.Globalization;
using NUnit.Framework;

namespace Emulator.Tests.Robustness;

/// <summary>
/// Ten million random bytes executed as code in each mode: nothing escapes, and the machine works afterwards. More seeds:
/// <c>Emulator.Benchmarks fuzz</c>, see docs/TESTING.md.
/// </summary>
[TestFixture]
[Category("Robustness")]
internal sealed class RandomCodeTests
{
    private const int Bytes = 10_000_000;

    [Test]
    [Parallelizable(ParallelScope.All)]
    public void Random_bytes_as_code_do_no_harm([Values] RandomCodeMode mode)
    {
        RandomCodeMachine machine = new(mode, (ulong)FuzzSeed.Value);
        try
        {
            while ((long)machine.Round * RandomCodeMachine.WindowSize < Bytes)
            {
                machine.RunRound();
            }
        }
        catch (Exception e)
        {
            Assert.Fail($"seed {FuzzSeed.Value}, round {machine.Round}, start {machine.Start:X}h: {e}");
        }

        Assert.That(machine.RunProbe(), Is.EqualTo(RandomCodeMachine.ProbeResult), "the machine works afterwards");
        TestContext.Out.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{mode}: {machine.Core.Retired:N0} instructions, {machine.Core.FaultsDelivered:N0} faults, {machine.Core.InterruptsDelivered:N0} interrupts, {machine.Shutdowns:N0} shutdowns"));
    }
}
