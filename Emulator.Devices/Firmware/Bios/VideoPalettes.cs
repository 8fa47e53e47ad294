namespace Emulator.Devices.Firmware.Bios;

/// <summary>The colors that a mode loads into the DAC, as IBM's VGA BIOS has them: red, green, blue of six bits each.</summary>
internal static class VideoPalettes
{
    private const int Third = 0x15;
    private const int TwoThirds = 0x2A;

    /// <summary>64 colors of an EGA: bits 5 to 3 are a third, bits 2 to 0 two thirds of red, green and blue.</summary>
    public static byte[] Ega { get; } = Create(64, i => (
        (((i >> 2) & 1) * TwoThirds) + (((i >> 5) & 1) * Third),
        (((i >> 1) & 1) * TwoThirds) + (((i >> 4) & 1) * Third),
        ((i & 1) * TwoThirds) + (((i >> 3) & 1) * Third)));

    /// <summary>For modes of 200 lines: 16 colors of a CGA, bit 4 bright, bits 3 and 5 without effect.</summary>
    public static byte[] Cga { get; } = Create(64, i => Standard((i & 7) | ((i & 0x10) >> 1)));

    /// <summary>For a monochrome display: dark, normal, bright.</summary>
    public static byte[] Monochrome { get; } = Create(64, i => (i & 0x18) switch { 0x08 => (TwoThirds, TwoThirds, TwoThirds), 0x18 => (0x3F, 0x3F, 0x3F), _ => (0, 0, 0) });

    /// <summary>256 colors of mode 13h: 16 of a CGA, 16 greys, 24 hues in three saturations and three intensities.</summary>
    public static byte[] Vga { get; } = CreateVga();

    /// <summary>Grey of the same brightness: 30% red, 59% green, 11% blue.</summary>
    /// <param name="red">Six bits.</param>
    /// <param name="green">Six bits.</param>
    /// <param name="blue">Six bits.</param>
    public static byte Grey(int red, int green, int blue) => (byte)Math.Min(0x3F, ((77 * red) + (151 * green) + (28 * blue) + 0x80) >> 8);

    private static (int Red, int Green, int Blue) Standard(int color)
    {
        int bright = (color & 8) != 0 ? Third : 0;
        return color == 6
            ? (TwoThirds, Third, 0)
            : ((((color >> 2) & 1) * TwoThirds) + bright, (((color >> 1) & 1) * TwoThirds) + bright, ((color & 1) * TwoThirds) + bright);
    }

    private static byte[] Create(int count, Func<int, (int Red, int Green, int Blue)> color)
    {
        byte[] palette = new byte[3 * count];
        for (int i = 0; i < count; i++)
        {
            (int red, int green, int blue) = color(i);
            (palette[3 * i], palette[(3 * i) + 1], palette[(3 * i) + 2]) = ((byte)red, (byte)green, (byte)blue);
        }

        return palette;
    }

    private static byte[] CreateVga()
    {
        const int Hues = 24;
        const int FirstHue = 32;
        ReadOnlySpan<byte> greys = [0x00, 0x05, 0x08, 0x0B, 0x0E, 0x11, 0x14, 0x18, 0x1C, 0x20, 0x24, 0x28, 0x2D, 0x32, 0x38, 0x3F];

        // Five levels from none to full, of three saturations for each of three intensities.
        ReadOnlySpan<byte> levels =
        [
            0x00, 0x10, 0x1F, 0x2F, 0x3F, 0x1F, 0x27, 0x2F, 0x37, 0x3F, 0x2D, 0x31, 0x36, 0x3A, 0x3F,
            0x00, 0x07, 0x0E, 0x15, 0x1C, 0x0E, 0x11, 0x15, 0x18, 0x1C, 0x14, 0x16, 0x18, 0x1A, 0x1C,
            0x00, 0x04, 0x08, 0x0C, 0x10, 0x08, 0x0A, 0x0C, 0x0E, 0x10, 0x0B, 0x0C, 0x0D, 0x0F, 0x10,
        ];
        byte[] palette = new byte[3 * 256];
        for (int i = 0; i < 16; i++)
        {
            (int red, int green, int blue) = Standard(i);
            (palette[3 * i], palette[(3 * i) + 1], palette[(3 * i) + 2]) = ((byte)red, (byte)green, (byte)blue);
            palette.AsSpan(3 * (16 + i), 3).Fill(greys[i]);
        }

        for (int i = 0; i < 9 * Hues; i++)
        {
            ReadOnlySpan<byte> level = levels.Slice(i / Hues * 5, 5);
            int hue = i % Hues;
            for (int component = 0; component < 3; component++)
            {
                // From blue by red and green back to blue; a component is full for 9 steps, rises and falls for 3.
                int from = component switch { 0 => hue - 8, 1 => hue - 16, _ => hue };
                int distance = Math.Abs(((from + 12 + Hues) % Hues) - 12);
                palette[(3 * (FirstHue + i)) + component] = level[Math.Clamp(8 - distance, 0, 4)];
            }
        }

        return palette;
    }
}
