using Emulator.Core.Cpu;
using Emulator.Devices;
using Emulator.Jit;
using NUnit.Framework;

namespace Emulator.Tests.Lockstep;

/// <summary>Tables that straddle a page border, with an index that the code bounds.</summary>
[TestFixture]
[Category("Lockstep")]
internal sealed unsafe class TableAccessTests
{
    private const uint Table = 0x20E04;
    private const uint Bytes = 0x22FC1;

    /// <summary>
    /// ADD ECX, 9E3779B1h; MOVZX EAX, CL; ADD EBX, [EAX*4+Table]; ADD [EAX*4+Table], ECX; SHR EAX, 1; ROL EBX, 1; XOR BL, [EAX+Bytes]; MOV [EAX+Bytes], CH; JMP.
    /// </summary>
    private static readonly byte[] Program =
    [
        0x81, 0xC1, 0xB1, 0x79, 0x37, 0x9E, 0x0F, 0xB6, 0xC1, 0x03, 0x1C, 0x85, .. BitConverter.GetBytes(Table), 0x01, 0x0C, 0x85, .. BitConverter.GetBytes(Table),
        0xD1, 0xE8, 0xD1, 0xC3, 0x32, 0x98, .. BitConverter.GetBytes(Bytes), 0x88, 0xA8, .. BitConverter.GetBytes(Bytes), 0xEB, 0xD7,
    ];

    [TestCase(false)]
    [TestCase(true)]
    public void Both_pages_of_a_table_are_found_without_an_exit(bool unoptimized)
    {
        PcMachine machine = PagedProgram.Machine(Program);
        using JitTranslator translator = new(machine.Cpu, new JitOptions { HotThreshold = 100, Background = false, Unoptimized = unoptimized });
        translator.Attach();
        PcMachine interpreted = PagedProgram.Machine(Program);
        for (int slice = 0; slice < 20; slice++)
        {
            machine.Run(10_007);
            interpreted.Run(10_007);
            for (int i = 0; i < 8; i++)
            {
                Assert.That((uint)machine.Cpu.State->Gpr[i], Is.EqualTo((uint)interpreted.Cpu.State->Gpr[i]), $"register {i} behind slice {slice}");
            }

            Assert.That(PagedProgram.Memory(machine).AsSpan().SequenceEqual(PagedProgram.Memory(interpreted)), Is.True, $"memory behind slice {slice}");
            Assert.That(machine.Cpu.State->Eip, Is.EqualTo(interpreted.Cpu.State->Eip));
        }

        Assert.That(translator.Describe(PagedProgram.Body), Does.Contain("[eax*4+20E04h]"));
        Assert.That(machine.Cpu.TranslatedInstructions, Is.GreaterThan(190_000));
    }
}
