// The IDE function of the Intel 82371SB (PIIX3), function 1 of the ISA bridge (datasheet 290550, sections 2.6, 2.7 and 4.4): identification
// 8086:7010, two channels in compatibility mode with bus masters.
//
// Modelled: decode enable of each channel (IDETIM bit 15) under the I/O enable of the command register, the bus-master registers behind BAR 4,
// bus master enable. The timing bits of IDETIM and SIDETIM are latches: transfers take the time that IdeTiming gives. The direction bit
// of BMIC is a latch too; the device's command says where the data goes.
//
// A transfer happens at one instant: IdeTiming.Access and one nanosecond a byte after the later of the command and the start of the bus
// master. Stores go through PhysicalMemory.WriteBlock, which drops decoded code. Where descriptors end before the data, the bus master stops
// without an interrupt and the device waits; where data ends before the descriptors, the bus master stays active; an address that
// nobody answers sets the error bit.
//
// Ports: those of the channels, and 16 at BAR 4. IRQ 14 and 15.
using Emulator.Core.Machine;
using Emulator.Core.Snapshot;
using Emulator.Devices.Pci;

namespace Emulator.Devices.Storage.Ide;

/// <summary>The IDE controller.</summary>
public sealed unsafe class Piix3Ide : PciFunction
{
    /// <summary>Base of the bus-master ports that firmware of this board sets.</summary>
    public const ushort DefaultBase = 0xC000;

    private const int BusMasterPorts = 16;
    private const int IdeTimingRegister = 0x40;
    private const ushort DecodeEnable = 0x8000;
    private const ushort CommandIo = 0x0001;
    private const ushort CommandMaster = 0x0004;

    private readonly PortMap _ports;
    private readonly IdeChannel[] _channels;
    private readonly PciBar _busMasterBar;

    /// <summary>Creates the controller.</summary>
    /// <param name="ports">Where its ports are mapped.</param>
    /// <param name="primary">The channel of IRQ 14.</param>
    /// <param name="secondary">The channel of IRQ 15.</param>
    public Piix3Ide(PortMap ports, IdeChannel primary, IdeChannel secondary)
        : base("piix3-ide", 0x8086, 0x7010, 0x010180, 0x00)
    {
        _ports = ports;
        _channels = [primary, secondary];
        Define(CommandRegister, 2, 0x0000, CommandIo | CommandMaster);
        Define(StatusRegister, 2, 0x0280, 0, 0x3800);
        Define(0x0D, 1, 0x00, 0xF0);
        Define(IdeTimingRegister, 4, 0x0000_0000, 0xFFFF_FFFF);
        Define(0x44, 1, 0x00, 0xFF);
        _busMasterBar = DefineBar(4, isPorts: true, BusMasterPorts, Moved);
    }

    /// <summary>What firmware does on this board before it starts an operating system: both channels, and bus-master ports at a base.</summary>
    /// <param name="portBase">Base of the bus-master ports, a multiple of 16.</param>
    public void EnableChannels(ushort portBase)
    {
        WriteConfiguration(0x20, 4, portBase);
        WriteConfiguration(IdeTimingRegister, 4, 0x8000_8000);
        WriteConfiguration(CommandRegister, 2, CommandIo | CommandMaster);
    }

    /// <inheritdoc/>
    public override void Reset()
    {
        base.Reset();
        Apply();
    }

    /// <inheritdoc/>
    public override void Serialize(StateArchive archive)
    {
        ArgumentNullException.ThrowIfNull(archive);
        base.Serialize(archive);
        if (archive.IsLoading)
        {
            MapChannels();
        }
    }

    /// <inheritdoc/>
    protected override void OnWritten(int offset, int size) => Apply();

    private static uint Read(object target, ushort port, int size)
    {
        Piix3Ide ide = (Piix3Ide)target;
        int offset = (int)(port - ide._busMasterBar.Address) & (BusMasterPorts - 1);
        uint value = 0;
        for (int i = 0; i < size && offset + i < BusMasterPorts; i++)
        {
            value |= (uint)ide._channels[(offset + i) >> 3].Dma.Read((offset + i) & 7) << (8 * i);
        }

        return value;
    }

    private static void Write(object target, ushort port, int size, uint value)
    {
        Piix3Ide ide = (Piix3Ide)target;
        int offset = (int)(port - ide._busMasterBar.Address) & (BusMasterPorts - 1);
        for (int i = 0; i < size && offset + i < BusMasterPorts; i++)
        {
            ide._channels[(offset + i) >> 3].Dma.Write((offset + i) & 7, (byte)(value >> (8 * i)));
        }
    }

    private void Apply()
    {
        bool master = (ReadConfiguration(CommandRegister, 2) & CommandMaster) != 0;
        MapChannels();
        foreach (IdeChannel channel in _channels)
        {
            channel.Dma.Enable(master);
        }
    }

    private void MapChannels()
    {
        bool decode = (ReadConfiguration(CommandRegister, 2) & CommandIo) != 0;
        for (int i = 0; i < _channels.Length; i++)
        {
            _channels[i].MapPorts(_ports, decode && (ReadConfiguration(IdeTimingRegister + (2 * i), 2) & DecodeEnable) != 0);
        }
    }

    private void Moved(PciBar bar)
    {
        if (bar.Address + BusMasterPorts > 0x10000)
        {
            return;
        }

        if (bar.IsMapped)
        {
            _ports.MapFree((ushort)bar.Address, BusMasterPorts, 4, this, &Read, &Write, &Read);
        }
        else
        {
            _ports.UnmapOwned((ushort)bar.Address, BusMasterPorts, this);
        }
    }
}
