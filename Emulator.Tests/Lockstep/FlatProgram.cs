using Emulator.Core.Machine;
using Emulator.Devices;
using Emulator.Devices.Loaders;

namespace Emulator.Tests.Lockstep;

/// <summary>A ROM that goes from real mode to flat protected mode and runs some code there, and a machine for it.</summary>
internal static class FlatProgram
{
    /// <summary>Where the ROM lies.</summary>
    public const uint Origin = 0x10000;

    /// <summary>Where the code begins: segments are flat, ESP is 90000h, ECX 0.</summary>
    public const uint Code = Origin + 0x58;

    /// <summary>Builds the ROM.</summary>
    /// <param name="pieces">Code, each with its place; one begins at <see cref="Code"/>, 80h to A0h is taken.</param>
    public static byte[] Build(params (uint Address, byte[] Bytes)[] pieces)
    {
        byte[] image = new byte[Math.Max(0x100, pieces.Max(p => p.Address + (uint)p.Bytes.Length - Origin))];
        byte[] start = [0xFA, 0x66, 0x2E, 0x0F, 0x01, 0x16, 0x30, 0x00, 0x0F, 0x20, 0xC0, 0x0C, 0x01, 0x0F, 0x22, 0xC0, 0x66, 0xEA, 0x40, 0x00, 0x01, 0x00, 0x08, 0x00];
        start.CopyTo(image, 0);
        BitConverter.TryWriteBytes(image.AsSpan(0x30), (ushort)0x17);
        BitConverter.TryWriteBytes(image.AsSpan(0x32), Origin + 0x80);
        BitConverter.TryWriteBytes(image.AsSpan(0x88), 0x00CF9B000000FFFF);
        BitConverter.TryWriteBytes(image.AsSpan(0x90), 0x00CF93000000FFFF);
        byte[] flat =
        [
            0xB8, 0x10, 0x00, 0x00, 0x00, 0x8E, 0xD8, 0x8E, 0xC0, 0x8E, 0xD0, 0xBC, 0x00, 0x00, 0x09, 0x00, 0x31, 0xC9, 0xEB, 0x04, 0x90, 0x90, 0x90, 0x90,
        ];
        flat.CopyTo(image, 0x40);
        foreach ((uint address, byte[] bytes) in pieces)
        {
            bytes.CopyTo(image, (int)(address - Origin));
        }

        return image;
    }

    /// <summary>A machine that starts at a ROM.</summary>
    /// <param name="image">The ROM.</param>
    /// <param name="address">Where it lies.</param>
    public static PcMachine Machine(byte[] image, uint address = Origin)
    {
        PcMachine machine = new(new PcMachineConfig { RamSize = 2 << 20, Clock = ClockMode.InstructionCount });
        machine.Attach(new BootFiles { Roms = [new RomImage(new GuestFile("program.bin", image), address)] });
        return machine;
    }
}
