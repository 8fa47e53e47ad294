using System.Runtime.Intrinsics.X86;
using Emulator.Core.Cpu;
using Emulator.Core.Decoding;
using Emulator.Jit;
using NUnit.Framework;

namespace Emulator.Tests.Core;

/// <summary>What the run loop has the host fetch: records of the jump cache remember what came two lookups behind them.</summary>
[TestFixture]
internal sealed unsafe class LookAheadTests
{
    private const uint First = TestMachine.CodeAddress;
    private const uint Second = First + 0x20;
    private const uint Third = First + 0x40;

    [Test]
    public void A_record_names_the_block_after_the_next()
    {
        Assume.That(Sse.IsSupported, "this host has no instruction to fetch ahead: nothing is remembered");
        CpuCore core = TestMachine.Create();
        using JitTranslator translator = Attach(core);

        // Three blocks of one JMP each, in a ring.
        byte[] code = new byte[0x42];
        (code[0], code[1]) = (0xEB, 0x1E);
        (code[0x20], code[0x21]) = (0xEB, 0x1E);
        (code[0x40], code[0x41]) = (0xEB, 0xBE);
        TestMachine.RunFlatCode(core, code);
        core.Run(100);
        JumpCacheEntry first = Record(core, First);
        JumpCacheEntry second = Record(core, Second);
        JumpCacheEntry third = Record(core, Third);
        Assert.That((uint[])[first.Linear, second.Linear, third.Linear], Is.EqualTo((uint[])[First, Second, Third]), "the three records");
        Assert.That((uint[])[first.AheadRecord, second.AheadRecord, third.AheadRecord],
            Is.EqualTo((uint[])[JumpCacheEntry.IndexOf(Third), JumpCacheEntry.IndexOf(First), JumpCacheEntry.IndexOf(Second)]));
        Assert.That((long)first.AheadBlock - second.AheadBlock, Is.EqualTo((byte*)third.Block - (byte*)first.Block));
        Assert.That((long)third.AheadBlock - second.AheadBlock, Is.EqualTo((byte*)second.Block - (byte*)first.Block));
        GC.KeepAlive(core);
    }

    [Test]
    public void Blocks_that_are_dropped_while_they_are_remembered_leave_no_trace()
    {
        CpuCore core = TestMachine.Create();
        using JitTranslator translator = Attach(core);

        // INC EAX; MOV [1000Bh], AL; JMP 1000Ah; 1000Ah: MOV BL, 0; JMP 10000h. The second block is dropped and decoded anew each time round.
        TestMachine.RunFlatCode(core, [0x40, 0xA2, 0x0B, 0x00, 0x01, 0x00, 0xEB, 0x02, 0x90, 0x90, 0xB3, 0x00, 0xEB, 0xF2]);
        core.Run(50_000);
        Assert.That(core.Blocks.BlocksInvalidated, Is.GreaterThan(1000));
        Assert.That(((uint)core.State->Gpr[0], (uint)core.State->Gpr[3]), Is.EqualTo((10_000u, 10_000u & 0xFF)));
        GC.KeepAlive(core);
    }

    /// <summary>A translator that translates nothing: without any, nothing is looked ahead.</summary>
    private static JitTranslator Attach(CpuCore core)
    {
        JitTranslator translator = new(core, new JitOptions { HotThreshold = 1_000_000, Background = false });
        translator.Attach();
        return translator;
    }

    private static JumpCacheEntry Record(CpuCore core, uint linear) => core.State->JumpCache[JumpCacheEntry.IndexOf(linear)];
}
