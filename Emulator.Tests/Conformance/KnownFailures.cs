using System.Globalization;

namespace Emulator.Tests.Conformance;

/// <summary>
/// The lists of known failures in <c>KnownFailures/*.txt</c>: one entry a line, <c>GROUP MODE NUMBER CODE: reason</c>, # starts a comment.
/// An entry that passes is an error, so that the lists stay true.
/// </summary>
internal static class KnownFailures
{
    private const string Prefix = "Emulator.Tests.Conformance.KnownFailures.";

    /// <summary>All entries.</summary>
    public static IReadOnlyList<Entry> All { get; } = [.. Load()];

    /// <summary>Numbers of the vectors of a group that are known to fail in a mode.</summary>
    /// <param name="group">File name without extension.</param>
    /// <param name="mode">Mode.</param>
    public static IEnumerable<Entry> Of(string group, string mode) => All.Where(e => e.Group == group && e.Mode == mode);

    private static IEnumerable<Entry> Load()
    {
        System.Reflection.Assembly assembly = typeof(KnownFailures).Assembly;
        foreach (string name in assembly.GetManifestResourceNames().Where(n => n.StartsWith(Prefix, StringComparison.Ordinal)))
        {
            using StreamReader reader = new(assembly.GetManifestResourceStream(name)!);
            int number = 0;
            while (reader.ReadLine() is { } line)
            {
                number++;
                if (line.Trim().Length != 0 && line[0] != '#')
                {
                    yield return Parse(line, $"{name[Prefix.Length..]}:{number}");
                }
            }
        }
    }

    private static Entry Parse(string line, string where)
    {
        int colon = line.IndexOf(':', StringComparison.Ordinal);
        string[] words = colon < 0 ? [] : line[..colon].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (words.Length != 4 || !int.TryParse(words[2], NumberStyles.None, CultureInfo.InvariantCulture, out int index) || line[(colon + 1)..].Trim().Length == 0)
        {
            throw new InvalidDataException($"{where}: expected 'GROUP MODE NUMBER CODE: reason'");
        }

        return new Entry(words[0], words[1], index, words[3], where);
    }

    /// <summary>One vector that is known to fail.</summary>
    /// <param name="Group">File name without extension.</param>
    /// <param name="Mode">Mode.</param>
    /// <param name="Index">Number of the vector, from 0.</param>
    /// <param name="Code">Its code, for the reader.</param>
    /// <param name="Where">File and line of the entry.</param>
    public sealed record Entry(string Group, string Mode, int Index, string Code, string Where);
}
