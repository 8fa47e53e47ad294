using System.Numerics;
using System.Runtime.CompilerServices;
using Emulator.Core.Cpu;

namespace Emulator.Core.Interpreter;

/// <summary>A two-operand ALU operation with its flags.</summary>
internal unsafe interface IBinaryOperation
{
    /// <summary>Whether the result is written to the first operand.</summary>
    static abstract bool Writes { get; }

    /// <summary>Computes the result and sets the flags.</summary>
    static abstract T Apply<T>(CpuState* s, T a, T b)
        where T : unmanaged, IBinaryInteger<T>;
}

/// <summary>A one-operand ALU operation with its flags.</summary>
internal unsafe interface IUnaryOperation
{
    /// <summary>Computes the result and sets the flags.</summary>
    static abstract T Apply<T>(CpuState* s, T a)
        where T : unmanaged, IBinaryInteger<T>;
}

internal readonly struct AddOperation : IBinaryOperation
{
    public static bool Writes => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe T Apply<T>(CpuState* s, T a, T b)
        where T : unmanaged, IBinaryInteger<T>
    {
        T r = unchecked(a + b);
        LazyFlags.SetAdd(s, a, b, r);
        return r;
    }
}

internal readonly struct AdcOperation : IBinaryOperation
{
    public static bool Writes => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe T Apply<T>(CpuState* s, T a, T b)
        where T : unmanaged, IBinaryInteger<T>
    {
        T r = unchecked(a + b + T.CreateTruncating(s->FlagCarries >> 31));
        LazyFlags.SetAdd(s, a, b, r);
        return r;
    }
}

internal readonly struct SubOperation : IBinaryOperation
{
    public static bool Writes => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe T Apply<T>(CpuState* s, T a, T b)
        where T : unmanaged, IBinaryInteger<T>
    {
        T r = unchecked(a - b);
        LazyFlags.SetSub(s, a, b, r);
        return r;
    }
}

internal readonly struct SbbOperation : IBinaryOperation
{
    public static bool Writes => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe T Apply<T>(CpuState* s, T a, T b)
        where T : unmanaged, IBinaryInteger<T>
    {
        T r = unchecked(a - b - T.CreateTruncating(s->FlagCarries >> 31));
        LazyFlags.SetSub(s, a, b, r);
        return r;
    }
}

internal readonly struct CmpOperation : IBinaryOperation
{
    public static bool Writes => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe T Apply<T>(CpuState* s, T a, T b)
        where T : unmanaged, IBinaryInteger<T>
    {
        T r = unchecked(a - b);
        LazyFlags.SetSub(s, a, b, r);
        return r;
    }
}

internal readonly struct AndOperation : IBinaryOperation
{
    public static bool Writes => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe T Apply<T>(CpuState* s, T a, T b)
        where T : unmanaged, IBinaryInteger<T>
    {
        T r = a & b;
        LazyFlags.SetLogic(s, r);
        return r;
    }
}

internal readonly struct TestOperation : IBinaryOperation
{
    public static bool Writes => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe T Apply<T>(CpuState* s, T a, T b)
        where T : unmanaged, IBinaryInteger<T>
    {
        T r = a & b;
        LazyFlags.SetLogic(s, r);
        return r;
    }
}

internal readonly struct OrOperation : IBinaryOperation
{
    public static bool Writes => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe T Apply<T>(CpuState* s, T a, T b)
        where T : unmanaged, IBinaryInteger<T>
    {
        T r = a | b;
        LazyFlags.SetLogic(s, r);
        return r;
    }
}

internal readonly struct XorOperation : IBinaryOperation
{
    public static bool Writes => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe T Apply<T>(CpuState* s, T a, T b)
        where T : unmanaged, IBinaryInteger<T>
    {
        T r = a ^ b;
        LazyFlags.SetLogic(s, r);
        return r;
    }
}

internal readonly struct IncOperation : IUnaryOperation
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe T Apply<T>(CpuState* s, T a)
        where T : unmanaged, IBinaryInteger<T>
    {
        T r = unchecked(a + T.One);
        LazyFlags.SetInc(s, r);
        return r;
    }
}

internal readonly struct DecOperation : IUnaryOperation
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe T Apply<T>(CpuState* s, T a)
        where T : unmanaged, IBinaryInteger<T>
    {
        T r = unchecked(a - T.One);
        LazyFlags.SetDec(s, r);
        return r;
    }
}

internal readonly struct NegOperation : IUnaryOperation
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe T Apply<T>(CpuState* s, T a)
        where T : unmanaged, IBinaryInteger<T>
    {
        T r = unchecked(T.Zero - a);
        LazyFlags.SetSub(s, T.Zero, a, r);
        return r;
    }
}

internal readonly struct NotOperation : IUnaryOperation
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe T Apply<T>(CpuState* s, T a)
        where T : unmanaged, IBinaryInteger<T> => ~a;
}
