using System.Buffers.Binary;
using System.Text;

namespace Emulator.Tests.Loaders;

/// <summary>Small kernels, made on the spot, for tests of the loaders.</summary>
internal static class KernelImages
{
    /// <summary>Physical address at which all of them load.</summary>
    public const uint Address = 0x100000;

    /// <summary>Offset of the protected-mode part of <see cref="Linux"/>.</summary>
    public const int LinuxSetupSize = 1024;

    /// <summary>A bzImage of boot protocol 2.15 with one setup sector; its 32-bit code is given.</summary>
    public static byte[] Linux(byte[] code, ushort version = 0x020F)
    {
        byte[] image = new byte[LinuxSetupSize + ((code.Length + 15) & ~15)];
        image[0x1F1] = 1;
        Write32(image, 0x1F4, (uint)((code.Length + 15) / 16));
        Write16(image, 0x1FE, 0xAA55);
        image[0x200] = 0xEB;
        image[0x201] = 0x6A;
        Write32(image, 0x202, 0x53726448);
        Write16(image, 0x206, version);
        Write16(image, 0x20E, 0x100);
        image[0x211] = 1;
        Write32(image, 0x214, Address);
        Write32(image, 0x22C, 0x7FFFFFFF);
        Write32(image, 0x230, 0x1000);
        image[0x234] = 1;
        Write32(image, 0x238, 2047);
        Write32(image, 0x258, 0x1000000);
        Write32(image, 0x260, 0x200000);
        Encoding.ASCII.GetBytes("6.1.0-test (me@here)").CopyTo(image, 0x300);
        code.CopyTo(image, LinuxSetupSize);
        return image;
    }

    /// <summary>A multiboot image that states its addresses: header first, then code.</summary>
    public static byte[] MultibootFlat(byte[] code, uint flags = 0x10000, uint bss = 0)
    {
        const int HeaderSize = 32;
        byte[] image = new byte[HeaderSize + code.Length];
        WriteHeader(image, 0, flags);
        Write32(image, 12, Address);
        Write32(image, 16, Address);
        Write32(image, 20, Address + (uint)image.Length);
        Write32(image, 24, bss == 0 ? 0 : Address + (uint)image.Length + bss);
        Write32(image, 28, Address + HeaderSize);
        code.CopyTo(image, HeaderSize);
        return image;
    }

    /// <summary>A multiboot ELF32 executable with one segment that begins with the multiboot header.</summary>
    public static byte[] MultibootElf(byte[] code, uint virtualAddress = Address, uint bss = 0x100)
    {
        const int Segment = 0x60;
        byte[] image = new byte[Segment + 12 + code.Length];
        Write32(image, 0, 0x464C457F);
        image[4] = image[5] = image[6] = 1;
        Write16(image, 16, 2);
        Write16(image, 18, 3);
        Write32(image, 20, 1);
        Write32(image, 24, virtualAddress + 12);
        Write32(image, 28, 52);
        Write16(image, 40, 52);
        Write16(image, 42, 32);
        Write16(image, 44, 1);
        uint size = (uint)(image.Length - Segment);
        Write32(image, 52, 1);
        Write32(image, 56, Segment);
        Write32(image, 60, virtualAddress);
        Write32(image, 64, Address);
        Write32(image, 68, size);
        Write32(image, 72, size + bss);
        Write32(image, 76, 7);
        WriteHeader(image, Segment, 3);
        code.CopyTo(image, Segment + 12);
        return image;
    }

    /// <summary>Writes a multiboot header with its checksum.</summary>
    public static void WriteHeader(byte[] image, int at, uint flags)
    {
        Write32(image, at, 0x1BADB002);
        Write32(image, at + 4, flags);
        Write32(image, at + 8, unchecked(0u - 0x1BADB002 - flags));
    }

    public static void Write16(byte[] image, int at, ushort value) => BinaryPrimitives.WriteUInt16LittleEndian(image.AsSpan(at), value);

    public static void Write32(byte[] image, int at, uint value) => BinaryPrimitives.WriteUInt32LittleEndian(image.AsSpan(at), value);
}
