using System.Buffers.Binary;
using Emulator.Devices.Vga;

namespace Emulator.Devices.Firmware.Bios;

/// <summary>VBE's description of a mode (VBE 3.0, function 01h: ModeInfoBlock).</summary>
internal static class VbeModeInfo
{
    private const int Supported = 0x0001;
    private const int ExtendedInformation = 0x0002;
    private const int TextOutput = 0x0004;
    private const int Color = 0x0008;
    private const int Graphics = 0x0010;
    private const int LinearFrameBuffer = 0x0080;
    private const byte WindowReadable = 0x07; // there, readable, writable
    private const ushort WindowKib = 64;
    private const uint HighestPixelClock = 400_000_000;

    /// <summary>Writes the block.</summary>
    /// <param name="mode">The mode.</param>
    /// <param name="frameBuffer">Physical address of the frame buffer; 0 when it is nowhere.</param>
    /// <param name="info">256 bytes.</param>
    public static void Write(VbeMode mode, uint frameBuffer, Span<byte> info)
    {
        info.Clear();
        bool linear = mode.Depth >= 8 && frameBuffer != 0;
        int images = Images(mode);
        Set(info, 0x00, Supported | ExtendedInformation | TextOutput | Color | (mode.IsText ? 0 : Graphics) | (linear ? LinearFrameBuffer : 0));
        info[0x02] = WindowReadable;
        Set(info, 0x04, mode.IsText ? 32 : WindowKib);
        Set(info, 0x06, mode.IsText ? 32 : WindowKib);
        Set(info, 0x08, mode.IsText ? 0xB800 : 0xA000);
        BinaryPrimitives.WriteUInt32LittleEndian(info[0x0C..], mode.IsText ? 0 : VideoRom.Pointer(VideoRom.WindowFunction));
        Set(info, 0x10, mode.Pitch);
        Set(info, 0x12, mode.Width);
        Set(info, 0x14, mode.Height);
        info[0x16] = 8;
        info[0x17] = (byte)mode.CharacterHeight;
        info[0x18] = mode.Depth switch { 0 or 4 => 4, _ => 1 };
        info[0x19] = mode.IsText ? (byte)4 : mode.Depth;
        info[0x1A] = 1;
        info[0x1B] = MemoryModel(mode);
        info[0x1D] = (byte)images;
        info[0x1E] = 1;
        WriteMasks(mode.Depth, info[0x1F..]);
        if (linear)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(info[0x28..], frameBuffer);
        }

        // VBE 3.0: the same for the linear frame buffer.
        Set(info, 0x32, linear ? mode.Pitch : 0);
        info[0x34] = (byte)images;
        info[0x35] = linear ? (byte)images : (byte)0;
        if (linear)
        {
            WriteMasks(mode.Depth, info[0x36..]);
        }

        BinaryPrimitives.WriteUInt32LittleEndian(info[0x3E..], mode.IsText ? 0 : HighestPixelClock);
    }

    /// <summary>Images besides the one that is shown.</summary>
    private static int Images(VbeMode mode)
    {
        const int Text = 0x8000;
        int size = mode.Pitch * mode.Height;
        int memory = mode.IsText ? Text : (int)VgaAdapter.VideoMemorySize / (mode.IsPlanar ? 4 : 1);
        return Math.Min((memory / size) - 1, 0xFF);
    }

    private static byte MemoryModel(VbeMode mode) => mode.Depth switch { 0 => 0, 4 => 3, 8 => 4, _ => 6 };

    /// <summary>Size and position of red, green, blue and what is left over.</summary>
    private static void WriteMasks(int depth, Span<byte> info)
    {
        ReadOnlySpan<byte> masks = depth switch
        {
            15 => [5, 10, 5, 5, 5, 0, 1, 15],
            16 => [5, 11, 6, 5, 5, 0, 0, 0],
            24 => [8, 16, 8, 8, 8, 0, 0, 0],
            32 => [8, 16, 8, 8, 8, 0, 8, 24],
            _ => [0, 0, 0, 0, 0, 0, 0, 0],
        };
        masks.CopyTo(info);
    }

    private static void Set(Span<byte> info, int offset, int value) => BinaryPrimitives.WriteUInt16LittleEndian(info[offset..], (ushort)value);
}
