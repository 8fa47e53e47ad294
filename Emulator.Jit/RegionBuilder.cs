using Emulator.Core.Cpu;
using Emulator.Core.Decoding;
using Emulator.Core.Memory;
using Iced.Intel;

namespace Emulator.Jit;

/// <summary>
/// Finds the blocks of a region from a hot block: along fall-through, jumps, both ways of conditional branches, calls and their return
/// sites, always on with the block that was executed most, up to a number of instructions. Only code that is mapped now is taken.
/// </summary>
internal static unsafe class RegionBuilder
{
    private const int MaximumBlocks = 96;

    /// <summary>
    /// Most guest instructions of called code that are taken although another region has them: small functions are worth a copy in each
    /// region that calls them often.
    /// </summary>
    private const int MaximumCopied = 48;

    /// <summary>Most entries of a jump table that are looked at.</summary>
    private const int MaximumTable = 256;

    /// <summary>Farthest that a jump table's entry is expected from the jump.</summary>
    private const uint FarthestTarget = 0x10000;

    /// <summary>A block with less than this part of the entry's executions is cold: error paths and the like stay outside.</summary>
    private const int ColdShare = 64;

    /// <summary>A threshold below this is a test's.</summary>
    private const int ProfileThreshold = 32;

    /// <summary>Builds the region that starts at a block.</summary>
    /// <param name="core">The CPU, between two instructions.</param>
    /// <param name="entry">The hot block.</param>
    /// <param name="place">Its address, and what is to be known of its code segment.</param>
    /// <param name="options">When blocks are hot.</param>
    /// <param name="limit">Most guest instructions; the entry block is taken whole.</param>
    /// <param name="isCovered">Whether a block (and its EIP) is part of another region already.</param>
    /// <returns>The region; look at <see cref="BlockCache.Clears"/> before it is used, finding blocks may have emptied the cache.</returns>
    public static Region Build(CpuCore core, Block* entry, CodePlace place, JitOptions options, int limit, Func<nint, uint, bool> isCovered)
    {
        CpuState* s = core.State;
        bool isCut = false;
        uint key = entry->ModeKey;
        uint entryEip = place.Eip;

        // With a low threshold, tests want whatever is reachable, executed or not; decoding needs the same code segment.
        bool reachable = options.HotThreshold < ProfileThreshold;
        bool decode = reachable && ((key & ModeKey.FlatCs) != 0 || (s->ModeKey == key && CodePlace.Of(s) == place with { Eip = s->Eip }));
        int least = reachable ? 0 : Math.Max(options.HotThreshold / ColdShare, Entries(entry) / ColdShare);
        List<RegionBlock> blocks = [];
        HashSet<uint> seen = [entryEip];
        List<uint> returns = [];
        Dictionary<uint, uint[]> tables = [];
        Dictionary<uint, uint[]> targets = [];
        PriorityQueue<uint, (int Entries, int Order)> open = new();
        open.Enqueue(entryEip, default);
        int instructions = 0;
        int copied = 0;
        HashSet<uint> copies = [];
        while (open.TryDequeue(out uint eip, out _))
        {
            if (blocks.Count >= MaximumBlocks)
            {
                isCut = true;
                break;
            }

            Block* found = eip == entryEip ? entry : core.Blocks.Find(s, key, eip, place.Base, decode);
            if (found == null || !place.Holds(eip, found))
            {
                continue;
            }

            if (blocks.Count != 0 && instructions + found->OpCount > limit)
            {
                isCut = true;
                continue;
            }

            RegionBlock block = new(eip, place.Base, found);
            instructions += block.Ops.Length;
            blocks.Add(block);
            if (ReadJumpTable(s, block) is { Length: > 0 } table)
            {
                tables[eip] = table;
            }
            else if (TargetsOf(s, block) is { Length: > 0 } seenTargets)
            {
                targets[eip] = seenTargets;
            }

            foreach (uint next in Successors(block, returns).Concat(tables.GetValueOrDefault(eip, [])).Concat(targets.GetValueOrDefault(eip, [])))
            {
                if (!seen.Add(next))
                {
                    continue;
                }

                Block* successor = core.Blocks.Find(s, key, next, place.Base, decode);
                if (successor != null && Entries(successor) >= least && !IsRewritten(successor, options))
                {
                    if (isCovered((nint)successor, next))
                    {
                        bool isCalled = (IsCall(block) && next != block.End) || copies.Contains(eip);
                        if (!isCalled || copied + successor->OpCount > MaximumCopied)
                        {
                            isCut = true;
                            continue;
                        }

                        copied += successor->OpCount;
                        copies.Add(next);
                    }

                    open.Enqueue(next, (-Entries(successor), seen.Count));
                }
            }
        }

        return new Region { Blocks = blocks, ModeKey = key, CodeBase = place.Base, CodeLimit = place.Limit, Fcw = s->Fcw, ReturnSites = returns, JumpTables = tables, Targets = targets, IsBrief = isCut && limit < options.RegionInstructions };
    }

    /// <summary>How often a block was interpreted since it was decoded or last belonged to a region.</summary>
    /// <param name="block">The block.</param>
    public static int Entries(Block* block) => block->HeatStart - block->Heat;

    /// <summary>Whether a block's code changes so often that it is not yet worth compiling: it must not take others with it when it changes.</summary>
    private static bool IsRewritten(Block* block, JitOptions options) => block->HeatStart > Math.Max(1, options.HotThreshold) && block->Heat > 0;

    /// <summary>What lies in the table of a jump like "jmp [table + eax*4]", as far as it looks like code near by.</summary>
    private static uint[] ReadJumpTable(CpuState* s, RegionBlock block)
    {
        Op last = block.Ops[^1];
        if ((Code)last.Code != Code.Jmp_rm32 || (last.Flags & (OpFlags.Memory | OpFlags.General)) != OpFlags.Memory
            || last.Base != CpuState.ZeroOffset || last.Index == CpuState.ZeroOffset || last.Scale != 2)
        {
            return [];
        }

        List<uint> table = [];
        while (table.Count < MaximumTable && Peek(s, last.Disp + ((uint)table.Count * 4), out uint target) && target - block.Eip + FarthestTarget < 2 * FarthestTarget)
        {
            table.Add(target);
        }

        return [.. table];
    }

    /// <summary>Where the indirect branch at the end of a block has gone, or where it would go now if that is not known.</summary>
    private static uint[] TargetsOf(CpuState* s, RegionBlock block) =>
        Branch.KindOf((Code)block.Ops[^1].Code) switch
        {
            BranchKind.Return => block.Source->Targets.Read(),
            BranchKind.IndirectCall or BranchKind.IndirectJump => block.Source->Targets.Read() is { Length: > 0 } seen ? seen : GuessTarget(s, block) is { } guess ? [guess] : [],
            _ => [],
        };

    /// <summary>Where an indirect jump or call would go now: a block that is hot has likely just been there.</summary>
    private static uint? GuessTarget(CpuState* s, RegionBlock block)
    {
        Op last = block.Ops[^1];
        uint mask = Branch.SizeOf((Code)last.Code) == 2 ? 0xFFFFu : uint.MaxValue;
        if ((last.Flags & OpFlags.Memory) == 0)
        {
            return CpuState.Register<uint>(s, last.R0) & mask;
        }

        uint offset = CpuState.Register<uint>(s, last.Base) + (CpuState.Register<uint>(s, last.Index) << last.Scale) + last.Disp;
        offset = (last.Flags & OpFlags.Address16) != 0 ? offset & 0xFFFF : offset;
        uint origin = (last.Flags & OpFlags.General) != 0 ? CpuState.Segment(s, last.Segment)->Base : 0;
        return Peek(s, origin + offset, out uint target) ? target & mask : null;
    }

    private static bool Peek(CpuState* s, uint linear, out uint value)
    {
        value = 0;
        for (uint i = 0; i < 4; i++)
        {
            if (!Mmu.Peek(s, linear + i, out byte b))
            {
                return false;
            }

            value |= (uint)b << (int)(8 * i);
        }

        return true;
    }

    private static bool IsCall(RegionBlock block) => Branch.KindOf((Code)block.Ops[^1].Code) is BranchKind.Call or BranchKind.IndirectCall;

    private static List<uint> Successors(RegionBlock block, List<uint> returns)
    {
        List<uint> next = [];
        Op last = block.Ops[^1];
        switch (Branch.KindOf((Code)last.Code))
        {
            case BranchKind.None:
            case BranchKind.String:
            case BranchKind.System:
                next.Add(block.End);
                break;
            case BranchKind.Conditional:
            case BranchKind.Loop:
                next.Add(block.End);
                next.Add(block.Target);
                break;
            case BranchKind.Jump:
                next.Add(block.Target);
                break;
            case BranchKind.Call:
                next.Add(block.Target);
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
