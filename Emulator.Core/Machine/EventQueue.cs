using Emulator.Core.Snapshot;

namespace Emulator.Core.Machine;

/// <summary>A timer that a device registered; at most one occurrence is pending at a time.</summary>
public sealed class TimerEvent
{
    internal TimerEvent(string id, Action<long> callback)
    {
        Id = id;
        Callback = callback;
    }

    /// <summary>Stable name, unique in the machine ("pit.channel0"); names the event in snapshots.</summary>
    public string Id { get; }

    /// <summary>Virtual nanoseconds at which it is due; <see cref="long.MaxValue"/> when not pending.</summary>
    public long Due { get; internal set; } = long.MaxValue;

    /// <summary>Whether an occurrence is pending.</summary>
    public bool IsPending => Due != long.MaxValue;

    internal long Order { get; set; }

    internal Action<long> Callback { get; }

    /// <summary>1 from <see cref="EventQueue.Post"/>, which any thread can call, until the machine takes it.</summary>
    internal int Posted;
}

/// <summary>
/// Pending device events ordered by virtual time; equal times keep insertion order. A machine has a few dozen timers, so a
/// linear scan on change with a cached minimum is as fast as a heap and simpler to save.
/// </summary>
public sealed class EventQueue
{
    // An event of a snapshot can have been due for a while under the host clock; older ones would make periodic timers catch up for ages.
    private const long LatestPast = 10_000_000_000;

    private readonly Clock _clock;
    private readonly List<TimerEvent> _events = [];
    private readonly object _arrival = new();
    private long _order;
    private int _posted;

    /// <summary>Creates an empty queue.</summary>
    /// <param name="clock">The machine's clock.</param>
    public EventQueue(Clock clock) => _clock = clock;

    /// <summary>Virtual nanoseconds of the earliest pending event, or <see cref="long.MaxValue"/>.</summary>
    public long NextDue { get; private set; } = long.MaxValue;

    /// <summary>Set by the machine: called when <see cref="NextDue"/> moves earlier, so that the CPU's budget is cut.</summary>
    public Action? Rescheduled { get; set; }

    /// <summary>How many posts of other threads will come: while it is not 0, the CPU looks for them more often.</summary>
    public int Expected { get; private set; }

    /// <summary>Set by whoever lets the CPU sleep: called by the thread that posts, so that the CPU wakes.</summary>
    public Action? Arrived { get; set; }

    /// <summary>
    /// Set by whoever provides a host clock: starts work on another thread, which ends in a <see cref="Post"/>. Null: nothing runs beside the
    /// machine.
    /// </summary>
    public Action<Action>? Background { get; set; }

    /// <summary>Registers a timer; done once, when the machine is built.</summary>
    /// <param name="id">Stable unique name.</param>
    /// <param name="callback">Called with the due time, in virtual nanoseconds, between two guest instructions.</param>
    /// <exception cref="ArgumentException">The name is taken.</exception>
    public TimerEvent Register(string id, Action<long> callback)
    {
        if (_events.Exists(e => e.Id == id))
        {
            throw new ArgumentException($"timer '{id}' is registered twice", nameof(id));
        }

        TimerEvent timer = new(id, callback);
        _events.Add(timer);
        return timer;
    }

    /// <summary>Makes a timer due at a time, replacing its pending occurrence. A past time is due at once.</summary>
    /// <param name="timer">The timer.</param>
    /// <param name="due">Virtual nanoseconds.</param>
    public void Schedule(TimerEvent timer, long due)
    {
        ArgumentNullException.ThrowIfNull(timer);
        bool wasFirst = timer.Due == NextDue;
        timer.Due = due;
        timer.Order = _order++;
        if (due < NextDue)
        {
            NextDue = due;
            Rescheduled?.Invoke();
        }
        else if (wasFirst)
        {
            FindNext();
        }
    }

    /// <summary>Drops a timer's pending occurrence, if any.</summary>
    /// <param name="timer">The timer.</param>
    public void Cancel(TimerEvent timer)
    {
        ArgumentNullException.ThrowIfNull(timer);
        if (timer.IsPending)
        {
            timer.Due = long.MaxValue;
            FindNext();
        }
    }

    /// <summary>
    /// Announces that another thread will <see cref="Post"/> a timer when it has done something. Under the host clock only: when that happens
    /// is not the machine's to say.
    /// </summary>
    public void Expect()
    {
        Expected++;
        Rescheduled?.Invoke();
    }

    /// <summary>
    /// Makes an announced timer due at once. Any thread: the machine takes it between two slices, where all input from outside enters, with the
    /// virtual time of that place.
    /// </summary>
    /// <param name="timer">The timer.</param>
    public void Post(TimerEvent timer)
    {
        ArgumentNullException.ThrowIfNull(timer);
        Volatile.Write(ref timer.Posted, 1);
        Interlocked.Increment(ref _posted);
        lock (_arrival)
        {
            Monitor.PulseAll(_arrival);
        }

        Arrived?.Invoke();
    }

    /// <summary>Forgets a post that was not taken yet.</summary>
    /// <param name="timer">The timer.</param>
    public void Withdraw(TimerEvent timer)
    {
        ArgumentNullException.ThrowIfNull(timer);
        if (Interlocked.Exchange(ref timer.Posted, 0) != 0)
        {
            Interlocked.Decrement(ref _posted);
            Expected--;
        }
    }

    /// <summary>Makes posted timers due now. The run loop does it; also before a snapshot.</summary>
    public void TakePosted()
    {
        if (Volatile.Read(ref _posted) == 0)
        {
            return;
        }

        foreach (TimerEvent e in _events)
        {
            if (Interlocked.Exchange(ref e.Posted, 0) != 0)
            {
                Interlocked.Decrement(ref _posted);
                Expected--;
                Schedule(e, _clock.Now);
            }
        }
    }

    /// <summary>Waits for a post, for somebody who has nothing else to do.</summary>
    /// <param name="milliseconds">How long at most.</param>
    internal void WaitForPost(int milliseconds)
    {
        lock (_arrival)
        {
            if (Volatile.Read(ref _posted) == 0)
            {
                Monitor.Wait(_arrival, milliseconds);
            }
        }
    }

    /// <summary>Runs every event that is due now, in order of time and insertion.</summary>
    public void RunDue()
    {
        TakePosted();
        while (NextDue <= _clock.Now)
        {
            TimerEvent? first = null;
            foreach (TimerEvent e in _events)
            {
                if (e.IsPending && (first is null || e.Due < first.Due || (e.Due == first.Due && e.Order < first.Order)))
                {
                    first = e;
                }
            }

            long due = first!.Due;
            first.Due = long.MaxValue;
            FindNext();
            first.Callback(due);
        }
    }

    /// <summary>Saves or loads every registered timer as (id, due, order).</summary>
    /// <param name="archive">The archive.</param>
    public void Serialize(StateArchive archive)
    {
        ArgumentNullException.ThrowIfNull(archive);
        archive.Field("order", ref _order);
        foreach (TimerEvent e in _events)
        {
            long due = e.Due;
            long order = e.Order;
            archive.Field(e.Id + ".due", ref due);
            archive.Field(e.Id + ".order", ref order);
            archive.Check(due >= _clock.Now - LatestPast, e.Id + ".due");
            archive.Check(order >= 0 && order <= _order, e.Id + ".order");
            e.Due = due;
            e.Order = order;
        }

        FindNext();
    }

    private void FindNext()
    {
        long next = long.MaxValue;
        foreach (TimerEvent e in _events)
        {
            next = Math.Min(next, e.Due);
        }

        NextDue = next;
    }
}
