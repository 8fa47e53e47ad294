using System.Runtime.CompilerServices;
using Emulator.Core.Cpu;
using Emulator.Core.Interpreter;
using Emulator.Core.Memory;
using Iced.Intel;

namespace Emulator.Core.Decoding;

/// <summary>
/// Decodes guest code with Iced into blocks of <see cref="Op"/>. A block ends at a branch or another instruction that
/// <see cref="InstructionTraits.EndsBlock"/>, at the end of its page, or full; only a block's first instruction may straddle into the next
/// page, and then it is the block's only one.
/// </summary>
internal sealed unsafe class BlockDecoder
{
    /// <summary>Most instructions in a block.</summary>
    public const int MaximumOps = 64;

    /// <summary>Most bytes of an instruction.</summary>
    public const int MaximumInstructionLength = 15;

    private readonly CpuCore _core;
    private readonly InstructionTable _table = InstructionTable.Instance;
    private readonly PageReader _reader = new();
    private readonly Decoder _decoder16;
    private readonly Decoder _decoder32;

    public BlockDecoder(CpuCore core)
    {
        _core = core;
        // What later CPUs put behind a prefix or into the reserved NOPs is the plain instruction here: REP BSF, hints, ENDBR.
        const DecoderOptions Options = DecoderOptions.ForceReservedNop | DecoderOptions.NoMPFX_0FBC | DecoderOptions.NoMPFX_0FBD | DecoderOptions.NoWbnoinvd;
        _decoder16 = Decoder.Create(16, _reader, Options);
        _decoder32 = Decoder.Create(32, _reader, Options);
    }

    /// <summary>Bytes that a block can take.</summary>
    public static nuint MaximumBytes => (nuint)(sizeof(Block) + ((MaximumOps + 1) * sizeof(Op)));

    /// <summary>Decodes the block at an address; false with the fetch fault recorded.</summary>
    public bool Decode(CpuState* s, uint key, uint linear, uint physical, Block* block)
    {
        *block = default;
        block->Physical = physical;
        block->ModeKey = key;
        block->SecondPage = uint.MaxValue;
        block->IsValid = 1;
        Decoder decoder = (key & ModeKey.Code32) != 0 ? _decoder32 : _decoder16;
        Op* ops = Block.Ops(block);

        uint pageLeft = PhysicalMemory.PageSize - (physical & 0xFFF);
        SegmentRegister* cs = CpuState.Segment(s, SegmentIndex.Cs);
        uint segmentLeft = (key & ModeKey.FlatCs) != 0 ? uint.MaxValue : cs->High - s->Eip == uint.MaxValue ? uint.MaxValue : cs->High - s->Eip + 1;
        _reader.Start(_core.Memory, physical, Math.Min(pageLeft, segmentLeft));
        uint at = 0;
        int limit = (key & ModeKey.Single) != 0 ? 1 : MaximumOps;
        bool ended = false;
        while (!ended && block->OpCount < limit)
        {
            _reader.Position = at;
            decoder.IP = at;
            decoder.Decode(out Instruction instruction);
            if (decoder.LastError == DecoderError.NoMoreBytes)
            {
                if (block->OpCount != 0)
                {
                    break;
                }

                if (!AddSecondPage(s, linear, pageLeft, segmentLeft, block))
                {
                    return false;
                }

                _reader.Position = 0;
                decoder.IP = 0;
                decoder.Decode(out instruction);
                if (decoder.LastError == DecoderError.NoMoreBytes)
                {
                    // The CS limit cuts the instruction.
                    return Faults.Record(s, ExceptionVector.GeneralProtection, 0);
                }

                ended = true;
            }

            Op* op = ops + block->OpCount;
            *op = default;
            op->EipOffset = (ushort)at;
            op->Position = (byte)block->OpCount;
            if (instruction.Code == Code.INVALID && block->SecondPage == uint.MaxValue && IsService(physical, op))
            {
                ended = true;
            }
            else if (instruction.Code == Code.INVALID)
            {
                if (IsTooLong(key))
                {
                    if (block->OpCount != 0)
                    {
                        break;
                    }

                    return Faults.Record(s, ExceptionVector.GeneralProtection, 0);
                }

                op->Handler = &UndefinedOpcode;
                op->Length = (byte)Math.Clamp(instruction.Length, 1, MaximumInstructionLength);
                ended = true;
            }
            else
            {
                ended |= Fill(key, in instruction, op);
                if ((_table[instruction.Code].Traits & InstructionTraits.X87) != 0)
                {
                    op->Imm2 = LastFpuOpcode();
                }
            }

            at += op->Length;
            block->OpCount++;
        }

        // The second page was looked at, so each execution fetches it, whatever the bytes are found to mean.
        block->ByteLength = block->SecondPage != uint.MaxValue && at <= pageLeft ? Math.Min(MaximumInstructionLength, segmentLeft) : at;
        Op* sentinel = ops + block->OpCount;
        *sentinel = default;
        sentinel->EipOffset = (ushort)at;
        sentinel->Position = (byte)block->OpCount;
        sentinel->Handler = &EndOfBlock;
        return true;
    }

    /// <summary>Makes a block of a single instruction out of one that was decoded in a longer block, for a translator that calls its handler.</summary>
    /// <param name="block">The block, followed by room for two ops.</param>
    /// <param name="op">The instruction; not a branch.</param>
    internal static void MakeSingle(Block* block, Op op)
    {
        *block = default;
        block->SecondPage = uint.MaxValue;
        block->ByteLength = op.Length;
        block->OpCount = 1;
        block->IsValid = 1;
        op.EipOffset = 0;
        op.Position = 0;
        Op* ops = Block.Ops(block);
        ops[0] = op;
        ops[1] = default;
        ops[1].EipOffset = op.Length;
        ops[1].Position = 1;
        ops[1].Handler = &EndOfBlock;
    }

    /// <summary>Makes a call of a host service out of the bytes at the reader's last start, if they are one and lie in service ROM.</summary>
    private bool IsService(uint physical, Op* op)
    {
        Span<byte> bytes = stackalloc byte[CpuCore.ServiceLength];
        if (_reader.Peek(bytes) != bytes.Length || !bytes.StartsWith(CpuCore.ServiceOpcode) || !_core.Memory.IsServiceRom(physical))
        {
            return false;
        }

        op->Handler = &CpuCore.HostService;
        op->Length = CpuCore.ServiceLength;
        op->Imm = bytes[^1];
        return true;
    }

    private static int EndOfBlock(CpuState* s, Op* op)
    {
        s->Eip = s->BlockEip + op->EipOffset;
        return ExecStatus.Next;
    }

    private static int UndefinedOpcode(CpuState* s, Op* op) => Faults.Raise(s, op, ExceptionVector.InvalidOpcode);

    private bool AddSecondPage(CpuState* s, uint linear, uint pageLeft, uint segmentLeft, Block* block)
    {
        if (segmentLeft <= pageLeft)
        {
            return Faults.Record(s, ExceptionVector.GeneralProtection, 0);
        }

        uint next = (linear & 0xFFFFF000) + PhysicalMemory.PageSize;
        if (!PageWalk.Fetch(s, next, out ulong record))
        {
            return false;
        }

        block->SecondPage = InstructionTlb.PhysicalOf(record);
        if (block->SecondPage == PhysicalMemory.NoPage)
        {
            return Faults.Record(s, ExceptionVector.InvalidOpcode);
        }

        _reader.AddSecond(block->SecondPage, Math.Min(segmentLeft - pageLeft, MaximumInstructionLength));
        return true;
    }

    /// <summary>Whether the bytes at the reader's last start make an instruction of more than 15 bytes: superfluous prefixes are dropped and
    /// the rest is decoded again.</summary>
    private bool IsTooLong(uint key)
    {
        Span<byte> bytes = stackalloc byte[MaximumInstructionLength];
        int available = _reader.Peek(bytes);
        int prefixes = 0;
        while (prefixes < available && IsPrefix(bytes[prefixes]))
        {
            prefixes++;
        }

        if (prefixes >= MaximumInstructionLength)
        {
            return true;
        }

        // Each distinct prefix once, then as many bytes behind the opcode as an instruction can have.
        byte[] packed = new byte[32];
        int kept = 0;
        for (int i = 0; i < prefixes; i++)
        {
            if (packed.AsSpan(0, kept).IndexOf(bytes[i]) < 0)
            {
                packed[kept++] = bytes[i];
            }
        }

        int dropped = prefixes - kept;
        if (dropped == 0)
        {
            return false;
        }

        bytes[prefixes..available].CopyTo(packed.AsSpan(kept));
        Decoder decoder = Decoder.Create((key & ModeKey.Code32) != 0 ? 32 : 16, packed);
        decoder.Decode(out Instruction instruction);
        return instruction.Length + dropped > MaximumInstructionLength;
    }

    /// <summary>The 11 opcode bits of the ESC instruction at the reader's last start.</summary>
    private ushort LastFpuOpcode()
    {
        Span<byte> bytes = stackalloc byte[MaximumInstructionLength];
        int available = _reader.Peek(bytes);
        int opcode = 0;
        while (opcode < available && IsPrefix(bytes[opcode]))
        {
            opcode++;
        }

        return opcode + 1 < available ? (ushort)(((bytes[opcode] & 7) << 8) | bytes[opcode + 1]) : (ushort)0;
    }

    private static bool IsPrefix(byte b) => b is 0x66 or 0x67 or 0xF0 or 0xF2 or 0xF3 or 0x26 or 0x2E or 0x36 or 0x3E or 0x64 or 0x65;

    /// <summary>Fills an op; true when it ends the block.</summary>
    private bool Fill(uint key, in Instruction instruction, Op* op)
    {
        op->Code = (ushort)instruction.Code;
        op->Length = (byte)instruction.Length;
        ref InstructionRow row = ref _table[instruction.Code];
        if (!row.IsPresent || !_core.Model.Has(row.Needs))
        {
            op->Code = (ushort)Code.INVALID;
            op->Handler = &UndefinedOpcode;
            return true;
        }

        op->Base = CpuState.ZeroOffset;
        op->Index = CpuState.ZeroOffset;
        op->Flags = (instruction.HasLockPrefix ? OpFlags.Lock : 0) | (instruction.HasRepPrefix ? OpFlags.Rep : 0) | (instruction.HasRepnePrefix ? OpFlags.Repne : 0);
        bool memory = false;
        bool flat = true;
        for (int i = 0; i < instruction.OpCount; i++)
        {
            OpKind kind = instruction.GetOpKind(i);
            switch (kind)
            {
                case OpKind.Register:
                    byte r = OperandMapping.Number(instruction.GetOpRegister(i));
                    if (i == 0)
                    {
                        op->R0 = r;
                    }
                    else if (i == 1)
                    {
                        op->R1 = r;
                    }
                    else
                    {
                        op->R2 = r;
                    }

                    break;
                case OpKind.Memory:
                case OpKind.MemorySegSI:
                case OpKind.MemorySegESI:
                case OpKind.MemorySegDI:
                case OpKind.MemorySegEDI:
                case OpKind.MemoryESDI:
                case OpKind.MemoryESEDI:
                    memory = true;
                    flat &= OperandMapping.SetMemory(in instruction, kind, key, op);
                    break;
                default:
                    OperandMapping.SetImmediate(in instruction, kind, op);
                    break;
            }
        }

        if ((row.Traits & InstructionTraits.Stack) != 0)
        {
            flat &= (key & ModeKey.FlatSs) != 0;
        }

        if ((row.Traits & InstructionTraits.NearBranch) != 0)
        {
            flat &= (key & (ModeKey.FlatCs | ModeKey.Code32)) == (ModeKey.FlatCs | ModeKey.Code32);
        }

        op->Flags |= memory ? OpFlags.Memory : 0;
        if (memory || row.Register == null)
        {
            op->Handler = flat ? row.Flat : row.General;
            op->Flags |= flat ? 0 : OpFlags.General;
        }
        else
        {
            op->Handler = row.Register;
        }

        if (op->Handler == null)
        {
            op->Code = (ushort)Code.INVALID;
            op->Handler = &UndefinedOpcode;
            return true;
        }

        return (row.Traits & InstructionTraits.EndsBlock) != 0;
    }

    /// <summary>Reads code bytes for Iced from one page and, for a straddling instruction, the next.</summary>
    private sealed class PageReader : CodeReader
    {
        private readonly byte[] _bytes = new byte[PhysicalMemory.PageSize + MaximumInstructionLength];
        private PhysicalMemory? _memory;
        private byte* _host;
        private uint _first;
        private uint _length;
        private uint _start;

        /// <summary>Next byte, from the block's start; setting it marks an instruction's start.</summary>
        public uint Position
        {
            get => field;
            set
            {
                field = value;
                _start = value;
            }
        }

        public void Start(PhysicalMemory memory, uint physical, uint available)
        {
            _memory = memory;
            byte* page = memory.HostPage(physical);
            _host = page == null ? null : page + (physical & 0xFFF);
            _first = available;
            _length = available;
            if (_host == null)
            {
                // Fetching from a device: only as much as one instruction can take, once.
                _first = _length = Math.Min(available, MaximumInstructionLength);
                for (uint i = 0; i < _first; i++)
                {
                    _bytes[i] = memory.Read<byte>(physical + i);
                }
            }
        }

        public void AddSecond(uint physical, uint available)
        {
            if (_host != null)
            {
                new ReadOnlySpan<byte>(_host, (int)_first).CopyTo(_bytes);
                _host = null;
            }

            for (uint i = 0; i < available; i++)
            {
                _bytes[_first + i] = physical == PhysicalMemory.NoPage ? (byte)0xFF : _memory!.Read<byte>(physical + i);
            }

            _length = _first + available;
        }

        public override int ReadByte()
        {
            uint at = Position;
            if (at >= _length)
            {
                return -1;
            }

            AdvanceOne();
            return _host != null ? _host[at] : _bytes[at];
        }

        /// <summary>The bytes from the last instruction's start.</summary>
        public int Peek(Span<byte> bytes)
        {
            int count = 0;
            while (count < bytes.Length && _start + (uint)count < _length)
            {
                bytes[count] = _host != null ? _host[_start + (uint)count] : _bytes[_start + (uint)count];
                count++;
            }

            return count;
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private void AdvanceOne()
        {
            uint start = _start;
            Position++;
            _start = start;
        }
    }
}
