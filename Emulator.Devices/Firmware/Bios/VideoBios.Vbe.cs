using System.Buffers.Binary;
using System.Text;
using Emulator.Core.Cpu;
using Emulator.Devices.Vga;

namespace Emulator.Devices.Firmware.Bios;

/// <content>VBE 3.0: functions 4Fxxh. What is set is remembered by the dispi registers, and read back from them.</content>
internal sealed unsafe partial class VideoBios
{
    private const ushort Succeeded = 0x004F;
    private const ushort Failed = 0x014F;
    private const ushort NotInHardware = 0x024F;
    private const ushort NotInThisMode = 0x034F;
    private const int DispiX = 1;
    private const int DispiY = 2;
    private const int DispiBpp = 3;
    private const int DispiEnable = 4;
    private const int DispiVirtualWidth = 6;
    private const int DispiVirtualHeight = 7;
    private const int DispiXOffset = 8;
    private const int DispiYOffset = 9;
    private const int DispiRegisters = 10;
    private const int DispiEnabled = 0x01;
    private const int DispiEightBitDac = 0x20;
    private const int DispiLinear = 0x40;
    private const int DispiKeepMemory = 0x80;
    private const ushort FlagLinear = 0x4000;
    private const ushort FlagKeepMemory = 0x8000;
    private const ushort ModeNumber = 0x01FF;
    private const int FirstVbeMode = 0x100;
    private const byte VbeModeInData = 0x7F;
    private const byte DuringRetrace = 0x80;
    private const byte Retrace = 0x08;

    private void RunVbe(ref BiosCall c)
    {
        ushort? status = c.Al switch
        {
            0x00 => DescribeAdapter(ref c),
            0x01 => DescribeMode(ref c),
            0x02 => SetVbeMode(ref c),
            0x03 => ReadVbeMode(ref c),
            0x04 => SaveOrRestoreVbe(ref c),
            0x05 => SetOrGetWindow(ref c),
            0x06 => SetOrGetPitch(ref c),
            0x07 => SetOrGetStart(ref c),
            0x08 => SetOrGetDacWidth(ref c),
            0x09 => SetOrGetColors(ref c),
            0x0A => DescribeProtectedMode(ref c),
            0x0B => ReadPixelClock(ref c),
            0x10 => RunPowerManagement(ref c),
            0x15 => RunDisplayData(ref c),
            _ => 0x0100,
        };
        if (status is { } ax && !c.Faulted)
        {
            c.Ax = ax;
        }
    }

    /// <summary>Function 00h. The names lie in the block itself when the caller knows VBE 2.0 and gives 512 bytes.</summary>
    private static ushort DescribeAdapter(ref BiosCall c)
    {
        const int Names = 256;
        uint address = c.Linear(SegmentIndex.Es, c.Di);
        Span<byte> block = stackalloc byte[512];
        block.Clear();
        if (!c.Check(address, 4, write: false))
        {
            return Failed;
        }

        Span<byte> signature = stackalloc byte[4];
        c.ReadBytes(address, signature);
        bool second = signature.SequenceEqual("VBE2"u8);
        if (!second)
        {
            block = block[..256];
        }

        if (!c.Check(address, (uint)block.Length, write: true))
        {
            return Failed;
        }

        "VESA"u8.CopyTo(block);
        BinaryPrimitives.WriteUInt16LittleEndian(block[0x04..], 0x0300);
        BinaryPrimitives.WriteUInt32LittleEndian(block[0x06..], VideoRom.Pointer(VideoRom.Names));
        block[0x0A] = 1; // the DAC can have 8 bits
        BinaryPrimitives.WriteUInt32LittleEndian(block[0x0E..], VideoRom.Pointer(VideoRom.ModeList));
        BinaryPrimitives.WriteUInt16LittleEndian(block[0x12..], (ushort)(VgaAdapter.VideoMemorySize >> 16));
        if (second)
        {
            BinaryPrimitives.WriteUInt16LittleEndian(block[0x14..], 0x0100);
            int at = Names;
            for (int i = 0; i < VideoRom.NameList.Count; i++)
            {
                int pointer = i == 0 ? 0x06 : 0x12 + (4 * i);
                BinaryPrimitives.WriteUInt32LittleEndian(block[pointer..], ((uint)c.Es << 16) | (ushort)(c.Di + at));
                at += Encoding.ASCII.GetBytes(VideoRom.NameList[i], block[at..]) + 1;
            }
        }

        c.WriteBytes(address, block);
        return Succeeded;
    }

    /// <summary>Function 01h.</summary>
    private ushort DescribeMode(ref BiosCall c)
    {
        uint address = c.Linear(SegmentIndex.Es, c.Di);
        Span<byte> info = stackalloc byte[256];
        if (VbeMode.Find(c.Cx & ModeNumber) is not { } mode || !c.Check(address, (uint)info.Length, write: true))
        {
            return Failed;
        }

        VbeModeInfo.Write(mode, FrameBufferAddress, info);
        c.WriteBytes(address, info);
        return Succeeded;
    }

    /// <summary>Where the PCI bus has the frame buffer; 0 while it is nowhere.</summary>
    private uint FrameBufferAddress => (_vga!.ReadConfiguration(4, 2) & 2) != 0 ? _vga.ReadConfiguration(0x10, 4) & ~0xFu : 0;

    /// <summary>Function 02h. A CRTC block (bit 11) is not needed: the adapter keeps its timing.</summary>
    private ushort SetVbeMode(ref BiosCall c)
    {
        ushort requested = c.Bx;
        bool clear = (requested & FlagKeepMemory) == 0;
        int number = requested & ModeNumber;
        if (number < FirstVbeMode)
        {
            int index = VideoModeTable.IndexOf(number, TextLines(ref c));
            if (index < 0 || (requested & FlagLinear) != 0)
            {
                return Failed;
            }

            SetMode(ref c, (byte)(number | (clear ? 0 : 0x80)));
            return Succeeded;
        }

        bool linear = (requested & FlagLinear) != 0;
        if (VbeMode.Find(number) is not { } mode || (linear && (mode.Depth < 8 || FrameBufferAddress == 0)))
        {
            return Failed;
        }

        if (mode.IsText)
        {
            SetVbeText(ref c, mode, clear);
        }
        else
        {
            SetVbeGraphics(ref c, mode, linear, clear);
        }

        return Succeeded;
    }

    private void SetVbeGraphics(ref BiosCall c, VbeMode mode, bool linear, bool clear)
    {
        const int Planes = 0x1B;
        const int Bytes = 0x1C;
        LeaveDispi();
        Span<byte> entry = VideoModeTable.Data.AsSpan((mode.IsPlanar ? Planes : Bytes) * VideoModeTable.EntrySize, VideoModeTable.EntrySize);
        Program(entry);
        LoadPalette(ref c, mode.IsPlanar ? VideoPalettes.Ega : VideoPalettes.Vga);
        WriteDispi(DispiX, mode.Width);
        WriteDispi(DispiY, mode.Height);
        WriteDispi(DispiBpp, mode.Depth);
        WriteDispi(DispiEnable, DispiEnabled | (linear ? DispiLinear : 0) | (clear ? 0 : DispiKeepMemory));
        WriteDispi(DispiBank, 0);
        int height = mode.CharacterHeight;
        ResetScreen(ref c);
        c.Write8(VideoData.Mode, VbeModeInData);
        c.Write16(VideoData.Columns, (ushort)(mode.Width / 8));
        c.Write16(VideoData.PageSize, 0);
        c.Write16(VideoData.CrtcPort, PortCrtcColor);
        c.Write8(VideoData.LastRow, (byte)((mode.Height / height) - 1));
        c.Write16(VideoData.CharacterHeight, (ushort)height);
        c.Write8(VideoData.Control, (byte)((c.Read8(VideoData.Control) & 0x7F) | (clear ? 0 : VideoData.NotCleared)));
        c.Write16(VideoData.CursorShape, 0);
        c.Write32(VideoData.Vector43, VideoRom.Pointer(RomFont(height)));
        c.Write32(VideoData.Vector1F, VideoRom.Pointer(VideoRom.Font8Upper));
    }

    /// <summary>Text with more columns or rows than the VGA's modes: mode 3 with other timings.</summary>
    private void SetVbeText(ref BiosCall c, VbeMode mode, bool clear)
    {
        LeaveDispi();
        Span<byte> entry = stackalloc byte[VideoModeTable.EntrySize];
        VbeTextTiming.Create(mode, entry);
        Program(entry);
        LoadPalette(ref c, VideoPalettes.Ega);
        if (clear)
        {
            ClearMemory(ref c, 3);
        }

        Describe(ref c, 3, clear, entry);
        LoadFont(ref c, 0, 0, FontCharacters, mode.CharacterHeight, RomFont(mode.CharacterHeight));
        SetCursorShape(ref c, DefaultCursor);
    }

    private void LeaveDispi() => WriteDispi(DispiEnable, 0);

    private VbeMode? PresentMode(ref BiosCall c)
    {
        int width = _vga!.IsDispiEnabled ? _vga.DispiWidth : c.Read16(VideoData.Columns);
        int height = _vga.IsDispiEnabled ? _vga.DispiHeight : c.Read8(VideoData.LastRow) + 1;
        int depth = _vga.IsDispiEnabled ? _vga.DispiDepth : 0;
        foreach (VbeMode mode in VbeMode.All)
        {
            if (mode.Width == width && mode.Height == height && mode.Depth == depth)
            {
                return mode;
            }
        }

        return null;
    }

    /// <summary>Function 03h.</summary>
    private ushort ReadVbeMode(ref BiosCall c)
    {
        bool kept = (c.Read8(VideoData.Control) & VideoData.NotCleared) != 0;
        bool text = !_vga!.IsDispiEnabled && c.Read8(VideoData.Mode) == 3;
        VbeMode? mode = _vga.IsDispiEnabled || text ? PresentMode(ref c) : null;
        bool linear = _vga.IsDispiEnabled && (ReadDispi(DispiEnable) & DispiLinear) != 0;
        c.Bx = (ushort)((mode?.Number ?? (c.Read8(VideoData.Mode) & 0x7F)) | (linear ? FlagLinear : 0) | (kept ? FlagKeepMemory : 0));
        return Succeeded;
    }

    /// <summary>Function 04h.</summary>
    private ushort SaveOrRestoreVbe(ref BiosCall c)
    {
        int parts = c.Cx & (StateHardware | StateData | StateDac | StateVbe);
        if (parts == 0 || c.Dl > 2)
        {
            return Failed;
        }

        if (c.Dl == 0)
        {
            c.Bx = (ushort)BlocksOf(parts);
            return Succeeded;
        }

        return TransferState(ref c, parts, c.Dl == 1) ? Succeeded : Failed;
    }

    private void SaveDispi(Span<byte> state)
    {
        for (int i = DispiX; i < DispiRegisters; i++)
        {
            BinaryPrimitives.WriteUInt16LittleEndian(state[(2 * i)..], (ushort)ReadDispi(i));
        }
    }

    private void RestoreDispi(ReadOnlySpan<byte> state)
    {
        LeaveDispi();
        for (int i = DispiX; i <= DispiBpp; i++)
        {
            WriteDispi(i, BinaryPrimitives.ReadUInt16LittleEndian(state[(2 * i)..]));
        }

        WriteDispi(DispiEnable, BinaryPrimitives.ReadUInt16LittleEndian(state[(2 * DispiEnable)..]) | DispiKeepMemory);
        WriteDispi(DispiBank, BinaryPrimitives.ReadUInt16LittleEndian(state[(2 * DispiBank)..]));
        WriteDispi(DispiVirtualWidth, BinaryPrimitives.ReadUInt16LittleEndian(state[(2 * DispiVirtualWidth)..]));
        WriteDispi(DispiXOffset, BinaryPrimitives.ReadUInt16LittleEndian(state[(2 * DispiXOffset)..]));
        WriteDispi(DispiYOffset, BinaryPrimitives.ReadUInt16LittleEndian(state[(2 * DispiYOffset)..]));
    }

    /// <summary>Function 05h, and the window function: BH 0 sets, 1 gets the position DX of window A in units of 64 KiB.</summary>
    private ushort SetOrGetWindow(ref BiosCall c)
    {
        if (c.Bl != 0 || c.Bh > 1 || !_vga!.IsDispiEnabled)
        {
            return c.Bl == 0 && c.Bh <= 1 ? NotInThisMode : Failed;
        }

        if ((ReadDispi(DispiEnable) & DispiLinear) != 0)
        {
            return NotInThisMode;
        }

        if (c.Bh == 1)
        {
            c.Dx = (ushort)ReadDispi(DispiBank);
            return Succeeded;
        }

        WriteDispi(DispiBank, c.Dx);
        return ReadDispi(DispiBank) == c.Dx ? Succeeded : Failed;
    }

    /// <summary>
    /// Function 06h: BL 0 sets the line length CX in pixels, 2 in bytes, or the next one that holds what is shown in multiples of 8 pixels; 1 gets it, 3 gets the
    /// largest.
    /// </summary>
    private ushort SetOrGetPitch(ref BiosCall c)
    {
        const int LargestWidth = 8192;
        if (!_vga!.IsDispiEnabled)
        {
            return NotInThisMode;
        }

        int width = (int)ReadDispi(DispiVirtualWidth);
        switch (c.Bl)
        {
            case 0 or 2:
                int pixels = c.Bl == 0 ? c.Cx : _vga.DispiDepth == 4 ? c.Cx * 8 : (c.Cx + BytesOfPixel - 1) / BytesOfPixel;
                pixels = (Math.Max(pixels, _vga.DispiWidth) + 7) & ~7;
                WriteDispi(DispiVirtualWidth, Math.Min(pixels, ushort.MaxValue & ~7));
                width = (int)ReadDispi(DispiVirtualWidth);
                if (width != pixels)
                {
                    return Failed;
                }

                break;
            case 1:
                break;
            case 3:
                for (width = LargestWidth; width > _vga.DispiWidth && BytesOf(width) * _vga.DispiHeight > PlaneSize; width -= 8)
                {
                }

                break;
            default:
                return Failed;
        }

        c.Bx = (ushort)BytesOf(width);
        c.Cx = (ushort)width;
        c.Dx = (ushort)Math.Min(PlaneSize / Math.Max(1, BytesOf(width)), ushort.MaxValue);
        return Succeeded;
    }

    private int BytesOfPixel => Math.Max(1, (_vga!.DispiDepth + 7) / 8);

    private int PlaneSize => (int)VgaAdapter.VideoMemorySize / (_vga!.DispiDepth == 4 ? 4 : 1);

    private int BytesOf(int pixels) => _vga!.DispiDepth == 4 ? pixels / 8 : pixels * BytesOfPixel;

    /// <summary>
    /// Function 07h. BL 0 sets the first pixel (CX) and line (DX), 80h in the next vertical retrace; 2 and 82h set a byte address (ECX); 1 gets pixel and line, 4
    /// whether the last change is shown.
    /// </summary>
    private ushort? SetOrGetStart(ref BiosCall c)
    {
        if (!_vga!.IsDispiEnabled)
        {
            return NotInThisMode;
        }

        switch (c.Bl)
        {
            case 0x01:
                c.Bh = 0;
                c.Cx = (ushort)ReadDispi(DispiXOffset);
                c.Dx = (ushort)ReadDispi(DispiYOffset);
                return Succeeded;
            case 0x04:
                c.Cx = 1;
                return Succeeded;
            case 0x00 or 0x80:
                return SetStart(ref c, c.Cx, c.Dx);
            case 0x02 or 0x82:
                uint pitch = (uint)Math.Max(1, _vga.DispiPitch);
                uint within = c.Ecx % pitch;
                return SetStart(ref c, _vga.DispiDepth == 4 ? within * 8 : within / (uint)BytesOfPixel, c.Ecx / pitch);
            default:
                return Failed;
        }
    }

    /// <summary>Sets what is shown; null while it waits for the retrace.</summary>
    private ushort? SetStart(ref BiosCall c, uint x, uint y)
    {
        if (x + (uint)_vga!.DispiWidth > ReadDispi(DispiVirtualWidth) || (long)(y + (ulong)_vga.DispiHeight) * BytesOf((int)ReadDispi(DispiVirtualWidth)) > PlaneSize)
        {
            return Failed;
        }

        if ((c.Bl & DuringRetrace) != 0 && (In(0x3DA) & Retrace) == 0)
        {
            c.Wait();
            return null;
        }

        WriteDispi(DispiXOffset, (int)x);
        WriteDispi(DispiYOffset, (int)y);
        return Succeeded;
    }

    /// <summary>Function 08h: BL 0 sets the bits of a color component to BH, as far as there are, 1 gets them.</summary>
    private ushort SetOrGetDacWidth(ref BiosCall c)
    {
        if (_vga!.IsDispiEnabled && _vga.DispiDepth > 8)
        {
            return NotInThisMode;
        }

        int enable = (int)ReadDispi(DispiEnable);
        switch (c.Bl)
        {
            case 0 when c.Bh >= 6:
                WriteDispi(DispiEnable, (enable & ~DispiEightBitDac) | (c.Bh >= 8 ? DispiEightBitDac : 0));
                break;
            case 1:
                break;
            default:
                return Failed;
        }

        c.Bh = (ReadDispi(DispiEnable) & DispiEightBitDac) != 0 ? (byte)8 : (byte)6;
        return Succeeded;
    }

    /// <summary>Function 09h: BL 0 sets (80h in the next vertical retrace), 1 gets CX colors from DX on; blue, green, red and an unused byte each.</summary>
    private ushort? SetOrGetColors(ref BiosCall c)
    {
        if (c.Bl is 2 or 3)
        {
            return NotInHardware;
        }

        if (c.Bl is not (0 or 1 or 0x80) || c.Cx > 256 || c.Dx > 255)
        {
            return Failed;
        }

        Span<byte> colors = stackalloc byte[4 * 256];
        colors = colors[..(4 * c.Cx)];
        uint address = c.Linear(SegmentIndex.Es, c.Di);
        bool get = c.Bl == 1;
        if (!c.Check(address, (uint)colors.Length, get))
        {
            return null;
        }

        if (c.Bl == 0x80 && (In(0x3DA) & Retrace) == 0)
        {
            c.Wait();
            return null;
        }

        Out(get ? PortDacRead : PortDacWrite, c.Dx);
        if (!get)
        {
            c.ReadBytes(address, colors);
        }

        for (int i = 0; i < colors.Length; i += 4)
        {
            for (int component = 2; component >= 0; component--)
            {
                if (get)
                {
                    colors[i + component] = In(PortDacData);
                }
                else
                {
                    Out(PortDacData, colors[i + component]);
                }
            }

            colors[i + 3] = 0;
        }

        if (get)
        {
            c.WriteBytes(address, colors);
        }

        return Succeeded;
    }

    /// <summary>Function 0Ah.</summary>
    private static ushort DescribeProtectedMode(ref BiosCall c)
    {
        if (c.Bl != 0)
        {
            return Failed;
        }

        c.Es = VideoRom.Segment;
        c.Di = VideoRom.ProtectedMode;
        c.Cx = VideoRom.ProtectedModeSize;
        return Succeeded;
    }

    /// <summary>Function 0Bh: any pixel clock that is asked for is as good as another.</summary>
    private static ushort ReadPixelClock(ref BiosCall c) => c.Bl == 0 && VbeMode.Find(c.Dx & ModeNumber) is { IsText: false } ? Succeeded : Failed;

    /// <summary>Function 10h, VBE/PM 1.0: all states but "on" switch the screen off.</summary>
    private ushort RunPowerManagement(ref BiosCall c)
    {
        const int Version = 0x10;
        const int States = 0x0F;
        switch (c.Bl)
        {
            case 0:
                c.Bl = Version;
                c.Bh = States;
                return Succeeded;
            case 1 when c.Bh is 0 or 1 or 2 or 4 or 8:
                c.Write8(VideoData.PowerState, c.Bh);
                Write(PortSequencer, 1, (Read(PortSequencer, 1) & ~ScreenOff) | (c.Bh != 0 ? ScreenOff : 0));
                return Succeeded;
            case 2:
                c.Bh = c.Read8(VideoData.PowerState);
                return Succeeded;
            default:
                return Failed;
        }
    }

    /// <summary>Function 15h, VBE/DDC 1.1: the monitor's EDID block.</summary>
    private static ushort RunDisplayData(ref BiosCall c)
    {
        const byte DisplayDataChannel2 = 2;
        switch (c.Bl)
        {
            case 0 when c.Cx == 0:
                c.Bh = 1; // seconds for a block
                c.Bl = DisplayDataChannel2;
                return Succeeded;
            case 1 when c.Cx == 0 && c.Dx == 0:
                uint address = c.Linear(SegmentIndex.Es, c.Di);
                if (!c.Check(address, VgaMonitor.Length, write: true))
                {
                    return Failed;
                }

                c.WriteBytes(address, VgaMonitor.Edid);
                return Succeeded;
            default:
                return Failed;
        }
    }
}
