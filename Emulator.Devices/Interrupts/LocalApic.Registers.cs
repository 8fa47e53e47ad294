using Emulator.Core.Cpu;
using Emulator.Core.Memory;
using Emulator.Core.Snapshot;

namespace Emulator.Devices.Interrupts;

/// <content>Registers, timer and saved state.</content>
public sealed unsafe partial class LocalApic
{
    private const uint LintWritable = 0x1A7FF;
    private const uint TimerWritable = 0x300FF;
    private const uint ErrorWritable = 0x100FF;
    private const uint DivideMask = 0x0B;

    /// <inheritdoc/>
    public void Serialize(StateArchive archive)
    {
        ArgumentNullException.ThrowIfNull(archive);
        archive.Array<uint>("isr", _isr);
        archive.Array<uint>("tmr", _tmr);
        archive.Array<uint>("irr", _irr);
        archive.Field("picLevel", ref _picLevel);
        archive.Field("id", ref _id);
        archive.Field("tpr", ref _tpr);
        archive.Field("ldr", ref _ldr);
        archive.Field("dfr", ref _dfr);
        archive.Field("svr", ref _svr);
        archive.Field("errors", ref _errors);
        archive.Field("esr", ref _esr);
        archive.Field("icrLow", ref _icrLow);
        archive.Field("icrHigh", ref _icrHigh);
        archive.Field("lvtTimer", ref _lvtTimer);
        archive.Field("lint0", ref _lint0);
        archive.Field("lint1", ref _lint1);
        archive.Field("lvtError", ref _lvtError);
        archive.Field("divide", ref _divide);
        archive.Field("initialCount", ref _initialCount);
        archive.Field("startCount", ref _startCount);
        archive.Field("startTime", ref _startTime);
        if (archive.IsLoading)
        {
            archive.Check(((_irr[0] | _isr[0]) & 0xFFFF) == 0, "irr");
            archive.Check((_divide & ~DivideMask) == 0, "divide");
            archive.Check(_startTime >= 0 && _startTime <= _cpu.Clock.Now && _startCount <= _initialCount, "startTime");
            bool intr = _cpu.State->IntrLine != 0;
            Enable(_cpu.State->Msr[ModelSpecificRegisters.ApicBase]);
            _cpu.SetIntr(intr);
        }
    }

    private static ulong Read(object target, uint address, int size)
    {
        LocalApic apic = (LocalApic)target;
        apic.SynchronizeTimer();
        if ((address & 0xF) == 0 && !IsDefined((int)(address & 0xFFF) >> 4))
        {
            apic.Report(ErrorIllegalRegister);
        }

        return Peek(target, address, size);
    }

    private static ulong Peek(object target, uint address, int size)
    {
        LocalApic apic = (LocalApic)target;
        int offset = (int)(address & 0xF);
        ulong value = offset < 4 ? (ulong)apic.ReadRegister((int)(address & 0xFFF) >> 4) >> (8 * offset) : 0;
        return size == 8 ? value : value & ((1ul << (8 * size)) - 1);
    }

    private static void Write(object target, uint address, int size, ulong value)
    {
        if (size >= 4 && (address & 0xF) == 0)
        {
            LocalApic apic = (LocalApic)target;
            apic.SynchronizeTimer();
            apic.WriteRegister((int)(address & 0xFFF) >> 4, (uint)value);
            apic.Update();
        }
    }

    private static bool IsDefined(int register) => register is RegisterId or RegisterVersion or (>= RegisterTpr and <= RegisterEsr)
        or (>= RegisterIcrLow and <= RegisterTimer) or (>= RegisterLint0 and <= RegisterCurrentCount) or RegisterDivide;

    private uint ReadRegister(int register) => register switch
    {
        RegisterId => (uint)_id << 24,
        RegisterVersion => Version,
        RegisterTpr => _tpr,
        RegisterApr or RegisterPpr => (uint)ProcessorPriority(),
        RegisterEoi or RegisterRemoteRead => 0,
        RegisterLdr => _ldr,
        RegisterDfr => _dfr,
        RegisterSvr => _svr,
        >= RegisterIsr and < RegisterTmr => _isr[register - RegisterIsr],
        >= RegisterTmr and < RegisterIrr => _tmr[register - RegisterTmr],
        >= RegisterIrr and < RegisterEsr => _irr[register - RegisterIrr],
        RegisterEsr => _esr,
        RegisterIcrLow => _icrLow,
        RegisterIcrHigh => _icrHigh,
        RegisterTimer => _lvtTimer,
        RegisterLint0 => _lint0,
        RegisterLint1 => _lint1,
        RegisterError => _lvtError,
        RegisterInitialCount => _initialCount,
        RegisterCurrentCount => CurrentCount(),
        RegisterDivide => _divide,
        _ => 0,
    };

    private void WriteRegister(int register, uint value)
    {
        switch (register)
        {
            case RegisterId:
                _id = (byte)(value >> 24);
                break;
            case RegisterTpr:
                _tpr = (byte)value;
                break;
            case RegisterEoi:
                EndOfInterrupt();
                break;
            case RegisterLdr:
                _ldr = value & 0xFF00_0000;
                break;
            case RegisterDfr:
                _dfr = value | 0x0FFF_FFFF;
                break;
            case RegisterSvr:
                WriteSpurious(value);
                break;
            case RegisterEsr:
                _esr = _errors;
                _errors = 0;
                break;
            case RegisterIcrLow:
                _icrLow = value & 0x000C_CFFF;
                Command();
                break;
            case RegisterIcrHigh:
                _icrHigh = value & 0xFF00_0000;
                break;
            case RegisterTimer:
                _lvtTimer = WithMask(value & TimerWritable);
                ScheduleTimer();
                break;
            case RegisterLint0:
                bool remote = (_lint0 & LvtRemoteIrr) != 0 && (value & (LvtLevel | LvtMode)) == LvtLevel;
                _lint0 = WithMask(value & LintWritable) | (remote ? LvtRemoteIrr : 0);
                DriveLint0(rising: false);
                break;
            case RegisterLint1:
                _lint1 = WithMask(value & LintWritable);
                break;
            case RegisterError:
                _lvtError = WithMask(value & ErrorWritable);
                break;
            case RegisterInitialCount:
                _initialCount = _startCount = value;
                _startTime = _cpu.Clock.Now;
                ScheduleTimer();
                break;
            case RegisterDivide:
                _startCount = CurrentCount();
                _startTime = _cpu.Clock.Now;
                _divide = value & DivideMask;
                ScheduleTimer();
                break;
            default:
                if (!IsDefined(register))
                {
                    Report(ErrorIllegalRegister);
                }

                break;
        }
    }

    /// <summary>While it is disabled by software, every LVT entry is masked.</summary>
    private uint WithMask(uint entry) => IsSoftwareEnabled ? entry : entry | LvtMasked;

    private void WriteSpurious(uint value)
    {
        bool was = IsSoftwareEnabled;
        _svr = value & 0x3FF;
        if (was && !IsSoftwareEnabled)
        {
            _lvtTimer |= LvtMasked;
            _lint0 |= LvtMasked;
            _lint1 |= LvtMasked;
            _lvtError |= LvtMasked;
            ScheduleTimer();
        }
    }

    /// <summary>Nanoseconds of one count: bits 0, 1 and 3 of the divide register are 2, 4 … 128, 1.</summary>
    private long CountTime() => TickTime << ((int)((((_divide >> 1) & 4) | (_divide & 3)) + 1) & 7);

    private uint CurrentCount()
    {
        long counts = (_cpu.Clock.Now - _startTime) / CountTime();
        return counts >= _startCount ? 0 : _startCount - (uint)counts;
    }

    private void OnTimer(long due)
    {
        SynchronizeTimer();
        ScheduleTimer();
        Update();
    }

    /// <summary>Lets the ends of counts happen that lie before now: one request, however many they are.</summary>
    private void SynchronizeTimer()
    {
        long end = _startTime + (_startCount * CountTime());
        long now = _cpu.Clock.Now;
        if (_startCount == 0 || now < end)
        {
            return;
        }

        long period = _initialCount * CountTime();
        bool periodic = (_lvtTimer & LvtPeriodic) != 0 && period != 0;
        _startTime = periodic ? end + ((now - end) / period * period) : end;
        _startCount = periodic ? _initialCount : 0;
        if ((_lvtTimer & LvtMasked) == 0)
        {
            Accept((byte)_lvtTimer, level: false);
        }
    }

    private void ScheduleTimer()
    {
        if (_startCount == 0 || (_lvtTimer & LvtMasked) != 0)
        {
            _events.Cancel(_timer);
        }
        else
        {
            _events.Schedule(_timer, _startTime + (_startCount * CountTime()));
        }
    }
}
