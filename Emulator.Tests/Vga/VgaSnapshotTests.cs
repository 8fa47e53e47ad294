using Emulator.Devices;
using Emulator.Devices.Snapshot;
using Emulator.Frontend.Reporting;
using Emulator.Jit;
using Emulator.Tests.Core;
using NUnit.Framework;

namespace Emulator.Tests.Vga;

[TestFixture]
public sealed class VgaSnapshotTests
{
    // Fills a part of the frame buffer at E0000000h, waits for vertical retrace, moves the picture, and so on.
    private static readonly byte[] Animation = Convert.FromHexString("31edbf000000e0B9E02E000089e8890783c74405070301004975f3bada030000eca80874fbbace010000b80900000066ef4289e825ff00000066ef83c511ebc2");

    private string _folder = "";

    private string Target => Path.Combine(_folder, "state");

    [SetUp]
    public void CreateFolder() => _folder = Directory.CreateTempSubdirectory("emu-test").FullName;

    [TearDown]
    public void DeleteFolder() => Directory.Delete(_folder, recursive: true);

    [TestCase(false)]
    [TestCase(true)]
    public void Save_load_run_equals_run_in_an_animation(bool translated)
    {
        (uint[] picture, string state) = Run(translated, steps: 1);
        (uint[] copiedPicture, string copiedState) = Run(translated, steps: 15);
        Assert.That(copiedState, Is.EqualTo(state));
        Assert.That(copiedPicture, Is.EqualTo(picture));
        Assert.That(picture.Distinct().Count(), Is.GreaterThan(1000));
    }

    private (uint[] Picture, string State) Run(bool translated, int steps)
    {
        const int Total = 30_000_000;
        PcMachine machine = new(new PcMachineConfig { RamSize = 2 << 20 });
        machine.Attach(new());
        machine.Vga!.Enable(0xE0000000, 0xE1000000);
        (ushort Index, uint Value)[] mode = [(1, 640), (2, 480), (3, 32), (4, 0x41)];
        foreach ((ushort index, uint value) in mode)
        {
            machine.Ports.Write(0x1CE, 2, index);
            machine.Ports.Write(0x1CF, 2, value);
        }

        TestMachine.RunFlatCode(machine.Cpu, Animation);
        for (int i = 0; i < steps; i++)
        {
            using JitTranslator? translator = translated ? new JitTranslator(machine.Cpu, JitOptions.AtFirstSight) : null;
            translator?.Attach();
            machine.Run((Total * (i + 1L) / steps) - machine.Cpu.Retired);
            if (steps > 1)
            {
                machine.Screen!.Update();
                MachineSnapshot.Save(machine, Target);
                machine = MachineSnapshot.Load(Target, c => c);
            }
        }

        machine.Screen!.Update();
        using MemoryStream stream = new();
        StateDump.WriteJson(machine.Cpu, stream);
        return (machine.Screen.Pixels.ToArray(), System.Text.Encoding.UTF8.GetString(stream.ToArray()));
    }
}
