using System.Numerics;
using System.Runtime.CompilerServices;

namespace Emulator.Core.Cpu;

/// <summary>
/// The six status flags, kept as a result and a vector of carries and computed when asked for.
/// <list type="bullet">
/// <item><see cref="CpuState.FlagResult"/>: the result sign-extended to 64 bits. ZF: the low 32 bits are zero. SF: bit 63. PF: even
/// parity of byte 0 xor byte 4 (byte 4 of a sign-extended result is 00h or FFh, both even). Any combination can be expressed.</item>
/// <item><see cref="CpuState.FlagCarries"/>: the carry out of each bit position, moved up so that the operand's top bit is bit 31: CF is
/// bit 31, OF is bit 31 xor bit 30; AF, the carry out of bit 3, stands in bit 3 for every width.</item>
/// </list>
/// </summary>
public static unsafe class LazyFlags
{
    private const uint AuxBit = 8;

    /// <summary>Sets the flags of an addition (also with carry in).</summary>
    /// <typeparam name="T">byte, ushort or uint.</typeparam>
    /// <param name="s">The state.</param>
    /// <param name="a">First operand.</param>
    /// <param name="b">Second operand.</param>
    /// <param name="r">Result.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void SetAdd<T>(CpuState* s, T a, T b, T r)
        where T : unmanaged, IBinaryInteger<T>
    {
        s->FlagResult = SignExtend(r);
        s->FlagCarries = Align((a & b) | ((a | b) & ~r));
    }

    /// <summary>Sets the flags of a subtraction or comparison a - b (also with borrow in).</summary>
    /// <typeparam name="T">byte, ushort or uint.</typeparam>
    /// <param name="s">The state.</param>
    /// <param name="a">Minuend.</param>
    /// <param name="b">Subtrahend.</param>
    /// <param name="r">Result.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void SetSub<T>(CpuState* s, T a, T b, T r)
        where T : unmanaged, IBinaryInteger<T>
    {
        s->FlagResult = SignExtend(r);
        s->FlagCarries = Align((~a & b) | ((~a | b) & r));
    }

    /// <summary>Sets the flags of AND, OR, XOR, TEST: CF, OF and AF clear.</summary>
    /// <typeparam name="T">byte, ushort or uint.</typeparam>
    /// <param name="s">The state.</param>
    /// <param name="r">Result.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void SetLogic<T>(CpuState* s, T r)
        where T : unmanaged, IBinaryInteger<T>
    {
        s->FlagResult = SignExtend(r);
        s->FlagCarries = 0;
    }

    /// <summary>Sets the flags of INC: like adding one, but CF stays.</summary>
    /// <typeparam name="T">byte, ushort or uint.</typeparam>
    /// <param name="s">The state.</param>
    /// <param name="r">Result.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void SetInc<T>(CpuState* s, T r)
        where T : unmanaged, IBinaryInteger<T>
    {
        uint carry = s->FlagCarries & 0x80000000;
        int top = (sizeof(T) * 8) - 1;
        uint overflow = r == (T.One << top) ? 0x40000000u : 0;
        uint aux = (r & T.CreateTruncating(0xF)) == T.Zero ? AuxBit : 0;
        s->FlagResult = SignExtend(r);
        s->FlagCarries = (carry | ((carry >> 1) ^ overflow)) | aux;
    }

    /// <summary>Sets the flags of DEC: like subtracting one, but CF stays.</summary>
    /// <typeparam name="T">byte, ushort or uint.</typeparam>
    /// <param name="s">The state.</param>
    /// <param name="r">Result.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void SetDec<T>(CpuState* s, T r)
        where T : unmanaged, IBinaryInteger<T>
    {
        uint carry = s->FlagCarries & 0x80000000;
        int top = (sizeof(T) * 8) - 1;
        uint overflow = r == (T.One << top) - T.One ? 0x40000000u : 0;
        uint aux = (r & T.CreateTruncating(0xF)) == T.CreateTruncating(0xF) ? AuxBit : 0;
        s->FlagResult = SignExtend(r);
        s->FlagCarries = (carry | ((carry >> 1) ^ overflow)) | aux;
    }

    /// <summary>Sets ZF, SF and PF from a result, and CF, OF and AF as given.</summary>
    /// <typeparam name="T">byte, ushort or uint.</typeparam>
    /// <param name="s">The state.</param>
    /// <param name="r">Result.</param>
    /// <param name="cf">Carry.</param>
    /// <param name="of">Overflow.</param>
    /// <param name="af">Auxiliary carry.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void SetResult<T>(CpuState* s, T r, bool cf, bool of, bool af = false)
        where T : unmanaged, IBinaryInteger<T>
    {
        s->FlagResult = SignExtend(r);
        s->FlagCarries = (cf ? 0x80000000u : 0) | (cf != of ? 0x40000000u : 0) | (af ? AuxBit : 0);
    }

    /// <summary>Carry flag.</summary>
    /// <param name="s">The state.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool CF(CpuState* s) => (int)s->FlagCarries < 0;

    /// <summary>Overflow flag.</summary>
    /// <param name="s">The state.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool OF(CpuState* s) => (int)(s->FlagCarries ^ (s->FlagCarries << 1)) < 0;

    /// <summary>Auxiliary carry flag.</summary>
    /// <param name="s">The state.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool AF(CpuState* s) => (s->FlagCarries & AuxBit) != 0;

    /// <summary>Zero flag.</summary>
    /// <param name="s">The state.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool ZF(CpuState* s) => (uint)s->FlagResult == 0;

    /// <summary>Sign flag.</summary>
    /// <param name="s">The state.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool SF(CpuState* s) => s->FlagResult < 0;

    /// <summary>Parity flag.</summary>
    /// <param name="s">The state.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool PF(CpuState* s) => (BitOperations.PopCount((byte)(s->FlagResult ^ (s->FlagResult >> 32))) & 1) == 0;

    /// <summary>Sets or clears CF and leaves the other five.</summary>
    /// <param name="s">The state.</param>
    /// <param name="value">The new carry.</param>
    public static void SetCF(CpuState* s, bool value)
    {
        bool of = OF(s);
        s->FlagCarries = (s->FlagCarries & AuxBit) | (value ? 0x80000000u : 0) | (value != of ? 0x40000000u : 0);
    }

    /// <summary>Sets or clears ZF and leaves the other five.</summary>
    /// <param name="s">The state.</param>
    /// <param name="value">The new ZF.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void SetZF(CpuState* s, bool value) => s->FlagResult = WithZero(s->FlagResult, value ? 0u : 1);

    /// <summary>A result with the same SF and PF, and ZF as a value says: set when it is zero.</summary>
    /// <param name="result">As <see cref="CpuState.FlagResult"/>.</param>
    /// <param name="value">Any value.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static long WithZero(long result, uint value)
    {
        // Byte 0 is 0 or 1, so that byte 4 takes over the parity.
        uint low = value == 0 ? 0u : 1;
        uint odd = (uint)BitOperations.PopCount((byte)(result ^ (result >> 32))) & 1;
        return (result & long.MinValue) | ((long)(odd ^ low) << 32) | low;
    }

    /// <summary>The six status flags as EFLAGS bits.</summary>
    /// <param name="s">The state.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Status(CpuState* s)
    {
        // Without branches: flags that are saved are mostly as good as random.
        uint c = s->FlagCarries;
        long r = s->FlagResult;
        uint even = ~(uint)BitOperations.PopCount((byte)(r ^ (r >> 32))) & 1;
        uint zero = (uint)r == 0 ? 1u : 0;
        return (c >> 31) | (even << 2) | ((c & AuxBit) << 1) | (zero << 6) | ((uint)((ulong)r >> 63) << 7) | (((c ^ (c << 1)) >> 31) << 11);
    }

    /// <summary>All of EFLAGS.</summary>
    /// <param name="s">The state.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Read(CpuState* s) => s->EflagsRest | Status(s);

    /// <summary>Sets the six status flags from EFLAGS bits; other bits are ignored.</summary>
    /// <param name="s">The state.</param>
    /// <param name="value">EFLAGS bits.</param>
    public static void SetStatus(CpuState* s, uint value)
    {
        uint cf = value & 1;
        uint of = (value >> 11) & 1;
        uint sign = (value >> 7) & 1;
        uint low = ((value >> 6) & 1) ^ 1;
        uint odd = ((value >> 2) & 1) ^ 1;
        s->FlagCarries = (cf << 31) | ((cf ^ of) << 30) | ((value >> 1) & AuxBit);
        s->FlagResult = (long)(((ulong)sign << 63) | ((ulong)(low ^ odd) << 32) | low);
    }

    /// <summary>Sets all of EFLAGS without any check, the fixed bits as they must be.</summary>
    /// <param name="s">The state.</param>
    /// <param name="value">EFLAGS.</param>
    public static void Write(CpuState* s, uint value)
    {
        SetStatus(s, value);
        s->EflagsRest = (value & 0x3F7700) | Eflags.Fixed;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static long SignExtend<T>(T r)
        where T : unmanaged, IBinaryInteger<T>
    {
        if (sizeof(T) == 1)
        {
            return (sbyte)byte.CreateTruncating(r);
        }

        return sizeof(T) == 2 ? (short)ushort.CreateTruncating(r) : (int)uint.CreateTruncating(r);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint Align<T>(T carries)
        where T : unmanaged, IBinaryInteger<T>
    {
        uint c = uint.CreateTruncating(carries);
        return sizeof(T) == 4 ? c : (c << (32 - (sizeof(T) * 8))) | (c & AuxBit);
    }
}
