using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Emulator.Devices.Storage;
using Emulator.Devices.Storage.Images;
using Emulator.Frontend.CommandLine;

namespace Emulator.Frontend.Disks;

/// <summary><c>emu disk</c>: creates, describes, converts, checks and clones disk images.</summary>
internal static class DiskCommand
{
    private static readonly JsonWriterOptions Indented = new() { Indented = true };

    /// <summary>Builds the command.</summary>
    public static Command Build()
    {
        Command command = new("disk", "Disk images.");
        command.SetAction(_ =>
        {
            Console.Out.Write(HelpText.Disk);
            return ExitStatus.Success;
        });
        Add(command, "create", ["FILE", "SIZE"], (o, a) => Create(a[0], a[1], o));
        Add(command, "info", ["FILE"], (o, a) => Info(a[0], o));
        Add(command, "convert", ["FILE", "NEW"], (o, a) => Convert(a[0], a[1], o));
        Add(command, "check", ["FILE"], (o, a) => Check(a[0], o));
        Add(command, "clone", ["FILE", "NEW"], (o, a) => Clone(a[0], a[1], o));
        return command;
    }

    private static void Add(Command parent, string name, string[] arguments, Func<DiskOptions, string[], int> run)
    {
        Command command = new(name);
        Option<string?> format = new("-f", "--format");
        Option<string?> target = new("-O", "--output-format");
        Option<bool> flat = new("--flat");
        Option<bool> force = new("--force");
        Option<bool> json = new("--json");
        command.Options.Add(format);
        if (name is "convert")
        {
            command.Options.Add(target);
        }

        if (name is "create" or "convert")
        {
            command.Options.Add(flat);
        }

        if (name is "create" or "convert" or "clone")
        {
            command.Options.Add(force);
        }

        if (name is "info")
        {
            command.Options.Add(json);
        }

        Argument<string>[] places = [.. arguments.Select(a => new Argument<string>(a))];
        foreach (Argument<string> place in places)
        {
            command.Arguments.Add(place);
        }

        command.SetAction(result =>
        {
            DiskOptions options = new()
            {
                Format = Format(result.GetValue(format)),
                TargetFormat = command.Options.Contains(target) ? Format(result.GetValue(target)) : null,
                IsFlat = command.Options.Contains(flat) && result.GetValue(flat),
                Force = command.Options.Contains(force) && result.GetValue(force),
                Json = command.Options.Contains(json) && result.GetValue(json),
            };
            try
            {
                return run(options, [.. places.Select(p => result.GetValue(p)!)]);
            }
            catch (StorageException e)
            {
                throw new UsageException(e.Message, e);
            }
        });
        parent.Subcommands.Add(command);
    }

    private static string? Format(string? text) => text is null
        ? null
        : ImageFiles.Normalize(text) ?? throw new UsageException($"emu disk: the format '{text}' is unknown; known are {string.Join(", ", ImageFiles.Formats)}");

    private static ImageCreation Creation(DiskOptions options) => new() { Id = Guid.NewGuid(), Time = DateTime.UtcNow, IsFlat = options.IsFlat, Overwrite = options.Force };

    private static int Create(string path, string size, DiskOptions options)
    {
        if (!NumberSyntax.TrySize(size, 1 << 20, out long bytes) || bytes == 0)
        {
            throw new UsageException($"emu disk create: {size} is no size (MiB, or a number with B, K, M or G)");
        }

        ImageFiles.Create(path, options.Format ?? "raw", (bytes + BlockImage.SectorSize - 1) / BlockImage.SectorSize, Creation(options));
        return ExitStatus.Success;
    }

    private static int Info(string path, DiskOptions options)
    {
        using BlockImage image = ImageFiles.Open(path, options.Format, readOnly: true);
        List<(string Name, object Value)> facts =
        [
            ("file", path),
            ("format", image.Format),
            ("virtual-size", image.SectorCount * BlockImage.SectorSize),
            ("file-size", new FileInfo(path).Length),
        ];
        if (image is ClusterImage clusters)
        {
            facts.Add(("cluster-size", (long)clusters.ClusterSize));
        }

        if (image is QcowImage { BackingFile: { } backing } qcow)
        {
            facts.Add(("backing-file", backing));
            facts.Add(("backing-format", qcow.BackingFormat ?? "by contents"));
        }

        if (options.Json)
        {
            using MemoryStream output = new();
            using (Utf8JsonWriter json = new(output, Indented))
            {
                json.WriteStartObject();
                foreach ((string name, object value) in facts)
                {
                    if (value is long number)
                    {
                        json.WriteNumber(name, number);
                    }
                    else
                    {
                        json.WriteString(name, (string)value);
                    }
                }

                json.WriteEndObject();
            }

            Console.Out.WriteLine(Encoding.UTF8.GetString(output.GetBuffer(), 0, (int)output.Length));
            return ExitStatus.Success;
        }

        foreach ((string name, object value) in facts)
        {
            Console.Out.WriteLine(value is long bytes ? $"{name + ":",-16}{Size(bytes)} ({bytes} bytes)" : $"{name + ":",-16}{value}");
        }

        return ExitStatus.Success;
    }

    private static int Convert(string from, string to, DiskOptions options)
    {
        using BlockImage source = ImageFiles.Open(from, options.Format, readOnly: true);
        string format = options.TargetFormat ?? "qcow2";
        ImageCreation creation = Creation(options);
        ImageFiles.Create(to, format, source.SectorCount, creation);
        bool complete = false;
        try
        {
            using BlockImage target = ImageFiles.Open(to, format);
            DiskProgress.Run($"{from} to {to}", report => Copy(source, target, report));
            target.Flush();
            complete = true;
        }
        finally
        {
            if (!complete)
            {
                ImageFiles.Delete(to, format, creation);
            }
        }

        return ExitStatus.Success;
    }

    /// <summary>Copies what is not zero into an empty image.</summary>
    private static void Copy(BlockImage source, BlockImage target, Action<double> report)
    {
        const int ChunkSectors = 4096;
        const int PieceBytes = 64 << 10;
        byte[] buffer = new byte[ChunkSectors * BlockImage.SectorSize];
        for (long sector = 0; sector < source.SectorCount; sector += ChunkSectors)
        {
            Span<byte> chunk = buffer.AsSpan(0, (int)Math.Min(ChunkSectors, source.SectorCount - sector) * BlockImage.SectorSize);
            source.Read(sector, chunk);
            for (int at = 0; at < chunk.Length; at += PieceBytes)
            {
                ReadOnlySpan<byte> piece = chunk.Slice(at, Math.Min(PieceBytes, chunk.Length - at));
                if (piece.ContainsAnyExcept((byte)0))
                {
                    target.Write(sector + (at / BlockImage.SectorSize), piece);
                }
            }

            report((double)(sector + (chunk.Length / BlockImage.SectorSize)) / source.SectorCount);
        }
    }

    private static int Check(string path, DiskOptions options)
    {
        using BlockImage image = ImageFiles.Open(path, options.Format, readOnly: true);
        if (image is not QcowImage qcow)
        {
            // The other formats have no counts that could disagree: every sector must be readable.
            byte[] buffer = new byte[1 << 20];
            DiskProgress.Run(path, report =>
            {
                for (long sector = 0; sector < image.SectorCount; sector += buffer.Length / BlockImage.SectorSize)
                {
                    int bytes = (int)Math.Min(buffer.Length, (image.SectorCount - sector) * BlockImage.SectorSize);
                    image.Read(sector, buffer.AsSpan(0, bytes));
                    report((double)sector / image.SectorCount);
                }
            });
            Console.Out.WriteLine($"{path}: every sector can be read");
            return ExitStatus.Success;
        }

        ImageCheckResult result = new(0, 0, 0, []);
        DiskProgress.Run(path, report => result = qcow.Check(report));
        foreach (string message in result.Messages)
        {
            Console.Out.WriteLine(message);
        }

        Console.Out.WriteLine($"{path}: {result.Errors} errors, {result.Leaks} leaked clusters, {result.Allocated} clusters with data");
        return result.Errors == 0 ? ExitStatus.Success : ExitStatus.Expectation;
    }

    private static int Clone(string from, string to, DiskOptions options)
    {
        // Held open, the source and all that it stands on are locked: none of them can be the file that is created.
        using BlockImage source = ImageFiles.Open(from, options.Format, readOnly: true);
        string directory = Path.GetDirectoryName(Path.GetFullPath(to)) ?? "";
        string name = Path.GetRelativePath(directory, Path.GetFullPath(from));
        ImageFiles.Create(to, "qcow2", source.SectorCount, Creation(options) with { BackingFile = name, BackingFormat = source.Format });
        return ExitStatus.Success;
    }

    private static string Size(long bytes)
    {
        string[] units = ["bytes", "KiB", "MiB", "GiB", "TiB"];
        double value = bytes;
        int unit = 0;
        while (value >= 1024 && unit < units.Length - 1)
        {
            value /= 1024;
            unit++;
        }

        return string.Create(CultureInfo.InvariantCulture, $"{value:0.##} {units[unit]}");
    }
}
