using System.Text;
using Emulator.Frontend.Running;
using NUnit.Framework;

namespace Emulator.Tests.Frontend;

internal sealed class ExpectScriptTests
{
    private readonly List<string> _sent = [];

    [SetUp]
    public void Clear() => _sent.Clear();

    [Test]
    public void Steps_run_in_order_and_at_the_matching_byte()
    {
        ExpectScript script = Script("?login: ", "!root", "?# ", "!halt");
        script.Start();
        Assert.That(Feed(script, "Welcome\r\nlogin"), Is.Empty);
        Assert.That(Feed(script, ": "), Is.EqualTo("root"));
        Assert.That(Feed(script, "\r\n#"), Is.Empty);
        Assert.That(Feed(script, " "), Is.EqualTo("halt"));
        Assert.That(script.IsComplete);
        Assert.That(script.EndsRun, Is.False, "the last step is no match");
    }

    [Test]
    public void Sends_in_front_go_out_at_the_start()
    {
        ExpectScript script = Script("!a", "!b", "?c");
        script.Start();
        Assert.That(string.Concat(_sent), Is.EqualTo("ab"));
        Assert.That(script.WaitingFor, Is.EqualTo("c"));
    }

    [Test]
    public void Text_is_used_once()
    {
        ExpectScript script = Script("?x", "?x");
        script.Start();
        Feed(script, "ax");
        Assert.That(script.IsComplete, Is.False);
        Feed(script, "x");
        Assert.That(script.EndsRun);
    }

    [Test]
    public void What_came_already_counts_for_the_next_pattern()
    {
        // A pattern that needs the line's end sees the whole text then; what follows its match stays for the next one.
        ExpectScript script = Script("?(?=one\n)", "?one");
        script.Start();
        Feed(script, "one\n");
        Assert.That(script.EndsRun);
    }

    [Test]
    public void Anchors_match_at_lines_and_carriage_returns_do_not_count()
    {
        ExpectScript script = Script("?^done$");
        script.Start();
        Feed(script, "not done\r\n");
        Assert.That(script.IsComplete, Is.False);
        Feed(script, "done");
        Assert.That(script.EndsRun);
    }

    [Test]
    public void Pattern_may_span_lines()
    {
        ExpectScript script = Script("?begin\n.*\nend");
        script.Start();
        Feed(script, "begin\r\nmiddle\r\nend");
        Assert.That(script.EndsRun);
    }

    [Test]
    public void Long_output_keeps_the_last_part()
    {
        ExpectScript script = Script("?needle");
        script.Start();
        Feed(script, new string('x', 200_000));
        for (int i = 0; i < 20_000; i++)
        {
            Feed(script, "a line\n");
        }

        Feed(script, "needle");
        Assert.That(script.EndsRun);
    }

    [Test]
    public void Any_source_matches_and_sources_do_not_mix()
    {
        ExpectScript script = new([new ScriptStep(ScriptAction.Expect, "ab")], 2, _ => { });
        script.Start();
        script.Output(0, (byte)'a');
        Assert.That(script.Output(1, (byte)'b'), Is.False);
        script.Output(1, (byte)'a');
        Assert.That(script.Output(1, (byte)'b'));
        Assert.That(script.EndsRun);
    }

    private ExpectScript Script(params string[] steps) => new(
        [.. steps.Select(s => new ScriptStep(s[0] == '?' ? ScriptAction.Expect : ScriptAction.Send, s[1..], Encoding.ASCII.GetBytes(s[1..])))],
        1,
        step => _sent.Add(step.Text));

    private string Feed(ExpectScript script, string text)
    {
        int before = _sent.Count;
        foreach (char c in text)
        {
            script.Output(0, (byte)c);
        }

        return string.Concat(_sent.Skip(before));
    }
}
