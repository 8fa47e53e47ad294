using System.Numerics;
using System.Runtime.InteropServices;

namespace Emulator.Core.Memory;

/// <summary>
/// The TLB of instruction fetch, one table for each privilege view: direct-mapped records of 8 bytes, one for each linear page. Only fetches
/// fill it and only flushes empty it, so that what it holds, and hence when page tables are walked for code, follows from the guest's
/// history alone, whatever engine executes. The lower half of a record is the linear page address, or <see cref="Invalid"/>; the upper half
/// is the physical page address, or <see cref="PhysicalMemory.NoPage"/>. Whether pages are global or large is noted in bit maps behind the
/// records, so that translated code can compare a record with a constant.
/// </summary>
internal static unsafe class InstructionTlb
{
    /// <summary>Records in a table; a power of two.</summary>
    public const int Count = 4096;

    /// <summary>log2 of the record size.</summary>
    public const int SizeShift = 3;

    /// <summary>A record that holds no translation.</summary>
    public const ulong Invalid = 1;

    private const int Words = Count / 64;

    /// <summary>Makes an empty table; free it with <see cref="NativeMemory.AlignedFree"/>.</summary>
    public static ulong* Create()
    {
        nuint size = (Count + (3 * Words)) * sizeof(ulong);
        ulong* table = (ulong*)NativeMemory.AlignedAlloc(size, 64);
        NativeMemory.Clear(table, size);
        new Span<ulong>(table, Count).Fill(Invalid);
        return table;
    }

    /// <summary>Number of the record for an address.</summary>
    /// <param name="linear">Linear address.</param>
    public static int IndexOf(uint linear) => (int)(linear >> 12) & (Count - 1);

    /// <summary>The record of a translation.</summary>
    /// <param name="linear">Linear address.</param>
    /// <param name="physical">Physical page address.</param>
    public static ulong Record(uint linear, uint physical) => ((ulong)physical << 32) | (linear & 0xFFFFF000);

    /// <summary>Physical page of a valid record.</summary>
    /// <param name="record">The record.</param>
    public static uint PhysicalOf(ulong record) => (uint)(record >> 32);

    /// <summary>Whether a record is that of an address.</summary>
    /// <param name="record">The record.</param>
    /// <param name="linear">Linear address.</param>
    public static bool IsHit(ulong record, uint linear) => (uint)record == (linear & 0xFFFFF000);

    /// <summary>Stores a translation.</summary>
    /// <param name="table">The table.</param>
    /// <param name="record">The record.</param>
    /// <param name="isGlobal">Whether it survives CR3 loads.</param>
    /// <param name="isLarge">Whether it is part of a large page.</param>
    /// <returns>Whether the translation of another page went.</returns>
    public static bool Fill(ulong* table, ulong record, bool isGlobal, bool isLarge)
    {
        int index = IndexOf((uint)record);
        ulong old = table[index];
        table[index] = record;
        ulong bit = 1ul << (index & 63);
        ulong* word = Used(table) + (index / 64);
        word[0] |= bit;
        word[Words] = isGlobal ? word[Words] | bit : word[Words] & ~bit;
        word[2 * Words] = isLarge ? word[2 * Words] | bit : word[2 * Words] & ~bit;
        return old != Invalid;
    }

    /// <summary>Drops all records.</summary>
    /// <param name="table">The table.</param>
    /// <param name="keepGlobal">Whether those of global pages stay.</param>
    public static void Clear(ulong* table, bool keepGlobal)
    {
        ulong* used = Used(table);
        for (int i = 0; i < Words; i++)
        {
            Drop(table, i, used[i] & ~(keepGlobal ? used[Words + i] : 0));
        }
    }

    /// <summary>Drops the record of a page.</summary>
    /// <param name="table">The table.</param>
    /// <param name="linear">Any address in the page.</param>
    public static void DropPage(ulong* table, uint linear)
    {
        int index = IndexOf(linear);
        if (IsHit(table[index], linear))
        {
            Drop(table, index / 64, 1ul << (index & 63));
        }
    }

    /// <summary>Drops all records of the large pages in 4 MiB.</summary>
    /// <param name="table">The table.</param>
    /// <param name="linear">Any address there.</param>
    public static void DropLarge(ulong* table, uint linear)
    {
        ulong* used = Used(table);
        for (int i = 0; i < Words; i++)
        {
            for (ulong bits = used[i] & used[(2 * Words) + i]; bits != 0; bits &= bits - 1)
            {
                int bit = BitOperations.TrailingZeroCount(bits);
                if (((uint)table[(i * 64) + bit] ^ linear) < 4u << 20)
                {
                    Drop(table, i, 1ul << bit);
                }
            }
        }
    }

    /// <summary>Drops the records of a physical range.</summary>
    /// <param name="table">The table.</param>
    /// <param name="physical">First byte.</param>
    /// <param name="length">Bytes.</param>
    /// <returns>Whether there were any.</returns>
    public static bool DropPhysical(ulong* table, uint physical, uint length)
    {
        bool any = false;
        for (int i = 0; i < Words; i++)
        {
            for (ulong bits = Used(table)[i]; bits != 0; bits &= bits - 1)
            {
                int bit = BitOperations.TrailingZeroCount(bits);
                if (PhysicalOf(table[(i * 64) + bit]) - physical < length)
                {
                    Drop(table, i, 1ul << bit);
                    any = true;
                }
            }
        }

        return any;
    }

    private static ulong* Used(ulong* table) => table + Count;

    private static void Drop(ulong* table, int word, ulong bits)
    {
        Used(table)[word] &= ~bits;
        for (; bits != 0; bits &= bits - 1)
        {
            table[(word * 64) + BitOperations.TrailingZeroCount(bits)] = Invalid;
        }
    }
}
