using Emulator.Core.Cpu;
using Emulator.Devices;
using Emulator.Devices.Loaders;
using NUnit.Framework;

namespace Emulator.Tests.Loaders;

internal sealed unsafe class RomSetTests
{
    private const uint Ram = 16 << 20;

    [Test]
    public void Image_that_ends_at_1_mebibyte_appears_below_4_gibibytes_and_is_read_only()
    {
        byte[] image = new byte[0x8100];
        image[0] = 0x12;
        image[^16] = 0xEA;
        PcMachine machine = Attach(new RomImage(new GuestFile("bios", image), 0xF7F00));
        machine.Memory.Write<byte>(0xFFFF0, 0);
        Assert.Multiple(() =>
        {
            Assert.That(machine.Memory.Read<byte>(0xF7F00), Is.EqualTo(0x12));
            Assert.That(machine.Memory.Read<byte>(0xF7EFF), Is.EqualTo(0xFF));
            Assert.That(machine.Memory.Read<byte>(0xFFFF0), Is.EqualTo(0xEA));
            Assert.That(machine.Memory.Read<byte>(0xFFFFFFF0), Is.EqualTo(0xEA));
            Assert.That(machine.IsBootable);
            Assert.That(machine.Cpu.State->Eip, Is.EqualTo(0xFFF0));
        });
    }

    [Test]
    public void Two_images_can_share_a_page()
    {
        PcMachine machine = Attach(new RomImage(new GuestFile("a", [1]), 0xC8000), new RomImage(new GuestFile("b", [2]), 0xC8001));
        Assert.That(machine.Memory.Read<ushort>(0xC8000), Is.EqualTo(0x0201));
        Assert.That(machine.HasBuiltInFirmware);
    }

    [Test]
    public void Image_in_low_ram_starts_like_a_boot_sector_after_every_reset()
    {
        PcMachine machine = Attach(new RomImage(new GuestFile("boot", [0xFA, 0xF4]), 0x7C00));
        machine.Memory.Write<byte>(0x7C00, 0x90);
        machine.Reset();
        Assert.Multiple(() =>
        {
            Assert.That(machine.Memory.Read<ushort>(0x7C00), Is.EqualTo(0xF4FA));
            Assert.That(machine.Cpu.State->Eip, Is.EqualTo(0x7C00));
            Assert.That(CpuState.Segment(machine.Cpu.State, SegmentIndex.Cs)->Base, Is.Zero);
        });
        Assert.That(machine.Run(100).Reason, Is.EqualTo(RunReason.Halted));
        Assert.That(machine.Cpu.Retired, Is.EqualTo(2));
    }

    [TestCase(0x9FFFFu, 2)]
    [TestCase(0xA0000u, 1)]
    [TestCase(0xFFFFFu, 2)]
    [TestCase(Ram - 1, 2)]
    public void Image_that_is_neither_in_ram_nor_in_rom_space_is_refused(uint address, int length)
    {
        LoaderException e = Assert.Throws<LoaderException>(() => Attach(new RomImage(new GuestFile("x", new byte[length]), address)))!;
        Assert.That(e.Message, Does.StartWith("x: ").And.Contain("neither all RAM nor all ROM space"));
    }

    [Test]
    public void Image_beyond_4_gibibytes_is_refused() => Assert.That(
        () => Attach(new RomImage(new GuestFile("x", new byte[17]), 0xFFFFFFF0)),
        Throws.TypeOf<LoaderException>().With.Message.Contains("beyond 4 GiB"));

    [Test]
    public void Images_that_overlap_are_refused() => Assert.That(
        () => Attach(new RomImage(new GuestFile("a", new byte[16]), 0xC8000), new RomImage(new GuestFile("b", new byte[16]), 0xC800F)),
        Throws.TypeOf<LoaderException>().With.Message.Contains("overlaps a"));

    [TestCase("rom.bin")]
    [TestCase("@0x1000")]
    [TestCase("rom.bin@")]
    [TestCase("rom.bin@0x")]
    [TestCase("rom.bin@12g")]
    [TestCase("rom.bin@-1")]
    [TestCase("rom.bin@0x100000000")]
    public void Text_without_an_address_is_refused(string text) => Assert.That(() => RomImage.Parse(text), Throws.TypeOf<LoaderException>());

    private static PcMachine Attach(params RomImage[] images)
    {
        PcMachine machine = new(new PcMachineConfig { RamSize = Ram });
        machine.Attach(new BootFiles { Roms = images });
        return machine;
    }
}
