using System.Buffers.Binary;
using System.Reflection;

namespace TestRoms;

/// <summary>
/// The demo disk: a hard disk with a small system of ours, which <c>emu</c> alone starts. Its sources are in <c>TestRoms/demo</c>; the image holds
/// no more than what is used, and is extended to its full size here.
/// </summary>
public static class DemoDisk
{
    private const string Resource = "images/demo.img";
    private const int SectorSize = 512;
    private const int FirstPartition = 446;

    /// <summary>Reads the disk.</summary>
    /// <returns>A fresh array with all sectors up to the end of the partition.</returns>
    public static byte[] Open()
    {
        using Stream stream = Assembly.GetExecutingAssembly().GetManifestResourceStream(Resource)
            ?? throw new InvalidOperationException($"The resource '{Resource}' is missing from the assembly.");
        byte[] used = new byte[stream.Length];
        stream.ReadExactly(used);
        ReadOnlySpan<byte> entry = used.AsSpan(FirstPartition);
        long sectors = (long)BinaryPrimitives.ReadUInt32LittleEndian(entry[8..]) + BinaryPrimitives.ReadUInt32LittleEndian(entry[12..]);
        byte[] disk = new byte[sectors * SectorSize];
        used.CopyTo(disk, 0);
        return disk;
    }
}
