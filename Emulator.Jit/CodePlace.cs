using Emulator.Core.Cpu;
using Emulator.Core.Decoding;

namespace Emulator.Jit;

/// <summary>Where a block lies: its EIP, and base and limit of its code segment.</summary>
/// <param name="Eip">EIP of its first instruction.</param>
/// <param name="Base">Base of CS; 0 when it is flat.</param>
/// <param name="Limit">Highest EIP that CS allows.</param>
internal readonly record struct CodePlace(uint Eip, uint Base, uint Limit)
{
    /// <summary>Where the CPU is.</summary>
    /// <param name="s">The state.</param>
    public static unsafe CodePlace Of(CpuState* s) => new(s->Eip, CpuState.Segment(s, SegmentIndex.Cs)->Base, CpuState.Segment(s, SegmentIndex.Cs)->High);

    /// <summary>Whether all of a block lies within the limit.</summary>
    /// <param name="eip">Its EIP in this segment.</param>
    /// <param name="block">The block.</param>
    public unsafe bool Holds(uint eip, Block* block) => eip <= Limit && Limit - eip >= block->ByteLength - 1;
}
