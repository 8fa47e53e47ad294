using Iced.Intel;

namespace Emulator.Core.Interpreter;

/// <content>String rows.</content>
internal static unsafe partial class IntegerTable
{
    private static void RegisterString(InstructionTable t)
    {
        t.AddMemory(Code.Movsb_m8_m8, &StringHandlers.Execute<MovsOperation, byte, Flat>, &StringHandlers.Execute<MovsOperation, byte, General>, InstructionTraits.EndsBlock);
        t.AddMemory(Code.Cmpsb_m8_m8, &StringHandlers.Execute<CmpsOperation, byte, Flat>, &StringHandlers.Execute<CmpsOperation, byte, General>, InstructionTraits.EndsBlock);
        t.AddMemory(Code.Stosb_m8_AL, &StringHandlers.Execute<StosOperation, byte, Flat>, &StringHandlers.Execute<StosOperation, byte, General>, InstructionTraits.EndsBlock);
        t.AddMemory(Code.Lodsb_AL_m8, &StringHandlers.Execute<LodsOperation, byte, Flat>, &StringHandlers.Execute<LodsOperation, byte, General>, InstructionTraits.EndsBlock);
        t.AddMemory(Code.Scasb_AL_m8, &StringHandlers.Execute<ScasOperation, byte, Flat>, &StringHandlers.Execute<ScasOperation, byte, General>, InstructionTraits.EndsBlock);
        t.AddMemory(Code.Insb_m8_DX, &StringHandlers.Execute<InsOperation, byte, Flat>, &StringHandlers.Execute<InsOperation, byte, General>, InstructionTraits.EndsBlock);
        t.AddMemory(Code.Outsb_DX_m8, &StringHandlers.Execute<OutsOperation, byte, Flat>, &StringHandlers.Execute<OutsOperation, byte, General>, InstructionTraits.EndsBlock);
        t.AddMemory(Code.Movsw_m16_m16, &StringHandlers.Execute<MovsOperation, ushort, Flat>, &StringHandlers.Execute<MovsOperation, ushort, General>, InstructionTraits.EndsBlock);
        t.AddMemory(Code.Cmpsw_m16_m16, &StringHandlers.Execute<CmpsOperation, ushort, Flat>, &StringHandlers.Execute<CmpsOperation, ushort, General>, InstructionTraits.EndsBlock);
        t.AddMemory(Code.Stosw_m16_AX, &StringHandlers.Execute<StosOperation, ushort, Flat>, &StringHandlers.Execute<StosOperation, ushort, General>, InstructionTraits.EndsBlock);
        t.AddMemory(Code.Lodsw_AX_m16, &StringHandlers.Execute<LodsOperation, ushort, Flat>, &StringHandlers.Execute<LodsOperation, ushort, General>, InstructionTraits.EndsBlock);
        t.AddMemory(Code.Scasw_AX_m16, &StringHandlers.Execute<ScasOperation, ushort, Flat>, &StringHandlers.Execute<ScasOperation, ushort, General>, InstructionTraits.EndsBlock);
        t.AddMemory(Code.Insw_m16_DX, &StringHandlers.Execute<InsOperation, ushort, Flat>, &StringHandlers.Execute<InsOperation, ushort, General>, InstructionTraits.EndsBlock);
        t.AddMemory(Code.Outsw_DX_m16, &StringHandlers.Execute<OutsOperation, ushort, Flat>, &StringHandlers.Execute<OutsOperation, ushort, General>, InstructionTraits.EndsBlock);
        t.AddMemory(Code.Movsd_m32_m32, &StringHandlers.Execute<MovsOperation, uint, Flat>, &StringHandlers.Execute<MovsOperation, uint, General>, InstructionTraits.EndsBlock);
        t.AddMemory(Code.Cmpsd_m32_m32, &StringHandlers.Execute<CmpsOperation, uint, Flat>, &StringHandlers.Execute<CmpsOperation, uint, General>, InstructionTraits.EndsBlock);
        t.AddMemory(Code.Stosd_m32_EAX, &StringHandlers.Execute<StosOperation, uint, Flat>, &StringHandlers.Execute<StosOperation, uint, General>, InstructionTraits.EndsBlock);
        t.AddMemory(Code.Lodsd_EAX_m32, &StringHandlers.Execute<LodsOperation, uint, Flat>, &StringHandlers.Execute<LodsOperation, uint, General>, InstructionTraits.EndsBlock);
        t.AddMemory(Code.Scasd_EAX_m32, &StringHandlers.Execute<ScasOperation, uint, Flat>, &StringHandlers.Execute<ScasOperation, uint, General>, InstructionTraits.EndsBlock);
        t.AddMemory(Code.Insd_m32_DX, &StringHandlers.Execute<InsOperation, uint, Flat>, &StringHandlers.Execute<InsOperation, uint, General>, InstructionTraits.EndsBlock);
        t.AddMemory(Code.Outsd_DX_m32, &StringHandlers.Execute<OutsOperation, uint, Flat>, &StringHandlers.Execute<OutsOperation, uint, General>, InstructionTraits.EndsBlock);
    }
}
