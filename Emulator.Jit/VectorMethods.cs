using System.Collections.Concurrent;
using System.Reflection;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Emulator.Jit;

/// <summary>The methods of the vector API that emitted code calls; the host's compiler makes one instruction of each.</summary>
internal static class VectorMethods
{
    /// <summary>What was looked up: reflection would take longer than all the rest of emitting.</summary>
    private static readonly ConcurrentDictionary<(Type Class, string Name, Type First, Type? Second, Type? Third), MethodInfo> Known = new();

    /// <summary>The type of locals that hold XMM registers.</summary>
    public static Type Vector => typeof(Vector128<byte>);

    /// <summary>A vector of an element type.</summary>
    /// <param name="element">Element type.</param>
    public static Type Of(Type element) => typeof(Vector128<>).MakeGenericType(element);

    /// <summary>The same bits as a vector of another element type.</summary>
    /// <param name="from">Element type.</param>
    /// <param name="to">Element type.</param>
    public static MethodInfo As(Type from, Type to) =>
        Known.GetOrAdd((typeof(Vector128), nameof(Vector128.As), from, to, null), static k => Generic(k.Name, 2, 1).MakeGenericMethod(k.First, k.Second!));

    /// <summary>
    /// A method of <see cref="Sse"/> (for singles, where it has one) or <see cref="Sse2"/>: (vector, vector) to vector. Not those of <see cref="Vector128"/>:
    /// many of these are small methods around an operator, and the host's compiler stops inlining after some hundreds.
    /// </summary>
    /// <param name="name">Name of the method.</param>
    /// <param name="element">Element type.</param>
    public static MethodInfo Binary(string name, Type element) => X86(element == typeof(float) ? typeof(Sse) : typeof(Sse2), name, Of(element), Of(element));

    /// <summary>All elements the same.</summary>
    /// <param name="element">Element type.</param>
    public static MethodInfo Broadcast(Type element) => X86(typeof(Vector128), nameof(Vector128.Create), element);

    /// <summary>Element 0 given, the others zero.</summary>
    /// <param name="element">Element type.</param>
    public static MethodInfo CreateScalar(Type element) => X86(typeof(Vector128), nameof(Vector128.CreateScalar), element);

    /// <summary>All zeros.</summary>
    public static MethodInfo Zero { get; } = typeof(Vector128<byte>).GetProperty(nameof(Vector128<byte>.Zero))!.GetMethod!;

    /// <summary>A vector of two quadwords.</summary>
    public static MethodInfo CreatePair { get; } = typeof(Vector128).GetMethod(nameof(Vector128.Create), [typeof(ulong), typeof(ulong)])!;

    /// <summary>Element 0.</summary>
    /// <param name="element">Element type.</param>
    public static MethodInfo ToScalar(Type element) =>
        Known.GetOrAdd((typeof(Vector128), nameof(Vector128.ToScalar), element, null, null), static k => Generic(k.Name, 1, 1).MakeGenericMethod(k.First));

    /// <summary>An element by number.</summary>
    /// <param name="element">Element type.</param>
    public static MethodInfo GetElement(Type element) =>
        Known.GetOrAdd((typeof(Vector128), nameof(Vector128.GetElement), element, null, null), static k => Generic(k.Name, 1, 2).MakeGenericMethod(k.First));

    /// <summary>Whether (not first) and second is zero.</summary>
    public static MethodInfo TestC { get; } = typeof(Sse41).GetMethod(nameof(Sse41.TestC), [typeof(Vector128<ulong>), typeof(Vector128<ulong>)])!;

    /// <summary>A method by name and one to three parameter types.</summary>
    /// <param name="set">Its class: that of an instruction set, mostly.</param>
    /// <param name="name">Name of the method.</param>
    /// <param name="parameters">Parameter types.</param>
    public static MethodInfo X86(Type set, string name, params Type[] parameters) =>
        Known.GetOrAdd(
            (set, name, parameters[0], parameters.Length > 1 ? parameters[1] : null, parameters.Length > 2 ? parameters[2] : null),
            static k => k.Class.GetMethod(k.Name, k.Third is not null ? [k.First, k.Second!, k.Third] : k.Second is not null ? [k.First, k.Second] : [k.First])
                ?? throw new MissingMethodException(k.Class.Name, k.Name));

    private static MethodInfo Generic(string name, int typeParameters, int parameters)
    {
        foreach (MethodInfo method in typeof(Vector128).GetMethods())
        {
            if (method.Name == name && method.IsGenericMethodDefinition && method.GetGenericArguments().Length == typeParameters
                && method.GetParameters().Length == parameters)
            {
                return method;
            }
        }

        throw new MissingMethodException(nameof(Vector128), name);
    }
}
