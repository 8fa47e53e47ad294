// What an ATA disk and an ATAPI drive have in common: the command block registers, the phases of a command (ATA/ATAPI-6, T13 1410D, chapters
// 7 to 9), the interrupt, programmed I/O of blocks. An IdeChannel connects it to ports, interrupt and bus master.
//
// The registers hold two values each (48-bit addresses); the older one is read while HOB of the device control register is set. Each device
// has its own copy and takes every write of the channel, selected or not.
using System.Buffers.Binary;
using Emulator.Core.Machine;
using Emulator.Core.Snapshot;

namespace Emulator.Devices.Storage.Ide;

/// <summary>A device on an IDE channel.</summary>
public abstract class IdeDevice : IMachineComponent
{
    internal const byte StatusBusy = 0x80;
    internal const byte StatusReady = 0x40;
    internal const byte StatusSeekComplete = 0x10;
    internal const byte StatusDataRequest = 0x08;
    internal const byte StatusError = 0x01;

    internal const byte ErrorAbort = 0x04;
    internal const byte DeviceAddressed = 0x10;
    internal const byte DeviceLba = 0x40;

    /// <summary>Bytes of the largest block of programmed I/O.</summary>
    private protected const int BufferSize = 0x10000;

    private const byte DiagnosticPassed = 0x01;

    private readonly EventQueue _events;
    private readonly Clock _clock;
    private readonly TimerEvent _timer;
    private byte _deviceRegister;
    private int _position;
    private int _end;

    // Bytes that the bus master has moved since it was started, while the transfer goes on.
    private long _dmaMoved;

    private protected IdeDevice(string stateId, Clock clock, EventQueue events)
    {
        StateId = stateId;
        _clock = clock;
        _events = events;
        _timer = events.Register(stateId, OnTimer);
        Host = new HostWork(clock, events, _timer);
    }

    /// <inheritdoc/>
    public string StateId { get; }

    /// <inheritdoc/>
    public int StateVersion => 2;

    /// <summary>The channel it is on.</summary>
    internal IdeChannel Channel { get; set; } = null!;

    /// <summary>Whether it asserts INTRQ when it is selected.</summary>
    internal bool Interrupting { get; private set; }

    /// <summary>Whether it waits for the bus master to transfer.</summary>
    internal bool WantsDma => Phase == IdePhase.Dma && !_timer.IsPending && !Host.IsBusy;

    /// <summary>What the host does for it.</summary>
    internal HostWork Host { get; }

    /// <summary>The walk of the bus master while the host works for a transfer; null otherwise.</summary>
    internal BusMasterTransfer? RunningTransfer { get; set; }

    /// <summary>Value of the status register, without a side effect.</summary>
    internal byte Status
    {
        get
        {
            byte rest = (byte)(StatusBits | (HasFailed ? StatusError : 0));
            return Phase switch
            {
                IdePhase.Idle => rest,
                IdePhase.DataIn or IdePhase.DataOut => (byte)(rest | StatusDataRequest),
                _ => StatusBusy,
            };
        }
    }

    /// <summary>Signature in the registers Cylinder Low and High.</summary>
    private protected abstract ushort Signature { get; }

    /// <summary>DRDY and DSC, or what stands for them.</summary>
    private protected abstract byte StatusBits { get; }

    private protected IdePhase Phase { get; private set; }

    private protected byte[] Buffer { get; } = new byte[BufferSize];

    private protected byte Command { get; private set; }

    private protected byte Error { get; set; }

    private protected bool HasFailed { get; set; }

    private protected ushort Features { get; private set; }

    private protected ushort SectorCount { get; set; }

    private protected ushort LbaLow { get; set; }

    private protected ushort LbaMid { get; set; }

    private protected ushort LbaHigh { get; set; }

    private protected byte DeviceRegister
    {
        get => _deviceRegister;
        set => _deviceRegister = (byte)(value | 0xA0);
    }

    /// <summary>Number of the step that the timer will take.</summary>
    private protected int Step { get; private set; }

    /// <inheritdoc/>
    public virtual void Reset()
    {
        CancelStep();
        Interrupting = false;
        SetSignature();
    }

    /// <inheritdoc/>
    public virtual void Serialize(StateArchive archive)
    {
        ArgumentNullException.ThrowIfNull(archive);
        IdePhase phase = Phase;
        int step = Step;
        byte command = Command;
        byte error = Error;
        bool failed = HasFailed;
        bool interrupting = Interrupting;
        ushort[] registers = [Features, SectorCount, LbaLow, LbaMid, LbaHigh];
        byte[] block = Buffer[.._end];
        archive.Field("phase", ref phase);
        archive.Field("step", ref step);
        archive.Field("command", ref command);
        archive.Field("error", ref error);
        archive.Field("failed", ref failed);
        archive.Field("interrupting", ref interrupting);
        archive.Array<ushort>("registers", registers);
        archive.Field("deviceRegister", ref _deviceRegister);
        archive.Field("position", ref _position);
        archive.Variable("block", ref block, BufferSize);
        if (archive.Optional("dmaMoved"))
        {
            archive.Field("dmaMoved", ref _dmaMoved);
            archive.Check(_dmaMoved >= 0, "dmaMoved");
        }

        if (archive.IsLoading)
        {
            archive.Check(phase <= IdePhase.Reset, "phase");
            archive.Check(_position >= 0 && _position <= block.Length, "position");
            archive.Check(phase is not (IdePhase.DataIn or IdePhase.DataOut) || _position < block.Length, "position");
            archive.Check(IsStep(step), "step");
            (Phase, Step, Command, Error, HasFailed, Interrupting) = (phase, step, command, error, failed, interrupting);
            (Features, SectorCount, LbaLow, LbaMid, LbaHigh) = (registers[0], registers[1], registers[2], registers[3], registers[4]);
            _deviceRegister |= 0xA0;
            _end = block.Length;
            block.CopyTo(Buffer, 0);
        }
    }

    /// <summary>Reads a command block register other than data; status without its side effect.</summary>
    internal byte ReadRegister(int register, bool previous)
    {
        int shift = previous ? 8 : 0;
        return register switch
        {
            1 => Error,
            2 => (byte)(SectorCount >> shift),
            3 => (byte)(LbaLow >> shift),
            4 => (byte)(LbaMid >> shift),
            5 => (byte)(LbaHigh >> shift),
            6 => DeviceRegister,
            _ => Status,
        };
    }

    /// <summary>Writes a command block register other than data and command.</summary>
    internal void WriteRegister(int register, byte value)
    {
        if (Phase is not (IdePhase.Idle or IdePhase.DataIn or IdePhase.DataOut))
        {
            return;
        }

        switch (register)
        {
            case 1:
                Features = Push(Features, value);
                break;
            case 2:
                SectorCount = Push(SectorCount, value);
                break;
            case 3:
                LbaLow = Push(LbaLow, value);
                break;
            case 4:
                LbaMid = Push(LbaMid, value);
                break;
            case 5:
                LbaHigh = Push(LbaHigh, value);
                break;
            default:
                DeviceRegister = value;
                break;
        }
    }

    /// <summary>Takes a command, while it is selected.</summary>
    internal void WriteCommand(byte command)
    {
        if ((Phase == IdePhase.Idle && !IsAsleep) || AcceptsAlways(command))
        {
            Command = command;
            Interrupting = false;
            HasFailed = false;
            Error = 0;
            CancelStep();
            Execute(command);
            Channel.Update();
        }
    }

    /// <summary>EXECUTE DEVICE DIAGNOSTIC, which both devices take; device 0 tells the end.</summary>
    internal void Diagnose(bool interrupts)
    {
        CancelStep();
        Interrupting = false;
        HasFailed = false;
        Command = 0x90;
        DeviceRegister &= unchecked((byte)~DeviceAddressed);
        Begin(interrupts ? DiagnoseLoudStep : DiagnoseStep, IdeTiming.Reset);
    }

    /// <summary>The level of SRST changed.</summary>
    internal void SoftwareReset(bool asserted)
    {
        CancelStep();
        Interrupting = false;
        if (asserted)
        {
            Phase = IdePhase.Reset;
            return;
        }

        OnSoftwareReset();
        Begin(DiagnoseStep, IdeTiming.Reset);
    }

    /// <summary>The host has read the status register.</summary>
    internal void AcknowledgeInterrupt() => Interrupting = false;

    /// <summary>Reads the data register.</summary>
    internal uint ReadData(int size)
    {
        if (Phase != IdePhase.DataIn)
        {
            return size == 4 ? 0xFFFFFFFF : (1u << (8 * size)) - 1;
        }

        uint value = PeekData(size);
        _position += size;
        if (_position >= _end)
        {
            _position = _end;
            OnBlockRead();
            Channel.Update();
        }

        return value;
    }

    /// <summary>Writes the data register.</summary>
    internal void WriteData(int size, uint value)
    {
        if (Phase != IdePhase.DataOut)
        {
            return;
        }

        for (int i = 0; i < size && _position < _end; i++, value >>= 8)
        {
            Buffer[_position++] = (byte)value;
        }

        if (_position >= _end)
        {
            OnBlockWritten();
            Channel.Update();
        }
    }

    /// <summary>The bus master can transfer now.</summary>
    internal void StartDma() => _events.Schedule(_timer, _clock.Now + (Host.IsLive ? 0 : DmaDelay));

    /// <summary>The bus master was stopped; what has not been transferred waits.</summary>
    internal void StopDma()
    {
        if (Phase == IdePhase.Dma)
        {
            CancelStep();
            _dmaMoved = 0;
        }
    }

    /// <summary>Steps that every device has.</summary>
    private protected const int DiagnoseStep = 1;

    private protected const int DiagnoseLoudStep = 2;

    /// <summary>First number of a device's own steps.</summary>
    private protected const int FirstOwnStep = 3;

    /// <summary>Virtual nanoseconds that the transfer of this command takes.</summary>
    private protected abstract long DmaDelay { get; }

    /// <summary>Whether it sleeps: only a reset wakes it.</summary>
    private protected virtual bool IsAsleep => false;

    /// <summary>Whether a command is taken in every phase.</summary>
    private protected virtual bool AcceptsAlways(byte command) => false;

    /// <summary>Whether a number is a step of this device.</summary>
    private protected abstract bool IsStep(int step);

    /// <summary>Starts a command.</summary>
    private protected abstract void Execute(byte command);

    /// <summary>The time of a step of this device has come.</summary>
    private protected abstract void RunStep(int step);

    /// <summary>Transfers everything through the bus master.</summary>
    /// <returns>False when the host has work first; it is called again, with the same transfer, when that is done.</returns>
    private protected abstract bool RunDma(BusMasterTransfer transfer);

    /// <summary>The host has read the last byte of the block.</summary>
    private protected abstract void OnBlockRead();

    /// <summary>The host has written the last byte of the block.</summary>
    private protected abstract void OnBlockWritten();

    /// <summary>What a software reset changes beyond the registers.</summary>
    private protected abstract void OnSoftwareReset();

    /// <summary>Works for some time, then takes a step.</summary>
    private protected void Begin(int step, long delay)
    {
        Phase = IdePhase.Busy;
        Step = step;
        _events.Schedule(_timer, _clock.Now + delay);
    }

    /// <summary>Works until the host is done, then takes a step.</summary>
    private protected void BeginMedium(int step) => Begin(step, Host.IsLive ? 0 : IdeTiming.Access);

    /// <summary>Waits for the bus master.</summary>
    private protected void BeginDma()
    {
        Phase = IdePhase.Dma;
        _dmaMoved = 0;
    }

    /// <summary>Notes that all that was transferred so far is done with: a transfer that is saved goes on behind it.</summary>
    private protected void NoteMoved(BusMasterTransfer transfer) => _dmaMoved = transfer.Moved;

    /// <summary>Offers a block that lies in <see cref="Buffer"/>.</summary>
    private protected void OfferBlock(int bytes, bool interrupt = true) => StartBlock(IdePhase.DataIn, bytes, interrupt);

    /// <summary>Asks for a block.</summary>
    private protected void RequestBlock(int bytes, bool interrupt) => StartBlock(IdePhase.DataOut, bytes, interrupt);

    /// <summary>Ends the command.</summary>
    private protected void Finish(bool interrupt = true)
    {
        Phase = IdePhase.Idle;
        Interrupting |= interrupt;
    }

    /// <summary>Ends the command with an error.</summary>
    private protected void Fail(byte error)
    {
        HasFailed = true;
        Error = error;
        Finish();
    }

    /// <summary>Leaves the signature in the registers, as after a reset.</summary>
    private protected void SetSignature()
    {
        Phase = IdePhase.Idle;
        Error = DiagnosticPassed;
        HasFailed = false;
        Features = 0;
        SectorCount = 1;
        LbaLow = 1;
        LbaMid = (ushort)(Signature & 0xFF);
        LbaHigh = (ushort)(Signature >> 8);
        DeviceRegister = 0;
        _position = _end = 0;
    }

    private static ushort Push(ushort register, byte value) => (ushort)((register << 8) | value);

    private uint PeekData(int size)
    {
        Span<byte> bytes = stackalloc byte[4];
        bytes.Clear();
        Buffer.AsSpan(_position, Math.Min(size, _end - _position)).CopyTo(bytes);
        return BinaryPrimitives.ReadUInt32LittleEndian(bytes);
    }

    private void StartBlock(IdePhase phase, int bytes, bool interrupt)
    {
        Phase = phase;
        _position = 0;
        _end = bytes;
        Interrupting |= interrupt;
    }

    /// <summary>Nothing is to come any more: neither the next step nor what the host does.</summary>
    private void CancelStep()
    {
        Host.Drop();
        RunningTransfer = null;
        _events.Cancel(_timer);
    }

    private void OnTimer(long due)
    {
        long unclaimed = Host.Unclaimed;
        if (Phase == IdePhase.Dma)
        {
            Channel.RunTransfer(this);
        }
        else if (Phase == IdePhase.Busy)
        {
            if (Step is DiagnoseStep or DiagnoseLoudStep)
            {
                SetSignature();
                Interrupting = Step == DiagnoseLoudStep;
            }
            else
            {
                RunStep(Step);
            }
        }

        Host.Forget(unclaimed);
        Channel.Update();
    }

    /// <summary>Runs the transfer of the bus master, at its instant.</summary>
    /// <returns>False when it goes on later.</returns>
    internal bool Transfer(BusMasterTransfer transfer)
    {
        if (RunningTransfer is null && !transfer.Skip(_dmaMoved))
        {
            return true;
        }

        bool ended = RunDma(transfer);
        RunningTransfer = ended ? null : transfer;
        if (ended)
        {
            _dmaMoved = 0;
        }

        return ended;
    }
}
