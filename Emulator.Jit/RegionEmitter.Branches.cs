using System.Reflection.Emit;
using Emulator.Core.Cpu;
using Emulator.Core.Decoding;
using Iced.Intel;
using Label = System.Reflection.Emit.Label;

namespace Emulator.Jit;

/// <content>Branches: inside the region, between regions.</content>
internal sealed unsafe partial class RegionEmitter
{
    private void EmitBranch(BranchKind kind, in Op op)
    {
        if (LowerSegmentLoad(in op) || LowerInterruptFlag((Code)op.Code))
        {
            EmitGoto(_block.End);
            return;
        }

        if (kind == BranchKind.Far && (_modes & EmitModes.Repeatable) == 0)
        {
            EmitHandlerCall(in op);
            EmitFarTransfer();
            return;
        }

        if (kind == BranchKind.System && (_modes & EmitModes.Repeatable) == 0)
        {
            if ((Code)op.Code == Code.Rdtsc)
            {
                LowerTimeStamp();
            }
            else
            {
                EmitHandlerCall(in op);
            }

            EmitGoto(_block.End);
            return;
        }

        bool isBeyondLimit = HasTarget(_block) && _block.Target > _region.CodeLimit;
        if (isBeyondLimit || kind is BranchKind.Other or BranchKind.System or BranchKind.Far)
        {
            EmitCount((Code)op.Code, RegionCounters.Exits);
            EmitExit(_eip, 1, Exit.Interpret);
            return;
        }

        int size = Branch.SizeOf((Code)op.Code);
        switch (kind)
        {
            case BranchKind.Conditional:
                EmitCondition(Branch.ConditionOf((Code)op.Code));
                EmitConditional(_block.Target);
                break;
            case BranchKind.Loop:
                EmitLoop((Code)op.Code);
                EmitConditional(_block.Target);
                break;
            case BranchKind.Jump:
                EmitGoto(_block.Target);
                break;
            case BranchKind.Call:
                EmitPushReturn(size);
                EmitGoto(_block.Target);
                break;
            case BranchKind.Return:
                EmitStackTop(size);
                EmitIndirect(size);
                _il.Emit(OpCodes.Stloc, _exitEip);
                EmitTargetLimit();
                EmitMoveStack((int)((uint)size + op.Imm));
                EmitDispatch();
                break;
            case BranchKind.IndirectJump:
                EmitTarget(in op);
                EmitJumpTable(in op);
                EmitDispatch();
                break;
            default:
                EmitTarget(in op);
                EmitPushReturn(size);
                EmitDispatch();
                break;
        }
    }

    /// <summary>
    /// CLI and STI where nothing can forbid them. Nothing is pending in front of them, so that CLI changes IF alone, and so does STI while nothing
    /// asks for an interrupt and the budget covers the next instruction, too.
    /// </summary>
    /// <returns>False when nothing was emitted.</returns>
    private bool LowerInterruptFlag(Code code)
    {
        if (code is not (Code.Cli or Code.Sti) || (_region.ModeKey & (ModeKey.User | ModeKey.V86)) != 0)
        {
            return false;
        }

        Label other = MissStub();
        if ((_region.ModeKey & ModeKey.Protected) != 0)
        {
            EmitState(StateLayout.Cpl);
            _il.Emit(OpCodes.Ldind_U1);
            _il.Emit(OpCodes.Brtrue, other);
        }

        if (code == Code.Sti)
        {
            EmitState(StateLayout.IntrLine);
            _il.Emit(OpCodes.Ldind_U1);
            _il.Emit(OpCodes.Brtrue, other);
            _il.Emit(OpCodes.Ldloc, _budget);
            _il.Emit(OpCodes.Ldc_I4_0);
            _il.Emit(OpCodes.Conv_I8);
            _il.Emit(OpCodes.Ble, other);
        }

        EmitState(StateLayout.EflagsRest);
        EmitState(StateLayout.EflagsRest);
        _il.Emit(OpCodes.Ldind_U4);
        _il.Emit(OpCodes.Ldc_I4, code == Code.Sti ? (int)Eflags.IF : ~(int)Eflags.IF);
        _il.Emit(code == Code.Sti ? OpCodes.Or : OpCodes.And);
        _il.Emit(OpCodes.Stind_I4);
        return true;
    }

    /// <summary>Pushes whether LOOP and its kin jump, after they have counted.</summary>
    private void EmitLoop(Code code)
    {
        string name = code.ToString();
        int size = name.EndsWith("_CX", StringComparison.Ordinal) || name.StartsWith("Jcxz", StringComparison.Ordinal) ? 2 : 4;
        byte counter = CpuState.RegisterOffset(1);
        EmitRead(counter, size);
        if (name[0] == 'J')
        {
            _il.Emit(OpCodes.Ldc_I4_0);
            _il.Emit(OpCodes.Ceq);
            return;
        }

        _il.Emit(OpCodes.Ldc_I4_1);
        _il.Emit(OpCodes.Sub);
        EmitZeroExtend(size);
        _il.Emit(OpCodes.Stloc, _t);
        _il.Emit(OpCodes.Ldloc, _t);
        EmitWrite(counter, size);
        if (!Branch.LooksAtZero(code))
        {
            _il.Emit(OpCodes.Ldloc, _t);
            _il.Emit(OpCodes.Ldc_I4_0);
            _il.Emit(OpCodes.Cgt_Un);
            return;
        }

        EmitCondition(Branch.Number(name.StartsWith("Loope", StringComparison.Ordinal) ? ConditionCode.e : ConditionCode.ne));
        _il.Emit(OpCodes.Ldloc, _t);
        _il.Emit(OpCodes.Ldc_I4_0);
        _il.Emit(OpCodes.Cgt_Un);
        _il.Emit(OpCodes.And);
    }

    /// <summary>Pops whether to go to a target rather than on behind the block.</summary>
    private void EmitConditional(uint target)
    {
        Label taken = _il.DefineLabel();
        if (_blocks.TryGetValue(target, out RegionBlock? block))
        {
            if (FindFree(block) is { } free)
            {
                _il.Emit(OpCodes.Brtrue, free);
                EmitGoto(_block.End);
                return;
            }

            // Loops close here: the way back stays in line. In a loop of one block it does not, so that the host's compiler, which puts first what is
            // branched to, closes it with the look at the budget.
            if (!_flow.IsForward(_block, block) && block != _block)
            {
                Label on = _il.DefineLabel();
                FlagState flags = Flags;
                _il.Emit(OpCodes.Brfalse, on);
                EmitGoto(target);
                _il.MarkLabel(on);
                Flags = flags;
                EmitGoto(_block.End);
                return;
            }
        }

        _il.Emit(OpCodes.Brtrue, taken);
        _stubs.Add(EmitTaken(taken, target, _block, Flags, _x87));
        EmitGoto(_block.End);
    }

    /// <summary>The entry of another block of the region when nothing is to be done on the way there from the current one.</summary>
    private Label? FindFree(RegionBlock target) =>
        !IsSamePage(target) || !FitsX87(target.Eip) || !_flow.IsForward(_block, target) ? null
        : _flow.FlagsAt(target.Eip) == FlagKind.Dead || Flags.Kind == _flow.FlagsAt(target.Eip) ? _labels[target.Eip]
        : FindVariant(target);

    private Action EmitTaken(Label taken, uint target, RegionBlock from, FlagState flags, X87State x87) => () =>
    {
        _block = from;
        Flags = flags;
        _x87 = x87;
        _il.MarkLabel(taken);
        EmitGoto(target);
    };

    private void EmitPushReturn(int size)
    {
        EmitPushAddress(size);
        _il.Emit(OpCodes.Ldc_I4, (int)_block.End);
        EmitStoreIndirect(size);
        EmitMoveStack(-size);
    }

    /// <summary>Loads the target of an indirect branch.</summary>
    private void EmitTarget(in Op op)
    {
        int size = Branch.SizeOf((Code)op.Code);
        if (HasMemory(in op))
        {
            EmitLoad(in op, size);
        }
        else
        {
            EmitRead(op.R0, size);
        }

        _il.Emit(OpCodes.Stloc, _exitEip);
        EmitTargetLimit();
    }

    /// <summary>Goes to the block that the jump table held at discovery, when it is still the target.</summary>
    private void EmitJumpTable(in Op op)
    {
        IReadOnlyList<RegionBlock?> table = [.. _flow.JumpTable(_block).Select(b => b is not null && FitsX87(b.Eip) ? b : null)];
        if (!table.Any(b => b is not null))
        {
            return;
        }

        Label other = _il.DefineLabel();
        Dictionary<RegionBlock, Label> labels = [];
        foreach (RegionBlock block in table.OfType<RegionBlock>())
        {
            if (!labels.ContainsKey(block))
            {
                labels[block] = _il.DefineLabel();
            }
        }

        _il.Emit(OpCodes.Ldloc, _r[op.Index >> 3]);
        _il.EmitSwitch([.. table.Select(b => b is null ? other : labels[b])]);
        _il.Emit(OpCodes.Br, other);
        foreach ((RegionBlock block, Label label) in labels)
        {
            _il.MarkLabel(label);
            EmitCandidate(block, other);
        }

        _il.MarkLabel(other);
    }

    /// <summary>Goes to a block when its EIP is in the exit local.</summary>
    private void EmitCandidate(RegionBlock block, Label no)
    {
        _il.Emit(OpCodes.Ldloc, _exitEip);
        _il.Emit(OpCodes.Ldc_I4, (int)block.Eip);
        _il.Emit(OpCodes.Bne_Un, no);
        FlagState flags = Flags;
        EmitPageCheck(block);
        EmitBudgetCheck(block);
        EmitFlagsFor(block.Eip);
        Flags = flags;
        _il.Emit(OpCodes.Br, EntryFrom(block, _labels[block.Eip]));
    }

    /// <summary>Goes to the block whose EIP is in the exit local when it is one of the candidates, else leaves the region.</summary>
    private void EmitDispatch()
    {
        foreach (RegionBlock block in _flow.Candidates(_block))
        {
            if (FitsX87(block.Eip))
            {
                Label no = _il.DefineLabel();
                EmitCandidate(block, no);
                _il.MarkLabel(no);
            }
        }

        EmitDeferFlags();
        EmitX87Leave();
        _il.Emit(OpCodes.Br, _transfer);
    }
}
