using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Emulator.Core.Cpu;
using Emulator.Core.Decoding;
using Emulator.Core.Semantics.Simd;

namespace Emulator.Core.Interpreter.Simd;

/// <summary>A conversion of one value; both types are bit patterns.</summary>
internal interface IConversion<TSource, TResult>
    where TSource : unmanaged
    where TResult : unmanaged
{
    /// <summary>The converted value; exceptions are added to <paramref name="raised"/>.</summary>
    static abstract TResult Apply(TSource b, uint mxcsr, ref uint raised);
}

internal readonly struct Cvtss2sd : IConversion<uint, ulong>
{
    public static ulong Apply(uint b, uint mxcsr, ref uint raised) => FloatConversion.SingleToDouble(b, mxcsr, ref raised);
}

internal readonly struct Cvtsd2ss : IConversion<ulong, uint>
{
    public static uint Apply(ulong b, uint mxcsr, ref uint raised) => FloatConversion.DoubleToSingle(b, mxcsr, ref raised);
}

internal readonly struct Cvtsi2ss : IConversion<int, uint>
{
    public static uint Apply(int b, uint mxcsr, ref uint raised) => FloatConversion.Int32ToSingle(b, mxcsr, ref raised);
}

internal readonly struct Cvtsi2sd : IConversion<int, ulong>
{
    public static ulong Apply(int b, uint mxcsr, ref uint raised) => FloatConversion.Int32ToDouble(b);
}

internal readonly struct Cvtss2si : IConversion<uint, int>
{
    public static int Apply(uint b, uint mxcsr, ref uint raised) => FloatConversion.SingleToInt32(b, false, mxcsr, ref raised);
}

internal readonly struct Cvttss2si : IConversion<uint, int>
{
    public static int Apply(uint b, uint mxcsr, ref uint raised) => FloatConversion.SingleToInt32(b, true, mxcsr, ref raised);
}

internal readonly struct Cvtsd2si : IConversion<ulong, int>
{
    public static int Apply(ulong b, uint mxcsr, ref uint raised) => FloatConversion.DoubleToInt32(b, false, mxcsr, ref raised);
}

internal readonly struct Cvttsd2si : IConversion<ulong, int>
{
    public static int Apply(ulong b, uint mxcsr, ref uint raised) => FloatConversion.DoubleToInt32(b, true, mxcsr, ref raised);
}

/// <summary>Conversions between the registers of different kinds and sizes.</summary>
internal static unsafe class ConversionHandlers
{
    // ---- the low lane of an XMM register from another XMM register or memory ----

    public static int Low<TConversion, TSource, TResult>(CpuState* s, Op* op)
        where TConversion : struct, IConversion<TSource, TResult>
        where TSource : unmanaged
        where TResult : unmanaged
    {
        if (!SimdState.CanUseSse(s) ||
            !Convert<TConversion, TSource, TResult>(s, (TResult*)SimdState.Xmm(s, op->R0), *(TSource*)SimdState.Xmm(s, op->R1)))
        {
            return Faults.At(s, op);
        }

        return op[1].Handler(s, op + 1);
    }

    public static int LowMemory<TConversion, TSource, TResult, TA>(CpuState* s, Op* op)
        where TConversion : struct, IConversion<TSource, TResult>
        where TSource : unmanaged
        where TResult : unmanaged
        where TA : struct, IAddressing
    {
        if (!SimdState.CanUseSse(s))
        {
            return Faults.At(s, op);
        }

        TSource* b = Access.Read<TSource, TA>(s, op);
        if (b == null || !Convert<TConversion, TSource, TResult>(s, (TResult*)SimdState.Xmm(s, op->R0), *b))
        {
            return Faults.At(s, op);
        }

        return op[1].Handler(s, op + 1);
    }

    // ---- the low lane of an XMM register from a general register (the memory form is LowMemory) ----

    public static int FromInteger<TConversion, TResult>(CpuState* s, Op* op)
        where TConversion : struct, IConversion<int, TResult>
        where TResult : unmanaged
    {
        if (!SimdState.CanUseSse(s) ||
            !Convert<TConversion, int, TResult>(s, (TResult*)SimdState.Xmm(s, op->R0), CpuState.Register<int>(s, op->R1)))
        {
            return Faults.At(s, op);
        }

        return op[1].Handler(s, op + 1);
    }

    // ---- a general register from an XMM register or memory ----

    public static int ToInteger<TConversion, TSource>(CpuState* s, Op* op)
        where TConversion : struct, IConversion<TSource, int>
        where TSource : unmanaged
    {
        if (!SimdState.CanUseSse(s) ||
            !Convert<TConversion, TSource, int>(s, (int*)((byte*)s + op->R0), *(TSource*)SimdState.Xmm(s, op->R1)))
        {
            return Faults.At(s, op);
        }

        return op[1].Handler(s, op + 1);
    }

    public static int ToIntegerMemory<TConversion, TSource, TA>(CpuState* s, Op* op)
        where TConversion : struct, IConversion<TSource, int>
        where TSource : unmanaged
        where TA : struct, IAddressing
    {
        if (!SimdState.CanUseSse(s))
        {
            return Faults.At(s, op);
        }

        TSource* b = Access.Read<TSource, TA>(s, op);
        if (b == null || !Convert<TConversion, TSource, int>(s, (int*)((byte*)s + op->R0), *b))
        {
            return Faults.At(s, op);
        }

        return op[1].Handler(s, op + 1);
    }

    // ---- an MMX register from an XMM register or memory: CVT(T)PS2PI, CVT(T)PD2PI ----

    public static int ToMmx<TOperation>(CpuState* s, Op* op)
        where TOperation : struct, IFloatOperation
    {
        if (!SimdState.CanUseSse(s) || !SimdState.CanUseMmx(s) || !ConvertToMmx<TOperation>(s, op->R0, SimdState.Xmm(s, op->R1)))
        {
            return SimdState.Fail(s, op);
        }

        return op[1].Handler(s, op + 1);
    }

    /// <summary>CVT(T)PS2PI from memory: eight bytes of any alignment.</summary>
    public static int ToMmxMemory64<TOperation, TA>(CpuState* s, Op* op)
        where TOperation : struct, IFloatOperation
        where TA : struct, IAddressing
    {
        if (!SimdState.CanUseSse(s) || !SimdState.CanUseMmx(s))
        {
            return SimdState.Fail(s, op);
        }

        ulong* b = Access.Read<ulong, TA>(s, op);
        if (b == null || !ConvertLowToMmx<TOperation>(s, op->R0, *b))
        {
            return SimdState.Fail(s, op);
        }

        return op[1].Handler(s, op + 1);
    }

    /// <summary>CVT(T)PD2PI from memory: sixteen bytes, aligned.</summary>
    public static int ToMmxMemory128<TOperation, TA>(CpuState* s, Op* op)
        where TOperation : struct, IFloatOperation
        where TA : struct, IAddressing
    {
        if (!SimdState.CanUseSse(s) || !SimdState.CanUseMmx(s))
        {
            return SimdState.Fail(s, op);
        }

        Vector128<byte>* b = SimdState.ReadAligned<TA>(s, op);
        if (b == null || !ConvertToMmx<TOperation>(s, op->R0, b))
        {
            return SimdState.Fail(s, op);
        }

        return op[1].Handler(s, op + 1);
    }

    // ---- an XMM register from an MMX register or memory: CVTPI2PS, CVTPI2PD ----

    /// <summary>The register form is an MMX instruction too, and has become one before it raises #XM.</summary>
    public static int FromMmx<TOperation>(CpuState* s, Op* op)
        where TOperation : struct, IFloatOperation
    {
        if (!SimdState.CanUseSse(s) || !SimdState.CanUseMmx(s))
        {
            return SimdState.Fail(s, op);
        }

        SimdState.EnterMmx(s);
        if (!Combine<TOperation>(s, SimdState.Xmm(s, op->R0), SimdState.Mmx(s, op->R1)->Significand))
        {
            return SimdState.Fail(s, op);
        }

        return op[1].Handler(s, op + 1);
    }

    /// <summary>The memory form leaves the x87 state alone (measured: sse32 vectors).</summary>
    public static int FromMmxMemory<TOperation, TA>(CpuState* s, Op* op)
        where TOperation : struct, IFloatOperation
        where TA : struct, IAddressing
    {
        if (!SimdState.CanUseSse(s))
        {
            return Faults.At(s, op);
        }

        ulong* b = Access.Read<ulong, TA>(s, op);
        if (b == null || !Combine<TOperation>(s, SimdState.Xmm(s, op->R0), *b))
        {
            return Faults.At(s, op);
        }

        return op[1].Handler(s, op + 1);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool Convert<TConversion, TSource, TResult>(CpuState* s, TResult* destination, TSource b)
        where TConversion : struct, IConversion<TSource, TResult>
        where TSource : unmanaged
        where TResult : unmanaged
    {
        uint raised = 0;
        TResult r = TConversion.Apply(b, s->Mxcsr, ref raised);
        if (!SimdState.Settle(s, raised))
        {
            return false;
        }

        *destination = r;
        return true;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool Combine<TOperation>(CpuState* s, Vector128<byte>* destination, ulong b)
        where TOperation : struct, IFloatOperation
    {
        uint raised = 0;
        Vector128<byte> r = TOperation.Apply(*destination, PackedInteger.FromMmx(b), s->Mxcsr, ref raised);
        if (!SimdState.Settle(s, raised))
        {
            return false;
        }

        *destination = r;
        return true;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool ConvertToMmx<TOperation>(CpuState* s, int destination, Vector128<byte>* b)
        where TOperation : struct, IFloatOperation
    {
        uint raised = 0;
        ulong r = PackedInteger.ToMmx(TOperation.Apply(default, *b, s->Mxcsr, ref raised));
        return StoreMmx(s, destination, r, raised);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool ConvertLowToMmx<TOperation>(CpuState* s, int destination, ulong b)
        where TOperation : struct, IFloatOperation
    {
        uint raised = 0;
        ulong r = PackedInteger.ToMmx(TOperation.Apply(default, PackedInteger.FromMmx(b), s->Mxcsr, ref raised));
        return StoreMmx(s, destination, r, raised);
    }

    private static bool StoreMmx(CpuState* s, int destination, ulong value, uint raised)
    {
        // Measured (sse32 vectors): the switch to MMX happens before #XM is raised.
        SimdState.EnterMmx(s);
        if (!SimdState.Settle(s, raised))
        {
            return false;
        }

        SimdState.SetMmx(s, destination, value);
        return true;
    }
}
