using Emulator.Core.Decoding;
using Iced.Intel;

namespace Emulator.Jit;

/// <summary>
/// What is known of a region before it is emitted: the order of its blocks, which ways lead back, the longest way between two looks at the
/// budget, and who still wants the status flags at the entry of a block.
/// </summary>
internal sealed class RegionFlow
{
    /// <summary>Most return sites that a RET compares with.</summary>
    private const int MaximumReturnSites = 6;

    private readonly Region _region;

    /// <summary>Where the x87 register stack does not fit a block, the way to it leaves the region.</summary>
    private readonly bool _hasX87;
    private readonly Dictionary<uint, RegionBlock> _blocks = [];
    private readonly Dictionary<uint, int> _order = [];
    private readonly Dictionary<uint, int> _longest = [];
    private readonly Dictionary<uint, FlagKind> _flags = [];
    private readonly HashSet<(int Head, int Tail)> _loops = [];

    /// <summary>Analyses a region.</summary>
    /// <param name="region">The region.</param>
    public RegionFlow(Region region)
    {
        _region = region;
        _hasX87 = region.Blocks.Any(b => b.Ops.Any(o => RegionEmitter.IsLoweredX87(in o, out _)));
        foreach (RegionBlock block in region.Blocks)
        {
            _blocks[block.Eip] = block;
        }

        Order = BuildOrder();
        for (int i = 0; i < Order.Count; i++)
        {
            _order[Order[i].Eip] = i;
        }

        FindLongest();
        FindFlags();
    }

    /// <summary>The blocks in the order in which they are emitted: a block in front of those that follow it, except for ways back.</summary>
    public IReadOnlyList<RegionBlock> Order { get; }

    /// <summary>Guest instructions on the longest way from any block to the next look at the budget.</summary>
    public int Longest { get; private set; }

    /// <summary>Whether a way leads on: a cycle has at least one way that does not.</summary>
    /// <param name="from">A block.</param>
    /// <param name="to">A block that can follow.</param>
    public bool IsForward(RegionBlock from, RegionBlock to) => _order[to.Eip] > _order[from.Eip];

    /// <summary>Guest instructions on the longest way from the entry of a block to the next look at the budget.</summary>
    /// <param name="block">The block.</param>
    public int LongestFrom(RegionBlock block) => _longest[block.Eip];

    /// <summary>The same from the end of the block.</summary>
    /// <param name="block">The block.</param>
    public int LongestBehind(RegionBlock block) => _longest[block.Eip] - block.Ops.Length;

    /// <summary>
    /// How much more the budget is than what regions count down: the longest way from the end of a block that a way back leads to to the next
    /// look. So the look on a way back, behind the payment, is at the sign of what is left, which the subtraction leaves in the host's flags.
    /// </summary>
    public int Reserve => _loops.Count == 0 ? 0 : _loops.Max(l => LongestBehind(Order[l.Head]));

    /// <summary>How often a block is likely to run, against one that lies in no loop: 8 for each loop around it.</summary>
    /// <param name="block">The block.</param>
    public long WeightOf(RegionBlock block)
    {
        int at = _order[block.Eip];
        long weight = 1;
        foreach ((int head, int tail) in _loops)
        {
            if (at >= head && at <= tail && weight < 4096)
            {
                weight *= 8;
            }
        }

        return weight;
    }

    /// <summary>Where a block expects the flags: in the state, wherever the kind local says, or nowhere.</summary>
    /// <param name="eip">The block's EIP.</param>
    public FlagKind FlagsAt(uint eip) => _flags[eip];

    /// <summary>Blocks of the region that an indirect branch at the end of a block compares its target with.</summary>
    /// <param name="block">The block.</param>
    public IEnumerable<RegionBlock> Candidates(RegionBlock block) =>
        _region.Targets.GetValueOrDefault(block.Eip, [])
            .Concat(Branch.KindOf((Code)block.Ops[^1].Code) == BranchKind.Return ? _region.ReturnSites : [])
            .Distinct().Where(_blocks.ContainsKey).Take(MaximumReturnSites).Select(eip => _blocks[eip]);

    /// <summary>The blocks of the region in the jump table that a block's last instruction goes through, in the table's order; null for others.</summary>
    /// <param name="block">The block.</param>
    public IReadOnlyList<RegionBlock?> JumpTable(RegionBlock block) => [.. _region.JumpTable(block).Select(Find)];

    /// <summary>Whether the carry flag that an INC or DEC keeps can be seen before all flags are overwritten.</summary>
    /// <param name="block">The block.</param>
    /// <param name="index">The instruction.</param>
    public bool IsCarryWanted(RegionBlock block, int index)
    {
        for (int i = index + 1; i < block.Ops.Length; i++)
        {
            ref Op op = ref block.Ops[i];
            FlagUse use = RegionEmitter.FlagUseOf(in op);
            bool last = i == block.Ops.Length - 1;
            if (last && RegionEmitter.EndOf(in op) != BranchKind.None)
            {
                break;
            }

            if (!RegionEmitter.IsPure(in op) || use == FlagUse.Other)
            {
                return true;
            }

            if (use == FlagUse.Overwrites)
            {
                return false;
            }

            if (use == FlagUse.Partial)
            {
                return AreFlagsWanted(block, i);
            }

            if (use is FlagUse.Carry or FlagUse.Zero)
            {
                return AreOthersWanted(block, i, use);
            }

            if (use is FlagUse.CarryIn or FlagUse.CarryThrough)
            {
                return true;
            }
        }

        return AtEnd(block) != FlagKind.Dead || IsCarryCondition(block);
    }

    /// <summary>Whether any flag as an instruction leaves it can be seen before all are overwritten.</summary>
    /// <param name="block">The block.</param>
    /// <param name="index">The instruction.</param>
    public bool AreFlagsWanted(RegionBlock block, int index)
    {
        for (int i = index + 1; i < block.Ops.Length; i++)
        {
            ref Op op = ref block.Ops[i];
            BranchKind branch = RegionEmitter.EndOf(in op);
            if (i == block.Ops.Length - 1 && branch != BranchKind.None)
            {
                if (Branch.LooksAtFlags((Code)op.Code))
                {
                    return true;
                }

                break;
            }

            if (!RegionEmitter.IsPure(in op))
            {
                return true;
            }

            switch (RegionEmitter.FlagUseOf(in op))
            {
                case FlagUse.Overwrites:
                    return false;
                case FlagUse.Steps:
                    return IsCarryWanted(block, i);
                case FlagUse.Partial:
                    return AreFlagsWanted(block, i);
                case FlagUse.Carry or FlagUse.Zero:
                    return AreOthersWanted(block, i, RegionEmitter.FlagUseOf(in op));
                case FlagUse.None:
                    break;
                default:
                    return true;
            }
        }

        return AtEnd(block) != FlagKind.Dead;
    }

    /// <summary>Whether any flag besides the only one that an instruction sets can be seen, as it is then, before all are overwritten.</summary>
    /// <param name="block">The block.</param>
    /// <param name="index">The instruction.</param>
    /// <param name="use">Which flag: <see cref="FlagUse.Carry"/> or <see cref="FlagUse.Zero"/>.</param>
    public bool AreOthersWanted(RegionBlock block, int index, FlagUse use)
    {
        for (int i = index + 1; i < block.Ops.Length; i++)
        {
            ref Op op = ref block.Ops[i];
            BranchKind branch = RegionEmitter.EndOf(in op);
            if (i == block.Ops.Length - 1 && branch != BranchKind.None)
            {
                if (Branch.LooksAtFlags((Code)op.Code) && !(branch == BranchKind.Conditional && IsConditionOf(Branch.ConditionOf((Code)op.Code), use)))
                {
                    return true;
                }

                break;
            }

            if (!RegionEmitter.IsPure(in op))
            {
                return true;
            }

            FlagUse other = RegionEmitter.FlagUseOf(in op);
            switch (other)
            {
                case FlagUse.Overwrites:
                    return false;
                case FlagUse.Steps:
                    return use == FlagUse.Zero && IsCarryWanted(block, i);
                case FlagUse.Partial:
                    return AreFlagsWanted(block, i);
                case FlagUse.Carry or FlagUse.Zero:
                    return other != use || AreOthersWanted(block, i, use);
                case FlagUse.CarryIn:
                    return use != FlagUse.Carry;
                case FlagUse.CarryThrough:
                    return use != FlagUse.Carry || AreOthersWanted(block, i, use);
                case FlagUse.Other when RegionEmitter.ConditionOf(in op) is { } condition && IsConditionOf(condition, use):
                case FlagUse.None:
                    break;
                default:
                    return true;
            }
        }

        FlagKind end = AtEnd(block);
        return end != FlagKind.Dead && (end != FlagKind.Carry || use != FlagUse.Carry);
    }

    private static bool IsConditionOf(int condition, FlagUse use) => (condition & ~1) == (use == FlagUse.Carry ? 2 : 4);

    private static bool IsCarryCondition(RegionBlock block) => Branch.ConditionOf((Code)block.Ops[^1].Code) is 2 or 3 or 6 or 7;

    /// <summary>Where a block can go on; null stands for leaving the region.</summary>
    private IEnumerable<RegionBlock?> Successors(RegionBlock block)
    {
        ref readonly Op last = ref block.Ops[^1];
        return Branch.KindOf((Code)last.Code) switch
        {
            BranchKind.Conditional or BranchKind.Loop => [Find(block.Target), Find(block.End)],
            BranchKind.Jump or BranchKind.Call => [Find(block.Target)],
            BranchKind.Return or BranchKind.IndirectCall => [.. Candidates(block), null],
            BranchKind.IndirectJump => [.. Candidates(block), .. _region.JumpTable(block).Distinct().Where(_blocks.ContainsKey).Select(Find), null],
            BranchKind.None or BranchKind.String => [Find(block.End)],
            BranchKind.System => [Find(block.End), null],
            _ => [null],
        };
    }

    private RegionBlock? Find(uint eip) => _blocks.GetValueOrDefault(eip);

    /// <summary>Reverse postorder, so that a block comes behind those that lead to it; what falls through comes next where it can.</summary>
    private List<RegionBlock> BuildOrder()
    {
        List<RegionBlock> order = [];
        HashSet<uint> seen = [];
        Visit(_region.Entry, seen, order);
        order.Reverse();
        foreach (RegionBlock root in _region.Blocks)
        {
            if (!seen.Contains(root.Eip))
            {
                List<RegionBlock> more = [];
                Visit(root, seen, more);
                more.Reverse();
                order.AddRange(more);
            }
        }

        return order;
    }

    private void Visit(RegionBlock root, HashSet<uint> seen, List<RegionBlock> order)
    {
        Stack<(RegionBlock Block, IEnumerator<RegionBlock?> Next)> open = new();
        seen.Add(root.Eip);
        open.Push((root, Successors(root).GetEnumerator()));
        while (open.TryPeek(out (RegionBlock Block, IEnumerator<RegionBlock?> Next) top))
        {
            if (!top.Next.MoveNext())
            {
                order.Add(top.Block);
                open.Pop();
            }
            else if (top.Next.Current is { } next && seen.Add(next.Eip))
            {
                open.Push((next, Successors(next).GetEnumerator()));
            }
        }
    }

    private void FindLongest()
    {
        for (int i = Order.Count - 1; i >= 0; i--)
        {
            RegionBlock block = Order[i];
            int most = 0;
            foreach (RegionBlock? next in Successors(block))
            {
                if (next is not null && IsForward(block, next))
                {
                    most = Math.Max(most, _longest[next.Eip]);
                }
                else if (next is not null)
                {
                    _loops.Add((_order[next.Eip], i));
                }
            }

            _longest[block.Eip] = block.Ops.Length + most;
            Longest = Math.Max(Longest, _longest[block.Eip]);
        }
    }

    private void FindFlags()
    {
        foreach (RegionBlock block in Order)
        {
            _flags[block.Eip] = FlagKind.Dead;
        }

        bool changed = true;
        while (changed)
        {
            changed = false;
            for (int i = Order.Count - 1; i >= 0; i--)
            {
                RegionBlock block = Order[i];
                FlagKind kind = AtEntry(block);
                if (kind != _flags[block.Eip])
                {
                    _flags[block.Eip] = kind;
                    changed = true;
                }
            }
        }
    }

    private FlagKind AtEntry(RegionBlock block)
    {
        FlagKind kind = FlagKind.Dead;
        for (int i = 0; i < block.Ops.Length; i++)
        {
            ref Op op = ref block.Ops[i];
            if (i == block.Ops.Length - 1 && RegionEmitter.EndOf(in op) != BranchKind.None)
            {
                BranchKind branch = RegionEmitter.EndOf(in op);
                if (Branch.LooksAtFlags((Code)op.Code) || branch == BranchKind.Far || (branch is BranchKind.String or BranchKind.System && RegionEmitter.FlagUseOf(in op) != FlagUse.None))
                {
                    return FlagKind.InState;
                }

                break;
            }

            if (!RegionEmitter.IsPure(in op))
            {
                kind = FlagKind.Deferred;
            }

            switch (RegionEmitter.FlagUseOf(in op))
            {
                case FlagUse.Overwrites:
                    return kind;
                case FlagUse.Steps when !IsCarryWanted(block, i):
                    return kind;
                case FlagUse.Steps or FlagUse.CarryIn:
                case FlagUse.CarryThrough when !AreOthersWanted(block, i, FlagUse.Carry):
                    return Stronger(kind, FlagKind.Carry);
                case FlagUse.Carry or FlagUse.Zero when !AreOthersWanted(block, i, RegionEmitter.FlagUseOf(in op)):
                    return kind;
                case FlagUse.None:
                case FlagUse.Partial when !AreFlagsWanted(block, i):
                    break;
                default:
                    return FlagKind.InState;
            }
        }

        return Stronger(kind, AtEnd(block));
    }

    /// <summary>What is wanted of the flags behind the last instruction of a block, besides its own condition.</summary>
    private FlagKind AtEnd(RegionBlock block)
    {
        // Branches through memory can leave in front of themselves.
        FlagKind kind = RegionEmitter.EndOf(in block.Ops[^1]) is BranchKind.None or BranchKind.Conditional or BranchKind.Loop or BranchKind.Jump ? FlagKind.Dead : FlagKind.Deferred;
        foreach (RegionBlock? next in Successors(block))
        {
            if (next is null || _hasX87 || !IsForward(block, next) || !block.Covers(next))
            {
                kind = Stronger(kind, FlagKind.Deferred);
            }

            if (next is not null)
            {
                kind = Stronger(kind, _flags[next.Eip]);
            }
        }

        return kind;
    }

    /// <summary>What serves both. Where the kind is known when running only, CF would cost a call: then the flags lie in the state.</summary>
    private static FlagKind Stronger(FlagKind a, FlagKind b) => a == b || b == FlagKind.Dead ? a : a == FlagKind.Dead ? b : FlagKind.InState;
}
