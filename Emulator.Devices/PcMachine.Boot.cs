using System.Text;
using Emulator.Core.Cpu;
using Emulator.Devices.Firmware;
using Emulator.Devices.Firmware.Bios;
using Emulator.Devices.Loaders;
using Emulator.Devices.Vga;

namespace Emulator.Devices;

/// <content>What the machine starts from.</content>
public sealed partial class PcMachine
{
    private const uint FirmwareReserve = 1 << 20;

    private RomSet? _bootRoms;
    private IBootImage? _bootImage;
    private SystemBios? _bios;

    /// <summary>The files that the machine starts from; empty until <see cref="Attach"/>.</summary>
    public BootFiles Boot { get; private set; } = new();

    /// <summary>What the kernel is ("Linux 6.1.0"), or null.</summary>
    public string? BootDescription => _bootImage?.Description;

    /// <summary>Whether the machine starts from its built-in firmware: files were attached, and there is no kernel that starts directly, no firmware, no ROM at
    /// the reset vector and no bare image in low RAM among them.</summary>
    public bool HasBuiltInFirmware => _bios is not null;

    /// <summary>The option ROM by which firmware starts the kernel; null without.</summary>
    internal byte[]? KernelRom { get; private set; }

    /// <summary>CRC-32C of the ROMs of the built-in firmware; null without it.</summary>
    internal uint? BuiltInFirmwareChecksum => _bios?.Checksum;

    /// <summary>Whether the CPU finds code where it starts, which is so from <see cref="Attach"/> on.</summary>
    public bool IsBootable => _bootRoms is not null;

    /// <summary>
    /// Maps ROMs and starts a kernel, or the built-in firmware when nothing else covers the reset vector, now and after every reset. Done once,
    /// before the machine runs.
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

        // Firmware keeps some memory at the end for its tables.
        uint ram = boot.KernelByFirmware ? Memory.RamSize - Math.Min(FirmwareReserve, Memory.RamSize) : Memory.RamSize;
        LoaderMachine machine = new(ram) { Logger = Cpu.Logger, HasTextScreen = Vga is not null };
        RomSet roms = new(boot.Roms, Memory.RamSize);
        _bootImage = boot.CreateImage(machine);
        bool hasBuiltIn = boot.Firmware is null && (_bootImage is null || boot.KernelByFirmware) && roms is { CoversResetVector: false, Program: null };
        AddOptionRoms(boot, hasBuiltIn || boot.Firmware is not null || roms.CoversResetVector);
        if (boot.KernelByFirmware)
        {
            AddKernel(boot, hasBuiltIn || boot.Firmware is not null);
        }

        if (boot.VideoRom is not null)
        {
            if (boot.VideoRom.Data.Length is 0 or > VgaAdapter.MaximumRom)
            {
                throw new LoaderException($"{boot.VideoRom.Name}: a video ROM has 1 to {VgaAdapter.MaximumRom} bytes");
            }

            Vga?.InstallRom(boot.VideoRom.Data);
        }

        _bootRoms = roms;
        Boot = boot;
        roms.Map(Memory);
        if (boot.Firmware is not null)
        {
            MapFirmware(boot.Firmware);
        }
        else if (hasBuiltIn)
        {
            _bios = new SystemBios(this, Cpu.Logger);
            _hostBridge.UseFirmware();
        }

        InstallBoot();
    }

    /// <summary>Gives firmware the files of -option-rom.</summary>
    private void AddOptionRoms(BootFiles boot, bool hasFirmware)
    {
        const int Largest = 0xFF * 512;
        HashSet<string> names = [LinuxRom.File];
        foreach (GuestFile rom in boot.OptionRoms)
        {
            if (!hasFirmware)
            {
                throw new LoaderException($"{rom.Name}: option ROMs need firmware: give -bios FILE or -bios builtin, or leave out -kernel");
            }

            if (rom.Data.Length is < 3 or > Largest || rom.Data[0] != 0x55 || rom.Data[1] != 0xAA || rom.Data[2] * 512 > rom.Data.Length)
            {
                throw new LoaderException($"{rom.Name}: is no option ROM: it begins with 55h AAh and its size in 512 bytes, and has at most {Largest} bytes");
            }

            string name = OptionRomName(rom.Name);
            if (!names.Add(name))
            {
                throw new LoaderException($"{rom.Name}: another option ROM is called {name} too");
            }

            FirmwareConfig.AddFile(name, rom.Data);
        }
    }

    /// <summary>Gives firmware the kernel, and the option ROM that starts it.</summary>
    private void AddKernel(BootFiles boot, bool hasFirmware)
    {
        if (!hasFirmware)
        {
            throw new LoaderException($"{boot.Kernel!.Name}: --rom and -bios builtin exclude each other when there is a kernel");
        }

        if (_bootImage is not LinuxLoader linux)
        {
            throw new LoaderException($"{boot.Kernel!.Name}: firmware starts Linux kernels only: leave out -bios for a multiboot kernel");
        }

        linux.Describe(FirmwareConfig);
        KernelRom = LinuxRom.Build();
        FirmwareConfig.AddFile(LinuxRom.File, KernelRom);
        AddBootOrder([LinuxRom.BootPath, .. Config.BootDevices]);
    }

    /// <summary>The name of a file in fw_cfg: the last part of its own, as much of it as fits.</summary>
    private static string OptionRomName(string path)
    {
        const int Longest = 40;
        StringBuilder name = new("genroms/");
        foreach (char c in Path.GetFileName(path))
        {
            if (name.Length < Longest)
            {
                name.Append(c is > ' ' and <= '~' ? c : '_');
            }
        }

        return name.ToString();
    }

    private void InstallBoot()
    {
        if (_bootRoms is null)
        {
            return;
        }

        _bootRoms.CopyToRam(Memory);
        if (Boot.Firmware is null && _bios is null && !_bootRoms.CoversResetVector)
        {
            Vga?.SetTextMode();
        }

        if (_bootImage is not null && !Boot.KernelByFirmware)
        {
            PrepareDirectBoot();
            _bootImage.Install(Cpu);
        }
        else if (Boot.Firmware is null && !_bootRoms.CoversResetVector && _bootRoms.Program is { } program)
        {
            StartRealMode(program.Address);
        }
    }

    /// <summary>Starts at an address below 1 MiB in real mode: at 0000:address in the first 64 KiB, as a boot sector is, else at segment:0
    /// (or a small offset when the address is no paragraph).</summary>
    private unsafe void StartRealMode(uint address)
    {
        uint segment = address < 0x10000 ? 0 : address >> 4;
        SegmentRegister* cs = CpuState.Segment(Cpu.State, SegmentIndex.Cs);
        cs->Selector = (ushort)segment;
        cs->Base = segment << 4;
        cs->Update();
        Cpu.State->Eip = address - cs->Base;
        CpuMode.Update(Cpu.State);
    }
}
