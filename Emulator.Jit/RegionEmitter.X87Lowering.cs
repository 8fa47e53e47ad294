using System.Reflection;
using System.Reflection.Emit;
using Emulator.Core.Decoding;
using Emulator.Core.Semantics.X87;
using Label = System.Reflection.Emit.Label;

namespace Emulator.Jit;

/// <content>x87 instructions.</content>
internal sealed unsafe partial class RegionEmitter
{
    private const uint AllConditions = X87Status.C0 | X87Status.C2 | X87Status.C3;

    private Label? _x87Miss;

    /// <summary>Emits an x87 instruction.</summary>
    private void LowerX87(in Op op, X87Shape shape)
    {
        uint need = 0;
        uint free = 0;
        if ((!_x87.IsChecked || _index >= _x87.CheckedUntil) && !EmitX87Check())
        {
            // It must fault. Nothing runs what is emitted behind it, but that must find its registers and flags.
            EmitExit(_eip, _block.Ops.Length - _index, Exit.Interpret);
            _ = Apply(in op, shape, ref _x87, ref need, ref free);
            if (shape.Family == X87Family.CompareToFlags)
            {
                Flags = FlagState.InState;
            }

            return;
        }

        _x87Miss = null;
        int other = StackIndex(in op, shape);
        switch (shape.Family)
        {
            case X87Family.Arithmetic:
                LowerX87Arithmetic(in op, shape, other);
                break;
            case X87Family.Load:
                LowerX87Load(in op, shape);
                break;
            case X87Family.LoadConstant:
                LowerX87Constant(shape);
                break;
            case X87Family.LoadRegister:
                EmitMove(St(other), St(-1));
                EmitMove(StBits(other), StBits(-1));
                SetC1Zero();
                break;
            case X87Family.Store:
                LowerX87Store(in op, shape);
                break;
            case X87Family.StoreRegister:
                if (other != 0)
                {
                    EmitMove(St(0), St(other));
                    EmitMove(StBits(0), StBits(other));
                }

                SetC1Zero();
                break;
            case X87Family.Exchange:
                _x87 = _x87.Exchange(_x87.Top, _x87.Relative(other));
                SetC1Zero();
                break;
            case X87Family.Compare:
            case X87Family.Test:
                LowerX87Compare(in op, shape, other);
                break;
            case X87Family.CompareToFlags:
                LowerX87CompareToFlags(shape, other);
                break;
            case X87Family.Examine:
                LowerX87Examine();
                break;
            case X87Family.Move:
                LowerX87Move(shape, other);
                break;
            case X87Family.ChangeSign:
                EmitStBits(0, 0x8000, OpCodes.Xor);
                SetC1Zero();
                break;
            case X87Family.Absolute:
                EmitStBits(0, unchecked((int)(X87Packed.Special | 0x7FFF)), OpCodes.And);
                SetC1Zero();
                break;
            case X87Family.SquareRoot:
            case X87Family.RoundToInteger:
                LowerX87Unary(shape);
                break;
            case X87Family.IncrementTop:
            case X87Family.DecrementTop:
                SetC1Zero();
                break;
            case X87Family.LoadControl:
                LowerLoadControl(in op);
                break;
            case X87Family.StoreControl:
                EmitX87Address(in op, shape, write: true);
                _il.Emit(OpCodes.Ldloc, X87.Control);
                _il.Emit(OpCodes.Stind_I2);
                break;
            case X87Family.StoreStatus:
                EmitX87Address(in op, shape, write: true);
                EmitX87Status(() => _il.Emit(OpCodes.Ldc_I4, _x87.Top));
                _il.Emit(OpCodes.Stind_I2);
                break;
            case X87Family.StoreStatusToAx:
                EmitX87Status(() => _il.Emit(OpCodes.Ldc_I4, _x87.Top));
                EmitWrite(op.R0, 2);
                break;
            case X87Family.ClearExceptions:
                // No exception is unmasked and pending here, so that nothing else changes.
                _il.Emit(OpCodes.Ldloc, X87.Status);
                _il.Emit(OpCodes.Ldc_I4, 0x7F00);
                _il.Emit(OpCodes.And);
                _il.Emit(OpCodes.Stloc, X87.Status);
                EmitZero(X87.Sticky);
                break;
            default:
                break;
        }

        _ = Apply(in op, shape, ref _x87, ref need, ref free);
        if (!shape.IsControl)
        {
            _x87 = _x87 with { IsTracked = true, Ip = _eip, Opcode = op.Imm2 };
            if (shape.HasMemory)
            {
                EmitMove(X87.Offset, X87.Dp);
                _x87 = _x87 with { DataSegment = op.Segment };
            }
        }
    }

    /// <summary>The local with the significand of ST(i).</summary>
    private LocalBuilder St(int i) => _x87Significand[_x87.LocalOf(_x87.Relative(i))]!;

    /// <summary>The local with sign and exponent of ST(i); bits 31..16 have no meaning.</summary>
    private LocalBuilder StBits(int i) => _x87Bits[_x87.LocalOf(_x87.Relative(i))]!;

    private void SetC1Zero() => _x87 = _x87 with { C1IsZero = true };

    /// <summary>Label of a cold exit in front of the current instruction; one for all uses in an instruction.</summary>
    private Label X87Miss() => _x87Miss ??= MissStub();

    private void EmitSt(int i)
    {
        _il.Emit(OpCodes.Ldloc, St(i));
        _il.Emit(OpCodes.Ldloc, StBits(i));
    }

    private void EmitStBits(int i, int mask, OpCode operation)
    {
        _il.Emit(OpCodes.Ldloc, StBits(i));
        _il.Emit(OpCodes.Ldc_I4, mask);
        _il.Emit(operation);
        _il.Emit(OpCodes.Stloc, StBits(i));
    }

    private void EmitPacked(LocalBuilder packed)
    {
        _il.Emit(OpCodes.Ldloc, packed);
        _il.Emit(OpCodes.Ldfld, PackedSignificand);
        EmitPackedBits(packed);
    }

    private void EmitPackedBits(LocalBuilder packed)
    {
        _il.Emit(OpCodes.Ldloc, packed);
        _il.Emit(OpCodes.Ldfld, PackedBits);
    }

    private void EmitFast(string method) => _il.Emit(OpCodes.Call, typeof(X87Fast).GetMethod(method, BindingFlags.Public | BindingFlags.Static)!);

    /// <summary>Pushes the host address of the memory operand; its offset goes to a local.</summary>
    private void EmitX87Address(in Op op, X87Shape shape, bool write)
    {
        EmitEffectiveAddress(in op);
        _il.Emit(OpCodes.Stloc, X87.Offset);
        _il.Emit(OpCodes.Ldloc, X87.Offset);
        EmitHostAddress(shape.Size, write, isSure: !write);
    }

    /// <summary>Leaves in front of the instruction when it raised something that is not masked.</summary>
    private void EmitX87Guard(LocalBuilder packed)
    {
        if (X87.Unmasked is { } unmasked)
        {
            EmitPackedBits(packed);
            _il.Emit(OpCodes.Ldc_I4, X87Packed.RaisedShift);
            _il.Emit(OpCodes.Shr_Un);
            _il.Emit(OpCodes.Ldloc, unmasked);
            _il.Emit(OpCodes.And);
            _il.Emit(OpCodes.Brtrue, X87Miss());
        }
    }

    /// <summary>Pops a packed result into a register, with what it raised.</summary>
    private void EmitResult(int i)
    {
        _il.Emit(OpCodes.Stloc, X87.Result);
        EmitX87Guard(X87.Result);
        _il.Emit(OpCodes.Ldloc, X87.Result);
        _il.Emit(OpCodes.Ldfld, PackedSignificand);
        _il.Emit(OpCodes.Stloc, St(i));
        EmitPackedBits(X87.Result);
        _il.Emit(OpCodes.Stloc, StBits(i));
        EmitRaised();
    }

    /// <summary>Takes over what the result local says was raised, C1 too.</summary>
    private void EmitRaised()
    {
        _il.Emit(OpCodes.Ldloc, X87.Sticky);
        EmitPackedBits(X87.Result);
        _il.Emit(OpCodes.Or);
        _il.Emit(OpCodes.Stloc, X87.Sticky);
        EmitPackedBits(X87.Result);
        _il.Emit(OpCodes.Stloc, X87.C1);
        _x87 = _x87 with { C1IsZero = false };
    }

    private void LowerX87Arithmetic(in Op op, X87Shape shape, int other)
    {
        bool reversed = shape.Operation.EndsWith('r');
        int destination = shape.ToOther ? other : 0;
        int source = shape.ToOther ? 0 : other;
        if (shape.HasMemory)
        {
            EmitX87Source(in op, shape);
        }

        if (shape.Operation == "add" && !shape.HasMemory && other == 0)
        {
            EmitSt(0);
            _il.Emit(OpCodes.Ldloc, X87.Control);
            EmitFast(nameof(X87Fast.Double));
            EmitResult(0);
            return;
        }

        if (reversed)
        {
            EmitSource();
            EmitSt(destination);
        }
        else
        {
            EmitSt(destination);
            EmitSource();
        }

        _il.Emit(OpCodes.Ldloc, X87.Control);
        EmitFast(shape.Operation switch
        {
            "add" => nameof(X87Fast.Add),
            "sub" or "subr" => nameof(X87Fast.Subtract),
            "mul" => nameof(X87Fast.Multiply),
            _ => nameof(X87Fast.Divide),
        });
        EmitResult(destination);

        void EmitSource()
        {
            if (shape.HasMemory)
            {
                EmitPacked(X87.Source);
            }
            else
            {
                EmitSt(source);
            }
        }
    }

    /// <summary>Loads a memory operand into the source local; denormals, whose effect depends on the other operand, are left to the interpreter.</summary>
    private void EmitX87Source(in Op op, X87Shape shape)
    {
        EmitX87Address(in op, shape, write: false);
        EmitX87Indirect(shape.Format);
        EmitFast(shape.Format switch
        {
            X87Format.Single => nameof(X87Fast.WidenSingle),
            X87Format.Double => nameof(X87Fast.WidenDouble),
            _ => nameof(X87Fast.FromInteger),
        });
        _il.Emit(OpCodes.Stloc, X87.Source);
        if (shape.Format is X87Format.Single or X87Format.Double)
        {
            EmitPackedBits(X87.Source);
            _il.Emit(OpCodes.Ldc_I4, (int)(X87Status.Denormal << X87Packed.RaisedShift));
            _il.Emit(OpCodes.And);
            _il.Emit(OpCodes.Brtrue, X87Miss());
        }
    }

    /// <summary>Replaces a host address by the value there, in the form that the conversions of <see cref="X87Fast"/> take.</summary>
    private void EmitX87Indirect(X87Format format)
    {
        switch (format)
        {
            case X87Format.Int16:
                _il.Emit(OpCodes.Ldind_I2);
                _il.Emit(OpCodes.Conv_I8);
                break;
            case X87Format.Int32:
                _il.Emit(OpCodes.Ldind_I4);
                _il.Emit(OpCodes.Conv_I8);
                break;
            case X87Format.Single:
                _il.Emit(OpCodes.Ldind_U4);
                break;
            default:
                _il.Emit(OpCodes.Ldind_I8);
                break;
        }
    }

    private void LowerX87Load(in Op op, X87Shape shape)
    {
        EmitX87Address(in op, shape, write: false);
        if (shape.Format == X87Format.Extended)
        {
            _il.Emit(OpCodes.Stloc, _host);
            _il.Emit(OpCodes.Ldloc, _host);
            _il.Emit(OpCodes.Ldind_I8);
            _il.Emit(OpCodes.Ldloc, _host);
            _il.Emit(OpCodes.Ldc_I4_8);
            _il.Emit(OpCodes.Add);
            _il.Emit(OpCodes.Ldind_U2);
            EmitFast(nameof(X87Fast.LoadExtended));
            EmitResult(-1);
            SetC1Zero();
            return;
        }

        EmitX87Indirect(shape.Format);
        EmitFast(shape.Format switch
        {
            X87Format.Single => nameof(X87Fast.LoadSingle),
            X87Format.Double => nameof(X87Fast.LoadDouble),
            _ => nameof(X87Fast.FromInteger),
        });
        EmitResult(-1);
        SetC1Zero();
    }

    private void LowerX87Constant(X87Shape shape)
    {
        _il.Emit(OpCodes.Ldc_I4, shape.Operation switch
        {
            "1" => X87Fast.ConstantOne,
            "z" => X87Fast.ConstantZero,
            "pi" => X87Fast.ConstantPi,
            "l2e" => X87Fast.ConstantLog2E,
            "l2t" => X87Fast.ConstantLog2Ten,
            "lg2" => X87Fast.ConstantLog10Two,
            _ => X87Fast.ConstantLnTwo,
        });
        _il.Emit(OpCodes.Ldloc, X87.Control);
        EmitFast(nameof(X87Fast.Constant));
        _il.Emit(OpCodes.Stloc, X87.Result);
        _il.Emit(OpCodes.Ldloc, X87.Result);
        _il.Emit(OpCodes.Ldfld, PackedSignificand);
        _il.Emit(OpCodes.Stloc, St(-1));
        EmitPackedBits(X87.Result);
        _il.Emit(OpCodes.Stloc, StBits(-1));
        SetC1Zero();
    }

    private void LowerX87Store(in Op op, X87Shape shape)
    {
        EmitX87Address(in op, shape, write: true);
        _il.Emit(OpCodes.Stloc, _host);
        if (shape.Format == X87Format.Extended)
        {
            _il.Emit(OpCodes.Ldloc, _host);
            _il.Emit(OpCodes.Ldloc, St(0));
            _il.Emit(OpCodes.Stind_I8);
            _il.Emit(OpCodes.Ldloc, _host);
            _il.Emit(OpCodes.Ldc_I4_8);
            _il.Emit(OpCodes.Add);
            _il.Emit(OpCodes.Ldloc, StBits(0));
            _il.Emit(OpCodes.Stind_I2);
            SetC1Zero();
            return;
        }

        EmitSt(0);
        _il.Emit(OpCodes.Ldloc, X87.Control);
        EmitFast(shape.Format switch
        {
            X87Format.Single => nameof(X87Fast.StoreSingle),
            X87Format.Double => nameof(X87Fast.StoreDouble),
            X87Format.Int16 => nameof(X87Fast.StoreInt16),
            X87Format.Int32 => nameof(X87Fast.StoreInt32),
            _ => nameof(X87Fast.StoreInt64),
        });
        _il.Emit(OpCodes.Stloc, X87.Result);
        EmitX87Guard(X87.Result);
        _il.Emit(OpCodes.Ldloc, _host);
        _il.Emit(OpCodes.Ldloc, X87.Result);
        _il.Emit(OpCodes.Ldfld, PackedSignificand);
        switch (shape.Size)
        {
            case 2:
                _il.Emit(OpCodes.Conv_U2);
                _il.Emit(OpCodes.Stind_I2);
                break;
            case 4:
                _il.Emit(OpCodes.Conv_U4);
                _il.Emit(OpCodes.Stind_I4);
                break;
            default:
                _il.Emit(OpCodes.Stind_I8);
                break;
        }

        EmitRaised();
    }

    private void LowerX87Unary(X87Shape shape)
    {
        EmitSt(0);
        _il.Emit(OpCodes.Ldloc, X87.Control);
        EmitFast(shape.Family == X87Family.SquareRoot ? nameof(X87Fast.SquareRoot) : nameof(X87Fast.RoundToInteger));
        EmitResult(0);
    }

    /// <summary>Compares ST(0) with a register, a memory operand or zero: conditions and what was raised go to a local.</summary>
    private void EmitX87Comparison(in Op op, X87Shape shape, int other)
    {
        if (shape.HasMemory)
        {
            EmitX87Source(in op, shape);
        }

        EmitSt(0);
        if (shape.HasMemory)
        {
            EmitPacked(X87.Source);
        }
        else if (shape.Family == X87Family.Test)
        {
            _il.Emit(OpCodes.Ldc_I8, 0L);
            _il.Emit(OpCodes.Ldc_I4, unchecked((int)X87Packed.Special));
        }
        else
        {
            EmitSt(other);
        }

        _il.Emit(shape.Quiet ? OpCodes.Ldc_I4_1 : OpCodes.Ldc_I4_0);
        EmitFast(nameof(X87Fast.Compare));
        _il.Emit(OpCodes.Stloc, X87.Bits);
        if (X87.Unmasked is { } unmasked)
        {
            _il.Emit(OpCodes.Ldloc, X87.Bits);
            _il.Emit(OpCodes.Ldloc, unmasked);
            _il.Emit(OpCodes.And);
            _il.Emit(OpCodes.Brtrue, X87Miss());
        }
    }

    private void LowerX87Compare(in Op op, X87Shape shape, int other)
    {
        EmitX87Comparison(in op, shape, other);
        EmitStatusChange(AllConditions);
        SetC1Zero();
    }

    /// <summary>Replaces condition codes in the status local by those of the bits local, and adds what was raised.</summary>
    private void EmitStatusChange(uint replaced)
    {
        _il.Emit(OpCodes.Ldloc, X87.Status);
        if (replaced != 0)
        {
            _il.Emit(OpCodes.Ldc_I4, (int)~replaced);
            _il.Emit(OpCodes.And);
            _il.Emit(OpCodes.Ldloc, X87.Bits);
        }
        else
        {
            _il.Emit(OpCodes.Ldloc, X87.Bits);
            _il.Emit(OpCodes.Ldc_I4, (int)X87Status.Exceptions);
            _il.Emit(OpCodes.And);
        }

        _il.Emit(OpCodes.Or);
        _il.Emit(OpCodes.Stloc, X87.Status);
    }

    private void LowerX87CompareToFlags(X87Shape shape, int other)
    {
        EmitX87Comparison(default, shape, other);
        EmitStatusChange(0);
        EmitState(StateLayout.FlagResult);
        _il.Emit(OpCodes.Ldloc, X87.Bits);
        EmitX87Call(nameof(X87Context.FlagResult));
        _il.Emit(OpCodes.Stind_I8);
        EmitState(StateLayout.FlagCarries);
        _il.Emit(OpCodes.Ldloc, X87.Bits);
        EmitX87Call(nameof(X87Context.FlagCarries));
        _il.Emit(OpCodes.Stind_I4);
        EmitFlagsFinished();
        Flags = FlagState.InState;
    }

    private void LowerX87Examine()
    {
        EmitSt(0);
        EmitFast(nameof(X87Fast.Examine));
        _il.Emit(OpCodes.Stloc, X87.Bits);
        EmitStatusChange(AllConditions);
        _il.Emit(OpCodes.Ldloc, X87.Bits);
        _il.Emit(OpCodes.Ldc_I4, X87Packed.RaisedShift);
        _il.Emit(OpCodes.Shl);
        _il.Emit(OpCodes.Stloc, X87.C1);
        _x87 = _x87 with { C1IsZero = false };
    }

    private void LowerX87Move(X87Shape shape, int other)
    {
        Label stay = _il.DefineLabel();
        EmitCondition(shape.Condition);
        _il.Emit(OpCodes.Brfalse, stay);
        EmitMove(St(other), St(0));
        EmitMove(StBits(other), StBits(0));
        _il.MarkLabel(stay);
    }

    /// <summary>FLDCW; what would make a flagged exception pending, or needs masks looked at where this region does not, is left to the interpreter.</summary>
    private void LowerLoadControl(in Op op)
    {
        EmitX87Address(in op, new X87Shape { Format = X87Format.Int16 }, write: false);
        _il.Emit(OpCodes.Ldind_U2);
        _il.Emit(OpCodes.Ldc_I4, 0x1F3F);
        _il.Emit(OpCodes.And);
        _il.Emit(OpCodes.Ldc_I4, 0x40);
        _il.Emit(OpCodes.Or);
        _il.Emit(OpCodes.Stloc, X87.Bits);
        if (X87.Unmasked is not null)
        {
            EmitX87Status(() => _il.Emit(OpCodes.Ldc_I4, _x87.Top));
            _il.Emit(OpCodes.Ldloc, X87.Bits);
            _il.Emit(OpCodes.Not);
            _il.Emit(OpCodes.And);
            _il.Emit(OpCodes.Ldc_I4, (int)X87Status.Exceptions);
            _il.Emit(OpCodes.And);
            _il.Emit(OpCodes.Brtrue, X87Miss());
        }
        else
        {
            _il.Emit(OpCodes.Ldloc, X87.Bits);
            _il.Emit(OpCodes.Ldc_I4, (int)X87Status.Exceptions);
            _il.Emit(OpCodes.And);
            _il.Emit(OpCodes.Ldc_I4, (int)X87Status.Exceptions);
            _il.Emit(OpCodes.Bne_Un, X87Miss());
        }

        EmitMove(X87.Bits, X87.Control);
        EmitControlChanged();
    }
}
