using System.Buffers.Binary;
using Emulator.Core.Snapshot;

namespace Emulator.Devices.Storage.Ide;

/// <content>The packet commands (MMC-3, T10 1363D, chapter 6; SPC for INQUIRY, REQUEST SENSE and mode pages).</content>
public sealed partial class AtapiCdRom
{
    private const byte DeviceResetCommand = 0x08;
    private const int MaximumByteLimit = 0xFFFE;
    private const long MaximumSectors = 1L << 32;

    private const int NotReady = 2;
    private const int MediumError = 3;
    private const int IllegalRequest = 5;
    private const int UnitAttention = 6;

    private const byte EventNewMedium = 2;
    private const byte EventRemoval = 3;

    private const byte PartSync = 0x80;
    private const byte PartHeader = 0x20;
    private const byte PartData = 0x10;
    private const byte PartCorrection = 0x08;

    private const byte DataTrack = 0x14;
    private const byte LeadOut = 0xAA;
    private const int LargestCd = 99 * 60 * 75;

    private static readonly (byte Part, int Size)[] PartSizes =
    [
        (PartSync, CdSector.SyncSize), (PartHeader, CdSector.HeaderSize), (PartData, CdSector.DataSize), (PartCorrection, CdSector.CorrectionSize),
    ];

    private readonly byte[] _errorRecovery = new byte[6];
    private readonly byte[] _audioControl = new byte[14];
    private byte _senseKey;
    private byte _senseCode;
    private byte _senseQualifier;
    private byte _attention;
    private byte _event;
    private bool _trayOpen;
    private bool _locked;

    private bool HasMedium => _medium is not null && !_trayOpen;

    private long MediumSectors => ((_medium?.SectorCount ?? 0) + 3) / 4;

    private static int PartsSize(byte parts) => PartSizes.Where(p => (parts & p.Part) != 0).Sum(p => p.Size);

    private void ResetCommands()
    {
        _senseKey = _senseCode = _senseQualifier = 0;
        _attention = 0x29;
        _event = 0;
        _locked = false;
        Array.Clear(_errorRecovery);
        Array.Clear(_audioControl);
        _audioControl[8] = 0x01; // channel 0 on port 0 at full volume, channel 1 on port 1
        _audioControl[9] = 0xFF;
        _audioControl[10] = 0x02;
        _audioControl[11] = 0xFF;
    }

    private void SerializeCommands(StateArchive archive)
    {
        archive.Field("senseKey", ref _senseKey);
        archive.Field("senseCode", ref _senseCode);
        archive.Field("senseQualifier", ref _senseQualifier);
        archive.Field("attention", ref _attention);
        archive.Field("event", ref _event);
        archive.Field("trayOpen", ref _trayOpen);
        archive.Field("locked", ref _locked);
        archive.Array<byte>("errorRecovery", _errorRecovery);
        archive.Array<byte>("audioControl", _audioControl);
    }

    private void NoteMedium(byte what)
    {
        _event = what;
        _attention = 0x28;
    }

    private void RunPacket()
    {
        byte command = _packet[0];
        if (_attention != 0 && command is not (0x03 or 0x12 or 0x46 or 0x4A))
        {
            byte code = _attention;
            _attention = 0;
            Check(UnitAttention, code);
            return;
        }

        if (!HasMedium && command is 0x00 or 0x25 or 0x28 or 0xA8 or 0xBE or 0xB9 or 0x2B or 0x42 or 0x43 or 0x51 or 0x52)
        {
            Check(NotReady, 0x3A, _trayOpen ? 2 : 1);
            return;
        }

        switch (command)
        {
            case 0x00: // TEST UNIT READY
            case 0xBB: // SET CD SPEED
            case 0x4E: // STOP PLAY/SCAN
                Succeed();
                break;
            case 0x03:
                RequestSense();
                break;
            case 0x12:
                Inquiry();
                break;
            case 0x1B:
                StartStop();
                break;
            case 0x1E:
                _locked = (_packet[4] & 1) != 0;
                Succeed();
                break;
            case 0x25:
                byte[] capacity = new byte[8];
                Put32(capacity, 0, (uint)(MediumSectors - 1));
                Put32(capacity, 4, CdSector.DataSize);
                Reply(capacity, capacity.Length);
                break;
            case 0x28:
                Read(Long(2), (uint)Word(7), PartData);
                break;
            case 0xA8:
                Read(Long(2), Long(6), PartData);
                break;
            case 0xBE:
                ReadCd(Long(2), (uint)((_packet[6] << 16) | (_packet[7] << 8) | _packet[8]));
                break;
            case 0xB9:
                ReadCdTime();
                break;
            case 0x2B: // SEEK
                if (Long(2) >= MediumSectors)
                {
                    Check(IllegalRequest, 0x21);
                    break;
                }

                Succeed();
                break;
            default:
                RunInformation(command);
                break;
        }
    }

    private void RunInformation(byte command)
    {
        switch (command)
        {
            case 0x42:
                ReadSubchannel();
                break;
            case 0x43:
                ReadToc();
                break;
            case 0x46:
                GetConfiguration();
                break;
            case 0x4A:
                GetEventStatus();
                break;
            case 0x51:
                ReadDiscInformation();
                break;
            case 0x52:
                ReadTrackInformation();
                break;
            case 0x55:
                int length = Word(7);
                _reply = new byte[length];
                StartData(DataKind.Parameters, length);
                break;
            case 0x5A:
                ModeSense();
                break;
            case 0xBD:
                byte[] status = new byte[8];
                status[1] = (byte)(_trayOpen ? 0x10 : 0);
                Reply(status, Word(8));
                break;
            default:
                Check(IllegalRequest, 0x20);
                break;
        }
    }

    private int Word(int at) => BinaryPrimitives.ReadUInt16BigEndian(_packet.AsSpan(at));

    private uint Long(int at) => BinaryPrimitives.ReadUInt32BigEndian(_packet.AsSpan(at));

    private static void Put16(byte[] data, int at, int value) => BinaryPrimitives.WriteUInt16BigEndian(data.AsSpan(at), (ushort)value);

    private static void Put32(byte[] data, int at, uint value) => BinaryPrimitives.WriteUInt32BigEndian(data.AsSpan(at), value);

    /// <summary>Sends a reply, cut at what the host has room for.</summary>
    private void Reply(byte[] data, int allocated)
    {
        _reply = data;
        StartData(DataKind.Reply, Math.Min(data.Length, allocated));
    }

    private void RequestSense()
    {
        if (_senseKey == 0 && _attention != 0)
        {
            (_senseKey, _senseCode, _senseQualifier) = (UnitAttention, _attention, 0);
            _attention = 0;
        }

        byte[] sense = new byte[18];
        sense[0] = 0x70;
        sense[2] = _senseKey;
        sense[7] = 10;
        sense[12] = _senseCode;
        sense[13] = _senseQualifier;
        _senseKey = _senseCode = _senseQualifier = 0;
        Reply(sense, _packet[4]);
    }

    private void Inquiry()
    {
        if ((_packet[1] & 1) != 0 || _packet[2] != 0)
        {
            Check(IllegalRequest, 0x24);
            return;
        }

        byte[] data = new byte[36];
        data[0] = 0x05;
        data[1] = 0x80;
        data[3] = 0x21;
        data[4] = 31;
        "EMULATORCD-ROM          1.0 "u8.CopyTo(data.AsSpan(8));
        Reply(data, _packet[4]);
    }

    private void StartStop()
    {
        bool loadOrEject = (_packet[4] & 2) != 0;
        bool start = (_packet[4] & 1) != 0;
        if (loadOrEject && start == _trayOpen)
        {
            if (!start && _locked)
            {
                Check(_medium is null ? NotReady : IllegalRequest, 0x53, 2);
                return;
            }

            _trayOpen = !start;
            if (_medium is not null)
            {
                NoteMedium(start ? EventNewMedium : EventRemoval);
                _attention = start ? _attention : (byte)0;
            }
        }

        if (start && !HasMedium)
        {
            Check(NotReady, 0x3A, _trayOpen ? 2 : 1);
            return;
        }

        Succeed();
    }

    private void Read(uint lba, uint count, byte parts)
    {
        if (lba + (long)count > MediumSectors)
        {
            Check(IllegalRequest, 0x21);
            return;
        }

        _firstSector = lba;
        _parts = parts;
        StartData(DataKind.Sectors, (long)count * PartsSize(parts));
    }

    private void ReadCd(uint lba, uint count)
    {
        const int Mode1 = 2;
        int type = (_packet[1] >> 2) & 7;
        byte parts = (byte)(_packet[9] & (PartSync | PartHeader | PartData | PartCorrection));
        if (type is not (0 or Mode1))
        {
            Check(IllegalRequest, 0x64); // illegal mode for this track
        }
        else if ((_packet[9] & 0x06) != 0 || (_packet[10] & 7) != 0)
        {
            Check(IllegalRequest, 0x24);
        }
        else if (parts == 0)
        {
            Read(lba, lba < MediumSectors ? 0u : uint.MaxValue, PartData);
        }
        else
        {
            Read(lba, count, parts);
        }
    }

    private void ReadCdTime()
    {
        long first = Frames(3);
        long end = Frames(6);
        if (first < 0 || end < first)
        {
            Check(IllegalRequest, 0x24);
        }
        else
        {
            ReadCd((uint)first, (uint)(end - first));
        }
    }

    /// <summary>The sector at a minute, second and frame of the packet.</summary>
    private long Frames(int at) => (((((_packet[at] * 60L) + _packet[at + 1]) * 75) + _packet[at + 2]) - 150);

    private void ReadSubchannel()
    {
        byte[] data = new byte[(_packet[2] & 0x40) != 0 ? 16 : 4];
        data[1] = 0x15; // no audio
        if (data.Length > 4)
        {
            if (_packet[3] != 1)
            {
                Check(IllegalRequest, 0x24);
                return;
            }

            data[3] = 12;
            data[4] = 1;
            data[5] = DataTrack;
            data[6] = data[7] = 1;
        }

        Reply(data, Word(7));
    }

    private void ReadToc()
    {
        bool time = (_packet[1] & 2) != 0;
        int format = _packet[2] & 0x0F;
        format = format == 0 ? _packet[9] >> 6 : format;
        int start = _packet[6];
        List<byte> data = [0, 0, 1, 1];
        switch (format)
        {
            case 0 when start is 0 or 1 or LeadOut:
                if (start != LeadOut)
                {
                    data.AddRange([0, DataTrack, 1, 0, .. Address(0, time)]);
                }

                data.AddRange([0, DataTrack, LeadOut, 0, .. Address(MediumSectors, time)]);
                break;
            case 1:
                data.AddRange([0, DataTrack, 1, 0, .. Address(0, time)]);
                break;
            case 2:
                FullToc(data);
                break;
            default:
                Check(IllegalRequest, 0x24);
                return;
        }

        byte[] reply = [.. data];
        Put16(reply, 0, reply.Length - 2);
        Reply(reply, Word(7));
    }

    /// <summary>The raw entries of the lead-in: first track, last track, lead-out, the track.</summary>
    private void FullToc(List<byte> data)
    {
        void Add(byte point, params byte[] address) => data.AddRange([1, DataTrack, 0, point, 0, 0, 0, 0, .. address]);
        (byte minute, byte second, byte frame) = CdSector.Time(MediumSectors);
        Add(0xA0, 1, 0, 0);
        Add(0xA1, 1, 0, 0);
        Add(0xA2, minute, second, frame);
        Add(1, 0, 2, 0);
    }

    private static byte[] Address(long lba, bool time)
    {
        byte[] address = new byte[4];
        if (time)
        {
            (address[1], address[2], address[3]) = CdSector.Time(lba);
        }
        else
        {
            Put32(address, 0, (uint)lba);
        }

        return address;
    }

    private void GetConfiguration()
    {
        const int Cd = 0x0008;
        const int Dvd = 0x0010;
        int current = !HasMedium ? 0 : MediumSectors > LargestCd ? Dvd : Cd;
        int wanted = _packet[1] & 3;
        int first = Word(2);
        List<byte> data = [0, 0, 0, 0, 0, 0, (byte)(current >> 8), (byte)current];

        // Number, version and persistence bits, whether current, contents.
        (int Number, byte Bits, bool Current, byte[] Data)[] features =
        [
            (0x0000, 0x02, true, [0, Dvd, (byte)(current == Dvd ? 1 : 0), 0, 0, Cd, (byte)(current == Cd ? 1 : 0), 0]),
            (0x0001, 0x06, true, [0, 0, 0, 2]), // core: ATAPI
            (0x0002, 0x02, true, [0, 0, 0, 0]), // morphing: polled events
            (0x0003, 0x02, true, [0x29, 0, 0, 0]), // removable medium: tray, eject, lock
            (0x0010, 0x00, HasMedium, [0, 0, CdSector.DataSize >> 8, 0, 0, 1, 0, 0]), // random readable
            (0x001E, 0x04, current == Cd, [0, 0, 0, 0]), // CD read
            (0x001F, 0x00, current == Dvd, []), // DVD read
            (0x0100, 0x02, true, []), // power management
            (0x0105, 0x02, true, []), // timeout
        ];
        foreach ((int number, byte bits, bool isCurrent, byte[] contents) in features)
        {
            bool listed = wanted == 2 ? number == first : number >= first && (wanted == 0 || isCurrent);
            if (listed)
            {
                data.AddRange([(byte)(number >> 8), (byte)number, (byte)(bits | (isCurrent ? 1 : 0)), (byte)contents.Length, .. contents]);
            }
        }

        byte[] reply = [.. data];
        Put32(reply, 0, (uint)(reply.Length - 4));
        Reply(reply, Word(7));
    }

    private void GetEventStatus()
    {
        const byte MediaClass = 0x10;
        if ((_packet[1] & 1) == 0)
        {
            Check(IllegalRequest, 0x24); // no asynchronous notification
            return;
        }

        if ((_packet[4] & MediaClass) == 0)
        {
            Reply([0, 2, 0x80, MediaClass], Word(7)); // no class of those that were asked for
            return;
        }

        byte[] reply = [0, 6, 4, MediaClass, _event, (byte)((_trayOpen ? 1 : 0) | (HasMedium ? 2 : 0)), 0, 0];
        _event = 0;
        Reply(reply, Word(7));
    }

    private void ReadDiscInformation()
    {
        byte[] data = new byte[34];
        Put16(data, 0, data.Length - 2);
        data[2] = 0x0E; // complete disc, complete session
        data[3] = data[4] = data[5] = data[6] = 1;
        data[7] = 0x20;
        data.AsSpan(16, 8).Fill(0xFF); // no last session's lead-in, no possible lead-out
        Reply(data, Word(7));
    }

    private void ReadTrackInformation()
    {
        byte[] data = new byte[36];
        Put16(data, 0, data.Length - 2);
        data[2] = data[3] = 1;
        data[5] = 0x04; // data, uninterrupted
        data[6] = 0x01; // mode 1
        Put32(data, 24, (uint)MediumSectors);
        Reply(data, Word(7));
    }

    private void ModeSense()
    {
        int control = _packet[2] >> 6;
        int page = _packet[2] & 0x3F;
        if (control == 3)
        {
            Check(IllegalRequest, 0x39); // nothing is saved
            return;
        }

        List<byte> data = [0, 0, (byte)(HasMedium ? 0x01 : _trayOpen ? 0x71 : 0x70), 0, 0, 0, 0, 0];
        bool found = false;
        foreach ((int number, byte[] contents, bool changeable) in Pages())
        {
            if (page == number || page == 0x3F)
            {
                byte[] shown = control == 1 ? [.. contents.Select(_ => changeable ? (byte)0xFF : (byte)0)] : contents;
                data.AddRange([(byte)number, (byte)shown.Length, .. shown]);
                found = true;
            }
        }

        if (!found)
        {
            Check(IllegalRequest, 0x24);
            return;
        }

        byte[] reply = [.. data];
        Put16(reply, 0, reply.Length - 2);
        Reply(reply, Word(7));
    }

    private IEnumerable<(int Number, byte[] Contents, bool Changeable)> Pages()
    {
        const int Speed = 7056; // kB/s, 40 times
        yield return (0x01, _errorRecovery, true);
        yield return (0x0D, [0, 0x0D, 0, 60, 0, 75], false);
        yield return (0x0E, _audioControl, true);
        byte[] capabilities = new byte[20];
        capabilities[0] = 0x03; // reads CD-R, CD-RW
        capabilities[2] = 0x70; // mode 2 form 1 and 2, multiple sessions
        capabilities[4] = (byte)(0x29 | (_locked ? 0x02 : 0)); // tray, eject, lock
        Put16(capabilities, 6, Speed);
        Put16(capabilities, 8, 2);
        Put16(capabilities, 10, 512);
        Put16(capabilities, 12, Speed);
        yield return (0x2A, capabilities, false);
    }

    /// <summary>Takes the parameter list of MODE SELECT; ends the packet when it is not valid.</summary>
    private bool TakeParameters()
    {
        const int HeaderSize = 8;
        ReadOnlySpan<byte> data = _reply.AsSpan(0, (int)_total);
        if (data.Length != 0 && data.Length < HeaderSize)
        {
            Check(IllegalRequest, 0x1A);
            return false;
        }

        data = data.IsEmpty ? data : data[HeaderSize..];
        while (data.Length >= 2)
        {
            int length = data[1];
            byte[]? target = (data[0] & 0x3F) switch
            {
                0x01 => _errorRecovery,
                0x0E => _audioControl,
                _ => null,
            };
            if (length > data.Length - 2 || target is null || length != target.Length)
            {
                Check(IllegalRequest, length > data.Length - 2 ? 0x1A : 0x26);
                return false;
            }

            data.Slice(2, length).CopyTo(target);
            data = data[(2 + length)..];
        }

        return true;
    }
}
