// Power management function of the Intel 82371AB PIIX4 (datasheet 290562, chapter 7): PCI function 3 of the ISA bridge, identification
// 8086:7113, as boards of this class pair it with the PIIX3.
//
// Modelled: PM1 status, enable and control with soft off (SUS_TYP 0), the 24-bit power management timer at 3579545 Hz with its overflow
// status, the power button, interrupt 8 as RTC status, the release of the global lock, SCI. SUS_TYP values of suspend states wake at once, with RSM_STS set. The general-purpose, global and device
// registers are latches that no event touches; LVL2 and LVL3 reads return 0 and do not stop the clock; the SMBus is absent.
//
// Ports: 64 at the base in PMBA (40h), enabled with PMREGMISC (80h) bit 0. SCI on IRQ 9.
using Emulator.Core.Machine;
using Emulator.Core.Snapshot;
using Emulator.Devices.Timers;

namespace Emulator.Devices.Pci;

/// <summary>ACPI power management: soft off, power button, timer.</summary>
public sealed unsafe class Piix4PowerManagement : PciFunction
{
    /// <summary>Frequency of the power management timer in hertz.</summary>
    public const long TimerFrequency = 3_579_545;

    /// <summary>Base of the ports that firmware of this board sets.</summary>
    public const ushort DefaultBase = 0xB000;

    /// <summary>Interrupt number of the SCI.</summary>
    public const int SciIrq = 9;

    private const int PortCount = 64;
    private const int BaseRegister = 0x40;
    private const int ActivityB = 0x58;
    private const uint ApmcEnable = 1u << 25;
    private const int MiscRegister = 0x80;
    private const byte MiscPortsEnabled = 0x01;
    private const uint TimerMask = 0xFFFFFF;
    private const int TimerHalf = 23;

    private const int Pm1Status = 0x00;
    private const int Pm1Enable = 0x02;
    private const int Pm1Control = 0x04;
    private const int PmTimer = 0x08;
    private const int GpeStatus = 0x0C;
    private const int GlobalControl = 0x28;
    private const byte BiosRelease = 0x02;

    private const ushort TimerOverflow = 0x0001;
    private const ushort GlobalStatus = 0x0020;
    private const ushort PowerButton = 0x0100;
    private const ushort RtcStatus = 0x0400;
    private const ushort StatusMask = 0x8D31;
    private const ushort ResumeStatus = 0x8000;
    private const ushort EnableMask = 0x0521;
    private const ushort ControlMask = 0x1C07;
    private const ushort SciEnable = 0x0001;
    private const ushort SuspendEnable = 0x2000;
    private const int SuspendTypeShift = 10;

    private readonly Clock _clock;
    private readonly EventQueue _events;
    private readonly PortMap _ports;
    private readonly IrqLine _sci;
    private readonly Action _powerOff;
    private readonly TimerEvent _overflow;
    private readonly byte[] _latches = new byte[PortCount];
    private ushort _status;
    private ushort _enable;
    private ushort _control;
    private long _timerEpoch;
    private ushort _mappedBase;

    /// <summary>Creates the function.</summary>
    /// <param name="clock">Virtual time.</param>
    /// <param name="events">The machine's timers.</param>
    /// <param name="ports">Where its ports are mapped.</param>
    /// <param name="sci">The system control interrupt.</param>
    /// <param name="powerOff">Switches the machine off.</param>
    public Piix4PowerManagement(Clock clock, EventQueue events, PortMap ports, IrqLine sci, Action powerOff)
        : base("piix4-pm", 0x8086, 0x7113, 0x068000, 0x03)
    {
        ArgumentNullException.ThrowIfNull(clock);
        ArgumentNullException.ThrowIfNull(events);
        _clock = clock;
        _events = events;
        _ports = ports;
        _sci = sci;
        _powerOff = powerOff;
        _overflow = events.Register("pm.overflow", OnOverflow);
        Define(CommandRegister, 2, 0x0000, 0x0001);
        Define(StatusRegister, 2, 0x0280, 0, 0x0800);
        DefineInterruptPin(1);
        Define(BaseRegister, 4, 0x0000_0001, 0x0000_FFC0);
        for (int i = 0x44; i < MiscRegister; i += 4)
        {
            Define(i, 4, 0, 0xFFFF_FFFF);
        }

        // Device activity B: with APMC_EN set at reset, firmware takes system management mode for initialized and leaves it alone.
        Define(ActivityB, 4, ApmcEnable, 0xFFFF_FFFF);

        Define(MiscRegister, 1, 0x00, MiscPortsEnabled);
        Define(0x90, 4, 0x0000_0001, 0x0000_FFF0);
        Define(0xD2, 1, 0x00, 0x0F);
        _timerEpoch = Ticks >> TimerHalf;
    }

    /// <summary>Base of the ports, or 0 while they are disabled.</summary>
    public ushort PortBase => _mappedBase;

    private long Ticks => Frequency.TicksAt(_clock.Now, TimerFrequency);

    /// <summary>What firmware does on this board before it starts an operating system: ports at a base, ACPI mode.</summary>
    /// <param name="portBase">Base of the ports, a multiple of 64.</param>
    public void EnableAcpi(ushort portBase)
    {
        WriteConfiguration(BaseRegister, 4, portBase);
        WriteConfiguration(MiscRegister, 1, MiscPortsEnabled);
        WriteConfiguration(0x3C, 1, SciIrq);
        SetAcpiMode(true);
    }

    /// <summary>Enters or leaves ACPI mode, as a firmware's SMI handler does when it gets the command.</summary>
    /// <param name="enabled">Whether the SCI is enabled.</param>
    public void SetAcpiMode(bool enabled)
    {
        _control = (ushort)(enabled ? _control | SciEnable : _control & ~SciEnable);
        Update();
    }

    /// <summary>Creates the line by which interrupt 8 sets RTC_STS.</summary>
    public IrqLine CreateRtcInput() => new(this, 8, &RtcChanged);

    /// <summary>Presses the power button, which asks the operating system to shut down. Call between two guest instructions.</summary>
    public void PressPowerButton()
    {
        _status |= PowerButton;
        Update();
    }

    /// <inheritdoc/>
    public override void Reset()
    {
        base.Reset();
        Array.Clear(_latches);
        _status = _enable = _control = 0;
        _timerEpoch = Ticks >> TimerHalf;
        MapPorts();
        Update();
    }

    /// <inheritdoc/>
    public override void Serialize(StateArchive archive)
    {
        ArgumentNullException.ThrowIfNull(archive);
        base.Serialize(archive);
        archive.Array<byte>("latches", _latches);
        archive.Field("status", ref _status);
        archive.Field("enable", ref _enable);
        archive.Field("control", ref _control);
        archive.Field("timerEpoch", ref _timerEpoch);
        if (archive.IsLoading)
        {
            MapPorts();
            _sci.Restore(SciLevel);
        }
    }

    /// <inheritdoc/>
    protected override void OnWritten(int offset, int size) => MapPorts();

    private bool SciLevel => (_control & SciEnable) != 0 && (_status & _enable) != 0;

    private static uint Read(object target, ushort port, int size)
    {
        Piix4PowerManagement pm = (Piix4PowerManagement)target;
        pm.Synchronize();
        int offset = (port - pm._mappedBase) & (PortCount - 1);
        uint value = 0;
        for (int i = 0; i < size; i++)
        {
            value |= (uint)pm.ReadByte(offset + i) << (8 * i);
        }

        return value;
    }

    private static void Write(object target, ushort port, int size, uint value)
    {
        Piix4PowerManagement pm = (Piix4PowerManagement)target;
        pm.Synchronize();
        int offset = (port - pm._mappedBase) & (PortCount - 1);
        for (int i = 0; i < size; i++)
        {
            pm.WriteByte(offset + i, (byte)(value >> (8 * i)));
        }

        pm.Update();
    }

    private static void RtcChanged(object target, int number, bool level)
    {
        if (level)
        {
            Piix4PowerManagement pm = (Piix4PowerManagement)target;
            pm.Synchronize();
            pm._status |= RtcStatus;
            pm.Update();
        }
    }

    private byte ReadByte(int offset)
    {
        int shift = (offset & 1) * 8;
        return (offset & ~1) switch
        {
            Pm1Status => (byte)(_status >> shift),
            Pm1Enable => (byte)(_enable >> shift),
            Pm1Control => (byte)(_control >> shift),
            PmTimer or PmTimer + 2 => (byte)((uint)(Ticks & TimerMask) >> ((offset & 3) * 8)),
            0x14 => 0,
            _ => _latches[offset & (PortCount - 1)],
        };
    }

    private void WriteByte(int offset, byte value)
    {
        int shift = (offset & 1) * 8;
        ushort bits = (ushort)(value << shift);
        ushort keep = (ushort)~(0xFF << shift);
        switch (offset & ~1)
        {
            case Pm1Status:
                _status &= (ushort)~(bits & StatusMask);
                break;
            case Pm1Enable:
                _enable = (ushort)((_enable & keep) | (bits & EnableMask));
                break;
            case Pm1Control:
                _control = (ushort)((_control & keep) | (bits & ControlMask));
                if ((bits & SuspendEnable) != 0)
                {
                    Suspend();
                }

                break;
            case PmTimer or PmTimer + 2:
                break;
            case GlobalControl:
                _latches[offset] = offset == GlobalControl ? (byte)(value & ~BiosRelease) : value;
                _status |= offset == GlobalControl && (value & BiosRelease) != 0 ? GlobalStatus : (ushort)0;
                break;
            case GpeStatus:
                _latches[offset] &= (byte)~value;
                break;
            default:
                _latches[offset & (PortCount - 1)] = value;
                break;
        }
    }

    private void Suspend()
    {
        if (((_control >> SuspendTypeShift) & 7) == 0)
        {
            _powerOff();
        }
        else
        {
            _status |= ResumeStatus;
        }
    }

    private void OnOverflow(long due)
    {
        Synchronize();
        Update();
    }

    /// <summary>Notices that bit 23 of the timer has changed.</summary>
    private void Synchronize()
    {
        long epoch = Ticks >> TimerHalf;
        if (epoch != _timerEpoch)
        {
            _timerEpoch = epoch;
            _status |= TimerOverflow;
        }
    }

    private void Update()
    {
        _sci.Set(SciLevel);
        if ((_enable & TimerOverflow) != 0 && (_status & TimerOverflow) == 0)
        {
            _events.Schedule(_overflow, Frequency.TimeOf((_timerEpoch + 1) << TimerHalf, TimerFrequency));
        }
        else
        {
            _events.Cancel(_overflow);
        }
    }

    private void MapPorts()
    {
        bool enabled = (ReadConfiguration(MiscRegister, 1) & MiscPortsEnabled) != 0;
        ushort wanted = enabled ? (ushort)(ReadConfiguration(BaseRegister, 4) & 0xFFC0) : (ushort)0;
        if (wanted == _mappedBase)
        {
            return;
        }

        if (_mappedBase != 0)
        {
            _ports.UnmapOwned(_mappedBase, PortCount, this);
        }

        _mappedBase = wanted;
        if (wanted != 0)
        {
            _ports.MapFree(wanted, PortCount, 4, this, &Read, &Write, &Peek);
        }
    }

    private static uint Peek(object target, ushort port, int size)
    {
        Piix4PowerManagement pm = (Piix4PowerManagement)target;
        return pm.ReadByte((port - pm._mappedBase) & (PortCount - 1));
    }
}
