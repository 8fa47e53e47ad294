using System.Text;

namespace Emulator.Devices.Loaders;

/// <summary>A file that a multiboot kernel finds in memory.</summary>
/// <param name="File">The file.</param>
/// <param name="CommandLine">Its command line: the file's name and its arguments.</param>
public sealed record MultibootModule(GuestFile File, string CommandLine)
{
    /// <summary>Splits what <c>-initrd</c> says and reads the files.</summary>
    /// <param name="list"><c>FILE [ARGUMENTS][,FILE [ARGUMENTS]]…</c>; <c>,,</c> stands for a comma; null for none.</param>
    /// <param name="readFile">Reads a file by its name.</param>
    /// <exception cref="LoaderException">A file cannot be read.</exception>
    public static IReadOnlyList<MultibootModule> Parse(string? list, Func<string, GuestFile> readFile)
    {
        ArgumentNullException.ThrowIfNull(readFile);
        List<MultibootModule> modules = [];
        foreach (string item in Split(list))
        {
            int space = item.IndexOf(' ', StringComparison.Ordinal);
            modules.Add(new MultibootModule(readFile(space < 0 ? item : item[..space]), item));
        }

        return modules;
    }

    private static List<string> Split(string? list)
    {
        List<string> items = [];
        if (list is null)
        {
            return items;
        }

        StringBuilder item = new();
        for (int i = 0; i < list.Length; i++)
        {
            if (list[i] != ',')
            {
                item.Append(list[i]);
            }
            else if (i + 1 < list.Length && list[i + 1] == ',')
            {
                item.Append(',');
                i++;
            }
            else
            {
                items.Add(item.ToString());
                item.Clear();
            }
        }

        items.Add(item.ToString());
        return items;
    }
}
