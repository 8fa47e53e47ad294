using System.Runtime.InteropServices;
using Emulator.Core.Memory;

namespace Emulator.Devices.Vga;

/// <content>Graphics modes of the VGA and of the Bochs VBE interface.</content>
public sealed unsafe partial class VgaScreen
{
    private const int BanksOfPlanes = 4;
    private const int PagesOfBank = 16;

    private void DrawGraphics()
    {
        // Offsets of a page go to the same page of each of the four banks in which they lie (see VgaAdapter.PlaneIndex).
        Span<byte> dirty = stackalloc byte[PagesOfBank];
        for (int i = 0; i < BanksOfPlanes * PagesOfBank; i++)
        {
            dirty[i % PagesOfBank] |= _dirty[i];
        }

        int fold = Fold;
        int characters = _vga.Crtc[1] + 1;
        RowCounter rows = new(_vga.Crtc);
        int y = 0;
        for (int scanLine = 0; y < Height; scanLine++)
        {
            if (scanLine % fold == 0)
            {
                if (_all || IsDirty(dirty, in rows, characters))
                {
                    DrawGraphicsLine(Line(y), in rows, characters);
                    Touch(y, y + 1);
                }

                y++;
            }

            rows.Next();
        }
    }

    private bool IsDirty(ReadOnlySpan<byte> dirty, in RowCounter rows, int characters)
    {
        int last = -1;
        for (int i = 0; i <= characters; i++)
        {
            int page = (int)(Translate(rows.Address + rows.BytePanning + i, rows.RowScan) >> 12);
            if (page != last && dirty[page] != 0)
            {
                return true;
            }

            last = page;
        }

        return false;
    }

    private void DrawGraphicsLine(Span<uint> line, in RowCounter rows, int characters)
    {
        int address = rows.Address + rows.BytePanning;
        int shift = (_vga.Graphics[5] >> 5) & 3;
        int panning = Panning(rows.IsSplit, nineDots: false);
        int planes = _vga.Attribute[0x12] & 0x0F;
        int x = shift >= 2 ? -(panning / 2) : -panning;
        Span<byte> values = stackalloc byte[8];
        for (int i = 0; i <= characters && x < line.Length; i++)
        {
            uint data = Planes(Translate(address + i, rows.RowScan));
            if (shift >= 2)
            {
                for (int p = 0; p < 4; p++, x++)
                {
                    if ((uint)x < (uint)line.Length)
                    {
                        line[x] = _palette[(byte)(data >> (8 * p))];
                    }
                }

                continue;
            }

            if (shift == 1)
            {
                SerializeInterleaved(data, values);
            }
            else
            {
                SerializePlanar(data, values);
            }

            for (int p = 0; p < 8; p++, x++)
            {
                if ((uint)x < (uint)line.Length)
                {
                    line[x] = _colors[values[p] & planes];
                }
            }
        }
    }

    /// <summary>Eight pixels of one bit from each plane.</summary>
    private static void SerializePlanar(uint data, Span<byte> values)
    {
        for (int p = 0; p < 8; p++)
        {
            uint bits = (data >> (7 - p)) & 0x01010101;
            values[p] = (byte)((bits | (bits >> 7) | (bits >> 14) | (bits >> 21)) & 0x0F);
        }
    }

    /// <summary>CGA's two bits a pixel: planes 0 and 2 first, then planes 1 and 3.</summary>
    private static void SerializeInterleaved(uint data, Span<byte> values)
    {
        for (int p = 0; p < 8; p++)
        {
            int low = p < 4 ? 0 : 8;
            int bit = 6 - (2 * (p & 3));
            values[p] = (byte)(((data >> (low + bit)) & 3) | (((data >> (low + 16 + bit)) & 3) << 2));
        }
    }

    private void DrawDispi()
    {
        int depth = _vga.DispiDepth;
        int pitch = _vga.DispiPitch;
        if (depth == 4)
        {
            DrawDispiPlanes(pitch);
            return;
        }

        int bytes = (depth + 7) / 8;
        for (int y = 0; y < Height; y++)
        {
            long start = ((long)(_vga.DispiTop + y) * pitch) + (_vga.DispiLeft * bytes);
            long end = start + (Width * bytes);
            if (end > VgaAdapter.VideoMemorySize)
            {
                return;
            }

            int first = (int)(start / PhysicalMemory.PageSize);
            int last = (int)((end - 1) / PhysicalMemory.PageSize);
            if (_all || _dirty.AsSpan(first, last - first + 1).ContainsAnyExcept((byte)0))
            {
                DrawDispiLine(Line(y), _vga.VideoMemory.Bytes[(int)start..(int)end], depth);
                Touch(y, y + 1);
            }
        }
    }

    private void DrawDispiLine(Span<uint> line, ReadOnlySpan<byte> source, int depth)
    {
        switch (depth)
        {
            case 8:
                for (int x = 0; x < line.Length; x++)
                {
                    line[x] = _palette[source[x]];
                }

                break;
            case 15:
                ReadOnlySpan<ushort> pixels15 = MemoryMarshal.Cast<byte, ushort>(source);
                for (int x = 0; x < line.Length; x++)
                {
                    uint v = pixels15[x];
                    line[x] = Black | (Five(v >> 10) << 16) | (Five(v >> 5) << 8) | Five(v);
                }

                break;
            case 16:
                ReadOnlySpan<ushort> pixels16 = MemoryMarshal.Cast<byte, ushort>(source);
                for (int x = 0; x < line.Length; x++)
                {
                    uint v = pixels16[x];
                    uint green = (v >> 5) & 0x3F;
                    line[x] = Black | (Five(v >> 11) << 16) | (((green << 2) | (green >> 4)) << 8) | Five(v);
                }

                break;
            case 24:
                for (int x = 0; x < line.Length; x++)
                {
                    line[x] = Black | ((uint)source[(3 * x) + 2] << 16) | ((uint)source[(3 * x) + 1] << 8) | source[3 * x];
                }

                break;
            default:
                ReadOnlySpan<uint> pixels32 = MemoryMarshal.Cast<byte, uint>(source);
                for (int x = 0; x < line.Length; x++)
                {
                    line[x] = Black | pixels32[x];
                }

                break;
        }
    }

    private static uint Five(uint value) => ((value & 0x1F) << 3) | ((value & 0x1F) >> 2);

    /// <summary>16 colors in planes, larger than the VGA's 64 KiB; drawn whole.</summary>
    private void DrawDispiPlanes(int pitch)
    {
        Span<byte> values = stackalloc byte[8];
        int planes = _vga.Attribute[0x12] & 0x0F;
        for (int y = 0; y < Height; y++)
        {
            Span<uint> line = Line(y);
            int start = ((_vga.DispiTop + y) * pitch) + (_vga.DispiLeft / 8);
            int x = -(_vga.DispiLeft & 7);
            for (int i = 0; x < line.Length; i++)
            {
                SerializePlanar(Planes((uint)(start + i)), values);
                for (int p = 0; p < 8; p++, x++)
                {
                    if ((uint)x < (uint)line.Length)
                    {
                        line[x] = _colors[values[p] & planes];
                    }
                }
            }
        }

        Touch(0, Height);
    }
}
