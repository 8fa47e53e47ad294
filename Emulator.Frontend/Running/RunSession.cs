using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;
using Emulator.Core.Machine;
using Emulator.Core.Snapshot;
using Emulator.Devices;
using Emulator.Devices.Snapshot;
using Emulator.Frontend.CommandLine;
using Emulator.Frontend.Reporting;
using Emulator.Frontend.Terminal;
using Emulator.Frontend.Tracing;
using Emulator.Jit;
using Emulator.Jit.Verification;
using Microsoft.Extensions.Logging;

namespace Emulator.Frontend.Running;

/// <summary>One <c>emu run</c>: the machine, its streams, signals, and what is written at the end.</summary>
internal sealed class RunSession : IDisposable
{
    private readonly RunOptions _options;
    private const byte TerminalBackspace = 0x7F;

    private readonly StandardInput? _input;
    private readonly StandardOutput? _output;
    private readonly List<Stream> _files = [];
    private readonly List<Action<byte>?> _serial = [];
    private readonly Action<byte>? _debug;
    private readonly StreamWriter? _history;
    private TextDisplay? _display;
    private readonly Action<byte>? _firmwareLog;

    private RunSession(RunOptions options)
    {
        _options = options;
        CheckPlaces();
        IReadOnlyList<StreamTarget> serial = options.Serial ?? [new StreamTarget(options.DisplayText ? StreamKind.None : StreamKind.Stdio)];
        if (options.DisplayText || serial.Any(s => s.Kind == StreamKind.Stdio) || options.DebugConsole is { Kind: StreamKind.Stdio } || options.FirmwareLog is { Kind: StreamKind.Stdio })
        {
            _output = new StandardOutput();
        }

        try
        {
            _serial.AddRange(serial.Select(Open));
            _history = options.History is null ? null : new StreamWriter(OutputFile.Open(options.History));
            _debug = options.DebugConsole is null ? null : Open(options.DebugConsole);
            _firmwareLog = options.FirmwareLog is null ? null : Open(options.FirmwareLog);
            if (options.DisplayText || (serial.Count != 0 && serial[0].Kind == StreamKind.Stdio))
            {
                _input = new StandardInput();
            }
        }
        catch (UsageException)
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Runs a command line to its end.</summary>
    /// <param name="options">The command line.</param>
    /// <returns>The exit status.</returns>
    /// <exception cref="UsageException">A file cannot be read or written, or the machine cannot be built.</exception>
    public static int Run(RunOptions options)
    {
        using RunSession session = new(options);
        return session.Run();
    }

    public void Dispose()
    {
        _input?.Dispose();
        foreach (Stream file in _files)
        {
            try
            {
                file.Dispose();
            }
            catch (IOException e)
            {
                throw new UsageException($"an output file cannot be written: {e.Message.ReplaceLineEndings(" ")}", e);
            }
        }

        _files.Clear();
        _history?.Dispose();
        _output?.Dispose();
    }

    private static void Interrupted(HeadlessRunner runner, PosixSignalContext context)
    {
        context.Cancel = true;
        runner.Stop(HeadlessEnd.Interrupted);
    }

    private int Run()
    {
        bool interactive = _input is { IsTerminal: true } && _options.Script.Count == 0;
        ClockMode clock = _options.Clock ?? (interactive ? ClockMode.Host : ClockMode.InstructionCount);
        using ErrorLogger loggers = new(LogLevel.Warning);
        PcMachine machine = MachineBuilder.Build(_options, clock, loggers);
        using DriveCloser drives = new(machine);
        if (machine.Screen is null && (_options.Screenshot is not null || _options.DumpScreen.Count != 0 || _options.DisplayText))
        {
            throw new UsageException("--screenshot, --dump-screen and -display text need a display adapter (-vga std)");
        }

        using JitTranslator? translator = _options.Engine != EngineKind.Interpreter ? new JitTranslator(machine.Cpu, _options.Jit) : null;
        translator?.Attach();

        using MachineTracer? tracer = _options.Trace == TraceKinds.None ? null : new MachineTracer(machine, _options.Trace, OpenTrace(), translator);
        _display = _options.DisplayText ? new TextDisplay(machine.Screen!, _output!) : null;
        using HeadlessRunner runner = new(machine, RunnerOptions(machine, tracer, translator));
        using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, c => Interrupted(runner, c));
        using PosixSignalRegistration terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, c => Interrupted(runner, c));
        using PosixSignalRegistration hangUp = PosixSignalRegistration.Create(PosixSignal.SIGHUP, c => Interrupted(runner, c));
        if (_input is not null && (_input.IsTerminal || _options.Script.Count == 0))
        {
            _input.Start(
                data =>
                {
                    if (_options.DisplayText)
                    {
                        data.AsSpan().Replace(TerminalBackspace, (byte)'\b');
                    }

                    runner.Input.Post(_options.DisplayText ? InputTarget.Keyboard : InputTarget.Serial, data);
                    runner.Wake();
                },
                command => Command(runner, command));
        }

        long retired = machine.Cpu.Retired;
        long virtualTime = machine.Clock.Now;
        TimeSpan? post = null;
        Stopwatch watch = new();
        machine.PostEnded = () => post ??= watch.Elapsed;
        watch.Start();
        HeadlessResult result = runner.Run();
        watch.Stop();
        _display?.Finish();
        _output?.Flush();
        _input?.Dispose();
        if (translator?.Divergence is { } divergence)
        {
            WriteDivergence(divergence);
        }

        translator?.Keep();
        Report(machine, runner, result, RunStatistics.Collect(machine.Cpu, retired, virtualTime, watch.Elapsed) with { Translator = TranslatorStatistics.Collect(machine.Cpu, translator), PowerOnSelfTest = post });
        foreach (JitDump dump in _options.JitDump)
        {
            OutputFile.Write(dump.Path, stream => stream.Write(System.Text.Encoding.UTF8.GetBytes(translator!.Describe(dump.Address))));
        }

        return result.ExitStatus;
    }

    private HeadlessOptions RunnerOptions(PcMachine machine, MachineTracer? tracer, JitTranslator? translator) => new()
    {
        AtMark = _history is null ? null : () => _history.WriteLine(StateHash.Line(machine.Cpu)),
        EngineFailure = translator is null ? null : () => translator.Divergence?.Summary,
        MaxInstructions = _options.MaxInstructions,
        Timeout = _options.Timeout,
        StopOnHalt = _options.StopOnHalt,
        Script = _options.Script,
        SingleStep = tracer is { NeedsSingleSteps: true },
        BeforeStep = tracer is null ? null : tracer.BeforeStep,
        AfterStep = tracer is null ? null : tracer.AfterStep,
        SerialOutput = (port, value) => _serial[port]?.Invoke(value),
        DebugOutput = _debug,
        FirmwareLog = _firmwareLog,
        Idle = () =>
        {
            _display?.Update();
            _output?.Flush();
        },
        HasLiveInput = _input is { IsTerminal: true },
        WaitingForever = () => Console.Error.WriteLine("emu: the CPU halted with interrupts off; Ctrl-C (on a terminal Ctrl-A x) ends, --stop-on-halt would have"),
    };

    private void WriteDivergence(Divergence divergence)
    {
        Console.Error.WriteLine(divergence.Report);
        if (divergence.Reproducer is { } image)
        {
            OutputFile.Write(_options.VerifyRom, stream => stream.Write(image.Bytes));
            Console.Error.WriteLine(string.Create(
                System.Globalization.CultureInfo.InvariantCulture,
                $"reproducer: emu run --engine verify --jit-threshold 0 --jit-region {divergence.RegionInstructions} --rom {_options.VerifyRom}@0x{image.Address:x} --stop-on-halt --max-instructions 100k -serial null"));
        }
    }

    private static void Command(HeadlessRunner runner, EscapeCommand command)
    {
        if (command == EscapeCommand.Quit)
        {
            runner.Stop(HeadlessEnd.Quit);
        }
        else
        {
            Console.Error.Write(EscapeKeys.Help);
        }
    }

    private void Report(PcMachine machine, HeadlessRunner runner, HeadlessResult result, RunStatistics statistics)
    {
        if (_output is { IsWithinLine: true } && !Console.IsOutputRedirected && !Console.IsErrorRedirected)
        {
            Console.Error.WriteLine();
        }

        Console.Error.WriteLine($"emu: {result.Message}");
        if (result.NeedsReport)
        {
            foreach (OutputTail tail in runner.Tails.Where(t => t.Written != 0))
            {
                Console.Error.WriteLine($"--- last output of {tail.Name}:\n{tail.Text()}");
            }

            if (machine.Screen is { } screen)
            {
                Console.Error.WriteLine($"--- screen:\n{ScreenDump.Text(screen)}");
            }

            Console.Error.WriteLine($"--- CPU:\n{StateDump.Text(machine.Cpu)}");
        }

        if (_options.Stats)
        {
            Console.Error.WriteLine(statistics.Text());
            if (_options.StatsFile is not null)
            {
                OutputFile.Write(_options.StatsFile, statistics.WriteJson);
            }
        }

        WriteScreen(machine);
        if (_options.DumpState is not null)
        {
            OutputFile.Write(_options.DumpState, stream => StateDump.WriteJson(machine.Cpu, stream));
        }

        foreach (MemoryDump dump in _options.DumpMemory)
        {
            OutputFile.Write(dump.Path, stream => WriteMemory(machine, dump, stream));
        }

        if (_options.SaveState is not null)
        {
            try
            {
                MachineSnapshot.Save(machine, _options.SaveState);
            }
            catch (SnapshotException e)
            {
                throw new UsageException(e.Message, e);
            }
        }
    }

    private void WriteScreen(PcMachine machine)
    {
        if (machine.Screen is not { } screen)
        {
            return;
        }

        if (_options.Screenshot is not null)
        {
            OutputFile.Write(_options.Screenshot, screen.WritePng);
        }

        foreach (string target in _options.DumpScreen)
        {
            byte[] text = Encoding.UTF8.GetBytes(ScreenDump.Text(screen) + "\n");
            OutputFile.Write(target == "text" ? "-" : target, stream => stream.Write(text));
        }
    }

    private static void WriteMemory(PcMachine machine, MemoryDump dump, Stream stream)
    {
        byte[] buffer = new byte[4096];
        for (long at = 0; at < dump.Length;)
        {
            int part = (int)Math.Min(buffer.Length, dump.Length - at);
            for (int i = 0; i < part; i++)
            {
                buffer[i] = machine.Memory.Peek((uint)(dump.Address + at + i));
            }

            stream.Write(buffer, 0, part);
            at += part;
        }
    }

    private void CheckPlaces()
    {
        OutputFile.CheckPlace(_options.DumpState);
        OutputFile.CheckPlace(_options.Engine == EngineKind.Verify ? _options.VerifyRom : null);
        OutputFile.CheckPlace(_options.StatsFile);
        OutputFile.CheckPlace(_options.SaveState);
        OutputFile.CheckPlace(_options.Screenshot);
        foreach (string target in _options.DumpScreen)
        {
            OutputFile.CheckPlace(target);
        }

        foreach (JitDump dump in _options.JitDump)
        {
            OutputFile.CheckPlace(dump.Path);
        }

        foreach (MemoryDump dump in _options.DumpMemory)
        {
            OutputFile.CheckPlace(dump.Path);
        }
    }

    private Action<byte>? Open(StreamTarget target)
    {
        switch (target.Kind)
        {
            case StreamKind.Stdio:
                return _output!.Write;
            case StreamKind.File:
                FileStream file = OutputFile.Open(target.Path, append: _options.LoadState is not null);
                _files.Add(file);
                return file.WriteByte;
            default:
                return null;
        }
    }

    private TextWriter OpenTrace()
    {
        if (_options.TraceFile is null)
        {
            return Console.Error;
        }

        return new StreamWriter(OutputFile.Open(_options.TraceFile));
    }
}
