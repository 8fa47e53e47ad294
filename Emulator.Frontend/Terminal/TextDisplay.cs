using System.Diagnostics;
using System.Globalization;
using System.Text;
using Emulator.Devices.Vga;
using Emulator.Frontend.Reporting;

namespace Emulator.Frontend.Terminal;

/// <summary>
/// The screen of a machine on the terminal. Lines of text that changed are drawn again, at most every 50 ms; where standard output is a file or a
/// pipe, they are written one after the other instead. Graphics are shown by blocks (<see cref="BlockGraphics"/>).
/// </summary>
internal sealed class TextDisplay
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(50);

    private readonly VgaScreen _screen;
    private readonly StandardOutput _output;
    private readonly bool _isTerminal = !Console.IsOutputRedirected;
    private readonly Stopwatch _watch = Stopwatch.StartNew();
    private readonly BlockGraphics _graphics = new(Environment.GetEnvironmentVariable("COLORTERM") is "truecolor" or "24bit");
    private string[] _shown = [];
    private bool _started;
    private bool _showsGraphics;
    private (int Row, int Column) _cursor;

    public TextDisplay(VgaScreen screen, StandardOutput output)
    {
        _screen = screen;
        _output = output;
    }

    /// <summary>Draws what changed, when it is time to.</summary>
    public void Update()
    {
        if (!_started || _watch.Elapsed >= Interval)
        {
            Draw();
        }
    }

    /// <summary>Draws what changed, and leaves the cursor below.</summary>
    public void Finish()
    {
        Draw();
        if (_isTerminal)
        {
            Write(string.Create(CultureInfo.InvariantCulture, $"\u001b[{_shown.Length + 1};1H"));
        }

        _output.Flush();
    }

    private void Draw()
    {
        _watch.Restart();
        if (_isTerminal && !_screen.IsText)
        {
            DrawGraphics();
            return;
        }

        if (_showsGraphics)
        {
            _showsGraphics = false;
            _started = false;
        }

        string[] lines = [.. (_screen.IsText ? _screen.TextLines : [ScreenDump.Text(_screen)]).Select(l => l.TrimEnd())];
        StringBuilder text = new();
        if (_isTerminal && (!_started || lines.Length < _shown.Length))
        {
            text.Append("\u001b[2J");
            _shown = [];
        }

        _started = true;
        for (int row = 0; row < lines.Length; row++)
        {
            string before = row < _shown.Length ? _shown[row] : "";
            if (lines[row] == before)
            {
                continue;
            }

            if (_isTerminal)
            {
                text.Append(CultureInfo.InvariantCulture, $"\u001b[{row + 1};1H{lines[row]}\u001b[K");
            }
            else if (lines[row].Length != 0)
            {
                text.Append(lines[row]).Append('\n');
            }
        }

        _shown = lines;
        if (_isTerminal && _screen.Cursor is { } cursor && (text.Length != 0 || cursor != _cursor))
        {
            _cursor = cursor;
            text.Append(CultureInfo.InvariantCulture, $"\u001b[{cursor.Row + 1};{cursor.Column + 1}H");
        }

        Write(text.ToString());
        _output.Flush();
    }

    private void DrawGraphics()
    {
        const int Columns = 80;
        const int Rows = 24;
        if (!_showsGraphics)
        {
            _showsGraphics = true;
            _graphics.Forget();
        }

        _screen.Update();
        StringBuilder text = new();
        int columns = Console.WindowWidth;
        int rows = Console.WindowHeight - 1;
        _graphics.Draw(text, _screen.Pixels, _screen.Width, _screen.Height, columns > 0 ? columns : Columns, rows > 0 ? rows : Rows);
        Write(text.ToString());
        _output.Flush();
    }

    private void Write(string text)
    {
        foreach (byte b in Encoding.UTF8.GetBytes(text))
        {
            _output.Write(b);
        }
    }
}
