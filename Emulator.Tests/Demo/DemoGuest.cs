using System.Text;
using Emulator.Devices;
using Emulator.Devices.Loaders;
using Emulator.Devices.Serial;
using Emulator.Devices.Storage;
using Emulator.Devices.Storage.Images;
using Emulator.Jit;
using NUnit.Framework;
using TestRoms;

namespace Emulator.Tests.Demo;

/// <summary>The demo disk in a machine with the built-in firmware, driven through its serial port.</summary>
internal sealed class DemoGuest : ISerialBackend, IDisposable
{
    public const string Prompt = "\ndemo> ";

    private const long InstructionLimit = 600_000_000;

    private readonly StringBuilder _sent = new();
    private readonly JitTranslator? _translator;
    private int _seen;
    private string? _awaited;

    /// <summary>Takes a machine that is built already, such as a loaded one.</summary>
    /// <param name="machine">The machine.</param>
    /// <param name="translate">Whether hot code is translated.</param>
    public DemoGuest(PcMachine machine, bool translate)
    {
        Machine = machine;
        machine.Serial[0].Backend = this;
        if (translate)
        {
            _translator = new JitTranslator(machine.Cpu, new JitOptions());
            _translator.Attach();
        }
    }

    public PcMachine Machine { get; }

    /// <summary>A machine at the shell's prompt.</summary>
    /// <param name="translate">Whether hot code is translated.</param>
    /// <param name="config">The machine; null for the default. The demo disk is added.</param>
    public static DemoGuest Start(bool translate, PcMachineConfig? config = null)
    {
        config ??= new PcMachineConfig();
        PcMachine machine = new(config with { Drives = [Disk(), .. config.Drives] });
        machine.Attach(new BootFiles());
        DemoGuest guest = new(machine, translate);
        guest.Expect(Prompt);
        return guest;
    }

    /// <summary>The demo disk, in memory.</summary>
    public static Drive Disk() => new(new DriveOptions { File = "demo:", Snapshot = true }, new OverlayImage(new MemoryImage(DemoDisk.Open(), readOnly: true)));

    /// <summary>Types on the serial port.</summary>
    public void Type(string text) => Machine.Serial[0].EnqueueInput(Encoding.ASCII.GetBytes(text));

    /// <summary>Types a command and returns what it prints, without its echo and the next prompt.</summary>
    public string Command(string line)
    {
        Type(line + "\r");
        string text = Expect(Prompt);
        Assert.That(text, Does.StartWith(line + "\n"));
        return text[(line.Length + 1)..^Prompt.Length];
    }

    /// <summary>Runs until a text comes, and returns all up to its end that was not seen before.</summary>
    public string Expect(string text)
    {
        int at = _sent.ToString(_seen, _sent.Length - _seen).IndexOf(text, StringComparison.Ordinal);
        if (at < 0)
        {
            _awaited = text;
            RunResult result = Machine.Run(InstructionLimit);
            if (_awaited is not null)
            {
                Assert.Fail($"the machine stopped ({result.Reason}) before '{text}' came; this has:\n{_sent.ToString(_seen, _sent.Length - _seen)}");
            }

            at = _sent.Length - _seen - text.Length;
        }

        string all = _sent.ToString(_seen, at + text.Length);
        _seen += all.Length;
        return all;
    }

    /// <summary>Runs until the machine ends by itself.</summary>
    public RunReason RunToEnd() => Machine.Run(InstructionLimit).Reason;

    public void Dispose()
    {
        _translator?.Dispose();
        Machine.CloseDrives();
    }

    /// <summary>A character came; the machine stops at this very instruction when it completes what is awaited.</summary>
    void ISerialBackend.Write(byte value)
    {
        if (value == '\r')
        {
            return;
        }

        _sent.Append((char)value);
        if (_awaited is { } text && _sent.Length - _seen >= text.Length && _sent[^1] == text[^1] && _sent.ToString(_sent.Length - text.Length, text.Length) == text)
        {
            _awaited = null;
            Machine.RequestStop();
        }
    }
}
