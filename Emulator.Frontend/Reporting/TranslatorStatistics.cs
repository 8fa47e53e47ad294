using System.Globalization;
using System.Text.Json;
using Emulator.Core.Cpu;
using Emulator.Jit;

namespace Emulator.Frontend.Reporting;

/// <summary>What <c>--stats</c> shows of the translator.</summary>
/// <param name="RegionsCompiled">Regions published.</param>
/// <param name="RegionsKept">Of these, from earlier runs (<c>--jit-cache</c>).</param>
/// <param name="RegionsGrown">Of these, compiled once more because much time was spent there.</param>
/// <param name="RegionsDropped">Regions dropped because their code changed.</param>
/// <param name="RegionsEvicted">Regions dropped because of <c>--jit-limit</c>.</param>
/// <param name="InstructionsCompiled">Guest instructions in all published regions.</param>
/// <param name="IlBytes">Bytes of IL of all published regions.</param>
/// <param name="CompileSeconds">Host seconds spent emitting and compiling, of all compiling threads.</param>
/// <param name="Runs">Times that the run loop entered a region.</param>
/// <param name="Interpreted">Of these, those that ended in front of an instruction that was left to the interpreter.</param>
/// <param name="Faulted">Of these, those that ended with a fault.</param>
/// <param name="Comparisons">Runs that were compared with the interpreter (<c>--engine verify</c>).</param>
/// <param name="InstructionsCompared">Guest instructions in these.</param>
/// <param name="TransfersCompared">Ways from region to region in these.</param>
public sealed record TranslatorStatistics(
    long RegionsCompiled,
    long RegionsKept,
    long RegionsGrown,
    long RegionsDropped,
    long RegionsEvicted,
    long InstructionsCompiled,
    long IlBytes,
    double CompileSeconds,
    long Runs,
    long Interpreted,
    long Faulted,
    long Comparisons,
    long InstructionsCompared,
    long TransfersCompared)
{
    /// <summary>Rows of the table of what was left to handlers and to the interpreter.</summary>
    private const int MostRows = 40;

    /// <summary>What regions left to handlers and to the interpreter, by instruction (<c>--jit-count</c>).</summary>
    public IReadOnlyList<RegionCount> Counts { get; init; } = [];

    /// <summary>Collects the figures of a translator; null for none.</summary>
    /// <param name="cpu">Its CPU.</param>
    /// <param name="translator">The translator.</param>
    public static TranslatorStatistics? Collect(CpuCore cpu, JitTranslator? translator)
    {
        ArgumentNullException.ThrowIfNull(cpu);
        return translator is null
            ? null
            : new TranslatorStatistics(
                translator.RegionsCompiled,
                translator.RegionsKept,
                translator.RegionsGrown,
                translator.RegionsDropped,
                translator.RegionsEvicted,
                translator.InstructionsCompiled,
                translator.IlBytes,
                translator.CompileTime.TotalSeconds,
                cpu.RegionRuns,
                cpu.RegionsInterpreted,
                cpu.RegionsFaulted,
                translator.Comparisons,
                translator.InstructionsCompared,
                translator.TransfersCompared)
            { Counts = translator.Counts };
    }

    /// <summary>The figures as lines of text.</summary>
    public string Text() => string.Create(
        CultureInfo.InvariantCulture,
        $"""
        regions compiled    {RegionsCompiled,15:N0}   ({InstructionsCompiled:N0} guest instructions, {IlBytes:N0} bytes of IL)
        from earlier runs   {RegionsKept,15:N0}
        compiled anew       {RegionsGrown,15:N0}
        regions dropped     {RegionsDropped,15:N0}   (and {RegionsEvicted:N0} that were not used)
        compile seconds     {CompileSeconds,15:F3}
        region runs         {Runs,15:N0}   (left to the interpreter {Interpreted:N0}, faults {Faulted:N0})
        """) + (Comparisons == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $"{Environment.NewLine}region runs compared{Comparisons,15:N0}   ({InstructionsCompared:N0} instructions, {TransfersCompared:N0} ways between regions)")) + CountText();

    /// <summary>Writes the figures as members of the current JSON object.</summary>
    /// <param name="json">The writer.</param>
    public void WriteJson(Utf8JsonWriter json)
    {
        ArgumentNullException.ThrowIfNull(json);
        json.WriteNumber("regionsCompiled", RegionsCompiled);
        json.WriteNumber("regionsKept", RegionsKept);
        json.WriteNumber("regionsGrown", RegionsGrown);
        json.WriteNumber("regionsDropped", RegionsDropped);
        json.WriteNumber("regionsEvicted", RegionsEvicted);
        json.WriteNumber("instructionsCompiled", InstructionsCompiled);
        json.WriteNumber("ilBytes", IlBytes);
        json.WriteNumber("compileSeconds", CompileSeconds);
        json.WriteNumber("regionRuns", Runs);
        json.WriteNumber("regionsInterpreted", Interpreted);
        json.WriteNumber("regionsFaulted", Faulted);
        json.WriteNumber("regionsCompared", Comparisons);
        json.WriteNumber("instructionsCompared", InstructionsCompared);
        json.WriteNumber("transfersCompared", TransfersCompared);
        if (Counts.Count == 0)
        {
            return;
        }

        json.WriteStartArray("leftByRegions");
        foreach (RegionCount count in Counts)
        {
            json.WriteStartObject();
            json.WriteString("instruction", count.Instruction);
            json.WriteNumber("calls", count.Calls);
            json.WriteNumber("tlbMisses", count.Misses);
            json.WriteNumber("otherExits", count.Exits);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private string CountText()
    {
        if (Counts.Count == 0)
        {
            return "";
        }

        IEnumerable<string> rows = Counts.Take(MostRows).Select(c => string.Create(CultureInfo.InvariantCulture, $"{c.Instruction,-20}{c.Calls,15:N0}{c.Misses,15:N0}{c.Exits,15:N0}"));
        return Environment.NewLine + string.Join(Environment.NewLine, rows.Prepend("left by regions       handler calls     TLB misses    other exits"));
    }
}
