using System.Globalization;
using System.Text.Json;
using Emulator.Jit;

namespace Emulator.Frontend.Reporting;

/// <summary>What <c>--stats</c> shows of the translator.</summary>
/// <param name="RegionsCompiled">Regions published.</param>
/// <param name="RegionsKept">Of these, from earlier runs (<c>--jit-cache</c>).</param>
/// <param name="RegionsDropped">Regions dropped because their code changed.</param>
/// <param name="InstructionsCompiled">Guest instructions in all published regions.</param>
/// <param name="CompileSeconds">Host seconds spent emitting and compiling, on the compiling thread.</param>
public sealed record TranslatorStatistics(long RegionsCompiled, long RegionsKept, long RegionsDropped, long InstructionsCompiled, double CompileSeconds)
{
    /// <summary>Collects the figures of a translator; null for none.</summary>
    /// <param name="translator">The translator.</param>
    public static TranslatorStatistics? Collect(JitTranslator? translator) => translator is null
        ? null
        : new TranslatorStatistics(translator.RegionsCompiled, translator.RegionsKept, translator.RegionsDropped, translator.InstructionsCompiled, translator.CompileTime.TotalSeconds);

    /// <summary>The figures as lines of text.</summary>
    public string Text() => string.Create(
        CultureInfo.InvariantCulture,
        $"""
        regions compiled    {RegionsCompiled,15:N0}   ({InstructionsCompiled:N0} guest instructions)
        from earlier runs   {RegionsKept,15:N0}
        regions dropped     {RegionsDropped,15:N0}
        compile seconds     {CompileSeconds,15:F3}
        """);

    /// <summary>Writes the figures as members of the current JSON object.</summary>
    /// <param name="json">The writer.</param>
    public void WriteJson(Utf8JsonWriter json)
    {
        ArgumentNullException.ThrowIfNull(json);
        json.WriteNumber("regionsCompiled", RegionsCompiled);
        json.WriteNumber("regionsKept", RegionsKept);
        json.WriteNumber("regionsDropped", RegionsDropped);
        json.WriteNumber("instructionsCompiled", InstructionsCompiled);
        json.WriteNumber("compileSeconds", CompileSeconds);
    }
}
