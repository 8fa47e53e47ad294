namespace Emulator.Devices.Firmware.Bios;

/// <summary>What the video BIOS keeps in low memory, by linear address: the BIOS data area as IBM's VGA has it, and three vectors.</summary>
internal static class VideoData
{
    /// <summary>INT 10h.</summary>
    public const uint Vector10 = 4 * 0x10;

    /// <summary>INT 1Fh: glyphs 128 to 255 of eight lines, for modes 4 to 6.</summary>
    public const uint Vector1F = 4 * 0x1F;

    /// <summary>INT 42h: INT 10h as it was before the video BIOS took it.</summary>
    public const uint Vector42 = 4 * 0x42;

    /// <summary>INT 43h: glyphs of graphics modes.</summary>
    public const uint Vector43 = 4 * 0x43;

    /// <summary>INT 6Dh: the video BIOS, for others that take INT 10h.</summary>
    public const uint Vector6D = 4 * 0x6D;

    /// <summary>Bits 5-4: the display that starts, 20h color with 80 columns, 30h monochrome.</summary>
    public const uint Equipment = 0x410;

    /// <summary>Mode number.</summary>
    public const uint Mode = 0x449;

    /// <summary>Columns (word).</summary>
    public const uint Columns = 0x44A;

    /// <summary>Bytes of a page (word).</summary>
    public const uint PageSize = 0x44C;

    /// <summary>Offset of the page that is shown (word).</summary>
    public const uint PageStart = 0x44E;

    /// <summary>Cursors of eight pages: column, row.</summary>
    public const uint Cursors = 0x450;

    /// <summary>Last and first line of the cursor (word).</summary>
    public const uint CursorShape = 0x460;

    /// <summary>Number of the page that is shown.</summary>
    public const uint Page = 0x462;

    /// <summary>Index port of the CRTC (word): 3B4h or 3D4h.</summary>
    public const uint CrtcPort = 0x463;

    /// <summary>Mode control register of a CGA or MDA.</summary>
    public const uint ModeControl = 0x465;

    /// <summary>Color select register of a CGA.</summary>
    public const uint CgaPalette = 0x466;

    /// <summary>Rows less one.</summary>
    public const uint LastRow = 0x484;

    /// <summary>Lines of a character (word).</summary>
    public const uint CharacterHeight = 0x485;

    /// <summary>Bit 7: the last mode did not clear memory; 6-5: memory; 1: monochrome; 0: no cursor emulation.</summary>
    public const uint Control = 0x487;

    /// <summary>Feature bits and switches of an EGA.</summary>
    public const uint Switches = 0x488;

    /// <summary>Bits 7 and 4: scan lines of text; 3: no palette with a mode; 2: monochrome; 1: grey; 0: the VGA is active.</summary>
    public const uint Options = 0x489;

    /// <summary>Index in the table of display combinations.</summary>
    public const uint DisplayCombination = 0x48A;

    /// <summary>Far pointer to the save pointer table.</summary>
    public const uint SavePointer = 0x4A8;

    /// <summary>DPMS state in a byte that IBM left reserved.</summary>
    public const uint PowerState = 0x4B8;

    /// <summary>Bytes from <see cref="Mode"/> to <see cref="CgaPalette"/>.</summary>
    public const int FirstBlock = 30;

    /// <summary>Bytes from <see cref="LastRow"/> to <see cref="DisplayCombination"/>.</summary>
    public const int SecondBlock = 7;

    /// <summary>Bit of <see cref="Control"/>: memory was not cleared.</summary>
    public const byte NotCleared = 0x80;

    /// <summary>Bit of <see cref="Control"/>: cursor shapes are taken as they are.</summary>
    public const byte NoCursorEmulation = 0x01;

    /// <summary>Bit of <see cref="Options"/>: a mode leaves the palette alone.</summary>
    public const byte KeepPalette = 0x08;

    /// <summary>Bit of <see cref="Options"/>: colors become grey.</summary>
    public const byte GreySumming = 0x02;
}
