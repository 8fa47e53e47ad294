using Emulator.Devices.Firmware.Bios;
using Emulator.Devices.Vga;
using NUnit.Framework;

namespace Emulator.Tests.Firmware;

/// <summary>INT 10h, functions 0Bh, 10h, 11h.</summary>
internal sealed class VideoPaletteAndFontTests
{
    [Test]
    public void Palette_registers_are_written_and_read()
    {
        VideoGuest guest = new();
        guest.Call(3);
        guest.Call(0x1000, 0x2A05);
        guest.Call(0x1001, 0x0700);
        guest.Call(0x1007, 0x0005);
        Assert.That(guest.Bx >> 8, Is.EqualTo(0x2A));
        guest.Call(0x1008);
        Assert.That(guest.Bx >> 8, Is.EqualTo(7));
        byte[] all = [.. Enumerable.Range(0x10, 17).Select(i => (byte)i)];
        guest.WriteBuffer(all);
        guest.Call(0x1002);
        Assert.That(guest.Attribute(3), Is.EqualTo(0x13));
        guest.WriteBuffer(new byte[17]);
        guest.Call(0x1009);
        Assert.That(guest.ReadBuffer(17), Is.EqualTo(all));
        guest.Call(0x1003, 0);
        Assert.That(guest.Attribute(0x10) & 8, Is.Zero);
        guest.Call(0x1003, 1);
        Assert.That((guest.Attribute(0x10) & 8, guest.Read8(0x465) & 0x20), Is.EqualTo((8, 0x20)));
    }

    [Test]
    public void Colors_are_written_read_and_made_grey()
    {
        VideoGuest guest = new();
        guest.Call(0x13);
        guest.Call(0x1010, 0x42, 0x2A15, 0x3F00);
        guest.Call(0x1015, 0x42);
        Assert.That((guest.Dx >> 8, guest.Cx), Is.EqualTo((0x3F, 0x2A15)));
        byte[] colors = [1, 2, 3, 60, 30, 15];
        guest.WriteBuffer(colors);
        guest.Call(0x1012, 0xFE, 2);
        guest.WriteBuffer(new byte[6]);
        guest.Call(0x1017, 0xFE, 2);
        Assert.That(guest.ReadBuffer(6), Is.EqualTo(colors));
        guest.Call(0x101B, 0xFF, 1);
        guest.Call(0x1015, 0xFF);
        Assert.That((guest.Dx >> 8, guest.Cx), Is.EqualTo((37, (37 << 8) | 37)), "0.30 * 60 + 0.59 * 30 + 0.11 * 15");
        guest.Call(0x1018, 0x0F);
        guest.Call(0x1019);
        Assert.That(guest.Bx & 0xFF, Is.EqualTo(0x0F));
        guest.Call(0x1200, 0x33);
        guest.Call(0x1010, 0x10, 0x0000, 0x3F00);
        guest.Call(0x1015, 0x10);
        Assert.That((guest.Dx >> 8, guest.Cx), Is.EqualTo((19, (19 << 8) | 19)), "summing is on");
    }

    [Test]
    public void Pages_of_colors_are_chosen()
    {
        VideoGuest guest = new();
        guest.Call(3);
        guest.Call(0x1013, 0x0100);
        guest.Call(0x1013, 0x0701);
        guest.Call(0x101A);
        Assert.That(guest.Bx, Is.EqualTo(0x0701));
        guest.Call(0x1013, 0x0000);
        guest.Call(0x1013, 0x0201);
        guest.Call(0x101A);
        Assert.That(guest.Bx, Is.EqualTo(0x0200));
    }

    [Test]
    public void Palette_loading_can_be_switched_off()
    {
        VideoGuest guest = new();
        guest.Call(0x1201, 0x31);
        guest.Call(0x1010, 0x07, 0x0102, 0x0300);
        guest.Call(0x13);
        Assert.That(guest.Palette()[21..24], Is.EqualTo(new byte[] { 3, 1, 2 }));
        guest.Call(0x1200, 0x31);
        guest.Call(0x13);
        Assert.That(guest.Palette()[21..24], Is.EqualTo(new byte[] { 0x2A, 0x2A, 0x2A }));
    }

    [Test]
    public void Cga_palettes_and_background()
    {
        VideoGuest guest = new();
        guest.Call(4);
        guest.Call(0x0B00, 0x0101);
        guest.Call(0x0B00, 0x0012);
        Assert.That(Enumerable.Range(0, 4).Select(guest.Attribute), Is.EqualTo(new[] { 0x02, 0x13, 0x15, 0x17 }));
        guest.Call(0x0B00, 0x0100);
        guest.Call(0x0B00, 0x0000);
        Assert.That(Enumerable.Range(0, 4).Select(guest.Attribute), Is.EqualTo(new[] { 0x00, 0x02, 0x04, 0x06 }));
        guest.Call(3);
        guest.Call(0x0B00, 0x0004);
        Assert.That((guest.Attribute(0x11), guest.Attribute(0)), Is.EqualTo((4, 0)), "the border only");
    }

    [TestCase(0x1112, 8, 50, 720, 400)]
    [TestCase(0x1111, 14, 28, 720, 392)]
    [TestCase(0x1114, 16, 25, 720, 400)]
    public void Fonts_of_the_rom_change_the_rows(int function, int height, int rows, int width, int lines)
    {
        VideoGuest guest = new();
        guest.Call(3);
        guest.Call(0x1112, 0);
        guest.Call(function, 0);
        guest.Picture();
        Assert.That((guest.Read16(0x485), guest.Read8(0x484) + 1), Is.EqualTo((height, rows)));
        Assert.That((guest.Machine.Screen!.Width, guest.Machine.Screen.Height), Is.EqualTo((width, lines)));
        guest.Call(0x0200, 0, 0, (rows - 1) << 8);
        guest.Call(0x0E41, 7);
        Assert.That(guest.Machine.Screen.TextLines[rows - 1], Is.EqualTo("A"));
        guest.Call(0x1130);
        Assert.That((guest.Cx, guest.Dx & 0xFF), Is.EqualTo((height, rows - 1)));
    }

    [Test]
    public void Forty_three_rows_of_350_lines()
    {
        VideoGuest guest = new();
        guest.Call(0x1201, 0x30);
        guest.Call(3);
        guest.Call(0x1112, 0);
        Assert.That(guest.Read8(0x484), Is.EqualTo(42));
        guest.Picture();
        Assert.That(guest.Machine.Screen!.Height, Is.EqualTo(344));
    }

    [Test]
    public void User_glyphs_are_shown()
    {
        VideoGuest guest = new();
        guest.Call(3);
        byte[] glyph = new byte[16];
        Array.Fill(glyph, (byte)0x81);
        guest.WriteBuffer(glyph, 0x100);
        guest.Call(0x0941, 0x0F, 1);
        guest.Call(0x1100, 0x1000, 1, 'A', 0x100);
        uint[] picture = guest.Picture();
        Assert.That(picture.Take(9).Select(p => p & 0xFF), Is.EqualTo(new uint[] { 255, 0, 0, 0, 0, 0, 0, 255, 0 }));
        guest.Call(0x1102, 3);
        guest.Call(0x1103, 0x0F);
        guest.Picture();
        Assert.That(guest.Register(0x3C4, 3), Is.EqualTo(0x0F), "font 3 for both");
        Assert.That(guest.Picture().Take(9).Select(p => p & 0xFF), Is.Not.EqualTo(picture.Take(9).Select(p => p & 0xFF)));
    }

    [Test]
    public void Fonts_lie_in_the_rom()
    {
        VideoGuest guest = new();
        guest.Call(0x12);
        foreach ((int code, int height, int first) in new[] { (2, 14, 0), (3, 8, 0), (4, 8, 128), (6, 16, 0), (1, 16, 0), (0, 8, 128) })
        {
            guest.Call(0x1130, code << 8);
            byte[] font = new byte[128 * height];
            guest.Machine.Memory.ReadBlock(((uint)guest.Es << 4) + (ushort)guest.Ebp, font);
            Assert.That(font, Is.EqualTo(VgaFont.Create(height)[(first * height)..((first + 128) * height)]), $"font {code}");
        }

        Assert.That(VgaFont.Create(8).Chunk(8).Skip(1).Count(glyph => glyph.All(b => b == 0)), Is.EqualTo(2), "all but blanks (20h, FFh) are drawn");
        guest.Call(0x1130, 0x0500);
        Assert.That(guest.Read8(((uint)guest.Es << 4) + (ushort)guest.Ebp), Is.Zero, "no alternates");
    }

    [Test]
    public void Graphics_fonts_are_chosen_by_vectors()
    {
        VideoGuest guest = new();
        guest.Call(0x12);
        guest.Call(0x1123, 3);
        Assert.That((guest.Read32(4 * 0x43), guest.Read16(0x485), guest.Read8(0x484)), Is.EqualTo((VideoRom.Pointer(VideoRom.Font8), 8, 42)));
        guest.Call(0x1121, 0, 12, 40, 0x300);
        Assert.That((guest.Read32(4 * 0x43), guest.Read16(0x485), guest.Read8(0x484)), Is.EqualTo((0x20000300u, 12, 39)));
        guest.Call(0x1120, bp: 0x500);
        Assert.That(guest.Read32(4 * 0x1F), Is.EqualTo(0x20000500u));
    }
}
