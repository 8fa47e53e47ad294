using System.Buffers.Binary;

namespace Emulator.Core.Cpu;

/// <summary>What CPUID returns for one leaf.</summary>
/// <param name="Eax">EAX.</param>
/// <param name="Ebx">EBX.</param>
/// <param name="Ecx">ECX.</param>
/// <param name="Edx">EDX.</param>
public readonly record struct CpuLeaf(uint Eax, uint Ebx, uint Ecx, uint Edx);

/// <summary>
/// CPUID (SDM volume 2): the leaves of each model. Features are exactly those that the model executes; there is no cache to speak of, though leaf 2 names the caches that the real part has, because some software computes with them.
/// </summary>
public static class CpuIdentification
{
    /// <summary>EDX of leaf 1: there is a local APIC, and MSR 1Bh enables it.</summary>
    public const uint ApicBit = 1u << 9;

    private const uint FirstExtended = 0x80000000;
    private const uint LastExtended = 0x80000008;
    private const uint Mce = 1 << 7;
    private const uint Mca = 1 << 14;
    private const uint NxBit = 1 << 20;

    /// <summary>36 physical, 32 linear address bits.</summary>
    private const uint AddressBits = 0x2024;

    private static ReadOnlySpan<byte> Vendor => "GenuineIntel"u8;

    private static ReadOnlySpan<byte> Brand => "Emulator P6-class virtual processor             "u8;

    /// <summary>The result of CPUID.</summary>
    /// <param name="model">The CPU model.</param>
    /// <param name="leaf">EAX before.</param>
    public static CpuLeaf Leaf(CpuModel model, uint leaf)
    {
        uint last = model.Has(CpuFeatures.Mtrr) ? 2u : 1;
        bool extended = model.Has(CpuFeatures.Sse2);
        if (leaf >= FirstExtended && extended && leaf <= LastExtended)
        {
            return Extended(model, leaf);
        }

        // Beyond the last leaf, Intel processors answer as for the last basic one.
        return Math.Min(leaf, last) switch
        {
            0 => new CpuLeaf(last, Word(Vendor, 0), Word(Vendor, 8), Word(Vendor, 4)),
            1 => new CpuLeaf(model.Signature, model.Has(CpuFeatures.Clflush) ? 8u << 8 : 0, 0, Features(model)),
            _ => new CpuLeaf(0x03020101, 0, 0, model.Has(CpuFeatures.Sse) ? 0x0C040882u : 0x0C040843),
        };
    }

    /// <summary>EDX of leaf 1.</summary>
    /// <param name="model">The CPU model.</param>
    public static uint Features(CpuModel model)
    {
        uint bits = 1;
        Set(CpuFeatures.Vme, 1);
        Set(CpuFeatures.De, 2);
        Set(CpuFeatures.Pse, 3);
        Set(CpuFeatures.Tsc, 4);
        Set(CpuFeatures.Msr, 5);
        Set(CpuFeatures.Pae, 6);
        Set(CpuFeatures.Cx8, 8);
        Set(CpuFeatures.Apic, 9);
        Set(CpuFeatures.Sep, 11);
        Set(CpuFeatures.Mtrr, 12);
        Set(CpuFeatures.Pge, 13);
        Set(CpuFeatures.Cmov, 15);
        Set(CpuFeatures.Pat, 16);
        Set(CpuFeatures.Pse36, 17);
        Set(CpuFeatures.Clflush, 19);
        Set(CpuFeatures.Mmx, 23);
        Set(CpuFeatures.Fxsr, 24);
        Set(CpuFeatures.Sse, 25);
        Set(CpuFeatures.Sse2, 26);
        bits |= model.Has(CpuFeatures.Msr) ? Mce : 0;
        bits |= model.Has(CpuFeatures.Mtrr) ? Mca : 0;
        return bits;

        void Set(CpuFeatures feature, int bit) => bits |= model.Has(feature) ? 1u << bit : 0;
    }

    private static CpuLeaf Extended(CpuModel model, uint leaf) => (leaf - FirstExtended) switch
    {
        0 => new CpuLeaf(LastExtended, 0, 0, 0),
        1 => new CpuLeaf(0, 0, 0, model.Has(CpuFeatures.Nx) ? NxBit : 0),
        2 => BrandPart(0),
        3 => BrandPart(16),
        4 => BrandPart(32),
        6 => new CpuLeaf(0, 0, 0x01006040, 0), // L2: 256 KiB, 8-way, 64-byte lines
        8 => new CpuLeaf(AddressBits, 0, 0, 0),
        _ => default,
    };

    private static CpuLeaf BrandPart(int at) => new(Word(Brand, at), Word(Brand, at + 4), Word(Brand, at + 8), Word(Brand, at + 12));

    private static uint Word(ReadOnlySpan<byte> text, int at) => BinaryPrimitives.ReadUInt32LittleEndian(text[at..]);
}
