namespace Emulator.Core.Cpu;

/// <summary>Indexes of segment registers in <see cref="CpuState.Segments"/>, in ModRM order.</summary>
public static class SegmentIndex
{
    public const int Es = 0;
    public const int Cs = 1;
    public const int Ss = 2;
    public const int Ds = 3;
    public const int Fs = 4;
    public const int Gs = 5;
    public const int Ldtr = 6;
    public const int Tr = 7;
}

/// <summary>
/// A segment register with its hidden part. <see cref="Low"/>, <see cref="High"/>, <see cref="Access"/> and the ends are derived by
/// <see cref="Update"/> from the others whenever these change, so that a check is two compares.
/// </summary>
public struct SegmentRegister
{
    /// <summary>Attribute bit: code segment (with S set).</summary>
    public const ushort TypeCode = 0x8;

    /// <summary>Attribute bit: conforming code or expand-down data.</summary>
    public const ushort TypeConformingOrExpandDown = 0x4;

    /// <summary>Attribute bit: readable code or writable data.</summary>
    public const ushort TypeReadableOrWritable = 0x2;

    /// <summary>Attribute bit: accessed.</summary>
    public const ushort TypeAccessed = 0x1;

    /// <summary>Attribute bit: code or data (not system).</summary>
    public const ushort AttributeS = 0x10;

    /// <summary>Attribute bit: present.</summary>
    public const ushort AttributePresent = 0x80;

    /// <summary>Attribute bit: D/B, default 32-bit.</summary>
    public const ushort AttributeBig = 0x4000;

    /// <summary>Attribute bit: limit was in 4 KiB units.</summary>
    public const ushort AttributeGranularity = 0x8000;

    /// <summary>Linear base address.</summary>
    public uint Base;

    /// <summary>Limit in bytes - 1, granularity applied.</summary>
    public uint Limit;

    /// <summary>Lowest valid offset.</summary>
    public uint Low;

    /// <summary>Highest valid offset; below <see cref="Low"/> when nothing is valid.</summary>
    public uint High;

    /// <summary>Visible selector.</summary>
    public ushort Selector;

    /// <summary>Descriptor bits: 0–3 type, 4 S, 5–6 DPL, 7 P, 12 AVL, 13 L, 14 D/B, 15 G. Zero for a null segment (not usable).</summary>
    public ushort Attributes;

    /// <summary>Derived permissions.</summary>
    public SegmentAccess Access;

    /// <summary>Offsets from 0 on that can be read without another check: the limit plus one, or 0 when not readable or expand-down.</summary>
    public ulong ReadEnd;

    /// <summary>As <see cref="ReadEnd"/>, for writes.</summary>
    public ulong WriteEnd;

    /// <summary>Descriptor privilege level.</summary>
    public readonly int Dpl => (Attributes >> 5) & 3;

    /// <summary>Whether the D/B bit is set.</summary>
    public readonly bool IsBig => (Attributes & AttributeBig) != 0;

    /// <summary>Whether the segment can be used at all (a null selector's cannot).</summary>
    public readonly bool IsUsable => (Attributes & AttributePresent) != 0;

    /// <summary>Recomputes the derived fields; call after changing base, limit or attributes.</summary>
    public void Update()
    {
        Access = SegmentAccess.None;
        Low = 1;
        High = 0;
        ReadEnd = WriteEnd = 0;
        if (!IsUsable || (Attributes & AttributeS) == 0)
        {
            return;
        }

        bool code = (Attributes & TypeCode) != 0;
        bool second = (Attributes & TypeReadableOrWritable) != 0;
        Access = code
            ? second ? SegmentAccess.Read : SegmentAccess.None
            : second ? SegmentAccess.Read | SegmentAccess.Write : SegmentAccess.Read;
        if (!code && (Attributes & TypeConformingOrExpandDown) != 0)
        {
            uint top = IsBig ? 0xFFFFFFFF : 0xFFFF;
            if (Limit < top)
            {
                Low = Limit + 1;
                High = top;
            }
        }
        else
        {
            Low = 0;
            High = Limit;
        }

        ulong end = Low == 0 ? (ulong)High + 1 : 0;
        ReadEnd = (Access & SegmentAccess.Read) != 0 ? end : 0;
        WriteEnd = (Access & SegmentAccess.Write) != 0 ? end : 0;
        if (Base == 0 && Low == 0 && High == 0xFFFFFFFF)
        {
            Access |= code ? SegmentAccess.FlatCode : second ? SegmentAccess.FlatData : SegmentAccess.None;
        }
    }
}

/// <summary>Derived permissions of a segment.</summary>
[Flags]
public enum SegmentAccess : uint
{
    /// <summary>Neither readable nor writable as data.</summary>
    None = 0,

    /// <summary>Readable as data.</summary>
    Read = 1,

    /// <summary>Writable.</summary>
    Write = 2,

    /// <summary>Read-write data with base 0 and limit 4 GiB: no check is needed.</summary>
    FlatData = 4,

    /// <summary>Code with base 0 and limit 4 GiB.</summary>
    FlatCode = 8,
}
