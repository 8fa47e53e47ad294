using Emulator.Frontend;
using Emulator.Frontend.CommandLine;
using Emulator.Frontend.Running;
using Emulator.Frontend.Terminal;
using NUnit.Framework;

namespace Emulator.Tests.Frontend;

internal sealed class SyntaxTests
{
    [TestCase("128", 128L << 20)]
    [TestCase("128M", 128L << 20)]
    [TestCase("64m", 64L << 20)]
    [TestCase("2G", 2L << 30)]
    [TestCase("640K", 640L << 10)]
    [TestCase("4096B", 4096)]
    public void Size_is_in_mebibytes_unless_it_says_otherwise(string text, long bytes)
    {
        Assert.That(NumberSyntax.TrySize(text, 1 << 20, out long value));
        Assert.That(value, Is.EqualTo(bytes));
    }

    [TestCase("")]
    [TestCase("M")]
    [TestCase(" 1")]
    [TestCase("1.5G")]
    [TestCase("0x10")]
    [TestCase("9223372036854775807G")]
    public void What_is_no_size_is_refused(string text) => Assert.That(NumberSyntax.TrySize(text, 1, out _), Is.False);

    [TestCase("1000", 1000)]
    [TestCase("5k", 5000)]
    [TestCase("20M", 20_000_000)]
    [TestCase("3G", 3_000_000_000)]
    public void Count_takes_decimal_suffixes(string text, long count)
    {
        Assert.That(NumberSyntax.TryCount(text, out long value));
        Assert.That(value, Is.EqualTo(count));
    }

    [TestCase("a\\n", new byte[] { 0x61, 0x0D })]
    [TestCase("a\\r", new byte[] { 0x61, 0x0D })]
    [TestCase("\n", new byte[] { 0x0D })]
    [TestCase("\\x0a\\x1B\\e\\t\\0\\\\", new byte[] { 0x0A, 0x1B, 0x1B, 0x09, 0, 0x5C })]
    [TestCase("é", new byte[] { 0xC3, 0xA9 })]
    [TestCase("😀", new byte[] { 0xF0, 0x9F, 0x98, 0x80 })]
    public void Escapes_become_bytes(string text, byte[] bytes) => Assert.That(TextEscapes.ToBytes(text), Is.EqualTo(bytes));

    [TestCase("\\")]
    [TestCase("\\q")]
    [TestCase("\\x1")]
    [TestCase("\\xZZ")]
    public void Unknown_escapes_are_refused(string text) => Assert.That(() => TextEscapes.ToBytes(text), Throws.TypeOf<UsageException>());

    [Test]
    public void Script_keeps_the_order_of_the_command_line()
    {
        RunCommandOptions options = new();
        System.CommandLine.Command command = new("run");
        options.AddTo(command);
        RunOptions run = options.Read(command.Parse(["--send", "1", "--expect", "2", "-m", "5", "--send", "3", "--send-keys", "4", "--expect", "5"]));
        Assert.That(run.Script.Select(s => (s.Action, s.Text)), Is.EqualTo(new[]
        {
            (ScriptAction.Send, "1"), (ScriptAction.Expect, "2"), (ScriptAction.Send, "3"), (ScriptAction.SendKeys, "4"), (ScriptAction.Expect, "5"),
        }));
    }

    [TestCase(new byte[] { 0x61, 0x62 }, new byte[] { 0x61, 0x62 }, "None")]
    [TestCase(new byte[] { 0x61, 1, 0x78, 0x62 }, new byte[] { 0x61 }, "Quit")]
    [TestCase(new byte[] { 1, 1 }, new byte[] { 1 }, "None")]
    [TestCase(new byte[] { 1, 0x68, 0x62 }, new byte[] { 0x62 }, "Help")]
    [TestCase(new byte[] { 1, 0x71, 0x62 }, new byte[] { 0x62 }, "None")]
    public void Control_a_sequences_are_taken_out(byte[] typed, byte[] sent, string command)
    {
        EscapeKeys keys = new();
        List<byte> output = [];
        EscapeCommand found = EscapeCommand.None;
        foreach (byte b in typed)
        {
            EscapeCommand one = keys.Filter([b], output);
            found = one == EscapeCommand.None ? found : one;
            if (one == EscapeCommand.Quit)
            {
                break;
            }
        }

        Assert.That(output, Is.EqualTo(sent));
        Assert.That(found.ToString(), Is.EqualTo(command));
    }
}
