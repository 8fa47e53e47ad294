using System.Buffers.Binary;

namespace Emulator.Devices.Storage.Images;

/// <summary>Keeps all writes to a disk in a temporary file; the disk below is never changed.</summary>
public sealed class OverlayImage : BlockImage
{
    private const int ClusterSectors = 8;
    private const int ClusterSize = ClusterSectors * SectorSize;

    private readonly BlockImage _base;
    private readonly HostFile _file;
    private readonly Dictionary<long, long> _slots = [];
    private readonly byte[] _cluster = new byte[ClusterSize];

    /// <summary>Creates an overlay that owns the disk below it.</summary>
    /// <param name="below">The disk; it is disposed with the overlay.</param>
    /// <param name="directory">Where the temporary file lies; null for the host's directory for such files.</param>
    /// <exception cref="StorageException">The temporary file cannot be created.</exception>
    public OverlayImage(BlockImage below, string? directory = null)
        : base(below?.Name ?? throw new ArgumentNullException(nameof(below)))
    {
        _base = below;
        _file = HostFile.CreateTemporary(directory ?? Path.GetTempPath());
    }

    /// <inheritdoc/>
    public override string Format => _base.Format;

    /// <inheritdoc/>
    public override long SectorCount => _base.SectorCount;

    /// <inheritdoc/>
    public override bool IsReadOnly => false;

    /// <summary>Nothing: the writes are forgotten at the end anyway.</summary>
    public override void Flush()
    {
    }

    /// <summary>Writes what differs from the disk below to a stream: a count, then numbers and contents of clusters of 4096 bytes.</summary>
    /// <param name="stream">Receives <see cref="SavedLength"/> bytes.</param>
    public void Save(Stream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        Span<byte> number = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(number, _slots.Count);
        stream.Write(number);
        foreach (long cluster in _slots.Keys.Order())
        {
            BinaryPrimitives.WriteInt64LittleEndian(number, cluster);
            stream.Write(number);
            _file.Read(_slots[cluster] * ClusterSize, _cluster);
            stream.Write(_cluster);
        }
    }

    /// <summary>Bytes that <see cref="Save"/> writes.</summary>
    public long SavedLength => 8 + (_slots.Count * (8L + ClusterSize));

    /// <summary>Replaces the overlay by what <see cref="Save"/> wrote.</summary>
    /// <param name="data">The bytes; not trusted.</param>
    /// <returns>Whether the bytes are valid.</returns>
    public bool Load(ReadOnlySpan<byte> data)
    {
        if (data.Length < 8)
        {
            return false;
        }

        long count = BinaryPrimitives.ReadInt64LittleEndian(data);
        data = data[8..];
        if (count < 0 || count > data.Length / (8 + ClusterSize) || data.Length != count * (8 + ClusterSize))
        {
            return false;
        }

        _slots.Clear();
        for (long i = 0; i < count; i++, data = data[(8 + ClusterSize)..])
        {
            long cluster = BinaryPrimitives.ReadInt64LittleEndian(data);
            if (cluster < 0 || cluster > (SectorCount - 1) / ClusterSectors || !_slots.TryAdd(cluster, i))
            {
                return false;
            }

            _file.Write(i * ClusterSize, data.Slice(8, ClusterSize));
        }

        return true;
    }

    /// <inheritdoc/>
    protected override void ReadSectors(long sector, Span<byte> destination)
    {
        while (!destination.IsEmpty)
        {
            long cluster = sector / ClusterSectors;
            bool own = _slots.TryGetValue(cluster, out long slot);
            int sectors = (int)(((cluster + 1) * ClusterSectors) - sector);
            if (!own)
            {
                // One read for all that follows below.
                while (sectors * SectorSize < destination.Length && !_slots.ContainsKey((sector + sectors) / ClusterSectors))
                {
                    sectors += ClusterSectors;
                }
            }

            int bytes = Math.Min(sectors * SectorSize, destination.Length);
            if (own)
            {
                _file.Read((slot * ClusterSize) + (sector % ClusterSectors * SectorSize), destination[..bytes]);
            }
            else
            {
                _base.Read(sector, destination[..bytes]);
            }

            sector += bytes / SectorSize;
            destination = destination[bytes..];
        }
    }

    /// <inheritdoc/>
    protected override void WriteSectors(long sector, ReadOnlySpan<byte> source)
    {
        while (!source.IsEmpty)
        {
            long cluster = sector / ClusterSectors;
            int offset = (int)(sector % ClusterSectors) * SectorSize;
            int bytes = Math.Min(ClusterSize - offset, source.Length);
            if (!_slots.TryGetValue(cluster, out long slot))
            {
                slot = _slots.Count;
                if (bytes != ClusterSize)
                {
                    long first = cluster * ClusterSectors;
                    int present = (int)Math.Min(ClusterSectors, SectorCount - first) * SectorSize;
                    _cluster.AsSpan().Clear();
                    _base.Read(first, _cluster.AsSpan(0, present));
                }

                source[..bytes].CopyTo(_cluster.AsSpan(offset));
                _file.Write(slot * ClusterSize, _cluster);
                _slots.Add(cluster, slot);
            }
            else
            {
                _file.Write((slot * ClusterSize) + offset, source[..bytes]);
            }

            sector += bytes / SectorSize;
            source = source[bytes..];
        }
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        if (disposing)
        {
            _file.Dispose();
            _base.Dispose();
        }
    }
}
