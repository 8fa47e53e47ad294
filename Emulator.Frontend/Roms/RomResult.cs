namespace Emulator.Frontend.Roms;

/// <summary>What became of one test ROM.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Failure">What was wrong, in one line, or null when it passed.</param>
/// <param name="ExitStatus">Exit status of the run.</param>
/// <param name="Instructions">Instructions retired.</param>
/// <param name="Elapsed">Host time.</param>
/// <param name="Output">What it wrote to the debug console.</param>
public sealed record RomResult(string Name, string? Failure, int ExitStatus, long Instructions, TimeSpan Elapsed, string Output)
{
    /// <summary>Whether exit status and output are as the catalog says.</summary>
    public bool Passed => Failure is null;
}
