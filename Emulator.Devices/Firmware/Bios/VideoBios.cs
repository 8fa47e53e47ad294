// The video BIOS: INT 10h as IBM's VGA has it (PS/2 and PC BIOS Interface Technical Reference, with the subfunctions of RBIL), and VESA's VBE 3.0 with
// display power management (4F10h) and EDID (4F15h).
//
// It works as the code of a video ROM would: registers of the adapter through its ports, video memory through the window at A0000h as the caller sees
// it, what it remembers in the BIOS data area (VideoData). Parameter and font tables are in the ROM (VideoRom). Without an adapter INT 10h still
// answers for 80 by 25 characters of text that nobody sees, and what is written by function 0Eh and 13h goes to COM1.
//
// Left out: light pens, second displays, the dynamic save area and user fonts and palettes of the save pointer tables, VBE's optional protected mode
// information block and stereoscopic modes. The bell is silent. Dispi modes keep their own timing: VBE's CRTC blocks are accepted and not used.
//
// Services: INT 10h; 50h VBE's window function, 51h initialization (entered by far calls).
using Emulator.Core.Cpu;
using Emulator.Core.Machine;
using Emulator.Devices.Serial;
using Emulator.Devices.Vga;

namespace Emulator.Devices.Firmware.Bios;

/// <summary>INT 10h and VBE.</summary>
internal sealed unsafe partial class VideoBios
{
    /// <summary>Service number of VBE's window function.</summary>
    public const int WindowService = 0x50;

    /// <summary>Service number of the initialization of the adapter.</summary>
    public const int InitializationService = 0x51;

    private const int Interrupt = 0x10;
    private const int Pages = 8;
    private const int BlankCharacter = 0x20;
    private const byte MonochromeMode = 7;
    private const uint ColorText = 0xB8000;
    private const uint MonochromeText = 0xB0000;
    private const uint GraphicsWindow = 0xA0000;
    private const uint WindowSize = 0x10000;

    private const ushort PortSequencer = 0x3C4;
    private const ushort PortGraphics = 0x3CE;
    private const ushort PortAttribute = 0x3C0;
    private const ushort PortAttributeRead = 0x3C1;
    private const ushort PortMisc = 0x3C2;
    private const ushort PortMiscRead = 0x3CC;
    private const ushort PortDacMask = 0x3C6;
    private const ushort PortDacRead = 0x3C7;
    private const ushort PortDacWrite = 0x3C8;
    private const ushort PortDacData = 0x3C9;
    private const ushort PortCrtcColor = 0x3D4;
    private const ushort PortCrtcMono = 0x3B4;
    private const byte PaletteSource = 0x20;

    private readonly BiosPorts _ports;
    private readonly VideoAdapterView? _vga;
    private readonly Uart16550A? _serial;

    /// <summary>Creates the services.</summary>
    /// <param name="ports">The port space.</param>
    /// <param name="vga">The adapter; null without one.</param>
    /// <param name="serial">Gets what is written while there is no adapter.</param>
    public VideoBios(BiosPorts ports, VgaAdapter? vga, Uart16550A? serial)
    {
        _ports = ports;
        _vga = vga is null ? null : new VideoAdapterView(vga, ports);
        _serial = serial;
    }

    /// <summary>Runs a service.</summary>
    /// <param name="c">The call.</param>
    /// <param name="service">Service number.</param>
    public void Run(ref BiosCall c, int service)
    {
        switch (service)
        {
            case Interrupt when _vga is null:
                RunWithoutAdapter(ref c);
                break;
            case Interrupt:
                if (IsReachable(ref c))
                {
                    RunInterrupt(ref c);
                }

                break;
            case WindowService when _vga is not null:
                SetOrGetWindow(ref c);
                break;
            case InitializationService:
                Initialize(ref c);
                break;
            default:
                break;
        }
    }

    /// <summary>Initializes the adapter and what the services keep in memory, takes INT 10h and sets mode 3.</summary>
    /// <param name="c">The call.</param>
    public void Initialize(ref BiosCall c)
    {
        c.Write16(VideoData.Equipment, (ushort)((c.Read16(VideoData.Equipment) & ~0x30) | (_vga is null ? 0 : 0x20)));
        Span<byte> clear = stackalloc byte[VideoData.FirstBlock];
        clear.Clear();
        c.WriteBytes(VideoData.Mode, clear);
        c.WriteBytes(VideoData.LastRow, clear[..VideoData.SecondBlock]);
        c.Write8(VideoData.PowerState, 0);
        uint old = c.Read32(VideoData.Vector10);
        if (old != VideoRom.Pointer(VideoRom.Interrupt))
        {
            c.Write32(VideoData.Vector42, old);
        }

        c.Write32(VideoData.Vector10, VideoRom.Pointer(VideoRom.Interrupt));
        c.Write32(VideoData.Vector6D, VideoRom.Pointer(VideoRom.Interrupt));
        c.Write32(VideoData.Vector1F, VideoRom.Pointer(VideoRom.Font8Upper));
        c.Write32(VideoData.Vector43, VideoRom.Pointer(VideoRom.Font16));
        c.Write32(VideoData.SavePointer, VideoRom.Pointer(VideoRom.SavePointers));
        c.Write8(VideoData.Control, 0x60);
        c.Write8(VideoData.Switches, 0xF9);
        c.Write8(VideoData.Options, 0x51);
        c.Write8(VideoData.DisplayCombination, VideoRom.ColorVga);
        if (_vga is null)
        {
            DescribeText(ref c);
            return;
        }

        _ports.Write(0x3C3, 1, 1);
        SetMode(ref c, 3);
    }

    /// <summary>Writes a message of the firmware at the cursor.</summary>
    /// <param name="c">The call.</param>
    /// <param name="text">ASCII; lines end with CR and LF.</param>
    public void Teletype(ref BiosCall c, string text)
    {
        foreach (char character in text)
        {
            if (_vga is null)
            {
                WriteSerial(ref c, (byte)character);
            }
            else
            {
                Teletype(ref c, c.Read8(VideoData.Page), (byte)character, 0x07, withAttribute: false);
            }
        }
    }

    private void RunInterrupt(ref BiosCall c)
    {
        switch (c.Ah)
        {
            case 0x00:
                SetMode(ref c, c.Al);
                break;
            case 0x01:
                SetCursorShape(ref c, c.Cx);
                break;
            case 0x02:
                SetCursor(ref c, c.Bh, c.Dh, c.Dl);
                break;
            case 0x03:
                c.Dx = c.Read16(Cursor(c.Bh));
                c.Cx = c.Read16(VideoData.CursorShape);
                break;
            case 0x04:
                c.Ah = 0; // the light pen is not triggered
                break;
            case 0x05:
                SelectPage(ref c, c.Al);
                break;
            case 0x06 or 0x07:
                Scroll(ref c, c.Ah == 0x06, c.Al, c.Bh, c.Ch, c.Cl, c.Dh, c.Dl);
                break;
            case 0x08:
                ReadCharacter(ref c);
                break;
            case 0x09:
                WriteCharacters(ref c, withAttribute: true);
                break;
            case 0x0A:
                WriteCharacters(ref c, withAttribute: false);
                break;
            case 0x0B:
                SetCgaPalette(ref c);
                break;
            case 0x0C:
                WritePixel(ref c);
                break;
            case 0x0D:
                ReadPixel(ref c);
                break;
            case 0x0E:
                Teletype(ref c, c.Read8(VideoData.Page), c.Al, c.Bl, withAttribute: false);
                break;
            case 0x0F:
                c.Al = (byte)((c.Read8(VideoData.Mode) & 0x7F) | (c.Read8(VideoData.Control) & VideoData.NotCleared));
                c.Ah = c.Read8(VideoData.Columns);
                c.Bh = c.Read8(VideoData.Page);
                break;
            case 0x10:
                RunPalette(ref c);
                break;
            case 0x11:
                RunFonts(ref c);
                break;
            case 0x12:
                RunAlternates(ref c);
                break;
            case 0x13:
                WriteString(ref c);
                break;
            case 0x1A:
                RunDisplayCombination(ref c);
                break;
            case 0x1B:
                ReadState(ref c);
                break;
            case 0x1C:
                SaveOrRestoreState(ref c);
                break;
            case 0x4F:
                RunVbe(ref c);
                break;
            default:
                break;
        }
    }

    /// <summary>With paging on, the window may be absent: false with the fault recorded, before anything is changed.</summary>
    private bool IsReachable(ref BiosCall c)
    {
        const uint Paging = 0x80000000;
        if ((c.State->Cr0 & Paging) == 0)
        {
            return true;
        }

        bool graphics = _vga!.IsDispiEnabled || (_vga.GraphicsWindow & 1) != 0;
        return graphics && (_vga.GraphicsWindow & 0x0C) != 0x0C
            ? c.Check(GraphicsWindow, WindowSize, write: true)
            : c.Check(IsMonochrome(ref c) ? MonochromeText : ColorText, WindowSize / 2, write: true);
    }

    private static bool IsMonochrome(ref BiosCall c) => c.Read16(VideoData.CrtcPort) == PortCrtcMono;

    /// <summary>Where the cursor of a page is kept.</summary>
    private static uint Cursor(int page) => VideoData.Cursors + (2 * (uint)(page & (Pages - 1)));

    private void Out(ushort port, int value) => _ports.Write(port, 1, (byte)value);

    private byte In(ushort port) => (byte)_ports.Read(port, 1);

    /// <summary>Writes a register behind an index port.</summary>
    private void Write(ushort port, int index, int value)
    {
        _ports.Write(port, 1, (byte)index);
        _ports.Write((ushort)(port + 1), 1, (byte)value);
    }

    private byte Read(ushort port, int index)
    {
        _ports.Write(port, 1, (byte)index);
        return (byte)_ports.Read((ushort)(port + 1), 1);
    }

    /// <summary>Index port of the CRTC as the miscellaneous output register has it.</summary>
    private ushort PortCrtc => (In(PortMiscRead) & 1) != 0 ? PortCrtcColor : PortCrtcMono;

    private void WriteCrtc(int index, int value) => Write(PortCrtc, index, value);

    private byte ReadCrtc(int index) => Read(PortCrtc, index);

    private void WriteAttribute(int index, int value)
    {
        In((ushort)(PortCrtc + 6));
        Out(PortAttribute, index);
        Out(PortAttribute, value);
        Out(PortAttribute, PaletteSource);
    }

    private byte ReadAttribute(int index)
    {
        In((ushort)(PortCrtc + 6));
        Out(PortAttribute, index);
        byte value = In(PortAttributeRead);
        In((ushort)(PortCrtc + 6));
        Out(PortAttribute, PaletteSource);
        return value;
    }
}
