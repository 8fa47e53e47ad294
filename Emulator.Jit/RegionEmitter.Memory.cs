using System.Reflection.Emit;
using System.Runtime.InteropServices;
using Emulator.Core.Memory;
using Iced.Intel;
using Label = System.Reflection.Emit.Label;

namespace Emulator.Jit;

/// <content>
/// From linear to host addresses. Accesses that are likely to stay in one page share a window: the page that the last of them found in the
/// TLB, as linear base and addend in locals, so that a hit is one subtraction and one comparison and waits for no load. What falls
/// outside looks into the TLB out of line and moves the window there; what is not in the TLB leaves the region. Windows are forgotten
/// wherever the TLB may change: at the entry and behind each call of a handler.
/// </content>
internal sealed unsafe partial class RegionEmitter
{
    /// <summary>A linear base that no 32-bit address is near.</summary>
    private const long NoWindow = 1L << 40;

    private const uint PageMask = 0xFFFFF000;

    private RegionWindows _windows = RegionWindows.None;
    private (LocalBuilder Linear, LocalBuilder Addend)[] _windowLocals = [];

    /// <summary>Which accesses the address that was pushed last belongs to; see <see cref="RegionWindows"/>.</summary>
    private int _site;

    private void PrepareWindows()
    {
        PreparePairs();
        _windows = new RegionWindows(_flow, RegionWindows.StackKeyIn(StackSegment, !IsStack32), IsTableAccess, _region.IsBrief ? RegionWindows.Few : RegionWindows.Most);
        _windowLocals = new (LocalBuilder, LocalBuilder)[_windows.Count];
        for (int i = 0; i < _windows.Count; i++)
        {
            _windowLocals[i] = (_il.DeclareLocal(typeof(long)), _il.DeclareLocal(typeof(nint)));
        }
    }

    /// <summary>At the entry: the host's compiler keeps what has no value yet on its stack.</summary>
    private void EmitStartWindows()
    {
        foreach ((LocalBuilder _, LocalBuilder addend) in _windowLocals)
        {
            _il.Emit(OpCodes.Ldc_I4_0);
            _il.Emit(OpCodes.Conv_I);
            _il.Emit(OpCodes.Stloc, addend);
        }

        EmitStartPairs();
    }

    private void EmitForgetWindows()
    {
        foreach ((LocalBuilder linear, LocalBuilder _) in _windowLocals)
        {
            _il.Emit(OpCodes.Ldc_I8, NoWindow);
            _il.Emit(OpCodes.Stloc, linear);
        }

        EmitForgetPairs();
    }

    /// <summary>Pops an address (in a flat segment, or in <see cref="_segment"/>) and pushes the host address of a value there, after the checks.</summary>
    /// <param name="size">Bytes.</param>
    /// <param name="write">Whether it is for a store.</param>
    /// <param name="isSure">Whether the access happens for certain: not when the instruction may still raise an exception.</param>
    private void EmitHostAddress(int size, bool write, bool isSure = true)
    {
        int window = _windows.Find(_site, write);
        if (EmitGrouped(window))
        {
            _site = RegionWindows.NoKey;
            return;
        }

        if (_table is not null)
        {
            EmitTableHostAddress(size, write, isSure);
            return;
        }

        if (_segment != NoSegment)
        {
            EmitSegmentHostAddress(size, write, isSure);
            return;
        }

        _site = RegionWindows.NoKey;
        if (window >= 0)
        {
            EmitWindow(window, size, write, isSure);
            return;
        }

        Label miss = TlbMissStub(write, isSure);
        EmitStoreAddress();
        EmitTlbCheckBesideCode(size, write, miss);
        EmitTlbField(nameof(TlbEntry.Addend));
        _il.Emit(OpCodes.Ldloc, _address);
        _il.Emit(OpCodes.Add);
    }

    /// <summary>Pops an address into its local: 64 bits, so that it is extended once.</summary>
    private void EmitStoreAddress()
    {
        _il.Emit(OpCodes.Conv_U8);
        _il.Emit(OpCodes.Stloc, _address);
    }

    /// <summary>Pushes the address local as 32 bits.</summary>
    private void EmitAddress32()
    {
        _il.Emit(OpCodes.Ldloc, _address);
        _il.Emit(OpCodes.Conv_U4);
    }

    /// <summary>
    /// Pushes the TLB of the current privilege level, from the state: only what leaves a window wants it, and in a local it would take a
    /// register from all the rest.
    /// </summary>
    private void EmitTlb()
    {
        EmitState(StateLayout.Tlb);
        _il.Emit(OpCodes.Ldind_I);
    }

    /// <summary>Finds the TLB record of the address local, and branches when the access is not a hit there.</summary>
    private void EmitTlbCheck(int size, string tag, Label miss)
    {
        _il.Emit(OpCodes.Ldloc, _address);
        _il.Emit(OpCodes.Ldc_I4, 12 - TlbEntry.SizeShift);
        _il.Emit(OpCodes.Shr_Un);
        _il.Emit(OpCodes.Ldc_I4, (TlbEntry.Count - 1) << TlbEntry.SizeShift);
        _il.Emit(OpCodes.Conv_I8);
        _il.Emit(OpCodes.And);
        EmitTlb();
        _il.Emit(OpCodes.Add);
        _il.Emit(OpCodes.Stloc, _entry);
        EmitTagCompare(size, tag, miss);
    }

    private void EmitTagCompare(int size, string tag, Label miss)
    {
        EmitAddress32();
        if (size > 1)
        {
            _il.Emit(OpCodes.Ldc_I4, size - 1);
            _il.Emit(OpCodes.Add);
        }

        _il.Emit(OpCodes.Ldc_I4, unchecked((int)PageMask));
        _il.Emit(OpCodes.And);
        EmitTlbField(tag);
        _il.Emit(OpCodes.Bne_Un, miss);
    }

    private void EmitTlbField(string field)
    {
        _il.Emit(OpCodes.Ldloc, _entry);
        int offset = (int)Marshal.OffsetOf<TlbEntry>(field);
        if (offset != 0)
        {
            _il.Emit(OpCodes.Ldc_I4, offset);
            _il.Emit(OpCodes.Add);
        }

        _il.Emit(field == nameof(TlbEntry.Addend) ? OpCodes.Ldind_I : OpCodes.Ldind_U4);
    }

    /// <summary>Label of a cold exit in front of the current instruction, because the address local is not in the TLB.</summary>
    private Label TlbMissStub(bool write, bool isSure)
    {
        // Filling the TLB for a store sets the dirty bit, which an instruction that then faults does not.
        if ((_modes & EmitModes.Repeatable) != 0 || !isSure)
        {
            return MissStub();
        }

        return MissStub(1 + (int)(write ? AccessKind.Write : AccessKind.Read));
    }

    private void EmitWindow(int window, int size, bool write, bool isSure)
    {
        (LocalBuilder linear, LocalBuilder addend) = _windowLocals[window];
        Label outside = _il.DefineLabel();
        Label inside = _il.DefineLabel();
        EmitStoreAddress();
        _il.Emit(OpCodes.Ldloc, _address);
        _il.Emit(OpCodes.Ldloc, linear);
        _il.Emit(OpCodes.Sub);
        _il.Emit(OpCodes.Ldc_I4, (int)PhysicalMemory.PageSize - size);
        _il.Emit(OpCodes.Conv_I8);
        _il.Emit(OpCodes.Bgt_Un, outside);
        _il.MarkLabel(inside);
        _il.Emit(OpCodes.Ldloc, addend);
        _il.Emit(OpCodes.Ldloc, _address);
        _il.Emit(OpCodes.Add);

        Label miss = TlbMissStub(write, isSure);
        bool readsThroughWrites = !write && _windows.IsForWrites(window);
        _stubs.Add(() => EmitMoveWindow(linear, addend, size, write || readsThroughWrites, readsThroughWrites, outside, inside, miss));
    }

    /// <summary>
    /// Takes the addend of the TLB's record. Pages that lie beside each other in guest memory, too, have the same: where the branch is
    /// predicted so, the access does not wait for the record. A region that is to be compiled soon goes without.
    /// </summary>
    private void EmitMoveAddend(LocalBuilder addend)
    {
        if (_region.IsBrief)
        {
            EmitTlbField(nameof(TlbEntry.Addend));
            _il.Emit(OpCodes.Stloc, addend);
            return;
        }

        Label other = _il.DefineLabel();
        Label done = _il.DefineLabel();
        EmitTlbField(nameof(TlbEntry.Addend));
        _il.Emit(OpCodes.Ldloc, addend);
        _il.Emit(OpCodes.Bne_Un, other);
        _il.MarkLabel(done);
        _stubs.Add(() =>
        {
            _il.MarkLabel(other);
            EmitTlbField(nameof(TlbEntry.Addend));
            _il.Emit(OpCodes.Stloc, addend);
            _il.Emit(OpCodes.Br, done);
        });
    }

    private void EmitMoveWindow(LocalBuilder linear, LocalBuilder addend, int size, bool write, bool mayRead, Label outside, Label inside, Label miss)
    {
        _il.MarkLabel(outside);
        Label read = mayRead ? _il.DefineLabel() : miss;
        EmitTlbCheck(size, write ? nameof(TlbEntry.WriteTag) : nameof(TlbEntry.ReadTag), read);
        EmitMoveAddend(addend);
        EmitAddress32();
        _il.Emit(OpCodes.Ldc_I4, unchecked((int)PageMask));
        _il.Emit(OpCodes.And);
        _il.Emit(OpCodes.Conv_U8);
        _il.Emit(OpCodes.Stloc, linear);
        _il.Emit(OpCodes.Br, inside);
        if (mayRead)
        {
            // Readable but not (yet) writable: for this access alone.
            _il.MarkLabel(read);
            EmitTagCompare(size, nameof(TlbEntry.ReadTag), miss);
            EmitTlbField(nameof(TlbEntry.Addend));
            _il.Emit(OpCodes.Stloc, addend);
            _il.Emit(OpCodes.Ldc_I8, NoWindow);
            _il.Emit(OpCodes.Stloc, linear);
            _il.Emit(OpCodes.Br, inside);
        }
    }
}
