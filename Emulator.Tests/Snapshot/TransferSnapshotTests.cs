using System.Text;
using Emulator.Core.Machine;
using Emulator.Devices;
using Emulator.Devices.Loaders;
using Emulator.Devices.Snapshot;
using Emulator.Devices.Storage;
using Emulator.Frontend.Reporting;
using Emulator.Frontend.Roms;
using Emulator.Jit;
using Emulator.Tests.Storage;
using NUnit.Framework;

namespace Emulator.Tests.Snapshot;

/// <summary>
/// Save, load, run equals run in the middle of an IDE DMA transfer, an ATAPI command, a floppy transfer and a VBE animation, with every engine.
/// The guest is <c>transfers.asm</c>. The instants are found by looking at the drives' status while it runs.
/// </summary>
[TestFixture]
internal sealed class TransferSnapshotTests
{
    private const long Limit = 40_000_000;
    private const int Look = 1_500;

    private string _folder = "";

    [SetUp]
    public void CreateFolder() => _folder = Directory.CreateTempSubdirectory("emu-test").FullName;

    [TearDown]
    public void DeleteFolder() => Directory.Delete(_folder, recursive: true);

    [Test]
    public void Save_load_run_equals_run_in_the_middle_of_a_transfer([Values] RomEngine engine)
    {
        // Instants by what is under way: 0 disk, 1 CD, 2 floppy, 3 frames.
        List<long>[] busy = [[], [], [], []];
        PcMachine whole = Create("whole");
        StringBuilder expected = Listen(whole);
        RunResult end = Run(whole, engine, machine =>
        {
            if (machine.Cpu.Retired >= Limit)
            {
                return true;
            }

            int what = (machine.Ports.Read(0x3F6, 1) & 0x80) != 0 ? 0 : (machine.Ports.Read(0x376, 1) & 0x80) != 0 ? 1 : (machine.Ports.Read(0x3F4, 1) & 0xD0) == 0x10 ? 2 : 3;
            busy[what].Add(machine.Cpu.Retired);
            return false;
        });
        string state = Describe(whole);
        whole.CloseDrives();
        Assert.That((end.Reason, end.ExitCode), Is.EqualTo((RunReason.DebugExit, 33)), expected.ToString());

        Random random = new(11);
        long[] stops = [.. busy.SelectMany(list => Enumerable.Range(0, 6).Select(_ => list[random.Next(list.Count)] + random.Next(50))).Order().Distinct()];
        PcMachine machine = Create("parts");
        StringBuilder output = Listen(machine);
        string file = Path.Combine(_folder, "state");
        foreach (long stop in stops)
        {
            RunTo(machine, engine, stop);
            MachineSnapshot.Save(machine, file);
            machine.CloseDrives();
            machine = MachineSnapshot.Load(file, c => c);
            machine.DebugPorts.Console = value => output.Append((char)value);
        }

        RunResult result = Run(machine, engine, m => m.Cpu.Retired >= Limit);
        string parts = Describe(machine);
        machine.CloseDrives();
        Assert.Multiple(() =>
        {
            Assert.That(result, Is.EqualTo(end));
            Assert.That(output.ToString(), Is.EqualTo(expected.ToString()));
            Assert.That(parts, Is.EqualTo(state));
            foreach (string name in new[] { "disk", "floppy" })
            {
                Assert.That(File.ReadAllBytes(Path.Combine(_folder, "parts-" + name)).AsSpan().SequenceEqual(File.ReadAllBytes(Path.Combine(_folder, "whole-" + name))), Is.True, name);
            }
        });
    }

    private static StringBuilder Listen(PcMachine machine)
    {
        StringBuilder output = new();
        machine.DebugPorts.Console = value => output.Append((char)value);
        return output;
    }

    private static void RunTo(PcMachine machine, RomEngine engine, long stop) => Run(machine, engine, m => m.Cpu.Retired >= stop, stop);

    /// <summary>Runs to an instant, or in pieces until the guest ends or somebody has seen enough.</summary>
    private static RunResult Run(PcMachine machine, RomEngine engine, Func<PcMachine, bool> isEnough, long stop = long.MaxValue)
    {
        using JitTranslator? translator = engine is RomEngine.Translator or RomEngine.Verify
            ? new JitTranslator(machine.Cpu, JitOptions.AtFirstSight with { Verify = engine == RomEngine.Verify })
            : null;
        translator?.Attach();
        long piece = engine == RomEngine.SingleStep ? 1 : Look;
        long looked = machine.Cpu.Retired;
        while (true)
        {
            RunResult result = machine.Run(Math.Min(piece, stop - machine.Cpu.Retired));
            Assert.That(translator?.Divergence?.Summary, Is.Null);
            if (result.IsFinal)
            {
                return result;
            }

            if (machine.Cpu.Retired - looked >= Look || machine.Cpu.Retired >= stop)
            {
                looked = machine.Cpu.Retired;
                if (isEnough(machine))
                {
                    return result;
                }
            }
        }
    }

    private static unsafe string Describe(PcMachine machine)
    {
        using MemoryStream stream = new();
        StateDump.WriteJson(machine.Cpu, stream);
        ReadOnlySpan<byte> ram = new(machine.Memory.Ram, (int)machine.Memory.RamSize);
        using MemoryStream screen = new();
        machine.Screen!.WritePng(screen);
        return Encoding.UTF8.GetString(stream.ToArray()) + machine.Clock.Now + Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(ram))
            + Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(screen.ToArray()));
    }

    private PcMachine Create(string name)
    {
        List<Drive> drives = [];
        foreach ((string drive, int sectors, DriveOptions options) in new[]
        {
            ("disk", 3000, new DriveOptions { Format = "raw" }),
            ("cd", 4000, new DriveOptions { Index = 2, Media = DriveMedia.CdRom }),
            ("floppy", 2880, new DriveOptions { Interface = DriveInterface.Floppy, Format = "raw" }),
        })
        {
            string file = Path.Combine(_folder, $"{name}-{drive}");
            File.WriteAllBytes(file, IdeBoard.Pattern(sectors));
            drives.Add(new Drive(options with { File = file }));
        }

        using Stream resource = typeof(TransferSnapshotTests).Assembly.GetManifestResourceStream("Emulator.Tests.Snapshot.transfers.bin")!;
        byte[] kernel = new byte[resource.Length];
        resource.ReadExactly(kernel);
        PcMachine machine = new(new PcMachineConfig
        {
            RamSize = 4 << 20,
            Vga = Emulator.Devices.Vga.VgaKind.Standard,
            NoReboot = true,
            DebugExitPort = RomRunner.ExitPort,
            DebugExitSize = 4,
            Drives = drives,
        });
        machine.Attach(new BootFiles { Kernel = new GuestFile("transfers.bin", kernel) });
        return machine;
    }
}
