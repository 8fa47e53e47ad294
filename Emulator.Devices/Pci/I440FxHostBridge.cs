// Intel 82441FX PMC, the host bridge of the 440FX chip set (datasheet 290549): PCI device 0, identification 8086:1237.
//
// Modelled: the header, the PAM registers 59h-5Fh that choose for each part of C0000h-FFFFFh whether reads and writes go to RAM or to PCI,
// where the ROMs are, DRAM row boundaries, the lock of SMRAM (72h). In a machine without firmware, pages without ROM are RAM whatever PAM says. The other registers are
// latches: timing, ECC. There is no system management mode, so SMRAM stays closed to all: D_OPEN has no effect. The subsystem identification is the one by which PC firmware made for virtual machines
// recognizes its board.
using Emulator.Core.Memory;
using Emulator.Core.Snapshot;

namespace Emulator.Devices.Pci;

/// <summary>The host bridge: shadow RAM control.</summary>
public sealed unsafe class I440FxHostBridge : PciFunction
{
    private const int Pam0 = 0x59;
    private const int PamCount = 7;
    private const int Smram = 0x72;
    private const byte SmramOpen = 0x40;
    private const byte SmramLocked = 0x10;
    private const int ReadEnable = 1;
    private const int WriteEnable = 2;
    private const uint ShadowStart = 0xC0000;
    private const uint SystemRomStart = 0xF0000;
    private const uint SegmentSize = 0x4000;
    private const uint RowUnit = 8u << 20;

    private readonly PhysicalMemory _memory;
    private readonly byte[] _applied = new byte[PamCount];
    private bool _hasFirmware;
    private byte _smram;

    /// <summary>Creates the bridge.</summary>
    /// <param name="memory">The memory whose shadow area it controls.</param>
    public I440FxHostBridge(PhysicalMemory memory)
        : base("i440fx", 0x8086, 0x1237, 0x060000, 0x02)
    {
        ArgumentNullException.ThrowIfNull(memory);
        _memory = memory;
        Define(CommandRegister, 2, 0x0006, 0x0140);
        Define(StatusRegister, 2, 0x0280, 0, 0x7000);
        Define(0x0D, 1, 0, 0xF8);
        Define(0x2C, 4, 0x1100_1AF4, 0);
        Define(0x50, 2, 0x0000, 0xFF7B);
        Define(0x52, 2, 0x0000, 0xFFFF);
        Define(0x54, 4, 0x0000_0000, 0xFFFF_FFFF);
        Define(0x58, 1, 0x01, 0x3F);
        for (int i = 0; i < PamCount; i++)
        {
            Define(Pam0 + i, 1, 0x00, i == 0 ? 0x30u : 0x33u);
        }

        uint rows = Math.Min(memory.RamSize / RowUnit, 0xFF);
        for (int i = 0; i < 8; i++)
        {
            Define(0x60 + i, 1, rows, 0xFF);
        }

        Define(0x68, 1, 0x00, 0xC0);
        Define(0x70, 1, 0x00, 0xF0);
        Define(0x71, 1, 0x10, 0x3F);
        Define(Smram, 1, 0x02, 0x78);
        Define(0x90, 1, 0x00, 0x9F);
        Define(0x91, 1, 0x00, 0, 0x11);
        Define(0x93, 1, 0x00, 0x0F);
    }

    /// <inheritdoc/>
    public override void Reset()
    {
        base.Reset();
        _smram = (byte)ReadConfiguration(Smram, 1);
        ApplyPam();
    }

    /// <inheritdoc/>
    public override void Serialize(StateArchive archive)
    {
        ArgumentNullException.ThrowIfNull(archive);
        base.Serialize(archive);
        if (archive.IsLoading)
        {
            _smram = (byte)ReadConfiguration(Smram, 1);
            ApplyPam();
        }
    }

    /// <inheritdoc/>
    protected override void OnWritten(int offset, int size)
    {
        if (offset < Pam0 + PamCount && offset + size > Pam0)
        {
            ApplyPam();
        }

        if (offset <= Smram && offset + size > Smram)
        {
            // D_LCK closes the window, and nothing but a reset changes the register from then on.
            byte value = (_smram & SmramLocked) != 0 ? _smram : (byte)ReadConfiguration(Smram, 1);
            _smram = (value & SmramLocked) != 0 ? (byte)(value & ~SmramOpen) : value;
            Poke(Smram, _smram);
        }
    }

    /// <summary>Says that the machine starts from firmware, which enables RAM itself: from now on pages that PAM sends to PCI and that have no
    /// ROM are empty.</summary>
    public void UseFirmware()
    {
        _hasFirmware = true;
        ApplyPam(all: true);
    }

    /// <summary>What firmware does to use RAM between C0000h and EFFFFh.</summary>
    /// <param name="start">First address, a multiple of 16 KiB.</param>
    /// <param name="length">Bytes, a multiple of 16 KiB.</param>
    public void EnableRam(uint start, uint length)
    {
        for (uint segment = (start - ShadowStart) / SegmentSize; segment < (start + length - ShadowStart) / SegmentSize; segment++)
        {
            int register = Pam0 + 1 + (int)(segment / 2);
            uint both = ReadEnable | WriteEnable;
            WriteConfiguration(register, 1, ReadConfiguration(register, 1) | (segment % 2 == 0 ? both : both << 4));
        }
    }

    private static ulong ReadRom(object target, uint address, int size)
    {
        I440FxHostBridge bridge = (I440FxHostBridge)target;
        ulong value = 0;
        for (int i = 0; i < size; i++)
        {
            byte* page = bridge._memory.RomPage(address);
            ulong part = page == null ? 0xFFul : page[(address + (uint)i) & (PhysicalMemory.PageSize - 1)];
            value |= part << (8 * i);
        }

        return value;
    }

    private static void WriteRam(object target, uint address, int size, ulong value)
    {
        PhysicalMemory memory = ((I440FxHostBridge)target)._memory;
        for (int i = 0; i < size && address + (uint)i < memory.RamSize; i++)
        {
            memory.Ram[address + (uint)i] = (byte)(value >> (8 * i));
        }
    }

    private void ApplyPam(bool all = false)
    {
        for (int i = 0; i < PamCount; i++)
        {
            byte value = (byte)ReadConfiguration(Pam0 + i, 1);
            if (value == _applied[i] && !all)
            {
                continue;
            }

            _applied[i] = value;
            if (i == 0)
            {
                ApplySegment(SystemRomStart, 4 * SegmentSize, value >> 4);
            }
            else
            {
                uint start = ShadowStart + ((uint)(i - 1) * 2 * SegmentSize);
                ApplySegment(start, SegmentSize, value & 3);
                ApplySegment(start + SegmentSize, SegmentSize, value >> 4);
            }
        }
    }

    /// <summary>Pages with ROM follow the register; the others do in a machine with firmware, and are RAM in one without.</summary>
    private void ApplySegment(uint start, uint length, int attributes)
    {
        for (uint at = start; at < start + length;)
        {
            uint end = at;
            while (end < start + length && (_hasFirmware || _memory.HasRom(end)))
            {
                end += PhysicalMemory.PageSize;
            }

            if (end > at)
            {
                Show(at, end - at, attributes);
            }

            at = end + PhysicalMemory.PageSize;
        }
    }

    private void Show(uint start, uint length, int attributes)
    {
        switch (attributes & (ReadEnable | WriteEnable))
        {
            case 0:
                _memory.ShowRom(start, length);
                break;
            case WriteEnable:
                _memory.ShowDevice(start, length, this, &ReadRom, &WriteRam, &ReadRom);
                break;
            default:
                _memory.ShowRam(start, length, (attributes & WriteEnable) != 0);
                break;
        }
    }
}
