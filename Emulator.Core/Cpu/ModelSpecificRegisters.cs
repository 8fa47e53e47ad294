using Emulator.Core.Memory;

namespace Emulator.Core.Cpu;

/// <summary>
/// Model-specific registers (SDM volume 4): the architectural ones and those of the P6 family that operating systems touch. Indexes
/// are those of <see cref="CpuState.Msr"/>. MTRRs and PAT are stored and checked but change nothing, for there are no caches; the machine
/// check architecture has no banks; DEBUGCTL has BTF alone; the two performance counters hold what was written and never count. Unknown registers raise #GP(0).
/// </summary>
public static unsafe class ModelSpecificRegisters
{
    public const int ApicBase = 0;
    public const int Pat = 1;
    public const int MtrrDefaultType = 2;
    public const int MtrrFixedFirst = 3;
    public const int MtrrVariableFirst = 14;
    public const int BiosSign = 30;
    public const int MiscEnable = 31;
    public const int MachineCheckStatus = 32;
    public const int PerformanceCounterFirst = 33;
    public const int EventSelectFirst = 35;
    public const int PowerOn = 37;
    public const int DebugControl = 38;
    public const int Count = 64;

    /// <summary>Value of the APIC base register after reset: FEE00000h, globally enabled, bootstrap processor.</summary>
    public const ulong ApicBaseReset = 0xFEE00000 | ApicEnable | ApicBootstrap;

    private const ulong ApicBootstrap = 0x100;
    private const ulong ApicEnable = 0x800;

    /// <summary>Number of performance counters of P6 models.</summary>
    public const uint PerformanceCounters = 2;

    private const uint NumberP5MachineCheckAddress = 0x0;
    private const uint NumberP5MachineCheckType = 0x1;
    private const uint NumberTsc = 0x10;
    private const uint NumberPlatformId = 0x17;
    private const uint NumberApicBase = 0x1B;
    private const uint NumberPowerOn = 0x2A;
    private const uint NumberBiosUpdateTrigger = 0x79;
    private const uint NumberBiosSign = 0x8B;
    private const uint NumberPerformanceCounter = 0xC1;
    private const uint NumberMtrrCap = 0xFE;
    private const uint NumberSysenterCs = 0x174;
    private const uint NumberSysenterEsp = 0x175;
    private const uint NumberSysenterEip = 0x176;
    private const uint NumberMachineCheckCap = 0x179;
    private const uint NumberMachineCheckStatus = 0x17A;
    private const uint NumberEventSelect = 0x186;
    private const uint NumberMiscEnable = 0x1A0;
    private const uint NumberDebugControl = 0x1D9;
    private const uint NumberMtrrVariable = 0x200;
    private const uint NumberPat = 0x277;
    private const uint NumberMtrrDefaultType = 0x2FF;
    private const uint NumberEfer = 0xC0000080;

    private const int VariableRanges = 8;

    /// <summary>Eight variable ranges, fixed ranges, write combining.</summary>
    private const ulong MtrrCapabilities = 0x500 | VariableRanges;
    private const ulong PhysicalMask = (1ul << 36) - 1;
    private const ulong CounterMask = (1ul << 40) - 1;
    private const ulong ApicBaseWritable = PhysicalMask & ~0xFFFul;

    /// <summary>Value of the time-stamp counter.</summary>
    /// <param name="s">The state.</param>
    public static ulong TimeStamp(CpuState* s) => (ulong)CpuCore.Of(s).Clock.Now + s->TscOffset;

    /// <summary>Reads an MSR.</summary>
    /// <param name="s">The state.</param>
    /// <param name="number">MSR number, as in ECX.</param>
    /// <param name="value">Receives the value.</param>
    /// <returns>False when the CPU model has no such register, or it cannot be read.</returns>
    public static bool Read(CpuState* s, uint number, out ulong value)
    {
        CpuModel model = CpuCore.Of(s).Model;
        value = 0;
        switch (number)
        {
            case NumberP5MachineCheckAddress or NumberP5MachineCheckType:
                return true;
            case NumberTsc:
                value = TimeStamp(s);
                return model.Has(CpuFeatures.Tsc);
            case NumberPlatformId:
                return IsP6(model);
            case NumberMtrrCap:
                value = MtrrCapabilities;
                return IsP6(model);
            case NumberSysenterCs:
                value = s->SysenterCs;
                return model.Has(CpuFeatures.Sep);
            case NumberSysenterEsp:
                value = s->SysenterEsp;
                return model.Has(CpuFeatures.Sep);
            case NumberSysenterEip:
                value = s->SysenterEip;
                return model.Has(CpuFeatures.Sep);
            case NumberMachineCheckCap:
                return IsP6(model);
            case NumberEfer:
                value = s->Efer;
                return model.Has(CpuFeatures.Nx);
            default:
                int index = Index(model, number);
                if (index < 0)
                {
                    return false;
                }

                value = s->Msr[index];
                return true;
        }
    }

    /// <summary>Writes an MSR.</summary>
    /// <param name="s">The state.</param>
    /// <param name="number">MSR number, as in ECX.</param>
    /// <param name="value">The value.</param>
    /// <returns>False, with nothing written, when the CPU model has no such register, it cannot be written or the value is not valid.</returns>
    public static bool Write(CpuState* s, uint number, ulong value)
    {
        CpuModel model = CpuCore.Of(s).Model;
        switch (number)
        {
            case NumberP5MachineCheckAddress or NumberP5MachineCheckType:
                return true;
            case NumberTsc when model.Has(CpuFeatures.Tsc):
                // P6 models write the low half and clear the high one.
                s->TscOffset = (IsP6(model) && !model.Has(CpuFeatures.Sse2) ? (uint)value : value) - (ulong)CpuCore.Of(s).Clock.Now;
                return true;
            case NumberBiosUpdateTrigger:
                return IsP6(model);
            case NumberSysenterCs when model.Has(CpuFeatures.Sep):
                s->SysenterCs = (uint)value;
                return true;
            case NumberSysenterEsp when model.Has(CpuFeatures.Sep):
                s->SysenterEsp = (uint)value;
                return true;
            case NumberSysenterEip when model.Has(CpuFeatures.Sep):
                s->SysenterEip = (uint)value;
                return true;
            case NumberEfer when model.Has(CpuFeatures.Nx) && (value & ~Efer.NXE) == 0:
                if (s->Efer != value)
                {
                    s->Efer = value;
                    PageWalk.FlushAll(s);
                }

                return true;
            default:
                int index = Index(model, number);
                if (index < 0 || !IsValid(index, ref value))
                {
                    return false;
                }

                s->Msr[index] = value;
                if (index == ApicBase)
                {
                    CpuCore.Of(s).ApicBaseChanged?.Invoke(value);
                }

                return true;
        }
    }

    /// <summary>Whether the APIC base register enables the local APIC; it always does on models without that register.</summary>
    /// <param name="s">The state.</param>
    public static bool IsApicEnabled(CpuState* s) => (s->Msr[ApicBase] & ApicEnable) != 0;

    /// <summary>Puts the registers into the state after RESET#.</summary>
    internal static void Reset(CpuState* s)
    {
        for (int i = 0; i < Count; i++)
        {
            s->Msr[i] = 0;
        }

        s->Msr[Pat] = 0x0007040600070406;
        s->Msr[ApicBase] = ApicBaseReset;

        // Fast strings on; branch trace storage and precise event sampling not available.
        s->Msr[MiscEnable] = 0x1801;
    }

    private static bool IsP6(CpuModel model) => model.Has(CpuFeatures.Mtrr);

    /// <summary>Index of a register that is kept as a plain value, or -1.</summary>
    private static int Index(CpuModel model, uint number)
    {
        if (number == NumberPat)
        {
            return model.Has(CpuFeatures.Pat) ? Pat : -1;
        }

        if (number == NumberMiscEnable)
        {
            return model.Has(CpuFeatures.Sse2) ? MiscEnable : -1;
        }

        if (!IsP6(model))
        {
            return -1;
        }

        return number switch
        {
            NumberApicBase => ApicBase,
            NumberPowerOn => PowerOn,
            NumberDebugControl => DebugControl,
            NumberBiosSign => BiosSign,
            NumberMachineCheckStatus => MachineCheckStatus,
            >= NumberPerformanceCounter and < NumberPerformanceCounter + PerformanceCounters => PerformanceCounterFirst + (int)(number - NumberPerformanceCounter),
            >= NumberEventSelect and < NumberEventSelect + PerformanceCounters => EventSelectFirst + (int)(number - NumberEventSelect),
            NumberMtrrDefaultType => MtrrDefaultType,
            >= NumberMtrrVariable and < NumberMtrrVariable + (2 * VariableRanges) => MtrrVariableFirst + (int)(number - NumberMtrrVariable),
            0x250 => MtrrFixedFirst,
            0x258 or 0x259 => MtrrFixedFirst + 1 + (int)(number - 0x258),
            >= 0x268 and <= 0x26F => MtrrFixedFirst + 3 + (int)(number - 0x268),
            _ => -1,
        };
    }

    private static bool IsValid(int index, ref ulong value)
    {
        switch (index)
        {
            case ApicBase:
                // Bit 8, bootstrap processor, is read-only.
                if ((value & ~(ApicBaseWritable | ApicEnable | ApicBootstrap)) != 0)
                {
                    return false;
                }

                value = (value & (ApicBaseWritable | ApicEnable)) | ApicBootstrap;
                return true;
            case Pat:
                return AreMemoryTypes(value, allowUncachedMinus: true);
            case MtrrDefaultType:
                return (value & ~0xCFFul) == 0 && IsMemoryType((byte)value);
            case >= MtrrFixedFirst and < MtrrVariableFirst:
                return AreMemoryTypes(value, allowUncachedMinus: false);
            case >= MtrrVariableFirst and < MtrrVariableFirst + (2 * VariableRanges):
                bool isBase = ((index - MtrrVariableFirst) & 1) == 0;
                return isBase
                    ? (value & ~PhysicalMask & ~0xFFul) == 0 && (value & 0xF00) == 0 && IsMemoryType((byte)value)
                    : (value & ~PhysicalMask) == 0 && (value & 0x7FF) == 0;
            case PerformanceCounterFirst or (PerformanceCounterFirst + 1):
                value = (ulong)(int)(uint)value & CounterMask;
                return true;
            case EventSelectFirst or (EventSelectFirst + 1):
                value = (uint)value;
                return true;
            case DebugControl:
                // Of its flags, only BTF does anything; the others read as zero.
                value &= DebugRegisters.BranchTrap;
                return true;
            case MachineCheckStatus:
                return (value & ~7ul) == 0;
            default:
                return true;
        }
    }

    private static bool AreMemoryTypes(ulong value, bool allowUncachedMinus)
    {
        for (int i = 0; i < 8; i++)
        {
            byte type = (byte)(value >> (8 * i));
            if (!IsMemoryType(type) && !(allowUncachedMinus && type == 7))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>UC, WC, WT, WP or WB.</summary>
    private static bool IsMemoryType(byte type) => type is 0 or 1 or 4 or 5 or 6;
}
