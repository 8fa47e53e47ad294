using Emulator.Core.Cpu;
using Emulator.Core.Decoding;
using Iced.Intel;

namespace Emulator.Jit;

/// <summary>
/// Finds the blocks of a region from a hot block: breadth first along fall-through, jumps, both ways of conditional branches, calls and
/// their return sites, up to a number of instructions. Only code that is mapped now is taken.
/// </summary>
internal static unsafe class RegionBuilder
{
    private const int MaximumBlocks = 64;

    /// <summary>A block with less than this part of the entry's executions is cold.</summary>
    private const int ColdShare = 32;

    /// <summary>Builds the region that starts at a block.</summary>
    /// <param name="core">The CPU, between two instructions.</param>
    /// <param name="entry">The hot block; EIP is its address.</param>
    /// <param name="maximumInstructions">Most guest instructions.</param>
    public static Region Build(CpuCore core, Block* entry, int maximumInstructions)
    {
        CpuState* s = core.State;
        List<RegionBlock> blocks = [];
        HashSet<uint> seen = [s->Eip];
        List<uint> returns = [];
        Queue<uint> open = new([s->Eip]);
        int instructions = 0;
        while (open.TryDequeue(out uint eip))
        {
            Block* found = eip == s->Eip ? entry : core.Blocks.Find(s, s->ModeKey, eip);
            if (found == null || IsCold(core, found, entry) || blocks.Count >= MaximumBlocks || (instructions + found->OpCount > maximumInstructions && blocks.Count != 0))
            {
                continue;
            }

            RegionBlock block = new(eip, found);
            instructions += block.Ops.Length;
            blocks.Add(block);
            foreach (uint next in Successors(block, returns))
            {
                if (seen.Add(next))
                {
                    open.Enqueue(next);
                }
            }
        }

        int slots = 0;
        foreach (RegionBlock block in blocks)
        {
            uint eip = block.Eip;
            for (int i = 0; i < block.Ops.Length; i++)
            {
                if (Lowering.Classify((Code)block.Ops[i].Code) == LoweringKind.CallHandler)
                {
                    block.Slots[i] = slots++;
                    block.Singles[i] = (nint)core.Blocks.Find(s, s->ModeKey | ModeKey.Single, eip);
                }

                eip += block.Ops[i].Length;
            }
        }

        return new Region { Blocks = blocks, ModeKey = s->ModeKey, ReturnSites = returns, SlotCount = slots };
    }

    /// <summary>
    /// Whether a block runs so much less often than the entry that compiling it would not pay: error paths and the like stay outside.
    /// </summary>
    private static bool IsCold(CpuCore core, Block* block, Block* entry) =>
        block != entry && core.Blocks.HotThreshold - block->Heat < core.Blocks.HotThreshold / ColdShare;

    private static List<uint> Successors(RegionBlock block, List<uint> returns)
    {
        List<uint> next = [];
        Op last = block.Ops[^1];
        switch (Branch.KindOf((Code)last.Code))
        {
            case BranchKind.None:
            case BranchKind.String:
                next.Add(block.End);
                break;
            case BranchKind.Conditional:
                next.Add(block.End);
                next.Add(block.Eip + last.Imm);
                break;
            case BranchKind.Jump:
                next.Add(block.Eip + last.Imm);
                break;
            case BranchKind.Call:
                next.Add(block.Eip + last.Imm);
                next.Add(block.End);
                returns.Add(block.End);
                break;
            case BranchKind.IndirectCall:
                next.Add(block.End);
                returns.Add(block.End);
                break;
            default:
                break;
        }

        return next;
    }
}
