// Motorola MC146818 real-time clock with 128 bytes of CMOS RAM (datasheet ADI856), as in the PIIX3: time and alarm in BCD or binary, 12 or
// 24 hours, SET, divider chain, periodic, alarm and update-ended interrupts, register C that clears on read.
//
// A second ends at the end of an update cycle; UIP is set for the 2228 microseconds before. Seconds, and the periodic interrupt, are counted
// from the phase of the divider chain in virtual time; registers and flags are brought up to date when they are looked at, and a timer event
// exists only while an enabled interrupt waits. The century is kept in CMOS byte 32h and advances with the year. Fields that the guest set to
// values that are no date count as the nearest valid one at the next update.
//
// Not modelled: daylight saving (DSE is stored and has no effect), the square-wave output, crystals other than 32.768 kHz (dividers other
// than 010 stop the clock).
//
// Ports: 70h index (bit 7 masks NMI), 71h data, aliases 74h-75h absent. IRQ 8.
using Emulator.Core.Machine;
using Emulator.Core.Snapshot;

namespace Emulator.Devices.Timers;

/// <summary>The real-time clock and CMOS RAM of a PC.</summary>
public sealed unsafe class Mc146818Rtc : IMachineComponent
{
    /// <summary>Bytes of CMOS RAM, clock registers included.</summary>
    public const int CmosSize = 128;

    /// <summary>Nanoseconds before the end of an update cycle from which UIP is set.</summary>
    public const long UpdateInProgressTime = 2_228_000;

    /// <summary>CMOS index of the century (BCD).</summary>
    public const int Century = 0x32;

    private const long CrystalFrequency = 32_768;
    private const int SecondsInDay = 86_400;

    private const int Seconds = 0;
    private const int SecondsAlarm = 1;
    private const int Minutes = 2;
    private const int MinutesAlarm = 3;
    private const int Hours = 4;
    private const int HoursAlarm = 5;
    private const int DayOfWeek = 6;
    private const int DayOfMonth = 7;
    private const int Month = 8;
    private const int Year = 9;
    private const int RegisterA = 10;
    private const int RegisterB = 11;
    private const int RegisterC = 12;
    private const int RegisterD = 13;
    private const int FirstRam = 14;

    private const byte UpdateInProgress = 0x80;
    private const byte DividerMask = 0x70;
    private const byte DividerRunning = 0x20;
    private const byte RateMask = 0x0F;

    private const byte Set = 0x80;
    private const byte PeriodicEnable = 0x40;
    private const byte AlarmEnable = 0x20;
    private const byte UpdateEnable = 0x10;
    private const byte SquareWave = 0x08;
    private const byte Binary = 0x04;
    private const byte TwentyFourHours = 0x02;
    private const byte Pm = 0x80;

    private const byte InterruptRequest = 0x80;
    private const byte InterruptSources = PeriodicEnable | AlarmEnable | UpdateEnable;
    private const byte ValidRamAndTime = 0x80;
    private const byte DoNotCare = 0xC0;

    private readonly Clock _clock;
    private readonly EventQueue _events;
    private readonly IrqLine _irq8;
    private readonly TimerEvent _timer;
    private readonly byte[] _cmos = new byte[CmosSize];
    private byte _index;
    private bool _nmiMasked;
    private long _phase;
    private long _synchronized;

    /// <summary>Creates the clock, set to a date.</summary>
    /// <param name="clock">Virtual time.</param>
    /// <param name="events">The machine's timers.</param>
    /// <param name="irq8">The interrupt output.</param>
    /// <param name="now">What it shows now; the year is 1 to 9999.</param>
    public Mc146818Rtc(Clock clock, EventQueue events, IrqLine irq8, DateTime now)
    {
        ArgumentNullException.ThrowIfNull(clock);
        ArgumentNullException.ThrowIfNull(events);
        _clock = clock;
        _events = events;
        _irq8 = irq8;
        _timer = events.Register("rtc", Tick);
        _cmos[RegisterA] = DividerRunning | 6;
        _cmos[RegisterB] = TwentyFourHours;
        _cmos[RegisterD] = ValidRamAndTime;
        _phase = _synchronized = clock.Now;
        Encode(now, (int)now.DayOfWeek + 1);
    }

    /// <inheritdoc/>
    public string StateId => "rtc";

    /// <inheritdoc/>
    public int StateVersion => 1;

    /// <summary>Whether the guest masks NMI (bit 7 of port 70h).</summary>
    public bool NmiMasked => _nmiMasked;

    /// <summary>The date and time that the clock shows.</summary>
    public DateTime Date
    {
        get
        {
            Synchronize(_clock.Now);
            return Decode();
        }
    }

    private bool Running => (_cmos[RegisterA] & DividerMask) == DividerRunning;

    private bool Updating => Running && (_cmos[RegisterB] & Set) == 0;

    /// <summary>Maps the two ports.</summary>
    /// <param name="ports">The port space.</param>
    public void Map(PortMap ports)
    {
        ArgumentNullException.ThrowIfNull(ports);
        ports.Map(0x70, 1, 1, this, &ReadIndex, &WriteIndex);
        ports.Map(0x71, 1, 1, this, &Read, &Write, &Peek);
    }

    /// <summary>Reads a byte of CMOS RAM without side effects.</summary>
    /// <param name="index">Index, 0 to 127.</param>
    public byte ReadCmos(int index) => _cmos[index];

    /// <summary>Writes a byte of CMOS RAM, as firmware setup does; not for the clock registers 0 to 13.</summary>
    /// <param name="index">Index, 14 to 127.</param>
    /// <param name="value">Value.</param>
    public void WriteCmos(int index, byte value)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(index, FirstRam);
        _cmos[index] = value;
    }

    /// <summary>Computes the checksum of bytes 10h to 2Dh into 2Eh (high) and 2Fh (low), as a PC BIOS does.</summary>
    public void UpdateChecksum()
    {
        int sum = 0;
        for (int i = 0x10; i <= 0x2D; i++)
        {
            sum += _cmos[i];
        }

        _cmos[0x2E] = (byte)(sum >> 8);
        _cmos[0x2F] = (byte)sum;
    }

    /// <summary>The RESET pin: interrupts are disabled and their flags cleared; time and RAM are on battery.</summary>
    public void Reset()
    {
        Synchronize(_clock.Now);
        _cmos[RegisterB] &= unchecked((byte)~(PeriodicEnable | AlarmEnable | UpdateEnable | SquareWave));
        _cmos[RegisterC] = 0;
        _index = 0;
        _nmiMasked = false;
        Update();
    }

    /// <inheritdoc/>
    public void Serialize(StateArchive archive)
    {
        ArgumentNullException.ThrowIfNull(archive);
        archive.Array<byte>("cmos", _cmos);
        archive.Field("index", ref _index);
        archive.Field("nmiMasked", ref _nmiMasked);
        archive.Field("phase", ref _phase);
        archive.Field("synchronized", ref _synchronized);
        if (archive.IsLoading)
        {
            archive.Check(_index < CmosSize, "index");
            archive.Check(_synchronized >= _phase && _synchronized >= 0 && _synchronized <= _clock.Now, "synchronized");
            archive.Check(_phase >= -Frequency.Second, "phase");
            _irq8.Restore((_cmos[RegisterC] & InterruptRequest) != 0);
        }
    }

    private static uint ReadIndex(object target, ushort port, int size) => 0xFF;

    private static void WriteIndex(object target, ushort port, int size, uint value)
    {
        Mc146818Rtc rtc = (Mc146818Rtc)target;
        rtc._index = (byte)(value & 0x7F);
        rtc._nmiMasked = (value & 0x80) != 0;
    }

    private static uint Read(object target, ushort port, int size)
    {
        Mc146818Rtc rtc = (Mc146818Rtc)target;
        rtc.Synchronize(rtc._clock.Now);
        rtc.Update();
        uint value = Peek(target, port, size);
        if (rtc._index == RegisterC)
        {
            rtc._cmos[RegisterC] = 0;
            rtc.Update();
        }

        return value;
    }

    private static uint Peek(object target, ushort port, int size)
    {
        Mc146818Rtc rtc = (Mc146818Rtc)target;
        byte value = rtc._cmos[rtc._index];
        if (rtc._index == RegisterA && rtc.Updating)
        {
            long toUpdate = Frequency.Second - ((rtc._clock.Now - rtc._phase) % Frequency.Second);
            return value | (toUpdate <= UpdateInProgressTime ? UpdateInProgress : 0u);
        }

        return value;
    }

    private static void Write(object target, ushort port, int size, uint value)
    {
        Mc146818Rtc rtc = (Mc146818Rtc)target;
        rtc.Synchronize(rtc._clock.Now);
        byte data = (byte)value;
        switch (rtc._index)
        {
            case RegisterA:
                rtc.WriteRegisterA(data);
                break;
            case RegisterB:
                // Setting SET also clears the update-ended interrupt enable.
                rtc._cmos[RegisterB] = (data & Set) != 0 ? (byte)(data & ~UpdateEnable) : data;
                break;
            case RegisterC or RegisterD:
                return; // read only
            default:
                rtc._cmos[rtc._index] = data;
                break;
        }

        rtc.Update();
    }

    private void WriteRegisterA(byte value)
    {
        bool wasRunning = Running;
        _cmos[RegisterA] = (byte)(value & ~UpdateInProgress);
        if (Running && !wasRunning)
        {
            // Released from reset, the divider chain reaches its first update after half a second.
            _phase = _clock.Now - (Frequency.Second / 2);
        }
    }

    private void Tick(long due)
    {
        Synchronize(due);
        Update();
    }

    /// <summary>Brings registers and flags from the time of the last look to now.</summary>
    private void Synchronize(long now)
    {
        if (now <= _synchronized)
        {
            return;
        }

        if (Running)
        {
            int shift = PeriodicShift();
            long before = _synchronized - _phase;
            long after = now - _phase;
            if (shift >= 0 && Frequency.TicksAt(before, CrystalFrequency) >> shift != Frequency.TicksAt(after, CrystalFrequency) >> shift)
            {
                _cmos[RegisterC] |= PeriodicEnable;
            }

            long updates = (after / Frequency.Second) - (before / Frequency.Second);
            if (updates > 0 && Updating)
            {
                AdvanceTime(updates);
            }
        }

        _synchronized = now;
    }

    /// <summary>log2 of the crystal periods between periodic interrupts, or -1 for none.</summary>
    private int PeriodicShift() => (_cmos[RegisterA] & RateMask) switch
    {
        0 => -1,
        1 => 7,
        2 => 8,
        int rate => rate - 1,
    };

    private void AdvanceTime(long seconds)
    {
        DateTime date = Decode();
        if ((DateTime.MaxValue - date).TotalSeconds <= seconds + 1)
        {
            date = date.AddYears(-8000); // the calendar repeats every 400 years
        }

        int second = (int)date.TimeOfDay.TotalSeconds;
        _cmos[RegisterC] |= UpdateEnable;
        for (long i = 0; i < Math.Min(seconds, SecondsInDay); i++)
        {
            second = second == SecondsInDay - 1 ? 0 : second + 1;
            if (AlarmMatches(second))
            {
                _cmos[RegisterC] |= AlarmEnable;
                break;
            }
        }

        DateTime later = date.AddSeconds(seconds);
        int weekday = Math.Clamp(FromRegister(_cmos[DayOfWeek]), 1, 7) - 1;
        long days = (later.Date - date.Date).Days;
        Encode(later, (int)((weekday + days) % 7) + 1);
    }

    private bool AlarmMatches(int secondOfDay)
    {
        (int minutes, int second) = Math.DivRem(secondOfDay, 60);
        (int hour, int minute) = Math.DivRem(minutes, 60);
        return Matches(_cmos[SecondsAlarm], FromRegister(_cmos[SecondsAlarm]), second)
            && Matches(_cmos[MinutesAlarm], FromRegister(_cmos[MinutesAlarm]), minute)
            && Matches(_cmos[HoursAlarm], HourFromRegister(_cmos[HoursAlarm]), hour);
    }

    private static bool Matches(byte register, int decoded, int value) => (register & DoNotCare) == DoNotCare || decoded == value;

    private DateTime Decode()
    {
        int century = (_cmos[Century] >> 4) * 10 + (_cmos[Century] & 15);
        int year = (century * 100) + Math.Clamp(FromRegister(_cmos[Year]), 0, 99);
        year = year is 0 or > 9999 ? 2000 : year;
        int month = Math.Clamp(FromRegister(_cmos[Month]), 1, 12);
        int day = Math.Clamp(FromRegister(_cmos[DayOfMonth]), 1, DateTime.DaysInMonth(year, month));
        return new DateTime(
            year,
            month,
            day,
            Math.Clamp(HourFromRegister(_cmos[Hours]), 0, 23),
            Math.Clamp(FromRegister(_cmos[Minutes]), 0, 59),
            Math.Clamp(FromRegister(_cmos[Seconds]), 0, 59),
            DateTimeKind.Utc);
    }

    private void Encode(DateTime date, int weekday)
    {
        _cmos[Seconds] = ToRegister(date.Second);
        _cmos[Minutes] = ToRegister(date.Minute);
        _cmos[Hours] = (_cmos[RegisterB] & TwentyFourHours) != 0
            ? ToRegister(date.Hour)
            : (byte)(ToRegister(date.Hour % 12 == 0 ? 12 : date.Hour % 12) | (date.Hour >= 12 ? Pm : 0));
        _cmos[DayOfWeek] = ToRegister(weekday);
        _cmos[DayOfMonth] = ToRegister(date.Day);
        _cmos[Month] = ToRegister(date.Month);
        _cmos[Year] = ToRegister(date.Year % 100);
        _cmos[Century] = ToBcd(date.Year / 100);
    }

    private static byte ToBcd(int value) => (byte)((value / 10 << 4) | (value % 10));

    private byte ToRegister(int value) => (_cmos[RegisterB] & Binary) != 0 ? (byte)value : ToBcd(value);

    private int FromRegister(byte value) => (_cmos[RegisterB] & Binary) != 0 ? value : ((value >> 4) * 10) + (value & 15);

    private int HourFromRegister(byte value)
    {
        if ((_cmos[RegisterB] & TwentyFourHours) != 0)
        {
            return FromRegister(value);
        }

        int hour = FromRegister((byte)(value & 0x7F)) % 12;
        return (value & Pm) != 0 ? hour + 12 : hour;
    }

    /// <summary>Drives IRQ 8 and schedules the next moment at which an enabled flag can be set.</summary>
    private void Update()
    {
        int enabled = _cmos[RegisterB] & InterruptSources;
        _cmos[RegisterC] &= InterruptSources;
        if ((_cmos[RegisterC] & enabled) != 0)
        {
            _cmos[RegisterC] |= InterruptRequest;
        }

        _irq8.Set((_cmos[RegisterC] & InterruptRequest) != 0);

        int waiting = enabled & ~_cmos[RegisterC];
        long due = long.MaxValue;
        if (Running)
        {
            long sincePhase = _synchronized - _phase;
            int shift = PeriodicShift();
            if ((waiting & PeriodicEnable) != 0 && shift >= 0)
            {
                long period = (Frequency.TicksAt(sincePhase, CrystalFrequency) >> shift) + 1;
                due = _phase + Frequency.TimeOf(period << shift, CrystalFrequency);
            }

            if ((waiting & (UpdateEnable | AlarmEnable)) != 0 && Updating)
            {
                due = Math.Min(due, _phase + (((sincePhase / Frequency.Second) + 1) * Frequency.Second));
            }
        }

        if (due == long.MaxValue)
        {
            _events.Cancel(_timer);
        }
        else
        {
            _events.Schedule(_timer, due);
        }
    }
}
