using Emulator.Core.Cpu;
using Iced.Intel;

namespace Emulator.Core.Interpreter;

/// <summary>
/// Rows of the system instructions. RSM, UD0, UD1 and UD2 have none: they raise #UD as every code without a row does. The handlers take the
/// general path to memory in flat segments too; nothing here is hot.
/// </summary>
internal static unsafe class SystemTable
{
    private const InstructionTraits Ends = InstructionTraits.EndsBlock;
    private const InstructionTraits EndsFaults = InstructionTraits.EndsBlock | InstructionTraits.Faults;
    private const InstructionTraits EndsStack = InstructionTraits.EndsBlock | InstructionTraits.Stack;
    private const InstructionTraits Stack = InstructionTraits.Stack;

    /// <summary>Fills the rows.</summary>
    /// <param name="table">The table.</param>
    public static void Register(InstructionTable table)
    {
        RegisterSegments(table);
        RegisterFar(table);
        RegisterFlagsAndPorts(table);
        RegisterControl(table);
        RegisterDescriptors(table);
    }

    private static void RegisterSegments(InstructionTable t)
    {
        t.Add(Code.Mov_Sreg_rm16, &SegmentInstructions.MovToSegment, &SegmentInstructions.MovToSegmentMemory, &SegmentInstructions.MovToSegmentMemory, EndsFaults);
        t.Add(Code.Mov_Sreg_r32m16, &SegmentInstructions.MovToSegment, &SegmentInstructions.MovToSegmentMemory, &SegmentInstructions.MovToSegmentMemory, EndsFaults);
        t.Add(Code.Mov_rm16_Sreg, &SegmentInstructions.MovFromSegment16, &SegmentInstructions.MovFromSegmentMemory, &SegmentInstructions.MovFromSegmentMemory);
        t.Add(Code.Mov_r32m16_Sreg, &SegmentInstructions.MovFromSegment32, &SegmentInstructions.MovFromSegmentMemory, &SegmentInstructions.MovFromSegmentMemory);
        t.AddMemory(Code.Pushw_ES, &SegmentInstructions.Push16, &SegmentInstructions.Push16, Stack);
        t.AddMemory(Code.Pushd_ES, &SegmentInstructions.Push32, &SegmentInstructions.Push32, Stack);
        t.AddMemory(Code.Popw_ES, &SegmentInstructions.Pop16, &SegmentInstructions.Pop16, EndsStack);
        t.AddMemory(Code.Popd_ES, &SegmentInstructions.Pop32, &SegmentInstructions.Pop32, EndsStack);
        t.AddMemory(Code.Pushw_CS, &SegmentInstructions.Push16, &SegmentInstructions.Push16, Stack);
        t.AddMemory(Code.Pushd_CS, &SegmentInstructions.Push32, &SegmentInstructions.Push32, Stack);
        t.AddMemory(Code.Pushw_SS, &SegmentInstructions.Push16, &SegmentInstructions.Push16, Stack);
        t.AddMemory(Code.Pushd_SS, &SegmentInstructions.Push32, &SegmentInstructions.Push32, Stack);
        t.AddMemory(Code.Popw_SS, &SegmentInstructions.Pop16, &SegmentInstructions.Pop16, EndsStack);
        t.AddMemory(Code.Popd_SS, &SegmentInstructions.Pop32, &SegmentInstructions.Pop32, EndsStack);
        t.AddMemory(Code.Pushw_DS, &SegmentInstructions.Push16, &SegmentInstructions.Push16, Stack);
        t.AddMemory(Code.Pushd_DS, &SegmentInstructions.Push32, &SegmentInstructions.Push32, Stack);
        t.AddMemory(Code.Popw_DS, &SegmentInstructions.Pop16, &SegmentInstructions.Pop16, EndsStack);
        t.AddMemory(Code.Popd_DS, &SegmentInstructions.Pop32, &SegmentInstructions.Pop32, EndsStack);
        t.AddMemory(Code.Pushw_FS, &SegmentInstructions.Push16, &SegmentInstructions.Push16, Stack);
        t.AddMemory(Code.Pushd_FS, &SegmentInstructions.Push32, &SegmentInstructions.Push32, Stack);
        t.AddMemory(Code.Popw_FS, &SegmentInstructions.Pop16, &SegmentInstructions.Pop16, EndsStack);
        t.AddMemory(Code.Popd_FS, &SegmentInstructions.Pop32, &SegmentInstructions.Pop32, EndsStack);
        t.AddMemory(Code.Pushw_GS, &SegmentInstructions.Push16, &SegmentInstructions.Push16, Stack);
        t.AddMemory(Code.Pushd_GS, &SegmentInstructions.Push32, &SegmentInstructions.Push32, Stack);
        t.AddMemory(Code.Popw_GS, &SegmentInstructions.Pop16, &SegmentInstructions.Pop16, EndsStack);
        t.AddMemory(Code.Popd_GS, &SegmentInstructions.Pop32, &SegmentInstructions.Pop32, EndsStack);
        t.AddMemory(Code.Les_r16_m1616, &SegmentInstructions.LoadPointer16<SegmentEs>, &SegmentInstructions.LoadPointer16<SegmentEs>, Ends);
        t.AddMemory(Code.Les_r32_m1632, &SegmentInstructions.LoadPointer32<SegmentEs>, &SegmentInstructions.LoadPointer32<SegmentEs>, Ends);
        t.AddMemory(Code.Lss_r16_m1616, &SegmentInstructions.LoadPointer16<SegmentSs>, &SegmentInstructions.LoadPointer16<SegmentSs>, Ends);
        t.AddMemory(Code.Lss_r32_m1632, &SegmentInstructions.LoadPointer32<SegmentSs>, &SegmentInstructions.LoadPointer32<SegmentSs>, Ends);
        t.AddMemory(Code.Lds_r16_m1616, &SegmentInstructions.LoadPointer16<SegmentDs>, &SegmentInstructions.LoadPointer16<SegmentDs>, Ends);
        t.AddMemory(Code.Lds_r32_m1632, &SegmentInstructions.LoadPointer32<SegmentDs>, &SegmentInstructions.LoadPointer32<SegmentDs>, Ends);
        t.AddMemory(Code.Lfs_r16_m1616, &SegmentInstructions.LoadPointer16<SegmentFs>, &SegmentInstructions.LoadPointer16<SegmentFs>, Ends);
        t.AddMemory(Code.Lfs_r32_m1632, &SegmentInstructions.LoadPointer32<SegmentFs>, &SegmentInstructions.LoadPointer32<SegmentFs>, Ends);
        t.AddMemory(Code.Lgs_r16_m1616, &SegmentInstructions.LoadPointer16<SegmentGs>, &SegmentInstructions.LoadPointer16<SegmentGs>, Ends);
        t.AddMemory(Code.Lgs_r32_m1632, &SegmentInstructions.LoadPointer32<SegmentGs>, &SegmentInstructions.LoadPointer32<SegmentGs>, Ends);
    }

    private static void RegisterFar(InstructionTable t)
    {
        t.Add(Code.Jmp_ptr1616, &FarInstructions.JumpPointer, EndsFaults);
        t.Add(Code.Jmp_ptr1632, &FarInstructions.JumpPointer, EndsFaults);
        t.AddMemory(Code.Jmp_m1616, &FarInstructions.JumpMemory16, &FarInstructions.JumpMemory16, Ends);
        t.AddMemory(Code.Jmp_m1632, &FarInstructions.JumpMemory32, &FarInstructions.JumpMemory32, Ends);
        t.AddMemory(Code.Call_ptr1616, &FarInstructions.CallPointer16, &FarInstructions.CallPointer16, EndsStack);
        t.AddMemory(Code.Call_ptr1632, &FarInstructions.CallPointer32, &FarInstructions.CallPointer32, EndsStack);
        t.AddMemory(Code.Call_m1616, &FarInstructions.CallMemory16, &FarInstructions.CallMemory16, EndsStack);
        t.AddMemory(Code.Call_m1632, &FarInstructions.CallMemory32, &FarInstructions.CallMemory32, EndsStack);
        t.AddMemory(Code.Retfw, &FarInstructions.Return16, &FarInstructions.Return16, EndsStack);
        t.AddMemory(Code.Retfd, &FarInstructions.Return32, &FarInstructions.Return32, EndsStack);
        t.AddMemory(Code.Retfw_imm16, &FarInstructions.Return16, &FarInstructions.Return16, EndsStack);
        t.AddMemory(Code.Retfd_imm16, &FarInstructions.Return32, &FarInstructions.Return32, EndsStack);
        t.AddMemory(Code.Iretw, &FarInstructions.InterruptReturn16, &FarInstructions.InterruptReturn16, EndsStack);
        t.AddMemory(Code.Iretd, &FarInstructions.InterruptReturn32, &FarInstructions.InterruptReturn32, EndsStack);
        t.Add(Code.Int_imm8, &FarInstructions.Interrupt, EndsFaults);
        t.Add(Code.Int3, &FarInstructions.Interrupt3, EndsFaults);
        t.Add(Code.Int1, &FarInstructions.Interrupt1, EndsFaults);
        t.Add(Code.Into, &FarInstructions.InterruptOnOverflow, EndsFaults);
        t.AddMemory(Code.Bound_r16_m1616, &FarInstructions.Bound16, &FarInstructions.Bound16, Ends);
        t.AddMemory(Code.Bound_r32_m3232, &FarInstructions.Bound32, &FarInstructions.Bound32, Ends);
        t.Add(Code.Sysenter, &FarInstructions.Sysenter, EndsFaults, CpuFeatures.Sep);
        t.Add(Code.Sysexitd, &FarInstructions.Sysexit, EndsFaults, CpuFeatures.Sep);
    }

    private static void RegisterFlagsAndPorts(InstructionTable t)
    {
        t.AddMemory(Code.Pushfw, &FlagInstructions.Push16, &FlagInstructions.Push16, Stack);
        t.AddMemory(Code.Pushfd, &FlagInstructions.Push32, &FlagInstructions.Push32, Stack);
        t.AddMemory(Code.Popfw, &FlagInstructions.Pop16, &FlagInstructions.Pop16, EndsStack);
        t.AddMemory(Code.Popfd, &FlagInstructions.Pop32, &FlagInstructions.Pop32, EndsStack);
        t.Add(Code.Cli, &FlagInstructions.Cli, EndsFaults);
        t.Add(Code.Sti, &FlagInstructions.Sti, EndsFaults);
        t.Add(Code.Hlt, &FlagInstructions.Halt, EndsFaults);
        t.Add(Code.In_AL_imm8, &PortInstructions.InAlImmediate, EndsFaults);
        t.Add(Code.In_AL_DX, &PortInstructions.InAlDx, EndsFaults);
        t.Add(Code.Out_imm8_AL, &PortInstructions.OutImmediateAl, EndsFaults);
        t.Add(Code.Out_DX_AL, &PortInstructions.OutDxAl, EndsFaults);
        t.Add(Code.In_AX_imm8, &PortInstructions.InAxImmediate, EndsFaults);
        t.Add(Code.In_AX_DX, &PortInstructions.InAxDx, EndsFaults);
        t.Add(Code.Out_imm8_AX, &PortInstructions.OutImmediateAx, EndsFaults);
        t.Add(Code.Out_DX_AX, &PortInstructions.OutDxAx, EndsFaults);
        t.Add(Code.In_EAX_imm8, &PortInstructions.InEaxImmediate, EndsFaults);
        t.Add(Code.In_EAX_DX, &PortInstructions.InEaxDx, EndsFaults);
        t.Add(Code.Out_imm8_EAX, &PortInstructions.OutImmediateEax, EndsFaults);
        t.Add(Code.Out_DX_EAX, &PortInstructions.OutDxEax, EndsFaults);
    }

    private static void RegisterControl(InstructionTable t)
    {
        t.Add(Code.Mov_r32_cr, &ControlInstructions.MovFromControl, EndsFaults);
        t.Add(Code.Mov_cr_r32, &ControlInstructions.MovToControl, EndsFaults);
        t.Add(Code.Mov_r32_dr, &ControlInstructions.MovFromDebug, EndsFaults);
        t.Add(Code.Mov_dr_r32, &ControlInstructions.MovToDebug, EndsFaults);
        t.Add(Code.Smsw_rm16, &ControlInstructions.Smsw16, &ControlInstructions.SmswMemory, &ControlInstructions.SmswMemory);
        t.Add(Code.Smsw_r32m16, &ControlInstructions.Smsw32, &ControlInstructions.SmswMemory, &ControlInstructions.SmswMemory);
        t.Add(Code.Lmsw_rm16, &ControlInstructions.Lmsw, &ControlInstructions.LmswMemory, &ControlInstructions.LmswMemory, EndsFaults);
        t.Add(Code.Lmsw_r32m16, &ControlInstructions.Lmsw, &ControlInstructions.LmswMemory, &ControlInstructions.LmswMemory, EndsFaults);
        t.Add(Code.Clts, &ControlInstructions.Clts, EndsFaults);
        t.Add(Code.Invd, &ControlInstructions.FlushCaches, EndsFaults);
        t.Add(Code.Wbinvd, &ControlInstructions.FlushCaches, EndsFaults);
        t.AddMemory(Code.Invlpg_m, &ControlInstructions.InvalidatePage, &ControlInstructions.InvalidatePage, Ends);
        t.Add(Code.Rdtsc, &ControlInstructions.ReadTimeStamp, EndsFaults, CpuFeatures.Tsc);
        t.Add(Code.Rdpmc, &ControlInstructions.ReadPerformanceCounter, EndsFaults, CpuFeatures.Mtrr);
        t.Add(Code.Rdmsr, &ControlInstructions.ReadMsr, EndsFaults, CpuFeatures.Msr);
        t.Add(Code.Wrmsr, &ControlInstructions.WriteMsr, EndsFaults, CpuFeatures.Msr);
        t.Add(Code.Cpuid, &ControlInstructions.Identify, Ends);
    }

    private static void RegisterDescriptors(InstructionTable t)
    {
        t.AddMemory(Code.Sgdt_m1632_16, &DescriptorInstructions.StoreGdt, &DescriptorInstructions.StoreGdt);
        t.AddMemory(Code.Sgdt_m1632, &DescriptorInstructions.StoreGdt, &DescriptorInstructions.StoreGdt);
        t.AddMemory(Code.Lgdt_m1632_16, &DescriptorInstructions.LoadGdt16, &DescriptorInstructions.LoadGdt16, Ends);
        t.AddMemory(Code.Lgdt_m1632, &DescriptorInstructions.LoadGdt32, &DescriptorInstructions.LoadGdt32, Ends);
        t.AddMemory(Code.Sidt_m1632_16, &DescriptorInstructions.StoreIdt, &DescriptorInstructions.StoreIdt);
        t.AddMemory(Code.Sidt_m1632, &DescriptorInstructions.StoreIdt, &DescriptorInstructions.StoreIdt);
        t.AddMemory(Code.Lidt_m1632_16, &DescriptorInstructions.LoadIdt16, &DescriptorInstructions.LoadIdt16, Ends);
        t.AddMemory(Code.Lidt_m1632, &DescriptorInstructions.LoadIdt32, &DescriptorInstructions.LoadIdt32, Ends);
        t.Add(Code.Sldt_rm16, &DescriptorInstructions.StoreLdt16, &DescriptorInstructions.StoreLdtMemory, &DescriptorInstructions.StoreLdtMemory, EndsFaults);
        t.Add(Code.Sldt_r32m16, &DescriptorInstructions.StoreLdt32, &DescriptorInstructions.StoreLdtMemory, &DescriptorInstructions.StoreLdtMemory, EndsFaults);
        t.Add(Code.Str_rm16, &DescriptorInstructions.StoreTask16, &DescriptorInstructions.StoreTaskMemory, &DescriptorInstructions.StoreTaskMemory, EndsFaults);
        t.Add(Code.Str_r32m16, &DescriptorInstructions.StoreTask32, &DescriptorInstructions.StoreTaskMemory, &DescriptorInstructions.StoreTaskMemory, EndsFaults);
        t.Add(Code.Lldt_rm16, &DescriptorInstructions.LoadLdt<FromRegister>, &DescriptorInstructions.LoadLdt<FromMemory>, &DescriptorInstructions.LoadLdt<FromMemory>, EndsFaults);
        t.Add(Code.Lldt_r32m16, &DescriptorInstructions.LoadLdt<FromRegister>, &DescriptorInstructions.LoadLdt<FromMemory>, &DescriptorInstructions.LoadLdt<FromMemory>, EndsFaults);
        t.Add(Code.Ltr_rm16, &DescriptorInstructions.LoadTask<FromRegister>, &DescriptorInstructions.LoadTask<FromMemory>, &DescriptorInstructions.LoadTask<FromMemory>, EndsFaults);
        t.Add(Code.Ltr_r32m16, &DescriptorInstructions.LoadTask<FromRegister>, &DescriptorInstructions.LoadTask<FromMemory>, &DescriptorInstructions.LoadTask<FromMemory>, EndsFaults);
        t.Add(Code.Verr_rm16, &DescriptorInstructions.VerifyRead<FromRegister>, &DescriptorInstructions.VerifyRead<FromMemory>, &DescriptorInstructions.VerifyRead<FromMemory>, EndsFaults);
        t.Add(Code.Verr_r32m16, &DescriptorInstructions.VerifyRead<FromRegister>, &DescriptorInstructions.VerifyRead<FromMemory>, &DescriptorInstructions.VerifyRead<FromMemory>, EndsFaults);
        t.Add(Code.Verw_rm16, &DescriptorInstructions.VerifyWrite<FromRegister>, &DescriptorInstructions.VerifyWrite<FromMemory>, &DescriptorInstructions.VerifyWrite<FromMemory>, EndsFaults);
        t.Add(Code.Verw_r32m16, &DescriptorInstructions.VerifyWrite<FromRegister>, &DescriptorInstructions.VerifyWrite<FromMemory>, &DescriptorInstructions.VerifyWrite<FromMemory>, EndsFaults);
        t.Add(Code.Lar_r16_rm16, &DescriptorInstructions.AccessRights16<FromRegister>, &DescriptorInstructions.AccessRights16<FromMemory>, &DescriptorInstructions.AccessRights16<FromMemory>, EndsFaults);
        t.Add(Code.Lar_r32_r32m16, &DescriptorInstructions.AccessRights32<FromRegister>, &DescriptorInstructions.AccessRights32<FromMemory>, &DescriptorInstructions.AccessRights32<FromMemory>, EndsFaults);
        t.Add(Code.Lsl_r16_rm16, &DescriptorInstructions.SegmentLimit16<FromRegister>, &DescriptorInstructions.SegmentLimit16<FromMemory>, &DescriptorInstructions.SegmentLimit16<FromMemory>, EndsFaults);
        t.Add(Code.Lsl_r32_r32m16, &DescriptorInstructions.SegmentLimit32<FromRegister>, &DescriptorInstructions.SegmentLimit32<FromMemory>, &DescriptorInstructions.SegmentLimit32<FromMemory>, EndsFaults);
        t.Add(Code.Arpl_rm16_r16, &DescriptorInstructions.AdjustRpl, &DescriptorInstructions.AdjustRplMemory, &DescriptorInstructions.AdjustRplMemory, EndsFaults);
        t.Add(Code.Arpl_r32m16_r32, &DescriptorInstructions.AdjustRpl, &DescriptorInstructions.AdjustRplMemory, &DescriptorInstructions.AdjustRplMemory, EndsFaults);
    }
}
