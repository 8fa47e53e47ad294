namespace Emulator.Devices.Storage.Images;

/// <summary>An image that stores its sectors in clusters which are allocated when they are first written.</summary>
public abstract class ClusterImage : BlockImage
{
    private protected ClusterImage(string name, HostFile file)
        : base(name) => HostFile = file;

    /// <inheritdoc/>
    public override bool IsReadOnly => !HostFile.IsWritable;

    /// <summary>Bytes in a cluster.</summary>
    public abstract int ClusterSize { get; }

    private protected HostFile HostFile { get; }

    /// <inheritdoc/>
    protected override void ReadSectors(long sector, Span<byte> destination)
    {
        long at = sector * SectorSize;
        while (!destination.IsEmpty)
        {
            int offset = (int)(at % ClusterSize);
            int part = Math.Min(ClusterSize - offset, destination.Length);
            ReadCluster(at / ClusterSize, offset, destination[..part]);
            at += part;
            destination = destination[part..];
        }
    }

    /// <inheritdoc/>
    protected override void WriteSectors(long sector, ReadOnlySpan<byte> source)
    {
        long at = sector * SectorSize;
        while (!source.IsEmpty)
        {
            int offset = (int)(at % ClusterSize);
            int part = Math.Min(ClusterSize - offset, source.Length);
            WriteCluster(at / ClusterSize, offset, source[..part]);
            at += part;
            source = source[part..];
        }
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        if (disposing)
        {
            try
            {
                if (HostFile.IsWritable)
                {
                    Flush();
                }
            }
            finally
            {
                HostFile.Dispose();
            }
        }
    }

    private protected abstract void ReadCluster(long cluster, int offset, Span<byte> destination);

    private protected abstract void WriteCluster(long cluster, int offset, ReadOnlySpan<byte> source);

    private protected StorageException Damaged(string what) => new($"{Name}: is damaged: {what}");
}
