using System.Reflection.Emit;
using Emulator.Core.Decoding;

namespace Emulator.Jit;

/// <content>Shifts by CL, double shifts and divisions.</content>
internal sealed unsafe partial class RegionEmitter
{
    /// <summary>SHL, SHR, SAR r32, CL: a count of zero leaves the flags alone, so they are made in the lazy form at once.</summary>
    private bool LowerShiftByCl(in Op op, Shape shape, bool memory)
    {
        if (memory)
        {
            return false;
        }

        LocalBuilder r = _r[op.R0 >> 3];
        bool left = shape.Operation is "Shl" or "Sal";
        OpCode shift = left ? OpCodes.Shl : shape.Operation == "Shr" ? OpCodes.Shr_Un : OpCodes.Shr;
        if (!_flow.AreFlagsWanted(_block, _index))
        {
            _il.Emit(OpCodes.Ldloc, r);
            _il.Emit(OpCodes.Ldloc, _r[1]);
            _il.Emit(OpCodes.Ldc_I4, 31);
            _il.Emit(OpCodes.And);
            _il.Emit(shift);
            _il.Emit(OpCodes.Stloc, r);
            Flags = FlagState.Dead;
            return true;
        }

        EmitMaterialize();
        Label zero = _il.DefineLabel();
        _il.Emit(OpCodes.Ldloc, _r[1]);
        _il.Emit(OpCodes.Ldc_I4, 31);
        _il.Emit(OpCodes.And);
        _il.Emit(OpCodes.Stloc, _u);
        _il.Emit(OpCodes.Ldloc, _u);
        _il.Emit(OpCodes.Brfalse, zero);
        _il.Emit(OpCodes.Ldloc, r);
        _il.Emit(OpCodes.Stloc, _t);
        _il.Emit(OpCodes.Ldloc, _t);
        _il.Emit(OpCodes.Ldloc, _u);
        _il.Emit(shift);
        _il.Emit(OpCodes.Stloc, r);

        // The value before the last step: its outermost bit is CF.
        _il.Emit(OpCodes.Ldloc, _t);
        _il.Emit(OpCodes.Ldloc, _u);
        _il.Emit(OpCodes.Ldc_I4_1);
        _il.Emit(OpCodes.Sub);
        _il.Emit(shift);
        _il.Emit(OpCodes.Stloc, _t);
        EmitState(StateLayout.FlagCarries);
        _il.Emit(OpCodes.Ldloc, _t);
        if (left)
        {
            _il.Emit(OpCodes.Ldc_I4, unchecked((int)0x80000000));
            _il.Emit(OpCodes.And);
            EmitTopBitAt30(r);
            _il.Emit(OpCodes.Or);
        }
        else
        {
            _il.Emit(OpCodes.Ldc_I4, 31);
            _il.Emit(OpCodes.Shl);
            _il.Emit(OpCodes.Stloc, _carries);
            _il.Emit(OpCodes.Ldloc, _carries);
            _il.Emit(OpCodes.Ldloc, _carries);
            _il.Emit(OpCodes.Ldc_I4_1);
            _il.Emit(OpCodes.Shr_Un);
            if (shape.Operation == "Shr")
            {
                EmitTopBitAt30(_t);
                _il.Emit(OpCodes.Xor);
            }

            _il.Emit(OpCodes.Or);
        }

        _il.Emit(OpCodes.Stind_I4);
        EmitState(StateLayout.FlagResult);
        _il.Emit(OpCodes.Ldloc, r);
        _il.Emit(OpCodes.Conv_I8);
        _il.Emit(OpCodes.Stind_I8);
        _il.MarkLabel(zero);
        return true;
    }

    /// <summary>Pushes the top bit of a value as bit 30.</summary>
    private void EmitTopBitAt30(LocalBuilder value)
    {
        _il.Emit(OpCodes.Ldloc, value);
        _il.Emit(OpCodes.Ldc_I4_1);
        _il.Emit(OpCodes.Shr_Un);
        _il.Emit(OpCodes.Ldc_I4, 0x40000000);
        _il.Emit(OpCodes.And);
    }

    /// <summary>SHLD and SHRD r32, r32, imm8.</summary>
    private bool LowerDoubleShift(in Op op, Shape shape, bool memory)
    {
        int count = (int)op.Imm & 31;
        if (memory || count == 0)
        {
            return false;
        }

        bool left = shape.Operation == "Shld";
        LocalBuilder r = _r[op.R0 >> 3];
        _il.Emit(OpCodes.Ldloc, r);
        _il.Emit(OpCodes.Stloc, _b);
        _il.Emit(OpCodes.Ldloc, _b);
        _il.Emit(OpCodes.Ldc_I4, count);
        _il.Emit(left ? OpCodes.Shl : OpCodes.Shr_Un);
        _il.Emit(OpCodes.Ldloc, _r[op.R1 >> 3]);
        _il.Emit(OpCodes.Ldc_I4, 32 - count);
        _il.Emit(left ? OpCodes.Shr_Un : OpCodes.Shl);
        _il.Emit(OpCodes.Or);
        _il.Emit(OpCodes.Stloc, _res);
        _il.Emit(OpCodes.Ldloc, _res);
        _il.Emit(OpCodes.Stloc, r);
        Flags = new FlagState(left ? FlagKind.Shld : FlagKind.Shrd, 4, count);
        return true;
    }

    /// <summary>DIV and IDIV of EDX:EAX by r/m32; what would fault (and a divisor of -1) is left to the interpreter.</summary>
    private void LowerDivide(in Op op, Shape shape, bool memory)
    {
        bool signed = shape.Operation == "Idiv";
        if (memory)
        {
            EmitLoad(in op, 4);
        }
        else
        {
            EmitRead(op.R0, 4);
        }

        _il.Emit(OpCodes.Stloc, _t);
        Label fault = MissStub();
        if (!signed)
        {
            // The quotient fits exactly when the high half is below the divisor; this also refuses zero.
            _il.Emit(OpCodes.Ldloc, _r[2]);
            _il.Emit(OpCodes.Ldloc, _t);
            _il.Emit(OpCodes.Bge_Un, fault);
            EmitDividend();
            _il.Emit(OpCodes.Ldloc, _t);
            _il.Emit(OpCodes.Conv_U8);
            _il.Emit(OpCodes.Div_Un);
            _il.Emit(OpCodes.Conv_U4);
            _il.Emit(OpCodes.Stloc, _u);
        }
        else
        {
            // -1 <= divisor <= 0 as one unsigned compare.
            _il.Emit(OpCodes.Ldloc, _t);
            _il.Emit(OpCodes.Ldc_I4_1);
            _il.Emit(OpCodes.Add);
            _il.Emit(OpCodes.Ldc_I4_2);
            _il.Emit(OpCodes.Blt_Un, fault);
            EmitDividend();
            _il.Emit(OpCodes.Ldloc, _t);
            _il.Emit(OpCodes.Conv_I8);
            _il.Emit(OpCodes.Div);
            _il.Emit(OpCodes.Stloc, _wide);
            _il.Emit(OpCodes.Ldloc, _wide);
            _il.Emit(OpCodes.Ldloc, _wide);
            _il.Emit(OpCodes.Conv_I4);
            _il.Emit(OpCodes.Conv_I8);
            _il.Emit(OpCodes.Bne_Un, fault);
            _il.Emit(OpCodes.Ldloc, _wide);
            _il.Emit(OpCodes.Conv_U4);
            _il.Emit(OpCodes.Stloc, _u);
        }

        // The remainder's low half needs 32 bits only.
        _il.Emit(OpCodes.Ldloc, _r[0]);
        _il.Emit(OpCodes.Ldloc, _u);
        _il.Emit(OpCodes.Ldloc, _t);
        _il.Emit(OpCodes.Mul);
        _il.Emit(OpCodes.Sub);
        _il.Emit(OpCodes.Stloc, _r[2]);
        _il.Emit(OpCodes.Ldloc, _u);
        _il.Emit(OpCodes.Stloc, _r[0]);
    }

    private void EmitDividend()
    {
        _il.Emit(OpCodes.Ldloc, _r[2]);
        _il.Emit(OpCodes.Conv_U8);
        _il.Emit(OpCodes.Ldc_I4, 32);
        _il.Emit(OpCodes.Shl);
        _il.Emit(OpCodes.Ldloc, _r[0]);
        _il.Emit(OpCodes.Conv_U8);
        _il.Emit(OpCodes.Or);
    }
}
