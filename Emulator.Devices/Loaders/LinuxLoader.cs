// Linux/x86 boot protocol 2.02 and later (Documentation/arch/x86/boot.rst). Without firmware the kernel starts by its 32-bit entry point: its own real-mode
// setup code is not run, and what that would have found out stands in the boot parameters. Firmware starts the setup code, by the option ROM LinuxRom.
// Left out: zImage and older protocols, setup_data lists, EFI.
using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using Emulator.Core.Cpu;
using Emulator.Core.Memory;
using Emulator.Devices.Firmware;

namespace Emulator.Devices.Loaders;

/// <summary>A Linux bzImage with its initial RAM disk and command line.</summary>
public sealed unsafe class LinuxLoader : IBootImage
{
    private const int BootFlagOffset = 0x1FE;
    private const int MagicOffset = 0x202;
    private const int HeaderStart = 0x1F1;
    private const int HeaderEndMaximum = 0x290;
    private const int SectorSize = 512;
    private const uint HeaderMagic = 0x53726448;
    private const ushort BootFlag = 0xAA55;

    private const byte LoadedHigh = 0x01;
    private const byte CanUseHeap = 0x80;
    private const ushort Kernel64 = 0x01;
    private const byte UnknownLoader = 0xFF;

    private const uint KernelAddress = MemoryMapEntry.HighMemoryStart;
    private const uint StackTop = 0xF000;
    private const uint ParametersAddress = 0x10000;
    private const uint GdtAddress = 0x11000;
    private const uint CommandLineAddress = 0x20000;
    private const uint CommandLineRoom = 0x40000;
    private const int OldCommandLineMaximum = 255;
    private const uint OldInitrdMaximum = 0x37FFFFFF;
    private const int MapOffset = 0x2D0;
    private const int MapEntrySize = 20;
    private const int MapMaximum = 128;

    private readonly GuestFile _kernel;
    private readonly GuestFile? _initrd;
    private readonly byte[] _commandLine;
    private readonly byte[] _parameters;
    private readonly int _setupSize;
    private readonly uint _entry;
    private readonly uint _initrdAddress;

    private LinuxLoader(GuestFile kernel, GuestFile? initrd, byte[] commandLine, in Header header, uint initrdAddress, LoaderMachine machine)
    {
        _kernel = kernel;
        _initrd = initrd;
        _commandLine = commandLine;
        _setupSize = header.SetupSize;
        _entry = header.Entry;
        _initrdAddress = initrdAddress;
        _parameters = BuildParameters(header, machine);
        Description = KernelVersion(kernel.Data, header.SetupSize);
    }

    /// <inheritdoc/>
    public string Description { get; }

    /// <summary>Whether a file claims to be a Linux kernel.</summary>
    /// <param name="data">The file.</param>
    public static bool IsLinux(ReadOnlySpan<byte> data) => data.Length >= MagicOffset + 4
        && BinaryPrimitives.ReadUInt16LittleEndian(data[BootFlagOffset..]) == BootFlag
        && BinaryPrimitives.ReadUInt32LittleEndian(data[MagicOffset..]) == HeaderMagic;

    /// <summary>Checks a kernel and finds places for its parts.</summary>
    /// <param name="kernel">The bzImage.</param>
    /// <param name="initrd">Initial RAM disk, or null.</param>
    /// <param name="commandLine">Kernel command line.</param>
    /// <param name="machine">The machine.</param>
    /// <exception cref="LoaderException">It cannot be booted; the message says why.</exception>
    public static LinuxLoader Create(GuestFile kernel, GuestFile? initrd, string commandLine, LoaderMachine machine)
    {
        ArgumentNullException.ThrowIfNull(kernel);
        ArgumentNullException.ThrowIfNull(commandLine);
        ArgumentNullException.ThrowIfNull(machine);
        Header header = Header.Parse(kernel);
        if (header.Is64Bit && !machine.HasLongMode)
        {
            throw new LoaderException($"{kernel.Name}: is a 64-bit Linux kernel, and this CPU is a 32-bit one");
        }

        ulong kernelEnd = Math.Max((ulong)KernelAddress + header.Length, header.RunEnd);
        if (kernelEnd > machine.UsableEnd)
        {
            throw new LoaderException($"{kernel.Name}: needs RAM up to {Mebibytes(kernelEnd)} MiB, and the machine has {machine.RamSize >> 20} MiB");
        }

        byte[] line = Encoding.UTF8.GetBytes(commandLine + '\0');
        if (line.Length - 1 > header.CommandLineMaximum)
        {
            throw new LoaderException($"{kernel.Name}: takes a command line of at most {header.CommandLineMaximum} bytes; -append has {line.Length - 1}");
        }

        uint initrdAddress = 0;
        if (initrd is not null)
        {
            // As high as both the kernel and the RAM allow, so that it is out of the way while the kernel unpacks itself.
            ulong end = Math.Min(machine.UsableEnd, (ulong)header.InitrdMaximum + 1);
            ulong room = end > kernelEnd ? end - kernelEnd : 0;
            ulong start = (end - Math.Min(end, (ulong)initrd.Data.Length)) & ~(ulong)(PhysicalMemory.PageSize - 1);
            if ((ulong)initrd.Data.Length > room || start < kernelEnd)
            {
                throw new LoaderException($"{initrd.Name}: does not fit: {initrd.Data.Length} bytes, and {room} are free behind the kernel in {machine.RamSize >> 20} MiB");
            }

            initrdAddress = (uint)start;
        }

        return new LinuxLoader(kernel, initrd, line, header, initrdAddress, machine);
    }

    /// <inheritdoc/>
    public void Install(CpuCore cpu)
    {
        ArgumentNullException.ThrowIfNull(cpu);
        PhysicalMemory memory = cpu.Memory;
        memory.WriteBlock(KernelAddress, _kernel.Data.AsSpan(_setupSize));
        memory.WriteBlock(ParametersAddress, _parameters);
        memory.WriteBlock(CommandLineAddress, _commandLine);
        if (_initrd is not null)
        {
            memory.WriteBlock(_initrdAddress, _initrd.Data);
        }

        FlatEntry.Enter(cpu, GdtAddress, _entry, StackTop);
        CpuState* s = cpu.State;
        CpuState.R32(s, 6) = ParametersAddress;
        CpuState.R32(s, 5) = 0;
        CpuState.R32(s, 7) = 0;
        CpuState.R32(s, 3) = 0;
    }

    /// <summary>Gives firmware the parts of the kernel, by the numbers of fw_cfg's items.</summary>
    /// <param name="config">Where firmware finds them.</param>
    internal void Describe(FirmwareConfig config)
    {
        byte[] setup = _kernel.Data[.._setupSize];
        setup[0x210] = UnknownLoader;
        setup[0x211] |= CanUseHeap;
        Write16(setup, 0x1FA, VideoMode());
        Write32(setup, 0x218, _initrdAddress);
        Write32(setup, 0x21C, (uint)(_initrd?.Data.Length ?? 0));
        Write16(setup, 0x224, 0xDE00);
        Write32(setup, 0x228, CommandLineAddress);
        AddItem(config, 0x07, 0x08, 0x11, KernelAddress, _kernel.Data[_setupSize..]);
        AddItem(config, 0x0A, 0x0B, 0x12, _initrdAddress, _initrd?.Data ?? []);
        AddItem(config, 0x13, 0x14, 0x15, CommandLineAddress, _commandLine);
        AddItem(config, 0x16, 0x17, 0x18, ParametersAddress, setup);
    }

    /// <summary>Items that hold address, size and contents.</summary>
    private static void AddItem(FirmwareConfig config, ushort addressKey, ushort sizeKey, ushort contentsKey, uint address, byte[] contents)
    {
        byte[] word = new byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(word, address);
        config.AddItem(addressKey, word);
        byte[] size = new byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(size, contents.Length);
        config.AddItem(sizeKey, size);
        config.AddItem(contentsKey, contents);
    }

    /// <summary>The video mode that the command line's "vga=" names, which is the loader's to tell the setup code; else the present one.</summary>
    private ushort VideoMode()
    {
        const string Option = "vga=";
        const ushort Normal = 0xFFFF;
        foreach (string word in Encoding.UTF8.GetString(_commandLine).TrimEnd('\0').Split(' '))
        {
            if (word.StartsWith(Option, StringComparison.Ordinal))
            {
                string value = word[Option.Length..];
                bool hexadecimal = value.StartsWith("0x", StringComparison.OrdinalIgnoreCase);
                return value switch
                {
                    "ask" => 0xFFFD,
                    "ext" => 0xFFFE,
                    _ => ushort.TryParse(hexadecimal ? value[2..] : value, hexadecimal ? NumberStyles.AllowHexSpecifier : NumberStyles.None, CultureInfo.InvariantCulture, out ushort mode) ? mode : Normal,
                };
            }
        }

        return Normal;
    }

    private static ulong Mebibytes(ulong bytes) => (bytes + 0xFFFFF) >> 20;

    /// <summary>The version string that the setup code holds (protocol 2.00 on, offset 20Eh), for messages only.</summary>
    private static string KernelVersion(ReadOnlySpan<byte> data, int setupSize)
    {
        int at = BinaryPrimitives.ReadUInt16LittleEndian(data[0x20E..]) + 0x200;
        if (at == 0x200 || at >= setupSize)
        {
            return "Linux";
        }

        ReadOnlySpan<byte> text = data[at..Math.Min(setupSize, at + 64)];
        int end = text.IndexOfAnyExceptInRange((byte)'!', (byte)'~');
        return end <= 0 ? "Linux" : "Linux " + Encoding.ASCII.GetString(text[..end]);
    }

    /// <summary>The boot parameters ("zero page"): the setup header of the file, and what the setup code would have asked the BIOS.</summary>
    private byte[] BuildParameters(in Header header, LoaderMachine machine)
    {
        byte[] page = new byte[PhysicalMemory.PageSize];
        _kernel.Data.AsSpan(HeaderStart..header.HeaderEnd).CopyTo(page.AsSpan(HeaderStart));

        uint extendedKiB = machine.UsableEnd > KernelAddress ? (machine.UsableEnd - KernelAddress) >> 10 : 0;
        if (machine.HasTextScreen)
        {
            page[0x06] = 3;
            page[0x07] = 80;
            page[0x0E] = 25;
            page[0x0F] = 1;
            Write16(page, 0x10, 16);
        }

        Write16(page, 0x02, (ushort)Math.Min(extendedKiB, 0xFC00));
        if (header.Version >= 0x020E)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(page.AsSpan(0x70), machine.AcpiRoot);
        }

        Write32(page, 0x1E0, extendedKiB);
        int entries = Math.Min(machine.MemoryMap.Count, MapMaximum);
        page[0x1E8] = (byte)entries;
        for (int i = 0; i < entries; i++)
        {
            Span<byte> entry = page.AsSpan(MapOffset + (i * MapEntrySize), MapEntrySize);
            BinaryPrimitives.WriteUInt64LittleEndian(entry, machine.MemoryMap[i].Start);
            BinaryPrimitives.WriteUInt64LittleEndian(entry[8..], machine.MemoryMap[i].Length);
            BinaryPrimitives.WriteUInt32LittleEndian(entry[16..], (uint)machine.MemoryMap[i].Type);
        }

        page[0x210] = UnknownLoader;
        page[0x211] |= CanUseHeap;
        Write32(page, 0x214, header.Entry);
        Write32(page, 0x218, _initrdAddress);
        Write32(page, 0x21C, (uint)(_initrd?.Data.Length ?? 0));
        Write16(page, 0x224, 0xDE00);
        Write32(page, 0x228, CommandLineAddress);
        return page;
    }

    private static void Write16(byte[] page, int at, ushort value) => BinaryPrimitives.WriteUInt16LittleEndian(page.AsSpan(at), value);

    private static void Write32(byte[] page, int at, uint value) => BinaryPrimitives.WriteUInt32LittleEndian(page.AsSpan(at), value);

    /// <summary>What the setup header says, checked.</summary>
    private readonly record struct Header(ushort Version, int HeaderEnd, int SetupSize, uint Length, uint Entry, uint CommandLineMaximum, uint InitrdMaximum, ulong RunEnd, bool Is64Bit)
    {
        public static Header Parse(GuestFile kernel)
        {
            ReadOnlySpan<byte> data = kernel.Data;
            if (!IsLinux(data))
            {
                throw new LoaderException($"{kernel.Name}: is no Linux bzImage");
            }

            int sectors = data[HeaderStart] == 0 ? 4 : data[HeaderStart];
            int setupSize = (sectors + 1) * SectorSize;
            if (data.Length <= setupSize)
            {
                throw new LoaderException($"{kernel.Name}: is cut short: {data.Length} bytes, and the setup code alone is {setupSize}");
            }

            ushort version = Read16(data, 0x206);
            if (version < 0x0202)
            {
                throw new LoaderException($"{kernel.Name}: has boot protocol {version >> 8}.{version & 0xFF:D2}; 2.02 or later is needed");
            }

            if ((data[0x211] & LoadedHigh) == 0)
            {
                throw new LoaderException($"{kernel.Name}: is a zImage, which loads low; only bzImages are supported");
            }

            int headerEnd = MagicOffset + data[0x201];
            if (headerEnd < 0x22C || headerEnd > HeaderEndMaximum || headerEnd > setupSize)
            {
                throw new LoaderException($"{kernel.Name}: has a damaged setup header (it ends at {headerEnd:X}h)");
            }

            uint length = (uint)(data.Length - setupSize);
            ulong stated = (version >= 0x0204 ? Read32(data, 0x1F4) : Read16(data, 0x1F4)) * 16UL;
            if (stated > length + 15UL)
            {
                throw new LoaderException($"{kernel.Name}: is cut short: {length} bytes behind the setup code, and its header says {stated}");
            }

            bool relocatable = version >= 0x0205 && data[0x234] != 0;
            uint entry = relocatable ? KernelAddress : Read32(data, 0x214);
            if (entry < KernelAddress || entry - KernelAddress >= length)
            {
                throw new LoaderException($"{kernel.Name}: starts at {entry:X8}h, outside of its own image");
            }

            uint lineMaximum = version >= 0x0206 ? Math.Min(Read32(data, 0x238), CommandLineRoom - 1) : OldCommandLineMaximum;
            uint initrdMaximum = version >= 0x0203 ? Read32(data, 0x22C) : OldInitrdMaximum;
            ulong runEnd = 0;
            if (version >= 0x020A)
            {
                // The kernel unpacks itself to its preferred address, or in place when it is loaded above that.
                ulong preferred = BinaryPrimitives.ReadUInt64LittleEndian(data[0x258..]);
                runEnd = Math.Min(Math.Max(preferred, KernelAddress), uint.MaxValue) + Read32(data, 0x260);
            }

            bool is64Bit = version >= 0x020C && (Read16(data, 0x236) & Kernel64) != 0;
            return new Header(version, headerEnd, setupSize, length, entry, lineMaximum, initrdMaximum, runEnd, is64Bit);
        }

        private static ushort Read16(ReadOnlySpan<byte> data, int at) => BinaryPrimitives.ReadUInt16LittleEndian(data[at..]);

        private static uint Read32(ReadOnlySpan<byte> data, int at) => BinaryPrimitives.ReadUInt32LittleEndian(data[at..]);
    }
}
