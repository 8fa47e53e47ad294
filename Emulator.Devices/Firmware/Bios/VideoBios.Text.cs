using Emulator.Core.Cpu;

namespace Emulator.Devices.Firmware.Bios;

/// <content>Cursor, pages, scrolling, characters, strings.</content>
internal sealed unsafe partial class VideoBios
{
    private const byte Bell = 0x07;
    private const byte Backspace = 0x08;
    private const byte LineFeed = 0x0A;
    private const byte CarriageReturn = 0x0D;
    private const int CrtcCursorStart = 0x0A;
    private const int CrtcCursorEnd = 0x0B;
    private const int CrtcStart = 0x0C;
    private const int CrtcCursor = 0x0E;
    private const int LargestRow = 2 * 256;

    private VideoSurface Describe(ref BiosCall c)
    {
        int columns = c.Read16(VideoData.Columns) & 0xFF;
        int rows = c.Read8(VideoData.LastRow) + 1;
        int height = Math.Clamp((int)c.Read16(VideoData.CharacterHeight), 1, 32);
        if (_vga is { IsDispiEnabled: true })
        {
            return new VideoSurface(
                _vga.DispiDepth == 4 ? VideoLayout.Planar : VideoLayout.Packed,
                Math.Min(columns, _vga.DispiWidth / 8),
                Math.Min(rows, _vga.DispiHeight / height),
                height,
                _vga.DispiPitch,
                _vga.DispiDepth,
                GraphicsWindow,
                IsBanked: true);
        }

        return c.Read8(VideoData.Mode) switch
        {
            <= 3 or MonochromeMode => new VideoSurface(VideoLayout.Text, columns, rows, height, 2 * columns, 0, IsMonochrome(ref c) ? MonochromeText : ColorText, false),
            4 or 5 => new VideoSurface(VideoLayout.Cga4, 40, Math.Min(rows, 200 / height), height, 80, 2, ColorText, false),
            6 => new VideoSurface(VideoLayout.Cga2, 80, Math.Min(rows, 200 / height), height, 80, 1, ColorText, false),
            0x13 => new VideoSurface(VideoLayout.Packed, 40, Math.Min(rows, 200 / height), height, 320, 8, GraphicsWindow, false),
            _ => new VideoSurface(VideoLayout.Planar, columns, rows, height, columns, 4, GraphicsWindow, false),
        };
    }

    /// <summary>Function 01h. CGA shapes (up to 8 lines) become what looks the same with higher characters, unless that is switched off.</summary>
    private void SetCursorShape(ref BiosCall c, ushort shape)
    {
        c.Write16(VideoData.CursorShape, shape);
        int start = shape >> 8;
        int end = shape & 0x1F;
        int height = c.Read16(VideoData.CharacterHeight);
        bool text = c.Read8(VideoData.Mode) is <= 3 or MonochromeMode;
        if (text && (start & 0x60) == 0 && height > 8 && (c.Read8(VideoData.Control) & VideoData.NoCursorEmulation) == 0)
        {
            (start, end) = ScaleCursor(start & 0x1F, end, height);
        }

        WriteCrtc(CrtcCursorStart, start);
        WriteCrtc(CrtcCursorEnd, end);
    }

    /// <summary>
    /// A cursor at the bottom stays at the bottom, one of half a character becomes the lower half, one of a whole character the whole. A cursor whose
    /// end comes first is shown as two parts by an EGA: it becomes the lower part.
    /// </summary>
    private static (int Start, int End) ScaleCursor(int start, int end, int height)
    {
        int last = height - 1;
        if (end < start)
        {
            return end == 0 ? (start, end) : (end, last);
        }

        if (end <= 3 || (start == last - 1 && end == last))
        {
            return (start, end);
        }

        if (start + 2 >= end)
        {
            // An underline leaves the lowest line free with characters of 14 lines and more.
            int lowest = height >= 14 ? last - 1 : last;
            return (Math.Max(0, lowest - (end - start)), lowest);
        }

        return (start >= 2 ? height / 2 : start, last);
    }

    private void SetCursor(ref BiosCall c, int page, int row, int column)
    {
        c.Write16(Cursor(page), (ushort)((row << 8) | (column & 0xFF)));
        if ((page & (Pages - 1)) == c.Read8(VideoData.Page))
        {
            ShowCursor(ref c, row, column);
        }
    }

    private void ShowCursor(ref BiosCall c, int row, int column)
    {
        int at = (c.Read16(VideoData.PageStart) / 2) + (row * c.Read16(VideoData.Columns)) + column;
        ushort port = c.Read16(VideoData.CrtcPort);
        Write(port, CrtcCursor, at >> 8);
        Write(port, CrtcCursor + 1, at);
    }

    /// <summary>Function 05h.</summary>
    private void SelectPage(ref BiosCall c, int page)
    {
        if (page >= Pages || (_vga is { IsDispiEnabled: true }))
        {
            return;
        }

        ushort start = (ushort)(page * c.Read16(VideoData.PageSize));
        bool graphics = c.Read8(VideoData.Mode) is > 3 and not MonochromeMode;
        c.Write8(VideoData.Page, (byte)page);
        c.Write16(VideoData.PageStart, start);
        WriteCrtc(CrtcStart, (graphics ? start : start / 2) >> 8);
        WriteCrtc(CrtcStart + 1, graphics ? start : start / 2);
        ushort cursor = c.Read16(Cursor(page));
        ShowCursor(ref c, cursor >> 8, cursor & 0xFF);
    }

    /// <summary>Linear address of a character on a page.</summary>
    private static uint Cell(ref BiosCall c, in VideoSurface s, int page, int row, int column) =>
        s.Window + (ushort)(((page & (Pages - 1)) * c.Read16(VideoData.PageSize)) + (((row * s.Columns) + column) * 2));

    /// <summary>Functions 06h and 07h.</summary>
    private void Scroll(ref BiosCall c, bool up, int lines, byte attribute, int top, int left, int bottom, int right)
    {
        VideoSurface s = Describe(ref c);
        bottom = Math.Min(bottom, s.Rows - 1);
        right = Math.Min(right, s.Columns - 1);
        if (top > bottom || left > right)
        {
            return;
        }

        if (lines == 0 || lines > bottom - top)
        {
            lines = bottom - top + 1;
        }

        int page = c.Read8(VideoData.Page);
        if (s.Layout != VideoLayout.Text)
        {
            ScrollGraphics(ref c, in s, page, up, lines, attribute, top, left, bottom, right);
            return;
        }

        Span<byte> row = stackalloc byte[LargestRow];
        row = row[..(2 * (right - left + 1))];
        int moved = bottom - top + 1 - lines;
        for (int i = 0; i < moved; i++)
        {
            int to = up ? top + i : bottom - i;
            c.ReadBytes(Cell(ref c, in s, page, up ? to + lines : to - lines, left), row);
            c.WriteBytes(Cell(ref c, in s, page, to, left), row);
        }

        for (int i = 0; i < row.Length; i += 2)
        {
            row[i] = BlankCharacter;
            row[i + 1] = attribute;
        }

        for (int i = 0; i < lines; i++)
        {
            c.WriteBytes(Cell(ref c, in s, page, up ? bottom - i : top + i, left), row);
        }
    }

    /// <summary>Function 08h.</summary>
    private void ReadCharacter(ref BiosCall c)
    {
        VideoSurface s = Describe(ref c);
        ushort cursor = c.Read16(Cursor(c.Bh));
        if (s.Layout == VideoLayout.Text)
        {
            c.Ax = c.Read16(Cell(ref c, in s, c.Bh, cursor >> 8, cursor & 0xFF));
        }
        else
        {
            c.Ah = 0;
            c.Al = ReadGlyph(ref c, in s, c.Bh, cursor >> 8, cursor & 0xFF);
        }
    }

    /// <summary>Functions 09h and 0Ah.</summary>
    private void WriteCharacters(ref BiosCall c, bool withAttribute)
    {
        VideoSurface s = Describe(ref c);
        ushort cursor = c.Read16(Cursor(c.Bh));
        int row = cursor >> 8;
        int column = cursor & 0xFF;
        if (s.Layout == VideoLayout.Text)
        {
            WriteCells(ref c, in s, withAttribute, Cell(ref c, in s, c.Bh, row, column) - s.Window);
            return;
        }

        int count = Math.Min((int)c.Cx, s.Columns * s.Rows);
        for (int i = 0; i < count && row < s.Rows; i++)
        {
            DrawGlyph(ref c, in s, c.Bh, row, column, c.Al, c.Bl);
            if (++column >= s.Columns)
            {
                column = 0;
                row++;
            }
        }
    }

    /// <summary>Writes CX characters from an offset on, no more than the 32 KiB of text hold.</summary>
    private static void WriteCells(ref BiosCall c, in VideoSurface s, bool withAttribute, uint offset)
    {
        const int TextSize = 0x8000;
        Span<byte> cells = stackalloc byte[512];
        int left = Math.Min((int)c.Cx, ((TextSize - (int)Math.Min(offset, TextSize)) + 1) / 2);
        uint at = s.Window + offset;
        while (left > 0)
        {
            int count = Math.Min(left, cells.Length / 2);
            Span<byte> part = cells[..(2 * count)];
            if (!withAttribute)
            {
                c.ReadBytes(at, part);
            }

            for (int i = 0; i < part.Length; i += 2)
            {
                part[i] = c.Al;
                if (withAttribute)
                {
                    part[i + 1] = c.Bl;
                }
            }

            c.WriteBytes(at, part);
            at += (uint)part.Length;
            left -= count;
        }
    }

    /// <summary>Writes a character at the cursor as a terminal does, and moves the cursor.</summary>
    /// <param name="c">The call.</param>
    /// <param name="page">Page.</param>
    /// <param name="character">Character; bell, backspace, line feed and carriage return are obeyed.</param>
    /// <param name="attribute">Attribute or color.</param>
    /// <param name="withAttribute">Whether text takes the attribute; else it keeps the one it has.</param>
    private void Teletype(ref BiosCall c, int page, byte character, byte attribute, bool withAttribute)
    {
        VideoSurface s = Describe(ref c);
        ushort cursor = c.Read16(Cursor(page));
        int row = cursor >> 8;
        int column = cursor & 0xFF;
        switch (character)
        {
            case Bell:
                return;
            case Backspace:
                column = Math.Max(0, column - 1);
                break;
            case CarriageReturn:
                column = 0;
                break;
            case LineFeed:
                row++;
                break;
            default:
                if (s.Layout != VideoLayout.Text)
                {
                    DrawGlyph(ref c, in s, page, row, column, character, attribute);
                }
                else if (withAttribute)
                {
                    c.Write16(Cell(ref c, in s, page, row, column), (ushort)((attribute << 8) | character));
                }
                else
                {
                    c.Write8(Cell(ref c, in s, page, row, column), character);
                }

                if (++column >= s.Columns)
                {
                    column = 0;
                    row++;
                }

                break;
        }

        if (row >= s.Rows)
        {
            row = s.Rows - 1;
            byte fill = s.Layout == VideoLayout.Text ? c.Read8(Cell(ref c, in s, page, row, Math.Min(column, s.Columns - 1)) + 1) : (byte)0;
            ScrollPage(ref c, page, fill);
        }

        SetCursor(ref c, page, row, column);
    }

    /// <summary>Scrolls a whole page up by a row; function 06h knows only the page that is shown.</summary>
    private void ScrollPage(ref BiosCall c, int page, byte attribute)
    {
        byte shown = c.Read8(VideoData.Page);
        c.Write8(VideoData.Page, (byte)(page & (Pages - 1)));
        Scroll(ref c, up: true, 1, attribute, 0, 0, 0xFF, 0xFF);
        c.Write8(VideoData.Page, shown);
    }

    /// <summary>Function 13h: AL bit 0 moves the cursor, bit 1 takes an attribute behind each character.</summary>
    private void WriteString(ref BiosCall c)
    {
        int mode = c.Al;
        int length = c.Cx;
        if (mode > 3 || length == 0)
        {
            return;
        }

        bool pairs = (mode & 2) != 0;
        uint address = c.Linear(SegmentIndex.Es, c.Bp);
        Span<byte> text = new byte[pairs ? 2 * length : length];
        if (!c.Check(address, (uint)text.Length, write: false))
        {
            return;
        }

        c.ReadBytes(address, text);
        int page = c.Bh & (Pages - 1);
        ushort saved = c.Read16(Cursor(page));
        SetCursor(ref c, page, c.Dh, c.Dl);
        for (int i = 0; i < text.Length; i += pairs ? 2 : 1)
        {
            Teletype(ref c, page, text[i], pairs ? text[i + 1] : c.Bl, withAttribute: true);
        }

        if ((mode & 1) == 0)
        {
            SetCursor(ref c, page, saved >> 8, saved & 0xFF);
        }
    }
}
