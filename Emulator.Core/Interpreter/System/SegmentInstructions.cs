using System.Runtime.CompilerServices;
using Emulator.Core.Cpu;
using Emulator.Core.Decoding;

namespace Emulator.Core.Interpreter;

/// <summary>MOV, PUSH and POP of segment registers, LDS LES LFS LGS LSS.</summary>
internal static unsafe class SegmentInstructions
{
    /// <summary>MOV Sreg, r16.</summary>
    public static int MovToSegment(CpuState* s, Op* op) => Loaded(s, op, Load(s, op, CpuState.Register<ushort>(s, op->R1)));

    /// <summary>MOV Sreg, m16.</summary>
    public static int MovToSegmentMemory(CpuState* s, Op* op) => Loaded(s, op, LoadFromMemory(s, op));

    /// <summary>MOV r16, Sreg.</summary>
    public static int MovFromSegment16(CpuState* s, Op* op)
    {
        CpuState.Register<ushort>(s, op->R0) = CpuState.Segment(s, op->R1)->Selector;
        return op[1].Handler(s, op + 1);
    }

    /// <summary>MOV r32, Sreg.</summary>
    public static int MovFromSegment32(CpuState* s, Op* op)
    {
        CpuState.Register<uint>(s, op->R0) = CpuState.Segment(s, op->R1)->Selector;
        return op[1].Handler(s, op + 1);
    }

    /// <summary>MOV m16, Sreg.</summary>
    public static int MovFromSegmentMemory(CpuState* s, Op* op)
    {
        if (!Access.Write<ushort, General>(s, op, CpuState.Segment(s, op->R1)->Selector))
        {
            return Faults.At(s, op);
        }

        return op[1].Handler(s, op + 1);
    }

    /// <summary>PUSH Sreg with 16-bit operand size.</summary>
    public static int Push16(CpuState* s, Op* op) => Push(s, op, 2) ? op[1].Handler(s, op + 1) : Faults.At(s, op);

    /// <summary>PUSH Sreg with 32-bit operand size: two bytes are written, the slot's upper half stays (P6 and later).</summary>
    public static int Push32(CpuState* s, Op* op) => Push(s, op, 4) ? op[1].Handler(s, op + 1) : Faults.At(s, op);

    /// <summary>POP Sreg with 16-bit operand size.</summary>
    public static int Pop16(CpuState* s, Op* op) => Loaded(s, op, Pop(s, op, 2));

    /// <summary>POP Sreg with 32-bit operand size: two bytes are read.</summary>
    public static int Pop32(CpuState* s, Op* op) => Loaded(s, op, Pop(s, op, 4));

    /// <summary>LDS and so on, 16-bit offset.</summary>
    public static int LoadPointer16<T>(CpuState* s, Op* op)
        where T : struct, ISegmentNumber => SystemHandler.EndBlock(s, op, LoadPointer(s, op, T.Index, 2));

    /// <summary>LDS and so on, 32-bit offset.</summary>
    public static int LoadPointer32<T>(CpuState* s, Op* op)
        where T : struct, ISegmentNumber => SystemHandler.EndBlock(s, op, LoadPointer(s, op, T.Index, 4));

    /// <summary>Ends MOV Sreg or POP Sreg; a load of SS holds interrupts off for one more instruction (LSS does not).</summary>
    private static int Loaded(CpuState* s, Op* op, bool done)
    {
        if (!done)
        {
            return Faults.At(s, op);
        }

        if (op->R0 == SegmentIndex.Ss)
        {
            s->Pending |= PendingWork.ShadowSs;
        }

        return SystemHandler.EndBlock(s, op);
    }

    private static bool Load(CpuState* s, Op* op, ushort selector) =>
        op->R0 == SegmentIndex.Cs ? Faults.Record(s, ExceptionVector.InvalidOpcode) : Segmentation.LoadSegment(s, op->R0, selector);

    private static bool LoadFromMemory(CpuState* s, Op* op)
    {
        if (op->R0 == SegmentIndex.Cs)
        {
            return Faults.Record(s, ExceptionVector.InvalidOpcode);
        }

        return SystemHandler.ReadMemory(s, op, out ushort selector) && Load(s, op, selector);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool Push(CpuState* s, Op* op, int size)
    {
        uint esp = CpuState.R32(s, 4) - (uint)size;
        SegmentRegister* ss = CpuState.Segment(s, SegmentIndex.Ss);
        if (!Access.WriteAt<ushort, General>(s, op, SegmentIndex.Ss, esp & StackFrame.Mask(ss), CpuState.Segment(s, op->R0)->Selector))
        {
            return false;
        }

        StackFrame.SetPointer(s, esp);
        return true;
    }

    private static bool Pop(CpuState* s, Op* op, int size)
    {
        uint esp = CpuState.R32(s, 4);
        ushort* p = Access.ReadAt<ushort, General>(s, op, SegmentIndex.Ss, esp & StackFrame.Mask(CpuState.Segment(s, SegmentIndex.Ss)));
        if (p == null)
        {
            return false;
        }

        // The pointer moves by the old stack's size, before POP SS may change it.
        uint mask = StackFrame.Mask(CpuState.Segment(s, SegmentIndex.Ss));
        if (!Segmentation.LoadSegment(s, op->R0, *p))
        {
            return false;
        }

        CpuState.R32(s, 4) = (esp & ~mask) | ((esp + (uint)size) & mask);
        return true;
    }

    private static bool LoadPointer(CpuState* s, Op* op, int segment, int size)
    {
        uint offset;
        if (size == 2)
        {
            if (!SystemHandler.ReadMemory(s, op, out ushort offset16))
            {
                return false;
            }

            offset = offset16;
        }
        else if (!SystemHandler.ReadMemory(s, op, out offset))
        {
            return false;
        }

        if (!SystemHandler.ReadMemory(s, op, (uint)size, out ushort selector) || !Segmentation.LoadSegment(s, segment, selector))
        {
            return false;
        }

        if (size == 2)
        {
            CpuState.Register<ushort>(s, op->R0) = (ushort)offset;
        }
        else
        {
            CpuState.Register<uint>(s, op->R0) = offset;
        }

        return true;
    }
}

/// <summary>A segment register as a type, for handlers that differ in it alone.</summary>
internal interface ISegmentNumber
{
    /// <summary>The <see cref="SegmentIndex"/> value.</summary>
    static abstract int Index { get; }
}

/// <summary>ES.</summary>
internal readonly struct SegmentEs : ISegmentNumber
{
    /// <inheritdoc/>
    public static int Index => SegmentIndex.Es;
}

/// <summary>SS.</summary>
internal readonly struct SegmentSs : ISegmentNumber
{
    /// <inheritdoc/>
    public static int Index => SegmentIndex.Ss;
}

/// <summary>DS.</summary>
internal readonly struct SegmentDs : ISegmentNumber
{
    /// <inheritdoc/>
    public static int Index => SegmentIndex.Ds;
}

/// <summary>FS.</summary>
internal readonly struct SegmentFs : ISegmentNumber
{
    /// <inheritdoc/>
    public static int Index => SegmentIndex.Fs;
}

/// <summary>GS.</summary>
internal readonly struct SegmentGs : ISegmentNumber
{
    /// <inheritdoc/>
    public static int Index => SegmentIndex.Gs;
}
