using Emulator.Core.Cpu;
using NUnit.Framework;
using static Emulator.Tests.SystemInstructions.SystemMachine;
using static Iced.Intel.AssemblerRegisters;

namespace Emulator.Tests.SystemInstructions;

/// <summary>Virtual-8086 mode and its extensions (SDM volume 3, chapter 20).</summary>
[TestFixture]
internal sealed unsafe class V86Tests
{
    private const uint Iopl3 = Eflags.IoplMask;

    [Test]
    public void Interrupt_pushes_and_clears_the_data_segments()
    {
        SystemMachine m = new();
        m.EnterV86(Eflags.IF);
        Segmentation.SetV86(m.State, SegmentIndex.Fs, 0x1234);
        m.Code(a => a.int3());
        m.Run();

        Assert.That(m.Delivered, Is.EqualTo(3));
        Assert.That(m.Esp, Is.EqualTo(InnerStackTop - 36));
        uint[] frame = [.. Enumerable.Range(0, 9).Select(i => m.Stack(4 * (uint)i))];
        Assert.That(frame, Is.EqualTo(new uint[] { 1, CodeAddress >> 4, Eflags.Fixed | Eflags.VM | Eflags.IF, 0x8000, 0x2000, 0x2000, 0x2000, 0x1234, 0x2000 }));
        Assert.That(m.State->Cpl, Is.Zero);
        Assert.That(m.Eflags & Eflags.VM, Is.Zero);
        Assert.That(CpuState.Segment(m.State, SegmentIndex.Fs)->IsUsable, Is.False);
    }

    [Test]
    public void Iretd_enters_virtual_8086_mode_and_an_interrupt_leaves_it()
    {
        SystemMachine m = new();
        m.Code(a =>
        {
            a.push(0x60);
            a.push(0x50);
            a.push(0x40);
            a.push(0x30);
            a.push(0x2000);
            a.push(0x7FFE);
            a.push((int)(Eflags.VM | Eflags.Fixed));
            a.push(0x1800);
            a.push(0x10);
            a.iretd();
        });
        m.Put(0x18010, 16, a =>
        {
            a.mov(ax, ds);
            a.hlt();
        });
        m.Run();
        Assert.That(m.Delivered, Is.EqualTo(13), "HLT is privileged");
        Assert.That((ushort)m.Eax, Is.EqualTo(0x40));
        Assert.That(m.Stack(0), Is.Zero);
        Assert.That(m.Stack(4), Is.EqualTo(0x12));
        Assert.That(m.Stack(28), Is.EqualTo(0x40), "DS");
        Assert.That(m.Stack(36), Is.EqualTo(0x60), "GS");
    }

    [TestCase(0xFAu, Description = "CLI")]
    [TestCase(0xFBu, Description = "STI")]
    [TestCase(0x9Cu, Description = "PUSHF")]
    [TestCase(0x9Du, Description = "POPF")]
    [TestCase(0xCFu, Description = "IRET")]
    [TestCase(0x40CDu, Description = "INT 40h")]
    public void Sensitive_instruction_below_iopl_3_is_general_protection(uint code)
    {
        SystemMachine m = new();
        m.EnterV86();
        m.Write32(CodeAddress, code);
        m.Run();
        Assert.That((m.Delivered, m.Stack(0), m.Stack(4)), Is.EqualTo((13, 0u, 0u)));
    }

    [Test]
    public void Int_with_iopl_3_uses_the_idt()
    {
        SystemMachine m = new();
        m.EnterV86(Iopl3);
        m.Code(a => a.@int(0x40));
        m.Run();
        Assert.That((m.Delivered, m.Stack(0)), Is.EqualTo((0x40, 2u)));
    }

    [Test]
    public void Handler_of_another_level_is_general_protection()
    {
        SystemMachine m = new();
        m.SetGate(0x40, Code3, Handler(0x40), 0xEE);
        m.EnterV86(Iopl3);
        m.Code(a => a.@int(0x40));
        m.Run();
        Assert.That((m.Delivered, m.Stack(0)), Is.EqualTo((13, Code3 & 0xFFFCu)));
    }

    [TestCase(0u, TestName = "Vme_redirects_int_with_virtual_if")]
    [TestCase(Iopl3, TestName = "Vme_redirects_int_with_real_if")]
    public void Vme_redirects_int_to_the_8086_handler(uint iopl)
    {
        SystemMachine m = VmeMachine(iopl | Eflags.VIF | Eflags.IF);
        m.Code(a => a.@int(0x21));
        m.Run(1);

        Assert.That(m.State->Eip, Is.EqualTo(0x77));
        Assert.That(CpuState.Segment(m.State, SegmentIndex.Cs)->Base, Is.EqualTo(0x19000));
        Assert.That(m.Esp, Is.EqualTo(0x7FFA));
        Assert.That(m.Read16(0x27FFA), Is.EqualTo(2));
        Assert.That(m.Read16(0x27FFC), Is.EqualTo(CodeAddress >> 4));
        Assert.That(m.Read16(0x27FFE), Is.EqualTo((ushort)(Eflags.Fixed | Iopl3 | Eflags.IF)), "IOPL 3 and the virtual IF in the image");
        Assert.That(m.Eflags & (Eflags.VIF | Eflags.IF), Is.EqualTo(iopl == 0 ? Eflags.IF : Eflags.VIF));
    }

    [Test]
    public void Vme_with_the_redirection_bit_set_is_general_protection_below_iopl_3()
    {
        SystemMachine m = VmeMachine(Eflags.VIF);
        m.Core.Memory.Write(TssAddress + 0x88 - 32 + 4, (byte)2);
        m.Code(a => a.@int(0x21));
        m.Run();
        Assert.That((m.Delivered, m.Stack(0)), Is.EqualTo((13, 0u)));
    }

    [Test]
    public void Vme_cli_sti_pushf_work_on_the_virtual_flag()
    {
        SystemMachine m = VmeMachine(Eflags.IF);
        m.Code(a =>
        {
            a.pushf();
            a.sti();
            a.pushf();
            a.cli();
            a.pushf();
            a.int3();
        });
        m.Run();
        Assert.That(m.Delivered, Is.EqualTo(3));
        Assert.That(m.Read16(0x27FFE) & (Eflags.IF | Iopl3), Is.EqualTo(Iopl3));
        Assert.That(m.Read16(0x27FFC) & (Eflags.IF | Iopl3), Is.EqualTo(Iopl3 | Eflags.IF));
        Assert.That(m.Read16(0x27FFA) & (Eflags.IF | Iopl3), Is.EqualTo(Iopl3));
        Assert.That(m.Stack(8) & (Eflags.IF | Eflags.VIF), Is.EqualTo(Eflags.IF), "IF itself stayed");
    }

    [TestCase(0xFBu, 0u, Description = "STI with VIP")]
    [TestCase(0x9Du, Eflags.IF, Description = "POPF of IF with VIP")]
    [TestCase(0x9Du, Eflags.TF, Description = "POPF of TF")]
    [TestCase(0x9D66u, 0u, Description = "POPFD")]
    [TestCase(0x9C66u, 0u, Description = "PUSHFD")]
    [TestCase(0xCF66u, 0u, Description = "IRETD")]
    public void Vme_faults(uint code, uint image)
    {
        SystemMachine m = VmeMachine(Eflags.VIP);
        m.Write32(CodeAddress, code);
        m.Write16(0x28000, (ushort)image);
        m.Run();
        Assert.That((m.Delivered, m.Stack(0), m.Stack(16)), Is.EqualTo((13, 0u, 0x8000u)));
    }

    [Test]
    public void Vme_iret_loads_the_virtual_flag()
    {
        SystemMachine m = VmeMachine(0);
        m.Write16(0x28000, 0x20);
        m.Write16(0x28002, (ushort)(CodeAddress >> 4));
        m.Write16(0x28004, (ushort)(Eflags.IF | Eflags.CF));
        m.Code(a => a.iret());
        m.Run(1);
        Assert.That(m.State->Eip, Is.EqualTo(0x20));
        Assert.That(m.Esp, Is.EqualTo(0x8006));
        Assert.That(m.Eflags, Is.EqualTo(Eflags.Fixed | Eflags.VM | Eflags.VIF | Eflags.CF));
    }

    [Test]
    public void Pvi_cli_and_sti_work_on_the_virtual_flag()
    {
        SystemMachine m = new();
        m.State->Cr4 |= Cr4.PVI;
        m.SetPrivilege(3);
        m.State->EflagsRest |= Eflags.IF;
        m.Code(a =>
        {
            a.sti();
            a.pushfd();
            a.cli();
            a.int3();
        });
        m.Run();
        Assert.That(m.Delivered, Is.EqualTo(3));
        Assert.That(m.Read32(UserStackTop - 4), Is.EqualTo(Eflags.Fixed | Eflags.IF | Eflags.VIF));
        Assert.That(m.Stack(8), Is.EqualTo(Eflags.Fixed | Eflags.IF));
    }

    [Test]
    public void Ports_are_checked_against_the_bitmap_whatever_iopl()
    {
        SystemMachine m = new();
        m.EnterV86(Iopl3);
        m.Core.Memory.Write(TssAddress + 0x68 + 8, (byte)0xFC);
        m.Code(a =>
        {
            a.@in(ax, 0x40);
            a.@in(ax, 0x41);
        });
        m.Run();
        Assert.That((m.Delivered, m.Stack(0), m.Stack(4)), Is.EqualTo((13, 0u, 2u)));
    }

    private static SystemMachine VmeMachine(uint flags)
    {
        SystemMachine m = new();
        m.State->Cr4 |= Cr4.VME;
        m.Write16(TssAddress + 0x66, 0x88);
        m.Core.Memory.WriteBlock(TssAddress + 0x68, new byte[32]);
        m.Write32(0x21 * 4, (0x1900u << 16) | 0x77);
        m.EnterV86(flags);
        return m;
    }
}
