namespace Emulator.Devices.Storage;

/// <summary>What a drive is connected to.</summary>
public enum DriveInterface
{
    /// <summary>One of the two IDE channels.</summary>
    Ide,

    /// <summary>The floppy disk controller.</summary>
    Floppy,
}

/// <summary>What a drive holds.</summary>
public enum DriveMedia
{
    /// <summary>A hard disk or a floppy disk.</summary>
    Disk,

    /// <summary>A CD or DVD.</summary>
    CdRom,
}

/// <summary>A drive of the machine, as the command line describes it.</summary>
public sealed record DriveOptions
{
    /// <summary>What it is connected to.</summary>
    public DriveInterface Interface { get; init; }

    /// <summary>
    /// Its place. IDE: 0 and 1 are master and slave of the first channel, 2 and 3 of the second. Floppy: 0 is A, 1 is B.
    /// </summary>
    public int Index { get; init; }

    /// <summary>What it holds.</summary>
    public DriveMedia Media { get; init; }

    /// <summary>
    /// The image file; null for an empty CD or floppy drive. A name that ends with a colon is no file: whoever builds the machine gives the image
    /// with the drive.
    /// </summary>
    public string? File { get; init; }

    /// <summary>Format of the image; null to recognize it by its contents.</summary>
    public string? Format { get; init; }

    /// <summary>Whether the image is opened for reading only; CDs always are.</summary>
    public bool ReadOnly { get; init; }

    /// <summary>Whether writes go to a temporary file and are forgotten at the end.</summary>
    public bool Snapshot { get; init; }

    /// <summary>Orders drives by interface and place.</summary>
    public static IComparer<DriveOptions> ByPlace { get; } = Comparer<DriveOptions>.Create((a, b) => (a.Interface, a.Index).CompareTo((b.Interface, b.Index)));

    /// <summary>The same drive with the full path of its file.</summary>
    public DriveOptions WithFullPath() => File is null || File.EndsWith(':') ? this : this with { File = Path.GetFullPath(File) };

    /// <summary>Number of places that an interface has.</summary>
    /// <param name="drive">The interface.</param>
    public static int PlacesOf(DriveInterface drive) => drive == DriveInterface.Ide ? 4 : 2;
}
