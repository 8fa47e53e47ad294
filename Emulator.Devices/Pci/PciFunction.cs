using System.Buffers.Binary;
using Emulator.Core.Machine;
using Emulator.Core.Snapshot;

namespace Emulator.Devices.Pci;

/// <summary>
/// A function of a PCI device with a type 0 header: 256 bytes of configuration space in which each bit is fixed, writable, or cleared by
/// writing 1, and base address registers that tell the function where it is mapped.
/// </summary>
public abstract class PciFunction : IMachineComponent
{
    /// <summary>Offset of the command register.</summary>
    protected const int CommandRegister = 0x04;

    /// <summary>Offset of the status register.</summary>
    protected const int StatusRegister = 0x06;

    private const int ConfigurationSize = 256;
    private const int FirstBar = 0x10;
    private const int BarCount = 6;
    private const int RomRegister = 0x30;
    private const uint RomEnable = 1;
    private const uint Prefetchable = 8;
    private const int InterruptLineRegister = 0x3C;
    private const int InterruptPinRegister = 0x3D;
    private const ushort CommandPorts = 1;
    private const ushort CommandMemory = 2;

    private readonly byte[] _configuration = new byte[ConfigurationSize];
    private readonly byte[] _initial = new byte[ConfigurationSize];
    private readonly byte[] _writable = new byte[ConfigurationSize];
    private readonly byte[] _clearable = new byte[ConfigurationSize];
    private readonly PciBar?[] _bars = new PciBar?[BarCount];
    private readonly List<PciBar> _present = [];
    private PciBar? _rom;

    /// <summary>Creates a function with a header and nothing else.</summary>
    /// <param name="stateId">Name in snapshots.</param>
    /// <param name="vendor">Vendor identification.</param>
    /// <param name="device">Device identification.</param>
    /// <param name="classCode">Class, subclass and programming interface, 24 bits.</param>
    /// <param name="revision">Revision.</param>
    /// <param name="multifunction">Whether the device has more functions.</param>
    protected PciFunction(string stateId, ushort vendor, ushort device, uint classCode, byte revision, bool multifunction = false)
    {
        StateId = stateId;
        Define(0x00, 4, vendor | ((uint)device << 16), 0);
        Define(0x08, 4, (classCode << 8) | revision, 0);
        Define(0x0C, 4, multifunction ? 0x0080_0000u : 0, 0x0000_FF00);
        Define(InterruptLineRegister, 1, 0, 0xFF);
    }

    /// <inheritdoc/>
    public string StateId { get; }

    /// <inheritdoc/>
    public virtual int StateVersion => 1;

    /// <summary>The interrupt pin's line, connected by the bus; to nowhere for a function without a pin.</summary>
    public IrqLine Interrupt { get; internal set; } = new();

    /// <summary>The bus that it is on, or null.</summary>
    internal PciBus? Bus { get; set; }

    /// <summary>Its place on the bus: device number shifted by 3, and function number.</summary>
    internal int Place { get; set; }

    /// <summary>Its base address registers, the expansion ROM's last.</summary>
    internal IReadOnlyList<PciBar> Bars => _present;

    /// <summary>Interrupt pin: 0 none, 1 INTA# to 4 INTD#.</summary>
    public int InterruptPin => _configuration[InterruptPinRegister];

    /// <summary>Reads configuration space.</summary>
    /// <param name="offset">Offset, 0 to 255.</param>
    /// <param name="size">Bytes: 1, 2 or 4, not across a doubleword.</param>
    public uint ReadConfiguration(int offset, int size)
    {
        uint value = 0;
        for (int i = 0; i < size; i++)
        {
            value |= (uint)_configuration[(offset + i) & 0xFF] << (8 * i);
        }

        return value;
    }

    /// <summary>Writes configuration space, as the guest does.</summary>
    /// <param name="offset">Offset, 0 to 255.</param>
    /// <param name="size">Bytes: 1, 2 or 4, not across a doubleword.</param>
    /// <param name="value">Value.</param>
    public void WriteConfiguration(int offset, int size, uint value)
    {
        for (int i = 0; i < size; i++)
        {
            int at = (offset + i) & 0xFF;
            byte data = (byte)(value >> (8 * i));
            int kept = _configuration[at] & ~_writable[at] & ~(data & _clearable[at]);
            _configuration[at] = (byte)(kept | (data & _writable[at]));
        }

        UpdateBars();
        OnWritten(offset, size);
    }

    /// <inheritdoc/>
    public virtual void Reset()
    {
        _initial.CopyTo(_configuration, 0);
        UpdateBars();
    }

    /// <inheritdoc/>
    public virtual void Serialize(StateArchive archive)
    {
        ArgumentNullException.ThrowIfNull(archive);
        archive.Array<byte>("configuration", _configuration);
        if (archive.IsLoading)
        {
            for (int i = 0; i < ConfigurationSize; i++)
            {
                int changeable = _writable[i] | _clearable[i];
                _configuration[i] = (byte)((_configuration[i] & changeable) | (_initial[i] & ~changeable));
            }

            UpdateBars();
        }
    }

    /// <summary>Defines a register.</summary>
    /// <param name="offset">Offset.</param>
    /// <param name="size">Bytes: 1, 2 or 4.</param>
    /// <param name="initial">Value after reset.</param>
    /// <param name="writable">Bits that the guest writes.</param>
    /// <param name="clearable">Bits that the guest clears by writing 1.</param>
    protected void Define(int offset, int size, uint initial, uint writable, uint clearable = 0)
    {
        for (int i = 0; i < size; i++)
        {
            _configuration[offset + i] = _initial[offset + i] = (byte)(initial >> (8 * i));
            _writable[offset + i] = (byte)(writable >> (8 * i));
            _clearable[offset + i] = (byte)(clearable >> (8 * i));
        }
    }

    /// <summary>Defines the interrupt pin.</summary>
    /// <param name="pin">1 for INTA# to 4 for INTD#.</param>
    protected void DefineInterruptPin(int pin) => Define(InterruptPinRegister, 1, (uint)pin, 0);

    /// <summary>Defines a base address register.</summary>
    /// <param name="index">Number, 0 to 5.</param>
    /// <param name="isPorts">Whether it decodes I/O ports; otherwise 32-bit memory.</param>
    /// <param name="size">Bytes or ports, a power of two: ports 4 to 256, memory from 4096.</param>
    /// <param name="moved">Called after the range was unmapped, and after it was mapped.</param>
    /// <param name="prefetchable">Whether memory has no read side effects and merges writes.</param>
    protected PciBar DefineBar(int index, bool isPorts, uint size, Action<PciBar> moved, bool prefetchable = false)
    {
        PciBar bar = new(index, isPorts, size, moved);
        bar.Changed = Rearrange;
        _bars[index] = bar;
        Present();
        Define(FirstBar + (4 * index), 4, isPorts ? 1u : prefetchable ? Prefetchable : 0u, ~(size - 1));
        return bar;
    }

    /// <summary>Defines the expansion ROM base address register (PCI local bus specification 2.1, section 6.2.5.2).</summary>
    /// <param name="size">Bytes, a power of two from 4096.</param>
    /// <param name="moved">Called after the ROM was unmapped, and after it was mapped.</param>
    protected void DefineRomBar(uint size, Action<PciBar> moved)
    {
        _rom = new PciBar(BarCount, isPorts: false, size, moved) { Changed = Rearrange };
        Present();
        Define(RomRegister, 4, 0, ~(size - 1) | RomEnable);
    }

    /// <summary>Sets bits of a register from inside the chip (status bits).</summary>
    /// <param name="offset">Offset of the byte.</param>
    /// <param name="value">New value of the byte.</param>
    protected void Poke(int offset, byte value) => _configuration[offset & 0xFF] = value;

    /// <summary>Called after the guest wrote configuration space.</summary>
    /// <param name="offset">First byte.</param>
    /// <param name="size">Bytes.</param>
    protected virtual void OnWritten(int offset, int size)
    {
    }

    private void Rearrange(PciBar bar) => Bus?.Rearrange(bar);

    private void Present()
    {
        _present.Clear();
        for (int i = 0; i <= BarCount; i++)
        {
            if ((i < BarCount ? _bars[i] : _rom) is { } bar)
            {
                _present.Add(bar);
            }
        }
    }

    private void UpdateBars()
    {
        ushort command = BinaryPrimitives.ReadUInt16LittleEndian(_configuration.AsSpan(CommandRegister));
        for (int i = 0; i < BarCount; i++)
        {
            if (_bars[i] is PciBar bar)
            {
                uint value = BinaryPrimitives.ReadUInt32LittleEndian(_configuration.AsSpan(FirstBar + (4 * i)));
                bar.Update(value & ~(bar.Size - 1), (command & (bar.IsPorts ? CommandPorts : CommandMemory)) != 0);
            }
        }

        if (_rom is not null)
        {
            uint value = BinaryPrimitives.ReadUInt32LittleEndian(_configuration.AsSpan(RomRegister));
            _rom.Update(value & ~(_rom.Size - 1), (command & CommandMemory) != 0 && (value & RomEnable) != 0);
        }
    }
}
