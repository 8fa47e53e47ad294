// Multiboot specification 0.6.96: ELF32 executables and images that state their addresses (flag 16), boot information with memory size and
// map, command line, modules and boot loader name. Left out: ELF symbol tables, the drive list, APM and VBE tables. A wish for a video mode
// (flag 2) is not granted and logged: a kernel sees that the information has no video part.
using System.Buffers.Binary;
using System.Text;
using Emulator.Core.Cpu;
using Emulator.Core.Memory;
using Microsoft.Extensions.Logging;

namespace Emulator.Devices.Loaders;

/// <summary>A multiboot 1 kernel with its modules and command line.</summary>
public sealed unsafe class MultibootLoader : IBootImage
{
    private const int SearchLength = 8192;
    private const uint HeaderMagic = 0x1BADB002;
    private const uint EntryMagic = 0x2BADB002;
    private const string LoaderName = "emu";

    private const uint FlagPageAlign = 0x1;
    private const uint FlagMemory = 0x2;
    private const uint FlagVideo = 0x4;
    private const uint MandatoryFlags = 0xFFFF;
    private const uint FlagAddresses = 0x10000;

    private const uint InfoMemory = 0x1;
    private const uint InfoCommandLine = 0x4;
    private const uint InfoModules = 0x8;
    private const uint InfoMap = 0x40;
    private const uint InfoLoaderName = 0x200;
    private const int InfoSize = 120;
    private const int ModuleEntrySize = 16;
    private const int MapEntrySize = 24;

    // The real-mode vectors and BIOS data stay free, as does a small stack and the descriptor table above them.
    private const uint StackTop = 0x1000;
    private const uint LowAreaStart = 0x1000;
    private const uint Alignment = 16;

    private readonly List<Piece> _pieces;
    private readonly uint _entry;
    private readonly uint _infoAddress;
    private readonly uint _gdtAddress;

    private MultibootLoader(List<Piece> pieces, uint entry, uint gdtAddress, uint infoAddress)
    {
        _pieces = pieces;
        _entry = entry;
        _gdtAddress = gdtAddress;
        _infoAddress = infoAddress;
    }

    /// <inheritdoc/>
    public string Description => "multiboot kernel";

    /// <summary>Offset of the multiboot header in a file, or -1.</summary>
    /// <param name="data">The file.</param>
    public static int FindHeader(ReadOnlySpan<byte> data)
    {
        int end = Math.Min(data.Length, SearchLength) - 12;
        for (int at = 0; at <= end; at += 4)
        {
            if (Read32(data, at) == HeaderMagic && HeaderMagic + Read32(data, at + 4) + Read32(data, at + 8) == 0)
            {
                return at;
            }
        }

        return -1;
    }

    /// <summary>Checks a kernel and finds places for its parts.</summary>
    /// <param name="kernel">The kernel.</param>
    /// <param name="modules">Modules.</param>
    /// <param name="commandLine">Its arguments; the kernel's name is put before them.</param>
    /// <param name="machine">The machine.</param>
    /// <exception cref="LoaderException">It cannot be booted; the message says why.</exception>
    public static MultibootLoader Create(GuestFile kernel, IReadOnlyList<MultibootModule> modules, string commandLine, LoaderMachine machine)
    {
        ArgumentNullException.ThrowIfNull(kernel);
        ArgumentNullException.ThrowIfNull(modules);
        ArgumentNullException.ThrowIfNull(commandLine);
        ArgumentNullException.ThrowIfNull(machine);
        int header = FindHeader(kernel.Data);
        if (header < 0)
        {
            throw new LoaderException($"{kernel.Name}: has no multiboot header in its first 8 KiB");
        }

        uint flags = Read32(kernel.Data, header + 4);
        uint unknown = flags & MandatoryFlags & ~(FlagPageAlign | FlagMemory | FlagVideo);
        if (unknown != 0)
        {
            throw new LoaderException($"{kernel.Name}: demands multiboot features that do not exist here (flags {unknown:X4}h)");
        }

        if ((flags & FlagVideo) != 0 && machine.Logger.IsEnabled(LogLevel.Information))
        {
            machine.Logger.LogInformation("{Kernel}: asks for a video mode; multiboot video modes are not set", kernel.Name);
        }

        List<Piece> pieces = [];
        uint entry = (flags & FlagAddresses) != 0 ? ReadAddresses(kernel, header, pieces) : ReadElf(kernel, pieces);
        ulong end = 0;
        foreach (Piece piece in pieces)
        {
            if (!machine.IsUsable(piece.Address, piece.MemoryLength))
            {
                throw new LoaderException($"{kernel.Name}: loads to {piece.Address:X8}h–{piece.End - 1:X8}h, which is not RAM of this machine ({machine.RamSize >> 20} MiB)");
            }

            end = Math.Max(end, piece.End);
        }

        if (!pieces.Exists(p => entry >= p.Address && entry < p.End))
        {
            throw new LoaderException($"{kernel.Name}: starts at {entry:X8}h, outside of its own image");
        }

        List<(uint Start, uint End)> places = PlaceModules(modules, pieces, end, machine);
        byte[] info = new byte[InfoLength(kernel, modules, commandLine, machine)];
        uint area = FindRoom(kernel, pieces, (uint)info.Length + FlatEntry.GdtSize, machine);
        uint infoAddress = area + FlatEntry.GdtSize;
        FillInfo(info, infoAddress, kernel, modules, places, commandLine, machine);
        pieces.Add(new Piece(infoAddress, info, (ulong)info.Length));
        return new MultibootLoader(pieces, entry, area, infoAddress);
    }

    /// <inheritdoc/>
    public void Install(CpuCore cpu)
    {
        ArgumentNullException.ThrowIfNull(cpu);
        foreach (Piece piece in _pieces)
        {
            cpu.Memory.WriteBlock((uint)piece.Address, piece.Data.Span);
            Clear(cpu.Memory, piece.Address + (ulong)piece.Data.Length, piece.End);
        }

        FlatEntry.Enter(cpu, _gdtAddress, _entry, StackTop);
        CpuState.R32(cpu.State, 0) = EntryMagic;
        CpuState.R32(cpu.State, 3) = _infoAddress;
    }

    private static void Clear(PhysicalMemory memory, ulong start, ulong end)
    {
        ReadOnlySpan<byte> zeros = new byte[PhysicalMemory.PageSize];
        while (start < end)
        {
            int part = (int)Math.Min(end - start, PhysicalMemory.PageSize);
            memory.WriteBlock((uint)start, zeros[..part]);
            start += (uint)part;
        }
    }

    /// <summary>The image whose header states its addresses.</summary>
    private static uint ReadAddresses(GuestFile kernel, int header, List<Piece> pieces)
    {
        ReadOnlySpan<byte> data = kernel.Data;
        if (data.Length - header < 32)
        {
            throw new LoaderException($"{kernel.Name}: is cut short inside its multiboot header");
        }

        uint headerAddress = Read32(data, header + 12);
        uint loadAddress = Read32(data, header + 16);
        uint loadEnd = Read32(data, header + 20);
        uint bssEnd = Read32(data, header + 24);
        uint entry = Read32(data, header + 28);
        long offset = header - ((long)headerAddress - loadAddress);
        if (headerAddress < loadAddress || offset < 0)
        {
            throw new LoaderException($"{kernel.Name}: has a damaged multiboot header (load address {loadAddress:X8}h, header address {headerAddress:X8}h)");
        }

        long length = loadEnd == 0 ? data.Length - offset : (long)loadEnd - loadAddress;
        if (length <= 0)
        {
            throw new LoaderException($"{kernel.Name}: has a damaged multiboot header (load end {loadEnd:X8}h)");
        }

        if (length > data.Length - offset)
        {
            throw new LoaderException($"{kernel.Name}: is cut short: {data.Length} bytes, and its header says {offset + length}");
        }

        ulong memoryLength = bssEnd == 0 ? (ulong)length : (ulong)Math.Max(length, (long)bssEnd - loadAddress);
        pieces.Add(new Piece(loadAddress, kernel.Data.AsMemory((int)offset, (int)length), memoryLength));
        return entry;
    }

    /// <summary>An ELF32 executable for the 386, loaded to its physical addresses.</summary>
    private static uint ReadElf(GuestFile kernel, List<Piece> pieces)
    {
        const int HeaderSize = 52;
        const int ProgramHeaderSize = 32;
        ReadOnlySpan<byte> data = kernel.Data;
        if (data.Length < HeaderSize || Read32(data, 0) != 0x464C457F)
        {
            throw new LoaderException($"{kernel.Name}: is neither an ELF file nor does its multiboot header state addresses");
        }

        if (data[4] != 1 || data[5] != 1 || Read16(data, 18) != 3)
        {
            throw new LoaderException($"{kernel.Name}: is an ELF file, but not for a 32-bit x86 processor");
        }

        if (Read16(data, 16) != 2)
        {
            throw new LoaderException($"{kernel.Name}: is an ELF file, but not an executable");
        }

        uint entry = Read32(data, 24);
        ulong table = Read32(data, 28);
        int entrySize = Read16(data, 42);
        int count = Read16(data, 44);
        if (count == 0 || entrySize < ProgramHeaderSize || table + ((ulong)count * (ulong)entrySize) > (ulong)data.Length)
        {
            throw new LoaderException($"{kernel.Name}: is cut short or has a damaged ELF program header table");
        }

        uint? physicalEntry = null;
        for (int i = 0; i < count; i++)
        {
            int at = (int)table + (i * entrySize);
            if (Read32(data, at) != 1)
            {
                continue;
            }

            ulong offset = Read32(data, at + 4);
            uint virtualAddress = Read32(data, at + 8);
            uint physical = Read32(data, at + 12);
            ulong fileSize = Read32(data, at + 16);
            ulong memorySize = Read32(data, at + 20);
            if (memorySize == 0)
            {
                continue;
            }

            if (offset + fileSize > (ulong)data.Length)
            {
                throw new LoaderException($"{kernel.Name}: is cut short: {data.Length} bytes, and segment {i} ends at {offset + fileSize}");
            }

            if (fileSize > memorySize || physical + memorySize > 0x1_0000_0000)
            {
                throw new LoaderException($"{kernel.Name}: has a damaged ELF segment {i}");
            }

            pieces.Add(new Piece(physical, kernel.Data.AsMemory((int)offset, (int)fileSize), memorySize));
            if (entry >= virtualAddress && entry - virtualAddress < memorySize)
            {
                physicalEntry ??= physical + (entry - virtualAddress);
            }
        }

        if (pieces.Count == 0)
        {
            throw new LoaderException($"{kernel.Name}: is an ELF file with nothing to load");
        }

        // The entry point is a physical address in most kernels that are linked elsewhere than loaded, and a virtual one in the others.
        return pieces.Exists(p => entry >= p.Address && entry < p.End) ? entry : physicalEntry ?? entry;
    }

    private static List<(uint Start, uint End)> PlaceModules(IReadOnlyList<MultibootModule> modules, List<Piece> pieces, ulong end, LoaderMachine machine)
    {
        List<(uint Start, uint End)> places = [];
        ulong at = Math.Max(end, MemoryMapEntry.HighMemoryStart);
        foreach (MultibootModule module in modules)
        {
            at = (at + PhysicalMemory.PageSize - 1) & ~(ulong)(PhysicalMemory.PageSize - 1);
            ulong length = (ulong)module.File.Data.Length;
            if (!machine.IsUsable(at, length))
            {
                ulong room = machine.UsableEnd > at ? machine.UsableEnd - at : 0;
                throw new LoaderException($"{module.File.Name}: does not fit: {length} bytes, and {room} are free behind the kernel in {machine.RamSize >> 20} MiB");
            }

            pieces.Add(new Piece(at, module.File.Data, length));
            places.Add(((uint)at, (uint)(at + length)));
            at += length;
        }

        return places;
    }

    /// <summary>Room for the boot information: in low memory, which kernels leave alone, or else behind everything.</summary>
    private static uint FindRoom(GuestFile kernel, List<Piece> pieces, uint length, LoaderMachine machine)
    {
        ulong at = LowAreaStart;
        while (true)
        {
            ulong conflict = 0;
            foreach (Piece piece in pieces)
            {
                if (piece.Address < at + length && at < piece.End)
                {
                    conflict = Math.Max(conflict, piece.End);
                }
            }

            if (conflict == 0 && machine.IsUsable(at, length))
            {
                return (uint)at;
            }

            if (conflict == 0 && at >= MemoryMapEntry.HighMemoryStart)
            {
                throw new LoaderException($"{kernel.Name}: leaves no room for the boot information in {machine.RamSize >> 20} MiB");
            }

            at = conflict == 0 ? MemoryMapEntry.HighMemoryStart : (conflict + Alignment - 1) & ~(ulong)(Alignment - 1);
        }
    }

    private static string KernelLine(GuestFile kernel, string commandLine) => commandLine.Length == 0 ? kernel.Name : kernel.Name + " " + commandLine;

    private static int InfoLength(GuestFile kernel, IReadOnlyList<MultibootModule> modules, string commandLine, LoaderMachine machine)
    {
        int length = InfoSize + (modules.Count * ModuleEntrySize) + (machine.MemoryMap.Count * MapEntrySize);
        length += Encoding.UTF8.GetByteCount(LoaderName) + 1 + Encoding.UTF8.GetByteCount(KernelLine(kernel, commandLine)) + 1;
        foreach (MultibootModule module in modules)
        {
            length += Encoding.UTF8.GetByteCount(module.CommandLine) + 1;
        }

        return length;
    }

    private static void FillInfo(byte[] info, uint address, GuestFile kernel, IReadOnlyList<MultibootModule> modules, List<(uint Start, uint End)> places, string commandLine, LoaderMachine machine)
    {
        int moduleTable = InfoSize;
        int map = moduleTable + (modules.Count * ModuleEntrySize);
        int strings = map + (machine.MemoryMap.Count * MapEntrySize);

        uint flags = InfoMemory | InfoCommandLine | InfoMap | InfoLoaderName;
        Write32(info, 4, (uint)(Math.Min(machine.RamSize, MemoryMapEntry.LowMemoryEnd) >> 10));
        Write32(info, 8, machine.UsableEnd > MemoryMapEntry.HighMemoryStart ? (machine.UsableEnd - MemoryMapEntry.HighMemoryStart) >> 10 : 0);
        Write32(info, 16, address + (uint)AddString(info, ref strings, KernelLine(kernel, commandLine)));
        if (modules.Count != 0)
        {
            flags |= InfoModules;
            Write32(info, 20, (uint)modules.Count);
            Write32(info, 24, address + (uint)moduleTable);
        }

        for (int i = 0; i < modules.Count; i++)
        {
            int at = moduleTable + (i * ModuleEntrySize);
            Write32(info, at, places[i].Start);
            Write32(info, at + 4, places[i].End);
            Write32(info, at + 8, address + (uint)AddString(info, ref strings, modules[i].CommandLine));
        }

        Write32(info, 44, (uint)(machine.MemoryMap.Count * MapEntrySize));
        Write32(info, 48, address + (uint)map);
        for (int i = 0; i < machine.MemoryMap.Count; i++)
        {
            MemoryMapEntry entry = machine.MemoryMap[i];
            Span<byte> at = info.AsSpan(map + (i * MapEntrySize), MapEntrySize);
            BinaryPrimitives.WriteUInt32LittleEndian(at, MapEntrySize - 4);
            BinaryPrimitives.WriteUInt64LittleEndian(at[4..], entry.Start);
            BinaryPrimitives.WriteUInt64LittleEndian(at[12..], entry.Length);
            BinaryPrimitives.WriteUInt32LittleEndian(at[20..], (uint)entry.Type);
        }

        Write32(info, 64, address + (uint)AddString(info, ref strings, LoaderName));
        Write32(info, 0, flags);
    }

    private static int AddString(byte[] info, ref int at, string text)
    {
        int start = at;
        at += Encoding.UTF8.GetBytes(text, info.AsSpan(at)) + 1;
        return start;
    }

    private static ushort Read16(ReadOnlySpan<byte> data, int at) => BinaryPrimitives.ReadUInt16LittleEndian(data[at..]);

    private static uint Read32(ReadOnlySpan<byte> data, int at) => BinaryPrimitives.ReadUInt32LittleEndian(data[at..]);

    private static void Write32(byte[] data, int at, uint value) => BinaryPrimitives.WriteUInt32LittleEndian(data.AsSpan(at), value);

    /// <summary>Bytes for a physical address, followed by zeros up to a length.</summary>
    private readonly record struct Piece(ulong Address, ReadOnlyMemory<byte> Data, ulong MemoryLength)
    {
        public ulong End => Address + MemoryLength;
    }
}
