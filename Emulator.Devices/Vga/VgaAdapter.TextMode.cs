namespace Emulator.Devices.Vga;

/// <content>The state in which a video BIOS leaves the adapter, for machines that start without one.</content>
public sealed unsafe partial class VgaAdapter
{
    private const byte TextMisc = 0x67;
    private const int TextCells = 0x4000;
    private const uint BlankCell = 0x0720;
    private const int TextFontHeight = 16;

    private static ReadOnlySpan<byte> TextSequencer => [0x03, 0x00, 0x03, 0x00, 0x02];

    private static ReadOnlySpan<byte> TextCrtc =>
    [
        0x5F, 0x4F, 0x50, 0x82, 0x55, 0x81, 0xBF, 0x1F, 0x00, 0x4F, 0x0D, 0x0E, 0x00, 0x00, 0x00, 0x00,
        0x9C, 0x8E, 0x8F, 0x28, 0x1F, 0x96, 0xB9, 0xA3, 0xFF,
    ];

    private static ReadOnlySpan<byte> TextGraphics => [0x00, 0x00, 0x00, 0x00, 0x00, 0x10, 0x0E, 0x0F, 0xFF];

    private static ReadOnlySpan<byte> TextAttribute =>
    [
        0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x14, 0x07, 0x38, 0x39, 0x3A, 0x3B, 0x3C, 0x3D, 0x3E, 0x3F,
        0x0C, 0x00, 0x0F, 0x08, 0x00,
    ];

    /// <summary>
    /// Sets mode 3, 80 by 25 characters, with an empty screen, the standard palette and a font, as a video BIOS does. The registers end as
    /// the IBM VGA's table for that mode has them.
    /// </summary>
    public void SetTextMode()
    {
        LeaveText();
        ResetRegisters();
        _misc = TextMisc;
        TextSequencer.CopyTo(_sequencer);
        TextCrtc.CopyTo(_crtc);
        TextGraphics.CopyTo(_graphics);
        TextAttribute.CopyTo(_attribute);
        _attributeIndex = PaletteSource;
        Dac.SetWriteIndex(0);
        for (int i = 0; i < 64; i++)
        {
            // Bits 5 to 3 are a third, bits 2 to 0 two thirds of red, green and blue.
            Dac.WriteData((byte)((((i >> 2) & 1) * 0x2A) + (((i >> 5) & 1) * 0x15)));
            Dac.WriteData((byte)((((i >> 1) & 1) * 0x2A) + (((i >> 4) & 1) * 0x15)));
            Dac.WriteData((byte)(((i & 1) * 0x2A) + (((i >> 3) & 1) * 0x15)));
        }

        for (uint i = 0; i < TextCells; i++)
        {
            *(uint*)(_plane + PlaneIndex(2 * i)) = BlankCell;
            *(uint*)(_plane + PlaneIndex((2 * i) + 1)) = 0;
        }

        byte[] font = VgaFont.Create(TextFontHeight);
        for (uint i = 0; i < font.Length; i++)
        {
            _plane[PlaneIndex((i / TextFontHeight * 32) + (i % TextFontHeight)) + 2] = font[i];
        }

        FontGeneration++;
        _video.MarkAllDirty();
        UpdateWindow();
    }
}
