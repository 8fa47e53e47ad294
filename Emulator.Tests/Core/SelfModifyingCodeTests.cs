using Emulator.Core.Cpu;
using NUnit.Framework;

namespace Emulator.Tests.Core;

/// <summary>Stores into code are seen by the next instruction, whatever path they take.</summary>
[TestFixture]
public sealed unsafe class SelfModifyingCodeTests
{
    [Test]
    public void A_store_changes_the_very_next_instruction()
    {
        CpuCore core = TestMachine.Create();

        // mov byte [next+1], 42h ; next: mov al, 0 ; jmp $
        TestMachine.RunFlatCode(core, [0xC6, 0x05, 0x08, 0x00, 0x01, 0x00, 0x42, 0xB0, 0x00, 0xEB, 0xFE]);
        core.Run(3);
        Assert.That(CpuState.R32(core.State, 0) & 0xFF, Is.EqualTo(0x42));
        Assert.That(core.Retired, Is.EqualTo(3));
    }

    [Test]
    public void A_store_into_decoded_code_is_seen_when_it_runs_again()
    {
        CpuCore core = TestMachine.Create();

        // l: mov al,[p+1] ; inc al ; mov [p+1],al ; p: mov bl,0 ; jmp l
        byte[] code = [0xA0, 0x0D, 0, 1, 0, 0xFE, 0xC0, 0xA2, 0x0D, 0, 1, 0, 0xB3, 0, 0xEB, 0xF0];
        TestMachine.RunFlatCode(core, code);
        core.Run(5 * 100);
        Assert.That(CpuState.R32(core.State, 3) & 0xFF, Is.EqualTo(100));
        Assert.That(core.Blocks.BlocksInvalidated, Is.GreaterThanOrEqualTo(99));
    }

    [Test]
    public void Rep_stos_over_the_code_behind_it_takes_effect_at_once()
    {
        CpuCore core = TestMachine.Create();

        // mov edi, x ; mov ecx, 2 ; mov al, 40h (INC EAX) ; rep stosb ; x: dec eax ; dec eax ; jmp $
        byte[] code = [0xBF, 0x0E, 0, 1, 0, 0xB9, 2, 0, 0, 0, 0xB0, 0x40, 0xF3, 0xAA, 0x48, 0x48, 0xEB, 0xFE];
        TestMachine.RunFlatCode(core, code);
        core.Run(7);
        Assert.That(CpuState.R32(core.State, 0), Is.EqualTo(0x42));
    }

    [Test]
    public void A_write_by_dma_drops_decoded_code()
    {
        CpuCore core = TestMachine.Create();
        TestMachine.RunFlatCode(core, [0xB0, 0x01, 0xEB, 0xFC]);
        core.Run(10);
        core.Memory.WriteBlock(TestMachine.CodeAddress, [0xB0, 0x02]);
        core.Run(2);
        Assert.That(CpuState.R32(core.State, 0) & 0xFF, Is.EqualTo(2));
    }

    [Test]
    public void Another_linear_alias_of_the_page_is_seen()
    {
        CpuCore core = TestMachine.Create();

        // mov byte [300008h], 42h ; mov al, 0 ; jmp $ with 300000h mapped to the code page
        TestMachine.RunFlatCode(core, [0xC6, 0x05, 0x08, 0x00, 0x30, 0x00, 0x42, 0xB0, 0x00, 0xEB, 0xFE]);
        TestMachine.EnablePaging(core);
        core.Memory.Write(0x201000u + (4 * 0x300), TestMachine.CodeAddress | 3u);
        core.Run(3);
        Assert.That(CpuState.R32(core.State, 0) & 0xFF, Is.EqualTo(0x42));
    }

    [Test]
    public void An_instruction_across_two_pages_follows_a_change_in_the_second()
    {
        CpuCore core = TestMachine.Create();
        TestMachine.RunFlatCode(core, []);

        // 10FFEh: mov eax, 11223344h (5 bytes) ; jmp back to its start
        core.Memory.WriteBlock(0x10FFE, [0xB8, 0x44, 0x33, 0x22, 0x11, 0xEB, 0xF9]);
        core.State->Eip = 0x10FFE;
        core.Run(4);
        Assert.That(CpuState.R32(core.State, 0), Is.EqualTo(0x11223344u));
        core.Memory.Write<byte>(0x11002, 0x55);
        core.Run(2);
        Assert.That(CpuState.R32(core.State, 0), Is.EqualTo(0x55223344u));
    }

    [Test]
    public void An_instruction_across_two_pages_follows_a_remapping_of_the_second()
    {
        CpuCore core = TestMachine.Create();
        TestMachine.RunFlatCode(core, []);
        core.Memory.WriteBlock(0x10FFE, [0xB8, 0x44, 0x33, 0x22, 0x11, 0xEB, 0xF9]);
        core.Memory.WriteBlock(0x12000, [0x33, 0x22, 0x77, 0xEB, 0xF9]);
        TestMachine.EnablePaging(core);
        core.State->Eip = 0x10FFE;
        core.Run(4);
        core.Memory.Write(0x201000u + (4 * 0x11), 0x12003u);
        Emulator.Core.Memory.PageWalk.FlushPage(core.State, 0x11000);
        core.Run(2);
        Assert.That(CpuState.R32(core.State, 0), Is.EqualTo(0x77223344u));
    }
}
