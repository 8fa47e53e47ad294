// Intel 82441FX PMC, the host bridge of the 440FX chip set (datasheet 290549): PCI device 0, identification 8086:1237.
//
// Modelled: the header, the PAM registers 59h-5Fh that turn ROM at C0000h-FFFFFh into shadow RAM, DRAM row boundaries. Pages without ROM are
// RAM whatever PAM says, so that machines without firmware have it. A segment that reads ROM and writes RAM (used while a BIOS copies itself)
// shows the ROM's contents as RAM from the moment it is enabled. The other registers are latches: timing, ECC, SMRAM (no system
// management mode).
using Emulator.Core.Memory;
using Emulator.Core.Snapshot;

namespace Emulator.Devices.Pci;

/// <summary>The host bridge: shadow RAM control.</summary>
public sealed class I440FxHostBridge : PciFunction
{
    private const int Pam0 = 0x59;
    private const int PamCount = 7;
    private const int ReadEnable = 1;
    private const int WriteEnable = 2;
    private const uint ShadowStart = 0xC0000;
    private const uint SystemRomStart = 0xF0000;
    private const uint SegmentSize = 0x4000;
    private const uint RowUnit = 8u << 20;

    private readonly PhysicalMemory _memory;
    private readonly byte[] _applied = new byte[PamCount];

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
        Define(0x72, 1, 0x02, 0x78);
        Define(0x90, 1, 0x00, 0x9F);
        Define(0x91, 1, 0x00, 0, 0x11);
        Define(0x93, 1, 0x00, 0x0F);
    }

    /// <inheritdoc/>
    public override void Reset()
    {
        base.Reset();
        ApplyPam();
    }

    /// <inheritdoc/>
    public override void Serialize(StateArchive archive)
    {
        ArgumentNullException.ThrowIfNull(archive);
        base.Serialize(archive);
        if (archive.IsLoading)
        {
            ApplyPam(copy: false); // RAM holds what was copied
        }
    }

    /// <inheritdoc/>
    protected override void OnWritten(int offset, int size)
    {
        if (offset < Pam0 + PamCount && offset + size > Pam0)
        {
            ApplyPam();
        }
    }

    private void ApplyPam(bool copy = true)
    {
        for (int i = 0; i < PamCount; i++)
        {
            byte value = (byte)ReadConfiguration(Pam0 + i, 1);
            if (value == _applied[i])
            {
                continue;
            }

            _applied[i] = value;
            if (i == 0)
            {
                ApplySegment(SystemRomStart, 4 * SegmentSize, value >> 4, copy);
            }
            else
            {
                uint start = ShadowStart + ((uint)(i - 1) * 2 * SegmentSize);
                ApplySegment(start, SegmentSize, value & 3, copy);
                ApplySegment(start + SegmentSize, SegmentSize, value >> 4, copy);
            }
        }
    }

    private void ApplySegment(uint start, uint length, int attributes, bool copy)
    {
        for (uint page = start; page < start + length; page += PhysicalMemory.PageSize)
        {
            if (!_memory.HasRom(page))
            {
                continue;
            }

            switch (attributes & (ReadEnable | WriteEnable))
            {
                case 0:
                    _memory.RestoreRom(page);
                    break;
                case ReadEnable:
                    _memory.MapRamReadOnly(page, page, PhysicalMemory.PageSize);
                    break;
                case WriteEnable when copy:
                    CopyRom(page);
                    break;
                default:
                    _memory.MapRam(page, page, PhysicalMemory.PageSize);
                    break;
            }
        }
    }

    private void CopyRom(uint page)
    {
        byte[] contents = new byte[PhysicalMemory.PageSize];
        _memory.RestoreRom(page);
        _memory.ReadBlock(page, contents);
        _memory.MapRam(page, page, PhysicalMemory.PageSize);
        _memory.WriteBlock(page, contents);
    }
}
