using Emulator.Core.Decoding;
using Emulator.Core.Machine;
using Emulator.Core.Memory;

namespace Emulator.Core.Cpu;

/// <summary>Why <see cref="CpuCore.Run"/> returned.</summary>
public enum StopReason
{
    /// <summary>The instruction count asked for has retired.</summary>
    Limit,

    /// <summary>Somebody called <see cref="CpuCore.RequestStop"/>.</summary>
    Requested,

    /// <summary>The CPU halted with interrupts off, or with nothing that could ever wake it.</summary>
    Halted,

    /// <summary>Triple fault: the CPU is in shutdown.</summary>
    Shutdown,
}

/// <content>The run loop.</content>
public sealed unsafe partial class CpuCore
{
    /// <summary>Longest time without a look at stop requests, in instructions.</summary>
    private const long Slice = 1_000_000;

    /// <summary>Instructions of a slice under the host clock, so that timers are at most a fraction of a millisecond late.</summary>
    private const long HostSlice = 20_000;

    /// <summary>Instructions of a slice under the host clock while another thread works for a device, so that its result is taken soon.</summary>
    private const long ExpectingSlice = 8_000;

    /// <summary>Shortest slice under the host clock: a look at the clock costs about as much.</summary>
    private const long ShortestHostSlice = 250;

    /// <summary>
    /// Under the host clock a slice ends where a region wants more budget than is left, if that is less than this, and as much has been executed:
    /// the interpreter would take up to so many steps to the exact end of each slice, which nobody asks for there.
    /// </summary>
    private const long LooseEnd = 1_000;

    /// <summary>Most transfers from region to region before one returns here.</summary>
    private const int MostTransfers = 1000;

    /// <summary>Whether HLT with interrupts disabled ends <see cref="Run"/> although an NMI could still wake the CPU.</summary>
    public bool StopOnDeadHalt { get; set; } = true;

    /// <summary>Under the host clock: called with virtual nanoseconds until the next event while the CPU is halted.</summary>
    public Action<long>? HaltSleep { get; set; }

    /// <summary>Called between slices, at most a million instructions apart: the place where input from outside enters.</summary>
    public Action? BetweenSlices { get; set; }

    /// <summary>Longest slice in instructions; shorter to look at <see cref="BetweenSlices"/> more often.</summary>
    public long SliceLength { get; set; } = Slice;

    /// <summary>
    /// For conformance tests: when set, an exception or interrupt is shown to it instead of being delivered, and execution stops there.
    /// The fault's error code stands in <see cref="CpuState.FaultError"/>; of a software interrupt only the gate itself has been checked.
    /// </summary>
    internal Action<InterruptSource, byte>? DeliveryObserver { get; set; }

    /// <summary>
    /// Told of each interrupt and exception before it is delivered, for a trace: source, vector, error code if there is one. EIP is the
    /// return address. Null, as usual, costs nothing elsewhere.
    /// </summary>
    public Action<InterruptSource, byte, uint?>? InterruptTrace { get; set; }

    /// <summary>Instructions retired since power-on; the delivery of a fault counts as one.</summary>
    public long Retired => Clock.Retired;

    /// <summary>Makes <see cref="Run"/> return before the next instruction. Call on the thread that runs the CPU (devices do).</summary>
    public void RequestStop() => State->Pending |= PendingWork.Stop;

    /// <summary>Executes instructions until a limit, a stop request, a dead halt or shutdown.</summary>
    /// <param name="instructions">Most instructions to retire; each REP iteration counts as one.</param>
    public StopReason Run(long instructions)
    {
        CpuState* s = State;
        long limit = instructions > long.MaxValue - Retired ? long.MaxValue : Retired + instructions;
        while (true)
        {
            BetweenSlices?.Invoke();
            Blocks.Translator?.Poll();
            Clock.SampleHost();
            Events.RunDue();
            if ((s->Pending & PendingWork.Stop) != 0)
            {
                s->Pending &= ~PendingWork.Stop;
                return StopReason.Requested;
            }

            if (s->IsShutdown != 0)
            {
                return StopReason.Shutdown;
            }

            if (Retired >= limit)
            {
                return StopReason.Limit;
            }

            if (s->IsHalted != 0 && (s->Pending & (PendingWork.Interrupt | PendingWork.Nmi)) == 0)
            {
                if (!WaitForEvent())
                {
                    return StopReason.Halted;
                }

                continue;
            }

            SetBudget(Math.Min(limit - Retired, Clock.Mode == ClockMode.Host ? HostSliceLength() : SliceLength));
            Execute(s);
        }
    }

    /// <summary>Executes one instruction (one iteration of a REP string instruction), or delivers one interrupt and its first instruction.</summary>
    public StopReason Step() => Run(1);

    /// <summary>
    /// For conformance tests: executes one instruction (a REP string instruction to its end) without looking at events or pending interrupts.
    /// What it raises goes to <see cref="DeliveryObserver"/>.
    /// </summary>
    internal void ExecuteOneRaw()
    {
        SetBudget(1L << 22);
        ExecuteOne(State);
    }

    /// <summary>For conformance tests: executes blocks until the CPU halts, an exception is observed or the instructions are used up.</summary>
    /// <param name="instructions">Most instructions to retire.</param>
    internal void ExecuteRaw(long instructions)
    {
        SetBudget(instructions);
        Execute(State);
    }

    /// <summary>
    /// For verification of translated code: executes instructions with the interpreter alone, without a look at events. The budget is what
    /// is left when it returns.
    /// </summary>
    /// <param name="instructions">How many, at least 0.</param>
    /// <returns>False when one faulted, or when something became pending before the last one.</returns>
    internal bool Interpret(long instructions)
    {
        CpuState* s = State;
        s->Deadline = Retired + instructions;
        s->Budget = instructions;
        while (s->Budget > 0)
        {
            Block* block = s->Pending != 0 ? null : Blocks.Lookup(s, s->ModeKey);
            if (block != null && s->Budget < block->OpCount)
            {
                block = Blocks.Lookup(s, s->ModeKey | ModeKey.Single);
            }

            if (block == null)
            {
                return false;
            }

            s->Budget -= block->OpCount;
            s->BlockEip = s->Eip;
            s->CurrentBlock = block;
            Op* ops = Block.Ops(block);
            if (ops->Handler(s, ops) != ExecStatus.Next)
            {
                return false;
            }
        }

        return true;
    }

    private bool WaitForEvent()
    {
        if ((State->EflagsRest & Eflags.IF) == 0 && StopOnDeadHalt)
        {
            return false;
        }

        if (HaltSleep is null && Events.Expected != 0 && (Events.NextDue == long.MaxValue || Clock.Mode == ClockMode.Host))
        {
            Events.WaitForPost(milliseconds: 1);
            return true;
        }

        if (Events.NextDue == long.MaxValue && HaltSleep is null)
        {
            return false;
        }

        if (Clock.Mode == ClockMode.InstructionCount)
        {
            if (Events.NextDue == long.MaxValue)
            {
                HaltSleep?.Invoke(long.MaxValue);
            }

            Clock.SkipTo(Events.NextDue == long.MaxValue ? Clock.Now : Events.NextDue);
        }
        else
        {
            HaltSleep?.Invoke(Events.NextDue == long.MaxValue ? long.MaxValue : Math.Max(0, Events.NextDue - Clock.Now));
        }

        return true;
    }

    private void SetBudget(long most)
    {
        CpuState* s = State;
        long retired = Retired;
        long budget = most;
        if (Clock.Mode == ClockMode.InstructionCount && Events.NextDue != long.MaxValue)
        {
            budget = Math.Min(budget, Clock.InstructionsUntil(Events.NextDue));
        }

        s->Budget = budget;
        s->Deadline = retired + budget;
        _sliceStart = retired;
        Clock.StopBefore(Events.NextDue);
    }

    /// <summary>
    /// Under the host clock a slice is as long as instructions take until the next event if they are as fast as they were, but not faster than
    /// counted ones: a faster CPU looks twice.
    /// </summary>
    private long HostSliceLength()
    {
        long most = Events.Expected != 0 ? ExpectingSlice : HostSlice;
        return Events.NextDue == long.MaxValue ? most : Math.Clamp(Clock.InstructionsUntil(Events.NextDue), ShortestHostSlice, most);
    }

    /// <summary>A device scheduled an earlier event, or waits for another thread: the budget shrinks so that it ends there.</summary>
    private void CutBudget()
    {
        CpuState* s = State;
        Clock.StopBefore(Events.NextDue);
        long most = Events.NextDue == long.MaxValue ? HostSlice : Clock.InstructionsUntil(Events.NextDue);
        if (Clock.Mode == ClockMode.Host && Events.Expected != 0)
        {
            most = Math.Min(most, ExpectingSlice);
        }

        long due = Clock.Retired + most;
        if (due < s->Deadline)
        {
            s->Budget -= s->Deadline - due;
            s->Deadline = due;
        }
    }

    private void Execute(CpuState* s)
    {
        while (true)
        {
            if (s->Pending != 0)
            {
                if (!ExecutePending(s))
                {
                    return;
                }

                continue;
            }

            if (s->Budget <= 0)
            {
                // Before the look at the next block, which may set CR2 and accessed bits: where slices end must not show.
                return;
            }

            Block* block = Blocks.Lookup(s, s->ModeKey);
            if (block == null)
            {
                if (!DeliverFault(s))
                {
                    return;
                }

                continue;
            }

            if (block->HeatStart >= 0)
            {
                // There is a translator, so that what comes here is seldom hot. Without one it costs small loops a tenth.
                Blocks.LookAhead(s, block);
            }

            long budget = s->Budget - block->OpCount;
            if (budget < 0)
            {
                if (!ExecuteOne(s))
                {
                    return;
                }

                continue;
            }

            if (block->Compiled != null && block->CompiledEip == s->Eip)
            {
                if (block->Record == null)
                {
                    Blocks.NoteCode(s, block);
                }

                // A region pays for its own instructions. It ends with Interpret in front of what it leaves to the interpreter.
                long before = s->Deadline - s->Budget;
                s->TransfersLeft = MostTransfers;
                int status = block->Compiled(s, block->CompiledContext, block->CompiledEntry);
                if (s->DeferredFlags != 0)
                {
                    Blocks.Translator!.FinishFlags(s);
                }

                TranslatedInstructions += s->Deadline - s->Budget - before;
                RegionRuns++;
                if (status == ExecStatus.Next)
                {
                    continue;
                }

                if (status == ExecStatus.Fault)
                {
                    RegionsFaulted++;
                    if (!DeliverFault(s))
                    {
                        return;
                    }

                    continue;
                }

                RegionsInterpreted++;
                if (s->MissKind != 0 && FillMiss(s) && s->Deadline - s->Budget != before)
                {
                    continue;
                }

                if (s->Budget <= 0 || s->Pending != 0)
                {
                    continue;
                }

                if (s->Budget < LooseEnd && Clock.Mode == ClockMode.Host && Retired - _sliceStart >= LooseEnd)
                {
                    return;
                }

                block = Blocks.Lookup(s, s->ModeKey);
                if (block == null || s->Budget < block->OpCount)
                {
                    continue;
                }

                budget = s->Budget - block->OpCount;
            }
            else if (--block->Heat == 0)
            {
                // Finding a region decodes blocks, which may empty the cache: the block is looked up again.
                Blocks.Translator?.Hot(s, block);
                continue;
            }

            s->Budget = budget;
            s->BlockEip = s->Eip;
            s->CurrentBlock = block;
            Op* ops = Block.Ops(block);
            if (ops->Handler(s, ops) != ExecStatus.Next && !DeliverFault(s))
            {
                return;
            }
        }
    }

    /// <summary>
    /// Translates the address of an access that left a region. The instruction comes next in any case, so that what this does to accessed and
    /// dirty bits is early by nothing.
    /// </summary>
    /// <returns>Whether the access is now a hit: compiled code may go on there.</returns>
    private static bool FillMiss(CpuState* s)
    {
        AccessKind kind = (AccessKind)(s->MissKind - 1);
        s->MissKind = 0;
        if (s->Tlb == s->EmptyTlb)
        {
            // Alignment and breakpoints come first.
            return false;
        }

        uint cr2 = s->Cr2;
        TlbEntry* e = PageWalk.Lookup(s, s->MissLinear, kind, s->Cpl == 3);
        if (e == null)
        {
            // The instruction will find this out again.
            s->Cr2 = cr2;
            return false;
        }

        return (kind == AccessKind.Write ? e->WriteTag : e->ReadTag) != TlbEntry.Invalid;
    }

    /// <summary>Handles everything out of the ordinary before the next instruction; false when the slice ends.</summary>
    private bool ExecutePending(CpuState* s)
    {
        PendingWork p = s->Pending;
        if ((p & PendingWork.Stop) != 0 || s->IsShutdown != 0 || s->Budget <= 0)
        {
            return false;
        }

        if ((s->DebugHits & DebugRegisters.TaskSwitched) != 0)
        {
            bool alive = DebugRegisters.DeliverNoted(s);
            UpdatePending(s);
            return alive;
        }

        if ((p & PendingWork.Nmi) != 0 && (p & PendingWork.ShadowSs) == 0)
        {
            s->NmiLatched = 0;
            s->NmiBlocked = 1;
            s->IsHalted = 0;
            s->Pending &= ~(PendingWork.Shadow | PendingWork.ShadowSs);
            InterruptsDelivered++;
            bool alive = Interrupts.Deliver(s, InterruptSource.External, ExceptionVector.Nmi);
            UpdatePending(s);
            return alive;
        }

        if ((p & PendingWork.Interrupt) != 0 && (p & (PendingWork.Shadow | PendingWork.ShadowSs)) == 0)
        {
            s->IsHalted = 0;
            byte vector = InterruptController?.Acknowledge() ?? 0xFF;
            InterruptsDelivered++;
            bool alive = Interrupts.Deliver(s, InterruptSource.External, vector);
            UpdatePending(s);
            if ((s->Pending & PendingWork.Interrupt) != 0)
            {
                // The gate left IF set and the controller asks again at once: this must not stop the clock.
                s->Budget -= 1;
            }

            return alive;
        }

        if (s->IsHalted != 0)
        {
            return false;
        }

        return ExecuteOne(s);
    }

    /// <summary>Executes exactly one instruction, with single step and breakpoints; false when the slice ends.</summary>
    private bool ExecuteOne(CpuState* s)
    {
        PendingWork shadow = s->Pending & (PendingWork.Shadow | PendingWork.ShadowSs);
        bool debugging = (s->Pending & PendingWork.SingleStep) != 0;
        uint flags = s->EflagsRest;
        if (debugging && !DebugRegisters.BeforeInstruction(s, (shadow & PendingWork.ShadowSs) != 0))
        {
            return DeliverFault(s);
        }

        Block* block = Blocks.Lookup(s, s->ModeKey | ModeKey.Single);
        if (block == null)
        {
            return DeliverFault(s);
        }

        s->Pending &= ~shadow;
        s->Budget -= 1;
        s->BlockEip = s->Eip;
        s->CurrentBlock = block;

        // RF covers this instruction alone; IRET and task switches may set it for the next one. A fault sets it in its EFLAGS image anyway.
        s->EflagsRest &= ~Eflags.RF;
        Op* ops = Block.Ops(block);
        if (ops->Handler(s, ops) != ExecStatus.Next)
        {
            return DeliverFault(s);
        }

        if (!debugging)
        {
            return true;
        }

        if (s->Eip == s->BlockEip && (ops->Flags & (OpFlags.Rep | OpFlags.Repne)) != 0)
        {
            // Between the iterations of a repeated string instruction (SDM volume 3, section 17.3.1.1).
            s->EflagsRest |= Eflags.RF;
        }

        bool alive = DebugRegisters.AfterInstruction(s, ops, (flags & Eflags.TF) != 0);
        UpdatePending(s);
        return alive;
    }

    private bool DeliverFault(CpuState* s)
    {
        RestorePatch();
        s->Pending &= ~(PendingWork.Shadow | PendingWork.ShadowSs);
        FaultsDelivered++;
        if (DeliveryObserver is { } observer)
        {
            observer(InterruptSource.Exception, s->FaultVector);
            return false;
        }

        // Delivery takes the time of one instruction: a handler that faults on its first instruction must not stop the clock.
        s->Budget -= 1;
        bool alive = Interrupts.DeliverFault(s);
        UpdatePending(s);
        return alive;
    }
}
