using Emulator.Core.Interpreter;
using Iced.Intel;

namespace Emulator.Jit;

/// <summary>How the translator executes an instruction.</summary>
internal enum LoweringKind
{
    /// <summary>IL of our own.</summary>
    Lower,

    /// <summary>A call of the interpreter's handler.</summary>
    CallHandler,

    /// <summary>The region ends in front of it.</summary>
    Exit,
}

/// <summary>Which instructions have a lowering; see <see cref="RegionEmitter"/>.</summary>
internal static class Lowering
{
    /// <summary>Number of codes that Iced 1.22 knows, rounded up.</summary>
    public const int CodeCount = 5120;

    private static readonly LoweringKind[] Kinds = BuildKinds();

    /// <summary>How an instruction is executed.</summary>
    /// <param name="code">Iced's code.</param>
    public static LoweringKind Classify(Code code) => Kinds[(int)code];

    /// <summary>Whether an instruction ends its block in the interpreter.</summary>
    /// <param name="code">Iced's code.</param>
    public static bool EndsBlock(Code code) =>
        !InstructionTable.Instance[code].IsPresent || (InstructionTable.Instance[code].Traits & InstructionTraits.EndsBlock) != 0;

    /// <summary>Whether the interpreter has a handler.</summary>
    /// <param name="code">Iced's code.</param>
    public static bool IsPresent(Code code) => InstructionTable.Instance[code].IsPresent;

    private static LoweringKind[] BuildKinds()
    {
        LoweringKind[] kinds = new LoweringKind[CodeCount];
        for (int i = 0; i < CodeCount; i++)
        {
            Code code = (Code)i;
            bool ends = EndsBlock(code);
            kinds[i] = IsLowered(code) ? LoweringKind.Lower : ends && Branch.KindOf(code) is not (BranchKind.String or BranchKind.System) ? LoweringKind.Exit : LoweringKind.CallHandler;
        }

        return kinds;
    }

    private static bool IsLowered(Code code) => RegionEmitter.HasLowering(code);
}
