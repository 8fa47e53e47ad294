namespace Emulator.Devices.Loaders;

/// <summary>What a range of physical memory is, with the numbers of the INT 15h AX=E820h interface.</summary>
public enum MemoryType : uint
{
    /// <summary>RAM for the operating system.</summary>
    Usable = 1,

    /// <summary>Not to be used.</summary>
    Reserved = 2,

    /// <summary>ACPI tables; RAM once they were read.</summary>
    AcpiReclaimable = 3,
}

/// <summary>One range of the memory map that a loader tells an operating system.</summary>
/// <param name="Start">First byte.</param>
/// <param name="Length">Bytes.</param>
/// <param name="Type">What it is.</param>
public sealed record MemoryMapEntry(ulong Start, ulong Length, MemoryType Type)
{
    /// <summary>Where conventional memory ends; the last KiB below 640 KiB is the BIOS's.</summary>
    public const uint LowMemoryEnd = 0x9FC00;

    /// <summary>Where extended memory starts.</summary>
    public const uint HighMemoryStart = 0x100000;

    private const uint SystemRomStart = 0xF0000;
    private const uint HighRomStart = 0xFFFC0000;

    /// <summary>The map of a PC without firmware.</summary>
    /// <param name="ramSize">Bytes of RAM.</param>
    public static IReadOnlyList<MemoryMapEntry> ForPc(uint ramSize)
    {
        List<MemoryMapEntry> map = [new(0, Math.Min(ramSize, LowMemoryEnd), MemoryType.Usable)];
        if (ramSize > LowMemoryEnd)
        {
            map.Add(new(LowMemoryEnd, 0xA0000 - LowMemoryEnd, MemoryType.Reserved));
        }

        map.Add(new(SystemRomStart, HighMemoryStart - SystemRomStart, MemoryType.Reserved));
        if (ramSize > HighMemoryStart)
        {
            map.Add(new(HighMemoryStart, ramSize - HighMemoryStart, MemoryType.Usable));
        }

        map.Add(new(HighRomStart, 0x1_0000_0000 - HighRomStart, MemoryType.Reserved));
        return map;
    }
}
