using System.Buffers.Binary;
using System.Text;

namespace Emulator.Devices.Storage.Images;

/// <summary>The header of a qcow2 image (the format's description, "Header" and "Header extensions"), checked.</summary>
internal sealed class QcowHeader
{
    public const uint Magic = 0x514649FB;
    public const int FirstLength = 104;
    public const int RefcountTableField = 48;
    public const int AutoclearField = 88;
    public const uint BackingFormatExtension = 0xE2792ACA;

    private const int V2Length = 72;
    private const int MaximumBackingName = 1023;
    private const long MaximumL1 = 32L << 20;
    private const long MaximumRefcountTable = 8L << 20;
    private const ulong IncompatibleDirty = 1;
    private const ulong IncompatibleCorrupt = 2;
    private const ulong IncompatibleExternalData = 4;
    private const ulong IncompatibleCompression = 8;
    private const ulong IncompatibleExtendedL2 = 16;

    private readonly HostFile _file;

    public QcowHeader(HostFile file)
    {
        _file = file;
        byte[] data = new byte[FirstLength + 8];
        file.Read(0, data);
        Version = (int)Math.Min(U32(data, 4), int.MaxValue);
        if (U32(data, 0) != Magic || file.Length < V2Length)
        {
            throw Damaged("it has no qcow2 header");
        }

        if (Version is not (2 or 3))
        {
            throw Refused($"version {Version} of the qcow2 format is unknown");
        }

        ClusterBits = (int)Math.Min(U32(data, 20), 255);
        Size = (long)U64(data, 24);
        L1Entries = U32(data, 36);
        L1Offset = (long)U64(data, 40);
        RefcountTableOffset = (long)U64(data, RefcountTableField);
        RefcountTableClusters = U32(data, RefcountTableField + 8);
        SnapshotCount = U32(data, 60);
        uint length = V2Length;
        RefcountOrder = 4;
        if (Version == 3)
        {
            CheckFeatures(U64(data, 72), U32(data, 100) > 104 ? data[104] : (byte)0);
            HasAutoclear = U64(data, AutoclearField) != 0;
            RefcountOrder = (int)Math.Min(U32(data, 96), 255);
            length = U32(data, 100);
        }

        if (U32(data, 32) != 0)
        {
            throw Refused("it is encrypted");
        }

        if (SnapshotCount != 0 && file.IsWritable)
        {
            throw Refused($"it holds {SnapshotCount} internal snapshots; readonly=on or snapshot=on open it");
        }

        CheckNumbers(length);
        ReadBacking((long)U64(data, 8), U32(data, 16), length);
    }

    public int Version { get; }

    public int ClusterBits { get; }

    public int ClusterSize => 1 << ClusterBits;

    public long Size { get; }

    public uint L1Entries { get; }

    public long L1Offset { get; }

    public long RefcountTableOffset { get; }

    public uint RefcountTableClusters { get; }

    public int RefcountOrder { get; }

    public uint SnapshotCount { get; }

    public bool HasAutoclear { get; }

    public string? BackingFile { get; private set; }

    public string? BackingFormat { get; private set; }

    private void CheckFeatures(ulong incompatible, byte compression)
    {
        if ((incompatible & IncompatibleExternalData) != 0)
        {
            throw Refused("its data is in another file");
        }

        if ((incompatible & IncompatibleExtendedL2) != 0)
        {
            throw Refused("it uses subclusters");
        }

        if ((incompatible & IncompatibleCompression) != 0 && compression != 0)
        {
            throw Refused("its clusters are compressed by another method than zlib");
        }

        if ((incompatible & (IncompatibleDirty | IncompatibleCorrupt)) != 0 && _file.IsWritable)
        {
            throw Refused("it is marked as damaged or not closed; qemu-img check -r all repairs it, readonly=on and snapshot=on open it");
        }

        ulong known = IncompatibleDirty | IncompatibleCorrupt | IncompatibleCompression;
        if ((incompatible & ~known) != 0)
        {
            throw Refused($"it needs unknown features ({incompatible & ~known:X}h)");
        }
    }

    private void CheckNumbers(uint length)
    {
        if (ClusterBits is < 9 or > 21)
        {
            throw Damaged($"clusters of 2^{ClusterBits} bytes");
        }

        if (RefcountOrder > 6)
        {
            throw Damaged("the width of its reference counts");
        }

        if (Size < 0 || Size > BlockImage.MaximumSectors * BlockImage.SectorSize)
        {
            throw Damaged("its size");
        }

        long perTable = (long)ClusterSize * (ClusterSize / 8);
        long needed = (Size / perTable) + (Size % perTable == 0 ? 0 : 1);
        long l1Bytes = L1Entries * 8L;
        if (L1Entries < needed || l1Bytes > MaximumL1 || !IsAligned(L1Offset) || L1Offset > _file.Length - l1Bytes)
        {
            throw Damaged("its first-level table");
        }

        long tableBytes = (long)RefcountTableClusters << ClusterBits;
        if (tableBytes > MaximumRefcountTable || !IsAligned(RefcountTableOffset) || RefcountTableOffset == 0 || RefcountTableOffset > _file.Length - tableBytes)
        {
            throw Damaged("its table of reference counts");
        }

        if (length < V2Length || length > ClusterSize || (Version == 3 && length < FirstLength))
        {
            throw Damaged("the length of its header");
        }
    }

    private void ReadBacking(long offset, uint nameLength, uint headerLength)
    {
        byte[] cluster = new byte[Math.Min(ClusterSize, 65536)];
        _file.Read(0, cluster);
        long extensionsEnd = offset != 0 ? Math.Min(offset, cluster.Length) : cluster.Length;
        for (long at = headerLength; at + 8 <= extensionsEnd;)
        {
            uint type = U32(cluster, (int)at);
            uint length = U32(cluster, (int)at + 4);
            if (type == 0)
            {
                break;
            }

            if (length > extensionsEnd - at - 8)
            {
                throw Damaged("a header extension");
            }

            if (type == BackingFormatExtension)
            {
                BackingFormat = Encoding.UTF8.GetString(cluster, (int)at + 8, (int)length);
            }

            at += 8 + ((length + 7L) & ~7L);
        }

        if (offset == 0)
        {
            return;
        }

        if (nameLength is 0 or > MaximumBackingName || offset < 0 || offset > cluster.Length - nameLength)
        {
            throw Damaged("the name of its backing file");
        }

        BackingFile = Encoding.UTF8.GetString(cluster, (int)offset, (int)nameLength);
    }

    private bool IsAligned(long offset) => offset >= 0 && (offset & (ClusterSize - 1)) == 0;

    private StorageException Damaged(string what) => new($"{_file.Path}: is damaged: {what}");

    private StorageException Refused(string why) => new($"{_file.Path}: cannot be used: {why}");

    private static uint U32(byte[] data, int at) => BinaryPrimitives.ReadUInt32BigEndian(data.AsSpan(at));

    private static ulong U64(byte[] data, int at) => BinaryPrimitives.ReadUInt64BigEndian(data.AsSpan(at));
}
