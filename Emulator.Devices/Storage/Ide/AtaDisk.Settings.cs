namespace Emulator.Devices.Storage.Ide;

/// <content>Power modes, CHS translation, SET MULTIPLE, SET FEATURES, SMART.</content>
public sealed partial class AtaDisk
{
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
}
