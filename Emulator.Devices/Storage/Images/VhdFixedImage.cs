namespace Emulator.Devices.Storage.Images;

/// <summary>A fixed VHD: the sectors, and a footer behind them.</summary>
public sealed class VhdFixedImage : BlockImage
{
    private readonly HostFile _file;

    internal VhdFixedImage(HostFile file, VhdFooter footer)
        : base(file.Path)
    {
        _file = file;
        SectorCount = footer.Sectors;
        if (SectorCount > (file.Length - VhdFooter.Size) / SectorSize)
        {
            throw new StorageException($"{Name}: is damaged: it is shorter than its footer says");
        }
    }

    /// <inheritdoc/>
    public override string Format => "vpc";

    /// <inheritdoc/>
    public override long SectorCount { get; }

    /// <inheritdoc/>
    public override bool IsReadOnly => !_file.IsWritable;

    /// <summary>Creates an empty image.</summary>
    internal static void Create(string path, long sectors, Guid id, DateTime time, bool overwrite)
    {
        sectors = VhdFooter.RoundUp(sectors);
        using HostFile file = HostFile.Create(path, overwrite);
        file.SetLength(sectors * SectorSize);
        file.Write(sectors * SectorSize, VhdFooter.Build(sectors, VhdFooter.Fixed, id, time).Bytes);
        file.Flush();
    }

    /// <inheritdoc/>
    public override void Flush() => _file.Flush();

    /// <inheritdoc/>
    protected override void ReadSectors(long sector, Span<byte> destination) => _file.Read(sector * SectorSize, destination);

    /// <inheritdoc/>
    protected override void WriteSectors(long sector, ReadOnlySpan<byte> source) => _file.Write(sector * SectorSize, source);

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        if (disposing)
        {
            _file.Dispose();
        }
    }
}
