using Emulator.Devices.Storage;
using Emulator.Devices.Storage.Images;
using Emulator.Tests.Devices;
using Emulator.Tests.Robustness;
using NUnit.Framework;

namespace Emulator.Tests.Storage;

/// <summary>Random register accesses, mostly to one chip at a time, with commands that are often valid and disks that can be written.</summary>
[TestFixture]
[Category("Robustness")]
public sealed class StorageFuzzTests
{
    private static readonly byte[] AtaCommands =
    [
        0x20, 0x24, 0x25, 0x29, 0x30, 0x34, 0x35, 0x39, 0x40, 0x42, 0x70, 0x90, 0x91, 0xC4, 0xC5, 0xC6, 0xC8, 0xCA, 0xE0, 0xE1, 0xE4, 0xE5, 0xE6, 0xE7, 0xE8, 0xEA, 0xEC, 0xEF, 0xB0,
        0xA0, 0xA0, 0xA0, 0xA1, 0x08, 0x10,
    ];

    private static readonly byte[] Packets =
    [
        0x00, 0x03, 0x12, 0x1B, 0x1E, 0x25, 0x28, 0xA8, 0xBE, 0xB9, 0x2B, 0x42, 0x43, 0x46, 0x4A, 0x51, 0x52, 0x55, 0x5A, 0xBB, 0xBD, 0xFF,
    ];

    private static readonly byte[] FloppyCommands = [0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x0A, 0x0C, 0x0D, 0x0E, 0x0F, 0x10, 0x12, 0x13, 0x14, 0x16, 0x45, 0x46, 0xC5, 0xC6, 0xE6, 0x4D, 0x02];

    [Test]
    public void Random_commands_are_survived_and_the_chips_still_work()
    {
        Random random = new(FuzzSeed.Value);
        byte[] disk = new byte[5000 * 512];
        Board board = Create(disk, new byte[2880 * 512]);
        for (int i = 0; i < 400_000; i++)
        {
            Step(board, random);
            if (random.Next(20_000) == 0)
            {
                board = board.Clone();
                board.Machine.PrepareDirectBoot();
            }
        }

        // After a reset the disk answers.
        board.Machine.Reset();
        board.Machine.PrepareDirectBoot();
        IdeBoardCheck(board, disk);
    }

    private static void IdeBoardCheck(Board board, byte[] disk)
    {
        board.Out(0x1F6, 0xE0);
        board.Out(0x1F2, 1);
        board.Out(0x1F3, 5);
        board.Out(0x1F4, 0);
        board.Out(0x1F5, 0);
        board.Out(0x1F7, 0x20);
        board.Advance(1_000_000);
        Assert.That(board.In(0x1F7), Is.EqualTo(0x58));
        Assert.That(board.In(0x1F0, 2), Is.EqualTo(disk[5 * 512] | ((uint)disk[(5 * 512) + 1] << 8)));
    }

    private static Board Create(byte[] disk, byte[] floppy)
    {
        Drive[] drives =
        [
            new(new DriveOptions { Index = 0 }, new MemoryImage(disk)),
            new(new DriveOptions { Index = 1 }, new MemoryImage(new byte[100 * 512])),
            new(new DriveOptions { Index = 2, Media = DriveMedia.CdRom }, new MemoryImage(new byte[999 * 512], readOnly: true)),
            new(new DriveOptions { Interface = DriveInterface.Floppy }, new MemoryImage(floppy)),
        ];
        Board board = new(Board.DefaultConfig with { Drives = drives });
        board.Machine.PrepareDirectBoot();
        return board;
    }

    private static void Step(Board board, Random random)
    {
        switch (random.Next(16))
        {
            case 0:
                board.Advance(random.Next(300_000));
                break;
            case 1 or 2:
                Floppy(board, random);
                break;
            case 3:
                ushort bm = (ushort)(0xC000 + (8 * random.Next(2)));
                board.Machine.Memory.Write(0x10000u + (8u * (uint)random.Next(4)), random.Next(8) == 0 ? (uint)random.NextInt64(1L << 32) : (uint)random.Next(0x100000));
                board.Machine.Memory.Write(0x10004u + (8u * (uint)random.Next(4)), (uint)random.Next(0x10000) | (random.Next(3) == 0 ? 0x80000000 : 0));
                board.Out((ushort)(bm + 4), 4, random.Next(8) == 0 ? (uint)random.NextInt64(1L << 32) : 0x10000);
                board.Out(bm, random.Next(16));
                break;
            case 4:
                board.Out((ushort)(random.Next(2) == 0 ? 0x3F6 : 0x376), random.Next(8) == 0 ? random.Next(256) : 0);
                break;
            default:
                Ata(board, random, (ushort)(random.Next(2) == 0 ? 0x1F0 : 0x170));
                break;
        }
    }

    private static void Ata(Board board, Random random, ushort port)
    {
        switch (random.Next(5))
        {
            case 0:
                board.Out((ushort)(port + 7), random.Next(10) == 0 ? random.Next(256) : AtaCommands[random.Next(AtaCommands.Length)]);
                break;
            case 1:
                int register = 1 + random.Next(6);
                board.Out((ushort)(port + register), random.Next(3) == 0 ? random.Next(256) : register == 6 ? 0x40 | (random.Next(2) << 4) : random.Next(20));
                break;
            case 2:
                board.In((ushort)(port + random.Next(8)));
                break;
            case 3:
                for (int i = random.Next(600); i >= 0; i--)
                {
                    board.In(port, 1 << random.Next(3));
                }

                break;
            default:
                board.Out(port, 2, (uint)(Packets[random.Next(Packets.Length)] | (random.Next(256) << 8)));
                for (int i = random.Next(300); i >= 0; i--)
                {
                    board.Out(port, 2, random.Next(4) == 0 ? (uint)random.Next(0x10000) : 0);
                }

                break;
        }
    }

    private static void Floppy(Board board, Random random)
    {
        switch (random.Next(5))
        {
            case 0:
                board.Out(0x3F2, random.Next(6) == 0 ? random.Next(256) : 0x1C);
                break;
            case 1:
                board.Out(0x3F5, FloppyCommands[random.Next(FloppyCommands.Length)]);
                for (int i = random.Next(9); i > 0; i--)
                {
                    board.Out(0x3F5, random.Next(3) == 0 ? random.Next(256) : random.Next(3));
                }

                break;
            case 2:
                board.Out((ushort)(0x3F2 + random.Next(6)), random.Next(256));
                break;
            case 3:
                board.Out(0x0A, random.Next(2) == 0 ? 0x02 : random.Next(256));
                board.Out(0x0B, random.Next(4) == 0 ? random.Next(256) : 0x46);
                board.Out(0x05, random.Next(256));
                break;
            default:
                for (int i = random.Next(600); i >= 0; i--)
                {
                    board.In((ushort)(0x3F4 + random.Next(2)));
                }

                break;
        }
    }
}
