using Emulator.Devices.Dma;
using NUnit.Framework;

namespace Emulator.Tests.Devices;

/// <summary>The DMA controllers, programmed through their ports as drivers do.</summary>
[TestFixture]
public sealed class IsaDmaTests
{
    private const int Write = 0x04;
    private const int Read = 0x08;
    private const int AutoInitialize = 0x10;
    private const int Decrement = 0x20;
    private const int Single = 0x40;

    private Board _board = null!;

    [SetUp]
    public void SetUp()
    {
        _board = new Board();
        _board.Out(0xD6, 0xC0);
        _board.Out(0xD4, 0x00);
    }

    [Test]
    public void Device_fills_memory_up_to_the_terminal_count()
    {
        Program(2, Single | Write, 0x12345, 512);
        DmaChannel channel = _board.Machine.Dma.Channel(2);
        byte[] data = [.. Enumerable.Range(0, 600).Select(i => (byte)i)];
        Assert.That(channel.Transfer(data.AsSpan(0, 500), DmaDirection.ToMemory, out bool end), Is.EqualTo(500));
        Assert.That(end, Is.False);
        Assert.That(_board.In(8) & 0x0F, Is.Zero);
        Assert.That(channel.Transfer(data.AsSpan(500), DmaDirection.ToMemory, out end), Is.EqualTo(12));
        Assert.That(end, Is.True);
        Assert.That(Memory(0x12345, 513), Is.EqualTo(data[..512].Append((byte)0)));
        Assert.That(_board.In(8), Is.EqualTo(0x04));
        Assert.That(_board.In(8), Is.Zero, "reading clears the terminal counts");
        Assert.That(channel.IsReady, Is.False, "masked at the terminal count");
        Assert.That(channel.Transfer(data, DmaDirection.ToMemory, out end), Is.Zero);
        Assert.That((Address(2), Count(2)), Is.EqualTo((0x2545, 0xFFFF)));
    }

    [Test]
    public void Device_takes_memory_and_verify_moves_nothing()
    {
        _board.Machine.Memory.WriteBlock(0x20000, [1, 2, 3, 4]);
        Program(1, Single | Read, 0x20000, 4);
        byte[] got = new byte[4];
        _board.Machine.Dma.Channel(1).Transfer(got, DmaDirection.FromMemory, out bool end);
        Assert.That(got, Is.EqualTo(new byte[] { 1, 2, 3, 4 }));
        Assert.That(end, Is.True);
        Program(1, Single, 0x20000, 4);
        _board.Machine.Dma.Channel(1).Transfer([9, 9, 9, 9], DmaDirection.ToMemory, out end);
        Assert.That(end, Is.True);
        Assert.That(Memory(0x20000, 4), Is.EqualTo(new byte[] { 1, 2, 3, 4 }));
    }

    [Test]
    public void Address_wraps_within_64_kibibytes()
    {
        Program(3, Single | Write, 0x1FFFE, 4);
        _board.Machine.Dma.Channel(3).Transfer([1, 2, 3, 4], DmaDirection.ToMemory, out _);
        Assert.That(Memory(0x1FFFE, 2), Is.EqualTo(new byte[] { 1, 2 }));
        Assert.That(Memory(0x10000, 2), Is.EqualTo(new byte[] { 3, 4 }));
        Assert.That(Memory(0x20000, 2), Is.EqualTo(new byte[] { 0, 0 }));
    }

    [Test]
    public void Decrement_goes_down_and_autoinitialize_starts_over_unmasked()
    {
        Program(0, Single | Write | Decrement | AutoInitialize, 0x30003, 4);
        DmaChannel channel = _board.Machine.Dma.Channel(0);
        channel.Transfer([1, 2, 3, 4], DmaDirection.ToMemory, out bool end);
        Assert.That(end, Is.True);
        Assert.That(Memory(0x30000, 4), Is.EqualTo(new byte[] { 4, 3, 2, 1 }));
        Assert.That(channel.IsReady, Is.True);
        Assert.That((Address(0), Count(0)), Is.EqualTo((3, 3)));
    }

    [Test]
    public void Word_channels_address_128_kibibytes_in_words()
    {
        _board.Out(0x8B, 0x05); // bit 0 of the page does not count
        _board.Out(0xD8, 0);
        _board.Out(0xC4, 0x10);
        _board.Out(0xC4, 0x80);
        _board.Out(0xC6, 0x01);
        _board.Out(0xC6, 0x00);
        _board.Out(0xD6, Single | Write | 1);
        _board.Out(0xD4, 1);
        DmaChannel channel = _board.Machine.Dma.Channel(5);
        Assert.That(channel.Unit, Is.EqualTo(2));
        Assert.That(channel.Transfer([1, 2, 3, 4, 5], DmaDirection.ToMemory, out bool end), Is.EqualTo(4));
        Assert.That(end, Is.True);
        Assert.That(Memory(0x50020, 4), Is.EqualTo(new byte[] { 1, 2, 3, 4 }));
        Assert.That(_board.In(0xD0), Is.EqualTo(0x02));
    }

    [Test]
    public void Nothing_moves_while_masked_disabled_or_without_cascade()
    {
        Program(2, Single | Write, 0x10000, 16);
        DmaChannel channel = _board.Machine.Dma.Channel(2);
        Assert.That(channel.IsReady, Is.True);
        _board.Out(0x08, 0x04);
        Assert.That(channel.IsReady, Is.False, "controller disabled");
        _board.Out(0x08, 0x00);
        _board.Out(0xD4, 0x04);
        Assert.That(channel.IsReady, Is.False, "cascade masked");
        _board.Out(0xDC, 0x00);
        Assert.That(channel.IsReady, Is.True);
        _board.Out(0x0D, 0x00);
        Assert.That(channel.IsReady, Is.False, "master clear masks");
        Assert.That(_board.In(0x0F), Is.EqualTo(0xFF));
    }

    [Test]
    public void Waiting_device_is_told_when_its_channel_opens()
    {
        DmaChannel channel = _board.Machine.Dma.Channel(2);
        int told = 0;
        channel.Granted = () => told++;
        channel.Request = true;
        Assert.That(_board.In(8), Is.EqualTo(0x40), "DREQ is pending");
        Program(2, Single | Write, 0x10000, 16);
        Assert.That(told, Is.EqualTo(1));
        Board copy = _board.Clone();
        Assert.That(copy.Machine.Dma.Channel(2).Request, Is.True);
    }

    [Test]
    public void Memory_is_copied_by_channels_0_and_1()
    {
        _board.Machine.Memory.WriteBlock(0x4000, [5, 6, 7, 8]);
        _board.Out(0x87, 0);
        _board.Out(0x83, 0);
        Program(0, 0x80 | Read, 0x4000, 4, unmask: false);
        Program(1, 0x80 | Write, 0x5000, 4, unmask: false);
        _board.Out(0x08, 0x01);
        _board.Out(0x09, 0x04);
        Assert.That(Memory(0x5000, 5), Is.EqualTo(new byte[] { 5, 6, 7, 8, 0 }));
        Assert.That(_board.In(0x0D), Is.EqualTo(8), "temporary register");
        Assert.That(_board.In(0x08) & 2, Is.EqualTo(2));
    }

    private void Program(int channel, int mode, int address, int count, bool unmask = true)
    {
        int[] pages = [0x87, 0x83, 0x81, 0x82];
        _board.Out(0x0A, 4 | channel);
        _board.Out(0x0C, 0);
        _board.Out(0x0B, mode | channel);
        _board.Out((ushort)(2 * channel), address & 0xFF);
        _board.Out((ushort)(2 * channel), (address >> 8) & 0xFF);
        _board.Out((ushort)pages[channel], address >> 16);
        _board.Out((ushort)((2 * channel) + 1), (count - 1) & 0xFF);
        _board.Out((ushort)((2 * channel) + 1), (count - 1) >> 8);
        if (unmask)
        {
            _board.Out(0x0A, channel);
        }
    }

    private int Address(int channel) => Word((ushort)(2 * channel));

    private int Count(int channel) => Word((ushort)((2 * channel) + 1));

    private int Word(ushort port)
    {
        _board.Out(0x0C, 0);
        return _board.In(port) | (_board.In(port) << 8);
    }

    private byte[] Memory(uint address, int length)
    {
        byte[] data = new byte[length];
        _board.Machine.Memory.ReadBlock(address, data);
        return data;
    }
}
