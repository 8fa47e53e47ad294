using Emulator.Core.Cpu;
using Emulator.Core.Decoding;
using Emulator.Core.Memory;
using Iced.Intel;

namespace Emulator.Jit;

/// <summary>One basic block of a region, copied out of the block cache so that it can be compiled on another thread.</summary>
internal sealed unsafe class RegionBlock
{
    public RegionBlock(uint eip, uint codeBase, Block* block)
    {
        Eip = eip;
        Linear = codeBase + eip;
        Source = block;
        Physical = block->Physical;
        ByteLength = block->ByteLength;
        SecondPage = block->SecondPage;
        Ops = new ReadOnlySpan<Op>(Block.Ops(block), block->OpCount).ToArray();
    }

    /// <summary>EIP of the first instruction.</summary>
    public uint Eip { get; }

    /// <summary>Linear address of the first instruction.</summary>
    public uint Linear { get; }

    /// <summary>The decoded block; only looked at on the CPU's thread.</summary>
    public Block* Source { get; }

    /// <summary>Physical address of the first byte.</summary>
    public uint Physical { get; }

    /// <summary>Physical page of the second page when the block straddles, else uint.MaxValue.</summary>
    public uint SecondPage { get; }

    /// <summary>Bytes of guest code.</summary>
    public uint ByteLength { get; }

    /// <summary>The instructions.</summary>
    public Op[] Ops { get; }

    /// <summary>EIP behind the last instruction: all 32 bits count on, also in 16-bit code.</summary>
    public uint End => Eip + ByteLength;

    /// <summary>Linear address behind the last instruction.</summary>
    public uint LinearEnd => Linear + ByteLength;

    /// <summary>
    /// Whether a block that follows lies in pages of this one: they were in the instruction TLB when this one began, mapped as they must be,
    /// and nothing that stays in the region drops them.
    /// </summary>
    /// <param name="next">The block that follows.</param>
    public bool Covers(RegionBlock next) => Covers(next.Linear, next.Physical) && (next.SecondPage == uint.MaxValue || Covers(next.Linear + PhysicalMemory.PageSize, next.SecondPage));

    private bool Covers(uint linear, uint physical) => IsPage(linear, physical, Linear, Physical)
        || (SecondPage != uint.MaxValue && IsPage(linear, physical, Linear + PhysicalMemory.PageSize, SecondPage));

    private static bool IsPage(uint linear, uint physical, uint mapped, uint to) => ((linear ^ mapped) | (physical ^ to)) < PhysicalMemory.PageSize;

    /// <summary>EIP that the last instruction, a direct branch, goes to.</summary>
    public uint Target => Branch.SizeOf((Code)Ops[^1].Code) == 2 ? (Eip + Ops[^1].Imm) & 0xFFFF : Eip + Ops[^1].Imm;
}

/// <summary>A piece of guest code that becomes one method: basic blocks found from an entry by following branches and calls.</summary>
internal sealed class Region
{
    private bool? _usesFpu;

    /// <summary>Blocks by EIP, the entry first.</summary>
    public required IReadOnlyList<RegionBlock> Blocks { get; init; }

    /// <summary>Mode that the code was decoded for.</summary>
    public required uint ModeKey { get; init; }

    /// <summary>Base of the code segment; the region looks at its entry whether it still is.</summary>
    public uint CodeBase { get; init; }

    /// <summary>Highest EIP within the limit of the code segment when the region was found.</summary>
    public uint CodeLimit { get; init; } = uint.MaxValue;

    /// <summary>Whether it was cut short to be compiled soon: much time spent in it will have it compiled anew.</summary>
    public bool IsBrief { get; init; }

    /// <summary>Whether the code segment is flat.</summary>
    public bool IsCodeFlat => (ModeKey & Emulator.Core.Decoding.ModeKey.FlatCs) != 0;

    /// <summary>The x87 control word when it was found.</summary>
    public ushort Fcw { get; init; }

    /// <summary>EIPs behind calls, where returns may land.</summary>
    public required IReadOnlyList<uint> ReturnSites { get; init; }

    /// <summary>The region without its last blocks, when the whole is too long to compile well.</summary>
    public Region Half() => new()
    {
        Blocks = [.. Blocks.Take(Math.Max(1, Blocks.Count / 2))],
        ModeKey = ModeKey,
        CodeBase = CodeBase,
        CodeLimit = CodeLimit,
        Fcw = Fcw,
        ReturnSites = ReturnSites,
        JumpTables = JumpTables,
        Targets = Targets,
        IsBrief = IsBrief,
    };

    /// <summary>Another region that starts at one of the blocks and has some of those behind it.</summary>
    /// <param name="entry">Index of the first block.</param>
    /// <param name="count">Most blocks.</param>
    public Region From(int entry, int count) => new()
    {
        Blocks = [.. Blocks.Skip(entry).Concat(Blocks.Take(entry)).Take(count)],
        ModeKey = ModeKey,
        CodeBase = CodeBase,
        CodeLimit = CodeLimit,
        Fcw = Fcw,
        ReturnSites = ReturnSites,
        JumpTables = JumpTables,
        Targets = Targets,
        IsBrief = IsBrief,
    };

    /// <summary>
    /// For blocks that end with a jump through a table in memory: what the table held at discovery. A guess that the code checks: the table
    /// may change.
    /// </summary>
    public IReadOnlyDictionary<uint, uint[]> JumpTables { get; init; } = new Dictionary<uint, uint[]>();

    /// <summary>
    /// For blocks that end with another indirect jump or call, or a return: where it went while it was interpreted, most often first. Where that is
    /// not known, where a jump or call would have gone with the registers and memory at discovery. A guess, too.
    /// </summary>
    public IReadOnlyDictionary<uint, uint[]> Targets { get; init; } = new Dictionary<uint, uint[]>();

    /// <summary>The table of a block, or nothing.</summary>
    /// <param name="block">The block.</param>
    public IReadOnlyList<uint> JumpTable(RegionBlock block) => JumpTables.TryGetValue(block.Eip, out uint[]? table) ? table : [];

    /// <summary>Position of one of <see cref="Blocks"/>.</summary>
    /// <param name="block">The block.</param>
    public int IndexOf(RegionBlock block)
    {
        int index = 0;
        while (Blocks[index] != block)
        {
            index++;
        }

        return index;
    }

    /// <summary>The entry.</summary>
    public RegionBlock Entry => Blocks[0];

    /// <summary>Whether any instruction may raise an x87 error or answer one.</summary>
    public bool UsesFpu => _usesFpu ??= Blocks.Any(b => b.Ops.Any(o => ((Code)o.Code).CpuidFeatures().Any(f => f is not CpuidFeature.INTEL8086 and not CpuidFeature.INTEL186
        and not CpuidFeature.INTEL286 and not CpuidFeature.INTEL386 and not CpuidFeature.INTEL486 and not CpuidFeature.CMOV)));

    /// <summary>Guest instructions in all blocks.</summary>
    public int InstructionCount => Blocks.Sum(b => b.Ops.Length);
}
