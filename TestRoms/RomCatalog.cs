using System.Globalization;
using System.Reflection;
using System.Text.Json;

namespace TestRoms;

/// <summary>
/// The guest programs of this repository, embedded in the assembly: no file system and no assembler is needed to run them.
/// Sources are in <c>TestRoms/src</c>; <c>TestRoms/build.sh</c> rebuilds the images from them.
/// </summary>
public static class RomCatalog
{
    private static readonly Lazy<IReadOnlyList<Rom>> Roms = new(ReadManifest);

    /// <summary>All ROMs, in the order of the manifest: simple ones first.</summary>
    public static IReadOnlyList<Rom> All => Roms.Value;

    /// <summary>Finds a ROM by its name.</summary>
    /// <param name="name">The exact name.</param>
    /// <returns>The ROM, or null when there is none of that name.</returns>
    public static Rom? Find(string name) => All.FirstOrDefault(rom => string.Equals(rom.Name, name, StringComparison.Ordinal));

    /// <summary>Reads an image.</summary>
    /// <param name="name">The name of a ROM in <see cref="All"/>.</param>
    /// <returns>A fresh array with the bytes of the image file.</returns>
    /// <exception cref="ArgumentException">There is no ROM of that name.</exception>
    public static byte[] Open(string name)
    {
        Rom rom = Find(name) ?? throw new ArgumentException($"There is no ROM named '{name}'.", nameof(name));
        using Stream stream = OpenResource(rom.File);
        byte[] image = new byte[stream.Length];
        stream.ReadExactly(image);
        return image;
    }

    private static Stream OpenResource(string resource) =>
        Assembly.GetExecutingAssembly().GetManifestResourceStream(resource)
        ?? throw new InvalidOperationException($"The resource '{resource}' is missing from the assembly.");

    private static List<Rom> ReadManifest()
    {
        using Stream stream = OpenResource("manifest.json");
        using JsonDocument manifest = JsonDocument.Parse(stream);
        var roms = new List<Rom>();
        foreach (JsonElement entry in manifest.RootElement.EnumerateArray())
        {
            roms.Add(new Rom(
                Text(entry, "name"),
                Text(entry, "file"),
                Enum.Parse<RomLoad>(Text(entry, "load"), ignoreCase: true),
                uint.Parse(Text(entry, "address").AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture),
                entry.GetProperty("memory").GetInt32(),
                Text(entry, "cpu"),
                Texts(entry, "args"),
                entry.GetProperty("expectExit").GetInt32(),
                Texts(entry, "expectOutput"),
                entry.GetProperty("maxInstructions").GetInt64(),
                Texts(entry, "reference"),
                entry.TryGetProperty("resets", out JsonElement resets) && resets.GetBoolean(),
                Text(entry, "description")));
        }

        return roms;
    }

    private static string Text(JsonElement entry, string name) => entry.GetProperty(name).GetString()!;

    private static string[] Texts(JsonElement entry, string name) =>
        [.. entry.GetProperty(name).EnumerateArray().Select(element => element.GetString()!)];
}
