using System.Numerics;
using Emulator.Core.Cpu;
using Microsoft.Extensions.Logging;

namespace Emulator.Devices.Firmware.Bios;

/// <summary>
/// The built-in firmware: services in C# behind the small ROM of <see cref="BiosRom"/>. It keeps no state of its own: what it remembers lies in
/// the BIOS data areas (<see cref="BiosData"/>) and in the devices.
/// </summary>
internal sealed unsafe class SystemBios
{
    /// <summary>First service number of the video BIOS besides INT 10h.</summary>
    public const int FirstVideoService = 0x41;

    /// <summary>Last service number of the video BIOS.</summary>
    public const int LastVideoService = 0x5F;

    private const int PostService = 0xF0;
    private const int OptionRomService = 0xF1;
    private const int Bios32Service = 0xF2;
    private const int Pci32Service = 0xF3;
    private const int PowerService = 0xF4;
    private const int PlugAndPlayService = 0xF5;
    private const int OptionRomDoneService = 0xF6;
    private const int BootService = 0xF7;
    private const int ProtectedModeService = 0xF8;

    private readonly PcMachine _machine;
    private readonly BiosDrives _drives;
    private readonly DiskServices _disks;
    private readonly KeyboardServices _keyboard;
    private readonly TimeServices _time;
    private readonly SystemServices _system;
    private readonly MouseServices _mouse;
    private readonly PowerServices _power;
    private readonly SerialServices _serial;
    private readonly PciServices _pci;
    private readonly VideoBios _video;
    private readonly BootServices _boot;
    private readonly OptionRoms _optionRoms;
    private readonly PowerOnSelfTest _post;

    /// <summary>Creates the firmware of a board and maps its ROM.</summary>
    /// <param name="machine">The board.</param>
    /// <param name="logger">Receives errors of the host's disks.</param>
    public SystemBios(PcMachine machine, ILogger logger)
    {
        ArgumentNullException.ThrowIfNull(machine);
        _machine = machine;
        _drives = new BiosDrives(machine);
        CdBoot cd = new(_drives, logger);
        _disks = new DiskServices(_drives, cd, logger);
        _keyboard = new KeyboardServices(machine.BiosPorts, machine.Keyboard);
        _time = new TimeServices(machine);
        _mouse = new MouseServices(machine);
        _power = new PowerServices(machine);
        _system = new SystemServices(machine, _mouse, _power, new WaitServices(machine, _time));
        _serial = new SerialServices(machine.BiosPorts, machine.Clock);
        _pci = new PciServices(machine.BiosPorts);
        _optionRoms = new OptionRoms(machine);
        _boot = new BootServices(machine, _drives, cd, _optionRoms, Print, logger);
        _video = new VideoBios(machine.BiosPorts, machine.Vga, machine.Serial.Count != 0 ? machine.Serial[0] : null);
        _post = new PowerOnSelfTest(machine, _drives, _optionRoms, _video);
        byte[] rom = BiosRom.Build(machine.Cpu.Model, machine.Memory.RamSize);
        machine.Memory.MapServiceRom(BiosRom.Address, rom);
        machine.Memory.MapServiceRom(0u - (uint)rom.Length, rom);
        machine.Memory.MapServiceRom(VideoRom.Address, VideoRom.Image);
        machine.Cpu.SetServices(this, &Call);
        foreach (byte b in (ReadOnlySpan<byte>)[.. rom, .. VideoRom.Image])
        {
            Checksum = BitOperations.Crc32C(Checksum, b);
        }
    }

    /// <summary>CRC-32C of the ROMs.</summary>
    public uint Checksum { get; }

    private static bool Call(object target, CpuState* s, int service) => ((SystemBios)target).Run(s, service);

    /// <summary>Services that software enters by INT, or a far call that looks like one: IP, CS and FLAGS are on the stack.</summary>
    private static bool HasFrame(int service) => service is >= 0x10 and <= 0x1A and not 0x18 and not 0x19 or 0x05 or 0x40;

    /// <summary>Messages go to the screen and to the firmware log.</summary>
    private void Print(ref BiosCall call, string text)
    {
        const ushort FirmwareLog = 0x402;
        foreach (char c in text)
        {
            _machine.Ports.Write(FirmwareLog, 1, c);
        }

        _video.Teletype(ref call, text);
    }

    /// <summary>Services that use ports, or call those that do.</summary>
    private static bool UsesPorts(int service) => service is not (0x11 or 0x12 or 0x13 or 0x16 or 0x17 or 0x40);

    private bool Run(CpuState* s, int service)
    {
        BiosPorts ports = _machine.BiosPorts;
        if (CpuMode.IsV86(s))
        {
            if (service == BiosPorts.ResumeService)
            {
                if (!ports.Resume(out service))
                {
                    return true;
                }
            }
            else if (UsesPorts(service))
            {
                ports.Begin(service);
            }
        }

        BiosCall call = new(s, service, ports);
        if (call.IsProtected || call.Begin(HasFrame(service)))
        {
            Run(ref call, service);
        }

        return ports.IsRecording ? ports.End(call.Faulted) : !call.Faulted;
    }

    private void Run(ref BiosCall call, int service)
    {
        switch (service)
        {
            case 0x05:
                PrinterServices.PrintScreen(ref call);
                break;
            case 0x08:
                _time.Tick(ref call);
                break;
            case 0x09:
                _keyboard.Interrupt(ref call);
                break;
            case 0x0E:
                DiskServices.FloppyInterrupt(ref call);
                break;
            case 0x0F:
                _system.UnexpectedInterrupt(ref call);
                break;
            case 0x10 or (>= FirstVideoService and <= LastVideoService):
                _video.Run(ref call, service);
                break;
            case 0x11:
                call.Ax = call.Read16(BiosData.Equipment);
                break;
            case 0x12:
                call.Ax = call.Read16(BiosData.MemorySize);
                break;
            case 0x13:
            case 0x40:
                _disks.Run(ref call);
                break;
            case 0x14:
                _serial.Run(ref call);
                break;
            case 0x15:
                _system.Run(ref call);
                break;
            case 0x17:
                PrinterServices.Run(ref call);
                break;
            case 0x16:
                KeyboardServices.Run(ref call);
                break;
            case 0x19:
                BootServices.Restart(ref call);
                _machine.PostEnded?.Invoke();
                break;
            case 0x1A:
                if (!_time.Run(ref call))
                {
                    _pci.Run(ref call);
                }

                break;
            case 0x70:
                _time.ClockInterrupt(ref call);
                break;
            case 0x74:
                _mouse.Interrupt(ref call);
                break;
            case 0x76:
                call.Write8(BiosData.DiskInterrupt, 0xFF);
                break;
            case PostService:
                _post.Run(ref call);
                break;
            case OptionRomService:
                _optionRoms.FindNext(ref call);
                break;
            case OptionRomDoneService:
                _optionRoms.Finish(ref call);
                break;
            case Bios32Service:
                PciServices.FindService(ref call);
                break;
            case Pci32Service:
                _pci.Run(ref call);
                break;
            case PowerService:
                _power.Run(ref call);
                break;
            case PlugAndPlayService:
                call.Ax = 0x82; // function not supported
                break;
            case ProtectedModeService:
                _system.PrepareProtectedMode(ref call);
                break;
            case BootService:
                _boot.Run(ref call);
                break;
            default:
                break;
        }
    }
}
