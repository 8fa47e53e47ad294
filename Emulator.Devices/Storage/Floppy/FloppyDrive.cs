using Emulator.Devices.Storage.Images;

namespace Emulator.Devices.Storage.Floppy;

/// <summary>A floppy disk drive: the medium in it, where its heads are, whether the medium was changed.</summary>
public sealed class FloppyDrive
{
    internal const int LastTrack = 85;

    private BlockImage? _inserted;

    /// <summary>Creates a drive.</summary>
    /// <param name="medium">What is in it, or null.</param>
    /// <exception cref="StorageException">The medium is larger than any floppy disk.</exception>
    public FloppyDrive(BlockImage? medium)
    {
        Insert(medium);
        Type = Geometry.DriveType;
    }

    /// <summary>What is in it, or null; as long as its format, though the image may be shorter.</summary>
    public BlockImage? Medium { get; private set; }

    /// <summary>Format of the medium; of an empty drive, what the drive is for.</summary>
    public FloppyGeometry Geometry { get; private set; } = FloppyGeometry.Default;

    /// <summary>Type as CMOS has it: what the drive was built for by its first medium.</summary>
    public int Type { get; internal set; }

    internal int Track { get; set; }

    /// <summary>Waits until nobody uses the medium.</summary>
    internal Action? BeforeExchange { get; set; }

    /// <summary>The change line: set by opening the drive, cleared by a step with a medium in it.</summary>
    internal bool Changed { get; set; } = true;

    /// <summary>Exchanges the medium; the old one is the caller's. Call between two instructions.</summary>
    /// <param name="medium">What comes in, or null.</param>
    /// <returns>What was in it.</returns>
    /// <exception cref="StorageException">The medium is larger than any floppy disk.</exception>
    public BlockImage? Insert(BlockImage? medium)
    {
        BeforeExchange?.Invoke();
        if (medium is not null)
        {
            Geometry = FloppyGeometry.Find(medium.SectorCount) ?? throw new StorageException(
                $"{medium.Name}: {medium.SectorCount * BlockImage.SectorSize} bytes are more than a floppy disk holds (2880 KiB)");
        }

        BlockImage? before = _inserted;
        _inserted = medium;
        Medium = medium is null || medium.SectorCount == Geometry.Total ? medium : new PaddedImage(medium, Geometry.Total);
        Changed = true;
        return before;
    }

    /// <summary>Moves the heads.</summary>
    internal void Seek(int track)
    {
        Track = Math.Clamp(track, 0, LastTrack);
        Changed &= Medium is null;
    }

    /// <summary>Whether the medium can be read with a data rate; 250 kb/s reads what 300 kb/s does, in a drive that turns slower.</summary>
    internal bool HasRate(int rate) => Medium is not null && (rate == Geometry.Rate || (Geometry.Rate == 1 && rate == 2));
}
