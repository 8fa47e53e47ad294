using System.Globalization;
using System.Text;
using System.Text.Json;
using Emulator.Core.Cpu;

namespace Emulator.Frontend.Reporting;

/// <summary>
/// The CPU state as JSON and as text. In the JSON every register is a string of hexadecimal digits in its full width, EFLAGS has all lazy
/// flags resolved, and counts are numbers.
/// </summary>
public static unsafe class StateDump
{
    private static readonly string[] GeneralNames = ["eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi"];
    private static readonly string[] SegmentNames = ["es", "cs", "ss", "ds", "fs", "gs", "ldtr", "tr"];
    private static readonly int[] DebugNumbers = [0, 1, 2, 3, 6, 7];

    /// <summary>Writes the state as one JSON object.</summary>
    /// <param name="cpu">The CPU, between two instructions.</param>
    /// <param name="output">Receives UTF-8.</param>
    public static void WriteJson(CpuCore cpu, Stream output)
    {
        ArgumentNullException.ThrowIfNull(cpu);
        CpuState* s = cpu.State;
        using Utf8JsonWriter json = new(output, new JsonWriterOptions { Indented = true });
        json.WriteStartObject();
        json.WriteNumber("retired", cpu.Retired);
        json.WriteNumber("virtualNanoseconds", cpu.Clock.Now);
        json.WriteString("model", cpu.Model.Name);
        json.WriteBoolean("halted", s->IsHalted != 0);
        json.WriteBoolean("shutdown", s->IsShutdown != 0);
        json.WriteNumber("cpl", s->Cpl);
        for (int i = 0; i < GeneralNames.Length; i++)
        {
            json.WriteString(GeneralNames[i], Hex(CpuState.R32(s, i), 8));
        }

        json.WriteString("eip", Hex(s->Eip, 8));
        json.WriteString("eflags", Hex(LazyFlags.Read(s), 8));
        json.WriteStartObject("segments");
        for (int i = 0; i < SegmentNames.Length; i++)
        {
            SegmentRegister* r = CpuState.Segment(s, i);
            json.WriteStartObject(SegmentNames[i]);
            json.WriteString("selector", Hex(r->Selector, 4));
            json.WriteString("base", Hex(r->Base, 8));
            json.WriteString("limit", Hex(r->Limit, 8));
            json.WriteString("attributes", Hex(r->Attributes, 4));
            json.WriteEndObject();
        }

        json.WriteEndObject();
        WriteTable(json, "gdtr", s->GdtBase, s->GdtLimit);
        WriteTable(json, "idtr", s->IdtBase, s->IdtLimit);
        json.WriteString("cr0", Hex(s->Cr0, 8));
        json.WriteString("cr2", Hex(s->Cr2, 8));
        json.WriteString("cr3", Hex(s->Cr3, 8));
        json.WriteString("cr4", Hex(s->Cr4, 8));
        json.WriteString("efer", Hex(s->Efer, 16));
        foreach (int i in DebugNumbers)
        {
            json.WriteString(string.Create(CultureInfo.InvariantCulture, $"dr{i}"), Hex(s->Dr[i], 8));
        }

        WriteFpu(json, s);
        WriteSse(json, s);
        json.WriteEndObject();
        json.Flush();
        output.WriteByte((byte)'\n');
    }

    /// <summary>The state in a few lines for a terminal or a log.</summary>
    /// <param name="cpu">The CPU, between two instructions.</param>
    public static string Text(CpuCore cpu)
    {
        ArgumentNullException.ThrowIfNull(cpu);
        CpuState* s = cpu.State;
        StringBuilder text = new();
        for (int i = 0; i < GeneralNames.Length; i++)
        {
            text.Append(CultureInfo.InvariantCulture, $"{GeneralNames[i].ToUpperInvariant()}={CpuState.R32(s, i):X8}").Append(i % 4 == 3 ? '\n' : ' ');
        }

        string state = s->IsShutdown != 0 ? " shutdown" : s->IsHalted != 0 ? " halted" : "";
        uint eflags = LazyFlags.Read(s);
        text.Append(CultureInfo.InvariantCulture, $"EIP={s->Eip:X8} EFLAGS={eflags:X8} [{FlagNames(eflags)}] CPL={s->Cpl}{state}\n");
        for (int i = 0; i < SegmentNames.Length; i++)
        {
            SegmentRegister* r = CpuState.Segment(s, i);
            text.Append(CultureInfo.InvariantCulture, $"{SegmentNames[i].ToUpperInvariant(),-4}={r->Selector:X4} base {r->Base:X8} limit {r->Limit:X8} attributes {r->Attributes:X4}\n");
        }

        text.Append(CultureInfo.InvariantCulture, $"GDT={s->GdtBase:X8} {s->GdtLimit:X4} IDT={s->IdtBase:X8} {s->IdtLimit:X4}\n");
        text.Append(CultureInfo.InvariantCulture, $"CR0={s->Cr0:X8} CR2={s->Cr2:X8} CR3={s->Cr3:X8} CR4={s->Cr4:X8} EFER={s->Efer:X}\n");
        text.Append(CultureInfo.InvariantCulture, $"retired {cpu.Retired} instructions, virtual time {cpu.Clock.Now / 1_000_000}.{cpu.Clock.Now / 1_000 % 1_000:D3} ms");
        return text.ToString();
    }

    private static string FlagNames(uint eflags)
    {
        (uint Bit, string Name)[] names =
        [
            (Eflags.OF, "OF"), (Eflags.DF, "DF"), (Eflags.IF, "IF"), (Eflags.TF, "TF"), (Eflags.SF, "SF"), (Eflags.ZF, "ZF"), (Eflags.AF, "AF"), (Eflags.PF, "PF"),
            (Eflags.CF, "CF"), (Eflags.VM, "VM"),
        ];
        return string.Join(' ', names.Where(n => (eflags & n.Bit) != 0).Select(n => n.Name));
    }

    private static void WriteTable(Utf8JsonWriter json, string name, uint start, ushort limit)
    {
        json.WriteStartObject(name);
        json.WriteString("base", Hex(start, 8));
        json.WriteString("limit", Hex(limit, 4));
        json.WriteEndObject();
    }

    /// <summary>Tags are abridged as in FXSAVE (bit p: physical register p is not empty); st0 to st7 count from the top of the stack.</summary>
    private static void WriteFpu(Utf8JsonWriter json, CpuState* s)
    {
        int top = (s->Fsw >> 11) & 7;
        json.WriteStartObject("x87");
        json.WriteString("control", Hex(s->Fcw, 4));
        json.WriteString("status", Hex(s->Fsw, 4));
        json.WriteString("tags", Hex(s->Ftw, 2));
        json.WriteString("opcode", Hex(s->Fop, 4));
        json.WriteString("instruction", Hex(s->Fcs, 4) + ":" + Hex(s->Fip, 8));
        json.WriteString("operand", Hex(s->Fds, 4) + ":" + Hex(s->Fdp, 8));
        json.WriteStartArray("st");
        for (int i = 0; i < 8; i++)
        {
            FpuRegister* r = CpuState.FpuPhysical(s, top + i);
            json.WriteStringValue(Hex(r->SignExponent, 4) + Hex(r->Significand, 16));
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteSse(Utf8JsonWriter json, CpuState* s)
    {
        json.WriteString("mxcsr", Hex(s->Mxcsr, 8));
        json.WriteStartArray("xmm");
        for (int i = 0; i < 8; i++)
        {
            ulong* r = (ulong*)CpuState.XmmBytes(s, i);
            json.WriteStringValue(Hex(r[1], 16) + Hex(r[0], 16));
        }

        json.WriteEndArray();
    }

    private static string Hex(ulong value, int digits) => value.ToString("x" + digits.ToString(CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);
}
