using System.Runtime.CompilerServices;
using Emulator.Core.Memory;

namespace Emulator.Devices.Vga;

/// <content>
/// The window at A0000h: planes, latches, write and read modes. Four bytes of the planes at one offset lie together, and offsets are
/// ordered so that chain-4 addresses are those of the block: in mode 13h and in dispi modes the CPU reaches video memory as RAM.
/// </content>
public sealed unsafe partial class VgaAdapter
{
    private const uint NothingShown = uint.MaxValue;
    private const uint PlanesMask = (VideoMemorySize / 4) - 1;
    private const uint TextSize = 0x8000;
    private const byte ChainFour = 0x08;
    private const byte OddEvenDisable = 0x04;
    private const byte ChainOddEven = 0x02;
    private const byte ReadOddEven = 0x10;
    private const byte ReadCompare = 0x08;

    /// <summary>Bytes of all ones for each plane in a set of planes.</summary>
    private static readonly uint[] Expanded = CreateExpanded();

    private readonly byte* _plane;
    private readonly DeviceMemory _text = new(TextSize);
    private readonly byte[] _textDirty = new byte[TextSize / PhysicalMemory.PageSize];
    private uint _latch;
    private uint _shown = NothingShown;
    private uint _textWindow;
    private bool _isPlanar;

    /// <summary>Changes when plane 2 is written, where the fonts are.</summary>
    internal int FontGeneration { get; private set; }

    /// <summary>Where the planes' bytes at an offset lie in video memory.</summary>
    /// <param name="offset">Offset in the planes.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static uint PlaneIndex(uint offset) => ((offset & 3) << 16) | (offset & 0xFFFC) | ((offset & PlanesMask & 0xFFFF0000) << 2);

    private static uint[] CreateExpanded()
    {
        uint[] table = new uint[16];
        for (int i = 0; i < 16; i++)
        {
            table[i] = ((i & 1) != 0 ? 0xFFu : 0) | ((i & 2) != 0 ? 0xFF00u : 0) | ((i & 4) != 0 ? 0xFF0000u : 0) | ((i & 8) != 0 ? 0xFF000000u : 0);
        }

        return table;
    }

    private static ulong ReadWindow(object target, uint address, int size)
    {
        VgaAdapter vga = (VgaAdapter)target;
        ulong value = 0;
        for (int i = 0; i < size; i++)
        {
            value |= (ulong)vga.ReadByte(address + (uint)i, ref vga._latch) << (8 * i);
        }

        return value;
    }

    private static ulong PeekWindow(object target, uint address, int size)
    {
        VgaAdapter vga = (VgaAdapter)target;
        ulong value = 0;
        uint latch = vga._latch;
        for (int i = 0; i < size; i++)
        {
            value |= (ulong)vga.ReadByte(address + (uint)i, ref latch) << (8 * i);
        }

        return value;
    }

    private static void WriteWindow(object target, uint address, int size, ulong value)
    {
        VgaAdapter vga = (VgaAdapter)target;
        if (vga._isPlanar && address - WindowStart < BankSize)
        {
            vga.WritePlanes(address - WindowStart, size, value);
            return;
        }

        for (int i = 0; i < size; i++)
        {
            vga.WriteByte(address + (uint)i, (byte)(value >> (8 * i)));
        }
    }

    /// <summary>
    /// Maps the first 64 KiB of the window to video memory where an access is nothing but an access to it: the bank of a dispi mode, or chain-4
    /// with nothing in the way. Text is reached as memory, too.
    /// </summary>
    private void UpdateWindow()
    {
        uint wanted = NothingShown;
        if (IsDispiEnabled && DispiDepth >= 8)
        {
            wanted = _dispi[DispiBank] * BankSize;
        }
        else if ((_misc & MiscMemoryEnable) != 0 && (_sequencer[4] & ChainFour) != 0 && _sequencer[2] == 0x0F && (_graphics[6] & 0x08) == 0
            && _graphics[1] == 0 && _graphics[3] == 0 && (_graphics[5] & (3 | ReadCompare)) == 0 && _graphics[8] == 0xFF)
        {
            wanted = 0;
        }

        if (wanted != _shown)
        {
            _shown = wanted;
            if (wanted == NothingShown)
            {
                _memory.AnswerInWindow(WindowStart, BankSize, this, &ReadWindow, &WriteWindow, &PeekWindow);
            }
            else
            {
                _memory.ShowInWindow(WindowStart, BankSize, _video, wanted);
            }
        }

        _isPlanar = !IsDispiEnabled && (_misc & MiscMemoryEnable) != 0 && (_sequencer[4] & (ChainFour | OddEvenDisable)) == OddEvenDisable
            && (_graphics[6] & (0x0C | ChainOddEven)) == 0x04;
        uint text = FindTextWindow();
        if (text != _textWindow)
        {
            LeaveText();
            ShowText(text);
        }
    }

    /// <summary>
    /// Where characters and attributes are nothing but bytes of planes 0 and 1: all of odd/even addressing, nothing in the way. 0 elsewhere.
    /// </summary>
    private uint FindTextWindow()
    {
        bool direct = !IsDispiEnabled && (_misc & (MiscMemoryEnable | MiscOddEvenPage)) == (MiscMemoryEnable | MiscOddEvenPage)
            && (_sequencer[4] & (ChainFour | OddEvenDisable)) == 0 && _sequencer[2] == 3
            && (_graphics[6] & 0x0A) == (0x08 | ChainOddEven) && (_graphics[5] & (3 | ReadCompare | ReadOddEven)) == ReadOddEven
            && _graphics[1] == 0 && _graphics[3] == 0 && _graphics[4] < 2 && _graphics[8] == 0xFF;
        return !direct ? 0 : (_graphics[6] & 0x04) != 0 ? WindowStart + BankSize + TextSize : WindowStart + BankSize;
    }

    /// <summary>
    /// Lets the CPU reach characters and attributes as memory: a block of their own, since planes 0 and 1 lie apart in video memory. What it
    /// writes there goes to the planes when somebody looks at them.
    /// </summary>
    private void ShowText(uint window)
    {
        _textWindow = window;
        if (window == 0)
        {
            return;
        }

        ushort* cells = (ushort*)_text.Data;
        for (uint i = 0; i < TextSize / 2; i++)
        {
            cells[i] = *(ushort*)(_plane + PlaneIndex(2 * i));
        }

        _memory.ShowInWindow(window, TextSize, _text, 0);
    }

    private void LeaveText()
    {
        if (_textWindow != 0)
        {
            SynchronizeText();
            _memory.AnswerInWindow(_textWindow, TextSize, this, &ReadWindow, &WriteWindow, &PeekWindow);
            _textWindow = 0;
        }
    }

    /// <summary>Brings the planes up to date with what the CPU wrote as text.</summary>
    internal void SynchronizeText()
    {
        if (_textWindow == 0 || !_memory.TakeDirty(_text, _textDirty))
        {
            return;
        }

        const int PageCells = (int)PhysicalMemory.PageSize / 2;
        ushort* cells = (ushort*)_text.Data;
        for (int page = 0; page < _textDirty.Length; page++)
        {
            for (int i = page * PageCells; _textDirty[page] != 0 && i < (page + 1) * PageCells; i++)
            {
                uint at = PlaneIndex(2 * (uint)i);
                *(ushort*)(_plane + at) = cells[i];
                _video.MarkDirty(at);
            }

            _textDirty[page] = 0;
        }
    }

    /// <summary>Offset of an address in the part of the window that the memory map select chooses; false outside of it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool Decode(uint address, out uint offset)
    {
        offset = address - WindowStart;
        if ((_misc & MiscMemoryEnable) == 0 || (IsDispiEnabled && DispiDepth >= 8))
        {
            return false;
        }

        switch ((_graphics[6] >> 2) & 3)
        {
            case 0:
                return true;
            case 1:
                return offset < BankSize;
            case 2:
                offset -= BankSize;
                return offset < 0x8000;
            default:
                offset -= 0x18000;
                return offset < 0x8000;
        }
    }

    /// <summary>Offset in the planes. Odd/even chaining puts another bit in the place of bit 0: A16 of a 128 KiB map, else the page bit.</summary>
    private uint PlaneOffset(uint offset)
    {
        if (IsDispiEnabled)
        {
            return ((offset & 0xFFFF) + (_dispi[DispiBank] * BankSize)) & PlanesMask;
        }

        if ((_graphics[6] & ChainOddEven) == 0)
        {
            return offset & 0xFFFF;
        }

        uint low = (_graphics[6] & 0x0C) == 0 ? offset >> 16 : (_misc & MiscOddEvenPage) != 0 ? 0u : 1u;
        return (offset & 0xFFFE) | (low & 1);
    }

    private byte ReadByte(uint address, ref uint latch)
    {
        if (!Decode(address, out uint offset))
        {
            return 0xFF;
        }

        if ((_sequencer[4] & ChainFour) != 0)
        {
            latch = *(uint*)(_plane + PlaneIndex(offset & 0xFFFC));
            return (byte)(latch >> (int)(8 * (offset & 3)));
        }

        latch = *(uint*)(_plane + PlaneIndex(PlaneOffset(offset)));
        if ((_graphics[5] & ReadCompare) != 0)
        {
            uint differs = (latch ^ Expanded[_graphics[2]]) & Expanded[_graphics[7]];
            differs |= differs >> 16;
            return (byte)~(differs | (differs >> 8));
        }

        int plane = (_graphics[5] & ReadOddEven) != 0 ? (_graphics[4] & 2) | (int)(offset & 1) : _graphics[4];
        return (byte)(latch >> (8 * plane));
    }

    private void WriteByte(uint address, byte value)
    {
        if (!Decode(address, out uint offset))
        {
            return;
        }

        int planes = _sequencer[2];
        uint at;
        if ((_sequencer[4] & ChainFour) != 0)
        {
            planes &= 1 << (int)(offset & 3);
            at = PlaneIndex(offset & 0xFFFC);
        }
        else
        {
            if ((_sequencer[4] & OddEvenDisable) == 0)
            {
                planes &= (offset & 1) != 0 ? 0b1010 : 0b0101;
            }

            at = PlaneIndex(PlaneOffset(offset));
        }

        if (planes == 0)
        {
            return;
        }

        uint written = Expanded[planes];
        uint* bytes = (uint*)(_plane + at);
        *bytes = (*bytes & ~written) | (Compose(value) & written);
        _video.MarkDirty(at);
        if ((planes & 4) != 0)
        {
            FontGeneration++;
        }
    }

    /// <summary>Writes in 16-color and unchained 256-color modes: each address is an offset in all planes.</summary>
    private void WritePlanes(uint offset, int size, ulong value)
    {
        uint written = Expanded[_sequencer[2]];
        for (int i = 0; i < size; i++)
        {
            uint at = PlaneIndex(offset + (uint)i);
            uint* bytes = (uint*)(_plane + at);
            *bytes = (*bytes & ~written) | (Compose((byte)(value >> (8 * i))) & written);
            _video.MarkDirty(at);
        }

        FontGeneration += (_sequencer[2] & 4) >> 2;
    }

    /// <summary>What the graphics controller makes of a byte from the CPU: the four bytes for the planes.</summary>
    private uint Compose(byte value)
    {
        uint bits = _graphics[8] * 0x01010101u;
        uint data;
        switch (_graphics[5] & 3)
        {
            case 0:
                uint enabled = Expanded[_graphics[1]];
                data = (Rotate(value) * 0x01010101u & ~enabled) | (Expanded[_graphics[0]] & enabled);
                break;
            case 1:
                return _latch;
            case 2:
                data = Expanded[value & 0x0F];
                break;
            default:
                bits &= Rotate(value) * 0x01010101u;
                data = Expanded[_graphics[0]];
                break;
        }

        data = ((_graphics[3] >> 3) & 3) switch
        {
            1 => data & _latch,
            2 => data | _latch,
            3 => data ^ _latch,
            _ => data,
        };
        return (data & bits) | (_latch & ~bits);
    }

    private uint Rotate(byte value)
    {
        int count = _graphics[3] & 7;
        return (byte)((value >> count) | (value << (8 - count)));
    }
}
