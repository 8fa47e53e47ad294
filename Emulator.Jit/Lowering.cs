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

    private const RflagsBits StatusFlags = RflagsBits.OF | RflagsBits.SF | RflagsBits.ZF | RflagsBits.AF | RflagsBits.CF | RflagsBits.PF;

    private static readonly LoweringKind[] Kinds = BuildKinds();

    private static readonly bool[] FlagTouchers = BuildFlagTouchers();

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

    /// <summary>Whether an instruction, executed by its handler, may read or change a status flag.</summary>
    /// <param name="code">Iced's code.</param>
    public static bool TouchesFlags(Code code) => FlagTouchers[(int)code];

    private static bool[] BuildFlagTouchers()
    {
        bool[] touchers = new bool[CodeCount];
        touchers.AsSpan().Fill(true);
        foreach (Code code in Enum.GetValues<Code>())
        {
            // A count of zero would leave the flags alone.
            Instruction instruction = new() { Code = code, Immediate8 = 1 };
            touchers[(int)code] = !IsPresent(code) || ((instruction.RflagsRead | instruction.RflagsModified) & StatusFlags) != 0;
        }

        return touchers;
    }

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
