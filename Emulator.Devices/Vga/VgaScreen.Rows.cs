namespace Emulator.Devices.Vga;

/// <content>The CRTC's way through video memory, which text and graphics share.</content>
public sealed partial class VgaScreen
{
    /// <summary>Address of the first character clock of each scan line, and its row scan, by the CRTC's counters.</summary>
    private ref struct RowCounter
    {
        private readonly int _maximum;
        private readonly int _offset;
        private readonly int _lineCompare;
        private readonly bool _doubleScan;
        private bool _second;
        private int _scanLine;

        public RowCounter(ReadOnlySpan<byte> crtc)
        {
            _maximum = crtc[9] & 0x1F;
            _offset = crtc[0x13] * 2;
            _lineCompare = crtc[0x18] | ((crtc[7] & 0x10) << 4) | ((crtc[9] & 0x40) << 3);
            _doubleScan = (crtc[9] & 0x80) != 0;
            Address = (crtc[0x0C] << 8) | crtc[0x0D];
            BytePanning = (crtc[8] >> 5) & 3;
            RowScan = crtc[8] & 0x1F;
        }

        /// <summary>Memory address counter at the start of the line.</summary>
        public int Address { get; private set; }

        /// <summary>Line within a character row.</summary>
        public int RowScan { get; private set; }

        /// <summary>Character clocks that the line starts later.</summary>
        public int BytePanning { get; private set; }

        /// <summary>Number of the character row.</summary>
        public int Row { get; private set; }

        /// <summary>Whether the line is behind the line compare value: panning may be off.</summary>
        public bool IsSplit { get; private set; }

        /// <summary>Moves to the next scan line.</summary>
        public void Next()
        {
            if (_scanLine++ == _lineCompare)
            {
                Address = 0;
                RowScan = 0;
                BytePanning = 0;
                Row++;
                IsSplit = true;
                _second = false;
                return;
            }

            if (_doubleScan && !_second)
            {
                _second = true;
                return;
            }

            _second = false;
            if (RowScan == _maximum)
            {
                RowScan = 0;
                Row++;
                Address = (Address + _offset) & 0xFFFF;
            }
            else
            {
                RowScan = (RowScan + 1) & 0x1F;
            }
        }
    }

    /// <summary>Offset in the planes of a value of the memory address counter.</summary>
    private uint Translate(int counter, int rowScan)
    {
        ReadOnlySpan<byte> crtc = _vga.Crtc;
        uint address = (uint)counter & 0xFFFF;
        if ((crtc[0x14] & 0x40) != 0)
        {
            address = (address << 2) | ((address >> 14) & 3);
        }
        else if ((crtc[0x17] & 0x40) == 0)
        {
            address = (address << 1) | ((address >> ((crtc[0x17] & 0x20) != 0 ? 15 : 13)) & 1);
        }

        if ((crtc[0x17] & 1) == 0)
        {
            address = (address & ~0x2000u) | ((uint)(rowScan & 1) << 13);
        }

        if ((crtc[0x17] & 2) == 0)
        {
            address = (address & ~0x4000u) | ((uint)((rowScan >> 1) & 1) << 14);
        }

        return address & 0xFFFF;
    }

    private unsafe uint Planes(uint offset) => *(uint*)(_vga.VideoMemory.Data + VgaAdapter.PlaneIndex(offset));

    /// <summary>Dots by which a line is moved to the left.</summary>
    private int Panning(bool split, bool nineDots)
    {
        int value = _vga.Attribute[0x13] & 0x0F;
        if (split && (_vga.Attribute[0x10] & 0x20) != 0)
        {
            return 0;
        }

        if (nineDots)
        {
            return value >= 8 ? 0 : value + 1;
        }

        return value & 7;
    }
}
