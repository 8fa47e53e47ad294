namespace Emulator.Core.Cpu;

/// <summary>Indexes of MSRs in <see cref="CpuState.Msr"/>.</summary>
public static class ModelSpecificRegisters
{
    public const int ApicBase = 0;
    public const int Pat = 1;
    public const int MtrrDefaultType = 2;
    public const int MtrrFixedFirst = 3;
    public const int MtrrVariableFirst = 14;
    public const int BiosSign = 30;
    public const int MiscEnable = 31;
    public const int MachineCheckFirst = 32;
    public const int Count = 64;
}
