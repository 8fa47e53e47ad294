using System.Reflection;
using System.Runtime.CompilerServices;

namespace Emulator.Core.Semantics.X87;

/// <summary>
/// Compiles the transcendental instructions ahead. ReadyToRun has no code for methods that compute with <see cref="UInt128"/>, and what the runtime makes of them at first is
/// so slow that a program's first tenth of a second of FSIN takes three times as long; so they are optimized at once, which takes some tens of milliseconds.
/// </summary>
public static class X87Preparation
{
    /// <summary>Compiles them, on any thread. Nothing depends on whether or when it is called.</summary>
    public static void Prepare()
    {
        foreach (Type type in (ReadOnlySpan<Type>)[typeof(Wide), typeof(X87Series), typeof(X87Trigonometry), typeof(X87ArcTangent), typeof(X87Exponential)])
        {
            foreach (MethodInfo method in type.GetMethods(BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly))
            {
                RuntimeHelpers.PrepareMethod(method.MethodHandle);
            }
        }
    }
}
