using Emulator.Core.Machine;
using Emulator.Core.Snapshot;

namespace Emulator.Devices.Vga;

/// <content>Registers and ports.</content>
public sealed unsafe partial class VgaAdapter
{
    private const int SequencerCount = 5;
    private const int CrtcCount = 0x19;
    private const int GraphicsCount = 9;
    private const int AttributeCount = 0x15;
    private const ushort FirstPort = 0x3C0;
    private const int CrtcProtect = 0x11;
    private const byte ProtectBit = 0x80;
    private const byte PaletteSource = 0x20;
    private const byte MiscColor = 0x01;
    private const byte MiscMemoryEnable = 0x02;
    private const byte MiscOddEvenPage = 0x20;
    private const byte MonitorPresent = 0x10;

    private static ReadOnlySpan<byte> SequencerMask => [0x03, 0x3D, 0x0F, 0x3F, 0x0E];

    private static ReadOnlySpan<byte> GraphicsMask => [0x0F, 0x0F, 0x0F, 0x1F, 0x03, 0x7B, 0x0F, 0x0F, 0xFF];

    private readonly byte[] _sequencer = new byte[SequencerCount];
    private readonly byte[] _crtc = new byte[CrtcCount];
    private readonly byte[] _graphics = new byte[GraphicsCount];
    private readonly byte[] _attribute = new byte[AttributeCount];
    private byte _sequencerIndex;
    private byte _crtcIndex;
    private byte _graphicsIndex;
    private byte _attributeIndex;
    private bool _attributeData;
    private byte _misc;
    private byte _feature;
    private byte _enable;

    /// <summary>Sequencer registers.</summary>
    internal ReadOnlySpan<byte> Sequencer => _sequencer;

    /// <summary>CRTC registers.</summary>
    internal ReadOnlySpan<byte> Crtc => _crtc;

    /// <summary>Graphics controller registers.</summary>
    internal ReadOnlySpan<byte> Graphics => _graphics;

    /// <summary>Attribute controller registers.</summary>
    internal ReadOnlySpan<byte> Attribute => _attribute;

    /// <summary>The palette.</summary>
    internal VgaDac Dac { get; } = new();

    /// <summary>Whether the attribute controller shows video memory (bit 5 of its index), and the sequencer lets it.</summary>
    internal bool IsDisplayEnabled => (_attributeIndex & PaletteSource) != 0 && !IsScreenOff;

    /// <summary>Whether the sequencer keeps the screen dark (clocking mode, bit 5), in dispi modes too.</summary>
    internal bool IsScreenOff => (_sequencer[1] & 0x20) != 0;

    /// <summary>Changes with every register that the picture depends on, the palette and the text cursor excepted.</summary>
    internal int Generation { get; private set; }

    /// <summary>Where the beam is.</summary>
    internal VgaTiming Timing => IsDispiEnabled ? VgaTiming.Fixed(DispiWidth, DispiHeight) : VgaTiming.FromRegisters(_misc, _sequencer[1], _crtc);

    /// <summary>Virtual nanoseconds now.</summary>
    internal long Now => _clock.Now;

    /// <summary>Maps the ports.</summary>
    /// <param name="ports">The port space.</param>
    public void Map(PortMap ports)
    {
        ArgumentNullException.ThrowIfNull(ports);
        ports.Map(0x3B4, 2, 1, this, &ReadPort, &WritePort, &PeekPort);
        ports.Map(0x3BA, 1, 1, this, &ReadPort, &WritePort, &PeekPort);
        ports.Map(0x3C0, 16, 1, this, &ReadPort, &WritePort, &PeekPort);
        ports.Map(0x3D4, 2, 1, this, &ReadPort, &WritePort, &PeekPort);
        ports.Map(0x3DA, 1, 1, this, &ReadPort, &WritePort, &PeekPort);
        ports.Map(0x1CE, 3, 2, this, &ReadDispiPort, &WriteDispiPort, &ReadDispiPort);
    }

    private static uint ReadPort(object target, ushort port, int size) => ((VgaAdapter)target).Read(port, peek: false);

    private static uint PeekPort(object target, ushort port, int size) => ((VgaAdapter)target).Read(port, peek: true);

    private static void WritePort(object target, ushort port, int size, uint value) => ((VgaAdapter)target).Write(port, (byte)value);

    private static ulong ReadRegisters(object target, uint address, int size) => ((MappedRegisters)target).Vga.ReadMapped(address, size, peek: false);

    private static ulong PeekRegisters(object target, uint address, int size) => ((MappedRegisters)target).Vga.ReadMapped(address, size, peek: true);

    private static void WriteRegisters(object target, uint address, int size, ulong value)
    {
        VgaAdapter vga = ((MappedRegisters)target).Vga;
        uint offset = address & (RegistersSize - 1);
        for (uint i = 0; i < size; i++)
        {
            uint at = offset + i;
            if (at is >= 0x400 and < 0x420)
            {
                vga.Write((ushort)(FirstPort + (at - 0x400)), (byte)(value >> (int)(8 * i)));
            }
            else if (at is >= 0x500 and < 0x500 + (2 * DispiRegisters) && (at & 1) == 0 && i + 1 < size)
            {
                vga.WriteDispi((int)(at - 0x500) / 2, (ushort)(value >> (int)(8 * i)));
            }
        }
    }

    private ulong ReadMapped(uint address, int size, bool peek)
    {
        uint offset = address & (RegistersSize - 1);
        ulong value = 0;
        for (uint i = 0; i < size; i++)
        {
            uint at = offset + i;
            uint part = at switch
            {
                < VgaMonitor.Length => VgaMonitor.Edid[at],
                < 0x400 => 0,
                >= 0x400 and < 0x420 => Read((ushort)(FirstPort + (at - 0x400)), peek),
                >= 0x500 and < 0x500 + (2 * DispiRegisters) => (uint)ReadDispi((int)(at - 0x500) / 2) >> (int)(8 * (at & 1)),
                0x600 => 8, // bytes of the byte order registers
                0x601 or 0x602 or 0x603 => 0,
                >= 0x604 and < 0x608 => 0x1E, // little-endian
                _ => 0xFF,
            };
            value |= (ulong)(part & 0xFF) << (int)(8 * i);
        }

        return value;
    }

    /// <summary>Whether a port of the CRTC group answers: 3Bxh for monochrome, 3Dxh for color.</summary>
    private bool Answers(ushort port) => (port & 0xFF0) == 0x3C0 || (port & 0xFF0) == ((_misc & MiscColor) != 0 ? 0x3D0 : 0x3B0);

    private byte Read(ushort port, bool peek)
    {
        if (!Answers(port))
        {
            return 0xFF;
        }

        switch (port)
        {
            case 0x3C0:
                return _attributeIndex;
            case 0x3C1:
                int attribute = _attributeIndex & 0x1F;
                return attribute < AttributeCount ? _attribute[attribute] : (byte)0;
            case 0x3C2:
                return MonitorPresent;
            case 0x3C3:
                return _enable;
            case 0x3C4:
                return _sequencerIndex;
            case 0x3C5:
                return _sequencerIndex < SequencerCount ? _sequencer[_sequencerIndex] : (byte)0;
            case 0x3C6:
                return Dac.Mask;
            case 0x3C7:
                return Dac.State;
            case 0x3C8:
                return Dac.WriteIndex;
            case 0x3C9:
                return Dac.ReadData(peek);
            case 0x3CA:
                return _feature;
            case 0x3CC:
                return _misc;
            case 0x3CE:
                return _graphicsIndex;
            case 0x3CF:
                return _graphicsIndex < GraphicsCount ? _graphics[_graphicsIndex] : (byte)0;
            case 0x3B4 or 0x3D4:
                return _crtcIndex;
            case 0x3B5 or 0x3D5:
                return _crtcIndex < CrtcCount ? _crtc[_crtcIndex] : (byte)0;
            case 0x3BA or 0x3DA:
                if (!peek)
                {
                    _attributeData = false;
                }

                (bool blank, bool retrace) = Timing.Position(Now);
                return (byte)((blank ? 1 : 0) | (retrace ? 8 : 0));
            default:
                return 0xFF;
        }
    }

    private void Write(ushort port, byte value)
    {
        if (!Answers(port))
        {
            return;
        }

        switch (port)
        {
            case 0x3C0:
                WriteAttribute(value);
                break;
            case 0x3C2:
                Set(ref _misc, (byte)(value & 0xEF));
                break;
            case 0x3C3:
                _enable = value;
                break;
            case 0x3C4:
                _sequencerIndex = (byte)(value & 7);
                break;
            case 0x3C5:
                if (_sequencerIndex < SequencerCount)
                {
                    Set(ref _sequencer[_sequencerIndex], (byte)(value & SequencerMask[_sequencerIndex]));
                }

                break;
            case 0x3C6:
                Dac.Mask = value;
                break;
            case 0x3C7:
                Dac.SetReadIndex(value);
                break;
            case 0x3C8:
                Dac.SetWriteIndex(value);
                break;
            case 0x3C9:
                Dac.WriteData(value);
                break;
            case 0x3CE:
                _graphicsIndex = (byte)(value & 0x0F);
                break;
            case 0x3CF:
                if (_graphicsIndex < GraphicsCount)
                {
                    Set(ref _graphics[_graphicsIndex], (byte)(value & GraphicsMask[_graphicsIndex]));
                }

                break;
            case 0x3B4 or 0x3D4:
                _crtcIndex = (byte)(value & 0x1F);
                break;
            case 0x3B5 or 0x3D5:
                WriteCrtc(value);
                break;
            case 0x3BA or 0x3DA:
                _feature = (byte)(value & 0x0B);
                break;
            default:
                break;
        }
    }

    private void WriteAttribute(byte value)
    {
        _attributeData = !_attributeData;
        if (_attributeData)
        {
            Generation += ((_attributeIndex ^ value) & PaletteSource) != 0 ? 1 : 0;
            _attributeIndex = (byte)(value & 0x3F);
            return;
        }

        int index = _attributeIndex & 0x1F;
        if (index < AttributeCount)
        {
            byte mask = index switch { < 0x10 => 0x3F, 0x10 => 0xEF, 0x11 => 0xFF, 0x12 => 0x3F, _ => 0x0F };
            if (_attribute[index] != (byte)(value & mask))
            {
                _attribute[index] = (byte)(value & mask);
                Generation++;
            }
        }
    }

    private void WriteCrtc(byte value)
    {
        if (_crtcIndex >= CrtcCount)
        {
            return;
        }

        if (_crtcIndex <= 7 && (_crtc[CrtcProtect] & ProtectBit) != 0)
        {
            if (_crtcIndex != 7)
            {
                return;
            }

            value = (byte)((_crtc[7] & 0xEF) | (value & 0x10)); // bit 8 of line compare is not protected
        }

        if (_crtc[_crtcIndex] != value)
        {
            _crtc[_crtcIndex] = value;
            Generation += _crtcIndex is 0x0A or 0x0B or 0x0E or 0x0F ? 0 : 1;
        }
    }

    /// <summary>Changes a register that the picture and the window at A0000h may depend on.</summary>
    private void Set(ref byte register, byte value)
    {
        if (register != value)
        {
            register = value;
            Generation++;
            UpdateWindow();
        }
    }

    private void Changed() => Generation++;

    private void ResetRegisters()
    {
        Array.Clear(_sequencer);
        Array.Clear(_crtc);
        Array.Clear(_graphics);
        Array.Clear(_attribute);
        _sequencerIndex = _crtcIndex = _graphicsIndex = _attributeIndex = 0;
        _attributeData = false;
        _misc = MiscColor | MiscMemoryEnable;
        _feature = 0;
        _enable = 1;
        _graphics[8] = 0xFF;
        _latch = 0;
        Dac.Reset();
        ResetDispi();
        Changed();
    }

    private void SerializeRegisters(StateArchive archive)
    {
        archive.Array<byte>("sequencer", _sequencer);
        archive.Array<byte>("crtc", _crtc);
        archive.Array<byte>("graphics", _graphics);
        archive.Array<byte>("attribute", _attribute);
        archive.Field("sequencerIndex", ref _sequencerIndex);
        archive.Field("crtcIndex", ref _crtcIndex);
        archive.Field("graphicsIndex", ref _graphicsIndex);
        archive.Field("attributeIndex", ref _attributeIndex);
        archive.Field("attributeData", ref _attributeData);
        archive.Field("misc", ref _misc);
        archive.Field("feature", ref _feature);
        archive.Field("enable", ref _enable);
        archive.Field("latch", ref _latch);
        Dac.Serialize(archive);
        SerializeDispi(archive);
        if (archive.IsLoading)
        {
            _sequencerIndex &= 7;
            _crtcIndex &= 0x1F;
            _graphicsIndex &= 0x0F;
            _attributeIndex &= 0x3F;
            for (int i = 0; i < SequencerCount; i++)
            {
                _sequencer[i] &= SequencerMask[i];
            }

            for (int i = 0; i < GraphicsCount; i++)
            {
                _graphics[i] &= GraphicsMask[i];
            }

            for (int i = 0; i < 0x10; i++)
            {
                _attribute[i] &= 0x3F;
            }
        }
    }
}
