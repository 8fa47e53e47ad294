namespace Emulator.Devices.Storage.Images;

/// <summary>A disk in memory.</summary>
public sealed class MemoryImage : BlockImage
{
    private readonly byte[] _data;

    /// <summary>Creates a disk over an array, which it writes to.</summary>
    /// <param name="data">Contents; whole sectors.</param>
    /// <param name="readOnly">Whether writes are refused.</param>
    /// <param name="name">Name for messages.</param>
    /// <exception cref="ArgumentException">The array ends within a sector.</exception>
    public MemoryImage(byte[] data, bool readOnly = false, string name = "memory")
        : base(name)
    {
        ArgumentNullException.ThrowIfNull(data);
        if (data.Length % SectorSize != 0)
        {
            throw new ArgumentException("a disk has whole sectors", nameof(data));
        }

        _data = data;
        IsReadOnly = readOnly;
    }

    /// <summary>The contents.</summary>
    public ReadOnlySpan<byte> Data => _data;

    /// <inheritdoc/>
    public override string Format => "memory";

    /// <inheritdoc/>
    public override long SectorCount => _data.Length / SectorSize;

    /// <inheritdoc/>
    public override bool IsReadOnly { get; }

    /// <inheritdoc/>
    public override void Flush()
    {
    }

    /// <inheritdoc/>
    protected override void ReadSectors(long sector, Span<byte> destination) => _data.AsSpan((int)(sector * SectorSize), destination.Length).CopyTo(destination);

    /// <inheritdoc/>
    protected override void WriteSectors(long sector, ReadOnlySpan<byte> source) => source.CopyTo(_data.AsSpan((int)(sector * SectorSize)));
}
