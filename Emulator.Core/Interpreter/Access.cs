using System.Runtime.CompilerServices;
using Emulator.Core.Cpu;
using Emulator.Core.Decoding;
using Emulator.Core.Memory;

namespace Emulator.Core.Interpreter;

/// <summary>How a memory operand is addressed; chosen when an instruction is decoded, so that each handler exists once per kind.</summary>
internal interface IAddressing
{
    /// <summary>Whether the segment is flat and the address size 32 bits, so that offset = linear address and nothing is checked.</summary>
    static abstract bool IsFlat { get; }
}

/// <summary>32-bit address size in a flat read-write segment (and a flat 32-bit stack, where the instruction uses it).</summary>
internal readonly struct Flat : IAddressing
{
    /// <inheritdoc/>
    public static bool IsFlat => true;
}

/// <summary>Any address size and segment, with limit and type checks.</summary>
internal readonly struct General : IAddressing
{
    /// <inheritdoc/>
    public static bool IsFlat => false;
}

/// <summary>
/// Guest memory accesses of instruction handlers. Reads return a host pointer to the value, or null with the fault recorded; on a TLB hit
/// that is guest memory itself, otherwise <see cref="CpuState.Scratch"/>. Hits never call. A value lives at the pointer only until the
/// next access.
/// </summary>
internal static unsafe class Access
{
    /// <summary>Offset part of the memory operand.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Offset<TA>(CpuState* s, Op* op)
        where TA : struct, IAddressing
    {
        uint offset = CpuState.Register<uint>(s, op->Base) + (CpuState.Register<uint>(s, op->Index) << op->Scale) + op->Disp;
        return TA.IsFlat || (op->Flags & OpFlags.Address16) == 0 ? offset : offset & 0xFFFF;
    }

    /// <summary>Reads the memory operand.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T* Read<T, TA>(CpuState* s, Op* op)
        where T : unmanaged
        where TA : struct, IAddressing => ReadAt<T, TA>(s, op, op->Segment, Offset<TA>(s, op));

    /// <summary>Reads at an offset in a segment.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T* ReadAt<T, TA>(CpuState* s, Op* op, int segment, uint offset)
        where T : unmanaged
        where TA : struct, IAddressing
    {
        if (!TA.IsFlat)
        {
            return (T*)ReadGeneral<T>(s, op, segment, offset);
        }

        TlbEntry* e = Entry(s, offset);
        if (((offset + (uint)(sizeof(T) - 1)) & 0xFFFFF000) == e->ReadTag)
        {
            return (T*)(e->Addend + offset);
        }

        return (T*)SlowRead(s, op, offset, sizeof(T));
    }

    /// <summary>Writes the memory operand; false with the fault recorded.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Write<T, TA>(CpuState* s, Op* op, T value)
        where T : unmanaged
        where TA : struct, IAddressing => WriteAt<T, TA>(s, op, op->Segment, Offset<TA>(s, op), value);

    /// <summary>Writes at an offset in a segment; false with the fault recorded.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool WriteAt<T, TA>(CpuState* s, Op* op, int segment, uint offset, T value)
        where T : unmanaged
        where TA : struct, IAddressing
    {
        if (!TA.IsFlat)
        {
            return WriteGeneral(s, op, segment, offset, value);
        }

        TlbEntry* e = Entry(s, offset);
        if (((offset + (uint)(sizeof(T) - 1)) & 0xFFFFF000) == e->WriteTag)
        {
            *(T*)(e->Addend + offset) = value;
            return true;
        }

        return SlowWrite(s, op, offset, value);
    }

    /// <summary>
    /// Opens the memory operand for read-modify-write: a pointer to its value after all checks of a write, or null with the fault
    /// recorded. Store the result through the pointer, then call <see cref="Commit"/>.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T* Modify<T, TA>(CpuState* s, Op* op)
        where T : unmanaged
        where TA : struct, IAddressing => ModifyAt<T, TA>(s, op, op->Segment, Offset<TA>(s, op));

    /// <summary>As <see cref="Modify"/>, at an offset in a segment.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T* ModifyAt<T, TA>(CpuState* s, Op* op, int segment, uint offset)
        where T : unmanaged
        where TA : struct, IAddressing
    {
        if (!TA.IsFlat)
        {
            return (T*)ModifyGeneral<T>(s, op, segment, offset);
        }

        TlbEntry* e = Entry(s, offset);
        if (((offset + (uint)(sizeof(T) - 1)) & 0xFFFFF000) == e->WriteTag)
        {
            return (T*)(e->Addend + offset);
        }

        return (T*)SlowModify(s, op, offset, sizeof(T));
    }

    /// <summary>Finishes a read-modify-write; it cannot fault.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Commit<T>(CpuState* s, Op* op, T* value)
        where T : unmanaged
    {
        if (value == (T*)&s->Scratch)
        {
            SlowCommit(s, op, sizeof(T));
        }
    }

    /// <summary>Checks a segment for a data read and gives the linear address; false with #GP or #SS recorded.</summary>
    public static bool CheckRead(CpuState* s, int segment, uint offset, uint size, out uint linear)
    {
        SegmentRegister* r = CpuState.Segment(s, segment);
        linear = r->Base + offset;
        if ((r->Access & SegmentAccess.Read) != 0 && offset >= r->Low && offset <= r->High && r->High - offset >= size - 1)
        {
            return true;
        }

        return FailSegment(s, segment, r, offset, size);
    }

    /// <summary>Checks a segment for a data write and gives the linear address; false with #GP or #SS recorded.</summary>
    public static bool CheckWrite(CpuState* s, int segment, uint offset, uint size, out uint linear)
    {
        SegmentRegister* r = CpuState.Segment(s, segment);
        linear = r->Base + offset;
        if ((r->Access & SegmentAccess.Write) != 0 && offset >= r->Low && offset <= r->High && r->High - offset >= size - 1)
        {
            return true;
        }

        return ((r->Access & SegmentAccess.Write) != 0 && FailSegment(s, segment, r, offset, size))
            || ((r->Access & SegmentAccess.Write) == 0 && Faults.Record(s, SegmentVector(segment), 0));
    }

    /// <summary>TLB record of a linear address in the current view.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TlbEntry* Entry(CpuState* s, uint linear) =>
        (TlbEntry*)((byte*)s->Tlb + ((linear >> (12 - TlbEntry.SizeShift)) & ((TlbEntry.Count - 1) << TlbEntry.SizeShift)));

    private static byte SegmentVector(int segment) => segment == SegmentIndex.Ss ? ExceptionVector.StackFault : ExceptionVector.GeneralProtection;

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool FailSegment(CpuState* s, int segment, SegmentRegister* r, uint offset, uint size)
    {
        // A 4 GiB expand-up segment has no end: an access at its top wraps to offset 0.
        if (r->Low == 0 && r->High == 0xFFFFFFFF && (r->Access & SegmentAccess.Read) != 0)
        {
            return true;
        }

        return Faults.Record(s, SegmentVector(segment), 0);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static byte* ReadGeneral<T>(CpuState* s, Op* op, int segment, uint offset)
        where T : unmanaged
    {
        if (!CheckRead(s, segment, offset, (uint)sizeof(T), out uint linear))
        {
            return null;
        }

        TlbEntry* e = Entry(s, linear);
        return ((linear + (uint)(sizeof(T) - 1)) & 0xFFFFF000) == e->ReadTag
            ? (byte*)(e->Addend + linear)
            : SlowRead(s, op, linear, sizeof(T));
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool WriteGeneral<T>(CpuState* s, Op* op, int segment, uint offset, T value)
        where T : unmanaged
    {
        if (!CheckWrite(s, segment, offset, (uint)sizeof(T), out uint linear))
        {
            return false;
        }

        TlbEntry* e = Entry(s, linear);
        if (((linear + (uint)(sizeof(T) - 1)) & 0xFFFFF000) == e->WriteTag)
        {
            *(T*)(e->Addend + linear) = value;
            return true;
        }

        return SlowWrite(s, op, linear, value);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static byte* ModifyGeneral<T>(CpuState* s, Op* op, int segment, uint offset)
        where T : unmanaged
    {
        if (!CheckWrite(s, segment, offset, (uint)sizeof(T), out uint linear))
        {
            return null;
        }

        // A writable segment is readable too: only data segments can be written.
        TlbEntry* e = Entry(s, linear);
        return ((linear + (uint)(sizeof(T) - 1)) & 0xFFFFF000) == e->WriteTag
            ? (byte*)(e->Addend + linear)
            : SlowModify(s, op, linear, sizeof(T));
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static byte* SlowRead(CpuState* s, Op* op, uint linear, int size) =>
        Mmu.ReadOperand(s, op, linear, (byte*)&s->Scratch, size) ? (byte*)&s->Scratch : null;

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool SlowWrite<T>(CpuState* s, Op* op, uint linear, T value)
        where T : unmanaged => Mmu.WriteOperand(s, op, linear, (byte*)&value, sizeof(T));

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static byte* SlowModify(CpuState* s, Op* op, uint linear, int size)
    {
        s->RmwLinear = linear;
        return Mmu.CheckAlignment(s, linear, size) && Mmu.CheckWrite(s, linear, size, s->Cpl == 3) && Mmu.ReadOperand(s, op, linear, (byte*)&s->Scratch, size)
            ? (byte*)&s->Scratch
            : null;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void SlowCommit(CpuState* s, Op* op, int size) => Mmu.WriteOperand(s, op, s->RmwLinear, (byte*)&s->Scratch, size);
}
