using Emulator.Core.Cpu;
using Emulator.Core.Memory;
using Iced.Intel;

namespace Emulator.Jit.Verification;

/// <summary>Which memory the instruction at EIP is going to use, by Iced's account of it: independent of both engines.</summary>
internal sealed unsafe class GuestAccesses
{
    private const uint PageMask = 0xFFFFF000;

    private readonly InstructionInfoFactory _factory = new();
    private readonly byte[] _bytes = new byte[15];

    /// <summary>The pages that the instruction at EIP may touch, as linear addresses.</summary>
    /// <param name="s">The state.</param>
    /// <param name="writesOnly">Leave those out that it only reads.</param>
    /// <param name="pages">Receives the pages.</param>
    public void Find(CpuState* s, bool writesOnly, List<uint> pages)
    {
        pages.Clear();
        Instruction instruction = Decode(s);
        foreach (UsedMemory memory in _factory.GetInfo(instruction).GetUsedMemory())
        {
            bool writes = memory.Access is OpAccess.Write or OpAccess.CondWrite or OpAccess.ReadWrite or OpAccess.ReadCondWrite;
            if ((writesOnly && !writes) || memory.Access == OpAccess.NoMemAccess || !memory.TryGetVirtualAddress(0, out ulong address, (Register register, int _, int _, out ulong value) => TryGet(s, register, out value)))
            {
                continue;
            }

            // Scattered and large operands that have no size of their own: FXSAVE has 512 bytes.
            uint first = (uint)address;
            uint size = (uint)Math.Clamp(memory.MemorySize.GetSize(), 1, 512);
            pages.Add(first & PageMask);
            if (((first + size - 1) & PageMask) != (first & PageMask))
            {
                pages.Add((first + size - 1) & PageMask);
            }
        }
    }

    /// <summary>Decodes the instruction at EIP.</summary>
    /// <param name="s">The state.</param>
    public Instruction Decode(CpuState* s)
    {
        for (uint i = 0; i < _bytes.Length; i++)
        {
            _bytes[i] = Mmu.Peek(s, LinearEip(s) + i, out byte value) ? value : (byte)0;
        }

        Decoder decoder = Decoder.Create(CpuState.Segment(s, SegmentIndex.Cs)->IsBig ? 32 : 16, _bytes);
        decoder.IP = s->Eip;
        return decoder.Decode();
    }

    /// <summary>Linear address of the instruction at EIP.</summary>
    /// <param name="s">The state.</param>
    public static uint LinearEip(CpuState* s) => CpuState.Segment(s, SegmentIndex.Cs)->Base + s->Eip;

    private static bool TryGet(CpuState* s, Register register, out ulong value)
    {
        value = Value(s, register);
        return true;
    }

    private static ulong Value(CpuState* s, Register register)
    {
        if (register.IsSegmentRegister())
        {
            return register switch
            {
                Register.ES => CpuState.Segment(s, SegmentIndex.Es)->Base,
                Register.CS => CpuState.Segment(s, SegmentIndex.Cs)->Base,
                Register.SS => CpuState.Segment(s, SegmentIndex.Ss)->Base,
                Register.DS => CpuState.Segment(s, SegmentIndex.Ds)->Base,
                Register.FS => CpuState.Segment(s, SegmentIndex.Fs)->Base,
                _ => CpuState.Segment(s, SegmentIndex.Gs)->Base,
            };
        }

        if (register.IsGPR32())
        {
            return (uint)s->Gpr[register.GetNumber()];
        }

        if (register.IsGPR16())
        {
            return (ushort)s->Gpr[register.GetNumber()];
        }

        if (register.IsGPR8())
        {
            int number = register.GetNumber();
            return number < 4 ? (byte)s->Gpr[number] : (byte)(s->Gpr[number - 4] >> 8);
        }

        return 0;
    }
}
