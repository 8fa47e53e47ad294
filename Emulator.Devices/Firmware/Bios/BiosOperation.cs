namespace Emulator.Devices.Firmware.Bios;

/// <summary>What a recorded call of a service does to the guest and the board.</summary>
internal enum BiosOperation : byte
{
    /// <summary>Reads a port.</summary>
    In,

    /// <summary>Writes a port.</summary>
    Out,

    /// <summary>Reads up to eight bytes of memory.</summary>
    Read,

    /// <summary>Writes memory.</summary>
    Write,

    /// <summary>Asks whether memory can be accessed: it can.</summary>
    Check,

    /// <summary>Looks at the board otherwise.</summary>
    Note,
}
