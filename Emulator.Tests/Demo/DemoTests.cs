using Emulator.Core.Cpu;
using Emulator.Devices;
using Emulator.Devices.Input;
using Emulator.Devices.Snapshot;
using Emulator.Devices.Storage;
using Emulator.Devices.Storage.Images;
using Emulator.Tests.Vga;
using NUnit.Framework;

namespace Emulator.Tests.Demo;

/// <summary>The demo disk: every command, the machine's tests of itself, its pictures.</summary>
[TestFixture(false)]
[TestFixture(true)]
internal sealed class DemoTests(bool translate)
{
    [Test]
    public void Every_command_does_what_it_says()
    {
        using DemoGuest guest = Start();
        Assert.Multiple(() =>
        {
            Assert.That(guest.Command("help"), Does.Contain("\n  off "));
            Assert.That(guest.Command("cpu"), Does.Contain("Features  FPU").And.Contain(" SSE2"));
            Assert.That(guest.Command("mem"), Does.Contain("E820h").And.Contain("639 KiB  RAM"));
            Assert.That(guest.Command("pci"), Does.Contain("00:01.1  8086   7010").And.Contain("VGA display adapter"));
            Assert.That(guest.Command("drives"), Does.Contain("Channel 0 master  disk      16 MiB  DMA"));
            Assert.That(guest.Command("date"), Does.StartWith("2026-01-01 00:00:0"));
            Assert.That(guest.Command("dir"), Does.Match(@"  README   TXT +\d+  2026-01-01\n").And.Match(@"\d+ files, \d+ bytes"));
            Assert.That(guest.Command("type poem.txt"), Does.StartWith("Reset\n\nAt FFFF:0 I find my bearings,\n"));
            Assert.That(guest.Command("type nothing.txt"), Does.StartWith("There is no such file"));
            Assert.That(guest.Command("run hello.bin"), Is.EqualTo("Hello from ring 3, task 2\n"));
            Assert.That(guest.Command("run primes.bin"), Is.EqualTo("1229 prime numbers below 10,000\n"));
            Assert.That(guest.Command("run fault.bin"), Does.Contain("fault.bin: page fault at 080000").And.Contain("address 00100000, error code 0007, ended"));
            Assert.That(guest.Command("cd"), Is.EqualTo("There is no CD drive\n"));
            Assert.That(guest.Command("floppy"), Is.EqualTo("There is no floppy drive\n"));
            Assert.That(guest.Command("test x87"), Does.EndWith("2 passed, 0 failed, 0 not there\n"));
            Assert.That(guest.Command("test acpi"), Is.EqualTo("  ok    ACPI\n1 passed, 0 failed, 0 not there\n"));
            Assert.That(guest.Command("what"), Does.StartWith("There is no command of that name"));
        });
        guest.Type("off\r");
        Assert.That(guest.RunToEnd(), Is.EqualTo(RunReason.PoweredOff));
    }

    [Test]
    public void Programs_share_the_processor()
    {
        using DemoGuest guest = Start();
        Assert.That(guest.Command("run loop.bin &"), Is.Empty);
        Assert.That(guest.Command("run primes.bin"), Is.EqualTo("1229 prime numbers below 10,000\n"));
        Assert.That(guest.Command("tasks"), Does.Contain("2  loop.bin        ready      3"));
        guest.Type("run letters.bin &\rrun letters.bin &\r");
        Assert.That(guest.Expect("CBC"), Does.Contain("B"));
        for (int letter = 3; letter <= 8; letter++)
        {
            guest.Expect("C");
        }

        guest.Command("kill 2");
        Assert.That(guest.Command("tasks"), Does.Not.Contain("loop.bin"));
    }

    [TestCase("max", 128)]
    [TestCase("486", 4)]
    [TestCase("pentium", 16)]
    [TestCase("pentium3", 1024)]
    public void Machine_passes_its_own_tests(string cpu, int megabytes)
    {
        using DemoGuest guest = Start(new PcMachineConfig { Cpu = CpuModel.Find(cpu)!, RamSize = (uint)megabytes << 20, Drives = Disks() });
        string result = guest.Command("test");
        Assert.That(result, Does.Contain(", 0 failed").And.Contain("  ok    CD\n").And.Contain("  ok    floppy\n"));
        if (cpu == "max")
        {
            Assert.That(result, Does.Contain(", 0 not there"));
        }
    }

    [Test]
    public void Disks_are_read()
    {
        using DemoGuest guest = Start(new PcMachineConfig { Drives = Disks() });
        Assert.That(guest.Command("cd"), Is.EqualTo("Volume DEMO_CD, 0 MiB\n          17  HELLO.TXT;1\n"));
        Assert.That(guest.Command("cd hello.txt"), Is.EqualTo("Hello from a CD!\n"));
        Assert.That(guest.Command("floppy"), Is.EqualTo("Sectors 2880, 18 a track\n  HELLO    TXT       17  2026-01-01\n"));
    }

    [Test]
    public void Text_screen_is_the_stored_picture()
    {
        using DemoGuest guest = Start();
        guest.Command("cls");
        guest.Command("help");
        HideCursor(guest.Machine);
        StoredImage.Check(guest.Machine.Screen!, "demo-text");
    }

    [Test]
    public void Mode_13h_is_the_stored_picture_and_text_comes_back()
    {
        using DemoGuest guest = Start();
        guest.Type("gfx 8\r");
        guest.Expect("Frame 8 stands still");
        guest.Expect(DemoGuest.Prompt);
        guest.Machine.Run(10_000_000);
        StoredImage.Check(guest.Machine.Screen!, "demo-mode13h");
        guest.Command("cls");
        guest.Command("help");
        HideCursor(guest.Machine);
        StoredImage.Check(guest.Machine.Screen!, "demo-text");
    }

    [Test]
    public void Keys_typed_ahead_of_a_picture_belong_to_the_shell()
    {
        using DemoGuest guest = Start();
        guest.Type("gfx 3\rvbe gradient\rgfx 2\rtype nothing.txt\r");
        Assert.That(guest.Expect("Frame 3 stands still\n" + DemoGuest.Prompt), Does.StartWith("gfx 3\n"));
        Assert.That(guest.Expect("The picture is complete\n" + DemoGuest.Prompt), Does.StartWith("vbe gradient\n"));
        Assert.That(guest.Expect("Frame 2 stands still\n" + DemoGuest.Prompt), Does.StartWith("gfx 2\n"));
        Assert.That(guest.Expect(DemoGuest.Prompt), Does.StartWith("type nothing.txt\nThere is no such file"));
        guest.Machine.Run(1_000_000);
        Assert.That(guest.Machine.Screen!.TextLines, Does.Contain("demo> type nothing.txt").And.Contain("demo> "));
    }

    [Test]
    public void Escape_ends_a_picture_and_any_key_one_without_an_end()
    {
        using DemoGuest guest = Start();
        foreach ((string command, string key) in (ReadOnlySpan<(string, string)>)[("gfx 100000", "\e"), ("vbe", "\e"), ("gfx", "x")])
        {
            guest.Type(command + "\r");
            guest.Expect("ends it");
            guest.Machine.Run(2_000_000);
            guest.Type(key);
            Assert.That(guest.Expect(DemoGuest.Prompt), Does.Not.Contain("stands still").And.Not.Contain("complete"));
            Assert.That(guest.Command("type nothing.txt"), Does.StartWith("There is no such file"));
        }
    }

    [Test]
    public void Vbe_modes_are_the_stored_pictures()
    {
        using DemoGuest guest = Start();
        guest.Type("vbe\r");
        guest.Expect("The picture is complete");
        StoredImage.Check(guest.Machine.Screen!, "demo-mandelbrot");
        guest.Expect(DemoGuest.Prompt);
        guest.Type("vbe gradient\r");
        guest.Expect("The picture is complete");
        StoredImage.Check(guest.Machine.Screen!, "demo-gradient");
    }

    [Test]
    public void Keyboard_works_as_the_serial_port_does()
    {
        using DemoGuest guest = Start();
        guest.Machine.Keyboard.TypeText("Type README.TXT\n");
        Assert.That(guest.Expect(DemoGuest.Prompt), Does.StartWith("Type README.TXT\nThe demo disk\n"));
        guest.Machine.Keyboard.KeyDown(Key.O);
        guest.Machine.Keyboard.KeyUp(Key.O);
        guest.Machine.Keyboard.TypeText("ff\n");
        Assert.That(guest.RunToEnd(), Is.EqualTo(RunReason.PoweredOff));
    }

    [Test]
    public void Reboot_comes_back_to_the_prompt()
    {
        using DemoGuest guest = Start();
        guest.Type("reboot\r");
        guest.Expect("Demo disk: a small 32-bit system");
        guest.Expect(DemoGuest.Prompt);
    }

    [Test]
    public void Saved_in_the_middle_of_the_picture_it_goes_on_the_same()
    {
        string file = Path.Combine(Path.GetTempPath(), $"demo-{Guid.NewGuid():N}.state");
        using DemoGuest guest = Start();
        guest.Type("gfx 12\r");
        guest.Expect("Mode 13h: Esc ends it");
        guest.Machine.Run(9_000_017);
        try
        {
            MachineSnapshot.Save(guest.Machine, file);
            using DemoGuest loaded = new(MachineSnapshot.Load(file, config => config with { Drives = [DemoGuest.Disk()] }), translate);
            guest.Machine.Run(40_000_000);
            loaded.Machine.Run(40_000_000);
            guest.Expect("Frame 12 stands still");
            loaded.Expect("Frame 12 stands still");
            Assert.That(loaded.Machine.Cpu.Retired, Is.EqualTo(guest.Machine.Cpu.Retired));
            guest.Machine.Screen!.Update();
            loaded.Machine.Screen!.Update();
            Assert.That(loaded.Machine.Screen.Pixels.SequenceEqual(guest.Machine.Screen.Pixels), Is.True);
        }
        finally
        {
            File.Delete(file);
        }
    }

    /// <summary>Whether the cursor is to be seen depends on the time, and that on the firmware.</summary>
    private static void HideCursor(PcMachine machine)
    {
        machine.Ports.Write(0x3D4, 1, 0x0A);
        machine.Ports.Write(0x3D5, 1, 0x20);
    }

    private DemoGuest Start(PcMachineConfig? config = null) => DemoGuest.Start(translate, config);

    private static Drive[] Disks() =>
    [
        new Drive(new DriveOptions { Index = 2, Media = DriveMedia.CdRom, File = "cd" }, new MemoryImage(DemoMedia.Cd("Hello from a CD!\n"), readOnly: true)),
        new Drive(new DriveOptions { Interface = DriveInterface.Floppy, File = "floppy" }, new MemoryImage(DemoMedia.Floppy("Hello from a disk"))),
    ];
}
