using Emulator.Core.Cpu;

namespace Emulator.Devices.Firmware.Bios;

/// <content>Characters and pixels in graphics modes, through the window and the registers of the graphics controller.</content>
internal sealed unsafe partial class VideoBios
{
    private const int LargestGlyph = 32;
    private const byte XorFlag = 0x80;
    private const int MapMask = 2;
    private const int AllPlanes = 0x0F;
    private const int FunctionSelect = 3;
    private const int FunctionXor = 0x18;
    private const int ReadMapSelect = 4;
    private const int GraphicsMode = 5;
    private const int BitMask = 8;
    private const ushort PortDispiIndex = 0x1CE;
    private const ushort PortDispiData = 0x1CF;
    private const int DispiBank = 5;
    private const int LineBuffer = 1024;

    private uint ReadDispi(int index)
    {
        _ports.Write(PortDispiIndex, 2, (uint)index);
        return _ports.Read(PortDispiData, 2);
    }

    private void WriteDispi(int index, int value)
    {
        _ports.Write(PortDispiIndex, 2, (uint)index);
        _ports.Write(PortDispiData, 2, (ushort)value);
    }

    /// <summary>Offset in video memory of a page's first line.</summary>
    private static uint PageOrigin(ref BiosCall c, in VideoSurface s, int page) =>
        s.IsBanked || s.Layout != VideoLayout.Planar ? 0 : (uint)(page & (Pages - 1)) * c.Read16(VideoData.PageSize);

    /// <summary>Linear address where the window shows an offset in video memory; chooses its bank.</summary>
    private uint Reach(in VideoSurface s, uint offset)
    {
        if (!s.IsBanked)
        {
            return s.Window + (offset & (WindowSize - 1));
        }

        if (ReadDispi(DispiBank) != offset / WindowSize)
        {
            WriteDispi(DispiBank, (int)(offset / WindowSize));
        }

        return s.Window + (offset % WindowSize);
    }

    /// <summary>Reads bytes at an offset in video memory, across banks.</summary>
    private void ReadVideo(ref BiosCall c, in VideoSurface s, uint offset, scoped Span<byte> data)
    {
        while (!data.IsEmpty)
        {
            int part = (int)Math.Min((uint)data.Length, WindowSize - (offset % WindowSize));
            c.ReadBytes(Reach(in s, offset), data[..part]);
            offset += (uint)part;
            data = data[part..];
        }
    }

    /// <summary>Writes bytes at an offset in video memory, across banks.</summary>
    private void WriteVideo(ref BiosCall c, in VideoSurface s, uint offset, scoped ReadOnlySpan<byte> data)
    {
        while (!data.IsEmpty)
        {
            int part = (int)Math.Min((uint)data.Length, WindowSize - (offset % WindowSize));
            c.WriteBytes(Reach(in s, offset), data[..part]);
            offset += (uint)part;
            data = data[part..];
        }
    }

    /// <summary>The bank that the caller has chosen; services that move the window put it back.</summary>
    private int SaveBank(in VideoSurface s) => s.IsBanked ? (int)ReadDispi(DispiBank) : 0;

    private void RestoreBank(in VideoSurface s, int bank)
    {
        if (s.IsBanked)
        {
            WriteDispi(DispiBank, bank);
        }
    }

    /// <summary>Reads a glyph from the font that the vectors name: INT 1Fh for the second half in CGA modes, else INT 43h.</summary>
    private static void ReadFont(ref BiosCall c, in VideoSurface s, byte character, scoped Span<byte> glyph)
    {
        bool upper = s.Layout is VideoLayout.Cga4 or VideoLayout.Cga2 && character >= 0x80;
        uint font = Pointer(c.Read32(upper ? VideoData.Vector1F : VideoData.Vector43));
        c.ReadBytes(font + (uint)((upper ? character & 0x7F : character) * glyph.Length), glyph);
    }

    private void DrawGlyph(ref BiosCall c, in VideoSurface s, int page, int row, int column, byte character, byte color)
    {
        if (row >= s.Rows || column >= s.Columns)
        {
            return;
        }

        Span<byte> glyph = stackalloc byte[LargestGlyph];
        glyph = glyph[..s.CharacterHeight];
        ReadFont(ref c, in s, character, glyph);
        int bank = SaveBank(in s);
        uint origin = PageOrigin(ref c, in s, page) + (uint)(column * s.CharacterBytes);
        int y = row * s.CharacterHeight;
        if (s.Layout == VideoLayout.Planar)
        {
            DrawPlanes(ref c, in s, origin, y, glyph, color);
        }
        else
        {
            Span<byte> pixels = stackalloc byte[8 * sizeof(uint)];
            Span<byte> under = stackalloc byte[8 * sizeof(uint)];
            pixels = pixels[..s.CharacterBytes];
            under = under[..s.CharacterBytes];
            bool xor = !s.HasByteColors && (color & XorFlag) != 0;
            for (int i = 0; i < glyph.Length; i++)
            {
                uint at = origin + s.LineOffset(y + i);
                Expand(in s, glyph[i], color, pixels);
                if (xor)
                {
                    ReadVideo(ref c, in s, at, under);
                    for (int b = 0; b < under.Length; b++)
                    {
                        pixels[b] ^= under[b];
                    }
                }

                WriteVideo(ref c, in s, at, pixels);
            }
        }

        RestoreBank(in s, bank);
    }

    /// <summary>Draws a glyph in the planes of a color, and nothing in the others; with XOR, only the former.</summary>
    private void DrawPlanes(ref BiosCall c, in VideoSurface s, uint origin, int y, scoped ReadOnlySpan<byte> glyph, byte color)
    {
        bool xor = (color & XorFlag) != 0;
        if (xor)
        {
            Write(PortGraphics, FunctionSelect, FunctionXor);
        }

        Write(PortSequencer, MapMask, color & AllPlanes);
        for (int i = 0; i < glyph.Length; i++)
        {
            uint address = Reach(in s, origin + s.LineOffset(y + i));
            c.Read8(address);
            c.Write8(address, glyph[i]);
        }

        if (xor)
        {
            Write(PortGraphics, FunctionSelect, 0);
        }
        else if ((color & AllPlanes) != AllPlanes)
        {
            Write(PortSequencer, MapMask, ~color & AllPlanes);
            for (int i = 0; i < glyph.Length; i++)
            {
                c.Write8(Reach(in s, origin + s.LineOffset(y + i)), 0);
            }
        }

        Write(PortSequencer, MapMask, AllPlanes);
    }

    /// <summary>Eight pixels in a color where bits are set.</summary>
    private static void Expand(in VideoSurface s, byte bits, byte color, Span<byte> pixels)
    {
        switch (s.Layout)
        {
            case VideoLayout.Cga2:
                pixels[0] = (color & 1) != 0 ? bits : (byte)0;
                break;
            case VideoLayout.Cga4:
                int wide = 0;
                for (int i = 0; i < 8; i++)
                {
                    wide = (wide << 2) | ((bits & (0x80 >> i)) != 0 ? color & 3 : 0);
                }

                pixels[0] = (byte)(wide >> 8);
                pixels[1] = (byte)wide;
                break;
            default:
                uint value = PixelValue(s.Depth, color);
                int size = s.BytesPerPixel;
                for (int i = 0; i < pixels.Length; i++)
                {
                    pixels[i] = (bits & (0x80 >> (i / size))) != 0 ? (byte)(value >> (8 * (i % size))) : (byte)0;
                }

                break;
        }
    }

    /// <summary>A color as a pixel: the number itself, or with more than 8 bits the color of that number in mode 13h.</summary>
    private static uint PixelValue(int depth, byte color)
    {
        if (depth <= 8)
        {
            return color;
        }

        ReadOnlySpan<byte> entry = VideoPalettes.Vga.AsSpan(3 * color, 3);
        (uint red, uint green, uint blue) = (entry[0], entry[1], entry[2]);
        return depth switch
        {
            15 => (red >> 1 << 10) | (green >> 1 << 5) | (blue >> 1),
            16 => (red >> 1 << 11) | (green << 5) | (blue >> 1),
            _ => (((red << 2) | (red >> 4)) << 16) | (((green << 2) | (green >> 4)) << 8) | (blue << 2) | (blue >> 4),
        };
    }

    /// <summary>Finds the character whose glyph stands at a place; 0 when there is none.</summary>
    private byte ReadGlyph(ref BiosCall c, in VideoSurface s, int page, int row, int column)
    {
        if (row >= s.Rows || column >= s.Columns)
        {
            return 0;
        }

        Span<byte> seen = stackalloc byte[LargestGlyph];
        Span<byte> glyph = stackalloc byte[LargestGlyph];
        seen = seen[..s.CharacterHeight];
        glyph = glyph[..s.CharacterHeight];
        Span<byte> pixels = stackalloc byte[8 * sizeof(uint)];
        pixels = pixels[..s.CharacterBytes];
        int bank = SaveBank(in s);
        uint origin = PageOrigin(ref c, in s, page) + (uint)(column * s.CharacterBytes);
        for (int i = 0; i < seen.Length; i++)
        {
            uint at = origin + s.LineOffset((row * s.CharacterHeight) + i);
            if (s.Layout == VideoLayout.Planar)
            {
                seen[i] = ReadPlanes(ref c, Reach(in s, at));
            }
            else
            {
                ReadVideo(ref c, in s, at, pixels);
                seen[i] = Collapse(in s, pixels);
            }
        }

        RestoreBank(in s, bank);
        for (int character = 0; character < 256; character++)
        {
            ReadFont(ref c, in s, (byte)character, glyph);
            if (glyph.SequenceEqual(seen))
            {
                return (byte)character;
            }
        }

        return 0;
    }

    /// <summary>Eight pixels as bits: set where a plane has one.</summary>
    private byte ReadPlanes(ref BiosCall c, uint address)
    {
        byte bits = 0;
        for (int plane = 0; plane < 4; plane++)
        {
            Write(PortGraphics, ReadMapSelect, plane);
            bits |= c.Read8(address);
        }

        Write(PortGraphics, ReadMapSelect, 0);
        return bits;
    }

    private static byte Collapse(in VideoSurface s, ReadOnlySpan<byte> pixels)
    {
        if (s.Layout == VideoLayout.Cga2)
        {
            return pixels[0];
        }

        int bits = 0;
        for (int i = 0; i < 8; i++)
        {
            bool set = s.Layout == VideoLayout.Cga4
                ? ((pixels[i >> 2] >> (6 - (2 * (i & 3)))) & 3) != 0
                : pixels.Slice(i * s.BytesPerPixel, s.BytesPerPixel).ContainsAnyExcept((byte)0);
            bits |= set ? 0x80 >> i : 0;
        }

        return (byte)bits;
    }

    private void ScrollGraphics(ref BiosCall c, in VideoSurface s, int page, bool up, int rows, byte color, int top, int left, int bottom, int right)
    {
        int bank = SaveBank(in s);
        uint origin = PageOrigin(ref c, in s, page) + (uint)(left * s.CharacterBytes);
        int bytes = (right - left + 1) * s.CharacterBytes;
        int first = top * s.CharacterHeight;
        int lines = (bottom - top + 1) * s.CharacterHeight;
        int distance = rows * s.CharacterHeight;
        int moved = lines - distance;
        bool planar = s.Layout == VideoLayout.Planar;
        byte mode = 0;
        if (planar)
        {
            mode = Read(PortGraphics, GraphicsMode);
            Write(PortGraphics, GraphicsMode, 1);
        }

        for (int i = 0; i < moved; i++)
        {
            int to = up ? first + i : first + lines - 1 - i;
            MoveLine(ref c, in s, origin + s.LineOffset(up ? to + distance : to - distance), origin + s.LineOffset(to), bytes);
        }

        if (planar)
        {
            Write(PortGraphics, GraphicsMode, mode);
        }

        int empty = up ? first + moved : first;
        if (planar)
        {
            FillPlanes(ref c, in s, origin, empty, distance, bytes, color & AllPlanes, 0xFF);
            FillPlanes(ref c, in s, origin, empty, distance, bytes, ~color & AllPlanes, 0);
            Write(PortSequencer, MapMask, AllPlanes);
        }
        else
        {
            for (int i = 0; i < distance; i++)
            {
                FillLine(ref c, in s, origin + s.LineOffset(empty + i), bytes, color);
            }
        }

        RestoreBank(in s, bank);
    }

    /// <summary>Copies a line; in planes byte for byte by the latches.</summary>
    private void MoveLine(ref BiosCall c, in VideoSurface s, uint from, uint to, int bytes)
    {
        if (s.Layout == VideoLayout.Planar)
        {
            for (uint i = 0; i < bytes; i++)
            {
                c.Read8(Reach(in s, from + i));
                c.Write8(Reach(in s, to + i), 0);
            }

            return;
        }

        Span<byte> line = stackalloc byte[LineBuffer];
        for (int done = 0; done < bytes; done += line.Length)
        {
            Span<byte> part = line[..Math.Min(line.Length, bytes - done)];
            ReadVideo(ref c, in s, from + (uint)done, part);
            WriteVideo(ref c, in s, to + (uint)done, part);
        }
    }

    private void FillLine(ref BiosCall c, in VideoSurface s, uint at, int bytes, byte color)
    {
        Span<byte> pixels = stackalloc byte[8 * sizeof(uint)];
        Expand(in s, 0xFF, color, pixels[..s.CharacterBytes]);
        Span<byte> line = stackalloc byte[LineBuffer - (LineBuffer % s.CharacterBytes)];
        for (int i = 0; i < line.Length; i++)
        {
            line[i] = pixels[i % s.CharacterBytes];
        }

        for (int done = 0; done < bytes; done += line.Length)
        {
            WriteVideo(ref c, in s, at + (uint)done, line[..Math.Min(line.Length, bytes - done)]);
        }
    }

    private void FillPlanes(ref BiosCall c, in VideoSurface s, uint origin, int y, int lines, int bytes, int planes, byte value)
    {
        if (planes == 0)
        {
            return;
        }

        Span<byte> line = stackalloc byte[bytes];
        line.Fill(value);
        Write(PortSequencer, MapMask, planes);
        for (int i = 0; i < lines; i++)
        {
            WriteVideo(ref c, in s, origin + s.LineOffset(y + i), line);
        }
    }

    /// <summary>Where a pixel is: offset in video memory, and the shift of its bits within the byte in modes of less than 8 bits.</summary>
    private static (uint Offset, int Shift) Locate(ref BiosCall c, in VideoSurface s, int page, int x, int y)
    {
        uint origin = PageOrigin(ref c, in s, page) + s.LineOffset(y);
        return s.Layout switch
        {
            VideoLayout.Cga4 => (origin + (uint)(x / 4), 6 - (2 * (x & 3))),
            VideoLayout.Packed => (origin + (uint)(x * s.BytesPerPixel), 0),
            _ => (origin + (uint)(x / 8), 7 - (x & 7)),
        };
    }

    private static bool HasPixel(in VideoSurface s, int x, int y) => s.Layout != VideoLayout.Text && x < s.Pitch * 8 / Math.Max(1, BitsInLine(in s)) && y < LinesOf(in s);

    private static int BitsInLine(in VideoSurface s) => s.Layout switch { VideoLayout.Packed => 8 * s.BytesPerPixel, VideoLayout.Cga4 => 2, _ => 1 };

    /// <summary>Lines that the window or video memory can hold: pixels beyond those on the screen are in memory, too.</summary>
    private static int LinesOf(in VideoSurface s)
    {
        uint size = s.IsBanked ? Vga.VgaAdapter.VideoMemorySize : WindowSize;
        return s.Layout switch
        {
            VideoLayout.Cga4 or VideoLayout.Cga2 => 200,
            VideoLayout.Planar when s.IsBanked => (int)(size / 4 / (uint)Math.Max(1, s.Pitch)),
            _ => (int)(size / (uint)Math.Max(1, s.Pitch)),
        };
    }

    /// <summary>Function 0Ch.</summary>
    private void WritePixel(ref BiosCall c)
    {
        VideoSurface s = Describe(ref c);
        if (!HasPixel(in s, c.Cx, c.Dx))
        {
            return;
        }

        int bank = SaveBank(in s);
        (uint offset, int shift) = Locate(ref c, in s, c.Bh, c.Cx, c.Dx);
        byte color = c.Al;
        bool xor = (color & XorFlag) != 0;
        switch (s.Layout)
        {
            case VideoLayout.Packed:
                uint value = PixelValue(s.Depth, color);
                WriteVideo(ref c, in s, offset, new ReadOnlySpan<byte>(&value, s.BytesPerPixel));
                break;
            case VideoLayout.Planar:
                uint address = Reach(in s, offset);
                Write(PortGraphics, BitMask, 1 << shift);
                if (xor)
                {
                    Write(PortGraphics, FunctionSelect, FunctionXor);
                }
                else
                {
                    c.Read8(address);
                    c.Write8(address, 0);
                }

                Write(PortSequencer, MapMask, color & AllPlanes);
                c.Read8(address);
                c.Write8(address, 0xFF);
                Write(PortSequencer, MapMask, AllPlanes);
                Write(PortGraphics, FunctionSelect, 0);
                Write(PortGraphics, BitMask, 0xFF);
                break;
            default:
                int mask = s.Layout == VideoLayout.Cga4 ? 3 : 1;
                uint at = Reach(in s, offset);
                int old = c.Read8(at);
                int bits = (color & mask) << shift;
                c.Write8(at, (byte)(xor ? old ^ bits : (old & ~(mask << shift)) | bits));
                break;
        }

        RestoreBank(in s, bank);
    }

    /// <summary>Function 0Dh; of pixels with more than 8 bits the lowest.</summary>
    private void ReadPixel(ref BiosCall c)
    {
        VideoSurface s = Describe(ref c);
        if (!HasPixel(in s, c.Cx, c.Dx))
        {
            c.Al = 0;
            return;
        }

        int bank = SaveBank(in s);
        (uint offset, int shift) = Locate(ref c, in s, c.Bh, c.Cx, c.Dx);
        uint address = Reach(in s, offset);
        if (s.Layout == VideoLayout.Planar)
        {
            int color = 0;
            for (int plane = 0; plane < 4; plane++)
            {
                Write(PortGraphics, ReadMapSelect, plane);
                color |= ((c.Read8(address) >> shift) & 1) << plane;
            }

            Write(PortGraphics, ReadMapSelect, 0);
            c.Al = (byte)color;
        }
        else
        {
            int value = c.Read8(address);
            c.Al = (byte)(s.Layout switch { VideoLayout.Cga4 => (value >> shift) & 3, VideoLayout.Cga2 => (value >> shift) & 1, _ => value });
        }

        RestoreBank(in s, bank);
    }
}
