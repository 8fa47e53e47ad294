using System.Reflection.Emit;
using System.Runtime.InteropServices;
using Emulator.Core.Decoding;
using Emulator.Core.Memory;
using Label = System.Reflection.Emit.Label;

namespace Emulator.Jit;

/// <content>From region to region without the run loop.</content>
internal sealed unsafe partial class RegionEmitter
{
    private readonly Label _transfer;
    private readonly List<Action> _tails = [];

    /// <summary>Goes on at an EIP outside the region: in another region if there is one, else the run loop does.</summary>
    private void EmitLeave(uint eip)
    {
        EmitDeferFlags();
        EmitX87Leave();
        _il.Emit(OpCodes.Ldc_I4, (int)eip);
        _il.Emit(OpCodes.Stloc, _exitEip);
        _il.Emit(OpCodes.Br, _transfer);
    }

    /// <summary>
    /// What the run loop would do next, for the common case that the jump cache knows the block and that it is compiled: nothing is pending
    /// (handlers' calls looked), and the other region looks at the budget.
    /// </summary>
    private void EmitTransferTail()
    {
        _il.MarkLabel(_transfer);
        EmitCommit();
        if ((_modes & EmitModes.NoTransfers) != 0)
        {
            _il.Emit(OpCodes.Ldc_I4, (int)Exit.Next);
            _il.Emit(OpCodes.Ret);
            return;
        }

        Label none = _il.DefineLabel();
        EmitJumpCacheRecord(EmitExitLinear);

        // Linear address and mode in one comparison.
        EmitField(_entry, (int)Marshal.OffsetOf<JumpCacheEntry>(nameof(JumpCacheEntry.Linear)));
        _il.Emit(OpCodes.Ldind_I8);
        EmitExitLinear();
        _il.Emit(OpCodes.Conv_U8);
        _il.Emit(OpCodes.Ldc_I8, (long)_region.ModeKey << 32);
        _il.Emit(OpCodes.Or);
        _il.Emit(OpCodes.Bne_Un, none);
        EmitMappingCheck(EmitExitLinear, none);
        if (!_region.IsCodeFlat)
        {
            EmitCodeOfBlock(none);
        }
        else
        {
            EmitField(_entry, (int)Marshal.OffsetOf<JumpCacheEntry>(nameof(JumpCacheEntry.Code)));
            _il.Emit(OpCodes.Ldind_I);
            _il.Emit(OpCodes.Stloc, _host);
            _il.Emit(OpCodes.Ldloc, _host);
            _il.Emit(OpCodes.Brfalse, none);
        }

        EmitCountTransfer(none);
        if (!_region.IsCodeFlat)
        {
            EmitEnterBlock();
        }
        else
        {
            _il.Emit(OpCodes.Ldarg_0);
            EmitField(_entry, (int)Marshal.OffsetOf<JumpCacheEntry>(nameof(JumpCacheEntry.Context)));
            _il.Emit(OpCodes.Ldind_I);
            EmitField(_entry, (int)Marshal.OffsetOf<JumpCacheEntry>(nameof(JumpCacheEntry.Entry)));
            _il.Emit(OpCodes.Ldind_I4);
            _il.Emit(OpCodes.Ldloc, _host);
        }

        _il.EmitRegionCall(isTail: (_modes & EmitModes.Kept) == 0);
        _il.MarkLabel(none);
        _il.Emit(OpCodes.Ldc_I4, (int)Exit.Next);
        _il.Emit(OpCodes.Ret);
    }

    /// <summary>
    /// Where the code segment is not flat, records hold no code: the block's goes to the entry local, the block itself to the host local; branches
    /// away without code for this EIP. A block that was dropped has none.
    /// </summary>
    private void EmitCodeOfBlock(Label none)
    {
        EmitField(_entry, (int)Marshal.OffsetOf<JumpCacheEntry>(nameof(JumpCacheEntry.Block)));
        _il.Emit(OpCodes.Ldind_I);
        _il.Emit(OpCodes.Stloc, _host);
        EmitField(_host, (int)Marshal.OffsetOf<Block>(nameof(Block.Compiled)));
        _il.Emit(OpCodes.Ldind_I);
        _il.Emit(OpCodes.Stloc, _entry);
        _il.Emit(OpCodes.Ldloc, _entry);
        _il.Emit(OpCodes.Brfalse, none);
        EmitField(_host, (int)Marshal.OffsetOf<Block>(nameof(Block.CompiledEip)));
        _il.Emit(OpCodes.Ldind_U4);
        _il.Emit(OpCodes.Ldloc, _exitEip);
        _il.Emit(OpCodes.Bne_Un, none);
    }

    /// <summary>Kept code calls other regions, where they are not jumps: only so many may wait for each other.</summary>
    private void EmitCountTransfer(Label none)
    {
        if ((_modes & EmitModes.Kept) != 0)
        {
            EmitState(StateLayout.TransfersLeft);
            EmitState(StateLayout.TransfersLeft);
            _il.Emit(OpCodes.Ldind_I4);
            _il.Emit(OpCodes.Ldc_I4_1);
            _il.Emit(OpCodes.Sub);
            _il.Emit(OpCodes.Stloc, _t);
            _il.Emit(OpCodes.Ldloc, _t);
            _il.Emit(OpCodes.Stind_I4);
            _il.Emit(OpCodes.Ldloc, _t);
            _il.Emit(OpCodes.Ldc_I4_0);
            _il.Emit(OpCodes.Blt, none);
        }
    }

    /// <summary>Pushes what <see cref="EmitCodeOfBlock"/> found, for the call.</summary>
    private void EmitEnterBlock()
    {
        _il.Emit(OpCodes.Ldarg_0);
        EmitField(_host, (int)Marshal.OffsetOf<Block>(nameof(Block.CompiledContext)));
        _il.Emit(OpCodes.Ldind_I);
        EmitField(_host, (int)Marshal.OffsetOf<Block>(nameof(Block.CompiledEntry)));
        _il.Emit(OpCodes.Ldind_I4);
        _il.Emit(OpCodes.Ldloc, _entry);
    }

    /// <summary>Puts the address of the jump cache's record for an address into the entry local (<see cref="JumpCacheEntry.IndexOf"/>).</summary>
    private void EmitJumpCacheRecord(Action emitLinear)
    {
        EmitState(StateLayout.JumpCache);
        _il.Emit(OpCodes.Ldind_I);
        emitLinear();
        emitLinear();
        _il.Emit(OpCodes.Ldc_I4, JumpCacheEntry.FoldShift);
        _il.Emit(OpCodes.Shr_Un);
        _il.Emit(OpCodes.Xor);
        _il.Emit(OpCodes.Ldc_I4, JumpCacheEntry.Count - 1);
        _il.Emit(OpCodes.And);
        _il.Emit(OpCodes.Ldc_I4, JumpCacheEntry.SizeShift);
        _il.Emit(OpCodes.Shl);
        _il.Emit(OpCodes.Conv_U);
        _il.Emit(OpCodes.Add);
        _il.Emit(OpCodes.Stloc, _entry);
    }

    /// <summary>Branches away unless the pages of the jump cache's record in the entry local are mapped as they were.</summary>
    private void EmitMappingCheck(Action emitLinear, Label none)
    {
        EmitInstructionTlbRecord(emitLinear, 0);
        EmitField(_entry, (int)Marshal.OffsetOf<JumpCacheEntry>(nameof(JumpCacheEntry.Mapping)));
        _il.Emit(OpCodes.Ldind_I8);
        _il.Emit(OpCodes.Bne_Un, none);
        EmitField(_entry, (int)Marshal.OffsetOf<JumpCacheEntry>(nameof(JumpCacheEntry.SecondMapping)));
        _il.Emit(OpCodes.Ldind_I8);
        _il.Emit(OpCodes.Ldc_I4_1);
        _il.Emit(OpCodes.Conv_I8);
        Label straddles = _il.DefineLabel();
        Label mapped = _il.DefineLabel();
        _il.Emit(OpCodes.Bne_Un, straddles);
        _il.MarkLabel(mapped);
        _tails.Add(() =>
        {
            _il.MarkLabel(straddles);
            EmitInstructionTlbRecord(emitLinear, PhysicalMemory.PageSize);
            EmitField(_entry, (int)Marshal.OffsetOf<JumpCacheEntry>(nameof(JumpCacheEntry.SecondMapping)));
            _il.Emit(OpCodes.Ldind_I8);
            _il.Emit(OpCodes.Beq, mapped);
            _il.Emit(OpCodes.Br, none);
        });
    }

    /// <summary>Pushes the record of the instruction TLB for an address.</summary>
    private void EmitInstructionTlbRecord(Action emitLinear, uint offset)
    {
        EmitState(StateLayout.InstructionTlb);
        _il.Emit(OpCodes.Ldind_I);
        emitLinear();
        if (offset != 0)
        {
            _il.Emit(OpCodes.Ldc_I4, (int)offset);
            _il.Emit(OpCodes.Add);
        }

        _il.Emit(OpCodes.Ldc_I4, 12 - InstructionTlb.SizeShift);
        _il.Emit(OpCodes.Shr_Un);
        _il.Emit(OpCodes.Ldc_I4, (InstructionTlb.Count - 1) << InstructionTlb.SizeShift);
        _il.Emit(OpCodes.And);
        _il.Emit(OpCodes.Conv_U);
        _il.Emit(OpCodes.Add);
        _il.Emit(OpCodes.Ldind_I8);
    }

    /// <summary>What the tails that look into the jump cache left to be emitted behind them.</summary>
    private void EmitTails()
    {
        foreach (Action tail in _tails)
        {
            tail();
        }
    }

    /// <summary>Pushes the address of a field of what a local points to.</summary>
    private void EmitField(LocalBuilder pointer, int offset)
    {
        _il.Emit(OpCodes.Ldloc, pointer);
        if (offset != 0)
        {
            _il.Emit(OpCodes.Ldc_I4, offset);
            _il.Emit(OpCodes.Add);
        }
    }
}
