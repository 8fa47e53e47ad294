using System.Buffers.Binary;

namespace Emulator.Tests.Lockstep;

/// <summary>
/// Makes random guest programs: every family of instructions in random forms over registers and memory (page borders, absent and read-only
/// pages, aliases, a device), flags consumed everywhere, branches of every kind between the blocks, faults, stores into the program's own
/// code, remapped pages.
/// </summary>
internal sealed partial class ProgramGenerator
{
    private const byte RegisterForm = 0xC0;
    private const int SlotsInPage = 0x1000 / GuestProgram.SlotLength;

    private readonly SplitMix _random;
    private readonly LockstepSetup _setup;
    private readonly bool _is16;
    private readonly List<byte> _bytes = [];
    private readonly int _blockCount;

    /// <summary>Blocks in slots on page borders.</summary>
    private int[] _borders = [];
    private int[] _slots = [];
    private readonly int _floatShare;
    private readonly int _x87Share;
    private readonly int _sseShare;
    private readonly int _systemShare;
    private readonly int _tableShare;
    private readonly int _lookupShare;
    private readonly int _aliasPeriod;

    private ProgramGenerator(LockstepSetup setup)
    {
        _setup = setup;
        _is16 = LockstepSegments.Is16(setup.Mode);
        _random = new SplitMix(setup.Seed);
        _blockCount = _random.OneIn(6) ? 17 + _random.Below(45) : 2 + _random.Below(15);
        _floatShare = _random.Below(3) == 0 ? 40 : _random.Below(12);
        _x87Share = _random.OneIn(4) ? 80 : 0;
        _sseShare = _x87Share == 0 && _random.OneIn(4) ? 80 : 0;
        _systemShare = _random.OneIn(3) ? 12 : _random.Below(4);
        _tableShare = _random.OneIn(3) ? 12 : 0;
        _lookupShare = _random.OneIn(3) ? 20 : 2;
        _aliasPeriod = _random.OneIn(3) ? 4 : 25;
    }

    /// <summary>A setup that a seed names: privilege level, thresholds, region sizes, interrupts.</summary>
    /// <param name="seed">The seed.</param>
    /// <param name="instructions">Instructions to run.</param>
    public static LockstepSetup SetupOf(ulong seed, long instructions)
    {
        SplitMix random = new(seed ^ 0xC0FFEE);
        LockstepSetup setup = new()
        {
            Seed = seed,
            User = random.Below(10) < 6,
            Threshold = random.Pick<int>([1, 1, 1, 2, 50]),
            RegionInstructions = random.Pick<int>([1, 8, 30, 30, 60, 250]),
            TimerPeriod = random.Pick<uint>([0, 5, 60, 700, 5000]),
            Instructions = instructions,
            EachRegion = !random.OneIn(4),
            Verify = random.OneIn(6),
            Unoptimized = !random.OneIn(5),
        };

        // The other modes are all but real mode at CPL 3.
        setup = random.Below(5) < 3 ? setup : setup with { Mode = (LockstepMode)(1 + random.Below(4)), User = true };
        return random.OneIn(16) ? setup with { Stepped = true, EachRegion = false, Verify = false } : setup;
    }

    /// <summary>The program of a setup's seed.</summary>
    /// <param name="setup">The setup.</param>
    public static GuestProgram Generate(LockstepSetup setup)
    {
        ProgramGenerator generator = new(setup);
        GuestBlock[] blocks = new GuestBlock[generator._blockCount];
        int[] slots = generator.MakeSlots();
        generator._borders = [.. Enumerable.Range(0, blocks.Length).Where(i => slots[i] % SlotsInPage == SlotsInPage - 1)];
        generator._slots = slots;
        for (int i = 0; i < blocks.Length; i++)
        {
            // A block in a slot on a page border mostly starts close to the border.
            bool border = slots[i] % SlotsInPage == SlotsInPage - 1 && generator._random.Below(4) != 0;
            int jitter = border ? 90 + generator._random.Below(38) : generator._random.Below(8);
            blocks[i] = new GuestBlock(slots[i], jitter, generator.MakeItems(i, jitter), generator.MakeItems(i, jitter));
        }

        return new GuestProgram(blocks, setup);
    }

    /// <summary>Where the blocks lie: one behind the other, or all over the pages of the code, the slots on page borders first.</summary>
    private int[] MakeSlots()
    {
        int[] slots = [.. Enumerable.Range(0, GuestProgram.MaximumBlocks)];
        int scatter = _random.Below(3);
        if (scatter == 0)
        {
            return slots;
        }

        for (int i = slots.Length - 1; i > 0; i--)
        {
            int other = _random.Below(i + 1);
            (slots[i], slots[other]) = (slots[other], slots[i]);
        }

        return scatter == 1 ? slots : [.. slots.OrderBy(s => s % SlotsInPage == SlotsInPage - 1 ? 0 : 1)];
    }

    private List<GuestItem> MakeItems(int index, int jitter)
    {
        List<GuestItem> items = [];
        int length = 0;
        int count = 1 + _random.Below(_random.OneIn(3) ? 40 : 14);
        if (_random.OneIn(2))
        {
            Add(MakePointers());
        }

        if (_random.Below(100) < _x87Share)
        {
            foreach (GuestItem item in MakeX87Sequence(index))
            {
                Add(item);
            }
        }

        if (_random.Below(100) < _sseShare)
        {
            foreach (GuestItem item in MakeSseSequence(index))
            {
                Add(item);
            }
        }

        for (int i = 0; i < count; i++)
        {
            Add(MakeItem(index));
        }

        items.AddRange(_is16 ? MakeBranches16(index) : MakeBranches(index));
        return items;

        void Add(GuestItem item)
        {
            item = _is16 ? Narrow(item) : item;

            // Room for the branches, and for the jump that ends every block.
            if (length + item.Bytes.Length < GuestProgram.MaximumBlockLength - 56 - jitter)
            {
                items.Add(item);
                length += item.Bytes.Length;
            }
        }
    }

    private GuestItem MakeItem(int block)
    {
        _bytes.Clear();
        int kind = _random.Below(100);
        if (_random.Below(200) < _x87Share)
        {
            return MakeX87();
        }

        if (kind < _floatShare)
        {
            return _sseShare == 0 && _random.OneIn(2) ? MakeX87() : MakeSse();
        }

        kind = _random.Below(100);
        if (kind < _systemShare || (_setup.Mode != LockstepMode.Flat32 && kind < 8))
        {
            return _setup.Mode == LockstepMode.Flat32 || (_setup.Mode == LockstepMode.Based32 && _random.OneIn(2)) ? MakeSystem() : MakeSegmented();
        }

        if (!_is16 && _random.Below(100) < _tableShare)
        {
            return MakeTableWrite();
        }

        if (!_is16 && _random.Below(100) < _lookupShare)
        {
            return MakeTableAccess();
        }

        return _random.Below(40) switch
        {
            < 13 => MakeAlu(),
            < 14 => _is16 ? MakeAlu() : MakeWindow(),
            < 17 => MakeUnary(),
            < 20 => MakeShift(),
            < 22 => MakeBits(),
            < 27 => MakeMove(),
            < 30 => MakeFlags(),
            < 32 => MakeStack(),
            < 34 => MakeText(),
            < 35 => _is16 ? MakeSegmented() : MakePatch(block),
            < 36 => _is16 || _random.OneIn(2) ? MakePointers() : MakeDeviceAccess(),
            < 37 => _random.OneIn(2) ? MakePointers() : MakeDivision(),
            < 38 => MakeDecimal(),
            _ => MakeExchange(),
        };
    }

    /// <summary>Loads a register that memory operands use with a place in the data.</summary>
    private GuestItem MakePointers()
    {
        _bytes.Clear();
        Byte((byte)(0xB8 + _random.Pick<int>([3, 5, 6, 7])));
        Dword(Address());
        return Item();
    }

    private GuestItem Item() => new([.. _bytes]);

    private void Byte(int value) => _bytes.Add((byte)value);

    private void Dword(uint value)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, value);
        _bytes.AddRange(bytes);
    }

    private void Immediate(int size)
    {
        uint value = _random.Below(6) switch { 0 => 0, 1 => 1, 2 => 0xFFFFFFFF, 3 => 0x80u << ((size - 1) * 8), 4 => (uint)_random.Below(128), _ => (uint)_random.Next() };
        for (int i = 0; i < size; i++)
        {
            Byte((int)(value >> (8 * i)));
        }
    }

    /// <summary>An address that is mostly good: anywhere in the data, often at a page border, sometimes the device, code or stack.</summary>
    private uint Address()
    {
        uint offset = _random.Below(5) switch
        {
            0 => 0xFE0 + (uint)_random.Below(0x20),
            4 => _random.Pick<uint>([0xFFF, 0xFFF, 0xFFE, 0xFFD, 0xFF9, 0xFF1]),
            1 => (uint)_random.Below(0x40),
            2 => (uint)_random.Below(0x400) * 4,
            _ => (uint)_random.Below(0x1000),
        };
        int place = _random.Below(100);
        if (_is16)
        {
            return _random.OneIn(20) ? _random.Pick<uint>([0xFFFF, 0xFFFE, 0x8FFE, 0x8FFF, 0xFFFD]) : ((uint)_random.Below(16) << 12) + offset;
        }

        if (place < 3)
        {
            return LockstepMachine.Device + (offset & 0xFF8);
        }

        if (place < 5)
        {
            return GuestProgram.Code + (uint)(_random.Below(5) * 0x1000) + offset;
        }

        uint page = (uint)(place < 80 ? _random.Pick<int>([0, 1, 2, 2, 3, 4, 6, 8, 12, 14]) : _random.Below(16));
        return LockstepMachine.Data + (_random.OneIn(8) ? Alias() : 0) + (page << 12) + offset;
    }

    /// <summary>Distance to another linear address of the same memory.</summary>
    private uint Alias() => _random.OneIn(2) ? 0x200000 : _random.Pick<uint>(LockstepMachine.Aliases);

    /// <summary>A register that instructions may change: hardly ever ESP, seldom the pointers.</summary>
    private int Target() => _random.OneIn(200) ? 4 : _random.Pick<int>([0, 0, 1, 1, 2, 2, 3, 5, 6, 7]);

    /// <summary>ModRM and what follows, with a register or memory operand; 8-bit registers take any number.</summary>
    private bool Operand(int reg, int size = 4, int memoryShare = 45)
    {
        if (_random.Below(100) >= memoryShare)
        {
            Byte(RegisterForm | (reg << 3) | (size == 1 ? _random.Below(8) : Target()));
            return false;
        }

        Memory(reg);
        return true;
    }

    private void Memory(int reg)
    {
        reg <<= 3;
        switch (_random.Below(12))
        {
            case < 4:
                Byte(reg | 5);
                Dword(Address());
                break;
            case < 8:
                Byte(0x40 | reg | _random.Pick<int>([3, 5, 6, 7]));
                Byte(_random.Below(256));
                break;
            case 8:
                Byte(reg | _random.Pick<int>([3, 6, 7]));
                break;
            case 9:
                // Base, index and scale; the index is any register.
                Byte(0x80 | reg | 4);
                Byte((_random.Below(4) << 6) | (_random.Pick<int>([0, 1, 2, 4]) << 3) | _random.Pick<int>([3, 5, 6, 7]));
                Dword((uint)_random.Below(64));
                break;
            case 10:
                Byte(0x44 | reg);
                Byte(0x24);
                Byte(_random.Below(0x80));
                break;
            default:
                // No base, index times scale.
                Byte(reg | 4);
                Byte((_random.Below(4) << 6) | (_random.Pick<int>([0, 1, 2, 4]) << 3) | 5);
                Dword(Address());
                break;
        }
    }

    /// <summary>Operand-size and, seldom, segment prefixes; returns the operand size of opcode forms with a width bit.</summary>
    private int Prefixes(bool allowByte = true)
    {
        if (_random.OneIn(20))
        {
            Byte(_random.Pick<int>([0x26, 0x2E, 0x36, 0x3E, 0x64, 0x64, 0x64, 0x65, 0x65, 0x65]));
        }

        int size = _random.Below(10) switch { < 3 when allowByte => 1, < 5 => 2, _ => 4 };
        if (size == 2)
        {
            Byte(0x66);
        }

        if (_random.OneIn(200))
        {
            Byte(0x67);
        }

        return size;
    }

    private List<GuestItem> MakeBranches(int index)
    {
        List<GuestItem> items = [];
        if (_borders.Length != 0 && _random.OneIn(7))
        {
            MakeBorderBranch(items);
            return items;
        }

        switch (_random.Below(14))
        {
            case 0:
                items.Add(Branch([0xE8, 0, 0, 0, 0]));
                break;
            case 1:
                items.Add(Branch([0xB8, 0, 0, 0, 0, 0xFF, 0xE0], GuestFixup.Absolute, 1));
                return items;
            case 2:
                items.Add(Branch([0xBA, 0, 0, 0, 0, 0xFF, 0xD2], GuestFixup.Absolute, 1));
                break;
            case 3:
                items.Add(Branch([0x68, 0, 0, 0, 0, 0xC3], GuestFixup.Absolute, 1));
                return items;
            case 4:
                // LOOP, LOOPE, LOOPNE or JECXZ over a jump to a jump.
                items.Add(new GuestItem([0x83, 0xE1, 0x0F]));
                items.Add(Branch([(byte)_random.Pick<int>([0xE0, 0xE1, 0xE2, 0xE3]), 2, 0xEB, 5, 0xE9, 0, 0, 0, 0], GuestFixup.Relative, 5));
                break;
            case 5:
                items.Add(new GuestItem([0xC3]));
                return items;
            case 6:
                // A counted loop over this block.
                items.Add(new GuestItem([0x36, 0xFF, 0x0D, .. BitConverter.GetBytes(LockstepMachine.Data + 0x2F00 + (uint)(index % 16 * 4))]));
                items.Add(new GuestItem([0x0F, (byte)(0x80 | _random.Below(16)), 0, 0, 0, 0], GuestFixup.Relative, index, 2));
                break;
            default:
                items.Add(Branch([0x0F, (byte)(0x80 | _random.Below(16)), 0, 0, 0, 0], GuestFixup.Relative, 2));
                if (_random.OneIn(3))
                {
                    _bytes.Clear();
                    items.Add(MakeAlu());
                    items.Add(Branch([0x0F, (byte)(0x80 | _random.Below(16)), 0, 0, 0, 0], GuestFixup.Relative, 2));
                }

                break;
        }

        items.Add(_random.OneIn(12) ? new GuestItem([0xC2, (byte)(_random.Below(4) * 4), 0]) : Branch([0xE9, 0, 0, 0, 0]));
        return items;
    }

    /// <summary>
    /// The page behind a border is mapped to the other program, or back, and a branch goes to the block on the border: its first half stays
    /// what it was.
    /// </summary>
    private void MakeBorderBranch(List<GuestItem> items)
    {
        int target = _borders[_random.Below(_borders.Length)];
        uint linear = GuestProgram.Code + (((uint)_slots[target] / SlotsInPage) + (_random.OneIn(5) ? 0u : 1)) * 0x1000;
        _bytes.Clear();
        _bytes.AddRange([0x81, 0x35]);
        Dword(LockstepMachine.PageTable + ((linear >> 12) * 4));
        Dword(LockstepMachine.CodeCopy - GuestProgram.Code);
        if (_setup.User || _random.OneIn(3))
        {
            _bytes.AddRange([0xCD, LockstepMachine.FlushVector]);
        }
        else
        {
            _bytes.AddRange([0x0F, 0x01, 0x3D]);
            Dword(linear);
        }

        items.Add(Item());
        if (_random.OneIn(2))
        {
            items.Add(new GuestItem([0x0F, (byte)(0x80 | _random.Below(16)), 0, 0, 0, 0], GuestFixup.Relative, target, 2));
            target = _random.OneIn(2) ? target : _random.Below(_blockCount);
        }

        items.Add(_random.Below(4) switch
        {
            0 => new GuestItem([0xB8, 0, 0, 0, 0, 0xFF, 0xE0], GuestFixup.Absolute, target, 1),
            1 => new GuestItem([0xE8, 0, 0, 0, 0], GuestFixup.Relative, target, 1),
            _ => new GuestItem([0xE9, 0, 0, 0, 0], GuestFixup.Relative, target, 1),
        });
    }

    private GuestItem Branch(byte[] bytes, GuestFixup fixup = GuestFixup.Relative, int offset = 1)
    {
        int target = _random.Below(_blockCount);

        // Now and then through another linear address of the same code.
        if (_random.OneIn(_aliasPeriod))
        {
            BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(offset), Alias());
        }

        return new GuestItem(bytes, fixup, target, offset);
    }
}
