using System.Text;
using Emulator.Core.Snapshot;
using Emulator.Devices;
using Emulator.Devices.Snapshot;
using Emulator.Frontend.Reporting;
using Emulator.Frontend.Roms;
using NUnit.Framework;
using TestRoms;

namespace Emulator.Tests.Snapshot;

internal sealed class MachineSnapshotTests
{
    private string _folder = "";

    private string Target => Path.Combine(_folder, "state");

    [SetUp]
    public void CreateFolder() => _folder = Directory.CreateTempSubdirectory("emu-test").FullName;

    [TearDown]
    public void DeleteFolder() => Directory.Delete(_folder, recursive: true);

    [TestCase("interrupts")]
    [TestCase("paging")]
    [TestCase("real-mode")]
    [TestCase("strings")]
    public void Save_load_run_equals_run(string name)
    {
        Rom rom = RomCatalog.Find(name)!;
        PcMachine whole = RomRunner.CreateMachine(rom);
        RunResult end = whole.Run(rom.MaxInstructions);
        Assert.That(end.Reason, Is.EqualTo(RunReason.DebugExit));

        PcMachine machine = RomRunner.CreateMachine(rom);
        Random random = new(1);
        long step = whole.Cpu.Retired / 12;
        RunResult result = default;
        for (int i = 0; i < 100; i++)
        {
            result = machine.Run(step + random.Next(1000));
            if (result.IsFinal)
            {
                break;
            }

            MachineSnapshot.Save(machine, Target);
            machine = MachineSnapshot.Load(Target, config => config with { NoReboot = true });
        }

        Assert.That(result, Is.EqualTo(end));
        Assert.That(State(machine), Is.EqualTo(State(whole)));
        Assert.That(Ram(machine).SequenceEqual(Ram(whole)), "RAM is the same");
    }

    [Test]
    public void Saving_changes_nothing_and_saving_twice_gives_the_same_file()
    {
        PcMachine machine = RomRunner.CreateMachine(RomCatalog.Find("interrupts")!);
        machine.Run(100_000);
        string before = State(machine);
        MachineSnapshot.Save(machine, Target);
        byte[] first = File.ReadAllBytes(Target);
        MachineSnapshot.Save(MachineSnapshot.Load(Target, c => c), Target);
        Assert.That(State(machine), Is.EqualTo(before));
        Assert.That(File.ReadAllBytes(Target), Is.EqualTo(first));
    }

    [Test]
    public void Configuration_and_boot_files_come_back()
    {
        PcMachine machine = RomRunner.CreateMachine(RomCatalog.Find("hello")!);
        MachineSnapshot.Save(machine, Target);
        PcMachine loaded = MachineSnapshot.Load(Target, c => c);
        Assert.Multiple(() =>
        {
            Assert.That(loaded.Config.RamSize, Is.EqualTo(machine.Config.RamSize));
            Assert.That(loaded.Config.Cpu, Is.EqualTo(machine.Config.Cpu));
            Assert.That(loaded.Config.RtcBase, Is.EqualTo(machine.Config.RtcBase));
            Assert.That(loaded.Config.DebugExitPort, Is.EqualTo(RomRunner.ExitPort));
            Assert.That(loaded.Boot.Kernel!.Data, Is.EqualTo(machine.Boot.Kernel!.Data));
            Assert.That(loaded.Boot.Kernel.Name, Is.EqualTo("hello.bin"));
        });
    }

    [Test]
    public void Shadow_memory_that_is_being_filled_comes_back()
    {
        byte[] rom = new byte[0x10000];
        PcMachine machine = new(new PcMachineConfig());
        machine.LoadRom(rom, 0xF0000);
        machine.Ports.Write(0xCF8, 4, 0x80000058);
        machine.Ports.Write(0xCFD, 1, 0x20);
        machine.Memory.Write(0xF0000u, (byte)0x12);
        StateArchive saved = new("i440fx", 1);
        machine.Pci.Functions[0].Serialize(saved);

        PcMachine loaded = new(new PcMachineConfig());
        loaded.Memory.Write(0xF0000u, (byte)0x12); // the RAM of the snapshot
        loaded.LoadRom(rom, 0xF0000);
        loaded.Pci.Functions[0].Serialize(new StateArchive("i440fx", 1, saved.ToArray()));
        Assert.That(loaded.Memory.Read<byte>(0xF0000), Is.Zero, "reads still go to the ROM");
        loaded.Ports.Write(0xCF8, 4, 0x80000058);
        loaded.Ports.Write(0xCFD, 1, 0x30);
        Assert.That(loaded.Memory.Read<byte>(0xF0000), Is.EqualTo(0x12));
    }

    [Test]
    public void Times_of_chips_after_now_are_refused()
    {
        PcMachine machine = RomRunner.CreateMachine(RomCatalog.Find("interrupts")!);
        machine.Run(1000);
        _ = machine.Rtc.Date;
        _ = machine.Pit.Output(0);
        StateArchive saved = new("rtc", 1);
        machine.Rtc.Serialize(saved);
        byte[] rtc = saved.ToArray();
        saved = new("pit", 1);
        machine.Pit.Serialize(saved);
        byte[] pit = saved.ToArray();
        PcMachine early = RomRunner.CreateMachine(RomCatalog.Find("interrupts")!);
        Assert.Multiple(() =>
        {
            Assert.That(() => early.Rtc.Serialize(new StateArchive("rtc", 1, rtc)), Throws.TypeOf<SnapshotException>());
            Assert.That(() => early.Pit.Serialize(new StateArchive("pit", 1, pit)), Throws.TypeOf<SnapshotException>());
        });
    }

    [Test]
    public void Damaged_contents_with_good_checksums_are_refused_or_run()
    {
        PcMachine machine = RomRunner.CreateMachine(RomCatalog.Find("interrupts")!);
        machine.Run(1_000_000);
        MachineSnapshot.Save(machine, Target);
        Dictionary<string, (int Version, byte[] Data)> parts = ReadParts();
        string[] names = [.. parts.Keys.Where(n => n != RamImage.ChunkName)];
        Random random = new(4);
        int loaded = 0;
        for (int round = 0; round < 300; round++)
        {
            string name = names[random.Next(names.Length)];
            byte[] damaged = [.. parts[name].Data];
            for (int i = random.Next(1, 5); i > 0 && damaged.Length > 0; i--)
            {
                damaged[random.Next(damaged.Length)] = random.Next(3) == 0 ? (byte)0xFF : (byte)random.Next(256);
            }

            if (random.Next(8) == 0)
            {
                Array.Resize(ref damaged, random.Next(damaged.Length + 10));
            }

            WriteParts(parts, name, damaged);
            try
            {
                PcMachine copy = MachineSnapshot.Load(Target, c => c with { NoReboot = true });
                copy.Run(20_000);
                loaded++;
            }
            catch (SnapshotException e)
            {
                Assert.That(e.Message, Does.StartWith(Target).And.Not.Contain("\n"));
            }
            catch (Exception e)
            {
                Assert.Fail($"seed 4 round {round}, part '{name}': {e}");
            }
        }

        Assert.That(loaded, Is.InRange(1, 299));
    }

    [Test]
    public void Missing_and_unknown_parts_are_refused()
    {
        PcMachine machine = RomRunner.CreateMachine(RomCatalog.Find("hello")!);
        MachineSnapshot.Save(machine, Target);
        Dictionary<string, (int Version, byte[] Data)> parts = ReadParts();
        foreach (string name in parts.Keys)
        {
            WriteParts(parts, name, null);
            Assert.That(() => MachineSnapshot.Load(Target, c => c), Throws.TypeOf<SnapshotException>(), name);
        }

        parts["another"] = (1, [1]);
        WriteParts(parts, "", null);
        Assert.That(() => MachineSnapshot.Load(Target, c => c), Throws.TypeOf<SnapshotException>().With.Message.Contains("'another'"));
    }

    private static string State(PcMachine machine)
    {
        using MemoryStream stream = new();
        StateDump.WriteJson(machine.Cpu, stream);
        return Encoding.UTF8.GetString(stream.ToArray());
    }

    private static unsafe ReadOnlySpan<byte> Ram(PcMachine machine) => new(machine.Memory.Ram, (int)machine.Memory.RamSize);

    private Dictionary<string, (int Version, byte[] Data)> ReadParts()
    {
        using SnapshotReader reader = new(Target);
        return reader.Chunks.Values.ToDictionary(c => c.Name, c => (c.Version, reader.Read(c.Name, int.MaxValue)));
    }

    private void WriteParts(Dictionary<string, (int Version, byte[] Data)> parts, string changed, byte[]? data)
    {
        using SnapshotWriter writer = new(Target);
        foreach ((string name, (int version, byte[] original)) in parts)
        {
            byte[]? contents = name == changed ? data : original;
            if (contents is not null)
            {
                writer.AddPacked(name, version, contents.Length, stream => stream.Write(contents));
            }
        }

        writer.Commit();
    }
}
