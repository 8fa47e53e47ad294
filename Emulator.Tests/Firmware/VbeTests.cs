using System.Text;
using Emulator.Core.Cpu;
using Emulator.Core.Memory;
using Emulator.Devices;
using Emulator.Devices.Vga;
using Emulator.Tests.Core;
using NUnit.Framework;

namespace Emulator.Tests.Firmware;

/// <summary>VBE: functions 4Fxxh, the window function and the protected mode interface.</summary>
internal sealed unsafe class VbeTests
{
    private const int Ok = 0x004F;

    [Test]
    public void Adapter_is_described_for_both_versions()
    {
        VideoGuest guest = new();
        guest.WriteBuffer(Enumerable.Repeat((byte)0xEE, 600).ToArray());
        Assert.That(guest.Call(0x4F00), Is.EqualTo(Ok));
        byte[] block = guest.ReadBuffer(600);
        Assert.That(Encoding.ASCII.GetString(block, 0, 4), Is.EqualTo("VESA"));
        Assert.That((BitConverter.ToUInt16(block, 4), BitConverter.ToUInt16(block, 0x12)), Is.EqualTo((0x0300, 256)));
        Assert.That(block[256..], Is.All.EqualTo(0xEE), "256 bytes for VBE 1");
        Assert.That(Text(guest, BitConverter.ToUInt32(block, 6)), Is.EqualTo("EmulatorNet VBE"));

        guest.WriteBuffer("VBE2"u8);
        Assert.That(guest.Call(0x4F00), Is.EqualTo(Ok));
        block = guest.ReadBuffer(600);
        Assert.That(block[512..], Is.All.EqualTo(0xEE));
        Assert.That(new[] { 6, 0x16, 0x1A, 0x1E }.Select(at => Text(guest, BitConverter.ToUInt32(block, at))), Is.EqualTo(new[] { "EmulatorNet VBE", "EmulatorNet", "Bochs VBE display adapter", "1.0" }));
        Assert.That(new[] { 6, 0x16, 0x1A, 0x1E }.All(at => BitConverter.ToUInt16(block, at + 2) == VideoGuest.BufferSegment), "in the block itself");
    }

    [Test]
    public void Every_mode_of_the_list_is_described_and_can_be_set()
    {
        VideoGuest guest = new();
        guest.Call(0x4F00);
        uint list = Linear(BitConverter.ToUInt32(guest.ReadBuffer(4, 0x0E)));
        List<int> modes = [];
        for (; guest.Read16(list) != 0xFFFF; list += 2)
        {
            modes.Add(guest.Read16(list));
        }

        Assert.That(modes, Is.Ordered.And.Unique);
        Assert.That(modes, Is.SupersetOf(Enumerable.Range(0x100, 0x20)));
        foreach (int mode in modes)
        {
            Assert.That(guest.Call(0x4F01, 0, mode), Is.EqualTo(Ok));
            byte[] info = guest.ReadBuffer(256);
            bool text = (info[0] & 0x10) == 0;
            bool linear = (info[0] & 0x80) != 0;
            int width = BitConverter.ToUInt16(info, 0x12);
            int height = BitConverter.ToUInt16(info, 0x14);
            Assert.That(guest.Call(0x4F02, mode | (linear ? 0x4000 : 0)), Is.EqualTo(Ok), $"{mode:X}");
            guest.Picture();
            Assert.That((guest.Machine.Screen!.Width, guest.Machine.Screen.Height), Is.EqualTo(text ? (width * 8, height * info[0x17]) : (width, height)), $"{mode:X}");
            guest.Call(0x4F03);
            Assert.That(guest.Bx, Is.EqualTo(mode | (linear ? 0x4000 : 0)), $"{mode:X}");
            Assert.That(linear, Is.EqualTo(info[0x19] >= 8));
            Assert.That(BitConverter.ToUInt32(info, 0x28), Is.EqualTo(linear ? guest.Machine.Vga!.ReadConfiguration(0x10, 4) & ~0xFu : 0));
        }
    }

    [Test]
    public void Text_modes_show_text()
    {
        VideoGuest guest = new();
        foreach ((int mode, int columns, int rows) in new[] { (0x108, 80, 60), (0x109, 132, 25), (0x10A, 132, 43), (0x10B, 132, 50), (0x10C, 132, 60) })
        {
            Assert.That(guest.Call(0x4F02, mode), Is.EqualTo(Ok));
            guest.Call(0x0200, 0, 0, ((rows - 1) << 8) | (columns - 1));
            guest.Call(0x0958, 7, 1);
            Assert.That(guest.Machine.Screen!.TextLines, Has.Count.EqualTo(rows));
            Assert.That(guest.Machine.Screen.TextLines[rows - 1], Is.EqualTo("X".PadLeft(columns)));
        }
    }

    [Test]
    public void Unknown_modes_and_impossible_flags_fail()
    {
        VideoGuest guest = new();
        Assert.That(guest.Call(0x4F01, 0, 0x1FF), Is.EqualTo(0x014F));
        Assert.That(guest.Call(0x4F02, 0x1FF), Is.EqualTo(0x014F));
        Assert.That(guest.Call(0x4F02, 0x4102), Is.EqualTo(0x014F), "16 colors have no linear frame buffer");
        Assert.That(guest.Call(0x4F02, 0x4013), Is.EqualTo(0x014F));
        Assert.That(guest.Call(0x4F05, 0, 0, 1), Is.EqualTo(0x034F), "no windows in text");
        Assert.That(guest.Call(0x4F77), Is.EqualTo(0x0100));
        guest.Call(0x4F03);
        Assert.That(guest.Bx, Is.EqualTo(3));
        guest.Machine.Vga!.WriteConfiguration(4, 2, 0);
        guest.Call(0x4F01, 0, 0x101);
        Assert.That(guest.ReadBuffer(1)[0] & 0x80, Is.Zero, "the frame buffer is nowhere");
        Assert.That(guest.Call(0x4F02, 0x4101), Is.EqualTo(0x014F));
    }

    [Test]
    public void Memory_is_kept_when_asked_for()
    {
        VideoGuest guest = new();
        guest.Call(0x4F02, 0x4101);
        uint buffer = guest.Machine.Vga!.ReadConfiguration(0x10, 4) & ~0xFu;
        guest.Machine.Memory.Write<byte>(buffer + 12345, 0x77);
        guest.Call(0x4F02, 0xC101);
        Assert.That(guest.Read8(buffer + 12345), Is.EqualTo(0x77));
        guest.Call(0x4F03);
        Assert.That(guest.Bx, Is.EqualTo(0xC101));
        guest.Call(0x4F02, 0x4101);
        Assert.That(guest.Read8(buffer + 12345), Is.Zero);
    }

    [Test]
    public void Windows_move_by_interrupt_and_by_far_call()
    {
        VideoGuest guest = new();
        guest.Call(0x4F02, 0x103);
        uint buffer = guest.Machine.Vga!.ReadConfiguration(0x10, 4) & ~0xFu;
        Assert.That(guest.Call(0x4F05, 0, 0, 3), Is.EqualTo(Ok));
        guest.Machine.Memory.Write<byte>(0xA0005, 0x11);
        Assert.That(guest.Read8(buffer + 0x30005), Is.EqualTo(0x11));
        guest.Call(0x4F01, 0, 0x103);
        uint function = BitConverter.ToUInt32(guest.ReadBuffer(4, 0x0C));
        (guest.Ebx, guest.Edx) = (0, 5);
        guest.Execute([0x9A, .. BitConverter.GetBytes(function)]);
        guest.Machine.Memory.Write<byte>(0xA0005, 0x22);
        Assert.That(guest.Read8(buffer + 0x50005), Is.EqualTo(0x22));
        guest.Call(0x4F05, 0x0100);
        Assert.That(guest.Dx, Is.EqualTo(5));
        Assert.That(guest.Call(0x4F05, 0, 0, 256), Is.EqualTo(0x014F));
        guest.Call(0x4F02, 0x4103);
        Assert.That(guest.Call(0x4F05, 0, 0, 1), Is.EqualTo(0x034F), "not with the linear frame buffer");
    }

    [Test]
    public void Lines_get_longer_and_the_start_moves()
    {
        VideoGuest guest = new();
        guest.Call(0x4F02, 0x4111);
        Assert.That(guest.Call(0x4F06, 0, 1001), Is.EqualTo(Ok));
        Assert.That((guest.Bx, guest.Cx, guest.Dx), Is.EqualTo((2016, 1008, (16 << 20) / 2016)));
        guest.Call(0x4F06, 2, 2048);
        Assert.That((guest.Bx, guest.Cx), Is.EqualTo((2048, 1024)));
        guest.Call(0x4F06, 3);
        Assert.That((guest.Bx, guest.Cx), Is.EqualTo((16384, 8192)));
        Assert.That(guest.Call(0x4F06, 0, 9000), Is.EqualTo(0x014F));
        Assert.That(guest.Call(0x4F07, 0, 384, 7000), Is.EqualTo(Ok));
        guest.Call(0x4F07, 1);
        Assert.That((guest.Cx, guest.Dx), Is.EqualTo((384, 7000)));
        Assert.That(guest.Call(0x4F07, 0, 385, 0), Is.EqualTo(0x014F), "beyond the line");
        Assert.That(guest.Call(0x4F07, 0, 0, 7713), Is.EqualTo(0x014F), "beyond memory");
        Assert.That(guest.Call(0x4F07, 2, (2048 * 100) + (2 * 16)), Is.EqualTo(Ok));
        guest.Call(0x4F07, 1);
        Assert.That((guest.Cx, guest.Dx), Is.EqualTo((16, 100)));
    }

    [Test]
    public void Start_waits_for_the_retrace()
    {
        VideoGuest guest = new();
        guest.Call(0x4F02, 0x4101);
        for (int i = 1; i <= 3; i++)
        {
            long before = guest.Machine.Clock.Now;
            while ((guest.In(0x3DA) & 8) != 0)
            {
                guest.Machine.Run(1000);
            }

            Assert.That(guest.Call(0x4F07, 0x80, 0, i), Is.EqualTo(Ok));
            Assert.That(guest.In(0x3DA) & 8, Is.EqualTo(8));
            Assert.That(guest.Machine.Clock.Now - before, Is.InRange(0, 17_000_000));
        }

        guest.Call(0x4F07, 1);
        Assert.That(guest.Dx, Is.EqualTo(3));
    }

    [Test]
    public void Palette_has_six_or_eight_bits()
    {
        VideoGuest guest = new();
        guest.Call(0x4F02, 0x101);
        guest.Call(0x4F08, 0x0800);
        Assert.That(guest.Bx >> 8, Is.EqualTo(8));
        guest.WriteBuffer([0xF3, 0x12, 0xAB, 0, 1, 2, 3, 0]);
        Assert.That(guest.Call(0x4F09, 0, 2, 7), Is.EqualTo(Ok));
        guest.Call(0x0C07, 0, 0, 0);
        Assert.That(guest.Picture()[0], Is.EqualTo(0xFFAB12F3));
        guest.WriteBuffer(new byte[8]);
        guest.Call(0x4F09, 1, 2, 7);
        Assert.That(guest.ReadBuffer(8), Is.EqualTo(new byte[] { 0xF3, 0x12, 0xAB, 0, 1, 2, 3, 0 }));
        guest.Call(0x4F02, 0x103);
        guest.Call(0x4F08, 1);
        Assert.That(guest.Bx >> 8, Is.EqualTo(6), "a mode starts with six bits");
        Assert.That(guest.Call(0x4F09, 2), Is.EqualTo(0x024F));
        guest.Call(0x4F02, 0x112);
        Assert.That(guest.Call(0x4F08, 0x0800), Is.EqualTo(0x034F));
    }

    [Test]
    public void Protected_mode_interface_works_by_ports()
    {
        VideoGuest guest = new();
        guest.Call(0x4F02, 0x103);
        Assert.That(guest.Call(0x4F0A), Is.EqualTo(Ok));
        uint table = ((uint)guest.Es << 4) + (ushort)guest.Edi;
        byte[] code = new byte[guest.Cx];
        guest.Machine.Memory.ReadBlock(table, code);
        const uint Copy = 0x123456; // wherever a program copies it
        guest.Machine.Memory.WriteBlock(Copy, code);
        uint setWindow = Copy + BitConverter.ToUInt16(code, 0);
        uint setStart = Copy + BitConverter.ToUInt16(code, 2);
        uint setPalette = Copy + BitConverter.ToUInt16(code, 4);
        Assert.That(BitConverter.ToUInt16(code, BitConverter.ToUInt16(code, 6)), Is.EqualTo(0x1CE), "the list of ports");

        Assert.That(CallProtected(guest, setWindow, 0x4F05, 0, 0, 9), Is.EqualTo(Ok));
        Assert.That(Dispi(guest, 5), Is.EqualTo(9));
        Assert.That(CallProtected(guest, setWindow, 0x4F05, 0, 0, 300), Is.EqualTo(0x014F));
        const int Start = ((800 * 50) + 24) / 4;
        Assert.That(CallProtected(guest, setStart, 0x4F07, 0x80, Start & 0xFFFF, Start >> 16), Is.EqualTo(Ok));
        Assert.That((Dispi(guest, 8), Dispi(guest, 9)), Is.EqualTo((0, 50)), "no wider than what is shown");
        guest.Machine.Memory.WriteBlock(0x20000, [1, 2, 3, 0, 4, 5, 6, 0]);
        guest.Edi = 0x20000;
        Assert.That(CallProtected(guest, setPalette, 0x4F09, 0, 2, 0x40), Is.EqualTo(Ok));
        Assert.That(guest.Palette()[0xC0..0xC6], Is.EqualTo(new byte[] { 3, 2, 1, 6, 5, 4 }));
    }

    [TestCase(0x118, 3)]
    [TestCase(0x144, 4)]
    [TestCase(0x111, 2)]
    public void Protected_mode_interface_divides_by_the_depth(int mode, int bytes)
    {
        VideoGuest guest = new();
        guest.Call(0x4F02, mode);
        guest.Call(0x4F06, 0, 1280);
        guest.Call(0x4F0A);
        uint table = ((uint)guest.Es << 4) + (ushort)guest.Edi;
        int start = ((1280 * 77) + 40) * bytes / 4;
        Assert.That(CallProtected(guest, table + guest.Read16(table + 2), 0x4F07, 0, start & 0xFFFF, start >> 16), Is.EqualTo(Ok));
        Assert.That((Dispi(guest, 8), Dispi(guest, 9)), Is.EqualTo((40, 77)));
    }

    [Test]
    public void Display_is_powered_down_and_up()
    {
        VideoGuest guest = new();
        Assert.That(guest.Call(0x4F10, 0), Is.EqualTo(Ok));
        Assert.That(guest.Bx, Is.EqualTo(0x0F10));
        foreach (int mode in (int[])[3, 0x111])
        {
            guest.Call(mode < 0x100 ? mode : 0x4F02, mode);
            guest.Call(0x0941, 0x0F, 3);
            Assert.That(guest.Call(0x4F10, 0x0401), Is.EqualTo(Ok));
            Assert.That(guest.Picture().All(p => p == 0xFF000000), $"mode {mode:X}");
            guest.Call(0x4F10, 2);
            Assert.That(guest.Bx >> 8, Is.EqualTo(4));
            guest.Call(0x4F10, 1);
            Assert.That(guest.Picture().Any(p => p == 0xFFFFFFFF), $"mode {mode:X}");
        }

        Assert.That(guest.Call(0x4F10, 0x0301), Is.EqualTo(0x014F));
    }

    [Test]
    public void Monitor_is_described()
    {
        VideoGuest guest = new();
        Assert.That(guest.Call(0x4F15, 0), Is.EqualTo(Ok));
        Assert.That(guest.Bx & 2, Is.EqualTo(2));
        Assert.That(guest.Call(0x4F15, 1), Is.EqualTo(Ok));
        byte[] edid = guest.ReadBuffer(128);
        Assert.That(edid.Aggregate(0, (sum, b) => (sum + b) & 0xFF), Is.Zero);
        Assert.That(edid[..8], Is.EqualTo(new byte[] { 0, 255, 255, 255, 255, 255, 255, 0 }));
        Assert.That(guest.Call(0x4F15, 1, 0, 1), Is.EqualTo(0x014F), "no second block");
    }

    [Test]
    public void Absent_pages_of_the_window_fault_before_anything_happens()
    {
        const uint Directory = 0x200000;
        VideoGuest guest = new(new PcMachineConfig { RamSize = 16 << 20, NoReboot = true });
        guest.Call(3);
        CpuCore cpu = guest.Machine.Cpu;
        TestMachine.EnablePaging(cpu);
        uint table = cpu.Memory.Read<uint>(Directory) & 0xFFFFF000;
        cpu.Memory.Write(Directory, cpu.Memory.Read<uint>(Directory) | 7);
        for (uint page = 0; page < 0x200; page++)
        {
            cpu.Memory.Write(table + (4 * page), (page << 12) | (page == 0xB8 ? 0u : 7u));
        }

        // Virtual-8086 mode at the ROM's INT 10h; without an interrupt table, the page fault shuts the CPU down.
        CpuState* s = cpu.State;
        s->Cr0 |= Cr0.PE;
        s->EflagsRest |= Eflags.VM;
        for (int i = 0; i < 6; i++)
        {
            Segmentation.SetV86(s, i, i == SegmentIndex.Cs ? (ushort)0xC000 : (ushort)0);
        }

        s->Cpl = 3;
        CpuState.R32(s, 4) = 0x6000;
        CpuState.R32(s, 0) = 0x0E41;
        s->Eip = 0x48;
        PageWalk.FlushAll(s);
        CpuMode.Update(s);
        guest.Machine.Run(1);
        Assert.That(s->Cr2, Is.EqualTo(0xB8000));
        Assert.That(guest.Read16(0x450), Is.Zero, "the cursor is where it was");
    }

    private static uint Linear(uint pointer) => ((pointer >> 16) << 4) + (pointer & 0xFFFF);

    private static string Text(VideoGuest guest, uint pointer)
    {
        StringBuilder text = new();
        for (uint at = Linear(pointer); guest.Read8(at) != 0; at++)
        {
            text.Append((char)guest.Read8(at));
        }

        return text.ToString();
    }

    private static int Dispi(VideoGuest guest, int index)
    {
        guest.Machine.Ports.Write(0x1CE, 2, (uint)index);
        return (int)guest.Machine.Ports.Read(0x1CF, 2);
    }

    /// <summary>Calls a procedure in flat protected mode; EDI is kept, and the guest cannot go back.</summary>
    private static ushort CallProtected(VideoGuest guest, uint procedure, uint eax, uint ebx, int ecx, int edx)
    {
        CpuCore cpu = guest.Machine.Cpu;
        cpu.State->EflagsRest &= ~Eflags.IF;
        cpu.State->IsHalted = 0;
        TestMachine.RunFlatCode(cpu, [0xE8, .. BitConverter.GetBytes(procedure - (TestMachine.CodeAddress + 5)), 0xF4]);
        (guest.Eax, guest.Ebx, guest.Ecx, guest.Edx) = (eax, ebx, (uint)ecx, (uint)edx);
        Assert.That(guest.Machine.Run(10_000_000).Reason, Is.EqualTo(RunReason.Halted));
        Assert.That((guest.Ebx, guest.Ecx, guest.Edx), Is.EqualTo((ebx, (uint)ecx, (uint)edx)), "registers are kept");
        return guest.Ax;
    }
}
