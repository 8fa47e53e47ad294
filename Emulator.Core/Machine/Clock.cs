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

    /// <summary>Under the host clock: units of <see cref="_slope"/> in a nanosecond.</summary>
    private const int SlopeUnit = 256;

    /// <summary>Slowest CPU that is believed, in nanoseconds an instruction: a host that was busy elsewhere says nothing about the next slice.</summary>
    private const long SlowestInstruction = 100;

    /// <summary>Instructions between two samples that tell how fast the CPU is.</summary>
    private const long FewestMeasured = 250;

    private readonly CpuState* _cpu;
    private Func<long>? _hostNanoseconds;
    private long _skipped;
    private long _hostBase;
    private long _hostNow;
    private long _hostNowAt;
    private long _hostCeiling = long.MaxValue;
    private long _sample;
    private long _sampleAt;
    private long _speed;
    private long _slope;

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

    /// <summary>
    /// Virtual time in nanoseconds since power-on; exact also within a device access. Under the host clock it goes on from the last sample with
    /// retired instructions, about as fast as they were before, and stops in front of the next event.
    /// </summary>
    public long Now => Mode == ClockMode.InstructionCount
        ? (Retired * NanosecondsPerInstruction) + _skipped
        : Math.Min(_hostNow + ((Retired - _hostNowAt) * _slope / SlopeUnit), _hostCeiling);

    /// <summary>
    /// Instructions that may retire before virtual time reaches <paramref name="time"/> (0 when it has). Under the host clock an estimate, for a
    /// CPU that is as fast as it was, and no faster than one that counts instructions.
    /// </summary>
    /// <param name="time">Virtual nanoseconds.</param>
    public long InstructionsUntil(long time)
    {
        long left = time - Now;
        long pace = Mode == ClockMode.Host ? Math.Max(NanosecondsPerInstruction, _speed / SlopeUnit) : NanosecondsPerInstruction;
        return left <= 0 ? 0 : ((left - 1) / pace) + 1;
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

    /// <summary>
    /// Samples the host clock; the run loop calls it between slices in host mode. Between two samples time is a function of the first one, the
    /// pace of the last slices and retired instructions.
    /// </summary>
    public void SampleHost()
    {
        if (_hostNanoseconds is null)
        {
            return;
        }

        long retired = Retired;
        long shown = Now;
        long sample = Math.Max(_sample, _hostNanoseconds() - _hostBase);
        if (retired - _sampleAt >= FewestMeasured)
        {
            long most = (retired - _sampleAt) * SlowestInstruction;
            long speed = Math.Min(sample - _sample, most) * SlopeUnit / (retired - _sampleAt);
            _speed = _speed == 0 ? speed : _speed + ((speed - _speed) / 4);
        }

        // Time that has run ahead of the host's waits for it. A little slower than the CPU, it rarely does.
        Rebase(Math.Max(shown, sample), shown > sample ? 0 : _speed * 15 / 16);
        _sample = sample;
        _sampleAt = retired;
    }

    /// <summary>Under the host clock: time stops short of this until the next sample, so that no chip is looked at later than its timer.</summary>
    /// <param name="time">Virtual nanoseconds at which the next event is due.</param>
    public void StopBefore(long time)
    {
        if (Mode == ClockMode.Host)
        {
            Rebase(Now, _slope);
            _hostCeiling = time == long.MaxValue ? time : Math.Max(_hostNow, time - 1);
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
        StartAt(now);
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
            StartAt((Retired * NanosecondsPerInstruction) + skipped);
        }
    }

    /// <summary>The host's time now is a virtual time.</summary>
    private void StartAt(long now)
    {
        _hostBase = (_hostNanoseconds?.Invoke() ?? 0) - now;
        Rebase(now, 0);
        _sample = now;
        _sampleAt = Retired;
        _speed = 0;
    }

    private void Rebase(long now, long slope)
    {
        _hostNow = now;
        _hostNowAt = Retired;
        _slope = slope;
        _hostCeiling = long.MaxValue;
    }
}
