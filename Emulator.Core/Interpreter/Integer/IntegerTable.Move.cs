using Iced.Intel;

namespace Emulator.Core.Interpreter;

/// <content>Move rows.</content>
internal static unsafe partial class IntegerTable
{
    private static void RegisterMove(InstructionTable t)
    {
        t.Add(Code.Mov_rm8_r8, &MoveHandlers.RegReg<byte>, &MoveHandlers.MemReg<byte, Flat>, &MoveHandlers.MemReg<byte, General>);
        t.Add(Code.Mov_r8_rm8, &MoveHandlers.RegReg<byte>, &MoveHandlers.RegMem<byte, Flat>, &MoveHandlers.RegMem<byte, General>);
        t.Add(Code.Mov_r8_imm8, &MoveHandlers.RegImm<byte>);
        t.Add(Code.Mov_rm8_imm8, &MoveHandlers.RegImm<byte>, &MoveHandlers.MemImm<byte, Flat>, &MoveHandlers.MemImm<byte, General>);
        t.AddMemory(Code.Mov_AL_moffs8, &MoveHandlers.RegMem<byte, Flat>, &MoveHandlers.RegMem<byte, General>);
        t.AddMemory(Code.Mov_moffs8_AL, &MoveHandlers.MemReg<byte, Flat>, &MoveHandlers.MemReg<byte, General>);
        t.Add(Code.Xchg_rm8_r8, &MoveHandlers.ExchangeReg<byte>, &MoveHandlers.ExchangeMem<byte, Flat>, &MoveHandlers.ExchangeMem<byte, General>);
        t.Add(Code.Mov_rm16_r16, &MoveHandlers.RegReg<ushort>, &MoveHandlers.MemReg<ushort, Flat>, &MoveHandlers.MemReg<ushort, General>);
        t.Add(Code.Mov_r16_rm16, &MoveHandlers.RegReg<ushort>, &MoveHandlers.RegMem<ushort, Flat>, &MoveHandlers.RegMem<ushort, General>);
        t.Add(Code.Mov_r16_imm16, &MoveHandlers.RegImm<ushort>);
        t.Add(Code.Mov_rm16_imm16, &MoveHandlers.RegImm<ushort>, &MoveHandlers.MemImm<ushort, Flat>, &MoveHandlers.MemImm<ushort, General>);
        t.AddMemory(Code.Mov_AX_moffs16, &MoveHandlers.RegMem<ushort, Flat>, &MoveHandlers.RegMem<ushort, General>);
        t.AddMemory(Code.Mov_moffs16_AX, &MoveHandlers.MemReg<ushort, Flat>, &MoveHandlers.MemReg<ushort, General>);
        t.Add(Code.Xchg_rm16_r16, &MoveHandlers.ExchangeReg<ushort>, &MoveHandlers.ExchangeMem<ushort, Flat>, &MoveHandlers.ExchangeMem<ushort, General>);
        t.Add(Code.Xchg_r16_AX, &MoveHandlers.ExchangeReg<ushort>);
        t.AddMemory(Code.Lea_r16_m, &MoveHandlers.Lea<ushort, Flat>, &MoveHandlers.Lea<ushort, General>);
        t.Add(Code.Movzx_r16_rm8, &MoveHandlers.ExtendReg<ushort, byte>, &MoveHandlers.ExtendMem<ushort, byte, Flat>, &MoveHandlers.ExtendMem<ushort, byte, General>);
        t.Add(Code.Movsx_r16_rm8, &MoveHandlers.ExtendReg<ushort, sbyte>, &MoveHandlers.ExtendMem<ushort, sbyte, Flat>, &MoveHandlers.ExtendMem<ushort, sbyte, General>);
        t.Add(Code.Movzx_r16_rm16, &MoveHandlers.ExtendReg<ushort, ushort>, &MoveHandlers.ExtendMem<ushort, ushort, Flat>, &MoveHandlers.ExtendMem<ushort, ushort, General>);
        t.Add(Code.Movsx_r16_rm16, &MoveHandlers.ExtendReg<ushort, short>, &MoveHandlers.ExtendMem<ushort, short, Flat>, &MoveHandlers.ExtendMem<ushort, short, General>);
        t.Add(Code.Bswap_r16, &MoveHandlers.Bswap16);
        t.Add(Code.Nopw, &MoveHandlers.Nop);
        t.Add(Code.Nop_rm16, &MoveHandlers.Nop, &MoveHandlers.Nop, &MoveHandlers.Nop);
        t.Add(Code.Reservednop_rm16_r16_0F0D, &MoveHandlers.Nop, &MoveHandlers.Nop, &MoveHandlers.Nop);
        t.Add(Code.Reservednop_rm16_r16_0F18, &MoveHandlers.Nop, &MoveHandlers.Nop, &MoveHandlers.Nop);
        t.Add(Code.Reservednop_rm16_r16_0F19, &MoveHandlers.Nop, &MoveHandlers.Nop, &MoveHandlers.Nop);
        t.Add(Code.Reservednop_rm16_r16_0F1A, &MoveHandlers.Nop, &MoveHandlers.Nop, &MoveHandlers.Nop);
        t.Add(Code.Reservednop_rm16_r16_0F1B, &MoveHandlers.Nop, &MoveHandlers.Nop, &MoveHandlers.Nop);
        t.Add(Code.Reservednop_rm16_r16_0F1C, &MoveHandlers.Nop, &MoveHandlers.Nop, &MoveHandlers.Nop);
        t.Add(Code.Reservednop_rm16_r16_0F1D, &MoveHandlers.Nop, &MoveHandlers.Nop, &MoveHandlers.Nop);
        t.Add(Code.Reservednop_rm16_r16_0F1E, &MoveHandlers.Nop, &MoveHandlers.Nop, &MoveHandlers.Nop);
        t.Add(Code.Reservednop_rm16_r16_0F1F, &MoveHandlers.Nop, &MoveHandlers.Nop, &MoveHandlers.Nop);
        t.Add(Code.Mov_rm32_r32, &MoveHandlers.RegReg<uint>, &MoveHandlers.MemReg<uint, Flat>, &MoveHandlers.MemReg<uint, General>);
        t.Add(Code.Mov_r32_rm32, &MoveHandlers.RegReg<uint>, &MoveHandlers.RegMem<uint, Flat>, &MoveHandlers.RegMem<uint, General>);
        t.Add(Code.Mov_r32_imm32, &MoveHandlers.RegImm<uint>);
        t.Add(Code.Mov_rm32_imm32, &MoveHandlers.RegImm<uint>, &MoveHandlers.MemImm<uint, Flat>, &MoveHandlers.MemImm<uint, General>);
        t.AddMemory(Code.Mov_EAX_moffs32, &MoveHandlers.RegMem<uint, Flat>, &MoveHandlers.RegMem<uint, General>);
        t.AddMemory(Code.Mov_moffs32_EAX, &MoveHandlers.MemReg<uint, Flat>, &MoveHandlers.MemReg<uint, General>);
        t.Add(Code.Xchg_rm32_r32, &MoveHandlers.ExchangeReg<uint>, &MoveHandlers.ExchangeMem<uint, Flat>, &MoveHandlers.ExchangeMem<uint, General>);
        t.Add(Code.Xchg_r32_EAX, &MoveHandlers.ExchangeReg<uint>);
        t.AddMemory(Code.Lea_r32_m, &MoveHandlers.Lea<uint, Flat>, &MoveHandlers.Lea<uint, General>);
        t.Add(Code.Movzx_r32_rm8, &MoveHandlers.ExtendReg<uint, byte>, &MoveHandlers.ExtendMem<uint, byte, Flat>, &MoveHandlers.ExtendMem<uint, byte, General>);
        t.Add(Code.Movsx_r32_rm8, &MoveHandlers.ExtendReg<uint, sbyte>, &MoveHandlers.ExtendMem<uint, sbyte, Flat>, &MoveHandlers.ExtendMem<uint, sbyte, General>);
        t.Add(Code.Movzx_r32_rm16, &MoveHandlers.ExtendReg<uint, ushort>, &MoveHandlers.ExtendMem<uint, ushort, Flat>, &MoveHandlers.ExtendMem<uint, ushort, General>);
        t.Add(Code.Movsx_r32_rm16, &MoveHandlers.ExtendReg<uint, short>, &MoveHandlers.ExtendMem<uint, short, Flat>, &MoveHandlers.ExtendMem<uint, short, General>);
        t.Add(Code.Bswap_r32, &MoveHandlers.Bswap32);
        t.Add(Code.Nopd, &MoveHandlers.Nop);
        t.Add(Code.Nop_rm32, &MoveHandlers.Nop, &MoveHandlers.Nop, &MoveHandlers.Nop);
        t.Add(Code.Reservednop_rm32_r32_0F0D, &MoveHandlers.Nop, &MoveHandlers.Nop, &MoveHandlers.Nop);
        t.Add(Code.Reservednop_rm32_r32_0F18, &MoveHandlers.Nop, &MoveHandlers.Nop, &MoveHandlers.Nop);
        t.Add(Code.Reservednop_rm32_r32_0F19, &MoveHandlers.Nop, &MoveHandlers.Nop, &MoveHandlers.Nop);
        t.Add(Code.Reservednop_rm32_r32_0F1A, &MoveHandlers.Nop, &MoveHandlers.Nop, &MoveHandlers.Nop);
        t.Add(Code.Reservednop_rm32_r32_0F1B, &MoveHandlers.Nop, &MoveHandlers.Nop, &MoveHandlers.Nop);
        t.Add(Code.Reservednop_rm32_r32_0F1C, &MoveHandlers.Nop, &MoveHandlers.Nop, &MoveHandlers.Nop);
        t.Add(Code.Reservednop_rm32_r32_0F1D, &MoveHandlers.Nop, &MoveHandlers.Nop, &MoveHandlers.Nop);
        t.Add(Code.Reservednop_rm32_r32_0F1E, &MoveHandlers.Nop, &MoveHandlers.Nop, &MoveHandlers.Nop);
        t.Add(Code.Reservednop_rm32_r32_0F1F, &MoveHandlers.Nop, &MoveHandlers.Nop, &MoveHandlers.Nop);
        t.AddMemory(Code.Xlat_m8, &MoveHandlers.Xlat<Flat>, &MoveHandlers.Xlat<General>);
        t.Add(Code.Cbw, &MoveHandlers.Cbw);
        t.Add(Code.Cwde, &MoveHandlers.Cwde);
        t.Add(Code.Cwd, &MoveHandlers.Cwd);
        t.Add(Code.Cdq, &MoveHandlers.Cdq);
    }
}
