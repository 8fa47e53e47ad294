namespace Emulator.Devices.Firmware.Bios;

/// <summary>What INT 09h puts into the buffer for a key of set 1 (IBM PS/2 and PC BIOS interface technical reference, INT 16h): scan code
/// and character of the US keyboard, 0 where a combination gives nothing.</summary>
internal static class KeyTable
{
    private const int Columns = 4;
    private const int Count = 0x59;

    private static readonly ushort[] Plain = Build();

    /// <summary>Shift states, as columns.</summary>
    public enum Shift
    {
        None,
        Shift,
        Control,
        Alt,
    }

    /// <summary>The code of a key without prefix.</summary>
    /// <param name="scan">Make code.</param>
    /// <param name="shift">Shift state.</param>
    public static ushort Find(int scan, Shift shift) => scan < Count ? Plain[(scan * Columns) + (int)shift] : (ushort)0;

    /// <summary>The code of a key with the prefix E0h.</summary>
    /// <param name="scan">Make code.</param>
    /// <param name="shift">Shift state.</param>
    public static ushort FindExtended(int scan, Shift shift) => (scan, shift) switch
    {
        (0x1C, Shift.Control) => 0xE00A,
        (0x1C, Shift.Alt) => 0xA600,
        (0x1C, _) => 0xE00D,
        (0x35, Shift.Control) => 0x9500,
        (0x35, Shift.Alt) => 0xA400,
        (0x35, _) => 0xE02F,
        ( >= 0x47 and <= 0x53, Shift.Alt) when IsGray(scan) => (ushort)((scan + 0x50) << 8),
        ( >= 0x47 and <= 0x53, Shift.Control) when IsGray(scan) => (ushort)((Find(scan, Shift.Control) & 0xFF00) | 0xE0),
        ( >= 0x47 and <= 0x53, _) when IsGray(scan) => (ushort)((scan << 8) | 0xE0),
        _ => 0,
    };

    private static bool IsGray(int scan) => scan is not (0x4A or 0x4C or 0x4E);

    private static ushort[] Build()
    {
        ushort[] table = new ushort[Count * Columns];
        void Key(int scan, int plain, int shift, int control, int alt)
        {
            table[scan * Columns] = (ushort)plain;
            table[(scan * Columns) + 1] = (ushort)shift;
            table[(scan * Columns) + 2] = (ushort)control;
            table[(scan * Columns) + 3] = (ushort)alt;
        }

        // A character key: its scan code stands beside the character; Alt gives the scan code alone.
        void Character(int scan, char plain, char shift, int control = 0, int? alt = null) =>
            Key(scan, (scan << 8) | plain, (scan << 8) | shift, control == 0 ? 0 : (scan << 8) | control, alt ?? scan << 8);

        void Letters(int scan, string letters)
        {
            foreach (char c in letters)
            {
                Character(scan++, c, char.ToUpperInvariant(c), c & 0x1F);
            }
        }

        const string Digits = "1234567890-=";
        const string Shifted = "!@#$%^&*()_+";
        for (int i = 0; i < Digits.Length; i++)
        {
            Character(2 + i, Digits[i], Shifted[i], Digits[i] switch { '6' => 0x1E, '-' => 0x1F, _ => 0 }, (0x78 + i) << 8);
        }

        table[(0x03 * Columns) + 2] = 0x0300;
        Key(0x01, 0x011B, 0x011B, 0x011B, 0x0100);
        Key(0x0E, 0x0E08, 0x0E08, 0x0E7F, 0x0E00);
        Key(0x0F, 0x0F09, 0x0F00, 0x9400, 0xA500);
        Letters(0x10, "qwertyuiop");
        Character(0x1A, '[', '{', 0x1B);
        Character(0x1B, ']', '}', 0x1D);
        Key(0x1C, 0x1C0D, 0x1C0D, 0x1C0A, 0x1C00);
        Letters(0x1E, "asdfghjkl");
        Character(0x27, ';', ':');
        Character(0x28, '\'', '"');
        Character(0x29, '`', '~');
        Character(0x2B, '\\', '|', 0x1C);
        Letters(0x2C, "zxcvbnm");
        Character(0x33, ',', '<');
        Character(0x34, '.', '>');
        Character(0x35, '/', '?');
        Key(0x37, 0x372A, 0x372A, 0x9600, 0x3700);
        Key(0x39, 0x3920, 0x3920, 0x3920, 0x3920);
        for (int i = 0; i < 10; i++)
        {
            Key(0x3B + i, (0x3B + i) << 8, (0x54 + i) << 8, (0x5E + i) << 8, (0x68 + i) << 8);
        }

        // The keypad; Alt with its digits builds a character.
        const string Keypad = "789-456+1230.";
        ReadOnlySpan<byte> control = [0x77, 0x8D, 0x84, 0x8E, 0x73, 0x8F, 0x74, 0x90, 0x75, 0x91, 0x76, 0x92, 0x93];
        for (int i = 0; i < Keypad.Length; i++)
        {
            int scan = 0x47 + i;
            bool sign = scan is 0x4A or 0x4E;
            Key(scan, (scan << 8) | (sign ? Keypad[i] : 0), (scan << 8) | Keypad[i], control[i] << 8, sign ? scan << 8 : 0);
        }

        Key(0x56, 0x565C, 0x567C, 0, 0);
        Key(0x57, 0x8500, 0x8700, 0x8900, 0x8B00);
        Key(0x58, 0x8600, 0x8800, 0x8A00, 0x8C00);
        return table;
    }
}
