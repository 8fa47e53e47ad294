using Emulator.Core.Decoding;

namespace Emulator.Core.Cpu;

/// <content>
/// Host services: firmware whose work is done by the host. The opcode 0F 04 ib, undefined on every CPU model, calls service ib when it is
/// fetched from service ROM (<see cref="Memory.PhysicalMemory.MapServiceRom"/>), in every mode and at every privilege level, and raises #UD
/// anywhere else. A service is one instruction: it retires, or it fails with a recorded fault having changed nothing that a second run would
/// find changed.
/// </content>
public sealed unsafe partial class CpuCore
{
    /// <summary>First two bytes of the service instruction; the third is the service's number.</summary>
    public static ReadOnlySpan<byte> ServiceOpcode => [0x0F, 0x04];

    /// <summary>Bytes of the service instruction.</summary>
    public const int ServiceLength = 3;

    private object _serviceTarget = new();
    private delegate*<object, CpuState*, int, bool> _serviceCall;

    /// <summary>Says who answers the service instruction; without it, it raises #UD.</summary>
    /// <param name="target">Passed to the function.</param>
    /// <param name="call">
    /// (target, state, service number): runs the service with EIP behind the instruction, or returns false with a fault recorded. It may
    /// change any state, as an instruction that ends its block may.
    /// </param>
    public void SetServices(object target, delegate*<object, CpuState*, int, bool> call)
    {
        ArgumentNullException.ThrowIfNull(target);
        _serviceTarget = target;
        _serviceCall = call;
    }

    /// <summary>Handler of the service instruction.</summary>
    internal static int HostService(CpuState* s, Op* op)
    {
        CpuCore core = Of(s);
        if (core._serviceCall == null)
        {
            return Faults.Raise(s, op, ExceptionVector.InvalidOpcode);
        }

        s->Eip = s->BlockEip + op->EipOffset + op->Length;
        core.BeginDeviceAccess(op);
        bool done = core._serviceCall(core._serviceTarget, s, (int)op->Imm);
        core.EndDeviceAccess(op);
        return done ? ExecStatus.Next : Faults.At(s, op);
    }
}
