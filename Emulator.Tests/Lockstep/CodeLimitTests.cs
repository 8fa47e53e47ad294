using Emulator.Devices;
using Emulator.Jit;
using NUnit.Framework;

namespace Emulator.Tests.Lockstep;

/// <summary><see cref="JitOptions.CodeLimit"/> bounds what is compiled, and <see cref="JitOptions.Threads"/> compile it; neither shows in the run.</summary>
[TestFixture]
[Category("Lockstep")]
internal sealed unsafe class CodeLimitTests
{
    private const int Loops = 300;
    private const int Instructions = 1_000_000;

    /// <summary>Loops one behind the other, around and around: MOV ECX, 40; again: INC EAX; DEC ECX; JNZ again.</summary>
    private static readonly byte[] Program = BuildProgram();

    [Test]
    public void Least_recently_used_code_goes()
    {
        using JitTranslator translator = Run(new JitOptions { HotThreshold = 20, RegionInstructions = 8, Background = false, CodeLimit = 200 }, out PcMachine machine);
        Assert.Multiple(() =>
        {
            Assert.That(translator.InstructionsPresent, Is.InRange(50, 200));
            Assert.That(translator.RegionsEvicted, Is.GreaterThan(100));
            Assert.That(machine.Cpu.TranslatedInstructions, Is.Positive);
        });
    }

    [Test]
    public void What_is_used_stays()
    {
        // All of it fits (7 instructions a loop, with the next one's first block), but beyond half of the limit regions are put to rest, and woken.
        List<string> trace = [];
        using JitTranslator translator = Run(new JitOptions { HotThreshold = 20, RegionInstructions = 8, Background = false, CodeLimit = Loops * 10 }, out PcMachine machine, trace.Add);
        Assert.Multiple(() =>
        {
            Assert.That(translator.RegionsEvicted, Is.Zero);
            Assert.That(translator.InstructionsPresent, Is.InRange(Loops * 3, Loops * 10));
            Assert.That(trace, Has.None.StartsWith("dropped"));
            Assert.That(machine.Cpu.TranslatedInstructions, Is.GreaterThan(machine.Cpu.Retired * 9 / 10));
        });
    }

    [Test]
    public void Several_threads_compile([Values(1, 2, 5)] int threads)
    {
        using JitTranslator translator = Run(new JitOptions { HotThreshold = 20, RegionInstructions = 8, Threads = threads }, out PcMachine machine);
        for (int i = 0; i < 5000 && translator.RegionsCompiled < 20; i++)
        {
            machine.Run(20_000);
        }

        Assert.That(translator.RegionsCompiled, Is.GreaterThanOrEqualTo(20));
        Assert.That(translator.CompileFailures, Is.Zero);
    }

    [Test]
    public void Small_regions_in_which_time_is_spent_grow()
    {
        // again: INC EAX; JMP on; on: INC EBX; JMP beyond; beyond: DEC ECX; JMP again
        byte[] program = [0x40, 0xEB, 0, 0x43, 0xEB, 0, 0x49, 0xEB, 0xF7];
        List<string> trace = [];
        using JitTranslator translator = Run(new JitOptions { HotThreshold = 20, FirstInstructions = 1 }, out PcMachine machine, trace.Add, program);
        for (int i = 0; i < 5000 && translator.RegionsGrown == 0; i++)
        {
            machine.Run(50_000);
        }

        machine.Run(50_000);
        PcMachine interpreted = FlatProgram.Machine(program);
        interpreted.Run(machine.Cpu.Retired);
        Assert.Multiple(() =>
        {
            Assert.That(translator.RegionsGrown, Is.Positive);
            Assert.That(trace, Has.Some.Contains("(3 blocks, 6 instructions): much time is spent there"));
            Assert.That(machine.Cpu.State->Eip, Is.EqualTo(interpreted.Cpu.State->Eip));
            Assert.That((uint)machine.Cpu.State->Gpr[0], Is.EqualTo((uint)interpreted.Cpu.State->Gpr[0]));
            Assert.That(translator.CompileFailures, Is.Zero);
        });
    }

    private static JitTranslator Run(JitOptions options, out PcMachine machine, Action<string>? trace = null, byte[]? program = null)
    {
        machine = FlatProgram.Machine(program ?? Program);
        machine.Cpu.SliceLength = 2000;
        JitTranslator translator = new(machine.Cpu, options) { Trace = trace };
        translator.Attach();
        machine.Run(Instructions);
        PcMachine interpreted = FlatProgram.Machine(program ?? Program);
        interpreted.Run(Instructions);
        Assert.That(machine.Cpu.State->Eip, Is.EqualTo(interpreted.Cpu.State->Eip));
        Assert.That((uint)machine.Cpu.State->Gpr[0], Is.EqualTo((uint)interpreted.Cpu.State->Gpr[0]));
        Assert.That((uint)machine.Cpu.State->Gpr[1], Is.EqualTo((uint)interpreted.Cpu.State->Gpr[1]));
        GC.KeepAlive(interpreted);
        return translator;
    }

    private static byte[] BuildProgram()
    {
        const uint start = FlatProgram.Origin + 0x100;
        List<byte> code = [];
        for (int i = 0; i < Loops; i++)
        {
            code.AddRange([0xB9, 40, 0, 0, 0, 0x40, 0x49, 0x75, 0xFC]);
        }

        code.Add(0xE9);
        code.AddRange(BitConverter.GetBytes(-(code.Count + 4)));
        return FlatProgram.Build((FlatProgram.Code, [0xE9, .. BitConverter.GetBytes(start - FlatProgram.Code - 5)]), (start, [.. code]));
    }
}
