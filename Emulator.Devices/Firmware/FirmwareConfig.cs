// The firmware configuration device "fw_cfg" (QEMU's docs/specs/fw_cfg.rst): named and numbered items that tell firmware what the board cannot:
// the sizes, the boot order, ACPI and SMBIOS tables, option ROMs, the parts of a kernel (numbers as QEMU has them).
//
// Modelled: signature, feature bits, item selection, byte-wise reading, the file directory and the DMA interface (select, read, skip). Items are
// read-only: the data port ignores writes, and a DMA write ends with the error bit, as does a transfer longer than 16 MiB. Transfers are complete
// before the next instruction. An item that does not exist reads as zeros. Items whose contents depend on the board's registers are built when
// they are selected.
//
// Ports: 510h selector (words), 511h data (bytes), 514h-51Bh address of the DMA descriptor, big endian; the low half starts it. No interrupt.
using System.Buffers.Binary;
using System.Text;
using Emulator.Core.Machine;
using Emulator.Core.Memory;
using Emulator.Core.Snapshot;

namespace Emulator.Devices.Firmware;

/// <summary>Tells firmware about the machine.</summary>
public sealed unsafe class FirmwareConfig : IMachineComponent
{
    /// <summary>Largest item in bytes.</summary>
    public const int MaximumItem = 1 << 30;

    private const int MaximumTransfer = 16 << 20;

    private const ushort SelectorPort = 0x510;
    private const ushort DataPort = 0x511;
    private const ushort DmaPort = 0x514;
    private const ushort KeySignature = 0x00;
    private const ushort KeyFeatures = 0x01;
    private const ushort KeyDirectory = 0x19;
    private const ushort KeyFirstFile = 0x20;
    private const int NameLength = 56;

    private const byte FeatureTraditional = 1;
    private const byte FeatureDma = 2;

    private const uint DmaError = 1;
    private const uint DmaRead = 2;
    private const uint DmaSkip = 4;
    private const uint DmaSelect = 8;
    private const uint DmaWrite = 16;
    private const int DescriptorSize = 16;

    private readonly PhysicalMemory _memory;
    private readonly List<Item> _items = [];

    // In the order of their names.
    private readonly List<Item> _files = [];
    private byte[] _current = [];
    private uint _offset;
    private uint _dmaHigh;

    /// <summary>Creates the device with its signature and no other items.</summary>
    /// <param name="memory">Where DMA goes.</param>
    public FirmwareConfig(PhysicalMemory memory)
    {
        _memory = memory;
        AddItem(KeySignature, "QEMU"u8.ToArray());
        AddItem(KeyFeatures, [FeatureTraditional | FeatureDma, 0, 0, 0]);
        AddItem(KeyDirectory, Directory);
        Select(KeySignature);
    }

    /// <inheritdoc/>
    public string StateId => "fw-cfg";

    /// <inheritdoc/>
    public int StateVersion => 1;

    private static ReadOnlySpan<byte> DmaSignature => "QEMU CFG"u8;

    /// <summary>Adds or replaces a numbered item.</summary>
    /// <param name="key">Its number.</param>
    /// <param name="contents">Its bytes.</param>
    public void AddItem(ushort key, byte[] contents) => AddItem(key, () => contents);

    /// <summary>Adds or replaces a file. The files of a machine are complete before it runs.</summary>
    /// <param name="name">Its name, up to 55 ASCII characters.</param>
    /// <param name="contents">Its bytes, at most <see cref="MaximumItem"/>.</param>
    /// <exception cref="ArgumentException">The name or the contents are too long.</exception>
    public void AddFile(string name, byte[] contents)
    {
        ArgumentNullException.ThrowIfNull(contents);
        if (contents.Length > MaximumItem)
        {
            throw new ArgumentException($"fw_cfg cannot hold {contents.Length} bytes", nameof(contents));
        }

        AddFile(name, () => contents);
    }

    /// <summary>Adds or replaces a file whose contents are built when it is selected, always with the same length.</summary>
    /// <param name="name">Its name, up to 55 ASCII characters.</param>
    /// <param name="build">Returns its bytes, at most <see cref="MaximumItem"/>.</param>
    /// <exception cref="ArgumentException">The name is empty or too long.</exception>
    public void AddFile(string name, Func<byte[]> build)
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(build);
        if (name.Length is 0 or >= NameLength)
        {
            throw new ArgumentException($"fw_cfg cannot hold a file of the name '{name}'", nameof(name));
        }

        int at = 0;
        while (at < _files.Count && string.CompareOrdinal(_files[at].Name, name) < 0)
        {
            at++;
        }

        if (at < _files.Count && _files[at].Name == name)
        {
            _files.RemoveAt(at);
        }

        _files.Insert(at, new Item(name, 0, build));
    }

    /// <summary>Maps the ports.</summary>
    /// <param name="ports">The port space.</param>
    public void Map(PortMap ports)
    {
        ArgumentNullException.ThrowIfNull(ports);
        ports.Map(SelectorPort, 1, 2, this, &ReadSelector, &WriteSelector, &ReadSelector);
        ports.Map(DataPort, 1, 1, this, &Read, &IgnoreWrite, &Peek);
        ports.Map(DmaPort, 8, 4, this, &ReadDma, &WriteDma, &ReadDma);
    }

    /// <inheritdoc/>
    public void Reset()
    {
        _dmaHigh = 0;
        Select(KeySignature);
    }

    /// <inheritdoc/>
    public void Serialize(StateArchive archive)
    {
        ArgumentNullException.ThrowIfNull(archive);
        archive.Variable("current", ref _current, MaximumItem);
        archive.Field("offset", ref _offset);
        archive.Field("dmaHigh", ref _dmaHigh);
        archive.Check(_offset <= (uint)_current.Length, "offset");
    }

    private static uint ReadSelector(object target, ushort port, int size) => 0;

    private static void WriteSelector(object target, ushort port, int size, uint value)
    {
        if (size == 2)
        {
            ((FirmwareConfig)target).Select((ushort)value);
        }
    }

    private static uint Read(object target, ushort port, int size)
    {
        FirmwareConfig self = (FirmwareConfig)target;
        return self._offset < (uint)self._current.Length ? self._current[self._offset++] : 0u;
    }

    private static uint Peek(object target, ushort port, int size)
    {
        FirmwareConfig self = (FirmwareConfig)target;
        return self._offset < (uint)self._current.Length ? self._current[self._offset] : 0u;
    }

    private static void IgnoreWrite(object target, ushort port, int size, uint value)
    {
    }

    private static uint ReadDma(object target, ushort port, int size)
    {
        uint value = 0;
        for (int i = 0; i < size && port - DmaPort + i < DmaSignature.Length; i++)
        {
            value |= (uint)DmaSignature[port - DmaPort + i] << (8 * i);
        }

        return value;
    }

    private static void WriteDma(object target, ushort port, int size, uint value)
    {
        FirmwareConfig self = (FirmwareConfig)target;
        if (size != 4)
        {
            return;
        }

        if (port == DmaPort)
        {
            self._dmaHigh = BinaryPrimitives.ReverseEndianness(value);
        }
        else if (port == DmaPort + 4)
        {
            uint high = self._dmaHigh;
            self._dmaHigh = 0;
            if (high == 0)
            {
                self.Transfer(BinaryPrimitives.ReverseEndianness(value));
            }
        }
    }

    private void Select(ushort key)
    {
        // Bit 14 asked for a writable item once; bit 15 chooses items of the architecture and belongs to the number.
        key &= 0xBFFF;
        _offset = 0;
        _current = Find(key)?.Build() ?? [];
    }

    private Item? Find(ushort key)
    {
        int file = key - KeyFirstFile;
        if (file >= 0 && file < _files.Count)
        {
            return _files[file];
        }

        foreach (Item item in _items)
        {
            if (item.Key == key)
            {
                return item;
            }
        }

        return null;
    }

    private void AddItem(ushort key, Func<byte[]> build)
    {
        if (Find(key) is { } old)
        {
            _items.Remove(old);
        }

        _items.Add(new Item("", key, build));
    }

    private void Transfer(uint descriptor)
    {
        Span<byte> bytes = stackalloc byte[DescriptorSize];
        _memory.ReadBlock(descriptor, bytes);
        uint control = BinaryPrimitives.ReadUInt32BigEndian(bytes);
        uint length = BinaryPrimitives.ReadUInt32BigEndian(bytes[4..]);
        ulong address = BinaryPrimitives.ReadUInt64BigEndian(bytes[8..]);
        if ((control & DmaSelect) != 0)
        {
            Select((ushort)(control >> 16));
        }

        bool valid = true;
        if ((control & DmaRead) != 0)
        {
            valid = length <= MaximumTransfer && address + length <= 1ul << 32;
            if (valid)
            {
                ReadTo((uint)address, length);
            }
        }
        else if ((control & DmaWrite) != 0)
        {
            valid = length == 0;
        }
        else if ((control & DmaSkip) != 0)
        {
            _offset += Math.Min(length, (uint)_current.Length - _offset);
        }

        BinaryPrimitives.WriteUInt32BigEndian(bytes, valid ? 0 : DmaError);
        _memory.WriteBlock(descriptor, bytes[..4]);
    }

    private void ReadTo(uint address, uint length)
    {
        int part = (int)Math.Min(length, (uint)_current.Length - _offset);
        _memory.WriteBlock(address, _current.AsSpan((int)_offset, part));
        _offset += (uint)part;
        address += (uint)part;
        length -= (uint)part;
        Span<byte> zeros = stackalloc byte[512];
        zeros.Clear();
        while (length > 0)
        {
            part = (int)Math.Min(length, (uint)zeros.Length);
            _memory.WriteBlock(address, zeros[..part]);
            address += (uint)part;
            length -= (uint)part;
        }
    }

    /// <summary>Count, then for each file its size, number and name; big endian.</summary>
    private byte[] Directory()
    {
        byte[] directory = new byte[4 + (_files.Count * (8 + NameLength))];
        BinaryPrimitives.WriteInt32BigEndian(directory, _files.Count);
        int at = 4;
        ushort key = KeyFirstFile;
        foreach (Item file in _files)
        {
            Span<byte> entry = directory.AsSpan(at, 8 + NameLength);
            BinaryPrimitives.WriteInt32BigEndian(entry, file.Build().Length);
            BinaryPrimitives.WriteUInt16BigEndian(entry[4..], key++);
            Encoding.ASCII.GetBytes(file.Name, entry[8..]);
            at += entry.Length;
        }

        return directory;
    }

    /// <summary>A file, or a numbered item.</summary>
    private sealed record Item(string Name, ushort Key, Func<byte[]> Build);
}
