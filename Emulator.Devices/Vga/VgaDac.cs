using Emulator.Core.Snapshot;

namespace Emulator.Devices.Vga;

/// <summary>
/// The palette of a VGA: 256 entries of three 6-bit (with the Bochs VBE extension 8-bit) components behind an address that moves on after
/// every third access, and the pixel mask.
/// </summary>
internal sealed class VgaDac
{
    private const int Components = 3;
    private const byte SixBits = 0x3F;
    private const byte ReadState = 3;

    private readonly byte[] _colors = new byte[256 * Components];
    private readonly byte[] _latch = new byte[Components];
    private byte _writeIndex;
    private byte _readIndex;
    private byte _component;
    private byte _state;
    private byte _mask = 0xFF;

    /// <summary>Whether components have 8 bits instead of 6.</summary>
    public bool IsEightBit { get; set; }

    /// <summary>Changes whenever a color or the mask does.</summary>
    public int Generation { get; private set; }

    /// <summary>3C6h.</summary>
    public byte Mask
    {
        get => _mask;
        set
        {
            Generation += value != _mask ? 1 : 0;
            _mask = value;
        }
    }

    /// <summary>3C7h as read: 0 after a write address, 3 after a read address.</summary>
    public byte State => _state;

    /// <summary>3C8h as read.</summary>
    public byte WriteIndex => _writeIndex;

    public void SetReadIndex(byte value)
    {
        _readIndex = value;
        _component = 0;
        _state = ReadState;
    }

    public void SetWriteIndex(byte value)
    {
        _writeIndex = value;
        _component = 0;
        _state = 0;
    }

    public void WriteData(byte value)
    {
        _latch[_component++] = IsEightBit ? value : (byte)(value & SixBits);
        if (_component == Components)
        {
            _component = 0;
            Span<byte> color = _colors.AsSpan(_writeIndex * Components, Components);
            if (!color.SequenceEqual(_latch))
            {
                _latch.CopyTo(color);
                Generation++;
            }

            _writeIndex++;
        }
    }

    public byte ReadData(bool peek)
    {
        byte value = _colors[(_readIndex * Components) + _component];
        if (!peek && ++_component == Components)
        {
            _component = 0;
            _readIndex++;
        }

        return value;
    }

    /// <summary>Color of a pixel value behind the mask as 0xFFRRGGBB.</summary>
    public uint Color(int value)
    {
        int at = (value & _mask) * Components;
        return 0xFF000000 | (Level(_colors[at]) << 16) | (Level(_colors[at + 1]) << 8) | Level(_colors[at + 2]);
    }

    public void Reset()
    {
        Array.Clear(_colors);
        Array.Clear(_latch);
        _writeIndex = _readIndex = _component = _state = 0;
        _mask = 0xFF;
        IsEightBit = false;
        Generation++;
    }

    public void Serialize(StateArchive archive)
    {
        bool eightBit = IsEightBit;
        archive.Array<byte>("dac.colors", _colors);
        archive.Array<byte>("dac.latch", _latch);
        archive.Field("dac.writeIndex", ref _writeIndex);
        archive.Field("dac.readIndex", ref _readIndex);
        archive.Field("dac.component", ref _component);
        archive.Field("dac.state", ref _state);
        archive.Field("dac.mask", ref _mask);
        archive.Field("dac.eightBit", ref eightBit);
        archive.Check(_component < Components, "dac.component");
        IsEightBit = eightBit;
        Generation++;
    }

    private uint Level(byte component) => IsEightBit ? component : ((uint)(component & SixBits) << 2) | ((uint)(component & SixBits) >> 4);
}
