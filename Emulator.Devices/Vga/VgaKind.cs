namespace Emulator.Devices.Vga;

/// <summary>Which display adapter a machine has.</summary>
public enum VgaKind
{
    /// <summary>None: A0000h to BFFFFh is empty.</summary>
    None,

    /// <summary>A VGA with the Bochs VBE interface on PCI (1234:1111).</summary>
    Standard,
}
