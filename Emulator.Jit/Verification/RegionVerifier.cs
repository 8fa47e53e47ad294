using System.Runtime.InteropServices;
using Emulator.Core.Cpu;

namespace Emulator.Jit.Verification;

/// <summary>
/// Checks each run of a region against the interpreter, on the same machine. The region runs first, with its stores caught
/// (<see cref="MemoryJournal"/>); then state and memory are put back and the interpreter executes as many instructions; then registers,
/// flags, x87, SSE and memory are compared. The interpreter's result stands, so that a run is the interpreter's run whatever the translator
/// does. A region goes on in others as it does otherwise, unless these were not verified alone yet. Regions leave in front of all that could reach a device (<see cref="EmitModes.Repeatable"/>), which therefore happens once.
/// </summary>
internal sealed unsafe partial class RegionVerifier : RegionMonitor, IDisposable
{
    /// <summary>Most instructions of one comparison.</summary>
    private const int MostInstructions = 1024;

    /// <summary>Most times that a region is run again because it came to a page that was not open yet.</summary>
    private const int MostAttempts = 64;

    private const int MostKnownPages = 4;

    /// <summary>Most regions that a run goes through: each is a call, and not a jump.</summary>
    private const int MostTransfers = 100;

    private readonly CpuCore _core;
    private readonly MemoryJournal _journal;
    private readonly GuestAccesses _accesses = new();
    private readonly List<uint> _pages = [];
    private readonly CpuState* _before;
    private readonly CpuState* _translated;
    private readonly List<(CompiledRegion Region, int Entry)> _path = [];
    private uint _random = 1;
    private bool _isRunning;
    private bool _transfers;

    /// <summary>Creates a verifier for a CPU.</summary>
    /// <param name="core">The CPU.</param>
    public RegionVerifier(CpuCore core)
    {
        _core = core;
        _journal = new MemoryJournal(core);
        _before = Allocate();
        _translated = Allocate();
    }

    /// <inheritdoc/>
    public override EmitModes Modes => EmitModes.Repeatable;

    /// <summary>Runs of regions that were compared.</summary>
    public long Comparisons { get; private set; }

    /// <summary>Ways from one region into another that were compared.</summary>
    public long Transfers { get; private set; }

    /// <summary>Guest instructions that were compared.</summary>
    public long InstructionsCompared { get; private set; }

    /// <summary>The first divergence; the machine was asked to stop behind it. Null as long as there is none.</summary>
    public Divergence? Divergence { get; private set; }

    /// <inheritdoc/>
    public override int Run(CpuState* s, CompiledRegion region, nint context, int entry)
    {
        if (_isRunning)
        {
            return GoOn(s, region, context, entry);
        }

        if (Divergence is not null || s->Tlb == s->EmptyTlb || (!IsFpuSilent(s) && region.Region.UsesFpu))
        {
            return ExecStatus.Interpret;
        }

        *_before = *s;
        _journal.Open(s);
        foreach (uint page in region.KnownPages)
        {
            _journal.OpenPage(page);
        }

        // The end of the budget is moved about, so that regions leave at all their blocks.
        _random = (_random * 1664525) + 1013904223;
        _transfers = region.WasVerifiedAlone && (_random & 0x70000) != 0;
        long budget = Math.Min(s->Budget, (_random >> 24) switch { < 64 => 64, < 128 => 200, _ => MostInstructions });
        long retired = RunRegion(s, region, context, entry, budget, out int status);
        Keep(region);
        _before->MissKind = 0;
        if (retired == 0)
        {
            Restore(s);
            _journal.Close();
            return ExecStatus.Interpret;
        }

        *_translated = *s;
        _journal.Remember();
        Restore(s);
        Comparisons++;
        InstructionsCompared += retired;
        Transfers += _path.Count;
        region.WasVerifiedAlone |= !_transfers;
        if (Compare(s, retired, status))
        {
            Report(s, region, entry, budget);
        }

        _journal.Close();
        return Divergence is null ? status : ExecStatus.Interpret;
    }

    /// <summary>Frees the native memory.</summary>
    public void Dispose()
    {
        _journal.Dispose();
        NativeMemory.AlignedFree(_before);
        NativeMemory.AlignedFree(_translated);
    }

    private static CpuState* Allocate() => (CpuState*)NativeMemory.AlignedAlloc((nuint)sizeof(CpuState), 64);

    /// <summary>Whether no x87 instruction can signal an error to the outside: CR0.NE, or all masked.</summary>
    private static bool IsFpuSilent(CpuState* s) => (s->Cr0 & Cr0.NE) != 0 || ((s->Fcw & 0x3F) == 0x3F && (s->Fsw & 0x80) == 0);

    /// <summary>A region goes on in another one; where it must not, it ends as if it had found no other.</summary>
    private int GoOn(CpuState* s, CompiledRegion region, nint context, int entry)
    {
        if (!_transfers || !region.WasVerifiedAlone || _path.Count == MostTransfers || (!IsFpuSilent(s) && region.Region.UsesFpu))
        {
            return ExecStatus.Next;
        }

        _path.Add((region, entry));
        return region.Entry(s, context, entry);
    }

    /// <summary>Runs a region until it ends for another reason than a page that is not open yet.</summary>
    private long RunRegion(CpuState* s, CompiledRegion region, nint context, int entry, long budget, out int status)
    {
        for (int attempt = 0; ; attempt++)
        {
            s->Deadline = _before->Deadline - _before->Budget + budget;
            s->Budget = budget;
            _path.Clear();
            _isRunning = true;
            status = region.Run(s, context, entry);
            _isRunning = false;
            if (status != ExecStatus.Interpret || attempt == MostAttempts || !OpenMore(s))
            {
                return budget - s->Budget;
            }

            Restore(s);
        }
    }

    /// <summary>Lets the interpreter execute what the region did, up to and with a fault that a handler found there.</summary>
    /// <returns>Whether it comes to anything else.</returns>
    private bool Compare(CpuState* s, long retired, int status)
    {
        bool faults = status == ExecStatus.Fault;
        long wanted = faults ? retired + 1 : retired;
        bool done = Interpret(wanted);
        long left = s->Budget;
        s->Deadline = _before->Deadline;
        s->Budget = _before->Budget - wanted + left;
        return done == faults || left != wanted - retired
            || (faults && (s->FaultVector, s->FaultError) != (_translated->FaultVector, _translated->FaultError))
            || !StateComparison.Equal(s, _translated) || _journal.FindDifference(out _, out _, out _);
    }

    private bool Interpret(long instructions)
    {
        _journal.IsInterpreting = true;
        bool done = _core.Interpret(instructions);
        _journal.IsInterpreting = false;
        return done;
    }

    private void Restore(CpuState* s)
    {
        *s = *_before;
        _journal.Undo();
    }

    /// <summary>Opens the pages that the instruction at EIP writes.</summary>
    private bool OpenMore(CpuState* s)
    {
        bool any = false;
        _accesses.Find(s, writesOnly: true, _pages);
        foreach (uint page in _pages)
        {
            any |= _journal.OpenPage(page);
        }

        return any;
    }

    /// <summary>Remembers the pages that a region wrote, to open them at once the next time.</summary>
    private void Keep(CompiledRegion region)
    {
        List<uint> known = region.KnownPages;
        foreach (uint page in _journal.Opened)
        {
            if (!known.Contains(page))
            {
                if (known.Count == MostKnownPages)
                {
                    known.RemoveAt(0);
                }

                known.Add(page);
            }
        }
    }
}
