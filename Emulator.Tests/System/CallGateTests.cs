using Emulator.Core.Cpu;
using Iced.Intel;
using NUnit.Framework;
using static Emulator.Tests.SystemInstructions.SystemMachine;
using static Iced.Intel.AssemblerRegisters;

namespace Emulator.Tests.SystemInstructions;

/// <summary>Call gates (SDM volume 3, section 5.8.3 to 5.8.5) and far returns.</summary>
[TestFixture]
internal sealed unsafe class CallGateTests
{
    private const uint Gate32 = 0xEC;

    [Test]
    public void Call_gate_to_an_inner_level_copies_parameters_to_the_stack_of_the_tss()
    {
        SystemMachine m = new();
        m.SetDescriptor(Gate, GateDescriptor(Code0, KernelEntry, Gate32, 2));
        m.SetPrivilege(3);
        m.Code(a =>
        {
            a.push(0x11111111);
            a.push(0x22222222);
            a.call(Gate, 0xDEADBEEF);
            a.@int3();
        });
        m.Put(KernelEntry, 32, a => a.hlt());
        m.Run();

        Assert.That(m.State->Eip, Is.EqualTo(KernelEntry + 1));
        Assert.That(m.State->Cpl, Is.Zero);
        Assert.That(m.Esp, Is.EqualTo(InnerStackTop - 24));
        Assert.That(m.Stack(0), Is.EqualTo(CodeAddress + 17), "EIP");
        Assert.That(m.Stack(4), Is.EqualTo(Code3));
        Assert.That(m.Stack(8), Is.EqualTo(0x22222222), "last parameter");
        Assert.That(m.Stack(12), Is.EqualTo(0x11111111), "first parameter");
        Assert.That(m.Stack(16), Is.EqualTo(UserStackTop - 8), "ESP");
        Assert.That(m.Stack(20), Is.EqualTo(Data3));
    }

    [Test]
    public void Far_return_drops_the_parameters_of_both_stacks_and_nulls_inner_segments()
    {
        SystemMachine m = new();
        m.SetDescriptor(Gate, GateDescriptor(Code0, KernelEntry, Gate32, 2));
        m.SetPrivilege(3);
        m.Code(a =>
        {
            a.push(1);
            a.push(2);
            a.call(Gate, 0);
            a.@int3();
        });
        m.Put(KernelEntry, 32, a =>
        {
            a.mov(eax, (int)Data0);
            a.mov(fs, eax);
            a.retf(8);
        });
        m.Run();

        Assert.That(m.Delivered, Is.EqualTo(3));
        Assert.That(m.Stack(4), Is.EqualTo(Code3));
        Assert.That(m.Stack(12), Is.EqualTo(UserStackTop), "ESP with the parameters dropped");
        Assert.That(CpuState.Segment(m.State, SegmentIndex.Fs)->Selector, Is.Zero);
        Assert.That(CpuState.Segment(m.State, SegmentIndex.Ds)->Selector, Is.EqualTo(Data3));
    }

    [Test]
    public void Sixteen_bit_call_gate_pushes_words()
    {
        SystemMachine m = new();
        m.SetDescriptor(Gate, GateDescriptor(Code0, 0x8000, 0xE4));
        m.SetPrivilege(3);
        m.Code(a => a.call(Gate, 0));
        m.Put(0x8000, 32, a => a.hlt());
        m.Run();

        Assert.That(m.State->Eip, Is.EqualTo(0x8001));
        Assert.That(m.Esp, Is.EqualTo(InnerStackTop - 8));
        Assert.That(m.Read16(m.Esp), Is.EqualTo(unchecked((ushort)(CodeAddress + 7))));
        Assert.That(m.Read16(m.Esp + 2), Is.EqualTo(Code3));
        Assert.That(m.Read16(m.Esp + 4), Is.EqualTo(unchecked((ushort)UserStackTop)));
        Assert.That(m.Read16(m.Esp + 6), Is.EqualTo(Data3));
    }

    [Test]
    public void Conforming_target_keeps_level_and_stack()
    {
        SystemMachine m = new();
        m.SetDescriptor(Gate, GateDescriptor(Conforming0, KernelEntry, Gate32, 5));
        m.SetPrivilege(3);
        m.Code(a => a.call(Gate, 0));
        m.Put(KernelEntry, 32, a => a.@int3());
        m.Run();

        Assert.That(m.Delivered, Is.EqualTo(3));
        Assert.That(m.Stack(4), Is.EqualTo(Conforming0 | 3), "CS with RPL = CPL");
        Assert.That(m.Stack(12), Is.EqualTo(UserStackTop - 8));
    }

    [TestCase(Gate, 0x8CU, Code0, 13, Gate, TestName = "Gate_with_DPL_below_CPL")]
    [TestCase(Gate, 0x6CU, Code0, 11, Gate, TestName = "Gate_not_present")]
    [TestCase(Gate, 0xECU, (ushort)0, 13, 0, TestName = "Gate_to_a_null_selector")]
    [TestCase(Gate, 0xECU, Data0, 13, Data0, TestName = "Gate_to_data")]
    [TestCase(Gate, 0xECU, (ushort)0xF8, 13, 0xF8, TestName = "Gate_beyond_the_GDT")]
    [TestCase((ushort)0xF8, 0xECU, Code0, 13, 0xF8, TestName = "Selector_beyond_the_GDT")]
    [TestCase((ushort)0, 0xECU, Code0, 13, 0, TestName = "Null_selector")]
    public void Bad_gate_faults(ushort selector, uint attributes, ushort target, int vector, int error)
    {
        SystemMachine m = new();
        m.SetDescriptor(Gate, GateDescriptor(target, KernelEntry, attributes));
        m.SetPrivilege(3);
        m.Code(a => a.call(selector, 0));
        m.Run();

        Assert.That(m.Delivered, Is.EqualTo(vector));
        Assert.That(m.Stack(0), Is.EqualTo((uint)error));
        Assert.That(m.Stack(4), Is.EqualTo(CodeAddress));
        Assert.That(m.Stack(16), Is.EqualTo(UserStackTop), "ESP untouched");
    }

    // The handlers of these run at level 0 on a stack that is broken, so they are tasks.
    [TestCase((ushort)0, 0ul, 10, 0, TestName = "Inner_stack_null")]
    [TestCase((ushort)(Spare | 1), 0x00CF93000000FFFFul, 10, Spare, TestName = "Inner_stack_with_wrong_RPL")]
    [TestCase(Spare, 0x00CF91000000FFFFul, 10, Spare, TestName = "Inner_stack_read_only")]
    [TestCase(Spare, 0x00CFF3000000FFFFul, 10, Spare, TestName = "Inner_stack_of_another_level")]
    [TestCase(Spare, 0x00CF13000000FFFFul, 12, Spare, TestName = "Inner_stack_not_present")]
    [TestCase(Spare, 0x004093000000000Ful, 12, Spare, TestName = "Inner_stack_too_small")]
    public void Bad_inner_stack_faults(ushort stack, ulong descriptor, int vector, int error)
    {
        SystemMachine m = new();
        m.SetDescriptor(Gate, GateDescriptor(Code0, KernelEntry, Gate32));
        m.SetDescriptor(Spare, descriptor);
        m.Write32(TssAddress + 8, stack);
        TaskSwitchTests.PrepareOtherTask(m);
        m.SetGate((byte)vector, OtherTss, 0, 0x85);
        m.Put(OtherTaskEntry, 32, a => a.hlt());
        m.SetPrivilege(3);
        m.Code(a => a.call(Gate, 0));
        m.Run();

        Assert.That(m.State->Eip, Is.EqualTo(OtherTaskEntry + 1));
        Assert.That(m.Stack(0), Is.EqualTo((uint)error), "error code on the new task's stack");
        Assert.That(m.Read32(TssAddress + 0x20), Is.EqualTo(CodeAddress), "EIP in the old task");
        Assert.That(m.Read32(TssAddress + 0x38), Is.EqualTo(UserStackTop));
    }

    [Test]
    public void Page_fault_on_the_inner_stack_leaves_everything_restartable()
    {
        SystemMachine m = new();
        m.SetDescriptor(Gate, GateDescriptor(Code0, KernelEntry, Gate32, 1));
        m.EnablePaging();
        m.Write32(TssAddress + 4, 0x2D008);
        m.SetPage(0x2C000, 0);
        TaskSwitchTests.PrepareOtherTask(m);
        m.SetGate(14, OtherTss, 0, 0x85);
        m.Put(OtherTaskEntry, 32, a => a.hlt());
        m.SetPrivilege(3);
        m.Code(a =>
        {
            a.push(7);
            a.call(Gate, 0);
        });
        m.Run();

        Assert.That(m.State->Eip, Is.EqualTo(OtherTaskEntry + 1));
        Assert.That(m.State->Cr2, Is.EqualTo(0x2CFFC));
        Assert.That(m.Read32(TssAddress + 0x20), Is.EqualTo(CodeAddress + 2), "EIP of the CALL");
        Assert.That(m.Read32(TssAddress + 0x38), Is.EqualTo(UserStackTop - 4));
        Assert.That(m.Read32(0x2D004), Is.Zero, "nothing was pushed before the fault");
    }

    [TestCase(Code3, 0x00CF9B000000FFFFul, TestName = "Return_to_code_of_another_level")]
    [TestCase(Code3, 0x00CFF3000000FFFFul, TestName = "Return_to_data")]
    public void Bad_far_return_faults(ushort selector, ulong descriptor)
    {
        SystemMachine m = new();
        m.SetDescriptor(selector, descriptor);
        m.Code(a =>
        {
            a.push((int)Data3);
            a.push((int)UserStackTop);
            a.push((int)selector);
            a.push((int)CodeAddress);
            a.retf();
        });
        m.Run();

        Assert.That(m.Delivered, Is.EqualTo(13));
        Assert.That(m.Stack(0), Is.EqualTo(selector & 0xFFFCu));
        Assert.That(m.Esp, Is.EqualTo(KernelStackTop - 16 - 16));
    }

    [Test]
    public void Return_to_a_sixteen_bit_stack_keeps_the_upper_half_of_esp()
    {
        SystemMachine m = new();
        m.Esp = 0x0002C000;
        m.Code(a =>
        {
            a.push((int)Data16);
            a.push(0x7771234);
            a.push((int)Code3);
            a.push((int)KernelEntry);
            a.retf();
        });
        m.Put(KernelEntry, 32, a =>
        {
            a.mov(eax, esp);
            a.@int3();
        });
        m.Run();

        Assert.That(m.Delivered, Is.EqualTo(3));
        Assert.That(m.Eax, Is.EqualTo(0x00021234));
    }
}
