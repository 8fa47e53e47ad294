using System.Buffers.Binary;
using System.Text;

namespace Emulator.Devices.Acpi;

/// <summary>
/// Emits ACPI machine language (ACPI specification 1.0b, chapter 16): the terms that the description of a board needs. Each method
/// returns the encoded term; terms are put together by nesting.
/// </summary>
internal static class AmlWriter
{
    private const byte ZeroOp = 0x00;
    private const byte OneOp = 0x01;
    private const byte NameOp = 0x08;
    private const byte BytePrefix = 0x0A;
    private const byte WordPrefix = 0x0B;
    private const byte DWordPrefix = 0x0C;
    private const byte ScopeOp = 0x10;
    private const byte BufferOp = 0x11;
    private const byte PackageOp = 0x12;
    private const byte ExtendedPrefix = 0x5B;
    private const byte DeviceOp = 0x82;
    private const byte Serialized = 0x08;
    private const byte RootCharacter = (byte)'\\';

    /// <summary>Scope(\NAME) { terms }.</summary>
    public static byte[] Scope(string name, params byte[][] terms) => [ScopeOp, .. WithLength([RootCharacter, .. Segment(name), .. Join(terms)])];

    /// <summary>Device(NAME) { terms }.</summary>
    public static byte[] Device(string name, params byte[][] terms) => [ExtendedPrefix, DeviceOp, .. WithLength([.. Segment(name), .. Join(terms)])];

    /// <summary>Name(NAME, value).</summary>
    public static byte[] Name(string name, byte[] value) => [NameOp, .. Segment(name), .. value];

    /// <summary>Name(\NAME, value).</summary>
    public static byte[] RootName(string name, byte[] value) => [NameOp, RootCharacter, .. Segment(name), .. value];

    /// <summary>An integer, in the shortest encoding.</summary>
    public static byte[] Integer(uint value)
    {
        switch (value)
        {
            case 0:
                return [ZeroOp];
            case 1:
                return [OneOp];
            case <= 0xFF:
                return [BytePrefix, (byte)value];
            case <= 0xFFFF:
                return [WordPrefix, (byte)value, (byte)(value >> 8)];
            default:
                byte[] data = [DWordPrefix, 0, 0, 0, 0];
                BinaryPrimitives.WriteUInt32LittleEndian(data.AsSpan(1), value);
                return data;
        }
    }

    /// <summary>EisaId("PNP0A03"): three letters and four hexadecimal digits in 32 bits, big endian.</summary>
    public static byte[] EisaId(string id)
    {
        uint letters = ((uint)(id[0] - '@') << 10) | ((uint)(id[1] - '@') << 5) | (uint)(id[2] - '@');
        uint number = Convert.ToUInt32(id[3..], 16);
        return Integer(BinaryPrimitives.ReverseEndianness((letters << 16) | number));
    }

    /// <summary>Package() { elements }.</summary>
    public static byte[] Package(params byte[][] elements) => [PackageOp, .. WithLength([(byte)elements.Length, .. Join(elements)])];

    /// <summary>ResourceTemplate() { descriptors }: a buffer with an end tag.</summary>
    public static byte[] Resources(params byte[][] descriptors)
    {
        byte[] data = [.. Join(descriptors), 0x79, 0x00];
        return [BufferOp, .. WithLength([.. Integer((uint)data.Length), .. data])];
    }

    /// <summary>IO(Decode16, first, first, 1, count).</summary>
    public static byte[] Ports(ushort first, byte count) => [0x47, 0x01, (byte)first, (byte)(first >> 8), (byte)first, (byte)(first >> 8), 0x01, count];

    /// <summary>IRQNoFlags() { irq }.</summary>
    public static byte[] Irq(int irq) => [0x22, (byte)(1 << irq), (byte)((1 << irq) >> 8)];

    /// <summary>WordBusNumber(ResourceProducer, MinFixed, MaxFixed, PosDecode, 0, first, last, 0, count).</summary>
    public static byte[] BusNumbers(ushort first, ushort last) => WordSpace(2, 0x00, first, last);

    /// <summary>WordIO(ResourceProducer, MinFixed, MaxFixed, PosDecode, EntireRange, 0, first, last, 0, count).</summary>
    public static byte[] PortWindow(ushort first, ushort last) => WordSpace(1, 0x03, first, last);

    /// <summary>DWordMemory(ResourceProducer, PosDecode, MinFixed, MaxFixed, cacheable or not, ReadWrite, 0, first, last, 0, count).</summary>
    public static byte[] MemoryWindow(uint first, uint last, bool cacheable)
    {
        byte[] data = new byte[26];
        data[0] = 0x87;
        data[1] = 23;
        data[3] = 0x00; // memory
        data[4] = 0x0C; // both ends fixed
        data[5] = cacheable ? (byte)0x03 : (byte)0x01;
        BinaryPrimitives.WriteUInt32LittleEndian(data.AsSpan(10), first);
        BinaryPrimitives.WriteUInt32LittleEndian(data.AsSpan(14), last);
        BinaryPrimitives.WriteUInt32LittleEndian(data.AsSpan(22), last - first + 1);
        return data;
    }

    private static byte[] WordSpace(byte type, byte flags, ushort first, ushort last)
    {
        byte[] data = new byte[16];
        data[0] = 0x88;
        data[1] = 13;
        data[3] = type;
        data[4] = 0x0C;
        data[5] = flags;
        BinaryPrimitives.WriteUInt16LittleEndian(data.AsSpan(8), first);
        BinaryPrimitives.WriteUInt16LittleEndian(data.AsSpan(10), last);
        BinaryPrimitives.WriteUInt16LittleEndian(data.AsSpan(14), (ushort)(last - first + 1));
        return data;
    }

    /// <summary>Memory32Fixed(ReadOnly, first, length).</summary>
    public static byte[] FixedMemory(uint first, uint length)
    {
        byte[] data = [0x86, 0x09, 0x00, 0x00, 0, 0, 0, 0, 0, 0, 0, 0];
        BinaryPrimitives.WriteUInt32LittleEndian(data.AsSpan(4), first);
        BinaryPrimitives.WriteUInt32LittleEndian(data.AsSpan(8), length);
        return data;
    }

    /// <summary>DMA(Compatibility, NotBusMaster, Transfer8) { channel }.</summary>
    public static byte[] DmaLine(int channel) => [0x2A, (byte)(1 << channel), 0x00];

    /// <summary>Interrupt(ResourceConsumer, Level, ActiveHigh, Shared) { irqs }; the first number is at offset 5.</summary>
    public static byte[] SharedInterrupts(params ReadOnlySpan<byte> irqs)
    {
        List<byte> data = [0x89, (byte)(2 + (4 * irqs.Length)), 0x00, 0x09, (byte)irqs.Length];
        foreach (byte irq in irqs)
        {
            data.AddRange([irq, 0, 0, 0]);
        }

        return [.. data];
    }

    /// <summary>Method(NAME, arguments, Serialized) { terms }.</summary>
    public static byte[] Method(string name, int arguments, params byte[][] terms) => [0x14, .. WithLength([.. Segment(name), (byte)(arguments | Serialized), .. Join(terms)])];

    /// <summary>Method(\NAME, arguments) { terms }.</summary>
    public static byte[] RootMethod(string name, int arguments, params byte[][] terms) =>
        [0x14, .. WithLength([RootCharacter, .. Segment(name), (byte)(arguments | Serialized), .. Join(terms)])];

    /// <summary>If(condition) { terms }.</summary>
    public static byte[] If(byte[] condition, params byte[][] terms) => [0xA0, .. WithLength([.. condition, .. Join(terms)])];

    /// <summary>Return(value).</summary>
    public static byte[] Return(byte[] value) => [0xA4, .. value];

    /// <summary>Store(value, target).</summary>
    public static byte[] Store(byte[] value, byte[] target) => [0x70, .. value, .. target];

    /// <summary>And(left, right), the result as a value.</summary>
    public static byte[] And(byte[] left, byte[] right) => [0x7B, .. left, .. right, ZeroOp];

    /// <summary>Or(left, right, target).</summary>
    public static byte[] Or(byte[] left, byte[] right, byte[] target) => [0x7D, .. left, .. right, .. target];

    /// <summary>LNot(value).</summary>
    public static byte[] Not(byte[] value) => [0x92, .. value];

    /// <summary>CreateDWordField(buffer, offset, NAME).</summary>
    public static byte[] DWordField(byte[] buffer, uint offset, string name) => [0x8A, .. buffer, .. Integer(offset), .. Segment(name)];

    /// <summary>The first argument of a method.</summary>
    public static byte[] Argument => [0x68];

    /// <summary>A name, looked up from the place outwards; or with leading backslash a path from the root, its parts separated by dots.</summary>
    public static byte[] Reference(string path)
    {
        if (path[0] != RootCharacter)
        {
            return Segment(path);
        }

        string[] parts = path[1..].Split('.');
        byte[] prefix = parts.Length switch
        {
            1 => [RootCharacter],
            2 => [RootCharacter, 0x2E],
            _ => [RootCharacter, 0x2F, (byte)parts.Length],
        };
        return [.. prefix, .. Join(Array.ConvertAll(parts, Segment))];
    }

    /// <summary>OperationRegion(NAME, PCI_Config, offset, length) and Field(NAME, ByteAcc, NoLock, Preserve) with fields of a byte each.</summary>
    public static byte[] ConfigurationBytes(string name, byte offset, params ReadOnlySpan<string> fields)
    {
        List<byte> list = [.. Segment(name), 0x01];
        foreach (string field in fields)
        {
            list.AddRange(Segment(field));
            list.Add(8);
        }

        return
        [
            ExtendedPrefix, 0x80, .. Segment(name), 0x02, .. Integer(offset), .. Integer((uint)fields.Length),
            ExtendedPrefix, 0x81, .. WithLength([.. list]),
        ];
    }

    private static byte[] Segment(string name) => Encoding.ASCII.GetBytes(name.PadRight(4, '_'));

    private static byte[] Join(ReadOnlySpan<byte[]> terms)
    {
        List<byte> all = [];
        foreach (byte[] term in terms)
        {
            all.AddRange(term);
        }

        return [.. all];
    }

    /// <summary>Puts PkgLength in front, which counts itself: one byte up to 63, otherwise a nibble and one to three more bytes.</summary>
    private static byte[] WithLength(byte[] contents)
    {
        if (contents.Length + 1 <= 63)
        {
            return [(byte)(contents.Length + 1), .. contents];
        }

        int more = contents.Length + 2 < 1 << 12 ? 1 : contents.Length + 3 < 1 << 20 ? 2 : 3;
        int length = contents.Length + 1 + more;
        byte[] prefix = new byte[1 + more];
        prefix[0] = (byte)((more << 6) | (length & 0x0F));
        for (int i = 0; i < more; i++)
        {
            prefix[1 + i] = (byte)(length >> (4 + (8 * i)));
        }

        return [.. prefix, .. contents];
    }
}
