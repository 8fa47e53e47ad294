using System.Runtime.InteropServices;

namespace Emulator.Core.Decoding;

/// <summary>
/// One record of the direct-mapped cache from linear addresses to blocks, indexed by the address's low bits. It holds while the block is
/// valid and the instruction TLB holds the same records as when it was made: flushes cost nothing here, and what was filled again with the
/// same translation holds again.
/// </summary>
[StructLayout(LayoutKind.Sequential, Size = 1 << SizeShift)]
public unsafe struct JumpCacheEntry
{
    /// <summary>Records.</summary>
    public const int Count = 65536;

    /// <summary>Logarithm of a record's size in bytes.</summary>
    public const int SizeShift = 5;

    /// <summary>Linear address of the block.</summary>
    public uint Linear;

    /// <summary>Mode that it was decoded for; all ones in an empty record.</summary>
    public uint Key;

    /// <summary>Record of the block's page in the instruction TLB of the key's privilege view.</summary>
    public ulong Mapping;

    /// <summary>The block.</summary>
    public Block* Block;

    /// <summary>Record of the page behind it when the block straddles, else <see cref="Memory.InstructionTlb.Invalid"/>.</summary>
    public ulong SecondMapping;
}
