namespace Emulator.Devices.Pci;

/// <summary>One base address register of a PCI function (PCI local bus specification 2.1, section 6.2.5).</summary>
public sealed class PciBar
{
    private readonly Action<PciBar> _moved;

    internal PciBar(int index, bool isPorts, uint size, Action<PciBar> moved)
    {
        Index = index;
        IsPorts = isPorts;
        Size = size;
        _moved = moved;
    }

    /// <summary>Number of the register, 0 to 5; 6 is the expansion ROM's.</summary>
    public int Index { get; }

    /// <summary>Whether it decodes I/O ports; otherwise memory.</summary>
    public bool IsPorts { get; }

    /// <summary>Bytes or ports that it decodes; a power of two.</summary>
    public uint Size { get; }

    /// <summary>First address that it decodes, while <see cref="IsMapped"/>; the previous one during the first of two notifications.</summary>
    public uint Address { get; private set; }

    /// <summary>Whether the command register enables it and its address is decoded: not 0, and for ports below 64 Ki.</summary>
    public bool IsMapped { get; private set; }

    /// <summary>Called when the range was given up or taken, so that it can be shared out with others that lie over it.</summary>
    internal Action<PciBar>? Changed { get; set; }

    /// <summary>Maps or unmaps the range where it is, for an order among ranges that overlap.</summary>
    internal void Announce(bool mapped)
    {
        IsMapped = mapped;
        _moved(this);
    }

    /// <summary>Whether two ranges overlap.</summary>
    internal bool Overlaps(PciBar other) => IsPorts == other.IsPorts && Address < (ulong)other.Address + other.Size && other.Address < (ulong)Address + Size;

    /// <summary>Tells the function about a change: first that the old range is unmapped, then that the new one is mapped.</summary>
    internal void Update(uint address, bool enabled)
    {
        // A port BAR has 32 bits, and this CPU's port space 16.
        bool map = enabled && address != 0 && (!IsPorts || address <= 0xFFFF);
        if (map == IsMapped && (address == Address || !map))
        {
            return;
        }

        if (IsMapped)
        {
            IsMapped = false;
            _moved(this);
            Changed?.Invoke(this);
        }

        Address = address;
        if (map)
        {
            IsMapped = true;
            _moved(this);
            Changed?.Invoke(this);
        }
    }
}
