using NUnit.Framework;

namespace Emulator.Tests.Devices;

[TestFixture]
public sealed class HpetTests
{
    private const uint Base = 0xFED0_0000;

    private Board _board = null!;

    [SetUp]
    public void SetUp()
    {
        _board = new Board();
        _board.InitializePics(mask: 0xFFFE & ~0x104);
    }

    [Test]
    public void Capabilities_name_the_period_and_three_timers()
    {
        Assert.That(_board.Machine.Memory.Read<ulong>(Base), Is.EqualTo(0x0098_9680_8086_A201));
        Assert.That(Read(0x100), Is.EqualTo(0x00F0_0000_0000_0030));
        Assert.That(_board.Machine.Memory.Read<uint>(Base + 4), Is.EqualTo(10_000_000));
    }

    [Test]
    public void Counter_counts_while_enabled_and_keeps_its_value()
    {
        _board.Advance(1000);
        Assert.That(Read(0xF0), Is.Zero);
        Write(0x10, 1);
        _board.Advance(12_345);
        Assert.That(Read(0xF0), Is.EqualTo(1234));
        Write(0x10, 0);
        _board.Advance(1000);
        Assert.That(Read(0xF0), Is.EqualTo(1234));
        Write(0xF0, 0xFFFF_FFFF_FFFF_FFFE);
        Write(0x10, 1);
        _board.Advance(30);
        Assert.That(Read(0xF0), Is.EqualTo(1));
    }

    [Test]
    public void Legacy_replacement_takes_the_place_of_the_8254()
    {
        Write(0x100, 0x4C | 0x100);
        Write(0x108, 1000);
        Write(0x108, 500);
        Write(0x10, 3);
        long start = _board.Now;
        foreach (int ticks in new[] { 1000, 1500, 2000 })
        {
            _board.AdvanceTo(start + (10 * ticks) - 1);
            Assert.That(_board.Interrupting, Is.False, $"before {ticks}");
            _board.Advance(1);
            Assert.That(_board.Interrupting, Is.True, $"at {ticks}");
            Assert.That(_board.Acknowledge(), Is.EqualTo(8));
            _board.Out(0x20, 0x20);
        }

        Assert.That(Read(0x108), Is.EqualTo(2500));
        _board.Out(0x43, 0x30);
        _board.Out(0x40, 0x01);
        _board.Out(0x40, 0x00);
        Write(0x100, 0);
        _board.Advance(100_000);
        Assert.That(_board.Interrupting, Is.False, "the 8254 is cut off");
        Write(0x10, 1);
        Assert.That(_board.Interrupting, Is.True, "and back");
    }

    [Test]
    public void Level_triggered_timer_holds_its_line_until_its_status_is_cleared()
    {
        Write(0x120, 0x06 | (21 << 9));
        Write(0x128, 100);
        _board.Machine.Memory.Write(0xFEE0_00F0, 0x1FFu);
        _board.Machine.Memory.Write(0xFEC0_0000, 0x10u + (2 * 21));
        _board.Machine.Memory.Write(0xFEC0_0010, 0xA070u);
        Write(0x10, 1);
        _board.Advance(1000);
        Assert.That(_board.Machine.Apic.Acknowledge(), Is.EqualTo(0x70));
        Assert.That(Read(0x20), Is.EqualTo(2));
        _board.Machine.Memory.Write(0xFEE0_00B0, 0u);
        Assert.That(_board.Machine.Apic.Acknowledge(), Is.EqualTo(0x70), "still asserted");
        Write(0x20, 2);
        _board.Machine.Memory.Write(0xFEE0_00B0, 0u);
        Assert.That(_board.Interrupting, Is.False);
    }

    [Test]
    public void Comparator_that_lies_behind_waits_for_the_wrap()
    {
        Write(0x10, 1);
        _board.Advance(10_000);
        Write(0x100, 0x106 | (20 << 9));
        Write(0x108, 500);
        _board.Advance(1_000_000);
        Assert.That(Read(0x20), Is.Zero);
        _board.Advance(42_949_672_960);
        Assert.That(Read(0x20), Is.EqualTo(1));
    }

    [Test]
    public void Saved_in_the_middle_it_goes_on()
    {
        Write(0x100, 0x4C);
        Write(0x108, 1000);
        Write(0x108, 500);
        Write(0x10, 3);
        _board.Advance(7_777);
        Board copy = _board.Clone();
        copy.Advance(2_222);
        Assert.That(copy.Interrupting, Is.False);
        copy.Advance(1);
        Assert.That(copy.Acknowledge(), Is.EqualTo(8));
    }

    private ulong Read(uint register) => _board.Machine.Memory.Read<ulong>(Base + register);

    private void Write(uint register, ulong value) => _board.Machine.Memory.Write(Base + register, value);
}
