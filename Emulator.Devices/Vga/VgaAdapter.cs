// A VGA with the Bochs VBE ("dispi") interface on PCI: IBM VGA (PS/2 Hardware Interface Technical Reference, video subsystem) and the Bochs VBE
// interface, version B0C5.
//
// Modelled: sequencer, CRTC, graphics controller, attribute controller, DAC, miscellaneous output, input status with retrace from virtual time;
// 256 KiB in four planes with latches, all read and write modes, chain-4 and odd/even addressing; PCI function 1234:1111 with the linear frame
// buffer (BAR 0, 16 MiB), registers in memory (BAR 2: 0-7Fh EDID, 400h-41Fh ports 3C0h-3DFh, 500h-515h dispi, 600h-607h byte order, little-endian only)
// and an option ROM. Dispi modes of 4, 8, 15, 16, 24 and 32 bits.
//
// Left out: changes of registers within a frame (a frame is drawn with the registers of its end), the vertical interrupt, EGA's light pen,
// sense comparison (input status 0 always reports a color monitor), DDC, external dot clocks, the 3C3h sleep bit.
// The legacy ports and A0000h-BFFFFh answer whatever the PCI command register says.
//
// Ports: 3B4h, 3B5h, 3BAh, 3C0h-3CFh, 3D4h, 3D5h, 3DAh; 1CEh-1D0h. No interrupt.
using Emulator.Core.Machine;
using Emulator.Core.Memory;
using Emulator.Core.Snapshot;
using Emulator.Devices.Pci;

namespace Emulator.Devices.Vga;

/// <summary>The display adapter. What it shows is read through <see cref="VgaScreen"/>.</summary>
public sealed unsafe partial class VgaAdapter : PciFunction
{
    /// <summary>Bytes of video memory.</summary>
    public const uint VideoMemorySize = 16u << 20;

    /// <summary>Largest option ROM in bytes.</summary>
    public const int MaximumRom = 0x10000;

    private const uint WindowStart = 0xA0000;
    private const uint WindowSize = 0x20000;
    private const uint BankSize = 0x10000;
    private const uint RegistersSize = 0x1000;
    private const int CommandMemoryAndPorts = 3;
    private const int FirstBar = 0x10;

    private readonly Clock _clock;
    private readonly PhysicalMemory _memory;
    private readonly DeviceMemory _video = new(VideoMemorySize);
    private readonly MappedRegisters _mapped;
    private DeviceMemory? _rom;

    /// <summary>Creates the adapter and takes A0000h to BFFFFh.</summary>
    /// <param name="clock">Virtual time.</param>
    /// <param name="memory">Physical memory.</param>
    public VgaAdapter(Clock clock, PhysicalMemory memory)
        : base("vga", 0x1234, 0x1111, 0x030000, 0x02)
    {
        ArgumentNullException.ThrowIfNull(memory);
        _clock = clock;
        _memory = memory;
        _plane = _video.Data;
        _mapped = new MappedRegisters(this);
        Define(CommandRegister, 2, 0, CommandMemoryAndPorts);
        Define(0x2C, 4, 0x1100_1AF4, 0);
        DefineBar(0, isPorts: false, VideoMemorySize, OnFrameBufferMoved, prefetchable: true);
        DefineBar(2, isPorts: false, RegistersSize, OnRegistersMoved);
        memory.MapDevice(WindowStart, WindowSize, this, &ReadWindow, &WriteWindow, &PeekWindow);
        ResetRegisters();
    }

    /// <summary>Video memory. In planar modes the byte of plane p at offset o lies at ((o &amp; 3) &lt;&lt; 16) | (o &amp; FFFCh) | p.</summary>
    public DeviceMemory VideoMemory => _video;

    /// <summary>Installs the option ROM, which firmware finds through its base address register; done once, before the machine runs.</summary>
    /// <param name="image">The image.</param>
    /// <exception cref="ArgumentException">The image is empty, larger than <see cref="MaximumRom"/>, or one is installed already.</exception>
    public void InstallRom(ReadOnlySpan<byte> image)
    {
        if (image.IsEmpty || image.Length > MaximumRom || _rom is not null)
        {
            throw new ArgumentException($"a video ROM has 1 to {MaximumRom} bytes, and there is one", nameof(image));
        }

        uint size = PhysicalMemory.PageSize;
        while (size < (uint)image.Length)
        {
            size *= 2;
        }

        _rom = new DeviceMemory(size);
        _rom.Bytes.Fill(0xFF);
        image.CopyTo(_rom.Bytes);
        DefineRomBar(size, bar =>
        {
            if (bar.IsMapped)
            {
                _memory.MapDeviceMemory(bar.Address, bar.Size, _rom, 0, writable: false);
            }
            else
            {
                _memory.UnmapDeviceMemory(bar.Address, bar.Size, _rom);
            }
        });
    }

    /// <summary>What firmware does on the bus before it starts an operating system: base addresses, decoding.</summary>
    /// <param name="frameBuffer">Physical address of the linear frame buffer, a multiple of its size.</param>
    /// <param name="registers">Physical address of the registers, a multiple of 4096.</param>
    public void Enable(uint frameBuffer, uint registers)
    {
        WriteConfiguration(FirstBar, 4, frameBuffer);
        WriteConfiguration(FirstBar + 8, 4, registers);
        WriteConfiguration(CommandRegister, 2, CommandMemoryAndPorts);
    }

    /// <inheritdoc/>
    public override void Reset()
    {
        base.Reset();
        ResetRegisters();
        UpdateWindow();
    }

    /// <inheritdoc/>
    public override void Serialize(StateArchive archive)
    {
        ArgumentNullException.ThrowIfNull(archive);
        base.Serialize(archive);
        if (archive.IsLoading)
        {
            LeaveText();
        }
        else
        {
            SynchronizeText();
        }

        SerializeRegisters(archive);
        SerializeMemory(archive);
        if (archive.IsLoading)
        {
            UpdateWindow();
            Changed();
        }
    }

    private void OnFrameBufferMoved(PciBar bar)
    {
        if (bar.IsMapped)
        {
            _memory.MapDeviceMemory(bar.Address, bar.Size, _video, 0, writable: true);
        }
        else
        {
            _memory.UnmapDeviceMemory(bar.Address, bar.Size, _video);
        }
    }

    private void OnRegistersMoved(PciBar bar)
    {
        if (bar.IsMapped)
        {
            _memory.MapDeviceFree(bar.Address, bar.Size, _mapped, &ReadRegisters, &WriteRegisters, &PeekRegisters);
        }
        else
        {
            _memory.UnmapDevice(bar.Address, bar.Size, _mapped);
        }
    }

    /// <summary>Video memory as a bit for each page, and the pages that are not all zero.</summary>
    private void SerializeMemory(StateArchive archive)
    {
        const int Page = (int)PhysicalMemory.PageSize;
        int pages = _video.Bytes.Length / Page;
        byte[] map = new byte[pages / 8];
        byte[] data = [];
        if (!archive.IsLoading)
        {
            using MemoryStream stored = new();
            for (int i = 0; i < pages; i++)
            {
                Span<byte> page = _video.Bytes.Slice(i * Page, Page);
                if (page.ContainsAnyExcept((byte)0))
                {
                    map[i >> 3] |= (byte)(1 << (i & 7));
                    stored.Write(page);
                }
            }

            data = stored.ToArray();
        }

        archive.Array<byte>("memory.map", map);
        archive.Variable("memory.pages", ref data, _video.Bytes.Length);
        if (archive.IsLoading)
        {
            int at = 0;
            for (int i = 0; i < pages; i++)
            {
                Span<byte> page = _video.Bytes.Slice(i * Page, Page);
                if ((map[i >> 3] & (1 << (i & 7))) == 0)
                {
                    page.Clear();
                    continue;
                }

                archive.Check(data.Length - at >= Page, "memory.pages");
                data.AsSpan(at, Page).CopyTo(page);
                at += Page;
            }

            archive.Check(at == data.Length, "memory.pages");
            _video.MarkAllDirty();
        }
    }

    /// <summary>The owner of BAR 2's pages, which are told apart from those of the window by it.</summary>
    private sealed record MappedRegisters(VgaAdapter Vga);
}
