using System.Globalization;
using Emulator.Core.Cpu;
using Emulator.Devices;
using Emulator.Frontend.CommandLine;
using Emulator.Jit;

namespace Emulator.Frontend.Tracing;

/// <summary>What <c>--trace</c> switches on: lines for instructions, POST codes, port accesses, interrupts and exceptions.</summary>
internal sealed unsafe class MachineTracer : IDisposable
{
    private readonly PcMachine _machine;
    private readonly TextWriter _output;
    private readonly InstructionTracer? _instructions;

    /// <summary>Connects the traces.</summary>
    /// <param name="machine">The machine.</param>
    /// <param name="kinds">What is traced.</param>
    /// <param name="output">Receives the lines; closed with the tracer.</param>
    /// <param name="translator">The translator, if there is one.</param>
    public MachineTracer(PcMachine machine, TraceKinds kinds, TextWriter output, JitTranslator? translator = null)
    {
        _machine = machine;
        _output = output;
        if (kinds.HasFlag(TraceKinds.Exec))
        {
            _instructions = new InstructionTracer(machine.Cpu, output);
        }

        if (kinds.HasFlag(TraceKinds.Post))
        {
            machine.DebugPorts.PostCodeChanged = code => Line("post", $"{code:x2}");
        }

        if (kinds.HasFlag(TraceKinds.Io))
        {
            machine.Ports.Trace = (port, size, value, write) => Line("io", $"{port:x4} {(write ? "<-" : "->")} {Hex(value, size)}");
        }

        if (kinds.HasFlag(TraceKinds.Jit) && translator is not null)
        {
            translator.Trace = text => Line("jit", $"{text}");
        }

        if (kinds.HasFlag(TraceKinds.Int))
        {
            machine.Cpu.InterruptTrace = Interrupt;
        }
    }

    /// <summary>Whether the machine must run one instruction at a time.</summary>
    public bool NeedsSingleSteps => _instructions is not null;

    /// <summary>Call before each instruction.</summary>
    public void BeforeStep() => _instructions?.Before();

    /// <summary>Call after each instruction.</summary>
    public void AfterStep() => _instructions?.After();

    public void Dispose()
    {
        _machine.DebugPorts.PostCodeChanged = null;
        _machine.Ports.Trace = null;
        _machine.Cpu.InterruptTrace = null;
        _output.Dispose();
    }

    private static string Hex(uint value, int size) => value.ToString("x" + (size * 2).ToString(CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);

    private void Interrupt(InterruptSource source, byte vector, uint? error)
    {
        CpuState* s = _machine.Cpu.State;
        string detail = error is { } code ? string.Create(CultureInfo.InvariantCulture, $" error {code:x4}") : "";
        if (source == InterruptSource.Exception && vector == ExceptionVector.PageFault)
        {
            detail += string.Create(CultureInfo.InvariantCulture, $" cr2 {s->Cr2:x8}");
        }

        string name = source switch
        {
            InterruptSource.Exception => "exception",
            InterruptSource.Software => "software",
            InterruptSource.Icebp => "int1",
            _ => "external",
        };
        Line("int", $"{name} {vector:x2}{detail} at {CpuState.Segment(s, SegmentIndex.Cs)->Selector:x4}:{s->Eip:x8}");
    }

    private void Line(string kind, FormattableString text) => _output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{_machine.Cpu.Retired,12} {kind,-4} ") + text.ToString(CultureInfo.InvariantCulture));
}
