using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using Iced.Intel;
using Decoder = Iced.Intel.Decoder;

namespace Emulator.Tests.Lockstep;

/// <summary>
/// A guest program as text: what the fuzzer prints of a divergence, and what lies in <c>Lockstep/Cases</c>.
/// <code>
/// # what broke
/// setup seed=1 user=0 threshold=1 region=250 timer=0 instructions=4000 each=1 verify=0 unoptimized=1 mode=0
/// (at its end, where it matters: step=1 interpreter only;  rounds=6 first=5 rounds with other data, of which the earlier ones are left out)
/// block slot=0 jitter=2
///   B8 78563412        ; bytes, one item a line
///   E9 >1              ; distance to block 1;  =1 its address;  !1 the immediate it offers;  . the address behind this item;  +N is added
///   E9 }1              ; distance to block 1 in 16 bits;  ~1 its address in 16 bits
///   B8 @ 00000000      ; the immediate behind @ may be overwritten
/// other                ; of the other program at the same place
/// </code>
/// </summary>
internal static class LockstepCase
{
    private static readonly Dictionary<GuestFixup, char> Marks = new()
    {
        [GuestFixup.Relative16] = '}',
        [GuestFixup.Absolute16] = '~',
        [GuestFixup.Relative] = '>',
        [GuestFixup.Absolute] = '=',
        [GuestFixup.PatchPoint] = '!',
        [GuestFixup.Behind] = '.',
    };

    /// <summary>Reads a program.</summary>
    /// <param name="text">The text.</param>
    /// <exception cref="FormatException">It is not one.</exception>
    public static GuestProgram Parse(string text)
    {
        LockstepSetup setup = new();
        List<GuestBlock> blocks = [];
        List<GuestItem> items = [];
        foreach (string raw in text.Split('\n'))
        {
            string line = raw.Split('#', ';')[0].Trim();
            string[] words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            switch (words.FirstOrDefault())
            {
                case null:
                    break;
                case "setup":
                    setup = ParseSetup(words);
                    break;
                case "block":
                    items = [];
                    blocks.Add(new GuestBlock((int)Value(words, "slot"), (int)Value(words, "jitter"), items, []));
                    break;
                case "other":
                    items = [];
                    blocks[^1] = blocks[^1] with { Others = items };
                    break;
                default:
                    items.Add(ParseItem(words));
                    break;
            }
        }

        return new GuestProgram(blocks, setup);
    }

    /// <summary>Writes a program.</summary>
    /// <param name="program">The program.</param>
    public static string Format(GuestProgram program)
    {
        LockstepSetup s = program.Setup;
        StringBuilder text = new();
        text.Append(CultureInfo.InvariantCulture, $"setup seed={s.Seed} user={Bit(s.User)} threshold={s.Threshold} region={s.RegionInstructions} timer={s.TimerPeriod} instructions={s.Instructions}");
        text.Append(CultureInfo.InvariantCulture, $" each={Bit(s.EachRegion)} verify={Bit(s.Verify)} unoptimized={Bit(s.Unoptimized)}{(s.Mode == LockstepMode.Flat32 ? string.Empty : $" mode={(int)s.Mode}")}{(s.Stepped ? " step=1" : string.Empty)}");
        text.Append(CultureInfo.InvariantCulture, $"{(s.Rounds == 1 ? string.Empty : $" rounds={s.Rounds}")}{(s.FirstRound == 0 ? string.Empty : $" first={s.FirstRound}")}\n");
        byte[] code = program.Build(others: false);
        byte[] other = program.Build(others: true);
        for (int b = 0; b < program.Blocks.Count; b++)
        {
            GuestBlock block = program.Blocks[b];
            uint address = program.AddressOf(b);
            text.Append(CultureInfo.InvariantCulture, $"block slot={block.Slot} jitter={block.Jitter} ; {b}, at {address:X}\n");
            FormatItems(text, block.Items, code, address, s.Mode);
            if (block.Others.Count != 0)
            {
                text.Append("other\n");
                FormatItems(text, block.Others, other, address, s.Mode);
            }
        }

        return text.ToString();
    }

    private static bool IsNarrow(GuestFixup fixup) => fixup is GuestFixup.Relative16 or GuestFixup.Absolute16;

    private static int Bit(bool value) => value ? 1 : 0;

    private static LockstepSetup ParseSetup(string[] words) => new()
    {
        Seed = (ulong)Value(words, "seed"),
        User = Value(words, "user") != 0,
        Threshold = (int)Value(words, "threshold"),
        RegionInstructions = (int)Value(words, "region"),
        TimerPeriod = (uint)Value(words, "timer"),
        Instructions = Value(words, "instructions"),
        EachRegion = Value(words, "each") != 0,
        Verify = Value(words, "verify") != 0,
        Unoptimized = Value(words, "unoptimized") != 0,
        Stepped = words.Contains("step=1"),
        Mode = (LockstepMode)Value(words, "mode", (long)LockstepMode.Flat32),
        Rounds = (int)Value(words, "rounds", 1),
        FirstRound = (int)Value(words, "first", 0),
    };

    private static long Value(string[] words, string name, long? otherwise = null)
    {
        string? word = words.FirstOrDefault(w => w.StartsWith(name + "=", StringComparison.Ordinal));
        return word is null
            ? otherwise ?? throw new FormatException($"{words[0]} without {name}")
            : long.Parse(word[(name.Length + 1)..], CultureInfo.InvariantCulture);
    }

    private static GuestItem ParseItem(string[] words)
    {
        List<byte> bytes = [];
        GuestItem item = new([]);
        foreach (string word in words)
        {
            if (word == "@")
            {
                item = item with { PatchOffset = bytes.Count };
            }
            else if (Marks.ContainsValue(word[0]))
            {
                string[] parts = word[1..].Split('+');
                item = item with
                {
                    Fixup = Marks.First(m => m.Value == word[0]).Key,
                    Target = parts[0].Length == 0 ? 0 : int.Parse(parts[0], CultureInfo.InvariantCulture),
                    FixupOffset = bytes.Count,
                };
                uint addend = parts.Length == 1 ? 0 : uint.Parse(parts[1], NumberStyles.HexNumber, CultureInfo.InvariantCulture);
                bytes.AddRange(IsNarrow(item.Fixup) ? BitConverter.GetBytes((ushort)addend) : BitConverter.GetBytes(addend));
            }
            else
            {
                bytes.AddRange(Convert.FromHexString(word));
            }
        }

        return item with { Bytes = [.. bytes] };
    }

    private static void FormatItems(StringBuilder text, IReadOnlyList<GuestItem> items, byte[] code, uint address, LockstepMode mode)
    {
        foreach (GuestItem item in items)
        {
            text.Append(CultureInfo.InvariantCulture, $"  {FormatItem(item),-32} ; {Disassemble(code.AsSpan((int)(address - GuestProgram.Code), item.Bytes.Length), address - LockstepSegments.CodeBase(mode), LockstepSegments.Is16(mode) ? 16 : 32)}\n");
            address += (uint)item.Bytes.Length;
        }
    }

    private static string FormatItem(GuestItem item)
    {
        StringBuilder text = new();
        for (int i = 0; i < item.Bytes.Length; i++)
        {
            if (i == item.PatchOffset)
            {
                text.Append(" @ ");
            }

            if (item.Fixup != GuestFixup.None && i == item.FixupOffset)
            {
                uint addend = IsNarrow(item.Fixup) ? BinaryPrimitives.ReadUInt16LittleEndian(item.Bytes.AsSpan(i)) : BinaryPrimitives.ReadUInt32LittleEndian(item.Bytes.AsSpan(i));
                text.Append(CultureInfo.InvariantCulture, $" {Marks[item.Fixup]}{(item.Fixup == GuestFixup.Behind ? string.Empty : item.Target)}{(addend == 0 ? string.Empty : $"+{addend:X}")} ");
                i += IsNarrow(item.Fixup) ? 1 : 3;
                continue;
            }

            text.Append(CultureInfo.InvariantCulture, $"{item.Bytes[i]:X2}");
        }

        return text.ToString();
    }

    private static string Disassemble(ReadOnlySpan<byte> code, uint address, int bitness)
    {
        Decoder decoder = Decoder.Create(bitness, code.ToArray());
        decoder.IP = address;
        NasmFormatter formatter = new();
        StringOutput output = new();
        List<string> text = [];
        while (decoder.IP < address + (uint)code.Length)
        {
            Instruction instruction = decoder.Decode();
            formatter.Format(instruction, output);
            text.Add(output.ToStringAndReset());
        }

        return string.Join(" / ", text);
    }
}
