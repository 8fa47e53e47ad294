using System.Runtime.CompilerServices;

namespace Emulator.Devices.Vga;

/// <content>
/// The window at A0000h: planes, latches, write and read modes. Four bytes of the planes at one offset lie together, and offsets are
/// ordered so that chain-4 addresses are those of the block: in mode 13h and in dispi modes the CPU reaches video memory as RAM.
/// </content>
public sealed unsafe partial class VgaAdapter
{
    private const uint NothingShown = uint.MaxValue;
    private const uint PlanesMask = (VideoMemorySize / 4) - 1;
    private const byte ChainFour = 0x08;
    private const byte OddEvenDisable = 0x04;
    private const byte ChainOddEven = 0x02;
    private const byte ReadOddEven = 0x10;
    private const byte ReadCompare = 0x08;

    /// <summary>Bytes of all ones for each plane in a set of planes.</summary>
    private static readonly uint[] Expanded = CreateExpanded();

    private readonly byte* _plane;
    private uint _latch;
    private uint _shown = NothingShown;

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
        for (int i = 0; i < size; i++)
        {
            vga.WriteByte(address + (uint)i, (byte)(value >> (8 * i)));
        }
    }

    /// <summary>
    /// Maps the first 64 KiB of the window to video memory where an access is nothing but an access to it: the bank of a dispi mode, or chain-4
    /// with nothing in the way.
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

        if (wanted == _shown)
        {
            return;
        }

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
