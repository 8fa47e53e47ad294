namespace Emulator.Core.Memory;

/// <content>
/// Pages whose mapping a chip set switches while the machine runs (shadow RAM). Only these pages are dropped from TLBs and decoded code, so that
/// it is cheap.
/// </content>
public sealed unsafe partial class PhysicalMemory
{
    /// <summary>Shows the RAM at the same offset.</summary>
    /// <param name="address">Physical page address, below <see cref="RamSize"/>.</param>
    /// <param name="length">Bytes, a multiple of the page size.</param>
    /// <param name="writable">Whether writes reach it; otherwise they are ignored.</param>
    public void ShowRam(uint address, uint length, bool writable)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((ulong)address + length, RamSize);
        bool changed = false;
        for (uint at = address; at < address + length; at += PageSize)
        {
            changed |= Switch(at, (ulong)(Ram + at) | (ulong)(writable ? PageKind.Ram : PageKind.Rom));
        }

        Remapped(changed, address, length);
    }

    /// <summary>Shows what <see cref="MapRom"/> mapped, and nothing where it mapped nothing.</summary>
    /// <param name="address">Physical page address.</param>
    /// <param name="length">Bytes, a multiple of the page size.</param>
    public void ShowRom(uint address, uint length)
    {
        bool changed = false;
        for (uint at = address; at < address + length; at += PageSize)
        {
            changed |= Switch(at, _romPages.GetValueOrDefault(at >> 12));
        }

        Remapped(changed, address, length);
    }

    /// <summary>Lets a device's functions answer.</summary>
    /// <inheritdoc cref="MapDevice"/>
    public void ShowDevice(uint address, uint length, object target, delegate*<object, uint, int, ulong> read, delegate*<object, uint, int, ulong, void> write, delegate*<object, uint, int, ulong> peek)
    {
        ulong entry = DeviceEntry(target, read, write, peek);
        bool changed = false;
        for (uint at = address; at < address + length; at += PageSize)
        {
            changed |= Switch(at, entry);
        }

        Remapped(changed, address, length);
    }

    private bool Switch(uint address, ulong entry)
    {
        ref ulong page = ref _pages[address >> 12];
        if (page == entry)
        {
            return false;
        }

        if ((_pageFlags[address >> 12] & HoldsCode) != 0)
        {
            CodeWritten?.Invoke(address & ~(PageSize - 1), PageSize);
        }

        page = entry;
        return true;
    }

    private void Remapped(bool changed, uint address, uint length)
    {
        if (changed)
        {
            PagesRemapped?.Invoke(address, length);
        }
    }
}
