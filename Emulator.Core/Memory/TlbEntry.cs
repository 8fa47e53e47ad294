using System.Runtime.InteropServices;

namespace Emulator.Core.Memory;

/// <summary>
/// One record of the software TLB for data; code has the <see cref="InstructionTlb"/>. A tag equals the linear page address on a hit and <see cref="Invalid"/> otherwise; the inline check is
/// one addition (page crossing), one mask and one compare. Read and write tags are set only where the access needs no further
/// look: RAM or ROM, permitted, dirty bit already set for writes, no decoded code and no watchpoint in the page.
/// </summary>
[StructLayout(LayoutKind.Sequential, Size = 32)]
public struct TlbEntry
{
    /// <summary>Records in a table; a power of two.</summary>
    public const int Count = 4096;

    /// <summary>
    /// Bytes behind a table: one bit for each record that may hold a translation, and one for each of these that is global, so that a flush
    /// touches only what it drops.
    /// </summary>
    public const int UsedBytes = 2 * Count / 8;

    /// <summary>log2 of the record size.</summary>
    public const int SizeShift = 5;

    /// <summary>A tag that no linear page address equals.</summary>
    public const uint Invalid = 1;

    /// <summary>Tag for inline reads.</summary>
    public uint ReadTag;

    /// <summary>Tag for inline writes.</summary>
    public uint WriteTag;

    /// <summary>Tag of the translation itself, devices and code pages included.</summary>
    public uint PageTag;

    /// <summary>Physical page address; <see cref="PhysicalMemory.NoPage"/> beyond 4 GiB.</summary>
    public uint Physical;

    /// <summary>What the translation permits.</summary>
    public TlbFlags Flags;

    /// <summary>Host address minus linear address.</summary>
    public nuint Addend;
}

/// <summary>Permissions and kind of a cached translation, for the view that holds it.</summary>
[Flags]
public enum TlbFlags : uint
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>Data may be written and the dirty bit is set.</summary>
    Writable = 1,

    /// <summary>Part of a 4 MiB or 2 MiB page.</summary>
    Large = 4,

    /// <summary>Writes take the slow path only because the page holds decoded code; pieces without code may be written through the addend.</summary>
    CodeOnly = 8,
}
