using Emulator.Devices;

namespace Emulator.Tests.Lockstep;

/// <summary>A <see cref="FlatProgram"/> with paging: pages 20h to 27h are mapped in reverse, so that neighbours are none in physical memory.</summary>
internal static class PagedProgram
{
    /// <summary>Linear and physical address of the pages in reverse.</summary>
    public const uint Data = 0x20000;

    /// <summary>Bytes there.</summary>
    public const int DataLength = 0x8000;

    /// <summary>Where the code begins.</summary>
    public const uint Body = FlatProgram.Origin + 0xC0;

    private const uint Directory = 0x30000;

    /// <summary>Loads CR3, sets CR0.PG, jumps to the body.</summary>
    private static readonly byte[] Start = [0xB8, 0, 0, 3, 0, 0x0F, 0x22, 0xD8, 0x0F, 0x20, 0xC0, 0x0D, 0, 0, 0, 0x80, 0x0F, 0x22, 0xC0, 0xE9, 0x50, 0, 0, 0];

    /// <summary>A machine with the code in its ROM.</summary>
    /// <param name="body">The code.</param>
    public static PcMachine Machine(byte[] body)
    {
        PcMachine machine = FlatProgram.Machine(FlatProgram.Build((FlatProgram.Code, Start), (Body, body)));
        machine.Memory.Write(Directory, Directory + 0x1067);
        for (uint page = 0; page < 512; page++)
        {
            uint physical = page is >= 0x20 and < 0x28 ? 0x47 - page : page;
            machine.Memory.Write(Directory + 0x1000 + (page * 4), (physical << 12) | 0x67);
        }

        return machine;
    }

    /// <summary>The data, in physical order.</summary>
    /// <param name="machine">The machine.</param>
    public static byte[] Memory(PcMachine machine)
    {
        byte[] bytes = new byte[DataLength];
        machine.Memory.ReadBlock(Data, bytes);
        return bytes;
    }
}
