using Emulator.Devices;
using Emulator.Devices.Serial;
using NUnit.Framework;

namespace Emulator.Tests.Devices;

[TestFixture]
public sealed class Uart16550ATests
{
    private const ushort Com1 = 0x3F8;
    private const long CharacterTime = 86_805; // 10 bits at 115200 baud

    private readonly Sink _sink = new();
    private Board _board = null!;

    private Uart16550A Uart => _board.Machine.Serial[0];

    [SetUp]
    public void SetUp()
    {
        _board = new Board();
        _sink.Bytes.Clear();
        Uart.Backend = _sink;
        Out(3, 0x03);
        Out(4, 0x0B);
        _board.InitializePics();
    }

    [TestCase(0x03, 1, 86_805)]
    [TestCase(0x07, 1, 95_486)]
    [TestCase(0x0F, 1, 104_166)]
    [TestCase(0x00, 1, 60_763)]
    [TestCase(0x04, 1, 65_104)]
    [TestCase(0x03, 12, 1_041_666)]
    [TestCase(0x03, 0, 86_805)]
    [TestCase(0x03, 0xFFFF, 5_688_889_756L)]
    public void Character_time_follows_divisor_and_format(int lcr, int divisor, long expected)
    {
        SetDivisor(divisor, lcr);
        Assert.That(Uart.CharacterTime, Is.EqualTo(expected).Within(divisor == 0xFFFF ? 100_000_000 : 0));
        Assert.That(Uart.CharacterTime, Is.EqualTo(Math.Max(divisor, 1) * 1_000_000_000L * HalfBits(lcr) / 230_400));
    }

    [Test]
    public void Transmitter_is_empty_after_the_time_of_two_characters()
    {
        Assert.That(In(5), Is.EqualTo(0x60));
        Out(0, 'A');
        Assert.That(In(5), Is.EqualTo(0x20), "the shift register has it");
        Out(0, 'B');
        Assert.That(In(5), Is.EqualTo(0x00));
        _board.Advance(CharacterTime - 1);
        Assert.That(In(5), Is.EqualTo(0x00));
        _board.Advance(1);
        Assert.That(In(5), Is.EqualTo(0x20));
        _board.Advance(CharacterTime - 1);
        Assert.That(In(5), Is.EqualTo(0x20));
        _board.Advance(1);
        Assert.That(In(5), Is.EqualTo(0x60));
        Assert.That(_sink.Text, Is.EqualTo("AB"));
    }

    [Test]
    public void Transmit_limit_shortens_the_time_on_the_line()
    {
        Board fast = new(Board.DefaultConfig with { SerialTransmitLimit = 1000 });
        fast.Out(Com1, 'A');
        fast.Advance(999);
        Assert.That(fast.In(Com1 + 5), Is.EqualTo(0x20));
        fast.Advance(1);
        Assert.That(fast.In(Com1 + 5), Is.EqualTo(0x60));
    }

    [Test]
    public void Fifo_takes_sixteen_characters_and_the_rest_is_lost()
    {
        Out(2, 0x01);
        for (int i = 0; i < 20; i++)
        {
            Out(0, 'a' + i);
        }

        _board.Advance(30 * CharacterTime);
        Assert.That(_sink.Text, Is.EqualTo("abcdefghijklmnopq"), "one in the shift register and sixteen in the FIFO");
    }

    [Test]
    public void Transmitter_interrupt_is_cleared_by_reading_iir_and_comes_back_when_empty()
    {
        Out(2, 0x01);
        Out(1, 0x02);
        Assert.That(_board.Interrupting, Is.True, "enabling it while empty raises it");
        Assert.That(In(2), Is.EqualTo(0xC2));
        Assert.That(In(2), Is.EqualTo(0xC1));
        Assert.That(_board.Interrupting, Is.False);
        Out(0, 'x');
        Assert.That(In(2), Is.EqualTo(0xC2), "the FIFO emptied into the shift register");
        Out(0, 'y');
        Assert.That(In(2), Is.EqualTo(0xC1));
        _board.Advance(CharacterTime);
        Assert.That(In(2), Is.EqualTo(0xC2));
    }

    [Test]
    public void Received_characters_arrive_at_line_rate()
    {
        Uart.EnqueueInput("hi"u8);
        _board.Advance(CharacterTime - 1);
        Assert.That(In(5) & 1, Is.Zero);
        _board.Advance(1);
        Assert.That(In(5) & 1, Is.EqualTo(1));
        Assert.That(In(0), Is.EqualTo('h'));
        Assert.That(In(5) & 1, Is.Zero);
        _board.Advance(CharacterTime);
        Assert.That(In(0), Is.EqualTo('i'));
    }

    [Test]
    public void Sender_waits_while_the_receiver_is_full()
    {
        Out(2, 0x01);
        byte[] data = [.. Enumerable.Range(0, 40).Select(i => (byte)i)];
        Assert.That(Uart.EnqueueInput(data), Is.EqualTo(40));
        _board.Advance(100 * CharacterTime);
        List<byte> received = [];
        while ((In(5) & 1) != 0 || Uart.PendingInput > 0)
        {
            if ((In(5) & 1) != 0)
            {
                received.Add(In(0));
            }

            _board.Advance(CharacterTime / 2);
        }

        Assert.That(received, Is.EqualTo(data));
    }

    [TestCase(0x01, 1)]
    [TestCase(0x41, 4)]
    [TestCase(0x81, 8)]
    [TestCase(0xC1, 14)]
    public void Trigger_level_interrupts_and_a_character_fewer_does_not(int fcr, int level)
    {
        Out(2, fcr);
        Out(1, 0x01);
        Uart.EnqueueInput(new byte[level]);
        _board.Advance((level * CharacterTime) - 1);
        Assert.That(_board.Interrupting, Is.False);
        _board.Advance(1);
        Assert.That(_board.Interrupting, Is.True);
        Assert.That(In(2), Is.EqualTo(0xC4));
        In(0);
        Assert.That(In(2), Is.EqualTo(0xC1));
    }

    [Test]
    public void Timeout_interrupts_four_characters_after_the_last_one()
    {
        Out(2, 0xC1);
        Out(1, 0x01);
        Uart.EnqueueInput("a"u8);
        _board.Advance((5 * CharacterTime) - 1);
        Assert.That(_board.Interrupting, Is.False);
        _board.Advance(1);
        Assert.That(In(2), Is.EqualTo(0xCC));
        In(0);
        Assert.That(In(2), Is.EqualTo(0xC1));
        Assert.That(_board.Interrupting, Is.False);
    }

    [Test]
    public void Line_status_has_priority_over_data_and_data_over_transmitter()
    {
        Out(2, 0x01);
        Out(1, 0x07);
        Uart.EnqueueBreak();
        _board.Advance(CharacterTime);
        Assert.That(In(2), Is.EqualTo(0xC6));
        Assert.That(In(5) & 0x99, Is.EqualTo(0x99), "break, framing error, data ready, FIFO error");
        Assert.That(In(2), Is.EqualTo(0xC4));
        Assert.That(In(0), Is.Zero);
        Assert.That(In(2), Is.EqualTo(0xC2));
        Assert.That(In(2), Is.EqualTo(0xC1));
    }

    [Test]
    public void Loopback_receives_what_is_sent_and_overruns()
    {
        Out(4, 0x1B);
        Out(0, 'q');
        _board.Advance(CharacterTime);
        Assert.That(In(5) & 1, Is.EqualTo(1));
        Out(0, 'r');
        _board.Advance(CharacterTime);
        Assert.That(In(5) & 2, Is.EqualTo(2), "overrun");
        Assert.That(In(0), Is.EqualTo('r'));
        Assert.That(_sink.Text, Is.Empty);
    }

    [Test]
    public void Loopback_connects_modem_control_to_modem_status()
    {
        In(6);
        Out(4, 0x1A);
        Assert.That(In(6) & 0xF0, Is.EqualTo(0x90), "RTS to CTS and OUT2 to DCD");
        Out(4, 0x15);
        Assert.That(In(6), Is.EqualTo(0x60 | 0x0B), "DTR to DSR and OUT1 to RI: three lines changed, a rising RI does not count");
        Out(4, 0x10);
        Assert.That(In(6), Is.EqualTo(0x06), "DSR fell and RI has a trailing edge");
        Assert.That(In(6), Is.EqualTo(0x00));
    }

    [Test]
    public void Modem_status_interrupt_is_cleared_by_reading_it()
    {
        Out(1, 0x08);
        Out(4, 0x18);
        Assert.That(In(2), Is.EqualTo(0x00));
        Assert.That(_board.Interrupting, Is.True);
        In(6);
        Assert.That(In(2), Is.EqualTo(0x01));
    }

    [Test]
    public void Out2_gates_the_interrupt()
    {
        Out(4, 0x03);
        Out(1, 0x02);
        Assert.That(_board.Interrupting, Is.False);
        Out(4, 0x0B);
        Assert.That(_board.Interrupting, Is.True);
    }

    [Test]
    public void Fifo_control_clears_the_fifos()
    {
        Out(2, 0x01);
        Uart.EnqueueInput("abc"u8);
        _board.Advance(3 * CharacterTime);
        Out(2, 0x03);
        Assert.That(In(5) & 1, Is.Zero);
        Out(0, 'x');
        Out(0, 'y');
        Out(2, 0x05);
        _board.Advance(3 * CharacterTime);
        Assert.That(_sink.Text, Is.EqualTo("x"), "what is in the shift register goes on");
    }

    [Test]
    public void Word_length_masks_data()
    {
        Out(3, 0x00);
        Out(0, 0xFF);
        Assert.That(_sink.Bytes, Is.EqualTo(new byte[] { 0x1F }));
    }

    [Test]
    public void Scratch_and_identification_without_fifos()
    {
        Out(7, 0xA5);
        Assert.That(In(7), Is.EqualTo(0xA5));
        Assert.That(In(2), Is.EqualTo(0x01));
        Out(2, 0xC0);
        Assert.That(In(2), Is.EqualTo(0x01), "the other bits need the enable bit");
    }

    [Test]
    public void Drain_sends_what_is_left()
    {
        Out(2, 0x01);
        foreach (char c in "bye")
        {
            Out(0, c);
        }

        Uart.Drain();
        Assert.That(_sink.Text, Is.EqualTo("bye"));
    }

    private static int HalfBits(int lcr)
    {
        int data = 5 + (lcr & 3);
        return 2 * (1 + data + ((lcr >> 3) & 1)) + ((lcr & 4) == 0 ? 2 : data == 5 ? 3 : 4);
    }

    private void SetDivisor(int divisor, int lcr)
    {
        Out(3, lcr | 0x80);
        Out(0, divisor & 0xFF);
        Out(1, divisor >> 8);
        Assert.That(In(0) | (In(1) << 8), Is.EqualTo(divisor));
        Out(3, lcr);
    }

    private byte In(int register) => _board.In((ushort)(Com1 + register));

    private void Out(int register, int value) => _board.Out((ushort)(Com1 + register), value);

    private sealed class Sink : ISerialBackend
    {
        public List<byte> Bytes { get; } = [];

        public string Text => System.Text.Encoding.ASCII.GetString([.. Bytes]);

        public void Write(byte value) => Bytes.Add(value);
    }
}
