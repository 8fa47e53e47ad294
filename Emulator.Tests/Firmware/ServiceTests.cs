using System.Text;
using Emulator.Core.Cpu;
using Emulator.Devices;
using Emulator.Devices.Input;
using Emulator.Devices.Storage;
using Emulator.Devices.Storage.Images;
using NUnit.Framework;

namespace Emulator.Tests.Firmware;

internal sealed unsafe class ServiceTests
{
    private const uint Buffer = 0x20000;
    private const ushort BufferSegment = 0x2000;

    private static PcMachineConfig WithDisk(byte[] disk) => new()
    {
        RamSize = 64 << 20,
        Drives = [new Drive(new DriveOptions { Index = 0, File = "disk" }, new MemoryImage(disk))],
    };

    private static byte[] NumberedDisk(int sectors)
    {
        byte[] disk = new byte[sectors * 512];
        for (int i = 0; i < sectors; i++)
        {
            BitConverter.TryWriteBytes(disk.AsSpan(i * 512), i);
        }

        return disk;
    }

    [Test]
    public void Memory_map_has_all_ram_and_ends()
    {
        BiosCaller bios = BiosCaller.Create(new PcMachineConfig { RamSize = 64 << 20 });
        ulong usable = 0;
        uint next = 0;
        int entries = 0;
        do
        {
            bios.Eax = 0xE820;
            bios.Ebx = next;
            bios.Ecx = 24;
            bios.Edx = 0x534D4150;
            bios.SetEs(BufferSegment);
            bios.Edi = 0;
            Assert.That(bios.Int(0x15) && !bios.Carry);
            Assert.That((bios.Eax, bios.Ecx), Is.EqualTo((0x534D4150u, 20u)));
            if (bios.Machine.Memory.Read<uint>(Buffer + 16) == 1)
            {
                usable += bios.Machine.Memory.Read<ulong>(Buffer + 8);
            }

            next = bios.Ebx;
            entries++;
        }
        while (next != 0 && entries < 20);
        Assert.That(usable, Is.EqualTo((64ul << 20) - (1 << 20) + (639 << 10)));
        Assert.That(bios.Int(0x15, 0xE801) && !bios.Carry);
        Assert.That((bios.Ax, (ushort)bios.Ebx), Is.EqualTo(((ushort)(15 << 10), (ushort)(48 << 4))));
        Assert.That(bios.Int(0x15, 0x8800) && !bios.Carry);
        Assert.That(bios.Ax, Is.EqualTo(63 << 10));
    }

    [Test]
    public void Hard_disk_is_read_and_written_by_cylinder_and_by_sector_number()
    {
        byte[] disk = NumberedDisk(20 * 16 * 63);
        BiosCaller bios = BiosCaller.Create(WithDisk(disk));
        bios.Edx = 0x80;
        Assert.That(bios.Int(0x13, 0x0800) && !bios.Carry);
        Assert.That((bios.Ecx & 0xFFFF, bios.Edx & 0xFFFF), Is.EqualTo((0x133Fu, 0x0F01u)));

        bios.Eax = 0x0203;
        bios.Ecx = 0x0105;
        bios.Edx = 0x0280;
        bios.Ebx = 0x10;
        bios.SetEs(BufferSegment);
        Assert.That(bios.Int(0x13) && !bios.Carry);
        int first = (((1 * 16) + 2) * 63) + 4;
        Assert.That(bios.Ax, Is.EqualTo(3));
        Assert.That(bios.Machine.Memory.Read<int>(Buffer + 0x10), Is.EqualTo(first));
        Assert.That(bios.Machine.Memory.Read<int>(Buffer + 0x410), Is.EqualTo(first + 2));

        bios.SetDs(0x3000);
        bios.Esi = 0x100;
        bios.Machine.Memory.Write(0x30100, 0x0002_0010u);
        bios.Machine.Memory.Write(0x30104, ((uint)BufferSegment << 16) | 0x10);
        bios.Machine.Memory.Write(0x30108, 7ul);
        bios.Edx = 0x80;
        Assert.That(bios.Int(0x13, 0x4300) && !bios.Carry);
        Assert.That(BitConverter.ToInt32(disk, 8 * 512), Is.EqualTo(first + 1));
        Assert.That(bios.Int(0x13, 0x4200) && !bios.Carry);
        Assert.That(bios.Machine.Memory.Read<ushort>(0x30102), Is.EqualTo(2));

        bios.Machine.Memory.Write(0x30108, (ulong)(20 * 16 * 63) - 1);
        Assert.That(bios.Int(0x13, 0x4200) && bios.Carry, "two sectors where one is left");
        Assert.That((bios.Ah, bios.Machine.Memory.Read<ushort>(0x30102)), Is.EqualTo(((byte)1, (ushort)0)));
    }

    [Test]
    public void Extensions_describe_the_disk()
    {
        BiosCaller bios = BiosCaller.Create(WithDisk(new byte[100_000 * 512]));
        bios.Edx = 0x80;
        bios.Ebx = 0x55AA;
        Assert.That(bios.Int(0x13, 0x4100) && !bios.Carry);
        Assert.That(((ushort)bios.Ebx, bios.Ah, (ushort)bios.Ecx), Is.EqualTo(((ushort)0xAA55, (byte)0x30, (ushort)5)));
        bios.SetDs(BufferSegment);
        bios.Esi = 0;
        bios.Machine.Memory.Write<ushort>(Buffer, 0x42);
        Assert.That(bios.Int(0x13, 0x4800) && !bios.Carry);
        Assert.Multiple(() =>
        {
            Assert.That(bios.Machine.Memory.Read<ulong>(Buffer + 0x10), Is.EqualTo(100_000));
            Assert.That(bios.Machine.Memory.Read<ushort>(Buffer + 0x18), Is.EqualTo(512));
            Assert.That(bios.Machine.Memory.Read<ushort>(Buffer + 0x1E), Is.EqualTo(0xBEDD));
        });
        int sum = 0;
        for (uint i = 0x1E; i <= 0x41; i++)
        {
            sum += bios.Machine.Memory.Read<byte>(Buffer + i);
        }

        Assert.That(sum & 0xFF, Is.Zero);
    }

    [Test]
    public void Changed_floppy_disk_is_told_once()
    {
        BiosCaller bios = BiosCaller.Create();
        bios.Machine.Floppies.Drives[0]!.Insert(new MemoryImage(NumberedDisk(2880)));
        bios.Edx = 0;
        Assert.That(bios.Int(0x13, 0x1600) && bios.Carry);
        Assert.That(bios.Ah, Is.EqualTo(6));
        bios.SetEs(BufferSegment);
        bios.Ebx = 0;
        bios.Ecx = 0x0002;
        bios.Edx = 0x0100;
        Assert.That(bios.Int(0x13, 0x0201) && bios.Carry);
        Assert.That(bios.Ah, Is.EqualTo(6));
        Assert.That(bios.Int(0x13, 0x0201) && !bios.Carry);
        Assert.That(bios.Machine.Memory.Read<int>(Buffer), Is.EqualTo(19));
        bios.Ecx = 0x0013;
        Assert.That(bios.Int(0x13, 0x0201) && bios.Carry, "sector 19 of 18");
        Assert.That(bios.Ah, Is.EqualTo(4));
    }

    [Test]
    public void Time_of_day_and_date_are_those_of_the_clock()
    {
        BiosCaller bios = BiosCaller.Create(new PcMachineConfig { RamSize = 16 << 20, RtcBase = new DateTime(2031, 12, 24, 23, 15, 40, DateTimeKind.Utc) });
        Assert.That(bios.Int(0x1A, 0x0200) && !bios.Carry);
        Assert.That((bios.Ecx & 0xFFFF, (bios.Edx >> 8) & 0xFF), Is.EqualTo((0x2315u, 0x40u)));
        Assert.That(bios.Int(0x1A, 0x0400) && !bios.Carry);
        Assert.That((bios.Ecx & 0xFFFF, bios.Edx & 0xFFFF), Is.EqualTo((0x2031u, 0x1224u)));
        Assert.That(bios.Int(0x1A, 0x0000));
        uint ticks = ((bios.Ecx & 0xFFFF) << 16) | (bios.Edx & 0xFFFF);
        Assert.That(ticks / 18.2065, Is.EqualTo((23 * 3600) + (15 * 60) + 40).Within(2));
    }

    [Test]
    public void Wait_takes_its_time()
    {
        BiosCaller bios = BiosCaller.Create();
        long before = bios.Machine.Clock.Now;
        bios.Ecx = 0x0003;
        bios.Edx = 0x0D40; // 200,000 microseconds
        Assert.That(bios.Int(0x15, 0x8600) && !bios.Carry);
        Assert.That(bios.Machine.Clock.Now - before, Is.InRange(200_000_000L, 202_000_000L));
    }

    [Test]
    public void Pci_functions_are_found_and_read()
    {
        BiosCaller bios = BiosCaller.Create();
        Assert.That(bios.Int(0x1A, 0xB101) && !bios.Carry);
        Assert.That((bios.Edx, bios.Ax, (ushort)bios.Ebx), Is.EqualTo((0x20494350u, (ushort)1, (ushort)0x210)));
        bios.Ecx = 0x7010;
        bios.Edx = 0x8086;
        bios.Esi = 0;
        Assert.That(bios.Int(0x1A, 0xB102) && !bios.Carry);
        Assert.That((ushort)bios.Ebx, Is.EqualTo(0x0009));
        bios.Edi = 0;
        Assert.That(bios.Int(0x1A, 0xB10A) && !bios.Carry);
        Assert.That(bios.Ecx, Is.EqualTo(0x70108086));
        bios.Ecx = 0x030000;
        bios.Esi = 0;
        Assert.That(bios.Int(0x1A, 0xB103) && !bios.Carry);
        Assert.That((ushort)bios.Ebx, Is.EqualTo(0x0010));
    }

    [Test]
    public void Block_moves_beyond_1_mebibyte()
    {
        BiosCaller bios = BiosCaller.Create();
        bios.Machine.Memory.WriteBlock(Buffer, Encoding.ASCII.GetBytes("moved up"));
        byte[] table = new byte[0x30];
        void Descriptor(int at, uint address)
        {
            table[at] = table[at + 1] = 0xFF;
            BitConverter.TryWriteBytes(table.AsSpan(at + 2), address & 0xFFFFFF);
            table[at + 5] = 0x93;
            table[at + 7] = (byte)(address >> 24);
        }

        Descriptor(0x10, Buffer);
        Descriptor(0x18, 0x0030_0000);
        bios.Machine.Memory.WriteBlock(0x30000, table);
        bios.SetEs(0x3000);
        bios.Esi = 0;
        bios.Ecx = 4;
        Assert.That(bios.Int(0x15, 0x8700) && !bios.Carry);
        Assert.That(bios.Machine.Memory.Read<ulong>(0x300000), Is.EqualTo(bios.Machine.Memory.Read<ulong>(Buffer)));
    }

    [Test]
    public void Apm_switches_the_machine_off()
    {
        BiosCaller bios = BiosCaller.Create();
        bios.Ebx = 0;
        Assert.That(bios.Int(0x15, 0x5300) && !bios.Carry);
        Assert.That((ushort)bios.Ebx, Is.EqualTo(0x504D));
        bios.Ebx = 0;
        Assert.That(bios.Int(0x15, 0x5301) && !bios.Carry);
        bios.Ebx = 1;
        bios.Ecx = 3;
        bios.Int(0x15, 0x5307);
        Assert.That(bios.End, Is.EqualTo(RunReason.PoweredOff));
    }

    [Test]
    public void Control_alt_delete_restarts_the_machine()
    {
        BiosCaller bios = BiosCaller.Create(new PcMachineConfig { RamSize = 16 << 20, NoReboot = true });
        bios.Machine.Keyboard.KeyDown(Key.LeftControl);
        bios.Machine.Keyboard.KeyDown(Key.LeftAlt);
        bios.Machine.Keyboard.KeyDown(Key.Delete);
        bios.Int(0x16, 0);
        Assert.That(bios.End, Is.EqualTo(RunReason.Reset));
        Assert.That(bios.Machine.Memory.Read<ushort>(0x472), Is.EqualTo(0x1234));
    }

    [Test]
    public void Keys_become_the_codes_that_programs_expect()
    {
        BiosCaller bios = BiosCaller.Create();
        (Key[] Keys, ushort Old, ushort Enhanced)[] cases =
        [
            ([Key.LeftShift, Key.A], 0x1E41, 0x1E41),
            ([Key.LeftControl, Key.C], 0x2E03, 0x2E03),
            ([Key.LeftAlt, Key.X], 0x2D00, 0x2D00),
            ([Key.Up], 0x4800, 0x48E0),
            ([Key.Escape], 0x011B, 0x011B),
        ];
        foreach ((Key[] keys, ushort old, ushort enhanced) in cases)
        {
            foreach (ushort function in (ReadOnlySpan<ushort>)[0x0000, 0x1000])
            {
                foreach (Key key in keys)
                {
                    bios.Machine.Keyboard.KeyDown(key);
                }

                Assert.That(bios.Int(0x16, function));
                Assert.That(bios.Ax, Is.EqualTo(function == 0 ? old : enhanced), string.Join('+', keys));
                foreach (Key key in keys)
                {
                    bios.Machine.Keyboard.KeyUp(key);
                }

                // The releases arrive while a wait goes on.
                bios.Ecx = 0;
                bios.Edx = 5000;
                Assert.That(bios.Int(0x15, 0x8600));
            }
        }
    }

    [Test]
    public void Caps_lock_switches_its_light()
    {
        BiosCaller bios = BiosCaller.Create();
        bios.Machine.Keyboard.KeyDown(Key.CapsLock);
        bios.Machine.Keyboard.KeyUp(Key.CapsLock);
        bios.Machine.Keyboard.KeyDown(Key.Q);
        Assert.That(bios.Int(0x16, 0));
        Assert.That(bios.Ax, Is.EqualTo(0x1051));
        Assert.That(bios.Machine.Keyboard.Leds, Is.EqualTo(4));
    }

    [Test]
    public void Real_mode_programs_enter_protected_mode_by_function_89h()
    {
        BiosCaller bios = BiosCaller.Create();
        byte[] table = new byte[0x40];
        void Descriptor(int at, uint address, ushort limit, byte access)
        {
            BitConverter.TryWriteBytes(table.AsSpan(at), limit);
            BitConverter.TryWriteBytes(table.AsSpan(at + 2), address);
            table[at + 5] = access;
        }

        Descriptor(0x08, 0x30000, 0x3F, 0x93);
        Descriptor(0x10, 0x31000, 0x7FF, 0x93);
        Descriptor(0x18, 0x20000, 0xFFFF, 0x93);
        Descriptor(0x20, 0x20000, 0xFFFF, 0x93);
        Descriptor(0x28, 0, 0xFFFF, 0x93);
        Descriptor(0x30, 0, 0xFFFF, 0x9B);
        bios.Machine.Memory.WriteBlock(0x30000, table);
        bios.SetEs(0x3000);
        bios.Esi = 0;
        bios.Ebx = 0x2028;
        Assert.That(bios.Int(0x15, 0x8900) && !bios.Carry);
        Assert.Multiple(() =>
        {
            Assert.That(bios.State->Cr0 & 1, Is.EqualTo(1));
            Assert.That(CpuState.Segment(bios.State, SegmentIndex.Cs)->Selector, Is.EqualTo(0x30));
            Assert.That(CpuState.Segment(bios.State, SegmentIndex.Ds)->Base, Is.EqualTo(0x20000));
            Assert.That(bios.State->IdtBase, Is.EqualTo(0x31000));
        });
    }

    [Test]
    public void Mouse_handler_gets_packets()
    {
        // The handler at 0000:0600 stores its four words at 0700 and returns.
        BiosCaller bios = BiosCaller.Create();
        byte[] handler = [0x55, 0x89, 0xE5, 0x50, 0x8B, 0x46, 0x0C, 0x2E, 0xA3, 0x00, 0x07, 0x8B, 0x46, 0x0A, 0x2E, 0xA3, 0x02, 0x07, 0x8B, 0x46, 0x08, 0x2E, 0xA3, 0x04, 0x07, 0x58, 0x5D, 0xCB];
        bios.Machine.Memory.WriteBlock(0x600, handler);
        bios.Ebx = 0x0300;
        Assert.That(bios.Int(0x15, 0xC205) && !bios.Carry);
        bios.SetEs(0);
        bios.Ebx = 0x600;
        Assert.That(bios.Int(0x15, 0xC207) && !bios.Carry);
        bios.Ebx = 0x0100;
        Assert.That(bios.Int(0x15, 0xC200) && !bios.Carry);
        bios.Machine.Mouse.Move(5, -3);
        bios.Ecx = 0;
        bios.Edx = 50_000;
        Assert.That(bios.Int(0x15, 0x8600) && !bios.Carry);
        Assert.That(bios.Machine.Memory.Read<ushort>(0x702), Is.EqualTo(5));
        Assert.That((byte)bios.Machine.Memory.Read<ushort>(0x704), Is.EqualTo(3).Or.EqualTo(0xFD));
    }

    /// <summary>Every service with random registers: no exception of the host, and each one returns or waits.</summary>
    [Test]
    public void Random_calls_do_no_harm()
    {
        byte[] vectors = [0x05, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x1A, 0x40];
        int rounds = int.TryParse(Environment.GetEnvironmentVariable("EMULATOR_FUZZ_ROUNDS"), out int given) ? given : 3000;
        const int Seed = 20260102;
        TestContext.Out.WriteLine($"seed {Seed}");
        Random random = new(Seed);
        BiosCaller bios = BiosCaller.Create(WithDisk(NumberedDisk(1000)) with { RamSize = 16 << 20, NoReboot = true });
        for (int i = 0; i < rounds; i++)
        {
            byte vector = vectors[random.Next(vectors.Length)];
            for (int r = 0; r < 8; r++)
            {
                CpuState.R32(bios.State, r) = random.Next(4) == 0 ? (uint)random.NextInt64() : (uint)random.Next(0x300);
            }

            bios.Eax = (uint)random.Next(0x10000);
            if (vector == 0x1A && random.Next(2) == 0)
            {
                bios.Eax = 0xB100 | (uint)random.Next(16);
            }

            if (vector == 0x13)
            {
                bios.Edx = (bios.Edx & ~0xFFu) | new uint[] { 0, 1, 0x80, 0x81, 0xE0 }[random.Next(5)];
                bios.Eax = ((uint)random.Next(0x50) << 8) | (uint)random.Next(20);
            }

            if (vector == 0x15 && (bios.Ah is 0x86 or 0x89 or 0x53 or 0x24))
            {
                continue; // waits an hour, leaves real mode, switches off, takes the second mebibyte away
            }

            bios.SetEs((ushort)random.Next(0x2000, 0x8000));
            bios.SetDs((ushort)random.Next(0x2000, 0x8000));
            Assert.DoesNotThrow(() => bios.Int(vector), $"round {i}, INT {vector:X2}h");
            if (bios.End != RunReason.Halted)
            {
                // It waits, or what it read lies over vectors and code.
                bios = BiosCaller.Create(WithDisk(NumberedDisk(1000)) with { RamSize = 16 << 20, NoReboot = true });
            }
        }
    }
}
