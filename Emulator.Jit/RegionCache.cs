using System.Globalization;
using System.Reflection;
using System.Runtime.Intrinsics.X86;
using System.Runtime.Loader;
using System.Security.Cryptography;
using System.Text;
using Emulator.Core.Cpu;

namespace Emulator.Jit;

/// <summary>
/// Regions of earlier runs, in a directory. Each run that compiled something new leaves a file <c>NAME.regions</c> that says which regions
/// there were: addresses, mode, a hash of the guest's bytes. Beside it may lie <c>NAME.dll</c>, the regions as host code, and
/// <c>NAME.sum</c>, its SHA-256. A file of another build, or a damaged one, is left alone, with one line.
/// </summary>
internal sealed class RegionCache
{
    /// <summary>Lists of regions begin with this.</summary>
    public const string Prefix = "emu-";

    /// <summary>Lists of regions for <see cref="JitOptions.Verify"/> begin with this.</summary>
    public const string VerifyPrefix = "verify-";

    /// <summary>Suffix of the list of regions.</summary>
    public const string ListSuffix = ".regions";

    /// <summary>Suffix of the host code.</summary>
    public const string CodeSuffix = ".dll";

    /// <summary>Suffix of the host code's checksum.</summary>
    public const string SumSuffix = ".sum";

    /// <summary>Name of the assembly of host code, a friend of this one and of the core: it calls their internals.</summary>
    public const string AssemblyName = "Emulator.Regions";

    /// <summary>Name of the type in the host code.</summary>
    public const string TypeName = "Regions";

    /// <summary>The name of an empty type in the host code of a list ends with the list's checksum.</summary>
    public const string ListTypePrefix = "List";

    /// <summary>First bytes of a list.</summary>
    public static ReadOnlySpan<byte> Magic => "EMUREG01"u8;

    private const int MaximumRegions = 100_000;
    private const int MaximumBlocks = 1_000;
    private const int MaximumBlockBytes = 64 * 15;
    private const int MaximumTable = 256;

    private readonly Dictionary<ulong, List<CachedRegion>> _byBlock = [];

    /// <summary>All regions, in no order.</summary>
    internal IEnumerable<CachedRegion> Regions => _byBlock.Values.SelectMany(r => r).Distinct();

    /// <summary>Regions that are known.</summary>
    public int Count { get; private set; }

    /// <summary>What a list must have been written by to be used here: these assemblies on this runtime and kind of host, for this CPU model.</summary>
    /// <param name="model">The CPU model.</param>
    public static string Identity(CpuModel model)
    {
        ArgumentNullException.ThrowIfNull(model);
        return $"{typeof(RegionCache).Module.ModuleVersionId:N} {typeof(CpuState).Module.ModuleVersionId:N} {Environment.Version} {(Avx2.IsSupported ? "AVX2" : Sse41.IsSupported ? "SSE4.1" : "-")} {model.Name}";
    }

    /// <summary>Reads all lists of a directory.</summary>
    /// <param name="directory">The directory; it need not exist.</param>
    /// <param name="prefix">What their names begin with.</param>
    /// <param name="identity">See <see cref="Identity"/>.</param>
    /// <param name="warn">Told of each file that is ignored.</param>
    public static RegionCache Load(string directory, string prefix, string identity, Action<string> warn)
    {
        RegionCache cache = new();
        if (!Directory.Exists(directory))
        {
            return cache;
        }

        foreach (string path in Directory.EnumerateFiles(directory, prefix + "*" + ListSuffix).Order(StringComparer.Ordinal))
        {
            try
            {
                byte[] list = File.ReadAllBytes(path);
                if (Read(list, identity) is { } regions)
                {
                    LoadCode(Path.GetFullPath(Path.ChangeExtension(path, null)), ListType(list), regions, warn);
                    cache.Add(regions);
                }
                else
                {
                    warn($"{path}: not made by this build for this CPU model; ignored");
                }
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException)
            {
                warn($"{path}: {e.Message.ReplaceLineEndings(" ")}; ignored");
            }
        }

        return cache;
    }

    /// <summary>The name of a region's method in the host code.</summary>
    /// <param name="index">Its index in the list, 0 first.</param>
    internal static string MethodName(int index) => string.Create(CultureInfo.InvariantCulture, $"R{index}");

    /// <summary>The name of the type that says which list an assembly of host code belongs to.</summary>
    /// <param name="list">The list, whole.</param>
    internal static string ListType(ReadOnlySpan<byte> list) => ListTypePrefix + Convert.ToHexString(list[^SHA256.HashSizeInBytes..]);

    /// <summary>Whether a region has a block here.</summary>
    /// <param name="physical">Physical address.</param>
    public bool Contains(uint physical) => _byBlock.ContainsKey(physical);

    /// <summary>The regions that have a block at an address; none for null.</summary>
    /// <param name="physical">Physical address.</param>
    public IReadOnlyList<CachedRegion>? At(uint physical) => _byBlock.GetValueOrDefault(physical);

    /// <summary>The regions of a list, or null when another build wrote it.</summary>
    /// <param name="file">The list.</param>
    /// <param name="identity">See <see cref="Identity"/>.</param>
    /// <exception cref="InvalidDataException">It is damaged.</exception>
    internal static List<CachedRegion>? Read(byte[] file, string identity)
    {
        int body = file.Length - SHA256.HashSizeInBytes;
        if (body < Magic.Length || !file.AsSpan(0, Magic.Length).SequenceEqual(Magic) || !SHA256.HashData(file.AsSpan(0, body)).AsSpan().SequenceEqual(file.AsSpan(body)))
        {
            throw new InvalidDataException("not a list of regions, or damaged");
        }

        using BinaryReader reader = new(new MemoryStream(file, Magic.Length, body - Magic.Length), Encoding.UTF8);
        if (reader.ReadString() != identity)
        {
            return null;
        }

        int count = Number(reader, MaximumRegions);
        List<CachedRegion> regions = new(count);
        for (int i = 0; i < count; i++)
        {
            uint key = reader.ReadUInt32();
            ulong hash = reader.ReadUInt64();
            CachedBlock[] blocks = new CachedBlock[Number(reader, MaximumBlocks)];
            for (int b = 0; b < blocks.Length; b++)
            {
                blocks[b] = new CachedBlock(reader.ReadUInt32(), reader.ReadUInt32(), reader.ReadUInt32(), (uint)Number(reader, MaximumBlockBytes), Number(reader, 64));
            }

            uint[] returns = new uint[Number(reader, MaximumBlocks)];
            for (int r = 0; r < returns.Length; r++)
            {
                returns[r] = reader.ReadUInt32();
            }

            Dictionary<uint, uint[]> tables = Lists(reader);
            Dictionary<uint, uint[]> targets = Lists(reader);
            (int Block, int Op)[] slots = new (int, int)[Number(reader, 64 * MaximumBlocks)];
            for (int s = 0; s < slots.Length; s++)
            {
                int block = Number(reader, blocks.Length - 1);
                slots[s] = (block, Number(reader, blocks[block].OpCount - 1));
            }

            if (blocks.Length == 0)
            {
                throw new InvalidDataException("a region without blocks");
            }

            regions.Add(new CachedRegion { ModeKey = key, Hash = hash, Blocks = blocks, ReturnSites = returns, JumpTables = tables, Targets = targets, Slots = slots });
        }

        return regions;
    }

    /// <summary>Lists of addresses, by address.</summary>
    private static Dictionary<uint, uint[]> Lists(BinaryReader reader)
    {
        Dictionary<uint, uint[]> lists = [];
        for (int count = Number(reader, MaximumBlocks); count > 0; count--)
        {
            uint eip = reader.ReadUInt32();
            uint[] list = new uint[Number(reader, MaximumTable)];
            for (int i = 0; i < list.Length; i++)
            {
                list[i] = reader.ReadUInt32();
            }

            lists[eip] = list;
        }

        return lists;
    }

    private static int Number(BinaryReader reader, int maximum)
    {
        int value = reader.ReadInt32();
        return value >= 0 && value <= maximum ? value : throw new InvalidDataException("a number out of range");
    }

    private static void LoadCode(string path, string listType, List<CachedRegion> regions, Action<string> warn)
    {
        if (!ReadyToRunCode.IsSupported || !File.Exists(path + CodeSuffix) || !File.Exists(path + SumSuffix))
        {
            return;
        }

        byte[] code = File.ReadAllBytes(path + CodeSuffix);
        string sum = File.ReadAllText(path + SumSuffix).Trim();
        if (!sum.StartsWith(Convert.ToHexString(SHA256.HashData(code)), StringComparison.OrdinalIgnoreCase))
        {
            warn($"{path}{CodeSuffix}: damaged; ignored");
            return;
        }

        try
        {
            // Never unloaded: regions run in it to the end.
            AssemblyLoadContext context = new("regions", isCollectible: false);
            Assembly assembly = context.LoadFromAssemblyPath(path + CodeSuffix);
            if (assembly.GetType(listType) is null || assembly.GetType(TypeName) is null)
            {
                warn($"{path}{CodeSuffix}: not the code of this list; ignored");
            }
            else if (ReadyToRunCode.Of(assembly, code, path + CodeSuffix, regions.Count) is { } hostCode)
            {
                for (int i = 0; i < regions.Count; i++)
                {
                    regions[i].Code = hostCode;
                    regions[i].Row = i + 1;
                }
            }
            else
            {
                warn($"{path}{CodeSuffix}: no host code that this runtime loads; ignored");
            }
        }
        catch (Exception e) when (e is BadImageFormatException or FileLoadException or TypeLoadException or FileNotFoundException)
        {
            warn($"{path}{CodeSuffix}: {e.Message.ReplaceLineEndings(" ")}; ignored");
        }
    }

    private void Add(List<CachedRegion> regions)
    {
        foreach (CachedRegion region in regions)
        {
            Count++;
            foreach (CachedBlock block in region.Blocks)
            {
                if (!_byBlock.TryGetValue(block.Physical, out List<CachedRegion>? list))
                {
                    _byBlock[block.Physical] = list = [];
                }

                list.Add(region);
            }
        }
    }
}
