using Emulator.Core.Snapshot;

namespace Emulator.Devices.Vga;

/// <content>The Bochs VBE interface: an index port, a data port, eleven registers.</content>
public sealed unsafe partial class VgaAdapter
{
    /// <summary>Widest dispi mode in pixels.</summary>
    public const int MaximumWidth = 2560;

    /// <summary>Highest dispi mode in lines.</summary>
    public const int MaximumHeight = 1600;

    private const int DispiRegisters = 11;
    private const int DispiId = 0;
    private const int DispiX = 1;
    private const int DispiY = 2;
    private const int DispiBpp = 3;
    private const int DispiEnable = 4;
    private const int DispiBank = 5;
    private const int DispiVirtualWidth = 6;
    private const int DispiVirtualHeight = 7;
    private const int DispiXOffset = 8;
    private const int DispiYOffset = 9;
    private const int DispiMemory64K = 10;
    private const ushort LowestId = 0xB0C0;
    private const ushort HighestId = 0xB0C5;
    private const ushort DispiEnabled = 0x01;
    private const ushort DispiGetCapabilities = 0x02;
    private const ushort Dispi8BitDac = 0x20;
    private const ushort DispiNoClear = 0x80;
    private const ushort DispiEnableMask = 0xE3;
    private const int MaximumVirtualWidth = 8192;

    private readonly ushort[] _dispi = new ushort[DispiRegisters];
    private ushort _dispiIndex;

    /// <summary>Whether a dispi mode is shown instead of what the VGA registers say.</summary>
    internal bool IsDispiEnabled => (_dispi[DispiEnable] & DispiEnabled) != 0;

    /// <summary>Pixels shown in a line.</summary>
    internal int DispiWidth => _dispi[DispiX];

    /// <summary>Lines shown.</summary>
    internal int DispiHeight => _dispi[DispiY];

    /// <summary>Bits of a pixel: 4, 8, 15, 16, 24 or 32.</summary>
    internal int DispiDepth => _dispi[DispiBpp];

    /// <summary>Bytes from one line to the next; of one plane with 4 bits.</summary>
    internal int DispiPitch => Pitch(_dispi[DispiVirtualWidth], _dispi[DispiBpp]);

    /// <summary>First pixel shown: column.</summary>
    internal int DispiLeft => _dispi[DispiXOffset];

    /// <summary>First pixel shown: line.</summary>
    internal int DispiTop => _dispi[DispiYOffset];

    private static int Pitch(int width, int depth) => depth == 4 ? width / 8 : width * ((depth + 7) / 8);

    private static uint ReadDispiPort(object target, ushort port, int size)
    {
        VgaAdapter vga = (VgaAdapter)target;
        return port == 0x1CE ? vga._dispiIndex : vga.ReadDispi(vga._dispiIndex);
    }

    private static void WriteDispiPort(object target, ushort port, int size, uint value)
    {
        VgaAdapter vga = (VgaAdapter)target;
        if (port == 0x1CE)
        {
            vga._dispiIndex = (ushort)value;
        }
        else
        {
            vga.WriteDispi(vga._dispiIndex, (ushort)value);
        }
    }

    private ushort ReadDispi(int index)
    {
        bool capabilities = (_dispi[DispiEnable] & DispiGetCapabilities) != 0;
        return index switch
        {
            DispiX when capabilities => MaximumWidth,
            DispiY when capabilities => MaximumHeight,
            DispiBpp when capabilities => 32,
            DispiVirtualHeight => (ushort)Math.Min(LinesOf(_dispi[DispiVirtualWidth], _dispi[DispiBpp]), ushort.MaxValue),
            DispiMemory64K => (ushort)(VideoMemorySize >> 16),
            >= 0 and < DispiRegisters => _dispi[index],
            _ => 0,
        };
    }

    private void WriteDispi(int index, ushort value)
    {
        switch (index)
        {
            case DispiId when value is >= LowestId and <= HighestId:
                _dispi[DispiId] = value;
                break;
            case DispiX or DispiY or DispiBpp when !IsDispiEnabled:
                _dispi[index] = value;
                break;
            case DispiEnable:
                WriteDispiEnable(value);
                break;
            case DispiBank when value < VideoMemorySize / BankSize:
                _dispi[DispiBank] = value;
                UpdateWindow();
                break;
            case DispiVirtualWidth when IsDispiEnabled && IsVirtualWidth(value):
                _dispi[DispiVirtualWidth] = value;
                LimitOffsets();
                Changed();
                break;
            case DispiXOffset or DispiYOffset when IsDispiEnabled:
                _dispi[index] = value;
                LimitOffsets();
                Changed();
                break;
            default:
                break;
        }
    }

    private void WriteDispiEnable(ushort value)
    {
        bool wasEnabled = IsDispiEnabled;
        value &= DispiEnableMask;
        if ((value & DispiEnabled) != 0 && !wasEnabled)
        {
            if (!IsMode(_dispi[DispiX], _dispi[DispiY], _dispi[DispiBpp]))
            {
                value &= unchecked((ushort)~DispiEnabled);
            }
            else
            {
                _dispi[DispiVirtualWidth] = _dispi[DispiX];
                _dispi[DispiXOffset] = _dispi[DispiYOffset] = 0;
                if ((value & DispiNoClear) == 0)
                {
                    SynchronizeText();
                    _video.Bytes.Clear();
                    _video.MarkAllDirty();
                }
            }
        }

        _dispi[DispiEnable] = value;
        Dac.IsEightBit = (value & Dispi8BitDac) != 0;
        Changed();
        UpdateWindow();
    }

    private static bool IsMode(int width, int height, int depth) => depth is 4 or 8 or 15 or 16 or 24 or 32
        && width is >= 8 and <= MaximumWidth && (width & 7) == 0 && height is >= 1 and <= MaximumHeight
        && height <= LinesOf(width, depth);

    private bool IsVirtualWidth(int width) => width >= DispiWidth && width <= MaximumVirtualWidth && (width & 7) == 0 && LinesOf(width, DispiDepth) >= DispiHeight;

    private static int LinesOf(int width, int depth)
    {
        int pitch = Pitch(width, depth);
        return pitch == 0 ? 0 : (int)(depth == 4 ? VideoMemorySize / 4 : VideoMemorySize) / pitch;
    }

    /// <summary>Keeps what is shown within video memory.</summary>
    private void LimitOffsets()
    {
        _dispi[DispiXOffset] = (ushort)Math.Min(_dispi[DispiXOffset], _dispi[DispiVirtualWidth] - _dispi[DispiX]);
        int lines = LinesOf(_dispi[DispiVirtualWidth], _dispi[DispiBpp]);
        _dispi[DispiYOffset] = (ushort)Math.Min(_dispi[DispiYOffset], lines - _dispi[DispiY]);
    }

    private void ResetDispi()
    {
        Array.Clear(_dispi);
        _dispi[DispiId] = HighestId;
        _dispi[DispiBpp] = 8;
        _dispiIndex = 0;
    }

    private void SerializeDispi(StateArchive archive)
    {
        archive.Array<ushort>("dispi", _dispi);
        archive.Field("dispiIndex", ref _dispiIndex);
        if (archive.IsLoading)
        {
            archive.Check(_dispi[DispiId] is >= LowestId and <= HighestId && _dispi[DispiBank] < VideoMemorySize / BankSize, "dispi");
            if (IsDispiEnabled)
            {
                archive.Check(IsMode(DispiWidth, DispiHeight, DispiDepth) && IsVirtualWidth(_dispi[DispiVirtualWidth]), "dispi");
                LimitOffsets();
            }
        }
    }
}
