// A dynamic VHD (Microsoft's "Virtual Hard Disk Image Format Specification" 1.0): a copy of the footer, a header, a table of blocks, each with a
// bitmap of the sectors in use, and the footer at the end.
//
// A new block goes where the footer was: first the footer is written behind it, then bitmap and data, then, when the guest flushes and behind a
// flush, the table entry. At every moment the copy of the footer at the start is valid.
using System.Buffers.Binary;

namespace Emulator.Devices.Storage.Images;

/// <summary>A dynamic VHD.</summary>
public sealed class VhdDynamicImage : ClusterImage
{
    private const int HeaderSize = 1024;
    private const int HeaderChecksum = 36;
    private const uint Unused = 0xFFFFFFFF;
    private const int DefaultBlock = 2 << 20;
    private const long MaximumTable = 64L << 20;

    private readonly VhdFooter _footer;
    private readonly uint[] _table;
    private readonly long _tableOffset;
    private readonly int _bitmapSize;
    private readonly byte[] _bitmap;
    private readonly SortedSet<long> _dirty = [];
    private long _bitmapBlock = -1;
    private long _end;

    internal VhdDynamicImage(HostFile file, VhdFooter footer)
        : base(file.Path, file)
    {
        _footer = footer;
        SectorCount = footer.Sectors;
        byte[] header = new byte[HeaderSize];
        if (footer.DataOffset > (ulong)Math.Max(file.Length - HeaderSize, 0))
        {
            throw Damaged("the place of its header");
        }

        file.Read((long)footer.DataOffset, header);
        if (!header.AsSpan().StartsWith("cxsparse"u8) || VhdFooter.Checksum(header, HeaderChecksum) != U32(header, HeaderChecksum))
        {
            throw Damaged("its header");
        }

        ulong tableOffset = BinaryPrimitives.ReadUInt64BigEndian(header.AsSpan(16));
        long entries = U32(header, 28);
        uint block = U32(header, 32);
        if (block is < 4096 or > (64 << 20) || (block & (block - 1)) != 0)
        {
            throw Damaged("its block size");
        }

        ClusterSize = (int)block;
        long needed = (SectorCount + (block / SectorSize) - 1) / (block / SectorSize);
        if (SectorCount is < 0 or > MaximumSectors || entries < needed || needed * 4 > MaximumTable || tableOffset > (ulong)file.Length || (long)tableOffset + (needed * 4) > file.Length)
        {
            throw Damaged("its block table");
        }

        _tableOffset = (long)tableOffset;
        _bitmapSize = ((ClusterSize / SectorSize / 8) + SectorSize - 1) / SectorSize * SectorSize;
        _bitmap = new byte[_bitmapSize];
        byte[] bytes = new byte[needed * 4];
        file.Read(_tableOffset, bytes);
        _table = new uint[needed];
        _end = Math.Max((long)footer.DataOffset + HeaderSize, _tableOffset + ((entries * 4) + SectorSize - 1) / SectorSize * SectorSize);
        for (int i = 0; i < _table.Length; i++)
        {
            _table[i] = U32(bytes, 4 * i);
            if (_table[i] != Unused && _table[i] * (long)SectorSize <= file.Length)
            {
                _end = Math.Max(_end, (_table[i] * (long)SectorSize) + _bitmapSize + ClusterSize);
            }
        }

        // Behind all blocks; also behind what a kill has left, but over the footer.
        bool hasFooter = VhdFooter.Read(file, file.Length - VhdFooter.Size) is not null;
        _end = Math.Max(_end, (file.Length - (hasFooter ? VhdFooter.Size : 0) + SectorSize - 1) / SectorSize * SectorSize);
    }

    /// <inheritdoc/>
    public override string Format => "vpc";

    /// <inheritdoc/>
    public override long SectorCount { get; }

    /// <inheritdoc/>
    public override int ClusterSize { get; }

    /// <summary>Creates an empty image with blocks of 2 MiB.</summary>
    internal static void Create(string path, long sectors, Guid id, DateTime time, bool overwrite)
    {
        sectors = VhdFooter.RoundUp(sectors);
        long entries = (sectors + (DefaultBlock / SectorSize) - 1) / (DefaultBlock / SectorSize);
        if (entries * 4 > MaximumTable || sectors > uint.MaxValue)
        {
            throw new StorageException($"{path}: this size does not fit into a VHD, which ends at 2 TiB");
        }

        byte[] footer = VhdFooter.Build(sectors, VhdFooter.Dynamic, id, time).Bytes;
        byte[] header = new byte[HeaderSize];
        "cxsparse"u8.CopyTo(header);
        BinaryPrimitives.WriteUInt64BigEndian(header.AsSpan(8), ulong.MaxValue);
        BinaryPrimitives.WriteUInt64BigEndian(header.AsSpan(16), VhdFooter.Size + HeaderSize);
        BinaryPrimitives.WriteUInt32BigEndian(header.AsSpan(24), 0x00010000);
        BinaryPrimitives.WriteUInt32BigEndian(header.AsSpan(28), (uint)entries);
        BinaryPrimitives.WriteUInt32BigEndian(header.AsSpan(32), DefaultBlock);
        BinaryPrimitives.WriteUInt32BigEndian(header.AsSpan(HeaderChecksum), VhdFooter.Checksum(header, HeaderChecksum));
        byte[] table = new byte[((entries * 4) + SectorSize - 1) / SectorSize * SectorSize];
        table.AsSpan().Fill(0xFF);
        using HostFile file = HostFile.Create(path, overwrite);
        file.Write(VhdFooter.Size, header);
        file.Write(VhdFooter.Size + HeaderSize, table);
        file.Write(VhdFooter.Size + HeaderSize + table.Length, footer);
        file.Write(0, footer);
        file.Flush();
    }

    /// <inheritdoc/>
    public override void Flush()
    {
        HostFile.Flush();
        if (_dirty.Count == 0)
        {
            return;
        }

        byte[] entry = new byte[4];
        foreach (long block in _dirty)
        {
            BinaryPrimitives.WriteUInt32BigEndian(entry, _table[block]);
            HostFile.Write(_tableOffset + (4 * block), entry);
        }

        _dirty.Clear();
        HostFile.Flush();
    }

    private protected override void ReadCluster(long cluster, int offset, Span<byte> destination)
    {
        if (_table[cluster] == Unused)
        {
            destination.Clear();
            return;
        }

        long place = LoadBitmap(cluster);
        HostFile.Read(place + _bitmapSize + offset, destination);
        for (int at = 0; at < destination.Length; at += SectorSize)
        {
            if (!InUse((offset + at) / SectorSize))
            {
                destination.Slice(at, SectorSize).Clear();
            }
        }
    }

    private protected override void WriteCluster(long cluster, int offset, ReadOnlySpan<byte> source)
    {
        if (_table[cluster] == Unused)
        {
            Allocate(cluster);
        }

        long place = LoadBitmap(cluster);
        HostFile.Write(place + _bitmapSize + offset, source);
        bool changed = false;
        for (int sector = offset / SectorSize; sector < (offset + source.Length) / SectorSize; sector++)
        {
            if (!InUse(sector))
            {
                _bitmap[sector >> 3] |= (byte)(0x80 >> (sector & 7));
                changed = true;
            }
        }

        if (changed)
        {
            HostFile.Write(place, _bitmap);
        }
    }

    private static uint U32(byte[] data, int at) => BinaryPrimitives.ReadUInt32BigEndian(data.AsSpan(at));

    private bool InUse(int sector) => (_bitmap[sector >> 3] & (0x80 >> (sector & 7))) != 0;

    private void Allocate(long cluster)
    {
        long next = _end + _bitmapSize + ClusterSize;
        if (next / SectorSize >= Unused)
        {
            throw new StorageException($"{Name}: cannot be written: the format ends at 2 TiB");
        }

        HostFile.Write(next, _footer.Bytes);
        byte[] zero = new byte[VhdFooter.Size];
        _bitmap.AsSpan().Clear();
        HostFile.Write(_end, _bitmap);
        HostFile.Write(_end + _bitmapSize, zero); // where the footer may have been
        _bitmapBlock = cluster;
        _table[cluster] = (uint)(_end / SectorSize);
        _dirty.Add(cluster);
        _end = next;
    }

    /// <summary>Loads the bitmap of a block that is there; returns the place of the block.</summary>
    private long LoadBitmap(long cluster)
    {
        long place = _table[cluster] * (long)SectorSize;
        if (_bitmapBlock != cluster)
        {
            if (place + _bitmapSize > HostFile.Length)
            {
                throw Damaged("the place of a block");
            }

            HostFile.Read(place, _bitmap);
            _bitmapBlock = cluster;
        }

        return place;
    }
}
