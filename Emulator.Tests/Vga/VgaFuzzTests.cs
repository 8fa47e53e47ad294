using Emulator.Core.Cpu;
using Emulator.Core.Memory;
using Emulator.Core.Snapshot;
using Emulator.Devices;
using Emulator.Devices.Vga;
using Emulator.Jit;
using Emulator.Tests.Devices;
using Emulator.Tests.Robustness;
using NUnit.Framework;

namespace Emulator.Tests.Vga;

[TestFixture]
public sealed class VgaFuzzTests
{
    private const uint FrameBuffer = 0xE0000000;
    private const uint Registers = 0xE1000000;

    private static readonly ushort[] Ports =
    [
        0x3B4, 0x3B5, 0x3BA, 0x3C0, 0x3C1, 0x3C2, 0x3C3, 0x3C4, 0x3C5, 0x3C6, 0x3C7, 0x3C8, 0x3C9, 0x3CA, 0x3CC, 0x3CE, 0x3CF, 0x3D4, 0x3D5, 0x3DA,
        0x1CE, 0x1CF, 0x1D0,
    ];

    private static readonly VgaMode[] Modes = [VgaMode.Text, VgaMode.Cga4, VgaMode.Cga2, VgaMode.Planar, VgaMode.Chained, VgaMode.Unchained];

    [Test]
    [Category("Robustness")]
    public void Three_million_random_accesses_are_survived()
    {
        VgaBoard board = new();
        board.MapBars();
        Random random = new(FuzzSeed.Value);
        for (int i = 0; i < 3_000_000; i++)
        {
            Step(board, random);
            if (i % 2000 == 0)
            {
                board.Screen.Update();
                Assert.That(board.Screen.Pixels.Length, Is.EqualTo(board.Screen.Width * board.Screen.Height).And.LessThanOrEqualTo(2304 * 2048));
                _ = board.Screen.TextLines;
            }

            if (i % 300_000 == 0)
            {
                board = new VgaBoard(board.Board.Clone());
            }
        }
    }

    [Test]
    public void Picture_brought_up_to_date_equals_one_drawn_anew()
    {
        Random random = new(FuzzSeed.Value);
        for (int round = 0; round < 60; round++)
        {
            VgaBoard board = new();
            board.MapBars();
            board.NumberColors();
            if (round % 3 == 2)
            {
                int[] depths = [4, 8, 15, 16, 24, 32];
                board.SetDispi(8 * random.Next(10, 100), random.Next(100, 600), depths[random.Next(6)]);
            }
            else
            {
                board.Set(Modes[random.Next(Modes.Length)]);
            }

            for (int step = 0; step < 25; step++)
            {
                for (int i = random.Next(30); i > 0; i--)
                {
                    Touch(board, random);
                }

                ScreenRegion region = board.Screen.Update();
                Assert.That(region.Bottom, Is.LessThanOrEqualTo(board.Screen.Height));
                Assert.That(board.Screen.Pixels.SequenceEqual(board.DrawAnew()), $"round {round}, step {step}");
            }
        }
    }

    [Test]
    public void Random_states_are_refused_or_survived()
    {
        Random random = new(FuzzSeed.Value);
        VgaBoard source = new();
        source.MapBars();
        for (int i = 0; i < 5000; i++)
        {
            Step(source, random);
        }

        StateArchive saved = new("vga", 1);
        source.Vga.Serialize(saved);
        byte[] good = saved.ToArray();
        for (int round = 0; round < 100; round++)
        {
            byte[] bytes = [.. good];
            for (int i = 0; i < 1 + random.Next(12); i++)
            {
                bytes[random.Next(Math.Min(bytes.Length, 3000))] = (byte)random.Next(256);
            }

            VgaBoard victim = new();
            try
            {
                victim.Vga.Serialize(new StateArchive("vga", 1, bytes));
            }
            catch (SnapshotException)
            {
                continue;
            }

            victim.Screen.Update();
            for (int i = 0; i < 200; i++)
            {
                Step(victim, random);
            }

            victim.Screen.Update();
        }
    }

    /// <summary>Code of the guest stores inline: every store between two looks must be seen, on both engines.</summary>
    [TestCase(false)]
    [TestCase(true)]
    public unsafe void Stores_of_the_cpu_are_seen(bool translated)
    {
        VgaBoard board = new();
        board.MapBars();
        board.NumberColors();
        CpuCore cpu = board.Machine.Cpu;
        using JitTranslator? translator = translated ? new JitTranslator(cpu, JitOptions.AtFirstSight) : null;
        translator?.Attach();

        // again: mov [edi], al / add edi, 997 / add al, 3 / cmp edi, esi / jb again / mov edi, ebx / jmp again
        Core.TestMachine.RunFlatCode(cpu, [0x88, 0x07, 0x81, 0xC7, 0xE5, 0x03, 0, 0, 0x04, 0x03, 0x39, 0xF7, 0x72, 0xF2, 0x89, 0xDF, 0xEB, 0xEE]);
        Run(board, 0xA0000, 64_000, b => b.Set(VgaMode.Chained));
        Run(board, FrameBuffer, 640 * 480, b => b.SetDispi(640, 480, 8));
        Run(board, FrameBuffer + 0x20000, 640 * 480, b => b.SetDispi(640, 480, 32));
        Run(board, 0xA0000, 65_536, b => b.SetDispi(640, 480, 16));
        Run(board, 0xA0000, 38_400, b => b.Set(VgaMode.Planar), dispiOff: true);
        Run(board, 0xB8000, 4000, b => b.Set(VgaMode.Text));
    }

    private static unsafe void Run(VgaBoard board, uint start, uint length, Action<VgaBoard> setMode, bool dispiOff = false)
    {
        if (dispiOff)
        {
            board.Dispi(4, 0);
        }

        setMode(board);
        board.Screen.Update();
        CpuState* s = board.Machine.Cpu.State;
        CpuState.R32(s, 7) = CpuState.R32(s, 3) = start;
        CpuState.R32(s, 6) = start + length;
        Random random = new(7);
        for (int i = 0; i < 60; i++)
        {
            board.Machine.Run(random.Next(1, 3000));
            ScreenRegion region = board.Screen.Update();
            Assert.That(board.Screen.Pixels.SequenceEqual(board.DrawAnew()), $"{start:X}h, step {i}");
            if (i > 4 && i % 10 == 0)
            {
                Assert.That(region.IsEmpty, Is.False);
            }
        }
    }

    private static void Touch(VgaBoard board, Random random)
    {
        byte value = (byte)random.Next(256);
        switch (random.Next(24))
        {
            case 0:
                board.Crtc(random.Next(2) == 0 ? 0x0D : 0x0F, value);
                break;
            case 1:
                board.Dac(value, random.Next(64), random.Next(64), random.Next(64));
                break;
            case 2:
                board.Attribute(random.Next(0x15), value);
                break;
            case 3:
                board.Crtc(random.Next(4) switch { 0 => 8, 1 => 0x18, 2 => 0x0A, _ => 0x13 }, value);
                break;
            case 4:
                board.Dispi(random.Next(4) switch { 0 => 5, 1 => 6, 2 => 8, _ => 9 }, random.Next(1200));
                break;
            case 5:
                board.Board.Advance(random.Next(100_000_000));
                break;
            case < 12:
                board.Write(FrameBuffer + (uint)random.Next(2_000_000), value);
                break;
            default:
                board.Write((random.Next(2) == 0 ? 0xA0000u : 0xB8000u) + (uint)random.Next(0x8000), value);
                break;
        }
    }

    private static void Step(VgaBoard board, Random random)
    {
        uint value = random.Next(3) switch { 0 => (uint)random.Next(32), 1 => (uint)random.Next(256), _ => (uint)random.NextInt64(1L << 32) };
        switch (random.Next(40))
        {
            case < 24:
                ushort port = Ports[random.Next(Ports.Length)];
                int size = random.Next(4) == 0 ? 1 << random.Next(3) : port < 0x200 ? 2 : 1;
                if (random.Next(4) == 0)
                {
                    board.Board.In(port, size);
                }
                else
                {
                    board.Board.Out(port, size, value);
                }

                break;
            case < 36:
                uint address = random.Next(4) switch
                {
                    0 => FrameBuffer + (uint)random.Next(16 << 20),
                    1 => Registers + (uint)random.Next(0x400, 0x520),
                    _ => 0xA0000 + (uint)random.Next(0x20000),
                };
                address &= ~7u;
                PhysicalMemory memory = board.Machine.Memory;
                if (random.Next(2) == 0)
                {
                    _ = memory.Read<ulong>(address) + memory.Read<byte>(address + 1) + memory.Peek(address);
                }
                else if (random.Next(2) == 0)
                {
                    memory.Write(address, value * 0x1_0000_0001UL);
                }
                else
                {
                    memory.Write(address + (uint)random.Next(8), (byte)value);
                }

                break;
            case 36:
                board.Board.Advance(random.Next(10_000_000));
                break;
            case 37 when random.Next(200) == 0:
                int bar = random.Next(2) == 0 ? 0x10 : 0x18;
                board.Vga.WriteConfiguration(bar, 4, random.Next(3) switch { 0 => 0, 1 => 0xA0000, _ => value });
                board.MapBars();
                break;
            case 38 when random.Next(50) == 0:
                board.SetDispi(8 * random.Next(330), random.Next(1700), random.Next(34), random.Next(256));
                break;
            case 39 when random.Next(50) == 0:
                board.Set(Modes[random.Next(Modes.Length)]);
                break;
            default:
                break;
        }
    }
}
