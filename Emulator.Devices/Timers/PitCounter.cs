using Emulator.Core.Snapshot;

namespace Emulator.Devices.Timers;

/// <summary>
/// One counter of an 8254: the state between two CLK pulses, and a step over any number of pulses in constant time. Counts are kept as
/// plain numbers from 1 to the modulus (65536, or 10000 in BCD mode); 0 stands for the expired count.
/// </summary>
internal sealed class PitCounter
{
    private const int BinaryModulus = 65536;
    private const int BcdModulus = 10000;

    private byte _mode;
    private bool _bcd;
    private byte _access = 3;

    private int _reload = BinaryModulus;
    private int _count;
    private int _left;
    private bool _odd;
    private bool _written;
    private bool _loaded;
    private bool _loadPending;
    private bool _inhibited;
    private bool _expired = true;
    private bool _nullCount = true;
    private bool _gate;
    private bool _out;

    private bool _writeHigh;
    private bool _readHigh;
    private byte _writeLow;
    private bool _countLatched;
    private ushort _latch;
    private bool _statusLatched;
    private byte _status;

    /// <summary>Level of the OUT pin.</summary>
    public bool Out => _out;

    /// <summary>Level of the GATE pin.</summary>
    public bool Gate => _gate;

    /// <summary>Mode, 0 to 5.</summary>
    public int Mode => _mode;

    /// <summary>The count that is loaded next: 1 to 65536 pulses.</summary>
    public int Reload => _reload;

    private int Modulus => _bcd ? BcdModulus : BinaryModulus;

    private bool TriggeredByGate => _mode is 1 or 5;

    /// <summary>Steps over CLK pulses.</summary>
    /// <param name="pulses">Number of pulses, 0 or more.</param>
    public void Advance(long pulses)
    {
        if (pulses <= 0)
        {
            return;
        }

        if (_mode >= 4)
        {
            _out = true; // a strobe lasts one pulse, whatever else happens
        }

        if (_loadPending)
        {
            LoadCount();
            pulses--;
        }

        if (!_loaded || _inhibited || pulses == 0)
        {
            return;
        }

        switch (_mode)
        {
            case 0:
                if (_gate)
                {
                    CountDown(pulses, outAtZero: true);
                }

                break;
            case 1:
                CountDown(pulses, outAtZero: true);
                break;
            case 2:
                if (_gate)
                {
                    CountRate(pulses);
                }

                break;
            case 3:
                if (_gate && _reload + _left > 2)
                {
                    CountSquare(pulses);
                }

                break;
            default:
                if (_gate || _mode == 5)
                {
                    bool strobe = !_expired && pulses == _count;
                    CountDown(pulses, outAtZero: true);
                    _out = !strobe;
                }

                break;
        }
    }

    /// <summary>Pulses until OUT changes if nothing is written and GATE stays; <see cref="long.MaxValue"/> for never.</summary>
    public long PulsesUntilChange()
    {
        if (_mode >= 4 && !_out)
        {
            return 1;
        }

        bool counting = _gate || TriggeredByGate;
        if (_loadPending)
        {
            return _mode switch
            {
                1 when _out => 1,
                2 or 3 when !_out => 1,
                _ when !counting => long.MaxValue,
                2 => _reload > 1 ? _reload : long.MaxValue,
                3 => _reload > 1 ? 1 + HalfOf(_reload, high: true) : long.MaxValue,
                _ => 1L + _reload,
            };
        }

        if (!_loaded || !counting || _inhibited)
        {
            return long.MaxValue;
        }

        return _mode switch
        {
            2 when !_out => 1,
            2 => _count > 1 ? _count - 1 : _reload > 1 ? _reload : long.MaxValue,
            3 => _reload + _left > 2 ? _left : long.MaxValue,
            _ => _expired ? long.MaxValue : _count,
        };
    }

    /// <summary>Drives the GATE pin.</summary>
    /// <param name="level">The level.</param>
    public void SetGate(bool level)
    {
        if (_gate == level)
        {
            return;
        }

        _gate = level;
        if (level)
        {
            if (_mode is 1 or 2 or 3 or 5 && _written)
            {
                _loadPending = true;
            }
        }
        else if (_mode is 2 or 3)
        {
            _out = true;
        }
    }

    /// <summary>Takes a control word that selects this counter and is not a latch command.</summary>
    /// <param name="value">The control word.</param>
    public void WriteControl(byte value)
    {
        _access = (byte)((value >> 4) & 3);
        _mode = (byte)((value >> 1) & 7);
        if (_mode >= 6)
        {
            _mode -= 4;
        }

        _bcd = (value & 1) != 0;
        _reload = Modulus;
        _count = Math.Min(_count, Modulus);
        _left = Math.Min(_left, Modulus);
        _written = _loaded = _loadPending = _inhibited = false;
        _expired = _nullCount = true;
        _writeHigh = _readHigh = _countLatched = _statusLatched = false;
        _out = _mode != 0;
    }

    /// <summary>Latches the count, unless a latched one has not been read yet.</summary>
    public void LatchCount()
    {
        if (!_countLatched)
        {
            _latch = CountWord();
            _countLatched = true;
        }
    }

    /// <summary>Latches the status byte, unless a latched one has not been read yet.</summary>
    public void LatchStatus()
    {
        if (!_statusLatched)
        {
            _status = (byte)((_out ? 0x80 : 0) | (_nullCount ? 0x40 : 0) | (_access << 4) | (_mode << 1) | (_bcd ? 1 : 0));
            _statusLatched = true;
        }
    }

    /// <summary>Takes a byte written to the counter's port.</summary>
    /// <param name="value">The byte.</param>
    public void Write(byte value)
    {
        switch (_access)
        {
            case 1:
                SetReload(value);
                break;
            case 2:
                SetReload((ushort)(value << 8));
                break;
            default:
                _writeHigh = !_writeHigh;
                if (_writeHigh)
                {
                    _writeLow = value;
                    if (_mode == 0)
                    {
                        _inhibited = true;
                        _out = false;
                    }
                }
                else
                {
                    SetReload((ushort)(_writeLow | (value << 8)));
                }

                break;
        }
    }

    /// <summary>Reads the counter's port.</summary>
    /// <param name="peek">Whether to leave latches and the byte order alone.</param>
    public byte Read(bool peek)
    {
        if (_statusLatched)
        {
            _statusLatched = peek;
            return _status;
        }

        ushort word = _countLatched ? _latch : CountWord();
        bool high = _access == 2 || (_access == 3 && _readHigh);
        if (!peek)
        {
            if (_access == 3)
            {
                _readHigh = !_readHigh;
            }

            if (_access != 3 || high)
            {
                _countLatched = false;
            }
        }

        return (byte)(high ? word >> 8 : word);
    }

    /// <summary>Saves or loads the counter.</summary>
    /// <param name="archive">The archive.</param>
    /// <param name="prefix">Prefix of the field names.</param>
    public void Serialize(StateArchive archive, string prefix)
    {
        archive.Field(prefix + "mode", ref _mode);
        archive.Field(prefix + "bcd", ref _bcd);
        archive.Field(prefix + "access", ref _access);
        archive.Field(prefix + "reload", ref _reload);
        archive.Field(prefix + "count", ref _count);
        archive.Field(prefix + "left", ref _left);
        archive.Field(prefix + "odd", ref _odd);
        archive.Field(prefix + "written", ref _written);
        archive.Field(prefix + "loaded", ref _loaded);
        archive.Field(prefix + "loadPending", ref _loadPending);
        archive.Field(prefix + "inhibited", ref _inhibited);
        archive.Field(prefix + "expired", ref _expired);
        archive.Field(prefix + "nullCount", ref _nullCount);
        archive.Field(prefix + "gate", ref _gate);
        archive.Field(prefix + "out", ref _out);
        archive.Field(prefix + "writeHigh", ref _writeHigh);
        archive.Field(prefix + "readHigh", ref _readHigh);
        archive.Field(prefix + "writeLow", ref _writeLow);
        archive.Field(prefix + "countLatched", ref _countLatched);
        archive.Field(prefix + "latch", ref _latch);
        archive.Field(prefix + "statusLatched", ref _statusLatched);
        archive.Field(prefix + "status", ref _status);
        if (archive.IsLoading)
        {
            archive.Check(_mode <= 5, prefix + "mode");
            archive.Check(_access is >= 1 and <= 3, prefix + "access");
            archive.Check(_reload >= 1 && _reload <= Modulus, prefix + "reload");
            archive.Check(_count >= 0 && _count <= Modulus, prefix + "count");
            archive.Check(_count > 0 || _expired || !_loaded, prefix + "count");
            archive.Check(_left >= 0 && _left <= Modulus, prefix + "left");
            archive.Check(_mode != 2 || !_loaded || _count > 0, prefix + "count");
            archive.Check(_mode != 3 || !_loaded || _left > 0, prefix + "left");
        }
    }

    private static int HalfOf(int count, bool high) => high ? (count + 1) / 2 : count / 2;

    private void SetReload(ushort word)
    {
        int value = _bcd
            ? (((word >> 12) * 1000) + (((word >> 8) & 15) * 100) + (((word >> 4) & 15) * 10) + (word & 15)) % BcdModulus
            : word;
        _reload = value == 0 ? Modulus : value;
        _nullCount = true;
        _inhibited = false;

        // Modes 0 and 4 load every new count; modes 2 and 3 only the first, and then at the end of their cycle; 1 and 5 wait for GATE.
        if (_mode is 0 or 4 || (_mode is 2 or 3 && !_written))
        {
            _loadPending = true;
        }

        _written = true;
        if (_mode == 0)
        {
            _out = false;
            _expired = true; // the old count does not raise OUT any more
        }
    }

    private void LoadCount()
    {
        _loadPending = false;
        _loaded = true;
        _nullCount = false;
        _expired = false;
        _count = _reload;
        switch (_mode)
        {
            case 0 or 1:
                _out = false;
                break;
            default:
                _out = true;
                break;
        }

        if (_mode == 3)
        {
            LoadHalf();
        }
    }

    private void LoadHalf()
    {
        _nullCount = false;
        _odd = (_reload & 1) != 0;
        _left = Math.Max(1, HalfOf(_reload, _out));
    }

    private void CountDown(long pulses, bool outAtZero)
    {
        if (!_expired && pulses >= _count)
        {
            _expired = true;
            _out = outAtZero;
        }

        int modulus = Modulus;
        _count = (int)((((_count - pulses) % modulus) + modulus) % modulus);
    }

    private void CountRate(long pulses)
    {
        if (pulses < _count)
        {
            _count -= (int)pulses;
        }
        else
        {
            pulses -= _count;
            _count = _reload - (int)(pulses % _reload);
            _nullCount = false;
        }

        _out = _count != 1 || _reload == 1;
    }

    private void CountSquare(long pulses)
    {
        if (pulses < _left)
        {
            _left -= (int)pulses;
            return;
        }

        pulses -= _left;
        _out = !_out;
        LoadHalf();
        if (_reload == 1)
        {
            _out = true; // a count of 1 is illegal: OUT stays high
            _left = 1;
            return;
        }

        int rest = (int)(pulses % _reload);
        if (rest >= _left)
        {
            rest -= _left;
            _out = !_out;
            LoadHalf();
        }

        _left -= rest;
    }

    private ushort CountWord()
    {
        // Between the write and the load a real counter still shows the old count; no guest can look that early over an ISA bus, but this CPU can.
        if (_loadPending && !_loaded)
        {
            return ToWord(_mode == 3 ? _reload & ~1 : _reload);
        }

        // Square waves count in twos; an odd count is loaded less one, and shows 0 during the extra pulse of the high half.
        int value = _mode == 3 && _loaded ? 2 * (_odd && _out ? _left - 1 : _left) : _count;
        return ToWord(value);
    }

    private ushort ToWord(int value)
    {
        value %= Modulus;
        if (!_bcd)
        {
            return (ushort)value;
        }

        return (ushort)((value % 10) | (value / 10 % 10 << 4) | (value / 100 % 10 << 8) | (value / 1000 << 12));
    }
}
