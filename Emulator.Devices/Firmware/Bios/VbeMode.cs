namespace Emulator.Devices.Firmware.Bios;

/// <summary>
/// A mode of VBE. Numbers 100h to 11Ch are VESA's, 11Dh to 11Fh and those from 140h on are what Bochs' and QEMU's users know for the same adapter where
/// those have one; a program finds them in the list.
/// </summary>
/// <param name="Number">Mode number.</param>
/// <param name="Width">Pixels of a line; columns of a text mode.</param>
/// <param name="Height">Lines; rows of a text mode.</param>
/// <param name="Depth">Bits of a pixel: 4, 8, 15, 16, 24, 32; 0 for text.</param>
internal sealed record VbeMode(ushort Number, ushort Width, ushort Height, byte Depth)
{
    /// <summary>All of them, in the order of their numbers.</summary>
    public static IReadOnlyList<VbeMode> All { get; } = Create();

    /// <summary>Whether it is a text mode.</summary>
    public bool IsText => Depth == 0;

    /// <summary>Whether it is a mode of 16 colors in planes.</summary>
    public bool IsPlanar => Depth == 4;

    /// <summary>Bytes from line to line, of one plane in planes; of text, a row.</summary>
    public int Pitch => Depth switch { 0 => 2 * Width, 4 => Width / 8, _ => Width * BytesPerPixel };

    /// <summary>Bytes of a pixel with 8 bits and more.</summary>
    public int BytesPerPixel => (Depth + 7) / 8;

    /// <summary>Lines of a character.</summary>
    public int CharacterHeight => IsText ? Height is 25 ? 16 : 8 : Height < 400 ? 8 : 16;

    /// <summary>Finds a mode; null when there is none.</summary>
    /// <param name="number">Mode number without flags.</param>
    public static VbeMode? Find(int number)
    {
        foreach (VbeMode mode in All)
        {
            if (mode.Number == number)
            {
                return mode;
            }
        }

        return null;
    }

    private static VbeMode[] Create()
    {
        List<VbeMode> modes =
        [
            new(0x100, 640, 400, 8), new(0x101, 640, 480, 8), new(0x102, 800, 600, 4), new(0x103, 800, 600, 8),
            new(0x104, 1024, 768, 4), new(0x105, 1024, 768, 8), new(0x106, 1280, 1024, 4), new(0x107, 1280, 1024, 8),
            new(0x108, 80, 60, 0), new(0x109, 132, 25, 0), new(0x10A, 132, 43, 0), new(0x10B, 132, 50, 0), new(0x10C, 132, 60, 0),
            new(0x11C, 1600, 1200, 8), new(0x146, 320, 200, 8), new(0x148, 1152, 864, 8),
        ];

        // Each of these sizes with three or four depths in a row.
        ReadOnlySpan<(ushort First, ushort Width, ushort Height)> colors =
        [
            (0x10D, 320, 200), (0x110, 640, 480), (0x113, 800, 600), (0x116, 1024, 768), (0x119, 1280, 1024), (0x11D, 1600, 1200), (0x149, 1152, 864),
        ];
        foreach ((ushort first, ushort width, ushort height) in colors)
        {
            modes.AddRange([new(first, width, height, 15), new((ushort)(first + 1), width, height, 16), new((ushort)(first + 2), width, height, 24)]);
        }

        ReadOnlySpan<(ushort Number, ushort Width, ushort Height)> full =
        [
            (0x140, 320, 200), (0x141, 640, 400), (0x142, 640, 480), (0x143, 800, 600), (0x144, 1024, 768), (0x145, 1280, 1024), (0x147, 1600, 1200), (0x14C, 1152, 864),
        ];
        foreach ((ushort number, ushort width, ushort height) in full)
        {
            modes.Add(new(number, width, height, 32));
        }

        ReadOnlySpan<(ushort First, ushort Width, ushort Height)> wide =
        [
            (0x175, 1280, 768), (0x178, 1280, 800), (0x17B, 1280, 960), (0x17E, 1440, 900), (0x181, 1400, 1050), (0x184, 1680, 1050), (0x187, 1920, 1200),
            (0x18A, 2560, 1600), (0x18D, 1280, 720), (0x190, 1920, 1080), (0x193, 1600, 900), (0x196, 2560, 1440), (0x199, 1360, 768),
        ];
        foreach ((ushort first, ushort width, ushort height) in wide)
        {
            modes.AddRange([new(first, width, height, 16), new((ushort)(first + 1), width, height, 24), new((ushort)(first + 2), width, height, 32)]);
        }

        VbeMode[] all = modes.ToArray();
        Array.Sort(all, (a, b) => a.Number - b.Number);
        return all;
    }
}
