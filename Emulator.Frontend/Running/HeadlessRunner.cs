using Emulator.Core.Cpu;
using Emulator.Core.Machine;
using Emulator.Devices;
using Emulator.Devices.Serial;
using Emulator.Frontend.Reporting;

namespace Emulator.Frontend.Running;

/// <summary>
/// Runs a machine without a window until the guest, a limit, a script or somebody outside ends it. The machine runs on the thread that
/// calls <see cref="Run"/>; <see cref="Stop"/> and <see cref="Input"/> can be used from any thread.
/// </summary>
public sealed class HeadlessRunner : IDisposable
{
    private const int NoStop = -1;
    private const long Millisecond = 1_000_000;

    // Virtual time between two looks of a script at the text screen.
    private const long ScreenInterval = 10 * Millisecond;

    // Longer than a real-time clock's alarm can take: a day and an hour.
    private const long LongestSleep = 25L * 3600 * 1000 * Millisecond;

    private readonly PcMachine _machine;
    private readonly HeadlessOptions _options;
    private readonly ExpectScript _script;
    private readonly AutoResetEvent _wake = new(false);
    private readonly OutputTail[] _tails;
    private int _stop = NoStop;
    private bool _sleepsForever;
    private long _nextLook;
    private long _lastRetired = -1;
    private long _lastTime;

    /// <summary>Connects a machine's output; it does not run yet.</summary>
    /// <param name="machine">The machine.</param>
    /// <param name="options">How to run it.</param>
    public HeadlessRunner(PcMachine machine, HeadlessOptions options)
    {
        ArgumentNullException.ThrowIfNull(machine);
        ArgumentNullException.ThrowIfNull(options);
        _machine = machine;
        _options = options;
        int ports = machine.Serial.Count;
        _tails = new OutputTail[ports + 2];
        for (int i = 0; i < ports; i++)
        {
            _tails[i] = new OutputTail($"COM{i + 1}");
            machine.Serial[i].Backend = new Output(this, i);
        }

        _tails[ports] = new OutputTail("debug console");
        machine.DebugPorts.Console = value => Receive(ports, value);
        _tails[ports + 1] = new OutputTail("firmware log");
        machine.DebugPorts.FirmwareLog = value => Receive(ports + 1, value);
        _script = new ExpectScript(options.Script, _tails.Length, step =>
        {
            Input.Post(step.Action == ScriptAction.Send ? InputTarget.Serial : InputTarget.Keyboard, step.Data);
        });
    }

    /// <summary>Input from outside.</summary>
    public InputQueue Input { get; } = new();

    /// <summary>The last output of every source.</summary>
    public IReadOnlyList<OutputTail> Tails => _tails;

    /// <summary>Ends the run before the next instruction. Any thread; the first reason counts.</summary>
    /// <param name="reason">Quit, Interrupted or Timeout.</param>
    public void Stop(HeadlessEnd reason)
    {
        Interlocked.CompareExchange(ref _stop, (int)reason, NoStop);
        _wake.Set();
    }

    /// <summary>Tells the runner that input was posted, so that a sleeping machine wakes. Any thread.</summary>
    public void Wake() => _wake.Set();

    /// <summary>Runs until the end.</summary>
    public HeadlessResult Run()
    {
        _machine.Cpu.BetweenSlices = BetweenSlices;
        _machine.Events.Arrived = Wake;
        _machine.Events.Background = static work => ThreadPool.UnsafeQueueUserWorkItem(static w => w(), work, preferLocal: false);
        bool hostClock = _machine.Clock.Mode == ClockMode.Host;
        _machine.Cpu.HaltSleep = hostClock || _options.HasLiveInput ? Sleep : null;
        using Timer? timer = _options.Timeout is { } timeout ? new Timer(_ => Stop(HeadlessEnd.Timeout), null, timeout, System.Threading.Timeout.InfiniteTimeSpan) : null;
        try
        {
            _script.Start();
            return RunToEnd();
        }
        finally
        {
            _machine.Cpu.BetweenSlices = null;
            _machine.Cpu.HaltSleep = null;
            _machine.SettleDrives();
            _machine.Events.Arrived = null;
            _machine.Events.Background = null;
            _options.Idle?.Invoke();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _wake.Dispose();

    private HeadlessResult RunToEnd()
    {
        long start = _machine.Cpu.Retired;
        long limit = _options.MaxInstructions is { } most && most < long.MaxValue - start ? start + most : long.MaxValue;
        while (true)
        {
            Input.Apply(_machine);
            RunResult result = RunOnce(limit);
            if (_options.EngineFailure?.Invoke() is { } failure)
            {
                return new HeadlessResult(HeadlessEnd.Diverged, ExitStatus.Internal, failure);
            }

            bool matched = LookAtScreenAtEnd(result, limit);
            if (result.Reason == RunReason.DebugExit)
            {
                return new HeadlessResult(HeadlessEnd.DebugExit, result.ExitCode, $"the guest ended the run with exit status {result.ExitCode & 0xFF}");
            }

            if (_script.EndsRun)
            {
                return new HeadlessResult(HeadlessEnd.ScriptComplete, ExitStatus.Success, "all expectations were met");
            }

            if (StopResult() is { } stopped)
            {
                return stopped;
            }

            switch (result.Reason)
            {
                case RunReason.Halted when matched:
                    break;
                case RunReason.Limit when _machine.Cpu.Retired >= limit:
                    return new HeadlessResult(HeadlessEnd.InstructionLimit, ExitStatus.Limit, $"the limit of {_options.MaxInstructions} instructions was reached{Waiting()}");
                case RunReason.PoweredOff:
                    return Finished(HeadlessEnd.PoweredOff, "the guest powered off");
                case RunReason.Reset:
                    return Finished(HeadlessEnd.Reset, "the guest reset the machine");
                case RunReason.Shutdown:
                    return new HeadlessResult(HeadlessEnd.Shutdown, ExitStatus.Shutdown, "the CPU shut down (triple fault)");
                case RunReason.Halted:
                    if (DeadHalt() is { } halted)
                    {
                        return halted;
                    }

                    break;
                case RunReason.StopRequested when _sleepsForever:
                    _sleepsForever = false;
                    if (DeadHalt() is { } asleep)
                    {
                        return asleep;
                    }

                    break;
                default:
                    break;
            }
        }
    }

    /// <summary>What the guest wrote last may be what a script waits for.</summary>
    private bool LookAtScreenAtEnd(RunResult result, long limit)
    {
        bool atEnd = result.IsFinal || _sleepsForever || _machine.Cpu.Retired >= limit;
        bool matched = atEnd && LookAtScreen();
        _sleepsForever &= !matched;
        return matched;
    }

    private RunResult RunOnce(long limit)
    {
        if (_options.AtMark is { } atMark)
        {
            long mark = ((_machine.Cpu.Retired / StateHash.Interval) + 1) * StateHash.Interval;
            RunResult part = _machine.Run(Math.Min(limit, mark) - _machine.Cpu.Retired);
            if (_machine.Cpu.Retired == mark)
            {
                atMark();
            }

            return part;
        }

        if (!_options.SingleStep)
        {
            return _machine.Run(limit - _machine.Cpu.Retired);
        }

        _options.BeforeStep?.Invoke();
        RunResult result = _machine.Run(Math.Min(1, limit - _machine.Cpu.Retired));
        _options.AfterStep?.Invoke();
        return result;
    }

    private HeadlessResult? StopResult() => Volatile.Read(ref _stop) switch
    {
        (int)HeadlessEnd.Timeout => new HeadlessResult(HeadlessEnd.Timeout, ExitStatus.Limit, string.Create(System.Globalization.CultureInfo.InvariantCulture, $"the time limit of {_options.Timeout?.TotalSeconds} s was reached{Waiting()}")),
        (int)HeadlessEnd.Quit => new HeadlessResult(HeadlessEnd.Quit, ExitStatus.Success, "ended by the user"),
        (int)HeadlessEnd.Interrupted => new HeadlessResult(HeadlessEnd.Interrupted, ExitStatus.Interrupted, "interrupted"),
        _ => null,
    };

    /// <summary>An end that the guest chose: good, unless a pattern is still waited for.</summary>
    private HeadlessResult Finished(HeadlessEnd end, string message) => _script.WaitingFor is null
        ? new HeadlessResult(end, ExitStatus.Success, message)
        : new HeadlessResult(HeadlessEnd.ExpectationFailed, ExitStatus.Expectation, message + Waiting());

    private string Waiting() => _script.WaitingFor is { } pattern ? $" while waiting for '{pattern.ReplaceLineEndings(" ")}'" : "";

    /// <summary>
    /// The CPU halted and nothing inside the machine can wake it. Unless that ends the run, it goes on only when input can still come or
    /// somebody stops it.
    /// </summary>
    private unsafe HeadlessResult? DeadHalt()
    {
        string halted = (_machine.Cpu.State->EflagsRest & Eflags.IF) == 0 ? "the CPU halted with interrupts off" : "the CPU halted and no interrupt came any more";
        if (_options.StopOnHalt)
        {
            return Finished(HeadlessEnd.Halted, halted);
        }

        if (_script.WaitingFor is not null)
        {
            return new HeadlessResult(HeadlessEnd.ExpectationFailed, ExitStatus.Expectation, halted + Waiting());
        }

        if (_options.MaxInstructions is not null)
        {
            return new HeadlessResult(HeadlessEnd.InstructionLimit, ExitStatus.Limit, halted + " before the instruction limit, and nothing can wake it");
        }

        if (_options.Timeout is not null)
        {
            return new HeadlessResult(HeadlessEnd.Timeout, ExitStatus.Limit, halted + " before the time limit, and nothing can wake it");
        }

        _options.Idle?.Invoke();
        _options.WaitingForever?.Invoke();
        while (Volatile.Read(ref _stop) == NoStop)
        {
            _wake.WaitOne();
        }

        return StopResult();
    }

    private void Receive(int source, byte value)
    {
        _tails[source].Add(value);
        int ports = _machine.Serial.Count;
        if (source < ports)
        {
            _options.SerialOutput?.Invoke(source, value);
        }
        else if (source == ports)
        {
            _options.DebugOutput?.Invoke(value);
        }
        else
        {
            _options.FirmwareLog?.Invoke(value);
        }

        // What the script sends enters behind this instruction: the run stops there, and goes on when the input is applied.
        if (_script.Output(source, value))
        {
            _machine.RequestStop();
        }
    }

    private void BetweenSlices()
    {
        Input.Apply(_machine);
        _options.Idle?.Invoke();
        if (Volatile.Read(ref _stop) != NoStop)
        {
            _machine.RequestStop();
        }

        if (_machine.Clock.Now >= _nextLook)
        {
            LookAtScreen();
        }

        WatchSleep();
    }

    /// <summary>
    /// Shows the script the text screen. Slices end at the same instructions in every run under icount, so that a match does too.
    /// </summary>
    /// <returns>Whether the script went on.</returns>
    private bool LookAtScreen()
    {
        _nextLook = _machine.Clock.Now + ScreenInterval;
        if (_script.IsComplete || _machine.Screen is not { IsText: true } screen || !_script.Screen(screen.TextLines))
        {
            return false;
        }

        _machine.RequestStop();
        return true;
    }

    /// <summary>
    /// Finds a CPU that waits with interrupts on while all that happens raises none: under icount it would skip through time for ever.
    /// </summary>
    private void WatchSleep()
    {
        long retired = _machine.Cpu.Retired;
        if (retired != _lastRetired)
        {
            _lastRetired = retired;
            _lastTime = _machine.Clock.Now;
        }
        else if (_machine.Clock.Now - _lastTime > LongestSleep && !_options.HasLiveInput && Input.IsEmpty && _machine.Clock.Mode == ClockMode.InstructionCount)
        {
            _lastTime = _machine.Clock.Now;
            _sleepsForever = true;
            _machine.RequestStop();
        }
    }

    private void Sleep(long nanoseconds)
    {
        _options.Idle?.Invoke();
        if (nanoseconds >= Millisecond)
        {
            _wake.WaitOne(nanoseconds >= int.MaxValue * Millisecond ? Timeout.Infinite : (int)(nanoseconds / Millisecond));
        }
        else
        {
            Thread.Yield();
        }
    }

    private sealed class Output : ISerialBackend
    {
        private readonly HeadlessRunner _runner;
        private readonly int _port;

        public Output(HeadlessRunner runner, int port)
        {
            _runner = runner;
            _port = port;
        }

        public void Write(byte value) => _runner.Receive(_port, value);
    }
}
