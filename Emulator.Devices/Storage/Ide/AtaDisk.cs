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
public sealed class AtaDisk : IdeDevice
{
    private const int SectorSize = BlockImage.SectorSize;
    private const int MaximumMultiple = 16;
    private const int DmaChunk = 128 * SectorSize;
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
                    Begin(VerifyStep, IdeTiming.Access);
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
                Begin(FlushStep, IdeTiming.Access);
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

    private protected override void RunDma(BusMasterTransfer transfer)
    {
        byte[] buffer = _dmaBuffer ??= new byte[DmaChunk];
        bool writes = Command is 0x35 or 0xCA or 0xCB;
        while (_left > 0)
        {
            int sectors = Math.Min(_left, DmaChunk / SectorSize);
            if (IsBeyond(sectors))
            {
                sectors = (int)(_image.SectorCount - _lba);
                if (sectors == 0)
                {
                    FailAt(ErrorNotFound);
                    return;
                }
            }

            Span<byte> chunk = buffer.AsSpan(0, sectors * SectorSize);
            int done = (int)_dmaDone;
            if (writes)
            {
                int got = transfer.Read(chunk) / SectorSize;
                if (!TryWrite(chunk[..(got * SectorSize)]))
                {
                    return;
                }

                Advance(got);
                if (got < sectors)
                {
                    return;
                }
            }
            else
            {
                if (!TryRead(chunk))
                {
                    return;
                }

                done += transfer.Write(chunk[done..]);
                Advance(done / SectorSize);
                _dmaDone = done % SectorSize;
                if (done < chunk.Length)
                {
                    return;
                }
            }
        }

        Finish();
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

    private bool ExecutePower(byte command)
    {
        switch (command)
        {
            case 0xE0 or 0x94 or 0xE2 or 0x96: // STANDBY
                _power = PowerStandby;
                break;
            case 0xE1 or 0x95 or 0xE3 or 0x97: // IDLE
                _power = PowerActive;
                break;
            case 0xE5 or 0x98: // CHECK POWER MODE
                SectorCount = _power;
                break;
            case 0xE6 or 0x99: // SLEEP
                _power = PowerStandby;
                _asleep = true;
                break;
            default:
                return false;
        }

        Begin(FinishStep, IdeTiming.Command);
        return true;
    }

    private void SetTranslation()
    {
        int sectors = SectorCount & 0xFF;
        int heads = (DeviceRegister & 0x0F) + 1;
        if (sectors == 0)
        {
            Abort();
            return;
        }

        _heads = heads;
        _sectorsPerTrack = sectors;
        _cylinders = (int)Math.Min(Math.Min(_image.SectorCount, 16_514_064) / (heads * sectors), 65535);
        Begin(FinishStep, IdeTiming.Command);
    }

    private void SetMultiple()
    {
        int count = SectorCount & 0xFF;
        if (count > MaximumMultiple || (count & (count - 1)) != 0)
        {
            _multiple = 0;
            Abort();
            return;
        }

        _multiple = count;
        Begin(FinishStep, IdeTiming.Command);
    }

    private void SetFeatures()
    {
        switch (Features & 0xFF)
        {
            case 0x02:
                _writeCache = true;
                break;
            case 0x82:
                _writeCache = false;
                Begin(FlushStep, IdeTiming.Access);
                return;
            case 0xAA:
                _readAhead = true;
                break;
            case 0x55:
                _readAhead = false;
                break;
            case 0x66:
                _keepsSettings = true;
                break;
            case 0xCC:
                _keepsSettings = false;
                break;
            case 0x03 when AtaIdentify.IsTransferMode((byte)SectorCount):
                // PIO modes do not change which DMA mode is selected.
                _transferMode = (SectorCount & 0xF8) is 0x20 or 0x40 ? (byte)SectorCount : _transferMode;
                break;
            default:
                Abort();
                return;
        }

        Begin(FinishStep, IdeTiming.Command);
    }

    private void Smart()
    {
        const ushort Key = 0xC24F;
        ushort cylinder = (ushort)((LbaMid & 0xFF) | (LbaHigh << 8));
        int function = Features & 0xFF;
        if (cylinder != Key || (!_smart && function != 0xD8))
        {
            Abort();
            return;
        }

        switch (function)
        {
            case 0xD8:
            case 0xD9:
                _smart = function == 0xD8;
                break;
            case 0xD0: // READ DATA
            case 0xD1: // READ THRESHOLDS
                Array.Clear(Buffer, 0, SectorSize);
                AtaIdentify.WriteSmart(Buffer, function == 0xD0);
                Begin(OfferStep, IdeTiming.Command);
                return;
            case 0xD2: // attribute autosave
            case 0xD3: // save attribute values
            case 0xDA: // RETURN STATUS: the key comes back unchanged while the disk is well
                break;
            default:
                Abort();
                return;
        }

        Begin(FinishStep, IdeTiming.Command);
    }

    private void StartMultiple(Action<int> start)
    {
        if (_multiple == 0)
        {
            Abort();
        }
        else
        {
            start(_multiple);
        }
    }

    private void StartRead(int block)
    {
        if (StartTransfer())
        {
            _block = block;
            Begin(LoadStep, IdeTiming.Access);
        }
    }

    private void StartWrite(int block)
    {
        if (StartTransfer())
        {
            _block = block;
            Begin(RequestStep, IdeTiming.Command);
        }
    }

    private void StartDmaCommand()
    {
        _dmaDone = 0;
        if (StartTransfer())
        {
            BeginDma();
        }
    }

    /// <summary>Takes address and count from the registers; ends the command when the first sector does not exist.</summary>
    private bool StartTransfer()
    {
        _power = PowerActive;
        bool extended = IsExtended;
        int count = extended ? SectorCount : SectorCount & 0xFF;
        _left = count != 0 ? count : extended ? 65536 : 256;
        _block = 0;
        long lba = Address(extended);
        if (lba < 0 || lba >= _image.SectorCount || (!extended && lba >= Lba28Limit))
        {
            _left = 0;
            _failing = true;
            Error = ErrorNotFound;
            Begin(FinishStep, IdeTiming.Access);
            return false;
        }

        _lba = lba;
        return true;
    }

    /// <summary>Sector number in the registers, or -1 when the translation has no such sector.</summary>
    private long Address(bool extended)
    {
        if (extended)
        {
            long low = (LbaLow & 0xFFL) | ((LbaMid & 0xFFL) << 8) | ((LbaHigh & 0xFFL) << 16);
            long high = ((long)LbaLow >> 8) | (LbaMid & 0xFF00L) | ((LbaHigh & 0xFF00L) << 8);
            return low | (high << 24);
        }

        int head = DeviceRegister & 0x0F;
        if ((DeviceRegister & DeviceLba) != 0)
        {
            return (LbaLow & 0xFFL) | ((LbaMid & 0xFFL) << 8) | ((LbaHigh & 0xFFL) << 16) | ((long)(uint)head << 24);
        }

        int sector = LbaLow & 0xFF;
        int cylinder = (LbaMid & 0xFF) | ((LbaHigh & 0xFF) << 8);
        if (sector == 0 || sector > _sectorsPerTrack || head >= _heads || cylinder >= _cylinders)
        {
            return -1;
        }

        return ((((long)cylinder * _heads) + head) * _sectorsPerTrack) + sector - 1;
    }

    /// <summary>Leaves a sector's address in the registers, in the way in which the command gave its own.</summary>
    private void StoreAddress(long lba)
    {
        if (IsExtended)
        {
            LbaLow = (ushort)((lba & 0xFF) | ((lba >> 24 & 0xFF) << 8));
            LbaMid = (ushort)((lba >> 8 & 0xFF) | ((lba >> 32 & 0xFF) << 8));
            LbaHigh = (ushort)((lba >> 16 & 0xFF) | ((lba >> 40 & 0xFF) << 8));
            return;
        }

        int head;
        if ((DeviceRegister & DeviceLba) != 0)
        {
            LbaLow = (byte)lba;
            LbaMid = (byte)(lba >> 8);
            LbaHigh = (byte)(lba >> 16);
            head = (int)(lba >> 24) & 0x0F;
        }
        else
        {
            long track = lba / _sectorsPerTrack;
            LbaLow = (byte)((lba % _sectorsPerTrack) + 1);
            head = (int)(track % _heads) & 0x0F;
            long cylinder = track / _heads;
            LbaMid = (byte)cylinder;
            LbaHigh = (byte)(cylinder >> 8);
        }

        DeviceRegister = (byte)((DeviceRegister & 0xF0) | head);
    }

    private void Advance(int sectors)
    {
        if (sectors == 0)
        {
            return;
        }

        _lba += sectors;
        _left -= sectors;
        SectorCount = (ushort)(IsExtended ? _left : _left & 0xFF);
        StoreAddress(_lba - 1);
    }

    private bool IsBeyond(int sectors) => _lba > _image.SectorCount - sectors;

    /// <summary>Sectors of the next block; a read stops in front of a sector that does not exist.</summary>
    private int NextBlock()
    {
        int full = Command is 0xC4 or 0x29 or 0xC5 or 0x39 ? Math.Max(_multiple, 1) : 1;
        _block = Math.Min(full, _left);
        return _block;
    }

    private void LoadBlock()
    {
        int sectors = NextBlock();
        if (IsBeyond(sectors))
        {
            FailAt(ErrorNotFound);
        }
        else if (TryRead(Buffer.AsSpan(0, sectors * SectorSize)))
        {
            OfferBlock(sectors * SectorSize);
        }
    }

    private void StoreBlock()
    {
        int sectors = Math.Min(_block, _left);
        if (IsBeyond(sectors))
        {
            FailAt(ErrorNotFound);
        }
        else if (TryWrite(Buffer.AsSpan(0, sectors * SectorSize)))
        {
            Advance(sectors);
            if (_left == 0)
            {
                Finish();
            }
            else
            {
                RequestBlock(NextBlock() * SectorSize, interrupt: true);
            }
        }
    }

    private void Verify()
    {
        byte[] buffer = _dmaBuffer ??= new byte[DmaChunk];
        while (_left > 0)
        {
            int sectors = Math.Min(_left, DmaChunk / SectorSize);
            if (IsBeyond(sectors))
            {
                sectors = (int)(_image.SectorCount - _lba);
                if (sectors == 0)
                {
                    FailAt(ErrorNotFound);
                    return;
                }
            }

            if (!TryRead(buffer.AsSpan(0, sectors * SectorSize)))
            {
                return;
            }

            Advance(sectors);
        }

        Finish();
    }

    private void Flush()
    {
        try
        {
            _image.Flush();
            Finish();
        }
        catch (StorageException e)
        {
            Channel.Report(e);
            Fail(ErrorAbort);
        }
    }

    private bool TryRead(Span<byte> destination)
    {
        try
        {
            _image.Read(_lba, destination);
            return true;
        }
        catch (StorageException e)
        {
            Channel.Report(e);
            FailAt(ErrorUncorrectable);
            return false;
        }
    }

    private bool TryWrite(ReadOnlySpan<byte> source)
    {
        try
        {
            _image.Write(_lba, source);
            if (!_writeCache)
            {
                _image.Flush();
            }

            return true;
        }
        catch (StorageException e)
        {
            Channel.Report(e);
            FailAt(ErrorAbort);
            return false;
        }
    }
}
