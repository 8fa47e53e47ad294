using Emulator.Core.Cpu;

namespace Emulator.Jit;

/// <summary>
/// Finds out which regions are worth compiling once more: those that were cut short to be there soon, and those kept of an earlier run, whose code calls where
/// fresh code jumps and cannot have methods of other assemblies in line. Where a slice ends is a sample of where the time goes; a region in which enough of
/// them ended is compiled anew, larger, while the old code goes on.
/// </summary>
/// <param name="core">The CPU.</param>
/// <param name="replace">Has a region compiled, if it can be now; false when it must be tried again.</param>
internal sealed unsafe class RegionGrowth(CpuCore core, Func<CompiledRegion, bool> replace)
{
    /// <summary>Least number of instructions from sample to sample.</summary>
    private const long SampleInterval = 500_000;

    /// <summary>Most instructions that a sample stands for.</summary>
    private const long LargestSample = 1_000_000;

    /// <summary>Instructions of the samples of a region from which on it is compiled anew: a few milliseconds.</summary>
    private const long Enough = 2_000_000;

    /// <summary>As many times as <see cref="Enough"/> a region must have when code that was never compiled waits.</summary>
    private const int BusyFactor = 4;

    private const int PageShift = 12;

    private readonly Dictionary<uint, List<CompiledRegion>> _byPage = [];
    private long _lastSample;

    /// <summary>Adds a region that may be replaced.</summary>
    /// <param name="region">The region.</param>
    public void Add(CompiledRegion region)
    {
        foreach (uint page in region.Region.Blocks.Select(b => b.Eip >> PageShift).Distinct())
        {
            if (!_byPage.TryGetValue(page, out List<CompiledRegion>? list))
            {
                _byPage[page] = list = [];
            }

            list.Add(region);
        }
    }

    /// <summary>Forgets a region, which may not live on here: its code hangs on it.</summary>
    /// <param name="region">The region; one that was never added is let pass.</param>
    public void Remove(CompiledRegion region)
    {
        if (!region.IsProvisional)
        {
            return;
        }

        foreach (uint page in region.Region.Blocks.Select(b => b.Eip >> PageShift).Distinct())
        {
            if (_byPage.TryGetValue(page, out List<CompiledRegion>? list) && list.Remove(region) && list.Count == 0)
            {
                _byPage.Remove(page);
            }
        }
    }

    /// <summary>Forgets all.</summary>
    public void Clear() => _byPage.Clear();

    /// <summary>Looks where the CPU is, between two slices.</summary>
    /// <param name="isIdle">Whether no code waits to be compiled for the first time.</param>
    public void Sample(bool isIdle)
    {
        long passed = core.Retired - _lastSample;
        if (passed < SampleInterval)
        {
            return;
        }

        _lastSample = core.Retired;
        uint eip = core.State->Eip;
        if (!_byPage.TryGetValue(eip >> PageShift, out List<CompiledRegion>? regions))
        {
            return;
        }

        CompiledRegion? running = regions.Find(r => Runs(r, eip));
        if (running is not null)
        {
            running.Weight += Math.Min(passed, LargestSample);
            if (running.Weight >= (isIdle ? Enough : Enough * BusyFactor) && replace(running))
            {
                Remove(running);
            }
        }
    }

    private static bool Runs(CompiledRegion region, uint eip)
    {
        foreach (RegionBlock block in region.Region.Blocks)
        {
            if (eip - block.Eip < block.ByteLength)
            {
                return block.Source->CompiledContext == region.Context;
            }
        }

        return false;
    }
}
