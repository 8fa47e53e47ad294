using Emulator.Core.Cpu;
using Iced.Intel;
using NUnit.Framework;
using static Emulator.Tests.SystemInstructions.SystemMachine;
using static Iced.Intel.AssemblerRegisters;

namespace Emulator.Tests.SystemInstructions;

/// <summary>Breakpoints and single step (SDM volume 3, chapter 17).</summary>
[TestFixture]
internal sealed unsafe class DebugTests
{
    private const uint Dr6Bits = 0xE00F;

    [Test]
    public void Single_step_traps_behind_each_instruction()
    {
        SystemMachine m = new();
        m.Code(a =>
        {
            a.push((int)Eflags.TF);
            a.popfd();
            a.inc(eax);
            a.inc(eax);
        });
        m.Run();
        Assert.That((m.Delivered, m.Eax), Is.EqualTo((1, 1u)), "not behind POPF itself");
        Assert.That(m.Stack(0), Is.EqualTo(CodeAddress + 7));
        Assert.That(m.State->Dr[6] & Dr6Bits, Is.EqualTo(0x4000));
        Assert.That(m.Eflags & Eflags.TF, Is.Zero);
    }

    [Test]
    public void Single_step_stops_after_each_repetition()
    {
        SystemMachine m = new();
        m.State->EflagsRest |= Eflags.TF;
        CpuState.R32(m.State, 1) = 3;
        CpuState.R32(m.State, 6) = 0x20000;
        CpuState.R32(m.State, 7) = 0x21000;
        m.Code(a => a.rep.movsb());
        m.Run();
        Assert.That((m.Delivered, CpuState.R32(m.State, 1)), Is.EqualTo((1, 2u)));
        Assert.That(m.Stack(0), Is.EqualTo(CodeAddress));
        Assert.That(m.Stack(8) & Eflags.RF, Is.Not.Zero);
    }

    [Test]
    public void Single_step_skips_the_handler_of_a_software_interrupt()
    {
        SystemMachine m = new();
        m.State->EflagsRest |= Eflags.TF;
        m.Put(Handler(0x40), 32, a =>
        {
            a.inc(eax);
            a.iretd();
        });
        m.Code(a =>
        {
            a.@int(0x40);
            a.inc(ebx);
            a.hlt();
        });
        m.Run();
        Assert.That((m.Delivered, m.Eax, CpuState.R32(m.State, 3)), Is.EqualTo((1, 1u, 1u)));
    }

    [Test]
    public void Branch_trap_flag_steps_over_straight_code()
    {
        SystemMachine m = new();
        m.State->EflagsRest |= Eflags.TF;
        m.State->Msr[ModelSpecificRegisters.DebugControl] = 2;
        m.Code(a =>
        {
            Label target = a.CreateLabel();
            a.inc(eax);
            a.inc(eax);
            a.jmp(target);
            a.inc(eax);
            a.Label(ref target);
            a.inc(eax);
        });
        m.Run();
        Assert.That((m.Delivered, m.Eax, m.Stack(0)), Is.EqualTo((1, 2u, CodeAddress + 5)));
        Assert.That(m.State->Msr[ModelSpecificRegisters.DebugControl], Is.Zero);
    }

    [Test]
    public void Mov_ss_is_not_stepped()
    {
        SystemMachine m = new();
        m.State->EflagsRest |= Eflags.TF;
        CpuState.R32(m.State, 0) = Data0;
        m.Code(a =>
        {
            a.mov(ss, eax);
            a.inc(ebx);
            a.inc(ebx);
        });
        m.Run();
        Assert.That((m.Delivered, CpuState.R32(m.State, 3)), Is.EqualTo((1, 1u)));
    }

    [Test]
    public void Instruction_breakpoint_is_a_fault_that_rf_passes()
    {
        SystemMachine m = new();
        m.State->Dr[0] = CodeAddress + 1;
        m.State->Dr[7] = 0x402;
        m.Put(Handler(1), 32, a =>
        {
            a.inc(ebx);
            a.or(__dword_ptr[esp + 8], (int)Eflags.RF);
            a.iretd();
        });
        m.Code(a =>
        {
            a.inc(eax);
            a.inc(eax);
            a.hlt();
        });
        m.Run();
        Assert.That((m.Eax, CpuState.R32(m.State, 3)), Is.EqualTo((2u, 1u)));
        Assert.That(m.State->Dr[6] & Dr6Bits, Is.EqualTo(1));
        Assert.That(m.Eflags & Eflags.RF, Is.Zero);
    }

    [TestCase(1u, false, TestName = "Write_breakpoint_ignores_reads")]
    [TestCase(3u, true, TestName = "Access_breakpoint_sees_reads")]
    public void Data_breakpoint(uint kind, bool reads)
    {
        SystemMachine m = new();
        m.Code(a =>
        {
            a.mov(eax, __dword_ptr[0x20002]);
            a.mov(__byte_ptr[0x20003], 5);
            a.hlt();
        });
        m.State->Dr[1] = 0x20000;
        DebugRegisters.Write(m.State, 7, 0x8u | (kind << 20) | (3u << 22));
        m.Run();
        Assert.That(m.Delivered, Is.EqualTo(1));
        Assert.That(m.Stack(0), Is.EqualTo(CodeAddress + (reads ? 5u : 12)), "behind the accessing instruction");
        Assert.That(m.State->Dr[6] & Dr6Bits, Is.EqualTo(2));
    }

    [Test]
    public void Io_breakpoint_needs_de()
    {
        SystemMachine m = new();
        m.State->Cr4 |= Cr4.DE;
        m.State->Dr[3] = 0x61;
        DebugRegisters.Write(m.State, 7, 0x80u | (2u << 28));
        m.Code(a =>
        {
            a.@in(al, 0x60);
            a.@in(ax, 0x60);
            a.hlt();
        });
        m.Run();
        Assert.That((m.Delivered, m.Stack(0), m.State->Dr[6] & Dr6Bits), Is.EqualTo((1, CodeAddress + 5, 8u)));
    }

    [Test]
    public void General_detect_faults_before_a_debug_register_move_and_clears_itself()
    {
        SystemMachine m = new();
        DebugRegisters.Write(m.State, 7, 0x2000);
        m.Code(a => a.mov(eax, dr0));
        m.Run();
        Assert.That((m.Delivered, m.Stack(0), m.State->Dr[6] & Dr6Bits), Is.EqualTo((1, CodeAddress, 0x2000u)));
        Assert.That(m.State->Dr[7] & 0x2000, Is.Zero);
    }

    [Test]
    public void Dr4_is_dr6_without_de_and_undefined_with_it()
    {
        SystemMachine m = new();
        m.Code(a =>
        {
            a.mov(eax, dr4);
            a.hlt();
        });
        m.Run();
        Assert.That(m.Eax, Is.EqualTo(0xFFFF0FF0));

        m = new SystemMachine();
        m.State->Cr4 |= Cr4.DE;
        m.Code(a => a.mov(eax, dr4));
        m.Run();
        Assert.That(m.Delivered, Is.EqualTo(6));
    }

    [Test]
    public void Data_breakpoint_of_mov_ss_waits_for_the_next_instruction()
    {
        SystemMachine m = new();
        m.Write32(0x20000, Data0);
        m.State->Dr[0] = 0x20000;
        DebugRegisters.Write(m.State, 7, 2u | (3u << 16) | (1u << 18));
        m.Code(a =>
        {
            a.mov(ss, __word_ptr[0x20000]);
            a.inc(ebx);
            a.hlt();
        });
        m.Run();
        Assert.That((m.Delivered, CpuState.R32(m.State, 3)), Is.EqualTo((1, 1u)));
        Assert.That(m.State->Dr[6] & Dr6Bits, Is.EqualTo(1));
    }
}
