using Emulator.Tests.Vga;
using NUnit.Framework;

namespace Emulator.Tests.Firmware;

/// <summary>Screens that INT 10h draws, against stored pictures.</summary>
internal sealed class VideoImageTests
{
    [TestCase(0x03, "bios-text")]
    [TestCase(0x01, "bios-text-40")]
    public void Text_with_all_characters(int mode, string name)
    {
        VideoGuest guest = new();
        guest.Call(mode);
        for (int code = 0; code < 256; code++)
        {
            guest.Call(0x0200, 0, 0, ((code >> 5) << 8) | (code & 31));
            guest.Call(0x0900 | code, (code ^ 0x07) & 0x7F, 1);
        }

        Print(guest, 0x0A00, "Mode " + mode.ToString("X2", null));
        StoredImage.Check(guest.Machine.Screen!, name);
    }

    [Test]
    public void Text_of_fifty_rows()
    {
        VideoGuest guest = new();
        guest.Call(3);
        guest.Call(0x1112, 0);
        for (int row = 0; row < 50; row++)
        {
            Print(guest, (row << 8) | row, $"row {row}");
        }

        StoredImage.Check(guest.Machine.Screen!, "bios-text-50");
    }

    [TestCase(0x04, "bios-mode04")]
    [TestCase(0x06, "bios-mode06")]
    [TestCase(0x0D, "bios-mode0d")]
    [TestCase(0x10, "bios-mode10")]
    [TestCase(0x12, "bios-mode12")]
    [TestCase(0x13, "bios-mode13")]
    [TestCase(0x101, "bios-vbe-8")]
    [TestCase(0x102, "bios-vbe-4")]
    [TestCase(0x114, "bios-vbe-16")]
    [TestCase(0x142, "bios-vbe-32")]
    public void Characters_and_pixels_in_graphics(int mode, string name)
    {
        VideoGuest guest = new();
        Assert.That(mode < 0x100 ? guest.Call(mode) & 0 : guest.Call(0x4F02, mode) ^ 0x4F, Is.Zero);
        guest.Picture();
        int width = guest.Machine.Screen!.Width;
        int height = guest.Machine.Screen.Height;
        for (int color = 0; color < 16; color++)
        {
            guest.Call(0x0200, 0, 0, ((2 + color) << 8) | 2);
            foreach (char c in $"color {color}")
            {
                guest.Call(0x0E00 | c, color);
            }
        }

        guest.Call(0x0602, 0x0500, 0x0A04, 0x0E0A);
        for (int i = 0; i < 256; i++)
        {
            guest.Call(0x0C00 | i, 0, width - 1 - (i & 63), height - 1 - (i >> 3));
            guest.Call(0x0C0F, 0, i * (width - 1) / 255, i * (height - 1) / 255);
        }

        StoredImage.Check(guest.Machine.Screen, name);
    }

    private static void Print(VideoGuest guest, int place, string text)
    {
        guest.Call(0x0200, 0, 0, place);
        foreach (char c in text)
        {
            guest.Call(0x0E00 | c, 7);
        }
    }
}
