// PCI configuration mechanism 1 (PCI local bus specification 2.1, section 3.7.4.1; 82441FX datasheet 290549, section 3.1) and bus 0.
//
// CONFADD (CF8h) takes doublewords only; CONFDATA (CFCh) takes every width. Other buses, absent devices and a cleared enable bit read as all
// ones.
//
// Ports: CF8h-CFFh, without CF9h byte accesses, which belong to the reset control register of the ISA bridge.
using Emulator.Core.Machine;
using Emulator.Core.Snapshot;

namespace Emulator.Devices.Pci;

/// <summary>PCI bus 0 and the way to its configuration space.</summary>
public sealed unsafe class PciBus : IMachineComponent
{
    private const ushort AddressPort = 0xCF8;
    private const ushort DataPort = 0xCFC;
    private const uint Enable = 0x8000_0000;
    private const uint AddressMask = 0x80FF_FFFC;
    private const uint BusMask = 0x00FF_0000;
    private const int Slots = 256;

    private readonly PciFunction?[] _functions = new PciFunction?[Slots];
    private PciFunction[] _attached = [];
    private uint _address;

    /// <inheritdoc/>
    public string StateId => "pci";

    /// <inheritdoc/>
    public int StateVersion => 1;

    /// <summary>The functions on the bus, by device and function number.</summary>
    public IReadOnlyList<PciFunction> Functions => _attached;

    /// <summary>Puts a function on the bus.</summary>
    /// <param name="device">Device number, 0 to 31.</param>
    /// <param name="function">Function number, 0 to 7.</param>
    /// <param name="target">The function.</param>
    /// <exception cref="InvalidOperationException">The place is taken.</exception>
    public void Attach(int device, int function, PciFunction target)
    {
        ref PciFunction? slot = ref _functions[((device & 31) << 3) | (function & 7)];
        if (slot is not null)
        {
            throw new InvalidOperationException($"PCI device {device}.{function} is taken");
        }

        slot = target;
        target.Bus = this;
        target.Place = ((device & 31) << 3) | (function & 7);
        List<PciFunction> attached = [];
        foreach (PciFunction? each in _functions)
        {
            if (each is not null)
            {
                attached.Add(each);
            }
        }

        _attached = attached.ToArray();
    }

    /// <summary>Where ranges overlap, the function with the lowest number answers, whatever order they were mapped in.</summary>
    /// <param name="changed">The range that was mapped or unmapped.</param>
    internal void Rearrange(PciBar changed)
    {
        List<PciBar> overlapping = [];
        foreach (PciFunction function in _attached)
        {
            foreach (PciBar bar in function.Bars)
            {
                if (bar.IsMapped && bar.Overlaps(changed))
                {
                    overlapping.Add(bar);
                }
            }
        }

        if (overlapping.Count > (changed.IsMapped ? 1 : 0))
        {
            overlapping.ForEach(b => b.Announce(mapped: false));
            overlapping.ForEach(b => b.Announce(mapped: true));
        }
    }

    /// <summary>Maps the ports.</summary>
    /// <param name="ports">The port space.</param>
    public void Map(PortMap ports)
    {
        ArgumentNullException.ThrowIfNull(ports);
        ports.Map(AddressPort, 8, 4, this, &Read, &Write, &Read);
    }

    /// <inheritdoc/>
    public void Reset() => _address = 0;

    /// <inheritdoc/>
    public void Serialize(StateArchive archive)
    {
        ArgumentNullException.ThrowIfNull(archive);
        archive.Field("address", ref _address);
        _address &= AddressMask;
    }

    private static uint Read(object target, ushort port, int size)
    {
        PciBus bus = (PciBus)target;
        if (port < DataPort)
        {
            return port == AddressPort && size == 4 ? bus._address : AllOnes(size);
        }

        int first = port & 3;
        uint value = 0;
        PciFunction? function = bus.Selected;
        for (int i = 0; i < size; i++)
        {
            // Bytes beyond CFFh belong to nobody.
            uint part = function is null || first + i > 3 ? 0xFF : function.ReadConfiguration((int)(bus._address & 0xFC) | (first + i), 1);
            value |= part << (8 * i);
        }

        return value;
    }

    private static void Write(object target, ushort port, int size, uint value)
    {
        PciBus bus = (PciBus)target;
        if (port < DataPort)
        {
            if (port == AddressPort && size == 4)
            {
                bus._address = value & AddressMask;
            }

            return;
        }

        int first = port & 3;
        bus.Selected?.WriteConfiguration((int)(bus._address & 0xFC) | first, Math.Min(size, 4 - first), value);
    }

    private static uint AllOnes(int size) => size == 4 ? 0xFFFF_FFFF : (1u << (8 * size)) - 1;

    private PciFunction? Selected => (_address & (Enable | BusMask)) == Enable ? _functions[(_address >> 8) & 0xFF] : null;
}
