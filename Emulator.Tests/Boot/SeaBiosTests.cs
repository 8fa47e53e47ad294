using System.Text;
using Emulator.Devices;
using Emulator.Devices.Loaders;
using Emulator.Devices.Snapshot;
using NUnit.Framework;

namespace Emulator.Tests.Boot;

/// <summary>SeaBIOS from Debian's package, as firmware. Without the package the tests are skipped.</summary>
[Category("Boot")]
internal sealed class SeaBiosTests
{
    private const string Folder = "/usr/share/seabios";

    [TestCase("bios.bin")]
    [TestCase("bios-256k.bin")]
    public void Firmware_finds_the_board_and_no_bootable_device(string file)
    {
        (PcMachine machine, StringBuilder log) = Create(file);
        while (machine.Cpu.Retired < 20_000_000 && !log.ToString().Contains("No bootable device.", StringComparison.Ordinal))
        {
            machine.Run(10_000);
        }

        TestContext.Out.WriteLine($"{machine.Cpu.Retired:N0} instructions");
        Assert.That(log.ToString(), Does.Contain("Running on QEMU (i440fx)")
            .And.Contain("QEMU fw_cfg DMA interface supported")
            .And.Contain("PS2 keyboard initialized")
            .And.Contain("Copying SMBIOS")
            .And.Contain("No bootable device."));
        Assert.That(machine.PowerManagement.PortBase, Is.EqualTo(0x600));
        byte[] segment = new byte[0x10000];
        machine.Memory.ReadBlock(0xF0000, segment);
        Assert.That(Encoding.Latin1.GetString(segment), Does.Match(@"RSD PTR .EMULTR"), "ACPI root pointer");
    }

    [Test]
    public void Run_through_a_saved_state_ends_the_same()
    {
        (PcMachine whole, StringBuilder log) = Create("bios.bin");
        whole.Run(5_900_000);
        (PcMachine first, StringBuilder part) = Create("bios.bin");
        first.Run(3_000_003);
        string path = Path.Combine(Path.GetTempPath(), $"emu-seabios-{Guid.NewGuid():N}.state");
        try
        {
            MachineSnapshot.Save(first, path);
            PcMachine second = MachineSnapshot.Load(path, config => config);
            second.DebugPorts.FirmwareLog = b => part.Append((char)b);
            second.Run(5_900_000 - 3_000_003);
            Assert.That(part.ToString(), Is.EqualTo(log.ToString()));
            Assert.That(new LinuxGuest(second).State, Is.EqualTo(new LinuxGuest(whole).State));
        }
        finally
        {
            File.Delete(path);
        }
    }

    private static (PcMachine Machine, StringBuilder Log) Create(string file)
    {
        string path = Path.Combine(Folder, file);
        if (!File.Exists(path))
        {
            Assert.Ignore($"{path} is not there: install the package seabios");
        }

        PcMachine machine = new(new PcMachineConfig());
        StringBuilder log = new();
        machine.DebugPorts.FirmwareLog = b => log.Append((char)b);
        machine.Attach(new BootFiles { Firmware = GuestFile.Read(path, RomImage.MaximumLength) });
        return (machine, log);
    }
}
