using System.Runtime.InteropServices;

namespace Emulator.Core.Decoding;

/// <summary>
/// Header of a decoded basic block in native memory, followed by <see cref="OpCount"/> ops and one sentinel op that ends the block.
/// A block starts at a physical address and holds for one <see cref="ModeKey"/>; it knows no linear address.
/// What every run looks at stands last, beside the first op.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public unsafe struct Block
{
    /// <summary>Next in the hash chain.</summary>
    public Block* HashNext;

    /// <summary>Physical address of the first byte.</summary>
    public uint Physical;

    /// <summary>Mode in which it was decoded.</summary>
    public uint ModeKey;

    /// <summary>Physical page (address of its first byte) of the second page when the last instruction straddles, else uint.MaxValue.</summary>
    public uint SecondPage;

    /// <summary>Bytes of guest code.</summary>
    public uint ByteLength;

    /// <summary>Next in the list of blocks of the first page.</summary>
    public Block* PageNext;

    /// <summary>Next in the list of blocks that straddle into the second page.</summary>
    public Block* SecondPageNext;

    /// <summary>Where the indirect branch at its end went.</summary>
    public TargetProfile Targets;

    /// <summary>Record of the jump cache that holds <see cref="Compiled"/>, or null.</summary>
    public JumpCacheEntry* Record;

    /// <summary>What the region's code needs of this process: addresses are never part of the code itself.</summary>
    public nint CompiledContext;

    /// <summary>
    /// Code of the translated region that can be entered here, or null: takes the state, <see cref="CompiledContext"/> and
    /// <see cref="CompiledEntry"/>; returns <see cref="Cpu.ExecStatus"/>.
    /// </summary>
    public delegate*<Cpu.CpuState*, nint, int, int> Compiled;

    /// <summary>EIP that <see cref="Compiled"/> was made for.</summary>
    public uint CompiledEip;

    /// <summary>Which of the region's entries this block is.</summary>
    public int CompiledEntry;

    /// <summary>Zero once invalidated.</summary>
    public int IsValid;

    /// <summary><see cref="Heat"/> to start with.</summary>
    public int HeatStart;

    /// <summary>Interpreted entries left until the translator is told that the block is hot; negative: never.</summary>
    public int Heat;

    /// <summary>Guest instructions; what entry subtracts from the budget.</summary>
    public int OpCount;

    /// <summary>Takes the code out of the jump cache; call before <see cref="Compiled"/> or what goes with it changes.</summary>
    /// <param name="block">The block.</param>
    public static void Forget(Block* block)
    {
        if (block->Record != null)
        {
            block->Record->Code = 0;
            block->Record = null;
        }
    }

    /// <summary>The ops of a block.</summary>
    /// <param name="block">The block.</param>
    public static Op* Ops(Block* block) => (Op*)(block + 1);
}

/// <summary>Bits of <see cref="Cpu.CpuState.ModeKey"/>: everything that the decoded form depends on besides the bytes.</summary>
public static class ModeKey
{
    /// <summary>CS.D: 32-bit code.</summary>
    public const uint Code32 = 1;

    /// <summary>SS.B: 32-bit stack.</summary>
    public const uint Stack32 = 2;

    /// <summary>CS has base 0 and limit 4 GiB.</summary>
    public const uint FlatCs = 4;

    /// <summary>DS is flat read-write data.</summary>
    public const uint FlatDs = 8;

    /// <summary>ES is flat read-write data.</summary>
    public const uint FlatEs = 16;

    /// <summary>SS is flat read-write data (and 32-bit).</summary>
    public const uint FlatSs = 32;

    /// <summary>One instruction a block, nothing fused.</summary>
    public const uint Single = 64;

    /// <summary>CPL 3.</summary>
    public const uint User = 128;

    /// <summary>Protected mode without V86.</summary>
    public const uint Protected = 256;

    /// <summary>Virtual-8086 mode.</summary>
    public const uint V86 = 512;
}
