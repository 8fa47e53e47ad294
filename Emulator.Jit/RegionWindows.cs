using Emulator.Core.Cpu;
using Emulator.Core.Decoding;
using Iced.Intel;

namespace Emulator.Jit;

/// <summary>
/// Which memory accesses of a region share a window (see <see cref="RegionEmitter"/>): those through the stack pointer, through the same
/// base register, or into the same page of static data. The ones that run most get one.
/// </summary>
internal sealed class RegionWindows
{
    /// <summary>Key of an access that shares nothing.</summary>
    public const int NoKey = -1;

    /// <summary>Key of accesses through the stack pointer: they read and write through one window.</summary>
    public const int StackKey = 4;

    /// <summary>Most windows in a region: each costs two locals.</summary>
    public const int Most = 8;

    /// <summary>Most in a region that is to be compiled soon: with eight the host's compiler takes a quarter longer.</summary>
    public const int Few = 2;

    /// <summary>Fewest accesses that are worth a window: a look into the TLB is as short as what moves a window.</summary>
    private const int Fewest = 4;

    private const int StaticKey = 16;

    /// <summary>Above the largest key of a flat segment.</summary>
    private const int SegmentShift = 22;

    private readonly List<int> _keys = [];
    private readonly HashSet<int> _shared = [];

    /// <summary>Chooses the windows of a region.</summary>
    /// <param name="flow">The analysed region.</param>
    /// <param name="stackKey">What stack accesses share their window by.</param>
    /// <param name="isElsewhere">Whether an instruction of a block accesses memory without a window.</param>
    /// <param name="most">Most windows.</param>
    public RegionWindows(RegionFlow flow, int stackKey, Func<RegionBlock, int, bool> isElsewhere, int most)
    {
        Dictionary<int, long> weights = [];
        HashSet<int> known = [];
        foreach (RegionBlock block in flow.Order)
        {
            long weight = flow.WeightOf(block);
            known.Clear();
            for (int i = 0; i < block.Ops.Length; i++)
            {
                Op op = block.Ops[i];
                foreach (int key in isElsewhere(block, i) ? [] : KeysOf(op, stackKey))
                {
                    // Outside of loops, an access through a register that was loaded since the last one is not likely to lie in its page.
                    bool isFirst = known.Add(key);
                    weights[key] = weights.GetValueOrDefault(key) + (isFirst && weight == 1 && key != Combine(stackKey, write: true) ? 0 : weight);
                }

                foreach (int register in RegionEmitter.WrittenRegisters(in op))
                {
                    known.RemoveWhere(k => ((k >> 1) & ((1 << SegmentShift) - 1)) == register && register != StackKey);
                }
            }
        }

        // Static data that is written in the region is read through the same window: a second one would cost registers.
        foreach (int read in weights.Keys.Where(k => (k & 1) == 0 && k >> 1 is >= StaticKey and < 1 << SegmentShift && weights.ContainsKey(k + 1)).ToList())
        {
            weights[read + 1] += weights[read];
            weights.Remove(read);
            _shared.Add(read);
        }

        _keys.AddRange(weights.Where(w => w.Value >= Fewest || w.Key == Combine(stackKey, write: true)).OrderByDescending(w => w.Value).ThenBy(w => w.Key).Take(most).Select(w => w.Key));
    }

    private RegionWindows()
    {
    }

    /// <summary>No windows.</summary>
    public static RegionWindows None { get; } = new();

    /// <summary>Number of windows.</summary>
    public int Count => _keys.Count;

    /// <summary>What a memory operand shares its window by.</summary>
    /// <param name="op">The instruction.</param>
    public static int KeyOf(in Op op)
    {
        bool is16 = (op.Flags & OpFlags.Address16) != 0;
        int displacement = is16 ? (short)op.Disp : (int)op.Disp;
        int key = displacement is >= 4096 or < -4096 ? StaticKey + (int)((uint)displacement >> 12)
            : op.Base != CpuState.ZeroOffset ? op.Base >> 3 : op.Index != CpuState.ZeroOffset ? (op.Index >> 3) + 8 : StaticKey;
        return (op.Flags & OpFlags.General) == 0 ? key : InSegment(key, op.Segment, is16);
    }

    /// <summary>Key of accesses through the stack pointer in any stack segment.</summary>
    /// <param name="segment">Its number, or -1 when it is flat.</param>
    /// <param name="is16">Whether the stack pointer has 16 bits.</param>
    public static int StackKeyIn(int segment, bool is16) => segment < 0 ? StackKey : InSegment(StackKey, segment, is16);

    /// <summary>Key of accesses through a register alone.</summary>
    /// <param name="register">Its number.</param>
    /// <param name="segment">The segment's number, or -1 when it is flat.</param>
    /// <param name="is16">Whether offsets have 16 bits.</param>
    public static int KeyIn(int register, int segment, bool is16) => segment < 0 ? register : InSegment(register, segment, is16);

    /// <summary>The window of an access, or -1.</summary>
    /// <param name="key">What it shares the window by.</param>
    /// <param name="write">Whether it writes.</param>
    public int Find(int key, bool write) => key == NoKey ? -1 : _keys.IndexOf(Combine(key, write || _shared.Contains(Combine(key, write: false))));

    /// <summary>Whether a window covers pages that may be written only.</summary>
    /// <param name="window">The window.</param>
    public bool IsForWrites(int window) => (_keys[window] & 1) != 0;

    /// <summary>Whether the accesses of a window go through a segment that is not flat.</summary>
    /// <param name="window">The window.</param>
    /// <param name="segment">Number of the segment.</param>
    public bool IsIn(int window, int segment) => ((_keys[window] >> (SegmentShift + 1)) & 7) == segment + 1;

    private static int Combine(int key, bool write) => (key * 2) + (write || (key & ((1 << SegmentShift) - 1)) == StackKey ? 1 : 0);

    /// <summary>Offsets in different segments, and of different widths, have windows of their own.</summary>
    private static int InSegment(int key, int segment, bool is16) => key | ((segment + 1 + (is16 ? 8 : 0)) << SegmentShift);

    private static IEnumerable<int> KeysOf(Op op, int stackKey)
    {
        Code code = (Code)op.Code;
        if (Branch.KindOf(code) == BranchKind.String)
        {
            foreach ((int key, bool write) in RegionEmitter.StringKeys(op))
            {
                yield return Combine(key, write);
            }

            yield break;
        }

        bool isInline = Lowering.Classify(code) == LoweringKind.Lower || Branch.KindOf(code) is BranchKind.IndirectCall or BranchKind.IndirectJump;
        if ((op.Flags & OpFlags.Memory) != 0 && isInline && !RegionEmitter.IsAddressOnly(code))
        {
            yield return Combine(KeyOf(in op), RegionEmitter.WritesMemory(code));
        }

        if (RegionEmitter.UsesStack(code))
        {
            yield return Combine(stackKey, write: true);
        }
    }
}
