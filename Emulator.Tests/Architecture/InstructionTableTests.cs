using Emulator.Core.Interpreter;
using Iced.Intel;
using NUnit.Framework;

namespace Emulator.Tests.Architecture;

/// <summary>
/// The instruction table has a row for every Iced code of a P6 with MMX, SSE and SSE2, and for no other. Deliberate exceptions stand with a
/// reason in InstructionTableExceptions.txt.
/// </summary>
[TestFixture]
internal sealed class InstructionTableTests
{
    private static readonly HashSet<CpuidFeature> Scope =
    [
        CpuidFeature.INTEL8086, CpuidFeature.INTEL186, CpuidFeature.INTEL286, CpuidFeature.INTEL386, CpuidFeature.INTEL486,
        CpuidFeature.FPU, CpuidFeature.FPU287, CpuidFeature.FPU387, CpuidFeature.CPUID, CpuidFeature.CX8, CpuidFeature.MSR, CpuidFeature.TSC,
        CpuidFeature.RDPMC, CpuidFeature.CMOV, CpuidFeature.MMX, CpuidFeature.FXSR, CpuidFeature.SSE, CpuidFeature.SSE2, CpuidFeature.CLFSH,
        CpuidFeature.PAUSE, CpuidFeature.MULTIBYTENOP, CpuidFeature.SEP,
    ];

    private static readonly Dictionary<(string Kind, string Code), string> Exceptions = LoadExceptions();

    [Test]
    public void Every_instruction_in_scope_has_a_row()
    {
        string[] missing = [.. Codes().Where(c => IsInScope(c) && !HasRow(c) && !Exceptions.ContainsKey(("missing", c.ToString()))).Select(c => c.ToString())];
        Assert.That(missing, Is.Empty, "codes without a row");
    }

    [Test]
    public void No_instruction_out_of_scope_has_a_row()
    {
        string[] extra = [.. Codes().Where(c => !IsInScope(c) && HasRow(c) && !Exceptions.ContainsKey(("extra", c.ToString()))).Select(c => c.ToString())];
        Assert.That(extra, Is.Empty, "rows out of scope");
    }

    [Test]
    public void Every_exception_is_needed_and_has_a_reason()
    {
        string[] stale =
        [
            .. Exceptions.Where(e => !Enum.TryParse(e.Key.Code, out Code code) || e.Value.Length == 0
                || (e.Key.Kind == "missing" ? !IsInScope(code) || HasRow(code) : e.Key.Kind != "extra" || IsInScope(code) || !HasRow(code)))
                .Select(e => $"{e.Key.Kind} {e.Key.Code}"),
        ];
        Assert.That(stale, Is.Empty);
    }

    private static IEnumerable<Code> Codes() => Enum.GetValues<Code>().Where(c => c != Code.INVALID);

    private static bool HasRow(Code code) => InstructionTable.Instance[code].IsPresent;

    private static bool IsInScope(Code code)
    {
        OpCodeInfo info = code.ToOpCode();
        return info.IsInstruction && info.Encoding == EncodingKind.Legacy && (info.Mode16 || info.Mode32) && info.DecoderOption == DecoderOptions.None
            && !info.Fwait && code.CpuidFeatures().All(Scope.Contains);
    }

    private static Dictionary<(string Kind, string Code), string> LoadExceptions()
    {
        using StreamReader reader = new(typeof(InstructionTableTests).Assembly.GetManifestResourceStream("Emulator.Tests.Architecture.InstructionTableExceptions.txt")!);
        Dictionary<(string Kind, string Code), string> exceptions = [];
        while (reader.ReadLine() is { } line)
        {
            if (line.Length != 0 && line[0] != '#')
            {
                string[] parts = line.Split(':', 2);
                string[] words = parts[0].Split(' ', StringSplitOptions.RemoveEmptyEntries);
                exceptions.Add((words[0], words[1]), parts.Length == 2 ? parts[1].Trim() : string.Empty);
            }
        }

        return exceptions;
    }
}
