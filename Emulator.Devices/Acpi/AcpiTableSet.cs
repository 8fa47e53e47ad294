using System.Buffers.Binary;
using System.Text;

namespace Emulator.Devices.Acpi;

/// <summary>
/// ACPI tables in two blocks, the root pointer and the rest, that can be placed anywhere: by <see cref="Place"/>, or by firmware that follows
/// <see cref="LoaderScript"/> ("etc/table-loader" of QEMU's fw_cfg, docs/specs/acpi_loader as SeaBIOS implements it). Pointers hold offsets
/// into the tables until then.
/// </summary>
internal sealed class AcpiTableSet
{
    /// <summary>Name of the file with the root pointer.</summary>
    public const string RootFile = "etc/acpi/rsdp";

    /// <summary>Name of the file with the tables.</summary>
    public const string TablesFile = "etc/acpi/tables";

    private const int HeaderSize = 36;
    private const int RootSize = 20;
    private const int ScriptEntry = 128;
    private const int NameLength = 56;
    private const uint CommandAllocate = 1;
    private const uint CommandPointer = 2;
    private const uint CommandChecksum = 3;
    private const byte ZoneHigh = 1;
    private const byte ZoneFirmwareSegment = 2;

    private readonly List<byte> _tables = [];
    private readonly List<int> _pointers = [];
    private readonly List<(int Start, int Length)> _checksums = [];
    private readonly byte[] _root = new byte[RootSize];

    /// <summary>The root pointer; its RSDT address is an offset into <see cref="Tables"/>.</summary>
    public byte[] Root => [.. _root];

    /// <summary>The tables.</summary>
    public byte[] Tables => [.. _tables];

    /// <summary>Offset at which the next table will lie.</summary>
    public int Next => (_tables.Count + 63) & ~63;

    /// <summary>Adds raw bytes (the FACS), aligned to 64 bytes.</summary>
    /// <returns>Its offset.</returns>
    public int Add(ReadOnlySpan<byte> table)
    {
        int at = Next;
        _tables.AddRange(new byte[at - _tables.Count]);
        _tables.AddRange(table);
        return at;
    }

    /// <summary>Adds a table with a header; checksums are set when it is placed.</summary>
    /// <param name="signature">Four characters.</param>
    /// <param name="revision">Revision.</param>
    /// <param name="body">What follows the header.</param>
    /// <param name="pointers">Offsets in the body of 32-bit pointers; each holds the offset of its target.</param>
    /// <returns>Its offset.</returns>
    public int Add(string signature, byte revision, ReadOnlySpan<byte> body, params ReadOnlySpan<int> pointers)
    {
        byte[] table = new byte[HeaderSize + body.Length];
        Encoding.ASCII.GetBytes(signature).CopyTo(table, 0);
        BinaryPrimitives.WriteInt32LittleEndian(table.AsSpan(4), table.Length);
        table[8] = revision;
        "EMULTR"u8.CopyTo(table.AsSpan(10));
        "I440FXPC"u8.CopyTo(table.AsSpan(16));
        BinaryPrimitives.WriteInt32LittleEndian(table.AsSpan(24), 1);
        "EMUL"u8.CopyTo(table.AsSpan(28));
        BinaryPrimitives.WriteInt32LittleEndian(table.AsSpan(32), 1);
        body.CopyTo(table.AsSpan(HeaderSize));
        int at = Add(table);
        foreach (int pointer in pointers)
        {
            _pointers.Add(at + HeaderSize + pointer);
        }

        _checksums.Add((at, table.Length));
        return at;
    }

    /// <summary>Ends the set with the root table and the root pointer.</summary>
    /// <param name="tables">Offsets of the tables that the root table lists.</param>
    public void Finish(params ReadOnlySpan<int> tables)
    {
        byte[] body = new byte[4 * tables.Length];
        int[] pointers = new int[tables.Length];
        for (int i = 0; i < tables.Length; i++)
        {
            pointers[i] = 4 * i;
            BinaryPrimitives.WriteInt32LittleEndian(body.AsSpan(4 * i), tables[i]);
        }

        int rootTable = Add("RSDT", 1, body, pointers);
        "RSD PTR "u8.CopyTo(_root);
        "EMULTR"u8.CopyTo(_root.AsSpan(9));
        BinaryPrimitives.WriteInt32LittleEndian(_root.AsSpan(16), rootTable);
    }

    /// <summary>The two blocks for given places.</summary>
    /// <param name="tablesAddress">Physical address of the tables, a multiple of 64.</param>
    /// <returns>Root pointer and tables, with addresses and checksums.</returns>
    public (byte[] Root, byte[] Tables) Place(uint tablesAddress)
    {
        byte[] tables = Tables;
        byte[] root = Root;
        foreach (int at in _pointers)
        {
            Relocate(tables.AsSpan(at), tablesAddress);
        }

        Relocate(root.AsSpan(16), tablesAddress);
        foreach ((int start, int length) in _checksums)
        {
            tables[start + 9] = Checksum(tables.AsSpan(start, length));
        }

        root[8] = Checksum(root);
        return (root, tables);
    }

    /// <summary>What firmware does to place the two files: allocate, add addresses to pointers, compute checksums.</summary>
    public byte[] LoaderScript()
    {
        List<byte> script = [];
        AddAllocate(script, RootFile, 16, ZoneFirmwareSegment);
        AddAllocate(script, TablesFile, 64, ZoneHigh);
        foreach (int at in _pointers)
        {
            AddPointer(script, TablesFile, at);
        }

        AddPointer(script, RootFile, 16);
        foreach ((int start, int length) in _checksums)
        {
            AddChecksum(script, TablesFile, start + 9, start, length);
        }

        AddChecksum(script, RootFile, 8, 0, RootSize);
        return [.. script];
    }

    private static void Relocate(Span<byte> pointer, uint address) =>
        BinaryPrimitives.WriteUInt32LittleEndian(pointer, BinaryPrimitives.ReadUInt32LittleEndian(pointer) + address);

    private static byte Checksum(ReadOnlySpan<byte> data)
    {
        byte sum = 0;
        foreach (byte value in data)
        {
            sum += value;
        }

        return (byte)-sum;
    }

    private static void AddAllocate(List<byte> script, string file, uint alignment, byte zone)
    {
        Span<byte> entry = stackalloc byte[ScriptEntry];
        Begin(entry, CommandAllocate, file);
        BinaryPrimitives.WriteUInt32LittleEndian(entry[(4 + NameLength)..], alignment);
        entry[4 + NameLength + 4] = zone;
        script.AddRange(entry);
    }

    private static void AddPointer(List<byte> script, string file, int offset)
    {
        Span<byte> entry = stackalloc byte[ScriptEntry];
        Begin(entry, CommandPointer, file);
        Encoding.ASCII.GetBytes(TablesFile, entry[(4 + NameLength)..]);
        BinaryPrimitives.WriteInt32LittleEndian(entry[(4 + (2 * NameLength))..], offset);
        entry[4 + (2 * NameLength) + 4] = sizeof(uint);
        script.AddRange(entry);
    }

    private static void AddChecksum(List<byte> script, string file, int offset, int start, int length)
    {
        Span<byte> entry = stackalloc byte[ScriptEntry];
        Begin(entry, CommandChecksum, file);
        BinaryPrimitives.WriteInt32LittleEndian(entry[(4 + NameLength)..], offset);
        BinaryPrimitives.WriteInt32LittleEndian(entry[(4 + NameLength + 4)..], start);
        BinaryPrimitives.WriteInt32LittleEndian(entry[(4 + NameLength + 8)..], length);
        script.AddRange(entry);
    }

    private static void Begin(Span<byte> entry, uint command, string file)
    {
        entry.Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(entry, command);
        Encoding.ASCII.GetBytes(file, entry[4..]);
    }
}
