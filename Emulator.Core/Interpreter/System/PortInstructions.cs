using Emulator.Core.Cpu;
using Emulator.Core.Decoding;

namespace Emulator.Core.Interpreter;

/// <summary>IN and OUT.</summary>
internal static unsafe class PortInstructions
{
    /// <summary>IN AL, imm8.</summary>
    public static int InAlImmediate(CpuState* s, Op* op) => In(s, op, (byte)op->Imm, 1);

    /// <summary>IN AX, imm8.</summary>
    public static int InAxImmediate(CpuState* s, Op* op) => In(s, op, (byte)op->Imm, 2);

    /// <summary>IN EAX, imm8.</summary>
    public static int InEaxImmediate(CpuState* s, Op* op) => In(s, op, (byte)op->Imm, 4);

    /// <summary>IN AL, DX.</summary>
    public static int InAlDx(CpuState* s, Op* op) => In(s, op, (ushort)CpuState.R32(s, 2), 1);

    /// <summary>IN AX, DX.</summary>
    public static int InAxDx(CpuState* s, Op* op) => In(s, op, (ushort)CpuState.R32(s, 2), 2);

    /// <summary>IN EAX, DX.</summary>
    public static int InEaxDx(CpuState* s, Op* op) => In(s, op, (ushort)CpuState.R32(s, 2), 4);

    /// <summary>OUT imm8, AL.</summary>
    public static int OutImmediateAl(CpuState* s, Op* op) => Out(s, op, (byte)op->Imm, 1);

    /// <summary>OUT imm8, AX.</summary>
    public static int OutImmediateAx(CpuState* s, Op* op) => Out(s, op, (byte)op->Imm, 2);

    /// <summary>OUT imm8, EAX.</summary>
    public static int OutImmediateEax(CpuState* s, Op* op) => Out(s, op, (byte)op->Imm, 4);

    /// <summary>OUT DX, AL.</summary>
    public static int OutDxAl(CpuState* s, Op* op) => Out(s, op, (ushort)CpuState.R32(s, 2), 1);

    /// <summary>OUT DX, AX.</summary>
    public static int OutDxAx(CpuState* s, Op* op) => Out(s, op, (ushort)CpuState.R32(s, 2), 2);

    /// <summary>OUT DX, EAX.</summary>
    public static int OutDxEax(CpuState* s, Op* op) => Out(s, op, (ushort)CpuState.R32(s, 2), 4);

    private static int In(CpuState* s, Op* op, ushort port, int size)
    {
        if (!IoPermission.Check(s, port, size))
        {
            return Faults.At(s, op);
        }

        DebugRegisters.CheckPort(s, port, size);
        CpuCore core = CpuCore.Of(s);
        core.BeginDeviceAccess(op);
        uint value = core.Ports.Read(port, size);
        core.EndDeviceAccess(op);
        switch (size)
        {
            case 1:
                CpuState.Register<byte>(s, CpuState.RegisterOffset(0)) = (byte)value;
                break;
            case 2:
                CpuState.Register<ushort>(s, CpuState.RegisterOffset(0)) = (ushort)value;
                break;
            default:
                CpuState.R32(s, 0) = value;
                break;
        }

        return SystemHandler.EndBlock(s, op);
    }

    private static int Out(CpuState* s, Op* op, ushort port, int size)
    {
        if (!IoPermission.Check(s, port, size))
        {
            return Faults.At(s, op);
        }

        DebugRegisters.CheckPort(s, port, size);
        uint value = CpuState.R32(s, 0);
        CpuCore core = CpuCore.Of(s);
        core.BeginDeviceAccess(op);
        core.Ports.Write(port, size, size == 4 ? value : value & ((1u << (8 * size)) - 1));
        core.EndDeviceAccess(op);
        return SystemHandler.EndBlock(s, op);
    }
}
