using System.Numerics;
using System.Runtime.CompilerServices;
using Emulator.Core.Cpu;

namespace Emulator.Core.Interpreter;

/// <summary>A shift or rotation by 1 to 31 with its flags. Where the manual leaves OF undefined (counts above 1) it is what the formula for a
/// count of 1 gives on the last step.</summary>
internal unsafe interface IShiftOperation
{
    /// <summary>Shifts; the count is masked to 5 bits and not zero.</summary>
    static abstract T Apply<T>(CpuState* s, T a, int count)
        where T : unmanaged, IBinaryInteger<T>;
}

internal static unsafe class Shifts
{
    /// <summary>Top bit of a value.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Top<T>(T value)
        where T : unmanaged, IBinaryInteger<T> => (value >> ((sizeof(T) * 8) - 1)) != T.Zero;

    /// <summary>Sets CF and OF and leaves the other flags.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void SetCarryOverflow(CpuState* s, bool cf, bool of) =>
        s->FlagCarries = (s->FlagCarries & 8) | (cf ? 0x80000000u : 0) | (cf != of ? 0x40000000u : 0);
}

internal readonly struct ShlOperation : IShiftOperation
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe T Apply<T>(CpuState* s, T a, int count)
        where T : unmanaged, IBinaryInteger<T>
    {
        ulong wide = ulong.CreateTruncating(a) << count;
        T r = T.CreateTruncating(wide);
        bool cf = ((wide >> (sizeof(T) * 8)) & 1) != 0;
        LazyFlags.SetResult(s, r, cf, cf != Shifts.Top(r));
        return r;
    }
}

internal readonly struct ShrOperation : IShiftOperation
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe T Apply<T>(CpuState* s, T a, int count)
        where T : unmanaged, IBinaryInteger<T>
    {
        uint wide = uint.CreateTruncating(a);
        uint before = wide >> (count - 1);
        T r = T.CreateTruncating(before >> 1);
        LazyFlags.SetResult(s, r, (before & 1) != 0, Shifts.Top(T.CreateTruncating(before)));
        return r;
    }
}

internal readonly struct SarOperation : IShiftOperation
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe T Apply<T>(CpuState* s, T a, int count)
        where T : unmanaged, IBinaryInteger<T>
    {
        int wide = sizeof(T) == 1 ? (sbyte)byte.CreateTruncating(a) : sizeof(T) == 2 ? (short)ushort.CreateTruncating(a) : (int)uint.CreateTruncating(a);
        int before = wide >> (count - 1);
        T r = T.CreateTruncating(before >> 1);
        LazyFlags.SetResult(s, r, (before & 1) != 0, of: false);
        return r;
    }
}

internal readonly struct RolOperation : IShiftOperation
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe T Apply<T>(CpuState* s, T a, int count)
        where T : unmanaged, IBinaryInteger<T>
    {
        T r = T.RotateLeft(a, count & ((sizeof(T) * 8) - 1));
        bool cf = (r & T.One) != T.Zero;
        Shifts.SetCarryOverflow(s, cf, cf != Shifts.Top(r));
        return r;
    }
}

internal readonly struct RorOperation : IShiftOperation
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe T Apply<T>(CpuState* s, T a, int count)
        where T : unmanaged, IBinaryInteger<T>
    {
        T r = T.RotateRight(a, count & ((sizeof(T) * 8) - 1));
        Shifts.SetCarryOverflow(s, Shifts.Top(r), Shifts.Top(r) != Shifts.Top(unchecked(r + r)));
        return r;
    }
}

internal readonly struct RclOperation : IShiftOperation
{
    public static unsafe T Apply<T>(CpuState* s, T a, int count)
        where T : unmanaged, IBinaryInteger<T>
    {
        int bits = sizeof(T) * 8;
        count %= bits + 1;
        if (count == 0)
        {
            return a;
        }

        ulong wide = ulong.CreateTruncating(a) | ((ulong)(s->FlagCarries >> 31) << bits);
        ulong mask = (1ul << (bits + 1)) - 1;
        ulong rotated = ((wide << count) | (wide >> (bits + 1 - count))) & mask;
        T r = T.CreateTruncating(rotated);
        bool cf = (rotated >> bits) != 0;
        Shifts.SetCarryOverflow(s, cf, cf != Shifts.Top(r));
        return r;
    }
}

internal readonly struct RcrOperation : IShiftOperation
{
    public static unsafe T Apply<T>(CpuState* s, T a, int count)
        where T : unmanaged, IBinaryInteger<T>
    {
        int bits = sizeof(T) * 8;
        count %= bits + 1;
        if (count == 0)
        {
            return a;
        }

        ulong wide = ulong.CreateTruncating(a) | ((ulong)(s->FlagCarries >> 31) << bits);
        ulong mask = (1ul << (bits + 1)) - 1;
        ulong rotated = ((wide >> count) | (wide << (bits + 1 - count))) & mask;
        T r = T.CreateTruncating(rotated);
        Shifts.SetCarryOverflow(s, (rotated >> bits) != 0, Shifts.Top(r) != Shifts.Top(unchecked(r + r)));
        return r;
    }
}
