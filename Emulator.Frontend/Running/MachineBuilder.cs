using System.Diagnostics;
using Emulator.Core.Cpu;
using Emulator.Core.Machine;
using Emulator.Core.Snapshot;
using Emulator.Devices;
using Emulator.Devices.Loaders;
using Emulator.Devices.Snapshot;
using Emulator.Devices.Storage;
using Emulator.Devices.Storage.Images;
using Emulator.Devices.Vga;
using Emulator.Frontend.CommandLine;
using Microsoft.Extensions.Logging;
using TestRoms;

namespace Emulator.Frontend.Running;

/// <summary>Builds the machine that a command line describes, or continues a saved one.</summary>
internal static class MachineBuilder
{
    private const uint DefaultRam = 128u << 20;
    private const ulong FirmwareEnd = 1 << 20;
    private const ulong AddressSpace = 1UL << 32;
    private const string DefaultVideoBios = "vgabios-stdvga.bin";

    /// <summary>What stands for the demo disk where an image file is expected.</summary>
    private const string DemoDiskName = "demo:";

    private const string BuiltInFirmware = "builtin";

    private static readonly string[] FirmwareDirectories = ["/usr/share/seabios", "/usr/share/qemu"];

    /// <summary>Builds the machine.</summary>
    /// <param name="options">The command line.</param>
    /// <param name="clock">The clock, the default resolved.</param>
    /// <param name="loggers">Receives diagnostics.</param>
    /// <exception cref="UsageException">It cannot be built.</exception>
    public static PcMachine Build(RunOptions options, ClockMode clock, ILoggerFactory loggers)
    {
        try
        {
            return options.LoadState is null ? BuildNew(options, clock, loggers) : Load(options, options.LoadState, clock, loggers);
        }
        catch (Exception e) when (e is LoaderException or SnapshotException or StorageException)
        {
            throw new UsageException(e.Message.ReplaceLineEndings(" "), e);
        }
        catch (OutOfMemoryException e)
        {
            throw new UsageException("the host has not enough memory for this machine", e);
        }
    }

    /// <summary>Monotonic host time in nanoseconds.</summary>
    public static long HostNanoseconds() => (long)(Stopwatch.GetTimestamp() * (1e9 / Stopwatch.Frequency));

    private static PcMachine BuildNew(RunOptions options, ClockMode clock, ILoggerFactory loggers)
    {
        uint ram = options.RamSize ?? DefaultRam;
        BootFiles boot = options.BootFiles ?? BootFiles.Read(options.Kernel, options.Initrd, options.Append ?? "", options.Roms, ram) with
        {
            Firmware = ReadFirmware(options.Bios),
            KernelByBuiltInFirmware = options.Kernel is not null && options.Bios == BuiltInFirmware,
            OptionRoms = ReadOptionRoms(options),
        };
        PcMachineConfig defaults = new();
        VgaKind vga = options.Vga ?? VgaKind.Standard;
        boot = boot with { VideoRom = vga == VgaKind.None ? null : VideoRom(options) };
        PcMachine machine = new(
            defaults with
            {
                RamSize = ram,
                Cpu = options.Cpu ?? CpuModel.Max,
                Clock = clock,
                HostNanoseconds = HostNanoseconds,
                RtcBase = RtcBase(options, clock),
                Vga = vga,
                SerialPorts = options.Serial?.Count ?? 1,
                NoReboot = options.NoReboot,
                StopOnShutdown = options.StopOnHalt,
                DebugExitPort = options.DebugExitPort,
                DebugExitSize = options.DebugExitSize,
                BootOrder = options.Boot?.Order ?? defaults.BootOrder,
                BootMenu = options.Boot?.Menu ?? false,
                BootMenuWait = options.Boot?.Wait,
                BootRetryWait = options.Boot?.RetryWait,
                FirmwareOnSerial = options.NoGraphic,
                Drives = [.. DrivesOf(options).Select(CreateDrive)],
            },
            loggers);
        machine.Attach(boot);
        return machine;
    }

    private static PcMachine Load(RunOptions options, string path, ClockMode clock, ILoggerFactory loggers)
    {
        (PcMachineConfig saved, BootFiles boot) = MachineSnapshot.ReadConfiguration(path);
        Compare(path, "-m", options.RamSize is { } ram && ram != saved.RamSize);
        Compare(path, "-cpu", options.Cpu is { } cpu && cpu != saved.Cpu);
        Compare(path, "-rtc", options.Rtc != RtcBaseKind.Default && (options.Rtc != RtcBaseKind.Fixed || options.RtcDate != saved.RtcBase));
        Compare(path, "-device", options.DebugExitPort is { } port && (port != saved.DebugExitPort || options.DebugExitSize != saved.DebugExitSize));
        Compare(path, "-vga", options.Vga is { } vga && vga != saved.Vga);
        Compare(path, "--video-bios", options.VideoBios is { } && !Same(VideoRom(options), boot.VideoRom));
        Compare(path, "-append", options.Append is { } append && append != boot.CommandLine);
        Compare(path, "-serial", options.Serial is { } serial && serial.Count != saved.SerialPorts);
        Compare(path, "-bios", ReadFirmware(options.Bios) is { } firmware && !Same(firmware, boot.Firmware));
        Compare(path, "-boot", options.Boot is { } order && ((order.Order ?? saved.BootOrder) != saved.BootOrder || order.Menu != saved.BootMenu || order.Wait != saved.BootMenuWait || order.RetryWait != saved.BootRetryWait));
        Compare(path, "-drive", options.Drives is { } drives && !drives.Order(DriveOptions.ByPlace).Select(d => d.WithFullPath()).SequenceEqual(saved.Drives.Select(d => d.Options)));
        Compare(path, "-option-rom", options.OptionRoms.Count != 0 && !(options.OptionRoms.Count == boot.OptionRoms.Count && ReadOptionRoms(options).Zip(boot.OptionRoms).All(p => Same(p.First, p.Second))));
        CompareFiles(options, path, saved.RamSize, boot);
        return MachineSnapshot.Load(path, config => config with { Drives = [.. config.Drives.Select(d => CreateDrive(d.Options))], Clock = clock, HostNanoseconds = HostNanoseconds, NoReboot = options.NoReboot, StopOnShutdown = options.StopOnHalt }, loggers);
    }

    /// <summary>The drives of a machine that has nothing else to start from are the demo disk.</summary>
    private static IReadOnlyList<DriveOptions> DrivesOf(RunOptions options) => options.StartsDemo ? [new DriveOptions { File = DemoDiskName, Snapshot = true }] : options.Drives ?? [];

    private static Drive CreateDrive(DriveOptions options) => options.File == DemoDiskName
        ? new Drive(options, new OverlayImage(new MemoryImage(DemoDisk.Open(), readOnly: true, DemoDiskName)))
        : new Drive(options);

    /// <summary>The boot files are part of the saved state; given again, they must be the same.</summary>
    private static void CompareFiles(RunOptions options, string path, uint ramSize, BootFiles saved)
    {
        BootFiles given = BootFiles.Read(options.Kernel, options.Kernel is null ? null : options.Initrd, "", options.Roms, ramSize);
        Compare(path, "-kernel", given.Kernel is not null && !Same(given.Kernel, saved.Kernel));
        if (options.Initrd is not null)
        {
            bool same = given.Kernel is not null
                ? given.InitrdFiles.Count == saved.InitrdFiles.Count && given.InitrdFiles.Zip(saved.InitrdFiles).All(p => Same(p.First, p.Second))
                : options.Initrd == saved.Initrd;
            Compare(path, "-initrd", !same);
        }

        if (given.Roms.Count != 0)
        {
            bool same = given.Roms.Count == saved.Roms.Count
                && given.Roms.Zip(saved.Roms).All(p => p.First.Address == p.Second.Address && Same(p.First.File, p.Second.File));
            Compare(path, "--rom", !same);
        }
    }

    private static GuestFile? ReadFirmware(string? name)
    {
        if (name is null or BuiltInFirmware)
        {
            return null;
        }

        string found = name;
        if (Path.GetFileName(name) == name && !File.Exists(name))
        {
            found = FirmwareDirectories.Select(d => Path.Combine(d, name)).FirstOrDefault(File.Exists) ?? name;
        }

        return GuestFile.Read(found, RomImage.MaximumLength);
    }

    private static List<GuestFile> ReadOptionRoms(RunOptions options) => [.. options.OptionRoms.Select(f => GuestFile.Read(f, RomImage.MaximumLength))];

    private static bool Same(GuestFile? a, GuestFile? b) => a is null ? b is null : b is not null && a.Data.AsSpan().SequenceEqual(b.Data);

    /// <summary>The option ROM that the command line names, or the one that Debian's package has beside its BIOS images.</summary>
    private static GuestFile? VideoRom(RunOptions options)
    {
        if (options.VideoBios is not null)
        {
            return options.VideoBios == "none" ? null : GuestFile.Read(options.VideoBios, VgaAdapter.MaximumRom);
        }

        // Where there is firmware, its directory.
        string? firmware = ReadFirmware(options.Bios)?.Name
            ?? options.Roms.Select(RomImage.Parse).FirstOrDefault(r => r.End is FirmwareEnd or AddressSpace)?.File.Name;
        if (firmware is not null)
        {
            string beside = Path.Combine(Path.GetDirectoryName(Path.GetFullPath(firmware)) ?? "", DefaultVideoBios);
            return File.Exists(beside) ? GuestFile.Read(beside, VgaAdapter.MaximumRom) : null;
        }

        return null;
    }

    private static void Compare(string path, string option, bool differs)
    {
        if (differs)
        {
            throw new UsageException($"{path}: was saved with another {option}; leave the option out or give what the machine was saved with");
        }
    }

    private static DateTime RtcBase(RunOptions options, ClockMode clock) => options.Rtc switch
    {
        RtcBaseKind.Fixed => options.RtcDate,
        RtcBaseKind.Utc => DateTime.UtcNow,
        RtcBaseKind.LocalTime => DateTime.SpecifyKind(DateTime.Now, DateTimeKind.Utc),
        _ => clock == ClockMode.Host ? DateTime.UtcNow : PcMachineConfig.DefaultRtcBase,
    };
}
