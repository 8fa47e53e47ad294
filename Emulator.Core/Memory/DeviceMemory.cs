using System.Runtime.InteropServices;

namespace Emulator.Core.Memory;

/// <summary>
/// Memory of a device that the CPU reaches like RAM or ROM (a frame buffer, an option ROM): one native block, with a mark for each page that
/// was written since the device looked last. <see cref="PhysicalMemory"/> maps it, anywhere and more than once.
/// </summary>
public sealed unsafe class DeviceMemory
{
    private readonly void* _allocation;
    private readonly byte* _dirty;

    /// <summary>Allocates a block of zeros; the host provides its pages when they are touched.</summary>
    /// <param name="size">Bytes, a multiple of the page size.</param>
    /// <exception cref="ArgumentOutOfRangeException">The size is not valid.</exception>
    /// <exception cref="OutOfMemoryException">The host has not that much memory.</exception>
    public DeviceMemory(uint size)
    {
        if (size == 0 || size % PhysicalMemory.PageSize != 0 || size > 1u << 30)
        {
            throw new ArgumentOutOfRangeException(nameof(size), size, "device memory is a multiple of 4 KiB and at most 1 GiB");
        }

        Size = size;
        nuint raw = (nuint)NativeMemory.AllocZeroed(size + (2 * PhysicalMemory.PageSize));
        _allocation = (void*)raw;
        Data = (byte*)((raw + PhysicalMemory.PageSize - 1) & ~(nuint)(PhysicalMemory.PageSize - 1));
        _dirty = (byte*)NativeMemory.AllocZeroed(size / PhysicalMemory.PageSize);
        GC.AddMemoryPressure(size);
    }

    /// <summary>Frees the block.</summary>
    ~DeviceMemory()
    {
        if (_dirty != null)
        {
            NativeMemory.Free(_allocation);
            NativeMemory.Free(_dirty);
            GC.RemoveMemoryPressure(Size);
        }
    }

    /// <summary>First byte.</summary>
    public byte* Data { get; }

    /// <summary>Bytes.</summary>
    public uint Size { get; }

    /// <summary>The whole block.</summary>
    public Span<byte> Bytes => new(Data, (int)Size);

    /// <summary>One mark a page, not 0 when it was written since the marks were taken.</summary>
    public ReadOnlySpan<byte> DirtyPages => new(_dirty, (int)(Size / PhysicalMemory.PageSize));

    /// <summary>Marks a page; for the device's own writes.</summary>
    /// <param name="offset">Any offset in the page, below <see cref="Size"/>.</param>
    public void MarkDirty(uint offset) => _dirty[offset / PhysicalMemory.PageSize] = 1;

    /// <summary>Marks every page.</summary>
    public void MarkAllDirty() => new Span<byte>(_dirty, (int)(Size / PhysicalMemory.PageSize)).Fill(1);

    /// <summary>Removes every mark.</summary>
    internal void ClearDirty() => new Span<byte>(_dirty, (int)(Size / PhysicalMemory.PageSize)).Clear();

    /// <summary>Whether a host address lies in the block.</summary>
    internal bool Contains(byte* host) => (nuint)host - (nuint)Data < Size;
}
