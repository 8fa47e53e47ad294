using System.Reflection;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Emulator.Jit;

/// <summary>The methods of the vector API that emitted code calls; the host's compiler makes one instruction of each.</summary>
internal static class VectorMethods
{
    /// <summary>The type of locals that hold XMM registers.</summary>
    public static Type Vector => typeof(Vector128<byte>);

    /// <summary>A vector of an element type.</summary>
    /// <param name="element">Element type.</param>
    public static Type Of(Type element) => typeof(Vector128<>).MakeGenericType(element);

    /// <summary>The same bits as a vector of another element type.</summary>
    /// <param name="from">Element type.</param>
    /// <param name="to">Element type.</param>
    public static MethodInfo As(Type from, Type to) => Generic(nameof(Vector128.As), 2, 1).MakeGenericMethod(from, to);

    /// <summary>
    /// A method of <see cref="Sse"/> (for singles, where it has one) or <see cref="Sse2"/>: (vector, vector) to vector. Not those of <see cref="Vector128"/>:
    /// many of these are small methods around an operator, and the host's compiler stops inlining after some hundreds.
    /// </summary>
    /// <param name="name">Name of the method.</param>
    /// <param name="element">Element type.</param>
    public static MethodInfo Binary(string name, Type element) => X86(element == typeof(float) ? typeof(Sse) : typeof(Sse2), name, Of(element), Of(element));

    /// <summary>All elements the same.</summary>
    /// <param name="element">Element type.</param>
    public static MethodInfo Broadcast(Type element) => typeof(Vector128).GetMethod(nameof(Vector128.Create), [element])!;

    /// <summary>Element 0 given, the others zero.</summary>
    /// <param name="element">Element type.</param>
    public static MethodInfo CreateScalar(Type element) => typeof(Vector128).GetMethod(nameof(Vector128.CreateScalar), [element])!;

    /// <summary>All zeros.</summary>
    public static MethodInfo Zero { get; } = typeof(Vector128<byte>).GetProperty(nameof(Vector128<byte>.Zero))!.GetMethod!;

    /// <summary>A vector of two quadwords.</summary>
    public static MethodInfo CreatePair { get; } = typeof(Vector128).GetMethod(nameof(Vector128.Create), [typeof(ulong), typeof(ulong)])!;

    /// <summary>Element 0.</summary>
    /// <param name="element">Element type.</param>
    public static MethodInfo ToScalar(Type element) => Generic(nameof(Vector128.ToScalar), 1, 1).MakeGenericMethod(element);

    /// <summary>An element by number.</summary>
    /// <param name="element">Element type.</param>
    public static MethodInfo GetElement(Type element) => Generic(nameof(Vector128.GetElement), 1, 2).MakeGenericMethod(element);

    /// <summary>Whether (not first) and second is zero.</summary>
    public static MethodInfo TestC { get; } = typeof(Sse41).GetMethod(nameof(Sse41.TestC), [typeof(Vector128<ulong>), typeof(Vector128<ulong>)])!;

    /// <summary>A method of an x86 instruction set class by name and parameter types.</summary>
    /// <param name="set">Class of the instruction set.</param>
    /// <param name="name">Name of the method.</param>
    /// <param name="parameters">Parameter types.</param>
    public static MethodInfo X86(Type set, string name, params Type[] parameters) =>
        set.GetMethod(name, parameters) ?? throw new MissingMethodException(set.Name, name);

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
