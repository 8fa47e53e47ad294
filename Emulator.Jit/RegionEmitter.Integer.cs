using System.Reflection.Emit;
using Emulator.Core.Cpu;
using Emulator.Core.Decoding;
using Iced.Intel;
using Label = System.Reflection.Emit.Label;

namespace Emulator.Jit;

/// <content>Integer instructions.</content>
internal sealed unsafe partial class RegionEmitter
{
    private static List<int> WrittenRegisters(in Op op)
    {
        List<int> registers = [4];
        if (SimdRows.TryGetValue((Code)op.Code, out SimdRow? simd))
        {
            if (simd.WritesGeneral && !(simd.IsStore && HasMemory(in op)))
            {
                registers.Add(op.R0 >> 3);
            }

            return registers;
        }

        if (op.R0 < 64)
        {
            registers.Add(op.R0 >> 3);
        }

        if (op.R1 < 64)
        {
            registers.Add(op.R1 >> 3);
        }

        Code code = (Code)op.Code;
        if (Branch.KindOf(code) == BranchKind.Loop)
        {
            registers.Add(1);
        }

        if (Shapes.TryGetValue(code, out Shape shape))
        {
            if (shape.Family is Family.WidenMultiply or Family.Cdq or Family.Cwde or Family.Divide)
            {
                registers.Add(0);
                registers.Add(2);
            }
            else if (shape.Family == Family.Leave)
            {
                registers.Add(5);
            }
        }

        return registers;
    }

    /// <summary>Emits an instruction; false when this form is better left to its handler.</summary>
    private bool LowerInstruction(in Op op)
    {
        // LOCK has nothing to add: there is one CPU.
        if (SimdRows.TryGetValue((Code)op.Code, out SimdRow? simd))
        {
            return LowerSimd(in op, simd);
        }

        if (X87Shape.TryGet((Code)op.Code, out X87Shape x87))
        {
            LowerX87(in op, x87);
            return true;
        }

        Shape shape = Shapes[(Code)op.Code];
        bool memory = HasMemory(in op);
        switch (shape.Family)
        {
            case Family.Alu:
                LowerAlu(in op, shape, memory);
                return true;
            case Family.Unary:
                LowerUnary(in op, shape, memory);
                return true;
            case Family.Shift:
                return LowerShift(in op, shape, memory);
            case Family.Rotate:
                return LowerRotate(in op, shape, memory);
            case Family.Move:
                LowerMove(in op, shape, memory);
                return true;
            case Family.MoveZero:
            case Family.MoveSign:
                LowerExtend(in op, shape, memory);
                return true;
            case Family.Lea:
                EmitEffectiveAddress(in op);
                _segment = NoSegment;
                EmitZeroExtend(shape.Size);
                EmitWrite(op.R0, shape.Size);
                return true;
            case Family.Push:
                LowerPush(in op, shape, memory);
                return true;
            case Family.Pop:
                return LowerPop(in op, shape, memory);
            case Family.Set:
                return LowerSet(in op, shape, memory);
            case Family.Cmov:
                LowerCmov(in op, shape, memory);
                return true;
            case Family.Multiply:
                LowerMultiply(in op, shape, memory);
                return true;
            case Family.WidenMultiply:
                return LowerWidenMultiply(in op, shape, memory);
            case Family.Exchange:
                return LowerExchange(in op, shape, memory);
            case Family.ShiftByCl:
                return LowerShiftByCl(in op, shape, memory);
            case Family.DoubleShift:
                return LowerDoubleShift(in op, shape, memory);
            case Family.Divide:
                LowerDivide(in op, shape, memory);
                return true;
            case Family.Cdq:
                EmitRead(CpuState.RegisterOffset(0), shape.Size);
                EmitSignExtend(shape.Size);
                _il.Emit(OpCodes.Ldc_I4, 31);
                _il.Emit(OpCodes.Shr);
                EmitZeroExtend(shape.Size);
                EmitWrite(CpuState.RegisterOffset(2), shape.Size);
                return true;
            case Family.Cwde:
                EmitRead(CpuState.RegisterOffset(0), shape.Source);
                EmitSignExtend(shape.Source);
                EmitZeroExtend(shape.Size);
                EmitWrite(CpuState.RegisterOffset(0), shape.Size);
                return true;
            case Family.ReadSegment:
                return LowerReadSegment(in op, shape, memory);
            case Family.Leave:
                _il.Emit(OpCodes.Ldloc, _r[5]);
                UseStack();
                EmitHostAddress(shape.Size, write: false);
                EmitIndirect(shape.Size);
                _il.Emit(OpCodes.Stloc, _t);
                EmitMove(_r[5], _a);
                EmitSetStack(_a, shape.Size);
                _il.Emit(OpCodes.Ldloc, _t);
                EmitWrite(CpuState.RegisterOffset(5), shape.Size);
                return true;
            case Family.Bswap:
                _il.Emit(OpCodes.Ldloc, _r[op.R0 >> 3]);
                _il.Emit(OpCodes.Call, typeof(System.Buffers.Binary.BinaryPrimitives).GetMethod(nameof(System.Buffers.Binary.BinaryPrimitives.ReverseEndianness), [typeof(uint)])!);
                _il.Emit(OpCodes.Stloc, _r[op.R0 >> 3]);
                return true;
            default:
                return true;
        }
    }

    /// <summary>Memory operands have a base or index register field; register forms leave all of them at their initial values.</summary>
    private static bool HasMemory(in Op op) => (op.Flags & OpFlags.Memory) != 0;

    /// <summary>Pushes operand 1 of a two-operand form (register or immediate).</summary>
    private void EmitSecond(in Op op, Shape shape)
    {
        if (shape.Form == Form.RmImm)
        {
            uint mask = shape.Size == 4 ? uint.MaxValue : (1u << (8 * shape.Size)) - 1;
            _il.Emit(OpCodes.Ldc_I4, (int)(op.Imm & mask));
        }
        else
        {
            EmitRead(op.R1, shape.Size);
        }
    }

    private void LowerAlu(in Op op, Shape shape, bool memory)
    {
        int size = shape.Size;
        bool writes = shape.Operation is not ("Cmp" or "Test");
        bool carryIn = shape.Operation is "Adc" or "Sbb";
        bool logic = shape.Operation is "And" or "Or" or "Xor" or "Test";

        // The memory check comes first: until then the flag sources of the instruction before must stay.
        bool toMemory = memory && shape.Form != Form.RegRm;
        if (memory)
        {
            if (toMemory && writes)
            {
                EmitOpen(in op, size);
            }
            else
            {
                EmitLoad(in op, size);
            }

            _il.Emit(OpCodes.Stloc, _t);
        }

        if (carryIn)
        {
            EmitCarry();
            _il.Emit(OpCodes.Stloc, _carryIn);
        }

        if (toMemory)
        {
            _il.Emit(OpCodes.Ldloc, _t);
            _il.Emit(OpCodes.Stloc, _a);
            EmitSecond(in op, shape);
            _il.Emit(OpCodes.Stloc, _b);
        }
        else
        {
            if (memory)
            {
                _il.Emit(OpCodes.Ldloc, _t);
            }
            else
            {
                EmitSecond(in op, shape);
            }

            _il.Emit(OpCodes.Stloc, _b);
            EmitRead(op.R0, size);
            _il.Emit(OpCodes.Stloc, _a);
        }

        _il.Emit(OpCodes.Ldloc, _a);
        _il.Emit(OpCodes.Ldloc, _b);
        _il.Emit(shape.Operation switch
        {
            "Add" or "Adc" => OpCodes.Add,
            "Sub" or "Sbb" or "Cmp" => OpCodes.Sub,
            "Or" => OpCodes.Or,
            "Xor" => OpCodes.Xor,
            _ => OpCodes.And,
        });
        if (carryIn)
        {
            _il.Emit(OpCodes.Ldloc, _carryIn);
            _il.Emit(shape.Operation == "Adc" ? OpCodes.Add : OpCodes.Sub);
        }

        EmitZeroExtend(size);
        _il.Emit(OpCodes.Stloc, _res);
        if (writes)
        {
            EmitResult(in op, size, toMemory);
        }

        Flags = new FlagState(
            logic ? FlagKind.Logic : shape.Operation switch
            {
                "Add" => FlagKind.Add,
                "Adc" => FlagKind.AddCarry,
                "Sbb" => FlagKind.SubBorrow,
                _ => FlagKind.Compare,
            },
            size,
            shape.Operation == "Cmp" ? 1 : 0);
    }

    private void EmitResult(in Op op, int size, bool toMemory)
    {
        if (toMemory)
        {
            _il.Emit(OpCodes.Ldloc, _host);
            _il.Emit(OpCodes.Ldloc, _res);
            EmitStoreIndirect(size);
        }
        else
        {
            _il.Emit(OpCodes.Ldloc, _res);
            EmitWrite(op.R0, size);
        }
    }

    private void LowerUnary(in Op op, Shape shape, bool memory)
    {
        int size = shape.Size;
        if (memory)
        {
            EmitOpen(in op, size);
            _il.Emit(OpCodes.Stloc, _t);
        }
        else
        {
            EmitRead(op.R0, size);
            _il.Emit(OpCodes.Stloc, _t);
        }

        switch (shape.Operation)
        {
            case "Not":
                _il.Emit(OpCodes.Ldloc, _t);
                _il.Emit(OpCodes.Not);
                EmitZeroExtend(size);
                if (memory)
                {
                    _il.Emit(OpCodes.Stloc, _t);
                    _il.Emit(OpCodes.Ldloc, _host);
                    _il.Emit(OpCodes.Ldloc, _t);
                    EmitStoreIndirect(size);
                }
                else
                {
                    EmitWrite(op.R0, size);
                }

                return;
            case "Neg":
                _il.Emit(OpCodes.Ldc_I4_0);
                _il.Emit(OpCodes.Stloc, _a);
                _il.Emit(OpCodes.Ldloc, _t);
                _il.Emit(OpCodes.Stloc, _b);
                _il.Emit(OpCodes.Ldloc, _b);
                _il.Emit(OpCodes.Neg);
                EmitZeroExtend(size);
                _il.Emit(OpCodes.Stloc, _res);
                EmitResult(in op, size, memory);
                Flags = new FlagState(FlagKind.Compare, size);
                return;
            default:
                LowerIncDec(in op, shape, memory);
                return;
        }
    }

    /// <summary>INC and DEC keep CF.</summary>
    private void LowerIncDec(in Op op, Shape shape, bool memory)
    {
        int size = shape.Size;
        bool inc = shape.Operation == "Inc";
        if (_flow.IsCarryWanted(_block, _index))
        {
            EmitCarry();
        }
        else
        {
            // Nobody sees it, but OF comes out of the same vector of carries.
            _il.Emit(OpCodes.Ldc_I4_0);
        }

        _il.Emit(OpCodes.Stloc, _b);
        _il.Emit(OpCodes.Ldloc, _t);
        _il.Emit(OpCodes.Ldc_I4_1);
        _il.Emit(inc ? OpCodes.Add : OpCodes.Sub);
        EmitZeroExtend(size);
        _il.Emit(OpCodes.Stloc, _res);
        EmitResult(in op, size, memory);
        Flags = new FlagState(inc ? FlagKind.Inc : FlagKind.Dec, size);
    }

    private bool LowerShift(in Op op, Shape shape, bool memory)
    {
        if (!IsLoweredShift(in op, shape))
        {
            return false;
        }

        int count = (shape.Form == Form.RmImm ? (int)op.Imm : 1) & 31;
        if (memory)
        {
            EmitOpen(in op, shape.Size);
        }
        else
        {
            EmitRead(op.R0, shape.Size);
        }

        _il.Emit(OpCodes.Stloc, _b);
        _il.Emit(OpCodes.Ldloc, _b);
        if (shape.Operation == "Sar")
        {
            EmitSignExtend(shape.Size);
        }

        _il.Emit(OpCodes.Ldc_I4, count);
        _il.Emit(shape.Operation switch { "Shr" => OpCodes.Shr_Un, "Sar" => OpCodes.Shr, _ => OpCodes.Shl });
        EmitZeroExtend(shape.Size);
        _il.Emit(OpCodes.Stloc, _res);
        EmitResult(in op, shape.Size, memory);
        Flags = new FlagState(shape.Operation switch { "Shr" => FlagKind.Shr, "Sar" => FlagKind.Sar, _ => FlagKind.Shl }, shape.Size, count);
        return true;
    }

    /// <summary>ROL and ROR by a constant, 32 bits: only CF and OF change.</summary>
    private bool LowerRotate(in Op op, Shape shape, bool memory)
    {
        if (!IsLoweredRotate(in op, shape, memory))
        {
            return false;
        }

        int count = (shape.Form == Form.RmImm ? (int)op.Imm : 1) & 31;
        bool wanted = _flow.AreFlagsWanted(_block, _index);
        if (wanted)
        {
            EmitMaterialize();
        }

        _il.Emit(OpCodes.Ldloc, _r[op.R0 >> 3]);
        _il.Emit(OpCodes.Ldc_I4, count);
        _il.Emit(OpCodes.Call, typeof(System.Numerics.BitOperations).GetMethod(
            shape.Operation == "Rol" ? nameof(System.Numerics.BitOperations.RotateLeft) : nameof(System.Numerics.BitOperations.RotateRight), [typeof(uint), typeof(int)])!);
        _il.Emit(OpCodes.Stloc, _r[op.R0 >> 3]);
        if (!wanted)
        {
            Flags = FlagState.Dead;
            return true;
        }

        // Bit 31 = CF; bit 30 = CF xor OF: for ROL the top bit of the result, for ROR the bit below it.
        LocalBuilder r = _r[op.R0 >> 3];
        EmitState(StateLayout.FlagCarries);
        EmitState(StateLayout.FlagCarries);
        _il.Emit(OpCodes.Ldind_U4);
        _il.Emit(OpCodes.Ldc_I4_8);
        _il.Emit(OpCodes.And);
        _il.Emit(OpCodes.Ldloc, r);
        if (shape.Operation == "Rol")
        {
            _il.Emit(OpCodes.Ldc_I4, 31);
            _il.Emit(OpCodes.Shl);
            EmitTopBitAt30(r);
            _il.Emit(OpCodes.Or);
        }
        else
        {
            _il.Emit(OpCodes.Ldc_I4, unchecked((int)0xC0000000));
            _il.Emit(OpCodes.And);
        }

        _il.Emit(OpCodes.Or);
        _il.Emit(OpCodes.Stind_I4);
        return true;
    }

    private void LowerMove(in Op op, Shape shape, bool memory)
    {
        if (shape.Form == Form.RegRm && memory)
        {
            EmitLoad(in op, shape.Size);
            EmitWrite(op.R0, shape.Size);
        }
        else if (memory)
        {
            EmitEffectiveAddress(in op);
            EmitHostAddress(shape.Size, write: true);
            EmitSecond(in op, shape);
            EmitStoreIndirect(shape.Size);
        }
        else
        {
            EmitSecond(in op, shape);
            EmitWrite(op.R0, shape.Size);
        }
    }

    private void LowerExtend(in Op op, Shape shape, bool memory)
    {
        if (memory)
        {
            EmitLoad(in op, shape.Source);
        }
        else
        {
            EmitRead(op.R1, shape.Source);
        }

        if (shape.Family == Family.MoveSign)
        {
            EmitSignExtend(shape.Source);
            EmitZeroExtend(shape.Size);
        }

        EmitWrite(op.R0, shape.Size);
    }

    private void LowerPush(in Op op, Shape shape, bool memory)
    {
        if (memory)
        {
            EmitLoad(in op, shape.Size);
            _il.Emit(OpCodes.Stloc, _t);
        }

        EmitPushAddress(shape.Size);
        if (memory)
        {
            _il.Emit(OpCodes.Ldloc, _t);
        }
        else if (shape.Form == Form.Imm)
        {
            _il.Emit(OpCodes.Ldc_I4, (int)op.Imm);
        }
        else
        {
            _il.Emit(OpCodes.Ldloc, _r[op.R0 >> 3]);
        }

        EmitStoreIndirect(shape.Size);
        EmitMoveStack(-shape.Size);
    }

    /// <summary>Pushes the host address of the slot below the stack pointer.</summary>
    private void EmitPushAddress(int size)
    {
        _il.Emit(OpCodes.Ldloc, _r[4]);
        _il.Emit(OpCodes.Ldc_I4, size);
        _il.Emit(OpCodes.Sub);
        UseStack();
        EmitHostAddress(size, write: true);
    }

    /// <summary>Pushes the host address of what the stack pointer points to.</summary>
    private void EmitStackTop(int size)
    {
        _il.Emit(OpCodes.Ldloc, _r[4]);
        UseStack();
        EmitHostAddress(size, write: false);
    }

    private void EmitMoveStack(int bytes) => EmitSetStack(_r[4], bytes);

    /// <summary>Sets ESP, or SP alone on a 16-bit stack, to a register plus a constant.</summary>
    private void EmitSetStack(LocalBuilder from, int bytes)
    {
        _il.Emit(OpCodes.Ldloc, from);
        _il.Emit(OpCodes.Ldc_I4, bytes);
        _il.Emit(OpCodes.Add);
        if (IsStack32)
        {
            _il.Emit(OpCodes.Stloc, _r[4]);
        }
        else
        {
            EmitCut16();
            EmitWrite(EspOffset, 2);
        }
    }

    private bool LowerPop(in Op op, Shape shape, bool memory)
    {
        if (memory)
        {
            return false;
        }

        EmitStackTop(shape.Size);
        EmitIndirect(shape.Size);
        EmitMoveStack(shape.Size);
        EmitWrite(op.R0, shape.Size);
        return true;
    }

    private bool LowerSet(in Op op, Shape shape, bool memory)
    {
        if (memory)
        {
            return false;
        }

        EmitCondition(shape.Condition);
        EmitWrite(op.R0, 1);
        return true;
    }

    private void LowerCmov(in Op op, Shape shape, bool memory)
    {
        if (memory)
        {
            EmitLoad(in op, shape.Size);
        }
        else
        {
            EmitRead(op.R1, shape.Size);
        }

        _il.Emit(OpCodes.Stloc, _t);
        Label skip = _il.DefineLabel();
        EmitCondition(shape.Condition);
        _il.Emit(OpCodes.Brfalse, skip);
        _il.Emit(OpCodes.Ldloc, _t);
        EmitWrite(op.R0, shape.Size);
        _il.MarkLabel(skip);
    }

    /// <summary>IMUL r, r/m and IMUL r, r/m, imm with 32 bits.</summary>
    private void LowerMultiply(in Op op, Shape shape, bool memory)
    {
        if (memory)
        {
            EmitLoad(in op, 4);
        }
        else
        {
            EmitRead(op.R1, 4);
        }

        _il.Emit(OpCodes.Conv_I8);
        if (shape.Form == Form.RmImm)
        {
            _il.Emit(OpCodes.Ldc_I4, (int)op.Imm);
        }
        else
        {
            EmitRead(op.R0, 4);
        }

        _il.Emit(OpCodes.Conv_I8);
        _il.Emit(OpCodes.Mul);
        _il.Emit(OpCodes.Stloc, _wide);
        _il.Emit(OpCodes.Ldloc, _wide);
        _il.Emit(OpCodes.Conv_U4);
        _il.Emit(OpCodes.Stloc, _res);
        _il.Emit(OpCodes.Ldloc, _wide);
        _il.Emit(OpCodes.Ldloc, _res);
        _il.Emit(OpCodes.Conv_I8);
        EmitOverflowCarries();
        _il.Emit(OpCodes.Ldloc, _res);
        _il.Emit(OpCodes.Stloc, _r[op.R0 >> 3]);
        Flags = new FlagState(FlagKind.Computed, 4);
    }

    /// <summary>Pops two 64-bit values: CF = OF = whether they differ.</summary>
    private void EmitOverflowCarries()
    {
        _il.Emit(OpCodes.Ceq);
        _il.Emit(OpCodes.Ldc_I4_1);
        _il.Emit(OpCodes.Xor);
        _il.Emit(OpCodes.Ldc_I4, 31);
        _il.Emit(OpCodes.Shl);
        _il.Emit(OpCodes.Stloc, _carries);
    }

    /// <summary>MUL and IMUL of EAX into EDX:EAX.</summary>
    private bool LowerWidenMultiply(in Op op, Shape shape, bool memory)
    {
        if (shape.Size != 4)
        {
            return false;
        }

        bool signed = shape.Operation == "Imul";
        if (memory)
        {
            EmitLoad(in op, 4);
        }
        else
        {
            EmitRead(op.R0, 4);
        }

        _il.Emit(signed ? OpCodes.Conv_I8 : OpCodes.Conv_U8);
        _il.Emit(OpCodes.Ldloc, _r[0]);
        _il.Emit(signed ? OpCodes.Conv_I8 : OpCodes.Conv_U8);
        _il.Emit(OpCodes.Mul);
        _il.Emit(OpCodes.Stloc, _wide);
        _il.Emit(OpCodes.Ldloc, _wide);
        _il.Emit(OpCodes.Conv_U4);
        _il.Emit(OpCodes.Stloc, _res);
        _il.Emit(OpCodes.Ldloc, _res);
        _il.Emit(OpCodes.Stloc, _r[0]);
        _il.Emit(OpCodes.Ldloc, _wide);
        _il.Emit(OpCodes.Ldc_I4, 32);
        _il.Emit(OpCodes.Shr_Un);
        _il.Emit(OpCodes.Conv_U4);
        _il.Emit(OpCodes.Stloc, _r[2]);
        _il.Emit(OpCodes.Ldloc, _wide);
        _il.Emit(OpCodes.Ldloc, _res);
        _il.Emit(signed ? OpCodes.Conv_I8 : OpCodes.Conv_U8);
        EmitOverflowCarries();
        Flags = new FlagState(FlagKind.Computed, 4);
        return true;
    }

    private bool LowerExchange(in Op op, Shape shape, bool memory)
    {
        if (memory)
        {
            return false;
        }

        EmitRead(op.R0, shape.Size);
        _il.Emit(OpCodes.Stloc, _t);
        EmitRead(op.R1, shape.Size);
        EmitWrite(op.R0, shape.Size);
        _il.Emit(OpCodes.Ldloc, _t);
        EmitWrite(op.R1, shape.Size);
        return true;
    }
}
