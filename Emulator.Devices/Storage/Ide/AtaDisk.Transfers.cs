using Emulator.Devices.Storage.Images;

namespace Emulator.Devices.Storage.Ide;

/// <content>Addresses, and sectors on their way between the image and the host's buffers.</content>
public sealed partial class AtaDisk
{
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
            BeginMedium(LoadStep);
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

    /// <summary>How many of the next sectors exist.</summary>
    private int ExistingSectors(int sectors) => (int)Math.Clamp(_image.SectorCount - _lba, 0, sectors);

    /// <summary>Sectors of the next block; a read stops in front of a sector that does not exist.</summary>
    private int NextBlock()
    {
        int full = Command is 0xC4 or 0x29 or 0xC5 or 0x39 ? Math.Max(_multiple, 1) : 1;
        _block = Math.Min(full, _left);
        return _block;
    }

    private bool IsLoaded(int sectors) => _lba >= _loadedAt && _lba + sectors <= _loadedAt + _loaded;

    private void LoadBlock()
    {
        int sectors = NextBlock();
        if (ExistingSectors(sectors) < sectors)
        {
            FailAt(ErrorNotFound);
            return;
        }

        if (!IsLoaded(sectors))
        {
            // Under the host clock the rest of the command comes with it, so that the thread pool is asked once.
            int wanted = Host.IsLive ? ExistingSectors(Math.Min(_left, DmaChunk / SectorSize)) : sectors;
            switch (ReadImage(TransferBuffer(wanted * SectorSize), wanted))
            {
                case HostResult.Pending:
                    return;
                case HostResult.Failed when _good < sectors:
                    Advance(_good);
                    ReportAt(ErrorUncorrectable);
                    return;
                default:
                    _loadedAt = _lba;
                    _loaded = _good;
                    break;
            }
        }

        TransferBuffer(0).AsSpan((int)(_lba - _loadedAt) * SectorSize, sectors * SectorSize).CopyTo(Buffer);
        OfferBlock(sectors * SectorSize);
    }

    private void StoreBlock()
    {
        int sectors = Math.Min(_block, _left);
        if (ExistingSectors(sectors) < sectors)
        {
            FailAt(ErrorNotFound);
            return;
        }

        HostResult result = WriteImage(Buffer, sectors);
        if (result == HostResult.Failed)
        {
            ReportAt(ErrorAbort);
        }
        else if (result == HostResult.Done)
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
        byte[] buffer = TransferBuffer(DmaChunk);
        while (_left > 0)
        {
            int sectors = ExistingSectors(Math.Min(_left, DmaChunk / SectorSize));
            if (sectors == 0)
            {
                FailAt(ErrorNotFound);
                return;
            }

            HostResult result = ReadImage(buffer, sectors);
            if (result == HostResult.Pending)
            {
                return;
            }

            Advance(_good);
            if (result == HostResult.Failed)
            {
                ReportAt(ErrorUncorrectable);
                return;
            }
        }

        Finish();
    }

    private void Flush()
    {
        HostResult result = Host.Run(_image.Flush);
        if (result == HostResult.Failed)
        {
            Channel.Report(Host.Failure);
            Fail(ErrorAbort);
        }
        else if (result == HostResult.Done)
        {
            Finish();
        }
    }

    /// <summary>A buffer of at least some bytes, which keeps what it holds when it is large enough.</summary>
    private byte[] TransferBuffer(int bytes)
    {
        if (_dmaBuffer is null || _dmaBuffer.Length < bytes)
        {
            _dmaBuffer = new byte[Math.Max(bytes, DmaChunk)];
        }

        return _dmaBuffer;
    }

    /// <summary>Lets the host read the next sectors into a buffer; <see cref="_good"/> says how many there are.</summary>
    private HostResult ReadImage(byte[] buffer, int sectors)
    {
        long lba = _lba;
        return Host.Run(() =>
        {
            for (_good = 0; _good < sectors;)
            {
                int part = Math.Min(sectors - _good, DmaChunk / SectorSize);
                ReadPart(buffer, lba, part);
            }
        });
    }

    /// <summary>Reads sectors at once, and one by one up to the one that cannot be read when that fails.</summary>
    private void ReadPart(byte[] buffer, long lba, int sectors)
    {
        try
        {
            _image.Read(lba + _good, buffer.AsSpan(_good * SectorSize, sectors * SectorSize));
            _good += sectors;
        }
        catch (StorageException) when (sectors > 1)
        {
            for (int i = 0; i < sectors; i++, _good++)
            {
                _image.Read(lba + _good, buffer.AsSpan(_good * SectorSize, SectorSize));
            }
        }
    }

    /// <summary>Lets the host write the next sectors from a buffer; <see cref="_good"/> says how many it has written.</summary>
    private HostResult WriteImage(byte[] buffer, int sectors)
    {
        long lba = _lba;
        bool flush = !_writeCache;
        return Host.Run(() =>
        {
            for (_good = 0; _good < sectors;)
            {
                int part = Math.Min(sectors - _good, DmaChunk / SectorSize);
                _image.Write(lba + _good, buffer.AsSpan(_good * SectorSize, part * SectorSize));
                _good += part;
            }

            if (flush)
            {
                _image.Flush();
            }
        });
    }

    /// <summary>Ends the command at a sector that the host refused, and says why.</summary>
    private void ReportAt(byte error)
    {
        Channel.Report(Host.Failure);
        FailAt(error);
    }
}
