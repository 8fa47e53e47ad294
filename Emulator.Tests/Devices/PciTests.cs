using Emulator.Core.Machine;
using Emulator.Devices;
using Emulator.Devices.Pci;
using NUnit.Framework;

namespace Emulator.Tests.Devices;

[TestFixture]
public sealed class PciTests
{
    private Board _board = null!;

    [SetUp]
    public void SetUp() => _board = new Board();

    [TestCase(0, 0, 0x1237_8086u, 0x0600_0002u)]
    [TestCase(1, 0, 0x7000_8086u, 0x0601_0000u)]
    [TestCase(1, 3, 0x7113_8086u, 0x0680_0003u)]
    [TestCase(2, 0, 0x1111_1234u, 0x0300_0002u)]
    [TestCase(2, 1, 0xFFFF_FFFFu, 0xFFFF_FFFFu)]
    [TestCase(31, 7, 0xFFFF_FFFFu, 0xFFFF_FFFFu)]
    public void Functions_identify_themselves(int device, int function, uint id, uint revision)
    {
        Assert.That(Read(device, function, 0), Is.EqualTo(id));
        Assert.That(Read(device, function, 8), Is.EqualTo(revision));
    }

    [Test]
    public void Data_port_takes_bytes_and_words()
    {
        Select(1, 0, 0x60);
        _board.Out(0xCFD, 0x0A);
        Assert.That(_board.In(0xCFC, 4), Is.EqualTo(0x80800A80));
        Assert.That(_board.In(0xCFC, 2), Is.EqualTo(0x0A80));
        Assert.That(_board.In(0xCFD), Is.EqualTo(0x0A));
        Assert.That(_board.In(0xCFE, 4), Is.EqualTo(0xFFFF8080), "nothing behind CFFh");
    }

    [Test]
    public void Address_port_takes_doublewords_only_and_needs_its_enable_bit()
    {
        _board.Out(0xCF8, 4, 0xFFFF_FFFF);
        Assert.That(_board.In(0xCF8, 4), Is.EqualTo(0x80FF_FFFC));
        _board.Out(0xCF8, 0x12);
        Assert.That(_board.In(0xCF8, 4), Is.EqualTo(0x80FF_FFFC));
        _board.Out(0xCF8, 4, 0);
        Assert.That(_board.In(0xCFC, 4), Is.EqualTo(0xFFFF_FFFF));
        _board.Out(0xCF8, 4, 0x8001_0000);
        Assert.That(_board.In(0xCFC, 4), Is.EqualTo(0xFFFF_FFFF), "bus 1");
    }

    [Test]
    public void Only_defined_bits_are_writable()
    {
        Write(1, 0, 0, 0);
        Assert.That(Read(1, 0, 0), Is.EqualTo(0x7000_8086));
        Write(1, 0, 0x60, 0xFFFF_FFFF);
        Assert.That(Read(1, 0, 0x60), Is.EqualTo(0x8F8F_8F8F));
    }

    [Test]
    public void Bar_is_sized_moved_and_unmapped()
    {
        TestFunction function = new();
        _board.Machine.Pci.Attach(5, 0, function);
        Write(5, 0, 0x10, 0xFFFF_FFFF);
        Assert.That(Read(5, 0, 0x10), Is.EqualTo(0xFFFF_FFE1));
        Assert.That(function.Log, Is.Empty, "the command register has it off");
        Write(5, 0, 0x10, 0xC000);
        Write(5, 0, 4, 1);
        Write(5, 0, 0x10, 0xC100);
        Write(5, 0, 4, 0);
        Assert.That(string.Join(' ', function.Log), Is.EqualTo("+C000 -C000 +C100 -C100"));
        Assert.That(Read(5, 0, 0x14), Is.Zero, "an absent BAR reads as 0");
    }

    [Test]
    public void Overlapping_bars_share_their_range_by_function_number_and_take_over_when_one_moves()
    {
        MemoryFunction first = new(_board.Machine, 0x11, 0x2000);
        MemoryFunction second = new(_board.Machine, 0x22, 0x1000);
        _board.Machine.Pci.Attach(5, 0, first);
        _board.Machine.Pci.Attach(6, 0, second);
        Write(6, 0, 4, 2);
        Write(5, 0, 4, 2);
        Write(6, 0, 0x10, 0xE000_1000);
        Write(5, 0, 0x10, 0xE000_0000);
        Assert.That((Byte(0xE000_0000), Byte(0xE000_1000)), Is.EqualTo((0x11, 0x11)), "the lower function, although it came later");
        Write(5, 0, 4, 0);
        Assert.That((Byte(0xE000_0000), Byte(0xE000_1000)), Is.EqualTo((0xFF, 0x22)));
        Write(5, 0, 4, 2);
        Assert.That(Byte(0xE000_1000), Is.EqualTo(0x11));
        Write(5, 0, 0x10, 0x0000_0000);
        Assert.That(Byte(0xE000_1000), Is.EqualTo(0x22));
        Write(5, 0, 0x10, 0x0010_0000);
        Assert.That(Byte(0x0010_0000), Is.Zero, "RAM is in front");
        Write(5, 0, 0x10, 0xFFFF_FFFF);
        Assert.That(Read(5, 0, 0x10), Is.EqualTo(0xFFFF_E000));
    }

    [Test]
    public void Port_bar_beyond_64_kibi_decodes_nothing()
    {
        TestFunction function = new();
        _board.Machine.Pci.Attach(5, 0, function);
        Write(5, 0, 4, 1);
        Write(5, 0, 0x10, 0x0001_C001);
        Assert.That(function.Log, Is.Empty);
        Write(5, 0, 0x10, 0xFFE1);
        Assert.That(function.Log, Is.EqualTo(new[] { "+FFE0" }));
    }

    [Test]
    public void Smram_register_locks_until_reset()
    {
        Write(0, 0, 0x70, 0x0048_0000);
        Assert.That(Read(0, 0, 0x70) & 0xFF0000, Is.EqualTo(0x4A_0000));
        Write(0, 0, 0x70, 0x0058_0000);
        Assert.That(Read(0, 0, 0x70) & 0xFF0000, Is.EqualTo(0x1A_0000), "locked and closed");
        Write(0, 0, 0x70, 0x0040_0000);
        Assert.That(Read(0, 0, 0x70) & 0xFF0000, Is.EqualTo(0x1A_0000));
        Assert.That(_board.Clone().Machine.Pci.Functions[0].ReadConfiguration(0x72, 1), Is.EqualTo(0x1A));
        _board.Machine.Reset();
        Assert.That(Read(0, 0, 0x70) & 0xFF0000, Is.EqualTo(0x02_0000));
    }

    [Test]
    public void Pirq_drives_its_own_input_of_the_io_apic_too()
    {
        Piix3IsaBridge bridge = _board.Machine.Pci.Functions.OfType<Piix3IsaBridge>().Single();
        _board.Machine.Memory.Write(0xFEE0_00F0, 0x1FFu);
        _board.Machine.Memory.Write(0xFEC0_0000, 0x10u + (2 * 18));
        _board.Machine.Memory.Write(0xFEC0_0010, 0xA066u);
        bridge.CreateInterrupt(3, 1).Set(true);
        Assert.That(_board.Machine.Apic.Acknowledge(), Is.EqualTo(0x66), "INTA# of device 3 is PIRQC#");
    }

    [Test]
    public void Pirq_is_routed_shared_and_disabled()
    {
        _board.InitializePics();
        Piix3IsaBridge bridge = _board.Machine.Pci.Functions.OfType<Piix3IsaBridge>().Single();
        _board.Out(0x4D1, 0x0C);
        Select(1, 0, 0x60);
        _board.Out(0xCFC, 0x0A); // PIRQA to IRQ 10
        Assert.That(Piix3IsaBridge.PirqOf(1, 1), Is.Zero);
        Assert.That(Piix3IsaBridge.PirqOf(5, 1), Is.Zero);
        IrqLine first = bridge.CreateInterrupt(1, 1);
        IrqLine second = bridge.CreateInterrupt(5, 1);
        first.Set(true);
        second.Set(true);
        first.Set(false);
        Assert.That(_board.Interrupting, Is.True);
        Assert.That(_board.Acknowledge(), Is.EqualTo(0x72));
        _board.Out(0xA0, 0x20);
        _board.Out(0x20, 0x20);
        Assert.That(_board.Interrupting, Is.True, "level triggered, still asserted");
        Select(1, 0, 0x60);
        _board.Out(0xCFC, 0x0B);
        Assert.That(_board.Acknowledge(), Is.EqualTo(0x73), "rerouted to IRQ 11");
        _board.Out(0xA0, 0x20);
        _board.Out(0x20, 0x20);
        _board.Out(0xCFC, 0x80);
        Assert.That(_board.Interrupting, Is.False);
    }

    [Test]
    public void Power_management_timer_counts_3579545_hertz()
    {
        EnableAcpi();
        _board.AdvanceTo(1_000_000_000);
        Assert.That(_board.In(0xB008, 4), Is.EqualTo(3_579_545));
        _board.AdvanceTo(5_000_000_000);
        Assert.That(_board.In(0xB008, 4), Is.EqualTo(5L * 3_579_545 % (1 << 24)));
    }

    [Test]
    public void Timer_overflow_sets_its_status_and_interrupts()
    {
        EnableAcpi();
        _board.InitializePics();
        _board.Out(0x4D1, 0x02);
        _board.Out(0xB002, 2, 1);
        long due = ((((1L << 23) * 1_000_000_000) - 1) / 3_579_545) + 1;
        _board.AdvanceTo(due - 1);
        Assert.That(_board.Interrupting, Is.False);
        _board.AdvanceTo(due);
        Assert.That(_board.Interrupting, Is.True);
        Assert.That(_board.Acknowledge(), Is.EqualTo(0x71));
        Assert.That(_board.In(0xB000, 2), Is.EqualTo(1));
        _board.Out(0xB000, 2, 1);
        Assert.That(_board.In(0xB000, 2), Is.Zero);
    }

    [Test]
    public void Power_button_is_a_status_that_interrupts_when_enabled()
    {
        EnableAcpi();
        _board.InitializePics();
        _board.Machine.PowerManagement.PressPowerButton();
        Assert.That(_board.Interrupting, Is.False);
        _board.Out(0xB002, 2, 0x100);
        Assert.That(_board.Interrupting, Is.True);
    }

    [Test]
    public void Clock_interrupt_and_lock_release_set_their_status()
    {
        EnableAcpi();
        _board.InitializePics();
        _board.Out(0x4D1, 0x02);
        _board.Cmos(0x0B, 0x42);
        _board.Advance(2_000_000);
        Assert.That(_board.In(0xB000, 2) & 0x400, Is.Not.Zero, "RTC_STS by the periodic interrupt");
        _board.Cmos(0x0B, 0x02);
        _board.Cmos(0x0C);
        _board.Out(0xB000, 2, 0x400);
        Assert.That(_board.In(0xB000, 2) & 0x400, Is.Zero);
        _board.Out(0xB028, 2);
        Assert.That(_board.In(0xB000, 2) & 0x20, Is.Not.Zero, "GBL_STS");
        Assert.That(_board.In(0xB028), Is.Zero);
        _board.Out(0xB002, 2, 0x20);
        Assert.That(_board.Interrupting, Is.True);
    }

    [Test]
    public void Ports_move_with_their_base()
    {
        EnableAcpi();
        Assert.That(_board.In(0xB004, 2), Is.EqualTo(1), "SCI_EN");
        Write(1, 3, 0x40, 0x0000_6001);
        Assert.That(_board.In(0xB004, 2), Is.EqualTo(0xFFFF));
        Assert.That(_board.In(0x6004, 2), Is.EqualTo(1));
        Assert.That(Read(1, 3, 0x40), Is.EqualTo(0x6001));

        // Over ports of other devices it leaves those alone, also when it moves away.
        Write(1, 3, 0x40, 0x03C1);
        Write(1, 3, 0x40, 0xB001);
        _board.Out(0x3FF, 0x5A);
        Assert.That(_board.In(0x3FF), Is.EqualTo(0x5A));
    }

    [Test]
    public void Shadow_ram_control_switches_rom_to_ram_and_back()
    {
        byte[] rom = new byte[0x10000];
        rom[0] = 0xEA;
        _board.Machine.LoadRom(rom, 0xF0000);
        Assert.That(_board.Machine.Memory.Read<byte>(0xFFFF0000), Is.EqualTo(0xEA));
        Assert.That(_board.Machine.Memory.Read<byte>(0xF0000), Is.EqualTo(0xEA));
        Select(0, 0, 0x58);
        _board.Out(0xCFD, 0x30);
        _board.Machine.Memory.Write<byte>(0xF0000, 0x12);
        Assert.That(_board.Machine.Memory.Read<byte>(0xF0000), Is.EqualTo(0x12));
        _board.Out(0xCFD, 0x10);
        _board.Machine.Memory.Write<byte>(0xF0000, 0x34);
        Assert.That(_board.Machine.Memory.Read<byte>(0xF0000), Is.EqualTo(0x12), "write protected");
        _board.Out(0xCFD, 0x00);
        Assert.That(_board.Machine.Memory.Read<byte>(0xF0000), Is.EqualTo(0xEA));
        _board.Out(0xCFD, 0x30);
        _board.Machine.Reset();
        Assert.That(_board.Machine.Memory.Read<byte>(0xF0000), Is.EqualTo(0xEA));
    }

    [Test]
    public void Shadow_ram_reads_rom_while_it_is_written()
    {
        byte[] rom = new byte[0x10000];
        rom[0x10] = 0xEA;
        _board.Machine.LoadRom(rom, 0xF0000);
        Select(0, 0, 0x58);
        _board.Out(0xCFD, 0x20);
        _board.Machine.Memory.Write(0xF0010, 0x12345678);
        Assert.That(_board.Machine.Memory.Read<uint>(0xF0010), Is.EqualTo(0xEA));
        _board.Out(0xCFD, 0x10);
        Assert.That(_board.Machine.Memory.Read<uint>(0xF0010), Is.EqualTo(0x12345678));
    }

    [Test]
    public void Command_port_enters_and_leaves_acpi_mode()
    {
        EnableAcpi();
        _board.Out(0xB2, 0xF0);
        Assert.That(_board.In(0xB004, 2), Is.Zero);
        _board.Out(0xB2, 0x55);
        Assert.That(_board.In(0xB004, 2), Is.Zero);
        _board.Out(0xB2, 0xF1);
        Assert.That(_board.In(0xB004, 2), Is.EqualTo(1));
    }

    private void EnableAcpi() => _board.Machine.PowerManagement.EnableAcpi(Piix4PowerManagement.DefaultBase);

    private void Select(int device, int function, int register) =>
        _board.Out(0xCF8, 4, 0x8000_0000 | (uint)(device << 11) | (uint)(function << 8) | (uint)register);

    private uint Read(int device, int function, int register)
    {
        Select(device, function, register);
        return _board.In(0xCFC, 4);
    }

    private void Write(int device, int function, int register, uint value)
    {
        Select(device, function, register);
        _board.Out(0xCFC, 4, value);
    }

    private byte Byte(uint address) => _board.Machine.Memory.Read<byte>(address);

    private sealed unsafe class MemoryFunction : PciFunction
    {
        public MemoryFunction(PcMachine machine, byte value, uint size)
            : base($"memory{value}", 0x1234, value, 0x020000, 0)
        {
            Define(CommandRegister, 2, 0, 3);
            DefineBar(0, isPorts: false, size, bar =>
            {
                if (bar.IsMapped)
                {
                    machine.Memory.MapDeviceFree(bar.Address, size, this, &Read, &Write, &Read);
                }
                else
                {
                    machine.Memory.UnmapDevice(bar.Address, size, this);
                }
            });
        }

        private static ulong Read(object target, uint address, int size) => (ulong)(byte)((MemoryFunction)target).ReadConfiguration(2, 1) * 0x0101_0101_0101_0101;

        private static void Write(object target, uint address, int size, ulong value)
        {
        }
    }

    private sealed class TestFunction : PciFunction
    {
        public TestFunction()
            : base("test", 0x1234, 0x5678, 0x020000, 0)
        {
            Define(CommandRegister, 2, 0, 3);
            DefineInterruptPin(1);
            DefineBar(0, isPorts: true, 32, bar => Log.Add($"{(bar.IsMapped ? '+' : '-')}{bar.Address:X4}"));
        }

        public List<string> Log { get; } = [];
    }
}
