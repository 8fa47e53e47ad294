using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;

namespace Emulator.Core.Snapshot;

/// <summary>
/// Writes a snapshot file: into a temporary file beside the target, which takes the target's name in one step when everything is
/// written (<see cref="Commit"/>); otherwise nothing is left behind.
/// </summary>
public sealed class SnapshotWriter : IDisposable
{
    private readonly string _path;
    private readonly string _temporary;
    private readonly FileStream _file;
    private readonly HashSet<string> _names = new(StringComparer.Ordinal);
    private bool _committed;

    /// <summary>Opens a temporary file.</summary>
    /// <param name="path">The target.</param>
    /// <exception cref="SnapshotException">It cannot be written there.</exception>
    public SnapshotWriter(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (Directory.Exists(path))
        {
            throw new SnapshotException($"{path}: is a directory");
        }

        try
        {
            _path = File.Exists(path) ? File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? Path.GetFullPath(path) : Path.GetFullPath(path);
            if (_path.StartsWith("/dev/", StringComparison.Ordinal) || _path.StartsWith("/proc/", StringComparison.Ordinal))
            {
                throw new SnapshotException($"{path}: is no regular file");
            }

            _temporary = $"{_path}.{Environment.ProcessId}.tmp";
            _file = new FileStream(_temporary, FileMode.Create, FileAccess.ReadWrite, FileShare.None, 1 << 16);
            _file.Write(SnapshotFormat.Magic);
            WriteInt32(_file, SnapshotFormat.Version);
            WriteInt32(_file, 0);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException or ArgumentException)
        {
            _file?.Dispose();
            throw Failed(path, e);
        }
    }

    /// <summary>Writes a chunk as it is.</summary>
    /// <param name="name">Name, unique in the file.</param>
    /// <param name="version">Version of the contents.</param>
    /// <param name="data">Contents.</param>
    /// <exception cref="SnapshotException">The file cannot be written.</exception>
    public void Add(string name, int version, ReadOnlySpan<byte> data)
    {
        try
        {
            byte[] header = Header(name, version, 0, data.Length, data.Length);
            _file.Write(header);
            _file.Write(data);
            WriteCrc(SnapshotFormat.Crc(SnapshotFormat.Crc(uint.MaxValue, data), header));
        }
        catch (IOException e)
        {
            throw Failed(_path, e);
        }
    }

    /// <summary>Writes a chunk packed.</summary>
    /// <param name="name">Name, unique in the file.</param>
    /// <param name="version">Version of the contents.</param>
    /// <param name="length">Bytes that <paramref name="write"/> writes.</param>
    /// <param name="write">Writes the contents.</param>
    /// <exception cref="SnapshotException">The file cannot be written.</exception>
    public void AddPacked(string name, int version, long length, Action<Stream> write)
    {
        ArgumentNullException.ThrowIfNull(write);
        try
        {
            long start = _file.Position;
            _file.Write(Header(name, version, SnapshotFormat.PackedFlag, length, 0));
            CrcStream stored = new(_file);
            using (BrotliStream packed = new(stored, CompressionLevel.Fastest, leaveOpen: true))
            {
                write(packed);
            }

            // The stored length is known now, so the header is written again.
            byte[] header = Header(name, version, SnapshotFormat.PackedFlag, length, stored.Length, again: true);
            long end = _file.Position;
            _file.Position = start;
            _file.Write(header);
            _file.Position = end;
            WriteCrc(SnapshotFormat.Crc(stored.Crc, header));
        }
        catch (IOException e)
        {
            throw Failed(_path, e);
        }
    }

    /// <summary>Finishes the file and gives it its name.</summary>
    /// <exception cref="SnapshotException">The file cannot be written.</exception>
    public void Commit()
    {
        try
        {
            _file.Position = SnapshotFormat.Magic.Length + sizeof(int);
            WriteInt32(_file, _names.Count);
            _file.Flush(flushToDisk: true);
            _file.Dispose();
            File.Move(_temporary, _path, overwrite: true);
            _committed = true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Failed(_path, e);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _file.Dispose();
        if (!_committed)
        {
            File.Delete(_temporary);
        }
    }

    private static SnapshotException Failed(string path, Exception e) => new($"{path}: cannot be written: {e.Message.ReplaceLineEndings(" ")}", e);

    private static void WriteInt32(Stream stream, int value)
    {
        Span<byte> bytes = stackalloc byte[sizeof(int)];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, value);
        stream.Write(bytes);
    }

    private byte[] Header(string name, int version, int flags, long length, long storedLength, bool again = false)
    {
        if (_names.Add(name) == again)
        {
            throw new InvalidOperationException($"the snapshot has the chunk '{name}' twice");
        }

        byte[] utf8 = Encoding.UTF8.GetBytes(name);
        byte[] header = new byte[4 + utf8.Length + 24];
        BinaryPrimitives.WriteInt32LittleEndian(header, utf8.Length);
        utf8.CopyTo(header, 4);
        Span<byte> rest = header.AsSpan(4 + utf8.Length);
        BinaryPrimitives.WriteInt32LittleEndian(rest, version);
        BinaryPrimitives.WriteInt32LittleEndian(rest[4..], flags);
        BinaryPrimitives.WriteInt64LittleEndian(rest[8..], length);
        BinaryPrimitives.WriteInt64LittleEndian(rest[16..], storedLength);
        return header;
    }

    private void WriteCrc(uint crc) => WriteInt32(_file, (int)~crc);

    /// <summary>Passes writes on and sums them up.</summary>
    private sealed class CrcStream(Stream target) : Stream
    {
        private long _length;

        public uint Crc { get; private set; } = uint.MaxValue;

        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => _length;

        public override long Position
        {
            get => _length;
            set => throw new NotSupportedException();
        }

        public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            Crc = SnapshotFormat.Crc(Crc, buffer);
            _length += buffer.Length;
            target.Write(buffer);
        }

        public override void Flush()
        {
        }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();
    }
}
