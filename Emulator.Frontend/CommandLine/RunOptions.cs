using Emulator.Core.Cpu;
using Emulator.Core.Machine;
using Emulator.Devices.Loaders;
using Emulator.Devices.Storage;
using Emulator.Devices.Vga;
using Emulator.Frontend.Running;
using Emulator.Jit;

namespace Emulator.Frontend.CommandLine;

/// <summary>Where the output of a serial port or of the debug console goes.</summary>
internal enum StreamKind
{
    /// <summary>Nowhere.</summary>
    None,

    /// <summary>Standard input and output.</summary>
    Stdio,

    /// <summary>A file.</summary>
    File,
}

/// <summary>A character stream of the command line: <c>stdio</c>, <c>file:PATH</c> or <c>null</c>.</summary>
internal sealed record StreamTarget(StreamKind Kind, string Path = "");

/// <summary>A range of physical memory to be written to a file at the end.</summary>
internal sealed record MemoryDump(uint Address, long Length, string Path);

/// <summary>A region to be written to a file at the end: guest code, IL and host code.</summary>
internal sealed record JitDump(uint Address, string Path);

/// <summary>What <c>-rtc base=</c> says.</summary>
internal enum RtcBaseKind
{
    /// <summary>The fixed default date under icount, the host's UTC under the host clock.</summary>
    Default,

    /// <summary>The host's time, UTC.</summary>
    Utc,

    /// <summary>The host's time in its time zone.</summary>
    LocalTime,

    /// <summary>A date.</summary>
    Fixed,
}

/// <summary>What executes the CPU.</summary>
internal enum EngineKind
{
    /// <summary>The interpreter.</summary>
    Interpreter,

    /// <summary>The interpreter, and the translator for hot code.</summary>
    Jit,

    /// <summary>Both, each run of translated code compared with the interpreter's.</summary>
    Verify,
}

/// <summary>What is traced.</summary>
[Flags]
internal enum TraceKinds
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>Every instruction.</summary>
    Exec = 1,

    /// <summary>POST codes at port 80h.</summary>
    Post = 2,

    /// <summary>Port accesses.</summary>
    Io = 4,

    /// <summary>Interrupts and exceptions.</summary>
    Int = 8,

    /// <summary>Regions of the translator.</summary>
    Jit = 16,
}

/// <summary>The command line of <c>emu run</c>, checked as far as that is possible without a file. Null is "not given".</summary>
internal sealed record RunOptions
{
    public uint? RamSize { get; init; }

    public CpuModel? Cpu { get; init; }

    public string? Kernel { get; init; }

    public string? Initrd { get; init; }

    public string? Append { get; init; }

    public string? Bios { get; init; }

    /// <summary>What <c>-boot</c> says.</summary>
    public BootOptions? Boot { get; init; }

    public IReadOnlyList<string> Roms { get; init; } = [];

    public IReadOnlyList<string> OptionRoms { get; init; } = [];

    /// <summary>What starts instead of <see cref="Kernel"/> and <see cref="Roms"/>: a test ROM.</summary>
    public BootFiles? BootFiles { get; init; }

    /// <summary>Whether there is nothing to start from, which starts the demo disk.</summary>
    public bool StartsDemo => Kernel is null && Bios is null && BootFiles is null && LoadState is null && Roms.Count == 0 && OptionRoms.Count == 0 && Drives is null;

    /// <summary>The drives, each with its place.</summary>
    public IReadOnlyList<DriveOptions>? Drives { get; init; }

    public IReadOnlyList<StreamTarget>? Serial { get; init; }

    public VgaKind? Vga { get; init; }

    /// <summary>The display adapter's option ROM, "none", or null for the default.</summary>
    public string? VideoBios { get; init; }

    /// <summary>Whether the text screen is shown on the terminal.</summary>
    public bool DisplayText { get; init; }

    public string? Screenshot { get; init; }

    /// <summary>Where the text screen goes at the end: "text" for standard output, or files.</summary>
    public IReadOnlyList<string> DumpScreen { get; init; } = [];

    public StreamTarget? DebugConsole { get; init; }

    public StreamTarget? FirmwareLog { get; init; }

    public bool NoGraphic { get; init; }

    public ushort? DebugExitPort { get; init; }

    public int DebugExitSize { get; init; } = 2;

    public RtcBaseKind Rtc { get; init; }

    public DateTime RtcDate { get; init; }

    public bool NoReboot { get; init; }

    public ClockMode? Clock { get; init; }

    public EngineKind Engine { get; init; }

    public JitOptions Jit { get; init; } = new();

    /// <summary>Where <see cref="EngineKind.Verify"/> writes the image that reproduces a divergence.</summary>
    public string VerifyRom { get; init; } = "divergence.rom";

    /// <summary>Where the hashes of the states at every million instructions go.</summary>
    public string? History { get; init; }

    /// <summary>Regions to be written out at the end, by an address that they contain.</summary>
    public IReadOnlyList<JitDump> JitDump { get; init; } = [];

    public long? MaxInstructions { get; init; }

    public TimeSpan? Timeout { get; init; }

    public IReadOnlyList<ScriptStep> Script { get; init; } = [];

    public string? DumpState { get; init; }

    public IReadOnlyList<MemoryDump> DumpMemory { get; init; } = [];

    public bool StopOnHalt { get; init; }

    public bool Stats { get; init; }

    public string? StatsFile { get; init; }

    public string? SaveState { get; init; }

    public string? LoadState { get; init; }

    public TraceKinds Trace { get; init; }

    public string? TraceFile { get; init; }
}
