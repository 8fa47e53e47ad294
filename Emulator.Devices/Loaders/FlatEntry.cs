using Emulator.Core.Cpu;
using Emulator.Core.Memory;

namespace Emulator.Devices.Loaders;

/// <summary>The CPU state in which 32-bit kernels are entered: flat protected mode, no paging, no interrupts, A20 open.</summary>
internal static unsafe class FlatEntry
{
    /// <summary>Selector of the flat code segment (__BOOT_CS of the Linux protocol).</summary>
    public const ushort CodeSelector = 0x10;

    /// <summary>Selector of the flat data segment (__BOOT_DS of the Linux protocol).</summary>
    public const ushort DataSelector = 0x18;

    /// <summary>Bytes of the descriptor table.</summary>
    public const int GdtSize = 0x20;

    private const ushort CodeAttributes = 0xC09B;
    private const ushort DataAttributes = 0xC093;
    private const ulong CodeDescriptor = 0x00CF9B000000FFFF;
    private const ulong DataDescriptor = 0x00CF93000000FFFF;

    /// <summary>Writes a descriptor table and enters 32-bit protected mode; general registers other than ESP stay.</summary>
    /// <param name="cpu">The CPU.</param>
    /// <param name="gdt">Physical address for <see cref="GdtSize"/> bytes.</param>
    /// <param name="eip">Entry point.</param>
    /// <param name="esp">Stack pointer.</param>
    public static void Enter(CpuCore cpu, uint gdt, uint eip, uint esp)
    {
        CpuState* s = cpu.State;
        cpu.Memory.Write(gdt, 0ul);
        cpu.Memory.Write(gdt + 8, 0ul);
        cpu.Memory.Write(gdt + CodeSelector, CodeDescriptor);
        cpu.Memory.Write(gdt + DataSelector, DataDescriptor);
        s->GdtBase = gdt;
        s->GdtLimit = GdtSize - 1;
        s->IdtBase = 0;
        s->IdtLimit = 0;
        for (int i = SegmentIndex.Es; i <= SegmentIndex.Gs; i++)
        {
            SegmentRegister* r = CpuState.Segment(s, i);
            bool code = i == SegmentIndex.Cs;
            r->Selector = code ? CodeSelector : DataSelector;
            r->Base = 0;
            r->Limit = 0xFFFFFFFF;
            r->Attributes = code ? CodeAttributes : DataAttributes;
            r->Update();
        }

        s->Cr0 = Cr0.PE | Cr0.ET;
        s->Cpl = 0;
        s->Eip = eip;
        CpuState.R32(s, 4) = esp;
        LazyFlags.Write(s, Eflags.Fixed);
        cpu.SetA20(true);
        PageWalk.FlushAll(s);
        CpuMode.Update(s);
        CpuCore.UpdatePending(s);
    }
}
