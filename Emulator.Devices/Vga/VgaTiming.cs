using Emulator.Devices.Timers;

namespace Emulator.Devices.Vga;

/// <summary>
/// Where the beam is: frame geometry in dots and lines from the CRTC's registers, and the position in it from virtual time. Frames are
/// counted from time 0, so that the position needs no state.
/// </summary>
/// <param name="DotClock">Dots a second.</param>
/// <param name="LineDots">Dots of a line, retrace included.</param>
/// <param name="DisplayDots">Dots of a line with display enabled.</param>
/// <param name="Lines">Lines of a frame, retrace included.</param>
/// <param name="DisplayLines">Lines with display enabled.</param>
/// <param name="RetraceStart">First line of vertical retrace.</param>
/// <param name="RetraceLines">Lines of vertical retrace.</param>
internal readonly record struct VgaTiming(long DotClock, int LineDots, int DisplayDots, int Lines, int DisplayLines, int RetraceStart, int RetraceLines)
{
    private const long Clock25 = 25_175_000;
    private const long Clock28 = 28_322_000;

    private long FrameDots => (long)LineDots * Lines;

    /// <summary>Nanoseconds of a frame.</summary>
    public long FrameTime => FrameDots * Frequency.Second / DotClock;

    /// <summary>From the registers of a VGA.</summary>
    /// <param name="misc">Miscellaneous output.</param>
    /// <param name="clocking">Sequencer clocking mode.</param>
    /// <param name="crtc">CRTC registers.</param>
    public static VgaTiming FromRegisters(byte misc, byte clocking, ReadOnlySpan<byte> crtc)
    {
        int dots = ((clocking & 1) != 0 ? 8 : 9) * ((clocking & 8) != 0 ? 2 : 1);
        int overflow = crtc[0x07];
        int factor = (crtc[0x17] & 4) != 0 ? 2 : 1;
        int total = (crtc[0x06] | ((overflow & 1) << 8) | ((overflow & 0x20) << 4)) + 2;
        int displayed = DisplayEnd(crtc) + 1;
        int start = crtc[0x10] | ((overflow & 4) << 6) | ((overflow & 0x80) << 2);
        int lines = ((crtc[0x11] - start) & 0x0F) is var length and not 0 ? length : 16;
        return new VgaTiming((misc & 0x0C) == 0 ? Clock25 : Clock28, (crtc[0] + 5) * dots, (crtc[1] + 1) * dots, total * factor, displayed * factor, start * factor, lines * factor);
    }

    /// <summary>60 frames a second of a mode that has no CRTC timing.</summary>
    /// <param name="width">Pixels.</param>
    /// <param name="height">Lines.</param>
    public static VgaTiming Fixed(int width, int height)
    {
        int lineDots = width + (width / 4) + 8;
        int lines = height + (height / 20) + 8;
        return new VgaTiming(60L * lineDots * lines, lineDots, width, lines, height, height + 2, 2);
    }

    /// <summary>Line on which display ends, counted by the vertical counter.</summary>
    public static int DisplayEnd(ReadOnlySpan<byte> crtc) => crtc[0x12] | ((crtc[0x07] & 2) << 7) | ((crtc[0x07] & 0x40) << 3);

    /// <summary>Number of the frame that is shown.</summary>
    /// <param name="now">Virtual nanoseconds.</param>
    public long Frame(long now) => Frequency.TicksAt(now, DotClock) / FrameDots;

    /// <summary>Whether display is disabled (horizontal or vertical), and whether the beam is in vertical retrace.</summary>
    /// <param name="now">Virtual nanoseconds.</param>
    public (bool Blank, bool Retrace) Position(long now)
    {
        (long line, long dot) = Math.DivRem(Frequency.TicksAt(now, DotClock) % FrameDots, LineDots);
        return (line >= DisplayLines || dot >= DisplayDots, line >= RetraceStart && line < RetraceStart + RetraceLines);
    }
}
