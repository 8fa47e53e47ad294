using System.Buffers.Binary;
using Emulator.Core.Cpu;
using Emulator.Core.Machine;
using Emulator.Devices.Acpi;
using Emulator.Devices.Pci;

namespace Emulator.Devices.Firmware.Bios;

/// <summary>PCI BIOS 2.1: function B1h of INT 1Ah, the same from 32-bit protected mode, the BIOS32 service directory, the interrupt routing table.</summary>
internal sealed class PciServices
{
    private const byte Function = 0xB1;
    private const byte Success = 0x00;
    private const byte Unsupported = 0x81;
    private const byte BadVendor = 0x83;
    private const byte NotFound = 0x86;
    private const byte BadRegister = 0x87;
    private const byte SetFailed = 0x88;
    private const byte BufferTooSmall = 0x89;
    private const uint ServiceName = 0x49435024; // $PCI
    private const ushort AddressPort = 0xCF8;
    private const ushort DataPort = 0xCFC;
    private const uint EnableBit = 0x8000_0000;
    private const int Slots = 8;
    private const int SlotSize = 16;
    private const ushort RoutableIrqs = 0xDEF8;

    private readonly BiosPorts _ports;

    public PciServices(BiosPorts ports) => _ports = ports;

    /// <summary>The interrupt routing table ($PIR) with its slots.</summary>
    public static byte[] RoutingTable
    {
        get
        {
            const int Header = 32;
            byte[] table = new byte[Header + (Slots * SlotSize)];
            "$PIR"u8.CopyTo(table);
            table[5] = 1; // version 1.0
            BinaryPrimitives.WriteUInt16LittleEndian(table.AsSpan(6), (ushort)table.Length);
            table[9] = 1 << 3; // the router is device 1
            BinaryPrimitives.WriteUInt32LittleEndian(table.AsSpan(12), 0x7000_8086);
            SlotEntries.CopyTo(table.AsSpan(Header));
            byte sum = 0;
            foreach (byte b in table)
            {
                sum += b;
            }

            table[31] = (byte)-sum;
            return table;
        }
    }

    private static byte[] SlotEntries
    {
        get
        {
            byte[] entries = new byte[Slots * SlotSize];
            for (int i = 0; i < Slots; i++)
            {
                Span<byte> entry = entries.AsSpan(i * SlotSize, SlotSize);
                int device = i + 1;
                entry[1] = (byte)(device << 3);
                for (int pin = 1; pin <= 4; pin++)
                {
                    entry[2 + (3 * (pin - 1))] = (byte)(0x60 + Piix3IsaBridge.PirqOf(device, pin));
                    BinaryPrimitives.WriteUInt16LittleEndian(entry[(3 + (3 * (pin - 1)))..], RoutableIrqs);
                }

                entry[14] = (byte)(device == 1 ? 0 : device - 1); // slot 0 is on the board
            }

            return entries;
        }
    }

    /// <summary>Function B1h.</summary>
    public void Run(ref BiosCall call)
    {
        if (call.Ah != Function)
        {
            call.Carry = true;
            call.Ah = Unsupported;
            return;
        }

        byte status = RunFunction(ref call);
        if (!call.Faulted)
        {
            call.Ah = status;
            call.Carry = status != Success;
        }
    }

    /// <summary>The BIOS32 service directory: EAX names a service, EBX is 0.</summary>
    public static void FindService(ref BiosCall call)
    {
        const byte NotPresent = 0x80;
        if (call.Bl != 0)
        {
            call.Al = Unsupported;
            return;
        }

        if (call.Eax != ServiceName)
        {
            call.Al = NotPresent;
            return;
        }

        call.Al = Success;
        call.Ebx = BiosRom.Address;
        call.Ecx = (uint)BiosRom.Image.Length;
        call.Edx = BiosRom.Offset(BiosRom.Entry.Pci32);
    }

    private byte RunFunction(ref BiosCall call)
    {
        switch (call.Al)
        {
            case 0x01:
                call.Edx = 0x20494350; // "PCI "
                call.Edi = BiosRom.Address + BiosRom.Offset(BiosRom.Entry.Pci32);
                call.Al = 0x01; // configuration mechanism 1
                call.Bx = 0x0210;
                call.Cl = 0;
                return Success;
            case 0x02:
                return call.Dx == 0xFFFF ? BadVendor : Find(ref call, 0x00, 0xFFFF_FFFF, ((uint)call.Cx << 16) | call.Dx);
            case 0x03:
                return Find(ref call, 0x08, 0xFFFF_FF00, call.Ecx << 8);
            case 0x08:
                call.Cl = (byte)Read(ref call, 1);
                return Success;
            case 0x09 when (call.Di & 1) == 0:
                call.Cx = (ushort)Read(ref call, 2);
                return Success;
            case 0x0A when (call.Di & 3) == 0:
                call.Ecx = Read(ref call, 4);
                return Success;
            case 0x0B:
                Write(ref call, 1, call.Cl);
                return Success;
            case 0x0C when (call.Di & 1) == 0:
                Write(ref call, 2, call.Cx);
                return Success;
            case 0x0D when (call.Di & 3) == 0:
                Write(ref call, 4, call.Ecx);
                return Success;
            case >= 0x08 and <= 0x0D:
                return BadRegister;
            case 0x0E:
                return GetRouting(ref call);
            case 0x0F:
                return SetRouting(ref call);
            default:
                return Unsupported;
        }
    }

    private byte Find(ref BiosCall call, int register, uint mask, uint wanted)
    {
        int left = call.Si;
        for (int function = 0; function < 256; function++)
        {
            uint id = Access((uint)function << 8, 4);
            if ((ushort)id == 0xFFFF)
            {
                continue;
            }

            if ((function & 7) != 0 && (Access(((uint)(function & ~7) << 8) | 0x0C, 4) & 0x80_0000) == 0)
            {
                continue; // not a multifunction device
            }

            if ((Access(((uint)function << 8) | (uint)register, 4) & mask) == (wanted & mask) && left-- == 0)
            {
                call.Bx = (ushort)function;
                return Success;
            }
        }

        return NotFound;
    }

    private uint Read(ref BiosCall call, int size) => Access(Address(ref call), size);

    private void Write(ref BiosCall call, int size, uint value) => Access(Address(ref call), size, value);

    private static uint Address(ref BiosCall call) => ((uint)call.Bx << 8) | (call.Di & 0xFFu);

    /// <summary>A configuration access by the ports of the bus, whose address register stays as it was.</summary>
    private uint Access(uint address, int size, uint? value = null)
    {
        uint before = _ports.Read(AddressPort, 4);
        _ports.Write(AddressPort, 4, EnableBit | (address & 0xFF_FFFC));
        ushort port = (ushort)(DataPort + (address & 3));
        uint result = 0;
        if (value is { } written)
        {
            _ports.Write(port, size, written);
        }
        else
        {
            result = _ports.Read(port, size);
        }

        _ports.Write(AddressPort, 4, before);
        return result;
    }

    /// <summary>Function 0Eh: ES:DI points to the size of a buffer and a far pointer to it.</summary>
    private static byte GetRouting(ref BiosCall call)
    {
        bool wide = call.IsProtected;
        uint request = call.Linear(SegmentIndex.Es, wide ? call.Edi : call.Di);
        int room = call.Read16(request);
        uint pointer = call.Read32(request + 2);
        byte[] entries = SlotEntries;
        if (!call.Check(request, 2, write: true))
        {
            return Success;
        }

        call.Write16(request, (ushort)entries.Length);
        if (room < entries.Length)
        {
            return BufferTooSmall;
        }

        uint buffer = wide ? call.Linear(SegmentIndex.Es, pointer) : BiosCall.Linear((ushort)(pointer >> 16), (ushort)pointer);
        if (!call.Check(buffer, (uint)entries.Length, write: true))
        {
            return Success;
        }

        call.WriteBytes(buffer, entries);
        int exclusive = 0;
        foreach (byte irq in AcpiTables.PirqIrqs)
        {
            exclusive |= 1 << irq;
        }

        call.Bx = (ushort)exclusive;
        return Success;
    }

    /// <summary>Function 0Fh: routes the pin CL (0Ah to 0Dh) of the device BX to interrupt CH.</summary>
    private byte SetRouting(ref BiosCall call)
    {
        int device = (call.Bx >> 3) & 31;
        if (call.Cl is < 0x0A or > 0x0D || call.Ch > 15 || (RoutableIrqs & (1 << call.Ch)) == 0 || device == 0)
        {
            return SetFailed;
        }

        const uint Router = 1 << 11;
        Access(Router | (0x60u + (uint)Piix3IsaBridge.PirqOf(device, call.Cl - 0x09)), 1, call.Ch);
        return Success;
    }
}
