using System.Runtime.CompilerServices;
using Emulator.Core.Cpu;
using Emulator.Core.Decoding;
using Emulator.Core.Semantics.X87;

namespace Emulator.Core.Interpreter;

/// <summary>Loads, stores, exchanges and the stack instructions.</summary>
internal static unsafe class X87MoveHandlers
{
    /// <summary>A constant that FLD1 and its relatives push.</summary>
    public interface IConstant
    {
        /// <summary>The value for a rounding control.</summary>
        static abstract Float80 Value(uint control);
    }

    /// <summary>The meaning of a ten-byte operand.</summary>
    public interface IWideFormat
    {
        /// <summary>Whether it is packed decimal rather than a register image.</summary>
        static abstract bool IsDecimal { get; }
    }

    /// <summary>FLD m32, FLD m64, FILD; T is float, double, short, int or long.</summary>
    public static int Load<T, TA>(CpuState* s, Op* op)
        where T : unmanaged
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

        uint offset = Access.Offset<TA>(s, op);
        T* memory = Access.ReadAt<T, TA>(s, op, op->Segment, offset);
        if (memory == null)
        {
            return Faults.At(s, op);
        }

        X87Unit.Track(s, op, offset);
        if (!X87Unit.IsEmpty(s, -1))
        {
            PushIndefinite(s);
            return op[1].Handler(s, op + 1);
        }

        s->FpuRaised = 0;
        Float80 value = X87ArithmeticHandlers.Widen(memory, ref s->FpuRaised);
        if (typeof(T) == typeof(float) || typeof(T) == typeof(double))
        {
            value = X87Convert.Load(value, s->FpuRaised != 0, ref s->FpuRaised);
        }

        // An unmasked #D does not stop a load.
        uint raised = s->FpuRaised;
        if ((raised & ~(uint)s->Fcw & X87Status.Invalid) == 0)
        {
            X87Unit.RaiseAndPush(s, raised, value);
            return op[1].Handler(s, op + 1);
        }

        X87Unit.Raise(s, raised);

        return op[1].Handler(s, op + 1);
    }

    /// <summary>FLD m80 and FBLD.</summary>
    public static int LoadWide<TFormat, TA>(CpuState* s, Op* op)
        where TFormat : struct, IWideFormat
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

        uint offset = Access.Offset<TA>(s, op);
        X87Unit.Memory80* memory = Access.ReadAt<X87Unit.Memory80, TA>(s, op, op->Segment, offset);
        if (memory == null)
        {
            return Faults.At(s, op);
        }

        X87Unit.Track(s, op, offset);
        if (!X87Unit.IsEmpty(s, -1))
        {
            PushIndefinite(s);
            return op[1].Handler(s, op + 1);
        }

        X87Unit.RaiseAndPush(s, 0, TFormat.IsDecimal ? X87Decimal.FromPacked(memory->Low, memory->High) : new(memory->Low, memory->High));
        return op[1].Handler(s, op + 1);
    }

    /// <summary>FLD ST(i).</summary>
    public static int LoadRegister(CpuState* s, Op* op)
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
        if (X87Unit.IsEmpty(s, op->R0) || !X87Unit.IsEmpty(s, -1))
        {
            LoadFrom(s, op->R0);
            return op[1].Handler(s, op + 1);
        }

        X87Unit.RaiseAndPush(s, 0, *X87Unit.St(s, op->R0));
        return op[1].Handler(s, op + 1);
    }

    /// <summary>FLD1, FLDZ, FLDPI, FLDL2E, FLDL2T, FLDLG2, FLDLN2.</summary>
    public static int LoadConstant<TConstant>(CpuState* s, Op* op)
        where TConstant : struct, IConstant
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
        if (!X87Unit.IsEmpty(s, -1))
        {
            PushIndefinite(s);
            return op[1].Handler(s, op + 1);
        }

        X87Unit.RaiseAndPush(s, 0, TConstant.Value(s->Fcw));
        return op[1].Handler(s, op + 1);
    }

    /// <summary>FST and FSTP to memory, FIST and FISTP; T is float, double, short, int or long.</summary>
    public static int Store<T, TPop, TA>(CpuState* s, Op* op)
        where T : unmanaged
        where TPop : struct, X87ArithmeticHandlers.IPop
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

        uint offset = Access.Offset<TA>(s, op);
        s->FpuRaised = 0;
        bool empty = X87Unit.IsEmpty(s, 0);
        if (empty)
        {
            s->FpuRaised = X87Status.Invalid | X87Status.StackFault;
        }

        ulong bits = empty ? Indefinite<T>() : Narrow<T>(*X87Unit.St(s, 0), s->Fcw, ref s->FpuRaised);
        uint raised = s->FpuRaised;
        if (X87Unit.StopsStore(s, raised))
        {
            // Memory is not touched at all, not even checked (measured: x87 vectors of FST through CS).
            X87Unit.Track(s, op, offset);
            X87Unit.Raise(s, raised);
            return op[1].Handler(s, op + 1);
        }

        if (!Access.WriteAt<T, TA>(s, op, op->Segment, offset, Low<T>(bits)))
        {
            return Faults.At(s, op);
        }

        X87Unit.Track(s, op, offset);
        if (TPop.Pops)
        {
            X87Unit.RaiseAndPop(s, raised);
        }
        else
        {
            X87Unit.Raise(s, raised);
        }

        return op[1].Handler(s, op + 1);
    }

    /// <summary>FSTP m80 and FBSTP.</summary>
    public static int StoreWide<TFormat, TA>(CpuState* s, Op* op)
        where TFormat : struct, IWideFormat
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

        if (!StoreWide(s, op, Access.Offset<TA>(s, op), TFormat.IsDecimal))
        {
            return Faults.At(s, op);
        }

        return op[1].Handler(s, op + 1);
    }

    /// <summary>FST ST(i), FSTP ST(i) and its aliases.</summary>
    public static int StoreRegister<TPop>(CpuState* s, Op* op)
        where TPop : struct, X87ArithmeticHandlers.IPop
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
        if (X87Unit.IsEmpty(s, 0))
        {
            X87Unit.UnderflowTo(s, op->R0, TPop.Pops);
            return op[1].Handler(s, op + 1);
        }

        *X87Unit.St(s, op->R0) = *X87Unit.St(s, 0);
        X87Unit.Occupy(s, op->R0);
        if (TPop.Pops)
        {
            X87Unit.RaiseAndPop(s, 0);
        }
        else
        {
            X87Unit.Raise(s, 0);
        }

        return op[1].Handler(s, op + 1);
    }

    /// <summary>FSTPNCE (D9 D8+i): FSTP ST(i) that takes no notice of an empty ST(0), except that nothing is stored.</summary>
    public static int StoreRegisterNoCheck(CpuState* s, Op* op)
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
        s->Fsw &= unchecked((ushort)~X87Status.C1);
        if (!X87Unit.IsEmpty(s, 0))
        {
            *X87Unit.St(s, op->R0) = *X87Unit.St(s, 0);
            X87Unit.Occupy(s, op->R0);
        }

        X87Unit.Pop(s);
        return op[1].Handler(s, op + 1);
    }

    /// <summary>FXCH.</summary>
    public static int Exchange(CpuState* s, Op* op)
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
        if (X87Unit.IsAnyEmpty(s, op->R1))
        {
            ExchangeEmpty(s, op->R1);
            return op[1].Handler(s, op + 1);
        }

        s->Fsw &= unchecked((ushort)~X87Status.C1);
        Float80* a = X87Unit.St(s, 0);
        Float80* b = X87Unit.St(s, op->R1);
        Float80 value = *a;
        *a = *b;
        *b = value;
        return op[1].Handler(s, op + 1);
    }

    /// <summary>FFREE.</summary>
    public static int Free(CpuState* s, Op* op)
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
        X87Unit.Free(s, op->R0);
        return op[1].Handler(s, op + 1);
    }

    /// <summary>FFREEP.</summary>
    public static int FreePop(CpuState* s, Op* op)
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
        X87Unit.Free(s, op->R0);
        X87Unit.Pop(s);
        return op[1].Handler(s, op + 1);
    }

    /// <summary>FINCSTP.</summary>
    public static int IncrementTop(CpuState* s, Op* op)
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
        s->Fsw &= unchecked((ushort)~X87Status.C1);
        X87Unit.MoveTop(s, 1);
        return op[1].Handler(s, op + 1);
    }

    /// <summary>FDECSTP.</summary>
    public static int DecrementTop(CpuState* s, Op* op)
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
        s->Fsw &= unchecked((ushort)~X87Status.C1);
        X87Unit.MoveTop(s, -1);
        return op[1].Handler(s, op + 1);
    }

    /// <summary>Stack overflow of a push of one value.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    internal static void PushIndefinite(CpuState* s)
    {
        if (X87Unit.Overflow(s))
        {
            X87Unit.Push(s, Float80.Indefinite);
        }
    }

    /// <summary>FLD ST(i) of an empty register, or onto a full one.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void LoadFrom(CpuState* s, int i)
    {
        if (X87Unit.IsEmpty(s, i))
        {
            // Underflow comes before overflow.
            if (X87Unit.Underflow(s))
            {
                X87Unit.Push(s, Float80.Indefinite);
            }
        }
        else
        {
            PushIndefinite(s);
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void ExchangeEmpty(CpuState* s, int i)
    {
        if (!X87Unit.Underflow(s))
        {
            return;
        }

        Float80 a = X87Unit.IsEmpty(s, 0) ? Float80.Indefinite : *X87Unit.St(s, 0);
        Float80 b = X87Unit.IsEmpty(s, i) ? Float80.Indefinite : *X87Unit.St(s, i);
        *X87Unit.St(s, 0) = b;
        *X87Unit.St(s, i) = a;
        X87Unit.Occupy(s, 0);
        X87Unit.Occupy(s, i);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool StoreWide(CpuState* s, Op* op, uint offset, bool isDecimal)
    {
        uint raised = 0;
        X87Unit.Memory80 image = default;
        if (X87Unit.IsEmpty(s, 0))
        {
            raised = X87Status.Invalid | X87Status.StackFault;
            image.Low = Float80.Indefinite.Significand;
            image.High = Float80.Indefinite.SignExponent;
        }
        else if (isDecimal)
        {
            image.Low = X87Decimal.ToPacked(*X87Unit.St(s, 0), s->Fcw, ref raised, out image.High);
        }
        else
        {
            image.Low = X87Unit.St(s, 0)->Significand;
            image.High = X87Unit.St(s, 0)->SignExponent;
        }

        bool stops = X87Unit.StopsStore(s, raised);
        if (!stops && !Access.WriteAt<X87Unit.Memory80, General>(s, op, op->Segment, offset, image))
        {
            return false;
        }

        X87Unit.Track(s, op, offset);
        X87Unit.Raise(s, raised);
        if (!stops)
        {
            X87Unit.Pop(s);
        }

        return true;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Narrow<T>(Float80 value, uint control, ref uint status)
        where T : unmanaged
    {
        if (typeof(T) == typeof(float))
        {
            return X87Convert.ToSingle(value, control, ref status);
        }

        if (typeof(T) == typeof(double))
        {
            return X87Convert.ToDouble(value, control, ref status);
        }

        if (typeof(T) == typeof(short))
        {
            return (ulong)X87Convert.ToInt16(value, control, ref status);
        }

        return typeof(T) == typeof(int)
            ? (ulong)X87Convert.ToInt32(value, control, ref status)
            : (ulong)X87Convert.ToInt64(value, control, ref status);
    }

    /// <summary>The low bytes of a value.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static T Low<T>(ulong bits)
        where T : unmanaged
    {
        if (sizeof(T) == 2)
        {
            return Unsafe.BitCast<ushort, T>((ushort)bits);
        }

        return sizeof(T) == 4 ? Unsafe.BitCast<uint, T>((uint)bits) : Unsafe.BitCast<ulong, T>(bits);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Indefinite<T>()
        where T : unmanaged
    {
        if (typeof(T) == typeof(float))
        {
            return 0xFFC0_0000;
        }

        if (typeof(T) == typeof(double))
        {
            return 0xFFF8_0000_0000_0000;
        }

        return typeof(T) == typeof(short) ? 0x8000ul : typeof(T) == typeof(int) ? 0x8000_0000 : 0x8000_0000_0000_0000;
    }

    /// <summary>1.0.</summary>
    public readonly struct One : IConstant
    {
        /// <inheritdoc/>
        public static Float80 Value(uint control) => X87Fast.Constant(X87Fast.ConstantOne, control).Value;
    }

    /// <summary>0.0.</summary>
    public readonly struct Zero : IConstant
    {
        /// <inheritdoc/>
        public static Float80 Value(uint control) => X87Fast.Constant(X87Fast.ConstantZero, control).Value;
    }

    /// <summary>The circle constant.</summary>
    public readonly struct Pi : IConstant
    {
        /// <inheritdoc/>
        public static Float80 Value(uint control) => X87Fast.Constant(X87Fast.ConstantPi, control).Value;
    }

    /// <summary>log2 e.</summary>
    public readonly struct Log2E : IConstant
    {
        /// <inheritdoc/>
        public static Float80 Value(uint control) => X87Fast.Constant(X87Fast.ConstantLog2E, control).Value;
    }

    /// <summary>log2 10.</summary>
    public readonly struct Log2Ten : IConstant
    {
        /// <inheritdoc/>
        public static Float80 Value(uint control) => X87Fast.Constant(X87Fast.ConstantLog2Ten, control).Value;
    }

    /// <summary>log10 2.</summary>
    public readonly struct Log10Two : IConstant
    {
        /// <inheritdoc/>
        public static Float80 Value(uint control) => X87Fast.Constant(X87Fast.ConstantLog10Two, control).Value;
    }

    /// <summary>ln 2.</summary>
    public readonly struct LnTwo : IConstant
    {
        /// <inheritdoc/>
        public static Float80 Value(uint control) => X87Fast.Constant(X87Fast.ConstantLnTwo, control).Value;
    }

    /// <summary>A register image.</summary>
    public readonly struct Extended : IWideFormat
    {
        /// <inheritdoc/>
        public static bool IsDecimal => false;
    }

    /// <summary>Packed decimal.</summary>
    public readonly struct PackedDecimal : IWideFormat
    {
        /// <inheritdoc/>
        public static bool IsDecimal => true;
    }
}
