using Emulator.Core.Cpu;
using Emulator.Core.Semantics.Simd;
using Iced.Intel;

namespace Emulator.Core.Interpreter.Simd;

/// <summary>Rows of the floating-point arithmetic, comparison and conversion instructions.</summary>
internal static unsafe class FloatRows
{
    private const CpuFeatures Sse = CpuFeatures.Sse;
    private const CpuFeatures Sse2 = CpuFeatures.Sse2;

    public static void Register(InstructionTable t)
    {
        AddArithmetic(t);
        AddComparisons(t);
        AddPackedConversions(t);
        AddScalarConversions(t);
        AddMmxConversions(t);
    }

    private static void AddArithmetic(InstructionTable t)
    {
        AddSingle<SingleAdd>(t, Code.Addss_xmm_xmmm32);
        AddDouble<DoubleAdd>(t, Code.Addsd_xmm_xmmm64);
        AddPacked<Addps>(t, Code.Addps_xmm_xmmm128, Sse);
        AddPacked<Addpd>(t, Code.Addpd_xmm_xmmm128, Sse2);
        AddSingle<SingleSubtract>(t, Code.Subss_xmm_xmmm32);
        AddDouble<DoubleSubtract>(t, Code.Subsd_xmm_xmmm64);
        AddPacked<Subps>(t, Code.Subps_xmm_xmmm128, Sse);
        AddPacked<Subpd>(t, Code.Subpd_xmm_xmmm128, Sse2);
        AddSingle<SingleMultiply>(t, Code.Mulss_xmm_xmmm32);
        AddDouble<DoubleMultiply>(t, Code.Mulsd_xmm_xmmm64);
        AddPacked<Mulps>(t, Code.Mulps_xmm_xmmm128, Sse);
        AddPacked<Mulpd>(t, Code.Mulpd_xmm_xmmm128, Sse2);
        AddSingle<SingleDivide>(t, Code.Divss_xmm_xmmm32);
        AddDouble<DoubleDivide>(t, Code.Divsd_xmm_xmmm64);
        AddPacked<Divps>(t, Code.Divps_xmm_xmmm128, Sse);
        AddPacked<Divpd>(t, Code.Divpd_xmm_xmmm128, Sse2);
        AddSingle<SingleSquareRoot>(t, Code.Sqrtss_xmm_xmmm32);
        AddDouble<DoubleSquareRoot>(t, Code.Sqrtsd_xmm_xmmm64);
        AddPacked<Sqrtps>(t, Code.Sqrtps_xmm_xmmm128, Sse);
        AddPacked<Sqrtpd>(t, Code.Sqrtpd_xmm_xmmm128, Sse2);
        AddSingle<SingleMin>(t, Code.Minss_xmm_xmmm32);
        AddDouble<DoubleMin>(t, Code.Minsd_xmm_xmmm64);
        AddPacked<Minps>(t, Code.Minps_xmm_xmmm128, Sse);
        AddPacked<Minpd>(t, Code.Minpd_xmm_xmmm128, Sse2);
        AddSingle<SingleMax>(t, Code.Maxss_xmm_xmmm32);
        AddDouble<DoubleMax>(t, Code.Maxsd_xmm_xmmm64);
        AddPacked<Maxps>(t, Code.Maxps_xmm_xmmm128, Sse);
        AddPacked<Maxpd>(t, Code.Maxpd_xmm_xmmm128, Sse2);
        AddSingle<SingleReciprocal>(t, Code.Rcpss_xmm_xmmm32);
        AddSingle<SingleReciprocalSquareRoot>(t, Code.Rsqrtss_xmm_xmmm32);
        AddPacked<Rcpps>(t, Code.Rcpps_xmm_xmmm128, Sse);
        AddPacked<Rsqrtps>(t, Code.Rsqrtps_xmm_xmmm128, Sse);
    }

    private static void AddComparisons(InstructionTable t)
    {
        t.Add(
            Code.Cmpss_xmm_xmmm32_imm8,
            &FloatHandlers.Cmpss,
            &FloatHandlers.CmpssMemory<Flat>,
            &FloatHandlers.CmpssMemory<General>,
            InstructionTraits.Faults,
            Sse);
        t.Add(
            Code.Cmpsd_xmm_xmmm64_imm8,
            &FloatHandlers.Cmpsd,
            &FloatHandlers.CmpsdMemory<Flat>,
            &FloatHandlers.CmpsdMemory<General>,
            InstructionTraits.Faults,
            Sse2);
        t.Add(
            Code.Cmpps_xmm_xmmm128_imm8,
            &FloatHandlers.Cmpps,
            &FloatHandlers.CmppsMemory<Flat>,
            &FloatHandlers.CmppsMemory<General>,
            InstructionTraits.Faults,
            Sse);
        t.Add(
            Code.Cmppd_xmm_xmmm128_imm8,
            &FloatHandlers.Cmppd,
            &FloatHandlers.CmppdMemory<Flat>,
            &FloatHandlers.CmppdMemory<General>,
            InstructionTraits.Faults,
            Sse2);
        t.Add(
            Code.Comiss_xmm_xmmm32,
            &FloatHandlers.Comiss<Ordered>,
            &FloatHandlers.ComissMemory<Ordered, Flat>,
            &FloatHandlers.ComissMemory<Ordered, General>,
            InstructionTraits.Faults, Sse);
        t.Add(
            Code.Ucomiss_xmm_xmmm32,
            &FloatHandlers.Comiss<Unordered>,
            &FloatHandlers.ComissMemory<Unordered, Flat>,
            &FloatHandlers.ComissMemory<Unordered, General>,
            InstructionTraits.Faults, Sse);
        t.Add(
            Code.Comisd_xmm_xmmm64,
            &FloatHandlers.Comisd<Ordered>,
            &FloatHandlers.ComisdMemory<Ordered, Flat>,
            &FloatHandlers.ComisdMemory<Ordered, General>,
            InstructionTraits.Faults, Sse2);
        t.Add(
            Code.Ucomisd_xmm_xmmm64,
            &FloatHandlers.Comisd<Unordered>,
            &FloatHandlers.ComisdMemory<Unordered, Flat>,
            &FloatHandlers.ComisdMemory<Unordered, General>,
            InstructionTraits.Faults, Sse2);
    }

    private static void AddPackedConversions(InstructionTable t)
    {
        AddPacked<Cvtdq2ps>(t, Code.Cvtdq2ps_xmm_xmmm128, Sse2);
        AddPacked<Cvtps2dq>(t, Code.Cvtps2dq_xmm_xmmm128, Sse2);
        AddPacked<Cvttps2dq>(t, Code.Cvttps2dq_xmm_xmmm128, Sse2);
        AddPacked<Cvtpd2dq>(t, Code.Cvtpd2dq_xmm_xmmm128, Sse2);
        AddPacked<Cvttpd2dq>(t, Code.Cvttpd2dq_xmm_xmmm128, Sse2);
        AddPacked<Cvtpd2ps>(t, Code.Cvtpd2ps_xmm_xmmm128, Sse2);
        t.Add(
            Code.Cvtdq2pd_xmm_xmmm64,
            &FloatHandlers.Packed<Cvtdq2pd>,
            &FloatHandlers.PackedMemory64<Cvtdq2pd, Flat>,
            &FloatHandlers.PackedMemory64<Cvtdq2pd, General>,
            InstructionTraits.Faults, Sse2);
        t.Add(
            Code.Cvtps2pd_xmm_xmmm64,
            &FloatHandlers.Packed<Cvtps2pd>,
            &FloatHandlers.PackedMemory64<Cvtps2pd, Flat>,
            &FloatHandlers.PackedMemory64<Cvtps2pd, General>,
            InstructionTraits.Faults, Sse2);
    }

    private static void AddScalarConversions(InstructionTable t)
    {
        t.Add(
            Code.Cvtss2sd_xmm_xmmm32,
            &ConversionHandlers.Low<Cvtss2sd, uint, ulong>,
            &ConversionHandlers.LowMemory<Cvtss2sd, uint, ulong, Flat>,
            &ConversionHandlers.LowMemory<Cvtss2sd, uint, ulong, General>,
            InstructionTraits.Faults, Sse2);
        t.Add(
            Code.Cvtsd2ss_xmm_xmmm64,
            &ConversionHandlers.Low<Cvtsd2ss, ulong, uint>,
            &ConversionHandlers.LowMemory<Cvtsd2ss, ulong, uint, Flat>,
            &ConversionHandlers.LowMemory<Cvtsd2ss, ulong, uint, General>,
            InstructionTraits.Faults, Sse2);
        t.Add(
            Code.Cvtsi2ss_xmm_rm32,
            &ConversionHandlers.FromInteger<Cvtsi2ss, uint>,
            &ConversionHandlers.LowMemory<Cvtsi2ss, int, uint, Flat>,
            &ConversionHandlers.LowMemory<Cvtsi2ss, int, uint, General>,
            InstructionTraits.Faults, Sse);
        t.Add(
            Code.Cvtsi2sd_xmm_rm32,
            &ConversionHandlers.FromInteger<Cvtsi2sd, ulong>,
            &ConversionHandlers.LowMemory<Cvtsi2sd, int, ulong, Flat>,
            &ConversionHandlers.LowMemory<Cvtsi2sd, int, ulong, General>,
            InstructionTraits.Faults, Sse2);
        t.Add(
            Code.Cvtss2si_r32_xmmm32,
            &ConversionHandlers.ToInteger<Cvtss2si, uint>,
            &ConversionHandlers.ToIntegerMemory<Cvtss2si, uint, Flat>,
            &ConversionHandlers.ToIntegerMemory<Cvtss2si, uint, General>,
            InstructionTraits.Faults, Sse);
        t.Add(
            Code.Cvttss2si_r32_xmmm32,
            &ConversionHandlers.ToInteger<Cvttss2si, uint>,
            &ConversionHandlers.ToIntegerMemory<Cvttss2si, uint, Flat>,
            &ConversionHandlers.ToIntegerMemory<Cvttss2si, uint, General>,
            InstructionTraits.Faults, Sse);
        t.Add(
            Code.Cvtsd2si_r32_xmmm64,
            &ConversionHandlers.ToInteger<Cvtsd2si, ulong>,
            &ConversionHandlers.ToIntegerMemory<Cvtsd2si, ulong, Flat>,
            &ConversionHandlers.ToIntegerMemory<Cvtsd2si, ulong, General>,
            InstructionTraits.Faults, Sse2);
        t.Add(
            Code.Cvttsd2si_r32_xmmm64,
            &ConversionHandlers.ToInteger<Cvttsd2si, ulong>,
            &ConversionHandlers.ToIntegerMemory<Cvttsd2si, ulong, Flat>,
            &ConversionHandlers.ToIntegerMemory<Cvttsd2si, ulong, General>,
            InstructionTraits.Faults, Sse2);
    }

    private static void AddMmxConversions(InstructionTable t)
    {
        t.Add(
            Code.Cvtpi2ps_xmm_mmm64,
            &ConversionHandlers.FromMmx<Cvtpi2ps>,
            &ConversionHandlers.FromMmxMemory<Cvtpi2ps, Flat>,
            &ConversionHandlers.FromMmxMemory<Cvtpi2ps, General>,
            InstructionTraits.Faults, Sse);
        t.Add(
            Code.Cvtpi2pd_xmm_mmm64,
            &ConversionHandlers.FromMmx<Cvtdq2pd>,
            &ConversionHandlers.FromMmxMemory<Cvtdq2pd, Flat>,
            &ConversionHandlers.FromMmxMemory<Cvtdq2pd, General>,
            InstructionTraits.Faults, Sse2);
        t.Add(
            Code.Cvtps2pi_mm_xmmm64,
            &ConversionHandlers.ToMmx<Cvtps2pi>,
            &ConversionHandlers.ToMmxMemory64<Cvtps2pi, Flat>,
            &ConversionHandlers.ToMmxMemory64<Cvtps2pi, General>,
            InstructionTraits.Faults, Sse);
        t.Add(
            Code.Cvttps2pi_mm_xmmm64,
            &ConversionHandlers.ToMmx<Cvttps2pi>,
            &ConversionHandlers.ToMmxMemory64<Cvttps2pi, Flat>,
            &ConversionHandlers.ToMmxMemory64<Cvttps2pi, General>,
            InstructionTraits.Faults, Sse);
        t.Add(
            Code.Cvtpd2pi_mm_xmmm128,
            &ConversionHandlers.ToMmx<Cvtpd2dq>,
            &ConversionHandlers.ToMmxMemory128<Cvtpd2dq, Flat>,
            &ConversionHandlers.ToMmxMemory128<Cvtpd2dq, General>,
            InstructionTraits.Faults, Sse2);
        t.Add(
            Code.Cvttpd2pi_mm_xmmm128,
            &ConversionHandlers.ToMmx<Cvttpd2dq>,
            &ConversionHandlers.ToMmxMemory128<Cvttpd2dq, Flat>,
            &ConversionHandlers.ToMmxMemory128<Cvttpd2dq, General>,
            InstructionTraits.Faults, Sse2);
    }

    private static void AddSingle<TOperation>(InstructionTable t, Code code)
        where TOperation : struct, ISingleOperation =>
        t.Add(
            code,
            &FloatHandlers.Single<TOperation>,
            &FloatHandlers.SingleMemory<TOperation, Flat>,
            &FloatHandlers.SingleMemory<TOperation, General>,
            InstructionTraits.Faults, Sse);

    private static void AddDouble<TOperation>(InstructionTable t, Code code)
        where TOperation : struct, IDoubleOperation =>
        t.Add(
            code,
            &FloatHandlers.Double<TOperation>,
            &FloatHandlers.DoubleMemory<TOperation, Flat>,
            &FloatHandlers.DoubleMemory<TOperation, General>,
            InstructionTraits.Faults, Sse2);

    private static void AddPacked<TOperation>(InstructionTable t, Code code, CpuFeatures needs)
        where TOperation : struct, IFloatOperation =>
        t.Add(
            code,
            &FloatHandlers.Packed<TOperation>,
            &FloatHandlers.PackedMemory<TOperation, Flat>,
            &FloatHandlers.PackedMemory<TOperation, General>,
            InstructionTraits.Faults, needs);
}
