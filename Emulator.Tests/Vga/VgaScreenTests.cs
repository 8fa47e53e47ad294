using System.Security.Cryptography;
using Emulator.Devices.Vga;
using NUnit.Framework;

namespace Emulator.Tests.Vga;

[TestFixture]
public sealed class VgaScreenTests
{
    [Test]
    public void Text_mode_draws_glyphs_colors_and_the_ninth_column()
    {
        VgaBoard board = new();
        board.Set(VgaMode.Text);
        board.NumberColors();
        SetGlyph(board, 0xC4, 0x81);
        SetGlyph(board, 0x41, 0x81);
        board.Machine.Memory.Write(0xB8000u, (ushort)0x1EC4);
        board.Machine.Memory.Write(0xB8002u, (ushort)0x4A41);
        board.Screen.Update();
        Assert.That((board.Screen.Width, board.Screen.Height), Is.EqualTo((720, 400)));
        Assert.That(Numbers(board, 5, 0, 18), Is.EqualTo(new[] { 0x3E, 1, 1, 1, 1, 1, 1, 0x3E, 0x3E, 0x3A, 4, 4, 4, 4, 4, 4, 0x3A, 4 }));
    }

    [Test]
    public void Cursor_and_blinking_characters_follow_the_frames()
    {
        VgaBoard board = new();
        board.Set(VgaMode.Text);
        board.NumberColors();
        SetGlyph(board, 0x41, 0xFF);
        board.Machine.Memory.Write(0xB8000u, (ushort)0x8741);
        board.Crtc(0x0E, 0);
        board.Crtc(0x0F, 1);
        board.Machine.Memory.Write(0xB8002u, (ushort)0x0700);
        board.Screen.Update();
        Assert.That((VgaBoard.NumberOf(board.Pixel(0, 13)), VgaBoard.NumberOf(board.Pixel(9, 13)), VgaBoard.NumberOf(board.Pixel(9, 0))), Is.EqualTo((7, 7, 0)));
        long frame = board.Screen.FrameTime;
        board.Board.Advance(9 * frame);
        board.Screen.Update();
        Assert.That(VgaBoard.NumberOf(board.Pixel(9, 13)), Is.Zero, "cursor off");
        Assert.That(VgaBoard.NumberOf(board.Pixel(0, 0)), Is.EqualTo(7));
        board.Board.Advance(8 * frame);
        ScreenRegion region = board.Screen.Update();
        Assert.That(VgaBoard.NumberOf(board.Pixel(0, 0)), Is.Zero, "character off");
        Assert.That(VgaBoard.NumberOf(board.Pixel(9, 13)), Is.EqualTo(7), "cursor on");
        Assert.That(region, Is.EqualTo(new ScreenRegion(0, 16)), "only the first row changed");
        Assert.That(board.Screen.Update().IsEmpty);
    }

    [Test]
    public void Second_character_map_is_chosen_by_bit_3_of_the_attribute()
    {
        VgaBoard board = new();
        board.Set(VgaMode.Text);
        board.NumberColors();
        board.Sequencer(3, 0x04); // map A is font 1, map B font 0
        SetGlyph(board, 0x41, 0x80);
        SetGlyph(board, 0x41, 0x01, font: 0x4000);
        board.Machine.Memory.Write(0xB8000u, (ushort)0x0741);
        board.Machine.Memory.Write(0xB8002u, (ushort)0x0F41);
        board.Screen.Update();
        Assert.That(Numbers(board, 0, 0, 2), Is.EqualTo(new[] { 7, 0 }));
        Assert.That(Numbers(board, 0, 9, 8), Is.EqualTo(new[] { 0, 0, 0, 0, 0, 0, 0, 0x3F }));
    }

    [Test]
    public void Text_is_read_as_unicode_from_the_start_address()
    {
        VgaBoard board = new();
        board.Set(VgaMode.Text);
        Write(board, 0, "first");
        Write(board, 80, "\u00C9\u0081 1/2: \u00AB \u00DB");
        board.Crtc(0x0D, 80);
        IReadOnlyList<string> lines = board.Screen.TextLines;
        Assert.That(lines, Has.Count.EqualTo(25));
        Assert.That(lines[0], Is.EqualTo("╔ü 1/2: ½ █"));
        board.Crtc(0x0E, 0);
        board.Crtc(0x0F, 80 + 20);
        Assert.That(board.Screen.TextLines[0], Is.EqualTo("╔ü 1/2: ½ █         "), "spaces in front of the cursor count");
        board.Set(VgaMode.Planar);
        Assert.That(board.Screen.TextLines, Is.Empty);
    }

    [Test]
    public void Mode_12h_combines_four_planes()
    {
        VgaBoard board = new();
        board.Set(VgaMode.Planar);
        board.NumberColors();
        for (int plane = 0; plane < 4; plane++)
        {
            board.Sequencer(2, 1 << plane);
            board.Write(0xA0000 + 80, (byte)(0x88 >> plane));
        }

        board.Screen.Update();
        Assert.That((board.Screen.Width, board.Screen.Height), Is.EqualTo((640, 480)));
        Assert.That(Numbers(board, 1, 0, 8), Is.EqualTo(new[] { 1, 2, 4, 0x38, 1, 2, 4, 0x38 }));
    }

    [Test]
    public void Mode_13h_is_320_by_200_and_window_is_memory()
    {
        VgaBoard board = new();
        board.Set(VgaMode.Chained);
        board.NumberColors();
        board.Screen.Update();
        Assert.That(board.Machine.Memory.IsRam(0xA0000));
        board.Write(0xA0000 + (320 * 199) + 319, 0xAB);
        board.Write(0xA0000, 0x40);
        Assert.That(board.Screen.Update(), Is.Not.EqualTo(default(ScreenRegion)));
        Assert.That((board.Screen.Width, board.Screen.Height), Is.EqualTo((320, 200)));
        Assert.That((VgaBoard.NumberOf(board.Pixel(0, 0)), VgaBoard.NumberOf(board.Pixel(319, 199)), VgaBoard.NumberOf(board.Pixel(318, 199))), Is.EqualTo((0x40, 0xAB, 0)));
    }

    [Test]
    public void Mode_x_shows_planes_start_address_panning_and_a_split()
    {
        VgaBoard board = new();
        board.Set(VgaMode.Unchained);
        board.NumberColors();
        for (int plane = 0; plane < 4; plane++)
        {
            board.Sequencer(2, 1 << plane);
            for (uint i = 0; i < 160; i++)
            {
                board.Write(0xA0000 + i, (byte)((4 * i) + (uint)plane));
            }
        }

        board.Screen.Update();
        Assert.That((board.Screen.Width, board.Screen.Height), Is.EqualTo((320, 240)));
        Assert.That(Numbers(board, 0, 5, 4), Is.EqualTo(new[] { 5, 6, 7, 8 }));
        Assert.That(Numbers(board, 1, 0, 2), Is.EqualTo(new[] { 0x40, 0x41 }));
        board.Crtc(0x0D, 80);
        board.Attribute(0x13, 4);
        board.Screen.Update();
        Assert.That(Numbers(board, 0, 0, 2), Is.EqualTo(new[] { 0x42, 0x43 }));

        // Scan line 200 is the last in front of the split: lines 0 to 100 of the picture, then memory from 0.
        board.Crtc(0x18, 200);
        board.Crtc(7, 0x2E);
        board.Crtc(9, 0x01);
        board.Attribute(0x10, 0x61);
        board.Screen.Update();
        Assert.That(Numbers(board, 101, 0, 2), Is.EqualTo(new[] { 0, 1 }), "no panning behind the split");
    }

    [Test]
    public void Cga_modes_interlace_their_lines_at_2000h()
    {
        VgaBoard board = new();
        board.Set(VgaMode.Cga4);
        board.NumberColors();
        board.Write(0xB8000, 0x1B);
        board.Write(0xB8001, 0xE4);
        board.Write(0xBA000, 0xFF);
        board.Screen.Update();
        Assert.That((board.Screen.Width, board.Screen.Height), Is.EqualTo((320, 200)));
        Assert.That(Numbers(board, 0, 0, 9), Is.EqualTo(new[] { 0, 0x13, 0x15, 0x17, 0x17, 0x15, 0x13, 0, 0 }));
        Assert.That(Numbers(board, 1, 3, 2), Is.EqualTo(new[] { 0x17, 0 }));
        board.Set(VgaMode.Cga2);
        board.Write(0xB8000, 0x55);
        board.Screen.Update();
        Assert.That((board.Screen.Width, board.Screen.Height), Is.EqualTo((640, 200)));
        Assert.That(Numbers(board, 0, 0, 4), Is.EqualTo(new[] { 0, 0x17, 0, 0x17 }));
    }

    [Test]
    public void Palette_mask_color_select_and_plane_enable_take_part()
    {
        VgaBoard board = new();
        board.Set(VgaMode.Planar);
        board.NumberColors();
        board.Write(0xA0000, 0xFF);
        board.Screen.Update();
        Assert.That(VgaBoard.NumberOf(board.Pixel(0, 0)), Is.EqualTo(0x3F));
        board.Attribute(0x14, 0x0B);
        board.Screen.Update();
        Assert.That(VgaBoard.NumberOf(board.Pixel(0, 0)), Is.EqualTo(0xBF));
        board.Attribute(0x10, 0x81);
        board.Screen.Update();
        Assert.That(VgaBoard.NumberOf(board.Pixel(0, 0)), Is.EqualTo(0xBF), "bits 5 and 4 from the color select register");
        board.Out(0x3C6, 0x0F);
        board.Screen.Update();
        Assert.That(VgaBoard.NumberOf(board.Pixel(0, 0)), Is.EqualTo(0x0F));
        board.Attribute(0x12, 0x03);
        board.Screen.Update();
        Assert.That(VgaBoard.NumberOf(board.Pixel(0, 0)), Is.EqualTo(0x03));
        board.Sequencer(1, 0x21);
        board.Screen.Update();
        Assert.That(board.Pixel(0, 0), Is.EqualTo(0xFF000000), "screen off");
    }

    [Test]
    public void Text_screen_of_a_direct_boot_has_a_known_picture()
    {
        VgaBoard board = new();
        board.Vga.SetTextMode();
        for (int i = 0; i < 256; i++)
        {
            board.Machine.Memory.Write(0xB8000u + (uint)(2 * (i + (i / 32 * 48))), (ushort)(i | ((i & 0x7F) << 8)));
        }

        board.Screen.Update();
        Assert.That(Hash(board.Screen), Is.EqualTo("00A81EA0D49D686D"));
    }

    [Test]
    public void Png_holds_the_pixels()
    {
        VgaBoard board = new();
        board.Set(VgaMode.Chained);
        board.NumberColors();
        for (uint i = 0; i < 64000; i++)
        {
            board.Write(0xA0000 + i, (byte)((i * 7) ^ (i >> 6)));
        }

        using MemoryStream stream = new();
        board.Screen.WritePng(stream);
        (int width, int height, uint[] pixels) = PngReader.Read(stream.ToArray());
        Assert.That((width, height), Is.EqualTo((320, 200)));
        Assert.That(pixels, Is.EqualTo(board.Screen.Pixels.ToArray()));
    }

    private static string Hash(VgaScreen screen) =>
        Convert.ToHexString(SHA256.HashData(System.Runtime.InteropServices.MemoryMarshal.AsBytes(screen.Pixels)))[..16];

    private static int[] Numbers(VgaBoard board, int y, int x, int count) => [.. Enumerable.Range(x, count).Select(i => VgaBoard.NumberOf(board.Pixel(i, y)))];

    private static void Write(VgaBoard board, int cell, string latin1)
    {
        for (int i = 0; i < latin1.Length; i++)
        {
            board.Machine.Memory.Write(0xB8000u + (uint)(2 * (cell + i)), (ushort)(0x0700 | latin1[i]));
        }
    }

    /// <summary>Every line of a glyph, through the window as software loads fonts.</summary>
    private static void SetGlyph(VgaBoard board, int code, byte bits, uint font = 0)
    {
        board.Sequencer(2, 4);
        board.Sequencer(4, 6);
        board.Graphics(5, 0);
        board.Graphics(6, 4);
        for (uint row = 0; row < 16; row++)
        {
            board.Write(0xA0000 + font + ((uint)code * 32) + row, bits);
        }

        board.Sequencer(2, 3);
        board.Sequencer(4, 2);
        board.Graphics(5, 0x10);
        board.Graphics(6, 0x0E);
    }
}
