using System.Buffers.Binary;
using Emulator.Devices.Storage;
using Emulator.Devices.Storage.Images;
using NUnit.Framework;

namespace Emulator.Tests.Storage;

[TestFixture]
public sealed class AtaDiskTests
{
    private const int Sectors = 40000;

    [Test]
    public void Identify_tells_what_is_there()
    {
        IdeBoard ide = Create(out _);
        ide.Register(6, 0xA0);
        ide.Command(0xEC);
        Assert.That(ide.AlternateStatus, Is.EqualTo(0x80));
        Assert.That(ide.Wait(), Is.EqualTo(0x58));
        Assert.That(ide.TakeInterrupt(), Is.True);
        ushort[] words = Words(ide.ReadData(512));
        Assert.That(ide.Status, Is.EqualTo(0x50));
        Assert.That(ide.TakeInterrupt(), Is.False, "no interrupt after the last block of a read");
        Assert.That((words[1], words[3], words[6]), Is.EqualTo(((ushort)(Sectors / 1008), (ushort)16, (ushort)63)));
        Assert.That(words[60] | (words[61] << 16), Is.EqualTo(Sectors));
        Assert.That(words[100] | (words[101] << 16), Is.EqualTo(Sectors));
        Assert.That(words[83] & 0x7400, Is.EqualTo(0x7400));
        byte[] bytes = [.. words.SelectMany(w => new[] { (byte)w, (byte)(w >> 8) })];
        Assert.That(bytes.Sum(b => b) & 0xFF, Is.Zero);
    }

    [TestCase(0x20, 1, 2)]
    [TestCase(0x20, 3, 4)]
    [TestCase(0x24, 5, 2)]
    [TestCase(0xC4, 20, 4)]
    [TestCase(0x29, 9, 2)]
    public void Programmed_reads(int command, int count, int size)
    {
        IdeBoard ide = Create(out byte[] data);
        SetMultiple(ide, 8);
        Address(ide, command, 1234, count);
        ide.Command(command);
        int block = command is 0xC4 or 0x29 ? 8 : 1;
        List<byte> read = [];
        for (int left = count; left > 0; left -= block)
        {
            Assert.That(ide.Wait(), Is.EqualTo(0x58));
            Assert.That(ide.TakeInterrupt(), Is.True);
            Assert.That(ide.Status, Is.EqualTo(0x58));
            read.AddRange(ide.ReadData(512 * Math.Min(block, left), size));
        }

        Assert.That(ide.Wait(), Is.EqualTo(0x50));
        Assert.That(read, Is.EqualTo(data.AsSpan(1234 * 512, count * 512).ToArray()));
        Assert.That(ide.Register(3), Is.EqualTo((byte)(1234 + count - 1)), "address of the last sector");
    }

    [TestCase(0x30, 1, 2)]
    [TestCase(0x34, 3, 4)]
    [TestCase(0xC5, 20, 2)]
    [TestCase(0x39, 9, 4)]
    public void Programmed_writes(int command, int count, int size)
    {
        IdeBoard ide = Create(out byte[] data);
        SetMultiple(ide, 8);
        byte[] sent = new byte[count * 512];
        new Random(count).NextBytes(sent);
        Address(ide, command, 777, count);
        ide.Command(command);
        int block = command is 0xC5 or 0x39 ? 8 : 1;
        Assert.That(ide.Wait(), Is.EqualTo(0x58));
        Assert.That(ide.TakeInterrupt(), Is.False, "no interrupt for the first block of a write");
        for (int at = 0; at < count; at += block)
        {
            ide.WriteData(sent.AsSpan(512 * at, 512 * Math.Min(block, count - at)), size);
            Assert.That(ide.AlternateStatus, Is.EqualTo(0x80));
            Assert.That(ide.Wait(), Is.EqualTo(at + block < count ? 0x58 : 0x50));
            Assert.That(ide.TakeInterrupt(), Is.True);
            _ = ide.Status;
        }

        Assert.That(data.AsSpan(777 * 512, sent.Length).SequenceEqual(sent), Is.True);
    }

    [Test]
    public void Cylinders_heads_and_sectors_follow_the_translation()
    {
        IdeBoard ide = Create(out byte[] data);
        ide.Register(6, 0xA0 | 3);
        ide.Register(2, 17);
        ide.Command(0x91); // 4 heads, 17 sectors
        ide.Wait();
        ide.Register(6, 0xA0 | 2);
        ide.Register(2, 1);
        ide.Register(3, 17);
        ide.Register(4, 33);
        ide.Register(5, 1);
        ide.Command(0x20);
        Assert.That(ide.Wait(), Is.EqualTo(0x58));
        int lba = ((((256 + 33) * 4) + 2) * 17) + 16;
        Assert.That(ide.ReadData(512), Is.EqualTo(data.AsSpan(lba * 512, 512).ToArray()));

        ide.Register(6, 0xA0 | 4);
        ide.Register(2, 1);
        ide.Command(0x20);
        Assert.That(ide.Wait(), Is.EqualTo(0x51));
        Assert.That(ide.Error, Is.EqualTo(0x10), "head 4 does not exist");
        ide.Register(6, 0xA0);
        ide.Command(0xEC);
        ide.Wait();
        ushort[] words = Words(ide.ReadData(512));
        Assert.That((words[54], words[55], words[56]), Is.EqualTo(((ushort)(Sectors / 68), (ushort)4, (ushort)17)));
    }

    [TestCase(0x25, false)]
    [TestCase(0xC8, true)]
    public void Dma_read_scatters_over_descriptors(int command, bool startFirst)
    {
        IdeBoard ide = Create(out byte[] data);
        ide.Prd(0, IdeBoard.Data + 2, 512, last: false);
        ide.Prd(1, IdeBoard.Data + 0x2FFE, 4096, last: false);
        ide.Prd(2, IdeBoard.Data + 0x8000, 3584, last: true);
        Address(ide, command, 99, 16);
        if (startFirst)
        {
            ide.StartDma(toMemory: true);
            ide.Command(command);
        }
        else
        {
            ide.Command(command);
            ide.Board.Advance(1_000_000);
            Assert.That(ide.AlternateStatus, Is.EqualTo(0x80), "waits for the bus master");
            ide.StartDma(toMemory: true);
        }

        Assert.That(ide.Board.In((ushort)(ide.Bm + 2)) & 0x07, Is.EqualTo(0x01));
        Assert.That(ide.Wait(), Is.EqualTo(0x50));
        Assert.That(ide.TakeInterrupt(), Is.True);
        Assert.That(ide.StopDma(), Is.EqualTo(0x64), "interrupt, not active");
        byte[] memory = [.. ide.Memory(IdeBoard.Data + 2, 512), .. ide.Memory(IdeBoard.Data + 0x2FFE, 4096), .. ide.Memory(IdeBoard.Data + 0x8000, 3584)];
        Assert.That(memory, Is.EqualTo(data.AsSpan(99 * 512, 8192).ToArray()));
    }

    [TestCase(0x35)]
    [TestCase(0xCA)]
    public void Dma_write_gathers(int command)
    {
        IdeBoard ide = Create(out byte[] data);
        byte[] sent = new byte[0x30000];
        new Random(1).NextBytes(sent);
        ide.Board.Machine.Memory.WriteBlock(IdeBoard.Data, sent);
        ide.Prd(0, IdeBoard.Data, 0x10000, last: false);
        ide.Prd(1, IdeBoard.Data + 0x10000, 0x10000, last: true);
        Address(ide, command, 1000, 256);
        ide.Command(command);
        ide.StartDma(toMemory: false);
        Assert.That(ide.Wait(), Is.EqualTo(0x50));
        Assert.That(ide.StopDma(), Is.EqualTo(0x64));
        Assert.That(data.AsSpan(1000 * 512, 0x20000).SequenceEqual(sent.AsSpan(0, 0x20000)), Is.True);
        Assert.That(data.AsSpan(1256 * 512, 512).SequenceEqual(IdeBoard.Pattern(Sectors).AsSpan(1256 * 512, 512)), Is.True);
    }

    [Test]
    public void Dma_with_too_short_and_too_long_tables()
    {
        IdeBoard ide = Create(out byte[] data);
        ide.Prd(0, IdeBoard.Data, 1024, last: true);
        ide.Lba28(0, 1);
        ide.StartDma(toMemory: true);
        ide.Command(0xC8);
        ide.Wait();
        Assert.That(ide.StopDma() & 7, Is.EqualTo(5), "interrupt, and active: the table has more");
        _ = ide.Status;

        ide.Lba28(10, 4);
        ide.StartDma(toMemory: true);
        ide.Command(0xC8);
        ide.Board.Advance(10_000_000);
        Assert.That(ide.AlternateStatus, Is.EqualTo(0x80), "the device still has data");
        Assert.That(ide.StopDma() & 7, Is.EqualTo(0), "no interrupt, not active");
        Assert.That(ide.Memory(IdeBoard.Data, 1024), Is.EqualTo(data.AsSpan(5120, 1024).ToArray()));

        ide.Prd(0, IdeBoard.Data + 0x1000, 1024, last: true);
        ide.StartDma(toMemory: true);
        Assert.That(ide.Wait(), Is.EqualTo(0x50), "goes on where it stopped");
        Assert.That(ide.Memory(IdeBoard.Data + 0x1000, 1024), Is.EqualTo(data.AsSpan(6144, 1024).ToArray()));
    }

    [Test]
    public void Dma_to_nowhere_sets_the_error_bit_until_a_reset()
    {
        IdeBoard ide = Create(out _);
        ide.Prd(0, 0xD0000000, 512, last: true);
        ide.Lba28(0, 1);
        ide.StartDma(toMemory: true);
        ide.Command(0xC8);
        ide.Board.Advance(10_000_000);
        Assert.That(ide.StopDma() & 7, Is.EqualTo(2));
        Assert.That(ide.AlternateStatus, Is.EqualTo(0x80));
        ide.Board.Out(0x3F6, 0x04);
        Assert.That(ide.AlternateStatus, Is.EqualTo(0x80));
        ide.Board.Out(0x3F6, 0x00);
        Assert.That(ide.Wait(), Is.EqualTo(0x50));
        Assert.That((ide.Error, ide.Register(2), ide.Register(3), ide.Register(4), ide.Register(5)), Is.EqualTo(((byte)1, (byte)1, (byte)1, (byte)0, (byte)0)));
    }

    [Test]
    public void Dma_stores_replace_code()
    {
        byte[] data = new byte[512];
        new byte[] { 0xB0, 0x22, 0xF4 }.CopyTo(data, 0); // mov al, 22h; hlt
        IdeBoard ide = new(IdeBoard.Disk(0, data));
        byte[] rom = new byte[0x1000];
        new byte[] { 0xEA, 0x00, 0x10, 0x00, 0x00 }.CopyTo(rom, 0xFF0);
        ide.Board.Machine.Memory.MapRom(0xFFFFF000, rom);
        ide.Board.Machine.Memory.WriteBlock(0x1000, [0xB0, 0x11, 0xF4]);
        ide.Board.Machine.Reset();
        ide.Board.Machine.Run(10);
        Assert.That(Al(ide), Is.EqualTo(0x11));
        ide.Board.Machine.PrepareDirectBoot();
        ide.Prd(0, 0x1000, 512, last: true);
        ide.Lba28(0, 1);
        ide.StartDma(toMemory: true);
        ide.Command(0xC8);
        ide.Wait();
        ide.StopDma();
        ide.Board.Machine.Reset();
        ide.Board.Machine.Run(10);
        Assert.That(Al(ide), Is.EqualTo(0x22));
    }

    [TestCase(0x20, 39999, 2, 39999)]
    [TestCase(0xC4, 39990, 20, 39998)]
    [TestCase(0x40, 39900, 200, 40000)]
    [TestCase(0x42, 39900, 2000, 40000)]
    public void Sectors_out_of_range_end_the_command_there(int command, int lba, int count, int last)
    {
        IdeBoard ide = Create(out _);
        SetMultiple(ide, 4);
        Address(ide, command, lba, count);
        ide.Command(command);
        while ((ide.Wait() & 0x08) != 0)
        {
            ide.ReadData(command == 0xC4 ? 2048 : 512);
        }

        Assert.That(ide.Status, Is.EqualTo(0x51));
        Assert.That(ide.Error, Is.EqualTo(0x10));
        int address = ide.Register(3) | (ide.Register(4) << 8) | (ide.Register(5) << 16);
        Assert.That(address, Is.EqualTo(command == 0x20 ? last + 1 : last), "first sector that does not exist, or of its block");
    }

    [Test]
    public void Read_only_disks_and_host_failures_abort_or_are_uncorrectable()
    {
        IdeBoard ide = new(IdeBoard.Disk(0, new byte[1024], readOnly: true), new Drive(new DriveOptions { Index = 1 }, new FailingImage()));
        ide.Lba28(0, 1);
        ide.Command(0x30);
        ide.Wait();
        ide.WriteData(new byte[512]);
        Assert.That(ide.Wait(), Is.EqualTo(0x51));
        Assert.That(ide.Error, Is.EqualTo(0x04));
        ide.Lba28(5, 1, unit: 1);
        ide.Command(0x20);
        Assert.That(ide.Wait(), Is.EqualTo(0x51));
        Assert.That(ide.Error, Is.EqualTo(0x40));
        ide.Command(0xE7);
        ide.Wait();
        Assert.That(ide.Error, Is.EqualTo(0x04));
    }

    [Test]
    public void Missing_devices()
    {
        IdeBoard ide = Create(out _);
        ide.Register(6, 0xB0);
        Assert.That((ide.AlternateStatus, ide.Register(6) & 0x10), Is.EqualTo(((byte)0, 0x10)));
        ide.Command(0xEC);
        Assert.That(ide.AlternateStatus, Is.Zero);
        ide.Port = 0x170;
        Assert.That((ide.AlternateStatus, ide.Register(2)), Is.EqualTo(((byte)0x7F, (byte)0x7F)));
    }

    [Test]
    public void Interrupts_can_be_disabled_and_wait()
    {
        IdeBoard ide = Create(out _);
        ide.Board.Out(0x3F6, 0x02);
        ide.Command(0xE7);
        ide.Wait();
        Assert.That(ide.Board.Interrupting, Is.False);
        ide.Board.Out(0x3F6, 0x00);
        Assert.That(ide.TakeInterrupt(), Is.True);
    }

    [Test]
    public void Diagnostic_reset_power_and_features()
    {
        IdeBoard ide = Create(out _);
        ide.Register(6, 0xB0);
        ide.Command(0x90);
        Assert.That(ide.Wait(), Is.EqualTo(0x50));
        Assert.That(ide.TakeInterrupt(), Is.True);
        Assert.That((ide.Error, ide.Register(6) & 0x10), Is.EqualTo(((byte)1, 0)));
        ide.Command(0xE0);
        ide.Wait();
        ide.Command(0xE5);
        ide.Wait();
        Assert.That(ide.Register(2), Is.Zero, "standby");
        ide.Command(0xE1);
        ide.Wait();
        ide.Command(0xE5);
        ide.Wait();
        Assert.That(ide.Register(2), Is.EqualTo(0xFF));
        ide.Command(0xE6);
        ide.Wait();
        ide.Command(0xE5);
        Assert.That(ide.AlternateStatus & 0x80, Is.Zero, "sleeps");
        ide.Board.Out(0x3F6, 4);
        ide.Board.Out(0x3F6, 0);
        ide.Wait();
        ide.Register(1, 3);
        ide.Register(2, 0x22);
        ide.Command(0xEF);
        Assert.That(ide.Wait(), Is.EqualTo(0x50));
        ide.Register(2, 0x25);
        ide.Command(0xEF);
        Assert.That(ide.Wait(), Is.EqualTo(0x51), "no such mode");
        ide.Command(0xEC);
        ide.Wait();
        Assert.That(Words(ide.ReadData(512))[63], Is.EqualTo(0x0407));
        foreach (int command in new[] { 0x00, 0xA1, 0xF5, 0xFF, 0xA0, 0x08 })
        {
            ide.Command(command);
            Assert.That(ide.Wait(), Is.EqualTo(0x51), $"{command:X2}h");
            Assert.That(ide.Error, Is.EqualTo(0x04), $"{command:X2}h");
        }

        ide.Register(1, 0xDA);
        ide.Register(4, 0x4F);
        ide.Register(5, 0xC2);
        ide.Command(0xB0);
        Assert.That((ide.Wait(), ide.Register(4), ide.Register(5)), Is.EqualTo(((byte)0x50, (byte)0x4F, (byte)0xC2)));
    }

    [Test]
    public void Channel_is_decoded_only_when_the_function_says_so()
    {
        IdeBoard ide = new(IdeBoard.Disk(0, new byte[512]));
        Assert.That(ide.AlternateStatus, Is.EqualTo(0x50));
        ide.Board.Out(0xCF8, 4, 0x80000940);
        Assert.That(ide.Board.In(0xCFC, 4), Is.EqualTo(0x80008000));
        ide.Board.Out(0xCFC, 4, 0x80000000);
        Assert.That(ide.AlternateStatus, Is.EqualTo(0xFF));
        ide.Board.Out(0xCF8, 4, 0x80000900);
        Assert.That(ide.Board.In(0xCFC, 4), Is.EqualTo(0x70108086));
    }

    /// <summary>Saves and loads at every event of a programmed read, a write and a DMA transfer; both machines end alike.</summary>
    [TestCase(0xC4)]
    [TestCase(0x39)]
    [TestCase(0xC8)]
    [TestCase(0x35)]
    public void Saving_in_the_middle_of_a_transfer(int command)
    {
        for (int stop = 0; stop < 14; stop++)
        {
            byte[] one = Run(command, stop, reload: false);
            byte[] two = Run(command, stop, reload: true);
            Assert.That(two.AsSpan().SequenceEqual(one), Is.True, $"stop {stop}");
        }
    }

    private static byte[] Run(int command, int stop, bool reload)
    {
        IdeBoard ide = Create(out byte[] data);
        SetMultiple(ide, 4);
        ide.Prd(0, IdeBoard.Data, 12 * 512, last: true);
        Address(ide, command, 55, 12);
        int step = 0;
        void Point()
        {
            if (step++ == stop && reload)
            {
                uint[] ram = [.. Enumerable.Range(0, 0x8000).Select(i => ide.Board.Machine.Memory.Read<uint>(IdeBoard.Table + (4u * (uint)i)))];
                ide = ide.Clone();
                for (int i = 0; i < ram.Length; i++)
                {
                    ide.Board.Machine.Memory.Write(IdeBoard.Table + (4u * (uint)i), ram[i]);
                }
            }
        }

        Point();
        ide.Command(command);
        Point();
        if (command is 0xC8 or 0x35)
        {
            ide.StartDma(command == 0xC8);
            Point();
            ide.Board.Advance(10_000);
            Point();
            ide.Wait();
            Point();
            ide.StopDma();
        }
        else
        {
            for (int block = 0; block < 3; block++)
            {
                ide.Wait();
                Point();
                if (command == 0xC4)
                {
                    ide.Board.Machine.Memory.WriteBlock(IdeBoard.Data + (2048u * (uint)block), ide.ReadData(1000));
                    Point();
                    ide.Board.Machine.Memory.WriteBlock(IdeBoard.Data + (2048u * (uint)block) + 1000, ide.ReadData(1048));
                }
                else
                {
                    ide.WriteData(new byte[1000]);
                    Point();
                    ide.WriteData(new byte[1048]);
                }

                Point();
            }
        }

        ide.Wait();
        return [.. ide.Board.State(), .. ide.Memory(IdeBoard.Data, 0x10000), .. data.AsSpan(0, 0x20000)];
    }

    private static unsafe int Al(IdeBoard ide) => *(byte*)ide.Board.Machine.Cpu.State;

    private static IdeBoard Create(out byte[] data)
    {
        data = IdeBoard.Pattern(Sectors);
        return new IdeBoard(IdeBoard.Disk(0, data));
    }

    private static void Address(IdeBoard ide, int command, long lba, int count)
    {
        if (command is 0x24 or 0x25 or 0x29 or 0x34 or 0x35 or 0x39 or 0x42)
        {
            ide.Lba48(lba, count);
        }
        else
        {
            ide.Lba28(lba, count);
        }
    }

    private static void SetMultiple(IdeBoard ide, int count)
    {
        ide.Register(6, 0xE0);
        ide.Register(2, count);
        ide.Command(0xC6);
        ide.Wait();
        _ = ide.Status;
        ide.TakeInterrupt();
    }

    private static ushort[] Words(byte[] data) =>
        [.. Enumerable.Range(0, data.Length / 2).Select(i => BinaryPrimitives.ReadUInt16LittleEndian(data.AsSpan(2 * i)))];

    private sealed class FailingImage() : BlockImage("failing")
    {
        public override string Format => "memory";

        public override long SectorCount => 100;

        public override bool IsReadOnly => false;

        public override void Flush() => throw new StorageException("failing: on purpose");

        protected override void ReadSectors(long sector, Span<byte> destination) => throw new StorageException("failing: on purpose");

        protected override void WriteSectors(long sector, ReadOnlySpan<byte> source) => throw new StorageException("failing: on purpose");
    }
}
