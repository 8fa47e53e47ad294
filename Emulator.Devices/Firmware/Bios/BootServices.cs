using Emulator.Devices.Storage;
using Emulator.Devices.Storage.Images;

namespace Emulator.Devices.Firmware.Bios;

/// <summary>INT 19h: starts the operating system from the first device of the boot order that has one.</summary>
internal sealed class BootServices
{
    private const uint BootSector = 0x7C00;
    private const ushort Signature = 0xAA55;

    private readonly PcMachine _machine;

    public BootServices(PcMachine machine) => _machine = machine;

    /// <summary>Tries the next device; returns the entry point in AX:BX and the drive in DL, or waits.</summary>
    public void Run(ref BiosCall call)
    {
        byte next = call.Read8(BiosData.BootState);
        string order = _machine.Config.BootOrder;
        while (next < order.Length)
        {
            char device = order[next++];
            call.Write8(BiosData.BootState, next);
            if (Load(ref call, device) is { } drive)
            {
                call.Ax = 0;
                call.Bx = (ushort)BootSector;
                call.Dx = drive;
                return;
            }
        }

        call.Wait();
    }

    private byte? Load(ref BiosCall call, char device)
    {
        byte drive = device == 'a' ? (byte)0 : (byte)0x80;
        BlockImage? image = device switch
        {
            'a' => _machine.Config.Drives.FirstOrDefault(d => d.Options is { Interface: DriveInterface.Floppy, Index: 0 })?.Image,
            'c' => _machine.Config.Drives.FirstOrDefault(d => d.Options is { Interface: DriveInterface.Ide, Media: DriveMedia.Disk })?.Image,
            _ => null,
        };
        if (image is null)
        {
            return null;
        }

        Span<byte> sector = stackalloc byte[BlockImage.SectorSize];
        image.Read(0, sector);
        if (BitConverter.ToUInt16(sector[510..]) != Signature && device != 'a')
        {
            return null;
        }

        call.WriteBytes(BootSector, sector);
        return drive;
    }
}
