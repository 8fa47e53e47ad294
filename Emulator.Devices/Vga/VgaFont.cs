namespace Emulator.Devices.Vga;

/// <summary>
/// Fonts of code page 437 for text modes, drawn for this project: letters and symbols from a matrix of five by eight dots, box drawing
/// characters from what they connect, accented letters from letter and accent.
/// </summary>
public static class VgaFont
{
    /// <summary>Characters of a font.</summary>
    public const int Characters = 256;

    private const byte SingleVertical = 0x18;
    private const byte DoubleVertical = 0x36;
    private const int FirstBox = 0xB3;
    private const int LastBox = 0xDA;

    // Five columns a glyph, bit 0 on top; bit 7 is below the base line.
    private const string Symbols =
        "0000000000 3E4551453E 3E7B5F7B3E 1E3F7E3F1E 183C7E3C18 181F7F1F18 187C7F7C18 00183C1800 FFE7C3E7FF 001C221C00 FFE3DDE3FF 3048453A07 06294F2906 60607F0206 607E021A1E 2A1C771C2A"
        + "7F3E1C0800 00081C3E7F 1422772214 005F005F00 060F097F7F 4A95A5A952 6060606060 94A2FFA294 04027F0204 10207F2010 08082A1C08 081C2A0808 3C20202020 1C081C081C 307C7E7C30 061E3F1E06";

    private const string Ascii =
        "0000000000 00005F0000 0007000700 147F147F14 242A7F2A12 2313086462 3649552250 0004030000 001C224100 0041221C00 2A1C7F1C2A 08083E0808 00A0600000 0808080808 0060600000 2010080402"
        + "3E5149453E 00427F4000 4261514946 2141454B31 1814127F10 2745454539 3C4A494930 0171090503 3649494936 064949291E 0036360000 00B6760000 0814224100 1414141414 0041221408 0201510906"
        + "3E415D554E 7E0909097E 7F49494936 3E41414122 7F4141413E 7F49494941 7F09090901 3E4149497A 7F0808087F 00417F4100 2040413F01 7F08142241 7F40404040 7F020C027F 7F0408107F 3E4141413E"
        + "7F09090906 3E4151215E 7F09192946 4649494931 01017F0101 3F4040403F 1F2040201F 3F4038403F 6314081463 0708700807 6151494543 007F414100 0204081020 0041417F00 0402010204 8080808080"
        + "0001020400 2054545478 7F44444438 3844444428 384444447F 3854545418 087E090102 18A4A4A47C 7F08040478 00447D4000 4080847D00 7F10284400 00417F4000 7C04780478 7C08040478 3844444438"
        + "FC24242418 18242424FC 7C08040408 4854545424 043F444020 3C4040207C 1C2040201C 3C4030403C 4428102844 1CA0A0A07C 4464544C44 0008364100 0000770000 0041360800 0804080810 7048444870";

    // 80h to AFh: a letter and what stands on it, or a glyph of its own (#).
    private const string Latin =
        "C, u: e' a^ a: a` ao c, e^ e: e` i: i^ i` A: Ao E' #247E5C5424 #7E097F4949 o^ o: o` u^ u` y: O: U: #384CFE6428 #487E494120 #2B2C782C2B #7F09160D7A #80887E0902"
        + " a' i' o' u' n~ N~ #2629292F28 #2629292926 #3048454020 #0808080838 #3808080808 #170824D2B1 #170834FA21 #00007A0000 #0814220814 #2214082214";

    private const string Greek =
        "3844443844 FE2525251A 7F01010103 047C047C04 6355494141 3844443C04 FC2020103C 04047C4404 185AFF5A18 3E4949493E 4C7201724C 30494A4C30 1824182418 1824FF2418 1C2A2A2A00 7E0101017E"
        + "2A2A2A2A2A 44445F4444 51514A4A44 444A4A5151 0000FE0103 40807F0000 08082A0808 2412241224 0609090600 0018180000 0000180000 1020403F01 000F01010E 0019151200 003C3C3C00 0000000000";

    // Left, right, up, down: 0 none, 1 single, 2 double; B3h to DAh.
    private const string Boxes =
        "0011 1011 2011 1022 1002 2001 2022 0022 2002 2020 1020 2010 1001 0110 1110 1101 0111 1100 1111 0211 0122 0220 0202 2220 2202 0222 2200 2222 2210 1120 2201 1102 0120 0210 0201 0102 1122 2211 1010 0101";

    private static readonly byte[] Rows16 = [2, 3, 5, 7, 8, 9, 11, 12, 14];
    private static readonly byte[] Rows14 = [2, 3, 4, 6, 7, 8, 10, 11, 13];
    private static readonly byte[] Rows8 = [0, 1, 2, 3, 4, 5, 6, 7, 8];

    /// <summary>Draws a font.</summary>
    /// <param name="height">Lines of a character: 8, 14 or 16.</param>
    /// <returns>256 characters of <paramref name="height"/> bytes, the left dot in bit 7.</returns>
    /// <exception cref="ArgumentOutOfRangeException">There is no such font.</exception>
    public static byte[] Create(int height)
    {
        byte[] rows = height switch { 16 => Rows16, 14 => Rows14, 8 => Rows8, _ => throw new ArgumentOutOfRangeException(nameof(height), height, "fonts have 8, 14 or 16 lines") };
        byte[] font = new byte[Characters * height];
        Span<byte> Glyph(int code) => font.AsSpan(code * height, height);
        DrawColumns(Parse(Symbols, 32), 0, font, rows);
        DrawColumns(Parse(Ascii, 96), 0x20, font, rows);
        DrawColumns(Parse(Greek, 32), 0xE0, font, rows);
        string[] latin = Latin.Split(' ');
        for (int i = 0; i < latin.Length; i++)
        {
            if (latin[i][0] == '#')
            {
                DrawColumns(Convert.FromHexString(latin[i].AsSpan(1, 10)), 0x80 + i, font, rows);
            }
            else
            {
                DrawAccented(Glyph(latin[i][0]), latin[i][1], Glyph(0x80 + i));
            }
        }

        string[] boxes = Boxes.Split(' ');
        for (int code = FirstBox; code <= LastBox; code++)
        {
            DrawBox(boxes[code - FirstBox], Glyph(code));
        }

        for (int y = 0; y < height; y++)
        {
            Glyph(0xB0)[y] = (byte)((y & 1) != 0 ? 0x44 : 0x11);
            Glyph(0xB1)[y] = (byte)((y & 1) != 0 ? 0xAA : 0x55);
            Glyph(0xB2)[y] = (byte)((y & 1) != 0 ? 0xDD : 0x77);
            Glyph(0xDB)[y] = 0xFF;
            Glyph(0xDC)[y] = (byte)(y >= height / 2 ? 0xFF : 0);
            Glyph(0xDD)[y] = 0xF0;
            Glyph(0xDE)[y] = 0x0F;
            Glyph(0xDF)[y] = (byte)(y < height / 2 ? 0xFF : 0);
        }

        return font;
    }

    private static byte[] Parse(string hex, int glyphs)
    {
        byte[] columns = Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal));
        return columns.Length == glyphs * 5 ? columns : throw new InvalidOperationException($"a font table has {columns.Length} columns instead of {glyphs * 5}");
    }

    /// <summary>Draws glyphs of five columns seven dots wide: the outer columns are stems of two dots.</summary>
    private static void DrawColumns(ReadOnlySpan<byte> columns, int first, byte[] font, ReadOnlySpan<byte> rows)
    {
        int height = font.Length / Characters;
        ReadOnlySpan<byte> dots = [0xC0, 0x20, 0x10, 0x08, 0x06];
        for (int i = 0; i < columns.Length; i++)
        {
            for (int bit = 0; bit < 8; bit++)
            {
                for (int y = rows[bit]; y < rows[bit + 1] && (columns[i] & (1 << bit)) != 0; y++)
                {
                    font[((first + (i / 5)) * height) + y] |= dots[i % 5];
                }
            }
        }
    }

    private static void DrawAccented(ReadOnlySpan<byte> letter, char accent, Span<byte> glyph)
    {
        letter.CopyTo(glyph);
        if (accent == ',')
        {
            glyph[^2] |= 0x10;
            glyph[^1] |= 0x30;
            return;
        }

        // The accent stands above small letters, and takes the top line of capitals, which move down.
        int top = letter.IndexOfAnyExcept((byte)0);
        int at = Math.Max(0, top - 3);
        if (top < 3)
        {
            letter[..^1].CopyTo(glyph[1..]);
            glyph[0] = 0;
            at = 0;
        }

        (byte first, byte second) = accent switch
        {
            ':' => ((byte)0x6C, (byte)0x00),
            '\'' => ((byte)0x0C, (byte)0x18),
            '`' => ((byte)0x30, (byte)0x18),
            '^' => ((byte)0x18, (byte)0x24),
            'o' => ((byte)0x18, (byte)0x18),
            _ => ((byte)0x34, (byte)0x58),
        };
        glyph[at] |= first;
        if (at + 1 < top)
        {
            glyph[at + 1] |= second;
        }
    }

    /// <summary>Draws lines to the edges. Where a double line turns or branches, each of its two rails ends at the rail that it meets.</summary>
    private static void DrawBox(string arms, Span<byte> glyph)
    {
        int left = arms[0] - '0';
        int right = arms[1] - '0';
        int up = arms[2] - '0';
        int down = arms[3] - '0';
        int middle = (glyph.Length / 2) - 1;
        (int Start, int End)[] columns = Math.Max(up, down) == 2 ? [(2, 3), (5, 6)] : [(3, 4)];
        int[] rows = Math.Max(left, right) == 2 ? [middle - 1, middle + 1] : [middle];
        for (int i = 0; i < rows.Length; i++)
        {
            bool blocked = (i != 0 || up != 0) && (i != rows.Length - 1 || down != 0);
            if (left != 0)
            {
                glyph[rows[i]] |= Dots(0, blocked ? columns[0].End : columns[^1].End);
            }

            if (right != 0)
            {
                glyph[rows[i]] |= Dots(blocked ? columns[^1].Start : columns[0].Start, 7);
            }
        }

        for (int i = 0; i < columns.Length; i++)
        {
            bool blocked = (i != 0 || left != 0) && (i != columns.Length - 1 || right != 0);
            byte dots = (byte)(columns.Length == 1 ? SingleVertical : DoubleVertical & Dots(columns[i].Start, columns[i].End));
            if (up != 0)
            {
                DrawVertical(glyph, 0, blocked ? rows[0] : rows[^1], dots);
            }

            if (down != 0)
            {
                DrawVertical(glyph, blocked ? rows[^1] : rows[0], glyph.Length - 1, dots);
            }
        }
    }

    private static void DrawVertical(Span<byte> glyph, int from, int to, byte dots)
    {
        for (int y = from; y <= to; y++)
        {
            glyph[y] |= dots;
        }
    }

    private static byte Dots(int from, int to) => (byte)((0xFF >> from) & (0xFF << (7 - to)));
}
