using Emulator.Core.Machine;
using Emulator.Devices;
using Emulator.Devices.Loaders;
using Emulator.Frontend.Running;
using NUnit.Framework;

namespace Emulator.Tests.Frontend;

/// <summary>Scripts that look at the text screen.</summary>
internal sealed class ScreenScriptTests
{
    // Writes "Key?", waits for a key of the keyboard, writes '!' and halts.
    private static readonly byte[] Program =
    [
        0xB8, 0x00, 0xB8, 0x8E, 0xC0, // mov ax, 0b800h; mov es, ax
        0x26, 0xC6, 0x06, 0x00, 0x00, (byte)'K', // mov byte es:[0], 'K'
        0x26, 0xC6, 0x06, 0x02, 0x00, (byte)'e',
        0x26, 0xC6, 0x06, 0x04, 0x00, (byte)'y',
        0x26, 0xC6, 0x06, 0x06, 0x00, (byte)'?',
        0xE4, 0x64, 0xA8, 0x01, 0x74, 0xFA, // wait: in al, 64h; test al, 1; jz wait
        0x26, 0xC6, 0x06, 0x08, 0x00, (byte)'!',
        0xFA, 0xF4, // cli; hlt
    ];

    [TestCase(ClockMode.InstructionCount)]
    public void Text_on_the_screen_is_expected_and_answered_at_the_same_instruction_every_time(ClockMode clock)
    {
        long retired = 0;
        for (int run = 0; run < 2; run++)
        {
            PcMachine machine = new(new PcMachineConfig { RamSize = 2 << 20, Clock = clock });
            machine.Attach(new BootFiles { Roms = [new RomImage(new GuestFile("program", Program), 0x7C00)] });
            HeadlessOptions options = new()
            {
                Script = [new(ScriptAction.Expect, "^Key\\?$"), new(ScriptAction.SendKeys, "\\e[B", "\u001b[B"u8.ToArray()), new(ScriptAction.Expect, "!")],
                MaxInstructions = 100_000_000,
            };
            using HeadlessRunner runner = new(machine, options);
            Assert.That(runner.Run().End, Is.EqualTo(HeadlessEnd.ScriptComplete));
            Assert.That(machine.Ports.Read(0x60, 1), Is.EqualTo(0xE0), "an arrow key");
            Assert.That(run == 0 ? machine.Cpu.Retired : retired, Is.EqualTo(machine.Cpu.Retired));
            retired = machine.Cpu.Retired;
        }
    }

    [Test]
    public void What_was_matched_is_not_matched_again_also_when_it_scrolls()
    {
        ScreenText screen = new();
        Assert.That(screen.Update(["Welcome", "C:\\>", ""]));
        Assert.That(screen.Text, Is.EqualTo("Welcome\nC:\\>\n\n"));
        screen.RemoveUntil("Welcome\nC:\\>".Length);
        Assert.That(screen.Text, Is.EqualTo("\n\n\n"));
        Assert.That(screen.Update(["Welcome", "C:\\>", ""]), Is.False);
        screen.Update(["Welcome", "C:\\>dir", "file"]);
        Assert.That(screen.Text, Is.EqualTo("\ndir\nfile\n"));
        screen.Update(["C:\\>dir", "file", "C:\\>"]);
        Assert.That(screen.Text, Is.EqualTo("dir\nfile\nC:\\>\n"));
        screen.RemoveUntil(screen.Text.Length - 1);
        screen.Update(["", "", "C:\\>"]);
        Assert.That(screen.Text, Is.EqualTo("\n\n\n"), "the clock line went, the prompt stays used");
        screen.Update(["C:\\>", "", ""]);
        Assert.That(screen.Text, Is.EqualTo("\n\n\n"), "moved up");
        screen.Update(["D:\\>", "", "C:\\>"]);
        Assert.That(screen.Text, Is.EqualTo("D:\\>\n\nC:\\>\n"), "drawn anew");
    }
}
