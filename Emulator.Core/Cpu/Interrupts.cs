using Emulator.Core.Memory;

namespace Emulator.Core.Cpu;

/// <summary>Where an interrupt comes from; decides privilege checks, error codes and double faults.</summary>
public enum InterruptSource
{
    /// <summary>A fault or trap that the CPU detected.</summary>
    Exception,

    /// <summary>INT n, INT3 or INTO: the gate's DPL is checked.</summary>
    Software,

    /// <summary>INT1 (ICEBP): like an exception, no DPL check.</summary>
    Icebp,

    /// <summary>INTR or NMI.</summary>
    External,
}

/// <summary>Delivery of interrupts and exceptions (SDM volume 3, chapter 6).</summary>
public static unsafe partial class Interrupts
{
    private const uint GateBytes = 8;
    private const uint RealVectorBytes = 4;

    /// <summary>Error-code bit: the selector part is a vector.</summary>
    private const uint ErrorIdt = 2;

    private enum FaultClass
    {
        Benign,
        Contributory,
        Page,
        Double,
    }

    /// <summary>Delivers the fault recorded in the state; <see cref="CpuState.Eip"/> is the faulting instruction.</summary>
    /// <param name="s">The state.</param>
    /// <returns>False when it ended in shutdown (triple fault).</returns>
    public static bool DeliverFault(CpuState* s)
    {
        s->DebugHits = 0;
        return DeliverRecorded(s, FaultClass.Benign);
    }

    /// <summary>Delivers an interrupt; <see cref="CpuState.Eip"/> is the return address. Faults of the delivery are delivered in turn.</summary>
    /// <param name="s">The state.</param>
    /// <param name="source">Where it comes from.</param>
    /// <param name="vector">Vector.</param>
    /// <returns>False when it ended in shutdown (triple fault).</returns>
    public static bool Deliver(CpuState* s, InterruptSource source, byte vector)
    {
        if (CpuCore.Of(s).DeliveryObserver is { } observer)
        {
            observer(source, vector);
            return false;
        }

        Event e = new() { Source = source, Vector = vector, ReturnEip = s->Eip };
        return TryDeliver(s, in e) == TransferResult.Done || DeliverRecorded(s, FaultClass.Benign);
    }

    /// <summary>
    /// Delivers the software interrupt or trap of an instruction. When that faults, the fault belongs to the instruction, unless a task
    /// switch was committed before.
    /// </summary>
    /// <param name="s">The state.</param>
    /// <param name="source">Where it comes from.</param>
    /// <param name="vector">Vector.</param>
    /// <param name="returnEip">EIP behind the instruction.</param>
    /// <param name="isIntN">INT n (not INT3, INTO, INT1), which virtual-8086 mode treats in its own way.</param>
    internal static TransferResult FromInstruction(CpuState* s, InterruptSource source, byte vector, uint returnEip, bool isIntN = false)
    {
        Event e = new() { Source = source, Vector = vector, ReturnEip = returnEip, IsIntN = isIntN };
        return CpuCore.Of(s).DeliveryObserver is { } observer ? Observe(s, in e, observer) : TryDeliver(s, in e);
    }

    /// <summary>Shows a software interrupt whose gate may be used to the observer of conformance tests.</summary>
    private static TransferResult Observe(CpuState* s, in Event e, Action<InterruptSource, byte> observer)
    {
        if (!CpuMode.HasRealSegments(s) && !ReadGate(s, in e, out _))
        {
            return TransferResult.Fault;
        }

        s->Eip = e.ReturnEip;
        observer(e.Source, e.Vector);
        return TransferResult.Done;
    }

    private static FaultClass Classify(byte vector) => vector switch
    {
        ExceptionVector.DivideError or (>= ExceptionVector.InvalidTss and <= ExceptionVector.GeneralProtection) => FaultClass.Contributory,
        ExceptionVector.PageFault => FaultClass.Page,
        _ => FaultClass.Benign,
    };

    /// <summary>Delivers the recorded fault, and what its delivery raises, by the rules of SDM volume 3, table 6-5.</summary>
    private static bool DeliverRecorded(CpuState* s, FaultClass first)
    {
        while (true)
        {
            FaultClass second = Classify(s->FaultVector);
            Event e = new()
            {
                Source = InterruptSource.Exception,
                Vector = s->FaultVector,
                HasError = s->FaultHasError != 0,
                Error = s->FaultError,
                ReturnEip = s->Eip,
                Resume = s->FaultHasError == 0 && s->FaultError == DebugRegisters.InstructionBreakpoint ? 0 : Eflags.RF,
            };
            if (first == FaultClass.Double && second != FaultClass.Benign)
            {
                s->IsShutdown = 1;
                CpuCore.UpdatePending(s);
                return false;
            }

            if ((first == FaultClass.Contributory && second == FaultClass.Contributory)
                || (first == FaultClass.Page && second != FaultClass.Benign))
            {
                e = new Event { Source = InterruptSource.Exception, Vector = ExceptionVector.DoubleFault, HasError = true, ReturnEip = s->Eip, Resume = Eflags.RF };
                second = FaultClass.Double;
            }

            if (TryDeliver(s, in e) == TransferResult.Done)
            {
                return true;
            }

            first = second;
        }
    }

    /// <summary>Delivers an event as a whole, or records the fault that its delivery raises.</summary>
    private static TransferResult TryDeliver(CpuState* s, in Event e)
    {
        CpuCore.Of(s).InterruptTrace?.Invoke(e.Source, e.Vector, e.HasError ? e.Error : null);
        TransferResult result;
        if (CpuMode.IsReal(s))
        {
            result = DeliverReal(s, in e) ? TransferResult.Done : TransferResult.Fault;
        }
        else if (e.IsIntN && CpuMode.IsV86(s))
        {
            result = DeliverIntInV86(s, in e);
        }
        else
        {
            result = DeliverProtected(s, in e);
        }

        if (result == TransferResult.Done)
        {
            s->IsHalted = 0;
            if (e.Vector == ExceptionVector.Debug && e.Source != InterruptSource.Software)
            {
                s->Dr[7] &= ~DebugRegisters.GeneralDetect;
                s->Msr[ModelSpecificRegisters.DebugControl] = 0;
            }

            CpuMode.Update(s);
            CpuCore.UpdatePending(s);
        }

        return result;
    }

    private static bool DeliverReal(CpuState* s, in Event e)
    {
        uint at = e.Vector * RealVectorBytes;
        if (at + RealVectorBytes - 1 > s->IdtLimit)
        {
            return Faults.Record(s, ExceptionVector.GeneralProtection, 0);
        }

        if (!Mmu.ReadSystem(s, s->IdtBase + at, out uint pointer))
        {
            return false;
        }

        if ((pointer & 0xFFFF) > CpuState.Segment(s, SegmentIndex.Cs)->Limit)
        {
            return Faults.Record(s, ExceptionVector.GeneralProtection, 0);
        }

        uint flags = LazyFlags.Read(s);
        if (!StackFrame.PushCurrent(s, 2, [flags, CpuState.Segment(s, SegmentIndex.Cs)->Selector, e.ReturnEip]))
        {
            return false;
        }

        s->EflagsRest &= ~(Eflags.IF | Eflags.TF | Eflags.AC | Eflags.RF);
        Segmentation.SetReal(s, SegmentIndex.Cs, (ushort)(pointer >> 16));
        s->Eip = pointer & 0xFFFF;
        return true;
    }

    /// <summary>INT n in virtual-8086 mode: methods 1 to 6 of SDM volume 3, section 20.3.</summary>
    private static TransferResult DeliverIntInV86(CpuState* s, in Event e)
    {
        bool privileged = CpuMode.Iopl(s) == 3;
        if ((s->Cr4 & Cr4.VME) != 0)
        {
            if (!IsRedirected(s, e.Vector, out bool to8086))
            {
                return TransferResult.Fault;
            }

            if (to8086)
            {
                return DeliverToV86Handler(s, in e, privileged) ? TransferResult.Done : TransferResult.Fault;
            }
        }

        if (!privileged)
        {
            Faults.Record(s, ExceptionVector.GeneralProtection, 0);
            return TransferResult.Fault;
        }

        return DeliverProtected(s, in e);
    }

    /// <summary>Reads the software interrupt redirection bitmap, the 32 bytes below the I/O permission bitmap; false with a fault recorded.</summary>
    private static bool IsRedirected(CpuState* s, byte vector, out bool to8086)
    {
        to8086 = false;
        SegmentRegister* tr = CpuState.Segment(s, SegmentIndex.Tr);
        if (!TaskSwitch.Is32(s) || tr->Limit < 0x67)
        {
            return Faults.Record(s, ExceptionVector.GeneralProtection, 0);
        }

        if (!Mmu.ReadSystem(s, tr->Base + 0x66, out ushort mapBase))
        {
            return false;
        }

        uint at = (uint)(mapBase - 32 + (vector >> 3));
        if (at > tr->Limit)
        {
            return Faults.Record(s, ExceptionVector.GeneralProtection, 0);
        }

        if (!Mmu.ReadSystem(s, tr->Base + at, out byte bits))
        {
            return false;
        }

        to8086 = (bits & (1 << (vector & 7))) == 0;
        return true;
    }

    private static bool DeliverToV86Handler(CpuState* s, in Event e, bool privileged)
    {
        // The 8086 program's vector table stands at linear address 0 and is read with its own privilege.
        if (!Mmu.Read(s, e.Vector * RealVectorBytes, out uint pointer))
        {
            return false;
        }

        uint flags = LazyFlags.Read(s);
        if (!privileged)
        {
            flags = (flags & ~Eflags.IF) | Eflags.IoplMask | ((flags & Eflags.VIF) != 0 ? Eflags.IF : 0);
        }

        if (!StackFrame.PushCurrent(s, 2, [flags, CpuState.Segment(s, SegmentIndex.Cs)->Selector, e.ReturnEip]))
        {
            return false;
        }

        s->EflagsRest &= ~(Eflags.TF | Eflags.NT | Eflags.RF | (privileged ? Eflags.IF : Eflags.VIF));
        Segmentation.SetV86(s, SegmentIndex.Cs, (ushort)(pointer >> 16));
        s->Eip = pointer & 0xFFFF;
        return true;
    }

    /// <summary>An interrupt or exception to deliver.</summary>
    private struct Event
    {
        public InterruptSource Source;
        public byte Vector;
        public bool IsIntN;
        public bool HasError;
        public uint Error;
        public uint ReturnEip;

        /// <summary>RF for the EFLAGS image, besides the current one.</summary>
        public uint Resume;

        /// <summary>EXT bit of the error codes of faults during delivery.</summary>
        public readonly uint Ext => Source == InterruptSource.Software ? 0u : 1;
    }
}
