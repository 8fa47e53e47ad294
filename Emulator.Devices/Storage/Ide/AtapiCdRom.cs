// An ATAPI CD-ROM drive: the PACKET protocol of ATA/ATAPI-6 (T13 1410D, sections 8.23 and 9.8 to 9.10) with the commands of MMC-3 (T10 1363D)
// that firmware and drivers use, in AtapiCdRom.Commands.cs. Programmed I/O in blocks up to the byte count limit, DMA.
//
// The medium is one track of 2048-byte sectors; what is around them on a real CD (READ CD) is computed. A drive has a tray, which the guest can
// lock; the medium that is in it comes back when the tray closes. Exchange announces itself by unit attention and by GET EVENT STATUS.
//
// Left out: audio, writing, overlapped commands. A disc of more than 99 minutes counts as a DVD, without its structures.
using Emulator.Core.Machine;
using Emulator.Core.Snapshot;
using Emulator.Devices.Storage.Images;

namespace Emulator.Devices.Storage.Ide;

/// <summary>A CD-ROM drive on an IDE channel.</summary>
public sealed partial class AtapiCdRom : IdeDevice
{
    private const int PacketSize = 12;
    private const int IdentifySize = 512;
    private const byte ReasonCommand = 0x01;
    private const byte ReasonToHost = 0x02;
    private const int DmaChunk = 32 * CdSector.DataSize;

    /// <summary>Bytes that the host reads before the machine looks at them, under the host clock.</summary>
    private const int LiveChunk = 16 * DmaChunk;

    private const int RequestPacketStep = FirstOwnStep;
    private const int PacketStep = FirstOwnStep + 1;
    private const int NextBlockStep = FirstOwnStep + 2;
    private const int FinishStep = FirstOwnStep + 3;
    private const int AbortStep = FirstOwnStep + 4;
    private const int OfferStep = FirstOwnStep + 5;
    private const int LastStep = OfferStep;

    private readonly int _unit;
    private readonly byte[] _packet = new byte[PacketSize];
    private readonly byte[] _sector = new byte[CdSector.RawSize];
    private byte[]? _dmaBuffer;
    private BlockImage? _medium;

    private byte _transferMode;
    private bool _ready;
    private bool _useDma;
    private ushort _byteLimit;

    // The data phase of the running packet: a reply, sectors, or parameters from the host.
    private DataKind _data;
    private byte[] _reply = [];
    private long _firstSector;
    private byte _parts;
    private long _total;
    private long _done;

    /// <summary>Creates a drive.</summary>
    /// <param name="stateId">Name in snapshots.</param>
    /// <param name="unit">0 to 3, for its serial number.</param>
    /// <param name="medium">What is in it, or null.</param>
    /// <param name="clock">Virtual time.</param>
    /// <param name="events">The machine's timers.</param>
    public AtapiCdRom(string stateId, int unit, BlockImage? medium, Clock clock, EventQueue events)
        : base(stateId, clock, events)
    {
        _unit = unit;
        _medium = medium;
        PowerOn();
        SetSignature();
    }

    private enum DataKind : byte
    {
        None,
        Reply,
        Sectors,
        Parameters,
    }

    /// <summary>What is in the drive, or null.</summary>
    public BlockImage? Medium => _medium;

    /// <summary>What can be read now: null without a medium, or while the tray is open.</summary>
    public BlockImage? ReadableMedium => HasMedium ? _medium : null;

    private protected override ushort Signature => 0xEB14;

    private protected override byte StatusBits => _ready ? StatusReady : (byte)0;

    private protected override long DmaDelay => IdeTiming.Dma(_total - _done);

    /// <inheritdoc/>
    public override void Reset()
    {
        base.Reset();
        PowerOn();
    }

    /// <summary>Exchanges the medium, as the user does by the button and the tray; what was in it is the caller's. Call between two instructions.</summary>
    /// <param name="medium">What comes in, or null.</param>
    /// <returns>What was in it.</returns>
    public BlockImage? Exchange(BlockImage? medium)
    {
        Host.Wait();
        BlockImage? before = _medium;
        _medium = medium;
        _trayOpen = false;
        NoteMedium(medium is null ? EventRemoval : EventNewMedium);
        return before;
    }

    /// <inheritdoc/>
    public override void Serialize(StateArchive archive)
    {
        ArgumentNullException.ThrowIfNull(archive);
        base.Serialize(archive);
        archive.Array<byte>("packet", _packet);
        archive.Field("transferMode", ref _transferMode);
        archive.Field("ready", ref _ready);
        archive.Field("useDma", ref _useDma);
        archive.Field("byteLimit", ref _byteLimit);
        archive.Field("data", ref _data);
        archive.Variable("reply", ref _reply, BufferSize);
        archive.Field("firstSector", ref _firstSector);
        archive.Field("parts", ref _parts);
        archive.Field("total", ref _total);
        archive.Field("done", ref _done);
        SerializeCommands(archive);
        if (archive.IsLoading)
        {
            archive.Check(_data <= DataKind.Parameters, "data");
            archive.Check(_byteLimit is >= 2 and <= MaximumByteLimit, "byteLimit");
            archive.Check(_done >= 0 && _done <= _total, "done");
            archive.Check(_data is not (DataKind.Reply or DataKind.Parameters) || _total <= _reply.Length, "total");
            archive.Check(_data != DataKind.Sectors || (_firstSector >= 0 && PartsSize(_parts) != 0 && _firstSector <= MaximumSectors && _total <= MaximumSectors * CdSector.RawSize), "firstSector");
        }
    }

    private protected override bool IsStep(int step) => step is >= 0 and <= LastStep;

    private protected override bool AcceptsAlways(byte command) => command == DeviceResetCommand;

    private protected override void OnSoftwareReset()
    {
        _ready = false;
        _data = DataKind.None;
    }

    private protected override void Execute(byte command)
    {
        bool wasReady = _ready;
        _ready = true;
        switch (command)
        {
            case 0xA0:
                _useDma = (Features & 1) != 0;
                int limit = (LbaMid & 0xFF) | ((LbaHigh & 0xFF) << 8);
                _byteLimit = (ushort)(limit is 0 or > MaximumByteLimit ? MaximumByteLimit : Math.Max(limit & ~1, 2));
                SectorCount = ReasonCommand;
                Begin(RequestPacketStep, IdeTiming.Command);
                break;
            case 0xA1:
                Array.Clear(Buffer, 0, IdentifySize);
                AtaIdentify.WriteCdRom(Buffer, _unit, _transferMode);
                Begin(OfferStep, IdeTiming.Command);
                break;
            case DeviceResetCommand:
                _ready = false;
                _data = DataKind.None;
                Begin(DiagnoseStep, IdeTiming.Reset);
                break;
            case 0x20 or 0xEC: // a packet device says that it is one
                byte device = (byte)(DeviceRegister & DeviceAddressed);
                SetSignature();
                DeviceRegister = device;
                _ready = wasReady;
                Begin(AbortStep, IdeTiming.Command);
                break;
            case 0xEF when (Features & 0xFF) == 0x03 && AtaIdentify.IsTransferMode((byte)SectorCount):
                _transferMode = (SectorCount & 0xF8) is 0x20 or 0x40 ? (byte)SectorCount : _transferMode;
                Begin(FinishStep, IdeTiming.Command);
                break;
            case 0xEF when (Features & 0xFF) is 0x66 or 0xCC:
            case 0xE0 or 0xE1 or 0xE2 or 0xE3 or 0xE6:
                Begin(FinishStep, IdeTiming.Command);
                break;
            case 0xE5:
                SectorCount = 0xFF;
                Begin(FinishStep, IdeTiming.Command);
                break;
            default:
                Begin(AbortStep, IdeTiming.Command);
                break;
        }
    }

    private protected override void RunStep(int step)
    {
        switch (step)
        {
            case RequestPacketStep:
                RequestBlock(PacketSize, interrupt: false);
                break;
            case PacketStep:
                RunPacket();
                break;
            case NextBlockStep:
                NextBlock();
                break;
            case OfferStep:
                OfferBlock(IdentifySize);
                break;
            case AbortStep:
                Fail(ErrorAbort);
                break;
            default:
                Finish();
                break;
        }
    }

    private protected override void OnBlockRead()
    {
        if (Command == 0xA0)
        {
            Begin(NextBlockStep, IdeTiming.Block);
        }
        else
        {
            Finish(interrupt: false);
        }
    }

    private protected override void OnBlockWritten()
    {
        if (_data == DataKind.Parameters)
        {
            int bytes = (int)Math.Min(_total - _done, _byteLimit);
            Buffer.AsSpan(0, bytes).CopyTo(_reply.AsSpan((int)_done));
            _done += bytes;
            Begin(NextBlockStep, IdeTiming.Block);
        }
        else
        {
            Buffer.AsSpan(0, PacketSize).CopyTo(_packet);
            BeginMedium(PacketStep);
        }
    }

    private protected override bool RunDma(BusMasterTransfer transfer)
    {
        while (_done < _total)
        {
            int bytes = (int)Math.Min(_total - _done, Host.IsLive ? LiveChunk : DmaChunk);
            if (_dmaBuffer is null || _dmaBuffer.Length < bytes)
            {
                _dmaBuffer = new byte[Math.Max(bytes, DmaChunk)];
            }

            int moved;
            if (_data == DataKind.Parameters)
            {
                moved = transfer.Read(_dmaBuffer.AsSpan(0, bytes));
                _dmaBuffer.AsSpan(0, moved).CopyTo(_reply.AsSpan((int)_done));
            }
            else
            {
                HostResult result = Fill(_dmaBuffer, bytes);
                if (result != HostResult.Done)
                {
                    return result == HostResult.Failed;
                }

                moved = transfer.Write(_dmaBuffer.AsSpan(0, bytes));
            }

            _done += moved;
            NoteMoved(transfer);
            if (moved < bytes)
            {
                return true;
            }
        }

        EndData();
        return true;
    }

    private void PowerOn()
    {
        _transferMode = 0x20;
        _ready = _useDma = false;
        _byteLimit = MaximumByteLimit;
        _data = DataKind.None;
        _reply = [];
        _total = _done = _firstSector = 0;
        _parts = PartData;
        ResetCommands();
    }

    /// <summary>Starts the data phase of a packet, or ends it when there is no data.</summary>
    private void StartData(DataKind kind, long total)
    {
        _data = kind;
        _total = total;
        _done = 0;
        if (total == 0)
        {
            EndData();
        }
        else if (_useDma)
        {
            BeginDma();
        }
        else if (Host.IsLive)
        {
            // A step of its own, since the packet is not to run again when the host is done.
            Begin(NextBlockStep, 0);
        }
        else
        {
            NextBlock();
        }
    }

    private void NextBlock()
    {
        int bytes = (int)Math.Min(_total - _done, _byteLimit);
        if (bytes == 0)
        {
            EndData();
            return;
        }

        bool toHost = _data != DataKind.Parameters;
        if (toHost)
        {
            if (Fill(Buffer, bytes) != HostResult.Done)
            {
                return;
            }

            _done += bytes;
        }

        SectorCount = toHost ? ReasonToHost : (ushort)0;
        LbaMid = (ushort)(bytes & 0xFF);
        LbaHigh = (ushort)(bytes >> 8);
        if (toHost)
        {
            OfferBlock(bytes);
        }
        else
        {
            RequestBlock(bytes, interrupt: true);
        }
    }

    private void EndData()
    {
        if (_data == DataKind.Parameters && !TakeParameters())
        {
            return;
        }

        Succeed();
    }

    private void Succeed()
    {
        _data = DataKind.None;
        SectorCount = ReasonCommand | ReasonToHost;
        Finish();
    }

    /// <summary>Ends a packet with CHECK CONDITION.</summary>
    private void Check(int key, int code, int qualifier = 0)
    {
        (_senseKey, _senseCode, _senseQualifier) = ((byte)key, (byte)code, (byte)qualifier);
        _data = DataKind.None;
        SectorCount = ReasonCommand | ReasonToHost;
        Fail((byte)((key << 4) | (key == IllegalRequest ? ErrorAbort : 0)));
    }

    /// <summary>Gets the next bytes of the data phase; ends the packet when the host cannot read.</summary>
    private HostResult Fill(byte[] destination, int bytes)
    {
        if (_data != DataKind.Sectors)
        {
            _reply.AsSpan((int)_done, bytes).CopyTo(destination);
            return HostResult.Done;
        }

        HostResult result = Host.Run(() => ReadParts(destination.AsSpan(0, bytes)));
        if (result == HostResult.Failed)
        {
            Channel.Report(Host.Failure);
            Check(MediumError, 0x11);
        }

        return result;
    }

    private void ReadParts(Span<byte> destination)
    {
        int size = PartsSize(_parts);
        long at = _done;
        while (!destination.IsEmpty)
        {
            long sector = _firstSector + (at / size);
            int offset = (int)(at % size);
            if (_parts == PartData && offset == 0 && destination.Length >= CdSector.DataSize)
            {
                int whole = destination.Length / CdSector.DataSize * CdSector.DataSize;
                ReadMedium(sector, destination[..whole]);
                at += whole;
                destination = destination[whole..];
                continue;
            }

            int part = Math.Min(size - offset, destination.Length);
            BuildSector(sector).Slice(offset, part).CopyTo(destination);
            at += part;
            destination = destination[part..];
        }
    }

    /// <summary>The chosen parts of a sector, next to each other.</summary>
    private ReadOnlySpan<byte> BuildSector(long sector)
    {
        const int DataStart = CdSector.SyncSize + CdSector.HeaderSize;
        ReadMedium(sector, _sector.AsSpan(DataStart, CdSector.DataSize));
        if (_parts == PartData)
        {
            return _sector.AsSpan(DataStart, CdSector.DataSize);
        }

        CdSector.Complete(_sector, sector);
        Span<byte> all = _sector;
        int used = 0;
        int at = 0;
        foreach ((byte part, int size) in PartSizes)
        {
            if ((_parts & part) != 0)
            {
                all.Slice(at, size).CopyTo(all[used..]);
                used += size;
            }

            at += size;
        }

        return _sector;
    }

    /// <summary>Reads whole sectors; what lies behind the end of the image (a last sector that is cut, an exchanged medium) is zero.</summary>
    private void ReadMedium(long sector, Span<byte> destination)
    {
        const int Ratio = CdSector.DataSize / BlockImage.SectorSize;
        long first = sector * Ratio;
        long available = Math.Clamp(((_medium?.SectorCount ?? 0) - first) * BlockImage.SectorSize, 0, destination.Length);
        _medium?.Read(available == 0 ? 0 : first, destination[..(int)available]);
        destination[(int)available..].Clear();
    }
}
