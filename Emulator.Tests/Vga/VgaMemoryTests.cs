using Emulator.Tests.Robustness;
using NUnit.Framework;

namespace Emulator.Tests.Vga;

[TestFixture]
public sealed class VgaMemoryTests
{
    [Test]
    public void Every_mode_of_reading_and_writing_equals_a_straightforward_model()
    {
        VgaBoard board = new();
        Model model = new();
        Random random = new(FuzzSeed.Value);
        for (int round = 0; round < 4000; round++)
        {
            if (round % 4 == 0)
            {
                SetRegisters(board, model, random);
            }

            uint at = (uint)random.Next(5) switch
            {
                4 => 0x10000 + (uint)random.Next(64),
                0 => (uint)random.Next(0x20000),
                1 => 0x18000 + (uint)random.Next(16),
                _ => (uint)random.Next(64),
            };
            for (int i = 0; i < 25; i++, at = (at + (uint)random.Next(3)) & 0x1FFFF)
            {
                if (random.Next(2) == 0)
                {
                    byte value = (byte)random.Next(256);
                    board.Write(0xA0000 + at, value);
                    model.Write(at, value);
                }
                else
                {
                    Assert.That(board.Read(0xA0000 + at), Is.EqualTo(model.Read(at)), $"round {round}, {at:X5}h, {model}");
                }
            }
        }
    }

    [Test]
    public void Wide_accesses_are_bytes_in_order()
    {
        VgaBoard board = new();
        board.Set(VgaMode.Planar);
        board.Machine.Memory.Write(0xA0010u, 0x44332211u);
        Assert.That(board.Read(0xA0013), Is.EqualTo(0x44));
        Assert.That(board.Machine.Memory.Read<ulong>(0xA0010), Is.EqualTo(0x44332211));
        Assert.That(board.Machine.Memory.Peek(0xA0012), Is.EqualTo(0x33));
    }

    [Test]
    public void Peeking_loads_no_latches()
    {
        VgaBoard board = new();
        board.Set(VgaMode.Planar);
        board.Write(0xA0000, 0x5A);
        board.Read(0xA0001);
        board.Machine.Memory.Peek(0xA0000);
        board.Graphics(5, 1);
        board.Write(0xA0002, 0);
        Assert.That(board.Read(0xA0002), Is.Zero);
    }

    [Test]
    public void Chain_4_bytes_are_every_fourth_of_a_plane_when_unchained()
    {
        VgaBoard board = new();
        board.Set(VgaMode.Chained);
        for (uint i = 0; i < 16; i++)
        {
            board.Write(0xA0000 + i, (byte)(0x10 + i));
        }

        board.Sequencer(4, 6);
        for (int plane = 0; plane < 4; plane++)
        {
            board.Graphics(4, plane);
            Assert.That(board.Read(0xA0004), Is.EqualTo(0x14 + plane));
            Assert.That(board.Read(0xA0005), Is.Zero);
        }
    }

    [Test]
    public void Window_is_empty_where_the_memory_map_has_nothing()
    {
        VgaBoard board = new();
        board.Set(VgaMode.Text);
        board.Write(0xA0000, 1);
        board.Write(0xB0000, 1);
        board.Write(0xB8000, 1);
        Assert.That((board.Read(0xA0000), board.Read(0xB0000), board.Read(0xB8000)), Is.EqualTo((0xFF, 0xFF, 1)));
        board.Out(0x3C2, 0x65);
        Assert.That(board.Read(0xB8000), Is.EqualTo(0xFF), "memory disabled");
    }

    [Test]
    public void Text_as_memory_and_as_planes_is_the_same()
    {
        VgaBoard board = new();
        board.Set(VgaMode.Text);
        Assert.That(board.Machine.Memory.IsRam(0xB8000));
        board.Machine.Memory.Write(0xB8004u, 0x44332211u);
        board.Sequencer(4, 6);
        board.Graphics(5, 0);
        board.Graphics(6, 4);
        Assert.That(board.Machine.Memory.IsRam(0xB8000), Is.False);
        Assert.That((board.Read(0xA0004), board.Read(0xA0006)), Is.EqualTo((0x11, 0x33)));
        board.Graphics(4, 1);
        Assert.That((board.Read(0xA0004), board.Read(0xA0006)), Is.EqualTo((0x22, 0x44)));
        board.Sequencer(2, 2);
        board.Write(0xA0006, 0x55);
        board.Set(VgaMode.Text);
        Assert.That(board.Machine.Memory.Read<uint>(0xB8004), Is.EqualTo(0x55332211));
        VgaBoard copy = new(board.Board.Clone());
        Assert.That(copy.Machine.Memory.Read<uint>(0xB8004), Is.EqualTo(0x55332211));
        copy.Machine.Reset();
        copy.Vga.SetTextMode();
        Assert.That(copy.Machine.Memory.Read<uint>(0xB8004), Is.EqualTo(0x07200720));
    }

    private static void SetRegisters(VgaBoard board, Model model, Random random)
    {
        bool text = random.Next(4) == 0;
        for (int i = 0; i < 9; i++)
        {
            int value = text && random.Next(16) != 0 ? i switch { 4 => random.Next(2), 5 => 0x10, 6 => random.Next(2) == 0 ? 0x0E : 0x0A, 8 => 0xFF, _ => 0 } : random.Next(3) == 0 ? random.Next(256) : i switch { 1 or 3 or 5 => 0, 7 => 0x0F, 8 => 0xFF, 6 => model.Graphics[6], _ => random.Next(256) };
            board.Graphics(i, value);
            model.Graphics[i] = value;
        }

        model.MapMask = text ? 3 : random.Next(2) == 0 ? 0x0F : random.Next(16);
        model.MemoryMode = text ? 2 : random.Next(4) switch { 0 => 0x0E, 1 => 0x02, _ => 0x06 };
        model.OddEvenPage = text ? 1 : random.Next(2);
        board.Sequencer(2, model.MapMask);
        board.Sequencer(4, model.MemoryMode);
        board.Out(0x3C2, 0x43 | (model.OddEvenPage << 5));
    }

    /// <summary>Four arrays and the rules of the manual, one byte and one plane at a time.</summary>
    private sealed class Model
    {
        private readonly byte[][] _planes = [new byte[0x10000], new byte[0x10000], new byte[0x10000], new byte[0x10000]];
        private readonly byte[] _latches = new byte[4];

        public int[] Graphics { get; } = new int[9];

        public int MapMask { get; set; }

        public int MemoryMode { get; set; }

        public int OddEvenPage { get; set; }

        private bool Chained => (MemoryMode & 8) != 0;

        /// <summary>With nothing in the way of chain-4 the window is memory itself, and the latches are not loaded (docs/VGA.md).</summary>
        private bool IsDirect => Chained && MapMask == 0x0F && (Graphics[6] & 8) == 0 && (Graphics[1] & 0x0F) == 0 && (Graphics[3] & 0x1F) == 0 && (Graphics[5] & 0x0B) == 0 && Graphics[8] == 0xFF;

        private bool IsTextDirect => (MemoryMode & 0x0C) == 0 && (Graphics[6] & 0x0A) == 0x0A && OddEvenPage == 1 && MapMask == 3
            && (Graphics[1] & 0x0F) == 0 && (Graphics[3] & 0x1F) == 0 && (Graphics[4] & 2) == 0 && (Graphics[5] & 0x1B) == 0x10 && Graphics[8] == 0xFF;

        public byte Read(uint at)
        {
            bool direct = (IsDirect && at < 0x10000) || IsTextDirect;
            if (!Decode(ref at))
            {
                return 0xFF;
            }

            uint offset = Chained ? at & 0xFFFC : Offset(at);
            if (!direct)
            {
                for (int p = 0; p < 4; p++)
                {
                    _latches[p] = _planes[p][offset];
                }
            }

            if (Chained)
            {
                return _planes[at & 3][offset];
            }

            if ((Graphics[5] & 8) == 0)
            {
                int plane = (Graphics[5] & 0x10) != 0 ? (Graphics[4] & 2) | (int)(at & 1) : Graphics[4] & 3;
                return _planes[plane][offset];
            }

            int result = 0;
            for (int bit = 0; bit < 8; bit++)
            {
                bool same = true;
                for (int p = 0; p < 4; p++)
                {
                    same &= (Graphics[7] >> p & 1) == 0 || (_planes[p][offset] >> bit & 1) == (Graphics[2] >> p & 1);
                }

                result |= same ? 1 << bit : 0;
            }

            return (byte)result;
        }

        public void Write(uint at, byte value)
        {
            if (!Decode(ref at))
            {
                return;
            }

            uint offset = Chained ? at & 0xFFFC : Offset(at);
            for (int p = 0; p < 4; p++)
            {
                bool enabled = (MapMask >> p & 1) != 0;
                enabled &= !Chained || (at & 3) == p;
                enabled &= Chained || (MemoryMode & 4) != 0 || (at & 1) == (p & 1);
                if (enabled)
                {
                    _planes[p][offset] = Plane(p, value);
                }
            }
        }

        public override string ToString() => $"graphics {string.Join(' ', Graphics.Select(g => $"{g:X2}"))}, map mask {MapMask:X}, memory mode {MemoryMode:X}";

        private byte Plane(int p, byte value)
        {
            int mode = Graphics[5] & 3;
            int latch = _latches[p];
            int rotated = ((value >> (Graphics[3] & 7)) | (value << (8 - (Graphics[3] & 7)))) & 0xFF;
            int mask = Graphics[8];
            int source;
            switch (mode)
            {
                case 0:
                    source = (Graphics[1] >> p & 1) != 0 ? ((Graphics[0] >> p & 1) != 0 ? 0xFF : 0) : rotated;
                    break;
                case 1:
                    return (byte)latch;
                case 2:
                    source = (value >> p & 1) != 0 ? 0xFF : 0;
                    break;
                default:
                    source = (Graphics[0] >> p & 1) != 0 ? 0xFF : 0;
                    mask &= rotated;
                    break;
            }

            source = (Graphics[3] >> 3 & 3) switch { 1 => source & latch, 2 => source | latch, 3 => source ^ latch, _ => source };
            return (byte)((source & mask) | (latch & ~mask));
        }

        private bool Decode(ref uint at)
        {
            (uint start, uint length) = (Graphics[6] >> 2 & 3) switch { 0 => (0u, 0x20000u), 1 => (0u, 0x10000u), 2 => (0x10000u, 0x8000u), _ => (0x18000u, 0x8000u) };
            at -= start;
            return at < length;
        }

        private uint Offset(uint at)
        {
            if ((Graphics[6] & 2) == 0)
            {
                return at & 0xFFFF;
            }

            uint low = (Graphics[6] & 0x0C) == 0 ? at >> 16 & 1 : OddEvenPage == 0 ? 1u : 0;
            return (at & 0xFFFE) | low;
        }
    }
}
