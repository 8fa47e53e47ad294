using System.Numerics;
using System.Runtime.CompilerServices;
using Emulator.Core.Cpu;
using Emulator.Core.Decoding;

namespace Emulator.Core.Interpreter;

/// <summary>What a bit-test instruction does to its bit.</summary>
internal interface IBitOperation
{
    /// <summary>Whether the operand is written.</summary>
    static abstract bool Writes { get; }

    /// <summary>The operand with the bit changed.</summary>
    static abstract T Apply<T>(T value, T bit)
        where T : unmanaged, IBinaryInteger<T>;
}

internal readonly struct BitTest : IBitOperation
{
    public static bool Writes => false;

    public static T Apply<T>(T value, T bit)
        where T : unmanaged, IBinaryInteger<T> => value;
}

internal readonly struct BitSet : IBitOperation
{
    public static bool Writes => true;

    public static T Apply<T>(T value, T bit)
        where T : unmanaged, IBinaryInteger<T> => value | bit;
}

internal readonly struct BitReset : IBitOperation
{
    public static bool Writes => true;

    public static T Apply<T>(T value, T bit)
        where T : unmanaged, IBinaryInteger<T> => value & ~bit;
}

internal readonly struct BitComplement : IBitOperation
{
    public static bool Writes => true;

    public static T Apply<T>(T value, T bit)
        where T : unmanaged, IBinaryInteger<T> => value ^ bit;
}

/// <summary>Bit tests, bit scans, double shifts, XADD and CMPXCHG.</summary>
internal static unsafe class BitHandlers
{
    public static int RegImm<TB, T>(CpuState* s, Op* op)
        where TB : struct, IBitOperation
        where T : unmanaged, IBinaryInteger<T>
    {
        ref T r = ref CpuState.Register<T>(s, op->R0);
        r = Apply<TB, T>(s, r, (int)op->Imm);
        return op[1].Handler(s, op + 1);
    }

    public static int RegReg<TB, T>(CpuState* s, Op* op)
        where TB : struct, IBitOperation
        where T : unmanaged, IBinaryInteger<T>
    {
        ref T r = ref CpuState.Register<T>(s, op->R0);
        r = Apply<TB, T>(s, r, int.CreateTruncating(CpuState.Register<T>(s, op->R1)));
        return op[1].Handler(s, op + 1);
    }

    public static int MemImm<TB, T, TA>(CpuState* s, Op* op)
        where TB : struct, IBitOperation
        where T : unmanaged, IBinaryInteger<T>
        where TA : struct, IAddressing
    {
        T* p = TB.Writes ? Access.Modify<T, TA>(s, op) : Access.Read<T, TA>(s, op);
        if (p == null)
        {
            return Faults.At(s, op);
        }

        T r = Apply<TB, T>(s, *p, (int)op->Imm);
        if (TB.Writes)
        {
            *p = r;
            Access.Commit(s, op, p);
        }

        return op[1].Handler(s, op + 1);
    }

    /// <summary>The register's bit offset reaches beyond the operand: it moves the address by whole operands, signed.</summary>
    public static int MemReg<TB, T, TA>(CpuState* s, Op* op)
        where TB : struct, IBitOperation
        where T : unmanaged, IBinaryInteger<T>
        where TA : struct, IAddressing
    {
        int bit = sizeof(T) == 2 ? (short)ushort.CreateTruncating(CpuState.Register<T>(s, op->R1)) : (int)uint.CreateTruncating(CpuState.Register<T>(s, op->R1));
        uint offset = Access.Offset<TA>(s, op) + (uint)((bit >> (sizeof(T) == 2 ? 4 : 5)) * sizeof(T));
        if (!TA.IsFlat && (op->Flags & OpFlags.Address16) != 0)
        {
            offset &= 0xFFFF;
        }

        T* p = TB.Writes ? Access.ModifyAt<T, TA>(s, op, op->Segment, offset) : Access.ReadAt<T, TA>(s, op, op->Segment, offset);
        if (p == null)
        {
            return Faults.At(s, op);
        }

        T r = Apply<TB, T>(s, *p, bit);
        if (TB.Writes)
        {
            *p = r;
            Access.Commit(s, op, p);
        }

        return op[1].Handler(s, op + 1);
    }

    public static int BsfReg<T>(CpuState* s, Op* op)
        where T : unmanaged, IBinaryInteger<T>
    {
        Scan(s, op, CpuState.Register<T>(s, op->R1), forward: true);
        return op[1].Handler(s, op + 1);
    }

    public static int BsfMem<T, TA>(CpuState* s, Op* op)
        where T : unmanaged, IBinaryInteger<T>
        where TA : struct, IAddressing
    {
        T* p = Access.Read<T, TA>(s, op);
        if (p == null)
        {
            return Faults.At(s, op);
        }

        Scan(s, op, *p, forward: true);
        return op[1].Handler(s, op + 1);
    }

    public static int BsrReg<T>(CpuState* s, Op* op)
        where T : unmanaged, IBinaryInteger<T>
    {
        Scan(s, op, CpuState.Register<T>(s, op->R1), forward: false);
        return op[1].Handler(s, op + 1);
    }

    public static int BsrMem<T, TA>(CpuState* s, Op* op)
        where T : unmanaged, IBinaryInteger<T>
        where TA : struct, IAddressing
    {
        T* p = Access.Read<T, TA>(s, op);
        if (p == null)
        {
            return Faults.At(s, op);
        }

        Scan(s, op, *p, forward: false);
        return op[1].Handler(s, op + 1);
    }

    public static int ShldRegImm<T>(CpuState* s, Op* op)
        where T : unmanaged, IBinaryInteger<T>
    {
        ref T r = ref CpuState.Register<T>(s, op->R0);
        r = Shld(s, r, CpuState.Register<T>(s, op->R1), (int)op->Imm & 31);
        return op[1].Handler(s, op + 1);
    }

    public static int ShldRegCl<T>(CpuState* s, Op* op)
        where T : unmanaged, IBinaryInteger<T>
    {
        ref T r = ref CpuState.Register<T>(s, op->R0);
        r = Shld(s, r, CpuState.Register<T>(s, op->R1), (int)CpuState.R32(s, 1) & 31);
        return op[1].Handler(s, op + 1);
    }

    public static int ShrdRegImm<T>(CpuState* s, Op* op)
        where T : unmanaged, IBinaryInteger<T>
    {
        ref T r = ref CpuState.Register<T>(s, op->R0);
        r = Shrd(s, r, CpuState.Register<T>(s, op->R1), (int)op->Imm & 31);
        return op[1].Handler(s, op + 1);
    }

    public static int ShrdRegCl<T>(CpuState* s, Op* op)
        where T : unmanaged, IBinaryInteger<T>
    {
        ref T r = ref CpuState.Register<T>(s, op->R0);
        r = Shrd(s, r, CpuState.Register<T>(s, op->R1), (int)CpuState.R32(s, 1) & 31);
        return op[1].Handler(s, op + 1);
    }

    public static int ShldMemImm<T, TA>(CpuState* s, Op* op)
        where T : unmanaged, IBinaryInteger<T>
        where TA : struct, IAddressing => DoubleShiftMem<T, TA>(s, op, (int)op->Imm & 31, left: true);

    public static int ShldMemCl<T, TA>(CpuState* s, Op* op)
        where T : unmanaged, IBinaryInteger<T>
        where TA : struct, IAddressing => DoubleShiftMem<T, TA>(s, op, (int)CpuState.R32(s, 1) & 31, left: true);

    public static int ShrdMemImm<T, TA>(CpuState* s, Op* op)
        where T : unmanaged, IBinaryInteger<T>
        where TA : struct, IAddressing => DoubleShiftMem<T, TA>(s, op, (int)op->Imm & 31, left: false);

    public static int ShrdMemCl<T, TA>(CpuState* s, Op* op)
        where T : unmanaged, IBinaryInteger<T>
        where TA : struct, IAddressing => DoubleShiftMem<T, TA>(s, op, (int)CpuState.R32(s, 1) & 31, left: false);

    public static int XaddReg<T>(CpuState* s, Op* op)
        where T : unmanaged, IBinaryInteger<T>
    {
        T a = CpuState.Register<T>(s, op->R0);
        T r = AddOperation.Apply(s, a, CpuState.Register<T>(s, op->R1));
        CpuState.Register<T>(s, op->R1) = a;
        CpuState.Register<T>(s, op->R0) = r;
        return op[1].Handler(s, op + 1);
    }

    public static int XaddMem<T, TA>(CpuState* s, Op* op)
        where T : unmanaged, IBinaryInteger<T>
        where TA : struct, IAddressing
    {
        T* p = Access.Modify<T, TA>(s, op);
        if (p == null)
        {
            return Faults.At(s, op);
        }

        T a = *p;
        *p = AddOperation.Apply(s, a, CpuState.Register<T>(s, op->R1));
        CpuState.Register<T>(s, op->R1) = a;
        Access.Commit(s, op, p);
        return op[1].Handler(s, op + 1);
    }

    public static int CmpxchgReg<T>(CpuState* s, Op* op)
        where T : unmanaged, IBinaryInteger<T>
    {
        T a = CpuState.Register<T>(s, op->R0);
        if (CmpOperation.Apply(s, CpuState.Register<T>(s, 0), a) == T.Zero)
        {
            CpuState.Register<T>(s, op->R0) = CpuState.Register<T>(s, op->R1);
        }
        else
        {
            CpuState.Register<T>(s, 0) = a;
        }

        return op[1].Handler(s, op + 1);
    }

    public static int CmpxchgMem<T, TA>(CpuState* s, Op* op)
        where T : unmanaged, IBinaryInteger<T>
        where TA : struct, IAddressing
    {
        T* p = Access.Modify<T, TA>(s, op);
        if (p == null)
        {
            return Faults.At(s, op);
        }

        T a = *p;
        if (CmpOperation.Apply(s, CpuState.Register<T>(s, 0), a) == T.Zero)
        {
            *p = CpuState.Register<T>(s, op->R1);
        }
        else
        {
            CpuState.Register<T>(s, 0) = a;
        }

        Access.Commit(s, op, p);
        return op[1].Handler(s, op + 1);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static T Apply<TB, T>(CpuState* s, T value, int bit)
        where TB : struct, IBitOperation
        where T : unmanaged, IBinaryInteger<T>
    {
        bit &= (sizeof(T) * 8) - 1;
        LazyFlags.SetCF(s, ((value >> bit) & T.One) != T.Zero);
        return TB.Apply(value, T.One << bit);
    }

    private static void Scan<T>(CpuState* s, Op* op, T value, bool forward)
        where T : unmanaged, IBinaryInteger<T>
    {
        bool zero = value == T.Zero;
        if (!zero)
        {
            uint wide = uint.CreateTruncating(value);
            CpuState.Register<T>(s, op->R0) = T.CreateTruncating(forward ? BitOperations.TrailingZeroCount(wide) : BitOperations.Log2(wide));
        }

        LazyFlags.SetZF(s, zero);
    }

    internal static T Shld<T>(CpuState* s, T a, T b, int count)
        where T : unmanaged, IBinaryInteger<T>
    {
        if (count == 0)
        {
            return a;
        }

        int bits = sizeof(T) * 8;

        // a:b:a covers the counts above 16 that a 16-bit operand can have.
        ulong wide = sizeof(T) == 2
            ? (ulong.CreateTruncating(a) << 32) | (ulong.CreateTruncating(b) << 16) | ulong.CreateTruncating(a)
            : (ulong.CreateTruncating(a) << 32) | ulong.CreateTruncating(b);
        T r = T.CreateTruncating((wide << count) >> 32);
        bool cf = sizeof(T) == 2 ? ((wide >> (48 - count)) & 1) != 0 : ((wide >> (64 - count)) & 1) != 0;
        LazyFlags.SetResult(s, r, cf, Shifts.Top(a) != Shifts.Top(r));
        return r;
    }

    internal static T Shrd<T>(CpuState* s, T a, T b, int count)
        where T : unmanaged, IBinaryInteger<T>
    {
        if (count == 0)
        {
            return a;
        }

        ulong wide = sizeof(T) == 2
            ? (ulong.CreateTruncating(a) << 32) | (ulong.CreateTruncating(b) << 16) | ulong.CreateTruncating(a)
            : (ulong.CreateTruncating(b) << 32) | ulong.CreateTruncating(a);
        T r = T.CreateTruncating(wide >> count);
        bool cf = ((wide >> (count - 1)) & 1) != 0;
        LazyFlags.SetResult(s, r, cf, Shifts.Top(r) != Shifts.Top(T.CreateTruncating(wide >> (count - 1))));
        return r;
    }

    private static int DoubleShiftMem<T, TA>(CpuState* s, Op* op, int count, bool left)
        where T : unmanaged, IBinaryInteger<T>
        where TA : struct, IAddressing
    {
        T* p = Access.Modify<T, TA>(s, op);
        if (p == null)
        {
            return Faults.At(s, op);
        }

        T b = CpuState.Register<T>(s, op->R1);
        *p = left ? Shld(s, *p, b, count) : Shrd(s, *p, b, count);
        Access.Commit(s, op, p);
        return op[1].Handler(s, op + 1);
    }
}
