using System.Numerics;
using System.Runtime.CompilerServices;
using Emulator.Core.Cpu;
using Emulator.Core.Interpreter;

namespace Emulator.Jit;

/// <summary>What regions call for integer instructions that are not worth code of their own: the interpreter's semantics, flags in the state.</summary>
internal static unsafe class IntegerCalls
{
    /// <summary>A shift or rotate; a count of zero changes nothing.</summary>
    /// <typeparam name="TOp">The operation.</typeparam>
    /// <typeparam name="T">Width of the operand.</typeparam>
    /// <param name="state">The <see cref="CpuState"/>.</param>
    /// <param name="value">The operand, zero-extended.</param>
    /// <param name="count">0 to 31.</param>
    /// <returns>The result, zero-extended.</returns>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static uint Shift<TOp, T>(nint state, uint value, int count)
        where TOp : struct, IShiftOperation
        where T : unmanaged, IBinaryInteger<T> => count == 0 ? value : uint.CreateTruncating(TOp.Apply((CpuState*)state, T.CreateTruncating(value), count));

    /// <summary>SHLD.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static uint Shld<T>(nint state, uint a, uint b, int count)
        where T : unmanaged, IBinaryInteger<T> => uint.CreateTruncating(BitHandlers.Shld((CpuState*)state, T.CreateTruncating(a), T.CreateTruncating(b), count));

    /// <summary>SHRD.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static uint Shrd<T>(nint state, uint a, uint b, int count)
        where T : unmanaged, IBinaryInteger<T> => uint.CreateTruncating(BitHandlers.Shrd((CpuState*)state, T.CreateTruncating(a), T.CreateTruncating(b), count));

    /// <summary>The carries of <see cref="LazyFlags"/> with another CF (0 or 1) and the same OF and AF.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint WithCarry(uint carries, uint carry) =>
        ((0 - carry) & 0xC0000000) ^ (((carries ^ (carries << 1)) >> 1) & 0x40000000) ^ (carries & 8);

    /// <summary>The time-stamp counter at an instruction that is paid for.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static ulong TimeStamp(nint state, long budget)
    {
        CpuState* s = (CpuState*)state;
        s->Budget = budget;
        s->InFlight = 1;
        ulong value = ModelSpecificRegisters.TimeStamp(s);
        s->InFlight = 0;
        return value;
    }

    /// <summary>SAHF.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void Sahf(nint state, uint ah)
    {
        CpuState* s = (CpuState*)state;
        LazyFlags.SetStatus(s, ah | (LazyFlags.OF(s) ? Eflags.OF : 0));
    }
}
