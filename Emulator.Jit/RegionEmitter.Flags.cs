using System.Numerics;
using System.Reflection.Emit;
using Emulator.Core.Decoding;

namespace Emulator.Jit;

/// <content>Status flags: from operands to the lazy form, and conditions.</content>
internal sealed unsafe partial class RegionEmitter
{
    /// <summary>Computes the lazy-flag locals from the operands of the last flag operation.</summary>
    private void EmitMaterialize()
    {
        if (_flags.Kind == FlagKind.InLocals)
        {
            return;
        }

        if (_flags.Kind == FlagKind.Dynamic)
        {
            EmitDynamicFlags();
            _flags = FlagState.InLocals;
            return;
        }

        if (_flags.Kind == FlagKind.Order)
        {
            EmitOrderFlags();
            _flags = FlagState.InLocals;
            return;
        }

        EmitSignedResult(_flags.Size);
        _il.Emit(OpCodes.Conv_I8);
        _il.Emit(OpCodes.Stloc, _flagResult);
        switch (_flags.Kind)
        {
            case FlagKind.Logic:
                _il.Emit(OpCodes.Ldc_I4_0);
                break;
            case FlagKind.Computed:
                _il.Emit(OpCodes.Ldloc, _carries);
                break;
            default:
                EmitCarryVector();
                break;
        }

        _il.Emit(OpCodes.Stloc, _flagCarries);
        _flags = FlagState.InLocals;
    }

    /// <summary>Computes the lazy-flag locals from whatever the kind local says; cold.</summary>
    private void EmitDynamicFlags()
    {
        _il.Emit(OpCodes.Ldloc, _kind);
        _il.Emit(OpCodes.Ldloc, _res);
        _il.Emit(OpCodes.Ldloc, _flagResult);
        _il.Emit(OpCodes.Call, typeof(DynamicFlags).GetMethod(nameof(DynamicFlags.Result))!);
        _il.Emit(OpCodes.Stloc, _flagResult);
        _il.Emit(OpCodes.Ldloc, _kind);
        _il.Emit(OpCodes.Ldloc, _a);
        _il.Emit(OpCodes.Ldloc, _b);
        _il.Emit(OpCodes.Ldloc, _res);
        _il.Emit(OpCodes.Ldloc, _carries);
        _il.Emit(OpCodes.Ldloc, _flagCarries);
        _il.Emit(OpCodes.Call, typeof(DynamicFlags).GetMethod(nameof(DynamicFlags.Carries))!);
        _il.Emit(OpCodes.Stloc, _flagCarries);
    }

    /// <summary>Whether a block overwrites all flags with its first instruction that touches any.</summary>
    private static bool TakesAnyFlags(RegionBlock block)
    {
        foreach (Op op in block.Ops)
        {
            switch (FlagUseOf(in op))
            {
                case FlagUse.Overwrites:
                    return true;
                case FlagUse.Other:
                    return false;
                default:
                    break;
            }
        }

        return false;
    }

    /// <summary>Pushes the carries of an addition or subtraction, aligned as <see cref="Core.Cpu.LazyFlags"/> wants them.</summary>
    private void EmitCarryVector()
    {
        bool add = _flags.Kind == FlagKind.Add;

        // Add: (a & b) | ((a | b) & ~r); Sub: (~a & b) | ((~a | b) & r).
        _il.Emit(OpCodes.Ldloc, _a);
        if (!add)
        {
            _il.Emit(OpCodes.Not);
        }

        _il.Emit(OpCodes.Ldloc, _b);
        _il.Emit(OpCodes.And);
        _il.Emit(OpCodes.Ldloc, _a);
        if (!add)
        {
            _il.Emit(OpCodes.Not);
        }

        _il.Emit(OpCodes.Ldloc, _b);
        _il.Emit(OpCodes.Or);
        _il.Emit(OpCodes.Ldloc, _res);
        if (add)
        {
            _il.Emit(OpCodes.Not);
        }

        _il.Emit(OpCodes.And);
        _il.Emit(OpCodes.Or);
        if (_flags.Size != 4)
        {
            _il.Emit(OpCodes.Stloc, _u);
            _il.Emit(OpCodes.Ldloc, _u);
            _il.Emit(OpCodes.Ldc_I4, 32 - (8 * _flags.Size));
            _il.Emit(OpCodes.Shl);
            _il.Emit(OpCodes.Ldloc, _u);
            _il.Emit(OpCodes.Ldc_I4_8);
            _il.Emit(OpCodes.And);
            _il.Emit(OpCodes.Or);
        }
    }

    /// <summary>Pushes the carry flag as bit 31 (other bits are zero).</summary>
    private void EmitCarryBit31()
    {
        switch (_flags.Kind)
        {
            case FlagKind.Logic:
                _il.Emit(OpCodes.Ldc_I4_0);
                return;
            case FlagKind.Compare:
                _il.Emit(OpCodes.Ldloc, _a);
                _il.Emit(OpCodes.Ldloc, _b);
                _il.Emit(OpCodes.Clt_Un);
                _il.Emit(OpCodes.Ldc_I4, 31);
                _il.Emit(OpCodes.Shl);
                return;
            case FlagKind.Order:
                _il.Emit(OpCodes.Ldloc, FloatA);
                _il.Emit(OpCodes.Ldloc, FloatB);
                _il.Emit(OpCodes.Clt);
                _il.Emit(OpCodes.Ldc_I4, 31);
                _il.Emit(OpCodes.Shl);
                return;
            case FlagKind.Computed:
                _il.Emit(OpCodes.Ldloc, _carries);
                break;
            case FlagKind.InLocals:
                _il.Emit(OpCodes.Ldloc, _flagCarries);
                break;
            default:
                EmitCarryVector();
                break;
        }

        _il.Emit(OpCodes.Ldc_I4, unchecked((int)0x80000000));
        _il.Emit(OpCodes.And);
    }

    private void EmitSignedResult(int size)
    {
        _il.Emit(OpCodes.Ldloc, _res);
        EmitSignExtend(size);
    }

    private void EmitSignExtend(int size)
    {
        if (size == 1)
        {
            _il.Emit(OpCodes.Conv_I1);
        }
        else if (size == 2)
        {
            _il.Emit(OpCodes.Conv_I2);
        }
    }

    private void EmitZeroExtend(int size)
    {
        if (size == 1)
        {
            _il.Emit(OpCodes.Conv_U1);
        }
        else if (size == 2)
        {
            _il.Emit(OpCodes.Conv_U2);
        }
    }

    /// <summary>Pushes 1 when a condition (opcode number) holds, else 0.</summary>
    private void EmitCondition(int condition)
    {
        bool negate = (condition & 1) != 0;
        int positive = condition & ~1;
        FlagKind kind = _flags.Kind;
        if (kind == FlagKind.Order)
        {
            EmitOrderCondition(positive, ref negate);
        }
        else if (kind == FlagKind.Compare && positive is 2 or 6 or 12 or 14 or 4)
        {
            EmitCompareOperands(positive, ref negate);
        }
        else if (kind != FlagKind.InLocals && positive == 4)
        {
            _il.Emit(OpCodes.Ldloc, _res);
            _il.Emit(OpCodes.Ldc_I4_0);
            _il.Emit(OpCodes.Ceq);
        }
        else if (kind != FlagKind.InLocals && (positive == 8 || (positive == 12 && kind == FlagKind.Logic)))
        {
            EmitSignedResult(_flags.Size);
            _il.Emit(OpCodes.Ldc_I4_0);
            _il.Emit(OpCodes.Clt);
        }
        else if (kind == FlagKind.Logic && positive is 0 or 2)
        {
            _il.Emit(OpCodes.Ldc_I4_0);
        }
        else if (kind == FlagKind.Logic && positive == 6)
        {
            _il.Emit(OpCodes.Ldloc, _res);
            _il.Emit(OpCodes.Ldc_I4_0);
            _il.Emit(OpCodes.Ceq);
        }
        else if (kind == FlagKind.Logic && positive == 14)
        {
            EmitSignedResult(_flags.Size);
            _il.Emit(OpCodes.Ldc_I4_1);
            _il.Emit(OpCodes.Clt);
        }
        else
        {
            EmitMaterialize();
            EmitLazyCondition(positive);
        }

        if (negate)
        {
            _il.Emit(OpCodes.Ldc_I4_0);
            _il.Emit(OpCodes.Ceq);
        }
    }

    private void EmitCompareOperands(int positive, ref bool negate)
    {
        bool signed = positive is 12 or 14;
        _il.Emit(OpCodes.Ldloc, _a);
        if (signed)
        {
            EmitSignExtend(_flags.Size);
        }

        _il.Emit(OpCodes.Ldloc, _b);
        if (signed)
        {
            EmitSignExtend(_flags.Size);
        }

        switch (positive)
        {
            case 2:
                _il.Emit(OpCodes.Clt_Un);
                break;
            case 4:
                _il.Emit(OpCodes.Ceq);
                break;
            case 6:
                _il.Emit(OpCodes.Cgt_Un);
                negate = !negate;
                break;
            case 12:
                _il.Emit(OpCodes.Clt);
                break;
            default:
                _il.Emit(OpCodes.Cgt);
                negate = !negate;
                break;
        }
    }

    private void EmitLazyCondition(int positive)
    {
        switch (positive)
        {
            case 0:
                EmitOverflow();
                break;
            case 2:
                EmitCarry();
                break;
            case 4:
                EmitZero();
                break;
            case 6:
                EmitCarry();
                EmitZero();
                _il.Emit(OpCodes.Or);
                break;
            case 8:
                EmitSign();
                break;
            case 10:
                EmitParity();
                break;
            case 12:
                EmitSign();
                EmitOverflow();
                _il.Emit(OpCodes.Xor);
                break;
            default:
                EmitSign();
                EmitOverflow();
                _il.Emit(OpCodes.Xor);
                EmitZero();
                _il.Emit(OpCodes.Or);
                break;
        }
    }

    private void EmitCarry()
    {
        _il.Emit(OpCodes.Ldloc, _flagCarries);
        _il.Emit(OpCodes.Ldc_I4, 31);
        _il.Emit(OpCodes.Shr_Un);
    }

    private void EmitOverflow()
    {
        _il.Emit(OpCodes.Ldloc, _flagCarries);
        _il.Emit(OpCodes.Ldloc, _flagCarries);
        _il.Emit(OpCodes.Ldc_I4_1);
        _il.Emit(OpCodes.Shl);
        _il.Emit(OpCodes.Xor);
        _il.Emit(OpCodes.Ldc_I4, 31);
        _il.Emit(OpCodes.Shr_Un);
    }

    private void EmitZero()
    {
        _il.Emit(OpCodes.Ldloc, _flagResult);
        _il.Emit(OpCodes.Conv_I4);
        _il.Emit(OpCodes.Ldc_I4_0);
        _il.Emit(OpCodes.Ceq);
    }

    private void EmitSign()
    {
        _il.Emit(OpCodes.Ldloc, _flagResult);
        _il.Emit(OpCodes.Ldc_I4_0);
        _il.Emit(OpCodes.Conv_I8);
        _il.Emit(OpCodes.Clt);
    }

    private void EmitParity()
    {
        _il.Emit(OpCodes.Ldloc, _flagResult);
        _il.Emit(OpCodes.Ldloc, _flagResult);
        _il.Emit(OpCodes.Ldc_I4, 32);
        _il.Emit(OpCodes.Shr);
        _il.Emit(OpCodes.Xor);
        _il.Emit(OpCodes.Conv_U1);
        _il.Emit(OpCodes.Call, typeof(BitOperations).GetMethod(nameof(BitOperations.PopCount), [typeof(uint)])!);
        _il.Emit(OpCodes.Ldc_I4_1);
        _il.Emit(OpCodes.And);
        _il.Emit(OpCodes.Ldc_I4_0);
        _il.Emit(OpCodes.Ceq);
    }
}
