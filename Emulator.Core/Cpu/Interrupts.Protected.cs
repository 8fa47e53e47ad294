using Emulator.Core.Memory;

namespace Emulator.Core.Cpu;

/// <content>Delivery through the IDT in protected and virtual-8086 mode.</content>
public static unsafe partial class Interrupts
{
    private static TransferResult DeliverProtected(CpuState* s, in Event e)
    {
        if (!ReadGate(s, in e, out Descriptor gate))
        {
            return TransferResult.Fault;
        }

        if (gate.Type == Descriptor.TaskGate)
        {
            return DeliverToTask(s, in e, gate);
        }

        return DeliverThroughGate(s, in e, gate) ? TransferResult.Done : TransferResult.Fault;
    }

    /// <summary>Reads and checks the gate of a vector; false with #GP, #NP or #PF recorded.</summary>
    private static bool ReadGate(CpuState* s, in Event e, out Descriptor gate)
    {
        uint error = (e.Vector * GateBytes) | ErrorIdt | e.Ext;
        gate = default;
        if ((e.Vector * GateBytes) + GateBytes - 1 > s->IdtLimit)
        {
            return Faults.Record(s, ExceptionVector.GeneralProtection, error);
        }

        if (!Mmu.ReadSystem(s, s->IdtBase + (e.Vector * GateBytes), out ulong raw))
        {
            return false;
        }

        gate = new Descriptor(raw, 0);
        bool isGate = !gate.IsSegment && (gate.Type == Descriptor.TaskGate || (gate.Type & 7) is Descriptor.InterruptGate16 or Descriptor.TrapGate16);
        if (!isGate || (e.Source == InterruptSource.Software && gate.Dpl < s->Cpl))
        {
            return Faults.Record(s, ExceptionVector.GeneralProtection, error);
        }

        return gate.IsPresent || Faults.Record(s, ExceptionVector.SegmentNotPresent, error);
    }

    private static TransferResult DeliverToTask(CpuState* s, in Event e, Descriptor gate)
    {
        TransferResult result = TaskSwitch.ThroughGate(s, gate.GateSelector, TaskSwitchKind.Interrupt, e.ReturnEip, e.Ext, e.Resume);
        if (result != TransferResult.Done || !e.HasError)
        {
            return result;
        }

        bool pushed = StackFrame.PushCurrent(s, TaskSwitch.Is32(s) ? 4 : 2, [e.Error]);
        if (!pushed && s->FaultVector == ExceptionVector.StackFault)
        {
            s->FaultError = e.Ext;
        }

        return pushed ? TransferResult.Done : TransferResult.FaultInNewTask;
    }

    private static bool DeliverThroughGate(CpuState* s, in Event e, Descriptor gate)
    {
        uint ext = e.Ext;
        ushort selector = gate.GateSelector;
        if (Segmentation.IsNull(selector))
        {
            return Faults.Record(s, ExceptionVector.GeneralProtection, ext);
        }

        if (!Segmentation.ReadDescriptor(s, selector, ExceptionVector.GeneralProtection, ext, out Descriptor code))
        {
            return false;
        }

        if (!code.IsCode || code.Dpl > s->Cpl)
        {
            return Faults.Record(s, ExceptionVector.GeneralProtection, Segmentation.Error(selector, ext));
        }

        if (!code.IsPresent)
        {
            return Faults.Record(s, ExceptionVector.SegmentNotPresent, Segmentation.Error(selector, ext));
        }

        bool v86 = CpuMode.IsV86(s);
        bool inner = !code.IsConformingCode && code.Dpl < s->Cpl;
        if (v86 && (!inner || code.Dpl != 0))
        {
            return Faults.Record(s, ExceptionVector.GeneralProtection, Segmentation.Error(selector, ext));
        }

        int cpl = inner ? code.Dpl : s->Cpl;
        SegmentRegister* current = CpuState.Segment(s, SegmentIndex.Ss);
        SegmentRegister ss = *current;
        uint esp = CpuState.R32(s, 4);
        Span<uint> frame = stackalloc uint[10];
        int count = 0;
        uint stackError = ext;
        if (inner)
        {
            if (!TaskSwitch.ReadInnerStack(s, cpl, ext, out ushort newSs, out uint newEsp)
                || !Segmentation.CheckStack(s, newSs, cpl, ExceptionVector.InvalidTss, ext, out Descriptor stack)
                || !Segmentation.SetAccessed(s, stack))
            {
                return false;
            }

            if (v86)
            {
                frame[count++] = CpuState.Segment(s, SegmentIndex.Gs)->Selector;
                frame[count++] = CpuState.Segment(s, SegmentIndex.Fs)->Selector;
                frame[count++] = CpuState.Segment(s, SegmentIndex.Ds)->Selector;
                frame[count++] = CpuState.Segment(s, SegmentIndex.Es)->Selector;
            }

            frame[count++] = ss.Selector;
            frame[count++] = esp;
            ss = Segmentation.Register(newSs, stack);
            esp = newEsp;
            stackError = Segmentation.Error(newSs, ext);
        }

        frame[count++] = LazyFlags.Read(s) | e.Resume;
        frame[count++] = CpuState.Segment(s, SegmentIndex.Cs)->Selector;
        frame[count++] = e.ReturnEip;
        if (e.HasError)
        {
            frame[count++] = e.Error;
        }

        if (!FarTransfer.CheckOffset(s, code, gate.GateOffset, ext)
            || !Segmentation.SetAccessed(s, code)
            || !StackFrame.Push(s, &ss, ref esp, gate.Is32 ? 4 : 2, frame[..count], user: !inner && s->Cpl == 3, stackError))
        {
            return false;
        }

        uint clear = Eflags.TF | Eflags.NT | Eflags.RF | Eflags.VM;
        if ((gate.Type & 7) == Descriptor.InterruptGate16)
        {
            clear |= Eflags.IF;
        }

        s->EflagsRest &= ~clear;
        s->Cpl = (byte)cpl;
        *current = ss;
        CpuState.R32(s, 4) = esp;
        Segmentation.Load(s, SegmentIndex.Cs, (ushort)((selector & 0xFFFC) | cpl), code);
        s->Eip = gate.GateOffset;
        if (v86)
        {
            Segmentation.SetNull(s, SegmentIndex.Es, 0);
            Segmentation.SetNull(s, SegmentIndex.Ds, 0);
            Segmentation.SetNull(s, SegmentIndex.Fs, 0);
            Segmentation.SetNull(s, SegmentIndex.Gs, 0);
        }

        return true;
    }
}
