namespace Emulator.Core.Memory;

/// <content>
/// Memory of devices: mapped like RAM, so that accesses are inline. The first write to a page whose mark is not set takes the slow path, which
/// sets it; from then on writes are inline until <see cref="TakeDirty"/> takes the marks.
/// </content>
public sealed unsafe partial class PhysicalMemory
{
    private const byte HoldsCode = 1;
    private const byte IsClean = 2;

    private readonly List<DeviceMapping> _mappings = [];

    /// <summary>Called when single pages got another mapping, so that TLBs drop them: (physical address, length). Set by the CPU.</summary>
    public Action<uint, uint>? PagesRemapped { get; set; }

    /// <summary>Called when writes to pages must be noticed again: (physical address, length). Set by the CPU.</summary>
    public Action<uint, uint>? WritesWatched { get; set; }

    /// <summary>Whether the next write to a page must be noticed: decoded code was taken from it, or it is a device's and not marked yet.</summary>
    /// <param name="address">Physical address.</param>
    public bool NoticesWrites(uint address) => _pageFlags[address >> 12] != 0;

    /// <summary>Whether writes to a page must be noticed for no other reason than decoded code.</summary>
    /// <param name="address">Physical address.</param>
    public bool NoticesCodeOnly(uint address) => _pageFlags[address >> 12] == HoldsCode;

    /// <summary>Maps a part of device memory where nothing is mapped; other pages keep what they have.</summary>
    /// <param name="address">Physical page address.</param>
    /// <param name="length">Bytes, a multiple of the page size; ends at or below 4 GiB.</param>
    /// <param name="block">The memory.</param>
    /// <param name="offset">Offset in the block, page aligned.</param>
    /// <param name="writable">Whether the guest can write; otherwise it is ROM.</param>
    public void MapDeviceMemory(uint address, uint length, DeviceMemory block, uint offset, bool writable)
    {
        CheckPart(block, offset, length);
        for (uint at = 0; at < length; at += PageSize)
        {
            uint page = (address + at) >> 12;
            if ((_pages[page] & KindMask) == (ulong)PageKind.None)
            {
                SetDevicePage(page, block, offset + at, writable);
            }
        }

        if (writable)
        {
            _mappings.Add(new DeviceMapping(address, length, block, offset));
        }

        MappingChanged?.Invoke();
    }

    /// <summary>Unmaps the pages of a range that show a block.</summary>
    /// <param name="address">Physical page address.</param>
    /// <param name="length">Bytes, a multiple of the page size.</param>
    /// <param name="block">The memory.</param>
    public void UnmapDeviceMemory(uint address, uint length, DeviceMemory block)
    {
        ArgumentNullException.ThrowIfNull(block);
        _mappings.RemoveAll(m => m.Address == address && m.Length == length && ReferenceEquals(m.Block, block));
        for (uint at = 0; at < length; at += PageSize)
        {
            // A page that another mapping (a window) shows was not taken by this one.
            byte* host = HostPage(address + at);
            uint page = address + at;
            if (host != null && block.Contains(host) && !_mappings.Exists(m => page - m.Address < m.Length))
            {
                _pages[(address + at) >> 12] = 0;
                ClearClean(address + at, PageSize);
            }
        }

        MappingChanged?.Invoke();
    }

    /// <summary>Maps pages to a device where nothing is mapped; other pages keep what they have.</summary>
    /// <inheritdoc cref="MapDevice"/>
    public void MapDeviceFree(uint address, uint length, object target, delegate*<object, uint, int, ulong> read, delegate*<object, uint, int, ulong, void> write, delegate*<object, uint, int, ulong> peek)
    {
        ulong entry = DeviceEntry(target, read, write, peek);
        for (uint at = 0; at < length; at += PageSize)
        {
            ref ulong page = ref _pages[(address + at) >> 12];
            page = (page & KindMask) == (ulong)PageKind.None ? entry : page;
        }

        MappingChanged?.Invoke();
    }

    /// <summary>Unmaps those pages of a range that belong to a device.</summary>
    /// <param name="address">Physical page address.</param>
    /// <param name="length">Bytes, a multiple of the page size.</param>
    /// <param name="target">The device.</param>
    public void UnmapDevice(uint address, uint length, object target)
    {
        for (uint at = 0; at < length; at += PageSize)
        {
            ref ulong page = ref _pages[(address + at) >> 12];
            if ((page & KindMask) == (ulong)PageKind.Device && ReferenceEquals(_devices[(int)(page >> 3)].Target, target))
            {
                page = 0;
            }
        }

        MappingChanged?.Invoke();
    }

    /// <summary>
    /// Shows device memory in a window that a device owns, in place of its functions or of another part. Only these pages are dropped from
    /// TLBs and decoded code, so that it is cheap enough for bank switching.
    /// </summary>
    /// <param name="address">Physical page address of the window.</param>
    /// <param name="length">Bytes, a multiple of the page size.</param>
    /// <param name="block">The memory.</param>
    /// <param name="offset">Offset in the block, page aligned.</param>
    public void ShowInWindow(uint address, uint length, DeviceMemory block, uint offset)
    {
        CheckPart(block, offset, length);
        LeaveWindow(address, length);
        for (uint at = 0; at < length; at += PageSize)
        {
            SetDevicePage((address + at) >> 12, block, offset + at, writable: true);
        }

        _mappings.Add(new DeviceMapping(address, length, block, offset));
        PagesRemapped?.Invoke(address, length);
    }

    /// <summary>Lets a device's functions answer in its window again, as <see cref="MapDevice"/> does when a machine is built.</summary>
    /// <inheritdoc cref="MapDevice"/>
    public void AnswerInWindow(uint address, uint length, object target, delegate*<object, uint, int, ulong> read, delegate*<object, uint, int, ulong, void> write, delegate*<object, uint, int, ulong> peek)
    {
        ulong entry = DeviceEntry(target, read, write, peek);
        LeaveWindow(address, length);
        for (uint at = 0; at < length; at += PageSize)
        {
            _pages[(address + at) >> 12] = entry;
        }

        PagesRemapped?.Invoke(address, length);
    }

    /// <summary>Takes the marks of a block: what is written from now on is marked again.</summary>
    /// <param name="block">The memory.</param>
    /// <param name="marks">One element for each page: set to 1 where the page was marked, else left alone.</param>
    /// <returns>Whether any page was marked.</returns>
    public bool TakeDirty(DeviceMemory block, Span<byte> marks)
    {
        ArgumentNullException.ThrowIfNull(block);
        ReadOnlySpan<byte> dirty = block.DirtyPages;
        if (!dirty.ContainsAnyExcept((byte)0))
        {
            return false;
        }

        for (int i = 0; i < dirty.Length; i++)
        {
            marks[i] |= dirty[i];
        }

        foreach (DeviceMapping mapping in _mappings)
        {
            if (ReferenceEquals(mapping.Block, block))
            {
                for (uint at = 0; at < mapping.Length; at += PageSize)
                {
                    uint page = (mapping.Address + at) >> 12;
                    if (dirty[(int)((mapping.Offset + at) >> 12)] != 0 && (_pages[page] & ~KindMask) == (ulong)(block.Data + mapping.Offset + at))
                    {
                        _pageFlags[page] |= IsClean;
                    }
                }

                WritesWatched?.Invoke(mapping.Address, mapping.Length);
            }
        }

        block.ClearDirty();
        return true;
    }

    private static void CheckPart(DeviceMemory block, uint offset, uint length)
    {
        ArgumentNullException.ThrowIfNull(block);
        ArgumentOutOfRangeException.ThrowIfGreaterThan((ulong)offset + length, block.Size);
    }

    private void SetDevicePage(uint page, DeviceMemory block, uint offset, bool writable)
    {
        _pages[page] = (ulong)(block.Data + offset) | (ulong)(writable ? PageKind.Ram : PageKind.Rom);
        if (writable && block.DirtyPages[(int)(offset >> 12)] == 0)
        {
            _pageFlags[page] |= IsClean;
        }
    }

    private void LeaveWindow(uint address, uint length)
    {
        for (uint at = 0; at < length; at += PageSize)
        {
            if ((_pageFlags[(address + at) >> 12] & HoldsCode) != 0)
            {
                CodeWritten?.Invoke(address + at, PageSize);
            }
        }

        ClearClean(address, length);
        _mappings.RemoveAll(m => m.Address == address && m.Length == length);
    }

    private void ClearClean(uint address, uint length)
    {
        for (uint at = 0; at < length; at += PageSize)
        {
            _pageFlags[(address + at) >> 12] &= unchecked((byte)~IsClean);
        }
    }

    /// <summary>A write to a RAM page that must be noticed is about to happen.</summary>
    private void NoticeWrite(uint address, uint length)
    {
        uint page = address >> 12;
        if ((_pageFlags[page] & HoldsCode) != 0)
        {
            CodeWritten?.Invoke(address, length);
        }

        if ((_pageFlags[page] & IsClean) != 0)
        {
            _pageFlags[page] &= unchecked((byte)~IsClean);
            byte* host = (byte*)(_pages[page] & ~KindMask);
            foreach (DeviceMapping mapping in _mappings)
            {
                if (mapping.Block.Contains(host))
                {
                    mapping.Block.MarkDirty((uint)(host - mapping.Block.Data));
                    return;
                }
            }
        }
    }

    private sealed record DeviceMapping(uint Address, uint Length, DeviceMemory Block, uint Offset);
}
