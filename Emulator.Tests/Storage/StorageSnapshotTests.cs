using Emulator.Core.Snapshot;
using Emulator.Devices;
using Emulator.Devices.Snapshot;
using Emulator.Devices.Storage;
using Emulator.Devices.Storage.Images;
using NUnit.Framework;

namespace Emulator.Tests.Storage;

[TestFixture]
public sealed class StorageSnapshotTests
{
    private string _directory = "";

    private string Disk => Path.Combine(_directory, "disk.img");

    private string State => Path.Combine(_directory, "machine.state");

    [SetUp]
    public void CreateDirectory()
    {
        _directory = Directory.CreateTempSubdirectory("emu-storage").FullName;
        File.WriteAllBytes(Disk, IdeBoard.Pattern(1000));
    }

    [TearDown]
    public void DeleteDirectory() => Directory.Delete(_directory, recursive: true);

    [Test]
    public void Loading_opens_the_disks_again_and_goes_on_in_the_middle_of_a_transfer()
    {
        PcMachine machine = Create(snapshot: false);
        StartRead(machine);
        MachineSnapshot.Save(machine, State);
        Finish(machine);
        machine.CloseDrives();

        PcMachine loaded = MachineSnapshot.Load(State, config => config);
        Finish(loaded);
        Assert.That(loaded.Clock.Now, Is.EqualTo(machine.Clock.Now));
        loaded.CloseDrives();
    }

    [Test]
    public void A_disk_that_was_changed_is_refused()
    {
        PcMachine machine = Create(snapshot: false);
        MachineSnapshot.Save(machine, State);
        machine.CloseDrives();
        File.SetLastWriteTimeUtc(Disk, File.GetLastWriteTimeUtc(Disk).AddSeconds(1));
        Assert.That(Assert.Throws<SnapshotException>(() => MachineSnapshot.Load(State, config => config))!.Message, Does.Contain("changed"));
        File.Delete(Disk);
        Assert.That(Assert.Throws<SnapshotException>(() => MachineSnapshot.Load(State, config => config))!.Message, Does.Contain("no such file"));
    }

    [Test]
    public void Temporary_writes_are_part_of_the_machine()
    {
        PcMachine machine = Create(snapshot: true);
        BlockImage disk = machine.Config.Drives[0].Image!;
        byte[] data = new byte[3 * 512];
        data.AsSpan().Fill(0xA5);
        disk.Write(77, data);
        MachineSnapshot.Save(machine, State);
        machine.CloseDrives();
        PcMachine loaded = MachineSnapshot.Load(State, config => config);
        byte[] read = new byte[data.Length];
        loaded.Config.Drives[0].Image!.Read(77, read);
        loaded.CloseDrives();
        Assert.That(read, Is.EqualTo(data));
        Assert.That(File.ReadAllBytes(Disk).AsSpan().SequenceEqual(IdeBoard.Pattern(1000)), Is.True);
    }

    private static void StartRead(PcMachine machine)
    {
        machine.PrepareDirectBoot();
        machine.Ports.Write(0x1F6, 1, 0xE0);
        machine.Ports.Write(0x1F2, 1, 4);
        machine.Ports.Write(0x1F3, 1, 9);
        machine.Ports.Write(0x1F7, 1, 0x20);
    }

    private static void Finish(PcMachine machine)
    {
        byte[] expected = IdeBoard.Pattern(1000);
        for (int at = 0; at < 4 * 512; at += 2)
        {
            while ((machine.Ports.Read(0x3F6, 1) & 0x80) != 0)
            {
                machine.Clock.SkipTo(machine.Events.NextDue);
                machine.Events.RunDue();
            }

            Assert.That(machine.Ports.Read(0x1F0, 2), Is.EqualTo(expected[(9 * 512) + at] | ((uint)expected[(9 * 512) + at + 1] << 8)));
        }
    }

    private PcMachine Create(bool snapshot)
    {
        Drive drive = new(new DriveOptions { File = Disk, Format = "raw", Snapshot = snapshot });
        return new PcMachine(new PcMachineConfig { RamSize = 2 << 20, Drives = [drive] });
    }
}
