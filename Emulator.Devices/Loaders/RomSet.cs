using Emulator.Core.Memory;

namespace Emulator.Devices.Loaders;

/// <summary>
/// The bare images of a machine. An image in the adapter and BIOS area (C0000h to FFFFFh) or above RAM is read-only memory; one that ends at
/// 1 MiB also appears below 4 GiB, where the CPU starts. An image in RAM is copied there at every reset.
/// </summary>
public sealed class RomSet
{
    private const ulong ResetVector = 0xFFFFFFF0;
    private const ulong AdapterStart = 0xC0000;
    private const ulong LowRamEnd = 0xA0000;
    private const ulong Mebibyte = 0x100000;
    private const ulong AddressSpace = 0x1_0000_0000;

    private readonly List<RomImage> _readOnly = [];
    private readonly List<RomImage> _writable = [];

    /// <summary>Checks images against each other and the machine.</summary>
    /// <param name="images">The images.</param>
    /// <param name="ramSize">Bytes of RAM.</param>
    /// <exception cref="LoaderException">An image does not fit, or two overlap.</exception>
    public RomSet(IEnumerable<RomImage> images, uint ramSize)
    {
        ArgumentNullException.ThrowIfNull(images);
        foreach (RomImage image in images)
        {
            if (image.End > AddressSpace)
            {
                throw new LoaderException($"{image.File.Name}: {image.File.Data.Length} bytes at {image.Address:X8}h reach beyond 4 GiB");
            }

            if (image.End <= Math.Min(ramSize, LowRamEnd) || (image.Address >= Mebibyte && image.End <= ramSize))
            {
                Add(_writable, image);
            }
            else if ((image.Address >= AdapterStart && image.End <= Mebibyte) || image.Address >= Math.Max(ramSize, Mebibyte))
            {
                Add(_readOnly, image);
                if (image.End == Mebibyte)
                {
                    Add(_readOnly, image with { Address = (uint)(AddressSpace - (ulong)image.File.Data.Length) });
                }
            }
            else
            {
                throw new LoaderException($"{image.File.Name}: {image.Address:X8}h–{image.End - 1:X8}h is neither all RAM nor all ROM space (C0000h–FFFFFh, or above RAM)");
            }
        }
    }

    /// <summary>Whether the CPU finds code at its reset vector.</summary>
    public bool CoversResetVector => _readOnly.Exists(r => r.Address <= ResetVector && r.End > ResetVector);

    /// <summary>The first image in RAM below 1 MiB, which starts when nothing else does; null when there is none.</summary>
    public RomImage? Program => _writable.Find(r => r.End <= LowRamEnd);

    /// <summary>Maps the read-only images; done once, when the machine is built.</summary>
    /// <param name="memory">Physical memory.</param>
    public void Map(PhysicalMemory memory)
    {
        ArgumentNullException.ThrowIfNull(memory);

        // Images may start within a page and share one, so whole pages are put together first.
        List<Page> pages = [];
        foreach (RomImage image in _readOnly)
        {
            for (int at = 0; at < image.File.Data.Length;)
            {
                uint address = image.Address + (uint)at;
                int offset = (int)(address % PhysicalMemory.PageSize);
                int part = Math.Min((int)PhysicalMemory.PageSize - offset, image.File.Data.Length - at);
                uint start = address - (uint)offset;
                Page? page = pages.Find(p => p.Address == start);
                if (page is null)
                {
                    page = new Page(start, new byte[PhysicalMemory.PageSize]);
                    page.Bytes.AsSpan().Fill(0xFF);
                    pages.Add(page);
                }

                image.File.Data.AsSpan(at, part).CopyTo(page.Bytes.AsSpan(offset));
                at += part;
            }
        }

        foreach (Page page in pages)
        {
            memory.MapRom(page.Address, page.Bytes);
        }
    }

    /// <summary>Copies the images that lie in RAM; done at every reset.</summary>
    /// <param name="memory">Physical memory.</param>
    public void CopyToRam(PhysicalMemory memory)
    {
        ArgumentNullException.ThrowIfNull(memory);
        foreach (RomImage image in _writable)
        {
            memory.WriteBlock(image.Address, image.File.Data);
        }
    }

    private void Add(List<RomImage> list, RomImage image)
    {
        foreach (RomImage other in _readOnly.Concat(_writable))
        {
            if (image.Address < other.End && other.Address < image.End)
            {
                throw new LoaderException($"{image.File.Name}: overlaps {other.File.Name} at {Math.Max(image.Address, other.Address):X8}h");
            }
        }

        list.Add(image);
    }

    private sealed record Page(uint Address, byte[] Bytes);
}
