using System.Globalization;
using System.Reflection;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using System.Runtime;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Emulator.Jit;

/// <summary>
/// Finds host code in an assembly that crossgen2 compiled ("ReadyToRun image format" of the runtime's documentation: header, method entry points,
/// runtime functions). A function pointer from reflection leads through the runtime's tiers, which count the calls and compile every
/// method again in the order in which they were called 30 times; kept regions are entered millions of times, so all of them would be, while
/// the guest waits. The code's own address leads past that.
/// <para>
/// An address counts only if all of this holds: the format is the one known here; the image is mapped from the file whose checksum was verified, byte for byte; the address is the start
/// of a function of its own in an executable section; and the runtime itself took the method's code from the image (<see cref="RuntimeHelpers.PrepareMethod(RuntimeMethodHandle)"/> compiled
/// nothing), which is also when it resolves what must be resolved before the code runs. The assembly is never unloaded.
/// </para>
/// </summary>
internal sealed unsafe class ReadyToRunCode
{
    private const uint Signature = 0x00525452;
    private const int MajorVersion = 16;
    private const uint RuntimeFunctions = 102;
    private const uint MethodEntryPoints = 103;
    private const int RuntimeFunctionSize = 12;
    private const int MethodTable = 0x06000000;
    private const int Leaves = 16;

    private readonly Module _module;
    private readonly byte[] _file;
    private readonly PEHeaders _headers;
    private readonly nint _base;
    private readonly int _entries;
    private readonly int _functions;
    private readonly int _functionCount;

    /// <summary>Addresses by row less 1; 0 when there is none, or it was refused.</summary>
    private readonly nint[] _addresses;
    private readonly bool[] _isPrepared;

    private ReadyToRunCode(Assembly assembly, byte[] file, string path, int count)
    {
        _module = assembly.ManifestModule;
        _file = file;
        using PEReader reader = new(new MemoryStream(file));
        _headers = reader.PEHeaders;
        CorHeader cor = _headers.CorHeader ?? throw new BadImageFormatException("no CLI header");
        int header = Offset(cor.ManagedNativeHeaderDirectory.RelativeVirtualAddress);
        if (Word(header) != Signature || (Word(header + 4) & 0xFFFF) != MajorVersion || !assembly.TryGetRawMetadata(out byte* metadata, out _))
        {
            throw new BadImageFormatException("no host code of a known format");
        }

        _base = (nint)metadata - cor.MetadataDirectory.RelativeVirtualAddress;
        CheckImage(Mappings(Path.GetFileName(path)));
        uint sections = Word(header + 12);
        for (int i = 0; i < sections; i++)
        {
            int section = header + 16 + (12 * i);
            switch (Word(section))
            {
                case RuntimeFunctions:
                    _functions = Offset((int)Word(section + 4));
                    _functionCount = (int)(Word(section + 8) / RuntimeFunctionSize);
                    break;
                case MethodEntryPoints:
                    _entries = Offset((int)Word(section + 4));
                    break;
                default:
                    break;
            }
        }

        if (_entries == 0 || _functionCount == 0)
        {
            throw new BadImageFormatException("no methods");
        }

        _isPrepared = new bool[count];
        _addresses = new nint[count];
        HashSet<nint> known = [];
        for (int i = 0; i < count; i++)
        {
            _addresses[i] = Find(i) is { } function ? AddressOf(function) : 0;
            if (_addresses[i] != 0 && !known.Add(_addresses[i]))
            {
                throw new BadImageFormatException("two methods with the same code");
            }
        }

        // Nothing of it is read again.
        _file = [];
    }

    /// <summary>Whether code is looked for on this host.</summary>
    public static bool IsSupported => OperatingSystem.IsLinux() && RuntimeInformation.ProcessArchitecture == Architecture.X64;

    /// <summary>The code of an assembly, or null when it has none that can be found in this way.</summary>
    /// <param name="assembly">The assembly, loaded from a file, not collectible.</param>
    /// <param name="file">What the file holds.</param>
    /// <param name="path">Its path.</param>
    /// <param name="count">Methods of interest: the first rows of the table of methods.</param>
    public static ReadyToRunCode? Of(Assembly assembly, byte[] file, string path, int count)
    {
        if (!IsSupported || assembly.IsCollectible)
        {
            return null;
        }

        try
        {
            return new(assembly, file, path, count);
        }
        catch (Exception e) when (e is BadImageFormatException or IndexOutOfRangeException or ArgumentException or IOException or FormatException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>Makes a method ready to be run.</summary>
    /// <param name="row">Its row in the table of methods, 1 first.</param>
    /// <returns>The address of its code, or 0 when it has none or the runtime does not accept it.</returns>
    public nint Prepare(int row)
    {
        ref nint address = ref _addresses[row - 1];
        if (address == 0 || _isPrepared[row - 1])
        {
            return address;
        }

        _isPrepared[row - 1] = true;
        try
        {
            // What the code needs before it runs is resolved here. If the runtime refuses the code, it compiles the method instead.
            MethodBase? method = _module.ResolveMethod(MethodTable | row);
            if (method is null || method.Name != RegionCache.MethodName(row - 1))
            {
                return address = 0;
            }

            long compiled = JitInfo.GetCompiledMethodCount(currentThread: true);
            RuntimeHelpers.PrepareMethod(method.MethodHandle);
            if (JitInfo.GetCompiledMethodCount(currentThread: true) != compiled)
            {
                address = 0;
            }
        }
        catch (Exception e) when (e is BadImageFormatException or ArgumentException or InvalidProgramException or TypeLoadException or MissingMemberException)
        {
            address = 0;
        }

        return address;
    }

    /// <summary>Where the process has a file mapped, and whether it can be executed there.</summary>
    private static List<(nint First, nint End, bool IsExecutable)> Mappings(string name)
    {
        List<(nint First, nint End, bool IsExecutable)> mappings = [];
        foreach (string line in File.ReadLines("/proc/self/maps").Where(l => l.EndsWith("/" + name, StringComparison.Ordinal)))
        {
            string[] columns = line.Split(' ');
            string[] range = columns[0].Split('-');
            if (columns[1].StartsWith('r'))
            {
                mappings.Add((nint.Parse(range[0], NumberStyles.HexNumber, CultureInfo.InvariantCulture), nint.Parse(range[1], NumberStyles.HexNumber, CultureInfo.InvariantCulture),
                    columns[1].Contains('x', StringComparison.Ordinal)));
            }
        }

        return mappings;
    }

    /// <summary>Compares what is mapped with the file: code and what describes it, which the loader does not change.</summary>
    private void CheckImage(List<(nint First, nint End, bool IsExecutable)> mappings)
    {
        foreach (SectionHeader section in _headers.SectionHeaders.Where(s => (s.SectionCharacteristics & SectionCharacteristics.MemWrite) == 0))
        {
            int length = Math.Min(section.VirtualSize, section.SizeOfRawData);
            nint first = _base + section.VirtualAddress;
            bool isCode = (section.SectionCharacteristics & SectionCharacteristics.MemExecute) != 0;
            if (!mappings.Exists(m => first >= m.First && first + length <= m.End && (m.IsExecutable || !isCode))
                || !new ReadOnlySpan<byte>((void*)first, length).SequenceEqual(_file.AsSpan(section.PointerToRawData, length)))
            {
                throw new BadImageFormatException("not mapped as it is in the file");
            }
        }
    }

    /// <summary>The address of a runtime function, or 0 when it is not in an executable section.</summary>
    private nint AddressOf(uint function)
    {
        if (function >= _functionCount)
        {
            return 0;
        }

        uint start = Word(_functions + ((int)function * RuntimeFunctionSize));
        foreach (SectionHeader section in _headers.SectionHeaders)
        {
            if ((section.SectionCharacteristics & (SectionCharacteristics.MemExecute | SectionCharacteristics.MemWrite)) == SectionCharacteristics.MemExecute
                && start - (uint)section.VirtualAddress < (uint)Math.Min(section.VirtualSize, section.SizeOfRawData))
            {
                return _base + (nint)start;
            }
        }

        return 0;
    }

    /// <summary>The index of a method's first runtime function: a tree of 16 leaves for each 16 methods.</summary>
    private uint? Find(int index)
    {
        Number(_entries, out uint header, out int start);
        if (index >= header >> 2)
        {
            return null;
        }

        int block = index / Leaves;
        int node = start + (int)((header & 3) switch
        {
            0 => _file[start + block],
            1 => BitConverter.ToUInt16(_file, start + (2 * block)),
            _ => Word(start + (4 * block)),
        });
        for (int bit = Leaves / 2; bit > 0; bit >>= 1)
        {
            Number(node, out uint value, out int next);
            bool right = (index & bit) != 0;
            if (right && (value & 2) != 0)
            {
                node += (int)(value >> 2);
            }
            else if (!right && (value & 1) != 0)
            {
                node = next;
            }
            else if ((value & 3) == 0 && value >> 2 == (index & (Leaves - 1)))
            {
                node = next;
                break;
            }
            else
            {
                return null;
            }
        }

        Number(node, out uint id, out _);
        return (id & 1) != 0 ? id >> 2 : id >> 1;
    }

    /// <summary>Reads a number whose first byte's low bits say how long it is.</summary>
    private void Number(int offset, out uint value, out int next)
    {
        uint first = _file[offset];
        int more = (first & 1) == 0 ? 0 : (first & 2) == 0 ? 1 : (first & 4) == 0 ? 2 : (first & 8) == 0 ? 3 : 4;
        next = offset + 1 + more;
        if (more == 4)
        {
            value = Word(offset + 1);
            return;
        }

        value = first;
        for (int i = 1; i <= more; i++)
        {
            value |= (uint)_file[offset + i] << (8 * i);
        }

        value >>= more + 1;
    }

    private uint Word(int offset) => offset >= 0 && offset <= _file.Length - 4 ? BitConverter.ToUInt32(_file, offset) : throw new BadImageFormatException("an offset out of range");

    private int Offset(int address) =>
        _headers.TryGetDirectoryOffset(new DirectoryEntry(address, 0), out int offset) ? offset : throw new BadImageFormatException("an address out of range");
}
