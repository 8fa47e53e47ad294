using Emulator.Core.Cpu;
using NUnit.Framework;
using static Emulator.Tests.SystemInstructions.SystemMachine;
using static Iced.Intel.AssemblerRegisters;

namespace Emulator.Tests.SystemInstructions;

/// <summary>Interrupt delivery, IRET, double faults, NMI and shadows (SDM volume 3, chapter 6).</summary>
[TestFixture]
internal sealed unsafe class InterruptTests
{
    [Test]
    public void Interrupt_gate_from_level_3_switches_stacks_and_clears_if()
    {
        SystemMachine m = new();
        m.SetPrivilege(3);
        m.State->EflagsRest |= Eflags.IF | Eflags.NT;
        m.Code(a => a.@int(0x80));
        m.Run();

        Assert.That(m.Delivered, Is.EqualTo(0x80));
        Assert.That(m.Esp, Is.EqualTo(InnerStackTop - 20));
        Assert.That(m.Stack(0), Is.EqualTo(CodeAddress + 2));
        Assert.That(m.Stack(4), Is.EqualTo(Code3));
        Assert.That(m.Stack(8), Is.EqualTo(Eflags.Fixed | Eflags.IF | Eflags.NT));
        Assert.That(m.Stack(12), Is.EqualTo(UserStackTop));
        Assert.That(m.Stack(16), Is.EqualTo(Data3));
        Assert.That(m.Eflags, Is.EqualTo(Eflags.Fixed));
    }

    [Test]
    public void Trap_gate_keeps_if()
    {
        SystemMachine m = new();
        m.SetGate(0x80, Code0, Handler(0x80), 0x8F);
        m.State->EflagsRest |= Eflags.IF;
        m.Code(a => a.@int(0x80));
        m.Core.StopOnDeadHalt = true;
        m.Run(5);
        Assert.That(m.Delivered, Is.EqualTo(0x80));
        Assert.That(m.Eflags & Eflags.IF, Is.Not.Zero);
    }

    [TestCase(0x8Eu, 13, Description = "DPL 0")]
    [TestCase(0x6Eu, 11, Description = "not present")]
    [TestCase(0xECu, 13, Description = "call gate")]
    public void Bad_gate_names_the_vector(uint attributes, int vector)
    {
        SystemMachine m = new();
        m.SetGate(0x21, Code0, Handler(0x21), attributes);
        m.SetPrivilege(3);
        m.Code(a => a.@int(0x21));
        m.Run();
        Assert.That((m.Delivered, m.Stack(0), m.Stack(4)), Is.EqualTo((vector, 0x21u * 8 + 2, CodeAddress)));
    }

    [Test]
    public void Icebp_ignores_the_privilege_of_the_gate()
    {
        SystemMachine m = new();
        m.SetGate(1, Code0, Handler(1), 0x8E);
        m.SetPrivilege(3);
        m.Core.Memory.Write(CodeAddress, (byte)0xF1);
        m.Run();
        Assert.That((m.Delivered, m.Stack(0)), Is.EqualTo((1, CodeAddress + 1)));
    }

    [Test]
    public void Fault_pushes_rf_and_a_software_interrupt_does_not()
    {
        SystemMachine m = new();
        m.Code(a => a.ud2());
        m.Run();
        Assert.That((m.Delivered, m.Stack(8)), Is.EqualTo((6, Eflags.Fixed | Eflags.RF)));
    }

    // Descriptor faults during the delivery of one exception: benign first is serial, contributory on contributory and any on a page fault double.
    [TestCase(6, 11, Description = "#UD then #NP")]
    [TestCase(13, 8, Description = "#GP then #NP")]
    [TestCase(14, 8, Description = "#PF then #NP")]
    public void Second_fault_is_serial_or_double(int first, int delivered)
    {
        SystemMachine m = new();
        m.EnablePaging();
        m.SetPage(0x60000, 0);
        m.SetGate((byte)first, Code0, Handler((byte)first), 0x0E);
        m.Code(a =>
        {
            switch (first)
            {
                case 6:
                    a.ud2();
                    break;
                case 13:
                    a.mov(cr0, edx);
                    break;
                default:
                    a.mov(eax, __dword_ptr[0x60000]);
                    break;
            }
        });
        CpuState.R32(m.State, 2) = Cr0.PG;
        m.Run();

        Assert.That(m.Delivered, Is.EqualTo(delivered));
        Assert.That(m.Stack(0), Is.EqualTo(delivered == 8 ? 0u : ((uint)first * 8) + 3), "error code, with EXT for the serial one");
        Assert.That(m.Stack(4), Is.EqualTo(CodeAddress));
    }

    [Test]
    public void Page_fault_while_delivering_a_contributory_exception_is_serial()
    {
        SystemMachine m = new();
        m.EnablePaging();
        m.SetPage(0x60000, 0);
        m.SetDescriptor(Spare, SystemMachine.System(0x60000, 0xFF, 0x82));
        m.State->IdtBase = 0x60000 - (13 * 8);
        m.Core.Memory.WriteBlock(0x60000 - (13 * 8), new byte[13 * 8]);
        m.Code(a => a.mov(cr0, edx));
        CpuState.R32(m.State, 2) = Cr0.PG;

        // Vector 13's gate is on the absent page, and so is vector 14's: #PF in #PF doubles, and the gate of vector 8 is not present: shutdown.
        Assert.That(m.Run(), Is.EqualTo(StopReason.Shutdown));
        Assert.That(m.State->Cr2, Is.EqualTo(0x60008));
    }

    [Test]
    public void Empty_idt_is_a_triple_fault()
    {
        SystemMachine m = new();
        m.State->IdtLimit = 0;
        m.Code(a => a.int3());
        Assert.That(m.Run(), Is.EqualTo(StopReason.Shutdown));
        Assert.That(m.State->Eip, Is.EqualTo(CodeAddress));
    }

    [Test]
    public void Stack_page_fault_of_a_handler_leaves_the_user_stack_alone()
    {
        SystemMachine m = new();
        m.EnablePaging();
        m.SetPage(InnerStackTop - 4, 0);
        TaskSwitchTests.PrepareOtherTask(m);
        m.SetGate(14, OtherTss, 0, 0x85);
        m.SetPrivilege(3);
        m.Code(a => a.@int(0x80));
        m.Run();
        Assert.That(m.State->Eip, Is.EqualTo(OtherTaskEntry + 1));
        Assert.That(m.Read32(TssAddress + 0x20), Is.EqualTo(CodeAddress), "EIP of the INT");
        Assert.That(m.Read32(TssAddress + 0x4C), Is.EqualTo(Code3));
        Assert.That(m.State->Cr2, Is.EqualTo(InnerStackTop - 4));
        Assert.That(m.Stack(0), Is.EqualTo(2), "supervisor write");
    }

    [Test]
    public void Nmi_is_blocked_until_iret()
    {
        SystemMachine m = new();
        m.Put(Handler(2), 32, a =>
        {
            a.inc(ebx);
            a.iretd();
        });
        m.Code(a =>
        {
            a.nop();
            a.nop();
            a.hlt();
        });
        m.Core.RaiseNmi();
        m.Run(1);
        Assert.That(m.State->NmiBlocked, Is.EqualTo(1));
        m.Core.RaiseNmi();
        m.Run();
        Assert.That(CpuState.R32(m.State, 3), Is.EqualTo(2));
        Assert.That(m.State->NmiBlocked, Is.Zero);
        Assert.That(m.Esp, Is.EqualTo(KernelStackTop));
    }

    [Test]
    public void Sti_holds_an_interrupt_for_one_instruction()
    {
        SystemMachine m = new();
        m.Code(a =>
        {
            a.sti();
            a.inc(eax);
            a.inc(eax);
            a.hlt();
        });
        m.Core.SetIntr(true);
        m.Run();
        Assert.That((m.Delivered, m.Eax, m.Stack(0)), Is.EqualTo((0xFF, 1u, CodeAddress + 2)));
    }

    [Test]
    public void Interrupt_that_is_asked_for_at_once_again_does_not_stop_the_clock()
    {
        // INTR stays high and the gate is a trap gate: delivery follows delivery, on a stack that wraps in its page.
        SystemMachine m = new();
        m.State->EflagsRest |= Eflags.IF;
        m.SetGate(0xFF, Code0, Handler(0xFF), 0xEF);
        m.Code(a => a.nop());
        m.Core.SetIntr(true);
        Assert.That(m.Core.Run(2000), Is.EqualTo(StopReason.Limit));
        Assert.That(m.Core.Retired, Is.EqualTo(2000));
    }

    [Test]
    public void Mov_ss_holds_an_interrupt_for_one_instruction()
    {
        SystemMachine m = new();
        m.State->EflagsRest |= Eflags.IF;
        CpuState.R32(m.State, 0) = Data0;
        m.Code(a =>
        {
            a.nop();
            a.mov(ss, eax);
            a.mov(esp, 0x2A000);
            a.inc(eax);
            a.hlt();
        });
        m.Run(2);
        m.Core.SetIntr(true);
        m.Run();
        Assert.That((m.Delivered, m.Stack(0)), Is.EqualTo((0xFF, CodeAddress + 8)));
    }

    [Test]
    public void Iret_to_level_3_keeps_iopl_and_if_of_the_popped_image()
    {
        SystemMachine m = new();
        m.Code(a =>
        {
            a.push((int)Data3);
            a.push((int)UserStackTop);
            a.push((int)(Eflags.IF | Eflags.IoplMask | Eflags.CF));
            a.push((int)Code3);
            a.push((int)KernelEntry);
            a.iretd();
        });
        m.Put(KernelEntry, 32, a =>
        {
            a.push((int)(Eflags.IF ^ Eflags.IF));
            a.popfd();
            a.int3();
        });
        m.Run();
        Assert.That(m.Delivered, Is.EqualTo(3));
        Assert.That(m.Stack(8), Is.EqualTo(Eflags.Fixed | Eflags.IoplMask), "IOPL stays, IF follows POPF at CPL <= IOPL");
    }

    [Test]
    public void Iret_at_level_3_changes_neither_iopl_nor_if_above_iopl()
    {
        SystemMachine m = new();
        m.SetPrivilege(3);
        m.State->EflagsRest |= Eflags.IF;
        m.Code(a =>
        {
            a.push((int)(Eflags.IoplMask | Eflags.VM | Eflags.CF));
            a.push((int)Code3);
            a.push((int)KernelEntry);
            a.iretd();
        });
        m.Put(KernelEntry, 32, a => a.int3());
        m.Run();
        Assert.That((m.Delivered, m.Stack(8)), Is.EqualTo((3, Eflags.Fixed | Eflags.IF | Eflags.CF)));
    }

    [Test]
    public void Real_mode_interrupt_beyond_the_idt_limit_is_interrupt_13()
    {
        SystemMachine m = new();
        m.State->Cr0 &= ~Cr0.PE;
        for (int i = 0; i < 6; i++)
        {
            Segmentation.SetHidden(m.State, i, (ushort)(i == 1 ? 0x1000 : 0x2000), i == 1 ? 0x10000u : 0x20000, 0xFFFF, 0x93);
        }

        m.State->Eip = 0;
        m.Esp = 0x8000;
        m.State->IdtBase = 0x600;
        m.State->IdtLimit = (20 * 4) - 1;
        m.Write32(0x600 + (13 * 4), 0x11110005);
        m.Core.Memory.Write(0x11115, (byte)0xF4);
        m.Code(a => a.@int(20));
        m.Run();
        Assert.That(m.State->Eip, Is.EqualTo(6));
        Assert.That(m.Read16(0x28000 - 6), Is.Zero, "IP of the INT; no error code");
        Assert.That(m.Read16(0x28000 - 4), Is.EqualTo(0x1000));
    }
}
