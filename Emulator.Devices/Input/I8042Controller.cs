// Intel 8042 keyboard controller with the PS/2 program (PS/2 hardware interface technical reference; 8242 keyboard controller
// specification): two PS/2 ports, scan code translation, command byte, input and output port, A20 gate, reset.
//
// Replies of the controller itself are in the output buffer at once. A byte of a device needs 100 microseconds on the wire (real ones
// about 1 ms: guests that count loops to time out expect a slower CPU), and waits while the output buffer is full or the port disabled.
// IBF is never seen set. IRQ 1 and IRQ 12 follow the output buffer.
//
// Not modelled: password security (A5h, A6h are taken, A4h says that there is none), the diagnostic dump (ACh).
//
// Ports: 60h data, 64h command and status. IRQ 1 keyboard, IRQ 12 auxiliary device.
using Emulator.Core.Machine;
using Emulator.Core.Snapshot;
using Emulator.Devices.Board;
using Microsoft.Extensions.Logging;

namespace Emulator.Devices.Input;

/// <summary>The keyboard controller of a PC.</summary>
public sealed unsafe class I8042Controller : IMachineComponent
{
    /// <summary>Nanoseconds that a byte from a device takes.</summary>
    public const long WireTime = 100_000;

    private const byte StatusOutputFull = 0x01;
    private const byte StatusCommand = 0x08;
    private const byte StatusUnlocked = 0x10;
    private const byte StatusAuxiliary = 0x20;

    private const byte ControlKeyboardInterrupt = 0x01;
    private const byte ControlAuxiliaryInterrupt = 0x02;
    private const byte ControlSystem = 0x04;
    private const byte ControlDisableKeyboard = 0x10;
    private const byte ControlDisableAuxiliary = 0x20;
    private const byte ControlTranslate = 0x40;

    private const byte OutputReset = 0x01;
    private const byte OutputA20 = 0x02;
    private const byte OutputKeyboardInterrupt = 0x10;
    private const byte OutputAuxiliaryInterrupt = 0x20;
    private const byte OutputIdle = 0xC0;
    private const byte InputPort = 0xA0;

    private readonly EventQueue _events;
    private readonly Clock _clock;
    private readonly A20Gate _a20;
    private readonly IrqLine _irq1;
    private readonly IrqLine _irq12;
    private readonly Action _reset;
    private readonly ILogger _logger;
    private readonly TimerEvent _transfer;
    private readonly byte[] _ram = new byte[32];
    private readonly HashSet<byte> _reported = [];
    private byte _data;
    private bool _full;
    private bool _auxiliary;
    private bool _lastWasCommand;
    private byte _command;
    private bool _breakPrefix;

    /// <summary>Creates the controller and connects its devices.</summary>
    /// <param name="clock">Virtual time.</param>
    /// <param name="events">The machine's timers.</param>
    /// <param name="keyboard">Device on the first port.</param>
    /// <param name="mouse">Device on the second port.</param>
    /// <param name="irq1">Keyboard interrupt.</param>
    /// <param name="irq12">Auxiliary device interrupt.</param>
    /// <param name="a20">The A20 latch.</param>
    /// <param name="reset">Asks for a reset of the machine.</param>
    /// <param name="logger">Receives commands that are not modelled.</param>
    public I8042Controller(Clock clock, EventQueue events, Ps2Device keyboard, Ps2Device mouse, IrqLine irq1, IrqLine irq12, A20Gate a20, Action reset, ILogger logger)
    {
        ArgumentNullException.ThrowIfNull(events);
        ArgumentNullException.ThrowIfNull(keyboard);
        ArgumentNullException.ThrowIfNull(mouse);
        _clock = clock;
        _events = events;
        Keyboard = keyboard;
        Mouse = mouse;
        _irq1 = irq1;
        _irq12 = irq12;
        _a20 = a20;
        _reset = reset;
        _logger = logger;
        _transfer = events.Register("i8042", OnTransfer);
        keyboard.DataQueued = mouse.DataQueued = ScheduleTransfer;
        Reset();
    }

    /// <inheritdoc/>
    public string StateId => "i8042";

    /// <inheritdoc/>
    public int StateVersion => 1;

    /// <summary>Device on the first port.</summary>
    public Ps2Device Keyboard { get; }

    /// <summary>Device on the second port.</summary>
    public Ps2Device Mouse { get; }

    private byte Control
    {
        get => _ram[0];
        set => _ram[0] = value;
    }

    private byte OutputPort => (byte)(OutputIdle | OutputReset | (_a20.Enabled ? OutputA20 : 0)
        | (_irq1.Level ? OutputKeyboardInterrupt : 0) | (_irq12.Level ? OutputAuxiliaryInterrupt : 0));

    /// <summary>Maps the two ports.</summary>
    /// <param name="ports">The port space.</param>
    public void Map(PortMap ports)
    {
        ArgumentNullException.ThrowIfNull(ports);
        ports.Map(0x60, 1, 1, this, &ReadData, &WriteData, &PeekData);
        ports.Map(0x64, 1, 1, this, &ReadStatus, &WriteCommand, &ReadStatus);
    }

    /// <summary>The state in which a BIOS leaves the controller: both ports enabled, translation, system flag, keyboard interrupt on.</summary>
    public void Reset()
    {
        Array.Clear(_ram);
        Control = ControlTranslate | ControlSystem | ControlKeyboardInterrupt | ControlDisableAuxiliary;
        _data = _command = 0;
        _full = _auxiliary = _lastWasCommand = _breakPrefix = false;
        _events.Cancel(_transfer);
        UpdateInterrupts();
        ScheduleTransfer();
    }

    /// <inheritdoc/>
    public void Serialize(StateArchive archive)
    {
        ArgumentNullException.ThrowIfNull(archive);
        archive.Array<byte>("ram", _ram);
        archive.Field("data", ref _data);
        archive.Field("full", ref _full);
        archive.Field("auxiliary", ref _auxiliary);
        archive.Field("lastWasCommand", ref _lastWasCommand);
        archive.Field("command", ref _command);
        archive.Field("breakPrefix", ref _breakPrefix);
        if (archive.IsLoading)
        {
            _irq1.Restore(KeyboardInterrupt);
            _irq12.Restore(AuxiliaryInterrupt);
        }
    }

    /// <summary>What firmware does for the pointing device: its clock and its interrupt on or off.</summary>
    /// <param name="enabled">Whether the auxiliary port works.</param>
    internal void SetAuxiliary(bool enabled)
    {
        Control = (byte)(enabled
            ? (Control | ControlAuxiliaryInterrupt) & ~ControlDisableAuxiliary
            : (Control | ControlDisableAuxiliary) & ~ControlAuxiliaryInterrupt);
        UpdateInterrupts();
        ScheduleTransfer();
    }

    private bool KeyboardInterrupt => _full && !_auxiliary && (Control & ControlKeyboardInterrupt) != 0;

    private bool AuxiliaryInterrupt => _full && _auxiliary && (Control & ControlAuxiliaryInterrupt) != 0;

    private static uint ReadStatus(object target, ushort port, int size)
    {
        I8042Controller self = (I8042Controller)target;
        return (uint)(StatusUnlocked | (self.Control & ControlSystem) | (self._full ? StatusOutputFull : 0)
            | (self._full && self._auxiliary ? StatusAuxiliary : 0) | (self._lastWasCommand ? StatusCommand : 0));
    }

    private static uint PeekData(object target, ushort port, int size) => ((I8042Controller)target)._data;

    private static uint ReadData(object target, ushort port, int size)
    {
        I8042Controller self = (I8042Controller)target;
        self._full = false;
        self.UpdateInterrupts();
        self.ScheduleTransfer();
        return self._data;
    }

    private static void WriteData(object target, ushort port, int size, uint value)
    {
        I8042Controller self = (I8042Controller)target;
        byte data = (byte)value;
        byte command = self._command;
        self._command = 0;
        self._lastWasCommand = false;
        switch (command)
        {
            case >= 0x60 and <= 0x7F:
                self._ram[command & 0x1F] = data;
                self.UpdateInterrupts();
                self.ScheduleTransfer();
                break;
            case 0xD1:
                self.WriteOutputPort(data);
                break;
            case 0xD2:
                self.SetOutput(data, auxiliary: false);
                break;
            case 0xD3:
                self.SetOutput(data, auxiliary: true);
                break;
            case 0xD4:
                self.Control &= unchecked((byte)~ControlDisableAuxiliary);
                self.Mouse.Receive(data);
                self.ScheduleTransfer();
                break;
            case 0:
                // Sending to the keyboard releases its clock line.
                self.Control &= unchecked((byte)~ControlDisableKeyboard);
                self._breakPrefix = false;
                self.Keyboard.Receive(data);
                self.ScheduleTransfer();
                break;
            default:
                break; // the argument of a command without effect (A5h)
        }
    }

    private static void WriteCommand(object target, ushort port, int size, uint value)
    {
        I8042Controller self = (I8042Controller)target;
        self._lastWasCommand = true;
        self._command = 0;
        self.Execute((byte)value);
    }

    private void Execute(byte command)
    {
        switch (command)
        {
            case >= 0x20 and <= 0x3F:
                SetOutput(_ram[command & 0x1F], auxiliary: false);
                break;
            case (>= 0x60 and <= 0x7F) or 0xA5 or (>= 0xD1 and <= 0xD4):
                _command = command;
                break;
            case 0xA4:
                SetOutput(0xF1, auxiliary: false);
                break;
            case 0xA6:
                break;
            case 0xA7:
                Control |= ControlDisableAuxiliary;
                break;
            case 0xA8:
                Control &= unchecked((byte)~ControlDisableAuxiliary);
                ScheduleTransfer();
                break;
            case 0xA9 or 0xAB:
                SetOutput(0x00, auxiliary: false);
                break;
            case 0xAA:
                Control |= ControlSystem;
                SetOutput(0x55, auxiliary: false);
                break;
            case 0xAD:
                Control |= ControlDisableKeyboard;
                break;
            case 0xAE:
                Control &= unchecked((byte)~ControlDisableKeyboard);
                ScheduleTransfer();
                break;
            case 0xC0:
                SetOutput(InputPort, auxiliary: false);
                break;
            case 0xD0:
                SetOutput(OutputPort, auxiliary: false);
                break;
            case 0xDD or 0xDF:
                _a20.Enabled = command == 0xDF;
                break;
            case 0xE0:
                // Test inputs: both clock lines are high while their port is enabled.
                SetOutput((byte)(((Control & ControlDisableKeyboard) == 0 ? 1 : 0) | ((Control & ControlDisableAuxiliary) == 0 ? 2 : 0)), auxiliary: false);
                break;
            case >= 0xF0:
                // Pulses the output port bits that are 0 in the low nibble.
                if ((command & OutputReset) == 0)
                {
                    _reset();
                }

                break;
            default:
                if (_logger.IsEnabled(LogLevel.Debug) && _reported.Add(command))
                {
                    _logger.LogDebug("8042 command {Command:X2}h is not modelled", command);
                }

                break;
        }
    }

    private void WriteOutputPort(byte value)
    {
        _a20.Enabled = (value & OutputA20) != 0;
        if ((value & OutputReset) == 0)
        {
            _reset();
        }
    }

    private void SetOutput(byte value, bool auxiliary)
    {
        _data = value;
        _auxiliary = auxiliary;
        _full = true;

        // A byte that was there is overwritten; the interrupt line sees that there is a new one.
        _irq1.Set(false);
        _irq12.Set(false);
        UpdateInterrupts();
    }

    private void UpdateInterrupts()
    {
        _irq1.Set(KeyboardInterrupt);
        _irq12.Set(AuxiliaryInterrupt);
    }

    private bool CanTransfer(Ps2Device device, byte disabled) => device.HasData && (Control & disabled) == 0;

    private void ScheduleTransfer()
    {
        if (!_full && !_transfer.IsPending
            && (CanTransfer(Keyboard, ControlDisableKeyboard) || CanTransfer(Mouse, ControlDisableAuxiliary)))
        {
            _events.Schedule(_transfer, _clock.Now + WireTime);
        }
    }

    private void OnTransfer(long due)
    {
        if (_full)
        {
            return;
        }

        if (CanTransfer(Keyboard, ControlDisableKeyboard))
        {
            byte value = Keyboard.Take();
            if ((Control & ControlTranslate) != 0)
            {
                if (value == 0xF0)
                {
                    _breakPrefix = true;
                    ScheduleTransfer();
                    return;
                }

                value = (byte)(ScanCodes.Translate(value) | (_breakPrefix ? 0x80 : 0));
                _breakPrefix = false;
            }

            SetOutput(value, auxiliary: false);
        }
        else if (CanTransfer(Mouse, ControlDisableAuxiliary))
        {
            SetOutput(Mouse.Take(), auxiliary: true);
        }
    }
}
