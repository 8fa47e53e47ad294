using System.Runtime.Intrinsics;
using Emulator.Core.Cpu;
using Emulator.Core.Machine;
using Emulator.Core.Memory;
using Emulator.Tests.Core;
using Microsoft.Extensions.Logging.Abstractions;

namespace Emulator.Tests.Simd;

/// <summary>A CPU in flat protected mode that executes single instructions and tells their exceptions.</summary>
internal sealed unsafe class SimdMachine
{
    public const int NoException = -1;

    /// <summary>A 16-byte aligned data address.</summary>
    public const uint Data = 0x20000;

    private int _vector;

    public SimdMachine(CpuModel? model = null)
    {
        PhysicalMemory memory = new(4 << 20, NullLogger.Instance);
        memory.MapRam(0, 0, 4 << 20);
        Core = new CpuCore(
            model ?? CpuModel.Max, memory, new PortMap(NullLogger.Instance), ClockMode.InstructionCount, null, NullLogger.Instance);
        Core.DeliveryObserver = (_, vector) => _vector = vector;
        TestMachine.RunFlatCode(Core, TestMachine.EndlessLoop);
        State->Cr0 |= Cr0.NE;
        State->Cr4 |= Cr4.OSFXSR | Cr4.OSXMMEXCPT;
        CpuState.R32(State, 6) = Data;
    }

    public CpuCore Core { get; }

    public CpuState* State => Core.State;

    public ref uint this[int register] => ref CpuState.R32(State, register);

    public ref Vector128<ulong> Xmm(int register) => ref *(Vector128<ulong>*)CpuState.XmmBytes(State, register);

    public ref FpuRegister Fpu(int physical) => ref *CpuState.FpuPhysical(State, physical);

    /// <summary>
    /// Executes one instruction, ESI pointing to <see cref="Data"/>; its exception's vector or <see cref="NoException"/>.
    /// </summary>
    public int Execute(params byte[] code)
    {
        _vector = NoException;
        State->Eip = TestMachine.CodeAddress;
        Core.Memory.WriteBlock(TestMachine.CodeAddress, code);
        Core.ExecuteOneRaw();
        return _vector;
    }
}
