using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace Emulator.Benchmarks.Kernels;

/// <summary>
/// A system ROM of ours that holds a kernel, for an emulator without <c>-kernel</c>: from the reset vector it enters flat protected mode, copies the
/// kernel to its address and jumps to it. No firmware runs.
/// </summary>
internal static class BochsRom
{
    /// <summary>Bytes of the ROM.</summary>
    public const int Size = 0x80000;

    /// <summary>Physical address of the ROM: it ends at 4 GiB.</summary>
    public const uint Address = 0xFFF80000;

    private const int LoaderOffset = 0x7F000;
    private const int GdtOffset = 0x7FE00;
    private const int ResetOffset = 0x7FFF0;

    /// <summary>Builds the ROM.</summary>
    /// <param name="elf">A patched kernel.</param>
    public static byte[] Build(byte[] elf)
    {
        (uint entry, IReadOnlyList<(uint Address, ReadOnlyMemory<byte> Bytes)> segments) = KernelCatalog.ReadElf(elf);
        byte[] rom = new byte[Size];
        Assembler loader = new(32);
        loader.mov(eax, 0x10);
        loader.mov(ds, eax);
        loader.mov(es, eax);
        loader.mov(ss, eax);
        loader.cld();
        int at = 0;
        foreach ((uint address, ReadOnlyMemory<byte> bytes) in segments)
        {
            bytes.Span.CopyTo(rom.AsSpan(at));
            loader.mov(esi, Address + (uint)at);
            loader.mov(edi, address);
            loader.mov(ecx, (uint)((bytes.Length + 3) / 4));
            loader.rep.movsd();
            at = (at + bytes.Length + 15) & ~15;
        }

        loader.mov(eax, entry);
        loader.jmp(eax);
        using MemoryStream code = new();
        loader.Assemble(new StreamCodeWriter(code), Address + LoaderOffset);
        code.ToArray().CopyTo(rom.AsSpan(LoaderOffset));

        // Flat code at selector 8, flat data at 10h; the descriptor table's own descriptor stands in the null entry.
        ReadOnlySpan<byte> gdt = [0xFF, 0xFF, 0, 0, 0, 0x9B, 0xCF, 0, 0xFF, 0xFF, 0, 0, 0, 0x93, 0xCF, 0];
        gdt.CopyTo(rom.AsSpan(GdtOffset + 8));
        BitConverter.TryWriteBytes(rom.AsSpan(GdtOffset), (ushort)23);
        BitConverter.TryWriteBytes(rom.AsSpan(GdtOffset + 2), Address + GdtOffset);

        // From the reset vector CS has the base FFFF0000h, so the ROM's last 64 KiB are addressed by their low 16 bits. A20 passes at reset.
        const int Entry16Offset = 0x7FF00;
        ReadOnlySpan<byte> entry16 =
        [
            0xFA, // cli
            0x2E, 0x66, 0x0F, 0x01, 0x16, GdtOffset & 0xFF, (GdtOffset >> 8) & 0xFF, // o32 lgdt [cs:gdt]
            0x0F, 0x20, 0xC0, // mov eax, cr0
            0x0C, 0x01, // or al, 1
            0x0F, 0x22, 0xC0, // mov cr0, eax
            0x66, 0xEA, // jmp far 8:loader
        ];
        entry16.CopyTo(rom.AsSpan(Entry16Offset));
        BitConverter.TryWriteBytes(rom.AsSpan(Entry16Offset + entry16.Length), Address + LoaderOffset);
        BitConverter.TryWriteBytes(rom.AsSpan(Entry16Offset + entry16.Length + 4), (ushort)8);

        // E9: near jump back to the 16-bit entry.
        rom[ResetOffset] = 0xE9;
        BitConverter.TryWriteBytes(rom.AsSpan(ResetOffset + 1), (short)(Entry16Offset - (ResetOffset + 3)));
        return rom;
    }
}
