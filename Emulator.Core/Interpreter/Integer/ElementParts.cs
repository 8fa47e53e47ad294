using Emulator.Core.Cpu;
using Emulator.Core.Memory;

namespace Emulator.Core.Interpreter;

/// <summary>Host addresses of an element of a string that may cross a page border.</summary>
internal unsafe struct ElementParts
{
    private const uint PageMask = 0xFFFFF000;

    private byte* _first;
    private byte* _second;
    private int _inFirst;
    private int _size;

    /// <summary>Looks at one page or both; false when not all are hits.</summary>
    /// <param name="s">The state.</param>
    /// <param name="linear">Linear address.</param>
    /// <param name="size">Bytes.</param>
    /// <param name="write">Whether it is to be written.</param>
    public bool Find(CpuState* s, uint linear, int size, bool write)
    {
        _size = size;
        _inFirst = Math.Min(size, (int)(PhysicalMemory.PageSize - (linear & ~PageMask)));
        uint last = (linear + (uint)size - 1) & PageMask;
        return linear <= uint.MaxValue - (uint)size && Find(s, linear, linear & PageMask, write, out _first)
            && Find(s, linear + (uint)_inFirst, last, write, out _second);
    }

    /// <summary>Copies the element from memory.</summary>
    /// <param name="value">Receives it.</param>
    public readonly void Read(byte* value)
    {
        for (int i = 0; i < _size; i++)
        {
            value[i] = i < _inFirst ? _first[i] : _second[i - _inFirst];
        }
    }

    /// <summary>Copies the element to memory.</summary>
    /// <param name="value">What it becomes.</param>
    public readonly void Write(byte* value)
    {
        for (int i = 0; i < _size; i++)
        {
            *(i < _inFirst ? _first + i : _second + (i - _inFirst)) = value[i];
        }
    }

    private static bool Find(CpuState* s, uint linear, uint page, bool write, out byte* host)
    {
        TlbEntry* e = Access.Entry(s, page);
        host = (byte*)(e->Addend + linear);
        return (write ? e->WriteTag : e->ReadTag) == page;
    }
}
