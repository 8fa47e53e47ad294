using System.Globalization;
using System.Text;
using Emulator.Core.Cpu;
using Emulator.Core.Decoding;
using Iced.Intel;
using Decoder = Iced.Intel.Decoder;

namespace Emulator.Jit.Inspection;

/// <summary>A region in the three languages that it passes through: guest code, IL, host code.</summary>
internal static unsafe class RegionText
{
    /// <summary>Most bytes of host code that are looked at.</summary>
    private const uint MostHostBytes = 1 << 18;

    /// <summary>The guest code, block by block, as it stands in memory now.</summary>
    /// <param name="core">The CPU whose memory it lies in.</param>
    /// <param name="region">The region.</param>
    public static string GuestCode(CpuCore core, Region region)
    {
        StringBuilder text = new();
        for (int i = 0; i < region.Blocks.Count; i++)
        {
            RegionBlock block = region.Blocks[i];
            text.Append(CultureInfo.InvariantCulture, $"block {i}: {block.Eip:X8}{(region.CodeBase == 0 ? string.Empty : $" at linear {block.Linear:X8}")}, physical {block.Physical:X8}{(block.SecondPage == uint.MaxValue ? string.Empty : $" and {block.SecondPage:X8}")}, {block.Ops.Length} instructions\n");
            byte[] code = new byte[block.ByteLength];
            for (uint at = 0; at < code.Length; at++)
            {
                uint inPage = (block.Physical & 0xFFF) + at;
                code[at] = core.Memory.Peek(inPage < 0x1000 || block.SecondPage == uint.MaxValue ? block.Physical + at : block.SecondPage + inPage - 0x1000);
            }

            Disassemble(text, code, block.Eip, (region.ModeKey & ModeKey.Code32) != 0 ? 32 : 16);
        }

        return text.ToString();
    }

    /// <summary>The IL that is emitted for a region; locals and labels by number, with the names of the locals in front.</summary>
    /// <param name="region">The region.</param>
    /// <param name="modes">What is asked of the code.</param>
    public static string Listing(Region region, EmitModes modes)
    {
        List<string> listing = [];
        return RegionEmitter.Emit(region, modes, out _, listing) is null
            ? "the region is too long for the host's compiler; it is compiled in parts\n"
            : string.Join('\n', listing) + "\n";
    }

    /// <summary>
    /// The host's code, from the entry on. The host does not tell its length: it ends behind the last instruction that can be reached, so data
    /// that the compiler put behind it (jump tables, constants) is not shown.
    /// </summary>
    /// <param name="region">The compiled region.</param>
    /// <param name="length">Receives the bytes of code.</param>
    public static string HostCode(CompiledRegion region, out int length)
    {
        nint start = FollowJumps((nint)region.Entry);
        ulong furthest = 0;
        Decoder decoder = Decoder.Create(64, new NativeReader(start));
        decoder.IP = (ulong)start;
        StringBuilder text = new();
        MasmFormatter formatter = new();
        StringOutput output = new();
        while (decoder.IP - (ulong)start < MostHostBytes)
        {
            Instruction instruction = decoder.Decode();
            formatter.Format(instruction, output);
            text.Append(CultureInfo.InvariantCulture, $"  {instruction.IP - (ulong)start:X5} {output.ToStringAndReset()}\n");
            bool ends = instruction.FlowControl is FlowControl.Return or FlowControl.UnconditionalBranch or FlowControl.IndirectBranch or FlowControl.Interrupt or FlowControl.Exception;
            if (instruction.IsJccShortOrNear || instruction.IsJmpShortOrNear)
            {
                // A jump far away leaves the method.
                ulong target = instruction.NearBranchTarget;
                furthest = target >= (ulong)start && target - (ulong)start < MostHostBytes ? Math.Max(furthest, target) : furthest;
            }

            if ((ends && decoder.IP > furthest) || instruction.IsInvalid)
            {
                break;
            }
        }

        length = (int)(decoder.IP - (ulong)start);
        return text.ToString();
    }

    private static void Disassemble(StringBuilder text, byte[] code, uint address, int bitness)
    {
        Decoder decoder = Decoder.Create(bitness, code);
        decoder.IP = address;
        NasmFormatter formatter = new();
        StringOutput output = new();
        while (decoder.IP < address + (uint)code.Length)
        {
            Instruction instruction = decoder.Decode();
            formatter.Format(instruction, output);
            int at = (int)(instruction.IP - address);
            int length = Math.Min(instruction.Length, code.Length - at);
            text.Append(CultureInfo.InvariantCulture, $"  {instruction.IP:X8} {Convert.ToHexString(code.AsSpan(at, length)),-24} {output.ToStringAndReset()}\n");
        }
    }

    /// <summary>The entry may be a jump to the code.</summary>
    private static nint FollowJumps(nint start)
    {
        for (int i = 0; i < 4; i++)
        {
            byte* p = (byte*)start;
            if (*p == 0xE9)
            {
                start += 5 + *(int*)(p + 1);
            }
            else if (*p == 0xFF && p[1] == 0x25)
            {
                start = *(nint*)(p + 6 + *(int*)(p + 2));
            }
            else
            {
                break;
            }
        }

        return start;
    }

    private sealed class NativeReader(nint start) : CodeReader
    {
        private int _at;

        public override int ReadByte() => ((byte*)start)[_at++];
    }
}
