// Intel 8259A programmable interrupt controller (datasheet 231468), as built into the 82371SB PIIX3 (datasheet 290550, section 2.6):
// fully nested, special fully nested and special mask mode, automatic end of interrupt, automatic and specific rotation, poll command,
// spurious interrupt 7, and the edge/level control register (ELCR) that replaces LTIM of ICW1.
//
// An edge-triggered request lasts as long as its input: a line that falls before the acknowledge cycle takes its request back, and the
// input must fall and rise again for the next one. Until ICW1 to ICW4 are complete the output stays low.
//
// Not modelled: the MCS-80 call sequence (ICW4.uPM = 0 acts as 8086 mode) and the buffered mode pins.
//
// Ports: master 20h-21h and ELCR 4D0h, slave A0h-A1h and ELCR 4D1h. The slave's output is the master's input 2.
using Emulator.Core.Machine;
using Emulator.Core.Snapshot;

namespace Emulator.Devices.Interrupts;

/// <summary>One 8259A interrupt controller; two of them, cascaded, make the fifteen interrupts of a PC.</summary>
public sealed unsafe class I8259Pic : IMachineComponent, IInterruptController
{
    /// <summary>Master input that the slave is wired to.</summary>
    public const int CascadeInput = 2;

    private const byte Icw1Icw4Needed = 0x01;
    private const byte Icw1Single = 0x02;
    private const byte Icw1 = 0x10;
    private const byte Icw4AutoEoi = 0x02;
    private const byte Icw4SpecialFullyNested = 0x10;
    private const byte Ocw3 = 0x08;
    private const byte Ocw3ReadIsr = 0x01;
    private const byte Ocw3ReadRegister = 0x02;
    private const byte Ocw3Poll = 0x04;
    private const byte Ocw3SpecialMask = 0x20;
    private const byte Ocw3EnableSpecialMask = 0x40;
    private const byte Ocw2Eoi = 0x20;
    private const byte Ocw2Specific = 0x40;
    private const byte Ocw2Rotate = 0x80;
    private const int SpuriousLevel = 7;

    private readonly IrqLine _output;
    private readonly byte _edgeOnly;
    private I8259Pic? _slave;

    private byte _lines;
    private byte _armed;
    private byte _isr;
    private byte _imr;
    private byte _elcr;
    private byte _icw1;
    private byte _vectorBase;
    private byte _icw3;
    private byte _icw4;
    private byte _initStep;
    private byte _lowest;
    private bool _specialMask;
    private bool _readIsr;
    private bool _poll;
    private bool _rotateOnAutoEoi;

    /// <summary>Creates a chip in its reset state.</summary>
    /// <param name="stateId">Name in snapshots.</param>
    /// <param name="output">The INT pin.</param>
    /// <param name="edgeOnly">Inputs whose ELCR bit is fixed to edge.</param>
    public I8259Pic(string stateId, IrqLine output, byte edgeOnly)
    {
        StateId = stateId;
        _output = output;
        _edgeOnly = edgeOnly;
        Reset();
    }

    /// <inheritdoc/>
    public string StateId { get; }

    /// <inheritdoc/>
    public int StateVersion => 1;

    /// <summary>Interrupt request register: active requests, masked ones included.</summary>
    public byte Irr => (byte)(_lines & (_armed | _elcr));

    /// <summary>In-service register.</summary>
    public byte Isr => _isr;

    /// <summary>Interrupt mask register.</summary>
    public byte Imr => _imr;

    /// <summary>Edge/level control register: 1 for level triggered.</summary>
    public byte Elcr => _elcr;

    /// <summary>Vector of input 0.</summary>
    public byte VectorBase => _vectorBase;

    /// <summary>Creates the line of an input.</summary>
    /// <param name="input">Input number, 0 to 7.</param>
    public IrqLine CreateInput(int input) => new(this, input & 7, &InputChanged);

    /// <summary>Creates the slave, its output wired to <see cref="CascadeInput"/>.</summary>
    /// <param name="stateId">Name in snapshots.</param>
    /// <param name="edgeOnly">Inputs of the slave whose ELCR bit is fixed to edge.</param>
    public I8259Pic CreateSlave(string stateId, byte edgeOnly)
    {
        _slave = new I8259Pic(stateId, CreateInput(CascadeInput), edgeOnly);
        return _slave;
    }

    /// <summary>Maps the two command ports and the ELCR.</summary>
    /// <param name="ports">The port space.</param>
    /// <param name="command">The even port (20h or A0h).</param>
    /// <param name="elcr">The ELCR port (4D0h or 4D1h).</param>
    public void Map(PortMap ports, ushort command, ushort elcr)
    {
        ArgumentNullException.ThrowIfNull(ports);
        ports.Map(command, 2, 1, this, &Read, &Write, &Peek);
        ports.Map(elcr, 1, 1, this, &ReadElcr, &WriteElcr, &ReadElcr);
    }

    /// <summary>The state before initialization: all inputs masked, edge triggered.</summary>
    public void Reset()
    {
        _armed = (byte)~_lines;
        _imr = 0xFF;
        _isr = _elcr = _icw1 = _vectorBase = _icw3 = _icw4 = _initStep = 0;
        _lowest = 7;
        _specialMask = _readIsr = _poll = _rotateOnAutoEoi = false;
        Update();
    }

    /// <inheritdoc/>
    public byte Acknowledge()
    {
        int level = HighestRequest();
        if (level < 0)
        {
            return (byte)(_vectorBase | SpuriousLevel);
        }

        EnterService(level);
        byte vector = (byte)(_vectorBase | level);
        if (IsCascade(level))
        {
            // The slave answers when the identification that the master sends is its own; otherwise nobody drives the bus.
            vector = _slave is not null && level == CascadeInput && (_slave._icw3 & 7) == level ? _slave.Acknowledge() : (byte)0xFF;
        }

        LeaveServiceAutomatically(level);
        return vector;
    }

    /// <inheritdoc/>
    public void Serialize(StateArchive archive)
    {
        ArgumentNullException.ThrowIfNull(archive);
        archive.Field("lines", ref _lines);
        archive.Field("armed", ref _armed);
        archive.Field("isr", ref _isr);
        archive.Field("imr", ref _imr);
        archive.Field("elcr", ref _elcr);
        archive.Field("icw1", ref _icw1);
        archive.Field("vectorBase", ref _vectorBase);
        archive.Field("icw3", ref _icw3);
        archive.Field("icw4", ref _icw4);
        archive.Field("initStep", ref _initStep);
        archive.Field("lowest", ref _lowest);
        archive.Field("specialMask", ref _specialMask);
        archive.Field("readIsr", ref _readIsr);
        archive.Field("poll", ref _poll);
        archive.Field("rotateOnAutoEoi", ref _rotateOnAutoEoi);
        if (archive.IsLoading)
        {
            archive.Check(_lowest < 8, "lowest");
            archive.Check(_initStep is 0 or (>= 2 and <= 4), "initStep");
            _output.Restore(HighestRequest() >= 0);
        }
    }

    private static void InputChanged(object target, int input, bool level)
    {
        I8259Pic pic = (I8259Pic)target;
        byte bit = (byte)(1 << input);
        if (level)
        {
            pic._lines |= bit;
        }
        else
        {
            pic._lines &= (byte)~bit;
            pic._armed |= bit;
        }

        pic.Update();
    }

    private static uint Read(object target, ushort port, int size)
    {
        I8259Pic pic = (I8259Pic)target;
        if (!pic._poll)
        {
            return Peek(target, port, size);
        }

        pic._poll = false;
        int level = pic.HighestRequest();
        if (level < 0)
        {
            return 0;
        }

        pic.EnterService(level);
        pic.LeaveServiceAutomatically(level);
        return 0x80u | (uint)level;
    }

    private static uint Peek(object target, ushort port, int size)
    {
        I8259Pic pic = (I8259Pic)target;
        return (port & 1) != 0 ? pic._imr : pic._readIsr ? pic._isr : pic.Irr;
    }

    private static void Write(object target, ushort port, int size, uint value)
    {
        I8259Pic pic = (I8259Pic)target;
        byte data = (byte)value;
        if ((port & 1) != 0)
        {
            pic.WriteData(data);
        }
        else if ((data & Icw1) != 0)
        {
            pic.StartInitialization(data);
        }
        else if ((data & Ocw3) != 0)
        {
            pic.WriteOcw3(data);
        }
        else
        {
            pic.WriteOcw2(data);
        }

        pic.Update();
    }

    private static uint ReadElcr(object target, ushort port, int size) => ((I8259Pic)target)._elcr;

    private static void WriteElcr(object target, ushort port, int size, uint value)
    {
        I8259Pic pic = (I8259Pic)target;
        pic._elcr = (byte)(value & ~(uint)pic._edgeOnly);
        pic.Update();
    }

    private void StartInitialization(byte value)
    {
        _icw1 = value;
        _armed = (byte)~_lines;
        _imr = _isr = 0;
        _lowest = 7;
        _icw3 = 7;
        _specialMask = _readIsr = _poll = _rotateOnAutoEoi = false;
        if ((value & Icw1Icw4Needed) == 0)
        {
            _icw4 = 0;
        }

        _initStep = 2;
    }

    private void WriteData(byte value)
    {
        switch (_initStep)
        {
            case 2:
                _vectorBase = (byte)(value & 0xF8);
                _initStep = (_icw1 & Icw1Single) == 0 ? (byte)3 : AfterIcw3();
                break;
            case 3:
                _icw3 = value;
                _initStep = AfterIcw3();
                break;
            case 4:
                _icw4 = value;
                _initStep = 0;
                break;
            default:
                _imr = value;
                break;
        }
    }

    private byte AfterIcw3() => (_icw1 & Icw1Icw4Needed) != 0 ? (byte)4 : (byte)0;

    private void WriteOcw2(byte value)
    {
        int level = value & 7;
        bool rotate = (value & Ocw2Rotate) != 0;
        bool specific = (value & Ocw2Specific) != 0;
        if ((value & Ocw2Eoi) == 0)
        {
            if (!specific)
            {
                _rotateOnAutoEoi = rotate;
            }
            else if (rotate)
            {
                _lowest = (byte)level;
            }

            return;
        }

        if (!specific)
        {
            level = HighestInService();
            if (level < 0)
            {
                return;
            }
        }

        _isr &= (byte)~(1 << level);
        if (rotate)
        {
            _lowest = (byte)level;
        }
    }

    private void WriteOcw3(byte value)
    {
        if ((value & Ocw3EnableSpecialMask) != 0)
        {
            _specialMask = (value & Ocw3SpecialMask) != 0;
        }

        if ((value & Ocw3Poll) != 0)
        {
            _poll = true;
        }
        else if ((value & Ocw3ReadRegister) != 0)
        {
            _readIsr = (value & Ocw3ReadIsr) != 0;
        }
    }

    private bool IsCascade(int level) => (_icw1 & Icw1Single) == 0 && _slave is not null && (_icw3 & (1 << level)) != 0;

    private int HighestInService()
    {
        int service = _specialMask ? _isr & ~_imr : _isr;
        for (int i = 1; i <= 8; i++)
        {
            int level = (_lowest + i) & 7;
            if ((service & (1 << level)) != 0)
            {
                return level;
            }
        }

        return -1;
    }

    /// <summary>The input that interrupts the CPU now, or -1.</summary>
    private int HighestRequest()
    {
        int requests = Irr & ~_imr;
        if (requests == 0 || _initStep != 0)
        {
            return -1;
        }

        int service = _specialMask ? _isr & ~_imr : _isr;
        for (int i = 1; i <= 8; i++)
        {
            int level = (_lowest + i) & 7;
            int bit = 1 << level;
            if ((service & bit) != 0)
            {
                // In special fully nested mode a slave in service may interrupt again, with a higher input of its own.
                return (_icw4 & Icw4SpecialFullyNested) != 0 && (requests & bit) != 0 && IsCascade(level) ? level : -1;
            }

            if ((requests & bit) != 0)
            {
                return level;
            }
        }

        return -1;
    }

    private void EnterService(int level)
    {
        byte bit = (byte)(1 << level);
        _isr |= bit;
        _armed &= (byte)~bit;
        Update();
    }

    private void LeaveServiceAutomatically(int level)
    {
        if ((_icw4 & Icw4AutoEoi) != 0)
        {
            _isr &= (byte)~(1 << level);
            if (_rotateOnAutoEoi)
            {
                _lowest = (byte)level;
            }

            Update();
        }
    }

    private void Update() => _output.Set(HighestRequest() >= 0);
}
