namespace Emulator.Frontend.Terminal;

/// <summary>Standard output as a stream of bytes, written in pieces: <see cref="Flush"/> is called every few milliseconds.</summary>
internal sealed class StandardOutput : IDisposable
{
    private readonly Stream _stream = Console.OpenStandardOutput();
    private readonly byte[] _buffer = new byte[4096];
    private int _used;

    /// <summary>Whether what was written ends within a line.</summary>
    public bool IsWithinLine { get; private set; }

    /// <summary>Writes a byte.</summary>
    /// <exception cref="UsageException">Standard output cannot be written.</exception>
    public void Write(byte value)
    {
        if (_used == _buffer.Length)
        {
            Flush();
        }

        _buffer[_used++] = value;
        IsWithinLine = value != (byte)'\n';
    }

    /// <summary>Hands on what was written.</summary>
    /// <exception cref="UsageException">Standard output cannot be written.</exception>
    public void Flush()
    {
        if (_used == 0)
        {
            return;
        }

        int count = _used;
        _used = 0;
        try
        {
            _stream.Write(_buffer, 0, count);
            _stream.Flush();
        }
        catch (IOException e)
        {
            throw new UsageException($"standard output cannot be written: {e.Message.ReplaceLineEndings(" ")}", e);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Flush();
        _stream.Dispose();
    }
}
