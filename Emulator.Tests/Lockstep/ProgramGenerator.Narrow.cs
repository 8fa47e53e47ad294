using System.Globalization;
using Iced.Intel;
using Decoder = Iced.Intel.Decoder;

namespace Emulator.Tests.Lockstep;

/// <content>16-bit code: the other families' 32-bit instructions, encoded again for 16-bit code, most of them with 16-bit operands and addresses.</content>
internal sealed partial class ProgramGenerator
{
    /// <summary>As <see cref="GuestItem.PatchOffset"/>: 16-bit code already.</summary>
    private const int Finished = -2;

    private static readonly Dictionary<Code, Code> Narrower = BuildNarrower();
    private static readonly (Register Base, Register Index)[] Forms16 =
    [
        (Register.BX, Register.SI), (Register.BX, Register.DI), (Register.BP, Register.SI), (Register.BP, Register.DI),
        (Register.SI, Register.None), (Register.DI, Register.None), (Register.BP, Register.None), (Register.BX, Register.None), (Register.None, Register.None),
    ];

    /// <summary>Makes 16-bit code of 32-bit code.</summary>
    private GuestItem Narrow(GuestItem item)
    {
        if (item.Fixup != GuestFixup.None || item.PatchOffset != -1)
        {
            return item;
        }

        Decoder decoder = Decoder.Create(32, item.Bytes);
        decoder.IP = 0;
        CodeBytes code = new();
        Encoder encoder = Encoder.Create(16, code);
        while (decoder.IP < (ulong)item.Bytes.Length)
        {
            Instruction instruction = decoder.Decode();
            if (instruction.IsInvalid)
            {
                break;
            }

            int start = code.Bytes.Count;
            if (_random.Below(3) != 0)
            {
                NarrowOperands(ref instruction);
            }

            if (_random.Below(4) != 0)
            {
                NarrowAddress(ref instruction);
            }

            if (!encoder.TryEncode(instruction, (ulong)start, out _, out _))
            {
                code.Bytes.RemoveRange(start, code.Bytes.Count - start);
            }
            else if (instruction.MemoryDisplSize == 1 && encoder.GetConstantOffsets() is { HasDisplacement: true, DisplacementSize: 1 } offsets)
            {
                code.Bytes[start + (int)offsets.DisplacementOffset] = (byte)_random.Below(256);
            }
        }

        return new GuestItem([.. code.Bytes]);
    }

    private static void NarrowOperands(ref Instruction instruction)
    {
        if (!Narrower.TryGetValue(instruction.Code, out Code code))
        {
            return;
        }

        instruction.Code = code;
        for (int i = 0; i < instruction.OpCount; i++)
        {
            switch (instruction.GetOpKind(i))
            {
                case OpKind.Register when instruction.GetOpRegister(i) is >= Register.EAX and <= Register.EDI:
                    instruction.SetOpRegister(i, instruction.GetOpRegister(i) - Register.EAX + Register.AX);
                    break;
                case OpKind.Immediate32:
                    ushort immediate = (ushort)instruction.Immediate32;
                    instruction.SetOpKind(i, OpKind.Immediate16);
                    instruction.Immediate16 = immediate;
                    break;
                case OpKind.Immediate8to32:
                    short small = (short)instruction.Immediate8to32;
                    instruction.SetOpKind(i, OpKind.Immediate8to16);
                    instruction.Immediate8to16 = small;
                    break;
                default:
                    break;
            }
        }
    }

    private void NarrowAddress(ref Instruction instruction)
    {
        for (int i = 0; i < instruction.OpCount; i++)
        {
            switch (instruction.GetOpKind(i))
            {
                case OpKind.MemorySegESI:
                    instruction.SetOpKind(i, OpKind.MemorySegSI);
                    break;
                case OpKind.MemorySegEDI:
                    instruction.SetOpKind(i, OpKind.MemorySegDI);
                    break;
                case OpKind.MemoryESEDI:
                    instruction.SetOpKind(i, OpKind.MemoryESDI);
                    break;
                case OpKind.Memory when instruction.MemoryIndex == Register.AL:
                    instruction.MemoryBase = Register.BX;
                    break;
                case OpKind.Memory:
                    (Register b, Register index) = instruction.MemoryDisplSize > 1 && instruction.MemoryBase == Register.None ? default : _random.Pick(Forms16);
                    instruction.MemoryBase = b;
                    instruction.MemoryIndex = index;
                    instruction.MemoryIndexScale = 1;
                    int size = b == Register.None ? 2 : _random.Below(3);
                    instruction.MemoryDisplSize = size;
                    instruction.MemoryDisplacement64 = size switch { 0 => 0, 1 => 1, _ => b == Register.None || _random.OneIn(2) ? Address() & 0xFFFF : (uint)_random.Below(64) };
                    break;
                default:
                    break;
            }
        }
    }

    private static Dictionary<Code, Code> BuildNarrower()
    {
        Dictionary<Code, Code> narrower = new()
        {
            [Code.Pushd_imm32] = Code.Push_imm16,
            [Code.Pushd_imm8] = Code.Pushw_imm8,
            [Code.Pushad] = Code.Pushaw,
            [Code.Popad] = Code.Popaw,
            [Code.Pushfd] = Code.Pushfw,
            [Code.Popfd] = Code.Popfw,
            [Code.Leaved] = Code.Leavew,
            [Code.Enterd_imm16_imm8] = Code.Enterw_imm16_imm8,
            [Code.Cwde] = Code.Cbw,
            [Code.Cdq] = Code.Cwd,
            [Code.Movsd_m32_m32] = Code.Movsw_m16_m16,
            [Code.Stosd_m32_EAX] = Code.Stosw_m16_AX,
            [Code.Lodsd_EAX_m32] = Code.Lodsw_AX_m16,
            [Code.Scasd_EAX_m32] = Code.Scasw_AX_m16,
            [Code.Cmpsd_m32_m32] = Code.Cmpsw_m16_m16,
        };
        foreach (Code code in Enum.GetValues<Code>())
        {
            string name = code.ToString();
            string other = name.Replace("rm32", "rm16", StringComparison.Ordinal).Replace("_r32", "_r16", StringComparison.Ordinal).Replace("imm32", "imm16", StringComparison.Ordinal)
                .Replace("moffs32", "moffs16", StringComparison.Ordinal).Replace("_EAX", "_AX", StringComparison.Ordinal);
            if (other != name && !name.StartsWith("Bswap", StringComparison.Ordinal) && !name.Contains("m32", StringComparison.Ordinal) == !name.Replace("rm32", string.Empty, StringComparison.Ordinal).Contains("m32", StringComparison.Ordinal)
                && Enum.TryParse(other, out Code narrow))
            {
                narrower.TryAdd(code, narrow);
            }
        }

        return narrower;
    }

    /// <summary>Segment registers, flags, ports and far transfers, in whatever mode.</summary>
    private GuestItem MakeSegmented()
    {
        _bytes.Clear();
        ushort[] selectors = _setup.Mode switch { LockstepMode.Based32 => LockstepSegments.BasedSelectors, LockstepMode.Protected16 => LockstepSegments.ProtectedSelectors, _ => LockstepSegments.RealSelectors };
        ushort selector = _random.Pick(selectors);
        int segment = _random.Pick<int>([0, 0, 3, 3, 4, 5]);
        switch (_random.Below(_is16 ? 16 : 6))
        {
            case 0:
            case 1:
                // MOV AX, selector; MOV Sreg, AX
                Byte(0xB8);
                Word(selector, isWide: true);
                Byte(0x8E);
                Byte(RegisterForm | (segment << 3));
                break;
            case 2:
                // PUSH selector; POP DS or ES
                Byte(0x68);
                Word(selector, isWide: true);
                Byte(_random.OneIn(2) ? 0x07 : 0x1F);
                break;
            case 3:
                // MOV from, PUSH and POP of segment registers
                _bytes.AddRange(_random.Pick<byte[]>([[0x1E, 0x07], [0x06, 0x1F], [0x8C, 0xD8], [0x8C, 0xC8], [0x8C, 0xD1], [0x0E, 0x5A], [0x16, 0x59], [0x1E, 0x5B], [0x06, 0x5E], [0x0F, 0xA0, 0x0F, 0xA9]]));
                break;
            case 4:
                Byte(0x8C);
                if (_is16)
                {
                    Byte(0x06 | (_random.Below(6) << 3));
                    Word((ushort)Address(), isWide: false);
                }
                else
                {
                    Byte(0x05 | (_random.Below(6) << 3));
                    Dword(Address());
                }

                break;
            case 5:
                _bytes.AddRange(_random.Pick<byte[]>([[0xFA], [0xFB], [0xFA], [0xFB], [0x9C, 0x58], [0xE4, 0x33], [0xE6, 0x30], [0xED], [0xEF], [0x0F, 0x31], [0xCC], [0xCD, 0x80], [0x9C, 0x9D]]));
                break;
            case 6:
            case 7:
                // A pointer in memory: MOV word [p], imm; MOV word [p+2], selector; LES / LDS / LFS BX, [p]
                ushort pointer = (ushort)(Address() & 0xFFFE);
                _bytes.AddRange([0xC7, 0x06]);
                Word(pointer, isWide: false);
                Word((ushort)Address(), isWide: false);
                _bytes.AddRange([0xC7, 0x06]);
                Word((ushort)(pointer + 2), isWide: false);
                Word(selector, isWide: false);
                _bytes.AddRange(_random.Pick<byte[]>([[0xC4, 0x1E], [0xC5, 0x36], [0x0F, 0xB4, 0x3E], [0xC4, 0x2E]]));
                Word(pointer, isWide: false);
                break;
            case 8:
                {
                    // Through FS, GS and CS
                    Byte(_random.Pick<int>([0x64, 0x65, 0x2E, 0x26, 0x36]));
                    Byte(_random.Pick<int>([0x8B, 0x03, 0x89, 0x01, 0x8A, 0x88]));
                    Byte(0x80 | _random.Below(0x40));
                    Word((ushort)Address(), isWide: false);
                    break;
                }

            case 9:
                // MOV SS, the stack again: the next instruction comes before interrupts
                Byte(0xB8);
                Word(LockstepSegments.StackSelector(_setup.Mode), isWide: false);
                _bytes.AddRange([0x8E, 0xD0]);
                break;
            case 10:
                // PUSHF; CALL far to a RETF behind this, which is an IRET
                return FarItem([0x9C, 0x0E, 0xE8, 2, 0, 0xEB, 1, 0xCF]);
            case 11:
                // PUSH CS; PUSH the next address; RETF
                return FarItem([0x0E, 0xE8, 2, 0, 0xEB, 1, 0xCB]);
            case 12:
                // A stack pointer at the edges
                Byte(0xBC);
                Word(_random.Pick<ushort>([0, 2, 4, 6, 0xFFFE, 0xFFFC, 0x1001, 0x1000]), isWide: false);
                _bytes.AddRange([0x58, 0xBC]);
                Word((ushort)(LockstepSegments.StackPointer16 - 0x100), isWide: false);
                break;
            case 13:
                _bytes.AddRange(_random.Pick<byte[]>([[0x98], [0x99], [0x66, 0x98], [0x66, 0x99], [0x66, 0x1E, 0x66, 0x07], [0x66, 0x0E, 0x66, 0x58], [0x66, 0xC9], [0x89, 0xE5, 0xC9]]));
                break;
            default:
                // 32-bit stack pointer's upper half
                _bytes.AddRange([0x66, 0x81, 0xCC]);
                Dword((uint)_random.Below(4) << 16);
                break;
        }

        return new GuestItem([.. _bytes], PatchOffset: Finished);
    }

    private static GuestItem FarItem(byte[] bytes) => new(bytes, PatchOffset: Finished);

    /// <summary>A 16-bit immediate; in 32-bit code a 32-bit one.</summary>
    private void Word(ushort value, bool isWide)
    {
        Byte(value & 0xFF);
        Byte(value >> 8);
        if (isWide && !_is16)
        {
            Byte(0);
            Byte(0);
        }
    }

    private List<GuestItem> MakeBranches16(int index)
    {
        List<GuestItem> items = [];
        switch (_random.Below(16))
        {
            case 0:
                items.Add(Branch16([0xE8, 0, 0]));
                break;
            case 1:
                items.Add(Branch16([0xB8, 0, 0, 0xFF, 0xE0], GuestFixup.Absolute16, 1));
                return items;
            case 2:
                items.Add(Branch16([0xBA, 0, 0, 0xFF, 0xD2], GuestFixup.Absolute16, 1));
                break;
            case 3:
                items.Add(Branch16([0x68, 0, 0, 0xC3], GuestFixup.Absolute16, 1));
                return items;
            case 4:
            case 5:
                // LOOP, LOOPE, LOOPNE or JCXZ over a jump to a jump.
                items.Add(new GuestItem([0x83, 0xE1, 0x0F]));
                byte[] loop = [(byte)_random.Pick<int>([0xE0, 0xE1, 0xE2, 0xE2, 0xE3]), 2, 0xEB, 3, 0xE9, 0, 0];
                items.Add(_random.OneIn(3) ? Branch16([0x67, .. loop], offset: 6) : Branch16(loop, offset: 5));
                break;
            case 6:
                items.Add(new GuestItem(_random.OneIn(3) ? [0x66, 0xC3] : [0xC3]));
                return items;
            case 7:
                // A counted loop over this block.
                items.Add(new GuestItem([0x36, 0xFF, 0x0E, (byte)(index % 16 * 4), 0x2F]));
                items.Add(new GuestItem([0x0F, (byte)(0x80 | _random.Below(16)), 0, 0], GuestFixup.Relative16, index, 2));
                break;
            case 8:
                // With 32-bit operand size
                items.Add(Branch([0x66, 0x0F, (byte)(0x80 | _random.Below(16)), 0, 0, 0, 0], GuestFixup.Relative, 3));
                items.Add(Branch([0x66, 0xE8, 0, 0, 0, 0], GuestFixup.Relative, 2));
                break;
            case 9:
                // JMP far
                items.Add(Branch16([0xEA, 0, 0, .. BitConverter.GetBytes(LockstepSegments.CodeSelector(_setup.Mode))], GuestFixup.Absolute16, 1));
                return items;
            case 10:
                // PUSH CS; PUSH address; RETF
                items.Add(Branch16([0x0E, 0x68, 0, 0, 0xCB], GuestFixup.Absolute16, 2));
                return items;
            case 11:
                // JMP through memory
                ushort place = (ushort)(0x3F00 + (_random.Below(32) * 2));
                items.Add(Branch16([0xC7, 0x06, (byte)place, (byte)(place >> 8), 0, 0, 0xFF, (byte)_random.Pick<int>([0x26, 0x16]), (byte)place, (byte)(place >> 8)], GuestFixup.Absolute16, 4));
                break;
            default:
                items.Add(Branch16([0x0F, (byte)(0x80 | _random.Below(16)), 0, 0], offset: 2));
                if (_random.OneIn(3))
                {
                    _bytes.Clear();
                    items.Add(Narrow(MakeAlu()));
                    items.Add(Branch16([0x0F, (byte)(0x80 | _random.Below(16)), 0, 0], offset: 2));
                }

                break;
        }

        items.Add(_random.OneIn(12) ? new GuestItem([0xC2, (byte)(_random.Below(4) * 2), 0]) : Branch16([0xE9, 0, 0]));
        return items;
    }

    private GuestItem Branch16(byte[] bytes, GuestFixup fixup = GuestFixup.Relative16, int offset = 1) => new(bytes, fixup, _random.Below(_blockCount), offset);

    private sealed class CodeBytes : CodeWriter
    {
        public List<byte> Bytes { get; } = [];

        public override void WriteByte(byte value) => Bytes.Add(value);
    }
}
