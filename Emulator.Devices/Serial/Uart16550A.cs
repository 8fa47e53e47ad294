// 16550A UART (National Semiconductor PC16550D datasheet, TL/C/8652): all registers, 16-byte FIFOs with trigger levels and character
// timeout, prioritized interrupts, loopback, break, 5 to 8 data bits, and the time that characters take on the line.
//
// A character leaves to the backend when it enters the transmitter shift register, and occupies it for its whole time on the line:
// (1 + data + parity + stop) bits of divisor / 115200 s, a divisor of 0 counting as 1. A configured limit can shorten that time, so that
// guests that print at 9600 baud need not wait; received characters always arrive at line rate. The other side is a null modem with all
// handshake lines asserted, that waits while the receiver is full: overruns happen in loopback mode only. The interrupt output is gated
// with OUT2, as on a PC's serial card.
//
// After reset the line is set to 115200 baud, 8N1, as firmware leaves it (the datasheet: 5 bits, divisor undefined).
//
// Not modelled: parity and framing errors by a wrong line format of the other side; DMA mode (FCR bit 3 is taken and has no effect).
//
// Ports: base + 0 to 7; COM1 3F8h IRQ 4, COM2 2F8h IRQ 3, COM3 3E8h IRQ 4, COM4 2E8h IRQ 3.
using Emulator.Core.Machine;
using Emulator.Core.Snapshot;
using Emulator.Devices.Timers;

namespace Emulator.Devices.Serial;

/// <summary>A serial port.</summary>
public sealed unsafe class Uart16550A : IMachineComponent
{
    /// <summary>Characters in each FIFO.</summary>
    public const int FifoSize = 16;

    /// <summary>Most characters that wait to be received; more are refused by <see cref="EnqueueInput"/>.</summary>
    public const int MaximumInput = 1 << 20;

    private const long HalfBitsPerSecond = 2 * 115_200;
    private const ushort Break = 0x100;

    private const byte IerReceived = 0x01;
    private const byte IerTransmitterEmpty = 0x02;
    private const byte IerLineStatus = 0x04;
    private const byte IerModemStatus = 0x08;

    private const byte IirNone = 0x01;
    private const byte IirModemStatus = 0x00;
    private const byte IirTransmitterEmpty = 0x02;
    private const byte IirReceived = 0x04;
    private const byte IirLineStatus = 0x06;
    private const byte IirTimeout = 0x0C;
    private const byte IirFifos = 0xC0;

    private const byte FcrEnable = 0x01;
    private const byte FcrClearReceiver = 0x02;
    private const byte FcrClearTransmitter = 0x04;

    private const byte EightBits = 0x03;
    private const byte LcrTwoStopBits = 0x04;
    private const byte LcrParity = 0x08;
    private const byte LcrBreak = 0x40;
    private const byte LcrDivisorLatch = 0x80;

    private const byte McrDtr = 0x01;
    private const byte McrRts = 0x02;
    private const byte McrOut1 = 0x04;
    private const byte McrOut2 = 0x08;
    private const byte McrLoop = 0x10;

    private const byte LsrDataReady = 0x01;
    private const byte LsrOverrun = 0x02;
    private const byte LsrFraming = 0x08;
    private const byte LsrBreak = 0x10;
    private const byte LsrTransmitterHoldingEmpty = 0x20;
    private const byte LsrTransmitterEmpty = 0x40;
    private const byte LsrFifoError = 0x80;
    private const byte LsrErrors = 0x1E;

    private const byte MsrTrailingRing = 0x04;
    private const byte MsrCts = 0x10;
    private const byte MsrDsr = 0x20;
    private const byte MsrRing = 0x40;
    private const byte MsrDcd = 0x80;

    private readonly Clock _clock;
    private readonly EventQueue _events;
    private readonly IrqLine _irq;
    private readonly TimerEvent _transmitted;
    private readonly TimerEvent _received;
    private readonly TimerEvent _timeout;
    private readonly long _transmitLimit;

    private readonly ushort[] _rx = new ushort[FifoSize];
    private readonly byte[] _tx = new byte[FifoSize];
    private readonly Queue<ushort> _input = new();
    private int _rxHead;
    private int _rxCount;
    private int _txHead;
    private int _txCount;
    private bool _shifting;
    private byte _shift;
    private long _lineFree;

    private byte _lastReceived;
    private byte _ier;
    private byte _fcr;
    private byte _lcr;
    private byte _mcr;
    private byte _lineErrors;
    private byte _msrDelta;
    private byte _modemLines;
    private byte _scratch;
    private ushort _divisor = 1;
    private bool _emptyPending;
    private bool _timeoutPending;

    /// <summary>Creates a port in its reset state.</summary>
    /// <param name="stateId">Name in snapshots and of its timers.</param>
    /// <param name="clock">Virtual time.</param>
    /// <param name="events">The machine's timers.</param>
    /// <param name="irq">The interrupt output, gated with OUT2.</param>
    /// <param name="transmitLimit">Longest time in nanoseconds that a transmitted character takes; <see cref="long.MaxValue"/> for line rate.</param>
    public Uart16550A(string stateId, Clock clock, EventQueue events, IrqLine irq, long transmitLimit = long.MaxValue)
    {
        ArgumentNullException.ThrowIfNull(events);
        ArgumentOutOfRangeException.ThrowIfLessThan(transmitLimit, 1);
        StateId = stateId;
        _clock = clock;
        _events = events;
        _irq = irq;
        _transmitLimit = transmitLimit;
        _transmitted = events.Register(stateId + ".transmit", OnTransmitted);
        _received = events.Register(stateId + ".receive", OnReceived);
        _timeout = events.Register(stateId + ".timeout", OnTimeout);
        Reset();
    }

    /// <inheritdoc/>
    public string StateId { get; }

    /// <inheritdoc/>
    public int StateVersion => 1;

    /// <summary>The other side of the line; null discards what is sent.</summary>
    public ISerialBackend? Backend { get; set; }

    /// <summary>Characters from the host that the guest has not been sent yet.</summary>
    public int PendingInput => _input.Count;

    /// <summary>Time that a character takes on the line in nanoseconds, by divisor latch and format.</summary>
    public long CharacterTime
    {
        get
        {
            int dataBits = 5 + (_lcr & 3);
            int halfBits = 2 + (2 * dataBits) + ((_lcr & LcrParity) != 0 ? 2 : 0)
                + ((_lcr & LcrTwoStopBits) == 0 ? 2 : dataBits == 5 ? 3 : 4);
            return halfBits * Frequency.Second * Math.Max((int)_divisor, 1) / HalfBitsPerSecond;
        }
    }

    private bool FifosEnabled => (_fcr & FcrEnable) != 0;

    private bool Loop => (_mcr & McrLoop) != 0;

    private int Capacity => FifosEnabled ? FifoSize : 1;

    private byte DataMask => (byte)(0xFF >> (3 - (_lcr & 3)));

    private int Trigger => (_fcr >> 6) switch { 0 => 1, 1 => 4, 2 => 8, _ => 14 };

    private byte ModemStatus => (byte)(_modemLines | _msrDelta);

    /// <summary>Maps the eight ports.</summary>
    /// <param name="ports">The port space.</param>
    /// <param name="basePort">First port.</param>
    public void Map(PortMap ports, ushort basePort)
    {
        ArgumentNullException.ThrowIfNull(ports);
        ports.Map(basePort, 8, 1, this, &Read, &Write, &Peek);
    }

    /// <summary>Sends characters to the guest, at line rate after those that wait already. Call between two guest instructions.</summary>
    /// <param name="data">The characters.</param>
    /// <returns>How many were taken: fewer when <see cref="MaximumInput"/> wait.</returns>
    public int EnqueueInput(ReadOnlySpan<byte> data)
    {
        int taken = Math.Min(data.Length, MaximumInput - _input.Count);
        foreach (byte value in data[..taken])
        {
            _input.Enqueue(value);
        }

        ScheduleReceive();
        return taken;
    }

    /// <summary>Sends a break condition to the guest (a Linux console's SysRq).</summary>
    /// <returns>False when <see cref="MaximumInput"/> characters wait.</returns>
    public bool EnqueueBreak()
    {
        if (_input.Count >= MaximumInput)
        {
            return false;
        }

        _input.Enqueue(Break);
        ScheduleReceive();
        return true;
    }

    /// <summary>Sends what is left in the transmitter at once: the line goes on when the machine is never run again.</summary>
    public void Drain()
    {
        while (_txCount > 0)
        {
            OnTransmitted(_clock.Now);
        }
    }

    /// <inheritdoc/>
    public void Reset()
    {
        _rxHead = _rxCount = _txHead = _txCount = 0;
        _shifting = false;
        _lineFree = 0;
        _ier = _fcr = _mcr = _lineErrors = _msrDelta = _scratch = _lastReceived = _shift = 0;
        _lcr = EightBits;
        _divisor = 1;
        _emptyPending = _timeoutPending = false;
        _modemLines = MsrCts | MsrDsr | MsrDcd;
        _events.Cancel(_transmitted);
        _events.Cancel(_timeout);
        _events.Cancel(_received);
        ScheduleReceive();
        Update();
    }

    /// <inheritdoc/>
    public void Serialize(StateArchive archive)
    {
        ArgumentNullException.ThrowIfNull(archive);
        archive.Array<ushort>("rx", _rx);
        archive.Array<byte>("tx", _tx);
        archive.Field("rxHead", ref _rxHead);
        archive.Field("rxCount", ref _rxCount);
        archive.Field("txHead", ref _txHead);
        archive.Field("txCount", ref _txCount);
        archive.Field("shifting", ref _shifting);
        archive.Field("shift", ref _shift);
        archive.Field("lineFree", ref _lineFree);
        archive.Field("lastReceived", ref _lastReceived);
        archive.Field("ier", ref _ier);
        archive.Field("fcr", ref _fcr);
        archive.Field("lcr", ref _lcr);
        archive.Field("mcr", ref _mcr);
        archive.Field("lineErrors", ref _lineErrors);
        archive.Field("msrDelta", ref _msrDelta);
        archive.Field("modemLines", ref _modemLines);
        archive.Field("scratch", ref _scratch);
        archive.Field("divisor", ref _divisor);
        archive.Field("emptyPending", ref _emptyPending);
        archive.Field("timeoutPending", ref _timeoutPending);
        byte[] input = new byte[_input.Count * 2];
        int at = 0;
        foreach (ushort value in _input)
        {
            input[at++] = (byte)value;
            input[at++] = (byte)(value >> 8);
        }

        archive.Variable("input", ref input, MaximumInput * 2);
        if (archive.IsLoading)
        {
            archive.Check(_rxHead is >= 0 and < FifoSize && _rxCount is >= 0 and <= FifoSize, "rx");
            archive.Check(_txHead is >= 0 and < FifoSize && _txCount is >= 0 and <= FifoSize, "tx");
            archive.Check(input.Length % 2 == 0, "input");
            _input.Clear();
            for (int i = 0; i < input.Length; i += 2)
            {
                _input.Enqueue((ushort)(input[i] | (input[i + 1] << 8)));
            }

            _irq.Restore(Identification() != IirNone && (_mcr & McrOut2) != 0);
        }
    }

    private static uint Read(object target, ushort port, int size)
    {
        Uart16550A uart = (Uart16550A)target;
        uint value = Peek(target, port, size);
        switch (port & 7)
        {
            case 0 when (uart._lcr & LcrDivisorLatch) == 0:
                uart.TakeReceived();
                break;
            case 2:
                if ((value & 0x0F) == IirTransmitterEmpty)
                {
                    uart._emptyPending = false;
                }

                break;
            case 5:
                uart._lineErrors = 0;
                uart.ClearHeadErrors();
                break;
            case 6:
                uart._msrDelta = 0;
                break;
            default:
                return value;
        }

        uart.Update();
        return value;
    }

    private static uint Peek(object target, ushort port, int size)
    {
        Uart16550A uart = (Uart16550A)target;
        bool divisorLatch = (uart._lcr & LcrDivisorLatch) != 0;
        return (port & 7) switch
        {
            0 => divisorLatch ? (byte)uart._divisor : uart._rxCount > 0 ? (byte)uart._rx[uart._rxHead] : uart._lastReceived,
            1 => divisorLatch ? (uint)(uart._divisor >> 8) : uart._ier,
            2 => (uint)uart.Identification() | (uart.FifosEnabled ? IirFifos : 0u),
            3 => uart._lcr,
            4 => uart._mcr,
            5 => uart.LineStatus(),
            6 => uart.ModemStatus,
            _ => uart._scratch,
        };
    }

    private static void Write(object target, ushort port, int size, uint value)
    {
        Uart16550A uart = (Uart16550A)target;
        byte data = (byte)value;
        bool divisorLatch = (uart._lcr & LcrDivisorLatch) != 0;
        switch (port & 7)
        {
            case 0 when divisorLatch:
                uart._divisor = (ushort)((uart._divisor & 0xFF00) | data);
                break;
            case 0:
                uart.Transmit(data);
                break;
            case 1 when divisorLatch:
                uart._divisor = (ushort)((uart._divisor & 0x00FF) | (data << 8));
                break;
            case 1:
                // Enabling the interrupt while the holding register is empty raises it.
                uart._emptyPending |= (data & ~uart._ier & IerTransmitterEmpty) != 0 && uart._txCount == 0;
                uart._ier = (byte)(data & 0x0F);
                break;
            case 2:
                uart.WriteFifoControl(data);
                break;
            case 3:
                uart._lcr = data;
                break;
            case 4:
                uart._mcr = (byte)(data & 0x1F);
                uart.UpdateModemLines();
                break;
            case 7:
                uart._scratch = data;
                break;
            default:
                break; // LSR and MSR are read only
        }

        uart.Update();
    }

    private void WriteFifoControl(byte value)
    {
        bool toggled = ((value ^ _fcr) & FcrEnable) != 0;
        if (toggled || (value & FcrClearReceiver) != 0)
        {
            _rxHead = _rxCount = 0;
            _timeoutPending = false;
            _events.Cancel(_timeout);
        }

        if (toggled || (value & FcrClearTransmitter) != 0)
        {
            if (_txCount > 0)
            {
                _emptyPending = true;
            }

            _txHead = _txCount = 0;
        }

        // The other bits can be written only together with the enable bit.
        _fcr = (value & FcrEnable) != 0 ? (byte)(value & 0xC9) : (byte)0;
        ScheduleReceive();
    }

    private void UpdateModemLines()
    {
        byte lines = Loop
            ? (byte)(((_mcr & McrRts) != 0 ? MsrCts : 0) | ((_mcr & McrDtr) != 0 ? MsrDsr : 0)
                | ((_mcr & McrOut1) != 0 ? MsrRing : 0) | ((_mcr & McrOut2) != 0 ? MsrDcd : 0))
            : (byte)(MsrCts | MsrDsr | MsrDcd);
        int changed = lines ^ _modemLines;
        int delta = (changed >> 4) & 0x0B;
        if ((changed & MsrRing) != 0 && (lines & MsrRing) == 0)
        {
            delta |= MsrTrailingRing;
        }

        _msrDelta |= (byte)delta;
        _modemLines = lines;
    }

    private void Transmit(byte value)
    {
        _emptyPending = false;
        if (_txCount < Capacity)
        {
            _tx[(_txHead + _txCount) % FifoSize] = value;
            _txCount++;
        }
        else if (!FifosEnabled)
        {
            _tx[_txHead] = value; // the holding register is overwritten
        }

        if (!_shifting)
        {
            StartShifting(_clock.Now);
        }
    }

    private void StartShifting(long now)
    {
        _shifting = true;
        _shift = (byte)(_tx[_txHead] & DataMask);
        _txHead = (_txHead + 1) % FifoSize;
        _txCount--;
        if (_txCount == 0)
        {
            _emptyPending = true;
        }

        if (!Loop)
        {
            Backend?.Write(_shift);
        }

        long time = CharacterTime;
        _events.Schedule(_transmitted, now + (Loop ? time : Math.Min(time, _transmitLimit)));
    }

    private void OnTransmitted(long due)
    {
        _shifting = false;
        if (Loop)
        {
            Receive((_lcr & LcrBreak) != 0 ? Break : _shift, due);
        }

        if (_txCount > 0)
        {
            StartShifting(due);
        }
        else
        {
            _events.Cancel(_transmitted);
        }

        Update();
    }

    private void ScheduleReceive()
    {
        if (_input.Count > 0 && _rxCount < Capacity && !_received.IsPending)
        {
            _events.Schedule(_received, Math.Max(_clock.Now, _lineFree) + CharacterTime);
        }
    }

    private void OnReceived(long due)
    {
        if (Loop)
        {
            // The receiver is disconnected from the line; the other side waits.
            _events.Schedule(_received, due + CharacterTime);
            return;
        }

        if (_rxCount < Capacity && _input.TryDequeue(out ushort value))
        {
            _lineFree = due;
            Receive(value, due);
            ScheduleReceive();
            Update();
        }
    }

    private void Receive(ushort value, long now)
    {
        if (_rxCount == Capacity)
        {
            _lineErrors |= LsrOverrun;
            if (FifosEnabled)
            {
                return; // the FIFO keeps its characters, the shift register is overwritten
            }

            _rxCount = 0;
        }

        ushort entry = value == Break ? (ushort)((LsrBreak | LsrFraming) << 8) : (ushort)(value & DataMask);
        _rx[(_rxHead + _rxCount) % FifoSize] = entry;
        _rxCount++;
        if (FifosEnabled)
        {
            _events.Schedule(_timeout, now + (4 * CharacterTime));
        }
    }

    private void OnTimeout(long due)
    {
        _timeoutPending = _rxCount > 0 && FifosEnabled;
        Update();
    }

    private void TakeReceived()
    {
        _timeoutPending = false;
        if (_rxCount > 0)
        {
            _lastReceived = (byte)_rx[_rxHead];
            _rxHead = (_rxHead + 1) % FifoSize;
            _rxCount--;
        }

        if (_rxCount > 0 && FifosEnabled)
        {
            _events.Schedule(_timeout, _clock.Now + (4 * CharacterTime));
        }
        else
        {
            _events.Cancel(_timeout);
        }

        ScheduleReceive();
    }

    private void ClearHeadErrors()
    {
        if (_rxCount > 0)
        {
            _rx[_rxHead] &= 0xFF;
        }
    }

    private byte LineStatus()
    {
        int status = _lineErrors;
        if (_rxCount > 0)
        {
            status |= LsrDataReady | (_rx[_rxHead] >> 8);
        }

        if (_txCount == 0)
        {
            status |= LsrTransmitterHoldingEmpty | (_shifting ? 0 : LsrTransmitterEmpty);
        }

        for (int i = 0; FifosEnabled && i < _rxCount; i++)
        {
            if (_rx[(_rxHead + i) % FifoSize] > 0xFF)
            {
                status |= LsrFifoError;
            }
        }

        return (byte)status;
    }

    private byte Identification()
    {
        if ((_ier & IerLineStatus) != 0 && (LineStatus() & LsrErrors) != 0)
        {
            return IirLineStatus;
        }

        if ((_ier & IerReceived) != 0)
        {
            if (_rxCount >= (FifosEnabled ? Trigger : 1))
            {
                return IirReceived;
            }

            if (_timeoutPending)
            {
                return IirTimeout;
            }
        }

        if ((_ier & IerTransmitterEmpty) != 0 && _emptyPending)
        {
            return IirTransmitterEmpty;
        }

        return (_ier & IerModemStatus) != 0 && _msrDelta != 0 ? IirModemStatus : IirNone;
    }

    private void Update() => _irq.Set(Identification() != IirNone && (_mcr & McrOut2) != 0);
}
