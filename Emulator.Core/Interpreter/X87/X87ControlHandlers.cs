using System.Runtime.CompilerServices;
using Emulator.Core.Cpu;
using Emulator.Core.Decoding;
using Emulator.Core.Memory;
using Emulator.Core.Semantics.X87;

namespace Emulator.Core.Interpreter;

/// <summary>Control instructions: control and status word, environment, whole state, FNINIT, FNCLEX, FWAIT and the no-operations.</summary>
internal static unsafe class X87ControlHandlers
{
    /// <summary>Bits of the control word that can be written; bit 6 reads as 1.</summary>
    private const uint ControlBits = 0x1F3F;

    private const int RegisterBytes = 80;
    private const uint PageMask = 0xFFFFF000;

    /// <summary>The layout of an environment by operand size.</summary>
    public interface ILayout
    {
        /// <summary>Whether it is the 28-byte form.</summary>
        static abstract bool IsWide { get; }
    }

    /// <summary>FWAIT.</summary>
    public static int Wait(CpuState* s, Op* op)
    {
        if (((s->Cr0 & (Cr0.MP | Cr0.TS)) == (Cr0.MP | Cr0.TS)) || (s->Fsw & X87Status.ErrorSummary) != 0)
        {
            int status = WaitStopped(s, op);
            if (status != X87Unit.Proceed)
            {
                return status;
            }
        }

        return op[1].Handler(s, op + 1);
    }

    /// <summary>FNOP.</summary>
    public static int NoOperation(CpuState* s, Op* op)
    {
        if (X87Unit.MustStop(s))
        {
            int status = X87Unit.Stopped(s, op);
            if (status != X87Unit.Proceed)
            {
                return status;
            }
        }

        X87Unit.Track(s, op);
        return op[1].Handler(s, op + 1);
    }

    /// <summary>FNENI, FNDISI and FNSETPM, which do nothing since the 387.</summary>
    public static int Ignored(CpuState* s, Op* op) =>
        X87Unit.IsUnavailable(s) ? X87Unit.Unavailable(s, op) : op[1].Handler(s, op + 1);

    /// <summary>FNINIT.</summary>
    public static int Initialize(CpuState* s, Op* op)
    {
        if (X87Unit.IsUnavailable(s))
        {
            return X87Unit.Unavailable(s, op);
        }

        Reset(s);
        return op[1].Handler(s, op + 1);
    }

    /// <summary>FNCLEX.</summary>
    public static int ClearExceptions(CpuState* s, Op* op)
    {
        if (X87Unit.IsUnavailable(s))
        {
            return X87Unit.Unavailable(s, op);
        }

        s->Fsw &= 0x7F00;
        X87Unit.UpdateSummary(s);
        return op[1].Handler(s, op + 1);
    }

    /// <summary>FLDCW.</summary>
    public static int LoadControl<TA>(CpuState* s, Op* op)
        where TA : struct, IAddressing
    {
        if (X87Unit.MustStop(s))
        {
            int status = X87Unit.Stopped(s, op);
            if (status != X87Unit.Proceed)
            {
                return status;
            }
        }

        ushort* memory = Access.Read<ushort, TA>(s, op);
        if (memory == null)
        {
            return Faults.At(s, op);
        }

        SetControl(s, *memory);
        return op[1].Handler(s, op + 1);
    }

    /// <summary>FNSTCW.</summary>
    public static int StoreControl<TA>(CpuState* s, Op* op)
        where TA : struct, IAddressing
    {
        if (X87Unit.IsUnavailable(s))
        {
            return X87Unit.Unavailable(s, op);
        }

        return Access.Write<ushort, TA>(s, op, s->Fcw) ? op[1].Handler(s, op + 1) : Faults.At(s, op);
    }

    /// <summary>FNSTSW m16.</summary>
    public static int StoreStatus<TA>(CpuState* s, Op* op)
        where TA : struct, IAddressing
    {
        if (X87Unit.IsUnavailable(s))
        {
            return X87Unit.Unavailable(s, op);
        }

        return Access.Write<ushort, TA>(s, op, s->Fsw) ? op[1].Handler(s, op + 1) : Faults.At(s, op);
    }

    /// <summary>FNSTSW AX.</summary>
    public static int StoreStatusToAx(CpuState* s, Op* op)
    {
        if (X87Unit.IsUnavailable(s))
        {
            return X87Unit.Unavailable(s, op);
        }

        CpuState.Register<ushort>(s, op->R0) = s->Fsw;
        return op[1].Handler(s, op + 1);
    }

    /// <summary>FNSTENV.</summary>
    public static int StoreEnvironment<TLayout, TA>(CpuState* s, Op* op)
        where TLayout : struct, ILayout
        where TA : struct, IAddressing
    {
        if (X87Unit.IsUnavailable(s))
        {
            return X87Unit.Unavailable(s, op);
        }

        return StoreImage(s, op, Access.Offset<TA>(s, op), TLayout.IsWide, withRegisters: false)
            ? op[1].Handler(s, op + 1)
            : Faults.At(s, op);
    }

    /// <summary>FNSAVE.</summary>
    public static int Save<TLayout, TA>(CpuState* s, Op* op)
        where TLayout : struct, ILayout
        where TA : struct, IAddressing
    {
        if (X87Unit.IsUnavailable(s))
        {
            return X87Unit.Unavailable(s, op);
        }

        return StoreImage(s, op, Access.Offset<TA>(s, op), TLayout.IsWide, withRegisters: true)
            ? op[1].Handler(s, op + 1)
            : Faults.At(s, op);
    }

    /// <summary>FLDENV.</summary>
    public static int LoadEnvironment<TLayout, TA>(CpuState* s, Op* op)
        where TLayout : struct, ILayout
        where TA : struct, IAddressing
    {
        if (X87Unit.MustStop(s))
        {
            int status = X87Unit.Stopped(s, op);
            if (status != X87Unit.Proceed)
            {
                return status;
            }
        }

        return LoadImage(s, op, Access.Offset<TA>(s, op), TLayout.IsWide, withRegisters: false)
            ? op[1].Handler(s, op + 1)
            : Faults.At(s, op);
    }

    /// <summary>FRSTOR.</summary>
    public static int Restore<TLayout, TA>(CpuState* s, Op* op)
        where TLayout : struct, ILayout
        where TA : struct, IAddressing
    {
        if (X87Unit.MustStop(s))
        {
            int status = X87Unit.Stopped(s, op);
            if (status != X87Unit.Proceed)
            {
                return status;
            }
        }

        return LoadImage(s, op, Access.Offset<TA>(s, op), TLayout.IsWide, withRegisters: true)
            ? op[1].Handler(s, op + 1)
            : Faults.At(s, op);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static int WaitStopped(CpuState* s, Op* op) =>
        (s->Cr0 & (Cr0.MP | Cr0.TS)) == (Cr0.MP | Cr0.TS)
            ? Faults.Raise(s, op, ExceptionVector.DeviceNotAvailable)
            : X87Unit.PendingError(s, op);

    private static void Reset(CpuState* s)
    {
        s->Fcw = (ushort)X87Control.Default;
        s->Fsw = 0;
        s->Ftw = 0;
        s->Fop = s->Fcs = s->Fds = 0;
        s->Fip = s->Fdp = 0;
        X87Unit.UpdateSummary(s);
    }

    private static void SetControl(CpuState* s, uint value)
    {
        s->Fcw = (ushort)((value & ControlBits) | 0x40);
        X87Unit.UpdateSummary(s);
    }

    /// <summary>The two-bit tags of all registers, which only images show.</summary>
    private static uint FullTags(CpuState* s)
    {
        uint tags = 0;
        for (int i = 0; i < 8; i++)
        {
            uint tag = (s->Ftw >> i & 1) == 0 ? 3 : X87Operand.Tag(*(Float80*)CpuState.FpuPhysical(s, i));
            tags |= tag << (2 * i);
        }

        return tags;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool StoreImage(CpuState* s, Op* op, uint offset, bool wide, bool withRegisters)
    {
        byte* image = stackalloc byte[28 + RegisterBytes];
        int environment = wide ? 28 : 14;
        int size = withRegisters ? environment + RegisterBytes : environment;
        if (wide)
        {
            BuildWide(s, (uint*)image);
        }
        else
        {
            BuildNarrow(s, (ushort*)image);
        }

        for (int i = 0; withRegisters && i < 8; i++)
        {
            Float80* value = X87Unit.St(s, i);
            *(ulong*)(image + environment + (10 * i)) = value->Significand;
            *(ushort*)(image + environment + (10 * i) + 8) = value->SignExponent;
        }

        // All or nothing: everything is checked first, in the hardware's order: the first word, then the last byte (page32 vectors).
        if (!Access.CheckWrite(s, op->Segment, offset, wide ? 4u : 2, out uint linear) || !CheckAlignment(s, linear, wide)
            || !Access.CheckWrite(s, op->Segment, offset, (uint)size, out _))
        {
            return false;
        }

        TlbEntry* e = Access.Entry(s, linear);
        if ((linear & PageMask) == e->WriteTag && ((linear + (uint)size - 1) & PageMask) == e->WriteTag)
        {
            Buffer.MemoryCopy(image, (byte*)(e->Addend + linear), size, size);
        }
        else if (!Mmu.CheckWrite(s, linear, wide ? 4 : 2, s->Cpl == 3) || !Mmu.CheckWrite(s, linear + (uint)size - 1, 1, s->Cpl == 3)
            || !WritePieces(s, op, linear, image, size))
        {
            return false;
        }

        if (withRegisters)
        {
            Reset(s);
        }
        else
        {
            SetControl(s, s->Fcw | X87Status.Exceptions);
        }

        return true;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool LoadImage(CpuState* s, Op* op, uint offset, bool wide, bool withRegisters)
    {
        byte* image = stackalloc byte[28 + RegisterBytes];
        int environment = wide ? 28 : 14;
        int size = withRegisters ? environment + RegisterBytes : environment;
        if (!Access.CheckRead(s, op->Segment, offset, wide ? 4u : 2, out uint linear) || !CheckAlignment(s, linear, wide)
            || !Access.CheckRead(s, op->Segment, offset, (uint)size, out _))
        {
            return false;
        }

        TlbEntry* e = Access.Entry(s, linear);
        if ((linear & PageMask) == e->ReadTag && ((linear + (uint)size - 1) & PageMask) == e->ReadTag)
        {
            Buffer.MemoryCopy((byte*)(e->Addend + linear), image, size, size);
        }
        else if (!Mmu.CheckRead(s, linear, wide ? 4 : 2, s->Cpl == 3) || !Mmu.CheckRead(s, linear + (uint)size - 1, 1, s->Cpl == 3)
            || !ReadPieces(s, op, linear, image, size))
        {
            return false;
        }

        uint tags;
        if (wide)
        {
            tags = ParseWide(s, (uint*)image);
        }
        else
        {
            tags = ParseNarrow(s, (ushort*)image);
        }

        s->Ftw = 0;
        for (int i = 0; i < 8; i++)
        {
            if ((tags >> (2 * i) & 3) != 3)
            {
                s->Ftw |= (byte)(1 << i);
            }
        }

        for (int i = 0; withRegisters && i < 8; i++)
        {
            *X87Unit.St(s, i) = new(*(ulong*)(image + environment + (10 * i)), *(ushort*)(image + environment + (10 * i) + 8));
        }

        X87Unit.UpdateSummary(s);
        return true;
    }

    private static bool WritePieces(CpuState* s, Op* op, uint linear, byte* image, int size)
    {
        for (int at = 0; at < size; at += 2)
        {
            if (!Mmu.WriteOperand(s, op, linear + (uint)at, image + at, 2))
            {
                return false;
            }
        }

        return true;
    }

    private static bool ReadPieces(CpuState* s, Op* op, uint linear, byte* image, int size)
    {
        for (int at = 0; at < size; at += 2)
        {
            if (!Mmu.ReadOperand(s, op, linear + (uint)at, image + at, 2))
            {
                return false;
            }
        }

        return true;
    }

    private static bool CheckAlignment(CpuState* s, uint linear, bool wide) =>
        s->Cpl != 3 || (s->Cr0 & Cr0.AM) == 0 || (s->EflagsRest & Eflags.AC) == 0 || (linear & (wide ? 3u : 1)) == 0
        || Faults.Record(s, ExceptionVector.AlignmentCheck, 0);

    private static void BuildWide(CpuState* s, uint* image)
    {
        image[0] = 0xFFFF_0000u | s->Fcw;
        image[1] = 0xFFFF_0000u | s->Fsw;
        image[2] = 0xFFFF_0000u | FullTags(s);
        if (!CpuMode.HasRealSegments(s))
        {
            image[3] = s->Fip;
            image[4] = ((uint)s->Fop << 16) | s->Fcs;
            image[5] = s->Fdp;
            image[6] = 0xFFFF_0000u | s->Fds;
            return;
        }

        uint instruction = ((uint)s->Fcs << 4) + s->Fip;
        uint data = ((uint)s->Fds << 4) + s->Fdp;
        image[3] = 0xFFFF_0000u | (instruction & 0xFFFF);
        image[4] = (instruction >> 16 << 12) | s->Fop;
        image[5] = 0xFFFF_0000u | (data & 0xFFFF);
        image[6] = data >> 16 << 12;
    }

    private static void BuildNarrow(CpuState* s, ushort* image)
    {
        image[0] = s->Fcw;
        image[1] = s->Fsw;
        image[2] = (ushort)FullTags(s);
        if (!CpuMode.HasRealSegments(s))
        {
            image[3] = (ushort)s->Fip;
            image[4] = s->Fcs;
            image[5] = (ushort)s->Fdp;
            image[6] = s->Fds;
            return;
        }

        uint instruction = ((uint)s->Fcs << 4) + s->Fip;
        uint data = ((uint)s->Fds << 4) + s->Fdp;
        image[3] = (ushort)instruction;
        image[4] = (ushort)((instruction >> 16 << 12) | s->Fop);
        image[5] = (ushort)data;
        image[6] = (ushort)(data >> 16 << 12);
    }

    private static uint ParseWide(CpuState* s, uint* image)
    {
        s->Fcw = (ushort)((image[0] & ControlBits) | 0x40);
        s->Fsw = (ushort)image[1];
        if (!CpuMode.HasRealSegments(s))
        {
            s->Fip = image[3];
            s->Fcs = (ushort)image[4];
            s->Fop = (ushort)(image[4] >> 16 & 0x7FF);
            s->Fdp = image[5];
            s->Fds = (ushort)image[6];
        }
        else
        {
            // Linear addresses: the split into segment and offset is not in the image.
            s->Fip = (image[3] & 0xFFFF) | (image[4] >> 12 << 16);
            s->Fop = (ushort)(image[4] & 0x7FF);
            s->Fdp = (image[5] & 0xFFFF) | (image[6] >> 12 << 16);
            s->Fcs = s->Fds = 0;
        }

        return image[2];
    }

    private static uint ParseNarrow(CpuState* s, ushort* image)
    {
        s->Fcw = (ushort)((image[0] & ControlBits) | 0x40);
        s->Fsw = image[1];
        if (!CpuMode.HasRealSegments(s))
        {
            s->Fip = image[3];
            s->Fcs = image[4];
            s->Fdp = image[5];
            s->Fds = image[6];
        }
        else
        {
            s->Fip = image[3] | ((uint)image[4] >> 12 << 16);
            s->Fop = (ushort)(image[4] & 0x7FF);
            s->Fdp = image[5] | ((uint)image[6] >> 12 << 16);
            s->Fcs = s->Fds = 0;
        }

        return image[2];
    }

    /// <summary>28 bytes.</summary>
    public readonly struct Wide : ILayout
    {
        /// <inheritdoc/>
        public static bool IsWide => true;
    }

    /// <summary>14 bytes.</summary>
    public readonly struct Narrow : ILayout
    {
        /// <inheritdoc/>
        public static bool IsWide => false;
    }
}
