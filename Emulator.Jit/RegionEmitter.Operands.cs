using System.Reflection.Emit;
using Emulator.Core.Cpu;
using Emulator.Core.Decoding;
using Emulator.Core.Memory;
using Iced.Intel;

namespace Emulator.Jit;

/// <content>Registers and memory operands.</content>
internal sealed unsafe partial class RegionEmitter
{
    private const byte EspOffset = 32;

    /// <summary>The register whose low byte is in the local for it, because that was written alone; -1 for none.</summary>
    private int _lowOf = -1;
    private bool _isLowNew;

    /// <summary>Pushes a register, zero-extended.</summary>
    private void EmitRead(byte offset, int size)
    {
        if (size == 1 && (offset & 1) == 0 && offset >> 3 == _lowOf)
        {
            _il.Emit(OpCodes.Ldloc, _low);
            return;
        }

        _il.Emit(OpCodes.Ldloc, _r[offset >> 3]);
        if ((offset & 1) != 0)
        {
            _il.Emit(OpCodes.Ldc_I4_8);
            _il.Emit(OpCodes.Shr_Un);
        }

        EmitZeroExtend(size);
    }

    /// <summary>Pops a zero-extended value into a register.</summary>
    private void EmitWrite(byte offset, int size)
    {
        LocalBuilder r = _r[offset >> 3];
        if (size == 4)
        {
            _il.Emit(OpCodes.Stloc, r);
            return;
        }

        int shift = (offset & 1) * 8;
        if (size == 1 && shift == 0 && WritesAlways(in _block.Ops[_index]))
        {
            // What reads the byte next need not wait for it to be put into the register.
            _il.Emit(OpCodes.Stloc, _low);
            _il.Emit(OpCodes.Ldloc, _low);
            _lowOf = offset >> 3;
            _isLowNew = true;
        }
        else if (offset >> 3 == _lowOf)
        {
            _lowOf = -1;
        }

        if (shift != 0)
        {
            _il.Emit(OpCodes.Ldc_I4, shift);
            _il.Emit(OpCodes.Shl);
        }

        _il.Emit(OpCodes.Ldloc, r);
        _il.Emit(OpCodes.Ldc_I4, size == 2 ? unchecked((int)0xFFFF0000) : ~(0xFF << shift));
        _il.Emit(OpCodes.And);
        _il.Emit(OpCodes.Or);
        _il.Emit(OpCodes.Stloc, r);
    }

    /// <summary>Whether a register is written on all ways through the instruction's code.</summary>
    private static bool WritesAlways(in Op op) =>
        Shapes.TryGetValue((Code)op.Code, out Shape shape) && shape.Family is Family.Alu or Family.Unary or Family.Move or Family.Set;

    /// <summary>Behind an instruction: the local for a low byte is of no use any more when the register was written in another way.</summary>
    private void ForgetLow(in Op op)
    {
        if (_lowOf >= 0 && !_isLowNew && WrittenRegisters(in op).Contains(_lowOf))
        {
            _lowOf = -1;
        }

        _isLowNew = false;
    }

    /// <summary>Pushes the offset of the memory operand, or the index of a table; <see cref="EmitHostAddress"/> knows the segment.</summary>
    private void EmitEffectiveAddress(in Op op)
    {
        if (EmitTableIndex())
        {
            return;
        }

        bool any = false;
        _site = RegionWindows.KeyOf(in op);
        _segment = (op.Flags & OpFlags.General) != 0 ? op.Segment : NoSegment;
        _isAddress16 = (op.Flags & OpFlags.Address16) != 0;
        if (op.Base != CpuState.ZeroOffset)
        {
            _il.Emit(OpCodes.Ldloc, _r[op.Base >> 3]);
            any = true;
        }

        if (op.Index != CpuState.ZeroOffset)
        {
            _il.Emit(OpCodes.Ldloc, _r[op.Index >> 3]);
            if (op.Scale != 0)
            {
                _il.Emit(OpCodes.Ldc_I4, (int)op.Scale);
                _il.Emit(OpCodes.Shl);
            }

            if (any)
            {
                _il.Emit(OpCodes.Add);
            }

            any = true;
        }

        if (op.Disp != 0 || !any)
        {
            _il.Emit(OpCodes.Ldc_I4, (int)(_isAddress16 ? op.Disp & 0xFFFF : op.Disp));
            if (any)
            {
                _il.Emit(OpCodes.Add);
            }
        }

        if (_isAddress16 && any)
        {
            EmitCut16();
        }
    }

    /// <summary>Pushes the memory operand's value, zero-extended.</summary>
    private void EmitLoad(in Op op, int size)
    {
        EmitEffectiveAddress(in op);
        EmitHostAddress(size, write: false);
        EmitIndirect(size);
    }

    private void EmitIndirect(int size) => _il.Emit(size == 1 ? OpCodes.Ldind_U1 : size == 2 ? OpCodes.Ldind_U2 : OpCodes.Ldind_U4);

    private void EmitStoreIndirect(int size) => _il.Emit(size == 1 ? OpCodes.Stind_I1 : size == 2 ? OpCodes.Stind_I2 : OpCodes.Stind_I4);

    /// <summary>Writes a local to operand 0: a register, or the memory that was opened.</summary>
    private void EmitStore(in Op op, LocalBuilder value, int size, bool memory)
    {
        if (memory)
        {
            _il.Emit(OpCodes.Ldloc, _host);
            _il.Emit(OpCodes.Ldloc, value);
            EmitStoreIndirect(size);
        }
        else
        {
            _il.Emit(OpCodes.Ldloc, value);
            EmitWrite(op.R0, size);
        }
    }

    /// <summary>Opens the memory operand for read-modify-write: its host address goes to a local, its value is pushed.</summary>
    private void EmitOpen(in Op op, int size)
    {
        EmitEffectiveAddress(in op);
        EmitHostAddress(size, write: true);
        _il.Emit(OpCodes.Stloc, _host);
        _il.Emit(OpCodes.Ldloc, _host);
        EmitIndirect(size);
    }
}
