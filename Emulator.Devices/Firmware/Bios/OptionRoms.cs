using System.Buffers.Binary;
using System.Text;
using Emulator.Core.Memory;
using Emulator.Devices.Loaders;
using Emulator.Devices.Pci;

namespace Emulator.Devices.Firmware.Bios;

/// <summary>
/// Option ROMs from C8000h to DFFFFh: the one of -kernel, the files of -option-rom and those of PCI functions are copied there, all are initialized by the ROM's
/// far calls. Then what their Plug and Play headers name (Plug and Play BIOS specification 1.0a, section 3; BIOS boot specification 1.01): boot connection vectors
/// are called in the order of the ROMs, and add disks behind those of the board; boot entry vectors are devices of the boot order.
/// </summary>
internal sealed class OptionRoms
{
    private const uint First = 0xC8000;
    private const uint End = 0xE0000;
    private const uint Step = 0x800;
    private const uint ShadowUnit = 0x4000;
    private const uint TemporaryAddress = 0xFEA0_0000;
    private const int RomRegister = 0x30;
    private const int CommandRegister = 0x04;
    private const int RomBar = 6;
    private const byte DisplayClass = 0x03;
    private const ushort Signature = 0xAA55;
    private const ushort InitializationVector = 3;
    private const ushort KernelPlace = 0xFFFF;
    private const uint Product = 0x10;
    private const int LongestName = 40;

    private readonly PcMachine _machine;

    public OptionRoms(PcMachine machine) => _machine = machine;

    /// <summary>Copies the ROMs of files and of PCI functions, displays excepted.</summary>
    public void Post(ref BiosCall call)
    {
        uint next = First;
        while (next < End && SizeAt(next) is var size and not 0)
        {
            next += (size + Step - 1) & ~(Step - 1);
        }

        if (_machine.KernelRom is { } kernel)
        {
            Place(ref call, ref next, kernel, KernelPlace);
        }

        foreach (GuestFile file in _machine.Boot.OptionRoms)
        {
            Place(ref call, ref next, file.Data, 0);
        }

        foreach (PciFunction function in _machine.Pci.Functions)
        {
            if (function.ReadConfiguration(0x0B, 1) != DisplayClass && Rom(function) is { } bar)
            {
                Place(ref call, ref next, ReadImage(function, bar), (ushort)(function.Place + 1));
            }
        }

        call.Write16(BiosData.OptionRomNext, (ushort)(First >> 4));
        call.Write8(BiosData.OptionVectorCount, 0);
        call.Write8(BiosData.OptionVectorNext, 0);
    }

    /// <summary>
    /// What is called next: the initialization of each ROM, then the boot connection vectors. Segment in AX (CF: nothing is left), offset in SI, the place of the
    /// PCI function in BX, the PnP header in DI.
    /// </summary>
    public void FindNext(ref BiosCall call)
    {
        uint at = (uint)call.Read16(BiosData.OptionRomNext) << 4;
        while (at < End && SizeAt(at) == 0)
        {
            at += Step;
        }

        call.Write16(BiosData.OptionRomNext, (ushort)(at >> 4));
        call.Di = BiosRom.PlugAndPlay;
        call.SetLiveCarry(false);
        if (at < End)
        {
            call.Ax = (ushort)(at >> 4);
            call.Si = InitializationVector;
            call.Bx = PciPlace(ref call, at);
            return;
        }

        for (int i = call.Read8(BiosData.OptionVectorNext); i < Count(ref call); i++)
        {
            if (Read(ref call, i) is { Kind: OptionRomKind.Connection } vector)
            {
                call.Write8(BiosData.OptionVectorNext, (byte)(i + 1));
                call.Ax = vector.Segment;
                call.Si = vector.Offset;
                call.Bx = PciPlace(ref call, (uint)vector.Segment << 4);
                return;
            }
        }

        call.SetLiveCarry(true);
    }

    /// <summary>What <see cref="FindNext"/> named has been called. A ROM that has been initialized may have become smaller, and has its final headers.</summary>
    public void Finish(ref BiosCall call)
    {
        const uint HeaderPointer = 0x1A;
        const uint NextHeader = 0x06;
        const uint ConnectionVector = 0x16;
        const uint EntryVector = 0x1A;
        const int MostHeaders = 16;
        uint at = (uint)call.Read16(BiosData.OptionRomNext) << 4;
        if (at >= End)
        {
            return;
        }

        PhysicalMemory memory = _machine.Memory;
        Span<byte> signature = stackalloc byte[4];
        uint header = Word(at + HeaderPointer);
        bool kernel = call.Read16(Slot(at)) == KernelPlace;
        for (int i = 0; i < MostHeaders && header != 0; i++)
        {
            memory.ReadBlock(at + header, signature);
            if (!signature.SequenceEqual("$PnP"u8))
            {
                break;
            }

            Add(ref call, at, (ushort)header, Word(at + header + ConnectionVector), OptionRomKind.Connection);
            Add(ref call, at, (ushort)header, Word(at + header + EntryVector), kernel ? OptionRomKind.Kernel : OptionRomKind.Entry);
            header = Word(at + header + NextHeader);
        }

        uint size = Math.Max((uint)memory.Read<byte>(at + 2) * 512, Step);
        call.Write16(BiosData.OptionRomNext, (ushort)(((at + size + Step - 1) & ~(Step - 1)) >> 4));
    }

    /// <summary>Number of vectors that were found.</summary>
    public static int Count(ref BiosCall call) => Math.Min((int)call.Read8(BiosData.OptionVectorCount), BiosData.MostOptionVectors);

    /// <summary>A vector that was found.</summary>
    public static OptionVector Read(ref BiosCall call, int index)
    {
        uint entry = BiosData.OptionVectors + ((uint)index * BiosData.OptionVectorSize);
        return new OptionVector((OptionRomKind)call.Read16(entry + 6), call.Read16(entry + 2), call.Read16(entry), call.Read16(entry + 4));
    }

    /// <summary>What a header calls its device.</summary>
    public string Name(in OptionVector vector)
    {
        uint rom = (uint)vector.Segment << 4;
        uint at = Word(rom + vector.Header + Product);
        StringBuilder name = new();
        while (at != 0 && name.Length < LongestName && _machine.Memory.Read<byte>(rom + at) is >= 0x20 and < 0x7F and var letter)
        {
            name.Append((char)letter);
            at++;
        }

        return name.Length == 0 ? "Network" : name.ToString();
    }

    private static uint Slot(uint at) => BiosData.OptionRomPlaces + ((at - First) / Step * 2);

    /// <summary>Bus, device and function of the ROM at an address; 0 for those of no PCI function.</summary>
    private static ushort PciPlace(ref BiosCall call, uint at) => at is >= First and < End && call.Read16(Slot(at)) is not KernelPlace and not 0 and var place ? (ushort)(place - 1) : (ushort)0;

    private static void Add(ref BiosCall call, uint rom, ushort header, ushort offset, OptionRomKind kind)
    {
        int count = Count(ref call);
        if (offset == 0 || count == BiosData.MostOptionVectors)
        {
            return;
        }

        uint entry = BiosData.OptionVectors + ((uint)count * BiosData.OptionVectorSize);
        call.Write16(entry, offset);
        call.Write16(entry + 2, (ushort)(rom >> 4));
        call.Write16(entry + 4, header);
        call.Write16(entry + 6, (ushort)kind);
        call.Write8(BiosData.OptionVectorCount, (byte)(count + 1));
    }

    /// <summary>Copies a ROM behind the others while there is room.</summary>
    private void Place(ref BiosCall call, ref uint next, byte[] image, ushort place)
    {
        uint length = ((uint)image.Length + Step - 1) & ~(Step - 1);
        if (image.Length == 0 || next + length > End)
        {
            return;
        }

        uint shadow = next & ~(ShadowUnit - 1);
        _machine.EnableShadowRam(shadow, ((next + length + ShadowUnit - 1) & ~(ShadowUnit - 1)) - shadow);
        _machine.Memory.WriteBlock(next, image);
        call.Write16(Slot(next), place);
        next += length;
    }

    private static PciBar? Rom(PciFunction function)
    {
        foreach (PciBar bar in function.Bars)
        {
            if (bar.Index == RomBar)
            {
                return bar;
            }
        }

        return null;
    }

    private ushort Word(uint address) => (ushort)(_machine.Memory.Read<byte>(address) | (_machine.Memory.Read<byte>(address + 1) << 8));

    /// <summary>Bytes of a valid ROM at an address, or 0.</summary>
    private uint SizeAt(uint address)
    {
        if (Word(address) != Signature)
        {
            return 0;
        }

        uint size = (uint)_machine.Memory.Read<byte>(address + 2) * 512;
        if (address + size > End)
        {
            return 0;
        }

        byte[] image = new byte[size];
        _machine.Memory.ReadBlock(address, image);
        byte sum = 0;
        foreach (byte b in image)
        {
            sum += b;
        }

        return sum == 0 ? size : 0;
    }

    /// <summary>The PC-compatible image in the expansion ROM of a function (PCI local bus specification 2.1, section 6.3); empty without one.</summary>
    private byte[] ReadImage(PciFunction function, PciBar bar)
    {
        const uint MemoryEnable = 0x02;
        const uint RomEnable = 0x01;
        uint command = function.ReadConfiguration(CommandRegister, 2);
        function.WriteConfiguration(RomRegister, 4, TemporaryAddress | RomEnable);
        function.WriteConfiguration(CommandRegister, 2, command | MemoryEnable);
        byte[] all = new byte[bar.Size];
        _machine.Memory.ReadBlock(TemporaryAddress, all);
        function.WriteConfiguration(CommandRegister, 2, command);
        function.WriteConfiguration(RomRegister, 4, 0);

        for (int at = 0; at + 0x1A <= all.Length;)
        {
            ReadOnlySpan<byte> image = all.AsSpan(at);
            if (BinaryPrimitives.ReadUInt16LittleEndian(image) != Signature)
            {
                break;
            }

            int structure = BinaryPrimitives.ReadUInt16LittleEndian(image[0x18..]);
            if (structure + 0x18 > image.Length || !image.Slice(structure, 4).SequenceEqual("PCIR"u8))
            {
                break;
            }

            int length = BinaryPrimitives.ReadUInt16LittleEndian(image[(structure + 0x10)..]) * 512;
            byte type = image[structure + 0x14];
            bool last = (image[structure + 0x15] & 0x80) != 0;
            if (type == 0)
            {
                int size = image[2] * 512;
                return size <= image.Length ? image[..size].ToArray() : [];
            }

            if (last || length == 0)
            {
                break;
            }

            at += length;
        }

        return [];
    }
}
