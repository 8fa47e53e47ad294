namespace Emulator.Devices.Firmware.Bios;

/// <summary>How video memory is laid out in the present mode.</summary>
internal enum VideoLayout
{
    /// <summary>Characters and attributes.</summary>
    Text,

    /// <summary>Modes 4 and 5: two bits a pixel, even lines and odd lines apart.</summary>
    Cga4,

    /// <summary>Mode 6: one bit a pixel, even lines and odd lines apart.</summary>
    Cga2,

    /// <summary>One bit of a pixel in each plane.</summary>
    Planar,

    /// <summary>One to four bytes a pixel.</summary>
    Packed,
}

/// <summary>The present mode, as the text and pixel services need it.</summary>
/// <param name="Layout">Layout.</param>
/// <param name="Columns">Characters of a row.</param>
/// <param name="Rows">Character rows.</param>
/// <param name="CharacterHeight">Lines of a character.</param>
/// <param name="Pitch">Bytes from line to line (of text: from row to row).</param>
/// <param name="Depth">Bits of a pixel with <see cref="VideoLayout.Packed"/>.</param>
/// <param name="Window">Linear address of the window.</param>
/// <param name="IsBanked">Whether the window shows one of several banks.</param>
internal readonly record struct VideoSurface(VideoLayout Layout, int Columns, int Rows, int CharacterHeight, int Pitch, int Depth, uint Window, bool IsBanked)
{
    /// <summary>Bytes of a pixel with <see cref="VideoLayout.Packed"/>.</summary>
    public int BytesPerPixel => (Depth + 7) / 8;

    /// <summary>Bytes of eight pixels, in one plane with <see cref="VideoLayout.Planar"/>.</summary>
    public int CharacterBytes => Layout switch { VideoLayout.Packed => 8 * BytesPerPixel, VideoLayout.Cga4 or VideoLayout.Text => 2, _ => 1 };

    /// <summary>Whether a color is a palette index of 8 bits or more: bit 7 does not ask for XOR.</summary>
    public bool HasByteColors => Layout == VideoLayout.Packed;

    /// <summary>Offset of a line.</summary>
    /// <param name="y">Line.</param>
    public uint LineOffset(int y) => Layout is VideoLayout.Cga4 or VideoLayout.Cga2
        ? (uint)(((y >> 1) * Pitch) + ((y & 1) << 13))
        : (uint)y * (uint)Pitch;
}
