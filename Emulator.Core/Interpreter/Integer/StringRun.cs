using System.Numerics;
using System.Runtime.CompilerServices;
using Emulator.Core.Cpu;
using Emulator.Core.Decoding;
using Emulator.Core.Memory;

namespace Emulator.Core.Interpreter;

/// <summary>
/// Iterations of repeated string instructions in bulk, for both engines, only where all of a run is hits in one record of the TLB for each
/// operand, or in two for a single element that crosses a page border, and within the segments' limits. Downwards MOVS and STOS only.
/// </summary>
internal static unsafe class StringRun
{
    /// <summary>Bits of a form: number of the source's segment.</summary>
    private const int SegmentMask = 7;

    /// <summary>Bit of a form: segments are not known to be flat.</summary>
    private const int General = 8;

    /// <summary>Bit of a form: SI, DI and CX.</summary>
    private const int Address16 = 16;

    /// <summary>Bit of a form: REPNE.</summary>
    private const int Repne = 32;

    private const int Ecx = 1;
    private const int Esi = 6;
    private const int Edi = 7;
    private const uint PageMask = 0xFFFFF000;

    /// <summary>What the functions here want to know of an instruction, in one number.</summary>
    /// <param name="op">The instruction.</param>
    public static int FormOf(in Op op) => op.Segment | ((op.Flags & OpFlags.General) != 0 ? General : 0)
        | ((op.Flags & OpFlags.Address16) != 0 ? Address16 : 0) | ((op.Flags & OpFlags.Repne) != 0 ? Repne : 0);

    /// <summary>
    /// All iterations of a repeated instruction, as far as they are hits and the budget reaches; its first is paid for. Moves the registers
    /// in the state. Flags change only with the last iteration.
    /// </summary>
    /// <typeparam name="TS">The instruction.</typeparam>
    /// <typeparam name="T">Its element.</typeparam>
    /// <param name="s">The state.</param>
    /// <param name="budget">What the budget is; the caller takes from it.</param>
    /// <param name="form">Of <see cref="FormOf"/>.</param>
    /// <returns>
    /// When the instruction is done, the iterations behind the first; else the one's complement of all iterations: one instruction is still paid for, and
    /// the interpreter goes on.
    /// </returns>
    public static long Repeat<TS, T>(CpuState* s, long budget, int form)
        where TS : struct, IStringOperation
        where T : unmanaged, IBinaryInteger<T>
    {
        uint count = (form & Address16) != 0 ? CpuState.R32(s, Ecx) & 0xFFFF : CpuState.R32(s, Ecx);
        if (count == 0)
        {
            return 0;
        }

        long flagResult = s->FlagResult;
        uint flagCarries = s->FlagCarries;
        long done = 0;
        bool ends = false;
        do
        {
            // What is left over needs an instruction that is paid.
            long room = budget - done;
            uint n = Chunk<TS, T>(s, form, count <= room + 1 ? count : (uint)room);
            done += n;
            count -= n;
            if (n == 0)
            {
                break;
            }

            ends = TS.Compares && LazyFlags.ZF(s) == ((form & Repne) != 0);
        }
        while (count != 0 && !ends);
        if ((form & Address16) != 0)
        {
            CpuState.Register<ushort>(s, CpuState.RegisterOffset(Ecx)) = (ushort)count;
        }
        else
        {
            CpuState.R32(s, Ecx) = count;
        }

        if (count == 0 || ends)
        {
            return done - 1;
        }

        s->FlagResult = flagResult;
        s->FlagCarries = flagCarries;
        return ~done;
    }

    /// <summary>Iterations up to the next end of a page or segment. Moves the index registers; count and budget are the caller's.</summary>
    /// <typeparam name="TS">The instruction.</typeparam>
    /// <typeparam name="T">Its element.</typeparam>
    /// <param name="s">The state.</param>
    /// <param name="form">Of <see cref="FormOf"/>.</param>
    /// <param name="most">Most iterations.</param>
    /// <returns>Iterations done; 0 when the next one needs the interpreter's slow path.</returns>
    public static uint Chunk<TS, T>(CpuState* s, int form, uint most)
        where TS : struct, IStringOperation
        where T : unmanaged, IBinaryInteger<T>
    {
        bool reads = (TS.Operands & StringOperands.Source) != 0;
        bool usesDestination = (TS.Operands & StringOperands.Destination) != 0;
        bool writes = (TS.Operands & StringOperands.Writes) != 0;
        bool down = (s->EflagsRest & Eflags.DF) != 0;
        byte* source = null;
        byte* destination = null;
        if (TS.Operands == StringOperands.None || most == 0 || (down && !writes)
            || (reads && (source = Locate<T>(s, form, Esi, form & SegmentMask, write: false, down, ref most)) == null)
            || (usesDestination && (destination = Locate<T>(s, form, Edi, SegmentIndex.Es, writes, down, ref most)) == null))
        {
            return 0;
        }

        uint n = most == 0 ? AcrossBorder<TS, T>(s, form)
            : !down ? TS.Many(s, (T*)source, (T*)destination, most, (form & Repne) == 0)
            : Down<TS, T>(s, (T*)source, (T*)destination, most);
        int bytes = (int)n * (down ? -sizeof(T) : sizeof(T));
        if (reads)
        {
            Step(s, form, Esi, (uint)bytes);
        }

        if (usesDestination)
        {
            Step(s, form, Edi, (uint)bytes);
        }

        return n;
    }

    /// <summary>Downwards, from the highest element.</summary>
    private static uint Down<TS, T>(CpuState* s, T* source, T* destination, uint most)
        where TS : struct, IStringOperation
        where T : unmanaged, IBinaryInteger<T>
    {
        T* lowest = destination - (most - 1);
        if ((TS.Operands & StringOperands.Source) == 0)
        {
            return TS.Many(s, null, lowest, most, whileEqual: true);
        }

        T* lowestSource = source - (most - 1);
        if ((byte*)destination < (byte*)source && (byte*)(destination + 1) > (byte*)lowestSource)
        {
            // Overlap: elements just written are read again.
            for (uint i = 0; i < most; i++)
            {
                *destination-- = *source--;
            }
        }
        else
        {
            new ReadOnlySpan<T>(lowestSource, (int)most).CopyTo(new Span<T>(lowest, (int)most));
        }

        return most;
    }

    /// <summary>
    /// One iteration, some operand of which crosses a page border; the segments' limits allow all of them. Index registers are the caller's.
    /// </summary>
    /// <returns>1, or 0 with nothing done when not all pages are hits.</returns>
    private static uint AcrossBorder<TS, T>(CpuState* s, int form)
        where TS : struct, IStringOperation
        where T : unmanaged, IBinaryInteger<T>
    {
        T source = T.Zero;
        T destination = T.Zero;
        bool writes = (TS.Operands & StringOperands.Writes) != 0;
        ElementParts parts = default;
        if ((TS.Operands & StringOperands.Source) != 0)
        {
            if (!parts.Find(s, Linear(s, form, Esi, form & SegmentMask), sizeof(T), write: false))
            {
                return 0;
            }

            parts.Read((byte*)&source);
        }

        if ((TS.Operands & StringOperands.Destination) != 0)
        {
            if (!parts.Find(s, Linear(s, form, Edi, SegmentIndex.Es), sizeof(T), writes))
            {
                return 0;
            }

            if (!writes)
            {
                parts.Read((byte*)&destination);
            }
        }

        uint n = TS.Many(s, &source, &destination, 1, (form & Repne) == 0);
        if (writes)
        {
            parts.Write((byte*)&destination);
        }

        return n;
    }

    private static uint Linear(CpuState* s, int form, int register, int segment)
    {
        uint offset = CpuState.R32(s, register);
        offset = (form & Address16) != 0 ? offset & 0xFFFF : offset;
        return (form & General) != 0 ? CpuState.Segment(s, segment)->Base + offset : offset;
    }

    /// <summary>
    /// Host address of the element that a register points to, and how many follow without a further check: none when the element crosses a page
    /// border. Null when the interpreter must look.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static byte* Locate<T>(CpuState* s, int form, int register, int segment, bool write, bool down, ref uint most)
        where T : unmanaged
    {
        uint offset = CpuState.R32(s, register);
        if ((form & Address16) != 0)
        {
            offset &= 0xFFFF;
            if (offset > 0x10000 - sizeof(T))
            {
                return null;
            }

            most = Math.Min(most, ((down ? offset : (uint)(0x10000 - sizeof(T)) - offset) / (uint)sizeof(T)) + 1);
        }

        if ((form & General) != 0)
        {
            SegmentRegister* r = CpuState.Segment(s, segment);
            ulong end = write ? r->WriteEnd : r->ReadEnd;
            if (end < (ulong)offset + (ulong)sizeof(T))
            {
                return null;
            }

            most = (uint)Math.Min(most, down ? (offset / (uint)sizeof(T)) + 1 : (end - offset) / (ulong)sizeof(T));
            offset += r->Base;
        }

        TlbEntry* e = Access.Entry(s, offset);
        if ((write ? e->WriteTag : e->ReadTag) != (offset & PageMask))
        {
            return null;
        }

        uint inPage = offset & ~PageMask;
        uint room = (PhysicalMemory.PageSize - inPage) / (uint)sizeof(T);
        most = Math.Min(most, down && room != 0 ? (inPage / (uint)sizeof(T)) + 1 : room);
        return (byte*)(e->Addend + offset);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Step(CpuState* s, int form, int register, uint bytes)
    {
        if ((form & Address16) != 0)
        {
            ref ushort r = ref CpuState.Register<ushort>(s, CpuState.RegisterOffset(register));
            r = (ushort)(r + bytes);
        }
        else
        {
            CpuState.R32(s, register) += bytes;
        }
    }
}
