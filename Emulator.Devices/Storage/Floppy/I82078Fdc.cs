// Intel 82078 floppy disk controller (datasheet 290468) in AT mode, with up to two drives.
//
// Modelled: DOR, TDR, MSR, DSR, FIFO, DIR and CCR; all commands of the 82077AA (SPECIFY to LOCK, implied seeks, PERPENDICULAR MODE and
// CONFIGURE as latches), with DMA and without; formats of 512-byte sectors from 160 KB to 2.88 MB; data rates, which decide whether a
// medium can be read; the change line.
//
// A sector takes SectorTime, a seek SeekTime and StepTime a track, whatever SPECIFY says; a block of data moves at one instant. READ ID tells the
// sector that would pass by at that time. Without a medium, commands that look for one end with a missing address mark.
//
// Left out: the commands that only the 82078 has (PART ID, SAVE, RESTORE, OPTION, DRIVE SPECIFICATION, POWERDOWN MODE) are invalid, as for an
// 82077AA; deleted data marks are written as normal ones; sectors of other sizes; SCAN commands; the FIFO threshold.
//
// Ports: 3F2h-3F5h and 3F7h (3F0h and 3F1h read as ones in AT mode). IRQ 6, DMA channel 2.
using Emulator.Core.Machine;
using Emulator.Core.Snapshot;
using Emulator.Devices.Dma;
using Emulator.Devices.Storage.Images;
using Microsoft.Extensions.Logging;

namespace Emulator.Devices.Storage.Floppy;

/// <summary>The floppy disk controller.</summary>
public sealed unsafe partial class I82078Fdc : IMachineComponent
{
    /// <summary>Number of its DMA channel.</summary>
    public const int DmaChannelNumber = 2;

    /// <summary>Number of its interrupt.</summary>
    public const int Irq = 6;

    private const long SectorTime = 200_000;
    private const long SeekTime = 100_000;
    private const long StepTime = 10_000;
    private const long ResetTime = 20_000;

    private const int DriveCount = 4;
    private const int SectorSize = BlockImage.SectorSize;

    private const byte DorDrive = 0x03;
    private const byte DorRun = 0x04;
    private const byte DorGate = 0x08;
    private const byte DorMotor = 0x10;
    private const byte MsrReady = 0x80;
    private const byte MsrToHost = 0x40;
    private const byte MsrNonDma = 0x20;
    private const byte MsrBusy = 0x10;
    private const byte RateMask = 0x03;
    private const byte SoftwareReset = 0x80;

    private readonly Clock _clock;
    private readonly EventQueue _events;
    private readonly IrqLine _irq;
    private readonly DmaChannel _dma;
    private readonly ILogger _logger;
    private readonly FloppyDrive?[] _drives = new FloppyDrive?[DriveCount];
    private readonly TimerEvent _timer;
    private readonly TimerEvent[] _seekTimers = new TimerEvent[DriveCount];
    private readonly byte[] _tracks = new byte[DriveCount];
    private readonly byte[] _seekStatus = new byte[DriveCount];
    private readonly bool[] _seeking = new bool[DriveCount];
    private readonly byte[] _command = new byte[9];
    private readonly byte[] _result = new byte[10];
    private readonly byte[] _buffer = new byte[SectorSize];
    private readonly HashSet<string> _reported = [];

    private byte _dor;
    private byte _tdr;
    private byte _rate;
    private FdcPhase _phase;
    private int _received;
    private int _resultLength;
    private int _resultAt;
    private bool _interrupt;
    private int _resetSenses;

    /// <summary>Creates the controller.</summary>
    /// <param name="clock">Virtual time.</param>
    /// <param name="events">The machine's timers.</param>
    /// <param name="irq">Its interrupt.</param>
    /// <param name="dma">Its DMA channel.</param>
    /// <param name="logger">Receives what fails on the host.</param>
    public I82078Fdc(Clock clock, EventQueue events, IrqLine irq, DmaChannel dma, ILogger logger)
    {
        ArgumentNullException.ThrowIfNull(events);
        ArgumentNullException.ThrowIfNull(dma);
        _clock = clock;
        _events = events;
        _irq = irq;
        _dma = dma;
        _logger = logger;
        _timer = events.Register("fdc", OnTimer);
        Host = new HostWork(clock, events, _timer);
        for (int i = 0; i < DriveCount; i++)
        {
            int drive = i;
            _seekTimers[i] = events.Register($"fdc.seek{i}", _ => EndSeek(drive));
        }

        dma.Granted = MoveBlock;
        Reset();
    }

    /// <inheritdoc/>
    public string StateId => "fdc";

    /// <inheritdoc/>
    public int StateVersion => 3;

    /// <summary>The drives A and B; null where there is none.</summary>
    public IReadOnlyList<FloppyDrive?> Drives => _drives[..2];

    /// <summary>What the host does for the drives.</summary>
    internal HostWork Host { get; }

    private FloppyDrive? Selected => _drives[_command[1] & DorDrive];

    /// <summary>Connects a drive.</summary>
    /// <param name="index">0 for A, 1 for B.</param>
    /// <param name="drive">The drive.</param>
    public void Attach(int index, FloppyDrive drive)
    {
        ArgumentNullException.ThrowIfNull(drive);
        _drives[index] = drive;
        drive.BeforeExchange = Host.Wait;
    }

    /// <summary>Maps the ports.</summary>
    /// <param name="ports">The port space.</param>
    public void Map(PortMap ports)
    {
        ArgumentNullException.ThrowIfNull(ports);
        ports.Map(0x3F2, 4, 1, this, &Read, &Write, &Peek);
        ports.Map(0x3F7, 1, 1, this, &Read, &Write, &Peek);
    }

    /// <inheritdoc/>
    public void Reset()
    {
        _dor = 0;
        _tdr = 0;
        _rate = 2;
        ResetConfiguration();
        ResetCore();
        _resetSenses = 0;
        _events.Cancel(_timer);
    }

    /// <inheritdoc/>
    public void Serialize(StateArchive archive)
    {
        ArgumentNullException.ThrowIfNull(archive);
        archive.Field("dor", ref _dor);
        archive.Field("tdr", ref _tdr);
        archive.Field("rate", ref _rate);
        archive.Field("phase", ref _phase);
        archive.Field("received", ref _received);
        archive.Field("resultLength", ref _resultLength);
        archive.Field("resultAt", ref _resultAt);
        archive.Field("interrupt", ref _interrupt);
        archive.Field("resetSenses", ref _resetSenses);
        archive.Array<byte>("tracks", _tracks);
        archive.Array<byte>("seekStatus", _seekStatus);
        archive.Array<bool>("seeking", _seeking);
        archive.Array<byte>("command", _command);
        archive.Array<byte>("result", _result);
        archive.Array<byte>("buffer", _buffer);
        SerializeExecution(archive);
        for (int i = 0; i < 2; i++)
        {
            int track = _drives[i]?.Track ?? 0;
            bool changed = _drives[i]?.Changed ?? false;
            archive.Field($"drive{i}.track", ref track);
            archive.Field($"drive{i}.changed", ref changed);
            int type = _drives[i]?.Type ?? 0;
            if (archive.Optional($"drive{i}.type"))
            {
                archive.Field($"drive{i}.type", ref type);
                archive.Check(type is >= 0 and <= 6, $"drive{i}.type");
            }

            if (archive.IsLoading && _drives[i] is { } drive)
            {
                drive.Track = Math.Clamp(track, 0, FloppyDrive.LastTrack);
                drive.Changed = changed;
                drive.Type = type;
            }
        }

        if (archive.IsLoading)
        {
            archive.Check(_phase <= FdcPhase.Result, "phase");
            archive.Check(_received >= 0 && _received < _command.Length && (_received == 0 || _received < Length(_command[0])), "received");
            archive.Check(_resultLength >= 0 && _resultLength <= _result.Length && _resultAt >= 0 && _resultAt <= _resultLength, "resultLength");
            archive.Check(_phase != FdcPhase.Result || _resultAt < _resultLength, "resultAt");
            archive.Check(_resetSenses is >= 0 and <= DriveCount, "resetSenses");
            _rate &= RateMask;
            _irq.Restore(IrqLevel);
        }
    }

    private bool IrqLevel => _interrupt && (_dor & DorGate) != 0;

    private static uint Read(object target, ushort port, int size)
    {
        I82078Fdc fdc = (I82078Fdc)target;
        return port == 0x3F5 ? fdc.ReadFifo() : Peek(target, port, size);
    }

    private static uint Peek(object target, ushort port, int size)
    {
        I82078Fdc fdc = (I82078Fdc)target;
        return port switch
        {
            0x3F2 => fdc._dor,
            0x3F3 => fdc._tdr,
            0x3F4 => fdc.MainStatus,
            0x3F7 => fdc.DigitalInput,
            _ => 0,
        };
    }

    private static void Write(object target, ushort port, int size, uint value)
    {
        I82078Fdc fdc = (I82078Fdc)target;
        switch (port)
        {
            case 0x3F2:
                fdc.WriteDor((byte)value);
                break;
            case 0x3F3:
                fdc._tdr = (byte)(value & 3);
                break;
            case 0x3F4:
                fdc._rate = (byte)(value & RateMask);
                if ((value & SoftwareReset) != 0)
                {
                    fdc.ResetCore();
                    fdc.BeginReset();
                }

                break;
            case 0x3F5:
                fdc.WriteFifo((byte)value);
                break;
            default:
                fdc._rate = (byte)(value & RateMask);
                break;
        }
    }

    private byte DigitalInput
    {
        get
        {
            int drive = _dor & DorDrive;
            bool motor = (_dor & (DorMotor << drive)) != 0;
            return motor && _drives[drive] is not { Changed: false } ? (byte)0x80 : (byte)0;
        }
    }

    private byte MainStatus
    {
        get
        {
            if ((_dor & DorRun) == 0)
            {
                return 0;
            }

            int status = 0;
            for (int i = 0; i < DriveCount; i++)
            {
                status |= _seeking[i] ? 1 << i : 0;
            }

            return (byte)(status | _phase switch
            {
                FdcPhase.Command => _resetting ? 0 : MsrReady | (_received != 0 ? MsrBusy : 0),
                FdcPhase.Execution => MsrBusy | (_nonDma ? MsrNonDma : 0) | (HostCanMove ? MsrReady | (_toHost ? MsrToHost : 0) : 0),
                _ => MsrReady | MsrToHost | MsrBusy,
            });
        }
    }

    private void WriteDor(byte value)
    {
        byte before = _dor;
        _dor = value;
        if ((value & DorRun) == 0)
        {
            if ((before & DorRun) != 0)
            {
                ResetCore();
            }
        }
        else if ((before & DorRun) == 0)
        {
            BeginReset();
        }

        UpdateIrq();
    }

    private void ResetCore()
    {
        Host.Drop();
        _events.Cancel(_timer);
        foreach (TimerEvent timer in _seekTimers)
        {
            _events.Cancel(timer);
        }

        _phase = FdcPhase.Command;
        _received = _resultLength = _resultAt = 0;
        _resetSenses = 0;
        _resetting = false;
        Array.Clear(_seeking);
        Array.Clear(_seekStatus);
        ResetExecution();
        if (!_locked)
        {
            ResetConfiguration();
        }

        SetInterrupt(false);
    }

    private void BeginReset()
    {
        _resetting = true;
        _events.Schedule(_timer, _clock.Now + ResetTime);
    }

    private void SetInterrupt(bool level)
    {
        _interrupt = level;
        UpdateIrq();
    }

    private void UpdateIrq() => _irq.Set(IrqLevel);

    private void OnTimer(long due)
    {
        if (_resetting)
        {
            // Polling finds that every drive's ready line has changed.
            _resetting = false;
            if ((_configuration & ConfigurePollOff) == 0)
            {
                _resetSenses = DriveCount;
                SetInterrupt(true);
            }
        }
        else if (_phase == FdcPhase.Execution)
        {
            long unclaimed = Host.Unclaimed;
            RunExecution();
            Host.Forget(unclaimed);
        }
    }

    private byte ReadFifo()
    {
        if (_phase == FdcPhase.Execution && _nonDma && _toHost && HostCanMove)
        {
            return ReadBlockByte();
        }

        if (_phase != FdcPhase.Result)
        {
            return 0;
        }

        SetInterrupt(false);
        byte value = _result[_resultAt++];
        if (_resultAt == _resultLength)
        {
            _phase = FdcPhase.Command;
            _received = 0;
        }

        return value;
    }

    private void WriteFifo(byte value)
    {
        if ((_dor & DorRun) == 0 || _resetting)
        {
            return;
        }

        if (_phase == FdcPhase.Execution)
        {
            if (_nonDma && !_toHost && HostCanMove)
            {
                WriteBlockByte(value);
            }

            return;
        }

        if (_phase != FdcPhase.Command)
        {
            return;
        }

        _command[_received++] = value;
        if (_received >= Length(_command[0]))
        {
            _received = 0;
            Execute();
        }
    }

    /// <summary>Bytes of a command, the first one included.</summary>
    private static int Length(byte command) => (command & 0x1F) switch
    {
        0x02 or 0x05 or 0x06 or 0x09 or 0x0C or 0x16 => 9,
        0x03 => 3,
        0x04 or 0x07 or 0x0A or 0x12 => 2,
        0x0D => 6,
        0x0F => 3,
        0x13 => 4,
        _ => 1,
    };

    private void Reply(params ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(_result);
        _resultLength = bytes.Length;
        _resultAt = 0;
        _phase = FdcPhase.Result;
    }

    private void Report(StorageException failure)
    {
        const int Most = 100;
        if (_reported.Count < Most && _reported.Add(failure.Message) && _logger.IsEnabled(LogLevel.Error))
        {
            _logger.LogError("{Message}", failure.Message);
        }
    }
}
