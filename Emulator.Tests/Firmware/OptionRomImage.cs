namespace Emulator.Tests.Firmware;

/// <summary>Option ROMs with a Plug and Play header, made on the spot.</summary>
internal static class OptionRomImage
{
    private const int Header = 0x50;
    private const int Product = 0x80;

    /// <summary>Where the code of the boot connection vector starts.</summary>
    public const int ConnectionVector = 0x100;

    /// <summary>Where the code of the boot entry vector starts.</summary>
    public const int EntryVector = 0x180;

    /// <summary>A ROM of 1 KiB.</summary>
    /// <param name="initialize">Its initialization, which ends in RETF.</param>
    /// <param name="connect">Code of its boot connection vector; empty for none.</param>
    /// <param name="boot">Code of its boot entry vector; empty for none.</param>
    /// <param name="name">Name of the device.</param>
    public static byte[] Create(ReadOnlySpan<byte> initialize, ReadOnlySpan<byte> connect, ReadOnlySpan<byte> boot, ReadOnlySpan<byte> name)
    {
        byte[] rom = new byte[1024];
        (rom[0], rom[1], rom[2]) = (0x55, 0xAA, 2);
        initialize.CopyTo(rom.AsSpan(3));
        rom[0x1A] = Header;
        "$PnP"u8.CopyTo(rom.AsSpan(Header));
        rom[Header + 0x10] = Product;
        name.CopyTo(rom.AsSpan(Product));
        rom[Header + 0x17] = connect.IsEmpty ? (byte)0 : (byte)(ConnectionVector >> 8);
        connect.CopyTo(rom.AsSpan(ConnectionVector));
        if (!boot.IsEmpty)
        {
            (rom[Header + 0x1A], rom[Header + 0x1B]) = (EntryVector & 0xFF, EntryVector >> 8);
            boot.CopyTo(rom.AsSpan(EntryVector));
        }

        byte sum = 0;
        foreach (byte b in rom)
        {
            sum += b;
        }

        rom[^1] = (byte)-sum;
        return rom;
    }
}
