using System.Text;

namespace Emulator.Frontend.Running;

/// <summary>The last output of one source, for the report of a failed run.</summary>
public sealed class OutputTail
{
    /// <summary>Bytes kept.</summary>
    public const int Capacity = 4096;

    /// <summary>Lines shown.</summary>
    public const int Lines = 25;

    private readonly byte[] _ring = new byte[Capacity];
    private long _written;

    /// <summary>Creates an empty tail.</summary>
    /// <param name="name">Name of the source: "COM1".</param>
    public OutputTail(string name) => Name = name;

    /// <summary>Name of the source.</summary>
    public string Name { get; }

    /// <summary>Bytes written so far, those no longer kept included.</summary>
    public long Written => _written;

    /// <summary>Takes a byte.</summary>
    /// <param name="value">The byte.</param>
    public void Add(byte value) => _ring[_written++ % Capacity] = value;

    /// <summary>The last lines, with everything that a log cannot hold replaced by '.'.</summary>
    public string Text()
    {
        StringBuilder text = new();
        for (long i = Math.Max(0, _written - Capacity); i < _written; i++)
        {
            byte b = _ring[i % Capacity];
            if (b is (byte)'\n' or (byte)'\t' or (>= 0x20 and < 0x7F))
            {
                text.Append((char)b);
            }
            else if (b is not ((byte)'\r' or 0))
            {
                text.Append('.');
            }
        }

        string[] lines = text.ToString().TrimEnd('\n').Split('\n');
        return string.Join('\n', lines.TakeLast(Lines));
    }
}
