using System.Runtime.CompilerServices;
using Emulator.Core.Cpu;
using Emulator.Core.Decoding;
using Emulator.Core.Semantics.X87;

namespace Emulator.Core.Interpreter;

/// <summary>FADD, FSUB, FSUBR, FMUL, FDIV, FDIVR in all operand forms.</summary>
internal static unsafe class X87ArithmeticHandlers
{
    /// <summary>An operation on destination and source.</summary>
    public interface IOperation
    {
        /// <summary>Computes the new destination.</summary>
        static abstract Float80 Apply(Float80 destination, Float80 source, uint control, ref uint status);
    }

    /// <summary>Whether a form pops.</summary>
    public interface IPop
    {
        /// <summary>Whether it does.</summary>
        static abstract bool Pops { get; }
    }

    /// <summary>ST(0) = ST(0) op ST(i).</summary>
    public static int ToTop<TOp>(CpuState* s, Op* op)
        where TOp : struct, IOperation
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
            X87Unit.UnderflowTo(s, 0, pop: false);
            return op[1].Handler(s, op + 1);
        }

        Float80* destination = X87Unit.St(s, 0);
        s->FpuRaised = 0;
        Float80 result = TOp.Apply(*destination, *X87Unit.St(s, op->R1), s->Fcw, ref s->FpuRaised);
        if (X87Unit.Complete(s))
        {
            *destination = result;
        }

        return op[1].Handler(s, op + 1);
    }

    /// <summary>ST(i) = ST(i) op ST(0), and perhaps a pop.</summary>
    public static int ToOther<TOp, TPop>(CpuState* s, Op* op)
        where TOp : struct, IOperation
        where TPop : struct, IPop
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
        if (X87Unit.IsAnyEmpty(s, op->R0))
        {
            X87Unit.UnderflowTo(s, op->R0, TPop.Pops);
            return op[1].Handler(s, op + 1);
        }

        Float80* destination = X87Unit.St(s, op->R0);
        s->FpuRaised = 0;
        Float80 result = TOp.Apply(*destination, *X87Unit.St(s, 0), s->Fcw, ref s->FpuRaised);
        uint raised = s->FpuRaised;
        if ((raised & ~(uint)s->Fcw & X87Status.PreOperation) == 0)
        {
            *destination = result;
            if (TPop.Pops)
            {
                X87Unit.RaiseAndPop(s, raised);
                return op[1].Handler(s, op + 1);
            }
        }

        X87Unit.Raise(s, raised);

        return op[1].Handler(s, op + 1);
    }

    /// <summary>ST(0) = ST(0) op memory; T is float, double, short or int.</summary>
    public static int FromMemory<TOp, T, TA>(CpuState* s, Op* op)
        where TOp : struct, IOperation
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
        if (X87Unit.IsEmpty(s, 0))
        {
            X87Unit.UnderflowTo(s, 0, pop: false);
            return op[1].Handler(s, op + 1);
        }

        s->FpuRaised = 0;
        Float80 source = Widen(memory, ref s->FpuRaised);
        Float80* destination = X87Unit.St(s, 0);
        Float80 result = s->FpuRaised == 0
            ? TOp.Apply(*destination, source, s->Fcw, ref s->FpuRaised)
            : ApplyDenormal<TOp>(s, *destination, source);
        if (X87Unit.Complete(s))
        {
            *destination = result;
        }

        return op[1].Handler(s, op + 1);
    }

    /// <summary>The value of a memory operand; a denormal sets #D in the status.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Float80 Widen<T>(T* memory, ref uint status)
        where T : unmanaged
    {
        if (typeof(T) == typeof(short))
        {
            return X87Convert.FromInt64(*(short*)memory);
        }

        if (typeof(T) == typeof(int))
        {
            return X87Convert.FromInt64(*(int*)memory);
        }

        if (typeof(T) == typeof(long))
        {
            return X87Convert.FromInt64(*(long*)memory);
        }

        if (typeof(T) == typeof(float))
        {
            uint bits = *(uint*)memory;
            uint exponent = (bits >> 23) & 0xFF;
            return exponent - 1 < 0xFE
                ? new(Float80.IntegerBit | ((ulong)(bits & 0x7F_FFFF) << 40), (ushort)((bits >> 16 & 0x8000) | (exponent + (Float80.Bias - 127))))
                : WidenSpecial(bits, ref status);
        }
        else
        {
            ulong bits = *(ulong*)memory;
            uint exponent = (uint)(bits >> 52) & 0x7FF;
            return exponent - 1 < 0x7FE
                ? new(Float80.IntegerBit | (bits << 11), (ushort)(((uint)(bits >> 48) & 0x8000) | (exponent + (Float80.Bias - 1023))))
                : WidenSpecial(bits, ref status);
        }
    }

    /// <summary>
    /// The operation with a source that was a denormal in memory and is normal in the register format: #D is raised where the same
    /// operation on a denormal register would raise it.
    /// </summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static Float80 ApplyDenormal<TOp>(CpuState* s, Float80 destination, Float80 source)
        where TOp : struct, IOperation
    {
        uint probe = 0;
        TOp.Apply(destination, new(1, (ushort)source.Sign), X87Control.Default, ref probe);
        s->FpuRaised = probe & X87Status.Denormal;
        return (s->FpuRaised & ~(uint)s->Fcw) != 0 ? destination : TOp.Apply(destination, source, s->Fcw, ref s->FpuRaised);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static Float80 WidenSpecial(uint bits, ref uint status)
    {
        Float80 value = X87Convert.FromSingle(bits, out bool denormal);
        status |= denormal ? X87Status.Denormal : 0;
        return value;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static Float80 WidenSpecial(ulong bits, ref uint status)
    {
        Float80 value = X87Convert.FromDouble(bits, out bool denormal);
        status |= denormal ? X87Status.Denormal : 0;
        return value;
    }

    /// <summary>Addition.</summary>
    public readonly struct Add : IOperation
    {
        /// <inheritdoc/>
        public static Float80 Apply(Float80 destination, Float80 source, uint control, ref uint status) =>
            X87Arithmetic.Add(destination, source, control, ref status);
    }

    /// <summary>Destination - source.</summary>
    public readonly struct Subtract : IOperation
    {
        /// <inheritdoc/>
        public static Float80 Apply(Float80 destination, Float80 source, uint control, ref uint status) =>
            X87Arithmetic.Subtract(destination, source, control, ref status);
    }

    /// <summary>Source - destination.</summary>
    public readonly struct SubtractReverse : IOperation
    {
        /// <inheritdoc/>
        public static Float80 Apply(Float80 destination, Float80 source, uint control, ref uint status) =>
            X87Arithmetic.Subtract(source, destination, control, ref status);
    }

    /// <summary>Multiplication.</summary>
    public readonly struct Multiply : IOperation
    {
        /// <inheritdoc/>
        public static Float80 Apply(Float80 destination, Float80 source, uint control, ref uint status) =>
            X87Arithmetic.Multiply(destination, source, control, ref status);
    }

    /// <summary>Destination / source.</summary>
    public readonly struct Divide : IOperation
    {
        /// <inheritdoc/>
        public static Float80 Apply(Float80 destination, Float80 source, uint control, ref uint status) =>
            X87Arithmetic.Divide(destination, source, control, ref status);
    }

    /// <summary>Source / destination.</summary>
    public readonly struct DivideReverse : IOperation
    {
        /// <inheritdoc/>
        public static Float80 Apply(Float80 destination, Float80 source, uint control, ref uint status) =>
            X87Arithmetic.Divide(source, destination, control, ref status);
    }

    /// <summary>A form that pops.</summary>
    public readonly struct Popping : IPop
    {
        /// <inheritdoc/>
        public static bool Pops => true;
    }

    /// <summary>A form that does not pop.</summary>
    public readonly struct Keeping : IPop
    {
        /// <inheritdoc/>
        public static bool Pops => false;
    }
}
