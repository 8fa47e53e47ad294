using System.Buffers.Binary;
using Emulator.Core.Cpu;
using Emulator.Devices.Acpi;

namespace Emulator.Devices.Firmware.Bios;

/// <summary>The system ROM: its image, and where its entry points are. Source: <c>Rom/bios.asm</c>.</summary>
internal static class BiosRom
{
    /// <summary>Physical address below 1 MiB.</summary>
    public const uint Address = 0xF0000;

    /// <summary>Segment of the ROM.</summary>
    public const ushort Segment = 0xF000;

    /// <summary>Offset of the system configuration table (INT 15h, function C0h).</summary>
    public const ushort Configuration = 0xE6F5;

    /// <summary>Offset of the diskette parameter table (INT 1Eh).</summary>
    public const ushort DisketteParameters = 0xEFC7;

    /// <summary>Offset of the video parameter table (INT 1Dh).</summary>
    public const ushort VideoParameters = 0xF0A4;

    /// <summary>Offset of the 8 by 8 font of the first 128 characters.</summary>
    public const ushort Font = 0xFA6E;

    /// <summary>Offset of the Plug and Play installation check structure.</summary>
    public const ushort PlugAndPlay = 0xD000;

    private const int EntryTable = 0xDF00;
    private const string Resource = "bios.bin";

    /// <summary>Entry points in the order of the table in the ROM.</summary>
    public enum Entry
    {
        Int05, Int08, Int09, Int0E, Int70, Int71, Int74, Int75, Int76, UnexpectedIrq,
        Int11, Int12, Int13, Int14, Int15, Int16, Int17, Int18, Int19, Int1A, Int40,
        Bios32, Pci32, Apm, Pnp, Dummy, PortTraps, RomDisk,
    }

    /// <summary>The image, 64 KiB.</summary>
    public static ReadOnlySpan<byte> Image => Loaded.Value;

    /// <summary>The image of one board, with its tables: SMBIOS, MP, PCI interrupt routing, BIOS32 service directory, Plug and Play.</summary>
    /// <param name="cpu">The CPU model.</param>
    /// <param name="ramSize">Bytes of RAM.</param>
    public static byte[] Build(CpuModel cpu, uint ramSize)
    {
        const int SmbiosAnchor = 0x8000;
        const int SmbiosStructures = 0x8020;
        const int MultiProcessor = 0xA000;
        const int ServiceDirectory = 0xD030;
        const int RoutingTable = 0xD100;
        byte[] rom = Image.ToArray();
        (byte[] anchor, byte[] structures) = SmbiosTables.Build(cpu, ramSize);
        SmbiosTables.Place(anchor, Address + SmbiosStructures);
        anchor.CopyTo(rom, SmbiosAnchor);
        structures.CopyTo(rom, SmbiosStructures);
        if (cpu.Has(CpuFeatures.Apic))
        {
            MpTable.Build(Address + MultiProcessor, cpu).CopyTo(rom, MultiProcessor);
        }

        const int FontSize = 128 * 8;
        VideoRom.Image.AsSpan(VideoRom.Font8, FontSize).CopyTo(rom.AsSpan(Font));
        PciServices.RoutingTable.CopyTo(rom, RoutingTable);

        Span<byte> directory = rom.AsSpan(ServiceDirectory, 16);
        directory.Clear();
        "_32_"u8.CopyTo(directory);
        BinaryPrimitives.WriteUInt32LittleEndian(directory[4..], Address + Offset(Entry.Bios32));
        directory[9] = 1; // paragraphs
        directory[10] = Complement(directory);

        Span<byte> plugAndPlay = rom.AsSpan(PlugAndPlay, 0x21);
        plugAndPlay.Clear();
        "$PnP"u8.CopyTo(plugAndPlay);
        plugAndPlay[4] = 0x10;
        plugAndPlay[5] = (byte)plugAndPlay.Length;
        BinaryPrimitives.WriteUInt16LittleEndian(plugAndPlay[0x0D..], Offset(Entry.Pnp));
        BinaryPrimitives.WriteUInt16LittleEndian(plugAndPlay[0x0F..], Segment);
        BinaryPrimitives.WriteUInt16LittleEndian(plugAndPlay[0x11..], Offset(Entry.Pnp));
        BinaryPrimitives.WriteUInt32LittleEndian(plugAndPlay[0x13..], Address);
        BinaryPrimitives.WriteUInt16LittleEndian(plugAndPlay[0x1B..], Segment);
        BinaryPrimitives.WriteUInt32LittleEndian(plugAndPlay[0x1D..], Address);
        plugAndPlay[8] = Complement(plugAndPlay);
        return rom;
    }

    private static byte Complement(ReadOnlySpan<byte> table)
    {
        byte sum = 0;
        foreach (byte b in table)
        {
            sum += b;
        }

        return (byte)-sum;
    }

    private static Lazy<byte[]> Loaded { get; } = new(Load);

    /// <summary>Offset of an entry point in the ROM's segment.</summary>
    /// <param name="entry">The entry point.</param>
    public static ushort Offset(Entry entry) => BinaryPrimitives.ReadUInt16LittleEndian(Image[(EntryTable + (2 * (int)entry))..]);

    private static byte[] Load()
    {
        using Stream stream = typeof(BiosRom).Assembly.GetManifestResourceStream(Resource) ?? throw new InvalidOperationException("the system ROM is missing from the assembly");
        byte[] image = new byte[stream.Length];
        stream.ReadExactly(image);
        return image;
    }
}
