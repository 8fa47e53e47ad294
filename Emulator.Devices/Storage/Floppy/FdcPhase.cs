namespace Emulator.Devices.Storage.Floppy;

/// <summary>Phases of a command of the floppy disk controller.</summary>
internal enum FdcPhase : byte
{
    /// <summary>Takes the bytes of a command.</summary>
    Command,

    /// <summary>Works, and moves data.</summary>
    Execution,

    /// <summary>Gives the bytes of the result.</summary>
    Result,
}
