namespace Emulator.Devices;

/// <summary>The result of <see cref="PcMachine.Run"/>.</summary>
/// <param name="Reason">Why the run ended.</param>
/// <param name="ExitCode">For <see cref="RunReason.DebugExit"/> the process exit status (v &lt;&lt; 1) | 1; otherwise 0.</param>
public readonly record struct RunResult(RunReason Reason, int ExitCode = 0)
{
    /// <summary>Whether the guest ended the run and running on makes no sense: anything but a limit or a stop request.</summary>
    public bool IsFinal => Reason is not (RunReason.Limit or RunReason.StopRequested);
}
