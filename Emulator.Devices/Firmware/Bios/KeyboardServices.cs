using Emulator.Core.Machine;
using Emulator.Devices.Input;

namespace Emulator.Devices.Firmware.Bios;

/// <summary>
/// The keyboard: INT 09h turns scan codes into the entries of the buffer in the BIOS data area, INT 16h hands them out. Waiting for a key is
/// the ROM's (STI, HLT). The keyboard's lights follow the locks while no key waits in it; the command goes to the keyboard itself, not over the wire.
/// </summary>
internal sealed class KeyboardServices
{
    private const byte RightShift = 0x01;
    private const byte LeftShift = 0x02;
    private const byte Control = 0x04;
    private const byte Alt = 0x08;
    private const byte NumLock = 0x20;
    private const byte CapsLock = 0x40;
    private const byte LeftControl = 0x01;
    private const byte LeftAlt = 0x02;
    private const byte SystemRequest = 0x04;
    private const byte Paused = 0x08;
    private const byte LastE1 = 0x01;
    private const byte LastE0 = 0x02;
    private const byte RightControl = 0x04;
    private const byte RightAlt = 0x08;
    private const byte Released = 0x80;

    /// <summary>Keys that one call drops at most: the guest may have moved the buffer's pointers so that they never meet.</summary>
    private const int MostKeys = 128;

    private readonly BiosPorts _ports;
    private readonly Ps2Keyboard _keyboard;

    public KeyboardServices(BiosPorts ports, Ps2Keyboard keyboard)
    {
        _ports = ports;
        _keyboard = keyboard;
    }

    /// <summary>What the ROM does after a scan code.</summary>
    private enum Action : byte
    {
        None,
        Break,
        PrintScreen,
        Pause,
        SystemRequest,
        Reset,
    }

    /// <summary>INT 16h.</summary>
    public static void Run(ref BiosCall call)
    {
        switch (call.Ah)
        {
            case 0x00:
            case 0x10:
                Read(ref call, enhanced: call.Ah == 0x10);
                break;
            case 0x01:
            case 0x11:
                Peek(ref call, enhanced: call.Ah == 0x11);
                break;
            case 0x02:
                call.Al = call.Read8(BiosData.KeyboardFlags);
                break;
            case 0x03:
                break;
            case 0x05:
                call.Al = Store(ref call, call.Cx) ? (byte)0 : (byte)1;
                break;
            case 0x09:
                call.Al = 0x20; // functions 10h to 12h
                break;
            case 0x0A:
                call.Bx = 0x41AB;
                break;
            case 0x12:
                byte flags2 = call.Read8(BiosData.KeyboardFlags2);
                byte flags3 = call.Read8(BiosData.KeyboardFlags3);
                call.Al = call.Read8(BiosData.KeyboardFlags);
                call.Ah = (byte)((flags2 & 0x73) | ((flags2 & SystemRequest) << 5) | (flags3 & (RightControl | RightAlt)));
                break;
            case 0x92:
                call.Ah = 0x80; // functions 10h to 12h are there
                break;
            default:
                break;
        }
    }

    /// <summary>INT 09h: AL is the scan code; returns in AL what the ROM has to do.</summary>
    public void Interrupt(ref BiosCall call)
    {
        byte scan = call.Al;
        Action action = Take(ref call, scan);
        if (action == Action.SystemRequest)
        {
            call.Ah = (byte)(scan >> 7);
        }

        call.Al = (byte)action;
        UpdateLights(ref call);
    }

    /// <summary>Takes a key from the buffer, for the firmware's own menus.</summary>
    /// <returns>Scan code and character, or null without one.</returns>
    public static ushort? Take(ref BiosCall call)
    {
        if (!Next(ref call, out ushort key, out ushort following))
        {
            return null;
        }

        call.Write16(BiosData.KeyboardHead, following);
        return key;
    }

    private static void Read(ref BiosCall call, bool enhanced)
    {
        for (int i = 0; i < MostKeys && Next(ref call, out ushort key, out ushort following); i++)
        {
            call.Write16(BiosData.KeyboardHead, following);
            if (Show(key, enhanced) is { } shown)
            {
                call.Ax = shown;
                return;
            }
        }

        call.Wait();
    }

    private static void Peek(ref BiosCall call, bool enhanced)
    {
        for (int i = 0; i < MostKeys && Next(ref call, out ushort key, out ushort following); i++)
        {
            if (Show(key, enhanced) is { } shown)
            {
                call.Ax = shown;
                call.Zero = false;
                return;
            }

            call.Write16(BiosData.KeyboardHead, following);
        }

        call.Zero = true;
    }

    private static bool Next(ref BiosCall call, out ushort key, out ushort following)
    {
        ushort head = call.Read16(BiosData.KeyboardHead);
        key = following = 0;
        if (call.Faulted || head == call.Read16(BiosData.KeyboardTail))
        {
            return false;
        }

        key = call.Read16(BiosCall.Linear(BiosData.Segment, head));
        following = After(ref call, head);
        return !call.Faulted;
    }

    private static ushort After(ref BiosCall call, ushort at)
    {
        ushort next = (ushort)(at + 2);
        return next == call.Read16(BiosData.KeyboardEnd) ? call.Read16(BiosData.KeyboardStart) : next;
    }

    /// <summary>The older functions know neither the second set of cursor keys nor the newer combinations; null drops the key.</summary>
    private static ushort? Show(ushort key, bool enhanced)
    {
        byte scan = (byte)(key >> 8);
        byte character = (byte)key;
        if (enhanced)
        {
            return character == 0xF0 && scan != 0 ? (ushort)(key & 0xFF00) : key;
        }

        if (scan == 0xE0)
        {
            return (ushort)((character == '/' ? 0x3500 : 0x1C00) | character);
        }

        if (character == 0xE0 && scan != 0)
        {
            key &= 0xFF00;
        }

        return character is 0 or 0xE0 && scan > 0x84 ? null : key;
    }

    private static bool Store(ref BiosCall call, ushort key)
    {
        ushort tail = call.Read16(BiosData.KeyboardTail);
        ushort next = After(ref call, tail);
        uint at = BiosCall.Linear(BiosData.Segment, tail);
        if (!call.Check(at, 2, write: true) || next == call.Read16(BiosData.KeyboardHead))
        {
            return false;
        }

        call.Write16(at, key);
        call.Write16(BiosData.KeyboardTail, next);
        return true;
    }

    private Action Take(ref BiosCall call, byte scan)
    {
        byte flags3 = call.Read8(BiosData.KeyboardFlags3);
        switch (scan)
        {
            case 0xE0:
                call.Write8(BiosData.KeyboardFlags3, (byte)(flags3 | LastE0));
                return Action.None;
            case 0xE1:
                call.Write8(BiosData.KeyboardFlags3, (byte)(flags3 | LastE1));
                return Action.None;
            case 0xFA:
                Set(ref call, BiosData.KeyboardLights, 0x10, true);
                return Action.None;
            case 0xFE:
                Set(ref call, BiosData.KeyboardLights, 0x20, true);
                return Action.None;
            case 0x00 or 0xFF:
                return Action.None;
            default:
                break;
        }

        bool extended = (flags3 & LastE0) != 0;
        int code = scan & ~Released;
        if ((flags3 & LastE1) != 0)
        {
            // Pause is E1 1D 45, and the same again with the release bits.
            if (code != 0x45)
            {
                return Action.None;
            }

            call.Write8(BiosData.KeyboardFlags3, (byte)(flags3 & ~LastE1));
            return scan == code ? Pause(ref call) : Action.None;
        }

        call.Write8(BiosData.KeyboardFlags3, (byte)(flags3 & ~LastE0));
        return Modifier(ref call, code, scan == code, extended) ?? (scan == code ? Press(ref call, code, extended) : Release(ref call, code, extended));
    }

    /// <summary>Shift keys and locks; null for any other key.</summary>
    private static Action? Modifier(ref BiosCall call, int code, bool down, bool extended)
    {
        switch (code)
        {
            case 0x2A or 0x36 when extended:
                return Action.None; // the shifts that an enhanced keyboard adds around its gray keys
            case 0x2A:
                Set(ref call, BiosData.KeyboardFlags, LeftShift, down);
                return Action.None;
            case 0x36:
                Set(ref call, BiosData.KeyboardFlags, RightShift, down);
                return Action.None;
            case 0x1D:
                Set(ref call, extended ? BiosData.KeyboardFlags3 : BiosData.KeyboardFlags2, extended ? RightControl : LeftControl, down);
                bool control = (call.Read8(BiosData.KeyboardFlags2) & LeftControl) != 0 || (call.Read8(BiosData.KeyboardFlags3) & RightControl) != 0;
                Set(ref call, BiosData.KeyboardFlags, Control, control);
                return Action.None;
            case 0x38:
                Set(ref call, extended ? BiosData.KeyboardFlags3 : BiosData.KeyboardFlags2, extended ? RightAlt : LeftAlt, down);
                bool alt = (call.Read8(BiosData.KeyboardFlags2) & LeftAlt) != 0 || (call.Read8(BiosData.KeyboardFlags3) & RightAlt) != 0;
                Set(ref call, BiosData.KeyboardFlags, Alt, alt);
                if (!alt && call.Read8(BiosData.KeyboardAltNumber) is var number and not 0)
                {
                    call.Write8(BiosData.KeyboardAltNumber, 0);
                    Store(ref call, number);
                }

                return Action.None;
            case 0x3A:
                return Lock(ref call, CapsLock, down);
            case 0x45 when !extended:
                return down && (call.Read8(BiosData.KeyboardFlags) & Control) != 0 ? Pause(ref call) : Lock(ref call, NumLock, down);
            case 0x46:
                if (down && ((call.Read8(BiosData.KeyboardFlags) & Control) != 0 || extended))
                {
                    return Break(ref call);
                }

                return Lock(ref call, 0x10, down);
            default:
                return null;
        }
    }

    private static Action Lock(ref BiosCall call, byte flag, bool down)
    {
        byte held = call.Read8(BiosData.KeyboardFlags2);
        if (down && (held & flag) == 0)
        {
            call.Write8(BiosData.KeyboardFlags, (byte)(call.Read8(BiosData.KeyboardFlags) ^ flag));
        }

        Set(ref call, BiosData.KeyboardFlags2, flag, down);
        return Action.None;
    }

    private static Action Pause(ref BiosCall call)
    {
        byte flags2 = call.Read8(BiosData.KeyboardFlags2);
        if ((flags2 & Paused) != 0)
        {
            return Action.None;
        }

        call.Write8(BiosData.KeyboardFlags2, (byte)(flags2 | Paused));
        return Action.Pause;
    }

    private static Action Break(ref BiosCall call)
    {
        ushort start = call.Read16(BiosData.KeyboardStart);
        call.Write16(BiosData.KeyboardHead, start);
        call.Write16(BiosData.KeyboardTail, start);
        call.Write8(BiosData.BreakFlag, 0x80);
        Store(ref call, 0);
        return Action.Break;
    }

    private static Action Release(ref BiosCall call, int code, bool extended)
    {
        if (code == 0x52)
        {
            Set(ref call, BiosData.KeyboardFlags2, 0x80, false);
        }

        if (code == 0x54 && !extended)
        {
            Set(ref call, BiosData.KeyboardFlags2, SystemRequest, false);
            return Action.SystemRequest;
        }

        return Action.None;
    }

    private Action Press(ref BiosCall call, int code, bool extended)
    {
        byte flags = call.Read8(BiosData.KeyboardFlags);
        byte flags2 = call.Read8(BiosData.KeyboardFlags2);
        bool shift = (flags & (LeftShift | RightShift)) != 0;
        bool control = (flags & Control) != 0;
        bool alt = (flags & Alt) != 0;
        if ((flags2 & Paused) != 0)
        {
            call.Write8(BiosData.KeyboardFlags2, (byte)(flags2 & ~Paused));
            return Action.None;
        }

        switch (code)
        {
            case 0x53 when control && alt:
                call.Write16(BiosData.ResetFlag, BiosData.WarmBoot);
                return Action.Reset;
            case 0x37 when extended ? !control && !alt : shift && !control && !alt:
                return Action.PrintScreen;
            case 0x37 when extended && control:
                Store(ref call, 0x7200);
                return Action.None;
            case 0x54 when !extended:
                Set(ref call, BiosData.KeyboardFlags2, SystemRequest, true);
                return Action.SystemRequest;
            case >= 0x47 and <= 0x52 when alt && !extended && code is not (0x4A or 0x4E):
                ReadOnlySpan<byte> digits = [7, 8, 9, 0, 4, 5, 6, 0, 1, 2, 3, 0];
                call.Write8(BiosData.KeyboardAltNumber, (byte)((call.Read8(BiosData.KeyboardAltNumber) * 10) + digits[code - 0x47]));
                return Action.None;
            case 0x52 when !shift && !control && !alt && (flags2 & 0x80) == 0 && (extended || (flags & NumLock) == 0):
                call.Write8(BiosData.KeyboardFlags, (byte)(flags ^ 0x80));
                Set(ref call, BiosData.KeyboardFlags2, 0x80, true);
                break;
            default:
                break;
        }

        KeyTable.Shift state = alt ? KeyTable.Shift.Alt : control ? KeyTable.Shift.Control : shift ? KeyTable.Shift.Shift : KeyTable.Shift.None;
        ushort key;
        if (extended)
        {
            key = KeyTable.FindExtended(code, state);
        }
        else
        {
            if (state <= KeyTable.Shift.Shift)
            {
                bool letter = code is (>= 0x10 and <= 0x19) or (>= 0x1E and <= 0x26) or (>= 0x2C and <= 0x32);
                bool keypad = code is >= 0x47 and <= 0x53;
                bool locked = (letter && (flags & CapsLock) != 0) || (keypad && (flags & NumLock) != 0);
                state = shift != locked ? KeyTable.Shift.Shift : KeyTable.Shift.None;
            }

            key = KeyTable.Find(code, state);
        }

        if (key != 0 && !Store(ref call, key))
        {
            Beep();
        }

        return Action.None;
    }

    private void UpdateLights(ref BiosCall call)
    {
        const byte SetLights = 0xED;
        const byte Lights = 0x07;
        byte shown = call.Read8(BiosData.KeyboardLights);
        byte wanted = (byte)((call.Read8(BiosData.KeyboardFlags) >> 4) & Lights);
        if ((shown & Lights) == wanted || _keyboard.HasData)
        {
            return;
        }

        call.Write8(BiosData.KeyboardLights, (byte)((shown & ~Lights) | wanted));
        foreach (byte value in (ReadOnlySpan<byte>)[SetLights, wanted])
        {
            _keyboard.Receive(value);
            while (_keyboard.HasData)
            {
                _keyboard.Take(); // the acknowledgement
            }
        }
    }

    /// <summary>The buffer is full: the speaker clicks.</summary>
    private void Beep()
    {
        uint port = _ports.Read(0x61, 1);
        _ports.Write(0x61, 1, port ^ 2);
        _ports.Write(0x61, 1, port);
    }

    private static void Set(ref BiosCall call, uint address, byte flag, bool value)
    {
        byte flags = call.Read8(address);
        call.Write8(address, (byte)(value ? flags | flag : flags & ~flag));
    }
}
