namespace Emulator.Core.Cpu;

/// <summary>Instruction-set extensions of a CPU model; what a model lacks raises #UD.</summary>
[Flags]
public enum CpuFeatures : uint
{
    /// <summary>A 486 with FPU.</summary>
    None = 0,
    Vme = 1 << 0,
    Pse = 1 << 1,
    Tsc = 1 << 2,
    Msr = 1 << 3,
    Pae = 1 << 4,
    Cx8 = 1 << 5,
    Sep = 1 << 6,
    Pge = 1 << 7,
    Cmov = 1 << 8,
    Mmx = 1 << 9,
    Fxsr = 1 << 10,
    Sse = 1 << 11,
    Sse2 = 1 << 12,
    Nx = 1 << 13,
    De = 1 << 14,
    Pse36 = 1 << 15,
    Pat = 1 << 16,
    Mtrr = 1 << 17,
    Clflush = 1 << 18,
    Apic = 1 << 19,
}

/// <summary>A CPU model: what <c>-cpu</c> chooses.</summary>
public sealed record CpuModel
{
    private const CpuFeatures Pentium = CpuFeatures.Vme | CpuFeatures.De | CpuFeatures.Pse | CpuFeatures.Tsc | CpuFeatures.Msr | CpuFeatures.Cx8
        | CpuFeatures.Apic;
    private const CpuFeatures PentiumIi = Pentium | CpuFeatures.Pae | CpuFeatures.Sep | CpuFeatures.Pge | CpuFeatures.Cmov | CpuFeatures.Mmx | CpuFeatures.Fxsr
        | CpuFeatures.Pse36 | CpuFeatures.Pat | CpuFeatures.Mtrr;

    private CpuModel(string name, CpuFeatures features, uint signature)
    {
        Name = name;
        Features = features;
        Signature = signature;
    }

    /// <summary>The models, by the name that <c>-cpu</c> takes.</summary>
    public static IReadOnlyList<CpuModel> All { get; } =
    [
        new("486", CpuFeatures.None, 0x480),
        new("pentium", Pentium, 0x543),
        new("pentium2", PentiumIi, 0x652),
        new("pentium3", PentiumIi | CpuFeatures.Sse, 0x673),
        new("max", PentiumIi | CpuFeatures.Sse | CpuFeatures.Sse2 | CpuFeatures.Nx | CpuFeatures.Clflush, 0x6D8),
    ];

    /// <summary>The default: everything this emulator has.</summary>
    public static CpuModel Max => All[^1];

    /// <summary>Name on the command line.</summary>
    public string Name { get; }

    /// <summary>Extensions.</summary>
    public CpuFeatures Features { get; }

    /// <summary>Family, model and stepping as CPUID leaf 1 returns them in EAX, and as EDX holds them after reset.</summary>
    public uint Signature { get; }

    /// <summary>Whether the model has all of some features.</summary>
    /// <param name="features">The features.</param>
    public bool Has(CpuFeatures features) => (Features & features) == features;

    /// <summary>Finds a model by name, ignoring case; null when there is none.</summary>
    /// <param name="name">Name on the command line.</param>
    public static CpuModel? Find(string name) => All.FirstOrDefault(m => string.Equals(m.Name, name, StringComparison.OrdinalIgnoreCase));
}
