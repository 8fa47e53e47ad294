using System.Buffers.Binary;
using System.Globalization;
using System.IO.Compression;
using System.Text;
using System.Text.Json;

namespace Emulator.Tests.Conformance;

/// <summary>
/// Reads a <c>.vec.gz</c> file (shared/vectors/FORMAT.md) one vector after the other into one reused object. Anything that does not fit the
/// format is an <see cref="InvalidDataException"/>.
/// </summary>
internal sealed class VectorFile
{
    private readonly string[] _codes;
    private readonly int _first;
    private int _position;
    private int _end;
    private int _next;

    private VectorFile(string name, byte[] data)
    {
        Name = name;
        Data = data;
        _end = data.Length;
        if (data.Length < 12 || !data.AsSpan(0, 8).SequenceEqual("X86VEC01"u8))
        {
            throw new InvalidDataException($"{name}: not a vector file");
        }

        _position = 8;
        int headerLength = (int)U32();
        Need(headerLength);
        using (JsonDocument header = JsonDocument.Parse(data.AsMemory(_position, headerLength)))
        {
            Ldt = [.. Strings(header.RootElement, "ldt").Select(ParseDescriptor)];
            AbsentPages = Pages(header.RootElement, "absentPages");
            ReadOnlyPages = Pages(header.RootElement, "readOnlyPages");
        }

        _position += headerLength;
        _codes = new string[U16()];
        for (int i = 0; i < _codes.Length; i++)
        {
            int length = 0;
            int shift = 0;
            byte b;
            do
            {
                b = U8();
                length |= (b & 0x7F) << shift;
                shift += 7;
            }
            while (b >= 0x80 && shift < 28);
            Need(length);
            _codes[i] = Encoding.UTF8.GetString(data, _position, length);
            _position += length;
        }

        Count = (int)U32();
        _first = _position;
    }

    /// <summary>File name without extension.</summary>
    public string Name { get; }

    /// <summary>The decompressed file; memory runs refer to it.</summary>
    public byte[] Data { get; }

    /// <summary>Number of vectors.</summary>
    public int Count { get; }

    /// <summary>LDT entries.</summary>
    public IReadOnlyList<(ushort Selector, ulong Descriptor)> Ldt { get; }

    /// <summary>Linear addresses of pages that are not present in the Paged32 environment.</summary>
    public IReadOnlyList<uint> AbsentPages { get; }

    /// <summary>Linear addresses of pages that are read-only in the Paged32 environment.</summary>
    public IReadOnlyList<uint> ReadOnlyPages { get; }

    /// <summary>The vector that <see cref="Read"/> filled last.</summary>
    public Vector Current { get; } = new();

    /// <summary>Opens a file.</summary>
    /// <param name="path">Path of the <c>.vec.gz</c>.</param>
    public static VectorFile Open(string path)
    {
        using FileStream file = File.OpenRead(path);
        using GZipStream gzip = new(file, CompressionMode.Decompress);
        using MemoryStream memory = new();
        gzip.CopyTo(memory);
        string name = Path.GetFileName(path);
        return new VectorFile(name.EndsWith(".vec.gz", StringComparison.Ordinal) ? name[..^7] : name, memory.ToArray());
    }

    /// <summary>Starts over.</summary>
    public void Rewind()
    {
        _position = _first;
        _next = 0;
    }

    /// <summary>Reads the next vector into <see cref="Current"/>; false at the end.</summary>
    public bool Read()
    {
        _end = Data.Length;
        if (_next >= Count)
        {
            return false;
        }

        int size = U16();
        Need(size);
        _end = _position + size;
        Parse(Current);
        if (_position != _end)
        {
            throw new InvalidDataException($"{Name}: vector {_next} has {_end - _position} bytes too many");
        }

        Current.Index = _next++;
        return true;
    }

    /// <summary>Reads the vector with a number into <see cref="Current"/>; goes back to the start when it has passed.</summary>
    /// <param name="index">Number from 0.</param>
    public bool ReadAt(int index)
    {
        if (index < 0 || index >= Count)
        {
            return false;
        }

        if (_next > index)
        {
            Rewind();
        }

        while (_next < index)
        {
            _end = Data.Length;
            int size = U16();
            Need(size);
            _position += size;
            _next++;
        }

        return Read();
    }

    private void Parse(Vector v)
    {
        int code = U16();
        v.Code = code < _codes.Length ? _codes[code] : throw new InvalidDataException($"{Name}: vector {_next} names no code");
        v.Environment = (VectorEnvironment)U8();
        v.Modes = (VectorModes)U8();
        v.Attributes = (VectorAttributes)U16();
        v.BytesLength = U8();
        Need(v.BytesLength);
        v.BytesOffset = _position;
        _position += v.BytesLength;

        VectorState initial = v.Initial;
        initial.SetDefaults();
        ReadGpr(initial);
        initial.Eip = U32();
        initial.Eflags = U32();
        for (int i = 0; i < 6; i++)
        {
            initial.Selectors[i] = U16();
        }

        if (v.Has(VectorAttributes.Fpu))
        {
            initial.Fcw = U16();
            initial.Fsw = U16();
            initial.Ftw = U8();
            if (U8() != 0)
            {
                initial.Fop = U16();
                initial.Fip = U32();
                initial.Fdp = U32();
            }

            ReadFpuRegisters(initial);
        }

        if (v.Has(VectorAttributes.Sse))
        {
            initial.Mxcsr = U32();
            ReadXmm(initial);
        }

        ReadMemory(initial.Memory, withBytes: true);
        VectorState final = v.Final;
        final.CopyRegistersFrom(initial);
        v.Exception = U8();
        v.Error = v.Exception != Vector.NoException ? U32() : Vector.NoErrorCode;
        v.Cr2 = v.Exception == 14 ? U32() : 0;
        final.Eip = U32();
        final.Eflags = U32();
        v.UndefinedFlags = U16();
        ReadGpr(final);
        v.UndefinedGpr = U8();
        byte selectors = U8();
        for (int i = 0; i < 6; i++)
        {
            if ((selectors & (1 << i)) != 0)
            {
                final.Selectors[i] = U16();
            }
        }

        v.UndefinedFsw = 0;
        if (v.Has(VectorAttributes.Fpu))
        {
            final.Fcw = U16();
            final.Fsw = U16();
            v.UndefinedFsw = U16();
            final.Ftw = U8();
            ReadFpuRegisters(final);
        }

        if (v.Has(VectorAttributes.Sse))
        {
            final.Mxcsr = U32();
            ReadXmm(final);
        }

        ReadMemory(final.Memory, withBytes: true);
        v.Ignored.Clear();
        ReadMemory(v.Ignored, withBytes: false);
    }

    private void ReadGpr(VectorState state)
    {
        byte mask = U8();
        for (int i = 0; i < 8; i++)
        {
            if ((mask & (1 << i)) != 0)
            {
                state.Gpr[i] = U32();
            }
        }
    }

    private void ReadFpuRegisters(VectorState state)
    {
        byte mask = U8();
        for (int i = 0; i < 8; i++)
        {
            if ((mask & (1 << i)) != 0)
            {
                state.Significands[i] = U64();
                state.SignExponents[i] = U16();
            }
        }
    }

    private void ReadXmm(VectorState state)
    {
        byte mask = U8();
        for (int i = 0; i < 8; i++)
        {
            if ((mask & (1 << i)) != 0)
            {
                state.Xmm[2 * i] = U64();
                state.Xmm[(2 * i) + 1] = U64();
            }
        }
    }

    private void ReadMemory(List<MemoryRun> runs, bool withBytes)
    {
        int count = U8();
        for (int i = 0; i < count; i++)
        {
            uint address = U32();
            int length = U16();
            runs.Add(new MemoryRun(address, _position, length));
            if (withBytes)
            {
                Need(length);
                _position += length;
            }
        }
    }

    private static (ushort Selector, ulong Descriptor) ParseDescriptor(string text)
    {
        string[] parts = text.Split(':');
        if (parts.Length == 2 && ushort.TryParse(parts[0], NumberStyles.HexNumber, CultureInfo.InvariantCulture, out ushort selector)
            && ulong.TryParse(parts[1], NumberStyles.HexNumber, CultureInfo.InvariantCulture, out ulong descriptor))
        {
            return (selector, descriptor);
        }

        throw new InvalidDataException($"bad LDT entry '{text}'");
    }

    private static IEnumerable<string> Strings(JsonElement header, string name) =>
        header.TryGetProperty(name, out JsonElement array) ? array.EnumerateArray().Select(e => e.GetString() ?? string.Empty) : [];

    private static uint[] Pages(JsonElement header, string name) =>
        header.TryGetProperty(name, out JsonElement array) ? [.. array.EnumerateArray().Select(e => e.GetUInt32())] : [];

    private void Need(int bytes)
    {
        if (bytes < 0 || bytes > _end - _position)
        {
            throw new InvalidDataException($"{Name}: cut off at byte {_position} (vector {_next})");
        }
    }

    private byte U8()
    {
        Need(1);
        return Data[_position++];
    }

    private ushort U16()
    {
        Need(2);
        ushort value = BinaryPrimitives.ReadUInt16LittleEndian(Data.AsSpan(_position));
        _position += 2;
        return value;
    }

    private uint U32()
    {
        Need(4);
        uint value = BinaryPrimitives.ReadUInt32LittleEndian(Data.AsSpan(_position));
        _position += 4;
        return value;
    }

    private ulong U64()
    {
        Need(8);
        ulong value = BinaryPrimitives.ReadUInt64LittleEndian(Data.AsSpan(_position));
        _position += 8;
        return value;
    }
}
