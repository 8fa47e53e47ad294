namespace Emulator.Devices.Storage.Ide;

/// <summary>What an IDE device is doing, as its status register shows it.</summary>
internal enum IdePhase : byte
{
    /// <summary>Waits for a command.</summary>
    Idle,

    /// <summary>Works (BSY); its timer ends that.</summary>
    Busy,

    /// <summary>Has a block for the host (DRQ).</summary>
    DataIn,

    /// <summary>Wants a block from the host (DRQ).</summary>
    DataOut,

    /// <summary>Waits for the bus master, or transfers (BSY).</summary>
    Dma,

    /// <summary>Between the two edges of SRST (BSY).</summary>
    Reset,
}
