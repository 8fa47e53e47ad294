// The DSDT of the board: the PCI host bridge with its windows, PCI interrupt routing through link devices (8259 mode) and to I/O APIC inputs 16 to 19
// (APIC mode, after \\_PIC(1)), the ISA devices, the HPET, resources of the board itself, soft off.
using Emulator.Devices.Interrupts;
using Emulator.Devices.Pci;
using Emulator.Devices.Timers;
using static Emulator.Devices.Acpi.AmlWriter;

namespace Emulator.Devices.Acpi;

/// <summary>Builds the definition block that describes the devices.</summary>
internal static class AcpiNamespace
{
    private const uint PciWindowEnd = 0xFEBFFFFF;
    private const uint LocalApicAddress = 0xFEE0_0000;
    private const string BridgePath = @"\_SB.PCI0.ISA.";

    /// <summary>The block, without header; its length does not depend on where the ports are.</summary>
    /// <param name="board">What is there.</param>
    public static byte[] Build(AcpiBoard board)
    {
        List<byte[]> bridge =
        [
            Name("_HID", EisaId("PNP0A03")),
            Name("_UID", Integer(0)),
            Name("_CRS", Resources(
                BusNumbers(0, 0xFF),
                Ports(0xCF8, 8),
                PortWindow(0, 0xCF7),
                PortWindow(0xD00, 0xFFFF),
                MemoryWindow(0xA0000, 0xBFFFF, cacheable: true),
                MemoryWindow(board.RamSize, PciWindowEnd, cacheable: false))),
            Name("PRTP", Routing((device, pin) => Link(device, pin))),
            Name("PRTA", Routing((device, pin) => [Integer(0), Integer((uint)(IoApic.FirstPirq + Piix3IsaBridge.PirqOf(device, pin)))])),
            Method("_PRT", 0, If(Reference(@"\PICM"), Return(Reference("PRTA"))), Return(Reference("PRTP"))),
            Device("ISA", [.. IsaDevices(board)]),
        ];
        List<byte[]> system = [Device("PCI0", [.. bridge])];
        for (int i = 0; i < Piix3IsaBridge.PirqCount; i++)
        {
            system.Add(LinkDevice(i));
        }

        system.Add(Device(
            "HPET",
            Name("_HID", EisaId("PNP0103")),
            Name("_UID", Integer(0)),
            Name("_CRS", Resources(FixedMemory(Hpet.Address, 0x400)))));
        return
        [
            .. RootName("PICM", Integer(0)),
            .. RootMethod("_PIC", 1, Store(Argument, Reference(@"\PICM"))),
            .. RootName("_S5", Package(Integer(0), Integer(0), Integer(0), Integer(0))),
            .. Scope("_SB", [.. system]),
        ];
    }

    private static byte[][] Link(int device, int pin) => [Reference($"LNK{(char)('A' + Piix3IsaBridge.PirqOf(device, pin))}"), Integer(0)];

    /// <summary>A routing table: source (link device or nothing) and its index (or the input) for each pin of each device.</summary>
    private static byte[] Routing(Func<int, int, byte[][]> route)
    {
        List<byte[]> routes = [];
        for (int device = 1; device < 32; device++)
        {
            for (int pin = 1; pin <= 4; pin++)
            {
                // Only the power management function's INTA#, which is the SCI, does not go through a PIRQ.
                bool isSci = device == 1 && pin == 1;
                byte[][] target = isSci ? [Integer(0), Integer(Piix4PowerManagement.SciIrq)] : route(device, pin);
                routes.Add(Package([Integer(((uint)device << 16) | 0xFFFF), Integer((uint)pin - 1), .. target]));
            }
        }

        return Package([.. routes]);
    }

    /// <summary>The interrupt link of a PIRQ: the routing register of the ISA bridge.</summary>
    private static byte[] LinkDevice(int pirq)
    {
        const byte Disabled = 0x80;
        byte[] register = Reference($"{BridgePath}PRQ{pirq}");
        return Device(
            $"LNK{(char)('A' + pirq)}",
            Name("_HID", EisaId("PNP0C0F")),
            Name("_UID", Integer((uint)pirq + 1)),
            Name("_PRS", Resources(SharedInterrupts(5, 10, 11))),
            Name("BUF0", Resources(SharedInterrupts(0))),
            Method("_STA", 0, If(And(register, Integer(Disabled)), Return(Integer(0x09))), Return(Integer(0x0B))),
            Method("_DIS", 0, Or(register, Integer(Disabled), register)),
            Method(
                "_CRS",
                0,
                DWordField(Reference("BUF0"), 5, "IRQ0"),
                Store(Integer(0), Reference("IRQ0")),
                If(Not(And(register, Integer(Disabled))), Store(register, Reference("IRQ0"))),
                Return(Reference("BUF0"))),
            Method("_SRS", 1, DWordField(Argument, 5, "IRQ1"), Store(Reference("IRQ1"), register)));
    }

    private static List<byte[]> IsaDevices(AcpiBoard board)
    {
        List<byte[]> isa =
        [
            Name("_ADR", Integer(0x0001_0000)),
            ConfigurationBytes("PRQR", 0x60, "PRQ0", "PRQ1", "PRQ2", "PRQ3"),
            Device("PIC", Name("_HID", EisaId("PNP0000")), Name("_CRS", Resources(Ports(0x20, 2), Ports(0xA0, 2), Irq(I8259Pic.CascadeInput)))),
            Device("DMAC", Name("_HID", EisaId("PNP0200")), Name("_CRS", Resources(Ports(0, 0x10), Ports(0x81, 0x0F), Ports(0xC0, 0x20), DmaLine(4)))),
            Device("TMR", Name("_HID", EisaId("PNP0100")), Name("_CRS", Resources(Ports(0x40, 4), Irq(0)))),
            Device("RTC", Name("_HID", EisaId("PNP0B00")), Name("_CRS", Resources(Ports(0x70, 2), Irq(8)))),
            Device("SPKR", Name("_HID", EisaId("PNP0800")), Name("_CRS", Resources(Ports(0x61, 1)))),
            Device("FPU", Name("_HID", EisaId("PNP0C04")), Name("_CRS", Resources(Ports(0xF0, 2), Irq(13)))),
            Device("KBD", Name("_HID", EisaId("PNP0303")), Name("_CRS", Resources(Ports(0x60, 1), Ports(0x64, 1), Irq(1)))),
            Device("MOU", Name("_HID", EisaId("PNP0F13")), Name("_CRS", Resources(Irq(12)))),
        ];
        for (int i = 0; i < board.SerialPorts.Count; i++)
        {
            isa.Add(Device(
                $"COM{(char)('1' + i)}",
                Name("_HID", EisaId("PNP0501")),
                Name("_UID", Integer((uint)i + 1)),
                Name("_CRS", Resources(Ports(board.SerialPorts[i].Port, 8), Irq(board.SerialPorts[i].Irq)))));
        }

        List<byte[]> own = [Ports(0x80, 1), Ports(0x92, 1), Ports(0xB2, 2), Ports(0x4D0, 2), Ports(0x510, 12), Ports(board.PowerManagementBase, 64)];
        if (board.HasApic)
        {
            own.Add(FixedMemory(IoApic.Address, 0x1000));
            own.Add(FixedMemory(LocalApicAddress, 0x1000));
        }

        isa.Add(Device("MBRD", Name("_HID", EisaId("PNP0C02")), Name("_UID", Integer(1)), Name("_CRS", Resources([.. own]))));
        return isa;
    }
}
