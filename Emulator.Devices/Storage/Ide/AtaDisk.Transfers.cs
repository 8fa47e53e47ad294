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
