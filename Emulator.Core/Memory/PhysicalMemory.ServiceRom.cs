namespace Emulator.Core.Memory;

/// <content>ROM whose code may call the host (<see cref="Cpu.CpuCore.SetServices"/>).</content>
public sealed unsafe partial class PhysicalMemory
{
    private readonly HashSet<ulong> _servicePages = [];

    /// <summary>
    /// Creates and maps read-only memory as <see cref="MapRom"/> does, in which the service opcode calls the host. A copy of it in RAM,
    /// shadow RAM at the same addresses included, has no such power.
    /// </summary>
    /// <param name="address">Physical page address.</param>
    /// <param name="image">Contents.</param>
    public void MapServiceRom(uint address, ReadOnlySpan<byte> image)
    {
        MapRom(address, image);
        for (uint at = 0; at < image.Length; at += PageSize)
        {
            _servicePages.Add(_pages[(address + at) >> 12]);
        }
    }

    /// <summary>Whether a page is service ROM as it is mapped now.</summary>
    /// <param name="address">Physical address.</param>
    public bool IsServiceRom(uint address) => _servicePages.Contains(_pages[address >> 12]);
}
