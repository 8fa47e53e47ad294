namespace Emulator.Devices;

/// <summary>Why <see cref="PcMachine.Run"/> returned.</summary>
public enum RunReason
{
    /// <summary>The instruction count asked for has retired.</summary>
    Limit,

    /// <summary><see cref="PcMachine.RequestStop"/> or the CPU's RequestStop was called.</summary>
    StopRequested,

    /// <summary>The CPU halted with interrupts off, or with nothing that could ever wake it.</summary>
    Halted,

    /// <summary>Triple fault, and the configuration does not allow a reset.</summary>
    Shutdown,

    /// <summary>The guest asked for a reset (8042, port 92h, port CF9h), and the configuration does not allow it.</summary>
    Reset,

    /// <summary>The guest switched the power off (ACPI soft off).</summary>
    PoweredOff,

    /// <summary>The guest wrote to the debug-exit port.</summary>
    DebugExit,
}
