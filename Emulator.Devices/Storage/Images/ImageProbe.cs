using System.Buffers.Binary;

namespace Emulator.Devices.Storage.Images;

/// <summary>Recognizes image formats by their signatures.</summary>
internal static class ImageProbe
{
    private const uint QcowMagic = 0x514649FB; // "QFI\xFB"

    /// <summary>The format of a file, or null when nothing matches and it is raw.</summary>
    public static string? Of(HostFile file)
    {
        Span<byte> sector = stackalloc byte[BlockImage.SectorSize];
        file.Read(0, sector);
        if (OfHeader(sector) is { } format)
        {
            return format;
        }

        if (file.Length >= BlockImage.SectorSize)
        {
            file.Read(file.Length - BlockImage.SectorSize, sector);
            if (IsVhdFooter(sector))
            {
                return "vpc";
            }
        }

        return null;
    }

    /// <summary>The format that the first sector shows, or null.</summary>
    public static string? OfHeader(ReadOnlySpan<byte> sector)
    {
        if (BinaryPrimitives.ReadUInt32BigEndian(sector) == QcowMagic)
        {
            return "qcow2";
        }

        if (sector.StartsWith("KDMV"u8) || sector.StartsWith("COWD"u8) || sector.IndexOf("# Disk DescriptorFile"u8) is >= 0 and < 64)
        {
            return "vmdk";
        }

        return IsVhdFooter(sector) ? "vpc" : null;
    }

    /// <summary>Whether a sector is the footer of a VHD, or the copy of it that a dynamic one starts with.</summary>
    public static bool IsVhdFooter(ReadOnlySpan<byte> sector) => sector.StartsWith("conectix"u8);
}
