using Emulator.Devices;
using Emulator.Devices.Vga;
using Emulator.Tests.Devices;

namespace Emulator.Tests.Vga;

/// <summary>A machine whose display adapter a test drives by hand.</summary>
internal sealed class VgaBoard
{
    public VgaBoard()
        : this(new Board())
    {
    }

    public VgaBoard(Board board) => Board = board;

    public Board Board { get; }

    public PcMachine Machine => Board.Machine;

    public VgaAdapter Vga => Machine.Vga!;

    public VgaScreen Screen => Machine.Screen!;

    public void Out(ushort port, int value) => Board.Out(port, value);

    public byte In(ushort port) => Board.In(port);

    public void Indexed(ushort port, int index, int value)
    {
        Out(port, index);
        Out((ushort)(port + 1), value);
    }

    public void Sequencer(int index, int value) => Indexed(0x3C4, index, value);

    public void Graphics(int index, int value) => Indexed(0x3CE, index, value);

    public void Crtc(int index, int value) => Indexed(0x3D4, index, value);

    public void Attribute(int index, int value)
    {
        In(0x3DA);
        Out(0x3C0, index);
        Out(0x3C0, value);
        Out(0x3C0, 0x20);
    }

    public void Dac(int index, int red, int green, int blue)
    {
        Out(0x3C8, index);
        Out(0x3C9, red);
        Out(0x3C9, green);
        Out(0x3C9, blue);
    }

    /// <summary>Entry i of the palette becomes a color that shows i: red i, green i, blue 0 in six bits, or'ed with a blue bit for the upper two.</summary>
    public void NumberColors()
    {
        for (int i = 0; i < 256; i++)
        {
            Dac(i, i & 0x3F, 0, i >> 6);
        }
    }

    public static int NumberOf(uint color) => (int)(((color >> 18) & 0x3F) | ((color & 0xFF) >> 2 << 6));

    public void Set(VgaMode mode)
    {
        Out(0x3C2, mode.Misc);
        for (int i = 0; i < mode.Sequencer.Length; i++)
        {
            Sequencer(i, mode.Sequencer[i]);
        }

        Crtc(0x11, 0);
        for (int i = 0; i < mode.Crtc.Length; i++)
        {
            Crtc(i, mode.Crtc[i]);
        }

        for (int i = 0; i < mode.Graphics.Length; i++)
        {
            Graphics(i, mode.Graphics[i]);
        }

        In(0x3DA);
        for (int i = 0; i < mode.Attribute.Length; i++)
        {
            Out(0x3C0, i);
            Out(0x3C0, mode.Attribute[i]);
        }

        Out(0x3C0, 0x20);
    }

    public void Dispi(int index, int value)
    {
        Board.Out(0x1CE, 2, (uint)index);
        Board.Out(0x1CF, 2, (uint)value);
    }

    public int Dispi(int index)
    {
        Board.Out(0x1CE, 2, (uint)index);
        return (int)Board.In(0x1CF, 2);
    }

    public void SetDispi(int width, int height, int depth, int flags = 0x41)
    {
        Dispi(4, 0);
        Dispi(1, width);
        Dispi(2, height);
        Dispi(3, depth);
        Dispi(4, flags);
    }

    /// <summary>Maps the frame buffer and the registers where firmware does.</summary>
    public void MapBars() => Vga.Enable(0xE0000000, 0xE1000000);

    public void Write(uint address, byte value) => Machine.Memory.Write(address, value);

    public byte Read(uint address) => Machine.Memory.Read<byte>(address);

    public uint Pixel(int x, int y) => Screen.Pixels[(y * Screen.Width) + x];

    /// <summary>The picture drawn anew, to be compared with the one brought up to date in steps.</summary>
    public uint[] DrawAnew()
    {
        VgaScreen screen = new(Vga, Machine.Memory);
        screen.Update();
        return screen.Pixels.ToArray();
    }
}
