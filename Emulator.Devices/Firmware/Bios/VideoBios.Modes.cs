using Emulator.Core.Cpu;

namespace Emulator.Devices.Firmware.Bios;

/// <content>Function 00h: modes, and what a mode leaves in the registers and in memory.</content>
internal sealed unsafe partial class VideoBios
{
    private const int SequencerReset = 1;
    private const int SequencerRun = 3;
    private const byte CrtcProtect = 0x80;
    private const ushort DefaultCursor = 0x0607;
    private const ushort MonochromeCursor = 0x0B0C;

    /// <summary>What port 3D8h of a CGA (3B8h of an MDA) would hold in modes 0 to 7.</summary>
    private static ReadOnlySpan<byte> ModeControls => [0x2C, 0x28, 0x2D, 0x29, 0x2A, 0x2E, 0x1E, 0x29];

    /// <summary>Sets a mode.</summary>
    /// <param name="c">The call.</param>
    /// <param name="number">Mode number; with bit 7, memory is not cleared.</param>
    private void SetMode(ref BiosCall c, byte number)
    {
        int mode = number & 0x7F;
        bool clear = (number & 0x80) == 0;
        int index = VideoModeTable.IndexOf(mode, TextLines(ref c));
        if (index < 0)
        {
            return;
        }

        Span<byte> entry = stackalloc byte[VideoModeTable.EntrySize];
        ReadParameters(ref c, index, entry);
        LeaveDispi();
        Program(entry);
        LoadPalette(ref c, PaletteOf(mode, entry));
        if (clear)
        {
            ClearMemory(ref c, mode);
        }

        Describe(ref c, mode, clear, entry);
        if (mode is <= 3 or MonochromeMode)
        {
            int height = entry[VideoModeTable.CharacterHeight] is 8 or 14 ? entry[VideoModeTable.CharacterHeight] : 16;
            LoadFont(ref c, 0, 0, FontCharacters, height, RomFont(height));
        }
    }

    /// <summary>Scan lines that function 12h, BL 30h has chosen for text.</summary>
    private static int TextLines(ref BiosCall c) => (c.Read8(VideoData.Options) & 0x90) switch { 0x80 => 200, 0x00 => 350, _ => 400 };

    /// <summary>Reads an entry of the parameter table that the save pointers name.</summary>
    private static void ReadParameters(ref BiosCall c, int index, scoped Span<byte> entry)
    {
        uint table = Pointer(c.Read32(Pointer(c.Read32(VideoData.SavePointer))));
        if (table == 0)
        {
            VideoModeTable.Data.AsSpan(index * VideoModeTable.EntrySize, VideoModeTable.EntrySize).CopyTo(entry);
        }
        else
        {
            c.ReadBytes(table + (uint)(index * VideoModeTable.EntrySize), entry);
        }
    }

    /// <summary>Linear address of a far pointer.</summary>
    private static uint Pointer(uint pointer) => ((pointer >> 16) << 4) + (pointer & 0xFFFF);

    private void Program(ReadOnlySpan<byte> entry)
    {
        Write(PortSequencer, 0, SequencerReset);
        for (int i = 0; i < 4; i++)
        {
            Write(PortSequencer, i + 1, entry[VideoModeTable.Sequencer + i]);
        }

        Out(PortMisc, entry[VideoModeTable.Misc]);
        Write(PortSequencer, 0, SequencerRun);
        WriteCrtc(0x11, 0);
        for (int i = 0; i < VideoModeTable.CrtcCount; i++)
        {
            WriteCrtc(i, entry[VideoModeTable.Crtc + i]);
        }

        In((ushort)(PortCrtc + 6));
        for (int i = 0; i < VideoModeTable.AttributeCount; i++)
        {
            Out(PortAttribute, i);
            Out(PortAttribute, entry[VideoModeTable.Attribute + i]);
        }

        Out(PortAttribute, VideoModeTable.AttributeCount);
        Out(PortAttribute, 0);
        Out(PortAttribute, PaletteSource);
        for (int i = 0; i < VideoModeTable.GraphicsCount; i++)
        {
            Write(PortGraphics, i, entry[VideoModeTable.Graphics + i]);
        }
    }

    private static byte[] PaletteOf(int mode, ReadOnlySpan<byte> entry)
    {
        const byte Bright = 0x10;
        return mode switch
        {
            0x13 => VideoPalettes.Vga,
            MonochromeMode or 0x0F => VideoPalettes.Monochrome,
            4 or 5 or 6 => VideoPalettes.Cga,
            _ => entry[VideoModeTable.Attribute + 8] == Bright ? VideoPalettes.Cga : VideoPalettes.Ega,
        };
    }

    /// <summary>Loads colors from entry 0 on, the others become black; unless that is switched off.</summary>
    private void LoadPalette(ref BiosCall c, scoped ReadOnlySpan<byte> palette)
    {
        byte options = c.Read8(VideoData.Options);
        Out(PortDacMask, 0xFF);
        if ((options & VideoData.KeepPalette) != 0)
        {
            return;
        }

        Out(PortDacWrite, 0);
        for (int i = 0; i < 3 * 256; i++)
        {
            Out(PortDacData, i < palette.Length ? palette[i] : 0);
        }

        if ((options & VideoData.GreySumming) != 0)
        {
            MakeGrey(0, 256);
        }
    }

    private static void ClearMemory(ref BiosCall c, int mode)
    {
        const int TextSize = 0x8000;
        bool text = mode is <= 3 or MonochromeMode;
        Span<byte> blank = stackalloc byte[1024];
        for (int i = 0; i < blank.Length; i++)
        {
            blank[i] = !text ? (byte)0 : (i & 1) == 0 ? (byte)BlankCharacter : (byte)0x07;
        }

        uint start = mode == MonochromeMode ? MonochromeText : mode <= 6 ? ColorText : GraphicsWindow;
        uint length = mode <= 7 ? TextSize : WindowSize;
        for (uint at = 0; at < length; at += (uint)blank.Length)
        {
            c.WriteBytes(start + at, blank);
        }
    }

    /// <summary>Writes what the data area says about a mode.</summary>
    private static void Describe(ref BiosCall c, int mode, bool cleared, scoped ReadOnlySpan<byte> entry)
    {
        bool monochrome = mode is MonochromeMode or 0x0F;
        c.Write16(VideoData.Equipment, (ushort)((c.Read16(VideoData.Equipment) & ~0x30) | (monochrome ? 0x30 : 0x20)));
        c.Write8(VideoData.Mode, (byte)mode);
        c.Write16(VideoData.Columns, entry[VideoModeTable.Columns]);
        c.Write16(VideoData.PageSize, (ushort)(entry[VideoModeTable.PageSize] | (entry[VideoModeTable.PageSize + 1] << 8)));
        c.Write16(VideoData.CrtcPort, monochrome ? PortCrtcMono : PortCrtcColor);
        c.Write8(VideoData.LastRow, entry[VideoModeTable.LastRow]);
        c.Write16(VideoData.CharacterHeight, entry[VideoModeTable.CharacterHeight]);
        c.Write8(VideoData.Control, (byte)((c.Read8(VideoData.Control) & 0x7F) | (cleared ? 0 : VideoData.NotCleared)));
        if (mode < ModeControls.Length)
        {
            c.Write8(VideoData.ModeControl, ModeControls[mode]);
            c.Write8(VideoData.CgaPalette, mode == 6 ? (byte)0x3F : (byte)0x30);
        }

        ResetScreen(ref c);
        c.Write16(VideoData.CursorShape, mode == MonochromeMode ? MonochromeCursor : mode <= 3 ? DefaultCursor : (ushort)0);
        c.Write32(VideoData.Vector43, VideoRom.Pointer(RomFont(entry[VideoModeTable.CharacterHeight])));
        c.Write32(VideoData.Vector1F, VideoRom.Pointer(VideoRom.Font8Upper));
    }

    /// <summary>A mode starts with page 0, all cursors in the corner, and the display on.</summary>
    private static void ResetScreen(ref BiosCall c)
    {
        Span<byte> clear = stackalloc byte[2 * Pages];
        clear.Clear();
        c.WriteBytes(VideoData.Cursors, clear);
        c.Write8(VideoData.Page, 0);
        c.Write16(VideoData.PageStart, 0);
        c.Write8(VideoData.PowerState, 0);
    }

    /// <summary>Offset in the ROM of the font for characters of a height.</summary>
    private static ushort RomFont(int height) => height switch { 8 => VideoRom.Font8, 14 => VideoRom.Font14, _ => VideoRom.Font16 };
}
