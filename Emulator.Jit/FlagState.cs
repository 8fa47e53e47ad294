namespace Emulator.Jit;

/// <summary>Where the status flags are at a point of the emitted code.</summary>
internal enum FlagKind
{
    /// <summary>In the state, as the interpreter keeps them.</summary>
    InState,

    /// <summary>Sum R of an unknown A and operand B; A is known too in the block that added.</summary>
    Add,

    /// <summary>As <see cref="Add"/>, with a carry in.</summary>
    AddCarry,

    /// <summary>Difference R of A and B; A is known too in the block that subtracted, so that conditions compare A with B.</summary>
    Compare,

    /// <summary>As <see cref="Compare"/>, with a borrow in: conditions do not compare.</summary>
    SubBorrow,

    /// <summary>Result R of a logic operation.</summary>
    Logic,

    /// <summary>R is the operand plus one, B the carry flag of before (0 or 1).</summary>
    Inc,

    /// <summary>R is the operand minus one, B the carry flag of before (0 or 1).</summary>
    Dec,

    /// <summary>R is B shifted left by the count.</summary>
    Shl,

    /// <summary>R is B shifted right by the count.</summary>
    Shr,

    /// <summary>R is B shifted right by the count, with its sign.</summary>
    Sar,

    /// <summary>R is B shifted left by the count, with bits of another register.</summary>
    Shld,

    /// <summary>R is B shifted right by the count, with bits of another register.</summary>
    Shrd,

    /// <summary>Result R, carries already computed in a local of its own.</summary>
    Computed,

    /// <summary>Comparison of two floating-point numbers, neither a NaN, in locals of their own.</summary>
    Order,

    /// <summary>In the state, as kind and operands or as the interpreter keeps them: known when running only (<see cref="DeferredFlags"/>).</summary>
    Deferred,

    /// <summary>At the entry of a block: only CF is wanted, B holds it (0 or 1).</summary>
    Carry,

    /// <summary>Nobody looks at the flags from here on until all are overwritten.</summary>
    Dead,
}

/// <summary>Flag sources at a point of the emitted code: the kind, and the operand size in bytes.</summary>
/// <param name="Kind">Where the flags are.</param>
/// <param name="Size">Operand size in bytes.</param>
/// <param name="Count">Of shifts, 1 to 31. Of <see cref="FlagKind.Compare"/>, 1 when A is kept anyway, so that R need not be (CMP).</param>
internal readonly record struct FlagState(FlagKind Kind, int Size, int Count = 0)
{
    /// <summary>Flags in the state.</summary>
    public static FlagState InState => new(FlagKind.InState, 4);

    /// <summary>Nowhere.</summary>
    public static FlagState Dead => new(FlagKind.Dead, 4);

    /// <summary>What <see cref="Core.Cpu.CpuState.DeferredFlags"/> holds for operands in the state.</summary>
    public int Number => (Count << DeferredFlags.ExtraShift) + ((int)Kind * 8) + Size;
}
