using Emulator.Core.Machine;
using Emulator.Devices;
using Emulator.Devices.Storage;
using Emulator.Devices.Storage.Ide;
using Emulator.Devices.Storage.Images;
using Emulator.Tests.Devices;
using NUnit.Framework;

namespace Emulator.Tests.Storage;

/// <summary>
/// Under the host clock the thread pool reads and writes the images. The host's time is a variable here, and the images wait at a gate, so
/// that nothing depends on how fast anything is.
/// </summary>
[TestFixture]
public sealed class HostClockTests
{
    private const int Sectors = 4000;
    private const uint Data = 1 << 20;
    private const int RamSize = 4 << 20;

    private long _time;
    private ManualResetEventSlim _gate = new(true);

    [SetUp]
    public void Open()
    {
        _time = 0;
        _gate = new ManualResetEventSlim(true);
    }

    [TearDown]
    public void Close() => _gate.Dispose();

    [Test]
    public void A_dma_read_runs_beside_the_machine_and_arrives_between_two_slices()
    {
        IdeBoard ide = Create(DriveMedia.Disk, out byte[] data);
        _gate.Reset();
        StartRead(ide, 77, 20);
        Pass(ide);
        Assert.That((ide.AlternateStatus, ide.Board.Machine.Events.Expected), Is.EqualTo(((byte)0x80, 1)), "the machine goes on while the host reads");
        _gate.Set();
        ide.Board.Machine.SettleDrives();
        Assert.That(ide.AlternateStatus, Is.EqualTo(0x80), "nothing arrives within a slice");
        Pass(ide);
        Assert.That((ide.AlternateStatus, ide.StopDma() & 7), Is.EqualTo(((byte)0x50, 4)));
        Assert.That(ide.Memory(Data, 20 * 512), Is.EqualTo(data.AsSpan(77 * 512, 20 * 512).ToArray()));
        Assert.That(ide.Board.Machine.Events.Expected, Is.Zero);
    }

    [TestCase(0xC8, 256)]
    [TestCase(0xCA, 256)]
    [TestCase(0x25, 3000)]
    [TestCase(0x35, 3000)]
    [TestCase(0x20, 9)]
    [TestCase(0xC4, 150)]
    [TestCase(0x30, 9)]
    [TestCase(0xC5, 150)]
    [TestCase(0x40, 200)]
    [TestCase(0xE7, 0)]
    public void Every_transfer_of_a_disk(int command, int count)
    {
        IdeBoard ide = Create(DriveMedia.Disk, out byte[] data);
        byte[] sent = new byte[count * 512];
        new Random(command).NextBytes(sent);
        ide.Board.Machine.Memory.WriteBlock(Data, sent);
        byte[] expected = data.AsSpan(5 * 512, count * 512).ToArray();
        Begin(ide, command, count);
        byte[] read = [];
        if (command is 0x20 or 0xC4)
        {
            read = ReadBlocks(ide, count, command == 0xC4 ? 16 : 1);
        }
        else if (command is 0x30 or 0xC5)
        {
            WriteBlocks(ide, sent, command == 0xC5 ? 16 : 1);
        }

        Assert.That(Wait(ide), Is.EqualTo(0x50));
        if (command is 0xC8 or 0x25)
        {
            read = ide.Memory(Data, count * 512);
        }

        if (command is 0xCA or 0x35 or 0x30 or 0xC5)
        {
            read = data.AsSpan(5 * 512, count * 512).ToArray();
            expected = sent;
        }

        Assert.That(read.AsSpan().SequenceEqual(command is 0x40 or 0xE7 ? [] : expected), Is.True);
    }

    [TestCase(0xC8)]
    [TestCase(0x25)]
    [TestCase(0xCA)]
    [TestCase(0xC4)]
    [TestCase(0xC5)]
    [TestCase(0x40)]
    [TestCase(0xE7)]
    public void Saving_in_the_middle_and_going_on(int command)
    {
        // A save waits for the host; both machines then end the command, the second by reading or writing again.
        for (int stop = 0; stop < 8; stop++)
        {
            IdeBoard ide = Create(DriveMedia.Disk, out byte[] data);
            byte[] sent = new byte[200 * 512];
            new Random(command).NextBytes(sent);
            ide.Board.Machine.Memory.WriteBlock(Data, sent);
            _gate.Reset();
            Begin(ide, command, 200);
            int blocks = 0;
            for (int i = 0; i < stop; i++)
            {
                blocks += Block(ide, command, sent, blocks);
                _gate.Set();
                Pass(ide);
                _gate.Reset();
            }

            _gate.Set();
            byte[] ram = ide.Memory(Data, 200 * 512);
            ide.Board.Machine.SettleDrives();
            IdeBoard copy = Live(ide.Clone());
            copy.Board.Machine.Memory.WriteBlock(Data, ram);
            Table(copy, 200 * 512);
            byte[][] results = new byte[2][];
            foreach ((IdeBoard board, int which) in new[] { (ide, 0), (copy, 1) })
            {
                int at = blocks;
                for (int i = 0; i < 1000 && (board.AlternateStatus & 0x88) != 0; i++)
                {
                    at += Block(board, command, sent, at);
                    board.Board.Machine.SettleDrives();
                    Pass(board);
                }

                results[which] = [board.AlternateStatus, .. board.Memory(Data, 200 * 512), .. data];
            }

            Assert.That(results[1].AsSpan().SequenceEqual(results[0]), Is.True, $"stop {stop}");
            Assert.That(results[0][0], Is.EqualTo(0x50));
        }
    }

    [Test]
    public void A_reset_waits_for_the_host_and_forgets_what_it_did()
    {
        IdeBoard ide = Create(DriveMedia.Disk, out byte[] data);
        _gate.Reset();
        StartRead(ide, 77, 20);
        Pass(ide);
        using Timer opener = new(_ => _gate.Set(), null, 20, Timeout.Infinite);
        ide.Board.Machine.Reset();
        ide.Board.Machine.PrepareDirectBoot();
        ide.Board.InitializePics();
        Pass(ide);
        Assert.That(ide.Memory(Data, 20 * 512), Is.All.Zero);
        Assert.That((ide.Board.Machine.Events.Expected, ide.Status), Is.EqualTo((0, (byte)0x50)));
        StartRead(ide, 99, 3);
        Assert.That(Wait(ide), Is.EqualTo(0x50));
        Assert.That(ide.Memory(Data, 3 * 512), Is.EqualTo(data.AsSpan(99 * 512, 3 * 512).ToArray()));
    }

    [Test]
    public void A_stopped_bus_master_transfers_nothing_more()
    {
        IdeBoard ide = Create(DriveMedia.Disk, out byte[] data);
        StartRead(ide, 77, 20);
        _gate.Reset();
        Pass(ide);
        _gate.Set();
        ide.StopDma();
        Pass(ide);
        Pass(ide);
        Assert.That((ide.AlternateStatus, ide.Memory(Data, 512)[0]), Is.EqualTo(((byte)0x80, (byte)0)));
        ide.StartDma(toMemory: true);
        Assert.That(Wait(ide), Is.EqualTo(0x50));
        Assert.That(ide.Memory(Data, 20 * 512), Is.EqualTo(data.AsSpan(77 * 512, 20 * 512).ToArray()));
    }

    [Test]
    public void Sectors_in_front_of_one_that_the_host_cannot_read_arrive()
    {
        IdeBoard ide = Create(DriveMedia.Disk, out byte[] data, bad: 100);
        StartRead(ide, 77, 200);
        Assert.That((Wait(ide), ide.Error), Is.EqualTo(((byte)0x51, (byte)0x40)));
        Assert.That((ide.Register(3), ide.Register(2)), Is.EqualTo(((byte)100, (byte)177)));
        Assert.That(ide.Memory(Data, 23 * 512), Is.EqualTo(data.AsSpan(77 * 512, 23 * 512).ToArray()));
    }

    [TestCase(false)]
    [TestCase(true)]
    public void A_cd_is_read(bool dma)
    {
        IdeBoard ide = Create(DriveMedia.CdRom, out byte[] data);
        SendPacket(ide, [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], dma: false); // unit attention
        Wait(ide);
        SendPacket(ide, [0x28, 0, 0, 0, 0, 30, 0, 0, 40, 0, 0, 0], dma);
        List<byte> read = [];
        if (dma)
        {
            Table(ide, 40 * 2048);
            ide.StartDma(toMemory: true);
            Wait(ide);
            read.AddRange(ide.Memory(Data, 40 * 2048));
        }
        else
        {
            while ((Wait(ide) & 8) != 0)
            {
                read.AddRange(ide.ReadData(ide.Register(4) | (ide.Register(5) << 8)));
            }
        }

        Assert.That(ide.AlternateStatus & 0x89, Is.Zero);
        Assert.That(read.ToArray().AsSpan().SequenceEqual(data.AsSpan(30 * 2048, 40 * 2048)), Is.True);
    }

    [TestCase(true)]
    [TestCase(false)]
    public void A_floppy_is_read_and_written(bool read)
    {
        IdeBoard ide = Create(DriveMedia.Disk, out _, floppy: IdeBoard.Pattern(2880));
        Board board = ide.Board;
        byte[] medium = ((GatedImage)board.Machine.Config.Drives[1].Image!).Data;
        byte[] sent = new byte[1536];
        new Random(5).NextBytes(sent);
        board.Machine.Memory.WriteBlock(Data, sent);
        board.Out(0x3F2, 0);
        board.Out(0x3F2, 0x1C);
        Pass(ide);
        board.Out(0x3F7, 0);
        board.Out(0x0C, 0);
        board.Out(0x04, 0);
        board.Out(0x04, 0);
        board.Out(0x81, (int)(Data >> 16));
        board.Out(0x05, 0xFF);
        board.Out(0x05, 0x05);
        board.Out(0x0B, read ? 0x46 : 0x4A);
        board.Out(0x0A, 0x02);
        foreach (int value in new[] { read ? 0x46 : 0x45, 0, 0, 0, 4, 2, 18, 27, 0xFF })
        {
            Assert.That(board.In(0x3F4) & 0xC0, Is.EqualTo(0x80));
            board.Out(0x3F5, value);
        }

        for (int i = 0; i < 100 && (board.In(0x3F4) & 0xC0) != 0xC0; i++)
        {
            board.Machine.SettleDrives();
            Pass(ide);
        }

        Assert.That(board.In(0x3F5) & 0xC0, Is.Zero);
        Assert.That(ide.Memory(Data, 1536), Is.EqualTo(medium.AsSpan(3 * 512, 1536).ToArray()));
        Assert.That(medium.AsSpan(3 * 512, 1536).SequenceEqual(sent), Is.EqualTo(!read));
    }

    private static IdeBoard Live(IdeBoard ide)
    {
        ide.Board.Machine.Events.Background = static work => ThreadPool.QueueUserWorkItem(static w => w(), work, preferLocal: false);
        return ide;
    }

    private static void Table(IdeBoard ide, int bytes)
    {
        int regions = (bytes + 0xFFFF) / 0x10000;
        for (int i = 0; i < regions; i++)
        {
            ide.Prd(i, Data + (uint)(i * 0x10000), Math.Min(bytes - (i * 0x10000), 0x10000), i == regions - 1);
        }
    }

    private static void StartRead(IdeBoard ide, int lba, int count)
    {
        Table(ide, count * 512);
        ide.Lba28(lba, count);
        ide.Command(0xC8);
        ide.StartDma(toMemory: true);
    }

    private static void Begin(IdeBoard ide, int command, int count)
    {
        Table(ide, Math.Max(count, 1) * 512);
        if (command is 0x25 or 0x35)
        {
            ide.Lba48(5, count);
        }
        else
        {
            ide.Lba28(5, count);
        }

        ide.Command(command);
        if (command is 0xC8 or 0x25 or 0xCA or 0x35)
        {
            ide.StartDma(command is 0xC8 or 0x25);
        }
    }

    /// <summary>Moves a block of programmed I/O, if the disk is ready for one; returns how many were moved.</summary>
    private static int Block(IdeBoard ide, int command, byte[] sent, int blocks)
    {
        if ((ide.AlternateStatus & 0x88) != 0x08)
        {
            return 0;
        }

        int at = blocks * 16 * 512;
        int bytes = Math.Min(16 * 512, sent.Length - at);
        if (command == 0xC4)
        {
            ide.Board.Machine.Memory.WriteBlock(Data + (uint)at, ide.ReadData(bytes));
        }
        else
        {
            ide.WriteData(sent.AsSpan(at, bytes));
        }

        return 1;
    }

    private void SendPacket(IdeBoard ide, byte[] packet, bool dma)
    {
        ide.Register(6, 0xA0);
        ide.Register(1, dma ? 1 : 0);
        ide.Register(4, 0);
        ide.Register(5, 0x20);
        ide.Command(0xA0);
        for (int i = 0; i < 10 && (ide.AlternateStatus & 8) == 0; i++)
        {
            Pass(ide);
        }

        ide.WriteData(packet);
    }

    private byte[] ReadBlocks(IdeBoard ide, int count, int block)
    {
        List<byte> read = [];
        while (read.Count < count * 512)
        {
            Assert.That(Wait(ide) & 0x89, Is.EqualTo(8));
            read.AddRange(ide.ReadData(Math.Min(block, count - (read.Count / 512)) * 512));
        }

        return [.. read];
    }

    private void WriteBlocks(IdeBoard ide, byte[] data, int block)
    {
        for (int at = 0; at < data.Length; at += block * 512)
        {
            Assert.That(Wait(ide) & 0x89, Is.EqualTo(8));
            ide.WriteData(data.AsSpan(at, Math.Min(block * 512, data.Length - at)));
        }
    }

    /// <summary>Lets a millisecond pass, as the run loop does between two slices.</summary>
    private void Pass(IdeBoard ide)
    {
        _time += 1_000_000;
        ide.Board.Machine.Clock.SampleHost();
        ide.Board.Machine.Events.RunDue();
    }

    private byte Wait(IdeBoard ide)
    {
        for (int i = 0; i < 1000 && (ide.AlternateStatus & 0x80) != 0; i++)
        {
            ide.Board.Machine.SettleDrives();
            Pass(ide);
        }

        return ide.AlternateStatus;
    }

    private IdeBoard Create(DriveMedia media, out byte[] data, int bad = -1, byte[]? floppy = null)
    {
        data = IdeBoard.Pattern(Sectors);
        List<Drive> drives = [new(new DriveOptions { Index = media == DriveMedia.CdRom ? 2 : 0, Media = media }, new GatedImage(data, _gate, bad))];
        if (floppy is not null)
        {
            drives.Add(new Drive(new DriveOptions { Interface = DriveInterface.Floppy }, new GatedImage(floppy, _gate, -1)));
        }

        PcMachineConfig config = Board.DefaultConfig with { RamSize = RamSize, Clock = ClockMode.Host, HostNanoseconds = () => _time, Drives = drives };
        return Live(new IdeBoard(new Board(config)) { Port = media == DriveMedia.CdRom ? (ushort)0x170 : (ushort)0x1F0 });
    }

    /// <summary>An image whose accesses wait at a gate, and fail at one sector.</summary>
    private sealed class GatedImage(byte[] data, ManualResetEventSlim gate, int bad) : BlockImage("gated")
    {
        public byte[] Data => data;

        public override string Format => "memory";

        public override long SectorCount => data.Length / SectorSize;

        public override bool IsReadOnly => false;

        public override void Flush() => gate.Wait();

        protected override void ReadSectors(long sector, Span<byte> destination)
        {
            gate.Wait();
            if (bad >= sector && bad < sector + (destination.Length / SectorSize))
            {
                throw new StorageException("a bad sector");
            }

            data.AsSpan((int)sector * SectorSize, destination.Length).CopyTo(destination);
        }

        protected override void WriteSectors(long sector, ReadOnlySpan<byte> source)
        {
            gate.Wait();
            source.CopyTo(data.AsSpan((int)sector * SectorSize));
        }
    }
}
