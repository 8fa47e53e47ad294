using System.Reflection.Emit;
using System.Runtime.InteropServices;
using Emulator.Core.Cpu;
using Emulator.Core.Decoding;
using Emulator.Core.Memory;
using Label = System.Reflection.Emit.Label;

namespace Emulator.Jit;

/// <content>
/// Segments that are not flat, 16-bit addresses, 16-bit stacks, code segments with a base or limit. Base and limit of data segments come
/// from the state when running, so that loading a segment register asks for no other code; what a segment forbids is the interpreter's.
/// </content>
internal sealed unsafe partial class RegionEmitter
{
    private const int NoSegment = -1;

    /// <summary>One behind the last offset that a 16-bit address can have.</summary>
    private const long End16 = 0x10000;

    /// <summary>Segment of the address that was pushed last, or <see cref="NoSegment"/> for a flat one.</summary>
    private int _segment = NoSegment;

    /// <summary>Whether the offset that was pushed last has 16 bits.</summary>
    private bool _isAddress16;

    /// <summary>Whether SS.B is set.</summary>
    private bool IsStack32 => (_region.ModeKey & ModeKey.Stack32) != 0;

    /// <summary>Segment of stack accesses.</summary>
    private int StackSegment => (_region.ModeKey & ModeKey.FlatSs) != 0 ? NoSegment : SegmentIndex.Ss;

    /// <summary>
    /// Behind the look at the budget at the entry, unless CS is flat: it must be the segment that the code was found in, at least up to the
    /// farthest EIP that the region's own branches reach.
    /// </summary>
    private void EmitCodeSegmentAtEntry()
    {
        if (_region.IsCodeFlat)
        {
            return;
        }

        uint farthest = _region.Blocks.Max(b => b.End - 1);
        foreach (RegionBlock block in _region.Blocks)
        {
            if (HasTarget(block) && block.Target <= _region.CodeLimit)
            {
                farthest = Math.Max(farthest, block.Target);
            }
        }

        Label other = _il.DefineLabel();
        Label same = _il.DefineLabel();
        EmitState(StateLayout.OfSegment(SegmentIndex.Cs, StateLayout.SegmentBase));
        _il.Emit(OpCodes.Ldind_U4);
        _il.Emit(OpCodes.Ldc_I4, (int)_region.CodeBase);
        _il.Emit(OpCodes.Bne_Un, other);
        EmitState(StateLayout.OfSegment(SegmentIndex.Cs, StateLayout.SegmentHigh));
        _il.Emit(OpCodes.Ldind_U4);
        _il.Emit(OpCodes.Ldc_I4, (int)farthest);
        _il.Emit(OpCodes.Bge_Un, same);
        _il.MarkLabel(other);
        _il.Emit(OpCodes.Ldc_I4, (int)Exit.Interpret);
        _il.Emit(OpCodes.Ret);
        _il.MarkLabel(same);
    }

    private static bool HasTarget(RegionBlock block) =>
        Branch.KindOf((Iced.Intel.Code)block.Ops[^1].Code) is BranchKind.Conditional or BranchKind.Loop or BranchKind.Jump or BranchKind.Call;

    /// <summary>The target of an indirect branch is in the exit local: what the code segment does not allow, the interpreter finds out again.</summary>
    private void EmitTargetLimit()
    {
        if (_region.IsCodeFlat)
        {
            return;
        }

        _il.Emit(OpCodes.Ldloc, _exitEip);
        EmitState(StateLayout.OfSegment(SegmentIndex.Cs, StateLayout.SegmentHigh));
        _il.Emit(OpCodes.Ldind_U4);
        _il.Emit(OpCodes.Bgt_Un, MissStub());
    }

    /// <summary>Pushes the linear address of the EIP in the exit local.</summary>
    private void EmitExitLinear()
    {
        _il.Emit(OpCodes.Ldloc, _exitEip);
        if (_region.CodeBase != 0)
        {
            _il.Emit(OpCodes.Ldc_I4, (int)_region.CodeBase);
            _il.Emit(OpCodes.Add);
        }
    }

    /// <summary>Cuts the offset on top of the IL stack to 16 bits.</summary>
    private void EmitCut16()
    {
        _il.Emit(OpCodes.Ldc_I4, 0xFFFF);
        _il.Emit(OpCodes.And);
    }

    /// <summary>Says that the offset that is pushed next is one of the stack, and cuts it to the width of the stack pointer if it has been pushed already.</summary>
    private void UseStack()
    {
        _segment = StackSegment;
        _isAddress16 = !IsStack32;
        _site = RegionWindows.StackKeyIn(_segment, _isAddress16);
        if (_isAddress16)
        {
            EmitCut16();
        }
    }

    /// <summary>MOV from and PUSH of a segment register; two bytes are stored, whatever the size of the slot.</summary>
    private bool LowerReadSegment(in Op op, Shape shape, bool memory)
    {
        int selector = StateLayout.OfSegment(shape.Form == Form.Imm ? op.R0 : op.R1, StateLayout.SegmentSelector);
        if (shape.Form == Form.RmReg && !memory)
        {
            EmitState(selector);
            _il.Emit(OpCodes.Ldind_U2);
            EmitWrite(op.R0, shape.Size);
            return true;
        }

        if (memory)
        {
            EmitEffectiveAddress(in op);
        }
        else
        {
            _il.Emit(OpCodes.Ldloc, _r[4]);
            _il.Emit(OpCodes.Ldc_I4, shape.Size);
            _il.Emit(OpCodes.Sub);
            UseStack();
        }

        EmitHostAddress(2, write: true);
        EmitState(selector);
        _il.Emit(OpCodes.Ldind_U2);
        _il.Emit(OpCodes.Stind_I2);
        if (!memory)
        {
            EmitMoveStack(-shape.Size);
        }

        return true;
    }

    /// <summary>
    /// Pops an offset in a segment and pushes the host address. Windows of such accesses count in offsets: first offset of the page, and
    /// what makes an offset a host address. Where they apply, neither base nor limit is looked at: a window is only made of pages
    /// that lie within the limit as a whole, or as far as 16-bit offsets reach.
    /// </summary>
    private void EmitSegmentHostAddress(int size, bool write, bool isSure)
    {
        int segment = _segment;
        bool is16 = _isAddress16;
        int window = _windows.Find(_site, write);
        _segment = NoSegment;
        _site = RegionWindows.NoKey;
        _offset ??= _il.DeclareLocal(typeof(uint));
        _il.Emit(OpCodes.Stloc, _offset);
        Label forbidden = MissStub();
        Label miss = TlbMissStub(write, isSure);
        if (window < 0)
        {
            EmitSegmentCheck(segment, size, write, forbidden);
            EmitTlbCheckBesideCode(size, write, miss);
            EmitTlbField(nameof(TlbEntry.Addend));
            _il.Emit(OpCodes.Ldloc, _address);
            _il.Emit(OpCodes.Add);
            return;
        }

        (LocalBuilder first, LocalBuilder addend) = _windowLocals[window];
        Label outside = _il.DefineLabel();
        Label inside = _il.DefineLabel();
        _il.Emit(OpCodes.Ldloc, _offset);
        _il.Emit(OpCodes.Conv_U8);
        _il.Emit(OpCodes.Ldloc, first);
        _il.Emit(OpCodes.Sub);
        _il.Emit(OpCodes.Ldc_I4, (int)PhysicalMemory.PageSize - size);
        _il.Emit(OpCodes.Conv_I8);
        _il.Emit(OpCodes.Bgt_Un, outside);
        if (is16 && size > 1)
        {
            // The window of the segment's last page may go beyond what 16 bits reach.
            _il.Emit(OpCodes.Ldloc, _offset);
            _il.Emit(OpCodes.Ldc_I4, (int)End16 - size);
            _il.Emit(OpCodes.Bgt_Un, outside);
        }

        _il.MarkLabel(inside);
        _il.Emit(OpCodes.Ldloc, addend);
        _il.Emit(OpCodes.Ldloc, _offset);
        _il.Emit(OpCodes.Conv_U);
        _il.Emit(OpCodes.Add);
        bool readsThroughWrites = !write && _windows.IsForWrites(window);
        _stubs.Add(() =>
        {
            _il.MarkLabel(outside);
            EmitSegmentCheck(segment, size, write, forbidden);
            bool once = readsThroughWrites || (write && StoresBesideCode);
            Label other = once ? _il.DefineLabel() : miss;
            EmitTlbCheck(size, write || readsThroughWrites ? nameof(TlbEntry.WriteTag) : nameof(TlbEntry.ReadTag), other);
            EmitSegmentAddend(addend);
            EmitFirstOffset(segment, write || readsThroughWrites, is16, first);
            _il.Emit(OpCodes.Br, inside);
            if (once)
            {
                // Readable but not (yet) writable, or a page with code: for this access alone.
                _il.MarkLabel(other);
                if (write)
                {
                    EmitBesideCode(size, miss);
                }
                else
                {
                    EmitTagCompare(size, nameof(TlbEntry.ReadTag), miss);
                }

                EmitSegmentAddend(addend);
                _il.Emit(OpCodes.Ldc_I8, NoWindow);
                _il.Emit(OpCodes.Stloc, first);
                _il.Emit(OpCodes.Br, inside);
            }
        });
    }

    /// <summary>The offset in its local: type and limit of the segment, then the linear address goes to its own local.</summary>
    private void EmitSegmentCheck(int segment, int size, bool write, Label forbidden)
    {
        _il.Emit(OpCodes.Ldloc, _offset!);
        _il.Emit(OpCodes.Conv_U8);
        _il.Emit(OpCodes.Ldc_I4, size);
        _il.Emit(OpCodes.Conv_I8);
        _il.Emit(OpCodes.Add);
        EmitSegmentEnd(segment, write);
        _il.Emit(OpCodes.Bgt_Un, forbidden);
        _il.Emit(OpCodes.Ldloc, _offset!);
        EmitState(StateLayout.OfSegment(segment, StateLayout.SegmentBase));
        _il.Emit(OpCodes.Ldind_U4);
        _il.Emit(OpCodes.Add);
        EmitStoreAddress();
    }

    private void EmitSegmentEnd(int segment, bool write)
    {
        EmitState(StateLayout.OfSegment(segment, write ? StateLayout.SegmentWriteEnd : StateLayout.SegmentReadEnd));
        _il.Emit(OpCodes.Ldind_I8);
    }

    /// <summary>What makes an offset a host address, of the TLB's record.</summary>
    private void EmitSegmentAddend(LocalBuilder addend)
    {
        EmitTlbField(nameof(TlbEntry.Addend));
        _il.Emit(OpCodes.Ldloc, _address);
        _il.Emit(OpCodes.Add);
        _il.Emit(OpCodes.Ldloc, _offset!);
        _il.Emit(OpCodes.Conv_U);
        _il.Emit(OpCodes.Sub);
        _il.Emit(OpCodes.Stloc, addend);
    }

    /// <summary>First offset of the page, which may be negative, or no window when not all offsets behind it that accesses can have are allowed.</summary>
    private void EmitFirstOffset(int segment, bool write, bool is16, LocalBuilder first)
    {
        Label done = _il.DefineLabel();
        _il.Emit(OpCodes.Ldloc, _offset!);
        _il.Emit(OpCodes.Conv_U8);
        EmitAddress32();
        _il.Emit(OpCodes.Ldc_I4, (int)~PageMask);
        _il.Emit(OpCodes.And);
        _il.Emit(OpCodes.Conv_U8);
        _il.Emit(OpCodes.Sub);
        _il.Emit(OpCodes.Stloc, first);
        _il.Emit(OpCodes.Ldloc, first);
        _il.Emit(OpCodes.Ldc_I8, (long)PhysicalMemory.PageSize);
        _il.Emit(OpCodes.Add);
        if (is16)
        {
            _il.Emit(OpCodes.Ldc_I8, End16);
            _il.Emit(OpCodes.Call, typeof(Math).GetMethod(nameof(Math.Min), [typeof(long), typeof(long)])!);
        }

        EmitSegmentEnd(segment, write);
        _il.Emit(OpCodes.Ble, done);
        _il.Emit(OpCodes.Ldc_I8, NoWindow);
        _il.Emit(OpCodes.Stloc, first);
        _il.MarkLabel(done);
    }
}
