using Emulator.Core.Cpu;
using Emulator.Devices.Storage;
using Emulator.Devices.Storage.Images;
using Microsoft.Extensions.Logging;

namespace Emulator.Devices.Firmware.Bios;

/// <summary>
/// INT 13h: floppy disks, hard disks by cylinder, head and sector and by the extensions (EDD 3.0), CDs. Sectors move between image and guest
/// memory at one instant, without the controllers' registers; 64 KiB boundaries mean nothing.
/// </summary>
internal sealed partial class DiskServices
{
    private const byte Success = 0x00;
    private const byte BadCommand = 0x01;
    private const byte WriteProtected = 0x03;
    private const byte NotFound = 0x04;
    private const byte MediaChanged = 0x06;
    private const byte ReadError = 0x10;
    private const byte NoMedia = 0x31;
    private const byte TimedOut = 0x80;
    private const byte WriteFault = 0xCC;

    private const byte MotorTime = 37;
    private const int BufferSize = 64 << 10;

    private readonly BiosDrives _drives;
    private readonly CdBoot _cd;
    private readonly ILogger _logger;
    private readonly byte[] _buffer = new byte[BufferSize];

    public DiskServices(BiosDrives drives, CdBoot cd, ILogger logger)
    {
        _drives = drives;
        _cd = cd;
        _logger = logger;
    }

    private enum Transfer
    {
        Read,
        Write,
        Verify,
    }

    /// <summary>INT 13h, and INT 40h for floppy disks.</summary>
    public void Run(ref BiosCall call)
    {
        byte function = call.Ah;
        if (function is 0x4A or 0x4B or 0x4C or 0x4D)
        {
            RunElTorito(ref call);
            return;
        }

        BiosDrive drive = _drives.Find(ref call, call.Dl);
        bool floppy = call.Dl < BiosDrives.FirstDisk;
        switch (function)
        {
            case 0x00 or 0x0D:
                Finish(ref call, drive.Kind == BiosDriveKind.None && !floppy ? BadCommand : Success);
                return;
            case 0x01:
                byte status = call.Read8(StatusAddress(call.Dl));
                call.Ah = status;
                call.Carry = status != Success;
                return;
            case 0x08:
                GetParameters(ref call, drive, floppy);
                return;
            case 0x15:
                GetType(ref call, drive);
                return;
            case 0x16 when floppy:
                GetChange(ref call, drive);
                return;
            default:
                break;
        }

        if (drive.Kind == BiosDriveKind.None)
        {
            call.Al = function is 0x02 or 0x03 ? (byte)0 : call.Al;
            Finish(ref call, floppy ? TimedOut : BadCommand);
            return;
        }

        switch (function)
        {
            case 0x02:
                TransferChs(ref call, drive, Transfer.Read);
                break;
            case 0x03:
                TransferChs(ref call, drive, Transfer.Write);
                break;
            case 0x04:
                TransferChs(ref call, drive, Transfer.Verify);
                break;
            case 0x05 when drive.Kind == BiosDriveKind.Floppy:
                FormatTrack(ref call, drive);
                break;
            case 0x17 or 0x18 when floppy:
                SetMediaType(ref call, drive, function);
                break;
            case 0x09 or 0x0C or 0x10 or 0x11 or 0x14 when drive.Kind == BiosDriveKind.Disk:
                Finish(ref call, Success);
                break;
            case >= 0x41 and <= 0x48 or 0x4E when !floppy:
                RunExtended(ref call, drive);
                break;
            default:
                Finish(ref call, BadCommand);
                break;
        }
    }

    /// <summary>INT 0Eh: the controller's interrupt came.</summary>
    public static void FloppyInterrupt(ref BiosCall call) =>
        call.Write8(BiosData.FloppyRecalibrate, (byte)(call.Read8(BiosData.FloppyRecalibrate) | 0x80));

    private static uint StatusAddress(byte drive) => drive < BiosDrives.FirstDisk ? BiosData.FloppyStatus : BiosData.DiskStatus;

    private static void Finish(ref BiosCall call, byte status)
    {
        call.Write8(StatusAddress(call.Dl), status);
        call.Ah = status;
        call.Carry = status != Success;
    }

    private void TransferChs(ref BiosCall call, in BiosDrive drive, Transfer transfer)
    {
        int count = call.Al;
        if (drive.Kind == BiosDriveKind.Floppy && !FloppyIsReady(ref call, drive))
        {
            call.Al = 0;
            return;
        }

        DiskGeometry geometry = drive.Geometry;
        int cylinder = call.Ch | ((call.Cl & 0xC0) << 2);
        int sector = call.Cl & 0x3F;
        int head = call.Dh;
        bool floppy = drive.Kind == BiosDriveKind.Floppy;
        if (drive.Kind == BiosDriveKind.Cd || count == 0 || sector == 0 || sector > geometry.Sectors || head >= geometry.Heads || cylinder >= geometry.Cylinders)
        {
            call.Al = 0;
            Finish(ref call, floppy && count != 0 ? NotFound : BadCommand);
            return;
        }

        // A floppy disk controller goes on to the other side, not to the next cylinder.
        long first = (((((long)cylinder * geometry.Heads) + head) * geometry.Sectors) + sector) - 1;
        long possible = Math.Min(count, drive.Total - first);
        if (floppy)
        {
            possible = Math.Min(possible, ((cylinder + 1L) * geometry.Heads * geometry.Sectors) - first);
        }

        byte status = possible < count ? NotFound : Success;
        int done = 0;
        if (possible > 0)
        {
            byte moved = Move(ref call, drive, transfer, first, (int)possible, call.Linear(SegmentIndex.Es, call.Bx), out done);
            if (call.Faulted)
            {
                return;
            }

            status = moved != Success ? moved : status;
        }

        call.Al = (byte)done;
        Finish(ref call, status);
    }

    /// <summary>Moves sectors of the drive's own size; after a page fault the call has failed.</summary>
    /// <returns>Status of INT 13h.</returns>
    private byte Move(ref BiosCall call, in BiosDrive drive, Transfer transfer, long first, int count, uint linear, out int done)
    {
        done = 0;
        if (drive.Medium is not { } medium)
        {
            return drive.Kind == BiosDriveKind.Disk ? TimedOut : NoMedia;
        }

        if (transfer == Transfer.Write && drive.IsReadOnly)
        {
            return WriteProtected;
        }

        int size = drive.SectorSize;
        if (transfer != Transfer.Verify && !call.Check(linear, (uint)(count * size), write: transfer == Transfer.Read))
        {
            return Success;
        }

        try
        {
            while (done < count)
            {
                int part = Math.Min(count - done, BufferSize / size);
                Span<byte> bytes = _buffer.AsSpan(0, part * size);
                long sector = drive.First + ((first + done) * drive.Scale);
                switch (transfer)
                {
                    case Transfer.Write:
                        call.ReadBytes(linear, bytes);
                        medium.Write(sector, bytes);
                        break;
                    case Transfer.Read:
                        medium.Read(sector, bytes);
                        call.WriteBytes(linear, bytes);
                        break;
                    default:
                        medium.Read(sector, bytes);
                        break;
                }

                linear += (uint)bytes.Length;
                done += part;
            }

            return Success;
        }
        catch (StorageException e)
        {
            _logger.LogError("INT 13h: {Message}", e.Message);
            return transfer == Transfer.Write ? WriteFault : ReadError;
        }
    }

    /// <summary>Whether there is a disk that was not changed since the last access; else the status is set and the change noticed.</summary>
    private static bool FloppyIsReady(ref BiosCall call, in BiosDrive drive)
    {
        call.Write8(BiosData.FloppyMotor, (byte)((call.Read8(BiosData.FloppyMotor) & 0xF0) | (1 << drive.Unit)));
        call.Write8(BiosData.FloppyMotorCount, MotorTime);
        if (drive.Medium is null)
        {
            Finish(ref call, TimedOut);
            return false;
        }

        if (drive.Floppy is { Changed: true } floppy)
        {
            floppy.Seek(0);
            Finish(ref call, MediaChanged);
            return false;
        }

        byte rate = (byte)(drive.Floppy!.Geometry.Rate << 6);
        byte established = (byte)(drive.Floppy.Type switch { 2 => drive.Geometry.Sectors == 15 ? 0x15 : 0x14, _ => 0x17 });
        call.Write8(BiosData.FloppyMedia + (uint)drive.Unit, (byte)(rate | established));
        return true;
    }

    private void FormatTrack(ref BiosCall call, in BiosDrive drive)
    {
        uint table = call.Linear(SegmentIndex.Es, call.Bx);
        uint parameters = call.Read32(4 * 0x1E);
        byte fill = call.Read8(BiosCall.Linear((ushort)(parameters >> 16), (ushort)(parameters + 8)));
        if (!call.Check(table, (uint)call.Al * 4, write: false) || !FloppyIsReady(ref call, drive))
        {
            return;
        }

        if (drive.IsReadOnly)
        {
            Finish(ref call, WriteProtected);
            return;
        }

        DiskGeometry geometry = drive.Geometry;
        if (call.Ch >= geometry.Cylinders || call.Dh >= geometry.Heads)
        {
            Finish(ref call, NotFound);
            return;
        }

        Span<byte> sector = stackalloc byte[BlockImage.SectorSize];
        sector.Fill(fill);
        byte status = Success;
        for (uint i = 0; i < call.Al; i++)
        {
            uint field = call.Read32(table + (4 * i));
            int number = (byte)(field >> 16);
            if ((byte)field != call.Ch || (byte)(field >> 8) != call.Dh || number == 0 || number > geometry.Sectors || field >> 24 != 2)
            {
                status = NotFound; // an address mark that the image cannot hold
                break;
            }

            try
            {
                drive.Medium!.Write((((call.Ch * geometry.Heads) + call.Dh) * geometry.Sectors) + number - 1, sector);
            }
            catch (StorageException e)
            {
                _logger.LogError("INT 13h: {Message}", e.Message);
                status = WriteProtected;
                break;
            }
        }

        Finish(ref call, status);
    }

    private void GetParameters(ref BiosCall call, in BiosDrive drive, bool floppy)
    {
        if (floppy)
        {
            int count = _drives.FloppyCount;
            bool emulated = drive.Kind == BiosDriveKind.Emulated;
            if (drive.Kind == BiosDriveKind.None)
            {
                call.Bx = call.Cx = 0;
                call.Dx = (ushort)count;
                call.Es = 0;
                call.Di = 0;
                Finish(ref call, 0x07);
                return;
            }

            int type = emulated ? drive.Geometry.Sectors switch { 15 => 2, 36 => 5, _ => 4 } : drive.Floppy!.Type;
            call.Bx = (ushort)type;
            call.Ch = 79;
            call.Cl = (byte)(type switch { 2 => 15, 5 => 36, _ => 18 });
            call.Dh = 1;
            call.Dl = (byte)(count + (emulated ? 1 : 0));
            call.Es = BiosRom.Segment;
            call.Di = BiosRom.DisketteParameters;
            call.Write8(BiosData.FloppyStatus, Success);
            call.Ax = 0;
            call.Carry = false;
            return;
        }

        if (drive.Kind is not (BiosDriveKind.Disk or BiosDriveKind.Emulated))
        {
            call.Cx = 0;
            call.Dx = 0;
            call.Write8(BiosData.DiskStatus, 0x07);
            call.Ah = 0x07;
            call.Carry = true;
            return;
        }

        DiskGeometry geometry = drive.Geometry;
        int last = Math.Max(0, geometry.Cylinders - 1);
        call.Ch = (byte)last;
        call.Cl = (byte)((geometry.Sectors & 0x3F) | ((last >> 2) & 0xC0));
        call.Dh = (byte)Math.Max(0, geometry.Heads - 1);
        call.Write8(BiosData.DiskStatus, Success);
        call.Dl = (byte)(_drives.DiskCount + (call.Read8(BiosData.CdIsActive) != 0 && call.Read8(BiosData.CdDrive) == BiosDrives.FirstDisk ? 1 : 0));
        call.Ax = 0;
        call.Carry = false;
    }

    private static void GetType(ref BiosCall call, in BiosDrive drive)
    {
        call.Carry = false;
        bool floppy = call.Dl < BiosDrives.FirstDisk;
        switch (drive.Kind)
        {
            case BiosDriveKind.Floppy:
                call.Ah = 2; // with change line
                break;
            case BiosDriveKind.Emulated when floppy:
                call.Ah = 1;
                break;
            case BiosDriveKind.Disk or BiosDriveKind.Emulated:
                long sectors = Math.Min((long)drive.Geometry.Cylinders * drive.Geometry.Heads * drive.Geometry.Sectors, uint.MaxValue);
                call.Ah = 3;
                call.Cx = (ushort)(sectors >> 16);
                call.Dx = (ushort)sectors;
                break;
            default:
                call.Ah = 0;
                call.Carry = !floppy;
                break;
        }

        call.Write8(floppy ? BiosData.FloppyStatus : BiosData.DiskStatus, Success);
    }

    private static void GetChange(ref BiosCall call, in BiosDrive drive)
    {
        byte status = drive.Kind switch
        {
            BiosDriveKind.Emulated => Success,
            BiosDriveKind.Floppy when drive.Medium is null => TimedOut,
            BiosDriveKind.Floppy when drive.Floppy!.Changed => MediaChanged,
            BiosDriveKind.Floppy => Success,
            _ => BadCommand,
        };
        Finish(ref call, status);
    }

    /// <summary>Functions 17h and 18h: the format that the disk in the drive has is the only one.</summary>
    private static void SetMediaType(ref BiosCall call, in BiosDrive drive, byte function)
    {
        if (drive.Medium is null)
        {
            Finish(ref call, TimedOut);
            return;
        }

        if (function == 0x18)
        {
            int cylinders = (call.Ch | ((call.Cl & 0xC0) << 2)) + 1;
            if (cylinders != drive.Geometry.Cylinders || (call.Cl & 0x3F) != drive.Geometry.Sectors)
            {
                Finish(ref call, 0x0C);
                return;
            }

            call.Es = BiosRom.Segment;
            call.Di = BiosRom.DisketteParameters;
        }

        Finish(ref call, Success);
    }
}
