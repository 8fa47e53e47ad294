using Emulator.Devices;
using Emulator.Devices.Firmware.Bios;
using Emulator.Devices.Vga;
using NUnit.Framework;

namespace Emulator.Tests.Firmware;

/// <summary>INT 10h, function 00h, and what belongs to it.</summary>
internal sealed class VideoModeTests
{
    [TestCase(0x00, 40, 25, 16, 0x0800, 360, 400)]
    [TestCase(0x01, 40, 25, 16, 0x0800, 360, 400)]
    [TestCase(0x02, 80, 25, 16, 0x1000, 720, 400)]
    [TestCase(0x03, 80, 25, 16, 0x1000, 720, 400)]
    [TestCase(0x04, 40, 25, 8, 0x4000, 320, 200)]
    [TestCase(0x05, 40, 25, 8, 0x4000, 320, 200)]
    [TestCase(0x06, 80, 25, 8, 0x4000, 640, 200)]
    [TestCase(0x07, 80, 25, 16, 0x1000, 720, 400)]
    [TestCase(0x0D, 40, 25, 8, 0x2000, 320, 200)]
    [TestCase(0x0E, 80, 25, 8, 0x4000, 640, 200)]
    [TestCase(0x0F, 80, 25, 14, 0x8000, 640, 350)]
    [TestCase(0x10, 80, 25, 14, 0x8000, 640, 350)]
    [TestCase(0x11, 80, 30, 16, 0xA000, 640, 480)]
    [TestCase(0x12, 80, 30, 16, 0xA000, 640, 480)]
    [TestCase(0x13, 40, 25, 8, 0x2000, 320, 200)]
    public void Mode_has_its_geometry(int mode, int columns, int rows, int height, int pageSize, int width, int lines)
    {
        VideoGuest guest = new();
        guest.Call(mode);
        guest.Picture();
        bool monochrome = mode is 7 or 0xF;
        Assert.Multiple(() =>
        {
            Assert.That(guest.Read8(0x449), Is.EqualTo(mode));
            Assert.That(guest.Read16(0x44A), Is.EqualTo(columns));
            Assert.That(guest.Read16(0x44C), Is.EqualTo(pageSize));
            Assert.That(guest.Read8(0x484), Is.EqualTo(rows - 1));
            Assert.That(guest.Read16(0x485), Is.EqualTo(height));
            Assert.That(guest.Read16(0x463), Is.EqualTo(monochrome ? 0x3B4 : 0x3D4));
            Assert.That(guest.Read8(0x410) & 0x30, Is.EqualTo(monochrome ? 0x30 : 0x20));
            Assert.That((guest.Machine.Screen!.Width, guest.Machine.Screen.Height), Is.EqualTo((width, lines)));
            Assert.That(guest.Call(0x0F00), Is.EqualTo((columns << 8) | mode));
        });
    }

    [TestCase(0, 80, 25, 8, 640, 200)]
    [TestCase(1, 80, 25, 14, 640, 350)]
    [TestCase(2, 80, 25, 16, 720, 400)]
    public void Text_has_the_scan_lines_that_were_chosen(int code, int columns, int rows, int height, int width, int lines)
    {
        VideoGuest guest = new();
        Assert.That(guest.Call(0x1200 | code, 0x30) & 0xFF, Is.EqualTo(0x12));
        guest.Call(3);
        guest.Picture();
        Assert.That((guest.Read16(0x44A), guest.Read8(0x484) + 1, guest.Read16(0x485)), Is.EqualTo((columns, rows, height)));
        Assert.That((guest.Machine.Screen!.Width, guest.Machine.Screen.Height), Is.EqualTo((width, lines)));
    }

    [Test]
    public void Unknown_modes_change_nothing()
    {
        VideoGuest guest = new();
        guest.Call(0x12);
        guest.Call(0x0B);
        guest.Call(0x55);
        Assert.That(guest.Call(0x0F00), Is.EqualTo(0x5012));
    }

    [TestCase(3, 0xB8000u)]
    [TestCase(0x13, 0xA0000u)]
    [TestCase(6, 0xB8000u)]
    public void Bit_7_keeps_what_is_in_memory(int mode, uint address)
    {
        VideoGuest guest = new();
        guest.Call(mode);
        guest.Machine.Memory.Write<byte>(address + 100, 0x5A);
        guest.Call(mode | 0x80);
        Assert.That(guest.Read8(address + 100), Is.EqualTo(0x5A));
        Assert.That(guest.Call(0x0F00) & 0xFF, Is.EqualTo(mode | 0x80));
        guest.Call(mode);
        Assert.That(guest.Read8(address + 100), Is.Not.EqualTo(0x5A));
    }

    [Test]
    public void Parameter_table_of_the_guest_replaces_the_one_in_the_rom()
    {
        VideoGuest guest = new();
        byte[] table = [.. VideoModeTable.Data];
        int mode3 = VideoModeTable.IndexOf(3, 400) * VideoModeTable.EntrySize;
        table[mode3 + VideoModeTable.Attribute + 1] = 0x2A;
        guest.WriteBuffer(table, 0x100);
        guest.WriteBuffer([0x00, 0x01, 0x00, 0x20]);
        guest.Machine.Memory.Write(0x4A8, (uint)VideoGuest.BufferSegment << 16);
        guest.Call(3);
        Assert.That(guest.Attribute(1), Is.EqualTo(0x2A));
    }

    [Test]
    public void Rom_has_what_software_looks_for()
    {
        byte[] rom = VideoRom.Image;
        Assert.Multiple(() =>
        {
            Assert.That(rom[..2], Is.EqualTo(new byte[] { 0x55, 0xAA }));
            Assert.That(rom[2] * 512, Is.EqualTo(rom.Length));
            Assert.That(rom.Aggregate(0, (sum, b) => (sum + b) & 0xFF), Is.Zero);
            Assert.That(rom.AsSpan(0x1E, 3).SequenceEqual("IBM"u8));
            Assert.That(rom.AsSpan(rom[0x18] | (rom[0x19] << 8), 8).SequenceEqual<byte>([.. "PCIR"u8, 0x34, 0x12, 0x11, 0x11]));
        });
        VideoGuest guest = new();
        Assert.That(guest.Read32(4 * 0x10), Is.EqualTo(0xC0000048));
        Assert.That(guest.Read32(4 * 0x42), Is.EqualTo(0xF000F045));
    }

    [Test]
    public void Option_rom_entry_initializes_again()
    {
        // CALL FAR C000:0003 in place of the INT 10h, which follows.
        VideoGuest guest = new();
        guest.Call(0x13);
        guest.Execute([0x9A, 0x03, 0x00, 0x00, 0xC0]);
        Assert.That(guest.Call(0x0F00), Is.EqualTo(0x5003));
    }

    [Test]
    public void Without_an_adapter_text_goes_to_the_serial_port()
    {
        VideoGuest guest = new(new PcMachineConfig { RamSize = 16 << 20, Vga = VgaKind.None });
        List<byte> sent = [];
        guest.Machine.Serial[0].Backend = new SerialSink(sent);
        foreach (char c in "Hi\r\n")
        {
            guest.Call(0x0E00 | c, 7);
        }

        guest.WriteBuffer("there"u8);
        guest.Call(0x1301, 7, 5, 0x0100);
        guest.Machine.Run(100_000);
        Assert.That(System.Text.Encoding.ASCII.GetString([.. sent]), Does.EndWith("Hi\r\nthere"));
        Assert.That(guest.Call(0x0F00), Is.EqualTo(0x5003));
        for (int function = 0; function < 256; function++)
        {
            guest.Call((function << 8) | 0x01, 0x0102, 3, 4);
        }
    }
}
