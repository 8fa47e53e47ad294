using Emulator.Devices.Storage.Images;

namespace Emulator.Devices.Storage;

/// <summary>A drive and the image in it.</summary>
public sealed class Drive : IDisposable
{
    /// <summary>Describes a drive whose image is opened by <see cref="Open"/>.</summary>
    /// <param name="options">What it is.</param>
    public Drive(DriveOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        Options = options;
    }

    /// <summary>Creates a drive with an image that is open already.</summary>
    /// <param name="options">What it is; its file is only a name.</param>
    /// <param name="image">The image, which belongs to the drive from now on.</param>
    public Drive(DriveOptions options, BlockImage image)
        : this(options)
    {
        ArgumentNullException.ThrowIfNull(image);
        Image = image;
    }

    /// <summary>What it is.</summary>
    public DriveOptions Options { get; }

    /// <summary>The image; null before <see cref="Open"/>, and for an empty drive.</summary>
    public BlockImage? Image { get; private set; }

    /// <summary>The temporary overlay, when there is one.</summary>
    public OverlayImage? Overlay => Image as OverlayImage;

    /// <summary>Opens the image file, unless that is done or there is none.</summary>
    /// <exception cref="StorageException">It cannot be opened.</exception>
    public void Open()
    {
        if (Image is not null || Options.File is null)
        {
            return;
        }

        // A CD image is always raw: its contents come from anywhere.
        string? format = Options.Format ?? (Options.Media == DriveMedia.CdRom ? "raw" : null);
        bool readOnly = Options.ReadOnly || Options.Snapshot || Options.Media == DriveMedia.CdRom;
        BlockImage image = ImageFiles.Open(Options.File, format, readOnly);
        try
        {
            if (image.SectorCount == 0)
            {
                throw new StorageException($"{Options.File}: is empty");
            }

            Image = Options.Snapshot && !Options.ReadOnly && Options.Media != DriveMedia.CdRom ? new OverlayImage(image) : image;
        }
        catch
        {
            image.Dispose();
            throw;
        }
    }

    /// <summary>Writes out what is cached, and closes the image.</summary>
    public void Dispose()
    {
        Image?.Dispose();
        Image = null;
    }
}
