namespace Emulator.Devices.Storage.Images;

/// <summary>A monolithicFlat VMDK: a descriptor, and a raw file beside it.</summary>
public sealed class VmdkFlatImage : BlockImage
{
    private readonly HostFile _descriptor;
    private readonly HostFile _data;
    private readonly long _start;

    private VmdkFlatImage(HostFile descriptor, HostFile data, long sectors, long start)
        : base(descriptor.Path)
    {
        _descriptor = descriptor;
        _data = data;
        _start = start;
        SectorCount = sectors;
    }

    /// <inheritdoc/>
    public override string Format => "vmdk";

    /// <inheritdoc/>
    public override long SectorCount { get; }

    /// <inheritdoc/>
    public override bool IsReadOnly => !_data.IsWritable;

    /// <summary>Opens the file that a descriptor names.</summary>
    internal static VmdkFlatImage Open(HostFile file)
    {
        byte[] bytes = new byte[Math.Min(file.Length, VmdkDescriptor.MaximumLength)];
        file.Read(0, bytes);
        VmdkDescriptor descriptor = VmdkDescriptor.Parse(file.Path, bytes);
        if (descriptor.CreateType != "monolithicFlat" || descriptor.Extents.Count != 1 || descriptor.Extents[0].Type != "FLAT")
        {
            throw new StorageException($"{file.Path}: cannot be used: VMDK disks of the type '{Printable(descriptor.CreateType)}' with {descriptor.Extents.Count} extents are not supported; monolithicSparse and monolithicFlat are");
        }

        VmdkExtent extent = descriptor.Extents[0];
        if (extent.File.Length == 0 || extent.File.AsSpan().IndexOfAny('/', '\\', '\0') >= 0 || extent.File is "." or "..")
        {
            throw new StorageException($"{file.Path}: cannot be used: its data file '{Printable(extent.File)}' is not in the same directory");
        }

        if (extent.Sectors > MaximumSectors || extent.Start > MaximumSectors || extent.Access == "NOACCESS")
        {
            throw new StorageException($"{file.Path}: is damaged: the size of its extent");
        }

        HostFile data = HostFile.Open(Path.Combine(Path.GetDirectoryName(file.Path) ?? "", extent.File), file.IsWritable && extent.Access == "RW");
        return new VmdkFlatImage(file, data, extent.Sectors, extent.Start);
    }

    /// <summary>Creates the two files, or none.</summary>
    internal static void Create(string path, long sectors, uint contentId, bool overwrite)
    {
        string dataPath = DataPathOf(path);
        string name = Path.GetFileName(dataPath);
        bool isNew = !File.Exists(path);
        using HostFile descriptor = HostFile.Create(path, overwrite);
        using HostFile data = CreateData(dataPath, overwrite, isNew ? path : null);
        data.SetLength(sectors * SectorSize);
        descriptor.Write(0, VmdkDescriptor.Build("monolithicFlat", $"RW {sectors} FLAT \"{name}\" 0", sectors, contentId));
        data.Flush();
        descriptor.Flush();
    }

    /// <summary>Where the sectors of an image that is created here lie.</summary>
    /// <param name="path">Its descriptor.</param>
    internal static string DataPathOf(string path) => Path.Combine(Path.GetDirectoryName(path) ?? "", Path.GetFileNameWithoutExtension(path) + "-flat.vmdk");

    /// <inheritdoc/>
    public override void Flush() => _data.Flush();

    /// <inheritdoc/>
    protected override void ReadSectors(long sector, Span<byte> destination) => _data.Read((_start + sector) * SectorSize, destination);

    /// <inheritdoc/>
    protected override void WriteSectors(long sector, ReadOnlySpan<byte> source) => _data.Write((_start + sector) * SectorSize, source);

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        if (disposing)
        {
            _data.Dispose();
            _descriptor.Dispose();
        }
    }

    private static string Printable(string text) => string.Concat(text.Take(40).Select(c => char.IsControl(c) ? '?' : c));

    private static HostFile CreateData(string path, bool overwrite, string? newDescriptor)
    {
        try
        {
            return HostFile.Create(path, overwrite);
        }
        catch (StorageException)
        {
            if (newDescriptor is not null)
            {
                File.Delete(newDescriptor);
            }

            throw;
        }
    }
}
