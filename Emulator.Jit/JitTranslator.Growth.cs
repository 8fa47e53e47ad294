using Emulator.Core.Decoding;

namespace Emulator.Jit;

/// <content>Regions that are compiled anew, because much time is spent in them.</content>
public sealed unsafe partial class JitTranslator
{
    /// <summary>Has a provisional region compiled anew; until then its code goes on.</summary>
    /// <returns>False when it must be tried again: the thread is busy, or the code is not mapped now.</returns>
    private bool CompileAnew(CompiledRegion old)
    {
        if (_isGrowing)
        {
            return false;
        }

        Block* entry = old.Region.Entry.Source;
        CodePlace place = new(old.Region.Entry.Eip, old.Region.CodeBase, old.Region.CodeLimit);
        if (_core.Blocks.Find(_core.State, old.Region.ModeKey, place.Eip, place.Base, decode: false) != entry)
        {
            return false;
        }

        long clears = _core.Blocks.Clears;
        Region region = RegionBuilder.Build(_core, entry, place, Options, Options.RegionInstructions, IsCoveredForGood);
        if (_core.Blocks.Clears != clears || entry->IsValid == 0)
        {
            // Finding blocks decoded some, and emptied the cache: the old region is gone with all others.
            return true;
        }

        if (region.InstructionCount <= old.Region.InstructionCount)
        {
            if (!old.IsKept)
            {
                return true;
            }

            region = old.Region;
        }

        TraceFound(region, "much time is spent there");
        CompiledRegion grown = new(region) { Replaces = old };
        Register(grown);
        _isGrowing = true;
        _toGrow!.Add(grown);
        return true;
    }

    /// <summary>Whether a block is part of a region that is not provisional, at this address.</summary>
    private bool IsCoveredForGood(nint block, uint eip) => IsCovered(block, eip) && OwnerOf((Block*)block) is { IsProvisional: false };

    /// <summary>The region whose code a block enters, or null.</summary>
    private CompiledRegion? OwnerOf(Block* block) =>
        block->Compiled != null && _users.TryGetValue((nint)block, out List<CompiledRegion>? users) ? users.Find(r => r.Context == block->CompiledContext) : null;

    /// <summary>Takes the blocks of a region away from the provisional regions that have them.</summary>
    /// <returns>The provisional regions.</returns>
    private List<CompiledRegion> MakeRoom(CompiledRegion region)
    {
        List<CompiledRegion> owners = [];
        foreach (RegionBlock block in region.Region.Blocks)
        {
            if (OwnerOf(block.Source) is { IsProvisional: true } owner)
            {
                Block.Forget(block.Source);
                block.Source->Compiled = null;
                block.Source->CompiledContext = 0;
                if (!owners.Contains(owner))
                {
                    owners.Add(owner);
                }
            }
        }

        return owners;
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

        _toKeep.RemoveAll(k => k.Region == region.Region);
        region.Invalidate();
        _growth?.Remove(region);
        _dropped.Add(region);
    }
}
