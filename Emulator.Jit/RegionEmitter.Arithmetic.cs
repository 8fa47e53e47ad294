using System.Reflection.Emit;
using Emulator.Core.Decoding;
using Emulator.Core.Interpreter;
using Label = System.Reflection.Emit.Label;

namespace Emulator.Jit;

/// <content>Multiplications, divisions and decimal arithmetic.</content>
internal sealed unsafe partial class RegionEmitter
{
    /// <summary>Of narrow divisions: what the flags' operands leave free.</summary>
    private LocalBuilder? _dividend;

    /// <summary>IMUL r, r/m and IMUL r, r/m, imm.</summary>
    private void LowerMultiply(in Op op, Shape shape, bool memory)
    {
        if (memory)
        {
            EmitLoad(in op, shape.Size);
        }
        else
        {
            EmitRead(op.R1, shape.Size);
        }

        EmitSignExtend(shape.Size);
        _il.Emit(OpCodes.Conv_I8);
        if (shape.Form == Form.RmImm)
        {
            _il.Emit(OpCodes.Ldc_I4, (int)op.Imm);
        }
        else
        {
            EmitRead(op.R0, shape.Size);
        }

        EmitSignExtend(shape.Size);
        _il.Emit(OpCodes.Conv_I8);
        _il.Emit(OpCodes.Mul);
        _il.Emit(OpCodes.Stloc, _wide);
        _il.Emit(OpCodes.Ldloc, _wide);
        _il.Emit(OpCodes.Conv_U4);
        EmitZeroExtend(shape.Size);
        _il.Emit(OpCodes.Stloc, _res);
        _il.Emit(OpCodes.Ldloc, _wide);
        _il.Emit(OpCodes.Ldloc, _res);
        EmitSignExtend(shape.Size);
        _il.Emit(OpCodes.Conv_I8);
        EmitOverflowCarries();
        _il.Emit(OpCodes.Ldloc, _res);
        EmitWrite(op.R0, shape.Size);
        Flags = new FlagState(FlagKind.Computed, shape.Size);
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

    /// <summary>MUL and IMUL of the accumulator into AX, DX:AX or EDX:EAX.</summary>
    private void LowerWidenMultiply(in Op op, Shape shape, bool memory)
    {
        int size = shape.Size;
        bool signed = shape.Operation == "Imul";
        if (memory)
        {
            EmitLoad(in op, size);
        }
        else
        {
            EmitRead(op.R0, size);
        }

        EmitFactor(signed, size);
        EmitRead(0, size);
        EmitFactor(signed, size);
        _il.Emit(OpCodes.Mul);
        _il.Emit(OpCodes.Stloc, _wide);
        _il.Emit(OpCodes.Ldloc, _wide);
        _il.Emit(OpCodes.Conv_U4);
        EmitZeroExtend(size);
        _il.Emit(OpCodes.Stloc, _res);
        if (size == 4)
        {
            EmitSetPair(_wide);
        }
        else if (size == 1)
        {
            _il.Emit(OpCodes.Ldloc, _wide);
            _il.Emit(OpCodes.Conv_U2);
            EmitWrite(0, 2);
        }
        else
        {
            _il.Emit(OpCodes.Ldloc, _res);
            EmitWrite(0, 2);
            _il.Emit(OpCodes.Ldloc, _wide);
            _il.Emit(OpCodes.Ldc_I4, 16);
            _il.Emit(OpCodes.Shr_Un);
            _il.Emit(OpCodes.Conv_U2);
            EmitWrite(16, 2);
        }

        _il.Emit(OpCodes.Ldloc, _wide);
        _il.Emit(OpCodes.Ldloc, _res);
        EmitFactor(signed, size);
        EmitOverflowCarries();
        Flags = new FlagState(FlagKind.Computed, size);
    }

    /// <summary>Extends the value on the stack to 64 bits.</summary>
    private void EmitFactor(bool signed, int size)
    {
        if (signed)
        {
            EmitSignExtend(size);
            _il.Emit(OpCodes.Conv_I8);
        }
        else
        {
            _il.Emit(OpCodes.Conv_U8);
        }
    }

    /// <summary>DIV and IDIV of EDX:EAX by r/m32; what would fault (and a divisor of -1) is left to the interpreter.</summary>
    private void LowerDivide(in Op op, Shape shape, bool memory)
    {
        if (shape.Size != 4)
        {
            LowerNarrowDivide(in op, shape, memory);
            return;
        }

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

    /// <summary>DIV and IDIV of AX and DX:AX; what would fault is left to the interpreter.</summary>
    private void LowerNarrowDivide(in Op op, Shape shape, bool memory)
    {
        _dividend ??= _il.DeclareLocal(typeof(uint));
        int size = shape.Size;
        bool signed = shape.Operation == "Idiv";
        if (memory)
        {
            EmitLoad(in op, size);
        }
        else
        {
            EmitRead(op.R0, size);
        }

        EmitFactor(signed, size);
        _il.Emit(OpCodes.Conv_I4);
        _il.Emit(OpCodes.Stloc, _t);
        Label fault = MissStub();
        _il.Emit(OpCodes.Ldloc, _t);
        _il.Emit(OpCodes.Brfalse, fault);
        EmitRead(0, 2);
        if (size == 2)
        {
            EmitRead(16, 2);
            _il.Emit(OpCodes.Ldc_I4, 16);
            _il.Emit(OpCodes.Shl);
            _il.Emit(OpCodes.Or);
        }
        else if (signed)
        {
            _il.Emit(OpCodes.Conv_I2);
        }

        _il.Emit(OpCodes.Stloc, _dividend);

        // In 64 bits nothing overflows on the host.
        EmitDividend(_dividend, signed);
        EmitDividend(_t, signed);
        _il.Emit(OpCodes.Div);
        _il.Emit(OpCodes.Stloc, _wide);
        _il.Emit(OpCodes.Ldloc, _wide);
        _il.Emit(OpCodes.Conv_U4);
        _il.Emit(OpCodes.Stloc, _u);
        _il.Emit(OpCodes.Ldloc, _wide);
        _il.Emit(OpCodes.Ldloc, _u);
        EmitZeroExtend(size);
        EmitFactor(signed, size);
        _il.Emit(OpCodes.Bne_Un, fault);
        _il.Emit(OpCodes.Ldloc, _dividend);
        _il.Emit(OpCodes.Ldloc, _u);
        _il.Emit(OpCodes.Ldloc, _t);
        _il.Emit(OpCodes.Mul);
        _il.Emit(OpCodes.Sub);
        EmitZeroExtend(size);
        _il.Emit(OpCodes.Stloc, _t);
        _il.Emit(OpCodes.Ldloc, _u);
        EmitZeroExtend(size);
        EmitWrite(0, size);
        _il.Emit(OpCodes.Ldloc, _t);
        EmitWrite(size == 1 ? (byte)1 : (byte)16, size);
    }

    private void EmitDividend(LocalBuilder value, bool signed)
    {
        _il.Emit(OpCodes.Ldloc, value);
        _il.Emit(signed ? OpCodes.Conv_I8 : OpCodes.Conv_U8);
    }

    private void EmitDividend() => EmitPair(2, 0);

    /// <summary>DAA, DAS, AAA, AAS by the semantics that the interpreter uses; AAM and AAD.</summary>
    private bool LowerDecimal(in Op op, Shape shape)
    {
        switch (shape.Operation)
        {
            case "Aam" when (op.Imm & 0xFF) == 0:
                return false;
            case "Aam":
                EmitRead(0, 1);
                _il.Emit(OpCodes.Stloc, _t);
                _il.Emit(OpCodes.Ldloc, _t);
                _il.Emit(OpCodes.Ldc_I4, (int)(op.Imm & 0xFF));
                _il.Emit(OpCodes.Rem_Un);
                _il.Emit(OpCodes.Stloc, _res);
                _il.Emit(OpCodes.Ldloc, _t);
                _il.Emit(OpCodes.Ldc_I4, (int)(op.Imm & 0xFF));
                _il.Emit(OpCodes.Div_Un);
                EmitWrite(1, 1);
                _il.Emit(OpCodes.Ldloc, _res);
                EmitWrite(0, 1);
                Flags = new FlagState(FlagKind.Logic, 1);
                return true;
            case "Aad":
                EmitRead(1, 1);
                _il.Emit(OpCodes.Ldc_I4, (int)(op.Imm & 0xFF));
                _il.Emit(OpCodes.Mul);
                EmitRead(0, 1);
                _il.Emit(OpCodes.Add);
                EmitZeroExtend(1);
                _il.Emit(OpCodes.Stloc, _res);
                _il.Emit(OpCodes.Ldloc, _res);
                EmitWrite(0, 2);
                Flags = new FlagState(FlagKind.Logic, 1);
                return true;
            default:
                EmitMaterialize();
                _il.Emit(OpCodes.Ldarg_0);
                EmitRead(0, 2);
                _il.Emit(OpCodes.Call, typeof(DecimalAdjust).GetMethod(shape.Operation)!);
                EmitWrite(0, 2);
                return true;
        }
    }
}
