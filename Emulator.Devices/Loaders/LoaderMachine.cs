using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Emulator.Devices.Loaders;

/// <summary>What a loader must know of the machine.</summary>
/// <param name="RamSize">Bytes of RAM, mapped at 0 to 640 KiB and from 1 MiB on.</param>
public sealed record LoaderMachine(uint RamSize)
{
    /// <summary>Whether a text screen of 80 by 25 exists.</summary>
    public bool HasTextScreen { get; init; }

    /// <summary>Whether the CPU has 64-bit long mode.</summary>
    public bool HasLongMode { get; init; }

    /// <summary>Physical address of the ACPI root pointer, or 0: the kernel searches below 1 MiB.</summary>
    public uint AcpiRoot { get; init; }

    /// <summary>The memory map for the operating system.</summary>
    public IReadOnlyList<MemoryMapEntry> MemoryMap { get; init; } = MemoryMapEntry.ForPc(RamSize);

    /// <summary>Receives what is worth knowing but no error.</summary>
    public ILogger Logger { get; init; } = NullLogger.Instance;

    /// <summary>Where RAM for programs ends: the end of the last usable range.</summary>
    public uint UsableEnd
    {
        get
        {
            ulong end = 0;
            foreach (MemoryMapEntry entry in MemoryMap)
            {
                if (entry.Type == MemoryType.Usable)
                {
                    end = Math.Max(end, entry.Start + entry.Length);
                }
            }

            return (uint)Math.Min(end, RamSize);
        }
    }

    /// <summary>Whether a range lies in one usable range.</summary>
    /// <param name="start">First byte.</param>
    /// <param name="length">Bytes; 0 is always inside.</param>
    public bool IsUsable(ulong start, ulong length)
    {
        if (length == 0)
        {
            return true;
        }

        foreach (MemoryMapEntry entry in MemoryMap)
        {
            if (entry.Type == MemoryType.Usable && start >= entry.Start && start - entry.Start <= entry.Length && length <= entry.Length - (start - entry.Start))
            {
                return true;
            }
        }

        return false;
    }
}
