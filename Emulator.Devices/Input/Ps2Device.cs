using Emulator.Core.Machine;
using Emulator.Core.Snapshot;

namespace Emulator.Devices.Input;

/// <summary>
/// One side of a PS/2 link: a device that takes commands and has a queue of bytes for the host, which the controller fetches one at a time.
/// Replies go before other bytes of the queue are complete only in the order in which they arise, as on the wire.
/// </summary>
public abstract class Ps2Device : IMachineComponent
{
    /// <summary>Reply: command accepted.</summary>
    protected const byte Acknowledge = 0xFA;

    /// <summary>Reply: self-test passed.</summary>
    protected const byte SelfTestPassed = 0xAA;

    /// <summary>Reply: send the last byte again.</summary>
    protected const byte ResendRequest = 0xFE;

    private readonly byte[] _queue;
    private int _head;
    private int _count;
    private byte _lastSent;

    /// <summary>Creates the device.</summary>
    /// <param name="stateId">Name in snapshots.</param>
    /// <param name="queueSize">Bytes in the output queue.</param>
    protected Ps2Device(string stateId, int queueSize)
    {
        StateId = stateId;
        _queue = new byte[queueSize];
    }

    /// <inheritdoc/>
    public string StateId { get; }

    /// <inheritdoc/>
    public int StateVersion => 1;

    /// <summary>Whether a byte waits for the controller.</summary>
    public bool HasData => _count > 0;

    /// <summary>Set by the controller: called when a byte was queued.</summary>
    internal Action? DataQueued { get; set; }

    /// <summary>Free bytes in the queue.</summary>
    protected int Room => _queue.Length - _count;

    /// <inheritdoc/>
    public abstract void Reset();

    /// <summary>Takes a byte that the host sends.</summary>
    /// <param name="value">Command or argument.</param>
    public abstract void Receive(byte value);

    /// <inheritdoc/>
    public virtual void Serialize(StateArchive archive)
    {
        ArgumentNullException.ThrowIfNull(archive);
        archive.Array<byte>("queue", _queue);
        archive.Field("head", ref _head);
        archive.Field("count", ref _count);
        archive.Field("lastSent", ref _lastSent);
        archive.Check(_head >= 0 && _head < _queue.Length, "head");
        archive.Check(_count >= 0 && _count <= _queue.Length, "count");
    }

    /// <summary>Takes the next byte off the queue; 0 when there is none.</summary>
    internal byte Take()
    {
        if (_count == 0)
        {
            return 0;
        }

        _lastSent = _queue[_head];
        _head = (_head + 1) % _queue.Length;
        _count--;
        OnTaken();
        return _lastSent;
    }

    /// <summary>Called after the controller took a byte.</summary>
    protected virtual void OnTaken()
    {
    }

    /// <summary>Queues a byte; dropped when the queue is full.</summary>
    /// <param name="value">The byte.</param>
    protected void Send(byte value)
    {
        if (_count < _queue.Length)
        {
            _queue[(_head + _count) % _queue.Length] = value;
            _count++;
            DataQueued?.Invoke();
        }
    }

    /// <summary>Queues the byte that was sent last.</summary>
    protected void SendAgain() => Send(_lastSent);

    /// <summary>Empties the queue.</summary>
    protected void ClearQueue() => _head = _count = 0;
}
