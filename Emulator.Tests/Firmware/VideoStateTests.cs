using NUnit.Framework;

namespace Emulator.Tests.Firmware;

/// <summary>INT 10h, functions 12h, 1Ah, 1Bh, 1Ch, 4F04h.</summary>
internal sealed class VideoStateTests
{
    [Test]
    public void Adapter_describes_itself()
    {
        VideoGuest guest = new();
        guest.Call(0x1200, 0xFF10, 0xFFFF);
        Assert.That((guest.Bx, guest.Cx), Is.EqualTo((0x0003, 0x0F09)));
        Assert.That(guest.Call(0x1A00), Is.EqualTo(0x1A1A & 0xFF | 0x1A00));
        Assert.That(guest.Bx, Is.EqualTo(0x0008));
        guest.Call(0x1A01, 0x0807);
        guest.Call(0x1A00);
        Assert.That(guest.Bx & 0xFF, Is.EqualTo(8));
        foreach (int function in (int[])[0x20, 0x32, 0x34, 0x36])
        {
            Assert.That(guest.Call(0x1200, function) & 0xFF, Is.EqualTo(0x12), $"{function:X2}");
        }
    }

    [Test]
    public void Screen_is_switched_off_and_on()
    {
        VideoGuest guest = new();
        guest.Call(0x0941, 0x0F, 80);
        guest.Call(0x1201, 0x36);
        Assert.That(guest.Picture().All(p => p == 0xFF000000));
        guest.Call(0x1200, 0x36);
        Assert.That(guest.Picture().Any(p => p == 0xFFFFFFFF));
    }

    [TestCase(3, 16, 8, 2)]
    [TestCase(7, 0, 8, 2)]
    [TestCase(4, 4, 1, 0)]
    [TestCase(0x10, 16, 2, 1)]
    [TestCase(0x12, 16, 1, 3)]
    public void State_information_has_the_mode(int mode, int colors, int pages, int lines)
    {
        VideoGuest guest = new();
        guest.Call(mode);
        guest.Call(0x0200, 0, 0, 0x0304);
        Assert.That(guest.Call(0x1B00) & 0xFF, Is.EqualTo(0x1B));
        byte[] state = guest.ReadBuffer(64);
        uint table = (BitConverter.ToUInt16(state, 2) * 16u) + BitConverter.ToUInt16(state, 0);
        Assert.Multiple(() =>
        {
            Assert.That(guest.Read32(table) & 0xFFFFFF, Is.EqualTo(0x0FE0FF), "modes");
            Assert.That(guest.Read8(table + 7), Is.EqualTo(7), "scan lines");
            Assert.That(state[4], Is.EqualTo(mode));
            Assert.That(BitConverter.ToUInt16(state, 5), Is.EqualTo(guest.Read16(0x44A)));
            Assert.That(BitConverter.ToUInt16(state, 0x0B), Is.EqualTo(0x0304));
            Assert.That(BitConverter.ToUInt16(state, 0x1E), Is.EqualTo(guest.Read16(0x463)));
            Assert.That(state[0x22], Is.EqualTo(guest.Read8(0x484) + 1));
            Assert.That(BitConverter.ToUInt16(state, 0x23), Is.EqualTo(guest.Read16(0x485)));
            Assert.That(state[0x25], Is.EqualTo(8));
            Assert.That((BitConverter.ToUInt16(state, 0x27), state[0x29], state[0x2A]), Is.EqualTo((colors, pages, lines)));
            Assert.That(state[0x31], Is.EqualTo(3));
        });
    }

    [TestCase(0x1C00, 7, 3)]
    [TestCase(0x1C00, 7, 0x12)]
    [TestCase(0x4F04, 15, 0x13)]
    [TestCase(0x4F04, 15, 0x111)]
    public void State_is_saved_and_restored(int function, int parts, int mode)
    {
        VideoGuest guest = new();
        bool vbe = function == 0x4F04;
        guest.Call(mode < 0x100 ? mode : 0x4F02, mode);
        guest.Call(0x1010, 0x21, 0x0102, 0x0300);
        guest.Call(0x0200, 0, 0, 0x0102);
        guest.Call(function, 0, parts);
        int size = guest.Bx * 64;
        Assert.That(size, Is.InRange(64, 2048));
        guest.WriteBuffer(Enumerable.Repeat((byte)0xCC, size + 64).ToArray());
        guest.Call(vbe ? function : function | 1, 0, parts, 1);
        Assert.That(guest.ReadBuffer(64, size), Is.All.EqualTo(0xCC), "no more than it said");
        Dictionary<string, int> registers = guest.Registers();
        byte[] palette = guest.Palette();
        guest.Picture();
        (int width, int height) = (guest.Machine.Screen!.Width, guest.Machine.Screen.Height);
        guest.Call(0x07);
        guest.Call(0x4F02, 0x103);
        Assert.That(guest.Palette(), Is.Not.EqualTo(palette));
        guest.Call(0x4F04, 0, 0, 9);
        if (!vbe)
        {
            guest.Call(3); // function 1Ch knows the VGA only
        }

        guest.Call(vbe ? function : function | 2, 0, parts, 2);
        guest.Picture();
        Assert.That(guest.Registers(), Is.EqualTo(registers));
        Assert.That(guest.Palette(), Is.EqualTo(palette));
        Assert.That((guest.Machine.Screen.Width, guest.Machine.Screen.Height), Is.EqualTo((width, height)));
        guest.Call(0x0300);
        Assert.That(guest.Dx, Is.EqualTo(0x0102));
    }
}
