namespace Emulator.Tests.Lockstep;

/// <content>What reaches beyond the instruction: code that is overwritten, devices, system instructions, mappings.</content>
internal sealed partial class ProgramGenerator
{
    /// <summary>An immediate that others may overwrite, or a store to one, or a copy of code over code.</summary>
    private GuestItem MakePatch(int block)
    {
        switch (_random.Below(8))
        {
            case < 2:
                Byte(0xB8 | _random.Below(4));
                Dword((uint)_random.Next());
                return Item() with { PatchOffset = 1 };
            case 2:
                // MOV dword [immediate of a block], imm
                Byte(0xC7);
                Byte(0x05);
                Dword(_random.OneIn(4) ? 0x200000u : 0);
                Dword((uint)_random.Next());
                return Item() with { Fixup = GuestFixup.PatchPoint, Target = _random.Below(_blockCount), FixupOffset = 2 };
            case 3:
                // INC byte / XOR dword of one
                Byte(_random.OneIn(2) ? 0xFE : 0xFF);
                Byte(0x05);
                Dword((uint)_random.Below(4));
                return Item() with { Fixup = GuestFixup.PatchPoint, Target = _random.Below(_blockCount), FixupOffset = 2 };
            case 4:
                // MOV dword [the next item], 90909090h: seen by the next instruction. The bytes behind are NOPs or an immediate.
                Byte(0xC7);
                Byte(0x05);
                Dword(0);
                Dword(0x41404140);
                _bytes.AddRange([0x40, 0x41, 0x40, 0x41]);
                Span<byte> place = System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_bytes)[2..6];
                System.Buffers.Binary.BinaryPrimitives.WriteInt32LittleEndian(place, -4);
                System.Buffers.Binary.BinaryPrimitives.WriteUInt32LittleEndian(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_bytes)[6..10], _random.Pick<uint>([0x41404140, 0x48494849, 0x42434243]));
                return Item() with { Fixup = GuestFixup.Behind, FixupOffset = 2 };
            case 5:
            case 6:
                // An immediate of this block, mostly, by an instruction that the translator leaves to its handler.
                _bytes.AddRange(_random.Pick<byte[]>([[0x8F, 0x05], [0x8C, 0x1D], [0x0F, 0x01, 0x25], [0x0F, 0xAB, 0x1D], [0x66, 0x0F, 0xD6, 0x05], [0x0F, 0x11, 0x05], [0xD9, 0x3D]]));
                int at = _bytes.Count;
                Dword((uint)_random.Below(3));
                return Item() with { Fixup = GuestFixup.PatchPoint, Target = _random.OneIn(4) ? _random.Below(_blockCount) : block, FixupOffset = at };
            default:
                uint offset = (uint)_random.Below(0x3F00);
                Byte(0xBE);
                Dword((_random.OneIn(2) ? GuestProgram.Code : LockstepMachine.CodeCopy) + offset);
                Byte(0xBF);
                Dword(GuestProgram.Code + offset);
                Byte(0xB9);
                Dword((uint)_random.Below(64));
                Byte(0xFC);
                Byte(0xF3);
                Byte(_random.OneIn(2) ? 0xA4 : 0xA5);
                return Item();
        }
    }

    /// <summary>A pointer to the device, and something that the translator leaves to its handler: time and interrupts inside of regions.</summary>
    private GuestItem MakeDeviceAccess()
    {
        int pointer = _random.Pick<int>([3, 6, 7]);
        Byte(0xB8 | pointer);
        Dword(LockstepMachine.Device + (uint)(_random.Below(0x300) * 4));
        byte modrm = (byte)(0x40 | (_random.Below(3) << 3) | pointer);
        _bytes.AddRange(_random.Pick<byte[]>(
        [
            [0xF0, 0x01, modrm], [0x0F, 0xC1, modrm], [0x0F, 0xB1, modrm], [0x0F, 0xBC, modrm], [0x0F, 0xAF, modrm], [0x0F, 0x10, modrm], [0x0F, 0x11, modrm],
            [0x66, 0x0F, 0x7E, modrm], [0xC1, modrm], [0xD3, modrm], [0x0F, 0xA4, modrm], [0xD9, (byte)(modrm & 0xC7)], [0xD9, (byte)((modrm & 0xC7) | 0x18)],
            [0x8B, modrm], [0x89, modrm], [0x01, modrm], [0xFF, (byte)((modrm & 0xC7) | 0x30)], [0x0F, 0xC7, (byte)((modrm & 0xC7) | 8)],
        ]));
        bool immediate = _bytes[5] == 0xC1 || (_bytes[5] == 0x0F && _bytes[6] == 0xA4);
        Byte(_random.Below(64) * 4);
        if (immediate)
        {
            Immediate(1);
        }

        return Item();
    }

    /// <summary>Everything that ends a region: interrupts, remapping, ports, segments, time.</summary>
    private GuestItem MakeSystem()
    {
        switch (_random.Below(14))
        {
            case 0:
                Byte(_random.Pick<int>([0xCC, 0xCE]));
                break;
            case 1:
                _bytes.AddRange(_random.Pick<byte[]>([[0x0F, 0x31], [0x0F, 0x31], [0x0F, 0x31], [0x0F, 0xA2], [0x0F, 0x0B], [0xF4], [0xFA], [0xFB]]));
                break;
            case 2:
                Byte(_random.Pick<int>([0xE4, 0xE5, 0xE6, 0xE7]));
                Byte(_random.Below(256));
                break;
            case 3:
                Byte(_random.Pick<int>([0xEC, 0xED, 0xEE, 0xEF]));
                break;
            case 4:
                // A segment register: flat, or one with a base or limit.
                int segment = _random.Pick<int>([0, 3, 4, 5]);
                Byte(0xB8);
                Dword((uint)(_random.OneIn(2) ? (_setup.User ? 0x23 : 0x10) : _random.Pick<int>([0x33, 0x3B, 0x30, 0])));
                Byte(0x8E);
                Byte(RegisterForm | (segment << 3));
                break;
            case 5:
                // Back to flat data segments.
                Byte(0xB8);
                Dword(_setup.User ? 0x23u : 0x10);
                _bytes.AddRange([0x8E, 0xC0, 0x8E, 0xD8]);
                break;
            case 6:
                Byte(_random.Pick<int>([0x06, 0x1E, 0x07, 0x1F]));
                break;
            case 7:
                Byte(0x0F);
                Byte(0x20);
                Byte(0xC0 | _random.Pick<int>([0, 2, 3]));
                break;
            default:
                MakeRemap();
                break;
        }

        return Item();
    }

    /// <summary>
    /// Changes a page table entry of code or data, mostly without dropping the translation: how long the old one lives, and when accessed and
    /// dirty bits are set again, shows what is in the TLBs.
    /// </summary>
    private GuestItem MakeTableWrite()
    {
        uint linear = _random.Below(5) switch
        {
            < 2 => GuestProgram.Code + ((uint)_random.Below(5) << 12),
            2 => LockstepMachine.Data + ((uint)_random.Below(16) << 12),
            3 => LockstepMachine.UserStackTop - 0x1000,
            _ => GuestProgram.Code + (((uint)_slots[_random.Below(_blockCount)] / SlotsInPage) << 12),
        };
        linear += _random.OneIn(4) ? 0x200000u : 0;
        uint entry = LockstepMachine.PageTable + ((linear >> 12) * 4);
        switch (_random.Below(12))
        {
            case < 5:
                // AND byte [entry], no longer accessed, no longer dirty, or neither.
                _bytes.AddRange([0x80, 0x25]);
                Dword(entry);
                Byte(_random.Pick<int>([0x9F, 0x9F, 0xDF, 0xBF]));
                break;
            case 5:
                // The same of the page directory, through which all goes.
                _bytes.AddRange([0x80, 0x25]);
                Dword(LockstepMachine.PageDirectory + (_random.OneIn(2) ? 0 : _random.Pick<uint>(LockstepMachine.Aliases) >> 20));
                Byte(0xDF);
                break;
            case < 8:
                // XOR dword [entry]: the other program, or the bytes behind the data.
                _bytes.AddRange([0x81, 0x35]);
                Dword(entry);
                Dword(LockstepMachine.CodeCopy - GuestProgram.Code);
                break;
            case 8:
                // XOR byte [entry], writable
                _bytes.AddRange([0x80, 0x35]);
                Dword(entry);
                Byte(2);
                break;
            default:
                // What a walk left behind: MOV r, [entry].
                _bytes.AddRange([0x8B, (byte)((_random.Below(4) << 3) | 5)]);
                Dword(entry);
                return Item();
        }

        switch (_random.Below(8))
        {
            case 0:
                _bytes.AddRange([0xCD, LockstepMachine.FlushVector]);
                break;
            case 1 when !_setup.User:
                _bytes.AddRange([0x0F, 0x01, 0x3D]);
                Dword(linear);
                break;
            case < 5:
                // A record of the data TLB is taken by another page, or filled again by a store.
                _bytes.AddRange([(byte)(_random.OneIn(2) ? 0x8B : 0x89), (byte)((_random.Below(4) << 3) | 5)]);
                Dword(linear + (_random.OneIn(3) ? 0 : _random.Pick<uint>(LockstepMachine.Aliases)) + (uint)_random.Below(0x80));
                break;
            default:
                break;
        }

        return Item();
    }

    /// <summary>
    /// A pointer into a page, an access there, and another through the same register where that page's window must not serve: beyond the
    /// border by a part of the operand, or a store to a page that may only be read.
    /// </summary>
    private GuestItem MakeWindow()
    {
        _bytes.Clear();
        int pointer = _random.Pick<int>([3, 5, 6, 7]);
        bool border = _random.OneIn(2);
        uint page = (uint)(border ? _random.Pick<int>([3, 4, 5, 6, 7, 8, 9]) : _random.Pick<int>([10, 10, 10, 12, 14])) << 12;
        Byte(0xB8 | pointer);
        Dword(LockstepMachine.Data + (_random.OneIn(6) ? Alias() : 0) + page + 0xF80u);
        _bytes.AddRange([(byte)(_random.OneIn(3) ? 0x03 : 0x8B), (byte)(0x40 | (_random.Below(3) << 3) | pointer), (byte)(_random.Below(31) * 4)]);
        int size = _random.Pick<int>([2, 4, 4, 8, 16]);
        int displacement = border ? 0x80 - 1 - _random.Below(size - 1) : _random.Below(0x70);
        byte modrm = (byte)(0x80 | (_random.Below(3) << 3) | pointer);
        _bytes.AddRange(size switch
        {
            2 => _random.Pick<byte[]>([[0x66, 0x8B, modrm], [0x66, 0x89, modrm], [0x0F, 0xB7, modrm], [0x66, 0x01, modrm]]),
            4 => _random.Pick<byte[]>([[0x8B, modrm], [0x89, modrm], [0x01, modrm], [0x0F, 0x6E, modrm]]),
            8 => _random.Pick<byte[]>([[0x0F, 0x6F, modrm], [0x0F, 0x7F, modrm], [0xF2, 0x0F, 0x10, modrm], [0x66, 0x0F, 0xD6, modrm]]),
            _ => _random.Pick<byte[]>([[0x0F, 0x10, modrm], [0x0F, 0x11, modrm]]),
        });
        Dword((uint)displacement);
        return Item();
    }

    /// <summary>An access to a table around a page border, or just in front of one, through an index that the instruction before it bounds, or a few accesses.</summary>
    private GuestItem MakeTableAccess()
    {
        _bytes.Clear();
        int index = _random.Pick<int>([0, 1, 2]);
        int scale = _random.Pick<int>([0, 1, 2, 2, 2, 3]);
        uint page = (uint)_random.Pick<int>([0, 1, 2, 2, 3, 4, 5, 6, 7, 8, 9, 12, 14]) << 12;
        uint place = LockstepMachine.Data + (_random.OneIn(6) ? Alias() : 0) + page + 0x1000;
        if (_random.OneIn(12))
        {
            place = GuestProgram.Code + ((uint)_random.Below(5) << 12);
        }

        uint largest = 255;
        uint border = _random.OneIn(2) ? (uint)_random.Below(64) : uint.MaxValue;
        if (border != uint.MaxValue)
        {
            // An element right at the border.
            Byte(0xB8 | index);
            Dword(border + (uint)_random.Below(3) - 1);
        }

        switch (_random.Below(6))
        {
            case 0:
                _bytes.AddRange([0x0F, 0xB6, (byte)(RegisterForm | (index << 3) | (border != uint.MaxValue ? index : _random.Below(8)))]);
                break;
            case 1:
                largest = (uint)_random.Below(128);
                _bytes.AddRange([0x83, (byte)(RegisterForm | 0x20 | index), (byte)largest]);
                break;
            case 2:
                largest = (uint)_random.Below(0x400);
                _bytes.AddRange([0x81, (byte)(RegisterForm | 0x20 | index)]);
                Dword(largest);
                break;
            case 3:
                _bytes.AddRange([0xC1, (byte)(RegisterForm | 0x28 | index), 24]);
                break;
            case 4:
                _bytes.AddRange([0x31, (byte)(RegisterForm | (index * 9)), 0x8A, (byte)(RegisterForm | (index << 3) | _random.Below(8))]);
                break;
            default:
                // One that the bound does not hold for any more.
                _bytes.AddRange([0x0F, 0xB6, (byte)(RegisterForm | (index << 3) | _random.Below(8)), 0x66, (byte)(0x40 | index)]);
                break;
        }

        uint bytes = (largest + 1) << scale;
        uint inFront = _random.Below(8) switch { 0 => bytes, 1 => 0, 2 => 1u << scale, _ => (uint)_random.Below((int)Math.Min(bytes, 0x1000) + 1) };
        inFront = border != uint.MaxValue ? border << scale : _random.OneIn(10) ? inFront : inFront & ~3u;
        for (int i = _random.Below(3); i >= 0; i--)
        {
            int reg = _random.OneIn(5) ? index : 3;
            _bytes.AddRange(_random.Pick<byte[]>(
                [[0x8B], [0x33], [0x89], [0x01], [0x3B], [0x21], [0x8A], [0x88], [0x30], [0x0F, 0xB6], [0x0F, 0xB7], [0x0F, 0xBE], [0x66, 0x8B], [0x66, 0x01], [0x66, 0x89]]));
            if (scale == 0 && _random.OneIn(2))
            {
                Byte(0x80 | (reg << 3) | index);
            }
            else
            {
                Byte((reg << 3) | 4);
                Byte((scale << 6) | (index << 3) | 5);
            }

            Dword(place - inFront);
        }

        return Item();
    }

    /// <summary>Writes a page table entry and drops the old translation.</summary>
    private void MakeRemap()
    {
        uint linear;
        uint entry;
        if (_random.OneIn(2))
        {
            uint page = (uint)_random.Below(5) << 12;
            linear = GuestProgram.Code + page + (_random.OneIn(3) ? 0x200000u : 0);
            page = _random.OneIn(8) ? (uint)_random.Below(5) << 12 : page;
            entry = ((_random.OneIn(2) ? GuestProgram.Code : LockstepMachine.CodeCopy) + page) | 7;
            entry = _random.OneIn(10) ? 0 : entry;
        }
        else
        {
            linear = LockstepMachine.Data + ((uint)_random.Below(16) << 12) + (_random.OneIn(4) ? 0x200000u : 0);
            entry = (LockstepMachine.Data + ((uint)_random.Below(16) << 12)) | _random.Pick<uint>([7, 7, 7, 5, 3, 0]);
        }

        Byte(0xC7);
        Byte(0x05);
        Dword(LockstepMachine.PageTable + ((linear >> 12) * 4));
        Dword(entry);
        if (_setup.User || _random.OneIn(2))
        {
            Byte(0xCD);
            Byte(LockstepMachine.FlushVector);
        }
        else
        {
            _bytes.AddRange([0x0F, 0x01, 0x3D]);
            Dword(linear);
        }
    }
}
