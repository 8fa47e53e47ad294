using System.Buffers.Binary;
using Emulator.Core.Cpu;
using Emulator.Devices;
using Emulator.Devices.Loaders;
using Emulator.Devices.Snapshot;
using Emulator.Devices.Storage;
using Emulator.Devices.Storage.Images;
using NUnit.Framework;

namespace Emulator.Tests.Firmware;

internal sealed unsafe class BootTests
{
    private const int CdSector = 2048;
    private const int ImageSector = 20;
    private const uint Specification = 0x30000;

    private static readonly byte[] Halt = [0xFA, 0xF4];

    /// <summary>A CD with a boot catalog at sector 18 and an image at sector 20.</summary>
    private static MemoryImage BootableCd(byte type, ushort sectors, ReadOnlySpan<byte> image)
    {
        byte[] cd = new byte[1000 * CdSector];
        Span<byte> record = cd.AsSpan(17 * CdSector);
        "\0CD001\u0001EL TORITO SPECIFICATION"u8.CopyTo(record);
        BinaryPrimitives.WriteInt32LittleEndian(record[0x47..], 18);
        Span<byte> catalog = cd.AsSpan(18 * CdSector);
        catalog[0] = 1;
        catalog[0x1E] = 0x55;
        catalog[0x1F] = 0xAA;
        BinaryPrimitives.WriteUInt16LittleEndian(catalog[0x1C..], 0x55AA); // the words of the entry sum to 0: 0001h + AA55h + 55AAh
        catalog[0x20] = 0x88;
        catalog[0x21] = type;
        BinaryPrimitives.WriteUInt16LittleEndian(catalog[0x26..], sectors);
        BinaryPrimitives.WriteInt32LittleEndian(catalog[0x28..], ImageSector);
        image.CopyTo(cd.AsSpan(ImageSector * CdSector));
        return new MemoryImage(cd, readOnly: true);
    }

    private static PcMachine Machine(string order, params ReadOnlySpan<(DriveInterface Interface, int Index, DriveMedia Media, BlockImage Image)> drives)
    {
        List<Drive> list = [];
        foreach ((DriveInterface place, int index, DriveMedia media, BlockImage image) in drives)
        {
            list.Add(new Drive(new DriveOptions { Interface = place, Index = index, Media = media, File = "test" }, image));
        }

        PcMachine machine = new(new PcMachineConfig { RamSize = 16 << 20, BootOrder = order, Drives = list });
        machine.Attach(new BootFiles());
        return machine;
    }

    [Test]
    public void Cd_boots_without_emulation_and_is_read_in_sectors_of_2048_bytes()
    {
        PcMachine machine = Machine("d", (DriveInterface.Ide, 2, DriveMedia.CdRom, BootableCd(0, 4, Halt)));
        BiosCaller bios = new(machine);
        Assert.That((machine.Cpu.State->Eip, CpuState.Segment(machine.Cpu.State, SegmentIndex.Cs)->Selector), Is.EqualTo((2u, (ushort)0x7C0)));
        Assert.That((byte)bios.Edx, Is.EqualTo(0xE0));

        bios.SetDs((ushort)(Specification >> 4));
        bios.Esi = 0;
        Assert.That(bios.Int(0x13, 0x4B01) && !bios.Carry);
        Assert.That(machine.Memory.Read<ushort>(Specification), Is.EqualTo(0x0013));
        Assert.That(machine.Memory.Read<byte>(Specification + 2), Is.EqualTo(0xE0));
        Assert.That(machine.Memory.Read<uint>(Specification + 4), Is.EqualTo(ImageSector));

        machine.Memory.Write(Specification + 0x100, 0x0001_0010u);
        machine.Memory.Write(Specification + 0x104, 0x2000_0000u);
        machine.Memory.Write(Specification + 0x108, 17ul);
        bios.Esi = 0x100;
        Assert.That(bios.Int(0x13, 0x4200) && !bios.Carry);
        Assert.That(machine.Memory.Read<uint>(0x20007 + 0), Is.EqualTo(BinaryPrimitives.ReadUInt32LittleEndian("EL T"u8)));
    }

    /// <summary>A catalog whose validation entry is for another platform, or whose default entry does not boot; sections follow.</summary>
    [TestCase(0xEF, 0x88, "1")]
    [TestCase(0x00, 0x00, "1")]
    [TestCase(0x00, 0x88, "0")]
    public void Cd_boots_its_first_bootable_entry_for_x86(int platform, int indicator, string started)
    {
        MemoryImage cd = SectionedCd((byte)platform, (byte)indicator);
        PcMachine machine = Machine("d", (DriveInterface.Ide, 2, DriveMedia.CdRom, cd));
        Assert.That(machine.Run(100_000).Reason, Is.EqualTo(RunReason.Halted));
        Assert.That((char)CpuState.R32(machine.Cpu.State, 0), Is.EqualTo(started[0]));
    }

    [Test]
    public void Menu_lists_the_further_entries_of_a_cd()
    {
        PcMachine machine = new(new PcMachineConfig
        {
            RamSize = 4 << 20,
            BootMenu = true,
            Drives = [new Drive(new DriveOptions { Index = 2, Media = DriveMedia.CdRom, File = "test" }, SectionedCd(0, 0x88))],
        });
        machine.Attach(new BootFiles());
        System.Text.StringBuilder log = new();
        machine.DebugPorts.FirmwareLog = b => log.Append((char)b);
        machine.Run(200);
        machine.Keyboard.TypeText("\e");
        machine.Run(100_000);
        Assert.That(log.ToString(), Does.Contain("1. DVD/CD [ata1-0]\r\n2. DVD/CD [ata1-0] 2 Rescue\r\n3. DVD/CD [ata1-0] 3 Rescue\r\n"));
        machine.Keyboard.TypeText("3");
        Assert.That(machine.Run(200_000).Reason, Is.EqualTo(RunReason.Halted));
        Assert.That((char)CpuState.R32(machine.Cpu.State, 0), Is.EqualTo('2'));
    }

    /// <summary>Image n at sector 20 + n leaves its digit in AL. Catalog: the default entry; a section for EFI; a section for x86 with three entries, of which two boot.</summary>
    private static MemoryImage SectionedCd(byte platform, byte indicator)
    {
        byte[] cd = new byte[100 * CdSector];
        "\0CD001\u0001EL TORITO SPECIFICATION"u8.CopyTo(cd.AsSpan(17 * CdSector));
        cd[(17 * CdSector) + 0x47] = 18;
        Span<byte> catalog = cd.AsSpan(18 * CdSector);
        (catalog[0], catalog[1], catalog[0x1E], catalog[0x1F]) = (1, platform, 0x55, 0xAA);
        int at = 0x20;
        Entry(catalog[at..], indicator, 20);
        Header(catalog[(at += 32)..], 0x90, 0xEF, 1, ""u8);
        Entry(catalog[(at += 32)..], 0x88, 24);
        Header(catalog[(at += 32)..], 0x91, 0x00, 3, "Rescue"u8);
        Entry(catalog[(at += 32)..], 0x88, 21);
        catalog[at + 1] = 0x20; // an extension follows
        catalog[at += 32] = 0x44;
        Entry(catalog[(at += 32)..], 0x00, 24);
        Entry(catalog[(at += 32)..], 0x88, 22);
        Entry(catalog[(at += 32)..], 0x88, 24); // behind the last section
        for (int i = 0; i < 5; i++)
        {
            ((ReadOnlySpan<byte>)[0xB8, (byte)('0' + i), 0, .. Halt]).CopyTo(cd.AsSpan((20 + i) * CdSector));
        }

        return new MemoryImage(cd, readOnly: true);

        static void Header(Span<byte> header, byte id, byte platform, byte count, ReadOnlySpan<byte> name)
        {
            (header[0], header[1], header[2]) = (id, platform, count);
            name.CopyTo(header[4..]);
        }

        static void Entry(Span<byte> entry, byte indicator, byte sector) => (entry[0], entry[6], entry[8]) = (indicator, 4, sector);
    }

    [Test]
    public void Cd_with_a_floppy_image_is_drive_a_until_the_emulation_ends()
    {
        byte[] floppy = new byte[1440 << 10];
        Halt.CopyTo(floppy, 0);
        floppy[37 * 512] = 0x77; // cylinder 1, head 0, sector 2
        PcMachine machine = Machine(
            "d",
            (DriveInterface.Floppy, 0, DriveMedia.Disk, new MemoryImage(new byte[1440 << 10])),
            (DriveInterface.Ide, 2, DriveMedia.CdRom, BootableCd(2, 1, floppy)));
        BiosCaller bios = new(machine);
        Assert.That((byte)bios.Edx, Is.Zero);
        Assert.That(ReadSector(bios, 0), Is.EqualTo(0x77));
        bios.Edx = 0;
        Assert.That(bios.Int(0x13, 0x0800) && !bios.Carry);
        Assert.That((byte)bios.Edx, Is.EqualTo(2), "the image and the real drive");

        bios.SetDs((ushort)(Specification >> 4));
        bios.Esi = 0;
        bios.Edx = 0;
        Assert.That(bios.Int(0x13, 0x4B00) && !bios.Carry);
        ReadSector(bios, 0); // the disk was never read: change line
        Assert.That(ReadSector(bios, 0), Is.Zero);
    }

    [Test]
    public void Floppy_image_that_ends_early_is_a_disk_of_its_next_format()
    {
        byte[] image = new byte[2532 * 512];
        Halt.CopyTo(image, 0);
        PcMachine machine = Machine("a", (DriveInterface.Floppy, 0, DriveMedia.Disk, new MemoryImage(image)));
        BiosCaller bios = new(machine);
        bios.SetEs(0x2000);
        bios.Ebx = 0;
        bios.Ecx = 0x4F12;
        bios.Edx = 0x0100;
        machine.Memory.Write(0x20000, 0xEEEE);
        Assert.That(bios.Int(0x13, 0x0201) && !bios.Carry);
        Assert.That(machine.Memory.Read<ushort>(0x20000), Is.Zero);
        bios.Edx = 0x0100;
        Assert.That(bios.Int(0x13, 0x0301) && bios.Carry);
        Assert.That(bios.Ah, Is.EqualTo(0xCC));
    }

    [Test]
    public void Order_falls_through_to_the_first_device_that_boots()
    {
        byte[] disk = new byte[1 << 20];
        Halt.CopyTo(disk, 0);
        disk[510] = 0x55;
        disk[511] = 0xAA;
        PcMachine machine = Machine(
            "dac",
            (DriveInterface.Floppy, 0, DriveMedia.Disk, new MemoryImage(new byte[1440 << 10])),
            (DriveInterface.Ide, 0, DriveMedia.Disk, new MemoryImage(new byte[1 << 20])),
            (DriveInterface.Ide, 1, DriveMedia.Disk, new MemoryImage(disk)),
            (DriveInterface.Ide, 2, DriveMedia.CdRom, new MemoryImage(new byte[100 * CdSector], readOnly: true)));
        Assert.That(machine.Run(10_000).Reason, Is.EqualTo(RunReason.Halted));
        Assert.That((byte)CpuState.R32(machine.Cpu.State, 2), Is.EqualTo(0x80), "the disk that boots is the first one");
        Assert.That(new BiosCaller(machine) is var bios && FirstByte(bios, 0x80) == 0xFA && FirstByte(bios, 0x81) == 0);
    }

    [Test]
    public void Option_roms_are_initialized_and_their_boot_vector_is_the_network()
    {
        // INC BYTE [CS:…] would hit ROM: the initialization counts at 0000:0600; the boot entry vector at 40h halts.
        byte[] rom = new byte[1024];
        byte[] code = [0x55, 0xAA, 0x02, 0x1E, 0x31, 0xC0, 0x8E, 0xD8, 0xFE, 0x06, 0x00, 0x06, 0x1F, 0xCB];
        code.CopyTo(rom, 0);
        rom[0x1A] = 0x50;
        Halt.CopyTo(rom, 0x40);
        "$PnP"u8.CopyTo(rom.AsSpan(0x50));
        rom[0x50 + 0x1A] = 0x40;
        int sum = 0;
        foreach (byte b in rom)
        {
            sum += b;
        }

        rom[^1] = (byte)-sum;
        PcMachine machine = new(new PcMachineConfig { RamSize = 4 << 20, BootOrder = "n" });
        machine.Attach(new BootFiles { Roms = [new RomImage(new GuestFile("option", rom), 0xD0000)] });
        Assert.That(machine.Run(10_000).Reason, Is.EqualTo(RunReason.Halted));
        Assert.That(machine.Memory.Read<byte>(0x600), Is.EqualTo(1));
        Assert.That((machine.Cpu.State->Eip, CpuState.Segment(machine.Cpu.State, SegmentIndex.Cs)->Selector), Is.EqualTo((0x42u, (ushort)0xD000)));
    }

    [Test]
    public void Machine_saved_in_its_firmware_goes_on()
    {
        string folder = Directory.CreateTempSubdirectory("emu-test").FullName;
        string file = Path.Combine(folder, "state");
        try
        {
            PcMachine Create()
            {
                PcMachine created = new(new PcMachineConfig { RamSize = 4 << 20, BootMenu = true, BootMenuWait = 800, BootRetryWait = 300 });
                created.Attach(new BootFiles());
                return created;
            }

            PcMachine whole = Create();
            whole.Run(20_000);
            PcMachine machine = Create();
            for (long at = 0; at < 20_000;)
            {
                long step = Math.Min(20_000 - at, at < 100 ? 7 : 1999);
                machine.Run(step);
                at += step;
                MachineSnapshot.Save(machine, file);
                machine = MachineSnapshot.Load(file, c => c);
            }

            Assert.That(machine.Clock.Now, Is.EqualTo(whole.Clock.Now));
            Assert.That(machine.Cpu.State->Eip, Is.EqualTo(whole.Cpu.State->Eip));
            Assert.That(new ReadOnlySpan<byte>(machine.Memory.Ram, 4 << 20).SequenceEqual(new ReadOnlySpan<byte>(whole.Memory.Ram, 4 << 20)));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static byte ReadSector(BiosCaller bios, byte drive)
    {
        bios.Machine.Memory.Write<byte>(0x20000, 0);
        bios.SetEs(0x2000);
        bios.Ebx = 0;
        bios.Ecx = 0x0102;
        bios.Edx = drive;
        bios.Int(0x13, 0x0201);
        return bios.Machine.Memory.Read<byte>(0x20000);
    }

    private static byte FirstByte(BiosCaller bios, byte drive)
    {
        bios.Machine.Memory.Write<byte>(0x20000, 0xEE);
        bios.SetEs(0x2000);
        bios.Ebx = 0;
        bios.Ecx = 0x0001;
        bios.Edx = drive;
        bios.Int(0x13, 0x0201);
        return bios.Machine.Memory.Read<byte>(0x20000);
    }
}
