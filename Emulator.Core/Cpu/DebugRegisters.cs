using Emulator.Core.Decoding;
using Iced.Intel;

namespace Emulator.Core.Cpu;

/// <summary>
/// Debug registers and single step (SDM volume 3, chapter 17). While a breakpoint is enabled or TF or RF is set, the run loop executes
/// one instruction at a time between <see cref="BeforeInstruction"/> and <see cref="AfterInstruction"/>; data accesses take the slow path
/// and report to <see cref="CheckData"/>. DEBUGCTL.BTF makes single step
/// stop behind taken branches only. Last-branch records, RTM and debug store do not exist.
/// </summary>
public static unsafe class DebugRegisters
{
    /// <summary>DR6: general detect.</summary>
    internal const uint DebugAccess = 0x2000;

    /// <summary>DR6: single step.</summary>
    internal const uint SingleStep = 0x4000;

    /// <summary>DR6: task switch with the T bit set.</summary>
    internal const uint TaskSwitched = 0x8000;

    /// <summary>DR7: general detect enable.</summary>
    internal const uint GeneralDetect = 0x2000;

    /// <summary>Error code of a recorded #DB (which pushes none) for an instruction breakpoint: its EFLAGS image keeps RF clear.</summary>
    internal const uint InstructionBreakpoint = 0xDB;

    /// <summary>DEBUGCTL: single step on branches; cleared by every debug exception.</summary>
    internal const uint BranchTrap = 2;

    private const uint Breakpoints = 0xF;
    private const uint Dr6Fixed = 0xFFFF0FF0;
    private const uint Dr6Writable = 0xE00F;
    private const uint Dr7Fixed = 0x400;
    private const uint Dr7Writable = 0xFFFF23FF;
    private const uint OnExecute = 0;
    private const uint OnWrite = 1;
    private const uint OnPort = 2;

    /// <summary>Whether any breakpoint is enabled in DR7.</summary>
    /// <param name="s">The state.</param>
    public static bool AreArmed(CpuState* s) => (s->Dr[7] & 0xFF) != 0;

    /// <summary>Whether a data breakpoint is enabled, so that accesses must be looked at.</summary>
    /// <param name="s">The state.</param>
    public static bool WatchData(CpuState* s)
    {
        if (!AreArmed(s))
        {
            return false;
        }

        for (int i = 0; i < 4; i++)
        {
            if (IsEnabled(s, i) && (Kind(s, i) & 1) != 0)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Notes data breakpoints that an access hits in <see cref="CpuState.DebugHits"/>.</summary>
    /// <param name="s">The state.</param>
    /// <param name="linear">Linear address.</param>
    /// <param name="size">Bytes.</param>
    /// <param name="write">Whether it is a write.</param>
    public static void CheckData(CpuState* s, uint linear, int size, bool write)
    {
        if (!AreArmed(s))
        {
            return;
        }

        for (int i = 0; i < 4; i++)
        {
            uint kind = Kind(s, i);
            if ((kind == 3 || (kind == OnWrite && write)) && Overlaps(s, i, linear, size))
            {
                s->DebugHits |= 1u << i;
            }
        }
    }

    /// <summary>Notes I/O breakpoints (CR4.DE) that a port access hits; the trap follows the instruction.</summary>
    /// <param name="s">The state.</param>
    /// <param name="port">First port.</param>
    /// <param name="size">Bytes: 1, 2 or 4.</param>
    public static void CheckPort(CpuState* s, ushort port, int size)
    {
        if (!AreArmed(s) || (s->Cr4 & Cr4.DE) == 0)
        {
            return;
        }

        for (int i = 0; i < 4; i++)
        {
            if (Kind(s, i) == OnPort && Overlaps(s, i, port, size))
            {
                s->DebugHits |= 1u << i;
            }
        }
    }

    /// <summary>Looks for code breakpoints before an instruction; false with #DB recorded.</summary>
    /// <param name="s">The state.</param>
    /// <param name="inhibited">Whether the shadow of MOV SS or POP SS suppresses them.</param>
    public static bool BeforeInstruction(CpuState* s, bool inhibited)
    {
        if (inhibited || (s->EflagsRest & Eflags.RF) != 0 || !AreArmed(s))
        {
            return true;
        }

        uint linear = CpuState.Segment(s, SegmentIndex.Cs)->Base + s->Eip;
        uint hits = 0;
        bool enabled = false;
        for (int i = 0; i < 4; i++)
        {
            if (Kind(s, i) == OnExecute && s->Dr[i] == linear)
            {
                hits |= 1u << i;
                enabled |= IsEnabled(s, i);
            }
        }

        if (!enabled)
        {
            return true;
        }

        Report(s, hits);
        s->FaultVector = ExceptionVector.Debug;
        s->FaultHasError = 0;
        s->FaultError = InstructionBreakpoint;
        return false;
    }

    /// <summary>Delivers single-step, data-breakpoint and task-switch traps behind an instruction.</summary>
    /// <param name="s">The state.</param>
    /// <param name="op">The instruction.</param>
    /// <param name="trapFlag">Whether TF was set before the instruction.</param>
    /// <returns>False when delivery ended in shutdown.</returns>
    internal static bool AfterInstruction(CpuState* s, Op* op, bool trapFlag)
    {
        uint hits = s->DebugHits;
        bool inShadow = (s->Pending & PendingWork.ShadowSs) != 0;

        // INT n clears TF on its way in, so that the step over it ends in front of the handler's IRET target.
        bool step = trapFlag && !((s->EflagsRest & Eflags.TF) == 0 && IsSoftwareInterrupt(op))
            && ((s->Msr[ModelSpecificRegisters.DebugControl] & BranchTrap) == 0 || IsTakenBranch(s, op));
        if (inShadow || (!step && !IsTrap(s, hits)))
        {
            // MOV SS and POP SS swallow their single step and hold data breakpoints over.
            s->DebugHits = inShadow ? hits : 0;
            return true;
        }

        s->DebugHits = 0;
        Report(s, hits | (step ? SingleStep : 0));
        return Interrupts.Deliver(s, InterruptSource.Exception, ExceptionVector.Debug);
    }

    /// <summary>Delivers a trap that was noted outside of single-step execution (T bit of a TSS); false when it ended in shutdown.</summary>
    /// <param name="s">The state.</param>
    internal static bool DeliverNoted(CpuState* s)
    {
        uint hits = s->DebugHits;
        s->DebugHits = 0;
        Report(s, hits);
        return Interrupts.Deliver(s, InterruptSource.Exception, ExceptionVector.Debug);
    }

    /// <summary>Records #DB for a MOV to or from a debug register while DR7.GD is set.</summary>
    /// <param name="s">The state.</param>
    /// <returns>Whether it did.</returns>
    internal static bool Detect(CpuState* s)
    {
        if ((s->Dr[7] & GeneralDetect) == 0)
        {
            return false;
        }

        Report(s, DebugAccess);
        Faults.Record(s, ExceptionVector.Debug);
        return true;
    }

    /// <summary>Writes a debug register, reserved bits as they must be.</summary>
    /// <param name="s">The state.</param>
    /// <param name="number">0 to 3, 6 or 7.</param>
    /// <param name="value">The value.</param>
    public static void Write(CpuState* s, int number, uint value)
    {
        s->Dr[number] = number switch
        {
            6 => (value & Dr6Writable) | Dr6Fixed,
            7 => (value & Dr7Writable) | Dr7Fixed,
            _ => value,
        };
        CpuMode.Update(s);
        CpuCore.UpdatePending(s);
    }

    /// <summary>Forces the reserved bits of DR6 and DR7, for values from a snapshot.</summary>
    internal static void Normalize(CpuState* s)
    {
        s->Dr[6] = (s->Dr[6] & Dr6Writable) | Dr6Fixed;
        s->Dr[7] = (s->Dr[7] & Dr7Writable) | Dr7Fixed;
    }

    private static bool IsEnabled(CpuState* s, int i) => (s->Dr[7] & (3u << (2 * i))) != 0;

    private static uint Kind(CpuState* s, int i) => (s->Dr[7] >> (16 + (4 * i))) & 3;

    private static bool Overlaps(CpuState* s, int i, uint address, int size)
    {
        uint length = ((s->Dr[7] >> (18 + (4 * i))) & 3) switch { 0 => 1u, 1 => 2, 2 => 8, _ => 4 };
        uint first = s->Dr[i] & ~(length - 1);
        return address - first < length || first - address < (uint)size;
    }

    private static bool IsTrap(CpuState* s, uint hits)
    {
        if ((hits & TaskSwitched) != 0)
        {
            return true;
        }

        for (int i = 0; i < 4; i++)
        {
            if ((hits & (1u << i)) != 0 && IsEnabled(s, i))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>B0–B3 show this event alone; BD, BS and BT stay set until software clears them.</summary>
    private static void Report(CpuState* s, uint hits) => s->Dr[6] = (s->Dr[6] & ~Breakpoints) | hits | Dr6Fixed;

    private static bool IsTakenBranch(CpuState* s, Op* op) =>
        s->Eip != s->BlockEip + op->Length && (op->Flags & (OpFlags.Rep | OpFlags.Repne)) == 0;

    private static bool IsSoftwareInterrupt(Op* op) => (Code)op->Code is Code.Int_imm8 or Code.Int3 or Code.Into or Code.Int1;
}
