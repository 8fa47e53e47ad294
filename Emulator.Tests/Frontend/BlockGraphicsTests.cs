using System.Text;
using Emulator.Frontend.Terminal;
using NUnit.Framework;

namespace Emulator.Tests.Frontend;

internal sealed class BlockGraphicsTests
{
    private const string Clear = "\u001b[0m\u001b[2J";

    // 8 by 6 pixels: the upper half red, the lower half blue.
    private static readonly uint[] Picture = [.. Enumerable.Repeat(0xFF0000u, 24), .. Enumerable.Repeat(0x0000FFu, 24)];

    [Test]
    public void Cell_shows_the_mean_of_its_halves()
    {
        Assert.That(Draw(new BlockGraphics(trueColour: true), Picture, 3, 1), Is.EqualTo(Clear + "\u001b[1;1H\u001b[38;2;255;0;0m\u001b[48;2;0;0;255m▀▀\u001b[0m"));
        Assert.That(Draw(new BlockGraphics(trueColour: false), Picture, 3, 1), Is.EqualTo(Clear + "\u001b[1;1H\u001b[38;5;196m\u001b[48;5;21m▀▀\u001b[0m"));
    }

    [Test]
    public void Only_what_changed_is_drawn()
    {
        BlockGraphics graphics = new(trueColour: true);
        Draw(graphics, Picture, 3, 1);
        Assert.That(Draw(graphics, Picture, 3, 1), Is.Empty);
        uint[] changed = [.. Picture];
        for (int y = 0; y < 6; y++)
        {
            changed.AsSpan((y * 8) + 4, 4).Fill(0x102030);
        }

        Assert.That(Draw(graphics, changed, 3, 1), Is.EqualTo("\u001b[1;2H\u001b[38;2;16;32;48m\u001b[48;2;16;32;48m▀\u001b[0m"));
    }

    [Test]
    public void Any_size_of_terminal_and_picture_works()
    {
        Random random = new(3);
        for (int round = 0; round < 500; round++)
        {
            int width = random.Next(1, 100);
            int height = random.Next(1, 100);
            uint[] pixels = new uint[width * height];
            Assert.That(Draw(new BlockGraphics(round % 2 == 0), pixels, random.Next(1, 200), random.Next(1, 80), width, height), Does.StartWith(Clear));
        }
    }

    private static string Draw(BlockGraphics graphics, uint[] pixels, int columns, int rows, int width = 8, int height = 6)
    {
        StringBuilder text = new();
        graphics.Draw(text, pixels, width, height, columns, rows);
        return text.ToString();
    }
}
