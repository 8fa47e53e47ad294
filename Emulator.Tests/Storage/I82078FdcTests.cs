using Emulator.Devices.Storage;
using Emulator.Devices.Storage.Images;
using Emulator.Tests.Devices;
using NUnit.Framework;

namespace Emulator.Tests.Storage;

[TestFixture]
public sealed class I82078FdcTests
{
    private const uint Data = 0x20000;

    [Test]
    public void Reset_asks_for_four_sense_interrupts()
    {
        Board board = Create(2880, out _);
        Assert.That(board.In(0x3F4), Is.EqualTo(0x80));
        Assert.That(board.Cmos(0x10), Is.EqualTo(0x40));
        Assert.That(board.Cmos(0x14), Is.EqualTo(0x07));
        Assert.That(Command(board, 0x08), Is.EqualTo(new byte[] { 0x80 }), "nothing more");
        Assert.That(Command(board, 0x10), Is.EqualTo(new byte[] { 0x90 }));
        Assert.That(Command(board, 0x0E), Has.Length.EqualTo(10));
        Assert.That(Command(board, 0x94), Is.EqualTo(new byte[] { 0x10 }));
        Assert.That(Command(board, 0x18), Is.EqualTo(new byte[] { 0x80 }));
    }

    [TestCase(320, 1, 8, 1)]
    [TestCase(360, 1, 9, 1)]
    [TestCase(640, 2, 8, 1)]
    [TestCase(720, 2, 9, 1)]
    [TestCase(1440, 2, 9, 2)]
    [TestCase(2400, 2, 15, 0)]
    [TestCase(2880, 2, 18, 0)]
    [TestCase(5760, 2, 36, 3)]
    public void Dma_reads_and_writes_of_every_format(int total, int heads, int sectors, int rate)
    {
        Board board = Create(total, out byte[] data);
        board.Out(0x3F7, rate);
        int head = heads - 1;
        Seek(board, 3);
        int lba = (((3 * heads) + head) * sectors) + 2;
        byte[] result = Dma(board, 0x46, [(byte)(head << 2), 3, (byte)head, 3, 2, (byte)sectors, 27, 0xFF], 4 * 512, toMemory: true);
        Assert.That(result, Is.EqualTo(new byte[] { (byte)(head << 2), 0, 0, 3, (byte)head, 7, 2 }));
        Assert.That(Memory(board, 4 * 512), Is.EqualTo(data.AsSpan(lba * 512, 4 * 512).ToArray()));

        byte[] sent = new byte[1024];
        new Random(total).NextBytes(sent);
        board.Machine.Memory.WriteBlock(Data, sent);
        result = Dma(board, 0x45, [(byte)(head << 2), 3, (byte)head, 5, 2, (byte)sectors, 27, 0xFF], 1024, toMemory: false);
        Assert.That(result[0] & 0xC0, Is.Zero);
        Assert.That(data.AsSpan((lba + 2) * 512, 1024).SequenceEqual(sent), Is.True);
        board.Out(0x3F7, rate == 0 ? 2 : 0);
        Assert.That(Dma(board, 0x46, [0, 3, 0, 1, 2, 9, 27, 0xFF], 512, toMemory: true)[..2], Is.EqualTo(new byte[] { 0x40, 0x01 }), "wrong rate");
    }

    [Test]
    public void Multiple_tracks_go_on_at_the_other_head()
    {
        Board board = Create(2880, out byte[] data);
        byte[] result = Dma(board, 0xC6, [0, 0, 0, 17, 2, 18, 27, 0xFF], 5 * 512, toMemory: true);
        Assert.That(result, Is.EqualTo(new byte[] { 0x04, 0, 0, 0, 1, 4, 2 }));
        Assert.That(Memory(board, 5 * 512), Is.EqualTo(data.AsSpan(16 * 512, 5 * 512).ToArray()));
        result = Dma(board, 0x46, [0, 0, 0, 18, 2, 18, 27, 0xFF], 2 * 512, toMemory: true);
        Assert.That(result, Is.EqualTo(new byte[] { 0x40, 0x80, 0, 1, 0, 1, 2 }), "end of cylinder without terminal count");
    }

    [Test]
    public void Programmed_transfers()
    {
        Board board = Create(2880, out byte[] data);
        Command(board, 0x03, 0xDF, 0x03);
        Send(board, 0x46, 0, 0, 0, 2, 2, 3, 27, 0xFF);
        List<byte> read = [];
        while (true)
        {
            WaitReady(board);
            byte status = board.In(0x3F4);
            if ((status & 0x20) == 0)
            {
                break;
            }

            Assert.That(status & 0xF0, Is.EqualTo(0xF0));
            read.Add(board.In(0x3F5));
        }

        Assert.That(read, Is.EqualTo(data.AsSpan(512, 1024).ToArray()));
        Assert.That(Result(board)[..2], Is.EqualTo(new byte[] { 0x40, 0x80 }));
        Send(board, 0x45, 0, 0, 0, 9, 2, 9, 27, 0xFF);
        for (int i = 0; i < 512; i++)
        {
            WaitReady(board);
            Assert.That(board.In(0x3F4) & 0xF0, Is.EqualTo(0xB0));
            board.Out(0x3F5, i);
        }

        Assert.That(Result(board)[..2], Is.EqualTo(new byte[] { 0x40, 0x80 }));
        Assert.That(data[(8 * 512) + 77], Is.EqualTo(77));
    }

    [Test]
    public void Formatting_fills_a_track()
    {
        Board board = Create(2880, out byte[] data);
        Seek(board, 7);
        byte[] ids = [.. Enumerable.Range(1, 18).SelectMany(r => new byte[] { 7, 1, (byte)r, 2 })];
        board.Machine.Memory.WriteBlock(Data, ids);
        byte[] result = Dma(board, 0x4D, [4, 2, 18, 84, 0xF6], ids.Length, toMemory: false);
        Assert.That(result[0] & 0xC0, Is.Zero);
        Assert.That(data.AsSpan(15 * 18 * 512, 18 * 512).ToArray(), Has.All.EqualTo(0xF6));
    }

    [Test]
    public void Seeks_need_the_right_cylinder_unless_implied()
    {
        Board board = Create(2880, out byte[] data);
        byte[] result = Dma(board, 0x46, [0, 5, 0, 1, 2, 18, 27, 0xFF], 512, toMemory: true);
        Assert.That(result[..3], Is.EqualTo(new byte[] { 0x40, 0x04, 0x10 }));
        Command(board, 0x13, 0, 0x57, 0);
        result = Dma(board, 0x46, [0, 5, 0, 1, 2, 18, 27, 0xFF], 512, toMemory: true);
        Assert.That(result[0] & 0xC0, Is.Zero);
        Assert.That(Memory(board, 512), Is.EqualTo(data.AsSpan(5 * 36 * 512, 512).ToArray()));
        Send(board, 0x07, 0);
        board.Advance(10_000_000);
        Assert.That(Command(board, 0x08), Is.EqualTo(new byte[] { 0x20, 0 }));
        Assert.That(Command(board, 0x04, 0)[0] & 0x10, Is.EqualTo(0x10), "track 0");
        Send(board, 0x07, 1);
        board.Advance(10_000_000);
        Assert.That(Command(board, 0x08)[0], Is.EqualTo(0x71), "no drive B");
    }

    [Test]
    public void Change_line_read_id_and_write_protection()
    {
        Board board = Create(2880, out _, readOnly: true);
        Assert.That(board.In(0x3F7), Is.EqualTo(0x80));
        Seek(board, 1);
        Assert.That(board.In(0x3F7), Is.Zero);
        Send(board, 0x4A, 0);
        byte[] id = Result(board);
        Assert.That((id[0], id[3], id[4]), Is.EqualTo(((byte)0, (byte)1, (byte)0)));
        Assert.That(Dma(board, 0x45, [0, 1, 0, 1, 2, 18, 27, 0xFF], 512, toMemory: false)[..2], Is.EqualTo(new byte[] { 0x40, 0x02 }));
        board.Machine.Floppies.Drives[0]!.Insert(null);
        Assert.That(board.In(0x3F7), Is.EqualTo(0x80));
        Assert.That(Dma(board, 0x46, [0, 1, 0, 1, 2, 18, 27, 0xFF], 512, toMemory: true)[..2], Is.EqualTo(new byte[] { 0x40, 0x01 }));
        Assert.Throws<StorageException>(() => board.Machine.Floppies.Drives[0]!.Insert(new MemoryImage(new byte[5761 * 512])));
    }

    [Test]
    public void Saving_in_the_middle_of_a_transfer()
    {
        for (int stop = 0; stop < 8; stop++)
        {
            byte[][] ends = new byte[2][];
            for (int run = 0; run < 2; run++)
            {
                Board board = Create(2880, out _);
                Program(board, 4 * 512, toMemory: true);
                Send(board, 0x46, 0, 0, 0, 1, 2, 18, 27, 0xFF);
                for (int step = 0; step < 8; step++)
                {
                    if (step == stop && run == 1)
                    {
                        byte[] memory = Memory(board, 4 * 512);
                        board = board.Clone();
                        board.Machine.Memory.WriteBlock(Data, memory);
                    }

                    board.Advance(130_000);
                }

                ends[run] = [.. Result(board), .. Memory(board, 4 * 512), .. board.State()];
            }

            Assert.That(ends[1].AsSpan().SequenceEqual(ends[0]), Is.True, $"stop {stop}");
        }
    }

    private static Board Create(int sectors, out byte[] data, bool readOnly = false)
    {
        data = IdeBoard.Pattern(sectors);
        Drive drive = new(new DriveOptions { Interface = DriveInterface.Floppy }, new MemoryImage(data, readOnly));
        Board board = new(Board.DefaultConfig with { Drives = [drive] });
        board.Machine.PrepareDirectBoot();
        board.InitializePics();
        board.Out(0x3F2, 0x1C);
        board.Advance(1_000_000);
        Assert.That(board.Acknowledge(), Is.EqualTo(0x0E));
        board.Out(0x20, 0x20);
        for (int i = 0; i < 4; i++)
        {
            Assert.That(Command(board, 0x08), Is.EqualTo(new byte[] { (byte)(0xC0 | i), 0 }));
        }

        Command(board, 0x03, 0xDF, 0x02);
        board.Out(0x3F7, 0);
        return board;
    }

    private static void Seek(Board board, int cylinder)
    {
        Send(board, 0x0F, 0, (byte)cylinder);
        board.Advance(10_000_000);
        Assert.That(Command(board, 0x08), Is.EqualTo(new byte[] { 0x20, (byte)cylinder }));
    }

    private static void Send(Board board, params byte[] bytes)
    {
        foreach (byte b in bytes)
        {
            Assert.That(board.In(0x3F4) & 0xC0, Is.EqualTo(0x80), "wants a byte");
            board.Out(0x3F5, b);
        }
    }

    private static byte[] Command(Board board, params byte[] bytes)
    {
        Send(board, bytes);
        return (board.In(0x3F4) & 0x10) == 0 ? [] : Result(board);
    }

    private static void WaitReady(Board board)
    {
        for (int i = 0; i < 1000 && (board.In(0x3F4) & 0x80) == 0; i++)
        {
            board.Advance(50_000);
        }
    }

    private static byte[] Result(Board board)
    {
        List<byte> result = [];
        WaitReady(board);
        while ((board.In(0x3F4) & 0xD0) == 0xD0)
        {
            result.Add(board.In(0x3F5));
        }

        return [.. result];
    }

    private static void Program(Board board, int bytes, bool toMemory)
    {
        board.Out(0x0A, 0x06);
        board.Out(0x0C, 0);
        board.Out(0x0B, toMemory ? 0x46 : 0x4A);
        board.Out(0x04, (int)(Data & 0xFF));
        board.Out(0x04, (int)((Data >> 8) & 0xFF));
        board.Out(0x81, (byte)(Data >> 16));
        board.Out(0x05, (byte)(bytes - 1));
        board.Out(0x05, (byte)((bytes - 1) >> 8));
        board.Out(0x0A, 0x02);
    }

    private static byte[] Dma(Board board, byte command, byte[] parameters, int bytes, bool toMemory)
    {
        Program(board, bytes, toMemory);
        Send(board, [command, .. parameters]);
        return Result(board);
    }

    private static byte[] Memory(Board board, int bytes)
    {
        byte[] data = new byte[bytes];
        board.Machine.Memory.ReadBlock(Data, data);
        return data;
    }
}
