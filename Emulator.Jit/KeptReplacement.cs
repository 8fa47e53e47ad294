using Emulator.Core.Cpu;

namespace Emulator.Jit;

/// <summary>
/// Finds out which regions of an earlier run are worth compiling again: kept code calls where fresh code jumps, and cannot have methods of other
/// assemblies in line. Where a slice ends is a sample of where the time goes; a region in which enough of them ended is compiled for
/// this run when the compiling thread has nothing else to do.
/// </summary>
/// <param name="core">The CPU.</param>
/// <param name="replace">Has a region compiled.</param>
internal sealed unsafe class KeptReplacement(CpuCore core, Action<CompiledRegion> replace)
{
    /// <summary>Least number of instructions from sample to sample.</summary>
    private const long SampleInterval = 100_000;

    /// <summary>Most instructions that a sample stands for.</summary>
    private const long LargestSample = 1_000_000;

    /// <summary>Instructions of the samples of a region from which on it is compiled: a few milliseconds.</summary>
    private const long Enough = 2_000_000;

    private const int PageShift = 12;

    private readonly Dictionary<uint, List<CompiledRegion>> _byPage = [];
    private readonly List<CompiledRegion> _waiting = [];
    private long _lastSample;

    /// <summary>Adds a region that runs kept code.</summary>
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

    /// <summary>Forgets all.</summary>
    public void Clear()
    {
        _byPage.Clear();
        _waiting.Clear();
    }

    /// <summary>Looks where the CPU is, between two slices.</summary>
    /// <param name="isIdle">Whether the compiling thread has nothing to do.</param>
    public void Sample(bool isIdle)
    {
        long passed = core.Retired - _lastSample;
        if (passed < SampleInterval)
        {
            return;
        }

        _lastSample = core.Retired;
        uint eip = core.State->Eip;
        if (_byPage.TryGetValue(eip >> PageShift, out List<CompiledRegion>? regions))
        {
            regions.RemoveAll(r => !r.IsValid);
            foreach (CompiledRegion region in regions)
            {
                if (Runs(region, eip))
                {
                    long before = region.Weight;
                    region.Weight += Math.Min(passed, LargestSample);
                    if (before < Enough && region.Weight >= Enough)
                    {
                        _waiting.Add(region);
                    }

                    break;
                }
            }
        }

        if (isIdle && _waiting.Count != 0)
        {
            CompiledRegion heaviest = _waiting.MaxBy(r => r.Weight)!;
            _waiting.Remove(heaviest);
            if (heaviest.IsValid)
            {
                replace(heaviest);
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
