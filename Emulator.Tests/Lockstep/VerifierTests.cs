using Emulator.Core.Cpu;
using Emulator.Core.Decoding;
using Emulator.Devices;
using Emulator.Jit;
using Emulator.Jit.Verification;
using NUnit.Framework;

namespace Emulator.Tests.Lockstep;

/// <summary><c>--engine verify</c>: it finds what differs, says where, and writes an image that comes there again.</summary>
[TestFixture]
[Category("Lockstep")]
internal sealed unsafe class VerifierTests
{
    /// <summary>A loop: MOV EAX, 12345678h; ADD EAX, ECX; MOV [20000h], EAX; INC ECX; JMP.</summary>
    private static readonly byte[] Program = FlatProgram.Build((FlatProgram.Code, [0xB8, 0x78, 0x56, 0x34, 0x12, 0x01, 0xC8, 0xA3, 0x00, 0x00, 0x02, 0x00, 0x41, 0xEB, 0xF1]));

    [Test]
    public void A_wrong_region_is_found_reported_and_reproduced()
    {
        PcMachine machine = FlatProgram.Machine(Program);
        using JitTranslator translator = new(machine.Cpu, JitOptions.AtFirstSight with { Verify = true });
        translator.Attach();
        machine.Run(1000);
        Assert.That(translator.Divergence, Is.Null);
        Assert.That(translator.InstructionsCompared, Is.GreaterThan(500));

        // From now on the interpreter does something else than the region: as if the translator were wrong.
        CpuState* s = machine.Cpu.State;
        s->Eip = FlatProgram.Code;
        Block* block = machine.Cpu.Blocks.Lookup(s, s->ModeKey);
        Assert.That(block->Compiled != null);
        Block.Ops(block)->Imm ^= 0x100;
        machine.Run(1000);
        Divergence found = translator.Divergence!;
        Assert.That(found, Is.Not.Null);
        Assert.That(found.Summary, Does.Contain("00010058"));
        Assert.That(found.Report, Does.Contain("mov eax,12345678h").And.Contain("* EAX").And.Contain("[00020001]").And.Contain("ldind.u4"));

        // The image comes to the same place: there is no bug there, so that it is only watched.
        PcMachine again = FlatProgram.Machine(found.Reproducer!.Bytes, found.Reproducer.Address);
        using JitTranslator second = new(again.Cpu, JitOptions.AtFirstSight with { Verify = true });
        second.Attach();
        again.Run(5000);
        Assert.That(second.Divergence, Is.Null);
        CpuState* t = again.Cpu.State;
        Assert.That(t->Eip, Is.InRange(FlatProgram.Code, FlatProgram.Code + 0x18));
        Assert.That((uint)t->Gpr[1], Is.GreaterThan((uint)s->Gpr[1]));
        Assert.That(t->Cr0 & Cr0.PG, Is.Not.Zero);
    }

    [Test]
    public void Stores_of_the_interpreter_alone_are_found()
    {
        PcMachine machine = FlatProgram.Machine(Program);
        using JitTranslator translator = new(machine.Cpu, JitOptions.AtFirstSight with { Verify = true });
        translator.Attach();
        machine.Run(1000);
        CpuState* s = machine.Cpu.State;
        s->Eip = FlatProgram.Code;
        Block* block = machine.Cpu.Blocks.Lookup(s, s->ModeKey);

        // The store goes to the next page.
        Block.Ops(block)[2].Disp += 0x1000;
        machine.Run(1000);
        Assert.That(translator.Divergence?.Report, Does.Contain("[00020000]").Or.Contain("[00021000]"));
    }

    [Test]
    public void Ways_between_regions_are_compared()
    {
        // One in eight runs of a region is compared alone; of eight starts, with other numbers of runs before, most have the difference behind a way.
        List<string> reports = [.. Enumerable.Range(0, 8).Select(WaysWithDifference)];
        Assert.That(reports, Has.All.Contains("* EBX"));
        Assert.That(reports, Has.Some.Contains("region entered at 00010058").And.Some.Contains("went on in the region at 00010158"));
        Assert.That(reports.Count(r => r.Contains("went on in the region at 00010158", StringComparison.Ordinal)), Is.GreaterThanOrEqualTo(4));
    }

    /// <summary>Two loops through one another: INC EAX; JMP far away; there: ADD EBX, 12345678h; JMP back. Each is a region.</summary>
    private static string WaysWithDifference(int rounds)
    {
        const uint far = FlatProgram.Code + 0x100;
        byte[] there = [0xE9, .. BitConverter.GetBytes(far - (FlatProgram.Code + 6))];
        byte[] back = [0xE9, .. BitConverter.GetBytes(unchecked(FlatProgram.Code - (far + 11)))];
        PcMachine machine = FlatProgram.Machine(FlatProgram.Build((FlatProgram.Code, [0x40, .. there]), (far, [0x81, 0xC3, 0x78, 0x56, 0x34, 0x12, .. back])));
        using JitTranslator translator = new(machine.Cpu, JitOptions.AtFirstSight with { Verify = true, RegionInstructions = 1 });
        translator.Attach();
        CpuState* s = machine.Cpu.State;

        // It ends in front of the first region: in the middle of one, single steps would have taken the second one's place in the jump cache.
        int instructions = 10_001 + (400 * rounds);
        machine.Run(instructions);
        Assert.That(s->Eip, Is.EqualTo(FlatProgram.Code));
        Assert.That(translator.Divergence, Is.Null);
        Assert.That(translator.TransfersCompared, Is.GreaterThan(1000));
        Assert.That(machine.Cpu.Retired, Is.EqualTo(instructions));

        // The interpreter adds another number: where a run begins with the first region, the difference lies behind the way into the second.
        Block.Ops(machine.Cpu.Blocks.Find(s, s->ModeKey, far, codeBase: 0, decode: false))->Imm ^= 0x100;
        machine.Run(10_000);
        return translator.Divergence?.Report ?? string.Empty;
    }
}
