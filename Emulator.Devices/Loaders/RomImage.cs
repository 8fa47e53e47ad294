using System.Globalization;

namespace Emulator.Devices.Loaders;

/// <summary>A bare image at a physical address: what <c>--rom FILE@ADDR</c> names.</summary>
/// <param name="File">The image.</param>
/// <param name="Address">Physical address of its first byte.</param>
public sealed record RomImage(GuestFile File, uint Address)
{
    /// <summary>Largest image in bytes.</summary>
    public const int MaximumLength = 16 << 20;

    /// <summary>First address behind the image.</summary>
    public ulong End => Address + (ulong)File.Data.Length;

    /// <summary>Reads the image that <c>FILE@ADDR</c> names.</summary>
    /// <param name="text">File name, <c>@</c>, and a physical address, decimal or with 0x.</param>
    /// <exception cref="LoaderException">The text has another form, or the file cannot be read or is too large.</exception>
    public static RomImage Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        int at = text.LastIndexOf('@');
        if (at <= 0)
        {
            throw new LoaderException($"{text}: a ROM is given as FILE@ADDRESS");
        }

        string number = text[(at + 1)..];
        bool hexadecimal = number.StartsWith("0x", StringComparison.OrdinalIgnoreCase);
        bool valid = hexadecimal
            ? uint.TryParse(number.AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out uint address)
            : uint.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out address);
        if (!valid)
        {
            throw new LoaderException($"{text}: '{number}' is no 32-bit address (decimal, or hexadecimal with 0x)");
        }

        return new RomImage(GuestFile.Read(text[..at], MaximumLength), address);
    }
}
