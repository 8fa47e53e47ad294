using System.Buffers.Binary;
using System.Text;
using NUnit.Framework;

namespace Emulator.Tests.Devices;

[TestFixture]
public sealed class FirmwareConfigTests
{
    private Board _board = null!;

    [SetUp]
    public void SetUp() => _board = new Board(Board.DefaultConfig with { BootMenu = true, BootMenuWait = 2500, BootOrder = "dca", BootDevices = ["/pci@i0cf8/ide@1,1/drive@0/disk@0", "HALT"] });

    [Test]
    public void Signature_features_and_sizes_are_read_byte_by_byte()
    {
        Assert.That(Encoding.ASCII.GetString(Item(0, 4)), Is.EqualTo("QEMU"));
        Assert.That(Item(1, 4), Is.EqualTo(new byte[] { 3, 0, 0, 0 }));
        Assert.That(BinaryPrimitives.ReadUInt64LittleEndian(Item(3, 8)), Is.EqualTo(2ul << 20));
        Assert.That(Item(5, 2), Is.EqualTo(new byte[] { 1, 0 }));
        Assert.That(Item(0x0F, 2), Is.EqualTo(new byte[] { 1, 0 }));
        Assert.That(Item(0x0E, 2), Is.EqualTo(new byte[] { 1, 0 }), "boot menu");
        Assert.That(Item(0x1234, 3), Is.EqualTo(new byte[3]), "an item that does not exist");
        Assert.That(Item(0, 6)[4..], Is.EqualTo(new byte[2]), "behind the end");
    }

    [Test]
    public void Directory_names_every_file_with_its_size()
    {
        Dictionary<string, (int Size, ushort Key)> files = Directory();
        Assert.That(files.Keys, Is.SupersetOf(new[] { "bootorder", "etc/acpi/rsdp", "etc/acpi/tables", "etc/boot-fail-wait", "etc/boot-menu-wait", "etc/e820", "etc/smbios/smbios-anchor", "etc/smbios/smbios-tables", "etc/system-states", "etc/table-loader" }));
        Assert.That(files.Keys, Is.Ordered.Using((IComparer<string>)StringComparer.Ordinal));
        Assert.That(File("bootorder"), Is.EqualTo("/pci@i0cf8/ide@1,1/drive@0/disk@0\nHALT\0"u8.ToArray()));
        Assert.That(File("etc/boot-menu-wait"), Is.EqualTo(new byte[] { 0xC4, 0x09 }));
        Assert.That(File("etc/boot-fail-wait"), Is.EqualTo(new byte[] { 0xFF, 0xFF, 0xFF, 0xFF }), "never");
        Assert.That(File("etc/system-states"), Is.EqualTo(new byte[] { 0x80, 0, 0, 1, 2, 0x80 }));
        Assert.That(files["etc/table-loader"].Size % 128, Is.Zero);
    }

    [Test]
    public void Boot_order_is_in_cmos_too()
    {
        Assert.That(_board.Cmos(0x3D), Is.EqualTo(0x23), "CD, then disk");
        Assert.That(_board.Cmos(0x38), Is.EqualTo(0x10), "then floppy");
    }

    [Test]
    public void Dma_selects_reads_and_skips()
    {
        Assert.That(_board.In(0x514, 4), Is.EqualTo(BinaryPrimitives.ReadUInt32LittleEndian("QEMU"u8)));
        Assert.That(_board.In(0x518, 4), Is.EqualTo(BinaryPrimitives.ReadUInt32LittleEndian(" CFG"u8)));
        _board.Machine.Memory.Write(0x2000, 0x1122334455667788);
        Assert.That(Dma(0x0000_000A, 4, 0x2000), Is.Zero);
        Assert.That(_board.Machine.Memory.Read<ulong>(0x2000), Is.EqualTo(0x1122334400000000 | BinaryPrimitives.ReadUInt32LittleEndian("QEMU"u8)));
        Assert.That(Dma(0x0000_000C, 2, 0), Is.Zero);
        Assert.That(_board.In(0x511), Is.EqualTo((byte)'M'));
        Assert.That(Dma(2, 4, 0x2000), Is.Zero);
        Assert.That(_board.Machine.Memory.Read<uint>(0x2000), Is.EqualTo((uint)'U'), "zeros behind the end");
        Assert.That(Dma(0x10, 4, 0x2000), Is.EqualTo(1), "items are read-only");
        Assert.That(Dma(2, 0xFFFF_FFFF, 0x2000), Is.EqualTo(1), "too long");
        Assert.That(Dma(0x0000_000C, 0xFFFF_FFFF, 0), Is.Zero);
        Assert.That(_board.In(0x511), Is.Zero);
    }

    [Test]
    public void Table_loader_script_places_tables_as_a_direct_boot_does()
    {
        const uint Tables = 0x7F0000;
        byte[] root = File("etc/acpi/rsdp");
        byte[] tables = File("etc/acpi/tables");
        byte[] script = File("etc/table-loader");
        List<string> allocated = [];
        for (int at = 0; at < script.Length; at += 128)
        {
            Span<byte> entry = script.AsSpan(at, 128);
            byte[] file = Name(entry[4..60]) == "etc/acpi/rsdp" ? root : tables;
            switch (BinaryPrimitives.ReadUInt32LittleEndian(entry))
            {
                case 1:
                    allocated.Add(Name(entry[4..60]));
                    break;
                case 2:
                    Assert.That(Name(entry[60..116]), Is.EqualTo("etc/acpi/tables"));
                    Assert.That(entry[120], Is.EqualTo(4));
                    Span<byte> pointer = file.AsSpan(BinaryPrimitives.ReadInt32LittleEndian(entry[116..]));
                    BinaryPrimitives.WriteUInt32LittleEndian(pointer, BinaryPrimitives.ReadUInt32LittleEndian(pointer) + Tables);
                    break;
                case 3:
                    byte sum = 0;
                    foreach (byte b in file.AsSpan(BinaryPrimitives.ReadInt32LittleEndian(entry[64..]), BinaryPrimitives.ReadInt32LittleEndian(entry[68..])))
                    {
                        sum += b;
                    }

                    file[BinaryPrimitives.ReadInt32LittleEndian(entry[60..])] -= sum;
                    break;
                default:
                    Assert.Fail("unknown command");
                    break;
            }
        }

        Assert.That(allocated, Is.EqualTo(new[] { "etc/acpi/rsdp", "etc/acpi/tables" }));
        AcpiTablesTests.CheckRoot(root, tables, Tables);
    }

    [Test]
    public void Selected_item_survives_saving_and_loading()
    {
        _board.Out(0x510, 2, 0);
        Assert.That(_board.In(0x511), Is.EqualTo((byte)'Q'));
        _board.Out(0x514, 4, 0);
        Board copy = _board.Clone();
        Assert.That(copy.In(0x511), Is.EqualTo((byte)'E'));
    }

    private static string Name(ReadOnlySpan<byte> field) => Encoding.ASCII.GetString(field[..field.IndexOf((byte)0)]);

    private byte[] Item(ushort key, int length)
    {
        _board.Out(0x510, 2, key);
        byte[] data = new byte[length];
        for (int i = 0; i < length; i++)
        {
            data[i] = _board.In(0x511);
        }

        return data;
    }

    private Dictionary<string, (int Size, ushort Key)> Directory()
    {
        Dictionary<string, (int, ushort)> files = [];
        int count = BinaryPrimitives.ReadInt32BigEndian(Item(0x19, 4));
        byte[] directory = Item(0x19, 4 + (64 * count));
        for (int i = 0; i < count; i++)
        {
            Span<byte> entry = directory.AsSpan(4 + (64 * i), 64);
            files.Add(Name(entry[8..]), (BinaryPrimitives.ReadInt32BigEndian(entry), BinaryPrimitives.ReadUInt16BigEndian(entry[4..])));
        }

        return files;
    }

    private byte[] File(string name)
    {
        (int size, ushort key) = Directory()[name];
        return Item(key, size);
    }

    /// <summary>Runs a transfer and returns what the control field holds then.</summary>
    private uint Dma(uint control, uint length, ulong address)
    {
        byte[] descriptor = new byte[16];
        BinaryPrimitives.WriteUInt32BigEndian(descriptor, control);
        BinaryPrimitives.WriteUInt32BigEndian(descriptor.AsSpan(4), length);
        BinaryPrimitives.WriteUInt64BigEndian(descriptor.AsSpan(8), address);
        _board.Machine.Memory.WriteBlock(0x1000, descriptor);
        _board.Out(0x514, 4, 0);
        _board.Out(0x518, 4, BinaryPrimitives.ReverseEndianness(0x1000u));
        return BinaryPrimitives.ReverseEndianness(_board.Machine.Memory.Read<uint>(0x1000));
    }
}
