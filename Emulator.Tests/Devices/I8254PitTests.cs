using Emulator.Devices.Timers;
using NUnit.Framework;

namespace Emulator.Tests.Devices;

[TestFixture]
public sealed class I8254PitTests
{
    private Board _board = null!;

    [SetUp]
    public void SetUp() => _board = new Board();

    [TestCase(0, 0)]
    [TestCase(838, 0)]
    [TestCase(839, 1)]
    [TestCase(999_999_999, 1_193_181)]
    [TestCase(1_000_000_000, 1_193_182)]
    [TestCase(1_000_000_000_000_000_000, 1_193_182_000_000_000)]
    public void Pulses_are_derived_exactly_from_nanoseconds(long time, long pulses)
    {
        Assert.That(Frequency.TicksAt(time, I8254Pit.ClockFrequency), Is.EqualTo(pulses));
        Assert.That(Frequency.TimeOf(pulses, I8254Pit.ClockFrequency), Is.LessThanOrEqualTo(time));
        Assert.That(Frequency.TicksAt(Frequency.TimeOf(pulses, I8254Pit.ClockFrequency), I8254Pit.ClockFrequency), Is.EqualTo(pulses));
    }

    [Test]
    public void Mode_0_raises_out_n_plus_one_pulses_after_the_count()
    {
        Program(0x30, 4);
        Assert.That(Wave(8), Is.EqualTo("....####")); // pulses 1 to 8: load, 3, 2, 1, 0
    }

    [Test]
    public void Mode_0_first_byte_of_a_new_count_stops_counting()
    {
        Program(0x30, 4);
        Pulses(3);
        _board.Out(0x40, 9);
        Pulses(100);
        Assert.That(_board.Machine.Pit.Output(0), Is.False);
        _board.Out(0x40, 0);
        Pulses(9);
        Assert.That(_board.Machine.Pit.Output(0), Is.False);
        Pulses(1);
        Assert.That(_board.Machine.Pit.Output(0), Is.True);
    }

    [Test]
    public void Mode_1_is_triggered_by_gate_and_retriggerable()
    {
        _board.Out(0x43, 0x92);
        _board.Out(0x42, 3);
        Pulses(5);
        Assert.That(_board.Machine.Pit.Output(2), Is.True);
        Gate(true);
        Assert.That(Wave(3, 2), Is.EqualTo("..."));
        Gate(false);
        Gate(true);
        Assert.That(Wave(6, 2), Is.EqualTo("...###"));
    }

    [Test]
    public void Mode_2_is_low_for_one_pulse_of_n()
    {
        Program(0x34, 4);
        Assert.That(Wave(12), Is.EqualTo("###.###.###."));
    }

    [Test]
    public void Mode_2_takes_a_new_count_at_the_end_of_the_cycle()
    {
        Program(0x34, 4);
        Pulses(2);
        _board.Out(0x40, 6);
        _board.Out(0x40, 0);
        Assert.That(Wave(10), Is.EqualTo("#.#####.##")); // the cycle of 4 ends first
    }

    [Test]
    public void Mode_2_gate_low_raises_out_and_its_edge_reloads()
    {
        Gate(true);
        _board.Out(0x43, 0x94);
        _board.Out(0x42, 3);
        Pulses(3);
        Assert.That(_board.Machine.Pit.Output(2), Is.False);
        Gate(false);
        Assert.That(_board.Machine.Pit.Output(2), Is.True);
        Pulses(10);
        Gate(true);
        Assert.That(Wave(5, 2), Is.EqualTo("##.##"));
    }

    [Test]
    public void Mode_3_halves_an_even_count()
    {
        Program(0x36, 4);
        Assert.That(Wave(9), Is.EqualTo("##..##..#"));
    }

    [Test]
    public void Mode_3_is_high_one_pulse_longer_for_an_odd_count()
    {
        Program(0x36, 5);
        Assert.That(Wave(11), Is.EqualTo("###..###..#"));
    }

    [Test]
    public void Mode_3_counts_in_twos()
    {
        Program(0x36, 8);
        Pulses(1);
        Assert.That(ReadCount(), Is.EqualTo(8));
        Pulses(1);
        Assert.That(ReadCount(), Is.EqualTo(6));
        Pulses(3);
        Assert.That(ReadCount(), Is.EqualTo(8));
    }

    [Test]
    public void Mode_4_strobes_n_plus_one_pulses_after_the_count_and_once()
    {
        Program(0x38, 3);
        Assert.That(Wave(8), Is.EqualTo("###.####"));
        Pulses(200_000);
        Assert.That(_board.Machine.Pit.Output(0), Is.True);
    }

    [Test]
    public void Mode_5_strobes_after_a_gate_edge()
    {
        _board.Out(0x43, 0x9A);
        _board.Out(0x42, 3);
        Pulses(10);
        Gate(true);
        Assert.That(Wave(6, 2), Is.EqualTo("###.##"));
    }

    [Test]
    public void Bcd_counts_decimally()
    {
        _board.Out(0x43, 0x31);
        _board.Out(0x40, 0x00);
        _board.Out(0x40, 0x10);
        Pulses(2);
        Assert.That(ReadCount(), Is.EqualTo(0x0999));
        Pulses(999);
        Assert.That(ReadCount(), Is.EqualTo(0x0000));
        Pulses(1);
        Assert.That(ReadCount(), Is.EqualTo(0x9999));
    }

    [Test]
    public void Latch_holds_the_count_until_it_is_read()
    {
        Program(0x34, 1000);
        Pulses(10);
        _board.Out(0x43, 0x00);
        Pulses(50);
        _board.Out(0x43, 0x00);
        Assert.That(ReadCount(), Is.EqualTo(991));
        Assert.That(ReadCount(), Is.EqualTo(941));
    }

    [Test]
    public void A_count_that_is_read_before_its_first_pulse_is_the_one_written()
    {
        _board.Out(0x43, 0x30);
        _board.Out(0x40, 0xFF);
        _board.Out(0x40, 0xFF);
        Assert.That(ReadCount(), Is.EqualTo(0xFFFF));
    }

    [Test]
    public void Read_back_latches_status_before_count()
    {
        Program(0x34, 1000);
        _board.Out(0x43, 0xE2);
        Assert.That(_board.In(0x40), Is.EqualTo(0xF4), "OUT high, null count, LSB then MSB, mode 2");
        Pulses(1);
        _board.Out(0x43, 0xC2);
        Assert.That(_board.In(0x40), Is.EqualTo(0xB4), "the count is loaded");
        Assert.That(ReadCount(), Is.EqualTo(1000));
    }

    [TestCase(0x14, 0x34, 0x34)]
    [TestCase(0x24, 0x34, 0x3400)]
    public void Single_byte_access_clears_the_other_byte(int control, int value, int count)
    {
        _board.Out(0x43, control);
        _board.Out(0x40, value);
        Pulses(1);
        _board.Out(0x43, 0xD2);
        _board.Out(0x43, control & 0xC0);
        int shift = control == 0x24 ? 8 : 0;
        Assert.That(_board.In(0x40) << shift, Is.EqualTo(count));
    }

    [Test]
    public void Counter_0_interrupts_at_the_nanosecond_of_its_pulse()
    {
        _board.InitializePics();
        Program(0x34, 1193);
        long due = Frequency.TimeOf(1194, I8254Pit.ClockFrequency);
        _board.Out(0x21, 0xFE);
        _board.AdvanceTo(Frequency.TimeOf(1, I8254Pit.ClockFrequency));
        if (_board.Interrupting)
        {
            _board.Acknowledge();
            _board.Out(0x20, 0x20);
        }

        _board.AdvanceTo(due - 1);
        Assert.That(_board.Interrupting, Is.False);
        _board.AdvanceTo(due);
        Assert.That(_board.Interrupting, Is.True);
        Assert.That(_board.Acknowledge(), Is.EqualTo(0x08));
    }

    [Test]
    public void A_minute_of_ticks_does_not_drift()
    {
        Program(0x36, 11932);
        long edges = 0;
        bool last = true;
        _board.Out(0x43, 0x36);
        _board.Out(0x40, 11932 & 0xFF);
        _board.Out(0x40, 11932 >> 8);
        long end = 60L * Frequency.Second;
        while (_board.Machine.Events.NextDue <= end)
        {
            _board.AdvanceTo(_board.Machine.Events.NextDue);
            bool level = _board.Machine.Pit.Output(0);
            edges += level && !last ? 1 : 0;
            last = level;
        }

        Assert.That(edges, Is.EqualTo(((60L * I8254Pit.ClockFrequency) - 1) / 11932));
    }

    [Test]
    public void Port_61_gates_counter_2_and_shows_its_output()
    {
        _board.Out(0x61, 0x01);
        _board.Out(0x43, 0xB0);
        _board.Out(0x42, 100);
        _board.Out(0x42, 0);
        Assert.That(_board.In(0x61) & 0x2F, Is.EqualTo(0x01));
        Pulses(101);
        Assert.That(_board.In(0x61) & 0x2F, Is.EqualTo(0x21));
    }

    [Test]
    public void Refresh_bit_toggles_every_15085_ns()
    {
        Assert.That(_board.In(0x61) & 0x10, Is.Zero);
        _board.AdvanceTo(15_084);
        Assert.That(_board.In(0x61) & 0x10, Is.Zero);
        _board.AdvanceTo(15_085);
        Assert.That(_board.In(0x61) & 0x10, Is.Not.Zero);
        _board.AdvanceTo(2 * 15_085);
        Assert.That(_board.In(0x61) & 0x10, Is.Zero);
    }

    [Test]
    public void Stepping_over_many_pulses_equals_stepping_one_by_one()
    {
        Random random = new(8254);
        for (int round = 0; round < 1500; round++)
        {
            PitCounter fast = new();
            PitCounter slow = new();
            for (int i = 0; i < 20; i++)
            {
                switch (random.Next(6))
                {
                    case 0:
                        byte control = (byte)(((random.Next(3) + 1) << 4) | (random.Next(8) << 1) | (random.Next(4) == 0 ? 1 : 0));
                        fast.WriteControl(control);
                        slow.WriteControl(control);
                        break;
                    case 1 or 2:
                        byte data = (byte)(random.Next(3) == 0 ? 0 : random.Next(12));
                        fast.Write(data);
                        slow.Write(data);
                        break;
                    case 3:
                        bool gate = random.Next(3) != 0;
                        fast.SetGate(gate);
                        slow.SetGate(gate);
                        break;
                    default:
                        int pulses = random.Next(4) == 0 ? random.Next(3000) : random.Next(30);
                        long predicted = fast.PulsesUntilChange();
                        bool before = slow.Out;
                        for (int p = 1; p <= pulses; p++)
                        {
                            slow.Advance(1);
                            if (p < predicted && predicted > 0)
                            {
                                Assert.That(slow.Out, Is.EqualTo(before), $"round {round}: change at pulse {p}, predicted {predicted}, mode {slow.Mode}");
                            }
                        }

                        fast.Advance(pulses);
                        break;
                }

                Assert.That((fast.Out, fast.Read(true), fast.PulsesUntilChange()), Is.EqualTo((slow.Out, slow.Read(true), slow.PulsesUntilChange())), $"round {round}, mode {fast.Mode}");
            }
        }
    }

    private void Program(int control, int count)
    {
        _board.AdvanceTo(Frequency.TimeOf(Frequency.TicksAt(_board.Now, I8254Pit.ClockFrequency), I8254Pit.ClockFrequency));
        _board.Out(0x43, control);
        _board.Out(0x40, count & 0xFF);
        _board.Out(0x40, count >> 8);
    }

    private void Gate(bool level) => _board.Out(0x61, level ? 1 : 0);

    private void Pulses(long count)
    {
        long pulse = Frequency.TicksAt(_board.Now, I8254Pit.ClockFrequency) + count;
        _board.AdvanceTo(Frequency.TimeOf(pulse, I8254Pit.ClockFrequency));
    }

    /// <summary>OUT after each of some pulses: # high, . low.</summary>
    private string Wave(int pulses, int counter = 0)
    {
        char[] wave = new char[pulses];
        for (int i = 0; i < pulses; i++)
        {
            Pulses(1);
            wave[i] = _board.Machine.Pit.Output(counter) ? '#' : '.';
        }

        return new string(wave);
    }

    private int ReadCount()
    {
        int low = _board.In(0x40);
        return low | (_board.In(0x40) << 8);
    }
}
