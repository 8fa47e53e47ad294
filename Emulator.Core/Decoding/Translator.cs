using Emulator.Core.Cpu;

namespace Emulator.Core.Decoding;

/// <summary>
/// What the interpreter tells a translator, and the only thing that it knows of it: blocks that became hot, and blocks whose bytes
/// changed. A translator publishes a region by setting <see cref="Block.Compiled"/>. All calls come on the thread that runs the CPU.
/// </summary>
public abstract unsafe class Translator
{
    /// <summary>A block was interpreted often.</summary>
    /// <param name="s">The state; EIP is the block's.</param>
    /// <param name="block">The block.</param>
    public abstract void Hot(CpuState* s, Block* block);

    /// <summary>Interpreted entries after which a block that was just decoded is hot; negative: never.</summary>
    /// <param name="physical">Physical address of the block.</param>
    public abstract int HeatOf(uint physical);

    /// <summary>Makes <see cref="CpuState.FlagResult"/> and <see cref="CpuState.FlagCarries"/> from <see cref="CpuState.DeferredFlags"/>, which becomes 0.</summary>
    /// <param name="s">The state, behind a run of translated code.</param>
    public abstract void FinishFlags(CpuState* s);

    /// <summary>A block's bytes changed: no region that contains it may run again.</summary>
    /// <param name="block">The block; already unlinked.</param>
    public abstract void Dropped(Block* block);

    /// <summary>Every block goes.</summary>
    public abstract void DropAll();

    /// <summary>Called between slices: the place to publish what was compiled in the background.</summary>
    public abstract void Poll();
}
