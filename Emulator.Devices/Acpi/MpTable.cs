// Intel MultiProcessor Specification 1.4 tables for a machine that starts without firmware: floating pointer, one processor, the PCI and ISA
// buses, the I/O APIC, interrupts. Symmetric I/O with virtual wire at start, no IMCR.
using System.Buffers.Binary;
using System.Text;
using Emulator.Core.Cpu;
using Emulator.Devices.Interrupts;
using Emulator.Devices.Pci;

namespace Emulator.Devices.Acpi;

/// <summary>Builds the MP floating pointer structure and the configuration table behind it.</summary>
internal static class MpTable
{
    private const int PointerSize = 16;
    private const int HeaderSize = 44;
    private const uint LocalApicAddress = 0xFEE0_0000;
    private const byte PciBus = 0;
    private const byte IsaBus = 1;
    private const byte IoApicId = 0;
    private const byte InterruptVectored = 0;
    private const byte InterruptNmi = 1;
    private const byte InterruptExternal = 3;
    private const byte EntryIo = 3;
    private const byte EntryLocal = 4;
    private const ushort Conforms = 0;
    private const ushort ActiveHighLevel = 0x0D;
    private const ushort ActiveLowLevel = 0x0F;

    /// <summary>Builds both structures.</summary>
    /// <param name="address">Physical address of the result, a multiple of 16.</param>
    /// <param name="cpu">The CPU model.</param>
    public static byte[] Build(uint address, CpuModel cpu)
    {
        ArgumentNullException.ThrowIfNull(cpu);
        List<byte> entries = [];
        int count = 0;
        void Add(params ReadOnlySpan<byte> entry)
        {
            entries.AddRange(entry);
            count++;
        }

        byte[] processor = new byte[20];
        processor[2] = 0x14;
        processor[3] = 0x03; // enabled, bootstrap processor
        BinaryPrimitives.WriteUInt32LittleEndian(processor.AsSpan(4), cpu.Signature);
        BinaryPrimitives.WriteUInt32LittleEndian(processor.AsSpan(8), CpuIdentification.Leaf(cpu, 1).Edx);
        Add(processor);
        Add([1, PciBus, .. "PCI   "u8]);
        Add([1, IsaBus, .. "ISA   "u8]);
        byte[] ioApic = [2, IoApicId, 0x11, 1, 0, 0, 0, 0];
        BinaryPrimitives.WriteUInt32LittleEndian(ioApic.AsSpan(4), IoApic.Address);
        Add(ioApic);

        for (byte device = 1; device < 32; device++)
        {
            for (byte pin = 0; pin < 4; pin++)
            {
                bool isSci = device == 1 && pin == 0;
                byte input = isSci ? (byte)Piix4PowerManagement.SciIrq : (byte)(IoApic.FirstPirq + Piix3IsaBridge.PirqOf(device, pin + 1));
                AddInterrupt(EntryIo, InterruptVectored, isSci ? ActiveHighLevel : ActiveLowLevel, PciBus, (byte)((device << 2) | pin), IoApicId, input);
            }
        }

        AddInterrupt(EntryIo, InterruptExternal, Conforms, IsaBus, 0, IoApicId, 0);
        for (byte irq = 0; irq < 16; irq++)
        {
            if (irq != I8259Pic.CascadeInput)
            {
                ushort flags = irq == Piix4PowerManagement.SciIrq ? ActiveHighLevel : Conforms;
                AddInterrupt(EntryIo, InterruptVectored, flags, IsaBus, irq, IoApicId, irq == 0 ? (byte)I8259Pic.CascadeInput : irq);
            }
        }

        AddInterrupt(EntryLocal, InterruptExternal, Conforms, IsaBus, 0, 0xFF, 0);
        AddInterrupt(EntryLocal, InterruptNmi, Conforms, IsaBus, 0, 0xFF, 1);

        byte[] table = new byte[PointerSize + HeaderSize + entries.Count];
        Span<byte> pointer = table.AsSpan(0, PointerSize);
        "_MP_"u8.CopyTo(pointer);
        BinaryPrimitives.WriteUInt32LittleEndian(pointer[4..], address + PointerSize);
        pointer[8] = 1;
        pointer[9] = 4;
        pointer[10] = Checksum(pointer);

        Span<byte> configuration = table.AsSpan(PointerSize);
        "PCMP"u8.CopyTo(configuration);
        BinaryPrimitives.WriteUInt16LittleEndian(configuration[4..], (ushort)configuration.Length);
        configuration[6] = 4;
        Encoding.ASCII.GetBytes("EMULATORI440FX PC   ", configuration[8..]);
        BinaryPrimitives.WriteUInt16LittleEndian(configuration[34..], (ushort)count);
        BinaryPrimitives.WriteUInt32LittleEndian(configuration[36..], LocalApicAddress);
        entries.ToArray().CopyTo(configuration[HeaderSize..]);
        configuration[7] = Checksum(configuration);
        return table;

        void AddInterrupt(byte entry, byte type, ushort flags, byte bus, byte source, byte apic, byte input) =>
            Add(entry, type, (byte)flags, (byte)(flags >> 8), bus, source, apic, input);
    }

    private static byte Checksum(ReadOnlySpan<byte> data)
    {
        byte sum = 0;
        foreach (byte value in data)
        {
            sum += value;
        }

        return (byte)-sum;
    }
}
