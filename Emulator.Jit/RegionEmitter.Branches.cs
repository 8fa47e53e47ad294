using System.Reflection.Emit;
using Emulator.Core.Decoding;
using Iced.Intel;
using Label = System.Reflection.Emit.Label;

namespace Emulator.Jit;

/// <content>Branches: inside the region, between regions.</content>
internal sealed unsafe partial class RegionEmitter
{
    /// <summary>Most return sites that a RET compares with.</summary>
    private const int MaximumReturnSites = 6;

    private void EmitBranch(BranchKind kind, in Op op)
    {
        if (kind == BranchKind.System && (_modes & EmitModes.Repeatable) == 0)
        {
            EmitHandlerCall(in op);
            EmitGoto(_block.End);
            return;
        }

        bool general = (op.Flags & OpFlags.General) != 0;
        if (general || kind is BranchKind.Other or BranchKind.System)
        {
            EmitExit(_eip, 1, Exit.Interpret);
            return;
        }

        uint target = _block.Eip + op.Imm;
        switch (kind)
        {
            case BranchKind.Conditional:
                EmitConditional(Branch.ConditionOf((Code)op.Code), target);
                break;
            case BranchKind.Jump:
                EmitGoto(target);
                break;
            case BranchKind.Call:
                EmitPushReturn();
                EmitGoto(target);
                break;
            case BranchKind.Return:
                _il.Emit(OpCodes.Ldloc, _r[4]);
                EmitHostAddress(4, write: false);
                _il.Emit(OpCodes.Ldind_U4);
                _il.Emit(OpCodes.Stloc, _exitEip);
                EmitMoveStack((int)(4 + op.Imm));
                EmitMaterialize();
                EmitDispatch(_region.ReturnSites);
                break;
            case BranchKind.IndirectJump:
                EmitTarget(in op);
                EmitMaterialize();
                EmitDispatch([]);
                break;
            default:
                EmitTarget(in op);
                EmitPushReturn();
                EmitMaterialize();
                EmitDispatch([]);
                break;
        }
    }

    private void EmitConditional(int condition, uint target)
    {
        bool near = _blocks.TryGetValue(target, out RegionBlock? block) && IsSamePage(block);
        FlagState before = _flags;
        if ((near && !_takesAnyFlags.Contains(target)) || (_blocks.ContainsKey(_block.End) && !_takesAnyFlags.Contains(_block.End)))
        {
            // One of the ways wants the lazy form: it is computed before the branch; the condition still looks at the operands.
            EmitMaterialize();
            _flags = before.Kind == FlagKind.Dynamic ? FlagState.InLocals : before;
            EmitCondition(condition);
            _flags = FlagState.InLocals;
        }
        else
        {
            EmitCondition(condition);
        }

        if (near)
        {
            if (_takesAnyFlags.Contains(target))
            {
                EmitFlagKind();
            }

            _il.Emit(OpCodes.Brtrue, _labels[target]);
            EmitGoto(_block.End);
            return;
        }

        Label taken = _il.DefineLabel();
        _il.Emit(OpCodes.Brtrue, taken);
        _stubs.Add(EmitTaken(taken, target, _block, _flags));
        EmitGoto(_block.End);
    }

    private Action EmitTaken(Label taken, uint target, RegionBlock from, FlagState flags) => () =>
    {
        _block = from;
        _flags = flags;
        _il.MarkLabel(taken);
        EmitGoto(target);
    };

    private void EmitPushReturn()
    {
        EmitPushAddress();
        _il.Emit(OpCodes.Ldc_I4, (int)_block.End);
        _il.Emit(OpCodes.Stind_I4);
        EmitMoveStack(-4);
    }

    /// <summary>Loads the target of an indirect branch.</summary>
    private void EmitTarget(in Op op)
    {
        if (HasMemory(in op))
        {
            EmitLoad(in op, 4);
        }
        else
        {
            EmitRead(op.R0, 4);
        }

        _il.Emit(OpCodes.Stloc, _exitEip);
    }

    /// <summary>Goes to the block whose EIP is in the exit local when it is one of the candidates, else leaves the region.</summary>
    private void EmitDispatch(IReadOnlyList<uint> candidates)
    {
        int count = 0;
        foreach (uint candidate in candidates)
        {
            if (count < MaximumReturnSites && _blocks.TryGetValue(candidate, out RegionBlock? block))
            {
                Label no = _il.DefineLabel();
                _il.Emit(OpCodes.Ldloc, _exitEip);
                _il.Emit(OpCodes.Ldc_I4, (int)candidate);
                _il.Emit(OpCodes.Bne_Un, no);
                EmitPageCheck(block);
                EmitFlagsFor(candidate);
                _il.Emit(OpCodes.Br, _labels[candidate]);
                _il.MarkLabel(no);
                count++;
            }
        }

        EmitFlagKind();
        _il.Emit(OpCodes.Br, _transfer);
    }
}
