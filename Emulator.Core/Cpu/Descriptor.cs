namespace Emulator.Core.Cpu;

/// <summary>An 8-byte descriptor as it stands in a table, with where it stands (SDM volume 3, sections 3.4.5, 3.5 and 6.11).</summary>
internal readonly struct Descriptor(ulong raw, uint address)
{
    public const int Tss16Available = 1;
    public const int Ldt = 2;
    public const int Tss16Busy = 3;
    public const int CallGate16 = 4;
    public const int TaskGate = 5;
    public const int InterruptGate16 = 6;
    public const int TrapGate16 = 7;
    public const int Tss32Available = 9;
    public const int Tss32Busy = 11;
    public const int CallGate32 = 12;
    public const int InterruptGate32 = 14;
    public const int TrapGate32 = 15;

    /// <summary>Bit of <see cref="Type"/> that tells busy from available.</summary>
    public const int BusyBit = 2;

    /// <summary>The low doubleword.</summary>
    public uint Low => (uint)raw;

    /// <summary>The high doubleword.</summary>
    public uint High => (uint)(raw >> 32);

    /// <summary>Linear address of its first byte.</summary>
    public uint Address => address;

    /// <summary>Type field, 4 bits.</summary>
    public int Type => (int)(High >> 8) & 15;

    /// <summary>Code or data segment (S set).</summary>
    public bool IsSegment => (High & 0x1000) != 0;

    public bool IsCode => (High & 0x1800) == 0x1800;

    public bool IsConformingCode => (High & 0x1C00) == 0x1C00;

    public bool IsWritableData => (High & 0x1A00) == 0x1200;

    /// <summary>Data, or readable code.</summary>
    public bool IsReadable => IsSegment && (High & 0xA00) != 0x800;

    /// <summary>A TSS of either size, busy or not.</summary>
    public bool IsTss => !IsSegment && (Type & 5) == 1;

    public bool IsAvailableTss => IsTss && (Type & BusyBit) == 0;

    public bool IsBusyTss => IsTss && (Type & BusyBit) != 0;

    public int Dpl => (int)(High >> 13) & 3;

    public bool IsPresent => (High & 0x8000) != 0;

    public uint Base => (Low >> 16) | ((High & 0xFF) << 16) | (High & 0xFF000000);

    /// <summary>Limit in bytes - 1, granularity applied.</summary>
    public uint Limit
    {
        get
        {
            uint limit = (Low & 0xFFFF) | (High & 0xF0000);
            return (High & 0x800000) != 0 ? (limit << 12) | 0xFFF : limit;
        }
    }

    /// <summary>As <see cref="SegmentRegister.Attributes"/>.</summary>
    public ushort Attributes => (ushort)((High >> 8) & 0xF0FF);

    /// <summary>Gate: target selector.</summary>
    public ushort GateSelector => (ushort)(Low >> 16);

    /// <summary>Gate: target offset, 16 bits of it for a 16-bit gate.</summary>
    public uint GateOffset => (Type & 8) != 0 ? (Low & 0xFFFF) | (High & 0xFFFF0000) : Low & 0xFFFF;

    /// <summary>Call gate: parameters to copy.</summary>
    public int GateParameters => (int)High & 31;

    /// <summary>Gate or TSS of the 32-bit kind.</summary>
    public bool Is32 => (Type & 8) != 0;
}
