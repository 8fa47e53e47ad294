using System.Reflection.Emit;
using Emulator.Core.Cpu;
using Emulator.Core.Decoding;
using Iced.Intel;

namespace Emulator.Jit;

/// <content>String instructions without REP, upwards; those with REP are the handler's, which works page by page.</content>
internal sealed unsafe partial class RegionEmitter
{
    private const int SourceIndex = 6;
    private const int DestinationIndex = 7;

    /// <summary>Whether an instruction is a string instruction with a lowering: it always falls through.</summary>
    /// <param name="op">The instruction.</param>
    public static bool IsLoweredString(in Op op) => (op.Flags & (OpFlags.Rep | OpFlags.Repne)) == 0 && IsString((Code)op.Code, out _);

    /// <summary>How a block ends; lowered string instructions are like any other instruction.</summary>
    /// <param name="op">Its last instruction.</param>
    public static BranchKind EndOf(in Op op) => IsLoweredString(in op) ? BranchKind.None : Branch.KindOf((Code)op.Code);

    /// <summary>Keys of the windows of a lowered string instruction's accesses, and whether they write.</summary>
    public static IEnumerable<(int Key, bool Write)> StringKeys(Op op)
    {
        if (!IsLoweredString(in op) || !IsString((Code)op.Code, out Shape shape))
        {
            yield break;
        }

        if (shape.Operation is "Movs" or "Lods" or "Cmps")
        {
            yield return (StringKey(in op, SourceIndex), false);
        }

        if (shape.Operation != "Lods")
        {
            yield return (StringKey(in op, DestinationIndex), shape.Operation is "Movs" or "Stos");
        }
    }

    private static bool IsString(Code code, out Shape shape) => Shapes.TryGetValue(code, out shape) && shape.Family == Family.String;

    private static int StringSegment(in Op op, int register) =>
        (op.Flags & OpFlags.General) == 0 ? NoSegment : register == SourceIndex ? op.Segment : SegmentIndex.Es;

    private static int StringKey(in Op op, int register) =>
        RegionWindows.KeyIn(register, StringSegment(in op, register), (op.Flags & OpFlags.Address16) != 0);

    private bool LowerString(in Op op, Shape shape)
    {
        if (!IsLoweredString(in op))
        {
            return false;
        }

        int size = shape.Size;
        EmitState(StateLayout.EflagsRest);
        _il.Emit(OpCodes.Ldind_U4);
        _il.Emit(OpCodes.Ldc_I4, (int)Eflags.DF);
        _il.Emit(OpCodes.And);
        _il.Emit(OpCodes.Brtrue, MissStub());
        switch (shape.Operation)
        {
            case "Movs":
                EmitStringAddress(in op, SourceIndex, size, write: false);
                EmitIndirect(size);
                _il.Emit(OpCodes.Stloc, _t);
                EmitStringAddress(in op, DestinationIndex, size, write: true);
                _il.Emit(OpCodes.Ldloc, _t);
                EmitStoreIndirect(size);
                break;
            case "Stos":
                EmitStringAddress(in op, DestinationIndex, size, write: true);
                EmitRead(0, size);
                EmitStoreIndirect(size);
                break;
            case "Lods":
                EmitStringAddress(in op, SourceIndex, size, write: false);
                EmitIndirect(size);
                EmitWrite(0, size);
                break;
            default:
                // The destination is read first.
                EmitStringAddress(in op, DestinationIndex, size, write: false);
                EmitIndirect(size);
                _il.Emit(OpCodes.Stloc, _t);
                if (shape.Operation == "Cmps")
                {
                    EmitStringAddress(in op, SourceIndex, size, write: false);
                    EmitIndirect(size);
                }
                else
                {
                    EmitRead(0, size);
                }

                _il.Emit(OpCodes.Stloc, _a);
                EmitMove(_t, _b);
                _il.Emit(OpCodes.Ldloc, _a);
                _il.Emit(OpCodes.Ldloc, _b);
                _il.Emit(OpCodes.Sub);
                EmitZeroExtend(size);
                _il.Emit(OpCodes.Stloc, _res);
                Flags = new FlagState(FlagKind.Compare, size, 1);
                break;
        }

        if (shape.Operation is "Movs" or "Lods" or "Cmps")
        {
            EmitStep(in op, SourceIndex, size);
        }

        if (shape.Operation != "Lods")
        {
            EmitStep(in op, DestinationIndex, size);
        }

        return true;
    }

    /// <summary>Pushes the host address that an index register points to.</summary>
    private void EmitStringAddress(in Op op, int register, int size, bool write)
    {
        _segment = StringSegment(in op, register);
        _isAddress16 = (op.Flags & OpFlags.Address16) != 0;
        _site = StringKey(in op, register);
        _il.Emit(OpCodes.Ldloc, _r[register]);
        if (_isAddress16)
        {
            EmitCut16();
        }

        EmitHostAddress(size, write);
    }

    private void EmitStep(in Op op, int register, int size)
    {
        _il.Emit(OpCodes.Ldloc, _r[register]);
        _il.Emit(OpCodes.Ldc_I4, size);
        _il.Emit(OpCodes.Add);
        if ((op.Flags & OpFlags.Address16) != 0)
        {
            EmitCut16();
            EmitWrite(CpuState.RegisterOffset(register), 2);
        }
        else
        {
            _il.Emit(OpCodes.Stloc, _r[register]);
        }
    }

    /// <summary>RDTSC, at the end of a block: the clock counts the instructions in front of it.</summary>
    private void LowerTimeStamp()
    {
        EmitState(StateLayout.Cr4);
        _il.Emit(OpCodes.Ldind_U4);
        _il.Emit(OpCodes.Ldc_I4, (int)Cr4.TSD);
        _il.Emit(OpCodes.And);
        _il.Emit(OpCodes.Brtrue, MissStub());
        _il.Emit(OpCodes.Ldarg_0);
        _il.Emit(OpCodes.Ldloc, _budget);
        _il.Emit(OpCodes.Call, typeof(IntegerCalls).GetMethod(nameof(IntegerCalls.TimeStamp))!);
        _il.Emit(OpCodes.Stloc, _wide);
        EmitSetPair(_wide);
    }
}
