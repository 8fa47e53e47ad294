namespace Emulator.Devices.Firmware.Bios;

/// <summary>What a vector of an option ROM is for.</summary>
internal enum OptionRomKind : ushort
{
    /// <summary>Boot connection vector: adds disks to INT 13h.</summary>
    Connection = 1,

    /// <summary>Boot entry vector: starts an operating system, or returns.</summary>
    Entry = 2,

    /// <summary>The boot entry vector of the ROM that starts <c>-kernel</c>.</summary>
    Kernel = 3,
}
