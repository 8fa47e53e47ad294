using System.Diagnostics;
using System.Globalization;
using Emulator.Devices.Storage.Images;

namespace Emulator.Benchmarks.Disks;

/// <summary>The <c>disks</c> command: a guest writes and reads images of every format by DMA; qemu-img judges them.</summary>
internal static class DisksCommand
{
    public const string Usage = """
        disks [--megabytes N] [--disk-megabytes N] [--seed N] [--kinds a,b] [--options 'EMU OPTIONS']   a guest writes; qemu-img check and compare
        disks read [--disk-megabytes N] [--options 'EMU OPTIONS']         a guest reads what qemu-img has made
        disks kill [--kills N] [--kinds a,b] [--options 'EMU OPTIONS']    kills at random moments during writes and flushes
            --options  more options of emu run, such as '--engine jit --clock host'
            --emu      the program; the default is the one beside this program
        """;

    private const int Megabyte = 1 << 20;
    private const int GuestSuccess = 33;
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(5);

    private static string _options = "";
    private static string _emu = Path.Combine(AppContext.BaseDirectory, OperatingSystem.IsWindows() ? "emu.exe" : "emu");

    public static int Run(string[] arguments)
    {
        string action = "write";
        int megabytes = 100;
        int size = 128;
        uint seed = 1;
        int kills = 200;
        IReadOnlyList<ImageKind> kinds = ImageKind.All;
        for (int i = 1; i < arguments.Length; i++)
        {
            string? value = i + 1 < arguments.Length ? arguments[i + 1] : null;
            switch (arguments[i])
            {
                case "read" or "kill" when i == 1:
                    action = arguments[i];
                    break;
                case "--megabytes" when int.TryParse(value, CultureInfo.InvariantCulture, out megabytes):
                case "--disk-megabytes" when int.TryParse(value, CultureInfo.InvariantCulture, out size):
                case "--seed" when uint.TryParse(value, CultureInfo.InvariantCulture, out seed):
                case "--kills" when int.TryParse(value, CultureInfo.InvariantCulture, out kills):
                    i++;
                    break;
                case "--kinds" when value is not null:
                    kinds = [.. value.Split(',').Select(name => ImageKind.All.Single(k => k.Name == name))];
                    i++;
                    break;
                case "--options" when value is not null:
                    _options = value;
                    i++;
                    break;
                case "--emu" when value is not null:
                    _emu = value;
                    i++;
                    break;
                default:
                    Console.Error.WriteLine(Usage);
                    return 2;
            }
        }

        string directory = Directory.CreateTempSubdirectory("disks-").FullName;
        try
        {
            int failures = action switch
            {
                "read" => ImageKind.All.Count(k => !Read(k, directory, size)) + Compressed(directory, size),
                "kill" => Kill([.. kinds.Where(k => k.Name is not ("raw" or "vmdk-flat" or "vpc-fixed"))], directory, kills, seed),
                _ => kinds.Count(k => !Write(k, directory, size, megabytes, seed)),
            };
            Console.WriteLine(failures == 0 ? "all well" : $"{failures} FAILED");
            return failures == 0 ? 0 : 1;
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    private static bool Write(ImageKind kind, string directory, int size, int megabytes, uint seed)
    {
        string image = Path.Combine(directory, kind.Name + ".img");
        byte[] disk = Create(kind, image, size, seed);
        DiskGuest guest = new(seed, disk.Length / DiskGuest.SectorSize, megabytes * (Megabyte / DiskGuest.SectorSize), 16);
        Stopwatch watch = Stopwatch.StartNew();
        (int status, string output) = RunGuest(guest.Writer(), directory, image, kind.Format);
        double seconds = watch.Elapsed.TotalSeconds;
        int writes = 0;
        foreach ((int number, long sector, byte[] data) in guest.Writes())
        {
            data.CopyTo(disk, sector * DiskGuest.SectorSize);
            writes = number;
        }

        bool good = status == GuestSuccess && output.Contains("\nok\n", StringComparison.Ordinal);
        string verdict = good ? Judge(kind, image, disk, directory) : "the guest failed: " + output[Math.Max(0, output.Length - 200)..];
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{kind.Name,-14} {writes} writes, {megabytes} MB, {seconds:F1} s: {(verdict.Length == 0 ? "check and compare clean" : verdict)}"));
        Delete(directory, kind.Name);
        return verdict.Length == 0;
    }

    private static bool Read(ImageKind kind, string directory, int size)
    {
        string raw = Path.Combine(directory, "source.raw");
        string image = Path.Combine(directory, kind.Name + ".img");
        byte[] disk = Sparse(size, 7);
        File.WriteAllBytes(raw, disk);
        Execute("qemu-img", ["convert", "-f", "raw", "-O", kind.Format, .. kind.Creator == "qemu-img" ? kind.Options : [], raw, image]);
        return ReadBack(kind.Name, kind.Format, directory, image, disk);
    }

    private static int Compressed(string directory, int size)
    {
        string image = Path.Combine(directory, "compressed.img");
        byte[] disk = Sparse(size, 8);
        File.WriteAllBytes(Path.Combine(directory, "source.raw"), disk);
        Execute("qemu-img", ["convert", "-f", "raw", "-O", "qcow2", "-c", Path.Combine(directory, "source.raw"), image]);
        return ReadBack("qcow2-zlib", "qcow2", directory, image, disk) ? 0 : 1;
    }

    private static bool ReadBack(string name, string format, string directory, string image, byte[] disk)
    {
        using (BlockImage opened = ImageFiles.Open(image, format, readOnly: true))
        {
            // A VHD is a little larger: its size is a geometry's.
            Array.Resize(ref disk, (int)(opened.SectorCount * DiskGuest.SectorSize));
        }

        (int status, string output) = RunGuest(DiskGuest.Reader(disk.Length / DiskGuest.SectorSize), directory, image, format);
        string expected = $"S {DiskGuest.Checksum(disk):X8}";
        bool good = status == GuestSuccess && output.Contains(expected, StringComparison.Ordinal);
        Console.WriteLine($"{name,-14} {(good ? "read back the same" : $"status {status}, {output.Trim()}, not {expected}")}");
        Delete(directory, Path.GetFileNameWithoutExtension(image));
        return good;
    }

    private static int Kill(IReadOnlyList<ImageKind> kinds, string directory, int kills, uint seed)
    {
        const int Size = 24;
        Random random = new((int)seed);
        int failures = 0;
        long flushes = 0;
        for (int round = 0; round < kills; round++)
        {
            ImageKind kind = kinds[round % kinds.Count];
            string image = Path.Combine(directory, kind.Name + ".img");
            byte[] disk = Create(kind, image, Size, seed + (uint)round);
            DiskGuest guest = new(seed + (uint)round, disk.Length / DiskGuest.SectorSize, 1 << 20, 4);
            string output = RunAndKill(guest.Writer(), directory, image, kind.Format, random.Next(2000));
            int flushed = output.Split('\n').SkipLast(1).Where(l => l.StartsWith("F ", StringComparison.Ordinal))
                .Select(l => int.Parse(l.AsSpan(2), NumberStyles.HexNumber, CultureInfo.InvariantCulture)).DefaultIfEmpty(0).Max();
            flushes += flushed / 4;
            string verdict = JudgeKilled(kind, image, directory, guest, disk, flushed);
            if (verdict.Length != 0)
            {
                failures++;
                Console.WriteLine($"round {round} {kind.Name}: {verdict} (after {flushed} writes)");
            }

            Delete(directory, kind.Name);
        }

        Console.WriteLine($"{kills} kills, {flushes} flushes, {failures} damaged or lost");
        return failures;
    }

    /// <summary>Empty when nothing that was flushed is lost, and every sector holds a value that was written to it or the one before.</summary>
    private static string JudgeKilled(ImageKind kind, string image, string directory, DiskGuest guest, byte[] disk, int flushed)
    {
        // Status 3 of qemu-img check: clusters that nobody uses, which is no damage.
        (int status, string output) = Execute("qemu-img", ["check", "-f", kind.Format, image], mayFail: true);
        if (status is not (0 or 3 or 63))
        {
            return "check: " + output;
        }

        string raw = Path.Combine(directory, "killed.raw");
        Execute("qemu-img", ["convert", "-f", kind.Format, "-O", "raw", image, raw]);
        byte[] found = File.ReadAllBytes(raw);
        bool[] right = new bool[disk.Length / DiskGuest.SectorSize];
        List<(long, byte[])> later = [];
        foreach ((int number, long sector, byte[] data) in guest.Writes())
        {
            if (number <= flushed)
            {
                data.CopyTo(disk, sector * DiskGuest.SectorSize);
            }
            else if (number > flushed + 8)
            {
                break; // a flush follows every fourth write
            }
            else
            {
                later.Add((sector, data));
            }
        }

        for (int i = 0; i < right.Length; i++)
        {
            right[i] = Sector(found, i).SequenceEqual(Sector(disk, i));
        }

        foreach ((long sector, byte[] data) in later)
        {
            for (int i = 0; i < data.Length / DiskGuest.SectorSize; i++)
            {
                right[sector + i] |= Sector(found, sector + i).SequenceEqual(Sector(data, i));
            }
        }

        int wrong = right.Count(r => !r);
        return wrong == 0 ? "" : $"{wrong} sectors are wrong, the first is {Array.IndexOf(right, false)}";
    }

    private static ReadOnlySpan<byte> Sector(byte[] disk, long sector) => disk.AsSpan((int)(sector * DiskGuest.SectorSize), DiskGuest.SectorSize);

    /// <summary>Creates an image; what it holds then.</summary>
    private static byte[] Create(ImageKind kind, string image, int size, uint seed)
    {
        string bytes = string.Create(CultureInfo.InvariantCulture, $"{size}M");
        byte[] contents = [];
        if (kind.HasBacking)
        {
            string below = Path.ChangeExtension(image, ".base");
            contents = Sparse(size, (int)seed);
            File.WriteAllBytes(below, contents);
            if (kind.Creator == "emu")
            {
                Execute(_emu, ["disk", "clone", "-f", "raw", below, image]);
            }
            else
            {
                Execute("qemu-img", ["create", "-q", "-f", "qcow2", "-b", below, "-F", "raw", image]);
            }
        }
        else if (kind.Creator == "emu")
        {
            Execute(_emu, ["disk", "create", "-f", kind.Format, image, bytes]);
        }
        else
        {
            Execute("qemu-img", ["create", "-q", "-f", kind.Format, .. kind.Options, image, bytes]);
        }

        using BlockImage opened = ImageFiles.Open(image, kind.Format, readOnly: true);
        Array.Resize(ref contents, (int)(opened.SectorCount * DiskGuest.SectorSize));
        return contents;
    }

    /// <summary>Empty when qemu-img finds nothing wrong.</summary>
    private static string Judge(ImageKind kind, string image, byte[] disk, string directory)
    {
        string raw = Path.Combine(directory, "expected.raw");
        File.WriteAllBytes(raw, disk);
        (int status, string output) = Execute("qemu-img", ["check", "-f", kind.Format, image], mayFail: true);
        if (status is not (0 or 63))
        {
            return "check: " + output; // 63: the format has no check
        }

        (status, output) = Execute("qemu-img", ["compare", "-f", kind.Format, "-F", "raw", image, raw], mayFail: true);
        return status == 0 ? "" : "compare: " + output;
    }

    /// <summary>A disk half of which is zero, in runs of all lengths.</summary>
    private static byte[] Sparse(int size, int seed)
    {
        byte[] disk = new byte[size * Megabyte];
        Random random = new(seed);
        for (int at = 0; at < disk.Length;)
        {
            int length = Math.Min(disk.Length - at, DiskGuest.SectorSize << random.Next(12));
            if (random.Next(2) == 0)
            {
                random.NextBytes(disk.AsSpan(at, length));
            }

            at += length;
        }

        return disk;
    }

    private static void Delete(string directory, string name)
    {
        foreach (string file in Directory.GetFiles(directory, name + "*"))
        {
            File.Delete(file);
        }
    }

    private static Process StartGuest(byte[] guest, string directory, string image, string format)
    {
        string kernel = Path.Combine(directory, "guest.bin");
        File.WriteAllBytes(kernel, guest);
        string[] arguments =
        [
            "run", .. _options.Split(' ', StringSplitOptions.RemoveEmptyEntries), "-kernel", kernel, "-m", "8", "-display", "none", "-serial", "null", "-debugcon", "stdio",
            "-device", "isa-debug-exit,iobase=0xf4,iosize=4", "-drive", $"file={image},format={format}",
        ];
        return Start(_emu, arguments);
    }

    private static (int Status, string Output) RunGuest(byte[] guest, string directory, string image, string format)
    {
        using Process process = StartGuest(guest, directory, image, format);
        return Finish(process);
    }

    /// <summary>Kills the run some time after its first flush; what it had written to its console by then.</summary>
    private static string RunAndKill(byte[] guest, string directory, string image, string format, int milliseconds)
    {
        using Process process = StartGuest(guest, directory, image, format);
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadLine() + "\n";
        Task<string> rest = process.StandardOutput.ReadToEndAsync();
        Thread.Sleep(milliseconds);
        process.Kill();
        process.WaitForExit();
        return errors.Result.Length == 0 ? output + rest.Result : throw new InvalidOperationException(errors.Result);
    }

    private static (int Status, string Output) Execute(string program, string[] arguments, bool mayFail = false)
    {
        using Process process = Start(program, arguments);
        (int status, string output) = Finish(process);
        return status == 0 || mayFail ? (status, output) : throw new InvalidOperationException($"{program} {string.Join(' ', arguments)}: {output}");
    }

    private static Process Start(string program, string[] arguments) => Process.Start(new ProcessStartInfo(program, arguments)
    {
        UseShellExecute = false,
        RedirectStandardOutput = true,
        RedirectStandardError = true,
        RedirectStandardInput = true,
    }) ?? throw new InvalidOperationException(program);

    private static (int Status, string Output) Finish(Process process)
    {
        process.StandardInput.Close();
        Task<string> errors = process.StandardError.ReadToEndAsync();
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        if (!process.WaitForExit(Limit))
        {
            process.Kill();
            throw new InvalidOperationException("a run takes too long");
        }

        return (process.ExitCode, output.Result + errors.Result);
    }
}
