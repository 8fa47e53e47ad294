using Emulator.Core.Memory;
using Emulator.Core.Snapshot;

namespace Emulator.Devices.Storage.Ide;

/// <summary>The bus-master registers of one channel (82371SB datasheet 290550, section 2.7): BMIC, BMIS and BMIDTP, in eight ports.</summary>
internal sealed class BusMaster
{
    private const byte Start = 0x01;
    private const byte CommandMask = 0x09;
    private const byte Active = 0x01;
    private const byte ErrorFlag = 0x02;
    private const byte InterruptFlag = 0x04;
    private const byte CapableMask = 0x60;

    private readonly PhysicalMemory _memory;
    private readonly IdeChannel _channel;
    private byte _command;
    private byte _status;
    private uint _table;
    private bool _enabled;

    public BusMaster(PhysicalMemory memory, IdeChannel channel)
    {
        _memory = memory;
        _channel = channel;
    }

    /// <summary>Whether the guest has started it and the PCI function may be master.</summary>
    public bool CanTransfer => _enabled && (_status & Active) != 0;

    public void Reset()
    {
        _command = _status = 0;
        _table = 0;
        _enabled = false;
    }

    public void Serialize(StateArchive archive)
    {
        archive.Field("busMaster.command", ref _command);
        archive.Field("busMaster.status", ref _status);
        archive.Field("busMaster.table", ref _table);
        archive.Field("busMaster.enabled", ref _enabled);
        _command &= CommandMask;
        _status &= CapableMask | Active | ErrorFlag | InterruptFlag;
        _table &= ~3u;
    }

    /// <summary>The command register of the PCI function allows it to be master, or does no longer.</summary>
    public void Enable(bool enabled)
    {
        bool before = CanTransfer;
        _enabled = enabled;
        Changed(before);
    }

    public byte Read(int register) => register switch
    {
        0 => _command,
        2 => _status,
        >= 4 => (byte)(_table >> (8 * (register - 4))),
        _ => 0,
    };

    public void Write(int register, byte value)
    {
        switch (register)
        {
            case 0:
                bool before = CanTransfer;
                bool starts = (value & ~_command & Start) != 0;
                bool stops = (~value & _command & Start) != 0;
                _command = (byte)(value & CommandMask);
                if (starts)
                {
                    _status |= Active;
                }
                else if (stops)
                {
                    _status &= unchecked((byte)~Active);
                }

                Changed(before);
                break;
            case 2:
                _status = (byte)((_status & ~CapableMask & ~(value & (ErrorFlag | InterruptFlag))) | (value & CapableMask));
                break;
            case >= 4:
                int shift = 8 * (register - 4);
                _table = ((_table & ~(0xFFu << shift)) | ((uint)value << shift)) & ~3u;
                break;
            default:
                break;
        }
    }

    /// <summary>INTRQ of the channel rose.</summary>
    public void NoteInterrupt() => _status |= InterruptFlag;

    /// <summary>Transfers for a device, from the first descriptor on.</summary>
    public void Run(IdeDevice device)
    {
        BusMasterTransfer transfer = device.RunningTransfer ?? new(_memory, _table);
        if (!device.Transfer(transfer))
        {
            return;
        }

        if (transfer.IsAborted)
        {
            _status = (byte)((_status & ~Active) | ErrorFlag);
        }
        else if (transfer.IsExhausted || transfer.IsAtEnd)
        {
            _status &= unchecked((byte)~Active);
        }
    }

    private void Changed(bool before)
    {
        if (CanTransfer != before)
        {
            _channel.BusMasterChanged(CanTransfer);
        }
    }
}
