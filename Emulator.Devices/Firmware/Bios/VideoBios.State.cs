using System.Buffers.Binary;
using Emulator.Core.Cpu;

namespace Emulator.Devices.Firmware.Bios;

/// <content>Functions 12h, 1Ah, 1Bh, 1Ch: choices, what is there, state information, saving and restoring.</content>
internal sealed unsafe partial class VideoBios
{
    private const int StateBlock = 64;
    private const int StateHardware = 1;
    private const int StateData = 2;
    private const int StateDac = 4;
    private const int StateVbe = 8;
    private const int DacBlocks = 13;
    private const int ScreenOff = 0x20;

    private void RunAlternates(ref BiosCall c)
    {
        switch (c.Bl)
        {
            case 0x10:
                c.Bh = IsMonochrome(ref c) ? (byte)1 : (byte)0;
                c.Bl = 3; // 256 KiB
                c.Ch = (byte)(c.Read8(VideoData.Switches) >> 4);
                c.Cl = (byte)(c.Read8(VideoData.Switches) & 0x0F);
                break;
            case 0x20:
                c.Al = 0x12; // INT 5 prints what function 08h reads: any number of rows
                break;
            case 0x30:
                SelectTextLines(ref c, c.Al);
                break;
            case 0x31:
                SetOption(ref c, VideoData.KeepPalette, c.Al != 0);
                break;
            case 0x32:
                Out(PortMisc, (In(PortMiscRead) & ~2) | (c.Al == 0 ? 2 : 0));
                c.Al = 0x12;
                break;
            case 0x33:
                SetOption(ref c, VideoData.GreySumming, c.Al == 0);
                break;
            case 0x34:
                c.Write8(VideoData.Control, (byte)((c.Read8(VideoData.Control) & ~VideoData.NoCursorEmulation) | (c.Al != 0 ? VideoData.NoCursorEmulation : 0)));
                c.Al = 0x12;
                break;
            case 0x35:
                c.Al = 0; // a single adapter
                break;
            case 0x36:
                Write(PortSequencer, 1, (Read(PortSequencer, 1) & ~ScreenOff) | (c.Al != 0 ? ScreenOff : 0));
                c.Al = 0x12;
                break;
            default:
                break;
        }
    }

    private static void SelectTextLines(ref BiosCall c, byte code)
    {
        if (code > 2)
        {
            return;
        }

        byte options = (byte)((c.Read8(VideoData.Options) & ~0x90) | code switch { 0 => 0x80, 1 => 0x00, _ => 0x10 });
        byte switches = (byte)((c.Read8(VideoData.Switches) & 0xF0) | (code == 0 ? 0x08 : 0x09));
        c.Write8(VideoData.Options, options);
        c.Write8(VideoData.Switches, switches);
        c.Al = 0x12;
    }

    private static void SetOption(ref BiosCall c, byte bit, bool value)
    {
        c.Write8(VideoData.Options, (byte)((c.Read8(VideoData.Options) & ~bit) | (value ? bit : 0)));
        c.Al = 0x12;
    }

    private static void RunDisplayCombination(ref BiosCall c)
    {
        ReadOnlySpan<byte> pairs = VideoRom.CombinationPairs;
        if (c.Al == 0)
        {
            int index = 2 * c.Read8(VideoData.DisplayCombination);
            bool known = index < pairs.Length;
            c.Bl = known ? Math.Max(pairs[index], pairs[index + 1]) : (byte)0xFF;
            c.Bh = known ? Math.Min(pairs[index], pairs[index + 1]) : (byte)0xFF;
            c.Al = 0x1A;
        }
        else if (c.Al == 1)
        {
            for (int i = 0; i < pairs.Length; i += 2)
            {
                if ((pairs[i] == c.Bh && pairs[i + 1] == c.Bl) || (pairs[i] == c.Bl && pairs[i + 1] == c.Bh))
                {
                    c.Write8(VideoData.DisplayCombination, (byte)(i / 2));
                    break;
                }
            }

            c.Al = 0x1A;
        }
    }

    /// <summary>Function 1Bh: 64 bytes about the present mode, the first of which point to what the adapter can do.</summary>
    private void ReadState(ref BiosCall c)
    {
        Span<byte> state = stackalloc byte[StateBlock];
        uint address = c.Linear(SegmentIndex.Es, c.Di);
        if (c.Bx != 0 || !c.Check(address, StateBlock, write: true))
        {
            return;
        }

        state.Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(state, VideoRom.Pointer(VideoRom.Functionality));
        c.ReadBytes(VideoData.Mode, state.Slice(4, VideoData.FirstBlock));
        state[0x22] = (byte)(c.Read8(VideoData.LastRow) + 1);
        BinaryPrimitives.WriteUInt16LittleEndian(state[0x23..], c.Read16(VideoData.CharacterHeight));
        int pair = 2 * c.Read8(VideoData.DisplayCombination);
        state[0x25] = pair < VideoRom.CombinationPairs.Length ? VideoRom.CombinationPairs[pair + 1] : (byte)0xFF;
        (int colors, int pages) = ColorsAndPages(ref c);
        BinaryPrimitives.WriteUInt16LittleEndian(state[0x27..], (ushort)colors);
        state[0x29] = (byte)pages;
        int lines = (ReadCrtc(CrtcOverflow) << 7 & 0x100) | (ReadCrtc(CrtcOverflow) << 3 & 0x200) | ReadCrtc(CrtcDisplayEnd);
        bool doubled = (ReadCrtc(CrtcMaximumScan) & DoubleScan) != 0;
        state[0x2A] = lines < 350 ? (byte)1 : lines >= 400 ? (byte)3 : doubled ? (byte)0 : (byte)2;
        byte map = Read(PortSequencer, CharacterMap);
        state[0x2B] = (byte)((map & 3) | ((map >> 2) & 4));
        state[0x2C] = (byte)(((map >> 2) & 3) | ((map >> 3) & 4));
        byte options = c.Read8(VideoData.Options);
        state[0x2D] = (byte)(1 | (options & (VideoData.GreySumming | VideoData.KeepPalette)) | (IsMonochrome(ref c) ? 4 : 0)
            | ((c.Read8(VideoData.Control) & VideoData.NoCursorEmulation) == 0 ? 0x10 : 0) | ((ReadAttribute(AttributeMode) & Blink) << 2));
        state[0x31] = 3;
        state[0x32] = 0x20; // the display combination codes of the second save pointer table
        c.WriteBytes(address, state);
        c.Al = 0x1B;
    }

    /// <summary>Colors (0 for monochrome text) and pages of the present mode.</summary>
    private static (int Colors, int Pages) ColorsAndPages(ref BiosCall c)
    {
        int mode = c.Read8(VideoData.Mode);
        return mode switch
        {
            <= 3 => (16, Math.Clamp(0x8000 / Math.Max(1, (int)c.Read16(VideoData.PageSize)), 1, Pages)),
            4 or 5 => (4, 1),
            6 => (2, 1),
            MonochromeMode => (0, Math.Clamp(0x8000 / Math.Max(1, (int)c.Read16(VideoData.PageSize)), 1, Pages)),
            0x0D => (16, 8),
            0x0E => (16, 4),
            0x0F => (0, 2),
            0x10 => (16, 2),
            0x11 => (2, 1),
            0x12 => (16, 1),
            _ => (256, 1),
        };
    }

    /// <summary>Function 1Ch.</summary>
    private void SaveOrRestoreState(ref BiosCall c)
    {
        int parts = c.Cx & (StateHardware | StateData | StateDac);
        if (c.Al > 2 || parts == 0)
        {
            return;
        }

        if (c.Al == 0)
        {
            c.Bx = (ushort)BlocksOf(parts);
        }
        else if (!TransferState(ref c, parts, c.Al == 1))
        {
            return;
        }

        c.Al = 0x1C;
    }

    private static int BlocksOf(int parts) => (parts & StateHardware) + ((parts & StateData) / StateData) + ((parts & StateDac) / StateDac * DacBlocks) + ((parts & StateVbe) / StateVbe);

    /// <summary>Saves to or restores from ES:BX; false when the buffer is not there.</summary>
    private bool TransferState(ref BiosCall c, int parts, bool save)
    {
        byte[] buffer = new byte[BlocksOf(parts) * StateBlock];
        uint address = c.Linear(SegmentIndex.Es, c.Bx);
        if (!c.Check(address, (uint)buffer.Length, save))
        {
            return false;
        }

        if (!save)
        {
            c.ReadBytes(address, buffer);
        }

        Span<byte> rest = buffer;
        for (int part = StateHardware; part <= StateVbe; part <<= 1)
        {
            int length = BlocksOf(parts & part) * StateBlock;
            switch (parts & part)
            {
                case StateHardware when save:
                    SaveHardware(rest);
                    break;
                case StateHardware:
                    RestoreHardware(rest);
                    break;
                case StateData:
                    TransferData(ref c, rest, save);
                    break;
                case StateDac when save:
                    SaveDac(rest);
                    break;
                case StateDac:
                    RestoreDac(rest);
                    break;
                case StateVbe when save:
                    SaveDispi(rest);
                    break;
                case StateVbe:
                    RestoreDispi(rest);
                    break;
                default:
                    break;
            }

            rest = rest[length..];
        }

        if (save)
        {
            c.WriteBytes(address, buffer);
        }

        return true;
    }

    /// <summary>An entry of the parameter table as the registers have it now, from its sequencer part on, then color select, sequencer 0 and feature control.</summary>
    private void SaveHardware(Span<byte> state)
    {
        for (int i = 0; i < 4; i++)
        {
            state[VideoModeTable.Sequencer + i] = Read(PortSequencer, i + 1);
        }

        state[VideoModeTable.Misc] = In(PortMiscRead);
        for (int i = 0; i < VideoModeTable.CrtcCount; i++)
        {
            state[VideoModeTable.Crtc + i] = ReadCrtc(i);
        }

        for (int i = 0; i < VideoModeTable.AttributeCount; i++)
        {
            state[VideoModeTable.Attribute + i] = ReadAttribute(i);
        }

        for (int i = 0; i < VideoModeTable.GraphicsCount; i++)
        {
            state[VideoModeTable.Graphics + i] = Read(PortGraphics, i);
        }

        state[0] = ReadAttribute(AttributeColorSelect);
        state[1] = In(0x3CA);
    }

    private void RestoreHardware(ReadOnlySpan<byte> state)
    {
        Program(state);
        WriteAttribute(AttributeColorSelect, state[0]);
        Out((ushort)(PortCrtc + 6), state[1]);
    }

    private static void TransferData(ref BiosCall c, scoped Span<byte> state, bool save)
    {
        ReadOnlySpan<(uint Address, int Length)> ranges =
        [
            (VideoData.Equipment, 1), (VideoData.Mode, VideoData.FirstBlock), (VideoData.LastRow, VideoData.SecondBlock), (VideoData.SavePointer, 4),
            (VideoData.Vector1F, 4), (VideoData.Vector43, 4),
        ];
        foreach ((uint address, int length) in ranges)
        {
            if (save)
            {
                c.ReadBytes(address, state[..length]);
            }
            else
            {
                c.WriteBytes(address, state[..length]);
            }

            state = state[length..];
        }
    }

    private void SaveDac(Span<byte> state)
    {
        Out(PortDacRead, 0);
        for (int i = 0; i < 3 * 256; i++)
        {
            state[i] = In(PortDacData);
        }

        state[3 * 256] = In(PortDacMask);
    }

    private void RestoreDac(ReadOnlySpan<byte> state)
    {
        Out(PortDacWrite, 0);
        for (int i = 0; i < 3 * 256; i++)
        {
            Out(PortDacData, state[i]);
        }

        Out(PortDacMask, state[3 * 256]);
    }
}
