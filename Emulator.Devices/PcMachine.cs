using Emulator.Core.Cpu;
using Emulator.Core.Machine;
using Emulator.Core.Memory;
using Emulator.Devices.Acpi;
using Emulator.Devices.Board;
using Emulator.Devices.Debugging;
using Emulator.Devices.Dma;
using Emulator.Devices.Firmware;
using Emulator.Devices.Firmware.Bios;
using Emulator.Devices.Input;
using Emulator.Devices.Interrupts;
using Emulator.Devices.Pci;
using Emulator.Devices.Serial;
using Emulator.Devices.Storage;
using Emulator.Devices.Storage.Ide;
using Emulator.Devices.Timers;
using Emulator.Devices.Vga;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Emulator.Devices;

/// <summary>
/// A PC: one CPU, memory, and the chips of an i440FX/PIIX3-class board, wired together. Single-threaded: the thread that calls
/// <see cref="Run"/> owns it, and everything from outside (keys, serial input) enters between two calls or in the CPU's BetweenSlices.
/// </summary>
public sealed partial class PcMachine
{
    private const uint VideoMemory = 0xA0000;
    private const uint ExpansionRom = 0xC0000;
    private const uint OneMebibyte = 0x100000;
    private const uint FrameBuffer = 0xFD000000;
    private const uint VideoRegisters = 0xFEBF0000;

    private static readonly ushort[] SerialBase = [0x3F8, 0x2F8, 0x3E8, 0x2E8];
    private static readonly int[] SerialIrq = [4, 3, 4, 3];

    private readonly IsaInterrupts _irqs = new();
    private readonly I440FxHostBridge _hostBridge;
    private readonly Piix3IsaBridge _isaBridge;
    private readonly Piix3Ide _ide;
    private RunResult? _end;
    private bool _resetRequested;

    /// <summary>Builds a machine in its power-on state.</summary>
    /// <param name="config">What it is made of.</param>
    /// <param name="loggerFactory">Receives diagnostics; null for none.</param>
    /// <exception cref="ArgumentOutOfRangeException">A value of the configuration is out of range.</exception>
    /// <exception cref="OutOfMemoryException">The host has not enough memory.</exception>
    /// <exception cref="StorageException">The image of a drive cannot be opened.</exception>
    public unsafe PcMachine(PcMachineConfig config, ILoggerFactory? loggerFactory = null)
    {
        ArgumentNullException.ThrowIfNull(config);
        ArgumentOutOfRangeException.ThrowIfLessThan(config.RamSize, OneMebibyte, nameof(config));
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)config.SerialPorts, 4u, nameof(config));
        ILoggerFactory loggers = loggerFactory ?? NullLoggerFactory.Instance;
        Config = config;
        Memory = new PhysicalMemory(config.RamSize, loggers.CreateLogger("memory"));
        Ports = new PortMap(loggers.CreateLogger("ports"));
        Cpu = new CpuCore(config.Cpu, Memory, Ports, config.Clock, config.HostNanoseconds, loggers.CreateLogger("cpu"));
        MapRam();

        Apic = new LocalApic(Cpu, RequestReset);
        IoApic = new IoApic(Apic);
        MasterPic = new I8259Pic("pic.master", Apic.CreateLint0(), edgeOnly: 0x07);
        Apic.Pic = MasterPic;
        SlavePic = MasterPic.CreateSlave("pic.slave", edgeOnly: 0x21);
        MasterPic.Map(Ports, 0x20, 0x4D0);
        SlavePic.Map(Ports, 0xA0, 0x4D1);
        for (int i = 0; i < IsaInterrupts.Count; i++)
        {
            if (i != I8259Pic.CascadeInput)
            {
                _irqs.Listen(i, i < 8 ? MasterPic.CreateInput(i) : SlavePic.CreateInput(i - 8));
                _irqs.Listen(i, IoApic.CreateInput(i == 0 ? I8259Pic.CascadeInput : i));
            }
        }

        Hpet = new Hpet(Clock, Events, _irqs.Connect(0), _irqs.Connect(8), IoApicInputs(IoApic.FirstHpet, 4));
        Hpet.Map(Memory);
        if (config.Cpu.Has(CpuFeatures.Apic))
        {
            IoApic.Map(Memory);
        }

        Pit = new I8254Pit(Clock, Events, Hpet.CreatePitInput());
        Pit.Map(Ports);
        PortB = new SystemControlPortB(Clock, Pit);
        PortB.Map(Ports);

        Uart16550A[] serial = new Uart16550A[config.SerialPorts];
        for (int i = 0; i < serial.Length; i++)
        {
            serial[i] = new Uart16550A($"serial{i}", Clock, Events, _irqs.Connect(SerialIrq[i]), config.SerialTransmitLimit);
            serial[i].Map(Ports, SerialBase[i]);
        }

        Serial = serial;
        Rtc = new Mc146818Rtc(Clock, Events, Hpet.CreateRtcInput(), config.RtcBase);
        Rtc.Map(Ports);
        WriteCmosSetup();

        A20Gate a20 = new(Cpu, RequestReset);
        a20.Map(Ports);
        NumericErrorLogic numericError = new(Cpu, _irqs.Connect(13));
        numericError.Map(Ports);
        Keyboard = new Ps2Keyboard(Clock, Events);
        Mouse = new Ps2Mouse(Clock, Events);
        KeyboardController = new I8042Controller(Clock, Events, Keyboard, Mouse, _irqs.Connect(1), _irqs.Connect(12), a20, RequestReset, loggers.CreateLogger("i8042"));
        KeyboardController.Map(Ports);

        DebugPorts = new DebugPorts();
        DebugPorts.Map(Ports);
        Dma = new IsaDma(Memory);
        Dma.Map(Ports);
        if (config.DebugExitPort is ushort exitPort)
        {
            new DebugExit(code => RequestEnd(new RunResult(RunReason.DebugExit, code))).Map(Ports, exitPort, config.DebugExitSize);
        }

        Pci = new PciBus();
        Pci.Map(Ports);
        _hostBridge = new I440FxHostBridge(Memory);
        Pci.Attach(0, 0, _hostBridge);
        _isaBridge = new Piix3IsaBridge(_irqs, IoApicInputs(IoApic.FirstPirq, Piix3IsaBridge.PirqCount), RequestReset);
        _isaBridge.Map(Ports);
        Pci.Attach(1, 0, _isaBridge);
        PowerManagement = new Piix4PowerManagement(Clock, Events, Ports, _irqs.Connect(Piix4PowerManagement.SciIrq), PowerOff);
        Pci.Attach(1, 3, PowerManagement);
        _irqs.Listen(8, PowerManagement.CreateRtcInput());
        _isaBridge.CommandWritten = AcpiCommand;
        IMachineComponent[] storage = CreateStorage(loggers.CreateLogger("storage"), out _ide);
        Pci.Attach(1, 1, _ide);

        FirmwareConfig = new FirmwareConfig(Memory);
        FirmwareConfig.Map(Ports);
        DescribeToFirmware();
        if (config.Vga != VgaKind.None)
        {
            Vga = new VgaAdapter(Clock, Memory);
            Vga.Map(Ports);
            Pci.Attach(2, 0, Vga);
            Screen = new VgaScreen(Vga, Memory);
        }

        BiosPorts = new BiosPorts(Cpu, Ports);
        Components =
        [
            _irqs, Apic, IoApic, MasterPic, SlavePic, Hpet, Pit, PortB, Rtc, a20, numericError, Keyboard, Mouse, KeyboardController, DebugPorts, Dma,
            Pci, .. Pci.Functions, .. serial, FirmwareConfig, BiosPorts, .. storage,
        ];
    }

    /// <summary>What the machine was built from.</summary>
    public PcMachineConfig Config { get; private set; }

    /// <summary>The CPU.</summary>
    public CpuCore Cpu { get; }

    /// <summary>Physical memory.</summary>
    public PhysicalMemory Memory { get; }

    /// <summary>I/O ports.</summary>
    public PortMap Ports { get; }

    /// <summary>Virtual time.</summary>
    public Clock Clock => Cpu.Clock;

    /// <summary>Device timers.</summary>
    public EventQueue Events => Cpu.Events;

    /// <summary>The processor's own interrupt controller.</summary>
    public LocalApic Apic { get; }

    /// <summary>The I/O APIC, absent from memory with a CPU that has no local APIC.</summary>
    public IoApic IoApic { get; }

    /// <summary>The high precision event timers.</summary>
    public Hpet Hpet { get; }

    /// <summary>The interrupt controller of IRQ 0 to 7.</summary>
    public I8259Pic MasterPic { get; }

    /// <summary>The interrupt controller of IRQ 8 to 15.</summary>
    public I8259Pic SlavePic { get; }

    /// <summary>The system timer.</summary>
    public I8254Pit Pit { get; }

    /// <summary>Port 61h: speaker and NMI status.</summary>
    public SystemControlPortB PortB { get; }

    /// <summary>The serial ports, COM1 first.</summary>
    public IReadOnlyList<Uart16550A> Serial { get; }

    /// <summary>The real-time clock and CMOS RAM.</summary>
    public Mc146818Rtc Rtc { get; }

    /// <summary>The keyboard controller.</summary>
    internal I8042Controller KeyboardController { get; }

    /// <summary>The keyboard.</summary>
    public Ps2Keyboard Keyboard { get; }

    /// <summary>The mouse.</summary>
    public Ps2Mouse Mouse { get; }

    /// <summary>The text console on port E9h, the firmware log and POST codes: set its callbacks to receive them.</summary>
    public DebugPorts DebugPorts { get; }

    /// <summary>The ISA DMA channels.</summary>
    public IsaDma Dma { get; }

    /// <summary>The ports of the built-in firmware's services.</summary>
    internal BiosPorts BiosPorts { get; }

    /// <summary>PCI bus 0.</summary>
    public PciBus Pci { get; }

    /// <summary>Power button and power management timer.</summary>
    public Piix4PowerManagement PowerManagement { get; }

    /// <summary>The display adapter; null without one.</summary>
    public VgaAdapter? Vga { get; }

    /// <summary>What the display adapter shows; null without one.</summary>
    public VgaScreen? Screen { get; }

    /// <summary>
    /// Every chip with state, in a fixed order. A snapshot saves RAM, the CPU, the clock and these, and then <see cref="Events"/>; it
    /// loads in the same order (the clock counts the CPU's instructions, and timers are restored last).
    /// </summary>
    public IReadOnlyList<IMachineComponent> Components { get; }

    /// <summary>Runs the machine; resets that the guest asks for happen on the way, unless the configuration forbids them.</summary>
    /// <param name="instructions">Most instructions to retire; each REP iteration counts as one.</param>
    public RunResult Run(long instructions)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(instructions);
        long limit = instructions > long.MaxValue - Cpu.Retired ? long.MaxValue : Cpu.Retired + instructions;
        while (true)
        {
            StopReason reason = Cpu.Run(limit - Cpu.Retired);
            RunResult? result = _end;
            if (result is null && (_resetRequested || reason == StopReason.Shutdown))
            {
                if (!Config.NoReboot && (_resetRequested || !Config.StopOnShutdown))
                {
                    ClearStop();
                    Reset();
                    continue;
                }

                result = new RunResult(_resetRequested ? RunReason.Reset : RunReason.Shutdown);
            }

            result ??= new RunResult(reason switch
            {
                StopReason.Limit => RunReason.Limit,
                StopReason.Halted => RunReason.Halted,
                _ => RunReason.StopRequested,
            });
            if (result.Value.IsFinal)
            {
                ClearStop();
                foreach (Uart16550A uart in Serial)
                {
                    uart.Drain();
                }
            }

            return result.Value;
        }
    }

    /// <summary>Makes <see cref="Run"/> return before the next instruction. Only on the thread that runs the machine.</summary>
    public void RequestStop() => Cpu.RequestStop();

    /// <summary>Asks for a reset before the next instruction, as the guest's own ways do. Only on the thread that runs the machine.</summary>
    public void RequestReset()
    {
        _resetRequested = true;
        Cpu.RequestStop();
    }

    /// <summary>Ends <see cref="Run"/> before the next instruction, with a result that the guest has asked for.</summary>
    /// <param name="result">The result.</param>
    public void RequestEnd(RunResult result)
    {
        _end = result;
        Cpu.RequestStop();
    }

    /// <summary>Resets the board and the CPU, as the reset button does; RAM, time and the CMOS keep what they hold.</summary>
    public void Reset()
    {
        _resetRequested = false;
        foreach (IMachineComponent component in Components)
        {
            component.Reset();
        }

        Cpu.Reset();
        InstallBoot();
    }

    /// <summary>Raises a non-maskable interrupt, unless the guest masks it (bit 7 of port 70h). Call between two guest instructions.</summary>
    public void RaiseNmi()
    {
        if (!Rtc.NmiMasked)
        {
            Apic.RaiseNmi();
        }
    }

    /// <summary>Lets virtual time follow a host clock from now on, or instructions again; it goes on without a jump.</summary>
    /// <param name="hostNanoseconds">A monotonic host time in nanoseconds; null for <see cref="ClockMode.InstructionCount"/>.</param>
    public void SetHostClock(Func<long>? hostNanoseconds) => Clock.Follow(hostNanoseconds);

    /// <summary>
    /// Does what firmware does on this board before it starts an operating system that finds its hardware by ACPI: routes PCI interrupts,
    /// opens the DMA cascade, enables power management and the display adapter, sets the memory types and leaves the ACPI tables at
    /// <see cref="AcpiTables.Address"/>.
    /// </summary>
    public void PrepareDirectBoot()
    {
        PrepareBoard();
        PowerManagement.SetAcpiMode(true);
        InstallTables(AcpiTables.Address);
    }

    /// <summary>What the built-in firmware does first: the same, with the tables below the ROM, and ACPI mode left to the operating system.</summary>
    internal void PrepareForFirmware()
    {
        const uint Tables = 0xE0000;
        PrepareBoard();
        PowerManagement.SetAcpiMode(false);
        _hostBridge.EnableRam(Tables, 0x10000);
        AcpiTables.Install(Memory, Tables, BuildAcpiTables());
    }

    private IrqLine[] IoApicInputs(int first, int count)
    {
        IrqLine[] lines = new IrqLine[count];
        for (int i = 0; i < count; i++)
        {
            lines[i] = IoApic.CreateInput(first + i);
        }

        return lines;
    }

    /// <summary>Shows RAM in a part of C0000h to EFFFFh, for an option ROM that firmware copies there.</summary>
    internal void EnableShadowRam(uint start, uint length) => _hostBridge.EnableRam(start, length);

    private void PrepareBoard()
    {
        int elcr = 1 << Piix4PowerManagement.SciIrq;
        for (int i = 0; i < Piix3IsaBridge.PirqCount; i++)
        {
            _isaBridge.WriteConfiguration(0x60 + i, 1, AcpiTables.PirqIrqs[i]);
            elcr |= 1 << AcpiTables.PirqIrqs[i];
        }

        Ports.Write(0x4D0, 1, (byte)elcr);
        Ports.Write(0x4D1, 1, (byte)(elcr >> 8));
        Dma.OpenCascade();
        PowerManagement.EnableAcpi(Piix4PowerManagement.DefaultBase);
        _ide.EnableChannels(Piix3Ide.DefaultBase);
        Vga?.Enable(FrameBuffer, VideoRegisters);
        PciResources.Assign(Pci);
        if (Cpu.Model.Has(CpuFeatures.Mtrr))
        {
            PrepareMemoryTypes();
        }
    }

    /// <summary>Maps a ROM image, which hides the RAM below it; an image that ends at 1 MiB appears below 4 GiB too.</summary>
    /// <param name="image">The image.</param>
    /// <param name="address">Physical address of its first byte, a multiple of 4096.</param>
    /// <exception cref="ArgumentException">The image is empty, not page aligned, or ends beyond 4 GiB.</exception>
    public void LoadRom(ReadOnlySpan<byte> image, uint address)
    {
        if (image.IsEmpty || address % PhysicalMemory.PageSize != 0 || (ulong)address + (ulong)image.Length > 0x1_0000_0000)
        {
            throw new ArgumentException("a ROM needs a page-aligned address and must end below 4 GiB", nameof(address));
        }

        Memory.MapRom(address, image);
        if (address + (ulong)image.Length == OneMebibyte)
        {
            Memory.MapRom(0u - (uint)image.Length, image);
        }
    }

    /// <summary>
    /// Memory types (SDM volume 3, section 12.11): RAM write-back, video memory uncached, expansion ROMs write-protected, the gigabyte of
    /// PCI and firmware below 4 GiB uncached.
    /// </summary>
    private void PrepareMemoryTypes()
    {
        const uint Fixed64K = 0x250;
        const uint Fixed16K80000 = 0x258;
        const uint Fixed16KA0000 = 0x259;
        const uint Fixed4KFirst = 0x268;
        const uint Fixed4KLast = 0x26F;
        const ulong WriteBack = 0x0606060606060606;
        const ulong Uncached = 0;
        const ulong WriteProtected = 0x0505050505050505;
        const ulong DeviceBase = 0xC0000000;
        const ulong DeviceMask = 0xFC0000000 | 0x800;
        const ulong DefaultType = 0xC06; // enabled, fixed ranges enabled, write-back
        WriteMsr(Fixed64K, WriteBack);
        WriteMsr(Fixed16K80000, WriteBack);
        WriteMsr(Fixed16KA0000, Uncached);
        for (uint number = Fixed4KFirst; number <= Fixed4KLast; number++)
        {
            WriteMsr(number, WriteProtected);
        }

        WriteMsr(0x200, DeviceBase);
        WriteMsr(0x201, DeviceMask);
        WriteMsr(0x2FF, DefaultType);
    }

    private unsafe void WriteMsr(uint number, ulong value)
    {
        if (!ModelSpecificRegisters.Write(Cpu.State, number, value))
        {
            throw new InvalidOperationException($"MSR {number:X}h does not take {value:X}h");
        }
    }

    private void AcpiCommand(byte command)
    {
        if (command is Piix3IsaBridge.AcpiEnable or Piix3IsaBridge.AcpiDisable)
        {
            PowerManagement.SetAcpiMode(command == Piix3IsaBridge.AcpiEnable);
        }
    }

    /// <summary>Soft off.</summary>
    internal void PowerOff() => RequestEnd(new RunResult(RunReason.PoweredOff));

    /// <summary>What PC firmware and operating systems look for in CMOS: memory sizes in KiB, equipment, checksum.</summary>
    private void WriteCmosSetup()
    {
        const int BaseMemory = 640;
        uint extended = Math.Min((Memory.RamSize >> 10) - 1024, 0xFC00);
        uint above16 = Math.Min((Math.Max(Memory.RamSize, 16u << 20) - (16u << 20)) >> 16, 0xFFFF);
        Rtc.WriteCmos(0x14, 0x06); // equipment: coprocessor, pointing device
        WriteCmos16(0x15, BaseMemory);
        WriteCmos16(0x17, extended);
        WriteCmos16(0x30, extended);
        WriteCmos16(0x34, above16);
        Rtc.UpdateChecksum();
    }

    private void WriteCmos16(int index, uint value)
    {
        Rtc.WriteCmos(index, (byte)value);
        Rtc.WriteCmos(index + 1, (byte)(value >> 8));
    }

    private unsafe void ClearStop()
    {
        _end = null;
        _resetRequested = false;
        Cpu.State->Pending &= ~PendingWork.Stop;
    }

    private void MapRam()
    {
        Memory.MapRam(0, 0, VideoMemory);
        Memory.MapRam(ExpansionRom, ExpansionRom, Memory.RamSize - ExpansionRom);
    }
}
