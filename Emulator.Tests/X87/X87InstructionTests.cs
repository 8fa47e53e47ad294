using Emulator.Core.Cpu;
using Emulator.Core.Memory;
using Emulator.Core.Semantics.X87;
using Emulator.Tests.Core;
using Emulator.Tests.Simd;
using NUnit.Framework;

namespace Emulator.Tests.X87;

/// <summary>What x87 instructions do besides their arithmetic: availability, pending errors, the stack, pointers, images, restartability.</summary>
public sealed unsafe class X87InstructionTests
{
    private static readonly byte[] Fld1 = [0xD9, 0xE8];
    private static readonly byte[] Fldz = [0xD9, 0xEE];
    private static readonly byte[] Fldpi = [0xD9, 0xEB];
    private static readonly byte[] FaddSt1 = [0xD8, 0xC1]; // fadd st, st(1)
    private static readonly byte[] Fdivp = [0xDE, 0xF9]; // fdivp st(1), st
    private static readonly byte[] Fninit = [0xDB, 0xE3];
    private static readonly byte[] Fnclex = [0xDB, 0xE2];
    private static readonly byte[] FnstswAx = [0xDF, 0xE0];
    private static readonly byte[] Fwait = [0x9B];
    private static readonly byte[] Fldcw = [0xD9, 0x2E]; // fldcw [esi]
    private static readonly byte[] FldDouble = [0xDD, 0x06]; // fld qword [esi]
    private static readonly byte[] FstpDouble = [0xDD, 0x1E]; // fstp qword [esi]
    private static readonly byte[] Fnstenv = [0xD9, 0x36]; // fnstenv [esi]
    private static readonly byte[] Fldenv = [0xD9, 0x26]; // fldenv [esi]
    private static readonly byte[] Fnsave = [0xDD, 0x36]; // fnsave [esi]
    private static readonly byte[] Frstor = [0xDD, 0x26]; // frstor [esi]

    [Test]
    public void Emulation_and_task_switched_bits_make_the_fpu_unavailable([Values(Cr0.EM, Cr0.TS)] uint bit)
    {
        SimdMachine m = Create();
        m.State->Cr0 |= bit;
        Assert.Multiple(() =>
        {
            foreach (byte[] code in (byte[][])[FaddSt1, Fldcw, FldDouble, FstpDouble, Fninit, Fnclex, FnstswAx, Fnstenv, Fnsave, Frstor, [0xDB, 0xE0]])
            {
                Assert.That(m.Execute(code), Is.EqualTo(ExceptionVector.DeviceNotAvailable), Convert.ToHexString(code));
            }

            Assert.That(m.State->Fcw, Is.EqualTo(0x37F));
        });
    }

    [TestCase(0u, SimdMachine.NoException)]
    [TestCase(Cr0.EM, SimdMachine.NoException)]
    [TestCase(Cr0.TS, SimdMachine.NoException)]
    [TestCase(Cr0.MP, SimdMachine.NoException)]
    [TestCase(Cr0.MP | Cr0.TS, (int)ExceptionVector.DeviceNotAvailable)]
    public void Wait_is_trapped_by_monitor_and_task_switched_bits_together(uint bits, int vector)
    {
        SimdMachine m = Create();
        m.State->Cr0 |= bits;
        Assert.That(m.Execute(Fwait), Is.EqualTo(vector));
    }

    [Test]
    public void A_pending_error_stops_waiting_instructions_only()
    {
        SimdMachine m = DivideByZero();
        Assert.Multiple(() =>
        {
            Assert.That(m.State->Fsw & 0x8084, Is.EqualTo(0x8084), "B, ES and ZE");
            Assert.That(m.Execute(FnstswAx), Is.EqualTo(SimdMachine.NoException));
            Assert.That(m.Execute(Fwait), Is.EqualTo(ExceptionVector.FloatingPoint));
            Assert.That(m.State->Eip, Is.EqualTo(TestMachine.CodeAddress));
            Assert.That(m.Execute(Fld1), Is.EqualTo(ExceptionVector.FloatingPoint));
            Assert.That(m.Execute(Fldcw), Is.EqualTo(ExceptionVector.FloatingPoint));
            Assert.That(m.Execute(Fldenv), Is.EqualTo(ExceptionVector.FloatingPoint));
            Assert.That(m.Execute(Fnclex), Is.EqualTo(SimdMachine.NoException));
            Assert.That(m.Execute(Fwait), Is.EqualTo(SimdMachine.NoException));
        });
    }

    [Test]
    public void An_unmasked_division_by_zero_leaves_the_registers()
    {
        SimdMachine m = DivideByZero();
        Assert.Multiple(() =>
        {
            Assert.That(Top(m), Is.EqualTo(6));
            Assert.That(St(m, 0), Is.EqualTo(Float80.Zero));
            Assert.That(St(m, 1), Is.EqualTo(Float80.One));
        });
    }

    [Test]
    public void Without_NE_an_error_asserts_FERR_and_waits_for_the_interrupt()
    {
        SimdMachine m = DivideByZero();
        m.State->Cr0 &= ~Cr0.NE;
        m.Core.DeliveryObserver = null;
        m.Core.Memory.WriteBlock(TestMachine.CodeAddress, Fwait);
        m.State->Eip = TestMachine.CodeAddress;
        m.Core.Run(10);
        Assert.Multiple(() =>
        {
            Assert.That(m.Core.FerrLine.Level, Is.True);
            Assert.That(m.State->Eip, Is.EqualTo(TestMachine.CodeAddress), "still waiting");
        });

        m.Core.IgnoreNumericError = true;
        m.Core.Run(1);
        Assert.That(m.State->Eip, Is.EqualTo(TestMachine.CodeAddress + 1), "IGNNE# lets it pass");

        m.Core.Memory.WriteBlock(TestMachine.CodeAddress, Fnclex);
        m.State->Eip = TestMachine.CodeAddress;
        m.Core.Run(1);
        Assert.Multiple(() =>
        {
            Assert.That(m.Core.FerrLine.Level, Is.False);
            Assert.That(m.Core.IgnoreNumericError, Is.False);
        });
    }

    [Test]
    public void Overflow_and_underflow_of_the_stack_are_told_apart_by_C1()
    {
        SimdMachine m = Create();
        m.Execute(FaddSt1);
        Assert.Multiple(() =>
        {
            Assert.That(m.State->Fsw & 0x241, Is.EqualTo(0x041), "underflow");
            Assert.That(St(m, 0), Is.EqualTo(Float80.Indefinite));
        });

        m.Execute(Fninit);
        for (int i = 0; i < 9; i++)
        {
            m.Execute(Fld1);
        }

        Assert.Multiple(() =>
        {
            Assert.That(m.State->Fsw & 0x241, Is.EqualTo(0x241), "overflow");
            Assert.That(St(m, 0), Is.EqualTo(Float80.Indefinite));
            Assert.That(Top(m), Is.EqualTo(7));
        });
    }

    [Test]
    public void An_unmasked_stack_fault_changes_nothing_but_the_status()
    {
        SimdMachine m = Create();
        LoadControl(m, 0x37E);
        m.Execute(FaddSt1);
        Assert.Multiple(() =>
        {
            Assert.That(m.State->Fsw, Is.EqualTo(0x80C1));
            Assert.That(m.State->Ftw, Is.Zero);
        });
    }

    [Test]
    public void Unmasking_a_flag_that_is_set_makes_it_pending_and_masking_takes_it_back()
    {
        SimdMachine m = Create();
        m.Execute(Fld1);
        m.Execute(Fldz);
        m.Execute(Fdivp);
        Assert.That(m.State->Fsw & 0x84, Is.EqualTo(0x04));
        LoadControl(m, 0x37B);
        Assert.That(m.State->Fsw & 0x8084, Is.EqualTo(0x8084));
        m.Execute(Fnstenv);
        Assert.That(m.State->Fsw & 0x8084, Is.EqualTo(0x04), "FNSTENV masks everything");
    }

    [Test]
    public void A_store_that_overflows_unmasked_leaves_memory_and_the_stack()
    {
        SimdMachine m = Create();
        m.Core.Memory.Write(SimdMachine.Data, 0x0123456789ABCDEFul);
        m.Execute(Fld1);
        St(m, 0) = new(Float80.IntegerBit, 0x7000);
        m.State->Fcw = 0x377;
        m.Execute(FstpDouble);
        Assert.Multiple(() =>
        {
            Assert.That(m.Core.Memory.Read<ulong>(SimdMachine.Data), Is.EqualTo(0x0123456789ABCDEFul));
            Assert.That(Top(m), Is.EqualTo(7));
            Assert.That(m.State->Fsw & 0xBF, Is.EqualTo(0x88), "OE and ES, no PE");
        });
    }

    [Test]
    public void Pointers_and_opcode_name_the_last_instruction_that_is_not_a_control_instruction()
    {
        SimdMachine m = Create();
        m.Execute([0x66, 0x90, .. FldDouble]);
        m.Execute(0x3E, 0xDD, 0x46, 0x08); // fld qword ds:[esi+8]
        m.Execute(Fnclex);
        m.Execute(Fwait);
        m.Execute(FnstswAx);
        Assert.Multiple(() =>
        {
            Assert.That(m.State->Fop, Is.EqualTo(0x546));
            Assert.That(m.State->Fip, Is.EqualTo(TestMachine.CodeAddress));
            Assert.That(m.State->Fcs, Is.EqualTo(8));
            Assert.That(m.State->Fdp, Is.EqualTo(SimdMachine.Data + 8));
            Assert.That(m.State->Fds, Is.EqualTo(16));
        });
        m.Execute(Fldpi);
        Assert.Multiple(() =>
        {
            Assert.That(m.State->Fop, Is.EqualTo(0x1EB));
            Assert.That(m.State->Fdp, Is.EqualTo(SimdMachine.Data + 8), "no memory operand");
        });
    }

    [Test]
    public void The_protected_32_bit_environment_has_selectors_and_opcode()
    {
        SimdMachine m = WithPointers();
        m.Execute(Fnstenv);
        Assert.That(Words(m, 7), Is.EqualTo(new[] { 0xFFFF037Fu, 0xFFFF3800u, 0xFFFF3FFFu, 0x12345678u, 0x05460008u, 0x9ABCDEF0u, 0xFFFF0010u }));
    }

    [Test]
    public void The_protected_16_bit_environment_has_selectors_only()
    {
        SimdMachine m = WithPointers();
        m.Execute([0x66, .. Fnstenv]);
        Assert.That(Halves(m, 7), Is.EqualTo(new ushort[] { 0x037F, 0x3800, 0x3FFF, 0x5678, 0x0008, 0xDEF0, 0x0010 }));
    }

    [Test]
    public void Real_mode_environments_have_linear_addresses_and_opcode()
    {
        SimdMachine m = WithPointers();
        m.State->Fip = 0x5678;
        m.State->Fcs = 0xF000;
        m.State->Fdp = 0xDEF0;
        m.State->Fds = 0x2345;
        m.State->Cr0 &= ~Cr0.PE;
        CpuMode.Update(m.State);
        m.Execute(Fnstenv);
        Assert.That(Words(m, 7), Is.EqualTo(new[] { 0xFFFF037Fu, 0xFFFF3800u, 0xFFFF3FFFu, 0xFFFF5678u, 0x0000F546u, 0xFFFF1340u, 0x00003000u }));
        m.Execute([0x66, .. Fnstenv]);
        Assert.That(Halves(m, 7), Is.EqualTo(new ushort[] { 0x037F, 0x3800, 0x3FFF, 0x5678, 0xF546, 0x1340, 0x3000 }));
        m.Execute(Fldenv[0], Fldenv[1]);
        m.Execute([0x66, .. Fldenv]);
        Assert.Multiple(() =>
        {
            Assert.That(m.State->Fip, Is.EqualTo(0xF5678));
            Assert.That(m.State->Fop, Is.EqualTo(0x546));
            Assert.That(m.State->Fdp, Is.EqualTo(0x31340));
        });
    }

    [Test]
    public void Saving_and_restoring_gives_the_same_state_back([Values] bool wide)
    {
        SimdMachine m = WithPointers();
        m.Execute(Fldpi);
        m.Execute(Fldz);
        byte[] prefix = wide ? [] : [0x66];
        ushort status = m.State->Fsw;
        byte tags = m.State->Ftw;
        m.Execute([.. prefix, .. Fnsave]);
        Assert.Multiple(() =>
        {
            Assert.That(m.State->Fcw, Is.EqualTo(0x37F));
            Assert.That(m.State->Fsw, Is.Zero);
            Assert.That(m.State->Ftw, Is.Zero);
            Assert.That(m.State->Fip, Is.Zero);
        });
        for (int i = 0; i < 8; i++)
        {
            m.Fpu(i) = default;
        }

        m.Execute([.. prefix, .. Frstor]);
        Assert.Multiple(() =>
        {
            Assert.That(m.State->Fsw, Is.EqualTo(status));
            Assert.That(m.State->Ftw, Is.EqualTo(tags));
            Assert.That(St(m, 0), Is.EqualTo(Float80.Zero));
            Assert.That(St(m, 1), Is.EqualTo(new Float80(0xC90FDAA22168C235, 0x4000)));
            Assert.That(St(m, 2), Is.EqualTo(Float80.One));
        });
    }

    [TestCase(0xDD, 0x36, TestName = "FNSAVE over a missing page changes nothing")]
    [TestCase(0xD9, 0x36, TestName = "FNSTENV over a missing page changes nothing")]
    [TestCase(0xDD, 0x26, TestName = "FRSTOR over a missing page changes nothing")]
    [TestCase(0xD9, 0x26, TestName = "FLDENV over a missing page changes nothing")]
    [TestCase(0xDB, 0x3E, TestName = "FSTP m80 over a missing page changes nothing")]
    [TestCase(0xDD, 0x1E, TestName = "FSTP m64 over a missing page changes nothing")]
    [TestCase(0xDB, 0x2E, TestName = "FLD m80 over a missing page changes nothing")]
    [TestCase(0xDF, 0x36, TestName = "FBSTP over a missing page changes nothing")]
    [TestCase(0xDC, 0x06, TestName = "FADD m64 over a missing page changes nothing")]
    public void Faults_are_restartable(byte opcode, byte modRm)
    {
        SimdMachine m = WithPointers();
        TestMachine.EnablePaging(m.Core);
        m.Core.Memory.Write(0x201000u + (4 * 0x31), 0u);
        PageWalk.FlushAll(m.State);
        byte[] fill = new byte[16];
        Array.Fill(fill, (byte)0x5A);
        m.Core.Memory.WriteBlock(0x30FF0, fill);
        m[6] = 0x30FFC;
        CpuState before = *m.State;
        int vector = m.Execute(opcode, modRm);
        byte[] after = new byte[16];
        m.Core.Memory.ReadBlock(0x30FF0, after);
        Assert.Multiple(() =>
        {
            Assert.That(vector, Is.EqualTo(ExceptionVector.PageFault));
            Assert.That(m.State->Cr2 & ~0xFFFu, Is.EqualTo(0x31000));
            Assert.That(after, Is.EqualTo(fill));
            Assert.That((m.State->Fcw, m.State->Fsw, m.State->Ftw), Is.EqualTo((before.Fcw, before.Fsw, before.Ftw)));
            Assert.That((m.State->Fip, m.State->Fdp, m.State->Fop), Is.EqualTo((before.Fip, before.Fdp, before.Fop)));
            Assert.That(St(m, 0), Is.EqualTo(Float80.One));
        });
    }

    [Test]
    public void Instructions_that_came_later_are_undefined()
    {
        Assert.Multiple(() =>
        {
            Assert.That(Create().Execute(0xDD, 0x0E), Is.EqualTo(ExceptionVector.InvalidOpcode), "fisttp");
            Assert.That(new SimdMachine(CpuModel.Find("pentium")).Execute(0xDA, 0xC1), Is.EqualTo(ExceptionVector.InvalidOpcode), "fcmovb");
            Assert.That(new SimdMachine(CpuModel.Find("pentium")).Execute(0xDB, 0xF1), Is.EqualTo(ExceptionVector.InvalidOpcode), "fcomi");
        });
    }

    private static SimdMachine Create()
    {
        SimdMachine m = new();
        m.Execute(Fninit);
        return m;
    }

    private static SimdMachine DivideByZero()
    {
        SimdMachine m = Create();
        LoadControl(m, 0x37B);
        m.Execute(Fld1);
        m.Execute(Fldz);
        m.Execute(Fdivp);
        return m;
    }

    /// <summary>1.0 in ST(0) and known pointers.</summary>
    private static SimdMachine WithPointers()
    {
        SimdMachine m = Create();
        m.Execute(Fld1);
        m.State->Fip = 0x12345678;
        m.State->Fcs = 8;
        m.State->Fdp = 0x9ABCDEF0;
        m.State->Fds = 16;
        m.State->Fop = 0x546;
        return m;
    }

    private static void LoadControl(SimdMachine m, ushort value)
    {
        m.Core.Memory.Write(SimdMachine.Data, value);
        m.Execute(Fldcw);
    }

    private static int Top(SimdMachine m) => (m.State->Fsw >> 11) & 7;

    private static ref Float80 St(SimdMachine m, int i) => ref *(Float80*)CpuState.FpuPhysical(m.State, Top(m) + i);

    private static uint[] Words(SimdMachine m, uint count) =>
        [.. Enumerable.Range(0, (int)count).Select(i => m.Core.Memory.Read<uint>(SimdMachine.Data + (4 * (uint)i)))];

    private static ushort[] Halves(SimdMachine m, uint count) =>
        [.. Enumerable.Range(0, (int)count).Select(i => m.Core.Memory.Read<ushort>(SimdMachine.Data + (2 * (uint)i)))];
}
