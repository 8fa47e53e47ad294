using System.Text;

namespace Emulator.Frontend.Running;

/// <summary>
/// The text screen as a source of a script: what a match has used up is not matched again while it stands there, also when it scrolls.
/// </summary>
internal sealed class ScreenText
{
    private IReadOnlyList<string> _lines = [];
    private string?[] _used = [];

    /// <summary>What has not been matched: lines separated by newlines.</summary>
    public string Text { get; private set; } = "";

    /// <summary>Takes the screen as it is now.</summary>
    /// <param name="lines">The lines, top first.</param>
    /// <returns>Whether anything changed.</returns>
    public bool Update(IReadOnlyList<string> lines)
    {
        if (lines.SequenceEqual(_lines))
        {
            return false;
        }

        _used = Follow(lines);
        _lines = lines;
        Compose();
        return true;
    }

    /// <summary>Uses up the text before a position in <see cref="Text"/>.</summary>
    /// <param name="end">Position.</param>
    public void RemoveUntil(int end)
    {
        int at = 0;
        for (int row = 0; row < _lines.Count; row++)
        {
            int rest = _lines[row].Length - Used(row);
            if (end <= at + rest)
            {
                _used[row] = _lines[row][..(Used(row) + Math.Max(0, end - at))];
                break;
            }

            _used[row] = _lines[row];
            at += rest + 1;
        }

        Compose();
    }

    private int Used(int row) => _used[row]?.Length ?? 0;

    /// <summary>
    /// Finds what was used up in a new screen. The text may have moved up: by as many lines as let most of it be found again.
    /// </summary>
    private string?[] Follow(IReadOnlyList<string> lines)
    {
        int best = 0;
        int bestCount = 0;
        for (int shift = 0; shift < _used.Length; shift++)
        {
            int count = 0;
            for (int row = 0; row + shift < _used.Length && row < lines.Count; row++)
            {
                count += _used[row + shift] is { Length: > 0 } text && lines[row].StartsWith(text, StringComparison.Ordinal) ? 1 : 0;
            }

            if (count > bestCount)
            {
                (best, bestCount) = (shift, count);
            }
        }

        string?[] used = new string?[lines.Count];
        for (int row = 0; bestCount != 0 && row + best < _used.Length && row < lines.Count; row++)
        {
            used[row] = _used[row + best] is { } text && lines[row].StartsWith(text, StringComparison.Ordinal) ? text : null;
        }

        return used;
    }

    private void Compose()
    {
        StringBuilder text = new();
        for (int row = 0; row < _lines.Count; row++)
        {
            text.Append(_lines[row].AsSpan(Used(row))).Append('\n');
        }

        Text = text.ToString();
    }
}
