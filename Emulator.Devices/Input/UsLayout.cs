namespace Emulator.Devices.Input;

/// <summary>How text is typed on a US keyboard.</summary>
public static class UsLayout
{
    private const string Plain = "`1234567890-=\tqwertyuiop[]\\asdfghjkl;'\nzxcvbnm,./ \b\u001b\u007f";
    private const string Shifted = "~!@#$%^&*()_+\0QWERTYUIOP{}|ASDFGHJKL:\"\0ZXCVBNM<>?\0\0\0\0";

    private static readonly Key[] Keys =
    [
        Key.Grave, Key.D1, Key.D2, Key.D3, Key.D4, Key.D5, Key.D6, Key.D7, Key.D8, Key.D9, Key.D0, Key.Minus, Key.Equal,
        Key.Tab, Key.Q, Key.W, Key.E, Key.R, Key.T, Key.Y, Key.U, Key.I, Key.O, Key.P, Key.LeftBracket, Key.RightBracket, Key.Backslash,
        Key.A, Key.S, Key.D, Key.F, Key.G, Key.H, Key.J, Key.K, Key.L, Key.Semicolon, Key.Apostrophe, Key.Enter,
        Key.Z, Key.X, Key.C, Key.V, Key.B, Key.N, Key.M, Key.Comma, Key.Period, Key.Slash, Key.Space,
        Key.Backspace, Key.Escape, Key.Delete,
    ];

    /// <summary>Finds the key that types a character.</summary>
    /// <param name="character">A printable ASCII character, or newline (Enter, as is carriage return), tab, backspace, escape, delete.</param>
    /// <param name="key">Receives the key.</param>
    /// <param name="shift">Receives whether shift is held.</param>
    /// <returns>False when no key types it.</returns>
    public static bool TryFind(char character, out Key key, out bool shift)
    {
        character = character == '\r' ? '\n' : character;
        int index = Plain.IndexOf(character, StringComparison.Ordinal);
        shift = index < 0;
        if (shift && character != '\0')
        {
            index = Shifted.IndexOf(character, StringComparison.Ordinal);
        }

        key = index >= 0 ? Keys[index] : Key.None;
        return index >= 0;
    }
}
