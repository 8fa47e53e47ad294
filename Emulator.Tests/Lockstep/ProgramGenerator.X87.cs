namespace Emulator.Tests.Lockstep;

/// <content>The x87: single instructions with anything on the stack, and sequences that keep it in order.</content>
internal sealed partial class ProgramGenerator
{
    private GuestItem MakeX87()
    {
        switch (_random.Below(24))
        {
            case 0:
                // FNINIT, EMMS, FNCLEX: an invalid stack, or a pending exception, makes everything the same.
                _bytes.AddRange(_random.Pick<byte[]>([[0xDB, 0xE3], [0xDB, 0xE3], [0x0F, 0x77], [0xDB, 0xE2], [0x9B, 0xDB, 0xE2]]));
                break;
            case 1:
                MakeControlWord(_random.OneIn(2) ? 0x3Fu : (uint)_random.Below(64));
                break;
            case < 5:
                MakeX87Value();
                break;
            case < 9:
                MakeX87Register(_random.Below(_random.OneIn(4) ? 8 : 3));
                break;
            case 9:
                // FSTSW AX, FSTSW m16, FSTCW m16, FWAIT, FNOP
                switch (_random.Below(5))
                {
                    case 0:
                        _bytes.AddRange([0xDF, 0xE0]);
                        break;
                    case 1:
                        Byte(0xDD);
                        Memory(7);
                        break;
                    case 2:
                        Byte(0xD9);
                        Memory(7);
                        break;
                    case 3:
                        Byte(0x9B);
                        break;
                    default:
                        _bytes.AddRange([0xD9, 0xD0]);
                        break;
                }

                break;
            case 10:
                // FFREE, FFREEP, FINCSTP, FDECSTP
                _bytes.AddRange(_random.Pick<byte[]>([[0xDD, (byte)(0xC0 + _random.Below(8))], [0xDF, (byte)(0xC0 + _random.Below(8))], [0xD9, 0xF6], [0xD9, 0xF7]]));
                break;
            case 11:
                // MMX, which shares the registers: MOVD MM, EAX; PADDB MM, MM; MOVD EAX, MM; EMMS
                int mm = RegisterForm | (_random.Below(8) << 3);
                _bytes.AddRange(_random.Pick<byte[]>([[0x0F, 0x6E, (byte)mm], [0x0F, 0xFC, (byte)(mm | _random.Below(8))], [0x0F, 0x7E, (byte)mm], [0x0F, 0x77]]));
                break;
            case 12 when !_setup.User:
                // TS on or off, now and then EM or NE with it: MOV EAX, CR0; OR / AND EAX, imm32; MOV CR0, EAX; or CLTS
                if (_random.OneIn(2))
                {
                    _bytes.AddRange([0x0F, 0x06]);
                    break;
                }

                _bytes.AddRange([0x0F, 0x20, 0xC0]);
                bool set = _random.OneIn(3);
                Byte(set ? 0x0D : 0x25);
                Dword(set ? _random.Pick<uint>([8, 8, 8, 4]) : ~0xCu);
                _bytes.AddRange([0x0F, 0x22, 0xC0]);
                break;
            case 13:
                // FNSTENV, FLDENV, FNSAVE, FRSTOR
                Byte(_random.Pick<int>([0xD9, 0xDD]));
                Memory(_random.Pick<int>([4, 6]));
                break;
            default:
                Byte(0xD8 | _random.Below(8));
                if (_random.OneIn(2))
                {
                    Byte(RegisterForm | _random.Below(64));
                }
                else
                {
                    Memory(_random.Below(8));
                }

                break;
        }

        return Item();
    }

    /// <summary>A sequence that leaves the stack as deep as it found it, over known values, with an integer instruction now and then.</summary>
    private List<GuestItem> MakeX87Sequence(int block)
    {
        List<GuestItem> items = [];
        int depth = 0;
        int length = 6 + _random.Below(40);
        if (_random.OneIn(2))
        {
            Add(() => _bytes.AddRange([0xDB, 0xE3]));
        }

        if (_random.OneIn(4))
        {
            Add(() => MakeControlWord(_random.OneIn(4) ? (uint)_random.Below(64) : 0x3F));
        }

        for (int i = 0; i < length; i++)
        {
            if (depth < 2 || (depth < 7 && _random.OneIn(5)))
            {
                bool copy = depth != 0 && _random.OneIn(2);
                int from = depth;
                Add(() =>
                {
                    if (copy)
                    {
                        _bytes.AddRange([0xD9, (byte)(0xC0 + _random.Below(from))]);
                    }
                    else
                    {
                        MakeX87Value();
                    }
                });
                depth++;
            }
            else if (depth > 3 && _random.OneIn(5))
            {
                Add(MakeX87Pop);
                depth--;
            }
            else if (_random.OneIn(8))
            {
                items.Add(MakeItem(block));
            }
            else
            {
                int most = depth;
                Add(() => MakeX87Register(_random.Below(most)));
            }
        }

        for (; depth > 0; depth--)
        {
            Add(MakeX87Pop);
        }

        return items;

        void Add(Action make)
        {
            _bytes.Clear();
            make();
            items.Add(Item());
        }
    }

    /// <summary>FLDCW of a value: PUSH imm32; FLDCW [ESP]; POP ECX.</summary>
    private void MakeControlWord(uint masks)
    {
        Byte(0x68);
        Dword(masks | (_random.Pick<uint>([0, 2, 3, 3, 3]) << 8) | (uint)(_random.OneIn(2) ? 0 : _random.Below(4) << 10) | (_random.OneIn(20) ? 0xF0C0u : 0));
        _bytes.AddRange([0xD9, 0x2C, 0x24, 0x59]);
    }

    /// <summary>Pushes a value: a constant, an integer, a value of any format from memory or from the stack, common or special.</summary>
    private void MakeX87Value()
    {
        uint sign = _random.OneIn(2) ? 0x8000u : 0;
        switch (_random.Below(8))
        {
            case 0:
                _bytes.AddRange([0xD9, (byte)(0xE8 + _random.Below(7))]);
                break;
            case 1:
                Byte(_random.Pick<int>([0xDB, 0xDF]));
                Memory(_bytes[^1] == 0xDF && _random.OneIn(2) ? 5 : 0);
                break;
            case 2:
                Byte(_random.Pick<int>([0xD9, 0xDD]));
                Memory(0);
                break;
            case 3:
                Byte(0xDB);
                Memory(5);
                break;
            case < 6:
                // FLD m80: exponents at both ends, in the middle, and near each other; significands of all kinds
                uint exponent = _random.Pick<uint>([0, 1, 0x3FBF, 0x3FFE, 0x3FFF, 0x3FFF, 0x4000, 0x4001, 0x403E, 0x5FFF, 0x7FFE, 0x7FFF, (uint)_random.Below(0x8000)]);
                ulong significand = _random.Pick<ulong>([0, 1UL << 63, ulong.MaxValue, 3UL << 62, (1UL << 63) | 1, 1, _random.Next(), _random.Next() | (1UL << 63), _random.Next() | (1UL << 63)]);
                PushDword(sign | exponent);
                PushDword((uint)(significand >> 32));
                PushDword((uint)significand);
                _bytes.AddRange([0xDB, 0x2C, 0x24, 0x83, 0xC4, 0x0C]);
                break;
            case 6:
                // FLD m64
                PushDword((sign << 16) | (_random.Pick<uint>([0, 0x001, 0x3FE, 0x3FF, 0x3FF, 0x400, 0x7FE, 0x7FF, (uint)_random.Below(0x800)]) << 20) | ((uint)_random.Next() & 0xFFFFF));
                PushDword(_random.OneIn(3) ? 0 : (uint)_random.Next());
                _bytes.AddRange([0xDD, 0x04, 0x24, 0x83, 0xC4, 0x08]);
                break;
            default:
                // FLD m32
                PushDword((sign << 16) | (_random.Pick<uint>([0, 0x01, 0x7E, 0x7F, 0x80, 0xFE, 0xFF, (uint)_random.Below(0x100)]) << 23) | ((uint)_random.Next() & 0x7FFFFF));
                _bytes.AddRange([0xD9, 0x04, 0x24, 0x83, 0xC4, 0x04]);
                break;
        }
    }

    private void PushDword(uint value)
    {
        Byte(0x68);
        Dword(value);
    }

    /// <summary>An operation on ST(0) and ST(i), or ST(0) and memory, that leaves the stack as deep as it is.</summary>
    private void MakeX87Register(int i)
    {
        switch (_random.Below(20))
        {
            case < 5:
                // FADD, FMUL, FSUB, FSUBR, FDIV, FDIVR
                Byte(_random.OneIn(2) ? 0xD8 : 0xDC);
                Byte(_random.Pick<int>([0xC0, 0xC8, 0xE0, 0xE8, 0xF0, 0xF8]) + i);
                break;
            case < 8:
                Byte(_random.Pick<int>([0xD8, 0xDC, 0xDA, 0xDE]));
                Memory(_random.Pick<int>([0, 1, 4, 5, 6, 7]));
                break;
            case < 12:
                // FXCH
                _bytes.AddRange([0xD9, (byte)(0xC8 + i)]);
                break;
            case 12:
                // FCOM, FUCOM, FCOMI, FUCOMI
                _bytes.AddRange(_random.Pick<byte[]>([[0xD8, (byte)(0xD0 + i)], [0xDD, (byte)(0xE0 + i)], [0xDB, (byte)(0xF0 + i)], [0xDB, (byte)(0xE8 + i)]]));
                break;
            case 13:
                // FCOM m, FICOM m
                Byte(_random.Pick<int>([0xD8, 0xDC, 0xDA, 0xDE]));
                Memory(2);
                break;
            case 14:
                // FCHS, FABS, FTST, FXAM
                _bytes.AddRange([0xD9, (byte)_random.Pick<int>([0xE0, 0xE1, 0xE4, 0xE5])]);
                break;
            case 15:
                // FSQRT, FRNDINT; FSCALE, FPREM, FSIN: by their handlers
                _bytes.AddRange([0xD9, (byte)_random.Pick<int>([0xFA, 0xFA, 0xFC, 0xFC, 0xFD, 0xF8, 0xFE])]);
                break;
            case 16:
                // FCMOVcc
                _bytes.AddRange([(byte)_random.Pick<int>([0xDA, 0xDB]), (byte)(0xC0 + (_random.Below(4) * 8) + i)]);
                break;
            case 17:
                // FST ST(i), FSTSW AX
                _bytes.AddRange(_random.OneIn(2) ? [0xDD, (byte)(0xD0 + i)] : [0xDF, 0xE0]);
                break;
            case 18:
                // FLD, operation with pop
                _bytes.AddRange([0xD9, (byte)(0xC0 + i), 0xDE, (byte)(_random.Pick<int>([0xC0, 0xC8, 0xE0, 0xE8, 0xF0, 0xF8]) + 1)]);
                break;
            default:
                // FST m32, m64; FIST m16, m32
                Byte(_random.Pick<int>([0xD9, 0xDD, 0xDB, 0xDF]));
                Memory(2);
                break;
        }
    }

    /// <summary>Something that pops once.</summary>
    private void MakeX87Pop()
    {
        switch (_random.Below(4))
        {
            case 0:
                _bytes.AddRange([0xDD, 0xD8]);
                break;
            case 1:
                // FSTP m32, m64, m80; FISTP m16, m32, m64
                int opcode = _random.Pick<int>([0xD9, 0xDD, 0xDB, 0xDF]);
                Byte(opcode);
                Memory(opcode is 0xDB or 0xDF && _random.OneIn(2) ? 7 : 3);
                break;
            default:
                // PUSH EAX twice; FSTP m64 or m80 there; pop
                _bytes.AddRange([0x83, 0xEC, 0x0C]);
                _bytes.AddRange(_random.OneIn(2) ? [0xDD, 0x1C, 0x24] : [0xDB, 0x3C, 0x24]);
                _bytes.AddRange([0x83, 0xC4, 0x0C]);
                break;
        }
    }
}
