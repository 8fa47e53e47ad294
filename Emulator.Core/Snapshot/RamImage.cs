using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Emulator.Core.Memory;

namespace Emulator.Core.Snapshot;

/// <summary>
/// RAM as a snapshot chunk: its size (int64), one bit a page that says whether the page is stored (bit 0 of the first byte is page 0), and the
/// pages that are not all zero.
/// </summary>
public static unsafe class RamImage
{
    /// <summary>Name of the chunk.</summary>
    public const string ChunkName = "ram";

    private const int Version = 1;

    /// <summary>Saves RAM.</summary>
    /// <param name="memory">Physical memory.</param>
    /// <param name="writer">The file.</param>
    /// <exception cref="SnapshotException">The file cannot be written.</exception>
    public static void Save(PhysicalMemory memory, SnapshotWriter writer)
    {
        ArgumentNullException.ThrowIfNull(memory);
        ArgumentNullException.ThrowIfNull(writer);
        byte[] map = new byte[MapLength(memory)];
        long stored = 0;
        for (uint page = 0; page < PageCount(memory); page++)
        {
            if (Page(memory, page).ContainsAnyExcept((byte)0))
            {
                map[page >> 3] |= (byte)(1 << (int)(page & 7));
                stored++;
            }
        }

        writer.AddPacked(ChunkName, Version, sizeof(long) + map.Length + (stored * PhysicalMemory.PageSize), stream =>
        {
            Span<byte> size = stackalloc byte[sizeof(long)];
            BinaryPrimitives.WriteInt64LittleEndian(size, memory.RamSize);
            stream.Write(size);
            stream.Write(map);
            for (uint page = 0; page < PageCount(memory); page++)
            {
                if (IsStored(map, page))
                {
                    stream.Write(Page(memory, page));
                }
            }
        });
    }

    /// <summary>Loads RAM; decoded code is not dropped, which the CPU's own chunk does.</summary>
    /// <param name="memory">Physical memory.</param>
    /// <param name="reader">The file.</param>
    /// <exception cref="SnapshotException">The chunk is missing, damaged, or of another size of RAM.</exception>
    public static void Load(PhysicalMemory memory, SnapshotReader reader)
    {
        ArgumentNullException.ThrowIfNull(memory);
        ArgumentNullException.ThrowIfNull(reader);
        if (reader.Chunks.TryGetValue(ChunkName, out SnapshotChunk? chunk) && chunk.Version != Version)
        {
            throw new SnapshotException($"the RAM has version {chunk.Version}; this program reads version {Version}");
        }

        reader.Read(ChunkName, stream =>
        {
            Span<byte> size = stackalloc byte[sizeof(long)];
            stream.ReadExactly(size);
            if (BinaryPrimitives.ReadInt64LittleEndian(size) != memory.RamSize)
            {
                throw new SnapshotException("the RAM has another size than the machine");
            }

            byte[] map = new byte[MapLength(memory)];
            stream.ReadExactly(map);
            for (uint page = 0; page < PageCount(memory); page++)
            {
                if (IsStored(map, page))
                {
                    stream.ReadExactly(Page(memory, page));
                }
                else if (Page(memory, page).ContainsAnyExcept((byte)0))
                {
                    Page(memory, page).Clear();
                }
            }
        });
    }

    private static uint PageCount(PhysicalMemory memory) => memory.RamSize / PhysicalMemory.PageSize;

    private static int MapLength(PhysicalMemory memory) => (int)((PageCount(memory) + 7) / 8);

    private static bool IsStored(byte[] map, uint page) => (map[page >> 3] & (1 << (int)(page & 7))) != 0;

    private static Span<byte> Page(PhysicalMemory memory, uint page) =>
        MemoryMarshal.CreateSpan(ref *(memory.Ram + ((ulong)page * PhysicalMemory.PageSize)), (int)PhysicalMemory.PageSize);
}
