namespace Emulator.Core.Semantics.Simd;

/// <summary>The eight predicates of CMPPS and its kin: EQ, LT, LE, UNORD, NEQ, NLT, NLE, ORD.</summary>
public static class ComparePredicate
{
    /// <summary>True for LT, LE, NLT and NLE, which raise IE for quiet NaNs too.</summary>
    public static bool SignalsQuietNaN(int predicate) => (predicate & 3) is 1 or 2;

    /// <summary>Whether the predicate (its low three bits) is true of operands in this order.</summary>
    public static bool Holds(int predicate, FloatOrder order)
    {
        var plain = (predicate & 3) switch
        {
            0 => order == FloatOrder.Equal,
            1 => order == FloatOrder.Less,
            2 => order is FloatOrder.Less or FloatOrder.Equal,
            _ => order == FloatOrder.Unordered,
        };
        return plain != ((predicate & 4) != 0);
    }
}
