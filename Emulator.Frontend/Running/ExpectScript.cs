using System.Text.RegularExpressions;

namespace Emulator.Frontend.Running;

/// <summary>
/// Steps through <c>--expect</c> and <c>--send</c>: fed with every byte that the guest writes, it decides at that byte whether a pattern
/// matches and what is sent. It depends on nothing else, so that under icount every step happens at the same instruction in every run.
/// <para>
/// Each source (a serial port, the debug console) has its own text; a pattern matches in any. Bytes are Latin-1 characters; carriage returns
/// and NUL are left out; ^ and $ match at lines. After a match the text up to its end is gone. While a line is not finished, only matches
/// that begin in the last <see cref="LinesLookedBack"/> lines (and <see cref="CharactersLookedBack"/> characters) are seen; at its end, the
/// whole text, of which at least the last <see cref="TextKept"/> characters are kept.
/// </para>
/// <para>
/// The text screen is one more source, looked at by <see cref="Screen"/> at times that the caller chooses by virtual time.
/// </para>
/// </summary>
public sealed class ExpectScript
{
    /// <summary>How patterns are compiled.</summary>
    public const RegexOptions PatternOptions = RegexOptions.CultureInvariant | RegexOptions.Multiline;

    /// <summary>Finished lines in which a match that ends in an unfinished line may begin.</summary>
    public const int LinesLookedBack = 8;

    /// <summary>Characters in which a match that ends in an unfinished line may begin.</summary>
    public const int CharactersLookedBack = 2048;

    /// <summary>Characters of one source that are kept at least, to be matched against.</summary>
    public const int TextKept = 1 << 15;

    private const int TextMaximum = 2 * TextKept;

    private readonly IReadOnlyList<ScriptStep> _steps;
    private readonly Action<ScriptStep> _send;
    private readonly Source[] _sources;
    private readonly ScreenText _screen = new();
    private int _next;
    private Regex? _pattern;

    /// <summary>Creates a script that has not started.</summary>
    /// <param name="steps">The steps.</param>
    /// <param name="sources">Number of output sources.</param>
    /// <param name="send">Called for each step that sends something.</param>
    /// <exception cref="ArgumentException">A pattern is no regular expression.</exception>
    public ExpectScript(IReadOnlyList<ScriptStep> steps, int sources, Action<ScriptStep> send)
    {
        ArgumentNullException.ThrowIfNull(steps);
        _steps = steps;
        _send = send;
        _sources = new Source[sources];
        for (int i = 0; i < sources; i++)
        {
            _sources[i] = new Source();
        }
    }

    /// <summary>Whether every step is done.</summary>
    public bool IsComplete => _next == _steps.Count;

    /// <summary>Whether every step is done and the last one was a match, which ends the run.</summary>
    public bool EndsRun => IsComplete && _steps.Count != 0 && _steps[^1].Action == ScriptAction.Expect;

    /// <summary>The pattern that is waited for, or null.</summary>
    public string? WaitingFor => IsComplete ? null : _steps[_next].Text;

    /// <summary>Performs the sends that stand before the first expectation.</summary>
    public void Start() => Advance();

    /// <summary>Takes a byte of output.</summary>
    /// <param name="source">Number of the source.</param>
    /// <param name="value">The byte.</param>
    /// <returns>Whether the script went on by at least one step.</returns>
    public bool Output(int source, byte value)
    {
        if (IsComplete || value is (byte)'\r' or 0)
        {
            return false;
        }

        Source s = _sources[source];
        s.Add((char)value);
        if (!TryMatch(s, value == (byte)'\n' ? 0 : s.LookBack))
        {
            return false;
        }

        _next++;
        Advance();
        return true;
    }

    /// <summary>Takes the text screen.</summary>
    /// <param name="lines">Its lines, top first.</param>
    /// <returns>Whether the script went on by at least one step.</returns>
    public bool Screen(IReadOnlyList<string> lines)
    {
        ArgumentNullException.ThrowIfNull(lines);
        if (IsComplete || !_screen.Update(lines) || !TryMatchScreen())
        {
            return false;
        }

        _next++;
        Advance();
        return true;
    }

    /// <summary>Does sends, and expectations that the text so far meets, until an expectation must wait.</summary>
    private void Advance()
    {
        while (!IsComplete)
        {
            ScriptStep step = _steps[_next];
            if (step.Action != ScriptAction.Expect)
            {
                _send(step);
                _next++;
                continue;
            }

            _pattern = new Regex(step.Text, PatternOptions);
            if (!Array.Exists(_sources, s => TryMatch(s, 0)) && !TryMatchScreen())
            {
                return;
            }

            _next++;
        }
    }

    private bool TryMatch(Source source, int start)
    {
        foreach (ValueMatch match in _pattern!.EnumerateMatches(source.Text, start))
        {
            source.RemoveUntil(match.Index + match.Length);
            return true;
        }

        return false;
    }

    private bool TryMatchScreen()
    {
        foreach (ValueMatch match in _pattern!.EnumerateMatches(_screen.Text))
        {
            _screen.RemoveUntil(match.Index + match.Length);
            return true;
        }

        return false;
    }

    /// <summary>The text of one source since the last match in it.</summary>
    private sealed class Source
    {
        private readonly char[] _text = new char[TextMaximum];
        private readonly Queue<int> _lines = new();
        private int _length;

        public ReadOnlySpan<char> Text => _text.AsSpan(0, _length);

        public int LookBack => Math.Max(_lines.Count == LinesLookedBack ? _lines.Peek() : 0, _length - CharactersLookedBack);

        public void Add(char c)
        {
            if (_length == TextMaximum)
            {
                RemoveUntil(TextMaximum - TextKept);
            }

            _text[_length++] = c;
            if (c == '\n')
            {
                if (_lines.Count == LinesLookedBack)
                {
                    _lines.Dequeue();
                }

                _lines.Enqueue(_length);
            }
        }

        public void RemoveUntil(int end)
        {
            _text.AsSpan(end, _length - end).CopyTo(_text);
            _length -= end;
            int count = _lines.Count;
            for (int i = 0; i < count; i++)
            {
                int line = _lines.Dequeue() - end;
                if (line > 0)
                {
                    _lines.Enqueue(line);
                }
            }
        }
    }
}
