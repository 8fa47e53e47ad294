using System.Globalization;
using System.Text;
using Emulator.Core.Decoding;
using Emulator.Jit.Inspection;

namespace Emulator.Jit;

/// <content>What can be seen of the translator: traces and dumps.</content>
public sealed unsafe partial class JitTranslator
{
    /// <summary>
    /// Receives one line, without a line end, for each region that is found, published or dropped, with why; null, as usual, for none. Called on
    /// the CPU's thread.
    /// </summary>
    public Action<string>? Trace { get; set; }

    /// <summary>Bytes of IL of all published regions.</summary>
    public long IlBytes { get; private set; }

    /// <summary>Regions that are published now.</summary>
    public int RegionsPresent => Published().Count;

    /// <summary>Guest instructions in them; between two slices at most <see cref="JitOptions.CodeLimit"/>.</summary>
    public int InstructionsPresent => Published().Sum(r => r.Region.InstructionCount);

    /// <summary>What regions left to handlers and to the interpreter, by instruction, most frequent first; empty unless <see cref="JitOptions.Count"/> is set.</summary>
    public IReadOnlyList<RegionCount> Counts => _counters?.Read() ?? [];

    /// <summary>
    /// The published regions that contain an address: guest code, IL and host code. The host does not tell the length of its code; see
    /// docs/JIT.md.
    /// </summary>
    /// <param name="address">Linear address of any byte of an instruction.</param>
    public string Describe(uint address)
    {
        StringBuilder text = new();
        foreach (CompiledRegion compiled in Published())
        {
            Region region = compiled.Region;
            if (!region.Blocks.Any(b => address - b.Linear < b.ByteLength))
            {
                continue;
            }

            string host = RegionText.HostCode(compiled, out int hostBytes);
            text.Append(CultureInfo.InvariantCulture, $"{Name(region)}, mode {region.ModeKey:X}: {compiled.IlBytes} bytes of IL, {hostBytes} bytes of host code\n");
            text.Append(CultureInfo.InvariantCulture, $"--- guest code\n{RegionText.GuestCode(_core, region)}");
            text.Append(CultureInfo.InvariantCulture, $"--- IL\n{RegionText.Listing(region, Modes)}");
            text.Append(CultureInfo.InvariantCulture, $"--- host code\n{host}\n");
        }

        return text.Length != 0 ? text.ToString() : string.Create(CultureInfo.InvariantCulture, $"no region contains {address:X8}\n");
    }

    private static string Name(Region region) => string.Create(
        CultureInfo.InvariantCulture,
        $"{region.Entry.Eip:x8} ({region.Blocks.Count} blocks, {region.InstructionCount} instructions)");

    private HashSet<CompiledRegion> Published() => [.. _users.Values.SelectMany(u => u).Where(r => r.IsPublished && r.IsValid)];

    private void TraceFound(Region region, string why) => Trace?.Invoke($"found     {Name(region)}: {why}");

    private void TracePublished(CompiledRegion region) => Trace?.Invoke(string.Create(
        CultureInfo.InvariantCulture,
        $"published {Name(region.Region)}: {region.IlBytes} bytes of IL, {region.CompileTime.TotalMilliseconds:F2} ms"));

    private void TraceDropped(CompiledRegion region, string why) => Trace?.Invoke($"dropped   {Name(region.Region)}: {why}");
}
