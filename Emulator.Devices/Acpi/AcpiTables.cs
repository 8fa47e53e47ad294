// ACPI 1.0b tables of the board: RSDP, RSDT, FADT, FACS, DSDT. There is no MADT: interrupts go through the two 8259A.
//
// The DSDT describes the PCI host bridge with its windows, fixed routing of the PIRQs, the ISA devices that are there, and soft off.
using System.Buffers.Binary;
using System.Text;
using Emulator.Core.Memory;
using Emulator.Devices.Pci;
using static Emulator.Devices.Acpi.AmlWriter;

namespace Emulator.Devices.Acpi;

/// <summary>Builds the ACPI tables that firmware would leave in memory.</summary>
public static class AcpiTables
{
    /// <summary>Physical address of the RSDP; the other tables follow within the system ROM area, which memory maps reserve.</summary>
    public const uint Address = 0xF0000;

    private const int TableRoom = 0x4000;
    private const int FacsSize = 64;
    private const int HeaderSize = 36;
    private const int FadtSize = 116;
    private const uint PciWindowEnd = 0xFEBFFFFF;

    /// <summary>The interrupts that firmware of this board routes PIRQ A to D to.</summary>
    public static ReadOnlySpan<byte> PirqIrqs => [10, 10, 11, 11];

    /// <summary>Builds the tables and writes them to memory.</summary>
    /// <param name="memory">Physical memory with RAM at <see cref="Address"/>.</param>
    /// <param name="pmBase">Port base of the power management function.</param>
    /// <param name="serialPorts">Serial ports: base and interrupt.</param>
    public static void Install(PhysicalMemory memory, ushort pmBase, IReadOnlyList<(ushort Port, int Irq)> serialPorts)
    {
        ArgumentNullException.ThrowIfNull(memory);
        ArgumentNullException.ThrowIfNull(serialPorts);
        memory.WriteBlock(Address, Build(pmBase, serialPorts));
    }

    /// <summary>Builds the tables for <see cref="Address"/>.</summary>
    /// <param name="pmBase">Port base of the power management function.</param>
    /// <param name="serialPorts">Serial ports: base and interrupt.</param>
    internal static byte[] Build(ushort pmBase, IReadOnlyList<(ushort Port, int Irq)> serialPorts)
    {
        byte[] image = new byte[TableRoom];
        int next = 64; // behind the RSDP; the FACS is aligned to 64 bytes

        int facs = next;
        "FACS"u8.CopyTo(image.AsSpan(facs));
        Write32(image, facs + 4, FacsSize);
        next += FacsSize;

        uint dsdt = Place(image, ref next, Table("DSDT", 1, Dsdt(serialPorts)));
        uint fadt = Place(image, ref next, Table("FACP", 1, Fadt(pmBase, Address + (uint)facs, dsdt)));
        byte[] pointers = new byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(pointers, fadt);
        uint rsdt = Place(image, ref next, Table("RSDT", 1, pointers));

        "RSD PTR "u8.CopyTo(image);
        "EMULTR"u8.CopyTo(image.AsSpan(9));
        Write32(image, 16, rsdt);
        image[8] = Checksum(image.AsSpan(0, 20));
        return image[..((next + 15) & ~15)];
    }

    private static uint Place(byte[] image, ref int next, byte[] table)
    {
        uint address = Address + (uint)next;
        table.CopyTo(image, next);
        next = (next + table.Length + 15) & ~15;
        return address;
    }

    private static byte[] Table(string signature, byte revision, byte[] body)
    {
        byte[] table = new byte[HeaderSize + body.Length];
        Encoding.ASCII.GetBytes(signature).CopyTo(table, 0);
        Write32(table, 4, (uint)table.Length);
        table[8] = revision;
        "EMULTR"u8.CopyTo(table.AsSpan(10));
        "I440FXPC"u8.CopyTo(table.AsSpan(16));
        Write32(table, 24, 1);
        "EMUL"u8.CopyTo(table.AsSpan(28));
        Write32(table, 32, 1);
        body.CopyTo(table, HeaderSize);
        table[9] = Checksum(table);
        return table;
    }

    /// <summary>Fixed ACPI description table, revision 1; offsets less the header.</summary>
    private static byte[] Fadt(ushort pmBase, uint facs, uint dsdt)
    {
        byte[] table = new byte[FadtSize];
        Write32(table, 36, facs);
        Write32(table, 40, dsdt);
        table[44] = 0; // INT_MODEL: dual 8259A
        Write16(table, 46, Piix4PowerManagement.SciIrq);
        Write32(table, 48, 0); // SMI_CMD: none, ACPI mode is always on
        Write32(table, 56, pmBase); // PM1a_EVT_BLK
        Write32(table, 64, pmBase + 0x04u); // PM1a_CNT_BLK
        Write32(table, 76, pmBase + 0x08u); // PM_TMR_BLK
        Write32(table, 80, pmBase + 0x0Cu); // GPE0_BLK
        table[88] = 4; // PM1_EVT_LEN
        table[89] = 2; // PM1_CNT_LEN
        table[91] = 4; // PM_TM_LEN
        table[92] = 4; // GPE0_BLK_LEN
        Write16(table, 96, 0x0FFF); // P_LVL2_LAT: C2 is not supported
        Write16(table, 98, 0x0FFF); // P_LVL3_LAT: nor C3
        table[108] = 0x32; // CENTURY

        // WBINVD works, C1 works, no sleep button, RTC wake-up is not in the fixed registers.
        Write32(table, 112, (1u << 0) | (1u << 2) | (1u << 5) | (1u << 6));
        return table[HeaderSize..];
    }

    private static byte[] Dsdt(IReadOnlyList<(ushort Port, int Irq)> serialPorts)
    {
        List<byte[]> isa =
        [
            Name("_ADR", Integer(0x0001_0000)),
            Device("RTC", Name("_HID", EisaId("PNP0B00")), Name("_CRS", Resources(Ports(0x70, 2), Irq(8)))),
            Device("KBD", Name("_HID", EisaId("PNP0303")), Name("_CRS", Resources(Ports(0x60, 1), Ports(0x64, 1), Irq(1)))),
            Device("MOU", Name("_HID", EisaId("PNP0F13")), Name("_CRS", Resources(Irq(12)))),
        ];
        for (int i = 0; i < serialPorts.Count; i++)
        {
            isa.Add(Device(
                $"COM{(char)('1' + i)}",
                Name("_HID", EisaId("PNP0501")),
                Name("_UID", Integer((uint)i + 1)),
                Name("_CRS", Resources(Ports(serialPorts[i].Port, 8), Irq(serialPorts[i].Irq)))));
        }

        byte[] bridge = Device(
            "PCI0",
            Name("_HID", EisaId("PNP0A03")),
            Name("_ADR", Integer(0)),
            Name("_UID", Integer(0)),
            Name("_CRS", Resources(
                BusNumbers(0, 0xFF),
                Ports(0xCF8, 8),
                PortWindow(0, 0xCF7),
                PortWindow(0xD00, 0xFFFF),
                MemoryWindow(0xA0000, 0xBFFFF, cacheable: true),
                MemoryWindow(PhysicalMemory.MaximumRam, PciWindowEnd, cacheable: false))),
            Name("_PRT", Routing()),
            Device("ISA", [.. isa]));
        return
        [
            .. RootName("_S5", Package(Integer(0), Integer(0), Integer(0), Integer(0))),
            .. Scope("_SB", bridge),
        ];
    }

    private static byte[] Routing()
    {
        List<byte[]> routes = [];
        for (int device = 1; device < 32; device++)
        {
            for (int pin = 1; pin <= 4; pin++)
            {
                // Only the power management function's INTA#, which is the SCI, does not go through a PIRQ.
                int irq = PirqIrqs[Piix3IsaBridge.PirqOf(device, pin)];
                if (device == 1 && pin == 1)
                {
                    irq = Piix4PowerManagement.SciIrq;
                }

                routes.Add(Package(Integer(((uint)device << 16) | 0xFFFF), Integer((uint)pin - 1), Integer(0), Integer((uint)irq)));
            }
        }

        return Package([.. routes]);
    }

    private static byte Checksum(ReadOnlySpan<byte> data)
    {
        byte sum = 0;
        foreach (byte value in data)
        {
            sum += value;
        }

        return (byte)-sum;
    }

    private static void Write16(byte[] data, int at, ushort value) => BinaryPrimitives.WriteUInt16LittleEndian(data.AsSpan(at), value);

    private static void Write32(byte[] data, int at, uint value) => BinaryPrimitives.WriteUInt32LittleEndian(data.AsSpan(at), value);
}
