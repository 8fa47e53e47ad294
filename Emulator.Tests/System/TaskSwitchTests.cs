using Emulator.Core.Cpu;
using NUnit.Framework;
using static Emulator.Tests.SystemInstructions.SystemMachine;
using static Iced.Intel.AssemblerRegisters;

namespace Emulator.Tests.SystemInstructions;

/// <summary>Task switches (SDM volume 3, chapter 8).</summary>
[TestFixture]
internal sealed unsafe class TaskSwitchTests
{
    /// <summary>Fills the 32-bit TSS of the other task: level 0, its own stack at 50000h, registers with values of their own.</summary>
    public static void PrepareOtherTask(SystemMachine m)
    {
        m.Write32(OtherTssAddress + 0x1C, m.State->Cr3);
        m.Write32(OtherTssAddress + 0x20, OtherTaskEntry);
        m.Write32(OtherTssAddress + 0x24, 2);
        for (uint i = 0; i < 8; i++)
        {
            m.Write32(OtherTssAddress + 0x28 + (4 * i), 0x1000 + i);
        }

        m.Write32(OtherTssAddress + 0x38, 0x50000);
        for (uint i = 0; i < 6; i++)
        {
            m.Write32(OtherTssAddress + 0x48 + (4 * i), i == 1 ? Code0 : Data0);
        }

        m.Put(OtherTaskEntry, 32, a => a.hlt());
    }

    [Test]
    public void Jump_to_a_tss_saves_and_loads_everything()
    {
        SystemMachine m = new();
        PrepareOtherTask(m);
        m.Code(a =>
        {
            a.mov(eax, 0x12345678);
            a.jmp(OtherTss, 0);
        });
        m.Run();

        Assert.That(m.State->Eip, Is.EqualTo(OtherTaskEntry + 1));
        Assert.That(m.Eax, Is.EqualTo(0x1000));
        Assert.That(m.Esp, Is.EqualTo(0x50000));
        Assert.That(m.Read32(TssAddress + 0x20), Is.EqualTo(CodeAddress + 12));
        Assert.That(m.Read32(TssAddress + 0x28), Is.EqualTo(0x12345678));
        Assert.That(m.Read32(TssAddress + 0x4C), Is.EqualTo(Code0));
        Assert.That(m.DescriptorType(Tss), Is.EqualTo(0x89), "old task is available");
        Assert.That(m.DescriptorType(OtherTss), Is.EqualTo(0x8B), "new task is busy");
        Assert.That(m.State->Cr0 & Cr0.TS, Is.Not.Zero);
        Assert.That(m.Eflags & Eflags.NT, Is.Zero);
        Assert.That(m.Read32(OtherTssAddress), Is.Zero, "no link");
    }

    [Test]
    public void Call_nests_and_iret_returns()
    {
        SystemMachine m = new();
        PrepareOtherTask(m);
        m.Put(OtherTaskEntry, 32, a =>
        {
            a.pushfd();
            a.pop(ebx);
            a.iretd();
        });
        m.Code(a =>
        {
            a.call(OtherTss, 0);
            a.hlt();
        });
        m.Run();

        Assert.That(m.State->Eip, Is.EqualTo(CodeAddress + 8));
        Assert.That(m.Read16(OtherTssAddress), Is.EqualTo(Tss), "link");
        Assert.That(m.Read32(OtherTssAddress + 0x34) & Eflags.NT, Is.Not.Zero, "NT while nested");
        Assert.That(m.Read32(OtherTssAddress + 0x24) & Eflags.NT, Is.Zero, "NT is saved clear");
        Assert.That(m.Read32(OtherTssAddress + 0x20), Is.EqualTo(OtherTaskEntry + 3));
        Assert.That(m.DescriptorType(Tss), Is.EqualTo(0x8B));
        Assert.That(m.DescriptorType(OtherTss), Is.EqualTo(0x89));
        Assert.That(CpuState.Segment(m.State, SegmentIndex.Tr)->Selector, Is.EqualTo(Tss));
    }

    [Test]
    public void Sixteen_bit_tss_loads_words()
    {
        SystemMachine m = new();
        m.Write16(Tss16Address + 0xE, 0x9000);
        m.Write16(Tss16Address + 0x10, 2);
        m.Write16(Tss16Address + 0x12, 0xABCD);
        m.Write16(Tss16Address + 0x1A, 0xE000);
        m.Write16(Tss16Address + 0x22, Data0);
        m.Write16(Tss16Address + 0x24, Code0);
        m.Write16(Tss16Address + 0x26, Data0);
        m.Write16(Tss16Address + 0x28, Data0);
        m.Put(0x9000, 32, a => a.hlt());
        m.Code(a => a.call(Tss16, 0));
        m.Run();

        Assert.That(m.State->Eip, Is.EqualTo(0x9001));
        Assert.That((ushort)m.Eax, Is.EqualTo(0xABCD));
        Assert.That(m.Esp & 0xFFFF, Is.EqualTo(0xE000));
        Assert.That(CpuState.Segment(m.State, SegmentIndex.Fs)->Selector, Is.Zero);
        Assert.That(m.Read16(Tss16Address), Is.EqualTo(Tss));
        Assert.That(m.DescriptorType(Tss16), Is.EqualTo(0x83));
    }

    [Test]
    public void Busy_task_is_general_protection()
    {
        SystemMachine m = new();
        m.Code(a => a.jmp(Tss, 0));
        m.Run();
        Assert.That((m.Delivered, m.Stack(0)), Is.EqualTo((13, (uint)Tss)));
    }

    [Test]
    public void Small_tss_is_invalid_tss()
    {
        SystemMachine m = new();
        m.SetDescriptor(OtherTss, SystemMachine.System(OtherTssAddress, 0x66, 0x89));
        m.Code(a => a.jmp(OtherTss, 0));
        m.Run();
        Assert.That((m.Delivered, m.Stack(0)), Is.EqualTo((10, (uint)OtherTss)));
        Assert.That(m.Stack(4), Is.EqualTo(CodeAddress));
    }

    [Test]
    public void Absent_tss_is_not_present()
    {
        SystemMachine m = new();
        m.SetDescriptor(OtherTss, SystemMachine.System(OtherTssAddress, 0x67, 0x09));
        m.Code(a => a.jmp(OtherTss, 0));
        m.Run();
        Assert.That((m.Delivered, m.Stack(0)), Is.EqualTo((11, (uint)OtherTss)));
    }

    [TestCase(SegmentIndex.Ds, (ushort)0xF8, 10)]
    [TestCase(SegmentIndex.Ds, Code0, -1, Description = "readable code is fine")]
    [TestCase(SegmentIndex.Es, Tss, 10)]
    [TestCase(SegmentIndex.Fs, Spare, 11)]
    [TestCase(SegmentIndex.Gs, (ushort)0, -1)]
    public void Segment_faults_belong_to_the_new_task(int segment, ushort selector, int vector)
    {
        SystemMachine m = new();
        PrepareOtherTask(m);
        m.SetDescriptor(Spare, 0x00CF13000000FFFF);
        m.Write32(OtherTssAddress + 0x48 + (4 * (uint)segment), selector);
        m.Code(a => a.jmp(OtherTss, 0));
        m.Run();

        Assert.That(m.Delivered, Is.EqualTo(vector));
        Assert.That(CpuState.Segment(m.State, SegmentIndex.Tr)->Selector, Is.EqualTo(OtherTss));
        if (vector >= 0)
        {
            Assert.That(m.Stack(0), Is.EqualTo((uint)selector));
            Assert.That(m.Stack(4), Is.EqualTo(OtherTaskEntry));
            Assert.That(m.Esp, Is.EqualTo(0x50000 - 16));
        }
    }

    [Test]
    public void Page_fault_on_the_new_tss_belongs_to_the_old_task()
    {
        SystemMachine m = new();
        m.EnablePaging();
        PrepareOtherTask(m);
        m.SetPage(OtherTssAddress, 0);
        m.Code(a => a.call(OtherTss, 0));
        m.Run();

        Assert.That(m.Delivered, Is.EqualTo(14));
        Assert.That(m.Stack(4), Is.EqualTo(CodeAddress));
        Assert.That(CpuState.Segment(m.State, SegmentIndex.Tr)->Selector, Is.EqualTo(Tss));
        Assert.That(m.DescriptorType(OtherTss), Is.EqualTo(0x89));
    }

    [Test]
    public void Trap_bit_raises_a_debug_trap_before_the_first_instruction()
    {
        SystemMachine m = new();
        PrepareOtherTask(m);
        m.Write32(OtherTssAddress + 0x64, 1);
        m.State->Dr[7] |= 0x155;
        m.Code(a => a.jmp(OtherTss, 0));
        m.Run();

        Assert.That(m.Delivered, Is.EqualTo(1));
        Assert.That(m.Stack(0), Is.EqualTo(OtherTaskEntry));
        Assert.That(m.State->Dr[6] & 0xE00F, Is.EqualTo(0x8000));
        Assert.That(m.State->Dr[7], Is.EqualTo(0x400), "local enables are cleared");
    }

    [Test]
    public void Iret_with_a_bad_link_is_invalid_tss()
    {
        SystemMachine m = new();
        m.Write16(TssAddress, Data0);
        m.State->EflagsRest |= Eflags.NT;
        m.Code(a => a.iretd());
        m.Run();
        Assert.That((m.Delivered, m.Stack(0)), Is.EqualTo((10, (uint)Data0)));
    }

    [Test]
    public void Task_gate_in_the_idt_gets_the_error_code_and_links()
    {
        SystemMachine m = new();
        PrepareOtherTask(m);
        m.SetGate(13, OtherTss, 0, 0x85);
        m.SetPrivilege(3);
        m.Code(a => a.@int(0x40));
        m.SetGate(0x40, Code0, 0, 0x8E);
        m.Run();

        Assert.That(m.State->Eip, Is.EqualTo(OtherTaskEntry + 1));
        Assert.That(m.Stack(0), Is.EqualTo(0x40 * 8 + 2));
        Assert.That(m.Read32(TssAddress + 0x24) & Eflags.RF, Is.Not.Zero);
        Assert.That(m.Read16(OtherTssAddress), Is.EqualTo(Tss));
        Assert.That(m.Eflags & Eflags.NT, Is.Not.Zero);
    }
}
