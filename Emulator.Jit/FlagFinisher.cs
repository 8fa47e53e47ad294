using System.Reflection;
using System.Reflection.Emit;
using System.Runtime.CompilerServices;

namespace Emulator.Jit;

/// <summary>
/// Stands in front of a region when another one left the flags as operands and the block that is entered reads them early: makes them, and
/// goes on at the region's entry. A jump leads here and a jump leads on, so that regions need not call anything.
/// </summary>
internal static class FlagFinisher
{
    private static readonly Lazy<(Delegate Keep, nint Address)> Code = new(Make);

    private delegate int RegionEntry(nint state, nint context, int entry);

    /// <summary>Address of code that is entered as a region is, with the region's context.</summary>
    public static nint Address => Code.Value.Address;

    private static (Delegate Keep, nint Address) Make()
    {
        DynamicMethod method = new("finish_flags", typeof(int), [typeof(nint), typeof(nint), typeof(int)], typeof(FlagFinisher).Module, skipVisibility: true);
        ILGenerator il = method.GetILGenerator();
        il.Emit(OpCodes.Ldarg_0);
        il.Emit(OpCodes.Call, typeof(DeferredFlags).GetMethod(nameof(DeferredFlags.Finish), BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic)!);
        il.Emit(OpCodes.Ldarg_0);
        il.Emit(OpCodes.Ldarg_1);
        il.Emit(OpCodes.Ldarg_2);
        il.Emit(OpCodes.Ldarg_1);
        il.Emit(OpCodes.Ldc_I4, RegionContext.CodeOffset);
        il.Emit(OpCodes.Add);
        il.Emit(OpCodes.Ldind_I);
        il.Emit(OpCodes.Tailcall);
        il.EmitCalli(OpCodes.Calli, CallingConventions.Standard, typeof(int), [typeof(nint), typeof(nint), typeof(int)], null);
        il.Emit(OpCodes.Ret);
        Delegate keep = method.CreateDelegate<RegionEntry>();
        RuntimeMethodHandle handle = CompiledRegion.HandleOf(method);
        RuntimeHelpers.PrepareMethod(handle);
        return (keep, handle.GetFunctionPointer());
    }
}
