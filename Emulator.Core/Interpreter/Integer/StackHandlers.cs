using System.Numerics;
using System.Runtime.CompilerServices;
using Emulator.Core.Cpu;
using Emulator.Core.Decoding;
using Emulator.Core.Memory;

namespace Emulator.Core.Interpreter;

/// <summary>Stack accesses: pushes and pops through SS with the stack size of SS.B.</summary>
internal static unsafe class StackAccess
{
    /// <summary>Mask of the stack pointer: 32 or 16 bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Mask<TA>(CpuState* s)
        where TA : struct, IAddressing => TA.IsFlat || (s->ModeKey & ModeKey.Stack32) != 0 ? 0xFFFFFFFF : 0xFFFF;

    /// <summary>Sets ESP, or only SP on a 16-bit stack.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void SetPointer<TA>(CpuState* s, uint value)
        where TA : struct, IAddressing
    {
        if (TA.IsFlat || (s->ModeKey & ModeKey.Stack32) != 0)
        {
            CpuState.R32(s, 4) = value;
        }
        else
        {
            CpuState.Register<ushort>(s, CpuState.RegisterOffset(4)) = (ushort)value;
        }
    }

    /// <summary>Pushes a value; false with the fault recorded and ESP unchanged.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Push<T, TA>(CpuState* s, Op* op, T value)
        where T : unmanaged
        where TA : struct, IAddressing
    {
        uint esp = (CpuState.R32(s, 4) - (uint)sizeof(T)) & Mask<TA>(s);
        if (!Access.WriteAt<T, TA>(s, op, SegmentIndex.Ss, esp, value))
        {
            return false;
        }

        SetPointer<TA>(s, esp);
        return true;
    }

    /// <summary>Points at the value on top of the stack; null with the fault recorded. ESP is not moved.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T* Top<T, TA>(CpuState* s, Op* op)
        where T : unmanaged
        where TA : struct, IAddressing => Access.ReadAt<T, TA>(s, op, SegmentIndex.Ss, CpuState.R32(s, 4) & Mask<TA>(s));

    /// <summary>Moves ESP up.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Release<TA>(CpuState* s, uint bytes)
        where TA : struct, IAddressing => SetPointer<TA>(s, CpuState.R32(s, 4) + bytes);
}

/// <summary>PUSH, POP, PUSHA, POPA, ENTER and LEAVE.</summary>
internal static unsafe class StackHandlers
{
    public static int PushReg<T, TA>(CpuState* s, Op* op)
        where T : unmanaged
        where TA : struct, IAddressing =>
        StackAccess.Push<T, TA>(s, op, CpuState.Register<T>(s, op->R0)) ? op[1].Handler(s, op + 1) : Faults.At(s, op);

    /// <summary>PUSH r/m with a register: the row's register form, for any stack.</summary>
    public static int PushRegAny<T>(CpuState* s, Op* op)
        where T : unmanaged =>
        StackAccess.Push<T, General>(s, op, CpuState.Register<T>(s, op->R0)) ? op[1].Handler(s, op + 1) : Faults.At(s, op);

    public static int PushImm<T, TA>(CpuState* s, Op* op)
        where T : unmanaged
        where TA : struct, IAddressing =>
        StackAccess.Push<T, TA>(s, op, *(T*)&op->Imm) ? op[1].Handler(s, op + 1) : Faults.At(s, op);

    public static int PushMem<T, TA>(CpuState* s, Op* op)
        where T : unmanaged
        where TA : struct, IAddressing
    {
        T* p = Access.Read<T, TA>(s, op);
        return p != null && StackAccess.Push<T, TA>(s, op, *p) ? op[1].Handler(s, op + 1) : Faults.At(s, op);
    }

    public static int PopReg<T, TA>(CpuState* s, Op* op)
        where T : unmanaged
        where TA : struct, IAddressing
    {
        T* p = StackAccess.Top<T, TA>(s, op);
        if (p == null)
        {
            return Faults.At(s, op);
        }

        T value = *p;
        StackAccess.Release<TA>(s, (uint)sizeof(T));
        CpuState.Register<T>(s, op->R0) = value;
        return op[1].Handler(s, op + 1);
    }

    /// <summary>POP r/m with a register: the row's register form, for any stack.</summary>
    public static int PopRegAny<T>(CpuState* s, Op* op)
        where T : unmanaged => PopReg<T, General>(s, op);

    /// <summary>An ESP-based address is computed with ESP already moved (SDM, POP).</summary>
    public static int PopMem<T, TA>(CpuState* s, Op* op)
        where T : unmanaged
        where TA : struct, IAddressing
    {
        T* p = StackAccess.Top<T, TA>(s, op);
        if (p == null)
        {
            return Faults.At(s, op);
        }

        T value = *p;
        uint esp = CpuState.R32(s, 4);
        StackAccess.Release<TA>(s, (uint)sizeof(T));
        if (!Access.Write<T, TA>(s, op, value))
        {
            CpuState.R32(s, 4) = esp;
            return Faults.At(s, op);
        }

        return op[1].Handler(s, op + 1);
    }

    public static int Pusha<T, TA>(CpuState* s, Op* op)
        where T : unmanaged
        where TA : struct, IAddressing
    {
        uint mask = StackAccess.Mask<TA>(s);
        uint esp = CpuState.R32(s, 4);
        uint size = (uint)sizeof(T);

        // All eight slots are checked first, so that a fault leaves memory as it was.
        for (uint i = 1; i <= 8; i++)
        {
            if (!CheckWriteSlot(s, (esp - (i * size)) & mask, size))
            {
                return Faults.At(s, op);
            }
        }

        for (uint i = 1; i <= 8; i++)
        {
            if (!Access.WriteAt<T, General>(s, op, SegmentIndex.Ss, (esp - (i * size)) & mask, CpuState.Register<T>(s, CpuState.RegisterOffset((int)i - 1))))
            {
                return Faults.At(s, op);
            }
        }

        StackAccess.SetPointer<TA>(s, esp - (8 * size));
        return op[1].Handler(s, op + 1);
    }

    public static int Popa<T, TA>(CpuState* s, Op* op)
        where T : unmanaged
        where TA : struct, IAddressing
    {
        uint mask = StackAccess.Mask<TA>(s);
        uint esp = CpuState.R32(s, 4);
        uint size = (uint)sizeof(T);
        for (uint i = 0; i < 8; i++)
        {
            if (Access.ReadAt<T, General>(s, op, SegmentIndex.Ss, (esp + (i * size)) & mask) == null)
            {
                return Faults.At(s, op);
            }
        }

        for (uint i = 0; i < 8; i++)
        {
            if (i == 3)
            {
                continue;
            }

            T* p = Access.ReadAt<T, General>(s, op, SegmentIndex.Ss, (esp + (i * size)) & mask);
            if (p == null)
            {
                return Faults.At(s, op);
            }

            CpuState.Register<T>(s, CpuState.RegisterOffset(7 - (int)i)) = *p;
        }

        StackAccess.SetPointer<TA>(s, esp + (8 * size));
        return op[1].Handler(s, op + 1);
    }

    public static int Leave<T, TA>(CpuState* s, Op* op)
        where T : unmanaged
        where TA : struct, IAddressing
    {
        uint frame = CpuState.R32(s, 5) & StackAccess.Mask<TA>(s);
        T* p = Access.ReadAt<T, TA>(s, op, SegmentIndex.Ss, frame);
        if (p == null)
        {
            return Faults.At(s, op);
        }

        T value = *p;
        StackAccess.SetPointer<TA>(s, frame + (uint)sizeof(T));
        CpuState.Register<T>(s, CpuState.RegisterOffset(5)) = value;
        return op[1].Handler(s, op + 1);
    }

    public static int Enter<T, TA>(CpuState* s, Op* op)
        where T : unmanaged, IBinaryInteger<T>
        where TA : struct, IAddressing
    {
        uint mask = StackAccess.Mask<TA>(s);
        uint esp = CpuState.R32(s, 4);
        uint size = (uint)sizeof(T);
        uint at = esp;
        int level = op->Imm2 & 31;

        // The frame is written below ESP and nothing is committed until the last access, so that a fault restarts cleanly.
        at -= size;
        uint frame = at;
        if (!Access.WriteAt<T, General>(s, op, SegmentIndex.Ss, at & mask, CpuState.Register<T>(s, CpuState.RegisterOffset(5))))
        {
            return Faults.At(s, op);
        }

        uint ebp = CpuState.R32(s, 5);
        for (int i = 1; i < level; i++)
        {
            ebp -= size;
            T* p = Access.ReadAt<T, General>(s, op, SegmentIndex.Ss, ebp & mask);
            if (p == null)
            {
                return Faults.At(s, op);
            }

            at -= size;
            if (!Access.WriteAt<T, General>(s, op, SegmentIndex.Ss, at & mask, *p))
            {
                return Faults.At(s, op);
            }
        }

        if (level > 0)
        {
            at -= size;
            if (!Access.WriteAt<T, General>(s, op, SegmentIndex.Ss, at & mask, T.CreateTruncating(frame)))
            {
                return Faults.At(s, op);
            }
        }

        at -= op->Imm;

        // The new top of the stack must be writable (SDM, ENTER).
        if (!CheckWriteSlot(s, at & mask, size))
        {
            return Faults.At(s, op);
        }

        CpuState.Register<T>(s, CpuState.RegisterOffset(5)) = T.CreateTruncating(frame);
        StackAccess.SetPointer<TA>(s, at);
        return op[1].Handler(s, op + 1);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool CheckWriteSlot(CpuState* s, uint offset, uint size) =>
        Access.CheckWrite(s, SegmentIndex.Ss, offset, size, out uint linear) && Mmu.CheckAlignment(s, linear, (int)size)
        && Mmu.CheckWrite(s, linear, (int)size, s->Cpl == 3);
}
