using System.Globalization;
using System.Text;
using Emulator.Core.Cpu;
using Emulator.Core.Memory;
using Iced.Intel;
using Decoder = Iced.Intel.Decoder;

namespace Emulator.Frontend.Tracing;

/// <summary>
/// One line for each instruction: how many retired before it, CS:EIP, its bytes, its text, and the registers that it changed. A line
/// that stands for an interrupt or exception shows the instruction at which it came.
/// </summary>
internal sealed unsafe class InstructionTracer
{
    private const int LongestInstruction = 15;
    private static readonly string[] Names = ["EAX", "ECX", "EDX", "EBX", "ESP", "EBP", "ESI", "EDI"];

    private readonly CpuCore _cpu;
    private readonly TextWriter _output;
    private readonly NasmFormatter _formatter = new();
    private readonly StringOutput _text = new();
    private readonly StringBuilder _line = new();
    private readonly uint[] _before = new uint[Names.Length];
    private uint _eflags;
    private long _retired;

    public InstructionTracer(CpuCore cpu, TextWriter output)
    {
        _cpu = cpu;
        _output = output;
        _formatter.Options.UppercaseHex = false;
        _formatter.Options.HexPrefix = "0x";
        _formatter.Options.HexSuffix = null;
        _formatter.Options.SpaceAfterOperandSeparator = true;
    }

    /// <summary>Notes the state and the instruction that is about to run.</summary>
    public void Before()
    {
        CpuState* s = _cpu.State;
        for (int i = 0; i < Names.Length; i++)
        {
            _before[i] = CpuState.R32(s, i);
        }

        _eflags = LazyFlags.Read(s);
        _retired = _cpu.Retired;
        _line.Clear();
        _line.Append(CultureInfo.InvariantCulture, $"{_retired,12} {CpuState.Segment(s, SegmentIndex.Cs)->Selector:x4}:{s->Eip:x8}  ");
        Disassemble(s);
    }

    /// <summary>Writes the line, with what changed; nothing when no instruction ran.</summary>
    public void After()
    {
        if (_cpu.Retired == _retired)
        {
            return;
        }

        CpuState* s = _cpu.State;
        int start = _line.Length;
        for (int i = 0; i < Names.Length; i++)
        {
            if (CpuState.R32(s, i) != _before[i])
            {
                _line.Append(CultureInfo.InvariantCulture, $" {Names[i]}={CpuState.R32(s, i):x8}");
            }
        }

        uint eflags = LazyFlags.Read(s);
        if (eflags != _eflags)
        {
            _line.Append(CultureInfo.InvariantCulture, $" EFLAGS={eflags:x8}");
        }

        if (_line.Length > start)
        {
            _line.Insert(start, " ;");
        }

        _output.WriteLine(_line);
    }

    private void Disassemble(CpuState* s)
    {
        byte[] bytes = new byte[LongestInstruction];
        int count = 0;
        uint linear = CpuState.Segment(s, SegmentIndex.Cs)->Base + s->Eip;
        while (count < bytes.Length && PageWalk.Peek(s, linear + (uint)count, out uint physical))
        {
            bytes[count++] = _cpu.Memory.Peek(physical);
        }

        if (count == 0)
        {
            _line.Append("(not mapped)");
            return;
        }

        Decoder decoder = Decoder.Create(CpuState.Segment(s, SegmentIndex.Cs)->IsBig ? 32 : 16, bytes.AsSpan(0, count).ToArray());
        decoder.IP = s->Eip;
        decoder.Decode(out Instruction instruction);
        int length = instruction.Code == Code.INVALID ? 1 : instruction.Length;
        _line.Append(Convert.ToHexStringLower(bytes, 0, Math.Min(length, count)).PadRight(2 * 8)).Append("  ");
        _formatter.Format(instruction, _text);
        _line.Append(_text.ToStringAndReset().PadRight(32));
    }
}
