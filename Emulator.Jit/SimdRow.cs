using System.Reflection;
using Emulator.Core.Decoding;

namespace Emulator.Jit;

/// <summary>What must hold before an instruction may execute.</summary>
internal enum SimdNeeds
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>SSE is available: CR0.EM and CR0.TS clear, CR4.OSFXSR set.</summary>
    Sse,

    /// <summary>As <see cref="Sse"/>, and MXCSR lets the host compute: round to nearest, PE set and masked.</summary>
    Float,

    /// <summary>MMX is available: CR0.EM and CR0.TS clear, no unmasked x87 exception pending.</summary>
    Mmx,
}

/// <summary>Emits one instruction; false leaves it to its handler, with nothing emitted.</summary>
/// <param name="emitter">The emitter of the region.</param>
/// <param name="op">The instruction.</param>
/// <param name="row">Its row.</param>
internal delegate bool SimdLowering(RegionEmitter emitter, in Op op, SimdRow row);

/// <summary>How an MMX or SSE instruction is lowered.</summary>
internal sealed class SimdRow
{
    /// <summary>What emits it.</summary>
    public required SimdLowering Lower { get; init; }

    /// <summary>What must hold first.</summary>
    public SimdNeeds Needs { get; init; } = SimdNeeds.Sse;

    /// <summary>The host's operation, in the vector API; what it takes and gives is converted from and to bytes.</summary>
    public MethodInfo? Host { get; init; }

    /// <summary>The second look at operands and result, where the quick test refuses.</summary>
    public SimdCheck Check { get; init; }

    /// <summary>Lanes of the operands that must not be denormals or NaNs; see <see cref="SimdLanes"/>.</summary>
    public SimdLanes Operands { get; init; }

    /// <summary>Lanes of the result that must be well inside the normal range.</summary>
    public SimdLanes Result { get; init; }

    /// <summary>Bytes of the memory operand.</summary>
    public int Size { get; init; } = 16;

    /// <summary>Whether a memory operand of 16 bytes must be aligned.</summary>
    public bool IsAligned { get; init; } = true;

    /// <summary>Whether operand 0 is not an input.</summary>
    public bool IsUnary { get; init; }

    /// <summary>The shift by an immediate in place of <see cref="Host"/>, or a name that the lowering knows.</summary>
    public string Name { get; init; } = string.Empty;

    /// <summary>Whether operand 0, when it is a register, is an XMM register.</summary>
    public bool IsXmm0 { get; set; }

    /// <summary>Whether operand 1, when it is a register, is an XMM register.</summary>
    public bool IsXmm1 { get; set; }

    /// <summary>Whether operand 0, when it is a register, is a general register that is written.</summary>
    public bool WritesGeneral { get; set; }

    /// <summary>Whether operand 0 may be memory (it is when the instruction has a memory operand).</summary>
    public bool IsStore { get; set; }

    /// <summary>Whether operand 0 is only compared.</summary>
    public bool OnlyFlags { get; init; }
}

/// <summary>
/// What must hold for the host's result to count. Operands are neither denormals nor NaNs; the result is well inside the normal range, or an exact zero:
/// </summary>
internal enum SimdCheck
{
    /// <summary>Nothing is looked at twice.</summary>
    None,

    /// <summary>ADDxx, SUBxx: any zero is exact.</summary>
    Sum,

    /// <summary>MULxx: a zero is exact when an operand is zero.</summary>
    Product,

    /// <summary>DIVxx: a zero is exact when the dividend is zero.</summary>
    Quotient,

    /// <summary>SQRTxx: any zero is exact.</summary>
    Root,

    /// <summary>Comparisons, selections and conversions: the result is not looked at.</summary>
    Order,

    /// <summary>CVTSD2SS: a zero is exact when the operand is zero.</summary>
    Narrowing,
}

/// <summary>Lanes of an XMM register, as doubles and as singles.</summary>
[Flags]
internal enum SimdLanes
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>The low double.</summary>
    Double = 1,

    /// <summary>The high double.</summary>
    HighDouble = 2,

    /// <summary>Both doubles.</summary>
    Doubles = 3,

    /// <summary>The low single.</summary>
    Single = 4,

    /// <summary>The second single.</summary>
    Single1 = 8,

    /// <summary>The low two singles.</summary>
    SinglePair = 12,

    /// <summary>The high two singles.</summary>
    HighSingles = 48,

    /// <summary>All four singles.</summary>
    Singles = 60,

    /// <summary>All lanes.</summary>
    All = 63,
}
