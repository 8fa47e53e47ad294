using Emulator.Core.Memory;

namespace Emulator.Jit;

/// <summary>Hash of guest code in physical memory.</summary>
internal static unsafe class RegionHash
{
    private const ulong Start = 0xCBF29CE484222325;
    private const ulong Prime = 0x100000001B3;

    /// <summary>Hashes the bytes of blocks.</summary>
    /// <param name="memory">Physical memory.</param>
    /// <param name="blocks">The blocks.</param>
    /// <returns>The hash, or null when a byte does not lie in memory.</returns>
    public static ulong? Of(PhysicalMemory memory, IEnumerable<CachedBlock> blocks)
    {
        ulong hash = Start;
        foreach (CachedBlock block in blocks)
        {
            uint inFirst = Math.Min(block.ByteLength, PhysicalMemory.PageSize - (block.Physical & 0xFFF));
            if (!Add(memory, block.Physical, inFirst, ref hash))
            {
                return null;
            }

            if (inFirst != block.ByteLength && !Add(memory, block.SecondPage, block.ByteLength - inFirst, ref hash))
            {
                return null;
            }
        }

        return hash;
    }

    private static bool Add(PhysicalMemory memory, uint physical, uint length, ref ulong hash)
    {
        byte* page = memory.HostPage(physical);
        if (page == null)
        {
            return false;
        }

        byte* bytes = page + (physical & 0xFFF);
        for (uint i = 0; i < length; i++)
        {
            hash = (hash ^ bytes[i]) * Prime;
        }

        hash = (hash ^ length) * Prime;
        return true;
    }
}
