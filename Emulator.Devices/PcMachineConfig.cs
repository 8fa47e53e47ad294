using Emulator.Core.Cpu;
using Emulator.Core.Machine;
using Emulator.Devices.Storage;
using Emulator.Devices.Vga;

namespace Emulator.Devices;

/// <summary>What a <see cref="PcMachine"/> is made of. Everything that comes from outside, the date included, is given here.</summary>
public sealed record PcMachineConfig
{
    /// <summary>Date and time (UTC) of power-on unless configured: 2026-01-01 00:00:00, so that two runs are the same run.</summary>
    public static DateTime DefaultRtcBase { get; } = new(2026, 1, 1, 0, 0, 0, DateTimeKind.Utc);

    /// <summary>Bytes of RAM: a multiple of 4096, from 1 MiB to 3 GiB.</summary>
    public uint RamSize { get; init; } = 128u << 20;

    /// <summary>The CPU model.</summary>
    public CpuModel Cpu { get; init; } = CpuModel.Max;

    /// <summary>How virtual time advances.</summary>
    public ClockMode Clock { get; init; } = ClockMode.InstructionCount;

    /// <summary>A monotonic host time in nanoseconds; required by <see cref="ClockMode.Host"/>.</summary>
    public Func<long>? HostNanoseconds { get; init; }

    /// <summary>What the real-time clock shows at power-on (1980 to 2099); a front end that wants the host's time passes it here.</summary>
    public DateTime RtcBase { get; init; } = DefaultRtcBase;

    /// <summary>The display adapter.</summary>
    public VgaKind Vga { get; init; } = VgaKind.Standard;

    /// <summary>Number of serial ports, 0 to 4, in the order COM1 to COM4.</summary>
    public int SerialPorts { get; init; } = 1;

    /// <summary>
    /// Longest time in nanoseconds that a transmitted serial character takes; <see cref="long.MaxValue"/> for exact line rate. The
    /// default lets guests print at about 2.5 million baud, whatever they set.
    /// </summary>
    public long SerialTransmitLimit { get; init; } = 4_000;

    /// <summary>Whether a reset or a triple fault ends <see cref="PcMachine.Run"/> instead of restarting the machine.</summary>
    public bool NoReboot { get; init; }

    /// <summary>Whether a triple fault ends <see cref="PcMachine.Run"/> although resets are allowed.</summary>
    public bool StopOnShutdown { get; init; }

    /// <summary>Order in which firmware tries the kinds of boot devices: a floppy, c hard disk, d CD, n network; the first three count.</summary>
    public string BootOrder { get; init; } = "cad";

    /// <summary>Single boot devices that firmware tries first, as Open Firmware paths ("/pci@i0cf8/ide@1,1/drive@0/disk@0").</summary>
    public IReadOnlyList<string> BootDevices { get; init; } = [];

    /// <summary>Whether firmware offers its boot menu.</summary>
    public bool BootMenu { get; init; }

    /// <summary>Milliseconds for which firmware offers its boot menu, 0 to 65535; null for its own default.</summary>
    public int? BootMenuWait { get; init; }

    /// <summary>Milliseconds after which firmware that found nothing to boot starts over, 0 to 65535; null for never.</summary>
    public int? BootRetryWait { get; init; }

    /// <summary>Whether firmware talks on COM1 when there is no display.</summary>
    public bool FirmwareOnSerial { get; init; }

    /// <summary>First port of the debug-exit device (isa-debug-exit); null for none.</summary>
    public ushort? DebugExitPort { get; init; }

    /// <summary>Number of ports of the debug-exit device: 1, 2 or 4.</summary>
    public int DebugExitSize { get; init; } = 4;

    /// <summary>The drives; the machine opens their images when it is built.</summary>
    public IReadOnlyList<Drive> Drives { get; init; } = [];
}
