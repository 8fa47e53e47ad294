using Emulator.Core.Cpu;
using Emulator.Devices;

namespace Emulator.Tests.Firmware;

/// <summary>Calls services of the built-in firmware from a real-mode program: registers in, INT, registers out.</summary>
internal sealed unsafe class BiosCaller
{
    private const uint Code = 0x7C00;
    private const long Most = 3_000_000;

    public BiosCaller(PcMachine machine)
    {
        Machine = machine;
        machine.Run(100_000);
    }

    public PcMachine Machine { get; }

    /// <summary>How the last call ended.</summary>
    public RunReason End { get; private set; }

    public CpuState* State => Machine.Cpu.State;

    public ref uint Eax => ref CpuState.R32(State, 0);

    public ref uint Ecx => ref CpuState.R32(State, 1);

    public ref uint Edx => ref CpuState.R32(State, 2);

    public ref uint Ebx => ref CpuState.R32(State, 3);

    public ref uint Esi => ref CpuState.R32(State, 6);

    public ref uint Edi => ref CpuState.R32(State, 7);

    public ushort Ax => (ushort)Eax;

    public byte Ah => (byte)(Eax >> 8);

    public bool Carry => LazyFlags.CF(State);

    public bool Zero => LazyFlags.ZF(State);

    /// <summary>A machine that has booted a floppy disk whose boot sector does nothing.</summary>
    public static BiosCaller Create(PcMachineConfig? config = null) => new(SystemBiosTests.Boot([0xFA, 0xF4], config));

    public void SetEs(ushort value) => SetSegment(SegmentIndex.Es, value);

    public void SetDs(ushort value) => SetSegment(SegmentIndex.Ds, value);

    public void SetSegment(int segment, ushort value)
    {
        Segmentation.SetReal(State, segment, value);
        CpuMode.Update(State);
    }

    /// <summary>INT vector; CLI; HLT.</summary>
    /// <returns>Whether it returned within the time.</returns>
    public bool Int(byte vector)
    {
        Machine.Memory.Write(Code, 0xF4FA_00CDu | ((uint)vector << 8));
        Segmentation.SetReal(State, SegmentIndex.Cs, 0);
        Segmentation.SetReal(State, SegmentIndex.Ss, 0);
        CpuState.R32(State, 4) = 0x7000;
        State->Eip = Code;
        State->IsHalted = 0;
        State->EflagsRest |= Eflags.IF;
        CpuMode.Update(State);
        CpuCore.UpdatePending(State);
        End = Machine.Run(Most).Reason;
        return End == RunReason.Halted && State->Eip == Code + 4;
    }

    /// <summary>As <see cref="Int"/> with AX.</summary>
    public bool Int(byte vector, ushort ax)
    {
        Eax = ax;
        return Int(vector);
    }
}
