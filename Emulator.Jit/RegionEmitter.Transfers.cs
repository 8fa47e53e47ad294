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
        EmitState(StateLayout.JumpCache);
        _il.Emit(OpCodes.Ldind_I);
        EmitExitLinear();
        _il.Emit(OpCodes.Ldc_I4, JumpCacheEntry.Count - 1);
        _il.Emit(OpCodes.And);
        _il.Emit(OpCodes.Ldc_I4, JumpCacheEntry.SizeShift);
        _il.Emit(OpCodes.Shl);
        _il.Emit(OpCodes.Conv_U);
        _il.Emit(OpCodes.Add);
        _il.Emit(OpCodes.Stloc, _entry);

        // Linear address and mode in one comparison.
        EmitField(_entry, (int)Marshal.OffsetOf<JumpCacheEntry>(nameof(JumpCacheEntry.Linear)));
        _il.Emit(OpCodes.Ldind_I8);
        EmitExitLinear();
        _il.Emit(OpCodes.Conv_U8);
        _il.Emit(OpCodes.Ldc_I8, (long)_region.ModeKey << 32);
        _il.Emit(OpCodes.Or);
        _il.Emit(OpCodes.Bne_Un, none);
        EmitField(_entry, (int)Marshal.OffsetOf<JumpCacheEntry>(nameof(JumpCacheEntry.Block)));
        _il.Emit(OpCodes.Ldind_I);
        _il.Emit(OpCodes.Stloc, _host);
        EmitField(_entry, (int)Marshal.OffsetOf<JumpCacheEntry>(nameof(JumpCacheEntry.Page)));
        _il.Emit(OpCodes.Ldind_U4);
        _il.Emit(OpCodes.Stloc, _t);

        // In the generation of translations in which the record was made, the page need not be in the TLB.
        Label mapped = _il.DefineLabel();
        EmitField(_entry, (int)Marshal.OffsetOf<JumpCacheEntry>(nameof(JumpCacheEntry.Generation)));
        _il.Emit(OpCodes.Ldind_I8);
        EmitState(StateLayout.CodeGeneration);
        _il.Emit(OpCodes.Ldind_I8);
        _il.Emit(OpCodes.Beq, mapped);

        // The page is mapped to where the block lies. A block that was dropped has no code.
        EmitTlb();
        EmitExitLinear();
        _il.Emit(OpCodes.Ldc_I4, 12 - TlbEntry.SizeShift);
        _il.Emit(OpCodes.Shr_Un);
        _il.Emit(OpCodes.Ldc_I4, (TlbEntry.Count - 1) << TlbEntry.SizeShift);
        _il.Emit(OpCodes.And);
        _il.Emit(OpCodes.Conv_U);
        _il.Emit(OpCodes.Add);
        _il.Emit(OpCodes.Stloc, _entry);
        EmitTlbField(nameof(TlbEntry.ExecTag));
        EmitExitLinear();
        _il.Emit(OpCodes.Ldc_I4, unchecked((int)0xFFFFF000));
        _il.Emit(OpCodes.And);
        _il.Emit(OpCodes.Bne_Un, none);
        EmitTlbField(nameof(TlbEntry.Physical));
        _il.Emit(OpCodes.Ldloc, _t);
        _il.Emit(OpCodes.Bne_Un, none);
        _il.MarkLabel(mapped);
        EmitField(_host, (int)Marshal.OffsetOf<Block>(nameof(Block.Compiled)));
        _il.Emit(OpCodes.Ldind_I);
        _il.Emit(OpCodes.Stloc, _entry);
        _il.Emit(OpCodes.Ldloc, _entry);
        _il.Emit(OpCodes.Brfalse, none);
        EmitField(_host, (int)Marshal.OffsetOf<Block>(nameof(Block.CompiledEip)));
        _il.Emit(OpCodes.Ldind_U4);
        _il.Emit(OpCodes.Ldloc, _exitEip);
        _il.Emit(OpCodes.Bne_Un, none);
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

        _il.Emit(OpCodes.Ldarg_0);
        EmitField(_host, (int)Marshal.OffsetOf<Block>(nameof(Block.CompiledContext)));
        _il.Emit(OpCodes.Ldind_I);
        EmitField(_host, (int)Marshal.OffsetOf<Block>(nameof(Block.CompiledEntry)));
        _il.Emit(OpCodes.Ldind_I4);
        _il.Emit(OpCodes.Ldloc, _entry);
        _il.EmitRegionCall(isTail: (_modes & EmitModes.Kept) == 0);
        _il.MarkLabel(none);
        _il.Emit(OpCodes.Ldc_I4, (int)Exit.Next);
        _il.Emit(OpCodes.Ret);
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
