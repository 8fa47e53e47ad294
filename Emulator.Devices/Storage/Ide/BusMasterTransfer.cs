using Emulator.Core.Memory;

namespace Emulator.Devices.Storage.Ide;

/// <summary>
/// A walk through the table of physical region descriptors (82371SB datasheet 290550, section 4.4): each gives an even address, an even
/// number of bytes (0 for 64 KiB), and whether it is the last. The table does not leave its 64 KiB.
/// </summary>
internal sealed class BusMasterTransfer
{
    private const uint EndOfTable = 0x8000_0000;

    private readonly PhysicalMemory _memory;
    private uint _table;
    private uint _address;
    private int _left;
    private bool _last;

    public BusMasterTransfer(PhysicalMemory memory, uint table)
    {
        _memory = memory;
        _table = table & ~3u;
    }

    /// <summary>Whether the table ended before the transfer did.</summary>
    public bool IsExhausted { get; private set; }

    /// <summary>Whether an address had nobody who answers, in the table or in memory: a PCI master abort.</summary>
    public bool IsAborted { get; private set; }

    /// <summary>Whether the table has exactly as many bytes as were transferred.</summary>
    public bool IsAtEnd => _last && _left == 0;

    /// <summary>Bytes that were transferred or skipped.</summary>
    public long Moved { get; private set; }

    /// <summary>Passes over bytes that were transferred before.</summary>
    /// <returns>Whether the table has them.</returns>
    public bool Skip(long bytes)
    {
        while (bytes > 0 && Next())
        {
            int part = (int)Math.Min(_left, bytes);
            Advance(part);
            bytes -= part;
        }

        return bytes == 0;
    }

    /// <summary>Stores bytes from the device in memory.</summary>
    /// <returns>How many found room.</returns>
    public int Write(ReadOnlySpan<byte> source)
    {
        int done = 0;
        while (done < source.Length && Next())
        {
            int part = Math.Min(_left, Math.Min(source.Length - done, PageRest));
            _memory.WriteBlock(_address, source.Slice(done, part));
            Advance(part);
            done += part;
        }

        return done;
    }

    /// <summary>Fetches bytes for the device from memory.</summary>
    /// <returns>How many there were.</returns>
    public int Read(Span<byte> destination)
    {
        int done = 0;
        while (done < destination.Length && Next())
        {
            int part = Math.Min(_left, Math.Min(destination.Length - done, PageRest));
            _memory.ReadBlock(_address, destination.Slice(done, part));
            Advance(part);
            done += part;
        }

        return done;
    }

    private int PageRest => (int)(PhysicalMemory.PageSize - (_address & (PhysicalMemory.PageSize - 1)));

    private void Advance(int bytes)
    {
        _address += (uint)bytes;
        _left -= bytes;
        Moved += bytes;
    }

    /// <summary>Whether there is a byte to transfer at the address.</summary>
    private unsafe bool Next()
    {
        if (_left == 0)
        {
            if (_last)
            {
                IsExhausted = true;
                return false;
            }

            if (!Answers(_table))
            {
                IsAborted = true;
                return false;
            }

            _address = _memory.Read<uint>(_table) & ~1u;
            uint count = _memory.Read<uint>(_table + 4);
            _left = (int)(count & 0xFFFE);
            _left = _left == 0 ? 0x10000 : _left;
            _last = (count & EndOfTable) != 0;
            _table = (_table & 0xFFFF_0000) | ((_table + 8) & 0xFFFF);
        }

        IsAborted |= !Answers(_address);
        return !IsAborted;
    }

    private unsafe bool Answers(uint address) => _memory.HostPage(address) != null || _memory.IsDevice(address);
}
