using System.Buffers.Binary;
using System.IO.Compression;

namespace Emulator.Devices.Vga;

/// <summary>Writes pictures as PNG (ISO/IEC 15948): 8 bits for each of red, green and blue, one IDAT chunk.</summary>
public static class PngImage
{
    private const byte Rgb = 2;
    private const byte UpFilter = 2;

    private static readonly uint[] CrcTable = CreateCrcTable();

    /// <summary>Writes a picture.</summary>
    /// <param name="stream">Receives the file.</param>
    /// <param name="pixels">Pixels as 0xXXRRGGBB, line after line.</param>
    /// <param name="width">Pixels of a line, at least 1.</param>
    /// <param name="height">Lines, at least 1.</param>
    /// <exception cref="ArgumentException">There are not width times height pixels.</exception>
    public static void Write(Stream stream, ReadOnlySpan<uint> pixels, int width, int height)
    {
        ArgumentNullException.ThrowIfNull(stream);
        if (width < 1 || height < 1 || pixels.Length != (long)width * height)
        {
            throw new ArgumentException("a picture has width times height pixels", nameof(pixels));
        }

        stream.Write([0x89, (byte)'P', (byte)'N', (byte)'G', (byte)'\r', (byte)'\n', 0x1A, (byte)'\n']);
        Span<byte> header = stackalloc byte[13];
        BinaryPrimitives.WriteInt32BigEndian(header, width);
        BinaryPrimitives.WriteInt32BigEndian(header[4..], height);
        header[8] = 8;
        header[9] = Rgb;
        header[10] = header[11] = header[12] = 0;
        WriteChunk(stream, "IHDR"u8, header);
        WriteChunk(stream, "IDAT"u8, Compress(pixels, width, height));
        WriteChunk(stream, "IEND"u8, []);
    }

    private static byte[] Compress(ReadOnlySpan<uint> pixels, int width, int height)
    {
        using MemoryStream packed = new();
        using (ZLibStream zlib = new(packed, CompressionLevel.Optimal, leaveOpen: true))
        {
            byte[] above = new byte[3 * width];
            byte[] line = new byte[3 * width];
            byte[] filtered = new byte[1 + (3 * width)];
            filtered[0] = UpFilter;
            for (int y = 0; y < height; y++)
            {
                for (int x = 0; x < width; x++)
                {
                    uint pixel = pixels[(y * width) + x];
                    line[3 * x] = (byte)(pixel >> 16);
                    line[(3 * x) + 1] = (byte)(pixel >> 8);
                    line[(3 * x) + 2] = (byte)pixel;
                }

                for (int i = 0; i < line.Length; i++)
                {
                    filtered[1 + i] = (byte)(line[i] - above[i]);
                }

                zlib.Write(filtered);
                (above, line) = (line, above);
            }
        }

        return packed.ToArray();
    }

    private static void WriteChunk(Stream stream, ReadOnlySpan<byte> type, ReadOnlySpan<byte> data)
    {
        Span<byte> number = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(number, data.Length);
        stream.Write(number);
        stream.Write(type);
        stream.Write(data);
        BinaryPrimitives.WriteUInt32BigEndian(number, ~Crc(Crc(uint.MaxValue, type), data));
        stream.Write(number);
    }

    private static uint Crc(uint crc, ReadOnlySpan<byte> data)
    {
        foreach (byte b in data)
        {
            crc = CrcTable[(byte)(crc ^ b)] ^ (crc >> 8);
        }

        return crc;
    }

    private static uint[] CreateCrcTable()
    {
        uint[] table = new uint[256];
        for (uint i = 0; i < 256; i++)
        {
            uint c = i;
            for (int bit = 0; bit < 8; bit++)
            {
                c = (c & 1) != 0 ? 0xEDB88320 ^ (c >> 1) : c >> 1;
            }

            table[i] = c;
        }

        return table;
    }
}
