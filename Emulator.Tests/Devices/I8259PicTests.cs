using Emulator.Core.Machine;
using Emulator.Devices.Interrupts;
using NUnit.Framework;

namespace Emulator.Tests.Devices;

[TestFixture]
public sealed class I8259PicTests
{
    private readonly IrqLine _intr = new();
    private I8259Pic _master = null!;
    private I8259Pic _slave = null!;
    private PortMap _ports = null!;
    private IrqLine[] _irq = null!;

    [SetUp]
    public void SetUp()
    {
        _intr.Set(false);
        _master = new I8259Pic("master", _intr, 0x07);
        _slave = _master.CreateSlave("slave", 0x21);
        _ports = new PortMap(Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance);
        _master.Map(_ports, 0x20, 0x4D0);
        _slave.Map(_ports, 0xA0, 0x4D1);
        _irq = [.. Enumerable.Range(0, 16).Select(i => i < 8 ? _master.CreateInput(i) : _slave.CreateInput(i - 8))];
        Initialize(1, 1);
    }

    [Test]
    public void Nothing_interrupts_before_initialization()
    {
        I8259Pic pic = new("fresh", _intr, 0);
        pic.CreateInput(1).Set(true);
        Assert.That(_intr.Level, Is.False);
        Assert.That(pic.Imr, Is.EqualTo(0xFF));
    }

    [Test]
    public void Edge_is_latched_until_acknowledged_and_needs_a_new_edge_afterwards()
    {
        _irq[1].Set(true);
        Assert.That(_intr.Level, Is.True);
        Assert.That(_master.Acknowledge(), Is.EqualTo(0x09));
        Assert.That(_intr.Level, Is.False);
        Out(0x20, 0x20);
        Assert.That(_intr.Level, Is.False, "the line is still high");
        _irq[1].Set(false);
        _irq[1].Set(true);
        Assert.That(_intr.Level, Is.True);
    }

    [Test]
    public void Edge_request_goes_with_its_line_and_the_acknowledge_cycle_gives_spurious_7()
    {
        _irq[3].Set(true);
        _irq[3].Set(false);
        Assert.That(_intr.Level, Is.False);
        Assert.That(_master.Acknowledge(), Is.EqualTo(0x0F));
        Assert.That(_master.Isr, Is.Zero, "a spurious interrupt is not in service");
    }

    [Test]
    public void Spurious_15_leaves_the_cascade_in_service()
    {
        _irq[10].Set(true);
        Assert.That(_master.Irr, Is.EqualTo(0x04));

        // The slave masks its request at the moment of the acknowledge: only its mask changes between the two cycles.
        Out(0x4D0, 0xF8);
        Out(0xA1, 0xFF);
        Assert.That(_intr.Level, Is.False);
        _master.CreateInput(2).Set(true);
        Assert.That(_master.Acknowledge(), Is.EqualTo(0x77));
        Assert.That(_slave.Isr, Is.Zero);
        Assert.That(_master.Isr, Is.EqualTo(0x04));
    }

    [Test]
    public void Level_request_returns_after_the_end_of_interrupt()
    {
        Out(0x4D1, 0x08);
        Assert.That(In(0x4D1), Is.EqualTo(0x08));
        _irq[11].Set(true);
        Assert.That(_master.Acknowledge(), Is.EqualTo(0x73));
        Out(0xA0, 0x20);
        Out(0x20, 0x20);
        Assert.That(_intr.Level, Is.True);
        _irq[11].Set(false);
        Assert.That(_intr.Level, Is.False);
    }

    [Test]
    public void Elcr_bits_of_system_interrupts_are_fixed_to_edge()
    {
        Out(0x4D0, 0xFF);
        Out(0x4D1, 0xFF);
        Assert.That((In(0x4D0), In(0x4D1)), Is.EqualTo(((byte)0xF8, (byte)0xDE)));
    }

    [Test]
    public void Lower_priority_waits_for_the_end_of_interrupt_and_higher_preempts()
    {
        _irq[4].Set(true);
        Assert.That(_master.Acknowledge(), Is.EqualTo(0x0C));
        _irq[5].Set(true);
        Assert.That(_intr.Level, Is.False);
        _irq[3].Set(true);
        Assert.That(_intr.Level, Is.True);
        Assert.That(_master.Acknowledge(), Is.EqualTo(0x0B));
        Assert.That(_master.Isr, Is.EqualTo(0x18));
        Out(0x20, 0x20);
        Assert.That(_master.Isr, Is.EqualTo(0x10), "nonspecific EOI ends the highest");
        Out(0x20, 0x64);
        Assert.That(_master.Isr, Is.Zero);
        Assert.That(_master.Acknowledge(), Is.EqualTo(0x0D));
    }

    [Test]
    public void Slave_interrupt_is_in_service_in_both_chips()
    {
        _irq[8].Set(true);
        Assert.That(_master.Acknowledge(), Is.EqualTo(0x70));
        Assert.That((_master.Isr, _slave.Isr), Is.EqualTo(((byte)0x04, (byte)0x01)));
        _irq[14].Set(true);
        Assert.That(_intr.Level, Is.False);
        Out(0xA0, 0x20);
        Assert.That(_intr.Level, Is.False, "the master still has the slave in service");
        Out(0x20, 0x20);
        Assert.That(_master.Acknowledge(), Is.EqualTo(0x76));
    }

    [Test]
    public void Special_fully_nested_mode_lets_a_higher_slave_input_interrupt_the_slave()
    {
        Initialize(0x11, 1);
        _irq[14].Set(true);
        Assert.That(_master.Acknowledge(), Is.EqualTo(0x76));
        _irq[8].Set(true);
        Assert.That(_intr.Level, Is.True);
        Assert.That(_master.Acknowledge(), Is.EqualTo(0x70));

        Initialize(1, 1);
        _irq[8].Set(false);
        _irq[14].Set(false);
        _irq[14].Set(true);
        Assert.That(_master.Acknowledge(), Is.EqualTo(0x76));
        _irq[8].Set(true);
        Assert.That(_intr.Level, Is.False, "without SFNM the master blocks its own input 2");
    }

    [Test]
    public void Special_mask_mode_enables_lower_levels_while_the_masked_one_is_in_service()
    {
        _irq[3].Set(true);
        Assert.That(_master.Acknowledge(), Is.EqualTo(0x0B));
        _irq[6].Set(true);
        Assert.That(_intr.Level, Is.False);
        Out(0x21, 0x08);
        Out(0x20, 0x68);
        Assert.That(_intr.Level, Is.True);
        Assert.That(_master.Acknowledge(), Is.EqualTo(0x0E));
        Out(0x20, 0x20);
        Assert.That(_master.Isr, Is.EqualTo(0x08), "a nonspecific EOI passes over masked levels");
        Out(0x20, 0x48);
        Out(0x20, 0x20);
        Assert.That(_master.Isr, Is.Zero);
    }

    [Test]
    public void Automatic_end_of_interrupt_leaves_nothing_in_service()
    {
        Initialize(3, 3);
        _irq[9].Set(true);
        _irq[12].Set(true);
        Assert.That(_master.Acknowledge(), Is.EqualTo(0x71));
        Assert.That((_master.Isr, _slave.Isr), Is.EqualTo(((byte)0, (byte)0)));
        Assert.That(_intr.Level, Is.True);
        Assert.That(_master.Acknowledge(), Is.EqualTo(0x74));
        Assert.That(_intr.Level, Is.False);
    }

    [Test]
    public void Rotation_on_nonspecific_eoi_makes_the_served_level_the_lowest()
    {
        _irq[4].Set(true);
        Assert.That(_master.Acknowledge(), Is.EqualTo(0x0C));
        Out(0x20, 0xA0);
        _irq[4].Set(false);
        _irq[4].Set(true);
        _irq[6].Set(true);
        Assert.That(_master.Acknowledge(), Is.EqualTo(0x0E));
    }

    [Test]
    public void Rotation_in_automatic_eoi_mode()
    {
        Initialize(3, 1);
        Out(0x20, 0x80);
        _irq[0].Set(true);
        Assert.That(_master.Acknowledge(), Is.EqualTo(0x08));
        _irq[0].Set(false);
        _irq[0].Set(true);
        _irq[7].Set(true);
        Assert.That(_master.Acknowledge(), Is.EqualTo(0x0F));
        Out(0x20, 0x00);
        Assert.That(_master.Acknowledge(), Is.EqualTo(0x08));
    }

    [Test]
    public void Set_priority_command_chooses_the_lowest_level()
    {
        Out(0x20, 0xC3);
        _irq[3].Set(true);
        _irq[4].Set(true);
        Assert.That(_master.Acknowledge(), Is.EqualTo(0x0C));
        Out(0x20, 0xE4); // rotate on specific EOI
        Assert.That(_master.Isr, Is.Zero);
        _irq[4].Set(false);
        _irq[4].Set(true);
        Assert.That(_master.Acknowledge(), Is.EqualTo(0x0B));
    }

    [Test]
    public void Poll_command_acknowledges_with_the_next_read()
    {
        _irq[5].Set(true);
        Out(0x20, 0x0C);
        Assert.That(In(0x20), Is.EqualTo(0x85));
        Assert.That(_master.Isr, Is.EqualTo(0x20));
        Assert.That(_intr.Level, Is.False);
        Out(0x20, 0x0C);
        Assert.That(In(0x20), Is.EqualTo(0x00));
        Assert.That(In(0x20), Is.EqualTo(_master.Irr), "one read only");
    }

    [Test]
    public void Ocw3_selects_the_register_that_is_read()
    {
        _irq[5].Set(true);
        Assert.That(In(0x20), Is.EqualTo(0x20));
        _master.Acknowledge();
        Out(0x20, 0x0B);
        Assert.That(In(0x20), Is.EqualTo(0x20));
        Out(0x20, 0x0A);
        Assert.That(In(0x20), Is.EqualTo(0x00));
        Out(0x21, 0x5A);
        Assert.That(In(0x21), Is.EqualTo(0x5A));
    }

    [Test]
    public void Icw1_forgets_edges_masks_and_service()
    {
        _irq[5].Set(true);
        _master.Acknowledge();
        Out(0x21, 0xFF);
        Initialize(1, 1);
        Assert.That((_master.Isr, _master.Imr, _master.Irr), Is.EqualTo(((byte)0, (byte)0, (byte)0)));
        Assert.That(_intr.Level, Is.False);
    }

    [Test]
    public void Single_mode_skips_icw3()
    {
        Out(0x20, 0x13);
        Out(0x21, 0x40);
        Out(0x21, 0x01);
        Out(0x21, 0xFE);
        Assert.That(In(0x21), Is.EqualTo(0xFE));
        _irq[0].Set(true);
        Assert.That(_master.Acknowledge(), Is.EqualTo(0x40));
    }

    private byte In(ushort port) => (byte)_ports.Read(port, 1);

    private void Out(ushort port, int value) => _ports.Write(port, 1, (uint)value);

    private void Initialize(int masterIcw4, int slaveIcw4)
    {
        Out(0x20, 0x11);
        Out(0x21, 0x08);
        Out(0x21, 0x04);
        Out(0x21, masterIcw4);
        Out(0xA0, 0x11);
        Out(0xA1, 0x70);
        Out(0xA1, 0x02);
        Out(0xA1, slaveIcw4);
    }
}
