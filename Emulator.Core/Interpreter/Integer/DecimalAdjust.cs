using System.Runtime.CompilerServices;
using Emulator.Core.Cpu;

namespace Emulator.Core.Interpreter;

/// <summary>DAA, DAS, AAA, AAS: AX to AX, with the flags in the state. Without branches: digits are as good as random.</summary>
internal static unsafe class DecimalAdjust
{
    /// <summary>CF in bit 31 and, because OF is clear, in bit 30.</summary>
    private const uint CarryBits = 0xC0000000;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ushort Daa(CpuState* s, ushort ax)
    {
        uint al = (byte)ax;
        uint aux = Aux(s, al);
        uint carry = Carry(s, al);
        byte r = (byte)(al + (aux * 6) + (carry * 0x60));
        Set(s, r, carry, aux);
        return (ushort)((ax & 0xFF00) | r);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ushort Das(CpuState* s, ushort ax)
    {
        uint al = (byte)ax;
        uint aux = Aux(s, al);
        uint carry = Carry(s, al);
        byte r = (byte)(al - (aux * 6) - (carry * 0x60));
        Set(s, r, carry | (aux & ((al - 6) >> 31)), aux);
        return (ushort)((ax & 0xFF00) | r);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ushort Aaa(CpuState* s, ushort ax)
    {
        uint adjust = Aux(s, ax);
        ax = (ushort)((ax + (adjust * 0x106)) & 0xFF0F);
        Set(s, (byte)ax, adjust, adjust);
        return ax;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ushort Aas(CpuState* s, ushort ax)
    {
        uint adjust = Aux(s, ax);
        ax = (ushort)((ax - (adjust * 0x106)) & 0xFF0F);
        Set(s, (byte)ax, adjust, adjust);
        return ax;
    }

    /// <summary>1 when the low digit is above 9 or AF is set.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint Aux(CpuState* s, uint al) => ((9 - (al & 0xF)) >> 31) | ((s->FlagCarries >> 3) & 1);

    /// <summary>1 when the value is above 99h or CF is set.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint Carry(CpuState* s, uint al) => ((0x99 - al) >> 31) | (s->FlagCarries >> 31);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Set(CpuState* s, byte r, uint carry, uint aux)
    {
        s->FlagResult = (sbyte)r;
        s->FlagCarries = ((0 - carry) & CarryBits) | (aux << 3);
    }
}
