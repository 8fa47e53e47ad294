using System.Numerics;
using System.Runtime.CompilerServices;
using Emulator.Core.Cpu;
using Emulator.Core.Decoding;
using Emulator.Core.Memory;

namespace Emulator.Core.Interpreter;

/// <summary>One iteration of a string instruction.</summary>
internal unsafe interface IStringOperation
{
    /// <summary>Whether REPE/REPNE end on ZF (CMPS, SCAS).</summary>
    static abstract bool Compares { get; }

    /// <summary>Whether a port is accessed, so that permission is checked even when REP has nothing to do.</summary>
    static abstract bool TouchesPort { get; }

    /// <summary>Does one iteration and moves the index registers; false with the fault recorded and nothing changed.</summary>
    static abstract bool Once<T, TA>(CpuState* s, Op* op)
        where T : unmanaged, IBinaryInteger<T>
        where TA : struct, IAddressing;

    /// <summary>What <see cref="Many"/> touches; none when it does nothing.</summary>
    static abstract StringOperands Operands { get; }

    /// <summary>
    /// Does up to a number of iterations, upwards, at host addresses that are checked. What compares ends behind the element that ends the
    /// repetition, and leaves its flags.
    /// </summary>
    /// <param name="s">The state; registers that point and count are the caller's.</param>
    /// <param name="source">Host address of the first source element.</param>
    /// <param name="destination">Host address of the first destination element.</param>
    /// <param name="most">Iterations, at least 1.</param>
    /// <param name="whileEqual">REPE: whether equal elements go on.</param>
    /// <returns>Iterations done.</returns>
    static abstract uint Many<T>(CpuState* s, T* source, T* destination, uint most, bool whileEqual)
        where T : unmanaged, IBinaryInteger<T>;
}

/// <summary>Memory that a string instruction touches.</summary>
[Flags]
internal enum StringOperands
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>Reads through ESI.</summary>
    Source = 1,

    /// <summary>Reads or writes through EDI.</summary>
    Destination = 2,

    /// <summary>Writes through EDI.</summary>
    Writes = 4,
}

/// <summary>String instructions, with and without REP. Each iteration counts as one instruction and can be interrupted behind it.</summary>
internal static unsafe class StringHandlers
{
    private const int Ecx = 1;
    private const int Esi = 6;
    private const int Edi = 7;

    /// <summary>Executes a string instruction; ends its block.</summary>
    public static int Execute<TS, T, TA>(CpuState* s, Op* op)
        where TS : struct, IStringOperation
        where T : unmanaged, IBinaryInteger<T>
        where TA : struct, IAddressing
    {
        if ((op->Flags & (OpFlags.Rep | OpFlags.Repne)) != 0)
        {
            return Repeat<TS, T, TA>(s, op);
        }

        if (!TS.Once<T, TA>(s, op))
        {
            return Faults.At(s, op);
        }

        s->Eip = BranchHandlers.NextEip(s, op);
        return ExecStatus.Next;
    }

    /// <summary>Source offset.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Source(CpuState* s, Op* op) => (op->Flags & OpFlags.Address16) != 0 ? CpuState.R32(s, Esi) & 0xFFFF : CpuState.R32(s, Esi);

    /// <summary>Destination offset.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Destination(CpuState* s, Op* op) => (op->Flags & OpFlags.Address16) != 0 ? CpuState.R32(s, Edi) & 0xFFFF : CpuState.R32(s, Edi);

    /// <summary>Moves ESI or SI by one element.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StepSource(CpuState* s, Op* op, int size) => Step(s, op, Esi, size);

    /// <summary>Moves EDI or DI by one element.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StepDestination(CpuState* s, Op* op, int size) => Step(s, op, Edi, size);

    private static void Step(CpuState* s, Op* op, int register, int size)
    {
        uint step = (uint)((s->EflagsRest & Eflags.DF) != 0 ? -size : size);
        if ((op->Flags & OpFlags.Address16) != 0)
        {
            ref ushort r = ref CpuState.Register<ushort>(s, CpuState.RegisterOffset(register));
            r = (ushort)(r + step);
        }
        else
        {
            CpuState.R32(s, register) += step;
        }
    }

    /// <summary>
    /// REP. CMPS and SCAS commit their flags with the last iteration only: a fault, trap or interrupt in between shows the flags from before
    /// the instruction (measured: vectors int16, seg32), so it does not matter where it is interrupted.
    /// </summary>
    private static int Repeat<TS, T, TA>(CpuState* s, Op* op)
        where TS : struct, IStringOperation
        where T : unmanaged, IBinaryInteger<T>
        where TA : struct, IAddressing
    {
        bool address16 = (op->Flags & OpFlags.Address16) != 0;
        uint count = address16 ? CpuState.R32(s, Ecx) & 0xFFFF : CpuState.R32(s, Ecx);
        if (TS.TouchesPort && count == 0 && !IoPermission.Check(s, CpuState.Register<ushort>(s, CpuState.RegisterOffset(2)), sizeof(T)))
        {
            return Faults.At(s, op);
        }

        long flagResult = s->FlagResult;
        uint flagCarries = s->FlagCarries;
        ulong code = s->CodeGeneration;
        while (count != 0)
        {
            uint done = 0;
            if (count > 1 && s->Budget > 0 && s->Pending == 0)
            {
                // The first iteration is paid; each further one takes one from the budget.
                done = StringRun.Chunk<TS, T>(s, StringRun.FormOf(in *op), (uint)Math.Min(count, Math.Min(s->Budget, int.MaxValue) + 1));
            }

            if (done == 0)
            {
                if (!TS.Once<T, TA>(s, op))
                {
                    s->FlagResult = flagResult;
                    s->FlagCarries = flagCarries;
                    return Faults.At(s, op);
                }

                done = 1;
            }

            s->Budget -= done - 1;
            count -= done;
            if (address16)
            {
                CpuState.Register<ushort>(s, CpuState.RegisterOffset(Ecx)) = (ushort)count;
            }
            else
            {
                CpuState.R32(s, Ecx) = count;
            }

            if (TS.Compares && LazyFlags.ZF(s) != ((op->Flags & OpFlags.Repne) == 0))
            {
                break;
            }

            if (count != 0)
            {
                // An iteration may have overwritten the instruction: it is fetched again, as it is behind an end of a slice.
                if (s->Budget <= 0 || s->Pending != 0 || s->CodeGeneration != code)
                {
                    s->Eip = s->BlockEip + op->EipOffset;
                    s->FlagResult = flagResult;
                    s->FlagCarries = flagCarries;
                    return ExecStatus.Next;
                }

                s->Budget--;
            }
        }

        s->Eip = BranchHandlers.NextEip(s, op);
        return ExecStatus.Next;
    }
}

internal readonly unsafe struct MovsOperation : IStringOperation
{
    public static bool Compares => false;

    public static bool TouchesPort => false;

    public static StringOperands Operands => StringOperands.Source | StringOperands.Destination | StringOperands.Writes;

    public static bool Once<T, TA>(CpuState* s, Op* op)
        where T : unmanaged, IBinaryInteger<T>
        where TA : struct, IAddressing
    {
        T* p = Access.ReadAt<T, TA>(s, op, op->Segment, StringHandlers.Source(s, op));
        if (p == null || !Access.WriteAt<T, TA>(s, op, SegmentIndex.Es, StringHandlers.Destination(s, op), *p))
        {
            return false;
        }

        StringHandlers.StepSource(s, op, sizeof(T));
        StringHandlers.StepDestination(s, op, sizeof(T));
        return true;
    }

    public static uint Many<T>(CpuState* s, T* source, T* destination, uint most, bool whileEqual)
        where T : unmanaged, IBinaryInteger<T>
    {
        if (destination > source && destination < source + most)
        {
            // Overlap: elements just written are read again, as one iteration after the other does.
            for (uint i = 0; i < most; i++)
            {
                destination[i] = source[i];
            }
        }
        else
        {
            new ReadOnlySpan<T>(source, (int)most).CopyTo(new Span<T>(destination, (int)most));
        }

        return most;
    }
}

internal readonly unsafe struct StosOperation : IStringOperation
{
    public static bool Compares => false;

    public static bool TouchesPort => false;

    public static StringOperands Operands => StringOperands.Destination | StringOperands.Writes;

    public static bool Once<T, TA>(CpuState* s, Op* op)
        where T : unmanaged, IBinaryInteger<T>
        where TA : struct, IAddressing
    {
        if (!Access.WriteAt<T, TA>(s, op, SegmentIndex.Es, StringHandlers.Destination(s, op), CpuState.Register<T>(s, 0)))
        {
            return false;
        }

        StringHandlers.StepDestination(s, op, sizeof(T));
        return true;
    }

    public static uint Many<T>(CpuState* s, T* source, T* destination, uint most, bool whileEqual)
        where T : unmanaged, IBinaryInteger<T>
    {
        new Span<T>(destination, (int)most).Fill(CpuState.Register<T>(s, 0));
        return most;
    }
}

internal readonly unsafe struct LodsOperation : IStringOperation
{
    public static bool Compares => false;

    public static bool TouchesPort => false;

    public static StringOperands Operands => StringOperands.Source;

    public static bool Once<T, TA>(CpuState* s, Op* op)
        where T : unmanaged, IBinaryInteger<T>
        where TA : struct, IAddressing
    {
        T* p = Access.ReadAt<T, TA>(s, op, op->Segment, StringHandlers.Source(s, op));
        if (p == null)
        {
            return false;
        }

        CpuState.Register<T>(s, 0) = *p;
        StringHandlers.StepSource(s, op, sizeof(T));
        return true;
    }

    public static uint Many<T>(CpuState* s, T* source, T* destination, uint most, bool whileEqual)
        where T : unmanaged, IBinaryInteger<T>
    {
        CpuState.Register<T>(s, 0) = source[most - 1];
        return most;
    }
}

internal readonly unsafe struct ScasOperation : IStringOperation
{
    public static bool Compares => true;

    public static bool TouchesPort => false;

    public static StringOperands Operands => StringOperands.Destination;

    public static bool Once<T, TA>(CpuState* s, Op* op)
        where T : unmanaged, IBinaryInteger<T>
        where TA : struct, IAddressing
    {
        T* p = Access.ReadAt<T, TA>(s, op, SegmentIndex.Es, StringHandlers.Destination(s, op));
        if (p == null)
        {
            return false;
        }

        CmpOperation.Apply(s, CpuState.Register<T>(s, 0), *p);
        StringHandlers.StepDestination(s, op, sizeof(T));
        return true;
    }

    public static uint Many<T>(CpuState* s, T* source, T* destination, uint most, bool whileEqual)
        where T : unmanaged, IBinaryInteger<T>
    {
        ReadOnlySpan<T> elements = new(destination, (int)most);
        T value = CpuState.Register<T>(s, 0);
        int last = whileEqual ? elements.IndexOfAnyExcept(value) : elements.IndexOf(value);
        uint done = last < 0 ? most : (uint)last + 1;
        CmpOperation.Apply(s, value, destination[done - 1]);
        return done;
    }
}

internal readonly unsafe struct CmpsOperation : IStringOperation
{
    public static bool Compares => true;

    public static bool TouchesPort => false;

    public static StringOperands Operands => StringOperands.Source | StringOperands.Destination;

    public static bool Once<T, TA>(CpuState* s, Op* op)
        where T : unmanaged, IBinaryInteger<T>
        where TA : struct, IAddressing
    {
        // The destination is read first (measured: vectors page32).
        T* p = Access.ReadAt<T, TA>(s, op, SegmentIndex.Es, StringHandlers.Destination(s, op));
        if (p == null)
        {
            return false;
        }

        T b = *p;
        p = Access.ReadAt<T, TA>(s, op, op->Segment, StringHandlers.Source(s, op));
        if (p == null)
        {
            return false;
        }

        CmpOperation.Apply(s, *p, b);
        StringHandlers.StepSource(s, op, sizeof(T));
        StringHandlers.StepDestination(s, op, sizeof(T));
        return true;
    }

    public static uint Many<T>(CpuState* s, T* source, T* destination, uint most, bool whileEqual)
        where T : unmanaged, IBinaryInteger<T>
    {
        uint done = 0;
        if (whileEqual)
        {
            done = Math.Min((uint)new ReadOnlySpan<T>(source, (int)most).CommonPrefixLength(new ReadOnlySpan<T>(destination, (int)most)) + 1, most);
        }
        else
        {
            while (source[done] != destination[done++] && done < most)
            {
            }
        }

        CmpOperation.Apply(s, source[done - 1], destination[done - 1]);
        return done;
    }
}

/// <summary>INS: permission, then the destination is checked, then the port is read.</summary>
internal readonly unsafe struct InsOperation : IStringOperation
{
    public static bool Compares => false;

    public static bool TouchesPort => true;

    public static StringOperands Operands => StringOperands.None;

    public static bool Once<T, TA>(CpuState* s, Op* op)
        where T : unmanaged, IBinaryInteger<T>
        where TA : struct, IAddressing
    {
        ushort port = CpuState.Register<ushort>(s, CpuState.RegisterOffset(2));
        if (!IoPermission.Check(s, port, sizeof(T)))
        {
            return false;
        }

        uint destination = StringHandlers.Destination(s, op);
        if (!Access.CheckWrite(s, SegmentIndex.Es, destination, (uint)sizeof(T), out uint linear)
            || !Mmu.CheckAlignment(s, linear, sizeof(T)) || !Mmu.CheckWrite(s, linear, sizeof(T), s->Cpl == 3))
        {
            return false;
        }

        DebugRegisters.CheckPort(s, port, sizeof(T));
        CpuCore core = CpuCore.Of(s);
        core.BeginDeviceAccess(op);
        uint value = core.Ports.Read(port, sizeof(T));
        core.EndDeviceAccess(op);
        if (!Access.WriteAt<T, TA>(s, op, SegmentIndex.Es, destination, T.CreateTruncating(value)))
        {
            return false;
        }

        StringHandlers.StepDestination(s, op, sizeof(T));
        return true;
    }

    public static uint Many<T>(CpuState* s, T* source, T* destination, uint most, bool whileEqual)
        where T : unmanaged, IBinaryInteger<T> => 0;
}

/// <summary>OUTS: permission, then memory is read, then the port is written.</summary>
internal readonly unsafe struct OutsOperation : IStringOperation
{
    public static bool Compares => false;

    public static bool TouchesPort => true;

    public static StringOperands Operands => StringOperands.None;

    public static bool Once<T, TA>(CpuState* s, Op* op)
        where T : unmanaged, IBinaryInteger<T>
        where TA : struct, IAddressing
    {
        ushort port = CpuState.Register<ushort>(s, CpuState.RegisterOffset(2));
        if (!IoPermission.Check(s, port, sizeof(T)))
        {
            return false;
        }

        T* p = Access.ReadAt<T, TA>(s, op, op->Segment, StringHandlers.Source(s, op));
        if (p == null)
        {
            return false;
        }

        uint value = uint.CreateTruncating(*p);
        DebugRegisters.CheckPort(s, port, sizeof(T));
        CpuCore core = CpuCore.Of(s);
        core.BeginDeviceAccess(op);
        core.Ports.Write(port, sizeof(T), value);
        core.EndDeviceAccess(op);
        StringHandlers.StepSource(s, op, sizeof(T));
        return true;
    }

    public static uint Many<T>(CpuState* s, T* source, T* destination, uint most, bool whileEqual)
        where T : unmanaged, IBinaryInteger<T> => 0;
}
