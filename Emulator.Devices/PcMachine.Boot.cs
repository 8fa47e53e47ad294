using Emulator.Core.Cpu;
using Emulator.Devices.Firmware.Bios;
using Emulator.Devices.Loaders;
using Emulator.Devices.Vga;

namespace Emulator.Devices;

/// <content>What the machine starts from.</content>
public sealed partial class PcMachine
{
    private RomSet? _bootRoms;
    private IBootImage? _bootImage;
    private SystemBios? _bios;

    /// <summary>The files that the machine starts from; empty until <see cref="Attach"/>.</summary>
    public BootFiles Boot { get; private set; } = new();

    /// <summary>What the kernel is ("Linux 6.1.0"), or null.</summary>
    public string? BootDescription => _bootImage?.Description;

    /// <summary>Whether the machine starts from its built-in firmware: files were attached, and there is no kernel, no firmware, no ROM at the
    /// reset vector and no bare image in low RAM among them.</summary>
    public bool HasBuiltInFirmware => _bios is not null;

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

        if (boot.Firmware is not null && boot.Kernel is not null)
        {
            throw new LoaderException("a machine starts from firmware or from a kernel, not both: leave out -bios or -kernel");
        }

        LoaderMachine machine = new(Memory.RamSize) { Logger = Cpu.Logger, HasTextScreen = Vga is not null };
        RomSet roms = new(boot.Roms, Memory.RamSize);
        _bootImage = boot.CreateImage(machine);
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
        else if (_bootImage is null && roms is { CoversResetVector: false, Program: null })
        {
            _bios = new SystemBios(this, Cpu.Logger);
            _hostBridge.UseFirmware();
        }

        InstallBoot();
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

        if (_bootImage is not null)
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
