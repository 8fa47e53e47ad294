using Emulator.Frontend;
using Emulator.Frontend.CommandLine;
using Emulator.Tests.Loaders;
using NUnit.Framework;

namespace Emulator.Tests.Frontend;

/// <summary>The program in this process: exit status and what it prints.</summary>
[NonParallelizable]
internal sealed class CommandLineTests
{
    private string _folder = "";

    [SetUp]
    public void CreateFiles()
    {
        _folder = Directory.CreateTempSubdirectory("emu-test").FullName;
        File.WriteAllBytes(In("kernel.bin"), KernelImages.MultibootFlat([0xFA, 0xF4]));
        File.WriteAllBytes(In("fault.bin"), KernelImages.MultibootFlat([0x0F, 0x0B]));
        File.WriteAllBytes(In("vmlinuz"), KernelImages.Linux([0xFA, 0xF4]));
        File.WriteAllBytes(In("text"), "no kernel at all"u8.ToArray());
        File.WriteAllBytes(In("empty"), []);
        File.WriteAllBytes(In("big"), new byte[9 << 20]);
        Directory.CreateDirectory(In("folder"));
    }

    [TearDown]
    public void DeleteFiles() => Directory.Delete(_folder, recursive: true);

    // Values that are no values.
    [TestCase("-m", "0")]
    [TestCase("-m", "")]
    [TestCase("-m", "12x")]
    [TestCase("-m", "-5")]
    [TestCase("-m", "4G")]
    [TestCase("-m", "1023K")]
    [TestCase("-m", "99999999999999999999")]
    [TestCase("-m")]
    [TestCase("-m", "1M", "-m", "2M")]
    [TestCase("-cpu", "z80")]
    [TestCase("-device", "rtl8139")]
    [TestCase("-device", "isa-debug-exit,iobase=0x10000")]
    [TestCase("-device", "isa-debug-exit,iosize=3")]
    [TestCase("-device", "isa-debug-exit,what=1")]
    [TestCase("-device", "isa-debug-exit,iobase=0xffff,iosize=4")]
    [TestCase("-device", "isa-debug-exit", "-device", "isa-debug-exit")]
    [TestCase("-rtc", "utc")]
    [TestCase("-rtc", "base=1979-12-31")]
    [TestCase("-rtc", "base=2026-13-01")]
    [TestCase("-serial", "com1")]
    [TestCase("-serial", "file:")]
    [TestCase("-serial", "tcp:localhost:1")]
    [TestCase("-serial", "stdio", "-serial", "stdio")]
    [TestCase("-serial", "null", "-serial", "null", "-serial", "null", "-serial", "null", "-serial", "null")]
    [TestCase("-debugcon", "printer")]
    [TestCase("-display", "window")]
    [TestCase("-display", "nothing")]
    [TestCase("-vga", "cga")]
    [TestCase("--screenshot", "FOLDER/none/a.png")]
    [TestCase("--dump-screen", "FOLDER/none/a.txt")]
    [TestCase("-vga", "none", "--screenshot", "FOLDER/a.png", "--max-instructions", "1")]
    [TestCase("--engine", "steam")]
    [TestCase("--jit-threshold", "-1")]
    [TestCase("--jit-threshold", "4000000000")]
    [TestCase("--jit-region", "0")]
    [TestCase("--jit-limit", "0")]
    [TestCase("--jit-first", "0")]
    [TestCase("--jit-threads", "0")]
    [TestCase("--jit-threads", "65")]
    [TestCase("--clock", "sundial")]
    [TestCase("--max-instructions", "many")]
    [TestCase("--max-instructions", "-1")]
    [TestCase("--timeout", "-1")]
    [TestCase("--timeout", "1e5")]
    [TestCase("--expect", "(")]
    [TestCase("--send", "\\q")]
    [TestCase("--dump-memory", "0:10")]
    [TestCase("--dump-memory", "x:10:FILE")]
    [TestCase("--dump-memory", "0x100000000:10:FILE")]
    [TestCase("--dump-memory", "0xFFFFFFFF:2:FILE")]
    [TestCase("--trace", "everything")]
    [TestCase("-boot", "x")]
    [TestCase("-boot", "order=cc")]
    [TestCase("-boot", "menu=yes")]
    [TestCase("-boot", "splash-time=99999")]
    [TestCase("-bios", "FOLDER/text")]
    [TestCase("--trace-file", "FOLDER/trace")]
    public void Bad_values_are_one_line_and_status_2(params string[] options) => ExpectUsageError(["run", "-kernel", In("fault.bin"), "-no-reboot", .. options]);

    // Options that do not exist, or not yet.
    [TestCase("-smp", "2")]
    [TestCase("--nonsense")]
    [TestCase("file.img")]
    [TestCase("--nic", "user")]
    [TestCase("-s")]
    [TestCase("-S")]
    [TestCase("-gdb", "tcp::1234")]
    [TestCase("-monitor", "stdio")]
    [TestCase("-nic", "user")]
    [TestCase("--record", "file")]
    public void Unknown_options_and_those_of_the_future_are_one_line_and_status_2(params string[] options)
    {
        string line = ExpectUsageError([.. options, "-kernel", In("fault.bin"), "-no-reboot"]);
        if (options[0] is not ("-smp" or "--nonsense" or "file.img"))
        {
            Assert.That(line, Does.Contain("not supported yet"));
        }
    }

    [TestCase("debug")]
    [TestCase("run", "-initrd", "FOLDER/text")]
    [TestCase("run", "-append", "x")]
    [TestCase("test", "--filter", "there is no such ROM")]
    [TestCase("test", "--what")]
    [TestCase("rom", "run")]
    [TestCase("rom", "run", "nothing")]
    [TestCase("rom", "run", "hello", "-kernel", "x")]
    [TestCase("rom", "extract", "nothing")]
    [TestCase("rom", "extract", "hello", "FOLDER/none/file")]
    [TestCase("rom", "sing")]
    public void Bad_commands_are_one_line_and_status_2(params string[] args) => ExpectUsageError(args);

    [TestCase("-kernel", "FOLDER/none")]
    [TestCase("-kernel", "FOLDER/folder")]
    [TestCase("-kernel", "FOLDER/empty")]
    [TestCase("-kernel", "FOLDER/text")]
    [TestCase("-kernel", "FOLDER/big", "-m", "8M")]
    [TestCase("-kernel", "")]
    [TestCase("-kernel", "FOLDER/vmlinuz", "-m", "16M")]
    [TestCase("-kernel", "FOLDER/vmlinuz", "-initrd", "FOLDER/none")]
    [TestCase("-kernel", "FOLDER/vmlinuz", "-initrd", "FOLDER/folder")]
    [TestCase("-kernel", "FOLDER/vmlinuz", "-initrd", "FOLDER/empty")]
    [TestCase("-kernel", "FOLDER/vmlinuz", "-initrd", "FOLDER/big", "-m", "24M")]
    [TestCase("-kernel", "FOLDER/kernel.bin", "-initrd", "FOLDER/text,FOLDER/none")]
    [TestCase("-kernel", "FOLDER/kernel.bin", "-initrd", "FOLDER/text,")]
    [TestCase("--rom", "FOLDER/text")]
    [TestCase("--rom", "FOLDER/none@0xF0000")]
    [TestCase("--rom", "FOLDER/folder@0xF0000")]
    [TestCase("--rom", "FOLDER/empty@0xF0000")]
    [TestCase("--rom", "FOLDER/text@0xFFFF8")]
    [TestCase("--rom", "FOLDER/big@0xF0000")]
    [TestCase("--rom", "FOLDER/text@0x7C00", "--rom", "FOLDER/text@0x7C08")]
    [TestCase("--load-state", "FOLDER/none")]
    [TestCase("--load-state", "FOLDER/folder")]
    [TestCase("--load-state", "FOLDER/empty")]
    [TestCase("--load-state", "FOLDER/text")]
    [TestCase("-kernel", "FOLDER/fault.bin", "-no-reboot", "-serial", "file:FOLDER/none/out")]
    [TestCase("-kernel", "FOLDER/fault.bin", "-no-reboot", "-serial", "file:FOLDER/folder")]
    [TestCase("-kernel", "FOLDER/fault.bin", "-no-reboot", "-debugcon", "file:FOLDER/none/out")]
    [TestCase("-kernel", "FOLDER/fault.bin", "-no-reboot", "--dump-state", "FOLDER/none/out")]
    [TestCase("-kernel", "FOLDER/fault.bin", "-no-reboot", "--dump-memory", "0:16:FOLDER/folder")]
    [TestCase("-kernel", "FOLDER/fault.bin", "-no-reboot", "--stats", "FOLDER/none/out")]
    [TestCase("-kernel", "FOLDER/fault.bin", "-no-reboot", "--save-state", "FOLDER/none/out")]
    [TestCase("-kernel", "FOLDER/fault.bin", "-no-reboot", "--save-state", "FOLDER/folder")]
    [TestCase("-kernel", "FOLDER/fault.bin", "-no-reboot", "--trace", "exec", "--trace-file", "FOLDER/none/out")]
    public void Bad_files_are_one_line_and_status_2(params string[] options) => ExpectUsageError(["run", "-serial", "null", .. options]);

    [Test]
    public void Random_and_cut_files_are_one_line_and_status_2()
    {
        Random random = new(5);
        byte[] kernel = File.ReadAllBytes(In("vmlinuz"));
        Invoke(["run", "-kernel", In("kernel.bin"), "-serial", "null", "-m", "2M", "--stop-on-halt", "--save-state", In("state")]);
        byte[] state = File.ReadAllBytes(In("state"));
        for (int round = 0; round < 40; round++)
        {
            byte[] noise = new byte[random.Next(1, 5000)];
            random.NextBytes(noise);
            File.WriteAllBytes(In("noise"), noise);
            ExpectUsageError(["-kernel", In("noise")]);
            ExpectUsageError(["--load-state", In("noise")]);
            File.WriteAllBytes(In("noise"), kernel[..random.Next(1, kernel.Length)]);
            ExpectUsageError(["-kernel", In("noise")]);
            File.WriteAllBytes(In("noise"), state[..random.Next(1, state.Length)]);
            ExpectUsageError(["--load-state", In("noise")]);
        }
    }

    [Test]
    public void Saved_machine_refuses_options_that_contradict_it()
    {
        Invoke(["-kernel", In("kernel.bin"), "-serial", "null", "-m", "2M", "--stop-on-halt", "--save-state", In("state")]);
        ExpectUsageError(["--load-state", In("state"), "-m", "4M"]);
        ExpectUsageError(["--load-state", In("state"), "-cpu", "486"]);
        ExpectUsageError(["--load-state", In("state"), "-append", "x"]);
        ExpectUsageError(["--load-state", In("state"), "-kernel", In("vmlinuz")]);
        ExpectUsageError(["--load-state", In("state"), "-serial", "null", "-serial", "null"]);
        (int status, _, _) = Invoke(["--load-state", In("state"), "-m", "2048K", "-cpu", "max", "-kernel", In("kernel.bin"), "-serial", "null", "--stop-on-halt"]);
        Assert.That(status, Is.EqualTo(ExitStatus.Success));
    }

    [Test]
    public void Help_lists_every_option()
    {
        (int status, string output, string error) = Invoke(["--help"]);
        Assert.That(status, Is.Zero);
        Assert.That(error, Is.Empty);
        foreach (OptionEntry entry in new RunCommandOptions().Entries)
        {
            Assert.That(output, Does.Contain("\n  " + entry.Syntax));
        }

        Assert.That(Invoke(["run", "--help"]).Output, Is.EqualTo(output));
        Assert.That(Invoke(["test", "--help"]).Output, Does.Contain("--single-step"));
        Assert.That(Invoke(["rom", "--help"]).Output, Does.Contain("extract"));
        Assert.That(output.Split('\n'), Has.All.Length.LessThanOrEqualTo(150));
    }

    [TestCase]
    [TestCase("run", "--engine", "jit", "-cpu", "486", "-m", "4")]
    public void Nothing_to_start_from_starts_the_demo(params string[] options)
    {
        (int status, _, string error) = Invoke([.. options, "-serial", "null", "--expect", "demo> $", "--send-keys", "off\\n", "--expect", "Good night"]);
        Assert.That(status, Is.Zero, error);
        Assert.That(error, Is.EqualTo("emu: all expectations were met\n"));
    }

    [Test]
    public void Demo_disk_is_part_of_a_saved_machine()
    {
        Assert.That(Invoke(["-serial", "null", "--expect", "demo> $", "--save-state", In("state")]).Status, Is.Zero);
        (int status, _, string error) = Invoke(["--load-state", In("state"), "-serial", "null", "--send-keys", "type poem.txt\\n", "--expect", "A20's pressure"]);
        Assert.That(status, Is.Zero, error);
    }

    [Test]
    public void Run_writes_what_was_asked_for()
    {
        (int status, _, string error) = Invoke(
            ["--kernel", In("kernel.bin"), "-serial", "null", "--stop-on-halt", "--dump-state", In("s.json"), "--dump-memory", $"0x100000:32:{In("m.bin")}", "--stats", In("t.json")]);
        Assert.Multiple(() =>
        {
            Assert.That(status, Is.EqualTo(ExitStatus.Success));
            Assert.That(error, Does.StartWith("emu: the CPU halted with interrupts off\n"));
            Assert.That(File.ReadAllText(In("s.json")), Does.Contain("\"retired\": 2,").And.Contain("\"eax\": \"2badb002\""));
            Assert.That(File.ReadAllBytes(In("m.bin")), Is.EqualTo(File.ReadAllBytes(In("kernel.bin"))[..32]));
            Assert.That(File.ReadAllText(In("t.json")), Does.Contain("\"instructions\": 2,"));
        });
    }

    [Test]
    public void What_regions_leave_to_handlers_is_counted_when_asked_for()
    {
        // MOV ECX, 100; again: IN AL, 80h; DEC ECX; JNZ again; CLI; HLT
        File.WriteAllBytes(In("kernel.bin"), KernelImages.MultibootFlat([0xB9, 100, 0, 0, 0, 0xE4, 0x80, 0x49, 0x75, 0xFB, 0xFA, 0xF4]));
        string[] options = ["-kernel", In("kernel.bin"), "-serial", "null", "--stop-on-halt", "--engine", "jit", "--jit-threshold", "0", "--stats"];
        (_, _, string plain) = Invoke(options);
        (_, _, string counted) = Invoke([.. options, "--jit-count"]);
        Assert.Multiple(() =>
        {
            Assert.That(plain, Does.Not.Contain("handler calls"));
            Assert.That(counted, Does.Contain("handler calls").And.Match("In_AL_imm8 +100 +0 +0"));
        });
    }

    [Test]
    public void Trace_of_instructions_shows_text_and_changes()
    {
        File.WriteAllBytes(In("kernel.bin"), KernelImages.MultibootFlat([0xB8, 0x78, 0x56, 0x34, 0x12, 0xE6, 0x80, 0xF4]));
        Invoke(["-kernel", In("kernel.bin"), "-serial", "null", "--stop-on-halt", "--trace", "exec,io,post", "--trace-file", In("trace")]);
        string[] lines = File.ReadAllLines(In("trace"));
        Assert.Multiple(() =>
        {
            Assert.That(lines[0], Does.Contain("0010:00100020").And.Contain("mov eax, 0x12345678").And.EndWith("; EAX=12345678"));
            Assert.That(lines, Has.Some.Contain("io   0080 <- 78"));
            Assert.That(lines, Has.Some.Contain("post 78"));
            Assert.That(lines[^1], Does.Contain("hlt"));
        });
    }

    [Test]
    public void Rom_is_extracted_as_it_is_in_the_catalog()
    {
        Assert.That(Invoke(["rom", "extract", "hello", In("hello")]).Status, Is.Zero);
        Assert.That(File.ReadAllBytes(In("hello")), Is.EqualTo(TestRoms.RomCatalog.Open("hello")));
        Assert.That(Invoke(["rom", "list"]).Output.Split('\n'), Has.Length.EqualTo(TestRoms.RomCatalog.All.Count + 1));
    }

    private static (int Status, string Output, string Error) Invoke(string[] args)
    {
        TextWriter output = Console.Out;
        TextWriter error = Console.Error;
        using StringWriter capturedOutput = new() { NewLine = "\n" };
        using StringWriter capturedError = new() { NewLine = "\n" };
        try
        {
            Console.SetOut(capturedOutput);
            Console.SetError(capturedError);
            int status = EmuCommandLine.Invoke(args);
            return (status, capturedOutput.ToString(), capturedError.ToString());
        }
        finally
        {
            Console.SetOut(output);
            Console.SetError(error);
        }
    }

    private string In(string name) => Path.Combine(_folder, name);

    private string ExpectUsageError(string[] args)
    {
        args = [.. args.Select(a => a.Replace("FOLDER", _folder, StringComparison.Ordinal).Replace("FILE", In("out"), StringComparison.Ordinal))];
        (int status, string output, string error) = Invoke(args);
        string what = string.Join(' ', args);
        Assert.That(status, Is.EqualTo(ExitStatus.Usage), $"{what}\n{error}");
        Assert.That(output, Is.Empty, what);
        Assert.That(error, Does.Match("^emu: [^\n]+\n$"), what);
        Assert.That(error, Does.Not.Contain("   at "), what);
        return error;
    }
}
