using System.Globalization;
using System.IO.Compression;
using System.Text;
using System.Text.Json;

namespace Emulator.Tests.Conformance;

/// <summary>One case of <c>sys_kvm.jsonl.gz</c> that does not give the recorded result.</summary>
/// <param name="Family">Family.</param>
/// <param name="Index">Number of the case, from 0.</param>
/// <param name="Code">Iced's code name.</param>
/// <param name="Description">The case and its differences.</param>
internal sealed record VectorKvmFailure(string Family, int Index, string Code, string Description);

/// <summary>Reads and runs <c>sys_kvm.jsonl.gz</c>.</summary>
internal static class VectorKvmFile
{
    /// <summary>Name of the file.</summary>
    public const string FileName = "sys_kvm.jsonl.gz";

    /// <summary>Runs all cases.</summary>
    /// <param name="path">Path of the file.</param>
    /// <param name="codeFilter">Only families or codes whose name contains this; null for all.</param>
    /// <param name="families">Receives the number of cases of each family.</param>
    public static List<VectorKvmFailure> Run(string path, string? codeFilter, SortedDictionary<string, int> families)
    {
        using StreamReader reader = new(new GZipStream(File.OpenRead(path), CompressionMode.Decompress));
        using JsonDocument header = JsonDocument.Parse(reader.ReadLine() ?? "{}");
        VectorKvmRunner runner = new(header.RootElement);
        List<VectorKvmFailure> failures = [];
        StringBuilder report = new();
        for (int index = 0; reader.ReadLine() is { } line; index++)
        {
            using JsonDocument document = JsonDocument.Parse(line);
            JsonElement test = document.RootElement;
            string family = test.GetProperty("f").GetString()!;
            string code = test.GetProperty("n").GetString()!;
            if (codeFilter is not null && !code.Contains(codeFilter, StringComparison.OrdinalIgnoreCase) && !family.Contains(codeFilter, StringComparison.OrdinalIgnoreCase))
            {
                continue;
            }

            families[family] = families.GetValueOrDefault(family) + 1;
            report.Clear();
            if (!runner.Run(test, report))
            {
                failures.Add(new VectorKvmFailure(family, index, code, Describe(test, family, index, code) + report));
            }
        }

        return failures;
    }

    private static string Describe(JsonElement test, string family, int index, string code)
    {
        byte[] bytes = Convert.FromHexString(test.GetProperty("c").GetString()!);
        Iced.Intel.Decoder decoder = Iced.Intel.Decoder.Create(test.GetProperty("m").GetString() == "p32" ? 32 : 16, bytes);
        List<string> text = [];
        while (decoder.IP < (ulong)bytes.Length && text.Count < 8)
        {
            text.Add(decoder.Decode().ToString());
        }

        string registers = string.Join(' ', test.GetProperty("i").EnumerateObject().Select(p => string.Create(CultureInfo.InvariantCulture, $"{p.Name} {p.Value.GetUInt32():X}")));
        return string.Create(CultureInfo.InvariantCulture,
            $"sys_kvm {family} #{index} {code}: {string.Join("; ", text)} [{Convert.ToHexString(bytes)}]\n  {registers}\n  mem {test.GetProperty("mem").GetRawText()}\n  differences:\n");
    }
}
