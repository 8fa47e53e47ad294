using Emulator.Devices.Vga;
using NUnit.Framework;

namespace Emulator.Tests.Vga;

[TestFixture]
public sealed class DispiTests
{
    private const uint FrameBuffer = 0xE0000000;
    private const uint Registers = 0xE1000000;

    [Test]
    public void Interface_identifies_itself_and_names_its_limits()
    {
        VgaBoard board = new();
        Assert.That(board.Dispi(0), Is.EqualTo(0xB0C5));
        Assert.That(board.Dispi(10), Is.EqualTo(256));
        board.Dispi(0, 0xB0C2);
        Assert.That(board.Dispi(0), Is.EqualTo(0xB0C2));
        board.Dispi(0, 0x1234);
        Assert.That(board.Dispi(0), Is.EqualTo(0xB0C2));
        board.Dispi(4, 2);
        Assert.That((board.Dispi(1), board.Dispi(2), board.Dispi(3)), Is.EqualTo((2560, 1600, 32)));
    }

    [TestCase(8, 0x2Au, 0xFFAA0000u)]
    [TestCase(15, 0x7FE0u, 0xFFFFFF00u)]
    [TestCase(16, 0xF81Fu, 0xFFFF00FFu)]
    [TestCase(24, 0x123456u, 0xFF123456u)]
    [TestCase(32, 0x00FEDCBAu, 0xFFFEDCBAu)]
    public void Pixels_of_every_depth_are_shown(int depth, uint value, uint color)
    {
        VgaBoard board = new();
        board.MapBars();
        board.NumberColors();
        board.SetDispi(640, 400, depth);
        int bytes = (depth + 7) / 8;
        for (int i = 0; i < bytes; i++)
        {
            board.Write(FrameBuffer + (uint)((((640 * 3) + 5) * bytes) + i), (byte)(value >> (8 * i)));
        }

        board.Screen.Update();
        Assert.That((board.Screen.Width, board.Screen.Height), Is.EqualTo((640, 400)));
        Assert.That(board.Pixel(5, 3), Is.EqualTo(color));
        Assert.That((board.Pixel(4, 3), board.Pixel(6, 3)), Is.EqualTo((0xFF000000, 0xFF000000)));
    }

    [Test]
    public void Window_shows_the_chosen_bank()
    {
        VgaBoard board = new();
        board.MapBars();
        board.SetDispi(1024, 768, 32, 0x01);
        board.Dispi(5, 7);
        board.Write(0xA1234, 0x5A);
        Assert.That(board.Read(FrameBuffer + 0x71234), Is.EqualTo(0x5A));
        board.Dispi(5, 8);
        Assert.That(board.Read(0xA1234), Is.Zero);
        board.Dispi(5, 256);
        Assert.That(board.Dispi(5), Is.EqualTo(8), "no such bank");
        Assert.That(board.Read(0xB0000), Is.EqualTo(0xFF));
    }

    [Test]
    public void Virtual_size_and_offsets_move_the_picture()
    {
        VgaBoard board = new();
        board.MapBars();
        board.SetDispi(640, 480, 8);
        board.NumberColors();
        board.Dispi(6, 1024);
        Assert.That(board.Dispi(7), Is.EqualTo(16384));
        board.Dispi(8, 100);
        board.Dispi(9, 200);
        board.Write(FrameBuffer + (200 * 1024) + 100, 3);
        board.Screen.Update();
        Assert.That(VgaBoard.NumberOf(board.Pixel(0, 0)), Is.EqualTo(3));
        board.Dispi(8, 60000);
        board.Dispi(9, 60000);
        Assert.That((board.Dispi(8), board.Dispi(9)), Is.EqualTo((1024 - 640, 16384 - 480)), "within video memory");
        board.Screen.Update();
        board.Dispi(6, 320);
        Assert.That(board.Dispi(6), Is.EqualTo(1024), "narrower than what is shown");
    }

    [Test]
    public void Enabling_clears_memory_unless_asked_not_to()
    {
        VgaBoard board = new();
        board.MapBars();
        board.Write(FrameBuffer + 5000, 7);
        board.SetDispi(640, 480, 32, 0xC1);
        Assert.That(board.Read(FrameBuffer + 5000), Is.EqualTo(7));
        board.SetDispi(640, 480, 32);
        Assert.That(board.Read(FrameBuffer + 5000), Is.Zero);
        board.SetDispi(641, 480, 32);
        Assert.That(board.Dispi(4) & 1, Is.Zero, "no multiple of 8");
        board.SetDispi(640, 480, 12);
        Assert.That(board.Dispi(4) & 1, Is.Zero);
        board.SetDispi(2560, 1600, 32);
        Assert.That(board.Dispi(4) & 1, Is.EqualTo(1));
    }

    [Test]
    public void Eight_bit_palette_keeps_all_bits()
    {
        VgaBoard board = new();
        board.SetDispi(640, 480, 8, 0x61);
        board.Dac(0, 0x12, 0x34, 0xFF);
        board.Screen.Update();
        Assert.That(board.Pixel(0, 0), Is.EqualTo(0xFF1234FF));
        board.Out(0x3C7, 0);
        Assert.That((board.In(0x3C9), board.In(0x3C9), board.In(0x3C9), board.In(0x3C7)), Is.EqualTo((0x12, 0x34, 0xFF, 3)));
    }

    [Test]
    public void Registers_are_also_in_memory()
    {
        VgaBoard board = new();
        board.MapBars();
        Assert.That(board.Machine.Memory.Read<ushort>(Registers + 0x500), Is.EqualTo(0xB0C5));
        board.Machine.Memory.Write(Registers + 0x502, (ushort)800);
        board.Machine.Memory.Write(Registers + 0x504, (ushort)600);
        board.Machine.Memory.Write(Registers + 0x506, (ushort)32);
        board.Machine.Memory.Write(Registers + 0x508, (ushort)0x41);
        board.Screen.Update();
        Assert.That((board.Screen.Width, board.Screen.Height), Is.EqualTo((800, 600)));
        board.Write(Registers + 0x404, 2);
        board.Write(Registers + 0x405, 0x0A);
        board.Out(0x3C4, 2);
        Assert.That(board.In(0x3C5), Is.EqualTo(0x0A));
        Assert.That(board.Machine.Memory.Read<uint>(Registers + 0x600), Is.EqualTo(8));
    }

    [Test]
    public void Monitor_describes_itself()
    {
        VgaBoard board = new();
        board.MapBars();
        byte[] edid = new byte[128];
        board.Machine.Memory.ReadBlock(Registers, edid);
        Assert.That(edid[..8], Is.EqualTo(new byte[] { 0, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0 }));
        Assert.That(edid.Aggregate(0, (sum, b) => (sum + b) & 0xFF), Is.Zero);
        Assert.That((edid[56] | ((edid[58] & 0xF0) << 4), edid[59] | ((edid[61] & 0xF0) << 4)), Is.EqualTo((1024, 768)));
    }

    [Test]
    public void Four_bits_are_planes_beyond_64_kib()
    {
        VgaBoard board = new();
        board.Set(VgaMode.Planar);
        board.NumberColors();
        board.SetDispi(1024, 768, 4);
        board.Dispi(5, 1);
        board.Sequencer(2, 5);
        board.Write(0xA0000 + 64, 0x80);
        board.Screen.Update();
        Assert.That((board.Screen.Width, board.Screen.Height), Is.EqualTo((1024, 768)));
        Assert.That(VgaBoard.NumberOf(board.Pixel(512, 512)), Is.EqualTo(5));
    }

    [Test]
    public void Frame_buffer_moves_without_harm_to_what_lies_there()
    {
        VgaBoard board = new();
        board.Set(VgaMode.Chained);
        board.Write(0x1000, 0x11);
        board.Vga.Enable(0, 0); // not mapped
        board.Vga.WriteConfiguration(0x10, 4, 0x0100_0000);
        Assert.That(board.Read(0x0100_0000), Is.Zero);
        board.Write(0x0100_0000 + 5, 0x77);
        Assert.That(board.Read(0xA0005), Is.EqualTo(0x77), "the same memory");
        board.Vga.WriteConfiguration(0x10, 4, 0xFF00_0000);
        Assert.That(board.Read(0x0100_0000), Is.EqualTo(0xFF));
        Assert.That(board.Read(0xFF00_0005), Is.EqualTo(0x77));
        board.Vga.WriteConfiguration(0x18, 4, 0xA_0000); // registers over the window
        board.Vga.WriteConfiguration(0x18, 4, 0xE100_0000);
        Assert.That((board.Read(0xA0005), board.Read(0x1000)), Is.EqualTo((0x77, 0x11)));
    }

    [Test]
    public void Saved_and_loaded_it_shows_the_same()
    {
        VgaBoard board = new();
        board.MapBars();
        board.SetDispi(640, 480, 16);
        for (uint i = 0; i < 600_000; i += 97)
        {
            board.Write(FrameBuffer + i, (byte)i);
        }

        board.Dispi(9, 10);
        board.Screen.Update();
        VgaBoard copy = new(board.Board.Clone());
        copy.Screen.Update();
        Assert.That(copy.Screen.Pixels.SequenceEqual(board.Screen.Pixels));
        copy.Write(FrameBuffer + 20_000, 0xFF);
        copy.Write(FrameBuffer + 20_001, 0xFF);
        Assert.That(copy.Screen.Update(), Is.Not.EqualTo(default(ScreenRegion)));
        Assert.That(copy.Screen.Pixels.ToArray(), Is.EqualTo(copy.DrawAnew()));
    }
}
