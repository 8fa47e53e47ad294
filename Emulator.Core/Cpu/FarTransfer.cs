using Emulator.Core.Interpreter;

namespace Emulator.Core.Cpu;

/// <summary>Far JMP, CALL and RET in every mode, with call gates, task gates and TSS selectors (SDM volume 3, section 5.8).</summary>
internal static unsafe class FarTransfer
{
    /// <summary>Bytes that are read of a selector's slot, whatever its size (measured: seg32 vectors).</summary>
    internal const int SelectorBytes = 2;

    private const byte Gp = ExceptionVector.GeneralProtection;

    /// <summary>JMP to a far pointer.</summary>
    /// <param name="s">The state.</param>
    /// <param name="selector">Selector of the pointer.</param>
    /// <param name="offset">Offset of the pointer, zero-extended.</param>
    /// <param name="nextEip">EIP behind the instruction, saved by a task switch.</param>
    public static TransferResult Jump(CpuState* s, ushort selector, uint offset, uint nextEip)
    {
        if (CpuMode.HasRealSegments(s))
        {
            return JumpReal(s, selector, offset) ? TransferResult.Done : TransferResult.Fault;
        }

        if (!ReadTarget(s, selector, out Descriptor d))
        {
            return TransferResult.Fault;
        }

        if (d.IsSegment)
        {
            return Result(CheckCode(s, selector, d, s->Cpl, checkRpl: true) && Enter(s, selector, d, offset));
        }

        switch (d.Type)
        {
            case Descriptor.CallGate16:
            case Descriptor.CallGate32:
                return Result(CheckGate(s, selector, d) && JumpGate(s, d));
            case Descriptor.TaskGate:
                return CheckGate(s, selector, d)
                    ? TaskSwitch.ThroughGate(s, d.GateSelector, TaskSwitchKind.Jump, nextEip, 0)
                    : TransferResult.Fault;
            case Descriptor.Tss16Available:
            case Descriptor.Tss32Available:
                return CheckTss(s, selector, d) ? TaskSwitch.Switch(s, selector, d, TaskSwitchKind.Jump, nextEip, 0) : TransferResult.Fault;
            default:
                return Result(Faults.Record(s, Gp, Segmentation.Error(selector, 0)));
        }
    }

    /// <summary>CALL of a far pointer.</summary>
    /// <param name="s">The state.</param>
    /// <param name="selector">Selector of the pointer.</param>
    /// <param name="offset">Offset of the pointer, zero-extended.</param>
    /// <param name="nextEip">Return address.</param>
    /// <param name="size">Operand size in bytes: 2 or 4.</param>
    public static TransferResult Call(CpuState* s, ushort selector, uint offset, uint nextEip, int size)
    {
        ushort cs = CpuState.Segment(s, SegmentIndex.Cs)->Selector;
        if (CpuMode.HasRealSegments(s))
        {
            return Result(CheckRealTarget(s, offset) && StackFrame.PushCurrent(s, size, [cs, nextEip]) && JumpReal(s, selector, offset));
        }

        if (!ReadTarget(s, selector, out Descriptor d))
        {
            return TransferResult.Fault;
        }

        if (d.IsSegment)
        {
            // The stack is checked before the target's offset (measured: seg32 vectors).
            return Result(CheckCode(s, selector, d, s->Cpl, checkRpl: true)
                && StackFrame.CheckCurrent(s, size, 2)
                && CheckOffset(s, d, offset)
                && Segmentation.SetAccessed(s, d)
                && StackFrame.PushCurrent(s, size, [cs, nextEip])
                && Enter(s, selector, d, offset));
        }

        switch (d.Type)
        {
            case Descriptor.CallGate16:
            case Descriptor.CallGate32:
                return Result(CheckGate(s, selector, d) && CallGate(s, d, nextEip));
            case Descriptor.TaskGate:
                return CheckGate(s, selector, d)
                    ? TaskSwitch.ThroughGate(s, d.GateSelector, TaskSwitchKind.Call, nextEip, 0)
                    : TransferResult.Fault;
            case Descriptor.Tss16Available:
            case Descriptor.Tss32Available:
                return CheckTss(s, selector, d) ? TaskSwitch.Switch(s, selector, d, TaskSwitchKind.Call, nextEip, 0) : TransferResult.Fault;
            default:
                return Result(Faults.Record(s, Gp, Segmentation.Error(selector, 0)));
        }
    }

    /// <summary>Far RET to a popped address.</summary>
    /// <param name="s">The state.</param>
    /// <param name="selector">Popped selector.</param>
    /// <param name="offset">Popped offset, zero-extended.</param>
    /// <param name="size">Operand size in bytes: 2 or 4.</param>
    /// <param name="release">Bytes of parameters to drop.</param>
    public static bool Return(CpuState* s, ushort selector, uint offset, int size, uint release)
    {
        uint esp = CpuState.R32(s, 4);
        uint popped = (uint)(2 * size) + release;
        if (CpuMode.HasRealSegments(s))
        {
            if (!JumpReal(s, selector, offset))
            {
                return false;
            }

            StackFrame.SetPointer(s, esp + popped);
            return true;
        }

        if (!CheckReturnCode(s, selector, out Descriptor code))
        {
            return false;
        }

        if ((selector & 3) == s->Cpl)
        {
            if (!CheckOffset(s, code, offset) || !Segmentation.SetAccessed(s, code))
            {
                return false;
            }

            StackFrame.SetPointer(s, esp + popped);
            return Enter(s, selector, code, offset);
        }

        return ReadStack(s, popped, size, out uint newEsp)
            && ReadStack(s, popped + (uint)size, SelectorBytes, out uint newSs)
            && ReturnOuter(s, selector, code, offset, (ushort)newSs, newEsp, release);
    }

    /// <summary>Reads a slot of the current stack at a distance from ESP; false with #SS or #PF recorded.</summary>
    internal static bool ReadStack(CpuState* s, uint distance, int size, out uint value)
    {
        uint offset = (CpuState.R32(s, 4) + distance) & StackFrame.Mask(CpuState.Segment(s, SegmentIndex.Ss));
        if (size == 2)
        {
            ushort* word = Access.ReadAt<ushort, General>(s, null, SegmentIndex.Ss, offset);
            value = word == null ? 0u : *word;
            return word != null;
        }

        uint* p = Access.ReadAt<uint, General>(s, null, SegmentIndex.Ss, offset);
        value = p == null ? 0 : *p;
        return p != null;
    }

    /// <summary>Checks the code segment of a return (RET, IRET); false with #GP, #NP or #PF recorded.</summary>
    internal static bool CheckReturnCode(CpuState* s, ushort selector, out Descriptor d)
    {
        if (!ReadTarget(s, selector, out d))
        {
            return false;
        }

        int rpl = selector & 3;
        if (!d.IsCode || rpl < s->Cpl || (d.IsConformingCode ? d.Dpl > rpl : d.Dpl != rpl))
        {
            return Faults.Record(s, Gp, Segmentation.Error(selector, 0));
        }

        return d.IsPresent || Faults.Record(s, ExceptionVector.SegmentNotPresent, Segmentation.Error(selector, 0));
    }

    /// <summary>Checks an entry point against the limit of its code segment; false with #GP(ext) recorded.</summary>
    internal static bool CheckOffset(CpuState* s, Descriptor code, uint offset, uint ext = 0) =>
        offset <= code.Limit || Faults.Record(s, Gp, ext);

    /// <summary>Returns to an outer level: checks the stack, then commits CS:EIP, SS:ESP and nulls what the outer level may not use.</summary>
    internal static bool ReturnOuter(CpuState* s, ushort selector, Descriptor code, uint offset, ushort newSs, uint newEsp, uint release)
    {
        int cpl = selector & 3;
        if (!Segmentation.CheckStack(s, newSs, cpl, Gp, 0, out Descriptor stack)
            || !CheckOffset(s, code, offset)
            || !Segmentation.SetAccessed(s, code)
            || !Segmentation.SetAccessed(s, stack))
        {
            return false;
        }

        s->Cpl = (byte)cpl;
        Segmentation.Load(s, SegmentIndex.Ss, newSs, stack);
        StackFrame.SetPointer(s, newEsp + release);
        Segmentation.Load(s, SegmentIndex.Cs, selector, code);
        s->Eip = offset;
        DropInner(s, SegmentIndex.Es);
        DropInner(s, SegmentIndex.Ds);
        DropInner(s, SegmentIndex.Fs);
        DropInner(s, SegmentIndex.Gs);
        CpuMode.Update(s);
        return true;
    }

    private static TransferResult Result(bool done) => done ? TransferResult.Done : TransferResult.Fault;

    private static bool CheckRealTarget(CpuState* s, uint offset) =>
        offset <= CpuState.Segment(s, SegmentIndex.Cs)->Limit || Faults.Record(s, Gp, 0);

    private static bool JumpReal(CpuState* s, ushort selector, uint offset)
    {
        if (!CheckRealTarget(s, offset))
        {
            return false;
        }

        if (CpuMode.IsV86(s))
        {
            Segmentation.SetV86(s, SegmentIndex.Cs, selector);
        }
        else
        {
            Segmentation.SetReal(s, SegmentIndex.Cs, selector);
        }

        s->Eip = offset;
        return true;
    }

    private static bool ReadTarget(CpuState* s, ushort selector, out Descriptor d)
    {
        if (Segmentation.IsNull(selector))
        {
            d = default;
            return Faults.Record(s, Gp, 0);
        }

        return Segmentation.ReadDescriptor(s, selector, Gp, 0, out d);
    }

    private static bool CheckCode(CpuState* s, ushort selector, Descriptor d, int cpl, bool checkRpl)
    {
        if (!d.IsCode || (d.IsConformingCode ? d.Dpl > cpl : d.Dpl != cpl || (checkRpl && (selector & 3) > cpl)))
        {
            return Faults.Record(s, Gp, Segmentation.Error(selector, 0));
        }

        return d.IsPresent || Faults.Record(s, ExceptionVector.SegmentNotPresent, Segmentation.Error(selector, 0));
    }

    private static bool CheckGate(CpuState* s, ushort selector, Descriptor gate)
    {
        if (gate.Dpl < Math.Max(s->Cpl, selector & 3))
        {
            return Faults.Record(s, Gp, Segmentation.Error(selector, 0));
        }

        return gate.IsPresent || Faults.Record(s, ExceptionVector.SegmentNotPresent, Segmentation.Error(selector, 0));
    }

    private static bool CheckTss(CpuState* s, ushort selector, Descriptor tss)
    {
        if ((selector & 4) != 0)
        {
            return Faults.Record(s, Gp, Segmentation.Error(selector, 0));
        }

        return CheckGate(s, selector, tss);
    }

    /// <summary>Loads CS with RPL = CPL and jumps, at the same privilege level.</summary>
    private static bool Enter(CpuState* s, ushort selector, Descriptor d, uint offset)
    {
        if (!CheckOffset(s, d, offset) || !Segmentation.SetAccessed(s, d))
        {
            return false;
        }

        Segmentation.Load(s, SegmentIndex.Cs, (ushort)((selector & 0xFFFC) | s->Cpl), d);
        s->Eip = offset;
        CpuMode.Update(s);
        return true;
    }

    private static bool JumpGate(CpuState* s, Descriptor gate)
    {
        ushort selector = gate.GateSelector;
        return ReadTarget(s, selector, out Descriptor code)
            && CheckCode(s, selector, code, s->Cpl, checkRpl: false)
            && Enter(s, selector, code, gate.GateOffset);
    }

    private static bool CallGate(CpuState* s, Descriptor gate, uint nextEip)
    {
        ushort selector = gate.GateSelector;
        if (!ReadTarget(s, selector, out Descriptor code))
        {
            return false;
        }

        if (!code.IsCode || code.Dpl > s->Cpl)
        {
            return Faults.Record(s, Gp, Segmentation.Error(selector, 0));
        }

        if (!code.IsPresent)
        {
            return Faults.Record(s, ExceptionVector.SegmentNotPresent, Segmentation.Error(selector, 0));
        }

        int size = gate.Is32 ? 4 : 2;
        if (!code.IsConformingCode && code.Dpl < s->Cpl)
        {
            return CallInner(s, gate, code, nextEip, size);
        }

        return StackFrame.CheckCurrent(s, size, 2)
            && CheckOffset(s, code, gate.GateOffset)
            && Segmentation.SetAccessed(s, code)
            && StackFrame.PushCurrent(s, size, [CpuState.Segment(s, SegmentIndex.Cs)->Selector, nextEip])
            && Enter(s, selector, code, gate.GateOffset);
    }

    private static bool CallInner(CpuState* s, Descriptor gate, Descriptor code, uint nextEip, int size)
    {
        int cpl = code.Dpl;
        if (!TaskSwitch.ReadInnerStack(s, cpl, 0, out ushort newSs, out uint newEsp)
            || !Segmentation.CheckStack(s, newSs, cpl, ExceptionVector.InvalidTss, 0, out Descriptor stack))
        {
            return false;
        }

        // Old SS:ESP, up to 31 parameters with the last pushed first, old CS:EIP.
        int parameters = gate.GateParameters;
        Span<uint> frame = stackalloc uint[4 + 31];
        frame[0] = CpuState.Segment(s, SegmentIndex.Ss)->Selector;
        frame[1] = CpuState.R32(s, 4);
        for (int i = 0; i < parameters; i++)
        {
            if (!ReadStack(s, (uint)((parameters - 1 - i) * size), size, out frame[2 + i]))
            {
                return false;
            }
        }

        frame[2 + parameters] = CpuState.Segment(s, SegmentIndex.Cs)->Selector;
        frame[3 + parameters] = nextEip;
        SegmentRegister ss = Segmentation.Register(newSs, stack);
        if (!CheckOffset(s, code, gate.GateOffset)
            || !Segmentation.SetAccessed(s, code)
            || !Segmentation.SetAccessed(s, stack)
            || !StackFrame.Push(s, &ss, ref newEsp, size, frame[..(4 + parameters)], user: false, Segmentation.Error(newSs, 0)))
        {
            return false;
        }

        s->Cpl = (byte)cpl;
        *CpuState.Segment(s, SegmentIndex.Ss) = ss;
        CpuState.R32(s, 4) = newEsp;
        Segmentation.Load(s, SegmentIndex.Cs, (ushort)((gate.GateSelector & 0xFFFC) | cpl), code);
        s->Eip = gate.GateOffset;
        CpuMode.Update(s);
        return true;
    }

    private static void DropInner(CpuState* s, int segment)
    {
        SegmentRegister* r = CpuState.Segment(s, segment);
        const ushort ConformingCode = SegmentRegister.TypeCode | SegmentRegister.TypeConformingOrExpandDown;
        if (r->IsUsable && r->Dpl < s->Cpl && (r->Attributes & ConformingCode) != ConformingCode)
        {
            Segmentation.SetNull(s, segment, 0);
        }
    }
}
