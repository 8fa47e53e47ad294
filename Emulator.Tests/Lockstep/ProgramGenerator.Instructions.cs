namespace Emulator.Tests.Lockstep;

/// <content>The families of instructions.</content>
internal sealed partial class ProgramGenerator
{
    private GuestItem MakeAlu()
    {
        int operation = _random.Below(8);
        int form = _random.Below(6);
        if (form < 3 && operation != 7 && _random.OneIn(25))
        {
            // LOCK on a memory destination.
            Byte(0xF0);
            int lockedSize = Prefixes();
            Byte((operation << 3) | (lockedSize == 1 ? 0 : 1));
            Memory(_random.Below(8));
            return Item();
        }

        int size = Prefixes();
        int wide = size == 1 ? 0 : 1;
        switch (form)
        {
            case 0:
            case 1:
                Byte((operation << 3) | wide);
                Operand(_random.Below(8), size);
                break;
            case 2:
                Byte((operation << 3) | 2 | wide);
                Operand(size == 1 ? _random.Below(8) : Target(), size, 60);
                break;
            case 3 when size != 1:
                Byte(0x83);
                Operand(operation, size);
                Immediate(1);
                break;
            case 4:
                Byte((operation << 3) | 4 | wide);
                Immediate(size);
                break;
            default:
                if (_random.OneIn(4))
                {
                    Byte(0x84 | wide);
                    Operand(_random.Below(8), size);
                }
                else
                {
                    Byte(0x80 | wide);
                    Operand(operation, size);
                    Immediate(size);
                }

                break;
        }

        return Item();
    }

    private GuestItem MakeUnary()
    {
        int size = Prefixes();
        int wide = size == 1 ? 0 : 1;
        switch (_random.Below(6))
        {
            case 0 when size != 1:
                Byte((_random.OneIn(2) ? 0x40 : 0x48) | Target());
                break;
            case < 3:
                Byte(0xFE | wide);
                Operand(_random.Below(2), size);
                break;
            case 3 when size != 1:
                // IMUL in its forms with two and three operands.
                switch (_random.Below(3))
                {
                    case 0:
                        Byte(0x0F);
                        Byte(0xAF);
                        Operand(Target());
                        break;
                    case 1:
                        Byte(0x6B);
                        Operand(Target());
                        Immediate(1);
                        break;
                    default:
                        Byte(0x69);
                        Operand(Target());
                        Immediate(size);
                        break;
                }

                break;
            default:
                int operation = _random.Pick<int>([0, 2, 2, 3, 3, 4, 4, 5, 5, 6, 7]);
                Byte(0xF6 | wide);
                Operand(operation, size);
                if (operation == 0)
                {
                    Immediate(size);
                }

                break;
        }

        return Item();
    }

    private GuestItem MakeShift()
    {
        int size = Prefixes();
        int wide = size == 1 ? 0 : 1;
        switch (_random.Below(8))
        {
            case 0 when size != 1:
                Byte(0x0F);
                Byte(_random.OneIn(2) ? 0xA4 : 0xAC);
                Operand(_random.Below(8), size);
                Byte(_random.Below(3) switch { 0 => _random.Below(256), 1 => 1 + _random.Below(3), _ => _random.Below(34) });
                break;
            case 1 when size != 1:
                Byte(0x0F);
                Byte(_random.OneIn(2) ? 0xA5 : 0xAD);
                Operand(_random.Below(8), size);
                break;
            case < 4:
                Byte(0xC0 | wide);
                Operand(_random.Below(8), size);
                Byte(_random.OneIn(4) ? _random.Below(256) : _random.Below(34));
                break;
            case < 6:
                Byte(0xD0 | wide);
                Operand(_random.Below(8), size);
                break;
            default:
                if (_random.OneIn(6))
                {
                    // By nothing: the flags stay. MOV ECX in front of the prefix.
                    _bytes.Insert(0, 0xB9);
                    _bytes.InsertRange(1, [(byte)_random.Pick<int>([0, 32, 0x40, 1, 8, 16, 17]), 0, 0, 0]);
                }

                Byte(0xD2 | wide);
                Operand(_random.Below(8), size);
                break;
        }

        return Item();
    }

    private GuestItem MakeBits()
    {
        Prefixes(allowByte: false);
        Byte(0x0F);
        switch (_random.Below(3))
        {
            case 0:
                Byte(0xBA);
                Operand(4 + _random.Below(4));
                Immediate(1);
                break;
            case 1:
                Byte(_random.Pick<int>([0xA3, 0xAB, 0xB3, 0xBB]));
                Operand(_random.Below(8), 4, 20);
                break;
            default:
                Byte(_random.Pick<int>([0xBC, 0xBD]));
                Operand(Target());
                break;
        }

        if (_random.OneIn(2))
        {
            AddReaders();
        }

        return Item();
    }

    /// <summary>Behind an instruction that sets one flag: readers of CF or ZF alone, then something that overwrites all flags, mostly.</summary>
    private void AddReaders()
    {
        int condition = _random.Pick<int>([2, 2, 3, 4, 4, 5, _random.Below(16)]);
        for (int i = _random.Below(3); i > 0; i--)
        {
            switch (_random.Below(5))
            {
                case 0:
                    _bytes.AddRange([0x0F, (byte)(0x90 | condition), (byte)(RegisterForm | _random.Below(8))]);
                    break;
                case 1:
                    _bytes.AddRange([0x0F, (byte)(0x40 | condition), (byte)(RegisterForm | (Target() << 3) | _random.Below(8))]);
                    break;
                case 2:
                    _bytes.AddRange([_random.OneIn(2) ? (byte)0x11 : (byte)0x19, (byte)(RegisterForm | (_random.Below(8) << 3) | Target())]);
                    break;
                case 3:
                    Byte((_random.OneIn(2) ? 0x40 : 0x48) | Target());
                    break;
                default:
                    _bytes.AddRange(_random.Pick<byte[]>([[0xF8], [0xF9], [0xF5], [0x0F, 0xBC, 0xCA], [0x0F, 0xBA, 0xE2, 5], [0xD1, 0xC0], [0x8B, 0xC3]]));
                    break;
            }
        }

        if (_random.Below(4) != 0)
        {
            _bytes.AddRange([_random.Pick<byte>([0x01, 0x29, 0x31, 0x39, 0x85]), (byte)(RegisterForm | (_random.Below(8) << 3) | Target())]);
        }
    }

    private GuestItem MakeMove()
    {
        int size = Prefixes();
        int wide = size == 1 ? 0 : 1;
        switch (_random.Below(10))
        {
            case 0:
            case 1:
                Byte(0x88 | wide);
                Operand(_random.Below(8), size, 70);
                break;
            case 2:
            case 3:
                Byte(0x8A | wide);
                Operand(size == 1 ? _random.Below(8) : Target(), size, 80);
                break;
            case 4:
                Byte(0xC6 | wide);
                Operand(0, size, 80);
                Immediate(size);
                break;
            case 5:
                Byte(size == 1 ? 0xB0 | _random.Below(8) : 0xB8 | Target());
                Immediate(size);
                break;
            case 6:
                Byte(_random.Pick<int>([0xA0, 0xA2]) | wide);
                Dword(Address());
                break;
            case 7 when _random.OneIn(4):
                // MOV from a segment register
                Byte(0x8C);
                Operand(_random.Below(6), 4, 20);
                break;
            case 7:
                Byte(0x8D);
                Memory(Target());
                break;
            default:
                Byte(0x0F);
                Byte(_random.Pick<int>([0xB6, 0xB7, 0xBE, 0xBF]));
                Operand(Target());
                break;
        }

        return Item();
    }

    /// <summary>Instructions that consume flags, or set them as a whole.</summary>
    private GuestItem MakeFlags()
    {
        switch (_random.Below(12))
        {
            case < 3:
                Byte(0x0F);
                Byte(0x90 | _random.Below(16));
                Operand(0, 1);
                break;
            case < 6:
                Prefixes(allowByte: false);
                Byte(0x0F);
                Byte(0x40 | _random.Below(16));
                Operand(Target());
                break;
            case 6:
                Byte(_random.Pick<int>([0x9E, 0x9F]));
                break;
            case 7:
                Byte(_random.Pick<int>([0xF5, 0xF8, 0xF9, 0xD6]));
                AddReaders();
                break;
            case 8:
                // PUSHF, POP r
                Byte(0x9C);
                Byte(0x58 | _random.Below(4));
                break;
            case 9:
                // Status flags from a register: AND r, 8D5h; OR r, IF and IOPL (now and then TF or DF); PUSH r; POPF
                int r = _random.Below(4);
                Byte(0x81);
                Byte(0xE0 | r);
                Dword(0x8D5);
                Byte(0x81);
                Byte(0xC8 | r);
                Dword(0x3202 | (_random.OneIn(10) ? 0x100u : 0) | (_random.OneIn(8) ? 0x400u : 0) | (_random.OneIn(8) ? 0x40000u : 0));
                Byte(0x50 | r);
                Byte(0x9D);
                break;
            default:
                // ADC or SBB with whatever CF is.
                Byte(_random.Pick<int>([0x11, 0x13, 0x19, 0x1B]));
                Operand(_random.Pick<int>([0, 1, 2, 3, 5]));
                break;
        }

        return Item();
    }

    private GuestItem MakeStack()
    {
        switch (_random.Below(12))
        {
            case < 3:
                Prefixes(allowByte: false);
                Byte(0x50 | _random.Below(8));
                break;
            case < 6:
                Prefixes(allowByte: false);
                Byte(0x58 | Target());
                break;
            case 6:
                Byte(_random.OneIn(2) ? 0x6A : 0x68);
                Immediate(_bytes[^1] == 0x6A ? 1 : 4);
                break;
            case 7:
                Byte(0xFF);
                Operand(6, 4, 80);
                break;
            case 8:
                Byte(0x8F);
                Operand(0, 4, 80);
                break;
            case 9:
                Byte(_random.Pick<int>([0x60, 0x61]));
                break;
            case 10:
                // ENTER with 0 to 2 levels, or MOV EBP, ESP; LEAVE.
                if (_random.OneIn(2))
                {
                    Byte(0xC8);
                    Byte(_random.Below(32) * 4);
                    Byte(0);
                    Byte(_random.Below(3));
                }
                else
                {
                    Byte(0x89);
                    Byte(0xE5);
                    Byte(0xC9);
                }

                break;
            default:
                Byte(0xBC);
                Dword(LockstepSegments.StackPointer(_setup) - (uint)_random.Pick<int>([0x100, 0x200, 0xFFC, 0x1002, 0x1004, 0xFFE, _is16 ? 0x1FF0 : 0x100]));
                break;
        }

        return Item();
    }

    private GuestItem MakeText()
    {
        // MOV ESI / EDI / ECX, then the string instruction, mostly repeated.
        if (_random.OneIn(2))
        {
            Byte(0xBE);
            Dword(Address());
        }

        if (_random.OneIn(2))
        {
            Byte(0xBF);
            Dword(Address());
        }

        bool repeat = !_random.OneIn(3);
        if (_random.OneIn(8))
        {
            // Overlap: LEA EDI, [ESI + a few bytes].
            Byte(0x8D);
            Byte(_is16 ? 0x7C : 0x7E);
            Byte(_random.Pick<int>([0, 1, 2, 3, 4, 5, 8, 0x7C, 0xFC, 0xFF]));
        }

        if (repeat && !_random.OneIn(16))
        {
            Byte(0xB9);
            Dword(_random.Below(32) switch
            {
                0 => _random.Pick<uint>([0xFFFFFFFF, 0x10000, 0x10001, 0xFFFF, 0x80000001]),
                1 or 2 => (uint)_random.Below(5000),
                < 10 => (uint)_random.Below(600),
                _ => (uint)_random.Below(20),
            });
        }

        if (_random.OneIn(20))
        {
            Byte(0xFD);
        }

        if (repeat)
        {
            Byte(_random.Pick<int>([0xF2, 0xF3, 0xF3]));
        }

        if (_random.OneIn(6))
        {
            Byte(0x66);
        }

        if (_random.OneIn(24))
        {
            Byte(0x67);
        }

        Byte(_random.Pick<int>([0xA4, 0xA5, 0xA6, 0xA7, 0xAA, 0xAB, 0xAC, 0xAD, 0xAE, 0xAF]));
        if (_random.OneIn(2))
        {
            Byte(0xFC);
        }

        return Item();
    }

    /// <summary>DIV or IDIV with operands at the edges.</summary>
    private GuestItem MakeDivision()
    {
        Byte(0xB8);
        Dword(_random.Pick<uint>([0, 1, 0x80000000, 0x7FFFFFFF, 0xFFFFFFFF, (uint)_random.Next()]));
        Byte(0xBA);
        Dword(_random.Pick<uint>([0, 0, 1, 0x80000000, 0xC0000000, 0x3FFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF]));
        Byte(0xB9);
        Dword(_random.Pick<uint>([0, 1, 2, 0x80000000, 0x7FFFFFFF, 0xFFFFFFFF, 0xFFFFFFFE, (uint)_random.Next()]));
        if (_random.OneIn(3))
        {
            // 16 or 8 bits: DX or AH small enough now and then.
            _bytes.AddRange(_random.Pick<byte[]>([[0x66, 0x99], [0x66, 0x31, 0xD2], [0x98], [0xB4, 0x00], []]));
            _bytes.AddRange(_random.Pick<byte[]>([[0x66, 0xF7], [0xF6]]));
        }
        else
        {
            Byte(0xF7);
        }

        Byte(RegisterForm | (_random.Pick<int>([6, 7, 7]) << 3) | 1);
        return Item();
    }

    private GuestItem MakeDecimal()
    {
        int code = _random.Pick<int>([0x27, 0x2F, 0x37, 0x3F, 0xD4, 0xD5, 0x98, 0x99, 0x98, 0x99, 0x90, 0xD7]);
        if (code is 0x98 or 0x99 && _random.OneIn(3))
        {
            Byte(0x66);
        }

        if (code == 0xD7)
        {
            Byte(0xBB);
            Dword(Address());
        }

        Byte(code);
        if (code is 0xD4 or 0xD5)
        {
            Byte(_random.OneIn(8) ? 0 : 1 + _random.Below(20));
        }

        return Item();
    }

    private GuestItem MakeExchange()
    {
        int size = Prefixes();
        int wide = size == 1 ? 0 : 1;
        switch (_random.Below(7))
        {
            case 0:
                Byte(0x86 | wide);
                Operand(size == 1 ? _random.Below(8) : Target(), size);
                break;
            case 1 when size != 1:
                Byte(0x90 | Target());
                break;
            case 2:
                Byte(0x0F);
                Byte(0xB0 | wide);
                Operand(_random.Below(8), size);
                break;
            case 3:
                Byte(0x0F);
                Byte(0xC0 | wide);
                Operand(size == 1 ? _random.Below(8) : Target(), size);
                break;
            case 4:
                Byte(0x0F);
                Byte(0xC7);
                Memory(1);
                break;
            case 5:
                _bytes.Clear();
                Byte(0x0F);
                Byte(0xC8 | Target());
                break;
            default:
                Byte(0x0F);
                Byte(0x1F);
                Operand(0);
                break;
        }

        return Item();
    }
}
