namespace Emulator.Jit;

/// <summary>How the translator works: what can be chosen on the command line, and by tests. Results never depend on it.</summary>
public sealed record JitOptions
{
    /// <summary>The default of <see cref="HotThreshold"/>.</summary>
    public const int DefaultHotThreshold = 1000;

    /// <summary>The default of <see cref="RegionInstructions"/>.</summary>
    public const int DefaultRegionInstructions = 250;

    /// <summary>The default of <see cref="FirstInstructions"/>.</summary>
    public const int DefaultFirstInstructions = 100;

    /// <summary>The default of <see cref="CodeLimit"/>.</summary>
    public const int DefaultCodeLimit = 500_000;

    /// <summary>Most of <see cref="Threads"/>.</summary>
    public const int MaximumThreads = 64;

    /// <summary>The default of <see cref="Threads"/>: half of the host's cores, at least 1 and at most 4.</summary>
    public static int DefaultThreads => Math.Clamp((Environment.ProcessorCount + 1) / 2, 1, 4);

    /// <summary>Every block is compiled, on the CPU's thread, before it runs for the first time, unless its code is rewritten again and again: for tests.</summary>
    public static JitOptions AtFirstSight => new() { HotThreshold = 0 };

    /// <summary>
    /// Interpreted entries of a block after which its region is compiled, at least 0. With 0 every block is compiled before it runs for the
    /// first time, on the CPU's thread, whatever <see cref="Background"/> says.
    /// </summary>
    public int HotThreshold { get; init; } = DefaultHotThreshold;

    /// <summary>Most guest instructions in a region, at least 1; the entry block is taken whole.</summary>
    public int RegionInstructions { get; init; } = DefaultRegionInstructions;

    /// <summary>
    /// Most guest instructions in a region of code that was not compiled before, at least 1, while regions are compiled in the <see cref="Background"/>: small regions
    /// are there soon. Those that turn out to take time are compiled anew, with up to <see cref="RegionInstructions"/>, which limits these, too.
    /// </summary>
    public int FirstInstructions { get; init; } = DefaultFirstInstructions;

    /// <summary>Most guest instructions in the regions that are present, at least 1: beyond, those that were not run for longest are dropped.</summary>
    public int CodeLimit { get; init; } = DefaultCodeLimit;

    /// <summary>Threads that compile new code in the <see cref="Background"/>, 1 to <see cref="MaximumThreads"/>; one more compiles anew.</summary>
    public int Threads { get; init; } = DefaultThreads;

    /// <summary>Whether regions are compiled on threads of their own; otherwise at once, on the CPU's, so that a run is repeated exactly.</summary>
    public bool Background { get; init; } = true;

    /// <summary>
    /// Whether each run of a region is compared with the interpreter's, whose result stands; regions are then compiled on the CPU's thread.
    /// See <see cref="JitTranslator.Divergence"/>.
    /// </summary>
    public bool Verify { get; init; }

    /// <summary>
    /// Whether regions count what they leave to handlers and to the interpreter (<see cref="JitTranslator.Counts"/>); they are slower then, and none
    /// are kept or taken from earlier runs.
    /// </summary>
    public bool Count { get; init; }

    /// <summary>Whether code that is rewritten again and again must run longer and longer before it is compiled again.</summary>
    internal bool BacksOff { get; init; } = true;

    /// <summary>Whether the host's compiler may leave regions unoptimized (<see cref="EmitModes.Unoptimized"/>).</summary>
    internal bool Unoptimized { get; init; }

    /// <summary>Directory in which translations are kept between runs; null for none. Made when there is something to keep.</summary>
    public string? CacheDirectory { get; init; }

    /// <summary>Told, in one line each, of files in <see cref="CacheDirectory"/> that are of no use.</summary>
    public Action<string>? Warn { get; init; }
}
