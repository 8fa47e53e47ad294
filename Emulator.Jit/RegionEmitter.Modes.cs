using System.Reflection;
using System.Reflection.Emit;
using Emulator.Core.Decoding;
using Iced.Intel;

namespace Emulator.Jit;

/// <content>What verification and inspection ask of the code.</content>
internal sealed unsafe partial class RegionEmitter
{
    /// <summary>Most bytes of a memory operand that a handler may use in a region that is run twice.</summary>
    private const int MostRepeatableBytes = 16;

    /// <summary>
    /// In front of a call of a handler in a region that is run twice: leaves the region unless the memory operand can be read and written
    /// without a device, a page walk or a fault.
    /// </summary>
    /// <returns>False when the handler must not be called at all.</returns>
    private bool EmitRepeatable(in Op op)
    {
        if ((_modes & EmitModes.Repeatable) == 0)
        {
            return true;
        }

        Instruction instruction = new() { Code = (Code)op.Code };
        if (Branch.KindOf((Code)op.Code) != BranchKind.None || instruction.IsStackInstruction || instruction.IsStringInstruction || instruction.Mnemonic
            is Mnemonic.Xlatb or Mnemonic.Maskmovq or Mnemonic.Maskmovdqu or Mnemonic.Fldcw or Mnemonic.Prefetchnta or Mnemonic.Prefetcht0
            or Mnemonic.Prefetcht1 or Mnemonic.Prefetcht2 or Mnemonic.Clflush)
        {
            return false;
        }

        if (!HasMemory(in op))
        {
            return true;
        }

        int size = instruction.MemorySize.GetSize();
        bool isBitString = instruction.Mnemonic is Mnemonic.Bt or Mnemonic.Bts or Mnemonic.Btr or Mnemonic.Btc;
        if (isBitString || size is < 1 or > MostRepeatableBytes)
        {
            return false;
        }

        EmitEffectiveAddress(in op);
        EmitHostAddress(size, write: true);
        _il.Emit(OpCodes.Pop);
        return true;
    }

    /// <summary>Adds one to a counter of the instruction where that is asked for.</summary>
    private void EmitCount(Code code, int kind)
    {
        if ((_modes & EmitModes.Count) == 0)
        {
            return;
        }

        EmitContext(RegionContext.CountersOffset);
        _il.Emit(OpCodes.Ldind_I);
        _il.Emit(OpCodes.Ldc_I4, RegionCounters.OffsetOf(code, kind));
        _il.Emit(OpCodes.Add);
        _il.Emit(OpCodes.Dup);
        _il.Emit(OpCodes.Ldind_I8);
        _il.Emit(OpCodes.Ldc_I4_1);
        _il.Emit(OpCodes.Conv_I8);
        _il.Emit(OpCodes.Add);
        _il.Emit(OpCodes.Stind_I8);
    }

    private void NoteInstruction(in Op op)
    {
        if (!_il.IsListed)
        {
            return;
        }

        if (ReferenceEquals(_block, _region.Entry) && _index == 0)
        {
            NoteLocals();
        }

        _il.Note($"  ; {_eip:X8} {(Code)op.Code}");
    }

    /// <summary>Names the locals: the fields that hold them.</summary>
    private void NoteLocals()
    {
        foreach (FieldInfo field in typeof(RegionEmitter).GetFields(BindingFlags.Instance | BindingFlags.NonPublic))
        {
            if (field.GetValue(this) is LocalBuilder local)
            {
                _il.Note($"  ; V{local.LocalIndex} {field.Name.TrimStart('_')}");
            }
            else if (field.GetValue(this) is LocalBuilder[] locals)
            {
                _il.Note($"  ; {string.Join(' ', locals.Where(l => l is not null).Select((l, i) => $"V{l.LocalIndex} {field.Name.TrimStart('_')}{i}"))}");
            }
        }
    }
}
