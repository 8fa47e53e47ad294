using System.Reflection.Emit;
using Emulator.Core.Cpu;
using Emulator.Core.Decoding;
using Emulator.Core.Interpreter;
using Iced.Intel;
using Label = System.Reflection.Emit.Label;

namespace Emulator.Jit;

/// <content>
/// String instructions, upwards. Those with REP are one call that does what lies in pages that are TLB hits; what is left of them is the
/// handler's. The call does not change the TLB, so that windows stay.
/// </content>
internal sealed unsafe partial class RegionEmitter
{
    private const int CountRegister = 1;
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
            LowerRepeated(in op, shape);
            return true;
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

    /// <summary>REP, at the end of its block.</summary>
    private void LowerRepeated(in Op op, Shape shape)
    {
        if (shape.Operation is "Cmps" or "Scas")
        {
            EmitMaterialize();
        }

        int[] used = shape.Operation switch
        {
            "Stos" or "Scas" => [0, CountRegister, DestinationIndex],
            "Lods" => [0, CountRegister, SourceIndex],
            _ => [CountRegister, SourceIndex, DestinationIndex],
        };
        foreach (int r in used)
        {
            if (_written[r])
            {
                EmitState(r * 8);
                _il.Emit(OpCodes.Ldloc, _r[r]);
                _il.Emit(OpCodes.Stind_I4);
            }
        }

        _il.Emit(OpCodes.Ldarg_0);
        EmitBudget();
        _il.Emit(OpCodes.Ldc_I4, StringRun.FormOf(in op));
        _il.Emit(OpCodes.Call, StringCalls.Repeat(shape.Operation, shape.Size));
        _il.Emit(OpCodes.Stloc, _wide);
        foreach (int r in used)
        {
            EmitState(r * 8);
            _il.Emit(OpCodes.Ldind_U4);
            _il.Emit(OpCodes.Stloc, _r[r]);
        }

        Label rest = _il.DefineLabel();
        Label done = _il.DefineLabel();
        _il.Emit(OpCodes.Ldloc, _wide);
        _il.Emit(OpCodes.Ldc_I4_0);
        _il.Emit(OpCodes.Conv_I8);
        _il.Emit(OpCodes.Blt, rest);
        _il.Emit(OpCodes.Ldloc, _budget);
        _il.Emit(OpCodes.Ldloc, _wide);
        _il.Emit(OpCodes.Sub);
        _il.Emit(OpCodes.Stloc, _budget);
        int behind = _flow.LongestBehind(_block);
        if (behind > 0)
        {
            Label stop = _il.DefineLabel();
            EmitBudgetLook(behind - _reserve, stop);
            AddExitStub(stop, _eip + op.Length, 0);
        }

        _il.MarkLabel(done);
        AddRestOfRepeated(op, rest, done);
    }

    /// <summary>Out of line: takes the iterations that are done from the budget; the handler goes on.</summary>
    private void AddRestOfRepeated(Op op, Label rest, Label done)
    {
        RegionBlock block = _block;
        int index = _index;
        uint eip = _eip;
        FlagState flags = Flags;
        X87State x87 = _x87;
        Label? leave = (_modes & EmitModes.Repeatable) != 0 ? MissStub() : null;
        _stubs.Add(() =>
        {
            _il.MarkLabel(rest);
            _il.Emit(OpCodes.Ldloc, _budget);
            _il.Emit(OpCodes.Ldloc, _wide);
            _il.Emit(OpCodes.Add);
            _il.Emit(OpCodes.Ldc_I4_1);
            _il.Emit(OpCodes.Conv_I8);
            _il.Emit(OpCodes.Add);
            _il.Emit(OpCodes.Stloc, _budget);
            if (leave is { } label)
            {
                _il.Emit(OpCodes.Br, label);
                return;
            }

            _block = block;
            _index = index;
            _eip = eip;
            Flags = flags;
            _x87 = x87;
            EmitHandlerCall(in op);
            _il.Emit(OpCodes.Br, done);
        });
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
        EmitBudget();
        _il.Emit(OpCodes.Call, typeof(IntegerCalls).GetMethod(nameof(IntegerCalls.TimeStamp))!);
        _il.Emit(OpCodes.Stloc, _wide);
        EmitSetPair(_wide);
    }
}
