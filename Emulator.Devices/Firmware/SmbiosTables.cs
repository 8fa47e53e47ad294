// SMBIOS 2.8 structures (DMTF DSP0134): BIOS, system, enclosure, processor, memory array, memory device, mapped memory, boot status, end.
//
// The entry point is completed by the firmware, which knows where it puts the structures; Place does it for machines without firmware.
using System.Buffers.Binary;
using System.Text;
using Emulator.Core.Cpu;

namespace Emulator.Devices.Firmware;

/// <summary>Builds the description of the machine that DMI readers look for.</summary>
internal static class SmbiosTables
{
    /// <summary>Name of the file with the structures.</summary>
    public const string TablesFile = "etc/smbios/smbios-tables";

    /// <summary>Name of the file with the entry point.</summary>
    public const string AnchorFile = "etc/smbios/smbios-anchor";

    private const int AnchorSize = 31;

    /// <summary>Builds the structures and an entry point whose table address and checksums are still 0.</summary>
    /// <param name="cpu">The CPU model.</param>
    /// <param name="ramSize">Bytes of RAM.</param>
    public static (byte[] Anchor, byte[] Tables) Build(CpuModel cpu, uint ramSize)
    {
        ArgumentNullException.ThrowIfNull(cpu);
        Writer writer = new();
        uint megabytes = ramSize >> 20;

        // BIOS information: PCI, shadowing, boot from CD and choice of boot device, ACPI.
        writer.Begin(0, 24);
        writer.Text(4, "Emulator project");
        writer.Text(5, "1.0");
        writer.Word(6, 0xE800);
        writer.Text(8, "01/01/2026");
        writer.Byte(9, 1);
        writer.Dword(10, (1u << 7) | (1u << 12) | (1u << 15) | (1u << 16));
        writer.Byte(18, 0x01);
        writer.Byte(19, 0x10);
        writer.Byte(20, 1);
        writer.Byte(22, 0xFF);
        writer.Byte(23, 0xFF);
        writer.End();

        writer.Begin(1, 27);
        writer.Text(4, "Emulator project");
        writer.Text(5, "i440FX PC");
        writer.Text(6, "1.0");
        writer.Byte(24, 6);
        writer.End();

        writer.Begin(3, 22);
        writer.Text(4, "Emulator project");
        writer.Byte(5, 1);
        writer.Byte(9, 3);
        writer.Byte(10, 3);
        writer.Byte(11, 3);
        writer.Byte(12, 2);
        writer.End();

        writer.Begin(4, 42);
        writer.Text(4, "CPU 0");
        writer.Byte(5, 3);
        writer.Byte(6, 1);
        writer.Text(7, "Intel");
        writer.Dword(8, cpu.Signature);
        writer.Dword(12, CpuIdentification.Leaf(cpu, 1).Edx);
        writer.Text(16, cpu.Name);
        writer.Word(20, 1000);
        writer.Word(22, 1000);
        writer.Byte(24, 0x41);
        writer.Byte(25, 1);
        writer.Word(26, 0xFFFF);
        writer.Word(28, 0xFFFF);
        writer.Word(30, 0xFFFF);
        writer.Byte(35, 1);
        writer.Byte(36, 1);
        writer.Byte(37, 1);
        writer.Word(40, 2);
        writer.End();

        ushort array = writer.Begin(16, 23);
        writer.Byte(4, 1);
        writer.Byte(5, 3);
        writer.Byte(6, 3);
        writer.Dword(7, ramSize >> 10);
        writer.Word(11, 0xFFFE);
        writer.Word(13, 1);
        writer.End();

        writer.Begin(17, 40);
        writer.Word(4, array);
        writer.Word(6, 0xFFFE);
        writer.Word(8, 0xFFFF);
        writer.Word(10, 0xFFFF);
        writer.Word(12, (ushort)megabytes);
        writer.Byte(14, 9);
        writer.Text(16, "DIMM 0");
        writer.Byte(18, 7);
        writer.Word(19, 2);
        writer.End();

        writer.Begin(19, 31);
        writer.Dword(8, (ramSize >> 10) - 1);
        writer.Word(12, array);
        writer.Byte(14, 1);
        writer.End();

        writer.Begin(32, 11);
        writer.End();
        writer.Begin(127, 4);
        writer.End();

        byte[] anchor = new byte[AnchorSize];
        "_SM_"u8.CopyTo(anchor);
        anchor[5] = AnchorSize;
        anchor[6] = 2;
        anchor[7] = 8;
        BinaryPrimitives.WriteUInt16LittleEndian(anchor.AsSpan(8), (ushort)writer.Longest);
        "_DMI_"u8.CopyTo(anchor.AsSpan(16));
        byte[] tables = writer.ToArray();
        BinaryPrimitives.WriteUInt16LittleEndian(anchor.AsSpan(22), (ushort)tables.Length);
        BinaryPrimitives.WriteUInt16LittleEndian(anchor.AsSpan(28), (ushort)writer.Count);
        anchor[30] = 0x28;
        return (anchor, tables);
    }

    /// <summary>Completes an entry point.</summary>
    /// <param name="anchor">The entry point.</param>
    /// <param name="tablesAddress">Physical address of the structures.</param>
    public static void Place(Span<byte> anchor, uint tablesAddress)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(anchor[24..], tablesAddress);
        anchor[21] = (byte)-Sum(anchor[16..]);
        anchor[4] = (byte)-Sum(anchor);
    }

    private static byte Sum(ReadOnlySpan<byte> data)
    {
        byte sum = 0;
        foreach (byte value in data)
        {
            sum += value;
        }

        return sum;
    }

    private sealed class Writer
    {
        private readonly List<byte> _all = [];
        private readonly List<string> _texts = [];
        private byte[] _structure = [];
        private ushort _handle;

        public int Count { get; private set; }

        public int Longest { get; private set; }

        public ushort Begin(byte type, byte length)
        {
            _structure = new byte[length];
            _structure[0] = type;
            _structure[1] = length;
            _texts.Clear();
            Word(2, ++_handle);
            return _handle;
        }

        public void Byte(int at, byte value) => _structure[at] = value;

        public void Word(int at, ushort value) => BinaryPrimitives.WriteUInt16LittleEndian(_structure.AsSpan(at), value);

        public void Dword(int at, uint value) => BinaryPrimitives.WriteUInt32LittleEndian(_structure.AsSpan(at), value);

        public void Text(int at, string text)
        {
            _texts.Add(text);
            _structure[at] = (byte)_texts.Count;
        }

        public void End()
        {
            int start = _all.Count;
            _all.AddRange(_structure);
            foreach (string text in _texts)
            {
                _all.AddRange(Encoding.ASCII.GetBytes(text));
                _all.Add(0);
            }

            _all.AddRange(_texts.Count == 0 ? new byte[2] : new byte[1]);
            Longest = Math.Max(Longest, _all.Count - start);
            Count++;
        }

        public byte[] ToArray() => [.. _all];
    }
}
