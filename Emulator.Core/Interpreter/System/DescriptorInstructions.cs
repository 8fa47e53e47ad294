using System.Runtime.CompilerServices;
using Emulator.Core.Cpu;
using Emulator.Core.Decoding;
using Emulator.Core.Memory;

namespace Emulator.Core.Interpreter;

/// <summary>Descriptor-table registers, and LAR LSL VERR VERW ARPL.</summary>
internal static unsafe class DescriptorInstructions
{
    /// <summary>SGDT.</summary>
    public static int StoreGdt(CpuState* s, Op* op) => StoreTable(s, op, s->GdtLimit, s->GdtBase) ? op[1].Handler(s, op + 1) : Faults.At(s, op);

    /// <summary>SIDT.</summary>
    public static int StoreIdt(CpuState* s, Op* op) => StoreTable(s, op, s->IdtLimit, s->IdtBase) ? op[1].Handler(s, op + 1) : Faults.At(s, op);

    /// <summary>LGDT with 16-bit operand size: 24 bits of base.</summary>
    public static int LoadGdt16(CpuState* s, Op* op) => LoadGdt(s, op, 0xFFFFFF);

    /// <summary>LGDT.</summary>
    public static int LoadGdt32(CpuState* s, Op* op) => LoadGdt(s, op, 0xFFFFFFFF);

    /// <summary>LIDT with 16-bit operand size: 24 bits of base.</summary>
    public static int LoadIdt16(CpuState* s, Op* op) => LoadIdt(s, op, 0xFFFFFF);

    /// <summary>LIDT.</summary>
    public static int LoadIdt32(CpuState* s, Op* op) => LoadIdt(s, op, 0xFFFFFFFF);

    /// <summary>SLDT r16.</summary>
    public static int StoreLdt16(CpuState* s, Op* op) => StoreRegister16(s, op, SegmentIndex.Ldtr);

    /// <summary>SLDT r32.</summary>
    public static int StoreLdt32(CpuState* s, Op* op) => StoreRegister32(s, op, SegmentIndex.Ldtr);

    /// <summary>SLDT m16.</summary>
    public static int StoreLdtMemory(CpuState* s, Op* op) => StoreMemory(s, op, SegmentIndex.Ldtr);

    /// <summary>STR r16.</summary>
    public static int StoreTask16(CpuState* s, Op* op) => StoreRegister16(s, op, SegmentIndex.Tr);

    /// <summary>STR r32.</summary>
    public static int StoreTask32(CpuState* s, Op* op) => StoreRegister32(s, op, SegmentIndex.Tr);

    /// <summary>STR m16.</summary>
    public static int StoreTaskMemory(CpuState* s, Op* op) => StoreMemory(s, op, SegmentIndex.Tr);

    /// <summary>LLDT.</summary>
    public static int LoadLdt<TS>(CpuState* s, Op* op)
        where TS : struct, ISelectorSource =>
        SystemHandler.EndBlock(s, op, CheckSystem(s) && TS.Read(s, op, op->R0, out ushort selector) && LoadLdtr(s, selector));

    /// <summary>LTR.</summary>
    public static int LoadTask<TS>(CpuState* s, Op* op)
        where TS : struct, ISelectorSource =>
        SystemHandler.EndBlock(s, op, CheckSystem(s) && TS.Read(s, op, op->R0, out ushort selector) && LoadTr(s, selector));

    /// <summary>VERR.</summary>
    public static int VerifyRead<TS>(CpuState* s, Op* op)
        where TS : struct, ISelectorSource => Verify<TS>(s, op, &IsReadable);

    /// <summary>VERW.</summary>
    public static int VerifyWrite<TS>(CpuState* s, Op* op)
        where TS : struct, ISelectorSource => Verify<TS>(s, op, &IsWritable);

    /// <summary>LAR r16.</summary>
    public static int AccessRights16<TS>(CpuState* s, Op* op)
        where TS : struct, ISelectorSource
    {
        if (!Find<TS>(s, op, op->R1, &HasAccessRights, out Descriptor d, out bool found))
        {
            return Faults.At(s, op);
        }

        if (found)
        {
            CpuState.Register<ushort>(s, op->R0) = (ushort)(d.High & 0xFF00);
        }

        return SystemHandler.EndBlock(s, op);
    }

    /// <summary>LAR r32: bits 19–16, undefined by the manual, are the descriptor's (measured: seg32 vectors).</summary>
    public static int AccessRights32<TS>(CpuState* s, Op* op)
        where TS : struct, ISelectorSource
    {
        if (!Find<TS>(s, op, op->R1, &HasAccessRights, out Descriptor d, out bool found))
        {
            return Faults.At(s, op);
        }

        if (found)
        {
            CpuState.Register<uint>(s, op->R0) = d.High & 0xFFFF00;
        }

        return SystemHandler.EndBlock(s, op);
    }

    /// <summary>LSL r16.</summary>
    public static int SegmentLimit16<TS>(CpuState* s, Op* op)
        where TS : struct, ISelectorSource
    {
        if (!Find<TS>(s, op, op->R1, &HasLimit, out Descriptor d, out bool found))
        {
            return Faults.At(s, op);
        }

        if (found)
        {
            CpuState.Register<ushort>(s, op->R0) = (ushort)d.Limit;
        }

        return SystemHandler.EndBlock(s, op);
    }

    /// <summary>LSL r32.</summary>
    public static int SegmentLimit32<TS>(CpuState* s, Op* op)
        where TS : struct, ISelectorSource
    {
        if (!Find<TS>(s, op, op->R1, &HasLimit, out Descriptor d, out bool found))
        {
            return Faults.At(s, op);
        }

        if (found)
        {
            CpuState.Register<uint>(s, op->R0) = d.Limit;
        }

        return SystemHandler.EndBlock(s, op);
    }

    /// <summary>ARPL r16, r16.</summary>
    public static int AdjustRpl(CpuState* s, Op* op)
    {
        if (!SystemHandler.CheckProtected(s))
        {
            return Faults.At(s, op);
        }

        ref ushort selector = ref CpuState.Register<ushort>(s, op->R0);
        int rpl = CpuState.Register<ushort>(s, op->R1) & 3;
        bool raise = (selector & 3) < rpl;
        SetZero(s, raise);
        if (raise)
        {
            selector = (ushort)((selector & ~3) | rpl);
        }

        return SystemHandler.EndBlock(s, op);
    }

    /// <summary>ARPL m16, r16.</summary>
    public static int AdjustRplMemory(CpuState* s, Op* op)
    {
        if (!SystemHandler.CheckProtected(s))
        {
            return Faults.At(s, op);
        }

        if (!SystemHandler.ReadMemory(s, op, out ushort selector))
        {
            return Faults.At(s, op);
        }

        // Memory is written, and must be writable, only when the RPL rises (measured: seg32 vectors).
        int rpl = CpuState.Register<ushort>(s, op->R1) & 3;
        bool raise = (selector & 3) < rpl;
        if (raise && !Access.Write<ushort, General>(s, op, (ushort)((selector & ~3) | rpl)))
        {
            return Faults.At(s, op);
        }

        SetZero(s, raise);
        return SystemHandler.EndBlock(s, op);
    }

    private static bool CheckSystem(CpuState* s) => SystemHandler.CheckProtected(s) && SystemHandler.CheckPrivilege(s);

    private static int StoreRegister16(CpuState* s, Op* op, int segment)
    {
        if (!SystemHandler.CheckProtected(s))
        {
            return Faults.At(s, op);
        }

        CpuState.Register<ushort>(s, op->R0) = CpuState.Segment(s, segment)->Selector;
        return SystemHandler.EndBlock(s, op);
    }

    private static int StoreRegister32(CpuState* s, Op* op, int segment)
    {
        if (!SystemHandler.CheckProtected(s))
        {
            return Faults.At(s, op);
        }

        CpuState.Register<uint>(s, op->R0) = CpuState.Segment(s, segment)->Selector;
        return SystemHandler.EndBlock(s, op);
    }

    private static int StoreMemory(CpuState* s, Op* op, int segment) => SystemHandler.EndBlock(
        s, op, SystemHandler.CheckProtected(s) && Access.Write<ushort, General>(s, op, CpuState.Segment(s, segment)->Selector));

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool StoreTable(CpuState* s, Op* op, ushort limit, uint tableBase)
    {
        // Six bytes, all or nothing.
        uint offset = Access.Offset<General>(s, op);
        uint second = (op->Flags & OpFlags.Address16) != 0 ? (offset + 2) & 0xFFFF : offset + 2;
        return Access.CheckWrite(s, op->Segment, offset, 2, out _)
            && Access.CheckWrite(s, op->Segment, second, 4, out uint linear)
            && Mmu.CheckWrite(s, linear, 4, s->Cpl == 3)
            && Access.WriteAt<ushort, General>(s, op, op->Segment, offset, limit)
            && Access.WriteAt<uint, General>(s, op, op->Segment, second, tableBase);
    }

    private static bool ReadTable(CpuState* s, Op* op, out ushort limit, out uint tableBase)
    {
        limit = 0;
        tableBase = 0;
        return SystemHandler.CheckPrivilege(s) && SystemHandler.ReadMemory(s, op, out limit) && SystemHandler.ReadMemory(s, op, 2, out tableBase);
    }

    private static int LoadGdt(CpuState* s, Op* op, uint mask)
    {
        if (!ReadTable(s, op, out ushort limit, out uint tableBase))
        {
            return Faults.At(s, op);
        }

        s->GdtLimit = limit;
        s->GdtBase = tableBase & mask;
        return SystemHandler.EndBlock(s, op);
    }

    private static int LoadIdt(CpuState* s, Op* op, uint mask)
    {
        if (!ReadTable(s, op, out ushort limit, out uint tableBase))
        {
            return Faults.At(s, op);
        }

        s->IdtLimit = limit;
        s->IdtBase = tableBase & mask;
        return SystemHandler.EndBlock(s, op);
    }

    private static bool LoadLdtr(CpuState* s, ushort selector)
    {
        const byte Gp = ExceptionVector.GeneralProtection;
        if (Segmentation.IsNull(selector))
        {
            Segmentation.SetNull(s, SegmentIndex.Ldtr, selector);
            return true;
        }

        if ((selector & 4) != 0)
        {
            return Faults.Record(s, Gp, Segmentation.Error(selector, 0));
        }

        if (!Segmentation.ReadDescriptor(s, selector, Gp, 0, out Descriptor d))
        {
            return false;
        }

        if (d.IsSegment || d.Type != Descriptor.Ldt)
        {
            return Faults.Record(s, Gp, Segmentation.Error(selector, 0));
        }

        if (!d.IsPresent)
        {
            return Faults.Record(s, ExceptionVector.SegmentNotPresent, Segmentation.Error(selector, 0));
        }

        Segmentation.Load(s, SegmentIndex.Ldtr, selector, d);
        return true;
    }

    private static bool LoadTr(CpuState* s, ushort selector)
    {
        const byte Gp = ExceptionVector.GeneralProtection;
        if (Segmentation.IsNull(selector) || (selector & 4) != 0)
        {
            return Faults.Record(s, Gp, Segmentation.Error(selector, 0));
        }

        if (!Segmentation.ReadDescriptor(s, selector, Gp, 0, out Descriptor d))
        {
            return false;
        }

        if (!d.IsAvailableTss)
        {
            return Faults.Record(s, Gp, Segmentation.Error(selector, 0));
        }

        if (!d.IsPresent)
        {
            return Faults.Record(s, ExceptionVector.SegmentNotPresent, Segmentation.Error(selector, 0));
        }

        if (!Mmu.WriteSystem(s, d.Address + 5, (byte)((d.High >> 8) | Descriptor.BusyBit)))
        {
            return false;
        }

        Segmentation.Load(s, SegmentIndex.Tr, selector, d);
        CpuState.Segment(s, SegmentIndex.Tr)->Attributes |= Descriptor.BusyBit;
        return true;
    }

    private static int Verify<TS>(CpuState* s, Op* op, delegate*<CpuState*, ushort, Descriptor, bool> query)
        where TS : struct, ISelectorSource => SystemHandler.EndBlock(s, op, Find<TS>(s, op, op->R0, query, out _, out _));

    /// <summary>Looks a selector up for LAR and its kin and sets ZF; false only with a fault recorded.</summary>
    private static bool Find<TS>(CpuState* s, Op* op, byte register, delegate*<CpuState*, ushort, Descriptor, bool> query, out Descriptor d, out bool found)
        where TS : struct, ISelectorSource
    {
        d = default;
        found = false;
        if (!SystemHandler.CheckProtected(s) || !TS.Read(s, op, register, out ushort selector))
        {
            return false;
        }

        if (!Segmentation.IsNull(selector) && Segmentation.FindDescriptor(s, selector, out uint address))
        {
            if (!Mmu.ReadSystem(s, address, out ulong raw))
            {
                return false;
            }

            d = new Descriptor(raw, address);
            found = query(s, selector, d);
        }

        SetZero(s, found);
        return true;
    }

    private static bool IsVisible(CpuState* s, ushort selector, Descriptor d) =>
        d.IsConformingCode || d.Dpl >= Math.Max(s->Cpl, selector & 3);

    private static bool IsReadable(CpuState* s, ushort selector, Descriptor d) => d.IsReadable && IsVisible(s, selector, d);

    private static bool IsWritable(CpuState* s, ushort selector, Descriptor d) => d.IsWritableData && IsVisible(s, selector, d);

    private static bool HasLimit(CpuState* s, ushort selector, Descriptor d) =>
        (d.IsSegment || d.IsTss || d.Type == Descriptor.Ldt) && IsVisible(s, selector, d);

    private static bool HasAccessRights(CpuState* s, ushort selector, Descriptor d) =>
        (d.IsSegment || d.IsTss || d.Type is Descriptor.Ldt or Descriptor.CallGate16 or Descriptor.TaskGate or Descriptor.CallGate32) && IsVisible(s, selector, d);

    private static void SetZero(CpuState* s, bool zero) => LazyFlags.SetStatus(s, (LazyFlags.Status(s) & ~Eflags.ZF) | (zero ? Eflags.ZF : 0));
}

/// <summary>Where LLDT and its kin take their selector from.</summary>
internal unsafe interface ISelectorSource
{
    /// <summary>Reads the selector; false with a fault recorded.</summary>
    static abstract bool Read(CpuState* s, Op* op, byte register, out ushort selector);
}

/// <summary>A general register.</summary>
internal readonly unsafe struct FromRegister : ISelectorSource
{
    /// <inheritdoc/>
    public static bool Read(CpuState* s, Op* op, byte register, out ushort selector)
    {
        selector = CpuState.Register<ushort>(s, register);
        return true;
    }
}

/// <summary>The memory operand.</summary>
internal readonly unsafe struct FromMemory : ISelectorSource
{
    /// <inheritdoc/>
    public static bool Read(CpuState* s, Op* op, byte register, out ushort selector) => SystemHandler.ReadMemory(s, op, out selector);
}
