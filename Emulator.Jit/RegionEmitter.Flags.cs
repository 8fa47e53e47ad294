using System.Numerics;
using System.Reflection.Emit;
using Emulator.Core.Decoding;

namespace Emulator.Jit;

/// <content>Status flags: from operands to the lazy form, and conditions.</content>
internal sealed unsafe partial class RegionEmitter
{
    /// <summary>Brings the flags into the state, in the interpreter's form.</summary>
    private void EmitMaterialize()
    {
        switch (Flags.Kind)
        {
            case FlagKind.InState:
                return;
            case FlagKind.Dead:
            case FlagKind.Carry:
            case FlagKind.Deferred:
                throw new InvalidOperationException($"flags are wanted at {_eip:X8} that the analysis took for dead or for exits only");
            case FlagKind.Order:
                EmitOrderFlags();
                break;
            default:
                EmitState(StateLayout.FlagResult);
                EmitSignedResult(Flags.Size);
                _il.Emit(OpCodes.Conv_I8);
                _il.Emit(OpCodes.Stind_I8);
                EmitState(StateLayout.FlagCarries);
                EmitCarries();
                _il.Emit(OpCodes.Stind_I4);
                EmitFlagsFinished();
                break;
        }

        Flags = FlagState.InState;
    }

    /// <summary>The state holds the flags as the interpreter keeps them.</summary>
    private void EmitFlagsFinished()
    {
        EmitState(StateLayout.DeferredFlags);
        _il.Emit(OpCodes.Ldc_I4_0);
        _il.Emit(OpCodes.Stind_I4);
    }

    /// <summary>
    /// Leaves kind and operands of the flags in the state, for whoever wants them: making the lazy form on exits would be a call, which costs
    /// the whole region registers.
    /// </summary>
    private void EmitDeferFlags()
    {
        switch (Flags.Kind)
        {
            case FlagKind.InState:
            case FlagKind.Deferred:
                return;
            case FlagKind.Dead:
            case FlagKind.Carry:
                throw new InvalidOperationException($"flags are wanted at {_eip:X8} that the analysis took for dead");
            case FlagKind.Order:
                EmitOrderFlags();
                return;
            default:
                break;
        }

        EmitState(StateLayout.DeferredFlags);
        _il.Emit(OpCodes.Ldc_I4, Flags.Number);
        if (Flags.Kind is FlagKind.AddCarry or FlagKind.SubBorrow)
        {
            _il.Emit(OpCodes.Ldloc, _carryIn);
            _il.Emit(OpCodes.Ldc_I4, DeferredFlags.ExtraShift);
            _il.Emit(OpCodes.Shl);
            _il.Emit(OpCodes.Or);
        }

        _il.Emit(OpCodes.Stind_I4);
        EmitState(StateLayout.DeferredResult);
        _il.Emit(OpCodes.Ldloc, Flags is { Kind: FlagKind.Compare, Count: 1 } ? _a : _res);
        _il.Emit(OpCodes.Stind_I4);
        if (Flags.Kind != FlagKind.Logic)
        {
            EmitState(StateLayout.DeferredOperand);
            _il.Emit(OpCodes.Ldloc, Flags.Kind == FlagKind.Computed ? _carries : _b);
            _il.Emit(OpCodes.Stind_I4);
        }
    }

    /// <summary>Pushes the carries of <see cref="Core.Cpu.LazyFlags"/> for the operands of the last flag operation.</summary>
    private void EmitCarries()
    {
        switch (Flags.Kind)
        {
            case FlagKind.Logic:
                _il.Emit(OpCodes.Ldc_I4_0);
                return;
            case FlagKind.Computed:
                _il.Emit(OpCodes.Ldloc, _carries);
                return;
            case >= FlagKind.Shl and <= FlagKind.Shrd:
                EmitShiftCarries();
                return;
            case FlagKind.Inc:
            case FlagKind.Dec:
                EmitStepCarries(Flags.Kind == FlagKind.Inc, Flags.Size);
                return;
            default:
                EmitCarryVector();
                return;
        }
    }

    /// <summary>Carries of shifts: CF in bit 31, CF xor OF in bit 30.</summary>
    private void EmitShiftCarries()
    {
        int top = (8 * Flags.Size) - 1;
        EmitCarry();
        _il.Emit(OpCodes.Stloc, _u);
        _il.Emit(OpCodes.Ldloc, _u);
        _il.Emit(OpCodes.Ldc_I4, 31);
        _il.Emit(OpCodes.Shl);
        switch (Flags.Kind)
        {
            case FlagKind.Shl:
                EmitBit(_res, top);
                break;
            case FlagKind.Shr when Flags.Count == 1:
                _il.Emit(OpCodes.Ldloc, _u);
                EmitBit(_b, top);
                _il.Emit(OpCodes.Xor);
                break;
            case FlagKind.Shr or FlagKind.Sar:
                _il.Emit(OpCodes.Ldloc, _u);
                break;
            default:
                // OF: the top bit changed, for SHRD in the last step.
                _il.Emit(OpCodes.Ldloc, _u);
                EmitBit(_res, top);
                _il.Emit(OpCodes.Xor);
                EmitBit(Flags.Kind == FlagKind.Shld ? _b : _res, Flags.Kind == FlagKind.Shld ? top : top - 1);
                _il.Emit(OpCodes.Xor);
                break;
        }

        _il.Emit(OpCodes.Ldc_I4, 30);
        _il.Emit(OpCodes.Shl);
        _il.Emit(OpCodes.Or);
    }

    /// <summary>Pushes one bit of a local.</summary>
    private void EmitBit(LocalBuilder local, int bit)
    {
        _il.Emit(OpCodes.Ldloc, local);
        _il.Emit(OpCodes.Ldc_I4, bit);
        _il.Emit(OpCodes.Shr_Un);
        _il.Emit(OpCodes.Ldc_I4_1);
        _il.Emit(OpCodes.And);
    }

    /// <summary>Carries of INC and DEC: CF in bit 31, CF xor OF in bit 30, AF in bit 3.</summary>
    private void EmitStepCarries(bool inc, int size)
    {
        uint sign = 1u << ((8 * size) - 1);
        _il.Emit(OpCodes.Ldloc, _b);
        _il.Emit(OpCodes.Ldc_I4_3);
        _il.Emit(OpCodes.Mul);
        _il.Emit(OpCodes.Ldc_I4, 30);
        _il.Emit(OpCodes.Shl);
        _il.Emit(OpCodes.Ldloc, _res);
        _il.Emit(OpCodes.Ldc_I4, (int)(inc ? sign : sign - 1));
        _il.Emit(OpCodes.Ceq);
        _il.Emit(OpCodes.Ldc_I4, 30);
        _il.Emit(OpCodes.Shl);
        _il.Emit(OpCodes.Xor);
        _il.Emit(OpCodes.Ldloc, _res);
        _il.Emit(OpCodes.Ldc_I4, 0xF);
        _il.Emit(OpCodes.And);
        _il.Emit(OpCodes.Ldc_I4, inc ? 0 : 0xF);
        _il.Emit(OpCodes.Ceq);
        _il.Emit(OpCodes.Ldc_I4_3);
        _il.Emit(OpCodes.Shl);
        _il.Emit(OpCodes.Or);
    }

    /// <summary>Pushes the carries of an addition or subtraction, aligned as <see cref="Core.Cpu.LazyFlags"/> wants them.</summary>
    private void EmitCarryVector()
    {
        bool add = Flags.Kind is FlagKind.Add or FlagKind.AddCarry;

        // The first operand comes from the result: so that it need not be kept.
        _il.Emit(OpCodes.Ldloc, _res);
        _il.Emit(OpCodes.Ldloc, _b);
        _il.Emit(add ? OpCodes.Sub : OpCodes.Add);
        if (Flags.Kind is FlagKind.AddCarry or FlagKind.SubBorrow)
        {
            _il.Emit(OpCodes.Ldloc, _carryIn);
            _il.Emit(add ? OpCodes.Sub : OpCodes.Add);
        }

        EmitZeroExtend(Flags.Size);
        _il.Emit(OpCodes.Stloc, _u);

        // Add: (a & b) | ((a | b) & ~r); Sub: (~a & b) | ((~a | b) & r).
        _il.Emit(OpCodes.Ldloc, _u);
        if (!add)
        {
            _il.Emit(OpCodes.Not);
        }

        _il.Emit(OpCodes.Ldloc, _b);
        _il.Emit(OpCodes.And);
        _il.Emit(OpCodes.Ldloc, _u);
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
        if (Flags.Size != 4)
        {
            _il.Emit(OpCodes.Stloc, _u);
            _il.Emit(OpCodes.Ldloc, _u);
            _il.Emit(OpCodes.Ldc_I4, 32 - (8 * Flags.Size));
            _il.Emit(OpCodes.Shl);
            _il.Emit(OpCodes.Ldloc, _u);
            _il.Emit(OpCodes.Ldc_I4_8);
            _il.Emit(OpCodes.And);
            _il.Emit(OpCodes.Or);
        }
    }

    /// <summary>Pushes the carry flag as 0 or 1.</summary>
    private void EmitCarry()
    {
        switch (Flags.Kind)
        {
            case FlagKind.Logic:
                _il.Emit(OpCodes.Ldc_I4_0);
                return;
            case FlagKind.Compare:
                _il.Emit(OpCodes.Ldloc, _a);
                _il.Emit(OpCodes.Ldloc, _b);
                _il.Emit(OpCodes.Clt_Un);
                return;
            case FlagKind.Add:
                _il.Emit(OpCodes.Ldloc, _res);
                _il.Emit(OpCodes.Ldloc, _b);
                _il.Emit(OpCodes.Clt_Un);
                return;
            case FlagKind.AddCarry:
                // a + b + c as 64 bits; the sum of the narrow sizes is still whole in them.
                EmitWide(_a);
                EmitWide(_b);
                _il.Emit(OpCodes.Add);
                EmitWide(_carryIn);
                _il.Emit(OpCodes.Add);
                EmitBitOfWide(8 * Flags.Size);
                return;
            case FlagKind.SubBorrow:
                EmitWide(_a);
                EmitWide(_b);
                _il.Emit(OpCodes.Sub);
                EmitWide(_carryIn);
                _il.Emit(OpCodes.Sub);
                EmitBitOfWide(63);
                return;
            case FlagKind.Order:
                _il.Emit(OpCodes.Ldloc, FloatA);
                _il.Emit(OpCodes.Ldloc, FloatB);
                _il.Emit(OpCodes.Clt);
                return;
            case >= FlagKind.Shl and <= FlagKind.Shrd:
                EmitBit(_b, Flags.Kind is FlagKind.Shl or FlagKind.Shld ? (8 * Flags.Size) - Flags.Count : Flags.Count - 1);
                return;
            case FlagKind.Inc:
            case FlagKind.Dec:
            case FlagKind.Carry:
                _il.Emit(OpCodes.Ldloc, _b);
                return;
            case FlagKind.Computed:
                _il.Emit(OpCodes.Ldloc, _carries);
                break;
            default:
                EmitMaterialize();
                EmitState(StateLayout.FlagCarries);
                _il.Emit(OpCodes.Ldind_U4);
                break;
        }

        _il.Emit(OpCodes.Ldc_I4, 31);
        _il.Emit(OpCodes.Shr_Un);
    }

    private void EmitWide(LocalBuilder local)
    {
        _il.Emit(OpCodes.Ldloc, local);
        _il.Emit(OpCodes.Conv_U8);
    }

    private void EmitBitOfWide(int bit)
    {
        _il.Emit(OpCodes.Ldc_I4, bit);
        _il.Emit(OpCodes.Shr_Un);
        _il.Emit(OpCodes.Conv_U4);
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
        FlagKind kind = Flags.Kind;
        if (kind == FlagKind.Order)
        {
            EmitOrderCondition(positive, ref negate);
        }
        else if (kind == FlagKind.Carry && positive == 2)
        {
            EmitCarry();
        }
        else if (kind == FlagKind.Compare && positive is 2 or 6 or 12 or 14 or 4)
        {
            EmitCompareOperands(positive, ref negate);
        }
        else if (HasResult(kind) && positive == 4)
        {
            _il.Emit(OpCodes.Ldloc, _res);
            _il.Emit(OpCodes.Ldc_I4_0);
            _il.Emit(OpCodes.Ceq);
        }
        else if (HasResult(kind) && (positive == 8 || (positive == 12 && kind == FlagKind.Logic)))
        {
            EmitSignedResult(Flags.Size);
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
            EmitSignedResult(Flags.Size);
            _il.Emit(OpCodes.Ldc_I4_1);
            _il.Emit(OpCodes.Clt);
        }
        else if (kind is not (FlagKind.InState or FlagKind.Deferred or FlagKind.Dead or FlagKind.Carry or FlagKind.Order) && positive == 2)
        {
            EmitCarry();
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

    /// <summary>Whether the result of the last flag operation is in its local.</summary>
    private static bool HasResult(FlagKind kind) => kind is not (FlagKind.InState or FlagKind.Deferred or FlagKind.Dead or FlagKind.Carry or FlagKind.Order);

    private void EmitCompareOperands(int positive, ref bool negate)
    {
        bool signed = positive is 12 or 14;
        _il.Emit(OpCodes.Ldloc, _a);
        if (signed)
        {
            EmitSignExtend(Flags.Size);
        }

        _il.Emit(OpCodes.Ldloc, _b);
        if (signed)
        {
            EmitSignExtend(Flags.Size);
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

    private void EmitOverflow()
    {
        EmitState(StateLayout.FlagCarries);
        _il.Emit(OpCodes.Ldind_U4);
        EmitState(StateLayout.FlagCarries);
        _il.Emit(OpCodes.Ldind_U4);
        _il.Emit(OpCodes.Ldc_I4_1);
        _il.Emit(OpCodes.Shl);
        _il.Emit(OpCodes.Xor);
        _il.Emit(OpCodes.Ldc_I4, 31);
        _il.Emit(OpCodes.Shr_Un);
    }

    private void EmitZero()
    {
        EmitState(StateLayout.FlagResult);
        _il.Emit(OpCodes.Ldind_I8);
        _il.Emit(OpCodes.Conv_I4);
        _il.Emit(OpCodes.Ldc_I4_0);
        _il.Emit(OpCodes.Ceq);
    }

    private void EmitSign()
    {
        EmitState(StateLayout.FlagResult);
        _il.Emit(OpCodes.Ldind_I8);
        _il.Emit(OpCodes.Ldc_I4_0);
        _il.Emit(OpCodes.Conv_I8);
        _il.Emit(OpCodes.Clt);
    }

    private void EmitParity()
    {
        EmitState(StateLayout.FlagResult);
        _il.Emit(OpCodes.Ldind_I8);
        EmitState(StateLayout.FlagResult);
        _il.Emit(OpCodes.Ldind_I8);
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
