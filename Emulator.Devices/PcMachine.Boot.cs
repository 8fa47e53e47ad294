using Emulator.Devices.Loaders;

namespace Emulator.Devices;

/// <content>What the machine starts from.</content>
public sealed partial class PcMachine
{
    private RomSet? _bootRoms;
    private IBootImage? _bootImage;

    /// <summary>The files that the machine starts from; empty until <see cref="Attach"/>.</summary>
    public BootFiles Boot { get; private set; } = new();

    /// <summary>What the kernel is ("Linux 6.1.0"), or null.</summary>
    public string? BootDescription => _bootImage?.Description;

    /// <summary>Whether the CPU finds code where it starts: a kernel, or a ROM at the reset vector.</summary>
    public bool IsBootable => _bootImage is not null || _bootRoms is { CoversResetVector: true };

    /// <summary>
    /// Maps ROMs and starts a kernel, now and after every reset. Done once, before the machine runs.
    /// </summary>
    /// <param name="boot">The files.</param>
    /// <exception cref="LoaderException">A file is damaged, does not fit, or asks for what the machine lacks.</exception>
    /// <exception cref="InvalidOperationException">Files were attached before.</exception>
    public void Attach(BootFiles boot)
    {
        ArgumentNullException.ThrowIfNull(boot);
        if (_bootRoms is not null)
        {
            throw new InvalidOperationException("boot files are attached already");
        }

        LoaderMachine machine = new(Memory.RamSize) { Logger = Cpu.Logger };
        RomSet roms = new(boot.Roms, Memory.RamSize);
        _bootImage = boot.CreateImage(machine);
        _bootRoms = roms;
        Boot = boot;
        roms.Map(Memory);
        InstallBoot();
    }

    private void InstallBoot()
    {
        _bootRoms?.CopyToRam(Memory);
        if (_bootImage is not null)
        {
            PrepareDirectBoot();
            _bootImage.Install(Cpu);
        }
    }
}
