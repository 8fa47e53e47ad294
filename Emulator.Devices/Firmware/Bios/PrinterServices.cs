namespace Emulator.Devices.Firmware.Bios;

/// <summary>INT 17h and INT 05h on a board without parallel ports: every printer times out.</summary>
internal static class PrinterServices
{
    private const byte TimedOut = 0x01;
    private const byte PrintFailed = 0xFF;

    /// <summary>INT 17h.</summary>
    public static void Run(ref BiosCall call)
    {
        if (call.Ah <= 2)
        {
            call.Ah = TimedOut;
        }
    }

    /// <summary>INT 05h, print screen.</summary>
    public static void PrintScreen(ref BiosCall call)
    {
        if (call.Check(BiosData.PrintScreenStatus, 1, write: true))
        {
            call.Write8(BiosData.PrintScreenStatus, PrintFailed);
        }
    }
}
