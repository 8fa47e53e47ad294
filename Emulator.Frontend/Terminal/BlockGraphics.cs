using System.Globalization;
using System.Text;

namespace Emulator.Frontend.Terminal;

/// <summary>
/// A picture on a terminal: each character cell is an upper half block, whose foreground is the colour of its upper and whose background that of its
/// lower half. Colours have 24 bits where the terminal says that it knows them (COLORTERM), else they are the nearest of its 6 by 6 by 6 cube.
/// </summary>
internal sealed class BlockGraphics
{
    private const char UpperHalf = '▀';
    private const uint NoColour = uint.MaxValue;

    private readonly bool _trueColour;
    private (uint Upper, uint Lower)[] _shown = [];
    private int _columns;
    private int _rows;

    /// <summary>Creates a picture that shows nothing yet.</summary>
    /// <param name="trueColour">Whether the terminal knows colours of 24 bits.</param>
    public BlockGraphics(bool trueColour) => _trueColour = trueColour;

    /// <summary>Forgets what the terminal shows: all is drawn next time.</summary>
    public void Forget() => _shown = [];

    /// <summary>Draws what changed since the last time.</summary>
    /// <param name="text">Receives the control sequences and characters.</param>
    /// <param name="pixels">The picture, 00RRGGBB, lines from the top.</param>
    /// <param name="width">Its width in pixels.</param>
    /// <param name="height">Its height in pixels.</param>
    /// <param name="columns">Columns of the terminal.</param>
    /// <param name="rows">Rows of the terminal.</param>
    public void Draw(StringBuilder text, ReadOnlySpan<uint> pixels, int width, int height, int columns, int rows)
    {
        // A cell's half is about square: the largest picture of 4 by 3 that fits.
        rows = Math.Max(1, Math.Min(rows, columns * 3 / 8));
        columns = Math.Max(1, Math.Min(columns, rows * 8 / 3));
        if (_shown.Length != columns * rows || columns != _columns || rows != _rows)
        {
            (_columns, _rows) = (columns, rows);
            _shown = new (uint, uint)[columns * rows];
            Array.Fill(_shown, (NoColour, NoColour));
            text.Append("\u001b[0m\u001b[2J");
        }

        (uint Upper, uint Lower) colours = (NoColour, NoColour);
        for (int row = 0; row < rows; row++)
        {
            bool follows = false;
            for (int column = 0; column < columns; column++)
            {
                (uint, uint) cell = (Mean(pixels, width, height, column, 2 * row), Mean(pixels, width, height, column, (2 * row) + 1));
                ref (uint, uint) shown = ref _shown[(row * columns) + column];
                if (cell == shown)
                {
                    follows = false;
                    continue;
                }

                shown = cell;
                if (!follows)
                {
                    text.Append(CultureInfo.InvariantCulture, $"\u001b[{row + 1};{column + 1}H");
                    follows = true;
                }

                Colour(text, 38, cell.Item1, colours.Upper);
                Colour(text, 48, cell.Item2, colours.Lower);
                colours = cell;
                text.Append(UpperHalf);
            }
        }

        if (text.Length != 0)
        {
            text.Append("\u001b[0m");
        }
    }

    private void Colour(StringBuilder text, int ground, uint colour, uint current)
    {
        if (colour == current)
        {
            return;
        }

        uint red = colour >> 16;
        uint green = (colour >> 8) & 0xFF;
        uint blue = colour & 0xFF;
        if (_trueColour)
        {
            text.Append(CultureInfo.InvariantCulture, $"\u001b[{ground};2;{red};{green};{blue}m");
        }
        else
        {
            text.Append(CultureInfo.InvariantCulture, $"\u001b[{ground};5;{16 + (36 * Level(red)) + (6 * Level(green)) + Level(blue)}m");
        }
    }

    /// <summary>The nearest level of the colour cube: 0, 95, 135, 175, 215, 255.</summary>
    private static uint Level(uint value) => value < 48 ? 0 : value < 115 ? 1 : (value - 35) / 40;

    /// <summary>The mean colour of the pixels that a half cell covers.</summary>
    private uint Mean(ReadOnlySpan<uint> pixels, int width, int height, int column, int halfRow)
    {
        int left = column * width / _columns;
        int right = Math.Max(left + 1, (column + 1) * width / _columns);
        int top = halfRow * height / (2 * _rows);
        int bottom = Math.Max(top + 1, (halfRow + 1) * height / (2 * _rows));
        uint red = 0;
        uint green = 0;
        uint blue = 0;
        for (int y = top; y < bottom; y++)
        {
            foreach (uint pixel in pixels.Slice((y * width) + left, right - left))
            {
                red += (pixel >> 16) & 0xFF;
                green += (pixel >> 8) & 0xFF;
                blue += pixel & 0xFF;
            }
        }

        uint count = (uint)((right - left) * (bottom - top));
        return (red / count << 16) | (green / count << 8) | (blue / count);
    }
}
