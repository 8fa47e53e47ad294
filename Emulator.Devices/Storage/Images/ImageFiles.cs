namespace Emulator.Devices.Storage.Images;

/// <summary>Opens disk images of every format.</summary>
public static class ImageFiles
{
    /// <summary>The formats, as <c>format=</c> names them.</summary>
    public static IReadOnlyList<string> Formats { get; } = ["raw", "qcow2", "vmdk", "vpc"];

    /// <summary>The name of a format as <c>format=</c> and qemu-img know it; null when it is unknown. VHD goes by vpc and vhd.</summary>
    /// <param name="format">What the user wrote.</param>
    public static string? Normalize(string format) => format switch
    {
        "vhd" => "vpc",
        _ => Formats.Contains(format, StringComparer.Ordinal) ? format : null,
    };

    /// <summary>Opens an image.</summary>
    /// <param name="path">The file.</param>
    /// <param name="format">Its format; null to recognize it by its contents, raw when nothing matches.</param>
    /// <param name="readOnly">Whether it is opened for reading only.</param>
    /// <exception cref="StorageException">It cannot be opened, is damaged, or uses what is not supported.</exception>
    public static BlockImage Open(string path, string? format = null, bool readOnly = false)
    {
        ArgumentNullException.ThrowIfNull(path);
        if (format is not null && Normalize(format) is null)
        {
            throw new StorageException($"{path}: the format '{format}' is unknown; known are {string.Join(", ", Formats)}");
        }

        HostFile file = HostFile.Open(path, writable: !readOnly);
        try
        {
            string? found = format is null ? ImageProbe.Of(file) : Normalize(format);
            return found switch
            {
                null or "raw" => new RawImage(file, guarded: format is null),
                _ => throw new StorageException($"{path}: images of the format {found} are not supported yet"),
            };
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }
}
