using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;

namespace Emulator.Core.Snapshot;

/// <summary>
/// The named fields of one component, saved or loaded by the same calls. On disk: count, then for each field its name (7-bit length,
/// UTF-8), byte length (int32) and little-endian bytes. Fields are found by name, so a newer build may add fields (a missing one keeps
/// its current value when <see cref="Optional"/> asked so) and reorder them.
/// </summary>
public sealed class StateArchive
{
    private readonly Dictionary<string, byte[]> _fields = new(StringComparer.Ordinal);
    private readonly string _component;

    /// <summary>Creates an empty archive to save into.</summary>
    /// <param name="component">Name of the component, for error messages.</param>
    /// <param name="version">Version of its fields.</param>
    public StateArchive(string component, int version)
    {
        _component = component;
        Version = version;
    }

    /// <summary>Reads an archive to load from.</summary>
    /// <param name="component">Name of the component, for error messages.</param>
    /// <param name="version">Version that the snapshot states.</param>
    /// <param name="data">The chunk's bytes; hostile.</param>
    /// <exception cref="SnapshotException">The bytes are no field list.</exception>
    public StateArchive(string component, int version, ReadOnlySpan<byte> data)
        : this(component, version)
    {
        IsLoading = true;
        int at = 0;
        int count = Int32(data, ref at);
        for (int i = 0; i < count; i++)
        {
            int nameLength = Int32(data, ref at);
            string name = Encoding.UTF8.GetString(Take(data, ref at, nameLength));
            int length = Int32(data, ref at);
            if (!_fields.TryAdd(name, Take(data, ref at, length).ToArray()))
            {
                throw new SnapshotException($"component '{component}' has the field '{name}' twice");
            }
        }

        if (at != data.Length)
        {
            throw new SnapshotException($"component '{component}' has {data.Length - at} bytes too many");
        }
    }

    /// <summary>Whether fields are being loaded; otherwise they are being saved.</summary>
    public bool IsLoading { get; }

    /// <summary>Version of the fields: of the snapshot when loading, of the component when saving.</summary>
    public int Version { get; }

    /// <summary>Saves or loads a value of an unmanaged type (integers, enums, booleans, structs without padding).</summary>
    /// <typeparam name="T">The type.</typeparam>
    /// <param name="name">Field name, unique in the component.</param>
    /// <param name="value">The value.</param>
    /// <exception cref="SnapshotException">The field is missing or has another size.</exception>
    public void Field<T>(string name, ref T value)
        where T : unmanaged
    {
        Bytes(name, MemoryMarshal.AsBytes(MemoryMarshal.CreateSpan(ref value, 1)));
        if (IsLoading && typeof(T) == typeof(bool))
        {
            value = Unsafe.As<T, byte>(ref value) != 0 ? Unsafe.BitCast<bool, T>(true) : default;
        }
    }

    /// <summary>Saves or loads an array of fixed length.</summary>
    /// <typeparam name="T">The element type.</typeparam>
    /// <param name="name">Field name.</param>
    /// <param name="values">The elements; the length is part of the format.</param>
    /// <exception cref="SnapshotException">The field is missing or has another length.</exception>
    public void Array<T>(string name, Span<T> values)
        where T : unmanaged => Bytes(name, MemoryMarshal.AsBytes(values));

    /// <summary>Saves or loads a queue or list of bytes of varying length.</summary>
    /// <param name="name">Field name.</param>
    /// <param name="values">The bytes; replaced when loading.</param>
    /// <param name="maximum">Longest length accepted.</param>
    /// <exception cref="SnapshotException">The field is missing or longer than the maximum.</exception>
    public void Variable(string name, ref byte[] values, int maximum)
    {
        if (!IsLoading)
        {
            Add(name, values);
            return;
        }

        byte[] data = Find(name);
        if (data.Length > maximum)
        {
            throw new SnapshotException($"field '{name}' of component '{_component}' is {data.Length} bytes, more than {maximum}");
        }

        values = (byte[])data.Clone();
    }

    /// <summary>Whether a field exists (always true when saving); for fields that older versions lack.</summary>
    /// <param name="name">Field name.</param>
    public bool Optional(string name) => !IsLoading || _fields.ContainsKey(name);

    /// <summary>Throws when a loaded value is outside what the component can hold.</summary>
    /// <param name="valid">Whether the value is valid.</param>
    /// <param name="name">Field name.</param>
    /// <exception cref="SnapshotException">It is not.</exception>
    public void Check(bool valid, string name)
    {
        if (!valid)
        {
            throw new SnapshotException($"field '{name}' of component '{_component}' is out of range");
        }
    }

    /// <summary>The saved bytes of all fields, in the order in which they were added.</summary>
    public byte[] ToArray()
    {
        using MemoryStream stream = new();
        Span<byte> number = stackalloc byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(number, _fields.Count);
        stream.Write(number);
        foreach ((string name, byte[] data) in _fields)
        {
            byte[] utf8 = Encoding.UTF8.GetBytes(name);
            BinaryPrimitives.WriteInt32LittleEndian(number, utf8.Length);
            stream.Write(number);
            stream.Write(utf8);
            BinaryPrimitives.WriteInt32LittleEndian(number, data.Length);
            stream.Write(number);
            stream.Write(data);
        }

        return stream.ToArray();
    }

    private static int Int32(ReadOnlySpan<byte> data, ref int at) => BinaryPrimitives.ReadInt32LittleEndian(Take(data, ref at, 4));

    private static ReadOnlySpan<byte> Take(ReadOnlySpan<byte> data, ref int at, int length)
    {
        if (length < 0 || length > data.Length - at)
        {
            throw new SnapshotException("a component ends in the middle of a field");
        }

        ReadOnlySpan<byte> taken = data.Slice(at, length);
        at += length;
        return taken;
    }

    private void Bytes(string name, Span<byte> bytes)
    {
        if (!IsLoading)
        {
            Add(name, bytes.ToArray());
            return;
        }

        byte[] data = Find(name);
        if (data.Length != bytes.Length)
        {
            throw new SnapshotException($"field '{name}' of component '{_component}' is {data.Length} bytes, expected {bytes.Length}");
        }

        data.CopyTo(bytes);
    }

    private void Add(string name, byte[] data)
    {
        if (!_fields.TryAdd(name, data))
        {
            throw new InvalidOperationException($"component '{_component}' saves the field '{name}' twice");
        }
    }

    private byte[] Find(string name) => _fields.TryGetValue(name, out byte[]? data)
        ? data
        : throw new SnapshotException($"component '{_component}' lacks the field '{name}'");
}
