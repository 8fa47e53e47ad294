using Emulator.Devices.Input;
using NUnit.Framework;

namespace Emulator.Tests.Devices;

[TestFixture]
public sealed class I8042ControllerTests
{
    private Board _board = null!;

    private Ps2Keyboard Keyboard => _board.Machine.Keyboard;

    private Ps2Mouse Mouse => _board.Machine.Mouse;

    [SetUp]
    public void SetUp()
    {
        _board = new Board();
        _board.InitializePics();
    }

    [Test]
    public void Self_test_and_interface_tests()
    {
        Assert.That(Controller(0xAA), Is.EqualTo("55"));
        Assert.That(Controller(0xAB), Is.EqualTo("00"));
        Assert.That(Controller(0xA9), Is.EqualTo("00"));
        Assert.That(Controller(0xA4), Is.EqualTo("F1"));
        Assert.That(Controller(0xC0), Is.EqualTo("A0"));
        Assert.That(Controller(0x20), Is.EqualTo("65"));
    }

    [Test]
    public void Controller_ram_is_written_and_read()
    {
        _board.Out(0x64, 0x75);
        _board.Out(0x60, 0xC3);
        Assert.That(Controller(0x35), Is.EqualTo("C3"));
    }

    [Test]
    public void Status_tells_command_data_and_source()
    {
        _board.Out(0x64, 0xAA);
        Assert.That(_board.In(0x64), Is.EqualTo(0x1D));
        _board.In(0x60);
        Assert.That(_board.In(0x64), Is.EqualTo(0x1C));
        _board.Out(0x64, 0xD3);
        _board.Out(0x60, 0x42);
        Assert.That(_board.In(0x64), Is.EqualTo(0x35));
        Assert.That(_board.In(0x60), Is.EqualTo(0x42));
    }

    [Test]
    public void Key_bytes_are_translated_to_set_1_and_interrupt()
    {
        Keyboard.KeyDown(Key.A);
        _board.Advance(I8042Controller.WireTime - 1);
        Assert.That(_board.Interrupting, Is.False);
        _board.Advance(1);
        Assert.That(_board.Acknowledge(), Is.EqualTo(0x09));
        Assert.That(_board.In(0x60), Is.EqualTo(0x1E));
        Keyboard.KeyUp(Key.A);
        Assert.That(Drain(), Is.EqualTo("9E"));
    }

    [TestCase(Key.Enter, "1C", "9C")]
    [TestCase(Key.KeypadEnter, "E0 1C", "E0 9C")]
    [TestCase(Key.RightControl, "E0 1D", "E0 9D")]
    [TestCase(Key.Up, "E0 48", "E0 C8")]
    [TestCase(Key.F7, "41", "C1")]
    [TestCase(Key.F11, "57", "D7")]
    [TestCase(Key.F12, "58", "D8")]
    [TestCase(Key.PrintScreen, "E0 2A E0 37", "E0 B7 E0 AA")]
    [TestCase(Key.Pause, "E1 1D 45 E1 9D C5", "")]
    [TestCase(Key.Iso102, "56", "D6")]
    [TestCase(Key.LeftWindows, "E0 5B", "E0 DB")]
    public void Set_1_codes(Key key, string make, string release)
    {
        Keyboard.KeyDown(key);
        Assert.That(Drain(), Is.EqualTo(make));
        Keyboard.KeyUp(key);
        Assert.That(Drain(), Is.EqualTo(release));
    }

    [Test]
    public void Set_1_of_the_keyboard_equals_the_translation_of_set_2()
    {
        Board direct = new();
        direct.Out(0x64, 0x60);
        direct.Out(0x60, 0x05);
        direct.Out(0x60, 0xF0);
        direct.Advance(1_000_000);
        direct.In(0x60);
        direct.Out(0x60, 0x01);
        direct.Advance(1_000_000);
        direct.In(0x60);
        foreach (Key key in Enum.GetValues<Key>())
        {
            Keyboard.KeyDown(key);
            direct.Machine.Keyboard.KeyDown(key);
            Assert.That(Drain(direct), Is.EqualTo(Drain()), $"{key} down");
            Keyboard.KeyUp(key);
            direct.Machine.Keyboard.KeyUp(key);
            Assert.That(Drain(direct), Is.EqualTo(Drain()), $"{key} up");
        }
    }

    [Test]
    public void Set_2_without_translation()
    {
        _board.Out(0x64, 0x60);
        _board.Out(0x60, 0x05);
        Keyboard.KeyDown(Key.Delete);
        Keyboard.KeyUp(Key.Delete);
        Assert.That(Drain(), Is.EqualTo("E0 71 E0 F0 71"));
    }

    [Test]
    public void Set_3_has_key_types()
    {
        _board.Out(0x64, 0x60);
        _board.Out(0x60, 0x05);
        Assert.That(ToKeyboard(0xF0), Is.EqualTo("FA"));
        Assert.That(ToKeyboard(0x03), Is.EqualTo("FA"));
        Assert.That(ToKeyboard(0xF0), Is.EqualTo("FA"));
        Assert.That(ToKeyboard(0x00), Is.EqualTo("FA 03"));
        Keyboard.KeyDown(Key.A);
        Keyboard.KeyUp(Key.A);
        Assert.That(Drain(), Is.EqualTo("1C"), "typematic keys do not tell their release");
        Assert.That(ToKeyboard(0xFC), Is.EqualTo("FA"));
        Assert.That(ToKeyboard(0x1C), Is.EqualTo("FA"));
        Keyboard.KeyDown(Key.A);
        Keyboard.KeyUp(Key.A);
        Assert.That(Drain(), Is.EqualTo("1C F0 1C"));
        Assert.That(ToKeyboard(0xF8), Is.EqualTo("FA"));
        Keyboard.KeyDown(Key.Escape);
        Keyboard.KeyUp(Key.Escape);
        Assert.That(Drain(), Is.EqualTo("08 F0 08"));
    }

    [TestCase(0xEE, "EE")]
    [TestCase(0xF2, "FA AB 41")]
    [TestCase(0xF4, "FA")]
    [TestCase(0xF5, "FA")]
    [TestCase(0xFF, "FA AA")]
    [TestCase(0x00, "FE")]
    [TestCase(0xE7, "FE")]
    public void Keyboard_commands(int command, string reply) => Assert.That(ToKeyboard(command), Is.EqualTo(reply));

    [Test]
    public void Leds_are_set()
    {
        ToKeyboard(0xED);
        Assert.That(ToKeyboard(0x05), Is.EqualTo("FA"));
        Assert.That(Keyboard.Leds, Is.EqualTo(5));
        ToKeyboard(0xED);
        Assert.That(ToKeyboard(0xF4), Is.EqualTo("FA"), "a command in place of the argument");
        Assert.That(Keyboard.Leds, Is.EqualTo(5));
    }

    [Test]
    public void Resend_repeats_the_last_byte()
    {
        ToKeyboard(0xF2);
        Assert.That(ToKeyboard(0xFE), Is.EqualTo("41"));
    }

    [Test]
    public void Typematic_repeats_after_its_delay_at_its_rate()
    {
        ToKeyboard(0xF3);
        ToKeyboard(0x00); // 250 ms, 30 a second
        Keyboard.KeyDown(Key.X);
        Assert.That(Drain(), Is.EqualTo("2D"));
        _board.Advance(245_000_000);
        Assert.That(Drain(), Is.Empty);
        _board.Advance(10_000_000);
        Assert.That(Drain(), Is.EqualTo("2D"));
        int count = 0;
        long end = _board.Now + 1_000_000_000;
        while (_board.Now < end)
        {
            count += Drain().Length > 0 ? 1 : 0;
        }

        Assert.That(count, Is.InRange(28, 31));
        Keyboard.KeyUp(Key.X);
        Drain();
        _board.Advance(2_000_000_000);
        Assert.That(Drain(), Is.Empty);
    }

    [Test]
    public void Disabled_keyboard_keeps_its_bytes()
    {
        _board.Out(0x64, 0xAD);
        Keyboard.KeyDown(Key.Q);
        _board.Advance(10_000_000);
        Assert.That(_board.In(0x64) & 1, Is.Zero);
        _board.Out(0x64, 0xAE);
        Assert.That(Drain(), Is.EqualTo("10"));
    }

    [Test]
    public void Buffer_overrun_is_told_and_the_queue_stays_sane()
    {
        for (int i = 0; i < 40; i++)
        {
            Keyboard.KeyDown(Key.Up);
            Keyboard.KeyUp(Key.Up);
        }

        string bytes = Drain();
        Assert.That(bytes, Does.EndWith("FF"), "set 2's overrun code 00, translated");
        Assert.That(bytes.Split(' '), Has.Length.LessThanOrEqualTo(17));
    }

    [Test]
    public void Text_is_typed_with_shift_where_needed()
    {
        Assert.That(Keyboard.TypeText("a?€\n"), Is.EqualTo(3));
        List<string> codes = [];
        for (int i = 0; i < 100 && (Keyboard.PendingText > 0 || i < 12); i++)
        {
            _board.Advance(Ps2Keyboard.TypingInterval);
            codes.Add(Drain());
        }

        Assert.That(string.Join(' ', codes.Where(c => c.Length > 0)), Is.EqualTo("1E 9E 2A 35 B5 AA 1C 9C"));
    }

    [Test]
    public void Every_printable_character_has_a_key()
    {
        for (char c = ' '; c <= '~'; c++)
        {
            Assert.That(UsLayout.TryFind(c, out Key key, out _), Is.True, $"'{c}'");
            Assert.That(key, Is.Not.EqualTo(Key.None));
        }
    }

    [Test]
    public void Mouse_reset_and_identification()
    {
        Assert.That(ToMouse(0xFF), Is.EqualTo("FA AA 00"));
        Assert.That(ToMouse(0xF2), Is.EqualTo("FA 00"));
        Assert.That(ToMouse(0xE9), Is.EqualTo("FA 00 02 64"));
    }

    [Test]
    public void Wheel_knock_makes_packets_of_four_bytes()
    {
        foreach (int rate in new[] { 200, 100, 80 })
        {
            ToMouse(0xF3);
            ToMouse(rate);
        }

        Assert.That(ToMouse(0xF2), Is.EqualTo("FA 03"));
        ToMouse(0xF4);
        Mouse.Wheel(-1);
        Assert.That(Drain(), Is.EqualTo("08 00 00 FF"));
    }

    [Test]
    public void Explorer_knock_adds_two_buttons()
    {
        foreach (int rate in new[] { 200, 100, 80, 200, 200, 80 })
        {
            ToMouse(0xF3);
            ToMouse(rate);
        }

        Assert.That(ToMouse(0xF2), Is.EqualTo("FA 04"));
        ToMouse(0xF4);
        Mouse.SetButtons(MouseButtons.Forward | MouseButtons.Left);
        Assert.That(Drain(), Is.EqualTo("09 00 00 20"));
    }

    [Test]
    public void Stream_mode_reports_movement_and_buttons_on_irq_12()
    {
        _board.Out(0x64, 0x60);
        _board.Out(0x60, 0x47);
        ToMouse(0xF4);
        Mouse.Move(5, 3);
        _board.Advance(I8042Controller.WireTime);
        Assert.That(_board.Interrupting, Is.True);
        Assert.That(_board.Acknowledge(), Is.EqualTo(0x74));
        Assert.That(_board.In(0x64) & 0x21, Is.EqualTo(0x21));
        Assert.That(Drain(), Is.EqualTo("28 05 FD"), "up is positive on the wire");
        Mouse.SetButtons(MouseButtons.Right);
        _board.Advance(20_000_000);
        Assert.That(Drain(), Is.EqualTo("0A 00 00"));
    }

    [Test]
    public void Movement_is_collected_and_split()
    {
        ToMouse(0xF4);
        Mouse.Move(300, 0);
        Assert.That(Drain(), Is.EqualTo("08 FF 00"));
        _board.Advance(20_000_000);
        Assert.That(Drain(), Is.EqualTo("08 2D 00"));
    }

    [Test]
    public void Sample_rate_limits_packets()
    {
        ToMouse(0xF3);
        ToMouse(10);
        ToMouse(0xF4);
        Mouse.Move(1, 0);
        Assert.That(Drain(), Is.EqualTo("08 01 00"));
        Mouse.Move(2, 0);
        _board.Advance(80_000_000);
        Assert.That(Drain(), Is.Empty);
        _board.Advance(30_000_000);
        Assert.That(Drain(), Is.EqualTo("08 02 00"));
    }

    [Test]
    public void Remote_mode_answers_read_data_only()
    {
        ToMouse(0xF0);
        ToMouse(0xF4);
        Mouse.Move(7, 0);
        Assert.That(Drain(), Is.Empty);
        Assert.That(ToMouse(0xEB), Is.EqualTo("FA 08 07 00"));
        Assert.That(ToMouse(0xE9), Does.StartWith("FA 60"));
    }

    [Test]
    public void Wrap_mode_echoes()
    {
        ToMouse(0xEE);
        Assert.That(ToMouse(0xF4), Is.EqualTo("F4"));
        Assert.That(ToMouse(0xEC), Is.EqualTo("FA"));
        Assert.That(ToMouse(0xF2), Is.EqualTo("FA 00"));
    }

    [Test]
    public void Scaling_two_to_one_follows_the_table()
    {
        ToMouse(0xE7);
        ToMouse(0xF4);
        string[] packets = ["08 01 00", "08 01 00", "08 03 00", "08 06 00", "08 09 00", "08 0C 00"];
        for (int i = 0; i < packets.Length; i++)
        {
            Mouse.Move(i + 1, 0);
            _board.Advance(20_000_000);
            Assert.That(Drain(), Is.EqualTo(packets[i]));
        }
    }

    [Test]
    public void Invalid_sample_rate_asks_for_a_resend()
    {
        ToMouse(0xF3);
        Assert.That(ToMouse(33), Is.EqualTo("FE"));
    }

    private string Controller(int command)
    {
        _board.Out(0x64, command);
        return _board.In(0x60).ToString("X2", null);
    }

    private string ToKeyboard(int value)
    {
        _board.Out(0x60, value);
        return Drain();
    }

    private string ToMouse(int value)
    {
        _board.Out(0x64, 0xD4);
        _board.Out(0x60, value);
        return Drain();
    }

    private string Drain() => Drain(_board);

    /// <summary>Reads what comes within two milliseconds of silence.</summary>
    private static string Drain(Board board)
    {
        List<string> bytes = [];
        long quiet = board.Now + 2_000_000;
        while (board.Now < quiet)
        {
            board.Advance(50_000);
            if ((board.In(0x64) & 1) != 0)
            {
                bytes.Add(board.In(0x60).ToString("X2", null));
                quiet = board.Now + 2_000_000;
            }
        }

        return string.Join(' ', bytes);
    }
}
