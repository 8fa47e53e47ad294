using NUnit.Framework;

namespace Emulator.Tests.Firmware;

/// <summary>
/// The built-in video BIOS beside SeaBIOS's as a black box: the same calls, and then the same registers, data area and video memory, as far as IBM's
/// documents decide.
/// </summary>
[Category("Boot")]
internal sealed class VideoComparisonTests
{
    private static readonly int[] Functions = [2, 2, 3, 5, 6, 7, 8, 9, 0xA, 0xC, 0xD, 0xE, 0xE, 0xE, 0xF, 0x13];
    private static readonly int[] Controls = [8, 10, 13, 7];

    /// <summary>What differs: SeaBIOS shows mode 0Fh in color, and sets bits that nothing depends on (the color don't care register, mode 11h's address wrap).</summary>
    private static readonly HashSet<string> Open = ["graphics 7", "crtc 17 of mode 11", "misc of mode 0F", "attribute 10 of mode 0F", "attribute 12 of mode 0F"];

    private VideoGuest _ours = null!;
    private VideoGuest _theirs = null!;

    [OneTimeSetUp]
    public void Boot()
    {
        _theirs = VideoGuest.CreateSeaBios();
        _ours = new VideoGuest();
    }

    [Test]
    public void Modes_leave_the_same_registers_and_palette()
    {
        (VideoGuest ours, VideoGuest theirs) = (_ours, _theirs);
        List<string> different = [];
        foreach (int mode in (int[])[0, 1, 2, 3, 4, 5, 6, 0xD, 0xE, 0xF, 0x10, 0x11, 0x12, 0x13])
        {
            ours.Call(mode);
            theirs.Call(mode);
            Dictionary<string, int> expected = theirs.Registers();
            different.AddRange(ours.Registers().Where(r => expected[r.Key] != r.Value && !Open.Contains(r.Key) && !Open.Contains($"{r.Key} of mode {mode:X2}"))
                .Select(r => $"mode {mode:X2} {r.Key}: {r.Value:X2} instead of {expected[r.Key]:X2}"));
            if (mode != 0x0F)
            {
                byte[] palette = theirs.Palette();
                Assert.That(ours.Palette(), Is.EqualTo(palette), $"palette of mode {mode:X2}");
            }
        }

        Assert.That(different, Is.Empty);
    }

    [TestCase(0x01)]
    [TestCase(0x03)]
    [TestCase(0x07)]
    [TestCase(0x04)]
    [TestCase(0x06)]
    [TestCase(0x0D)]
    [TestCase(0x0E)]
    [TestCase(0x10)]
    [TestCase(0x12)]
    [TestCase(0x13)]
    public void Random_calls_do_the_same(int mode)
    {
        const int Font = 0x4000;
        VideoGuest[] guests = [_ours, _theirs];
        (VideoGuest ours, VideoGuest theirs) = (guests[0], guests[1]);
        Random random = new(mode);
        byte[] font = new byte[256 * 16];
        random.NextBytes(font);
        bool graphics = mode is > 3 and not 7;
        foreach (VideoGuest guest in guests)
        {
            guest.WriteBuffer(font, Font);
            guest.Call(mode);
            guest.Call(mode);
            guest.Call(0x0100, 0, 0x0D0E);
            if (graphics)
            {
                guest.Call(0x1120, bp: Font + 0x400);
                guest.Call(0x1121, 0, guest.Read16(0x485), guest.Read8(0x484) + 1, bp: Font);
            }
        }

        Memory(theirs).CopyTo(Memory(ours));
        int columns = ours.Read8(0x44A);
        int rows = ours.Read8(0x484) + 1;
        byte[] text = new byte[20];
        for (int i = 0; i < 200; i++)
        {
            int function = Functions[random.Next(Functions.Length)];
            int al = function == 0xE && random.Next(3) == 0 ? Controls[random.Next(4)] : random.Next(256);
            int bl = random.Next(256);
            int bh = graphics ? 0 : random.Next(4);
            int place = (random.Next(rows) << 8) | random.Next(columns);
            (int cx, int dx) = function switch
            {
                6 or 7 => ((random.Next(rows) << 8) | random.Next(columns), place),
                9 or 0xA => (random.Next(1, 20), 0),
                0xC or 0xD => (random.Next(columns * 8), random.Next(rows * ours.Read16(0x485))),
                _ => (random.Next(1, 10), place),
            };
            switch (function)
            {
                case 5:
                    al = random.Next(graphics ? 1 : 4);
                    break;
                case 6 or 7:
                    al = random.Next(6);
                    bh = random.Next(mode == 0x13 || !graphics ? 256 : 16);
                    break;
                case 9 or 0xA when graphics: // within a row, as the documents ask
                    cx = Math.Min(cx, columns - ours.Read8(0x450));
                    break;
                case 0x13:
                    al = random.Next(4);
                    random.NextBytes(text);
                    ours.WriteBuffer(text);
                    theirs.WriteBuffer(text);
                    break;
                default:
                    break;
            }

            int[] results = [.. guests.Select(g => g.Call((function << 8) | al, (bh << 8) | bl, cx, dx) & (graphics && function == 8 ? 0xFF : 0xFFFF))];
            string call = $"call {i}: AX={function:X2}{al:X2} BX={bh:X2}{bl:X2} CX={cx:X4} DX={dx:X4}";
            if (function is 3 or 8 or 0xD or 0xF)
            {
                Assert.That((results[0], ours.Bx, ours.Cx, ours.Dx), Is.EqualTo((results[1], theirs.Bx, theirs.Cx, theirs.Dx)), call);
            }

            for (uint at = 0x449; at < 0x465; at++)
            {
                Assert.That(ours.Read8(at), Is.EqualTo(theirs.Read8(at)), $"{call}, 40:{at - 0x400:X2}");
            }

            Assert.That(Memory(ours).SequenceEqual(Memory(theirs)), $"{call}, video memory");
        }
    }

    [TestCase(0x100)]
    [TestCase(0x101)]
    [TestCase(0x102)]
    [TestCase(0x103)]
    [TestCase(0x105)]
    [TestCase(0x10D)]
    [TestCase(0x10E)]
    [TestCase(0x10F)]
    [TestCase(0x110)]
    [TestCase(0x111)]
    [TestCase(0x112)]
    [TestCase(0x118)]
    [TestCase(0x11A)]
    [TestCase(0x11C)]
    [TestCase(0x11F)]
    [TestCase(0x141)]
    [TestCase(0x145)]
    [TestCase(0x175)]
    [TestCase(0x18C)]
    [TestCase(0x192)]
    public void Vbe_modes_are_the_same(int mode)
    {
        VideoGuest[] guests = [_ours, _theirs];
        byte[][] info = new byte[2][];
        for (int i = 0; i < 2; i++)
        {
            VideoGuest guest = guests[i];
            Assert.That(guest.Call(0x4F01, 0, mode), Is.EqualTo(0x004F));
            info[i] = guest.ReadBuffer(256);
            Assert.That(guest.Call(0x4F02, mode == 0x102 ? mode : mode | 0x4000), Is.EqualTo(0x004F));
            guest.Call(0x4F03);
            Assert.That(guest.Bx & 0x1FF, Is.EqualTo(mode));
            guest.Picture();
        }

        Assert.Multiple(() =>
        {
            Assert.That(info[0][0x10..0x17], Is.EqualTo(info[1][0x10..0x17]), "line length, size, character width");
            Assert.That(info[0][0x18..0x1D], Is.EqualTo(info[1][0x18..0x1D]), "planes, depth, banks, memory model");
            Assert.That(info[0][0x1F..0x25], Is.EqualTo(info[1][0x1F..0x25]), "masks");
            Assert.That(info[0][0x28..0x2C], Is.EqualTo(info[1][0x28..0x2C]), "frame buffer");
            Assert.That(guests[0].Machine.Screen!.Width, Is.EqualTo(guests[1].Machine.Screen!.Width));
            Assert.That(guests[0].Machine.Screen!.Height, Is.EqualTo(guests[1].Machine.Screen!.Height));
            Assert.That(guests[0].Palette(), Is.EqualTo(info[0][0x19] <= 8 ? guests[1].Palette() : guests[0].Palette()), "palette, where it matters");
        });
    }

    [Test]
    public void Mode_numbers_that_both_have_are_the_same_modes()
    {
        Assert.That(_theirs.Call(0x4F00), Is.EqualTo(0x004F));
        uint pointer = BitConverter.ToUInt32(_theirs.ReadBuffer(4, 0x0E));
        List<int> modes = [];
        for (uint at = ((pointer >> 16) << 4) + (pointer & 0xFFFF); _theirs.Read16(at) != 0xFFFF; at += 2)
        {
            modes.Add(_theirs.Read16(at));
        }

        int known = 0;
        foreach (int mode in modes)
        {
            Assert.That(_theirs.Call(0x4F01, 0, mode), Is.EqualTo(0x004F));
            byte[] expected = _theirs.ReadBuffer(0x20);
            if (mode >= 0x100 && _ours.Call(0x4F01, 0, mode) == 0x004F)
            {
                byte[] info = _ours.ReadBuffer(0x20);
                Assert.That((BitConverter.ToUInt16(info, 0x12), BitConverter.ToUInt16(info, 0x14), info[0x19]),
                    Is.EqualTo((BitConverter.ToUInt16(expected, 0x12), BitConverter.ToUInt16(expected, 0x14), expected[0x19])), $"{mode:X}");
                known++;
            }
        }

        Assert.That(known, Is.GreaterThan(60));
    }

    private static Span<byte> Memory(VideoGuest guest)
    {
        guest.Machine.Vga!.SynchronizeText();
        return guest.Machine.Vga.VideoMemory.Bytes[..0x40000];
    }
}
