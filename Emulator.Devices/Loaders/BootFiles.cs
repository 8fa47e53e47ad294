namespace Emulator.Devices.Loaders;

/// <summary>The files that a machine starts from, read whole; a snapshot carries them with it.</summary>
public sealed record BootFiles
{
    /// <summary>Firmware, whose last byte lies below 4 GiB; or null.</summary>
    public GuestFile? Firmware { get; init; }

    /// <summary>Whether a kernel is started by the built-in firmware instead of directly. <see cref="Firmware"/> starts it in any case.</summary>
    public bool KernelByBuiltInFirmware { get; init; }

    /// <summary>Whether firmware starts the kernel.</summary>
    public bool KernelByFirmware => Kernel is not null && (Firmware is not null || KernelByBuiltInFirmware);

    /// <summary>Linux or multiboot kernel, or null. Firmware starts Linux only.</summary>
    public GuestFile? Kernel { get; init; }

    /// <summary>What <c>-initrd</c> says; see <see cref="KernelLoader.Load"/>.</summary>
    public string? Initrd { get; init; }

    /// <summary>The files that <see cref="Initrd"/> names.</summary>
    public IReadOnlyList<GuestFile> InitrdFiles { get; init; } = [];

    /// <summary>Kernel command line.</summary>
    public string CommandLine { get; init; } = "";

    /// <summary>Bare images.</summary>
    public IReadOnlyList<RomImage> Roms { get; init; } = [];

    /// <summary>Option ROMs that firmware finds by fw_cfg; the built-in firmware has them too.</summary>
    public IReadOnlyList<GuestFile> OptionRoms { get; init; } = [];

    /// <summary>The display adapter's option ROM, or null.</summary>
    public GuestFile? VideoRom { get; init; }

    /// <summary>Reads the files that a command line names.</summary>
    /// <param name="kernel">Kernel file, or null.</param>
    /// <param name="initrd">What <c>-initrd</c> says, or null.</param>
    /// <param name="commandLine">What <c>-append</c> says.</param>
    /// <param name="roms">What each <c>--rom</c> says: FILE@ADDRESS.</param>
    /// <param name="ramSize">Bytes of RAM, the most that a file can have.</param>
    /// <exception cref="LoaderException">A file cannot be read.</exception>
    public static BootFiles Read(string? kernel, string? initrd, string commandLine, IEnumerable<string> roms, uint ramSize)
    {
        ArgumentNullException.ThrowIfNull(roms);
        GuestFile? kernelFile = kernel is null ? null : GuestFile.Read(kernel, ramSize);
        List<GuestFile> files = [];
        if (kernelFile is not null && initrd is not null)
        {
            if (LinuxLoader.IsLinux(kernelFile.Data))
            {
                files.Add(GuestFile.Read(initrd, ramSize));
            }
            else
            {
                foreach (MultibootModule module in MultibootModule.Parse(initrd, name => GuestFile.Read(name, ramSize)))
                {
                    files.Add(module.File);
                }
            }
        }

        return new BootFiles { Kernel = kernelFile, Initrd = initrd, InitrdFiles = files, CommandLine = commandLine, Roms = [.. roms.Select(RomImage.Parse)] };
    }

    /// <summary>Checks the kernel against a machine and prepares it; null without a kernel.</summary>
    /// <param name="machine">The machine.</param>
    /// <exception cref="LoaderException">It is no kernel, is damaged, does not fit, or asks for what the machine lacks.</exception>
    public IBootImage? CreateImage(LoaderMachine machine) => Kernel is null
        ? null
        : KernelLoader.Load(Kernel, Initrd, CommandLine, machine, name => InitrdFiles.FirstOrDefault(f => f.Name == name) ?? throw new LoaderException($"{name}: was not read"));
}
