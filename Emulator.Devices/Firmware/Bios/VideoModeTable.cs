namespace Emulator.Devices.Firmware.Bios;

/// <summary>
/// The video parameter table of IBM's VGA BIOS (PS/2 and PC BIOS Interface Technical Reference): 29 entries of 64 bytes, as software finds it by the save
/// pointer at 40:A8 (the two entries for boards with 64 KiB are those with 256 KiB). An entry holds columns, rows less one, lines of a character, page size (word), sequencer 1 to 4, miscellaneous output, CRTC 0 to
/// 18h, attribute controller 0 to 13h, graphics controller 0 to 8.
/// </summary>
internal static class VideoModeTable
{
    /// <summary>Bytes of an entry.</summary>
    public const int EntrySize = 64;

    /// <summary>Number of entries.</summary>
    public const int Entries = 29;

    public const int Columns = 0;
    public const int LastRow = 1;
    public const int CharacterHeight = 2;
    public const int PageSize = 3;
    public const int Sequencer = 5;
    public const int Misc = 9;
    public const int Crtc = 10;
    public const int Attribute = 35;
    public const int Graphics = 55;

    /// <summary>Registers of the CRTC in an entry.</summary>
    public const int CrtcCount = 25;

    /// <summary>Registers of the attribute controller in an entry.</summary>
    public const int AttributeCount = 20;

    /// <summary>Registers of the graphics controller in an entry.</summary>
    public const int GraphicsCount = 9;

    private const int FirstEga350 = 0x13;
    private const int FirstVga400 = 0x17;
    private const int MonochromeVga = 0x19;

    private const string CgaColors = "0001020304050607 1011121314151617";
    private const string EgaColors = "0001020304051407 38393A3B3C3D3E3F";
    private const string MonoColors = "0008080808080808 1018181818181818";
    private const string Wide = "5F4F50";
    private const string Narrow = "2D2728";

    /// <summary>The table.</summary>
    public static byte[] Data { get; } = Create();

    /// <summary>The entry of a mode.</summary>
    /// <param name="mode">Mode number.</param>
    /// <param name="lines">Scan lines that were chosen for text: 200, 350 or 400.</param>
    /// <returns>Index; -1 when there is no such mode.</returns>
    public static int IndexOf(int mode, int lines) => mode switch
    {
        >= 0 and <= 3 => lines switch { 200 => mode, 350 => FirstEga350 + mode, _ => FirstVga400 + (mode >> 1) },
        >= 4 and <= 6 => mode,
        7 => lines == 350 ? 7 : MonochromeVga,
        0x0D or 0x0E => mode,
        0x0F or 0x10 => mode + 2,
        0x11 or 0x12 or 0x13 => mode + 9,
        _ => -1,
    };

    private static byte[] Create()
    {
        string cga40 = Text("281808 0008 09030002 63", Narrow + "902BA0", "BF1F 00C7 0607", "9C8E8F 141F96B9A3", CgaColors + "08000F00", "0E00");
        string cga80 = Text("501808 0010 01030002 63", Wide + "825581", "BF1F 00C7 0607", "9C8E8F 281F96B9A3", CgaColors + "08000F00", "0E00");
        string ega40 = Text("28180E 0008 09030002 A3", Narrow + "902BA0", "BF1F 004D 0B0C", "83855D 141F63BAA3", EgaColors + "08000F00", "0E00");
        string ega80 = Text("50180E 0010 01030002 A3", Wide + "825581", "BF1F 004D 0B0C", "83855D 281F63BAA3", EgaColors + "08000F00", "0E00");
        string four = Graphic("281808 0040 09030002 63", Narrow + "902B80", "BF1F 00C1", "9C8E8F 140096B9A2", "0013151702040607 1011121314151617 01000300", "00300F00");
        string six = Graphic("501808 0040 01010006 63", Wide + "825480", "BF1F 00C1", "9C8E8F 280096B9C2", "0017171717171717 1717171717171717 01000100", "00000D00");
        string d = Graphic("281808 0020 090F0006 63", Narrow + "902B80", "BF1F 00C0", "9C8E8F 140096B9E3", CgaColors + "01000F00", "0000050F");
        string e = Graphic("501808 0040 010F0006 63", Wide + "825480", "BF1F 00C0", "9C8E8F 280096B9E3", CgaColors + "01000F00", "0000050F");
        string f = Graphic("50180E 0080 010F0006 A2", Wide + "825480", "BF1F 0040", "83855D 280F63BAE3", "0008000018180000 0008000000180000 0B000500", "00000505");
        string ten = Graphic("50180E 0080 010F0006 A3", Wide + "825480", "BF1F 0040", "83855D 280F63BAE3", EgaColors + "01000F00", "0000050F");
        string unused = new('0', 2 * EntrySize);
        string[] entries =
        [
            cga40, cga40, cga80, cga80, four, four, six,
            Text("50180E 0010 00030003 A6", Wide + "825581", "BF1F 004D 0B0C", "83855D 280D63BAA3", MonoColors + "0E000F08", "0A00"),
            unused, unused, unused, unused, unused, d, e, f, ten, f, ten, ega40, ega40, ega80, ega80,
            Text("281810 0008 08030002 67", Narrow + "902BA0", "BF1F 004F 0D0E", "9C8E8F 141F96B9A3", EgaColors + "0C000F08", "0E00"),
            Text("501810 0010 00030002 67", Wide + "825581", "BF1F 004F 0D0E", "9C8E8F 281F96B9A3", EgaColors + "0C000F08", "0E00"),
            Text("501810 0010 00030002 66", Wide + "825581", "BF1F 004F 0D0E", "9C8E8F 280F96B9A3", MonoColors + "0E000F08", "0A00"),
            Graphic("501D10 00A0 010F0006 E3", Wide + "825480", "0B3E 0040", "EA8CDF 2800E704C3", "003F003F003F003F 003F003F003F003F 01000F00", "00000501"),
            Graphic("501D10 00A0 010F0006 E3", Wide + "825480", "0B3E 0040", "EA8CDF 2800E704E3", EgaColors + "01000F00", "0000050F"),
            Graphic("281808 0020 010F000E 63", Wide + "825480", "BF1F 0041", "9C8E8F 284096B9A3", "0001020304050607 08090A0B0C0D0E0F 41000F00", "0040050F"),
        ];
        byte[] table = new byte[Entries * EntrySize];
        for (int i = 0; i < Entries; i++)
        {
            byte[] entry = Convert.FromHexString(entries[i].Replace(" ", "", StringComparison.Ordinal));
            if (entry.Length != EntrySize)
            {
                throw new InvalidOperationException($"entry {i:X}h of the video parameter table has {entry.Length} bytes");
            }

            entry.CopyTo(table, i * EntrySize);
        }

        return table;
    }

    private static string Text(string head, string horizontal, string middle, string vertical, string attribute, string map) =>
        head + horizontal + middle + "00000000" + vertical + "FF" + attribute + "0000000000 10" + map + "FF";

    private static string Graphic(string head, string horizontal, string middle, string vertical, string attribute, string tail) =>
        head + horizontal + middle + "000000000000" + vertical + "FF" + attribute + "00000000" + tail + "FF";
}
