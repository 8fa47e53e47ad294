using System.Buffers.Binary;
using Emulator.Devices.Storage;
using Emulator.Devices.Storage.Floppy;
using Emulator.Devices.Storage.Ide;
using Emulator.Devices.Storage.Images;

namespace Emulator.Devices.Firmware.Bios;

/// <summary>
/// The drive numbers of INT 13h: floppy disks from 00h, hard disks from 80h in the order of the IDE channels, CDs from E0h. An emulated drive
/// (El Torito) moves the real ones up; a disk chosen in the boot menu changes places with 80h. Geometries of hard disks lie in the fixed disk
/// parameter tables.
/// </summary>
internal sealed class BiosDrives
{
    /// <summary>Number of the first hard disk.</summary>
    public const byte FirstDisk = 0x80;

    /// <summary>Number of the first CD.</summary>
    public const byte FirstCd = 0xE0;

    private const int MostCylinders = 1024;
    private const int Landing = 12;
    private const byte Translated = 0xA0;

    private static readonly (ushort Base, ushort Control, byte Irq)[] Channels = [(0x1F0, 0x3F6, 14), (0x170, 0x376, 15)];

    private readonly PcMachine _machine;
    private readonly DiskUnit[] _disks;
    private readonly CdUnit[] _cds;

    public BiosDrives(PcMachine machine)
    {
        _machine = machine;
        List<DiskUnit> disks = [];
        List<CdUnit> cds = [];
        int unit = 0;
        foreach (IdeDevice device in machine.IdeDevices)
        {
            // The board lists its devices by unit.
            while (!machine.Config.Drives.Any(d => d.Options.Interface == DriveInterface.Ide && d.Options.Index == unit))
            {
                unit++;
            }

            if (device is AtaDisk disk)
            {
                disks.Add(new DiskUnit(unit, disk));
            }
            else if (device is AtapiCdRom cd)
            {
                cds.Add(new CdUnit(unit, cd));
            }

            unit++;
        }

        _disks = disks.ToArray();
        _cds = cds.ToArray();
    }

    /// <summary>Number of floppy disk drives of the board.</summary>
    public int FloppyCount => _machine.Floppies.Drives.Count(d => d is not null);

    public int DiskCount => _disks.Length;

    public int CdCount => _cds.Length;

    /// <summary>Fills the parameter tables of the hard disks and points their vectors there.</summary>
    public void Post(ref BiosCall call)
    {
        call.Write8(BiosData.DiskCount, (byte)_disks.Length);
        Span<byte> table = stackalloc byte[(int)BiosData.DiskTableSize];
        for (int i = 0; i < _disks.Length; i++)
        {
            AtaDisk disk = _disks[i].Drive;
            DiskGeometry geometry = Translate(disk);
            table.Clear();
            BinaryPrimitives.WriteUInt16LittleEndian(table, (ushort)geometry.Cylinders);
            table[2] = (byte)geometry.Heads;
            table[3] = Translated;
            table[4] = AtaDisk.DefaultSectors;
            BinaryPrimitives.WriteUInt16LittleEndian(table[5..], 0xFFFF);
            table[8] = (byte)(AtaDisk.DefaultHeads > 8 ? 0x08 : 0);
            BinaryPrimitives.WriteUInt16LittleEndian(table[9..], (ushort)disk.DefaultCylinders);
            table[11] = AtaDisk.DefaultHeads;
            BinaryPrimitives.WriteUInt16LittleEndian(table[Landing..], (ushort)(disk.DefaultCylinders - 1));
            table[14] = (byte)geometry.Sectors;
            Complete(table);
            call.WriteBytes(Table(i), table);

            int unit = _disks[i].Unit;
            (ushort ports, ushort control, byte irq) = Channels[unit >> 1];
            table.Clear();
            BinaryPrimitives.WriteUInt16LittleEndian(table, ports);
            BinaryPrimitives.WriteUInt16LittleEndian(table[2..], control);
            table[4] = (byte)(0xE0 | ((unit & 1) << 4));
            table[6] = irq;
            table[7] = 1;
            BinaryPrimitives.WriteUInt16LittleEndian(table[10..], 0x0010 | (1 << 3)); // LBA, and CHS translated
            table[14] = 0x11;
            Complete(table);
            call.WriteBytes(DriverTable(i), table);
        }

        if (_disks.Length > 0)
        {
            SetVector(ref call, 0x41, 0);
        }

        if (_disks.Length > 1)
        {
            SetVector(ref call, 0x46, 1);
        }
    }

    /// <summary>Linear address of the table for a disk's device driver.</summary>
    public static uint DriverTable(int disk) => BiosData.DiskDriverTables + ((uint)disk * BiosData.DiskTableSize);

    /// <summary>The drive of a number.</summary>
    public BiosDrive Find(ref BiosCall call, byte number)
    {
        bool active = call.Read8(BiosData.CdIsActive) != 0;
        byte emulated = call.Read8(BiosData.CdDrive);
        if (active && number == emulated)
        {
            return Emulated(ref call);
        }

        if (number >= FirstCd)
        {
            return Cd(number - FirstCd);
        }

        if (number >= FirstDisk)
        {
            int disk = number - FirstDisk - (active && emulated == FirstDisk ? 1 : 0);
            int first = call.Read8(BiosData.BootFirstDisk);
            return Disk(ref call, disk == 0 ? first : disk == first ? 0 : disk);
        }

        return Floppy(number - (active && emulated == 0 ? 1 : 0));
    }

    /// <summary>A floppy disk drive; kind None when there is none.</summary>
    public BiosDrive Floppy(int index)
    {
        _machine.SettleDrives(); // under the host clock a transfer that the guest has started by itself can be under way
        FloppyDrive? drive = index is 0 or 1 ? _machine.Floppies.Drives[index] : null;
        if (drive is null)
        {
            return default;
        }

        FloppyGeometry geometry = drive.Geometry;
        return new BiosDrive
        {
            Kind = BiosDriveKind.Floppy,
            Unit = index,
            Index = index,
            Medium = drive.Medium,
            Total = geometry.Total,
            Geometry = new DiskGeometry(geometry.Cylinders, geometry.Heads, geometry.Sectors),
            Floppy = drive,
        };
    }

    /// <summary>A CD drive; kind None when there is none.</summary>
    public BiosDrive Cd(int index)
    {
        _machine.SettleDrives(); // under the host clock a transfer that the guest has started by itself can be under way
        if (index >= _cds.Length)
        {
            return default;
        }

        BlockImage? medium = _cds[index].Drive.ReadableMedium;
        return new BiosDrive { Kind = BiosDriveKind.Cd, Unit = _cds[index].Unit, Index = index, Medium = medium, Total = medium?.SectorCount ?? 0 };
    }

    /// <summary>A hard disk; kind None when there is none.</summary>
    public BiosDrive Disk(ref BiosCall call, int index)
    {
        _machine.SettleDrives(); // under the host clock a transfer that the guest has started by itself can be under way
        if (index < 0 || index >= _disks.Length)
        {
            return default;
        }

        BlockImage image = _disks[index].Drive.Image;
        uint table = Table(index);
        return new BiosDrive
        {
            Kind = BiosDriveKind.Disk,
            Unit = _disks[index].Unit,
            Index = index,
            Medium = image,
            Total = image.SectorCount,
            Geometry = new DiskGeometry(call.Read16(table), call.Read8(table + 2), call.Read8(table + 14)),
        };
    }

    private static uint Table(int disk) => BiosData.DiskTables + ((uint)disk * BiosData.DiskTableSize);

    private static void SetVector(ref BiosCall call, byte vector, int disk) =>
        call.Write32(4u * vector, ((uint)BiosData.ExtendedParagraph << 16) | (Table(disk) - BiosData.Extended));

    private static void Complete(Span<byte> table)
    {
        byte sum = 0;
        foreach (byte b in table[..^1])
        {
            sum += b;
        }

        table[^1] = (byte)-sum;
    }

    private BiosDrive Emulated(ref BiosCall call)
    {
        BiosDrive cd = Cd(call.Read8(BiosData.CdUnit));
        if (cd.Medium is null)
        {
            return cd with { Kind = cd.Kind == BiosDriveKind.None ? BiosDriveKind.None : BiosDriveKind.Emulated };
        }

        DiskGeometry geometry = new(call.Read16(BiosData.CdCylinders), call.Read8(BiosData.CdHeads), call.Read8(BiosData.CdSectors));
        long first = 4L * call.Read32(BiosData.CdFirst);
        long total = Math.Max(0, Math.Min((long)geometry.Cylinders * geometry.Heads * geometry.Sectors, cd.Medium.SectorCount - first));
        return cd with { Kind = BiosDriveKind.Emulated, First = first, Total = total, Geometry = geometry };
    }

    /// <summary>
    /// The geometry that INT 13h shows for a disk: the one with which its partition table was made if that can be seen, else the disk's own
    /// up to 1024 cylinders, else as many heads as bring the cylinders below 1024 (LBA-assisted translation).
    /// </summary>
    private static DiskGeometry Translate(AtaDisk disk)
    {
        long total = disk.Image.SectorCount;
        (int heads, int sectors) = FromPartitions(disk.Image) ?? (0, AtaDisk.DefaultSectors);
        if (heads == 0)
        {
            heads = AtaDisk.DefaultHeads;
            while (heads < 128 && total > (long)MostCylinders * heads * sectors)
            {
                heads *= 2;
            }

            if (total > (long)MostCylinders * heads * sectors)
            {
                heads = 255;
            }
        }

        return new DiskGeometry((int)Math.Clamp(total / (heads * sectors), 1, MostCylinders), heads, sectors);
    }

    private static (int Heads, int Sectors)? FromPartitions(BlockImage image)
    {
        Span<byte> sector = stackalloc byte[BlockImage.SectorSize];
        try
        {
            image.Read(0, sector);
        }
        catch (StorageException)
        {
            return null; // INT 13h will report it when somebody reads
        }

        if (BinaryPrimitives.ReadUInt16LittleEndian(sector[510..]) != 0xAA55)
        {
            return null;
        }

        for (int i = 0; i < 4; i++)
        {
            ReadOnlySpan<byte> entry = sector.Slice(0x1BE + (16 * i), 16);
            uint first = BinaryPrimitives.ReadUInt32LittleEndian(entry[8..]);
            uint count = BinaryPrimitives.ReadUInt32LittleEndian(entry[12..]);
            int heads = entry[5] + 1;
            int sectors = entry[6] & 0x3F;
            if (entry[4] == 0 || count == 0 || sectors == 0 || heads > 255 || (entry[0] & 0x7F) != 0)
            {
                continue;
            }

            // The end must be the end of a cylinder, and mean the same sector in both notations.
            long last = (long)first + count - 1;
            int cylinder = entry[7] | ((entry[6] & 0xC0) << 2);
            long end = ((((long)cylinder * heads) + entry[5]) * sectors) + sectors - 1;
            if (end == last)
            {
                return (heads, sectors);
            }
        }

        return null;
    }

    private sealed record DiskUnit(int Unit, AtaDisk Drive);

    private sealed record CdUnit(int Unit, AtapiCdRom Drive);
}
