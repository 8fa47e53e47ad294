using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using Emulator.Core.Cpu;
using Emulator.Devices;
using Emulator.Devices.Snapshot;
using Emulator.Frontend.Running;
using Emulator.Jit;
using NUnit.Framework;

namespace Emulator.Tests.Boot;

/// <summary>Unmodified Debian kernels from the first instruction to power-off. Without the guests (.ci/guests) the tests are skipped.</summary>
[Category("Boot")]
internal sealed class LinuxBootTests
{
    private const string OneProgram = LinuxGuest.Quick + " tests=sieve";
    private const string NoPciNoAcpi = " acpi=off noapic nolapic pci=off end=reboot";
    private const string SieveLine = "BENCH sieve        sum=44d0beac";

    [Test]
    public void Programs_print_the_checksums_of_the_host_and_a_run_through_saved_states_ends_in_the_same_state([Values] bool translated)
    {
        const string Append = LinuxGuest.Quick + " end=poweroff";
        using LinuxGuest whole = LinuxGuest.Create(Append, translated: translated);
        whole.AssertEnded(whole.Run(), HeadlessEnd.PoweredOff);
        AssertChecksums(whole.Serial);

        // In the decompressor, in the kernel's start, and among the programs.
        long[] stops = [1_000_003, 2_500_000_007, 3_300_000_013];
        string file = Path.Combine(Path.GetTempPath(), $"emu-boot-{Guid.NewGuid():N}.state");
        try
        {
            LinuxGuest part = LinuxGuest.Create(Append, translated: translated);
            StringBuilder serial = new();
            foreach (long stop in stops)
            {
                HeadlessResult result = part.Run(instructions: stop - part.Machine.Cpu.Retired);
                Assert.That(result.End, Is.EqualTo(HeadlessEnd.InstructionLimit), part.Serial);
                Assert.That(part.Machine.Cpu.Retired, Is.EqualTo(stop));
                serial.Append(part.Serial);
                MachineSnapshot.Save(part.Machine, file);
                part.Dispose();
                part = new LinuxGuest(MachineSnapshot.Load(file, config => config), translated);
            }

            part.AssertEnded(part.Run(), HeadlessEnd.PoweredOff);
            serial.Append(part.Serial);
            Assert.That(part.Machine.Cpu.Retired, Is.EqualTo(whole.Machine.Cpu.Retired));
            Assert.That(part.State, Is.EqualTo(whole.State));
            Assert.That(serial.ToString(), Is.EqualTo(whole.Serial));
            part.Dispose();
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Test]
    public void Shell_runs_the_commands_that_a_script_types_and_powers_off([Values] bool translated)
    {
        using LinuxGuest guest = LinuxGuest.Create(OneProgram + " end=shell", translated: translated);
        HeadlessResult result = guest.Run(
        [
            Expect("GUEST DONE"),
            Expect("/ # "),
            Send("echo $((6*7)); /bin/busybox uname -m\r"),
            Expect("^42$"),
            Expect("^i686$"),
            Expect("/ # "),
            Send("/bin/busybox poweroff -f\r"),
        ]);
        guest.AssertEnded(result, HeadlessEnd.PoweredOff);
        Assert.That(guest.Serial, Does.Contain("reboot: Power down"));
    }

    [Test]
    public void Kernel_without_ACPI_and_PCI_runs_on_PIC_PIT_UART_RTC_and_8042_and_resets([Values] bool translated)
    {
        using LinuxGuest guest = LinuxGuest.Create(OneProgram + NoPciNoAcpi, config: new PcMachineConfig { NoReboot = true }, translated: translated);
        guest.AssertEnded(guest.Run(), HeadlessEnd.Reset);
        AssertPrinted(guest, SieveLine, "XT-PIC      timer", "is a 16550A", "serio: i8042 KBD port", "rtc_cmos rtc_cmos: registered as rtc0", "machine restart");
    }

    [Test]
    public void Kernel_with_PAE_protects_by_NX([Values] bool translated)
    {
        using LinuxGuest guest = LinuxGuest.Create(OneProgram + " end=poweroff", "vmlinuz-686-pae", translated: translated);
        guest.AssertEnded(guest.Run(), HeadlessEnd.PoweredOff);
        AssertPrinted(guest, SieveLine, "NX (Execute Disable) protection: active", "Checked W+X mappings: passed");
    }

    [Test]
    public void Kernel_with_ACPI_routes_interrupts_through_the_IO_APIC_and_finds_the_HPET([Values] bool translated)
    {
        using LinuxGuest guest = LinuxGuest.Create(OneProgram + " end=poweroff", translated: translated);
        guest.AssertEnded(guest.Run(), HeadlessEnd.PoweredOff);
        AssertPrinted(guest, SieveLine, "Using ACPI (MADT) for SMP configuration", "ACPI: Using IOAPIC for interrupt routing", "IO-APIC   2-edge      timer", "hpet0: 3 comparators, 64-bit 100.000000 MHz counter");

        // Linux compares two clocks by a timer that fires some time after it is due: the last digits move with the machine's history.
        Match calibration = Regex.Match(guest.Serial, @"Refined TSC clocksource calibration: (?<mhz>\d+\.\d+) MHz", RegexOptions.ExplicitCapture, TimeSpan.FromSeconds(1));
        Assert.That(calibration.Success, "the time-stamp counter was measured by the HPET");
        Assert.That(double.Parse(calibration.Groups["mhz"].Value, CultureInfo.InvariantCulture), Is.EqualTo(1000).Within(0.005));
        AssertNoComplaints(guest);
    }

    [Test]
    public void Power_button_reaches_the_kernel_through_the_SCI()
    {
        LinuxGuest guest = LinuxGuest.Create(OneProgram + " end=shell");
        using JitTranslator translator = new(guest.Machine.Cpu, new JitOptions());
        translator.Attach();
        guest.Run(
        [
            Expect("GUEST DONE"),
            Expect("/ # "),
            // PWRBTN_EN of the fixed registers, which no driver of this kernel sets.
            Send("/bin/busybox mknod /port c 1 4; /bin/busybox printf '\\001' | /bin/busybox dd of=/port bs=1 seek=$((0xB003)); echo re''ady\r"),
            Expect("^ready"),
        ]);
        guest.Machine.PowerManagement.PressPowerButton();
        HeadlessResult result = guest.Run(
        [
            Send("/bin/busybox grep acpi /proc/interrupts; /bin/busybox poweroff -f\r"),
            Expect("9: +1 +IO-APIC +9-fasteoi +acpi"),
        ]);
        Assert.That(result.ExitStatus, Is.Zero, guest.Serial[^1000..]);
    }

    [TestCase("acpi=off", "found SMP MP-table", "IO-APIC   2-edge      timer")]
    [TestCase("acpi=off noapic", "XT-PIC      timer")]
    [TestCase("acpi=off noapic nolapic", "XT-PIC      timer")]
    public void Kernel_without_ACPI_uses_the_interrupt_controllers_that_it_may(string options, params string[] printed)
    {
        LinuxGuest guest = LinuxGuest.Create($"{OneProgram} {options} end=reboot", config: new PcMachineConfig { NoReboot = true });
        using JitTranslator translator = new(guest.Machine.Cpu, new JitOptions());
        translator.Attach();
        guest.AssertEnded(guest.Run(), HeadlessEnd.Reset);
        AssertPrinted(guest, [SieveLine, .. printed]);
        AssertNoComplaints(guest);
    }

    /// <summary>State hashes at every million instructions of a whole boot, and of the RAM at every 64 million.</summary>
    [Test]
    public void Translator_and_interpreter_have_the_same_history()
    {
        const string Append = OneProgram + " end=poweroff";
        LinuxGuest interpreted = LinuxGuest.Create(Append, history: []);
        interpreted.AssertEnded(interpreted.Run(), HeadlessEnd.PoweredOff);
        Assert.That(interpreted.History, Has.Count.GreaterThan(100));
        foreach (JitOptions options in (JitOptions[])[new JitOptions { Threads = 1 }, new JitOptions { Threads = 2, CodeLimit = 5000 }])
        {
            LinuxGuest translated = LinuxGuest.Create(Append, history: []);
            using JitTranslator translator = new(translated.Machine.Cpu, options);
            translator.Attach();
            translated.AssertEnded(translated.Run(), HeadlessEnd.PoweredOff);
            Assert.That(translated.History, Is.EqualTo(interpreted.History));
            Assert.That(translated.State, Is.EqualTo(interpreted.State));
            Assert.That(translated.Serial, Is.EqualTo(interpreted.Serial));
            Assert.That(translated.Machine.Cpu.TranslatedInstructions, Is.GreaterThan(translated.Machine.Cpu.Retired / 2));
            Assert.That(translator.InstructionsPresent, Is.LessThanOrEqualTo(options.CodeLimit));
            Assert.That(translator.RegionsEvicted, options.CodeLimit == 5000 ? Is.Positive : Is.Zero);
        }
    }

    [TestCase("pentium2", 64u, "Pentium II (Deschutes)")]
    [TestCase("pentium3", 3072u, "Pentium III (Katmai)")]
    public void Kernel_knows_the_CPU_model(string cpu, uint mebibytes, string name)
    {
        LinuxGuest guest = LinuxGuest.Create(OneProgram + " end=poweroff", config: new PcMachineConfig { Cpu = CpuModel.Find(cpu)!, RamSize = mebibytes << 20 });
        guest.AssertEnded(guest.Run(), HeadlessEnd.PoweredOff);
        AssertPrinted(guest, SieveLine, $"model name\t: {name}");
    }

    private static ScriptStep Expect(string pattern) => new(ScriptAction.Expect, pattern);

    private static ScriptStep Send(string text) => new(ScriptAction.Send, text, Encoding.ASCII.GetBytes(text));

    private static void AssertPrinted(LinuxGuest guest, params string[] texts)
    {
        foreach (string text in texts)
        {
            Assert.That(guest.Serial, Does.Contain(text));
        }
    }

    private static void AssertNoComplaints(LinuxGuest guest)
    {
        foreach (string text in new[] { "MP-BIOS bug", "nobody cared", "firmware bug", "spurious", "ACPI Error", "ACPI BIOS", "Unable to handle", "WARNING" })
        {
            Assert.That(guest.Serial, Does.Not.Contain(text).IgnoreCase);
        }
    }

    private static void AssertChecksums(string serial)
    {
        string[] expected = File.ReadAllLines(GuestDirectory.File("linux", "expected-scale1.txt"));
        string[] printed = [.. Regex.Matches(serial, @"^BENCH \S+ +sum=\w+", RegexOptions.Multiline).Select(m => m.Value)];
        Assert.That(printed, Is.EqualTo(expected));

        byte[] numbers = Encoding.ASCII.GetBytes(string.Concat(Enumerable.Range(1, 20_000).Select(i => $"{i}\n")));
        Assert.That(serial, Does.Contain($"CHECK seq {Hash("MD5", numbers)}"));
        Assert.That(serial, Does.Contain($"CHECK gzip {Hash("SHA1", numbers)}"));
    }

    /// <summary>Checksums that busybox prints; nothing is protected by them.</summary>
    private static string Hash(string name, byte[] data)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(new HashAlgorithmName(name));
        hash.AppendData(data);
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
