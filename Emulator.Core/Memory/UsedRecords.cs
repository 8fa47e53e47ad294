using System.Numerics;

namespace Emulator.Core.Memory;

/// <summary>
/// Goes through the records of a data TLB that may hold a translation, lowest first: what looks for a page in a whole table costs as much as was
/// filled since the last flush, not as much as the table could hold.
/// </summary>
internal unsafe ref struct UsedRecords
{
    private readonly TlbEntry* _table;
    private int _word = -1;
    private ulong _bits;

    /// <summary>Starts in front of the first record.</summary>
    /// <param name="table">The table.</param>
    public UsedRecords(TlbEntry* table) => _table = table;

    /// <summary>The record.</summary>
    public TlbEntry* Current { get; private set; }

    /// <summary>The records themselves, for a foreach.</summary>
    public readonly UsedRecords GetEnumerator() => this;

    /// <summary>Goes to the next record; false when there is none.</summary>
    public bool MoveNext()
    {
        while (_bits == 0)
        {
            if (++_word == TlbEntry.Count / 64)
            {
                return false;
            }

            _bits = PageWalk.Used(_table)[_word];
        }

        Current = _table + (_word * 64) + BitOperations.TrailingZeroCount(_bits);
        _bits &= _bits - 1;
        return true;
    }
}
