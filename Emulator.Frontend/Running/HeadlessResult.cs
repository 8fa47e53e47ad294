namespace Emulator.Frontend.Running;

/// <summary>Why a headless run ended.</summary>
public enum HeadlessEnd
{
    /// <summary>The guest wrote to isa-debug-exit.</summary>
    DebugExit,

    /// <summary>The guest switched the power off.</summary>
    PoweredOff,

    /// <summary>The guest asked for a reset, which is not allowed.</summary>
    Reset,

    /// <summary>The CPU halted with interrupts off, and that ends the run.</summary>
    Halted,

    /// <summary>All expectations were met.</summary>
    ScriptComplete,

    /// <summary>Triple fault.</summary>
    Shutdown,

    /// <summary>The instruction limit was reached, or can only be waited for.</summary>
    InstructionLimit,

    /// <summary>The time limit was reached.</summary>
    Timeout,

    /// <summary>The run ended otherwise while a pattern was still waited for.</summary>
    ExpectationFailed,

    /// <summary>The user left (Ctrl-A x).</summary>
    Quit,

    /// <summary>The translator and the interpreter came to different results (<c>--engine verify</c>).</summary>
    Diverged,

    /// <summary>A signal asked the process to end.</summary>
    Interrupted,
}

/// <summary>The end of a headless run.</summary>
/// <param name="End">Why it ended.</param>
/// <param name="ExitStatus">Exit status of the process.</param>
/// <param name="Message">One line that says why.</param>
public sealed record HeadlessResult(HeadlessEnd End, int ExitStatus, string Message)
{
    /// <summary>Whether the log should hold the last output and the CPU state.</summary>
    public bool NeedsReport => End is HeadlessEnd.Shutdown or HeadlessEnd.InstructionLimit or HeadlessEnd.Timeout or HeadlessEnd.ExpectationFailed;
}
