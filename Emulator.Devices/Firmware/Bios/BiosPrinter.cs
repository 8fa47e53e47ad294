namespace Emulator.Devices.Firmware.Bios;

/// <summary>Shows a message of the firmware on its console; CR and LF as the teletype function of INT 10h takes them.</summary>
/// <param name="call">The call.</param>
/// <param name="text">ASCII.</param>
internal delegate void BiosPrinter(ref BiosCall call, string text);
