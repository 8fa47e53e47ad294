using System.Runtime.CompilerServices;
using Emulator.Core.Decoding;

namespace Emulator.Core.Cpu;

/// <summary>
/// How a fault is raised: the cause records vector and error code in the state and fails (false, null); the handler then returns
/// <see cref="At"/>, which names the instruction and gives back the budget of what did not retire.
/// </summary>
public static unsafe class Faults
{
    /// <summary>Records a fault without error code.</summary>
    /// <param name="s">The state.</param>
    /// <param name="vector">Exception vector.</param>
    /// <returns>Always false.</returns>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static bool Record(CpuState* s, byte vector)
    {
        s->FaultVector = vector;
        s->FaultHasError = 0;
        s->FaultError = 0;
        return false;
    }

    /// <summary>Records a fault with an error code.</summary>
    /// <param name="s">The state.</param>
    /// <param name="vector">Exception vector.</param>
    /// <param name="error">Error code.</param>
    /// <returns>Always false.</returns>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static bool Record(CpuState* s, byte vector, uint error)
    {
        s->FaultVector = vector;
        s->FaultHasError = 1;
        s->FaultError = error;
        return false;
    }

    /// <summary>Ends a block with the recorded fault of an instruction.</summary>
    /// <param name="s">The state.</param>
    /// <param name="op">The faulting instruction.</param>
    /// <returns><see cref="ExecStatus.Fault"/>.</returns>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static int At(CpuState* s, Op* op)
    {
        s->Eip = s->BlockEip + op->EipOffset;
        s->Budget += s->CurrentBlock->OpCount - op->Position;
        return ExecStatus.Fault;
    }

    /// <summary>Records a fault without error code and ends the block with it.</summary>
    /// <param name="s">The state.</param>
    /// <param name="op">The faulting instruction.</param>
    /// <param name="vector">Exception vector.</param>
    /// <returns><see cref="ExecStatus.Fault"/>.</returns>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static int Raise(CpuState* s, Op* op, byte vector)
    {
        Record(s, vector);
        return At(s, op);
    }

    /// <summary>Records a fault with an error code and ends the block with it.</summary>
    /// <param name="s">The state.</param>
    /// <param name="op">The faulting instruction.</param>
    /// <param name="vector">Exception vector.</param>
    /// <param name="error">Error code.</param>
    /// <returns><see cref="ExecStatus.Fault"/>.</returns>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static int Raise(CpuState* s, Op* op, byte vector, uint error)
    {
        Record(s, vector, error);
        return At(s, op);
    }
}
