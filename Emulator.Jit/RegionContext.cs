using System.Runtime.InteropServices;
using Emulator.Core.Decoding;

namespace Emulator.Jit;

/// <summary>
/// What the code of one region needs of this process, in native memory: the code itself holds no address, so that it can be kept between
/// runs. Behind the header lie the slots: for each instruction that is executed by its handler, the op of its one-instruction block.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct RegionContext
{
    /// <summary>Offset of <see cref="Valid"/>.</summary>
    public const int ValidOffset = 0;

    /// <summary>Zero once the region's code changed; looked at behind every call of a handler.</summary>
    public int Valid;

    private readonly int _reserved;

    /// <summary>Offset of a slot.</summary>
    /// <param name="slot">Its index, 0 first.</param>
    public static int SlotOffset(int slot) => sizeof(RegionContext) + (slot * sizeof(nint));

    /// <summary>Makes the context of a region; free it with <see cref="NativeMemory.Free"/>.</summary>
    /// <param name="region">The region.</param>
    public static RegionContext* Create(Region region)
    {
        RegionContext* context = (RegionContext*)NativeMemory.AllocZeroed((nuint)SlotOffset(region.SlotCount));
        context->Valid = 1;
        nint* slots = (nint*)(context + 1);
        foreach (RegionBlock block in region.Blocks)
        {
            for (int i = 0; i < block.Ops.Length; i++)
            {
                if (block.Singles[i] != 0)
                {
                    slots[block.Slots[i]] = (nint)Block.Ops((Block*)block.Singles[i]);
                }
            }
        }

        return context;
    }
}
