using Emulator.Devices.Storage;
using Emulator.Devices.Storage.Images;

namespace Emulator.Frontend.CommandLine;

/// <summary>Drives as the command line spells them: <c>-hda FILE</c>, <c>-cdrom FILE</c>, <c>-drive file=FILE,if=ide,index=0,…</c>.</summary>
internal static class DriveSyntax
{
    private const int CdRomIndex = 2;

    private static readonly string[] IdePlaces = ["-hda", "-hdb", "-hdc", "-hdd"];
    private static readonly string[] FloppyPlaces = ["-fda", "-fdb"];

    /// <summary>A short option: hda to hdd, cdrom, fda, fdb.</summary>
    public static DriveOptions Short(string option, string file)
    {
        if (file.Length == 0)
        {
            throw new UsageException($"{option}: an empty file name was given");
        }

        int ide = Array.IndexOf(IdePlaces, option);
        int floppy = Array.IndexOf(FloppyPlaces, option);
        return new DriveOptions
        {
            Interface = floppy >= 0 ? DriveInterface.Floppy : DriveInterface.Ide,
            Index = floppy >= 0 ? floppy : ide >= 0 ? ide : CdRomIndex,
            Media = option == "-cdrom" ? DriveMedia.CdRom : DriveMedia.Disk,
            File = file,
        };
    }

    /// <summary>What <c>-drive</c> says. The index is -1 when it is left to <see cref="Place"/>.</summary>
    public static DriveOptions Parse(string text)
    {
        DriveOptions drive = new() { Index = -1 };
        int? bus = null;
        int? unit = null;
        foreach ((string key, string value) in Properties(text))
        {
            switch (key)
            {
                case "file":
                    drive = drive with { File = value.Length != 0 ? value : throw new UsageException($"-drive {text}: the file name is empty") };
                    break;
                case "if":
                    drive = drive with { Interface = ReadInterface(text, value) };
                    break;
                case "media":
                    drive = drive with { Media = ReadMedia(text, value) };
                    break;
                case "index":
                    drive = drive with { Index = ReadNumber(text, key, value) };
                    break;
                case "bus":
                    bus = ReadNumber(text, key, value);
                    break;
                case "unit":
                    unit = ReadNumber(text, key, value);
                    break;
                case "format":
                    drive = drive with { Format = ImageFiles.Normalize(value) ?? throw new UsageException($"-drive {text}: the format '{value}' is unknown; known are {string.Join(", ", ImageFiles.Formats)}") };
                    break;
                case "readonly":
                    drive = drive with { ReadOnly = ReadSwitch(text, key, value) };
                    break;
                case "snapshot":
                    drive = drive with { Snapshot = ReadSwitch(text, key, value) };
                    break;
                case "id" or "cache" or "aio" or "discard" or "detect-zeroes" or "werror" or "rerror": // nothing that the guest could see
                    break;
                default:
                    throw new UsageException($"-drive {text}: '{key}' is unknown; known are file, if, index, bus, unit, media, format, readonly, snapshot");
            }
        }

        if (bus is not null || unit is not null)
        {
            if (drive.Index >= 0)
            {
                throw new UsageException($"-drive {text}: index excludes bus and unit");
            }

            drive = drive with { Index = drive.Interface == DriveInterface.Ide ? (2 * (bus ?? 0)) + (unit ?? 0) : unit ?? 0 };
        }

        return Check(text, drive);
    }

    /// <summary>Gives a place to each drive that has none, in the order given, and checks that no place is taken twice.</summary>
    public static IReadOnlyList<DriveOptions> Place(IReadOnlyList<DriveOptions> drives, bool snapshot)
    {
        HashSet<(DriveInterface, int)> used = [];
        foreach (DriveOptions drive in drives.Where(d => d.Index >= 0))
        {
            if (!used.Add((drive.Interface, drive.Index)))
            {
                throw new UsageException($"{drive.File ?? "an empty drive"}: {PlaceName(drive)} is taken by another drive");
            }
        }

        List<DriveOptions> placed = [];
        foreach (DriveOptions drive in drives)
        {
            DriveOptions next = drive;
            if (drive.Index < 0)
            {
                // As with QEMU, a CD without a place goes to the master of the second channel, as -cdrom does.
                int first = drive.Media == DriveMedia.CdRom && !used.Contains((drive.Interface, CdRomIndex)) ? CdRomIndex : 0;
                int index = Enumerable.Range(first, DriveOptions.PlacesOf(drive.Interface) - first).FirstOrDefault(i => !used.Contains((drive.Interface, i)), -1);
                if (index < 0)
                {
                    throw new UsageException($"-drive {drive.File}: no place is left; there are {DriveOptions.PlacesOf(drive.Interface)}");
                }

                used.Add((drive.Interface, index));
                next = drive with { Index = index };
            }

            placed.Add(snapshot ? next with { Snapshot = true } : next);
        }

        return placed;
    }

    private static DriveOptions Check(string text, DriveOptions drive)
    {
        int places = DriveOptions.PlacesOf(drive.Interface);
        if (drive.Index >= places)
        {
            throw new UsageException($"-drive {text}: there are {places} such drives, index 0 to {places - 1}");
        }

        if (drive.Interface == DriveInterface.Floppy && drive.Media == DriveMedia.CdRom)
        {
            throw new UsageException($"-drive {text}: a CD does not fit into a floppy drive");
        }

        if (drive.File is null && drive.Interface == DriveInterface.Ide && drive.Media == DriveMedia.Disk)
        {
            throw new UsageException($"-drive {text}: a hard disk needs file=");
        }

        return drive;
    }

    /// <summary>Properties between commas; a comma within a value is doubled.</summary>
    private static IEnumerable<(string Key, string Value)> Properties(string text)
    {
        foreach (string part in text.Replace(",,", "\0", StringComparison.Ordinal).Split(','))
        {
            string property = part.Replace('\0', ',');
            int equals = property.IndexOf('=', StringComparison.Ordinal);
            if (equals <= 0)
            {
                throw new UsageException($"-drive {text}: '{property}' has not the form name=value");
            }

            yield return (property[..equals], property[(equals + 1)..]);
        }
    }

    private static DriveInterface ReadInterface(string text, string value) => value switch
    {
        "ide" => DriveInterface.Ide,
        "floppy" => DriveInterface.Floppy,
        "none" or "scsi" or "virtio" or "sd" or "mtd" or "pflash" or "xen" => throw new UsageException($"-drive {text}: if={value} is not supported; ide and floppy are"),
        _ => throw new UsageException($"-drive {text}: if={value} is unknown; ide and floppy are known"),
    };

    private static DriveMedia ReadMedia(string text, string value) => value switch
    {
        "disk" => DriveMedia.Disk,
        "cdrom" => DriveMedia.CdRom,
        _ => throw new UsageException($"-drive {text}: media={value} is unknown; disk and cdrom are known"),
    };

    private static bool ReadSwitch(string text, string key, string value) => value switch
    {
        "on" or "yes" or "true" => true,
        "off" or "no" or "false" => false,
        _ => throw new UsageException($"-drive {text}: {key}={value}: on and off are known"),
    };

    private static int ReadNumber(string text, string key, string value) =>
        NumberSyntax.TryNumber(value, 3, out ulong number) ? (int)number : throw new UsageException($"-drive {text}: {key}={value} is no number from 0 to 3");

    private static string PlaceName(DriveOptions drive) => drive.Interface == DriveInterface.Ide
        ? $"the {(drive.Index & 1) switch { 0 => "master", _ => "slave" }} of IDE channel {drive.Index >> 1} ({IdePlaces[drive.Index]})"
        : $"floppy drive {(char)('A' + drive.Index)}";
}
