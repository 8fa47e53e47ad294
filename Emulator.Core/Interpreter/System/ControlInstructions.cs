using Emulator.Core.Cpu;
using Emulator.Core.Decoding;
using Emulator.Core.Memory;

namespace Emulator.Core.Interpreter;

/// <summary>Control and debug registers, caches and TLB, time-stamp counter, MSRs and CPUID.</summary>
internal static unsafe class ControlInstructions
{
    /// <summary>MOV r32, CRn.</summary>
    public static int MovFromControl(CpuState* s, Op* op)
    {
        if (op->R1 is 1 or > 4)
        {
            return Faults.Raise(s, op, ExceptionVector.InvalidOpcode);
        }

        if (!SystemHandler.CheckPrivilege(s))
        {
            return Faults.At(s, op);
        }

        CpuState.Register<uint>(s, op->R0) = op->R1 switch
        {
            0 => s->Cr0,
            2 => s->Cr2,
            3 => s->Cr3,
            _ => s->Cr4,
        };
        return SystemHandler.EndBlock(s, op);
    }

    /// <summary>MOV CRn, r32.</summary>
    public static int MovToControl(CpuState* s, Op* op)
    {
        if (op->R0 is 1 or > 4)
        {
            return Faults.Raise(s, op, ExceptionVector.InvalidOpcode);
        }

        if (!SystemHandler.CheckPrivilege(s))
        {
            return Faults.At(s, op);
        }

        uint value = CpuState.Register<uint>(s, op->R1);
        bool done = true;
        switch (op->R0)
        {
            case 0:
                done = ControlRegisters.WriteCr0(s, value);
                break;
            case 2:
                s->Cr2 = value;
                break;
            case 3:
                done = ControlRegisters.WriteCr3(s, value);
                break;
            default:
                done = ControlRegisters.WriteCr4(s, value);
                break;
        }

        return SystemHandler.EndBlock(s, op, done);
    }

    /// <summary>MOV r32, DRn.</summary>
    public static int MovFromDebug(CpuState* s, Op* op)
    {
        if (!CheckDebug(s, op->R1, out int number))
        {
            return Faults.At(s, op);
        }

        CpuState.Register<uint>(s, op->R0) = s->Dr[number];
        return SystemHandler.EndBlock(s, op);
    }

    /// <summary>MOV DRn, r32.</summary>
    public static int MovToDebug(CpuState* s, Op* op)
    {
        if (!CheckDebug(s, op->R0, out int number))
        {
            return Faults.At(s, op);
        }

        DebugRegisters.Write(s, number, CpuState.Register<uint>(s, op->R1));
        return SystemHandler.EndBlock(s, op);
    }

    /// <summary>SMSW r16.</summary>
    public static int Smsw16(CpuState* s, Op* op)
    {
        CpuState.Register<ushort>(s, op->R0) = (ushort)s->Cr0;
        return op[1].Handler(s, op + 1);
    }

    /// <summary>SMSW r32: all of CR0, as processors do.</summary>
    public static int Smsw32(CpuState* s, Op* op)
    {
        CpuState.Register<uint>(s, op->R0) = s->Cr0;
        return op[1].Handler(s, op + 1);
    }

    /// <summary>SMSW m16.</summary>
    public static int SmswMemory(CpuState* s, Op* op) =>
        Access.Write<ushort, General>(s, op, (ushort)s->Cr0) ? op[1].Handler(s, op + 1) : Faults.At(s, op);

    /// <summary>LMSW r16.</summary>
    public static int Lmsw(CpuState* s, Op* op) =>
        SystemHandler.EndBlock(s, op, SystemHandler.CheckPrivilege(s) && ControlRegisters.LoadMachineStatus(s, CpuState.Register<ushort>(s, op->R0)));

    /// <summary>LMSW m16.</summary>
    public static int LmswMemory(CpuState* s, Op* op) =>
        SystemHandler.EndBlock(s, op, SystemHandler.CheckPrivilege(s) && SystemHandler.ReadMemory(s, op, out ushort value) && ControlRegisters.LoadMachineStatus(s, value));

    /// <summary>CLTS.</summary>
    public static int Clts(CpuState* s, Op* op)
    {
        if (!SystemHandler.CheckPrivilege(s))
        {
            return Faults.At(s, op);
        }

        s->Cr0 &= ~Cr0.TS;
        return SystemHandler.EndBlock(s, op);
    }

    /// <summary>INVD and WBINVD: there are no caches to flush.</summary>
    public static int FlushCaches(CpuState* s, Op* op) => SystemHandler.EndBlock(s, op, SystemHandler.CheckPrivilege(s));

    /// <summary>INVLPG.</summary>
    public static int InvalidatePage(CpuState* s, Op* op)
    {
        if (!SystemHandler.CheckPrivilege(s))
        {
            return Faults.At(s, op);
        }

        PageWalk.FlushPage(s, CpuState.Segment(s, op->Segment)->Base + Access.Offset<General>(s, op));
        return SystemHandler.EndBlock(s, op);
    }

    /// <summary>RDTSC.</summary>
    public static int ReadTimeStamp(CpuState* s, Op* op)
    {
        if ((s->Cr4 & Cr4.TSD) != 0 && !SystemHandler.CheckPrivilege(s))
        {
            return Faults.At(s, op);
        }

        SetPair(s, TimeStamp(s, op));
        return SystemHandler.EndBlock(s, op);
    }

    /// <summary>RDPMC.</summary>
    public static int ReadPerformanceCounter(CpuState* s, Op* op)
    {
        if ((s->Cr4 & Cr4.PCE) == 0 && !SystemHandler.CheckPrivilege(s))
        {
            return Faults.At(s, op);
        }

        uint counter = CpuState.R32(s, 1);
        if (counter >= ModelSpecificRegisters.PerformanceCounters)
        {
            return Faults.Raise(s, op, ExceptionVector.GeneralProtection, 0);
        }

        SetPair(s, s->Msr[ModelSpecificRegisters.PerformanceCounterFirst + counter]);
        return SystemHandler.EndBlock(s, op);
    }

    /// <summary>RDMSR.</summary>
    public static int ReadMsr(CpuState* s, Op* op)
    {
        if (!SystemHandler.CheckPrivilege(s))
        {
            return Faults.At(s, op);
        }

        CpuCore core = CpuCore.Of(s);
        core.BeginDeviceAccess(op);
        bool known = ModelSpecificRegisters.Read(s, CpuState.R32(s, 1), out ulong value);
        core.EndDeviceAccess(op);
        if (!known)
        {
            return Faults.Raise(s, op, ExceptionVector.GeneralProtection, 0);
        }

        SetPair(s, value);
        return SystemHandler.EndBlock(s, op);
    }

    /// <summary>WRMSR.</summary>
    public static int WriteMsr(CpuState* s, Op* op)
    {
        if (!SystemHandler.CheckPrivilege(s))
        {
            return Faults.At(s, op);
        }

        ulong value = CpuState.R32(s, 0) | ((ulong)CpuState.R32(s, 2) << 32);
        CpuCore core = CpuCore.Of(s);
        core.BeginDeviceAccess(op);
        bool done = ModelSpecificRegisters.Write(s, CpuState.R32(s, 1), value);
        core.EndDeviceAccess(op);
        return done ? SystemHandler.EndBlock(s, op) : Faults.Raise(s, op, ExceptionVector.GeneralProtection, 0);
    }

    /// <summary>CPUID.</summary>
    public static int Identify(CpuState* s, Op* op)
    {
        uint number = CpuState.R32(s, 0);
        CpuLeaf leaf = CpuIdentification.Leaf(CpuCore.Of(s).Model, number);
        CpuState.R32(s, 0) = leaf.Eax;
        CpuState.R32(s, 3) = leaf.Ebx;
        CpuState.R32(s, 1) = leaf.Ecx;
        CpuState.R32(s, 2) = leaf.Edx;
        if (number == 1 && !ModelSpecificRegisters.IsApicEnabled(s))
        {
            CpuState.R32(s, 2) &= ~CpuIdentification.ApicBit;
        }

        return SystemHandler.EndBlock(s, op);
    }

    private static ulong TimeStamp(CpuState* s, Op* op)
    {
        CpuCore core = CpuCore.Of(s);
        core.BeginDeviceAccess(op);
        ulong value = ModelSpecificRegisters.TimeStamp(s);
        core.EndDeviceAccess(op);
        return value;
    }

    private static void SetPair(CpuState* s, ulong value)
    {
        CpuState.R32(s, 0) = (uint)value;
        CpuState.R32(s, 2) = (uint)(value >> 32);
    }

    private static bool CheckDebug(CpuState* s, int register, out int number)
    {
        number = register is 4 or 5 ? register + 2 : register;
        if (register > 7 || (register is 4 or 5 && (s->Cr4 & Cr4.DE) != 0))
        {
            return Faults.Record(s, ExceptionVector.InvalidOpcode);
        }

        return SystemHandler.CheckPrivilege(s) && !DebugRegisters.Detect(s);
    }
}
