namespace Emulator.Tests.Lockstep;

/// <content>
/// MMX and SSE: numbers of every class in registers and memory, MXCSR in every setting (mostly the one that lets translated code compute on the host),
/// unmasked exceptions, CR0.TS.
/// </content>
internal sealed partial class ProgramGenerator
{
    private static readonly ulong[] Doubles =
    [
        0x0000000000000000, 0x8000000000000000, 0x3FF0000000000000, 0xBFF0000000000000, 0x4008000000000000, 0x3FD5555555555555, 0x400921FB54442D18,
        0x40C3880000000000, 0xC1D1234567800000, 0x41DFFFFFFFC00000, 0x41E0000000000000, 0xC1E0000000000000, 0xC1E0000000200000, 0x43E0000000000000,
        0x0000000000000001, 0x800FFFFFFFFFFFFF, 0x0010000000000000, 0x001FFFFFFFFFFFFF, 0x1FF0000000000000, 0x2000000000000000, 0x5FFFFFFFFFFFFFFF,
        0x6000000000000000, 0x7FE0000000000000, 0x7FEFFFFFFFFFFFFF, 0x7FF0000000000000, 0xFFF0000000000000, 0x7FF8000000000000, 0xFFF8000000001234,
        0x7FF0000000000001, 0x7FF4000000000000, 0x36A0000000000000, 0x3810000000000000, 0x47EFFFFFE0000000, 0x47EFFFFFF0000000, 0x3FB999999999999A,
    ];

    private static readonly uint[] Singles =
    [
        0x00000000, 0x80000000, 0x3F800000, 0xBF800000, 0x40490FDB, 0x3EAAAAAB, 0x4B000000, 0xCEFFFFFF, 0x4F000000, 0xCF000000, 0x00000001,
        0x807FFFFF, 0x00800000, 0x00FFFFFF, 0x1FFFFFFF, 0x20000000, 0x5FFFFFFF, 0x60000000, 0x7F7FFFFF, 0x7F800000, 0xFF800000, 0x7FC00000,
        0x7F800001, 0x7FA00000, 0x3DCCCCCD,
    ];

    private GuestItem MakeSse() => _random.Below(10) switch
    {
        0 => MakeMxcsr(),
        < 3 => MakeNumber(),
        < 7 => MakeFloat(),
        _ => MakeAnySse(),
    };

    /// <summary>Stores a setting and loads MXCSR from it; sometimes sets CR0.TS instead.</summary>
    private GuestItem MakeMxcsr()
    {
        if (_random.OneIn(12))
        {
            Byte(0xCD);
            Byte(LockstepMachine.TaskSwitchedVector);
            return Item();
        }

        uint setting = _random.Below(8) switch
        {
            < 4 => 0x1FA0,
            4 => 0x1F80,
            5 => 0x1FBFu & ~(1u << _random.Below(13)),
            6 => 0x1FA0u | ((uint)_random.Below(8) << 13),
            _ => (uint)_random.Below(0x10000),
        };
        StoreConstant(out uint address, setting);
        Absolute([0x0F, 0xAE], 2, address);
        return Item();
    }

    /// <summary>Brings a number (or two) into an XMM register.</summary>
    private GuestItem MakeNumber()
    {
        int register = _random.Below(4);
        if (_random.OneIn(2))
        {
            ulong number = _random.OneIn(4) ? _random.Next() : _random.Below(3) == 0 ? _random.Pick<ulong>(Doubles) : Ordinary();
            StoreConstant(out uint address, (uint)number);
            Absolute([0xC7], 0, address + 4);
            Dword((uint)(number >> 32));
            Absolute(_random.Pick<byte[]>([[0xF2, 0x0F, 0x10], [0x66, 0x0F, 0x16], [0x66, 0x0F, 0x12], [0xF3, 0x0F, 0x7E]]), register, address);
        }
        else
        {
            uint number = _random.OneIn(4) ? (uint)_random.Next() : _random.Below(3) == 0 ? _random.Pick<uint>(Singles) : 0x3F000000u + (uint)_random.Below(0x2000000);
            StoreConstant(out uint address, number);
            Absolute([0xF3, 0x0F, 0x10], register, address);
            if (_random.OneIn(2))
            {
                // In all four lanes.
                Byte(0x0F);
                Byte(0xC6);
                Byte(RegisterForm | (register * 9));
                Byte(0);
            }
        }

        return Item();
    }

    /// <summary>
    /// Arithmetic as compilers emit it: most of it of one kind and on ordinary numbers, operands in a structure or two (sometimes across a page
    /// border), stores and integer instructions between; now and then a number that the host must not compute with.
    /// </summary>
    private List<GuestItem> MakeSseSequence(int block)
    {
        List<GuestItem> items = [];
        bool isDouble = _random.Below(3) != 0;
        bool isPacked = _random.OneIn(4);
        int prefix = isPacked ? isDouble ? 0x66 : 0 : isDouble ? 0xF2 : 0xF3;
        int pointer = _random.Pick<int>([3, 6, 7]);
        if (!_random.OneIn(3))
        {
            Add(() =>
            {
                StoreConstant(out uint address, 0x1FA0);
                Absolute([0x0F, 0xAE], 2, address);
            });
        }

        uint structure = LockstepMachine.Data + ((uint)_random.Below(3) << 12) + (_random.OneIn(4) ? 0xFB0u + (8 * (uint)_random.Below(10)) : 16 * (uint)_random.Below(0xF0));
        Add(() =>
        {
            Byte(0xB8 + pointer);
            Dword(structure);
        });
        for (uint i = 0; i < 4; i++)
        {
            Add(() => MakeField(structure + (8 * i), isDouble));
        }

        int length = 6 + _random.Below(30);
        for (int i = 0; i < length; i++)
        {
            int kind = _random.Below(24);
            switch (kind)
            {
                case < 4:
                    Add(() => MakeStructureAccess(prefix, isPacked && _random.OneIn(2) ? 0x28 : 0x10, _random.Below(8), pointer));
                    break;
                case < 12:
                    Add(() => MakeRegisterForm(prefix, _random.Pick<int>([0x58, 0x59, 0x5C, 0x58, 0x59, 0x5C, 0x5E, 0x51, 0x5D, 0x5F]), _random.Below(8), _random.Below(8)));
                    break;
                case < 14:
                    Add(() => MakeStructureAccess(prefix, _random.Pick<int>([0x58, 0x59, 0x5C, 0x5E]), _random.Below(8), pointer));
                    break;
                case < 16:
                    Add(() => MakeStructureAccess(prefix, 0x11, _random.Below(8), pointer));
                    break;
                case < 19:
                    Add(() => MakeBesideSse(pointer));
                    break;
                case < 21:
                    Add(() => MakeRegisterForm(_random.Below(2) * 0x66, _random.Pick<int>([0x28, 0x28, 0x57, 0x54, 0x14, 0x15]), _random.Below(8), _random.Below(8)));
                    break;
                case 21:
                    Add(() => MakeRegisterForm(isDouble ? 0x66 : 0, _random.Pick<int>([0x2E, 0x2F]), _random.Below(8), _random.Below(8)));
                    break;
                case 22:
                    _bytes.Clear();
                    items.Add(_random.OneIn(3) ? MakeNumber() : MakeItem(block));
                    break;
                default:
                    Add(() => MakeRegisterForm(isDouble ? 0xF2 : 0xF3, 0x2A, _random.Below(8), _random.Pick<int>([0, 1, 2, 3, 6, 7])));
                    break;
            }
        }

        return items;

        void Add(Action make)
        {
            _bytes.Clear();
            make();
            items.Add(Item());
        }
    }

    /// <summary>MOV dword [address], part of a number: a field of a structure, most often an ordinary number.</summary>
    private void MakeField(uint address, bool isDouble)
    {
        ulong number = _random.OneIn(16) ? isDouble ? _random.Pick<ulong>(Doubles) : _random.Pick<uint>(Singles) * 0x1_0000_0001ul
            : isDouble ? Ordinary() : (0x3F000000u + (uint)_random.Below(0x1000000)) * 0x1_0000_0001ul;
        Absolute([0xC7], 0, address + (isDouble || _random.OneIn(4) ? 4u : 0));
        Dword((uint)(number >> 32));
    }

    private void MakeRegisterForm(int prefix, int code, int register, int other)
    {
        if (prefix != 0)
        {
            Byte(prefix);
        }

        Byte(0x0F);
        Byte(code);
        Byte(RegisterForm | (register << 3) | other);
    }

    private void MakeStructureAccess(int prefix, int code, int register, int pointer)
    {
        if (prefix != 0)
        {
            Byte(prefix);
        }

        Byte(0x0F);
        Byte(code);
        Byte(0x40 | (register << 3) | pointer);
        Byte(_random.OneIn(12) ? _random.Below(256) : 8 * _random.Below(4));
    }

    /// <summary>An integer instruction between: on any register, or it moves the pointer on or back.</summary>
    private void MakeBesideSse(int pointer)
    {
        switch (_random.Below(8))
        {
            case 0:
                // ADD or SUB pointer, 8
                _bytes.AddRange([0x83, (byte)(RegisterForm | (_random.OneIn(2) ? 0x28 : 0) | pointer), 8]);
                break;
            case 1:
                // LEA register, [pointer+8]
                _bytes.AddRange([0x8D, (byte)(0x40 | (_random.Below(3) << 3) | pointer), 8]);
                break;
            case 2:
                // SETcc and CMOVcc read flags
                _bytes.AddRange([0x0F, (byte)(0x90 + _random.Below(16)), (byte)(RegisterForm | _random.Below(3))]);
                break;
            case 3:
                _bytes.AddRange([0x0F, (byte)(0x40 + _random.Below(16)), (byte)(RegisterForm | (_random.Below(3) << 3) | _random.Below(3))]);
                break;
            case 4:
                // INC or DEC
                _bytes.AddRange([(byte)((_random.OneIn(2) ? 0x40 : 0x48) + _random.Below(3))]);
                break;
            default:
                // ADD, CMP, XOR, ADC or TEST of registers
                _bytes.AddRange([_random.Pick<byte>([0x01, 0x39, 0x31, 0x11, 0x85]), (byte)(RegisterForm | (_random.Below(8) << 3) | _random.Below(3))]);
                break;
        }
    }

    private ulong Ordinary() => (((ulong)(1023 - 20 + _random.Below(40)) << 52) | (_random.Next() >> 12)) ^ (_random.OneIn(2) ? 1ul << 63 : 0);

    /// <summary>Arithmetic, comparison or conversion, mostly between few registers, so that results meet again.</summary>
    private GuestItem MakeFloat()
    {
        int code = _random.Below(20) switch
        {
            < 11 => _random.Pick<int>([0x58, 0x59, 0x5C, 0x5E, 0x58, 0x59, 0x51, 0x5D, 0x5F]),
            < 13 => 0xC2,
            < 15 => _random.Pick<int>([0x2E, 0x2F]),
            < 18 => _random.Pick<int>([0x5A, 0x5B, 0x2A, 0x2C, 0x2D, 0xE6]),
            _ => _random.Pick<int>([0x10, 0x14, 0x15, 0x28, 0x12, 0x16, 0xC6, 0x54, 0x57]),
        };
        int prefix = code is 0x2E or 0x2F or 0x14 or 0x15 or 0x28 or 0xC6 or 0x54 or 0x57 ? _random.Below(2) : _random.Pick<int>([0, 1, 2, 2, 3]);
        if (prefix != 0)
        {
            Byte(prefix == 1 ? 0x66 : prefix == 2 ? 0xF2 : 0xF3);
        }

        Byte(0x0F);
        Byte(code);
        if (_random.OneIn(4))
        {
            Operand(_random.Below(8), 1);
        }
        else
        {
            Byte(RegisterForm | (_random.Below(4) << 3) | _random.Below(4));
        }

        if (code is 0xC2 or 0xC6)
        {
            Immediate(1);
        }

        return Item();
    }

    /// <summary>MOV dword [address], constant.</summary>
    private void StoreConstant(out uint address, uint value)
    {
        address = LockstepMachine.Data + ((uint)_random.Below(3) << 12) + (8 * (uint)_random.Below(0x100));
        Absolute([0xC7], 0, address);
        Dword(value);
    }

    private void Absolute(ReadOnlySpan<byte> opcode, int register, uint address)
    {
        foreach (byte b in opcode)
        {
            Byte(b);
        }

        Byte((register << 3) | 5);
        Dword(address);
    }

    /// <summary>Any opcode of the MMX and SSE pages.</summary>
    private GuestItem MakeAnySse()
    {
        int prefix = _random.Below(4);
        if (prefix != 0)
        {
            Byte(prefix == 1 ? 0x66 : prefix == 2 ? 0xF2 : 0xF3);
        }

        Byte(0x0F);
        int code = _random.Below(20) switch
        {
            < 3 => 0x10 + _random.Below(8),
            < 5 => 0x28 + _random.Below(8),
            < 10 => 0x50 + _random.Below(16),
            < 13 => 0x60 + _random.Below(32),
            13 => _random.Pick<int>([0xC2, 0xC4, 0xC5, 0xC6]),
            14 => 0xAE,
            _ => 0xD0 + _random.Below(48),
        };
        Byte(code);
        if (code == 0xAE)
        {
            Memory(_random.Below(4));
        }
        else
        {
            Operand(_random.Below(8), 1);
        }

        if (code is 0x70 or 0x71 or 0x72 or 0x73 or 0xC2 or 0xC4 or 0xC5 or 0xC6)
        {
            Immediate(1);
        }

        return Item();
    }
}
