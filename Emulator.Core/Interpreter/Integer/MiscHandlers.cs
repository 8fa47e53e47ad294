using Emulator.Core.Cpu;
using Emulator.Core.Decoding;

namespace Emulator.Core.Interpreter;

/// <summary>Flag instructions, BCD arithmetic and the other small integer instructions.</summary>
internal static unsafe class MiscHandlers
{
    private const byte Al = 0;
    private const byte Ah = 1;

    public static int Clc(CpuState* s, Op* op)
    {
        LazyFlags.SetCF(s, false);
        return op[1].Handler(s, op + 1);
    }

    public static int Stc(CpuState* s, Op* op)
    {
        LazyFlags.SetCF(s, true);
        return op[1].Handler(s, op + 1);
    }

    public static int Cmc(CpuState* s, Op* op)
    {
        LazyFlags.SetCF(s, !LazyFlags.CF(s));
        return op[1].Handler(s, op + 1);
    }

    public static int Cld(CpuState* s, Op* op)
    {
        s->EflagsRest &= ~Eflags.DF;
        return op[1].Handler(s, op + 1);
    }

    public static int Std(CpuState* s, Op* op)
    {
        s->EflagsRest |= Eflags.DF;
        return op[1].Handler(s, op + 1);
    }

    public static int Lahf(CpuState* s, Op* op)
    {
        CpuState.Register<byte>(s, Ah) = (byte)(LazyFlags.Status(s) | Eflags.Fixed);
        return op[1].Handler(s, op + 1);
    }

    public static int Sahf(CpuState* s, Op* op)
    {
        LazyFlags.SetStatus(s, CpuState.Register<byte>(s, Ah) | (LazyFlags.OF(s) ? Eflags.OF : 0));
        return op[1].Handler(s, op + 1);
    }

    public static int Salc(CpuState* s, Op* op)
    {
        CpuState.Register<byte>(s, Al) = LazyFlags.CF(s) ? (byte)0xFF : (byte)0;
        return op[1].Handler(s, op + 1);
    }

    public static int Daa(CpuState* s, Op* op)
    {
        CpuState.Register<ushort>(s, Al) = DecimalAdjust.Daa(s, CpuState.Register<ushort>(s, Al));
        return op[1].Handler(s, op + 1);
    }

    public static int Das(CpuState* s, Op* op)
    {
        CpuState.Register<ushort>(s, Al) = DecimalAdjust.Das(s, CpuState.Register<ushort>(s, Al));
        return op[1].Handler(s, op + 1);
    }

    public static int Aaa(CpuState* s, Op* op)
    {
        CpuState.Register<ushort>(s, Al) = DecimalAdjust.Aaa(s, CpuState.Register<ushort>(s, Al));
        return op[1].Handler(s, op + 1);
    }

    public static int Aas(CpuState* s, Op* op)
    {
        CpuState.Register<ushort>(s, Al) = DecimalAdjust.Aas(s, CpuState.Register<ushort>(s, Al));
        return op[1].Handler(s, op + 1);
    }

    public static int Aam(CpuState* s, Op* op)
    {
        byte divisor = (byte)op->Imm;
        if (divisor == 0)
        {
            return Faults.Raise(s, op, ExceptionVector.DivideError);
        }

        byte al = CpuState.Register<byte>(s, Al);
        CpuState.Register<byte>(s, Ah) = (byte)(al / divisor);
        CpuState.Register<byte>(s, Al) = (byte)(al % divisor);
        LazyFlags.SetLogic(s, (byte)(al % divisor));
        return op[1].Handler(s, op + 1);
    }

    public static int Aad(CpuState* s, Op* op)
    {
        byte r = (byte)(CpuState.Register<byte>(s, Al) + (CpuState.Register<byte>(s, Ah) * (byte)op->Imm));
        CpuState.Register<ushort>(s, Al) = r;
        LazyFlags.SetLogic(s, r);
        return op[1].Handler(s, op + 1);
    }

    public static int Cmpxchg8b<TA>(CpuState* s, Op* op)
        where TA : struct, IAddressing
    {
        ulong* p = Access.Modify<ulong, TA>(s, op);
        if (p == null)
        {
            return Faults.At(s, op);
        }

        ulong value = *p;
        bool equal = value == (((ulong)CpuState.R32(s, 2) << 32) | CpuState.R32(s, 0));
        if (equal)
        {
            *p = ((ulong)CpuState.R32(s, 1) << 32) | CpuState.R32(s, 3);
        }
        else
        {
            CpuState.R32(s, 0) = (uint)value;
            CpuState.R32(s, 2) = (uint)(value >> 32);
        }

        Access.Commit(s, op, p);
        LazyFlags.SetZF(s, equal);
        return op[1].Handler(s, op + 1);
    }
}
