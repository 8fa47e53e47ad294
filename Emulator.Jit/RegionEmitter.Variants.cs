using Emulator.Core.Decoding;
using Iced.Intel;
using Label = System.Reflection.Emit.Label;

namespace Emulator.Jit;

/// <content>
/// Ways into blocks that want the flags for exits, or read them and overwrite them soon. Storing kind and operands on the way in would cost
/// each iteration of a loop three stores that nobody looks at. So the head of such a block, up to where it overwrites the flags, is emitted
/// once for each kind of flags that comes in, with the operands in their locals; all of them go on in the same body. The entry from outside
/// has a head of its own, too. Regions that are to be compiled soon have no heads.
/// </content>
internal sealed unsafe partial class RegionEmitter
{
    /// <summary>Most instructions of a head.</summary>
    private const int LongestHead = 5;

    /// <summary>Most heads of a block beside the one for entries from outside.</summary>
    private const int MostVariants = 3;

    private readonly Dictionary<uint, List<(FlagState Flags, Label Label)>> _variants = [];
    private readonly Dictionary<uint, (int Head, Label Body)> _heads = [];
    private readonly HashSet<uint> _emitted = [];

    /// <summary>Finds the heads of all blocks that have one.</summary>
    private void PrepareVariants()
    {
        foreach (RegionBlock block in _hasX87 || _region.IsBrief ? [] : _region.Blocks)
        {
            int head = _flow.FlagsAt(block.Eip) is FlagKind.Deferred or FlagKind.InState ? HeadOf(block) : 0;
            if (head != 0)
            {
                _heads[block.Eip] = (head, _il.DefineLabel());
                _variants[block.Eip] = [];
            }
        }
    }

    /// <summary>Instructions of a block that may leave the region with the flags of before, or read them; 0 when they are not for a head.</summary>
    private static int HeadOf(RegionBlock block)
    {
        for (int i = 0; i < Math.Min(LongestHead, block.Ops.Length - 1); i++)
        {
            ref Op op = ref block.Ops[i];
            if (!Shapes.TryGetValue((Code)op.Code, out Shape shape) || shape.Family is not (Family.Set or Family.Cmov or Family.Alu or Family.Unary or Family.Move or Family.MoveZero
                or Family.MoveSign or Family.Lea or Family.Push or Family.Pop or Family.Nop or Family.Cdq or Family.Cwde or Family.Bswap))
            {
                return 0;
            }

            switch (FlagUseOf(in op))
            {
                case FlagUse.None:
                case FlagUse.Other when shape.Family is Family.Cmov or Family.Set && !HasMemory(in op):
                    break;
                case FlagUse.Overwrites when IsPure(in op):
                    return i;
                case FlagUse.Overwrites or FlagUse.Steps:
                case FlagUse.Other when shape.Operation is "Adc" or "Sbb":
                    return i + 1;
                default:
                    return 0;
            }
        }

        return 0;
    }

    /// <summary>The entry of a block for the flags as they are now, with nothing to be done on the way; null when there is none.</summary>
    private Label? FindVariant(RegionBlock target)
    {
        if (!HasResult(Flags.Kind) || !_variants.TryGetValue(target.Eip, out List<(FlagState Flags, Label Label)>? variants))
        {
            return null;
        }

        FlagState flags = Flags;
        int index = variants.FindIndex(v => v.Flags == flags);
        if (index >= 0)
        {
            return variants[index].Label;
        }

        if (variants.Count == MostVariants)
        {
            return null;
        }

        Label label = _il.DefineLabel();
        variants.Add((flags, label));
        if (_emitted.Contains(target.Eip))
        {
            AddVariant(target, flags, label);
        }

        return label;
    }

    /// <summary>Marks the entries of a block that is emitted next, and chooses what its head is emitted for; the other heads come behind all blocks.</summary>
    /// <returns>The entry that stands here.</returns>
    private Label EmitBlockLabels(RegionBlock block)
    {
        FlagState outside = new(_flow.FlagsAt(block.Eip), 4);
        _emitted.Add(block.Eip);
        if (!_variants.TryGetValue(block.Eip, out List<(FlagState Flags, Label Label)>? variants) || variants.Count == 0)
        {
            Flags = outside;
            _il.MarkLabel(_labels[block.Eip]);
            return _labels[block.Eip];
        }

        (FlagState last, Label label) = variants[^1];
        foreach ((FlagState other, Label otherLabel) in variants.SkipLast(1))
        {
            AddVariant(block, other, otherLabel);
        }

        AddVariant(block, outside, _labels[block.Eip]);
        Flags = last;
        _il.MarkLabel(label);
        return label;
    }

    private void AddVariant(RegionBlock block, FlagState flags, Label label) => _stubs.Add(() => EmitHead(block, flags, label));

    /// <summary>Emits a further head of a block, which goes on in its body.</summary>
    private void EmitHead(RegionBlock block, FlagState flags, Label label)
    {
        _block = block;
        _x87 = X87State.AtEntry(0);
        _eip = block.Eip;
        _lowOf = -1;
        Flags = flags;
        _il.MarkLabel(label);
        EmitRefund(-block.Ops.Length);
        _il.MarkLabel(PaidEntry(label));
        (int head, Label body) = _heads[block.Eip];
        for (_index = 0; _index < head; _index++)
        {
            ref Op op = ref block.Ops[_index];
            NoteInstruction(in op);
            if (!LowerInstruction(in op))
            {
                EmitHandlerCall(in op);
                _lowOf = -1;
            }

            ForgetLow(in op);
            _eip += op.Length;
        }

        _il.Emit(System.Reflection.Emit.OpCodes.Br, body);
    }
}
