namespace Emulator.Frontend;

/// <summary>
/// Exit statuses of <c>emu</c>. A guest that writes v to isa-debug-exit ends the run with <c>(v &lt;&lt; 1) | 1</c>, always odd; every
/// other end has one of these even numbers.
/// </summary>
public static class ExitStatus
{
    /// <summary>The guest powered off or stopped on a halt, all expectations were met, or the user left.</summary>
    public const int Success = 0;

    /// <summary>Bad command line, file or configuration.</summary>
    public const int Usage = 2;

    /// <summary>The CPU shut down (triple fault) and a reset is not allowed.</summary>
    public const int Shutdown = 4;

    /// <summary>The time or instruction limit was reached before the end.</summary>
    public const int Limit = 6;

    /// <summary>An expectation can no longer be met. For <c>emu test</c>: a ROM failed.</summary>
    public const int Expectation = 8;

    /// <summary>An error of the emulator itself.</summary>
    public const int Internal = 10;

    /// <summary>Ended from outside, by Ctrl-C or another signal that asks the process to end.</summary>
    public const int Interrupted = 130;
}
