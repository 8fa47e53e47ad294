// A monolithicSparse VMDK (VMware's "Virtual Disk Format 5.0", "Hosted Sparse Extents"): a directory of tables that map grains, each twice.
//
// A new grain is written behind the end of the file at once; the table entries that point to it follow when the guest flushes, behind a flush.
//
// Refused: stream-optimized (compressed) files, links to a parent, directories at the end of the file.
using System.Buffers.Binary;

namespace Emulator.Devices.Storage.Images;

/// <summary>A monolithicSparse VMDK.</summary>
public sealed class VmdkSparseImage : ClusterImage
{
    private const int HeaderSize = 512;
    private const uint FlagNewlines = 1;
    private const uint FlagRedundant = 2;
    private const uint FlagZeroGrains = 4;
    private const uint FlagCompressed = 1 << 16;
    private const uint FlagMarkers = 1 << 17;
    private const int TableEntries = 512;
    private const int TableSize = TableEntries * 4;
    private const long MaximumDirectory = 32L << 20;
    private const uint ZeroGrain = 1;
    private const int DefaultGrainSectors = 128;
    private const int DescriptorSectors = 20;

    private readonly TableCache _tables;
    private readonly uint[] _directory;
    private readonly uint[]? _redundant;
    private readonly byte[] _grain;
    private readonly bool _hasZeroGrains;
    private long _end;

    internal VmdkSparseImage(HostFile file)
        : base(file.Path, file)
    {
        byte[] header = new byte[HeaderSize];
        file.Read(0, header);
        uint flags = U32(header, 8);
        if (!header.AsSpan().StartsWith("KDMV"u8))
        {
            throw new StorageException($"{Name}: cannot be used: only VMDK files with a KDMV header or a descriptor are supported");
        }

        if (U32(header, 4) is not (1 or 2 or 3))
        {
            throw new StorageException($"{Name}: cannot be used: version {U32(header, 4)} of the VMDK format is unknown");
        }

        if ((flags & (FlagCompressed | FlagMarkers)) != 0)
        {
            throw new StorageException($"{Name}: cannot be used: it is stream-optimized (compressed); qemu-img convert makes another image of it");
        }

        ulong capacity = U64(header, 12);
        ulong grain = U64(header, 20);
        if (capacity > MaximumSectors || grain is < 1 or > 4096 || (grain & (grain - 1)) != 0 || U32(header, 44) != TableEntries)
        {
            throw Damaged("its capacity or its grain size");
        }

        CheckDescriptor(U64(header, 28), U64(header, 36));
        SectorCount = (long)capacity;
        ClusterSize = (int)grain * SectorSize;
        _hasZeroGrains = (flags & FlagZeroGrains) != 0;
        _grain = new byte[ClusterSize];
        _tables = new TableCache(file, TableSize);
        _directory = ReadDirectory(U64(header, 56));
        _redundant = (flags & FlagRedundant) != 0 ? ReadDirectory(U64(header, 48)) : null;
        _end = (file.Length + SectorSize - 1) / SectorSize;
    }

    /// <inheritdoc/>
    public override string Format => "vmdk";

    /// <inheritdoc/>
    public override long SectorCount { get; }

    /// <inheritdoc/>
    public override int ClusterSize { get; }

    /// <summary>Creates an empty image with grains of 64 KiB.</summary>
    internal static void Create(string path, long sectors, uint contentId, bool overwrite)
    {
        const int DescriptorStart = 1;
        long grains = (sectors + DefaultGrainSectors - 1) / DefaultGrainSectors;
        long tables = Math.Max(1, (grains + TableEntries - 1) / TableEntries);
        long directorySectors = ((tables * 4) + SectorSize - 1) / SectorSize;
        long copySectors = directorySectors + (tables * (TableSize / SectorSize));
        long redundant = DescriptorStart + DescriptorSectors;
        long directory = redundant + copySectors;
        long overhead = (directory + copySectors + DefaultGrainSectors - 1) / DefaultGrainSectors * DefaultGrainSectors;
        if (overhead > uint.MaxValue || tables * 4 > MaximumDirectory)
        {
            throw new StorageException($"{path}: this size does not fit into a VMDK image");
        }

        byte[] header = new byte[HeaderSize];
        "KDMV"u8.CopyTo(header);
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(4), 1);
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(8), FlagNewlines | FlagRedundant);
        BinaryPrimitives.WriteInt64LittleEndian(header.AsSpan(12), sectors);
        BinaryPrimitives.WriteInt64LittleEndian(header.AsSpan(20), DefaultGrainSectors);
        BinaryPrimitives.WriteInt64LittleEndian(header.AsSpan(28), DescriptorStart);
        BinaryPrimitives.WriteInt64LittleEndian(header.AsSpan(36), DescriptorSectors);
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(44), TableEntries);
        BinaryPrimitives.WriteInt64LittleEndian(header.AsSpan(48), redundant);
        BinaryPrimitives.WriteInt64LittleEndian(header.AsSpan(56), directory);
        BinaryPrimitives.WriteInt64LittleEndian(header.AsSpan(64), overhead);
        new byte[] { 0x0A, 0x20, 0x0D, 0x0A }.CopyTo(header, 73);

        using HostFile file = HostFile.Create(path, overwrite);
        file.SetLength(overhead * SectorSize);
        file.Write(DescriptorStart * SectorSize, VmdkDescriptor.Build("monolithicSparse", $"RW {sectors} SPARSE \"{Path.GetFileName(path)}\"", sectors, contentId));
        foreach (long start in new[] { redundant, directory })
        {
            byte[] entries = new byte[tables * 4];
            for (int i = 0; i < tables; i++)
            {
                BinaryPrimitives.WriteUInt32LittleEndian(entries.AsSpan(4 * i), (uint)(start + directorySectors + (i * (TableSize / SectorSize))));
            }

            file.Write(start * SectorSize, entries);
        }

        file.Write(0, header);
        file.Flush();
    }

    /// <inheritdoc/>
    public override void Flush()
    {
        HostFile.Flush();
        if (_tables.IsDirty)
        {
            _tables.WriteBack();
            HostFile.Flush();
        }

    }

    private protected override void ReadCluster(long cluster, int offset, Span<byte> destination)
    {
        uint grain = Find(cluster);
        if (grain == 0 || (grain == ZeroGrain && _hasZeroGrains))
        {
            destination.Clear();
        }
        else
        {
            HostFile.Read(CheckPlace(grain) + offset, destination);
        }
    }

    private protected override void WriteCluster(long cluster, int offset, ReadOnlySpan<byte> source)
    {
        uint grain = Find(cluster);
        if (grain != 0 && !(grain == ZeroGrain && _hasZeroGrains))
        {
            HostFile.Write(CheckPlace(grain) + offset, source);
            return;
        }

        int index = (int)(cluster / TableEntries);
        int entry = (int)(cluster % TableEntries) * 4;
        uint table = _directory[index];
        if (table == 0 || (_redundant is not null && _redundant[index] == 0))
        {
            throw new StorageException($"{Name}: cannot be written: it lacks a grain table");
        }

        _grain.AsSpan().Clear();
        source.CopyTo(_grain.AsSpan(offset));
        grain = (uint)_end;
        if (_end + (ClusterSize / SectorSize) > uint.MaxValue)
        {
            throw new StorageException($"{Name}: cannot be written: the format ends at 2 TiB");
        }

        HostFile.Write(_end * SectorSize, _grain);
        _end += ClusterSize / SectorSize;
        SetEntry(table, entry, grain);
        if (_redundant is not null)
        {
            SetEntry(_redundant[index], entry, grain);
        }
    }

    private static uint U32(byte[] data, int at) => BinaryPrimitives.ReadUInt32LittleEndian(data.AsSpan(at));

    private static ulong U64(byte[] data, int at) => BinaryPrimitives.ReadUInt64LittleEndian(data.AsSpan(at));

    private void SetEntry(uint table, int entry, uint grain)
    {
        long place = CheckTable(table);
        BinaryPrimitives.WriteUInt32LittleEndian(_tables.Get(place).AsSpan(entry), grain);
        _tables.MarkDirty(place);
    }

    private uint Find(long cluster)
    {
        uint table = _directory[cluster / TableEntries];
        return table == 0 ? 0 : U32(_tables.Get(CheckTable(table)), (int)(cluster % TableEntries) * 4);
    }

    private long CheckTable(uint sector)
    {
        long place = sector * (long)SectorSize;
        return place != 0 && place + TableSize <= HostFile.Length ? place : throw Damaged("the place of a grain table");
    }

    private long CheckPlace(uint grain)
    {
        long place = grain * (long)SectorSize;
        return place < HostFile.Length ? place : throw Damaged("the place of a grain");
    }

    private uint[] ReadDirectory(ulong sector)
    {
        long grains = (SectorCount + (ClusterSize / SectorSize) - 1) / (ClusterSize / SectorSize);
        long entries = (grains + TableEntries - 1) / TableEntries;
        if (entries * 4 > MaximumDirectory || sector == 0 || sector > (ulong)(HostFile.Length / SectorSize) || ((long)sector * SectorSize) + (entries * 4) > HostFile.Length)
        {
            throw Damaged("the place of its grain directory");
        }

        byte[] bytes = new byte[entries * 4];
        HostFile.Read((long)sector * SectorSize, bytes);
        uint[] directory = new uint[entries];
        for (int i = 0; i < directory.Length; i++)
        {
            directory[i] = U32(bytes, 4 * i);
        }

        return directory;
    }

    private void CheckDescriptor(ulong start, ulong length)
    {
        if (start == 0 || length == 0)
        {
            return;
        }

        if (length > VmdkDescriptor.MaximumLength / SectorSize || start > (ulong)(HostFile.Length / SectorSize))
        {
            throw Damaged("the place of its descriptor");
        }

        byte[] bytes = new byte[(int)length * SectorSize];
        HostFile.Read((long)start * SectorSize, bytes);
        VmdkDescriptor descriptor = VmdkDescriptor.Parse(Name, bytes);
        if (descriptor.CreateType is not ("monolithicSparse" or ""))
        {
            throw new StorageException($"{Name}: cannot be used: VMDK disks of this type are not supported; monolithicSparse and monolithicFlat are");
        }
    }
}
