namespace Emulator.Jit;

/// <summary>
/// Bounds the compiled code by <see cref="JitOptions.CodeLimit"/>. Regions count nothing when they run, so use is found by looking away: from half
/// of the limit on, the regions published longest ago are put to rest, an eighth of the limit at a time as that much is added. A block of a resting region that the interpreter comes to
/// wakes the region, and it is the youngest again. Beyond the limit those that rest longest are dropped.
/// </summary>
/// <param name="limit">Most guest instructions in the regions that are present.</param>
/// <param name="drop">Drops a region.</param>
internal sealed class RegionAging(long limit, Action<CompiledRegion> drop)
{
    private readonly LinkedList<CompiledRegion> _active = [];
    private readonly LinkedList<CompiledRegion> _resting = [];
    private readonly Dictionary<CompiledRegion, LinkedListNode<CompiledRegion>> _restingNodes = [];
    private long _size;
    private long _added;

    /// <summary>A region was published for the first time.</summary>
    /// <param name="region">The region.</param>
    public void Add(CompiledRegion region)
    {
        _active.AddLast(region);
        _size += region.Region.InstructionCount;
        _added += region.Region.InstructionCount;
    }

    /// <summary>A resting region runs again.</summary>
    /// <param name="region">The region, published again.</param>
    public void Wake(CompiledRegion region)
    {
        if (_restingNodes.Remove(region, out LinkedListNode<CompiledRegion>? node))
        {
            _resting.Remove(node);
            _active.AddLast(node);
        }
    }

    /// <summary>Puts regions to rest and drops some, if it is time. No region may run.</summary>
    public void Poll()
    {
        if (_size <= limit && (_size <= limit / 2 || _added < limit / 8))
        {
            return;
        }

        // What was dropped for other reasons is found here.
        _size = Purge(_active) + Purge(_resting);
        if (_size > limit)
        {
            long target = limit - (limit / 8);
            DropOldest(_resting, target);
            DropOldest(_active, target);
        }

        if (_size > limit / 2)
        {
            for (long rested = 0; rested < limit / 8 && _active.First is { } oldest; rested += oldest.Value.Region.InstructionCount)
            {
                _active.Remove(oldest);
                _resting.AddLast(oldest);
                _restingNodes[oldest.Value] = oldest;
                oldest.Value.Rest();
            }
        }

        _added = 0;
    }

    private void DropOldest(LinkedList<CompiledRegion> list, long target)
    {
        while (_size > target && list.First is { } oldest)
        {
            list.Remove(oldest);
            _restingNodes.Remove(oldest.Value);
            _size -= oldest.Value.Region.InstructionCount;
            drop(oldest.Value);
        }
    }

    private long Purge(LinkedList<CompiledRegion> list)
    {
        long size = 0;
        for (LinkedListNode<CompiledRegion>? node = list.First, next; node is not null; node = next)
        {
            next = node.Next;
            if (node.Value.IsValid)
            {
                size += node.Value.Region.InstructionCount;
            }
            else
            {
                list.Remove(node);
                _restingNodes.Remove(node.Value);
            }
        }

        return size;
    }
}
