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
            RegionCacheWriter.Save(Options.CacheDirectory!, CachePrefix, Monitor?.Modes ?? EmitModes.None, RegionCache.Identity(_core.Model), _toKeep, Options.Warn ?? (_ => { }));
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
        if (kept.Code is not null && kept.Code.Prepare(kept.Row) is var code && code != 0)
        {
            region.Take((delegate*<CpuState*, nint, int, int>)code, [.. kept.Slots.Select(slot => blocks[slot.Block].Ops[slot.Op])]);
            Publish(region);
            _replacement?.Add(region);
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

    /// <summary>Has a region whose code was kept compiled for this run; until then the kept code goes on.</summary>
    private void Replace(CompiledRegion kept)
    {
        Region region = new()
        {
            Blocks = kept.Region.Blocks,
            ModeKey = kept.Region.ModeKey,
            Fcw = _core.State->Fcw,
            ReturnSites = kept.Region.ReturnSites,
            JumpTables = kept.Region.JumpTables,
            Targets = kept.Region.Targets,
        };
        CompiledRegion replacing = new(region) { Replaces = kept };
        Register(replacing);
        _outstanding++;
        _toCompile!.Add(replacing);
    }

    /// <summary>Lets go of a region that no block enters any more.</summary>
    private void Retire(CompiledRegion region)
    {
        foreach (nint block in region.Requested)
        {
            if (_users.TryGetValue(block, out List<CompiledRegion>? users))
            {
                users.Remove(region);
            }
        }

        region.Invalidate();
        _dropped.Add(region);
    }
}
