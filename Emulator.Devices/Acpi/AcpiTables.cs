// ACPI 1.0b tables of the board: RSDP, RSDT, FADT, FACS, DSDT, and where the CPU has a local APIC the MADT; HPET (IA-PC HPET specification 1.0a).
using System.Buffers.Binary;
using Emulator.Core.Memory;
using Emulator.Devices.Interrupts;
using Emulator.Devices.Pci;
using Emulator.Devices.Timers;

namespace Emulator.Devices.Acpi;

/// <summary>Builds the ACPI tables that firmware would leave in memory.</summary>
public static class AcpiTables
{
    /// <summary>Physical address of the RSDP in a machine without firmware; the other tables follow within the system ROM area, which memory maps reserve.</summary>
    public const uint Address = 0xF0000;

    private const int FacsSize = 64;
    private const int HeaderSize = 36;
    private const int FadtSize = 116;
    private const uint LocalApicAddress = 0xFEE0_0000;
    private const uint TablesOffset = 64;

    /// <summary>The interrupts that firmware of this board routes PIRQ A to D to.</summary>
    public static ReadOnlySpan<byte> PirqIrqs => [10, 10, 11, 11];

    /// <summary>Writes tables to memory.</summary>
    /// <param name="memory">Physical memory with RAM there.</param>
    /// <param name="address">Physical address of the RSDP, a multiple of 64.</param>
    /// <param name="set">The tables.</param>
    /// <returns>First address behind them, a multiple of 16.</returns>
    internal static uint Install(PhysicalMemory memory, uint address, AcpiTableSet set)
    {
        (byte[] root, byte[] tables) = set.Place(address + TablesOffset);
        memory.WriteBlock(address, root);
        memory.WriteBlock(address + TablesOffset, tables);
        return (address + TablesOffset + (uint)tables.Length + 15) & ~15u;
    }

    /// <summary>Builds the tables.</summary>
    /// <param name="board">What is there.</param>
    internal static AcpiTableSet Build(AcpiBoard board)
    {
        AcpiTableSet set = new();
        byte[] control = new byte[FacsSize];
        "FACS"u8.CopyTo(control);
        Write32(control, 4, FacsSize);
        int facs = set.Add(control);
        int dsdt = set.Add("DSDT", 1, AcpiNamespace.Build(board));
        int fadt = set.Add("FACP", 1, Fadt(board, (uint)facs, (uint)dsdt), 36 - HeaderSize, 40 - HeaderSize);
        int hpet = set.Add("HPET", 1, HpetTable());
        if (board.HasApic)
        {
            set.Finish(fadt, set.Add("APIC", 1, Madt()), hpet);
        }
        else
        {
            set.Finish(fadt, hpet);
        }

        return set;
    }

    /// <summary>Multiple APIC description table, revision 1: one processor, the I/O APIC, timer and SCI, LINT1.</summary>
    private static byte[] Madt()
    {
        byte[] table =
        [
            0, 0, 0, 0, 1, 0, 0, 0, // local APIC, and that there are 8259s
            0, 8, 0, 0, 1, 0, 0, 0, // processor 0: APIC 0, enabled
            1, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, // I/O APIC 0 for interrupts from 0 on
            2, 10, 0, 0, I8259Pic.CascadeInput, 0, 0, 0, 0, 0, // ISA 0 is input 2
            2, 10, 0, Piix4PowerManagement.SciIrq, Piix4PowerManagement.SciIrq, 0, 0, 0, 0x0D, 0, // active high, level
            4, 6, 0xFF, 0, 0, 1, // NMI on LINT1 of every processor
        ];
        Write32(table, 0, LocalApicAddress);
        Write32(table, 8 + 8 + 4, IoApic.Address);
        return table;
    }

    /// <summary>HPET description table (IA-PC HPET specification, section 3.2.4), offsets less the header.</summary>
    private static byte[] HpetTable()
    {
        byte[] table = new byte[20];
        Write32(table, 0, Hpet.Capabilities);
        table[5] = 64; // register width
        Write32(table, 8, Hpet.Address);
        Write16(table, 17, 0x0080); // smallest period in ticks
        return table;
    }

    /// <summary>Fixed ACPI description table, revision 1; offsets less the header.</summary>
    private static byte[] Fadt(AcpiBoard board, uint facs, uint dsdt)
    {
        ushort pmBase = board.PowerManagementBase;
        byte[] table = new byte[FadtSize];
        Write32(table, 36, facs);
        Write32(table, 40, dsdt);
        table[44] = board.HasApic ? (byte)1 : (byte)0; // INT_MODEL: APICs, or dual 8259A
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

    private static void Write16(byte[] data, int at, ushort value) => BinaryPrimitives.WriteUInt16LittleEndian(data.AsSpan(at), value);

    private static void Write32(byte[] data, int at, uint value) => BinaryPrimitives.WriteUInt32LittleEndian(data.AsSpan(at), value);
}
