using Emulator.Core.Cpu;
using FsCheck;
using FsCheck.Fluent;
using NUnit.Framework;

namespace Emulator.Tests.Core;

/// <summary>The lazy flags against a bit-by-bit model of the manual's definitions.</summary>
[TestFixture]
public sealed unsafe class LazyFlagsTests
{
    private static readonly Config Quick = Config.QuickThrowOnFailure.WithMaxTest(2000);

    [Test]
    public void Add_sets_the_flags_of_the_manual_in_every_width() =>
        Prop.ForAll<uint, uint, bool>((a, b, carry) => Adds((byte)a, (byte)b, carry, 8) && Adds((ushort)a, (ushort)b, carry, 16) && Adds(a, b, carry, 32))
            .Check(Quick);

    [Test]
    public void Sub_sets_the_flags_of_the_manual_in_every_width() =>
        Prop.ForAll<uint, uint, bool>((a, b, borrow) => Subtracts((byte)a, (byte)b, borrow, 8) && Subtracts((ushort)a, (ushort)b, borrow, 16) && Subtracts(a, b, borrow, 32))
            .Check(Quick);

    [Test]
    public void Inc_and_dec_keep_the_carry([Values(0u, 1u, 0x7Fu, 0x80u, 0xFFu, 0xFu, 0x10u)] uint a, [Values] bool carry)
    {
        CpuState state = default;
        CpuState* s = &state;
        LazyFlags.SetStatus(s, carry ? Eflags.CF : 0);
        LazyFlags.SetInc(s, (byte)(a + 1));
        Assert.That(LazyFlags.Status(s), Is.EqualTo((Model(a, 1, a + 1, 8, subtract: false) & ~Eflags.CF) | (carry ? Eflags.CF : 0)));
        LazyFlags.SetStatus(s, carry ? Eflags.CF : 0);
        LazyFlags.SetDec(s, (byte)(a - 1));
        Assert.That(LazyFlags.Status(s), Is.EqualTo((Model(a, 1, a - 1, 8, subtract: true) & ~Eflags.CF) | (carry ? Eflags.CF : 0)));
    }

    [Test]
    public void Every_combination_of_status_flags_can_be_stored()
    {
        CpuState state = default;
        CpuState* s = &state;
        for (uint bits = 0; bits < 0x1000; bits++)
        {
            LazyFlags.SetStatus(s, bits);
            Assert.That(LazyFlags.Status(s), Is.EqualTo(bits & Eflags.Status));
        }
    }

    [Test]
    public void SetCF_changes_the_carry_only()
    {
        CpuState state = default;
        CpuState* s = &state;
        for (uint bits = 0; bits < 0x1000; bits++)
        {
            foreach (bool carry in new[] { false, true })
            {
                LazyFlags.SetStatus(s, bits);
                LazyFlags.SetCF(s, carry);
                Assert.That(LazyFlags.Status(s), Is.EqualTo((bits & Eflags.Status & ~Eflags.CF) | (carry ? Eflags.CF : 0)));
            }
        }
    }

    private static bool Adds(uint a, uint b, bool carry, int bits)
    {
        CpuState state = default;
        CpuState* s = &state;
        uint r = a + b + (carry ? 1u : 0);
        switch (bits)
        {
            case 8:
                LazyFlags.SetAdd(s, (byte)a, (byte)b, (byte)r);
                break;
            case 16:
                LazyFlags.SetAdd(s, (ushort)a, (ushort)b, (ushort)r);
                break;
            default:
                LazyFlags.SetAdd(s, a, b, r);
                break;
        }

        return LazyFlags.Status(s) == Model(a, b, r, bits, subtract: false, carry);
    }

    private static bool Subtracts(uint a, uint b, bool borrow, int bits)
    {
        CpuState state = default;
        CpuState* s = &state;
        uint r = a - b - (borrow ? 1u : 0);
        switch (bits)
        {
            case 8:
                LazyFlags.SetSub(s, (byte)a, (byte)b, (byte)r);
                break;
            case 16:
                LazyFlags.SetSub(s, (ushort)a, (ushort)b, (ushort)r);
                break;
            default:
                LazyFlags.SetSub(s, a, b, r);
                break;
        }

        return LazyFlags.Status(s) == Model(a, b, r, bits, subtract: true, borrow);
    }

    private static uint Model(uint a, uint b, uint r, int bits, bool subtract, bool carryIn = false)
    {
        ulong mask = (1ul << bits) - 1;
        ulong sign = 1ul << (bits - 1);
        ulong x = a & mask;
        ulong y = b & mask;
        ulong z = r & mask;
        ulong c = carryIn ? 1ul : 0;
        bool carry = subtract ? x < y + c : x + y + c > mask;
        bool aux = subtract ? (x & 0xF) < (y & 0xF) + c : (x & 0xF) + (y & 0xF) + c > 0xF;
        bool overflow = subtract ? ((x ^ y) & (x ^ z) & sign) != 0 : (~(x ^ y) & (x ^ z) & sign) != 0;
        return (carry ? Eflags.CF : 0) | (aux ? Eflags.AF : 0) | (overflow ? Eflags.OF : 0) | (z == 0 ? Eflags.ZF : 0) | ((z & sign) != 0 ? Eflags.SF : 0)
            | (System.Numerics.BitOperations.PopCount((uint)z & 0xFF) % 2 == 0 ? Eflags.PF : 0);
    }
}
