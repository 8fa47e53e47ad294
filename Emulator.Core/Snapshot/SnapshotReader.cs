using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;

namespace Emulator.Core.Snapshot;

/// <summary>Reads a snapshot file. The constructor checks the whole file: structure, names and the checksum of every chunk.</summary>
public sealed class SnapshotReader : IDisposable
{
    private readonly string _path;
    private readonly FileStream _file;
    private readonly Dictionary<string, SnapshotChunk> _chunks = new(StringComparer.Ordinal);

    /// <summary>Opens and checks a file.</summary>
    /// <param name="path">Path.</param>
    /// <exception cref="SnapshotException">It cannot be read, is no snapshot, or is damaged.</exception>
    public SnapshotReader(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        _path = path;
        if (Directory.Exists(path))
        {
            throw new SnapshotException($"{path}: is a directory");
        }

        try
        {
            _file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new SnapshotException($"{path}: no such file", e);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new SnapshotException($"{path}: permission denied", e);
        }
        catch (Exception e) when (e is IOException or ArgumentException or NotSupportedException)
        {
            throw new SnapshotException($"{path}: cannot be read: {e.Message.ReplaceLineEndings(" ")}", e);
        }

        try
        {
            ReadIndex();
        }
        catch (IOException e)
        {
            _file.Dispose();
            throw new SnapshotException($"{path}: cannot be read: {e.Message.ReplaceLineEndings(" ")}", e);
        }
        catch (SnapshotException)
        {
            _file.Dispose();
            throw;
        }
    }

    /// <summary>The chunks, by name.</summary>
    public IReadOnlyDictionary<string, SnapshotChunk> Chunks => _chunks;

    /// <summary>Reads a whole chunk.</summary>
    /// <param name="name">Name.</param>
    /// <param name="maximum">Longest length that makes sense.</param>
    /// <exception cref="SnapshotException">It is missing, too long, or does not unpack to its length.</exception>
    public byte[] Read(string name, long maximum)
    {
        SnapshotChunk chunk = Find(name);
        if (chunk.Length > Math.Min(maximum, Array.MaxLength))
        {
            throw Damaged($"chunk '{name}' is {chunk.Length} bytes, more than {maximum}");
        }

        byte[] data = new byte[chunk.Length];
        Read(name, stream => stream.ReadExactly(data));
        return data;
    }

    /// <summary>Reads a chunk as a stream that holds exactly <see cref="SnapshotChunk.Length"/> bytes.</summary>
    /// <param name="name">Name.</param>
    /// <param name="read">Reads all of it.</param>
    /// <exception cref="SnapshotException">It is missing or does not unpack to its length.</exception>
    public void Read(string name, Action<Stream> read)
    {
        ArgumentNullException.ThrowIfNull(read);
        SnapshotChunk chunk = Find(name);
        try
        {
            _file.Position = chunk.Position;
            using Part stored = new(_file, chunk.StoredLength);
            if (!chunk.IsPacked)
            {
                read(stored);
                return;
            }

            using BrotliStream unpacked = new(stored, CompressionMode.Decompress);
            read(unpacked);
            if (unpacked.ReadByte() >= 0)
            {
                throw Damaged($"chunk '{name}' unpacks to more than its {chunk.Length} bytes");
            }
        }
        catch (Exception e) when (e is EndOfStreamException or InvalidDataException or InvalidOperationException)
        {
            throw new SnapshotException($"{_path}: chunk '{name}' does not unpack to its {chunk.Length} bytes", e);
        }
        catch (IOException e)
        {
            throw new SnapshotException($"{_path}: cannot be read: {e.Message.ReplaceLineEndings(" ")}", e);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    private SnapshotChunk Find(string name) => _chunks.TryGetValue(name, out SnapshotChunk? chunk) ? chunk : throw Damaged($"chunk '{name}' is missing");

    private SnapshotException Damaged(string reason) => new($"{_path}: {reason}");

    private void ReadIndex()
    {
        Span<byte> head = stackalloc byte[SnapshotFormat.Magic.Length + 8];
        int got = _file.ReadAtLeast(head, head.Length, throwOnEndOfStream: false);
        if (got < SnapshotFormat.Magic.Length || !head.StartsWith(SnapshotFormat.Magic))
        {
            throw Damaged("is no machine state of this emulator");
        }

        if (got < head.Length)
        {
            throw Damaged("is cut short");
        }

        int version = BinaryPrimitives.ReadInt32LittleEndian(head[SnapshotFormat.Magic.Length..]);
        if (version != SnapshotFormat.Version)
        {
            throw Damaged($"has format version {version}; this program reads version {SnapshotFormat.Version}");
        }

        int count = BinaryPrimitives.ReadInt32LittleEndian(head[(SnapshotFormat.Magic.Length + 4)..]);
        if (count is < 0 or > SnapshotFormat.ChunkMaximum)
        {
            throw Damaged($"has {count} chunks");
        }

        for (int i = 0; i < count; i++)
        {
            ReadChunk();
        }

        if (_file.ReadByte() >= 0)
        {
            throw Damaged("has bytes behind its last chunk");
        }
    }

    private void ReadChunk()
    {
        byte[] header = new byte[4 + SnapshotFormat.NameMaximum + 24];
        Take(header.AsSpan(0, 4));
        int nameLength = BinaryPrimitives.ReadInt32LittleEndian(header);
        if (nameLength is < 1 or > SnapshotFormat.NameMaximum)
        {
            throw Damaged("has a damaged chunk header");
        }

        int headerLength = 4 + nameLength + 24;
        Take(header.AsSpan(4, nameLength + 24));
        string name = Encoding.UTF8.GetString(header, 4, nameLength);
        ReadOnlySpan<byte> rest = header.AsSpan(4 + nameLength);
        int version = BinaryPrimitives.ReadInt32LittleEndian(rest);
        int flags = BinaryPrimitives.ReadInt32LittleEndian(rest[4..]);
        long length = BinaryPrimitives.ReadInt64LittleEndian(rest[8..]);
        long stored = BinaryPrimitives.ReadInt64LittleEndian(rest[16..]);
        long position = _file.Position;
        if (stored < 0 || length < 0)
        {
            throw Damaged("has a damaged chunk header");
        }

        uint crc = uint.MaxValue;
        byte[] buffer = new byte[1 << 16];
        for (long left = stored; left > 0;)
        {
            Span<byte> part = buffer.AsSpan(0, (int)Math.Min(left, buffer.Length));
            Take(part);
            crc = SnapshotFormat.Crc(crc, part);
            left -= part.Length;
        }

        crc = SnapshotFormat.Crc(crc, header.AsSpan(0, headerLength));
        Span<byte> expected = stackalloc byte[4];
        Take(expected);
        bool packed = flags == SnapshotFormat.PackedFlag;
        if (BinaryPrimitives.ReadUInt32LittleEndian(expected) != ~crc)
        {
            throw Damaged("is damaged (a checksum is wrong)");
        }

        if (flags is not (0 or SnapshotFormat.PackedFlag) || (!packed && stored != length))
        {
            throw Damaged($"chunk '{name}' has an unknown form");
        }

        SnapshotChunk chunk = new(name, version, length) { Position = position, StoredLength = stored, IsPacked = packed };
        if (!_chunks.TryAdd(name, chunk))
        {
            throw Damaged($"has the chunk '{name}' twice");
        }
    }

    private void Take(Span<byte> bytes)
    {
        if (_file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false) < bytes.Length)
        {
            throw Damaged("is cut short");
        }
    }

    /// <summary>A window on the file.</summary>
    private sealed class Part : Stream
    {
        private readonly FileStream _file;
        private long _left;

        public Part(FileStream file, long length)
        {
            _file = file;
            _left = length;
        }

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override int Read(Span<byte> buffer)
        {
            int count = _file.Read(buffer[..(int)Math.Min(buffer.Length, _left)]);
            _left -= count;
            return count;
        }

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
