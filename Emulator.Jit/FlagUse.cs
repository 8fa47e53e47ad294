namespace Emulator.Jit;

/// <summary>What an instruction does to the status flags.</summary>
internal enum FlagUse
{
    /// <summary>Leaves them alone.</summary>
    None,

    /// <summary>Sets all six without looking at them.</summary>
    Overwrites,

    /// <summary>Sets all but CF (INC, DEC).</summary>
    Steps,

    /// <summary>Changes some without looking at any; when nobody wants them, none are computed.</summary>
    Partial,

    /// <summary>Sets CF without looking at it and leaves the others alone (BT and its kin, CLC, STC).</summary>
    Carry,

    /// <summary>Sets ZF without looking at it and leaves the others alone (BSF, BSR, CMPXCHG8B).</summary>
    Zero,

    /// <summary>Reads CF alone and sets all six (ADC, SBB).</summary>
    CarryIn,

    /// <summary>Reads CF, changes CF and OF and leaves the others alone (RCL, RCR).</summary>
    CarryThrough,

    /// <summary>Reads them, changes some, or is left to the interpreter.</summary>
    Other,
}
