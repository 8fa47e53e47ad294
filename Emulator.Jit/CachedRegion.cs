namespace Emulator.Jit;

/// <summary>Where a block of a kept region was.</summary>
/// <param name="Eip">EIP of its first byte.</param>
/// <param name="Physical">Physical address of its first byte.</param>
/// <param name="SecondPage">Physical page into which it straddles, or uint.MaxValue.</param>
/// <param name="ByteLength">Bytes of guest code.</param>
/// <param name="OpCount">Instructions.</param>
internal readonly record struct CachedBlock(uint Eip, uint Physical, uint SecondPage, uint ByteLength, int OpCount);

/// <summary>A region that was compiled in an earlier run.</summary>
internal sealed class CachedRegion
{
    /// <summary>Mode that its code was decoded for.</summary>
    public required uint ModeKey { get; init; }

    /// <summary>Its blocks, the entry first.</summary>
    public required CachedBlock[] Blocks { get; init; }

    /// <summary>EIPs behind calls, where returns may land.</summary>
    public required uint[] ReturnSites { get; init; }

    /// <summary>The instructions of the <see cref="RegionContext"/>'s slots: block and position.</summary>
    public required (int Block, int Op)[] Slots { get; init; }

    /// <summary>Hash of the bytes of all blocks.</summary>
    public required ulong Hash { get; init; }

    /// <summary>What jump tables held (<see cref="Region.JumpTables"/>).</summary>
    public required Dictionary<uint, uint[]> JumpTables { get; init; }

    /// <summary>Where indirect branches went (<see cref="Region.Targets"/>).</summary>
    public required Dictionary<uint, uint[]> Targets { get; init; }

    /// <summary>The assembly with its host code, or null when it must be compiled again.</summary>
    public ReadyToRunCode? Code { get; set; }

    /// <summary>Row of its method in the assembly.</summary>
    public int Row { get; set; }
}
