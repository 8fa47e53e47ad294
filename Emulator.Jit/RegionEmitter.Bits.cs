using System.Numerics;
using System.Reflection.Emit;
using Emulator.Core.Cpu;
using Emulator.Core.Decoding;
using Label = System.Reflection.Emit.Label;

namespace Emulator.Jit;

/// <content>Bit tests and scans, exchanges, and instructions that change single flags.</content>
internal sealed unsafe partial class RegionEmitter
{
    /// <summary>BT, BTS, BTR, BTC: CF alone changes.</summary>
    private bool LowerBitTest(in Op op, Shape shape, bool memory)
    {
        int bits = 8 * shape.Size;
        bool isString = memory && shape.Form == Form.RmReg;
        if (isString && (_modes & EmitModes.Repeatable) != 0)
        {
            // Iced does not say which byte it is.
            return false;
        }

        bool writes = shape.Operation != "Bt";
        if (memory)
        {
            EmitEffectiveAddress(in op);
            if (isString)
            {
                // A signed bit offset moves the address by whole operands.
                _il.Emit(OpCodes.Ldloc, _r[op.R1 >> 3]);
                EmitSignExtend(shape.Size);
                _il.Emit(OpCodes.Ldc_I4, shape.Size == 2 ? 4 : 5);
                _il.Emit(OpCodes.Shr);
                _il.Emit(OpCodes.Ldc_I4, shape.Size);
                _il.Emit(OpCodes.Mul);
                _il.Emit(OpCodes.Add);
                if (_isAddress16)
                {
                    EmitCut16();
                }

                _site = RegionWindows.NoKey;
            }

            EmitHostAddress(shape.Size, writes);
            _il.Emit(OpCodes.Stloc, _host);
            _il.Emit(OpCodes.Ldloc, _host);
            EmitIndirect(shape.Size);
        }
        else
        {
            EmitRead(op.R0, shape.Size);
        }

        _il.Emit(OpCodes.Stloc, _t);
        bool wanted = _flow.AreOthersWanted(_block, _index, FlagUse.Carry);
        if (wanted)
        {
            EmitMaterialize();
        }

        if (shape.Form == Form.RmImm)
        {
            _il.Emit(OpCodes.Ldc_I4, (int)op.Imm & (bits - 1));
        }
        else
        {
            _il.Emit(OpCodes.Ldloc, _r[op.R1 >> 3]);
            _il.Emit(OpCodes.Ldc_I4, bits - 1);
            _il.Emit(OpCodes.And);
        }

        _il.Emit(OpCodes.Stloc, _u);
        _il.Emit(OpCodes.Ldloc, _t);
        _il.Emit(OpCodes.Ldloc, _u);
        _il.Emit(OpCodes.Shr_Un);
        _il.Emit(OpCodes.Ldc_I4_1);
        _il.Emit(OpCodes.And);
        EmitSetCarry(wanted);
        if (writes)
        {
            _il.Emit(OpCodes.Ldloc, _t);
            _il.Emit(OpCodes.Ldc_I4_1);
            _il.Emit(OpCodes.Ldloc, _u);
            _il.Emit(OpCodes.Shl);
            switch (shape.Operation)
            {
                case "Bts":
                    _il.Emit(OpCodes.Or);
                    break;
                case "Btr":
                    _il.Emit(OpCodes.Not);
                    _il.Emit(OpCodes.And);
                    break;
                default:
                    _il.Emit(OpCodes.Xor);
                    break;
            }

            _il.Emit(OpCodes.Stloc, _res);
            EmitResult(in op, shape.Size, memory);
        }

        return true;
    }

    /// <summary>Pops the new CF (0 or 1). When the other flags are wanted they are in the state, and it goes there.</summary>
    private void EmitSetCarry(bool othersWanted)
    {
        _il.Emit(OpCodes.Stloc, _b);
        if (!othersWanted)
        {
            Flags = new FlagState(FlagKind.Carry, 4);
            return;
        }

        EmitState(StateLayout.FlagCarries);
        EmitState(StateLayout.FlagCarries);
        _il.Emit(OpCodes.Ldind_U4);
        _il.Emit(OpCodes.Ldloc, _b);
        _il.Emit(OpCodes.Call, typeof(IntegerCalls).GetMethod(nameof(IntegerCalls.WithCarry))!);
        _il.Emit(OpCodes.Stind_I4);
        Flags = FlagState.InState;
    }

    /// <summary>Sets ZF from the result local: zero or not. When the other flags are wanted they are in the state, and it goes there.</summary>
    private void EmitSetZero(bool othersWanted)
    {
        if (!othersWanted)
        {
            Flags = new FlagState(FlagKind.Logic, 4);
            return;
        }

        EmitState(StateLayout.FlagResult);
        EmitState(StateLayout.FlagResult);
        _il.Emit(OpCodes.Ldind_I8);
        _il.Emit(OpCodes.Ldloc, _res);
        _il.Emit(OpCodes.Call, typeof(LazyFlags).GetMethod(nameof(LazyFlags.WithZero))!);
        _il.Emit(OpCodes.Stind_I8);
        Flags = FlagState.InState;
    }

    /// <summary>BSF and BSR: ZF alone changes, and the register stays when there is no bit.</summary>
    private void LowerScan(in Op op, Shape shape, bool memory)
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
        bool wanted = _flow.AreOthersWanted(_block, _index, FlagUse.Zero);
        if (wanted)
        {
            EmitMaterialize();
        }

        _il.Emit(OpCodes.Ldloc, _t);
        _il.Emit(OpCodes.Stloc, _res);
        EmitSetZero(wanted);
        Label none = _il.DefineLabel();
        _il.Emit(OpCodes.Ldloc, _t);
        _il.Emit(OpCodes.Brfalse, none);
        _il.Emit(OpCodes.Ldloc, _t);
        _il.Emit(OpCodes.Call, typeof(BitOperations).GetMethod(shape.Operation == "Bsf" ? nameof(BitOperations.TrailingZeroCount) : nameof(BitOperations.Log2), [typeof(uint)])!);
        EmitWrite(op.R0, shape.Size);
        _il.MarkLabel(none);
    }

    /// <summary>XCHG; with memory it is a read-modify-write.</summary>
    private void LowerExchange(in Op op, Shape shape, bool memory)
    {
        EmitShiftOperand(in op, shape, memory);
        EmitRead(op.R1, shape.Size);
        _il.Emit(OpCodes.Stloc, _u);
        EmitStore(in op, _u, shape.Size, memory);
        _il.Emit(OpCodes.Ldloc, _t);
        EmitWrite(op.R1, shape.Size);
    }

    private void LowerExchangeAdd(in Op op, Shape shape, bool memory)
    {
        EmitShiftOperand(in op, shape, memory);
        _il.Emit(OpCodes.Ldloc, _t);
        _il.Emit(OpCodes.Stloc, _a);
        EmitRead(op.R1, shape.Size);
        _il.Emit(OpCodes.Stloc, _b);
        _il.Emit(OpCodes.Ldloc, _a);
        _il.Emit(OpCodes.Ldloc, _b);
        _il.Emit(OpCodes.Add);
        EmitZeroExtend(shape.Size);
        _il.Emit(OpCodes.Stloc, _res);
        _il.Emit(OpCodes.Ldloc, _a);
        EmitWrite(op.R1, shape.Size);
        EmitResult(in op, shape.Size, memory);
        Flags = new FlagState(FlagKind.Add, shape.Size);
    }

    private void LowerCompareExchange(in Op op, Shape shape, bool memory)
    {
        EmitShiftOperand(in op, shape, memory);
        EmitRead(0, shape.Size);
        _il.Emit(OpCodes.Stloc, _a);
        _il.Emit(OpCodes.Ldloc, _t);
        _il.Emit(OpCodes.Stloc, _b);
        _il.Emit(OpCodes.Ldloc, _a);
        _il.Emit(OpCodes.Ldloc, _b);
        _il.Emit(OpCodes.Sub);
        EmitZeroExtend(shape.Size);
        _il.Emit(OpCodes.Stloc, _res);
        Label different = _il.DefineLabel();
        Label done = _il.DefineLabel();
        _il.Emit(OpCodes.Ldloc, _res);
        _il.Emit(OpCodes.Brtrue, different);
        EmitRead(op.R1, shape.Size);
        _il.Emit(OpCodes.Stloc, _u);
        EmitStore(in op, _u, shape.Size, memory);
        _il.Emit(OpCodes.Br, done);
        _il.MarkLabel(different);
        _il.Emit(OpCodes.Ldloc, _t);
        EmitWrite(0, shape.Size);
        _il.MarkLabel(done);
        Flags = new FlagState(FlagKind.Compare, shape.Size);
    }

    private void LowerCompareExchangeWide(in Op op)
    {
        EmitEffectiveAddress(in op);
        EmitHostAddress(8, write: true);
        _il.Emit(OpCodes.Stloc, _host);
        bool wanted = _flow.AreOthersWanted(_block, _index, FlagUse.Zero);
        if (wanted)
        {
            EmitMaterialize();
        }

        Label different = _il.DefineLabel();
        Label done = _il.DefineLabel();
        _il.Emit(OpCodes.Ldloc, _host);
        _il.Emit(OpCodes.Ldind_I8);
        _il.Emit(OpCodes.Stloc, _wide);
        _il.Emit(OpCodes.Ldc_I4_0);
        _il.Emit(OpCodes.Stloc, _res);
        _il.Emit(OpCodes.Ldloc, _wide);
        EmitPair(2, 0);
        _il.Emit(OpCodes.Bne_Un, different);
        _il.Emit(OpCodes.Ldloc, _host);
        EmitPair(1, 3);
        _il.Emit(OpCodes.Stind_I8);
        _il.Emit(OpCodes.Br, done);
        _il.MarkLabel(different);
        _il.Emit(OpCodes.Ldc_I4_1);
        _il.Emit(OpCodes.Stloc, _res);
        EmitSetPair(_wide);
        _il.MarkLabel(done);
        EmitSetZero(wanted);
    }

    /// <summary>Pushes two registers as one of 64 bits.</summary>
    private void EmitPair(int high, int low)
    {
        _il.Emit(OpCodes.Ldloc, _r[high]);
        _il.Emit(OpCodes.Conv_U8);
        _il.Emit(OpCodes.Ldc_I4, 32);
        _il.Emit(OpCodes.Shl);
        _il.Emit(OpCodes.Ldloc, _r[low]);
        _il.Emit(OpCodes.Conv_U8);
        _il.Emit(OpCodes.Or);
    }

    /// <summary>Sets EDX:EAX.</summary>
    private void EmitSetPair(LocalBuilder value)
    {
        _il.Emit(OpCodes.Ldloc, value);
        _il.Emit(OpCodes.Conv_U4);
        _il.Emit(OpCodes.Stloc, _r[0]);
        _il.Emit(OpCodes.Ldloc, value);
        _il.Emit(OpCodes.Ldc_I4, 32);
        _il.Emit(OpCodes.Shr_Un);
        _il.Emit(OpCodes.Conv_U4);
        _il.Emit(OpCodes.Stloc, _r[2]);
    }

    private void LowerSet(in Op op, Shape shape, bool memory)
    {
        if (memory)
        {
            EmitEffectiveAddress(in op);
            EmitHostAddress(1, write: true);
            _il.Emit(OpCodes.Stloc, _host);
        }

        EmitCondition(shape.Condition);
        _il.Emit(OpCodes.Stloc, _t);
        EmitStore(in op, _t, 1, memory);
    }

    /// <summary>CLC, STC, CMC, LAHF, SAHF, SALC.</summary>
    private void LowerFlagMove(Shape shape)
    {
        switch (shape.Operation)
        {
            case "Clc" or "Stc":
                bool wanted = _flow.AreOthersWanted(_block, _index, FlagUse.Carry);
                if (wanted)
                {
                    EmitMaterialize();
                }

                _il.Emit(OpCodes.Ldc_I4, shape.Operation == "Stc" ? 1 : 0);
                EmitSetCarry(wanted);
                break;
            case "Cmc":
                EmitMaterialize();
                EmitState(StateLayout.FlagCarries);
                EmitState(StateLayout.FlagCarries);
                _il.Emit(OpCodes.Ldind_U4);
                _il.Emit(OpCodes.Ldc_I4, unchecked((int)0xC0000000));
                _il.Emit(OpCodes.Xor);
                _il.Emit(OpCodes.Stind_I4);
                break;
            case "Lahf":
                EmitMaterialize();
                _il.Emit(OpCodes.Ldarg_0);
                _il.Emit(OpCodes.Call, typeof(LazyFlags).GetMethod(nameof(LazyFlags.Status))!);
                _il.Emit(OpCodes.Ldc_I4, (int)Eflags.Fixed);
                _il.Emit(OpCodes.Or);
                EmitZeroExtend(1);
                EmitWrite(1, 1);
                break;
            case "Sahf":
                EmitMaterialize();
                _il.Emit(OpCodes.Ldarg_0);
                EmitRead(1, 1);
                _il.Emit(OpCodes.Call, typeof(IntegerCalls).GetMethod(nameof(IntegerCalls.Sahf))!);
                break;
            default:
                EmitCarry();
                _il.Emit(OpCodes.Neg);
                EmitZeroExtend(1);
                EmitWrite(0, 1);
                break;
        }
    }

    /// <summary>CLD and STD.</summary>
    private void LowerDirection(bool down)
    {
        EmitState(StateLayout.EflagsRest);
        EmitState(StateLayout.EflagsRest);
        _il.Emit(OpCodes.Ldind_U4);
        _il.Emit(OpCodes.Ldc_I4, (int)(down ? Eflags.DF : ~Eflags.DF));
        _il.Emit(down ? OpCodes.Or : OpCodes.And);
        _il.Emit(OpCodes.Stind_I4);
    }
}
