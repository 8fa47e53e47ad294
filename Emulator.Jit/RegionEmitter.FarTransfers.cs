using System.Reflection.Emit;
using System.Runtime.InteropServices;
using Emulator.Core.Cpu;
using Emulator.Core.Decoding;
using Label = System.Reflection.Emit.Label;

namespace Emulator.Jit;

/// <content>
/// What 16-bit programs and kernels do all the time: segment registers are loaded, and control goes to other code segments. Loads in real and
/// virtual-8086 mode are a store of selector and base. Far transfers and interrupts call their handler, and go on in the region that
/// compiled code knows there.
/// </content>
internal sealed unsafe partial class RegionEmitter
{
    private readonly Label _farTransfer;
    private bool _transfersFar;

    /// <summary>
    /// MOV to, POP of a segment register and LES and its kin in real and virtual-8086 mode, while the segment is what these modes make of it:
    /// writable, 64 KiB, so that only selector and base change. In protected mode MOV and POP are a call of <see cref="Segmentation.LoadPlain"/>,
    /// which reads the descriptor. SS is left to the handler: interrupts wait for an instruction behind it.
    /// </summary>
    /// <returns>False when nothing was emitted.</returns>
    private bool LowerSegmentLoad(in Op op)
    {
        // The x87 data pointer's selector is that of the time of its instruction; regions store it late.
        if (_hasX87 || !Shapes.TryGetValue((Iced.Intel.Code)op.Code, out Shape shape) || shape.Family != Family.LoadSegment)
        {
            return false;
        }

        int segment = shape.Operation switch { "Les" => SegmentIndex.Es, "Lds" => SegmentIndex.Ds, "Lfs" => SegmentIndex.Fs, "Lgs" => SegmentIndex.Gs, _ => op.R0 };
        bool isProtected = (_region.ModeKey & ModeKey.Protected) != 0;
        if (segment is SegmentIndex.Cs or SegmentIndex.Ss || (isProtected && shape.Form == Form.Rm))
        {
            return false;
        }

        if (shape.Form == Form.RegRm)
        {
            if (HasMemory(in op))
            {
                EmitLoad(in op, 2);
            }
            else
            {
                EmitRead(op.R1, 2);
            }
        }
        else if (shape.Form == Form.Imm)
        {
            EmitStackTop(2);
            EmitIndirect(2);
        }
        else
        {
            // Offset and selector in one page; the rest is the interpreter's.
            EmitEffectiveAddress(in op);
            EmitHostAddress(shape.Size + 2, write: false);
            _il.Emit(OpCodes.Stloc, _host);
            EmitField(_host, shape.Size);
            EmitIndirect(2);
        }

        _il.Emit(OpCodes.Stloc, _t);
        Label other = MissStub();
        if (isProtected)
        {
            _il.Emit(OpCodes.Ldarg_0);
            _il.Emit(OpCodes.Ldc_I4, segment);
            _il.Emit(OpCodes.Ldloc, _t);
            _il.Emit(OpCodes.Call, SegmentCalls.LoadMethod);
            _il.Emit(OpCodes.Brfalse, other);
        }
        else
        {
            EmitRealSegment(segment, other);
        }

        for (int i = 0; i < _windows.Count; i++)
        {
            if (_windows.IsIn(i, segment))
            {
                _il.Emit(OpCodes.Ldc_I8, NoWindow);
                _il.Emit(OpCodes.Stloc, _windowLocals[i].Linear);
            }
        }

        if (shape.Form == Form.Imm)
        {
            EmitMoveStack(shape.Size);
        }
        else if (shape.Form == Form.Rm)
        {
            _il.Emit(OpCodes.Ldloc, _host);
            EmitIndirect(shape.Size);
            EmitWrite(op.R0, shape.Size);
        }

        return true;
    }

    /// <summary>The selector is in its local: loads it as real and virtual-8086 mode do, or branches away.</summary>
    private void EmitRealSegment(int segment, Label other)
    {
        EmitState(StateLayout.OfSegment(segment, StateLayout.SegmentWriteEnd));
        _il.Emit(OpCodes.Ldind_I8);
        _il.Emit(OpCodes.Ldc_I8, End16);
        _il.Emit(OpCodes.Bne_Un, other);
        if ((_region.ModeKey & ModeKey.V86) != 0)
        {
            EmitState(StateLayout.OfSegment(segment, StateLayout.SegmentAttributes));
            _il.Emit(OpCodes.Ldind_U2);
            _il.Emit(OpCodes.Ldc_I4, (int)Segmentation.V86Attributes);
            _il.Emit(OpCodes.Bne_Un, other);
        }

        EmitState(StateLayout.OfSegment(segment, StateLayout.SegmentSelector));
        _il.Emit(OpCodes.Ldloc, _t);
        _il.Emit(OpCodes.Stind_I2);
        EmitState(StateLayout.OfSegment(segment, StateLayout.SegmentBase));
        _il.Emit(OpCodes.Ldloc, _t);
        _il.Emit(OpCodes.Ldc_I4_4);
        _il.Emit(OpCodes.Shl);
        _il.Emit(OpCodes.Stind_I4);
    }

    /// <summary>Behind the handler of a far transfer: goes on wherever the CPU is now.</summary>
    private void EmitFarTransfer()
    {
        _transfersFar = true;
        EmitDeferFlags();
        EmitX87Leave();
        _il.Emit(OpCodes.Br, _farTransfer);
    }

    /// <summary>As <see cref="EmitTransferTail"/> with code segment and mode as they are now.</summary>
    private void EmitFarTransferTail()
    {
        if (!_transfersFar)
        {
            return;
        }

        _il.MarkLabel(_farTransfer);
        EmitCommit();
        Label none = _il.DefineLabel();
        if ((_modes & EmitModes.NoTransfers) == 0)
        {
            EmitState(StateLayout.OfSegment(SegmentIndex.Cs, StateLayout.SegmentBase));
            _il.Emit(OpCodes.Ldind_U4);
            _il.Emit(OpCodes.Ldloc, _exitEip);
            _il.Emit(OpCodes.Add);
            _il.Emit(OpCodes.Stloc, _t);
            EmitJumpCacheRecord(() => _il.Emit(OpCodes.Ldloc, _t));
            EmitField(_entry, (int)Marshal.OffsetOf<JumpCacheEntry>(nameof(JumpCacheEntry.Linear)));
            _il.Emit(OpCodes.Ldind_U4);
            _il.Emit(OpCodes.Ldloc, _t);
            _il.Emit(OpCodes.Bne_Un, none);
            EmitField(_entry, (int)Marshal.OffsetOf<JumpCacheEntry>(nameof(JumpCacheEntry.Key)));
            _il.Emit(OpCodes.Ldind_U4);
            EmitState(StateLayout.ModeKey);
            _il.Emit(OpCodes.Ldind_U4);
            _il.Emit(OpCodes.Bne_Un, none);
            EmitMappingCheck(() => _il.Emit(OpCodes.Ldloc, _t), none);
            EmitCodeOfBlock(none);
            EmitCountTransfer(none);
            EmitEnterBlock();
            _il.EmitRegionCall(isTail: (_modes & EmitModes.Kept) == 0);
        }

        _il.MarkLabel(none);
        _il.Emit(OpCodes.Ldc_I4, (int)Exit.Next);
        _il.Emit(OpCodes.Ret);
    }
}
