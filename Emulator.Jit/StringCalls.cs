using System.Reflection;
using System.Runtime.CompilerServices;
using Emulator.Core.Cpu;
using Emulator.Core.Interpreter;

namespace Emulator.Jit;

/// <summary>What regions call for string instructions with REP.</summary>
internal static unsafe class StringCalls
{
    private static readonly Dictionary<(string Operation, int Size), MethodInfo> Methods = BuildMethods();

    /// <summary>The method for an instruction: as <see cref="Repeat{TS, T}"/>.</summary>
    /// <param name="operation">Its name, without the size.</param>
    /// <param name="size">Bytes of an element: 1, 2 or 4.</param>
    public static MethodInfo Repeat(string operation, int size) => Methods[(operation, size)];

    /// <inheritdoc cref="StringRun.Repeat{TS, T}"/>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static long Repeat<TS, T>(nint state, long budget, int form)
        where TS : struct, IStringOperation
        where T : unmanaged, System.Numerics.IBinaryInteger<T> => StringRun.Repeat<TS, T>((CpuState*)state, budget, form);

    private static Dictionary<(string Operation, int Size), MethodInfo> BuildMethods()
    {
        Dictionary<(string Operation, int Size), MethodInfo> methods = [];
        Add<MovsOperation>(methods, "Movs");
        Add<StosOperation>(methods, "Stos");
        Add<LodsOperation>(methods, "Lods");
        Add<ScasOperation>(methods, "Scas");
        Add<CmpsOperation>(methods, "Cmps");
        return methods;
    }

    private static void Add<TS>(Dictionary<(string Operation, int Size), MethodInfo> methods, string operation)
        where TS : struct, IStringOperation
    {
        methods[(operation, 1)] = ((Func<nint, long, int, long>)Repeat<TS, byte>).Method;
        methods[(operation, 2)] = ((Func<nint, long, int, long>)Repeat<TS, ushort>).Method;
        methods[(operation, 4)] = ((Func<nint, long, int, long>)Repeat<TS, uint>).Method;
    }
}
