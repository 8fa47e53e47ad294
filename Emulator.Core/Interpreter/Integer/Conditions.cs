using System.Runtime.CompilerServices;
using Emulator.Core.Cpu;

namespace Emulator.Core.Interpreter;

/// <summary>A condition code of Jcc, SETcc and CMOVcc.</summary>
internal unsafe interface ICondition
{
    /// <summary>Whether the flags fulfil it.</summary>
    static abstract bool Test(CpuState* s);
}

internal readonly struct OverflowCondition : ICondition
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe bool Test(CpuState* s) => LazyFlags.OF(s);
}

internal readonly struct NotOverflowCondition : ICondition
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe bool Test(CpuState* s) => !LazyFlags.OF(s);
}

internal readonly struct BelowCondition : ICondition
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe bool Test(CpuState* s) => LazyFlags.CF(s);
}

internal readonly struct AboveOrEqualCondition : ICondition
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe bool Test(CpuState* s) => !LazyFlags.CF(s);
}

internal readonly struct EqualCondition : ICondition
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe bool Test(CpuState* s) => LazyFlags.ZF(s);
}

internal readonly struct NotEqualCondition : ICondition
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe bool Test(CpuState* s) => !LazyFlags.ZF(s);
}

internal readonly struct BelowOrEqualCondition : ICondition
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe bool Test(CpuState* s) => LazyFlags.CF(s) || LazyFlags.ZF(s);
}

internal readonly struct AboveCondition : ICondition
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe bool Test(CpuState* s) => !LazyFlags.CF(s) && !LazyFlags.ZF(s);
}

internal readonly struct SignCondition : ICondition
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe bool Test(CpuState* s) => LazyFlags.SF(s);
}

internal readonly struct NotSignCondition : ICondition
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe bool Test(CpuState* s) => !LazyFlags.SF(s);
}

internal readonly struct ParityCondition : ICondition
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe bool Test(CpuState* s) => LazyFlags.PF(s);
}

internal readonly struct NotParityCondition : ICondition
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe bool Test(CpuState* s) => !LazyFlags.PF(s);
}

internal readonly struct LessCondition : ICondition
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe bool Test(CpuState* s) => LazyFlags.SF(s) != LazyFlags.OF(s);
}

internal readonly struct GreaterOrEqualCondition : ICondition
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe bool Test(CpuState* s) => LazyFlags.SF(s) == LazyFlags.OF(s);
}

internal readonly struct LessOrEqualCondition : ICondition
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe bool Test(CpuState* s) => LazyFlags.ZF(s) || LazyFlags.SF(s) != LazyFlags.OF(s);
}

internal readonly struct GreaterCondition : ICondition
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe bool Test(CpuState* s) => !LazyFlags.ZF(s) && LazyFlags.SF(s) == LazyFlags.OF(s);
}
