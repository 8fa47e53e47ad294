using System.Buffers.Binary;

namespace Emulator.Devices.Vga;

/// <summary>The monitor at the adapter, as its EDID block describes it (VESA E-EDID 1.3): 1024 by 768 at 60 Hz preferred, up to 1600 by 1200.</summary>
internal static class VgaMonitor
{
    /// <summary>Bytes of the block.</summary>
    public const int Length = 128;

    private const int FirstTiming = 38;
    private const int FirstDescriptor = 54;
    private const int DescriptorLength = 18;
    private const byte Unused = 0x01;

    /// <summary>The block.</summary>
    public static byte[] Edid { get; } = Create();

    private static byte[] Create()
    {
        byte[] edid = new byte[Length];
        Span<byte> block = edid;
        block[1..7].Fill(0xFF);
        BinaryPrimitives.WriteUInt16BigEndian(block[8..], Manufacturer("EMU"));
        block[10] = 1;
        block[16] = 1; // week
        block[17] = 36; // year - 1990
        block[18] = 1;
        block[19] = 3;
        block[20] = 0x08; // analog, separate syncs
        block[21] = 32; // centimeters
        block[22] = 24;
        block[23] = 120; // gamma 2.2
        block[24] = 0x0A; // RGB, preferred timing first

        // Chromaticity of sRGB.
        ReadOnlySpan<byte> colors = [0xEE, 0x91, 0xA3, 0x54, 0x4C, 0x99, 0x26, 0x0F, 0x50, 0x54];
        colors.CopyTo(block[25..]);
        block[35] = 0x21; // 640x480 and 800x600 at 60 Hz
        block[36] = 0x08; // 1024x768 at 60 Hz
        ReadOnlySpan<(int Width, byte Ratio)> standard = [(1152, 1), (1280, 2), (1600, 1)]; // 4:3 is 1, 5:4 is 2
        for (int i = 0; i < 8; i++)
        {
            block[FirstTiming + (2 * i)] = i < standard.Length ? (byte)((standard[i].Width / 8) - 31) : Unused;
            block[FirstTiming + (2 * i) + 1] = i < standard.Length ? (byte)(standard[i].Ratio << 6) : Unused;
        }

        // 1024x768 at 60 Hz, VESA DMT: 65 MHz, 1344 by 806, negative syncs.
        ReadOnlySpan<byte> timing = [0x64, 0x19, 0x00, 0x40, 0x41, 0x00, 0x26, 0x30, 0x18, 0x88, 0x36, 0x00, 0x40, 0xF0, 0x10, 0x00, 0x00, 0x18];
        timing.CopyTo(block[FirstDescriptor..]);
        ReadOnlySpan<byte> ranges = [0, 0, 0, 0xFD, 0, 50, 75, 30, 80, 17, 0, 0x0A, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20];
        ranges.CopyTo(block[(FirstDescriptor + DescriptorLength)..]);
        Name(block.Slice(FirstDescriptor + (2 * DescriptorLength), DescriptorLength), "emu monitor");
        block[FirstDescriptor + (3 * DescriptorLength) + 3] = 0x10; // dummy
        byte sum = 0;
        foreach (byte b in block)
        {
            sum += b;
        }

        block[Length - 1] = (byte)-sum;
        return edid;
    }

    private static ushort Manufacturer(string name) => (ushort)(((name[0] - '@') << 10) | ((name[1] - '@') << 5) | (name[2] - '@'));

    private static void Name(Span<byte> descriptor, string name)
    {
        descriptor[3] = 0xFC;
        descriptor[5..].Fill((byte)' ');
        for (int i = 0; i < name.Length; i++)
        {
            descriptor[5 + i] = (byte)name[i];
        }

        descriptor[5 + name.Length] = (byte)'\n';
    }
}
