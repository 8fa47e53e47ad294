using System.Buffers.Binary;

namespace Emulator.Tests.Lockstep;

/// <summary>What the four (or two) bytes at a fixup become. Addresses count in the code segment.</summary>
internal enum GuestFixup
{
    None,

    /// <summary>Distance from behind the fixup to the start of a block.</summary>
    Relative,

    /// <summary>The same in two bytes.</summary>
    Relative16,

    /// <summary>Address of the start of a block in two bytes.</summary>
    Absolute16,

    /// <summary>Address of the start of a block.</summary>
    Absolute,

    /// <summary>Address of the immediate that a block offers to be overwritten.</summary>
    PatchPoint,

    /// <summary>Address of the byte behind this item.</summary>
    Behind,
}

/// <summary>One instruction, or a few that belong together. It never changes once made.</summary>
/// <param name="Bytes">Code.</param>
/// <param name="Fixup">What stands at the fixup.</param>
/// <param name="Target">Block that the fixup names.</param>
/// <param name="FixupOffset">Where in the bytes.</param>
/// <param name="PatchOffset">Where an immediate stands that other code may overwrite, or -1.</param>
internal sealed record GuestItem(byte[] Bytes, GuestFixup Fixup = GuestFixup.None, int Target = 0, int FixupOffset = 0, int PatchOffset = -1);

/// <summary>A block of a guest program: its slot, how far into it it starts, its items, and those of the other program at the same place.</summary>
internal sealed record GuestBlock(int Slot, int Jitter, IReadOnlyList<GuestItem> Items, IReadOnlyList<GuestItem> Others);

/// <summary>
/// A guest program that can be made smaller: blocks in slots of 256 bytes, so that removing an item moves nothing but the rest of its
/// block. Every sixteenth slot straddles a page border. Beside it stands another program with blocks at the same places, for pages that
/// are mapped elsewhere and code that is overwritten.
/// </summary>
internal sealed record GuestProgram(IReadOnlyList<GuestBlock> Blocks, LockstepSetup Setup)
{
    /// <summary>Linear and physical address of the code.</summary>
    public const uint Code = 0x100000;

    /// <summary>Bytes of code, in pages.</summary>
    public const int CodeLength = 0x5000;

    /// <summary>Bytes of a slot.</summary>
    public const int SlotLength = 0x100;

    /// <summary>Most bytes of a block.</summary>
    public const int MaximumBlockLength = SlotLength - 16;

    /// <summary>
    /// What memory without contents holds: code that comes there faults (FF FF is an invalid opcode in every mode) and is resumed in the
    /// program. Where it can go on, it goes from byte to byte, and a region is made for each.
    /// </summary>
    public const byte Filler = 0xFF;

    private const int FirstSlot = 0x80;

    /// <summary>Most blocks.</summary>
    public const int MaximumBlocks = (CodeLength - FirstSlot) / SlotLength;

    /// <summary>Items in all blocks.</summary>
    public int ItemCount => Blocks.Sum(b => b.Items.Count + b.Others.Count);

    /// <summary>The same code with what it finds in a round.</summary>
    /// <param name="round">The round.</param>
    public GuestProgram OfRound(int round) => this with { Setup = Setup.OfRound(round) };

    /// <summary>Address of a block.</summary>
    /// <param name="index">Its number.</param>
    public uint AddressOf(int index) => Code + FirstSlot + (uint)((Blocks[index].Slot * SlotLength) + Blocks[index].Jitter);

    /// <summary>EIP of a block.</summary>
    /// <param name="index">Its number.</param>
    public uint EipOf(int index) => AddressOf(index) - LockstepSegments.CodeBase(Setup.Mode);

    /// <summary>The code area.</summary>
    /// <param name="others">Whether of the other program.</param>
    public byte[] Build(bool others)
    {
        byte[] code = new byte[CodeLength];
        code.AsSpan().Fill(Filler);
        for (int b = 0; b < Blocks.Count; b++)
        {
            int at = (int)(AddressOf(b) - Code);
            foreach (GuestItem item in others ? Blocks[b].Others : Blocks[b].Items)
            {
                Span<byte> bytes = code.AsSpan(at, item.Bytes.Length);
                item.Bytes.CopyTo(bytes);
                Fix(item, bytes[item.FixupOffset..], Code + (uint)at);
                at += item.Bytes.Length;
            }

            // A block whose branch was removed goes on with the first one.
            code[at] = 0xE9;
            if (LockstepSegments.Is16(Setup.Mode))
            {
                BinaryPrimitives.WriteInt16LittleEndian(code.AsSpan(at + 1), (short)(AddressOf(0) - (Code + (uint)at + 3)));
            }
            else
            {
                BinaryPrimitives.WriteInt32LittleEndian(code.AsSpan(at + 1), (int)(AddressOf(0) - (Code + (uint)at + 5)));
            }
        }

        return code;
    }

    private void Fix(GuestItem item, Span<byte> place, uint address)
    {
        uint value;
        switch (item.Fixup)
        {
            case GuestFixup.Relative:
                value = AddressOf(item.Target) - (address + (uint)item.FixupOffset + 4);
                break;
            case GuestFixup.Relative16:
                BinaryPrimitives.WriteUInt16LittleEndian(place, (ushort)(AddressOf(item.Target) - (address + (uint)item.FixupOffset + 2) + BinaryPrimitives.ReadUInt16LittleEndian(place)));
                return;
            case GuestFixup.Absolute16:
                BinaryPrimitives.WriteUInt16LittleEndian(place, (ushort)(EipOf(item.Target) + BinaryPrimitives.ReadUInt16LittleEndian(place)));
                return;
            case GuestFixup.Absolute:
                value = EipOf(item.Target);
                break;
            case GuestFixup.PatchPoint:
                value = PatchPointOf(item.Target);
                break;
            case GuestFixup.Behind:
                value = address + (uint)item.Bytes.Length;
                break;
            default:
                return;
        }

        BinaryPrimitives.WriteUInt32LittleEndian(place, value + BinaryPrimitives.ReadUInt32LittleEndian(place));
    }

    private uint PatchPointOf(int block)
    {
        uint at = AddressOf(block);
        foreach (GuestItem item in Blocks[block].Items)
        {
            if (item.PatchOffset >= 0)
            {
                return at + (uint)item.PatchOffset;
            }

            at += (uint)item.Bytes.Length;
        }

        return at;
    }
}
