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
    private const int Most = 8;

    private const int StaticKey = 16;

    private readonly List<int> _keys = [];

    /// <summary>Chooses the windows of a region.</summary>
    /// <param name="flow">The analysed region.</param>
    public RegionWindows(RegionFlow flow)
    {
        Dictionary<int, long> weights = [];
        foreach (RegionBlock block in flow.Order)
        {
            long weight = flow.WeightOf(block);
            foreach (Op op in block.Ops)
            {
                foreach (int key in KeysOf(op))
                {
                    weights[key] = weights.GetValueOrDefault(key) + weight;
                }
            }
        }

        _keys.AddRange(weights.OrderByDescending(w => w.Value).ThenBy(w => w.Key).Take(Most).Select(w => w.Key));
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
        if ((int)op.Disp is >= 4096 or < -4096)
        {
            return StaticKey + (int)(op.Disp >> 12);
        }

        return op.Base != CpuState.ZeroOffset ? op.Base >> 3 : op.Index != CpuState.ZeroOffset ? (op.Index >> 3) + 8 : StaticKey;
    }

    /// <summary>The window of an access, or -1.</summary>
    /// <param name="key">What it shares the window by.</param>
    /// <param name="write">Whether it writes.</param>
    public int Find(int key, bool write) => key == NoKey ? -1 : _keys.IndexOf(Combine(key, write));

    /// <summary>Whether a window covers pages that may be written only.</summary>
    /// <param name="window">The window.</param>
    public bool IsForWrites(int window) => (_keys[window] & 1) != 0;

    private static int Combine(int key, bool write) => (key * 2) + (write || key == StackKey ? 1 : 0);

    private static IEnumerable<int> KeysOf(Op op)
    {
        if ((op.Flags & OpFlags.General) != 0)
        {
            yield break;
        }

        Code code = (Code)op.Code;
        if ((op.Flags & OpFlags.Memory) != 0 && !RegionEmitter.IsAddressOnly(code))
        {
            yield return Combine(KeyOf(in op), RegionEmitter.WritesMemory(code));
        }

        if (RegionEmitter.UsesStack(code))
        {
            yield return Combine(StackKey, write: true);
        }
    }
}
