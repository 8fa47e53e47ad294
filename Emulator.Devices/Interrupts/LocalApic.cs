// The local APIC of the only processor (SDM volume 3, chapter 10, xAPIC mode; version 14h with four LVT entries): identification, task and
// processor priority, EOI, logical destinations, spurious vector, ISR/TMR/IRR, error status, interrupt command register, timer, LINT0, LINT1 and
// error entries. Global enable and base are in MSR 1Bh.
//
// With one processor, an interrupt command reaches it or nobody: fixed and lowest priority set the IRR, NMI and INIT go to the processor,
// start-up IPIs find it running, SMIs find no handler. TSC deadline, thermal and performance entries are absent. The timer counts a bus clock of
// 100 MHz, divided by 1 to 128, in virtual time.
//
// LINT0 is the output of the 8259 pair, LINT1 the board's NMI. After reset both are passed on (ExtINT, NMI), as PC firmware programs them:
// virtual wire mode, also for software that starts without firmware. Accesses of other widths than 32 bits read parts of registers and write
// nothing.
//
// Memory: 4 KiB at the base in MSR 1Bh (FEE00000h), where nothing else is mapped. Output: INTR of the CPU.
using Emulator.Core.Cpu;
using Emulator.Core.Machine;
using Emulator.Core.Memory;
using Emulator.Core.Snapshot;

namespace Emulator.Devices.Interrupts;

/// <summary>The processor's interrupt controller; without it (a 486, or disabled in MSR 1Bh) INTR is the 8259's alone.</summary>
public sealed unsafe partial class LocalApic : IMachineComponent, IInterruptController
{
    /// <summary>Frequency of the timer in hertz, before division.</summary>
    public const long TimerFrequency = 100_000_000;

    /// <summary>Nanoseconds of one tick, before division.</summary>
    private const long TickTime = 1_000_000_000 / TimerFrequency;

    private const uint Version = 0x0003_0014;
    private const ulong BaseEnable = 0x800;

    private const int RegisterId = 0x02;
    private const int RegisterVersion = 0x03;
    private const int RegisterTpr = 0x08;
    private const int RegisterApr = 0x09;
    private const int RegisterPpr = 0x0A;
    private const int RegisterEoi = 0x0B;
    private const int RegisterRemoteRead = 0x0C;
    private const int RegisterLdr = 0x0D;
    private const int RegisterDfr = 0x0E;
    private const int RegisterSvr = 0x0F;
    private const int RegisterIsr = 0x10;
    private const int RegisterTmr = 0x18;
    private const int RegisterIrr = 0x20;
    private const int RegisterEsr = 0x28;
    private const int RegisterIcrLow = 0x30;
    private const int RegisterIcrHigh = 0x31;
    private const int RegisterTimer = 0x32;
    private const int RegisterLint0 = 0x35;
    private const int RegisterLint1 = 0x36;
    private const int RegisterError = 0x37;
    private const int RegisterInitialCount = 0x38;
    private const int RegisterCurrentCount = 0x39;
    private const int RegisterDivide = 0x3E;

    private const uint SvrEnable = 0x100;
    private const uint ErrorSendIllegalVector = 0x20;
    private const uint ErrorReceiveIllegalVector = 0x40;
    private const uint ErrorIllegalRegister = 0x80;
    private const int LowestVector = 16;

    private const uint LvtMasked = 0x10000;
    private const uint LvtPeriodic = 0x20000;
    private const uint LvtLevel = 0x8000;
    private const uint LvtRemoteIrr = 0x4000;
    private const uint LvtMode = 0x700;
    private const uint ModeFixed = 0x000;
    private const uint ModeLowestPriority = 0x100;
    private const uint ModeNmi = 0x400;
    private const uint ModeInit = 0x500;
    private const uint ModeExternal = 0x700;

    private readonly CpuCore _cpu;
    private readonly EventQueue _events;
    private readonly TimerEvent _timer;
    private readonly Action _init;
    private readonly uint[] _isr = new uint[8];
    private readonly uint[] _tmr = new uint[8];
    private readonly uint[] _irr = new uint[8];
    private uint _mappedBase;
    private bool _picLevel;
    private byte _id;
    private byte _tpr;
    private uint _ldr;
    private uint _dfr;
    private uint _svr;
    private uint _errors;
    private uint _esr;
    private uint _icrLow;
    private uint _icrHigh;
    private uint _lvtTimer;
    private uint _lint0;
    private uint _lint1;
    private uint _lvtError;
    private uint _divide;
    private uint _initialCount;
    private uint _startCount;
    private long _startTime;

    /// <summary>Creates the controller in its reset state and connects it to the CPU.</summary>
    /// <param name="cpu">The CPU: INTR, NMI, MSR 1Bh, physical memory, time.</param>
    /// <param name="init">Asks for a reset, for an INIT message.</param>
    public LocalApic(CpuCore cpu, Action init)
    {
        ArgumentNullException.ThrowIfNull(cpu);
        _cpu = cpu;
        _init = init;
        _events = cpu.Events;
        _timer = cpu.Events.Register("lapic.timer", OnTimer);
        cpu.InterruptController = this;
        cpu.ApicBaseChanged = Enable;
        Reset();
    }

    /// <inheritdoc/>
    public string StateId => "lapic";

    /// <inheritdoc/>
    public int StateVersion => 1;

    /// <summary>The I/O APIC that hears of ends of interrupts and may pass the 8259 pair on.</summary>
    public IoApic? IoApic { get; internal set; }

    /// <summary>The 8259 pair behind LINT0.</summary>
    public IInterruptController? Pic { get; internal set; }

    /// <summary>Whether MSR 1Bh enables it.</summary>
    public bool IsEnabled { get; private set; }

    private bool IsSoftwareEnabled => (_svr & SvrEnable) != 0;

    /// <summary>Creates the line of LINT0.</summary>
    public IrqLine CreateLint0() => new(this, 0, &Lint0Changed);

    /// <summary>An edge on LINT1: the board's non-maskable interrupt.</summary>
    public void RaiseNmi()
    {
        if (!IsEnabled || (_lint1 & (LvtMasked | LvtMode)) == ModeNmi)
        {
            _cpu.RaiseNmi();
        }
        else if ((_lint1 & (LvtMasked | LvtMode)) == ModeFixed)
        {
            Accept((byte)_lint1, level: false);
        }
    }

    /// <summary>A message of the I/O APIC.</summary>
    /// <param name="destination">Destination field, 8 bits.</param>
    /// <param name="logical">Whether it is a logical destination.</param>
    /// <param name="mode">Delivery mode, in bits 8 to 10.</param>
    /// <param name="vector">Vector.</param>
    /// <param name="level">Whether it is level triggered.</param>
    /// <returns>Whether the processor accepted it.</returns>
    public bool Deliver(byte destination, bool logical, uint mode, byte vector, bool level)
    {
        if (!IsEnabled || !Matches(destination, logical))
        {
            return false;
        }

        switch (mode)
        {
            case ModeFixed or ModeLowestPriority:
                return Accept(vector, level);
            case ModeNmi:
                _cpu.RaiseNmi();
                return true;
            case ModeInit:
                _init();
                return true;
            default:
                return false;
        }
    }

    /// <summary>The reset state, but for LINT0 and LINT1: see above.</summary>
    public void Reset()
    {
        Array.Clear(_isr);
        Array.Clear(_tmr);
        Array.Clear(_irr);
        _id = _tpr = 0;
        _ldr = 0;
        _dfr = 0xFFFF_FFFF;
        _svr = 0xFF;
        _errors = _esr = _icrLow = _icrHigh = _divide = _initialCount = _startCount = 0;
        _startTime = 0;
        _lvtTimer = _lvtError = LvtMasked;
        _lint0 = ModeExternal;
        _lint1 = ModeNmi;
        Enable(_cpu.Model.Has(CpuFeatures.Apic) ? ModelSpecificRegisters.ApicBaseReset : 0);
        ScheduleTimer();
    }

    /// <inheritdoc/>
    public byte Acknowledge()
    {
        int vector = IsEnabled ? DeliverableVector() : -1;
        if (vector >= 0)
        {
            Clear(_irr, vector);
            Set(_isr, vector);
            Update();
            return (byte)vector;
        }

        if (_picLevel && PassesExternal())
        {
            return AcknowledgePic();
        }

        return IsEnabled ? (byte)_svr : AcknowledgePic();
    }

    private byte AcknowledgePic() => Pic?.Acknowledge() ?? 0xFF;

    /// <summary>Looks again at everything that can raise INTR.</summary>
    internal void Update() => _cpu.SetIntr(IntrLevel());

    private bool IntrLevel() => (_picLevel && PassesExternal()) || (IsEnabled && DeliverableVector() >= 0);

    private bool PassesExternal() => !IsEnabled || (_lint0 & (LvtMasked | LvtMode)) == ModeExternal || IoApic is { PassesExternal: true };

    private static void Lint0Changed(object target, int input, bool level)
    {
        LocalApic apic = (LocalApic)target;
        apic._picLevel = level;
        apic.IoApic?.ExternalChanged(level);
        apic.DriveLint0(rising: level);
        apic.Update();
    }

    private void DriveLint0(bool rising)
    {
        if (!IsEnabled || (_lint0 & LvtMasked) != 0)
        {
            return;
        }

        bool isLevel = (_lint0 & LvtLevel) != 0;
        switch (_lint0 & LvtMode)
        {
            case ModeFixed when isLevel && _picLevel && (_lint0 & LvtRemoteIrr) == 0:
                _lint0 |= Accept((byte)_lint0, level: true) ? LvtRemoteIrr : 0;
                break;
            case ModeFixed when !isLevel && rising:
                Accept((byte)_lint0, level: false);
                break;
            case ModeNmi when rising:
                _cpu.RaiseNmi();
                break;
            default:
                break;
        }
    }

    /// <summary>Follows MSR 1Bh.</summary>
    private void Enable(ulong apicBase)
    {
        IsEnabled = _cpu.Model.Has(CpuFeatures.Apic) && (apicBase & BaseEnable) != 0;
        uint page = IsEnabled && apicBase >> 32 == 0 ? (uint)apicBase & 0xFFFF_F000 : 0;
        if (page != _mappedBase)
        {
            if (_mappedBase != 0)
            {
                _cpu.Memory.UnmapDevice(_mappedBase, PhysicalMemory.PageSize, this);
            }

            _mappedBase = page;
            if (page != 0)
            {
                _cpu.Memory.MapDeviceFree(page, PhysicalMemory.PageSize, this, &Read, &Write, &Peek);
            }
        }

        Update();
    }

    private bool Matches(byte destination, bool logical)
    {
        if (!logical)
        {
            return destination == 0xFF || destination == _id;
        }

        byte address = (byte)(_ldr >> 24);
        return _dfr >> 28 == 0xF
            ? (destination & address) != 0
            : ((destination >> 4) == 0xF || (destination >> 4) == (address >> 4)) && (destination & address & 0xF) != 0;
    }

    /// <summary>Sets a vector's request bit.</summary>
    private bool Accept(byte vector, bool level)
    {
        if (vector < LowestVector)
        {
            Report(ErrorReceiveIllegalVector);
            return false;
        }

        if (!IsSoftwareEnabled)
        {
            return false;
        }

        Set(_irr, vector);
        if (level)
        {
            Set(_tmr, vector);
        }
        else
        {
            Clear(_tmr, vector);
        }

        Update();
        return true;
    }

    private void Report(uint error)
    {
        bool isNew = (_errors & error) == 0;
        _errors |= error;
        if (isNew && (_lvtError & LvtMasked) == 0 && (byte)_lvtError >= LowestVector)
        {
            Accept((byte)_lvtError, level: false);
        }
    }

    private void EndOfInterrupt()
    {
        int vector = Highest(_isr);
        if (vector < 0)
        {
            return;
        }

        Clear(_isr, vector);
        if ((_tmr[vector >> 5] & (1u << (vector & 31))) != 0)
        {
            if ((byte)_lint0 == vector && (_lint0 & LvtRemoteIrr) != 0)
            {
                _lint0 &= ~LvtRemoteIrr;
                DriveLint0(rising: false);
            }

            IoApic?.EndOfInterrupt((byte)vector);
        }

        Update();
    }

    private void Command()
    {
        const int ShorthandSelf = 1;
        const int ShorthandOthers = 3;
        const uint Assert = 0x4000;
        const uint LogicalDestination = 0x800;
        int shorthand = (int)(_icrLow >> 18) & 3;
        uint mode = _icrLow & LvtMode;
        byte vector = (byte)_icrLow;
        if (mode is ModeFixed or ModeLowestPriority && vector < LowestVector)
        {
            Report(ErrorSendIllegalVector);
            return;
        }

        bool reaches = shorthand switch
        {
            0 => Matches((byte)(_icrHigh >> 24), (_icrLow & LogicalDestination) != 0),
            ShorthandOthers => false,
            _ => true,
        };
        if (!reaches)
        {
            return;
        }

        if (mode is ModeFixed or ModeLowestPriority)
        {
            Accept(vector, level: false);
        }
        else if (mode == ModeNmi && shorthand != ShorthandSelf)
        {
            _cpu.RaiseNmi();
        }
        else if (mode == ModeInit && (_icrLow & Assert) != 0 && shorthand != ShorthandSelf)
        {
            _init();
        }
    }

    private int ProcessorPriority()
    {
        int service = Math.Max(Highest(_isr), 0);
        return (_tpr >> 4) >= (service >> 4) ? _tpr : service & 0xF0;
    }

    private int DeliverableVector()
    {
        int vector = IsSoftwareEnabled ? Highest(_irr) : -1;
        return vector >= 0 && (vector >> 4) > (ProcessorPriority() >> 4) ? vector : -1;
    }

    private static int Highest(uint[] bits)
    {
        for (int i = bits.Length - 1; i >= 0; i--)
        {
            if (bits[i] != 0)
            {
                return (i * 32) + (int)uint.Log2(bits[i]);
            }
        }

        return -1;
    }

    private static void Set(uint[] bits, int vector) => bits[vector >> 5] |= 1u << (vector & 31);

    private static void Clear(uint[] bits, int vector) => bits[vector >> 5] &= ~(1u << (vector & 31));
}
