using System.Globalization;

namespace Emulator.Devices.Storage.Images;

/// <summary>A line of a VMDK descriptor that names a file: access, sectors, type, "name", first sector.</summary>
internal sealed record VmdkExtent(string Access, long Sectors, string Type, string File, long Start)
{
    public static bool TryParse(string line, out VmdkExtent? extent)
    {
        extent = null;
        string[] words = line.Split(' ', 4, StringSplitOptions.RemoveEmptyEntries);
        if (words.Length < 3 || words[0] is not ("RW" or "RDONLY" or "NOACCESS") || !long.TryParse(words[1], NumberStyles.None, CultureInfo.InvariantCulture, out long sectors))
        {
            return false;
        }

        string rest = words.Length > 3 ? words[3].Trim() : "";
        int quote = rest.LastIndexOf('"');
        string file = rest.StartsWith('"') && quote > 0 ? rest[1..quote] : "";
        string start = quote >= 0 ? rest[(quote + 1)..].Trim() : "";
        long first = long.TryParse(start, NumberStyles.None, CultureInfo.InvariantCulture, out long number) ? number : 0;
        extent = new VmdkExtent(words[0], sectors, words[2], file, first);
        return true;
    }
}
