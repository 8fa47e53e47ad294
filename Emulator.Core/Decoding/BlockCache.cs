using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using Emulator.Core.Cpu;
using Emulator.Core.Memory;

namespace Emulator.Core.Decoding;

/// <summary>
/// Decoded basic blocks, found by physical address and mode. In front stands a direct-mapped cache by linear address, whose records hold
/// while the <see cref="InstructionTlb"/> maps their pages as it did. Blocks live in an arena that is emptied as a whole when full; a block whose bytes change is unlinked at once
/// and its ops are turned into exits, so that a block that overwrites itself stops in front of its next instruction.
/// </summary>
public sealed unsafe class BlockCache
{
    private const int JumpCacheSize = JumpCacheEntry.Count;
    private const int BucketBits = 18;
    private const int BucketCount = 1 << BucketBits;

    /// <summary>Bytes for blocks; a power of two.</summary>
    private const nuint ArenaSize = 64 << 20;

    /// <summary>Bytes that a host's cache fetches together, as a rule.</summary>
    private const int HostLine = 64;

    private readonly CpuCore _core;
    private readonly BlockDecoder _decoder;
    private readonly JumpCacheEntry* _jumpCache;
    private readonly Block** _buckets;
    private readonly Block** _pages;
    private readonly Block** _secondPages;

    /// <summary>For each physical page, which of its 64 pieces of 64 bytes may hold decoded code: data beside code stays cheap to write.</summary>
    private readonly ulong* _codePieces;
    private readonly byte* _arena;

    /// <summary>Records of the last lookup and the one before.</summary>
    private JumpCacheEntry* _last;
    private JumpCacheEntry* _beforeLast;
    private nuint _used;

    /// <summary>Creates an empty cache.</summary>
    /// <param name="core">The CPU.</param>
    internal BlockCache(CpuCore core)
    {
        _core = core;
        _decoder = new BlockDecoder(core);
        core.State->CodeGeneration = 1;
        _jumpCache = (JumpCacheEntry*)NativeMemory.AlignedAlloc((nuint)(JumpCacheSize * sizeof(JumpCacheEntry)), HugePages.Size);
        HugePages.Advise(_jumpCache, (nuint)(JumpCacheSize * sizeof(JumpCacheEntry)));
        EmptyJumpCache();
        _last = _beforeLast = _jumpCache;
        core.State->JumpCache = _jumpCache;
        _buckets = (Block**)NativeMemory.AlignedAlloc(BucketCount * (nuint)sizeof(Block*), HugePages.Size);
        HugePages.Advise(_buckets, BucketCount * (nuint)sizeof(Block*));
        NativeMemory.Clear(_buckets, BucketCount * (nuint)sizeof(Block*));
        _pages = (Block**)NativeMemory.AllocZeroed(1 << 20, (nuint)sizeof(Block*));
        _secondPages = (Block**)NativeMemory.AllocZeroed(1 << 20, (nuint)sizeof(Block*));
        _codePieces = (ulong*)NativeMemory.AllocZeroed(1 << 20, sizeof(ulong));
        core.State->CodePieces = _codePieces;
        _arena = (byte*)NativeMemory.AlignedAlloc(ArenaSize, HugePages.Size);
        HugePages.Advise(_arena, ArenaSize);
        GC.AddMemoryPressure((long)ArenaSize);
    }

    /// <summary>Frees the native memory.</summary>
    ~BlockCache()
    {
        NativeMemory.AlignedFree(_jumpCache);
        NativeMemory.AlignedFree(_buckets);
        NativeMemory.Free(_pages);
        NativeMemory.Free(_secondPages);
        NativeMemory.Free(_codePieces);
        NativeMemory.AlignedFree(_arena);
        GC.RemoveMemoryPressure((long)ArenaSize);
    }

    /// <summary>Blocks decoded since power-on.</summary>
    public long BlocksDecoded { get; private set; }

    /// <summary>Blocks dropped because their bytes changed, since power-on.</summary>
    public long BlocksInvalidated { get; private set; }

    /// <summary>How often the cache was emptied as a whole: pointers to blocks hold as long as it does not change.</summary>
    public long Clears { get; private set; }

    /// <summary>The translator to tell about hot and dropped blocks, or null.</summary>
    public Translator? Translator { get; internal set; }

    /// <summary>The block at CS:EIP, decoded if needed; null with the fetch fault recorded.</summary>
    /// <param name="s">The state.</param>
    /// <param name="key">Mode key, possibly with <see cref="ModeKey.Single"/>.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal Block* Lookup(CpuState* s, uint key)
    {
        uint linear = s->Eip + CpuState.Segment(s, SegmentIndex.Cs)->Base;
        JumpCacheEntry* e = _jumpCache + JumpCacheEntry.IndexOf(linear);
        if (e->Linear == linear && e->Key == key && s->InstructionTlb[InstructionTlb.IndexOf(linear)] == e->Mapping && (key & ModeKey.FlatCs) != 0
            && e->SecondMapping == InstructionTlb.Invalid && e->Block->IsValid != 0)
        {
            return e->Block;
        }

        return LookupSlow(s, key, linear, e);
    }

    /// <summary>
    /// Has the host fetch what the lookup after the next will want, if it goes on as it did last time: a record of the jump cache, the end of a
    /// block's header and its first ops. Code that runs seldom lies in none of the host's near caches, and each of these would be waited for in
    /// turn. Nothing follows from it but speed; without an instruction for that it does nothing.
    /// </summary>
    /// <param name="s">The state.</param>
    /// <param name="block">The block at CS:EIP.</param>
    [MethodImpl(MethodImplOptions.NoInlining)]
    internal void LookAhead(CpuState* s, Block* block)
    {
        if (!Sse.IsSupported)
        {
            return;
        }

        uint index = JumpCacheEntry.IndexOf(s->Eip + CpuState.Segment(s, SegmentIndex.Cs)->Base);
        uint place = (uint)((byte*)block - _arena);
        JumpCacheEntry* e = _jumpCache + index;
        if (_beforeLast->AheadBlock != place)
        {
            _beforeLast->AheadBlock = place;
            _beforeLast->AheadRecord = index;
        }

        _beforeLast = _last;
        _last = e;
        Sse.Prefetch0(_jumpCache + (e->AheadRecord & (JumpCacheEntry.Count - 1)));
        byte* ops = _arena + (e->AheadBlock & (uint)(ArenaSize - 1)) + sizeof(Block);
        Sse.Prefetch0(ops - HostLine);
        Sse.Prefetch0(ops);
        Sse.Prefetch0(ops + HostLine);
        Sse.Prefetch0(ops + (2 * HostLine));
    }

    /// <summary>
    /// The block at any EIP, for a translator that follows branches. Only pages from which code was fetched already are looked at, as the
    /// instruction TLB of the key's privilege level maps them now: nothing shows that it was called, no accessed bit and no fault.
    /// </summary>
    /// <param name="s">The state.</param>
    /// <param name="key">Mode key; need not be the current one.</param>
    /// <param name="eip">EIP.</param>
    /// <param name="codeBase">Base of the code segment; 0 for a flat one.</param>
    /// <param name="decode">
    /// Whether a block that was not met yet is decoded, which may empty the cache. Where the key says that CS is not flat, it must be CS.
    /// </param>
    /// <returns>Null where the code is not known to be mapped, or not decoded.</returns>
    internal Block* Find(CpuState* s, uint key, uint eip, uint codeBase, bool decode)
    {
        // An instruction at the end of a page may go on in the next one.
        ulong* tlb = (key & ModeKey.User) != 0 ? s->UserInstructionTlb : s->SupervisorInstructionTlb;
        uint linear = codeBase + eip;
        uint first = Fetched(tlb, linear);
        uint last = Fetched(tlb, linear + BlockDecoder.MaximumInstructionLength - 1);
        if (first == PhysicalMemory.NoPage || last == PhysicalMemory.NoPage)
        {
            return null;
        }

        uint physical = first | (linear & 0xFFF);
        Block* block = _buckets[Bucket(physical, key)];
        while (block != null && (block->Physical != physical || block->ModeKey != key || (block->SecondPage != uint.MaxValue && block->SecondPage != last)))
        {
            block = block->HashNext;
        }

        if (block == null && decode)
        {
            uint savedEip = s->Eip;
            byte savedCpl = s->Cpl;
            s->Eip = eip;
            s->Cpl = (key & ModeKey.User) != 0 ? (byte)3 : (byte)0;
            block = Decode(s, key, linear, physical);
            s->Eip = savedEip;
            s->Cpl = savedCpl;
        }

        return block != null && IsKept(block) ? block : null;
    }

    /// <summary>
    /// The block at a physical address in memory, for a translator that knows the bytes there; nothing shows that it was called. One that
    /// straddles must have been met already.
    /// </summary>
    /// <param name="s">The state.</param>
    /// <param name="key">Mode key, with a flat code segment.</param>
    /// <param name="eip">EIP.</param>
    /// <param name="physical">Physical address of the first byte.</param>
    /// <param name="secondPage">Physical page into which it straddles, or uint.MaxValue.</param>
    /// <returns>The block, decoded if needed, which may empty the cache; null when it is not to be had.</returns>
    internal Block* At(CpuState* s, uint key, uint eip, uint physical, uint secondPage)
    {
        Block* block = _buckets[Bucket(physical, key)];
        while (block != null && (block->Physical != physical || block->ModeKey != key || block->SecondPage != secondPage))
        {
            block = block->HashNext;
        }

        if (block == null && secondPage == uint.MaxValue && _core.Memory.HostPage(physical) != null)
        {
            uint saved = s->Eip;
            s->Eip = eip;
            block = Decode(s, key, eip, physical);
            s->Eip = saved;
        }

        return block;
    }

    /// <summary>The physical page that was fetched for an address, if it is memory; else <see cref="PhysicalMemory.NoPage"/>.</summary>
    private uint Fetched(ulong* tlb, uint linear)
    {
        ulong record = tlb[InstructionTlb.IndexOf(linear)];
        uint page = InstructionTlb.IsHit(record, linear) ? InstructionTlb.PhysicalOf(record) : PhysicalMemory.NoPage;
        return page != PhysicalMemory.NoPage && _core.Memory.HostPage(page) != null ? page : PhysicalMemory.NoPage;
    }

    /// <summary>Translations went (flush, INVLPG), or code took the place of other code in the instruction TLB: translated code looks again where it is.</summary>
    internal void TranslationsChanged() => _core.State->CodeGeneration++;

    private void EmptyJumpCache() => NativeMemory.Fill(_jumpCache, (nuint)(JumpCacheSize * sizeof(JumpCacheEntry)), 0xFF);

    /// <summary>Drops every block.</summary>
    internal void Clear()
    {
        _core.RestorePatch();
        Translator?.DropAll();
        Clears++;
        Block* current = _core.State->CurrentBlock;
        if (current != null)
        {
            Disarm(current);
        }

        for (int i = 0; i < BucketCount; i++)
        {
            for (Block* b = _buckets[i]; b != null; b = b->HashNext)
            {
                uint page = b->Physical >> 12;
                _pages[page] = null;
                _codePieces[page] = 0;
                _core.Memory.SetHasCode(b->Physical, false);
                if (b->SecondPage != uint.MaxValue)
                {
                    _secondPages[b->SecondPage >> 12] = null;
                    _codePieces[b->SecondPage >> 12] = 0;
                    _core.Memory.SetHasCode(b->SecondPage, false);
                }
            }

            _buckets[i] = null;
        }

        // Their memory may be used again.
        EmptyJumpCache();
        _core.State->CodeGeneration++;
    }

    /// <summary>Drops the blocks that contain any byte of a physical range within one page.</summary>
    /// <param name="address">Physical address.</param>
    /// <param name="length">Bytes.</param>
    internal void CodeWritten(uint address, uint length)
    {
        uint page = address >> 12;
        if ((_codePieces[page] & Pieces(address & 0xFFF, length)) == 0)
        {
            return;
        }

        bool dropped = false;
        ulong left = 0;
        for (Block** link = &_pages[page]; *link != null;)
        {
            Block* b = *link;
            if (b->Physical < address + length && address < b->Physical + b->ByteLength)
            {
                *link = b->PageNext;
                Unlink(b, ref _secondPages[b->SecondPage == uint.MaxValue ? 0 : b->SecondPage >> 12], b->SecondPage != uint.MaxValue);
                dropped = true;
            }
            else
            {
                left |= Pieces(b->Physical & 0xFFF, b->ByteLength);
                link = &b->PageNext;
            }
        }

        for (Block** link = &_secondPages[page]; *link != null;)
        {
            Block* b = *link;
            uint inSecond = b->ByteLength - (PhysicalMemory.PageSize - (b->Physical & 0xFFF));
            if ((address & 0xFFF) < inSecond)
            {
                *link = b->SecondPageNext;
                RemoveFromPage(b);
                UnlinkHash(b);
                dropped = true;
            }
            else
            {
                left |= 1;
                link = &b->SecondPageNext;
            }
        }

        _codePieces[page] = left;
        if (dropped)
        {
            _core.State->CodeGeneration++;
            if (_pages[page] == null && _secondPages[page] == null)
            {
                _core.Memory.SetHasCode(address, false);
            }
        }
    }

    /// <summary>Whether a store can go straight to a page that holds decoded code: to pieces of it that do not.</summary>
    /// <param name="s">The state.</param>
    /// <param name="e">Record of the page; the store lies within the page.</param>
    /// <param name="linear">Linear address.</param>
    /// <param name="size">Bytes.</param>
    internal static bool IsBesideCode(CpuState* s, TlbEntry* e, uint linear, int size) =>
        (e->Flags & TlbFlags.CodeOnly) != 0 && (s->CodePieces[e->Physical >> 12] & Pieces(linear & 0xFFF, (uint)size)) == 0;

    private static ulong Pieces(uint offset, uint length)
    {
        int first = (int)(offset >> 6);
        int last = (int)Math.Min((offset + length - 1) >> 6, 63);
        return (ulong.MaxValue << first) & (ulong.MaxValue >> (63 - last));
    }

    private static uint Bucket(uint physical, uint key) => ((physical * 2654435761u) ^ (key * 0x9E3779B1u)) >> (32 - BucketBits);

    private static bool WithinLimit(CpuState* s, Block* block)
    {
        SegmentRegister* cs = CpuState.Segment(s, SegmentIndex.Cs);
        return s->Eip <= cs->High && cs->High - s->Eip >= block->ByteLength - 1;
    }

    private static void Disarm(Block* b)
    {
        b->IsValid = 0;
        Block.Forget(b);
        b->Compiled = null;
        Op* ops = Block.Ops(b);
        for (int i = 0; i < b->OpCount; i++)
        {
            ops[i].Handler = &CpuCore.LeaveBlock;
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private Block* LookupSlow(CpuState* s, uint key, uint linear, JumpCacheEntry* e)
    {
        if (e->Linear == linear && e->Key == key && IsMapped(s, linear, e) && e->Block->IsValid != 0 && ((key & ModeKey.FlatCs) != 0 || WithinLimit(s, e->Block)))
        {
            return e->Block;
        }

        if ((key & ModeKey.FlatCs) == 0 && s->Eip > CpuState.Segment(s, SegmentIndex.Cs)->High)
        {
            Faults.Record(s, ExceptionVector.GeneralProtection, 0);
            return null;
        }

        if (!PageWalk.Fetch(s, linear, out ulong mapping))
        {
            return null;
        }

        if (InstructionTlb.PhysicalOf(mapping) == PhysicalMemory.NoPage)
        {
            Faults.Record(s, ExceptionVector.InvalidOpcode);
            return null;
        }

        if (e->Linear == linear && e->Key == key && e->Mapping == mapping && e->SecondMapping == InstructionTlb.Invalid && e->Block->IsValid != 0 && (key & ModeKey.FlatCs) != 0)
        {
            // Only the instruction TLB's record was missing.
            return e->Block;
        }

        uint physical = InstructionTlb.PhysicalOf(mapping) | (linear & 0xFFF);
        Block* block = _buckets[Bucket(physical, key)];
        while (block != null && (block->Physical != physical || block->ModeKey != key || ((key & ModeKey.FlatCs) == 0 && !WithinLimit(s, block))
            || !SecondPageMatches(s, block, linear)))
        {
            block = block->HashNext;
        }

        if (block == null)
        {
            block = Decode(s, key, linear, physical);
            if (block == null)
            {
                return null;
            }
        }

        if (IsKept(block))
        {
            if (e->Key != uint.MaxValue && e->Code != 0)
            {
                Block.Forget(e->Block);
            }

            e->Linear = linear;
            e->Key = key;
            e->Mapping = mapping;
            e->Code = 0;
            e->Block = block;
            e->SecondMapping = block->SecondPage == uint.MaxValue ? InstructionTlb.Invalid : InstructionTlb.Record(linear + PhysicalMemory.PageSize, block->SecondPage);
        }

        return block;
    }

    /// <summary>Puts a block's code into its record of the jump cache, where regions look for it.</summary>
    /// <param name="s">The state: the block is the one at CS:EIP, and its code was made for EIP.</param>
    /// <param name="block">The block, with code.</param>
    [MethodImpl(MethodImplOptions.NoInlining)]
    internal void NoteCode(CpuState* s, Block* block)
    {
        JumpCacheEntry* e = _jumpCache + JumpCacheEntry.IndexOf(s->Eip);
        if (e->Block == block && e->Linear == s->Eip && (e->Key & ModeKey.FlatCs) != 0 && e->Key == block->ModeKey)
        {
            e->Code = (nint)block->Compiled;
            e->Context = block->CompiledContext;
            e->Entry = block->CompiledEntry;
            block->Record = e;
        }
    }

    /// <summary>Whether the pages of a record of the jump cache are mapped as they were.</summary>
    private static bool IsMapped(CpuState* s, uint linear, JumpCacheEntry* e) =>
        s->InstructionTlb[InstructionTlb.IndexOf(linear)] == e->Mapping
        && (e->SecondMapping == InstructionTlb.Invalid || s->InstructionTlb[InstructionTlb.IndexOf(linear + PhysicalMemory.PageSize)] == e->SecondMapping);

    private static bool SecondPageMatches(CpuState* s, Block* block, uint linear)
    {
        if (block->SecondPage == uint.MaxValue)
        {
            return true;
        }

        uint next = (linear & 0xFFFFF000) + PhysicalMemory.PageSize;
        return PageWalk.Fetch(s, next, out ulong record) && InstructionTlb.PhysicalOf(record) == block->SecondPage;
    }

    private Block* Decode(CpuState* s, uint key, uint linear, uint physical)
    {
        if (_used + BlockDecoder.MaximumBytes > ArenaSize)
        {
            Clear();
            _used = 0;
            _core.State->CurrentBlock = null;
        }

        Block* block = (Block*)(_arena + _used);
        if (!_decoder.Decode(s, key, linear, physical, block))
        {
            return null;
        }

        BlocksDecoded++;
        block->Heat = -1;
        block->HeatStart = -1;
        block->Targets = default;
        if (!IsKept(block))
        {
            return block;
        }

        block->Heat = (key & ModeKey.Single) != 0 || Translator is null ? -1 : Translator.HeatOf(physical);
        block->HeatStart = block->Heat;
        _used += (nuint)sizeof(Block) + (nuint)((block->OpCount + 1) * sizeof(Op));
        ref Block* bucket = ref _buckets[Bucket(physical, key)];
        block->HashNext = bucket;
        bucket = block;
        block->PageNext = _pages[physical >> 12];
        _pages[physical >> 12] = block;
        Protect(physical);
        _codePieces[physical >> 12] |= Pieces(physical & 0xFFF, block->ByteLength);
        if (block->SecondPage != uint.MaxValue)
        {
            _codePieces[block->SecondPage >> 12] |= 1;
            block->SecondPageNext = _secondPages[block->SecondPage >> 12];
            _secondPages[block->SecondPage >> 12] = block;
            Protect(block->SecondPage);
        }

        return block;
    }

    /// <summary>Whether a block comes from memory alone. The bytes of a device change unseen, so that a block of them serves once.</summary>
    private bool IsKept(Block* block) => _core.Memory.HostPage(block->Physical) != null
        && (block->SecondPage == uint.MaxValue || _core.Memory.HostPage(block->SecondPage) != null);

    private void Protect(uint physical)
    {
        if (!_core.Memory.HasCode(physical))
        {
            _core.Memory.SetHasCode(physical, true);
            PageWalk.ProtectCodePage(_core.State, physical & 0xFFFFF000);
        }
    }

    private void Unlink(Block* b, ref Block* secondList, bool hasSecond)
    {
        if (hasSecond)
        {
            fixed (Block** first = &secondList)
            {
                Block** link = first;
                while (*link != b)
                {
                    link = &(*link)->SecondPageNext;
                }

                *link = b->SecondPageNext;
            }
        }

        UnlinkHash(b);
    }

    private void RemoveFromPage(Block* b)
    {
        Block** link = &_pages[b->Physical >> 12];
        while (*link != b)
        {
            link = &(*link)->PageNext;
        }

        *link = b->PageNext;
    }

    private void UnlinkHash(Block* b)
    {
        Block** link = &_buckets[Bucket(b->Physical, b->ModeKey)];
        while (*link != b)
        {
            link = &(*link)->HashNext;
        }

        *link = b->HashNext;
        Disarm(b);
        Translator?.Dropped(b);
        BlocksInvalidated++;
    }
}
