using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging;

namespace Emulator.Core.Memory;

/// <summary>
/// The 4 GiB physical address space: each 4 KiB page is RAM, ROM, a device range or nothing. RAM is one native block that the host hands
/// out zeroed on first touch. Nothing reads as all ones and ignores writes. Addresses carry the A20 mask before they come here.
/// </summary>
public sealed unsafe partial class PhysicalMemory
{
    /// <summary>Bytes in a page.</summary>
    public const uint PageSize = 4096;

    /// <summary>Marks a physical page beyond the 4 GiB that exist (a PAE address).</summary>
    public const uint NoPage = 0xFFFFFFFF;

    /// <summary>Largest RAM size in bytes: what fits below the PCI hole.</summary>
    public const uint MaximumRam = 0xC0000000;

    private const int PageCount = 1 << 20;
    private const ulong KindMask = 7;

    private readonly ulong* _pages;
    private readonly byte* _pageFlags;
    private readonly List<DeviceRange> _devices = [];
    private readonly List<nint> _roms = [];
    private readonly Dictionary<uint, ulong> _romPages = [];
    private readonly HashSet<uint> _reported = [];
    private readonly ILogger _logger;

    /// <summary>Creates a space with RAM that is not mapped anywhere yet.</summary>
    /// <param name="ramSize">Bytes of RAM, a multiple of 4096, up to <see cref="MaximumRam"/>.</param>
    /// <param name="logger">Receives one line for each unmapped page that the guest touches.</param>
    /// <exception cref="ArgumentOutOfRangeException">The size is not valid.</exception>
    /// <exception cref="OutOfMemoryException">The host has not that much memory.</exception>
    public PhysicalMemory(uint ramSize, ILogger logger)
    {
        if (ramSize == 0 || ramSize % PageSize != 0 || ramSize > MaximumRam)
        {
            throw new ArgumentOutOfRangeException(nameof(ramSize), ramSize, "RAM must be a multiple of 4 KiB and at most 3 GiB");
        }

        _logger = logger;
        RamSize = ramSize;

        // calloc hands out untouched zero pages; more of them, so that the block can start on the boundary of a large page.
        nuint raw = (nuint)NativeMemory.AllocZeroed(ramSize + HugePages.Size + PageSize);
        RamAllocation = (void*)raw;
        Ram = (byte*)((raw + HugePages.Size - 1) & ~(HugePages.Size - 1));
        HugePages.Advise(Ram, ramSize);
        _pages = (ulong*)NativeMemory.AllocZeroed(PageCount, sizeof(ulong));
        _pageFlags = (byte*)NativeMemory.AllocZeroed(PageCount);

        // A program that builds many machines must not pile up RAM of dead ones.
        GC.AddMemoryPressure(ramSize);
    }

    /// <summary>Frees the native blocks.</summary>
    ~PhysicalMemory()
    {
        NativeMemory.Free(RamAllocation);
        GC.RemoveMemoryPressure(RamSize);
        NativeMemory.Free(_pages);
        NativeMemory.Free(_pageFlags);
        foreach (nint rom in _roms)
        {
            NativeMemory.AlignedFree((void*)rom);
        }
    }

    private enum PageKind : ulong
    {
        None = 0,
        Ram = 1,
        Rom = 2,
        Device = 3,
    }

    /// <summary>First byte of RAM.</summary>
    public byte* Ram { get; }

    /// <summary>Bytes of RAM.</summary>
    public uint RamSize { get; }

    /// <summary>Called before bytes of a page with decoded code change: (physical address, length). Set by the block cache.</summary>
    public Action<uint, uint>? CodeWritten { get; set; }

    /// <summary>Called when a mapping changes, so that TLBs and decoded code are dropped.</summary>
    public Action? MappingChanged { get; set; }

    private void* RamAllocation { get; }

    /// <summary>Maps RAM.</summary>
    /// <param name="address">Physical page address.</param>
    /// <param name="ramOffset">Offset in RAM, page aligned.</param>
    /// <param name="length">Bytes, a multiple of the page size.</param>
    public void MapRam(uint address, uint ramOffset, uint length)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((ulong)ramOffset + length, RamSize);
        for (uint at = 0; at < length; at += PageSize)
        {
            _pages[(address + at) >> 12] = (ulong)(Ram + ramOffset + at) | (ulong)PageKind.Ram;
        }

        MappingChanged?.Invoke();
    }

    /// <summary>Creates and maps read-only memory.</summary>
    /// <param name="address">Physical page address.</param>
    /// <param name="image">Contents; the last page is filled with FFh.</param>
    public void MapRom(uint address, ReadOnlySpan<byte> image)
    {
        uint length = ((uint)image.Length + PageSize - 1) & ~(PageSize - 1);
        byte* rom = (byte*)NativeMemory.AlignedAlloc(length, PageSize);
        _roms.Add((nint)rom);
        new Span<byte>(rom, (int)length).Fill(0xFF);
        image.CopyTo(new Span<byte>(rom, (int)length));
        for (uint at = 0; at < length; at += PageSize)
        {
            _pages[(address + at) >> 12] = _romPages[(address + at) >> 12] = (ulong)(rom + at) | (ulong)PageKind.Rom;
        }

        MappingChanged?.Invoke();
    }

    /// <summary>Whether <see cref="MapRom"/> has ever mapped a page.</summary>
    /// <param name="address">Physical address.</param>
    public bool HasRom(uint address) => _romPages.ContainsKey(address >> 12);

    /// <summary>Host address of the ROM that <see cref="MapRom"/> mapped at a page, visible now or not; null without one.</summary>
    /// <param name="address">Physical address.</param>
    public byte* RomPage(uint address) => _romPages.TryGetValue(address >> 12, out ulong page) ? (byte*)(page & ~KindMask) : null;

    /// <summary>Maps a page that <see cref="MapRom"/> mapped before, after something else was mapped there; nothing without ROM.</summary>
    /// <param name="address">Physical page address.</param>
    public void RestoreRom(uint address)
    {
        if (_romPages.TryGetValue(address >> 12, out ulong page) && _pages[address >> 12] != page)
        {
            _pages[address >> 12] = page;
            MappingChanged?.Invoke();
        }
    }

    /// <summary>Maps RAM that ignores writes, as write-protected shadow RAM does.</summary>
    /// <param name="address">Physical page address.</param>
    /// <param name="ramOffset">Offset in RAM, page aligned.</param>
    /// <param name="length">Bytes, a multiple of the page size.</param>
    public void MapRamReadOnly(uint address, uint ramOffset, uint length)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((ulong)ramOffset + length, RamSize);
        for (uint at = 0; at < length; at += PageSize)
        {
            _pages[(address + at) >> 12] = (ulong)(Ram + ramOffset + at) | (ulong)PageKind.Rom;
        }

        MappingChanged?.Invoke();
    }

    /// <summary>Maps pages to a device.</summary>
    /// <param name="address">Physical page address.</param>
    /// <param name="length">Bytes, a multiple of the page size.</param>
    /// <param name="target">The device, passed to the functions.</param>
    /// <param name="read">(device, physical address, size 1, 2, 4 or 8) to value; accesses are naturally aligned or split.</param>
    /// <param name="write">(device, physical address, size, value).</param>
    /// <param name="peek">As <paramref name="read"/> but without side effects; null when there is nothing to show.</param>
    public void MapDevice(uint address, uint length, object target, delegate*<object, uint, int, ulong> read, delegate*<object, uint, int, ulong, void> write, delegate*<object, uint, int, ulong> peek)
    {
        ulong entry = DeviceEntry(target, read, write, peek);
        for (uint at = 0; at < length; at += PageSize)
        {
            _pages[(address + at) >> 12] = entry;
        }

        MappingChanged?.Invoke();
    }

    /// <summary>Unmaps pages.</summary>
    /// <param name="address">Physical page address.</param>
    /// <param name="length">Bytes, a multiple of the page size.</param>
    public void Unmap(uint address, uint length)
    {
        for (uint at = 0; at < length; at += PageSize)
        {
            _pages[(address + at) >> 12] = 0;
        }

        MappingChanged?.Invoke();
    }

    /// <summary>Host address of a page of RAM or ROM, or null.</summary>
    /// <param name="address">Physical address, any offset in the page.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public byte* HostPage(uint address)
    {
        ulong page = _pages[address >> 12];
        PageKind kind = (PageKind)(page & KindMask);
        return kind is PageKind.Ram or PageKind.Rom ? (byte*)(page & ~KindMask) : null;
    }

    /// <summary>Whether a page is RAM.</summary>
    /// <param name="address">Physical address.</param>
    public bool IsRam(uint address) => (PageKind)(_pages[address >> 12] & KindMask) == PageKind.Ram;

    /// <summary>Whether a page is a device range or nothing, so that accesses have effects beyond memory.</summary>
    /// <param name="address">Physical address.</param>
    public bool IsDevice(uint address) => (PageKind)(_pages[address >> 12] & KindMask) == PageKind.Device;

    /// <summary>Whether decoded code was taken from a page.</summary>
    /// <param name="address">Physical address.</param>
    public bool HasCode(uint address) => (_pageFlags[address >> 12] & HoldsCode) != 0;

    /// <summary>Marks whether decoded code was taken from a page.</summary>
    /// <param name="address">Physical address.</param>
    /// <param name="value">Whether it holds code.</param>
    internal void SetHasCode(uint address, bool value)
    {
        ref byte flags = ref _pageFlags[address >> 12];
        flags = (byte)(value ? flags | HoldsCode : flags & ~HoldsCode);
    }

    /// <summary>Reads a value of 1, 2, 4 or 8 bytes (or 16 from memory) that does not cross a page.</summary>
    /// <typeparam name="T">An unmanaged type.</typeparam>
    /// <param name="address">Physical address.</param>
    public T Read<T>(uint address)
        where T : unmanaged
    {
        byte* host = HostPage(address);
        if (host != null)
        {
            return Unsafe.ReadUnaligned<T>(host + (address & (PageSize - 1)));
        }

        T value;
        ReadDevice(address, (byte*)&value, sizeof(T));
        return value;
    }

    /// <summary>Writes a value that does not cross a page; decoded code in the way is dropped.</summary>
    /// <typeparam name="T">An unmanaged type.</typeparam>
    /// <param name="address">Physical address.</param>
    /// <param name="value">Value.</param>
    public void Write<T>(uint address, T value)
        where T : unmanaged
    {
        ulong page = _pages[address >> 12];
        switch ((PageKind)(page & KindMask))
        {
            case PageKind.Ram:
                if (_pageFlags[address >> 12] != 0)
                {
                    NoticeWrite(address, (uint)sizeof(T));
                }

                Unsafe.WriteUnaligned((byte*)(page & ~KindMask) + (address & (PageSize - 1)), value);
                break;
            case PageKind.Device:
                WriteDevice(address, (byte*)&value, sizeof(T));
                break;
            case PageKind.None:
                Report(address);
                break;
            default:
                break;
        }
    }

    /// <summary>Copies a range out, as DMA does; ranges may cross pages and wrap at 4 GiB.</summary>
    /// <param name="address">Physical address.</param>
    /// <param name="destination">Receives the bytes.</param>
    public void ReadBlock(uint address, Span<byte> destination)
    {
        while (!destination.IsEmpty)
        {
            int part = (int)Math.Min((uint)destination.Length, PageSize - (address & (PageSize - 1)));
            byte* host = HostPage(address);
            if (host != null)
            {
                new ReadOnlySpan<byte>(host + (address & (PageSize - 1)), part).CopyTo(destination);
            }
            else
            {
                for (int i = 0; i < part; i++)
                {
                    destination[i] = Read<byte>(address + (uint)i);
                }
            }

            address += (uint)part;
            destination = destination[part..];
        }
    }

    /// <summary>Copies a range in, as DMA does; ranges may cross pages and wrap at 4 GiB. ROM is left alone.</summary>
    /// <param name="address">Physical address.</param>
    /// <param name="source">The bytes.</param>
    public void WriteBlock(uint address, ReadOnlySpan<byte> source)
    {
        while (!source.IsEmpty)
        {
            int part = (int)Math.Min((uint)source.Length, PageSize - (address & (PageSize - 1)));
            if (IsRam(address))
            {
                if (_pageFlags[address >> 12] != 0)
                {
                    NoticeWrite(address, (uint)part);
                }

                source[..part].CopyTo(new Span<byte>(HostPage(address) + (address & (PageSize - 1)), part));
            }
            else
            {
                for (int i = 0; i < part; i++)
                {
                    Write(address + (uint)i, source[i]);
                }
            }

            address += (uint)part;
            source = source[part..];
        }
    }

    /// <summary>Reads a byte without side effects; FFh where nothing can be shown.</summary>
    /// <param name="address">Physical address.</param>
    public byte Peek(uint address)
    {
        byte* host = HostPage(address);
        if (host != null)
        {
            return host[address & (PageSize - 1)];
        }

        ulong page = _pages[address >> 12];
        if ((PageKind)(page & KindMask) == PageKind.Device)
        {
            DeviceRange range = _devices[(int)(page >> 3)];
            return range.Peek == null ? (byte)0xFF : (byte)range.Peek(range.Target, address, 1);
        }

        return 0xFF;
    }

    /// <summary>The page table entry of a device; one that maps itself again (a PCI BAR that moves) keeps its entry.</summary>
    private ulong DeviceEntry(object target, delegate*<object, uint, int, ulong> read, delegate*<object, uint, int, ulong, void> write, delegate*<object, uint, int, ulong> peek)
    {
        int index = _devices.FindIndex(d => ReferenceEquals(d.Target, target) && (void*)d.Read == read && (void*)d.Write == write && (void*)d.Peek == peek);
        if (index < 0)
        {
            index = _devices.Count;
            _devices.Add(new DeviceRange { Target = target, Read = read, Write = write, Peek = peek });
        }

        return ((ulong)index << 3) | (ulong)PageKind.Device;
    }

    private void ReadDevice(uint address, byte* value, int size)
    {
        ulong page = _pages[address >> 12];
        if ((PageKind)(page & KindMask) != PageKind.Device)
        {
            Report(address);
            new Span<byte>(value, size).Fill(0xFF);
            return;
        }

        DeviceRange range = _devices[(int)(page >> 3)];
        for (int at = 0; at < size;)
        {
            int part = Part(address + (uint)at, size - at);
            ulong piece = range.Read(range.Target, address + (uint)at, part);
            Unsafe.CopyBlockUnaligned(value + at, &piece, (uint)part);
            at += part;
        }
    }

    private void WriteDevice(uint address, byte* value, int size)
    {
        DeviceRange range = _devices[(int)(_pages[address >> 12] >> 3)];
        for (int at = 0; at < size;)
        {
            int part = Part(address + (uint)at, size - at);
            ulong piece = 0;
            Unsafe.CopyBlockUnaligned(&piece, value + at, (uint)part);
            range.Write(range.Target, address + (uint)at, part, piece);
            at += part;
        }
    }

    private static int Part(uint address, int left)
    {
        int part = 8;
        while (part > left || (address & (uint)(part - 1)) != 0)
        {
            part /= 2;
        }

        return part;
    }

    private void Report(uint address)
    {
        if (_logger.IsEnabled(LogLevel.Debug) && _reported.Count < 1000 && _reported.Add(address >> 12))
        {
            _logger.LogDebug("physical page {Page:X8}h is not mapped", address & ~(PageSize - 1));
        }
    }

    private struct DeviceRange
    {
        public object Target;
        public delegate*<object, uint, int, ulong> Read;
        public delegate*<object, uint, int, ulong, void> Write;
        public delegate*<object, uint, int, ulong> Peek;
    }
}
