// One channel of the IDE function of the 82371SB (PIIX3): the compatibility ports, device selection, the interrupt.
//
// Both devices take every register write; the selected one answers reads and takes commands. Device 0 alone answers for device 1 with status 0
// (ATA/ATAPI-6, section 9.16). A channel without device 0 reads as 7Fh: DD7 has a pull-down, so that nothing looks busy.
//
// Left out: the floppy's bit in port 3F7h, which the floppy controller has; timing modes, which are latches of the PCI function.
//
// Ports: 1F0h-1F7h and 3F6h with IRQ 14, or 170h-177h and 376h with IRQ 15, while IDETIM of the PCI function enables them.
using Emulator.Core.Machine;
using Emulator.Core.Memory;
using Emulator.Core.Snapshot;
using Microsoft.Extensions.Logging;

namespace Emulator.Devices.Storage.Ide;

/// <summary>An IDE channel with up to two devices.</summary>
public sealed unsafe class IdeChannel : IMachineComponent
{
    private const byte Floating = 0x7F;
    private const byte SoftwareReset = 0x04;
    private const byte InterruptDisable = 0x02;
    private const byte HighOrderByte = 0x80;
    private const byte DiagnosticCommand = 0x90;
    private const int DeviceRegister = 6;
    private const int CommandRegister = 7;

    private readonly IdeDevice?[] _devices = new IdeDevice?[2];
    private readonly ushort _commandBlock;
    private readonly ushort _controlBlock;
    private readonly IrqLine _irq;
    private readonly ILogger _logger;
    private readonly HashSet<string> _reported = [];
    private byte _control;
    private int _selected;
    private bool _mapped;

    /// <summary>Creates a channel without devices.</summary>
    /// <param name="number">0 for the primary, 1 for the secondary channel.</param>
    /// <param name="memory">Where the bus master transfers to and from.</param>
    /// <param name="irq">Its interrupt.</param>
    /// <param name="logger">Receives what fails on the host.</param>
    public IdeChannel(int number, PhysicalMemory memory, IrqLine irq, ILogger logger)
    {
        ArgumentNullException.ThrowIfNull(memory);
        ArgumentNullException.ThrowIfNull(irq);
        StateId = $"ide{number}";
        _commandBlock = (ushort)(number == 0 ? 0x1F0 : 0x170);
        _controlBlock = (ushort)(_commandBlock + 0x206);
        _irq = irq;
        _logger = logger;
        Dma = new BusMaster(memory, this);
    }

    /// <inheritdoc/>
    public string StateId { get; }

    /// <inheritdoc/>
    public int StateVersion => 1;

    /// <summary>The devices that are there.</summary>
    public IEnumerable<IdeDevice> Devices => _devices.OfType<IdeDevice>();

    internal BusMaster Dma { get; }

    private IdeDevice? Selected => _devices[_selected];

    /// <summary>Connects a device.</summary>
    /// <param name="unit">0 for the master, 1 for the slave.</param>
    /// <param name="device">The device.</param>
    public void Attach(int unit, IdeDevice device)
    {
        ArgumentNullException.ThrowIfNull(device);
        _devices[unit & 1] = device;
        device.Channel = this;
    }

    /// <inheritdoc/>
    public void Reset()
    {
        _control = 0;
        _selected = 0;
        Dma.Reset();
        Update();
    }

    /// <inheritdoc/>
    public void Serialize(StateArchive archive)
    {
        ArgumentNullException.ThrowIfNull(archive);
        bool level = _irq.Level;
        archive.Field("control", ref _control);
        archive.Field("selected", ref _selected);
        archive.Field("interrupt", ref level);
        archive.Check(_selected is 0 or 1, "selected");
        Dma.Serialize(archive);
        if (archive.IsLoading)
        {
            _irq.Restore(level);
        }
    }

    /// <summary>Maps the ports, or unmaps them.</summary>
    internal void MapPorts(PortMap ports, bool map)
    {
        if (map == _mapped)
        {
            return;
        }

        _mapped = map;
        if (map)
        {
            ports.MapFree(_commandBlock, 1, 4, this, &ReadData, &WriteData);
            ports.MapFree((ushort)(_commandBlock + 1), 7, 1, this, &Read, &Write, &Peek);
            ports.MapFree(_controlBlock, 1, 1, this, &ReadControl, &WriteControl, &ReadControl);
        }
        else
        {
            ports.UnmapOwned(_commandBlock, 8, this);
            ports.UnmapOwned(_controlBlock, 1, this);
        }
    }

    /// <summary>Drives the interrupt, and starts the bus master when a device and it are ready.</summary>
    internal void Update()
    {
        bool level = (_control & InterruptDisable) == 0 && Selected is { Interrupting: true };
        if (level && !_irq.Level)
        {
            Dma.NoteInterrupt();
        }

        _irq.Set(level);
        if (Dma.CanTransfer && Selected is { WantsDma: true } device)
        {
            device.StartDma();
        }
    }

    /// <summary>Tells about a failure of the host, once each.</summary>
    internal void Report(StorageException failure)
    {
        const int Most = 100;
        if (_reported.Count < Most && _reported.Add(failure.Message) && _logger.IsEnabled(LogLevel.Error))
        {
            _logger.LogError("{Message}", failure.Message);
        }
    }

    /// <summary>Transfers for a device; its time has come.</summary>
    internal void RunTransfer(IdeDevice device)
    {
        if (Dma.CanTransfer)
        {
            Dma.Run(device);
        }
    }

    /// <summary>The guest has started or stopped the bus master.</summary>
    internal void BusMasterChanged(bool started)
    {
        if (!started)
        {
            foreach (IdeDevice device in Devices)
            {
                device.StopDma();
            }
        }

        Update();
    }

    private static uint ReadData(object target, ushort port, int size)
    {
        IdeDevice? device = ((IdeChannel)target).Selected;
        return device is null ? (uint)(0x7F7F7F7F >> (8 * (4 - size))) : device.ReadData(size);
    }

    private static void WriteData(object target, ushort port, int size, uint value) => ((IdeChannel)target).Selected?.WriteData(size, value);

    private static uint Read(object target, ushort port, int size)
    {
        IdeChannel channel = (IdeChannel)target;
        uint value = Peek(target, port, size);
        if ((port & 7) == CommandRegister && channel.Selected is { } device)
        {
            device.AcknowledgeInterrupt();
            channel.Update();
        }

        return value;
    }

    private static uint Peek(object target, ushort port, int size)
    {
        IdeChannel channel = (IdeChannel)target;
        int register = port & 7;
        if (channel.Selected is { } device)
        {
            return device.ReadRegister(register, (channel._control & HighOrderByte) != 0);
        }

        if (channel._devices[0] is not { } first)
        {
            return Floating;
        }

        // Device 0 answers for the missing device 1.
        return register switch
        {
            CommandRegister => 0u,
            DeviceRegister => (uint)(first.ReadRegister(DeviceRegister, previous: false) | IdeDevice.DeviceAddressed),
            _ => first.ReadRegister(register, (channel._control & HighOrderByte) != 0),
        };
    }

    private static void Write(object target, ushort port, int size, uint value)
    {
        IdeChannel channel = (IdeChannel)target;
        int register = port & 7;
        if (register == CommandRegister)
        {
            channel.WriteCommand((byte)value);
            return;
        }

        channel._control &= unchecked((byte)~HighOrderByte);
        foreach (IdeDevice device in channel.Devices)
        {
            device.WriteRegister(register, (byte)value);
        }

        // The selection does not change while the selected device works.
        if (register == DeviceRegister && channel.Selected is not { Status: >= IdeDevice.StatusBusy })
        {
            channel._selected = ((byte)value & IdeDevice.DeviceAddressed) != 0 ? 1 : 0;
            channel.Update();
        }
    }

    private static uint ReadControl(object target, ushort port, int size)
    {
        IdeChannel channel = (IdeChannel)target;
        return channel.Selected?.Status ?? (channel._devices[0] is null ? Floating : 0u);
    }

    private static void WriteControl(object target, ushort port, int size, uint value)
    {
        IdeChannel channel = (IdeChannel)target;
        byte changed = (byte)(value ^ channel._control);
        channel._control = (byte)value;
        if ((changed & SoftwareReset) != 0)
        {
            bool asserted = (value & SoftwareReset) != 0;
            foreach (IdeDevice device in channel.Devices)
            {
                device.SoftwareReset(asserted);
            }

            channel._selected = 0;
        }

        channel.Update();
    }

    private void WriteCommand(byte command)
    {
        _control &= unchecked((byte)~HighOrderByte);
        if (command != DiagnosticCommand)
        {
            Selected?.WriteCommand(command);
            return;
        }

        if (Selected is { Status: >= IdeDevice.StatusBusy })
        {
            return;
        }

        _selected = 0;
        for (int i = 0; i < _devices.Length; i++)
        {
            _devices[i]?.Diagnose(interrupts: i == 0);
        }

        Update();
    }
}
