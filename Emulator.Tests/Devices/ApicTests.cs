using Emulator.Core.Cpu;
using Emulator.Core.Machine;
using Emulator.Devices;
using NUnit.Framework;

namespace Emulator.Tests.Devices;

/// <summary>Local APIC and I/O APIC, through their registers as a kernel does. SDM volume 3, chapter 10; datasheet 290566.</summary>
[TestFixture]
public sealed unsafe class ApicTests
{
    private const uint Local = 0xFEE0_0000;
    private const uint Io = 0xFEC0_0000;
    private const uint Masked = 0x10000;

    private Board _board = null!;

    [SetUp]
    public void SetUp()
    {
        _board = new Board();
        Write(0xF0, 0x1FF);
    }

    [Test]
    public void Registers_after_reset_and_their_writable_bits()
    {
        Board fresh = new();
        Assert.That(fresh.Machine.Memory.Read<uint>(Local + 0x30), Is.EqualTo(0x0003_0014));
        Assert.That(fresh.Machine.Memory.Read<uint>(Local + 0xF0), Is.EqualTo(0xFF));
        Assert.That(fresh.Machine.Memory.Read<uint>(Local + 0xE0), Is.EqualTo(0xFFFF_FFFF));
        Assert.That(fresh.Machine.Memory.Read<uint>(Local + 0x320), Is.EqualTo(Masked));
        foreach ((uint register, uint readable) in new[] { (0x20u, 0xFF00_0000u), (0x80u, 0xFFu), (0xD0u, 0xFF00_0000u), (0xE0u, 0xFFFF_FFFFu), (0x30u, 0x0003_0014u), (0x310u, 0xFF00_0000u), (0x320u, 0x3_00FFu), (0x350u, 0x1_A7FFu), (0x370u, 0x1_00FFu), (0x3E0u, 0x0Bu) })
        {
            Write(register, 0xFFFF_FFFF);
            Assert.That(Read(register), Is.EqualTo(readable), $"{register:X}");
        }

        Assert.That(_board.Machine.Memory.Read<byte>(Local + 0x32), Is.EqualTo(0x03), "a byte of the version");
        Assert.That(_board.Machine.Memory.Read<uint>(Local + 0x34), Is.Zero);
    }

    [Test]
    public void Self_interrupts_are_served_by_priority_and_ended()
    {
        Send(0x4_0031);
        Send(0x4_0052);
        Assert.That(Read(0x210), Is.EqualTo(1u << 0x11), "IRR 20h-3Fh");
        Assert.That(_board.Interrupting, Is.True);
        Assert.That(_board.Machine.Apic.Acknowledge(), Is.EqualTo(0x52));
        Assert.That(_board.Interrupting, Is.False, "31h is lower");
        Assert.That(Read(0xA0), Is.EqualTo(0x50));
        Send(0x4_0055);
        Assert.That(_board.Interrupting, Is.False, "same class");
        Send(0x4_0061);
        Assert.That(_board.Machine.Apic.Acknowledge(), Is.EqualTo(0x61));
        Write(0xB0, 0);
        Write(0xB0, 0);
        Assert.That(_board.Machine.Apic.Acknowledge(), Is.EqualTo(0x55));
        Write(0xB0, 0);
        Write(0x80, 0x30);
        Assert.That(_board.Interrupting, Is.False, "held back by TPR");
        Write(0x80, 0x2F);
        Assert.That(_board.Machine.Apic.Acknowledge(), Is.EqualTo(0x31));
        Assert.That(_board.Machine.Apic.Acknowledge(), Is.EqualTo(0xFF), "spurious");
    }

    [Test]
    public void Commands_reach_the_only_processor_by_every_destination_that_names_it()
    {
        Write(0xD0, 0x0200_0000);
        foreach ((uint high, uint low, bool reaches) in new[]
        {
            (0u, 0x4040u, true), (0xFF00_0000u, 0x4041u, true), (0x0100_0000u, 0x4042u, false), (0x0300_0000u, 0x4843u, true), (0x0400_0000u, 0x4844u, false),
            (0u, 0x8_4045u, true), (0u, 0xC_4046u, false), (0u, 0x4147u, true),
        })
        {
            Write(0x310, high);
            Send(low);
            Assert.That(_board.Interrupting, Is.EqualTo(reaches), $"{high:X8}:{low:X8}");
            if (reaches)
            {
                Assert.That(_board.Machine.Apic.Acknowledge(), Is.EqualTo((byte)low));
                Write(0xB0, 0);
            }
        }

        Write(0x310, 0);
        Send(0x4400);
        Assert.That(_board.Machine.Cpu.State->NmiLatched, Is.EqualTo(1));
    }

    [Test]
    public void Errors_are_latched_by_a_write_and_interrupt()
    {
        Write(0x370, 0xE0);
        Send(0x4_0008);
        Assert.That(Read(0x280), Is.Zero);
        Assert.That(_board.Machine.Apic.Acknowledge(), Is.EqualTo(0xE0));
        Write(0x280, 0);
        Assert.That(Read(0x280), Is.EqualTo(0x20), "send illegal vector");
        Read(0x3F0);
        Write(0x280, 0);
        Assert.That(Read(0x280), Is.EqualTo(0x80), "illegal register");
        Write(0x280, 0);
        Assert.That(Read(0x280), Is.Zero);
    }

    [TestCase(0x0B, 1)]
    [TestCase(0x00, 2)]
    [TestCase(0x03, 16)]
    [TestCase(0x08, 32)]
    [TestCase(0x0A, 128)]
    public void One_shot_timer_counts_its_divided_clock(int divide, int by)
    {
        Write(0x3E0, (uint)divide);
        Write(0x320, 0x40);
        Write(0x380, 1000);
        Assert.That(Read(0x390), Is.EqualTo(1000));
        _board.Advance(400 * 10 * by);
        Assert.That(Read(0x390), Is.EqualTo(600));
        _board.Advance((600 * 10 * by) - 1);
        Assert.That(_board.Interrupting, Is.False);
        _board.Advance(1);
        Assert.That(_board.Interrupting, Is.True);
        Assert.That(Read(0x390), Is.Zero);
        Assert.That(_board.Machine.Apic.Acknowledge(), Is.EqualTo(0x40));
        Write(0xB0, 0);
        _board.Advance(100_000 * by);
        Assert.That(_board.Interrupting, Is.False);
    }

    [Test]
    public void Periodic_timer_keeps_its_phase_also_while_masked_and_saved()
    {
        Write(0x3E0, 0x0B);
        Write(0x320, 0x2_0041);
        Write(0x380, 1000);
        long start = _board.Now;
        for (int i = 1; i <= 3; i++)
        {
            _board.AdvanceTo(start + (i * 10_000) - 1);
            Assert.That(_board.Interrupting, Is.False);
            _board.Advance(1);
            Assert.That(_board.Machine.Apic.Acknowledge(), Is.EqualTo(0x41));
            Write(0xB0, 0);
        }

        Write(0x320, 0x3_0041);
        _board.AdvanceTo(start + 54_000);
        Board copy = _board.Clone();
        Assert.That(copy.Machine.Memory.Read<uint>(Local + 0x390), Is.EqualTo(600));
        copy.Machine.Memory.Write(Local + 0x320, 0x2_0041u);
        copy.AdvanceTo(start + 59_999);
        Assert.That(copy.Interrupting, Is.False);
        copy.AdvanceTo(start + 60_000);
        Assert.That(copy.Interrupting, Is.True);
    }

    [Test]
    public void Virtual_wire_passes_the_8259_and_its_mask_stops_it()
    {
        _board.InitializePics(mask: 0xFFFE);
        RaiseTimer();
        Assert.That(_board.Interrupting, Is.True, "LINT0 is ExtINT after reset");
        Write(0x350, 0x1_0700);
        Assert.That(_board.Interrupting, Is.False);
        WriteEntry(0, 0x700);
        Assert.That(_board.Interrupting, Is.True, "by input 0 of the I/O APIC");
        WriteEntry(0, 0x1_0700);
        Assert.That(_board.Interrupting, Is.False);
        Write(0x350, 0x700);
        Send(0x4_0081);
        Assert.That(_board.Machine.Apic.Acknowledge(), Is.EqualTo(0x81), "the local APIC first");
        Assert.That(_board.Machine.Apic.Acknowledge(), Is.EqualTo(0x08));
        Assert.That(Read(0x120), Is.Zero, "ExtINT does not enter the ISR");
    }

    [Test]
    public void Disabled_in_the_msr_it_is_gone_and_intr_is_the_8259s()
    {
        _board.InitializePics(mask: 0xFFFE);
        Write(0x350, Masked);
        RaiseTimer();
        Assert.That(_board.Interrupting, Is.False);
        Assert.That(ModelSpecificRegisters.Write(_board.Machine.Cpu.State, 0x1B, 0xFEE00000), Is.True);
        Assert.That(_board.Interrupting, Is.True);
        Assert.That(Read(0x30), Is.EqualTo(0xFFFF_FFFF));
        Assert.That(_board.Machine.Apic.Acknowledge(), Is.EqualTo(0x08));
        Assert.That(ModelSpecificRegisters.Write(_board.Machine.Cpu.State, 0x1B, 0xD0000800), Is.True);
        Assert.That(_board.Machine.Memory.Read<uint>(0xD0000030), Is.EqualTo(0x0003_0014), "moved");
    }

    [Test]
    public void Software_disabled_it_masks_its_vectors()
    {
        Write(0x320, 0x40);
        Write(0xF0, 0xFF);
        Assert.That(Read(0x320), Is.EqualTo(Masked | 0x40));
        Write(0x320, 0x41);
        Assert.That(Read(0x320), Is.EqualTo(Masked | 0x41));
        Send(0x4_0050);
        Assert.That(_board.Interrupting, Is.False);
    }

    [Test]
    public void Edge_input_sends_one_message_an_edge_and_loses_masked_ones()
    {
        IrqLine line = _board.Machine.IoApic.CreateInput(5);
        line.Set(true);
        WriteEntry(5, 0x45);
        Assert.That(_board.Interrupting, Is.False, "the edge was lost");
        line.Set(false);
        line.Set(true);
        Assert.That(_board.Machine.Apic.Acknowledge(), Is.EqualTo(0x45));
        Write(0xB0, 0);
        Assert.That(_board.Interrupting, Is.False);
    }

    [Test]
    public void Level_input_waits_for_the_end_of_its_interrupt_and_comes_again()
    {
        IrqLine line = _board.Machine.IoApic.CreateInput(10);
        WriteEntry(10, 0x8055);
        line.Set(true);
        Assert.That(ReadEntry(10) & 0x4000, Is.Not.Zero, "remote IRR");
        Assert.That(_board.Machine.Apic.Acknowledge(), Is.EqualTo(0x55));
        Assert.That(_board.Interrupting, Is.False);
        Write(0xB0, 0);
        Assert.That(_board.Interrupting, Is.True, "still asserted");
        Assert.That(_board.Machine.Apic.Acknowledge(), Is.EqualTo(0x55));
        Board copy = _board.Clone();
        foreach (Board board in new[] { _board, copy })
        {
            board.Machine.IoApic.CreateInput(10).Restore(true);
            IrqLine other = board.Machine.IoApic.CreateInput(10);
            other.Restore(true);
            other.Set(false);
            board.Machine.Memory.Write(Local + 0xB0, 0u);
            Assert.That(board.Interrupting, Is.False);
        }
    }

    [Test]
    public void Polarity_is_the_lines_own_or_the_opposite()
    {
        IrqLine pirq = _board.Machine.IoApic.CreateInput(16);
        WriteEntry(16, 0x1_A060);
        Assert.That(_board.Interrupting, Is.False);
        WriteEntry(16, 0xA060);
        Assert.That(_board.Interrupting, Is.False, "active low, idle");
        pirq.Set(true);
        Assert.That(_board.Machine.Apic.Acknowledge(), Is.EqualTo(0x60));
        pirq.Set(false);
        Write(0xB0, 0);
        Assert.That(_board.Interrupting, Is.False);
        WriteEntry(16, 0x8061);
        Assert.That(_board.Machine.Apic.Acknowledge(), Is.EqualTo(0x61), "active high sees the idle line as a request");
    }

    [Test]
    public void Io_apic_registers_and_what_is_not_writable()
    {
        _board.Machine.Memory.Write(Io, 1u);
        Assert.That(_board.Machine.Memory.Read<uint>(Io + 0x10), Is.EqualTo(0x0017_0011));
        _board.Machine.Memory.Write<byte>(Io, 0x10 + 6);
        Assert.That(_board.Machine.Memory.Read<uint>(Io + 0x10), Is.EqualTo(Masked));
        _board.Machine.Memory.Write(Io + 0x10, 0xFFFF_FFFFu);
        Assert.That(_board.Machine.Memory.Read<uint>(Io + 0x10), Is.EqualTo(0x0001_AFFF));
        _board.Machine.Memory.Write<byte>(Io, 0x10 + 7);
        _board.Machine.Memory.Write(Io + 0x10, 0xFFFF_FFFFu);
        Assert.That(_board.Machine.Memory.Read<uint>(Io + 0x10), Is.EqualTo(0xFF00_0000));
        _board.Machine.Memory.Write<byte>(Io, 0xFF);
        Assert.That(_board.Machine.Memory.Read<uint>(Io + 0x10), Is.Zero);
    }

    [Test]
    public void A_486_has_neither()
    {
        Board board = new(Board.DefaultConfig with { Cpu = CpuModel.Find("486")! });
        Assert.That(board.Machine.Memory.Read<uint>(Local + 0x30), Is.EqualTo(0xFFFF_FFFF));
        Assert.That(board.Machine.Memory.Read<uint>(Io), Is.EqualTo(0xFFFF_FFFF));
        board.InitializePics(mask: 0xFFFE);
        board.Out(0x43, 0x34);
        board.Out(0x40, 0x10);
        board.Out(0x40, 0x00);
        board.Advance(100_000);
        Assert.That(board.Interrupting, Is.True);
    }

    private void RaiseTimer()
    {
        _board.Out(0x43, 0x30);
        _board.Out(0x40, 0x10);
        _board.Out(0x40, 0x00);
        _board.Advance(100_000);
    }

    private uint Read(uint register) => _board.Machine.Memory.Read<uint>(Local + register);

    private void Write(uint register, uint value) => _board.Machine.Memory.Write(Local + register, value);

    private void Send(uint command) => Write(0x300, command);

    private uint ReadEntry(int input)
    {
        _board.Machine.Memory.Write(Io, (uint)(0x10 + (2 * input)));
        return _board.Machine.Memory.Read<uint>(Io + 0x10);
    }

    private void WriteEntry(int input, uint low)
    {
        _board.Machine.Memory.Write(Io, (uint)(0x10 + (2 * input)));
        _board.Machine.Memory.Write(Io + 0x10, low);
    }
}
