using System.Reflection.Emit;
using Emulator.Core.Cpu;
using Emulator.Core.Decoding;
using Emulator.Core.Memory;
using Iced.Intel;
using Label = System.Reflection.Emit.Label;

namespace Emulator.Jit;

/// <content>
/// Tables that straddle a page border, at a constant address and with an index that the block bounds. The window of such accesses would
/// move back and forth at random. Both pages are looked up once instead; a pair is the addend of the second page and the difference to that
/// of the first, and the page of an access is chosen without a branch. Pairs are forgotten where windows are.
/// </content>
internal sealed unsafe partial class RegionEmitter
{
    /// <summary>Most pairs of pages in a region: each costs two locals.</summary>
    private const int MostPairs = 3;

    private readonly Dictionary<(uint Block, int Index), TableAccess> _tableAccesses = [];
    private readonly Dictionary<(uint Page, bool Write), (LocalBuilder Addend, LocalBuilder Difference)> _pairs = [];

    /// <summary>What the index that was pushed last goes into; null when an address was pushed.</summary>
    private TableAccess? _table;
    private LocalBuilder? _tableIndex;
    private LocalBuilder? _tableStep;
    private LocalBuilder? _tableElement;

    /// <summary>Finds the accesses; the pairs that run most get their locals. The fuzzer's need no loop around them.</summary>
    private void PreparePairs()
    {
        Dictionary<(uint Page, bool Write), long> weights = [];
        foreach (RegionBlock block in _flow.Order)
        {
            long weight = _flow.WeightOf(block);
            if (weight == 1 && !_modes.HasFlag(EmitModes.Unoptimized))
            {
                continue;
            }

            // The largest value that each register can have.
            Span<uint> most = [uint.MaxValue, uint.MaxValue, uint.MaxValue, uint.MaxValue, uint.MaxValue, uint.MaxValue, uint.MaxValue, uint.MaxValue];
            for (int i = 0; i < block.Ops.Length; i++)
            {
                ref Op op = ref block.Ops[i];
                if (TableAccess.Find(in op, most) is { } access)
                {
                    _tableAccesses[(block.Eip, i)] = access;
                    weights[access.Pair] = weights.GetValueOrDefault(access.Pair) + weight;
                }

                Bound(in op, most);
            }
        }

        foreach ((uint Page, bool Write) pair in weights.OrderByDescending(w => w.Value).ThenBy(w => w.Key.Page).ThenBy(w => w.Key.Write).Take(MostPairs).Select(w => w.Key))
        {
            _pairs[pair] = (_il.DeclareLocal(typeof(nint)), _il.DeclareLocal(typeof(nint)));
        }

        foreach ((uint Block, int Index) access in _tableAccesses.Where(a => !_pairs.ContainsKey(a.Value.Pair)).Select(a => a.Key).ToList())
        {
            _tableAccesses.Remove(access);
        }
    }

    /// <summary>Whether an instruction's access goes through a pair of pages.</summary>
    private bool IsTableAccess(RegionBlock block, int index) => _tableAccesses.ContainsKey((block.Eip, index));

    /// <summary>What an instruction does to the largest values of registers.</summary>
    private static void Bound(in Op op, Span<uint> most)
    {
        if (!Shapes.TryGetValue((Code)op.Code, out Shape shape) || Lowering.Classify((Code)op.Code) != LoweringKind.Lower)
        {
            most.Fill(uint.MaxValue);
            return;
        }

        bool memory = HasMemory(in op);
        switch (shape.Family)
        {
            case Family.Nop:
            case Family.Alu when shape.Operation is "Cmp" or "Test":
            case Family.Alu or Family.Unary or Family.Move or Family.Shift when memory && WritesMemory((Code)op.Code):
                return;
            case Family.MoveZero when shape.Size == 4:
                most[op.R0 >> 3] = shape.Source == 1 ? 0xFFu : 0xFFFFu;
                return;
            case Family.Alu when shape.Operation == "And":
                most[op.R0 >> 3] = shape.Size == 4 && shape.Form == Form.RmImm ? Math.Min(most[op.R0 >> 3], op.Imm) : most[op.R0 >> 3];
                return;
            case Family.Alu when shape.Operation == "Xor" && shape.Size == 4 && !memory && shape.Form != Form.RmImm && op.R0 == op.R1:
                most[op.R0 >> 3] = 0;
                return;
            case Family.Shift when shape.Operation == "Shr" && shape.Size == 4:
                most[op.R0 >> 3] >>= CountOf(in op, shape);
                return;
            case Family.Alu or Family.Unary or Family.Move or Family.MoveZero or Family.MoveSign or Family.Lea:
                // A part that is written leaves what is above it.
                most[op.R0 >> 3] |= shape.Size == 4 ? uint.MaxValue : shape.Size == 1 && (op.R0 & 1) == 0 ? 0xFFu : 0xFFFFu;
                return;
            default:
                foreach (int register in WrittenRegisters(in op))
                {
                    most[register] = uint.MaxValue;
                }

                return;
        }
    }

    /// <summary>At the entry: the host's compiler keeps what has no value yet on its stack.</summary>
    private void EmitStartPairs()
    {
        foreach ((LocalBuilder _, LocalBuilder difference) in _pairs.Values)
        {
            _il.Emit(OpCodes.Ldc_I4_0);
            _il.Emit(OpCodes.Conv_I);
            _il.Emit(OpCodes.Stloc, difference);
        }
    }

    /// <summary>An addend of zero stands for pages that were not looked up.</summary>
    private void EmitForgetPairs()
    {
        foreach ((LocalBuilder addend, LocalBuilder _) in _pairs.Values)
        {
            _il.Emit(OpCodes.Ldc_I4_0);
            _il.Emit(OpCodes.Conv_I);
            _il.Emit(OpCodes.Stloc, addend);
        }
    }

    /// <summary>Pushes the index of the current instruction's access in place of an address, if it goes through a pair.</summary>
    private bool EmitTableIndex()
    {
        if (!_tableAccesses.TryGetValue((_block.Eip, _index), out _table))
        {
            return false;
        }

        _site = RegionWindows.NoKey;
        _segment = NoSegment;
        _isAddress16 = false;
        _il.Emit(OpCodes.Ldloc, _r[_table.Register]);
        return true;
    }

    /// <summary>Pops the index and pushes the host address.</summary>
    private void EmitTableHostAddress(int size, bool write, bool isSure)
    {
        TableAccess table = _table!;
        _table = null;
        if (size != table.Size || write != table.Write)
        {
            throw new InvalidOperationException($"the access at {_eip:X8} is not the one that was found");
        }

        LocalBuilder index = _tableIndex ??= _il.DeclareLocal(typeof(ulong));
        LocalBuilder step = _tableStep ??= _il.DeclareLocal(typeof(nint));
        LocalBuilder element = _tableElement ??= _il.DeclareLocal(typeof(nint));
        (LocalBuilder addend, LocalBuilder difference) = _pairs[table.Pair];
        Label unknown = _il.DefineLabel();
        Label known = _il.DefineLabel();
        Label found = _il.DefineLabel();
        _il.Emit(OpCodes.Conv_U8);
        _il.Emit(OpCodes.Stloc, index);
        _il.Emit(OpCodes.Ldloc, addend);
        _il.Emit(OpCodes.Brfalse, unknown);
        _il.MarkLabel(known);

        // Negative in front of the border: all bits from the page on are set, or all are clear, and the difference has no others.
        _il.Emit(OpCodes.Ldloc, index);
        _il.Emit(OpCodes.Ldc_I4, table.Border);
        _il.Emit(OpCodes.Conv_I8);
        _il.Emit(OpCodes.Sub);
        _il.Emit(OpCodes.Ldloc, difference);
        _il.Emit(OpCodes.And);
        _il.Emit(OpCodes.Stloc, step);
        EmitTableElement(table, index, addend, element);
        _il.MarkLabel(found);
        _il.Emit(OpCodes.Ldloc, element);
        _il.Emit(OpCodes.Ldloc, step);
        _il.Emit(OpCodes.Add);
        _il.Emit(OpCodes.Ldc_I4, (int)table.First);
        _il.Emit(OpCodes.Conv_U8);
        _il.Emit(OpCodes.Add);
        Label miss = TlbMissStub(write, isSure);
        _stubs.Add(() =>
        {
            _il.MarkLabel(unknown);
            string tag = write ? nameof(TlbEntry.WriteTag) : nameof(TlbEntry.ReadTag);
            Label alone = _il.DefineLabel();
            _il.Emit(OpCodes.Ldloc, index);
            _il.Emit(OpCodes.Ldc_I4, table.Scale);
            _il.Emit(OpCodes.Shl);
            _il.Emit(OpCodes.Ldc_I4, (int)table.First);
            _il.Emit(OpCodes.Conv_U8);
            _il.Emit(OpCodes.Add);
            _il.Emit(OpCodes.Stloc, _address);
            EmitPageLook(table.Page, tag, alone);
            EmitTlbField(nameof(TlbEntry.Addend));
            _il.Emit(OpCodes.Stloc, difference);
            EmitPageLook(table.Page + PhysicalMemory.PageSize, tag, alone);
            _il.Emit(OpCodes.Ldloc, difference);
            EmitTlbField(nameof(TlbEntry.Addend));
            _il.Emit(OpCodes.Sub);
            _il.Emit(OpCodes.Stloc, difference);
            _il.Emit(OpCodes.Ldloc, difference);
            _il.Emit(OpCodes.Ldc_I4, (int)~PageMask);
            _il.Emit(OpCodes.Conv_I8);
            _il.Emit(OpCodes.And);
            _il.Emit(OpCodes.Brtrue, alone);
            EmitTlbField(nameof(TlbEntry.Addend));
            _il.Emit(OpCodes.Stloc, addend);
            _il.Emit(OpCodes.Br, known);

            // One of the pages is no hit: the other is found for this access alone.
            _il.MarkLabel(alone);
            EmitTlbCheck(size, tag, miss);
            EmitTlbField(nameof(TlbEntry.Addend));
            _il.Emit(OpCodes.Stloc, step);
            EmitTableElement(table, index, step, element);
            _il.Emit(OpCodes.Ldc_I4_0);
            _il.Emit(OpCodes.Conv_I);
            _il.Emit(OpCodes.Stloc, step);
            _il.Emit(OpCodes.Br, found);
        });
    }

    /// <summary>Puts what has to be added to the table's address into a local.</summary>
    private void EmitTableElement(TableAccess table, LocalBuilder index, LocalBuilder addend, LocalBuilder element)
    {
        _il.Emit(OpCodes.Ldloc, addend);
        _il.Emit(OpCodes.Ldloc, index);
        if (table.Scale != 0)
        {
            _il.Emit(OpCodes.Ldc_I4, table.Scale);
            _il.Emit(OpCodes.Shl);
        }

        _il.Emit(OpCodes.Add);
        _il.Emit(OpCodes.Stloc, element);
    }

    /// <summary>Finds the TLB record of a constant page, and branches when it is no hit.</summary>
    private void EmitPageLook(uint page, string tag, Label other)
    {
        EmitTlb();
        _il.Emit(OpCodes.Ldc_I4, (int)((page >> 12) & (TlbEntry.Count - 1)) << TlbEntry.SizeShift);
        _il.Emit(OpCodes.Add);
        _il.Emit(OpCodes.Stloc, _entry);
        EmitTlbField(tag);
        _il.Emit(OpCodes.Ldc_I4, (int)page);
        _il.Emit(OpCodes.Bne_Un, other);
    }

    /// <summary>An access to a table that straddles a page border, none of its elements does.</summary>
    /// <param name="Register">The index.</param>
    /// <param name="Scale">Shift of the index.</param>
    /// <param name="First">Linear address of the table.</param>
    /// <param name="Size">Bytes of the access.</param>
    /// <param name="Write">Whether the element is written.</param>
    private sealed record TableAccess(int Register, int Scale, uint First, int Size, bool Write)
    {
        /// <summary>The first of the two pages.</summary>
        public uint Page => First & PageMask;

        /// <summary>What its pair is known by.</summary>
        public (uint Page, bool Write) Pair => (Page, Write);

        /// <summary>The lowest index of an element in the second page.</summary>
        public int Border => (int)((Page + PhysicalMemory.PageSize - First + (1u << Scale) - 1) >> Scale);

        /// <summary>The access of an instruction in a flat segment, or null when it is not such a one.</summary>
        /// <param name="op">The instruction.</param>
        /// <param name="most">The largest value that each register can have in front of it.</param>
        public static TableAccess? Find(in Op op, ReadOnlySpan<uint> most)
        {
            Code code = (Code)op.Code;
            bool hasBase = op.Base != CpuState.ZeroOffset;
            if (!HasMemory(in op) || (op.Flags & (OpFlags.General | OpFlags.Address16)) != 0 || hasBase == (op.Index != CpuState.ZeroOffset)
                || !Shapes.TryGetValue(code, out Shape shape) || shape.Family is not (Family.Alu or Family.Unary or Family.Move or Family.MoveZero or Family.MoveSign)
                || Lowering.Classify(code) != LoweringKind.Lower)
            {
                return null;
            }

            int size = shape.Family is Family.MoveZero or Family.MoveSign ? shape.Source : shape.Size;
            int register = (hasBase ? op.Base : op.Index) >> 3;
            int scale = hasBase ? 0 : op.Scale;
            ulong end = op.Disp + ((ulong)most[register] << scale) + (ulong)size;
            ulong behind = ((ulong)(op.Disp & PageMask)) + (2 * PhysicalMemory.PageSize);
            return end <= behind - PhysicalMemory.PageSize || end > behind || behind > 1ul << 32 || op.Disp % size != 0 || 1 << scale < size
                ? null
                : new TableAccess(register, scale, op.Disp, size, WritesMemory(code));
        }
    }
}
