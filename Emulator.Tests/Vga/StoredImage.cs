using Emulator.Devices.Vga;
using NUnit.Framework;

namespace Emulator.Tests.Vga;

/// <summary>
/// Compares screens with pictures in <c>Emulator.Tests/Images</c>, which are copied beside the test program. What differs is written next to the
/// expected picture: NAME.actual.png, and NAME.difference.png with equal points dimmed and others red. A new picture is accepted by looking at it and
/// copying it to <c>Emulator.Tests/Images</c>.
/// </summary>
internal static class StoredImage
{
    private const uint Different = 0xFFFF0000;

    /// <summary>Asserts that a screen shows the stored picture.</summary>
    /// <param name="screen">The screen.</param>
    /// <param name="name">Name of the picture, without extension.</param>
    public static void Check(VgaScreen screen, string name)
    {
        screen.Update();
        string folder = Path.Combine(AppContext.BaseDirectory, "Images");
        string expected = Path.Combine(folder, name + ".png");
        string actual = Path.Combine(folder, name + ".actual.png");
        using MemoryStream picture = new();
        screen.WritePng(picture);
        if (!File.Exists(expected))
        {
            Directory.CreateDirectory(folder);
            File.WriteAllBytes(actual, picture.ToArray());
            Assert.Fail($"There is no picture {name}.png yet; the screen is {actual}");
        }

        (int width, int height, uint[] points) = PngReader.Read(File.ReadAllBytes(expected));
        (int shownWidth, int shownHeight, uint[] shown) = PngReader.Read(picture.ToArray());
        int wrong = width == shownWidth && height == shownHeight ? points.Zip(shown).Count(p => p.First != p.Second) : -1;
        if (wrong == 0)
        {
            return;
        }

        File.WriteAllBytes(actual, picture.ToArray());
        if (wrong > 0)
        {
            using FileStream difference = File.Create(Path.Combine(folder, name + ".difference.png"));
            uint[] marked = [.. points.Zip(shown, (e, a) => e == a ? (a >> 2) & 0x3F3F3F : Different)];
            PngImage.Write(difference, marked, width, height);
        }

        Assert.Fail(wrong > 0
            ? $"{wrong} of {width * height} points differ from {expected}; see {name}.actual.png and {name}.difference.png beside it"
            : $"the screen is {shownWidth} by {shownHeight}, {expected} {width} by {height}");
    }
}
