using System.Globalization;
using Emulator.Devices.Vga;

namespace Emulator.Frontend.Reporting;

/// <summary>The screen of a machine for a log.</summary>
internal static class ScreenDump
{
    /// <summary>The text screen without empty lines at its end; one line that says what is there when it is not text.</summary>
    /// <param name="screen">The screen.</param>
    public static string Text(VgaScreen screen)
    {
        if (!screen.IsText)
        {
            screen.Update();
            return string.Create(CultureInfo.InvariantCulture, $"(graphics, {screen.Width} by {screen.Height} pixels)");
        }

        List<string> lines = [.. screen.TextLines.Select(l => l.TrimEnd())];
        while (lines.Count != 0 && lines[^1].Length == 0)
        {
            lines.RemoveAt(lines.Count - 1);
        }

        return lines.Count == 0 ? "(an empty text screen)" : string.Join('\n', lines);
    }
}
