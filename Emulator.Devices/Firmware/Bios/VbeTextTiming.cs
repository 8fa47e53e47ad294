namespace Emulator.Devices.Firmware.Bios;

/// <summary>Registers for VBE's text modes: mode 3 with 132 columns of eight dots, with the lines of mode 12h, or both.</summary>
internal static class VbeTextTiming
{
    private const int Mode3 = 0x18;
    private const int Mode12 = 0x1B;
    private const int Ega350 = 0x15;

    /// <summary>Makes an entry of the parameter table.</summary>
    /// <param name="mode">A text mode.</param>
    /// <param name="entry">Receives <see cref="VideoModeTable.EntrySize"/> bytes.</param>
    public static void Create(VbeMode mode, Span<byte> entry)
    {
        Entry(Mode3).CopyTo(entry);
        Span<byte> crtc = entry.Slice(VideoModeTable.Crtc, VideoModeTable.CrtcCount);
        int vertical = mode.Height switch { 60 => Mode12, 43 => Ega350, _ => Mode3 };
        ReadOnlySpan<byte> source = Entry(vertical);
        ReadOnlySpan<int> verticalRegisters = [0x06, 0x07, 0x10, 0x11, 0x12, 0x15, 0x16];
        foreach (int register in verticalRegisters)
        {
            crtc[register] = source[VideoModeTable.Crtc + register];
        }

        const byte Clock28 = 0x04;
        const byte ClockSelect = 0x0C;
        entry[VideoModeTable.Misc] = (byte)((source[VideoModeTable.Misc] & ~ClockSelect) | Clock28);
        entry[VideoModeTable.Sequencer] = 0x01; // eight dots
        int height = mode.CharacterHeight;
        int last = (mode.Height * height) - 1;
        crtc[0x12] = (byte)last;
        crtc[0x09] = (byte)((crtc[0x09] & 0xE0) | (height - 1));
        crtc[0x0A] = (byte)(height >= 14 ? height - 3 : height - 2);
        crtc[0x0B] = (byte)(height >= 14 ? height - 2 : height - 1);
        if (mode.Width == 132)
        {
            // 160 character clocks: 132 shown, blank from there, retrace from 139 to 155.
            ReadOnlySpan<byte> horizontal = [0x9B, 0x83, 0x84, 0x80 | (158 & 0x1F), 139, 155 & 0x1F];
            horizontal.CopyTo(crtc);
            crtc[0x13] = 66;
        }

        entry[VideoModeTable.Columns] = (byte)mode.Width;
        entry[VideoModeTable.LastRow] = (byte)(mode.Height - 1);
        entry[VideoModeTable.CharacterHeight] = (byte)height;
        int page = ((mode.Width * mode.Height * 2) + 0xFFF) & ~0xFFF;
        entry[VideoModeTable.PageSize] = (byte)page;
        entry[VideoModeTable.PageSize + 1] = (byte)(page >> 8);
    }

    private static ReadOnlySpan<byte> Entry(int index) => VideoModeTable.Data.AsSpan(index * VideoModeTable.EntrySize, VideoModeTable.EntrySize);
}
