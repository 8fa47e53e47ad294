using System.Buffers.Binary;
using System.Globalization;

namespace Emulator.Devices.Storage.Ide;

/// <summary>The data of IDENTIFY DEVICE and IDENTIFY PACKET DEVICE (ATA/ATAPI-6, sections 8.15 and 8.16), and of SMART.</summary>
internal static class AtaIdentify
{
    private const string Firmware = "1.0";
    private const ushort Multiword2 = 0x0007;
    private const ushort Ultra5 = 0x003F;
    private const int ByteCount = 512;

    /// <summary>Whether SET FEATURES subcommand 03h takes a mode: PIO default and 0 to 4, multiword DMA 0 to 2, ultra DMA 0 to 5.</summary>
    public static bool IsTransferMode(byte mode) => mode is 0x00 or 0x01 or (>= 0x08 and <= 0x0C) or (>= 0x20 and <= 0x22) or (>= 0x40 and <= 0x45);

    /// <summary>Fills the 512 bytes of a disk; they are zero.</summary>
    public static void Write(Span<byte> data, AtaIdentity disk)
    {
        const ushort CommandSet1 = 0x3069; // READ and WRITE BUFFER, look-ahead, write cache, power management, SMART
        const ushort CommandSet2 = 0x7400; // FLUSH CACHE, FLUSH CACHE EXT, 48-bit addresses
        long current = Math.Min((long)disk.Cylinders * disk.Heads * disk.SectorsPerTrack, disk.Sectors);
        Word(data, 0, 0x0040);
        Word(data, 1, disk.DefaultCylinders);
        Word(data, 3, disk.DefaultHeads);
        Word(data, 6, disk.DefaultSectors);
        Identification(data, disk.Unit, "EMULATOR HARDDISK");
        Word(data, 47, 0x8000 | disk.MaximumMultiple);
        Word(data, 49, 0x0F00); // IORDY, LBA, DMA
        Word(data, 50, 0x4000);
        Word(data, 51, 0x0200);
        Word(data, 53, 0x0007);
        Word(data, 54, disk.Cylinders);
        Word(data, 55, disk.Heads);
        Word(data, 56, disk.SectorsPerTrack);
        DoubleWord(data, 57, (uint)current);
        Word(data, 59, disk.Multiple == 0 ? 0 : 0x0100 | disk.Multiple);
        DoubleWord(data, 60, (uint)Math.Min(disk.Sectors, 0x0FFF_FFFF));
        TransferModes(data, disk.TransferMode);
        Word(data, 80, 0x0070); // ATA-4 to ATA-6
        Word(data, 82, CommandSet1);
        Word(data, 83, CommandSet2);
        Word(data, 84, 0x4000);
        Word(data, 85, (CommandSet1 & ~0x0061) | (disk.WriteCache ? 0x20 : 0) | (disk.ReadAhead ? 0x40 : 0) | (disk.Smart ? 0x01 : 0));
        Word(data, 86, CommandSet2 & 0x3FFF);
        Word(data, 87, 0x4000);
        Word(data, 93, (disk.Unit & 1) == 0 ? 0x600B : 0x6B00);
        BinaryPrimitives.WriteInt64LittleEndian(data[200..], disk.Sectors);
        Sign(data);
    }

    /// <summary>Fills the 512 bytes of a CD drive; they are zero.</summary>
    public static void WriteCdRom(Span<byte> data, int unit, byte transferMode)
    {
        Word(data, 0, 0x85C0); // ATAPI, CD-ROM, removable, DRQ within 50 microseconds, packets of 12 bytes
        Identification(data, unit, "EMULATOR CD-ROM");
        Word(data, 49, 0x0F00);
        Word(data, 50, 0x4000);
        Word(data, 53, 0x0006);
        TransferModes(data, transferMode);
        Word(data, 80, 0x0070);
        Word(data, 82, 0x0210); // PACKET, DEVICE RESET
        Word(data, 83, 0x4000);
        Word(data, 84, 0x4000);
        Word(data, 85, 0x0210);
        Word(data, 87, 0x4000);
        Word(data, 93, (unit & 1) == 0 ? 0x600B : 0x6B00);
        Sign(data);
    }

    /// <summary>Fills the 512 bytes of SMART READ DATA (or of its thresholds), which are zero: no attributes, no errors.</summary>
    public static void WriteSmart(Span<byte> data, bool values)
    {
        data[0] = 0x01;
        if (values)
        {
            Word(data, 184, 0x0003); // saves attributes by itself
        }

        data[ByteCount - 1] = Complement(data[..(ByteCount - 1)]);
    }

    private static void TransferModes(Span<byte> data, byte selected)
    {
        int multiword = (selected & 0xF8) == 0x20 ? 0x100 << (selected & 7) : 0;
        int ultra = (selected & 0xF8) == 0x40 ? 0x100 << (selected & 7) : 0;
        Word(data, 63, Multiword2 | multiword);
        Word(data, 64, 0x0003); // PIO 3 and 4
        for (int i = 65; i <= 68; i++)
        {
            Word(data, i, 120);
        }

        Word(data, 88, Ultra5 | ultra);
    }

    private static void Identification(Span<byte> data, int unit, string model)
    {
        Text(data, 10, 20, string.Create(CultureInfo.InvariantCulture, $"EM{unit + 1:D6}"));
        Text(data, 23, 8, Firmware);
        Text(data, 27, 40, model);
    }

    private static void Sign(Span<byte> data)
    {
        data[ByteCount - 2] = 0xA5;
        data[ByteCount - 1] = Complement(data[..(ByteCount - 1)]);
    }

    private static byte Complement(ReadOnlySpan<byte> data)
    {
        byte sum = 0;
        foreach (byte b in data)
        {
            sum += b;
        }

        return (byte)-sum;
    }

    /// <summary>Text, in which the first character of each pair is in the upper byte of the word.</summary>
    private static void Text(Span<byte> data, int word, int length, string text)
    {
        for (int i = 0; i < length; i++)
        {
            data[(2 * word) + (i ^ 1)] = i < text.Length ? (byte)text[i] : (byte)' ';
        }
    }

    private static void Word(Span<byte> data, int word, int value) => BinaryPrimitives.WriteUInt16LittleEndian(data[(2 * word)..], (ushort)value);

    private static void DoubleWord(Span<byte> data, int word, uint value) => BinaryPrimitives.WriteUInt32LittleEndian(data[(2 * word)..], value);
}
