namespace Emulator.Jit;

/// <summary>Where the status flags are at a point of the emitted code.</summary>
internal enum FlagKind
{
    /// <summary>In the two lazy-flag locals.</summary>
    InLocals,

    /// <summary>Sum of operands A and B (and a carry): result R.</summary>
    Add,

    /// <summary>Difference A - B (and a borrow): result R.</summary>
    Sub,

    /// <summary>As <see cref="Sub"/> without borrow in, so that conditions compare A with B.</summary>
    Compare,

    /// <summary>Result R of a logic operation.</summary>
    Logic,

    /// <summary>Result R, carries already computed in a local of its own.</summary>
    Computed,

    /// <summary>Comparison of two floating-point numbers, neither a NaN, in locals of their own.</summary>
    Order,

    /// <summary>Known when running only: the kind local says which of the others.</summary>
    Dynamic,
}

/// <summary>Flag sources at a point of the emitted code: the kind, and the operand size in bytes.</summary>
/// <param name="Kind">Where the flags are.</param>
/// <param name="Size">Operand size in bytes.</param>
internal readonly record struct FlagState(FlagKind Kind, int Size)
{
    /// <summary>Flags in the lazy-flag locals.</summary>
    public static FlagState InLocals => new(FlagKind.InLocals, 4);

    /// <summary>The kind local says where.</summary>
    public static FlagState Dynamic => new(FlagKind.Dynamic, 4);

    /// <summary>Value of the kind local for this state; 0 for <see cref="FlagKind.InLocals"/>, which <see cref="FlagKind.Order"/> becomes first.</summary>
    public int Number => Kind is FlagKind.InLocals or FlagKind.Order ? 0 : ((int)Kind * 8) + Size;
}
