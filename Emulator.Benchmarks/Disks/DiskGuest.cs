using System.Buffers.Binary;

namespace Emulator.Benchmarks.Disks;

/// <summary>The guest of <c>Guests/disk-guest.asm</c> with its parameters, and what it writes, computed again.</summary>
internal sealed class DiskGuest
{
    public const int SectorSize = 512;
    private const string Resource = "disk-guest.bin";
    private const int MostSectors = 128;

    private readonly uint _seed;
    private readonly uint _sectors;
    private readonly uint _amount;
    private readonly uint _between;

    /// <summary>Describes a run that writes.</summary>
    /// <param name="seed">Not 0.</param>
    /// <param name="sectors">Of the disk.</param>
    /// <param name="amount">Sectors to write, at least.</param>
    /// <param name="between">Writes from one flush to the next.</param>
    public DiskGuest(uint seed, long sectors, long amount, uint between)
    {
        _seed = seed;
        _sectors = checked((uint)sectors);
        _amount = checked((uint)amount);
        _between = between;
    }

    /// <summary>The guest, to write.</summary>
    public byte[] Writer() => Patch(_seed, mode: 0, _sectors, _amount, _between);

    /// <summary>The guest, to read a disk once.</summary>
    /// <param name="sectors">Of the disk.</param>
    public static byte[] Reader(long sectors) => Patch(1, mode: 1, checked((uint)sectors), 0, 1);

    /// <summary>What a reader says of a disk.</summary>
    public static uint Checksum(ReadOnlySpan<byte> disk)
    {
        uint sum = 0;
        for (int i = 0; i < disk.Length; i += 4)
        {
            sum = uint.RotateLeft(sum, 1) + BinaryPrimitives.ReadUInt32LittleEndian(disk[i..]);
        }

        return sum;
    }

    /// <summary>The writes, in order: number from 1, first sector, bytes.</summary>
    public IEnumerable<(int Number, long Sector, byte[] Data)> Writes()
    {
        uint state = _seed;
        long left = _amount;
        for (int number = 1; left > 0; number++)
        {
            uint count = (Next(ref state) & (MostSectors - 1)) + 1;
            uint sector = Next(ref state) % (_sectors - count + 1);
            byte[] data = new byte[count * SectorSize];
            for (int i = 0; i < data.Length; i += 4)
            {
                BinaryPrimitives.WriteUInt32LittleEndian(data.AsSpan(i), Next(ref state));
            }

            yield return (number, sector, data);
            left -= count;
        }
    }

    private static uint Next(ref uint state)
    {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        return state;
    }

    private static byte[] Patch(uint seed, uint mode, uint sectors, uint amount, uint between)
    {
        using Stream stream = typeof(DiskGuest).Assembly.GetManifestResourceStream(Resource) ?? throw new InvalidOperationException($"the resource {Resource} is missing");
        byte[] image = new byte[stream.Length];
        stream.ReadExactly(image);
        ReadOnlySpan<byte> mark = "PARAMETERS......"u8;
        Span<byte> at = image.AsSpan(image.AsSpan().IndexOf(mark) + mark.Length);
        uint[] values = [seed, mode, sectors, amount, between, 1];
        for (int i = 0; i < values.Length; i++)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(at[(4 * i)..], values[i]);
        }

        return image;
    }
}
