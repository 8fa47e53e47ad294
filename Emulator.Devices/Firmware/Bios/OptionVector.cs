namespace Emulator.Devices.Firmware.Bios;

/// <summary>A vector in a Plug and Play header of an option ROM.</summary>
/// <param name="Kind">What it is for.</param>
/// <param name="Segment">Segment of the ROM.</param>
/// <param name="Offset">Offset of the code.</param>
/// <param name="Header">Offset of the header.</param>
internal readonly record struct OptionVector(OptionRomKind Kind, ushort Segment, ushort Offset, ushort Header);
