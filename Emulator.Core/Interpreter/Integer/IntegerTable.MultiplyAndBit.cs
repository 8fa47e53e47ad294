using Emulator.Core.Cpu;
using Iced.Intel;

namespace Emulator.Core.Interpreter;

/// <content>MultiplyAndBit rows.</content>
internal static unsafe partial class IntegerTable
{
    private static void RegisterMultiplyAndBit(InstructionTable t)
    {
        t.Add(Code.Mul_rm8, &MultiplyHandlers.MulReg<byte>, &MultiplyHandlers.MulMem<byte, Flat>, &MultiplyHandlers.MulMem<byte, General>);
        t.Add(Code.Imul_rm8, &MultiplyHandlers.ImulReg<byte>, &MultiplyHandlers.ImulMem<byte, Flat>, &MultiplyHandlers.ImulMem<byte, General>);
        t.Add(Code.Div_rm8, &MultiplyHandlers.DivReg<byte>, &MultiplyHandlers.DivMem<byte, Flat>, &MultiplyHandlers.DivMem<byte, General>);
        t.Add(Code.Idiv_rm8, &MultiplyHandlers.IdivReg<byte>, &MultiplyHandlers.IdivMem<byte, Flat>, &MultiplyHandlers.IdivMem<byte, General>);
        t.Add(Code.Xadd_rm8_r8, &BitHandlers.XaddReg<byte>, &BitHandlers.XaddMem<byte, Flat>, &BitHandlers.XaddMem<byte, General>);
        t.Add(Code.Cmpxchg_rm8_r8, &BitHandlers.CmpxchgReg<byte>, &BitHandlers.CmpxchgMem<byte, Flat>, &BitHandlers.CmpxchgMem<byte, General>);
        t.Add(Code.Mul_rm16, &MultiplyHandlers.MulReg<ushort>, &MultiplyHandlers.MulMem<ushort, Flat>, &MultiplyHandlers.MulMem<ushort, General>);
        t.Add(Code.Imul_rm16, &MultiplyHandlers.ImulReg<ushort>, &MultiplyHandlers.ImulMem<ushort, Flat>, &MultiplyHandlers.ImulMem<ushort, General>);
        t.Add(Code.Div_rm16, &MultiplyHandlers.DivReg<ushort>, &MultiplyHandlers.DivMem<ushort, Flat>, &MultiplyHandlers.DivMem<ushort, General>);
        t.Add(Code.Idiv_rm16, &MultiplyHandlers.IdivReg<ushort>, &MultiplyHandlers.IdivMem<ushort, Flat>, &MultiplyHandlers.IdivMem<ushort, General>);
        t.Add(Code.Imul_r16_rm16, &MultiplyHandlers.Imul2Reg<ushort>, &MultiplyHandlers.Imul2Mem<ushort, Flat>, &MultiplyHandlers.Imul2Mem<ushort, General>);
        t.Add(Code.Imul_r16_rm16_imm8, &MultiplyHandlers.Imul3Reg<ushort>, &MultiplyHandlers.Imul3Mem<ushort, Flat>, &MultiplyHandlers.Imul3Mem<ushort, General>);
        t.Add(Code.Imul_r16_rm16_imm16, &MultiplyHandlers.Imul3Reg<ushort>, &MultiplyHandlers.Imul3Mem<ushort, Flat>, &MultiplyHandlers.Imul3Mem<ushort, General>);
        t.Add(Code.Bt_rm16_imm8, &BitHandlers.RegImm<BitTest, ushort>, &BitHandlers.MemImm<BitTest, ushort, Flat>, &BitHandlers.MemImm<BitTest, ushort, General>);
        t.Add(Code.Bt_rm16_r16, &BitHandlers.RegReg<BitTest, ushort>, &BitHandlers.MemReg<BitTest, ushort, Flat>, &BitHandlers.MemReg<BitTest, ushort, General>);
        t.Add(Code.Bts_rm16_imm8, &BitHandlers.RegImm<BitSet, ushort>, &BitHandlers.MemImm<BitSet, ushort, Flat>, &BitHandlers.MemImm<BitSet, ushort, General>);
        t.Add(Code.Bts_rm16_r16, &BitHandlers.RegReg<BitSet, ushort>, &BitHandlers.MemReg<BitSet, ushort, Flat>, &BitHandlers.MemReg<BitSet, ushort, General>);
        t.Add(Code.Btr_rm16_imm8, &BitHandlers.RegImm<BitReset, ushort>, &BitHandlers.MemImm<BitReset, ushort, Flat>, &BitHandlers.MemImm<BitReset, ushort, General>);
        t.Add(Code.Btr_rm16_r16, &BitHandlers.RegReg<BitReset, ushort>, &BitHandlers.MemReg<BitReset, ushort, Flat>, &BitHandlers.MemReg<BitReset, ushort, General>);
        t.Add(Code.Btc_rm16_imm8, &BitHandlers.RegImm<BitComplement, ushort>, &BitHandlers.MemImm<BitComplement, ushort, Flat>, &BitHandlers.MemImm<BitComplement, ushort, General>);
        t.Add(Code.Btc_rm16_r16, &BitHandlers.RegReg<BitComplement, ushort>, &BitHandlers.MemReg<BitComplement, ushort, Flat>, &BitHandlers.MemReg<BitComplement, ushort, General>);
        t.Add(Code.Bsf_r16_rm16, &BitHandlers.BsfReg<ushort>, &BitHandlers.BsfMem<ushort, Flat>, &BitHandlers.BsfMem<ushort, General>);
        t.Add(Code.Bsr_r16_rm16, &BitHandlers.BsrReg<ushort>, &BitHandlers.BsrMem<ushort, Flat>, &BitHandlers.BsrMem<ushort, General>);
        t.Add(Code.Shld_rm16_r16_imm8, &BitHandlers.ShldRegImm<ushort>, &BitHandlers.ShldMemImm<ushort, Flat>, &BitHandlers.ShldMemImm<ushort, General>);
        t.Add(Code.Shld_rm16_r16_CL, &BitHandlers.ShldRegCl<ushort>, &BitHandlers.ShldMemCl<ushort, Flat>, &BitHandlers.ShldMemCl<ushort, General>);
        t.Add(Code.Shrd_rm16_r16_imm8, &BitHandlers.ShrdRegImm<ushort>, &BitHandlers.ShrdMemImm<ushort, Flat>, &BitHandlers.ShrdMemImm<ushort, General>);
        t.Add(Code.Shrd_rm16_r16_CL, &BitHandlers.ShrdRegCl<ushort>, &BitHandlers.ShrdMemCl<ushort, Flat>, &BitHandlers.ShrdMemCl<ushort, General>);
        t.Add(Code.Xadd_rm16_r16, &BitHandlers.XaddReg<ushort>, &BitHandlers.XaddMem<ushort, Flat>, &BitHandlers.XaddMem<ushort, General>);
        t.Add(Code.Cmpxchg_rm16_r16, &BitHandlers.CmpxchgReg<ushort>, &BitHandlers.CmpxchgMem<ushort, Flat>, &BitHandlers.CmpxchgMem<ushort, General>);
        t.Add(Code.Mul_rm32, &MultiplyHandlers.MulReg<uint>, &MultiplyHandlers.MulMem<uint, Flat>, &MultiplyHandlers.MulMem<uint, General>);
        t.Add(Code.Imul_rm32, &MultiplyHandlers.ImulReg<uint>, &MultiplyHandlers.ImulMem<uint, Flat>, &MultiplyHandlers.ImulMem<uint, General>);
        t.Add(Code.Div_rm32, &MultiplyHandlers.DivReg<uint>, &MultiplyHandlers.DivMem<uint, Flat>, &MultiplyHandlers.DivMem<uint, General>);
        t.Add(Code.Idiv_rm32, &MultiplyHandlers.IdivReg<uint>, &MultiplyHandlers.IdivMem<uint, Flat>, &MultiplyHandlers.IdivMem<uint, General>);
        t.Add(Code.Imul_r32_rm32, &MultiplyHandlers.Imul2Reg<uint>, &MultiplyHandlers.Imul2Mem<uint, Flat>, &MultiplyHandlers.Imul2Mem<uint, General>);
        t.Add(Code.Imul_r32_rm32_imm8, &MultiplyHandlers.Imul3Reg<uint>, &MultiplyHandlers.Imul3Mem<uint, Flat>, &MultiplyHandlers.Imul3Mem<uint, General>);
        t.Add(Code.Imul_r32_rm32_imm32, &MultiplyHandlers.Imul3Reg<uint>, &MultiplyHandlers.Imul3Mem<uint, Flat>, &MultiplyHandlers.Imul3Mem<uint, General>);
        t.Add(Code.Bt_rm32_imm8, &BitHandlers.RegImm<BitTest, uint>, &BitHandlers.MemImm<BitTest, uint, Flat>, &BitHandlers.MemImm<BitTest, uint, General>);
        t.Add(Code.Bt_rm32_r32, &BitHandlers.RegReg<BitTest, uint>, &BitHandlers.MemReg<BitTest, uint, Flat>, &BitHandlers.MemReg<BitTest, uint, General>);
        t.Add(Code.Bts_rm32_imm8, &BitHandlers.RegImm<BitSet, uint>, &BitHandlers.MemImm<BitSet, uint, Flat>, &BitHandlers.MemImm<BitSet, uint, General>);
        t.Add(Code.Bts_rm32_r32, &BitHandlers.RegReg<BitSet, uint>, &BitHandlers.MemReg<BitSet, uint, Flat>, &BitHandlers.MemReg<BitSet, uint, General>);
        t.Add(Code.Btr_rm32_imm8, &BitHandlers.RegImm<BitReset, uint>, &BitHandlers.MemImm<BitReset, uint, Flat>, &BitHandlers.MemImm<BitReset, uint, General>);
        t.Add(Code.Btr_rm32_r32, &BitHandlers.RegReg<BitReset, uint>, &BitHandlers.MemReg<BitReset, uint, Flat>, &BitHandlers.MemReg<BitReset, uint, General>);
        t.Add(Code.Btc_rm32_imm8, &BitHandlers.RegImm<BitComplement, uint>, &BitHandlers.MemImm<BitComplement, uint, Flat>, &BitHandlers.MemImm<BitComplement, uint, General>);
        t.Add(Code.Btc_rm32_r32, &BitHandlers.RegReg<BitComplement, uint>, &BitHandlers.MemReg<BitComplement, uint, Flat>, &BitHandlers.MemReg<BitComplement, uint, General>);
        t.Add(Code.Bsf_r32_rm32, &BitHandlers.BsfReg<uint>, &BitHandlers.BsfMem<uint, Flat>, &BitHandlers.BsfMem<uint, General>);
        t.Add(Code.Bsr_r32_rm32, &BitHandlers.BsrReg<uint>, &BitHandlers.BsrMem<uint, Flat>, &BitHandlers.BsrMem<uint, General>);
        t.Add(Code.Shld_rm32_r32_imm8, &BitHandlers.ShldRegImm<uint>, &BitHandlers.ShldMemImm<uint, Flat>, &BitHandlers.ShldMemImm<uint, General>);
        t.Add(Code.Shld_rm32_r32_CL, &BitHandlers.ShldRegCl<uint>, &BitHandlers.ShldMemCl<uint, Flat>, &BitHandlers.ShldMemCl<uint, General>);
        t.Add(Code.Shrd_rm32_r32_imm8, &BitHandlers.ShrdRegImm<uint>, &BitHandlers.ShrdMemImm<uint, Flat>, &BitHandlers.ShrdMemImm<uint, General>);
        t.Add(Code.Shrd_rm32_r32_CL, &BitHandlers.ShrdRegCl<uint>, &BitHandlers.ShrdMemCl<uint, Flat>, &BitHandlers.ShrdMemCl<uint, General>);
        t.Add(Code.Xadd_rm32_r32, &BitHandlers.XaddReg<uint>, &BitHandlers.XaddMem<uint, Flat>, &BitHandlers.XaddMem<uint, General>);
        t.Add(Code.Cmpxchg_rm32_r32, &BitHandlers.CmpxchgReg<uint>, &BitHandlers.CmpxchgMem<uint, Flat>, &BitHandlers.CmpxchgMem<uint, General>);
        t.AddMemory(Code.Cmpxchg8b_m64, &MiscHandlers.Cmpxchg8b<Flat>, &MiscHandlers.Cmpxchg8b<General>, InstructionTraits.None, CpuFeatures.Cx8);
        t.Add(Code.Clc, &MiscHandlers.Clc);
        t.Add(Code.Stc, &MiscHandlers.Stc);
        t.Add(Code.Cmc, &MiscHandlers.Cmc);
        t.Add(Code.Cld, &MiscHandlers.Cld);
        t.Add(Code.Std, &MiscHandlers.Std);
        t.Add(Code.Lahf, &MiscHandlers.Lahf);
        t.Add(Code.Sahf, &MiscHandlers.Sahf);
        t.Add(Code.Salc, &MiscHandlers.Salc);
        t.Add(Code.Daa, &MiscHandlers.Daa);
        t.Add(Code.Das, &MiscHandlers.Das);
        t.Add(Code.Aaa, &MiscHandlers.Aaa);
        t.Add(Code.Aas, &MiscHandlers.Aas);
        t.Add(Code.Aam_imm8, &MiscHandlers.Aam);
        t.Add(Code.Aad_imm8, &MiscHandlers.Aad);
    }
}
