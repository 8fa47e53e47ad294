namespace Emulator.Frontend.Running;

/// <summary>How a <see cref="HeadlessRunner"/> runs a machine.</summary>
public sealed record HeadlessOptions
{
    /// <summary>Most instructions to retire in this run; null for no limit.</summary>
    public long? MaxInstructions { get; init; }

    /// <summary>Most host time; null for no limit.</summary>
    public TimeSpan? Timeout { get; init; }

    /// <summary>Whether the run ends when the CPU halts with interrupts off.</summary>
    public bool StopOnHalt { get; init; }

    /// <summary>Whether instructions are run one at a time through the library API, as a debugger does.</summary>
    public bool SingleStep { get; init; }

    /// <summary>What to wait for and to send.</summary>
    public IReadOnlyList<ScriptStep> Script { get; init; } = [];

    /// <summary>Receives each byte of a serial port: (port number, byte). On the machine's thread.</summary>
    public Action<int, byte>? SerialOutput { get; init; }

    /// <summary>Receives each byte of the debug console. On the machine's thread.</summary>
    public Action<byte>? DebugOutput { get; init; }

    /// <summary>Receives each byte of the firmware log (port 402h). On the machine's thread.</summary>
    public Action<byte>? FirmwareLog { get; init; }

    /// <summary>Called on the machine's thread every few milliseconds of host time and before it sleeps: the time to flush output.</summary>
    public Action? Idle { get; init; }

    /// <summary>Called before each instruction when <see cref="SingleStep"/> is set.</summary>
    public Action? BeforeStep { get; init; }

    /// <summary>Called after each instruction when <see cref="SingleStep"/> is set.</summary>
    public Action? AfterStep { get; init; }

    /// <summary>
    /// Whether input can come from another thread at any time: a CPU that waits for an interrupt that only input can raise then sleeps
    /// instead of ending the run.
    /// </summary>
    public bool HasLiveInput { get; init; }

    /// <summary>Called once when the CPU halted for good and the run goes on only until somebody stops it.</summary>
    public Action? WaitingForever { get; init; }

    /// <summary>Asked when the machine stopped: a message when the engine found itself wrong, else null.</summary>
    public Func<string?>? EngineFailure { get; init; }

    /// <summary>Called at every multiple of <see cref="Reporting.StateHash.Interval"/> retired instructions; null for never.</summary>
    public Action? AtMark { get; init; }
}
