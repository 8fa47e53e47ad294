// ACPI 1.0b tables of the board: RSDP, RSDT, FADT, FACS, DSDT. There is no MADT: interrupts go through the two 8259A.
//
// The DSDT describes the PCI host bridge with its windows, fixed routing of the PIRQs, the ISA devices that are there, and soft off.
using System.Buffers.Binary;
using Emulator.Core.Memory;
using Emulator.Devices.Pci;
using static Emulator.Devices.Acpi.AmlWriter;

namespace Emulator.Devices.Acpi;

/// <summary>Builds the ACPI tables that firmware would leave in memory.</summary>
public static class AcpiTables
{
    /// <summary>Physical address of the RSDP; the other tables follow within the system ROM area, which memory maps reserve.</summary>
    public const uint Address = 0xF0000;

    private const int FacsSize = 64;
    private const int HeaderSize = 36;
    private const int FadtSize = 116;
    private const uint PciWindowEnd = 0xFEBFFFFF;
    private const uint TablesOffset = 64;

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
        (byte[] root, byte[] tables) = Build(pmBase, memory.RamSize, serialPorts).Place(Address + TablesOffset);
        memory.WriteBlock(Address, root);
        memory.WriteBlock(Address + TablesOffset, tables);
    }

    /// <summary>Builds the tables.</summary>
    /// <param name="pmBase">Port base of the power management function.</param>
    /// <param name="ramSize">Bytes of RAM; PCI memory is above.</param>
    /// <param name="serialPorts">Serial ports: base and interrupt.</param>
    internal static AcpiTableSet Build(ushort pmBase, uint ramSize, IReadOnlyList<(ushort Port, int Irq)> serialPorts)
    {
        AcpiTableSet set = new();
        byte[] control = new byte[FacsSize];
        "FACS"u8.CopyTo(control);
        Write32(control, 4, FacsSize);
        int facs = set.Add(control);
        int dsdt = set.Add("DSDT", 1, Dsdt(ramSize, serialPorts));
        int fadt = set.Add("FACP", 1, Fadt(pmBase, (uint)facs, (uint)dsdt), 36 - HeaderSize, 40 - HeaderSize);
        set.Finish(fadt);
        return set;
    }

    /// <summary>Fixed ACPI description table, revision 1; offsets less the header.</summary>
    private static byte[] Fadt(ushort pmBase, uint facs, uint dsdt)
    {
        byte[] table = new byte[FadtSize];
        Write32(table, 36, facs);
        Write32(table, 40, dsdt);
        table[44] = 0; // INT_MODEL: dual 8259A
        Write16(table, 46, Piix4PowerManagement.SciIrq);
        Write32(table, 48, Piix3IsaBridge.CommandPort); // SMI_CMD
        table[52] = Piix3IsaBridge.AcpiEnable;
        table[53] = Piix3IsaBridge.AcpiDisable;
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

    private static byte[] Dsdt(uint ramSize, IReadOnlyList<(ushort Port, int Irq)> serialPorts)
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
                MemoryWindow(ramSize, PciWindowEnd, cacheable: false))),
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

    private static void Write16(byte[] data, int at, ushort value) => BinaryPrimitives.WriteUInt16LittleEndian(data.AsSpan(at), value);

    private static void Write32(byte[] data, int at, uint value) => BinaryPrimitives.WriteUInt32LittleEndian(data.AsSpan(at), value);
}
