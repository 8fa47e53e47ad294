using Emulator.Core.Cpu;

namespace Emulator.Jit;

/// <summary>Stands between the run loop and the regions, to watch or to check each run of one.</summary>
internal abstract unsafe class RegionMonitor
{
    /// <summary>What the code of regions must keep to for this monitor.</summary>
    public abstract EmitModes Modes { get; }

    /// <summary>Runs a region, or lets the interpreter do it.</summary>
    /// <param name="s">The state; EIP is the entry's.</param>
    /// <param name="region">The region.</param>
    /// <param name="context">What its code needs.</param>
    /// <param name="entry">Which of its entries.</param>
    /// <returns>What the run loop is told: an <see cref="ExecStatus"/>.</returns>
    public abstract int Run(CpuState* s, CompiledRegion region, nint context, int entry);
}
