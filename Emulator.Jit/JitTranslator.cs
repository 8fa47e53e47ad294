using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using Emulator.Core.Cpu;
using Emulator.Core.Decoding;
using Emulator.Core.Machine;
using Emulator.Core.Semantics.X87;
using Emulator.Jit.Inspection;
using Emulator.Jit.Verification;

namespace Emulator.Jit;

/// <summary>
/// The translator: finds the regions around hot blocks, compiles them to host code, on background
/// threads unless asked otherwise, and publishes them on their entry blocks between two slices. When code changes, the regions that contain
/// it are unpublished at once. Results do not depend on when a region is published: regions and interpreter are equal to the instruction.
/// </summary>
public sealed unsafe partial class JitTranslator : Translator, IDisposable
{
    /// <summary>
    /// Regions given to the compiling threads beyond one for each. With counted instructions slices are long, and a thread without one would be idle up to
    /// the end of the slice; under the host clock they are short, and what comes next is decided as late as can be.
    /// </summary>
    private int MaximumWaiting => _core.Clock.Mode == ClockMode.Host ? 0 : 1;

    /// <summary>Instructions from one look at the candidates to the next, for each of them.</summary>
    private const long InstructionsPerCandidate = 256;

    /// <summary>Logarithm of the instructions after which a candidate's executions count for half as much.</summary>
    private const int EpochShift = 22;

    /// <summary>How many times as often a block is met before the code of an earlier run is looked for again.</summary>
    private const int RetryFactor = 20;

    /// <summary>Most regions that are kept of one run.</summary>
    private const int MaximumKept = 20_000;

    /// <summary>Dropped regions after which the collector is asked to give back their code.</summary>
    private const int CollectAfter = 256;

    /// <summary>Logarithm of the bytes of guest memory that have a count of rewritings together.</summary>
    private const int PieceShift = 6;

    /// <summary>Code that is rewritten again and again must run up to 2 to this power times as often to be compiled again.</summary>
    private const int MaximumBackOff = 16;

    private readonly CpuCore _core;
    private readonly Dictionary<nint, List<CompiledRegion>> _users = [];
    private readonly List<CompiledRegion> _dropped = [];

    /// <summary>Published regions by context, when there is a monitor.</summary>
    private readonly Dictionary<nint, CompiledRegion> _monitored = [];
    private readonly RegionVerifier? _verifier;
    private readonly BlockingCollection<CompiledRegion>? _toCompile;
    private readonly ConcurrentQueue<CompiledRegion> _compiled = new();
    private readonly ConcurrentQueue<string> _failures = new();
    private readonly Thread[] _compilers = [];
    private readonly RegionAging _aging;
    private readonly List<Candidate> _candidates = [];

    /// <summary>Blocks of regions that are being compiled, and their EIPs.</summary>
    private readonly Dictionary<nint, uint> _inFlight = [];

    /// <summary>How often compiled code was overwritten, by physical address.</summary>
    private readonly Dictionary<uint, int> _rewritten = [];
    private readonly RegionCache? _cache;

    /// <summary>What was compiled in this run and is to be kept.</summary>
    private readonly List<(Region Region, ulong Hash)> _toKeep = [];
    private readonly RegionGrowth? _growth;

    /// <summary>Regions for the thread that compiles anew, null without one.</summary>
    private readonly BlockingCollection<CompiledRegion>? _toGrow;
    private readonly RegionCounters? _counters;
    private int _uncollected;
    private int _outstanding;
    private bool _isGrowing;
    private long _nextDispatch;
    private long _compileTicks;
    private volatile bool _stopping;

    /// <summary>Creates a translator for a CPU; <see cref="Attach"/> it.</summary>
    /// <param name="core">The CPU.</param>
    /// <param name="options">How it works; null for the defaults.</param>
    public JitTranslator(CpuCore core, JitOptions? options = null)
    {
        _core = core;
        Options = options ?? new JitOptions();
        if (Options.Verify)
        {
            Monitor = _verifier = new RegionVerifier(core);
        }

        _aging = new RegionAging(Options.CodeLimit, Evict);
        _counters = Options.Count ? new RegionCounters() : null;
        if (Options.CacheDirectory is not null && Options.HotThreshold > 1 && !Options.Count)
        {
            _cache = RegionCache.Load(Options.CacheDirectory, CachePrefix, RegionCache.Identity(core.Model), Options.Warn ?? (_ => { }));
        }

        if (Options.Background && Options.HotThreshold != 0 && !Options.Verify)
        {
            _toCompile = [];
            _toGrow = [];
            _growth = new RegionGrowth(core, CompileAnew);
            _compilers = new Thread[Math.Clamp(Options.Threads, 1, JitOptions.MaximumThreads) + 1];
            for (int i = 0; i < _compilers.Length; i++)
            {
                BlockingCollection<CompiledRegion> source = i == 0 ? _toGrow : _toCompile;
                _compilers[i] = new Thread(() => CompileLoop(source)) { IsBackground = true, Name = i == 0 ? "region recompiler" : "region compiler" };
                _compilers[i].Start();
            }
        }
    }

    /// <summary>How it works.</summary>
    public JitOptions Options { get; }

    /// <summary>The first region whose result was not the interpreter's, when <see cref="JitOptions.Verify"/> is set; the run was asked to stop.</summary>
    public Divergence? Divergence => _verifier?.Divergence;

    /// <summary>Runs of regions that were verified.</summary>
    public long Comparisons => _verifier?.Comparisons ?? 0;

    /// <summary>Ways from one region into another that were verified.</summary>
    public long TransfersCompared => _verifier?.Transfers ?? 0;

    /// <summary>Guest instructions that were verified.</summary>
    public long InstructionsCompared => _verifier?.InstructionsCompared ?? 0;

    /// <summary>Watches or checks each run of a region; set it before anything is compiled.</summary>
    internal RegionMonitor? Monitor { get; init => field = _verifier ?? value; }

    /// <summary>Regions that the compiling threads could not compile: errors of ours, each told by <see cref="JitOptions.Warn"/>.</summary>
    public long CompileFailures { get; private set; }

    /// <summary>Regions published.</summary>
    public long RegionsCompiled { get; private set; }

    /// <summary>Of the regions published, those that come from an earlier run.</summary>
    public long RegionsKept { get; private set; }

    /// <summary>Of the regions published, those compiled anew because much time was spent in a provisional one.</summary>
    public long RegionsGrown { get; private set; }

    /// <summary>Regions dropped because their code changed, before or after they were published.</summary>
    public long RegionsDropped { get; private set; }

    /// <summary>Regions dropped because there were more than <see cref="JitOptions.CodeLimit"/> allows.</summary>
    public long RegionsEvicted { get; private set; }

    /// <summary>Guest instructions in all published regions.</summary>
    public long InstructionsCompiled { get; private set; }

    /// <summary>Host time spent emitting and compiling, of all threads.</summary>
    public TimeSpan CompileTime => Stopwatch.GetElapsedTime(0, Interlocked.Read(ref _compileTicks));

    /// <summary>What is asked of the code of all regions.</summary>
    private EmitModes Modes => (Monitor?.Modes ?? EmitModes.None) | (Options.Unoptimized ? EmitModes.Unoptimized : EmitModes.None)
        | (_counters is null ? EmitModes.None : EmitModes.Count);

    /// <summary>Makes it the CPU's translator. Call between two runs.</summary>
    public void Attach() => _core.SetTranslator(this);

    /// <inheritdoc/>
    public override int HeatOf(uint physical) =>
        _cache is not null && _cache.Contains(physical) && !_rewritten.ContainsKey(physical >> PieceShift)
            ? 1
            : _rewritten.TryGetValue(physical >> PieceShift, out int times) && Options.BacksOff
            ? (int)Math.Min(Math.Max(1L, Options.HotThreshold) << Math.Min(times, MaximumBackOff), int.MaxValue / 2)
            : Math.Max(1, Options.HotThreshold);

    /// <inheritdoc/>
    public override void Hot(CpuState* s, Block* block)
    {
        if (IsCovered((nint)block, s->Eip) || Wake(block, s->Eip))
        {
            return;
        }

        if (_cache is not null && block->HeatStart < Options.HotThreshold)
        {
            if (!TakeKept(block))
            {
                // Not the code of the earlier run, or not all of it is there yet.
                block->HeatStart = Math.Min(Math.Max(1, Options.HotThreshold), block->HeatStart * RetryFactor);
                block->Heat = block->HeatStart;
            }

            return;
        }

        if (_toCompile is null)
        {
            if (Build(block, CodePlace.Of(s)) is { } region)
            {
                Compile(region);
                Publish(region);
            }

            return;
        }

        _candidates.Add(new Candidate(block, CodePlace.Of(s), _core.Retired >> EpochShift));
        Dispatch();
    }

    /// <inheritdoc/>
    public override void FinishFlags(CpuState* s) => DeferredFlags.Finish(s);

    /// <inheritdoc/>
    public override void Dropped(Block* block)
    {
        _inFlight.Remove((nint)block);
        if (_users.Remove((nint)block, out List<CompiledRegion>? regions))
        {
            if (regions.Count != 0)
            {
                _rewritten[block->Physical >> PieceShift] = _rewritten.GetValueOrDefault(block->Physical >> PieceShift) + 1;
            }

            foreach (CompiledRegion region in regions)
            {
                Drop(region, block);
            }
        }
    }

    /// <inheritdoc/>
    public override void DropAll()
    {
        _growth?.Clear();
        _candidates.Clear();
        _inFlight.Clear();
        _monitored.Clear();
        foreach (List<CompiledRegion> regions in _users.Values)
        {
            foreach (CompiledRegion region in regions)
            {
                if (region.Invalidate())
                {
                    JitEventSource.Instance.Dropped();
                    TraceDropped(region, "all decoded code was dropped");
                    RegionsDropped++;
                    _dropped.Add(region);
                }
            }
        }

        _users.Clear();
    }

    /// <inheritdoc/>
    public override void Poll()
    {
        // No region runs now, so what was dropped may be collected.
        if (_dropped.Count != 0)
        {
            _uncollected += _dropped.Count;
            _dropped.Clear();
            if (_uncollected >= CollectAfter)
            {
                // The collector does not see how much host code hangs on these objects, and would wait for long.
                _uncollected = 0;
                GC.Collect();
            }
        }

        while (_compiled.TryDequeue(out CompiledRegion? region))
        {
            if (region.Replaces is null)
            {
                _outstanding--;
            }
            else
            {
                _isGrowing = false;
            }

            Publish(region);
        }

        _growth?.Sample(_outstanding == 0 && _candidates.Count == 0);
        while (_failures.TryDequeue(out string? failure))
        {
            CompileFailures++;
            Options.Warn?.Invoke(failure);
        }

        _aging.Poll();

        // A look at all candidates costs as much as some dozens of instructions for each of them, and slices can be short.
        if (_candidates.Count != 0 && (_outstanding == 0 || _core.Retired >= _nextDispatch))
        {
            Dispatch();
            _nextDispatch = _core.Retired + (_candidates.Count * InstructionsPerCandidate);
        }
    }

    /// <summary>Stops the compiling threads.</summary>
    public void Dispose()
    {
        _stopping = true;
        _toCompile?.CompleteAdding();
        _toGrow?.CompleteAdding();
        foreach (Thread compiler in _compilers)
        {
            compiler.Join();
        }

        _toCompile?.Dispose();
        _toGrow?.Dispose();
        _verifier?.Dispose();
    }

    /// <summary>Runs in place of regions when there is a monitor.</summary>
    private static int EnterMonitored(CpuState* s, nint context, int entry)
    {
        JitTranslator translator = (JitTranslator)CpuCore.Of(s).Blocks.Translator!;
        return translator.Monitor!.Run(s, translator._monitored[context], context, entry);
    }

    private void CompileLoop(BlockingCollection<CompiledRegion> source)
    {
        bool isPrepared = source != _toGrow;
        foreach (CompiledRegion region in source.GetConsumingEnumerable())
        {
            if (_stopping)
            {
                return;
            }

            if (!isPrepared)
            {
                // A guest that runs for so long may come to programs, and this thread is in no hurry.
                isPrepared = true;
                X87Preparation.Prepare();
            }

            try
            {
                Compile(region);
            }
            catch (Exception e) when (e is not OutOfMemoryException)
            {
                // An error of ours must not take the guest down: its code stays with the interpreter, and the user hears of it.
                _failures.Enqueue($"the code at {region.Region.Entry.Eip:X8} could not be compiled, the interpreter goes on with it: {e.Message}");
            }

            _compiled.Enqueue(region);
        }
    }

    private void Compile(CompiledRegion region)
    {
        long start = Stopwatch.GetTimestamp();
        if (region.IsValid)
        {
            region.Compile(Modes, _counters?.Address ?? 0);
            region.CompileTime = Stopwatch.GetElapsedTime(start);
            JitEventSource.Instance.Compiled(region.CompileTime, region.IlBytes);
        }

        Interlocked.Add(ref _compileTicks, Stopwatch.GetTimestamp() - start);
    }

    private void Publish(CompiledRegion region)
    {
        if (!region.IsValid)
        {
            return;
        }

        foreach (nint block in region.Replaces is null ? region.Requested : [])
        {
            _inFlight.Remove(block);
        }

        if (region.Entry != null)
        {
            List<CompiledRegion> before = region.Replaces is null ? [] : MakeRoom(region);
            region.Publish(Monitor is null ? null : &EnterMonitored);
            foreach (CompiledRegion old in before)
            {
                if (!old.IsEntered)
                {
                    Retire(old);
                }
            }

            if (region.Replaces is not null)
            {
                RegionsGrown++;
            }

            if (region.IsProvisional)
            {
                _growth?.Add(region);
            }

            if (Monitor is not null)
            {
                _monitored[region.Context] = region;
            }

            if (region.IsKept)
            {
                RegionsKept++;
            }
            else if (region.Replaces is not { IsKept: true } && _cache is not null && _toKeep.Count < MaximumKept && region.Region.IsCodeFlat && RegionHash.Of(_core.Memory, region.Region.Blocks.Select(Place)) is { } hash)
            {
                _toKeep.Add((region.Region, hash));
            }

            _aging.Add(region);
            RegionsCompiled++;
            IlBytes += region.IlBytes;
            TracePublished(region);
            InstructionsCompiled += region.Region.InstructionCount;
            if (region.Region.Blocks.Count != region.Requested.Length)
            {
                HashSet<nint> compiled = [.. region.Region.Blocks.Select(b => (nint)b.Source)];
                foreach (nint left in region.Requested)
                {
                    if (!compiled.Contains(left))
                    {
                        ((Block*)left)->Heat = ((Block*)left)->HeatStart;
                    }
                }
            }
        }
    }

    private void Drop(CompiledRegion region, Block* changed)
    {
        if (!region.Invalidate())
        {
            return;
        }

        JitEventSource.Instance.Dropped();
        if (Trace is not null)
        {
            TraceDropped(region, string.Create(CultureInfo.InvariantCulture, $"the code at physical {changed->Physical:x8} was overwritten"));
        }

        RegionsDropped++;
        LetGo(region);
    }

    /// <summary>Drops a region that was not used for long.</summary>
    private void Evict(CompiledRegion region)
    {
        if (region.Invalidate())
        {
            JitEventSource.Instance.Dropped();
            TraceDropped(region, "there is more compiled code than the limit, and it ran least recently");
            RegionsEvicted++;
            LetGo(region);
        }
    }

    /// <summary>Lets the blocks of an invalid region become hot anew.</summary>
    private void LetGo(CompiledRegion region)
    {
        _monitored.Remove(region.Context);
        _growth?.Remove(region);
        _dropped.Add(region);
        foreach (nint requested in region.Requested)
        {
            Block* block = (Block*)requested;
            _inFlight.Remove(requested);
            if (block->IsValid != 0)
            {
                // What is still as it was.
                block->Heat = block->HeatStart;
                if (_users.TryGetValue(requested, out List<CompiledRegion>? users))
                {
                    users.Remove(region);
                }
            }
        }
    }

    /// <summary>Publishes the region of a block again, if it rests.</summary>
    private bool Wake(Block* block, uint eip)
    {
        if (_users.TryGetValue((nint)block, out List<CompiledRegion>? users))
        {
            foreach (CompiledRegion region in users)
            {
                if (region.IsResting && region.IsValid && region.Region.Blocks.Any(b => b.Source == block && b.Eip == eip))
                {
                    region.Publish(Monitor is null ? null : &EnterMonitored);
                    _aging.Wake(region);
                    return true;
                }
            }
        }

        return false;
    }

    /// <summary>Whether a block is part of a region that runs or is being compiled, at this address.</summary>
    private bool IsCovered(nint block, uint eip) =>
        (((Block*)block)->Compiled != null && ((Block*)block)->CompiledEip == eip) || (_inFlight.TryGetValue(block, out uint other) && other == eip);

    /// <summary>Gives the compiling threads the hottest candidates until they have enough to do.</summary>
    private void Dispatch()
    {
        long epoch = _core.Retired >> EpochShift;
        while (_outstanding < _compilers.Length - 1 + MaximumWaiting)
        {
            int best = -1;
            long bestWeight = 0;
            int kept = 0;
            for (int i = 0; i < _candidates.Count; i++)
            {
                Candidate candidate = _candidates[i];
                if (candidate.Block->IsValid == 0 || IsCovered((nint)candidate.Block, candidate.Place.Eip))
                {
                    continue;
                }

                long weight = candidate.Weigh(epoch);
                if (weight > bestWeight && _core.Blocks.Find(_core.State, candidate.Block->ModeKey, candidate.Place.Eip, candidate.Place.Base, decode: false) == candidate.Block)
                {
                    best = kept;
                    bestWeight = weight;
                }

                _candidates[kept++] = candidate;
            }

            _candidates.RemoveRange(kept, _candidates.Count - kept);
            if (best < 0)
            {
                return;
            }

            Candidate chosen = _candidates[best];
            _candidates[best] = _candidates[^1];
            _candidates.RemoveAt(_candidates.Count - 1);
            if (Build(chosen.Block, chosen.Place) is { } region)
            {
                _outstanding++;
                _toCompile!.Add(region);
            }
        }
    }

    private CompiledRegion? Build(Block* block, CodePlace place)
    {
        long clears = _core.Blocks.Clears;
        int limit = _growth is null ? Options.RegionInstructions : Math.Min(Options.FirstInstructions, Options.RegionInstructions);
        Region region = RegionBuilder.Build(_core, block, place, Options, limit, IsCovered);
        if (_core.Blocks.Clears != clears || block->IsValid == 0)
        {
            return null;
        }

        if (Trace is not null)
        {
            TraceFound(region, string.Create(CultureInfo.InvariantCulture, $"block {place.Eip:x8} was entered {RegionBuilder.Entries(block)} times"));
        }

        CompiledRegion compiled = new(region) { IsProvisional = region.IsBrief };
        Register(compiled);
        return compiled;
    }

    /// <summary>Notes which blocks a region consists of, so that it is dropped with any of them.</summary>
    private void Register(CompiledRegion compiled)
    {
        foreach (RegionBlock b in compiled.Region.Blocks)
        {
            if (compiled.Replaces is null)
            {
                _inFlight[(nint)b.Source] = b.Eip;
            }

            if (!_users.TryGetValue((nint)b.Source, out List<CompiledRegion>? list))
            {
                _users[(nint)b.Source] = list = [];
            }

            list.Add(compiled);
        }
    }

    /// <summary>A hot block that waits for a compiling thread.</summary>
    private sealed class Candidate(Block* block, CodePlace place, long epoch)
    {
        private int _seen = RegionBuilder.Entries(block);
        private long _epoch = epoch;
        private long _instructions;

        public Block* Block { get; } = block;

        public CodePlace Place { get; } = place;

        /// <summary>
        /// Instructions that were executed of it, those of earlier epochs for half as much with each: what a program that has ended left behind
        /// must not come before the code that runs now.
        /// </summary>
        public long Weigh(long epoch)
        {
            int entries = RegionBuilder.Entries(Block);
            long passed = epoch - _epoch;
            _instructions = (_instructions >> (int)Math.Min(passed, 62)) + ((long)Math.Max(0, entries - _seen) * Block->OpCount / Math.Max(1, passed));
            _seen = entries;
            _epoch = epoch;
            return _instructions + Block->OpCount;
        }
    }
}
