// Intel 8254 programmable interval timer (datasheet 231164): three counters, modes 0 to 5, binary and BCD, counter latch and read-back
// commands, null count, GATE inputs.
//
// CLK is 1193182 Hz and its pulse n happens at the first nanosecond not before n / 1193182 s: no drift. Counters are stepped lazily, when
// they are looked at; one timer event exists, for the next change of OUT of counter 0. GATE of counters 0 and 1 is tied high.
//
// Ports: 40h-42h counters, 43h control word. OUT 0 drives IRQ 0; OUT 1 asks for refresh (nothing listens); OUT 2 and GATE 2 go to port 61h.
using Emulator.Core.Machine;
using Emulator.Core.Snapshot;

namespace Emulator.Devices.Timers;

/// <summary>The system timer of a PC.</summary>
public sealed unsafe class I8254Pit : IMachineComponent
{
    /// <summary>Frequency of CLK in hertz.</summary>
    public const long ClockFrequency = 1_193_182;

    private const ushort BasePort = 0x40;
    private const int ControlPort = 3;
    private const int ReadBack = 3;
    private const byte ReadBackNoCount = 0x20;
    private const byte ReadBackNoStatus = 0x10;

    private readonly Clock _clock;
    private readonly EventQueue _events;
    private readonly IrqLine _irq0;
    private readonly TimerEvent _timer;
    private readonly PitCounter[] _counters = [new(), new(), new()];
    private long _pulse;

    /// <summary>Creates the chip in its reset state.</summary>
    /// <param name="clock">Virtual time.</param>
    /// <param name="events">The machine's timers.</param>
    /// <param name="irq0">Driven by OUT of counter 0.</param>
    public I8254Pit(Clock clock, EventQueue events, IrqLine irq0)
    {
        ArgumentNullException.ThrowIfNull(clock);
        ArgumentNullException.ThrowIfNull(events);
        _clock = clock;
        _events = events;
        _irq0 = irq0;
        _timer = events.Register("pit.counter0", Tick);
        Reset();
    }

    /// <inheritdoc/>
    public string StateId => "pit";

    /// <inheritdoc/>
    public int StateVersion => 1;

    /// <summary>GATE of counter 2 (port 61h bit 0).</summary>
    public bool Gate2
    {
        get => _counters[2].Gate;
        set
        {
            Synchronize(_clock.Now);
            _counters[2].SetGate(value);
        }
    }

    /// <summary>OUT of counter 2 now.</summary>
    public bool Out2
    {
        get
        {
            Synchronize(_clock.Now);
            return _counters[2].Out;
        }
    }

    /// <summary>Mode and count of counter 2, for a sound output: pulses between two rising edges in modes 2 and 3.</summary>
    public (int Mode, int Count) Speaker => (_counters[2].Mode, _counters[2].Reload);

    /// <summary>Maps the four ports.</summary>
    /// <param name="ports">The port space.</param>
    public void Map(PortMap ports)
    {
        ArgumentNullException.ThrowIfNull(ports);
        ports.Map(BasePort, 4, 1, this, &Read, &Write, &Peek);
    }

    /// <summary>OUT of a counter as of the last access or event.</summary>
    /// <param name="counter">Counter, 0 to 2.</param>
    public bool Output(int counter)
    {
        Synchronize(_clock.Now);
        return _counters[counter].Out;
    }

    /// <summary>The datasheet leaves the state undefined: here each counter is in mode 0 without a count, so nothing counts.</summary>
    public void Reset()
    {
        _pulse = Frequency.TicksAt(_clock.Now, ClockFrequency);
        for (int i = 0; i < 3; i++)
        {
            _counters[i].WriteControl(0x30);
            _counters[i].SetGate(i != 2);
        }

        Update();
    }

    /// <inheritdoc/>
    public void Serialize(StateArchive archive)
    {
        ArgumentNullException.ThrowIfNull(archive);
        archive.Field("pulse", ref _pulse);
        for (int i = 0; i < 3; i++)
        {
            _counters[i].Serialize(archive, $"counter{i}.");
        }

        if (archive.IsLoading)
        {
            archive.Check(_pulse >= 0 && _pulse <= Frequency.TicksAt(_clock.Now, ClockFrequency), "pulse");
            _irq0.Restore(_counters[0].Out);
        }
    }

    private static uint Read(object target, ushort port, int size)
    {
        I8254Pit pit = (I8254Pit)target;
        int counter = port & 3;
        if (counter == ControlPort)
        {
            return 0xFF;
        }

        pit.Synchronize(pit._clock.Now);
        return pit._counters[counter].Read(peek: false);
    }

    private static uint Peek(object target, ushort port, int size)
    {
        int counter = port & 3;
        return counter == ControlPort ? 0xFFu : ((I8254Pit)target)._counters[counter].Read(peek: true);
    }

    private static void Write(object target, ushort port, int size, uint value)
    {
        I8254Pit pit = (I8254Pit)target;
        pit.Synchronize(pit._clock.Now);
        if ((port & 3) == ControlPort)
        {
            pit.WriteControl((byte)value);
        }
        else
        {
            pit._counters[port & 3].Write((byte)value);
        }

        pit.Update();
    }

    private void WriteControl(byte value)
    {
        int select = value >> 6;
        if (select != ReadBack)
        {
            if ((value & 0x30) == 0)
            {
                _counters[select].LatchCount();
            }
            else
            {
                _counters[select].WriteControl(value);
            }

            return;
        }

        for (int i = 0; i < 3; i++)
        {
            if ((value & (2 << i)) != 0)
            {
                if ((value & ReadBackNoCount) == 0)
                {
                    _counters[i].LatchCount();
                }

                if ((value & ReadBackNoStatus) == 0)
                {
                    _counters[i].LatchStatus();
                }
            }
        }
    }

    private void Tick(long due)
    {
        Synchronize(due);
        Update();
    }

    private void Synchronize(long now)
    {
        long pulse = Frequency.TicksAt(now, ClockFrequency);
        if (pulse > _pulse)
        {
            foreach (PitCounter counter in _counters)
            {
                counter.Advance(pulse - _pulse);
            }

            _pulse = pulse;
        }
    }

    private void Update()
    {
        _irq0.Set(_counters[0].Out);
        long pulses = _counters[0].PulsesUntilChange();
        if (pulses == long.MaxValue)
        {
            _events.Cancel(_timer);
        }
        else
        {
            _events.Schedule(_timer, Frequency.TimeOf(_pulse + pulses, ClockFrequency));
        }
    }
}
