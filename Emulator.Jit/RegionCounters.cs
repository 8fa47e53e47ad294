using System.Runtime.InteropServices;
using Iced.Intel;

namespace Emulator.Jit;

/// <summary>
/// What regions left to others, by instruction: counted when <see cref="JitOptions.Count"/> asks for it. In native memory; emitted code adds to it.
/// </summary>
internal sealed unsafe class RegionCounters
{
    /// <summary>Calls of the interpreter's handler.</summary>
    public const int Calls = 0;

    /// <summary>Exits in front of the instruction, for whatever reason.</summary>
    public const int Exits = 1;

    /// <summary>Of these, for an address that is not in the TLB.</summary>
    public const int Misses = 2;

    private const int Kinds = 3;

    /// <summary>Makes counters, all zero.</summary>
    public RegionCounters() => Address = (nint)NativeMemory.AllocZeroed(Lowering.CodeCount * Kinds, sizeof(long));

    ~RegionCounters() => NativeMemory.Free((void*)Address);

    /// <summary>Where they lie.</summary>
    public nint Address { get; }

    /// <summary>Byte offset of a counter.</summary>
    /// <param name="code">The instruction.</param>
    /// <param name="kind">What is counted.</param>
    public static int OffsetOf(Code code, int kind) => (((int)code * Kinds) + kind) * sizeof(long);

    /// <summary>What was counted: instructions that a region left to others at least once, most frequent first.</summary>
    public List<RegionCount> Read()
    {
        List<RegionCount> counts = [];
        long* counter = (long*)Address;
        for (int code = 0; code < Lowering.CodeCount; code++, counter += Kinds)
        {
            if ((counter[Calls] | counter[Exits]) != 0)
            {
                counts.Add(new RegionCount(((Code)code).ToString(), counter[Calls], counter[Misses], counter[Exits] - counter[Misses]));
            }
        }

        GC.KeepAlive(this);
        return [.. counts.OrderByDescending(c => c.Calls + c.Misses + c.Exits).ThenBy(c => c.Instruction, StringComparer.Ordinal)];
    }
}
