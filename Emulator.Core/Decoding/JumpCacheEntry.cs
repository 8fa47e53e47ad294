using System.Runtime.InteropServices;

namespace Emulator.Core.Decoding;

/// <summary>
/// One record of the direct-mapped cache from linear addresses to blocks, indexed by the address's low bits. It holds as it is while
/// <see cref="Cpu.CpuState.CodeGeneration"/> stays as it was: until a translation is dropped or a block's bytes change. After that it holds
/// if the block is valid and the TLB maps the address to <see cref="Page"/> for execution.
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

    /// <summary>Mode that it was decoded for.</summary>
    public uint Key;

    /// <summary><see cref="Cpu.CpuState.CodeGeneration"/> when the record was made.</summary>
    public ulong Generation;

    /// <summary>The block.</summary>
    public Block* Block;

    /// <summary>Physical page of the block; odd, which no page is, when it straddles into a second one.</summary>
    public uint Page;
}
