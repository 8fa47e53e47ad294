using Emulator.Core.Cpu;
using Emulator.Devices;
using Emulator.Jit;
using NUnit.Framework;

namespace Emulator.Tests.Lockstep;

/// <summary>
/// Repeated string instructions in bulk, upwards and downwards, overlapping and across borders of pages that are not neighbours in physical
/// memory, against a loop around the same instruction without REP.
/// </summary>
[TestFixture]
[Category("Lockstep")]
internal sealed unsafe class StringRunTests
{
    private static readonly byte[][] Instructions =
        [[0xA4], [0x66, 0xA5], [0xA5], [0xAA], [0x66, 0xAB], [0xAB], [0xAC], [0xAD], [0xA6], [0x66, 0xA7], [0xA7], [0xAE], [0x66, 0xAF], [0xAF]];

    private static readonly (uint Esi, uint Edi, uint Ecx)[] Places =
    [
        (0x22003, 0x24001, 0x700), (0x22FFD, 0x24FFE, 3), (0x22FFF, 0x24800, 5), (0x23000, 0x24FFF, 4), (0x22FF1, 0x22FF4, 0x200), (0x22FF4, 0x22FF1, 0x200),
        (0x23002, 0x23003, 9), (0x23003, 0x23001, 9), (0x22F00, 0x23300, 0x300), (0x23300, 0x22F00, 0x300), (0x22100, 0x22100, 0x400), (0x23FFE, 0x24FFF, 0x403),
    ];

    [Test]
    public void They_do_what_a_loop_does([Values(0xFC, 0xFD)] int direction, [Range(0, 13)] int instruction)
    {
        byte[] code = Instructions[instruction];
        bool compares = code[^1] is 0xA6 or 0xA7 or 0xAE or 0xAF;
        foreach ((uint esi, uint edi, uint ecx) in Places)
        {
            byte[] setup = [(byte)direction, 0xBE, .. BitConverter.GetBytes(esi), 0xBF, .. BitConverter.GetBytes(edi), 0xB9, .. BitConverter.GetBytes(ecx), 0xB8, 0x5A, 0x5A, 0x5A, 0x5A];
            byte[] repeated = [0xF3, .. code];
            byte[] loop = [.. code, (byte)(compares ? 0xE1 : 0xE2), (byte)(-code.Length - 2)];
            string name = $"{Convert.ToHexString(repeated)} {esi:X} {edi:X} {ecx:X}";
            PcMachine expected = Run(setup, loop, compares, jit: false);
            foreach (bool jit in (bool[])[false, true])
            {
                PcMachine actual = Run(setup, repeated, compares, jit);
                for (int i = 0; i < 8; i++)
                {
                    Assert.That((uint)actual.Cpu.State->Gpr[i], Is.EqualTo((uint)expected.Cpu.State->Gpr[i]), $"{name}: register {i}");
                }

                Assert.That(PagedProgram.Memory(actual).AsSpan().SequenceEqual(PagedProgram.Memory(expected)), Is.True, name);
            }
        }
    }

    /// <summary>The body three times: EBP counts; LAHF shows the flags.</summary>
    private static PcMachine Run(byte[] setup, byte[] code, bool compares, bool jit)
    {
        byte[] again = [.. setup, .. code, 0x9F, 0x4D, 0x75];
        byte[] body = [0xBD, 3, 0, 0, 0, .. again, (byte)(-again.Length - 1), 0xEB, 0xFE];
        PcMachine machine = PagedProgram.Machine(body);
        Fill(machine, compares);
        if (!jit)
        {
            machine.Run(20_000);
            return machine;
        }

        using JitTranslator translator = new(machine.Cpu, new JitOptions { HotThreshold = 1, Background = false });
        translator.Attach();
        machine.Run(20_000);
        Assert.That(machine.Cpu.TranslatedInstructions, Is.Positive);
        return machine;
    }

    /// <summary>What is compared differs in a few places only.</summary>
    private static void Fill(PcMachine machine, bool compares)
    {
        SplitMix random = new(7);
        for (uint i = 0; i < PagedProgram.DataLength; i++)
        {
            machine.Memory.Write(PagedProgram.Data + i, (byte)(compares ? 0x5A : random.Below(256)));
        }

        if (compares)
        {
            machine.Memory.Write(PagedProgram.Data + 0x7000 - 0x2000 + 0x321, (byte)1);
            machine.Memory.Write(PagedProgram.Data + 0x7000 - 0x4000 + 0xFFF, (byte)2);
        }
    }
}
