using System.Text;
using NUnit.Framework;

namespace Emulator.Tests.Firmware;

/// <summary>INT 10h: cursor, pages, characters, strings, scrolling in text and graphics modes.</summary>
internal sealed class VideoTextTests
{
    private const uint Text = 0xB8000;

    [Test]
    public void Teletype_obeys_control_characters_and_scrolls()
    {
        VideoGuest guest = new();
        guest.Call(3);
        Print(guest, "one\r\ntwX\bo\a\r\n");
        Assert.That(guest.Machine.Screen!.TextLines.Take(3), Is.EqualTo(new[] { "one", "two", "" }));
        guest.Call(0x0200, 0, 0, 0x184F);
        Print(guest, "!?");
        Assert.That(guest.Machine.Screen.TextLines[0], Is.EqualTo("two"));
        Assert.That(guest.Machine.Screen.TextLines[23], Is.EqualTo(new string(' ', 79) + "!"));
        Assert.That(guest.Machine.Screen.TextLines[24], Is.EqualTo("?"));
        guest.Call(0x0300);
        Assert.That(guest.Dx, Is.EqualTo(0x1801));
        Assert.That(guest.Machine.Screen.Cursor, Is.EqualTo((24, 1)));
    }

    [Test]
    public void Characters_are_written_with_and_without_attribute_and_read()
    {
        VideoGuest guest = new();
        guest.Call(3);
        guest.Call(0x0200, 0x0100, 0, 0x0203);
        guest.Call(0x0941, 0x011E, 3);
        guest.Call(0x0A42, 0x0155, 1);
        Assert.That(guest.Read16(Text + 0x1000 + (2 * ((2 * 80) + 3))), Is.EqualTo(0x1E42));
        Assert.That(guest.Read16(Text + 0x1000 + (2 * ((2 * 80) + 4))), Is.EqualTo(0x1E41));
        Assert.That(guest.Call(0x0800, 0x0100), Is.EqualTo(0x1E42));
        guest.Call(0x0300, 0x0100);
        Assert.That(guest.Dx, Is.EqualTo(0x0203), "the cursor stays");
    }

    [Test]
    public void Pages_are_shown_with_their_cursors()
    {
        VideoGuest guest = new();
        guest.Call(3);
        guest.Call(0x0200, 0x0200, 0, 0x0507);
        guest.Call(0x0502);
        Assert.That((guest.Read8(0x462), guest.Read16(0x44E)), Is.EqualTo((2, 0x2000)));
        Assert.That(guest.Machine.Screen!.Cursor, Is.EqualTo((5, 7)));
        Print(guest, "page");
        Assert.That(guest.Machine.Screen.TextLines[5], Is.EqualTo("       page"));
        Assert.That(guest.Call(0x0F00) & 0xFF, Is.EqualTo(3));
        Assert.That(guest.Bx >> 8, Is.EqualTo(2));
    }

    [Test]
    public void Regions_scroll_both_ways()
    {
        VideoGuest guest = new();
        guest.Call(3);
        for (int row = 0; row < 25; row++)
        {
            guest.Call(0x0200, 0, 0, row << 8);
            guest.Call(0x0900 | ('A' + row), 0x07, 80);
        }

        guest.Call(0x0602, 0x4F00, 0x0502, 0x0805);
        Assert.That(Column(guest, 3, 4, 10), Is.EqualTo("EHI  JK"));
        Assert.That(guest.Read16(Text + (2 * ((7 * 80) + 2))), Is.EqualTo(0x4F20));
        Assert.That(Column(guest, 6, 4, 10), Is.EqualTo("EFGHIJK"));
        guest.Call(0x0701, 0x1000, 0x0502, 0x0805);
        Assert.That(Column(guest, 3, 4, 10), Is.EqualTo("E HI JK"));
        guest.Call(0x0600, 0x0700, 0, 0xFFFF);
        Assert.That(guest.Machine.Screen!.TextLines.All(line => line.Length == 0));
    }

    [TestCase(0, "ab", false)]
    [TestCase(1, "ab", true)]
    [TestCase(2, "a\u0012b\u0034", false)]
    [TestCase(3, "a\u0012b\u0034", true)]
    public void Strings_are_written(int mode, string text, bool moves)
    {
        VideoGuest guest = new();
        guest.Call(3);
        guest.WriteBuffer(Encoding.Latin1.GetBytes(text));
        guest.Call(0x1300 | mode, 0x0012, 2, 0x0A4F);
        Assert.That(guest.Read16(Text + (2 * ((10 * 80) + 79))), Is.EqualTo(0x1261));
        Assert.That(guest.Read16(Text + (2 * 11 * 80)), Is.EqualTo(mode < 2 ? 0x1262 : 0x3462));
        guest.Call(0x0300);
        Assert.That(guest.Dx, Is.EqualTo(moves ? 0x0B01 : 0));
    }

    [TestCase(3, 0x0607, 0x0D, 0x0E)]
    [TestCase(3, 0x0007, 0x00, 0x0F)]
    [TestCase(3, 0x0407, 0x08, 0x0F)]
    [TestCase(3, 0x0D0E, 0x0D, 0x0E)]
    [TestCase(3, 0x2000, 0x20, 0x00)]
    public void Cursor_shape_is_scaled(int mode, int shape, int start, int end)
    {
        VideoGuest guest = new();
        guest.Call(mode);
        guest.Call(0x0100, 0, shape);
        Assert.That((guest.Register(0x3D4, 0x0A), guest.Register(0x3D4, 0x0B)), Is.EqualTo((start, end)));
        guest.Call(0x0300);
        Assert.That(guest.Cx, Is.EqualTo(shape));
        guest.Call(0x1201, 0x34);
        guest.Call(0x0100, 0, shape);
        Assert.That(guest.Register(0x3D4, 0x0A), Is.EqualTo(shape >> 8), "emulation is off");
    }

    [TestCase(4, 3)]
    [TestCase(6, 1)]
    [TestCase(0x0D, 0x0B)]
    [TestCase(0x10, 0x0E)]
    [TestCase(0x12, 0x0F)]
    [TestCase(0x13, 0xC4)]
    [TestCase(0x101, 0x21)]
    [TestCase(0x102, 0x09)]
    [TestCase(0x104, 0x0C)]
    [TestCase(0x110, 0x0E)]
    [TestCase(0x111, 0x0E)]
    [TestCase(0x118, 0x0C)]
    [TestCase(0x145, 0x0A)]
    public void Characters_in_graphics_are_read_back_after_scrolling(int mode, int color)
    {
        VideoGuest guest = new();
        Set(guest, mode);
        int rows = guest.Read8(0x484) + 1;
        int columns = guest.Read16(0x44A);
        guest.Call(0x0200, 0, 0, ((rows - 1) << 8) | (columns - 3));
        foreach (char c in "VGA?")
        {
            guest.Call(0x0E00 | c, color);
        }

        guest.Call(0x0300);
        Assert.That(guest.Dx, Is.EqualTo(((rows - 1) << 8) | 1), "the fourth character is on the new line");
        Assert.That(ReadText(guest, rows - 2, columns - 3, 3) + ReadText(guest, rows - 1, 0, 1), Is.EqualTo("VGA?"));
        uint[] before = guest.Picture();
        guest.Call(0x0701, 0, 0, 0xFFFF);
        Assert.That(ReadText(guest, rows - 1, columns - 3, 3), Is.EqualTo("VGA"));
        guest.Call(0x0601, 0, 0, 0xFFFF);
        guest.Call(0x0200, 0, 0, (rows - 1) << 8);
        guest.Call(0x093F, color, 1);
        Assert.That(guest.Picture(), Is.EqualTo(before));
        Assert.That(before.Distinct().Count(), Is.EqualTo(2));
    }

    [TestCase(4, 3)]
    [TestCase(6, 1)]
    [TestCase(0x0D, 0x0B)]
    [TestCase(0x12, 0x0F)]
    public void Characters_drawn_twice_with_exclusive_or_are_gone(int mode, int color)
    {
        VideoGuest guest = new();
        guest.Call(mode);
        uint[] empty = guest.Picture();
        guest.Call(0x0958, color | 0x80, 5);
        Assert.That(guest.Picture(), Is.Not.EqualTo(empty));
        guest.Call(0x0958, color | 0x80, 5);
        Assert.That(guest.Picture(), Is.EqualTo(empty));
    }

    [TestCase(4, 3, 319, 199)]
    [TestCase(6, 1, 639, 199)]
    [TestCase(0x0D, 0x0B, 319, 199)]
    [TestCase(0x10, 0x0E, 639, 349)]
    [TestCase(0x12, 0x0F, 639, 479)]
    [TestCase(0x13, 0xC4, 319, 199)]
    [TestCase(0x101, 0xC4, 639, 479)]
    [TestCase(0x106, 0x0D, 1279, 1023)]
    [TestCase(0x107, 0xC4, 1279, 1023)]
    public void Pixels_are_written_and_read(int mode, int color, int x, int y)
    {
        VideoGuest guest = new();
        Set(guest, mode);
        foreach ((int px, int py) in new[] { (0, 0), (x, y), (x / 2, y / 2), (x / 3, y / 5) })
        {
            guest.Call(0x0C00 | color, 0, px, py);
            Assert.That(guest.Call(0x0D00, 0, px, py) & 0xFF, Is.EqualTo(color));
        }

        uint[] picture = guest.Picture();
        int width = guest.Machine.Screen!.Width;
        Assert.That(picture[(y * width) + x], Is.Not.EqualTo(picture[1]));
        Assert.That(picture.Count(p => p != picture[1]), Is.EqualTo(4));
        if (mode is not (0x13 or 0x101 or 0x107))
        {
            guest.Call(0x0C80 | color, 0, x, y);
            Assert.That(guest.Call(0x0D00, 0, x, y) & 0xFF, Is.Zero, "bit 7 is exclusive or");
        }
    }

    private static void Set(VideoGuest guest, int mode) => Assert.That(mode < 0x100 ? guest.Call(mode) & 0 : guest.Call(0x4F02, mode) ^ 0x4F, Is.Zero);

    private static void Print(VideoGuest guest, string text)
    {
        foreach (char c in text)
        {
            guest.Call(0x0E00 | c, 7);
        }
    }

    private static string ReadText(VideoGuest guest, int row, int column, int length)
    {
        StringBuilder text = new();
        for (int i = 0; i < length; i++)
        {
            guest.Call(0x0200, 0, 0, (row << 8) | (column + i));
            text.Append((char)(byte)guest.Call(0x0800));
        }

        return text.ToString();
    }

    private static string Column(VideoGuest guest, int column, int first, int last) =>
        string.Concat(Enumerable.Range(first, last - first + 1).Select(row => (char)guest.Read8(Text + (uint)(2 * ((row * 80) + column)))));
}
