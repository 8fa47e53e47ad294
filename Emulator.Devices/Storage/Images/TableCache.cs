namespace Emulator.Devices.Storage.Images;

/// <summary>
/// Tables of a file that map clusters. Changes stay in memory until <see cref="WriteBack"/>, which comes after the clusters that they point to
/// are safe: so no table on the disk ever points to what is not there.
/// </summary>
internal sealed class TableCache
{
    private const int MemoryLimit = 8 << 20;

    private readonly HostFile _file;
    private readonly int _size;
    private readonly int _capacity;
    private readonly Dictionary<long, LinkedListNode<Table>> _tables = [];
    private readonly LinkedList<Table> _order = [];
    private int _dirty;

    public TableCache(HostFile file, int size)
    {
        _file = file;
        _size = size;
        _capacity = Math.Clamp(MemoryLimit / size, 4, 256);
    }

    public bool IsDirty => _dirty != 0;

    /// <summary>A table of the file.</summary>
    public byte[] Get(long offset) => Find(offset, fresh: false).Data;

    /// <summary>A new table, all zero, which is written later.</summary>
    public byte[] Create(long offset)
    {
        Table table = Find(offset, fresh: true);
        MarkDirty(table);
        return table.Data;
    }

    public void MarkDirty(long offset) => MarkDirty(Find(offset, fresh: false));

    /// <summary>Writes changed tables.</summary>
    public void WriteBack()
    {
        if (_dirty == 0)
        {
            return;
        }

        foreach (Table table in _order)
        {
            if (table.IsDirty)
            {
                _file.Write(table.Offset, table.Data);
                table.IsDirty = false;
            }
        }

        _dirty = 0;
    }

    private void MarkDirty(Table table)
    {
        if (!table.IsDirty)
        {
            table.IsDirty = true;
            _dirty++;
        }
    }

    private Table Find(long offset, bool fresh)
    {
        if (_tables.TryGetValue(offset, out LinkedListNode<Table>? node))
        {
            if (!ReferenceEquals(_order.First, node))
            {
                _order.Remove(node);
                _order.AddFirst(node);
            }

            return node.Value;
        }

        if (_tables.Count >= _capacity)
        {
            Table oldest = _order.Last!.Value;
            if (oldest.IsDirty)
            {
                _file.Flush();
                WriteBack();
            }

            _tables.Remove(oldest.Offset);
            _order.RemoveLast();
        }

        Table table = new(offset, new byte[_size]);
        if (!fresh)
        {
            _file.Read(offset, table.Data);
        }

        _tables[offset] = _order.AddFirst(table);
        return table;
    }

    private sealed class Table(long offset, byte[] data)
    {
        public long Offset { get; } = offset;

        public byte[] Data { get; } = data;

        public bool IsDirty { get; set; }
    }
}
