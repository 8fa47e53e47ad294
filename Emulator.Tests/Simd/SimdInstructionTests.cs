using System.Runtime.Intrinsics;
using Emulator.Core.Cpu;
using NUnit.Framework;

namespace Emulator.Tests.Simd;

/// <summary>
/// What MMX and SSE instructions do besides their arithmetic: availability, alignment, exceptions, x87 state, save areas.
/// </summary>
public sealed unsafe class SimdInstructionTests
{
    private static readonly byte[] PaddbMmx = [0x0F, 0xFC, 0xC1]; // paddb mm0, mm1
    private static readonly byte[] PaddbXmm = [0x66, 0x0F, 0xFC, 0xC1]; // paddb xmm0, xmm1
    private static readonly byte[] Addps = [0x0F, 0x58, 0xC1]; // addps xmm0, xmm1
    private static readonly byte[] Addpd = [0x66, 0x0F, 0x58, 0xC1]; // addpd xmm0, xmm1
    private static readonly byte[] MovapsLoad = [0x0F, 0x28, 0x06]; // movaps xmm0, [esi]
    private static readonly byte[] MovupsLoad = [0x0F, 0x10, 0x06]; // movups xmm0, [esi]
    private static readonly byte[] MovapsStore = [0x0F, 0x29, 0x06]; // movaps [esi], xmm0
    private static readonly byte[] Ldmxcsr = [0x0F, 0xAE, 0x16]; // ldmxcsr [esi]
    private static readonly byte[] Fxsave = [0x0F, 0xAE, 0x06]; // fxsave [esi]
    private static readonly byte[] Fxrstor = [0x0F, 0xAE, 0x0E]; // fxrstor [esi]
    private static readonly byte[] Cvtpi2ps = [0x0F, 0x2A, 0xC1]; // cvtpi2ps xmm0, mm1
    private static readonly byte[] Emms = [0x0F, 0x77];

    [Test]
    public void Emulation_bit_makes_mmx_and_sse_undefined()
    {
        SimdMachine m = new();
        m.State->Cr0 |= Cr0.EM | Cr0.TS;
        Assert.Multiple(() =>
        {
            Assert.That(m.Execute(PaddbMmx), Is.EqualTo(ExceptionVector.InvalidOpcode));
            Assert.That(m.Execute(PaddbXmm), Is.EqualTo(ExceptionVector.InvalidOpcode));
            Assert.That(m.Execute(Emms), Is.EqualTo(ExceptionVector.InvalidOpcode));
            Assert.That(m.Execute(Fxsave), Is.EqualTo(ExceptionVector.InvalidOpcode));
        });
    }

    [Test]
    public void Task_switched_bit_raises_device_not_available()
    {
        SimdMachine m = new();
        m.State->Cr0 |= Cr0.TS;
        Assert.Multiple(() =>
        {
            Assert.That(m.Execute(PaddbMmx), Is.EqualTo(ExceptionVector.DeviceNotAvailable));
            Assert.That(m.Execute(Addps), Is.EqualTo(ExceptionVector.DeviceNotAvailable));
            Assert.That(m.Execute(Fxrstor), Is.EqualTo(ExceptionVector.DeviceNotAvailable));
            Assert.That(m.Execute(0x0F, 0xAE, 0xF8), Is.EqualTo(SimdMachine.NoException), "sfence");
            Assert.That(m.Execute(0x0F, 0xC3, 0x06), Is.EqualTo(SimdMachine.NoException), "movnti");
        });
    }

    [Test]
    public void Without_OSFXSR_sse_is_undefined_and_mmx_works()
    {
        SimdMachine m = new();
        m.State->Cr4 &= ~Cr4.OSFXSR;
        m.State->Cr0 |= Cr0.TS;
        Assert.That(m.Execute(Addps), Is.EqualTo(ExceptionVector.InvalidOpcode), "#UD goes before #NM");
        m.State->Cr0 &= ~Cr0.TS;
        Assert.That(m.Execute(PaddbMmx), Is.EqualTo(SimdMachine.NoException));
        Assert.That(m.Execute(0x0F, 0xE0, 0xC1), Is.EqualTo(SimdMachine.NoException), "pavgb mm0, mm1");
    }

    [Test]
    public void Without_OSXMMEXCPT_an_unmasked_exception_is_undefined_opcode()
    {
        SimdMachine m = new();
        m.Xmm(0) = Vector128.Create(0x7F800000ul, 0);
        m.Xmm(1) = Vector128.Create(0xFF800000ul, 0);
        m.State->Mxcsr = 0x1F00;
        Assert.That(m.Execute(Addps), Is.EqualTo(ExceptionVector.SimdFloatingPoint));
        Assert.That(m.State->Mxcsr, Is.EqualTo(0x1F01));
        Assert.That(m.Xmm(0), Is.EqualTo(Vector128.Create(0x7F800000ul, 0)), "no result");
        m.State->Cr4 &= ~Cr4.OSXMMEXCPT;
        Assert.That(m.Execute(Addps), Is.EqualTo(ExceptionVector.InvalidOpcode));
    }

    [TestCase("pentium", false, false, false)]
    [TestCase("pentium2", true, false, false)]
    [TestCase("pentium3", true, true, false)]
    [TestCase("max", true, true, true)]
    public void A_model_executes_what_its_CPUID_shows(string model, bool mmx, bool sse, bool sse2)
    {
        SimdMachine m = new(CpuModel.Find(model));
        Assert.Multiple(() =>
        {
            Assert.That(m.Execute(PaddbMmx), Is.EqualTo(mmx ? SimdMachine.NoException : ExceptionVector.InvalidOpcode));
            Assert.That(m.Execute(0x0F, 0xE0, 0xC1), Is.EqualTo(sse ? SimdMachine.NoException : ExceptionVector.InvalidOpcode), "pavgb mm");
            Assert.That(m.Execute(0x0F, 0xD4, 0xC1), Is.EqualTo(sse2 ? SimdMachine.NoException : ExceptionVector.InvalidOpcode), "paddq mm");
            Assert.That(m.Execute(Addps), Is.EqualTo(sse ? SimdMachine.NoException : ExceptionVector.InvalidOpcode));
            Assert.That(m.Execute(Addpd), Is.EqualTo(sse2 ? SimdMachine.NoException : ExceptionVector.InvalidOpcode));
            Assert.That(m.Execute(PaddbXmm), Is.EqualTo(sse2 ? SimdMachine.NoException : ExceptionVector.InvalidOpcode));
        });
    }

    [Test]
    public void Sse3_and_later_are_undefined()
    {
        SimdMachine m = new();
        Assert.Multiple(() =>
        {
            Assert.That(m.Execute(0xF2, 0x0F, 0x7C, 0xC1), Is.EqualTo(ExceptionVector.InvalidOpcode), "haddps");
            Assert.That(m.Execute(0x66, 0x0F, 0x38, 0x00, 0xC1), Is.EqualTo(ExceptionVector.InvalidOpcode), "pshufb");
            Assert.That(m.Execute(0xF2, 0x0F, 0xF0, 0x06), Is.EqualTo(ExceptionVector.InvalidOpcode), "lddqu");
        });
    }

    [Test]
    public void Aligned_operands_fault_when_unaligned()
    {
        SimdMachine m = new();
        m[6] = SimdMachine.Data + 8;
        Assert.Multiple(() =>
        {
            Assert.That(m.Execute(MovapsLoad), Is.EqualTo(ExceptionVector.GeneralProtection));
            Assert.That(m.State->FaultError, Is.Zero);
            Assert.That(m.Execute(MovapsStore), Is.EqualTo(ExceptionVector.GeneralProtection));
            Assert.That(m.Execute(0x0F, 0x58, 0x06), Is.EqualTo(ExceptionVector.GeneralProtection), "addps xmm0, [esi]");
            Assert.That(m.Execute(MovupsLoad), Is.EqualTo(SimdMachine.NoException));
            Assert.That(m.Execute(0xF3, 0x0F, 0x58, 0x06), Is.EqualTo(SimdMachine.NoException), "addss xmm0, [esi]");
        });
    }

    [Test]
    public void Mmx_writes_set_the_exponent_the_tags_and_top()
    {
        SimdMachine m = new();
        m.State->Fsw = 0x2800;
        m.State->Ftw = 0;
        m.Fpu(0) = new FpuRegister { Significand = 0x10FF, SignExponent = 0x1234 };
        m.Fpu(1) = new FpuRegister { Significand = 0x0101, SignExponent = 0x4321 };
        Assert.That(m.Execute(PaddbMmx), Is.EqualTo(SimdMachine.NoException));
        Assert.Multiple(() =>
        {
            Assert.That(m.Fpu(0).Significand, Is.EqualTo(0x1100));
            Assert.That(m.Fpu(0).SignExponent, Is.EqualTo(0xFFFF));
            Assert.That(m.Fpu(1).SignExponent, Is.EqualTo(0x4321), "a source keeps its exponent");
            Assert.That(m.State->Fsw, Is.Zero);
            Assert.That(m.State->Ftw, Is.EqualTo(0xFF));
        });
        m.Execute(Emms);
        Assert.That(m.State->Ftw, Is.Zero);
    }

    [Test]
    public void Pending_x87_exception_stops_mmx_but_not_sse()
    {
        SimdMachine m = new();
        m.State->Fcw = 0x37E;
        m.State->Fsw = 0x8081;
        Assert.Multiple(() =>
        {
            Assert.That(m.Execute(PaddbMmx), Is.EqualTo(ExceptionVector.FloatingPoint));
            Assert.That(m.Execute(Cvtpi2ps), Is.EqualTo(ExceptionVector.FloatingPoint));
            Assert.That(m.Execute(Emms), Is.EqualTo(ExceptionVector.FloatingPoint));
            Assert.That(m.Execute(Addps), Is.EqualTo(SimdMachine.NoException));
            Assert.That(m.Execute(0x0F, 0x2A, 0x06), Is.EqualTo(SimdMachine.NoException), "cvtpi2ps xmm0, [esi]");
            Assert.That(m.Execute(Fxsave), Is.EqualTo(SimdMachine.NoException));
        });
    }

    [Test]
    public void With_numeric_errors_reported_by_IRQ_13_mmx_waits()
    {
        SimdMachine m = new();
        m.State->Cr0 &= ~Cr0.NE;
        m.State->Fcw = 0x37E;
        m.State->Fsw = 0x8081;
        uint before = m.State->Eip;
        Assert.That(m.Execute(PaddbMmx), Is.EqualTo(SimdMachine.NoException));
        Assert.That(m.State->Eip, Is.EqualTo(before), "the instruction is tried again");
        Assert.That(m.Core.FerrLine.Level, Is.True);
        m.Core.IgnoreNumericError = true;
        Assert.That(m.Execute(PaddbMmx), Is.EqualTo(SimdMachine.NoException));
        Assert.That(m.State->Eip, Is.EqualTo(before + 3));
    }

    [Test]
    public void Ldmxcsr_rejects_reserved_bits()
    {
        SimdMachine m = new();
        m.Core.Memory.Write(SimdMachine.Data, 0x0001_1F80u);
        Assert.That(m.Execute(Ldmxcsr), Is.EqualTo(ExceptionVector.GeneralProtection));
        Assert.That(m.State->Mxcsr, Is.EqualTo(0x1F80));
        m.Core.Memory.Write(SimdMachine.Data, 0xFFFFu);
        Assert.That(m.Execute(Ldmxcsr), Is.EqualTo(SimdMachine.NoException));
        Assert.That(m.State->Mxcsr, Is.EqualTo(0xFFFF));
    }

    [Test]
    public void Denormals_are_zeros_is_reserved_on_a_pentium_iii()
    {
        SimdMachine m = new(CpuModel.Find("pentium3"));
        m.Core.Memory.Write(SimdMachine.Data, 0x1FC0u);
        Assert.That(m.Execute(Ldmxcsr), Is.EqualTo(ExceptionVector.GeneralProtection));
        m.Execute(Fxsave);
        Assert.That(m.Core.Memory.Read<uint>(SimdMachine.Data + 28), Is.EqualTo(0xFFBF));
    }

    [Test]
    public void Fxsave_and_fxrstor_carry_the_whole_state()
    {
        SimdMachine m = new();
        m.State->Fcw = 0x27F;
        m.State->Fsw = 0x3041;
        m.State->Ftw = 0xC3;
        m.State->Fop = 0x123;
        m.State->Fip = 0x11223344;
        m.State->Fdp = 0x55667788;
        m.State->Mxcsr = 0x9FA1;
        for (int i = 0; i < 8; i++)
        {
            m.Fpu(i) = new FpuRegister { Significand = (ulong)(0x1000 + i), SignExponent = (ushort)(0x3FFF + i) };
            m.Xmm(i) = Vector128.Create(0x0123456789ABCDEFul + (ulong)i, (ulong)i);
        }

        m.Core.Memory.Write(SimdMachine.Data + 288, 0xA5A5A5A5u);
        Assert.That(m.Execute(Fxsave), Is.EqualTo(SimdMachine.NoException));
        Assert.Multiple(() =>
        {
            Assert.That(m.Core.Memory.Read<ulong>(SimdMachine.Data + 32), Is.EqualTo(0x1006), "ST(0) is R6");
            Assert.That(m.Core.Memory.Read<uint>(SimdMachine.Data + 24), Is.EqualTo(0x9FA1));
            Assert.That(m.Core.Memory.Read<uint>(SimdMachine.Data + 28), Is.EqualTo(0xFFFF));
            Assert.That(m.Core.Memory.Read<uint>(SimdMachine.Data + 288), Is.EqualTo(0xA5A5A5A5), "behind XMM7 nothing is written");
        });

        SimdMachine other = new();
        byte[] image = new byte[512];
        m.Core.Memory.ReadBlock(SimdMachine.Data, image);
        other.Core.Memory.WriteBlock(SimdMachine.Data, image);
        Assert.That(other.Execute(Fxrstor), Is.EqualTo(SimdMachine.NoException));
        Assert.Multiple(() =>
        {
            Assert.That(other.State->Fcw, Is.EqualTo(0x27F | 0x40));
            Assert.That(other.State->Fsw, Is.EqualTo(0x3041));
            Assert.That(other.State->Ftw, Is.EqualTo(0xC3));
            Assert.That(other.State->Fop, Is.EqualTo(0x123));
            Assert.That(other.State->Fip, Is.EqualTo(0x11223344));
            Assert.That(other.State->Fdp, Is.EqualTo(0x55667788));
            Assert.That(other.State->Mxcsr, Is.EqualTo(0x9FA1));
            for (int i = 0; i < 8; i++)
            {
                Assert.That(other.Fpu(i).Significand, Is.EqualTo(0x1000 + i));
                Assert.That(other.Xmm(i), Is.EqualTo(m.Xmm(i)));
            }
        });
    }

    [Test]
    public void Without_OSFXSR_the_image_has_no_xmm_registers()
    {
        SimdMachine m = new();
        m.State->Cr4 &= ~Cr4.OSFXSR;
        m.Xmm(0) = Vector128.Create(1ul, 2);
        m.Core.Memory.Write(SimdMachine.Data + 160, 0xCCCCCCCCu);
        Assert.That(m.Execute(Fxsave), Is.EqualTo(SimdMachine.NoException));
        Assert.That(m.Core.Memory.Read<uint>(SimdMachine.Data + 160), Is.EqualTo(0xCCCCCCCC));
        m.Core.Memory.Write(SimdMachine.Data + 24, 0xFFFFFFFFu);
        Assert.That(m.Execute(Fxrstor), Is.EqualTo(SimdMachine.NoException), "MXCSR is not looked at");
        Assert.That(m.Xmm(0), Is.EqualTo(Vector128.Create(1ul, 2)));
        Assert.That(m.State->Mxcsr, Is.EqualTo(0x1F80));
    }

    [Test]
    public void Fxrstor_with_bad_mxcsr_changes_nothing()
    {
        SimdMachine m = new();
        m.Execute(Fxsave);
        m.State->Fcw = 0x37F;
        m.Core.Memory.Write(SimdMachine.Data + 24, 0x10000u);
        Assert.That(m.Execute(Fxrstor), Is.EqualTo(ExceptionVector.GeneralProtection));
        Assert.That(m.State->Fcw, Is.EqualTo(0x37F));
    }

    [Test]
    public void Maskmovdqu_stores_the_chosen_bytes()
    {
        SimdMachine m = new();
        m[7] = SimdMachine.Data + 3;
        m.Xmm(1) = Vector128.Create(0x0706050403020100ul, 0x0F0E0D0C0B0A0908);
        m.Xmm(2) = Vector128.Create(0x8000000000007F80ul, 0x80);
        m.Core.Memory.WriteBlock(SimdMachine.Data, new byte[32]);
        Assert.That(m.Execute(0x66, 0x0F, 0xF7, 0xCA), Is.EqualTo(SimdMachine.NoException));
        byte[] got = new byte[20];
        m.Core.Memory.ReadBlock(SimdMachine.Data, got);
        Assert.That(got, Is.EqualTo(new byte[] { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7, 8, 0, 0, 0, 0, 0, 0, 0, 0 }));
    }

    [Test]
    public void Comiss_sets_flags_and_clears_the_others()
    {
        SimdMachine m = new();
        LazyFlags.SetStatus(m.State, Eflags.OF | Eflags.SF | Eflags.AF);
        m.Xmm(0) = Vector128.Create(0x7FC00000ul, 0);
        Assert.That(m.Execute(0x0F, 0x2E, 0xC1), Is.EqualTo(SimdMachine.NoException), "ucomiss xmm0, xmm1");
        Assert.That(LazyFlags.Status(m.State), Is.EqualTo(Eflags.ZF | Eflags.PF | Eflags.CF));
        Assert.That(m.State->Mxcsr, Is.EqualTo(0x1F80));
        m.Execute(0x0F, 0x2F, 0xC1);
        Assert.That(m.State->Mxcsr, Is.EqualTo(0x1F81), "comiss signals quiet NaNs");
    }

    [Test]
    public void Movss_from_memory_clears_and_from_register_merges()
    {
        SimdMachine m = new();
        m.Xmm(0) = Vector128.Create(ulong.MaxValue, ulong.MaxValue);
        m.Xmm(1) = Vector128.Create(0x1122334455667788ul, 0);
        m.Execute(0xF3, 0x0F, 0x10, 0xC1);
        Assert.That(m.Xmm(0), Is.EqualTo(Vector128.Create(0xFFFFFFFF55667788ul, ulong.MaxValue)));
        m.Core.Memory.Write(SimdMachine.Data, 0x01020304u);
        m.Execute(0xF3, 0x0F, 0x10, 0x06);
        Assert.That(m.Xmm(0), Is.EqualTo(Vector128.Create(0x01020304ul, 0)));
    }

    [TestCase(0xE8, 0xF0)]
    [TestCase(0xF0, 0xF8)]
    [TestCase(0xF8, 0x100)]
    public void Every_form_of_a_fence_executes(int first, int end)
    {
        SimdMachine m = new();
        for (int modrm = first; modrm < end; modrm++)
        {
            Assert.That(m.Execute(0x0F, 0xAE, (byte)modrm), Is.EqualTo(SimdMachine.NoException), $"0F AE {modrm:X2}");
        }
    }
}
