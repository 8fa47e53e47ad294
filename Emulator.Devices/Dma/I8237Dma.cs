// Intel 8237A DMA controller (datasheet 231466): four channels with base and current registers, single, block, demand and cascade mode, read,
// write and verify transfers, autoinitialization, address decrement, masks, software requests, terminal counts, memory-to-memory transfers
// with the temporary register and channel 0 address hold, controller disable.
//
// Transfers happen when the device asks for them, many bytes at once and in no time, so that bus timing (compressed, extended write), the
// order of simultaneous requests (priority is stored) and the sense of DREQ and DACK have no effect. A software request of a channel whose
// device does not answer counts down to its terminal count at once in block mode, without data.
//
// Registers 0 to 15 from the base: address and count of channels 0 to 3, status and command (8), request (9), single mask (10), mode (11), clear
// flip-flop (12), temporary register and master clear (13), clear masks (14), all masks (15). Registers that the datasheet lists as illegal to
// read return FFh, all masks the masks, as chip sets do. The board (IsaDma) adds page registers and ports. No interrupt.
using Emulator.Core.Memory;
using Emulator.Core.Snapshot;

namespace Emulator.Devices.Dma;

/// <summary>One DMA controller of four channels.</summary>
internal sealed class I8237Dma
{
    public const int ChannelCount = 4;

    private const int Status = 8;
    private const int Request = 9;
    private const int SingleMask = 10;
    private const int Mode = 11;
    private const int ClearFlipFlop = 12;
    private const int Temporary = 13;
    private const int ClearMasks = 14;
    private const int AllMasks = 15;

    private const byte CommandMemoryToMemory = 0x01;
    private const byte CommandHoldAddress = 0x02;
    private const byte CommandDisable = 0x04;
    private const byte ModeTypeMask = 0x0C;
    private const byte ModeWrite = 0x04;
    private const byte ModeRead = 0x08;
    private const byte ModeAutoInitialize = 0x10;
    private const byte ModeDecrement = 0x20;
    private const byte ModeService = 0xC0;
    private const byte ModeBlock = 0x80;
    private const byte ModeCascade = 0xC0;

    private readonly PhysicalMemory _memory;
    private readonly byte[] _pages;
    private readonly int _shift;
    private readonly ushort[] _baseAddress = new ushort[ChannelCount];
    private readonly ushort[] _baseCount = new ushort[ChannelCount];
    private readonly ushort[] _address = new ushort[ChannelCount];
    private readonly ushort[] _count = new ushort[ChannelCount];
    private readonly byte[] _mode = new byte[ChannelCount];
    private byte _command;
    private byte _mask = 0x0F;
    private byte _softwareRequests;
    private byte _lines;
    private byte _terminalCounts;
    private byte _temporary;
    private bool _high;

    /// <summary>Creates the chip after a reset.</summary>
    /// <param name="memory">Physical memory.</param>
    /// <param name="pages">Address bits 16 to 23 of each channel.</param>
    /// <param name="shift">0 for byte channels; 1 for word channels, whose addresses and counts are in words.</param>
    public I8237Dma(PhysicalMemory memory, byte[] pages, int shift)
    {
        _memory = memory;
        _pages = pages;
        _shift = shift;
    }

    /// <summary>Bytes of one transfer: 1 or 2.</summary>
    public int Unit => 1 << _shift;

    /// <summary>Whether a channel would be served if its device asked: unmasked, and not a cascade.</summary>
    public bool IsReady(int channel) => IsOpen(channel) && (_mode[channel] & ModeService) != ModeCascade;

    /// <summary>Whether a channel passes the requests of another controller on.</summary>
    public bool IsCascade(int channel) => IsOpen(channel) && (_mode[channel] & ModeService) == ModeCascade;

    /// <summary>Drives DREQ.</summary>
    public void SetLine(int channel, bool level) => _lines = (byte)(level ? _lines | (1 << channel) : _lines & ~(1 << channel));

    /// <summary>The level of DREQ.</summary>
    public bool Line(int channel) => (_lines & (1 << channel)) != 0;

    public void Reset()
    {
        MasterClear();
        _lines = 0;
        for (int i = 0; i < ChannelCount; i++)
        {
            _mode[i] = 0;
            _address[i] = _baseAddress[i] = _count[i] = _baseCount[i] = 0;
        }
    }

    public void Serialize(StateArchive archive, string prefix)
    {
        archive.Array<ushort>(prefix + "baseAddress", _baseAddress);
        archive.Array<ushort>(prefix + "baseCount", _baseCount);
        archive.Array<ushort>(prefix + "address", _address);
        archive.Array<ushort>(prefix + "count", _count);
        archive.Array<byte>(prefix + "mode", _mode);
        archive.Field(prefix + "command", ref _command);
        archive.Field(prefix + "mask", ref _mask);
        archive.Field(prefix + "softwareRequests", ref _softwareRequests);
        archive.Field(prefix + "lines", ref _lines);
        archive.Field(prefix + "terminalCounts", ref _terminalCounts);
        archive.Field(prefix + "temporary", ref _temporary);
        archive.Field(prefix + "high", ref _high);
        archive.Check(((_mask | _softwareRequests | _lines | _terminalCounts) & 0xF0) == 0, prefix + "mask");
    }

    /// <summary>Reads a register.</summary>
    /// <param name="register">Number, 0 to 15.</param>
    /// <param name="peek">Whether to leave flip-flop and status alone.</param>
    public byte Read(int register, bool peek)
    {
        switch (register)
        {
            case < Status:
                ushort value = (register & 1) == 0 ? _address[register >> 1] : _count[register >> 1];
                int shift = _high ? 8 : 0;
                _high ^= !peek;
                return (byte)(value >> shift);
            case Status:
                byte status = (byte)(_terminalCounts | ((_lines | _softwareRequests) << 4));
                _terminalCounts = peek ? _terminalCounts : (byte)0;
                return status;
            case Temporary:
                return _temporary;
            case AllMasks:
                return (byte)(0xF0 | _mask);
            default:
                return 0xFF;
        }
    }

    /// <summary>Writes a register.</summary>
    /// <param name="register">Number, 0 to 15.</param>
    /// <param name="value">Value.</param>
    public void Write(int register, byte value)
    {
        int channel = value & 3;
        int bit = 1 << channel;
        switch (register)
        {
            case < Status:
                WriteCounter(register, value);
                break;
            case Status:
                _command = value;
                break;
            case Request:
                _softwareRequests = (byte)((value & 4) != 0 ? _softwareRequests | bit : _softwareRequests & ~bit);
                break;
            case SingleMask:
                _mask = (byte)((value & 4) != 0 ? _mask | bit : _mask & ~bit);
                break;
            case Mode:
                _mode[channel] = (byte)(value & ~3);
                break;
            case ClearFlipFlop:
                _high = false;
                break;
            case Temporary:
                MasterClear();
                break;
            case ClearMasks:
                _mask = 0;
                break;
            default:
                _mask = (byte)(value & 0x0F);
                break;
        }

        ServeSoftwareRequests();
    }

    /// <summary>Moves bytes between a device and memory, as far as the channel counts.</summary>
    /// <param name="channel">Channel, ready.</param>
    /// <param name="buffer">The device's bytes; a whole number of units is used.</param>
    /// <param name="toMemory">Whether the device drives the data.</param>
    /// <param name="terminalCount">Whether the last unit was the channel's last.</param>
    /// <returns>Bytes that the controller took or delivered.</returns>
    public int Transfer(int channel, Span<byte> buffer, bool toMemory, out bool terminalCount)
    {
        terminalCount = false;
        int units = Math.Min(buffer.Length >> _shift, _count[channel] + 1);
        if (units == 0)
        {
            return 0;
        }

        Span<byte> part = buffer[..(units << _shift)];
        byte type = (byte)(_mode[channel] & ModeTypeMask);
        if (type == (toMemory ? ModeWrite : ModeRead))
        {
            Move(channel, part, toMemory);
        }
        else if (!toMemory)
        {
            part.Fill(0xFF); // a verify cycle, or the wrong direction: nobody drives the bus
        }

        Advance(channel, units, (_mode[channel] & ModeDecrement) != 0);
        terminalCount = CountDown(channel, units);
        return part.Length;
    }

    private bool IsOpen(int channel) => (_command & CommandDisable) == 0 && (_mask & (1 << channel)) == 0;

    private void MasterClear()
    {
        _command = _softwareRequests = _terminalCounts = _temporary = 0;
        _mask = 0x0F;
        _high = false;
    }

    private void WriteCounter(int register, byte value)
    {
        int channel = register >> 1;
        ushort[] values = (register & 1) == 0 ? _baseAddress : _baseCount;
        ushort[] current = (register & 1) == 0 ? _address : _count;
        values[channel] = (ushort)(_high ? (values[channel] & 0x00FF) | (value << 8) : (values[channel] & 0xFF00) | value);
        current[channel] = (ushort)(_high ? (current[channel] & 0x00FF) | (value << 8) : (current[channel] & 0xFF00) | value);
        _high = !_high;
    }

    private uint Linear(int channel) => ((uint)(_pages[channel] >> _shift << _shift) << 16) | ((uint)_address[channel] << _shift);

    /// <summary>Copies between the buffer and the addresses of a channel, which wrap within 64 Ki units.</summary>
    private void Move(int channel, Span<byte> buffer, bool toMemory)
    {
        ushort saved = _address[channel];
        bool down = (_mode[channel] & ModeDecrement) != 0;
        for (int at = 0; at < buffer.Length;)
        {
            int units = down ? 1 : Math.Min((buffer.Length - at) >> _shift, 0x10000 - _address[channel]);
            Span<byte> part = buffer.Slice(at, units << _shift);
            if (toMemory)
            {
                _memory.WriteBlock(Linear(channel), part);
            }
            else
            {
                _memory.ReadBlock(Linear(channel), part);
            }

            Advance(channel, units, down);
            at += part.Length;
        }

        _address[channel] = saved;
    }

    private void Advance(int channel, int units, bool down) => _address[channel] = (ushort)(_address[channel] + (down ? -units : units));

    /// <summary>Counts units; at the end of the count the channel is reloaded or masked.</summary>
    private bool CountDown(int channel, int units)
    {
        bool end = units > _count[channel];
        _count[channel] -= (ushort)units;
        if (end)
        {
            byte bit = (byte)(1 << channel);
            _terminalCounts |= bit;
            _softwareRequests &= (byte)~bit;
            if ((_mode[channel] & ModeAutoInitialize) != 0)
            {
                _address[channel] = _baseAddress[channel];
                _count[channel] = _baseCount[channel];
            }
            else
            {
                _mask |= bit;
            }
        }

        return end;
    }

    /// <summary>Software requests work in block mode, and start memory-to-memory transfers on channel 0; masks do not hold them back.</summary>
    private void ServeSoftwareRequests()
    {
        if (_softwareRequests == 0 || (_command & CommandDisable) != 0)
        {
            return;
        }

        if ((_command & CommandMemoryToMemory) != 0 && (_softwareRequests & 1) != 0)
        {
            CopyMemory();
        }

        for (int i = 0; i < ChannelCount; i++)
        {
            if ((_softwareRequests & (1 << i)) != 0 && (_mode[i] & ModeService) == ModeBlock)
            {
                int units = _count[i] + 1;
                Advance(i, units, (_mode[i] & ModeDecrement) != 0);
                CountDown(i, units);
            }
        }
    }

    /// <summary>Channel 0 reads, channel 1 writes and counts.</summary>
    private void CopyMemory()
    {
        Span<byte> unit = stackalloc byte[Unit];
        int units = _count[1] + 1;
        for (int i = 0; i < units; i++)
        {
            _memory.ReadBlock(Linear(0), unit);
            _memory.WriteBlock(Linear(1), unit);
            if ((_command & CommandHoldAddress) == 0)
            {
                Advance(0, 1, (_mode[0] & ModeDecrement) != 0);
            }

            Advance(1, 1, (_mode[1] & ModeDecrement) != 0);
        }

        _temporary = unit[0];
        _count[0] -= (ushort)units;
        CountDown(1, units);
        _softwareRequests &= 0xFE;
    }
}
