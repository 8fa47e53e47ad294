using Emulator.Core.Cpu;

namespace Emulator.Devices.Firmware.Bios;

/// <content>Function 11h: fonts of text modes in plane 2, fonts of graphics modes by vectors.</content>
internal sealed unsafe partial class VideoBios
{
    private const int FontStride = 32;
    private const int FontCharacters = 256;
    private const int FontPlane = 4;
    private const int CharacterMap = 3;
    private const int MemoryMode = 4;
    private const int MemoryMap = 6;
    private const int CrtcOverflow = 0x07;
    private const int CrtcMaximumScan = 0x09;
    private const int CrtcDisplayEnd = 0x12;
    private const int CrtcUnderline = 0x14;
    private const byte DoubleScan = 0x80;

    private void RunFonts(ref BiosCall c)
    {
        switch (c.Al)
        {
            case 0x00 or 0x10:
                LoadUserFont(ref c);
                break;
            case 0x01 or 0x11:
                LoadRomFont(ref c, VideoRom.Font14, 14);
                break;
            case 0x02 or 0x12:
                LoadRomFont(ref c, VideoRom.Font8, 8);
                break;
            case 0x04 or 0x14:
                LoadRomFont(ref c, VideoRom.Font16, 16);
                break;
            case 0x03:
                Write(PortSequencer, CharacterMap, c.Bl);
                break;
            case 0x20:
                c.Write32(VideoData.Vector1F, ((uint)c.Es << 16) | c.Bp);
                break;
            case 0x21:
                SetGraphicsFont(ref c, ((uint)c.Es << 16) | c.Bp, c.Cx);
                break;
            case 0x22:
                SetGraphicsFont(ref c, VideoRom.Pointer(VideoRom.Font14), 14);
                break;
            case 0x23:
                SetGraphicsFont(ref c, VideoRom.Pointer(VideoRom.Font8), 8);
                break;
            case 0x24:
                SetGraphicsFont(ref c, VideoRom.Pointer(VideoRom.Font16), 16);
                break;
            case 0x30:
                DescribeFont(ref c);
                break;
            default:
                break;
        }
    }

    private void LoadUserFont(ref BiosCall c)
    {
        int height = c.Bh;
        int first = c.Dx;
        int count = Math.Min((int)c.Cx, Math.Max(0, FontCharacters - first));
        bool recompute = c.Al == 0x10;
        if (height is 0 or > FontStride)
        {
            return;
        }

        byte[] font = new byte[count * height];
        uint address = c.Linear(SegmentIndex.Es, c.Bp);
        if (!c.Check(address, (uint)font.Length, write: false))
        {
            return;
        }

        c.ReadBytes(address, font);
        StoreFont(ref c, c.Bl, first, height, font);
        if (recompute)
        {
            SetCharacterHeight(ref c, height);
        }
    }

    private void LoadRomFont(ref BiosCall c, ushort font, int height)
    {
        LoadFont(ref c, c.Bl, 0, FontCharacters, height, font);
        if ((c.Al & 0x10) != 0)
        {
            SetCharacterHeight(ref c, height);
        }
    }

    /// <summary>Loads characters of a font in the ROM into one of the eight fonts of the adapter.</summary>
    private void LoadFont(ref BiosCall c, int block, int first, int count, int height, ushort font) =>
        StoreFont(ref c, block, first, height, VideoRom.Image.AsSpan(font, count * height));

    private void StoreFont(ref BiosCall c, int block, int first, int height, scoped ReadOnlySpan<byte> font)
    {
        byte map = Read(PortSequencer, MapMask);
        byte memory = Read(PortSequencer, MemoryMode);
        byte mode = Read(PortGraphics, GraphicsMode);
        byte window = Read(PortGraphics, MemoryMap);
        byte function = Read(PortGraphics, FunctionSelect);
        byte mask = Read(PortGraphics, BitMask);
        byte enable = Read(PortGraphics, 1);
        Write(PortSequencer, MapMask, FontPlane);
        Write(PortSequencer, MemoryMode, 0x06);
        Write(PortGraphics, 1, 0);
        Write(PortGraphics, FunctionSelect, 0);
        Write(PortGraphics, GraphicsMode, 0);
        Write(PortGraphics, MemoryMap, 0x04);
        Write(PortGraphics, BitMask, 0xFF);
        uint start = GraphicsWindow + (uint)(((block & 3) << 14) | ((block & 4) << 11));
        for (int i = 0; i * height < font.Length; i++)
        {
            c.WriteBytes(start + (uint)(((first + i) & (FontCharacters - 1)) * FontStride), font.Slice(i * height, height));
        }

        Write(PortGraphics, BitMask, mask);
        Write(PortGraphics, MemoryMap, window);
        Write(PortGraphics, GraphicsMode, mode);
        Write(PortGraphics, FunctionSelect, function);
        Write(PortGraphics, 1, enable);
        Write(PortSequencer, MemoryMode, memory);
        Write(PortSequencer, MapMask, map);
    }

    /// <summary>Fits the text mode to another height of characters: as many rows as there is room for.</summary>
    private void SetCharacterHeight(ref BiosCall c, int height)
    {
        const int DisplayEndHigh = 0x42;
        if (c.Read8(VideoData.Mode) is > 3 and not MonochromeMode)
        {
            return;
        }

        byte scan = ReadCrtc(CrtcMaximumScan);
        int factor = (scan & DoubleScan) != 0 ? 2 : 1;
        int overflow = ReadCrtc(CrtcOverflow);
        int modeLines = LinesOfText(overflow | (ReadCrtc(CrtcDisplayEnd) << 8));
        int rows = Math.Max(1, modeLines / factor / height);
        int end = (rows * height * factor) - 1;
        WriteCrtc(CrtcMaximumScan, (scan & 0xE0) | (height - 1));
        WriteCrtc(CrtcDisplayEnd, end);
        WriteUnprotected(CrtcOverflow, (overflow & ~DisplayEndHigh) | ((end >> 7) & 2) | ((end >> 3) & 0x40));
        if (c.Read8(VideoData.Mode) == MonochromeMode)
        {
            WriteCrtc(CrtcUnderline, height - 1);
        }

        c.Write16(VideoData.CharacterHeight, (ushort)height);
        c.Write8(VideoData.LastRow, (byte)(rows - 1));
        c.Write16(VideoData.PageSize, (ushort)((rows * c.Read16(VideoData.Columns) * 2) + 0x100));
        SetCursorShape(ref c, c.Read16(VideoData.CursorShape));
    }

    /// <summary>Scan lines that the vertical timing allows: 200 (doubled), 350, 400 or 480, whatever part of them shows characters.</summary>
    private static int LinesOfText(int overflowAndEnd)
    {
        int end = (overflowAndEnd >> 8) | ((overflowAndEnd & 2) << 7) | ((overflowAndEnd & 0x40) << 3);
        return end < 350 ? 350 : end < 400 ? 400 : 480;
    }

    private void WriteUnprotected(int index, int value)
    {
        byte protect = ReadCrtc(0x11);
        WriteCrtc(0x11, protect & ~CrtcProtect);
        WriteCrtc(index, value);
        WriteCrtc(0x11, protect);
    }

    /// <summary>Functions 21h to 24h: BL is the number of rows, by a code or (0) in DL.</summary>
    private static void SetGraphicsFont(ref BiosCall c, uint pointer, int height)
    {
        int rows = c.Bl switch { 0 => c.Dl, 1 => 14, 3 => 43, _ => 25 };
        c.Write32(VideoData.Vector43, pointer);
        c.Write16(VideoData.CharacterHeight, (ushort)height);
        c.Write8(VideoData.LastRow, (byte)(rows - 1));
    }

    private static void DescribeFont(ref BiosCall c)
    {
        uint pointer = c.Bh switch
        {
            0 => c.Read32(VideoData.Vector1F),
            1 => c.Read32(VideoData.Vector43),
            2 => VideoRom.Pointer(VideoRom.Font14),
            3 => VideoRom.Pointer(VideoRom.Font8),
            4 => VideoRom.Pointer(VideoRom.Font8Upper),
            6 => VideoRom.Pointer(VideoRom.Font16),
            5 or 7 => VideoRom.Pointer(VideoRom.NoAlternates),
            _ => 0,
        };
        if (c.Bh > 7)
        {
            return;
        }

        c.Cx = c.Read16(VideoData.CharacterHeight);
        c.Dl = c.Read8(VideoData.LastRow);
        c.Es = (ushort)(pointer >> 16);
        c.Bp = (ushort)pointer;
    }
}
