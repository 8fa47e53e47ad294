using System.Globalization;
using System.Text.Json;
using Emulator.Core.Cpu;

namespace Emulator.Frontend.Reporting;

/// <summary>What <c>--stats</c> shows.</summary>
/// <param name="Instructions">Instructions retired in this run.</param>
/// <param name="Translated">Of these, instructions that retired in translated regions.</param>
/// <param name="HostSeconds">Host seconds that it took.</param>
/// <param name="VirtualSeconds">Virtual seconds that passed in it.</param>
/// <param name="TlbMisses">TLB fills.</param>
/// <param name="BlocksDecoded">Blocks decoded.</param>
/// <param name="BlocksInvalidated">Blocks dropped because their bytes changed.</param>
/// <param name="Faults">Exceptions delivered.</param>
/// <param name="Interrupts">Hardware interrupts delivered.</param>
public sealed record RunStatistics(
    long Instructions,
    long Translated,
    double HostSeconds,
    double VirtualSeconds,
    long TlbMisses,
    long BlocksDecoded,
    long BlocksInvalidated,
    long Faults,
    long Interrupts)
{
    /// <summary>What the translator did; null for the interpreter alone.</summary>
    public TranslatorStatistics? Translator { get; init; }

    /// <summary>Host time from the start of the run to the end of the built-in firmware's power-on self test; null when there was none.</summary>
    public TimeSpan? PowerOnSelfTest { get; init; }

    /// <summary>Million instructions per host second.</summary>
    public double Mips => HostSeconds > 0 ? Instructions / HostSeconds / 1e6 : 0;

    /// <summary>Part of the instructions that translated regions retired, 0 to 1.</summary>
    public double TranslatedShare => Instructions > 0 ? (double)Translated / Instructions : 0;

    /// <summary>Collects the figures of a run.</summary>
    /// <param name="cpu">The CPU after the run.</param>
    /// <param name="retiredBefore">Instructions retired before it.</param>
    /// <param name="virtualBefore">Virtual nanoseconds before it.</param>
    /// <param name="host">Host time of it.</param>
    public static RunStatistics Collect(CpuCore cpu, long retiredBefore, long virtualBefore, TimeSpan host)
    {
        ArgumentNullException.ThrowIfNull(cpu);
        return new RunStatistics(
            cpu.Retired - retiredBefore,
            cpu.TranslatedInstructions,
            host.TotalSeconds,
            (cpu.Clock.Now - virtualBefore) / 1e9,
            cpu.TlbMisses,
            cpu.Blocks.BlocksDecoded,
            cpu.Blocks.BlocksInvalidated,
            cpu.FaultsDelivered,
            cpu.InterruptsDelivered);
    }

    /// <summary>The figures as lines of text.</summary>
    public string Text() => RunText() + (Translator is null ? "" : Environment.NewLine + Translator.Text());

    private string RunText() => string.Create(
        CultureInfo.InvariantCulture,
        $"""
        instructions        {Instructions,15:N0}   (interpreter {100 * (1 - TranslatedShare):F1} %, regions {100 * TranslatedShare:F1} %)
        host seconds        {HostSeconds,15:F3}
        MIPS                {Mips,15:F1}
        virtual seconds     {VirtualSeconds,15:F3}
        TLB misses          {TlbMisses,15:N0}
        blocks decoded      {BlocksDecoded,15:N0}
        blocks invalidated  {BlocksInvalidated,15:N0}
        exceptions          {Faults,15:N0}
        interrupts          {Interrupts,15:N0}
        """) + (PowerOnSelfTest is { } post ? string.Create(CultureInfo.InvariantCulture, $"{Environment.NewLine}POST, host ms       {post.TotalMilliseconds,15:F2}") : "");

    /// <summary>Writes the figures as one JSON object.</summary>
    /// <param name="output">Receives UTF-8.</param>
    public void WriteJson(Stream output)
    {
        using Utf8JsonWriter json = new(output, new JsonWriterOptions { Indented = true });
        json.WriteStartObject();
        json.WriteNumber("instructions", Instructions);
        json.WriteNumber("hostSeconds", HostSeconds);
        json.WriteNumber("mips", Math.Round(Mips, 3));
        json.WriteNumber("virtualSeconds", VirtualSeconds);
        json.WriteStartObject("engines");
        json.WriteNumber("interpreter", Math.Round(1 - TranslatedShare, 6));
        json.WriteNumber("jit", Math.Round(TranslatedShare, 6));
        json.WriteEndObject();
        Translator?.WriteJson(json);
        json.WriteNumber("tlbMisses", TlbMisses);
        json.WriteNumber("blocksDecoded", BlocksDecoded);
        json.WriteNumber("blocksInvalidated", BlocksInvalidated);
        json.WriteNumber("exceptions", Faults);
        json.WriteNumber("interrupts", Interrupts);
        if (PowerOnSelfTest is { } post)
        {
            json.WriteNumber("postMilliseconds", Math.Round(post.TotalMilliseconds, 3));
        }

        json.WriteEndObject();
        json.Flush();
        output.WriteByte((byte)'\n');
    }
}
