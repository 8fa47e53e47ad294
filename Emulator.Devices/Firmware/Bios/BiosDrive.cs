using Emulator.Devices.Storage.Floppy;
using Emulator.Devices.Storage.Images;

namespace Emulator.Devices.Firmware.Bios;

/// <summary>What a drive number of INT 13h stands for.</summary>
internal enum BiosDriveKind
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>A floppy disk drive.</summary>
    Floppy,

    /// <summary>A hard disk.</summary>
    Disk,

    /// <summary>A CD drive, with sectors of 2048 bytes.</summary>
    Cd,

    /// <summary>An image on a CD that stands for a floppy disk or a hard disk (El Torito).</summary>
    Emulated,
}

/// <summary>Cylinders, heads and sectors of a track, as INT 13h addresses them.</summary>
/// <param name="Cylinders">1 to 1024.</param>
/// <param name="Heads">1 to 255.</param>
/// <param name="Sectors">1 to 63.</param>
internal readonly record struct DiskGeometry(int Cylinders, int Heads, int Sectors);

/// <summary>A drive as a service sees it during one call.</summary>
internal readonly record struct BiosDrive
{
    public BiosDriveKind Kind { get; init; }

    /// <summary>Place: floppy drive 0 or 1; IDE 0 to 3.</summary>
    public int Unit { get; init; }

    /// <summary>Number among the drives of its kind.</summary>
    public int Index { get; init; }

    /// <summary>What is in it, or null.</summary>
    public BlockImage? Medium { get; init; }

    /// <summary>First 512-byte sector of the medium that belongs to it.</summary>
    public long First { get; init; }

    /// <summary>512-byte sectors.</summary>
    public long Total { get; init; }

    public DiskGeometry Geometry { get; init; }

    public FloppyDrive? Floppy { get; init; }

    /// <summary>512-byte sectors in one of the drive's own.</summary>
    public int Scale => Kind == BiosDriveKind.Cd ? 4 : 1;

    public int SectorSize => BlockImage.SectorSize * Scale;

    public bool IsReadOnly => Kind is BiosDriveKind.Cd or BiosDriveKind.Emulated || Medium is { IsReadOnly: true };
}
