using Emulator.Core.Cpu;
using Iced.Intel;

namespace Emulator.Core.Interpreter;

/// <summary>Rows of the integer instructions.</summary>
internal static unsafe partial class IntegerTable
{
    private const InstructionTraits Branch = InstructionTraits.EndsBlock | InstructionTraits.NearBranch;
    private const InstructionTraits StackBranch = Branch | InstructionTraits.Stack;

    /// <summary>Fills the rows.</summary>
    /// <param name="table">The table.</param>
    public static void Register(InstructionTable table)
    {
        RegisterAlu(table);
        RegisterUnaryAndShift(table);
        RegisterMove(table);
        RegisterCondition(table);
        RegisterBranchAndStack(table);
        RegisterMultiplyAndBit(table);
        RegisterString(table);
    }
}
