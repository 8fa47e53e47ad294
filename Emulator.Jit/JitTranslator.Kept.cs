using Emulator.Core.Cpu;
using Emulator.Core.Decoding;

namespace Emulator.Jit;

/// <content>Regions that are kept between runs.</content>
public sealed unsafe partial class JitTranslator
{
    /// <summary>What verification runs is other code, with lists of its own.</summary>
    private string CachePrefix => _verifier is null ? RegionCache.Prefix : RegionCache.VerifyPrefix;

    /// <summary>Writes what this run compiled to <see cref="JitOptions.CacheDirectory"/>, if one was given. Call behind the last run.</summary>
    public void Keep()
    {
        if (_cache is not null)
        {
            // What was compiled last took blocks over from what came before: it is to be found first.
            RegionCacheWriter.Save(Options.CacheDirectory!, CachePrefix, Monitor?.Modes ?? EmitModes.None, RegionCache.Identity(_core.Model), [.. _toKeep.AsEnumerable().Reverse()], Options.Warn ?? (_ => { }));
            _toKeep.Clear();
        }
    }

    private static CachedBlock Place(RegionBlock block) => new(block.Eip, block.Physical, block.SecondPage, block.ByteLength, block.Ops.Length);

    /// <summary>Uses a region of an earlier run that contains a block, if memory holds the same code at the same places again.</summary>
    private bool TakeKept(Block* block)
    {
        uint eip = _core.State->Eip;
        foreach (CachedRegion kept in _cache!.At(block->Physical) ?? [])
        {
            if (kept.ModeKey == block->ModeKey && Array.Exists(kept.Blocks, b => b.Physical == block->Physical && b.Eip == eip)
                && RegionHash.Of(_core.Memory, kept.Blocks) == kept.Hash)
            {
                return TakeKept(kept);
            }
        }

        return false;
    }

    private bool TakeKept(CachedRegion kept)
    {
        long clears = _core.Blocks.Clears;
        RegionBlock[] blocks = new RegionBlock[kept.Blocks.Length];
        for (int i = 0; i < blocks.Length; i++)
        {
            CachedBlock place = kept.Blocks[i];
            Block* block = _core.Blocks.At(_core.State, kept.ModeKey, place.Eip, place.Physical, place.SecondPage);
            if (_core.Blocks.Clears != clears || block == null || block->OpCount != place.OpCount || block->ByteLength != place.ByteLength)
            {
                return false;
            }

            blocks[i] = new RegionBlock(place.Eip, codeBase: 0, block);
        }

        CompiledRegion region = new(new Region { Blocks = blocks, ModeKey = kept.ModeKey, Fcw = _core.State->Fcw, ReturnSites = kept.ReturnSites, JumpTables = kept.JumpTables, Targets = kept.Targets }) { IsKept = true };
        Register(region);
        foreach (RegionBlock block in blocks)
        {
            // They were hot; where this region ends, a larger one may go on.
            block.Source->Heat = block.Source->HeatStart - Math.Max(1, Options.HotThreshold);
        }

        if (kept.Code is not null && kept.Code.Prepare(kept.Row) is var code && code != 0)
        {
            region.Take((delegate*<CpuState*, nint, int, int>)code, [.. kept.Slots.Select(slot => blocks[slot.Block].Ops[slot.Op])]);
            Publish(region);
        }
        else if (_toCompile is not null)
        {
            _outstanding++;
            _toCompile.Add(region);
        }
        else
        {
            Compile(region);
            Publish(region);
        }

        return true;
    }
}
