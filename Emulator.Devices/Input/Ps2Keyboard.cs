// IBM enhanced (101/102-key) PS/2 keyboard (PS/2 hardware interface technical reference): scan code sets 1, 2 and 3, every command,
// typematic repeat, key types of set 3, 16-byte buffer with overrun code.
//
// The basic assurance test after reset takes 1 ms (a real keyboard: 300 to 500 ms). Not modelled: the fake shift codes around the cursor
// keys that undo shift and Num Lock, and the other codes of Ctrl+Pause and Alt+Print Screen.
//
// Reached through the 8042's first port.
using Emulator.Core.Machine;
using Emulator.Core.Snapshot;

namespace Emulator.Devices.Input;

/// <summary>A PS/2 keyboard. Its methods are called between two guest instructions.</summary>
public sealed class Ps2Keyboard : Ps2Device
{
    /// <summary>Nanoseconds between the key events of <see cref="TypeText"/>: slow enough for the buffers of simple guests.</summary>
    public const long TypingInterval = 10_000_000;

    private const int QueueSize = 32;
    private const int BufferSize = 16;
    private const int MaximumTyped = 1 << 20;
    private const byte Released = 0x80;
    private const long SelfTestTime = 1_000_000;
    private const byte DefaultTypematic = 0x2B;
    private const byte BreakPrefix = 0xF0;
    private const byte ExtendedPrefix = 0xE0;

    private const byte SetLeds = 0xED;
    private const byte Echo = 0xEE;
    private const byte SelectSet = 0xF0;
    private const byte Identify = 0xF2;
    private const byte SetTypematic = 0xF3;
    private const byte Enable = 0xF4;
    private const byte DisableToDefaults = 0xF5;
    private const byte SetDefaults = 0xF6;
    private const byte AllTypematic = 0xF7;
    private const byte AllMakeBreak = 0xF8;
    private const byte AllMake = 0xF9;
    private const byte AllTypematicMakeBreak = 0xFA;
    private const byte KeyTypematic = 0xFB;
    private const byte KeyMake = 0xFD;
    private const byte Resend = 0xFE;
    private const byte ResetCommand = 0xFF;

    private readonly Clock _clock;
    private readonly EventQueue _events;
    private readonly TimerEvent _selfTest;
    private readonly TimerEvent _repeat;
    private readonly TimerEvent _typing;
    private readonly bool[] _down = new bool[ScanCodes.KeyCount];
    private readonly KeyType[] _types = new KeyType[ScanCodes.KeyCount];
    private readonly Queue<byte> _typed = new();
    private byte _set = 2;
    private byte _command;
    private byte _leds;
    private byte _typematic = DefaultTypematic;
    private bool _scanning = true;
    private Key _repeating;

    /// <summary>Creates a keyboard after its self-test.</summary>
    /// <param name="clock">Virtual time.</param>
    /// <param name="events">The machine's timers.</param>
    public Ps2Keyboard(Clock clock, EventQueue events)
        : base("keyboard", QueueSize)
    {
        ArgumentNullException.ThrowIfNull(events);
        _clock = clock;
        _events = events;
        _selfTest = events.Register("keyboard.selftest", OnSelfTest);
        _repeat = events.Register("keyboard.repeat", OnRepeat);
        _typing = events.Register("keyboard.typing", OnTyping);
        Reset();
    }

    private enum KeyType : byte
    {
        TypematicMakeBreak = 0,
        Typematic = 1,
        MakeBreak = 2,
        Make = 3,
    }

    /// <summary>The indicators: bit 0 Scroll Lock, 1 Num Lock, 2 Caps Lock.</summary>
    public byte Leds => _leds;

    /// <summary>The scan code set in use: 1, 2 or 3.</summary>
    public int ScanCodeSet => _set;

    /// <summary>Key events of <see cref="TypeText"/> that have not happened yet.</summary>
    public int PendingText => _typed.Count;

    /// <summary>Presses a key; nothing when it is down already.</summary>
    /// <param name="key">The key.</param>
    public void KeyDown(Key key) => SetKey(key, true);

    /// <summary>Releases a key; nothing when it is up.</summary>
    /// <param name="key">The key.</param>
    public void KeyUp(Key key) => SetKey(key, false);

    /// <summary>Types text on a US layout, one key event each <see cref="TypingInterval"/> after what is typed already.</summary>
    /// <param name="text">The text; characters without a key are left out.</param>
    /// <returns>How many characters will be typed.</returns>
    public int TypeText(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        int typed = 0;
        foreach (char character in text)
        {
            if (UsLayout.TryFind(character, out Key key, out bool shift) && _typed.Count + 4 <= MaximumTyped)
            {
                typed++;
                if (shift)
                {
                    _typed.Enqueue((byte)Key.LeftShift);
                }

                _typed.Enqueue((byte)key);
                _typed.Enqueue((byte)((byte)key | Released));
                if (shift)
                {
                    _typed.Enqueue((byte)Key.LeftShift | Released);
                }
            }
        }

        StartTyping();
        return typed;
    }

    /// <summary>Types a key, as <see cref="TypeText"/> does, with control held or not.</summary>
    /// <param name="key">The key.</param>
    /// <param name="control">Whether the left control key is held.</param>
    public void TypeKey(Key key, bool control = false)
    {
        if (key == Key.None || _typed.Count + 4 > MaximumTyped)
        {
            return;
        }

        if (control)
        {
            _typed.Enqueue((byte)Key.LeftControl);
        }

        _typed.Enqueue((byte)key);
        _typed.Enqueue((byte)((byte)key | Released));
        if (control)
        {
            _typed.Enqueue((byte)Key.LeftControl | Released);
        }

        StartTyping();
    }

    private void StartTyping()
    {
        if (_typed.Count > 0 && !_typing.IsPending)
        {
            _events.Schedule(_typing, _clock.Now + TypingInterval);
        }
    }

    /// <summary>The state after power-on and self-test; keys that are held and text that waits to be typed stay.</summary>
    public override void Reset()
    {
        ClearQueue();
        _events.Cancel(_selfTest);
        _command = 0;
        _leds = 0;
        SetToDefaults();
    }

    /// <inheritdoc/>
    public override void Receive(byte value)
    {
        if (_selfTest.IsPending)
        {
            // The host interrupts the self-test: it is over.
            _events.Cancel(_selfTest);
        }

        byte command = _command;
        _command = 0;
        switch (command)
        {
            case SetLeds when value < 0x80:
                _leds = (byte)(value & 7);
                Send(Acknowledge);
                return;
            case SetTypematic when value < 0x80:
                _typematic = value;
                Send(Acknowledge);
                return;
            case SelectSet when value <= 3:
                Send(Acknowledge);
                if (value == 0)
                {
                    Send(_set);
                }
                else
                {
                    _set = value;
                    ClearRepeat();
                }

                return;
            case >= KeyTypematic and <= KeyMake when ScanCodes.FromSet3(value) is not Key.None and Key key:
                // More keys may follow, until the next command.
                _types[(int)key] = (KeyType)(command - KeyTypematic + 1);
                _command = command;
                Send(Acknowledge);
                return;
            default:
                ReceiveCommand(value);
                return;
        }
    }

    /// <inheritdoc/>
    public override void Serialize(StateArchive archive)
    {
        ArgumentNullException.ThrowIfNull(archive);
        base.Serialize(archive);
        archive.Array<bool>("down", _down);
        archive.Array<KeyType>("types", _types);
        archive.Field("set", ref _set);
        archive.Field("command", ref _command);
        archive.Field("leds", ref _leds);
        archive.Field("typematic", ref _typematic);
        archive.Field("scanning", ref _scanning);
        archive.Field("repeating", ref _repeating);
        byte[] typed = [.. _typed];
        archive.Variable("typed", ref typed, MaximumTyped);
        if (archive.IsLoading)
        {
            archive.Check(_set is >= 1 and <= 3, "set");
            archive.Check((int)_repeating < ScanCodes.KeyCount, "repeating");
            archive.Check(_typematic < 0x80, "typematic");
            archive.Check(Array.TrueForAll(typed, t => (t & ~Released) < ScanCodes.KeyCount), "typed");
            _typed.Clear();
            foreach (byte t in typed)
            {
                _typed.Enqueue(t);
            }
        }
    }

    private void ReceiveCommand(byte value)
    {
        switch (value)
        {
            case SetLeds or SetTypematic or SelectSet or (>= KeyTypematic and <= KeyMake):
                _command = value;
                Send(Acknowledge);
                break;
            case Echo:
                Send(Echo);
                break;
            case Identify:
                Send(Acknowledge);
                Send(0xAB);
                Send(0x83);
                break;
            case Enable:
                ClearQueue();
                _scanning = true;
                Send(Acknowledge);
                break;
            case DisableToDefaults or SetDefaults:
                ClearQueue();
                SetToDefaults();
                _scanning = value == SetDefaults;
                Send(Acknowledge);
                break;
            case AllTypematic or AllMakeBreak or AllMake or AllTypematicMakeBreak:
                Array.Fill(_types, value switch
                {
                    AllTypematic => KeyType.Typematic,
                    AllMakeBreak => KeyType.MakeBreak,
                    AllMake => KeyType.Make,
                    _ => KeyType.TypematicMakeBreak,
                });
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
        _set = 2;
        _typematic = DefaultTypematic;
        _scanning = true;
        // In set 3 the modifiers and most other special keys do not repeat, and only the shift-like ones report their release.
        for (int i = 0; i < ScanCodes.KeyCount; i++)
        {
            _types[i] = (Key)i switch
            {
                Key.LeftShift or Key.RightShift or Key.LeftControl or Key.LeftAlt or Key.CapsLock => KeyType.MakeBreak,
                Key.RightAlt or Key.RightControl or Key.Escape or Key.KeypadEnter or Key.NumLock or Key.ScrollLock or Key.Pause
                    or Key.PrintScreen or Key.Insert or Key.Home or Key.End or Key.PageUp or Key.PageDown
                    or (>= Key.F1 and <= Key.F12) or (>= Key.KeypadDivide and <= Key.KeypadSubtract)
                    or (>= Key.Keypad7 and <= Key.Keypad9) or (>= Key.Keypad4 and <= Key.Keypad3)
                    or Key.Keypad0 or Key.KeypadDecimal => KeyType.Make,
                _ => KeyType.Typematic,
            };
        }

        ClearRepeat();
    }

    private void SetKey(Key key, bool down)
    {
        if (key == Key.None || (int)key >= ScanCodes.KeyCount || _down[(int)key] == down)
        {
            return;
        }

        _down[(int)key] = down;
        if (!down && _repeating == key)
        {
            ClearRepeat();
        }

        if (!_scanning || _selfTest.IsPending)
        {
            return;
        }

        SendKey(key, down);
        if (down && key != Key.Pause && Repeats(key))
        {
            _repeating = key;
            long delay = (((_typematic >> 5) & 3) + 1) * 250_000_000L;
            _events.Schedule(_repeat, _clock.Now + delay);
        }
    }

    private bool Repeats(Key key) => _set != 3 || _types[(int)key] is KeyType.Typematic or KeyType.TypematicMakeBreak;

    private void ClearRepeat()
    {
        _repeating = Key.None;
        _events.Cancel(_repeat);
    }

    private void OnSelfTest(long due) => Send(SelfTestPassed);

    private void OnRepeat(long due)
    {
        if (_repeating != Key.None && _scanning)
        {
            SendKey(_repeating, down: true);

            // Period in seconds: (8 + A) * 2^B * 0.00417, A in bits 0 to 2 and B in bits 3 and 4.
            long period = (8L + (_typematic & 7)) * (1 << ((_typematic >> 3) & 3)) * 4_170_000;
            _events.Schedule(_repeat, due + period);
        }
    }

    private void OnTyping(long due)
    {
        // Wait while the guest has not fetched what was typed before, or does not listen.
        if (!HasData && _scanning && !_selfTest.IsPending && _typed.TryDequeue(out byte next))
        {
            SetKey((Key)(next & ~Released), (next & Released) == 0);
        }

        if (_typed.Count > 0)
        {
            _events.Schedule(_typing, due + TypingInterval);
        }
    }

    private void SendKey(Key key, bool down)
    {
        Span<byte> bytes = stackalloc byte[8];
        int length = Encode(key, down, bytes);
        if (length == 0)
        {
            return;
        }

        if (QueueSize - Room + length > BufferSize)
        {
            if (QueueSize - Room <= BufferSize)
            {
                Send(_set == 1 ? (byte)0xFF : (byte)0x00); // overrun code, in place of the last byte
            }

            return;
        }

        foreach (byte value in bytes[..length])
        {
            Send(value);
        }
    }

    private int Encode(Key key, bool down, Span<byte> bytes)
    {
        int length = 0;
        if (_set == 3)
        {
            if (!down)
            {
                if (_types[(int)key] is KeyType.Typematic or KeyType.Make)
                {
                    return 0;
                }

                bytes[length++] = BreakPrefix;
            }

            bytes[length++] = ScanCodes.Set3[(int)key];
            return length;
        }

        if (key == Key.Pause)
        {
            ReadOnlySpan<byte> pause = _set == 1
                ? [0xE1, 0x1D, 0x45, 0xE1, 0x9D, 0xC5]
                : [0xE1, 0x14, 0x77, 0xE1, 0xF0, 0x14, 0xF0, 0x77];
            if (!down)
            {
                return 0;
            }

            pause.CopyTo(bytes);
            return pause.Length;
        }

        if (key == Key.PrintScreen)
        {
            // Print Screen comes with a left shift of its own.
            length = Append(bytes, length, down ? 0x112 : 0x17C, down);
            return Append(bytes, length, down ? 0x17C : 0x112, down);
        }

        return Append(bytes, length, ScanCodes.Set2[(int)key], down);
    }

    private int Append(Span<byte> bytes, int length, int set2, bool down)
    {
        if ((set2 & ScanCodes.Extended) != 0)
        {
            bytes[length++] = ExtendedPrefix;
        }

        byte code = (byte)set2;
        if (_set == 1)
        {
            bytes[length++] = (byte)(ScanCodes.Translate(code) | (down ? 0 : 0x80));
            return length;
        }

        if (!down)
        {
            bytes[length++] = BreakPrefix;
        }

        bytes[length++] = code;
        return length;
    }
}
