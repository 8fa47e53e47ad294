namespace Emulator.Devices.Storage.Images;

/// <summary>
/// The contents of a disk: an array of 512-byte sectors. Reads and writes are complete when they return; what was written is safe against a
/// crash of the host only after <see cref="Flush"/>. Not thread-safe.
/// </summary>
public abstract class BlockImage : IDisposable
{
    /// <summary>Bytes in a sector.</summary>
    public const int SectorSize = 512;

    /// <summary>Most sectors that an image can have here: 8 EiB are out of reach of 64-bit offsets, this is far below.</summary>
    internal const long MaximumSectors = 1L << 48;

    /// <summary>Creates an image.</summary>
    /// <param name="name">Name for messages, usually the path.</param>
    protected BlockImage(string name) => Name = name;

    /// <summary>Name for messages, usually the path.</summary>
    public string Name { get; }

    /// <summary>Name of the format: raw, qcow2, vmdk, vpc, memory.</summary>
    public abstract string Format { get; }

    /// <summary>Number of sectors.</summary>
    public abstract long SectorCount { get; }

    /// <summary>Whether <see cref="Write"/> is refused.</summary>
    public abstract bool IsReadOnly { get; }

    /// <summary>Reads sectors.</summary>
    /// <param name="sector">First sector.</param>
    /// <param name="destination">Receives the bytes; whole sectors.</param>
    /// <exception cref="ArgumentOutOfRangeException">The range is not within the image.</exception>
    /// <exception cref="StorageException">The host cannot read, or the image is damaged there.</exception>
    public void Read(long sector, Span<byte> destination)
    {
        CheckRange(sector, destination.Length);
        ReadSectors(sector, destination);
    }

    /// <summary>Writes sectors.</summary>
    /// <param name="sector">First sector.</param>
    /// <param name="source">The bytes; whole sectors.</param>
    /// <exception cref="ArgumentOutOfRangeException">The range is not within the image.</exception>
    /// <exception cref="StorageException">The image is read-only, damaged, or the host cannot write.</exception>
    public void Write(long sector, ReadOnlySpan<byte> source)
    {
        CheckRange(sector, source.Length);
        if (IsReadOnly)
        {
            throw new StorageException($"{Name}: is read-only");
        }

        WriteSectors(sector, source);
    }

    /// <summary>Makes everything that was written safe on the host's disk.</summary>
    /// <exception cref="StorageException">The host cannot write.</exception>
    public abstract void Flush();

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Reads sectors of a range that was checked.</summary>
    /// <param name="sector">First sector.</param>
    /// <param name="destination">Receives the bytes.</param>
    protected abstract void ReadSectors(long sector, Span<byte> destination);

    /// <summary>Writes sectors of a range that was checked, to an image that is not read-only.</summary>
    /// <param name="sector">First sector.</param>
    /// <param name="source">The bytes.</param>
    protected abstract void WriteSectors(long sector, ReadOnlySpan<byte> source);

    /// <summary>Writes out what is cached, and closes the files.</summary>
    /// <param name="disposing">Whether called by <see cref="Dispose()"/>.</param>
    protected virtual void Dispose(bool disposing)
    {
    }

    private void CheckRange(long sector, int bytes)
    {
        if (bytes % SectorSize != 0 || sector < 0 || sector > SectorCount - (bytes / SectorSize))
        {
            throw new ArgumentOutOfRangeException(nameof(sector), sector, $"{Name}: {bytes} bytes at this sector are not within the image");
        }
    }
}
