using System.Buffers.Binary;
using System.Text;
using Emulator.Core.Cpu;
using Emulator.Devices.Acpi;
using Emulator.Devices.Firmware;
using Emulator.Devices.Loaders;
using Emulator.Devices.Pci;

namespace Emulator.Devices;

/// <content>What firmware finds: its ROM, CMOS, and the items of fw_cfg.</content>
public sealed partial class PcMachine
{
    private const int LowFirmwareMaximum = 128 << 10;
    private const int CmosBootOrderLow = 0x3D;
    private const int CmosBootOrderHigh = 0x38;

    /// <summary>Items that firmware reads: the boot order, tables, option ROMs ("genroms/NAME"). Add files before the machine runs.</summary>
    public FirmwareConfig FirmwareConfig { get; }

    /// <summary>Called on the machine's thread when the built-in firmware looks for something to boot (INT 19h): at first that is the end of its
    /// power-on self test.</summary>
    public Action? PostEnded { get; set; }

    /// <summary>
    /// Maps a firmware ROM so that it ends at 4 GiB, and its last 128 KiB at 1 MiB too, until shadow RAM hides them there.
    /// </summary>
    /// <param name="image">The image.</param>
    /// <exception cref="LoaderException">The size is no multiple of 64 KiB, or more than 16 MiB.</exception>
    private void MapFirmware(GuestFile image)
    {
        ReadOnlySpan<byte> data = image.Data;
        if (data.Length == 0 || data.Length % (64 << 10) != 0 || data.Length > RomImage.MaximumLength)
        {
            throw new LoaderException($"{image.Name}: firmware has a multiple of 64 KiB and at most 16 MiB; this file has {data.Length} bytes");
        }

        Memory.MapRom(0u - (uint)data.Length, data);
        int low = Math.Min(data.Length, LowFirmwareMaximum);
        Memory.MapRom(OneMebibyte - (uint)low, data[^low..]);
        _hostBridge.UseFirmware();
    }

    /// <summary>Fills fw_cfg and the CMOS bytes of the boot order.</summary>
    private void DescribeToFirmware()
    {
        const ushort RamSize = 0x03;
        const ushort NoGraphic = 0x04;
        const ushort CpuCount = 0x05;
        const ushort BootMenu = 0x0E;
        const ushort CpuMaximum = 0x0F;
        const ushort NumaNodes = 0x0D;
        const ushort Irq0Override = 0x8002;

        byte[] ram = new byte[8];
        BinaryPrimitives.WriteUInt32LittleEndian(ram, Memory.RamSize);
        FirmwareConfig.AddItem(RamSize, ram);
        FirmwareConfig.AddItem(NoGraphic, Word(Config.FirmwareOnSerial ? 1 : 0));
        FirmwareConfig.AddItem(CpuCount, Word(1));
        FirmwareConfig.AddItem(CpuMaximum, Word(1));
        FirmwareConfig.AddItem(NumaNodes, new byte[16]);
        FirmwareConfig.AddItem(BootMenu, Word(Config.BootMenu ? 1 : 0));
        FirmwareConfig.AddItem(Irq0Override, [1, 0, 0, 0]);

        // S0 and S5, each with its sleep type; suspend states are listed as disabled.
        FirmwareConfig.AddFile("etc/system-states", [0x80, 0, 0, 1, 2, 0x80]);
        FirmwareConfig.AddFile("etc/e820", MemoryMapFile());
        byte[] retry = new byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(retry, Config.BootRetryWait ?? -1);
        FirmwareConfig.AddFile("etc/boot-fail-wait", retry);
        if (Config.BootMenuWait is { } wait)
        {
            FirmwareConfig.AddFile("etc/boot-menu-wait", Word(wait));
        }

        if (Config.BootDevices.Count != 0)
        {
            AddBootOrder(Config.BootDevices);
        }

        FirmwareConfig.AddFile(SmbiosTables.AnchorFile, () => SmbiosTables.Build(Cpu.Model, Memory.RamSize).Anchor);
        FirmwareConfig.AddFile(SmbiosTables.TablesFile, () => SmbiosTables.Build(Cpu.Model, Memory.RamSize).Tables);

        // The firmware chooses the base of the power management ports before it reads the tables.
        FirmwareConfig.AddFile(AcpiTableSet.RootFile, () => BuildAcpiTables().Root);
        FirmwareConfig.AddFile(AcpiTableSet.TablesFile, () => BuildAcpiTables().Tables);
        FirmwareConfig.AddFile("etc/table-loader", () => BuildAcpiTables().LoaderScript());

        WriteBootOrder();
    }

    private void AddBootOrder(IEnumerable<string> paths) => FirmwareConfig.AddFile("bootorder", Encoding.ASCII.GetBytes(string.Join('\n', paths) + '\0'));

    private AcpiTableSet BuildAcpiTables() => AcpiTables.Build(new AcpiBoard(
        PowerManagement.PortBase == 0 ? Piix4PowerManagement.DefaultBase : PowerManagement.PortBase,
        Memory.RamSize,
        Cpu.Model.Has(CpuFeatures.Apic),
        SerialPlaces()));

    private (ushort Port, int Irq)[] SerialPlaces()
    {
        (ushort Port, int Irq)[] places = new (ushort Port, int Irq)[Serial.Count];
        for (int i = 0; i < places.Length; i++)
        {
            places[i] = (SerialBase[i], SerialIrq[i]);
        }

        return places;
    }

    /// <summary>Leaves the tables in memory that operating systems look for between E0000h and 1 MiB.</summary>
    private void InstallTables(uint address)
    {
        uint next = AcpiTables.Install(Memory, address, BuildAcpiTables());
        if (Cpu.Model.Has(CpuFeatures.Apic))
        {
            next = Install(next, MpTable.Build(next, Cpu.Model));
        }

        (byte[] anchor, byte[] structures) = SmbiosTables.Build(Cpu.Model, Memory.RamSize);
        uint behind = next + 32;
        SmbiosTables.Place(anchor, behind);
        Install(next, anchor);
        Install(behind, structures);
    }

    /// <summary>Writes a table.</summary>
    /// <returns>Where the next one can start.</returns>
    private uint Install(uint address, ReadOnlySpan<byte> table)
    {
        Memory.WriteBlock(address, table);
        return (address + (uint)table.Length + 15) & ~15u;
    }

    /// <summary>The first three devices of the boot order, one a nibble: 1 floppy, 2 disk, 3 CD, 4 network.</summary>
    private void WriteBootOrder()
    {
        int order = 0;
        for (int i = 0; i < Math.Min(Config.BootOrder.Length, 3); i++)
        {
            order |= ("acdn".IndexOf(Config.BootOrder[i], StringComparison.Ordinal) + 1) << (4 * i);
        }

        Rtc.WriteCmos(CmosBootOrderLow, (byte)order);
        Rtc.WriteCmos(CmosBootOrderHigh, (byte)((order >> 8) << 4));
    }

    private byte[] MemoryMapFile()
    {
        const int Ram = 1;
        byte[] entry = new byte[20];
        BinaryPrimitives.WriteUInt32LittleEndian(entry.AsSpan(8), Memory.RamSize);
        entry[16] = Ram;
        return entry;
    }

    private static byte[] Word(int value) => [(byte)value, (byte)(value >> 8)];
}
