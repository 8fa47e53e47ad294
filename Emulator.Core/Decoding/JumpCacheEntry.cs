using System.Runtime.InteropServices;

namespace Emulator.Core.Decoding;

/// <summary>
/// One record of the direct-mapped cache from linear addresses to blocks (<see cref="IndexOf"/>). It holds while the block is
/// valid and the instruction TLB holds the same records as when it was made: flushes cost nothing here, and what was filled again with the
/// same translation holds again. What translated code needs to go on in the block's region stands in the record, in one line of the host's cache.
/// </summary>
[StructLayout(LayoutKind.Sequential, Size = 1 << SizeShift)]
public unsafe struct JumpCacheEntry
{
    /// <summary>Records.</summary>
    public const int Count = 65536;

    /// <summary>Logarithm of a record's size in bytes.</summary>
    public const int SizeShift = 6;

    /// <summary>How far the address is shifted that goes into the index a second time.</summary>
    public const int FoldShift = 12;

    /// <summary>Linear address of the block.</summary>
    public uint Linear;

    /// <summary>Mode that it was decoded for; all ones in an empty record.</summary>
    public uint Key;

    /// <summary>Record of the block's page in the instruction TLB of the key's privilege view.</summary>
    public ulong Mapping;

    /// <summary>Record of the page behind it when the block straddles, else <see cref="Memory.InstructionTlb.Invalid"/>.</summary>
    public ulong SecondMapping;

    /// <summary>
    /// The block's <see cref="Decoding.Block.Compiled"/>, or null: then the run loop looks at the block. Only for flat code whose EIP is the one
    /// that the region was made for; <see cref="Decoding.Block.Record"/> points back while it is set.
    /// </summary>
    public nint Code;

    /// <summary>The block's <see cref="Decoding.Block.CompiledContext"/> beside <see cref="Code"/>.</summary>
    public nint Context;

    /// <summary>The block.</summary>
    public Block* Block;

    /// <summary>The block's <see cref="Decoding.Block.CompiledEntry"/> beside <see cref="Code"/>.</summary>
    public int Entry;

    /// <summary>
    /// Number of the record that was looked at two lookups behind this one, last time: a guess, for <see cref="BlockCache.LookAhead"/> alone, as is
    /// <see cref="AheadBlock"/>. Empty records have numbers that are none.
    /// </summary>
    public uint AheadRecord;

    /// <summary>Where the block of that lookup lies: bytes from the beginning of the blocks.</summary>
    public uint AheadBlock;

    /// <summary>
    /// Index of the record for an address: its low bits, with the page's number added without carry. Functions begin at multiples of 16, so that
    /// the low bits alone would crowd them into a sixteenth of the records.
    /// </summary>
    /// <param name="linear">Linear address.</param>
    public static uint IndexOf(uint linear) => (linear ^ (linear >> FoldShift)) & (Count - 1);
}
