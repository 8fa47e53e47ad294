// The DMA of the ISA bus (IBM PC/AT technical reference; 82371SB datasheet 290550, sections 2.5.1 and 3.2): two 8237 controllers and the page
// registers.
//
// Channels 0 to 3 move bytes within 64 KiB, 5 to 7 words within 128 KiB; channel 4 is the cascade, without which 0 to 3 are not served. Addresses
// have 24 bits.
//
// Ports: 00h-0Fh controller of channels 0 to 3 (and its alias 10h-1Fh), C0h-DFh controller of channels 4 to 7 at even ports (odd ones are
// aliases), page registers 87h, 83h, 81h, 82h for channels 0 to 3 and 8Bh, 89h, 8Ah for 5 to 7; 84h-86h, 88h, 8Ch-8Fh are latches. No interrupt.
using Emulator.Core.Machine;
using Emulator.Core.Memory;
using Emulator.Core.Snapshot;

namespace Emulator.Devices.Dma;

/// <summary>The seven DMA channels of a PC.</summary>
public sealed unsafe class IsaDma : IMachineComponent
{
    private const ushort SecondBase = 0xC0;
    private const ushort PageBase = 0x80;
    private const int ChannelCount = 8;
    private const int CascadeChannel = 4;

    private readonly I8237Dma _first;
    private readonly I8237Dma _second;
    private readonly byte[] _firstPages = new byte[I8237Dma.ChannelCount];
    private readonly byte[] _secondPages = new byte[I8237Dma.ChannelCount];
    private readonly byte[] _latches = new byte[16];
    private readonly DmaChannel?[] _channels = new DmaChannel?[ChannelCount];
    private bool _notifying;

    /// <summary>Creates the controllers after a reset: every channel masked.</summary>
    /// <param name="memory">Physical memory.</param>
    public IsaDma(PhysicalMemory memory)
    {
        _first = new I8237Dma(memory, _firstPages, 0);
        _second = new I8237Dma(memory, _secondPages, 1);
    }

    /// <inheritdoc/>
    public string StateId => "dma";

    /// <inheritdoc/>
    public int StateVersion => 1;

    /// <summary>The channel with a number, for its device.</summary>
    /// <param name="number">0 to 3 or 5 to 7.</param>
    public DmaChannel Channel(int number)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)number, (uint)ChannelCount - 1);
        ArgumentOutOfRangeException.ThrowIfEqual(number, CascadeChannel);
        return _channels[number] ??= new DmaChannel(this, number);
    }

    /// <summary>Maps the ports; after the POST port, whose range 81h-8Fh it takes.</summary>
    /// <param name="ports">The port space.</param>
    public void Map(PortMap ports)
    {
        ArgumentNullException.ThrowIfNull(ports);
        ports.Map(0, 0x20, 1, this, &Read, &Write, &Peek);
        ports.Map(SecondBase, 0x20, 1, this, &Read, &Write, &Peek);
        ports.Map(PageBase + 1, 15, 1, this, &ReadPage, &WritePage, &ReadPage);
    }

    /// <summary>Opens the cascade, as firmware does.</summary>
    public void OpenCascade()
    {
        const byte CascadeMode = 0xC0;
        _second.Write(11, CascadeMode);
        _second.Write(10, 0);
    }

    /// <inheritdoc/>
    public void Reset()
    {
        _first.Reset();
        _second.Reset();
        Array.Clear(_firstPages);
        Array.Clear(_secondPages);
        Array.Clear(_latches);
    }

    /// <inheritdoc/>
    public void Serialize(StateArchive archive)
    {
        ArgumentNullException.ThrowIfNull(archive);
        _first.Serialize(archive, "first.");
        _second.Serialize(archive, "second.");
        archive.Array<byte>("firstPages", _firstPages);
        archive.Array<byte>("secondPages", _secondPages);
        archive.Array<byte>("latches", _latches);
    }

    internal int Unit(int channel) => Chip(channel).Unit;

    internal bool Line(int channel) => Chip(channel).Line(channel & 3);

    internal void SetLine(int channel, bool level) => Chip(channel).SetLine(channel & 3, level);

    internal bool IsReady(int channel) => Chip(channel).IsReady(channel & 3) && (channel > CascadeChannel || _second.IsCascade(0));

    internal int Transfer(int channel, Span<byte> buffer, bool toMemory, out bool terminalCount)
    {
        terminalCount = false;
        return IsReady(channel) ? Chip(channel).Transfer(channel & 3, buffer, toMemory, out terminalCount) : 0;
    }

    private static uint Read(object target, ushort port, int size)
    {
        IsaDma dma = (IsaDma)target;
        return port < SecondBase ? dma._first.Read(port & 15, peek: false) : dma._second.Read((port >> 1) & 15, peek: false);
    }

    private static uint Peek(object target, ushort port, int size)
    {
        IsaDma dma = (IsaDma)target;
        return port < SecondBase ? dma._first.Read(port & 15, peek: true) : dma._second.Read((port >> 1) & 15, peek: true);
    }

    private static void Write(object target, ushort port, int size, uint value)
    {
        IsaDma dma = (IsaDma)target;
        if (port < SecondBase)
        {
            dma._first.Write(port & 15, (byte)value);
        }
        else
        {
            dma._second.Write((port >> 1) & 15, (byte)value);
        }

        dma.Notify();
    }

    private static uint ReadPage(object target, ushort port, int size)
    {
        IsaDma dma = (IsaDma)target;
        return dma.Page(port);
    }

    private static void WritePage(object target, ushort port, int size, uint value)
    {
        IsaDma dma = (IsaDma)target;
        dma.Page(port) = (byte)value;
    }

    private I8237Dma Chip(int channel) => channel < CascadeChannel ? _first : _second;

    private ref byte Page(ushort port)
    {
        switch (port & 15)
        {
            case 0x7:
                return ref _firstPages[0];
            case 0x3:
                return ref _firstPages[1];
            case 0x1:
                return ref _firstPages[2];
            case 0x2:
                return ref _firstPages[3];
            case 0xB:
                return ref _secondPages[1];
            case 0x9:
                return ref _secondPages[2];
            case 0xA:
                return ref _secondPages[3];
            default:
                return ref _latches[port & 15];
        }
    }

    /// <summary>Tells devices whose request waits that their channel is ready now.</summary>
    private void Notify()
    {
        if (_notifying)
        {
            return;
        }

        _notifying = true;
        foreach (DmaChannel? channel in _channels)
        {
            if (channel is { Granted: { } granted, Request: true, IsReady: true })
            {
                granted();
            }
        }

        _notifying = false;
    }
}
