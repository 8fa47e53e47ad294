// High precision event timers (IA-PC HPET specification 1.0a): one 64-bit up-counter of 100 MHz, three comparators with one-shot and periodic mode, 32-
// and 64-bit, edge and level triggering, legacy replacement. FSB delivery is absent.
//
// The counter is computed from virtual time. A comparator matches when the counter reaches it, so one that lies behind waits for the counter to
// wrap around. A match of an edge-triggered timer ends with the line asserted; it is released just before the next match, so that the 8259 pair,
// which wants to see the line until it is acknowledged, serves it.
//
// In legacy replacement mode timers 0 and 1 drive ISA interrupts 0 and 8 in place of the 8254 and the real-time clock; otherwise every timer can
// drive I/O APIC inputs 20 to 23. Writes take 32 or 64 bits.
//
// Memory: FED00000h, 1 KiB.
using Emulator.Core.Machine;
using Emulator.Core.Memory;
using Emulator.Core.Snapshot;
using Emulator.Devices.Interrupts;

namespace Emulator.Devices.Timers;

/// <summary>The event timers.</summary>
public sealed unsafe class Hpet : IMachineComponent
{
    /// <summary>Physical address.</summary>
    public const uint Address = 0xFED0_0000;

    /// <summary>Low half of the capabilities register: Intel, legacy replacement, 64 bits, three timers, revision 1.</summary>
    public const uint Capabilities = 0x8086_A201;

    private const int TimerCount = 3;
    private const int RouteCount = 4;
    private const ulong PeriodFemtoseconds = 10_000_000;
    private const long TickTime = 10;
    private const int Size = 0x400;

    private const int RegisterCapabilities = 0x000;
    private const int RegisterConfiguration = 0x010;
    private const int RegisterStatus = 0x020;
    private const int RegisterCounter = 0x0F0;
    private const int FirstTimer = 0x100;
    private const int TimerStride = 0x20;

    private const uint Enable = 1;
    private const uint Legacy = 2;
    private const uint LevelTriggered = 0x002;
    private const uint InterruptEnable = 0x004;
    private const uint Periodic = 0x008;
    private const uint PeriodicCapable = 0x010;
    private const uint Is64Bit = 0x020;
    private const uint SetValue = 0x040;
    private const uint Mode32 = 0x100;
    private const int RouteShift = 9;
    private const uint TimerWritable = 0x3F4E;
    private const ulong RouteCapabilities = 0x00F0_0000;

    private const long LatestDue = 1L << 60;

    private readonly Clock _clock;
    private readonly EventQueue _events;
    private readonly IrqLine _irq0;
    private readonly IrqLine _irq8;
    private readonly IrqLine[] _routes;
    private readonly TimerEvent[] _timers = new TimerEvent[TimerCount];
    private readonly uint[] _config = new uint[TimerCount];
    private readonly ulong[] _comparator = new ulong[TimerCount];
    private readonly ulong[] _period = new ulong[TimerCount];
    private readonly bool[] _line = new bool[TimerCount];
    private uint _configuration;
    private uint _status;
    private ulong _counterBase;
    private long _baseTime;
    private ulong _synchronized;
    private bool _pit;
    private bool _rtc;

    /// <summary>Creates the timers in their reset state: halted.</summary>
    /// <param name="clock">Virtual time.</param>
    /// <param name="events">The machine's timers.</param>
    /// <param name="irq0">ISA interrupt 0.</param>
    /// <param name="irq8">ISA interrupt 8.</param>
    /// <param name="routes">I/O APIC inputs 20 to 23.</param>
    public Hpet(Clock clock, EventQueue events, IrqLine irq0, IrqLine irq8, IrqLine[] routes)
    {
        ArgumentNullException.ThrowIfNull(events);
        ArgumentNullException.ThrowIfNull(routes);
        ArgumentOutOfRangeException.ThrowIfNotEqual(routes.Length, RouteCount);
        _clock = clock;
        _events = events;
        _irq0 = irq0;
        _irq8 = irq8;
        _routes = routes;
        for (int i = 0; i < TimerCount; i++)
        {
            _timers[i] = events.Register($"hpet.timer{i}", OnTimer);
        }

        Reset();
    }

    /// <inheritdoc/>
    public string StateId => "hpet";

    /// <inheritdoc/>
    public int StateVersion => 1;

    private bool IsRunning => (_configuration & Enable) != 0;

    private bool IsLegacy => (_configuration & Legacy) != 0;

    private ulong Counter => IsRunning ? _counterBase + (ulong)((_clock.Now - _baseTime) / TickTime) : _counterBase;

    /// <summary>The line for OUT 0 of the 8254: interrupt 0 unless a timer replaces it.</summary>
    public IrqLine CreatePitInput() => new(this, 0, &LegacyChanged);

    /// <summary>The line for the real-time clock: interrupt 8 unless a timer replaces it.</summary>
    public IrqLine CreateRtcInput() => new(this, 1, &LegacyChanged);

    /// <summary>Maps the registers.</summary>
    /// <param name="memory">Physical memory.</param>
    public void Map(PhysicalMemory memory)
    {
        ArgumentNullException.ThrowIfNull(memory);
        memory.MapDevice(Address, PhysicalMemory.PageSize, this, &Read, &Write, &Peek);
    }

    /// <inheritdoc/>
    public void Reset()
    {
        _configuration = _status = 0;
        _counterBase = _synchronized = 0;
        _baseTime = _clock.Now;
        for (int i = 0; i < TimerCount; i++)
        {
            _config[i] = 0;
            _comparator[i] = ulong.MaxValue;
            _period[i] = 0;
            _line[i] = false;
        }

        UpdateLines();
        Schedule();
    }

    /// <inheritdoc/>
    public void Serialize(StateArchive archive)
    {
        ArgumentNullException.ThrowIfNull(archive);
        archive.Array<uint>("config", _config);
        archive.Array<ulong>("comparator", _comparator);
        archive.Array<ulong>("period", _period);
        archive.Array<bool>("line", _line);
        archive.Field("configuration", ref _configuration);
        archive.Field("status", ref _status);
        archive.Field("counterBase", ref _counterBase);
        archive.Field("baseTime", ref _baseTime);
        archive.Field("synchronized", ref _synchronized);
        archive.Field("pit", ref _pit);
        archive.Field("rtc", ref _rtc);
        if (archive.IsLoading)
        {
            archive.Check(_baseTime >= 0 && _baseTime <= _clock.Now, "baseTime");
            archive.Check(_status < 1 << TimerCount, "status");
            archive.Check(Array.TrueForAll(_config, c => (c & ~TimerWritable) == 0), "config");
            _irq0.Restore(Level(0));
            _irq8.Restore(Level(1));
            for (int i = 0; i < RouteCount; i++)
            {
                _routes[i].Restore(RouteLevel(i));
            }
        }
    }

    private static void LegacyChanged(object target, int source, bool level)
    {
        Hpet hpet = (Hpet)target;
        if (source == 0)
        {
            hpet._pit = level;
        }
        else
        {
            hpet._rtc = level;
        }

        hpet.UpdateLines();
    }

    private static ulong Read(object target, uint address, int size)
    {
        ((Hpet)target).Synchronize();
        return Peek(target, address, size);
    }

    private static ulong Peek(object target, uint address, int size)
    {
        int offset = (int)(address & (PhysicalMemory.PageSize - 1));
        ulong value = offset < Size ? ((Hpet)target).ReadRegister(offset & ~7) >> (8 * (offset & 7)) : 0;
        return size == 8 ? value : value & ((1ul << (8 * size)) - 1);
    }

    private static void Write(object target, uint address, int size, ulong value)
    {
        int offset = (int)(address & (PhysicalMemory.PageSize - 1));
        if (size < 4 || offset >= Size)
        {
            return;
        }

        Hpet hpet = (Hpet)target;
        hpet.Synchronize();
        ulong mask = size == 8 ? ulong.MaxValue : (ulong)uint.MaxValue << (8 * (offset & 4));
        hpet.WriteRegister(offset & ~7, size == 8 ? value : value << (8 * (offset & 4)), mask);
        hpet.UpdateLines();
        hpet.Schedule();
    }

    private static ulong Merge(ulong old, ulong value, ulong mask) => (old & ~mask) | (value & mask);

    private static bool FindTimer(int register, out int timer)
    {
        timer = (register - FirstTimer) / TimerStride;
        return register >= FirstTimer && timer < TimerCount;
    }

    private ulong ReadRegister(int register)
    {
        if (FindTimer(register, out int timer))
        {
            return ((register - FirstTimer) % TimerStride) switch
            {
                0x00 => _config[timer] | PeriodicCapable | Is64Bit | (RouteCapabilities << 32),
                0x08 => _comparator[timer] & Width(timer),
                _ => 0,
            };
        }

        return register switch
        {
            RegisterCapabilities => Capabilities | (PeriodFemtoseconds << 32),
            RegisterConfiguration => _configuration,
            RegisterStatus => _status,
            RegisterCounter => Counter,
            _ => 0,
        };
    }

    private void WriteRegister(int register, ulong value, ulong mask)
    {
        if (FindTimer(register, out int timer))
        {
            switch ((register - FirstTimer) % TimerStride)
            {
                case 0x00:
                    Configure(timer, (uint)Merge(_config[timer], value, mask) & TimerWritable);
                    break;
                case 0x08:
                    WriteComparator(timer, value, mask);
                    break;
                default:
                    break;
            }

            return;
        }

        switch (register)
        {
            case RegisterConfiguration:
                bool wasRunning = IsRunning;
                ulong counter = Counter;
                _configuration = (uint)Merge(_configuration, value, mask) & (Enable | Legacy);
                if (wasRunning != IsRunning)
                {
                    _counterBase = _synchronized = counter;
                    _baseTime = _clock.Now;
                }

                break;
            case RegisterStatus:
                _status &= ~(uint)(value & mask);
                for (int i = 0; i < TimerCount; i++)
                {
                    _line[i] &= (_config[i] & LevelTriggered) == 0 || (_status & (1u << i)) != 0;
                }

                break;
            case RegisterCounter:
                _counterBase = _synchronized = Merge(Counter, value, mask);
                _baseTime = _clock.Now;
                break;
            default:
                break;
        }
    }

    private void Configure(int timer, uint config)
    {
        _config[timer] = config;
        if ((config & Mode32) != 0)
        {
            _comparator[timer] &= uint.MaxValue;
            _period[timer] &= uint.MaxValue;
        }

        bool status = (_status & (1u << timer)) != 0;
        _line[timer] = (config & InterruptEnable) != 0 && ((config & LevelTriggered) != 0 ? status : _line[timer]);
    }

    /// <summary>A periodic timer takes its period from every write, and its comparator from one behind a set SETVAL.</summary>
    private void WriteComparator(int timer, ulong value, ulong mask)
    {
        ulong width = Width(timer);
        bool periodic = (_config[timer] & Periodic) != 0;
        if (!periodic || (_config[timer] & SetValue) != 0)
        {
            _comparator[timer] = Merge(_comparator[timer], value, mask) & width;
        }

        if (periodic)
        {
            _period[timer] = Merge(_period[timer], value, mask) & width;
        }

        _config[timer] &= ~SetValue;
    }

    private ulong Width(int timer) => (_config[timer] & Mode32) != 0 ? uint.MaxValue : ulong.MaxValue;

    /// <summary>Ticks from the last look at the counter to the next match; 0 stands for a whole turn of 2^64.</summary>
    private ulong Distance(int timer)
    {
        ulong width = Width(timer);
        ulong distance = (_comparator[timer] - _synchronized) & width;
        return distance == 0 && width != ulong.MaxValue ? width + 1 : distance;
    }

    private void OnTimer(long due)
    {
        Synchronize();
        Schedule();
    }

    /// <summary>Lets the matches happen that lie between the last look and now.</summary>
    private void Synchronize()
    {
        ulong now = Counter;
        ulong elapsed = now - _synchronized;
        if (elapsed == 0)
        {
            return;
        }

        for (int i = 0; i < TimerCount; i++)
        {
            ulong distance = Distance(i);
            if (distance == 0 || distance > elapsed)
            {
                continue;
            }

            if ((_config[i] & Periodic) != 0 && _period[i] != 0)
            {
                ulong periods = ((elapsed - distance) / _period[i]) + 1;
                _comparator[i] = (_comparator[i] + (periods * _period[i])) & Width(i);
            }

            Match(i);
        }

        _synchronized = now;
        UpdateLines();
    }

    private void Match(int timer)
    {
        bool enabled = (_config[timer] & InterruptEnable) != 0;
        if ((_config[timer] & LevelTriggered) != 0)
        {
            _status |= 1u << timer;
            _line[timer] = enabled;
        }
        else if (enabled)
        {
            if (_line[timer])
            {
                _line[timer] = false;
                UpdateLines();
            }

            _line[timer] = true;
        }
    }

    private bool Level(int timer) => IsLegacy ? _line[timer] && IsRunning : timer == 0 ? _pit : _rtc;

    private bool RouteLevel(int route)
    {
        for (int i = 0; i < TimerCount; i++)
        {
            bool replaced = IsLegacy && i < 2;
            if (!replaced && _line[i] && IsRunning && ((_config[i] >> RouteShift) & 31) == (uint)(IoApic.FirstHpet + route))
            {
                return true;
            }
        }

        return false;
    }

    private void UpdateLines()
    {
        _irq0.Set(Level(0));
        _irq8.Set(Level(1));
        for (int i = 0; i < RouteCount; i++)
        {
            _routes[i].Set(RouteLevel(i));
        }
    }

    /// <summary>Plans the next match of each timer that would interrupt.</summary>
    private void Schedule()
    {
        for (int i = 0; i < TimerCount; i++)
        {
            ulong distance = Distance(i);
            if (!IsRunning || (_config[i] & InterruptEnable) == 0 || distance == 0 || distance > (ulong)(LatestDue / TickTime))
            {
                _events.Cancel(_timers[i]);
                continue;
            }

            ulong ticks = _synchronized - _counterBase + distance;
            _events.Schedule(_timers[i], _baseTime + ((long)ticks * TickTime));
        }
    }
}
