using Emulator.Core.Cpu;

namespace Emulator.Jit;

/// <summary>
/// The lazy form (<see cref="LazyFlags"/>) of flags that a region left as kind and operands. Mirrors <see cref="RegionEmitter"/>'s inline
/// code for each <see cref="FlagState.Number"/>.
/// </summary>
internal static unsafe class DeferredFlags
{
    /// <summary>Lowest bit of what the number holds besides kind and size: the carry in of sums and differences, the count of shifts.</summary>
    internal const int ExtraShift = 8;

    /// <summary>Makes the lazy form, if the flags do not have it already.</summary>
    /// <param name="s">
    /// The state. <see cref="CpuState.DeferredFlags"/> holds kind, size and carry in, <see cref="CpuState.DeferredResult"/> the result of the
    /// last flag operation and <see cref="CpuState.DeferredOperand"/> its second operand or what the kind says, both zero-extended.
    /// </param>
    public static void Finish(CpuState* s)
    {
        if (s->DeferredFlags != 0)
        {
            Store(s, s->DeferredFlags, s->DeferredResult, s->DeferredOperand);
            s->DeferredFlags = 0;
        }
    }

    private static void Store(CpuState* s, int number, uint res, uint b)
    {
        int size = number & 7;
        uint mask = uint.MaxValue >> (32 - (8 * size));
        uint carryIn = (uint)number >> ExtraShift;
        FlagKind kind = (FlagKind)((number >> 3) & 31);
        if (kind == FlagKind.Compare && carryIn != 0)
        {
            // The first operand was kept, not the difference.
            res = (res - b) & mask;
            carryIn = 0;
        }

        s->FlagResult = size switch { 1 => (sbyte)res, 2 => (short)res, _ => (int)res };
        s->FlagCarries = kind switch
        {
            FlagKind.Logic => 0,
            FlagKind.Computed => b,
            FlagKind.Inc => Step(b, res == (mask >> 1) + 1, (res & 15) == 0),
            FlagKind.Dec => Step(b, res == mask >> 1, (res & 15) == 15),
            >= FlagKind.Shl and <= FlagKind.Shrd => Shift(kind, b, res, 8 * size, (int)carryIn),
            FlagKind.Add or FlagKind.AddCarry => Sum((res - b - carryIn) & mask, b, res, size),
            _ => Difference((res + b + carryIn) & mask, b, res, size),
        };
    }

    private static uint Step(uint carry, bool overflow, bool auxiliary) =>
        (carry << 31) | ((carry << 30) ^ (overflow ? 0x40000000u : 0)) | (auxiliary ? 8u : 0);

    private static uint Shift(FlagKind kind, uint b, uint res, int bits, int count)
    {
        uint carry = (b >> (kind is FlagKind.Shl or FlagKind.Shld ? bits - count : count - 1)) & 1;
        uint top = (res >> (bits - 1)) & 1;
        uint second = kind switch
        {
            FlagKind.Shl => top,
            FlagKind.Shr => carry ^ (count == 1 ? (b >> (bits - 1)) & 1 : 0),
            FlagKind.Sar => carry,
            FlagKind.Shld => carry ^ top ^ ((b >> (bits - 1)) & 1),
            _ => carry ^ top ^ ((res >> (bits - 2)) & 1),
        };
        return (carry << 31) | (second << 30);
    }

    private static uint Sum(uint a, uint b, uint res, int size) => Align((a & b) | ((a | b) & ~res), size);

    private static uint Difference(uint a, uint b, uint res, int size) => Align((~a & b) | ((~a | b) & res), size);

    private static uint Align(uint carries, int size) => size == 4 ? carries : (carries << (32 - (8 * size))) | (carries & 8);
}
