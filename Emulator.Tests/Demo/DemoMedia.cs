using System.Buffers.Binary;
using System.Text;

namespace Emulator.Tests.Demo;

/// <summary>A CD and a floppy disk with one file each, HELLO.TXT.</summary>
internal static class DemoMedia
{
    private const int CdSector = 2048;
    private const int DescriptorSector = 16;
    private const int RootSector = 18;
    private const int FileSector = 19;
    private const int CdSectors = 32;

    /// <summary>An ISO 9660 volume (ECMA-119): two descriptors, a root directory, a file.</summary>
    public static byte[] Cd(string contents)
    {
        byte[] disc = new byte[CdSectors * CdSector];
        Span<byte> descriptor = disc.AsSpan(DescriptorSector * CdSector, CdSector);
        "\u0001CD001\u0001"u8.CopyTo(descriptor);
        descriptor.Slice(8, 64).Fill((byte)' ');
        "DEMO_CD"u8.CopyTo(descriptor[40..]);
        Both32(descriptor[80..], CdSectors);
        Both16(descriptor[120..], 1);
        Both16(descriptor[124..], 1);
        Both16(descriptor[128..], CdSector);
        Record(descriptor[156..], RootSector, CdSector, 2, "\0");
        "CD001\u0001"u8.CopyTo(disc.AsSpan(((DescriptorSector + 1) * CdSector) + 1));
        disc[(DescriptorSector + 1) * CdSector] = 0xFF; // the last descriptor
        Span<byte> root = disc.AsSpan(RootSector * CdSector, CdSector);
        int at = Record(root, RootSector, CdSector, 2, "\0");
        at += Record(root[at..], RootSector, CdSector, 2, "\u0001");
        Record(root[at..], FileSector, contents.Length, 0, "HELLO.TXT;1");
        Encoding.ASCII.GetBytes(contents).CopyTo(disc, FileSector * CdSector);
        return disc;
    }

    /// <summary>A FAT12 volume of 1.44 MB.</summary>
    public static byte[] Floppy(string contents)
    {
        const int Sector = 512;
        const int Directory = 19;
        const int DataSector = 33;
        byte[] disk = new byte[1440 << 10];
        Span<byte> boot = disk;
        BinaryPrimitives.WriteUInt16LittleEndian(boot[11..], Sector);
        boot[13] = 1; // sectors a cluster
        boot[14] = 1; // reserved sectors
        boot[16] = 2; // FATs
        BinaryPrimitives.WriteUInt16LittleEndian(boot[17..], 224); // root entries
        BinaryPrimitives.WriteUInt16LittleEndian(boot[19..], 2880);
        boot[21] = 0xF0;
        boot[22] = 9; // sectors a FAT
        boot[24] = 18;
        boot[26] = 2;
        boot[510] = 0x55;
        boot[511] = 0xAA;
        byte[] fat = [0xF0, 0xFF, 0xFF, 0xFF, 0x0F];
        fat.CopyTo(disk, Sector);
        fat.CopyTo(disk, 10 * Sector);
        Span<byte> entry = boot[(Directory * Sector)..];
        "HELLO   TXT "u8.CopyTo(entry);
        BinaryPrimitives.WriteUInt16LittleEndian(entry[24..], ((2026 - 1980) << 9) | (1 << 5) | 1);
        BinaryPrimitives.WriteUInt16LittleEndian(entry[26..], 2);
        BinaryPrimitives.WriteInt32LittleEndian(entry[28..], contents.Length);
        Encoding.ASCII.GetBytes(contents).CopyTo(disk, DataSector * Sector);
        return disk;
    }

    private static int Record(Span<byte> record, int sector, int length, byte flags, string name)
    {
        record[0] = (byte)((33 + name.Length + 1) & ~1);
        Both32(record[2..], sector);
        Both32(record[10..], length);
        record[25] = flags;
        Both16(record[28..], 1);
        record[32] = (byte)name.Length;
        Encoding.ASCII.GetBytes(name).CopyTo(record[33..]);
        return record[0];
    }

    /// <summary>A number as ISO 9660 has it: low byte first, then high byte first.</summary>
    private static void Both32(Span<byte> place, int value)
    {
        BinaryPrimitives.WriteInt32LittleEndian(place, value);
        BinaryPrimitives.WriteInt32BigEndian(place[4..], value);
    }

    private static void Both16(Span<byte> place, short value)
    {
        BinaryPrimitives.WriteInt16LittleEndian(place, value);
        BinaryPrimitives.WriteInt16BigEndian(place[2..], value);
    }
}
