using System.Buffers.Binary;
using System.Text;
using Emulator.Devices.Acpi;
using NUnit.Framework;

namespace Emulator.Tests.Devices;

[TestFixture]
public sealed class AcpiTablesTests
{
    private const uint Address = 0xF0040;

    private readonly byte[] _root;
    private readonly byte[] _image;

    public AcpiTablesTests() => (_root, _image) = AcpiTables.Build(new AcpiBoard(0xB000, 128 << 20, true, [(0x3F8, 4), (0x2F8, 3)])).Place(Address);

    [Test]
    public void Root_pointer_leads_to_every_table_with_valid_checksums()
    {
        CheckRoot(_root, _image, Address);
        int fadt = Offset(RootTable + 36);
        Assert.That(BinaryPrimitives.ReadUInt16LittleEndian(_image.AsSpan(fadt + 46)), Is.EqualTo(9));
        Assert.That(BinaryPrimitives.ReadUInt32LittleEndian(_image.AsSpan(fadt + 64)), Is.EqualTo(0xB004));
    }

    [Test]
    public void Dsdt_is_well_formed_and_declares_soft_off_and_the_bridge()
    {
        int dsdt = Offset(Offset(RootTable + 36) + 40);
        int length = (int)BinaryPrimitives.ReadUInt32LittleEndian(_image.AsSpan(dsdt + 4));
        List<string> names = [];
        Parse(_image.AsSpan(dsdt + 36, length - 36), "", names);
        Assert.That(names, Does.Contain("_S5_ = [0,0,0,0]"));
        Assert.That(names, Does.Contain("_SB_.PCI0._HID = 30AD041"));
        Assert.That(names.Count(n => n.StartsWith("_SB_.PCI0.ISA_", StringComparison.Ordinal) && n.Contains("_HID", StringComparison.Ordinal)), Is.EqualTo(11));
        string routing = names.Single(n => n.StartsWith("_SB_.PCI0.PRTA", StringComparison.Ordinal));
        Assert.That(routing, Does.Contain("[2FFFF,0,0,11]").And.Contain("[3FFFF,0,0,12]").And.Contain("[1FFFF,0,0,9]"));
        routing = names.Single(n => n.StartsWith("_SB_.PCI0.PRTP", StringComparison.Ordinal));
        Assert.That(routing, Does.Contain("[2FFFF,0,LNKB,0]").And.Contain("[1FFFF,0,0,9]"));
        Assert.That(names, Does.Contain("_PIC()").And.Contain("_SB_.PCI0._PRT()").And.Contain("_SB_.LNKD._SRS()"));
    }

    [Test]
    public void Apic_and_timer_tables_name_their_addresses()
    {
        int Find(string signature) => _image.AsSpan().IndexOf(Encoding.ASCII.GetBytes(signature));
        int apic = Find("APIC");
        Assert.That(BinaryPrimitives.ReadUInt32LittleEndian(_image.AsSpan(apic + 36)), Is.EqualTo(0xFEE0_0000));
        Assert.That(BinaryPrimitives.ReadUInt32LittleEndian(_image.AsSpan(apic + 36 + 20)), Is.EqualTo(0xFEC0_0000));
        Assert.That(BinaryPrimitives.ReadUInt32LittleEndian(_image.AsSpan(apic + 4)), Is.EqualTo(90));
        int hpet = Find("HPET\x38");
        Assert.That(BinaryPrimitives.ReadUInt32LittleEndian(_image.AsSpan(hpet + 44)), Is.EqualTo(0xFED0_0000));
        (_, byte[] without) = AcpiTables.Build(new AcpiBoard(0xB000, 128 << 20, false, [])).Place(Address);
        Assert.That(without.AsSpan().IndexOf("APIC"u8), Is.Negative);
    }

    [Test]
    public void Multiprocessor_table_sums_to_zero()
    {
        byte[] table = MpTable.Build(0xF1000, Emulator.Core.Cpu.CpuModel.Max);
        Assert.That(Encoding.ASCII.GetString(table, 0, 4), Is.EqualTo("_MP_"));
        Assert.That(Sum(table.AsSpan(0, 16)), Is.Zero);
        Assert.That(Encoding.ASCII.GetString(table, 16, 4), Is.EqualTo("PCMP"));
        Assert.That(Sum(table.AsSpan(16)), Is.Zero);
        int entries = 0;
        for (int at = 16 + 44; at < table.Length; at += table[at] == 0 ? 20 : 8)
        {
            Assert.That(table[at], Is.LessThanOrEqualTo(4));
            entries++;
        }

        Assert.That(BinaryPrimitives.ReadUInt16LittleEndian(table.AsSpan(16 + 34)), Is.EqualTo(entries));
    }

    /// <summary>A reader of the subset of AML that the tables use, written from the grammar; throws on anything else.</summary>
    private static void Parse(ReadOnlySpan<byte> aml, string scope, List<string> names)
    {
        int at = 0;
        while (at < aml.Length)
        {
            switch (aml[at])
            {
                case 0x08:
                    at++;
                    string name = NameString(aml, ref at);
                    names.Add($"{scope}{name} = {Value(aml, ref at)}");
                    break;
                case 0x10:
                    at++;
                    Block(aml, ref at, scope, names);
                    break;
                case 0x14:
                    at++;
                    int methodEnd = at + Length(aml, ref at);
                    names.Add($"{scope}{NameString(aml, ref at)}()");
                    at = methodEnd;
                    break;
                case 0x5B when aml[at + 1] == 0x80:
                    at += 2;
                    NameString(aml, ref at);
                    at++;
                    Value(aml, ref at);
                    Value(aml, ref at);
                    break;
                case 0x5B when aml[at + 1] == 0x81:
                    at += 2;
                    at += Length(aml, ref at);
                    break;
                case 0x5B when aml[at + 1] == 0x82:
                    at += 2;
                    Block(aml, ref at, scope, names);
                    break;
                default:
                    throw new InvalidDataException($"opcode {aml[at]:X2} at {at}");
            }
        }
    }

    private static void Block(ReadOnlySpan<byte> aml, ref int at, string scope, List<string> names)
    {
        int end = at + Length(aml, ref at);
        string name = NameString(aml, ref at);
        Parse(aml[at..end], $"{scope}{name}.", names);
        at = end;
    }

    private static string NameString(ReadOnlySpan<byte> aml, ref int at)
    {
        at += aml[at] == '\\' ? 1 : 0;
        string name = Encoding.ASCII.GetString(aml.Slice(at, 4));
        at += 4;
        return name;
    }

    /// <summary>PkgLength; the length counts from the position before it.</summary>
    private static int Length(ReadOnlySpan<byte> aml, ref int at)
    {
        int lead = aml[at++];
        int more = lead >> 6;
        int length = more == 0 ? lead & 0x3F : lead & 0x0F;
        for (int i = 0; i < more; i++)
        {
            length |= aml[at++] << (4 + (8 * i));
        }

        return length;
    }

    private static string Value(ReadOnlySpan<byte> aml, ref int at)
    {
        int op = aml[at++];
        switch (op)
        {
            case 0 or 1:
                return op.ToString(null, null);
            case 0x0A:
                return aml[at++].ToString("X", null);
            case 0x0B:
                at += 2;
                return BinaryPrimitives.ReadUInt16LittleEndian(aml[(at - 2)..]).ToString("X", null);
            case 0x0C:
                at += 4;
                return BinaryPrimitives.ReadUInt32LittleEndian(aml[(at - 4)..]).ToString("X", null);
            case 0x11:
                int bufferEnd = at + Length(aml, ref at);
                int size = int.Parse(Value(aml, ref at), System.Globalization.NumberStyles.HexNumber, null);
                Assert.That(bufferEnd - at, Is.EqualTo(size));
                Assert.That(aml[bufferEnd - 2], Is.EqualTo(0x79), "end tag");
                at = bufferEnd;
                return "resources";
            case 0x12:
                int end = at + Length(aml, ref at);
                int count = aml[at++];
                List<string> elements = [];
                while (at < end)
                {
                    elements.Add(Value(aml, ref at));
                }

                Assert.That(at, Is.EqualTo(end));
                Assert.That(elements, Has.Count.EqualTo(count));
                return $"[{string.Join(',', elements)}]";
            case >= 'A' and <= 'Z':
                at += 3;
                return Encoding.ASCII.GetString(aml.Slice(at - 4, 4));
            default:
                throw new InvalidDataException($"value {op:X2}");
        }
    }

    private int RootTable => (int)(BinaryPrimitives.ReadUInt32LittleEndian(_root.AsSpan(16)) - Address);

    private int Offset(int pointer) => (int)(BinaryPrimitives.ReadUInt32LittleEndian(_image.AsSpan(pointer)) - Address);

    /// <summary>Checks signatures and checksums of tables at an address, from the root pointer on.</summary>
    internal static void CheckRoot(byte[] root, byte[] tables, uint address)
    {
        int Follow(int pointer) => (int)(BinaryPrimitives.ReadUInt32LittleEndian(tables.AsSpan(pointer)) - address);
        void Check(int table, string signature)
        {
            Assert.That(Encoding.ASCII.GetString(tables, table, 4), Is.EqualTo(signature));
            Assert.That(Sum(tables.AsSpan(table, (int)BinaryPrimitives.ReadUInt32LittleEndian(tables.AsSpan(table + 4)))), Is.Zero);
        }

        Assert.That(Encoding.ASCII.GetString(root, 0, 8), Is.EqualTo("RSD PTR "));
        Assert.That(Sum(root.AsSpan(0, 20)), Is.Zero);
        int rsdt = (int)(BinaryPrimitives.ReadUInt32LittleEndian(root.AsSpan(16)) - address);
        Check(rsdt, "RSDT");
        int fadt = Follow(rsdt + 36);
        Check(fadt, "FACP");
        int facs = Follow(fadt + 36);
        Assert.That(Encoding.ASCII.GetString(tables, facs, 4), Is.EqualTo("FACS"));
        Assert.That((address + facs) % 64, Is.Zero);
        Check(Follow(fadt + 40), "DSDT");
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
}
