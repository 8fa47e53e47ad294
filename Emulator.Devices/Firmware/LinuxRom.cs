namespace Emulator.Devices.Firmware;

/// <summary>The option ROM by which firmware starts <c>-kernel</c>. Source: <c>Bios/Rom/linux.asm</c>.</summary>
internal static class LinuxRom
{
    /// <summary>Its file in fw_cfg, where SeaBIOS looks for option ROMs.</summary>
    public const string File = "genroms/linux.rom";

    /// <summary>What the boot order of firmware calls it.</summary>
    public const string BootPath = "/rom@" + File;

    private const string Resource = "linux.bin";
    private const int Header = 0x20;
    private const int HeaderSize = 0x20;
    private const int HeaderChecksum = 0x09;

    /// <summary>The image, with its checksums.</summary>
    public static byte[] Build()
    {
        using Stream stream = typeof(LinuxRom).Assembly.GetManifestResourceStream(Resource) ?? throw new InvalidOperationException("the option ROM is missing from the assembly");
        byte[] image = new byte[stream.Length];
        stream.ReadExactly(image);
        image[Header + HeaderChecksum] = Complement(image.AsSpan(Header, HeaderSize));
        image[^1] = Complement(image);
        return image;
    }

    private static byte Complement(ReadOnlySpan<byte> bytes)
    {
        byte sum = 0;
        foreach (byte b in bytes)
        {
            sum += b;
        }

        return (byte)-sum;
    }
}
