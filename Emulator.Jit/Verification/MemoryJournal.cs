using System.Runtime.InteropServices;
using Emulator.Core.Cpu;
using Emulator.Core.Memory;

namespace Emulator.Jit.Verification;

/// <summary>
/// Catches the stores of code that is run twice. While it is open, no page can be written through the TLB, so that a region leaves in front
/// of a store; a page that is opened for it is copied first. The interpreter's stores to other pages go the slow path, where they are seen
/// (<see cref="CpuCore.StoreObserver"/>). Between two runs pages stay closed until somebody writes them: the tag for writes follows from the
/// rest of a TLB record, so that it can be taken away and made again at any time, and closing all of them each time would be most of the work.
/// </summary>
internal sealed unsafe class MemoryJournal : IDisposable
{
    private const int PageSize = (int)PhysicalMemory.PageSize;

    private readonly CpuCore _core;

    /// <summary>Records that may have a tag for writes; no other one has.</summary>
    private readonly List<nint> _open = [];
    private readonly List<Page> _pages = [];
    private readonly Stack<nint> _buffers = [];
    private TlbEntry* _table;
    private bool _isFirst = true;
    private bool _isOpen;

    /// <summary>Creates a closed journal.</summary>
    /// <param name="core">The CPU, whose stores it watches from now on.</param>
    public MemoryJournal(CpuCore core)
    {
        _core = core;
        core.StoreObserver = OnStore;
    }

    /// <summary>Whether the interpreter's stores belong to the run: pages that it writes are copied.</summary>
    public bool IsInterpreting { get; set; }

    /// <summary>Linear addresses of the pages that were opened, each once for each address.</summary>
    public List<uint> Opened { get; } = [];

    /// <summary>Closes every page of the current view to inline stores.</summary>
    /// <param name="s">The state.</param>
    public void Open(CpuState* s)
    {
        _isOpen = true;
        _table = s->Tlb;
        if (_isFirst)
        {
            _isFirst = false;
            NoteAll(s->SupervisorTlb);
            NoteAll(s->UserTlb);
        }

        foreach (nint e in _open)
        {
            ((TlbEntry*)e)->WriteTag = TlbEntry.Invalid;
        }

        _open.Clear();
    }

    /// <summary>Copies a page and lets it be written.</summary>
    /// <param name="linear">Linear address of the page.</param>
    /// <returns>False when nothing changed: it could not be written before, or is open already.</returns>
    public bool OpenPage(uint linear)
    {
        TlbEntry* e = Record(_table, linear);
        if (e->PageTag != linear || e->WriteTag == linear || e->ReadTag != linear || (e->Flags & TlbFlags.Writable) == 0
            || !_core.Memory.IsRam(e->Physical) || _core.Memory.NoticesWrites(e->Physical))
        {
            return false;
        }

        Add((byte*)(e->Addend + linear), linear);
        e->WriteTag = linear;
        _open.Add((nint)e);
        Opened.Add(linear);
        return true;
    }

    /// <summary>Puts the pages back to what they were.</summary>
    public void Undo()
    {
        foreach (Page page in _pages)
        {
            Copy(page.Before, page.Host);
        }
    }

    /// <summary>Remembers what the pages hold now, for <see cref="FindDifference"/>.</summary>
    public void Remember()
    {
        foreach (Page page in _pages)
        {
            Copy(page.Host, page.After);
        }
    }

    /// <summary>The first byte that differs from what was remembered.</summary>
    /// <param name="linear">Receives its linear address.</param>
    /// <param name="remembered">Receives the bytes that were remembered, up to 16.</param>
    /// <param name="now">Receives the bytes that stand there now.</param>
    public bool FindDifference(out uint linear, out byte[] remembered, out byte[] now)
    {
        foreach (Page page in _pages)
        {
            ReadOnlySpan<byte> a = new(page.After, PageSize);
            ReadOnlySpan<byte> b = new(page.Host, PageSize);
            int same = a.CommonPrefixLength(b);
            if (same != PageSize)
            {
                int length = Math.Min(16, PageSize - same);
                linear = page.Linear + (uint)same;
                remembered = a.Slice(same, length).ToArray();
                now = b.Slice(same, length).ToArray();
                return true;
            }
        }

        (linear, remembered, now) = (0, [], []);
        return false;
    }

    /// <summary>Bytes of an opened page before anything ran, or null.</summary>
    /// <param name="linear">Linear address of the page.</param>
    public byte[]? Before(uint linear)
    {
        TlbEntry* e = _table + ((linear >> 12) & (TlbEntry.Count - 1));
        int i = e->PageTag == linear ? FindPage((byte*)(e->Addend + linear)) : -1;
        return i < 0 ? null : new ReadOnlySpan<byte>(_pages[i].Before, PageSize).ToArray();
    }

    /// <summary>Forgets the pages.</summary>
    public void Close()
    {
        _isOpen = false;
        foreach (Page page in _pages)
        {
            _buffers.Push((nint)page.Before);
            _buffers.Push((nint)page.After);
        }

        _pages.Clear();
        Opened.Clear();
    }

    /// <summary>Gives the TLB back its tags, and frees the buffers.</summary>
    public void Dispose()
    {
        _core.StoreObserver = null;
        Reopen(_core.State->SupervisorTlb);
        Reopen(_core.State->UserTlb);
        while (_buffers.TryPop(out nint buffer))
        {
            NativeMemory.AlignedFree((void*)buffer);
        }
    }

    /// <summary>
    /// A store to a page that cannot be written inline comes next, or the page can be from now on. Outside of runs, it is given its tag.
    /// </summary>
    private void OnStore(uint linear)
    {
        CpuState* s = _core.State;
        if (IsInterpreting)
        {
            OpenLate(linear);
        }
        else if (!_isOpen)
        {
            TlbEntry* e = Record(s->Tlb, linear);
            if (e->PageTag == linear && e->WriteTag != linear && (e->Flags & TlbFlags.Writable) != 0)
            {
                // Comes here again when it could be given.
                PageWalk.SetTags(_core, e, linear);
            }
        }

        Note(Record(s->SupervisorTlb, linear));
        Note(Record(s->UserTlb, linear));
    }

    /// <summary>The interpreter is about to write a page that the region did not write, or that can be written inline from now on.</summary>
    private void OpenLate(uint linear)
    {
        TlbEntry* e = Record(_table, linear);
        byte* host = (byte*)(e->Addend + linear);
        if (e->PageTag == linear && e->ReadTag == linear && FindPage(host) < 0)
        {
            Add(host, linear);
        }
    }

    private void Note(TlbEntry* e)
    {
        if (e->WriteTag != TlbEntry.Invalid && (_open.Count == 0 || _open[^1] != (nint)e))
        {
            _open.Add((nint)e);
        }
    }

    private void NoteAll(TlbEntry* table)
    {
        foreach (TlbEntry* e in new UsedRecords(table))
        {
            Note(e);
        }
    }

    private void Reopen(TlbEntry* table)
    {
        foreach (TlbEntry* e in new UsedRecords(table))
        {
            if (e->PageTag != TlbEntry.Invalid)
            {
                PageWalk.SetTags(_core, e, e->PageTag);
            }
        }
    }

    private static TlbEntry* Record(TlbEntry* table, uint linear) => table + ((linear >> 12) & (TlbEntry.Count - 1));

    private void Add(byte* host, uint linear)
    {
        if (FindPage(host) < 0)
        {
            Page page = new(host, linear, TakeBuffer(), TakeBuffer());
            Copy(host, page.Before);
            Copy(host, page.After);
            _pages.Add(page);
        }
    }

    private static void Copy(byte* from, byte* to) => Buffer.MemoryCopy(from, to, PageSize, PageSize);

    private byte* TakeBuffer() => (byte*)(_buffers.TryPop(out nint buffer) ? buffer : (nint)NativeMemory.AlignedAlloc(PageSize, 64));

    private int FindPage(byte* host)
    {
        for (int i = 0; i < _pages.Count; i++)
        {
            if (_pages[i].Host == host)
            {
                return i;
            }
        }

        return -1;
    }

    private readonly struct Page(byte* host, uint linear, byte* before, byte* after)
    {
        public byte* Host { get; } = host;

        public uint Linear { get; } = linear;

        public byte* Before { get; } = before;

        public byte* After { get; } = after;
    }
}
