using Emulator.Core.Cpu;
using Emulator.Core.Decoding;
using Emulator.Devices;
using Emulator.Jit;
using NUnit.Framework;

namespace Emulator.Tests.Lockstep;

/// <summary>Targets of indirect branches that the interpreter saw become part of regions.</summary>
[TestFixture]
[Category("Lockstep")]
internal sealed unsafe class TargetProfileTests
{
    private const uint First = FlatProgram.Origin + 0xA0;
    private const uint Second = FlatProgram.Origin + 0xB0;

    /// <summary>INC ECX; MOV EAX, ECX; AND EAX, 1; SHL EAX, 4; ADD EAX, First; CALL EAX; ADD EBX, EAX; JMP: two functions in turn.</summary>
    private static readonly byte[] Program = FlatProgram.Build(
        (FlatProgram.Code, [0x41, 0x89, 0xC8, 0x83, 0xE0, 0x01, 0xC1, 0xE0, 0x04, 0x05, 0xA0, 0x00, 0x01, 0x00, 0xFF, 0xD0, 0x01, 0xC3, 0xEB, 0xEC]),
        (First, [0xB8, 0x01, 0x00, 0x00, 0x00, 0xC3]),
        (Second, [0xB8, 0x02, 0x00, 0x00, 0x00, 0xC3]));

    [Test]
    public void Both_targets_of_a_call_are_in_its_region()
    {
        PcMachine machine = FlatProgram.Machine(Program);
        using JitTranslator translator = new(machine.Cpu, new JitOptions { HotThreshold = 100, Background = false });
        translator.Attach();
        machine.Run(100_000);
        Assert.That(translator.RegionsCompiled, Is.EqualTo(1));
        Assert.That(translator.Describe(FlatProgram.Code), Does.Contain("call eax").And.Contain("mov eax,1").And.Contain("mov eax,2"));
        Assert.That(machine.Cpu.TranslatedInstructions, Is.GreaterThan(95_000));

        PcMachine interpreted = FlatProgram.Machine(Program);
        interpreted.Run(100_000);
        Assert.That((uint)machine.Cpu.State->Gpr[3], Is.EqualTo((uint)interpreted.Cpu.State->Gpr[3]));
        Assert.That(machine.Cpu.State->Eip, Is.EqualTo(interpreted.Cpu.State->Eip));
    }

    [Test]
    public void The_most_frequent_targets_win()
    {
        PcMachine machine = FlatProgram.Machine(Program);
        CpuState* s = machine.Cpu.State;
        Block block = new() { HeatStart = 1 };
        s->CurrentBlock = &block;
        for (uint i = 0; i < 1000; i++)
        {
            TargetProfile.Note(s, i % 5 < 2 ? 0x2000 : i % 5 < 4 ? 0x3000 : 0x10000 + i);
            TargetProfile.Note(s, 0x3000);
        }

        Assert.That(block.Targets.Read(), Is.EqualTo((uint[])[0x3000, 0x2000]));

        // Nobody asks without a translator.
        Block other = new() { HeatStart = -1 };
        s->CurrentBlock = &other;
        TargetProfile.Note(s, 0x2000);
        Assert.That(other.Targets.Read(), Is.Empty);
        s->CurrentBlock = null;
        GC.KeepAlive(machine);
    }
}
