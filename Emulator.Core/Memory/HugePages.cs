using System.Runtime.InteropServices;

namespace Emulator.Core.Memory;

/// <summary>
/// Advice to the host to back a large native block with large pages. Guest memory, decoded blocks and their index are reached at random,
/// and with pages of 4 KiB each such access misses the host's TLB. Only Linux is told; nothing but speed depends on it.
/// </summary>
internal static unsafe class HugePages
{
    /// <summary>Bytes of a large page: blocks that begin at a multiple of it profit most.</summary>
    public const nuint Size = 2 << 20;

    private const int AdviseHugePages = 14;

    private static readonly delegate* unmanaged<void*, nuint, int, int> Madvise = Find();

    /// <summary>Advises the host for all whole large pages within a block.</summary>
    /// <param name="start">First byte.</param>
    /// <param name="length">Bytes.</param>
    public static void Advise(void* start, nuint length)
    {
        nuint first = ((nuint)start + Size - 1) & ~(Size - 1);
        nuint end = ((nuint)start + length) & ~(Size - 1);
        if (Madvise != null && first < end)
        {
            // A host that declines leaves everything as it is.
            _ = Madvise((void*)first, end - first, AdviseHugePages);
        }
    }

    private static delegate* unmanaged<void*, nuint, int, int> Find() =>
        OperatingSystem.IsLinux() && NativeLibrary.TryGetExport(NativeLibrary.GetMainProgramHandle(), "madvise", out nint address)
            ? (delegate* unmanaged<void*, nuint, int, int>)address
            : null;
}
