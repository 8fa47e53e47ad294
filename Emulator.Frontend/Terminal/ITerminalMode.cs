namespace Emulator.Frontend.Terminal;

/// <summary>A terminal switched to raw mode; disposing restores it.</summary>
internal interface ITerminalMode : IDisposable
{
    /// <summary>Switches to raw mode again, after the process was stopped and continued.</summary>
    void Reapply();
}
