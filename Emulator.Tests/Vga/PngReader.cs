using System.Buffers.Binary;
using System.IO.Compression;

namespace Emulator.Tests.Vga;

/// <summary>Reads what our writer writes, by the standard: all chunks, all filters, 8-bit RGB.</summary>
internal static class PngReader
{
    public static (int Width, int Height, uint[] Pixels) Read(byte[] file)
    {
        using MemoryStream packed = new();
        int width = 0;
        int height = 0;
        for (int at = 8; at < file.Length;)
        {
            int length = BinaryPrimitives.ReadInt32BigEndian(file.AsSpan(at));
            string type = System.Text.Encoding.ASCII.GetString(file, at + 4, 4);
            ReadOnlySpan<byte> data = file.AsSpan(at + 8, length);
            if (type == "IHDR")
            {
                width = BinaryPrimitives.ReadInt32BigEndian(data);
                height = BinaryPrimitives.ReadInt32BigEndian(data[4..]);
            }
            else if (type == "IDAT")
            {
                packed.Write(data);
            }

            at += 12 + length;
        }

        packed.Position = 0;
        using ZLibStream zlib = new(packed, CompressionMode.Decompress);
        uint[] pixels = new uint[width * height];
        byte[] above = new byte[3 * width];
        byte[] line = new byte[(3 * width) + 1];
        for (int y = 0; y < height; y++)
        {
            zlib.ReadExactly(line);
            for (int i = 0; i < 3 * width; i++)
            {
                int left = i >= 3 ? line[i - 2] : 0;
                int predicted = line[0] switch { 0 => 0, 1 => left, 2 => above[i], 3 => (left + above[i]) / 2, _ => throw new InvalidDataException("filter") };
                line[i + 1] += (byte)predicted;
            }

            line.AsSpan(1).CopyTo(above);
            for (int x = 0; x < width; x++)
            {
                pixels[(y * width) + x] = 0xFF000000 | ((uint)above[3 * x] << 16) | ((uint)above[(3 * x) + 1] << 8) | above[(3 * x) + 2];
            }
        }

        return (width, height, pixels);
    }
}
