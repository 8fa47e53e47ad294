using System.Buffers.Binary;
using System.Globalization;
using Emulator.Devices.Storage;
using Emulator.Devices.Storage.Images;
using Microsoft.Extensions.Logging;

namespace Emulator.Devices.Firmware.Bios;

/// <summary>
/// INT 19h and 18h: the boot menu, and one device of the boot order after the other until one starts an operating system. Where it is in this
/// lies in the extended BIOS data area; the ROM waits for interrupts while there is nothing to do.
/// </summary>
internal sealed class BootServices
{
    private const ushort BootSector = 0x7C00;
    private const ushort Signature = 0xAA55;
    private const int DefaultMenuWait = 2500;
    private const byte NoChoice = 0xFF;
    private const ushort ScanEscape = 0x01;
    private const ushort ScanF12 = 0x86;

    private readonly PcMachine _machine;
    private readonly BiosDrives _drives;
    private readonly CdBoot _cd;
    private readonly OptionRoms _optionRoms;
    private readonly BiosPrinter _print;
    private readonly ILogger _logger;

    public BootServices(PcMachine machine, BiosDrives drives, CdBoot cd, OptionRoms optionRoms, BiosPrinter print, ILogger logger)
    {
        _machine = machine;
        _drives = drives;
        _cd = cd;
        _optionRoms = optionRoms;
        _print = print;
        _logger = logger;
    }

    private enum Phase : byte
    {
        Start,
        Prompt,
        Menu,
        Devices,
        NothingLeft,
    }

    private enum DeviceKind
    {
        Floppy,
        Disk,
        Cd,

        /// <summary>A disk that an option ROM has connected.</summary>
        RomDisk,

        /// <summary>A boot entry vector of an option ROM.</summary>
        Network,

        /// <summary>The boot entry vector for <c>-kernel</c>.</summary>
        Kernel,
    }

    /// <summary>INT 19h: begins with the first device again.</summary>
    public static void Restart(ref BiosCall call)
    {
        call.Write8(BiosData.BootNext, 0);
        call.Write8(BiosData.BootPhase, (byte)Phase.Start);
        call.Write8(BiosData.BootChoice, NoChoice);
        call.Write8(BiosData.BootFirstDisk, 0);
        call.Write8(BiosData.CdIsActive, 0);
    }

    /// <summary>One step: entry point in AX:BX and drive in DL, or a wait.</summary>
    public void Run(ref BiosCall call)
    {
        while (true)
        {
            switch ((Phase)call.Read8(BiosData.BootPhase))
            {
                case Phase.Start:
                    if (!_machine.Config.BootMenu)
                    {
                        Enter(ref call, Phase.Devices);
                        break;
                    }

                    _print(ref call, "\r\nPress ESC for boot menu.\r\n\r\n");
                    SetDeadline(ref call, _machine.Config.BootMenuWait ?? DefaultMenuWait);
                    Enter(ref call, Phase.Prompt);
                    break;
                case Phase.Prompt:
                    if (KeyboardServices.Take(ref call) is { } key)
                    {
                        if (key >> 8 is ScanEscape or ScanF12)
                        {
                            ShowMenu(ref call);
                            Enter(ref call, Phase.Menu);
                        }

                        call.Again();
                        return;
                    }

                    if (!IsOver(ref call))
                    {
                        call.Wait();
                        return;
                    }

                    Enter(ref call, Phase.Devices);
                    break;
                case Phase.Menu:
                    if (KeyboardServices.Take(ref call) is not { } choice)
                    {
                        call.Wait();
                        return;
                    }

                    int number = (choice & 0xFF) - '1';
                    if (choice >> 8 == ScanEscape)
                    {
                        Enter(ref call, Phase.Devices);
                    }
                    else if (number >= 0 && number < All(ref call).Count)
                    {
                        call.Write8(BiosData.BootChoice, (byte)number);
                        Enter(ref call, Phase.Devices);
                    }

                    call.Again();
                    return;
                case Phase.Devices:
                    if (TryNext(ref call))
                    {
                        return;
                    }

                    break;
                default:
                    if (_machine.Config.BootRetryWait is not null && IsOver(ref call))
                    {
                        _machine.RequestReset();
                    }

                    call.Wait();
                    return;
            }

            if (call.Faulted)
            {
                return;
            }
        }
    }

    private static void Enter(ref BiosCall call, Phase phase) => call.Write8(BiosData.BootPhase, (byte)phase);

    private void SetDeadline(ref BiosCall call, int milliseconds) => call.Write32(BiosData.BootDeadline, (uint)(Milliseconds + milliseconds));

    private bool IsOver(ref BiosCall call) => (int)((uint)Milliseconds - call.Read32(BiosData.BootDeadline)) >= 0;

    private long Milliseconds => _machine.Clock.Now / 1_000_000;

    /// <summary>Tries the next device of the order; true when it can start.</summary>
    private bool TryNext(ref BiosCall call)
    {
        List<BootDevice> order = Order(ref call);
        int next = call.Read8(BiosData.BootNext);
        call.Write8(BiosData.CdIsActive, 0);
        if (next >= order.Count)
        {
            string retry = _machine.Config.BootRetryWait is { } wait ? string.Create(CultureInfo.InvariantCulture, $"  Retrying in {(wait + 999) / 1000} seconds.") : "";
            _print(ref call, $"No bootable device.{retry}\r\n");
            SetDeadline(ref call, _machine.Config.BootRetryWait ?? 0);
            Enter(ref call, Phase.NothingLeft);
            return false;
        }

        BootDevice device = order[next];
        call.Write8(BiosData.BootNext, (byte)(next + 1));
        _print(ref call, $"Booting from {device.Kind switch { DeviceKind.Floppy => "Floppy", DeviceKind.Disk or DeviceKind.RomDisk => "Hard Disk", DeviceKind.Cd => "DVD/CD", _ => "ROM" }}...\r\n");
        string? failure = Load(ref call, device);
        if (failure is not null)
        {
            _print(ref call, $"Boot failed: {failure}\r\n\r\n");
        }

        return failure is null;
    }

    private string? Load(ref BiosCall call, BootDevice device)
    {
        switch (device.Kind)
        {
            case DeviceKind.Cd:
                if (_cd.Load(ref call, device.Index, device.Entry, out ushort segment, out byte number) is { } failure)
                {
                    return failure;
                }

                Start(ref call, segment, 0, number);
                return null;
            case DeviceKind.RomDisk:
                Start(ref call, BiosRom.Segment, BiosRom.Offset(BiosRom.Entry.RomDisk), (byte)(BiosDrives.FirstDisk + device.Index));
                return null;
            case DeviceKind.Network or DeviceKind.Kernel:
                OptionVector vector = OptionRoms.Read(ref call, device.Index);
                Start(ref call, vector.Segment, vector.Offset, 0);
                return null;
            default:
                bool floppy = device.Kind == DeviceKind.Floppy;
                call.Write8(BiosData.BootFirstDisk, floppy ? (byte)0 : (byte)device.Index);
                BiosDrive drive = floppy ? _drives.Floppy(device.Index) : _drives.Disk(ref call, device.Index);
                return LoadSector(ref call, drive);
        }
    }

    private string? LoadSector(ref BiosCall call, in BiosDrive drive)
    {
        if (drive.Medium is not { } medium)
        {
            return "no medium";
        }

        Span<byte> sector = stackalloc byte[BlockImage.SectorSize];
        try
        {
            medium.Read(0, sector);
        }
        catch (StorageException e)
        {
            _logger.LogError("boot: {Message}", e.Message);
            return "could not read the boot disk";
        }

        drive.Floppy?.Seek(0);
        bool signed = BinaryPrimitives.ReadUInt16LittleEndian(sector[510..]) == Signature;
        if (!signed && (drive.Kind == BiosDriveKind.Disk || !sector[..20].ContainsAnyExcept(sector[0])))
        {
            return "not a bootable disk";
        }

        call.WriteBytes(BootSector, sector);
        Start(ref call, 0, BootSector, drive.Kind == BiosDriveKind.Disk ? BiosDrives.FirstDisk : (byte)drive.Index);
        return null;
    }

    private static void Start(ref BiosCall call, ushort segment, ushort offset, byte drive)
    {
        call.Ax = segment;
        call.Bx = offset;
        call.Dx = drive;
        call.Di = BiosRom.PlugAndPlay;
    }

    /// <summary>
    /// The devices to try: the menu's choice; else the kernel, the configured single devices, the order of kinds, and at last the boot entry vectors of option ROMs.
    /// </summary>
    private List<BootDevice> Order(ref BiosCall call)
    {
        List<BootDevice> all = All(ref call);
        byte choice = call.Read8(BiosData.BootChoice);
        if (choice < all.Count)
        {
            return [all[choice]];
        }

        List<BootDevice> firsts = all.FindAll(d => d.Entry == 0);
        List<BootDevice> order = firsts.FindAll(d => d.Kind == DeviceKind.Kernel);
        foreach (string path in _machine.Config.BootDevices)
        {
            order.AddRange(firsts.Where(d => path.Contains(d.Path, StringComparison.Ordinal)));
        }

        foreach (char kind in _machine.Config.BootOrder)
        {
            order.AddRange(firsts.Where(d => kind switch
            {
                'a' => d.Kind == DeviceKind.Floppy,
                'c' => d.Kind is DeviceKind.Disk or DeviceKind.RomDisk,
                'd' => d.Kind == DeviceKind.Cd,
                'n' => d.Kind == DeviceKind.Network,
                _ => false,
            }));
        }

        order.AddRange(firsts.Where(d => d.Kind == DeviceKind.Network));
        return [.. order.Distinct()];
    }

    /// <summary>Every device, as the menu lists them.</summary>
    private List<BootDevice> All(ref BiosCall call)
    {
        List<BootDevice> all = [];
        for (int i = 0; i < 2; i++)
        {
            if (_drives.Floppy(i).Kind != BiosDriveKind.None)
            {
                all.Add(new BootDevice(DeviceKind.Floppy, i, i == 0 ? "Floppy [drive A]" : "Floppy [drive B]", $"floppy@{i}"));
            }
        }

        int disks = 0;
        int cds = 0;
        foreach (DriveOptions drive in _machine.Config.Drives.Select(d => d.Options).Where(o => o.Interface == DriveInterface.Ide).OrderBy(o => o.Index))
        {
            string place = string.Create(CultureInfo.InvariantCulture, $"ata{drive.Index >> 1}-{drive.Index & 1}");
            string path = string.Create(CultureInfo.InvariantCulture, $"drive@{drive.Index >> 1}/disk@{drive.Index & 1}");
            if (drive.Media != DriveMedia.CdRom)
            {
                all.Add(new BootDevice(DeviceKind.Disk, disks++, $"Hard Disk [{place}]", path));
                continue;
            }

            all.Add(new BootDevice(DeviceKind.Cd, cds, $"DVD/CD [{place}]", path));
            IReadOnlyList<string> entries = _cd.EntryNames(cds);
            for (int i = 1; i < entries.Count; i++)
            {
                all.Add(new BootDevice(DeviceKind.Cd, cds, string.Create(CultureInfo.InvariantCulture, $"DVD/CD [{place}] {i + 1} {entries[i]}").TrimEnd(), path, i));
            }

            cds++;
        }

        for (int i = _drives.DiskCount; i < call.Read8(BiosData.DiskCount); i++)
        {
            all.Add(new BootDevice(DeviceKind.RomDisk, i, string.Create(CultureInfo.InvariantCulture, $"Hard Disk [option ROM, {BiosDrives.FirstDisk + i:X2}h]"), "rom-disk@"));
        }

        for (int i = 0; i < OptionRoms.Count(ref call); i++)
        {
            OptionVector vector = OptionRoms.Read(ref call, i);
            if (vector.Kind is OptionRomKind.Entry or OptionRomKind.Kernel)
            {
                all.Add(new BootDevice(vector.Kind == OptionRomKind.Kernel ? DeviceKind.Kernel : DeviceKind.Network, i, _optionRoms.Name(vector), "ethernet@"));
            }
        }

        return all;
    }

    private void ShowMenu(ref BiosCall call)
    {
        List<BootDevice> all = All(ref call);
        _print(ref call, "Select boot device:\r\n\r\n");
        for (int i = 0; i < all.Count; i++)
        {
            _print(ref call, string.Create(CultureInfo.InvariantCulture, $"{i + 1}. {all[i].Name}\r\n"));
        }

        _print(ref call, "\r\n");
    }

    /// <param name="Kind">Kind.</param>
    /// <param name="Index">Number among its kind; of a vector in the table of vectors.</param>
    /// <param name="Name">What the menu shows.</param>
    /// <param name="Path">How the configuration names it.</param>
    /// <param name="Entry">Number of the bootable entry of a CD.</param>
    private sealed record BootDevice(DeviceKind Kind, int Index, string Name, string Path, int Entry = 0);
}
