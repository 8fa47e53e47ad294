using Iced.Intel;

namespace Emulator.Core.Interpreter;

/// <content>BranchAndStack rows.</content>
internal static unsafe partial class IntegerTable
{
    private static void RegisterBranchAndStack(InstructionTable t)
    {
        t.AddMemory(Code.Jmp_rel8_16, &BranchHandlers.Jmp<General, ushort>, &BranchHandlers.Jmp<General, ushort>, Branch);
        t.AddMemory(Code.Loop_rel8_16_CX, &BranchHandlers.Loop<ushort, General, ushort>, &BranchHandlers.Loop<ushort, General, ushort>, Branch);
        t.AddMemory(Code.Loope_rel8_16_CX, &BranchHandlers.Loope<ushort, General, ushort>, &BranchHandlers.Loope<ushort, General, ushort>, Branch);
        t.AddMemory(Code.Loopne_rel8_16_CX, &BranchHandlers.Loopne<ushort, General, ushort>, &BranchHandlers.Loopne<ushort, General, ushort>, Branch);
        t.AddMemory(Code.Jcxz_rel8_16, &BranchHandlers.Jcxz<ushort, General, ushort>, &BranchHandlers.Jcxz<ushort, General, ushort>, Branch);
        t.AddMemory(Code.Loop_rel8_16_ECX, &BranchHandlers.Loop<uint, General, ushort>, &BranchHandlers.Loop<uint, General, ushort>, Branch);
        t.AddMemory(Code.Loope_rel8_16_ECX, &BranchHandlers.Loope<uint, General, ushort>, &BranchHandlers.Loope<uint, General, ushort>, Branch);
        t.AddMemory(Code.Loopne_rel8_16_ECX, &BranchHandlers.Loopne<uint, General, ushort>, &BranchHandlers.Loopne<uint, General, ushort>, Branch);
        t.AddMemory(Code.Jecxz_rel8_16, &BranchHandlers.Jcxz<uint, General, ushort>, &BranchHandlers.Jcxz<uint, General, ushort>, Branch);
        t.AddMemory(Code.Jmp_rel8_32, &BranchHandlers.Jmp<Flat, uint>, &BranchHandlers.Jmp<General, uint>, Branch);
        t.AddMemory(Code.Loop_rel8_32_CX, &BranchHandlers.Loop<ushort, Flat, uint>, &BranchHandlers.Loop<ushort, General, uint>, Branch);
        t.AddMemory(Code.Loope_rel8_32_CX, &BranchHandlers.Loope<ushort, Flat, uint>, &BranchHandlers.Loope<ushort, General, uint>, Branch);
        t.AddMemory(Code.Loopne_rel8_32_CX, &BranchHandlers.Loopne<ushort, Flat, uint>, &BranchHandlers.Loopne<ushort, General, uint>, Branch);
        t.AddMemory(Code.Jcxz_rel8_32, &BranchHandlers.Jcxz<ushort, Flat, uint>, &BranchHandlers.Jcxz<ushort, General, uint>, Branch);
        t.AddMemory(Code.Loop_rel8_32_ECX, &BranchHandlers.Loop<uint, Flat, uint>, &BranchHandlers.Loop<uint, General, uint>, Branch);
        t.AddMemory(Code.Loope_rel8_32_ECX, &BranchHandlers.Loope<uint, Flat, uint>, &BranchHandlers.Loope<uint, General, uint>, Branch);
        t.AddMemory(Code.Loopne_rel8_32_ECX, &BranchHandlers.Loopne<uint, Flat, uint>, &BranchHandlers.Loopne<uint, General, uint>, Branch);
        t.AddMemory(Code.Jecxz_rel8_32, &BranchHandlers.Jcxz<uint, Flat, uint>, &BranchHandlers.Jcxz<uint, General, uint>, Branch);
        t.AddMemory(Code.Jmp_rel16, &BranchHandlers.Jmp<General, ushort>, &BranchHandlers.Jmp<General, ushort>, Branch);
        t.AddMemory(Code.Jmp_rel32_32, &BranchHandlers.Jmp<Flat, uint>, &BranchHandlers.Jmp<General, uint>, Branch);
        t.AddMemory(Code.Call_rel16, &BranchHandlers.Call<General, ushort>, &BranchHandlers.Call<General, ushort>, StackBranch);
        t.Add(Code.Call_rm16, &BranchHandlers.CallReg<ushort>, &BranchHandlers.CallMem<General, ushort>, &BranchHandlers.CallMem<General, ushort>, StackBranch);
        t.Add(Code.Jmp_rm16, &BranchHandlers.JmpReg<ushort>, &BranchHandlers.JmpMem<General, ushort>, &BranchHandlers.JmpMem<General, ushort>, Branch);
        t.AddMemory(Code.Retnw, &BranchHandlers.Ret<General, ushort>, &BranchHandlers.Ret<General, ushort>, StackBranch);
        t.AddMemory(Code.Retnw_imm16, &BranchHandlers.Ret<General, ushort>, &BranchHandlers.Ret<General, ushort>, StackBranch);
        t.AddMemory(Code.Push_r16, &StackHandlers.PushReg<ushort, Flat>, &StackHandlers.PushReg<ushort, General>, InstructionTraits.Stack);
        t.AddMemory(Code.Pop_r16, &StackHandlers.PopReg<ushort, Flat>, &StackHandlers.PopReg<ushort, General>, InstructionTraits.Stack);
        t.Add(Code.Push_rm16, &StackHandlers.PushRegAny<ushort>, &StackHandlers.PushMem<ushort, Flat>, &StackHandlers.PushMem<ushort, General>, InstructionTraits.Stack);
        t.Add(Code.Pop_rm16, &StackHandlers.PopRegAny<ushort>, &StackHandlers.PopMem<ushort, Flat>, &StackHandlers.PopMem<ushort, General>, InstructionTraits.Stack);
        t.AddMemory(Code.Push_imm16, &StackHandlers.PushImm<ushort, Flat>, &StackHandlers.PushImm<ushort, General>, InstructionTraits.Stack);
        t.AddMemory(Code.Pushw_imm8, &StackHandlers.PushImm<ushort, Flat>, &StackHandlers.PushImm<ushort, General>, InstructionTraits.Stack);
        t.AddMemory(Code.Pushaw, &StackHandlers.Pusha<ushort, Flat>, &StackHandlers.Pusha<ushort, General>, InstructionTraits.Stack);
        t.AddMemory(Code.Popaw, &StackHandlers.Popa<ushort, Flat>, &StackHandlers.Popa<ushort, General>, InstructionTraits.Stack);
        t.AddMemory(Code.Leavew, &StackHandlers.Leave<ushort, Flat>, &StackHandlers.Leave<ushort, General>, InstructionTraits.Stack);
        t.AddMemory(Code.Enterw_imm16_imm8, &StackHandlers.Enter<ushort, Flat>, &StackHandlers.Enter<ushort, General>, InstructionTraits.Stack);
        t.AddMemory(Code.Call_rel32_32, &BranchHandlers.Call<Flat, uint>, &BranchHandlers.Call<General, uint>, StackBranch);
        t.Add(Code.Call_rm32, &BranchHandlers.CallReg<uint>, &BranchHandlers.CallMem<Flat, uint>, &BranchHandlers.CallMem<General, uint>, StackBranch);
        t.Add(Code.Jmp_rm32, &BranchHandlers.JmpReg<uint>, &BranchHandlers.JmpMem<Flat, uint>, &BranchHandlers.JmpMem<General, uint>, Branch);
        t.AddMemory(Code.Retnd, &BranchHandlers.Ret<Flat, uint>, &BranchHandlers.Ret<General, uint>, StackBranch);
        t.AddMemory(Code.Retnd_imm16, &BranchHandlers.Ret<Flat, uint>, &BranchHandlers.Ret<General, uint>, StackBranch);
        t.AddMemory(Code.Push_r32, &StackHandlers.PushReg<uint, Flat>, &StackHandlers.PushReg<uint, General>, InstructionTraits.Stack);
        t.AddMemory(Code.Pop_r32, &StackHandlers.PopReg<uint, Flat>, &StackHandlers.PopReg<uint, General>, InstructionTraits.Stack);
        t.Add(Code.Push_rm32, &StackHandlers.PushRegAny<uint>, &StackHandlers.PushMem<uint, Flat>, &StackHandlers.PushMem<uint, General>, InstructionTraits.Stack);
        t.Add(Code.Pop_rm32, &StackHandlers.PopRegAny<uint>, &StackHandlers.PopMem<uint, Flat>, &StackHandlers.PopMem<uint, General>, InstructionTraits.Stack);
        t.AddMemory(Code.Pushd_imm32, &StackHandlers.PushImm<uint, Flat>, &StackHandlers.PushImm<uint, General>, InstructionTraits.Stack);
        t.AddMemory(Code.Pushd_imm8, &StackHandlers.PushImm<uint, Flat>, &StackHandlers.PushImm<uint, General>, InstructionTraits.Stack);
        t.AddMemory(Code.Pushad, &StackHandlers.Pusha<uint, Flat>, &StackHandlers.Pusha<uint, General>, InstructionTraits.Stack);
        t.AddMemory(Code.Popad, &StackHandlers.Popa<uint, Flat>, &StackHandlers.Popa<uint, General>, InstructionTraits.Stack);
        t.AddMemory(Code.Leaved, &StackHandlers.Leave<uint, Flat>, &StackHandlers.Leave<uint, General>, InstructionTraits.Stack);
        t.AddMemory(Code.Enterd_imm16_imm8, &StackHandlers.Enter<uint, Flat>, &StackHandlers.Enter<uint, General>, InstructionTraits.Stack);
    }
}
