using System.Text;
using Emulator.Devices;
using Emulator.Devices.Input;

namespace Emulator.Frontend.Running;

/// <summary>
/// Text that is typed on the keyboard of a machine: what a terminal sends for its keys. Control characters are letters with Ctrl, and the
/// sequences of xterm are arrows, function keys and the like.
/// </summary>
internal static class KeyboardText
{
    private const char Escape = '\u001b';

    private static readonly (string Sequence, Key Key)[] Sequences =
    [
        ("[A", Key.Up), ("[B", Key.Down), ("[C", Key.Right), ("[D", Key.Left), ("[H", Key.Home), ("[F", Key.End),
        ("OA", Key.Up), ("OB", Key.Down), ("OC", Key.Right), ("OD", Key.Left), ("OH", Key.Home), ("OF", Key.End),
        ("[1~", Key.Home), ("[2~", Key.Insert), ("[3~", Key.Delete), ("[4~", Key.End), ("[5~", Key.PageUp), ("[6~", Key.PageDown),
        ("OP", Key.F1), ("OQ", Key.F2), ("OR", Key.F3), ("OS", Key.F4), ("[11~", Key.F1), ("[12~", Key.F2), ("[13~", Key.F3), ("[14~", Key.F4),
        ("[15~", Key.F5), ("[17~", Key.F6), ("[18~", Key.F7), ("[19~", Key.F8), ("[20~", Key.F9), ("[21~", Key.F10), ("[23~", Key.F11), ("[24~", Key.F12),
    ];

    /// <summary>Types text; characters that a US keyboard has no key for are left out.</summary>
    /// <param name="machine">The machine.</param>
    /// <param name="text">The characters, a byte each.</param>
    /// <returns>How many bytes were taken.</returns>
    public static int Type(PcMachine machine, ReadOnlySpan<byte> text)
    {
        string characters = Encoding.Latin1.GetString(text);
        for (int at = 0; at < characters.Length;)
        {
            at += TypeOne(machine.Keyboard, characters, at);
        }

        return text.Length;
    }

    private static int TypeOne(Ps2Keyboard keyboard, string text, int at)
    {
        char character = text[at];
        if (character == Escape)
        {
            foreach ((string sequence, Key key) in Sequences)
            {
                if (string.CompareOrdinal(text, at + 1, sequence, 0, sequence.Length) == 0)
                {
                    keyboard.TypeKey(key);
                    return 1 + sequence.Length;
                }
            }
        }

        if (character is >= '\u0001' and <= '\u001a' and not ('\b' or '\t' or '\n' or '\r'))
        {
            if (UsLayout.TryFind((char)(character + 'a' - 1), out Key letter, out _))
            {
                keyboard.TypeKey(letter, control: true);
            }
        }
        else
        {
            keyboard.TypeText(character.ToString());
        }

        return 1;
    }
}
