using System.Diagnostics.Tracing;

namespace Emulator.Jit.Inspection;

/// <summary>
/// Counters of all translators of the process, visible with <c>dotnet-counters monitor --counters Emulator-Jit</c>. They cost nothing until
/// somebody looks.
/// </summary>
[EventSource(Name = "Emulator-Jit")]
internal sealed class JitEventSource : EventSource
{
    private readonly List<DiagnosticCounter> _counters = [];
    private long _compiled;
    private long _dropped;
    private long _ilBytes;
    private long _compileMicroseconds;

    private JitEventSource()
    {
    }

    /// <summary>The one of this process.</summary>
    public static JitEventSource Instance { get; } = new();

    /// <summary>A region was compiled.</summary>
    /// <param name="elapsed">Host time of it.</param>
    /// <param name="ilBytes">Bytes of IL.</param>
    [NonEvent]
    public void Compiled(TimeSpan elapsed, int ilBytes)
    {
        Interlocked.Increment(ref _compiled);
        Interlocked.Add(ref _ilBytes, ilBytes);
        Interlocked.Add(ref _compileMicroseconds, (long)elapsed.TotalMicroseconds);
    }

    /// <summary>A region was dropped.</summary>
    [NonEvent]
    public void Dropped() => Interlocked.Increment(ref _dropped);

    /// <inheritdoc/>
    protected override void OnEventCommand(EventCommandEventArgs command)
    {
        if (command.Command != EventCommand.Enable || _counters.Count != 0)
        {
            return;
        }

        _counters.Add(new PollingCounter("regions-compiled", this, () => Interlocked.Read(ref _compiled)) { DisplayName = "Regions compiled" });
        _counters.Add(new PollingCounter("regions-dropped", this, () => Interlocked.Read(ref _dropped)) { DisplayName = "Regions dropped" });
        _counters.Add(new PollingCounter("compile-time", this, () => Interlocked.Read(ref _compileMicroseconds) / 1000.0) { DisplayName = "Time spent compiling", DisplayUnits = "ms" });
        _counters.Add(new PollingCounter("il-size", this, () => Interlocked.Read(ref _ilBytes)) { DisplayName = "IL emitted", DisplayUnits = "B" });
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        foreach (DiagnosticCounter counter in _counters)
        {
            counter.Dispose();
        }

        _counters.Clear();
        base.Dispose(disposing);
    }
}
