using System.Reflection;
using System.Reflection.Emit;

namespace Emulator.Jit;

/// <summary>
/// Writes IL and counts what the host's compiler counts: beyond its limits (measured: JIT-FACTS, "Compile cost") a method is silently
/// compiled without optimization.
/// </summary>
internal sealed class IlWriter(ILGenerator il)
{
    private const int MaximumBytes = 55_000;
    private const int MaximumInstructions = 19_000;
    private const int MaximumLocalReferences = 7_000;
    private const int MaximumLabels = 1_800;

    private int _instructions;
    private int _localReferences;
    private int _labels;

    /// <summary>Whether a limit is near.</summary>
    public bool IsTooLong => il.ILOffset > MaximumBytes || _instructions > MaximumInstructions || _localReferences > MaximumLocalReferences || _labels > MaximumLabels;

    public LocalBuilder DeclareLocal(Type type) => il.DeclareLocal(type);

    public Label DefineLabel()
    {
        _labels++;
        return il.DefineLabel();
    }

    public void MarkLabel(Label label) => il.MarkLabel(label);

    public void Emit(OpCode code)
    {
        _instructions++;
        il.Emit(code);
    }

    public void Emit(OpCode code, int value)
    {
        _instructions++;
        il.Emit(code, value);
    }

    public void Emit(OpCode code, long value)
    {
        _instructions++;
        il.Emit(code, value);
    }

    public void Emit(OpCode code, LocalBuilder local)
    {
        _instructions++;
        _localReferences++;
        il.Emit(code, local);
    }

    public void Emit(OpCode code, Label label)
    {
        _instructions++;
        il.Emit(code, label);
    }

    public void Emit(OpCode code, MethodInfo method)
    {
        _instructions++;
        il.Emit(code, method);
    }

    public void EmitSwitch(Label[] targets)
    {
        _instructions++;
        il.Emit(OpCodes.Switch, targets);
    }

    /// <summary>Calls the code of another region in place of this one: state, context and entry are on the stack, and the code's address.</summary>
    public void EmitRegionTailCall()
    {
        _instructions += 3;
        il.Emit(OpCodes.Tailcall);
        il.EmitCalli(OpCodes.Calli, CallingConventions.Standard, typeof(int), [typeof(nint), typeof(nint), typeof(int)], null);
        il.Emit(OpCodes.Ret);
    }

    public void Emit(OpCode code, Type type)
    {
        _instructions++;
        il.Emit(code, type);
    }

    public void EmitHandlerCall()
    {
        _instructions++;
        il.EmitCalli(OpCodes.Calli, CallingConventions.Standard, typeof(int), [typeof(nint), typeof(nint)], null);
    }
}
