using System.Numerics;
using System.Runtime.InteropServices;
using Emulator.Core.Cpu;
using Emulator.Core.Memory;

namespace Emulator.Jit.Verification;

/// <summary>
/// Catches the stores of code that is run twice. While it is open, no page can be written through the TLB, so that a region leaves in front
/// of a store; a page that is opened for it is copied first. The interpreter's stores to other pages go the slow path, where they are seen
/// (<see cref="CpuCore.StoreObserver"/>).
/// </summary>
internal sealed unsafe class MemoryJournal : IDisposable
{
    private const int PageSize = (int)PhysicalMemory.PageSize;

    private readonly uint[] _tags = new uint[TlbEntry.Count];
    private readonly List<int> _closed = [];
    private readonly List<Page> _pages = [];
    private readonly Stack<nint> _buffers = [];
    private TlbEntry* _table;

    /// <summary>Creates a closed journal.</summary>
    public MemoryJournal() => _tags.AsSpan().Fill(TlbEntry.Invalid);

    /// <summary>Linear addresses of the pages that were opened, each once for each address.</summary>
    public List<uint> Opened { get; } = [];

    /// <summary>Closes every page of the current view to inline stores.</summary>
    /// <param name="s">The state.</param>
    public void Open(CpuState* s)
    {
        _table = s->Tlb;
        ulong* used = PageWalk.Used(_table);
        for (int word = 0; word < TlbEntry.UsedBytes / sizeof(ulong); word++)
        {
            for (ulong bits = used[word]; bits != 0; bits &= bits - 1)
            {
                int index = (word * 64) + BitOperations.TrailingZeroCount(bits);
                TlbEntry* e = _table + index;
                if (e->WriteTag != TlbEntry.Invalid)
                {
                    _tags[index] = e->WriteTag;
                    e->WriteTag = TlbEntry.Invalid;
                    _closed.Add(index);
                }
            }
        }
    }

    /// <summary>Copies a page and lets it be written.</summary>
    /// <param name="linear">Linear address of the page.</param>
    /// <returns>False when nothing changed: it could not be written before, or is open already.</returns>
    public bool OpenPage(uint linear)
    {
        int index = (int)(linear >> 12) & (TlbEntry.Count - 1);
        TlbEntry* e = _table + index;
        if (_tags[index] != linear || e->PageTag != linear || e->WriteTag == linear)
        {
            return false;
        }

        Add((byte*)(e->Addend + linear), linear);
        e->WriteTag = linear;
        Opened.Add(linear);
        return true;
    }

    /// <summary>The interpreter is about to write a page that the region did not write, or that can be written inline from now on.</summary>
    /// <param name="linear">Linear address of the page.</param>
    public void OpenLate(uint linear)
    {
        TlbEntry* e = _table + ((linear >> 12) & (TlbEntry.Count - 1));
        byte* host = (byte*)(e->Addend + linear);
        if (e->PageTag == linear && e->ReadTag == linear && FindPage(host) < 0)
        {
            Add(host, linear);
        }
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

    /// <summary>Gives the TLB back its write tags and forgets the pages.</summary>
    public void Close()
    {
        foreach (int index in _closed)
        {
            TlbEntry* e = _table + index;
            if (e->PageTag == _tags[index])
            {
                e->WriteTag = _tags[index];
            }

            _tags[index] = TlbEntry.Invalid;
        }

        _closed.Clear();
        foreach (Page page in _pages)
        {
            _buffers.Push((nint)page.Before);
            _buffers.Push((nint)page.After);
        }

        _pages.Clear();
        Opened.Clear();
    }

    /// <summary>Frees the buffers.</summary>
    public void Dispose()
    {
        while (_buffers.TryPop(out nint buffer))
        {
            NativeMemory.AlignedFree((void*)buffer);
        }
    }

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
