using System.Numerics;
using System.Reflection;
using System.Reflection.Emit;
using Emulator.Core.Decoding;
using Emulator.Core.Interpreter;
using Label = System.Reflection.Emit.Label;

namespace Emulator.Jit;

/// <content>Shifts and rotates.</content>
internal sealed unsafe partial class RegionEmitter
{
    /// <summary>SHL, SHR, SAR by a constant; what is shifted out as a whole is left to the semantics that the interpreter uses.</summary>
    private bool LowerShift(in Op op, Shape shape, bool memory)
    {
        int count = CountOf(in op, shape);
        if (count == 0)
        {
            return !memory;
        }

        if (count >= 8 * shape.Size)
        {
            EmitShiftOperand(in op, shape, memory);
            EmitShiftCall(shape, () => _il.Emit(OpCodes.Ldc_I4, count));
            EmitFlagsFinished();
            EmitResult(in op, shape.Size, memory);
            Flags = FlagState.InState;
            return true;
        }

        EmitShiftOperand(in op, shape, memory);
        _il.Emit(OpCodes.Ldloc, _t);
        _il.Emit(OpCodes.Stloc, _b);
        EmitShift(shape, () => _il.Emit(OpCodes.Ldc_I4, count));
        EmitResult(in op, shape.Size, memory);
        Flags = new FlagState(shape.Operation switch { "Shr" => FlagKind.Shr, "Sar" => FlagKind.Sar, _ => FlagKind.Shl }, shape.Size, count);
        return true;
    }

    /// <summary>SHL, SHR, SAR by CL: a count of zero leaves the flags alone, so that they are made in the lazy form at once.</summary>
    private void LowerShiftByCl(in Op op, Shape shape, bool memory)
    {
        EmitShiftOperand(in op, shape, memory);
        if (!_flow.AreFlagsWanted(_block, _index))
        {
            EmitShift(shape, EmitCount);
            Flags = FlagState.Dead;
        }
        else
        {
            EmitMaterialize();
            if (shape.Size == 4)
            {
                EmitWideShiftByCl(shape);
            }
            else
            {
                EmitShiftCall(shape, EmitCount);
            }
        }

        EmitResult(in op, shape.Size, memory);
    }

    /// <summary>ROL and ROR by a constant or CL: only CF and OF change.</summary>
    private bool LowerRotate(in Op op, Shape shape, bool memory)
    {
        bool byCl = shape.Form == Form.Reg;
        int count = byCl ? 0 : CountOf(in op, shape);
        if (!byCl && count == 0)
        {
            return !memory;
        }

        EmitShiftOperand(in op, shape, memory);
        bool wanted = _flow.AreFlagsWanted(_block, _index);
        if (wanted)
        {
            EmitMaterialize();
        }

        // Narrow operands are repeated, so that 32 bits rotate the same way.
        _il.Emit(OpCodes.Ldloc, _t);
        if (shape.Size != 4)
        {
            _il.Emit(OpCodes.Ldc_I4, shape.Size == 1 ? 0x01010101 : 0x10001);
            _il.Emit(OpCodes.Mul);
        }

        if (byCl)
        {
            EmitCount();
        }
        else
        {
            _il.Emit(OpCodes.Ldc_I4, count);
        }

        bool left = shape.Operation == "Rol";
        _il.Emit(OpCodes.Call, typeof(BitOperations).GetMethod(left ? nameof(BitOperations.RotateLeft) : nameof(BitOperations.RotateRight), [typeof(uint), typeof(int)])!);
        EmitZeroExtend(shape.Size);
        _il.Emit(OpCodes.Stloc, _res);
        if (!wanted)
        {
            Flags = FlagState.Dead;
        }
        else if (byCl)
        {
            Label zero = _il.DefineLabel();
            EmitCount();
            _il.Emit(OpCodes.Brfalse, zero);
            EmitRotateFlags(left, shape.Size);
            _il.MarkLabel(zero);
        }
        else
        {
            EmitRotateFlags(left, shape.Size);
        }

        EmitResult(in op, shape.Size, memory);
        return true;
    }

    /// <summary>RCL and RCR, by the semantics that the interpreter uses.</summary>
    private void LowerRotateCarry(in Op op, Shape shape, bool memory)
    {
        int count = shape.Form == Form.Reg ? 0 : CountOf(in op, shape);
        EmitShiftOperand(in op, shape, memory);
        if (IsConstantRotateCarry(in op, shape) && !_flow.AreOthersWanted(_block, _index, FlagUse.Carry))
        {
            EmitRotateCarry(shape.Operation == "Rcl", count);
            EmitResult(in op, shape.Size, memory);
            return;
        }

        EmitMaterialize();
        EmitShiftCall(shape, shape.Form == Form.Reg ? EmitCount : () => _il.Emit(OpCodes.Ldc_I4, count));
        EmitResult(in op, shape.Size, memory);
    }

    /// <summary>Rotates the operand local through CF, when nobody wants OF and the flags that it leaves alone.</summary>
    private void EmitRotateCarry(bool left, int count)
    {
        EmitCarry();
        _il.Emit(OpCodes.Stloc, _carryIn);

        // 33 bits: the operand, CF between its ends.
        _il.Emit(OpCodes.Ldloc, _t);
        _il.Emit(OpCodes.Ldc_I4, count);
        _il.Emit(left ? OpCodes.Shl : OpCodes.Shr_Un);
        _il.Emit(OpCodes.Ldloc, _carryIn);
        _il.Emit(OpCodes.Ldc_I4, left ? count - 1 : 32 - count);
        _il.Emit(OpCodes.Shl);
        _il.Emit(OpCodes.Or);
        if (count > 1)
        {
            _il.Emit(OpCodes.Ldloc, _t);
            _il.Emit(OpCodes.Ldc_I4, 33 - count);
            _il.Emit(left ? OpCodes.Shr_Un : OpCodes.Shl);
            _il.Emit(OpCodes.Or);
        }

        _il.Emit(OpCodes.Stloc, _res);
        EmitBit(_t, left ? 32 - count : count - 1);
        EmitSetCarry(othersWanted: false);
    }

    /// <summary>SHLD and SHRD; with 16 bits, or by CL, by the semantics that the interpreter uses.</summary>
    private bool LowerDoubleShift(in Op op, Shape shape, bool memory)
    {
        bool byCl = shape.Form == Form.Reg;
        int count = byCl ? 0 : (int)op.Imm & 31;
        if (!byCl && count == 0)
        {
            return !memory;
        }

        bool left = shape.Operation == "Shld";
        EmitShiftOperand(in op, shape, memory);
        if (!byCl && shape.Size == 4)
        {
            _il.Emit(OpCodes.Ldloc, _t);
            _il.Emit(OpCodes.Stloc, _b);
            _il.Emit(OpCodes.Ldloc, _b);
            _il.Emit(OpCodes.Ldc_I4, count);
            _il.Emit(left ? OpCodes.Shl : OpCodes.Shr_Un);
            _il.Emit(OpCodes.Ldloc, _r[op.R1 >> 3]);
            _il.Emit(OpCodes.Ldc_I4, 32 - count);
            _il.Emit(left ? OpCodes.Shr_Un : OpCodes.Shl);
            _il.Emit(OpCodes.Or);
            _il.Emit(OpCodes.Stloc, _res);
            EmitResult(in op, 4, memory);
            Flags = new FlagState(left ? FlagKind.Shld : FlagKind.Shrd, 4, count);
            return true;
        }

        bool wanted = !byCl || _flow.AreFlagsWanted(_block, _index);
        if (byCl && wanted)
        {
            EmitMaterialize();
        }

        _il.Emit(OpCodes.Ldarg_0);
        _il.Emit(OpCodes.Ldloc, _t);
        EmitRead(op.R1, shape.Size);
        if (byCl)
        {
            EmitCount();
        }
        else
        {
            _il.Emit(OpCodes.Ldc_I4, count);
        }

        _il.Emit(OpCodes.Call, typeof(IntegerCalls).GetMethod(left ? nameof(IntegerCalls.Shld) : nameof(IntegerCalls.Shrd))!.MakeGenericMethod(TypeOf(shape.Size)));
        _il.Emit(OpCodes.Stloc, _res);
        EmitResult(in op, shape.Size, memory);
        if (wanted)
        {
            EmitFlagsFinished();
        }

        Flags = wanted ? FlagState.InState : FlagState.Dead;
        return true;
    }

    /// <summary>Count of a shift by a constant, or by one.</summary>
    private static int CountOf(in Op op, Shape shape) => (shape.Form == Form.RmImm ? (int)op.Imm : 1) & 31;

    private static Type TypeOf(int size) => size == 1 ? typeof(byte) : size == 2 ? typeof(ushort) : typeof(uint);

    /// <summary>Pushes the count in CL.</summary>
    private void EmitCount()
    {
        _il.Emit(OpCodes.Ldloc, _r[1]);
        _il.Emit(OpCodes.Ldc_I4, 31);
        _il.Emit(OpCodes.And);
    }

    /// <summary>Loads the operand into its local, ready to be written.</summary>
    private void EmitShiftOperand(in Op op, Shape shape, bool memory)
    {
        if (memory)
        {
            EmitOpen(in op, shape.Size);
        }
        else
        {
            EmitRead(op.R0, shape.Size);
        }

        _il.Emit(OpCodes.Stloc, _t);
    }

    /// <summary>Result of a shift of the operand local by what is pushed, without flags.</summary>
    private void EmitShift(Shape shape, Action pushCount)
    {
        _il.Emit(OpCodes.Ldloc, _t);
        if (shape.Operation == "Sar")
        {
            EmitSignExtend(shape.Size);
        }

        pushCount();
        _il.Emit(shape.Operation switch { "Shr" => OpCodes.Shr_Un, "Sar" => OpCodes.Shr, _ => OpCodes.Shl });
        EmitZeroExtend(shape.Size);
        _il.Emit(OpCodes.Stloc, _res);
    }

    /// <summary>Result of a shift or rotate of the operand local, by the semantics that the interpreter uses, on the flags in the state.</summary>
    private void EmitShiftCall(Shape shape, Action pushCount)
    {
        Type operation = shape.Operation switch
        {
            "Shr" => typeof(ShrOperation),
            "Sar" => typeof(SarOperation),
            "Rcl" => typeof(RclOperation),
            "Rcr" => typeof(RcrOperation),
            _ => typeof(ShlOperation),
        };
        _il.Emit(OpCodes.Ldarg_0);
        _il.Emit(OpCodes.Ldloc, _t);
        pushCount();
        _il.Emit(OpCodes.Call, typeof(IntegerCalls).GetMethod(nameof(IntegerCalls.Shift))!.MakeGenericMethod(operation, TypeOf(shape.Size)));
        _il.Emit(OpCodes.Stloc, _res);
    }

    /// <summary>Shift of the operand local with its flags, which are in the state and stay when the count is zero.</summary>
    private void EmitWideShiftByCl(Shape shape)
    {
        bool left = shape.Operation is "Shl" or "Sal";
        OpCode shift = left ? OpCodes.Shl : shape.Operation == "Shr" ? OpCodes.Shr_Un : OpCodes.Shr;
        Label zero = _il.DefineLabel();
        _il.Emit(OpCodes.Ldloc, _t);
        _il.Emit(OpCodes.Stloc, _res);
        EmitCount();
        _il.Emit(OpCodes.Stloc, _u);
        _il.Emit(OpCodes.Ldloc, _u);
        _il.Emit(OpCodes.Brfalse, zero);
        _il.Emit(OpCodes.Ldloc, _t);
        _il.Emit(OpCodes.Ldloc, _u);
        _il.Emit(shift);
        _il.Emit(OpCodes.Stloc, _res);

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
            EmitTopBitAt30(_res);
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
        _il.Emit(OpCodes.Ldloc, _res);
        _il.Emit(OpCodes.Conv_I8);
        _il.Emit(OpCodes.Stind_I8);
        _il.MarkLabel(zero);
    }

    /// <summary>CF and OF of a rotate into the state: bit 31 = CF; bit 30 = CF xor OF: for ROL the top bit of the result, for ROR the bit below it.</summary>
    private void EmitRotateFlags(bool left, int size)
    {
        EmitState(StateLayout.FlagCarries);
        EmitState(StateLayout.FlagCarries);
        _il.Emit(OpCodes.Ldind_U4);
        _il.Emit(OpCodes.Ldc_I4_8);
        _il.Emit(OpCodes.And);
        _il.Emit(OpCodes.Ldloc, _res);
        if (size != 4)
        {
            _il.Emit(OpCodes.Ldc_I4, 32 - (8 * size));
            _il.Emit(OpCodes.Shl);
        }

        _il.Emit(OpCodes.Stloc, _u);
        if (left)
        {
            _il.Emit(OpCodes.Ldloc, _res);
            _il.Emit(OpCodes.Ldc_I4, 31);
            _il.Emit(OpCodes.Shl);
            EmitTopBitAt30(_u);
            _il.Emit(OpCodes.Or);
        }
        else
        {
            _il.Emit(OpCodes.Ldloc, _u);
            _il.Emit(OpCodes.Ldc_I4, unchecked((int)0xC0000000));
            _il.Emit(OpCodes.And);
        }

        _il.Emit(OpCodes.Or);
        _il.Emit(OpCodes.Stind_I4);
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
}
