using System.Buffers.Binary;
using Emulator.Core.Memory;
using Emulator.Devices.Pci;

namespace Emulator.Devices.Firmware.Bios;

/// <summary>
/// Option ROMs from C8000h to DFFFFh: those of PCI functions are copied there, all are initialized by the ROM's far calls, and a boot entry vector
/// (Plug and Play BIOS specification 1.0a, appendix B) becomes the network's place in the boot order.
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

    private readonly PcMachine _machine;

    public OptionRoms(PcMachine machine) => _machine = machine;

    /// <summary>Copies the ROMs of PCI functions, displays excepted.</summary>
    public void Post(ref BiosCall call)
    {
        uint next = First;
        while (next < End && SizeAt(next) is var size and not 0)
        {
            next += (size + Step - 1) & ~(Step - 1);
        }

        foreach (PciFunction function in _machine.Pci.Functions)
        {
            if (function.ReadConfiguration(0x0B, 1) == DisplayClass || Rom(function) is not { } bar)
            {
                continue;
            }

            byte[] image = ReadImage(function, bar);
            uint length = ((uint)image.Length + Step - 1) & ~(Step - 1);
            if (image.Length != 0 && next + length <= End)
            {
                uint shadow = next & ~(ShadowUnit - 1);
                _machine.EnableShadowRam(shadow, ((next + length + ShadowUnit - 1) & ~(ShadowUnit - 1)) - shadow);
                _machine.Memory.WriteBlock(next, image);
                call.Write16(BiosData.OptionRomPlaces + ((next - First) / Step * 2), (ushort)(function.Place + 1));
                next += length;
            }
        }

        call.Write16(BiosData.OptionRomNext, (ushort)(First >> 4));
    }

    /// <summary>The next ROM: its segment in AX (CF: there is none), the place of its PCI function in BX, the PnP header in DI.</summary>
    public void FindNext(ref BiosCall call)
    {
        uint at = (uint)call.Read16(BiosData.OptionRomNext) << 4;
        while (at < End && SizeAt(at) == 0)
        {
            at += Step;
        }

        call.Write16(BiosData.OptionRomNext, (ushort)(at >> 4));
        call.Ax = at < End ? (ushort)(at >> 4) : (ushort)0;
        call.SetLiveCarry(at >= End);
        call.Bx = at < End ? (ushort)Math.Max(0, call.Read16(BiosData.OptionRomPlaces + ((at - First) / Step * 2)) - 1) : (ushort)0;
        call.Di = BiosRom.PlugAndPlay;
    }

    /// <summary>The ROM has been initialized, and may have become smaller.</summary>
    public void Finish(ref BiosCall call)
    {
        const uint HeaderPointer = 0x1A;
        const uint BootEntryVector = 0x1A;
        uint at = (uint)call.Read16(BiosData.OptionRomNext) << 4;
        PhysicalMemory memory = _machine.Memory;
        uint header = at + Word(at + HeaderPointer);
        Span<byte> signature = stackalloc byte[4];
        memory.ReadBlock(header, signature);
        if (header != at && signature.SequenceEqual("$PnP"u8) && Word(header + BootEntryVector) is var vector and not 0)
        {
            call.Write32(BiosData.BootVector, (at << 12) | vector);
        }

        uint size = Math.Max((uint)memory.Read<byte>(at + 2) * 512, Step);
        call.Write16(BiosData.OptionRomNext, (ushort)(((at + size + Step - 1) & ~(Step - 1)) >> 4));
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
