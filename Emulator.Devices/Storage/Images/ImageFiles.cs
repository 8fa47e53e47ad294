namespace Emulator.Devices.Storage.Images;

/// <summary>Opens and creates disk images of every format.</summary>
public static class ImageFiles
{
    private const int MaximumDepth = 16;

    /// <summary>The formats, as <c>format=</c> names them; VHD is called vpc, as by qemu-img.</summary>
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
    public static BlockImage Open(string path, string? format = null, bool readOnly = false) => Open(path, format, readOnly, 0);

    /// <summary>Creates an empty image.</summary>
    /// <param name="path">The file.</param>
    /// <param name="format">Its format.</param>
    /// <param name="sectors">Its size; a VHD may become a little larger, since its size must have a geometry.</param>
    /// <param name="options">What else there is to say.</param>
    /// <exception cref="StorageException">It cannot be created.</exception>
    public static void Create(string path, string format, long sectors, ImageCreation options)
    {
        ArgumentNullException.ThrowIfNull(path);
        ArgumentNullException.ThrowIfNull(options);
        if (sectors < 0 || sectors > BlockImage.MaximumSectors)
        {
            throw new StorageException($"{path}: this size is not possible");
        }

        uint contentId = (uint)options.Id.GetHashCode() & 0x7FFFFFFF;
        switch (Normalize(format))
        {
            case "raw":
                using (HostFile file = HostFile.Create(path, options.Overwrite))
                {
                    file.SetLength(sectors * BlockImage.SectorSize);
                }

                break;
            case "qcow2":
                QcowImage.Create(path, sectors, options.BackingFile, options.BackingFormat, options.Overwrite);
                break;
            case "vmdk" when options.IsFlat:
                VmdkFlatImage.Create(path, sectors, contentId, options.Overwrite);
                break;
            case "vmdk":
                VmdkSparseImage.Create(path, sectors, contentId, options.Overwrite);
                break;
            case "vpc" when options.IsFlat:
                VhdFixedImage.Create(path, sectors, options.Id, options.Time, options.Overwrite);
                break;
            case "vpc":
                VhdDynamicImage.Create(path, sectors, options.Id, options.Time, options.Overwrite);
                break;
            default:
                throw new StorageException($"{path}: the format '{format}' is unknown; known are {string.Join(", ", Formats)}");
        }
    }

    /// <summary>Removes an image that <see cref="Create"/> made with the same arguments.</summary>
    /// <param name="path">The file.</param>
    /// <param name="format">Its format.</param>
    /// <param name="options">What else was said.</param>
    public static void Delete(string path, string format, ImageCreation options)
    {
        ArgumentNullException.ThrowIfNull(path);
        ArgumentNullException.ThrowIfNull(options);
        File.Delete(path);
        if (format == "vmdk" && options.IsFlat)
        {
            File.Delete(VmdkFlatImage.DataPathOf(path));
        }
    }

    private static BlockImage Open(string path, string? format, bool readOnly, int depth)
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
                "qcow2" => new QcowImage(file, (name, backingFormat) => OpenBacking(path, name, backingFormat, depth + 1)),
                "vmdk" => OpenVmdk(file),
                _ => OpenVhd(file),
            };
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    private static BlockImage OpenBacking(string path, string name, string? format, int depth)
    {
        if (depth > MaximumDepth)
        {
            throw new StorageException($"{path}: has more than {MaximumDepth} backing files below it, or itself");
        }

        if (name.StartsWith("json:", StringComparison.Ordinal) || name.Contains("://", StringComparison.Ordinal) || name.Contains('\0', StringComparison.Ordinal))
        {
            throw new StorageException($"{path}: cannot be used: its backing file is not a plain file");
        }

        string place = name.StartsWith("file:", StringComparison.Ordinal) ? name[5..] : name;
        try
        {
            return Open(Path.Combine(Path.GetDirectoryName(path) ?? "", place), format, readOnly: true, depth);
        }
        catch (StorageException e)
        {
            throw new StorageException($"{path}: its backing file: {e.Message}", e);
        }
    }

    private static BlockImage OpenVmdk(HostFile file)
    {
        byte[] sector = new byte[BlockImage.SectorSize];
        file.Read(0, sector);
        return sector.AsSpan().StartsWith("KDMV"u8) || sector.AsSpan().StartsWith("COWD"u8) ? new VmdkSparseImage(file) : VmdkFlatImage.Open(file);
    }

    private static BlockImage OpenVhd(HostFile file)
    {
        VhdFooter footer = VhdFooter.Read(file, file.Length - VhdFooter.Size) ?? VhdFooter.Read(file, 0)
            ?? throw new StorageException($"{file.Path}: is damaged: it has no valid VHD footer");
        return footer.Type switch
        {
            VhdFooter.Fixed => new VhdFixedImage(file, footer),
            VhdFooter.Dynamic => new VhdDynamicImage(file, footer),
            _ => throw new StorageException($"{file.Path}: cannot be used: VHDs of type {footer.Type} (differences to another) are not supported"),
        };
    }
}
