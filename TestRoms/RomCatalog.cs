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
        byte[] manifest = new byte[stream.Length];
        stream.ReadExactly(manifest);
        Utf8JsonReader reader = new(manifest);
        List<Rom> roms = [];
        while (reader.Read())
        {
            if (reader.TokenType == JsonTokenType.StartObject)
            {
                roms.Add(ReadRom(ref reader));
            }
        }

        return roms;
    }

    /// <summary>Reads one object. A reader of tokens costs a fraction of a document's time, and this is at the start of `emu rom run`.</summary>
    private static Rom ReadRom(ref Utf8JsonReader reader)
    {
        Rom rom = new("", "", RomLoad.Rom, 0, 0, "", [], 0, [], 0, [], false, "");
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            string name = reader.GetString()!;
            reader.Read();
            rom = name switch
            {
                "name" => rom with { Name = reader.GetString()! },
                "file" => rom with { File = reader.GetString()! },
                "load" => rom with { Load = reader.GetString() == "kernel" ? RomLoad.Kernel : RomLoad.Rom },
                "address" => rom with { Address = uint.Parse(reader.GetString().AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture) },
                "memory" => rom with { MemoryMiB = reader.GetInt32() },
                "cpu" => rom with { Cpu = reader.GetString()! },
                "args" => rom with { Arguments = Texts(ref reader) },
                "expectExit" => rom with { ExpectExit = reader.GetInt32() },
                "expectOutput" => rom with { ExpectOutput = Texts(ref reader) },
                "maxInstructions" => rom with { MaxInstructions = reader.GetInt64() },
                "reference" => rom with { References = Texts(ref reader) },
                "resets" => rom with { Resets = reader.GetBoolean() },
                "description" => rom with { Description = reader.GetString()! },
                _ => Skip(rom, ref reader),
            };
        }

        return rom;
    }

    private static Rom Skip(Rom rom, ref Utf8JsonReader reader)
    {
        reader.Skip();
        return rom;
    }

    private static List<string> Texts(ref Utf8JsonReader reader)
    {
        List<string> texts = [];
        while (reader.Read() && reader.TokenType == JsonTokenType.String)
        {
            texts.Add(reader.GetString()!);
        }

        return texts;
    }
}
