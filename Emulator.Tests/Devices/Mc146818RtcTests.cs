using NUnit.Framework;

namespace Emulator.Tests.Devices;

[TestFixture]
public sealed class Mc146818RtcTests
{
    private const long Second = 1_000_000_000;
    private Board _board = null!;

    [SetUp]
    public void SetUp()
    {
        _board = new Board(); // Friday 1999-12-31 23:59:50
        _board.InitializePics();
    }

    [Test]
    public void Shows_the_configured_date_in_bcd()
    {
        int[] registers = [.. new[] { 0, 2, 4, 6, 7, 8, 9, 0x32 }.Select(i => (int)_board.Cmos(i))];
        Assert.That(registers, Is.EqualTo(new[] { 0x50, 0x59, 0x23, 6, 0x31, 0x12, 0x99, 0x19 }));
    }

    [Test]
    public void Rolls_over_the_century()
    {
        _board.AdvanceTo((10 * Second) - 1);
        Assert.That(_board.Cmos(0), Is.EqualTo(0x59));
        _board.AdvanceTo(10 * Second);
        int[] registers = [.. new[] { 0, 2, 4, 6, 7, 8, 9, 0x32 }.Select(i => (int)_board.Cmos(i))];
        Assert.That(registers, Is.EqualTo(new[] { 0, 0, 0, 7, 1, 1, 0, 0x20 }));
    }

    [Test]
    public void Year_2000_has_a_leap_day()
    {
        _board.AdvanceTo((10 + (59L * 86400)) * Second);
        Assert.That(_board.Machine.Rtc.Date, Is.EqualTo(new DateTime(2000, 2, 29, 0, 0, 0)));
        Assert.That((_board.Cmos(8), _board.Cmos(7), _board.Cmos(6)), Is.EqualTo(((byte)2, (byte)0x29, (byte)3)));
    }

    [Test]
    public void Binary_and_twelve_hour_modes()
    {
        _board.Cmos(11, 0x84);
        _board.Cmos(4, 0x8B); // 11 PM
        _board.Cmos(2, 59);
        _board.Cmos(0, 59);
        _board.Cmos(11, 0x04);
        _board.Advance(Second);
        Assert.That((_board.Cmos(4), _board.Cmos(2), _board.Cmos(0)), Is.EqualTo(((byte)12, (byte)0, (byte)0)), "midnight is 12 AM");
        _board.Advance(12 * 3600 * Second);
        Assert.That(_board.Cmos(4), Is.EqualTo(12 | 0x80));
    }

    [Test]
    public void Set_stops_updates_and_clears_the_update_interrupt_enable()
    {
        _board.Cmos(11, 0x12);
        _board.Cmos(11, 0x92);
        Assert.That(_board.Cmos(11), Is.EqualTo(0x82));
        _board.Advance(5 * Second);
        Assert.That(_board.Cmos(0), Is.EqualTo(0x50));
        _board.Cmos(0, 0x12);
        _board.Cmos(11, 0x02);
        _board.Advance(Second);
        Assert.That(_board.Cmos(0), Is.EqualTo(0x13));
    }

    [Test]
    public void Update_in_progress_shows_2228_microseconds_before_the_second()
    {
        _board.AdvanceTo(Second - 2_228_001);
        Assert.That(_board.Cmos(10), Is.EqualTo(0x26));
        _board.AdvanceTo(Second - 2_228_000);
        Assert.That(_board.Cmos(10), Is.EqualTo(0xA6));
        _board.AdvanceTo(Second - 1);
        Assert.That(_board.Cmos(10), Is.EqualTo(0xA6));
        _board.AdvanceTo(Second);
        Assert.That(_board.Cmos(10), Is.EqualTo(0x26));
    }

    [Test]
    public void Divider_reset_delays_the_next_update_by_half_a_second()
    {
        _board.AdvanceTo(300_000_000);
        _board.Cmos(10, 0x76);
        _board.AdvanceTo(5 * Second);
        Assert.That(_board.Cmos(0), Is.EqualTo(0x50));
        _board.Cmos(10, 0x26);
        _board.Advance((Second / 2) - 1);
        Assert.That(_board.Cmos(0), Is.EqualTo(0x50));
        _board.Advance(1);
        Assert.That(_board.Cmos(0), Is.EqualTo(0x51));
    }

    [TestCase(6, 976_563)]
    [TestCase(15, 500_000_000)]
    [TestCase(3, 122_071)]
    [TestCase(1, 3_906_250)]
    [TestCase(2, 7_812_500)]
    public void Periodic_interrupt_comes_at_its_rate_and_waits_for_register_c(int rate, long period)
    {
        _board.Cmos(10, 0x20 | rate);
        _board.Cmos(12);
        _board.Cmos(11, 0x42);
        _board.AdvanceTo(period - 1);
        Assert.That(_board.Interrupting, Is.False);
        _board.AdvanceTo(period);
        Assert.That(_board.Interrupting, Is.True);
        Assert.That(_board.Acknowledge(), Is.EqualTo(0x70));
        Assert.That(_board.Cmos(12) & 0xD0, Is.EqualTo(0xC0));
        Assert.That(_board.Cmos(12), Is.Zero);
        _board.Out(0xA0, 0x20);
        _board.Out(0x20, 0x20);
        _board.Advance(10 * period);
        Assert.That(_board.Interrupting, Is.True);
        _board.Acknowledge();
        _board.Out(0xA0, 0x20);
        _board.Out(0x20, 0x20);
        _board.Advance(10 * period);
        Assert.That(_board.Interrupting, Is.False, "register C was not read");
    }

    [Test]
    public void Periodic_interrupts_do_not_drift()
    {
        _board.Cmos(11, 0x42);
        int count = 0;
        while (_board.Machine.Events.NextDue <= 3 * Second)
        {
            _board.AdvanceTo(_board.Machine.Events.NextDue);
            count += (_board.Cmos(12) & 0x40) != 0 ? 1 : 0;
        }

        Assert.That(count, Is.EqualTo(3 * 1024));
    }

    [Test]
    public void Alarm_matches_once_and_do_not_care_matches_every_second()
    {
        _board.Cmos(1, 0x53);
        _board.Cmos(3, 0x59);
        _board.Cmos(5, 0xC0);
        _board.Cmos(11, 0x22);
        _board.AdvanceTo((3 * Second) - 1);
        Assert.That(_board.Interrupting, Is.False);
        _board.AdvanceTo(3 * Second);
        Assert.That(_board.Interrupting, Is.True);
        Assert.That(_board.Cmos(12), Is.EqualTo(0xF0), "alarm, and the flags of the sources that are not enabled");
        _board.AdvanceTo((4 * Second) + 5);
        Assert.That(_board.Cmos(12) & 0x20, Is.Zero);
        _board.Cmos(1, 0xFF);
        _board.Cmos(3, 0xFF);
        _board.AdvanceTo(5 * Second);
        Assert.That(_board.Cmos(12) & 0x20, Is.EqualTo(0x20));
    }

    [Test]
    public void Update_ended_interrupt()
    {
        _board.Cmos(12);
        _board.Cmos(11, 0x12);
        _board.AdvanceTo(Second - 1);
        Assert.That(_board.Interrupting, Is.False);
        _board.AdvanceTo(Second);
        Assert.That(_board.Interrupting, Is.True);
        Assert.That(_board.Cmos(12) & 0x90, Is.EqualTo(0x90));
        Assert.That(_board.Cmos(0), Is.EqualTo(0x51));
    }

    [Test]
    public void Enabling_an_interrupt_whose_flag_is_set_raises_it_at_once()
    {
        _board.Advance(2 * Second);
        _board.Cmos(11, 0x12);
        Assert.That(_board.Interrupting, Is.True);
    }

    [Test]
    public void Cmos_describes_memory_with_a_valid_checksum()
    {
        Assert.That(_board.Cmos(0x15) | (_board.Cmos(0x16) << 8), Is.EqualTo(640));
        Assert.That(_board.Cmos(0x17) | (_board.Cmos(0x18) << 8), Is.EqualTo(1024));
        int sum = Enumerable.Range(0x10, 0x1E).Sum(i => _board.Cmos(i));
        Assert.That((_board.Cmos(0x2E) << 8) | _board.Cmos(0x2F), Is.EqualTo(sum));
    }

    [Test]
    public void Nmi_mask_is_bit_7_of_the_index()
    {
        _board.Out(0x70, 0x8D);
        Assert.That(_board.Machine.Rtc.NmiMasked, Is.True);
        Assert.That(_board.In(0x71), Is.EqualTo(0x80), "register D: RAM and time are valid");
        _board.Out(0x70, 0x0D);
        Assert.That(_board.Machine.Rtc.NmiMasked, Is.False);
    }

    [Test]
    public void Reset_keeps_time_and_ram_and_disables_interrupts()
    {
        _board.Cmos(0x40, 0x77);
        _board.Cmos(11, 0x72);
        _board.Advance(2 * Second);
        _board.Machine.Rtc.Reset();
        Assert.That((_board.Cmos(11), _board.Cmos(0x40), _board.Cmos(0)), Is.EqualTo(((byte)0x02, (byte)0x77, (byte)0x52)));
    }

    [Test]
    public void Impossible_dates_become_possible_with_the_next_update()
    {
        foreach (int register in new[] { 0, 2, 4, 6, 7, 8, 9, 0x32 })
        {
            _board.Cmos(register, 0xFF);
        }

        Assert.DoesNotThrow(() => _board.Advance(400L * 86400 * Second));
        Assert.That(_board.Machine.Rtc.Date.Year, Is.GreaterThan(0));
    }
}
