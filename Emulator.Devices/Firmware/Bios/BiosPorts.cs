// The I/O ports as the services of the built-in firmware use them.
//
// A service in virtual-8086 mode may meet a port that the I/O permission bitmap of the monitor's task denies. The code of a ROM would get #GP at its IN
// or OUT, and the monitor would do the access in its place: it finds the instruction at CS:EIP. So the service is broken off, and the CPU finds itself in
// the ROM in front of an IN or OUT with that port and value, followed by service F9h. That instruction traps; when the monitor has done with it, and with
// whatever it does in between (interrupts, other virtual machines), service F9h goes on with the call.
//
// Going on means doing it again: what a call has read, from ports and memory, is recorded while it runs, and the repetition is given the same, while what
// it wrote is not written again. It ends up at the very place where it was broken off, and gets the answer of its IN there. Everything that a service learns
// from the guest or the board therefore comes through here or is recorded here (BiosCall, VideoAdapterView).
//
// A call that waits for a monitor is part of a saved state.
using Emulator.Core.Cpu;
using Emulator.Core.Machine;
using Emulator.Core.Snapshot;

namespace Emulator.Devices.Firmware.Bios;

/// <summary>The ports of the services, and the calls that a V86 monitor has to do a port access for.</summary>
internal sealed unsafe class BiosPorts : IMachineComponent
{
    /// <summary>Number of the service that goes on with a call.</summary>
    public const int ResumeService = 0xF9;

    /// <summary>Calls that can wait at a time; a monitor that ends a virtual machine in the middle of one leaves it behind, and it is replaced.</summary>
    private const int MostCalls = 8;

    /// <summary>Operations of a call that are recorded; a longer one does the rest of its accesses without asking.</summary>
    private const int MostOperations = 1 << 17;

    /// <summary>Bytes of an IN or OUT in the ROM with what follows it.</summary>
    private const int StubSize = 8;

    private readonly CpuCore _cpu;
    private readonly PortMap _ports;
    private readonly BiosCallRecord[] _calls = new BiosCallRecord[MostCalls];
    private readonly uint[] _resumeRegisters = new uint[8];
    private BiosCallRecord? _current;
    private State _state;
    private int _next;
    private bool _resumed;
    private (ushort Port, int Size, uint Value, bool IsWrite) _denied;
    private long _order;

    public BiosPorts(CpuCore cpu, PortMap ports)
    {
        _cpu = cpu;
        _ports = ports;
        for (int i = 0; i < MostCalls; i++)
        {
            _calls[i] = new BiosCallRecord();
        }
    }

    private enum State
    {
        Running,
        Denied,
        Faulted,
        Diverged,
    }

    /// <inheritdoc/>
    public string StateId => "bios-ports";

    /// <inheritdoc/>
    public int StateVersion => 1;

    /// <summary>Whether the call that runs is recorded.</summary>
    public bool IsRecording => _current is not null;

    /// <summary>Whether the call that runs is over for now: what it still does has no effect.</summary>
    public bool IsStopped => _state != State.Running;

    /// <summary>Calls that a monitor has to do a port access for.</summary>
    public int WaitingCalls => _calls.Count(c => c.IsWaiting);

    /// <inheritdoc/>
    public void Reset()
    {
        foreach (BiosCallRecord call in _calls)
        {
            call.Clear();
        }
    }

    /// <summary>Reads a port.</summary>
    public uint Read(ushort port, int size)
    {
        if (_current is null)
        {
            return _ports.Read(port, size);
        }

        if (TryReplay(BiosOperation.In, out ulong known))
        {
            return (uint)known;
        }

        if (IsDenied(port, size, 0, isWrite: false))
        {
            return 0;
        }

        uint value = _ports.Read(port, size);
        Append(BiosOperation.In, value);
        return value;
    }

    /// <summary>Writes a port.</summary>
    public void Write(ushort port, int size, uint value)
    {
        if (_current is null)
        {
            _ports.Write(port, size, value);
        }
        else if (!TryReplay(BiosOperation.Out, out _) && !IsDenied(port, size, value, isWrite: true))
        {
            _ports.Write(port, size, value);
            Append(BiosOperation.Out, 0);
        }
    }

    /// <summary>Something about the board that a service looks at without a port.</summary>
    public int Note(int value)
    {
        // A call that is stopped goes on with what it sees: that is always a state of the board that its code knows.
        if (_current is null || IsStopped)
        {
            return value;
        }

        if (!TryReplay(BiosOperation.Note, out ulong known))
        {
            Append(BiosOperation.Note, (uint)value);
            return value;
        }

        return (int)known;
    }

    /// <summary>Begins to record a call in virtual-8086 mode.</summary>
    public void Begin(int service)
    {
        CpuState* s = _cpu.State;
        BiosCallRecord call = _calls.MinBy(c => c.Order)!;
        call.Begin(s, (byte)service, ++_order);
        Start(call, resumed: false);
    }

    /// <summary>
    /// Service F9h: the access of the call whose number is in ECX has been done, an IN has left its value in EAX. False when no call of this virtual machine
    /// waits there.
    /// </summary>
    /// <param name="service">Receives the service that is called again, with its registers and at its place.</param>
    public bool Resume(out int service)
    {
        CpuState* s = _cpu.State;
        uint number = CpuState.R32(s, 1);
        service = 0;
        if (number >= MostCalls || _calls[number] is not { IsWaiting: true } call || !call.Belongs(s))
        {
            return false;
        }

        for (int i = 0; i < 8; i++)
        {
            _resumeRegisters[i] = CpuState.R32(s, i);
        }

        if (!call.IsAnswered)
        {
            uint value = CpuState.R32(s, 0) & (uint)((1UL << (8 * call.Size)) - 1);
            call.Add(call.IsWrite ? BiosOperation.Out : BiosOperation.In, call.IsWrite ? 0 : value);
            call.IsAnswered = true;
        }

        call.Restore(s);
        service = call.Service;
        Start(call, resumed: true);
        return true;
    }

    /// <summary>Ends what <see cref="Begin"/> or <see cref="Resume"/> began.</summary>
    /// <param name="faulted">Whether the service met a page fault.</param>
    /// <returns>Whether the service instruction is done; false for the page fault.</returns>
    public bool End(bool faulted)
    {
        CpuState* s = _cpu.State;
        BiosCallRecord call = _current!;
        State state = _state;
        _current = null;
        _state = State.Running;
        switch (state)
        {
            case State.Denied:
                call.Wait(s, _denied.Size, _denied.IsWrite);
                CpuState.R32(s, 0) = _denied.IsWrite ? _denied.Value : CpuState.R32(s, 0);
                CpuState.R32(s, 1) = (uint)Array.IndexOf(_calls, call);
                CpuState.R32(s, 2) = _denied.Port;
                int stub = (_denied.IsWrite ? 3 : 0) + (_denied.Size >> 1);
                Jump(s, (uint)(BiosRom.Offset(BiosRom.Entry.PortTraps) + (stub * StubSize)));
                return true;
            case State.Diverged:
                // The guest has changed what the call works on: it ends as it is.
                call.Restore(s);
                call.Clear();
                return true;
            default:
                break;
        }

        if (!faulted)
        {
            call.Clear();
            return true;
        }

        if (_resumed)
        {
            // Service F9h faults, and comes again.
            Jump(s, s->Eip);
            for (int i = 0; i < 8; i++)
            {
                CpuState.R32(s, i) = _resumeRegisters[i];
            }

            call.RestoreExtra(s);
        }
        else
        {
            call.Clear();
        }

        return false;
    }

    /// <summary>What the recorded call has done at this place before; false when it gets here for the first time.</summary>
    public bool TryReplay(BiosOperation operation, out ulong value)
    {
        value = 0;
        if (_state != State.Running)
        {
            return true;
        }

        if (_next == _current!.Count)
        {
            return false;
        }

        if (!_current.Is(_next, operation, out value))
        {
            _state = State.Diverged;
        }

        _next++;
        return true;
    }

    /// <summary>Records what the call has done.</summary>
    public void Append(BiosOperation operation, ulong value)
    {
        if (_current!.Count < MostOperations)
        {
            _current.Add(operation, value);
            _next = _current.Count;
        }
    }

    /// <summary>The call has met a page fault.</summary>
    public void Fault() => _state = State.Faulted;

    /// <inheritdoc/>
    public void Serialize(StateArchive archive)
    {
        ArgumentNullException.ThrowIfNull(archive);
        archive.Field("order", ref _order);
        for (int i = 0; i < MostCalls; i++)
        {
            _calls[i].Serialize(archive, $"call{i}.", MostOperations);
        }
    }

    private void Start(BiosCallRecord call, bool resumed)
    {
        _current = call;
        _state = State.Running;
        _next = 0;
        _resumed = resumed;
    }

    private bool IsDenied(ushort port, int size, uint value, bool isWrite)
    {
        if (_current!.Count >= MostOperations || IoPermission.Check(_cpu.State, port, size))
        {
            return false;
        }

        _denied = (port, size, value, isWrite);
        _state = State.Denied;
        return true;
    }

    private static void Jump(CpuState* s, uint offset)
    {
        Segmentation.SetV86(s, SegmentIndex.Cs, BiosRom.Segment);
        s->Eip = offset;
        CpuMode.Update(s);
    }
}
