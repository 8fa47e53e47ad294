using System.Runtime.ExceptionServices;
using Emulator.Core.Machine;

namespace Emulator.Devices.Storage;

/// <summary>What became of a piece of <see cref="HostWork"/>.</summary>
internal enum HostResult
{
    /// <summary>It is under way; the drive's timer comes when it is done.</summary>
    Pending,

    /// <summary>It is done.</summary>
    Done,

    /// <summary>The host refused; <see cref="HostWork.Failure"/> says why.</summary>
    Failed,
}

/// <summary>
/// The reads, writes and flushes of one drive's image, one at a time. Under the instruction count they happen at once, at the instant that the
/// drive's timing says. Under the host clock another thread (of the host's pool) does them while the CPU runs on; when they are done the drive's timer is posted,
/// the drive takes the same step again and gets the result. So a drive that is saved meanwhile takes that step again when it is loaded, and
/// a step must change nothing before the result is there.
/// </summary>
internal sealed class HostWork
{
    private readonly Clock _clock;
    private readonly EventQueue _events;
    private readonly TimerEvent _timer;
    private readonly object _signal = new();
    private readonly Action _perform;
    private Action _work = static () => { };
    private ExceptionDispatchInfo? _fault;

    // Pieces of work that were started; that are done; whose thread does nothing more for this drive, not even post.
    private long _number;
    private long _done;
    private long _left;

    /// <summary>Creates it for a drive.</summary>
    /// <param name="clock">The machine's clock.</param>
    /// <param name="events">The machine's timers.</param>
    /// <param name="timer">The drive's timer, which does nothing else while work is under way.</param>
    public HostWork(Clock clock, EventQueue events, TimerEvent timer)
    {
        _clock = clock;
        _events = events;
        _timer = timer;
        _perform = () =>
        {
            Perform();
            Interlocked.Increment(ref _done);
            _events.Post(_timer);
            Leave();
        };
    }

    /// <summary>Whether time follows the host and another thread can do the work.</summary>
    public bool IsLive => _clock.Mode == ClockMode.Host && _events.Background is not null;

    /// <summary>Whether work was started whose result nobody has got yet.</summary>
    public bool IsBusy { get; private set; }

    /// <summary>Number of the piece of work that is done and whose result nobody has got yet, or 0.</summary>
    public long Unclaimed => IsBusy && IsDone ? _number : 0;

    /// <summary>Why the last result was <see cref="HostResult.Failed"/>.</summary>
    public StorageException Failure { get; private set; } = new("");

    /// <summary>Does work, starts it, or gives the result of the work that was started.</summary>
    /// <param name="work">What to do; touches nothing but the image and buffers that the drive leaves alone meanwhile.</param>
    public HostResult Run(Action work)
    {
        if (IsBusy)
        {
            if (!IsDone)
            {
                return HostResult.Pending;
            }

            IsBusy = false;
            return Result();
        }

        _work = work;
        _fault = null;
        if (!IsLive)
        {
            Perform();
            return Result();
        }

        IsBusy = true;
        _number++;
        _events.Expect();
        _events.Background!(_perform);
        return HostResult.Pending;
    }

    /// <summary>Waits until nothing is under way; the result is still to be had.</summary>
    public void Wait()
    {
        lock (_signal)
        {
            while (_left != _number)
            {
                Monitor.Wait(_signal);
            }
        }
    }

    /// <summary>Waits until nothing is under way, and forgets the result.</summary>
    public void Drop()
    {
        if (IsBusy)
        {
            Wait();
            IsBusy = false;
            _events.Withdraw(_timer);
            _events.Cancel(_timer);
        }
    }

    /// <summary>Forgets a result that a step did not ask for, because something else ended the command meanwhile.</summary>
    /// <param name="number">Value of <see cref="Unclaimed"/> before the step.</param>
    public void Forget(long number)
    {
        if (number != 0 && Unclaimed == number)
        {
            IsBusy = false;
        }
    }

    private bool IsDone => Volatile.Read(ref _done) == _number;

    private void Leave()
    {
        lock (_signal)
        {
            _left++;
            Monitor.PulseAll(_signal);
        }
    }

    private HostResult Result()
    {
        ExceptionDispatchInfo? fault = _fault;
        _fault = null;
        if (fault is null)
        {
            return HostResult.Done;
        }

        if (fault.SourceException is not StorageException failure)
        {
            fault.Throw();
            return HostResult.Failed;
        }

        Failure = failure;
        return HostResult.Failed;
    }

    private void Perform()
    {
        try
        {
            _work();
        }
#pragma warning disable CA1031 // an error of the program on the pool's thread is thrown on the machine's, by Result
        catch (Exception e)
#pragma warning restore CA1031
        {
            _fault = ExceptionDispatchInfo.Capture(e);
        }
    }
}
