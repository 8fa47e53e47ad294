using System.Reflection;
using System.Reflection.Emit;

namespace Emulator.Jit;

/// <summary>
/// Writes IL and counts what the host's compiler counts: beyond its limits (measured: JIT-FACTS, "Compile cost") a method is silently
/// compiled without optimization.
/// </summary>
/// <param name="il">Where it goes.</param>
/// <param name="listing">Receives it as text, too; null for none.</param>
internal sealed class IlWriter(ILGenerator il, List<string>? listing = null)
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

    /// <summary>Whether a listing is kept.</summary>
    public bool IsListed => listing is not null;

    /// <summary>A line of the listing that is no instruction.</summary>
    /// <param name="text">The line.</param>
    public void Note(string text) => listing?.Add(text);

    public LocalBuilder DeclareLocal(Type type) => il.DeclareLocal(type);

    public Label DefineLabel()
    {
        _labels++;
        return il.DefineLabel();
    }

    public void MarkLabel(Label label)
    {
        listing?.Add($"L{label.Id}:");
        il.MarkLabel(label);
    }

    public void Emit(OpCode code)
    {
        listing?.Add($"    {code}");
        _instructions++;
        il.Emit(code);
    }

    public void Emit(OpCode code, int value)
    {
        listing?.Add($"    {code} {value:X}");
        _instructions++;
        il.Emit(code, value);
    }

    public void Emit(OpCode code, long value)
    {
        listing?.Add($"    {code} {value:X}");
        _instructions++;
        il.Emit(code, value);
    }

    public void Emit(OpCode code, double value)
    {
        _instructions++;
        il.Emit(code, value);
    }

    public void Emit(OpCode code, float value)
    {
        _instructions++;
        il.Emit(code, value);
    }

    public void Emit(OpCode code, LocalBuilder local)
    {
        listing?.Add($"    {code} V{local.LocalIndex}");
        _instructions++;
        _localReferences++;
        il.Emit(code, local);
    }

    public void Emit(OpCode code, Label label)
    {
        listing?.Add($"    {code} L{label.Id}");
        _instructions++;
        il.Emit(code, label);
    }

    public void Emit(OpCode code, FieldInfo field)
    {
        _instructions++;
        il.Emit(code, field);
    }

    public void Emit(OpCode code, MethodInfo method)
    {
        listing?.Add($"    {code} {method.DeclaringType?.Name}.{method.Name}");
        _instructions++;
        il.Emit(code, method);
    }

    public void EmitSwitch(Label[] targets)
    {
        _instructions++;
        il.Emit(OpCodes.Switch, targets);
    }

    /// <summary>Calls the code of another region in place of this one: state, context and entry are on the stack, and the code's address.</summary>
    /// <param name="isTail">Whether it must be a jump.</param>
    public void EmitRegionCall(bool isTail)
    {
        _instructions += 3;
        if (isTail)
        {
            il.Emit(OpCodes.Tailcall);
        }

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
        listing?.Add("    calli (state, op)");
        _instructions++;
        il.EmitCalli(OpCodes.Calli, CallingConventions.Standard, typeof(int), [typeof(nint), typeof(nint)], null);
    }
}
