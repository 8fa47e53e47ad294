using System.Buffers.Binary;
using Emulator.Devices.Storage;
using Emulator.Devices.Storage.Images;
using Microsoft.Extensions.Logging;

namespace Emulator.Devices.Firmware.Bios;

/// <summary>
/// Bootable CDs (El Torito specification 1.0): the default entry of the boot catalog, without emulation or as floppy disk or hard disk. Which image
/// is active lies in the extended BIOS data area.
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

    /// <summary>Loads the boot image of a CD.</summary>
    /// <param name="call">The call.</param>
    /// <param name="cd">Number of the CD drive.</param>
    /// <param name="segment">Receives the segment where it was loaded.</param>
    /// <param name="drive">Receives its drive number.</param>
    /// <returns>What is wrong, or null when it can be started.</returns>
    public string? Load(ref BiosCall call, int cd, out ushort segment, out byte drive)
    {
        segment = 0;
        drive = 0;
        BiosDrive device = _drives.Cd(cd);
        if (device.Medium is not { } medium)
        {
            return "no medium";
        }

        byte[] sector = new byte[CdSector];
        try
        {
            if (!ReadSector(medium, BootRecord, sector) || sector[0] != 0 || !sector.AsSpan(1, 5).SequenceEqual("CD001"u8)
                || !sector.AsSpan(7, 23).SequenceEqual("EL TORITO SPECIFICATION"u8))
            {
                return "not a bootable CD";
            }

            if (!ReadSector(medium, BinaryPrimitives.ReadUInt32LittleEndian(sector.AsSpan(0x47)), sector) || sector[0] != 1 || sector[0x1E] != 0x55 || sector[0x1F] != 0xAA
                || sector[0x20] != Bootable)
            {
                return "the boot catalog has no bootable entry";
            }

            return LoadEntry(ref call, cd, medium, sector.AsSpan(0x20, 32), out segment, out drive);
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
