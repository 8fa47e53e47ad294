using System.Buffers.Binary;

namespace Emulator.Benchmarks.Kernels;

/// <summary>One bare-metal kernel: its name, group and how many iterations make a measurement of about a second.</summary>
/// <param name="Name">Name of the ELF file without extension.</param>
/// <param name="Group">integer, x87 or sse2.</param>
/// <param name="Iterations">Iterations between the bytes S and E.</param>
internal sealed record KernelInfo(string Name, string Group, int Iterations);

/// <summary>
/// The kernels of shared/bench: multiboot ELF files that write S to port E9h, run, write E and a checksum, and repeat. Built by
/// <c>shared/bench/kernels/build.sh</c> into <c>bench/kernels/out</c>.
/// </summary>
internal static class KernelCatalog
{
    /// <summary>Environment variable that names the directory of the built kernels.</summary>
    public const string Variable = "EMULATOR_BENCH";

    private const uint HeaderMagic = 0xB0071234;

    public static IReadOnlyList<KernelInfo> All { get; } =
    [
        new("sieve", "integer", 4000),
        new("crc32", "integer", 2000),
        new("sha256", "integer", 2000),
        new("qsort", "integer", 100),
        new("list", "integer", 7000),
        new("listbig", "integer", 600),
        new("interp", "integer", 1200),
        new("memops", "integer", 25000),
        new("mul64", "integer", 22000),
        new("mandel", "x87", 150),
        new("nbody", "x87", 120000),
        new("mandelsse", "sse2", 300),
        new("nbodysse", "sse2", 300000),
    ];

    /// <summary>The directory of the built kernels: EMULATOR_BENCH, or <c>bench/kernels/out</c> in a directory above; null when absent.</summary>
    public static string? FindDirectory()
    {
        string? set = Environment.GetEnvironmentVariable(Variable);
        if (!string.IsNullOrEmpty(set))
        {
            return File.Exists(Path.Combine(set, "sieve.elf")) ? set : null;
        }

        for (DirectoryInfo? at = new(AppContext.BaseDirectory); at is not null; at = at.Parent)
        {
            foreach (string parent in new[] { "bench", Path.Combine("shared", "bench") })
            {
                string path = Path.Combine(at.FullName, parent, "kernels", "out");
                if (File.Exists(Path.Combine(path, "sieve.elf")))
                {
                    return path;
                }
            }
        }

        return null;
    }

    /// <summary>The kernel's ELF file, patched for a number of iterations and repetitions, with paging on and one warm-up call.</summary>
    /// <param name="directory">Directory of the built kernels.</param>
    /// <param name="name">Name.</param>
    /// <param name="iterations">Iterations of each measurement.</param>
    /// <param name="repetitions">Measurements.</param>
    public static byte[] Load(string directory, string name, int iterations, int repetitions)
    {
        byte[] image = File.ReadAllBytes(Path.Combine(directory, name + ".elf"));
        Span<byte> magic = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(magic, HeaderMagic);
        int at = image.AsSpan().IndexOf(magic);
        if (at < 0 || at + 32 > image.Length)
        {
            throw new InvalidDataException($"{name}.elf is no benchmark kernel");
        }

        BinaryPrimitives.WriteInt32LittleEndian(image.AsSpan(at + 12), 1);
        BinaryPrimitives.WriteInt32LittleEndian(image.AsSpan(at + 16), iterations);
        BinaryPrimitives.WriteInt32LittleEndian(image.AsSpan(at + 20), repetitions);
        BinaryPrimitives.WriteInt32LittleEndian(image.AsSpan(at + 28), 1);
        return image;
    }

    /// <summary>The loadable segments of an ELF file, at their physical addresses, and its entry point.</summary>
    /// <param name="elf">A 32-bit ELF file.</param>
    public static (uint Entry, IReadOnlyList<(uint Address, ReadOnlyMemory<byte> Bytes)> Segments) ReadElf(byte[] elf)
    {
        ReadOnlySpan<byte> data = elf;
        uint entry = BinaryPrimitives.ReadUInt32LittleEndian(data[24..]);
        int header = BinaryPrimitives.ReadInt32LittleEndian(data[28..]);
        int size = BinaryPrimitives.ReadUInt16LittleEndian(data[42..]);
        int count = BinaryPrimitives.ReadUInt16LittleEndian(data[44..]);
        List<(uint Address, ReadOnlyMemory<byte> Bytes)> segments = [];
        for (int i = 0; i < count; i++)
        {
            ReadOnlySpan<byte> program = data[(header + (i * size))..];
            const int Load = 1;
            if (BinaryPrimitives.ReadInt32LittleEndian(program) == Load)
            {
                int offset = BinaryPrimitives.ReadInt32LittleEndian(program[4..]);
                int length = BinaryPrimitives.ReadInt32LittleEndian(program[16..]);
                segments.Add((BinaryPrimitives.ReadUInt32LittleEndian(program[12..]), elf.AsMemory(offset, length)));
            }
        }

        return (entry, segments);
    }
}
