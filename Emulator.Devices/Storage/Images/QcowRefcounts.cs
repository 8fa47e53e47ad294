using System.Buffers.Binary;

namespace Emulator.Devices.Storage.Images;

/// <summary>
/// The reference counts of a qcow2 image. They are written before anything refers to a cluster; a kill between leaves clusters that nobody uses,
/// never one that is used twice. New clusters come from behind the end of the file.
/// </summary>
internal sealed class QcowRefcounts
{
    private const long OffsetMask = 0x00FF_FFFF_FFFF_FE00;

    private readonly HostFile _file;
    private readonly int _clusterBits;
    private readonly int _order;
    private readonly long _perBlock;
    private readonly byte[] _block;
    private ulong[] _table;
    private long _tableOffset;
    private long _blockOffset = -1;
    private long _next;

    public QcowRefcounts(HostFile file, QcowHeader header)
    {
        _file = file;
        _clusterBits = header.ClusterBits;
        _order = header.RefcountOrder;
        _perBlock = ((long)header.ClusterSize * 8) >> _order;
        _block = new byte[header.ClusterSize];
        _tableOffset = header.RefcountTableOffset;
        byte[] bytes = new byte[header.RefcountTableClusters * (long)header.ClusterSize];
        file.Read(_tableOffset, bytes);
        _table = new ulong[bytes.Length / 8];
        for (int i = 0; i < _table.Length; i++)
        {
            _table[i] = BinaryPrimitives.ReadUInt64BigEndian(bytes.AsSpan(8 * i));
        }

        _next = (file.Length + ClusterSize - 1) >> _clusterBits;
    }

    /// <summary>Clusters that the table and the blocks occupy.</summary>
    public IEnumerable<long> OwnClusters
    {
        get
        {
            for (int i = 0; i < _table.Length * 8 >> _clusterBits; i++)
            {
                yield return (_tableOffset >> _clusterBits) + i;
            }

            foreach (ulong entry in _table)
            {
                if (((long)entry & OffsetMask) != 0)
                {
                    yield return ((long)entry & OffsetMask) >> _clusterBits;
                }
            }
        }
    }

    private int ClusterSize => 1 << _clusterBits;

    /// <summary>The reference count of a cluster.</summary>
    public ulong Get(long cluster)
    {
        long index = cluster / _perBlock;
        if (index >= _table.Length || !LoadBlock(index))
        {
            return 0;
        }

        long bit = (cluster % _perBlock) << _order;
        int at = (int)(bit >> 3);
        return _order switch
        {
            < 3 => (ulong)(_block[at] >> (int)(bit & 7)) & ((1ul << (1 << _order)) - 1),
            3 => _block[at],
            4 => BinaryPrimitives.ReadUInt16BigEndian(_block.AsSpan(at)),
            5 => BinaryPrimitives.ReadUInt32BigEndian(_block.AsSpan(at)),
            _ => BinaryPrimitives.ReadUInt64BigEndian(_block.AsSpan(at)),
        };
    }

    /// <summary>Takes a cluster behind the end of the file; its count is 1.</summary>
    /// <returns>Its offset.</returns>
    public long Allocate()
    {
        long cluster = Take();
        Set(cluster, 1);
        return cluster << _clusterBits;
    }

    /// <summary>Gives back one reference to each cluster that a range touches.</summary>
    public void Release(long offset, long length)
    {
        for (long cluster = offset >> _clusterBits; cluster <= (offset + length - 1) >> _clusterBits; cluster++)
        {
            ulong count = Get(cluster);
            if (count != 0)
            {
                Set(cluster, count - 1);
            }
        }
    }

    private long Take()
    {
        SkipUsed();
        return _next++;
    }

    /// <summary>A few clusters behind the end can count as used, after a kill; many do so in a damaged image only.</summary>
    private void SkipUsed()
    {
        const int Most = 1 << 20;
        for (int i = 0; Get(_next) != 0; i++, _next++)
        {
            if (i == Most)
            {
                throw new StorageException($"{_file.Path}: is damaged: clusters behind the end of the file count as used");
            }
        }
    }

    private void Set(long cluster, ulong value)
    {
        long index = cluster / _perBlock;
        if (index >= _table.Length)
        {
            Grow(index);
        }

        if (!LoadBlock(index))
        {
            CreateBlock(index);
            LoadBlock(index);
        }

        Put(cluster, value);
    }

    /// <summary>Stores a count in the loaded block, and those bytes in the file.</summary>
    private void Put(long cluster, ulong value)
    {
        long bit = (cluster % _perBlock) << _order;
        int at = (int)(bit >> 3);
        int size = 1;
        switch (_order)
        {
            case < 3:
                int mask = (1 << (1 << _order)) - 1;
                int shift = (int)(bit & 7);
                _block[at] = (byte)((_block[at] & ~(mask << shift)) | (((int)value & mask) << shift));
                break;
            case 3:
                _block[at] = (byte)value;
                break;
            case 4:
                BinaryPrimitives.WriteUInt16BigEndian(_block.AsSpan(at), (ushort)value);
                size = 2;
                break;
            case 5:
                BinaryPrimitives.WriteUInt32BigEndian(_block.AsSpan(at), (uint)value);
                size = 4;
                break;
            default:
                BinaryPrimitives.WriteUInt64BigEndian(_block.AsSpan(at), value);
                size = 8;
                break;
        }

        _file.Write(_blockOffset + at, _block.AsSpan(at, size));
    }

    private bool LoadBlock(long index)
    {
        long offset = (long)_table[index] & OffsetMask;
        if (offset == 0)
        {
            return false;
        }

        if ((offset & (ClusterSize - 1)) != 0 || offset >= _file.Length)
        {
            throw new StorageException($"{_file.Path}: is damaged: the place of a block of reference counts");
        }

        if (offset != _blockOffset)
        {
            _file.Read(offset, _block);
            _blockOffset = offset;
        }

        return true;
    }

    /// <summary>Adds a block of counts, which may have to count itself.</summary>
    private void CreateBlock(long index)
    {
        // The block may lie in the range that it counts: then nobody else can count it.
        if (_next / _perBlock != index)
        {
            SkipUsed();
        }

        long own = _next++;
        long offset = own << _clusterBits;
        Array.Clear(_block);
        _blockOffset = offset;
        _file.Write(offset, _block);
        bool countsItself = own / _perBlock == index;
        if (countsItself)
        {
            Put(own, 1);
        }
        else
        {
            Set(own, 1);
        }

        _file.Flush();
        _table[index] = (ulong)offset;
        byte[] entry = new byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(entry, (ulong)offset);
        _file.Write(_tableOffset + (8 * index), entry);
    }

    /// <summary>Moves the table to a larger place; the header points to the old one until the new one is complete.</summary>
    private void Grow(long index)
    {
        long entriesPerCluster = ClusterSize / 8;
        long oldClusters = _table.Length / entriesPerCluster;
        long clusters = Math.Max(oldClusters * 2, (index / entriesPerCluster) + 2);
        ulong[] grown = new ulong[clusters * entriesPerCluster];
        _table.CopyTo(grown, 0);

        // Table and the blocks that count it, one behind the other. Their counts are in blocks that do not exist yet, or in the old ones.
        long start = _next;
        long first = start / _perBlock;
        long end = start + clusters;
        List<long> missing = [];
        for (long block = first; block <= (end + missing.Count) / _perBlock; block++)
        {
            if (block >= _table.Length || ((long)_table[block] & OffsetMask) == 0)
            {
                missing.Add(block);
            }
        }

        for (int i = 0; i < missing.Count; i++)
        {
            grown[missing[i]] = (ulong)((end + i) << _clusterBits);
            _file.Write((end + i) << _clusterBits, new byte[ClusterSize]);
        }

        end += missing.Count;
        _next = end;
        ulong[] before = _table;
        long oldOffset = _tableOffset;
        _table = grown;
        _blockOffset = -1;
        for (long cluster = start; cluster < end; cluster++)
        {
            LoadBlock(cluster / _perBlock);
            Put(cluster, 1);
        }

        byte[] bytes = new byte[grown.Length * 8];
        for (int i = 0; i < grown.Length; i++)
        {
            BinaryPrimitives.WriteUInt64BigEndian(bytes.AsSpan(8 * i), grown[i]);
        }

        _tableOffset = start << _clusterBits;
        _file.Write(_tableOffset, bytes);
        _file.Flush();
        byte[] field = new byte[12];
        BinaryPrimitives.WriteUInt64BigEndian(field, (ulong)_tableOffset);
        BinaryPrimitives.WriteUInt32BigEndian(field.AsSpan(8), (uint)clusters);
        _file.Write(QcowHeader.RefcountTableField, field);
        _file.Flush();
        Release(oldOffset, before.Length * 8L);
    }
}
