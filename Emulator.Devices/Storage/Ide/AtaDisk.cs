// An ATA hard disk (ATA/ATAPI-6, T13 1410D): the general and packet-free feature sets power management, SMART (status only), write cache,
// 48-bit addresses, FLUSH CACHE. CHS (with the translation of INITIALIZE DEVICE PARAMETERS), 28-bit and 48-bit addresses; programmed I/O in
// single and multiple sectors, DMA.
//
// A sector out of range ends a command with IDNF and its address, a sector that the host cannot read with UNC, one that it cannot write
// (or a read-only image) with ABRT. The command's registers count while it runs, as those of a real disk do.
//
// Left out: security, host protected area, queued commands, streaming, microcode download: they are not in IDENTIFY, and abort. Standby
// timers never expire; STANDBY and SLEEP are as fast as IDLE.
using Emulator.Core.Machine;
using Emulator.Core.Snapshot;
using Emulator.Devices.Storage.Images;

namespace Emulator.Devices.Storage.Ide;

/// <summary>A hard disk on an IDE channel.</summary>
public sealed partial class AtaDisk : IdeDevice
{
    private const int SectorSize = BlockImage.SectorSize;
    private const int MaximumMultiple = 16;

    /// <summary>Bytes of one access to the image, in the middle of a transfer too.</summary>
    private const int DmaChunk = 128 * SectorSize;

    /// <summary>Bytes that the host reads or writes before the machine looks at them, under the host clock.</summary>
    private const int LiveChunk = 16 * DmaChunk;

    private const long Lba28Limit = 1L << 28;

    private const byte ErrorUncorrectable = 0x40;
    private const byte ErrorNotFound = 0x10;
    private const byte PowerActive = 0xFF;
    private const byte PowerStandby = 0x00;

    private const int FinishStep = FirstOwnStep;
    private const int LoadStep = FirstOwnStep + 1;
    private const int RequestStep = FirstOwnStep + 2;
    private const int StoreStep = FirstOwnStep + 3;
    private const int VerifyStep = FirstOwnStep + 4;
    private const int FlushStep = FirstOwnStep + 5;
    private const int OfferStep = FirstOwnStep + 6;
    private const int LastStep = OfferStep;

    private readonly BlockImage _image;
    private readonly int _unit;
    private readonly ushort _defaultCylinders;
    private readonly byte[] _hostBuffer = new byte[SectorSize];
    private byte[]? _dmaBuffer;

    // The running access to the image: sectors that came from memory, sectors that the host is done with, and what a programmed read has in
    // the buffer. They follow from the state and the image, and are not saved.
    private int _gathered;
    private int _good;
    private long _loadedAt;
    private int _loaded;

    private int _heads;
    private int _sectorsPerTrack;
    private int _cylinders;
    private int _multiple;
    private byte _transferMode;
    private bool _writeCache;
    private bool _readAhead;
    private bool _smart;
    private bool _keepsSettings;
    private byte _power;
    private bool _asleep;
    private bool _failing;

    // The transfer of the running command.
    private long _lba;
    private int _left;
    private int _block;
    private long _dmaDone;

    /// <summary>Creates a disk.</summary>
    /// <param name="stateId">Name in snapshots.</param>
    /// <param name="unit">0 to 3, for its serial number.</param>
    /// <param name="image">What it holds.</param>
    /// <param name="clock">Virtual time.</param>
    /// <param name="events">The machine's timers.</param>
    public AtaDisk(string stateId, int unit, BlockImage image, Clock clock, EventQueue events)
        : base(stateId, clock, events)
    {
        ArgumentNullException.ThrowIfNull(image);
        _image = image;
        _unit = unit;
        _defaultCylinders = (ushort)Math.Clamp(image.SectorCount / (DefaultHeads * DefaultSectors), 1, 16383);
        PowerOn();
        SetSignature();
    }

    /// <summary>Heads of the default translation.</summary>
    public const int DefaultHeads = 16;

    /// <summary>Sectors on a track of the default translation.</summary>
    public const int DefaultSectors = 63;

    /// <summary>What it holds.</summary>
    public BlockImage Image => _image;

    /// <summary>Cylinders of the default translation, up to 16383.</summary>
    public int DefaultCylinders => _defaultCylinders;

    private protected override ushort Signature => 0;

    private protected override byte StatusBits => StatusReady | StatusSeekComplete;

    private protected override bool IsAsleep => _asleep;

    private protected override long DmaDelay => IdeTiming.Access + IdeTiming.Dma(((long)_left * SectorSize) - _dmaDone);

    private bool IsExtended => Command is 0x24 or 0x25 or 0x29 or 0x34 or 0x35 or 0x39 or 0x42;

    /// <inheritdoc/>
    public override void Reset()
    {
        base.Reset();
        PowerOn();
    }

    /// <inheritdoc/>
    public override void Serialize(StateArchive archive)
    {
        ArgumentNullException.ThrowIfNull(archive);
        base.Serialize(archive);
        archive.Field("heads", ref _heads);
        archive.Field("sectorsPerTrack", ref _sectorsPerTrack);
        archive.Field("cylinders", ref _cylinders);
        archive.Field("multiple", ref _multiple);
        archive.Field("transferMode", ref _transferMode);
        archive.Field("writeCache", ref _writeCache);
        archive.Field("readAhead", ref _readAhead);
        archive.Field("smart", ref _smart);
        archive.Field("keepsSettings", ref _keepsSettings);
        archive.Field("power", ref _power);
        archive.Field("asleep", ref _asleep);
        archive.Field("failing", ref _failing);
        archive.Field("lba", ref _lba);
        archive.Field("left", ref _left);
        archive.Field("blockSectors", ref _block);
        archive.Field("dmaDone", ref _dmaDone);
        if (archive.IsLoading)
        {
            archive.Check(_heads is >= 1 and <= 16 && _sectorsPerTrack is >= 1 and <= 255 && _cylinders is >= 0 and <= 65535, "heads");
            archive.Check(_multiple is >= 0 and <= MaximumMultiple, "multiple");
            archive.Check(_left is >= 0 and <= 65536 && _lba >= 0 && _lba <= _image.SectorCount, "lba");
            archive.Check(_block is >= 0 and <= MaximumMultiple, "blockSectors");
            archive.Check(_dmaDone is >= 0 and < SectorSize, "dmaDone");
        }
    }

    private protected override bool IsStep(int step) => step is >= 0 and <= LastStep;

    private protected override void OnSoftwareReset()
    {
        _asleep = false;
        if (!_keepsSettings)
        {
            _multiple = MaximumMultiple;
            _writeCache = _readAhead = true;
        }
    }

    private protected override void Execute(byte command)
    {
        _failing = false;
        _loaded = 0;
        switch (command)
        {
            case 0x20 or 0x21 or 0x24:
                StartRead(1);
                break;
            case 0xC4 or 0x29:
                StartMultiple(StartRead);
                break;
            case 0x30 or 0x31 or 0x34:
                StartWrite(1);
                break;
            case 0xC5 or 0x39:
                StartMultiple(StartWrite);
                break;
            case 0x25 or 0xC8 or 0xC9 or 0x35 or 0xCA or 0xCB:
                StartDmaCommand();
                break;
            case 0x40 or 0x41 or 0x42:
                if (StartTransfer())
                {
                    BeginMedium(VerifyStep);
                }

                break;
            case >= 0x10 and <= 0x1F: // RECALIBRATE
                if ((DeviceRegister & DeviceLba) == 0)
                {
                    LbaMid = LbaHigh = 0;
                }

                Begin(FinishStep, IdeTiming.Access);
                break;
            case >= 0x70 and <= 0x7F: // SEEK
                SectorCount = 1;
                if (StartTransfer())
                {
                    Begin(FinishStep, IdeTiming.Access);
                }

                break;
            case 0x91:
                SetTranslation();
                break;
            case 0xC6:
                SetMultiple();
                break;
            case 0xE7 or 0xEA:
                BeginMedium(FlushStep);
                break;
            case 0xEC:
                Array.Clear(Buffer, 0, SectorSize);
                AtaIdentify.Write(Buffer, Describe());
                Begin(OfferStep, IdeTiming.Command);
                break;
            case 0xE4: // READ BUFFER
                _hostBuffer.CopyTo(Buffer, 0);
                Begin(OfferStep, IdeTiming.Command);
                break;
            case 0xE8: // WRITE BUFFER
                Begin(RequestStep, IdeTiming.Command);
                break;
            case 0xEF:
                SetFeatures();
                break;
            case 0xB0:
                Smart();
                break;
            default:
                if (!ExecutePower(command))
                {
                    Abort();
                }

                break;
        }
    }

    private protected override void RunStep(int step)
    {
        switch (step)
        {
            case LoadStep:
                LoadBlock();
                break;
            case RequestStep:
                RequestBlock(Command == 0xE8 ? SectorSize : NextBlock() * SectorSize, interrupt: false);
                break;
            case StoreStep:
                StoreBlock();
                break;
            case VerifyStep:
                Verify();
                break;
            case FlushStep:
                Flush();
                break;
            case OfferStep:
                OfferBlock(SectorSize);
                break;
            default:
                if (_failing)
                {
                    Fail(Error == 0 ? ErrorAbort : Error);
                }
                else
                {
                    Finish();
                }

                break;
        }
    }

    private protected override void OnBlockRead()
    {
        if (Command is not (0x20 or 0x21 or 0x24 or 0xC4 or 0x29))
        {
            Finish(interrupt: false);
            return;
        }

        Advance(Math.Min(_block, _left));
        if (_left == 0)
        {
            Finish(interrupt: false);
        }
        else if (Host.IsLive && IsLoaded(NextBlock()))
        {
            LoadBlock();
        }
        else
        {
            Begin(LoadStep, IdeTiming.Block);
        }
    }

    private protected override void OnBlockWritten()
    {
        if (Command == 0xE8)
        {
            Buffer.AsSpan(0, SectorSize).CopyTo(_hostBuffer);
            Begin(FinishStep, IdeTiming.Command);
        }
        else
        {
            Begin(StoreStep, IdeTiming.Block);
        }
    }

    private protected override bool RunDma(BusMasterTransfer transfer)
    {
        bool writes = Command is 0x35 or 0xCA or 0xCB;
        while (_left > 0)
        {
            int sectors = ExistingSectors(Math.Min(_left, (Host.IsLive ? LiveChunk : DmaChunk) / SectorSize));
            if (sectors == 0)
            {
                FailAt(ErrorNotFound);
                return true;
            }

            byte[] buffer = TransferBuffer(sectors * SectorSize);
            if (writes && !Host.IsBusy)
            {
                _gathered = transfer.Read(buffer.AsSpan(0, sectors * SectorSize)) / SectorSize;
            }

            HostResult result = writes ? WriteImage(buffer, _gathered) : ReadImage(buffer, sectors);
            if (result == HostResult.Pending)
            {
                return false;
            }

            bool isShort;
            if (writes)
            {
                Advance(_good);
                isShort = _gathered < sectors;
            }
            else
            {
                int offered = _good * SectorSize;
                int done = Math.Min((int)_dmaDone, offered);
                done += transfer.Write(buffer.AsSpan(done, offered - done));
                Advance(done / SectorSize);
                _dmaDone = done % SectorSize;
                isShort = done < offered;
            }

            NoteMoved(transfer);
            if (result == HostResult.Failed && !isShort)
            {
                ReportAt(writes ? ErrorAbort : ErrorUncorrectable);
                return true;
            }

            if (isShort)
            {
                return true;
            }
        }

        Finish();
        return true;
    }

    private void PowerOn()
    {
        _heads = DefaultHeads;
        _sectorsPerTrack = DefaultSectors;
        _cylinders = _defaultCylinders;
        _multiple = MaximumMultiple;
        _transferMode = 0x20; // multiword DMA 0
        _writeCache = _readAhead = true;
        _smart = true;
        _keepsSettings = false;
        _power = PowerActive;
        _asleep = false;
        _left = _block = 0;
        _lba = _dmaDone = 0;
    }

    private AtaIdentity Describe() => new()
    {
        Unit = _unit,
        Sectors = _image.SectorCount,
        DefaultCylinders = _defaultCylinders,
        DefaultHeads = DefaultHeads,
        DefaultSectors = DefaultSectors,
        Cylinders = _cylinders,
        Heads = _heads,
        SectorsPerTrack = _sectorsPerTrack,
        MaximumMultiple = MaximumMultiple,
        Multiple = _multiple,
        TransferMode = _transferMode,
        WriteCache = _writeCache,
        ReadAhead = _readAhead,
        Smart = _smart,
    };

    private void Abort()
    {
        _failing = true;
        Error = ErrorAbort;
        Begin(FinishStep, IdeTiming.Command);
    }

    private void FailAt(byte error)
    {
        StoreAddress(_lba);
        Fail(error);
    }
}
