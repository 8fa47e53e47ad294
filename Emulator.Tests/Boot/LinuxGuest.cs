using System.Text;
using Emulator.Core.Cpu;
using Emulator.Devices;
using Emulator.Devices.Loaders;
using Emulator.Frontend.Reporting;
using Emulator.Frontend.Running;
using Emulator.Jit;
using NUnit.Framework;

namespace Emulator.Tests.Boot;

/// <summary>Debian's kernel with the project's initramfs: builds the machine, runs it headless and collects what it prints.</summary>
internal sealed class LinuxGuest : IDisposable
{
    /// <summary>More than any boot here retires, so that a guest that hangs fails its test.</summary>
    public const long InstructionLimit = 12_000_000_000;

    /// <summary>Kernel options that leave out self-tests that take half of the boot, as the ladder of guests does.</summary>
    public const string Quick = "console=ttyS0 cryptomgr.notests initcall_blacklist=load_system_certificate_list scale=1";

    private readonly StringBuilder _serial = new();
    private readonly JitTranslator? _translator;

    /// <summary>Takes a machine that is ready to run.</summary>
    /// <param name="machine">The machine.</param>
    /// <param name="translated">Whether the translator runs it.</param>
    public LinuxGuest(PcMachine machine, bool translated = false)
    {
        Machine = machine;
        if (translated)
        {
            _translator = new JitTranslator(machine.Cpu);
            _translator.Attach();
        }
    }

    /// <summary>The machine.</summary>
    public PcMachine Machine { get; }

    /// <summary>What the guest printed on COM1, carriage returns left out.</summary>
    public string Serial => _serial.ToString();

    /// <summary>Registers, hidden parts and the retired-instruction count, as --dump-state writes them.</summary>
    public string State
    {
        get
        {
            using MemoryStream stream = new();
            StateDump.WriteJson(Machine.Cpu, stream);
            return Encoding.UTF8.GetString(stream.ToArray());
        }
    }

    /// <summary>A machine with the kernel attached; the test is skipped when the guest is not there.</summary>
    /// <param name="append">Kernel command line.</param>
    /// <param name="kernel">vmlinuz-686 or vmlinuz-686-pae.</param>
    /// <param name="config">The machine; null for the default.</param>
    /// <param name="history">Receives hashes of the state at every million instructions; null for none.</param>
    /// <param name="translated">Whether the translator runs it.</param>
    public static LinuxGuest Create(string append, string kernel = "vmlinuz-686", PcMachineConfig? config = null, List<string>? history = null, bool translated = false)
    {
        config ??= new PcMachineConfig();
        string kernelFile = GuestDirectory.File("linux", kernel);
        string initrd = GuestDirectory.File("linux", "initrd.gz");
        PcMachine machine = new(config);
        machine.Attach(BootFiles.Read(kernelFile, initrd, append, [], config.RamSize));
        return new LinuxGuest(machine, translated) { History = history };
    }

    /// <summary>Hashes of the state at every million instructions, when asked for.</summary>
    public List<string>? History { get; init; }

    /// <summary>Runs until the guest, the script or a limit ends it.</summary>
    /// <param name="script">What to wait for and to type.</param>
    /// <param name="instructions">Most instructions of this run.</param>
    public HeadlessResult Run(IReadOnlyList<ScriptStep>? script = null, long instructions = InstructionLimit)
    {
        using HeadlessRunner runner = new(Machine, new HeadlessOptions
        {
            MaxInstructions = instructions,
            Script = script ?? [],
            AtMark = History is null ? null : () => History.Add(StateHash.Line(Machine.Cpu)),
            SerialOutput = (_, value) => Receive(value),
        });
        HeadlessResult result = runner.Run();
        TestContext.Out.WriteLine($"{result.Message}; {Machine.Cpu.Retired:N0} instructions retired");
        return result;
    }

    /// <summary>Asserts that the guest got to its own end, and shows what it printed last if not.</summary>
    /// <param name="result">The end of the run.</param>
    /// <param name="end">The end that the guest was to choose.</param>
    public void AssertEnded(HeadlessResult result, HeadlessEnd end)
    {
        string tail = Serial.Length > 3000 ? Serial[^3000..] : Serial;
        Assert.That(result.End, Is.EqualTo(end), $"{result.Message}\n{tail}\n{StateDump.Text(Machine.Cpu)}");
        Assert.That(result.ExitStatus, Is.Zero);
    }

    /// <summary>Ends the translator's thread; the machine may still be looked at.</summary>
    public void Dispose()
    {
        if (_translator is not null)
        {
            Assert.That(_translator.CompileFailures, Is.Zero);
            _translator.Dispose();
        }
    }

    private void Receive(byte value)
    {
        if (value != '\r')
        {
            _serial.Append((char)value);
        }
    }
}
