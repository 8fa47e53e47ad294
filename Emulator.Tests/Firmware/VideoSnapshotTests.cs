using System.Text;
using Emulator.Devices;
using Emulator.Devices.Snapshot;
using Emulator.Devices.Storage;
using Emulator.Devices.Storage.Images;
using Emulator.Frontend.Reporting;
using Emulator.Jit;
using NUnit.Framework;

namespace Emulator.Tests.Firmware;

/// <summary>Save, load, run equals run in the middle of an animation by VBE, on every engine and from one to the other.</summary>
internal sealed class VideoSnapshotTests
{
    private const int Total = 12_000_000;

    /// <summary>VideoAnimation.asm (nasm -f bin), without what is 0 behind it.</summary>
    private static readonly byte[] Animation = Convert.FromHexString(
        "fa31c08ed88ed0bc007cb8024fbb0101cd10b800a08ec066bd3930000031f683f601b9dc056669ed6d4ec6416681c5393000006689e866c1e8086631d266bb00b0040066f7f36689d085f674066605"
        + "00b0040089c766c1e8103b06917c740ca3917c89c2b8054f31dbcd106689e866c1e814268805e2aeb8074fbb800031c931d285f67403bae001cd1066ff06937ceb8effff");

    private string _folder = "";

    public enum Engine
    {
        Interpreter,
        Translator,
        Both,
    }

    private string Target => Path.Combine(_folder, "state");

    [SetUp]
    public void CreateFolder() => _folder = Directory.CreateTempSubdirectory("emu-test").FullName;

    [TearDown]
    public void DeleteFolder() => Directory.Delete(_folder, recursive: true);

    [TestCase(Engine.Interpreter)]
    [TestCase(Engine.Translator)]
    [TestCase(Engine.Both)]
    public void Save_load_run_equals_run_in_an_animation(Engine engine)
    {
        (uint[] picture, string state, uint frames) = Run(Engine.Interpreter, steps: 1);
        (uint[] savedPicture, string savedState, uint savedFrames) = Run(engine, steps: 9);
        Assert.That(savedState, Is.EqualTo(state));
        Assert.That(savedPicture, Is.EqualTo(picture));
        Assert.That(savedFrames, Is.EqualTo(frames));
        Assert.That(frames, Is.EqualTo(2).Or.EqualTo(3), "48 ms at 60 frames a second");
        Assert.That(picture.Distinct().Count(), Is.GreaterThan(100));
    }

    private (uint[] Picture, string State, uint Frames) Run(Engine engine, int steps)
    {
        const uint Frames = 0x7C93;
        byte[] disk = new byte[1440 << 10];
        Animation.CopyTo(disk, 0);
        (disk[510], disk[511]) = (0x55, 0xAA);
        PcMachine machine = new(new PcMachineConfig
        {
            RamSize = 4 << 20,
            BootOrder = "a",
            Drives = [new Drive(new DriveOptions { Interface = DriveInterface.Floppy, File = "test" }, new MemoryImage(disk))],
        });
        machine.Attach(new());
        for (int i = 0; i < steps; i++)
        {
            bool translated = engine == Engine.Translator || (engine == Engine.Both && (i & 1) != 0);
            using JitTranslator? translator = translated ? new JitTranslator(machine.Cpu, JitOptions.AtFirstSight) : null;
            translator?.Attach();
            machine.Run((Total * (i + 1L) / steps) - machine.Cpu.Retired);
            if (steps > 1)
            {
                MachineSnapshot.Save(machine, Target);
                machine = MachineSnapshot.Load(Target, c => c with { Drives = [new Drive(new DriveOptions { Interface = DriveInterface.Floppy, File = "test" }, new MemoryImage(disk))] });
            }
        }

        machine.Screen!.Update();
        using MemoryStream stream = new();
        StateDump.WriteJson(machine.Cpu, stream);
        return (machine.Screen.Pixels.ToArray(), Encoding.UTF8.GetString(stream.ToArray()), machine.Memory.Read<uint>(Frames));
    }
}
