using System.Runtime.CompilerServices;
using Emulator.Core.Cpu;

namespace Emulator.Core.Memory;

/// <content>Ranges of any length, for host services that work on whole buffers.</content>
public static unsafe partial class Mmu
{
    /// <summary>Checks that a range can be accessed with the current privilege level; false with #PF recorded for its first bad page.</summary>
    /// <param name="s">The state.</param>
    /// <param name="linear">Linear address; the range wraps at 4 GiB.</param>
    /// <param name="length">Bytes.</param>
    /// <param name="kind">What is wanted.</param>
    public static bool CheckRange(CpuState* s, uint linear, uint length, AccessKind kind)
    {
        for (uint at = 0; at < length; at += PageSizeLeft(linear + at))
        {
            if (PageWalk.Lookup(s, linear + at, kind, s->Cpl == 3) == null)
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Reads a range with the current privilege level; false with #PF recorded, then what was copied so far means nothing.</summary>
    /// <param name="s">The state.</param>
    /// <param name="linear">Linear address.</param>
    /// <param name="destination">Receives the bytes.</param>
    public static bool ReadRange(CpuState* s, uint linear, Span<byte> destination)
    {
        CpuCore core = CpuCore.Of(s);
        while (!destination.IsEmpty)
        {
            TlbEntry* e = PageWalk.Lookup(s, linear, AccessKind.Read, s->Cpl == 3);
            if (e == null)
            {
                return false;
            }

            int part = (int)Math.Min(PageSizeLeft(linear), (uint)destination.Length);
            if (e->Physical == PhysicalMemory.NoPage)
            {
                destination[..part].Fill(0xFF);
            }
            else
            {
                core.Memory.ReadBlock(e->Physical | (linear & ~PageMask), destination[..part]);
            }

            linear += (uint)part;
            destination = destination[part..];
        }

        return true;
    }

    /// <summary>
    /// Writes a range with the current privilege level; false with #PF recorded, after the pages in front of the bad one were written, so
    /// <see cref="CheckRange"/> comes first.
    /// </summary>
    /// <param name="s">The state.</param>
    /// <param name="linear">Linear address.</param>
    /// <param name="source">The bytes.</param>
    public static bool WriteRange(CpuState* s, uint linear, ReadOnlySpan<byte> source)
    {
        CpuCore core = CpuCore.Of(s);
        while (!source.IsEmpty)
        {
            TlbEntry* e = PageWalk.Lookup(s, linear, AccessKind.Write, s->Cpl == 3);
            if (e == null)
            {
                return false;
            }

            int part = (int)Math.Min(PageSizeLeft(linear), (uint)source.Length);
            if (e->Physical != PhysicalMemory.NoPage)
            {
                core.StoreObserver?.Invoke(linear & PageMask);
                core.Memory.WriteBlock(e->Physical | (linear & ~PageMask), source[..part]);
                PageWalk.SetTags(core, e, linear & PageMask);
            }

            linear += (uint)part;
            source = source[part..];
        }

        return true;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint PageSizeLeft(uint linear) => PhysicalMemory.PageSize - (linear & ~PageMask);
}
