using System.Buffers.Binary;

namespace Emulator.Devices.Storage.Images;

/// <summary>The footer of a VHD (Microsoft's "Virtual Hard Disk Image Format Specification" 1.0, "Hard Disk Footer Format").</summary>
internal sealed class VhdFooter
{
    public const int Size = 512;
    public const int Fixed = 2;
    public const int Dynamic = 3;

    private const int ChecksumField = 64;
    private const int MaximumCylinders = 65535;
    private const int MaximumHeads = 16;
    private const int MaximumTrack = 255;
    private const long MaximumGeometry = (long)MaximumCylinders * MaximumHeads * MaximumTrack;

    private VhdFooter(byte[] bytes) => Bytes = bytes;

    public byte[] Bytes { get; }

    public int Type => (int)Math.Min(BinaryPrimitives.ReadUInt32BigEndian(Bytes.AsSpan(60)), int.MaxValue);

    public ulong DataOffset => BinaryPrimitives.ReadUInt64BigEndian(Bytes.AsSpan(16));

    /// <summary>
    /// Size of the disk. Virtual PC and programs like it go by the geometry, which is smaller when the size is no multiple; those that
    /// are known to go by the size are listed.
    /// </summary>
    public long Sectors
    {
        get
        {
            long current = (long)(BinaryPrimitives.ReadUInt64BigEndian(Bytes.AsSpan(48)) / 512);
            long geometry = (long)BinaryPrimitives.ReadUInt16BigEndian(Bytes.AsSpan(56)) * Bytes[58] * Bytes[59];
            ReadOnlySpan<byte> creator = Bytes.AsSpan(28, 4);
            bool bySize = creator.SequenceEqual("win "u8) || creator.SequenceEqual("qem2"u8) || creator.SequenceEqual("d2v "u8) || creator.SequenceEqual("tap\0"u8) || creator.StartsWith("CXS"u8);
            return bySize || geometry == 0 || geometry >= MaximumGeometry ? current : geometry;
        }
    }

    /// <summary>Reads a footer; null when there is none, or its checksum is wrong.</summary>
    public static VhdFooter? Read(HostFile file, long offset)
    {
        byte[] bytes = new byte[Size];
        if (offset < 0)
        {
            return null;
        }

        file.Read(offset, bytes);
        return ImageProbe.IsVhdFooter(bytes) && Checksum(bytes, ChecksumField) == BinaryPrimitives.ReadUInt32BigEndian(bytes.AsSpan(ChecksumField)) ? new VhdFooter(bytes) : null;
    }

    /// <summary>The size to create for a wanted one: the next that a geometry describes, so that all programs agree about it.</summary>
    public static long RoundUp(long sectors)
    {
        long wanted = sectors;
        while (wanted < MaximumGeometry)
        {
            (int cylinders, int heads, int track) = Geometry(wanted);
            long described = (long)cylinders * heads * track;
            if (described >= sectors)
            {
                return described;
            }

            wanted++;
        }

        return sectors;
    }

    /// <summary>Builds a footer.</summary>
    public static VhdFooter Build(long sectors, int type, Guid id, DateTime time)
    {
        byte[] bytes = new byte[Size];
        "conectix"u8.CopyTo(bytes);
        Put32(bytes, 8, 2);
        Put32(bytes, 12, 0x00010000);
        BinaryPrimitives.WriteUInt64BigEndian(bytes.AsSpan(16), type == Dynamic ? Size : ulong.MaxValue);
        Put32(bytes, 24, (uint)Math.Clamp((time - new DateTime(2000, 1, 1, 0, 0, 0, DateTimeKind.Utc)).TotalSeconds, 0, uint.MaxValue));
        "emul"u8.CopyTo(bytes.AsSpan(28));
        Put32(bytes, 32, 0x00010000);
        "Wi2k"u8.CopyTo(bytes.AsSpan(36));
        BinaryPrimitives.WriteInt64BigEndian(bytes.AsSpan(40), sectors * 512);
        BinaryPrimitives.WriteInt64BigEndian(bytes.AsSpan(48), sectors * 512);
        (int cylinders, int heads, int track) = Geometry(sectors);
        BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(56), (ushort)cylinders);
        bytes[58] = (byte)heads;
        bytes[59] = (byte)track;
        Put32(bytes, 60, (uint)type);
        id.TryWriteBytes(bytes.AsSpan(68), bigEndian: true, out _);
        Put32(bytes, ChecksumField, Checksum(bytes, ChecksumField));
        return new VhdFooter(bytes);
    }

    /// <summary>One's complement of the sum of all bytes but the checksum's.</summary>
    public static uint Checksum(ReadOnlySpan<byte> bytes, int field)
    {
        uint sum = 0;
        for (int i = 0; i < bytes.Length; i++)
        {
            sum += i >= field && i < field + 4 ? 0u : bytes[i];
        }

        return ~sum;
    }

    /// <summary>The geometry of a size (the specification's appendix "CHS Calculation").</summary>
    private static (int Cylinders, int Heads, int Track) Geometry(long sectors)
    {
        sectors = Math.Min(sectors, MaximumGeometry);
        if (sectors >= 65535L * 16 * 63)
        {
            return ((int)(sectors / MaximumTrack / MaximumHeads), MaximumHeads, MaximumTrack);
        }

        int track = 17;
        long cylinderHeads = sectors / track;
        int heads = (int)Math.Max((cylinderHeads + 1023) / 1024, 4);
        if (cylinderHeads >= heads * 1024L || heads > MaximumHeads)
        {
            track = 31;
            heads = MaximumHeads;
            cylinderHeads = sectors / track;
        }

        if (cylinderHeads >= heads * 1024L)
        {
            track = 63;
            heads = MaximumHeads;
            cylinderHeads = sectors / track;
        }

        return ((int)(cylinderHeads / heads), heads, track);
    }

    private static void Put32(byte[] bytes, int at, uint value) => BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(at), value);
}
