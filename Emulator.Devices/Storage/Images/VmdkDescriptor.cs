using System.Globalization;
using System.Text;

namespace Emulator.Devices.Storage.Images;

/// <summary>The text that describes a VMDK disk (VMware's "Virtual Disk Format 5.0"), with the one extent that is supported.</summary>
internal sealed class VmdkDescriptor
{
    public const int MaximumLength = 65536;

    private VmdkDescriptor(string createType, IReadOnlyList<VmdkExtent> extents)
    {
        CreateType = createType;
        Extents = extents;
    }

    public string CreateType { get; }

    public IReadOnlyList<VmdkExtent> Extents { get; }

    /// <summary>Reads a descriptor.</summary>
    /// <exception cref="StorageException">It is none, or describes a link to another disk.</exception>
    public static VmdkDescriptor Parse(string path, ReadOnlySpan<byte> bytes)
    {
        int end = bytes.IndexOf((byte)0);
        string text = Encoding.UTF8.GetString(end < 0 ? bytes : bytes[..end]);
        string createType = "";
        List<VmdkExtent> extents = [];
        foreach (string raw in text.Split('\n'))
        {
            string line = raw.Trim();
            if (line.StartsWith("parentCID=", StringComparison.Ordinal) && !line.EndsWith("ffffffff", StringComparison.OrdinalIgnoreCase))
            {
                throw new StorageException($"{path}: cannot be used: it is a link to another VMDK");
            }

            if (line.StartsWith("createType=", StringComparison.Ordinal))
            {
                createType = line["createType=".Length..].Trim('"');
            }
            else if (VmdkExtent.TryParse(line, out VmdkExtent? extent))
            {
                extents.Add(extent!);
            }
        }

        return new VmdkDescriptor(createType, extents);
    }

    /// <summary>Writes a descriptor.</summary>
    public static byte[] Build(string createType, string extent, long sectors, uint contentId)
    {
        const int Heads = 16;
        const int SectorsPerTrack = 63;
        long cylinders = Math.Min(sectors / (Heads * SectorsPerTrack), 16383);
        return Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"""
            # Disk DescriptorFile
            version=1
            CID={contentId:x8}
            parentCID=ffffffff
            createType="{createType}"

            # Extent description
            {extent}

            # The Disk Data Base
            #DDB

            ddb.virtualHWVersion = "4"
            ddb.geometry.cylinders = "{cylinders}"
            ddb.geometry.heads = "{Heads}"
            ddb.geometry.sectors = "{SectorsPerTrack}"
            ddb.adapterType = "ide"

            """));
    }
}
