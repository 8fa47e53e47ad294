namespace Emulator.Devices.Dma;

/// <summary>Which way a device moves data.</summary>
public enum DmaDirection
{
    /// <summary>The device delivers data (a "write transfer" of the controller).</summary>
    ToMemory,

    /// <summary>The device takes data (a "read transfer").</summary>
    FromMemory,
}
