using Emulator.Core.Cpu;
using Emulator.Core.Decoding;
using Emulator.Core.Machine;
using Emulator.Devices;
using Emulator.Devices.Loaders;
using Emulator.Jit;
using Emulator.Jit.Verification;
using NUnit.Framework;

namespace Emulator.Tests.Lockstep;

/// <summary><c>--engine verify</c>: it finds what differs, says where, and writes an image that comes there again.</summary>
[TestFixture]
[Category("Lockstep")]
internal sealed unsafe class VerifierTests
{
    private const uint Origin = 0x10000;

    /// <summary>Real mode to flat protected mode at 10040h, then a loop: MOV EAX, 12345678h; ADD EAX, ECX; MOV [20000h], EAX; INC ECX; JMP.</summary>
    private static readonly byte[] Program = BuildProgram();

    [Test]
    public void A_wrong_region_is_found_reported_and_reproduced()
    {
        PcMachine machine = Machine(Program, Origin);
        using JitTranslator translator = new(machine.Cpu, JitOptions.AtFirstSight with { Verify = true });
        translator.Attach();
        machine.Run(1000);
        Assert.That(translator.Divergence, Is.Null);
        Assert.That(translator.InstructionsCompared, Is.GreaterThan(500));

        // From now on the interpreter does something else than the region: as if the translator were wrong.
        CpuState* s = machine.Cpu.State;
        s->Eip = Origin + 0x58;
        Block* block = machine.Cpu.Blocks.Lookup(s, s->ModeKey);
        Assert.That(block->Compiled != null);
        Block.Ops(block)->Imm ^= 0x100;
        machine.Run(1000);
        Divergence found = translator.Divergence!;
        Assert.That(found, Is.Not.Null);
        Assert.That(found.Summary, Does.Contain("00010058"));
        Assert.That(found.Report, Does.Contain("mov eax,12345678h").And.Contain("* EAX").And.Contain("[00020001]").And.Contain("ldind.u4"));

        // The image comes to the same place: there is no bug there, so that it is only watched.
        PcMachine again = Machine(found.Reproducer!.Bytes, found.Reproducer.Address);
        using JitTranslator second = new(again.Cpu, JitOptions.AtFirstSight with { Verify = true });
        second.Attach();
        again.Run(5000);
        Assert.That(second.Divergence, Is.Null);
        CpuState* t = again.Cpu.State;
        Assert.That(t->Eip, Is.InRange(Origin + 0x58, Origin + 0x70));
        Assert.That((uint)t->Gpr[1], Is.GreaterThan((uint)s->Gpr[1]));
        Assert.That(t->Cr0 & Cr0.PG, Is.Not.Zero);
    }

    [Test]
    public void Stores_of_the_interpreter_alone_are_found()
    {
        PcMachine machine = Machine(Program, Origin);
        using JitTranslator translator = new(machine.Cpu, JitOptions.AtFirstSight with { Verify = true });
        translator.Attach();
        machine.Run(1000);
        CpuState* s = machine.Cpu.State;
        s->Eip = Origin + 0x58;
        Block* block = machine.Cpu.Blocks.Lookup(s, s->ModeKey);

        // The store goes to the next page.
        Block.Ops(block)[2].Disp += 0x1000;
        machine.Run(1000);
        Assert.That(translator.Divergence?.Report, Does.Contain("[00020000]").Or.Contain("[00021000]"));
    }

    private static PcMachine Machine(byte[] image, uint address)
    {
        PcMachine machine = new(new PcMachineConfig { RamSize = 2 << 20, Clock = ClockMode.InstructionCount });
        machine.Attach(new BootFiles { Roms = [new RomImage(new GuestFile("program.bin", image), address)] });
        return machine;
    }

    private static byte[] BuildProgram()
    {
        byte[] image = new byte[0x100];
        byte[] start = [0xFA, 0x66, 0x2E, 0x0F, 0x01, 0x16, 0x30, 0x00, 0x0F, 0x20, 0xC0, 0x0C, 0x01, 0x0F, 0x22, 0xC0, 0x66, 0xEA, 0x40, 0x00, 0x01, 0x00, 0x08, 0x00];
        start.CopyTo(image, 0);
        BitConverter.TryWriteBytes(image.AsSpan(0x30), (ushort)0x17);
        BitConverter.TryWriteBytes(image.AsSpan(0x32), Origin + 0x80);
        BitConverter.TryWriteBytes(image.AsSpan(0x88), 0x00CF9B000000FFFF);
        BitConverter.TryWriteBytes(image.AsSpan(0x90), 0x00CF93000000FFFF);
        byte[] code =
        [
            0xB8, 0x10, 0x00, 0x00, 0x00, 0x8E, 0xD8, 0x8E, 0xC0, 0x8E, 0xD0, 0xBC, 0x00, 0x00, 0x09, 0x00, 0x31, 0xC9, 0xEB, 0x04, 0x90, 0x90, 0x90, 0x90,
            0xB8, 0x78, 0x56, 0x34, 0x12, 0x01, 0xC8, 0xA3, 0x00, 0x00, 0x02, 0x00, 0x41, 0xEB, 0xF1,
        ];
        code.CopyTo(image, 0x40);
        return image;
    }
}
