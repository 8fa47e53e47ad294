using NUnit.Framework;

namespace Emulator.Tests.Vga;

[TestFixture]
public sealed class VgaTimingTests
{
    private static readonly object[] Modes =
    [
        new object[] { VgaMode.Text, 70.09, 31.47 },
        new object[] { VgaMode.Chained, 70.09, 31.47 },
        new object[] { VgaMode.Planar, 59.94, 31.47 },
        new object[] { VgaMode.Unchained, 59.94, 31.47 },
    ];

    [TestCaseSource(nameof(Modes))]
    public void Retrace_comes_at_the_rate_of_the_mode(object mode, double hertz, double kilohertz)
    {
        VgaBoard board = new();
        board.Set((VgaMode)mode);
        const int Step = 500;
        const int Time = 500_000_000;
        int frames = 0;
        int lines = 0;
        int inRetrace = 0;
        int blank = 0;
        byte last = board.In(0x3DA);
        for (int i = 0; i < Time / Step; i++)
        {
            board.Board.Advance(Step);
            byte status = board.In(0x3DA);
            frames += (status & 8) != 0 && (last & 8) == 0 ? 1 : 0;
            lines += (status & 1) != 0 && (last & 1) == 0 ? 1 : 0;
            inRetrace += (status & 8) >> 3;
            blank += status & 1;
            last = status;
        }

        Assert.That(frames / 0.5, Is.EqualTo(hertz).Within(2.1));
        double displayed = ((VgaMode)mode).Misc >= 0xC0 ? 480.0 / 525 : 400.0 / 449;
        Assert.That(lines / 0.5 / 1000, Is.EqualTo(kilohertz * displayed).Within(0.3));
        Assert.That(inRetrace * (double)Step / frames, Is.EqualTo(2e9 / (kilohertz * 1000)).Within(2500), "two lines");
        Assert.That(blank / (double)(Time / Step), Is.EqualTo(1 - (displayed * 0.8)).Within(0.01));
    }

    [Test]
    public void Times_of_any_registers_are_answered()
    {
        VgaBoard board = new();
        Random random = new(1);
        for (int i = 0; i < 20_000; i++)
        {
            board.Crtc(0x11, 0);
            board.Crtc(random.Next(0x19), random.Next(256));
            board.Sequencer(1, random.Next(64));
            board.Board.Advance(random.Next(1_000_000));
            Assert.That(board.In(0x3DA) & 0xF6, Is.Zero);
        }
    }
}
