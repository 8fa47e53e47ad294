using System.Numerics;
using Emulator.Core.Cpu;
using Emulator.Core.Decoding;

namespace Emulator.Core.Interpreter;

/// <summary>MUL, IMUL, DIV and IDIV. SF, ZF and PF, undefined in the manual, follow the low half of the product.</summary>
internal static unsafe class MultiplyHandlers
{
    public static int MulReg<T>(CpuState* s, Op* op)
        where T : unmanaged, IBinaryInteger<T>
    {
        Mul(s, CpuState.Register<T>(s, op->R0));
        return op[1].Handler(s, op + 1);
    }

    public static int MulMem<T, TA>(CpuState* s, Op* op)
        where T : unmanaged, IBinaryInteger<T>
        where TA : struct, IAddressing
    {
        T* p = Access.Read<T, TA>(s, op);
        if (p == null)
        {
            return Faults.At(s, op);
        }

        Mul(s, *p);
        return op[1].Handler(s, op + 1);
    }

    public static int ImulReg<T>(CpuState* s, Op* op)
        where T : unmanaged, IBinaryInteger<T>
    {
        Imul(s, CpuState.Register<T>(s, op->R0));
        return op[1].Handler(s, op + 1);
    }

    public static int ImulMem<T, TA>(CpuState* s, Op* op)
        where T : unmanaged, IBinaryInteger<T>
        where TA : struct, IAddressing
    {
        T* p = Access.Read<T, TA>(s, op);
        if (p == null)
        {
            return Faults.At(s, op);
        }

        Imul(s, *p);
        return op[1].Handler(s, op + 1);
    }

    public static int Imul2Reg<T>(CpuState* s, Op* op)
        where T : unmanaged, IBinaryInteger<T>
    {
        CpuState.Register<T>(s, op->R0) = Product(s, CpuState.Register<T>(s, op->R0), CpuState.Register<T>(s, op->R1));
        return op[1].Handler(s, op + 1);
    }

    public static int Imul2Mem<T, TA>(CpuState* s, Op* op)
        where T : unmanaged, IBinaryInteger<T>
        where TA : struct, IAddressing
    {
        T* p = Access.Read<T, TA>(s, op);
        if (p == null)
        {
            return Faults.At(s, op);
        }

        CpuState.Register<T>(s, op->R0) = Product(s, CpuState.Register<T>(s, op->R0), *p);
        return op[1].Handler(s, op + 1);
    }

    public static int Imul3Reg<T>(CpuState* s, Op* op)
        where T : unmanaged, IBinaryInteger<T>
    {
        CpuState.Register<T>(s, op->R0) = Product(s, CpuState.Register<T>(s, op->R1), T.CreateTruncating(op->Imm));
        return op[1].Handler(s, op + 1);
    }

    public static int Imul3Mem<T, TA>(CpuState* s, Op* op)
        where T : unmanaged, IBinaryInteger<T>
        where TA : struct, IAddressing
    {
        T* p = Access.Read<T, TA>(s, op);
        if (p == null)
        {
            return Faults.At(s, op);
        }

        CpuState.Register<T>(s, op->R0) = Product(s, *p, T.CreateTruncating(op->Imm));
        return op[1].Handler(s, op + 1);
    }

    public static int DivReg<T>(CpuState* s, Op* op)
        where T : unmanaged, IBinaryInteger<T> =>
        Div(s, CpuState.Register<T>(s, op->R0)) ? op[1].Handler(s, op + 1) : Faults.Raise(s, op, ExceptionVector.DivideError);

    public static int DivMem<T, TA>(CpuState* s, Op* op)
        where T : unmanaged, IBinaryInteger<T>
        where TA : struct, IAddressing
    {
        T* p = Access.Read<T, TA>(s, op);
        if (p == null)
        {
            return Faults.At(s, op);
        }

        return Div(s, *p) ? op[1].Handler(s, op + 1) : Faults.Raise(s, op, ExceptionVector.DivideError);
    }

    public static int IdivReg<T>(CpuState* s, Op* op)
        where T : unmanaged, IBinaryInteger<T> =>
        Idiv(s, CpuState.Register<T>(s, op->R0)) ? op[1].Handler(s, op + 1) : Faults.Raise(s, op, ExceptionVector.DivideError);

    public static int IdivMem<T, TA>(CpuState* s, Op* op)
        where T : unmanaged, IBinaryInteger<T>
        where TA : struct, IAddressing
    {
        T* p = Access.Read<T, TA>(s, op);
        if (p == null)
        {
            return Faults.At(s, op);
        }

        return Idiv(s, *p) ? op[1].Handler(s, op + 1) : Faults.Raise(s, op, ExceptionVector.DivideError);
    }

    private static long SignExtend<T>(T value)
        where T : unmanaged, IBinaryInteger<T> =>
        sizeof(T) == 1 ? (sbyte)byte.CreateTruncating(value) : sizeof(T) == 2 ? (short)ushort.CreateTruncating(value) : (int)uint.CreateTruncating(value);

    private static void Mul<T>(CpuState* s, T value)
        where T : unmanaged, IBinaryInteger<T>
    {
        ulong product = ulong.CreateTruncating(CpuState.Register<T>(s, 0)) * ulong.CreateTruncating(value);
        SetProduct(s, T.CreateTruncating(product), T.CreateTruncating(product >> (sizeof(T) * 8)));
        bool high = product >> (sizeof(T) * 8) != 0;
        LazyFlags.SetResult(s, T.CreateTruncating(product), high, high);
    }

    private static void Imul<T>(CpuState* s, T value)
        where T : unmanaged, IBinaryInteger<T>
    {
        long product = SignExtend(CpuState.Register<T>(s, 0)) * SignExtend(value);
        T low = T.CreateTruncating(product);
        SetProduct(s, low, T.CreateTruncating(product >> (sizeof(T) * 8)));
        bool high = product != SignExtend(low);
        LazyFlags.SetResult(s, low, high, high);
    }

    private static T Product<T>(CpuState* s, T a, T b)
        where T : unmanaged, IBinaryInteger<T>
    {
        long product = SignExtend(a) * SignExtend(b);
        T low = T.CreateTruncating(product);
        bool high = product != SignExtend(low);
        LazyFlags.SetResult(s, low, high, high);
        return low;
    }

    private static void SetProduct<T>(CpuState* s, T low, T high)
        where T : unmanaged, IBinaryInteger<T>
    {
        CpuState.Register<T>(s, 0) = low;
        CpuState.Register<T>(s, sizeof(T) == 1 ? (byte)1 : CpuState.RegisterOffset(2)) = high;
    }

    private static ulong Dividend<T>(CpuState* s)
        where T : unmanaged, IBinaryInteger<T> =>
        ulong.CreateTruncating(CpuState.Register<T>(s, 0))
        | (ulong.CreateTruncating(CpuState.Register<T>(s, sizeof(T) == 1 ? (byte)1 : CpuState.RegisterOffset(2))) << (sizeof(T) * 8));

    private static bool Div<T>(CpuState* s, T value)
        where T : unmanaged, IBinaryInteger<T>
    {
        ulong divisor = ulong.CreateTruncating(value);
        if (divisor == 0)
        {
            return false;
        }

        ulong dividend = Dividend<T>(s);
        ulong quotient = dividend / divisor;
        if (quotient >> (sizeof(T) * 8) != 0)
        {
            return false;
        }

        SetProduct(s, T.CreateTruncating(quotient), T.CreateTruncating(dividend - (quotient * divisor)));
        return true;
    }

    private static bool Idiv<T>(CpuState* s, T value)
        where T : unmanaged, IBinaryInteger<T>
    {
        long divisor = SignExtend(value);
        if (divisor == 0)
        {
            return false;
        }

        ulong raw = Dividend<T>(s);
        long dividend = sizeof(T) == 1 ? (short)raw : sizeof(T) == 2 ? (int)raw : (long)raw;
        if (divisor == -1)
        {
            // long.MinValue / -1 traps on the host.
            if (dividend == long.MinValue)
            {
                return false;
            }
        }

        long quotient = dividend / divisor;
        T low = T.CreateTruncating(quotient);
        if (SignExtend(low) != quotient)
        {
            return false;
        }

        SetProduct(s, low, T.CreateTruncating(dividend - (quotient * divisor)));
        return true;
    }
}
