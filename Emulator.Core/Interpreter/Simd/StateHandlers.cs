using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Emulator.Core.Cpu;
using Emulator.Core.Decoding;
using Emulator.Core.Memory;
using Emulator.Core.Semantics.Simd;

namespace Emulator.Core.Interpreter.Simd;

/// <summary>
/// MXCSR, EMMS, FXSAVE and FXRSTOR, and the instructions that only hint at something: fences, prefetches, PAUSE, CLFLUSH.
/// </summary>
internal static unsafe class StateHandlers
{
    private const int ImageSize = 512;
    private const int XmmOffset = 160;
    private const int FpuOffset = 32;

    /// <summary>Fences order nothing here, because every access completes at once; prefetches never fault.</summary>
    public static int Nothing(CpuState* s, Op* op) => op[1].Handler(s, op + 1);

    public static int NothingMemory<TA>(CpuState* s, Op* op)
        where TA : struct, IAddressing => op[1].Handler(s, op + 1);

    /// <summary>CLFLUSH faults like a byte read; there is no cache to flush.</summary>
    public static int Clflush<TA>(CpuState* s, Op* op)
        where TA : struct, IAddressing
    {
        if (!CheckByte<TA>(s, op))
        {
            return Faults.At(s, op);
        }

        return op[1].Handler(s, op + 1);
    }

    public static int Emms(CpuState* s, Op* op)
    {
        if (!SimdState.CanUseMmx(s))
        {
            return SimdState.Fail(s, op);
        }

        SimdState.EnterMmx(s);
        s->Ftw = 0;
        return op[1].Handler(s, op + 1);
    }

    public static int Ldmxcsr<TA>(CpuState* s, Op* op)
        where TA : struct, IAddressing
    {
        if (!SimdState.CanUseSse(s))
        {
            return Faults.At(s, op);
        }

        uint* b = Access.Read<uint, TA>(s, op);
        if (b == null)
        {
            return Faults.At(s, op);
        }

        if ((*b & ~WritableMxcsr(s)) != 0)
        {
            return Faults.Raise(s, op, ExceptionVector.GeneralProtection, 0);
        }

        s->Mxcsr = *b;
        return op[1].Handler(s, op + 1);
    }

    public static int Stmxcsr<TA>(CpuState* s, Op* op)
        where TA : struct, IAddressing
    {
        if (!SimdState.CanUseSse(s) || !Access.Write<uint, TA>(s, op, s->Mxcsr))
        {
            return Faults.At(s, op);
        }

        return op[1].Handler(s, op + 1);
    }

    public static int Fxsave<TA>(CpuState* s, Op* op)
        where TA : struct, IAddressing
    {
        if (!CanUseImage(s) || !SaveImage<TA>(s, op))
        {
            return Faults.At(s, op);
        }

        return op[1].Handler(s, op + 1);
    }

    public static int Fxrstor<TA>(CpuState* s, Op* op)
        where TA : struct, IAddressing
    {
        if (!CanUseImage(s) || !RestoreImage<TA>(s, op))
        {
            return Faults.At(s, op);
        }

        return op[1].Handler(s, op + 1);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static uint WritableMxcsr(CpuState* s)
    {
        // Denormals-are-zeros came with SSE2.
        return CpuCore.Of(s).Model.Has(CpuFeatures.Sse2) ? Mxcsr.Writable : Mxcsr.Writable & ~Mxcsr.DenormalsAreZeros;
    }

    private static bool CanUseImage(CpuState* s) =>
        (s->Cr0 & (Cr0.EM | Cr0.TS)) == 0
        || Faults.Record(s, (s->Cr0 & Cr0.EM) != 0 ? ExceptionVector.InvalidOpcode : ExceptionVector.DeviceNotAvailable);

    /// <summary>With alignment checking on, an unaligned image is #AC instead (measured: seg32 vectors).</summary>
    private static bool RecordUnaligned(CpuState* s)
    {
        bool checkAlignment = s->Cpl == 3 && (s->Cr0 & Cr0.AM) != 0 && (s->EflagsRest & Eflags.AC) != 0;
        return Faults.Record(s, checkAlignment ? ExceptionVector.AlignmentCheck : ExceptionVector.GeneralProtection, 0);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool CheckByte<TA>(CpuState* s, Op* op)
        where TA : struct, IAddressing =>
        Access.CheckRead(s, op->Segment, Access.Offset<TA>(s, op), 1, out uint linear) && Mmu.CheckRead(s, linear, 1, s->Cpl == 3);

    /// <summary>
    /// FXSAVE (SDM vol. 1, 10.5.1): bytes 0 to 287 without CR4.OSFXSR hold no XMM registers; what lies behind XMM7 is not written.
    /// </summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool SaveImage<TA>(CpuState* s, Op* op)
        where TA : struct, IAddressing
    {
        uint offset = Access.Offset<TA>(s, op);
        if (!Access.CheckWrite(s, op->Segment, offset, ImageSize, out uint linear))
        {
            return false;
        }

        if ((linear & 15) != 0)
        {
            return RecordUnaligned(s);
        }

        // Measured (page32 vectors): the last byte is probed first.
        bool user = s->Cpl == 3;
        if (!Mmu.CheckWrite(s, linear + ImageSize - 1, 1, user) || !Mmu.CheckWrite(s, linear, 1, user))
        {
            return false;
        }

        bool hasSse = CpuCore.Of(s).Model.Has(CpuFeatures.Sse);
        ulong control = s->Fcw | ((ulong)s->Fsw << 16) | ((ulong)s->Ftw << 32) | ((ulong)s->Fop << 48);
        ulong instruction = s->Fip | ((ulong)s->Fcs << 32);
        ulong data = s->Fdp | ((ulong)s->Fds << 32);
        ulong mxcsr = hasSse ? s->Mxcsr | ((ulong)WritableMxcsr(s) << 32) : 0;
        if (!Access.WriteAt<Vector128<byte>, TA>(s, op, op->Segment, offset, Vector128.Create(control, instruction).AsByte())
            || !Access.WriteAt<Vector128<byte>, TA>(s, op, op->Segment, offset + 16, Vector128.Create(data, mxcsr).AsByte()))
        {
            return false;
        }

        int top = (s->Fsw >> 11) & 7;
        for (int i = 0; i < 8; i++)
        {
            FpuRegister* r = CpuState.FpuPhysical(s, top + i);
            Vector128<byte> image = Vector128.Create(r->Significand, r->SignExponent).AsByte();
            if (!Access.WriteAt<Vector128<byte>, TA>(s, op, op->Segment, offset + (uint)(FpuOffset + (16 * i)), image))
            {
                return false;
            }
        }

        if (!hasSse || (s->Cr4 & Cr4.OSFXSR) == 0)
        {
            return true;
        }

        for (int i = 0; i < 8; i++)
        {
            if (!Access.WriteAt<Vector128<byte>, TA>(s, op, op->Segment, offset + (uint)(XmmOffset + (16 * i)), *SimdState.Xmm(s, i)))
            {
                return false;
            }
        }

        return true;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool RestoreImage<TA>(CpuState* s, Op* op)
        where TA : struct, IAddressing
    {
        const int Used = XmmOffset + (8 * 16);
        uint offset = Access.Offset<TA>(s, op);
        if (!Access.CheckRead(s, op->Segment, offset, ImageSize, out uint linear))
        {
            return false;
        }

        if ((linear & 15) != 0)
        {
            return RecordUnaligned(s);
        }

        // Measured (page32 vectors): the last byte is probed first.
        bool user = s->Cpl == 3;
        if (!Mmu.CheckRead(s, linear + ImageSize - 1, 1, user) || !Mmu.CheckRead(s, linear, 1, user))
        {
            return false;
        }

        byte* image = stackalloc byte[Used];
        for (int i = 0; i < Used; i += 16)
        {
            Vector128<byte>* b = Access.ReadAt<Vector128<byte>, TA>(s, op, op->Segment, offset + (uint)i);
            if (b == null)
            {
                return false;
            }

            *(Vector128<byte>*)(image + i) = *b;
        }

        bool loadXmm = CpuCore.Of(s).Model.Has(CpuFeatures.Sse) && (s->Cr4 & Cr4.OSFXSR) != 0;
        uint mxcsr = *(uint*)(image + 24);
        if (loadXmm && (mxcsr & ~WritableMxcsr(s)) != 0)
        {
            return Faults.Record(s, ExceptionVector.GeneralProtection, 0);
        }

        LoadFpu(s, image);
        if (loadXmm)
        {
            s->Mxcsr = mxcsr;
            for (int i = 0; i < 8; i++)
            {
                *SimdState.Xmm(s, i) = *(Vector128<byte>*)(image + XmmOffset + (16 * i));
            }
        }

        return true;
    }

    private static void LoadFpu(CpuState* s, byte* image)
    {
        const ushort ControlMask = 0x1F7F;
        const ushort ControlFixed = 0x40;

        s->Fcw = (ushort)((*(ushort*)image & ControlMask) | ControlFixed);
        s->Fsw = *(ushort*)(image + 2);
        X87Unit.UpdateSummary(s);
        s->Ftw = image[4];
        s->Fop = (ushort)(*(ushort*)(image + 6) & 0x7FF);
        s->Fip = *(uint*)(image + 8);
        s->Fcs = *(ushort*)(image + 12);
        s->Fdp = *(uint*)(image + 16);
        s->Fds = *(ushort*)(image + 20);
        int top = (s->Fsw >> 11) & 7;
        for (int i = 0; i < 8; i++)
        {
            byte* at = image + FpuOffset + (16 * i);
            FpuRegister* r = CpuState.FpuPhysical(s, top + i);
            r->Significand = *(ulong*)at;
            r->SignExponent = *(ushort*)(at + 8);
        }
    }
}
