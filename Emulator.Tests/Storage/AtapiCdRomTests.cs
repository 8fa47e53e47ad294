using System.Buffers.Binary;
using Emulator.Devices.Storage;
using Emulator.Devices.Storage.Ide;
using Emulator.Devices.Storage.Images;
using NUnit.Framework;

namespace Emulator.Tests.Storage;

[TestFixture]
public sealed class AtapiCdRomTests
{
    private const int Sectors = 1000;

    [Test]
    public void Signature_and_identification()
    {
        IdeBoard ide = Create(out _);
        Assert.That((ide.AlternateStatus, ide.Register(4), ide.Register(5)), Is.EqualTo(((byte)0, (byte)0x14, (byte)0xEB)));
        ide.Command(0xEC);
        Assert.That(ide.Wait() & 0x01, Is.EqualTo(1));
        Assert.That((ide.Register(4), ide.Register(5)), Is.EqualTo(((byte)0x14, (byte)0xEB)));
        ide.Command(0xA1);
        ide.Wait();
        Assert.That(BinaryPrimitives.ReadUInt16LittleEndian(ide.ReadData(512)), Is.EqualTo(0x85C0));
    }

    [Test]
    public void Unit_attention_comes_first_and_once()
    {
        IdeBoard ide = Create(out _);
        Assert.That(Packet(ide, [0]), Is.Null);
        Assert.That(ide.Error >> 4, Is.EqualTo(6));
        byte[] sense = Packet(ide, [3, 0, 0, 0, 18])!;
        Assert.That((sense[2], sense[12]), Is.EqualTo(((byte)6, (byte)0x29)));
        Assert.That(Packet(ide, [0]), Is.Empty);
    }

    [TestCase(0x28, 2048)]
    [TestCase(0x28, 3000)]
    [TestCase(0xA8, 0xFFFE)]
    [TestCase(0xBE, 0x1001)]
    public void Programmed_reads_in_blocks(int command, int limit)
    {
        IdeBoard ide = Ready(out byte[] data);
        byte[] packet = command switch
        {
            0x28 => [0x28, 0, 0, 0, 1, 2, 0, 0, 40],
            0xA8 => [0xA8, 0, 0, 0, 1, 2, 0, 0, 0, 40],
            _ => [0xBE, 0, 0, 0, 1, 2, 0, 0, 40, 0x10],
        };
        Assert.That(Packet(ide, packet, limit), Is.EqualTo(data.AsSpan(258 * 2048, 40 * 2048).ToArray()));
    }

    [Test]
    public void Dma_read()
    {
        IdeBoard ide = Ready(out byte[] data);
        ide.Prd(0, IdeBoard.Data, 0x8000, last: false);
        ide.Prd(1, IdeBoard.Data + 0x10000, 0x2000, last: true);
        SendPacket(ide, [0x28, 0, 0, 0, 0, 3, 0, 0, 20], 0, dma: true);
        ide.StartDma(toMemory: true);
        Assert.That(ide.Wait(), Is.EqualTo(0x40));
        Assert.That(ide.TakeInterrupt(), Is.True);
        Assert.That(ide.StopDma() & 7, Is.EqualTo(4));
        Assert.That((byte[])[.. ide.Memory(IdeBoard.Data, 0x8000), .. ide.Memory(IdeBoard.Data + 0x10000, 0x2000)], Is.EqualTo(data.AsSpan(3 * 2048, 0xA000).ToArray()));
    }

    [Test]
    public void Raw_sectors_carry_header_and_valid_parity()
    {
        IdeBoard ide = Ready(out byte[] data);
        byte[] raw = Packet(ide, [0xBE, 0, 0, 0, 0, 5, 0, 0, 1, 0xF8])!;
        Assert.That(raw, Has.Length.EqualTo(2352));
        Assert.That(raw.AsSpan(0, 16).ToArray(), Is.EqualTo(new byte[] { 0, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 0, 0x00, 0x02, 0x05, 0x01 }));
        Assert.That(raw.AsSpan(16, 2048).SequenceEqual(data.AsSpan(5 * 2048, 2048)), Is.True);
        for (int column = 0; column < 86; column++)
        {
            int sum = 0;
            for (int row = 0; row < 26; row++)
            {
                sum ^= raw[12 + (86 * row) + column];
            }

            Assert.That(sum, Is.Zero, "parity of a column");
        }
    }

    [Test]
    public void Tables_of_contents_capacity_and_inquiry()
    {
        IdeBoard ide = Ready(out _);
        Assert.That(Packet(ide, [0x25]), Is.EqualTo(new byte[] { 0, 0, 3, 231, 0, 0, 8, 0 }));
        byte[] toc = Packet(ide, [0x43, 0, 0, 0, 0, 0, 0, 1, 0])!;
        Assert.That(toc, Is.EqualTo(new byte[] { 0, 18, 1, 1, 0, 0x14, 1, 0, 0, 0, 0, 0, 0, 0x14, 0xAA, 0, 0, 0, 3, 232 }));
        byte[] time = Packet(ide, [0x43, 2, 0, 0, 0, 0, 0xAA, 1, 0])!;
        Assert.That(time, Is.EqualTo(new byte[] { 0, 10, 1, 1, 0, 0x14, 0xAA, 0, 0, 0, 15, 25 }));
        Assert.That(Packet(ide, [0x43, 0, 1, 0, 0, 0, 0, 1, 0]), Has.Length.EqualTo(12));
        Assert.That(Packet(ide, [0x43, 2, 2, 0, 0, 0, 0, 1, 0]), Has.Length.EqualTo(48));
        Assert.That(Packet(ide, [0x43, 2, 0, 0, 0, 0, 0, 1, 0, 0x40]), Has.Length.EqualTo(12), "format in the last byte, as in SFF-8020");
        Assert.That(Packet(ide, [0x12, 0, 0, 0, 36])!.AsSpan(8, 8).SequenceEqual("EMULATOR"u8), Is.True);
        Assert.That(Packet(ide, [0x12, 0, 0, 0, 5]), Has.Length.EqualTo(5));
        Assert.That(Packet(ide, [0x5A, 0, 0x2A, 0, 0, 0, 0, 0, 128]), Has.Length.EqualTo(30));
        Assert.That(Packet(ide, [0x5A, 0, 0x3F, 0, 0, 0, 0, 0, 255])!.Length, Is.GreaterThan(50));
        Assert.That(Packet(ide, [0x46, 0, 0, 0, 0, 0, 0, 1, 0])![7], Is.EqualTo(8));
        Assert.That(Packet(ide, [0x51, 0, 0, 0, 0, 0, 0, 0, 34]), Has.Length.EqualTo(34));
        Assert.That(Packet(ide, [0xBD, 0, 0, 0, 0, 0, 0, 0, 0, 8]), Has.Length.EqualTo(8));
    }

    [TestCase(new byte[] { 0x28, 0, 0, 0, 3, 232, 0, 0, 1 }, 5, 0x21)]
    [TestCase(new byte[] { 0x28, 0, 0, 0, 3, 231, 0, 0, 2 }, 5, 0x21)]
    [TestCase(new byte[] { 0xA8, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF }, 5, 0x21)]
    [TestCase(new byte[] { 0xBE, 0x04, 0, 0, 0, 0, 0, 0, 1, 0x10 }, 5, 0x64)]
    [TestCase(new byte[] { 0xFF }, 5, 0x20)]
    [TestCase(new byte[] { 0x43, 0, 5, 0, 0, 0, 0, 1, 0 }, 5, 0x24)]
    [TestCase(new byte[] { 0x5A, 0, 0x33, 0, 0, 0, 0, 0, 128 }, 5, 0x24)]
    [TestCase(new byte[] { 0x4A, 0, 0, 0, 0x10, 0, 0, 0, 8 }, 5, 0x24)]
    public void Errors_leave_sense(byte[] packet, int key, int code)
    {
        IdeBoard ide = Ready(out _);
        Assert.That(Packet(ide, packet), Is.Null);
        Assert.That(ide.Error >> 4, Is.EqualTo(key));
        byte[] sense = Packet(ide, [3, 0, 0, 0, 18])!;
        Assert.That((sense[2], sense[12]), Is.EqualTo(((byte)key, (byte)code)));
    }

    [Test]
    public void Mode_select_changes_what_mode_sense_shows()
    {
        IdeBoard ide = Ready(out _);
        byte[] parameters = [0, 0, 0, 0, 0, 0, 0, 0, 1, 6, 0x20, 9, 0, 0, 0, 0];
        SendPacket(ide, [0x55, 0x10, 0, 0, 0, 0, 0, 0, 16], 10, dma: false);
        Assert.That(ide.Wait(), Is.EqualTo(0x48));
        Assert.That(ide.Register(2), Is.Zero);
        ide.WriteData(parameters.AsSpan(0, 10));
        ide.Wait();
        ide.WriteData(parameters.AsSpan(10, 6));
        Assert.That(ide.Wait(), Is.EqualTo(0x40));
        Assert.That(Packet(ide, [0x5A, 0, 1, 0, 0, 0, 0, 0, 16])!.AsSpan(8, 4).ToArray(), Is.EqualTo(new byte[] { 1, 6, 0x20, 9 }));
    }

    [Test]
    public void Tray_lock_and_medium_change()
    {
        IdeBoard ide = Ready(out _);
        AtapiCdRom drive = (AtapiCdRom)ide.Board.Machine.IdeDevices.Single();
        Assert.That(Packet(ide, [0x1E, 0, 0, 0, 1]), Is.Empty);
        Assert.That(Packet(ide, [0x1B, 0, 0, 0, 2]), Is.Null, "locked");
        Assert.That(Packet(ide, [0x1E, 0, 0, 0, 0]), Is.Empty);
        Assert.That(Packet(ide, [0x1B, 0, 0, 0, 2]), Is.Empty);
        Assert.That(Packet(ide, [0]), Is.Null);
        Assert.That(Packet(ide, [3, 0, 0, 0, 18])![12], Is.EqualTo(0x3A));
        Assert.That(Packet(ide, [0x4A, 1, 0, 0, 0x10, 0, 0, 0, 8]), Is.EqualTo(new byte[] { 0, 6, 4, 0x10, 3, 1, 0, 0 }));
        Assert.That(Packet(ide, [0x1B, 0, 0, 0, 3]), Is.Empty);
        Assert.That(Packet(ide, [0]), Is.Null);
        Assert.That(Packet(ide, [3, 0, 0, 0, 18])![12], Is.EqualTo(0x28));
        Assert.That(Packet(ide, [0x4A, 1, 0, 0, 0x10, 0, 0, 0, 8]), Is.EqualTo(new byte[] { 0, 6, 4, 0x10, 2, 2, 0, 0 }));
        drive.Exchange(new MemoryImage(new byte[2048 * 7]));
        Assert.That(Packet(ide, [0x25]), Is.Null, "unit attention");
        Assert.That(Packet(ide, [0x25])![3], Is.EqualTo(6));
        drive.Exchange(null);
        Packet(ide, [0]);
        Assert.That(Packet(ide, [0x28, 0, 0, 0, 0, 0, 0, 0, 1]), Is.Null);
    }

    [Test]
    public void Saving_in_the_middle_of_a_read()
    {
        for (int stop = 0; stop < 6; stop++)
        {
            byte[][] results = new byte[2][];
            for (int run = 0; run < 2; run++)
            {
                IdeBoard ide = Ready(out _);
                List<byte> read = [];
                SendPacket(ide, [0x28, 0, 0, 0, 0, 9, 0, 0, 3], 3000, dma: false);
                int step = 0;
                while (true)
                {
                    if (step++ == stop && run == 1)
                    {
                        ide = ide.Clone();
                    }

                    if ((ide.Wait() & 8) == 0)
                    {
                        break;
                    }

                    int bytes = ide.Register(4) | (ide.Register(5) << 8);
                    read.AddRange(ide.ReadData(bytes / 3 / 2 * 2));
                    if (step++ == stop && run == 1)
                    {
                        ide = ide.Clone();
                    }

                    read.AddRange(ide.ReadData(bytes - (bytes / 3 / 2 * 2)));
                }

                results[run] = [.. read, .. ide.Board.State()];
            }

            Assert.That(results[1].AsSpan().SequenceEqual(results[0]), Is.True, $"stop {stop}");
        }
    }

    private static IdeBoard Create(out byte[] data)
    {
        data = IdeBoard.Pattern(Sectors * 4);
        Drive drive = new(new DriveOptions { Index = 2, Media = DriveMedia.CdRom }, new MemoryImage(data, readOnly: true));
        return new IdeBoard(drive) { Port = 0x170 };
    }

    private static IdeBoard Ready(out byte[] data)
    {
        IdeBoard ide = Create(out data);
        Packet(ide, [0]);
        return ide;
    }

    private static void SendPacket(IdeBoard ide, byte[] packet, int limit, bool dma)
    {
        ide.Register(6, 0xA0);
        ide.Register(1, dma ? 1 : 0);
        ide.Register(4, limit & 0xFF);
        ide.Register(5, limit >> 8);
        ide.Command(0xA0);
        Assert.That(ide.Wait() & 0x89, Is.EqualTo(8));
        Assert.That((ide.Register(2), ide.TakeInterrupt()), Is.EqualTo(((byte)1, false)));
        ide.WriteData([.. packet, .. new byte[12 - packet.Length]]);
    }

    /// <summary>Runs a packet by programmed I/O; null when it ends with an error.</summary>
    private static byte[]? Packet(IdeBoard ide, byte[] packet, int limit = 0xFFFE)
    {
        SendPacket(ide, packet, limit, dma: false);
        List<byte> data = [];
        while ((ide.Wait() & 8) != 0)
        {
            Assert.That(ide.TakeInterrupt(), Is.True);
            Assert.That((ide.Register(2), ide.Status & 1), Is.EqualTo(((byte)2, 0)));
            int bytes = ide.Register(4) | (ide.Register(5) << 8);
            Assert.That(bytes, Is.LessThanOrEqualTo(limit));
            data.AddRange(ide.ReadData((bytes + 1) & ~1).AsSpan(0, bytes));
        }

        Assert.That((ide.TakeInterrupt(), ide.Register(2)), Is.EqualTo((true, (byte)3)));
        return (ide.Status & 1) != 0 ? null : [.. data];
    }
}
