using System.Reflection.Emit;
using Emulator.Core.Cpu;
using Emulator.Core.Decoding;
using Iced.Intel;
using Label = System.Reflection.Emit.Label;

namespace Emulator.Jit;

/// <content>Integer instructions.</content>
internal sealed unsafe partial class RegionEmitter
{
    internal static List<int> WrittenRegisters(in Op op)
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
        else if (code == Code.Rdtsc)
        {
            registers.AddRange([0, 2]);
        }

        if (Shapes.TryGetValue(code, out Shape shape))
        {
            registers.AddRange(shape.Family switch
            {
                Family.WidenMultiply or Family.Cdq or Family.Cwde or Family.Divide or Family.CompareExchangeWide => [0, 2],
                Family.CompareExchange or Family.Decimal or Family.FlagMove or Family.Translate => [0],
                Family.Leave => [5],
                Family.String => [0, CountRegister, SourceIndex, DestinationIndex],
                Family.PopAll => [0, 1, 2, 3, 5, 6, 7],
                _ => Array.Empty<int>(),
            });
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
                LowerSet(in op, shape, memory);
                return true;
            case Family.Cmov:
                LowerCmov(in op, shape, memory);
                return true;
            case Family.Multiply:
                LowerMultiply(in op, shape, memory);
                return true;
            case Family.WidenMultiply:
                LowerWidenMultiply(in op, shape, memory);
                return true;
            case Family.Exchange:
                LowerExchange(in op, shape, memory);
                return true;
            case Family.ExchangeAdd:
                LowerExchangeAdd(in op, shape, memory);
                return true;
            case Family.CompareExchange:
                LowerCompareExchange(in op, shape, memory);
                return true;
            case Family.CompareExchangeWide:
                LowerCompareExchangeWide(in op);
                return true;
            case Family.BitTest:
                return LowerBitTest(in op, shape, memory);
            case Family.BitScan:
                LowerScan(in op, shape, memory);
                return true;
            case Family.FlagMove:
                LowerFlagMove(shape);
                return true;
            case Family.Direction:
                LowerDirection(shape.Operation == "Std");
                return true;
            case Family.ShiftByCl:
                LowerShiftByCl(in op, shape, memory);
                return true;
            case Family.RotateCarry:
                LowerRotateCarry(in op, shape, memory);
                return true;
            case Family.DoubleShift:
                return LowerDoubleShift(in op, shape, memory);
            case Family.Divide:
                LowerDivide(in op, shape, memory);
                return true;
            case Family.String:
                return LowerString(in op, shape);
            case Family.Decimal:
                return LowerDecimal(in op, shape);
            case Family.PushAll or Family.PopAll:
                return LowerAll(shape.Family == Family.PushAll);
            case Family.PushFlags:
                return LowerPushFlags();
            case Family.Translate:
                LowerTranslate(in op);
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
                LowerLeave(shape);
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

    /// <summary>XLAT.</summary>
    private void LowerTranslate(in Op op)
    {
        _segment = (op.Flags & OpFlags.General) != 0 ? op.Segment : NoSegment;
        _isAddress16 = (op.Flags & OpFlags.Address16) != 0;
        _site = RegionWindows.NoKey;
        _il.Emit(OpCodes.Ldloc, _r[3]);
        EmitRead(0, 1);
        _il.Emit(OpCodes.Add);
        if (_isAddress16)
        {
            EmitCut16();
        }

        EmitHostAddress(1, write: false);
        _il.Emit(OpCodes.Ldind_U1);
        EmitWrite(0, 1);
    }
}
