namespace Emulator.Devices.Acpi;

/// <summary>What the ACPI tables depend on.</summary>
/// <param name="PowerManagementBase">Port base of the power management function.</param>
/// <param name="RamSize">Bytes of RAM; PCI memory is above.</param>
/// <param name="HasApic">Whether there are a local and an I/O APIC.</param>
/// <param name="SerialPorts">Serial ports: base and interrupt.</param>
internal sealed record AcpiBoard(ushort PowerManagementBase, uint RamSize, bool HasApic, IReadOnlyList<(ushort Port, int Irq)> SerialPorts);
