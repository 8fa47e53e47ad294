using System.Text;
using Emulator.Devices;
using Emulator.Frontend.Reporting;
using Emulator.Frontend.Roms;
using NUnit.Framework;
using TestRoms;

namespace Emulator.Tests.Robustness;

/// <summary>Under the instruction-count clock, how the host cuts a run into pieces changes nothing.</summary>
[TestFixture]
public sealed class SliceTests
{
    [Test]
    public void Any_slices_and_any_calls_give_the_same_end([ValueSource(typeof(RomCatalog), nameof(RomCatalog.All))] Rom rom)
    {
        PcMachine whole = RomRunner.CreateMachine(rom);
        RunResult end = whole.Run(rom.MaxInstructions);

        PcMachine stepped = RomRunner.CreateMachine(rom);
        RunResult result = default;
        while (stepped.Cpu.Retired < rom.MaxInstructions && !result.IsFinal)
        {
            result = stepped.Run(1);
        }

        PcMachine pieces = RomRunner.CreateMachine(rom);
        pieces.Cpu.SliceLength = 37;
        Random random = new(7);
        RunResult last = default;
        while (pieces.Cpu.Retired < rom.MaxInstructions && !last.IsFinal)
        {
            last = pieces.Run(Math.Min(random.Next(1, 5000), rom.MaxInstructions - pieces.Cpu.Retired));
        }

        Assert.Multiple(() =>
        {
            Assert.That(State(stepped), Is.EqualTo(State(whole)), "one instruction a call");
            Assert.That(State(pieces), Is.EqualTo(State(whole)), "slices of 37, seed 7");
            Assert.That(Ram(stepped).SequenceEqual(Ram(whole)), "RAM, one instruction a call");
            Assert.That(Ram(pieces).SequenceEqual(Ram(whole)), "RAM, slices");
            Assert.That(result.Reason, Is.EqualTo(end.Reason));
            Assert.That(last.Reason, Is.EqualTo(end.Reason));
        });
    }

    private static string State(PcMachine machine)
    {
        using MemoryStream stream = new();
        StateDump.WriteJson(machine.Cpu, stream);
        return Encoding.UTF8.GetString(stream.ToArray());
    }

    private static unsafe ReadOnlySpan<byte> Ram(PcMachine machine) => new(machine.Memory.Ram, (int)machine.Memory.RamSize);
}
