using Emulator.Core.Snapshot;
using Emulator.Devices.Dma;
using Emulator.Devices.Storage.Images;

namespace Emulator.Devices.Storage.Floppy;

/// <content>The commands (82078 datasheet 290468, chapter 5).</content>
public sealed unsafe partial class I82078Fdc
{
    private const byte MultiTrack = 0x80;
    private const byte HeadBit = 0x04;
    private const byte ConfigureImpliedSeek = 0x40;
    private const byte ConfigurePollOff = 0x10;

    private const byte Abnormal = 0x40;
    private const byte Invalid = 0x80;
    private const byte SeekEnd = 0x20;
    private const byte EquipmentCheck = 0x10;
    private const byte EndOfCylinder = 0x80;
    private const byte DataError = 0x20;
    private const byte NoData = 0x04;
    private const byte NotWritable = 0x02;
    private const byte MissingMark = 0x01;
    private const byte ControlMark = 0x40;
    private const byte WrongCylinder = 0x10;

    private byte _specify1;
    private byte _specify2;
    private byte _configuration;
    private byte _preCompensation;
    private byte _perpendicular;
    private bool _locked;
    private bool _resetting;

    // The command in its execution phase.
    private bool _nonDma;
    private bool _toHost;
    private bool _blockReady;
    private int _blockAt;
    private int _blockLength;
    private int _cylinder;
    private int _head;
    private int _sector;
    private int _formatted;

    // A sector is on its way from the buffer to the medium, with the terminal count that came with it.
    private bool _storing;
    private bool _storingLast;

    /// <summary>Whether a block waits for the host's program.</summary>
    private bool HostCanMove => _blockReady && _nonDma;

    private byte Function => (byte)(_command[0] & 0x1F);

    private void ResetConfiguration()
    {
        _configuration = 0x20; // FIFO off
        _preCompensation = 0;
        _perpendicular &= 0x3C;
        _locked = false;
    }

    private void ResetExecution()
    {
        _nonDma = _toHost = _blockReady = _storing = false;
        _blockAt = _blockLength = 0;
        _dma.Request = false;
    }

    private void SerializeExecution(StateArchive archive)
    {
        archive.Field("specify1", ref _specify1);
        archive.Field("specify2", ref _specify2);
        archive.Field("configuration", ref _configuration);
        archive.Field("preCompensation", ref _preCompensation);
        archive.Field("perpendicular", ref _perpendicular);
        archive.Field("locked", ref _locked);
        archive.Field("resetting", ref _resetting);
        archive.Field("nonDma", ref _nonDma);
        archive.Field("toHost", ref _toHost);
        archive.Field("blockReady", ref _blockReady);
        archive.Field("blockAt", ref _blockAt);
        archive.Field("blockLength", ref _blockLength);
        archive.Field("cylinder", ref _cylinder);
        archive.Field("head", ref _head);
        archive.Field("sector", ref _sector);
        archive.Field("formatted", ref _formatted);
        if (archive.Optional("storing"))
        {
            archive.Field("storing", ref _storing);
            archive.Field("storingLast", ref _storingLast);
        }

        archive.Check(_blockLength is >= 0 and <= SectorSize && _blockAt >= 0 && _blockAt <= _blockLength, "blockLength");
        archive.Check(!_blockReady || _blockAt < _blockLength, "blockAt");
        archive.Check(_cylinder is >= 0 and <= 256 && _head is 0 or 1 && _sector is >= 0 and <= 256 && _formatted is >= 0 and <= 256, "sector");
    }

    private void Execute()
    {
        switch (Function)
        {
            case 0x02 or 0x05 or 0x06 or 0x09 or 0x0C or 0x16:
                StartTransfer();
                break;
            case 0x0D:
                StartFormat();
                break;
            case 0x03:
                (_specify1, _specify2) = (_command[1], _command[2]);
                break;
            case 0x04:
                Reply(DriveStatus());
                break;
            case 0x07:
                StartSeek(0);
                break;
            case 0x08:
                SenseInterrupt();
                break;
            case 0x0A:
                _phase = FdcPhase.Execution;
                _nonDma = _blockReady = false;
                _events.Schedule(_timer, _clock.Now + SectorTime);
                break;
            case 0x0E when _command[0] == 0x0E:
                Reply(_tracks[0], _tracks[1], _tracks[2], _tracks[3], _specify1, _specify2, _command[6], (byte)((_locked ? 0x80 : 0) | _perpendicular), _configuration, _preCompensation);
                break;
            case 0x0F:
                int target = (_command[0] & 0x80) == 0 ? _command[2] : _tracks[_command[1] & DorDrive] + ((_command[0] & 0x40) != 0 ? _command[2] : -_command[2]);
                StartSeek(Math.Clamp(target, 0, 255));
                break;
            case 0x10 when _command[0] == 0x10:
                Reply(0x90);
                break;
            case 0x12:
                _perpendicular = (byte)((_command[1] & 0x80) != 0 ? _command[1] & 0x3F : (_perpendicular & 0x3C) | (_command[1] & 0x03));
                break;
            case 0x13:
                (_configuration, _preCompensation) = (_command[2], _command[3]);
                break;
            case 0x14 when (_command[0] & 0x60) == 0:
                _locked = (_command[0] & 0x80) != 0;
                Reply((byte)(_locked ? 0x10 : 0));
                break;
            default:
                Reply(Invalid);
                break;
        }
    }

    private byte Unit() => (byte)(_command[1] & (DorDrive | HeadBit));

    private byte DriveStatus()
    {
        const byte WriteProtected = 0x40;
        const byte AlwaysSet = 0x28; // ready, two sides
        const byte TrackZero = 0x10;
        FloppyDrive? drive = Selected;
        return (byte)(Unit() | (drive is null ? 0 : AlwaysSet) | (drive is { Track: 0 } ? TrackZero : 0) | (drive?.Medium is { IsReadOnly: true } ? WriteProtected : 0));
    }

    private void SenseInterrupt()
    {
        if (_resetSenses != 0)
        {
            int drive = DriveCount - _resetSenses--;
            SetInterrupt(false);
            Reply((byte)(0xC0 | drive), _tracks[drive]);
            return;
        }

        for (int i = 0; i < DriveCount; i++)
        {
            if (_seekStatus[i] != 0)
            {
                byte status = _seekStatus[i];
                _seekStatus[i] = 0;
                SetInterrupt(_seekStatus.AsSpan().ContainsAnyExcept((byte)0));
                Reply(status, _tracks[i]);
                return;
            }
        }

        Reply(Invalid);
    }

    private void StartSeek(int track)
    {
        int drive = _command[1] & DorDrive;
        int steps = Math.Abs((_drives[drive]?.Track ?? 0) - track);
        _tracks[drive] = (byte)track;
        _seeking[drive] = true;
        _seekStatus[drive] = 0;
        _events.Schedule(_seekTimers[drive], _clock.Now + SeekTime + (steps * StepTime));
    }

    private void EndSeek(int drive)
    {
        _seeking[drive] = false;
        _drives[drive]?.Seek(_tracks[drive]);

        // A drive that is not there never finds track 0.
        bool lost = _drives[drive] is null && _tracks[drive] == 0;
        _seekStatus[drive] = (byte)(SeekEnd | drive | (lost ? Abnormal | EquipmentCheck : 0));
        SetInterrupt(true);
    }

    private void StartTransfer()
    {
        _cylinder = _command[2];
        _head = (_command[1] & HeadBit) != 0 ? 1 : 0;
        _sector = Function == 0x02 ? 1 : _command[4];
        BeginExecution(toHost: Function is not (0x05 or 0x09));
        if ((_configuration & ConfigureImpliedSeek) != 0 && Selected is { } drive && drive.Track != _cylinder)
        {
            drive.Seek(_cylinder);
            _tracks[_command[1] & DorDrive] = (byte)_cylinder;
        }

        NextSector();
    }

    private void StartFormat()
    {
        _cylinder = Selected?.Track ?? 0;
        _head = (_command[1] & HeadBit) != 0 ? 1 : 0;
        _sector = 1;
        _formatted = 0;
        BeginExecution(toHost: false);
        _events.Schedule(_timer, _clock.Now + SectorTime);
    }

    private void BeginExecution(bool toHost)
    {
        _phase = FdcPhase.Execution;
        _toHost = toHost;
        _nonDma = (_specify2 & 1) != 0;
        _blockReady = false;
    }

    private void NextSector() => _events.Schedule(_timer, _clock.Now + SectorTime);

    /// <summary>A sector passes the heads.</summary>
    private void RunExecution()
    {
        if (_storing)
        {
            StoreSector();
            return;
        }

        FloppyDrive? drive = Selected;
        byte errors = drive is null || !drive.HasRate(_rate) ? MissingMark : (byte)0;
        if (Function == 0x0A)
        {
            ReadId(drive, errors);
            return;
        }

        bool writes = Function is 0x05 or 0x09 or 0x0D;
        if (errors == 0 && writes && drive!.Medium!.IsReadOnly)
        {
            errors = NotWritable;
        }

        if (errors != 0)
        {
            End(Abnormal, errors, 0);
        }
        else if (Function == 0x0D)
        {
            ShareBlock(4);
        }
        else
        {
            FindSector(drive!);
        }
    }

    private void FindSector(FloppyDrive drive)
    {
        FloppyGeometry geometry = drive.Geometry;
        if (_cylinder != drive.Track || _cylinder >= geometry.Cylinders)
        {
            End(Abnormal, NoData, _cylinder < geometry.Cylinders ? WrongCylinder : (byte)0);
        }
        else if (_head >= geometry.Heads || _head != _command[3] || _sector == 0 || _sector > geometry.Sectors || _command[5] != 2)
        {
            End(Abnormal, NoData, 0);
        }
        else if (!_toHost)
        {
            ShareBlock(SectorSize);
        }
        else if (Access(medium => medium.Read(Address(geometry), _buffer)))
        {
            if (Function == 0x16)
            {
                EndSector(terminalCount: false);
            }
            else
            {
                ShareBlock(SectorSize);
            }
        }
    }

    private long Address(FloppyGeometry geometry) => (((_cylinder * geometry.Heads) + _head) * geometry.Sectors) + _sector - 1;

    private void ReadId(FloppyDrive? drive, byte errors)
    {
        _head = (_command[1] & HeadBit) != 0 ? 1 : 0;
        _cylinder = drive?.Track ?? 0;
        if (errors == 0 && (_head >= drive!.Geometry.Heads || _cylinder >= drive.Geometry.Cylinders))
        {
            errors = MissingMark;
        }

        _sector = errors != 0 ? 1 : (int)(_clock.Now / SectorTime % drive!.Geometry.Sectors) + 1;
        End(errors != 0 ? Abnormal : (byte)0, errors, 0);
    }

    /// <summary>A block is ready for the host, or room for one.</summary>
    private void ShareBlock(int bytes)
    {
        _blockAt = 0;
        _blockLength = bytes;
        _blockReady = true;
        if (_nonDma)
        {
            SetInterrupt(true);
        }
        else
        {
            _dma.Request = true;
            MoveBlock();
        }
    }

    /// <summary>Moves the block through the DMA channel, as far as that is ready.</summary>
    private void MoveBlock()
    {
        if (_phase != FdcPhase.Execution || !_blockReady || _nonDma || !_dma.IsReady)
        {
            return;
        }

        int moved = _dma.Transfer(_buffer.AsSpan(_blockAt, _blockLength - _blockAt), _toHost ? DmaDirection.ToMemory : DmaDirection.FromMemory, out bool terminalCount);
        _blockAt += moved;
        if (terminalCount || _blockAt == _blockLength)
        {
            _dma.Request = false;
            EndBlock(terminalCount);
        }
    }

    private byte ReadBlockByte()
    {
        byte value = _buffer[_blockAt++];
        if (_blockAt == _blockLength)
        {
            EndBlock(terminalCount: false);
        }

        return value;
    }

    private void WriteBlockByte(byte value)
    {
        _buffer[_blockAt++] = value;
        if (_blockAt == _blockLength)
        {
            EndBlock(terminalCount: false);
        }
    }

    private void EndBlock(bool terminalCount)
    {
        _blockReady = false;
        if (_nonDma)
        {
            SetInterrupt(false);
        }

        FloppyDrive? drive = Selected;
        if (drive?.Medium is null)
        {
            End(Abnormal, MissingMark, 0);
            return;
        }

        if (Function == 0x0D)
        {
            FormatSector(terminalCount);
        }
        else if (_toHost)
        {
            EndSector(terminalCount);
        }
        else
        {
            _buffer.AsSpan(_blockAt).Clear(); // a terminal count within the sector
            BeginStore(terminalCount);
        }
    }

    private void BeginStore(bool terminalCount)
    {
        _storing = true;
        _storingLast = terminalCount;
        StoreSector();
    }

    /// <summary>Writes the sector that lies in the buffer.</summary>
    private void StoreSector()
    {
        if (!Host.IsBusy && !InRange(Selected?.Geometry))
        {
            return;
        }

        FloppyGeometry geometry = Selected!.Geometry;
        if (!Access(medium => medium.Write(Address(geometry), _buffer)))
        {
            return;
        }

        _storing = false;
        if (Function == 0x0D)
        {
            EndFormatted(_storingLast);
        }
        else
        {
            EndSector(_storingLast);
        }
    }

    /// <summary>Whether the sector exists; it can have ceased to, when the medium was changed meanwhile. Ends the command when not.</summary>
    private bool InRange(FloppyGeometry? geometry)
    {
        if (geometry is not null && _cylinder < geometry.Cylinders && _head < geometry.Heads && _sector >= 1 && _sector <= geometry.Sectors && Selected?.Medium is not null)
        {
            return true;
        }

        End(Abnormal, NoData, 0);
        return false;
    }

    private void FormatSector(bool terminalCount)
    {
        _sector = _buffer[2];
        if (_buffer[0] != _cylinder || _buffer[1] != _head || _buffer[3] != 2)
        {
            End(Abnormal, NoData, 0);
            return;
        }

        _buffer.AsSpan().Fill(_command[5]);
        BeginStore(terminalCount);
    }

    private void EndFormatted(bool terminalCount)
    {
        _formatted++;
        if (_formatted >= _command[3] || terminalCount)
        {
            _sector = 1;
            End(0, 0, 0);
        }
        else
        {
            NextSector();
        }
    }

    /// <summary>Goes on to the next sector, or ends the command.</summary>
    private void EndSector(bool terminalCount)
    {
        bool deleted = Function == 0x0C;
        bool last = _sector == _command[6];
        bool multiple = (_command[0] & MultiTrack) != 0 && Function != 0x02;
        _sector++;
        if (last)
        {
            _sector = 1;
            if (multiple && _head == 0)
            {
                _head = 1;
                _command[3] = 1;
                _command[1] |= HeadBit;
            }
            else
            {
                _cylinder++;
                if (multiple)
                {
                    _head = 0;
                    _command[3] = 0;
                }

                // Verification ends here without an error; others should have seen their terminal count.
                bool expected = terminalCount || Function == 0x16;
                End(expected ? (byte)0 : Abnormal, expected ? (byte)0 : EndOfCylinder, deleted ? ControlMark : (byte)0);
                return;
            }
        }

        if (terminalCount || deleted)
        {
            End(0, 0, deleted ? ControlMark : (byte)0);
        }
        else
        {
            NextSector();
        }
    }

    /// <summary>Lets the host read or write the medium, which is there.</summary>
    /// <returns>Whether that is done; otherwise the command has ended, or this step comes again.</returns>
    private bool Access(Action<BlockImage> access)
    {
        BlockImage? medium = Selected?.Medium;
        switch (Host.Run(() => access(medium!)))
        {
            case HostResult.Done:
                return true;
            case HostResult.Failed:
                Report(Host.Failure);
                End(Abnormal, DataError, DataError);
                return false;
            default:
                return false;
        }
    }

    /// <summary>Ends a command with the seven bytes of its result.</summary>
    private void End(byte status0, byte status1, byte status2)
    {
        ResetExecution();
        Reply((byte)(status0 | Unit()), status1, status2, (byte)_cylinder, (byte)_head, (byte)_sector, 2);
        SetInterrupt(true);
    }
}
