using System.Buffers.Binary;
using System.Text;
using Emulator.Devices.Storage;
using Emulator.Devices.Storage.Images;
using Microsoft.Extensions.Logging;

namespace Emulator.Devices.Firmware.Bios;

/// <summary>
/// Bootable CDs (El Torito specification 1.0): the bootable entries for x86 of the boot catalog, the default one first, without emulation or as floppy disk or
/// hard disk. Which image is active lies in the extended BIOS data area. Left out: selection criteria and their extension entries.
/// </summary>
internal sealed class CdBoot
{
    /// <summary>Bytes of the specification packet of INT 13h, functions 4Bh.</summary>
    public const int SpecificationSize = 0x13;

    private const int CdSector = 2048;
    private const int BootRecord = 17;
    private const byte Bootable = 0x88;
    private const byte NoEmulation = 0;
    private const byte HardDisk = 4;
    private const ushort DefaultLoadSegment = 0x7C0;

    private readonly BiosDrives _drives;
    private readonly ILogger _logger;

    public CdBoot(BiosDrives drives, ILogger logger)
    {
        _drives = drives;
        _logger = logger;
    }

    /// <summary>Whether the image that was booted answers to a drive number.</summary>
    public bool Answers(ref BiosCall call, byte drive) => call.Read16(BiosData.CdLoadCount) != 0 && drive == call.Read8(BiosData.CdDrive) && _drives.CdCount != 0;

    /// <summary>What the sections of a CD's bootable entries call themselves, "" for the default entry; none when it is not bootable or cannot be read.</summary>
    /// <param name="cd">Number of the CD drive.</param>
    public IReadOnlyList<string> EntryNames(int cd)
    {
        try
        {
            return _drives.Cd(cd).Medium is { } medium && ReadCatalog(medium, out List<(byte[] Entry, string Name)> entries) is null ? entries.ConvertAll(e => e.Name) : [];
        }
        catch (StorageException e)
        {
            _logger.LogError("boot: {Message}", e.Message);
            return [];
        }
    }

    /// <summary>Loads a boot image of a CD.</summary>
    /// <param name="call">The call.</param>
    /// <param name="cd">Number of the CD drive.</param>
    /// <param name="number">Number of the entry among the bootable ones.</param>
    /// <param name="segment">Receives the segment where it was loaded.</param>
    /// <param name="drive">Receives its drive number.</param>
    /// <returns>What is wrong, or null when it can be started.</returns>
    public string? Load(ref BiosCall call, int cd, int number, out ushort segment, out byte drive)
    {
        segment = 0;
        drive = 0;
        BiosDrive device = _drives.Cd(cd);
        if (device.Medium is not { } medium)
        {
            return "no medium";
        }

        try
        {
            if (ReadCatalog(medium, out List<(byte[] Entry, string Name)> entries) is { } failure)
            {
                return failure;
            }

            return number < entries.Count ? LoadEntry(ref call, cd, medium, entries[number].Entry, out segment, out drive) : "the boot catalog has no such entry";
        }
        catch (StorageException e)
        {
            _logger.LogError("boot: {Message}", e.Message);
            return "read error";
        }
    }

    /// <summary>Writes the specification packet of the image that was booted; false when none was.</summary>
    public bool WriteSpecification(ref BiosCall call, uint packet)
    {
        if (call.Read16(BiosData.CdLoadCount) == 0 || _drives.CdCount == 0)
        {
            return false;
        }

        Span<byte> bytes = stackalloc byte[SpecificationSize];
        bytes.Clear();
        bytes[0] = SpecificationSize;
        bytes[1] = call.Read8(BiosData.CdMediaType);
        bytes[2] = call.Read8(BiosData.CdDrive);
        int unit = _drives.Cd(call.Read8(BiosData.CdUnit)).Unit;
        bytes[3] = (byte)(unit >> 1);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[4..], call.Read32(BiosData.CdFirst));
        bytes[8] = (byte)(unit & 1);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes[0x0C..], call.Read16(BiosData.CdLoadSegment));
        BinaryPrimitives.WriteUInt16LittleEndian(bytes[0x0E..], call.Read16(BiosData.CdLoadCount));
        if ((bytes[1] & 0x0F) != NoEmulation)
        {
            int last = Math.Max(0, call.Read16(BiosData.CdCylinders) - 1);
            bytes[0x10] = (byte)last;
            bytes[0x11] = (byte)(call.Read8(BiosData.CdSectors) | ((last >> 2) & 0xC0));
            bytes[0x12] = (byte)(call.Read8(BiosData.CdHeads) - 1);
        }

        call.WriteBytes(packet, bytes);
        return true;
    }

    /// <summary>Lists the bootable entries for x86; returns what is wrong, or null when there is one.</summary>
    private static string? ReadCatalog(BlockImage medium, out List<(byte[] Entry, string Name)> entries)
    {
        const int Catalog = 0x47;
        const int EntrySize = 32;
        const int MostEntries = 8 * CdSector / EntrySize;
        const byte X86 = 0;
        const byte Header = 0x90;
        const byte FinalHeader = 0x91;
        const byte Extension = 0x44;
        entries = [];
        byte[] sector = new byte[CdSector];
        if (!ReadSector(medium, BootRecord, sector) || sector[0] != 0 || !sector.AsSpan(1, 5).SequenceEqual("CD001"u8)
            || !sector.AsSpan(7, 23).SequenceEqual("EL TORITO SPECIFICATION"u8))
        {
            return "not a bootable CD";
        }

        uint first = BinaryPrimitives.ReadUInt32LittleEndian(sector.AsSpan(Catalog));
        if (!ReadSector(medium, first, sector) || sector[0] != 1 || sector[0x1E] != 0x55 || sector[0x1F] != 0xAA)
        {
            return "the boot catalog is not valid";
        }

        // The validation entry says what the default entry is for, a header what its section is for.
        bool wanted = sector[1] == X86;
        string name = "";
        int left = 1;
        bool final = false;
        for (int i = 1; i < MostEntries; i++)
        {
            int at = i * EntrySize % CdSector;
            if (at == 0 && !ReadSector(medium, first + (uint)(i * EntrySize / CdSector), sector))
            {
                break;
            }

            ReadOnlySpan<byte> entry = sector.AsSpan(at, EntrySize);
            if (left > 0)
            {
                if (entry[0] == Extension && i > 1)
                {
                    continue;
                }

                left--;
                if (wanted && entry[0] == Bootable)
                {
                    entries.Add((entry.ToArray(), name));
                }
            }
            else if (!final && entry[0] is Header or FinalHeader)
            {
                final = entry[0] == FinalHeader;
                wanted = entry[1] == X86;
                left = BinaryPrimitives.ReadUInt16LittleEndian(entry[2..]);
                name = Text(entry[4..]);
            }
            else if (entry[0] != Extension)
            {
                break;
            }
        }

        return entries.Count != 0 ? null : "the boot catalog has no bootable entry";
    }

    private static string Text(ReadOnlySpan<byte> bytes)
    {
        int length = bytes.IndexOfAnyExceptInRange((byte)0x20, (byte)0x7E);
        return Encoding.ASCII.GetString(length < 0 ? bytes : bytes[..length]).TrimEnd();
    }

    private static bool ReadSector(BlockImage medium, uint number, Span<byte> sector)
    {
        if (4L * (number + 1L) > medium.SectorCount)
        {
            return false;
        }

        medium.Read(4L * number, sector);
        return true;
    }

    private static string? LoadEntry(ref BiosCall call, int cd, BlockImage medium, ReadOnlySpan<byte> entry, out ushort segment, out byte drive)
    {
        byte type = (byte)(entry[1] & 0x0F);
        segment = BinaryPrimitives.ReadUInt16LittleEndian(entry[2..]) is var asked and not 0 ? asked : DefaultLoadSegment;
        int count = BinaryPrimitives.ReadUInt16LittleEndian(entry[6..]);
        uint first = BinaryPrimitives.ReadUInt32LittleEndian(entry[8..]);
        drive = type switch { NoEmulation => (byte)(BiosDrives.FirstCd + cd), HardDisk => BiosDrives.FirstDisk, _ => 0 };
        if (type > HardDisk)
        {
            return "the boot image has an unknown type";
        }

        // Sectors of 512 bytes; an emulated disk starts with its boot sector alone.
        count = type == NoEmulation ? Math.Max(count, 1) : 1;
        uint destination = (uint)segment << 4;
        long start = 4L * first;
        if (start + count > medium.SectorCount || destination + ((long)count * BlockImage.SectorSize) > BiosData.Extended || destination < BiosData.Start + BiosData.Length)
        {
            return "the boot image does not fit";
        }

        DiskGeometry geometry = type switch
        {
            1 => new DiskGeometry(80, 2, 15),
            2 => new DiskGeometry(80, 2, 18),
            3 => new DiskGeometry(80, 2, 36),
            _ => default,
        };
        byte[] image = new byte[count * BlockImage.SectorSize];
        medium.Read(start, image);
        if (type == HardDisk)
        {
            // The geometry of the one partition of the image.
            ReadOnlySpan<byte> partition = image.AsSpan(0x1BE, 16);
            geometry = new DiskGeometry((partition[7] | ((partition[6] & 0xC0) << 2)) + 1, Math.Min(partition[5] + 1, 255), partition[6] & 0x3F);
            if (geometry.Sectors == 0)
            {
                return "the boot image has no partition";
            }
        }

        call.WriteBytes(destination, image);
        call.Write8(BiosData.CdMediaType, type);
        call.Write8(BiosData.CdDrive, drive);
        call.Write8(BiosData.CdUnit, (byte)cd);
        call.Write8(BiosData.CdIsActive, type == NoEmulation ? (byte)0 : (byte)1);
        call.Write32(BiosData.CdFirst, first);
        call.Write16(BiosData.CdLoadSegment, segment);
        call.Write16(BiosData.CdLoadCount, (ushort)count);
        call.Write8(BiosData.CdHeads, (byte)geometry.Heads);
        call.Write8(BiosData.CdSectors, (byte)geometry.Sectors);
        call.Write16(BiosData.CdCylinders, (ushort)geometry.Cylinders);
        return null;
    }
}
