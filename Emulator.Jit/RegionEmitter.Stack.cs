using System.Reflection.Emit;
using Emulator.Core.Cpu;
using Emulator.Core.Decoding;

namespace Emulator.Jit;

/// <content>The stack.</content>
internal sealed unsafe partial class RegionEmitter
{
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
            // An ESP-based address is that of behind the pop.
            if (op.Base == EspOffset)
            {
                return false;
            }

            EmitStackTop(shape.Size);
            EmitIndirect(shape.Size);
            _il.Emit(OpCodes.Stloc, _t);
            EmitEffectiveAddress(in op);
            EmitHostAddress(shape.Size, write: true);
            _il.Emit(OpCodes.Ldloc, _t);
            EmitStoreIndirect(shape.Size);
            EmitMoveStack(shape.Size);
            return true;
        }

        EmitStackTop(shape.Size);
        EmitIndirect(shape.Size);
        EmitMoveStack(shape.Size);
        EmitWrite(op.R0, shape.Size);
        return true;
    }

    private void LowerLeave(Shape shape)
    {
        _il.Emit(OpCodes.Ldloc, _r[5]);
        UseStack();
        EmitHostAddress(shape.Size, write: false);
        EmitIndirect(shape.Size);
        _il.Emit(OpCodes.Stloc, _t);
        EmitSetStack(_r[5], shape.Size);
        _il.Emit(OpCodes.Ldloc, _t);
        EmitWrite(CpuState.RegisterOffset(5), shape.Size);
    }

    /// <summary>PUSHFD in protected mode.</summary>
    private bool LowerPushFlags()
    {
        if ((_region.ModeKey & ModeKey.Protected) == 0)
        {
            return false;
        }

        EmitPushAddress(4);
        _il.Emit(OpCodes.Stloc, _host);
        EmitMaterialize();
        _il.Emit(OpCodes.Ldarg_0);
        _il.Emit(OpCodes.Call, typeof(LazyFlags).GetMethod(nameof(LazyFlags.Read))!);
        _il.Emit(OpCodes.Ldc_I4, unchecked((int)~(Eflags.VM | Eflags.RF)));
        _il.Emit(OpCodes.And);
        _il.Emit(OpCodes.Stloc, _t);
        _il.Emit(OpCodes.Ldloc, _host);
        _il.Emit(OpCodes.Ldloc, _t);
        _il.Emit(OpCodes.Stind_I4);
        EmitMoveStack(-4);
        return true;
    }

    /// <summary>PUSHAD and POPAD on a 32-bit stack, when all eight slots lie in one page.</summary>
    private bool LowerAll(bool push)
    {
        if (!IsStack32)
        {
            return false;
        }

        _il.Emit(OpCodes.Ldloc, _r[4]);
        if (push)
        {
            _il.Emit(OpCodes.Ldc_I4, 32);
            _il.Emit(OpCodes.Sub);
        }

        // PUSHAD that reaches into another page touches the upper one first.
        UseStack();
        EmitHostAddress(32, push, isSure: !push);
        _il.Emit(OpCodes.Stloc, _host);
        for (int i = 0; i < 8; i++)
        {
            // EDI lies lowest.
            if (push)
            {
                EmitField(_host, 4 * (7 - i));
                _il.Emit(OpCodes.Ldloc, _r[i]);
                _il.Emit(OpCodes.Stind_I4);
            }
            else if (i != 4)
            {
                EmitField(_host, 4 * (7 - i));
                _il.Emit(OpCodes.Ldind_U4);
                _il.Emit(OpCodes.Stloc, _r[i]);
            }
        }

        EmitMoveStack(push ? -32 : 32);
        return true;
    }
}
