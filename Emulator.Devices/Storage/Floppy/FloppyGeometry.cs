namespace Emulator.Devices.Storage.Floppy;

/// <summary>A format of floppy disks.</summary>
/// <param name="Cylinders">Number of cylinders.</param>
/// <param name="Heads">Number of sides.</param>
/// <param name="Sectors">Sectors of 512 bytes on a track.</param>
/// <param name="DriveType">Type of the drive that it is for, as CMOS has it: 2 for 1.2 MB, 4 for 1.44 MB, 5 for 2.88 MB.</param>
/// <param name="Rate">Code of the data rate: 0 for 500, 1 for 300, 2 for 250, 3 for 1000 kb/s.</param>
public sealed record FloppyGeometry(int Cylinders, int Heads, int Sectors, int DriveType, int Rate)
{
    private const int Drive12 = 2;
    private const int Drive144 = 4;
    private const int Drive288 = 5;

    private static readonly FloppyGeometry[] Known =
    [
        new(40, 1, 8, Drive12, 1), // 160 KB
        new(40, 1, 9, Drive12, 1), // 180 KB
        new(40, 2, 8, Drive12, 1), // 320 KB
        new(40, 2, 9, Drive12, 1), // 360 KB
        new(80, 2, 15, Drive12, 0), // 1.2 MB
        new(80, 2, 9, Drive144, 2), // 720 KB
        new(80, 2, 18, Drive144, 0), // 1.44 MB
        new(80, 2, 20, Drive144, 0), // 1.6 MB
        new(80, 2, 21, Drive144, 0), // 1.68 MB
        new(82, 2, 21, Drive144, 0), // 1.72 MB
        new(80, 2, 36, Drive288, 3), // 2.88 MB
    ];

    /// <summary>The drive of an empty place.</summary>
    public static FloppyGeometry Default => Known[6];

    /// <summary>Number of sectors.</summary>
    public int Total => Cylinders * Heads * Sectors;

    /// <summary>
    /// The format of an image: the one of its size, else 1.44 MB or 2.88 MB when it fits there (images of boot disks often end with their last
    /// file); null when it is larger.
    /// </summary>
    /// <param name="sectors">Size of the image.</param>
    public static FloppyGeometry? Find(long sectors) => Array.Find(Known, g => g.Total == sectors)
        ?? (sectors <= Known[6].Total ? Known[6] : sectors <= Known[^1].Total ? Known[^1] : null);
}
