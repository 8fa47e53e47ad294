using System.Buffers.Binary;
using System.Text;
using Emulator.Devices.Vga;

namespace Emulator.Devices.Firmware.Bios;

/// <summary>
/// The video ROM at C0000h, an option ROM of a PCI display adapter: entry points and VBE's protected mode interface (<c>Rom/video.asm</c>), the tables that
/// INT 10h hands out, and the fonts.
/// </summary>
internal static class VideoRom
{
    /// <summary>Physical address.</summary>
    public const uint Address = 0xC0000;

    /// <summary>Segment.</summary>
    public const ushort Segment = 0xC000;

    /// <summary>Bytes of the image.</summary>
    public const int Size = 0x5000;

    /// <summary>Offset of INT 10h's entry.</summary>
    public const ushort Interrupt = 0x48;

    /// <summary>Offset of VBE's window function, a far procedure.</summary>
    public const ushort WindowFunction = 0x50;

    /// <summary>Offset of VBE's protected mode interface.</summary>
    public const ushort ProtectedMode = 0x70;

    /// <summary>Offset of the save pointer table.</summary>
    public const ushort SavePointers = 0x240;

    /// <summary>Offset of the second save pointer table.</summary>
    public const ushort SecondSavePointers = 0x260;

    /// <summary>Offset of the display combination codes: count, version, highest type, a reserved byte, pairs.</summary>
    public const ushort DisplayCombinations = 0x280;

    /// <summary>Offset of the static functionality table.</summary>
    public const ushort Functionality = 0x2B0;

    /// <summary>Offset of the characters that differ with nine dots: there are none.</summary>
    public const ushort NoAlternates = 0x2C0;

    /// <summary>Offset of VBE's names of the maker, as strings that end with 0.</summary>
    public const ushort Names = 0x2D0;

    /// <summary>Offset of VBE's list of modes.</summary>
    public const ushort ModeList = 0x340;

    /// <summary>Offset of the video parameter table.</summary>
    public const ushort Parameters = 0x600;

    /// <summary>Offset of the font of 16 lines.</summary>
    public const ushort Font16 = 0x2000;

    /// <summary>Offset of the font of 14 lines.</summary>
    public const ushort Font14 = 0x3000;

    /// <summary>Offset of the font of 8 lines.</summary>
    public const ushort Font8 = 0x3E00;

    /// <summary>Offset of the second half of the font of 8 lines.</summary>
    public const ushort Font8Upper = Font8 + 0x400;

    private const int ProtectedModeSizeAt = 0x1F0;
    private const int PciData = 0x220;
    private const string Resource = "video.bin";

    /// <summary>The maker, the vendor, the product and its revision.</summary>
    public static IReadOnlyList<string> NameList { get; } = ["EmulatorNet VBE", "EmulatorNet", "Bochs VBE display adapter", "1.0"];

    /// <summary>Pairs of display combination codes; the index is what 40:8A holds.</summary>
    public static ReadOnlySpan<byte> CombinationPairs =>
    [
        0, 0, 0, 1, 0, 2, 2, 1, 0, 4, 4, 1, 0, 5, 2, 5, 0, 6, 1, 6, 5, 6, 0, 8, 1, 8, 0, 7, 2, 7, 6, 7,
    ];

    /// <summary>What 40:8A holds with a color display at a VGA and nothing else.</summary>
    public const byte ColorVga = 11;

    /// <summary>The image.</summary>
    public static byte[] Image { get; } = Create();

    /// <summary>Bytes of the protected mode interface.</summary>
    public static ushort ProtectedModeSize => BinaryPrimitives.ReadUInt16LittleEndian(Image.AsSpan(ProtectedModeSizeAt));

    /// <summary>A far pointer into the ROM.</summary>
    /// <param name="offset">Offset.</param>
    public static uint Pointer(ushort offset) => ((uint)Segment << 16) | offset;

    private static byte[] Create()
    {
        byte[] image = new byte[Size];
        using (Stream code = typeof(VideoRom).Assembly.GetManifestResourceStream(Resource) ?? throw new InvalidOperationException("the video ROM is missing from the assembly"))
        {
            code.ReadExactly(image.AsSpan(0, (int)code.Length));
        }

        const int Block = 512;
        image[2] = Size / Block;
        Write16(image, 0x18, PciData);

        // PCI Firmware Specification, PCI data structure revision 0: PC code, the last image.
        Span<byte> pci = image.AsSpan(PciData);
        "PCIR"u8.CopyTo(pci);
        Write16(image, PciData + 0x04, 0x1234);
        Write16(image, PciData + 0x06, 0x1111);
        Write16(image, PciData + 0x0A, 0x18);
        image[PciData + 0x0F] = 0x03;
        Write16(image, PciData + 0x10, Size / Block);
        image[PciData + 0x15] = 0x80;

        WritePointer(image, SavePointers, Parameters);
        WritePointer(image, SavePointers + 0x10, SecondSavePointers);
        Write16(image, SecondSavePointers, 0x1A);
        WritePointer(image, SecondSavePointers + 2, DisplayCombinations);
        image[DisplayCombinations] = (byte)(CombinationPairs.Length / 2);
        image[DisplayCombinations + 1] = 1;
        image[DisplayCombinations + 2] = 8;
        CombinationPairs.CopyTo(image.AsSpan(DisplayCombinations + 4));

        // Modes 0 to 7 and Dh to 13h; 200, 350 and 400 lines; two of eight fonts at once; all functions but the light pen.
        ReadOnlySpan<byte> functionality = [0xFF, 0xE0, 0x0F, 0, 0, 0, 0, 0x07, 0x02, 0x08, 0xFF, 0x0E, 0, 0, 0x20, 0];
        functionality.CopyTo(image.AsSpan(Functionality));
        Encoding.ASCII.GetBytes(string.Join('\0', NameList) + '\0').CopyTo(image, Names);
        int at = ModeList;
        foreach (VbeMode mode in VbeMode.All)
        {
            Write16(image, at, mode.Number);
            at += 2;
        }

        Write16(image, at, 0xFFFF);
        VideoModeTable.Data.CopyTo(image, Parameters);
        VgaFont.Create(16).CopyTo(image, Font16);
        VgaFont.Create(14).CopyTo(image, Font14);
        VgaFont.Create(8).CopyTo(image, Font8);
        byte sum = 0;
        foreach (byte b in image)
        {
            sum += b;
        }

        image[^1] = (byte)-sum;
        return image;
    }

    private static void Write16(byte[] image, int offset, int value) => BinaryPrimitives.WriteUInt16LittleEndian(image.AsSpan(offset), (ushort)value);

    private static void WritePointer(byte[] image, int offset, ushort target) => BinaryPrimitives.WriteUInt32LittleEndian(image.AsSpan(offset), Pointer(target));
}
