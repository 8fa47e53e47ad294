using Emulator.Devices.Acpi;

namespace Emulator.Devices.Pci;

/// <summary>What firmware assigns to the functions of the bus: addresses of BARs that have none yet, and interrupt numbers.</summary>
internal static class PciResources
{
    private const uint FirstPort = 0xC100;
    private const uint FirstAddress = 0xFE00_0000;
    private const int CommandRegister = 0x04;
    private const int FirstBar = 0x10;
    private const int InterruptLine = 0x3C;
    private const int RomBar = 6;

    /// <summary>Assigns them; a function whose BARs have addresses is left alone.</summary>
    /// <param name="bus">The bus.</param>
    public static void Assign(PciBus bus)
    {
        uint port = FirstPort;
        uint address = FirstAddress;
        foreach (PciFunction function in bus.Functions)
        {
            int place = function.Place;
            uint command = 0;
            foreach (PciBar bar in function.Bars)
            {
                int register = FirstBar + (4 * bar.Index);
                if (bar.Index == RomBar || (function.ReadConfiguration(register, 4) & ~0xFu) != 0)
                {
                    continue;
                }

                ref uint next = ref bar.IsPorts ? ref port : ref address;
                next = (next + bar.Size - 1) & ~(bar.Size - 1);
                function.WriteConfiguration(register, 4, next);
                next += bar.Size;
                command |= bar.IsPorts ? 1u : 2u;
            }

            if (command != 0)
            {
                function.WriteConfiguration(CommandRegister, 2, function.ReadConfiguration(CommandRegister, 2) | command);
            }

            if (function.InterruptPin != 0 && place >> 3 != 0 && function.ReadConfiguration(InterruptLine, 1) == 0)
            {
                function.WriteConfiguration(InterruptLine, 1, AcpiTables.PirqIrqs[Piix3IsaBridge.PirqOf(place >> 3, function.InterruptPin)]);
            }
        }
    }
}
