using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Emulator.Core.Cpu;

namespace Emulator.Core.Decoding;

/// <summary>
/// Where the interpreter went from the indirect branch (call, jump, return) that ends a block: the two most frequent targets by majority vote,
/// for a translator. Each target has votes; one that is neither takes a place without votes, or takes a vote from both. So a target that is
/// taken more than a third of the time is always among them. Nothing is counted without a translator.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public unsafe struct TargetProfile
{
    private uint _first;
    private uint _second;
    private uint _firstVotes;
    private uint _secondVotes;

    /// <summary>The targets with votes, as EIPs, those with more votes first: none to two.</summary>
    public readonly uint[] Read()
    {
        uint[] targets = _firstVotes >= _secondVotes ? [_first, _second] : [_second, _first];
        return (_firstVotes, _secondVotes) switch
        {
            (0, 0) => [],
            (0, _) or (_, 0) => [targets[0]],
            _ => targets,
        };
    }

    /// <summary>The block that runs ends with an indirect branch.</summary>
    /// <param name="s">The state.</param>
    /// <param name="target">EIP that it goes to.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void Note(CpuState* s, uint target)
    {
        Block* block = s->CurrentBlock;
        if (block->HeatStart > 0)
        {
            Count(&block->Targets, target);
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Count(TargetProfile* p, uint target)
    {
        if (target == p->_first)
        {
            p->_firstVotes++;
        }
        else if (target == p->_second)
        {
            p->_secondVotes++;
        }
        else if (p->_firstVotes == 0)
        {
            p->_first = target;
            p->_firstVotes = 1;
        }
        else if (p->_secondVotes == 0)
        {
            p->_second = target;
            p->_secondVotes = 1;
        }
        else
        {
            p->_firstVotes--;
            p->_secondVotes--;
        }
    }
}
