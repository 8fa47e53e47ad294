using System.Reflection.Emit;
using Emulator.Core.Cpu;
using Emulator.Core.Decoding;
using Iced.Intel;
using Label = System.Reflection.Emit.Label;

namespace Emulator.Jit;

/// <content>Calls of the interpreter's handlers, for instructions without a lowering.</content>
internal sealed unsafe partial class RegionEmitter
{
    /// <summary>Calls the interpreter's handler of the current instruction through its one-instruction block.</summary>
    private void EmitHandlerCall(in Op op)
    {
        if (!EmitRepeatable(in op))
        {
            EmitExit(_eip, _block.Ops.Length - _index, Exit.Interpret);
            return;
        }

        EmitCount((Code)op.Code, RegionCounters.Calls);
        int slot = RegionContext.SlotOffset(_slots.Count);
        _slots.Add(op);
        _slotPlaces.Add((_region.IndexOf(_block), _index));
        BranchKind kind = Branch.KindOf((Code)op.Code);
        int rest = _block.Ops.Length - _index - 1;
        bool touchesFlags = kind == BranchKind.Far || FlagUseOf(in op) != FlagUse.None;
        if (touchesFlags)
        {
            EmitMaterialize();
        }

        // What the rest of the block pays is given back during the call: devices must see the exact time, and may shorten the budget.
        EmitRefund(rest);
        bool foreign = IsForeignX87(in op);
        if (foreign)
        {
            EmitX87Spill();
        }

        EmitStoreState();
        EmitSimdBeforeCall(in op);
        EmitState(StateLayout.BlockEip);
        _il.Emit(OpCodes.Ldc_I4, (int)_eip);
        _il.Emit(OpCodes.Stind_I4);
        EmitState(StateLayout.CurrentBlock);
        EmitContext(slot);
        _il.Emit(OpCodes.Stind_I);
        if (kind == BranchKind.System)
        {
            EmitState(StateLayout.CodeGeneration);
            _il.Emit(OpCodes.Ldind_I8);
            _il.Emit(OpCodes.Stloc, _wide);
        }

        _il.Emit(OpCodes.Ldarg_0);
        EmitContext(slot + sizeof(Block));
        EmitContext(slot + sizeof(Block));
        _il.Emit(OpCodes.Ldind_I);
        _il.EmitHandlerCall();
        _il.Emit(OpCodes.Stloc, _status);
        EmitLoadState();
        EmitSimdAfterCall(in op);
        if (foreign)
        {
            EmitX87Reload(in op);
        }

        EmitRefund(-rest);
        EmitState(StateLayout.Eip);
        _il.Emit(OpCodes.Ldind_U4);
        _il.Emit(OpCodes.Stloc, _exitEip);

        // Fault: nothing of the rest of the block retired. Stop in front of the next instruction when anything is pending, when the
        // budget ran out, when the code changed, when the instruction is to be executed again (a string instruction with iterations left,
        // an x87, MMX or WAIT instruction that waits for the interrupt of a pending exception), or when code may now be decoded or mapped
        // in another way.
        Label stop = _il.DefineLabel();
        _il.Emit(OpCodes.Ldloc, _status);
        _il.Emit(OpCodes.Brtrue, stop);
        EmitState(StateLayout.Pending);
        _il.Emit(OpCodes.Ldind_I4);
        _il.Emit(OpCodes.Brtrue, stop);
        EmitContext(RegionContext.ValidOffset);
        _il.Emit(OpCodes.Ldind_I4);
        _il.Emit(OpCodes.Brfalse, stop);
        EmitBudgetLook(_flow.LongestBehind(_block) - _reserve, stop);
        if (kind is BranchKind.None or BranchKind.String or BranchKind.System)
        {
            _il.Emit(OpCodes.Ldloc, _exitEip);
            _il.Emit(OpCodes.Ldc_I4, (int)(_eip + op.Length));
            _il.Emit(OpCodes.Bne_Un, stop);
        }

        if (kind == BranchKind.System)
        {
            EmitState(StateLayout.CodeGeneration);
            _il.Emit(OpCodes.Ldind_I8);
            _il.Emit(OpCodes.Ldloc, _wide);
            _il.Emit(OpCodes.Bne_Un, stop);
            EmitState(StateLayout.ModeKey);
            _il.Emit(OpCodes.Ldind_U4);
            _il.Emit(OpCodes.Ldc_I4, (int)_region.ModeKey);
            _il.Emit(OpCodes.Bne_Un, stop);
        }

        X87State x87 = _x87;
        FlagState flags = Flags;
        _stubs.Add(() =>
        {
            _il.MarkLabel(stop);
            Flags = flags;
            _x87 = x87;
            EmitDeferFlags();
            EmitX87Leave();
            EmitRefund(rest);
            _il.Emit(OpCodes.Br, _exit);
        });
    }
}
