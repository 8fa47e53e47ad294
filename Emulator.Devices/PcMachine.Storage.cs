using System.Diagnostics.CodeAnalysis;
using Emulator.Core.Machine;
using Emulator.Devices.Storage;
using Emulator.Devices.Storage.Floppy;
using Emulator.Devices.Storage.Ide;
using Microsoft.Extensions.Logging;

namespace Emulator.Devices;

/// <content>Disks and their controllers.</content>
public sealed partial class PcMachine
{
    private static readonly int[] IdeIrq = [14, 15];

    /// <summary>The floppy disk controller.</summary>
    public I82078Fdc Floppies { get; private set; }

    /// <summary>The hard disks and CD drives that are there.</summary>
    public IEnumerable<IdeDevice> IdeDevices => Components.OfType<IdeDevice>();

    /// <summary>Writes out what the images of the drives cache, and closes them; the machine does not run any more after that.</summary>
    /// <exception cref="StorageException">The host cannot write.</exception>
    public void CloseDrives()
    {
        foreach (HostWork host in DriveWork)
        {
            host.Drop();
        }

        CloseAll(Config.Drives);
    }

    /// <summary>
    /// Waits until the host does nothing for the drives: under the host clock the thread pool reads and writes images while the CPU runs. Call
    /// between two runs, before an image is used by somebody else.
    /// </summary>
    public void SettleDrives()
    {
        foreach (HostWork host in DriveWork)
        {
            host.Wait();
        }

        Events.TakePosted();
    }

    /// <summary>
    /// Changes what is in a CD or floppy drive, as its user does; the guest is told as by a real drive. The old image is closed, the configuration (and with it a
    /// saved state) names the new one. Call between two runs, on the thread that runs the machine.
    /// </summary>
    /// <param name="medium">A drive of the same interface, place and media, with the new image; without a file for none. It belongs to the machine from now on.</param>
    /// <exception cref="ArgumentException">There is no such drive, or it holds a hard disk.</exception>
    /// <exception cref="StorageException">The image cannot be opened, or is none for the drive; the old one stays.</exception>
    public void ChangeMedium(Drive medium)
    {
        ArgumentNullException.ThrowIfNull(medium);
        DriveOptions options = medium.Options;
        bool floppy = options.Interface == DriveInterface.Floppy;
        int at = 0;
        while (at < Config.Drives.Count && DriveOptions.ByPlace.Compare(Config.Drives[at].Options, options) != 0)
        {
            at++;
        }

        if (at == Config.Drives.Count || Config.Drives[at].Options.Media != options.Media || (!floppy && options.Media != DriveMedia.CdRom))
        {
            throw new ArgumentException("there is no drive of this kind whose medium can be changed", nameof(medium));
        }

        try
        {
            medium.Open();
            if (floppy)
            {
                Floppies.Drives[options.Index]!.Insert(medium.Image);
            }
            else
            {
                int units = Config.Drives.Count(d => d.Options.Interface == DriveInterface.Ide && d.Options.Index < options.Index);
                ((AtapiCdRom)IdeDevices.ElementAt(units)).Exchange(medium.Image);
            }
        }
        catch (StorageException)
        {
            medium.Dispose();
            throw;
        }

        Drive old = Config.Drives[at];
        Config = Config with { Drives = [.. Config.Drives.Select((d, i) => i == at ? medium : d)] };
        old.Dispose();
    }

    private IEnumerable<HostWork> DriveWork => IdeDevices.Select(d => d.Host).Append(Floppies.Host);

    private static void CloseAll(IEnumerable<Drive> drives)
    {
        StorageException? failure = null;
        foreach (Drive drive in drives)
        {
            try
            {
                drive.Dispose();
            }
            catch (StorageException e)
            {
                failure ??= e;
            }
        }

        if (failure is not null)
        {
            throw failure;
        }
    }

    /// <summary>Opens the images, and builds the controllers with their drives.</summary>
    [MemberNotNull(nameof(Floppies))]
    private IMachineComponent[] CreateStorage(ILogger logger, out Piix3Ide ide)
    {
        CheckPlaces();
        try
        {
            foreach (Drive drive in Config.Drives)
            {
                drive.Open();
            }

            List<IMachineComponent> components = [];
            IdeChannel[] channels = new IdeChannel[IdeIrq.Length];
            for (int i = 0; i < channels.Length; i++)
            {
                channels[i] = new IdeChannel(i, Memory, _irqs.Connect(IdeIrq[i]), logger);
            }

            foreach (Drive drive in Config.Drives.Where(d => d.Options.Interface == DriveInterface.Ide).OrderBy(d => d.Options.Index))
            {
                IdeDevice device = CreateIdeDevice(drive);
                channels[drive.Options.Index >> 1].Attach(drive.Options.Index & 1, device);
                components.Add(device);
            }

            components.AddRange(channels);
            components.Add(CreateFloppies(logger));
            ide = new Piix3Ide(Ports, channels[0], channels[1]);
            return [.. components];
        }
        catch
        {
            CloseAll(Config.Drives);
            throw;
        }
    }

    /// <summary>The floppy disk controller, its drives, and what CMOS says about them.</summary>
    [MemberNotNull(nameof(Floppies))]
    private I82078Fdc CreateFloppies(ILogger logger)
    {
        const byte Equipment = 0x06; // coprocessor, pointing device
        I82078Fdc fdc = new(Clock, Events, _irqs.Connect(I82078Fdc.Irq), Dma.Channel(I82078Fdc.DmaChannelNumber), logger);
        int types = 0;
        int count = 0;
        foreach (Drive drive in Config.Drives.Where(d => d.Options.Interface == DriveInterface.Floppy))
        {
            FloppyDrive floppy = new(drive.Image);
            fdc.Attach(drive.Options.Index, floppy);
            types |= floppy.Type << (drive.Options.Index == 0 ? 4 : 0);
            count++;
        }

        fdc.Map(Ports);
        Rtc.WriteCmos(0x10, (byte)types);
        Rtc.WriteCmos(0x14, (byte)(Equipment | (count == 0 ? 0 : 0x01 | ((count - 1) << 6))));
        Rtc.UpdateChecksum();
        Floppies = fdc;
        return fdc;
    }

    private IdeDevice CreateIdeDevice(Drive drive)
    {
        int index = drive.Options.Index;
        string id = $"ide{index >> 1}.{index & 1}";
        return drive.Options.Media == DriveMedia.CdRom
            ? new AtapiCdRom(id, index, drive.Image, Clock, Events)
            : new AtaDisk(id, index, drive.Image!, Clock, Events);
    }

    private void CheckPlaces()
    {
        HashSet<(DriveInterface, int)> used = [];
        foreach (Drive drive in Config.Drives)
        {
            DriveOptions options = drive.Options;
            bool needsImage = options is { Interface: DriveInterface.Ide, Media: DriveMedia.Disk };
            if (options.Index < 0 || options.Index >= DriveOptions.PlacesOf(options.Interface) || !used.Add((options.Interface, options.Index))
                || (needsImage && options.File is null && drive.Image is null))
            {
                throw new ArgumentOutOfRangeException(nameof(drive), options, "a drive has no place of its own, or no image");
            }
        }
    }
}
