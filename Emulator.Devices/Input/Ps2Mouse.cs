// PS/2 mouse (PS/2 hardware interface technical reference, mouse section; Microsoft's IntelliMouse and IntelliMouse Explorer extensions by
// the sample-rate knocks 200-100-80 and 200-200-80): stream, remote and wrap mode, sample rate, resolution, 2:1 scaling, status.
//
// Movement is collected between packets, which follow each other no faster than the sample rate. Resolution is kept and reported; the host
// gives movement in counts, so it does not scale them. The self-test after reset takes 1 ms (a real mouse: 300 to 500 ms).
//
// Reached through the 8042's second port.
using Emulator.Core.Machine;
using Emulator.Core.Snapshot;
using Emulator.Devices.Timers;

namespace Emulator.Devices.Input;

/// <summary>A PS/2 mouse with a wheel and five buttons. Its methods are called between two guest instructions.</summary>
public sealed class Ps2Mouse : Ps2Device
{
    private const int QueueSize = 32;
    private const long SelfTestTime = 1_000_000;
    private const int MaximumMovement = 1 << 16;

    private const byte SetScaling11 = 0xE6;
    private const byte SetScaling21 = 0xE7;
    private const byte SetResolution = 0xE8;
    private const byte StatusRequest = 0xE9;
    private const byte SetStreamMode = 0xEA;
    private const byte ReadData = 0xEB;
    private const byte ResetWrapMode = 0xEC;
    private const byte SetWrapMode = 0xEE;
    private const byte SetRemoteMode = 0xF0;
    private const byte ReadId = 0xF2;
    private const byte SetSampleRate = 0xF3;
    private const byte Enable = 0xF4;
    private const byte Disable = 0xF5;
    private const byte SetDefaults = 0xF6;
    private const byte Resend = 0xFE;
    private const byte ResetCommand = 0xFF;

    private const byte StandardId = 0;
    private const byte WheelId = 3;
    private const byte ExplorerId = 4;

    private readonly Clock _clock;
    private readonly EventQueue _events;
    private readonly TimerEvent _selfTest;
    private readonly TimerEvent _sample;
    private byte _id;
    private byte _command;
    private byte _rate;
    private byte _resolution;
    private bool _scaling;
    private bool _remote;
    private bool _wrap;
    private bool _reporting;
    private byte _knock;
    private MouseButtons _buttons;
    private MouseButtons _reported;
    private int _x;
    private int _y;
    private int _wheel;
    private long _nextSample;

    /// <summary>Creates a mouse after its self-test.</summary>
    /// <param name="clock">Virtual time.</param>
    /// <param name="events">The machine's timers.</param>
    public Ps2Mouse(Clock clock, EventQueue events)
        : base("mouse", QueueSize)
    {
        ArgumentNullException.ThrowIfNull(events);
        _clock = clock;
        _events = events;
        _selfTest = events.Register("mouse.selftest", OnSelfTest);
        _sample = events.Register("mouse.sample", OnSample);
        Reset();
    }

    /// <summary>Whether the guest has switched reporting on in stream mode.</summary>
    public bool IsReporting => _reporting && !_remote && !_wrap;

    /// <summary>The device identification in use: 0 standard, 3 with wheel, 4 with wheel and five buttons.</summary>
    public int DeviceId => _id;

    private int PacketSize => _id == StandardId ? 3 : 4;

    private bool HasNews => _x != 0 || _y != 0 || (_wheel != 0 && _id != StandardId) || _buttons != _reported;

    /// <summary>Moves the mouse.</summary>
    /// <param name="dx">Counts to the right.</param>
    /// <param name="dy">Counts down, towards the user.</param>
    public void Move(int dx, int dy)
    {
        _x = Math.Clamp(_x + Math.Clamp(dx, -MaximumMovement, MaximumMovement), -MaximumMovement, MaximumMovement);
        _y = Math.Clamp(_y - Math.Clamp(dy, -MaximumMovement, MaximumMovement), -MaximumMovement, MaximumMovement);
        ScheduleSample();
    }

    /// <summary>Sets which buttons are down.</summary>
    /// <param name="buttons">The buttons.</param>
    public void SetButtons(MouseButtons buttons)
    {
        _buttons = buttons & (MouseButtons)0x1F;
        ScheduleSample();
    }

    /// <summary>Turns the wheel.</summary>
    /// <param name="steps">Notches down, towards the user.</param>
    public void Wheel(int steps)
    {
        _wheel = Math.Clamp(_wheel + Math.Clamp(steps, -MaximumMovement, MaximumMovement), -MaximumMovement, MaximumMovement);
        ScheduleSample();
    }

    /// <summary>The state after power-on and self-test: standard mouse, reporting off.</summary>
    public override void Reset()
    {
        ClearQueue();
        _events.Cancel(_selfTest);
        _command = 0;
        _id = StandardId;
        _knock = 0;
        _wrap = false;
        SetToDefaults();
    }

    /// <inheritdoc/>
    public override void Receive(byte value)
    {
        _events.Cancel(_selfTest);
        if (_wrap && value is not (ResetCommand or ResetWrapMode))
        {
            Send(value);
            return;
        }

        byte command = _command;
        _command = 0;
        switch (command)
        {
            case SetResolution when value <= 3:
                _resolution = value;
                Send(Acknowledge);
                break;
            case SetSampleRate when value is 10 or 20 or 40 or 60 or 80 or 100 or 200:
                _rate = value;
                Knock(value);
                Send(Acknowledge);
                break;
            case SetResolution or SetSampleRate:
                Send(ResendRequest);
                break;
            default:
                ReceiveCommand(value);
                break;
        }
    }

    /// <inheritdoc/>
    public override void Serialize(StateArchive archive)
    {
        ArgumentNullException.ThrowIfNull(archive);
        base.Serialize(archive);
        archive.Field("id", ref _id);
        archive.Field("command", ref _command);
        archive.Field("rate", ref _rate);
        archive.Field("resolution", ref _resolution);
        archive.Field("scaling", ref _scaling);
        archive.Field("remote", ref _remote);
        archive.Field("wrap", ref _wrap);
        archive.Field("reporting", ref _reporting);
        archive.Field("knock", ref _knock);
        archive.Field("buttons", ref _buttons);
        archive.Field("reported", ref _reported);
        archive.Field("x", ref _x);
        archive.Field("y", ref _y);
        archive.Field("wheel", ref _wheel);
        archive.Field("nextSample", ref _nextSample);
        archive.Check(_id is StandardId or WheelId or ExplorerId, "id");
        archive.Check(_rate is >= 10 and <= 200, "rate");
        archive.Check(Math.Abs((long)_x) <= MaximumMovement && Math.Abs((long)_y) <= MaximumMovement, "x");
        archive.Check(Math.Abs((long)_wheel) <= MaximumMovement, "wheel");
    }

    /// <inheritdoc/>
    protected override void OnTaken() => ScheduleSample();

    private void ReceiveCommand(byte value)
    {
        switch (value)
        {
            case SetScaling11 or SetScaling21:
                _scaling = value == SetScaling21;
                Send(Acknowledge);
                break;
            case SetResolution or SetSampleRate:
                _command = value;
                Send(Acknowledge);
                break;
            case StatusRequest:
                Send(Acknowledge);
                Send((byte)((_remote ? 0x40 : 0) | (_reporting ? 0x20 : 0) | (_scaling ? 0x10 : 0)
                    | ((_buttons & MouseButtons.Left) != 0 ? 4 : 0)
                    | ((_buttons & MouseButtons.Middle) != 0 ? 2 : 0)
                    | ((_buttons & MouseButtons.Right) != 0 ? 1 : 0)));
                Send(_resolution);
                Send(_rate);
                break;
            case SetStreamMode:
                ClearMovement();
                _remote = false;
                Send(Acknowledge);
                break;
            case ReadData:
                Send(Acknowledge);
                SendPacket(scaled: false);
                break;
            case SetWrapMode or ResetWrapMode:
                ClearMovement();
                _wrap = value == SetWrapMode;
                Send(Acknowledge);
                break;
            case SetRemoteMode:
                ClearMovement();
                _remote = true;
                Send(Acknowledge);
                break;
            case ReadId:
                Send(Acknowledge);
                Send(_id);
                break;
            case Enable:
                ClearMovement();
                _reporting = true;
                Send(Acknowledge);
                break;
            case Disable:
                _reporting = false;
                Send(Acknowledge);
                break;
            case SetDefaults:
                SetToDefaults();
                Send(Acknowledge);
                break;
            case Resend:
                SendAgain();
                break;
            case ResetCommand:
                Reset();
                Send(Acknowledge);
                _events.Schedule(_selfTest, _clock.Now + SelfTestTime);
                break;
            default:
                Send(ResendRequest);
                break;
        }
    }

    private void SetToDefaults()
    {
        _rate = 100;
        _resolution = 2;
        _scaling = _remote = _reporting = false;
        _nextSample = 0;
        ClearMovement();
    }

    private void ClearMovement()
    {
        _x = _y = _wheel = 0;
        _reported = _buttons;
        _events.Cancel(_sample);
    }

    /// <summary>Follows the sample rates that switch the wheel and the extra buttons on.</summary>
    private void Knock(byte rate)
    {
        // State: 0 nothing, 1 after 200, 2 after 200-100, 3 after 200-200.
        _knock = (_knock, rate) switch
        {
            (1, 100) => 2,
            (1 or 3, 200) => 3,
            (3, 100) => 2,
            (_, 200) => 1,
            (2, 80) => Become(WheelId),
            (3, 80) => Become(ExplorerId),
            _ => 0,
        };
    }

    private byte Become(byte id)
    {
        if (id == WheelId || _id == WheelId)
        {
            _id = id;
        }

        return 0;
    }

    private void OnSelfTest(long due)
    {
        Send(SelfTestPassed);
        Send(_id);
    }

    private void ScheduleSample()
    {
        if (IsReporting && HasNews && !_sample.IsPending && Room >= 2 * PacketSize)
        {
            _events.Schedule(_sample, Math.Max(_clock.Now, _nextSample));
        }
    }

    private void OnSample(long due)
    {
        if (!IsReporting || !HasNews || Room < 2 * PacketSize)
        {
            return;
        }

        _nextSample = due + (Frequency.Second / _rate);
        SendPacket(_scaling);
        ScheduleSample();
    }

    private void SendPacket(bool scaled)
    {
        int x = TakeMovement(ref _x, 255);
        int y = TakeMovement(ref _y, 255);
        _reported = _buttons;
        if (scaled)
        {
            x = Scale(x);
            y = Scale(y);
        }

        Send((byte)(((int)_buttons & 7) | 8 | (x < 0 ? 0x10 : 0) | (y < 0 ? 0x20 : 0)));
        Send((byte)x);
        Send((byte)y);
        if (_id == WheelId)
        {
            Send((byte)TakeMovement(ref _wheel, 127));
        }
        else if (_id == ExplorerId)
        {
            Send((byte)((TakeMovement(ref _wheel, 7) & 0x0F) | (((int)_buttons & 0x18) << 1)));
        }
        else
        {
            _wheel = 0;
        }
    }

    private static int TakeMovement(ref int movement, int most)
    {
        int part = Math.Clamp(movement, -most, most);
        movement -= part;
        return part;
    }

    /// <summary>The 2:1 scaling of stream mode: small counts by table, from 6 on doubled.</summary>
    private static int Scale(int count)
    {
        int scaled = Math.Abs(count) switch
        {
            0 => 0,
            1 or 2 => 1,
            3 => 3,
            4 => 6,
            5 => 9,
            int many => Math.Min(2 * many, 255),
        };
        return count < 0 ? -scaled : scaled;
    }
}
