namespace Emulator.Core.Semantics.Simd;

/// <summary>How a first floating-point operand stands to a second.</summary>
public enum FloatOrder
{
    /// <summary>The first is less.</summary>
    Less,

    /// <summary>The two are equal; zeros of either sign are.</summary>
    Equal,

    /// <summary>The first is greater.</summary>
    Greater,

    /// <summary>At least one is a NaN.</summary>
    Unordered,
}
