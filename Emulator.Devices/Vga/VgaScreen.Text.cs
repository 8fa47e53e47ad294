using System.Text;

namespace Emulator.Devices.Vga;

/// <content>Text modes.</content>
public sealed partial class VgaScreen
{
    private const uint CursorKey = 1u << 16;
    private const uint HiddenKey = 1u << 17;
    private const int MaximumColumns = 256;
    private const int MaximumRows = 2050;

    private uint[] _cells = [];
    private byte[] _rowChanged = [];
    private int _fontGeneration = -1;

    private bool NineDots => (_vga.Sequencer[1] & 1) == 0;

    private int CharacterWidth => NineDots ? 9 : 8;

    /// <summary>
    /// The text on the screen, top line first, as Unicode without trailing spaces, but those in front of the cursor; empty when the screen
    /// does not show text.
    /// </summary>
    public IReadOnlyList<string> TextLines
    {
        get
        {
            if (!IsText || !_vga.IsDisplayEnabled)
            {
                return [];
            }

            _vga.SynchronizeText();
            ReadOnlySpan<byte> crtc = _vga.Crtc;
            int columns = crtc[1] + 1;
            int scan = ((crtc[9] & 0x1F) + 1) * ((crtc[9] & 0x80) != 0 ? 2 : 1);
            int rows = Math.Max(1, ScanLines / scan);
            int address = (crtc[0x0C] << 8) | crtc[0x0D];
            string[] lines = new string[rows];
            StringBuilder line = new();
            for (int row = 0; row < rows; row++)
            {
                line.Clear();
                for (int column = 0; column < columns; column++)
                {
                    line.Append(CodePage437.ToUnicode((byte)Planes(Translate(address + column, 0))));
                }

                string text = line.ToString();
                int cursor = (crtc[0x0A] & 0x20) != 0 ? -1 : ((crtc[0x0E] << 8) | crtc[0x0F]) - address;
                int kept = cursor >= 0 && cursor < columns ? cursor : 0;
                lines[row] = text[..kept] + text[kept..].TrimEnd(' ', '\u00A0');
                address += crtc[0x13] * 2;
            }

            return lines;
        }
    }

    /// <summary>Row and column of the text cursor; null while there is none on the screen.</summary>
    public (int Row, int Column)? Cursor
    {
        get
        {
            ReadOnlySpan<byte> crtc = _vga.Crtc;
            int offset = crtc[0x13] * 2;
            int at = ((crtc[0x0E] << 8) | crtc[0x0F]) - ((crtc[0x0C] << 8) | crtc[0x0D]);
            if (!IsText || (crtc[0x0A] & 0x20) != 0 || at < 0 || offset == 0)
            {
                return null;
            }

            return at % offset <= crtc[1] ? (at / offset, at % offset) : null;
        }
    }

    private void DrawText()
    {
        int columns = _vga.Crtc[1] + 1;
        if (_cells.Length == 0)
        {
            _cells = new uint[MaximumColumns * MaximumRows];
            _rowChanged = new byte[MaximumRows];
        }

        _all |= _fontGeneration != _vga.FontGeneration;
        _fontGeneration = _vga.FontGeneration;
        CompareCells(columns);
        int fold = Fold;
        RowCounter rows = new(_vga.Crtc);
        int y = 0;
        for (int scanLine = 0; y < Height; scanLine++)
        {
            if (scanLine % fold == 0)
            {
                if (_all || _rowChanged[rows.Row] != 0)
                {
                    DrawTextLine(Line(y), in rows, columns);
                    Touch(y, y + 1);
                }

                y++;
            }

            rows.Next();
        }
    }

    /// <summary>Finds the character rows in which a cell changed since the last time, the blinking ones included.</summary>
    private void CompareCells(int columns)
    {
        bool blink = (_vga.Attribute[0x10] & 8) != 0;
        int cursor = CursorAddress;
        uint shape = CursorKey | ((uint)(_vga.Crtc[0x0A] & 0x1F) << 18) | ((uint)(_vga.Crtc[0x0B] & 0x1F) << 23);
        RowCounter rows = new(_vga.Crtc);
        int lines = Height * Fold;
        int last = -1;
        for (int scanLine = 0; scanLine < lines; scanLine++, rows.Next())
        {
            if (rows.Row == last)
            {
                continue;
            }

            last = rows.Row;
            bool changed = false;
            Span<uint> cells = _cells.AsSpan(last * MaximumColumns, MaximumColumns);
            int address = rows.Address + rows.BytePanning;

            // One more column than shown: panning moves it in.
            for (int column = 0; column <= columns && column < MaximumColumns; column++)
            {
                uint key = Planes(Translate(address + column, 0)) & 0xFFFF;
                key |= ((address + column) & 0xFFFF) == cursor ? shape : 0;
                key |= blink && (key & 0x8000) != 0 && !_blinkPhase ? HiddenKey : 0;
                changed |= cells[column] != key;
                cells[column] = key;
            }

            _rowChanged[last] = changed ? (byte)1 : (byte)0;
        }
    }

    /// <summary>Where the cursor is while it is visible, else a number that no cell has.</summary>
    private int CursorAddress
    {
        get
        {
            ReadOnlySpan<byte> crtc = _vga.Crtc;
            bool visible = (crtc[0x0A] & 0x20) == 0 && _cursorPhase;
            return visible ? (((crtc[0x0E] << 8) | crtc[0x0F]) + ((crtc[0x0B] >> 5) & 3)) & 0xFFFF : -1;
        }
    }

    private void DrawTextLine(Span<uint> line, in RowCounter rows, int columns)
    {
        ReadOnlySpan<byte> crtc = _vga.Crtc;
        ReadOnlySpan<byte> attribute = _vga.Attribute;
        int width = CharacterWidth;
        int planes = attribute[0x12] & 0x0F;
        bool blink = (attribute[0x10] & 8) != 0;
        bool lineGraphics = (attribute[0x10] & 4) != 0;
        bool underlines = (attribute[0x10] & 2) != 0 && rows.RowScan == (crtc[0x14] & 0x1F);
        bool cursorLine = rows.RowScan >= (crtc[0x0A] & 0x1F) && rows.RowScan <= (crtc[0x0B] & 0x1F);
        uint fontA = FontOffset(((_vga.Sequencer[3] >> 2) & 3) | ((_vga.Sequencer[3] >> 3) & 4));
        uint fontB = FontOffset((_vga.Sequencer[3] & 3) | ((_vga.Sequencer[3] >> 2) & 4));
        ReadOnlySpan<uint> cells = _cells.AsSpan(rows.Row * MaximumColumns, MaximumColumns);
        int x = -Panning(rows.IsSplit, width == 9);
        for (int column = 0; column <= columns && column < MaximumColumns && x < line.Length; column++, x += width)
        {
            uint cell = cells[column];
            byte code = (byte)cell;
            int colors = (int)(cell >> 8) & 0xFF;
            uint font = (colors & 8) != 0 ? fontA : fontB;
            uint bits = (Planes(font + ((uint)code * 32) + (uint)rows.RowScan) >> 16) & 0xFF;
            bits <<= 1;
            if (lineGraphics && code is >= 0xC0 and <= 0xDF)
            {
                bits |= (bits >> 1) & 1;
            }

            if (underlines && (colors & 0x77) == 1)
            {
                bits = 0x1FF;
            }

            if ((cell & HiddenKey) != 0)
            {
                bits = 0;
            }

            if ((cell & CursorKey) != 0 && cursorLine)
            {
                bits = 0x1FF;
            }

            uint foreground = _colors[colors & 0x0F & planes];
            uint background = _colors[(colors >> 4) & (blink ? 7 : 15) & planes];
            for (int dot = 0; dot < width; dot++)
            {
                if ((uint)(x + dot) < (uint)line.Length)
                {
                    line[x + dot] = (bits & (0x100u >> dot)) != 0 ? foreground : background;
                }
            }
        }
    }

    /// <summary>The eight fonts lie in plane 2: four at multiples of 16 KiB, four 8 KiB behind those.</summary>
    private static uint FontOffset(int number) => (uint)(((number & 3) << 14) | ((number & 4) << 11));
}
