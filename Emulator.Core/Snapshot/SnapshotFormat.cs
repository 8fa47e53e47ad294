// The snapshot container, all numbers little-endian:
//   8 bytes  magic: 89h "EMU" CR LF 1Ah LF (shows damage by text-mode copying, as PNG's does)
//   int32    format version
//   int32    number of chunks
// and each chunk:
//   int32    length of its name, then the name in UTF-8
//   int32    version of its contents
//   int32    flags: bit 0 packed with Brotli
//   int64    length of the contents, unpacked
//   int64    length as stored, then the stored bytes
//   uint32   CRC-32C of the stored bytes, then of the chunk's header above
using System.Numerics;
using System.Runtime.InteropServices;

namespace Emulator.Core.Snapshot;

/// <summary>Constants of the container.</summary>
internal static class SnapshotFormat
{
    public const int Version = 1;
    public const int PackedFlag = 1;
    public const int NameMaximum = 256;
    public const int ChunkMaximum = 4096;

    public static ReadOnlySpan<byte> Magic => [0x89, (byte)'E', (byte)'M', (byte)'U', 0x0D, 0x0A, 0x1A, 0x0A];

    /// <summary>Continues a CRC-32C (Castagnoli), without the final inversion.</summary>
    public static uint Crc(uint crc, ReadOnlySpan<byte> data)
    {
        ReadOnlySpan<ulong> words = MemoryMarshal.Cast<byte, ulong>(data);
        foreach (ulong word in words)
        {
            crc = BitOperations.Crc32C(crc, word);
        }

        foreach (byte b in data[(words.Length * sizeof(ulong))..])
        {
            crc = BitOperations.Crc32C(crc, b);
        }

        return crc;
    }
}
