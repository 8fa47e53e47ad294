using Emulator.Core.Cpu;
using Iced.Intel;

namespace Emulator.Core.Interpreter.Simd;

/// <summary>Rows of the moves and of the state, hint and fence instructions.</summary>
internal static unsafe class MoveRows
{
    private const CpuFeatures Mmx = CpuFeatures.Mmx;
    private const CpuFeatures Sse = CpuFeatures.Sse;
    private const CpuFeatures Sse2 = CpuFeatures.Sse2;

    public static void Register(InstructionTable t)
    {
        AddWhole(t);
        AddParts(t);
        AddMmx(t);
        AddState(t);
        AddHints(t);
    }

    private static void AddWhole(InstructionTable t)
    {
        t.Add(
            Code.Movaps_xmm_xmmm128,
            &MoveHandlers.Xmm,
            &MoveHandlers.LoadAligned<Flat>,
            &MoveHandlers.LoadAligned<General>,
            InstructionTraits.Faults,
            Sse);
        t.Add(
            Code.Movaps_xmmm128_xmm,
            &MoveHandlers.Xmm,
            &MoveHandlers.StoreAligned<Flat>,
            &MoveHandlers.StoreAligned<General>,
            InstructionTraits.Faults,
            Sse);
        t.Add(
            Code.Movapd_xmm_xmmm128,
            &MoveHandlers.Xmm,
            &MoveHandlers.LoadAligned<Flat>,
            &MoveHandlers.LoadAligned<General>,
            InstructionTraits.Faults,
            Sse2);
        t.Add(
            Code.Movapd_xmmm128_xmm,
            &MoveHandlers.Xmm,
            &MoveHandlers.StoreAligned<Flat>,
            &MoveHandlers.StoreAligned<General>,
            InstructionTraits.Faults,
            Sse2);
        t.Add(
            Code.Movdqa_xmm_xmmm128,
            &MoveHandlers.Xmm,
            &MoveHandlers.LoadAligned<Flat>,
            &MoveHandlers.LoadAligned<General>,
            InstructionTraits.Faults,
            Sse2);
        t.Add(
            Code.Movdqa_xmmm128_xmm,
            &MoveHandlers.Xmm,
            &MoveHandlers.StoreAligned<Flat>,
            &MoveHandlers.StoreAligned<General>,
            InstructionTraits.Faults,
            Sse2);
        t.Add(
            Code.Movups_xmm_xmmm128,
            &MoveHandlers.Xmm,
            &MoveHandlers.LoadUnaligned<Flat>,
            &MoveHandlers.LoadUnaligned<General>,
            InstructionTraits.Faults, Sse);
        t.Add(
            Code.Movups_xmmm128_xmm,
            &MoveHandlers.Xmm,
            &MoveHandlers.StoreUnaligned<Flat>,
            &MoveHandlers.StoreUnaligned<General>,
            InstructionTraits.Faults, Sse);
        t.Add(
            Code.Movupd_xmm_xmmm128,
            &MoveHandlers.Xmm,
            &MoveHandlers.LoadUnaligned<Flat>,
            &MoveHandlers.LoadUnaligned<General>,
            InstructionTraits.Faults, Sse2);
        t.Add(
            Code.Movupd_xmmm128_xmm,
            &MoveHandlers.Xmm,
            &MoveHandlers.StoreUnaligned<Flat>,
            &MoveHandlers.StoreUnaligned<General>,
            InstructionTraits.Faults, Sse2);
        t.Add(
            Code.Movdqu_xmm_xmmm128,
            &MoveHandlers.Xmm,
            &MoveHandlers.LoadUnaligned<Flat>,
            &MoveHandlers.LoadUnaligned<General>,
            InstructionTraits.Faults, Sse2);
        t.Add(
            Code.Movdqu_xmmm128_xmm,
            &MoveHandlers.Xmm,
            &MoveHandlers.StoreUnaligned<Flat>,
            &MoveHandlers.StoreUnaligned<General>,
            InstructionTraits.Faults, Sse2);
        t.AddMemory(
            Code.Movntps_m128_xmm,
            &MoveHandlers.StoreAligned<Flat>,
            &MoveHandlers.StoreAligned<General>,
            InstructionTraits.Faults,
            Sse);
        t.AddMemory(
            Code.Movntpd_m128_xmm,
            &MoveHandlers.StoreAligned<Flat>,
            &MoveHandlers.StoreAligned<General>,
            InstructionTraits.Faults,
            Sse2);
        t.AddMemory(
            Code.Movntdq_m128_xmm,
            &MoveHandlers.StoreAligned<Flat>,
            &MoveHandlers.StoreAligned<General>,
            InstructionTraits.Faults,
            Sse2);
        t.AddMemory(
            Code.Maskmovdqu_rDI_xmm_xmm,
            &MoveHandlers.Maskmovdqu<Flat>,
            &MoveHandlers.Maskmovdqu<General>,
            InstructionTraits.Faults,
            Sse2);
    }

    private static void AddParts(InstructionTable t)
    {
        t.Add(
            Code.Movss_xmm_xmmm32,
            &MoveHandlers.LowLane<uint>,
            &MoveHandlers.LoadZeroExtended<uint, Flat>,
            &MoveHandlers.LoadZeroExtended<uint, General>,
            InstructionTraits.Faults, Sse);
        t.Add(
            Code.Movss_xmmm32_xmm,
            &MoveHandlers.LowLane<uint>,
            &MoveHandlers.StoreLow<uint, Flat>,
            &MoveHandlers.StoreLow<uint, General>,
            InstructionTraits.Faults, Sse);
        t.Add(
            Code.Movsd_xmm_xmmm64,
            &MoveHandlers.LowLane<ulong>,
            &MoveHandlers.LoadZeroExtended<ulong, Flat>,
            &MoveHandlers.LoadZeroExtended<ulong, General>,
            InstructionTraits.Faults, Sse2);
        t.Add(
            Code.Movsd_xmmm64_xmm,
            &MoveHandlers.LowLane<ulong>,
            &MoveHandlers.StoreLow<ulong, Flat>,
            &MoveHandlers.StoreLow<ulong, General>,
            InstructionTraits.Faults, Sse2);
        t.Add(
            Code.Movq_xmm_xmmm64,
            &MoveHandlers.MovqXmm,
            &MoveHandlers.LoadZeroExtended<ulong, Flat>,
            &MoveHandlers.LoadZeroExtended<ulong, General>,
            InstructionTraits.Faults, Sse2);
        t.Add(
            Code.Movq_xmmm64_xmm,
            &MoveHandlers.MovqXmm,
            &MoveHandlers.StoreLow<ulong, Flat>,
            &MoveHandlers.StoreLow<ulong, General>,
            InstructionTraits.Faults, Sse2);
        t.Add(
            Code.Movd_xmm_rm32,
            &MoveHandlers.MovdXmmRegister,
            &MoveHandlers.LoadZeroExtended<uint, Flat>,
            &MoveHandlers.LoadZeroExtended<uint, General>,
            InstructionTraits.Faults, Sse2);
        t.Add(
            Code.Movd_rm32_xmm,
            &MoveHandlers.MovdRegisterXmm,
            &MoveHandlers.StoreLow<uint, Flat>,
            &MoveHandlers.StoreLow<uint, General>,
            InstructionTraits.Faults, Sse2);
        t.AddMemory(
            Code.Movlps_xmm_m64,
            &MoveHandlers.LoadLowHalf<Flat>,
            &MoveHandlers.LoadLowHalf<General>,
            InstructionTraits.Faults,
            Sse);
        t.AddMemory(
            Code.Movlps_m64_xmm,
            &MoveHandlers.StoreLow<ulong, Flat>,
            &MoveHandlers.StoreLow<ulong, General>,
            InstructionTraits.Faults,
            Sse);
        t.AddMemory(
            Code.Movhps_xmm_m64,
            &MoveHandlers.LoadHighHalf<Flat>,
            &MoveHandlers.LoadHighHalf<General>,
            InstructionTraits.Faults,
            Sse);
        t.AddMemory(
            Code.Movhps_m64_xmm,
            &MoveHandlers.StoreHighHalf<Flat>,
            &MoveHandlers.StoreHighHalf<General>,
            InstructionTraits.Faults,
            Sse);
        t.AddMemory(
            Code.Movlpd_xmm_m64,
            &MoveHandlers.LoadLowHalf<Flat>,
            &MoveHandlers.LoadLowHalf<General>,
            InstructionTraits.Faults,
            Sse2);
        t.AddMemory(
            Code.Movlpd_m64_xmm,
            &MoveHandlers.StoreLow<ulong, Flat>,
            &MoveHandlers.StoreLow<ulong, General>,
            InstructionTraits.Faults,
            Sse2);
        t.AddMemory(
            Code.Movhpd_xmm_m64,
            &MoveHandlers.LoadHighHalf<Flat>,
            &MoveHandlers.LoadHighHalf<General>,
            InstructionTraits.Faults,
            Sse2);
        t.AddMemory(
            Code.Movhpd_m64_xmm,
            &MoveHandlers.StoreHighHalf<Flat>,
            &MoveHandlers.StoreHighHalf<General>,
            InstructionTraits.Faults,
            Sse2);
        t.Add(Code.Movhlps_xmm_xmm, &MoveHandlers.Movhlps, InstructionTraits.Faults, Sse);
        t.Add(Code.Movlhps_xmm_xmm, &MoveHandlers.Movlhps, InstructionTraits.Faults, Sse);
        t.AddMemory(Code.Movnti_m32_r32, &MoveHandlers.Movnti<Flat>, &MoveHandlers.Movnti<General>, InstructionTraits.Faults, Sse2);
    }

    private static void AddMmx(InstructionTable t)
    {
        t.Add(
            Code.Movd_mm_rm32,
            &MoveHandlers.MovdMmxRegister,
            &MoveHandlers.LoadMmx32<Flat>,
            &MoveHandlers.LoadMmx32<General>,
            InstructionTraits.Faults,
            Mmx);
        t.Add(
            Code.Movd_rm32_mm,
            &MoveHandlers.MovdRegisterMmx,
            &MoveHandlers.StoreMmx32<Flat>,
            &MoveHandlers.StoreMmx32<General>,
            InstructionTraits.Faults, Mmx);
        t.Add(
            Code.Movq_mm_mmm64,
            &MoveHandlers.Mmx,
            &MoveHandlers.LoadMmx64<Flat>,
            &MoveHandlers.LoadMmx64<General>,
            InstructionTraits.Faults,
            Mmx);
        t.Add(
            Code.Movq_mmm64_mm,
            &MoveHandlers.Mmx,
            &MoveHandlers.StoreMmx64<Flat>,
            &MoveHandlers.StoreMmx64<General>,
            InstructionTraits.Faults,
            Mmx);
        t.AddMemory(Code.Movntq_m64_mm, &MoveHandlers.StoreMmx64<Flat>, &MoveHandlers.StoreMmx64<General>, InstructionTraits.Faults, Sse);
        t.AddMemory(Code.Maskmovq_rDI_mm_mm, &MoveHandlers.Maskmovq<Flat>, &MoveHandlers.Maskmovq<General>, InstructionTraits.Faults, Sse);
        t.Add(Code.Movq2dq_xmm_mm, &MoveHandlers.Movq2dq, InstructionTraits.Faults, Sse2);
        t.Add(Code.Movdq2q_mm_xmm, &MoveHandlers.Movdq2q, InstructionTraits.Faults, Sse2);
    }

    private static void AddState(InstructionTable t)
    {
        t.Add(Code.Emms, &StateHandlers.Emms, InstructionTraits.Faults, Mmx);
        t.AddMemory(Code.Ldmxcsr_m32, &StateHandlers.Ldmxcsr<Flat>, &StateHandlers.Ldmxcsr<General>, InstructionTraits.Faults, Sse);
        t.AddMemory(Code.Stmxcsr_m32, &StateHandlers.Stmxcsr<Flat>, &StateHandlers.Stmxcsr<General>, InstructionTraits.Faults, Sse);
        t.AddMemory(
            Code.Fxsave_m512byte,
            &StateHandlers.Fxsave<Flat>,
            &StateHandlers.Fxsave<General>,
            InstructionTraits.Faults,
            CpuFeatures.Fxsr);
        t.AddMemory(
            Code.Fxrstor_m512byte,
            &StateHandlers.Fxrstor<Flat>,
            &StateHandlers.Fxrstor<General>,
            InstructionTraits.Faults,
            CpuFeatures.Fxsr);
    }

    private static void AddHints(InstructionTable t)
    {
        t.Add(Code.Pause, &StateHandlers.Nothing);
        t.AddMemory(Code.Prefetchnta_m8, &StateHandlers.NothingMemory<Flat>, &StateHandlers.NothingMemory<General>, needs: Sse);
        t.AddMemory(Code.Prefetcht0_m8, &StateHandlers.NothingMemory<Flat>, &StateHandlers.NothingMemory<General>, needs: Sse);
        t.AddMemory(Code.Prefetcht1_m8, &StateHandlers.NothingMemory<Flat>, &StateHandlers.NothingMemory<General>, needs: Sse);
        t.AddMemory(Code.Prefetcht2_m8, &StateHandlers.NothingMemory<Flat>, &StateHandlers.NothingMemory<General>, needs: Sse);
        t.AddMemory(
            Code.Clflush_m8,
            &StateHandlers.Clflush<Flat>,
            &StateHandlers.Clflush<General>,
            InstructionTraits.Faults,
            CpuFeatures.Clflush);

        // Every r/m value of the register forms is the same fence.
        for (Code code = Code.Lfence; code <= Code.Lfence_EF; code++)
        {
            t.Add(code, &StateHandlers.Nothing, needs: Sse2);
        }

        for (Code code = Code.Mfence; code <= Code.Mfence_F7; code++)
        {
            t.Add(code, &StateHandlers.Nothing, needs: Sse2);
        }

        for (Code code = Code.Sfence; code <= Code.Sfence_FF; code++)
        {
            t.Add(code, &StateHandlers.Nothing, needs: Sse);
        }
    }
}
