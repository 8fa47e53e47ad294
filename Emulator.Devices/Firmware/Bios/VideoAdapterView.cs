using Emulator.Devices.Vga;

namespace Emulator.Devices.Firmware.Bios;

/// <summary>What the video BIOS looks at without a port; recorded with its calls (see <see cref="BiosPorts"/>).</summary>
/// <param name="vga">The adapter.</param>
/// <param name="ports">Records what is seen.</param>
internal sealed class VideoAdapterView(VgaAdapter vga, BiosPorts ports)
{
    public bool IsDispiEnabled => ports.Note(vga.IsDispiEnabled ? 1 : 0) != 0;

    public int DispiWidth => ports.Note(vga.DispiWidth);

    public int DispiHeight => ports.Note(vga.DispiHeight);

    public int DispiDepth => ports.Note(vga.DispiDepth);

    public int DispiPitch => ports.Note(vga.DispiPitch);

    /// <summary>The graphics controller's miscellaneous register: graphics mode, and where the window is.</summary>
    public int GraphicsWindow => ports.Note(vga.Graphics[6]);

    public uint ReadConfiguration(int register, int size) => (uint)ports.Note((int)vga.ReadConfiguration(register, size));
}
