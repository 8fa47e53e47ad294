using Emulator.Core.Memory;

namespace Emulator.Devices.Vga;

/// <summary>
/// What a VGA shows, as a picture of 32-bit pixels that is brought up to date where something changed, and as text. Repeated lines (double
/// scan) and doubled dots are shown once: mode 13h is 320 by 200. Use it between two calls of <see cref="PcMachine.Run"/>, or in the CPU's
/// BetweenSlices; looking changes nothing that the guest can see.
/// </summary>
public sealed partial class VgaScreen
{
    private const uint Black = 0xFF000000;

    private readonly VgaAdapter _vga;
    private readonly PhysicalMemory _memory;
    private readonly byte[] _dirty;
    private readonly uint[] _palette = new uint[256];
    private readonly uint[] _colors = new uint[16];
    private uint[] _pixels = [];
    private int _generation = -1;
    private int _dacGeneration = -1;
    private bool _blinkPhase;
    private bool _cursorPhase;
    private bool _all;
    private int _top;
    private int _bottom;

    internal VgaScreen(VgaAdapter vga, PhysicalMemory memory)
    {
        _vga = vga;
        _memory = memory;
        _dirty = new byte[VgaAdapter.VideoMemorySize / PhysicalMemory.PageSize];
    }

    /// <summary>Pixels of a line, as of the last <see cref="Update"/>.</summary>
    public int Width { get; private set; }

    /// <summary>Lines, as of the last <see cref="Update"/>.</summary>
    public int Height { get; private set; }

    /// <summary>The picture as of the last <see cref="Update"/>: 0xFFRRGGBB, line after line.</summary>
    public ReadOnlySpan<uint> Pixels => _pixels.AsSpan(0, Width * Height);

    /// <summary>Whether the adapter shows text.</summary>
    public bool IsText => !_vga.IsDispiEnabled && (_vga.Graphics[6] & 1) == 0;

    /// <summary>Nanoseconds between two frames, as the guest has set them; when to look again.</summary>
    public long FrameTime => Math.Clamp(_vga.Timing.FrameTime, 1_000_000, 1_000_000_000);

    /// <summary>Brings the picture up to date.</summary>
    /// <returns>The lines that may have changed; all of them when the size did.</returns>
    public ScreenRegion Update()
    {
        _vga.SynchronizeText();
        bool written = _memory.TakeDirty(_vga.VideoMemory, _dirty);
        _all = _generation != _vga.Generation || _dacGeneration != _vga.Dac.Generation;
        _generation = _vga.Generation;
        _dacGeneration = _vga.Dac.Generation;
        (int width, int height) = Measure();
        if (width != Width || height != Height)
        {
            (Width, Height) = (width, height);
            _all = true;
            if (_pixels.Length < width * height)
            {
                _pixels = new uint[width * height];
            }
        }

        long frame = _vga.Timing.Frame(_vga.Now);
        _blinkPhase = (frame & 16) == 0;
        _cursorPhase = (frame & 8) == 0;
        if (_all)
        {
            UpdateColors();
        }

        _top = int.MaxValue;
        _bottom = 0;
        if (_vga.IsDispiEnabled && !_vga.IsScreenOff)
        {
            if (_all || written)
            {
                DrawDispi();
            }
        }
        else if (!_vga.IsDisplayEnabled)
        {
            if (_all)
            {
                _pixels.AsSpan(0, width * height).Fill(Black);
                Touch(0, height);
            }
        }
        else if (IsText)
        {
            DrawText();
        }
        else if (_all || written)
        {
            DrawGraphics();
        }

        if (written)
        {
            Array.Clear(_dirty);
        }

        return _bottom == 0 ? default : new ScreenRegion(_top, _bottom - _top);
    }

    /// <summary>Brings the picture up to date and copies it.</summary>
    /// <param name="destination">Receives <see cref="Width"/> times <see cref="Height"/> pixels; ask <see cref="Update"/> for the size first.</param>
    /// <exception cref="ArgumentException">The destination is too short.</exception>
    public void Render(Span<uint> destination)
    {
        Update();
        Pixels.CopyTo(destination);
    }

    /// <summary>Brings the picture up to date and writes it as PNG.</summary>
    /// <param name="stream">Receives the file.</param>
    public void WritePng(Stream stream)
    {
        Update();
        PngImage.Write(stream, Pixels, Width, Height);
    }

    private (int Width, int Height) Measure()
    {
        if (_vga.IsDispiEnabled)
        {
            return (_vga.DispiWidth, _vga.DispiHeight);
        }

        int characters = _vga.Crtc[1] + 1;
        int dots = IsText ? CharacterWidth : Is256Color ? 4 : 8;
        return (characters * dots, Math.Max(1, ScanLines / Fold));
    }

    private int ScanLines => (VgaTiming.DisplayEnd(_vga.Crtc) + 1) * ((_vga.Crtc[0x17] & 4) != 0 ? 2 : 1);

    /// <summary>Scan lines that show the same.</summary>
    private int Fold
    {
        get
        {
            int maximum = _vga.Crtc[9] & 0x1F;
            int fold = (_vga.Crtc[9] & 0x80) != 0 ? 2 : 1;

            // Graphics repeat the whole row, unless the row scan counter is part of the address (CGA and Hercules layouts).
            return IsText || (_vga.Crtc[0x17] & 3) != 3 ? fold : fold * (maximum + 1);
        }
    }

    private bool Is256Color => (_vga.Graphics[5] & 0x40) != 0;

    private void UpdateColors()
    {
        for (int i = 0; i < 256; i++)
        {
            _palette[i] = _vga.Dac.Color(i);
        }

        ReadOnlySpan<byte> attribute = _vga.Attribute;
        for (int i = 0; i < 16; i++)
        {
            int color = attribute[i];
            color = (attribute[0x10] & 0x80) != 0 ? (color & 0x0F) | ((attribute[0x14] & 3) << 4) : color & 0x3F;
            _colors[i] = _palette[color | ((attribute[0x14] & 0x0C) << 4)];
        }
    }

    private void Touch(int top, int bottom)
    {
        _top = Math.Min(_top, top);
        _bottom = Math.Max(_bottom, bottom);
    }

    private Span<uint> Line(int y) => _pixels.AsSpan(y * Width, Width);
}
