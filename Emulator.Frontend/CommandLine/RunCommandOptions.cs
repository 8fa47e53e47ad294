using System.CommandLine;
using System.CommandLine.Parsing;
using System.Text.RegularExpressions;
using Emulator.Core.Cpu;
using Emulator.Core.Machine;
using Emulator.Core.Memory;
using Emulator.Devices.Storage;
using Emulator.Devices.Vga;
using Emulator.Frontend.Running;
using Emulator.Jit;

namespace Emulator.Frontend.CommandLine;

/// <summary>The options of <c>emu run</c>: QEMU's spelling where QEMU has the option, long options for what is ours.</summary>
internal sealed class RunCommandOptions
{
    private const int SerialMaximum = 4;
    private const string Expect = "--expect";
    private const string Send = "--send";
    private const string SendKeys = "--send-keys";

    private static readonly string[] LaterOptions =
    [
        "-nic", "-net", "-netdev", "-s", "-S", "-gdb",
        "-monitor", "--record", "--replay",
    ];

    private readonly List<OptionEntry> _entries = [];
    private readonly List<Option<string[]>> _later = [];

    private readonly Option<string?> _memory;
    private readonly Option<string?> _cpu;
    private readonly Option<string[]> _device;
    private readonly Option<string?> _rtc;
    private readonly Option<bool> _noReboot;
    private readonly Option<string?> _kernel;
    private readonly Option<string?> _initrd;
    private readonly Option<string?> _append;
    private readonly Option<string?> _bios;
    private readonly Option<string?> _boot;
    private readonly Option<string[]> _rom;
    private readonly Option<string[]> _optionRom;
    private readonly Option<string?>[] _disks;
    private readonly Option<string[]> _drive;
    private readonly Option<bool> _snapshot;
    private readonly Option<string[]> _serial;
    private readonly Option<string?> _debugConsole;
    private readonly Option<string?> _firmwareLog;
    private readonly Option<bool> _noGraphic;
    private readonly Option<string?> _display;
    private readonly Option<string?> _vga;
    private readonly Option<string?> _videoBios;
    private readonly Option<string?> _screenshot;
    private readonly Option<string[]> _dumpScreen;
    private readonly Option<string?> _engine;
    private readonly Option<string?> _jitThreshold;
    private readonly Option<string?> _jitRegion;
    private readonly Option<string?> _jitLimit;
    private readonly Option<string?> _jitFirst;
    private readonly Option<string?> _jitThreads;
    private readonly Option<bool> _jitCount;
    private readonly Option<string?> _verifyRom;
    private readonly Option<string?> _jitCache;
    private readonly Option<string[]> _jitDump;
    private readonly Option<string?> _history;
    private readonly Option<string?> _clock;
    private readonly Option<string?> _maxInstructions;
    private readonly Option<string?> _timeout;
    private readonly Option<bool> _stopOnHalt;
    private readonly Option<string?> _dumpState;
    private readonly Option<string[]> _dumpMemory;
    private readonly Option<string?> _stats;
    private readonly Option<string[]> _trace;
    private readonly Option<string?> _traceFile;
    private readonly Option<string?> _saveState;
    private readonly Option<string?> _loadState;

    public RunCommandOptions()
    {
        const string Machine = "Machine";
        _memory = One(Machine, "-m", "SIZE", "RAM: MiB, or with suffix K, M or G. Default: 128M");
        _cpu = One(Machine, "-cpu", "MODEL", $"CPU model: {string.Join(", ", CpuModel.All.Select(m => m.Name))}. Default: max");
        _device = Many(Machine, "-device", "isa-debug-exit[,iobase=0xf4][,iosize=4]", "Let the guest end the run: writing v gives exit status (v << 1) | 1. Defaults: iobase=0x501, iosize=2");
        _rtc = One(Machine, "-rtc", "base=utc|localtime|DATE", "Date at power-on, DATE as 2026-01-01T00:00:00. Default: that date under icount, the host's UTC under the host clock");
        _vga = One(Machine, "-vga", "std|none", "Display adapter: VGA with Bochs VBE on PCI, or none. Default: std");
        _videoBios = One(Machine, "--video-bios", "FILE|none", "Option ROM of the display adapter. Default: vgabios-stdvga.bin beside the ROM that covers the reset vector, if it is there");
        _noReboot = Flag(Machine, "-no-reboot", "A guest reset ends the run (status 0), a triple fault too (status 4). Default: the machine restarts");

        const string Boot = "What to start";
        _kernel = One(Boot, "-kernel", "FILE", "Linux bzImage or multiboot 1 kernel");
        _initrd = One(Boot, "-initrd", "FILE", "Initial RAM disk; for multiboot a list of modules: FILE [ARGS][,FILE [ARGS]]... (,, is a comma)");
        _append = One(Boot, "-append", "STRING", "Kernel command line");
        _bios = One(Boot, "-bios", "FILE|builtin", "Firmware, mapped below 4 GiB and 1 MiB; a bare name is also looked for in /usr/share/seabios and /usr/share/qemu. With -kernel, it starts the kernel (Linux). Default: the built-in firmware; with -kernel none, the kernel starts directly");
        _boot = One(Boot, "-boot", "[order=]acdn[,menu=on|off][,splash-time=MS][,reboot-timeout=MS]", "What firmware tries, in this order: a floppy, c disk, d CD, n network; its boot menu; when it starts over after finding nothing. Default: order=cad, never");
        _rom = Many(Boot, "--rom", "FILE@ADDR", "Bare image at a physical address; one that ends at 1 MiB also appears below 4 GiB, where the CPU starts; without such a one, an image in RAM below 640 KiB starts like a boot sector. Repeatable");

        _optionRom = Many(Boot, "-option-rom", "FILE", "Option ROM, which firmware loads and initializes. Repeatable");

        const string Disks = "Disks";
        _disks =
        [
            One(Disks, "-fda", "FILE", "Floppy disk in drive A: a raw image of 160 KB to 2.88 MB"),
            One(Disks, "-fdb", "FILE", "Floppy disk in drive B"),
            One(Disks, "-hda", "FILE", "Hard disk: master of the first IDE channel. Images: raw, qcow2, vmdk, vpc (VHD)"),
            One(Disks, "-hdb", "FILE", "Its slave"),
            One(Disks, "-hdc", "FILE", "Master of the second IDE channel"),
            One(Disks, "-hdd", "FILE", "Its slave"),
            One(Disks, "-cdrom", "FILE", "CD image (ISO 9660) in a CD-ROM drive, in the place of -hdc"),
        ];
        _drive = Many(Disks, "-drive", "file=FILE[,NAME=VALUE]...", "A drive: if=ide|floppy, index=0..3 (else the first free place), media=disk|cdrom, format=raw|qcow2|vmdk|vpc (else its contents tell), readonly=on|off, snapshot=on|off. A comma in a name is doubled. Repeatable");
        _snapshot = Flag(Disks, "-snapshot", "Writes to all disks go to temporary files and are forgotten at the end");

        const string Streams = "Serial ports and display";
        _serial = Many(Streams, "-serial", "stdio|file:PATH|null", "Connect the next serial port, COM1 first, up to 4. On a terminal, Ctrl-A x quits. Default: COM1 on stdio");
        _debugConsole = One(Streams, "-debugcon", "stdio|file:PATH|null", "Debug console, port 0xe9. Default: null");
        _firmwareLog = One(Streams, "--firmware-log", "stdio|file:PATH|null", "What firmware writes to port 0x402. Default: null");
        _noGraphic = Flag(Streams, "-nographic", "No window (there is none yet); COM1 on stdio; firmware talks on COM1 too when there is no display adapter");
        _display = One(Streams, "-display", "none|text", "none: no window. text: the text screen on the terminal, whose keys go to the keyboard; COM1 is then not connected. Default: none, text for the demo on a terminal");

        const string Run = "Running";
        _engine = One(Run, "--engine", "interpreter|jit|verify", "Execution engine; jit translates hot code to host code; verify compares each run of translated code with the interpreter, status 10 at the first difference. Default: jit");
        _jitThreshold = One(Run, "--jit-threshold", "N", $"Translate a block after N interpreted entries; 0: before it first runs, on the CPU's thread. Default: {JitOptions.DefaultHotThreshold}");
        _jitRegion = One(Run, "--jit-region", "N", $"Most guest instructions that are translated together. Default: {JitOptions.DefaultRegionInstructions}");
        _jitLimit = One(Run, "--jit-limit", "N", $"Most guest instructions whose translations are in memory; beyond, those not run for longest are dropped. Default: {JitOptions.DefaultCodeLimit}");
        _jitFirst = One(Run, "--jit-first", "N", $"Most guest instructions of new code that are translated together. Default: {JitOptions.DefaultFirstInstructions}");
        _jitThreads = One(Run, "--jit-threads", "N", $"Threads that translate, 1 to {JitOptions.MaximumThreads}. Default: half of the host's cores, 1 to 4");
        _verifyRom = One(Run, "--verify-rom", "FILE", "Where --engine verify writes an image that reproduces a difference. Default: divergence.rom");
        _jitCount = Flag(Run, "--jit-count", "Translated code counts what it leaves to handlers and to the interpreter, shown by --stats");
        _jitCache = One(Run, "--jit-cache", "DIR", "Keep translations in this directory, and use those of earlier runs. Default: none are kept");
        _clock = One(Run, "--clock", "icount|host", "Virtual time by retired instructions (the same run every time) or by the host. Default: icount; host when COM1 is a terminal and no script is given");
        _maxInstructions = One(Run, "--max-instructions", "N", "Stop after N instructions (suffixes k, M, G: thousands, millions, billions), status 6. Default: no limit");
        _timeout = One(Run, "--timeout", "SECONDS", "Stop after that much host time, status 6. Default: no limit");
        _stopOnHalt = Flag(Run, "--stop-on-halt", "Stop when the CPU halts with interrupts off (status 0) or shuts down (status 4). Default: keep waiting, or restart");

        const string Script = "Script (in the order given)";
        _entries.Add(new OptionEntry(Script, Repeatable(Expect), $"{Expect} REGEX", "Wait for output of a serial port, the debug console or the firmware log, or for text on the screen. The run ends with status 0 when the script ends in a match"));
        _entries.Add(new OptionEntry(Script, Repeatable(Send), $"{Send} TEXT", "Type text on COM1. Escapes: \\n and \\r (Enter), \\t \\b \\e \\0 \\\\ \\xNN"));
        _entries.Add(new OptionEntry(Script, Repeatable(SendKeys), $"{SendKeys} TEXT", "Type text on the keyboard (US layout), same escapes; control characters with Ctrl (\\x03), \\e[A up, \\e[B down, \\e[C right, \\e[D left, \\eOP F1, \\e[24~ F12 and the like, as xterm"));

        const string Results = "Results";
        _dumpState = One(Results, "--dump-state", "FILE", "CPU state at the end as JSON; - is standard output");
        _dumpMemory = Many(Results, "--dump-memory", "ADDR:LEN:FILE", "Physical memory at the end. Repeatable");
        _screenshot = One(Results, "--screenshot", "FILE", "The screen at the end as PNG");
        _dumpScreen = Many(Results, "--dump-screen", "text|FILE", "The text screen at the end, on standard output or in a file, in UTF-8. Repeatable");
        _history = One(Results, "--history", "FILE", "A hash of the CPU state at every million instructions (of RAM at every 64 million), to compare engines and hosts by");
        _jitDump = Many(Results, "--jit-dump", "ADDR:FILE", "Translated code that contains a linear address, at the end: guest code, IL and host code; - is standard output. Repeatable");
        _stats = Optional(Results, "--stats", "[FILE]", "Statistics at the end on standard error, and as JSON in FILE");
        _trace = Many(Results, "--trace", "exec|post|io|int|jit[,...]", "Trace instructions, POST codes (port 0x80), port accesses, interrupts and exceptions, regions of translated code");
        _traceFile = One(Results, "--trace-file", "FILE", "Where traces go. Default: standard error");

        const string State = "Machine state";
        _saveState = One(State, "--save-state", "FILE", "Save the machine when the run ends");
        _loadState = One(State, "--load-state", "FILE", "Continue a saved machine; options that describe the machine need not be given again");

        foreach (string name in LaterOptions)
        {
            _later.Add(new Option<string[]>(name, Aliases(name)) { Arity = ArgumentArity.ZeroOrMore, AllowMultipleArgumentsPerToken = false, Hidden = true });
        }
    }

    /// <summary>Every option, by group, for <c>--help</c>.</summary>
    public IReadOnlyList<OptionEntry> Entries => _entries;

    /// <summary>The options of QEMU and of the design that do not exist yet.</summary>
    public static IReadOnlyList<string> NotSupportedYet => LaterOptions;

    /// <summary>Adds all options to a command.</summary>
    public void AddTo(Command command)
    {
        foreach (OptionEntry entry in _entries)
        {
            command.Options.Add(entry.Option);
        }

        foreach (Option<string[]> option in _later)
        {
            command.Options.Add(option);
        }
    }

    /// <summary>The first option given that belongs to a later version, or null.</summary>
    public string? FindLater(ParseResult result) => _later.FirstOrDefault(o => result.GetResult(o) is not null)?.Name;

    /// <summary>Reads and checks the values.</summary>
    /// <exception cref="UsageException">A value is not valid.</exception>
    public RunOptions Read(ParseResult result)
    {
        (ushort? exitPort, int exitSize) = ReadDevices(result);
        (RtcBaseKind rtc, DateTime date) = ReadRtc(result.GetValue(_rtc));
        string[] serial = result.GetValue(_serial) ?? [];
        if (serial.Length > SerialMaximum)
        {
            throw new UsageException($"-serial: a PC has {SerialMaximum} serial ports");
        }

        RunOptions options = new()
        {
            RamSize = ReadRamSize(result.GetValue(_memory)),
            Cpu = ReadCpu(result.GetValue(_cpu)),
            Kernel = result.GetValue(_kernel),
            Initrd = result.GetValue(_initrd),
            Append = result.GetValue(_append),
            Bios = result.GetValue(_bios),
            Boot = BootOptions.Parse(result.GetValue(_boot)),
            Roms = result.GetValue(_rom) ?? [],
            OptionRoms = result.GetValue(_optionRom) ?? [],
            Drives = ReadDrives(result),
            Serial = serial.Length == 0 ? null : [.. serial.Select(s => ReadStream("-serial", s))],
            DebugConsole = result.GetValue(_debugConsole) is { } console ? ReadStream("-debugcon", console) : null,
            FirmwareLog = result.GetValue(_firmwareLog) is { } log ? ReadStream("--firmware-log", log) : null,
            NoGraphic = result.GetValue(_noGraphic),
            DebugExitPort = exitPort,
            DebugExitSize = exitSize,
            Rtc = rtc,
            RtcDate = date,
            Vga = ReadVga(result.GetValue(_vga)),
            VideoBios = result.GetValue(_videoBios),
            DisplayText = ReadDisplay(result.GetValue(_display)),
            Screenshot = result.GetValue(_screenshot),
            DumpScreen = [.. result.GetValue(_dumpScreen) ?? []],
            NoReboot = result.GetValue(_noReboot),
            Engine = ReadEngine(result.GetValue(_engine)),
            Jit = ReadJit(result),
            History = result.GetValue(_history),
            JitDump = [.. (result.GetValue(_jitDump) ?? []).Select(ReadJitDump)],
            VerifyRom = result.GetValue(_verifyRom) ?? "divergence.rom",
            Clock = ReadClock(result.GetValue(_clock)),
            MaxInstructions = ReadMaxInstructions(result.GetValue(_maxInstructions)),
            Timeout = ReadTimeout(result.GetValue(_timeout)),
            Script = ReadScript(result),
            DumpState = result.GetValue(_dumpState),
            DumpMemory = [.. (result.GetValue(_dumpMemory) ?? []).Select(ReadMemoryDump)],
            StopOnHalt = result.GetValue(_stopOnHalt),
            Stats = result.GetResult(_stats) is not null,
            StatsFile = result.GetValue(_stats),
            SaveState = result.GetValue(_saveState),
            LoadState = result.GetValue(_loadState),
            Trace = ReadTrace(result.GetValue(_trace) ?? []),
            TraceFile = result.GetValue(_traceFile),
        };
        if (options.StartsDemo && !options.NoGraphic && options.Serial is null && options.Script.Count == 0 && result.GetValue(_display) is null)
        {
            // Somebody sits in front of it.
            options = options with { DisplayText = options.Vga != VgaKind.None && !Console.IsInputRedirected && !Console.IsOutputRedirected };
        }

        CheckCombinations(options);
        return options;
    }

    private static void CheckCombinations(RunOptions options)
    {
        if (options.Kernel is null && options.Initrd is not null && options.LoadState is null)
        {
            throw new UsageException("-initrd needs -kernel");
        }

        if (options.Kernel is null && options.Append is not null && options.LoadState is null)
        {
            throw new UsageException("-append needs -kernel");
        }

        if (options.Engine == EngineKind.Interpreter && (options.JitDump.Count != 0 || options.Trace.HasFlag(TraceKinds.Jit)))
        {
            throw new UsageException("--jit-dump and --trace jit need --engine jit or verify");
        }

        if (options.TraceFile is not null && options.Trace == TraceKinds.None)
        {
            throw new UsageException("--trace-file needs --trace");
        }

        if (options.Serial?.Count(s => s.Kind == StreamKind.Stdio) > 1)
        {
            throw new UsageException("-serial stdio: only one serial port can use standard input and output");
        }

        if (options.DisplayText && options.Serial?.Any(s => s.Kind == StreamKind.Stdio) == true)
        {
            throw new UsageException("-display text: standard input and output cannot be a serial port too");
        }
    }

    /// <summary>The drives, in the order of their places; null when none is given.</summary>
    private IReadOnlyList<DriveOptions>? ReadDrives(ParseResult result)
    {
        List<DriveOptions> drives = [];
        foreach (Option<string?> option in _disks)
        {
            if (result.GetValue(option) is { } file)
            {
                drives.Add(DriveSyntax.Short(option.Name, file));
            }
        }

        drives.AddRange((result.GetValue(_drive) ?? []).Select(DriveSyntax.Parse));
        return drives.Count == 0 ? null : DriveSyntax.Place(drives, result.GetValue(_snapshot));
    }

    private static uint? ReadRamSize(string? text)
    {
        if (text is null)
        {
            return null;
        }

        if (!NumberSyntax.TrySize(text, 1 << 20, out long bytes))
        {
            throw new UsageException($"-m {text}: is no size (MiB, or a number with K, M or G)");
        }

        if (bytes < 1 << 20 || bytes > PhysicalMemory.MaximumRam || bytes % PhysicalMemory.PageSize != 0)
        {
            throw new UsageException($"-m {text}: RAM can be 1M to {PhysicalMemory.MaximumRam >> 20}M, in steps of 4K");
        }

        return (uint)bytes;
    }

    private static CpuModel? ReadCpu(string? name) => name is null
        ? null
        : CpuModel.Find(name) ?? throw new UsageException($"-cpu {name}: unknown CPU model; known are {string.Join(", ", CpuModel.All.Select(m => m.Name))}");

    private static StreamTarget ReadStream(string option, string text)
    {
        if (text == "stdio")
        {
            return new StreamTarget(StreamKind.Stdio);
        }

        if (text is "null" or "none")
        {
            return new StreamTarget(StreamKind.None);
        }

        if (text.StartsWith("file:", StringComparison.Ordinal) && text.Length > 5)
        {
            return new StreamTarget(StreamKind.File, text[5..]);
        }

        if (text.StartsWith("tcp:", StringComparison.Ordinal) || text is "pty" or "vc" or "mon:stdio" || text.StartsWith("unix:", StringComparison.Ordinal))
        {
            throw new UsageException($"{option} {text}: not supported yet; stdio, file:PATH and null are");
        }

        throw new UsageException($"{option} {text}: unknown; stdio, file:PATH and null are known");
    }

    private static (RtcBaseKind Kind, DateTime Date) ReadRtc(string? text)
    {
        if (text is null)
        {
            return (RtcBaseKind.Default, default);
        }

        string value = text.StartsWith("base=", StringComparison.Ordinal) ? text[5..] : "";
        if (value == "utc")
        {
            return (RtcBaseKind.Utc, default);
        }

        if (value == "localtime")
        {
            return (RtcBaseKind.LocalTime, default);
        }

        string[] formats = ["yyyy-MM-dd'T'HH:mm:ss", "yyyy-MM-dd"];
        if (DateTime.TryParseExact(value, formats, System.Globalization.CultureInfo.InvariantCulture, System.Globalization.DateTimeStyles.AssumeUniversal | System.Globalization.DateTimeStyles.AdjustToUniversal, out DateTime date))
        {
            return date.Year is >= 1980 and <= 2099 ? (RtcBaseKind.Fixed, date) : throw new UsageException($"-rtc {text}: the clock knows the years 1980 to 2099");
        }

        throw new UsageException($"-rtc {text}: base=utc, base=localtime and base=2026-01-31[T12:00:00] are known");
    }

    private static EngineKind ReadEngine(string? text) => text switch
    {
        null or "jit" => EngineKind.Jit,
        "interpreter" => EngineKind.Interpreter,
        "verify" => EngineKind.Verify,
        _ => throw new UsageException($"--engine {text}: unknown; interpreter, jit and verify are known"),
    };

    private static int ReadJitNumber(string option, string? text, int minimum, int maximum, int otherwise)
    {
        if (text is null)
        {
            return otherwise;
        }

        return NumberSyntax.TryNumber(text, (ulong)maximum, out ulong value) && (int)value >= minimum
            ? (int)value
            : throw new UsageException($"{option} {text}: is no number from {minimum} to {maximum}");
    }

    private JitOptions ReadJit(ParseResult result) => new()
    {
        Verify = ReadEngine(result.GetValue(_engine)) == EngineKind.Verify,
        HotThreshold = ReadJitNumber("--jit-threshold", result.GetValue(_jitThreshold), 0, int.MaxValue, JitOptions.DefaultHotThreshold),
        RegionInstructions = ReadJitNumber("--jit-region", result.GetValue(_jitRegion), 1, 10_000, JitOptions.DefaultRegionInstructions),
        CodeLimit = ReadJitNumber("--jit-limit", result.GetValue(_jitLimit), 1, int.MaxValue, JitOptions.DefaultCodeLimit),
        FirstInstructions = ReadJitNumber("--jit-first", result.GetValue(_jitFirst), 1, 10_000, JitOptions.DefaultFirstInstructions),
        Threads = ReadJitNumber("--jit-threads", result.GetValue(_jitThreads), 1, JitOptions.MaximumThreads, JitOptions.DefaultThreads),
        Count = result.GetValue(_jitCount),
        CacheDirectory = result.GetValue(_jitCache),
        Warn = line => Console.Error.WriteLine($"emu: {line}"),
    };

    private static ClockMode? ReadClock(string? text) => text switch
    {
        null => null,
        "icount" => ClockMode.InstructionCount,
        "host" => ClockMode.Host,
        _ => throw new UsageException($"--clock {text}: icount and host are known"),
    };

    private static long? ReadMaxInstructions(string? text)
    {
        if (text is null)
        {
            return null;
        }

        return NumberSyntax.TryCount(text, out long count) ? count : throw new UsageException($"--max-instructions {text}: is no count (digits, and k, M or G)");
    }

    private static TimeSpan? ReadTimeout(string? text)
    {
        if (text is null)
        {
            return null;
        }

        const double Longest = 1e9;
        return double.TryParse(text, System.Globalization.NumberStyles.AllowDecimalPoint, System.Globalization.CultureInfo.InvariantCulture, out double seconds) && seconds <= Longest
            ? TimeSpan.FromSeconds(seconds)
            : throw new UsageException($"--timeout {text}: is no number of seconds");
    }

    private static MemoryDump ReadMemoryDump(string text)
    {
        string[] parts = text.Split(':', 3);
        if (parts.Length != 3 || parts[2].Length == 0)
        {
            throw new UsageException($"--dump-memory {text}: the form is ADDR:LEN:FILE");
        }

        if (!NumberSyntax.TryNumber(parts[0], uint.MaxValue, out ulong address))
        {
            throw new UsageException($"--dump-memory {text}: '{parts[0]}' is no 32-bit address");
        }

        if (!NumberSyntax.TryNumber(parts[1], 0x1_0000_0000 - address, out ulong length))
        {
            if (!NumberSyntax.TrySize(parts[1], 1, out long size) || (ulong)size > 0x1_0000_0000 - address)
            {
                throw new UsageException($"--dump-memory {text}: '{parts[1]}' is no length that ends within 4 GiB");
            }

            length = (ulong)size;
        }

        return new MemoryDump((uint)address, (long)length, parts[2]);
    }

    private static JitDump ReadJitDump(string text)
    {
        string[] parts = text.Split(':', 2);
        return parts.Length == 2 && parts[1].Length != 0 && NumberSyntax.TryNumber(parts[0], uint.MaxValue, out ulong address)
            ? new JitDump((uint)address, parts[1])
            : throw new UsageException($"--jit-dump {text}: the form is ADDR:FILE");
    }

    private static TraceKinds ReadTrace(string[] texts)
    {
        TraceKinds kinds = TraceKinds.None;
        foreach (string kind in texts.SelectMany(t => t.Split(',')))
        {
            kinds |= kind switch
            {
                "exec" => TraceKinds.Exec,
                "post" => TraceKinds.Post,
                "io" => TraceKinds.Io,
                "int" => TraceKinds.Int,
                "jit" => TraceKinds.Jit,
                _ => throw new UsageException($"--trace {kind}: exec, post, io, int and jit are known"),
            };
        }

        return kinds;
    }

    /// <summary>The steps in the order in which they stand on the command line.</summary>
    private static List<ScriptStep> ReadScript(ParseResult result)
    {
        List<ScriptStep> steps = [];
        string? option = null;
        foreach (Token token in result.Tokens)
        {
            if (token.Type == TokenType.Option)
            {
                option = token.Value;
                continue;
            }

            switch (option)
            {
                case Expect:
                    CheckPattern(token.Value);
                    steps.Add(new ScriptStep(ScriptAction.Expect, token.Value));
                    break;
                case Send:
                    steps.Add(new ScriptStep(ScriptAction.Send, token.Value, TextEscapes.ToBytes(token.Value)));
                    break;
                case SendKeys:
                    steps.Add(new ScriptStep(ScriptAction.SendKeys, token.Value, TextEscapes.ToBytes(token.Value)));
                    break;
                default:
                    break;
            }

            option = null;
        }

        return steps;
    }

    private static void CheckPattern(string pattern)
    {
        try
        {
            _ = new Regex(pattern, ExpectScript.PatternOptions);
        }
        catch (ArgumentException e)
        {
            throw new UsageException($"--expect {pattern}: is no regular expression: {e.Message.ReplaceLineEndings(" ")}", e);
        }
    }

    private static VgaKind? ReadVga(string? text) => text switch
    {
        null => null,
        "std" => VgaKind.Standard,
        "none" => VgaKind.None,
        "cirrus" or "vmware" or "qxl" or "virtio" => throw new UsageException($"-vga {text}: not supported; std and none are"),
        _ => throw new UsageException($"-vga {text}: unknown; std and none are known"),
    };

    private static bool ReadDisplay(string? text) => text switch
    {
        null or "none" => false,
        "text" or "curses" => true,
        "window" or "sdl" or "gtk" => throw new UsageException($"-display {text}: not supported yet; none and text are"),
        _ when text.StartsWith("vnc", StringComparison.Ordinal) => throw new UsageException($"-display {text}: not supported yet; none and text are"),
        _ => throw new UsageException($"-display {text}: unknown; none and text are known"),
    };

    private (ushort? Port, int Size) ReadDevices(ParseResult result)
    {
        ushort? port = null;
        int size = 2;
        foreach (string device in result.GetValue(_device) ?? [])
        {
            string[] parts = device.Split(',');
            if (parts[0] != "isa-debug-exit")
            {
                throw new UsageException($"-device {device}: not supported yet; isa-debug-exit is");
            }

            if (port is not null)
            {
                throw new UsageException("-device isa-debug-exit: is given twice");
            }

            port = 0x501;
            foreach (string part in parts.Skip(1))
            {
                if (part.StartsWith("iobase=", StringComparison.Ordinal) && NumberSyntax.TryNumber(part[7..], 0xFFFF, out ulong ioBase))
                {
                    port = (ushort)ioBase;
                }
                else if (part.StartsWith("iosize=", StringComparison.Ordinal) && NumberSyntax.TryNumber(part[7..], 4, out ulong ioSize) && ioSize is 1 or 2 or 4)
                {
                    size = (int)ioSize;
                }
                else
                {
                    throw new UsageException($"-device {device}: '{part}' is no valid property (iobase=PORT, iosize=1|2|4)");
                }
            }

            if (port + size > 0x10000)
            {
                throw new UsageException($"-device {device}: reaches beyond port FFFFh");
            }
        }

        return (port, size);
    }

    /// <summary>QEMU takes its options with two dashes as well.</summary>
    private static string[] Aliases(string name) => name.StartsWith("--", StringComparison.Ordinal) ? [] : ["-" + name];

    private static Option<string[]> Repeatable(string name) => new(name, Aliases(name)) { Arity = ArgumentArity.OneOrMore, AllowMultipleArgumentsPerToken = false };

    private Option<string?> One(string group, string name, string argument, string help) => Add(group, argument, help, new Option<string?>(name, Aliases(name)) { Arity = ArgumentArity.ExactlyOne });

    private Option<string?> Optional(string group, string name, string argument, string help) => Add(group, argument, help, new Option<string?>(name, Aliases(name)) { Arity = ArgumentArity.ZeroOrOne });

    private Option<string[]> Many(string group, string name, string argument, string help) => Add(group, argument, help, Repeatable(name));

    private Option<bool> Flag(string group, string name, string help) => Add(group, "", help, new Option<bool>(name, Aliases(name)) { Arity = ArgumentArity.Zero });

    private T Add<T>(string group, string argument, string help, T option)
        where T : Option
    {
        _entries.Add(new OptionEntry(group, option, argument.Length == 0 ? option.Name : $"{option.Name} {argument}", help));
        return option;
    }
}
