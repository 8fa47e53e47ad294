using System.Globalization;
using Emulator.Core.Cpu;
using NUnit.Framework;
using static Emulator.Tests.SystemInstructions.SystemMachine;

namespace Emulator.Tests.SystemInstructions;

/// <summary>
/// Random descriptor tables, task states, gates, modes and absent pages under random system instructions. Whatever happens, the derived state
/// must agree with the architectural one, and an instruction that faults must have changed nothing.
/// </summary>
[TestFixture]
internal sealed unsafe class RandomSystemTests
{
    private const int Rounds = 300;

    /// <summary>Instructions with a ModRM or immediate where selectors, pointers and values are random.</summary>
    private static readonly byte[][] Instructions =
    [
        [0xEA], [0x9A], [0xCB], [0xCA, 8, 0], [0xCF], [0xCD], [0xCC], [0xCE], [0xF1], [0x8E, 0xD8], [0x8E, 0xD0], [0x8E, 0xC0], [0x8E, 0xE0],
        [0x1F], [0x07], [0x17], [0x0F, 0xA1], [0x0F, 0xA9], [0x06], [0x0E], [0x16], [0xC5, 0x03], [0xC4, 0x03], [0x0F, 0xB2, 0x03], [0x0F, 0xB4, 0x03],
        [0xFF, 0x2B], [0xFF, 0x1B], [0x0F, 0x00, 0xD0], [0x0F, 0x00, 0xD8], [0x0F, 0x00, 0xE0], [0x0F, 0x00, 0xE8], [0x0F, 0x00, 0xC0], [0x0F, 0x02, 0xC8],
        [0x0F, 0x03, 0xC8], [0x63, 0x0B], [0x9C], [0x9D], [0xFA], [0xFB], [0xF4], [0x0F, 0x01, 0x03], [0x0F, 0x01, 0x0B], [0x0F, 0x01, 0xF0], [0x0F, 0x06],
        [0x0F, 0x22, 0xC0], [0x0F, 0x22, 0xE0], [0x0F, 0x22, 0xD8], [0x0F, 0x20, 0xC1], [0x0F, 0x21, 0xF1], [0x0F, 0x23, 0xF8], [0x0F, 0x34], [0x0F, 0x35],
        [0xE4], [0xEE], [0x62, 0x0B], [0x0F, 0x31], [0x0F, 0x32], [0x0F, 0x30], [0x0F, 0x33], [0x0F, 0x01, 0x3B],
    ];

    [Test]
    public void A_faulting_instruction_changes_nothing([Range(1, 3)] int seed)
    {
        Random random = new(seed);
        for (int round = 0; round < Rounds; round++)
        {
            SystemMachine m = Prepare(random, out string description);
            bool fault = false;
            m.Core.DeliveryObserver = (source, _) => fault = source == InterruptSource.Exception;
            CpuState* s = m.State;
            CpuState before = *s;
            byte[] stack = Stacks(m);
            uint flags = m.Eflags;
            m.Core.ExecuteOneRaw();
            string message = string.Create(CultureInfo.InvariantCulture, $"seed {seed} round {round}: {description}");
            CheckInvariants(m, message);
            bool switched = ((s->Cr0 ^ before.Cr0) & Cr0.TS) != 0;
            if (!fault || switched || s->Dr[6] != before.Dr[6])
            {
                // A fault behind a committed task switch belongs to the new task; general detect reports in DR6.
                continue;
            }

            Assert.That(s->Eip, Is.EqualTo(before.Eip), message);
            Assert.That(m.Eflags & ~Eflags.RF, Is.EqualTo(flags & ~Eflags.RF), message);
            Assert.That((s->Cr0, s->Cr3, s->Cr4, s->Cpl), Is.EqualTo((before.Cr0, before.Cr3, before.Cr4, before.Cpl)), message);
            Assert.That(new Span<ulong>(s->Gpr, 8).SequenceEqual(new Span<ulong>(before.Gpr, 8)), message);
            int bytes = 8 * sizeof(SegmentRegister);
            Assert.That(new Span<byte>(&s->Segments, bytes).SequenceEqual(new Span<byte>(&before.Segments, bytes)), message);
            Assert.That(Stacks(m).AsSpan().SequenceEqual(stack), message + " stack");
        }
    }

    [Test]
    public void Delivery_never_breaks_the_derived_state([Range(101, 102)] int seed)
    {
        Random random = new(seed);
        for (int round = 0; round < Rounds / 2; round++)
        {
            SystemMachine m = Prepare(random, out string description);
            for (int i = 0; i < 20; i++)
            {
                m.Core.Run(1);
                CheckInvariants(m, string.Create(CultureInfo.InvariantCulture, $"seed {seed} round {round} step {i}: {description}"));
            }
        }
    }

    private static void CheckInvariants(SystemMachine m, string message)
    {
        CpuState* s = m.State;
        Assert.That(s->Cpl, Is.LessThanOrEqualTo(3), message);
        Assert.That(!CpuMode.IsV86(s) || (s->Cpl == 3 && !CpuMode.IsReal(s)), message);
        Assert.That(!CpuMode.IsReal(s) || s->Cpl == 0, message);
        uint key = s->ModeKey;
        nint tlb = (nint)s->Tlb;
        for (int i = 0; i < 8; i++)
        {
            SegmentRegister* r = CpuState.Segment(s, i);
            SegmentRegister copy = *r;
            copy.Update();
            Assert.That((copy.Low, copy.High, copy.Access), Is.EqualTo((r->Low, r->High, r->Access)), $"{message} segment {i}");
        }

        CpuMode.Update(s);
        Assert.That((s->ModeKey, (nint)s->Tlb), Is.EqualTo((key, tlb)), message + " derived mode");
        PendingWork pending = s->Pending;
        CpuCore.UpdatePending(s);
        Assert.That(s->Pending, Is.EqualTo(pending), message + " pending");
    }

    private static byte[] Stacks(SystemMachine m)
    {
        byte[] bytes = new byte[0x10000];
        m.Core.Memory.ReadBlock(0x20000, bytes);
        return bytes;
    }

    private static SystemMachine Prepare(Random random, out string description)
    {
        SystemMachine m = new();
        CpuState* s = m.State;
        Tables(m, random);
        Segmentation.SetHidden(s, SegmentIndex.Ldtr, 0x70, GdtAddress, 0x7F, 0x82);
        int mode = random.Next(6);
        if (random.Next(2) == 0)
        {
            m.EnablePaging();
            for (int i = random.Next(4); i > 0; i--)
            {
                // Absent or read-only pages among stacks, task states and handlers; the test code's page stays.
                uint page = (uint)random.Next(0x20, 0x31) << 12;
                m.SetPage(page, (uint)random.Next(2) * 5);
            }
        }

        m.State->Cr4 |= (uint)random.Next(4);
        m.State->SysenterCs = (uint)random.Next(2) * Code0;
        uint flags = (uint)random.Next() & 0x3F7FD5 & ~(Eflags.VM | Eflags.TF | Eflags.RF);
        switch (mode)
        {
            case 0:
                m.State->Cr0 &= ~(Cr0.PE | Cr0.PG);
                for (int i = 0; i < 6; i++)
                {
                    Segmentation.SetHidden(s, i, 0x2000, 0x20000, 0xFFFF, 0x93);
                }

                Segmentation.SetHidden(s, SegmentIndex.Cs, 0x1000, CodeAddress, 0xFFFF, 0x93);
                s->Eip = 0;
                LazyFlags.Write(s, flags);
                break;
            case 1:
                m.EnterV86(flags);
                break;
            case 2 or 3:
                m.SetPrivilege(3);
                LazyFlags.Write(s, flags);
                break;
            default:
                m.SetPrivilege(0);
                LazyFlags.Write(s, flags);
                break;
        }

        Emulator.Core.Memory.PageWalk.FlushAll(s);
        for (int i = 0; i < 8; i++)
        {
            CpuState.R32(s, i) = i == 4 ? (uint)random.Next(0x20000, 0x30000) : random.Next(3) switch
            {
                0 => (uint)random.Next(0x90),
                1 => (uint)random.Next(0x20000, 0x30000),
                _ => (uint)random.Next(),
            };
        }

        if (mode <= 1)
        {
            m.Esp &= 0xFFFF;
        }

        // Words that look like selectors, small offsets or flags where instructions pop or read pointers.
        for (uint at = 0x20000; at < 0x30000; at += 4)
        {
            m.Write32(at, random.Next(2) == 0 ? (uint)random.Next(0x90) : (uint)random.Next());
        }

        byte[] code = [.. Instructions[random.Next(Instructions.Length)], (byte)random.Next(0x90), 0, (byte)random.Next(0x90), 0, (byte)random.Next(0x90), 0];
        if (random.Next(4) == 0)
        {
            code = [0x66, .. code];
        }

        uint address = CpuState.Segment(s, SegmentIndex.Cs)->Base + s->Eip;
        m.Core.Memory.WriteBlock(address, code);
        CpuMode.Update(s);
        CpuCore.UpdatePending(s);
        description = $"mode {mode} code {Convert.ToHexString(code)} eflags {flags:X} cr0 {s->Cr0:X} cr4 {s->Cr4:X} esp {m.Esp:X}";
        return m;
    }

    private static void Tables(SystemMachine m, Random random)
    {
        for (ushort selector = Tss; selector < 0x80; selector += 8)
        {
            uint dpl = (uint)random.Next(4) << 5;
            uint present = random.Next(8) == 0 ? 0u : 0x80;
            ulong value = random.Next(4) switch
            {
                0 => SystemMachine.System((uint)random.Next(0x20) << 12, (uint)random.Next(2) * 0xFFFFF, present | dpl | 0x10 | (uint)random.Next(16)) | ((ulong)random.Next(16) << 52),
                1 => GateDescriptor((ushort)random.Next(0x88), KernelEntry + (uint)random.Next(16), present | dpl | (uint)random.Next(16), (uint)random.Next(32)),
                2 => SystemMachine.System(random.Next(2) == 0 ? OtherTssAddress : 0x2D000 + (uint)random.Next(0x2000), random.Next(4) == 0 ? 0x20u : 0x67, present | dpl | (random.Next(2) == 0 ? 9u : 1)),
                _ => m.Core.Memory.Read<ulong>(GdtAddress + selector),
            };
            m.SetDescriptor(selector, value);
        }

        for (int v = 0; v < 256; v++)
        {
            m.SetGate((byte)v, (ushort)random.Next(0x88), Handler((byte)v), (random.Next(8) == 0 ? 0u : 0x80) | ((uint)random.Next(4) << 5) | (random.Next(8) == 0 ? 5u : random.Next(2) == 0 ? 14u : 6));
        }

        for (uint at = 0; at < 0x68; at += 4)
        {
            m.Write32(OtherTssAddress + at, random.Next(3) == 0 ? (uint)random.Next(0x60000) : (uint)random.Next(0x90));
            if (at is >= 4 and < 0x1C)
            {
                m.Write32(TssAddress + at, at % 8 == 4 ? 0x20000 + (uint)random.Next(0x10000) : (uint)random.Next(0x90));
            }
        }

        m.Write32(OtherTssAddress + 0x1C, m.State->Cr3);
        m.Write32(TssAddress, (uint)random.Next(0x90));
    }
}
