using System.Globalization;
using System.Text;
using Emulator.Core.Cpu;
using Emulator.Core.Decoding;
using Emulator.Core.Memory;
using Emulator.Jit.Inspection;

namespace Emulator.Jit.Verification;

/// <content>What is said of a divergence.</content>
internal sealed unsafe partial class RegionVerifier
{
    private const uint PageMask = 0xFFFFF000;

    /// <summary>What <see cref="ReproducerImage"/> can set up.</summary>
    private const uint Flat = ModeKey.Code32 | ModeKey.Stack32 | ModeKey.FlatCs | ModeKey.FlatDs | ModeKey.FlatEs | ModeKey.FlatSs | ModeKey.Protected;

    private void Report(CpuState* s, CompiledRegion region, int entry, long budget)
    {
        // What the region did wrong is searched with as few blocks as possible, then with as few instructions.
        // Where it takes several regions, only their way is made shorter.
        Trial trial = new(region, entry, budget);
        bool transfers = _transfers;
        _transfers = false;
        _transfers = transfers && !Differs(s, trial, out _);
        int most = region.Region.Blocks.Count - (region.IsKept ? 0 : 1);
        for (int blocks = 1; !_transfers && blocks <= most; blocks++)
        {
            CompiledRegion smaller = new(region.Region.From(entry, blocks));
            smaller.Compile(Modes, counters: 0);
            if (smaller.Entry != null && Differs(s, new Trial(smaller, 0, budget), out _))
            {
                trial = new Trial(smaller, 0, budget);
                break;
            }
        }

        for (long shorter = 1; shorter < budget; shorter++)
        {
            if (Differs(s, trial with { Budget = shorter }, out _))
            {
                trial = trial with { Budget = shorter };
                break;
            }
        }

        bool again = Differs(s, trial, out long retired);
        (CompiledRegion Region, int Entry)[] path = [.. _path];
        StringBuilder text = new();
        Region used = trial.Region.Region;
        string first = FirstDifference(s);
        text.Append(CultureInfo.InvariantCulture, $"region entered at {_before->Eip:X8}, CPL {_before->Cpl}, after {_before->Deadline - _before->Budget:N0} instructions; {retired} instructions of it compared\n");
        text.Append(CultureInfo.InvariantCulture, $"made small to {used.Blocks.Count} of {region.Region.Blocks.Count} blocks, {used.InstructionCount} of {region.Region.InstructionCount} instructions{(again ? string.Empty : " (which does not diverge again)")}\n");
        foreach ((CompiledRegion next, int at) in path)
        {
            text.Append(CultureInfo.InvariantCulture, $"went on in the region at {next.Region.Blocks[at].Eip:X8}{(next.IsKept ? ", code kept by an earlier run" : string.Empty)}\n");
        }

        if (region.IsKept)
        {
            text.Append(CultureInfo.InvariantCulture, $"its code was kept by an earlier run; {(trial.Region == region ? "compiled now, it does not diverge" : "compiled now, it diverges as well")}\n");
        }

        text.Append(CultureInfo.InvariantCulture, $"\n--- guest code of the region\n{RegionText.GuestCode(_core, used)}");
        text.Append(CultureInfo.InvariantCulture, $"\n--- state in front of it\n{StateComparison.Describe(_before)}");
        text.Append(CultureInfo.InvariantCulture, $"\n--- state behind it: interpreter <> translator\n{StateComparison.Describe(s, _translated)}");
        text.Append(CultureInfo.InvariantCulture, $"\n--- memory\n{Memory()}");
        string? executed = null;
        ReproducerImage? reproducer = Reproduce(s, retired, ref executed);
        text.Append(CultureInfo.InvariantCulture, $"\n--- the last instructions, as the interpreter executed them\n{executed}");
        text.Append(CultureInfo.InvariantCulture, $"\n--- IL of the region\n{RegionText.Listing(used, Modes)}");
        if (reproducer is null)
        {
            text.Append("\nno reproducer: the code is not flat 32-bit code, or the pages that it uses do not fit below 640 KiB\n");
        }

        Divergence = new Divergence
        {
            Summary = string.Create(CultureInfo.InvariantCulture, $"region {_before->Eip:X8} is not the interpreter's equal after {retired} instructions: {first}"),
            Report = text.ToString(),
            Reproducer = reproducer,
            RegionInstructions = used.InstructionCount,
        };
        _core.RequestStop();
    }

    /// <summary>Runs a region and the interpreter from the state in front of it; leaves the interpreter's state, and the translator's to compare.</summary>
    private bool Differs(CpuState* s, Trial trial, out long retired)
    {
        Restore(s);
        retired = RunRegion(s, trial.Region, trial.Region.Context, trial.Entry, trial.Budget, out int status);
        *_translated = *s;
        _journal.Remember();
        Restore(s);
        return Compare(s, retired, status);
    }

    private string FirstDifference(CpuState* s)
    {
        if (!StateComparison.Equal(s, _translated))
        {
            return StateComparison.Describe(s, _translated).Split('\n').First(l => l.StartsWith('*'))[2..];
        }

        return Memory().TrimEnd('\n');
    }

    private string Memory()
    {
        if (_journal.FindDifference(out uint linear, out byte[] translator, out byte[] interpreter))
        {
            return string.Create(CultureInfo.InvariantCulture, $"[{linear:X8}] {Convert.ToHexString(interpreter)} <> {Convert.ToHexString(translator)}\n");
        }

        return "the same\n";
    }

    /// <summary>Executes the instructions one by one and collects the pages that they use.</summary>
    private ReproducerImage? Reproduce(CpuState* s, long instructions, ref string? executed)
    {
        const int Shown = 40;
        Restore(s);
        Dictionary<uint, GuestPage> pages = [];
        Queue<string> lines = [];
        List<uint> touched = [];
        for (long i = 0; i < instructions; i++)
        {
            _accesses.Find(s, writesOnly: false, touched);
            touched.Add(GuestAccesses.LinearEip(s) & PageMask);
            touched.Add((GuestAccesses.LinearEip(s) + 14) & PageMask);
            foreach (uint page in touched)
            {
                if (!pages.ContainsKey(page) && PageWalk.Peek(s, page, out uint physical))
                {
                    byte[] content = new byte[PhysicalMemory.PageSize];
                    for (uint at = 0; at < content.Length; at++)
                    {
                        content[at] = _core.Memory.Peek(physical + at);
                    }

                    pages[page] = new GuestPage(page, physical, _journal.Before(page) ?? content, _journal.Opened.Contains(page));
                }
            }

            lines.Enqueue(string.Create(CultureInfo.InvariantCulture, $"  {i,5} {s->Eip:X8} {_accesses.Decode(s)}\n"));
            if (lines.Count > Shown)
            {
                lines.Dequeue();
            }

            if (!Interpret(1))
            {
                lines.Enqueue(string.Create(CultureInfo.InvariantCulture, $"        faults (vector {s->FaultVector})\n"));
                break;
            }
        }

        executed = string.Concat(lines);
        return (_before->ModeKey & Flat) == Flat ? ReproducerImage.Build(_before, [.. pages.Values]) : null;
    }

    private sealed record Trial(CompiledRegion Region, int Entry, long Budget);
}
