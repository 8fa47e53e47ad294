namespace Emulator.Devices.Storage.Images;

/// <summary>
/// A file whose bytes are the disk's. A file that ends within a sector is read as if zeros followed. When nobody said that the file is raw,
/// writes that would let it pass for another format at the next start are refused: otherwise a guest could make itself a header that names
/// files of the host.
/// </summary>
public sealed class RawImage : BlockImage
{
    private readonly HostFile _file;
    private readonly bool _guarded;

    internal RawImage(HostFile file, bool guarded)
        : base(file.Path)
    {
        _file = file;
        _guarded = guarded;
        SectorCount = (file.Length + SectorSize - 1) / SectorSize;
        if (SectorCount > MaximumSectors)
        {
            throw new StorageException($"{file.Path}: is too large");
        }
    }

    /// <inheritdoc/>
    public override string Format => "raw";

    /// <inheritdoc/>
    public override long SectorCount { get; }

    /// <inheritdoc/>
    public override bool IsReadOnly => !_file.IsWritable;

    /// <inheritdoc/>
    public override void Flush() => _file.Flush();

    /// <inheritdoc/>
    protected override void ReadSectors(long sector, Span<byte> destination) => _file.Read(sector * SectorSize, destination);

    /// <inheritdoc/>
    protected override void WriteSectors(long sector, ReadOnlySpan<byte> source)
    {
        if (_guarded)
        {
            CheckSignatures(sector, source);
        }

        _file.Write(sector * SectorSize, source);
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        if (disposing)
        {
            _file.Dispose();
        }
    }

    private void CheckSignatures(long sector, ReadOnlySpan<byte> source)
    {
        long last = SectorCount - 1;
        int sectors = source.Length / SectorSize;
        bool forged = (sector == 0 && sectors != 0 && ImageProbe.OfHeader(source[..SectorSize]) is not null)
            || (sector <= last && sector + sectors > last && ImageProbe.IsVhdFooter(source.Slice((int)(last - sector) * SectorSize, SectorSize)));
        if (forged)
        {
            throw new StorageException($"{Name}: the guest writes the signature of an image format; allow it with -drive format=raw");
        }
    }
}
