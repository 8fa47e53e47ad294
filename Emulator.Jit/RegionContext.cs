using System.Runtime.InteropServices;
using Emulator.Core.Decoding;

namespace Emulator.Jit;

/// <summary>
/// What the code of one region needs of this process, in native memory: the code itself holds no address, so that it can be kept between
/// runs. Behind the header lie the slots: for each instruction that is executed by its handler, a block that holds it alone.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct RegionContext
{
    /// <summary>Offset of <see cref="Valid"/>.</summary>
    public const int ValidOffset = 0;

    /// <summary>Zero once the region's code changed; looked at behind every call of a handler.</summary>
    public int Valid;

    private readonly int _reserved;

    /// <summary>The <see cref="RegionCounters"/>; 0 where nothing is counted.</summary>
    public nint Counters;

    /// <summary>The region's code.</summary>
    public nint Code;

    /// <summary><see cref="FlagFinisher.Address"/>.</summary>
    public nint Finisher;

    /// <summary>Offset of <see cref="Code"/>.</summary>
    public static int CodeOffset => (int)Marshal.OffsetOf<RegionContext>(nameof(Code));

    /// <summary>Offset of <see cref="Finisher"/>.</summary>
    public static int FinisherOffset => (int)Marshal.OffsetOf<RegionContext>(nameof(Finisher));

    /// <summary>Offset of <see cref="Counters"/>.</summary>
    public static int CountersOffset => (int)Marshal.OffsetOf<RegionContext>(nameof(Counters));

    /// <summary>Bytes of a slot: the block, its op and the sentinel.</summary>
    private static int SlotSize => sizeof(Block) + (2 * sizeof(Op));

    /// <summary>Offset of a slot's block; its op follows.</summary>
    /// <param name="slot">Its index, 0 first.</param>
    public static int SlotOffset(int slot) => sizeof(RegionContext) + (slot * SlotSize);

    /// <summary>Makes the context of a region; free it with <see cref="NativeMemory.Free"/>.</summary>
    /// <param name="slots">The instructions that are executed by their handlers.</param>
    /// <param name="counters">What its code counts with; 0 for none.</param>
    public static RegionContext* Create(IReadOnlyList<Op> slots, nint counters)
    {
        RegionContext* context = (RegionContext*)NativeMemory.AllocZeroed((nuint)SlotOffset(slots.Count));
        context->Valid = 1;
        context->Counters = counters;
        context->Finisher = FlagFinisher.Address;
        for (int i = 0; i < slots.Count; i++)
        {
            BlockDecoder.MakeSingle((Block*)((byte*)context + SlotOffset(i)), slots[i]);
        }

        return context;
    }
}
