using Emulator.Core.Cpu;
using Iced.Intel;

namespace Emulator.Core.Interpreter.Simd;

/// <summary>Rows of the packed integer, logical and shuffle instructions.</summary>
internal static unsafe class PackedRows
{
    private const CpuFeatures Mmx = CpuFeatures.Mmx;
    private const CpuFeatures Sse = CpuFeatures.Sse;
    private const CpuFeatures Sse2 = CpuFeatures.Sse2;

    public static void Register(InstructionTable t)
    {
        AddArithmetic(t);
        AddLogic(t);
        AddShuffles(t);
        AddShifts(t);
        AddWords(t);
    }

    private static void AddArithmetic(InstructionTable t)
    {
        AddMmx<LowHalf<Paddb>>(t, Code.Paddb_mm_mmm64, Mmx);
        AddXmm<Paddb>(t, Code.Paddb_xmm_xmmm128, Sse2);
        AddMmx<LowHalf<Paddw>>(t, Code.Paddw_mm_mmm64, Mmx);
        AddXmm<Paddw>(t, Code.Paddw_xmm_xmmm128, Sse2);
        AddMmx<LowHalf<Paddd>>(t, Code.Paddd_mm_mmm64, Mmx);
        AddXmm<Paddd>(t, Code.Paddd_xmm_xmmm128, Sse2);
        AddMmx<LowHalf<Paddq>>(t, Code.Paddq_mm_mmm64, Sse2);
        AddXmm<Paddq>(t, Code.Paddq_xmm_xmmm128, Sse2);
        AddMmx<LowHalf<Paddsb>>(t, Code.Paddsb_mm_mmm64, Mmx);
        AddXmm<Paddsb>(t, Code.Paddsb_xmm_xmmm128, Sse2);
        AddMmx<LowHalf<Paddsw>>(t, Code.Paddsw_mm_mmm64, Mmx);
        AddXmm<Paddsw>(t, Code.Paddsw_xmm_xmmm128, Sse2);
        AddMmx<LowHalf<Paddusb>>(t, Code.Paddusb_mm_mmm64, Mmx);
        AddXmm<Paddusb>(t, Code.Paddusb_xmm_xmmm128, Sse2);
        AddMmx<LowHalf<Paddusw>>(t, Code.Paddusw_mm_mmm64, Mmx);
        AddXmm<Paddusw>(t, Code.Paddusw_xmm_xmmm128, Sse2);
        AddMmx<LowHalf<Psubb>>(t, Code.Psubb_mm_mmm64, Mmx);
        AddXmm<Psubb>(t, Code.Psubb_xmm_xmmm128, Sse2);
        AddMmx<LowHalf<Psubw>>(t, Code.Psubw_mm_mmm64, Mmx);
        AddXmm<Psubw>(t, Code.Psubw_xmm_xmmm128, Sse2);
        AddMmx<LowHalf<Psubd>>(t, Code.Psubd_mm_mmm64, Mmx);
        AddXmm<Psubd>(t, Code.Psubd_xmm_xmmm128, Sse2);
        AddMmx<LowHalf<Psubq>>(t, Code.Psubq_mm_mmm64, Sse2);
        AddXmm<Psubq>(t, Code.Psubq_xmm_xmmm128, Sse2);
        AddMmx<LowHalf<Psubsb>>(t, Code.Psubsb_mm_mmm64, Mmx);
        AddXmm<Psubsb>(t, Code.Psubsb_xmm_xmmm128, Sse2);
        AddMmx<LowHalf<Psubsw>>(t, Code.Psubsw_mm_mmm64, Mmx);
        AddXmm<Psubsw>(t, Code.Psubsw_xmm_xmmm128, Sse2);
        AddMmx<LowHalf<Psubusb>>(t, Code.Psubusb_mm_mmm64, Mmx);
        AddXmm<Psubusb>(t, Code.Psubusb_xmm_xmmm128, Sse2);
        AddMmx<LowHalf<Psubusw>>(t, Code.Psubusw_mm_mmm64, Mmx);
        AddXmm<Psubusw>(t, Code.Psubusw_xmm_xmmm128, Sse2);
        AddMmx<LowHalf<Pmullw>>(t, Code.Pmullw_mm_mmm64, Mmx);
        AddXmm<Pmullw>(t, Code.Pmullw_xmm_xmmm128, Sse2);
        AddMmx<LowHalf<Pmulhw>>(t, Code.Pmulhw_mm_mmm64, Mmx);
        AddXmm<Pmulhw>(t, Code.Pmulhw_xmm_xmmm128, Sse2);
        AddMmx<LowHalf<Pmulhuw>>(t, Code.Pmulhuw_mm_mmm64, Sse);
        AddXmm<Pmulhuw>(t, Code.Pmulhuw_xmm_xmmm128, Sse2);
        AddMmx<LowHalf<Pmuludq>>(t, Code.Pmuludq_mm_mmm64, Sse2);
        AddXmm<Pmuludq>(t, Code.Pmuludq_xmm_xmmm128, Sse2);
        AddMmx<LowHalf<Pmaddwd>>(t, Code.Pmaddwd_mm_mmm64, Mmx);
        AddXmm<Pmaddwd>(t, Code.Pmaddwd_xmm_xmmm128, Sse2);
        AddMmx<LowHalf<Psadbw>>(t, Code.Psadbw_mm_mmm64, Sse);
        AddXmm<Psadbw>(t, Code.Psadbw_xmm_xmmm128, Sse2);
        AddMmx<LowHalf<Pavgb>>(t, Code.Pavgb_mm_mmm64, Sse);
        AddXmm<Pavgb>(t, Code.Pavgb_xmm_xmmm128, Sse2);
        AddMmx<LowHalf<Pavgw>>(t, Code.Pavgw_mm_mmm64, Sse);
        AddXmm<Pavgw>(t, Code.Pavgw_xmm_xmmm128, Sse2);
        AddMmx<LowHalf<Pminub>>(t, Code.Pminub_mm_mmm64, Sse);
        AddXmm<Pminub>(t, Code.Pminub_xmm_xmmm128, Sse2);
        AddMmx<LowHalf<Pmaxub>>(t, Code.Pmaxub_mm_mmm64, Sse);
        AddXmm<Pmaxub>(t, Code.Pmaxub_xmm_xmmm128, Sse2);
        AddMmx<LowHalf<Pminsw>>(t, Code.Pminsw_mm_mmm64, Sse);
        AddXmm<Pminsw>(t, Code.Pminsw_xmm_xmmm128, Sse2);
        AddMmx<LowHalf<Pmaxsw>>(t, Code.Pmaxsw_mm_mmm64, Sse);
        AddXmm<Pmaxsw>(t, Code.Pmaxsw_xmm_xmmm128, Sse2);
        AddMmx<LowHalf<Pcmpeqb>>(t, Code.Pcmpeqb_mm_mmm64, Mmx);
        AddXmm<Pcmpeqb>(t, Code.Pcmpeqb_xmm_xmmm128, Sse2);
        AddMmx<LowHalf<Pcmpeqw>>(t, Code.Pcmpeqw_mm_mmm64, Mmx);
        AddXmm<Pcmpeqw>(t, Code.Pcmpeqw_xmm_xmmm128, Sse2);
        AddMmx<LowHalf<Pcmpeqd>>(t, Code.Pcmpeqd_mm_mmm64, Mmx);
        AddXmm<Pcmpeqd>(t, Code.Pcmpeqd_xmm_xmmm128, Sse2);
        AddMmx<LowHalf<Pcmpgtb>>(t, Code.Pcmpgtb_mm_mmm64, Mmx);
        AddXmm<Pcmpgtb>(t, Code.Pcmpgtb_xmm_xmmm128, Sse2);
        AddMmx<LowHalf<Pcmpgtw>>(t, Code.Pcmpgtw_mm_mmm64, Mmx);
        AddXmm<Pcmpgtw>(t, Code.Pcmpgtw_xmm_xmmm128, Sse2);
        AddMmx<LowHalf<Pcmpgtd>>(t, Code.Pcmpgtd_mm_mmm64, Mmx);
        AddXmm<Pcmpgtd>(t, Code.Pcmpgtd_xmm_xmmm128, Sse2);
    }

    private static void AddLogic(InstructionTable t)
    {
        AddMmx<LowHalf<Pand>>(t, Code.Pand_mm_mmm64, Mmx);
        AddXmm<Pand>(t, Code.Pand_xmm_xmmm128, Sse2);
        AddMmx<LowHalf<Pandn>>(t, Code.Pandn_mm_mmm64, Mmx);
        AddXmm<Pandn>(t, Code.Pandn_xmm_xmmm128, Sse2);
        AddMmx<LowHalf<Por>>(t, Code.Por_mm_mmm64, Mmx);
        AddXmm<Por>(t, Code.Por_xmm_xmmm128, Sse2);
        AddMmx<LowHalf<Pxor>>(t, Code.Pxor_mm_mmm64, Mmx);
        AddXmm<Pxor>(t, Code.Pxor_xmm_xmmm128, Sse2);
        AddXmm<Pand>(t, Code.Andps_xmm_xmmm128, Sse);
        AddXmm<Pand>(t, Code.Andpd_xmm_xmmm128, Sse2);
        AddXmm<Pandn>(t, Code.Andnps_xmm_xmmm128, Sse);
        AddXmm<Pandn>(t, Code.Andnpd_xmm_xmmm128, Sse2);
        AddXmm<Por>(t, Code.Orps_xmm_xmmm128, Sse);
        AddXmm<Por>(t, Code.Orpd_xmm_xmmm128, Sse2);
        AddXmm<Pxor>(t, Code.Xorps_xmm_xmmm128, Sse);
        AddXmm<Pxor>(t, Code.Xorpd_xmm_xmmm128, Sse2);
    }

    private static void AddShuffles(InstructionTable t)
    {
        AddMmx<PacksswbMmx>(t, Code.Packsswb_mm_mmm64, Mmx);
        AddXmm<Packsswb>(t, Code.Packsswb_xmm_xmmm128, Sse2);
        AddMmx<PackssdwMmx>(t, Code.Packssdw_mm_mmm64, Mmx);
        AddXmm<Packssdw>(t, Code.Packssdw_xmm_xmmm128, Sse2);
        AddMmx<PackuswbMmx>(t, Code.Packuswb_mm_mmm64, Mmx);
        AddXmm<Packuswb>(t, Code.Packuswb_xmm_xmmm128, Sse2);
        AddMmx<PunpckhbwMmx>(t, Code.Punpckhbw_mm_mmm64, Mmx);
        AddXmm<Punpckhbw>(t, Code.Punpckhbw_xmm_xmmm128, Sse2);
        AddMmx<PunpckhwdMmx>(t, Code.Punpckhwd_mm_mmm64, Mmx);
        AddXmm<Punpckhwd>(t, Code.Punpckhwd_xmm_xmmm128, Sse2);
        AddMmx<PunpckhdqMmx>(t, Code.Punpckhdq_mm_mmm64, Mmx);
        AddXmm<Punpckhdq>(t, Code.Punpckhdq_xmm_xmmm128, Sse2);
        AddMmx32<LowHalf<Punpcklbw>>(t, Code.Punpcklbw_mm_mmm32);
        AddXmm<Punpcklbw>(t, Code.Punpcklbw_xmm_xmmm128, Sse2);
        AddMmx32<LowHalf<Punpcklwd>>(t, Code.Punpcklwd_mm_mmm32);
        AddXmm<Punpcklwd>(t, Code.Punpcklwd_xmm_xmmm128, Sse2);
        AddMmx32<LowHalf<Punpckldq>>(t, Code.Punpckldq_mm_mmm32);
        AddXmm<Punpckldq>(t, Code.Punpckldq_xmm_xmmm128, Sse2);
        AddXmm<Punpcklqdq>(t, Code.Punpcklqdq_xmm_xmmm128, Sse2);
        AddXmm<Punpckhqdq>(t, Code.Punpckhqdq_xmm_xmmm128, Sse2);
        AddXmm<Punpckldq>(t, Code.Unpcklps_xmm_xmmm128, Sse);
        AddXmm<Punpckhdq>(t, Code.Unpckhps_xmm_xmmm128, Sse);
        AddXmm<Punpcklqdq>(t, Code.Unpcklpd_xmm_xmmm128, Sse2);
        AddXmm<Punpckhqdq>(t, Code.Unpckhpd_xmm_xmmm128, Sse2);
        AddShuffle<Pshufd>(t, Code.Pshufd_xmm_xmmm128_imm8, Sse2);
        AddShuffle<Pshuflw>(t, Code.Pshuflw_xmm_xmmm128_imm8, Sse2);
        AddShuffle<Pshufhw>(t, Code.Pshufhw_xmm_xmmm128_imm8, Sse2);
        AddShuffle<Shufps>(t, Code.Shufps_xmm_xmmm128_imm8, Sse);
        AddShuffle<Shufpd>(t, Code.Shufpd_xmm_xmmm128_imm8, Sse2);
        t.Add(
            Code.Pshufw_mm_mmm64_imm8,
            &PackedHandlers.Pshufw,
            &PackedHandlers.PshufwMemory<Flat>,
            &PackedHandlers.PshufwMemory<General>,
            InstructionTraits.Faults,
            Sse);
    }

    private static void AddShifts(InstructionTable t)
    {
        AddShift<Psllw>(t, Code.Psllw_mm_mmm64, Code.Psllw_mm_imm8, Code.Psllw_xmm_xmmm128, Code.Psllw_xmm_imm8);
        AddShift<Pslld>(t, Code.Pslld_mm_mmm64, Code.Pslld_mm_imm8, Code.Pslld_xmm_xmmm128, Code.Pslld_xmm_imm8);
        AddShift<Psllq>(t, Code.Psllq_mm_mmm64, Code.Psllq_mm_imm8, Code.Psllq_xmm_xmmm128, Code.Psllq_xmm_imm8);
        AddShift<Psrlw>(t, Code.Psrlw_mm_mmm64, Code.Psrlw_mm_imm8, Code.Psrlw_xmm_xmmm128, Code.Psrlw_xmm_imm8);
        AddShift<Psrld>(t, Code.Psrld_mm_mmm64, Code.Psrld_mm_imm8, Code.Psrld_xmm_xmmm128, Code.Psrld_xmm_imm8);
        AddShift<Psrlq>(t, Code.Psrlq_mm_mmm64, Code.Psrlq_mm_imm8, Code.Psrlq_xmm_xmmm128, Code.Psrlq_xmm_imm8);
        AddShift<Psraw>(t, Code.Psraw_mm_mmm64, Code.Psraw_mm_imm8, Code.Psraw_xmm_xmmm128, Code.Psraw_xmm_imm8);
        AddShift<Psrad>(t, Code.Psrad_mm_mmm64, Code.Psrad_mm_imm8, Code.Psrad_xmm_xmmm128, Code.Psrad_xmm_imm8);
        t.Add(Code.Pslldq_xmm_imm8, &PackedHandlers.XmmShiftImmediate<Pslldq>, InstructionTraits.Faults, Sse2);
        t.Add(Code.Psrldq_xmm_imm8, &PackedHandlers.XmmShiftImmediate<Psrldq>, InstructionTraits.Faults, Sse2);
    }

    private static void AddWords(InstructionTable t)
    {
        t.Add(Code.Pextrw_r32_mm_imm8, &PackedHandlers.PextrwMmx, InstructionTraits.Faults, Sse);
        t.Add(Code.Pextrw_r32_xmm_imm8, &PackedHandlers.PextrwXmm, InstructionTraits.Faults, Sse2);
        t.Add(
            Code.Pinsrw_mm_r32m16_imm8,
            &PackedHandlers.PinsrwMmx,
            &PackedHandlers.PinsrwMmxMemory<Flat>,
            &PackedHandlers.PinsrwMmxMemory<General>,
            InstructionTraits.Faults, Sse);
        t.Add(
            Code.Pinsrw_xmm_r32m16_imm8,
            &PackedHandlers.PinsrwXmm,
            &PackedHandlers.PinsrwXmmMemory<Flat>,
            &PackedHandlers.PinsrwXmmMemory<General>,
            InstructionTraits.Faults, Sse2);
        t.Add(Code.Pmovmskb_r32_mm, &PackedHandlers.PmovmskbMmx, InstructionTraits.Faults, Sse);
        t.Add(Code.Pmovmskb_r32_xmm, &PackedHandlers.PmovmskbXmm, InstructionTraits.Faults, Sse2);
        t.Add(Code.Movmskps_r32_xmm, &PackedHandlers.Movmskps, InstructionTraits.Faults, Sse);
        t.Add(Code.Movmskpd_r32_xmm, &PackedHandlers.Movmskpd, InstructionTraits.Faults, Sse2);
    }

    private static void AddXmm<TOperation>(InstructionTable t, Code code, CpuFeatures needs)
        where TOperation : struct, IXmmOperation =>
        t.Add(
            code,
            &PackedHandlers.Xmm<TOperation>,
            &PackedHandlers.XmmMemory<TOperation, Flat>,
            &PackedHandlers.XmmMemory<TOperation, General>,
            InstructionTraits.Faults, needs);

    private static void AddMmx<TOperation>(InstructionTable t, Code code, CpuFeatures needs)
        where TOperation : struct, IMmxOperation =>
        t.Add(
            code,
            &PackedHandlers.Mmx<TOperation>,
            &PackedHandlers.MmxMemory<TOperation, Flat>,
            &PackedHandlers.MmxMemory<TOperation, General>,
            InstructionTraits.Faults, needs);

    private static void AddMmx32<TOperation>(InstructionTable t, Code code)
        where TOperation : struct, IMmxOperation =>
        t.Add(
            code,
            &PackedHandlers.Mmx<TOperation>,
            &PackedHandlers.MmxMemory32<TOperation, Flat>,
            &PackedHandlers.MmxMemory32<TOperation, General>,
            InstructionTraits.Faults, Mmx);

    private static void AddShuffle<TOperation>(InstructionTable t, Code code, CpuFeatures needs)
        where TOperation : struct, IShuffleOperation =>
        t.Add(
            code,
            &PackedHandlers.XmmShuffle<TOperation>,
            &PackedHandlers.XmmShuffleMemory<TOperation, Flat>,
            &PackedHandlers.XmmShuffleMemory<TOperation, General>,
            InstructionTraits.Faults, needs);

    private static void AddShift<TOperation>(InstructionTable t, Code mmx, Code mmxImmediate, Code xmm, Code xmmImmediate)
        where TOperation : struct, IShiftOperation
    {
        t.Add(
            mmx,
            &PackedHandlers.MmxShift<TOperation>,
            &PackedHandlers.MmxShiftMemory<TOperation, Flat>,
            &PackedHandlers.MmxShiftMemory<TOperation, General>,
            InstructionTraits.Faults, Mmx);
        t.Add(mmxImmediate, &PackedHandlers.MmxShiftImmediate<TOperation>, InstructionTraits.Faults, Mmx);
        t.Add(
            xmm,
            &PackedHandlers.XmmShift<TOperation>,
            &PackedHandlers.XmmShiftMemory<TOperation, Flat>,
            &PackedHandlers.XmmShiftMemory<TOperation, General>,
            InstructionTraits.Faults, Sse2);
        t.Add(xmmImmediate, &PackedHandlers.XmmShiftImmediate<TOperation>, InstructionTraits.Faults, Sse2);
    }
}
