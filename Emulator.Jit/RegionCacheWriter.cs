using System.Diagnostics;
using System.Reflection;
using System.Reflection.Emit;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;

namespace Emulator.Jit;

/// <summary>
/// Writes what a run compiled into the directory of a <see cref="RegionCache"/>: the list of regions, and, where the crossgen2 package of
/// this runtime is found, their IL as an assembly, which crossgen2 turns into host code in a process of its own after this one has ended.
/// </summary>
internal static class RegionCacheWriter
{
    /// <summary>Files kept in a directory; the oldest go first.</summary>
    private const int MaximumFiles = 32;

    /// <summary>Writes the regions of a run; nothing when there are none.</summary>
    /// <param name="directory">The directory; made if needed.</param>
    /// <param name="prefix">What the files' names begin with.</param>
    /// <param name="modes">What is asked of the code beyond <see cref="EmitModes.Kept"/>.</param>
    /// <param name="identity">See <see cref="RegionCache.Identity"/>.</param>
    /// <param name="regions">The regions, and the hashes of their guest code.</param>
    /// <param name="warn">Told when it cannot be written.</param>
    public static void Save(string directory, string prefix, EmitModes modes, string identity, IReadOnlyList<(Region Region, ulong Hash)> regions, Action<string> warn)
    {
        if (regions.Count == 0)
        {
            return;
        }

        try
        {
            Directory.CreateDirectory(directory);
            string? compiler = FindCompiler();
            string name = $"{prefix}{Guid.NewGuid():N}";
            string path = Path.Combine(directory, name);
            (byte[] list, byte[] assembly) = Emit(identity, modes, regions);
            Replace(path + RegionCache.ListSuffix, list);
            if (compiler is not null)
            {
                File.WriteAllBytes(path + ".il.dll", assembly);
                StartCompiler(compiler, path);
            }

            Prune(directory, prefix);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            warn($"{directory}: translations are not kept: {e.Message.ReplaceLineEndings(" ")}");
        }
    }

    /// <summary>crossgen2 of this runtime's major version, from the package cache or <c>EMULATOR_CROSSGEN2</c>; null when there is none.</summary>
    internal static string? FindCompiler()
    {
        if (Environment.GetEnvironmentVariable("EMULATOR_CROSSGEN2") is { Length: > 0 } given)
        {
            return File.Exists(given) ? given : null;
        }

        if (!ReadyToRunCode.IsSupported || string.IsNullOrEmpty(AppContext.BaseDirectory))
        {
            return null;
        }

        string packages = Environment.GetEnvironmentVariable("NUGET_PACKAGES")
            ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");
        string package = Path.Combine(packages, $"microsoft.netcore.app.crossgen2.{RuntimeInformation.RuntimeIdentifier}");
        if (!Directory.Exists(package))
        {
            return null;
        }

        return Directory.EnumerateDirectories(package, $"{Environment.Version.Major}.*")
            .OrderByDescending(d => Version.TryParse(Path.GetFileName(d), out Version? v) ? v : new Version(0, 0))
            .Select(d => Path.Combine(d, "tools", "crossgen2"))
            .FirstOrDefault(File.Exists);
    }

    private static byte[] List(string identity, IReadOnlyList<(Region Region, ulong Hash)> regions, List<List<(int Block, int Op)>> slots)
    {
        using MemoryStream stream = new();
        using (BinaryWriter writer = new(stream, Encoding.UTF8, leaveOpen: true))
        {
            writer.Write(RegionCache.Magic);
            writer.Write(identity);
            writer.Write(regions.Count);
            for (int i = 0; i < regions.Count; i++)
            {
                (Region region, ulong hash) = regions[i];
                writer.Write(region.ModeKey);
                writer.Write(hash);
                writer.Write(region.Blocks.Count);
                foreach (RegionBlock block in region.Blocks)
                {
                    writer.Write(block.Eip);
                    writer.Write(block.Physical);
                    writer.Write(block.SecondPage);
                    writer.Write((int)block.ByteLength);
                    writer.Write(block.Ops.Length);
                }

                writer.Write(region.ReturnSites.Count);
                foreach (uint site in region.ReturnSites)
                {
                    writer.Write(site);
                }

                Write(writer, region.JumpTables);
                Write(writer, region.Targets);
                writer.Write(slots[i].Count);
                foreach ((int block, int op) in slots[i])
                {
                    writer.Write(block);
                    writer.Write(op);
                }
            }
        }

        byte[] body = stream.ToArray();
        return [.. body, .. SHA256.HashData(body)];
    }

    private static void Write(BinaryWriter writer, IReadOnlyDictionary<uint, uint[]> lists)
    {
        writer.Write(lists.Count);
        foreach ((uint eip, uint[] list) in lists)
        {
            writer.Write(eip);
            writer.Write(list.Length);
            foreach (uint address in list)
            {
                writer.Write(address);
            }
        }
    }

    /// <summary>The list of regions, and an assembly with their IL that names the list's checksum.</summary>
    private static (byte[] List, byte[] Assembly) Emit(string identity, EmitModes modes, IReadOnlyList<(Region Region, ulong Hash)> regions)
    {
        PersistedAssemblyBuilder assembly = new(new AssemblyName(RegionCache.AssemblyName), typeof(object).Assembly);
        ModuleBuilder module = assembly.DefineDynamicModule(RegionCache.AssemblyName);
        TypeBuilder type = module.DefineType(RegionCache.TypeName, TypeAttributes.Public | TypeAttributes.Abstract | TypeAttributes.Sealed);
        List<List<(int Block, int Op)>> slots = [];
        foreach ((Region region, _) in regions)
        {
            MethodBuilder method = type.DefineMethod(RegionCache.MethodName(slots.Count), MethodAttributes.Public | MethodAttributes.Static, typeof(int), [typeof(nint), typeof(nint), typeof(int)]);
            method.InitLocals = false;
            slots.Add(RegionEmitter.Emit(region, modes | EmitModes.Kept, method.GetILGenerator(16384)));
        }

        type.CreateType();
        byte[] list = List(identity, regions, slots);
        module.DefineType(RegionCache.ListType(list), TypeAttributes.Public | TypeAttributes.Abstract | TypeAttributes.Sealed).CreateType();
        using MemoryStream stream = new();
        assembly.Save(stream);
        return (list, stream.ToArray());
    }

    /// <summary>Starts crossgen2 and does not wait: when it is done, host code and checksum appear under their names, the checksum last.</summary>
    private static void StartCompiler(string compiler, string path)
    {
        string framework = Path.GetDirectoryName(typeof(object).Assembly.Location)!;
        string instructionSet = System.Runtime.Intrinsics.X86.Avx2.IsSupported ? "--instruction-set:x86-64-v3" : "--instruction-set:x86-64-v2";
        const string Script = """
            i="$1"; shift
            { "$@" "$i.il.dll" -o "$i.new" && sha256sum "$i.new" > "$i.newsum" && mv "$i.new" "$i.dll" && mv "$i.newsum" "$i.sum"; rm -f "$i.il.dll" "$i.new" "$i.newsum"; } < /dev/null > /dev/null 2>&1 &
            """;
        ProcessStartInfo start = new("/bin/sh") { UseShellExecute = false };
        string[] arguments =
        [
            "-c", Script, "sh", path, compiler, "--targetos:linux", "-O", instructionSet,
            "-r", Path.Combine(framework, "*.dll"), "-r", Path.Combine(AppContext.BaseDirectory, "*.dll"),
        ];
        foreach (string argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        using Process? process = Process.Start(start);
        process?.WaitForExit();
    }

    private static void Replace(string path, byte[] contents)
    {
        File.WriteAllBytes(path + ".new", contents);
        File.Move(path + ".new", path, overwrite: true);
    }

    private static void Prune(string directory, string prefix)
    {
        foreach (FileInfo old in new DirectoryInfo(directory).EnumerateFiles(prefix + "*" + RegionCache.ListSuffix).OrderByDescending(f => f.LastWriteTimeUtc).Skip(MaximumFiles))
        {
            string path = Path.ChangeExtension(old.FullName, null);
            old.Delete();
            File.Delete(path + RegionCache.CodeSuffix);
            File.Delete(path + RegionCache.SumSuffix);
        }
    }
}
