using Emulator.Core.Cpu;

namespace Emulator.Devices.Firmware.Bios;

/// <content>Functions 0Bh and 10h: attribute controller and DAC.</content>
internal sealed unsafe partial class VideoBios
{
    private const int AttributeMode = 0x10;
    private const int AttributeOverscan = 0x11;
    private const int AttributeColorSelect = 0x14;
    private const int PaletteRegisters = 16;
    private const byte Blink = 0x08;
    private const byte SixteenPages = 0x80;

    /// <summary>Function 0Bh: border or background, and CGA's palettes of three colors.</summary>
    private void SetCgaPalette(ref BiosCall c)
    {
        const byte Background = 0x1F;
        const byte PaletteNumber = 0x20;
        const byte Bright = 0x10;
        byte select = c.Read8(VideoData.CgaPalette);
        if (c.Bh == 0)
        {
            select = (byte)((select & ~Background) | (c.Bl & Background));
        }
        else if (c.Bh == 1)
        {
            select = (byte)((select & ~PaletteNumber) | ((c.Bl & 1) != 0 ? PaletteNumber : 0));
        }
        else
        {
            return;
        }

        c.Write8(VideoData.CgaPalette, select);
        bool graphics = c.Read8(VideoData.Mode) is > 3 and not MonochromeMode;
        if (c.Bh == 0)
        {
            int color = (select & 7) | ((select & 8) << 1);
            WriteAttribute(AttributeOverscan, color);
            if (graphics)
            {
                WriteAttribute(0, color);
            }
        }

        for (int i = 1; i <= 3 && graphics && c.Read8(VideoData.Mode) != 6; i++)
        {
            WriteAttribute(i, (2 * i) | ((select & PaletteNumber) != 0 ? 1 : 0) | (select & Bright));
        }
    }

    private void RunPalette(ref BiosCall c)
    {
        switch (c.Al)
        {
            case 0x00:
                if (c.Bl <= AttributeColorSelect)
                {
                    WriteAttribute(c.Bl, c.Bh);
                }

                break;
            case 0x01:
                WriteAttribute(AttributeOverscan, c.Bh);
                break;
            case 0x02:
                WriteAllPalette(ref c);
                break;
            case 0x03:
                WriteAttribute(AttributeMode, (ReadAttribute(AttributeMode) & ~Blink) | ((c.Bl & 1) != 0 ? Blink : 0));
                c.Write8(VideoData.ModeControl, (byte)((c.Read8(VideoData.ModeControl) & ~0x20) | ((c.Bl & 1) << 5)));
                break;
            case 0x07:
                if (c.Bl <= AttributeColorSelect)
                {
                    c.Bh = ReadAttribute(c.Bl);
                }

                break;
            case 0x08:
                c.Bh = ReadAttribute(AttributeOverscan);
                break;
            case 0x09:
                ReadAllPalette(ref c);
                break;
            case 0x10:
                WriteColor(ref c, c.Bl, c.Dh, c.Ch, c.Cl);
                break;
            case 0x12:
                WriteColors(ref c);
                break;
            case 0x13:
                SelectColorPage(ref c);
                break;
            case 0x15:
                Out(PortDacRead, c.Bl);
                c.Dh = In(PortDacData);
                c.Ch = In(PortDacData);
                c.Cl = In(PortDacData);
                break;
            case 0x17:
                ReadColors(ref c);
                break;
            case 0x18:
                Out(PortDacMask, c.Bl);
                break;
            case 0x19:
                c.Bl = In(PortDacMask);
                break;
            case 0x1A:
                c.Bl = (byte)(ReadAttribute(AttributeMode) >> 7);
                c.Bh = (byte)(c.Bl != 0 ? ReadAttribute(AttributeColorSelect) : ReadAttribute(AttributeColorSelect) >> 2);
                break;
            case 0x1B:
                MakeGrey(c.Bx & 0xFF, Math.Min((int)c.Cx, 256));
                break;
            default:
                break;
        }
    }

    private void WriteAllPalette(ref BiosCall c)
    {
        Span<byte> colors = stackalloc byte[PaletteRegisters + 1];
        uint address = c.Linear(SegmentIndex.Es, c.Dx);
        if (!c.Check(address, (uint)colors.Length, write: false))
        {
            return;
        }

        c.ReadBytes(address, colors);
        for (int i = 0; i < PaletteRegisters; i++)
        {
            WriteAttribute(i, colors[i]);
        }

        WriteAttribute(AttributeOverscan, colors[PaletteRegisters]);
    }

    private void ReadAllPalette(ref BiosCall c)
    {
        Span<byte> colors = stackalloc byte[PaletteRegisters + 1];
        uint address = c.Linear(SegmentIndex.Es, c.Dx);
        if (!c.Check(address, (uint)colors.Length, write: true))
        {
            return;
        }

        for (int i = 0; i < PaletteRegisters; i++)
        {
            colors[i] = ReadAttribute(i);
        }

        colors[PaletteRegisters] = ReadAttribute(AttributeOverscan);
        c.WriteBytes(address, colors);
    }

    private static bool IsGrey(ref BiosCall c) => (c.Read8(VideoData.Options) & VideoData.GreySumming) != 0;

    private void WriteColor(ref BiosCall c, int index, byte red, byte green, byte blue)
    {
        if (IsGrey(ref c))
        {
            red = green = blue = VideoPalettes.Grey(red & 0x3F, green & 0x3F, blue & 0x3F);
        }

        Out(PortDacWrite, index);
        Out(PortDacData, red);
        Out(PortDacData, green);
        Out(PortDacData, blue);
    }

    private void WriteColors(ref BiosCall c)
    {
        int count = Math.Min((int)c.Cx, 256);
        Span<byte> colors = stackalloc byte[3 * 256];
        colors = colors[..(3 * count)];
        uint address = c.Linear(SegmentIndex.Es, c.Dx);
        if (!c.Check(address, (uint)colors.Length, write: false))
        {
            return;
        }

        c.ReadBytes(address, colors);
        for (int i = 0; i < count; i++)
        {
            WriteColor(ref c, c.Bl + i, colors[3 * i], colors[(3 * i) + 1], colors[(3 * i) + 2]);
        }
    }

    private void ReadColors(ref BiosCall c)
    {
        int count = Math.Min((int)c.Cx, 256);
        Span<byte> colors = stackalloc byte[3 * 256];
        colors = colors[..(3 * count)];
        uint address = c.Linear(SegmentIndex.Es, c.Dx);
        if (!c.Check(address, (uint)colors.Length, write: true))
        {
            return;
        }

        Out(PortDacRead, c.Bl);
        for (int i = 0; i < colors.Length; i++)
        {
            colors[i] = In(PortDacData);
        }

        c.WriteBytes(address, colors);
    }

    /// <summary>Subfunction 13h: 4 pages of 64 or 16 pages of 16 colors, and which one is used.</summary>
    private void SelectColorPage(ref BiosCall c)
    {
        byte mode = ReadAttribute(AttributeMode);
        if (c.Bl == 0)
        {
            WriteAttribute(AttributeMode, (mode & ~SixteenPages) | (c.Bh << 7));
        }
        else if (c.Bl == 1)
        {
            WriteAttribute(AttributeColorSelect, (mode & SixteenPages) != 0 ? c.Bh : c.Bh << 2);
        }
    }

    private void MakeGrey(int first, int count)
    {
        for (int i = 0; i < count; i++)
        {
            Out(PortDacRead, first + i);
            byte grey = VideoPalettes.Grey(In(PortDacData) & 0x3F, In(PortDacData) & 0x3F, In(PortDacData) & 0x3F);
            Out(PortDacWrite, first + i);
            Out(PortDacData, grey);
            Out(PortDacData, grey);
            Out(PortDacData, grey);
        }
    }
}
