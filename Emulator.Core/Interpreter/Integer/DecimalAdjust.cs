using Emulator.Core.Cpu;

namespace Emulator.Core.Interpreter;

/// <summary>DAA, DAS, AAA, AAS: AX to AX, with the flags in the state.</summary>
internal static unsafe class DecimalAdjust
{
    public static ushort Daa(CpuState* s, ushort ax)
    {
        byte al = (byte)ax;
        bool carry = al > 0x99 || LazyFlags.CF(s);
        bool aux = (al & 0xF) > 9 || LazyFlags.AF(s);
        byte r = (byte)(al + (aux ? 6 : 0) + (carry ? 0x60 : 0));
        LazyFlags.SetResult(s, r, carry, of: false, aux);
        return (ushort)((ax & 0xFF00) | r);
    }

    public static ushort Das(CpuState* s, ushort ax)
    {
        byte al = (byte)ax;
        bool carry = al > 0x99 || LazyFlags.CF(s);
        bool aux = (al & 0xF) > 9 || LazyFlags.AF(s);
        byte r = (byte)(al - (aux ? 6 : 0) - (carry ? 0x60 : 0));
        LazyFlags.SetResult(s, r, carry || (aux && al < 6), of: false, aux);
        return (ushort)((ax & 0xFF00) | r);
    }

    public static ushort Aaa(CpuState* s, ushort ax)
    {
        bool adjust = (ax & 0xF) > 9 || LazyFlags.AF(s);
        ax = (ushort)((ax + (adjust ? 0x106 : 0)) & 0xFF0F);
        LazyFlags.SetResult(s, (byte)ax, adjust, of: false, adjust);
        return ax;
    }

    public static ushort Aas(CpuState* s, ushort ax)
    {
        bool adjust = (ax & 0xF) > 9 || LazyFlags.AF(s);
        ax = (ushort)((ax - (adjust ? 0x106 : 0)) & 0xFF0F);
        LazyFlags.SetResult(s, (byte)ax, adjust, of: false, adjust);
        return ax;
    }
}
