using Emulator.Core.Cpu;
using Emulator.Core.Decoding;
using Emulator.Core.Semantics.X87;

namespace Emulator.Core.Interpreter;

/// <summary>Functions of one and two registers: FSQRT, FPREM, FSCALE, the transcendentals and their kind.</summary>
internal static unsafe class X87FunctionHandlers
{
    /// <summary>A function of ST(0).</summary>
    public interface IUnary
    {
        /// <summary>Computes the new ST(0).</summary>
        static abstract Float80 Apply(Float80 value, uint control, ref uint status);
    }

    /// <summary>A function of ST(0) with two results.</summary>
    public interface IPair
    {
        /// <summary>Computes the new ST(0), and what is pushed on it.</summary>
        static abstract Float80 Apply(Float80 value, uint control, ref uint status, out Float80 pushed);
    }

    /// <summary>A function of ST(0) and ST(1).</summary>
    public interface IBinary
    {
        /// <summary>Computes the result.</summary>
        static abstract Float80 Apply(Float80 top, Float80 next, uint control, ref uint status);
    }

    /// <summary>ST(0) = f(ST(0)).</summary>
    public static int Unary<TFunction>(CpuState* s, Op* op)
        where TFunction : struct, IUnary
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
            X87Unit.UnderflowTo(s, 0, pop: false);
            return op[1].Handler(s, op + 1);
        }

        Float80* value = X87Unit.St(s, 0);
        s->FpuRaised = 0;
        Float80 result = TFunction.Apply(*value, s->Fcw, ref s->FpuRaised);
        if (X87Unit.Complete(s))
        {
            *value = result;
        }

        return op[1].Handler(s, op + 1);
    }

    /// <summary>FSIN and FCOS: <see cref="Unary"/> with C2.</summary>
    public static int Angle<TFunction>(CpuState* s, Op* op)
        where TFunction : struct, IUnary
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
        s->Fsw &= unchecked((ushort)~X87Status.C2);
        if (X87Unit.IsEmpty(s, 0))
        {
            X87Unit.UnderflowTo(s, 0, pop: false);
            return op[1].Handler(s, op + 1);
        }

        Float80* value = X87Unit.St(s, 0);
        s->FpuRaised = 0;
        Float80 result = TFunction.Apply(*value, s->Fcw, ref s->FpuRaised);
        if (X87Unit.Complete(s))
        {
            *value = result;
        }

        return op[1].Handler(s, op + 1);
    }

    /// <summary>FSINCOS and FPTAN.</summary>
    public static int AnglePair<TFunction>(CpuState* s, Op* op)
        where TFunction : struct, IPair
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
        s->Fsw &= unchecked((ushort)~X87Status.C2);
        Pair<TFunction>(s);
        return op[1].Handler(s, op + 1);
    }

    /// <summary>FXTRACT.</summary>
    public static int Extract(CpuState* s, Op* op)
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
        Pair<Extraction>(s);
        return op[1].Handler(s, op + 1);
    }

    /// <summary>ST(0) = f(ST(0), ST(1)).</summary>
    public static int Binary<TFunction>(CpuState* s, Op* op)
        where TFunction : struct, IBinary
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
        if (X87Unit.IsAnyEmpty(s, 1))
        {
            X87Unit.UnderflowTo(s, 0, pop: false);
            return op[1].Handler(s, op + 1);
        }

        Float80* value = X87Unit.St(s, 0);
        s->FpuRaised = 0;
        Float80 result = TFunction.Apply(*value, *X87Unit.St(s, 1), s->Fcw, ref s->FpuRaised);
        if (X87Unit.Complete(s))
        {
            *value = result;
        }

        return op[1].Handler(s, op + 1);
    }

    /// <summary>ST(1) = f(ST(0), ST(1)), and a pop.</summary>
    public static int BinaryPop<TFunction>(CpuState* s, Op* op)
        where TFunction : struct, IBinary
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
        if (X87Unit.IsAnyEmpty(s, 1))
        {
            X87Unit.UnderflowTo(s, 1, pop: true);
            return op[1].Handler(s, op + 1);
        }

        Float80* next = X87Unit.St(s, 1);
        s->FpuRaised = 0;
        Float80 result = TFunction.Apply(*X87Unit.St(s, 0), *next, s->Fcw, ref s->FpuRaised);
        if (X87Unit.Complete(s))
        {
            *next = result;
            X87Unit.Pop(s);
        }

        return op[1].Handler(s, op + 1);
    }

    /// <summary>FPREM.</summary>
    public static int PartialRemainder(CpuState* s, Op* op)
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
        Remainder(s, nearest: false);
        return op[1].Handler(s, op + 1);
    }

    /// <summary>FPREM1.</summary>
    public static int NearestRemainder(CpuState* s, Op* op)
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
        Remainder(s, nearest: true);
        return op[1].Handler(s, op + 1);
    }

    /// <summary>FABS.</summary>
    public static int Absolute(CpuState* s, Op* op)
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
            X87Unit.UnderflowTo(s, 0, pop: false);
            return op[1].Handler(s, op + 1);
        }

        s->Fsw &= unchecked((ushort)~X87Status.C1);
        *X87Unit.St(s, 0) = X87Unit.St(s, 0)->Absolute();
        return op[1].Handler(s, op + 1);
    }

    /// <summary>FCHS.</summary>
    public static int ChangeSign(CpuState* s, Op* op)
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
            X87Unit.UnderflowTo(s, 0, pop: false);
            return op[1].Handler(s, op + 1);
        }

        s->Fsw &= unchecked((ushort)~X87Status.C1);
        *X87Unit.St(s, 0) = X87Unit.St(s, 0)->Negate();
        return op[1].Handler(s, op + 1);
    }

    private static void Pair<TFunction>(CpuState* s)
        where TFunction : struct, IPair
    {
        bool underflow = X87Unit.IsEmpty(s, 0);
        if (underflow || !X87Unit.IsEmpty(s, -1))
        {
            if (underflow ? X87Unit.Underflow(s) : X87Unit.Overflow(s))
            {
                *X87Unit.St(s, 0) = Float80.Indefinite;
                X87Unit.Occupy(s, 0);
                X87Unit.Push(s, Float80.Indefinite);
            }

            return;
        }

        uint raised = 0;
        Float80* value = X87Unit.St(s, 0);
        Float80 result = TFunction.Apply(*value, s->Fcw, ref raised, out Float80 pushed);
        s->FpuRaised = raised;
        if (X87Unit.Complete(s) && (raised & X87Status.C2) == 0)
        {
            *value = result;
            X87Unit.Push(s, pushed);
        }
    }

    private static void Remainder(CpuState* s, bool nearest)
    {
        s->Fsw &= unchecked((ushort)~X87Status.C2);
        if (X87Unit.IsAnyEmpty(s, 1))
        {
            X87Unit.UnderflowTo(s, 0, pop: false);
            return;
        }

        uint raised = 0;
        Float80* value = X87Unit.St(s, 0);
        Float80 result = X87Remainder.Compute(*value, *X87Unit.St(s, 1), nearest, s->Fcw, ref raised, out bool hasQuotient);
        if (hasQuotient)
        {
            s->Fsw &= unchecked((ushort)~(X87Status.C0 | X87Status.C3));
        }

        s->FpuRaised = raised;
        if (X87Unit.Complete(s))
        {
            *value = result;
        }
    }

    /// <summary>FSQRT.</summary>
    public readonly struct SquareRoot : IUnary
    {
        /// <inheritdoc/>
        public static Float80 Apply(Float80 value, uint control, ref uint status) =>
            X87Arithmetic.SquareRoot(value, control, ref status);
    }

    /// <summary>FRNDINT.</summary>
    public readonly struct RoundToInteger : IUnary
    {
        /// <inheritdoc/>
        public static Float80 Apply(Float80 value, uint control, ref uint status) =>
            X87Scaling.RoundToInteger(value, control, ref status);
    }

    /// <summary>F2XM1.</summary>
    public readonly struct TwoToXMinusOne : IUnary
    {
        /// <inheritdoc/>
        public static Float80 Apply(Float80 value, uint control, ref uint status) =>
            X87Exponential.TwoToXMinusOne(value, control, ref status);
    }

    /// <summary>FSIN.</summary>
    public readonly struct Sine : IUnary
    {
        /// <inheritdoc/>
        public static Float80 Apply(Float80 value, uint control, ref uint status) =>
            X87Trigonometry.Sine(value, control, ref status);
    }

    /// <summary>FCOS.</summary>
    public readonly struct Cosine : IUnary
    {
        /// <inheritdoc/>
        public static Float80 Apply(Float80 value, uint control, ref uint status) =>
            X87Trigonometry.Cosine(value, control, ref status);
    }

    /// <summary>FSINCOS.</summary>
    public readonly struct SineCosine : IPair
    {
        /// <inheritdoc/>
        public static Float80 Apply(Float80 value, uint control, ref uint status, out Float80 pushed) =>
            X87Trigonometry.SineCosine(value, control, ref status, out pushed);
    }

    /// <summary>FPTAN.</summary>
    public readonly struct Tangent : IPair
    {
        /// <inheritdoc/>
        public static Float80 Apply(Float80 value, uint control, ref uint status, out Float80 pushed) =>
            X87Trigonometry.Tangent(value, control, ref status, out pushed);
    }

    /// <summary>FXTRACT.</summary>
    public readonly struct Extraction : IPair
    {
        /// <inheritdoc/>
        public static Float80 Apply(Float80 value, uint control, ref uint status, out Float80 pushed)
        {
            pushed = X87Scaling.Extract(value, control, ref status, out Float80 exponent);
            return exponent;
        }
    }

    /// <summary>FSCALE.</summary>
    public readonly struct Scale : IBinary
    {
        /// <inheritdoc/>
        public static Float80 Apply(Float80 top, Float80 next, uint control, ref uint status) =>
            X87Scaling.Scale(top, next, control, ref status);
    }

    /// <summary>FPATAN.</summary>
    public readonly struct ArcTangent : IBinary
    {
        /// <inheritdoc/>
        public static Float80 Apply(Float80 top, Float80 next, uint control, ref uint status) =>
            X87ArcTangent.Compute(next, top, control, ref status);
    }

    /// <summary>FYL2X.</summary>
    public readonly struct YLog2X : IBinary
    {
        /// <inheritdoc/>
        public static Float80 Apply(Float80 top, Float80 next, uint control, ref uint status) =>
            X87Exponential.YLog2X(next, top, control, ref status);
    }

    /// <summary>FYL2XP1.</summary>
    public readonly struct YLog2XPlusOne : IBinary
    {
        /// <inheritdoc/>
        public static Float80 Apply(Float80 top, Float80 next, uint control, ref uint status) =>
            X87Exponential.YLog2XPlusOne(next, top, control, ref status);
    }
}
