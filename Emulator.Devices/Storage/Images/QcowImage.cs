// qcow2 images, versions 2 and 3, as QEMU's description of the format (docs/interop/qcow2) has them: two levels of tables that map clusters,
// reference counts, a backing file below, clusters compressed by zlib (read; a write replaces them).
//
// Order of writes, so that neither a kill nor a crash of the host damages the image: the reference count of a new cluster and its data at once;
// second-level tables when the guest flushes, behind a flush of those; first-level entries behind a flush of the tables. What was not
// flushed may be lost, and leaves clusters that nobody uses.
//
// Refused: encryption, external data files, subclusters, other compression, unknown incompatible features. Images with internal snapshots are
// opened for reading only.
using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;

namespace Emulator.Devices.Storage.Images;

/// <summary>A qcow2 image.</summary>
public sealed class QcowImage : ClusterImage
{
    private const ulong Copied = 1ul << 63;
    private const ulong Compressed = 1ul << 62;
    private const ulong Zero = 1;
    private const int DefaultClusterBits = 16;
    private const ulong OffsetMask = 0x00FF_FFFF_FFFF_FE00;

    private readonly QcowHeader _header;
    private readonly QcowRefcounts _refcounts;
    private readonly TableCache _tables;
    private readonly ulong[] _l1;
    private readonly SortedSet<long> _dirtyL1 = [];
    private readonly List<(long Offset, long Length)> _released = [];
    private readonly byte[] _cluster;
    private readonly BlockImage? _backing;
    private byte[]? _inflated;
    private ulong _inflatedEntry;
    private bool _hasWritten;

    internal QcowImage(HostFile file, Func<string, string?, BlockImage> openBacking)
        : base(file.Path, file)
    {
        _header = new QcowHeader(file);
        SectorCount = _header.Size / SectorSize;
        _cluster = new byte[ClusterSize];
        _tables = new TableCache(file, ClusterSize);
        _refcounts = new QcowRefcounts(file, _header);
        byte[] bytes = new byte[_header.L1Entries * 8L];
        file.Read(_header.L1Offset, bytes);
        _l1 = new ulong[_header.L1Entries];
        for (int i = 0; i < _l1.Length; i++)
        {
            _l1[i] = BinaryPrimitives.ReadUInt64BigEndian(bytes.AsSpan(8 * i));
        }

        if (_header.BackingFile is { } backing)
        {
            _backing = openBacking(backing, _header.BackingFormat);
        }
    }

    /// <inheritdoc/>
    public override string Format => "qcow2";

    /// <inheritdoc/>
    public override long SectorCount { get; }

    /// <inheritdoc/>
    public override int ClusterSize => _header.ClusterSize;

    /// <summary>Version of the format.</summary>
    public int Version => _header.Version;

    /// <summary>The backing file as the image names it, or null.</summary>
    public string? BackingFile => _header.BackingFile;

    /// <summary>Format of the backing file, when the image says it.</summary>
    public string? BackingFormat => _header.BackingFormat;

    /// <summary>Creates an empty image: version 3, clusters of 64 KiB.</summary>
    /// <param name="path">The file, which must not exist unless it may be overwritten.</param>
    /// <param name="sectors">Number of sectors.</param>
    /// <param name="backingFile">Backing file as the image will name it (relative to the image), or null.</param>
    /// <param name="backingFormat">Its format; required with a backing file.</param>
    /// <param name="overwrite">Whether a file that exists is replaced.</param>
    /// <exception cref="StorageException">It cannot be created.</exception>
    public static void Create(string path, long sectors, string? backingFile = null, string? backingFormat = null, bool overwrite = false) =>
        Create(path, sectors, backingFile, backingFormat, overwrite, DefaultClusterBits);

    internal static void Create(string path, long sectors, string? backingFile, string? backingFormat, bool overwrite, int clusterBits)
    {
        const int MaximumL1Clusters = 512;
        const int L1Start = 3;
        int cluster = 1 << clusterBits;
        byte[] name = Encoding.UTF8.GetBytes(backingFile ?? "");
        byte[] format = Encoding.UTF8.GetBytes(backingFormat ?? "");
        long entries = (sectors + (cluster / SectorSize * (cluster / 8L)) - 1) / (cluster / SectorSize * (cluster / 8L));
        long l1Clusters = Math.Max(1, ((entries * 8) + cluster - 1) / cluster);
        if (sectors < 0 || l1Clusters > MaximumL1Clusters || L1Start + l1Clusters > cluster / 2 || name.Length > 1023)
        {
            throw new StorageException($"{path}: this size, or the name of the backing file, does not fit into a qcow2 image");
        }

        byte[] header = new byte[cluster];
        Put32(header, 0, QcowHeader.Magic);
        Put32(header, 4, 3);
        Put32(header, 20, (uint)clusterBits);
        Put64(header, 24, (ulong)sectors * SectorSize);
        Put32(header, 36, (uint)Math.Max(entries, 1));
        Put64(header, 40, (ulong)(L1Start * cluster));
        Put64(header, QcowHeader.RefcountTableField, (ulong)cluster);
        Put32(header, QcowHeader.RefcountTableField + 8, 1);
        Put32(header, 96, 4);
        Put32(header, 100, QcowHeader.FirstLength);
        if (name.Length != 0)
        {
            int at = QcowHeader.FirstLength;
            Put32(header, at, QcowHeader.BackingFormatExtension);
            Put32(header, at + 4, (uint)format.Length);
            format.CopyTo(header, at + 8);
            at += 8 + ((format.Length + 7) & ~7) + 8;
            Put64(header, 8, (ulong)at);
            Put32(header, 16, (uint)name.Length);
            name.CopyTo(header, at);
        }

        byte[] table = new byte[cluster];
        Put64(table, 0, 2 * (ulong)cluster);
        byte[] counts = new byte[cluster];
        for (int i = 0; i < L1Start + l1Clusters; i++)
        {
            BinaryPrimitives.WriteUInt16BigEndian(counts.AsSpan(2 * i), 1);
        }

        using HostFile file = HostFile.Create(path, overwrite);
        file.Write(cluster, table);
        file.Write(2 * cluster, counts);
        file.SetLength((L1Start + l1Clusters) * cluster);
        file.Write(0, header);
        file.Flush();
    }

    /// <inheritdoc/>
    public override void Flush()
    {
        HostFile.Flush();
        if (!_tables.IsDirty && _dirtyL1.Count == 0 && _released.Count == 0)
        {
            return;
        }

        _tables.WriteBack();
        HostFile.Flush();
        if (_dirtyL1.Count != 0)
        {
            byte[] entry = new byte[8];
            foreach (long index in _dirtyL1)
            {
                BinaryPrimitives.WriteUInt64BigEndian(entry, _l1[index]);
                HostFile.Write(_header.L1Offset + (8 * index), entry);
            }

            _dirtyL1.Clear();
            HostFile.Flush();
        }

        foreach ((long offset, long length) in _released)
        {
            _refcounts.Release(offset, length);
        }

        _released.Clear();
    }

    /// <summary>Compares the reference counts with what the tables refer to. The image must have been flushed.</summary>
    /// <param name="progress">Told how much is done, from 0 to 1.</param>
    /// <exception cref="StorageException">The host cannot read.</exception>
    public ImageCheckResult Check(Action<double>? progress = null)
    {
        QcowChecker checker = new(HostFile, _header, _refcounts);
        checker.AddTables(_l1, progress);
        return checker.Finish();
    }

    private protected override void ReadCluster(long cluster, int offset, Span<byte> destination)
    {
        ulong entry = Find(cluster);
        if ((entry & Compressed) != 0)
        {
            Inflate(entry).AsSpan(offset, destination.Length).CopyTo(destination);
        }
        else if ((entry & Zero) != 0 && _header.Version >= 3)
        {
            destination.Clear();
        }
        else if ((entry & OffsetMask) is not 0 and var place)
        {
            HostFile.Read(CheckPlace(place, "a cluster") + offset, destination);
        }
        else
        {
            ReadBacking((cluster * ClusterSize) + offset, destination);
        }
    }

    private protected override void WriteCluster(long cluster, int offset, ReadOnlySpan<byte> source)
    {
        PrepareWriting();
        (long table, int index) = TableForWriting(cluster);
        ulong entry = BinaryPrimitives.ReadUInt64BigEndian(_tables.Get(table).AsSpan(8 * index));
        ulong place = (entry & Compressed) != 0 ? 0 : entry & OffsetMask;
        bool isZero = (entry & Compressed) == 0 && (entry & Zero) != 0 && _header.Version >= 3;
        bool own = place != 0 && ((entry & Copied) != 0 || _refcounts.Get(CheckPlace(place, "a cluster") >> _header.ClusterBits) == 1);
        if (own && !isZero)
        {
            HostFile.Write(CheckPlace(place, "a cluster") + offset, source);
            return;
        }

        ReadOnlySpan<byte> whole = source;
        if (source.Length != ClusterSize)
        {
            // What is around the new bytes comes along.
            ReadCluster(cluster, 0, _cluster);
            source.CopyTo(_cluster.AsSpan(offset));
            whole = _cluster;
        }

        long target = own ? CheckPlace(place, "a cluster") : _refcounts.Allocate();
        HostFile.Write(target, whole);
        if ((entry & Compressed) != 0)
        {
            (long start, int length) = CompressedPlace(entry);
            _released.Add((start, length));
        }
        else if (place != 0 && !own)
        {
            _released.Add(((long)place, ClusterSize));
        }

        BinaryPrimitives.WriteUInt64BigEndian(_tables.Get(table).AsSpan(8 * index), (ulong)target | Copied);
        _tables.MarkDirty(table);
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        try
        {
            base.Dispose(disposing);
        }
        finally
        {
            if (disposing)
            {
                _backing?.Dispose();
            }
        }
    }

    private static void Put32(byte[] data, int at, uint value) => BinaryPrimitives.WriteUInt32BigEndian(data.AsSpan(at), value);

    private static void Put64(byte[] data, int at, ulong value) => BinaryPrimitives.WriteUInt64BigEndian(data.AsSpan(at), value);

    /// <summary>Features that a program must clear when it does not know them, before the first write.</summary>
    private void PrepareWriting()
    {
        if (!_hasWritten)
        {
            _hasWritten = true;
            if (_header.HasAutoclear)
            {
                HostFile.Write(QcowHeader.AutoclearField, new byte[8]);
                HostFile.Flush();
            }
        }
    }

    /// <summary>The second-level entry of a cluster; 0 when there is no table.</summary>
    private ulong Find(long cluster)
    {
        int perTable = ClusterSize / 8;
        ulong table = _l1[cluster / perTable] & OffsetMask;
        return table == 0 ? 0 : BinaryPrimitives.ReadUInt64BigEndian(_tables.Get(CheckPlace(table, "a second-level table")).AsSpan((int)(cluster % perTable) * 8));
    }

    private (long Table, int Index) TableForWriting(long cluster)
    {
        int perTable = ClusterSize / 8;
        long l1 = cluster / perTable;
        ulong entry = _l1[l1];
        long table = (long)(entry & OffsetMask);
        if (table == 0)
        {
            table = _refcounts.Allocate();
            _tables.Create(table);
            _l1[l1] = (ulong)table | Copied;
            _dirtyL1.Add(l1);
        }
        else
        {
            CheckPlace((ulong)table, "a second-level table");
            if ((entry & Copied) == 0 && _refcounts.Get(table >> _header.ClusterBits) != 1)
            {
                throw Damaged("a second-level table is shared");
            }
        }

        return (table, (int)(cluster % perTable));
    }

    private long CheckPlace(ulong place, string what)
    {
        if ((place & (ulong)(ClusterSize - 1)) != 0 || place == 0 || place >= (ulong)((HostFile.Length + ClusterSize - 1) & -ClusterSize))
        {
            // A table that is not written back yet lies behind the end.
            if ((place & (ulong)(ClusterSize - 1)) != 0 || place == 0 || !_hasWritten || _refcounts.Get((long)place >> _header.ClusterBits) == 0)
            {
                throw Damaged($"the place of {what}");
            }
        }

        return (long)place;
    }

    private void ReadBacking(long offset, Span<byte> destination)
    {
        long available = _backing is null ? 0 : Math.Clamp((_backing.SectorCount * SectorSize) - offset, 0, destination.Length);
        if (available != 0)
        {
            _backing!.Read(offset / SectorSize, destination[..(int)available]);
        }

        destination[(int)available..].Clear();
    }

    private (long Offset, int Length) CompressedPlace(ulong entry)
    {
        int bits = 62 - (_header.ClusterBits - 8);
        long offset = (long)(entry & ((1ul << bits) - 1));
        int sectors = (int)((entry >> bits) & ((1ul << (_header.ClusterBits - 8)) - 1)) + 1;
        return (offset, (sectors * SectorSize) - (int)(offset & (SectorSize - 1)));
    }

    private byte[] Inflate(ulong entry)
    {
        if (_inflated is not null && _inflatedEntry == entry)
        {
            return _inflated;
        }

        (long offset, int length) = CompressedPlace(entry);
        if (offset >= HostFile.Length)
        {
            throw Damaged("the place of a compressed cluster");
        }

        byte[] packed = new byte[length];
        HostFile.Read(offset, packed);
        byte[] data = new byte[ClusterSize];
        try
        {
            using DeflateStream stream = new(new MemoryStream(packed), CompressionMode.Decompress);
            stream.ReadExactly(data);
        }
        catch (Exception e) when (e is InvalidDataException or EndOfStreamException)
        {
            throw Damaged("a compressed cluster");
        }

        _inflated = data;
        _inflatedEntry = entry;
        return data;
    }
}
