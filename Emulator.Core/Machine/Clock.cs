using Emulator.Core.Cpu;

namespace Emulator.Core.Machine;

/// <summary>How virtual time advances.</summary>
public enum ClockMode
{
    /// <summary>Time advances with retired instructions; a halted CPU skips to the next event. Deterministic.</summary>
    InstructionCount,

    /// <summary>Time follows a monotonic host clock that the front end provides.</summary>
    Host,
}

/// <summary>
/// The machine's only source of time: virtual nanoseconds since power-on. Devices read <see cref="Now"/> and never the host.
/// </summary>
public sealed unsafe class Clock
{
    /// <summary>Virtual nanoseconds per retired instruction under <see cref="ClockMode.InstructionCount"/> (a 250 MIPS machine).</summary>
    public const int NanosecondsPerInstruction = 4;

    /// <summary>Frequency of the time-stamp counter in hertz: it counts virtual nanoseconds.</summary>
    public const long TscFrequency = 1_000_000_000;

    private const long MaximumTime = 1L << 61;

    private readonly CpuState* _cpu;
    private Func<long>? _hostNanoseconds;
    private long _skipped;
    private long _hostBase;
    private long _hostNow;

    /// <summary>Creates the clock of one machine.</summary>
    /// <param name="cpu">The CPU whose retired instructions count.</param>
    /// <param name="mode">How time advances.</param>
    /// <param name="hostNanoseconds">A monotonic host time in nanoseconds; required by <see cref="ClockMode.Host"/> only.</param>
    /// <exception cref="ArgumentNullException">Host mode without a host time source.</exception>
    public Clock(CpuState* cpu, ClockMode mode, Func<long>? hostNanoseconds = null)
    {
        _cpu = cpu;
        Mode = mode;
        if (mode == ClockMode.Host)
        {
            ArgumentNullException.ThrowIfNull(hostNanoseconds);
            _hostNanoseconds = hostNanoseconds;
            _hostBase = hostNanoseconds();
        }
    }

    /// <summary>How time advances.</summary>
    public ClockMode Mode { get; private set; }

    /// <summary>Instructions retired since power-on; within a device access, those before the accessing instruction.</summary>
    public long Retired => _cpu->Deadline - _cpu->Budget - _cpu->InFlight;

    /// <summary>Virtual time in nanoseconds since power-on; exact also within a device access.</summary>
    public long Now => Mode == ClockMode.InstructionCount ? (Retired * NanosecondsPerInstruction) + _skipped : _hostNow;

    /// <summary>Instructions that may retire before virtual time reaches <paramref name="time"/> (0 when it has).</summary>
    /// <param name="time">Virtual nanoseconds.</param>
    public long InstructionsUntil(long time)
    {
        long left = time - Now;
        return left <= 0 ? 0 : ((left - 1) / NanosecondsPerInstruction) + 1;
    }

    /// <summary>Advances an instruction-count clock to <paramref name="time"/> without retiring anything (a halted CPU).</summary>
    /// <param name="time">Virtual nanoseconds; earlier than now does nothing.</param>
    public void SkipTo(long time)
    {
        if (Mode == ClockMode.InstructionCount && time > Now)
        {
            _skipped += time - Now;
        }
    }

    /// <summary>Samples the host clock; the run loop calls it between slices in host mode, so that time stands still within one.</summary>
    public void SampleHost()
    {
        if (_hostNanoseconds is not null)
        {
            _hostNow = Math.Max(_hostNow, _hostNanoseconds() - _hostBase);
        }
    }

    /// <summary>Follows a host clock from now on, or instructions again; virtual time goes on without a jump.</summary>
    /// <param name="hostNanoseconds">A monotonic host time in nanoseconds; null for <see cref="ClockMode.InstructionCount"/>.</param>
    public void Follow(Func<long>? hostNanoseconds)
    {
        long now = Now;
        _hostNanoseconds = hostNanoseconds;
        Mode = hostNanoseconds is null ? ClockMode.InstructionCount : ClockMode.Host;
        _skipped = now - (Retired * NanosecondsPerInstruction);
        _hostNow = now;
        _hostBase = (hostNanoseconds?.Invoke() ?? 0) - now;
    }

    /// <summary>Saves or loads the time that is not derived from the retired-instruction count.</summary>
    /// <param name="archive">The archive.</param>
    public void Serialize(Snapshot.StateArchive archive)
    {
        long skipped = Mode == ClockMode.InstructionCount ? _skipped : Now - (Retired * NanosecondsPerInstruction);
        archive.Field("skipped", ref skipped);
        if (archive.IsLoading)
        {
            archive.Check(skipped is > -MaximumTime and < MaximumTime && (Retired * NanosecondsPerInstruction) + skipped >= 0, "skipped");
            _skipped = skipped;
            _hostNow = (Retired * NanosecondsPerInstruction) + skipped;
            _hostBase = (_hostNanoseconds?.Invoke() ?? 0) - _hostNow;
        }
    }
}
