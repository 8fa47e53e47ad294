using Emulator.Devices.Storage.Images;

namespace Emulator.Devices.Storage.Floppy;

/// <summary>An image that is shorter than its floppy disk: what lies behind its end reads as zero and cannot be written.</summary>
internal sealed class PaddedImage : BlockImage
{
    private readonly BlockImage _image;

    public PaddedImage(BlockImage image, long sectors)
        : base(image.Name)
    {
        _image = image;
        SectorCount = sectors;
    }

    public override string Format => _image.Format;

    public override long SectorCount { get; }

    public override bool IsReadOnly => _image.IsReadOnly;

    public override void Flush() => _image.Flush();

    protected override void ReadSectors(long sector, Span<byte> destination)
    {
        int there = (int)Math.Clamp((_image.SectorCount - sector) * SectorSize, 0, destination.Length);
        _image.Read(there == 0 ? 0 : sector, destination[..there]);
        destination[there..].Clear();
    }

    protected override void WriteSectors(long sector, ReadOnlySpan<byte> source)
    {
        if (sector + (source.Length / SectorSize) > _image.SectorCount)
        {
            throw new StorageException($"{Name}: is shorter than the floppy disk, sector {sector} cannot be written");
        }

        _image.Write(sector, source);
    }
}
