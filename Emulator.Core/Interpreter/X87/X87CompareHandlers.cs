using Emulator.Core.Cpu;
using Emulator.Core.Decoding;
using Emulator.Core.Semantics.X87;

namespace Emulator.Core.Interpreter;

/// <summary>FCOM, FUCOM, FICOM, FTST, FXAM, FCOMI and FUCOMI in all forms, and FCMOVcc.</summary>
internal static unsafe class X87CompareHandlers
{
    private const uint Conditions = X87Status.C0 | X87Status.C2 | X87Status.C3;

    /// <summary>A condition of FCMOVcc.</summary>
    public interface ICondition
    {
        /// <summary>Whether the move takes place.</summary>
        static abstract bool Holds(CpuState* s);
    }

    /// <summary>How many registers a comparison pops.</summary>
    public interface IPopCount
    {
        /// <summary>0, 1 or 2.</summary>
        static abstract int Count { get; }
    }

    /// <summary>Whether QNaN operands are accepted silently.</summary>
    public interface IQuietness
    {
        /// <summary>True for FUCOM.</summary>
        static abstract bool IsQuiet { get; }
    }

    /// <summary>ST(0) with ST(i): FCOM, FCOMP, FUCOM, FUCOMP.</summary>
    public static int Compare<TQuiet, TPops>(CpuState* s, Op* op)
        where TQuiet : struct, IQuietness
        where TPops : struct, IPopCount
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
        CompareRegisters(s, op->R1, TQuiet.IsQuiet, TPops.Count);
        return op[1].Handler(s, op + 1);
    }

    /// <summary>ST(0) with ST(1), popping both: FCOMPP, FUCOMPP.</summary>
    public static int ComparePopBoth<TQuiet>(CpuState* s, Op* op)
        where TQuiet : struct, IQuietness
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
        CompareRegisters(s, 1, TQuiet.IsQuiet, 2);
        return op[1].Handler(s, op + 1);
    }

    /// <summary>ST(0) with memory; T is float, double, short or int.</summary>
    public static int CompareMemory<T, TPops, TA>(CpuState* s, Op* op)
        where T : unmanaged
        where TPops : struct, IPopCount
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
            CompareEmpty(s, TPops.Count);
            return op[1].Handler(s, op + 1);
        }

        s->FpuRaised = 0;
        Float80 source = X87ArithmeticHandlers.Widen(memory, ref s->FpuRaised);
        Float80 value = *X87Unit.St(s, 0);
        if (s->FpuRaised != 0 && X87Operand.IsNaNOrUnsupported(value))
        {
            // A NaN comes before a denormal.
            s->FpuRaised = 0;
        }

        uint conditions = X87Comparison.Compare(value, source, quiet: false, ref s->FpuRaised);
        Finish(s, conditions, TPops.Count);
        return op[1].Handler(s, op + 1);
    }

    /// <summary>FTST.</summary>
    public static int Test(CpuState* s, Op* op)
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
            CompareEmpty(s, 0);
            return op[1].Handler(s, op + 1);
        }

        s->FpuRaised = 0;
        Finish(s, X87Comparison.Compare(*X87Unit.St(s, 0), Float80.Zero, quiet: false, ref s->FpuRaised), 0);
        return op[1].Handler(s, op + 1);
    }

    /// <summary>FXAM.</summary>
    public static int Examine(CpuState* s, Op* op)
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
        Float80 value = *X87Unit.St(s, 0);
        uint conditions = X87Unit.IsEmpty(s, 0)
            ? X87Status.C3 | X87Status.C0 | (value.Sign != 0 ? X87Status.C1 : 0)
            : X87Operand.Examine(value);
        s->Fsw = (ushort)((s->Fsw & ~(Conditions | X87Status.C1)) | conditions);
        return op[1].Handler(s, op + 1);
    }

    /// <summary>FCOMI, FCOMIP, FUCOMI, FUCOMIP: ST(0) with ST(i) into EFLAGS.</summary>
    public static int CompareToFlags<TQuiet, TPops>(CpuState* s, Op* op)
        where TQuiet : struct, IQuietness
        where TPops : struct, IPopCount
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
        CompareFlags(s, op->R1, TQuiet.IsQuiet, TPops.Count);
        return op[1].Handler(s, op + 1);
    }

    /// <summary>FCMOVcc: ST(0) = ST(i) if the condition holds.</summary>
    public static int Move<TCondition>(CpuState* s, Op* op)
        where TCondition : struct, ICondition
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

        if (TCondition.Holds(s))
        {
            *X87Unit.St(s, 0) = *X87Unit.St(s, op->R1);
        }

        return op[1].Handler(s, op + 1);
    }

    private static void CompareRegisters(CpuState* s, int other, bool quiet, int pops)
    {
        if (X87Unit.IsAnyEmpty(s, other))
        {
            CompareEmpty(s, pops);
            return;
        }

        s->FpuRaised = 0;
        Finish(s, X87Comparison.Compare(*X87Unit.St(s, 0), *X87Unit.St(s, other), quiet, ref s->FpuRaised), pops);
    }

    private static void CompareFlags(CpuState* s, int other, bool quiet, int pops)
    {
        uint conditions = X87Status.Unordered;
        bool completes;
        if (X87Unit.IsAnyEmpty(s, other))
        {
            completes = X87Unit.Underflow(s);
        }
        else
        {
            // Unlike FCOM, it leaves C1 alone (measured: x87 vectors of FCOMI).
            s->FpuRaised = s->Fsw & X87Status.C1;
            conditions = X87Comparison.Compare(*X87Unit.St(s, 0), *X87Unit.St(s, other), quiet, ref s->FpuRaised);
            completes = X87Unit.Complete(s);
        }

        LazyFlags.SetStatus(
            s,
            ((conditions & X87Status.C0) != 0 ? Eflags.CF : 0) | ((conditions & X87Status.C2) != 0 ? Eflags.PF : 0)
                | ((conditions & X87Status.C3) != 0 ? Eflags.ZF : 0));
        if (completes && pops != 0)
        {
            X87Unit.Pop(s);
        }
    }

    private static void CompareEmpty(CpuState* s, int pops)
    {
        bool masked = X87Unit.Underflow(s);
        s->Fsw |= (ushort)X87Status.Unordered;
        for (int i = 0; masked && i < pops; i++)
        {
            X87Unit.Pop(s);
        }
    }

    private static void Finish(CpuState* s, uint conditions, int pops)
    {
        bool completes = X87Unit.Complete(s);
        s->Fsw = (ushort)((s->Fsw & ~Conditions) | conditions);
        for (int i = 0; completes && i < pops; i++)
        {
            X87Unit.Pop(s);
        }
    }

    /// <summary>CF set.</summary>
    public readonly struct Below : ICondition
    {
        /// <inheritdoc/>
        public static bool Holds(CpuState* s) => LazyFlags.CF(s);
    }

    /// <summary>CF clear.</summary>
    public readonly struct NotBelow : ICondition
    {
        /// <inheritdoc/>
        public static bool Holds(CpuState* s) => !LazyFlags.CF(s);
    }

    /// <summary>ZF set.</summary>
    public readonly struct Equal : ICondition
    {
        /// <inheritdoc/>
        public static bool Holds(CpuState* s) => LazyFlags.ZF(s);
    }

    /// <summary>ZF clear.</summary>
    public readonly struct NotEqual : ICondition
    {
        /// <inheritdoc/>
        public static bool Holds(CpuState* s) => !LazyFlags.ZF(s);
    }

    /// <summary>CF or ZF set.</summary>
    public readonly struct BelowOrEqual : ICondition
    {
        /// <inheritdoc/>
        public static bool Holds(CpuState* s) => LazyFlags.CF(s) || LazyFlags.ZF(s);
    }

    /// <summary>CF and ZF clear.</summary>
    public readonly struct Above : ICondition
    {
        /// <inheritdoc/>
        public static bool Holds(CpuState* s) => !LazyFlags.CF(s) && !LazyFlags.ZF(s);
    }

    /// <summary>PF set.</summary>
    public readonly struct Unordered : ICondition
    {
        /// <inheritdoc/>
        public static bool Holds(CpuState* s) => LazyFlags.PF(s);
    }

    /// <summary>PF clear.</summary>
    public readonly struct Ordered : ICondition
    {
        /// <inheritdoc/>
        public static bool Holds(CpuState* s) => !LazyFlags.PF(s);
    }

    /// <summary>Pops 0.</summary>
    public readonly struct PopNone : IPopCount
    {
        /// <inheritdoc/>
        public static int Count => 0;
    }

    /// <summary>Pops 1.</summary>
    public readonly struct PopOne : IPopCount
    {
        /// <inheritdoc/>
        public static int Count => 1;
    }

    /// <summary>Signaling comparison.</summary>
    public readonly struct Signaling : IQuietness
    {
        /// <inheritdoc/>
        public static bool IsQuiet => false;
    }

    /// <summary>Quiet comparison.</summary>
    public readonly struct Quiet : IQuietness
    {
        /// <inheritdoc/>
        public static bool IsQuiet => true;
    }
}
