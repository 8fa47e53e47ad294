// Intel 82093AA I/O APIC (datasheet 290566): 24 inputs with redirection entries; edge and level triggering with remote IRR, polarity, masks,
// fixed, lowest priority, NMI, INIT and ExtINT delivery, physical and logical destinations. Messages reach the only processor at once.
//
// Inputs: 0 the output of the 8259 pair, 1 and 3-15 the ISA interrupts, 2 the timer (ISA interrupt 0), 16-19 PIRQA#-PIRQD#, 20-23 the HPET.
// Inputs 16 to 23 are active low on this board, the others active high; an entry with the other polarity sees the opposite level. An edge on a
// masked input is lost.
//
// Memory: FEC00000h selector (IOREGSEL), FEC00010h window (IOWIN), 32 bits; the selector takes bytes and words too.
using Emulator.Core.Machine;
using Emulator.Core.Memory;
using Emulator.Core.Snapshot;

namespace Emulator.Devices.Interrupts;

/// <summary>Routes interrupt inputs to the local APIC.</summary>
public sealed unsafe class IoApic : IMachineComponent
{
    /// <summary>Physical address.</summary>
    public const uint Address = 0xFEC0_0000;

    /// <summary>Number of inputs.</summary>
    public const int InputCount = 24;

    /// <summary>First of the inputs that PIRQA# to PIRQD# drive.</summary>
    public const int FirstPirq = 16;

    /// <summary>First of the inputs that the HPET drives.</summary>
    public const int FirstHpet = 20;

    private const uint Version = 0x11;
    private const uint ActiveLowInputs = 0xFF_0000;
    private const int RegisterId = 0;
    private const int RegisterVersion = 1;
    private const int RegisterArbitration = 2;
    private const int FirstEntry = 0x10;
    private const ulong EntryWritable = 0xFF00_0000_0001_AFFF;
    private const ulong RemoteIrr = 0x4000;
    private const ulong ActiveLow = 0x2000;
    private const ulong Level = 0x8000;
    private const ulong Masked = 0x10000;
    private const ulong LogicalDestination = 0x800;
    private const ulong ModeMask = 0x700;
    private const ulong ModeExternal = 0x700;

    private readonly LocalApic _lapic;
    private readonly ulong[] _entries = new ulong[InputCount];
    private uint _asserted;
    private uint _id;
    private byte _select;

    /// <summary>Creates the chip in its reset state.</summary>
    /// <param name="lapic">Receives its messages.</param>
    public IoApic(LocalApic lapic)
    {
        ArgumentNullException.ThrowIfNull(lapic);
        _lapic = lapic;
        lapic.IoApic = this;
        Reset();
    }

    /// <inheritdoc/>
    public string StateId => "ioapic";

    /// <inheritdoc/>
    public int StateVersion => 1;

    /// <summary>Whether input 0 passes the 8259 pair on (an unmasked ExtINT entry).</summary>
    internal bool PassesExternal => (_entries[0] & (Masked | ModeMask)) == ModeExternal;

    /// <summary>Creates the line of an input.</summary>
    /// <param name="input">Input number, 0 to 23.</param>
    public IrqLine CreateInput(int input)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)input, (uint)InputCount - 1);
        return new IrqLine(this, input, &InputChanged);
    }

    /// <summary>Maps the registers.</summary>
    /// <param name="memory">Physical memory.</param>
    public void Map(PhysicalMemory memory)
    {
        ArgumentNullException.ThrowIfNull(memory);
        memory.MapDevice(Address, PhysicalMemory.PageSize, this, &Read, &Write, &Read);
    }

    /// <inheritdoc/>
    public void Reset()
    {
        _entries.AsSpan().Fill(Masked);
        _id = 0;
        _select = 0;
    }

    /// <inheritdoc/>
    public void Serialize(StateArchive archive)
    {
        ArgumentNullException.ThrowIfNull(archive);
        archive.Array<ulong>("entries", _entries);
        archive.Field("asserted", ref _asserted);
        archive.Field("id", ref _id);
        archive.Field("select", ref _select);
        for (int i = 0; i < InputCount; i++)
        {
            archive.Check((_entries[i] & ~(EntryWritable | RemoteIrr)) == 0, "entries");
        }

        archive.Check((_asserted >> InputCount) == 0, "asserted");
    }

    /// <summary>The processor ended a level-triggered interrupt.</summary>
    internal void EndOfInterrupt(byte vector)
    {
        for (int i = 0; i < InputCount; i++)
        {
            if ((_entries[i] & RemoteIrr) != 0 && (byte)_entries[i] == vector)
            {
                _entries[i] &= ~RemoteIrr;
                SendLevel(i);
            }
        }
    }

    /// <summary>The output of the 8259 pair changed.</summary>
    internal void ExternalChanged(bool level) => Drive(0, level);

    private static void InputChanged(object target, int input, bool level) => ((IoApic)target).Drive(input, level);

    private static ulong Read(object target, uint address, int size)
    {
        IoApic apic = (IoApic)target;
        int offset = (int)(address & 0xF);
        uint value = (address & 0xFF0) switch
        {
            0x00 => apic._select,
            0x10 => apic.ReadRegister(),
            _ => 0,
        };
        ulong shifted = offset < 4 ? (ulong)value >> (8 * offset) : 0;
        return size == 8 ? shifted : shifted & ((1ul << (8 * size)) - 1);
    }

    private static void Write(object target, uint address, int size, ulong value)
    {
        IoApic apic = (IoApic)target;
        switch (address & 0xFFF)
        {
            case 0x00:
                apic._select = (byte)value;
                break;
            case 0x10 when size >= 4:
                apic.WriteRegister((uint)value);
                apic._lapic.Update();
                break;
            default:
                break;
        }
    }

    private uint ReadRegister()
    {
        int entry = _select - FirstEntry;
        return _select switch
        {
            RegisterId or RegisterArbitration => _id,
            RegisterVersion => Version | ((InputCount - 1) << 16),
            _ when entry is >= 0 and < 2 * InputCount => (uint)(_entries[entry >> 1] >> (32 * (entry & 1))),
            _ => 0,
        };
    }

    private void WriteRegister(uint value)
    {
        int entry = _select - FirstEntry;
        if (_select == RegisterId)
        {
            _id = value & 0x0F00_0000;
        }
        else if (entry is >= 0 and < 2 * InputCount)
        {
            int input = entry >> 1;
            int shift = 32 * (entry & 1);
            ulong old = _entries[input];
            ulong written = (old & ~((ulong)uint.MaxValue << shift)) | ((ulong)value << shift);

            // Remote IRR belongs to level triggering; changing to edge clears it.
            _entries[input] = (written & EntryWritable) | ((written & Level) != 0 ? old & RemoteIrr : 0);
            SendLevel(input);
        }
    }

    private bool IsActive(int input)
    {
        uint bit = 1u << input;
        bool nativeLow = (ActiveLowInputs & bit) != 0;
        bool wantsLow = (_entries[input] & ActiveLow) != 0;
        return ((_asserted & bit) != 0) == (nativeLow == wantsLow);
    }

    private void Drive(int input, bool level)
    {
        uint bit = 1u << input;
        bool before = IsActive(input);
        _asserted = level ? _asserted | bit : _asserted & ~bit;
        bool after = IsActive(input);
        if ((_entries[input] & Level) != 0)
        {
            SendLevel(input);
        }
        else if (after && !before && (_entries[input] & Masked) == 0)
        {
            Send(input, level: false);
        }
    }

    private void SendLevel(int input)
    {
        ulong entry = _entries[input];
        if ((entry & (Level | Masked | RemoteIrr)) == Level && IsActive(input) && Send(input, level: true) && (entry & ModeMask) <= 0x100)
        {
            _entries[input] |= RemoteIrr;
        }
    }

    private bool Send(int input, bool level)
    {
        ulong entry = _entries[input];
        return (entry & ModeMask) != ModeExternal
            && _lapic.Deliver((byte)(entry >> 56), (entry & LogicalDestination) != 0, (uint)(entry & ModeMask), (byte)entry, level);
    }
}
