using Emulator.Core.Machine;
using Emulator.Core.Snapshot;
using Emulator.Devices.Dma;
using Emulator.Devices.Input;
using Emulator.Devices.Storage;
using Emulator.Devices.Storage.Images;
using Emulator.Tests.Robustness;
using NUnit.Framework;

namespace Emulator.Tests.Devices;

[TestFixture]
public sealed class PortFuzzTests
{
    private static readonly int Seed = FuzzSeed.Value;

    private static readonly ushort[] Interesting =
    [
        0x20, 0x21, 0xA0, 0xA1, 0x4D0, 0x4D1, 0x40, 0x41, 0x42, 0x43, 0x60, 0x61, 0x64, 0x70, 0x71, 0x80, 0x92, 0xB2, 0xED, 0xF0, 0xE9,
        0x3F8, 0x3F9, 0x3FA, 0x3FB, 0x3FC, 0x3FD, 0x3FE, 0x3FF, 0x2F8, 0x2F9, 0x2FA, 0x2FB, 0x2FC, 0xCF8, 0xCF9, 0xCFC, 0xCFD, 0xCFE, 0xCFF,
        0x3B4, 0x3BA, 0x3C0, 0x3C2, 0x3C4, 0x3C5, 0x3C8, 0x3C9, 0x3CE, 0x3CF, 0x3D4, 0x3D5, 0x3DA, 0x1CE, 0x1CF,
        0xB000, 0xB002, 0xB004, 0xB008, 0xF4, 0x510, 0x511, 0x514, 0x518,
        0x00, 0x01, 0x02, 0x03, 0x08, 0x09, 0x0A, 0x0B, 0x0C, 0x0D, 0x0F, 0x81, 0x83, 0x87, 0xC4, 0xC6, 0xD0, 0xD2, 0xD4, 0xD6, 0xDA,
        0x3F2, 0x3F4, 0x3F5, 0x3F5, 0x3F7,
        0x1F0, 0x1F1, 0x1F2, 0x1F3, 0x1F4, 0x1F5, 0x1F6, 0x1F7, 0x3F6, 0x170, 0x172, 0x174, 0x176, 0x177, 0x376, 0xC000, 0xC002, 0xC004, 0xC008, 0xC00A, 0xC00C,
    ];

    [Test]
    public void A_million_random_accesses_are_survived()
    {
        Board board = Create();
        byte[] rom = new byte[0x40000];
        board.Machine.LoadRom(rom, 0xC0000);
        Random random = new(Seed);
        long acknowledged = 0;
        for (int i = 0; i < 1_000_000; i++)
        {
            Step(board, random);
            if (board.Interrupting && random.Next(4) == 0)
            {
                board.Acknowledge();
                acknowledged++;
            }

            if ((i & 0xFFF) == 0)
            {
                board.Machine.Run(0); // handles what asks for a reset or an end
            }

            if ((i & 0xFFFF) == 0)
            {
                board = board.Clone();
                board.Machine.LoadRom(rom, 0xC0000);
            }
        }

        Assert.That(acknowledged, Is.GreaterThan(1000));
    }

    [Test]
    public void Saving_and_loading_in_the_middle_changes_nothing()
    {
        for (int round = 0; round < 20; round++)
        {
            Board original = Create();
            Random random = new(Seed + round);
            for (int i = 0; i < 2000; i++)
            {
                Step(original, random);
            }

            Board copy = original.Clone();
            Assert.That(copy.State(), Is.EqualTo(original.State()), $"round {round}: state right after loading");
            Random one = new(round);
            Random two = new(round);
            for (int i = 0; i < 2000; i++)
            {
                uint expected = Step(original, one);
                uint actual = Step(copy, two);
                Assert.That((actual, copy.Now, copy.Interrupting), Is.EqualTo((expected, original.Now, original.Interrupting)), $"round {round}, step {i}");
            }

            Assert.That(copy.State(), Is.EqualTo(original.State()), $"round {round}: state at the end");
        }
    }

    [Test]
    public void Damaged_states_are_refused_or_survived()
    {
        Random random = new(Seed);
        Board source = Create();
        for (int i = 0; i < 3000; i++)
        {
            Step(source, random);
        }

        int refused = 0;
        for (int round = 0; round < 300; round++)
        {
            Board victim = Create();
            IMachineComponent[] components = [.. source.Machine.Components];
            int chosen = random.Next(components.Length);
            StateArchive saved = new(components[chosen].StateId, 1);
            components[chosen].Serialize(saved);
            byte[] bytes = saved.ToArray();
            for (int i = 0; i < 1 + random.Next(20); i++)
            {
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            }

            try
            {
                victim.Machine.Components[chosen].Serialize(new StateArchive(components[chosen].StateId, 1, bytes));
            }
            catch (SnapshotException)
            {
                refused++;
                continue;
            }

            for (int i = 0; i < 300; i++)
            {
                Step(victim, random);
            }
        }

        Assert.That(refused, Is.GreaterThan(100));
    }

    private static Board Create()
    {
        // Drives whose contents cannot change: two boards look at them in turn.
        Drive[] drives = [.. new[] { 0, 1, 3 }.Select(i => new Drive(new DriveOptions { Index = i }, new MemoryImage(new byte[100 * 512], readOnly: true)))];
        drives =
        [
            .. drives,
            new Drive(new DriveOptions { Index = 2, Media = DriveMedia.CdRom }, new MemoryImage(new byte[100 * 512], readOnly: true)),
            new Drive(new DriveOptions { Index = 0, Interface = DriveInterface.Floppy }, new MemoryImage(new byte[2880 * 512], readOnly: true)),
        ];
        Board board = new(Board.DefaultConfig with { DebugExitPort = 0xF4, SerialTransmitLimit = 4000, Drives = drives });
        board.Machine.PrepareDirectBoot();
        return board;
    }

    /// <summary>One random thing: an access to a port, time, or input from outside.</summary>
    private static uint Step(Board board, Random random)
    {
        ushort port = random.Next(8) == 0 ? (ushort)random.Next(0x10000) : Interesting[random.Next(Interesting.Length)];
        int size = 1 << (random.Next(4) == 0 ? random.Next(3) : port is 0xCF8 ? 2 : 0);
        uint value = random.Next(4) switch
        {
            0 => (uint)random.Next(16),
            1 => 1u << random.Next(32),
            2 => 0x8000_0000 | (uint)(random.Next(2) << 11) | (uint)(random.Next(4) << 8) | (uint)(random.Next(64) << 2),
            _ => (uint)random.NextInt64(1L << 32),
        };
        switch (random.Next(64))
        {
            case 0:
                board.Machine.Serial[random.Next(2)].EnqueueInput([(byte)value]);
                break;
            case 1:
                Key key = (Key)random.Next(110);
                board.Machine.Keyboard.KeyDown(key);
                board.Machine.Keyboard.KeyUp(key);
                break;
            case 2:
                board.Machine.Mouse.Move(random.Next(-500, 500), random.Next(-500, 500));
                board.Machine.Mouse.SetButtons((MouseButtons)random.Next(256));
                board.Machine.Mouse.Wheel(random.Next(-3, 4));
                break;
            case 3:
                board.Advance(random.Next(8) == 0 ? 3_000_000 : 100_000);
                break;
            case 4:
                board.Machine.Serial[0].EnqueueBreak();
                break;
            case 5:
                board.Machine.PowerManagement.PressPowerButton();
                break;
            case 6:
                DmaChannel channel = board.Machine.Dma.Channel(random.Next(7) is var n && n < 4 ? n : n + 1);
                channel.Request = random.Next(2) == 0;
                channel.Transfer(new byte[random.Next(600)], (DmaDirection)random.Next(2), out _);
                break;
            default:
                board.Advance(random.Next(3000));
                break;
        }

        if (random.Next(4) == 0)
        {
            return (uint)Memory(board, random, value);
        }

        if (random.Next(2) == 0)
        {
            return board.In(port, size);
        }

        board.Out(port, size, value);
        return board.Machine.Ports.Peek(port);
    }

    /// <summary>An access to a register in memory: local APIC, I/O APIC, HPET.</summary>
    private static ulong Memory(Board board, Random random, uint value)
    {
        uint page = random.Next(3) switch
        {
            0 => 0xFEE0_0000,
            1 => 0xFEC0_0000,
            _ => 0xFED0_0000,
        };
        uint address = page | (uint)(random.Next(8) == 0 ? random.Next(0xFF8) : page == 0xFEC0_0000 ? random.Next(2) << 4 : random.Next(0x40) << 4);
        if (random.Next(2) == 0)
        {
            return random.Next(3) switch
            {
                0 => board.Machine.Memory.Read<ulong>(address),
                1 => board.Machine.Memory.Read<byte>(address),
                _ => board.Machine.Memory.Read<uint>(address),
            };
        }

        switch (random.Next(8))
        {
            case 0:
                board.Machine.Memory.Write(address, (ulong)value << random.Next(32));
                break;
            case 1:
                board.Machine.Memory.Write(address, (byte)value);
                break;
            case 2 when page == 0xFEC0_0000:
                board.Machine.Memory.Write(page, (byte)random.Next(0x40));
                break;
            default:
                board.Machine.Memory.Write(address, value);
                break;
        }

        return board.Machine.Memory.Peek(address);
    }
}
