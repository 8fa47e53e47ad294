using System.Text;
using Emulator.Devices;
using Emulator.Devices.Loaders;
using Emulator.Devices.Snapshot;
using Emulator.Devices.Storage;
using Emulator.Devices.Storage.Images;
using Emulator.Jit;
using NUnit.Framework;

namespace Emulator.Tests.Storage;

/// <summary>The media of a CD drive and of a floppy drive are changed while a guest (MediumChange.asm) looks at them, at an instant of virtual time.</summary>
internal sealed class MediumChangeTests
{
    private const int SectorTwo = 512;
    private const int CdSectorSixteen = 16 * 2048;
    private const long Most = 5_000_000;

    private readonly StringBuilder _console = new();
    private string _folder = "";

    [SetUp]
    public void CreateFolder()
    {
        _folder = Directory.CreateTempSubdirectory("emu-medium").FullName;
        _console.Clear();
    }

    [TearDown]
    public void DeleteFolder() => Directory.Delete(_folder, recursive: true);

    [TestCase(false)]
    [TestCase(true)]
    public void Guest_sees_the_change_and_a_run_through_saved_states_is_the_same(bool translated)
    {
        (string whole, long retired, long now) = Run(translated, save: false);
        Assert.That(whole, Does.EndWith(" 00A00a 00A00a 16-2628 00B00b 00B00b 00B3628 00B023A 00B2628 00B00c "));
        _console.Clear();
        Assert.That(Run(translated, save: true), Is.EqualTo((whole, retired, now)));
    }

    [Test]
    public void Media_are_closed_when_they_leave_and_bad_ones_change_nothing()
    {
        PcMachine machine = new(new PcMachineConfig { RamSize = 2 << 20, Drives = [Create("floppy-A:"), Create("cd-a:"), new Drive(new DriveOptions { File = "disk:" }, new MemoryImage(new byte[1 << 20]))] });
        Assert.Multiple(() =>
        {
            Assert.Throws<StorageException>(() => machine.ChangeMedium(new Drive(new DriveOptions { Interface = DriveInterface.Floppy, File = "big:" }, new MemoryImage(new byte[4 << 20]))));
            Assert.Throws<StorageException>(() => machine.ChangeMedium(new Drive(new DriveOptions { Interface = DriveInterface.Floppy, File = Path.Combine(_folder, "nothing") })));
            Assert.Throws<ArgumentException>(() => machine.ChangeMedium(new Drive(new DriveOptions { File = "disk:" }, new MemoryImage(new byte[1 << 20]))), "a hard disk stays");
            Assert.Throws<ArgumentException>(() => machine.ChangeMedium(new Drive(new DriveOptions { Index = 1, Interface = DriveInterface.Floppy, File = "b:" }, new MemoryImage(new byte[1440 << 10]))), "there is no drive B");
        });
        Assert.That(machine.Floppies.Drives[0]!.Medium, Is.Not.Null);
        Drive old = machine.Config.Drives[0];
        machine.ChangeMedium(Create("floppy-B:"));
        Assert.That(old.Image, Is.Null);
        Assert.That(machine.Config.Drives[0].Options.File, Is.EqualTo("floppy-B:"));
        machine.CloseDrives();
    }

    /// <summary>What the guest printed, and when the run ended: after a change of both media, one of the CD for none, and one for another CD.</summary>
    private (string Output, long Retired, long Now) Run(bool translated, bool save)
    {
        PcMachine machine = new(new PcMachineConfig { RamSize = 4 << 20, BootOrder = "a", Drives = [Create("floppy-A:"), Create("cd-a:")] });
        machine.Attach(new BootFiles());
        foreach (string[] media in (string[][])[[], ["floppy-B:", "cd-b:"], ["cd-:"], ["cd-c:"]])
        {
            foreach (string name in media)
            {
                machine.ChangeMedium(Create(name));
            }

            if (save)
            {
                string file = Path.Combine(_folder, "state");
                MachineSnapshot.Save(machine, file);
                machine.CloseDrives();
                machine = MachineSnapshot.Load(file, c => c with { Drives = [.. c.Drives.Select(d => Create(d.Options.File ?? "cd-:"))] });
            }

            machine.DebugPorts.Console = b => _console.Append((char)b);
            using JitTranslator? translator = translated ? new JitTranslator(machine.Cpu, JitOptions.AtFirstSight) : null;
            translator?.Attach();
            int rounds = _console.ToString().Count(c => c == ' ') + (media.Length == 1 ? 2 : 3);
            while (_console.ToString().Count(c => c == ' ') < rounds && machine.Cpu.Retired < Most)
            {
                machine.Run(50);
            }
        }

        (long Retired, long Now) end = (machine.Cpu.Retired, machine.Clock.Now);
        machine.CloseDrives();
        return (_console.ToString(), end.Retired, end.Now);
    }

    /// <summary>A medium by its name: "floppy-X:" holds the guest and X in sector 2, "cd-x:" holds x in sector 16, "cd-:" is none.</summary>
    private static Drive Create(string name)
    {
        if (name == "cd-:")
        {
            return new Drive(new DriveOptions { Index = 2, Media = DriveMedia.CdRom });
        }

        byte letter = (byte)name[^2];
        if (name.StartsWith("cd-", StringComparison.Ordinal))
        {
            byte[] cd = new byte[20 * 2048];
            cd[CdSectorSixteen] = letter;
            return new Drive(new DriveOptions { Index = 2, Media = DriveMedia.CdRom, File = name }, new MemoryImage(cd, readOnly: true));
        }

        byte[] floppy = new byte[1440 << 10];
        using Stream resource = typeof(MediumChangeTests).Assembly.GetManifestResourceStream("Emulator.Tests.Storage.MediumChange.bin")!;
        resource.ReadExactly(floppy.AsSpan(0, (int)resource.Length));
        floppy[SectorTwo] = letter;
        return new Drive(new DriveOptions { Interface = DriveInterface.Floppy, File = name }, new MemoryImage(floppy));
    }
}
