using System.Buffers.Binary;
using Emulator.Core.Cpu;

namespace Emulator.Devices.Firmware.Bios;

/// <content>The extensions of INT 13h (Enhanced Disk Drive specification 3.0), and El Torito's functions.</content>
internal sealed partial class DiskServices
{
    private const ushort ProbeIn = 0x55AA;
    private const ushort ProbeOut = 0xAA55;
    private const ushort Version = 0x3000;
    private const ushort AccessAndParameters = 0x0005;
    private const int ShortPacket = 0x10;
    private const int LongPacket = 0x18;
    private const uint FlatAddress = 0xFFFF_FFFF;
    private const int ParametersVersion1 = 0x1A;
    private const int ParametersVersion2 = 0x1E;
    private const int ParametersVersion3 = 0x42;

    private void RunExtended(ref BiosCall call, in BiosDrive drive)
    {
        switch (call.Ah)
        {
            case 0x41 when call.Bx == ProbeIn:
                call.Bx = ProbeOut;
                call.Cx = AccessAndParameters;
                Finish(ref call, Success);
                call.Ax = Version;
                break;
            case 0x42:
                TransferPacket(ref call, drive, Transfer.Read);
                break;
            case 0x43 when call.Al <= 2:
                TransferPacket(ref call, drive, Transfer.Write);
                break;
            case 0x44:
                TransferPacket(ref call, drive, Transfer.Verify);
                break;
            case 0x47:
                uint packet = call.Linear(SegmentIndex.Ds, call.Si);
                ulong sector = call.Read64(packet + 8);
                if (!call.Faulted)
                {
                    Finish(ref call, sector < (ulong)(drive.Total / drive.Scale) ? Success : BadCommand);
                }

                break;
            case 0x48:
                WriteParameters(ref call, drive);
                break;
            default:
                Finish(ref call, BadCommand);
                break;
        }
    }

    private void TransferPacket(ref BiosCall call, in BiosDrive drive, Transfer transfer)
    {
        uint packet = call.Linear(SegmentIndex.Ds, call.Si);
        Span<byte> bytes = stackalloc byte[LongPacket];
        bytes.Clear();
        int size = call.Read8(packet);
        if (!call.Check(packet, (uint)Math.Clamp(size, 4, LongPacket), write: true))
        {
            return;
        }

        if (size < ShortPacket)
        {
            Finish(ref call, BadCommand);
            return;
        }

        call.ReadBytes(packet, bytes[..(size >= LongPacket ? LongPacket : ShortPacket)]);
        int count = BinaryPrimitives.ReadUInt16LittleEndian(bytes[2..]);
        uint buffer = BinaryPrimitives.ReadUInt32LittleEndian(bytes[4..]);
        ulong first = BinaryPrimitives.ReadUInt64LittleEndian(bytes[8..]);
        uint linear = buffer == FlatAddress && size >= LongPacket
            ? BinaryPrimitives.ReadUInt32LittleEndian(bytes[16..])
            : BiosCall.Linear((ushort)(buffer >> 16), (ushort)buffer);
        ulong total = (ulong)(drive.Total / drive.Scale);
        if (drive.Medium is null)
        {
            call.Write16(packet + 2, 0);
            Finish(ref call, NoMedia);
            return;
        }

        if (first > total || (ulong)count > total - first)
        {
            call.Write16(packet + 2, 0);
            Finish(ref call, BadCommand);
            return;
        }

        byte status = Move(ref call, drive, transfer, (long)first, count, linear, out int done);
        if (!call.Faulted)
        {
            call.Write16(packet + 2, (ushort)done);
            Finish(ref call, status);
        }
    }

    private static void WriteParameters(ref BiosCall call, in BiosDrive drive)
    {
        const ushort ChsIsValid = 0x02;
        const ushort RemovableMedium = 0x04;
        uint result = call.Linear(SegmentIndex.Ds, call.Si);
        int room = call.Read16(result);
        int size = room >= ParametersVersion3 ? ParametersVersion3 : room >= ParametersVersion2 ? ParametersVersion2 : ParametersVersion1;
        if (!call.Check(result, (uint)Math.Min(room, size), write: true))
        {
            return;
        }

        if (room < ParametersVersion1)
        {
            Finish(ref call, BadCommand);
            return;
        }

        Span<byte> bytes = stackalloc byte[ParametersVersion3];
        bytes.Clear();
        BinaryPrimitives.WriteUInt16LittleEndian(bytes, (ushort)size);
        bool cd = drive.Kind == BiosDriveKind.Cd;
        long sectors = drive.Total / drive.Scale;
        BinaryPrimitives.WriteUInt16LittleEndian(bytes[2..], cd ? RemovableMedium : ChsIsValid);
        if (cd)
        {
            bytes[4..0x10].Fill(0xFF);
        }
        else
        {
            // The physical geometry, not the translated one.
            bool disk = drive.Kind == BiosDriveKind.Disk;
            BinaryPrimitives.WriteInt32LittleEndian(bytes[4..], disk ? (int)Math.Clamp(sectors / (16 * 63), 1, 16383) : drive.Geometry.Cylinders);
            BinaryPrimitives.WriteInt32LittleEndian(bytes[8..], disk ? 16 : drive.Geometry.Heads);
            BinaryPrimitives.WriteInt32LittleEndian(bytes[12..], disk ? 63 : drive.Geometry.Sectors);
        }

        BinaryPrimitives.WriteInt64LittleEndian(bytes[0x10..], sectors);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes[0x18..], (ushort)drive.SectorSize);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[0x1A..], drive.Kind == BiosDriveKind.Disk
            ? ((uint)BiosData.ExtendedParagraph << 16) | (BiosDrives.DriverTable(drive.Index) - BiosData.Extended)
            : 0xFFFF_FFFF);
        if (size == ParametersVersion3)
        {
            BinaryPrimitives.WriteUInt16LittleEndian(bytes[0x1E..], 0xBEDD);
            bytes[0x20] = 36;
            "PCI "u8.CopyTo(bytes[0x24..]);
            (cd ? "ATAPI   "u8 : "ATA     "u8).CopyTo(bytes[0x28..]);
            bytes[0x31] = 1; // bus 0, device 1, function 1, channel
            bytes[0x32] = 1;
            bytes[0x33] = (byte)(drive.Unit >> 1);
            bytes[0x38] = (byte)(drive.Unit & 1);
            byte sum = 0;
            foreach (byte b in bytes[0x1E..0x41])
            {
                sum += b;
            }

            bytes[0x41] = (byte)-sum;
        }

        call.WriteBytes(result, bytes[..size]);
        Finish(ref call, Success);
    }

    /// <summary>Functions 4Ah to 4Dh (El Torito specification 1.0, section 4.2).</summary>
    private void RunElTorito(ref BiosCall call)
    {
        if (call.Ax is not (0x4B00 or 0x4B01) || (call.Dl != 0x7F && !_cd.Answers(ref call, call.Dl)))
        {
            Finish(ref call, BadCommand);
            return;
        }

        bool end = call.Al == 0;
        uint packet = call.Linear(SegmentIndex.Ds, call.Si);
        if (!call.Check(packet, CdBoot.SpecificationSize, write: true))
        {
            return;
        }

        if (!_cd.WriteSpecification(ref call, packet))
        {
            Finish(ref call, BadCommand);
            return;
        }

        if (end)
        {
            call.Write8(BiosData.CdIsActive, 0);
        }

        Finish(ref call, Success);
    }
}
