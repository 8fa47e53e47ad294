using System.Reflection.Emit;
using Emulator.Core.Decoding;
using Label = System.Reflection.Emit.Label;

namespace Emulator.Jit;

/// <content>What x87 instructions ask of the register stack and do to it, and the check of the tags for a run of them.</content>
internal sealed unsafe partial class RegionEmitter
{
    /// <summary>
    /// In front of the first x87 instruction of a run of them: the FPU must be usable, and the tags such that none of the run finds an
    /// empty register or a full one where it must not. Otherwise the interpreter goes on. False when this very instruction must fault.
    /// </summary>
    private bool EmitX87Check()
    {
        X87State state = _x87;
        uint need = 0;
        uint free = 0;
        int end = _index;
        for (; end < _block.Ops.Length; end++)
        {
            ref Op op = ref _block.Ops[end];
            if (IsLoweredX87(in op, out X87Shape shape) ? !Apply(in op, shape, ref state, ref need, ref free) : FpuCodes[op.Code])
            {
                break;
            }
        }

        if (end == _index)
        {
            return false;
        }

        Label miss = MissStub();
        _il.Emit(OpCodes.Ldloc, X87.Tags);
        _il.Emit(OpCodes.Ldc_I4, (int)(need | free | X87Context.Unusable));
        _il.Emit(OpCodes.And);
        _il.Emit(OpCodes.Ldc_I4, (int)need);
        _il.Emit(OpCodes.Bne_Un, miss);
        _x87 = _x87 with { IsChecked = true, CheckedUntil = end, Known = _x87.Known | need | free, Valid = _x87.Valid | need };
        return true;
    }

    /// <summary>
    /// What an instruction asks of the tags and does to the stack. Where a tag is not known yet, it is asked for in
    /// <paramref name="need"/> or <paramref name="free"/>; false when it is known to be wrong.
    /// </summary>
    private static bool Apply(in Op op, X87Shape shape, ref X87State state, ref uint need, ref uint free)
    {
        int other = StackIndex(in op, shape);
        bool good = true;
        switch (shape.Family)
        {
            case X87Family.Load:
            case X87Family.LoadConstant:
                good = Require(-1, false, ref state, ref free);
                break;
            case X87Family.LoadRegister:
                good = Require(other, true, ref state, ref need) && Require(-1, false, ref state, ref free);
                break;
            case X87Family.Arithmetic or X87Family.Compare when !shape.HasMemory:
            case X87Family.Exchange:
            case X87Family.CompareToFlags:
            case X87Family.Move:
                good = Require(0, true, ref state, ref need) && Require(other, true, ref state, ref need);
                break;
            case X87Family.Arithmetic:
            case X87Family.Compare:
            case X87Family.Store:
            case X87Family.StoreRegister:
            case X87Family.Test:
            case X87Family.Examine:
            case X87Family.ChangeSign:
            case X87Family.Absolute:
            case X87Family.SquareRoot:
            case X87Family.RoundToInteger:
                good = Require(0, true, ref state, ref need);
                break;
            default:
                break;
        }

        switch (shape.Family)
        {
            case X87Family.Load:
            case X87Family.LoadConstant:
            case X87Family.LoadRegister:
                state = state.MoveTop(-1);
                state = state.Tag(state.Top, valid: true);
                break;
            case X87Family.StoreRegister:
                state = state.Tag(state.Relative(other), valid: true);
                break;
            case X87Family.Free:
            case X87Family.FreePop:
                state = state.Tag(state.Relative(other), valid: false);
                break;
            case X87Family.IncrementTop:
                state = state.MoveTop(1);
                break;
            case X87Family.DecrementTop:
                state = state.MoveTop(-1);
                break;
            default:
                break;
        }

        for (int i = 0; i < shape.Pops; i++)
        {
            state = state.Tag(state.Top, valid: false).MoveTop(1);
        }

        return good;
    }

    private static bool Require(int i, bool valid, ref X87State state, ref uint asked)
    {
        uint bit = 1u << state.Relative(i);
        if ((state.Known & bit) != 0)
        {
            return (state.Valid & bit) != 0 == valid;
        }

        asked |= bit;
        state = state with { Known = state.Known | bit, Valid = valid ? state.Valid | bit : state.Valid };
        return true;
    }

    private static int StackIndex(in Op op, X87Shape shape) => shape.Family switch
    {
        X87Family.Arithmetic => shape.ToOther ? op.R0 : op.R1,
        X87Family.LoadRegister or X87Family.StoreRegister or X87Family.Free or X87Family.FreePop => op.R0,
        X87Family.Compare => shape.Pops == 2 ? 1 : op.R1,
        X87Family.Exchange or X87Family.CompareToFlags or X87Family.Move => op.R1,
        _ => 0,
    };

    /// <summary>Stack indexes of the registers that a lowering touches, as before the instruction.</summary>
    private static int[] StackRegisters(in Op op, X87Shape shape) => shape.Family switch
    {
        X87Family.Load or X87Family.LoadConstant => [-1],
        X87Family.LoadRegister => [-1, op.R0],
        X87Family.Free or X87Family.FreePop or X87Family.IncrementTop or X87Family.DecrementTop or X87Family.NoOperation => [],
        _ when shape.IsControl => [],
        _ when shape.HasMemory => [0],
        _ => [0, StackIndex(in op, shape)],
    };
}
