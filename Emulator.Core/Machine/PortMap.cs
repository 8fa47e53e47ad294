using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging;

namespace Emulator.Core.Machine;

/// <summary>
/// The 64 KiB I/O port space. A device maps ranges with static functions that receive the device, the port and the access size in
/// bytes (1, 2 or 4). An access that a device did not declare its width for is split into smaller ones, low address first, as the
/// ISA bus controller does. Unmapped ports read as all ones and ignore writes; each is logged once.
/// </summary>
public sealed unsafe class PortMap
{
    private const int PortCount = 0x10000;

    private readonly ILogger _logger;
    private readonly ushort* _map;
    private readonly List<Range> _ranges = [default];
    private readonly HashSet<ushort> _reported = [];
    private Range[] _table = new Range[1];

    /// <summary>Creates an empty port space.</summary>
    /// <param name="logger">Receives one line for each unmapped port that the guest touches.</param>
    public PortMap(ILogger logger)
    {
        _logger = logger;
        _map = (ushort*)NativeMemory.AllocZeroed(PortCount, sizeof(ushort));
    }

    /// <summary>Frees the native table.</summary>
    ~PortMap() => NativeMemory.Free(_map);

    /// <summary>Told of each access of the CPU, for a trace: port, bytes, value, whether it is a write (told before it happens).</summary>
    public Action<ushort, int, uint, bool>? Trace { get; set; }

    /// <summary>Maps a range of ports to a device, replacing what was there.</summary>
    /// <param name="first">First port.</param>
    /// <param name="count">Number of ports.</param>
    /// <param name="maxSize">Widest access in bytes that the functions take (1, 2 or 4).</param>
    /// <param name="target">The device, passed to the functions.</param>
    /// <param name="read">(device, port, size) to value.</param>
    /// <param name="write">(device, port, size, value).</param>
    /// <param name="peek">As <paramref name="read"/> but without side effects, for debuggers; null when the port has none to show.</param>
    public void Map(ushort first, int count, int maxSize, object target, delegate*<object, ushort, int, uint> read, delegate*<object, ushort, int, uint, void> write, delegate*<object, ushort, int, uint> peek = null)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(first + count, PortCount);
        ushort index = IndexOf(new Range { Target = target, Read = read, Write = write, Peek = peek, MaxSize = maxSize });
        for (int i = 0; i < count; i++)
        {
            _map[first + i] = index;
        }
    }

    /// <summary>As <see cref="Map"/>, but leaves ports alone that belong to another device, and stops at the last port: for a PCI BAR.</summary>
    /// <param name="first">First port.</param>
    /// <param name="count">Number of ports.</param>
    /// <param name="maxSize">Widest access in bytes that the functions take (1, 2 or 4).</param>
    /// <param name="target">The device, passed to the functions.</param>
    /// <param name="read">(device, port, size) to value.</param>
    /// <param name="write">(device, port, size, value).</param>
    /// <param name="peek">As <paramref name="read"/> but without side effects, for debuggers; null when the port has none to show.</param>
    public void MapFree(ushort first, int count, int maxSize, object target, delegate*<object, ushort, int, uint> read, delegate*<object, ushort, int, uint, void> write, delegate*<object, ushort, int, uint> peek = null)
    {
        ushort index = IndexOf(new Range { Target = target, Read = read, Write = write, Peek = peek, MaxSize = maxSize });
        for (int i = first; i < first + count && i < PortCount; i++)
        {
            if (_map[i] == 0)
            {
                _map[i] = index;
            }
        }
    }

    /// <summary>Unmaps those ports of a range that belong to a device.</summary>
    /// <param name="first">First port.</param>
    /// <param name="count">Number of ports.</param>
    /// <param name="target">The device.</param>
    public void UnmapOwned(ushort first, int count, object target)
    {
        for (int i = first; i < first + count && i < PortCount; i++)
        {
            if (ReferenceEquals(_table[_map[i]].Target, target))
            {
                _map[i] = 0;
            }
        }
    }

    /// <summary>Unmaps ports, for a PCI BAR that moves.</summary>
    /// <param name="first">First port.</param>
    /// <param name="count">Number of ports.</param>
    public void Unmap(ushort first, int count)
    {
        for (int i = 0; i < count && first + i < PortCount; i++)
        {
            _map[first + i] = 0;
        }
    }

    /// <summary>Reads a port as the CPU does.</summary>
    /// <param name="port">Port.</param>
    /// <param name="size">Bytes: 1, 2 or 4.</param>
    public uint Read(ushort port, int size)
    {
        uint value = ReadPart(port, size);
        Trace?.Invoke(port, size, value, false);
        return value;
    }

    /// <summary>Writes a port as the CPU does.</summary>
    /// <param name="port">Port.</param>
    /// <param name="size">Bytes: 1, 2 or 4.</param>
    /// <param name="value">Value; bits beyond the size are ignored.</param>
    public void Write(ushort port, int size, uint value)
    {
        Trace?.Invoke(port, size, value, true);
        WritePart(port, size, value);
    }

    /// <summary>Reads a byte without side effects; FFh where the device cannot show it.</summary>
    /// <param name="port">Port.</param>
    public byte Peek(ushort port)
    {
        ref Range range = ref _table[_map[port]];
        return range.Peek == null ? (byte)0xFF : (byte)range.Peek(range.Target, port, 1);
    }

    private uint ReadPart(ushort port, int size)
    {
        ref Range range = ref _table[_map[port]];
        if (range.Read == null)
        {
            Report(port);
            if (size == 1)
            {
                return 0xFF;
            }
        }
        else if (size <= range.MaxSize)
        {
            return range.Read(range.Target, port, size);
        }

        int half = size / 2;
        uint low = ReadPart(port, half);
        return low | (ReadPart((ushort)(port + half), half) << (8 * half));
    }

    private void WritePart(ushort port, int size, uint value)
    {
        ref Range range = ref _table[_map[port]];
        if (range.Write == null)
        {
            Report(port);
            if (size == 1)
            {
                return;
            }
        }
        else if (size <= range.MaxSize)
        {
            range.Write(range.Target, port, size, size == 4 ? value : value & ((1u << (8 * size)) - 1));
            return;
        }

        int half = size / 2;
        WritePart(port, half, value);
        WritePart((ushort)(port + half), half, value >> (8 * half));
    }

    /// <summary>The table entry of a range; a device that maps itself again (a PCI BAR that moves) gets the entry it has.</summary>
    private ushort IndexOf(Range range)
    {
        int index = _ranges.FindIndex(r => ReferenceEquals(r.Target, range.Target) && (void*)r.Read == range.Read && (void*)r.Write == range.Write
            && (void*)r.Peek == range.Peek && r.MaxSize == range.MaxSize);
        if (index < 0)
        {
            index = _ranges.Count;
            _ranges.Add(range);
            _table = [.. _ranges];
        }

        return (ushort)index;
    }

    private void Report(ushort port)
    {
        if (_logger.IsEnabled(LogLevel.Debug) && _reported.Add(port))
        {
            _logger.LogDebug("port {Port:X4}h is not mapped", port);
        }
    }

    private struct Range
    {
        public object Target;
        public delegate*<object, ushort, int, uint> Read;
        public delegate*<object, ushort, int, uint, void> Write;
        public delegate*<object, ushort, int, uint> Peek;
        public int MaxSize;
    }
}
